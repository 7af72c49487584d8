"""Xylo Audio 2 (SynSense SYNS61201): two layers of neurons, decays by shifting, reset by subtraction.

The meaning of a program
------------------------
- Every neuron that is read out is in the readout layer, all others are in the hidden layer. Readout neurons receive
  spikes from hidden neurons and feed no neuron.
- An input line is implemented by a hidden neuron that repeats it at once (weight 2, threshold 1, both decays 1, and -1
  onto itself, which cancels the rest of the current). So a spike of any line acts one tick later in either
  layer, and lines act in order: inputs, then hidden neurons.
- An output that feeds others (in a spec with ``recurrent``) exists twice, with the same integers: in the hidden layer,
  where it feeds others, and in the readout layer, where it is read (`snnprog.integers.readout`). Other neurons receive
  every spike of a tick, so its design excludes a second spike (`snnprog.design.once`). Other outputs do not need
  this: a readout neuron spikes at most once per tick, for any potential.
- All synapses into the hidden layer share one exponent (the chip's ``weight_shift_rec``), all into the readout layer
  another (``weight_shift_out``). There is at most one synapse from one neuron to another. The second synaptic
  current and aliases are not used.

Sources
-------
- the rule: xylosim 0.1.3 (``xylosim.v2``), compared with it bit for bit, saturation included; only equality
  with XyloSim is claimed;
- widths of weights, decays, thresholds and biases: as ``xylosim.tools`` writes them for the chip's memories (2, 1, 4
and 2
  hexadecimal digits); -128 is excluded as a bias, so that biases are symmetrical;
- numbers of channels and neurons, 31 spikes per tick, fan-out: rockpool's "Overview of the Xylo family";
- shifts of weights to 7: a shifted weight then stays well inside the 16 bits with which XyloSim adds it.
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
