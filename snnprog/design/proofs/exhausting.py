"""All integers of one neuron, in boxes that are halved until each of them fails.

The chip's rule, run on intervals, tells whether a box can do what its bins ask; the threshold's range is narrowed on
the way. Linear programs cut off whole parts. A box that is left is halved as `snnprog.check_proof` halves it, so what
ends here ends there, after as much work. A box of one point that is left is an answer: integers that reproduce the
targets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from snnprog.arrays import Floats, Int64s
from snnprog.design.proofs.box_run import BoxRun
from snnprog.design.proofs.boxes import EXPONENT, THRESHOLD, BoxNeuron, ends_of, halved, tightened
from snnprog.errors import UndecidedError
from snnprog.proof import Row
from snnprog.solver import check_time

AT_ONCE = 4096
"""Boxes that are run at once; numpy's cost of an operation is then that of its elements."""

TRIES, LONGEST_REST = 8, 4
"""Boxes for which a cut is searched before all are halved; and how many times they are halved at most before the next
look, where none was found."""

MOST_CUTS = 60
"""Every box is compared with all cuts."""

SLACK = 1e-9
"""The error of sums of floats, as a share of their parts: cuts are calculated in integers by the checker."""

FARTHEST = 2.0**40
"""Beyond all integers of a chip."""


@dataclass(frozen=True, eq=False)
class Exhaustion:
    """The result of all boxes.

    Attributes
    ----------
    answer : (taps + 3,) int or None
        Integers that reproduce the targets.
    is_complete : bool
        Whether all boxes failed.
    work : int
        Ticks and events that were run, as `snnprog.check_proof` counts them.
    cuts : tuple of tuple of row
    """

    answer: Int64s | None
    is_complete: bool
    work: int
    cuts: tuple[tuple[Row, ...], ...]


@dataclass(frozen=True, eq=False)
class Cut:
    """The condition on every box: ``constant + Σ multiples * unknowns >= 0``.

    Attributes
    ----------
    constant : float
    multiples : (taps + 3,) float
        Of what one spike over each tap adds, 0 for the exponent, of the bias and the threshold.
    rows : tuple of row
        Where it comes from.
    """

    constant: float
    multiples: Floats
    rows: tuple[Row, ...]


class Cutter(Protocol):
    """Finds cuts by linear programs; ``solved`` says how many were solved."""

    solved: int

    def bounds(self, least: Int64s, greatest: Int64s) -> Iterator[Cut]:
        """Yield cuts that bring together the ends of unknowns, (taps + 3,) each."""

    def cut(self, least: Int64s, greatest: Int64s) -> Cut | None:
        """Return a cut that no unknowns between two ends keep, (taps + 3,) each; None if none is found."""


