"""Sentences for calls with wrong arguments: an unknown name, a missing one, too many without names, or two swapped.

Python raises TypeError for these, and so does this module. Its sentence names what is close to an unknown name
(which Python itself does from 3.13 on), and what to write instead. An error about a value ends with a question if the
types of two values are those of each other's parameters.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import wraps
from types import MappingProxyType
from typing import TypeVar

from snnprog.wording import counted, did_you_mean, in_words

Called = TypeVar("Called", bound=Callable[..., object])
SWAPPED = " (arguments swapped?)"
"""The end of a message about values in the wrong order."""

NAMES_ELSEWHERE: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "closest": ("on_infeasible", "on_infeasible='closest'"),
        "workers": ("executor", "executor=concurrent.futures.ProcessPoolExecutor(…)"),
        "tau_potential": ("potential_decay", "sp.Dynamics.from_time_constants(…)"),
        "tau_current": ("potential_decay", "sp.Dynamics.from_time_constants(…)"),
    }
)
"""What an option of the command line or a key of a file is called in a call: its name -> a parameter that the called
function has, and what to write."""


def call_checked(item: Called) -> Called:
    """Decorate a public function or class: wrong arguments are answered by a sentence.

    The signature and the docstring stay the same. Of a class, the constructor and the public class methods change.
    """
    if not isinstance(item, type):
        return _checked(item)
    item.__init__ = _checked(item.__init__, title=item.__name__)  # type: ignore[misc]  # the class's own
    for name, value in list(vars(item).items()):
        if isinstance(value, classmethod) and not name.startswith("_"):
            setattr(item, name, classmethod(_checked(value.__func__, title=f"{item.__name__}.{name}")))
    return item


def _checked(function: Called, title: str | None = None) -> Called:
    """Return a function that calls another; a method has a title, and its first argument is omitted."""

    @wraps(function)
    def call(*args: object, **kwargs: object) -> object:
        skipped = 0 if title is None else 1
        try:
            return function(*args, **kwargs)
        except TypeError:
            fault = _fault(function, args[skipped:], kwargs, title=title or function.__name__, skipped=skipped)
            if not fault:
                raise
        except ValueError as error:
            if _are_swapped(function, args, skipped=skipped) and not str(error).endswith(SWAPPED):
                error.args = (f"{str(error).partition('; ')[0]}{SWAPPED}",)
            raise
        raise TypeError(fault)

    return call  # type: ignore[return-value]  # it takes what the function takes


def _are_swapped(function: Callable[..., object], args: Sequence[object], *, skipped: int) -> bool:
    """Return whether a value lacks its type and has that of a parameter before it, whose value lacks it or has this."""
    names = list(inspect.signature(function).parameters)
    words = [set(re.findall(r"\w+", str(function.__annotations__.get(name, "")))) for name in names]
    given = [(_names_of(arg), known) for arg, known in zip(args, words, strict=False)][skipped:]
    return any(
        later & wanted and not later & own and (earlier & own or not earlier & wanted)
        for place, (later, own) in enumerate(given)
        for earlier, wanted in given[:place]
    )


def _names_of(value: object) -> set[str]:
    """Return the names of the types that a value has, as annotations write them."""
    names = {each.__name__ for each in type(value).__mro__} - {"object"}
    return names | ({"Sequence"} if isinstance(value, (list, tuple)) else set())


def _held_by(function: Callable[..., object], name: str) -> str:
    """Return what ends a message about an argument that belongs to the class of another argument, or nothing."""
    function = inspect.unwrap(function)
    for parameter, annotation in function.__annotations__.items():
        for word in re.findall(r"\w+", str(annotation)):
            kind = function.__globals__.get(word)
            if is_dataclass(kind) and name in {each.name for each in fields(kind)}:
                return f"; it belongs to {word}: {parameter}={word}({name}=…)"
    return ""


def _fault(
    function: Callable[..., object],
    args: Sequence[object],
    kwargs: Mapping[str, object],
    *,
    title: str,
    skipped: int,
) -> str:
    """Return what is wrong with the arguments, and what to do; empty if they fit the signature."""
    parameters = list(inspect.signature(function).parameters.values())[skipped:]
    kinds = {each.kind for each in parameters}
    places = [each.name for each in parameters if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)]
    named = [each.name for each in parameters if each.kind in (each.KEYWORD_ONLY, each.POSITIONAL_OR_KEYWORD)]
    given = places[: len(args)]
    unknown = [name for name in kwargs if name not in named]
    if unknown and inspect.Parameter.VAR_KEYWORD not in kinds:
        known = f"; it takes {in_words(named)}" if named else ""
        needed, written = NAMES_ELSEWHERE.get(unknown[0], ("", ""))
        elsewhere = f"; write {written}" if needed in named else ""
        meant = elsewhere or _held_by(function, unknown[0]) or did_you_mean(unknown[0], named) or known
        return f"{title} has no argument {unknown[0]!r}{meant}"
    if len(args) > len(places) and inspect.Parameter.VAR_POSITIONAL not in kinds:
        others = [name for name in named if name not in places]
        advice = f"; give the others by name, such as {others[0]}=…" if others else ""
        listed = f" ({', '.join(places)})" if places else ""
        most = counted(len(places), "argument")
        return f"{title} takes at most {most}{listed} without a name, got {len(args)}{advice}"
    twice = [name for name in given if name in kwargs]
    if twice:
        return f"{title} got {twice[0]!r} twice, without its name and by name; give it once"
    missing = [
        each.name
        for each in parameters
        if each.default is each.empty and each.name in (*places, *named) and each.name not in (*given, *kwargs)
    ]
    if not missing:
        return ""
    wanted = in_words([f"{name}=…" for name in missing])
    return f"{title} needs the argument{'s' if len(missing) > 1 else ''} {wanted}"
