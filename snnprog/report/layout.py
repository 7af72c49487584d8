"""The layout of a table for a width: unchanged, with folded headings and texts, or as a block for each row.

Numbers are never folded: what stands in their columns is compared from row to row.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from snnprog.table import Cells, is_numeric

GAP = 2
LEAST_TEXT = 10


def fitted_widths(columns: Cells, lines: Sequence[Cells], *, width: int) -> list[int] | None:
    """Return the width of each column in a table of at most ``width``; None if it does not fit.

    A column that may give way does so down to its longest word; what is left over goes where most lines are saved.
    """
    widest = [_widest([name, *(line[index] for line in lines)]) for index, name in enumerate(columns)]
    least = [_least(name, index, lines) for index, name in enumerate(columns)]
    room = width - GAP * (len(columns) - 1)
    if sum(least) > room:
        return None
    widths = list(least)
    for _ in range(room - sum(least)):
        folded = [index for index in range(len(columns)) if widths[index] < widest[index]]
        if not folded:
            break
        widths[max(folded, key=lambda index: widest[index] / widths[index])] += 1
    return widths


def _least(name: str, column: int, lines: Sequence[Cells]) -> int:
    cells = [line[column] for line in lines]
    heading = _longest_word([name])
    if is_numeric(column, lines):
        return max(heading, _widest(cells))
    return max(heading, min(_widest(cells), max(LEAST_TEXT, _longest_word(cells))))


def _widest(texts: Cells) -> int:
    return max(map(cell_len, texts), default=0)


def _longest_word(texts: Cells) -> int:
    return max((cell_len(word) for text in texts for word in text.split()), default=0)
