"""A fitted readout on the chip: one neuron for each of its columns, which is read by its potential.

A leaky neuron that never spikes keeps the traces of the spikes that it receives, so its potential is the readout's
score, but for the offset and a scale. Weights are rounded to the chip's mantissas with one scale for all columns, so
that scores of several classes can be compared; the chip's nearest decay stands for the time constant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snnprog.arrays import Floats, Int32s
from snnprog.calls import call_checked
from snnprog.checks import check_type
from snnprog.chips import Chip
from snnprog.coding import Readout
from snnprog.display.card import Displayed
from snnprog.errors import SpecError
from snnprog.program import BY_POTENTIAL, EXCITATORY, INHIBITORY, Program
from snnprog.spec import Dynamics
from snnprog.trace import Trace
from snnprog.wording import counted

DELAY = 1
"""Of the readout's synapses, in ticks: the shortest, so that one more tick of input is enough."""

HEADROOM = 2
"""How many times as high as in training a score may become before a run is an error: a choice that costs one bit."""


@call_checked
@dataclass(frozen=True, eq=False, repr=False)
class GradedReadout(Displayed):
    """A program whose outputs are the scores of a readout.

    Attributes
    ----------
    program : Program
        Each output is read by its potential: one for each column of the readout.
    readout : Readout
    scale : float
        The score that one unit of the potential stands for.
    """

    program: Program
    readout: Readout
    scale: float

    def _summary(self) -> str:
        return f"{self.readout}, on {self.program}"

    def scores(self, traces: Sequence[Trace]) -> Floats:
        """Return the scores (samples, columns) at the last tick of each trace.

        The input of each sample is one silent tick longer than that of the spikes that the readout was fitted to.
        """
        last = np.array([trace.readout[-1] for trace in traces if trace.readout is not None], dtype=np.float64)
        scores: Floats = last * self.scale + self.readout.offset
        return scores

    def predict(self, traces: Sequence[Trace]) -> NDArray[np.generic]:
        """Return the classes or values of samples, as `Readout.predict`."""
        return self.readout.decided(self.scores(traces))


@call_checked
def with_readout(program: Program, readout: Readout) -> GradedReadout:
    """Return a program with a fitted readout of its outputs on the chip.

    Parameters
    ----------
    program : Program
        Its outputs are those that the readout was fitted to, in order.
    readout : Readout
        Of traces that are not rounded.

    Raises
    ------
    SpecError
        If the readout is not fitted to so many outputs, or not of unrounded traces.
    LimitError
        If the chip has no such neurons.
    """
    check_type("program", program, kind=Program)
    if readout.low.size != program.n_outputs:
        found = (
            f"got one of {counted(readout.low.size, 'output')}" if readout.low.size else "got one that is not fitted"
        )
        raise SpecError(
            f"readout must be fitted to the spikes of the program's {counted(program.n_outputs, 'output')}, {found};"
            " write readout = readout.fit(spikes, targets)"
        )
    if readout.feature != "trace" or readout.bits is not None:
        raise SpecError(f"readout must be of unrounded traces to run on a chip, got {readout}; fit one with bits=None")
    step = _step(readout, program.chip)
    mantissas = np.rint(readout.weights / step).astype(np.int64)
    output, column = np.nonzero(mantissas)
    weights, columns = mantissas[output, column], readout.weights.shape[1]
    dynamics = Dynamics.from_time_constants(readout.tau, chip=program.chip)
    names = program.neuron_names

    def with_readouts(array: Int32s, value: int) -> Int32s:
        return np.append(array, np.full(columns, value, np.int32))

    joined = Program.from_arrays(
        chip=program.chip,
        n_inputs=program.n_inputs,
        n_neurons=program.n_neurons + columns,
        outputs=np.arange(program.n_neurons, program.n_neurons + columns),
        pre=np.append(program.pre, program.n_inputs + program.outputs[output]),
        post=np.append(program.post, program.n_neurons + column),
        delay=np.append(program.delay, np.full(output.size, DELAY)),
        weight=np.append(program.weight, weights),
        exponent=np.append(program.exponent, np.zeros(output.size, np.int32)),
        sign_mode=np.append(program.sign_mode, np.where(weights < 0, INHIBITORY, EXCITATORY)),
        threshold=with_readouts(program.threshold, program.chip.thresholds[1]),
        current_decay=with_readouts(program.current_decay, dynamics.current_decay),
        potential_decay=with_readouts(program.potential_decay, dynamics.potential_decay),
        bias=with_readouts(program.bias, 0),
        refractory=with_readouts(program.refractory, 1),
        readout=with_readouts(program.readout, BY_POTENTIAL),
        provenance=program.provenance,
        input_names=program.input_names,
        neuron_names=None if names is None else (*names, *(f"score {index}" for index in range(columns))),
    )
    return GradedReadout(joined, readout, step / program.chip.unit)


def _step(readout: Readout, chip: Chip) -> float:
    """Return what a mantissa of 1 stands for: the least for which weights, and scores as in training, fit."""
    highest = float((np.maximum(readout.weights, 0.0) * readout.high[:, None]).sum(axis=0).max())
    fits = max(float(np.abs(readout.weights).max()) / chip.weight_limit, HEADROOM * highest / chip.thresholds[1])
    return fits or 1.0
