"""FPGA boards as data: the device, its cores, the pins of the serial line, and the command to load a bitstream.

Pins are facts from the boards' public documentation; each board says where they stand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from snnprog.emit.board_names import check_board
from snnprog.emit.hardware.parts import check_size
from snnprog.emit.hardware.plan import MOST_CORES, CorePlan, CoreSize
from snnprog.errors import LimitError
from snnprog.program import Program

BAUD = 1_000_000
"""A choice: FT232H, FT2232H, FT231X and CMSIS-DAP bridges have it exactly, and so have 24 and 50 MHz."""


@dataclass(frozen=True)
class Pll:
    """The dividers of an ECP5's PLL, as ``ecppll`` finds them: it makes ``crystal * feedback / input`` Hz.

    Attributes
    ----------
    input, feedback, output : int
    """

    input: int
    feedback: int
    output: int


@dataclass(frozen=True)
class Device:
    """An FPGA, with its names in the tools.

    Attributes
    ----------
    name : str
    family : str
        "ice40" or "ecp5": which nextpnr places it.
    options : tuple of str
        Options of nextpnr that name device and package.
    clock_hz : int
        What the core is clocked with, whatever the board's crystal.
    sizes : tuple of CoreSize
        Cores that it has room for, one or several; a program gets the first that have room for it.
    pll : Pll
        Of an ECP5.
    """

    name: str
    family: str
    options: tuple[str, ...]
    clock_hz: int
    sizes: tuple[CoreSize, ...]
    pll: Pll = Pll(1, 2, 12)


SIMULATED_SIZES = tuple(CoreSize(cores=cores, inputs=256 * cores) for cores in (1, 2, 4, 8, MOST_CORES))
"""Simulated by default: as many cores of the usual size as necessary."""

UP5K = Device("iCE40UP5K", "ice40", ("--up5k", "--package", "sg48"), 24_000_000, (CoreSize(),))
"""Its PLL makes 24 MHz from 12 MHz: `icepll -i 12 -o 24`."""

ECP5_SIZES = (
    CoreSize(neurons=1024, inputs=1024, synapses=8192, longest_delay=15),
    CoreSize(longest_delay=31),
    CoreSize(synapses=8192),
    CoreSize(inputs=512, synapses=4096, longest_delay=31, cores=2),
)
"""Memory is the limit: of 56 block RAMs they take, measured for the chip fpga, 49, 48, 42 and 55. With 1,024 neurons,
spikes that are under way with delays to 63 would take 76 alone."""
ECP5_85_SIZES = (
    CoreSize(),
    CoreSize(inputs=1024, synapses=8192, cores=4),
    CoreSize(inputs=512, longest_delay=31, cores=4),
)
"""Of 208 block RAMs they take, measured for the chip fpga, 58, 185 and 205."""
ECP5_BG381 = Device("LFE5U-25F", "ecp5", ("--25k", "--package", "CABGA381", "--speed", "6"), 50_000_000, ECP5_SIZES)
ECP5_BG256 = Device("LFE5U-25F", "ecp5", ("--25k", "--package", "CABGA256", "--speed", "6"), 50_000_000, ECP5_SIZES)
"""Their PLL makes 50 MHz from 25 MHz: `ecppll -i 25 -o 50`."""
ECP5_85_BG381 = Device(
    "LFE5U-85F",
    "ecp5",
    ("--85k", "--package", "CABGA381", "--speed", "6"),
    40_000_000,
    ECP5_85_SIZES,
    Pll(5, 8, 15),
)
"""Its PLL makes 40 MHz: `ecppll -i 25 -o 40`. Wires are longer on the larger chip: with 50 MHz as its aim, nextpnr
placed four cores for 49.3 MHz."""


@dataclass(frozen=True)
class FpgaBoard:
    """A commercial board.

    Attributes
    ----------
    name : str
        On the command line.
    title : str
        As it is sold.
    device : Device
    clock_pin, rx_pin, tx_pin : str
        The crystal's, and those of the serial line: the board receives on rx and sends on tx.
    crystal_hz : int
    flash : str
        The command that writes the bitstream into the board's flash.
    connect : str
        What to connect or solder, in sentences.
    source : str
        Where the pins stand.
    is_clock_pad : bool
        Whether the crystal's pin is the PLL's own, on an iCE40.
    high_pins : tuple of (str, str)
        Further pins that must be high, name and pin.
    """

    name: str
    title: str
    device: Device
    clock_pin: str
    rx_pin: str
    tx_pin: str
    crystal_hz: int = field(kw_only=True)
    flash: str = field(kw_only=True)
    connect: str = field(kw_only=True)
    source: str = field(kw_only=True)
    is_clock_pad: bool = field(kw_only=True, default=False)
    high_pins: tuple[tuple[str, str], ...] = field(kw_only=True, default=())

    @property
    def bitstream(self) -> str:
        """The name of the bitstream's file."""
        return "top.bin" if self.device.family == "ice40" else "top.bit"

    @property
    def divider(self) -> int:
        """The clocks in a bit of the serial line."""
        return round(self.device.clock_hz / BAUD)


