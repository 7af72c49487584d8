"""Right classes: of a trained network and of its programs, on inputs with labels.

A class is the output with the most spikes or, where outputs are read by their potential, the highest last potential;
the first of equals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Bools, Floats, Int64s, Raster
from snnprog.display.card import Displayed
from snnprog.networks.calibration import Accuracy, SampleSplit
from snnprog.networks.network import TrainedNetwork
from snnprog.networks.running import batches, run_network
from snnprog.program import Program
from snnprog.simulate import simulate
from snnprog.wording import counted


@dataclass(frozen=True, repr=False)
class RightClasses(Displayed):
    """Shares of right classes, before and after the conversion.

    Attributes
    ----------
    inputs : int
        Number of inputs that were used for nothing else: those held out, or all if no weights were fitted.
    network, program : float
        Shares of these that the network and the program classify right.
    rounded : float or None
        The share if all weights are only rounded; None if they are.
    """

    inputs: int
    network: float
    program: float
    rounded: float | None

    @classmethod
    def held_out(cls, accuracy: Accuracy, split: SampleSplit) -> RightClasses:
        """Return the shares on the held-out part."""
        return cls(split.held_out.size, accuracy.trained[2], accuracy.result[2], accuracy.rounded[2])

    def _summary(self) -> str:
        plain = "" if self.rounded is None else f" ({self.rounded:.1%} with rounded weights)"
        fitted = "" if self.rounded is None else " held out from the fit"
        what = f"{counted(self.inputs, 'input')}{fitted}"
        return f"accuracy on {what}: {self.network:.1%} in the network, {self.program:.1%} in the program{plain}"

    def __str__(self) -> str:
        return self._summary()

    def as_dict(self) -> dict[str, object]:
        """Return them as plain data."""
        return {
            "inputs": self.inputs,
            "network": self.network,
            "program": self.program,
            "if_rounded": self.rounded,
        }


def right_classes(
    network: TrainedNetwork,
    programs: Sequence[Program],
    inputs: Sequence[Raster],
    *,
    labels: Int64s,
    scales: Floats,
) -> list[Bools]:
    """Return which inputs ``(inputs,)`` a network and each of its programs classify right.

    Parameters
    ----------
    programs : sequence of Program
    labels : (inputs,) int
    scales : (outputs,) float
        What the programs' potentials have to be divided by to be the network's, but for a factor of all outputs.
    """
    by_potential = bool(network.is_readout[network.outputs].any())
    found: list[list[Bools]] = [[] for _ in range(1 + len(programs))]
    first = 0
    for members in batches(network, inputs):
        own = labels[first : first + len(members)]
        traces = run_network(network, members, potentials=by_potential)
        if by_potential:
            scores = [trace.potentials[-1, network.outputs] for trace in traces if trace.potentials is not None]
        else:
            scores = [trace.spikes[:, network.outputs].sum(axis=0) for trace in traces]
        found[0].append(np.argmax(scores, axis=1) == own)
        for kept, program in zip(found[1:], programs, strict=True):
            kept.append(_named(program, members, scales, by_potential=by_potential) == own)
        first += len(members)
    return [np.concatenate(each) for each in found]


def shares_of(is_right: Bools, split: SampleSplit) -> tuple[float, float, float]:
    """Return the share of right classes in each part."""
    first, second, third = (float(is_right[part].mean()) for part in (split.fitting, split.choosing, split.held_out))
    return first, second, third


def _named(program: Program, inputs: Sequence[Raster], scales: Floats, *, by_potential: bool) -> Int64s:
    traces = simulate(program, inputs, state=by_potential)
    if not by_potential:
        return np.array([int(np.argmax(trace.spikes.sum(axis=0))) for trace in traces], np.int64)
    last = [trace.potentials[-1, program.outputs] for trace in traces if trace.potentials is not None]
    return np.array([int(np.argmax(each / scales)) for each in last], np.int64)
