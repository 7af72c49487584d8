"""Weights between two sets of channels: a sparse matrix, or the kernel of a convolution.

A path of a trained network, from a source of spikes to neurons, is one of these. Paths are composed node by node; a
convolution stays one if possible, and everything else becomes a matrix.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from scipy.sparse import csr_array, diags_array, eye_array

from snnprog.arrays import Floats, Int64s
from snnprog.convolution import PART, Convolution


@dataclass(frozen=True, eq=False)
class Matrix:
    """One weight for each pair of channels.

    Attributes
    ----------
    values : (targets, sources) sparse float
    """

    values: csr_array

    @property
    def n_sources(self) -> int:
        """Number of source channels."""
        return int(self.values.shape[1])

    @property
    def n_targets(self) -> int:
        """Number of target channels."""
        return int(self.values.shape[0])

    @property
    def n_synapses(self) -> int:
        """Number of synapses."""
        return int(self.values.nnz)

    @property
    def matrix(self) -> csr_array:
        """(targets, sources) The weights as a sparse matrix."""
        return self.values

    @property
    def synapses(self) -> tuple[Int64s, Int64s, Int64s]:
        """Source, target and weight (its index in `parameters`) of each synapse, sorted by target."""
        lengths = np.diff(self.values.indptr)
        target = np.repeat(np.arange(self.n_targets), lengths)
        return self.values.indices.astype(np.int64), target, np.arange(self.values.nnz)

    def in_parts(self) -> Iterator[tuple[Int64s, Int64s, Int64s]]:
        """Yield `synapses` in order; a matrix has one part."""
        yield self.synapses

    @property
    def parameters(self) -> Floats:
        """The weights that synapses carry, one each."""
        return np.asarray(self.values.data, np.float64)

    def scaled(self, factors: Floats) -> Matrix:
        """Return the weights multiplied by a factor for each target channel."""
        return Matrix(csr_array(diags_array(factors) @ self.values))


@dataclass(frozen=True, eq=False)
class Kernel:
    """The weights of a convolution, shared by its places.

    Attributes
    ----------
    geometry : Convolution
    values : `Convolution.weight_shape` float
    """

    geometry: Convolution
    values: Floats

    @property
    def n_sources(self) -> int:
        """Number of source channels, including all places."""
        return self.geometry.n_sources

    @property
    def n_targets(self) -> int:
        """Number of target channels, including all places."""
        return self.geometry.n_targets

    @property
    def n_synapses(self) -> int:
        """Number of synapses with weight, counted without unrolling."""
        return int(((self.values != 0.0).sum(axis=(0, 1)) * self.geometry.times_used).sum())

    @property
    def matrix(self) -> csr_array:
        """(targets, sources) The weights as a sparse matrix."""
        values, sources, lengths = [], [], np.zeros(self.n_targets + 1, np.int64)
        for source, target, weight in self.in_parts():
            values.append(self.parameters[weight])
            sources.append(source.astype(np.int32))
            lengths[1:] += np.bincount(target, minlength=self.n_targets)
        arrays = np.concatenate(values), np.concatenate(sources), np.cumsum(lengths)
        whole = csr_array(arrays, shape=(self.n_targets, self.n_sources))
        whole.sum_duplicates()  # where pooling windows overlap
        return whole

    @property
    def synapses(self) -> tuple[Int64s, Int64s, Int64s]:
        """Source, target and weight (its index in `parameters`) of each synapse with weight, sorted by target."""
        (whole,) = self.in_parts(most=self.geometry.n_synapses)
        return whole

    def in_parts(self, *, most: int = PART) -> Iterator[tuple[Int64s, Int64s, Int64s]]:
        """Yield `synapses` in order, some target channels at a time, to save memory; see `Convolution.in_parts`."""
        for source, target, weight in self.geometry.in_parts(most=most):
            if self.values.all():
                yield source, target, weight
            else:
                kept = self.parameters[weight] != 0.0
                yield source[kept], target[kept], weight[kept]

    @property
    def parameters(self) -> Floats:
        """The kernel's weights, flattened."""
        return self.values.ravel()

    @property
    def is_pooling(self) -> bool:
        """Whether each target place is a sum over a window of one source channel, times a factor of the channel."""
        geometry = self.geometry
        is_one_place = geometry.kernel == geometry.stride == (1, 1) and geometry.before == geometry.after == (0, 0)
        return is_one_place and geometry.channels == (geometry.groups, geometry.groups)

    def scaled(self, factors: Floats) -> Kernel | Matrix:
        """Return the weights multiplied by a factor for each target: a kernel if all places have the same factor."""
        each = factors.reshape(self.geometry.channels[1], -1)
        if (each == each[:, :1]).all():
            return Kernel(self.geometry, self.values * each[:, :1, None, None])
        return Matrix(self.matrix).scaled(factors)


Weights: TypeAlias = Matrix | Kernel


def one_to_one(factors: Floats) -> Matrix:
    """Return weights from each channel to the channel with the same index."""
    return Matrix(csr_array(diags_array(factors)))


def identity(width: int) -> Matrix:
    """Return identity weights."""
    return Matrix(csr_array(eye_array(width)))


def is_identity(weights: Weights) -> bool:
    """Return whether weights are an identity."""
    if isinstance(weights, Kernel) or weights.n_sources != weights.n_targets:
        return False
    width, values = weights.n_sources, weights.values
    is_diagonal = values.nnz == width and np.array_equal(values.indices, np.arange(width))
    return bool(is_diagonal and (values.data == 1.0).all())


def after(first: Weights, second: Weights) -> Weights:
    """Return the product of two sets of weights, the first applied first."""
    if is_identity(first):
        return second
    if is_identity(second):
        return first
    if isinstance(first, Kernel) and isinstance(second, Kernel) and first.is_pooling:
        joined = _pooled(first, second)
        if joined is not None:
            return joined
    return Matrix(csr_array(second.matrix @ first.matrix))


def together(first: Weights, second: Weights) -> Weights:
    """Return the sum of two sets of weights between the same channels."""
    if isinstance(first, Kernel) and isinstance(second, Kernel) and first.geometry == second.geometry:
        return Kernel(first.geometry, first.values + second.values)
    return Matrix(csr_array(first.matrix + second.matrix))


def _pooled(pooling: Kernel, second: Kernel) -> Kernel | None:
    """Return a convolution of pooled spikes, or None if it also pools."""
    pool, geometry = pooling.geometry, second.geometry
    if geometry.pool != (1, 1) or geometry.pool_stride != (1, 1) or geometry.pool_before != (0, 0):
        return None
    assert geometry.pool_after == (0, 0)
    joined = replace(
        geometry,
        image=pool.image,
        pool=pool.pool,
        pool_stride=pool.pool_stride,
        pool_before=pool.pool_before,
        pool_after=pool.pool_after,
    )
    outs, ins, *_ = geometry.weight_shape
    channel = np.arange(outs)[:, None] // (outs // geometry.groups) * ins + np.arange(ins)
    return Kernel(joined, second.values * pooling.parameters[channel][:, :, None, None])
