"""Conflicts: the bins that contradict each other and make an output infeasible, with their prices in the proof."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from heapq import nlargest

from snnprog.calls import call_checked
from snnprog.display.card import BAD, MOST_ROWS, Card, Displayed
from snnprog.table import Table
from snnprog.wording import counted

CONTRADICTION = "Conflicting demands: without any one of them, the others can be satisfied"
"""The title of a smallest set of demands that contradict each other."""


@dataclass(frozen=True)
class PricedBin:
    """One bin that takes part in a conflict, and its weight in the proof.

    Attributes
    ----------
    pattern, tick : int
    is_spike : bool
        Whether the target is a spike, or silence.
    price : int
        The factor of its row in the sum that no weights satisfy; see `snnprog.design.proofs.certificate`.
    is_after_reset : bool
        Whether it constrains the potential after the reset of that tick; see `snnprog.design.once`.
    """

    pattern: int
    tick: int
    is_spike: bool
    price: int
    is_after_reset: bool = False

    @property
    def demand(self) -> str:
        """The target, in words."""
        return "spike" if self.is_spike else "no second spike" if self.is_after_reset else "silence"


@call_checked
@dataclass(frozen=True, repr=False)
class Conflict(Displayed):
    """Why one output is infeasible.

    Attributes
    ----------
    neuron : int
        Index of the output.
    pattern, tick : int
        The bin that cannot be satisfied.
    reason : str
        The complete sentence.
    bins : tuple of PricedBin
        The bins that contradict each other, with their prices in the proof.
    is_minimal : bool
        Whether the rest could be satisfied after removing any one of these bins.
    """

    neuron: int
    pattern: int
    tick: int
    reason: str
    bins: tuple[PricedBin, ...] = ()
    is_minimal: bool = False

    @property
    def shares(self) -> tuple[Fraction, ...]:
        """The share of each bin in the sum of prices; 0 where a proof by cases has no single price for it."""
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
        title = CONTRADICTION if self.is_minimal else "What the proof rests on"
        if len(heaviest) < len(priced):
            title = f"{title}: the {len(heaviest)} with the largest shares of {counted(len(priced), 'demand')}"
        rows = [
            (bin_.pattern, bin_.tick, bin_.demand, f"{float(share):.1%}" if share else "in several cases")
            for bin_, share in (priced[index] for index in heaviest)
        ]
        return Table.plain(title, columns=("pattern", "tick", "demand", "share of the proof"), rows=rows)
