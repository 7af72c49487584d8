"""
Margins of all neurons
======================

`plot_margins` shows how far each neuron stays from an error: the nearest spike above the threshold, and the
nearest silence below it.
"""

import matplotlib.pyplot as plt

import snnprog as sp

lock = {
    "closed": {"red": "one", "blue": "closed"},
    "one": {"blue": "two", "red": "one"},
    "two": {"red": "open", "blue": "closed"},
    "open": {"red": "closed", "blue": "closed"},
}
spec = sp.specs.finite_state_machine(lock)
program = sp.compile(spec).program

figure, ax = plt.subplots(figsize=(8, 3.4), layout="constrained")
sp.plot_margins(program, spec, ax=ax)
figure.legend(loc="outside lower center", ncols=2, frameon=False)
