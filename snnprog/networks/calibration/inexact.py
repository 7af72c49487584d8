"""Neurons that are not exact on the samples that were fitted, and why.

A neuron's distance to its threshold is linear in its weights, threshold and bias (`snnprog.networks.calibration.
features`). So whether any real numbers give it the trained network's spikes, on the spikes that really arrive, is a
linear program: its largest margin, with each unknown between -1 and 1 in units of its largest effect::

    maximise m  such that  row · x >= m  in bins with a spike,  -row · x >= 0  in silent ones

If the optimum is 0, no weights of any precision can make the neuron exact (the truncation of decays is not in these
equations). Duals prove it: they combine bins to an inequality that bounds the margin. Few bins suffice for that, so the
program has the wrong bins and those near the threshold, and then those that its answer misses.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Floats, Int64s, Raster
from snnprog.chips import Chip
from snnprog.fixed_order import times, transposed_times
from snnprog.networks.calibration.features import neuron_rows
from snnprog.networks.calibration.judging import StageJudge
from snnprog.networks.calibration.report import Calibrated
from snnprog.networks.calibration.trained import Samples, TrainedLayers
from snnprog.solver import LinearProgram, maximise_if_possible

NO_MARGIN = 1e-7
"""A margin below it is none: one unit of a potential of 23 bits, in units of its largest value."""

MOST_BINS = 512
"""Number of bins of a linear program at first, and of those that are added in a round. A choice: some 50 ms for 64
weights."""

MOST_ROUNDS = 4
"""Maximum number of linear programs of a neuron. A choice; most that have no weights are proved by the first."""

MOST_NUMBERS = 1 << 24
"""Maximum number of bins times unknowns of a neuron: 128 MB. A choice."""

MOST_EXAMINED = 256
"""Maximum number of neurons of a stage that are examined: some tens of seconds. A choice."""


@dataclass(frozen=True)
class InexactNeurons:
    """The neurons of one stage that are not exact on the samples that were fitted.

    Attributes
    ----------
    neurons : int
        Neurons with a wrong bin.
    impossible : int
        Of these, neurons whose spikes no real weights, threshold and bias give, on the spikes that arrive: proved.
    fed_wrong : int
        Of the impossible ones, neurons that receive spikes that differ from those of the trained network.
    """

    neurons: int
    impossible: int
    fed_wrong: int

    def as_dict(self) -> dict[str, int]:
        """Return the counts as plain data."""
        return {"neurons": self.neurons, "impossible": self.impossible, "fed_wrong": self.fed_wrong}


@dataclass(frozen=True, eq=False)
class SpikingBins:
    """The bins of one neuron, in which real numbers should give its spikes.

    Attributes
    ----------
    rows : (bins, unknowns) float
        The linear map from weights, threshold and bias to the distance from the threshold.
    is_spike : (bins,) bool
    is_equal_a_spike : bool
        Whether a potential at the threshold is a spike.
    """

    rows: Floats
    is_spike: Raster
    is_equal_a_spike: bool

    def is_impossible(self, first: Int64s) -> bool:
        """Return whether no unknowns give the spikes, as far as a few linear programs can prove it.

        Parameters
        ----------
        first : (some bins,) int
            Bins of the first linear program.
        """
        largest = np.abs(self.rows).max(axis=0, initial=0.0)
        signs = np.where(self.is_spike, 1.0, -1.0)
        signed = self.rows[:, largest > 0.0] / largest[largest > 0.0] * signs[:, None]
        is_strict = self.is_spike != self.is_equal_a_spike
        chosen = first
        for _ in range(MOST_ROUNDS):
            margin, values = _largest_margin(signed[chosen], is_strict[chosen])
            if margin <= NO_MARGIN:
                return True
            reached = times(signed, values) - np.where(is_strict, NO_MARGIN, 0.0)
            missed = np.argsort(reached, kind="stable")[:MOST_BINS]
            missed = np.setdiff1d(missed[reached[missed] < 0.0], chosen)
            if not missed.size:
                return False
            chosen = np.concatenate([chosen, missed])
        return False


def _largest_margin(signed: Floats, is_strict: Raster) -> tuple[float, Floats]:
    """Return a bound of the margin of all unknowns from -1 to 1, and the best of them; no bound if the solver fails.

    Prices of rows add these up to one inequality. Where those of strict rows add up to 1, it says that the margin is
    at most the sum of the unknowns, each times its coefficient: at most the sum of the coefficients' magnitudes.
    """
    count = signed.shape[1]
    program = LinearProgram(
        objective=np.append(np.zeros(count), 1.0),
        matrix=np.column_stack([signed, -is_strict.astype(np.float64)]),
        least=np.zeros(len(signed)),
        lower=np.append(-np.ones(count), 0.0),
        upper=np.ones(count + 1),
    )
    optimum = maximise_if_possible(program)
    if optimum is None:
        return np.inf, np.zeros(count)
    whole = float(optimum.duals[is_strict].sum())
    bound = float(np.abs(transposed_times(signed, optimum.duals)).sum()) / whole if whole > 0.0 else np.inf
    return bound, optimum.values[:-1]


def inexact_neurons(
    network: TrainedLayers, samples: Samples, calibrated: Calibrated, *, chip: Chip
) -> tuple[InexactNeurons, ...]:
    """Return for each stage how many neurons are not exact on the samples that were fitted, and why."""
    judge = StageJudge(network, samples, chip=chip, split=calibrated.split)
    lines, part = judge.run_all(calibrated.integers)[0], judge.parts[0]
    differs = (lines != part.trained).any(axis=0)
    found = []
    for stage in range(network.n_stages):
        own = np.flatnonzero(network.stage == stage)
        wrong = own[differs[network.n_inputs + own]]
        arriving = lines.copy()
        arriving[:, judge.columns(stage)] = part.trained[:, judge.columns(stage)]
        is_fed_wrong = (arriving != part.trained).any(axis=0)
        impossible = [
            neuron
            for neuron in wrong[:MOST_EXAMINED].tolist()
            if _is_impossible(network, part.samples, arriving, lines, neuron=neuron, kept=calibrated.kept, chip=chip)
        ]
        fed = sum(bool(is_fed_wrong[network.pre[network.synapses_into[each]]].any()) for each in impossible)
        found.append(InexactNeurons(int(wrong.size), len(impossible), fed))
    return tuple(found)


def _is_impossible(
    network: TrainedLayers,
    samples: Samples,
    arriving: Raster,
    sent: Raster,
    *,
    neuron: int,
    kept: Raster,
    chip: Chip,
) -> bool:
    """Return whether no real numbers give a neuron its spikes on arriving ones; False if that is not proved."""
    synapses = network.synapses_into[neuron]
    synapses = synapses[kept[network.parameter[synapses]]]
    parameters, slot = np.unique(network.parameter[synapses], return_inverse=True)
    if arriving.shape[0] * (parameters.size + 2) > MOST_NUMBERS:
        return False
    spikes = np.concatenate([raster[:, neuron] for raster in samples.spikes])
    linear = network.linear_rule(int(network.group[neuron]), chip)
    rows = neuron_rows(
        arriving,
        samples.age,
        slot=slot,
        pre=network.pre[synapses],
        delay=network.delay[synapses],
        spikes=spikes,
        n_slots=parameters.size,
        linear=linear,
    )
    free = np.flatnonzero(rows[:, -1] > 0.0)
    distance = np.concatenate([each[:, neuron] for each in samples.potentials]) - network.threshold[neuron]
    is_wrong = sent[free, network.n_inputs + neuron] != spikes[free]
    order = np.lexsort((np.abs(distance[free]), ~is_wrong))
    return SpikingBins(rows[free], spikes[free], linear.is_equal_a_spike).is_impossible(order[:MOST_BINS])
