"""One neuron's integers, fitted by running it: compiled local search on what the chip's own rule makes of them.

Each move changes one unknown, or takes from one weight what it adds to another, and the neuron is run again under the
chip's rule, truncation and ends of registers included. What falls is the *shortfall*: the sum, over the ticks at which
something is asked, of the units by which the potential is on the wrong side of the threshold, and of what states exceed
the range on which all runtimes agree. Where a spike or a silence is asked, the neuron is made to do that, so that one
wrong tick does not spoil the next ones; elsewhere it does what it likes. So a shortfall of 0 is a neuron that is exact.

A move is taken if the shortfall is then at most what it was, or what it was some moves ago (late acceptance: Burke and
Bykov, European Journal of Operational Research 258, 2017). All numbers are integers, chance included (xorshift64*,
Vigna 2016), so the answer is the same on every machine.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from snnprog.arrays import Int64s, Raster, UInt64s
from snnprog.jit import compiled
from snnprog.rules.compiled import generated
from snnprog.rules.neuron import FREE, neuron_source, parameter_names
from snnprog.rules.rule import Rule
from snnprog.simulate.neuron import NeuronSimulator

# A run ends as soon as it falls short by more than is allowed.
MORE = ", asked, allowed, total"
LOOK = (
    "total[0] += shortfall(asked, tick, parameters[asked.threshold] * asked.unit, found)",
    "if total[0] > allowed:",
    "    return",
)
TEMPLATE = """

from snnprog.simulate.fitting import apply, beyond, draw, install, shortfall


@compiled(nogil=True, error_model="numpy")
def fit(played, asked, unknowns, values, late, steps, state, work):
    weight, parameters, found, watched, total, move = work
    first, tap, ends, told = played
    install(unknowns, values, weight, parameters)
    watched[:], total[0], allowed = -1, 0, np.iinfo(np.int64).max
    run(first, tap, weight, ends, told, parameters, found, watched, asked, allowed, total)
    now = total[0] + beyond(asked, watched)
    late[:] = now
    for step in range(steps):
        if now == 0:
            break
        if not draw(unknowns, values, move, state):
            continue
        apply(unknowns, values, move, 1, weight, parameters)
        place = step % late.size
        watched[:], total[0], allowed = -1, 0, max(now, late[place])
        run(first, tap, weight, ends, told, parameters, found, watched, asked, allowed, total)
        then = total[0] + beyond(asked, watched)
        if then <= allowed:
            now = then
        else:
            apply(unknowns, values, move, -1, weight, parameters)
        late[place] = min(late[place], now)
    return now
