"""A step of a rule as a line of text, for comments in code: names and operators as in the rule's Python."""

from __future__ import annotations

from snnprog.emit.c.names import NameBook
from snnprog.rules.expressions import (
    Add,
    Compare,
    Const,
    Expression,
    FloorDiv,
    Hold,
    Leak,
    Max,
    Min,
    Mul,
    Neg,
    Ref,
    Scale,
    Select,
    Shl,
    Shr,
    Sub,
    Table,
    evaluate,
)
from snnprog.rules.rule import Rule


def _bare(text: str) -> str:
    """Return a text without the parentheses around all of it."""
    depth = 0
    for index, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            return text[1:-1] if index and index == len(text) - 1 and text[0] == "(" else text
    return text


def _called(name: str, *operands: str) -> str:
    return f"{name}({', '.join(map(_bare, operands))})"


RULE_TEXTS: Table[str] = {
    Const: lambda node: str(node.value),
    Add: lambda node, left, right: f"({left} + {right})",
    Sub: lambda node, left, right: f"({left} - {right})",
    Mul: lambda node, left, right: f"({left} x {right})",
    Neg: lambda node, operand: f"-{operand}",
    Shl: lambda node, operand: f"({operand} << {node.bits})",
    Shr: lambda node, operand, bits: f"({operand} / 2^{bits}, {node.rounding.value})",
    Scale: lambda node, operand, factor: f"({operand} x {factor} / 2^{node.bits}, {node.rounding.value})",
    Leak: lambda node, operand, bits: f"({operand} - ({operand} / 2^{bits}, {node.rounding.value}))",
    Hold: lambda node, operand: _called(node.end.value, operand, str(node.low), str(node.high)),
    Compare: lambda node, left, right: f"({left} {node.operator} {right})",
    Select: lambda node, condition, if_true, if_false: f"({_bare(condition)} ? {if_true} : {if_false})",
    Min: lambda node, left, right: _called("min", left, right),
    Max: lambda node, left, right: _called("max", left, right),
    FloorDiv: lambda node, left, right: f"({left} / {right}, rounded down)",
}
"""The text of each node in a comment, with the names of the code."""


def step_text(rule: Rule, name: str, book: NameBook) -> str:
    """Return a step of a rule as a line of text."""
    step = rule.step(name)
    return f"{book.word(step.target)} = {expression_text(step.expression, book)}"


def expression_text(expression: Expression, book: NameBook) -> str:
    """Return an expression of a rule as text."""
    return _bare(evaluate(expression, {**RULE_TEXTS, Ref: lambda node: book.word(node.name)}))
