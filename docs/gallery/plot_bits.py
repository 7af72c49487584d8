"""
Coarse weights
==============

How far the margin shrinks as weights get fewer bits, for one neuron. With too few bits, no exact integers are found.
"""

import matplotlib.pyplot as plt
import numpy as np

import snnprog as sp

rng = np.random.default_rng(4)
targets = np.zeros((90, 1), dtype=bool)
targets[[14, 31, 47, 52, 77], 0] = True
pattern = sp.Pattern(rng.random((90, 6)) < 0.06, targets)

bits, margins = range(1, 9), []
for width in bits:
    spec = sp.Spec([pattern], delays=range(1, 7), weight_bits=width)
    try:
        margins.append(sp.compile(spec).report.neurons[0].margin)
    except sp.SnnprogError:
        margins.append(np.nan)

figure, ax = plt.subplots(figsize=(6, 3), layout="constrained")
ax.plot(bits, margins, "o-")
ax.set(xlabel="bits per weight", ylabel="margin (weight LSBs)", yscale="log")
ax.spines[["top", "right"]].set_visible(False)
