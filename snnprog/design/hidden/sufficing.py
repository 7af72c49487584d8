"""Choose the fewest detectors of a pool that let outputs reproduce their targets.

Single detectors, pairs and threes are tried as far as the effort goes; beyond that, detectors are omitted one after
another. `snnprog.design.hidden.separable` solves the linear programs, and rules out detectors that a failed program
excludes.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Floats
from snnprog.design.hidden.draft import Draft, map_of
from snnprog.design.hidden.separable import Separator, Separators, distinct
from snnprog.network import Neuron
from snnprog.potential import Resets

# The most linear programs for one number of detectors, as many as there are detectors: each takes about a millisecond.
MOST_PROGRAMS = 260


@dataclass(frozen=True, eq=False)
class Goal:
    """The targets of one output.

    Attributes
    ----------
    output : int
    resets : Resets
        Its own.
    wanted : (ticks,) float
        +1 where it must spike, -1 where not, 0 where it does not count.
    """

    output: int
    resets: Resets
    wanted: Floats


def reduced(separator: Separator | Separators, kept: list[int]) -> list[int]:
    """Remove detectors: first all those without weight, then the lightest, as long as the others suffice."""
    weights = separator.weights(kept)
    if weights is None:
        return kept
    order = np.argsort(weights, kind="stable").tolist()
    heavy = [kept[place] for place in order if weights[place] > 0.0]
    kept = heavy if heavy and separator.suffices(heavy) else [kept[place] for place in order]
    for detector in list(kept):
        fewer = [other for other in kept if other != detector]
        if fewer and separator.suffices(fewer):
            kept = fewer
    return kept


def searched(
    separator: Separator | Separators, size: int, number: int, *, most: int = MOST_PROGRAMS
) -> tuple[int, ...] | None:
    """Try every choice of a number of detectors that no certificate excludes, with a limit on linear programs."""
    if number > 3:
        return None
    programs = separator.programs
    for choice in itertools.combinations(range(size), number):
        if not separator.is_ruled_out(choice):
            if separator.programs - programs >= most:
                return None
            if separator.suffices(choice):
                return choice
    return None


def separator_of(draft: Draft, goal: Goal, pool: Sequence[Neuron]) -> Separator:
    """Return the distinct rows of an output, over the existing lines and a pool of detectors."""
    mapping, priced = draft.mapping, np.flatnonzero(goal.wanted)
    rasters = np.stack([neuron.raster for neuron in pool], axis=1)
    columns = map_of(draft, rasters).rows(goal.resets, priced).reshape(priced.size, -1, len(pool))
    rows = mapping.rows(goal.resets, priced)
    offsets = np.column_stack([-goal.resets.threshold_response, mapping.bias_response(goal.resets)])[priced]
    signs = np.sign(goal.wanted[priced])
    mixed = np.random.default_rng(0).random(rows.shape[1] + columns[0].size)
    hashes = np.einsum("kt,t->k", np.column_stack([rows, columns.reshape(priced.size, -1)]), mixed)
    first = distinct(np.column_stack([hashes, offsets, signs]))
    return Separator(rows[first], columns[first].transpose(0, 2, 1), offsets[first], signs[first], draft.box)
