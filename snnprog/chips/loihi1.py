"""Loihi 1, restricted to the subset on which Lava, the nengo-loihi emulator and brian2-loihi agree bit for bit.

Sources
-------
- weight, threshold, bias, decay and delay formats: nengo-loihi 1.1.0 (``block.py``, ``discretize.py``,
  ``hardware/nxsdk_objects.py``) and brian2-loihi 0.5.2;
- the update rule: lava-nc 0.10.0, ``PyLifModelBitAcc``; only equality with Lava 0.10.0 is claimed (lava issue
  322 reports that Intel's own simulator differs for some thresholds and decays);
- inhibitory weights end at -255 and not at -256, because Lava clips there;
- exponents are 0 to 7 and not -7 to 7, because the three runtimes round negative ones differently;
- neurons, axons in and out, and synaptic memory of a core: Davies et al., "Loihi: a neuromorphic manycore processor
  with on-chip learning", IEEE Micro 38(1), 2018, p. 89, constraints 1 to 4 (p. 87: a list may hold several formats);
  profiles, thresholds and formats: nengo-loihi 1.1.0, ``hardware/nxsdk_objects.py``;
- how synapses are stored: nengo-loihi 1.1.0, ``block.py``, ``SynapseConfig.bits_per_axon``, with index bits for lists
  that name their neurons (compression 0) and without them for whole ones (compression 3);
- energies: Davies et al. 2018, p. 96, Table 2;
- refractory periods: 1 to 63, nengo-loihi 1.1.0, ``hardware/nxsdk_objects.py`` (brian2-loihi 0.5.2 takes 64, too); what
  they do: nengo-loihi's emulator and brian2-loihi, which agree (Lava 0.10.0 has no integer model of them);
- delays are counted so that a spike at tick t acts on the potential at t + delay: Lava's 0..62 are 1..63 here.
"""

from __future__ import annotations

from snnprog.chips.chip import Chip, WeightRanges
from snnprog.chips.core import Core, Energy, SynapticMemory
from snnprog.rules.loihi import LOIHI_RULE

LOIHI1 = Chip(
    name="loihi1",
    rule=LOIHI_RULE,
    delays=(1, 63),
    weight_ranges=WeightRanges(mixed=(-256, 254), excitatory=(0, 255), inhibitory=(-255, 0), mixed_step=2),
    weight_bits=8,
    exponents=(0, 7),
    design_exponents=(0, 2, 4, 7),
    usual_decays=(4095, 205),
    bias_mantissas=(-4095, 4095),
    bias_exponents=(0, 7),
    free_bias_exponents=(4, 7),
    cores=128,
    core=Core(
        neurons=1024,
        axons_in=4096,
        axons_out=4096,
        profiles=32,
        thresholds=8,
        formats=8,
        memory=SynapticMemory(
            words=16384,
            word_bits=64,
            header_bits=10,
            block_synapses=64,
            weight_bits=(0, 1, 2, 3, 4, 5, 6, 8),
            index_bits=(0, 6, 7, 8, 9, 10, 11, 12),
        ),
    ),
    energy=Energy(
        synaptic_operation=23.6,
        message=1.7,
        update=(52.0, 81.0),
        source="Davies et al., IEEE Micro 38(1), 2018, Table 2: simulated before silicon; 23.6 pJ is called a minimum",
    ),
)
