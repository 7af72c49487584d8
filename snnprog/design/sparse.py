"""Sparse design: reduce the synapses of a designed neuron without changing its spikes.

Finding the fewest is NP-hard, so this is a search. The lightest weights, ``Σ |w|`` with every row cleared, already live
on few taps; weighing each tap by the inverse of its last weight makes them fewer (reweighted L1: Candès, Wakin, Boyd,
J. Fourier Anal. Appl. 14 (2008) 877). Then taps are omitted for as long as the rest can do, in blocks, at last one by
one, the lightest first; the taps that are left start the weighing afresh. Where taps are few, two are exchanged for
one. What is left is designed again, for a wide margin.

Decisions
---------
- At each step, *can do* means: with a margin that survives every rounding. Where the lightest weights have none, the
  neuron stays as it was designed; only a limit on its synapses makes do with the margin that it was designed with.
- Bins that do not count are kept as the design filled them in.
- Whether a limit can be met at all is for a complete search to say (`snnprog.design.searched`).
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace

import numpy as np

from snnprog.arrays import Floats, Int64s, Raster
from snnprog.design.margins.answer import ROUNDING_PROOF
from snnprog.design.margins.margin import widest_margin
from snnprog.design.neuron import NeuronDesign
from snnprog.design.problem import NeuronProblem
from snnprog.design.support import Programs, restricted_to
from snnprog.network import Neuron
from snnprog.spec import Spec

# The search's effort: how often weights are weighed again (Candès and others find that few rounds do), and the taps
# left start it afresh. × 3 and ÷ 3 of all constants here but NOTHING: no change on 2 specs, and 1.0 to 1.4 of the
# time.
WEIGHINGS, RESTARTS = 3, 4
# ε of the reweighting, as a share of the largest weight: Candès and others use 0.1, and find it robust.
BLUNTNESS = 0.1
# In place of a greatest weight of 0, where all costs are equal anyway.
NOTHING = 1e-6
# The LSBs by which rows must be cleared at first (as much as rounding can move at a tick that 2 taps reach), and the
# shares of the design's own room that are tried after it.
ROOM, SHARES = 1.0, (0.25, 0.75)
# Maximum number of programs that are solved to exchange two taps for one: a program takes about a millisecond, so all
# are below a second.
FEW_EXCHANGES = 400


@dataclass(frozen=True)
class Thrift:
    """The specification of the synapses: the fewest that are found, a maximum, or both."""

    is_fewest: bool
    most: int | None

    @property
    def is_limited(self) -> bool:
        """Whether anything is."""
        return self.is_fewest or self.most is not None

    def allows(self, neuron: Neuron) -> bool:
        """Return whether the synapses of a neuron are within the maximum."""
        return self.most is None or np.count_nonzero(neuron.weights) <= self.most

    def is_met_by(self, taps: Int64s) -> bool:
        """Return whether there is no reason to look for fewer taps."""
        return not self.is_fewest and self.most is not None and taps.size <= self.most


def thrift_of(spec: Spec) -> Thrift:
    """Return the limits of a spec on the synapses of each output."""
    return Thrift(spec.sparse, spec.fan_in)


def thinned(problem: NeuronProblem, designed: NeuronDesign, thrift: Thrift, *, relevant: Raster) -> NeuronDesign:
    """Return a designed neuron with fewer synapses, as few as are found; there may be more than allowed.

    Parameters
    ----------
    problem : NeuronProblem
        The one that was designed for.
    relevant : (ticks,) bool
        At which ticks the neuron has to go on doing what it does.
    """
    neuron = designed.neuron
    if neuron is None or not thrift.is_limited:
        return designed
    rows = problem.potential_map.at_every_look(relevant)
    settled = problem.with_raster(neuron.raster).constrained_to(rows).at_exponent(neuron.exponent)
    taps = np.flatnonzero(neuron.weights.ravel())
    if thrift.is_met_by(taps) or neuron.margin <= 0.0:
        return designed
    found = _search(settled, neuron, thrift=thrift)
    return designed if found is None else NeuronDesign(_redesigned(settled, neuron, taps=found))


def _search(problem: NeuronProblem, neuron: Neuron, *, thrift: Thrift) -> Int64s | None:
    """Return the fewest taps found that can do, lightest first, or None if none but those designed were found."""
    programs = Programs(problem)
    start = _start(programs, neuron, thrift)
    if start is None:
        return None
    best, ones = _left(programs, start.weights, start.least, thrift), np.ones(start.weights.size)
    for _ in range(RESTARTS):
        answer = programs.supported(np.sort(best), start.least)
        if answer is None or best.size == 0 or thrift.is_met_by(best):
            break
        room = min(start.room, answer.room)
        light = programs.lightest(np.sort(best), ones, room=room)
        again = programs.lightest(np.sort(best), _costs(light), room=room, others=programs.usable)
        kept = _left(programs, _weighed(programs, again, room=room), start.least, thrift)
        if kept.size >= best.size or programs.supported(np.sort(kept), start.least) is None:
            break
        best = kept
    return best if thrift.is_met_by(best) else _exchanged(programs, best, least=start.least)


@dataclass(frozen=True, eq=False)
class _LightStart:
    """The first light weights whose taps can do, by how many LSBs they clear all rows, and the margin sought."""

    weights: Floats
    room: float
    least: float


def _start(programs: Programs, neuron: Neuron, thrift: Thrift) -> _LightStart | None:
    """Return the start; weights with larger margins are tried if lighter ones do not suffice."""
    designed = neuron.weights.ravel()
    room = programs.problem.room(designed, neuron.threshold, neuron.bias)
    margins = [ROUNDING_PROOF] if thrift.most is None else [ROUNDING_PROOF, min(ROUNDING_PROOF, neuron.margin)]
    rooms = [min(ROOM, room), *[share * room for share in SHARES if share * room > ROOM]]
    for least, sought in itertools.product(margins, rooms):
        weights = _weighed(
            programs, programs.lightest(programs.usable, np.ones(designed.size), room=sought), room=sought
        )
        if programs.supported(np.flatnonzero(weights), least) is not None:
            return _LightStart(weights, sought, least)
    return None


def _weighed(programs: Programs, weights: Floats, *, room: float) -> Floats:
    """Return lighter weights, weighed again and again by the inverse of the last; taps that drop out stay out."""
    for _ in range(WEIGHINGS):
        weights = programs.lightest(np.flatnonzero(weights), _costs(weights), room=room)
    return weights


def _costs(weights: Floats) -> Floats:
    sizes = np.abs(weights)
    costs: Floats = 1.0 / (sizes / max(sizes.max(initial=0.0), NOTHING) + BLUNTNESS)
    return costs


def _left(programs: Programs, weights: Floats, least: float, thrift: Thrift) -> Int64s:
    """Remove blocks of taps, lightest first and ever smaller blocks, for as long as the others can do.

    Where even all taps of these weights cannot do, all of them are returned: the caller asks.
    """
    taps = np.flatnonzero(weights)
    kept = taps[np.argsort(np.abs(weights[taps]), kind="stable")]
    size = max(1, kept.size // 2)
    while size >= 1 and not thrift.is_met_by(kept):
        first = 0
        while first < kept.size and not thrift.is_met_by(kept):
            others = np.delete(kept, slice(first, first + size))
            if programs.supported(np.sort(others), least) is not None:
                kept = others
            else:
                first += size
        size //= 2
    return kept


def _exchanged(programs: Programs, taps: Int64s, *, least: float) -> Int64s:
    """Replace two taps by one as long as that succeeds, if there are few ways."""
    while math.comb(taps.size, 2) * (programs.usable.size - taps.size) <= FEW_EXCHANGES:
        smaller = (
            np.append(np.delete(taps, pair), other)
            for pair in itertools.combinations(range(taps.size), 2)
            for other in np.setdiff1d(programs.usable, taps)
        )
        found = next((few for few in smaller if programs.supported(np.sort(few), least) is not None), None)
        if found is None:
            break
        taps = found
    return taps


def _redesigned(problem: NeuronProblem, neuron: Neuron, *, taps: Int64s) -> Neuron:
    """Return the neuron of a wide margin on these taps alone."""
    wide = widest_margin(restricted_to(problem, taps))
    found = Programs(problem).supported(np.sort(taps), min(ROUNDING_PROOF, neuron.margin))
    better = wide if found is None or wide.margin >= found.margin else found
    return replace(
        neuron,
        weights=better.weights.reshape(neuron.weights.shape),
        threshold=better.threshold,
        bias=better.bias,
        margin=better.margin,
        bound=wide.bound,
    )
