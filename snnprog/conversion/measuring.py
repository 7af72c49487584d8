"""Evaluation of a program on samples held out: agreement with labels and with the artificial network, and costs."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray

from snnprog.arrays import Floats, Raster
from snnprog.backends import built_in, run_backend
from snnprog.chips import Energy
from snnprog.conversion.ann import Ann
from snnprog.conversion.costs import Costs
from snnprog.conversion.decoding import SpikeCounts
from snnprog.conversion.samples import Parts
from snnprog.errors import PortabilityWarning, SpecError
from snnprog.program import Program
from snnprog.simulate.reference import run_observed
from snnprog.wording import counted
from snnprog.workload import PatternActivity, pattern_activities

BEYOND = "took a state beyond the range in which all runtimes agree; more data, or fewer bits=, make it smaller"

AT_ONCE = 1 << 27
"""Maximum size in bytes of rasters of all neurons in memory: a choice."""


@dataclass(frozen=True)
class Scores:
    """Results on samples held out, as shares from 0 to 1.

    Attributes
    ----------
    samples : int
    measure : str
        "accuracy", the share of samples with the correct class; for a regression "R2", the share of the variance that
        is explained.
    ann, program : float or None
        By the labels; None without labels.
    agreement : float
        The same measure, with the output of the artificial network as labels.
    """

    samples: int
    measure: str
    ann: float | None
    program: float | None
    agreement: float

    @property
    def loss(self) -> float | None:
        """Loss of the program relative to the artificial network; negative if it is better."""
        return None if self.ann is None or self.program is None else self.ann - self.program

    def as_dict(self) -> dict[str, object]:
        """Return the scores as plain data."""
        return asdict(self) | {"loss": self.loss}


def measured(
    ann: Ann, program: Program, *, parts: Parts, rasters: Sequence[Raster], decoder: SpikeCounts
) -> tuple[Scores, Costs, tuple[str, ...]]:
    """Return the scores of a program on samples with given input rasters, and notes."""
    outputs: list[Raster] = []
    works: list[PatternActivity] = []
    beyond = 0
    step = max(1, AT_ONCE // max(1, len(rasters[0]) * program.n_neurons))
    for first in range(0, len(rasters), step):
        batch = rasters[first : first + step]
        spikes, left = _observed(program, batch)
        beyond += left
        outputs += [raster[:, program.outputs] for raster in spikes]
        works += pattern_activities(program, batch, spikes=spikes)
    wanted = ann.outputs(parts.judging)
    notes = () if not beyond else (f"at least {counted(beyond, 'sample')} of {len(rasters)} held out {BEYOND}",)
    return _scores(ann, parts.labels, wanted, outputs, decoder), _costs(ann, works, program.chip.energy), notes


def _observed(program: Program, inputs: Sequence[Raster]) -> tuple[list[Raster], int]:
    """Return the spikes of all neurons, and the number of inputs with a state outside the range of all runtimes."""
    if program.chip.is_readout_apart:
        spikes, excursion = run_observed(program, inputs)
        return spikes, int(excursion is not None)
    everything = replace(program, outputs=np.arange(program.n_neurons, dtype=np.int32))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PortabilityWarning)  # they are counted
        traces = run_backend(everything, inputs, built_in(program)).traces
    return [trace.spikes for trace in traces], sum(trace.excursion is not None for trace in traces)


def _costs(ann: Ann, works: Sequence[PatternActivity], energy: Energy | None) -> Costs:
    energies = [work.energy_pj for work in works if work.energy_pj is not None]
    return Costs(
        input_spikes=_mean([work.input_spikes for work in works]),
        neuron_spikes=_mean([work.neuron_spikes for work in works]),
        synaptic_operations=_mean([work.synaptic_operations for work in works]),
        neuron_updates=_mean([work.neuron_updates for work in works]),
        multiplications=ann.multiplications,
        energy_pj=(_mean([each[0] for each in energies]), _mean([each[1] for each in energies])) if energies else None,
        energy_source=None if energy is None else energy.source,
    )


def _mean(values: Sequence[float]) -> float:
    return float(sum(values)) / max(len(values), 1)


# ---------------------------------------------------------------- scores


def _scores(
    ann: Ann, labels: NDArray[np.generic] | None, wanted: Floats, outputs: Sequence[Raster], decoder: SpikeCounts
) -> Scores:
    if ann.classes is None:
        values = decoder.values(outputs)
        own = None if labels is None else _as_values(labels, wanted)
        return Scores(
            samples=len(wanted),
            measure="R2",
            ann=None if own is None else _explained(own, wanted),
            program=None if own is None else _explained(own, values),
            agreement=_explained(wanted, values),
        )
    classes = np.array(ann.classes)
    given, decided = wanted.argmax(axis=1), decoder.decide(outputs)
    return Scores(
        samples=len(wanted),
        measure="accuracy",
        ann=None if labels is None else _right(labels, classes[given]),
        program=None if labels is None else _right(labels, classes[decided]),
        agreement=_right(given, decided),
    )


def _right(labels: NDArray[np.generic], found: NDArray[np.generic]) -> float:
    if labels.ndim != 1:
        raise SpecError(
            f"labels must be one class for each sample, got an array of shape {labels.shape}; of one-hot rows, give"
            " labels.argmax(axis=1)"
        )
    return float(np.count_nonzero(labels == found)) / len(labels)


def _as_values(labels: NDArray[np.generic], wanted: Floats) -> Floats:
    if labels.dtype.kind not in "biuf" or labels.size != wanted.size:
        raise SpecError(
            f"labels must be {counted(wanted.shape[1], 'number')} for each sample, got {labels.dtype} {labels.shape}"
        )
    return labels.astype(np.float64).reshape(wanted.shape)


def _explained(labels: Floats, values: Floats) -> float:
    """Return the share of the labels' variance that values explain, averaged over outputs (R²)."""
    left = ((labels - values) ** 2).sum(axis=0)
    whole = ((labels - labels.mean(axis=0)) ** 2).sum(axis=0)
    return float(np.mean(1.0 - left / np.where(whole > 0.0, whole, 1.0)))
