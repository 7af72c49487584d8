"""
Encoders: values to spikes
==========================

The same flower by four encoders of `snnprog.coding`.
"""

import matplotlib.pyplot as plt
import numpy as np

import snnprog as sp

rng = np.random.default_rng(0)
samples = rng.normal(size=(50, 4)) * [1.0, 0.5, 2.0, 0.2] + [5.8, 3.0, 3.7, 1.2]
encoders = {
    "Levels": sp.coding.Levels(),
    "Latency": sp.coding.Latency(),
    "GaussianFields": sp.coding.GaussianFields(),
    "Rate": sp.coding.Rate(),
}

figure, axes = plt.subplots(1, 4, figsize=(10, 3), layout="constrained")
for ax, (name, encoder) in zip(axes, encoders.items(), strict=True):
    (raster,) = encoder.fit(samples).transform(samples[:1])
    sp.plot_raster(raster, ax=ax).set(title=name, ylabel="line")
