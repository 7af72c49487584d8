"""Generated code: a module named by its digest, so that `snnprog.jit` can cache its machine code.

The digest covers the text, and the sources of everything that Numba compiles into it.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from functools import lru_cache
from types import ModuleType

from snnprog.jit import source_digest
from snnprog.rules import operations
from snnprog.rules.source import CALLED

HEADER = f"""\
from __future__ import annotations

import numpy as np

from snnprog.jit import compiled
from snnprog.rules.operations import {", ".join(CALLED)}
"""


@lru_cache(maxsize=256)
def generated(text: str, sources: Sequence[ModuleType] = ()) -> ModuleType:
    """Return a module with a text as its source.

    Parameters
    ----------
    text : str
        Code that contains only numbers and our own names.
    sources : sequence of module
        Modules whose functions the text calls, in addition to `snnprog.rules.operations`.
    """
    parts = [HEADER + text, *(source_digest(module.__name__) for module in (operations, *sources))]
    name = "rule_" + hashlib.sha256("\0".join(parts).encode("utf-8")).hexdigest()[:32]
    module = ModuleType(name)
    sys.modules[name] = module  # where Numba looks for it when it loads cached code
    exec(compile(HEADER + text, f"<{name}>", "exec"), vars(module))
    return module
