"""``python -m snnprog``.

Python puts the current folder first on the import path. It is taken away before anything that the command needs is
imported, so that a ``json.py`` beside the user's data does not run; ``snnprog`` itself, and the few modules that its
``__init__`` imports, are already there.
"""

from __future__ import annotations

import sys

from snnprog.processes.isolation import import_folders

if __name__ == "__main__":
    sys.path[:] = import_folders()
    from snnprog.cli import main

    main()
