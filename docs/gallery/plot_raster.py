"""
Target and output spikes
========================

`plot_raster` draws output spikes against their targets. Missing and extra spikes have colours of their own, and
bins that do not count are shaded. This spec is infeasible, and its closest program misses some targets.
"""

import matplotlib.pyplot as plt
import numpy as np

import snnprog as sp

rng = np.random.default_rng(1)
inputs = rng.random((120, 6)) < 0.08
targets = rng.random((120, 3)) < 0.06
care = np.ones(targets.shape, dtype=bool)
care[:10] = False
pattern = sp.Pattern(inputs, targets, care)
spec = sp.Spec([pattern], delays=range(1, 5))
program = sp.compile(spec, on_infeasible="closest").program

figure, ax = plt.subplots(figsize=(8, 3), layout="constrained")
sp.plot_raster(sp.run(program, inputs).spikes, targets, care, ax=ax)
figure.legend(loc="outside lower center", ncols=4, frameon=False)
