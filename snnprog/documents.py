"""JSON and TOML texts, read safely: limited in size and depth, without repeated keys and NaN.

Both are objects of plain values. Input that another reader might understand differently (a repeated key, NaN, a number
beyond 64 bits in TOML) is refused, and so is input that takes a parser much more time than its length: deep nesting,
and dotted keys of many parts, which `tomllib` reads in quadratic time. Every refusal is a `ValueError` whose text is
the reason.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from snnprog.errors import SpecError
from snnprog.wording import a_type, not_utf8

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

JSON_LIMIT_BYTES = 1 << 26
TOML_LIMIT_BYTES = 1 << 20
DEPTH_LIMIT = 32
# Strings, closed or not, and comments: dots in them do not separate keys.
TOML_ASIDES = re.compile(
    r'"{3}[\s\S]*?(?:"{3}|\Z)|\'{3}[\s\S]*?(?:\'{3}|\Z)|"(?:\\.|[^"\\\n])*"?|\'[^\'\n]*\'?|#[^\n]*'
)
BETWEEN_KEYS = re.compile(r"[^\w. \t-]+")


def parse_json(content: bytes) -> dict[str, object]:
    """Return the object of a JSON text in UTF-8.

    Raises
    ------
    ValueError
        If it is too large or too deep, not valid JSON, repeats a key, or is not an object.
    """
    _check_size(len(content), JSON_LIMIT_BYTES)
    try:
        value = json.loads(
            _decoded(content, "utf-8"),
            parse_constant=_refuse_constant,
            parse_float=_finite_float,
            object_pairs_hook=_distinct,
        )
    except RecursionError as error:
        raise ValueError(f"it is nested more than {DEPTH_LIMIT} deep") from error
    if not isinstance(value, dict):
        raise ValueError(f"it must be an object, got {a_type(value)}")
    check_depth(value)
    return value


def parse_toml(content: bytes) -> dict[str, Any]:
    """Return the table of a TOML text in UTF-8; a byte order mark, as Windows writes it, is skipped.

    Raises
    ------
    ValueError
        If it is too large or too deep, not valid TOML, or holds an integer beyond 64 bits.
    """
    _check_size(len(content), TOML_LIMIT_BYTES)
    text = _decoded(content, "utf-8-sig")
    if any(key.count(".") >= DEPTH_LIMIT for key in BETWEEN_KEYS.split(TOML_ASIDES.sub("_", text))):
        raise ValueError(f"a key has more than {DEPTH_LIMIT} parts")
    try:
        table = tomllib.loads(text)
    except RecursionError as error:
        raise ValueError(f"it is nested more than {DEPTH_LIMIT} deep") from error
    for value in check_depth(table):
        if isinstance(value, int) and not -(1 << 63) <= value < 1 << 63:
            raise ValueError("an integer must have at most 64 bits")
    return table


def check_depth(value: object) -> list[object]:
    """Return all values in a plain value that are neither lists nor objects.

    Raises
    ------
    ValueError
        If lists and objects are nested more than `DEPTH_LIMIT` deep.
    """
    leaves: list[object] = []
    level: list[object] = [value]
    for _ in range(DEPTH_LIMIT):
        inner: list[object] = []
        for item in level:
            if isinstance(item, (dict, list)):
                inner += _parts(item)
            else:
                leaves.append(item)
        level = inner
    if any(isinstance(item, (dict, list)) for item in level):
        raise ValueError(f"it is nested more than {DEPTH_LIMIT} deep")
    return leaves + level


def _parts(value: dict[str, object] | list[object]) -> Iterable[object]:
    return value.values() if isinstance(value, dict) else value


def _decoded(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise ValueError(not_utf8(error)) from error


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise ValueError(f"it has {size} bytes; at most {limit} are read")


def _refuse_constant(constant: str) -> object:
    raise ValueError(f"{constant} is not valid JSON")


def _finite_float(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise ValueError(f"{digits} is too large")
    return value


def _distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value: dict[str, object] = {}
    for name, item in pairs:
        if name in value:
            raise ValueError(f"it has the key {name!r} twice")
        value[name] = item
    return value


def as_plain(name: str, value: Mapping[str, object]) -> dict[str, object]:
    """Return a copy of a mapping as JSON stores it: of strings, numbers, lists and objects only.

    Raises
    ------
    SpecError
        If it holds anything else, or is nested too deeply.
    """
    try:
        plain: dict[str, object] = json.loads(json.dumps(dict(value), allow_nan=False))
        check_depth(plain)
    except (TypeError, ValueError, RecursionError) as error:
        raise SpecError(f"{name} must be a JSON object: {error}") from error
    return plain
