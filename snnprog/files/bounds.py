"""How many bins a file may ask for, before anything is allocated."""

from __future__ import annotations

from pathlib import Path

from snnprog.archive import SIZE_LIMIT_BYTES
from snnprog.errors import FormatError

PATTERN_LIMIT = 1 << 20


def check_bins(path: Path, patterns: int, *, ticks: int, neurons: int) -> None:
    """Raise `FormatError` unless so many rasters of that extent exist, and are few enough to be read."""
    if patterns < 1 or ticks < 1 or neurons < 0:
        raise FormatError(f"{path} is to hold {patterns} rasters of {ticks} x {neurons}; at least one tick is needed")
    if patterns > PATTERN_LIMIT or patterns * ticks * max(neurons, 1) > SIZE_LIMIT_BYTES:
        raise FormatError(
            f"{path} asks for {patterns} rasters of {ticks} x {neurons};"
            f" at most {PATTERN_LIMIT} rasters and {SIZE_LIMIT_BYTES} bins are read"
        )
