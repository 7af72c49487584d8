"""Hidden neurons, added if an output cannot reproduce its targets without them."""

from __future__ import annotations

from snnprog.design.hidden.assembly import add_hidden
from snnprog.design.hidden.refuting import refused_with_cases

__all__ = ["add_hidden", "refused_with_cases"]
