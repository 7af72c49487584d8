"""Fitting of one neuron's integers by running it: a compiled local search under the chip's own rule.

Each move changes one unknown, or moves an amount from one weight to another, and the neuron is run again under the
chip's rule, with truncation and clipping. The search minimises the *shortfall*: the sum, over the ticks with a
target, of the units by which the potential is on the wrong side of the threshold, and of the excess of states over
the range in which all runtimes agree. At ticks with a target, the neuron is forced to follow it, so that one
wrong tick does not affect the next ones; elsewhere it runs freely. So a neuron with a shortfall of 0 is exact.

A move is accepted if the shortfall is then at most the current one, or that of some moves ago (late acceptance: Burke
and Bykov, European Journal of Operational Research 258, 2017). All numbers are integers, including the random generator
(`snnprog.simulate.moves`), so the result is the same on every machine.
"""

from __future__ import annotations

import sys
from functools import lru_cache
from types import ModuleType
from typing import NamedTuple

import numpy as np

from snnprog.arrays import Int64s, Raster
from snnprog.rules.compiled import generated
from snnprog.rules.linear import SUBTRACT
from snnprog.rules.neuron import FREE, neuron_source, parameter_names
from snnprog.rules.operations import inlined, operation
from snnprog.rules.rule import Rule
from snnprog.simulate import moves
from snnprog.simulate import openings as windows
from snnprog.simulate.moves import Movable
from snnprog.simulate.neuron import NeuronSimulator
from snnprog.simulate.openings import Openings, follow, no_openings

# A run ends as soon as its shortfall exceeds the allowed one.
MORE = ", required, allowed, total"
# Scalars are passed where there are no windows: a call with the arrays of the requirements takes as long as a tick.
LOOK = (
    "limit = parameters[required.threshold] * required.unit + required.above",
    "above, left = found[1, tick] - limit, found[2, tick] - limit",
    "if required.openings.last.size == 0:",
    "    total[0] += shortfall(required.at[tick], above, left, required.noise, required.most)",
    "else:",
    "    total[0] += short_in_windows(required, given, tick, above, left, found[0, tick])",
    "total[1] = tick",
    "if total[0] > allowed:",
    "    return",
)
TEMPLATE = """

from snnprog.simulate.fitting import FOUND, NONE_LEFT, OPEN, beyond, next_threshold, short_in_windows, shortfall
from snnprog.simulate.moves import apply, count_up, draw, install
from snnprog.simulate.openings import begin


@compiled(nogil=True, error_model="numpy")
def fit(played, required, unknowns, values, late, steps, state, work):
    weight, parameters, found, watched, total, move = work
    first, tap, ends, given = played
    install(unknowns, values, weight, parameters)
    watched[:], total[0], allowed = -1, 0, np.iinfo(np.int64).max
    begin(required.openings, required.at, given)
    run(first, tap, weight, ends, given, parameters, found, watched, required, allowed, total)
    now = total[0] + beyond(required, watched)
    late[:] = now
    for step in range(steps):
        if now == 0:
            break
        if not draw(unknowns, values, move, state):
            continue
        apply(unknowns, values, move, 1, weight, parameters)
        place = step % late.size
        watched[:], total[0], allowed = -1, 0, max(now, late[place])
        begin(required.openings, required.at, given)
        run(first, tap, weight, ends, given, parameters, found, watched, required, allowed, total)
        then = total[0] + beyond(required, watched)
        if then <= allowed:
            now = then
        else:
            apply(unknowns, values, move, -1, weight, parameters)
        late[place] = min(late[place], now)
    return now


@compiled(nogil=True, error_model="numpy")
def sweep(played, required, unknowns, values, ranges, place, runs, work):
    weight, parameters, found, watched, total, move = work
    first, tap, ends, given = played
    lower, upper = ranges
    while runs > 0:
        install(unknowns, values, weight, parameters)
        bounds = (parameters[required.threshold], parameters[required.threshold])
        if place < values.size:
            bounds = (lower[place], upper[place])
        low, high = bounds
        threshold = low
        while low <= high:
            parameters[required.threshold] = threshold
            watched[:], total[0] = -1, 0
            runs -= 1
            begin(required.openings, required.at, given)
            run(first, tap, weight, ends, given, parameters, found, watched, required, 0, total)
            if total[0] + beyond(required, watched) == 0:
                if place < values.size:
                    values[place] = threshold
                return FOUND
            low, high, threshold = next_threshold(played, required, (low, high, threshold), found, watched, total)
        if not count_up(unknowns, values, lower, upper, place):
            return NONE_LEFT
    return OPEN
"""
FOUND, NONE_LEFT, OPEN = range(3)
"""Results of a sweep: exact values found, none among the values tried, or not all were tried."""

