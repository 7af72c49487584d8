"""
The shares of a proof
=====================

XOR from two lines and one neuron is infeasible. The proof adds up demands, each with its share, to a sum that no
weights can meet.
"""

import matplotlib.pyplot as plt
import numpy as np

import snnprog as sp

patterns = []
for lines, fires in (((0, 1), True), ((1, 0), True), ((1, 1), False)):
    inputs, targets = np.zeros((3, 2), dtype=bool), np.zeros((3, 1), dtype=bool)
    inputs[1], targets[2] = lines, fires
    patterns.append(sp.Pattern(inputs, targets))
spec = sp.Spec(patterns, delays=[1])
(conflict,) = sp.explain(spec).verdicts[0].conflicts
print(conflict.reason)

figure, ax = plt.subplots(figsize=(8, 2.2), layout="constrained")
names = [f"{each.demand} in pattern {each.pattern}" for each in conflict.bins]
ax.barh(names, [float(share) for share in conflict.shares], color="#1f6fb2")
ax.set(xlabel="share of the proof")
ax.spines[["top", "right"]].set_visible(False)
