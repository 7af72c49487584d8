"""`convert`: an artificial network to a spiking program, balanced on one part of the data, evaluated on another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from snnprog.arrays import Floats, Raster
from snnprog.checks import as_integer, as_number, as_seed
from snnprog.chips import Chip, find_chip
from snnprog.coding import Encoder, EvenRate, Latency
from snnprog.conversion.ann import INPUT, Ann, with_pairs, with_shares
from snnprog.conversion.balancing import L4, balanced
from snnprog.conversion.costs import Costs
from snnprog.conversion.decoding import SpikeCounts
from snnprog.conversion.integrator import Integrator, integrator_of
from snnprog.conversion.measuring import Scores, measured
from snnprog.conversion.onnx_file import is_onnx, model_of, read_onnx
from snnprog.conversion.onnx_network import ann_of_onnx
from snnprog.conversion.operators import check_max_pool
from snnprog.conversion.samples import Parts, as_numbers, flat, parts_of
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
from snnprog.display.card import Card, Displayed
from snnprog.errors import SpecError
from snnprog.networks import QuantizedNetwork, TrainedNetwork, quantize
from snnprog.networks.weights import Kernel
from snnprog.program import Program
from snnprog.table import Table
from snnprog.wording import counted

RATE, LATENCY = "rate", "latency"
CODES = (RATE, LATENCY)

SUBTRACTING_TICKS, LOSING_TICKS = 64, 256
"""Ticks of a sample for resets by subtraction, and for resets to 0: with them digits lost less than
.1 and .4 points (`benchmarks/convert.py`)."""

LATENCY_SHARE = 0.5
"""Share of the usual rate for a layer whose inputs spike once: its drive grows, to twice the mean at the end."""

LEAST_AT_REST = 0.25
"""If fewer values than this share are at the low ends of their ranges, like dark pixels, a latency code gives each
value a pair of lines. A choice: half of the pixels of digits are, and hardly any measurements."""

REACH_OF_PAIRS = 99.0
"""Percentile of the distances from the mean: values of a pair are clipped to it. On breast cancer, the
greatest distance gave the same accuracy within its noise, at 64 and 256 ticks."""

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


@dataclass(frozen=True, eq=False)
class LayerReport:
    """The balancing of one layer.

    Attributes
    ----------
    name : str
    neurons : int
    unit : float
        The activation of a spike in every tick, the mean over its neurons.
    threshold : float
        The share of that activation at which a neuron spikes: 1, unless fitted on data.
    is_shared : bool
        Whether it is a convolution whose weights are shared.
    """

    name: str
    neurons: int
    unit: float
    threshold: float
    is_shared: bool


@dataclass(frozen=True, eq=False, repr=False)
class Conversion(Displayed):
    """A program from an artificial network, with scores and costs.

    Attributes
    ----------
    program : Program
    network : TrainedNetwork
        The spiking network in real numbers.
    quantized : QuantizedNetwork
        The changes by rounding.
    ann : Ann
        The artificial network.
    encoder : EvenRate or Latency
        Values to spikes; see `encode`.
    decoder : SpikeCounts
        Spikes to values, or to an output.
    code, adjust : str
        As given.
    percentile : float
    ticks : int
        Ticks of a sample.
    total_ticks : int
        Ticks that the program requires for a sample.
    layers : tuple of LayerReport
    scores : Scores
        Results on the samples held out.
    costs : Costs
        Costs per sample on the samples held out.
    notes : tuple of str
        Differences from the model.
    """

    program: Program
    network: TrainedNetwork
    quantized: QuantizedNetwork
    ann: Ann
    encoder: EvenRate | Latency
    decoder: SpikeCounts
    code: str
    adjust: str | None
    percentile: float
    ticks: int
    total_ticks: int
    layers: tuple[LayerReport, ...]
    scores: Scores
    costs: Costs
    notes: tuple[str, ...] = ()

    def encode(self, samples: ArrayLike) -> list[Raster]:
        """Return the program's input for samples ``(samples, ...)``, one raster ``(total_ticks, inputs)`` each."""
        return encoded(
            self.encoder, flat(as_numbers("samples", samples), self.ann), ticks=self.ticks, total=self.total_ticks
        )

    def decode(self, spikes: Sequence[Raster]) -> list[object] | Floats:
        """Return the class of each sample, or the values (samples, outputs) of a regression, from output rasters."""
        if self.ann.classes is None:
            return self.decoder.values(spikes)
        return [self.ann.classes[index] for index in self.decoder.decide(spikes).tolist()]

    def _summary(self) -> str:
        scores, size = self.scores, counted(self.program.n_neurons, "neuron")
        found = f"agreement {scores.agreement:.4f}"
        if scores.ann is not None and scores.program is not None:
            found = f"{scores.measure} {scores.program:.4f}, {scores.ann:.4f} of the network"
        return (
            f"{found} on {counted(scores.samples, 'sample')} held out; {size}, {counted(self.ticks, 'tick')} a sample"
        )

    def _card(self) -> Card:
        rows = [(layer.name, layer.neurons, layer.unit, layer.threshold) for layer in self.layers]
        columns = ("layer", "neurons", "activation of full rate", "threshold")
        return Card(table=Table.plain("", columns=columns, rows=rows), notes=[self.costs.verdict, *self.notes])

    def as_dict(self) -> dict[str, object]:
        """Return the report as plain data."""
        return {
            "code": self.code,
            "adjust": self.adjust,
            "percentile": self.percentile,
            "ticks": self.ticks,
            "total_ticks": self.total_ticks,
            "neurons": self.program.n_neurons,
            "synapses": self.program.n_synapses,
            "layers": [vars(layer) for layer in self.layers],
            "scores": self.scores.as_dict(),
            "costs": self.costs.as_dict(),
            "notes": list(self.notes),
            "quantized": self.quantized.as_dict(),
        }


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
    encoder = _encoder(ann, parts.balancing, code, timing.ticks)
    rasters = encoded(encoder, parts.balancing, ticks=timing.ticks, total=timing.total)
    choice = _Choice(code, adjust, percentile)
    heard = _of_lines(ann, encoder)
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
    raise SpecError(
        f"model must be a path of an .onnx file, an onnx.ModelProto, or scikit-learn's"
        f" MLPClassifier or MLPRegressor, got a {type(model).__name__}"
    )


