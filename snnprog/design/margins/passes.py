"""Compiled passes over the events of a neuron that are linear in what they are given, or in its square.

A neuron's φ, and the traces of the current, are carried from event to event, so that a pass costs no more than
simulating the neuron. All sums are added up in the order of the events.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from snnprog.arrays import Floats, Int64s
from snnprog.design.margins.events import ENDS, GOES_ON, Bursts, Decays, Events
from snnprog.jit import compiled


@compiled(nogil=True)
def squares(events: Events, decays: Decays, powers: Floats, n_taps: int) -> Floats:
    """Return φ·φ and φ·u at every tick, (2, ticks), with u the taps' traces of the current."""
    first, tap, after = events
    gamma, alpha, kappa = decays
    squares = np.zeros((2, after.size))
    potential_of, current_of = np.zeros(n_taps), np.zeros(n_taps)
    stamp = np.full(n_taps, -1, np.int64)
    potential_square = current_square = cross = 0.0
    segment = pattern = 0
    for k in range(after.size):
        potential_square = gamma * gamma * potential_square + 2 * gamma * alpha * cross + alpha * alpha * current_square
        cross = alpha * (gamma * cross + alpha * current_square)
        current_square = alpha * alpha * current_square
        for event in range(first[k], first[k + 1]):
            j = tap[event]
            potential, current = _state(k, segment, pattern, stamp[j], potential_of[j], current_of[j], powers, kappa)
            potential_square += 2 * potential + 1.0
            cross += potential + current + 1.0
            current_square += 2 * current + 1.0
            potential_of[j], current_of[j], stamp[j] = potential + 1.0, current + 1.0, k
        squares[0, k], squares[1, k] = potential_square, cross
        if after[k] != GOES_ON:
            segment = k + 1
            potential_square = cross = 0.0
        if after[k] == ENDS:
            pattern = k + 1
            current_square = 0.0
    return squares


@compiled(nogil=True)
def rows(
    events: Events, powers: Floats, kappa: float, factor: Floats, chosen: Int64s, matrix: NDArray[np.floating]
) -> None:
    """See `Sweeper.rows`."""
    first, tap, after = events
    n_taps = matrix.shape[1]
    potential_of, current_of = np.zeros(n_taps), np.zeros(n_taps)
    stamp = np.full(n_taps, -1, np.int64)
    segment = pattern = row = 0
    for k in range(after.size):
        if row == chosen.size:
            break
        for event in range(first[k], first[k + 1]):
            j = tap[event]
            potential, current = _state(k, segment, pattern, stamp[j], potential_of[j], current_of[j], powers, kappa)
            potential_of[j], current_of[j], stamp[j] = potential + 1.0, current + 1.0, k
        if chosen[row] == k:
            for j in range(n_taps):
                potential, _ = _state(k, segment, pattern, stamp[j], potential_of[j], current_of[j], powers, kappa)
                matrix[row, j] = factor[k] * potential
            row += 1
        if after[k] != GOES_ON:
            segment = k + 1
        if after[k] == ENDS:
            pattern = k + 1


@compiled(nogil=True, inline="always")
def _state(
    k: int, segment: int, pattern: int, stamp: int, potential: float, current: float, powers: Floats, kappa: float
) -> tuple[float, float]:
    """Return the traces of potential and current that a tap, last touched at ``stamp``, has at tick k."""
    if stamp < pattern:
        return 0.0, 0.0
    if kappa == 0.0:
        return (potential * powers[0, k - stamp] if stamp >= segment else 0.0), 0.0
    elapsed = k - stamp
    left = current * powers[1, elapsed]
    if stamp >= segment:
        return potential * powers[0, elapsed] + kappa * current * (powers[0, elapsed] - powers[1, elapsed]), left
    at_reset, elapsed = current * powers[1, segment - 1 - stamp], k - segment + 1
    return kappa * at_reset * (powers[0, elapsed] - powers[1, elapsed]), left


@compiled(nogil=True)
def potential(events: Events, decays: Decays, weights: Floats) -> Floats:
    """See `Sweeper.potential`."""
    first, tap, after = events
    gamma, alpha, _ = decays
    course = np.empty(after.size)
    potential = current = 0.0
    for k in range(after.size):
        a = b = c = d = 0.0  # four sums side by side, since each waits for its last term
        last = first[k + 1]
        whole = last - (last - first[k]) % 4
        for event in range(first[k], whole, 4):
            a += weights[tap[event]]
            b += weights[tap[event + 1]]
            c += weights[tap[event + 2]]
            d += weights[tap[event + 3]]
        for event in range(whole, last):
            a += weights[tap[event]]
        current = alpha * current + ((a + b) + (c + d))
        potential = gamma * potential + current
        course[k] = potential
        if after[k] != GOES_ON:
            potential = 0.0
        if after[k] == ENDS:
            current = 0.0
    return course


