"""A program's numbers, by the names that its chip's rule has for them."""

from __future__ import annotations

import numpy as np

from snnprog.arrays import Int64s
from snnprog.program import Program


def parameters_of(program: Program) -> dict[str, Int64s]:
    """Return (neurons,) int64 of every parameter and constant that the rule reads."""
    rule = program.chip.rule
    found: dict[str, Int64s] = {each.name: getattr(program, each.name).astype(np.int64) for each in rule.parameters}
    is_readout = np.isin(np.arange(program.n_neurons), program.outputs)
    return found | {each.name: np.where(is_readout, each.readout, each.hidden) for each in rule.constants}
