"""
A state machine
===============

A turnstile as a table of states: the program is in the right state at every tick of any stream, because the spec
holds every situation that its neurons can meet.
"""

import matplotlib.pyplot as plt
import numpy as np

import snnprog as sp

turnstile = {"locked": {"coin": "open"}, "open": {"push": "locked"}}
program = sp.compile(sp.specs.finite_state_machine(turnstile)).program

events = np.zeros((60, 2), dtype=bool)
events[[5, 20, 41], 0] = True  # coins
events[[9, 14, 30, 33, 50], 1] = True  # pushes
is_open = sp.run(program, events).spikes[:, :1]

figure, (above, below) = plt.subplots(2, 1, figsize=(8, 2.8), sharex=True, layout="constrained")
sp.plot_raster(events, ax=above).set(yticks=[0, 1], yticklabels=["coin", "push"], xlabel="", ylabel="")
sp.plot_raster(is_open, ax=below).set(yticks=[0], yticklabels=["open"], ylabel="")
