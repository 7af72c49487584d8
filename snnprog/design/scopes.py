"""The neurons whose open bins and taps are decided together: one that feeds no other neuron, or all neurons of a loop.

Decisions
---------
- Every pattern starts from rest, so a pattern in which no bin counts asks nothing of a neuron that feeds no other
neuron.
- With windows, a bin that counts is open where it lies in some window; the others that count are silent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from snnprog.arrays import Int64s, Raster
from snnprog.design.completion import Windows
from snnprog.design.freedom import Assumed, Bin, Choice, Decision, Tap, Weights
from snnprog.design.problem import NeuronProblem, relevant_ticks
from snnprog.design.proofs.certificate import Certificate, NoCompletion, TooManySynapses
from snnprog.design.proofs.pull import NOTHING, pull
from snnprog.design.rasters.running import closed_loop, free_run
from snnprog.design.support import restricted_to
from snnprog.design.task import Task
from snnprog.potential import NO_RESET, Ticks
from snnprog.spec import Spec
from snnprog.spec.options import NO_WINDOW


@dataclass(frozen=True, eq=False)
class Demands:
    """The demands on some neurons: given bins, windows with free ticks, and numbers of synapses.

    Attributes
    ----------
    care : (ticks, neurons) bool
        Which bins count.
    starts : (patterns,) int
        The first tick of each pattern.
    windows : mapping of (int, int) to Windows
        Neuron and pattern -> its windows; nothing where spikes are due at their own ticks.
    most : int or None
        Maximum number of synapses that each neuron may have.
    """

    care: Raster
    starts: Int64s
    windows: Mapping[tuple[int, int], Windows]
    most: int | None = None

    @classmethod
    def of(cls, spec: Spec, *, targets: Raster, care: Raster, starts: Int64s) -> Demands:
        """Return the demands of a spec on neurons with these targets and bins that count, (ticks, neurons) each."""
        parts = zip(np.split(targets, starts[1:]), np.split(care, starts[1:]), strict=True)
        windows = {
            (neuron, pattern): Windows.of(target[:, neuron], counts[:, neuron], spec.window)
            for pattern, (target, counts) in enumerate(parts)
            for neuron in range(targets.shape[1])
            if spec.window != NO_WINDOW
        }
        return cls(care, starts, windows, spec.fan_in)

    @cached_property
    def given(self) -> Raster:
        """(ticks, neurons) The bins that count and are not in any window."""
        given = self.care.copy()
        for (neuron, pattern), windows in self.windows.items():
            for tick in range(len(windows.care)):
                given[self.starts[pattern] + tick, neuron] &= not windows.is_open(tick)
        return given

    def implied(self, assumed: Assumed, *, taps: Sequence[Int64s]) -> list[Decision]:
        """Return the determined bins, in order of time; ``taps`` are those that each neuron may use."""
        found = []
        for (neuron, pattern), windows in self.windows.items():
            known = self._known(assumed, neuron, pattern=pattern)
            values = windows.open_values(known)
            assert values is not None, "only what can be completed is assumed"
            for tick in range(len(windows.care)):
                if tick in known or not windows.is_open(tick) or all(values[tick]):
                    continue
                reason = windows.reason({**known, tick: not values[tick][True]})
                rests_on = {(int(self.starts[pattern]) + each, neuron) for each in reason if each != tick}
                here = (int(self.starts[pattern]) + tick, neuron)
                found.append(Decision(here, values[tick][True], NoCompletion(neuron, pattern), frozenset(rests_on)))
        return found + self._absent(assumed, taps=taps)

    def wrong_in_windows(self, done: Raster) -> int | None:
        """Return the first tick of a pattern in which no spikes match the target's; None if all can be matched."""
        for (neuron, pattern), windows in sorted(self.windows.items(), key=lambda item: item[0][1]):
            start = int(self.starts[pattern])
            ticks = range(len(windows.care))
            if windows.open_values({tick: bool(done[start + tick, neuron]) for tick in ticks}) is None:
                return start
        return None

    def _known(self, assumed: Assumed, neuron: int, *, pattern: int) -> dict[int, bool]:
        """Return the assumptions about the bins of one neuron that count in a pattern, by tick."""
        start, care = int(self.starts[pattern]), self.windows[neuron, pattern].care
        return {
            tick: assumed[start + tick, neuron]
            for tick in range(len(care))
            if care[tick] and (start + tick, neuron) in assumed
        }

    def _absent(self, assumed: Assumed, *, taps: Sequence[Int64s]) -> list[Decision]:
        """Return that all other taps are absent of a neuron that has as many as it may have."""
        found = []
        for neuron, usable in enumerate(taps if self.most is not None else ()):
            present = _present(assumed, neuron)
            if len(present) == self.most:
                others = (Tap(neuron, tap) for tap in usable.tolist())
                found += [
                    Decision(tap, False, TooManySynapses(neuron), present) for tap in others if tap not in assumed
                ]
        return found


