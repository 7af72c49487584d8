"""Neurons that are not read out, added where an output cannot do alone what is asked of it."""

from __future__ import annotations

from snnprog.design.hidden.assembly import add_hidden

__all__ = ["add_hidden"]
