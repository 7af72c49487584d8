"""Conversion of real weights to a hidden neuron: integers first, whose spikes are its raster.

An output's target is given, and integers must be found that hit it. A hidden neuron is free to do anything that is of
use, so nothing about it has to be proved: its weights are rounded, its threshold is tried out, and what it does in the
chip's integers counts as what it must do.
"""

from __future__ import annotations

import math
from collections.abc import Container
from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Floats, Int64s, Raster
from snnprog.design.hidden.draft import Draft
from snnprog.network import Neuron
from snnprog.potential import Resets
from snnprog.rounding import HALF_STEP, half_even_integer
from snnprog.simulate.neuron import SimulatedNeuron
from snnprog.solver import check_time
from snnprog.spec import FREE

ROOM = 0.25
"""How much of the accumulators' widths a hidden neuron may use.

Its inputs are other neurons, which may do more on other inputs. × 3 and ÷ 3 of the odds: as many hidden neurons on 1
spec.
"""


@dataclass(frozen=True, eq=False)
class Crafted:
    """A hidden neuron and its value."""

    neuron: Neuron
    worth: float


@dataclass(frozen=True, eq=False)
class _Rounded:
    """Weights in LSBs of exponent 0, their grid's exponent, the bias, and the factor of the real ones."""

    weights: Int64s
    exponent: int
    bias: int
    scale: float


def craft(draft: Draft, unknowns: Floats, *, value: Floats) -> Crafted | None:
    """Return the hidden neuron of these weights, at the threshold with the most valuable spikes; None without value.

    Parameters
    ----------
    unknowns : (taps + 2,) float
        Weights, threshold and bias, as in `NearestMiss`.
    value : (ticks,) float
        What a spike is worth at each tick; it may be negative.
    """
    made = _integers(draft, draft.within_fan_in(unknowns))
    if not made.weights.any() and made.bias == 0:
        return None
    best: Crafted | None = None
    threshold = 1 if draft.spec.threshold == FREE else int(draft.spec.threshold)
    while threshold <= draft.chip.thresholds[1]:
        check_time()
        run = draft.run(made.weights, threshold, made.bias)
        if not run.is_portable:
            return None
        once, *twice = np.split(run.spikes, [value.size])
        worth = float(value[once].sum())
        if worth > (0.0 if best is None else best.worth):
            neuron = _settled(draft, made, run, threshold)
            best = best if neuron is None else Crafted(neuron, worth)
        is_harm = np.concatenate([once & (value < 0.0), *twice])[: run.spikes.size]
        harm = run.potentials[is_harm]
        if not harm.size or draft.spec.threshold != FREE:
            break
        threshold = max(threshold + 1, math.ceil(float(np.median(harm)) / _unit(draft)))
    return best


def threshold_neuron(draft: Draft, weights: Floats, threshold: float) -> Neuron | None:
    """Return the hidden neuron of weights (taps,) that fires where they sum up to more than a threshold.

    None if it leaves the range in which all runtimes agree, or has no such integers.
    """
    gain = draft.mapping.gain
    bias = 0.0 if draft.box.is_bias_free else draft.box.bias[0]
    made = _integers(draft, np.concatenate([weights, [gain * threshold, bias]]))
    least, most = draft.chip.thresholds
    level = half_even_integer(gain * threshold * made.scale)
    level = int(draft.spec.threshold) if draft.spec.threshold != FREE else min(max(level, least), most)
    run = draft.run(made.weights, level, made.bias)
    return _settled(draft, made, run, level) if run.is_portable else None


