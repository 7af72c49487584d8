"""Counting detectors: hidden neurons that fire where a weighted count of lines reaches a level.

What an output is requested is often a function of a count: of all lines (parity, exactly k of n), or of lines that
weigh 1, 2, -1 (comparisons). Along the count, each change from spike to silence costs one detector, which takes back
what the lines themselves add; changes from silence to spike cost nothing (Minnick, IRE Trans. EC-10 (1961) 6; Siu,
Roychowdhury, Kailath, IEEE Trans. Inf. Theory 39 (1993) 455). So parity of n takes half as many detectors as lines.

Weights of a few sizes are tried on few lines: on three, they give all 104 threshold functions; on more lines, all weigh
1, or as the nearest miss has them. Of the detectors along the counts of fewest changes, as few are chosen as suffice
for the output (`snnprog.design.hidden.sufficing`).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Floats, Int64s, Raster
from snnprog.design.hidden.craft import threshold_neuron
from snnprog.design.hidden.draft import Draft, later
from snnprog.design.hidden.sufficing import Goal, reduced, searched, separator_of
from snnprog.network import Neuron
from snnprog.rounding import half_even
from snnprog.solver import check_time

# The largest weights that are tried on so many lines: 7, 49, 343, 2401 and 3125 counts.
SIZES = {1: 3, 2: 3, 3: 3, 4: 3, 5: 2}
# The largest weight of the nearest miss becomes this count, as the largest of `SIZES` is; others in proportion.
LEANING = 3.0
# Maximum number of detectors that are weighed against one another, and of these the most in threes.
MOST_DETECTORS, FEW_DETECTORS = 260, 48
# Maximum number of entries of all columns: 32 MB of doubles.
MOST_CELLS = 1 << 22


@dataclass(frozen=True, eq=False)
class _Count:
    """A weighted count of the lines at one delay: its sums, changes that cost a detector, levels of both answers."""

    slot: int
    weights: Int64s
    sums: Int64s
    changes: int
    n_mixed: int


def fewest(draft: Draft, goal: Goal, *, most: int, lean: Floats) -> list[Neuron] | None:
    """Return as few counting detectors as suffice for an output, in addition to the existing lines; None if none do.

    Parameters
    ----------
    most : int
        How many there may be.
    lean : (taps,) float
        Weights that nearly do: they lend their counts to outputs of many lines.
    """
    counts = sorted(_counts(draft, goal, lean), key=lambda count: (count.n_mixed, count.changes))
    best = _first(draft, goal, counts)
    if best is None:
        return None
    if len(best) > 1 and most > 0:
        pool = _pool(draft, counts, MOST_DETECTORS)
        separator = separator_of(draft, goal, pool)
        for number in range(1, min(len(best), most + 1)):
            found = searched(separator, len(pool) if number < 3 else min(len(pool), FEW_DETECTORS), number)
            if found is not None:
                return [pool[index] for index in found]
    return best if len(best) <= most else None


def _first(draft: Draft, goal: Goal, counts: Sequence[_Count]) -> list[Neuron] | None:
    """Return detectors that suffice, of the count of fewest changes or of several; None if they do not."""
    for several in (counts[:1], counts):
        pool = _pool(draft, several, FEW_DETECTORS)
        if not pool:
            continue
        separator = separator_of(draft, goal, pool)
        if separator.suffices(range(len(pool))):
            return [pool[index] for index in sorted(reduced(separator, list(range(len(pool)))))]
    return None


def _counts(draft: Draft, goal: Goal, lean: Floats) -> list[_Count]:
    """Return weighted counts of the lines at each delay, with the changes that they leave."""
    spikes, lead = np.concatenate(draft.task.lines), int(min(draft.spec.delays))
    found = []
    for slot, delay in enumerate(draft.spec.delays):
        seen, signs = _answers(later(draft.mapping.tape, spikes, delay + lead), goal.wanted)
        weights = _weights(draft, slot, lean)
        levels = np.einsum("kl,wl->wk", seen.astype(np.int64), weights)
        found += [_Count(slot, own, sums, *_changes(sums, signs)) for own, sums in zip(weights, levels, strict=True)]
    return found


def _answers(seen: Raster, wanted: Floats) -> tuple[Raster, Floats]:
    """Return the distinct histories of lines with their answers: (kinds, lines) and (kinds,) ±1."""
    priced = np.flatnonzero(wanted)
    packed = np.column_stack([np.packbits(seen[priced], axis=1), wanted[priced] > 0.0])
    _, first = np.unique(packed, axis=0, return_index=True)
    return seen[priced[first]], np.sign(wanted[priced[first]])


def _weights(draft: Draft, slot: int, lean: Floats) -> Int64s:
    """Return the weights (counts, lines) that are tried at a delay, the plainest first."""
    box, n_lines = draft.box, draft.mapping.n_lines
    lower, upper = (ends.reshape(-1, n_lines)[slot] for ends in (box.weight_lower, box.weight_upper))
    is_open = np.flatnonzero((lower < 0.0) | (upper > 0.0))
    if is_open.size in SIZES:
        size = SIZES[is_open.size]
        grid = np.array(list(itertools.product(range(-size, size + 1), repeat=is_open.size)), dtype=np.int64)
        grid = grid[np.lexsort((-grid.sum(axis=1), np.abs(grid).sum(axis=1)))]
        tried = np.zeros((len(grid), n_lines), dtype=np.int64)
        tried[:, is_open] = grid
    else:
        leaning = lean.reshape(-1, n_lines)
        scaled = leaning / np.maximum(np.abs(leaning).max(axis=1, keepdims=True), np.finfo(np.float64).tiny)
        ones, steps = np.where(upper > 0.0, 1, -1)[None], half_even(LEANING * scaled)
        tried = np.concatenate([ones, steps, np.sign(steps)])
        tried[:, np.setdiff1d(np.arange(n_lines), is_open)] = 0
    allowed = np.all(np.where(tried > 0, upper > 0.0, np.where(tried < 0, lower < 0.0, True)), axis=1)
    chosen: Int64s = tried[tried.any(axis=1) & allowed]
    return chosen


def _changes(sums: Int64s, signs: Floats) -> tuple[int, int]:
    """Return how many changes cost a detector along a count, outward from 0, and how many levels ask for both answers.

    What the lines add makes a spike of a silence where the count rises; it takes a detector to make a silence of a
    spike. Where the count falls below 0, it is the other way round.
    """
    levels, place = np.unique(sums, return_inverse=True)
    due, silent = (np.bincount(place[signs * side > 0.0], minlength=levels.size) for side in (1, -1))
    answer = np.where(due > silent, 1, -1)
    up, down = answer[levels >= 0], answer[levels <= 0][::-1]
    changes = int((np.diff(up) < 0).sum()) + int((np.diff(down) > 0).sum())
    return changes, int(((due > 0) & (silent > 0)).sum())


def _pool(draft: Draft, counts: Sequence[_Count], most: int) -> list[Neuron]:
    """Return the detectors of some counts, each that does something else than the existing lines, once."""
    most = min(most, MOST_CELLS // (draft.mapping.tape.ticks * len(draft.spec.delays)))
    known = {np.packbits(line).tobytes() for line in np.concatenate(draft.task.lines).T}
    found: list[Neuron] = []
    for weights, level in _thresholds(draft, counts):
        check_time()
        if len(found) >= most:
            break
        neuron = threshold_neuron(draft, weights, level)
        key = b"" if neuron is None else np.packbits(neuron.raster).tobytes()
        if neuron is not None and neuron.raster.any() and key not in known:
            known.add(key)
            found.append(neuron)
    return found


def _thresholds(draft: Draft, counts: Sequence[_Count]) -> Iterator[tuple[Floats, float]]:
    """Yield the weights (taps,) and the threshold of each detector of some counts: between any two of their levels.

    Those that tell the same of what is seen come once.
    """
    known = set()
    for count, side in itertools.product(counts, (1, -1)):
        sums = side * count.sums
        weights = np.zeros((len(draft.spec.delays), draft.mapping.n_lines))
        weights[count.slot] = side * count.weights
        levels = np.unique(np.maximum(sums, 0))
        for below, above in itertools.pairwise(levels.tolist()):
            key = count.slot, np.packbits(sums >= above).tobytes()
            if key not in known:
                known.add(key)
                yield weights.ravel(), (below + above) / 2
