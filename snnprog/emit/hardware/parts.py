"""The distribution of a program over cores: the neurons of each, their order, and checks of the sizes.

A core alone has all neurons. Several have what `snnprog.placement.place` puts on cores of their size: the cores that
the program carries (`Program.core`) are kept where these hold them. Otherwise neurons are spread evenly if they fit so,
because a tick takes as long as the core with the most neurons; else, the first cores are filled.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

import numpy as np

from snnprog.arrays import Bools, Int32s, Int64s
from snnprog.chips import Core, SynapticMemory
from snnprog.emit.hardware.plan import CorePlan, CoreSize
from snnprog.emit.hardware.protocol import WORD_BITS
from snnprog.errors import FitError, LimitError
from snnprog.placement import place
from snnprog.program import Program
from snnprog.simulate.layout import arriving_span


@dataclass(frozen=True, eq=False)
class CorePart:
    """The part of a program on one core.

    Attributes
    ----------
    members : (neurons,) int64
        Its neurons, in the order in which the core numbers them: that of the program where the core keeps the order of
        events; else those that are read out, then those that other cores hear, then all others.
    is_heard : (neurons,) bool
        Which of them are read out or heard by other cores.
    outputs : int
        How many are read out.
    """

    members: Int64s
    is_heard: Bools
    outputs: int


def parts_of(program: Program, plan: CorePlan) -> tuple[CorePart, ...]:
    """Return the part of each core; a core may have none of the neurons.

    Raises
    ------
    LimitError
        If the cores have no room for the program; it names what there is too much of.
    """
    check_size(program, plan)
    core_of = placed(program, plan)
    outputs = program.outputs.astype(np.int64)
    is_output = np.zeros(program.n_neurons, np.bool_)
    is_output[outputs] = True
    is_heard = is_output | _is_sent(program, core_of)
    if plan.is_ordered:
        return (CorePart(np.arange(program.n_neurons), is_heard, outputs.size),)
    parts = []
    for core in range(plan.size.cores):
        here = core_of == core
        read = outputs[here[outputs]]
        sent, silent = (np.flatnonzero(here & ~is_output & which) for which in (is_heard, ~is_heard))
        members = np.concatenate([read, sent, silent])
        parts.append(CorePart(members, is_heard[members], read.size))
    return tuple(parts)


def check_size(program: Program, plan: CorePlan) -> None:
    """Raise `LimitError` unless a program fits.

    Raises
    ------
    LimitError
        It names what there is too much of.
    """
    size = plan.size
    where = "in this core" if size.cores == 1 else f"in {size.cores} cores"
    room = {
        "neurons": (program.n_neurons, size.cores * size.neurons),
        "inputs": (program.n_inputs, size.inputs),
        "synapses": (program.n_synapses, size.cores * size.synapses),
        "delay": (int(program.delay.max(initial=0)), plan.longest_delay),
    }
    for name, (count, allowed) in room.items():
        if count > allowed:
            raise LimitError(name, count, f"at most {allowed} {where}")
    if program.chip.rule.is_sum:  # others clip or wrap what arrives, one after another
        _check_arriving(program, size)
    _check_lines(program, plan)


def _check_arriving(program: Program, size: CoreSize) -> None:
    span = arriving_span(program)
    beyond = np.flatnonzero((span.low < -size.most_arriving) | (span.high >= size.most_arriving))
    if beyond.size:
        neuron = int(beyond[0])
        most = max(-int(span.low[neuron]), int(span.high[neuron]))
        raise LimitError(
            f"what may arrive at neuron {neuron} in a tick", most, f"below {size.most_arriving}, which the core adds up"
        )


def _check_lines(program: Program, plan: CorePlan) -> None:
    size, core_of = plan.size, placed(program, plan)
    lines = np.bincount(core_of[program.post] * (program.n_inputs + program.n_neurons) + program.pre)
    most = int(lines.max(initial=0))
    if most >= size.synapses:
        raise LimitError("synapses of one line", most, f"at most {size.synapses - 1} in one core")


def _is_sent(program: Program, core_of: Int32s) -> Bools:
    """Return which neurons have synapses on other cores."""
    found = np.zeros(program.n_neurons, np.bool_)
    pre = program.pre.astype(np.int64) - program.n_inputs
    heard = np.flatnonzero(pre >= 0)
    found[pre[heard][core_of[pre[heard]] != core_of[program.post[heard]]]] = True
    return found


_PLACED: WeakKeyDictionary[Program, dict[CoreSize, Int32s]] = WeakKeyDictionary()
"""Placements of programs that are in use, which are compared by identity: one is needed several times."""


def placed(program: Program, plan: CorePlan) -> Int32s:
    """Return the core of each neuron ``(neurons,)``.

    Raises
    ------
    FitError
        If no partition over the cores is found.
    """
    known = _PLACED.setdefault(program, {})
    if plan.size not in known:
        known[plan.size] = _placed(program, plan)
    return known[plan.size]


def _placed(program: Program, plan: CorePlan) -> Int32s:
    size = plan.size
    if size.cores == 1:
        return np.zeros(program.n_neurons, np.int32)
    stored = program.core if program.core is not None and int(program.core.max()) < size.cores else None
    even = -(-program.n_neurons // size.cores)
    tries = [(stored, size.neurons)] if stored is not None else []
    for core, neurons in [*tries, (None, even)]:
        try:
            return _placed_on(program, plan, core=core, neurons=neurons)
        except FitError:
            continue
    return _placed_on(program, plan, core=None, neurons=size.neurons)


def _placed_on(program: Program, plan: CorePlan, *, core: Int32s | None, neurons: int) -> Int32s:
    size = plan.size
    memory = SynapticMemory(
        words=size.synapses,
        word_bits=WORD_BITS,
        header_bits=0,
        block_synapses=1,
        weight_bits=(plan.synapse["weight"].shape.width,),
        index_bits=(plan.synapse["post"].shape.width,),
    )
    chip = replace(program.chip, cores=size.cores, core=Core(neurons=neurons, memory=memory))
    return place(replace(program, chip=chip, core=core)).core_of
