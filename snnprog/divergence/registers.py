"""Variations of the overflow of registers.

Runtimes of Loihi were seen to neither wrap nor clip (brian2-loihi), and to have an accumulator of 22 bits. The others
are common mistakes: clipping instead of wrapping, the range of two's complement instead of a symmetrical one, and one
clip per tick instead of one per event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from snnprog.divergence.edits import inserted, mapped
from snnprog.divergence.replay import Model
from snnprog.divergence.variation import Variation
from snnprog.rules.expressions import End, Expression, Hold, Neg, Ref, names_in, nodes, rebuilt
from snnprog.rules.rule import Rule

Otherwise = tuple[str, str, Callable[[Hold], Expression]]
"""The name and the text of another end, and the handling of a register that has it."""


def overflows(model: Model) -> Iterator[Variation]:
    """Yield the variations of ends: of all that hold the values of one name, and of when they do."""
    rule = model.rule
    for target, holds in _holds(rule).items():
        for name, text, change in _otherwise(rule, target, hold=holds[0]):
            varied = mapped(rule, _replacing(change), targets=(target,))
            yield Variation("overflow", name, text, model.with_rule(varied))
    for name, text, varied in _held_once(rule):
        yield Variation("overflow", name, text, model.with_rule(varied))


def _holds(rule: Rule) -> dict[str, list[Hold]]:
    """Return the holders of the values of each name."""
    found: dict[str, list[Hold]] = {}
    for step in rule.all_steps:
        for node in nodes(step.expression):
            if isinstance(node, Hold):
                found.setdefault(step.target, []).append(node)
    return found


def _replacing(change: Callable[[Hold], Expression]) -> Callable[[Expression], Expression]:
    return lambda node: change(node) if isinstance(node, Hold) else node


def _open(node: Hold) -> Expression:
    """Return the value of a register without limits."""
    return node.operand


def _with_ends(low: int, high: int, *, end: End) -> Callable[[Hold], Expression]:
    return lambda node: Hold(node.operand, low, high, end)


def _otherwise(rule: Rule, target: str, *, hold: Hold) -> Iterator[Otherwise]:
    """Yield the other ends that a register might have."""
    ends = _usual_ends(rule, target, hold=hold)
    if hold.end is End.CLIP:
        yield from _other_than_clipped(target, hold, ends=ends)
    elif isinstance(hold.operand, Neg):  # all that ever leaves the register is the negative of its lowest value
        register = next((name for name in rule.registers if name in names_in(hold.operand)), target)
        text = f"negates the {hold.low} that a decay takes to {-hold.low - 1}"
        yield f"lowest {register} negated", text, _with_ends(hold.low, hold.high, end=End.CLIP)
    else:
        yield from _other_than_wrapped(target, hold, ends=ends)


def _other_than_clipped(target: str, hold: Hold, *, ends: tuple[int, int]) -> Iterator[Otherwise]:
    low, high = ends
    yield f"{target} not clipped", f"does not clip the {target}", _open
    text = f"wraps the {target} at {_bits(ends)} bits, and does not clip it"
    yield f"{target} wraps", text, _with_ends(low, high, end=End.WRAP)
    if low < 0 and hold.low in (low, low + 1):
        other, side = (low + 1, "higher") if hold.low == low else (low, "lower")
        text = f"clips the {target} at {other}, one {side}"
        yield f"{target} clipped at the other end", text, _with_ends(other, hold.high, end=End.CLIP)


def _other_than_wrapped(target: str, hold: Hold, *, ends: tuple[int, int]) -> Iterator[Otherwise]:
    low, high = ends
    yield f"{target} not wrapped", f"does not wrap the {target}", _open
    text = f"clips the {target} at {_bits(ends)} bits, and does not wrap it"
    yield f"{target} clipped", text, _with_ends(-high if low < 0 else low, high, end=End.CLIP)
    name, text = f"{target} wrapped", f"wraps the {target} at {_bits(ends)} bits"
    if hold.high == high + 1:
        name, text = f"{target} wraps at the other end", f"wraps a {target} of {hold.high} to {low}"
    yield name, text, _with_ends(low, high, end=End.WRAP)


def _bits(ends: tuple[int, int]) -> int:
    return (ends[1] - ends[0]).bit_length()


def _usual_ends(rule: Rule, target: str, *, hold: Hold) -> tuple[int, int]:
    """Return the ends in two's complement, or those on which the chip's runtimes agree; of one sign, the chip's own."""
    if hold.low >= 0 or hold.high < 0:
        return hold.low, hold.high
    top = 1 << ((hold.span - 1).bit_length() - 1)
    watched = [watch.limit for watch in rule.watched if rule.step(watch.step).target == target]
    top = min([limit for limit in watched if limit <= hold.high], default=top)
    return -top, top - 1


def _held_once(rule: Rule) -> Iterator[tuple[str, str, Rule]]:
    """Yield the rules that hold a value once if the chip does so several times in a tick."""
    target, whole = rule.gather.target, rule.gather.expression
    if isinstance(whole, Hold):
        summed = rule.with_step(rule.gather.name, rebuilt(whole, _replacing(_open)))
        once = inserted(summed, 0, target=target, expression=replace(whole, operand=Ref(target)))
        does, done = _verbs(whole)
        yield f"{target} {done} once", f"{does} the {target} once per tick, not after each line", once
    for step in rule.steps:
        whole = step.expression
        if isinstance(whole, Hold) and any(isinstance(node, Hold) for node in nodes(whole.operand)):
            once = rule.with_step(step.name, replace(whole, operand=rebuilt(whole.operand, _replacing(_open))))
            does, done = _verbs(whole)
            text = f"{does} the {step.target} once per tick, not what is added to it, too"
            yield f"{step.target} {done} once", text, once


def _verbs(hold: Hold) -> tuple[str, str]:
    return ("clips", "clipped") if hold.end is End.CLIP else ("wraps", "wrapped")
