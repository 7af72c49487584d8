"""
Gaits of a six-legged robot
===========================

A central pattern generator: one program makes a walk or a tripod gait forever, and a spike on the other start
line changes the gait.
"""

import matplotlib.pyplot as plt
import numpy as np

import snnprog as sp

tripod = np.zeros((8, 6), dtype=bool)
tripod[:4, [0, 3, 4]] = tripod[4:, [1, 2, 5]] = True
wave = np.zeros((12, 6), dtype=bool)
for leg in range(6):
    wave[2 * leg : 2 * leg + 2, leg] = True
program = sp.compile(sp.specs.pattern_generator([tripod, wave])).program

starts = np.zeros((90, 2), dtype=bool)
starts[[2, 42], [0, 1]] = True
legs = sp.run(program, starts).spikes[:, :6]

figure, ax = plt.subplots(figsize=(8, 2.6), layout="constrained")
sp.plot_raster(legs, ax=ax).set(ylabel="leg", yticks=range(6))
for tick, name in ((2, "tripod"), (42, "wave")):
    ax.axvline(tick, color="black", linewidth=0.8)
    ax.annotate(name, (tick, 5.7), xytext=(4, 0), textcoords="offset points", annotation_clip=False)
