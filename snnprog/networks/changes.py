"""Changes of a network's numbers by rounding: trained value, quantized value, difference."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Floats
from snnprog.calls import call_checked
from snnprog.display.card import Displayed
from snnprog.networks.network import TrainedNetwork
from snnprog.program import Program

SAME = 1e-9
"""Share of a number's unit below which differences count as equal in double precision."""


@call_checked
@dataclass(frozen=True, eq=False, repr=False)
class Change(Displayed):
    """The change of one kind of number by rounding.

    Attributes
    ----------
    quantity : str
        "weight", "threshold", "bias", "delay", "current kept" or "potential kept" (per tick).
    trained, quantized : (n,) float
        The values before and after, in the network's own units, in its order of weights, synapses or neurons. Synapses
        that share a weight count once.
    unit : (n,) float
        The unit of differences: the largest weight into the same neuron for weights, the threshold for
        biases, the value itself otherwise.
    """

    quantity: str
    trained: Floats
    quantized: Floats
    unit: Floats

    @property
    def difference(self) -> Floats:
        """(n,) ``quantized`` minus ``trained``."""
        difference: Floats = self.quantized - self.trained
        return difference

    @property
    def share(self) -> Floats:
        """(n,) The difference in `unit`."""
        share: Floats = np.abs(self.difference) / np.where(self.unit > 0, self.unit, 1.0)
        return share

    @property
    def changed(self) -> int:
        """Number of changed values."""
        return int(np.count_nonzero(self.share > SAME))

    @property
    def vanished(self) -> int:
        """Number of values that became 0."""
        return int(np.count_nonzero((self.quantized == 0.0) & (self.trained != 0.0)))

    @property
    def worst(self) -> int | None:
        """Index of the largest difference."""
        return int(np.argmax(self.share)) if self.share.size else None

    def _summary(self) -> str:
        return f"{self.quantity}: {self.changed} of {self.trained.size} changed, {self.vanished} became 0"

    def as_dict(self) -> dict[str, object]:
        """Return the change as plain data."""
        worst = self.worst
        return {
            "quantity": self.quantity,
            "numbers": int(self.trained.size),
            "changed": self.changed,
            "vanished": self.vanished,
            "worst": worst,
            "trained": None if worst is None else float(self.trained[worst]),
            "quantized": None if worst is None else float(self.quantized[worst]),
            "share": None if worst is None else float(self.share[worst]),
        }


def changes_of(network: TrainedNetwork, program: Program, *, scales: Floats, weights: Floats) -> tuple[Change, ...]:
    """Return the changes of each kind of number.

    Parameters
    ----------
    network : TrainedNetwork
    program : Program
    scales : (neurons,) float
        Chip units for each unit of a neuron's weights.
    weights : (weights,) float
        The actual value of each of the network's weights, in its own units.
    """
    trained, spiking = network.parameters, ~network.is_readout
    unit = np.zeros(trained.size)
    for post, parameter, _ in network.unrolled():
        np.maximum.at(unit, parameter, network.largest_weight[post])
    kept = program.chip.shares_of(program.current_decay, program.potential_decay)
    ones = np.ones(network.n_neurons)
    delays = np.array([(each.exact_delay, each.delay) for each in network.connections], float).reshape(-1, 2)
    threshold = np.where(spiking, network.threshold, 1.0)
    return (
        Change("weight", trained, weights, unit),
        Change("threshold", threshold[spiking], (program.threshold / scales)[spiking], threshold[spiking]),
        Change("bias", network.bias, program.bias / program.chip.unit / scales, threshold),
        Change("current kept", network.current_kept, kept[0], ones),
        Change("potential kept", network.potential_kept, kept[1], ones),
        Change("delay", delays[:, 0], delays[:, 1], np.ones(len(delays))),
    )
