"""A tick on spans: bounds of all values of a rule, from those of registers, parameters and arrivals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from snnprog.rules.expressions import Expression, Ref, children
from snnprog.rules.ranges import SPANS, Span
from snnprog.rules.rule import Rule, Step


def value_of(node: Expression, values: Mapping[str, Span]) -> Span:
    """Return the span of an expression, from those of the names in it."""
    if isinstance(node, Ref):
        return values[node.name]
    return SPANS[type(node)](node, *(value_of(child, values) for child in children(node)))


def values_until_firing(rule: Rule, values: Mapping[str, Span], arriving: Span) -> dict[str, Span]:
    """Return all values of a tick up to the spikes: arrivals are added, then the steps are calculated.

    Parameters
    ----------
    rule : Rule
        One that adds arrivals up.
    values : mapping of str to Span
        Registers and parameters.
    arriving : Span
        The sum of arrivals.
    """
    held = values.get(rule.gather.target, Span.of(0))
    gathered = Span(held.low + arriving.low, held.high + arriving.high)
    return _calculated(rule.steps[: _firing_at(rule) + 1], {**values, rule.gather.target: gathered})


def values_after_firing(rule: Rule, values: Mapping[str, Span]) -> dict[str, Span]:
    """Return all values of a tick at its end, from those up to the spikes."""
    return _calculated(rule.steps[_firing_at(rule) + 1 :], values)


def _firing_at(rule: Rule) -> int:
    return rule.steps.index(rule.fire)


def _calculated(steps: Sequence[Step], values: Mapping[str, Span]) -> dict[str, Span]:
    found = dict(values)
    for step in steps:
        found[step.target] = value_of(step.expression, found)
    return found
