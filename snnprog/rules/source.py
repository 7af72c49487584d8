"""A rule as source text for Numba: one table of texts, from which compiled executors are assembled.

No text of a rule is ever copied: names become ``v0``, ``v1``, …, and numbers are written by Python. So a rule from
a file cannot inject code.

The code is the same for int32 and int64 registers: ``kind`` is the type, and everything is cast to it, because Numba
would widen it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

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
from snnprog.rules.rule import POTENTIAL, SPIKES, Rule, Step

SCALES: Mapping[Rounding, str] = {
    Rounding.TOWARD_ZERO: "scale_toward_zero",
    Rounding.AWAY_FROM_ZERO: "scale_away_from_zero",
    Rounding.FLOOR: "scale_floor",
    Rounding.HALF_UP: "scale_half_up",
    Rounding.HALF_AWAY: "scale_half_away",
    Rounding.HALF_EVEN: "scale_half_even",
    Rounding.MOVING: "scale_moving",
}
ENDS: Mapping[End, str] = {End.CLIP: "clip", End.WRAP: "wrap", End.FOLD: "fold"}
CALLED = (*SCALES.values(), *ENDS.values(), "floor_divide", "shift_left")
"""The functions of `snnprog.rules.operations` that texts call."""


def _select(node: Select, condition: str, if_true: str, if_false: str) -> str:
    return f"({if_true} if {condition} != 0 else {if_false})"


def _hold(node: Hold, operand: str) -> str:
    return f"{ENDS[node.end]}({operand}, {node.low}, {node.high})"


def _scaled(rounding: Rounding, operand: str, factor: str, bits: str | int) -> str:
    return f"{SCALES[rounding]}({operand}, {factor}, {bits})"


TEXTS: Table[str] = {
    Const: lambda node: f"kind({node.value})",
    Add: lambda node, left, right: f"kind({left} + {right})",
    Sub: lambda node, left, right: f"kind({left} - {right})",
    Mul: lambda node, left, right: f"kind({left} * {right})",
    Neg: lambda node, operand: f"kind(-{operand})",
    Shl: lambda node, operand: f"shift_left({operand}, {node.bits})",
    Shr: lambda node, operand, bits: _scaled(node.rounding, operand, "kind(1)", bits),
    Scale: lambda node, operand, factor: _scaled(node.rounding, operand, factor, node.bits),
    Leak: lambda node, operand, bits: f"kind({operand} - {_scaled(node.rounding, operand, 'kind(1)', bits)})",
    Hold: _hold,
    Compare: lambda node, left, right: f"kind({left} {node.operator} {right})",
    Select: _select,
    Min: lambda node, left, right: f"kind(min({left}, {right}))",
    Max: lambda node, left, right: f"kind(max({left}, {right}))",
    FloorDiv: lambda node, left, right: f"floor_divide({left}, {right})",
}
"""The text of each node; `Writer` inserts the names of `Ref`."""


@dataclass
class Writer:
    """Writes steps as statements.

    Attributes
    ----------
    watched : frozenset of str
        The steps that are watched.
    names : dict of str to str
        Name in the rule -> variable in the code; it grows with new names.
    watches : dict of str to list of str
        Watched step -> the variables with its values before clipping, in order.
    """

    watched: frozenset[str]
    names: dict[str, str] = field(default_factory=dict)
    watches: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, rule: Rule) -> Writer:
        """Return a writer of a rule's steps."""
        return cls(frozenset(watch.step for watch in rule.watched))

    def name(self, name: str) -> str:
        """Return the variable of a name."""
        return self.names.setdefault(name, f"v{len(self.names)}")

    def step(self, step: Step) -> list[str]:
        """Return the statements of one step; values of a watched step before clipping get variables first."""
        table: dict[type[Expression], Callable[..., str]] = {**TEXTS, Ref: lambda node: self.name(node.name)}
        target = self.name(step.target)
        if step.name not in self.watched:
            return [f"{target} = {evaluate(step.expression, table)}"]
        lines: list[str] = []
        seen = self.watches.setdefault(step.name, [])

        def hold(node: Hold, operand: str) -> str:
            lines.append(f"{self._watch(seen)} = {operand}")
            return _hold(node, seen[-1])

        lines.append(f"{target} = {evaluate(step.expression, {**table, Hold: hold})}")
        return lines if seen else [*lines, f"{self._watch(seen)} = {target}"]

    def _watch(self, seen: list[str]) -> str:
        """Add a variable to those of a watched step; return it."""
        seen.append(f"w{sum(map(len, self.watches.values()))}")
        return seen[-1]

    def steps(self, steps: Sequence[Step]) -> list[str]:
        """Return the statements of steps; ``compared`` keeps the potential that was compared."""
        lines: list[str] = []
        for step in steps:
            if step.target == SPIKES:
                lines.append(f"compared = {self.name(POTENTIAL)}")
            lines += self.step(step)
        return lines


def is_read_first(rule: Rule, name: str) -> bool:
    """Return whether a tick reads a name before it assigns it, so that it must persist between ticks."""
    for step in rule.all_steps:
        if name in {node.name for node in nodes(step.expression) if isinstance(node, Ref)}:
            return True
        if step.target == name:
            return False
    return False


def indented(lines: Sequence[str], levels: int) -> str:
    """Return lines of code, indented, as one text."""
    return "\n".join("    " * levels + line for line in lines)
