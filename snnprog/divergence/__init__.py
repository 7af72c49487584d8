"""Where two runs part, and why: the first difference, what had arrived there, and which rule would give what was found.

A difference is explained by trying: the tick is computed anew from the last state on which both runs agreed, under the
chip's rule and under each one of a table of others (`snnprog.divergence.alternatives`): another rounding, no wrap, a
delay that is off by one. What gives the value that was found is named, and told apart from its likes by whether it
gives everything after it, too.
"""

from __future__ import annotations

from collections.abc import Sequence

from snnprog.arrays import Raster
from snnprog.divergence.comparison import first_difference
from snnprog.divergence.places import TARGET, Arrival, Cause, Diagnosis, Divergence
from snnprog.program import Program
from snnprog.trace import Trace


def diagnose(
    program: Program, inputs: Sequence[Raster], place: Divergence, found: Trace, expected: Trace
) -> Diagnosis | None:
    return None


def diagnose_target(program: Program, inputs: Sequence[Raster], place: Divergence) -> Diagnosis | None:
    return None


__all__ = [
    "TARGET",
    "Arrival",
    "Cause",
    "Diagnosis",
    "Divergence",
    "diagnose",
    "diagnose_target",
    "first_difference",
]
