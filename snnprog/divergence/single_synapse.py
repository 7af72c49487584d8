"""Variations of one synapse: other weights and delays that reproduce the recorded values of a neuron in a tick."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np

from snnprog.arrays import Int64s
from snnprog.divergence.past import Past
from snnprog.divergence.places import Arrival
from snnprog.divergence.replay import Moment
from snnprog.divergence.variation import Variation
from snnprog.rules.interpreter import Interpreter

SYNAPSES_TRIED = 256
"""A weight costs some 10 µs an arrival, and a delay one tick of the network: all of them take about a second."""


def other_synapses(past: Past, neuron: int, *, quantity: str, found: int) -> Iterator[Variation]:
    """Yield the variations of one synapse of a neuron that can have given a current or potential."""
    arrivals = list(islice(past.arrivals(neuron), SYNAPSES_TRIED))
    for arrival in arrivals:
        tried = _weights_of(past, arrival.synapse)
        fitting = tried[_recorded(past, neuron, quantity=quantity, synapse=arrival.synapse, weights=tried) == found]
        for weight in fitting[fitting != arrival.weight].tolist():
            yield _with_weight(past, neuron, arrival=arrival, weight=weight)
    for synapse in np.flatnonzero(past.model.program.post == neuron)[:SYNAPSES_TRIED].tolist():
        yield from _with_delays(past, synapse)


def _weights_of(past: Past, synapse: int) -> Int64s:
    """Return the possible effects of a synapse: any mantissa with its exponent, or ± its mantissa with any other."""
    chip, program = past.model.program.chip, past.model.program
    ranges = [chip.weight_ranges.of(mode) for mode in ("mixed", "excitatory", "inhibitory")]
    mantissas = np.arange(min(low for low, _ in ranges), max(high for _, high in ranges) + 1)
    exponents = np.arange(chip.exponents[0], chip.exponents[1] + 1)
    own = int(program.weight[synapse]) << exponents
    values = np.concatenate([mantissas << int(program.exponent[synapse]), own, -own])
    distinct: Int64s = np.unique(values.astype(np.int64))
    return distinct


def _recorded(past: Past, neuron: int, *, quantity: str, synapse: int, weights: Int64s) -> Int64s:
    """Return the recorded value of a quantity in the tick of the difference, for each weight of a synapse."""
    model = past.model
    parameters = {name: values[neuron, None] for name, values in model.parameters.items()}
    interpreter = Interpreter(model.rule, parameters)
    state = {name: np.broadcast_to(values[neuron], weights.shape) for name, values in past.state.items()}
    gathered: Int64s = state.get(model.rule.gather.target, np.zeros_like(weights))
    for arrival in sorted(past.arrivals(neuron), key=lambda each: (model.synapses.pre[each.synapse], each.delay)):
        own = np.full_like(weights, arrival.weight)
        gathered = interpreter.gather(gathered, weights if arrival.synapse == synapse else own, arrival.spikes)
    outcome = interpreter.tick(state, gathered)
    moment = Moment(outcome.state, outcome.spikes, outcome.compared)
    return moment.current if quantity == "currents" else moment.potential


def _with_weight(past: Past, neuron: int, *, arrival: Arrival, weight: int) -> Variation:
    does = f"acts with weight {weight}, not {arrival.weight}" if weight else "does not act"
    called = past.model.program.neuron_label(neuron)
    text = f"behaves as if synapse {arrival.synapse} ({arrival.source} to {called}) {does}"
    synapses = past.model.synapses
    varied = past.model.with_synapses(
        weight=_replaced(synapses.weight, arrival.synapse, value=weight),
        exponent=_replaced(synapses.exponent, arrival.synapse, value=0),
    )
    return Variation("weight", f"synapse {arrival.synapse} weight", text, varied)


def _with_delays(past: Past, synapse: int) -> Iterator[Variation]:
    """Yield the delays of one tick less and more if they matter now."""
    synapses = past.model.synapses
    line, delay = int(synapses.pre[synapse]), int(synapses.delay[synapse])
    shortest = 0 if line < past.model.program.n_inputs else 1
    for other in (delay - 1, delay + 1):
        if other >= shortest and past.sent(line, other) != past.sent(line, delay):
            text = f"behaves as if synapse {synapse} had a delay of {other}, not {delay}"
            varied = past.model.with_synapses(delay=_replaced(synapses.delay, synapse, value=other))
            yield Variation("delay", f"synapse {synapse} delay", text, varied)


def _replaced(values: Int64s, index: int, *, value: int) -> Int64s:
    changed = values.copy()
    changed[index] = value
    return changed
