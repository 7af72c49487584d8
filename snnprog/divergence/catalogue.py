"""All variations of a program, derived from the structure of its chip's rule and from its numbers."""

from __future__ import annotations

from snnprog.divergence.decays import orders, roundings, shares
from snnprog.divergence.numbers import delays, layers, neurons, weights
from snnprog.divergence.registers import overflows
from snnprog.divergence.replay import Model
from snnprog.divergence.spiking import comparisons, counts, resets
from snnprog.divergence.variation import Variation, records, starts
from snnprog.program import Program

FAMILIES = (
    roundings,
    shares,
    overflows,
    delays,
    layers,
    comparisons,
    counts,
    resets,
    neurons,
    weights,
    orders,
    starts,
    records,
)
"""In this order, so that of variations that are the same on a program the narrowest comes first."""


def variations(program: Program) -> list[Variation]:
    """Return the variations of a program that differ from it and from each other."""
    model = Model.of(program)
    distinct: dict[tuple[object, ...], Variation] = {}
    for family in FAMILIES:
        for each in family(model):
            distinct.setdefault(each.effect, each)
    distinct.pop(Variation("", "", "", model).effect, None)
    return list(distinct.values())
