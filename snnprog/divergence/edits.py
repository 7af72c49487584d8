"""Edits of rules: find parts by their function, and replace them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

from snnprog.rules.expressions import Compare, Expression, FloorDiv, Ref, nodes, rebuilt
from snnprog.rules.rule import SPIKES, Rule, Step

Change = Callable[[Expression], Expression]


def mapped(rule: Rule, change: Change, *, targets: Collection[str] | None = None) -> Rule:
    """Return the rule with ``change`` applied to every node, in the steps that assign targets."""

    def changed(step: Step) -> Step:
        if targets is not None and step.target not in targets:
            return step
        return replace(step, expression=rebuilt(step.expression, change))

    return replace(rule, gather=changed(rule.gather), steps=tuple(map(changed, rule.steps)))


def reading(name: str, other: str) -> Change:
    """Return the change by which another name is read instead of one."""
    return lambda node: Ref(other) if node == Ref(name) else node


def firing_index(rule: Rule) -> int:
    """Return the index of the step that fires."""
    return [step.target for step in rule.steps].index(SPIKES)


def limit_of(rule: Rule) -> Expression:
    """Return the operand of the comparison, or the divisor of the potential."""
    fire = rule.steps[firing_index(rule)].expression
    return next(node.right for node in nodes(fire) if isinstance(node, Compare | FloorDiv))


def inserted(rule: Rule, index: int, *, target: str, expression: Expression) -> Rule:
    """Return the rule with one more step before the one of that index."""
    step = Step(fresh(rule, f"other {target}"), target, expression)
    return replace(rule, steps=(*rule.steps[:index], step, *rule.steps[index:]))


def fresh(rule: Rule, name: str) -> str:
    """Return a name that no step, register, parameter or constant of the rule has."""
    taken = {*rule.registers, *(each.name for each in rule.parameters), *(each.name for each in rule.constants)}
    taken |= {name for step in rule.all_steps for name in (step.name, step.target)}
    while name in taken:
        name += "_"
    return name
