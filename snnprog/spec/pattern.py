"""One trial: input spikes, target spikes, and the bins that count."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from snnprog.arrays import Raster
from snnprog.calls import call_checked
from snnprog.display import pictures
from snnprog.display.card import Card, Displayed, Picture
from snnprog.errors import SpecError
from snnprog.raster import as_raster, turned
from snnprog.wording import a_type, counted


@call_checked
@dataclass(frozen=True, eq=False, repr=False)
class Pattern(Displayed):
    """One trial from rest.

    Parameters
    ----------
    inputs : (ticks, inputs) bool
        Input spikes.
    targets : (ticks, outputs) bool
        Target spikes of the outputs.
    care : (ticks, outputs) bool, optional
        Which target bins count; all by default.

    Raises
    ------
    SpecError
        If a raster is malformed or the shapes do not match.
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
                f"inputs and targets must have equal numbers of ticks, got {self.inputs.shape[0]} and"
                f" {self.targets.shape[0]}{_turned(self.inputs, self.targets)}"
            )
        if self.care.shape != self.targets.shape:
            ticks, lines = self.targets.shape
            hint = turned("care", self.care.shape, ticks=ticks, lines=lines)
            raise SpecError(f"care must have the shape of targets, {self.targets.shape}, got {self.care.shape}{hint}")

    @property
    def ticks(self) -> int:
        """Duration in ticks."""
        return int(self.inputs.shape[0])

    def _summary(self) -> str:
        ends = f"{counted(self.inputs.shape[1], 'input')} to {counted(self.targets.shape[1], 'output')}"
        return f"{counted(self.ticks, 'tick')}, {ends}"

    def _card(self) -> Card:
        ignored = int(np.count_nonzero(~self.care))
        facts: list[tuple[str, object]] = [
            ("input spikes", int(np.count_nonzero(self.inputs))),
            ("target spikes", int(np.count_nonzero(self.targets))),
        ]
        return Card(facts=facts + ([("bins that do not count", ignored)] if ignored else []), pictures=drawn([self]))


def _turned(inputs: Raster, targets: Raster) -> str:
    """Return which of two rasters would fit the other with its axes exchanged, as the end of a message."""
    hint = turned("inputs", inputs.shape, ticks=len(targets)) or turned("targets", targets.shape, ticks=len(inputs))
    both = inputs.shape[1] == targets.shape[1]
    return hint or ("; arrays are (ticks, neurons): transpose inputs and targets?" if both else "")


def drawn(patterns: Sequence[Pattern]) -> list[Picture]:
    """Return pictures of what goes in and what must come out, of the first patterns where they are many or long."""
    ends = np.cumsum([pattern.ticks for pattern in patterns])
    shown = patterns[: max(1, int(np.searchsorted(ends, pictures.MOST_TICKS, side="right")))]
    rasters = [np.concatenate([getattr(each, name) for each in shown]) for name in ("inputs", "targets", "care")]
    starts = ends[: len(shown) - 1].tolist()
    of = "" if len(patterns) == 1 else f" of pattern{_numbers(len(shown))} of {len(patterns)}"
    ticks = f"{counted(len(rasters[0]), 'tick')} from left to right"
    shade = "; bins that do not count are shaded" if not rasters[2].all() else ""
    above = pictures.raster([(rasters[0], pictures.INPUT)], label=f"input spikes{of}", starts=starts)
    below = pictures.raster(
        [(rasters[1], pictures.RIGHT)], label=f"target spikes{of}", shaded=~rasters[2], starts=starts
    )
    captions = [f"inputs{of}, {ticks}", f"targets{shade}"]
    return [
        Picture(svg, caption + pictures.merging(bins.shape))
        for svg, caption, bins in zip((above, below), captions, rasters[:2], strict=True)
    ]


def _numbers(count: int) -> str:
    return " 0" if count == 1 else f"s 0 to {count - 1}"


def as_patterns(patterns: Sequence[Pattern]) -> tuple[Pattern, ...]:
    """Return the patterns of one spec as a tuple: at least one, with equal numbers of inputs and outputs."""
    if not isinstance(patterns, (Pattern, Iterable)):
        raise SpecError(f"patterns must be a list of Pattern, got {patterns!r}")
    collected = (patterns,) if isinstance(patterns, Pattern) else tuple(patterns)
    if not collected:
        raise SpecError("patterns must have at least one Pattern, got none")
    for index, pattern in enumerate(collected):
        if not isinstance(pattern, Pattern):
            raise SpecError(
                f"patterns[{index}] must be a Pattern, got {a_type(pattern)}; sp.Pattern(inputs, targets) makes one"
            )
        for name in ("inputs", "targets"):
            first, shape = getattr(collected[0], name).shape[1], getattr(pattern, name).shape
            if shape[1] != first:
                hint = turned(f"its {name}", shape, lines=first)
                raise SpecError(f"pattern {index} must have {first} {name} as pattern 0, got {shape[1]}{hint}")
    if collected[0].targets.shape[1] == 0:
        raise SpecError("targets must have at least one column (an output neuron)")
    return collected
