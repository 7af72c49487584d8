"""``python -m snnprog``, and the command ``snnprog``.

Python puts the current folder first on the import path of ``python -m``. It is taken away before anything that the
command needs is imported, so that a ``json.py`` beside the user's data does not run; ``snnprog`` itself, and the few
modules that its ``__init__`` imports, are already there.

Standard streams that are closed are opened to nowhere first, or else the next file would take their place, and what is
printed would go into it.
"""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from snnprog.processes.isolation import import_folders


def main() -> NoReturn:
    """Run the command line; leave with its exit code, or on a signal with 128 and its number."""
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
            os.open(os.devnull, os.O_RDWR)  # the lowest that is free: this one


if __name__ == "__main__":
    sys.path[:] = import_folders()
    main()
