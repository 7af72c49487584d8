"""The constraints on the design of one neuron, as rows over the linear map.

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

from snnprog.arrays import Floats, Raster
from snnprog.design.box import Box
from snnprog.potential import PotentialMap, Resets, Ticks

# A row that rounding cannot move would be divided by 0: its slack counts as this share of a step. × 3 and ÷ 3 changed
# nothing on 21 specs.
SLACK_FLOOR = 1e-3
# GLOP leaves rows violated by up to 1e-8 of the scaled program (its default), which a hundred-fold is clear of. Where
# the threshold is not bounded, margins reach the box, 255 and more, and the second holds. Both only decide what is
# looked into further: a verdict needs a proof. × 3 and ÷ 3 changed nothing on 21 specs.
TOLERANCE, PROPORTION_TOLERANCE = 1e-6, 3e-5


@dataclass(frozen=True, eq=False)
class NeuronProblem:
    """One neuron's rows at every tick, and which ticks are constrained.

    Attributes
    ----------
    neuron : int
        Index of the output.
    name : str
        What messages call it, such as "output 2 (stop)".
    potential_map : PotentialMap
        Shared by all neurons.
    resets : Resets
        The neuron's own.
    raster : (ticks,) bool
        Where its potential is to reach the threshold: what it must do (assumed, in don't-care bins).
    constrained : (ticks,) bool
        The ticks that have a row; a refractory neuron is silent anyway.
    norms, bias_response, truncation, leeway : (ticks,) float
        ‖φ‖₁, β, ρ with the noise, and what rounding can do to the right side and the noise, at every tick.
    box : Box
        The ranges at exponent 0.
    exponent : int
        The grid has steps of ``2**exponent``, and weights reach as much further.
    is_conflict_wanted : bool
        Whether a conflict must be as small as can be; not where hidden neurons are tried next, and nobody reads it.
    """

    neuron: int
    name: str
    potential_map: PotentialMap
    resets: Resets
    raster: Raster
    constrained: Raster
    norms: Floats
    bias_response: Floats
    truncation: Floats
    leeway: Floats
    box: Box
    exponent: int = 0
    is_conflict_wanted: bool = True

    @property
    def spikes(self) -> Raster:
        """(ticks played,) The target spikes."""
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
        """τ, (ticks,): how many thresholds must be exceeded."""
        return self.resets.threshold_response

    @property
    def signs(self) -> Floats:
        """(ticks,) +1 where a spike is due, -1 elsewhere."""
        return np.where(self.raster, 1.0, -1.0)

    @property
    def slack(self) -> Floats:
        """σ, (ticks,): twice the possible effect of rounding to the nearest at each tick."""
        slack = self.step * self.box.weight_step * self.norms
        if self.box.is_threshold_free:
            slack = slack + self.threshold_response
        if self.box.is_bias_free:
            bias_step = (1 << self.box.bias_exponent) / self.potential_map.linear.unit
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
        """Return (ticks,) the margin of each tick; infinite for bins without a target."""
        return self.cleared(weights, threshold, bias) / self.slack

    def cleared(self, weights: Floats, threshold: float, bias: float) -> Floats:
        """Return (ticks,) by how many LSBs each row is cleared; infinite for bins without a target."""
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
        """Return the ranges of weights (of all taps, or of some), threshold and bias, (taps + 2,) each."""
        box, chosen = self.box, slice(None) if taps is None else taps
        low = np.concatenate([self.step * box.weight_lower[chosen], [box.threshold[0], box.bias[0]]])
        high = np.concatenate([self.step * box.weight_upper[chosen], [box.threshold[1], box.bias[1]]])
        return low, high

    def hardest(self, count: int) -> Ticks:
        """Return the spikes with the fewest arrivals, then the silences with the most, among those with a row."""
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
        """Return the problem that decides whether real weights reproduce the targets under exact decays.

        Where weights, threshold and bias may shrink together, only their proportions count, so the threshold is not
        bounded; else, and where there is noise to survive, the weights reach as far as the chip's widest grid. Where a
        potential just equals the threshold, silence is kept, or a spike is; so there the noise counts one unit less.
        """
        box = self.box
        unit = 1.0 / self.potential_map.linear.unit
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

    def relevant(self, care: Raster) -> Raster:
        """(ticks played,) Return the ticks of patterns with bins that count; see `relevant_ticks`."""
        return relevant_ticks(care, self.potential_map.played.starts)

    def with_raster(self, raster: Raster) -> NeuronProblem:
        """Return the problem of a neuron that spikes, and so resets, elsewhere: at ``raster`` (ticks played,)."""
        return neuron_problem(
            self.potential_map, self.neuron, raster=raster, constrained=raster, box=self.box, name=self.name
        ).constrained_to(self.constrained)


def relevant_ticks(care: Raster, starts: Ticks) -> Raster:
    """Return the relevant ticks of a neuron that feeds no other: those of patterns with bins that count.

    Every pattern starts from rest, so its spikes in the others do not matter. If no bin counts, all
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
    potential_map: PotentialMap, neuron: int, *, raster: Raster, constrained: Raster, box: Box, name: str = ""
) -> NeuronProblem:
    """Return the problem of one output that must spike at ``raster``, with rows at ``constrained`` (ticks played,).

    Messages call it ``name``, by default "output" and its index.
    """
    resets, due = potential_map.resets(raster), potential_map.due_of(raster)
    return NeuronProblem(
        neuron=neuron,
        name=name or f"output {neuron}",
        potential_map=potential_map,
        resets=resets,
        raster=due,
        constrained=potential_map.at_every_look(constrained) & ~_is_silent_anyway(resets, due),
        norms=potential_map.norms(resets),
        bias_response=potential_map.bias_response(resets),
        truncation=potential_map.truncation(resets, due, biased=box.has_bias) + box.noise,
        leeway=potential_map.truncation(resets, ~due, biased=box.has_bias) + box.noise,
        box=box,
    )


def _is_silent_anyway(resets: Resets, raster: Raster) -> Raster:
    """(ticks,) Whether a silence is due that the refractory period makes sure."""
    return resets.is_held & ~raster
