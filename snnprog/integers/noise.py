"""The noise that a program tolerates, from its integers.

Noise is what may be added to the potential where it is compared with the threshold: anything from ``-x`` to ``+x``, at
every tick again, not integrated. It is survived if no comparison comes out otherwise: then no reset moves, and the next
tick starts from the same state. So every tick counts, those of don't-care bins too.
"""

from __future__ import annotations

import numpy as np

from snnprog.arrays import Int64s
from snnprog.rules.rule import Rule


def survived_noise(potentials: Int64s, threshold: int, *, rule: Rule) -> float:
    """Return the most noise that a neuron's run survives, in weight LSBs; whole units of the potential count.

    Parameters
    ----------
    potentials : (ticks,) int
        What is compared with the threshold at each tick, before any reset, in the chip's units.
    threshold : int
        The mantissa.
    """
    above = potentials - threshold * rule.unit + rule.is_equal_a_spike
    room = np.where(above > 0, above - 1, -above)
    return int(room.min(initial=np.iinfo(np.int64).max)) / rule.unit
