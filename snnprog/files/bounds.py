"""Limits on the number of bins of a file, checked before anything is allocated."""

from __future__ import annotations

from pathlib import Path

from snnprog.archive import SIZE_LIMIT_BYTES
from snnprog.errors import FormatError
from snnprog.wording import counted

PATTERN_LIMIT = 1 << 20


def check_bins(path: Path, patterns: int, *, ticks: int, neurons: int) -> None:
    """Raise `FormatError` unless the number and size of rasters are valid and within the limits."""
    if patterns < 1 or ticks < 1 or neurons < 0:
        raise FormatError(f"{path} must hold rasters of at least one tick, got {patterns} of {ticks} x {neurons}")
    if patterns > PATTERN_LIMIT or patterns * ticks * max(neurons, 1) > SIZE_LIMIT_BYTES:
        raise FormatError(
            f"{path} has {counted(patterns, 'raster')} of {ticks} x {neurons};"
            f" at most {PATTERN_LIMIT} rasters and {SIZE_LIMIT_BYTES} bins are read"
        )
