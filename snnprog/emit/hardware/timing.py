"""The number of clocks of a program's ticks on one core or several.

A core takes `clocks_per_neuron` for each neuron, and walks the synapses of its own neurons that spike. Several do so at
the same time, so that the slowest counts. Then each spike that is sent goes to all other cores, which walk its
synapses at the same time; the next one follows when the last core has taken it. The exchange takes a clock to see
that all cores are done, and one for each core.
"""

from __future__ import annotations

import numpy as np

from snnprog.arrays import Floats
from snnprog.emit.hardware.core import CLOCKS_PER_LINE, CLOCKS_PER_SYNAPSE
from snnprog.emit.hardware.core_parts import clocks_per_neuron
from snnprog.emit.hardware.ordered_core import CLOCKS_PER_EVENT, CLOCKS_PER_INPUT, CLOCKS_TO_FIND, CLOCKS_TO_SCAN
from snnprog.emit.hardware.parts import parts_of, placed
from snnprog.emit.hardware.plan import CorePlan
from snnprog.program import Program

CLOCKS_OF_START, CLOCKS_OF_EXCHANGE, CLOCKS_OF_INPUT = 1, 1, 1
"""Of a tick, and of several cores: of a tick's exchange, beside one for each core, and of an input event."""


def clocks_of(program: Program, plan: CorePlan, *, share: float) -> float:
    """Return the clocks of a tick in which a share of all lines spike, each with the mean work.

    Without spikes it is exact, for several cores as for one.
    """
    if plan.is_ordered:
        return _ordered_clocks(program, plan, share=share)
    cores, lines = plan.size.cores, program.n_inputs + program.n_neurons
    core_of = placed(program, plan).astype(np.int64)
    synapses = np.zeros((cores, lines))
    np.add.at(synapses, (core_of[program.post], program.pre), 1)
    walks: Floats = CLOCKS_PER_LINE + CLOCKS_PER_SYNAPSE * synapses
    inputs, neurons = walks[:, : program.n_inputs].max(axis=0).sum(), walks[:, program.n_inputs :]
    own = np.bincount(core_of, neurons[core_of, np.arange(program.n_neurons)], cores)
    turns = np.maximum(np.bincount(core_of, minlength=cores), 1) * clocks_per_neuron(plan)
    clocks = CLOCKS_OF_START + float((turns + share * own).max()) + share * inputs
    if cores == 1:
        return float(clocks)
    heard = np.concatenate([part.members[part.is_heard] for part in parts_of(program, plan)])
    neurons[core_of[heard], heard] = 0
    sent = neurons[:, heard].max(axis=0).sum()
    return float(clocks + CLOCKS_OF_EXCHANGE + cores + share * (sent + CLOCKS_OF_INPUT * program.n_inputs))


def _ordered_clocks(program: Program, plan: CorePlan, *, share: float) -> float:
    """Return the same for the core that keeps the order of events, each line spiking once."""
    scan = CLOCKS_TO_SCAN * (plan.size.neurons + plan.size.heard)
    walks = (CLOCKS_TO_FIND + CLOCKS_PER_EVENT) * program.n_synapses
    events = CLOCKS_PER_INPUT * program.n_inputs + program.n_outputs
    return CLOCKS_OF_START + scan + program.n_neurons * clocks_per_neuron(plan) + share * (walks + events)
