"""The first difference of two runs: its place, the spikes that had arrived, and the rule that would explain it.

A difference is explained by trial: the pattern is calculated again with variations of the chip's rule and of the
program's numbers (`snnprog.divergence.catalogue`), such as another rounding, no wrapping, or a delay that is off by
one. They are made from the structure of the rule, so every chip has them. Each variation that gives the values found is
named; those that also give all later values come first.
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
