"""The detectors that an output requires in addition to its lines: linear programs over its distinct rows.

Ticks that no line and no detector distinguishes ask for the same, so they are one row. A set of detectors *suffices* if
weights, threshold and bias separate the spikes' rows from the silences'; where it does not, the prices of the rows are
balanced over all its columns, and every set whose columns leave them balanced fails with it. So each program that fails
rules out many others, as in an implicit hitting set (Reiter, Artificial Intelligence 32 (1987) 57).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from snnprog.arrays import Floats, Int64s
from snnprog.design.box import Box
from snnprog.solver import LinearProgram, check_time, maximise_if_possible

# A margin below this share of the largest weight, or of a given threshold that is less, is lost when weights become
# integers: a step of 255.
LEAST_MARGIN = 1.0 / 512
# Rows that a program takes in at a time, the most violated first: only time depends on it.
MORE_ROWS = 12
# By what a price, or what a column leaves of the prices' balance, may be a solver's rounding.
NEGLIGIBLE = 1e-7


class Separator:
    """The rows of one output, over its own lines and those of all detectors that may be added.

    Parameters
    ----------
    rows : (rows, taps) float
        What each tap of the existing lines leaves in the potential, in distinct rows.
    columns : (rows, detectors, delays) float
        The same of each detector, at each delay.
    offsets : (rows, 2) float
        What threshold and bias count for: the threshold's negative.
    signs : (rows,) float
        +1 where a spike is due, -1 where silence is.
    box : Box
        The ranges of the unknowns .
    """

    def __init__(self, rows: Floats, columns: Floats, offsets: Floats, signs: Floats, box: Box) -> None:
        self.signs = signs
        self.given = np.column_stack([rows, offsets]) * signs[:, None]
        self.more = columns * signs[:, None, None]
        top = float(np.maximum(-box.weight_lower, box.weight_upper).max(initial=1.0))
        bias = (-np.inf if box.bias[0] < 0.0 else 0.0, np.inf if box.bias[1] > 0.0 else 0.0)
        if not box.is_scale_free:
            top *= float(1 << box.widest_exponent)
            bias = box.bias[0] / top, box.bias[1] / top
        ends = (0.0, np.inf) if box.is_threshold_free else (box.threshold[0] / top,) * 2
        self.least_margin = LEAST_MARGIN * min(ends[1], 1.0)
        widest = 1.0 if box.is_scale_free else float(1 << box.widest_exponent)
        self.lower = np.concatenate([box.weight_lower * widest / top, [ends[0], bias[0]]])
        self.upper = np.concatenate([box.weight_upper * widest / top, [ends[1], bias[1]]])
        self.active = self._first_rows()
        self.upsets: list[int] = []  # bit d: detector d upsets the balance of a program that failed
        self.programs = 0

    def _first_rows(self) -> list[int]:
        """Return the least reached spikes and the most reached silences."""
        reach = np.abs(self.given[:, :-2]).sum(axis=1)
        due, silent = np.flatnonzero(self.signs > 0.0), np.flatnonzero(self.signs < 0.0)
        first = due[np.argsort(reach[due], kind="stable")][:MORE_ROWS]
        last = silent[np.argsort(-reach[silent], kind="stable")][:MORE_ROWS]
        return [*first.tolist(), *last.tolist()]

    def is_ruled_out(self, detectors: Sequence[int]) -> bool:
        """Return whether a program that failed has a balance which none of these detectors upsets."""
        chosen = 0
        for detector in detectors:
            chosen |= 1 << detector
        return any(not upsets & chosen for upsets in self.upsets)

    def suffices(self, detectors: Sequence[int]) -> bool:
        """Return whether these detectors, with the existing lines, reproduce the targets; store the prices if not."""
        return self.weights(detectors) is not None

    def weights(self, detectors: Sequence[int]) -> Floats | None:
        """Return (detectors,) the largest weight of each, if they suffice."""
        chosen = list(detectors)
        added = self.more[:, chosen, :].reshape(len(self.signs), -1)
        matrix = np.column_stack([self.given, added])
        lower = np.concatenate([self.lower, np.full(added.shape[1], -1.0)])
        upper = np.concatenate([self.upper, np.full(added.shape[1], 1.0)])
        while True:
            check_time()
            self.programs += 1
            solved = _solved(matrix[self.active], lower, upper)
            if solved is None:  # nothing is known of these detectors; others may do
                return None
            values, margin, duals = solved
            if margin < self.least_margin:
                pull = np.abs(np.einsum("k,kcd->cd", duals, self.more[self.active])).max(axis=1)
                upsets = np.packbits(pull > NEGLIGIBLE * float(duals.sum()), bitorder="little")
                self.upsets.append(int.from_bytes(upsets.tobytes(), "little"))
                return None
            margins = np.einsum("kt,t->k", matrix, values)
            violated = np.flatnonzero(margins < min(self.least_margin, margin))
            if not violated.size:
                used = np.abs(values[self.given.shape[1] :]).reshape(len(chosen), -1)
                return used.max(axis=1) if chosen else np.zeros(0)
            worst = violated[np.argsort(margins[violated], kind="stable")][:MORE_ROWS]
            self.active = sorted({*self.active, *worst.tolist()})


class Separators:
    """The rows of several outputs, over the same detectors."""

    def __init__(self, separators: Sequence[Separator]) -> None:
        self.separators = separators

    @property
    def programs(self) -> int:
        """How many linear programs were solved."""
        return sum(separator.programs for separator in self.separators)

    def is_ruled_out(self, detectors: Sequence[int]) -> bool:
        """Return whether these detectors fail with some output; see `Separator.is_ruled_out`."""
        return any(separator.is_ruled_out(detectors) for separator in self.separators)

    def suffices(self, detectors: Sequence[int]) -> bool:
        """Return whether these detectors do for all outputs."""
        return all(separator.suffices(detectors) for separator in self.separators)

    def weights(self, detectors: Sequence[int]) -> Floats | None:
        """Return (detectors,) the largest weight of each, in any output, if they suffice for all."""
        found = [separator.weights(detectors) for separator in self.separators]
        several = [weights for weights in found if weights is not None]
        return np.max(several, axis=0) if len(several) == len(found) else None


def _solved(matrix: Floats, lower: Floats, upper: Floats) -> tuple[Floats, float, Floats] | None:
    """Return unknowns of widest margin, at most 1, that margin, and prices of rows; None if the solver fails."""
    optimum = maximise_if_possible(
        LinearProgram(
            objective=np.append(np.zeros(matrix.shape[1]), 1.0),
            matrix=np.column_stack([matrix, -np.ones(len(matrix))]),
            least=np.zeros(len(matrix)),
            lower=np.append(lower, -np.inf),
            upper=np.append(upper, 1.0),
        )
    )
    return None if optimum is None else (optimum.values[:-1], float(optimum.values[-1]), optimum.duals)


def distinct(keys: Floats) -> Int64s:
    """Return the first of each kind of equal rows of ``(rows, columns)``, in order."""
    _, first = np.unique(keys, axis=0, return_index=True)
    return np.sort(first)
