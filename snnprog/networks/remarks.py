"""Remarks on a quantized network, in addition to the changes by rounding."""

from __future__ import annotations

import numpy as np

from snnprog.arrays import Floats
from snnprog.chips import Chip
from snnprog.networks.convention import ABOVE, AT_LEAST, SUBTRACT
from snnprog.networks.fitting import NetworkFit
from snnprog.networks.mismatch import Mismatch
from snnprog.networks.network import TrainedNetwork
from snnprog.networks.rounding import RoundedNetwork
from snnprog.wording import counted, in_words

FAR = 100.0
"""Thresholds of this many largest weights are reported; known trained networks have less than half."""


def remarks_on(network: TrainedNetwork, found: RoundedNetwork, mismatch: Mismatch, *, has_inputs: bool) -> list[str]:
    """Return differences of a program from its network, except rounding, and probable mistakes."""
    notes = [*found.notes, *_threshold_notes(network), *_reset_notes(network, found.chip, mismatch)]
    silent = [each.name for each in mismatch.populations if not each.spikes]
    if silent:
        on = "the given inputs" if has_inputs else "random inputs"
        notes.append(
            f"no neuron of {in_words([repr(name) for name in silent[:5]])} spikes on {on}; check dt_ms and the exporter"
        )
    for population in network.populations:
        if population.start and (population.bias.any() or population.late_bias.any()):
            notes.append(
                f"{population.name}: its constant drive begins {counted(population.start, 'tick')} before spikes of"
                " that time can reach it, so its first spikes may differ"
            )
        if (population.late_bias * population.current_kept).any():
            notes.append(f"{population.name}: its constant drive is there at once, and does not rise with tau_syn")
    return notes if mismatch.excursion is None else [*notes, str(mismatch.excursion)]


def few_inputs(fit: NetworkFit | None, tolerance: float) -> list[str]:
    """Return a note where bits="least" was decided by so few inputs that one error exceeds the tolerance."""
    if fit is None or fit.fewest is None or tolerance == 0.0:
        return []
    result = fit.fewest.result
    inputs, spikes = result.split.choosing.size, result.output_spikes.choosing
    units, error = (inputs, "class") if result.accuracy is not None else (spikes, "output bin")
    if units * tolerance >= 1.0:
        return []
    share = f"a loss of {1.0 / units:.0%}" if units else "too much"
    return [
        f'bits="least" was decided by {counted(inputs, "input")}, of which one wrong {error} is {share}, and'
        f" {tolerance:.0%} is allowed; more inputs may give fewer bits"
    ]


def _reset_notes(network: TrainedNetwork, chip: Chip, mismatch: Mismatch) -> list[str]:
    """Return notes about differences in spiking between the chip's neurons and the network's."""
    notes = []
    linear, own = chip.linear_rule(*chip.usual_decays), network.convention
    most = linear.most_spikes
    if own.reset == SUBTRACT and (own.compare == AT_LEAST) != linear.is_equal_a_spike:
        other = AT_LEAST if linear.is_equal_a_spike else ABOVE
        notes.append(
            f"neurons of {chip.name} spike where their potential is {other} the threshold, and those of the network"
            f" where it is {own.compare}: they differ if the two are equal"
        )
    if mismatch.several and most == 1:
        notes.append(
            f"neurons spike more than once in {counted(mismatch.several, 'bin')} of the network; those of {chip.name}"
            " spike once per tick"
        )
    if most > 1 and not own.many:
        notes.append(f"neurons of {chip.name} may spike several times in a tick, those of the network once")
    if own.holds_back:
        notes.append(
            "a neuron that a reset leaves above its threshold spikes above twice the threshold in the next step, as in"
            f" snnTorch; one of {chip.name} spikes again"
        )
    return notes


def _threshold_notes(network: TrainedNetwork) -> list[str]:
    """Return notes about neurons that cannot reach their thresholds, or only with very many spikes."""
    threshold, largest = network.threshold, network.largest_weight
    up = np.zeros(network.n_neurons)
    for post, _, weight in network.unrolled():
        np.add.at(up, post, np.maximum(weight, 0.0))
    never = ~network.is_readout & (_highest(network, up) <= threshold)
    is_far = ~network.is_readout & ~never & (largest > 0.0) & (threshold > FAR * largest)
    notes = []
    if never.any():
        notes.append(f"{counted(int(never.sum()), 'neuron')} can never spike for any input")
    if is_far.any():
        times = float((threshold[is_far] / largest[is_far]).max())
        notes.append(
            f"the thresholds of {counted(int(is_far.sum()), 'neuron')} are up to {times:.3g} times the largest weight;"
            " check dt_ms and the exporter"
        )
    return notes


def _highest(network: TrainedNetwork, up: Floats) -> Floats:
    """Return a bound of each neuron's potential: with all excitatory inputs at every tick, forever."""
    with np.errstate(divide="ignore", invalid="ignore"):
        drive = up / (1.0 - network.current_kept) + network.bias
        highest = np.where(network.potential_kept < 1.0, drive / (1.0 - network.potential_kept), np.inf)
    return np.where(drive > 0.0, highest, 0.0)
