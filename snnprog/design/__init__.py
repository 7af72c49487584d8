"""Spec → Network: weights with a margin that is proved, or the proof that there are none."""

from __future__ import annotations

from snnprog.design.designer import Design, design, recheck

__all__ = ["Design", "design", "recheck"]