"""
MOST_SHORT = 1 << 40
"""What one tick may fall short by at most, so that sums stay within 63 bits; no potential on any chip is as large."""


class Played(NamedTuple):
    """What reaches the neuron, and what it is made to do; see `snnprog.rules.neuron.run_neuron`.

    Attributes
    ----------
    first : (ticks + 1,) int
    tap : (events,) int
    ends : (ticks,) bool
    told : (ticks,) int
        Spikes at each tick, -1 where the neuron does what it likes.
    """

    first: Int64s
    tap: Int64s
    ends: Raster
    told: Int64s


class Asked(NamedTuple):
    """What counts.

    Attributes
    ----------
    at : (ticks,) int
        1 where a spike is asked, -1 where silence is, 0 where it does not matter, 2 where only noise must be survived.
    threshold : int
        Which of the parameters is the threshold.
    unit : int
        What one threshold is in units of the potential.
    above : int
        The least by which a spike is above the threshold: 1, or 0 where a potential that equals it is a spike.
    noise : int
        The units by which every potential must stay away from where the neuron would do otherwise.
    most : int
        1 where a potential that reaches the threshold twice is wrong, else 0.
    limits : (watches,) int
        Below which the watched values must stay.
    """

    at: Int64s
    threshold: int
    unit: int
    above: int
    noise: int
    most: int
    limits: Int64s


class Movable(NamedTuple):
    """What may change, weights first; (unknowns,) each.

    Attributes
    ----------
    place : int
        Which tap, or which of the parameters.
    factor : int
        What one step of it adds there.
    lower, upper : int
        Its least and its greatest value.
    bits : int
        Moves are shorter than ``2**bits``.
    weights : int
        How many are weights.
    step : int
        Distance between neighbouring weights.
    """

    place: Int64s
    factor: Int64s
    lower: Int64s
    upper: Int64s
    bits: Int64s
    weights: int
    step: int


@compiled()
def random_below(state: UInt64s, count: int) -> int:
    """Advance the generator; return a number from 0 to ``count - 1``."""
    bits = state[0]
    bits ^= bits >> np.uint64(12)
    bits ^= bits << np.uint64(25)
    bits ^= bits >> np.uint64(27)
    state[0] = bits
    return int(((bits * np.uint64(2685821657736338717)) >> np.uint64(33)) % np.uint64(count))


@compiled()
def install(unknowns: Movable, values: Int64s, weight: Int64s, parameters: Int64s) -> None:
    """Write all unknowns to where the run reads them."""
    for index in range(values.size):
        value = values[index] * unknowns.factor[index]
        if index < unknowns.weights:
            weight[unknowns.place[index]] = value
        else:
            parameters[unknowns.place[index]] = value


@compiled()
def apply(unknowns: Movable, values: Int64s, move: Int64s, sign: int, weight: Int64s, parameters: Int64s) -> None:
    """Make a move (``sign`` 1), or take it back (-1)."""
    for part in range(2):
        index = move[2 * part]
        if index < 0:
            continue
        values[index] += sign * move[2 * part + 1]
        value = values[index] * unknowns.factor[index]
        if index < unknowns.weights:
            weight[unknowns.place[index]] = value
        else:
            parameters[unknowns.place[index]] = value


@compiled()
def draw(unknowns: Movable, values: Int64s, move: Int64s, state: UInt64s) -> bool:
    """Draw a move: (unknown, by how much, another or -1, by how much); return whether it stays within the ranges."""
    index = random_below(state, values.size)
    is_weight = index < unknowns.weights
    move[2] = -1
    if is_weight and unknowns.step > 1:
        length = unknowns.step if values[index] < 0 else -unknowns.step
    else:
        length = 1 + random_below(state, 1 << random_below(state, unknowns.bits[index] + 1))
        if random_below(state, 2):
            length = -length
    if is_weight and random_below(state, 2):
        other = random_below(state, unknowns.weights)
        if other != index:
            back = -length if unknowns.step == 1 else unknowns.step if values[other] < 0 else -unknowns.step
            after = values[other] + back
            if after < unknowns.lower[other] or after > unknowns.upper[other]:
                return False
            move[2], move[3] = other, back
    move[0], move[1] = index, length
    after = values[index] + length
    return bool(unknowns.lower[index] <= after <= unknowns.upper[index])


@compiled()
def shortfall(asked: Asked, tick: int, limit: int, found: Int64s) -> int:
    """Return by how many units the potential of a tick is on the wrong side of the threshold, ``limit``."""
    above = found[1, tick] - limit - asked.above
    short = 0
    if asked.at[tick] > 0:
        short = asked.noise - above
        if asked.at[tick] > 1:
            short = min(short, above + 1 + asked.noise)
        elif asked.most:
            short = max(short, found[2, tick] - limit - asked.above + 1)
    elif asked.at[tick] < 0:
        short = above + 1 + asked.noise
    return min(max(short, 0), MOST_SHORT)


@compiled()
def beyond(asked: Asked, watched: Int64s) -> int:
    """Return by how much the first watched values that are beyond their limits are."""
    total = 0
    for watch in range(asked.limits.size):
        if watched[watch, 0] >= 0:
            total += min(abs(watched[watch, 1]) - asked.limits[watch] + 1, MOST_SHORT)
    return total


@lru_cache(maxsize=64)
def _fitter(rule: Rule) -> Callable[..., int]:
    fitter: Callable[..., int] = generated(
        neuron_source(rule, more=MORE, look=LOOK) + TEMPLATE, (sys.modules[__name__],)
    ).fit
    return fitter


class Fitter:
    """Fits the integers of one neuron.

    Parameters
    ----------
    simulator : NeuronSimulator
        The rule, and what reaches the neuron.
    asked : (ticks,) int
        1 where a spike is asked, -1 where silence is, 0 where nothing is, 2 where only the noise must be survived.
    noise : int
        In units of the potential.
    unknowns : Movable
    parameters : mapping of str to int
        Those that are known.
    """

    def __init__(
        self, simulator: NeuronSimulator, asked: Int64s, *, noise: int, unknowns: Movable, parameters: dict[str, int]
    ) -> None:
        rule, names = simulator.rule, parameter_names(simulator.rule)
        first, tap = simulator.events
        told = np.where(asked == 1, 1, np.where(asked == -1, 0, FREE))
        self.played = Played(first, tap, simulator.ends, told)
        self.asked = Asked(
            at=asked,
            threshold=names.index("threshold"),
            unit=rule.unit,
            above=int(not rule.is_equal_a_spike),
            noise=noise,
            most=int(simulator.looks_after_resets),
            limits=np.array([watch.limit for watch in rule.watched], np.int64),
        )
        given = {**simulator.given, **parameters}
        self.unknowns, self._fit = unknowns, _fitter(rule)
        self._work = (
            np.zeros(simulator.mapping.n_taps, np.int64),
            np.array([given[name] for name in names], np.int64),
            np.zeros((3, asked.size), np.int64),
            np.zeros((len(rule.watched) + 1, 2), np.int64),
            np.zeros(1, np.int64),
            np.zeros(4, np.int64),
        )

    @property
    def cost(self) -> int:
        """What one run costs: ticks and events."""
        return int(self.asked.at.size + self.played.tap.size)

    def fit(self, values: Int64s, *, steps: int, memory: int, seed: int) -> int:
        """Move ``values`` in place; return by how many units they fall short then.

        Parameters
        ----------
        values : (unknowns,) int
        steps : int
            The most moves that are tried.
        memory : int
            A move may be as bad as the neuron was so many moves ago.
        seed : int
            Of the moves, at least 1.
        """
        late, state = np.zeros(memory, np.int64), np.array([seed], np.uint64)
        return int(self._fit(self.played, self.asked, self.unknowns, values, late, steps, state, self._work))
