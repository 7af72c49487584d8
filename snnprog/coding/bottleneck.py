"""The information-bottleneck curve of readouts: how much of the spikes each keeps, and how well it predicts.

A readout sees a rounded feature Z of each output, and not the spikes S themselves. As Z is a function of S, it keeps
I(S; Z) = H(Z) bits, at most the sum of the entropies of single features, which is what is measured here. What it says
of the target Y is bounded from below by its prediction of samples that it was not fitted to: I(Z; Y) is at least H(Y)
less the cross-entropy of the predicted probabilities, and for Gaussian values at least half the binary logarithm of
their variance divided by the mean squared error. Tishby, Pereira and Bialek (1999) trade the two for each other; here
the candidates are few, so all are shown.

Decision: the choice is the readout that keeps the fewest bits among those within one standard error of the best mean
score (Breiman et al., *Classification and Regression Trees*, 1984, section 3.4.3).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snnprog.arrays import Floats, Int64s, Raster
from snnprog.calls import call_checked
from snnprog.coding.readout import CLASSES, Readout
from snnprog.display.card import Card, Displayed
from snnprog.errors import SpecError
from snnprog.table import Table
from snnprog.wording import counted

BITS = (1, 2, 3, 4, 6, None)
SHARES = (math.inf, 1.0, 0.25)
"""Time constants of the usual candidates, as shares of the duration: a choice."""

CERTAIN = 1e-6
"""The least probability that is counted for a class, as a bound on its surprise; insensitive within x 10."""


@call_checked
@dataclass(frozen=True, repr=False)
class CurvePoint(Displayed):
    """One readout on the curve.

    Attributes
    ----------
    readout : Readout
        Not fitted.
    kept_bits : float
        An upper bound on the bits of a sample's spikes that it keeps.
    relevant_bits : float
        A lower bound on the bits about the target in the values that it keeps, at least 0.
    score : float
        The mean accuracy or R² on the folds that it was not fitted to.
    score_error : float
        The standard error of that mean.
    """

    readout: Readout
    kept_bits: float
    relevant_bits: float
    score: float
    score_error: float

    def _summary(self) -> str:
        return f"{self.readout}, {self.kept_bits:.1f} bits, score {self.score:.3f}"


@call_checked
@dataclass(frozen=True, repr=False)
class ReadoutCurve(Displayed):
    """Readouts by the bits that they keep.

    Attributes
    ----------
    points : tuple of CurvePoint
        By the bits that they keep, fewest first.
    """

    points: tuple[CurvePoint, ...]

    @property
    def chosen(self) -> CurvePoint:
        """The readout with the fewest bits within one standard error of the best score."""
        best = max(self.points, key=lambda point: point.score)
        return next(point for point in self.points if point.score >= best.score - best.score_error)

    @property
    def front(self) -> tuple[CurvePoint, ...]:
        """The readouts that no other beats: each scores more than all that keep fewer bits."""
        front: list[CurvePoint] = []
        for point in self.points:
            if not front or point.score > front[-1].score:
                front.append(point)
        return tuple(front)

    def _summary(self) -> str:
        chosen = self.chosen
        return f"{counted(len(self.points), 'readout')}; chosen: {chosen._summary()}"

    def _card(self) -> Card:
        columns = ("readout", "bits kept", "relevant bits", "score", "standard error")
        rows = [(str(p.readout), p.kept_bits, p.relevant_bits, p.score, p.score_error) for p in self.front]
        return Card(table=Table.plain("the front", columns=columns, rows=rows))


@call_checked
def readout_curve(
    spikes: Sequence[Raster],
    targets: ArrayLike,
    *,
    readouts: Iterable[Readout] | None = None,
    predicts: Literal["values", "classes"] = "classes",
    folds: int = 5,
    seed: int = 0,
) -> ReadoutCurve:
    """Return the information-bottleneck curve of readouts, by cross-validation.

    Parameters
    ----------
    spikes : sequence of (ticks, outputs) bool
        The output spikes of each sample.
    targets : (samples,) float or classes
        What the samples are.
    readouts : iterable of Readout, optional
        The candidates; by default traces of three time constants and first spikes, in 1 to 6 bits and unrounded.
    predicts : {"classes", "values"}
        What the usual candidates predict.
    folds : int
        Number of parts of the cross-validation, at least 2.
    seed : int
        Seed of the division into parts.

    Raises
    ------
    SpecError
        If the numbers of samples differ, there are fewer samples than folds, or scikit-learn is not installed.
    """
    wanted = np.asarray(targets)
    if len(spikes) != len(wanted):
        raise SpecError(f"targets must have one entry for each of {len(spikes)} samples, got {len(wanted)}")
    if not 2 <= folds <= len(wanted):
        raise SpecError(f"folds must be from 2 to {len(wanted)}, the number of samples, got {folds}")
    rasters = np.asarray(spikes, dtype=np.bool_)
    parts = np.random.default_rng(seed).permutation(np.arange(len(wanted)) % folds)
    candidates = _usual(predicts, rasters.shape[1]) if readouts is None else list(readouts)
    points = [_point(candidate, rasters, wanted, parts) for candidate in candidates]
    return ReadoutCurve(tuple(sorted(points, key=lambda point: (point.kept_bits, -point.score))))


def _usual(predicts: Literal["values", "classes"], ticks: int) -> list[Readout]:
    given = Readout(predicts=predicts)
    return [
        *(replace(given, tau=share * ticks, bits=bits) for share, bits in product(SHARES, BITS)),
        *(replace(given, feature="latency", bits=bits) for bits in BITS),
    ]


def _point(readout: Readout, rasters: Raster, wanted: NDArray[np.generic], parts: Int64s) -> CurvePoint:
    judged = _judged_classes if readout.predicts == CLASSES else _judged_values
    results = []
    for part in range(int(parts.max()) + 1):
        is_test = parts == part
        fitted = readout.fit(list(rasters[~is_test]), wanted[~is_test])
        results.append(judged(fitted, fitted.scores(list(rasters[is_test])), wanted[is_test]))
    scores, relevant = np.array(results).T
    whole = readout.fit(list(rasters), wanted)
    kept = sum(map(_entropy, whole.rounded(whole.features(list(rasters))).T))
    error = float(scores.std(ddof=1)) / math.sqrt(scores.size)
    return CurvePoint(readout, float(kept), max(0.0, float(relevant.mean())), float(scores.mean()), error)


def _judged_classes(readout: Readout, scores: Floats, wanted: NDArray[np.generic]) -> tuple[float, float]:
    """Return the accuracy, and the bits that the probabilities say of the classes."""
    both = scores if scores.shape[1] > 1 else np.column_stack([np.zeros(len(scores)), scores[:, 0]])
    shares = np.exp(both - both.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    probabilities = (shares * (readout.classes == wanted[:, None])).sum(axis=1)
    surprise = -np.log2(np.maximum(probabilities, CERTAIN)).mean()
    return float((readout.decided(scores) == wanted).mean()), _entropy(wanted) - float(surprise)


def _judged_values(_: Readout, scores: Floats, wanted: NDArray[np.generic]) -> tuple[float, float]:
    """Return R², and the bits that a Gaussian channel with this error carries."""
    values = np.asarray(wanted, dtype=np.float64).reshape(len(wanted), -1)
    missed, spread = float(((scores - values) ** 2).mean()), float(values.var(axis=0).mean())
    score = 1.0 - missed / spread if spread > 0.0 else 0.0
    return score, -0.5 * math.log2(max(1.0 - score, CERTAIN))


def _entropy(values: NDArray[np.generic]) -> float:
    """Return the entropy in bits of the values that occur."""
    shares = np.unique(values, return_counts=True)[1] / len(values)
    return float(-(shares * np.log2(shares)).sum())
