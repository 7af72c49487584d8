"""
A potential under its threshold
===============================

`plot_potential` draws a neuron's potential at each tick. The band around the threshold is the margin
that no tick enters.
"""

import matplotlib.pyplot as plt
import numpy as np

import snnprog as sp

rng = np.random.default_rng(4)
inputs = rng.random((90, 6)) < 0.06
targets = np.zeros((90, 1), dtype=bool)
targets[[14, 31, 47, 52, 77], 0] = True
pattern = sp.Pattern(inputs, targets)
program = sp.compile(sp.Spec([pattern], delays=range(1, 7))).program

figure, ax = plt.subplots(figsize=(8, 3), layout="constrained")
sp.plot_potential(program, pattern, ax=ax)
figure.legend(loc="outside lower center", ncols=4, frameon=False)
