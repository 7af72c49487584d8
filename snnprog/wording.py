"""English in messages and reports: numbers with nouns, and texts that are safe to print in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

SHOWN_CHARACTERS = 4000
GAP = " [...] "
SHORT = 64
"""The most characters of a text that is repeated as advice. A choice: the length of a name."""


def counted(number: int, noun: str) -> str:
    """Return a number and its noun, in the plural unless there is one."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def a_type(value: object) -> str:
    """Return the type of a value with its article: "a Program", "an ndarray", or "None"."""
    return "None" if value is None else with_article(type(value).__name__)


def with_article(name: str) -> str:
    """Return the name of a type with its article, as it is spoken."""
    return f"{'an' if name[:1].lower() in 'aeio' or name == 'ndarray' else 'a'} {name}"


def suffix_in_words(path: Path) -> str:
    """Return how a name ends, for messages: "ends in '.txt'", or "has no suffix"."""
    return f"ends in {path.suffix!r}" if path.suffix else "has no suffix"


def in_words(items: Sequence[object]) -> str:
    """Return a list as text: "1", "1 and 2", or "1, 2 and 3"."""
    *first, last = map(str, items)
    return f"{', '.join(first)} and {last}" if first else last


def put_in_list(value: object) -> str:
    """Return what ends a message about a text that was given in place of a list: "; write ['kernel']", or nothing."""
    return f"; write [{value!r}]" if isinstance(value, str) and 0 < len(value) <= SHORT else ""


def ticks_in_words(ticks: Sequence[int]) -> str:
    """Return a list of ticks as text: "tick 1", or "ticks 1, 2 and 3"."""
    return f"{'tick' if len(ticks) == 1 else 'ticks'} {in_words(ticks)}"


def runs_of(numbers: Sequence[int]) -> str:
    """Return ascending numbers as text, with runs of three and more shortened, as in "0 to 9, 12, 13"."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"{run[0]} to {run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs)


def range_in_words(ends: tuple[int, int]) -> str:
    """Return a range, ends included, as text: "1 to 63", or "1" if it has one value."""
    return f"{ends[0]}" if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"


def printable(text: str, *, is_one_line: bool = False) -> str:
    """Return a text with its control characters escaped, shortened in the middle if it is long.

    Messages quote files and programs that may be hostile; a terminal must not interpret their control sequences.

    Parameters
    ----------
    is_one_line : bool
        Whether line breaks and tabs are escaped, too.
    """
    kept = "" if is_one_line else "\n\t"
    return _shortened(
        "".join(each if each.isprintable() or each in kept else _escape(each) for each in _shortened(text))
    )


def _shortened(text: str) -> str:
    half = (SHOWN_CHARACTERS - len(GAP)) // 2
    return text if len(text) <= SHOWN_CHARACTERS else text[:half] + GAP + text[-half:]


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def not_utf8(error: UnicodeDecodeError) -> str:
    """Return what is wrong with the bytes of a text that is not UTF-8, and what to do."""
    is_utf16 = error.object[:2] in (b"\xff\xfe", b"\xfe\xff")
    found = "it begins as UTF-16 does" if is_utf16 else f"byte {error.object[error.start]:#04x} at {error.start}"
    return f"it is not text in UTF-8 ({found}); save it as UTF-8"


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """Return what ends a message about an unknown word: "; did you mean 'delays'?", or nothing."""
    from difflib import get_close_matches  # only for a message

    found, given = {each.casefold(): each for each in known}, str(word).casefold()
    same = [each for each in found if _bare(each) == _bare(given)]
    nearest = (
        same or get_close_matches(given, found, n=2) or [each for each in found if len(given) > 2 and given in each][:2]
    )
    return f"; did you mean {' or '.join(repr(found[each]) for each in sorted(nearest))}?" if nearest else ""


def _bare(word: str) -> str:
    """Return the letters and digits of a word, as in "loihi1" for "loihi 1"."""
    return "".join(filter(str.isalnum, word))


# How similar names of files must be to be suggested, by difflib's ratio. A choice: "raster" and "pattern" have .62,
# "rasters" and "raster" .92.
ALIKE = 0.7


def meant_file(path: Path, suffixes: Sequence[str] = ()) -> str:
    """Return what ends a message about a missing file: the files beside it that are called like it, or nothing.

    Parameters
    ----------
    suffixes : sequence of str
        The suffixes that such a file may have, beside that of the path. Names are compared without suffixes, which
        would make unrelated names similar.
    """
    from difflib import get_close_matches  # only for a message

    try:
        files = sorted(each for each in path.parent.iterdir() if each.is_file())
    except (OSError, ValueError):
        return ""
    alike = [each for each in files if each.suffix in (*suffixes, path.suffix) and each.name != path.name]
    known = dict.fromkeys(each.stem.casefold() for each in alike)
    stems = get_close_matches(path.stem.casefold(), known, n=2, cutoff=ALIKE)
    names = [each.name for stem in stems for each in alike if each.stem.casefold() == stem][:2]
    return f"; did you mean {' or '.join(map(repr, names))}?" if names else ""
