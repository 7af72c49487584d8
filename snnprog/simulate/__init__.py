"""Built-in simulators: the reference, which defines the meaning of the integers, and the kernel."""

from __future__ import annotations

from snnprog.simulate.reference import simulate

__all__ = ["simulate"]
