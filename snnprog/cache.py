"""Where snnprog keeps what can be made again: environments of backends, and compiled code."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_path

CACHE_VARIABLE = "SNNPROG_CACHE"


def cache_path() -> Path:
    """Return the folder, absolute: what the variable `CACHE_VARIABLE` names, or the user's cache."""
    named = os.environ.get(CACHE_VARIABLE)
    return Path(named).absolute() if named else user_cache_path("snnprog")
