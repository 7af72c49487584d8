"""Specs by name: logic, timing, choice, counting, state machines, pattern generators, recordings, and classes.

Each function returns an ordinary `snnprog.Spec`; ``dataclasses.replace(spec, sparse=True)`` asks for more than it does.

What holds beyond the spec
--------------------------
A program is exact on its spec's patterns; these functions choose patterns that say all there is to say, so that the
program is exact on *every* input of the kind that the docstring names, however long and in whatever phase:

- Neurons here have no memory of their own (`snnprog.specs.streams`): what they do depends on what arrives at a tick.
  Memory is in delays and in loops of neurons, which are outputs, too, and so known.
- Where all combinations of arrivals are few, the patterns hold them all (`snnprog.specs.machines`).
- Where they are many, weights are kept positive, and the patterns hold the least that must make a neuron fire and the
  most that must not; anything else lies beyond one or the other.

`truth_table` is the exception if it needs hidden neurons, and `from_raster` and `classifier` promise nothing beyond
their recording and their samples.

What these arguments need of a chip is checked (`snnprog.specs.needs`). Xylo's neurons always remember, so on it only
`from_raster` and `classifier` are specs; the others are refused.
"""

from __future__ import annotations

from snnprog.specs.choice import winner_take_all
from snnprog.specs.classification import classifier
from snnprog.specs.counting import counter, frequency_divider
from snnprog.specs.logic import truth_table
from snnprog.specs.recordings import from_raster
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
    "pattern_generator",
    "sequence",
    "truth_table",
    "winner_take_all",
]


def __dir__() -> list[str]:
    return sorted(__all__)
