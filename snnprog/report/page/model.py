"""The content of a page, before it is HTML: all texts are plain, and may be hostile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from snnprog.display.card import Card, Displayed
from snnprog.table import Table


@dataclass(frozen=True)
class Fact:
    """One figure, and its caption."""

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
class Reason:
    """A sentence about the reason that an output cannot be built, and its demands if they are several."""

    text: str
    bins: Table | None


@dataclass(frozen=True)
class Contradiction:
    """The reasons that one output cannot be built, each sufficient; the strength of the proof, and advice."""

    heading: str
    reasons: tuple[Reason, ...]
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class Equation:
    """One step of the chip's rule: its name, and its equation as MathML."""

    name: str
    mathml: str


@dataclass(frozen=True, eq=False, repr=False)
class Page(Displayed):
    """Everything that a page shows.

    Attributes
    ----------
    title : str
    introduction : str
        What the page is about, for readers who do not know snnprog.
    headline : Headline
    facts : tuple of Fact
        The figures at the top.
    neurons : Table
        Name and status first.
    kinds : tuple of str
        Whether each neuron's status is "good", "bad" or "open".
    contradictions : tuple of Contradiction
    resources : tuple of Table
    backends : Table or None
    divergences : tuple of str
        Where backends differ first, and why.
    provenance : tuple of Fact
    equations : tuple of Equation
        The chip's rule.
    notes : tuple of Fact
        What the operators in the equations do.
    charts : mapping
        What the scripts draw: see `snnprog.report.page.charts`.
    """

    title: str
    introduction: str
    headline: Headline
    facts: tuple[Fact, ...]
    neurons: Table
    kinds: tuple[str, ...]
    contradictions: tuple[Contradiction, ...]
    resources: tuple[Table, ...]
    backends: Table | None
    divergences: tuple[str, ...]
    provenance: tuple[Fact, ...]
    equations: tuple[Equation, ...]
    notes: tuple[Fact, ...]
    charts: Mapping[str, object]

    def _summary(self) -> str:
        return f"{self.title}: {self.headline.text}"

    def _card(self) -> Card:
        facts = [(fact.label, fact.value) for fact in self.facts]
        return Card(self.headline.kind, facts, table=self.neurons, notes=self.headline.sentences)
