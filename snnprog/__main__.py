"""``python -m snnprog``."""

from __future__ import annotations

from snnprog.cli import main

if __name__ == "__main__":
    main()