class Exhausting:
    """A search through all integers of a neuron: the boxes that wait, and the cuts that were found.

    It begins with cuts that bring the ends of the unknowns together. After a look for a cut that found none, there are
    some steps without one.

    Parameters
    ----------
    neuron : BoxNeuron
    cutter : Cutter or None
    """

    def __init__(self, neuron: BoxNeuron, cutter: Cutter | None = None) -> None:
        self.neuron, self.cutter, self.work = neuron, cutter, 0
        self.waiting = [np.stack([neuron.lower, neuron.upper])[:, None]]
        self.cuts: list[Cut] = []
        self.bounds = iter(()) if cutter is None else cutter.bounds(*ends_of(self.waiting[0][:, 0]))
        self.rest = self.pause = 0
        self.is_stuck = False

    def until(self, most_work: int) -> Exhaustion:
        """Halve boxes until all of them fail, one is an answer, or the limit of all work is reached.

        Raises
        ------
        UndecidedError
            If the time that `snnprog.solver.until` allows runs out; the search can go on all the same.
        """
        for cut in self.bounds:
            self.cuts.append(cut)
        while self.waiting and not self.is_stuck:
            check_time()
            boxes = self._taken()
            try:
                answer = self._step(boxes)
            except UndecidedError:
                self.waiting.append(boxes)
                raise
            if answer is not None or self.work > most_work:
                return Exhaustion(answer, False, self.work, ())
        return Exhaustion(None, not self.is_stuck, self.work, tuple(cut.rows for cut in self.cuts))

    @property
    def left(self) -> int:
        """The bits of how many integers wait, at most: each range counts as the next power of two."""
        total = 0
        for boxes in self.waiting:
            for bits, count in enumerate(np.bincount(_bits(boxes[1] - boxes[0])).tolist()):
                total += count << bits
        return total.bit_length()

    def _step(self, boxes: Int64s) -> Int64s | None:
        """Run some boxes and halve those that are left; return an answer, if one is among them."""
        boxes = self._narrowed(boxes)
        before = boxes[..., THRESHOLD].copy()
        run = BoxRun(self.neuron, boxes)
        run.all_patterns()
        self.work += run.work
        boxes, before = run.boxes, before[:, run.left]
        is_point = (boxes[0] == boxes[1]).all(axis=1)
        is_answer = is_point & (before == boxes[..., THRESHOLD]).all(axis=0)  # else more thresholds were run
        if is_answer.any() and not self.neuron.may_answer:
            self.is_stuck = True
        elif is_answer.any():
            answer: Int64s = boxes[0, int(is_answer.argmax())]
            return answer
        is_cut = boxes.size > 0 and self._look_for_cut(boxes)
        following = boxes if is_cut else np.concatenate([boxes[:, is_point], halved(boxes[:, ~is_point])], axis=1)
        if following.size:
            self.waiting.append(following)
        return None

    def _taken(self) -> Int64s:
        """Take some boxes from those that wait."""
        boxes = self.waiting.pop()
        if boxes.shape[1] > AT_ONCE:
            self.waiting.append(boxes[:, :-AT_ONCE])
        return boxes[:, -AT_ONCE:]

    def _narrowed(self, boxes: Int64s) -> Int64s:
        """Return boxes without impossible values, and without those that break a cut."""
        self.work += len(self.cuts) * boxes.shape[1]
        boxes = tightened(self.neuron, boxes)
        for cut in self.cuts:
            boxes = cut_down(boxes, cut)
        return tightened(self.neuron, boxes)

    def _look_for_cut(self, boxes: Int64s) -> bool:
        """Return whether a cut was found; it is noted."""
        if self.cutter is None or len(self.cuts) >= MOST_CUTS or self.rest:
            self.rest = max(self.rest - 1, 0)
            return False
        found = _found_cut(self.cutter, boxes)
        if found is not None:
            self.cuts.append(found)
            self.pause = 0
            return True
        self.rest = self.pause = min(2 * self.pause + 1, LONGEST_REST)
        return False


def _found_cut(cutter: Cutter, boxes: Int64s) -> Cut | None:
    """Return a cut that breaks a box: the widest, the farthest from 0, or one of some others."""
    least, greatest = ends_of(boxes)
    near = np.where((least <= 0) & (greatest >= 0), 0, np.minimum(np.abs(least), np.abs(greatest)))
    wide, far = _bits(boxes[1] - boxes[0]), _bits(near)
    some = np.linspace(0, wide.size - 1, TRIES).astype(np.int64).tolist()
    for place in dict.fromkeys((int(wide.argmax()), int(far.argmax()), *some)):
        found = cutter.cut(least[place], greatest[place])
        if found is not None:
            return found
    return None


def _bits(values: Int64s) -> Int64s:
    """Return how many bits the integers of each row, none negative, have together."""
    bits: Int64s = np.frexp(values.astype(np.float64))[1].astype(np.int64).sum(axis=1)
    return bits


def cut_down(boxes: Int64s, cut: Cut) -> Int64s:
    """Return boxes without ends that break a cut, and without boxes that break it everywhere."""
    least, greatest = ends_of(boxes)
    columns = np.flatnonzero(cut.multiples)
    most = {
        column: np.maximum(cut.multiples[column] * least[:, column], cut.multiples[column] * greatest[:, column])
        for column in columns.tolist()
    }
    total: Floats = np.full(boxes.shape[1], cut.constant)
    size: Floats = np.abs(total)
    for each in most.values():
        total, size = total + each, size + np.abs(each)
    total = total + SLACK * size
    boxes = boxes.copy()
    exponents: Int64s = boxes[0, :, EXPONENT]
    is_fixed = exponents == boxes[1, :, EXPONENT]
    for column, each in most.items():
        by = cut.multiples[column]
        end = (each - total) / by
        scale = 1 << exponents if column < boxes.shape[2] + EXPONENT else 1
        end = np.clip(end / scale, -FARTHEST, FARTHEST)
        if by > 0:
            new = np.ceil(end - SLACK * np.abs(end) - SLACK).astype(np.int64)
            boxes[0, :, column] = np.where(is_fixed, np.maximum(boxes[0, :, column], new), boxes[0, :, column])
        else:
            new = np.floor(end + SLACK * np.abs(end) + SLACK).astype(np.int64)
            boxes[1, :, column] = np.where(is_fixed, np.minimum(boxes[1, :, column], new), boxes[1, :, column])
    kept = (total >= 0) & (boxes[0] <= boxes[1]).all(axis=1)
    return boxes[:, kept]
