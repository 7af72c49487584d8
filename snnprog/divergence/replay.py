"""A pattern run again under any rule and with any numbers: from rest, or from a state in its middle.

Ticks are the reference's (`snnprog.rules.interpreter`, `snnprog.simulate.arrivals`). What the reference has no need of
is here: a start with spikes in progress, delays of 0, and a neuron alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from snnprog.arrays import Int64s, Raster
from snnprog.program import Program
from snnprog.rules.interpreter import Interpreter, Outcome
from snnprog.rules.rule import CURRENT, POTENTIAL, Rule
from snnprog.simulate.arrivals import Arrivals, Synapses
from snnprog.simulate.parameters import parameters_of


@dataclass(frozen=True, eq=False)
class Model:
    """A program with the rule and the numbers by which it is run.

    Attributes
    ----------
    program : Program
        What it was made from; its sizes and outputs hold, its rule and numbers do not.
    rule : Rule
    synapses : Synapses
        A delay of 0 lets spikes act in the tick in which they are fired; those of neurons come last.
    parameters : mapping of str to (neurons,) int64
        Of all that the rule reads.
    """

    program: Program
    rule: Rule
    synapses: Synapses
    parameters: Mapping[str, Int64s]

    @classmethod
    def of(cls, program: Program) -> Model:
        """Return a program as its chip runs it."""
        return cls(program, program.chip.rule, Synapses.of(program).widened, parameters_of(program))

    @property
    def n_lines(self) -> int:
        """Number of lines: inputs, then neurons."""
        return self.program.n_inputs + self.program.n_neurons

    @property
    def numbers(self) -> tuple[bytes, ...]:
        """All numbers that act, as bytes that compare and hash."""
        arrays = (self.synapses.delay, self.synapses.effective_weight, *self.parameters.values())
        return tuple(array.tobytes() for array in arrays)

    def with_rule(self, rule: Rule) -> Model:
        """Return the model under another rule."""
        return replace(self, rule=rule)

    def with_synapses(self, **arrays: Int64s) -> Model:
        """Return the model in which some arrays of the synapses are others."""
        return replace(self, synapses=replace(self.synapses, **arrays))

    def with_parameter(self, name: str, values: Int64s) -> Model:
        """Return the model in which a parameter or constant has other values."""
        return replace(self, parameters={**self.parameters, name: values})


@dataclass(frozen=True, eq=False)
class Moment:
    """The state after a tick, each array ``(neurons,)`` int64.

    Attributes
    ----------
    state : mapping of str to array
        The registers.
    counts : array
        How often each neuron spikes.
    compared : array
        The potential that was compared with the threshold.
    """

    state: Mapping[str, Int64s]
    counts: Int64s
    compared: Int64s

    @classmethod
    def of(cls, outcome: Outcome) -> Moment:
        """Return the state after one tick of one pattern."""
        shape = outcome.compared.shape
        state = {name: np.broadcast_to(values, shape)[0] for name, values in outcome.state.items()}
        return cls(state, outcome.spikes[0], outcome.compared[0])

    @classmethod
    def at_rest(cls, model: Model) -> Moment:
        """Return the state before a pattern."""
        rest = np.zeros(model.program.n_neurons, np.int64)
        return cls(dict.fromkeys(model.rule.registers, rest), rest, rest)

    @property
    def current(self) -> Int64s:
        """The current as it is recorded: zeros if the rule has none."""
        return self.state.get(CURRENT, np.zeros_like(self.compared))

    @property
    def potential(self) -> Int64s:
        """The potential as it is recorded."""
        return self.state[POTENTIAL]

    @property
    def spikes(self) -> Raster:
        """Which neurons spike."""
        fired: Raster = self.counts > 0
        return fired


@dataclass(frozen=True, eq=False)
class Start:
    """Where a replay begins.

    Attributes
    ----------
    tick : int
        The first tick that is calculated.
    state : mapping of str to (neurons,) int64
        The registers after the tick before.
    lines : (ticks before, lines) int64
        How often each line has spiked; the last row is the tick before.
    """

    tick: int
    state: Mapping[str, Int64s]
    lines: Int64s

    @classmethod
    def at_rest(cls, model: Model) -> Start:
        """Return the start of a pattern."""
        return cls(0, Moment.at_rest(model).state, np.zeros((0, model.n_lines), np.int64))


def replay(model: Model, inputs: Raster, start: Start, *, only: int | None = None) -> Iterator[Moment]:
    """Yield the ticks of one pattern, from a start to the end of its inputs ``(ticks, inputs)``.

    Parameters
    ----------
    only : int, optional
        The one neuron whose first tick is needed: where that makes no difference, no other receives anything.
    """
    n_inputs = model.program.n_inputs
    interpreter = Interpreter(model.rule, model.parameters)
    later, at_once = _arrivals(model, interpreter, start, only)
    state = {name: values[None] for name, values in start.state.items()}
    nothing = np.zeros((1, model.program.n_neurons), np.int64)
    for tick in range(start.tick, len(inputs)):
        sent = np.zeros((1, model.n_lines), np.int64)
        sent[0, :n_inputs] = inputs[tick]
        later.send(tick, sent)
        gathered = later.gathered(tick, state.get(model.rule.gather.target, nothing))
        outcome = interpreter.tick(state, gathered)
        if at_once is not None:
            at_once.send(tick, _of_neurons(model, outcome))
            outcome = interpreter.tick(state, at_once.gathered(tick, gathered))
        later.send(tick, _of_neurons(model, outcome))
        state = outcome.state
        yield Moment.of(outcome)


def _arrivals(
    model: Model, interpreter: Interpreter, start: Start, only: int | None
) -> tuple[Arrivals, Arrivals | None]:
    """Return the spikes in progress at a start, and the carrier of spikes within their tick, if any."""
    synapses, shape = model.synapses, (1, model.program.n_neurons, model.n_lines)
    is_at_once = (synapses.delay == 0) & (synapses.pre >= model.program.n_inputs)
    is_heard = synapses.post == only if only is not None and not is_at_once.any() else np.ones_like(is_at_once)
    heard = synapses.chosen(np.flatnonzero(is_heard & ~is_at_once))
    later = Arrivals(interpreter, heard, shape, first_tick=start.tick)
    for age, row in enumerate(start.lines[::-1][: later.longest], 1):
        later.send(start.tick - age, row[None])
    if not is_at_once.any():
        return later, None
    return later, Arrivals(interpreter, synapses.chosen(np.flatnonzero(is_at_once)), shape)


def _of_neurons(model: Model, outcome: Outcome) -> Int64s:
    sent = np.zeros((1, model.n_lines), np.int64)
    sent[:, model.program.n_inputs :] = outcome.spikes
    return sent
