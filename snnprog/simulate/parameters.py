"""A program's parameters, by their names in its chip's rule."""

from __future__ import annotations

import numpy as np

from snnprog.arrays import Int64s
from snnprog.program import Program
from snnprog.rules.interpreter import Interpreter

MOST_IN_A_BYTE = 255
"""Maximum number of spikes of a line in a tick for any rule: exported C and streaming runners use a byte for each."""


def parameters_of(program: Program) -> dict[str, Int64s]:
    """Return (neurons,) int64 of every parameter and constant that the rule reads."""
    rule = program.chip.rule
    found: dict[str, Int64s] = {each.name: getattr(program, each.name).astype(np.int64) for each in rule.parameters}
    is_readout = np.isin(np.arange(program.n_neurons), program.outputs)
    return found | {each.name: np.where(is_readout, each.readout, each.hidden) for each in rule.constants}


def most_line_spikes(program: Program) -> int:
    """Return the maximum number of spikes of an input line in a tick: that of a neuron by the rule, or 255."""
    rule = program.chip.rule
    if rule.firing.most is None:
        return MOST_IN_A_BYTE
    found = [1]
    for layer in ("hidden", "readout"):
        limits = {each.name: np.array(getattr(each, layer), np.int64) for each in rule.constants}
        found.append(int(Interpreter(rule, parameters_of(program) | limits).value(rule.firing.most).max()))
    return min(max(found), MOST_IN_A_BYTE)
