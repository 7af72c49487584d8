"""The reference simulator: the chip's rule, interpreted tick by tick in plain NumPy (`snnprog.rules.interpreter`).

It is the judge of all other simulators. Every value is an int64 that holds what the chip's narrower registers hold; the
first value beyond the portable range is told in `Trace.excursions`. Axes are ``(patterns, neurons)``: patterns of like
length run side by side, each from rest, padded at their end to the longest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from snnprog.arrays import Int64s, Raster
from snnprog.program import Program
from snnprog.rules.interpreter import Interpreter, Note, Outcome
from snnprog.rules.rule import CURRENT, POTENTIAL
from snnprog.simulate.arrivals import Arrivals, Synapses
from snnprog.simulate.parameters import parameters_of
from snnprog.simulate.record import Record, side_by_side
from snnprog.trace import Excursion, Trace


def simulate(program: Program, inputs: Sequence[Raster], *, state: bool = False) -> list[Trace]:
    """Run a program on each input raster ``(ticks, inputs)``, each from rest; return one trace per raster.

    Shapes are the caller's affair: `snnprog.backends.run` checks them.
    """
    traces: dict[int, Trace] = {}
    for members in _by_length(inputs):
        together = _side_by_side(program, [inputs[index] for index in members], state=state)
        traces |= dict(zip(members, together, strict=True))
    return [traces[index] for index in range(len(inputs))]


def _by_length(inputs: Sequence[Raster]) -> list[list[int]]:
    """Return which patterns run side by side: none is padded to twice its length and more."""
    groups: dict[int, list[int]] = {}
    for index, raster in enumerate(inputs):
        groups.setdefault(len(raster).bit_length(), []).append(index)
    return list(groups.values())


def _side_by_side(program: Program, inputs: Sequence[Raster], *, state: bool) -> list[Trace]:
    return _recorded(program, inputs, state=state).traces()


def _recorded(program: Program, inputs: Sequence[Raster], *, state: bool) -> Record:
    stimulus = side_by_side(inputs, program.n_inputs)
    record = Record(program, [len(raster) for raster in inputs], state=state)
    for tick, outcome in enumerate(_ticks(program, stimulus, note=record.note_excursions)):
        current = outcome.state.get(CURRENT, np.zeros_like(outcome.compared))
        record.note(tick, outcome.spikes > 0, current, outcome.state[POTENTIAL])
    return record


def run_observed(program: Program, inputs: Sequence[Raster]) -> tuple[list[Raster], Excursion | None]:
    """Return which neurons spiked ``(ticks, neurons)``, read out or not, and where the portable range was left first.

    What a program reads out may change what it does (`Chip.is_readout_apart`), so that reading out all neurons would
    not tell.
    """
    spikes: dict[int, Raster] = {}
    left: dict[int, Excursion | None] = {}
    for members in _by_length(inputs):
        record = _recorded(program, [inputs[index] for index in members], state=False)
        for place, (index, trace) in enumerate(zip(members, record.traces(), strict=True)):
            spikes[index], left[index] = record.spikes[: len(inputs[index]), place], trace.excursion
    first = next((left[index] for index in range(len(inputs)) if left[index] is not None), None)
    return [spikes[index] for index in range(len(inputs))], first


def compared_potentials(program: Program, inputs: Raster) -> Int64s:
    """Return the potential ``(ticks, neurons)`` that each neuron compares with its threshold, of one pattern."""
    outcomes = _ticks(program, side_by_side([inputs], program.n_inputs))
    compared = [outcome.compared[0] for outcome in outcomes]
    return np.array(compared, np.int64).reshape(len(inputs), program.n_neurons)


def _ticks(program: Program, stimulus: Raster, *, note: Note | None = None) -> Iterator[Outcome]:
    """Yield what each tick leaves, for stimuli ``(ticks, patterns, inputs)``."""
    patterns, neurons = stimulus.shape[1], program.n_neurons
    interpreter = Interpreter(program.chip.rule, parameters_of(program))
    arrivals = Arrivals(interpreter, Synapses.of(program), (patterns, neurons, program.n_inputs + neurons))
    state = interpreter.rest((patterns, neurons))
    nothing = np.zeros((patterns, neurons), np.int64)
    for tick, arriving in enumerate(stimulus):
        gathered = arrivals.gathered(tick, state.get(interpreter.rule.gather.target, nothing), note)
        outcome = interpreter.tick(state, gathered, note)
        state = outcome.state
        arrivals.send(tick, np.concatenate([arriving.astype(np.int64), outcome.spikes], axis=1))
        yield outcome
