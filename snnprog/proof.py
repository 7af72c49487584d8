"""Proofs of infeasibility as data: a tree of cases whose leaves contradict the assumptions.

`snnprog.check_proof`, which shares no code with this module, defines the claim of a proof, the meaning of each part and
the check. This module converts proofs to the plain data of ``PROOF.json`` (`proof_to_data`) and back.

Outputs, patterns and ticks are counted from 0; ticks within their pattern. A tap is a line and a delay; lines are the
inputs, then the outputs where these feed outputs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import TypeAlias, get_type_hints

from snnprog.display.card import GOOD, Card, Displayed
from snnprog.errors import FormatError
from snnprog.wording import counted

PROOF_FORMAT, PROOF_VERSION = "snnprog-proof", 1
WIDEST_NUMBER = 1 << 53
"""Larger integers are written in hexadecimal: readers of JSON may not support more bits (RFC 8259, section 6)."""


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


# --------------------------------------------------------------------------------------------------------- writing


def proof_to_data(node: Node, spec_data: Mapping[str, object]) -> dict[str, object]:
    """Return the document of a proof: its nodes in one list, the root first, cases given by their index.

    Parameters
    ----------
    node : node
        The root.
    spec_data : mapping
        The document of the spec (`snnprog.spec.document.spec_to_data`); its digest, chip and ranges are repeated.
    """
    nodes: list[dict[str, object]] = []
    waiting: list[tuple[Node, dict[str, object], str]] = [(node, {}, "")]
    while waiting:
        here, before, case = waiting.pop()
        before[case] = len(nodes)
        nodes.append(node_to_data(here))
        names = [field.name for field in fields(here) if field.name in CASES]
        waiting += [(each, nodes[-1], name) for name, each in reversed(list(zip(names, cases_of(here), strict=True)))]
    return {
        "format": PROOF_FORMAT,
        "version": PROOF_VERSION,
        "spec": spec_data["digest"],
        "chip": spec_data["chip"],
        "ranges": spec_data["ranges"],
        "nodes": nodes,
    }


def node_to_data(node: Node) -> dict[str, object]:
    """Return one node as plain data, without its cases."""
    kind = "leaf" if isinstance(node, Leaf) else "split"
    words = LEAVES if isinstance(node, Leaf) else SPLITS
    data: dict[str, object] = {kind: next(word for word, each in words.items() if each is type(node))}
    for field in fields(node):
        value = getattr(node, field.name)
        if field.name in CASES:
            continue
        if field.name == "rows":
            value = [row_to_data(row) for row in value]
        if field.name == "cuts":
            value = [[row_to_data(row) for row in rows] for rows in value]
        data[field.name] = value
    return data


def row_to_data(row: Row) -> dict[str, object]:
    """Return a row as plain data."""
    data: dict[str, object] = {"row": next(word for word, each in ROWS.items() if each is type(row))}
    data |= {field.name: getattr(row, field.name) for field in fields(row)}
    if isinstance(row, OrderRow):
        data["given"] = list(row.given)
    data["price"] = row.price if row.price < WIDEST_NUMBER else hex(row.price)
    return data


# --------------------------------------------------------------------------------------------------------- reading


def proof_from_data(data: object) -> Node:
    """Return the root of the proof in a document; `snnprog.check_proof` checks whether it is valid.

    Raises
    ------
    FormatError
        If the document is not a proof; the message says where.
    """
    listed = data.get("nodes") if isinstance(data, dict) else None
    if not isinstance(data, dict) or data.get("format") != PROOF_FORMAT or data.get("version") != PROOF_VERSION:
        raise FormatError(f"a proof must be an object of format {PROOF_FORMAT!r} and version {PROOF_VERSION}")
    if not isinstance(listed, list) or not listed:
        raise FormatError("nodes of the proof must be a non-empty list")
    made: dict[int, Node] = {}
    for index in range(len(listed) - 1, -1, -1):  # cases follow their splits
        made[index] = _node_from_data(listed[index], made, where=f"node {index} of the proof")
    if len(made) != 1:
        raise FormatError(f"nodes of the proof must be one tree, got {len(made)}")
    return made[0]


def _node_from_data(data: object, made: dict[int, Node], *, where: str) -> Node:
    if not isinstance(data, dict):
        raise FormatError(f"{where} must be an object, got a {type(data).__name__}")
    word = data.get("leaf", data.get("split"))
    kinds = LEAVES if "leaf" in data else SPLITS
    kind = kinds.get(word) if isinstance(word, str) else None
    if kind is None:
        raise FormatError(f"{where} must be a leaf ({', '.join(LEAVES)}) or a split ({', '.join(SPLITS)})")
    values = _values(data, kind, marks={"leaf", "split"}, where=where)
    for name in set(values) & set(CASES):
        case = values[name]
        if not isinstance(case, int) or case not in made:
            raise FormatError(f"{name} of {where} must be the index of a later node, used once, got {case!r}")
        values[name] = made.pop(case)
    if kind is Farkas:
        values["rows"] = _rows_from_data(values["rows"], where=where)
    if kind is Exhausted:
        cuts = values["cuts"]
        if not isinstance(cuts, list):
            raise FormatError(f"cuts of {where} must be a list")
        values["cuts"] = tuple(_rows_from_data(rows, where=where) for rows in cuts)
    node: Node = kind(**values)
    return node


def _rows_from_data(data: object, *, where: str) -> tuple[Row, ...]:
    if not isinstance(data, list):
        raise FormatError(f"rows of {where} must be a list")
    return tuple(_row_from_data(row, where=f"row {place} of {where}") for place, row in enumerate(data))


def _row_from_data(data: object, *, where: str) -> Row:
    word = data.get("row") if isinstance(data, dict) else None
    kind = ROWS.get(word) if isinstance(word, str) else None
    if not isinstance(data, dict) or kind is None:
        raise FormatError(f"{where} must be an object whose row is one of {', '.join(ROWS)}")
    price = data.get("price")
    if isinstance(price, str):
        try:
            data = {**data, "price": int(price, 16)}
        except ValueError as error:
            raise FormatError(f"price of {where} must be an integer, got {price[:40]!r}") from error
    if kind is OrderRow:
        given = data.get("given")
        if not isinstance(given, list) or not all(type(each) is int for each in given):
            raise FormatError(f"given of {where} must be a list of integers")
        data = {**data, "given": tuple(given)}
    row: Row = kind(**_values(data, kind, marks={"row"}, where=where))
    return row


def _values(data: Mapping[str, object], kind: type, *, marks: set[str], where: str) -> dict[str, object]:
    """Return the fields of a node or row, checked against their types."""
    names = {field.name for field in fields(kind)}
    if set(data) - marks != names:
        raise FormatError(f"{where} must have {', '.join(sorted(names))}, got {', '.join(sorted(set(data) - marks))}")
    hints = get_type_hints(kind)
    for name in names - set(CASES) - {"rows", "cuts", "given"}:
        allowed = {bool: (bool,), str: (str,), int: (int,)}.get(hints[name], (int, type(None)))
        if type(data[name]) not in allowed:
            raise FormatError(f"{name} of {where} must be of type {allowed[0].__name__}, got {data[name]!r:.40}")
    return {name: data[name] for name in names}
