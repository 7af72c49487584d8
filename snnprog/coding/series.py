"""An encoder of samples that are time series: send-on-delta."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike

from snnprog.arrays import Floats, Raster
from snnprog.calls import call_checked
from snnprog.checks import as_integer
from snnprog.coding.samples import as_samples, as_values, check_fitted, check_least, fitted_to, unfitted
from snnprog.display.card import Displayed
from snnprog.errors import SpecError

AXES = ("samples", "ticks", "channels")


@call_checked
@dataclass(frozen=True, eq=False, repr=False)
class Delta(Displayed):
    """Two lines for each channel: one spikes when it has risen by a step since its last spike, one when it has fallen.

    Send-on-delta (Miskowicz 2006), as in dynamic vision sensors and level-crossing converters: the transmitted value
    starts at the first value of a series and follows it by one step per spike, so after a jump of several steps it
    catches up over as many ticks. The lines for rises come first.

    Attributes
    ----------
    steps : int
        Number of steps in the range of a channel over the training samples.
    step : (channels,) float
        The size of a step of each channel, in its own unit, as `fit` finds it.
    ticks : int
        Duration of every series, a value of each channel per tick, as `fit` finds it.
    """

    steps: int = 8
    step: Floats = field(default_factory=unfitted, kw_only=True)
    ticks: int = field(default=1, kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "step", as_values(self.step))
        for name in ("steps", "ticks"):
            object.__setattr__(self, name, as_integer(name, getattr(self, name)))
            check_least(name, getattr(self, name), least=1)
        if not (self.step > 0.0).all():
            raise SpecError(f"steps must be positive, got {self.step.tolist()}")

    def _summary(self) -> str:
        return f"steps {self.steps}, {fitted_to(self.step, 'channel')}"

    def fit(self, samples: ArrayLike, y: object = None) -> Delta:
        """Return this encoder fitted to the range of ``samples`` (samples, ticks, channels), as another object.

        ``y`` is ignored.
        """
        series = as_samples(samples, AXES)
        span = series.max(axis=(0, 1)) - series.min(axis=(0, 1))
        return replace(self, step=np.where(span > 0.0, span, 1.0) / self.steps, ticks=series.shape[1])

    @property
    def n_lines(self) -> int:
        """Two lines per channel."""
        return 2 * self.step.size

    def transform(self, samples: ArrayLike) -> list[Raster]:
        """Return one raster ``(ticks, lines)`` per sample.

        Raises
        ------
        SpecError
            If this encoder is not fitted, or the series have another duration or other channels.
        """
        check_fitted(self, self.step)
        series = as_samples(samples, AXES, n_columns=self.step.size)
        if series.shape[1] != self.ticks:
            raise SpecError(f"series must have {self.ticks} ticks as in training, got {series.shape[1]}")
        sent = series[:, 0].copy()
        spikes = np.zeros((len(series), self.ticks, self.n_lines), dtype=np.bool_)
        for tick in range(self.ticks):
            moved = (series[:, tick] - sent) / self.step
            risen, fallen = moved >= 1.0, moved <= -1.0
            spikes[:, tick] = np.concatenate([risen, fallen], axis=1)
            sent += self.step * (risen.astype(np.int64) - fallen)
        return list(spikes)
