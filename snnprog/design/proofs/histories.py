"""Ticks at which a neuron has received exactly the same, found by fingerprint.

Potentials under one set of random weights, in integers modulo a prime, agree where φ and β agree, and hardly ever
elsewhere: one pass of the network finds all candidates, whatever the decays have left of old spikes. A fingerprint
is not a proof; each pair that is named has its own.
"""

from __future__ import annotations

import numpy as np

from snnprog.design.problem import NeuronProblem
from snnprog.rules.linear import SUBTRACT

# Different histories share a fingerprint with chance 1 / PRIME; the weights must fit an exact sum of 64-bit floats, of
# 2**23 spikes at 30 bits. A third of the bits changed nothing on 19 specs; any seed does.
PRIME = (1 << 61) - 1
WEIGHT_BITS = 30
SEED = 0


def clashes(problem: NeuronProblem) -> list[tuple[int, int]]:
    """Return pairs (spike, silence) of constrained ticks with the same history; each spike is in one at most.

    The silence is one at the same tick of another pattern, if there is one, else the first there is.
    """
    tape = problem.potential_map.tape
    prints = _fingerprints(problem)
    silences: dict[int, list[int]] = {}
    for tick in np.flatnonzero(problem.constrained & ~problem.raster).tolist():
        silences.setdefault(prints[tick], []).append(tick)
    pairs = []
    for spike in np.flatnonzero(problem.constrained & problem.raster).tolist():
        alike = silences.get(prints[spike], [])
        if alike:
            local = tape.where(spike)[1]
            pairs.append((spike, next((tick for tick in alike if tape.where(tick)[1] == local), alike[0])))
    return pairs


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


def _fingerprints(problem: NeuronProblem) -> list[int]:
    """Return one integer per tick."""
    mapping, generator = problem.potential_map, np.random.default_rng(SEED)
    weights = generator.integers(1, 1 << WEIGHT_BITS, mapping.n_taps)
    arriving = [int(value) for value in mapping.arrivals(weights.astype(np.float64))]
    threshold = int(generator.integers(1, 1 << WEIGHT_BITS)) if mapping.linear.reset == SUBTRACT else 0
    bias = int(generator.integers(1, 1 << WEIGHT_BITS)) if problem.box.has_bias else 0
    alpha, gamma, gain = (
        share.numerator * pow(share.denominator, PRIME - 2, PRIME) % PRIME
        for share in (mapping.linear.current, mapping.linear.potential, mapping.linear.gain)
    )
    begins = set(mapping.tape.starts.tolist())
    is_held = problem.resets.is_held.tolist()
    prints, current, potential = [], 0, 0
    looks = zip(problem.fires.tolist(), mapping.is_after_reset.tolist(), strict=True)
    for tick, (spike, is_after) in enumerate(looks):
        if tick in begins:
            current = potential = 0
        current = (alpha * current + gain * arriving[tick]) % PRIME
        potential = 0 if is_held[tick] else (gamma * potential + current + bias) % PRIME
        before = potential
        if spike:
            potential = 0 if mapping.linear.is_reset_to_zero else potential - threshold
        prints.append(potential if is_after else before)
    return prints
