"""Variations of a program's numbers: delays, weights, signs, exponents, biases and refractory periods.

Runtimes were seen to lose synapses of too long a delay (Lava), to make weights even because one of them is negative
(Lava), and to have no biases or delays at all. The others are mistakes in writing a simulator.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from snnprog.arrays import Int64s
from snnprog.chips import Chip
from snnprog.divergence.replay import Model
from snnprog.divergence.variation import Variation

Changes = Mapping[str, tuple[str, Callable[[Int64s], Int64s]]]
"""Name of a variation -> its text, and the handling of the numbers."""


def delays(model: Model) -> Iterator[Variation]:
    """Yield the variations of when spikes arrive."""
    for shift, direction in ((1, "late"), (-1, "early")):
        for which in ("inputs", "neurons", "all spikes"):
            whose = which if which == "all spikes" else f"spikes of {which}"
            text = f"delivers {whose} one tick {direction}"
            varied = model.with_synapses(delay=_shifted(model, shift, which))
            yield Variation("delay", f"{which} one tick {direction}", text, varied)
    own, weight = model.synapses.delay, model.synapses.weight
    text = "loses the spikes over the synapses of the longest delay"
    varied = model.with_synapses(weight=np.where(own == own.max(initial=1), 0, weight))
    yield Variation("delay", "longest delay lost", text, varied)
    varied = model.with_synapses(delay=np.ones_like(own))
    yield Variation("delay", "delays ignored", "takes every delay as 1", varied)


def _shifted(model: Model, shift: int, which: str) -> Int64s:
    """Return the delays with those of some lines shifted; a neuron's spikes act in the tick after it at the soonest."""
    is_input = model.synapses.pre < model.program.n_inputs
    is_shifted = {"inputs": is_input, "neurons": ~is_input, "all spikes": np.ones_like(is_input)}[which]
    shifted: Int64s = np.maximum(model.synapses.delay + shift * is_shifted, np.where(is_input, 0, 1))
    return shifted


def layers(model: Model) -> Iterator[Variation]:
    """Yield the variations that take one layer for the other, on chips that have two."""
    if model.program.chip.layers is None:
        return
    synapses = model.synapses
    to_readout = np.isin(synapses.post, model.program.outputs)
    is_between = to_readout & (synapses.pre >= model.program.n_inputs)
    text = "lets readout neurons hear hidden ones in the same tick"
    varied = model.with_synapses(delay=np.where(is_between, 0, synapses.delay))
    yield Variation("delay", "readout hears at once", text, varied)
    hidden, readout = (int(synapses.exponent[chosen].max(initial=0)) for chosen in (~to_readout, to_readout))
    text = "takes the exponent of one layer for the other's"
    varied = model.with_synapses(exponent=np.where(to_readout, hidden, readout))
    yield Variation("weight", "exponents swapped", text, varied)


SIGNS: Changes = {
    "negative weights positive": ("takes negative weights as positive", np.abs),
    "weights negated": ("takes the negative of every weight", np.negative),
    "negative weights lost": ("leaves out negative weights", lambda weight: np.maximum(weight, 0)),
}


def weights(model: Model) -> Iterator[Variation]:
    """Yield the variations of the effect of a synapse."""
    own, step = model.synapses.weight, model.program.chip.weight_ranges.mixed_step
    floored, truncated = own // step * step, np.sign(own) * (np.abs(own) // step * step)
    text = "adds weights without their exponent"
    varied = model.with_synapses(exponent=np.zeros_like(model.synapses.exponent))
    yield Variation("weight", "exponents ignored", text, varied)
    text = "holds all weights in the mixed format: odd ones become the next lower"
    yield Variation("weight", "weights floored to even", text, model.with_synapses(weight=floored))
    text = "holds all weights in the mixed format: odd ones lose 1 of magnitude"
    yield Variation("weight", "weights truncated to even", text, model.with_synapses(weight=truncated))
    text = "keeps only the last of synapses between the same two and delay"
    varied = model.with_synapses(weight=own * _is_last_of_parallel(model))
    yield Variation("weight", "parallel synapses overwritten", text, varied)
    for name, (text, change) in SIGNS.items():
        yield Variation("sign", name, text, model.with_synapses(weight=change(own)))


def _is_last_of_parallel(model: Model) -> Int64s:
    synapses, count = model.synapses, model.synapses.pre.size
    keys = np.stack([synapses.pre, synapses.post, synapses.delay])[:, ::-1]
    _, last = np.unique(keys, axis=1, return_index=True)
    is_last = np.zeros(count, np.int64)
    is_last[count - 1 - last] = 1
    return is_last


BIASES: Changes = {
    "bias missing": ("leaves out the bias", np.zeros_like),
    "bias negated": ("subtracts the bias", np.negative),
    "bias twice": ("adds the bias twice", lambda bias: 2 * bias),
}
REFRACTORY_PERIODS: Changes = {
    "refractory": ("holds the potential at zero for one more tick after a spike", lambda ticks: ticks + 1),
    "refractory missing": ("holds the potential at zero for no tick after a spike, refractory or not", np.ones_like),
    "refractory short": (
        "holds the potential at zero for one tick less after a spike",
        lambda ticks: np.maximum(ticks - 1, 1),
    ),
}


def neurons(model: Model) -> Iterator[Variation]:
    """Yield the variations of biases and of refractory periods, if the rule has any."""
    chip = model.program.chip
    text = "adds the bias's mantissa without its exponent"
    biases = {**BIASES, "bias unscaled": (text, lambda bias: _mantissa(bias, chip))}
    for parameter, aspect, changes in (("bias", "bias", biases), ("refractory", "reset", REFRACTORY_PERIODS)):
        if parameter in model.parameters:
            for name, (text, change) in changes.items():
                varied = model.with_parameter(parameter, change(model.parameters[parameter]))
                yield Variation(aspect, name, text, varied)


def _mantissa(bias: Int64s, chip: Chip) -> Int64s:
    """Return each bias's mantissa for its least possible exponent."""
    mantissa = bias.copy()
    for _ in range(chip.bias_exponents[1]):
        mantissa = np.where(np.abs(mantissa) > chip.bias_mantissas[1], mantissa >> 1, mantissa)
    return mantissa
