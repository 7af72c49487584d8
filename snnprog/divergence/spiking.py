"""Variations of the comparison, of spike counts, and of resets."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from snnprog.divergence.edits import firing_index, inserted, limit_of
from snnprog.divergence.replay import Model
from snnprog.divergence.variation import Variation
from snnprog.rules.building import greatest, least, select
from snnprog.rules.expressions import Compare, Const, Expression, Min, Ref, rebuilt
from snnprog.rules.rule import COUNT, CURRENT, POTENTIAL, SPIKES, LayerConstant, Rule

UNLIMITED = 1 << 62
"""No value of an int64 executor is greater."""

potential, spikes = Ref(POTENTIAL), Ref(SPIKES)


def spikes_several_times(rule: Rule) -> bool:
    """Return whether a neuron can spike more than once in a tick."""
    return rule.firing.most != Const(1)


def comparisons(model: Model) -> Iterator[Variation]:
    """Yield the variation in which a potential that equals the threshold counts otherwise."""
    rule = model.rule
    fire, limit = rule.steps[firing_index(rule)], limit_of(rule)
    if not rule.is_equal_a_spike:
        name, text = "fires at the threshold", "fires where the potential equals the threshold (>=, not >)"
        above: Expression = potential >= limit
    else:
        name = "fires above the threshold only"
        text = "does not fire where the potential equals the threshold (>, not >=)"
        above = potential > limit
        if not isinstance(fire.expression, Compare):
            above = _also_limited(fire.expression, greatest(potential - 1, 0) // limit)
    yield Variation("compare", name, text, model.with_rule(rule.with_step(fire.name, above)))


def _also_limited(counted: Expression, most: Expression) -> Expression:
    """Return a number of spikes with one more limit; a rule may limit it only once."""
    if isinstance(counted, Min):
        return least(counted.left, least(counted.right, most))
    return least(counted, most)


def counts(model: Model) -> Iterator[Variation]:
    """Yield the variations of the number of spikes in a tick, if it can exceed 1."""
    rule = model.rule
    if not spikes_several_times(rule):
        return
    fire = rule.steps[firing_index(rule)]
    once = rule.with_step(fire.name, potential >= limit_of(rule))
    text = "gives neurons one spike per tick at most"
    yield Variation("count", "one spike per tick", text, model.with_rule(once))
    heard = rebuilt(rule.gather.expression, lambda node: least(node, 1) if node == Ref(COUNT) else node)
    text = "delivers several spikes of a tick as one"
    varied = model.with_rule(rule.with_step(rule.gather.name, heard))
    yield Variation("count", "several spikes heard as one", text, varied)
    most = rule.firing.most
    if isinstance(most, Const):
        text = f"does not limit neurons to {most.value} spikes per tick"
        unlimited = rule.with_step(fire.name, greatest(potential, 0) // limit_of(rule))
        yield Variation("count", "spikes not limited", text, model.with_rule(unlimited))
    for constant in rule.constants:
        if most == Ref(constant.name):
            yield from _limits(model, constant)


def _limits(model: Model, constant: LayerConstant) -> Iterator[Variation]:
    own, hidden = model.parameters[constant.name], constant.hidden
    is_readout = np.isin(np.arange(own.size), model.program.outputs)
    text = f"does not limit hidden neurons to {hidden} spikes per tick"
    varied = model.with_parameter(constant.name, np.where(is_readout, own, UNLIMITED))
    yield Variation("count", "hidden spikes not limited", text, varied)
    text = "counts the spikes of readout neurons as those of hidden ones"
    varied = model.with_parameter(constant.name, np.full_like(own, hidden))
    yield Variation("count", "readout spikes not limited", text, varied)


def resets(model: Model) -> Iterator[Variation]:
    """Yield the variations of the potential and the current after spikes."""
    rule, limit = model.rule, limit_of(model.rule)
    found = [
        ("no reset", "does not reset the potential after a spike", potential),
        ("reset to zero", "resets the potential to zero, and does not subtract", select(spikes, 0, potential)),
        (
            "reset by subtraction",
            "subtracts the threshold after a spike, and does not reset to zero",
            potential - spikes * limit,
        ),
    ]
    if spikes_several_times(rule):
        text = "subtracts one threshold for several spikes of a tick"
        found.append(("one threshold subtracted", text, potential - least(spikes, 1) * limit))
    for name, text, left in found:
        yield Variation("reset", name, text, model.with_rule(_with_reset(rule, POTENTIAL, left=left)))
    if CURRENT in rule.registers:
        current = Ref(CURRENT)
        text = "resets the current after a spike, too"
        varied = model.with_rule(_with_reset(rule, CURRENT, left=select(spikes, 0, current)))
        yield Variation("reset", "current reset", text, varied)
        text = "does not reset the current after a spike"
        varied = model.with_rule(_with_reset(rule, CURRENT, left=current))
        yield Variation("reset", "current not reset", text, varied)


def _with_reset(rule: Rule, register: str, *, left: Expression) -> Rule:
    """Return the rule in which spikes leave this, and nothing else, of a register."""
    where = firing_index(rule) + 1
    old = [step for step in rule.steps[where:] if step.target == register]
    if not old:
        return rule if left == Ref(register) else inserted(rule, where, target=register, expression=left)
    for step in old[1:]:
        rule = rule.with_step(step.name, Ref(register))
    return rule.with_step(old[0].name, left)
