"""Spec → Network: weights of widest margin by linear programming, or the reason why there are none."""

from __future__ import annotations

from snnprog.design.designer import Design, design, recheck

__all__ = ["Design", "design", "recheck"]
