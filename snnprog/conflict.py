"""Why an output cannot be built: the demands that contradict one another, with their prices in the proof."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


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


@dataclass(frozen=True)
class Conflict:
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
