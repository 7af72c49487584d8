"""The shortfall of a neuron's run: by how many units its potentials are on the wrong side of the threshold.

`LOOK` adds it up while the neuron runs; `snnprog.simulate.fitting` searches for integers whose shortfall is 0.
"""

from __future__ import annotations

from typing import NamedTuple

from snnprog.arrays import Int64s
from snnprog.rules.neuron import RunArrays
from snnprog.rules.operations import inlined, operation
from snnprog.simulate.openings import Openings, follow

# A run ends as soon as its shortfall exceeds the allowed one.
MORE = ", required, allowed, total"
# Without windows, only scalars are passed: a call with the arrays of the requirements takes as long as a tick.
LOOK = (
    "limit = parameters[required.threshold] * required.unit + required.above",
    "above, left = found[1, tick] - limit, found[2, tick] - limit",
    "if required.openings.last.size == 0:",
    "    total[0] += shortfall(required.at[tick], above, left, required.noise, required.most)",
    "else:",
    "    total[0] += short_in_windows(required, given, tick, above, left, found[0, tick])",
    "total[1] = tick",
    "if total[0] > allowed:",
    "    return np.uint64(0)",
)
IMPORTS = """
from snnprog.simulate.shortfall import short_in_windows, shortfall
"""

MOST_SHORT = 1 << 40
"""Maximum shortfall of one tick, so that sums stay within 63 bits; no potential on any chip is as large."""


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
    run: RunArrays, required: Requirements, thresholds: tuple[int, int, int], total: Int64s
) -> tuple[int, int, int]:
    """Return the remaining range of thresholds after one failed, and the next one to try.

    With prescribed spikes, a potential decreases with the threshold that resets subtract. So if
    silence failed, all lower thresholds fail, too; if a spike failed, all higher ones. Before the first spike of a
    pattern, and where resets are to zero, the potential depends on the threshold only through the neuron's
    free spikes, so it determines the next one: where that silence holds, or the lowest of its own spikes disappears.
    """
    low, high, here = thresholds
    found, watched = run.found, run.watched
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
    while is_known and tick >= 0 and not run.ends[tick]:
        is_known = run.given[tick] == 0 or (run.given[tick] < 0 and found[0, tick] == 0)
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
