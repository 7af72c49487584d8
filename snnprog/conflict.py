"""Why an output cannot be built: the demands that contradict one another, with their prices in the proof."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from heapq import nlargest

from snnprog.display.card import BAD, MOST_ROWS, Card, Displayed
from snnprog.table import Table
from snnprog.wording import counted


@dataclass(frozen=True)
class PricedBin:
    """One demand that takes part in a conflict, and its weight in the proof.

    Attributes
    ----------
    pattern, tick : int
    is_spike : bool
        Whether a spike is due there, or silence.
    price : int
        By how much its row counts in the sum that no weights can meet; see `snnprog.design.proofs.certificate`.
    is_after_reset : bool
        Whether it is asked of what the reset of that tick leaves; see `snnprog.design.once`.
    """

    pattern: int
    tick: int
    is_spike: bool
    price: int
    is_after_reset: bool = False

    @property
    def demand(self) -> str:
        """What is asked for, in words."""
        return "spike" if self.is_spike else "no second spike" if self.is_after_reset else "silence"


@dataclass(frozen=True, repr=False)
class Conflict(Displayed):
    """Why one output cannot do what is asked of it.

    Attributes
    ----------
    neuron : int
        Index of the output.
    pattern, tick : int
        Where the demand stands that cannot be met.
    reason : str
        The whole sentence, in the words of the specification.
    bins : tuple of PricedBin
        The demands that contradict one another, with their prices in the proof.
    is_minimal : bool
        Whether all but any one of these bins could be met.
    """

    neuron: int
    pattern: int
    tick: int
    reason: str
    bins: tuple[PricedBin, ...] = ()
    is_minimal: bool = False

    @property
    def shares(self) -> tuple[Fraction, ...]:
        """The price of each bin as its share of all prices; 0 where a proof by cases has no one price for it."""
        total = sum(each.price for each in self.bins) or 1
        return tuple(Fraction(each.price, total) for each in self.bins)

    def __str__(self) -> str:
        return self.reason

    def _summary(self) -> str:
        return f"{self.reason} ({counted(len(self.bins), 'demand')})" if self.bins else self.reason

    def _card(self) -> Card:
        return Card(BAD, table=self._demands() if len(self.bins) > 1 else None)

    def _demands(self) -> Table:
        """Return the demands in order; of many, those that weigh most."""
        priced = list(zip(self.bins, self.shares, strict=True))
        heaviest = sorted(nlargest(MOST_ROWS, range(len(priced)), key=lambda index: priced[index][1]))
        title = "Without any one of these, the others can be met" if self.is_minimal else "What the proof rests on"
        if len(heaviest) < len(priced):
            title = f"{title}: the {len(heaviest)} with the largest shares of {counted(len(priced), 'demand')}"
        rows = [
            (bin_.pattern, bin_.tick, bin_.demand, f"{float(share):.1%}" if share else "in several cases")
            for bin_, share in (priced[index] for index in heaviest)
        ]
        return Table.plain(title, columns=("pattern", "tick", "demand", "share of the proof"), rows=rows)
