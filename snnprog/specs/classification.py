"""Samples and their labels become a spec: what each output says of each sample at the decision tick.

The patterns are the samples, in order, and one tick more than the encoder takes: the last, at which the outputs answer.
An output that is not asked about a sample has no bin that counts in its pattern.

Where spikes keep coming, as rates do, an output has to tell the last tick from those before by its inputs: one line
that spikes when a sample begins is enough. Without it, compiling names the bins that contradict one another.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from snnprog.arrays import Floats, Int64s, Raster
from snnprog.chips import Chip, find_chip
from snnprog.coding import Encoder, Questions, with_rest
from snnprog.coding.decoders import YES
from snnprog.errors import SpecError
from snnprog.spec import Pattern, Spec
from snnprog.specs.needs import check_delays

RIDGE = 10.0


def classifier(
    samples: ArrayLike,
    labels: ArrayLike,
    encoder: Encoder,
    *,
    questions: Questions | None = None,
    clarity: float | None = None,
    seed: int = 0,
    chip: str | Chip = "loihi1",
) -> Spec:
    """Return the spec of a classifier: one pattern per sample, the answers at its last tick, silence before.

    Parameters
    ----------
    samples : array
        As the encoder takes them, the samples along the first axis.
    labels : (samples,) int
        The class of each, from 0.
    encoder : Encoder
        Fitted on training samples; see `snnprog.coding`.
    questions : Questions, optional
        What each output is asked; whether it is its class rather than any other, unless given.
    clarity : float, optional
        Samples less clear than this are asked of no output; see `clarity_of`. Without it, all are.
    seed : int
        Of the draw, where outputs are asked about a share of the samples.
    chip : str or Chip
        Whose integers are meant; a registered name, or the chip itself.

    Raises
    ------
    SpecError
        If the labels are no class numbers, or not one for each sample, or the chip lacks a delay as long as the
        encoder's rasters.
    """
    delays = range(1, encoder.ticks + 1)
    check_delays(
        "classifier", find_chip(chip), delays=delays, advice="take an encoder whose rasters are shorter, such as Levels"
    )
    rasters, classes = encoder.transform(samples), _as_labels(labels)
    if len(rasters) != classes.size:
        raise SpecError(f"there are {len(rasters)} samples and {classes.size} labels; each sample needs one")
    questions = Questions.one_vs_rest(int(classes.max()) + 1) if questions is None else questions
    if int(classes.max()) >= questions.n_classes:
        raise SpecError(f"labels go up to {classes.max()}; the questions are about {questions.n_classes} classes")
    asked = questions.asked(classes, seed)
    if clarity is not None:
        asked &= (clarity_of(rasters, classes) >= clarity)[:, None]
    answers = questions.answers[classes] == YES
    patterns = [_pattern(*row) for row in zip(rasters, answers, asked, strict=True)]
    return Spec(patterns, delays, chip=chip)


def clarity_of(rasters: list[Raster], labels: ArrayLike) -> Floats:
    """Return (samples,) how clearly the spikes of each sample tell its class: below 0, they speak for another.

    A ridge regression is fitted to all of them, from which lines have spiked by which tick to +1 for the own class and
    -1 for all others; a sample's clarity is what it gives for its own class less the most it gives for another, from
    -2 to 2 as a rule. To leave out what is not clear is editing (Wilson 1972): a neuron that had to be exact there
    would bend to a few odd samples, and answer others worse.
    """
    classes = _as_labels(labels)
    features = np.stack([np.logical_or.accumulate(raster).ravel() for raster in rasters]).astype(np.float64)
    features -= features.mean(axis=0)
    wanted = 2.0 * (classes[:, None] == np.arange(classes.max() + 1)) - 1.0
    gram = features.T @ features + RIDGE * np.eye(features.shape[1])
    told = features @ np.linalg.solve(gram, features.T @ (wanted - wanted.mean(axis=0))) + wanted.mean(axis=0)
    own = np.take_along_axis(told, classes[:, None], axis=1)[:, 0]
    clarity: Floats = own - np.where(wanted > 0.0, -np.inf, told).max(axis=1)
    return clarity


def _pattern(raster: Raster, answers: Raster, asked: Raster) -> Pattern:
    """Return a sample's raster with the decision tick after it; what is not asked does not count."""
    targets = np.zeros((len(raster) + 1, answers.size), dtype=np.bool_)
    targets[-1] = answers & asked
    return Pattern(with_rest(raster), targets, np.broadcast_to(asked, targets.shape))


def _as_labels(labels: ArrayLike) -> Int64s:
    classes = np.asarray(labels)
    if classes.ndim != 1 or classes.size == 0 or classes.dtype.kind not in "iu" or classes.min() < 0:
        raise SpecError(f"labels are {classes.dtype} of shape {classes.shape}; class numbers from 0 are needed")
    if classes.max() == 0:
        raise SpecError("labels name one class alone; at least two are needed")
    return classes.astype(np.int64)