MOST_SHORT = 1 << 40
"""Maximum shortfall of one tick, so that sums stay within 63 bits; no potential on any chip is as large."""


class Played(NamedTuple):
    """The input of the neuron and its prescribed spikes; see `snnprog.rules.neuron.run_neuron`.

    Attributes
    ----------
    first : (ticks + 1,) int
    tap : (events,) int
    ends : (ticks,) bool
    given : (ticks,) int
        Prescribed spikes at each tick, -1 where the neuron runs freely.
    """

    first: Int64s
    tap: Int64s
    ends: Raster
    given: Int64s


class Requirements(NamedTuple):
    """The targets and limits of a run.

    Attributes
    ----------
    at : (ticks,) int
        1 for a target spike, -1 for silence, 0 for a don't-care bin, 2 if only noise must be tolerated.
    threshold : int
        Index of the threshold among the parameters.
    unit : int
        One unit of the threshold in units of the potential.
    above : int
        Minimum excess of a spike over the threshold: 1, or 0 if a potential that equals it is a spike.
    noise : int
        Minimum distance of every potential from the threshold, in units.
    is_subtracted : bool
        Whether a reset subtracts the threshold from the potential.
    is_free : bool
        Whether there are ticks at which the neuron runs freely.
    most : int
        1 if a potential of twice the threshold is wrong, else 0.
    limits : (watches,) int
        Limits of the watched values.
    openings : Openings
        The windows; with windows, ``at`` is written during the run.
    """

    at: Int64s
    threshold: int
    unit: int
    above: int
    noise: int
    is_subtracted: bool
    is_free: bool
    most: int
    limits: Int64s
    openings: Openings


@operation
def shortfall(at: int, above: int, left: int, noise: int, most: int) -> int:
    """Return by how many units the potential of a tick is on the wrong side of the threshold.

    Parameters
    ----------
    at, noise, most : int
        The tick's of `Requirements`.
    above, left : int
        By how much the compared potential and the one after the tick exceed the least potential of a spike.
    """
    short = 0
    if at > 0:
        short = noise - above
        if at > 1:
            short = min(short, above + 1 + noise)
        elif most:
            short = max(short, left + 1)
    elif at < 0:
        short = above + 1 + noise
    return min(max(short, 0), MOST_SHORT)


@inlined
def short_in_windows(required: Requirements, given: Int64s, tick: int, above: int, left: int, spikes: int) -> int:
    """Return the shortfall of a tick that was run, and advance to the next one."""
    short = shortfall(required.at[tick], above, left, required.noise, required.most)
    is_spike = spikes > 0 if given[tick] < 0 else given[tick] > 0
    short_of_spike = shortfall(1, above, left, required.noise, required.most)
    return follow(required.openings, required.at, given, (tick, short, short_of_spike, is_spike))


@operation
def beyond(required: Requirements, watched: Int64s) -> int:
    """Return the excess of the first watched values beyond their limits."""
    total = 0
    for watch in range(required.limits.size):
        if watched[watch, 0] >= 0:
            total += min(abs(watched[watch, 1]) - required.limits[watch] + 1, MOST_SHORT)
    return total


