"""Tables for the terminal; plain text where the output is no terminal."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:  # what is shown is named, not made here: a table costs no solver's import
    from snnprog.compiler import Deviation
    from snnprog.program import Program
    from snnprog.quantize import NeuronReport
    from snnprog.verification import Verification

Row = Sequence[object]

SHOWN_NEURONS = 40
SHOWN_BINS = 6


def print_table(console: Console, title: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Print a table; numbers align right."""
    lines = [[_text(cell) for cell in row] for row in rows]
    table = Table(title=title, title_justify="left", title_style="bold", header_style="bold", box=None, pad_edge=False)
    for index, column in enumerate(columns):
        numeric = bool(lines) and all(line[index][:1] in "+-0123456789∞" for line in lines)
        table.add_column(column, justify="right" if numeric else "left")
    for line in lines:
        table.add_row(*map(Text, line))
    console.print(table)


def print_neurons(console: Console, neurons: Sequence[NeuronReport]) -> None:
    """Print what became of each output."""
    columns = ("output", "status", "margin (LSB)", "synapses", "exponent", "threshold", "bias", "portable for")
    rows = [
        (
            n.name if n.is_hidden else n.output,
            n.status,
            n.margin,
            n.synapses,
            n.exponent,
            n.threshold,
            n.bias,
            n.portable_for,
        )
        for n in neurons[:SHOWN_NEURONS]
    ]
    print_table(console, "Outputs", columns, rows)
    if len(neurons) > SHOWN_NEURONS:
        console.print(f"… and {len(neurons) - SHOWN_NEURONS} more; --json lists all")


def print_deviations(console: Console, deviations: Sequence[Deviation]) -> None:
    """Print the outputs that differ from their targets, with the first of their wrong bins."""
    columns = ("output", "wrong bins", "distance", "first wrong bins (pattern:tick)")
    rows = []
    for deviation in deviations[:SHOWN_NEURONS]:
        first = ", ".join(f"{pattern}:{tick} {kind}" for pattern, tick, kind in deviation.wrong[:SHOWN_BINS])
        more = len(deviation.wrong) - SHOWN_BINS
        first += f" and {more} more" if more > 0 else ""
        rows.append((deviation.output, len(deviation.wrong), sum(deviation.distances), first))
    if rows:
        print_table(console, "Differences from the targets", columns, rows)


def print_verification(console: Console, verification: Verification) -> None:
    """Print each backend's answer, and its first divergence."""
    rows = [
        (
            name,
            "yes" if check.exact else "NO",
            check.wrong_bins,
            "yes" if check.is_identical else "NO",
            "yes" if check.is_portable else "NO",
            ", ".join(f"{package} {version}" for package, version in check.versions.items()),
        )
        for name, check in verification.backends.items()
    ]
    columns = ("backend", "exact", "wrong bins", f"equals {verification.against}", "portable", "ran on")
    print_table(console, "Verification", columns, rows)
    for check in verification.backends.values():
        if check.first_divergence is not None:
            console.print(str(check.first_divergence))


def print_program(console: Console, program: Program) -> None:
    """Print what a program holds and where it came from."""
    rows: list[Row] = [(name, value) for name, value in program_summary(program).items() if not _is_nested(value)]
    print_table(console, "Program", ("what", "value"), rows)


def print_provenance(console: Console, program: Program) -> None:
    """Print what the file says became of each output, and of each hidden neuron."""
    columns = ("output", "status", "margin", "synapses", "portable_for")
    rows = []
    for key, name in (("neurons", "{}"), ("hidden", "hidden neuron {}")):
        told = program.provenance.get(key)
        for neuron in told if isinstance(told, list) else []:
            if isinstance(neuron, dict):
                cells = [neuron.get(column, "") for column in columns]
                rows.append([name.format(cells[0]), *cells[1:]])
    if rows:
        print_table(console, "Outputs", columns, rows)


def program_summary(program: Program) -> dict[str, object]:
    """Return what a program holds and where it came from, as plain data."""
    return {
        "chip": program.chip,
        "inputs": program.n_inputs,
        "neurons": program.n_neurons,
        "outputs": program.n_outputs,
        "hidden neurons": program.n_neurons - program.n_outputs,
        "synapses": program.n_synapses,
        "delays": _span(program.delay.tolist()),
        "weights": _span(program.weight.tolist()),
        "exponents": _span(program.exponent.tolist()),
        "thresholds": _span(program.threshold.tolist()),
        "current decays": _span(program.current_decay.tolist()),
        "potential decays": _span(program.potential_decay.tolist()),
        "biases": _span(program.bias.tolist()),
        "refractory periods": _span(program.refractory.tolist()),
        "recurrent": bool((program.pre >= program.n_inputs).any()),
        "provenance": dict(program.provenance),
    }


def _is_nested(value: object) -> bool:
    return isinstance(value, (Mapping, list))


def _span(values: Sequence[int]) -> str:
    if not values:
        return "none"
    low, high = min(values), max(values)
    return str(low) if low == high else f"{low} to {high}"


def _text(cell: object) -> str:
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float):
        return "∞" if math.isinf(cell) else f"{cell:.4g}"
    # Files come from strangers: what would steer the terminal, or cannot be encoded, is not passed on.
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in str(cell))
