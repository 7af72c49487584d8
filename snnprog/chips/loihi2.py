"""Loihi 2 as Lava runs it: the rule and the ranges of Loihi 1, because one model executes both.

Decisions
---------
- Loihi 2 has microcoded neurons; which rule they follow is a program of their own. The one that anybody can run without
  the chip is Lava's fixed-point LIF, the same process model whichever chip is meant. So the semantics is Loihi 1's, by
  name and in full, every backend that executes it runs these programs, too, and the claim is the same: equality with
  Lava 0.10.0, no more.
- Ranges are those that Lava's models keep on both chips: 8-bit weights, exponents that shift left, delays to 63, 17-bit
  thresholds. Graded spikes (up to 32 bit) are not used.
- What a core holds (synaptic memory, axons, neurons) has no figure that can be cited; nothing is checked against one.
"""

from __future__ import annotations

from dataclasses import replace

from snnprog.chips.core import UNKNOWN
from snnprog.chips.loihi1 import LOIHI1

LOIHI2 = replace(LOIHI1, name="loihi2", cores=None, core=UNKNOWN, energy=None)
