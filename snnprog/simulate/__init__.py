"""Simulators that are built in: the reference, which states what the integers mean."""

from __future__ import annotations

from snnprog.simulate.reference import simulate

__all__ = ["simulate"]
