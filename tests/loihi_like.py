"""Chips like Loihi whose neurons subtract their threshold, or hold and compare otherwise: for trained networks."""

from __future__ import annotations

from dataclasses import replace

from snnprog.chips import Chip, find_chip
from snnprog.rules.expressions import Expression, Ref, select

LOIHI = find_chip("loihi1")
v, spikes, threshold = Ref("potential"), Ref("spikes"), Ref("threshold")


def loihi_like(name: str, **steps: Expression) -> Chip:
    """Return Loihi 1 with other steps."""
    rule = LOIHI.rule
    for step, expression in steps.items():
        rule = rule.with_step(step, expression)
    return replace(LOIHI, name=name, rule=replace(rule, name=f"{name}-rule"))


LOIHI_SUBTRACTING = loihi_like("loihi-subtracting", reset=v - select(spikes, threshold << 6, 0))
LOIHI_AT_LEAST = loihi_like("loihi-at-least", fire=v >= (threshold << 6))
LOIHI_BOTH = loihi_like("loihi-both", fire=v >= (threshold << 6), reset=v - select(spikes, threshold << 6, 0))
