"""A rule for some neurons without the parts that have no effect on them, by proved bounds of its values."""

from __future__ import annotations

from dataclasses import dataclass, replace

from snnprog.rules.expressions import Add, Const, Expression, Hold, Ref, Select, Sub, names_in, rebuilt
from snnprog.rules.ranges import Reach
from snnprog.rules.rule import COUNT, POTENTIAL, SPIKES, WEIGHT, Rule, Step, Watch


def _target(rule: Rule, watch: Watch) -> str:
    return rule.step(watch.step).target


def simplified(rule: Rule, reach: Reach) -> Rule:
    """Return an equivalent rule for these bounds, without ends that are never reached and constant registers.

    Watches that no value can exceed are removed, too, and so are registers that stay 0.
    """
    still = {name for name, span in reach.registers.items() if span.magnitude == 0} - {POTENTIAL}
    fixed = frozenset(each.name for each in rule.parameters) | {each.name for each in rule.constants}
    lowering = _Lowering(reach, still, fixed)
    kept = [lowering.step(step) for step in rule.steps if step.target not in still]
    gather = lowering.step(rule.gather)
    read = {"threshold"}
    for step in (gather, *kept):
        read |= names_in(step.expression)
    return replace(
        rule,
        registers=tuple(name for name in rule.registers if name not in still),
        parameters=tuple(one for one in rule.parameters if one.name in read),
        constants=tuple(each for each in rule.constants if each.name in read),
        gather=gather,
        steps=tuple(kept),
        watched=tuple(
            watch
            for watch in rule.watched
            if _target(rule, watch) not in still and reach.watched(rule.step(watch.step)) >= watch.limit
        ),
    )


@dataclass(frozen=True)
class _Lowering:
    """Removes parts without effect; parts that only depend on parameters stay, so that few different rules result."""

    reach: Reach
    still: set[str]
    fixed: frozenset[str]

    def step(self, step: Step) -> Step:
        """Return a step without parts that have no effect; the comparison keeps its form."""
        if step.target == SPIKES:
            return step
        if {WEIGHT, COUNT} & names_in(step.expression):
            return replace(step, expression=self._gathered(step))
        return replace(step, expression=self._node(step, step.expression))

    def _gathered(self, step: Step) -> Expression:
        """Return a gathering without ends that are never reached; its target holds sums of some events."""
        return rebuilt(
            step.expression,
            lambda node: node.operand if isinstance(node, Hold) and self._is_within(step, node) else node,
        )

    def _is_within(self, step: Step, node: Hold) -> bool:
        return (step.name, node) in self.reach.nodes and self._is_idle(step, node)

    def _node(self, step: Step, node: Expression) -> Expression:
        span = self.reach.of(step, node)
        if isinstance(node, Const):
            return node
        if names_in(node) <= self.fixed:
            return Const(0) if isinstance(node, Ref) and span.magnitude == 0 else node
        if span.magnitude == 0:
            return Const(0)
        if isinstance(node, Select) and self.reach.of(step, node.condition).magnitude == 0:
            return self._node(step, node.if_false)
        if isinstance(node, Hold) and self._is_idle(step, node):
            return self._node(step, node.operand)
        parts = {name: self._node(step, part) for name, part in vars(node).items() if isinstance(part, Expression)}
        if isinstance(node, Add | Sub) and parts["right"] == Const(0):
            return parts["left"]
        if isinstance(node, Add) and parts["left"] == Const(0):
            return parts["right"]
        return replace(node, **parts) if parts else node

    def _is_idle(self, step: Step, node: Hold) -> bool:
        operand = self.reach.of(step, node.operand)
        return node.low <= operand.least and operand.greatest <= node.high
