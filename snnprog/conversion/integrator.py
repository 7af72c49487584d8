"""A chip's neurons as integrators: their slowest decays, and their reset."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from snnprog.chips import Chip
from snnprog.errors import SpecError
from snnprog.networks.convention import ABOVE, AT_LEAST, SUBTRACT, ZERO, Convention
from snnprog.rules.linear import NONE


@dataclass(frozen=True)
class Integrator:
    """A chip's closest approximation of an integrator.

    Attributes
    ----------
    convention : Convention
        The chip's reset and comparison.
    current_kept, potential_kept : float
        The shares that remain after a tick: the smallest of a current, and the greatest of a potential.
    lasting_current_kept : float
        The greatest share of a current: with it, one spike drives a neuron from then on.
    """

    convention: Convention
    current_kept: float
    potential_kept: float
    lasting_current_kept: float

    @property
    def is_subtracting(self) -> bool:
        """Whether a spike subtracts the threshold."""
        return self.convention.reset == SUBTRACT


def integrator_of(chip: Chip) -> Integrator:
    """Return a chip's best integrator.

    Raises
    ------
    SpecError
        If its neurons are not reset.
    """
    currents, potentials = chip.decays_that_keep(np.array([0.0, 1.0]), np.array([1.0, 1.0]))
    low, high = chip.current_decays
    candidates = {*currents.tolist(), *range(low, min(high, low + 64) + 1)}
    usable = {
        each: rule for each in sorted(candidates) if (rule := chip.linear_rule(each, int(potentials[0]))).gain > 0
    }
    least = min(usable, key=lambda each: usable[each].current)
    most = max(usable, key=lambda each: usable[each].current)
    rule = usable[least]
    if rule.reset == NONE:
        raise SpecError(
            f"neurons of {chip.name} are not reset, so that spike counts have no meaning; choose another chip"
        )
    convention = Convention(
        reset=SUBTRACT if rule.reset == SUBTRACT else ZERO,
        compare=AT_LEAST if rule.is_equal_a_spike else ABOVE,
        many=rule.most_spikes > 1,
    )
    return Integrator(convention, float(rule.current), float(rule.potential), float(usable[most].current))
