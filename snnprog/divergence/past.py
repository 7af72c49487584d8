"""The events before a difference by the chip's rule, compared with the runs."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Bools, Int64s
from snnprog.divergence.places import Arrival
from snnprog.divergence.replay import Model, Moment, Start, replay
from snnprog.divergence.sight import Sight
from snnprog.divergence.variation import REST, Variation
from snnprog.rules.expressions import names_in
from snnprog.rules.rule import CURRENT, POTENTIAL, SPIKES, Rule, Step
from snnprog.trace import Trace


@dataclass(frozen=True, eq=False)
class Past:
    """The ticks up to a difference by the chip's rule, from rest.

    Attributes
    ----------
    model : Model
        The program as its chip runs it.
    tick : int
        That of the difference.
    rows : (ticks, lines) int64
        How often each line spiked; the last row is the tick of the difference. As many as the longest delay needs.
    state : mapping of str to (neurons,) int64
        The registers after the tick before.
    now : Moment
        The tick of the difference.
    is_known : bool
        Whether the runs recorded all states, and these are the same before the difference.
    """

    model: Model
    tick: int
    rows: Int64s
    state: Mapping[str, Int64s]
    now: Moment
    is_known: bool

    @classmethod
    def of(cls, model: Model, sight: Sight) -> Past:
        """Calculate the ticks up to a difference."""
        tick, n_inputs = sight.place.tick, model.program.n_inputs
        rows: deque[Int64s] = deque(maxlen=model.program.max_delay + 2)  # of a delay that is one tick longer, too
        before = moment = Moment.at_rest(model)
        is_known = sight.has_states
        for now, moment in enumerate(replay(model, sight.inputs[: tick + 1], Start.at_rest(model))):
            rows.append(np.concatenate([sight.inputs[now].astype(np.int64), moment.counts]))
            if now < tick:
                before = moment
                is_known = is_known and not any(
                    differing(sight, trace, now, (moment, moment)).any() for trace in sight.runs.values()
                )
        return cls(
            model, tick, np.array(rows).reshape(-1, n_inputs + moment.counts.size), before.state, moment, is_known
        )

    @property
    def start(self) -> Start:
        """The state on which all agreed last."""
        return Start(self.tick, self.state, self.rows[:-1])

    def sent(self, line: int, delay: int) -> int:
        """Return how often a line spiked a number of ticks before the difference."""
        return int(self.rows[-1 - delay, line]) if delay < len(self.rows) else 0

    def arrivals(self, neuron: int) -> Iterator[Arrival]:
        """Yield the spikes that reach a neuron in the tick of the difference."""
        program = self.model.program
        weight = program.effective_weight()
        for synapse in np.flatnonzero(program.post == neuron).tolist():
            line, delay = int(program.pre[synapse]), int(program.delay[synapse])
            spikes = self.sent(line, delay)
            if spikes:
                source = program.line_label(line)
                yield Arrival(source, self.tick - delay, synapse, delay, int(weight[synapse]), spikes)

    def holds_under(self, variation: Variation) -> bool:
        """Return whether the state before the difference is a variation's, too, if that has recorded the same.

        It is where the registers that no record shows follow from the spikes, and as they do by the chip's rule.
        """
        if not self.is_known or variation.start != REST or variation.state_lag or variation.spike_lag:
            return False
        own, other = _steps_of_spikes(self.model.rule), _steps_of_spikes(variation.model.rule)
        if own is None or own != other:
            return False
        mine, theirs = self.model.parameters, variation.model.parameters
        read = {name for step in own for name in names_in(step.expression) if name in mine}
        return all(np.array_equal(mine[name], theirs[name]) for name in read)


def differing(sight: Sight, trace: Trace, tick: int, shown: tuple[Moment, Moment]) -> Bools:
    """Return for each neuron whether its record of a tick differs from the given states and spikes."""
    state, fired = shown
    differs = np.zeros(fired.counts.size, np.bool_)
    differs[sight.neurons] = trace.spikes[tick] != fired.spikes[sight.neurons]
    if trace.currents is not None and trace.potentials is not None:
        differs |= (trace.currents[tick] != state.current) | (trace.potentials[tick] != state.potential)
    return differs


def _steps_of_spikes(rule: Rule) -> list[Step] | None:
    """Return the step that fires and those that follow from spikes alone; None if a hidden register does not."""
    hidden = set(rule.registers) - {CURRENT, POTENTIAL}
    known = {each.name for each in rule.parameters} | {each.name for each in rule.constants} | hidden
    found = []
    for step in rule.all_steps:
        if step.target == SPIKES or names_in(step.expression) <= known:
            known.add(step.target)
            found.append(step)
        elif step.target in hidden:
            return None
        else:
            known.discard(step.target)
    return found
