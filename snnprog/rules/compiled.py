"""Generated code: a file named by its digest in the user's cache, so that Numba can keep what it compiles.

The digest covers the text, and the sources of everything that Numba compiles into it, so that a changed function is a
changed file. Where nothing can be written, the same text is compiled in memory, anew in each process.
"""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import os
import sys
import tempfile
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from types import ModuleType

from snnprog.cache import cache_path
from snnprog.rules import operations
from snnprog.rules.source import CALLED

HEADER = f"""\
from __future__ import annotations

from numba import njit
import numpy as np

from snnprog.rules.operations import {", ".join(CALLED)}
"""


@lru_cache(maxsize=256)
def generated(text: str, sources: Sequence[ModuleType] = ()) -> ModuleType:
    """Return the module that a text is, importing it from the cache if it can be kept there.

    Parameters
    ----------
    text : str
        Code that is made from numbers and from names of our own alone; ``{cache}`` in it becomes whether Numba can
        keep what it compiles.
    sources : sequence of module
        Whose functions the text calls, beside `snnprog.rules.operations`.
    """
    parts = [HEADER + text, *(inspect.getsource(module) for module in (operations, *sources))]
    name = "rule_" + hashlib.sha256("\0".join(parts).encode("utf-8")).hexdigest()[:32]
    try:
        path = _kept(name, (HEADER + text).replace("{cache}", "True"))
        return _imported(name, path)
    except OSError:
        module = ModuleType(name)
        exec(compile((HEADER + text).replace("{cache}", "False"), f"<{name}>", "exec"), vars(module))
        return module


def _kept(name: str, text: str) -> Path:
    """Return the file of that name that holds the text; it is written whole, or not at all."""
    folder = cache_path() / "compiled"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.py"
    if not (path.is_file() and path.read_text(encoding="utf-8") == text):
        handle, temporary = tempfile.mkstemp(dir=folder, suffix=".tmp")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(temporary).replace(path)
    if not os.access(folder, os.W_OK):
        raise PermissionError(f"{folder} cannot be written")
    return path


def _imported(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where Numba looks for it when it loads what it has kept
    spec.loader.exec_module(module)
    return module