def _present(assumed: Assumed, neuron: int) -> frozenset[Choice]:
    """Return the taps of a neuron that are assumed to be there."""
    return frozenset(
        choice for choice, value in assumed.items() if isinstance(choice, Tap) and choice.neuron == neuron and value
    )


def _absent_taps(assumed: Assumed, neuron: int) -> list[int]:
    return [
        choice.index
        for choice, value in assumed.items()
        if isinstance(choice, Tap) and choice.neuron == neuron and not value
    ]


def _bins(assumed: Assumed) -> dict[Bin, bool]:
    return {choice: value for choice, value in assumed.items() if isinstance(choice, tuple)}


def _without(problem: NeuronProblem, absent: Sequence[int]) -> NeuronProblem:
    """Return the problem of a neuron that has no synapse on some taps."""
    if not absent:
        return problem
    return restricted_to(problem, np.setdiff1d(np.arange(problem.potential_map.n_taps), absent))


def _pulled_taps(problem: NeuronProblem, proof: Certificate) -> set[int]:
    return {tap for tap, interval in pull(problem, proof.prices).taps.items() if interval != NOTHING}


def _usable(problem: NeuronProblem) -> Int64s:
    return np.flatnonzero(problem.box.weight_upper > problem.box.weight_lower)


class Alone:
    """One neuron that feeds no other neuron.

    Parameters
    ----------
    problem : NeuronProblem
        The neuron; what its raster says in open bins plays no part.
    demands : Demands
        Of this neuron alone.
    """

    def __init__(self, problem: NeuronProblem, demands: Demands) -> None:
        self.problem, self.demands, self.most = problem, demands, demands.most
        self.pattern = problem.potential_map.played.pattern
        matters = relevant_ticks(demands.care[:, 0], demands.starts)
        self.open_bins = [(tick, 0) for tick in np.flatnonzero(~demands.given[:, 0] & matters).tolist()]
        self._taps = [_usable(problem)]

    @classmethod
    def cared(cls, problem: NeuronProblem, care: Raster) -> Alone:
        """Return the neuron that must follow its raster in the bins that count, (ticks,)."""
        return cls(problem, Demands(care[:, None], problem.potential_map.played.starts, {}))

    @classmethod
    def of(cls, task: Task, output: int) -> Alone:
        """Return one output of a task, with the targets of its spec."""
        own, starts = [output], task.mapping.played.starts
        demands = Demands.of(task.spec, targets=task.targets[:, own], care=task.care[:, own], starts=starts)
        return cls(task.problem(output, task.targets[:, output], constrained=task.care[:, output]), demands)

    def known(self, assumed: Assumed) -> list[NeuronProblem]:
        """See `Scope.known`."""
        own = {tick: value for (tick, _), value in _bins(assumed).items()}
        rows = under_assumptions(self.problem, self.demands.given[:, 0], assumed=own)
        return [_without(rows, _absent_taps(assumed, 0))]

    def implied(self, assumed: Assumed) -> list[Decision]:
        """See `Scope.implied`."""
        return self.demands.implied(assumed, taps=self._taps)

    def run(self, weights: Sequence[Weights]) -> Raster:
        """See `Scope.run`."""
        (own,) = weights
        return free_run(self.problem, own.taps, threshold=own.threshold, bias=own.bias)[:, None]

    def wrong(self, done: Raster, known: Sequence[NeuronProblem]) -> int | None:
        """See `Scope.wrong`."""
        return _first_wrong(done, known, demands=self.demands)

    def rests_on(self, known: Sequence[NeuronProblem], proof: Certificate, assumed: Assumed) -> set[Choice]:
        """See `Scope.rests_on`: bins in its rows, or between them and their last resets, and taps it would pull at."""
        (problem,) = known
        since = _since(problem)
        spans = [(since[tick], tick) for tick in proof.prices]
        bins = {each for each in _bins(assumed) if any(first <= each[0] <= last for first, last in spans)}
        absent = _absent_taps(assumed, 0)
        pulled = _pulled_taps(problem, proof) if absent else set()
        return bins | {Tap(0, tap) for tap in absent if tap in pulled}

    def index(self, proof: Certificate) -> int:
        """See `Scope.index`."""
        return 0


