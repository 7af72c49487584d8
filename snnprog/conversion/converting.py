"""`convert`: an artificial network to a spiking program, balanced on one part of the data, evaluated on another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from snnprog.arrays import Floats, Raster
from snnprog.calls import call_checked
from snnprog.checks import as_integer, as_number, as_seed
from snnprog.chips import Chip, find_chip
from snnprog.coding import EvenRate, Latency
from snnprog.conversion.ann import INPUT, Ann
from snnprog.conversion.balancing import L4, balanced
from snnprog.conversion.decoding import SpikeCounts
from snnprog.conversion.input_lines import CODES, LATENCY, RATE, encoded, encoder_of, line_values, of_lines
from snnprog.conversion.integrator import Integrator, integrator_of
from snnprog.conversion.measuring import Scores, measured
from snnprog.conversion.onnx_file import is_onnx, model_of, read_onnx
from snnprog.conversion.onnx_network import ann_of_onnx
from snnprog.conversion.operators import check_max_pool
from snnprog.conversion.result import Conversion, LayerReport
from snnprog.conversion.samples import Parts, as_numbers, parts_of
from snnprog.conversion.scikit import ann_of_perceptron, is_perceptron
from snnprog.conversion.spiking import (
    SpikingLayer,
    Timing,
    layer_of,
    network_of,
    rates_of,
    timing_of,
    with_fitted_thresholds,
)
from snnprog.errors import SpecError
from snnprog.networks import QuantizedNetwork, TrainedNetwork, quantize
from snnprog.networks.weights import Kernel
from snnprog.wording import a_type

SUBTRACTING_TICKS, LOSING_TICKS = 64, 256
"""Ticks of a sample for resets by subtraction, and for resets to 0: with them digits lost less than
.1 and .4 points (`benchmarks/convert.py`)."""

LATENCY_SHARE = 0.5
"""Share of the usual rate for a layer whose inputs spike once: its drive grows, to twice the mean at the end."""

AGREEING = 0.95
"""Agreement below this share of samples is reported as a difference: a choice."""

MOST_TICKS = 1 << 14
"""Maximum number of ticks of a sample: a choice."""

CEILING_SLACK = 1e-9
"""Relative tolerance of a ceiling: smaller excesses are rounding in double precision."""

LEAST_BITS = 4
"""Minimum bits of weights when coarsening keeps potentials in the range in which all runtimes agree: a choice."""

COMPARED = 64
"""Samples on which states are measured, and spikes compared with the real network's: a choice."""


