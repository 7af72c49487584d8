"""Constants for the names of lines and neurons in emitted code: ``#define P_INPUT_LEFT_ARM 0`` for "left arm".

A name becomes capital letters, digits and underscores of ASCII: accents are dropped, and any other letter becomes the
hexadecimal number of its Unicode character, as in ``U3B8``. So no other text of a file gets into the code. Each name
follows a prefix, and so is never a keyword. If two names become equal, the later one gets a number, as in ``ARM_2``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from itertools import count

from snnprog.names import Names
from snnprog.program import Program

OTHERS = re.compile(r"[^A-Z0-9_]")
SEPARATORS = re.compile(r"[ .-]")


def identifiers(names: Names) -> tuple[str, ...]:
    """Return different identifiers for names: capital letters, digits and underscores."""
    found: dict[str, None] = {}
    for name in names:
        word = _word(name)
        again, unique = count(2), word
        while unique in found:
            unique = f"{word}_{next(again)}"
        found[unique] = None
    return tuple(found)


def _word(name: str) -> str:
    plain = "".join(each for each in unicodedata.normalize("NFKD", name) if not unicodedata.combining(each))
    return OTHERS.sub(lambda each: f"U{ord(each[0]):X}", SEPARATORS.sub("_", plain).upper())


def constants_of(program: Program) -> Mapping[str, int]:
    """Return the numbers of a program's inputs and outputs, by constants such as ``INPUT_ARM``; empty without names."""
    kinds = {"INPUT": program.input_names, "OUTPUT": program.output_names}
    return {constant: number for kind, names in kinds.items() for constant, number in _numbered(kind, names)}


def neuron_constants_of(program: Program) -> Mapping[str, int]:
    """Return the numbers of a program's neurons, by constants such as ``NEURON_STOP``; empty without names."""
    return dict(_numbered("NEURON", program.neuron_names))


def _numbered(kind: str, names: Names | None) -> list[tuple[str, int]]:
    return [(f"{kind}_{word}", number) for number, word in enumerate(identifiers(names or ()))]
