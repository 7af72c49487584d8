"""Regression: a spec from samples and values, in which each output says whether the value is above a cut of its own.

The outputs are a thermometer of the value, and a fitted `snnprog.coding.Readout` makes a number of their spikes. The
patterns are the samples, in order, as for `snnprog.specs.classifier`: the encoder's raster, then the answer's tick. One
more line, the last, spikes at tick 0, so that a neuron can also spike where all others are silent.

Decision: an output has a target for a sample only if the value, and what a ridge regression from the spikes says of it,
lie on the same side of the output's cut, by ``clarity`` standard deviations at least. The regression separates what is
left, so no neuron has to be exact on noise.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from snnprog.arrays import Floats
from snnprog.calls import call_checked
from snnprog.checks import as_integer
from snnprog.chips import Chip, find_chip
from snnprog.coding import Encoder, with_start
from snnprog.coding.samples import check_least
from snnprog.errors import SpecError
from snnprog.spec import Spec
from snnprog.specs.classification import fitted_by_ridge, pattern_of
from snnprog.specs.needs import check_delays

CLARITY = 0.2
"""A choice: 0.1 overfits noisy data (scikit-learn's diabetes), and 0.3 costs clean data some hundredths of R²."""


@call_checked
def regressor(
    samples: ArrayLike,
    values: ArrayLike,
    encoder: Encoder,
    *,
    cuts: int = 16,
    clarity: float = CLARITY,
    chip: str | Chip = "loihi1",
) -> Spec:
    """Return the spec of a regressor: one pattern per sample, and an output for each cut that the value may exceed.

    Parameters
    ----------
    samples : array
        In the form that the encoder takes, samples along the first axis.
    values : (samples,) float
        The value of each.
    encoder : Encoder
        Fitted on training samples; see `snnprog.coding`.
    cuts : int
        Number of cuts, at quantiles of the values with equal shares between them; equal ones count once.
    clarity : float
        Samples nearer to a cut than this have no target for it, in standard deviations of the values; see the module.
    chip : str or Chip
        The target chip: a registered name, or a `Chip`.

    Raises
    ------
    SpecError
        If the values are not finite numbers, one for each sample, or all are equal; or if the chip's delays are shorter
        than the encoder's rasters.
    """
    delays = range(1, encoder.ticks + 1)
    check_delays(
        "regressor", find_chip(chip), delays=delays, advice="take an encoder whose rasters are shorter, such as Levels"
    )
    check_least("cuts", as_integer("cuts", cuts), least=1)
    check_least("clarity", clarity, least=0.0)
    rasters, wanted = [with_start(raster) for raster in encoder.transform(samples)], _as_values(values)
    if len(rasters) != wanted.size:
        raise SpecError(f"values must have one entry for each of {len(rasters)} samples, got {wanted.size}")
    levels = _levels(wanted, cuts)
    fitted, margin = fitted_by_ridge(rasters, wanted), clarity * wanted.std()
    sides = [np.sign(each[:, None] - levels) * (np.abs(each[:, None] - levels) > margin) for each in (wanted, fitted)]
    answers, counts = sides[0] > 0, (sides[0] == sides[1]) & (sides[0] != 0)
    return Spec([pattern_of(*row) for row in zip(rasters, answers, counts, strict=True)], delays, chip=chip)


def _levels(values: Floats, cuts: int) -> Floats:
    """Return the cuts: midway between the values beside each quantile, so that no value is on a cut."""
    there = np.unique(values)
    if there.size < 2:
        raise SpecError(f"values must differ for a regression, got {values[0]} for every sample")
    above = np.searchsorted(there, np.quantile(values, np.arange(1, cuts + 1) / (cuts + 1)), side="right")
    levels: Floats = np.unique((there[:-1] + there[1:])[np.clip(above, 1, there.size - 1) - 1]) / 2.0
    return levels


def _as_values(values: ArrayLike) -> Floats:
    found = np.asarray(values)
    if found.ndim != 1 or found.dtype.kind not in "iufb" or not np.isfinite(found).all():
        raise SpecError(f"values must be one finite number for each sample, got {found.dtype} of shape {found.shape}")
    return found.astype(np.float64)
