"""Differences between the spikes of a program and of its original network, by population."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from snnprog.arrays import Raster
from snnprog.display.card import Displayed
from snnprog.networks.network import TrainedNetwork
from snnprog.networks.running import batches, run_network
from snnprog.program import Program
from snnprog.simulate import simulate
from snnprog.simulate.reference import run_observed
from snnprog.trace import Excursion
from snnprog.wording import counted

RANDOM_SAMPLES, RANDOM_TICKS, RANDOM_RATE = 8, 50, 0.1
"""Random inputs for the comparison if no inputs are given: a choice, not a measurement. Few enough for networks of
millions of synapses, and many enough that most neurons of trained networks spike."""

RANDOM_WORK = 1 << 24
"""Maximum number of neuron-ticks of random inputs, with at least one sample: a choice. PilotNet's 158,509 neurons get
two samples, which take 40 s."""


@dataclass(frozen=True)
class PopulationMismatch:
    """The differences of the spikes of one population.

    Attributes
    ----------
    name : str
    neurons : int
    spikes : int
        Spikes of the real network.
    wrong_bins : int
        Bins (tick and neuron) with a spike in only one of the two.
    """

    name: str
    neurons: int
    spikes: int
    wrong_bins: int


@dataclass(frozen=True, eq=False, repr=False)
class Mismatch(Displayed):
    """The differences between the spikes of a program and of the real network.

    Attributes
    ----------
    populations : tuple of PopulationMismatch
        Those that spike, in the network's order.
    bins : int
        Number of compared bins.
    output_bins : int
        Wrong bins of neurons that are read out.
    several : int
        Bins in which a neuron of the real network spikes more than once.
    excursion : Excursion or None
        Where the program first left the range in which all runtimes agree.
    """

    populations: tuple[PopulationMismatch, ...]
    bins: int
    output_bins: int
    several: int
    excursion: Excursion | None

    @property
    def wrong_bins(self) -> int:
        """Wrong bins of all populations."""
        return sum(population.wrong_bins for population in self.populations)

    @property
    def spikes(self) -> int:
        """Spikes of the real network, of all populations."""
        return sum(population.spikes for population in self.populations)

    def _summary(self) -> str:
        return f"{counted(self.wrong_bins, 'wrong bin')} of {self.bins:,}, {self.output_bins} of outputs"

    def as_dict(self) -> dict[str, object]:
        """Return the comparison as plain data."""
        return {
            "wrong_bins": self.wrong_bins,
            "output_bins": self.output_bins,
            "bins": self.bins,
            "several": self.several,
            "spikes": self.spikes,
            "populations": [
                {"name": each.name, "neurons": each.neurons, "spikes": each.spikes, "wrong_bins": each.wrong_bins}
                for each in self.populations
            ],
        }


def mismatch_of(network: TrainedNetwork, program: Program, inputs: Sequence[Raster]) -> Mismatch:
    """Return the differences between the spikes of a program and of a network on input rasters, each from rest.

    Parameters
    ----------
    network : TrainedNetwork
    program : Program
        With the network's neurons first, in its order.
    inputs : sequence of (ticks, inputs) bool
    """
    wrong, spikes = np.zeros((2, network.n_neurons), dtype=np.int64)
    bins, several = 0, 0
    excursion: Excursion | None = None
    for members in batches(network, inputs):
        observed, left = _observed(program, members)
        excursion = excursion or left
        for seen, real in zip(observed, run_network(network, members), strict=True):
            wrong += np.where(network.is_readout, 0, (seen[:, : network.n_neurons] != real.spikes).sum(axis=0))
            spikes += real.spikes.sum(axis=0)
            bins += len(real.spikes) * int((~network.is_readout).sum())
            several += int((real.counts > 1).sum())
    populations = tuple(
        PopulationMismatch(
            population.name,
            population.size,
            spikes=int(spikes[network.neurons_of(population.name)].sum()),
            wrong_bins=int(wrong[network.neurons_of(population.name)].sum()),
        )
        for population in network.populations
        if not population.is_readout
    )
    return Mismatch(
        populations=populations,
        bins=bins,
        output_bins=int(wrong[network.outputs].sum()),
        several=several,
        excursion=excursion,
    )


def _observed(program: Program, inputs: Sequence[Raster]) -> tuple[list[Raster], Excursion | None]:
    """Return the spikes of all neurons, and the first excursion from the range in which all runtimes agree."""
    if program.chip.is_readout_apart:  # readouts then differ
        return run_observed(program, inputs)
    traces = simulate(replace(program, outputs=np.arange(program.n_neurons, dtype=np.int32)), inputs)
    left = [trace.excursion for trace in traces if trace.excursion is not None]
    return [trace.spikes for trace in traces], left[0] if left else None


def random_inputs(network: TrainedNetwork, seed: int) -> list[Raster]:
    """Return input rasters of random spikes."""
    rng = np.random.default_rng(seed)
    shape = RANDOM_TICKS, network.n_inputs
    samples = min(RANDOM_SAMPLES, max(1, RANDOM_WORK // (RANDOM_TICKS * max(network.n_neurons, 1))))
    return [rng.random(shape) < RANDOM_RATE for _ in range(samples)]
