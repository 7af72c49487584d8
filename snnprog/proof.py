"""Proofs of infeasibility: a tree of cases whose leaves contradict the assumptions.

`snnprog.check_proof`, which shares no code with this module, defines the claim of a proof, the meaning of each part and
the check. `snnprog.proof_document` writes proofs to ``PROOF.json``, and reads them.

Outputs, patterns and ticks are counted from 0; ticks within their pattern. A tap is a line and a delay; lines are the
inputs, then the outputs where these feed outputs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import TypeAlias

from snnprog.display.card import GOOD, Card, Displayed
from snnprog.wording import counted


@dataclass(frozen=True)
class BinRow:
    """The constraint of a bin on the potential: above the threshold for a spike, not above it for silence.

    Attributes
    ----------
    pattern, tick : int
    price : int
        At least 1.
    is_after_reset : bool
        Whether the row excludes a second spike: the potential after the reset must not be a spike.
    """

    pattern: int
    tick: int
    price: int
    is_after_reset: bool = False


@dataclass(frozen=True)
class LimitRow:
    """A value of a watched step stays below its limit.

    Attributes
    ----------
    pattern, tick : int
    index : int
        Index of the value among those of the watched steps of this tick, in order of calculation.
    side : int
        1: it is less than the limit; -1: it is more than the negative limit.
    price : int
        At least 1.
    """

    pattern: int
    tick: int
    index: int
    side: int
    price: int


@dataclass(frozen=True)
class RegisterRow:
    """A register after a tick has the assumed value.

    Attributes
    ----------
    pattern, tick : int
    register : str
        Its name; or ``#n``, the n-th value that a watched step of the tick receives.
    side : int
        1: at most the assumed value; -1: at least.
    price : int
        At least 1.
    """

    pattern: int
    tick: int
    register: str
    side: int
    price: int


@dataclass(frozen=True)
class OrderRow:
    """Rounding keeps the order of two values, one of which is known not to exceed the other.

    Attributes
    ----------
    pattern, tick : int
    register : str
        The lesser: a register after this tick, or ``#n`` as in `RegisterRow`, or an integer in digits.
    other_pattern, other_tick : int
    other_register : str
        The greater.
    factor, bits : int
    rounding : str
        The rounding of both: ``round(value * factor / 2**bits)``.
    price : int
        At least 0; 0 if only later rows depend on it.
    given : tuple of int
        Earlier rows of this kind in the leaf, by index among them, that imply the order of the values.
    """

    pattern: int
    tick: int
    register: str
    other_pattern: int
    other_tick: int
    other_register: str
    factor: int
    bits: int
    rounding: str
    price: int
    given: tuple[int, ...] = ()


Row: TypeAlias = BinRow | LimitRow | RegisterRow | OrderRow


class ProofNode(Displayed):
    """The base of all parts of a proof: they have a short repr, because proofs have many parts, and are deep."""

    __slots__ = ()

    def _summary(self) -> str:
        names = ("output", "pattern", "tick", "unknown", "register", "line", "delay", "at")
        place = ", ".join(f"{name} {getattr(self, name)}" for name in names if getattr(self, name, None) is not None)
        rows = f", {counted(len(self.rows), 'row')}" if isinstance(self, Farkas) else ""
        return f"proof, {place}{rows}"

    def _card(self) -> Card:
        nodes = Counter(type(node).__name__ for node in nodes_of(self))  # type: ignore[arg-type]
        return Card(GOOD, facts=nodes.most_common(), notes=["snnprog.check_proof checks a proof."])


@dataclass(frozen=True, repr=False)
class Farkas(ProofNode):
    """Rows of one output whose priced sum no integers can make 0 or more.

    Attributes
    ----------
    output : int
    rows : tuple of BinRow, LimitRow or RegisterRow
    """

    output: int
    rows: tuple[Row, ...]


@dataclass(frozen=True, repr=False)
class Exhausted(ProofNode):
    """All remaining integers of one output fail; the checker runs them, in boxes that it halves.

    Attributes
    ----------
    output : int
    cuts : tuple of tuple of row
        Each is a sum of rows times prices that must be non-negative; the checker narrows boxes by it.
    """

    output: int
    cuts: tuple[tuple[Row, ...], ...] = ()


@dataclass(frozen=True, repr=False)
class UnmatchedWindows(ProofNode):
    """No spikes in the windows of a pattern agree with the bins that were assumed.

    Attributes
    ----------
    output, pattern : int
    """

    output: int
    pattern: int


@dataclass(frozen=True, repr=False)
class ExcessTaps(ProofNode):
    """More synapses of an output were assumed to be present than are allowed.

    Attributes
    ----------
    output : int
    """

    output: int


@dataclass(frozen=True, repr=False)
class BinSplit(ProofNode):
    """An output is silent in a bin, or it spikes.

    Attributes
    ----------
    output, pattern, tick : int
    if_silent, if_spike : node
        The proof of each case.
    """

    output: int
    pattern: int
    tick: int
    if_silent: Node
    if_spike: Node


@dataclass(frozen=True, repr=False)
class RangeSplit(ProofNode):
    """An unknown integer of an output is at most a number, or at least the next one.

    Attributes
    ----------
    output : int
    unknown : str
        "weight" (what a spike over a tap adds), "mantissa" (of that tap's weight), "exponent", "threshold" or "bias"
        (in units of the potential).
    line, delay : int or None
        The tap of a weight or a mantissa.
    at : int
    if_low, if_high : node
        The proofs for ``<= at`` and ``>= at + 1``.
    """

    output: int
    unknown: str
    line: int | None
    delay: int | None
    at: int
    if_low: Node
    if_high: Node


@dataclass(frozen=True, repr=False)
class TapSplit(ProofNode):
    """A tap of an output has no synapse (its weight is 0), or it has one.

    Attributes
    ----------
    output, line, delay : int
    if_absent, if_present : node
        The proof of each case.
    """

    output: int
    line: int
    delay: int
    if_absent: Node
    if_present: Node


@dataclass(frozen=True, repr=False)
class RegisterSplit(ProofNode):
    """A register of an output is at most a number after a tick, or at least the next one: -1 separates the signs.

    Attributes
    ----------
    output, pattern, tick : int
    register : str
        Its name; or ``#n``, the n-th value that a watched step of the tick receives.
    at : int
    if_low, if_high : node
        The proofs for ``<= at`` and ``>= at + 1``.
    """

    output: int
    pattern: int
    tick: int
    register: str
    at: int
    if_low: Node
    if_high: Node


Leaf: TypeAlias = Farkas | Exhausted | UnmatchedWindows | ExcessTaps
Node: TypeAlias = Leaf | BinSplit | RangeSplit | TapSplit | RegisterSplit

ROWS: Mapping[str, type] = MappingProxyType(
    {"bin": BinRow, "limit": LimitRow, "register": RegisterRow, "order": OrderRow}
)
LEAVES: Mapping[str, type] = MappingProxyType(
    {"farkas": Farkas, "exhausted": Exhausted, "windows": UnmatchedWindows, "fan_in": ExcessTaps}
)
SPLITS: Mapping[str, type] = MappingProxyType(
    {"bin": BinSplit, "range": RangeSplit, "tap": TapSplit, "register": RegisterSplit}
)
CASES = ("if_silent", "if_spike", "if_low", "if_high", "if_absent", "if_present")


def cases_of(node: Node) -> tuple[Node, ...]:
    """Return the two cases of a split; an empty tuple for a leaf."""
    return tuple(getattr(node, field.name) for field in fields(node) if field.name in CASES)


def nodes_of(node: Node) -> Iterator[Node]:
    """Yield a node and all below it, each before its cases, without recursion: proofs are deep."""
    waiting = [node]
    while waiting:
        here = waiting.pop()
        yield here
        waiting += reversed(cases_of(here))


def leaves_of(node: Node) -> Iterator[Leaf]:
    """Yield the leaves below a node."""
    return (each for each in nodes_of(node) if isinstance(each, Leaf))