@call_checked
def convert(
    model: object,
    *,
    data: ArrayLike,
    labels: ArrayLike | None = None,
    held_out: float | tuple[ArrayLike, ArrayLike | None] = 0.25,
    ticks: int | None = None,
    code: str = RATE,
    adjust: str | None = None,
    percentile: float = 99.9,
    max_pool: str | None = None,
    chip: str | Chip = "loihi1",
    bits: int | None = None,
    seed: int = 0,
) -> Conversion:
    """Convert an artificial neural network to a spiking program, and evaluate it on samples held out.

    Parameters
    ----------
    model : path, onnx.ModelProto, MLPClassifier or MLPRegressor
        A network of dense and convolutional layers with ReLU; an ``.onnx`` file, or scikit-learn's fitted perceptron.
    data : (samples, ...) float
        Samples in the form of the model's input; thresholds are balanced on them.
    labels : (samples,), optional
        Classes, or values of a regression. Without them the program is only compared with the network.
    held_out : float or (samples, labels)
        The share of ``data`` that is held out for evaluation, or other samples for it.
    ticks : int, optional
        Duration of a sample; by default 64 on chips that subtract the threshold, 256 on others.
    code : str
        "rate": each input value spikes evenly, at a rate that grows with the value. "latency": each spikes once,
        earlier for greater values, and drives the first layer from then on; if few values are at the low ends of their
        ranges, on two lines, the second of which spikes earlier for smaller values.
    adjust : str, optional
        "l4": thresholds in proportion to the L4 norm of a neuron's weights (Allred and Roy 2021, arXiv:2111.09446).
    percentile : float
        Percentile of the activations of a layer that corresponds to a spike in every tick.
    max_pool : str, optional
        "average": replace max pooling by average pooling. Otherwise such layers are refused.
    chip : str or Chip
    bits : int, optional
        Bits of weights, including the sign; by default those of the chip.
    seed : int
        Seed of the choice of samples that are held out.

    Raises
    ------
    FormatError
        If a file is missing or damaged, or has an unsupported operation.
    SpecError
        If the model is of another kind, the data do not match it, or an option is invalid.
    LimitError
        If the network does not fit the chip's ranges.
    """
    _check_options(code=code, adjust=adjust, percentile=percentile)
    check_max_pool(max_pool)
    seed = as_seed(seed)
    limits, samples = find_chip(chip), as_numbers("data", data)
    ann = ann_of(model, input_shape=samples.shape[1:], max_pool=max_pool)
    parts = parts_of(ann, samples, labels, held_out=held_out, seed=seed)
    integrator = integrator_of(limits)
    timing = timing_of(ann, integrator, _ticks(ticks, integrator))
    encoder = encoder_of(ann, parts.balancing, code=code, ticks=timing.ticks)
    rasters = encoded(encoder, parts.balancing, ticks=timing.ticks, total=timing.total)
    choice = _Choice(code, adjust, percentile)
    heard = of_lines(ann, encoder)
    layers = _layers(heard, encoder, parts.balancing, integrator, timing, rasters=rasters, choice=choice)
    network = network_of(heard, layers, integrator=integrator, timing=timing)
    quantized = _quantized(network, limits, bits, rasters[:COMPARED])
    last = layers[-1].balance
    decoder = SpikeCounts(timing.ticks, timing.depths[ann.output.name], last.unit, last.offset)
    judging = encoded(encoder, parts.judging, ticks=timing.ticks, total=timing.total)
    scores, costs, beyond = measured(ann, quantized.program, parts=parts, rasters=judging, decoder=decoder)
    return Conversion(
        program=quantized.program,
        network=network,
        quantized=quantized,
        ann=ann,
        encoder=encoder,
        decoder=decoder,
        code=code,
        adjust=adjust,
        percentile=percentile,
        ticks=timing.ticks,
        total_ticks=timing.total,
        layers=tuple(_report(layer, network) for layer in layers),
        scores=scores,
        costs=costs,
        notes=(*ann.notes, *_notes(layers, encoder, parts), *_scores_notes(scores, code), *quantized.notes, *beyond),
    )


def ann_of(model: object, *, input_shape: tuple[int, ...] | None = None, max_pool: str | None = None) -> Ann:
    """Return the artificial network of a model; see `convert`."""
    if isinstance(model, (str, Path)):
        return ann_of_onnx(read_onnx(Path(model)), input_shape=input_shape, max_pool=max_pool)
    if is_onnx(model):
        return ann_of_onnx(model_of("the model", model), input_shape=input_shape, max_pool=max_pool)
    if is_perceptron(model):
        return ann_of_perceptron(model)
    is_pipeline = hasattr(model, "steps")  # of scikit-learn
    advice = "; convert its last step, pipeline[-1], with data=pipeline[:-1].transform(X)" if is_pipeline else ""
    is_torch = any(each.__module__.partition(".")[0] == "torch" for each in type(model).__mro__)
    advice = "; torch.onnx.export writes it as an .onnx file" if is_torch else advice
    raise SpecError(
        f"model must be a path of an .onnx file, an onnx.ModelProto, or scikit-learn's"
        f" MLPClassifier or MLPRegressor, got {a_type(model)}{advice}"
    )


# ---------------------------------------------------------------- steps


@dataclass(frozen=True)
class _Choice:
    code: str
    adjust: str | None
    percentile: float


def _check_options(*, code: str, adjust: str | None, percentile: float) -> None:
    if code not in CODES:
        raise SpecError(f"code must be {' or '.join(map(repr, CODES))}, got {code!r}")
    if adjust not in (None, L4):
        raise SpecError(f"adjust must be {L4!r} or None, got {adjust!r}")
    if not 50.0 <= as_number("percentile", percentile) <= 100.0:
        raise SpecError(f"percentile must be a number from 50 to 100, got {percentile!r}")


