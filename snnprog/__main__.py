"""``python -m snnprog``, and the command ``snnprog``.

Python puts the current folder first on the import path of ``python -m``. This module removes it before it
imports anything else, so that a ``json.py`` beside the user's data does not run; ``snnprog`` itself, and the few
modules that its ``__init__`` imports, are already imported.

Closed standard streams are first opened on the null device; otherwise the next file that is opened would take their
place, and output would be written into it.

Python searches for unreachable objects less often than usual, and not at the end: with Numba, SciPy and OR-tools
imported there are 90,000 objects to search. Of 1.3 s of processor time of a small compilation, this took 0.3 s.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
from typing import NoReturn

from snnprog.processes.isolation import import_folders

# New objects between two searches for unreachable ones. × 3 and ÷ 3: no clear difference in three
# runs of a small compilation each.
NEW_OBJECTS = 100_000


def main() -> NoReturn:
    """Run the command line; exit with its exit code, or after a signal with 128 plus its number."""
    gc.set_threshold(NEW_OBJECTS)
    atexit.register(gc.freeze)
    _open_closed_streams()
    from snnprog.signals import end_on_signals

    end_on_signals()
    from snnprog.cli import main as run

    run()


def _open_closed_streams() -> None:
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free descriptor: this one


if __name__ == "__main__":
    sys.path[:] = import_folders()
    main()
