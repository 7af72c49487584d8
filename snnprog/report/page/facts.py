"""The figures at the top of a page."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from snnprog.errors import FitError
from snnprog.names import Names, listed
from snnprog.placement import Placement
from snnprog.program import Program
from snnprog.report.cores import energy_in_words
from snnprog.report.page.model import Fact
from snnprog.report.recording import Recording
from snnprog.robustness.verdict import Robustness
from snnprog.spec import Spec
from snnprog.wording import counted, runs_of
from snnprog.workload import Activity

SHOWN_VALUES = 8
"""The number of values shown of an option that has one value for each line."""


def facts_of_program(
    program: Program,
    recording: Recording | None,
    *,
    margins: Sequence[float],
    robustness: Robustness | None,
    placed: Placement | FitError,
    worked: Activity | None,
    n_outputs: int | None = None,
) -> tuple[Fact, ...]:
    """Return the figures at the top of a program's page.

    Parameters
    ----------
    n_outputs : int, optional
        The number of outputs of the program, if the page shows it with all its neurons read out.
    margins : sequence of float
        Of the outputs, in LSBs; empty where nothing was judged.
    """
    outputs = program.n_outputs if n_outputs is None else n_outputs
    hidden, shown = program.n_neurons - program.n_outputs, program.n_outputs - outputs
    others = (
        f" and {counted(shown, 'other neuron')}, all shown" if shown else f" and {hidden:,} hidden" if hidden else ""
    )
    facts = [
        Fact("Chip", program.chip.name),
        Fact("Inputs", f"{program.n_inputs:,}"),
        *_names("Input names", program.input_names),
        Fact("Outputs", f"{outputs:,}{others}"),
        *_names("Output names", program.output_names),
        *_readouts(program),
        Fact("Synapses", f"{program.n_synapses:,}"),
        Fact("Longest delay", counted(program.max_delay, "tick")),
    ]
    if program.has_refractory:
        facts.append(Fact("Refractory", f"{_span(program.refractory.tolist())} ticks"))
    if recording is not None:
        several = f" in {len(recording.lengths):,} patterns" if len(recording.lengths) > 1 else ""
        facts.append(Fact("Ticks", f"{recording.ticks:,}{several}"))
    least = min(margins, default=math.inf)
    if 0.0 <= least < math.inf:
        facts.append(Fact("Closest to the threshold", f"{least:,.4g} LSB"))
    if robustness is not None:
        facts.append(Fact("Robustness", f"{robustness.verdict} under {robustness.robust}"))
    facts.append(Fact("Cores", "does not fit" if isinstance(placed, FitError) else f"{placed.cores:,}"))
    if worked is not None and worked.energy_source is not None:
        facts.append(Fact("Energy, estimated", f"{energy_in_words(worked.total)} nJ"))
    return tuple(facts)


def facts_of_spec(spec: Spec) -> tuple[Fact, ...]:
    """Return the figures at the top of a spec's page."""
    delays = spec.delays if len(spec.delays) < 2 else (min(spec.delays), max(spec.delays))
    return (
        Fact("Chip", spec.chip.name),
        Fact("Inputs", f"{spec.n_inputs:,}"),
        *_names("Input names", spec.input_names),
        Fact("Outputs", f"{spec.n_outputs:,}"),
        *_names("Output names", spec.output_names),
        Fact("Delays", " to ".join(map(str, delays))),
        Fact("Patterns", f"{len(spec.patterns):,}"),
        Fact("Ticks", f"{sum(pattern.ticks for pattern in spec.patterns):,}"),
        Fact("Bins that count", f"{int(spec.care.sum()):,}"),
        *(
            Fact(name.capitalize().replace("_", " "), _option_in_words(value))
            for name, value in spec.changed_options.items()
        ),
    )


def _names(label: str, names: Names | None) -> list[Fact]:
    return [] if names is None else [Fact(label, listed(names))]


def _readouts(program: Program) -> list[Fact]:
    read = np.flatnonzero(program.is_read_by_potential).tolist()
    return [Fact("Read by potential", f"output{'s' if len(read) > 1 else ''} {runs_of(read)}")] if read else []


def _span(values: list[int]) -> str:
    low, high = min(values), max(values)
    return str(low) if low == high else f"{low} to {high}"


def _option_in_words(value: object) -> str:
    """Return the value of an option as text; the first few values if there is one for each line."""
    if not isinstance(value, tuple):
        return str(value)
    return ", ".join(map(str, value[:SHOWN_VALUES])) + (" …" if len(value) > SHOWN_VALUES else "")
