"""Spikes of integers in each part of the samples, and their differences from the trained network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Int64s, Raster
from snnprog.chips import Chip
from snnprog.networks.calibration.grid import Precision
from snnprog.networks.calibration.report import Accuracy, Counts, SampleSplit, StageReport
from snnprog.networks.calibration.stages import NetworkIntegers, run_stage
from snnprog.networks.calibration.trained import Samples, TrainedLayers

Lines = list[Raster]
"""For each part, (ticks of all samples, inputs + neurons) spikes of inputs and neurons."""


@dataclass(frozen=True, eq=False)
class Part:
    """Some of the samples with the spikes of all lines, in the trained network and with the known integers."""

    samples: Samples
    trained: Raster
    lines: Raster

    @classmethod
    def of(cls, network: TrainedLayers, samples: Samples) -> Part:
        """Return a part before any integers are known."""
        inputs, spikes = np.concatenate(samples.inputs), np.concatenate(samples.spikes)
        lines = np.concatenate([inputs, np.zeros_like(spikes)], axis=1)
        return cls(samples, np.concatenate([inputs, spikes], axis=1), lines)


class StageJudge:
    """Runs stages on the parts of the samples, and counts what differs from the trained network.

    Attributes
    ----------
    parts : list of Part
        For fitting, for choosing, and held out.
    """

    def __init__(self, network: TrainedLayers, samples: Samples, *, chip: Chip, split: SampleSplit) -> None:
        self.network, self.chip = network, chip
        chosen = (split.fitting, split.choosing, split.held_out)
        self.parts = [Part.of(network, samples.some(indices)) for indices in chosen]

    def silent(self) -> Lines:
        """Return the lines of each part while no neuron's integers are known."""
        return [part.lines.copy() for part in self.parts]

    def run(self, integers: NetworkIntegers, lines: Lines, *, stage: int) -> Lines:
        """Return the spikes of a stage in each part."""
        lengths = np.concatenate([part.samples.lengths for part in self.parts])
        together = np.concatenate(lines)
        spikes = run_stage(self.network, self.chip, integers, stage=stage, lines=together, lengths=lengths)
        return np.split(spikes, np.cumsum([len(each) for each in lines])[:-1])

    def run_all(self, integers: NetworkIntegers) -> Lines:
        """Return the spikes of a whole network."""
        lines = self.silent()
        for stage in range(self.network.n_stages):
            self.insert(lines, self.run(integers, lines, stage=stage), stage=stage)
        return lines

    def insert(self, lines: Lines, spikes: Lines, *, stage: int) -> None:
        """Insert the spikes of a stage into the lines of each part."""
        for each, sent in zip(lines, spikes, strict=True):
            each[:, self.columns(stage)] = sent

    def columns(self, stage: int) -> Int64s:
        """Return the lines of a stage's neurons."""
        columns: Int64s = self.network.n_inputs + np.flatnonzero(self.network.stage == stage)
        return columns

    def wrong_of(self, spikes: Raster, *, stage: int, part: int) -> int:
        """Return the wrong bins of a stage in a part."""
        return int((spikes != self.parts[part].trained[:, self.columns(stage)]).sum())

    def wrong(self, lines: Lines, *, part: int) -> Int64s:
        """Return (stages,) wrong bins of each stage in a part."""
        counts = [
            self.wrong_of(lines[part][:, self.columns(stage)], stage=stage, part=part)
            for stage in range(self.network.n_stages)
        ]
        return np.array(counts, np.int64)

    def output_counts(self, lines: Lines) -> tuple[Counts, Counts]:
        """Return the wrong bins of the neurons that are read out, and their number of spikes in the trained network."""
        outputs = self.network.n_inputs + self.network.outputs
        pairs = [(each[:, outputs], part.trained[:, outputs]) for each, part in zip(lines, self.parts, strict=True)]
        wrong = Counts(*(int((sent != trained).sum()) for sent, trained in pairs))
        return wrong, Counts(*(int(trained.sum()) for _, trained in pairs))

    def stages(
        self, precisions: Sequence[Precision], *, chosen: Sequence[str], lines: Lines, rounded: Lines
    ) -> tuple[StageReport, ...]:
        """Return the report of each stage."""
        network = self.network
        counts, plain = ([self.wrong(each, part=part) for part in range(3)] for each in (lines, rounded))
        neurons = np.bincount(network.stage).tolist()
        return tuple(
            StageReport(
                stage=stage,
                neurons=neurons[stage],
                bits=precisions[stage].bits,
                chosen=chosen[stage],
                bins=Counts(*(neurons[stage] * int(part.samples.lengths.sum()) for part in self.parts)),
                wrong=Counts(*(int(each[stage]) for each in counts)),
                wrong_rounded=Counts(*(int(each[stage]) for each in plain)),
            )
            for stage in range(network.n_stages)
        )

    def accuracy(self, lines: Lines, rounded: Lines) -> Accuracy | None:
        """Return the shares of correct classes, if samples have labels."""
        if self.parts[0].samples.labels is None:
            return None
        trained = [part.trained for part in self.parts]
        return Accuracy(*(self._shares(each) for each in (trained, lines, rounded)))

    def _shares(self, lines: Lines) -> tuple[float, float, float]:
        shares = []
        for part, raster in zip(self.parts, lines, strict=True):
            outputs = raster[:, self.network.n_inputs + self.network.outputs]
            counts = [each.sum(axis=0) for each in np.split(outputs, np.cumsum(part.samples.lengths)[:-1])]
            labels = part.samples.labels
            shares.append(float((np.argmax(counts, axis=1) == labels).mean()) if counts else 0.0)
        return shares[0], shares[1], shares[2]
