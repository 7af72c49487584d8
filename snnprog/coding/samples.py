"""Samples as arrays of finite numbers, and their ranges."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from snnprog.arrays import Floats
from snnprog.errors import SpecError
from snnprog.wording import counted


def unfitted() -> Floats:
    """Return the empty array of an encoder that is not fitted."""
    return np.zeros(0)


def as_samples(samples: ArrayLike, axes: tuple[str, ...], *, n_columns: int | None = None) -> Floats:
    """Return samples as float64, one axis per name, all finite.

    Parameters
    ----------
    axes : tuple of str
        The names of the axes, samples first.
    n_columns : int, optional
        Required length of the last axis.

    Raises
    ------
    SpecError
        If the array has other axes, is empty, or holds non-finite values.
    """
    try:
        array = np.asarray(samples, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise SpecError(f"samples must be an array of numbers: {error}") from error
    if array.ndim != len(axes):
        raise SpecError(f"samples must have the axes ({', '.join(axes)}), got shape {array.shape}")
    if n_columns is not None and array.shape[-1] != n_columns:
        raise SpecError(f"samples must have {n_columns} {axes[-1]} as in training, got {array.shape[-1]}")
    if array.size == 0 or not np.isfinite(array).all():
        raise SpecError("samples must be non-empty and finite; fill the gaps or drop those samples")
    return array


def as_values(values: ArrayLike) -> Floats:
    """Return a read-only copy of one number per value or channel.

    Raises
    ------
    SpecError
        If it is not a list of finite numbers.
    """
    array = np.array(values, dtype=np.float64)
    if array.ndim != 1 or not np.isfinite(array).all():
        raise SpecError(f"an encoder's array must hold one finite number per value, got shape {array.shape}")
    array.flags.writeable = False
    return array


def check_fitted(encoder: object, learned: Floats) -> None:
    """Raise `SpecError` if an encoder is not fitted."""
    if learned.size == 0:
        name = type(encoder).__name__
        raise SpecError(
            f"{name} must be fitted before it transforms samples; call {name}(...).fit(training_samples), and use the"
            " object that it returns"
        )


def fitted_to(learned: Floats, noun: str) -> str:
    """Return what an encoder was fitted to, in words."""
    return f"fitted to {counted(learned.size, noun)}" if learned.size else "not fitted"


def check_least(name: str, value: float, *, least: float) -> None:
    """Raise `SpecError` if a setting is too small."""
    if not value >= least:
        raise SpecError(f"{name} must be at least {least}, got {value!r}")
