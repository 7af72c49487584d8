"""Loihi 2 as Lava runs it: the rule and the ranges of Loihi 1, because one model executes both.

Decisions
---------
- Loihi 2 has microcoded neurons; a separate program defines their rule. The one that can be run without
  the chip is Lava's fixed-point LIF, the same process model for both chips. So the semantics is that of Loihi 1, by
  name and in full, every backend that executes it runs these programs, too, and the claim is the same: only equality
  with Lava 0.10.0.
- Ranges are those of Lava's models on both chips: 8-bit weights, exponents that shift left, delays to 63, 17-bit
  thresholds. Graded spikes (up to 32 bit) are not used.
- There are no figures to cite for a core (synaptic memory, axons, neurons), so its limits are not checked.
"""

from __future__ import annotations

from dataclasses import replace

from snnprog.chips.core import UNKNOWN
from snnprog.chips.loihi1 import LOIHI1

LOIHI2 = replace(LOIHI1, name="loihi2", cores=None, core=UNKNOWN, energy=None)
