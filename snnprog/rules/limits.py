"""What every rule keeps to, whoever wrote it: how large it may be, and what its numbers and names may be.

A rule can come in a file of a stranger. These limits bound what it takes to read it, to print it and to compile it, and
they leave out what the executors would not agree on: a shift by more bits than a register has, or a division by 0.
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
"""Names of chips and rules stand in file names, on command lines and in tables: no spaces, no signs of a shell."""

MOST_NODES = 512
"""Parts of all expressions together: ten times as many as Loihi's rule has. Numba took 13 s for 495."""

DEEPEST = 20
"""How deep expressions are nested, three times as deep as Loihi's; `snnprog.documents` reads files that are 32 deep,
and a step stands 5 deep in a program file."""

MOST_ENTRIES = 32
"""Steps, registers, constants or watches, each: four times as many as any chip here has."""

MOST_MAGNITUDE = 1 << 53
"""Up to here every reader of JSON keeps integers as they are (RFC 8259, section 6)."""

MOST_SHIFT = 30
"""``2**30`` is the greatest power of two in a register of 32 bits, the narrowest that code is generated for."""


def check_limits(rule: Rule) -> None:
    """Check a rule against the limits of this module.

    Raises
    ------
    SpecError
        If it is beyond one of them; the sentence names the step.
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
    """Return how deep an expression is nested; 1 for a name or a constant."""
    return 1 + max(map(depth, children(expression)), default=0)


def _sizes(rule: Rule) -> Iterator[tuple[str, bool, str]]:
    """Yield what is asked of the rule as a whole: the item, whether it holds, and what is allowed."""
    for item in ("steps", "registers", "constants", "watched"):
        yield item, len(getattr(rule, item)) <= MOST_ENTRIES, f"at most {MOST_ENTRIES}"
    for step in rule.all_steps:
        is_name = step.name.isidentifier() and step.name.isascii() and len(step.name) <= LONGEST_NAME
        yield f"step name {step.name[:40]!r}", is_name, f"an identifier of at most {LONGEST_NAME} letters"
        yield f"step {step.name!r}", depth(step.expression) <= DEEPEST, f"nested at most {DEEPEST} deep"
    gathered = names_in(rule.gather.expression) <= {WEIGHT, COUNT, rule.gather.target}
    yield "gather", gathered, f"made of weight, count and {rule.gather.target} alone: each event is gathered by itself"
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
    """Return what is wrong with one node; nothing if all is well. What it is made of has been checked before."""
    fault = ""
    if isinstance(node, Const) and not _is_bearable(node.value):
        fault = f"has the constant {node.value}; at most {MOST_MAGNITUDE} in magnitude is allowed"
    elif isinstance(node, Hold) and not (node.low <= node.high and _is_bearable(node.low) and _is_bearable(node.high)):
        fault = f"holds values from {node.low} to {node.high}; the ends must rise, to at most {MOST_MAGNITUDE}"
    elif isinstance(node, Shl | Scale) and not 0 <= node.bits <= MOST_SHIFT:
        fault = f"shifts by {node.bits} bits; 0 to {MOST_SHIFT} are allowed"
    elif isinstance(node, Scale) and not _is_within(node.factor, fixed, 0, MOST_MAGNITUDE):
        fault = "must scale by a factor of constants and parameters that is never negative"
    elif isinstance(node, Shr | Leak) and not _is_within(node.bits, fixed, 0, MOST_SHIFT):
        fault = f"must shift by a constant or parameter from 0 to {MOST_SHIFT} bits"
    elif isinstance(node, FloorDiv) and not _is_within(node.right, fixed, 1, MOST_MAGNITUDE):
        fault = "must divide by a constant or parameter that is at least 1"
    return fault


def _is_within(expression: Expression, fixed: Mapping[str, Span], low: int, high: int) -> bool:
    """Tell whether an expression of parameters and constants alone lies within a range, whatever a program sets."""
    if not names_in(expression) <= set(fixed):
        return False
    span: Span = evaluate(expression, {**SPANS, Ref: lambda node: fixed[node.name]})
    return low <= span.least and span.greatest <= high


def _is_bearable(value: int) -> bool:
    return abs(value) <= MOST_MAGNITUDE


def _span(low: int, high: int) -> Span:
    """Return a span; what is too large is refused before anything is calculated from it."""
    return Span(Span.of(low).low, Span.of(high).low)
