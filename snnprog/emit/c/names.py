"""Names in emitted C: the prefix of a program, and the names of a rule.

No text of a rule is copied into the code. Words that this module knows, such as those of the built-in rules, keep their
spelling; all others become ``value_1``, ``value_2``, ….
"""

from __future__ import annotations

import re

from snnprog.errors import SpecError

WORDS = frozenset(
    re.findall(
        r"\w+",
        """potential current spikes threshold current_decay potential_decay bias refractory held weight count most
        arriving arrived arrivals loss gathered adaptation trace flow level""",
    )
)
"""Names of registers, parameters and steps that stand in the code unchanged."""

KEYWORDS = frozenset(
    re.findall(
        r"\w+",
        """auto break case char const continue default do double else enum extern float for goto if inline int long
        register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while
        alignas alignof asm bool class constexpr delete false main new nullptr operator private public template this
        thread_local true typeof""",
    )
)
"""C99's keywords (ISO/IEC 9899:1999, 6.4.1), some of C23's and of C++'s, because a header is read by both, and main."""

FILE_NAME = re.compile(r"[A-Za-z0-9._+ -]+")
IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
LONGEST_PREFIX = 31
"""C99 guarantees 31 significant characters of an external name (5.2.4.1); our suffixes follow them."""


def checked_prefix(prefix: str) -> str:
    """Return a prefix that all names of a program can begin with.

    Raises
    ------
    SpecError
        If it is not an identifier of C that begins with a letter, is a keyword, or is too long.
    """
    if not isinstance(prefix, str) or not IDENTIFIER.fullmatch(prefix) or len(prefix) > LONGEST_PREFIX:
        raise SpecError(
            f"prefix must be a C identifier of at most {LONGEST_PREFIX} letters, digits and underscores that begins"
            f" with a letter, got {prefix!r}"
        )
    if prefix in KEYWORDS:
        raise SpecError(f"prefix {prefix!r} is a keyword of C or C++; choose another one, such as {prefix + '_net'!r}")
    return prefix


def prefix_of(stem: str) -> str:
    """Return the prefix for a file's stem: other characters become underscores, and the first is a letter.

    Raises
    ------
    SpecError
        If the result is not a valid prefix (`checked_prefix`).
    """
    word = re.sub(r"[^A-Za-z0-9_]", "_", stem)
    word = word if word[:1].isalpha() else f"p{word}"
    if word in KEYWORDS:
        raise SpecError(
            f"{word!r} is a keyword of C or C++; name the file otherwise, or give prefix= (--prefix), such as"
            f" {word + '_net'!r}"
        )
    try:
        return checked_prefix(word)
    except SpecError as error:
        raise SpecError(
            f"the name {stem!r} makes no prefix for C ({error}); name the file otherwise, or give prefix="
        ) from error


def checked_header(name: str) -> str:
    """Return the name of a header for an #include with quotes.

    Raises
    ------
    SpecError
        If it has other letters than those of `FILE_NAME`.
    """
    if not FILE_NAME.fullmatch(name):
        raise SpecError(
            "C code includes its header by name, so the name must be of letters (a to z), digits, spaces and any of"
            f" . _ + -, got {name!r}"
        )
    return name


class NameBook:
    """Gives each name of a rule its word in the code."""

    def __init__(self) -> None:
        self._others: dict[str, str] = {}

    def word(self, name: str) -> str:
        """Return the identifier of a name, the same each time."""
        if name in WORDS:
            return name
        return self._others.setdefault(name, f"value_{len(self._others) + 1}")
