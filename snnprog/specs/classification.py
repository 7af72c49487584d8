"""Classifiers: a spec from samples and labels, with the answer of each output at the decision tick.

The patterns are the samples, in order, with one more tick than the encoder's rasters: the last, at which the outputs
answer. An output without a target for a sample has no bin that counts in its pattern.

With continuing spikes, as in rate coding, an output must distinguish the last tick from earlier ones by its inputs: one
line that spikes when a sample begins is enough. Without it, compiling names the bins that contradict each other.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from snnprog.arrays import Bools, Floats, Int64s, Raster
from snnprog.calls import call_checked
from snnprog.chips import Chip, find_chip
from snnprog.coding import Encoder, Questions, with_rest
from snnprog.coding.decoders import YES
from snnprog.errors import SpecError
from snnprog.spec import Pattern, Spec
from snnprog.specs.needs import check_delays

RIDGE = 10.0


@call_checked
def classifier(
    samples: ArrayLike,
    labels: ArrayLike,
    encoder: Encoder,
    *,
    questions: Questions | None = None,
    clarity: float | None = None,
    seed: int = 0,
    chip: str | Chip = "loihi1",
    class_names: Sequence[object] | None = None,
) -> Spec:
    """Return the spec of a classifier: one pattern per sample, the answers at its last tick, silence before.

    Parameters
    ----------
    samples : array
        In the form that the encoder takes, samples along the first axis.
    labels : (samples,) int
        The class of each, from 0.
    encoder : Encoder
        Fitted on training samples; see `snnprog.coding`.
    questions : Questions, optional
        The classes that each output distinguishes; by default its own class from all others.
    clarity : float, optional
        Samples with a lower clarity have no targets; see `clarity_of`. By default all samples have targets.
    seed : int
        Seed of the draw, if outputs have targets for a share of the samples.
    chip : str or Chip
        The target chip: a registered name, or a `Chip`.
    class_names : sequence, optional
        What the classes are called, in order: outputs get these names, or "B not A" if they distinguish two classes.

    Raises
    ------
    SpecError
        If the labels are not class numbers, or not one for each sample, or the chip's delays are shorter than the
        encoder's rasters.

    Warns
    -----
    UserWarning
        If no sample of a class has targets, because none is as clear as ``clarity``.
    """
    delays = range(1, encoder.ticks + 1)
    check_delays(
        "classifier", find_chip(chip), delays=delays, advice="take an encoder whose rasters are shorter, such as Levels"
    )
    rasters, classes = encoder.transform(samples), _as_labels(labels)
    if len(rasters) != classes.size:
        raise SpecError(f"labels must have one entry for each of {len(rasters)} samples, got {classes.size}")
    questions = Questions.one_vs_rest(int(classes.max()) + 1) if questions is None else questions
    if int(classes.max()) >= questions.n_classes:
        raise SpecError(
            f"labels must be below {questions.n_classes}, the number of classes of the questions, got {classes.max()}"
        )
    care = questions.care(classes, seed)
    if clarity is not None:
        care &= _is_clear(rasters, classes, clarity)[:, None]
    answers = questions.answers[classes] == YES
    patterns = [pattern_of(*row) for row in zip(rasters, answers, care, strict=True)]
    named = None if class_names is None else questions.output_names(class_names)
    return Spec(patterns, delays, chip=chip, output_names=named)


def clarity_of(rasters: list[Raster], labels: ArrayLike) -> Floats:
    """Return the clarity (samples,) of each sample: how clearly its spikes indicate its class.

    Negative values indicate another class.

    A ridge regression is fitted to all of them, from which lines have spiked by which tick to +1 for the own class and
    -1 for all others; a sample's clarity is the score of its own class minus the highest score of another, usually from
    -2 to 2. Excluding unclear samples is editing (Wilson 1972): a neuron that had to be exact on them
    would fit a few outliers and generalise worse.
    """
    classes = _as_labels(labels)
    wanted = 2.0 * (classes[:, None] == np.arange(classes.max() + 1)) - 1.0
    fitted = fitted_by_ridge(rasters, wanted)
    own = np.take_along_axis(fitted, classes[:, None], axis=1)[:, 0]
    clarity: Floats = own - np.where(wanted > 0.0, -np.inf, fitted).max(axis=1)
    return clarity


def fitted_by_ridge(rasters: Sequence[Raster], wanted: Floats) -> Floats:
    """Return what a ridge regression from the spikes of samples says of each: which lines have spiked by which tick.

    Parameters
    ----------
    rasters : sequence of (ticks, lines) bool
    wanted : (samples,) or (samples, values) float
        What the samples are; the result has this shape.
    """
    features = np.stack([np.logical_or.accumulate(raster).ravel() for raster in rasters]).astype(np.float64)
    features -= features.mean(axis=0)
    gram = features.T @ features + RIDGE * np.eye(features.shape[1])
    mean = wanted.mean(axis=0)
    fitted: Floats = features @ np.linalg.solve(gram, features.T @ (wanted - mean)) + mean
    return fitted


def _is_clear(rasters: list[Raster], classes: Int64s, clarity: float) -> Bools:
    """Return which samples (samples,) have at least this clarity; warn if a class has none."""
    found = clarity_of(rasters, classes)
    is_clear: Bools = found >= clarity
    for number in np.setdiff1d(classes, classes[is_clear]).tolist():
        warnings.warn(
            f"no sample of class {number} (in the order of the labels, from 0) has targets, because none is as clear"
            f" as clarity={clarity}: the clearest has {found[classes == number].max():.2g}; give a lower clarity, or"
            " None for all samples",
            stacklevel=4,
        )
    return is_clear


def pattern_of(raster: Raster, answers: Bools, care: Bools) -> Pattern:
    """Return a sample's raster followed by the decision tick; bins without a target do not count."""
    targets = np.zeros((len(raster) + 1, answers.size), dtype=np.bool_)
    targets[-1] = answers & care
    return Pattern(with_rest(raster), targets, np.broadcast_to(care, targets.shape))


def _as_labels(labels: ArrayLike) -> Int64s:
    classes = np.asarray(labels)
    if classes.ndim != 1 or classes.size == 0 or classes.dtype.kind not in "iu":
        raise SpecError(f"labels must be non-negative class numbers, got {classes.dtype} of shape {classes.shape}")
    if classes.min() < 0:
        raise SpecError(f"labels must be non-negative class numbers, got {classes.min()}")
    if classes.max() == 0:
        raise SpecError("labels must name at least two classes, got one")
    return classes.astype(np.int64)
