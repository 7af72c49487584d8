"""Values along the edges of an artificial network as linear maps of its layers; a rectifier creates a new layer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.sparse import csr_array

from snnprog.arrays import Floats
from snnprog.conversion.ann import INPUT, AnnLayer, Shape
from snnprog.convolution import Convolution
from snnprog.errors import FormatError, SpecError
from snnprog.networks.weights import Kernel, Matrix, Weights, after, identity, is_identity, together

MOST_VALUES = 1 << 24
"""Maximum number of values of one layer: that of neurons of a program."""

MOST_WEIGHTS = 1 << 26
"""Maximum number of weights of all layers, convolutions at each place: a choice; 1 GiB as a sparse matrix."""


@dataclass(frozen=True, eq=False)
class Flow:
    """Values of one sample: weighted sums of activations, and a constant.

    Attributes
    ----------
    shape : tuple of int
        Without the axis of the samples.
    parts : mapping of str to Weights
        From the input and from layers, by name.
    constant : (values,) float
    """

    shape: Shape
    parts: Mapping[str, Weights]
    constant: Floats

    @property
    def size(self) -> int:
        """Number of values."""
        return int(self.constant.size)

    def reshaped(self, shape: Shape) -> Flow:
        """Return the same values, in the same order, in another shape."""
        if int(np.prod(shape)) != self.size:
            raise FormatError(f"{self.size} values cannot have the shape {shape}")
        return replace(self, shape=shape)

    def through(self, weights: Weights, shape: Shape, *, bias: Floats | None = None) -> Flow:
        """Return weighted sums of the values, and a bias for each sum."""
        for part in self.parts.values():
            _check_product(part, weights)
        constant = np.zeros(weights.n_targets) if bias is None else bias.astype(np.float64)
        if self.constant.any():
            constant = weights.matrix @ self.constant + constant
        return Flow(shape, {source: after(part, weights) for source, part in self.parts.items()}, constant)

    def convolved(self, geometry: Convolution, values: Floats, *, bias: Floats | None, shape: Shape) -> Flow:
        """Return a convolution of the values, with a bias for each channel."""
        if geometry.n_synapses > MOST_WEIGHTS:
            raise SpecError(f"a convolution has {geometry.n_synapses} synapses; at most {MOST_WEIGHTS} are converted")
        places = geometry.size[0] * geometry.size[1]
        spread = None if bias is None else np.repeat(bias.ravel(), places)
        return self.through(Kernel(geometry, values.reshape(geometry.weight_shape)), shape, bias=spread)

    def scaled(self, factors: Floats) -> Flow:
        """Return the values multiplied by factors."""
        parts = {source: part.scaled(factors) for source, part in self.parts.items()}
        return Flow(self.shape, parts, self.constant * factors)

    def shifted(self, offsets: Floats) -> Flow:
        """Return the values plus offsets."""
        return replace(self, constant=self.constant + offsets)

    def plus(self, other: Flow) -> Flow:
        """Return the sums of the values of two flows of one shape."""
        if self.shape != other.shape:
            raise FormatError(f"values of shapes {self.shape} and {other.shape} cannot be added")
        parts = dict(self.parts)
        for source, weights in other.parts.items():
            parts[source] = together(parts[source], weights) if source in parts else weights
        return Flow(self.shape, parts, self.constant + other.constant)


def dense(weights: Floats) -> Matrix:
    """Return weights (targets, sources) as sparse ones."""
    return Matrix(csr_array(weights.astype(np.float64)))


@dataclass(eq=False)
class Builder:
    """Collects the layers of an artificial network while its operations are followed.

    Attributes
    ----------
    name : str
        Of the model, for messages.
    layers : list of AnnLayer
    multiplications : int
    notes : list of str
    weights, values : int
        Numbers so far.
    """

    name: str
    layers: list[AnnLayer] = field(default_factory=list)
    multiplications: int = 0
    notes: list[str] = field(default_factory=list)
    weights: int = 0
    values: int = 0

    def source(self, shape: Shape) -> Flow:
        """Return the input.

        Raises
        ------
        SpecError
            If a sample has too many values.
        """
        if not 0 < math.prod(shape) <= MOST_VALUES:
            raise SpecError(
                f"samples of {self.name} have the shape {shape}; at most {MOST_VALUES} values are converted"
            )
        return self._plain(INPUT, shape)

    def rectified(self, flow: Flow, *, name: str, ceiling: float = np.inf) -> Flow:
        """Return the activations of a new layer of rectified sums."""
        if not flow.parts:
            raise FormatError(
                f"{name!r} of {self.name} rectifies a constant; its input must depend on the network's input"
            )
        self._keep(AnnLayer(self._free(name), flow.shape, flow.parts, flow.constant, ceiling=ceiling))
        return self._plain(self.layers[-1].name, flow.shape)

    def close(self, flow: Flow) -> None:
        """Create the last layer: the sums that are read out, or an existing rectified layer.

        Raises
        ------
        FormatError
            If they do not depend on the input.
        """
        last = self.layers[-1] if self.layers else None
        is_last = last is not None and set(flow.parts) == {last.name} and not flow.constant.any()
        if last is not None and is_last and is_identity(flow.parts[last.name]):
            return
        if not flow.parts:
            raise FormatError(f"the outputs of {self.name} do not depend on its input")
        self._keep(AnnLayer(self._free("output"), flow.shape, flow.parts, flow.constant, is_rectified=False))

    def _keep(self, layer: AnnLayer) -> None:
        self.weights += sum(_count(weights) for weights in layer.parts.values())
        if self.weights > MOST_WEIGHTS:
            raise SpecError(f"{self.name} has more than {MOST_WEIGHTS} weights, by layer {layer.name!r}; convert less")
        self.layers.append(layer)

    def _free(self, name: str) -> str:
        """Return an unused layer name."""
        taken = {INPUT, *(layer.name for layer in self.layers)}
        names = (name, *(f"{name} {number}" for number in range(2, len(taken) + 3)))
        return next(each for each in names if each not in taken)

    @staticmethod
    def _plain(name: str, shape: Shape) -> Flow:
        width = int(np.prod(shape))
        return Flow(shape, {name: identity(width)}, np.zeros(width))


def _count(weights: Weights) -> int:
    return weights.geometry.n_synapses if isinstance(weights, Kernel) else int(weights.values.nnz)


def _check_product(first: Weights, second: Weights) -> None:
    """Raise `SpecError` if the product of two linear steps would have too many weights."""
    if is_identity(first) or (isinstance(first, Kernel) and isinstance(second, Kernel) and first.is_pooling):
        return
    uses = np.bincount(second.matrix.indices, minlength=second.n_sources)
    products = int(uses.astype(np.int64) @ np.diff(first.matrix.indptr).astype(np.int64))
    if min(products, first.n_sources * second.n_targets) > MOST_WEIGHTS or products > 16 * MOST_WEIGHTS:
        raise SpecError(f"linear layers in a row have {products} products of weights; put a ReLU between them")
