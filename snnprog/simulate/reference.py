"""The reference simulator: the chip's rule, interpreted tick by tick in plain NumPy (`snnprog.rules.interpreter`).

All other simulators are compared with it. Every value is an int64 that holds the value of the chip's narrower register;
the first value beyond the portable range is reported in `Trace.excursions`. Axes are ``(patterns, neurons)``: patterns
of similar length run in parallel, each from rest, padded at their end to the longest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from snnprog.arrays import Bytes, Int64s, Raster
from snnprog.program import Program
from snnprog.rules.interpreter import Interpreter, Note, Outcome
from snnprog.rules.rule import CURRENT, POTENTIAL
from snnprog.simulate.arrivals import Arrivals, Synapses
from snnprog.simulate.parameters import parameters_of
from snnprog.simulate.record import Record, side_by_side
from snnprog.trace import Excursion, Trace


def simulate(program: Program, inputs: Sequence[Raster], *, state: bool = False) -> list[Trace]:
    """Run a program on each input raster ``(ticks, inputs)``, each from rest; return one trace per raster.

    The caller, `snnprog.backends.run`, checks shapes.
    """
    traces: dict[int, Trace] = {}
    for members in _by_length(inputs):
        together = _side_by_side(program, [inputs[index] for index in members], state=state)
        traces |= dict(zip(members, together, strict=True))
    return [traces[index] for index in range(len(inputs))]


def _by_length(inputs: Sequence[Raster]) -> list[list[int]]:
    """Return which patterns run in parallel: none is padded to twice its length or more."""
    groups: dict[int, list[int]] = {}
    for index, raster in enumerate(inputs):
        groups.setdefault(len(raster).bit_length(), []).append(index)
    return list(groups.values())


def _side_by_side(program: Program, inputs: Sequence[Raster], *, state: bool) -> list[Trace]:
    return _recorded(program, inputs, state=state).traces()


def _recorded(program: Program, inputs: Sequence[Raster], *, state: bool) -> Record:
    record = Record(program, [len(raster) for raster in inputs], state=state)
    _Network(program, len(inputs)).run(side_by_side(inputs, program.n_inputs), record)
    return record


class ReferenceStepper:
    """Runs one pattern of a program in steps.

    Parameters
    ----------
    program : Program
    state : bool
        Whether currents and potentials are recorded.
    """

    def __init__(self, program: Program, *, state: bool) -> None:
        self._program, self._state = program, state
        self._network: _Network  # created by a step from rest
        self._noted: set[int]

    def step(self, stimulus: Bytes, first_tick: int) -> Trace:
        """Continue with the spike counts ``(ticks, inputs)`` of a stimulus; from rest if ``first_tick`` is 0."""
        if first_tick == 0:
            self._network, self._noted = _Network(self._program, 1), set()
        record = Record(self._program, [len(stimulus)], state=self._state, first_tick=first_tick, noted=self._noted)
        self._network.run(stimulus[:, None], record)
        (trace,) = record.traces()
        self._noted |= {excursion.neuron for excursion in trace.excursions}
        return trace


def run_observed(program: Program, inputs: Sequence[Raster]) -> tuple[list[Raster], Excursion | None]:
    """Return which neurons spiked ``(ticks, neurons)``, read out or not, and where the portable range was left first.

    The readout of a program may change its behaviour (`Chip.is_readout_apart`), so reading out all neurons is not
    equivalent.
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
    outcomes = _Network(program, 1).ticks(side_by_side([inputs], program.n_inputs))
    compared = [outcome.compared[0] for outcome in outcomes]
    return np.array(compared, np.int64).reshape(len(inputs), program.n_neurons)


class _Network:
    """Parallel patterns of a program, with their state."""

    def __init__(self, program: Program, patterns: int) -> None:
        neurons = program.n_neurons
        interpreter = Interpreter(program.chip.rule, parameters_of(program))
        self._arrivals = Arrivals(interpreter, Synapses.of(program), (patterns, neurons, program.n_inputs + neurons))
        self._interpreter, self._state = interpreter, interpreter.rest((patterns, neurons))
        self._nothing = np.zeros((patterns, neurons), np.int64)
        self._tick = 0

    def run(self, stimulus: Bytes, record: Record) -> None:
        """Continue with stimuli ``(ticks, patterns, inputs)``, and record everything."""
        for tick, outcome in enumerate(self.ticks(stimulus, note=record.note_excursions)):
            current = outcome.state.get(CURRENT, self._nothing)
            record.note(tick, outcome.spikes > 0, current, outcome.state[POTENTIAL])

    def ticks(self, stimulus: Bytes, *, note: Note | None = None) -> Iterator[Outcome]:
        """Yield the result of each tick, for stimuli ``(ticks, patterns, inputs)`` of spike counts."""
        for arriving in stimulus:
            before = self._state.get(self._interpreter.rule.gather.target, self._nothing)
            gathered = self._arrivals.gathered(self._tick, before, note)
            outcome = self._interpreter.tick(self._state, gathered, note)
            self._state = outcome.state
            sent = np.concatenate([arriving.astype(np.int64), outcome.spikes], axis=1)
            self._arrivals.send(self._tick, sent)
            self._tick += 1
            yield outcome
