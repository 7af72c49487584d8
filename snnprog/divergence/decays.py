"""Variations of decays: rounding, factor, and order within the tick.

Runtimes of Loihi were seen to round down instead of toward zero, and to remove the 1 that is added to the current's
decay. Xylo's decays are shifts that take at least 1 of every value; a simulator easily multiplies instead, or subtracts
nothing from small values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from snnprog.divergence.edits import Change, firing_index, fresh, inserted, mapped, reading
from snnprog.divergence.replay import Model
from snnprog.divergence.variation import Variation
from snnprog.rules.building import greatest
from snnprog.rules.expressions import (
    Const,
    Expression,
    Leak,
    Neg,
    Ref,
    Rounding,
    Scale,
    Select,
    Shr,
    Sub,
    names_in,
    nodes,
    rebuilt,
)
from snnprog.rules.interpreter import Interpreter
from snnprog.rules.rule import CURRENT, POTENTIAL, Rule

Decay: TypeAlias = Scale | Shr | Leak


def decays_of(rule: Rule) -> dict[str, list[Decay]]:
    """Return the decays of each register, in the order of the steps."""
    found: dict[str, list[Decay]] = {}
    for step in rule.steps:
        for node in nodes(step.expression):
            if isinstance(node, Decay) and isinstance(node.operand, Ref) and node.operand.name in rule.registers:
                found.setdefault(node.operand.name, []).append(node)
    return found


def _rounds(model: Model, node: Decay) -> bool:
    """Return whether a decay ever leaves a fraction."""
    by = node.factor if isinstance(node, Scale) else node.bits
    if not names_in(by) <= set(model.parameters):
        return True
    amounts = Interpreter(model.rule, model.parameters).value(by)
    return bool(np.any(amounts % (1 << node.bits) if isinstance(node, Scale) else amounts))


def _replacing(chosen: list[Decay], change: Callable[[Decay], Expression]) -> Change:
    return lambda node: change(node) if isinstance(node, Decay) and node in chosen else node


# ------------------------------------------------------------------------------------------------------------ rounding


@dataclass(frozen=True)
class Slip:
    """A way to round a decay; ``is_of_moving`` is True for an error of decays that move every value."""

    verb: str
    text: str
    rounded: Callable[[Decay], Expression]
    is_of_moving: bool = False


def _quotient(node: Decay, rounding: Rounding) -> Decay:
    """Return the value that a decay rounds."""
    if isinstance(node, Leak):
        return Shr(node.operand, node.bits, rounding)
    return replace(node, rounding=rounding)


def _with_quotient(node: Decay, quotient: Expression) -> Expression:
    return node.operand - quotient if isinstance(node, Leak) else quotient


def _plainly(rounding: Rounding) -> Callable[[Decay], Expression]:
    return lambda node: replace(node, rounding=rounding)


def _moving(rounding: Rounding) -> Callable[[Decay], Expression]:
    """Return the change to another rounding, which is at least 1 for values other than 0."""

    def change(node: Decay) -> Expression:
        quotient, sign = _quotient(node, rounding), (node.operand > 0) - (Const(0) > node.operand)
        return _with_quotient(node, Select(quotient, quotient, sign))

    return change


def _upward(node: Decay) -> Expression:
    negated = replace(_quotient(node, Rounding.FLOOR), operand=-node.operand)
    return _with_quotient(node, -negated)


DIRECTIONS = {
    Rounding.TOWARD_ZERO: "toward zero",
    Rounding.AWAY_FROM_ZERO: "away from zero",
    Rounding.FLOOR: "down",
    Rounding.HALF_AWAY: "to the nearest",
    Rounding.HALF_UP: "to the nearest, halves up",
    Rounding.HALF_EVEN: "to the nearest, halves to even",
}
VERBS = {
    Rounding.FLOOR: "floors",
    Rounding.HALF_AWAY: "rounds to nearest",
    Rounding.AWAY_FROM_ZERO: "rounds away",
    Rounding.TOWARD_ZERO: "truncates",
}
SLIPS = (
    *(
        Slip(verb, f"rounds the decay of {{}} {DIRECTIONS[rounding]}, not {{}}", _plainly(rounding))
        for rounding, verb in VERBS.items()
    ),
    Slip(
        "takes nothing of small values",
        "takes nothing where the shifted value is 0, not 1, in {}",
        _plainly(Rounding.FLOOR),
        is_of_moving=True,
    ),
    Slip(
        "rounds toward zero",
        "rounds what a decay takes of negative values toward zero, not down, in {}",
        _moving(Rounding.TOWARD_ZERO),
        is_of_moving=True,
    ),
    Slip(
        "rounds to nearest",
        "rounds what a decay takes to the nearest, not down, in {}",
        _moving(Rounding.HALF_AWAY),
        is_of_moving=True,
    ),
    # The share that is kept, rounded down, is what is left when the share that is taken is rounded up.
    Slip(
        "multiplies",
        "multiplies by the share that is kept, rounded down, and does not shift, in {}",
        _upward,
        is_of_moving=True,
    ),
    Slip(
        "multiplies toward zero",
        "multiplies by the share that is kept, rounded toward zero, and does not shift, in {}",
        _plainly(Rounding.AWAY_FROM_ZERO),
        is_of_moving=True,
    ),
)


def roundings(model: Model) -> Iterator[Variation]:
    """Yield the variations of rounding: of one register's decays, and of all that can be rounded so."""
    found = {name: [node for node in decays if _rounds(model, node)] for name, decays in decays_of(model.rule).items()}
    for slip in SLIPS:
        fitting = {
            name: decays
            for name, decays in found.items()
            if decays and all((node.rounding is Rounding.MOVING) == slip.is_of_moving for node in decays)
        }
        for names in [[name] for name in fitting] + ([list(fitting)] if len(fitting) > 1 else []):
            chosen = [node for name in names for node in fitting[name]]
            whose = f"{names[0]} decay" if len(names) == 1 else f"{'both' if len(names) == 2 else 'all'} decays"
            text = slip.text.format(" and ".join(f"the {name}" for name in names), DIRECTIONS.get(chosen[0].rounding))
            varied = model.with_rule(mapped(model.rule, _replacing(chosen, slip.rounded)))
            yield Variation("rounding", f"{whose} {slip.verb}", text, varied)


