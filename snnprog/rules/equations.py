r"""A rule as equations in LaTeX, one for each step, for the documentation and the report.

Names are words. A decay shows its rounding, and a register its behaviour at the ends:
``\operatorname{floor}``, ``\operatorname{clip}``, and so on, which `NOTES` explain.
"""

from __future__ import annotations

from collections.abc import Mapping

from snnprog.rules.expressions import (
    Add,
    Compare,
    Const,
    End,
    Expression,
    FloorDiv,
    Hold,
    Leak,
    Max,
    Min,
    Mul,
    Neg,
    Ref,
    Rounding,
    Scale,
    Select,
    Shl,
    Shr,
    Sub,
    Table,
    evaluate,
    nodes,
)
from snnprog.rules.rule import Rule

ROUNDINGS: Mapping[Rounding, str] = {
    Rounding.TOWARD_ZERO: "trunc",
    Rounding.AWAY_FROM_ZERO: "away",
    Rounding.FLOOR: "floor",
    Rounding.HALF_UP: "halfup",
    Rounding.HALF_AWAY: "halfaway",
    Rounding.HALF_EVEN: "halfeven",
    Rounding.MOVING: "move",
}
ENDS: Mapping[End, str] = {End.CLIP: "clip", End.WRAP: "wrap", End.FOLD: "fold"}
NOTES: Mapping[str, str] = {
    "trunc": "rounds toward zero",
    "away": "rounds away from zero",
    "floor": "rounds down",
    "halfup": "rounds to the nearest, halves up",
    "halfaway": "rounds to the nearest, halves away from zero",
    "halfeven": "rounds to the nearest, halves to even",
    "move": "rounds down, but takes at least 1 toward zero",
    "clip": "limits a value to the ends of its register",
    "wrap": "wraps around to the other end, repeatedly if necessary",
    "fold": "wraps around to the other end once",
}
"""Explanation of each operator in an equation."""

COMPARISONS: Mapping[str, str] = {">": ">", ">=": r"\ge"}

LARGE = 1 << 10
"""From this magnitude, a number next to a power of two is written as the power plus or minus 1."""


def _number(value: int) -> str:
    for offset, sign in ((0, ""), (1, " - 1"), (-1, " + 1")):
        power = abs(value + offset)
        if power >= LARGE and power & (power - 1) == 0:
            return f"{'-' if value < 0 else ''}2^{{{power.bit_length() - 1}}}{sign}"
    return str(value)


def _scaled(rounding: Rounding, operand: str, share: str) -> str:
    return rf"\operatorname{{{ROUNDINGS[rounding]}}}\left({operand} {share}\right)"


def _part(node: Leak, operand: str, bits: str) -> str:
    return _scaled(node.rounding, _grouped(node.operand, operand), _power_below(bits))


def _power_below(bits: str) -> str:
    return rf"/\, 2^{{{bits}}}"


def _hold(node: Hold, operand: str) -> str:
    ends = rf"_{{{_number(node.low)}}}^{{{_number(node.high)}}}"
    return rf"\operatorname{{{ENDS[node.end]}}}{ends}\left({operand}\right)"


def _select(node: Select, condition: str, if_true: str, if_false: str) -> str:
    return rf"\begin{{cases}} {if_true} & \text{{if }} {condition} \\ {if_false} & \text{{else}} \end{{cases}}"


LATEX: Table[str] = {
    Const: lambda node: _number(node.value),
    Ref: lambda node: name_in_latex(node.name),
    Add: lambda node, left, right: f"{left} + {right}",
    Sub: lambda node, left, right: f"{left} - {_grouped(node.right, right)}",
    Mul: lambda node, left, right: rf"{_grouped(node.left, left)} \cdot {_grouped(node.right, right)}",
    Neg: lambda node, operand: f"-{_grouped(node.operand, operand)}",
    Shl: lambda node, operand: rf"2^{{{node.bits}}} \cdot {_grouped(node.operand, operand)}",
    Shr: lambda node, operand, bits: _scaled(node.rounding, _grouped(node.operand, operand), _power_below(bits)),
    Scale: lambda node, operand, factor: _scaled(
        node.rounding, _grouped(node.operand, operand), rf"\cdot {_grouped(node.factor, factor)} /\, 2^{{{node.bits}}}"
    ),
    Leak: lambda node, operand, bits: f"{operand} - {_part(node, operand, bits)}",
    Hold: _hold,
    Compare: lambda node, left, right: f"{left} {COMPARISONS[node.operator]} {right}",
    Select: _select,
    Min: lambda node, left, right: rf"\min\left({left},\, {right}\right)",
    Max: lambda node, left, right: rf"\max\left({left},\, {right}\right)",
    FloorDiv: lambda node, left, right: (
        rf"\left\lfloor {_grouped(node.left, left)} /\, {_grouped(node.right, right)} \right\rfloor"
    ),
}
"""The LaTeX of each node."""


def _grouped(node: Expression, text: str) -> str:
    """Return a part of a product or of a difference, in brackets where it is a sum."""
    return rf"\left({text}\right)" if isinstance(node, Add | Sub | Neg | Compare | Leak) else text


def name_in_latex(name: str) -> str:
    """Return a name as words."""
    return r"\text{" + name.replace("_", " ") + "}"


def equations(rule: Rule) -> list[tuple[str, str]]:
    """Return the name and the equation of each step, the gathering first."""
    return [
        (step.name, rf"{name_in_latex(step.target)} \leftarrow {evaluate(step.expression, LATEX)}")
        for step in rule.all_steps
    ]


def notes(rule: Rule) -> list[tuple[str, str]]:
    """Return the operators in a rule's equations, with explanations."""
    used = set()
    for step in rule.all_steps:
        for node in nodes(step.expression):
            if isinstance(node, Scale | Shr | Leak):
                used.add(ROUNDINGS[node.rounding])
            if isinstance(node, Hold):
                used.add(ENDS[node.end])
    return [(name, meaning) for name, meaning in NOTES.items() if name in used]
