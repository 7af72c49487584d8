"""How many fields an ONNX file has, counted before a library makes an object of each: a small file may hold millions.

Protocol buffers are a list of fields: a number with its wire type, then a varint, four or eight bytes, or a length and
so many bytes, which may be a message again (protobuf.dev, "Encoding"). Only messages of ONNX's schema are entered;
strings, packed numbers and fields that are not known become no objects.
"""

from __future__ import annotations

from collections.abc import Mapping

from snnprog.errors import FormatError

FIELD_LIMIT, DEPTH_LIMIT = 1 << 20, 16
"""Fields, and messages inside one another: choices. ResNet-50 has 2,000 fields and a depth of 5."""

VARINT, EIGHT, BYTES, FOUR = 0, 1, 2, 5

SCHEMA: Mapping[str, Mapping[int, str]] = {
    "Model": {7: "Graph", 8: "Leaf", 14: "Leaf", 20: "Training", 25: "Function", 26: "Leaf"},
    "Graph": dict.fromkeys((11, 12, 13), "Value")
    | {1: "Node", 5: "Tensor", 14: "Annotation", 15: "Sparse", 16: "Leaf"},
    "Node": {5: "Attribute", 9: "Leaf", 10: "Placement"},
    "Attribute": {
        5: "Tensor",
        6: "Graph",
        10: "Tensor",
        11: "Graph",
        14: "Type",
        15: "Type",
        22: "Sparse",
        23: "Sparse",
    },
    "Tensor": {3: "Leaf", 13: "Leaf", 16: "Leaf"},
    "Sparse": {1: "Tensor", 2: "Tensor"},
    "Value": {2: "Type", 4: "Leaf"},
    "Type": {1: "Shaped", 4: "Sequence", 5: "Map", 7: "Leaf", 8: "Shaped", 9: "Sequence"},
    "Shaped": {2: "Shape"},
    "Shape": {1: "Leaf"},
    "Sequence": {1: "Type"},
    "Map": {2: "Type"},
    "Annotation": {2: "Leaf"},
    "Training": {1: "Graph", 2: "Graph", 3: "Leaf", 4: "Leaf"},
    "Function": {7: "Node", 9: "Leaf", 11: "Attribute", 12: "Value", 14: "Leaf"},
    "Placement": {2: "Sharding"},
    "Sharding": {3: "Leaf", 4: "Sharded"},
    "Sharded": {2: "Leaf"},
    "Leaf": {},
}
"""The fields of each message that are messages, by number (onnx.proto, ONNX 1.23)."""


def check_fields(name: str, data: bytes) -> None:
    """Raise `FormatError` unless data are fields of a protocol buffer, and few enough to be read as an ONNX model."""
    left = FIELD_LIMIT
    waiting = [(0, len(data), "Model", 0)]
    while waiting:
        place, end, kind, depth = waiting.pop()
        if depth > DEPTH_LIMIT:
            raise FormatError(f"{name} has messages nested more than {DEPTH_LIMIT} deep")
        messages = SCHEMA[kind]
        while place < end:
            left -= 1
            if left < 0:
                raise FormatError(f"{name} has more than {FIELD_LIMIT} fields; no model that is read here has as many")
            tag, place = _varint(name, data, place, end=end)
            if tag & 7 == BYTES:
                size, place = _varint(name, data, place, end=end)
                if tag >> 3 in messages:
                    waiting.append((place, place + size, messages[tag >> 3], depth + 1))
                place += size
            elif tag & 7 == VARINT:
                _, place = _varint(name, data, place, end=end)
            elif tag & 7 in (EIGHT, FOUR):
                place += 8 if tag & 7 == EIGHT else 4
            else:
                raise _damaged(name)
            if place > end:
                raise _damaged(name)


def _varint(name: str, data: bytes, place: int, *, end: int) -> tuple[int, int]:
    """Return a number of seven bits a byte, the least first, and the place behind it."""
    value = 0
    for shift in range(0, 70, 7):
        if place >= end:
            break
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise _damaged(name)


def _damaged(name: str) -> FormatError:
    return FormatError(f"{name} is not an ONNX model, or is damaged: its fields do not add up")
