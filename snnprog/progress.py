"""The progress callback of long steps."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Called with (step, units done, units in all) as work proceeds.

A long search of unknown length inside a step is reported as the step's name followed by
`SEARCHING`, with the work done so far as both numbers, about four times a second.
"""

SEARCHING = ": searching"
