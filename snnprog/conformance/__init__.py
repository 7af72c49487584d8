"""Conformance checks of backends against the reference: frozen golden programs, then random ones."""

from __future__ import annotations

from snnprog.conformance.checking import Conformance, check_conformance
from snnprog.conformance.golden import Golden, golden_programs, write_golden
from snnprog.conformance.trials import LARGE, SMALL, ProgramSize, Trial, random_trial

__all__ = [
    "LARGE",
    "SMALL",
    "Conformance",
    "Golden",
    "ProgramSize",
    "Trial",
    "check_conformance",
    "golden_programs",
    "random_trial",
    "write_golden",
]
