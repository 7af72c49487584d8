"""Ready-made specs: logic, timing, choice, counting, state machines, rhythms, memories, recordings, learning.

Each function returns an ordinary `snnprog.Spec`; ``dataclasses.replace(spec, sparse=True)`` changes its options.

Guarantees beyond the spec
--------------------------
A program is exact on its spec's patterns; these functions choose patterns that cover all cases, so that the
program is exact on *every* input of the kind that the docstring names, of any length and phase:

- Neurons here have no memory of their own (`snnprog.specs.streams`): their spikes depend only on the spikes that arrive
  at a tick. Memory is in delays and in loops of neurons, which are outputs, too, and so known.
- If there are few combinations of arrivals, the patterns contain them all (`snnprog.specs.machines`).
- If there are many, weights are kept positive, and the patterns contain the smallest input that must make a neuron fire
  and the largest that must not; every other input lies beyond one of them.

`truth_table` is an exception if it needs hidden neurons. `memory` covers perfect cues, and `from_raster`, `classifier`,
`regressor` and `linear_system` guarantee nothing beyond their recording, their samples and their raster.

The requirements on the chip are checked (`snnprog.specs.needs`). Xylo's neurons always have memory, so it supports only
`from_raster`, `classifier` and `regressor`; the others are refused.
"""

from __future__ import annotations

from snnprog.specs.choice import winner_take_all
from snnprog.specs.classification import classifier
from snnprog.specs.counting import counter, frequency_divider
from snnprog.specs.linear import linear_system
from snnprog.specs.logic import truth_table
from snnprog.specs.memories import memory
from snnprog.specs.recordings import from_raster
from snnprog.specs.regression import regressor
from snnprog.specs.rhythms import pattern_generator
from snnprog.specs.state_machines import finite_state_machine
from snnprog.specs.timing import coincidence, delay_line, sequence

__all__ = [
    "classifier",
    "coincidence",
    "counter",
    "delay_line",
    "finite_state_machine",
    "frequency_divider",
    "from_raster",
    "linear_system",
    "memory",
    "pattern_generator",
    "regressor",
    "sequence",
    "truth_table",
    "winner_take_all",
]


def __dir__() -> list[str]:
    return sorted(__all__)