# --------------------------------------------------------------------------------------------------------------- share


def shares(model: Model) -> Iterator[Variation]:
    """Yield the variations of a decay that is off by one, or by its offset."""
    for name, decays in decays_of(model.rule).items():
        for what, text, change in _less_and_more(name, decays[0]):
            varied = model.with_rule(mapped(model.rule, _replacing(decays, change)))
            yield Variation("rounding", f"{name} decay {what}", text, varied)


def _less_and_more(name: str, decay: Decay) -> Iterator[tuple[str, str, Callable[[Decay], Expression]]]:
    offset = _offset(decay)
    if offset:
        text = f"leaves out the {offset} that is added to the {name}'s decay"
        yield "without offset", text, lambda node: _decaying(node, -offset)
    else:
        yield "one less", f"takes the {name}'s decay as one less than it is", lambda node: _decaying(node, -1)
    if offset == 0:
        yield "with offset", f"adds 1 to the {name}'s decay", lambda node: _decaying(node, 1)
    else:
        yield "one more", f"takes the {name}'s decay as one more than it is", lambda node: _decaying(node, 1)


def _offset(decay: Decay) -> int | None:
    """Return the increment of the decay by a factor like ``4095 - decay``; None for another form."""
    if isinstance(decay, Scale) and isinstance(decay.factor, Sub) and isinstance(decay.factor.left, Const):
        return (1 << decay.bits) - decay.factor.left.value
    return None


def _decaying(node: Decay, more: int) -> Expression:
    """Return a decay that is greater by some units."""
    if isinstance(node, Scale):
        return replace(node, factor=node.factor - more)
    return replace(node, bits=greatest(node.bits + more, 0))


# --------------------------------------------------------------------------------------------------------------- order


def orders(model: Model) -> Iterator[Variation]:
    """Yield the variations of when a decay acts, and of which tick's current."""
    rule = model.rule
    late = _with_late_current(rule)
    if late != rule:
        text = "adds the current of the tick before to the potential"
        yield Variation("order", "late current", text, model.with_rule(late))
    for name, decays in decays_of(rule).items():
        where = next(index for index, step in enumerate(rule.steps) if decays[0] in nodes(step.expression))
        if len(decays) > 1 or where >= firing_index(rule):
            continue
        if rule.gather.target == name:
            text = f"lets the {name} decay before it adds what arrives"
            yield Variation(
                "order", f"{name} decays first", text, model.with_rule(_decaying_first(rule, name, where=where))
            )
        elif name == CURRENT:
            text = "lets what arrives decay in the tick of its arrival"
            yield Variation("order", "arrivals decay", text, model.with_rule(_decaying_last(rule, name, where=where)))
        else:
            text = f"lets the {name} decay after it has added everything"
            yield Variation(
                "order", f"{name} decays last", text, model.with_rule(_decaying_last(rule, name, where=where))
            )


def _with_late_current(rule: Rule) -> Rule:
    if CURRENT not in rule.registers:
        return rule
    late = fresh(rule, "last_current")
    steps = tuple(
        replace(step, expression=rebuilt(step.expression, reading(CURRENT, late)))
        if step.target == POTENTIAL and index < firing_index(rule)
        else step
        for index, step in enumerate(rule.steps)
    )
    if steps == rule.steps:
        return rule
    varied = replace(rule, registers=(*rule.registers, late), steps=steps)
    return inserted(varied, len(steps), target=late, expression=Ref(CURRENT))


def _taken_apart(rule: Rule, name: str, *, where: int) -> tuple[Rule, Expression]:
    """Return the rule without the decay of a register, and the kept value of the register."""
    step = rule.steps[where]
    (decay,) = decays_of(rule)[name]
    is_loss = any(
        (isinstance(node, Neg) and node.operand == decay) or (isinstance(node, Sub) and node.right == decay)
        for node in nodes(step.expression)
    )
    bare = mapped(rule, lambda node: (Const(0) if is_loss else Ref(name)) if node == decay else node)
    return bare, Ref(name) - decay if is_loss else decay


def _decaying_last(rule: Rule, name: str, *, where: int) -> Rule:
    """Return the rule in which a register decays when everything was added to it."""
    bare, decayed = _taken_apart(rule, name, where=where)
    early = range(firing_index(rule))
    last = max((index for index in early if rule.steps[index].target == name), default=where)
    return inserted(bare, last + 1, target=name, expression=decayed)


def _decaying_first(rule: Rule, name: str, *, where: int) -> Rule:
    """Return the rule in which a register decays before spikes are gathered in it: at the end of the tick before."""
    bare, decayed = _taken_apart(rule, name, where=where)
    kept = fresh(rule, "decayed")
    gather = replace(rule.gather, target=kept, expression=rebuilt(rule.gather.expression, reading(name, kept)))
    varied = replace(bare, registers=(*rule.registers, kept), gather=gather)
    return inserted(
        inserted(varied, 0, target=name, expression=Ref(kept)), len(bare.steps) + 1, target=kept, expression=decayed
    )
