"""Check a program under every perturbation of its inputs and weights.

Rows first: where every row of every neuron holds, each neuron spikes at the same ticks under every perturbation, and
the program is robust. Where a row does not hold, its worst perturbation is run on the reference simulator: a wrong
output is a violation. Otherwise, rounding or a hidden neuron leaves it open; if the perturbed inputs are few, all of
them are run, which decides. Otherwise it is undecided.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Int64s, Raster
from snnprog.errors import LimitError
from snnprog.judgement import WrongBin, wrong_bins
from snnprog.program import Program
from snnprog.robustness.neurons import DrivenNeuron, fibres_of, neurons_that_count, weight_errors
from snnprog.robustness.perturbation import Perturbation, count_at_most, every_perturbation, perturbation_of
from snnprog.robustness.setting import GREATEST
from snnprog.robustness.verdict import HOLDS, UNDECIDED, VIOLATED, Robustness, Violation
from snnprog.simulate.reference import run_observed
from snnprog.spec import Pattern, Robust, Spec
from snnprog.synapses import EXCITATORY, INHIBITORY, SYNAPSE_ARRAYS
from snnprog.trace import Trace

MOST_TRIED = 64
"""How many rows that do not hold are run in their worst case, the worst first. A choice: a second or two."""

MOST_RUN = 20_000
"""Up to how many perturbed inputs all are run, if rows leave it open. A choice: some seconds on small programs."""

AT_ONCE = 512
"""How many inputs run side by side; only time and memory depend on it."""


@dataclass(frozen=True)
class OpenRow:
    """A row that does not hold, as far as is proved."""

    room: float
    pattern: int
    tick: int
    side: int
    neuron: DrivenNeuron


class RobustCheck:
    """A check of one program.

    Parameters
    ----------
    program : Program
    spec : Spec
        With the same numbers of inputs and outputs.
    robust : Robust
    traces : sequence of Trace, optional
        Of the program on the patterns; it is run on the reference simulator if they are missing, or not all neurons
        are read out.
    """

    def __init__(self, program: Program, spec: Spec, robust: Robust, *, traces: Sequence[Trace] = ()) -> None:
        self.program, self.spec, self.robust = program, spec, robust
        if traces and np.array_equal(program.outputs, np.arange(program.n_neurons)):
            self.rasters = [trace.spikes for trace in traces]
            self.excursion = next((trace.excursion for trace in traces if trace.excursion), None)
        else:
            self.rasters, self.excursion = run_observed(program, [pattern.inputs for pattern in spec.patterns])
        self._wrong_bins = wrong_bins(spec, [raster[:, program.outputs] for raster in self.rasters])
        self.rows, self.runs, self.room = 0, 0, np.inf
        self.is_portable = True
        self.open_rows: list[OpenRow] = []
        self._examine()

    @property
    def is_proved(self) -> bool:
        """Whether all rows hold, so that the program is robust."""
        return not (self._wrong_bins or self.open_rows or self.excursion) and self.is_portable

    @property
    def worst_of_outputs(self) -> list[OpenRow]:
        """The worst of the rows that do not hold of each output, the worst first."""
        worst: dict[int, OpenRow] = {}
        for row in self._worst_first():
            if row.neuron.neuron in self.program.outputs:
                worst.setdefault(row.neuron.neuron, row)
        return list(worst.values())

    def counterexamples(self, most: int) -> list[tuple[int, Perturbation]]:
        """Return patterns with the worst perturbations of rows that do not hold, the worst of each neuron first."""
        found: dict[tuple[int, Perturbation], None] = {}
        seen: dict[tuple[int, int], int] = {}
        ranked = []
        for row in self._worst_first():
            place = row.pattern, row.neuron.neuron
            seen[place] = seen.get(place, 0) + 1
            ranked.append((seen[place], row))
        for _, row in sorted(ranked, key=lambda each: each[0]):
            if len(found) == most:
                break
            found[row.pattern, self._perturbation(row)] = None
        return list(found)

    def result(self) -> Robustness:
        """Return the verdict."""
        if self._wrong_bins:
            first = self._wrong_bins[0]
            inputs = self.spec.patterns[first.pattern].inputs
            return self._violated(
                Violation(first.pattern, first.tick, first.output, Perturbation(), inputs, self.program)
            )
        if self.is_proved:
            return self._done(HOLDS)
        violation = self._worst_of_rows()
        if violation is not None:
            return self._violated(violation)
        return self._all_run()

    def _examine(self) -> None:
        """Calculate all rows of all neurons that count."""
        counted = np.flatnonzero(self.spec.care.any(axis=0)).tolist()
        whole = [
            np.concatenate([pattern.inputs, raster], axis=1)
            for pattern, raster in zip(self.spec.patterns, self.rasters, strict=True)
        ]
        for neuron in neurons_that_count(self.program, counted):
            fibres = fibres_of(self.program, neuron, self.robust)
            for index, rasters in enumerate(whole):
                driven = DrivenNeuron(self.program, neuron, fibres=fibres, rasters=rasters, robust=self.robust)
                rows = driven.rows
                self.rows += rows.ticks.size
                self.room = min(self.room, float(rows.rooms.min(initial=np.inf)))
                self.is_portable &= driven.is_portable
                self.open_rows += [
                    OpenRow(float(rows.rooms[at]), index, int(rows.ticks[at]), int(rows.sides[at]), driven)
                    for at in np.flatnonzero(rows.rooms < self.spec.noise).tolist()
                ]

    def _worst_of_rows(self) -> Violation | None:
        """Run the worst perturbations of the rows that do not hold; return the first that gives a wrong output."""
        for row in self._worst_first()[:MOST_TRIED]:
            found = self._run(row.pattern, [self._perturbation(row)], self._with_errors(row))
            if found is not None:
                return found
        return None

    def _worst_first(self) -> list[OpenRow]:
        return sorted(self.open_rows, key=lambda row: (row.room, row.pattern, row.tick))

    def _perturbation(self, row: OpenRow) -> Perturbation:
        targets, added = row.neuron.worst_case(row.tick, row.side)
        return perturbation_of(self.spec.patterns[row.pattern].inputs, targets, added)

    def _with_errors(self, row: OpenRow) -> Program:
        """Return the program with the weights of the row's neuron changed to the wrong side.

        What the format of a weight does not hold is a further synapse, or not changed where the chip allows none.
        """
        program, sign = self.program, 1 if row.side == GREATEST else -1
        error = weight_errors(program, self.robust) * (program.post == row.neuron.neuron)
        if not error.any():
            return program
        with suppress(LimitError):
            return program.with_synapses(weight=program.weight + sign * error)
        with suppress(LimitError):
            return _with_further(program, np.flatnonzero(error), sign * error[error > 0])
        return program

    def _run(self, pattern: int, perturbations: Sequence[Perturbation], program: Program) -> Violation | None:
        """Run perturbations of a pattern; return the first that gives a wrong output."""
        given = self.spec.patterns[pattern]
        inputs = [each.of(given.inputs) for each in perturbations]
        rasters, excursion = run_observed(program, inputs)
        self.runs += len(inputs)
        if excursion is not None:
            self.excursion = excursion
        for perturbation, stimulus, raster in zip(perturbations, inputs, rasters, strict=True):
            wrong = self._wrong(given, raster)
            if wrong:
                return Violation(pattern, wrong[0].tick, wrong[0].output, perturbation, stimulus, program)
        return None

    def _wrong(self, given: Pattern, raster: Raster) -> list[WrongBin]:
        one = Spec([given], window=self.spec.window, chip=self.spec.chip)
        return wrong_bins(one, [raster[:, self.program.outputs]])

    def _all_run(self) -> Robustness:
        """Run all perturbed inputs if they are few, and no weight changes."""
        changes = bool(weight_errors(self.program, self.robust).any())
        counts = [count_at_most(pattern.inputs, self.robust) for pattern in self.spec.patterns]
        if changes or self.spec.noise > 0 or sum(counts) > MOST_RUN:
            return self._done(UNDECIDED, self._why(sum(counts)))
        self.runs = 0
        for index, pattern in enumerate(self.spec.patterns):
            for some in _batches(every_perturbation(pattern.inputs, self.robust)):
                found = self._run(index, some, self.program)
                if found is not None:
                    return self._violated(found)
        if self.excursion is not None:
            return self._done(UNDECIDED, f"a state leaves the range in which all runtimes agree: {self.excursion}")
        return self._done(HOLDS)

    def _why(self, runs: float) -> str:
        if not self.open_rows:
            return "a state may leave the range in which all runtimes agree; lower weights"
        worst = min(self.open_rows, key=lambda row: row.room)
        outputs = self.program.outputs.tolist()
        neuron = worst.neuron.neuron
        is_read, label = neuron in outputs, self.program.output_label
        name = label(outputs.index(neuron)) if is_read else self.program.neuron_label(neuron)
        count = f"{runs:.3g}" if runs < np.inf else "more than 1e308"
        return (
            f"the bounds of {name} at tick {worst.tick} of pattern {worst.pattern} are"
            f" {self.spec.noise - worst.room:.3g} LSBs too wide,"
            f" its worst perturbation has no wrong output, and there are too many others to run all ({count})"
        )

    def _violated(self, violation: Violation) -> Robustness:
        return self._done(VIOLATED, violation=violation)

    def _done(self, verdict: str, reason: str = "", violation: Violation | None = None) -> Robustness:
        return Robustness(self.robust, verdict, float(self.room), self.rows, self.runs, violation, reason)


def _with_further(program: Program, synapses: Int64s, weights: Int64s) -> Program:
    """Return a program with a further synapse beside some of its own."""
    given = {name: getattr(program, name) for name in SYNAPSE_ARRAYS}
    more = {name: values[synapses] for name, values in given.items()}
    more |= {"weight": weights, "sign_mode": np.where(weights < 0, INHIBITORY, EXCITATORY)}
    return program.with_synapses(**{name: np.concatenate([given[name], more[name]]) for name in given})


def _batches(perturbations: Iterable[Perturbation]) -> Iterable[list[Perturbation]]:
    some: list[Perturbation] = []
    for each in perturbations:
        some.append(each)
        if len(some) == AT_ONCE:
            yield some
            some = []
    if some:
        yield some


def check_robust(program: Program, spec: Spec, robust: Robust) -> Robustness:
    """Return whether a program reproduces the targets of a spec under every perturbation.

    Raises
    ------
    SpecError
        If an exempt line does not exist, or the chip's rule is not linear between resets.
    """
    names = spec.input_names or program.input_names
    return RobustCheck(program, spec, robust.on_lines(program.n_inputs, names)).result()
