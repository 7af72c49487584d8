"""Generated code: a module that is named by its digest, so that `snnprog.jit` can keep what it is compiled to.

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
    """Return the module that a text is.

    Parameters
    ----------
    text : str
        Code that is made from numbers and from names of our own alone.
    sources : sequence of module
        Whose functions the text calls, beside `snnprog.rules.operations`.
    """
    parts = [HEADER + text, *(source_digest(module.__name__) for module in (operations, *sources))]
    name = "rule_" + hashlib.sha256("\0".join(parts).encode("utf-8")).hexdigest()[:32]
    module = ModuleType(name)
    sys.modules[name] = module  # where Numba looks for it when it loads what was kept
    exec(compile(HEADER + text, f"<{name}>", "exec"), vars(module))
    return module
