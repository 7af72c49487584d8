"""The document of a proof, ``PROOF.json``: nodes in one list, in plain data that `snnprog.check_proof` checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import get_type_hints

from snnprog.errors import FormatError
from snnprog.proof import CASES, LEAVES, ROWS, SPLITS, Exhausted, Farkas, Leaf, Node, OrderRow, Row, cases_of
from snnprog.wording import a_type

PROOF_FORMAT, PROOF_VERSION = "snnprog-proof", 1
WIDEST_NUMBER = 1 << 53
"""Larger integers are written in hexadecimal: readers of JSON may not support more bits (RFC 8259, section 6)."""


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
        raise FormatError(f"{where} must be an object, got {a_type(data)}")
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
