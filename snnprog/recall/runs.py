"""Runs of a program with a cue and then silence, and whether they end in the loop of the cue's memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np

from snnprog.arrays import Raster
from snnprog.backends import simulate_built_in
from snnprog.checks import as_integer, check_type
from snnprog.errors import SpecError
from snnprog.program import Program
from snnprog.progress import Progress, shown
from snnprog.raster import turned
from snnprog.recall.cues import Cue
from snnprog.recall.results import NEVER, Outcomes
from snnprog.rules.rule import CURRENT, POTENTIAL
from snnprog.simulate.layout import lean_rule
from snnprog.simulate.parameters import most_line_spikes
from snnprog.specs.memories import repeated
from snnprog.trace import Trace
from snnprog.wording import counted

STATES_TOGETHER = 1 << 23
"""Maximum number of recorded states of cues that run together: their currents and potentials take 64 MB. Insensitive
within times 4: each cue runs alone."""

MOST_STATES = 1 << 28
"""Maximum number of recorded states of one cue: they take 2 GiB. A choice."""


class CueRuns:
    """A program that is run with cues of its memories.

    Parameters
    ----------
    program : Program
    rasters : sequence of (ticks, neurons) bool
        One period of each memory.
    periods : int, optional
        For how many periods a cue is run after its end; the fewest that decide, by default.
    """

    def __init__(self, program: Program, rasters: Sequence[Raster], *, periods: int | None = None) -> None:
        _check_kind(program, rasters)
        self.program, self.rasters = program, rasters
        self._latest = int(program.delay.max(initial=1))
        least = 1 + max(-(-self._latest // len(raster)) for raster in rasters)
        self.periods = least if periods is None else as_integer("periods", periods)
        if self.periods < least:
            raise SpecError(
                f"periods must be at least {least}, so many that the last period is without arrivals of the cue,"
                f" got {periods}"
            )
        most = MOST_STATES // (max(len(raster) for raster in rasters) * program.n_neurons) - 1
        if self.periods > max(least, most):
            raise SpecError(f"periods must be at most {max(least, most):,} for this program, got {self.periods:,}")

    def outcomes(self, cues: Iterator[Cue], count: int, step: str, progress: Progress | bool | None) -> Outcomes:
        """Run cues, each from rest."""
        longest = max(len(raster) for raster in self.rasters) * (1 + self.periods)
        together = max(1, STATES_TOGETHER // (longest * self.program.n_neurons))
        outcomes: list[tuple[int, int, bool]] = []
        with shown(progress, step) as tell:
            while chunk := list(islice(cues, together)):
                inputs = [self._stimulus(cue) for _, cue in chunk]
                traces = simulate_built_in(self.program, inputs, state=True)
                outcomes += [self._outcome(trace, memory) for trace, (memory, _) in zip(traces, chunk, strict=True)]
                if tell is not None:
                    tell(step, len(outcomes), count)
        wrong, settled, is_portable = zip(*outcomes, strict=True)
        return Outcomes(np.array(wrong, np.int64), np.array(settled, np.int64), np.array(is_portable, np.bool_))

    def _stimulus(self, cue: Raster) -> Raster:
        return np.concatenate([cue, np.zeros((len(cue) * self.periods, cue.shape[1]), np.bool_)])

    def _outcome(self, trace: Trace, memory: int) -> tuple[int, int, bool]:
        raster = self.rasters[memory]
        after = trace.spikes[len(raster) :]
        wrong = np.nonzero(after != repeated(raster, len(after)))[0]
        since = int(wrong.max(initial=-1)) + 1
        is_settled = since <= len(after) - len(raster) and self._repeats(trace, len(raster))
        return wrong.size, since if is_settled else NEVER, trace.excursion is None

    def _repeats(self, trace: Trace, period: int) -> bool:
        """Return whether a run ends in the same state as one period earlier; no input was on its way then."""
        assert trace.currents is not None, "the state was recorded"
        assert trace.potentials is not None, "the state was recorded"
        return (
            np.array_equal(trace.currents[-1], trace.currents[-1 - period])
            and np.array_equal(trace.potentials[-1], trace.potentials[-1 - period])
            and np.array_equal(trace.spikes[-self._latest :], trace.spikes[-self._latest - period : -period])
        )


def _check_kind(program: Program, rasters: Sequence[Raster]) -> None:
    """Raise `SpecError` unless recorded traces hold the whole state of a program, which fits the rasters."""
    check_type("program", program, kind=Program)
    neurons = rasters[0].shape[1]
    if not program.n_inputs == program.n_outputs == neurons:
        raise SpecError(
            f"the program must have {counted(neurons, 'input')} and {counted(neurons, 'output')} as the rasters have"
            f" neurons, got {program.n_inputs} and {program.n_outputs}"
            f"{turned('the rasters', rasters[0].shape, lines=program.n_inputs)}"
        )
    if program.n_neurons != np.unique(program.outputs).size:
        raise SpecError(
            f"every neuron of the program must be an output, got {counted(program.n_neurons, 'neuron')} and"
            f" {counted(program.n_outputs, 'output')}; compile it without hidden neurons"
        )
    others = sorted(set(lean_rule(program).registers) - {CURRENT, POTENTIAL})
    if others or most_line_spikes(program) > 1:
        reason = f"a register {others[0]!r}" if others else "several spikes in a tick"
        raise SpecError(
            "the program's neurons must have no state but a current and a potential, and at most one spike in a tick,"
            f" got {reason}; compile for another chip, such as loihi1, or without a refractory period"
        )
