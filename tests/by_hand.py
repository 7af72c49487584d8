"""A small program with connections of all sorts, and the synapses of programs as a list."""

from __future__ import annotations

from typing import Any

import snnprog as sp


def by_hand(**changes: Any) -> sp.Program:
    """Return two hidden neurons and two that are read out, in another order, with connections of all sorts."""
    arrays: dict[str, Any] = {
        "chip": "loihi1",
        "n_inputs": 2,
        "n_neurons": 4,
        "outputs": [3, 1],
        "pre": [0, 1, 2, 4, 3, 5, 5],
        "post": [0, 2, 3, 1, 1, 3, 0],
        "delay": [1, 1, 2, 1, 4, 1, 3],
        "weight": [90, 80, 70, 60, -30, 200, -50],
        "exponent": [0, 0, 0, 1, 0, 0, 2],
        "threshold": [50, 60, 70, 64],
        "current_decay": [4095, 1000, 4095, 0],
        "potential_decay": [200, 4095, 100, 50],
    }
    return sp.Program.from_arrays(**(arrays | changes))


def synapses_of(program: sp.Program) -> list[tuple[int, ...]]:
    """Return (pre, post, delay, weight) of each synapse, sorted."""
    columns = (program.pre, program.post, program.delay, program.effective_weight())
    return sorted(zip(*(column.tolist() for column in columns), strict=True))
