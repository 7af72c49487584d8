"""The representation of a value as one line of text and as an HTML card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from snnprog.table import Table, is_numeric, text_of

MOST_CHARACTERS = 300
"""Of a repr: some three lines of a terminal. A choice."""

MOST_ROWS = 8
"""Rows of a card's table. A choice: a card is smaller than a screen."""

GOOD, BAD, OPEN = "good", "bad", "open"
MARKS = {GOOD: "✓", BAD: "✗", OPEN: "?"}
COLOURS = {GOOD: "#2f9460", BAD: "#d64550", OPEN: "#b57b12"}
"""At least 3:1 against both white and #111111, as WCAG 2.2 (1.4.11) requires for graphics."""

# The doubled class outweighs what JupyterLab says of tables.
STYLE = """
.snnprog{box-sizing:border-box;max-width:46rem;margin:.25rem 0;padding:.6rem .9rem;line-height:1.45;
border:1px solid rgba(128,128,128,.4);border-radius:8px;overflow-wrap:anywhere}
.snnprog.good{border-left:4px solid #2f9460}.snnprog.bad{border-left:4px solid #d64550}
.snnprog.open{border-left:4px solid #b57b12}
.snnprog p{margin:.3rem 0}.snnprog .head{margin-top:0}.snnprog .note{font-size:.85em}
.snnprog dl{display:flex;flex-wrap:wrap;gap:.3rem 1.4rem;margin:.4rem 0}
.snnprog dl div{display:block;margin:0}
.snnprog dt,.snnprog dd{display:block;float:none;width:auto;margin:0;padding:0;text-align:left}
.snnprog dt{font-size:.8em;font-weight:400;opacity:.75}.snnprog dd{font-weight:600}
.snnprog figure{display:block;margin:.5rem 0 0;padding:0}
.snnprog figcaption{font-size:.8em;opacity:.75;text-align:left}
.snnprog svg{display:block;max-width:100%;overflow:visible}
.snnprog .scroll{overflow-x:auto;margin:.4rem 0 0}
.snnprog.snnprog table{border-collapse:collapse;margin:0;font-size:.85em;font-variant-numeric:tabular-nums}
.snnprog caption{caption-side:top;text-align:left;padding:0 0 .2rem;color:inherit;opacity:.75}
.snnprog.snnprog table th,.snnprog.snnprog table td{text-align:left;padding:.15rem .8rem .15rem 0;border:0;
background:none;overflow-wrap:normal;vertical-align:top;white-space:normal;max-width:24rem}
.snnprog.snnprog table thead th{font-weight:400;opacity:.75;vertical-align:bottom}
.snnprog.snnprog table .number{text-align:right;white-space:nowrap}
.snnprog.snnprog table tr{border:0;border-bottom:1px solid rgba(128,128,128,.3);background:none}
""".replace("\n", "")


@dataclass(frozen=True)
class Picture:
    """A small picture: its SVG from `snnprog.display.pictures`, and its caption."""

    svg: str
    caption: str


@dataclass(frozen=True)
class Card:
    """The content of a value's card in a notebook, below its name and summary.

    Attributes
    ----------
    kind : str
        "good", "bad" or "open" for an outcome, "" for anything else.
    facts : sequence of (str, object)
        Names and values.
    pictures : sequence of Picture
    table : Table or None
        Its first rows are shown.
    notes : sequence of str
        Sentences to show below.
    """

    kind: str = ""
    facts: Sequence[tuple[str, object]] = ()
    pictures: Sequence[Picture] = ()
    table: Table | None = None
    notes: Sequence[str] = ()


class Displayed:
    """A value with a short ``repr``, and a card in notebooks; a dataclass needs ``repr=False``, too."""

    __slots__ = ()

    def __repr__(self) -> str:
        text = f"{type(self).__name__}: {text_of(self._summary())}"
        return f"<{text}>" if len(text) <= MOST_CHARACTERS - 2 else f"<{text[: MOST_CHARACTERS - 3]}…>"

    def _repr_html_(self) -> str:
        return html_of(type(self).__name__, self._summary(), self._card())

    def _summary(self) -> str:
        """Return a summary of the value, in a line; its time must not grow with the value's size."""
        raise NotImplementedError

    def _card(self) -> Card:
        """Return the content below the summary."""
        return Card()


def html_of(name: str, summary: str, card: Card) -> str:
    """Return a card as self-contained HTML: it includes its style, and loads nothing else."""
    mark = (
        f'<span aria-hidden="true" style="color:{COLOURS[card.kind]}">{MARKS[card.kind]}</span> ' if card.kind else ""
    )
    parts = [
        f'<p class="head">{mark}<strong>{_text(name)}</strong> {_text(summary)}</p>',
        _facts(card.facts),
        *(
            f"<figure>{picture.svg}<figcaption>{_text(picture.caption)}</figcaption></figure>"
            for picture in card.pictures
        ),
        "" if card.table is None else _table(card.table),
        *(f'<p class="note">{_text(note)}</p>' for note in card.notes),
    ]
    return f'<div class="snnprog {card.kind}"><style>{STYLE}</style>{"".join(parts)}</div>'


def _text(value: object) -> str:
    return escape(text_of(value))


def _facts(facts: Sequence[tuple[str, object]]) -> str:
    if not facts:
        return ""
    inner = "".join(f"<div><dt>{_text(name)}</dt><dd>{_text(value)}</dd></div>" for name, value in facts)
    return f"<dl>{inner}</dl>"


def _table(table: Table) -> str:
    rows = table.texts(MOST_ROWS)
    numeric = [is_numeric(index, rows) for index in range(len(table.headings))]
    head = "".join(_cell("th", name, is_right=right) for name, right in zip(table.headings, numeric, strict=True))
    body = "".join(
        f"<tr>{''.join(_cell('td', text, is_right=right) for text, right in zip(row, numeric, strict=True))}</tr>"
        for row in rows
    )
    caption = f"<caption>{_text(table.caption)}</caption>" if table.caption else ""
    below = "".join(f'<p class="note">{_text(note)}</p>' for note in (table.omission(MOST_ROWS), *table.notes) if note)
    label = _text(table.caption or "table")
    return (
        f'<div class="scroll" role="group" aria-label="{label}" tabindex="0"><table>{caption}'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{below}"
    )


def _cell(tag: str, text: str, *, is_right: bool) -> str:
    attributes = (' scope="col"' if tag == "th" else "") + (' class="number"' if is_right else "")
    return f"<{tag}{attributes}>{_text(text)}</{tag}>"
