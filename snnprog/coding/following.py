"""The running mean and mean absolute deviation of streams, in integers: what adaptive encoders follow.

With M = ``memory``, sums ``s`` and ``d`` hold 2^M times the two. A row with value x is seen at ``mean = s >> M`` and
``deviation = max(d >> M, 1)``, and then ``s += x - mean`` and ``d += |x - mean| - (d >> M)``: exponential averages with
a time constant of 2^M rows, by additions and shifts only (shifts round down). Values of at most `LIMIT` keep all sums
within 32 bits for M up to `MOST_MEMORY`.
"""

from __future__ import annotations

from snnprog.arrays import Int64s
from snnprog.jit import compiled

MOST_MEMORY = 10
LIMIT = (1 << 19) - 1
"""The greatest ``memory`` and the largest value: |x - mean| is at most 2^20, and 2^10 times that fits 32 bits."""


@compiled(nogil=True)
def follow(values: Int64s, sums: Int64s, spreads: Int64s, memory: int, means: Int64s, deviations: Int64s) -> None:
    """Write the mean and deviation at which each row is seen, and bring the sums up to date.

    Parameters
    ----------
    values : (rows, values) int64
    sums, spreads : (values,) int64
        The state; changed.
    memory : int
    means, deviations : (rows, values) int64
        Written.
    """
    for row in range(values.shape[0]):
        for each in range(values.shape[1]):
            mean, deviation = sums[each] >> memory, spreads[each] >> memory
            means[row, each] = mean
            deviations[row, each] = max(deviation, 1)
            distance = values[row, each] - mean
            sums[each] += distance
            spreads[each] += abs(distance) - deviation
