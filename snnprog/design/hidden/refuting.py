"""Proofs by cases that no network reproduces the targets of an output.

A few rows whose bins are known are a proof by themselves (`snnprog.design.hidden.impossible` guesses their prices).
Where bins are left open, because they do not count or lie in windows, each case of the open bins of one pattern is
refuted: by rows again, or because its spikes fit no windows. What comes of it is checked as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from snnprog.conflict import Conflict
from snnprog.design.completion import Windows
from snnprog.design.hidden.draft import Draft
from snnprog.design.hidden.impossible import Histories, guesses, histories_of, reason_of
from snnprog.design.neuron import NeuronDesign
from snnprog.design.problem import NeuronProblem, neuron_problem
from snnprog.design.proofs.referee import Referee
from snnprog.design.proofs.refuting import OPEN, refute_integers
from snnprog.proof import BinRow, BinSplit, Farkas, Node, UnmatchedWindows
from snnprog.solver import check_time
from snnprog.spec import AUTO, Spec, with_targets
from snnprog.spec.options import NO_WINDOW

MOST_CASES = 96
"""How many cases of the open bins of one pattern are examined: each takes a linear program, some milliseconds."""


@dataclass(frozen=True, eq=False)
class Refusal:
    """Why no network can do the targets of an output, and the proof, which the stand-alone checker accepts."""

    conflict: Conflict
    proof: Node


MOST_PROGRAMS = 12
"""Number of cases refuted by integer programs, if no prices suffice: each may take a second."""


def impossibility(draft: Draft, output: int, *, histories: Histories, has_programs: bool = False) -> Refusal | None:
    """Return a proof that no network reproduces the targets of an output; None if none is found.

    Parameters
    ----------
    has_programs : bool
        Whether integer programs refute the cases of open bins that no prices of real weights refute.
    """
    spec = draft.spec if draft.spec.hidden != 0 else replace(draft.spec, hidden=AUTO)
    referee = Referee(spec)
    search = _Cases(draft, output, histories, referee if has_programs else None)
    problem, histories = search.rows({})
    for prices in guesses(problem, histories):
        check_time()
        leaf = _leaf(problem, prices)
        if referee.fault(leaf) is None:
            return Refusal(reason_of(problem, histories, priced=np.array(list(prices)), draft=draft), leaf)
    for pattern in search.open_patterns() if has_programs or not spec.recurrent else ():
        proof = search.refuted(pattern, {})
        if proof is not None and referee.fault(proof) is None:
            return Refusal(search.conflict(pattern), proof)
        search.left = MOST_CASES
    return None


def refused_with_cases(spec: Spec, outputs: Sequence[int]) -> dict[int, NeuronDesign]:
    """Return the outputs that no network can reproduce, proved case by case."""
    draft, found = Draft(spec), {}
    histories = histories_of(draft)
    for output in outputs:
        refusal = impossibility(draft, output, histories=histories, has_programs=True)
        if refusal is not None:
            found[output] = NeuronDesign(None, (refusal.conflict,), proof=refusal.proof)
    return found


def _leaf(problem: NeuronProblem, prices: Mapping[int, int]) -> Farkas:
    tape = problem.potential_map.tape
    return Farkas(problem.neuron, tuple(BinRow(*tape.where(tick), price) for tick, price in prices.items()))


class _Cases:
    """The cases of one output's open bins."""

    def __init__(self, draft: Draft, output: int, histories: Histories, referee: Referee | None) -> None:
        self.draft, self.output, self.histories, self.left = draft, output, histories, MOST_CASES
        self.referee, self.programs = referee, MOST_PROGRAMS
        tape = draft.mapping.tape
        self.starts = tape.starts.tolist()
        parts = [np.split(every[:, output], self.starts[1:]) for every in (draft.targets, draft.care)]
        self.windows = [Windows.of(target, care, draft.spec.window) for target, care in zip(*parts, strict=True)]
        given = draft.care[:, output].copy()
        if draft.spec.window != NO_WINDOW:
            for start, windows in zip(self.starts, self.windows, strict=True):
                values = windows.open_values({}) or ()
                is_open = [silent and spike for silent, spike in values]
                given[start : start + len(is_open)] &= ~np.array(is_open, dtype=np.bool_)
        self.given = given

    def rows(self, assumed: Mapping[int, bool]) -> tuple[NeuronProblem, Histories]:
        """Return the rows of the bins that are given or assumed, (tick of all patterns) -> whether it spikes.

        Where the output receives itself, rows after the first bin that is open rest on what it does there: they are
        omitted.
        """
        raster, known = self.draft.targets[:, self.output] & self.given, self.given.copy()
        for tick, spike in assumed.items():
            raster[tick], known[tick] = spike, True
        draft, histories, spec = self.draft, self.histories, self.draft.spec
        if spec.recurrent:
            draft = Draft(with_targets(replace(spec, window=NO_WINDOW), (self.output,), raster[:, None]))
            histories = histories_of(draft)
            parts = np.split(known, self.starts[1:])
            known = np.concatenate([np.logical_and.accumulate(part) for part in parts])
        problem = neuron_problem(
            draft.mapping,
            self.output,
            raster=raster,
            constrained=known,
            box=draft.box,
            name=spec.output_label(self.output),
        )
        return problem, histories

    def open_patterns(self) -> list[int]:
        """Return the patterns with spikes due and bins left open, those with the fewest first."""
        open_bins = {
            pattern: sum(not self.given[start + tick] for tick in range(len(windows.care)))
            for pattern, (start, windows) in enumerate(zip(self.starts, self.windows, strict=True))
            if windows.due
        }
        return sorted((pattern for pattern, count in open_bins.items() if count), key=lambda each: open_bins[each])

    def refuted(self, pattern: int, assumed: Mapping[int, bool]) -> Node | None:
        """Return a proof that assumptions about a pattern's open bins leave nothing; None if none was found."""
        self.left -= 1
        windows, start = self.windows[pattern], self.starts[pattern]
        if self.draft.spec.window != NO_WINDOW:
            known = {tick - start: spike for tick, spike in assumed.items() if windows.care[tick - start]}
            if windows.open_values(known) is None:
                return UnmatchedWindows(self.output, pattern)
        if self.left < 0:
            return None
        problem, histories = self.rows(assumed)
        prices = next(guesses(problem, histories), None)
        if prices is not None:
            return _leaf(problem, prices)
        end = start + len(windows.care)
        tick = next((tick for tick in range(start, end) if not self.given[tick] and tick not in assumed), None)
        if tick is None:
            return self._refuted_by_programs(pattern, assumed)
        cases = []
        for spike in (True, False):
            case = self.refuted(pattern, {**assumed, tick: spike})
            if case is None:
                return None
            cases.append(case)
        return BinSplit(self.output, pattern, tick - start, if_silent=cases[1], if_spike=cases[0])

    def _refuted_by_programs(self, pattern: int, assumed: Mapping[int, bool]) -> Node | None:
        """Return a proof that the bins of a pattern, all of them assumed, leave no integers; None if none was found."""
        self.programs -= 1
        if self.referee is None or self.programs < 0:
            return None
        start = self.starts[pattern]
        path = [
            (BinSplit(self.output, pattern, tick - start, OPEN, OPEN), int(spike)) for tick, spike in assumed.items()
        ]
        return refute_integers(self.rows(assumed)[0], self.referee, path)

    def conflict(self, pattern: int) -> Conflict:
        """Return the sentence about a pattern that a proof by cases refutes."""
        spec = self.draft.spec
        tick, lag, name = self.windows[pattern].due[0], 2 * min(spec.delays), spec.output_label(self.output)
        reason = (
            f"{name} cannot reproduce its targets in pattern {pattern}, from its spike at tick {tick} on,"
            f" for any choice of the open bins, and hidden neurons do not help: up to {lag} ticks"
            " before, the latest that they can pass on, there are too few inputs"
        )
        return Conflict(self.output, pattern, tick, reason)
