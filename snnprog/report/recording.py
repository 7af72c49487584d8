"""A run with the data for plots: every neuron's spikes, and its potential before the comparison.

Patterns are concatenated on one axis of ticks. Neurons are identified by their row: those that are read out first, in
order, then all others.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from snnprog.arrays import Int64s, Raster
from snnprog.backends import built_in, run_backend
from snnprog.checks import check_type
from snnprog.errors import SpecError
from snnprog.judgement import MISSING, WrongBin, wrong_bins
from snnprog.names import Names, name_of, with_name
from snnprog.program import Program
from snnprog.raster import as_rasters
from snnprog.simulate.before_reset import fires, is_held, potentials_before_reset, thresholds_in_units
from snnprog.spec import Spec
from snnprog.table import text_of
from snnprog.trace import Excursion, Trace

NOWHERE = -1
NAME_LIMIT = 40
"""Characters of a population's name that fit a table's first column. A choice."""


@dataclass(frozen=True, eq=False)
class Recording:
    """A run of a program; ticks are those of all patterns.

    Attributes
    ----------
    program : Program
    lengths : tuple of int
        The ticks of each pattern.
    inputs : (ticks, inputs) bool
    spikes : (ticks, rows) bool
    potentials : (ticks, rows) int64
        Before the reset, in the chip's units.
    potentials_left : (ticks, rows) int64
        What each tick leaves: after the reset, where there is a spike.
    held : (ticks, rows) bool
        Where a neuron is in its refractory period, and cannot spike.
    excursions : tuple of (int, Excursion)
        Each pattern that left the range in which all runtimes agree, and where.
    """

    program: Program
    lengths: tuple[int, ...]
    inputs: Raster
    spikes: Raster
    potentials: Int64s
    potentials_left: Int64s
    held: Raster
    excursions: tuple[tuple[int, Excursion], ...]

    @property
    def ticks(self) -> int:
        """Number of ticks of all patterns."""
        return sum(self.lengths)

    @property
    def starts(self) -> tuple[int, ...]:
        """The first tick of each pattern."""
        return tuple(int(end) - length for end, length in zip(np.cumsum(self.lengths), self.lengths, strict=True))

    @cached_property
    def rows(self) -> Int64s:
        """(rows,) Which neuron is in each row."""
        return rows_of(self.program)

    @property
    def thresholds(self) -> Int64s:
        """(rows,) In the chip's units."""
        found: Int64s = thresholds_in_units(self.program)
        return found[self.rows]

    def answers(self) -> list[Raster]:
        """Return the output spikes of each pattern, ``(ticks, outputs)``."""
        return np.split(self.spikes[:, : self.program.n_outputs], np.cumsum(self.lengths)[:-1])


def rows_of(program: Program) -> Int64s:
    """Return the neuron of each row ``(neurons,)``: outputs in order, then all others."""
    others = np.setdiff1d(np.arange(program.n_neurons), program.outputs)
    rows: Int64s = np.concatenate([program.outputs, others]).astype(np.int64)
    return rows


def names_of_rows(program: Program) -> Names | None:
    """Return the names of all rows' neurons, or None if they have none."""
    names = program.neuron_names
    return None if names is None else tuple(names[neuron] for neuron in rows_of(program).tolist())


def names_of_hidden(program: Program) -> Names | None:
    """Return the names of the neurons that are not read out, or None if they have none."""
    names = names_of_rows(program)
    return None if names is None else names[program.n_outputs :]


def name_of_row(program: Program, row: int) -> str:
    """Return the name of a row's neuron: by its population, if the program was made from a network."""
    populations, neuron = _populations(program), int(rows_of(program)[row])
    if not populations:
        name = name_of(neuron, program.neuron_names)
        is_read = row < program.n_outputs
        return with_name("output", row, name) if is_read else with_name("hidden neuron", row - program.n_outputs, name)
    for name, size in populations:
        if neuron < size:
            return f"{name}, neuron {neuron}"
        neuron -= size
    raise AssertionError("sizes were compared with the number of neurons")


def _populations(program: Program) -> list[tuple[str, int]]:
    """Return the populations of a program file, by name and size; none if their sizes do not match its neurons.

    A file may be anyone's, so names are made printable, and cut off.
    """
    populations = program.provenance.get("populations")
    if not isinstance(populations, list) or not all(isinstance(each, list) and len(each) == 2 for each in populations):
        return []
    sizes = [size for _, size in populations]
    if not all(type(size) is int and size > 0 for size in sizes) or sum(sizes) != program.n_neurons:
        return []
    return [(text_of(name)[:NAME_LIMIT], size) for name, size in populations]