@compiled(nogil=True)
def adjoint(events: Events, decays: Decays, n_taps: int, prices: Floats) -> Floats:
    """See `Sweeper.adjoint`: the network run backwards in time."""
    first, tap, after = events
    gamma, alpha, _ = decays
    gathered = np.zeros(n_taps)
    potential = current = 0.0
    for k in range(after.size - 1, -1, -1):
        if after[k] != GOES_ON:
            potential = 0.0
        if after[k] == ENDS:
            current = 0.0
        potential = prices[k] + gamma * potential
        current = potential + alpha * current
        for event in range(first[k], first[k + 1]):
            gathered[tap[event]] += current
    return gathered


@compiled(nogil=True)
def potential_by_bursts(bursts: Bursts, after: Int64s, decays: Decays, weights: Floats) -> Floats:
    """See `Sweeper.potential`; the weights are ordered by line, then delay."""
    start, arrivals, weight = bursts
    gamma, alpha, _ = decays
    course = np.zeros(after.size)
    for burst in range(start.size):
        tick, first = start[burst], weight[burst]
        for i in range(arrivals[burst]):
            course[tick + i] += weights[first + i]
    potential = current = 0.0
    for k in range(after.size):
        current = alpha * current + course[k]
        potential = gamma * potential + current
        course[k] = potential
        if after[k] != GOES_ON:
            potential = 0.0
        if after[k] == ENDS:
            current = 0.0
    return course


@compiled(nogil=True)
def adjoint_by_bursts(bursts: Bursts, after: Int64s, decays: Decays, n_taps: int, prices: Floats) -> Floats:
    """See `Sweeper.adjoint`; what is gathered is ordered by line, then delay, with the bits of `adjoint`."""
    start, arrivals, weight = bursts
    gamma, alpha, _ = decays
    field = np.empty(after.size)
    potential = current = 0.0
    for k in range(after.size - 1, -1, -1):
        if after[k] != GOES_ON:
            potential = 0.0
        if after[k] == ENDS:
            current = 0.0
        potential = prices[k] + gamma * potential
        current = potential + alpha * current
        field[k] = current
    gathered = np.zeros(n_taps)
    for burst in range(start.size - 1, -1, -1):
        tick, first = start[burst], weight[burst]
        for i in range(arrivals[burst]):
            gathered[first + i] += field[tick + i]
    return gathered


@compiled(nogil=True)
def value_of_squares(events: Events, decays: Decays, prices: Floats) -> Floats:
    """Return (3, ticks): what p², 2 p u and u² of a tap at each tick add to ``Σ prices φ²`` if no event follows.

    p and u are the tap's traces of potential and current; with p' = γ p + α u and u' = α u, squares follow linearly.
    """
    gamma, alpha, _ = decays
    values = np.zeros((3, prices.size))
    first = cross = second = 0.0
    for k in range(prices.size - 1, -1, -1):
        goes_on, ends = events.after[k] == GOES_ON, events.after[k] == ENDS
        values[2, k] = 0.0 if ends else alpha * alpha * (second + 2.0 * cross + first)
        values[1, k] = gamma * alpha * (cross + first) if goes_on else 0.0
        values[0, k] = prices[k] + (gamma * gamma * first if goes_on else 0.0)
        first, cross, second = values[0, k], values[1, k], values[2, k]
    return values


@compiled(nogil=True)
def squared_adjoint(events: Events, kappa: float, powers: Floats, values: Floats, n_taps: int) -> Floats:
    """See `Sweeper.squared_adjoint`: each event adds what it changes in the value of its tap's traces."""
    first, tap, after = events
    gathered = np.zeros(n_taps)
    potential_of, current_of = np.zeros(n_taps), np.zeros(n_taps)
    stamp = np.full(n_taps, -1, np.int64)
    segment = pattern = 0
    for k in range(after.size):
        for event in range(first[k], first[k + 1]):
            j = tap[event]
            potential, current = _state(k, segment, pattern, stamp[j], potential_of[j], current_of[j], powers, kappa)
            gathered[j] += values[0, k] * (2.0 * potential + 1.0) + values[2, k] * (2.0 * current + 1.0)
            gathered[j] += 2.0 * values[1, k] * (potential + current + 1.0)
            potential_of[j], current_of[j], stamp[j] = potential + 1.0, current + 1.0, k
        if after[k] != GOES_ON:
            segment = k + 1
        if after[k] == ENDS:
            pattern = k + 1
    return gathered
