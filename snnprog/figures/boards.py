"""The resources of a program on an FPGA board, and the tools' figures of the built core.

How much room the core has and how many clocks a tick takes is known from the program alone. Logic, memory blocks and
the largest clock are what nextpnr reports: they are read from the folder that ``snnprog export --board`` wrote, after
``make`` has built it there. Nothing is built here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from snnprog.documents import parse_json
from snnprog.emit.board_names import check_board
from snnprog.errors import FormatError
from snnprog.files.hdf5 import check_installed
from snnprog.program import Program

if TYPE_CHECKING:
    from snnprog.emit.hardware.plan import CorePlan

REPORT = "report.json"
ACTIVE_SHARE = 0.02
"""Of the lines that spike in an active tick: a choice."""

TOOL_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "ICESTORM_LC": "logic cells",
        "ICESTORM_RAM": "block RAM",
        "ICESTORM_SPRAM": "large RAM",
        "ICESTORM_DSP": "multipliers",
        "TRELLIS_COMB": "logic cells",
        "TRELLIS_FF": "flip-flops",
        "DP16KD": "block RAM",
        "MULT18X18D": "multipliers",
    }
)
"""Names in nextpnr of the parts of an iCE40 and of an ECP5 -> their kinds."""


@dataclass(frozen=True)
class Share:
    """How much of something is used.

    Attributes
    ----------
    used, available : int
    """

    used: int
    available: int


@dataclass(frozen=True)
class ToolReport:
    """The report of nextpnr about a placed design.

    Attributes
    ----------
    parts : mapping
        What the device has ("logic cells", "block RAM", …) -> how much of it is used.
    clock_mhz : float
        The largest clock at which the design works.
    """

    parts: Mapping[str, Share]
    clock_mhz: float


@dataclass(frozen=True)
class BoardFigures:
    """The use of a board's core by a program.

    Attributes
    ----------
    board, device : str
    cores : int
        How many there are, among which the neurons are divided.
    room : mapping
        What the core, or all of them together, have room for ("neurons", "inputs", "synapses", "longest delay") -> how
        much the program takes.
    clock_mhz : float
        What the core is clocked with.
    silent_ticks_per_s, active_ticks_per_s : int
        Without a spike, and where 2 % of all lines spike, each with the mean number of synapses; without the time that
        a serial line takes.
    tools : ToolReport or None
        None if the board's folder is not named, or not built.
    """

    board: str
    device: str
    cores: int
    room: Mapping[str, Share]
    clock_mhz: float
    silent_ticks_per_s: int
    active_ticks_per_s: int
    tools: ToolReport | None

    def as_dict(self) -> dict[str, object]:
        """Return them as plain data, by the names of the attributes."""
        return asdict(self)


def board_figures(program: Program, board: str | Path) -> BoardFigures:
    """Return the use of a board's core by a program.

    Parameters
    ----------
    program : Program
    board : str or Path
        A board's name, or the folder that `snnprog.export` wrote for one.

    Raises
    ------
    SpecError
        If the board is unknown, or Amaranth is not installed.
    LimitError
        If no core, nor all cores together, of the board have room for the program.
    FormatError
        If the folder's report cannot be read.
    """
    if not Path(board).is_dir():
        check_board(str(board))
    check_installed("amaranth", "counting the clocks of a core", extra="fpga")
    from snnprog.emit.hardware.boards import find_board, plan_for
    from snnprog.emit.hardware.folder import ABOUT, board_of
    from snnprog.emit.hardware.timing import clocks_of

    folder = Path(board)
    is_folder = (folder / ABOUT).exists()
    found = find_board(board_of(folder) if is_folder else str(board))
    plan = plan_for(program, found)
    silent, active = (clocks_of(program, plan, share=share) for share in (0.0, ACTIVE_SHARE))
    return BoardFigures(
        board=found.name,
        device=found.device.name,
        cores=plan.size.cores,
        room=_room(program, plan),
        clock_mhz=found.device.clock_hz / 1e6,
        silent_ticks_per_s=round(found.device.clock_hz / silent),
        active_ticks_per_s=round(found.device.clock_hz / active),
        tools=read_tool_report(folder / REPORT) if is_folder and (folder / REPORT).exists() else None,
    )


def read_tool_report(path: Path) -> ToolReport:
    """Return the content of a ``report.json`` of nextpnr.

    Raises
    ------
    FormatError
        If it is not a report of nextpnr.
    """
    try:
        document: Any = parse_json(path.read_bytes())
        parts = {
            TOOL_NAMES[name]: Share(int(entry["used"]), int(entry["available"]))
            for name, entry in document["utilization"].items()
            if name in TOOL_NAMES
        }
        clocks = [float(entry["achieved"]) for entry in document["fmax"].values()]
        return ToolReport(parts, min(clocks))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise FormatError(
            f"{path} is not a report of nextpnr ({error!r}); run 'make clean' and 'make' there"
        ) from error


def _room(program: Program, plan: CorePlan) -> dict[str, Share]:
    size = plan.size
    return {
        "neurons": Share(program.n_neurons, size.cores * size.neurons),
        "inputs": Share(program.n_inputs, size.inputs),
        "synapses": Share(program.n_synapses, size.cores * size.synapses),
        "longest delay": Share(int(program.delay.max(initial=0)), size.longest_delay),
    }