def record(program: Program, inputs: Sequence[ArrayLike]) -> Recording:
    """Run a program on a built-in simulator, each pattern from rest, and keep everything.

    Parameters
    ----------
    inputs : list of (ticks, inputs) bool

    Raises
    ------
    SpecError
        If there are none, or they are not rasters of the program's width.
    """
    check_type("program", program, kind=Program)
    rasters = as_rasters(inputs)
    if not rasters:
        raise SpecError("inputs must have at least one pattern, got none")
    traces = run_backend(program, rasters, built_in(program), "state").traces
    rows = rows_of(program)
    parts = [potentials_before_reset(program, *pair) for pair in zip(traces, rasters, strict=True)]
    held = np.concatenate([is_held(program, part) for part in parts])
    reached = np.concatenate(parts)
    spikes = fires(program.chip.rule, reached, thresholds_in_units(program))
    return Recording(
        program=program,
        lengths=tuple(len(raster) for raster in rasters),
        inputs=np.concatenate(rasters),
        spikes=spikes[:, rows],
        potentials=reached[:, rows],
        potentials_left=np.concatenate([_potentials_left(trace) for trace in traces])[:, rows],
        held=held[:, rows],
        excursions=tuple((index, trace.excursion) for index, trace in enumerate(traces) if trace.excursion is not None),
    )


def _potentials_left(trace: Trace) -> Int64s:
    assert trace.potentials is not None, "states are recorded"
    return trace.potentials.astype(np.int64)


@dataclass(frozen=True, eq=False)
class Judged:
    """The targets of a recording, and its differences from them.

    Attributes
    ----------
    targets, care : (ticks, outputs) bool
        What must come out, and which bins count.
    wrong : tuple of WrongBin
        With ticks counted within their patterns.
    wanted : (ticks, rows) bool
        What each neuron is compared with in its margins: an output against its target (with windows, against the ticks
        that were chosen), a hidden neuron against what it does.
    counts : (ticks, rows) bool
        Where margins count.
    """

    recording: Recording
    targets: Raster
    care: Raster
    wrong: tuple[WrongBin, ...]
    wanted: Raster
    counts: Raster

    def wrong_ticks(self, kind: str) -> tuple[list[int], list[int]]:
        """Return tick (of all patterns) and output of all wrong bins of a kind."""
        starts = self.recording.starts
        chosen = [each for each in self.wrong if each.kind == kind]
        return [starts[each.pattern] + each.tick for each in chosen], [each.output for each in chosen]


def judge(recording: Recording, spec: Spec) -> Judged:
    """Compare a recording of a spec's patterns with its targets."""
    outputs = recording.program.n_outputs
    wanted, counts = recording.spikes.copy(), np.ones_like(recording.spikes)
    wrong = tuple(wrong_bins(spec, recording.answers()))
    judged = Judged(recording, spec.targets, spec.care, wrong, wanted, counts)
    counts[:, :outputs] = spec.care
    if spec.window == (0, 0):
        wanted[:, :outputs] = spec.targets
    else:
        for kind in {each.kind for each in wrong}:
            wanted[judged.wrong_ticks(kind)] = kind == MISSING
    return judged


@dataclass(frozen=True)
class Nearest:
    """The distance of a neuron from a wrong spike or silence, in weight LSBs; negative if it is wrong.

    Attributes
    ----------
    spike, silence : float or None
        The minimum distance above the threshold for target spikes, and at or below it for target silence and where the
        neuron might spike; None where there is no such tick.
    spike_tick, silence_tick : int
        Where, of all patterns' ticks; -1 where nowhere.
    """

    spike: float | None
    silence: float | None
    spike_tick: int
    silence_tick: int

    @property
    def margin(self) -> float:
        """The lesser of the two distances; infinite without any."""
        return min((each for each in (self.spike, self.silence) if each is not None), default=math.inf)


def nearest(judged: Judged) -> tuple[Nearest, ...]:
    """Return how near each row's neuron comes to doing otherwise; measured in the integers that ran."""
    recording = judged.recording
    unit = recording.program.chip.unit
    above = recording.potentials - recording.thresholds
    found = []
    for row in range(above.shape[1]):
        spike = _least(above[:, row], judged.wanted[:, row] & judged.counts[:, row], unit)
        quiet = ~judged.wanted[:, row] & judged.counts[:, row] & ~recording.held[:, row]
        silence = _least(-above[:, row], quiet, unit)
        found.append(Nearest(spike[0], silence[0], spike[1], silence[1]))
    return tuple(found)


def _least(distances: Int64s, where: Raster, unit: int) -> tuple[float | None, int]:
    ticks = np.flatnonzero(where)
    if ticks.size == 0:
        return None, NOWHERE
    tick = int(ticks[distances[ticks].argmin()])
    return int(distances[tick]) / unit, tick