@operation
def next_threshold(
    played: Played,
    required: Requirements,
    thresholds: tuple[int, int, int],
    found: Int64s,
    watched: Int64s,
    total: Int64s,
) -> tuple[int, int, int]:
    """Return the remaining range of thresholds after one failed, and the next one to try.

    With prescribed spikes, a potential decreases with the threshold that resets subtract. So if
    silence failed, all lower thresholds fail, too; if a spike failed, all higher ones. Before the first spike of a
    pattern, and where resets are to zero, the potential depends on the threshold only through the neuron's
    free spikes, so it determines the next one: where that silence holds, or the lowest of its own spikes disappears.
    """
    low, high, here = thresholds
    failed, is_too_low = total[1], False
    if total[0] > 0:
        is_missing = (
            required.at[failed] == 1 and found[1, failed] - here * required.unit - required.above < required.noise
        )
        is_too_low = not is_missing
    else:
        for watch in range(required.limits.size):
            if watched[watch, 0] >= 0:
                failed, is_too_low = watched[watch, 0], watched[watch, 1] > 0
    quiet = found[1, failed] - required.above + required.noise
    is_row = total[0] > 0 and abs(required.at[failed]) == 1
    if not required.is_subtracted:
        following = high + 1
        for tick in range(failed):
            if required.at[tick] % 2 == 0 and found[0, tick] > 0:
                following = min(following, (found[1, tick] - required.above) // required.unit + 1)
        if total[0] > 0 and not is_row:
            following = here + 1
        elif is_row and is_too_low:
            following = min(following, quiet // required.unit + 1)
        following = max(following, here + 1)
        return following, high, following
    is_known = is_row and required.at[failed] != 0
    tick = failed - 1
    while is_known and tick >= 0 and not played.ends[tick]:
        is_known = played.given[tick] == 0 or (played.given[tick] < 0 and found[0, tick] == 0)
        tick -= 1
    if is_too_low or required.is_free:
        low = here + 1
    if is_known and required.at[failed] < 0:
        low = max(low, quiet // required.unit + 1)
    if not is_too_low and (is_known or not required.is_free):
        high = here - 1
    if not is_too_low and is_known and not required.is_free:
        high = min(high, (found[1, failed] - required.above - required.noise) // required.unit)
    return low, high, low if required.is_free else low + (high - low) // 2


@lru_cache(maxsize=64)
def _compiled(rule: Rule) -> ModuleType:
    return generated(neuron_source(rule, more=MORE, look=LOOK) + TEMPLATE, (sys.modules[__name__], moves, windows))


class Fitter:
    """Fits the integers of one neuron.

    Parameters
    ----------
    simulator : NeuronSimulator
        The rule, and what reaches the neuron.
    required : (ticks,) int
        1 for a target spike, -1 for silence, 0 for a don't-care bin, 2 if only the noise must be tolerated.
    noise : int
        In units of the potential.
    unknowns : Movable
    parameters : mapping of str to int
        The known parameters.
    openings : Openings, optional
        The windows of target spikes, which replace ``required``.
    """

    def __init__(
        self,
        simulator: NeuronSimulator,
        required: Int64s,
        *,
        noise: int,
        unknowns: Movable,
        parameters: dict[str, int],
        openings: Openings | None = None,
    ) -> None:
        rule, names = simulator.rule, parameter_names(simulator.rule)
        first, tap = simulator.events
        openings = no_openings(required.size) if openings is None else openings
        given = np.where(required == 1, 1, np.where(required == -1, 0, FREE))
        self.played = Played(first, tap, simulator.ends, given)
        self.required = Requirements(
            at=required,
            threshold=names.index("threshold"),
            unit=rule.unit,
            above=int(not rule.is_equal_a_spike),
            noise=noise,
            is_subtracted=simulator.mapping.linear.reset == SUBTRACT,
            is_free=bool((given == FREE).any() or openings.last.size),
            most=int(simulator.looks_after_resets),
            limits=np.array([watch.limit for watch in rule.watched], np.int64),
            openings=openings,
        )
        known = {**simulator.given, **parameters}
        self.unknowns, self._code = unknowns, _compiled(rule)
        self._work = (
            np.zeros(simulator.mapping.n_taps, np.int64),
            np.array([known[name] for name in names], np.int64),
            np.zeros((3, required.size), np.int64),
            np.zeros((len(rule.watched) + 1, 2), np.int64),
            np.zeros(2, np.int64),
            np.zeros(4, np.int64),
        )

    @property
    def cost(self) -> int:
        """The cost of one run: ticks and events."""
        return int(self.required.at.size + self.played.tap.size)

    def fit(self, values: Int64s, *, steps: int, memory: int, seed: int) -> int:
        """Move ``values`` in place; return the final shortfall.

        Parameters
        ----------
        values : (unknowns,) int
        steps : int
            Maximum number of moves.
        memory : int
            Number of moves back for late acceptance.
        seed : int
            Seed of the moves, at least 1.
        """
        late, state = np.zeros(memory, np.int64), np.array([seed], np.uint64)
        return int(self._code.fit(self.played, self.required, self.unknowns, values, late, steps, state, self._work))

    def sweep(self, values: Int64s, ranges: tuple[Int64s, Int64s], *, threshold: int, runs: int) -> int:
        """Try all values within ranges, starting from ``values``, in place; return `FOUND`, `NONE_LEFT` or `OPEN`.

        Parameters
        ----------
        ranges : pair of (unknowns,) int
            The ranges of the unknowns.
        threshold : int
            Index of the unknown threshold; the number of unknowns if it is known.
        runs : int
            Maximum number of runs.
        """
        return int(
            self._code.sweep(self.played, self.required, self.unknowns, values, ranges, threshold, runs, self._work)
        )
