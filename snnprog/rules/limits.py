"""Limits on the size, the numbers and the names of every rule.

A rule may come from a hostile file. These limits bound the time to read, print and compile it, and
exclude operations on which executors differ: a shift by more bits than a register has, or a division by 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from snnprog.errors import SpecError
from snnprog.rules.expressions import (
    Const,
    Expression,
    FloorDiv,
    Hold,
    Leak,
    Ref,
    Scale,
    Shl,
    Shr,
    children,
    evaluate,
    names_in,
    nodes,
)
from snnprog.rules.ranges import SPANS, Span
from snnprog.rules.rule import COUNT, LONGEST_NAME, WEIGHT, Rule

TITLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")
"""Names of chips and rules are used in file names, on command lines and in tables: no spaces, no special characters."""

MOST_NODES = 512
"""Maximum number of nodes of all expressions: ten times those of Loihi's rule. Numba took 13 s for 495."""

DEEPEST = 20
"""Maximum nesting of expressions, three times that of Loihi's; `snnprog.documents` reads files nested 32 deep,
and a step is 5 deep in a program file."""

MOST_ENTRIES = 32
"""Maximum number of steps, registers, constants or watches, each: four times those of any built-in chip."""

MOST_MAGNITUDE = 1 << 53
"""Every reader of JSON represents integers up to this magnitude exactly (RFC 8259, section 6)."""

MOST_SHIFT = 30
"""``2**30`` is the greatest power of two in a register of 32 bits, the narrowest that code is generated for."""


def check_limits(rule: Rule) -> None:
    """Check a rule against the limits of this module.

    Raises
    ------
    SpecError
        If it exceeds one of them; the message names the step.
    """
    if not TITLE.fullmatch(rule.name):
        raise SpecError(f"rule name must be up to 64 letters, digits and any of . _ + -, got {rule.name[:80]!r}")
    for item, ok, allowed in _sizes(rule):
        if not ok:
            raise SpecError(f"{item} of rule {rule.name} must be {allowed}")
    fixed = {each.name: _span(each.low, each.high) for each in rule.parameters}
    for constant in rule.constants:
        fixed[constant.name] = _span(*sorted((constant.hidden, constant.readout)))
    for step in rule.all_steps:
        for node in nodes(step.expression):
            fault = _fault(node, fixed)
            if fault:
                raise SpecError(f"step {step.name!r} of rule {rule.name} {fault}")


def depth(expression: Expression) -> int:
    """Return the nesting depth of an expression; 1 for a name or a constant."""
    return 1 + max(map(depth, children(expression)), default=0)


def _sizes(rule: Rule) -> Iterator[tuple[str, bool, str]]:
    """Yield the conditions on the rule as a whole: the item, whether it is satisfied, and what is allowed."""
    for item in ("steps", "registers", "constants", "watched"):
        yield item, len(getattr(rule, item)) <= MOST_ENTRIES, f"at most {MOST_ENTRIES}"
    for step in rule.all_steps:
        is_name = step.name.isidentifier() and step.name.isascii() and len(step.name) <= LONGEST_NAME
        yield f"step name {step.name[:40]!r}", is_name, f"an identifier of at most {LONGEST_NAME} letters"
        yield f"step {step.name!r}", depth(step.expression) <= DEEPEST, f"nested at most {DEEPEST} deep"
    gathered = names_in(rule.gather.expression) <= {WEIGHT, COUNT, rule.gather.target}
    yield "gather", gathered, f"made of weight, count and {rule.gather.target} only: each event is gathered separately"
    size = sum(1 for step in rule.all_steps for _ in nodes(step.expression))
    yield "steps", size <= MOST_NODES, f"made of at most {MOST_NODES} nodes, got {size}"
    numbers = [end for each in rule.parameters for end in (each.low, each.high)]
    numbers += [value for each in rule.constants for value in (each.hidden, each.readout)]
    numbers += [each.limit for each in rule.watched]
    yield "numbers", all(map(_is_bearable, numbers)), f"at most {MOST_MAGNITUDE} in magnitude"
    watched = [each.step for each in rule.watched]
    yield "watched", len(set(watched)) == len(watched), "of each step once"
    yield "watched", all(each.limit >= 1 for each in rule.watched), "watched up to limits of 1 or more"


def _fault(node: Expression, fixed: Mapping[str, Span]) -> str:
    """Return the error of one node, or an empty string; its children have been checked before."""
    fault = ""
    if isinstance(node, Const) and not _is_bearable(node.value):
        fault = f"has the constant {node.value}; at most {MOST_MAGNITUDE} in magnitude is allowed"
    elif isinstance(node, Hold) and not (node.low <= node.high and _is_bearable(node.low) and _is_bearable(node.high)):
        fault = f"holds values from {node.low} to {node.high}; the ends must ascend, to at most {MOST_MAGNITUDE}"
    elif isinstance(node, Shl | Scale) and not 0 <= node.bits <= MOST_SHIFT:
        fault = f"shifts by {node.bits} bits; 0 to {MOST_SHIFT} are allowed"
    elif isinstance(node, Scale) and not _is_within(node.factor, fixed, 0, MOST_MAGNITUDE):
        fault = "must scale by a non-negative factor of constants and parameters"
    elif isinstance(node, Shr | Leak) and not _is_within(node.bits, fixed, 0, MOST_SHIFT):
        fault = f"must shift by a constant or parameter from 0 to {MOST_SHIFT} bits"
    elif isinstance(node, FloorDiv) and not _is_within(node.right, fixed, 1, MOST_MAGNITUDE):
        fault = "must divide by a constant or parameter that is at least 1"
    return fault


def _is_within(expression: Expression, fixed: Mapping[str, Span], low: int, high: int) -> bool:
    """Return whether an expression of parameters and constants lies within a range for every program."""
    if not names_in(expression) <= set(fixed):
        return False
    span: Span = evaluate(expression, {**SPANS, Ref: lambda node: fixed[node.name]})
    return low <= span.least and span.greatest <= high


def _is_bearable(value: int) -> bool:
    return abs(value) <= MOST_MAGNITUDE


def _span(low: int, high: int) -> Span:
    """Return a span; refuse values that are too large before calculating with them."""
    return Span(Span.of(low).low, Span.of(high).low)
