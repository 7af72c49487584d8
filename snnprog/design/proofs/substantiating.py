"""Proofs about the chip's integers for the refusals of a design; others stay undecided.

The search for weights reasons about real weights under exact decays. What it finds impossible is only a guess here:
each part becomes a leaf that `snnprog.check_proof` accepts, with the same prices, or with others that count truncation
in. Conflicts are kept where they have such a proof.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from snnprog.arrays import Raster
from snnprog.conflict import Conflict
from snnprog.design.conflicts import conflict_of
from snnprog.design.designer import has_open_ticks, is_open_loop
from snnprog.design.freedom import Assumed, Choice, Tap
from snnprog.design.neuron import UNDECIDED, NeuronDesign
from snnprog.design.problem import NeuronProblem
from snnprog.design.proofs.certificate import Case, Certificate, NoCompletion, Split, TooManySynapses, Unsettled
from snnprog.design.proofs.every_integer import exhausted_case
from snnprog.design.proofs.referee import Referee, Step
from snnprog.design.proofs.refuting import BRANCHING_WORK, OPEN, ROOT_ALONE, refute_integers, refute_prices
from snnprog.design.scopes import Alone, Together, under_assumptions
from snnprog.design.searched import reservations_of
from snnprog.design.task import Task
from snnprog.proof import BinRow, BinSplit, ExcessTaps, Farkas, Node, TapSplit, UnmatchedWindows, leaves_of

CASES_WORK = 1 << 19
"""Ticks and events that are run, in all cases of open bins together, where all integers of a case are tried: a second
of checking. Two Xylo specs of 2 and 4 such cases took 28,000 and 340,000."""

MOST_SPLITS = 6
"""Number of don't-care bins that are distinguished in turn, if the search for weights gave none."""

MOST_TAPS = 8
"""Number of taps of which every choice is distinguished if few are allowed."""