def drawn_neuron(
    draft: Draft, weights: Int64s, exponent: int, *, bias: int, rank: float, known: Container[bytes]
) -> Neuron | None:
    """Return the hidden neuron of given integers, its threshold between the potentials that it reaches without a spike.

    None if it leaves the range in which all runtimes agree, does not spike once in a tick at most, or has known spikes.

    Parameters
    ----------
    weights : (taps,) int
        In LSBs of exponent 0, on the grid of ``exponent``.
    bias : int
        In the chip's units.
    rank : float
        From 0 to 1: which of the potentials is the least that does not spike; a fixed threshold stays.
    known : container of bytes
        The spikes, packed, of neurons that are of no use.
    """
    made, chip = _Rounded(weights, exponent, bias, 1.0), draft.chip
    threshold = chip.thresholds[1]
    if draft.spec.threshold == FREE:
        reached = draft.run(weights, threshold, bias).potentials[: draft.mapping.tape.ticks]
        levels = np.unique(np.maximum(reached, 0))
        if levels.size < 2:
            return None
        level = int(levels[int(rank * (levels.size - 1))])
        threshold = min(max(level // chip.unit + 1, chip.thresholds[0]), threshold)
    else:
        threshold = int(draft.spec.threshold)
    run = draft.run(weights, threshold, bias)
    if not run.is_portable or not run.spikes.any():
        return None
    spikes = run.spikes[: draft.mapping.tape.ticks]
    return None if np.packbits(spikes).tobytes() in known else _settled(draft, made, run, threshold)


def _integers(draft: Draft, unknowns: Floats) -> _Rounded:
    """Scale the weights to the range that they may have, or to a fixed threshold, and round them (halves to even).

    The grid is the finest that holds them. Where weights have few bits, it is the coarsest on which the largest is at
    most the chip's without an exponent, so that thresholds between their sums must be had; where there is noise
    to survive, the coarsest that the widths have room for.
    """
    chip, box, limit = draft.chip, draft.box, draft.spec.mantissas.limit
    weights, threshold, bias = unknowns[:-2], float(unknowns[-2]), float(unknowns[-1])
    scale = 1.0
    if box.is_bias_free or not box.has_bias:
        scale = _widest_scale(draft, unknowns)
        if not box.is_threshold_free and threshold > 0.0:
            scale = box.threshold[0] / threshold
    reach = scale * float(np.abs(weights).max(initial=0.0))
    exponent = min(chip.exponents[1], max(0, math.ceil(math.log2(max(reach, limit) / limit))))
    real = scale * weights / (1 << exponent)
    mantissas = box.nearest_weights(real) * (np.abs(real) >= HALF_STEP * limit if draft.spec.mantissas.is_binary else 1)
    top = max(-chip.bias_limit, min(chip.bias_limit, scale * bias * _unit(draft)))
    fixed = draft.spec.bias
    return _Rounded(mantissas << exponent, exponent, chip.nearest_bias(top) if fixed == FREE else int(fixed), scale)


def _widest_scale(draft: Draft, unknowns: Floats) -> float:
    """Return by how much the unknowns may be multiplied: to the largest weight, or to a share of the widths."""
    chip, box, mapping, limits = draft.chip, draft.box, draft.mapping, draft.mapping.linear.limits
    weights, bias = unknowns[:-2], abs(float(unknowns[-1]))
    reach = np.abs(weights)
    quiet = mapping.resets(np.zeros(mapping.played.ticks, dtype=np.bool_))
    widest = float((mapping.potential(reach, quiet) + bias * mapping.bias_response(quiet)).max(initial=0.0))
    most, limit = ROOM * float(min(limits.potential, limits.arrivals)), draft.spec.mantissas.limit
    shift = chip.exponents[1] if box.noise > 0.0 else (chip.weight_limit // limit).bit_length() - 1
    greatest = limit << min(chip.exponents[1], shift)
    return min(
        greatest / max(float(reach.max(initial=0.0)), 1e-12),
        most / max(widest, 1e-12),
        chip.bias_limit / _unit(draft) / max(bias, 1e-12),
    )


def _settled(draft: Draft, made: _Rounded, run: SimulatedNeuron, threshold: int) -> Neuron | None:
    """Return the neuron of a run, with its threshold between the potentials if it is free.

    None unless it spikes at most once in a tick, tolerates the noise and has a valid threshold.
    """
    mapping, ticks = draft.task.hidden_mapping, draft.mapping.tape.ticks
    spikes = run.spikes[:ticks]
    if run.spikes[ticks:].any():
        return None
    resets, due = mapping.resets(spikes), mapping.due_of(spikes)
    potential = mapping.potential(made.weights.astype(np.float64), resets)
    potential = potential + made.bias / _unit(draft) * mapping.bias_response(resets)
    if mapping.linear.is_reset_to_zero and draft.spec.threshold == FREE:
        centred = _centred(draft, potential, due)
        if centred is None:
            return None
        threshold, run = centred, draft.run(made.weights, centred, made.bias)
    if not np.array_equal(run.spikes, due) or not _survives_noise(draft, run, threshold, resets):
        return None
    truncation = mapping.truncation(resets, due, biased=made.bias != 0) + draft.box.noise
    norms = mapping.potential((made.weights != 0).astype(np.float64), resets)
    distance = np.where(due, 1.0, -1.0) * (potential - threshold * resets.threshold_response)
    return Neuron(
        weights=made.weights.astype(np.float64).reshape(mapping.delays.size, mapping.n_lines),
        threshold=float(threshold),
        bias=made.bias / _unit(draft),
        exponent=made.exponent,
        margin=float(((distance - truncation) / ((norms + 1.0) * (1 << made.exponent))).min()),
        bound=_bound(draft),
        raster=spikes,
    )


def _centred(draft: Draft, potential: Floats, spikes: Raster) -> int | None:
    """Return a threshold between the potentials of silences and spikes; None if the chip has none there."""
    silent, due = float(potential[~spikes].max(initial=-np.inf)), float(potential[spikes].min(initial=np.inf))
    low, high = draft.chip.thresholds
    least, last = math.floor(max(silent, low - 1)) + 1, math.ceil(min(due, high + 1)) - 1
    return least + (last - least) // 2 if last >= least else None


def _survives_noise(draft: Draft, run: SimulatedNeuron, threshold: int, resets: Resets) -> bool:
    """Return whether noise of the size that is required leaves the spikes unchanged; held neurons compare none."""
    compared = (run.potentials / _unit(draft) - threshold)[~resets.is_held]
    return draft.box.noise == 0.0 or bool((np.abs(compared) > draft.box.noise).all())


def _bound(draft: Draft) -> float:
    """Return a margin that no weights exceed: a spike's potential is at most the widest weights' and bias's."""
    return float(draft.chip.weight_limit) + draft.chip.bias_limit / _unit(draft)


def _unit(draft: Draft) -> int:
    return draft.chip.unit
