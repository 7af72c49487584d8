"""Requirements on the chip of specs that are exact on every stream: checked before a spec is created.

A spec beyond its chip's ranges is refused by `Spec` itself. These checks are for properties that are not ranges:
without them a program could be exact on the patterns and still be wrong on the streams that the proof covers.
"""

from __future__ import annotations

import math
from collections.abc import Collection

from snnprog.chips import Chip
from snnprog.errors import SpecError
from snnprog.rules.linear import NONE, SUBTRACT
from snnprog.spec import Dynamics

TYPICAL_FAN_IN = 16
"""The remainder of this many maximum weights must be less than one step of a weight: thresholds are a few
weights high here, and different sums of weights differ by at least one step. The number is that of Loihi: 16 * 255 /
4096 is 0.996, and the tests check its programs on long streams."""

OTHER_RESETS = {SUBTRACT: "a reset subtracts the threshold", NONE: "a spike resets nothing"}
ADVICE = "take another chip, such as loihi1"


def no_memory(what: str, chip: Chip) -> Dynamics:
    """Return the decays of neurons without memory from one tick to the next.

    Raises
    ------
    SpecError
        If the chip has no such neurons.
    """
    dynamics = Dynamics.from_time_constants(0.0, 0.0, chip=chip)
    linear = chip.linear_rule(dynamics.current_decay, dynamics.potential_decay)
    if linear.gain != 1:
        raise SpecError(
            f"{what} needs neurons without memory, and on {chip.name} a current decays after arriving spikes were"
            " added,"
            f" so that they also act at later ticks: {ADVICE}"
        )
    current, potential = linear.current, linear.potential
    if current > 0 or potential * chip.weight_limit * TYPICAL_FAN_IN >= 1:
        raise SpecError(
            f"{what} needs neurons without memory, and on {chip.name} currents keep at least {current} of themselves"
            f" per tick and potentials {potential}: {ADVICE}"
        )
    return dynamics


def perfect_memory(what: str, chip: Chip) -> Dynamics:
    """Return the decays of neurons whose potential is exactly the sum of the inputs since they fired.

    Raises
    ------
    SpecError
        If the chip has no such neurons.
    """
    dynamics = Dynamics.from_time_constants(math.inf, 0.0, chip=chip)
    linear = chip.linear_rule(dynamics.current_decay, dynamics.potential_decay)
    if linear.potential != 1 or linear.current != 0 or linear.gain != 1:
        raise SpecError(
            f"{what} needs a potential without decay and a current of one tick, and"
            f" {chip.name} does not have both: {ADVICE}"
        )
    if not linear.is_reset_to_zero:
        raise SpecError(f"{what} needs a reset to zero, and on {chip.name} {OTHER_RESETS[linear.reset]}: {ADVICE}")
    return dynamics


def check_delays(what: str, chip: Chip, *, delays: Collection[int], advice: str = ADVICE) -> None:
    """Raise `SpecError` unless a chip has all of these delays."""
    missing = [delay for delay in sorted(delays) if not chip.delays[0] <= delay <= chip.delays[1]]
    if missing:
        raise SpecError(
            f"{what} needs a delay of {missing[-1]}, and {chip.name} has {chip.delays[0]} to {chip.delays[1]}: {advice}"
        )


def check_lines(lines: int) -> None:
    """Raise `SpecError` unless there are input lines."""
    if lines < 1:
        raise SpecError(f"lines must be at least 1, got {lines}")
