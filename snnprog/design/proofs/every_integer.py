"""Searches through all integers of a neuron: of a whole output, or in one case of its open bins.

A don't-care bin leaves the rows after it open until the next reset, and boxes with open bins have to be halved down to
single thresholds. With its bins assumed, a case has rows for cuts, and most boxes fail at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from snnprog.arrays import Int64s
from snnprog.design.designer import has_open_ticks
from snnprog.design.problem import NeuronProblem
from snnprog.design.proofs.boxes import BoxNeuron
from snnprog.design.proofs.cutting import CourseCutter
from snnprog.design.proofs.exhausting import Exhausting
from snnprog.design.proofs.orders import course_of
from snnprog.design.proofs.referee import Referee, Step
from snnprog.potential import PotentialMap
from snnprog.proof import BinSplit, Exhausted
from snnprog.spec import Pattern, Spec

MOST_ENTRIES = 20_000
"""Ticks times taps up to which all integers are examined: with more, a linear program takes too long."""


def search_of(neuron: BoxNeuron, known: NeuronProblem, spec: Spec) -> Exhausting:
    """Return the search through all integers of a neuron, with cuts from the rows that are known."""
    has_rows = bool(known.constrained.any()) and neuron.may_answer
    places = places_of(neuron, known.potential_map)
    return Exhausting(neuron, CourseCutter(course_of(known, spec), places) if has_rows else None)


def places_of(neuron: BoxNeuron, mapping: PotentialMap) -> Int64s:
    """Return which of all taps those of a neuron are."""
    slots = {int(delay): slot for slot, delay in enumerate(mapping.delays)}
    return np.array([slots[delay] * mapping.n_lines + line for line, delay in neuron.taps], np.int64)


def exhausted_case(known: NeuronProblem, referee: Referee, path: Sequence[Step], work: int) -> Exhausted | None:
    """Return the leaf of a case in which all integers fail; None if that takes more work, or is not known.

    Parameters
    ----------
    known : NeuronProblem
        The rows that are sure in this case.
    path : tuple of (split, int)
        What is assumed: bins of this output.
    work : int
        Ticks and events that may be run, as the checker counts them.
    """
    spec, output = referee.spec, known.neuron
    bins = [(split, side) for split, side in path if isinstance(split, BinSplit) and split.output == output]
    is_large = known.potential_map.n_taps * known.raster.size > MOST_ENTRIES
    if len(bins) < len(path) or has_open_ticks(spec) or is_large:
        return None
    case = _assuming(spec, output, bins)
    neuron = BoxNeuron.of(case, output, referee.document)
    if neuron is None:
        return None
    found = search_of(neuron, known, case).until(work)
    return Exhausted(output, found.cuts) if found.is_complete else None


def _assuming(spec: Spec, output: int, bins: Sequence[tuple[BinSplit, int]]) -> Spec:
    """Return a spec in which some open bins of an output count."""
    patterns = [(pattern.inputs, pattern.targets.copy(), pattern.care.copy()) for pattern in spec.patterns]
    for split, side in bins:
        _, targets, care = patterns[split.pattern]
        targets[split.tick, output], care[split.tick, output] = bool(side), True
    return replace(spec, patterns=tuple(Pattern(*each) for each in patterns))
