"""Ticks at which a neuron has received exactly the same, or the same but for its strength, found by fingerprint.

Potentials under one set of random weights, in integers modulo a prime, agree where φ and β agree, and hardly ever
elsewhere: one pass of the network finds all candidates, whatever the decays have left of old spikes. Potentials under
two sets of weights are in the same ratio where φ and β are in the same proportions. That is so in a stretch without
input, in which a potential only decays: a spike due there contradicts any silence before it. A fingerprint is not a
proof; each pair that is named has its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from snnprog.arrays import Raster, UInt64s
from snnprog.design.problem import NeuronProblem
from snnprog.design.proofs.pull import EXACT_BITS_LIMIT, exact_bits, pull
from snnprog.design.proofs.residues import PRIME, Looks, ratios, residues
from snnprog.rules.linear import SUBTRACT

# The weights must fit an exact sum of 64-bit floats, of 2**23 spikes at 30 bits. A third of the bits changed nothing on
# 19 specs; any seed does.
WEIGHT_BITS = 30
SEED = 0


def clashes(problem: NeuronProblem) -> list[tuple[int, int]]:
    """Return pairs (spike, silence) of constrained ticks with the same history; each spike is in one at most.

    The silence is one at the same tick of another pattern, if there is one, else the first there is.
    """
    tape = problem.potential_map.tape
    prints = _fingerprints(problem)
    pairs = []
    for spike, alike in _alike(prints, problem.constrained & problem.raster, problem.constrained & ~problem.raster):
        local = tape.where(spike)[1]
        pairs.append((spike, next((tick for tick in alike if tape.where(tick)[1] == local), alike[0])))
    return pairs


def fadings(problem: NeuronProblem) -> list[tuple[int, int]]:
    """Return pairs (spike, silence) of constrained ticks at which φ and β are in proportion, and less at the spike.

    Less, that is, for each threshold that must be exceeded. The silence is the nearest in time; each spike is in one
    pair at most.
    """
    directions = ratios(*(_fingerprints(problem, seed=seed, is_free=True) for seed in (SEED, SEED + 1)))
    sizes = problem.norms + (problem.bias_response if problem.box.has_bias else 0.0)
    reach, reached = sizes / problem.threshold_response, problem.constrained & (sizes > 0.0)
    pairs = []
    for spike, alike in _alike(directions, reached & problem.raster, reached & ~problem.raster):
        stronger = [tick for tick in alike if reach[tick] > reach[spike]]
        if stronger:
            pairs.append((spike, min(stronger, key=lambda tick: abs(spike - tick))))
    return pairs


def _alike(prints: UInt64s, spikes: Raster, silences: Raster) -> Iterator[tuple[int, list[int]]]:
    """Yield each spike that shares its fingerprint with silences, and these, in the order of ticks."""
    due, silent = np.flatnonzero(spikes), np.flatnonzero(silences)
    shared = np.intersect1d(prints[due], prints[silent])
    if not shared.size:
        return
    found: dict[int, list[int]] = {}
    for tick in silent[np.isin(prints[silent], shared)].tolist():
        found.setdefault(int(prints[tick]), []).append(tick)
    for spike in due[np.isin(prints[due], shared)].tolist():
        yield spike, found[int(prints[spike])]


def balanced(problem: NeuronProblem, spike: int, *, silence: int) -> dict[int, int]:
    """Return the coprime prices under which a pair of `fadings` pulls no weight.

    Where memories are too long for exact pulls, the prices are those of a potential that only decays in between: a
    guess.
    """
    bits = exact_bits(problem, {spike: 1, silence: 1})
    if bits > EXACT_BITS_LIMIT:
        kept = problem.potential_map.linear.potential ** max(0, spike - silence)
        return {spike: kept.denominator, silence: kept.numerator}
    ours, others = (pull(problem, {tick: 1}, bits) for tick in (spike, silence))
    pulls = [(ours.taps[tap][0], others.taps[tap][0]) for tap in ours.taps if tap in others.taps]
    pulls.append((ours.bias[0], others.bias[0]))
    share = next((Fraction(abs(own), abs(other)) for own, other in pulls if own and other), Fraction(1))
    return {spike: share.denominator, silence: share.numerator}


def is_same_trial(problem: NeuronProblem, one: int, *, other: int) -> bool:
    """Return whether two ticks have the same index in patterns with identical inputs and outputs up to them."""
    mapping = problem.potential_map
    (pattern, local), (theirs, their_local) = mapping.tape.where(one), mapping.tape.where(other)
    if local != their_local or pattern == theirs:
        return False
    ours, others = (int(mapping.played.starts[index]) for index in (pattern, theirs))
    if not np.array_equal(problem.spikes[ours : ours + local], problem.spikes[others : others + local]):
        return False
    first, tap = mapping.arrival_events
    return all(
        sorted(tap[first[a] : first[a + 1]].tolist()) == sorted(tap[first[b] : first[b + 1]].tolist())
        for a, b in zip(range(ours, ours + local + 1), range(others, others + local + 1), strict=True)
    )


def _fingerprints(problem: NeuronProblem, *, seed: int = SEED, is_free: bool = False) -> UInt64s:
    """Return one integer per tick; ``is_free`` for those of φ and β alone, before resets that subtract a threshold."""
    mapping, generator = problem.potential_map, np.random.default_rng(seed)
    weights = generator.integers(1, 1 << WEIGHT_BITS, mapping.n_taps)
    arriving = mapping.arrivals(weights.astype(np.float64)).astype(np.uint64)
    is_subtracted = mapping.linear.reset == SUBTRACT and not is_free
    threshold = int(generator.integers(1, 1 << WEIGHT_BITS)) if is_subtracted else 0
    bias = int(generator.integers(1, 1 << WEIGHT_BITS)) if problem.box.has_bias else 0
    shares = (mapping.linear.current, mapping.linear.potential, mapping.linear.gain)
    factors = [share.numerator * pow(share.denominator, PRIME - 2, PRIME) % PRIME for share in shares]
    begins = np.zeros(arriving.size, np.bool_)
    begins[mapping.tape.starts] = True
    looks = Looks(begins, problem.resets.is_held, problem.fires, mapping.is_after_reset & (not is_free))
    numbers = np.array([*factors, bias, threshold], dtype=np.uint64)
    prints: UInt64s = residues(arriving, looks, numbers, bool(mapping.linear.is_reset_to_zero))
    return prints
