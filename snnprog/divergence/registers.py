"""Variations of what registers do with values beyond their ends.

Runtimes of Loihi were seen to neither wrap nor clip (brian2-loihi), and to have an accumulator of 22 bits. The others
are what is easily written instead: clipped for wrapped, the range of two's complement for a symmetrical one, once per
tick for once per event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from snnprog.divergence.edits import inserted, mapped
from snnprog.divergence.replay import Model
from snnprog.divergence.variation import Variation
from snnprog.rules.expressions import End, Expression, Hold, Neg, Ref, names_in, nodes, rebuilt
from snnprog.rules.rule import Rule, Step

Otherwise = tuple[str, str, Callable[[Hold], Expression]]
"""The name and the text of another end, and what becomes of a register that has it."""


def overflows(model: Model) -> Iterator[Variation]:
    """Yield the variations of ends: of all that hold the values of one name, and of when they do."""
    rule = model.rule
    for target, holds in _holds(rule).items():
        for name, text, change in _otherwise(rule, target, holds[0]):
            varied = mapped(rule, _replacing(change), targets=(target,))
            yield Variation("overflow", name, text, model.with_rule(varied))
    for name, text, varied in _held_once(rule):
        yield Variation("overflow", name, text, model.with_rule(varied))


def _holds(rule: Rule) -> dict[str, list[Hold]]:
    """Return what holds the values of each name."""
    found: dict[str, list[Hold]] = {}
    for step in rule.all_steps:
        for node in nodes(step.expression):
            if isinstance(node, Hold):
                found.setdefault(step.target, []).append(node)
    return found


def _replacing(change: Callable[[Hold], Expression]) -> Callable[[Expression], Expression]:
    return lambda node: change(node) if isinstance(node, Hold) else node


def _open(node: Hold) -> Expression:
    """Return what a register without ends keeps."""
    return node.operand


def _with_ends(low: int, high: int, end: End) -> Callable[[Hold], Expression]:
    return lambda node: Hold(node.operand, low, high, end)


def _otherwise(rule: Rule, target: str, hold: Hold) -> Iterator[Otherwise]:
    """Yield the other ends that a register might have; its runtimes agree below ``top`` at most."""
    top = 1 << ((hold.span - 1).bit_length() - 1)
    watched = [watch.limit for watch in rule.watched if rule.step(watch.step).target == target]
    top = min([limit for limit in watched if limit <= hold.high], default=top)
    if hold.end is End.CLIP:
        yield from _other_than_clipped(target, hold, top)
    elif isinstance(hold.operand, Neg):
        register = next((name for name in rule.registers if name in names_in(hold.operand)), target)
        text = f"negates the {hold.low} that a decay takes to {-hold.low - 1}"
        yield f"lowest {register} negated", text, _with_ends(hold.low, hold.high, End.CLIP)
    else:
        yield from _other_than_wrapped(target, hold, top)


def _other_than_clipped(target: str, hold: Hold, top: int) -> Iterator[Otherwise]:
    yield f"{target} not clipped", f"does not clip the {target}", _open
    text = f"wraps the {target} at {_bits(top)} bits, and does not clip it"
    yield f"{target} wraps", text, _with_ends(-top, top - 1, End.WRAP)
    low = 1 - top if hold.low == -top else -top
    text = f"clips the {target} at {low}, one {'higher' if low > hold.low else 'lower'}"
    yield f"{target} clipped at the other end", text, _with_ends(low, hold.high, End.CLIP)


def _other_than_wrapped(target: str, hold: Hold, top: int) -> Iterator[Otherwise]:
    yield f"{target} not wrapped", f"does not wrap the {target}", _open
    text = f"clips the {target} at {_bits(top)} bits, and does not wrap it"
    yield f"{target} clipped", text, _with_ends(1 - top, top - 1, End.CLIP)
    if 2 * top == hold.span:
        name, text = f"{target} wraps at the other end", f"wraps a {target} of {top} to {-top}"
    else:
        name, text = f"{target} wrapped", f"wraps the {target} at {_bits(top)} bits"
    yield name, text, _with_ends(-top, top - 1, End.WRAP)


def _bits(top: int) -> int:
    """Return the bits of a two's complement register that ends at ``-top``."""
    return (2 * top - 1).bit_length()


def _held_once(rule: Rule) -> Iterator[tuple[str, str, Rule]]:
    """Yield the rules that hold a value once where the chip does so several times in a tick."""
    target, whole = rule.gather.target, rule.gather.expression
    if isinstance(whole, Hold):
        summed = rule.with_step(rule.gather.name, rebuilt(whole, _replacing(_open)))
        once = inserted(summed, 0, Step("hold once", target, replace(whole, operand=Ref(target))))
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
