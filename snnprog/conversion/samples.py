"""Samples for a conversion: one part for balancing thresholds, another for evaluation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snnprog.archive import array_of, read_archive
from snnprog.arrays import Floats
from snnprog.conversion.ann import Ann
from snnprog.errors import FormatError, SpecError

LEAST_SAMPLES = 2
"""Minimum number of samples for a range of values."""

SHOWN_CLASSES = 10
"""Maximum number of classes in a message: a choice."""

DATA, LABELS = "data", "labels"


@dataclass(frozen=True, eq=False)
class Parts:
    """Samples by use.

    Attributes
    ----------
    balancing, judging : (samples, inputs) float
    labels : (samples,) or None
        Labels of the samples for evaluation.
    """

    balancing: Floats
    judging: Floats
    labels: NDArray[np.generic] | None


def as_numbers(name: str, samples: ArrayLike) -> Floats:
    """Return samples as float64.

    Raises
    ------
    SpecError
        If they are not finite numbers of (samples, ...).
    """
    try:
        given = np.asarray(samples)
    except ValueError as error:
        raise SpecError(f"{name} must be an array (samples, ...), got rows of different lengths") from error
    try:
        if given.dtype.kind not in "biufO":
            raise TypeError(given.dtype)
        array = given.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise SpecError(f"{name} must be real numbers of (samples, ...), got an array of {given.dtype}") from error
    if array.ndim < 2 or array.size == 0:
        raise SpecError(f"{name} must be numbers of (samples, ...), got an array of shape {array.shape}")
    wrong = np.argwhere(~np.isfinite(array))
    if wrong.size:
        where = tuple(wrong[0].tolist())
        raise SpecError(f"{name} must be finite, got {array[where]} at {where} and {len(wrong)} such values in all")
    return array


def flat(samples: Floats, ann: Ann) -> Floats:
    """Return samples (samples, inputs) of a network.

    Raises
    ------
    SpecError
        If a sample has another number of values.
    """
    if math.prod(samples.shape[1:]) != ann.n_inputs:
        raise SpecError(f"samples must have the shape {ann.input_shape} of {ann.name}'s input, got {samples.shape[1:]}")
    return samples.reshape(len(samples), -1)


def parts_of(
    ann: Ann,
    data: Floats,
    labels: ArrayLike | None,
    *,
    held_out: float | tuple[ArrayLike, ArrayLike | None],
    seed: int,
) -> Parts:
    """Return the samples for balancing and for evaluation; see `snnprog.convert`."""
    values, classes = flat(data, ann), _labels("labels", labels, len(data), ann=ann)
    if isinstance(held_out, tuple):
        if len(held_out) != 2:
            raise SpecError(f"held_out must be a share or (samples, labels), got {len(held_out)} values")
        others = flat(as_numbers("held_out", held_out[0]), ann)
        return Parts(values, others, _labels("labels held out", held_out[1], len(others), ann=ann))
    if isinstance(held_out, bool) or not isinstance(held_out, (int, float)) or not 0.0 < held_out < 1.0:
        raise SpecError(f"held_out must be a share above 0 and below 1, or (samples, labels), got {held_out!r}")
    order = np.random.default_rng(seed).permutation(len(values))
    judging = math.ceil(held_out * len(values))
    if min(judging, len(values) - judging) < LEAST_SAMPLES:
        raise SpecError(f"data must hold {LEAST_SAMPLES} samples for balancing and for evaluation, got {len(values)}")
    chosen, rest = np.sort(order[:judging]), np.sort(order[judging:])
    return Parts(values[rest], values[chosen], None if classes is None else classes[chosen])


def _labels(name: str, labels: ArrayLike | None, samples: int, *, ann: Ann) -> NDArray[np.generic] | None:
    if labels is None:
        return None
    array = np.asarray(labels)
    if array.shape[:1] != (samples,) or array.ndim > 2:
        raise SpecError(f"{name} must be one for each of {samples} samples, got an array of shape {array.shape}")
    if ann.classes is not None and array.ndim == 1 and not np.isin(array, np.array(ann.classes)).any():
        known = ", ".join(map(repr, np.array(ann.classes[:SHOWN_CLASSES]).tolist()))
        more = ", ..." if len(ann.classes) > SHOWN_CLASSES else ""
        raise SpecError(f"{name} must be classes of the network, {known}{more}, got {array[:1].tolist()[0]!r}")
    return array


def read_samples(path: Path) -> tuple[Floats, NDArray[np.generic] | None]:
    """Return the samples and labels of an ``.npz`` file: its arrays "data" and, if there are any, "labels".

    Raises
    ------
    FormatError
        If the file is missing or damaged, or has no such array of numbers.
    """
    members = read_archive(path)
    data = array_of(path, members, name=DATA)
    if data.dtype.kind not in "biuf":
        raise FormatError(f"{path} must hold an array 'data' of numbers, got {data.dtype}")
    return data.astype(np.float64), array_of(path, members, name=LABELS) if f"{LABELS}.npy" in members else None
