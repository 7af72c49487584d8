"""A decoder that is fitted to output spikes: linear in leaky traces or in spike times, for classes or for values.

Fixed decoders (`snnprog.coding.decoders`) assume what spikes mean. This one learns it from the spikes of samples whose
class or value is known, as "learning to time-decode" asks for (Skatchkovsky, Simeone and Jang 2021), with the encoder
left as it is. scikit-learn fits it: a ridge regression whose penalty leave-one-out errors choose, or a logistic
regression. It is imported when a readout is fitted; a fitted readout does not need it. Linear algebra has one thread
meanwhile: its matrices are too small for more (see `snnprog.solver.threads`).

A trace is what a leaky neuron without a threshold keeps of a spike train: the sum of ``exp(-age/tau)`` of its spikes at
the last tick. With an infinite time constant it is the number of spikes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snnprog.arrays import Floats, Raster
from snnprog.calls import call_checked
from snnprog.checks import as_integer
from snnprog.coding.samples import check_fitted, check_least, unfitted
from snnprog.display.card import Displayed
from snnprog.errors import SpecError
from snnprog.raster import as_raster, turned
from snnprog.wording import counted

TRACE, LATENCY = "trace", "latency"
CLASSES, VALUES = "classes", "values"
PENALTIES = np.logspace(-3, 4, 15)
"""Ridge penalties to choose from, of standardized features: insensitive, as neighbours give almost the same weights."""

ITERATIONS = 5000
"""Most iterations of the logistic regression, which converges in fewer on standardized features. A choice: the
baselines of examples/ have as many."""


@call_checked
@dataclass(frozen=True, eq=False, repr=False)
class Readout(Displayed):
    """A linear decoder of output spikes, fitted with scikit-learn.

    Attributes
    ----------
    predicts : {"values", "classes"}
        Real numbers, by a ridge regression, or classes, by a logistic regression.
    feature : {"trace", "latency"}
        What is read of each output: its leaky trace at the last tick, or the ticks from its first spike to the end of
        the sample (0 if it is silent).
    tau : float
        Time constant of the traces in ticks; infinite for spike counts.
    bits : int or None
        Number of bits that are kept of each feature, which is rounded to ``2**bits`` levels, spaced evenly over its
        range in training. None keeps all.
    weights : (features, columns) float
        A column for each class (for two classes one, which speaks for the second) or value; empty before it is fitted.
    offset : (columns,) float
    low, high : (features,) float
        The range of each feature in training.
    classes : (classes,) array
        The classes, sorted; empty for values.
    """

    predicts: Literal["values", "classes"] = "values"
    feature: Literal["trace", "latency"] = "trace"
    tau: float = math.inf
    bits: int | None = None
    weights: Floats = field(default_factory=unfitted, kw_only=True)
    offset: Floats = field(default_factory=unfitted, kw_only=True)
    low: Floats = field(default_factory=unfitted, kw_only=True)
    high: Floats = field(default_factory=unfitted, kw_only=True)
    classes: NDArray[np.generic] = field(default_factory=unfitted, kw_only=True)

    def __post_init__(self) -> None:
        for name, allowed in (("predicts", (VALUES, CLASSES)), ("feature", (TRACE, LATENCY))):
            if getattr(self, name) not in allowed:
                raise SpecError(f"{name} must be {allowed[0]!r} or {allowed[1]!r}, got {getattr(self, name)!r}")
        if not self.tau > 0:
            raise SpecError(f"tau must be a positive number of ticks, or math.inf for counts, got {self.tau!r}")
        if self.bits is not None:
            object.__setattr__(self, "bits", as_integer("bits", self.bits))
            check_least("bits", self.bits, least=1)
        for name in ("weights", "offset", "low", "high", "classes"):
            array = np.array(getattr(self, name))
            array.flags.writeable = False
            object.__setattr__(self, name, array)

    def _summary(self) -> str:
        traces = "spike counts" if math.isinf(self.tau) else f"traces of {self.tau:g} ticks"
        read = "first spikes" if self.feature == LATENCY else traces
        kept = "" if self.bits is None else f" in {counted(self.bits, 'bit')}"
        fitted = f"fitted to {counted(self.low.size, 'output')}" if self.low.size else "not fitted"
        return f"{self.predicts} from {read}{kept}, {fitted}"

    def features(self, spikes: Sequence[Raster]) -> Floats:
        """Return the features (samples, outputs) of rasters ``(ticks, outputs)``, before rounding.

        Raises
        ------
        SpecError
            If ``spikes`` is empty, is not made of rasters, or the rasters differ in shape.
        """
        given = [as_raster(raster, f"spikes[{index}]") for index, raster in enumerate(spikes)]
        shapes = {raster.shape for raster in given}
        if len(shapes) != 1:
            raise SpecError(f"spikes must be rasters (ticks, outputs) of one shape, got shapes {sorted(shapes)}")
        rasters = np.stack(given)
        ages = np.arange(rasters.shape[1])[::-1]
        if self.feature == LATENCY:
            found: Floats = np.where(rasters.any(axis=1), 1 + ages[rasters.argmax(axis=1)], 0).astype(np.float64)
            return found
        kept: Floats = np.tensordot(rasters, np.exp(-ages / self.tau), axes=(1, 0))
        return kept

    def fit(self, spikes: Sequence[Raster], targets: ArrayLike) -> Readout:
        """Return this readout fitted to samples, as another object.

        Parameters
        ----------
        spikes : sequence of (ticks, outputs) bool
            The output spikes of each sample.
        targets : (samples,) or (samples, values) float, or (samples,) classes
            What the samples are.

        Raises
        ------
        SpecError
            If the numbers of samples differ, targets are not finite numbers or classes, there is one class alone, or
            scikit-learn is not installed.
        """
        features, wanted = self.features(spikes), self._targets(targets)
        if len(features) != len(wanted):
            raise SpecError(f"targets must have one entry for each of {len(features)} samples, got {len(wanted)}")
        ranged = replace(self, low=features.min(axis=0), high=features.max(axis=0))
        shown = ranged.rounded(features)
        mean, spread = shown.mean(axis=0), shown.std(axis=0)
        spread[spread == 0.0] = 1.0
        classes, weights, offset = _fitted((shown - mean) / spread, wanted, is_values=self.predicts == VALUES)
        scaled = weights / spread[:, None]
        return replace(ranged, weights=scaled, offset=offset - mean @ scaled, classes=classes)

    def _targets(self, targets: ArrayLike) -> NDArray[np.generic]:
        """Return targets as finite numbers, or as classes."""
        wanted: NDArray[np.generic] = np.asarray(targets)
        if self.predicts == VALUES:
            try:
                wanted = wanted.astype(np.float64)
            except (TypeError, ValueError) as error:
                first = wanted.ravel()[:1].tolist()
                raise SpecError(
                    f"targets must be numbers, got {first}; for classes, make a Readout({CLASSES!r})"
                ) from error
        if wanted.ndim not in ((1, 2) if self.predicts == VALUES else (1,)):
            axes = "(samples,) or (samples, values)" if self.predicts == VALUES else "(samples,)"
            raise SpecError(f"targets must have the axes {axes}, got shape {wanted.shape}")
        if np.issubdtype(wanted.dtype, np.number) and not np.isfinite(wanted).all():
            raise SpecError("targets must be finite; drop the samples whose target is unknown")
        return wanted

    def rounded(self, features: Floats) -> Floats:
        """Return features (samples, outputs) rounded to the bits that are kept of each."""
        if self.bits is None:
            return features
        step = np.where(self.high > self.low, self.high - self.low, 1.0) / (2**self.bits - 1)
        levels = np.rint(np.clip((features - self.low) / step, 0.0, 2.0**self.bits - 1.0))
        rounded: Floats = self.low + levels * step
        return rounded

    def scores(self, spikes: Sequence[Raster]) -> Floats:
        """Return (samples, columns) the linear scores: the values, or the evidence for each class.

        Raises
        ------
        SpecError
            If this readout is not fitted, or was fitted to another number of outputs.
        """
        check_fitted(self, self.low)
        features = self.features(spikes)
        if features.shape[1] != self.low.size:
            hint = turned("the rasters", np.shape(spikes[0]), lines=self.low.size)
            raise SpecError(f"spikes must be of {self.low.size} outputs as in training, got {features.shape[1]}{hint}")
        scores: Floats = self.rounded(features) @ self.weights + self.offset
        return scores

    def predict(self, spikes: Sequence[Raster]) -> NDArray[np.generic]:
        """Return the class ``(samples,)``, the value ``(samples,)`` or the values ``(samples, values)`` of samples."""
        return self.decided(self.scores(spikes))

    def decided(self, scores: Floats) -> NDArray[np.generic]:
        """Return what scores (samples, columns) stand for, as `predict`."""
        if self.predicts == VALUES:
            return scores[:, 0] if scores.shape[1] == 1 else scores
        chosen = scores.argmax(axis=1) if scores.shape[1] > 1 else (scores[:, 0] > 0.0).astype(np.int64)
        found: NDArray[np.generic] = self.classes[chosen]
        return found


def _fitted(
    shown: Floats, wanted: NDArray[np.generic], *, is_values: bool
) -> tuple[NDArray[np.generic], Floats, Floats]:
    """Return the classes, weights (features, columns) and offset (columns,) of scikit-learn's estimator."""
    try:
        from sklearn.linear_model import LogisticRegression, RidgeCV
    except ImportError as error:
        raise SpecError("a readout needs scikit-learn; install it with: pip install 'snnprog[sklearn]'") from error
    from snnprog.solver import one_blas_thread  # loads the solvers, which fixed decoders do without

    if is_values:
        with one_blas_thread():
            ridge = RidgeCV(PENALTIES).fit(shown, wanted)
        return unfitted(), np.atleast_2d(ridge.coef_).T, np.atleast_1d(ridge.intercept_)
    if np.unique(wanted).size < 2:
        raise SpecError(f"targets must name at least two classes, got one: {wanted[0]}")
    with one_blas_thread():
        logistic = LogisticRegression(max_iter=ITERATIONS).fit(shown, wanted)
    return logistic.classes_, logistic.coef_.T, logistic.intercept_