def substantiated(
    designed: NeuronDesign, task: Task, referee: Referee, *, output: int, work: int = BRANCHING_WORK
) -> NeuronDesign:
    """Return a design with proved conflicts; undecided for the others.

    Parameters
    ----------
    task : Task
        The specification of all outputs.
    output : int
        Which output it is.
    work : int
        How many programs for other prices than those that were found may be solved in each case, times their
        roundings; with less than `BRANCHING_WORK`, only for the rows that have a price.

    Raises
    ------
    UndecidedError
        If the time allowed runs out.
    """
    if not designed.conflicts or designed.proof is not None:
        return designed
    if designed.certificate is None:
        return UNDECIDED
    scope: Alone | Together = Together(task) if is_open_loop(task.spec) else Alone.of(task, output)
    proof = _proved(
        scope,
        designed.certificate,
        _Means(referee, output, work, CASES_WORK // max(designed.n_cases, 1)),
        assumed={},
        path=(),
    )
    if proof is None:
        return UNDECIDED
    known = scope.known({})
    given = [scope.demands.given[:, index] for index in range(len(known))]
    first = _named(designed.conflicts[0], known, given, proof=proof, reservations=reservations_of(scope.demands))
    others = [each for each in designed.conflicts[1:] if _is_proved(each, known, referee)]
    return replace(designed, conflicts=(first, *others), proof=proof)


@dataclass(frozen=True)
class _Means:
    """Who checks a proof of which output, and the work for other prices and for all integers of a case."""

    referee: Referee
    output: int
    work: int
    case_work: int


def _proved(
    scope: Alone | Together, proof: Case, means: _Means, *, assumed: Assumed, path: tuple[Step, ...]
) -> Node | None:
    """Return a proof by cases as nodes whose leaves hold, or None."""
    known = scope.known(assumed)
    whose = means.output if len(known) == 1 else getattr(proof, "neuron", means.output)
    if isinstance(proof, Certificate):
        return refuted(
            known[scope.index(proof)], proof.prices, means.referee, path, work=means.work, case_work=means.case_work
        )
    if isinstance(proof, NoCompletion):
        return UnmatchedWindows(whose, proof.pattern)
    if isinstance(proof, TooManySynapses):
        return ExcessTaps(whose)
    if isinstance(proof, Unsettled):
        return None
    mapping = known[0].potential_map
    split: BinSplit | TapSplit
    if isinstance(proof, Split):
        split = BinSplit(whose, *mapping.played.where(proof.tick), OPEN, OPEN)
        choice: Choice = (proof.tick, proof.neuron)
        both = (proof.if_silent, proof.if_spike)
    else:
        slot, line = divmod(proof.tap, mapping.n_lines)
        split = TapSplit(whose, line, int(mapping.delays[slot]), OPEN, OPEN)
        choice, both = Tap(proof.neuron, proof.tap), (proof.if_absent, proof.if_present)
    cases: list[Node] = []
    for side, case in enumerate(both):
        here = {**assumed, choice: bool(side)}
        found = _proved(scope, case, means, assumed=here, path=(*path, (split, side)))
        if found is None:
            return None
        cases.append(found)
    if isinstance(split, BinSplit):
        return replace(split, if_silent=cases[0], if_spike=cases[1])
    return replace(split, if_absent=cases[0], if_present=cases[1])


def refuted(
    problem: NeuronProblem,
    prices: Mapping[int, int],
    referee: Referee,
    path: Sequence[Step],
    *,
    work: int,
    case_work: int,
) -> Node | None:
    """Return a proof that the rows of a neuron contradict one another, the priced ones first; None if none was found.

    Parameters
    ----------
    prices : mapping of int to int
        Tick of the map -> price, a guess.
    path : tuple of (split, int)
        What is assumed.
    work : int
        As for `substantiated`.
    case_work : int
        The work for trying all integers, where bins are assumed.
    """
    found = refute_prices(problem, prices, referee, path)
    if found is not None or work <= 0:
        return found
    priced = problem.constrained_to(np.isin(np.arange(problem.raster.size), list(prices)))
    attempts: list[Callable[[], Node | None]] = [
        partial(refute_integers, priced, referee, path, work=ROOT_ALONE),
        partial(refute_integers, problem, referee, path, work=ROOT_ALONE),
        *([partial(exhausted_case, problem, referee, path, case_work)] if path else []),
        partial(refute_integers, priced, referee, path, work=work),
        *([partial(refute_integers, problem, referee, path, work=work)] if work >= BRANCHING_WORK else []),
    ]
    return next((proof for attempt in attempts if (proof := attempt()) is not None), None)


def refuted_by_bins(
    problem: NeuronProblem, care: Raster, referee: Referee, path: tuple[Step, ...] = (), *, splits: int = MOST_SPLITS
) -> Node | None:
    """Return a proof that no integers reproduce the targets for any choice in open bins; None if none is found.

    Parameters
    ----------
    problem : NeuronProblem
        Its rows at every tick.
    care : (ticks,) bool
        Which ticks count.
    path : tuple of (split, int)
        What is assumed: of bins, only its own.
    splits : int
        How many bins may be distinguished, in turn.
    """
    starts = problem.potential_map.played.starts
    assumed = {
        int(starts[split.pattern]) + split.tick: bool(side) for split, side in path if isinstance(split, BinSplit)
    }
    known = under_assumptions(problem, care, assumed=assumed)
    found = refute_integers(known, referee, path) if known.constrained.any() else None
    if found is not None or splits <= 0:
        return found
    is_open = ~care & ~known.resets.is_held[: care.size]
    is_open[list(assumed)] = False
    after = care & ~known.constrained[: care.size]
    pattern = problem.potential_map.played.pattern
    first = next((tick for tick in np.flatnonzero(is_open).tolist() if after[pattern == pattern[tick]].any()), None)
    if first is None:
        return None
    split = BinSplit(problem.neuron, *problem.potential_map.played.where(first), OPEN, OPEN)
    cases: list[Node] = []
    for side in (0, 1):
        case = refuted_by_bins(problem, care, referee, (*path, (split, side)), splits=splits - 1)
        if case is None:
            return None
        cases.append(case)
    return replace(split, if_silent=cases[0], if_spike=cases[1])


def refuted_by_taps(problem: NeuronProblem, referee: Referee, path: tuple[Step, ...] = ()) -> Node | None:
    """Return a proof that no allowed number of synapses reproduces a neuron's targets; None if none is found."""
    most, mapping = referee.spec.fan_in, problem.potential_map
    taken = {(split.line, split.delay): side for split, side in path if isinstance(split, TapSplit)}
    if most is None or mapping.n_taps > MOST_TAPS:
        return refute_integers(problem, referee, path)
    if sum(taken.values()) > most:
        return ExcessTaps(problem.neuron)
    is_settled = sum(taken.values()) < most and 0 in taken.values()
    found = None if is_settled else refute_integers(problem, referee, path)
    usable = np.flatnonzero(mapping.is_tap_used).tolist()
    names = [(tap % mapping.n_lines, int(mapping.delays[tap // mapping.n_lines])) for tap in usable]
    following = next((name for name in names if name not in taken), None)
    if found is not None or following is None:
        return found or refute_integers(problem, referee, path)
    split = TapSplit(problem.neuron, *following, OPEN, OPEN)
    cases: list[Node] = []
    for side in (1, 0):
        case = refuted_by_taps(problem, referee, (*path, (split, side)))
        if case is None:
            return None
        cases.append(case)
    return replace(split, if_absent=cases[1], if_present=cases[0])


def last_word(task: Task, output: int, referee: Referee) -> NeuronDesign:
    """Return a proof that an output with possible real weights has no integers; undecided if none is found.

    Raises
    ------
    UndecidedError
        If the time allowed runs out.
    """
    spec, care = task.spec, task.care[:, output]
    if has_open_ticks(spec):
        return UNDECIDED
    problem = task.problem(output, task.targets[:, output], constrained=care)
    proof = refuted_by_bins(problem, care, referee)
    if proof is None and spec.fan_in is not None:
        proof = refuted_by_taps(under_assumptions(problem, care, assumed={}), referee)
    if proof is None:
        return UNDECIDED
    return NeuronDesign(None, (conflict_of(problem, care, proof),), proof=proof)


def _named(
    conflict: Conflict, known: list[NeuronProblem], given: list[Raster], *, proof: Node, reservations: str
) -> Conflict:
    """Return the conflict, or if the proof rests on other determined bins, one of those."""
    bins = {(each.pattern, each.tick) for each in conflict.bins}
    rows = {(row.pattern, row.tick) for row in _bins_in([proof]) if _counts(row, known, given, conflict.neuron)}
    if rows <= bins:
        return conflict
    index = 0 if len(known) == 1 else conflict.neuron
    return conflict_of(known[index], given[index], proof, reservations=reservations)


def _counts(row: BinRow, known: list[NeuronProblem], counts: list[Raster], neuron: int) -> bool:
    index = 0 if len(known) == 1 else neuron
    return bool(counts[index][int(known[index].potential_map.played.starts[row.pattern]) + row.tick])


def _bins_in(nodes: Iterable[Node]) -> list[BinRow]:
    leaves = [leaf for node in nodes for leaf in leaves_of(node) if isinstance(leaf, Farkas)]
    return [row for leaf in leaves for row in leaf.rows if isinstance(row, BinRow)]


def _is_proved(conflict: Conflict, known: list[NeuronProblem], referee: Referee) -> bool:
    """Return whether a conflict with prices is a proof by itself."""
    problem = known[0 if len(known) == 1 else conflict.neuron]
    prices = {
        problem.potential_map.tick_of(each.pattern, each.tick, is_after_reset=each.is_after_reset): each.price
        for each in conflict.bins
    }
    return refute_prices(problem, prices, referee) is not None
