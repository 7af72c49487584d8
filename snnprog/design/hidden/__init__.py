"""Neurons that are not read out, added where an output cannot do alone what is asked of it."""

from __future__ import annotations

from snnprog.design.hidden.assembly import add_hidden
from snnprog.design.hidden.refuting import refused_with_cases

__all__ = ["add_hidden", "refused_with_cases"]
