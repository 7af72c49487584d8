"""Prices under which the rows of a neuron contradict each other: candidates for proofs.

For prices y >= 0 on ticks, with Y their sum over the spikes that are due, any real weights that keep every priced
silence (V <= θ) lift the least of the priced spikes over the threshold by at most::

    max over the box of  Σ y[k] (s[k] (w · φ[k] + b β[k] - τ[k] θ) - n)  /  Y

with n the noise that must be survived, if any is requested (Farkas 1902). The sum is linear in each unknown, so its
maximum over the box is one product per tap. Where it is negative, or is 0 with Y > 0, no real weights exist. Where a
potential that equals the threshold is a spike, it is the silences that must be below it by something: there Y is the
sum over them.

Decisions
---------
- Decays are exact here and do not truncate, so this says nothing about the chip's integers. It tells where to look:
  `snnprog.design.proofs.substantiating` turns the prices into a proof that `snnprog.check_proof` accepts, and an output
  is refused only with that.
- What leaves open no more than `HAIR` is taken as a guess, too: solvers do not see so little.
- The box is the widest that the chip has: all its grids, thresholds from 1, biases as far as they reach.
- φ is summed in integers from the rasters and the chip's own fractions (see `pull` beside this), so that nothing rests
  on a float but the choice of the prices.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TypeAlias

import numpy as np

from snnprog.design.box import Box
from snnprog.design.problem import NeuronProblem
from snnprog.design.proofs.pull import Interval, Pull, pull

# The lift, in LSBs, that may be left open: a millionth of what the chip can distinguish.
# × 3 and ÷ 3: no change on 10 specs.
HAIR = Fraction(1, 10**6)


@dataclass(frozen=True)
class Certificate:
    """Prices under which some rows of a neuron contradict one another.

    Attributes
    ----------
    neuron : int
        Index of the output.
    prices : mapping of int to int
        Tick among those of all patterns -> its price, at least 1.
    excess : Fraction
        What they leave open, in weight LSBs: no weights that keep the silences lift all spikes by more. At most
        `HAIR`; 0 or less where nothing is left open.
    """

    neuron: int
    prices: Mapping[int, int]
    excess: Fraction


@dataclass(frozen=True)
class NoCompletion:
    """The end of a case in which no bins left open can make the spikes match the target's within their windows.

    Attributes
    ----------
    neuron, pattern : int
        Whose spikes, and in which pattern.
    """

    neuron: int
    pattern: int


@dataclass(frozen=True)
class TooManySynapses:
    """The end of a case in which more taps of a neuron are present than it may have synapses."""

    neuron: int


@dataclass(frozen=True)
class Unsettled:
    """The end of a case that is neither possible, as far as was tried, nor refuted: no part of a proof."""


@dataclass(frozen=True)
class Split:
    """A proof by cases: whatever a neuron does in one bin, the rest is impossible.

    Attributes
    ----------
    tick, neuron : int
        The bin: its tick among those of all patterns, and whose it is (0 where only one neuron's bins are open).
    if_silent, if_spike : proof
        The proofs of the two cases.
    """

    tick: int
    neuron: int
    if_silent: Case
    if_spike: Case


@dataclass(frozen=True)
class SynapseSplit:
    """A proof by cases: whether a neuron has a synapse on one tap or not, the rest is impossible.

    Attributes
    ----------
    neuron, tap : int
    if_absent, if_present : proof
    """

    neuron: int
    tap: int
    if_absent: Case
    if_present: Case


Proof: TypeAlias = Certificate | Split | SynapseSplit
Case: TypeAlias = Proof | NoCompletion | TooManySynapses | Unsettled


def all_leaves(proof: Case) -> Iterator[Case]:
    """Yield the ends of all cases of a proof."""
    if isinstance(proof, Split):
        yield from all_leaves(proof.if_silent)
        yield from all_leaves(proof.if_spike)
    elif isinstance(proof, SynapseSplit):
        yield from all_leaves(proof.if_absent)
        yield from all_leaves(proof.if_present)
    else:
        yield proof


def certify(problem: NeuronProblem, prices: Mapping[int, int]) -> Certificate | None:
    """Return the proof that integer prices give, or None if they prove nothing.

    Parameters
    ----------
    problem : NeuronProblem
        The neuron; its truncation and its margins play no part.
    prices : mapping of int to int
        Tick -> price >= 0; only constrained ticks may have one.
    """
    prices = {tick: price for tick, price in sorted(prices.items()) if price > 0}
    if not prices or not all(bool(problem.constrained[tick]) for tick in prices):
        return None
    strict = sum(price for tick, price in prices.items() if problem.raster[tick] != problem.box.is_equal_a_spike)
    pulled, box = pull(problem, prices), widest_box(problem)
    total = _greatest(pulled, box) - Fraction(box.noise) * sum(prices.values())
    excess = total / strict if strict else total
    if not (excess <= HAIR if strict else excess < 0):
        return None
    return Certificate(problem.neuron, prices, excess)


def widest_box(problem: NeuronProblem) -> Box:
    """Return the widest box that the chip has for a neuron, in weight LSBs of exponent 0.

    Where no weight may be 0, the least are those of the finest grid.
    """
    wide = problem.at_exponent(problem.box.widest_exponent)
    low, high = wide.box.threshold
    threshold = (max(low, wide.box.least_threshold), high) if wide.box.is_threshold_free else (low, high)
    return replace(
        wide.box,
        weight_lower=np.minimum(wide.step * wide.box.weight_lower, wide.box.weight_lower),
        weight_upper=np.maximum(wide.step * wide.box.weight_upper, wide.box.weight_upper),
        threshold=threshold,
    )


def _greatest(pulled: Pull, box: Box) -> Fraction:
    """Return the most that the priced sum can be over a box, in weight LSBs; at most too great."""
    unit = Fraction(1, 1 << pulled.bits)
    weights = sum(
        (
            _product(interval, float(box.weight_lower[tap]), float(box.weight_upper[tap]))
            for tap, interval in pulled.taps.items()
        ),
        start=Fraction(0),
    )
    return (weights + _product(pulled.bias, *box.bias) + _product(pulled.threshold, *box.threshold)) * unit


def _product(interval: Interval, low: float, high: float) -> Fraction:
    """Return the largest product of a number in an interval and one from ``low`` to ``high``."""
    return max(end * Fraction(value) for end in interval for value in (low, high))
