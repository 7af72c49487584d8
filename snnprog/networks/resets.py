"""Resets that a chip does not have, made of synapses and neurons that it has.

All is exact in real numbers. With γ for the share of the potential that a tick leaves and θ for the threshold:

*A threshold that is subtracted a tick after the spike.* A chip that subtracts at once leaves ``γ (v - θ)`` in the next
tick, where the network has ``γ v - θ``: each neuron takes the difference off itself.

*A neuron that holds back.* In snnTorch, a neuron that a reset leaves above its threshold spikes above 2 θ in the next
step (`snnprog.networks.convention`). No weights make one neuron of a chip do that. So each neuron gets a second one
that spikes where the reset leaves the first above θ. The first spikes above θ, so the second has to spike

- above 2 θ, or above θ if it spiked a tick ago, for then the first had to reach 2 θ.

It gets what the first gets, is brought down by θ where the first is reset, and is lifted by θ in the tick after its own
spikes; its threshold is 2 θ. In the same tick it pushes the first down by θ. All of these are pulses: what they leave
in the potential, and the second neuron's own reset, is made up for a tick later.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from snnprog.arrays import Floats
from snnprog.convolution import Convolution
from snnprog.networks.network import Connection, Population, TrainedNetwork, joined
from snnprog.networks.weights import Kernel, Weights, one_to_one
from snnprog.wording import counted

SECOND = "second neurons of "


def with_late_subtraction(network: TrainedNetwork) -> TrainedNetwork:
    """Return a network whose thresholds are subtracted at once, and that spikes as one where some are a tick later."""
    late = [each for each in network.populations if each.reset_delay and not each.is_readout]
    pulses = _Pulses.of(network.connections)
    loops = [
        wire for each in late for wire in pulses(each, each, weights=[-each.threshold * (1.0 - each.potential_kept)])
    ]
    return replace(
        network,
        populations=tuple(replace(each, reset_delay=0) for each in network.populations),
        connections=joined((*network.connections, *loops)),
    )


def with_second_neurons(network: TrainedNetwork) -> TrainedNetwork:
    """Return a network whose neurons do not hold back, and spike as those of one that do."""
    firsts = [each for each in network.populations if not each.is_readout]
    seconds = {each.name: _second(each, network) for each in firsts}
    copies = [
        replace(connection, target=seconds[connection.target].name)
        for connection in network.connections
        if connection.target in seconds
    ]
    pulses = _Pulses.of([*network.connections, *copies])
    wires = [wire for first in firsts for wire in _wires(first, seconds[first.name], pulses)]
    return replace(
        network,
        convention=replace(network.convention, holds_back=False),
        populations=(*network.populations, *seconds.values()),
        connections=joined((*network.connections, *copies, *wires)),
        notes=(*network.notes, _note(firsts)),
    )


def _second(first: Population, network: TrainedNetwork) -> Population:
    return replace(first, name=network.unused_name(SECOND + first.name), threshold=2.0 * first.threshold)


def _note(firsts: list[Population]) -> str:
    count = sum(each.size for each in firsts)
    return (
        f"{counted(count, 'neuron')}, left above the threshold by a reset, must reach twice the threshold in the next"
        f" step, as in snnTorch: {counted(count, 'second neuron')} keep them from spiking before. Where that does not"
        " matter, give reset and reset_delay without the exporter"
    )


def _wires(first: Population, second: Population, pulses: _Pulses) -> list[Connection]:
    """Return the synapses between first and second neurons, and of the second with themselves."""
    kept, limit = first.potential_kept, first.threshold
    return [
        *pulses(first, second, weights=[-kept * limit]),
        *pulses(second, second, weights=[(1.0 + 2.0 * kept) * limit, -kept * limit]),
        *pulses(second, first, weights=[-limit, kept * limit]),
    ]


@dataclass(frozen=True)
class _Pulses:
    """Makes synapses by which each neuron adds to the potential of the neuron of the same number, and of no other.

    Attributes
    ----------
    images : mapping of str to Convolution
        The populations that convolutions lead to: places of these share weights.
    """

    images: Mapping[str, Convolution]

    @classmethod
    def of(cls, connections: Iterable[Connection]) -> _Pulses:
        """Return what makes synapses beside others."""
        return cls({each.target: each.weights.geometry for each in connections if isinstance(each.weights, Kernel)})

    def __call__(self, source: Population, target: Population, *, weights: list[Floats]) -> list[Connection]:
        """Return the synapses; where neurons have a current, further ones end it, so that it does not last.

        Parameters
        ----------
        weights : list of (neurons,) float
            What a spike adds to the potential after one tick, after two, and so on.
        """
        nothing = np.zeros(target.size)
        steps = zip([*weights, nothing], [nothing, *weights], strict=True)
        taps = [now - target.current_kept * before for now, before in steps]
        return [
            Connection(source.name, target.name, delay, float(delay), self._each_to_its_own(target, tap))
            for delay, tap in enumerate(taps, start=1)
            if tap.any()
        ]

    def _each_to_its_own(self, target: Population, weights: Floats) -> Weights:
        if target.name not in self.images:
            return one_to_one(weights)
        image = self.images[target.name]
        count = image.channels[1]
        channels = weights.reshape(count, -1)
        if (channels != channels[:, :1]).any():
            return one_to_one(weights)
        geometry = Convolution(channels=(count, count), image=image.size, kernel=(1, 1), groups=count)
        return Kernel(geometry, channels[:, :1, None, None])
