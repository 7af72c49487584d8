"""Xylo Audio 2 (SynSense SYNS61201): two layers of neurons, decays by shifting, reset by subtraction.

What a program means here
-------------------------
- Every neuron that is read out stands in the readout layer, every other one in the hidden layer. Readout neurons hear
  others and feed none.
- An input line stands for a hidden neuron that repeats it at once (weight 2, threshold 1, both decays 1, and -1 onto
  itself, which takes back what would be left of the current). So a spike of any line acts one tick later, whichever
  layer it goes to, and lines act in order: inputs, then hidden neurons.
- An output that is heard (in a spec with ``recurrent``) stands twice, with the same integers: hidden, where it feeds
  others, and in the readout layer, where it is read (`snnprog.integers.readout`). Others hear each spike of a tick,
  so its design asks for one spike and not for two (`snnprog.design.once`). An output that is not heard needs no such
  demand: a readout neuron spikes at most once per tick, whatever its potential, and a raster says no more than that.
- All synapses into the hidden layer share one exponent (the chip's ``weight_shift_rec``), all into the readout layer
  another (``weight_shift_out``). Two neurons have at most one synapse from one to the other. The second synaptic
  current and aliases are not used.

Sources
-------
- the rule: xylosim 0.1.3 (``xylosim.v2``), held against it bit for bit, saturation included; the claim is equality
  with XyloSim, no more;
- widths of weights, decays, thresholds and biases: what ``xylosim.tools`` writes for the chip's memories (2, 1, 4 and 2
  hexadecimal digits); -128 is left out as a bias, so that biases are symmetrical;
- numbers of channels and neurons, 31 spikes per tick, fan-out: rockpool's "Overview of the Xylo family";
- shifts of weights to 7: as far as a weight, shifted, stays well inside the 16 bits that XyloSim adds it with.
"""

from __future__ import annotations

from snnprog.chips.chip import Chip, WeightRanges
from snnprog.chips.layers import Layers
from snnprog.rules.xylo import XYLO_RULE

XYLO = Chip(
    name="xylo",
    rule=XYLO_RULE,
    delays=(1, 1),
    weight_ranges=WeightRanges(mixed=(-128, 126), excitatory=(0, 127), inhibitory=(-128, 0), mixed_step=2),
    weight_bits=8,
    exponents=(0, 7),
    design_exponents=(0, 2, 4, 7),
    usual_decays=(1, 4),
    bias_mantissas=(-127, 127),
    is_exponent_shared=True,
    layers=Layers(most_inputs=16, most_hidden=1000, most_outputs=8, most_fan_out=64),
)
