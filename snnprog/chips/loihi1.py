"""Loihi 1, restricted to the subset on which Lava, the nengo-loihi emulator and brian2-loihi agree bit for bit.

Sources
-------
- weight, threshold, bias, decay and delay formats: nengo-loihi 1.1.0 (``block.py``, ``discretize.py``,
  ``hardware/nxsdk_objects.py``) and brian2-loihi 0.5.2;
- the update rule: lava-nc 0.10.0, ``PyLifModelBitAcc``; the claim is equality with Lava 0.10.0, no more (lava issue
  322 reports that Intel's own simulator differs for some thresholds and decays);
- inhibitory weights end at -255 and not at -256, because Lava clips there;
- exponents are 0 to 7 and not -7 to 7, because the three runtimes round negative ones differently;
- delays are counted so that a spike at tick t acts on the potential at t + delay: Lava's 0..62 are 1..63 here.
"""

from __future__ import annotations

from snnprog.chips.chip import Chip, Semantics

LOIHI1 = Chip(
    name="loihi1",
    semantics=Semantics(
        name="loihi1-lif-lava-0.10.0",
        rounding="toward zero",
        decay_bits=12,
        current_decay_offset=1,
        input_shift=6,
        current_bits=23,
        current_overflow="wrap",
        potential_bits=23,
        potential_overflow="clip",
        compare=">",
        reset="zero",
        delay_origin="a spike at tick t acts at tick t + delay",
    ),
    delays=(1, 63),
    decays=(0, 4095),
    thresholds=(1, 131071),
    weight_ranges={"mixed": (-256, 254), "excitatory": (0, 255), "inhibitory": (-255, 0)},
    exponents=(0, 7),
    bias_mantissas=(-4095, 4095),
    bias_exponents=(0, 7),
    arrival_limit=1 << 21,
    current_limit=1 << 23,
    potential_limit=1 << 23,
    design_exponents=(0, 2, 4, 7),
    free_bias_exponents=(4, 7),
    usual_decays=(4095, 205),
    is_exponent_shared=False,
)
