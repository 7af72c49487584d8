"""How long steps tell how far they are."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Called with (step, units done, units in all) as work proceeds.

A long search inside a step, of which nobody knows how long it will be, is reported as the step's name followed by
`SEARCHING`, with what it has done so far as both numbers, about four times a second.
"""

SEARCHING = ": searching"
