"""A rule as plain data for files: only lists, objects, strings and numbers; nothing is evaluated.

An expression is its value: an integer for a constant, a string for a name, otherwise a list of a word and the values of
the node's fields in order: ``["add", "potential", ["scale", "current", 4095, 12, "toward_zero"]]``. Everything
else (`Rule`, `Step`, …, and the parts of a `snnprog.chips.Chip`) is an object with one key per field.

Input is checked against the types of the fields before objects are created, and then against
`snnprog.rules.limits`. Every error is a `FormatError` that says where.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from enum import Enum
from types import MappingProxyType, UnionType
from typing import Any, TypeVar, get_args, get_origin

from snnprog.checks import as_integer
from snnprog.errors import FormatError, SpecError
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
)
from snnprog.rules.limits import DEEPEST, MOST_ENTRIES, MOST_MAGNITUDE, MOST_NODES, MOST_SHIFT, check_limits
from snnprog.rules.rule import Rule
from snnprog.rules.typed import kinds_of

Read = TypeVar("Read")

LONGEST_TEXT = 400
"""Maximum length of a string: three times the longest in use, the source of Loihi's energies."""

WORDS: Mapping[type[Expression], str] = MappingProxyType(
    {
        Add: "add",
        Sub: "sub",
        Mul: "mul",
        Neg: "neg",
        Shl: "shl",
        Shr: "shr",
        Scale: "scale",
        Leak: "leak",
        Hold: "hold",
        Compare: "compare",
        Select: "select",
        Min: "min",
        Max: "max",
        FloorDiv: "floor_div",
    }
)
"""The word of each node that is a list."""

BARE: Mapping[type[Expression], type] = MappingProxyType({Const: int, Ref: str})
"""The nodes that are not lists, and their representation."""


def rule_to_data(rule: Rule) -> dict[str, object]:
    """Return a rule as plain data.

    Raises
    ------
    SpecError
        If it exceeds the limits of `snnprog.rules.limits`.
    """
    check_limits(rule)
    return object_to_data(rule)


def rule_from_data(data: object) -> Rule:
    """Return the rule of plain data.

    Raises
    ------
    FormatError
        If the data is not a rule; the message says where.
    """
    rule = object_from_data(Rule, data, where="rule")
    try:
        check_limits(rule)
    except SpecError as error:
        raise FormatError(str(error)) from error
    return rule


# --------------------------------------------------------------------------------------------------------- writing


def object_to_data(value: object) -> dict[str, object]:
    """Return a dataclass as an object with one key per field.

    Raises
    ------
    SpecError
        If a field has a value of another type.
    """
    kinds = kinds_of(type(value))
    return {name: _written(kind, getattr(value, name), where=name) for name, kind in kinds.items()}


def _written(kind: Any, value: Any, *, where: str) -> object:
    """Return the plain data of a value of a kind."""
    if isinstance(kind, UnionType) and value is not None:
        kind = get_args(kind)[0]
    if value is None or kind in (str, bool):
        return value
    if kind is int:
        return as_integer(where, value)
    if kind is float:
        return float(value)
    if kind is Expression:
        return _written_expression(value)
    if isinstance(value, Enum):
        return value.name.lower()
    if isinstance(value, tuple):
        inner = get_args(kind)[0]
        return [_written(inner, each, where=where) for each in value]
    return object_to_data(value)


def _written_expression(node: Expression) -> object:
    values = [_written(kind, getattr(node, name), where=name) for name, kind in kinds_of(type(node)).items()]
    return values[0] if type(node) in BARE else [WORDS[type(node)], *values]


# --------------------------------------------------------------------------------------------------------- reading


def object_from_data(kind: type[Read], data: object, *, where: str) -> Read:
    """Return the dataclass of an object, key by key.

    Parameters
    ----------
    where : str
        The object's name in messages.

    Raises
    ------
    FormatError
        If a key is missing or unknown, or a value is invalid for its field.
    """
    kinds = kinds_of(kind)
    if not isinstance(data, dict):
        raise FormatError(f"{where} must be an object with {', '.join(kinds)}, got {_shown(data)}")
    wrong = sorted(set(kinds) - set(data)) or sorted(map(_shown, set(data) - set(kinds)))
    if wrong:
        is_missing = wrong[0] in kinds
        raise FormatError(f"{where} {'has no' if is_missing else 'must not have'} {wrong[0]}; give {', '.join(kinds)}")
    values = {name: _read(part, data[name], f"{where}.{name}") for name, part in kinds.items()}
    try:
        return kind(**values)
    except SpecError as error:
        raise FormatError(f"{where} is not valid: {error}") from error


def _read(kind: Any, data: object, where: str) -> object:
    """Return the value of a kind from plain data."""
    if isinstance(kind, UnionType):
        if data is None:
            return None
        kind = get_args(kind)[0]
    if kind in READERS:
        return READERS[kind](data, where)
    if get_origin(kind) is tuple:
        return _read_tuple(get_args(kind), data, where=where)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _read_choice(kind, data, where=where)
    return object_from_data(kind, data, where=where)


