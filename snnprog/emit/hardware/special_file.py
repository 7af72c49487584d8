"""The hardware of one program as a Verilog file: ``P.v``, with a module ``P`` and its parts.

Beside ``P`` there is ``P_with_states``, which also shows the currents and potentials of all neurons: ``P`` is made of
it, and leaves them open, so that a synthesis takes them away. Simulations take the one or the other.
"""

from __future__ import annotations

from pathlib import Path

from snnprog.emit.c.emitter import program_digest
from snnprog.emit.c.names import checked_prefix, prefix_of
from snnprog.emit.constants import constants_of
from snnprog.emit.hardware.special import STATE_BITS, SpecialProgram
from snnprog.emit.hardware.special_plan import SpecialPlan
from snnprog.emit.hardware.yosys import verilog_of
from snnprog.errors import SpecError
from snnprog.output_files import write_bytes
from snnprog.program import Program
from snnprog.version import __version__
from snnprog.wording import counted

WITH_STATES = "with_states"
RESERVED = (
    "accept_on alias always always_comb always_ff always_latch and assert assign assume automatic before begin"
    " bind bins binsof bit buf bufif0 bufif1 byte case casex casez cell chandle checker class clocking cmos config"
    " constraint context cover covergroup coverpoint cross deassign default defparam design disable dist edge else"
    " end endcase endchecker endclass endclocking endconfig endfunction endgenerate endgroup endinterface"
    " endmodule endpackage endprimitive endprogram endproperty endsequence endspecify endtable endtask event"
    " eventually expect export extends final first force foreach forever fork function generate genvar global"
    " highz0 highz1 if ifdef iff ifnone ignore_bins illegal_bins implements implies import incdir include initial"
    " inout input inside instance int integer interconnect interface intersect join join_any join_none large let"
    " liblist library local localparam logic longint macromodule matches medium modport module nand negedge"
    " nettype new nexttime nmos nor noshowcancelled not notif0 notif1 null or output package packed parameter pmos"
    " posedge primitive priority program property protected pull0 pull1 pulldown pullup pulsestyle_ondetect"
    " pulsestyle_onevent pure rand randc randcase randsequence rcmos real realtime ref reg reject_on release"
    " repeat restrict return rnmos rpmos rtran rtranif0 rtranif1 s_always s_eventually s_nexttime s_until"
    " s_until_with scalared sequence shortint shortreal showcancelled signed small soft solve specify specparam"
    " static string strong strong0 strong1 super supply0 supply1 sync_accept_on sync_reject_on table tagged task"
    " this throughout time timeprecision timeunit tran tranif0 tranif1 tri tri0 tri1 triand trior trireg type"
    " type_option typedef union unique unique0 unsigned until until_with untyped use uwire var vectored virtual"
    " void wait wait_order wand weak weak0 weak1 while wildcard wire with within wor xnor xor"
)
"""Reserved words of SystemVerilog (IEEE 1800-2017, annex B) that are valid names otherwise."""
KEYWORDS = frozenset(RESERVED.split())


def special_verilog(program: Program, *, name: str) -> str:
    """Return the Verilog of a program: module ``name``, ``name_with_states``, and their submodules.

    Raises
    ------
    SpecError
        If the rule cannot be made in hardware, the program is too large for hardware of its own, or Yosys is missing.
    """
    plan = SpecialPlan.of(program)
    component = SpecialProgram(plan, states=True)
    inner = verilog_of(component, name=f"{name}_{WITH_STATES}", has_contents=True)
    _, _, modules = inner.partition("*/\n")  # without what Yosys says of itself
    return "\n".join([*_about(plan, component), "", *_plain_module(plan, component, name=name), modules])


def write_special(path: Path, program: Program, *, prefix: str | None = None) -> list[Path]:
    """Write a program to ``P.v``; return its path.

    Parameters
    ----------
    prefix : str, optional
        The module's name; by default the file's stem, made an identifier: a keyword gets an underscore.

    Raises
    ------
    SpecError
        As `special_verilog` does, or if the prefix is a keyword.
    FormatError
        If the file cannot be written.
    """
    name = _module_name(path.stem) if prefix is None else checked_prefix(prefix)
    if name in KEYWORDS:
        raise SpecError(f"prefix {name!r} is a keyword of Verilog; choose another one, such as {name + '_net'!r}")
    write_bytes(path, special_verilog(program, name=name).encode("ascii"))
    return [path]


def _module_name(stem: str) -> str:
    name = prefix_of(stem)
    return f"{name}_" if name in KEYWORDS else name


def _about(plan: SpecialPlan, component: SpecialProgram) -> list[str]:
    program = plan.program
    form = "in one clock" if plan.is_parallel else f"in {plan.clocks} clocks: one for each line and delay, and two"
    widths = [
        f"//   {name}: {max(plan.widths(name), default=0)}"
        for name in program.chip.rule.registers
        if max(plan.widths(name), default=0)
    ]
    named = constants_of(program)
    counts = f", {plan.output_bits} bits each" if plan.output_bits > 1 else ""
    read = [f"//   readouts     potentials of outputs that are read by them, {STATE_BITS} bits each"]
    return [
        f"// Made by snnprog {__version__}: do not edit.",
        "//",
        f"// Program {program_digest(program)}: {counted(program.n_inputs, 'input')},"
        f" {counted(program.n_neurons, 'neuron')}, {counted(program.n_outputs, 'output')},"
        f" {counted(program.n_synapses, 'synapse')};",
        f"// rule {program.chip.rule.name} of {program.chip.name}. A tick is done {form}.",
        f"// About {plan.cells:,} logic cells (an estimate). Bits of the widest register of each kind, proved for any",
        "// input:",
        *widths,
        "//",
        "//   rst          high for a clock: back to rest",
        *(["//   inputs       bit i: input i spikes in this tick; taken with tick"] if program.n_inputs else []),
        "//   tick         high for a clock, while ready is high: run a tick",
        "//   ready        no tick is under way",
        f"//   done         high for a clock: from then on, outputs (bit i: output i{counts}) are those of the tick",
        *(read if program.is_read_by_potential.any() else []),
        *(
            ["//", "// The constants INPUT_ and OUTPUT_ below are the bits of inputs and outputs, by name."]
            if named
            else []
        ),
    ]


def _plain_module(plan: SpecialPlan, component: SpecialProgram, *, name: str) -> list[str]:
    widths = {"clk": 1, "rst": 1, "inputs": plan.program.n_inputs, "tick": 1}
    outputs = {"ready": 1, "done": 1}
    outputs |= {port: len(getattr(component, port)) for port in ("outputs", "readouts") if hasattr(component, port)}
    ports = [f"  input {_range(width)}{port}" for port, width in widths.items() if width]
    ports += [f"  output {_range(width)}{port}" for port, width in outputs.items()]
    joined = [f"    .{port}({port})" for port, width in (widths | outputs).items() if width]
    return [
        f"module {name} (",
        ",\n".join(ports),
        ");",
        *(f"  localparam {constant} = {number};" for constant, number in constants_of(plan.program).items()),
        f"  {name}_{WITH_STATES} program_ (",
        ",\n".join([*joined, "    .currents()", "    .potentials()"]),
        "  );",
        "endmodule",
    ]


def _range(width: int) -> str:
    return f"[{width - 1}:0] " if width > 1 else ""
