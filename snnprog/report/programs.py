"""The content and origin of a program file, as a table and as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from snnprog.arrays import Int32s
from snnprog.names import Names, labelled, listed
from snnprog.report.neurons import NeuronRow, print_neurons
from snnprog.report.recording import names_of_hidden
from snnprog.table import Table
from snnprog.wording import runs_of

if TYPE_CHECKING:  # what is shown is named, not made here
    from rich.console import Console

    from snnprog.program import Program

Span = list[int] | None

SHOWN_DIGEST = 16


def program_data(program: Program) -> dict[str, object]:
    """Return the contents and the provenance of a program as plain data; a span is its least and greatest integer."""
    return {
        "chip": program.chip.name,
        "semantics": program.chip.rule.name,
        "inputs": program.n_inputs,
        "neurons": program.n_neurons,
        "outputs": program.n_outputs,
        "outputs_read_by_potential": np.flatnonzero(program.is_read_by_potential).tolist(),
        "hidden_neurons": program.n_neurons - program.n_outputs,
        "input_names": program.input_names,
        "output_names": program.output_names,
        "neuron_names": program.neuron_names,
        "synapses": program.n_synapses,
        "convolutions": len(program.shared),
        "shared_weights": sum(each.n_weights for each in program.shared),
        "recurrent": bool((program.pre >= program.n_inputs).any()),
        **spans_of(program),
        "provenance": dict(program.provenance),
    }


def spans_of(program: Program) -> dict[str, Span]:
    """Return the least and the greatest of each of a program's integers; None if it has none."""
    return {
        "delays": _span(program.delay),
        "weights": _span(program.weight),
        "exponents": _span(program.exponent),
        "thresholds": _span(program.threshold),
        "current_decays": _span(program.current_decay),
        "potential_decays": _span(program.potential_decay),
        "biases": _span(program.bias),
        "refractory_periods": _span(program.refractory),
    }


def print_program(console: Console, program: Program) -> None:
    """Print the contents and the provenance of a program, and the recorded status of each neuron."""
    from snnprog.report.terminal import print_table

    print_table(console, program_table(program))
    console.print()
    outputs = _neurons(program, "neurons", "output", names=program.output_names)
    hidden = _neurons(program, "hidden", "hidden neuron", names=names_of_hidden(program))
    print_neurons(console, [*outputs, *hidden])


def program_table(program: Program) -> Table:
    """Return the contents and the provenance of a program."""
    data = program_data(program)
    rows: list[tuple[str, object]] = [("chip", f"{data['chip']}, rule {data['semantics']}")]
    rows += [(name.replace("_", " "), data[name]) for name in ("inputs", "neurons", "outputs", "hidden_neurons")]
    named = {"input names": program.input_names, "output names": program.output_names}
    rows += [(label, listed(names)) for label, names in named.items() if names is not None]
    if program.is_read_by_potential.any():
        rows.append(("outputs read by potential", runs_of(np.flatnonzero(program.is_read_by_potential).tolist())))
    rows.append(("synapses", data["synapses"]))
    if program.shared:
        rows.append(("convolutions", f"{data['convolutions']}, of {data['shared_weights']} weights"))
    rows.append(("recurrent", "yes" if data["recurrent"] else "no"))
    rows += [(name.replace("_", " "), _words(span)) for name, span in spans_of(program).items()]
    rows += [] if program.core is None else [("cores", int(program.core.max()) + 1)]
    return Table.plain("Program", columns=("what", "value"), rows=rows + _origin(program.provenance))


def _origin(provenance: Mapping[str, object]) -> list[tuple[str, object]]:
    """Return rows for the provenance in a file, which may be hostile."""
    rows: list[tuple[str, object]] = []
    constants, versions = provenance.get("time_constants_ticks"), provenance.get("versions")
    if isinstance(constants, dict):
        texts = [f"{name} {_brief(constants[name])}" for name in ("potential", "current") if name in constants]
        rows.append(("time constants", ", ".join(texts)))
    if isinstance(versions, dict):
        texts = sorted((f"{name} {version}" for name, version in versions.items()), key=_is_foreign)
        rows.append(("made by", ", ".join(texts)))
    if "seed" in provenance:
        rows.append(("seed", provenance["seed"]))
    if "spec_sha256" in provenance:
        rows.append(("spec (sha256)", f"{str(provenance['spec_sha256'])[:SHOWN_DIGEST]}…"))
    return rows


def _neurons(program: Program, key: str, name: str, *, names: Names | None) -> list[NeuronRow]:
    report = program.provenance.get(key)
    return [
        NeuronRow(
            name=_labelled(name, neuron.get("output", ""), names),
            status=str(neuron.get("status", "")),
            margin=neuron.get("margin", ""),
            synapses=neuron.get("synapses", ""),
            exponent=neuron.get("exponent", ""),
            threshold=neuron.get("threshold", ""),
            bias=neuron.get("bias", ""),
            portable_for=neuron.get("portable_for", ""),
        )
        for neuron in (report if isinstance(report, list) else [])
        if isinstance(neuron, dict)
    ]


def _labelled(noun: str, number: object, names: Names | None) -> str:
    """Return what a table calls a neuron whose number stands in a file."""
    is_known = type(number) is int and 0 <= number < len(names or ())
    return labelled(noun, number, names) if is_known and type(number) is int else f"{noun} {number}"


def _is_foreign(version: str) -> bool:
    return not version.startswith("snnprog ")


def _brief(value: object) -> str:
    """Return a number of a file with four digits, and anything else unchanged."""
    try:
        return f"{float(str(value)):.4g} ticks"
    except ValueError:
        return str(value)


def _span(values: Int32s) -> Span:
    return [int(values.min()), int(values.max())] if values.size else None


def _words(span: Span) -> str:
    if span is None:
        return "none"
    low, high = span
    return str(low) if low == high else f"{low} to {high}"
