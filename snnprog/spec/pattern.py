"""One trial: what goes in, what must come out, and which bins of that count."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from snnprog.arrays import Raster
from snnprog.errors import SpecError
from snnprog.raster import as_raster


@dataclass(frozen=True, eq=False)
class Pattern:
    """One trial from rest.

    Parameters
    ----------
    inputs : (ticks, inputs) bool
        The spikes that go in.
    targets : (ticks, outputs) bool
        The spikes that must come out.
    care : (ticks, outputs) bool, optional
        Which target bins count; all, unless said.

    Raises
    ------
    SpecError
        If a raster is malformed or their shapes do not go together.
    """

    inputs: Raster
    targets: Raster
    care: Raster

    def __init__(self, inputs: ArrayLike, targets: ArrayLike, care: ArrayLike | None = None) -> None:
        object.__setattr__(self, "inputs", as_raster(inputs, "inputs"))
        object.__setattr__(self, "targets", as_raster(targets, "targets"))
        everything = np.ones(self.targets.shape, dtype=np.bool_)
        object.__setattr__(self, "care", as_raster(everything if care is None else care, "care"))
        if self.inputs.shape[0] != self.targets.shape[0]:
            raise SpecError(
                f"inputs have {self.inputs.shape[0]} ticks and targets {self.targets.shape[0]}; give both the same"
            )
        if self.care.shape != self.targets.shape:
            raise SpecError(f"care has shape {self.care.shape} and targets {self.targets.shape}; give both the same")

    @property
    def ticks(self) -> int:
        """Duration in ticks."""
        return int(self.inputs.shape[0])


def as_patterns(patterns: Sequence[Pattern]) -> tuple[Pattern, ...]:
    """Return the patterns of one spec as a tuple: at least one, and all of the same shape but for the ticks."""
    if not isinstance(patterns, (Pattern, Iterable)):
        raise SpecError(f"patterns is {patterns!r}; a list of Pattern is needed")
    collected = (patterns,) if isinstance(patterns, Pattern) else tuple(patterns)
    if not collected:
        raise SpecError("patterns is empty; give at least one Pattern")
    for index, pattern in enumerate(collected):
        if not isinstance(pattern, Pattern):
            raise SpecError(f"patterns[{index}] is a {type(pattern).__name__}; a Pattern is needed")
        for name in ("inputs", "targets"):
            first, found = getattr(collected[0], name).shape[1], getattr(pattern, name).shape[1]
            if found != first:
                raise SpecError(f"pattern {index} has {found} {name}, pattern 0 has {first}; give all the same")
    if collected[0].targets.shape[1] == 0:
        raise SpecError("targets have no columns; at least one output neuron is needed")
    return collected
