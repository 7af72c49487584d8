"""Samples as arrays of finite numbers, and the range that they span."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from snnprog.arrays import Floats
from snnprog.errors import SpecError
from snnprog.wording import counted


def unfitted() -> Floats:
    """Return what an encoder has learned before it is fitted: nothing."""
    return np.zeros(0)


def as_samples(samples: ArrayLike, axes: tuple[str, ...], *, n_columns: int | None = None) -> Floats:
    """Return samples as float64, one axis per name, all finite.

    Parameters
    ----------
    axes : tuple of str
        What each axis counts, the samples first.
    n_columns : int, optional
        How many entries the last axis has to have.

    Raises
    ------
    SpecError
        If the array has other axes, is empty, or holds what is no finite number.
    """
    try:
        array = np.asarray(samples, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise SpecError(f"samples are no array of numbers: {error}") from error
    if array.ndim != len(axes):
        raise SpecError(f"samples have shape {array.shape}; the axes are ({', '.join(axes)})")
    if n_columns is not None and array.shape[-1] != n_columns:
        raise SpecError(f"samples have {array.shape[-1]} {axes[-1]}; the encoder was fitted to {n_columns}")
    if array.size == 0 or not np.isfinite(array).all():
        raise SpecError("samples hold nothing, or numbers that are not finite; fill the gaps or drop those samples")
    return array


def as_values(values: ArrayLike) -> Floats:
    """Return a read-only copy of one number per value or channel.

    Raises
    ------
    SpecError
        If it is no list of finite numbers.
    """
    array = np.array(values, dtype=np.float64)
    if array.ndim != 1 or not np.isfinite(array).all():
        raise SpecError(f"an encoder's array has shape {array.shape}; one finite number per value is needed")
    array.flags.writeable = False
    return array


def check_fitted(encoder: object, learned: Floats) -> None:
    """Raise `SpecError` where an encoder has learned nothing yet."""
    if learned.size == 0:
        name = type(encoder).__name__
        raise SpecError(f"{name} must be fitted before it transforms samples; call {name}(...).fit(training_samples)")


def fitted_to(learned: Floats, noun: str) -> str:
    """Return what an encoder was fitted to, in words."""
    return f"fitted to {counted(learned.size, noun)}" if learned.size else "not fitted"


def check_least(name: str, value: float, *, least: float) -> None:
    """Raise `SpecError` where a setting is too small."""
    if not value >= least:
        raise SpecError(f"{name} is {value!r}; at least {least} is needed")
