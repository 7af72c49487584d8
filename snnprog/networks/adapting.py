"""Adaptation of a network to a chip: the reset of its neurons, and the start of constant drives.

A reset a tick after the spike is a refractory period of two ticks, or, where the threshold is subtracted, synapses of
each neuron with itself; a neuron that holds back gets a second one (`snnprog.networks.resets`). A chip's bias acts from
the first tick on; the constant drive of a population that starts later comes by synapses from a neuron that spikes in
every tick.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array

from snnprog.arrays import Floats, Int64s, Raster
from snnprog.chips import Chip
from snnprog.errors import SpecError
from snnprog.networks.convention import ABOVE, SUBTRACT, ZERO
from snnprog.networks.network import Connection, Population, TrainedNetwork
from snnprog.networks.resets import with_late_subtraction, with_second_neurons
from snnprog.networks.running import batches, run_network
from snnprog.networks.weights import Matrix
from snnprog.rules.linear import NONE
from snnprog.wording import counted

CLOCK = "clock"


@dataclass(frozen=True, eq=False)
class AdaptedNetwork:
    """A network whose neurons have the resets of a chip.

    Attributes
    ----------
    network : TrainedNetwork
        With the neurons of the original first, in its order.
    refractory : (neurons,) int
        The refractory periods that they require, in ticks.
    """

    network: TrainedNetwork
    refractory: Int64s


def adapted_to(network: TrainedNetwork, chip: Chip) -> AdaptedNetwork | None:
    """Return a network that spikes on a chip as one does, but for rounding; None if the chip has no such neurons.

    Raises
    ------
    SpecError
        If outputs subtract a tick late, and those of the chip feed no neurons.
    """
    reset = network.convention.reset
    late = [each for each in network.populations if each.reset_delay and not each.is_readout]
    lasting = [each for each in network.populations if not each.is_readout and each.potential_kept.any()]
    if late or lasting:  # otherwise nothing is left that a reset could change
        if reset != chip.linear_rule(*chip.usual_decays).reset:
            return None
        if reset == ZERO:
            return _with_pauses(network, chip, late)
        _check_late_outputs(network, chip, late)
        network = with_late_subtraction(network)
    return as_the_chip(_with_seconds(network, chip), chip)


def _check_late_outputs(network: TrainedNetwork, chip: Chip, late: Sequence[Population]) -> None:
    leaking = [each.name for each in late if (each.potential_kept < 1.0).any()]
    outputs = [name for name in leaking if np.isin(network.neurons_in(name), network.outputs).any()]
    if chip.is_readout_apart and outputs:
        raise SpecError(
            f"outputs of {chip.name} feed no neurons, but those of {network.name}, {outputs[0]!r}, must feed themselves"
            " as they subtract the threshold a tick after a spike; give reset_delay=0 (--reset-delay 0), with which"
            " spikes may differ, or choose another chip"
        )


def _with_seconds(network: TrainedNetwork, chip: Chip) -> TrainedNetwork:
    """Return a network with second neurons where its neurons hold back, if those of the chip do so with them."""
    own, longest = network.convention, 3 if network.current_kept.any() else 2
    is_possible = own.compare == ABOVE and chip.linear_rule(*chip.usual_decays).most_spikes == 1
    has_delays = chip.delays[0] == 1 and longest <= chip.delays[1]
    return with_second_neurons(network) if own.holds_back and is_possible and has_delays else network


def as_the_chip(network: TrainedNetwork, chip: Chip) -> AdaptedNetwork:
    """Return a network with the chip's reset instead of its own; its weights must be fitted to the original."""
    return _with_clock(network, chip, np.ones(network.n_neurons, np.int64))


def _with_pauses(network: TrainedNetwork, chip: Chip, late: Sequence[Population]) -> AdaptedNetwork | None:
    """Return a network some of whose populations are held at 0 for the tick after a spike, if a chip has that."""
    refractory = np.ones(network.n_neurons, np.int64)
    for population in late:
        refractory[network.neurons_of(population.name)] = 2
    return _with_clock(network, chip, refractory) if not late or chip.refractory[1] >= 2 else None


def refusal(network: TrainedNetwork, chip: Chip, inputs: Sequence[Raster], *, is_random: bool) -> SpecError:
    """Return the error for a chip without such neurons, with the number of bins that would differ."""
    own, has_reset = network.convention, chip.linear_rule(*chip.usual_decays).reset
    other = replace(
        network,
        convention=replace(own, reset=None if has_reset == NONE else has_reset, holds_back=False),
        populations=tuple(replace(population, reset_delay=0) for population in network.populations),
    )
    wrong, spikes = 0, 0
    for members in batches(network, inputs):
        for ours, theirs in zip(run_network(network, members), run_network(other, members), strict=True):
            wrong, spikes = wrong + int((ours.spikes != theirs.spikes).sum()), spikes + int(ours.spikes.sum())
    how = {SUBTRACT: "by subtraction of the threshold", ZERO: "to 0"}
    is_late = any(population.reset_delay and not population.is_readout for population in network.populations)
    late = ", a tick after the spike" if is_late else ""
    on = f"on {counted(len(inputs), 'random input')}" if is_random else "on the given inputs"
    differ = f"{counted(wrong, 'bin')} would differ ({counted(spikes, 'spike')})" if spikes else "no neuron spikes"
    choice = (
        f" If it was trained with reset {how[has_reset]}, give reset={has_reset!r} (--reset {has_reset})."
        if own.reset != has_reset and has_reset in how
        else ""
    )
    return SpecError(
        f"neurons of {network.name} are reset {how.get(str(own.reset), 'not at all')}{late}, and those of {chip.name}"
        f" {how.get(has_reset, 'not at all')}: {on}, {differ}."
        f"{choice} Otherwise choose a chip with that reset, give inputs= (--inputs) to fit the weights to, or train"
        " with the chip's reset"
    )


# ---------------------------------------------------------------- constant drives


def _with_clock(network: TrainedNetwork, chip: Chip, refractory: Int64s) -> AdaptedNetwork:
    """Return a network in which constant drives begin when their populations do."""
    driven = [
        population
        for population in network.populations
        if chip.delays[0] <= population.start <= chip.delays[1] and _by_synapse(population).any()
    ]
    if not driven:
        return AdaptedNetwork(network, refractory)
    clock = _clock(network.unused_name(CLOCK))
    others = {population.name: _without_drive(population) for population in driven}
    wires = [
        Connection(clock.name, each.name, each.start, float(each.start), Matrix(csr_array(_by_synapse(each)[:, None])))
        for each in driven
    ]
    adapted = replace(
        network,
        populations=(*(others.get(each.name, each) for each in network.populations), clock),
        connections=(*network.connections, *wires),
    )
    return AdaptedNetwork(adapted, np.concatenate([refractory, [1]]))


def _clock(name: str) -> Population:
    """Return a neuron that spikes once in every tick with any reset, because its potential does not last."""
    threshold, bias, nothing = np.array([2.0]), np.array([3.0]), np.zeros(1)
    return Population(name, (1,), threshold, bias, nothing, current_kept=nothing, potential_kept=nothing, is_clock=True)


def _by_synapse(population: Population) -> Floats:
    """Return the constant drive that a synapse can provide: the direct part, and the part smoothed by the current."""
    return np.where(population.current_kept == 0.0, population.bias, 0.0) + population.late_bias


def _without_drive(population: Population) -> Population:
    left = np.where(population.current_kept == 0.0, 0.0, population.bias)
    return replace(population, bias=left, late_bias=np.zeros(population.size))
