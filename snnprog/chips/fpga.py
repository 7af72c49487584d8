"""The FPGA core as a chip: Loihi's rule with wider weights, and three more with the core's options.

Each option is a separate chip, so that a program names the option that it is for:

====================  ==========================  ==========================
chip                  a spike                     the potential spikes where
====================  ==========================  ==========================
``fpga``              sets the potential to 0     it is > the threshold
``fpga-subtract``     subtracts the threshold     it is > the threshold
``fpga-ge``           sets the potential to 0     it is >= the threshold
``fpga-subtract-ge``  subtracts the threshold     it is >= the threshold
====================  ==========================  ==========================

Sources
-------
The core is snnprog's own (``snnprog/emit/hardware``), and its limits are those of its memories:

- a synapse is a word of 32 bits: 8 bits of the neuron, 6 of the delay, 3 of the exponent, and 15 of the weight in two's
  complement, so weights of either sign have steps of 1. In a core of 1,024 neurons, 10 bits are of the neuron and 4 of
  the delay;
- delays are counted as on Loihi: a spike at tick t acts at t + delay, 1 to 63. One of 64 slots of arriving sums is the
  one of the present tick;
- thresholds, decays and refractory periods range as on Loihi 1, whose programs the core executes, too;
- 256 neurons, 512 lines (an index of two 4-kbit blocks of RAM for each 16 bits) and 16,384 synapses: the memories of an
  iCE40UP5K. Two of its four SPRAMs of 16,384 × 16 bits hold the synapses and two the sums of 64 slots of 256 neurons
  (Lattice FPGA-DS-02008, "iCE40 UltraPlus Family Data Sheet", 3.1.6). The core of an ECP5-25 holds more neurons;
  programs placed on cores of this size fit there, too.
"""

from __future__ import annotations

from snnprog.chips.chip import Chip, WeightRanges
from snnprog.chips.core import Core, SynapticMemory
from snnprog.chips.loihi1 import LOIHI1
from snnprog.rules.fpga import FPGA_GE_RULE, FPGA_RULE, FPGA_SUBTRACT_GE_RULE, FPGA_SUBTRACT_RULE, MOST_BIAS
from snnprog.rules.rule import Rule

WEIGHT_BITS = 15
"""The bits of a 32-bit word left by neuron, delay and exponent: see above."""
LEAST_WEIGHT, MOST_WEIGHT = -(1 << WEIGHT_BITS - 1), (1 << WEIGHT_BITS - 1) - 1

FPGA_CORE = Core(
    neurons=256,
    axons_in=512,
    memory=SynapticMemory(
        words=16384,
        word_bits=32,
        header_bits=0,
        block_synapses=1,
        weight_bits=(WEIGHT_BITS,),
        index_bits=(8,),
    ),
)
"""The limits of one core of an iCE40UP5K; a synapse is one word for every exponent and delay."""


def _chip(name: str, rule: Rule) -> Chip:
    return Chip(
        name=name,
        rule=rule,
        delays=LOIHI1.delays,
        weight_ranges=WeightRanges(
            mixed=(LEAST_WEIGHT, MOST_WEIGHT), excitatory=(0, MOST_WEIGHT), inhibitory=(LEAST_WEIGHT, 0)
        ),
        weight_bits=WEIGHT_BITS,
        exponents=LOIHI1.exponents,
        # A weight with exponent 3 covers the whole range of thresholds.
        design_exponents=(0, 3, 7),
        usual_decays=LOIHI1.usual_decays,
        bias_mantissas=(-MOST_BIAS, MOST_BIAS),
        core=FPGA_CORE,
    )


FPGA = _chip("fpga", FPGA_RULE)
FPGA_SUBTRACT = _chip("fpga-subtract", FPGA_SUBTRACT_RULE)
FPGA_GE = _chip("fpga-ge", FPGA_GE_RULE)
FPGA_SUBTRACT_GE = _chip("fpga-subtract-ge", FPGA_SUBTRACT_GE_RULE)

FPGA_CHIPS = (FPGA, FPGA_SUBTRACT, FPGA_GE, FPGA_SUBTRACT_GE)
"""All four, the plain one first."""
