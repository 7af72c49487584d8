"""Names of input lines, outputs and hidden neurons.

Names are for people: they change no weight, spike or digest. A name begins with a letter and has letters (of any
script), digits, single spaces, ``_`` and ``-``. So a name is never mistaken for the number of a line, and it needs no
quotes in a CSV file or a shell's comma-separated list. A dot separates the parts of a name in a program that was joined
from others: ``detector.arm`` is the line ``arm`` of the program ``detector``. Inputs and neurons are named apart, so an
input and an output may have the same name.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Set
from itertools import count as counting

from snnprog.checks import as_integer
from snnprog.errors import SpecError
from snnprog.wording import counted, did_you_mean, put_in_list, range_in_words

Names = tuple[str, ...]

INPUT_NAMES, OUTPUT_NAMES, HIDDEN_NAMES, NEURON_NAMES = "input_names", "output_names", "hidden_names", "neuron_names"
NAME_LIMIT = 64
"""The most characters of one part of a name. A choice: a name is a label, and must fit into a table."""
JOINED_LIMIT = 255
"""The most characters of a name with dots. A choice: four parts of the greatest length."""
COUNT_LIMIT = 1 << 16
"""The most names of one kind. A choice: nobody reads more, and with their greatest length they fit into a file."""
SHOWN = 8
"""Names that a table lists. A choice."""
PART = re.compile(r"\w(?: ?[\w-])*")
INVISIBLE = frozenset("\u115f\u1160\u3164\uffa0")
"""Letters of Unicode that are blank: the fillers of Hangul."""
OTHERS = re.compile(rf"[^\w -]|[{''.join(sorted(INVISIBLE))}]")
KEPT = NAME_LIMIT - 7
"""The most characters of a label that are kept, so that any number fits behind it."""
RULE = "begin with a letter, and have only letters, digits, single spaces, '_' and '-'"


def as_names(what: str, names: object, size: int | None, *, may_be_joined: bool = False) -> Names | None:
    """Return names in composed Unicode form (NFC), or None if nothing is named.

    Parameters
    ----------
    what : str
        What they are called in messages, such as "input_names".
    names : sequence of str, optional
        One for each line or neuron.
    size : int or None
        How many there must be; None for any number.
    may_be_joined : bool
        Whether dots may separate parts, as in a program that was joined from others.

    Raises
    ------
    SpecError
        If they are not as many different valid names.
    """
    if names is None:
        return None
    if isinstance(names, (str, bytes, Mapping, Set)) or not isinstance(names, Iterable):
        raise SpecError(f"{what} must be a list of names, got {names!r:.80}{put_in_list(names)}")
    given = list(names)
    if size is not None and len(given) != size:
        noun = what.removesuffix("_names").replace("_", " ")
        raise SpecError(f"{what} must have {counted(size, 'name')}, one for each {noun}, got {len(given)}")
    if len(given) > COUNT_LIMIT:
        raise SpecError(f"{what} must have at most {COUNT_LIMIT} names, got {len(given)}; omit them")
    found = tuple(as_name(f"{what}[{place}]", name, may_be_joined=may_be_joined) for place, name in enumerate(given))
    first: dict[str, int] = {}
    for place, name in enumerate(found):
        if first.setdefault(name, place) != place:
            raise SpecError(f"{what} must be different, got {name!r} at {first[name]} and {place}")
    return found or None


def as_name(what: str, name: object, *, may_be_joined: bool = False) -> str:
    """Return one name in composed Unicode form (NFC); see `as_names`.

    Raises
    ------
    SpecError
        If it is not valid.
    """
    if isinstance(name, str) and len(name) <= JOINED_LIMIT:
        composed = unicodedata.normalize("NFC", name)
        if all(map(_is_part, composed.split(".") if may_be_joined else [composed])) and len(composed) <= JOINED_LIMIT:
            return composed
    hint = "; a dot is only for programs that are joined" if isinstance(name, str) and "." in name[:NAME_LIMIT] else ""
    hint = "" if may_be_joined else hint
    raise SpecError(f"{what} must {RULE}, at most {NAME_LIMIT} characters, got {name!r:.80}{hint}")


def _is_part(text: str) -> bool:
    is_named = text[:1].isalpha() and PART.fullmatch(text) is not None
    return is_named and len(text) <= NAME_LIMIT and INVISIBLE.isdisjoint(text)


def labelled(noun: str, number: int, names: Names | None) -> str:
    """Return what messages call a line or neuron: "output 2", or with its name "output 2 (stop)"."""
    return with_name(noun, number, name_of(number, names))


def with_name(noun: str, number: int, name: str | None) -> str:
    """Return what messages call the line or neuron of a name; see `labelled`."""
    made = f"{noun.split()[0]} {number}"  # as in "hidden neuron 0", which is called "hidden 0"
    return f"{noun} {number}" if name is None or name == made else f"{noun} {number} ({name})"


def numbered(number: int, name: str | None) -> int | str:
    """Return what a table of lines or neurons calls one of them: 2, or with its name "2 (stop)"."""
    return number if name is None else f"{number} ({name})"


def listed(names: Names) -> str:
    """Return names for a table: the first of them, and how many more there are."""
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def name_of(number: int, names: Names | None) -> str | None:
    """Return the name of a line or neuron, or None if it has none."""
    return names[number] if names is not None and 0 <= number < len(names) else None


def find(what: str, given: object, names: Names | None, size: int) -> int:
    """Return the number of a line or neuron that is given by its number or its name.

    Parameters
    ----------
    what : str
        The noun in messages, such as "input line".
    given : int or str
    names : tuple of str, optional
        The names, if there are any.
    size : int
        How many lines or neurons there are.

    Raises
    ------
    SpecError
        If there is no such line or neuron.
    """
    if isinstance(given, str):
        name = unicodedata.normalize("NFC", given[:JOINED_LIMIT])
        if names is None:
            raise SpecError(
                f"{what}s have no names here, got {given!r:.80}; give its number, {range_in_words((0, size - 1))}"
            )
        if name not in names:
            shown = did_you_mean(name, names) or f"; known are {', '.join(names[:10])}"
            raise SpecError(f"there is no {what} {given!r:.80}{shown}")
        return names.index(name)
    number = as_integer(what, given)
    if not 0 <= number < size:
        other = "" if names is None else ", or a name"
        raise SpecError(f"{what} must be {range_in_words((0, size - 1))}{other}, got {number}")
    return number


def made_names(noun: str, number: int, *, first: int = 0, taken: Iterable[str] = ()) -> Names:
    """Return names for what has none: "hidden 0", "hidden 1", …, from ``first`` on, without those that are taken."""
    avoided = set(taken)
    free = (name for each in counting(first) if (name := f"{noun} {each}") not in avoided)
    return tuple(next(free) for _ in range(number))


def neuron_names(outputs: Names | None, hidden: Names | None, *, n_hidden: int, n_feeding: int) -> Names | None:
    """Return the names of a compiled program's neurons: hidden ones, outputs that only feed others, outputs.

    Parameters
    ----------
    outputs, hidden : tuple of str, optional
        `Spec.output_names` and `Spec.hidden_names`; if there are no names of outputs, nothing is named.
    n_hidden : int
        Number of hidden neurons. Those that have no name of their own are called "hidden 0", "hidden 1", …
    n_feeding : int
        Number of outputs that stand twice: see `snnprog.integers.readout`. The first of each is called "feeding 0", …
    """
    if outputs is None:
        return None
    own = (hidden or ())[:n_hidden]
    made = made_names("hidden", n_hidden - len(own), first=len(own), taken=(*own, *outputs))
    return (*own, *made, *made_names("feeding", n_feeding, taken=(*own, *made, *outputs)), *outputs)


def names_from(labels: Iterable[object], *, noun: str) -> Names:
    """Return valid, different names that are like some labels: "setosa" for "setosa", "class 7" for 7.

    Characters that names do not have become ``_``, and a label that does not begin with a letter follows the noun.
    Where two would be equal, the later one gets a number.
    """
    found: dict[str, None] = {}
    for label in labels:
        text = " ".join(OTHERS.sub("_", unicodedata.normalize("NFC", str(label)[:JOINED_LIMIT])).split())
        name = text if _is_part(text[:1]) else f"{noun} {text}"
        name, again = name[:KEPT].strip(), counting(2)
        unique = name
        while unique in found:
            unique = f"{name} {next(again)}"
        found[unique] = None
    return tuple(found)
