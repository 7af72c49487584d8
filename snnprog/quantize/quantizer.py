"""Every neuron in integers: scaled to fit the widths, rounded, rehearsed; rounded otherwise where that was not exact.

A neuron's scale is free where its threshold and bias are: weights, bias and threshold may shrink together. The first
scale tried fits the widths for any input there can be; it is taken if the neuron stays certified. The next fits them
for the spec's patterns. If the rounded neuron is then not exact in rehearsal, smaller scales, drawn from the seed,
round its weights in other ways.

A rehearsal runs a neuron in integers with the target spikes of all others as its input: exact there is exact in the
closed loop, by induction over ticks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from snnprog.chips import Chip, find_chip
from snnprog.design.designer import potential_map
from snnprog.network import Network, Neuron
from snnprog.potential import PotentialMap
from snnprog.program import Program
from snnprog.quantize.rounding import IntegerNeuron, Rounding
from snnprog.quantize.widths import (
    ANY_INPUT,
    NOTHING_SURE,
    SPEC_PATTERNS,
    widths_for_any_input,
    widths_for_patterns,
)
from snnprog.simulate import simulate
from snnprog.spec import Spec, presynaptic_raster
from snnprog.trace import Excursion

CERTIFIED, EXACT, INEXACT = "certified", "exact", "inexact"
OTHER_SCALES = 40
LEAST_SCALE = 0.5


@dataclass(frozen=True)
class NeuronReport:
    """What became of one output, or of one hidden neuron.

    Attributes
    ----------
    output : int
        Its index among the outputs, or among the hidden neurons.
    status : str
        "certified" (exact for every rounding to the nearest, proved), "exact" (as rounded and simulated) or "inexact".
    margin : float
        Distance from the threshold at the worst tick that counts, in weight LSBs.
    design_margin, design_bound : float
        Rounding-proof margin reached and the most there is; 1/2 suffices for "certified".
    synapses, exponent, threshold, bias : int
        The integers, in brief.
    scale : float
        What the designed weights, bias and threshold were multiplied by before they were rounded.
    portable_for : str
        Over which inputs its widths are proved to stay where all runtimes agree.
    wrong_bins : int
        Bins that count and come out wrong in rehearsal.
    excursion : Excursion or None
        Where a state first left the portable range in rehearsal.
    is_hidden : bool
        Whether it is not read out.
    """

    output: int
    status: str
    margin: float
    design_margin: float
    design_bound: float
    synapses: int
    exponent: int
    threshold: int
    bias: int
    scale: float
    portable_for: str
    wrong_bins: int
    excursion: Excursion | None
    is_hidden: bool = False

    @property
    def name(self) -> str:
        """Which neuron, in words."""
        return f"hidden neuron {self.output}" if self.is_hidden else f"output {self.output}"


@dataclass(frozen=True, eq=False)
class Quantized:
    """A program, and the report on each of its neurons: hidden ones, then outputs."""

    program: Program
    neurons: tuple[NeuronReport, ...]


def quantize(spec: Spec, network: Network, *, seed: int = 0) -> Quantized:
    """Turn a designed network into a program for the spec's chip.

    Parameters
    ----------
    seed : int
        Of the scales that are tried where plain rounding is not exact.

    Raises
    ------
    LimitError
        If a fixed bias is beyond the chip.
    """
    chip, mapping = find_chip(spec.chip), potential_map(spec, find_chip(spec.chip))
    everything = np.ones(mapping.tape.ticks, dtype=np.bool_)
    scales = LEAST_SCALE + (1.0 - LEAST_SCALE) * np.random.default_rng(seed).random(OTHER_SCALES)
    searches = [
        _Search(chip, mapping, neuron, Rounding(spec, chip, mapping, neuron, everything)) for neuron in network.neurons
    ]
    outcomes = rehearse(spec, mapping, [search.best for search in searches])
    for scale in scales:
        failing = [
            index
            for index, outcome in enumerate(outcomes)
            if outcome != FLAWLESS and searches[index].rounding.is_scalable
        ]
        if not failing:
            break
        tried = [searches[index].fitted_round(float(scale)) for index in failing]
        for index, candidate, outcome in zip(failing, tried, rehearse(spec, mapping, tried, failing), strict=True):
            if outcome.flaws < outcomes[index].flaws:
                searches[index].best, outcomes[index] = candidate, outcome
    program = _program(spec, mapping, [search.best for search in searches], rehearsal=False)
    numbered = [(index, True) for index in range(spec.n_hidden)]
    numbered += [(index, False) for index in range(len(searches) - spec.n_hidden)]
    reports = [
        replace(_report(index, search, mapping, outcome, chip), is_hidden=is_hidden)
        for (index, is_hidden), search, outcome in zip(numbered, searches, outcomes, strict=True)
    ]
    return Quantized(program, tuple(reports))


class _Search:
    """One neuron's search for a scale."""

    def __init__(self, chip: Chip, mapping: PotentialMap, neuron: Neuron, rounding: Rounding) -> None:
        self.neuron, self.rounding = neuron, rounding
        weights = neuron.weights.ravel()
        step = float(1 << neuron.exponent)
        patterns = widths_for_patterns(weights, neuron.bias, step, mapping, rounding.resets)
        anything = widths_for_any_input(weights, neuron.bias, neuron.threshold, mapping)
        self.fit_patterns = min(1.0, patterns.room(chip)) if rounding.is_scalable else 1.0
        fit_anything = min(1.0, anything.room(chip)) if rounding.is_scalable else 1.0
        portable = rounding.round(fit_anything)
        self.best = portable if portable.certified else self.fitted_round(1.0)

    def fitted_round(self, scale: float) -> IntegerNeuron:
        """Round at a share of the greatest scale that fits the spec's patterns."""
        return self.rounding.round(scale * self.fit_patterns)