def encoded(encoder: Encoder, samples: Floats, *, ticks: int, total: int) -> list[Raster]:
    """Return input rasters (total, inputs): spikes of the first ``ticks`` ticks, then silence."""
    rasters: list[Raster] = []
    for spikes in encoder.transform(samples):
        raster = np.zeros((total, spikes.shape[1]), dtype=np.bool_)
        raster[:ticks] = spikes[:ticks]  # in a latency code, a later spike means 0
        rasters.append(raster)
    return rasters


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


def _encoder(ann: Ann, samples: Floats, code: str, ticks: int) -> EvenRate | Latency:
    """Return an encoder with the range of each value; of each channel, if a convolution shares its weights."""
    low, high = samples.min(axis=0), samples.max(axis=0)
    if code == LATENCY and _is_paired(ann, samples):
        middle = samples.mean(axis=0)
        reach = np.percentile(np.abs(samples - middle), REACH_OF_PAIRS, axis=0)
        reach = np.where(reach > 0.0, reach, 1.0)
        return Latency(last=ticks, low=middle - reach, high=middle + reach, is_paired=True)
    if any(isinstance(layer.parts.get(INPUT), Kernel) for layer in ann.layers):
        channels = ann.input_shape[0]
        least = np.minimum(low.reshape(channels, -1).min(axis=1), 0.0)
        most = np.maximum(high.reshape(channels, -1).max(axis=1), 0.0)
        low, high = (np.repeat(each, low.size // channels) for each in (least, most))
    if code == LATENCY:
        return Latency(last=ticks, low=low, high=high)
    return EvenRate(duration=ticks, low=low, high=high)


def _is_paired(ann: Ann, samples: Floats) -> bool:
    """Return whether a latency code uses two lines for each value.

    With one line, values above the minimum drive a layer from their spikes on, and the contribution of minimum values
    is in its constant from the first tick on. If most values lie within their ranges, the two are large and balance
    only at the end: before it, neurons spike erroneously.
    """
    if any(isinstance(layer.parts.get(INPUT), Kernel) for layer in ann.layers):
        return False
    return float((samples == samples.min(axis=0)).mean()) < LEAST_AT_REST


def _of_lines(ann: Ann, encoder: EvenRate | Latency) -> Ann:
    """Return the equivalent network for the values of an encoder's lines, from 0 to 1."""
    is_paired = isinstance(encoder, Latency) and encoder.is_paired
    return (with_pairs if is_paired else with_shares)(ann, encoder.low, encoder.span)


def _line_values(encoder: EvenRate | Latency, samples: Floats) -> Floats:
    share: Floats = encoder.share(samples)
    return np.concatenate([share, 1.0 - share], axis=1) if encoder.n_lines > share.shape[1] else share


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
    activations = ann.activations(_line_values(encoder, samples))
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
