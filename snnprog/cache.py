"""The cache folder: environments of backends, and compiled code."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_path

from snnprog.errors import BackendError

CACHE_VARIABLE = "SNNPROG_CACHE"


def cache_path() -> Path:
    """Return the absolute path of the folder: that in the variable `CACHE_VARIABLE`, or the user's cache.

    Raises
    ------
    BackendError
        If neither exists.
    """
    named = os.environ.get(CACHE_VARIABLE)
    try:
        folder = Path(named).absolute() if named else user_cache_path("snnprog")
    except RuntimeError:  # some versions of platformdirs; others return "~/.cache"
        folder = Path()
    if not folder.is_absolute():
        raise BackendError(
            f"the cache must have a folder, and no home folder was found; set {CACHE_VARIABLE} to a folder"
        )
    return folder