@dataclass(frozen=True)
class Rehearsal:
    """How one neuron did: bins that count and came out wrong, and the first state beyond the portable range."""

    wrong_bins: int = 0
    excursion: Excursion | None = None

    @property
    def flaws(self) -> int:
        """Wrong bins; leaving the portable range is one more."""
        return self.wrong_bins + (self.excursion is not None)


FLAWLESS = Rehearsal()


def rehearse(
    spec: Spec, mapping: PotentialMap, neurons: Sequence[IntegerNeuron], outputs: Sequence[int] | None = None
) -> list[Rehearsal]:
    """Return how each neuron does when all others do what the target says."""
    chosen = list(range(len(neurons)) if outputs is None else outputs)
    program = _program(spec, mapping, neurons, rehearsal=True)
    wrong = np.zeros(len(neurons), dtype=np.int64)
    excursions: dict[int, Excursion] = {}
    traces = simulate(program, [presynaptic_raster(spec, pattern) for pattern in spec.patterns])
    for pattern, trace in zip(spec.patterns, traces, strict=True):
        wrong += ((trace.spikes != pattern.targets[:, chosen]) & pattern.care[:, chosen]).sum(axis=0)
        for excursion in trace.excursions:
            excursions.setdefault(excursion.neuron, replace(excursion, neuron=chosen[excursion.neuron]))
    return [Rehearsal(int(bins), excursions.get(index)) for index, bins in enumerate(wrong)]


def _program(spec: Spec, mapping: PotentialMap, neurons: Sequence[IntegerNeuron], *, rehearsal: bool) -> Program:
    """Collect the neurons' synapses, ordered by line, delay and neuron; in a rehearsal every line is an input."""
    mantissas = np.stack([neuron.mantissas for neuron in neurons], axis=-1)
    line, slot, post = np.nonzero(mantissas.transpose(1, 0, 2))
    exponents = np.array([neuron.exponent for neuron in neurons])
    return Program.from_arrays(
        chip=spec.chip,
        n_inputs=spec.n_presynaptic if rehearsal else spec.n_inputs,
        n_neurons=len(neurons),
        outputs=np.arange(0 if rehearsal else spec.n_hidden, len(neurons)),
        pre=line,
        post=post,
        delay=mapping.delays[slot],
        weight=mantissas[slot, line, post],
        exponent=exponents[post],
        threshold=[neuron.threshold for neuron in neurons],
        current_decay=[spec.dynamics.current_decay] * len(neurons),
        potential_decay=[spec.dynamics.potential_decay] * len(neurons),
        bias=[neuron.bias for neuron in neurons],
    )


def _report(index: int, search: _Search, mapping: PotentialMap, outcome: Rehearsal, chip: Chip) -> NeuronReport:
    integers = search.best
    unit = 1 << chip.semantics.input_shift
    weights = (integers.mantissas << integers.exponent).astype(np.float64)
    room = widths_for_any_input(weights, integers.bias / unit, float(integers.threshold), mapping).room(chip)
    return NeuronReport(
        output=index,
        status=INEXACT if outcome.wrong_bins else CERTIFIED if integers.certified else EXACT,
        margin=round(float(integers.margin), 6),
        design_margin=round(search.neuron.margin, 6),
        design_bound=round(search.neuron.bound, 6),
        synapses=int(np.count_nonzero(integers.mantissas)),
        exponent=integers.exponent,
        threshold=integers.threshold,
        bias=integers.bias,
        scale=integers.scale,
        portable_for=NOTHING_SURE if outcome.excursion else ANY_INPUT if room > 1.0 else SPEC_PATTERNS,
        wrong_bins=outcome.wrong_bins,
        excursion=outcome.excursion,
    )
