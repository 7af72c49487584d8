"""Two inputs, one output: fire only when input 0 comes three ticks before input 1."""

from __future__ import annotations

import numpy as np

import snnprog as sp


def pattern(first: int | None, second: int | None, answer: int | None) -> sp.Pattern:
    """Return a trial of 12 ticks: input 0 at one tick, input 1 at another, the answer at a third; None for no spike."""
    inputs, targets = np.zeros((12, 2), dtype=bool), np.zeros((12, 1), dtype=bool)
    for raster, line, tick in ((inputs, 0, first), (inputs, 1, second), (targets, 0, answer)):
        if tick is not None:
            raster[tick, line] = True
    return sp.Pattern(inputs, targets)


def main() -> None:
    """Compile, show the integers, check, prove, run on something new."""
    silent = [pattern(4, 1, None), pattern(2, 2, None), pattern(1, None, None), pattern(None, 1, None)]
    no_memory = sp.Dynamics(current_decay=4095, potential_decay=4095)  # only spikes that arrive together count
    spec = sp.Spec([pattern(1, 4, 6), *silent], delays=range(1, 6), dynamics=no_memory, sparse=True)
    result = sp.compile(spec)
    neuron = result.report.neurons[0]
    print(f"output 0 is {neuron.status}: {neuron.synapses} synapses, threshold {neuron.threshold}")
    print("exact on the reference:", sp.verify(result.program, spec).exact)
    unseen = pattern(3, 6, 8)
    wanted = sp.automata.from_expression("(a|{ab}) . . (b|{ab})", n_inputs=2).delayed(2)
    print(sp.prove(result.program, wanted))
    print("fires at ticks", np.flatnonzero(sp.run(result.program, unseen.inputs).spikes[:, 0]).tolist())


if __name__ == "__main__":
    main()
