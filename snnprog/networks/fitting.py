"""Fitting of a trained network to sample inputs: conversion to plain arrays for calibration, and back.

Neurons that do not spike keep their rounded weights, because no spikes distinguish two integers near one number.
The neuron that spikes in every tick to provide constant drives counts as an input line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from graphlib import TopologicalSorter

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from snnprog.arrays import Int64s, Raster
from snnprog.display.card import Displayed
from snnprog.errors import SpecError
from snnprog.networks.calibration import (
    Accuracy,
    Calibrated,
    FewestBits,
    NetworkIntegers,
    Samples,
    TrainedLayers,
    calibrate,
    fewest_bits,
)
from snnprog.networks.calibration.inexact import InexactNeurons, inexact_neurons
from snnprog.networks.calibration.report import PARTS
from snnprog.networks.network import Population, TrainedNetwork
from snnprog.networks.rounding import RoundedNetwork
from snnprog.networks.running import run_network
from snnprog.networks.weights import Kernel
from snnprog.wording import counted, in_words

LEAST = "least"
Bits = int | str | Mapping[str, int] | None


@dataclass(frozen=True, eq=False, repr=False)
class NetworkFit(Displayed):
    """The result of calibration.

    Attributes
    ----------
    calibrated : Calibrated
    stages : tuple of str
        The populations of each stage.
    bits : tuple of int or None
        Bits of each stage's weights; None for those of the chip.
    inexact : tuple of InexactNeurons
        The neurons of each stage that are not exact on the inputs that were fitted.
    fewest : FewestBits or None
        The search for the fewest bits, if requested.
    """

    calibrated: Calibrated
    stages: tuple[str, ...]
    bits: tuple[int | None, ...]
    inexact: tuple[InexactNeurons, ...]
    fewest: FewestBits | None = None

    def _summary(self) -> str:
        wrong = sum(stage.wrong.held_out for stage in self.calibrated.stages)
        rounded = sum(stage.wrong_rounded.held_out for stage in self.calibrated.stages)
        samples = counted(self.calibrated.split.held_out.size, "sample")
        return f"{counted(wrong, 'wrong bin')} on {samples} held out ({rounded} if weights are only rounded)"

    def as_dict(self) -> dict[str, object]:
        """Return the report as plain data."""
        calibrated, accuracy = self.calibrated, self.calibrated.accuracy
        return {
            "parts": list(PARTS),
            "samples": [
                part.size for part in (calibrated.split.fitting, calibrated.split.choosing, calibrated.split.held_out)
            ],
            "stages": [
                {
                    "populations": name,
                    "bits": bits,
                    "fitted_to": stage.chosen,
                    "bins": list(stage.bins.as_tuple),
                    "wrong": list(stage.wrong.as_tuple),
                    "wrong_if_rounded": list(stage.wrong_rounded.as_tuple),
                    "neurons": stage.neurons,
                    "inexact": inexact.as_dict(),
                }
                for name, bits, stage, inexact in zip(
                    self.stages, self.bits, calibrated.stages, self.inexact, strict=True
                )
            ],
            "accuracy": None
            if accuracy is None
            else {"network": accuracy.trained, "program": accuracy.result, "if_rounded": accuracy.rounded},
            "decided_by": calibrated.decided_by,
            "kept": float(calibrated.kept.mean()),
        }


@dataclass(frozen=True, eq=False)
class Fitting:
    """A network to fit.

    Attributes
    ----------
    network : TrainedNetwork
        The network, adapted to the chip; the original defines its targets.
    start : RoundedNetwork
        Its numbers rounded.
    refractory : (neurons,) int
        The refractory periods of all its neurons, in ticks.
    """

    network: TrainedNetwork
    start: RoundedNetwork
    refractory: Int64s

    @cached_property
    def populations(self) -> tuple[Population, ...]:
        """The populations that are fitted."""
        return tuple(each for each in self.network.populations if not each.is_readout and not each.is_clock)

    @cached_property
    def stages(self) -> dict[str, int]:
        """The stage of each population that is fitted: those that feed each other are one."""
        names = [population.name for population in self.populations]
        arcs = [
            (names.index(each.source), names.index(each.target))
            for each in self.network.connections
            if each.source in names and each.target in names
        ]
        links = np.zeros((len(names), len(names)))
        for source, target in arcs:
            links[source, target] = 1.0
        _, labels = connected_components(csr_array(links), directed=True, connection="strong")
        waits: dict[int, set[int]] = {int(label): set() for label in labels}
        for source, target in arcs:
            if labels[source] != labels[target]:
                waits[int(labels[target])].add(int(labels[source]))
        order = list(TopologicalSorter(waits).static_order())
        return {name: order.index(int(label)) for name, label in zip(names, labels, strict=True)}

    @cached_property
    def neurons(self) -> Int64s:
        """(fitted neurons,) Their indices among all neurons of the network."""
        own = [self.network.neurons_in(population.name) for population in self.populations]
        return np.concatenate([np.zeros(0, np.int64), *own])

    @cached_property
    def _synapses(self) -> dict[str, Int64s]:
        """The synapses to neurons that are fitted, with lines and neurons renumbered."""
        network, synapses = self.network, self.network.synapses
        place = np.full(network.n_inputs + network.n_neurons, -1)
        place[: network.n_inputs] = np.arange(network.n_inputs)
        place[network.n_inputs + self.neurons] = network.n_inputs + 1 + np.arange(self.neurons.size)
        for clock in (each.name for each in network.populations if each.is_clock):
            place[network.first[clock]] = network.n_inputs
        kept = np.flatnonzero((place[network.n_inputs + synapses.post] >= 0) & (synapses.weight != 0.0))
        post = place[network.n_inputs + synapses.post[kept]] - network.n_inputs - 1
        kept, post = kept[post >= 0], post[post >= 0]
        return {"kept": kept, "pre": place[synapses.pre[kept]], "post": post}

    @cached_property
    def parameters(self) -> Int64s:
        """(fitted weights,) Their indices among all weights of the network."""
        return np.unique(self.network.synapses.parameter[self._synapses["kept"]])

    @cached_property
    def layers(self) -> TrainedLayers:
        """The network as plain arrays."""
        network, start, synapses = self.network, self.start, self.network.synapses
        kept, chosen = self._synapses["kept"], self.neurons
        new = np.full(network.n_neurons, -1)
        new[chosen] = np.arange(chosen.size)
        outputs = new[self._judged]
        stages = [np.full(each.size, self.stages[each.name]) for each in self.populations]
        return TrainedLayers(
            n_inputs=network.n_inputs + 1,
            outputs=outputs[outputs >= 0],
            pre=self._synapses["pre"],
            post=self._synapses["post"],
            delay=synapses.delay[kept],
            weight=synapses.weight[kept],
            parameter=np.searchsorted(self.parameters, synapses.parameter[kept]),
            threshold=network.threshold[chosen],
            bias=network.bias[chosen],
            current_decay=start.current_decays[chosen],
            potential_decay=start.potential_decays[chosen],
            refractory=self.refractory[chosen],
            group=self._groups(),
            stage=np.concatenate(stages),
        )

    @cached_property
    def thresholds(self) -> Int64s | None:
        """The thresholds that rounded neurons share; None if each may have its own within the limits of a core."""
        limit, found = self.start.chip.core.thresholds, np.unique(self.start.thresholds)
        is_shared = limit is not None and found.size <= limit < self.start.thresholds.size
        return np.unique(self.start.thresholds[self.neurons]) if is_shared else None

    @property
    def _judged(self) -> Int64s:
        """The neurons whose wrong bins count as wrong outputs: the outputs, and those that lead to a readout."""
        network = self.network
        readouts = {each.name for each in network.populations if each.is_readout}
        sources = {each.source for each in network.connections if each.target in readouts} & set(self.stages)
        if not sources:
            return network.outputs
        judged: Int64s = np.unique(np.concatenate([network.outputs, *map(network.neurons_in, sources)]))
        return judged

    def _groups(self) -> Int64s:
        """Return the group of each neuron that is fitted: the channel of a convolution, or the neuron alone."""
        groups, first = [], 0
        for population in self.populations:
            kernels = [
                connection.weights.geometry.channels[1]
                for connection in self.network.connections
                if connection.target == population.name and isinstance(connection.weights, Kernel)
            ]
            count = kernels[0] if kernels else population.size
            groups.append(np.repeat(np.arange(count), population.size // count) + first)
            first += count
        return np.concatenate(groups)

    def samples(self, trained: TrainedNetwork, inputs: Sequence[Raster], labels: Int64s | None) -> Samples:
        """Return sample inputs with the activity of the trained network.

        Parameters
        ----------
        trained : TrainedNetwork
            The network before adaptation.
        inputs : sequence of (ticks, inputs) bool
        labels : (samples,) int, optional
            Not looked at where outputs are readouts: what these say is known of a whole program alone.
        """
        traces = run_network(self._told_by(trained), inputs, potentials=True)
        potentials = [trace.potentials for trace in traces if trace.potentials is not None]
        clocked = [np.concatenate([raster, np.ones((len(raster), 1), np.bool_)], axis=1) for raster in inputs]
        return Samples(
            inputs=tuple(clocked),
            spikes=tuple(trace.spikes[:, self.neurons] for trace in traces),
            potentials=tuple(each[:, self.neurons] for each in potentials),
            labels=None if self.network.is_readout[self.network.outputs].any() else labels,
        )

    def with_accuracy(self, fit: NetworkFit, accuracy: Accuracy, samples: Samples) -> NetworkFit:
        """Return a fit to a network whose outputs are readouts, with its shares of right classes."""
        calibrated = fit.calibrated.with_accuracy(accuracy)
        if calibrated.integers is fit.calibrated.integers:
            return replace(fit, calibrated=calibrated)
        inexact = inexact_neurons(self.layers, samples, calibrated, chip=self.start.chip)
        return replace(fit, calibrated=calibrated, inexact=inexact)

    def _told_by(self, trained: TrainedNetwork) -> TrainedNetwork:
        """Return what tells all neurons that are fitted what to do: the adapted network, if others came with it."""
        return trained if self.neurons.max(initial=-1) < trained.n_neurons else self.network

    def fit(self, samples: Samples, *, bits: Bits, keep: float, tolerance: float, seed: int) -> NetworkFit:
        """Return the integers that reproduce the trained network on samples.

        Raises
        ------
        SpecError
            If bits are given for an unknown population, or as in `snnprog.networks.calibration.calibrate`.
        """
        chip, layers = self.start.chip, self.layers
        names = tuple(
            ", ".join(name for name, stage in self.stages.items() if stage == number)
            for number in range(layers.n_stages)
        )
        if bits == LEAST:
            fewest = fewest_bits(layers, samples, chip=chip, tolerance=tolerance, thresholds=self.thresholds, seed=seed)
            inexact = inexact_neurons(layers, samples, fewest.result, chip=chip)
            return NetworkFit(fewest.result, names, fewest.bits, inexact, fewest)
        by_stage = self._bits_by_stage(bits)
        result = calibrate(layers, samples, chip=chip, bits=by_stage, keep=keep, thresholds=self.thresholds, seed=seed)
        every = tuple(by_stage.get(stage) for stage in range(layers.n_stages))
        return NetworkFit(result, names, every, inexact_neurons(layers, samples, result, chip=chip))

    def _bits_by_stage(self, bits: Bits) -> dict[int, int | None]:
        if not isinstance(bits, Mapping):
            assert bits is None or isinstance(bits, int), "strings are handled before"
            return dict.fromkeys(self.stages.values(), bits)
        unknown = sorted(set(bits) - set(self.stages))
        if unknown:
            known = in_words([repr(name) for name in self.stages])
            raise SpecError(f"bits must name populations of the network, {known}, got {unknown[0]!r}")
        return {stage: bits.get(name) for name, stage in self.stages.items()}

    def rounded_with(self, integers: NetworkIntegers) -> RoundedNetwork:
        """Return the rounded network with the fitted integers inserted."""
        start, layers = self.start, self.layers
        mantissas, exponents, real = start.mantissas.copy(), start.exponents.copy(), start.real_weights.copy()
        thresholds, biases, scales = start.thresholds.copy(), start.biases.copy(), start.scales.copy()
        group = layers.group_of_parameter
        gains = np.array([float(layers.linear_rule(each, start.chip).gain) for each in range(len(layers.members))])
        mantissas[self.parameters], exponents[self.parameters] = integers.mantissa, integers.exponent
        effective = integers.mantissa * 2.0**integers.exponent
        real[self.parameters] = effective / integers.scale[group] * gains[group]
        thresholds[self.neurons], biases[self.neurons] = integers.threshold, integers.bias
        scales[self.neurons] = integers.scale[layers.group]
        return replace(
            start,
            mantissas=mantissas,
            exponents=exponents,
            real_weights=real,
            thresholds=thresholds,
            biases=biases,
            scales=scales,
        )
