"""The demands of a conflict that cannot be removed, shown by weights that satisfy all others.

Rows that contradict one another in just one way are balanced by one vector of prices y, ``Σ y[k] a[k] = 0``. Then there
are unknowns under which every row but one is cleared by 1, and that one is missed by what the prices say::

    a[j] · x = 1 ,  j != i        a[i] · x = 1 - Σ y / y[i]

One pseudo-inverse gives them for all i, of the unknowns that may go either way if these suffice. They are guesses: what
counts is whether, brought into the chip's widest box, they lift the spikes and keep the silences, so that a program
need not be solved to learn it.
"""

from __future__ import annotations

import numpy as np

from snnprog.arrays import Floats
from snnprog.design.problem import NeuronProblem
from snnprog.design.proofs.certificate import Certificate, widest_box
from snnprog.design.proofs.proving import BALANCED
from snnprog.design.proofs.separation import CLEARLY_LIFTED

# Singular values below this share of the largest count as 0, well above the rounding of doubles. A wrong guess is
# found out, so × 3 and ÷ 3 changed nothing on 5 specs.
RANK = 1e-10
# Multiplications of the pseudo-inverse: tens of seconds. Beyond, programs are solved instead.
WORK_LIMIT = 30_000_000_000


def needed(problem: NeuronProblem, certificate: Certificate) -> set[int]:
    """Return those ticks of a proof without which the rest is possible, as far as guesses show it."""
    ticks = np.array(list(certificate.prices))
    dearest = max(certificate.prices.values())
    prices = np.array([price / dearest for price in certificate.prices.values()])  # integers that no float may hold
    box, taps = widest_box(problem), problem.potential_map.n_taps
    if ticks.size**2 * taps > WORK_LIMIT:
        return set()
    rows = problem.signed_rows(ticks)
    low, high = np.column_stack([[box.weight_lower, box.weight_upper], np.array([box.threshold, box.bias]).T])
    is_balanced = np.abs(prices @ rows) <= BALANCED * (prices @ np.abs(rows))
    found: set[int] = set()
    for columns in (is_balanced & (low < 0.0) & (high > 0.0), is_balanced):
        inverse = np.zeros((taps + 2, ticks.size))
        inverse[columns] = np.linalg.pinv(rows[:, columns], rcond=RANK)
        guesses = inverse.sum(axis=1)[:, None] - inverse * (prices.sum() / prices)
        guesses = np.clip(guesses * _stretch(guesses, low, high=high), low[:, None], high[:, None])
        cleared = rows @ guesses - box.noise - np.where(problem.raster[ticks], CLEARLY_LIFTED, 0.0)[:, None]
        np.fill_diagonal(cleared, np.inf)
        found.update(ticks[(cleared >= 0.0).all(axis=0)].tolist())
        if len(found) == ticks.size:
            break
    return found


def _stretch(guesses: Floats, low: Floats, *, high: Floats) -> Floats:
    """Return the most that each column may be multiplied by within the box, as far as it has room on that side."""
    room = np.where(guesses > 0.0, high[:, None], low[:, None]) / np.where(guesses == 0.0, np.inf, guesses)
    room[room <= 0.0] = np.inf
    stretch: Floats = room.min(axis=0)
    return np.where(np.isfinite(stretch), stretch, 1.0)
