"""Values that a test passes with a wrong type, or changes although they are frozen, on purpose."""

from __future__ import annotations

from typing import Any


def untyped(value: object) -> Any:
    """Return the value as it is; the type checker asks nothing of it."""
    return value
