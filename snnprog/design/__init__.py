"""Design of weights for a spec, with a proved margin, or a proof that there are none."""

from __future__ import annotations

from snnprog.design.designer import Design, design

__all__ = ["Design", "design"]
