"""Where snnprog keeps what can be made again: environments of backends, and compiled code."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_path

from snnprog.errors import BackendError

CACHE_VARIABLE = "SNNPROG_CACHE"


def cache_path() -> Path:
    """Return the folder, absolute: what the variable `CACHE_VARIABLE` names, or the user's cache.

    Raises
    ------
    BackendError
        If there is neither.
    """
    named = os.environ.get(CACHE_VARIABLE)
    try:
        folder = Path(named).absolute() if named else user_cache_path("snnprog")
    except RuntimeError:  # some versions of platformdirs; others return "~/.cache"
        folder = Path()
    if not folder.is_absolute():
        raise BackendError(f"there is no home folder to keep a cache in; name a folder in {CACHE_VARIABLE}")
    return folder
