"""The geometry of convolutions, against loops over every place."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnprog.arrays import Floats
from snnprog.convolution import Convolution, Pair
from snnprog.errors import SpecError


def by_loops(geometry: Convolution, kernel: Floats, image: Floats) -> Floats:
    """Return the convolution of an image (channels, rows, columns), place by place."""
    (pool_rows, pool_columns), padded = geometry.pool, _padded(image, geometry.pool_before, geometry.pool_after)
    pooled = np.zeros((geometry.channels[0], *geometry.pooled))
    for y, x in product(*map(range, geometry.pooled)):
        top, left = y * geometry.pool_stride[0], x * geometry.pool_stride[1]
        pooled[:, y, x] = padded[:, top : top + pool_rows, left : left + pool_columns].sum(axis=(1, 2))
    padded = _padded(pooled, geometry.before, geometry.after)
    target = np.zeros((geometry.channels[1], *geometry.size))
    inner = geometry.channels[0] // geometry.groups
    for channel, y, x in product(range(geometry.channels[1]), *map(range, geometry.size)):
        first = channel // (geometry.channels[1] // geometry.groups) * inner
        for source, row, column in product(range(inner), *map(range, geometry.kernel)):
            down = y * geometry.stride[0] + row * geometry.dilation[0]
            right = x * geometry.stride[1] + column * geometry.dilation[1]
            target[channel, y, x] += kernel[channel, source, row, column] * padded[first + source, down, right]
    return target


def _padded(image: Floats, before: tuple[int, int], after: tuple[int, int]) -> Floats:
    return np.pad(image, ((0, 0), *zip(before, after, strict=True)))


def by_synapses(geometry: Convolution, kernel: Floats, image: Floats) -> Floats:
    source, target, weight = geometry.synapses
    assert source.size == geometry.n_synapses
    sums = np.zeros(geometry.n_targets)
    np.add.at(sums, target, kernel.ravel()[weight] * image.ravel()[source])
    return sums.reshape(geometry.channels[1], *geometry.size)


pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))
borders = st.tuples(st.integers(0, 2), st.integers(0, 2))


NAMES = ("kernel", "stride", "dilation", "before", "after", "pool", "pool_stride", "pool_before", "pool_after")


@settings(max_examples=150, deadline=None)
@given(
    st.integers(1, 2),
    st.tuples(st.integers(1, 2), st.integers(1, 2)),
    st.tuples(st.integers(3, 9), st.integers(3, 9)),
    st.tuples(pairs, pairs, pairs, borders, borders, pairs, pairs, borders, borders),
)
def test_synapses_are_those_of_the_convolution(
    groups: int, channels: Pair, image: Pair, rest: tuple[Pair, ...]
) -> None:
    counts = channels[0] * groups, channels[1] * groups
    options = dict(zip(NAMES, rest, strict=True))
    try:
        geometry = Convolution(channels=counts, image=image, groups=groups, **options)
    except SpecError:
        return
    rng = np.random.default_rng(0)
    kernel = rng.integers(-9, 10, geometry.weight_shape).astype(float)
    source = rng.integers(0, 2, (geometry.channels[0], *image)).astype(float)
    np.testing.assert_array_equal(by_synapses(geometry, kernel, source), by_loops(geometry, kernel, source))


def test_synapses_are_sorted_by_target() -> None:
    target = Convolution(channels=(2, 4), image=(5, 6), kernel=(3, 2), groups=2).synapses[1]
    assert (np.diff(target) >= 0).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kernel": (9, 1)}, r"the kernel of a convolution, \(9, 1\), must be no larger than its image, \(5, 6\)"),
        ({"groups": 2}, r"channels of a convolution must be multiples of its 2 groups: \(1, 2\)"),
        ({"stride": (0, 1)}, "stride of a convolution must be from 1 to 65536"),
        ({"before": (-1, 0)}, "before of a convolution must be from 0 to 65536"),
    ],
)
def test_what_is_no_convolution_is_refused(change: dict[str, Any], message: str) -> None:
    usual: dict[str, Any] = {"channels": (1, 2), "image": (5, 6), "kernel": (2, 2)}
    with pytest.raises(SpecError, match=message):
        Convolution(**(usual | change))
