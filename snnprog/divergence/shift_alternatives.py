"""The rules that a simulator of Xylo easily comes to compute instead of the chip's: one entry each.

What is a matter of synapses, biases, patterns and the record is as on any chip (`snnprog.divergence.alternatives`). The
rest are the slips that this rule invites: decays by multiplication or without their least step, one saturation where
there are three, spikes that are not counted, a readout layer that hears the hidden one in the same tick.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from functools import partial

import numpy as np

from snnprog.arrays import Int64s, Raster
from snnprog.chips import ShiftSemantics
from snnprog.divergence.alternatives import (
    Alternative,
    biases,
    changes_of,
    clip_twos_complement,
    delays,
    records,
    starts,
    unlimited,
    weights,
    wrap_twos_complement,
)
from snnprog.divergence.rule import Synapses
from snnprog.divergence.shift_rule import Loss, ShiftNeurons, ShiftRule
from snnprog.program import Program
from snnprog.simulate.reference import clip_potential

DECAY_BITS = 15


def shift_alternatives(rule: ShiftRule, program: Program) -> list[Alternative]:
    """Return those that can make a difference on a program, and of those that make the same one, the narrowest."""
    chip = program.chip
    semantics = chip.semantics
    assert isinstance(semantics, ShiftSemantics), "only Xylo's programs have Xylo's rule"
    every = [*_roundings(rule), *_overflows(rule, semantics), *delays(rule, chip), *_layers(rule, program)]
    every += [*_firing(rule, semantics), *biases(rule, chip), *weights(rule, chip), *_orders(rule)]
    every += [*starts(rule), *records(rule)]
    parts = Synapses.of(program), ShiftNeurons.of(program, semantics)
    own = _effect(Alternative("", "", "", rule), program.n_inputs, *parts)
    distinct: dict[tuple[object, ...], Alternative] = {}
    for each in every:
        distinct.setdefault(_effect(each, program.n_inputs, *parts), each)
    return [each for effect, each in distinct.items() if effect != own]


def _effect(each: Alternative, n_inputs: int, synapses: Synapses, neurons: ShiftNeurons) -> tuple[object, ...]:
    """Return what tells an alternative from another on a program."""
    rule = each.rule
    assert isinstance(rule, ShiftRule), "made from Xylo's rule"
    wired, tuned = rule.wire(synapses, n_inputs), rule.tune(neurons)
    steps = [getattr(rule, field.name) for field in fields(rule) if field.name not in ("wire", "tune")]
    record = [each.start, each.shows_reached, each.state_lag, each.spike_lag]
    return (*changes_of(synapses, wired), *changes_of(neurons, tuned), *steps, *record)


# ------------------------------------------------------------------------------------------------------------ rounding


def lose_nothing_small(values: Int64s, shift: Int64s) -> Int64s:
    """Return ``values >> shift``, which is 0 for small values."""
    return np.right_shift(values, shift)


def lose_toward_zero(values: Int64s, shift: Int64s) -> Int64s:
    """Return the shifted magnitude with its sign, but at least 1 toward zero."""
    shifted: Int64s = np.sign(values) * np.right_shift(np.abs(values), shift)
    return np.where(shifted == 0, np.sign(values), shifted)


def lose_to_nearest(values: Int64s, shift: Int64s) -> Int64s:
    """Return the share that is lost, rounded to the nearest, half away from zero, but at least 1 toward zero."""
    rounded = np.sign(values) * np.right_shift(2 * np.abs(values) + (1 << shift), shift + 1)
    return np.where(rounded == 0, np.sign(values), rounded)


def lose_by_product(values: Int64s, shift: Int64s) -> Int64s:
    """Return what is lost where the share that is kept is multiplied by, and rounded down."""
    lost: Int64s = values - ((values * ((1 << DECAY_BITS) - (1 << DECAY_BITS - shift))) >> DECAY_BITS)
    return lost


def lose_by_product_toward_zero(values: Int64s, shift: Int64s) -> Int64s:
    """Return what is lost where the share that is kept is multiplied by, and rounded toward zero."""
    lost: Int64s = np.sign(values) * lose_by_product(np.abs(values), shift)
    return lost


LOSSES: dict[str, tuple[str, Loss]] = {
    "takes nothing of small values": ("takes nothing where the shifted value is 0, not 1", lose_nothing_small),
    "rounds toward zero": ("rounds what a decay takes of negative values toward zero, not down", lose_toward_zero),
    "rounds to nearest": ("rounds what a decay takes to the nearest, not down", lose_to_nearest),
    "multiplies": ("multiplies by the share that is kept, rounded down, and does not shift", lose_by_product),
    "multiplies toward zero": (
        "multiplies by the share that is kept, rounded toward zero, and does not shift", lose_by_product_toward_zero,
    ),
}  # fmt: skip


def _roundings(rule: ShiftRule) -> Iterator[Alternative]:
    for verb, (text, loss) in LOSSES.items():
        current, potential = replace(rule, lose_current=loss), replace(rule, lose_potential=loss)
        both = replace(current, lose_potential=loss)
        yield Alternative("rounding", f"current decay {verb}", f"{text}, in the current", current)
        yield Alternative("rounding", f"potential decay {verb}", f"{text}, in the potential", potential)
        yield Alternative("rounding", f"both decays {verb}", f"{text}, in current and potential", both)


# ------------------------------------------------------------------------------------------------------------ overflow


def _overflows(rule: ShiftRule, semantics: ShiftSemantics) -> Iterator[Alternative]:
    bits, least = semantics.potential_bits, 1 << semantics.potential_bits
    ways: list[tuple[str, str, Callable[[Int64s], Int64s]]] = [
        ("not clipped", "does not clip the {}", unlimited),
        ("wraps", "wraps the {} at 16 bits, and does not clip it", partial(wrap_twos_complement, bits=bits)),
        ("clipped at the other end", f"clips the {{}} at {1 - least}, one higher", partial(clip_potential, bits=bits)),
    ]
    for name, text, hold in ways:
        both = replace(rule, hold_change=hold, hold_potential=hold)
        yield Alternative("overflow", f"current {name}", text.format("current"), replace(rule, hold_event=hold))
        yield Alternative("overflow", f"potential {name}", text.format("potential"), both)
    at_the_end = replace(rule, hold_event=unlimited, hold_sum=rule.hold_event)
    yield Alternative(
        "overflow", "current clipped once", "clips the current once per tick, not after each line", at_the_end
    )
    yield Alternative(
        "overflow", "potential clipped once", "clips the potential once per tick, not what is added to it, too",
        replace(rule, hold_change=unlimited),
    )  # fmt: skip
    yield Alternative(
        "overflow", "lowest potential negated", f"negates the {-least} that a decay takes to {least - 1}",
        replace(rule, negate=partial(_negate_clipped, bits=bits)),
    )  # fmt: skip


def _negate_clipped(values: Int64s, bits: int) -> Int64s:
    return clip_twos_complement(-values, bits)


# -------------------------------------------------------------------------------------------------- layers and spiking


def _layers(rule: ShiftRule, program: Program) -> Iterator[Alternative]:
    is_output = np.isin(np.arange(program.n_neurons), program.outputs)
    yield Alternative(
        "delay", "readout hears at once", "lets readout neurons hear hidden ones in the same tick",
        replace(rule, wire=partial(_at_once, is_output=is_output)),
    )  # fmt: skip
    yield Alternative(
        "weight", "exponents swapped", "takes the exponent of one layer for the other's",
        replace(rule, wire=partial(_swapped, is_output=is_output)),
    )  # fmt: skip


def _at_once(synapses: Synapses, n_inputs: int, is_output: Raster) -> Synapses:
    between = is_output[synapses.post] & (synapses.pre >= n_inputs)
    return replace(synapses, delay=np.where(between, 0, synapses.delay))


def _swapped(synapses: Synapses, n_inputs: int, is_output: Raster) -> Synapses:
    to_readout = is_output[synapses.post]
    hidden, readout = (int(synapses.exponent[chosen].max(initial=0)) for chosen in (~to_readout, to_readout))
    return replace(synapses, exponent=np.where(to_readout, hidden, readout))


def count_above(potential: Int64s, threshold: Int64s) -> Int64s:
    """Return how many thresholds lie below a potential: one that just equals it is none."""
    counts: Int64s = np.maximum(potential - 1, 0) // threshold
    return counts


def count_one(potential: Int64s, threshold: Int64s) -> Int64s:
    """Return 1 where the potential reaches the threshold."""
    counts: Int64s = (potential >= threshold).astype(np.int64)
    return counts


def hear_one(counts: Int64s) -> Int64s:
    """Return 1 where there were any spikes."""
    heard: Int64s = np.minimum(counts, 1)
    return heard


def reset_to_zero(potential: Int64s, threshold: Int64s, counts: Int64s) -> Int64s:
    """Return 0 where there were spikes."""
    return np.where(counts > 0, 0, potential)


def subtract_one_threshold(potential: Int64s, threshold: Int64s, counts: Int64s) -> Int64s:
    """Return the potential without one threshold where there were spikes."""
    return potential - hear_one(counts) * threshold


def no_reset(potential: Int64s, threshold: Int64s, counts: Int64s) -> Int64s:
    """Return the potential as it is."""
    return potential


def _firing(rule: ShiftRule, semantics: ShiftSemantics) -> Iterator[Alternative]:
    yield Alternative(
        "compare", "fires above the threshold only",
        "does not fire where the potential equals the threshold (>, not >=)", replace(rule, count=count_above),
    )  # fmt: skip
    counts = {
        "one spike per tick": ("gives hidden neurons one spike per tick at most", replace(rule, count=count_one)),
        "several spikes heard as one": ("delivers several spikes of a tick as one", replace(rule, hear=hear_one)),
        "hidden spikes not limited": (
            f"does not limit hidden neurons to {semantics.most_hidden_spikes} spikes per tick",
            replace(rule, tune=partial(_with_most, least=semantics.most_hidden_spikes)),
        ),
        "readout spikes not limited": (
            "counts the spikes of readout neurons as those of hidden ones",
            replace(rule, tune=partial(_as_hidden, most=semantics.most_hidden_spikes)),
        ),
    }
    for name, (text, other) in counts.items():
        yield Alternative("count", name, text, other)
    resets = {
        "no reset": ("does not reset the potential after a spike", replace(rule, reset=no_reset)),
        "reset to zero": ("resets the potential to zero, and does not subtract", replace(rule, reset=reset_to_zero)),
        "one threshold subtracted": (
            "subtracts one threshold for several spikes of a tick", replace(rule, reset=subtract_one_threshold),
        ),
        "current reset": ("resets the current after a spike, too", replace(rule, is_current_reset=True)),
    }  # fmt: skip
    for name, (text, other) in resets.items():
        yield Alternative("reset", name, text, other)


def _with_most(neurons: ShiftNeurons, least: int) -> ShiftNeurons:
    return replace(neurons, most=np.where(neurons.most >= least, 1 << DECAY_BITS, neurons.most))


def _as_hidden(neurons: ShiftNeurons, most: int) -> ShiftNeurons:
    return replace(neurons, most=np.full_like(neurons.most, most))


# --------------------------------------------------------------------------------------------------------------- order


def _orders(rule: ShiftRule) -> Iterator[Alternative]:
    yield Alternative(
        "order", "late current", "adds the current of the tick before to the potential",
        replace(rule, is_current_late=True),
    )  # fmt: skip
    yield Alternative(
        "order", "current decays first", "lets the current decay before it adds what arrives",
        replace(rule, does_current_decay_first=True),
    )  # fmt: skip
    yield Alternative(
        "order", "potential decays last", "lets the potential decay after it has added current and bias",
        replace(rule, does_potential_decay_last=True),
    )  # fmt: skip
