"""The shared parts of the emitted code: names, helpers, tables, state, and lines of C."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from snnprog.emit.c.helpers import HelperSet
from snnprog.emit.c.names import NameBook
from snnprog.emit.c.tables import Tables
from snnprog.emit.c.types import IntegerType


@dataclass(frozen=True)
class StateArray:
    """Numbers that change from tick to tick.

    Attributes
    ----------
    name : str
    kind : IntegerType
    size : int or None
        Entries; None for a single number.
    about : str
    is_shown : bool
        Whether it can be read from outside, with the states.
    is_extra : bool
        Whether it exists only where states are shown.
    is_union : bool
        Whether its bytes can be read as words, too.
    """

    name: str
    kind: IntegerType
    size: int | None
    about: str
    is_shown: bool = False
    is_extra: bool = False
    is_union: bool = False

    @property
    def n_bytes(self) -> int:
        """Bytes in RAM."""
        return self.kind.size * (self.size or 1)


@dataclass
class Sheet:
    """The emitted code of a program, as it grows.

    Attributes
    ----------
    prefix : str
    """

    prefix: str
    state: list[StateArray] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tables, self.helpers, self.book = Tables(self.prefix), HelperSet(self.prefix), NameBook()

    @property
    def ram_bytes(self) -> int:
        """Bytes of all state, as long as none is shown."""
        return sum(each.n_bytes for each in self.state if not each.is_extra)

    def own(self, word: str) -> str:
        """Return a name that begins with the prefix."""
        return f"{self.prefix}_{word}"

    def macro(self, word: str) -> str:
        """Return the name of a macro."""
        return f"{self.prefix.upper()}_{word}"

    def keep(self, word: str, kind: IntegerType, size: int | None = None, *, about: str, **flags: bool) -> str:
        """Add state, and return its name."""
        name = self.own(word)
        self.state.append(StateArray(name, kind, size, about, **flags))
        return name


def indented(lines: Sequence[str], levels: int = 1) -> list[str]:
    """Return lines of code, indented; lines for the preprocessor are not."""
    return [line if not line or line.startswith("#") else "    " * levels + line for line in lines]


def counter(most: int) -> str:
    """Return the type of a loop's counter that reaches ``most``: unsigned, and as fast as the machine has one."""
    return "uint_fast16_t" if most < 1 << 16 else "uint_fast32_t"


def loop(index: str, first: str | int, end: str | int, body: Sequence[str], *, most: int) -> list[str]:
    """Return a loop over an index from ``first`` to ``end - 1``."""
    kind = counter(most)
    return [f"for ({kind} {index} = {first}; {index} < {end}; {index}++) {{", *indented(body), "}"]


def branch(condition: str, body: Sequence[str]) -> list[str]:
    """Return code that runs under a condition."""
    return [f"if ({condition}) {{", *indented(body), "}"]


def total(*terms: str) -> str:
    """Return the sum of texts, without those that are 0."""
    return " + ".join(term for term in terms if term != "0") or "0"
