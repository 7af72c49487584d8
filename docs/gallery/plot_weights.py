"""
Weights by line and delay
=========================

`plot_weights` shows the sources and delays of a neuron's synapses. Dense weights use every synapse that the
spec allows; with ``sparse=True``, few are left.
"""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np

import snnprog as sp

rng = np.random.default_rng(4)
targets = np.zeros((90, 1), dtype=bool)
targets[[14, 31, 47, 52, 77], 0] = True
pattern = sp.Pattern(rng.random((90, 6)) < 0.06, targets)
spec = sp.Spec([pattern], delays=range(1, 7))

figure, axes = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
for ax, name, which in zip(axes, ("dense", "sparse"), (spec, replace(spec, sparse=True)), strict=True):
    program = sp.compile(which).program
    sp.plot_weights(program, ax=ax).set_title(f"{name}: {program.n_synapses} synapses")