def _ticks(ticks: int | None, integrator: Integrator) -> int:
    if ticks is None:
        return SUBTRACTING_TICKS if integrator.is_subtracting else LOSING_TICKS
    count = as_integer("ticks", ticks)
    if not 1 <= count <= MOST_TICKS:
        raise SpecError(f"ticks must be from 1 to {MOST_TICKS}, got {count}")
    return count


def _layers(
    ann: Ann,
    encoder: EvenRate | Latency,
    samples: Floats,
    integrator: Integrator,
    timing: Timing,
    *,
    rasters: Sequence[Raster],
    choice: _Choice,
) -> list[SpikingLayer]:
    """Return the layers, with their thresholds, of a network for the values of the encoder's lines."""
    activations = ann.activations(line_values(encoder, samples))
    is_lasting = {layer.name: choice.code == LATENCY and INPUT in layer.parts for layer in ann.layers}
    for layer in ann.layers:
        if is_lasting[layer.name] and len(layer.parts) > 1:
            raise SpecError(
                f"layer {layer.name!r} has inputs from the network's input and other layers; use code='rate'"
            )
    rates = {
        name: rate * (LATENCY_SHARE if is_lasting[name] else 1.0) for name, rate in rates_of(integrator, timing).items()
    }
    balances = balanced(ann, activations, rates=rates, adjust=choice.adjust, percentile=choice.percentile)
    layers = [
        layer_of(
            each,
            timing,
            is_lasting=is_lasting[each.layer.name],
            peak=activations[each.layer.name].max(axis=1) + each.offset,
        )
        for each in balances
    ]
    if integrator.is_subtracting:
        return layers
    return with_fitted_thresholds(layers, integrator, timing, rasters=rasters, activations=activations)


def _quantized(network: TrainedNetwork, chip: Chip, bits: int | None, rasters: list[Raster]) -> QuantizedNetwork:
    """Return the network in integers, with coarser weights if potentials leave the range of all runtimes."""
    first = quantize(network, chip=chip, bits=bits, inputs=rasters, fit=False)
    found, width = first, bits or chip.weight_bits
    while found.mismatch.excursion is not None and width > LEAST_BITS:
        width -= 1
        found = quantize(network, chip=chip, bits=width, inputs=rasters, fit=False)
    if found.mismatch.excursion is not None or found is first:
        return first
    note = f"weights have {width} bits, so that potentials stay within the range in which all runtimes agree"
    return replace(found, notes=(*found.notes, note))


def _report(layer: SpikingLayer, network: TrainedNetwork) -> LayerReport:
    own, unit = layer.balance.layer, layer.balance.unit
    connections = [each for each in network.connections if each.target == own.name]
    return LayerReport(
        name=own.name,
        neurons=own.size,
        unit=float(unit.mean()),
        threshold=float((layer.threshold / unit)[0]),
        is_shared=all(isinstance(each.weights, Kernel) for each in connections),
    )


def _scores_notes(scores: Scores, code: str) -> list[str]:
    """Return a note if the program often differs from the network."""
    if scores.agreement >= AGREEING:
        return []
    hint = "code='rate', or " if code == LATENCY else ""
    what = "names the network's class for" if scores.measure == "accuracy" else "explains the network's values by"
    return [f"the program {what} {scores.agreement:.1%} of what was held out; try {hint}more ticks"]


def _notes(layers: Sequence[SpikingLayer], encoder: EvenRate | Latency, parts: Parts) -> list[str]:
    notes = []
    for layer in layers:
        own, unit = layer.balance.layer, layer.balance.unit
        if np.isfinite(own.ceiling) and unit.max() > own.ceiling * (1.0 + CEILING_SLACK):
            notes.append(f"{own.name}: activations above {own.ceiling:g} are not clipped, as its rates exceed them")
    outside = (parts.judging < encoder.low) | (parts.judging > encoder.high)
    if outside.any():
        notes.append(f"{outside.mean():.2%} of the values held out lie outside the range of the data, and are clipped")
    return notes
