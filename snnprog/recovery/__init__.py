"""Weights from observed potentials: the L problem."""

from __future__ import annotations

from snnprog.recovery.recoverer import RecoveredNeuron, Recovery, recover

__all__ = ["RecoveredNeuron", "Recovery", "recover"]
