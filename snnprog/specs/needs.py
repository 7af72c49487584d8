"""What the arguments for exactness need of a chip: checked before a spec is made, refused in one sentence otherwise.

A spec beyond its chip's ranges is refused by `Spec` itself. These checks are for what no range tells: a program could
be compiled, exact on the patterns, and still be wrong on the streams that the argument speaks of.
"""

from __future__ import annotations

import math
from collections.abc import Collection

from snnprog.chips import Chip
from snnprog.errors import SpecError
from snnprog.rules.linear import NONE, SUBTRACT
from snnprog.spec import Dynamics

TYPICAL_FAN_IN = 16
"""What is left of so many of the greatest weights must be less than one step of a weight: thresholds are a few
weights high here, and two sums of weights that differ do so by a step at least. The number is Loihi's: 16 * 255 / 4096
is 0.996, and its programs are checked against long streams in the suite."""

OTHER_RESETS = {SUBTRACT: "a reset subtracts the threshold", NONE: "a spike resets nothing"}
ADVICE = "take another chip, such as loihi1"


def no_memory(what: str, chip: Chip) -> Dynamics:
    """Return the decays of neurons that forget within a tick.

    Raises
    ------
    SpecError
        If the chip has no such neurons.
    """
    dynamics = Dynamics.from_time_constants(0.0, 0.0, chip=chip)
    linear = chip.linear_rule(dynamics.current_decay, dynamics.potential_decay)
    if linear.gain != 1:
        raise SpecError(
            f"{what} needs neurons without memory, and on {chip.name} a current decays after what arrives was added,"
            f" so that what acts also lingers: {ADVICE}"
        )
    current, potential = linear.current, linear.potential
    if current > 0 or potential * chip.weight_limit * TYPICAL_FAN_IN >= 1:
        raise SpecError(
            f"{what} needs neurons without memory, and on {chip.name} currents keep at least {current} of themselves"
            f" per tick and potentials {potential}: {ADVICE}"
        )
    return dynamics


def perfect_memory(what: str, chip: Chip) -> Dynamics:
    """Return the decays of neurons whose potential is the sum of what has arrived since they fired, to the last bit.

    Raises
    ------
    SpecError
        If the chip has no such neurons.
    """
    dynamics = Dynamics.from_time_constants(math.inf, 0.0, chip=chip)
    linear = chip.linear_rule(dynamics.current_decay, dynamics.potential_decay)
    if linear.potential != 1 or linear.current != 0 or linear.gain != 1:
        raise SpecError(
            f"{what} needs a potential that keeps all that arrives and a current that keeps nothing, and"
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
