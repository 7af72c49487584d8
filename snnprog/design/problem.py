"""What the design of one neuron must satisfy, as rows over the linear map.

For each constrained tick k, with s = +1 where a spike is due and -1 where silence is::

    s (w · φ[k] + b β[k] - τ[k] θ)  >=  m σ[k] + ρ[k]

in weight LSBs. τ[k] is 1, unless resets subtract the threshold. σ[k] is what rounding can do there, in half steps: the
grid's step times ‖φ[k]‖₁, and the steps of a free threshold (τ[k] LSBs) and of a free bias. ρ[k] bounds what the
truncating decays do, and the noise that must be survived is added to it. So m >= 1/2 survives every rounding, and the
noise with it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from snnprog.arrays import Floats, Int64s, Raster
from snnprog.chips import Chip, Range
from snnprog.potential import PotentialMap, Resets, Ticks
from snnprog.rounding import half_even
from snnprog.spec import FREE, Spec

# A row that rounding cannot move would be divided by 0: its slack counts as this share of a step. × 3 and ÷ 3 changed
# nothing on 21 specs.
SLACK_FLOOR = 1e-3
# GLOP leaves rows violated by up to 1e-8 of the scaled program (its default), which a hundred-fold is clear of. Where
# the threshold is not bounded, margins reach the box, 255 and more, and the second holds. Both only decide what is
# looked into further: a verdict needs a proof. × 3 and ÷ 3 changed nothing on 21 specs.
TOLERANCE, PROPORTION_TOLERANCE = 1e-6, 3e-5


@dataclass(frozen=True)
class Box:
    """Where the unknowns may lie, in weight LSBs; a fixed threshold or bias has equal ends.

    A free bias has steps of ``2**bias_exponent`` units of the potential, and reaches as far as these allow.
    Neighbouring weights lie ``weight_step`` apart: 1, or 2 where they are ±1 and never 0. The noise is what every row
    must leave room for. The chip has grids of steps ``2**exponent`` for these ``exponents``, the finest first, and
    biases with those from the first to the second of ``bias_exponents``; whether a potential that equals the threshold
    is a spike is its, too.
    """

    weight_lower: Floats
    weight_upper: Floats
    threshold: tuple[float, float]
    bias: tuple[float, float]
    exponents: tuple[int, ...]
    bias_exponents: Range
    bias_exponent: int
    least_threshold: float
    is_equal_a_spike: bool
    noise: float = 0.0
    weight_step: int = 1

    @property
    def widest_exponent(self) -> int:
        """The exponent of the grid that reaches farthest."""
        return self.exponents[-1]

    @property
    def is_threshold_free(self) -> bool:
        """Whether the threshold is designed."""
        return self.threshold[0] < self.threshold[1]

    @property
    def is_bias_free(self) -> bool:
        """Whether the bias is designed."""
        return self.bias[0] < self.bias[1]

    def nearest_weights(self, mantissas: Floats) -> Int64s:
        """Return the nearest integers (taps,) that weights may be (halves to even; where there is no 0, 0 to +1)."""
        signed = np.where(mantissas < 0.0, -1.0, 1.0) if self.weight_step > 1 else half_even(mantissas)
        return np.clip(signed, self.weight_lower, self.weight_upper).astype(np.int64)

    @property
    def has_bias(self) -> bool:
        """Whether there is, or may be, a bias."""
        return self.bias != (0.0, 0.0)

    @property
    def is_scale_free(self) -> bool:
        """Whether weights, threshold and bias may shrink together, so that only their proportions count."""
        return self.is_threshold_free and (self.is_bias_free or not self.has_bias)

    def with_bias_exponent(self, exponent: int) -> Box:
        """Return the box in which a free bias has steps as near to these as the chip has; a fixed one stays."""
        if not self.is_bias_free:
            return self
        exponent = min(max(exponent, self.bias_exponents[0]), self.bias_exponents[1])
        low, high = (end * 2.0 ** (exponent - self.bias_exponent) for end in self.bias)
        return replace(self, bias=(low, high), bias_exponent=exponent)


@dataclass(frozen=True, eq=False)
class NeuronProblem:
    """One neuron's rows at every tick, and which ticks are constrained.

    Attributes
    ----------
    neuron : int
        Index of the output.
    potential_map : PotentialMap
        Shared by all neurons.
    resets : Resets
        The neuron's own.
    raster : (ticks,) bool
        Where its potential is to reach the threshold: what it is to do (assumed, in don't-care bins).
    constrained : (ticks,) bool
        The ticks that have a row; a refractory neuron is silent anyway.
    norms, bias_response, truncation : (ticks,) float
        ‖φ‖₁, β, and ρ with the noise, at every tick.
    box : Box
        The ranges at exponent 0.
    exponent : int
        The grid has steps of ``2**exponent``, and weights reach as much further.
    """

    neuron: int
    potential_map: PotentialMap
    resets: Resets
    raster: Raster
    constrained: Raster
    norms: Floats
    bias_response: Floats
    truncation: Floats
    box: Box
    exponent: int = 0

    @property
    def spikes(self) -> Raster:
        """(ticks played,) What it is to do."""
        return self.raster[: self.potential_map.played.ticks]

    @property
    def fires(self) -> Raster:
        """(ticks,) Where it resets."""
        return self.potential_map.at_every_look(self.spikes)

    @property
    def step(self) -> float:
        """The step of the weights' grid, in LSBs of exponent 0."""
        return float(1 << self.exponent)

    @property
    def threshold_response(self) -> Floats:
        """τ, (ticks,): how many thresholds are to be exceeded."""
        return self.resets.threshold_response

    @property
    def signs(self) -> Floats:
        """(ticks,) +1 where a spike is due, -1 elsewhere."""
        return np.where(self.raster, 1.0, -1.0)

    @property
    def slack(self) -> Floats:
        """σ, (ticks,): twice what rounding to the nearest can move at each tick."""
        slack = self.step * self.box.weight_step * self.norms
        if self.box.is_threshold_free:
            slack = slack + self.threshold_response
        if self.box.is_bias_free:
            bias_step = (1 << self.box.bias_exponent) / (1 << self.potential_map.leaks.input_shift)
            slack = slack + bias_step * self.bias_response
        return np.maximum(slack, SLACK_FLOOR * self.step)

    @property
    def tolerance(self) -> float:
        """A margin that may be a solver's rounding; larger where only proportions count, and margins reach the box."""
        return PROPORTION_TOLERANCE if np.isinf(self.box.threshold[1]) else TOLERANCE

    def potential(self, weights: Floats, bias: float) -> Floats:
        """Return the potential at every tick, in LSBs, with resets where the raster has spikes."""
        return self.potential_map.potential(weights, self.resets) + bias * self.bias_response

    def margins(self, weights: Floats, threshold: float, bias: float) -> Floats:
        """Return (ticks,) the margin of each tick; infinite where nothing is asked."""
        return self.cleared(weights, threshold, bias) / self.slack

    def cleared(self, weights: Floats, threshold: float, bias: float) -> Floats:
        """Return (ticks,) by how many LSBs each row is cleared; infinite where nothing is asked."""
        distance = self.distance(weights, threshold, bias)
        return np.where(self.constrained, distance - self.truncation, np.inf)

    def distance(self, weights: Floats, threshold: float, bias: float) -> Floats:
        """Return (ticks,) by how many LSBs the potential is on the right side of the threshold."""
        distance: Floats = self.signs * (self.potential(weights, bias) - threshold * self.threshold_response)
        return distance

    def room(self, weights: Floats, threshold: float, bias: float) -> float:
        """Return by how many LSBs all rows are cleared."""
        return float(self.cleared(weights, threshold, bias).min(initial=np.inf))

    def clipped(self, weights: Floats, offsets: Floats) -> tuple[Floats, float, float]:
        """Return weights (taps,), and threshold and bias from (2,) offsets, each no farther than the box reaches."""
        box = self.box
        within = np.clip(weights, self.step * box.weight_lower, self.step * box.weight_upper)
        threshold, bias = np.clip(offsets, *np.array([box.threshold, box.bias]).T)
        return within, float(threshold), float(bias)

    def ends(self, taps: Ticks | None = None) -> tuple[Floats, Floats]:
        """Return the least and the greatest weights (of all taps, or of some), threshold and bias, (taps + 2,) each."""
        box, chosen = self.box, slice(None) if taps is None else taps
        low = np.concatenate([self.step * box.weight_lower[chosen], [box.threshold[0], box.bias[0]]])
        high = np.concatenate([self.step * box.weight_upper[chosen], [box.threshold[1], box.bias[1]]])
        return low, high

    def hardest(self, count: int) -> Ticks:
        """Return so many spikes that least has reached, then so many silences that most has, among those with a row."""
        spikes, silences = (np.flatnonzero(self.constrained & kind) for kind in (self.raster, ~self.raster))
        by_reach = spikes[np.argsort(self.norms[spikes], kind="stable")]
        against_reach = silences[np.argsort(-self.norms[silences], kind="stable")]
        return np.concatenate([by_reach[:count], against_reach[:count]])

    def features(self, ticks: Ticks) -> Floats:
        """Return φ, (len(ticks), taps)."""
        return self.potential_map.rows(self.resets, ticks)

    def signed_rows(self, ticks: Ticks, *, sizes: Floats | float = 1.0, features: Floats | None = None) -> Floats:
        """Return the rows ``s [φ | -τ | β]`` over weights, threshold and bias, (len(ticks), taps + 2).

        Parameters
        ----------
        ticks : (rows,) int
        sizes : (rows,) float
            What each row is divided by.
        features : (rows, taps) float, optional
            φ of these ticks, of all taps or some of them, where it is known already.
        """
        features = self.features(ticks) if features is None else features
        signs = self.signs[ticks] / sizes
        offsets = [-signs * self.threshold_response[ticks], signs * self.bias_response[ticks]]
        return np.column_stack([features * signs[:, None], *offsets])

    def at_exponent(self, exponent: int) -> NeuronProblem:
        """Return the same problem on a coarser and wider grid, of the weights and of a free bias."""
        box = self.box.with_bias_exponent(exponent)
        return replace(self, exponent=exponent, box=box)

    def idealised(self, widest_exponent: int) -> NeuronProblem:
        """Return the problem that has an answer if any real weights do what is asked, under decays without truncation.

        Where weights, threshold and bias may shrink together, only their proportions count, so the threshold is not
        bounded; else, and where there is noise to survive, the weights reach as far as the chip's widest grid. Where a
        potential just equals the threshold, silence is kept, or a spike is; so there the noise counts one unit less.
        """
        box = self.box
        unit = 1.0 / (1 << self.potential_map.leaks.input_shift)
        room = np.where(self.raster != box.is_equal_a_spike, box.noise, max(box.noise - unit, 0.0))
        exact = replace(self, truncation=room)
        if box.is_scale_free and box.noise == 0.0:
            return replace(exact, exponent=0, box=replace(box, threshold=(0.0, np.inf)))
        return exact.at_exponent(widest_exponent)

    @property
    def refractory_spikes(self) -> Ticks:
        """The ticks at which a spike is due that an earlier one's refractory period forbids."""
        return np.flatnonzero(self.constrained & self.raster & self.resets.is_held)

    def constrained_to(self, ticks: Raster) -> NeuronProblem:
        """Return the same problem with rows at these ticks only."""
        return replace(self, constrained=ticks & ~_is_silent_anyway(self.resets, self.raster))

    def asked(self, care: Raster) -> Raster:
        """(ticks played,) Return the ticks of patterns in which something counts; see `asked_ticks`."""
        return asked_ticks(care, self.potential_map.played.starts)

    def with_raster(self, raster: Raster) -> NeuronProblem:
        """Return the problem of a neuron that spikes, and so resets, elsewhere: at ``raster`` (ticks played,)."""
        return neuron_problem(self.potential_map, self.neuron, raster, raster, self.box).constrained_to(
            self.constrained
        )


def asked_ticks(care: Raster, starts: Ticks) -> Raster:
    """Return which ticks may matter to a neuron that no other hears: those of patterns in which something counts.

    Every pattern starts from rest, so what it does in the others is nobody's concern. Where nothing counts at all, all
    ticks are kept.

    Parameters
    ----------
    care : (ticks,) bool
        Which ticks count.
    starts : (patterns,) int
        The first tick of each pattern.
    """
    counts = np.logical_or.reduceat(care, starts)
    ticks = np.diff(np.append(starts, care.size))
    return np.repeat(counts, ticks) if counts.any() else np.ones_like(care)


def neuron_problem(
    potential_map: PotentialMap, neuron: int, raster: Raster, constrained: Raster, box: Box
) -> NeuronProblem:
    """Return the problem of one output that is to spike at ``raster``, with rows at ``constrained`` (ticks played,)."""
    resets, asked = potential_map.resets(raster), potential_map.asked_of(raster)
    return NeuronProblem(
        neuron=neuron,
        potential_map=potential_map,
        resets=resets,
        raster=asked,
        constrained=potential_map.at_every_look(constrained) & ~_is_silent_anyway(resets, asked),
        norms=potential_map.norms(resets),
        bias_response=potential_map.bias_response(resets),
        truncation=potential_map.truncation(resets, biased=box.has_bias) + box.noise,
        box=box,
    )


def _is_silent_anyway(resets: Resets, raster: Raster) -> Raster:
    """(ticks,) Whether a silence is due that the refractory period makes sure."""
    return resets.is_held & ~raster


def box_of(spec: Spec, chip: Chip, potential_map: PotentialMap) -> Box:
    """Return the ranges that a spec leaves to each neuron of its chip; taps that never act have no weight.

    A threshold that scales with the weights may shrink to nothing with them; beside a fixed bias it is the chip's.
    """
    signs = np.zeros(spec.n_presynaptic) if spec.signs is None else np.array(spec.signs)
    limit = float(spec.mantissas.limit)
    least = limit if spec.mantissas.is_binary else 0.0
    lines = len(spec.delays)
    unit = float(1 << chip.semantics.input_shift)
    threshold, bias = spec.threshold, spec.bias
    bias_exponents = chip.free_bias_exponents
    bias_top = (chip.bias_mantissas[1] << bias_exponents[0]) / unit
    least_threshold = 0.0 if bias in (FREE, 0) else float(chip.thresholds[0])
    used = potential_map.is_tap_used
    return Box(
        weight_lower=used * np.tile(np.where(signs > 0, least, -limit), lines),
        weight_upper=used * np.tile(np.where(signs < 0, -least, limit), lines),
        threshold=(least_threshold, float(chip.thresholds[1])) if threshold == FREE else (float(threshold),) * 2,
        bias=(-bias_top, bias_top) if bias == FREE else (bias / unit, bias / unit),
        exponents=chip.design_exponents,
        bias_exponents=bias_exponents,
        bias_exponent=bias_exponents[0],
        least_threshold=float(chip.thresholds[0]),
        is_equal_a_spike=chip.semantics.is_equal_a_spike,
        noise=spec.noise,
        weight_step=spec.mantissas.step,
    )
