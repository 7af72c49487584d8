"""Which integers a weight may be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mantissas:
    """The integers that a weight may be before its exponent: symmetric about 0.

    Attributes
    ----------
    limit : int
        Their greatest magnitude.
    is_binary : bool
        Whether they are ±limit alone, and no synapse that acts is 0.
    """

    limit: int
    is_binary: bool = False

    @property
    def step(self) -> int:
        """The distance between neighbours."""
        return 2 * self.limit if self.is_binary else 1
