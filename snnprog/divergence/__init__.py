"""The first difference of two runs: its place, the spikes that had arrived, and the rule that would explain it.

A difference is explained by trying: the pattern is calculated again by variations of the chip's rule and of the
program's numbers (`snnprog.divergence.catalogue`): another rounding, no wrap, a delay that is off by one. They are made
from the structure of the rule, so that every chip has them. A variation that gives what was found is named; those that
give everything after it, too, come first.
"""

from __future__ import annotations

from snnprog.divergence.comparison import first_difference
from snnprog.divergence.diagnosis import diagnose, diagnose_target
from snnprog.divergence.places import TARGET, Arrival, Cause, Diagnosis, Divergence

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
