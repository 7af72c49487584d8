"""The integers that a weight may have."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mantissas:
    """The possible mantissas of a weight, symmetric about 0.

    Attributes
    ----------
    limit : int
        Their greatest magnitude.
    is_binary : bool
        Whether ±limit are the only ones, so that no active synapse is 0.
    """

    limit: int
    is_binary: bool = False

    @property
    def step(self) -> int:
        """The distance between neighbours."""
        return 2 * self.limit if self.is_binary else 1