BOARDS: Mapping[str, FpgaBoard] = MappingProxyType(
    {
        board.name: board
        for board in (
            FpgaBoard(
                "icebreaker",
                "iCEBreaker V1.0e",
                UP5K,
                clock_pin="35",
                rx_pin="6",
                tx_pin="9",
                crystal_hz=12_000_000,
                is_clock_pad=True,
                flash="iceprog top.bin",
                connect="Its USB cable is all it needs: of the two serial ports that appear, the second is the core's.",
                source="icebreaker-fpga/icebreaker-verilog-examples, icebreaker/icebreaker.pcf; amaranth-boards 0.0.21",
            ),
            FpgaBoard(
                "upduino",
                "UPduino v3.0 and v3.1",
                UP5K,
                clock_pin="20",
                rx_pin="15",
                tx_pin="14",
                crystal_hz=12_000_000,
                high_pins=(("flash_select", "16"),),
                flash="iceprog top.bin",
                connect=(
                    "Close the jumper OSC (R16) with solder: it connects the 12 MHz oscillator with pin 20. The USB"
                    " cable does the rest; the serial line shares its pins with the flash, which is kept deselected."
                ),
                source=(
                    "tinyvision-ai-inc/UPduino-v3.0, RTL/common/upduino.pcf: serial_txd 14, serial_rxd 15, spi_ssn 16;"
                    " amaranth-boards 0.0.21 for the oscillator"
                ),
            ),
            FpgaBoard(
                "ulx3s",
                "ULX3S with an LFE5U-25F",
                ECP5_BG381,
                clock_pin="G2",
                rx_pin="M1",
                tx_pin="L4",
                crystal_hz=25_000_000,
                flash="openFPGALoader -b ulx3s -f top.bit",
                connect="The USB cable at the port US1 is all it needs.",
                source="emard/ulx3s, doc/constraints/ulx3s_v20.lpf (ftdi_txd M1, ftdi_rxd L4); amaranth-boards 0.0.21",
            ),
            FpgaBoard(
                "ulx3s-85f",
                "ULX3S with an LFE5U-85F",
                ECP5_85_BG381,
                clock_pin="G2",
                rx_pin="M1",
                tx_pin="L4",
                crystal_hz=25_000_000,
                flash="openFPGALoader -b ulx3s -f top.bit",
                connect="The USB cable at the port US1 is all it needs.",
                source="emard/ulx3s, doc/constraints/ulx3s_v20.lpf, the same for all its FPGAs (see ulx3s)",
            ),
            FpgaBoard(
                "colorlight-i5",
                "Colorlight i5 v7.0 on its extension board",
                ECP5_BG381,
                clock_pin="P3",
                rx_pin="H18",
                tx_pin="J17",
                crystal_hz=25_000_000,
                flash="openFPGALoader -b colorlight-i5 -f top.bit",
                connect="The USB cable of the extension board carries both JTAG and the serial line.",
                source="litex-hub/litex-boards, colorlight_i5.py, after wuxx/Colorlight-FPGA-Projects",
            ),
            FpgaBoard(
                "colorlight-5a-75b",
                "Colorlight 5A-75B V7.0",
                ECP5_BG256,
                clock_pin="P6",
                rx_pin="M13",
                tx_pin="P11",
                crystal_hz=25_000_000,
                flash="openFPGALoader -b colorlight -c ft232 -f top.bit",
                connect=(
                    "Power it with 5 V. Connect a JTAG adapter of 3.3 V: J27 TCK, J31 TMS, J32 TDI, J30 TDO, J34 GND."
                    " Connect a serial adapter of 3.3 V to J19: its RX to DATA_LED-, where the board sends, its TX to"
                    " KEY+, where the board receives, and GND."
                ),
                source="q3k/chubby75, 5a-75b/hardware_V7.0.md; amaranth-boards 0.0.21",
            ),
        )
    }
)
"""By name."""


def find_board(name: str) -> FpgaBoard:
    """Return the board of that name.

    Raises
    ------
    SpecError
        If no board has that name.
    """
    check_board(name)
    return BOARDS[name]


def plan_for(program: Program, board: FpgaBoard) -> CorePlan:
    """Return the core, or the cores, of a program on a board: the first of the device with room for it.

    Raises
    ------
    SpecError
        If no core can be made for the rule of the program's chip.
    LimitError
        If none has room; it names what those lack that have the most neurons.
    """
    return first_plan(program, board.device.sizes)


def first_plan(program: Program, sizes: Sequence[CoreSize]) -> CorePlan:
    """Return the first of some cores that has room for a program; errors as `plan_for`."""
    sizes = [size for size in sizes if size.cores == 1 or not CorePlan(program.chip, sizes[0]).is_ordered]
    plans = [CorePlan(program.chip, size) for size in sizes]
    misfits: list[LimitError] = []
    for plan in plans:
        try:
            check_size(program, plan)
        except LimitError as error:
            misfits.append(error)
        else:
            return plan
    neurons = [size.cores * size.neurons for size in sizes]
    raise misfits[neurons.index(max(neurons))]
