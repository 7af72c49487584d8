"""The types of a dataclass's fields, and conversion of given values to them.

The parts of chips and rules are written by hand, so a wrong value must be answered by a sentence that names the field.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from types import MappingProxyType, UnionType
from typing import Any, get_args, get_type_hints

from snnprog.checks import as_integer, as_number
from snnprog.errors import SpecError
from snnprog.wording import counted

Convert = Callable[[str, object], object]
"""A function of a field's name and of its value that returns the value, or raises `SpecError`."""

WORDS: Mapping[type, str] = MappingProxyType({str: "a string", bool: "True or False"})


def kinds_of(kind: type) -> Mapping[str, Any]:
    """Return the type of each field of a dataclass, by name."""
    return _looked_up(kind)


@cache
def _looked_up(kind: type) -> Mapping[str, Any]:
    assert is_dataclass(kind)
    hints = get_type_hints(kind)
    return MappingProxyType({field.name: hints[field.name] for field in fields(kind)})


def convert_fields(item: object, what: str, own: Mapping[type, Convert] = MappingProxyType({})) -> None:
    """Convert the fields of a frozen dataclass to their types: integers to int, lists to tuples.

    Parameters
    ----------
    item : dataclass
    what : str
        What messages call it, such as "chip fpga".
    own : mapping
        Type -> another conversion to it.

    Raises
    ------
    SpecError
        If a value has another type; the message names the field.
    """
    for name, kind in kinds_of(type(item)).items():
        object.__setattr__(item, name, _converted(f"{name} of {what}", getattr(item, name), kind=kind, own=own))


def _converted(name: str, value: object, *, kind: Any, own: Mapping[type, Convert]) -> object:
    """Return a value as one of a kind."""
    if isinstance(kind, UnionType):
        return None if value is None else _converted(name, value, kind=get_args(kind)[0], own=own)
    if kind in own:
        return own[kind](name, value)
    if kind is int:
        return as_integer(name, value)
    if kind is float:
        return as_number(name, value)
    if get_args(kind):
        return _converted_tuple(name, value, kinds=get_args(kind), own=own)
    if not isinstance(value, kind):
        article = "an" if kind.__name__[0] in "AEIOU" else "a"
        raise SpecError(f"{name} must be {WORDS.get(kind, f'{article} {kind.__name__}')}, got {value!r:.80}")
    return value


def _converted_tuple(name: str, value: object, *, kinds: tuple[Any, ...], own: Mapping[type, Convert]) -> object:
    is_free = kinds[-1] is ...
    noun = {int: "integer", float: "number", str: "string"}.get(kinds[0]) or kinds[0].__name__
    if not isinstance(value, (tuple, list)) or not (is_free or len(value) == len(kinds)):
        size = f"a tuple of {noun}s" if is_free else f"{counted(len(kinds), noun)} in a tuple"
        raise SpecError(f"{name} must be {size}, got {value!r:.80}")
    return tuple(
        _converted(f"{name.replace(' ', f'[{place}] ', 1)}", each, kind=kinds[0], own=own)
        for place, each in enumerate(value)
    )
