"""The rules of all chips, and which of them a chip's is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from snnprog.arrays import Raster
from snnprog.chips import Semantics, ShiftSemantics
from snnprog.divergence import rule as loihi
from snnprog.divergence.rule import Rule, Start, Tick
from snnprog.divergence.shift_rule import ShiftRule, shift_rule_of
from snnprog.program import Program

AnyRule: TypeAlias = Rule | ShiftRule


def rule_of(semantics: Semantics) -> AnyRule | None:
    """Return a chip's rule, or None where it is of a kind that cannot be replayed."""
    return shift_rule_of(semantics) if isinstance(semantics, ShiftSemantics) else loihi.rule_of(semantics)


def replay(rule: AnyRule, program: Program, inputs: Raster, start: Start, only: int | None = None) -> Iterator[Tick]:
    """Yield the ticks of one pattern, from a start to the end of its inputs ``(ticks, inputs)``.

    Parameters
    ----------
    only : int, optional
        A neuron; others then hear nothing, which is quicker where no more than its first tick is needed.
    """
    if isinstance(rule, ShiftRule):
        return rule.replay(program, inputs, start, only)
    return loihi.replay(rule, program, inputs, start, only)
