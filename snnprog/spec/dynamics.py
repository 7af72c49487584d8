"""The decays of neurons: the chip's integers, and the equivalent time constants."""

from __future__ import annotations

import math
from dataclasses import dataclass

from snnprog.calls import call_checked
from snnprog.checks import as_integer
from snnprog.chips import Chip, find_chip
from snnprog.errors import SpecError
from snnprog.spec.options import as_real

DECAYS = (
    "decays are 0 to 4095 on Loihi and 0 to 15 on Xylo; for time constants in ticks write"
    " sp.Dynamics.from_time_constants(20.0), or tau_potential = 20.0 in a SPEC.toml"
)
"""What messages say about a decay that is not an integer of a chip."""


@call_checked
@dataclass(frozen=True)
class Dynamics:
    """The decays of every neuron, in chip integers.

    On Loihi a potential keeps ``(4096 - potential_decay) / 4096`` of itself per tick and a current
    ``(4095 - current_decay) / 4096``: the default current lasts one tick, and the default potential keeps 0.95. On
    Xylo decays are shifts: with d, ``1 - 2**-d`` is kept, and a current decays after arriving spikes were added.

    Attributes
    ----------
    potential_decay, current_decay : int
        0 to 4095 on Loihi, 0 to 15 on Xylo.
    """

    potential_decay: int = 205
    current_decay: int = 4095

    def __post_init__(self) -> None:
        for name in ("potential_decay", "current_decay"):
            try:
                object.__setattr__(self, name, as_integer(name, getattr(self, name)))
            except SpecError as error:
                raise SpecError(f"{error}; {DECAYS}") from None

    @classmethod
    def usual(cls, chip: Chip) -> Dynamics:
        """Return the default decays of a chip's neurons."""
        current_decay, potential_decay = chip.usual_decays
        return cls(potential_decay=potential_decay, current_decay=current_decay)

    @classmethod
    def from_time_constants(cls, potential: float, current: float = 0.0, *, chip: str | Chip = "loihi1") -> Dynamics:
        """Return the chip's decays nearest to two time constants in ticks (``exp(-1/τ)`` kept per tick).

        ``math.inf`` keeps everything, 0 nothing. `effective_time_constants` returns the values after rounding.

        Parameters
        ----------
        potential, current : float
            Time constants in ticks.
        chip : str or Chip
            The chip: a registered name, or a `Chip`.

        Raises
        ------
        SpecError
            If a time constant is negative or not a number.
        """
        tau_potential = _as_time_constant("potential", potential)
        tau_current = _as_time_constant("current", current)
        current_decay, potential_decay = find_chip(chip).decays_of(tau_current, tau_potential)
        return cls(potential_decay=potential_decay, current_decay=current_decay)

    def check_fit(self, chip: Chip) -> None:
        """Raise `LimitError` unless the chip supports these decays."""
        chip.check_range("potential_decay", self.potential_decay, allowed=chip.potential_decays)
        chip.check_range("current_decay", self.current_decay, allowed=chip.current_decays)

    def effective_time_constants(self, chip: Chip) -> tuple[float, float]:
        """Return the (potential, current) time constants in ticks that correspond to these decays.

        Raises
        ------
        LimitError
            If the chip does not support them.
        """
        self.check_fit(chip)
        linear = chip.linear_rule(self.current_decay, self.potential_decay)
        kept = float(linear.potential), float(linear.current)
        potential, current = (
            0.0 if share == 0 else math.inf if share == 1 else -1.0 / math.log(share) for share in kept
        )
        return potential, current


def _as_time_constant(name: str, value: object) -> float:
    ticks = as_real(value)
    if not ticks >= 0:
        raise SpecError(
            f"time constant of the {name} must be a non-negative number of ticks such as 20.0, got {value!r}"
        )
    return ticks
