"""An artificial neural network as layers of rectified sums: the source and the reference of a conversion.

A layer's neuron is ``min(max(sum of weights times activations + constant, 0), ceiling)``; the last layer may be the sum
alone. Everything linear between two rectifiers (convolutions, average pools, batch normalisation, several dense
layers) is one set of weights.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array, hstack

from snnprog.arrays import Floats
from snnprog.networks.weights import Kernel, Matrix, Weights

INPUT = "input"
Shape = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class AnnLayer:
    """Neurons of one layer.

    Attributes
    ----------
    name : str
    shape : tuple of int
        Such as (channels, rows, columns); flattened, it is the order of the neurons.
    parts : mapping of str to Weights
        Weights from the input, or from other layers, by their names.
    constant : (neurons,) float
        The bias.
    is_rectified : bool
        Whether negative sums become 0.
    ceiling : float
        Upper limit of activations; infinite for a plain ReLU.
    """

    name: str
    shape: Shape
    parts: Mapping[str, Weights]
    constant: Floats
    is_rectified: bool = True
    ceiling: float = math.inf

    @property
    def size(self) -> int:
        """Number of neurons."""
        return int(self.constant.size)

    def rectified(self, sums: Floats) -> Floats:
        """Return the activations of sums."""
        return np.clip(sums, 0.0, self.ceiling) if self.is_rectified else sums


@dataclass(frozen=True, eq=False)
class Ann:
    """An artificial network without loops.

    Attributes
    ----------
    name : str
        Its source.
    input_shape : tuple of int
        The shape of a sample.
    layers : tuple of AnnLayer
        Each after those that feed it; the last one is read out.
    multiplications : int
        Multiply-accumulate operations for one sample: the weights of dense layers, and those of convolutions at each
        place.
    classes : tuple or None
        The label of each output; None for a regression.
    notes : tuple of str
        Parts of the model that are omitted.
    """

    name: str
    input_shape: Shape
    layers: tuple[AnnLayer, ...]
    multiplications: int
    classes: tuple[object, ...] | None
    notes: tuple[str, ...] = ()

    @property
    def n_inputs(self) -> int:
        """Number of values of a sample."""
        return math.prod(self.input_shape)

    @property
    def output(self) -> AnnLayer:
        """The layer that is read out."""
        return self.layers[-1]

    def activations(self, samples: Floats) -> dict[str, Floats]:
        """Return the activations of all layers, (neurons, samples) each, by name; of the input, too.

        Parameters
        ----------
        samples : (samples, inputs) float
        """
        found: dict[str, Floats] = {INPUT: np.ascontiguousarray(samples.T)}
        for layer in self.layers:
            sums = np.repeat(layer.constant[:, None], len(samples), axis=1)
            for source, weights in layer.parts.items():
                sums = sums + weights.matrix @ found[source]
            found[layer.name] = layer.rectified(sums)
        return found

    def outputs(self, samples: Floats) -> Floats:
        """Return the output (samples, outputs) of the last layer."""
        return self.activations(samples)[self.output.name].T


def with_shares(ann: Ann, low: Floats, span: Floats) -> Ann:
    """Return the equivalent network for inputs ``(x - low) / span`` instead of x."""
    layers = []
    for layer in ann.layers:
        weights = layer.parts.get(INPUT)
        if weights is not None:
            constant = layer.constant + weights.matrix @ low if low.any() else layer.constant
            parts = {**layer.parts, INPUT: with_sources_scaled(weights, span)}
            layer = replace(layer, parts=parts, constant=constant)
        layers.append(layer)
    return replace(ann, layers=tuple(layers))


def with_pairs(ann: Ann, low: Floats, span: Floats) -> Ann:
    """Return the equivalent network for shares s of the ranges, followed by all 1 - s, instead of x.

    With a weight w of x, those of the two are half the span times w, and minus that: they add up to w times what x is
    from the middle of its range.
    """
    half, layers = span / 2, []
    for layer in ann.layers:
        weights = layer.parts.get(INPUT)
        if weights is not None:
            constant = layer.constant + weights.matrix @ (low + half)
            scaled = csr_array(with_sources_scaled(weights, half).matrix)
            both = Matrix(csr_array(hstack([scaled, -scaled])))
            layer = replace(layer, parts={**layer.parts, INPUT: both}, constant=constant)
        layers.append(layer)
    return replace(ann, layers=tuple(layers), input_shape=(2 * ann.n_inputs,))


def with_sources_scaled(weights: Weights, factors: Floats) -> Weights:
    """Return weights multiplied by a factor for each source: a kernel if a channel's places have the same one."""
    if isinstance(weights, Kernel):
        geometry = weights.geometry
        each = factors.reshape(geometry.channels[0], -1)
        if (each == each[:, :1]).all():
            outs, ins, *_ = geometry.weight_shape
            channel = np.arange(outs)[:, None] // (outs // geometry.groups) * ins + np.arange(ins)
            return Kernel(geometry, weights.values * each[channel, 0][:, :, None, None])
    matrix = weights.matrix.copy()
    matrix.data = matrix.data * factors[matrix.indices]
    return Matrix(matrix)
