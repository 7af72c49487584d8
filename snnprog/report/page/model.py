"""What a page says, before it is HTML: all texts are plain, and may be a stranger's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

GOOD, BAD, OPEN = "good", "bad", "open"
Row = tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A table with a caption, and what is to be said below it."""

    caption: str
    columns: Row
    rows: tuple[Row, ...]
    note: str = ""


@dataclass(frozen=True)
class Fact:
    """One figure, and what it is the figure of."""

    label: str
    value: str


@dataclass(frozen=True)
class Headline:
    """The verdict.

    Attributes
    ----------
    kind : str
        "good", "bad", or "open" where there is nothing to judge by.
    text : str
        In a few words.
    sentences : tuple of str
        At length.
    """

    kind: str
    text: str
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class NeuronRow:
    """One neuron in words; ``kind`` is that of its status, ``cells`` follow the columns of `Page.neuron_columns`."""

    name: str
    status: str
    kind: str
    cells: Row


@dataclass(frozen=True)
class Reason:
    """A sentence that says why an output cannot be built, and the demands that it rests on where they are several."""

    text: str
    bins: Table | None


@dataclass(frozen=True)
class Contradiction:
    """Why one output cannot be built: each reason is enough. What the proof is worth, and whether anything helps."""

    output: int
    reasons: tuple[Reason, ...]
    sentences: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Page:
    """Everything that a page shows.

    Attributes
    ----------
    title : str
    headline : Headline
    facts : tuple of Fact
        The figures at the top.
    neuron_columns : tuple of str
        Beside the name and the status.
    neurons : tuple of NeuronRow
    contradictions : tuple of Contradiction
    resources : tuple of Table
    backends : Table or None
    divergences : tuple of str
        Where backends differ first, and why.
    provenance : tuple of Fact
    charts : mapping
        What the scripts draw: see `snnprog.report.page.charts`.
    """

    title: str
    headline: Headline
    facts: tuple[Fact, ...]
    neuron_columns: Row
    neurons: tuple[NeuronRow, ...]
    contradictions: tuple[Contradiction, ...]
    resources: tuple[Table, ...]
    backends: Table | None
    divergences: tuple[str, ...]
    provenance: tuple[Fact, ...]
    charts: Mapping[str, object]
