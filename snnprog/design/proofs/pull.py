"""The sum of priced rows for each unknown, in integers with outward rounding.

A price y[k] on the row of tick k pulls the weight of each tap by ``y[k] s[k] φ[k]``, with s = +1 where a spike is due
and -1 where silence is. The pulls of all rows together are the network run backwards in time over the priced ticks, one
pass over the events. Leaks are fractions, so after n ticks the pulls have n more denominators: they are counted in
units of ``2**-bits``, the lower ends rounded down and the upper ends up. With enough bits nothing is ever rounded, and
both ends are the exact value. Where a reset subtracts the threshold, nothing is cut, and each spike pulls the threshold
down by what is left of it at the rows after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby

from snnprog.design.problem import NeuronProblem
from snnprog.potential import NO_RESET
from snnprog.rules.linear import SUBTRACT

# Up to a number of bits the pulls are exact, which is 1,600 ticks of memory at 12 bits a tick; beyond, intervals of
# 1,000 bits are tight far below `HAIR`. × 3 and ÷ 3 of both: no change on 8 specs.
EXACT_BITS_LIMIT = 20_000
ROUNDED_BITS = 1_000

Interval = tuple[int, int]
NOTHING: Interval = (0, 0)


@dataclass(frozen=True)
class Pull:
    """The pulls of all priced rows, in units of ``2**-bits``.

    Attributes
    ----------
    taps : mapping of int to (int, int)
        Tap -> the least and the most it is pulled; taps that are missing are not pulled at all.
    bias : (int, int)
        The pull at the bias.
    threshold : (int, int)
        The pull at the threshold: prices of silences less those of spikes, and where resets subtract it, what that
        leaves at the rows.
    bits : int
    """

    taps: Mapping[int, Interval]
    bias: Interval
    threshold: Interval
    bits: int


def pull(problem: NeuronProblem, prices: Mapping[int, int], bits: int | None = None) -> Pull:
    """Return the pulls of integer prices, tick -> price >= 0.

    Parameters
    ----------
    bits : int, optional
        Of the fraction; by default, as many as the exact values have, or 1000 where these are very many.
    """
    if bits is None:
        exact = exact_bits(problem, prices)
        bits = exact if exact <= EXACT_BITS_LIMIT else ROUNDED_BITS
    signed = {tick: price if problem.raster[tick] else -price for tick, price in prices.items() if price}
    taps: dict[int, Interval] = {}
    bias, above = NOTHING, sum(signed.values()) << bits
    threshold = (above, above)
    pattern = problem.potential_map.tape.pattern
    for _, ticks in groupby(sorted(signed), key=lambda tick: int(pattern[tick])):
        more_bias, subtracted = _pull_pattern(problem, {tick: signed[tick] << bits for tick in ticks}, taps=taps)
        bias, threshold = _sum(bias, more_bias), _sum(threshold, subtracted)
    return Pull(taps, bias, (-threshold[1], -threshold[0]), bits)


def exact_bits(problem: NeuronProblem, prices: Mapping[int, int]) -> int:
    """Return how many bits the fraction of an exact pull has: those of one tick's leak, times the ticks of memory."""
    mapping = problem.potential_map
    tape, leaks = mapping.tape, (mapping.linear.current, mapping.linear.potential)
    longest = 0
    for tick in prices:
        reset = int(problem.resets.last[tick])
        forgets = reset != NO_RESET and not leaks[0]
        longest = max(longest, tick - (reset if forgets else int(tape.starts[tape.pattern[tick]])))
    gain_bits = mapping.linear.gain.denominator.bit_length() - 1
    return longest * max(leak.denominator.bit_length() - 1 for leak in leaks) + gain_bits


def _pull_pattern(
    problem: NeuronProblem, signed: Mapping[int, int], *, taps: dict[int, Interval]
) -> tuple[Interval, Interval]:
    """Add the pulls of one pattern's rows to ``taps``; return that at the bias, and the subtraction by resets."""
    mapping = problem.potential_map
    (first, tap), alpha, gamma = mapping.arrival_events, mapping.linear.current, mapping.linear.potential
    earliest = min(signed)
    is_subtracted, gain = mapping.linear.reset == SUBTRACT, mapping.linear.gain
    is_held = problem.resets.is_held
    potential = current = bias = subtracted = NOTHING
    fires, is_after = problem.fires, bool(mapping.is_after_reset[earliest])
    for tick in range(max(signed), int(mapping.tape.starts[mapping.tape.pattern[earliest]]) - 1, -1):
        priced = (signed.get(tick, 0),) * 2
        potential = _sum(_leak(potential, gamma), priced if is_after else NOTHING)
        if fires[tick]:
            subtracted = _sum(subtracted, potential)
            potential = NOTHING if mapping.linear.is_reset_to_zero else potential
        potential = NOTHING if is_held[tick] else _sum(potential, NOTHING if is_after else priced)
        current = _sum(potential, _leak(current, alpha))
        bias = _sum(bias, potential)
        if current != NOTHING:
            arriving = _leak(current, gain)
            for index in tap[first[tick] : first[tick + 1]].tolist():
                taps[index] = _sum(taps.get(index, NOTHING), arriving)
        elif tick <= earliest and potential == NOTHING:
            break
    return bias, subtracted if is_subtracted else NOTHING


def _leak(value: Interval, leak: Fraction) -> Interval:
    """Return the value after a leak, rounded outwards."""
    low, high = value
    top, bottom = leak.numerator, leak.denominator
    return low * top // bottom, -(-high * top // bottom)


def _sum(one: Interval, other: Interval) -> Interval:
    return one[0] + other[0], one[1] + other[1]