class Together:
    """All neurons of a spec in which outputs feed outputs.

    Parameters
    ----------
    task : Task
        What its targets say in open bins plays no part.
    """

    def __init__(self, task: Task) -> None:
        self.task, self.mapping = task, task.mapping
        self.tape = self.mapping.played
        self.pattern = self.tape.pattern
        self.demands = Demands.of(task.spec, targets=task.targets, care=task.care, starts=self.tape.starts)
        self.most = self.demands.most
        self.open_bins = [(tick, neuron) for tick, neuron in np.argwhere(~self.demands.given).tolist()]
        self._fastest = min(task.spec.delays)
        self._taps = [_usable(problem) for problem in self.problems(task.targets)]

    def problems(self, raster: Raster) -> list[NeuronProblem]:
        """Return all neurons' problems, with a row at every tick, if they do ``raster`` (ticks, neurons)."""
        task, everything = self.task.with_targets(range(raster.shape[1]), raster), np.ones(len(raster), dtype=np.bool_)
        return [task.problem(index, raster[:, index], constrained=everything) for index in range(raster.shape[1])]

    def known(self, assumed: Assumed) -> list[NeuronProblem]:
        """See `Scope.known`: a row is sure as long as no undecided bin of any neuron can have acted."""
        raster, decided = self.task.targets & self.demands.given, self.demands.given.copy()
        for each, value in _bins(assumed).items():
            raster[each], decided[each] = value, True
        sure = self._unaffected(decided)
        known = [
            under_assumptions(problem, decided[:, index], assumed={})
            for index, problem in enumerate(self.problems(raster))
        ]
        rows = self.mapping.at_every_look(sure)
        return [
            _without(problem.constrained_to(problem.constrained & rows), _absent_taps(assumed, index))
            for index, problem in enumerate(known)
        ]

    def implied(self, assumed: Assumed) -> list[Decision]:
        """See `Scope.implied`."""
        return self.demands.implied(assumed, taps=self._taps)

    def run(self, weights: Sequence[Weights]) -> Raster:
        """See `Scope.run`: a closed loop."""
        offsets = np.array([(one.threshold, one.bias) for one in weights])
        taps = np.stack([one.taps for one in weights])
        return closed_loop(
            self.mapping, self.task.spec.inputs, weights=taps, thresholds=offsets[:, 0], biases=offsets[:, 1]
        )

    def wrong(self, done: Raster, known: Sequence[NeuronProblem]) -> int | None:
        """See `Scope.wrong`."""
        return _first_wrong(done, known, demands=self.demands)

    def meets_demands(self, done: Raster) -> bool:
        """Return whether a raster (ticks, neurons) reproduces the targets."""
        is_given_done = not ((done != self.task.targets) & self.demands.given).any()
        return bool(is_given_done) and self.demands.wrong_in_windows(done) is None

    def rests_on(self, known: Sequence[NeuronProblem], proof: Certificate, assumed: Assumed) -> set[Choice]:
        """See `Scope.rests_on`: the neuron's own up to its rows, those that can have acted by then, and its taps."""
        starts, fastest = self.tape.starts[self.pattern], self._fastest
        found: set[Choice] = set()
        bins = _bins(assumed)
        for tick in {row % self.tape.ticks for row in proof.prices}:
            for other, neuron in bins:
                last = tick if neuron == proof.neuron else tick - fastest
                if starts[tick] <= other <= last:
                    found.add((other, neuron))
        absent = _absent_taps(assumed, proof.neuron)
        pulled = _pulled_taps(known[proof.neuron], proof) if absent else set()
        return found | {Tap(proof.neuron, tap) for tap in absent if tap in pulled}

    def index(self, proof: Certificate) -> int:
        """See `Scope.index`."""
        return proof.neuron

    def _unaffected(self, decided: Raster) -> Raster:
        """(ticks,) Whether no undecided bin of any neuron has been able to act by then, over a synapse."""
        open_before = np.concatenate([[0], np.cumsum(~decided.all(axis=1))])
        starts = self.tape.starts[self.pattern]
        acted = np.maximum(np.arange(len(decided)) - self._fastest + 1, starts)
        unaffected: Raster = open_before[acted] == open_before[starts]
        return unaffected


def under_assumptions(problem: NeuronProblem, care: Raster, *, assumed: Mapping[int, bool]) -> NeuronProblem:
    """Return the problem with the rows that are sure if don't-care bins are as assumed: their last reset is known."""
    raster, decided = problem.spikes.copy(), care.copy()
    for tick, value in assumed.items():
        raster[tick], decided[tick] = value, True
    raster[~decided] = False
    filled = problem.with_raster(raster)
    open_before = np.concatenate([[0], np.cumsum(~(decided | filled.resets.is_held[: decided.size]))])
    sure = decided & (open_before[:-1] == open_before[_since(filled)[: decided.size]])
    return filled.constrained_to(problem.potential_map.at_every_look(sure))


def _first_wrong(done: Raster, known: Sequence[NeuronProblem], *, demands: Demands) -> int | None:
    """Return the first tick with a wrong spike or silence of neurons, or in a pattern with a missed window."""
    spikes = np.stack([problem.spikes for problem in known], axis=1)
    rows = np.stack([problem.constrained[: len(done)] for problem in known], axis=1)
    wrong = np.flatnonzero(((done != spikes) & (demands.given | rows)).any(axis=1))
    return int(wrong[0]) if wrong.size else demands.wrong_in_windows(done)


def _since(problem: NeuronProblem) -> Ticks:
    """(ticks,) The last spike before each tick, or the beginning of its pattern."""
    tape = problem.potential_map.tape
    since: Ticks = np.where(problem.resets.spike == NO_RESET, tape.starts[tape.pattern], problem.resets.spike)
    return since
