"""The data of two runs around their first difference, recorded in more detail if possible.

The pattern is run again on both backends with the state of every neuron and the spikes of the hidden ones, cut `AROUND`
ticks after the difference: first alone, then, where alone it does not differ, after the pattern before it. If a backend
cannot record states, the first recording is kept; if a chip reads out only some neurons, the spikes of those.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from snnprog.arrays import Int32s, Raster
from snnprog.backends import run_backend
from snnprog.divergence.comparison import first_difference
from snnprog.divergence.places import Divergence
from snnprog.errors import BackendError, LimitError, PortabilityWarning
from snnprog.program import Program
from snnprog.trace import Trace

AROUND = 256
"""Ticks after a difference for distinguishing rules with equal results at first; more slow down the replays."""


@dataclass(frozen=True, eq=False)
class Sight:
    """Runs of one pattern, up to some ticks after their first difference.

    Attributes
    ----------
    place : Divergence
        That difference; its neuron is counted as ``neurons`` are.
    inputs : (ticks, inputs) bool
    runs : mapping of str to Trace
        The traces of the backend and of the other one; empty if a program is compared with its target.
    neurons : (neurons read out,) int
        The neuron of each column of the spikes.
    before : tuple of raster
        The inputs of the patterns before it, if there is no difference without them.
    note : str
        The result of the second run, as a clause.
    """

    place: Divergence
    inputs: Raster
    runs: Mapping[str, Trace]
    neurons: Int32s
    before: tuple[Raster, ...] = ()
    note: str = ""

    @property
    def neuron(self) -> int:
        """The neuron that differs first, counted among all."""
        return int(self.neurons[self.place.neuron]) if self.place.is_of_output else self.place.neuron

    @property
    def has_states(self) -> bool:
        """Whether all runs recorded the states of all neurons."""
        return all(trace.currents is not None and trace.potentials is not None for trace in self.runs.values())


def see(program: Program, inputs: Sequence[Raster], *, place: Divergence, found: Trace, expected: Trace) -> Sight:
    """Replay a difference between two backends or, if that is impossible, use the records."""
    everyone = _reading_all(program)
    cut = place.tick + 1 + AROUND
    pattern = inputs[place.pattern][:cut]
    note = "its states cannot be had"
    try:
        for before in range(min(place.pattern, 1) + 1):
            sight = _see_again(everyone, [*inputs[place.pattern - before : place.pattern], pattern], first=place)
            if sight is not None:
                return sight
        note = "the difference did not come again when this pattern was run a second time"
    except BackendError:
        pass
    return Sight(
        place=place,
        inputs=pattern,
        runs={place.backend: _cut(found, cut), place.against: _cut(expected, cut)},
        neurons=program.outputs,
        before=tuple(inputs[: place.pattern]),
        note=note,
    )


def see_target(program: Program, inputs: Sequence[Raster], *, place: Divergence) -> Sight:
    """Return a pattern up to a place where a program does not reproduce its target."""
    return Sight(place, inputs[place.pattern][: place.tick + 1], {}, program.outputs)


def _reading_all(program: Program) -> Program:
    """Return the program with all neurons read out; unchanged if the chip cannot do that, or results would change."""
    if program.chip.is_readout_apart or program.chip.rule.constants:
        return program
    try:
        return replace(program, outputs=np.arange(program.n_neurons))
    except LimitError:
        return program


def _see_again(everyone: Program, rasters: Sequence[Raster], *, first: Divergence) -> Sight | None:
    found, expected = (_run(everyone, rasters, name) for name in (first.backend, first.against))
    names, number = (first.backend, first.against), first.pattern - len(rasters) + 1
    place = first_difference(names, list(zip(found, expected, strict=True)), first_pattern=number)
    if place is None or place.pattern != first.pattern:
        return None
    before = tuple(rasters[:-1])
    return Sight(
        place=place,
        inputs=rasters[-1],
        runs={first.backend: found[-1], first.against: expected[-1]},
        neurons=everyone.outputs,
        before=before,
        note="alone, this pattern does not differ: it does after the one before" if before else "",
    )


def _run(program: Program, rasters: Sequence[Raster], backend: str) -> tuple[Trace, ...]:
    """Run with states, without warnings about the portable range, which the differing runs gave already."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PortabilityWarning)
        return run_backend(program, rasters, backend, "state").traces


def _cut(trace: Trace, ticks: int) -> Trace:
    currents, potentials = (None if values is None else values[:ticks] for values in (trace.currents, trace.potentials))
    return Trace(trace.spikes[:ticks], currents, potentials)