def _read_tuple(kinds: tuple[Any, ...], data: object, *, where: str) -> tuple[object, ...]:
    is_free = kinds[-1] is ...
    if not isinstance(data, list) or len(data) > MOST_ENTRIES or not (is_free or len(data) == len(kinds)):
        size = f"at most {MOST_ENTRIES}" if is_free else f"{len(kinds)}"
        raise FormatError(f"{where} must be a list of {size}, got {_shown(data)}")
    return tuple(_read(kinds[0], each, f"{where}[{index}]") for index, each in enumerate(data))


def _read_choice(kind: type[Enum], data: object, *, where: str) -> Enum:
    choices = {each.name.lower(): each for each in kind}
    if not isinstance(data, str) or data not in choices:
        raise FormatError(f"{where} must be one of {', '.join(choices)}, got {_shown(data)}")
    return choices[data]


def _read_integer(data: object, where: str) -> int:
    if type(data) is not int or abs(data) > MOST_MAGNITUDE:
        raise FormatError(f"{where} must be an integer of at most {MOST_MAGNITUDE} in magnitude, got {_shown(data)}")
    return data


def _read_flag(data: object, where: str) -> bool:
    if not isinstance(data, bool):
        raise FormatError(f"{where} must be true or false, got {_shown(data)}")
    return data


def _read_number(data: object, where: str) -> float:
    if type(data) not in (int, float) or not math.isfinite(_read_float(data)):
        raise FormatError(f"{where} must be a finite number, got {_shown(data)}")
    return _read_float(data)


def _read_float(data: Any) -> float:
    return float(data) if abs(data) < 1e300 else math.inf  # not an integer of any length


def _read_text(data: object, where: str) -> str:
    if not isinstance(data, str) or len(data) > LONGEST_TEXT or not data.isprintable():
        raise FormatError(f"{where} must be a text of at most {LONGEST_TEXT} printable characters, got {_shown(data)}")
    return data


def _read_expression(data: object, where: str) -> Expression:
    return _Expressions(where).read(data, depth=1)


class _Expressions:
    """Reads one expression, and stops if it is too deep or too large."""

    def __init__(self, where: str) -> None:
        self._where, self._nodes = where, 0

    def read(self, data: object, *, depth: int) -> Expression:
        """Return the expression at a depth."""
        self._nodes += 1
        if depth > DEEPEST or self._nodes > MOST_NODES:
            raise FormatError(f"{self._where} must have at most {MOST_NODES} nodes, at most {DEEPEST} deep")
        if type(data) is int:
            return Const(_read_integer(data, self._where))
        if isinstance(data, str):
            return Ref(_read_text(data, self._where))
        word = data[0] if isinstance(data, list) and data else None
        kind = NODES_BY_WORD.get(word) if isinstance(word, str) else None
        if not isinstance(data, list) or kind is None:
            words = ", ".join(NODES_BY_WORD)
            raise FormatError(
                f"{self._where} must be made of integers, names and lists that begin with one of {words},"
                f" got {_shown(data)}"
            )
        kinds = kinds_of(kind)
        if len(data) != 1 + len(kinds):
            raise FormatError(f"{self._where} must give {word} {', '.join(kinds)}, got {len(data) - 1} values")
        return kind(*(self._part(kind, name, each, depth) for name, each in zip(kinds, data[1:], strict=True)))

    def _part(self, kind: type[Expression], name: str, data: object, depth: int) -> object:
        """Return the value of a node's field; shifts are checked here, because creating a rule evaluates them."""
        part, where = kinds_of(kind)[name], f"{self._where}: {name} of {WORDS[kind]}"
        if part is Expression:
            return self.read(data, depth=depth + 1)
        value = _read(part, data, where)
        if part is int and name == "bits" and value not in range(MOST_SHIFT + 1):
            raise FormatError(f"{where} must be 0 to {MOST_SHIFT}, got {value}")
        return value


def _shown(value: object) -> str:
    """Return a short description of a value for a message."""
    if isinstance(value, (list, dict)):
        return f"{'a list' if isinstance(value, list) else 'an object'} of {len(value)}"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > MOST_MAGNITUDE:
        return "an integer beyond that"  # Python prints no integer of more than 4300 digits
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}…"


NODES_BY_WORD: Mapping[str, type[Expression]] = MappingProxyType({word: kind for kind, word in WORDS.items()})

READERS: Mapping[Any, Callable[[object, str], object]] = MappingProxyType(
    {
        int: _read_integer,
        bool: _read_flag,
        float: _read_number,
        str: _read_text,
        Expression: _read_expression,
    }
)
"""The reader of each field type that is not a list or an object."""
