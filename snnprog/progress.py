"""How long steps tell how far they are."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Called with (step, units done, units in all) as work proceeds."""
