"""The kernel: the reference's rule, value for value, event-driven and compiled.

Spikes, states and excursions equal those of `snnprog.simulate.reference` for every program, with registers that
wrap or clip and arrivals beyond 32 bits. Patterns are distributed to threads; the result does not depend on their
number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from snnprog.arrays import Bytes, Int64s, Integers, Raster
from snnprog.jit import entry_of
from snnprog.jit import is_ready as is_code_ready
from snnprog.program import Program
from snnprog.rules.rule import CURRENT, POTENTIAL
from snnprog.simulate.driver import run_patterns
from snnprog.simulate.event_kernel import EventNetwork, EventStepper, simulate_events
from snnprog.simulate.layout import Layout, can_be_laid_out, lay_out
from snnprog.simulate.memory import LANES, LOG_COLUMNS, SCANNED, SPREAD, Shape, Workspace, aligned
from snnprog.simulate.parameters import most_line_spikes
from snnprog.simulate.threads import processors, side_by_side
from snnprog.trace import Excursion, Trace, as_states

SPAN_BYTES = 1 << 20
"""Size of input that is assembled before it is run: that of a core's cache."""

LOG_ENTRIES = 1 << 20
"""Maximum number of neurons of patterns that run together, so that the log of excursions is large enough."""

THREAD_WORK = 1 << 20
"""Minimum number of neuron-ticks for a further thread."""


_LAYOUTS: WeakKeyDictionary[Program, Layout] = WeakKeyDictionary()
"""Cached layouts of programs, by identity: one of millions of synapses takes seconds."""


def simulate(program: Program, inputs: Sequence[Raster], *, state: bool = False) -> list[Trace]:
    """Run a program on each input raster ``(ticks, inputs)``, each from rest; return one trace per raster.

    The caller checks shapes.
    """
    if can_be_laid_out(program):
        return run_layout(_layout_of(program), inputs, state=state, threads=processors())
    return simulate_events(program, inputs, state=state)


def is_ready(program: Program) -> bool:
    """Return whether `simulate` can begin without compiling: the machine code of the program's rule is stored."""
    if not can_be_laid_out(program):
        return False
    layout = _layout_of(program)
    spikes, states = _room(layout, 0, state=False)
    tape, ends = np.zeros((0, layout.shape.n_inputs), np.uint8), np.zeros(1, np.int64)
    arguments = _LayoutRun(layout, 1, ticks=(np.uint64(0),) * 3).arguments(
        tape, ends, first_tick=0, spikes=spikes, states=states
    )
    return layout.ticks.are_compiled and is_code_ready(run_patterns, arguments)


def stepper_of(program: Program, *, state: bool) -> LayoutStepper | EventStepper:
    """Return the object that runs one pattern of a program in steps; see `LayoutStepper.step`.

    A layout allows one spike per line and tick, so a program whose lines may carry more runs event by event.
    """
    if most_line_spikes(program) == 1 and can_be_laid_out(program):
        return LayoutStepper(_layout_of(program), state=state)
    return EventStepper(EventNetwork.of(program), state=state)


def _layout_of(program: Program) -> Layout:
    if program not in _LAYOUTS:
        _LAYOUTS[program] = lay_out(program)
    return _LAYOUTS[program]


def run_layout(layout: Layout, inputs: Sequence[Raster], *, state: bool = False, threads: int = 1) -> list[Trace]:
    """Run a program with its layout; see `simulate`.

    Parameters
    ----------
    threads : int
        Maximum number of threads; fewer are used for small runs.
    """
    if not inputs:
        return []
    shape = layout.shape
    ends = np.cumsum([len(raster) for raster in inputs], dtype=np.int64)
    ticks = int(ends[-1])
    spikes, states = _room(layout, ticks, state=state)
    most = max(1, min(threads, ticks * shape.padded // THREAD_WORK))

    def run(span: tuple[int, int]) -> Int64s:
        """Run a range of patterns; return its excursions."""
        first, last = span
        part = slice(ends[first] - len(inputs[first]), ends[last - 1])
        log = _run_span(layout, inputs[first:last], spikes=spikes[part], states=states[:, part if state else slice(0)])
        log[:, 0] += first
        return log

    spans = _spans(ends, shape, most)
    logs = side_by_side(run, spans, threads=most)
    excursions = _excursions(np.concatenate(logs), layout, len(inputs))
    parts = [slice(end - len(raster), end) for raster, end in zip(inputs, ends.tolist(), strict=True)]
    return [
        Trace(
            spikes=spikes[part],
            currents=as_states(states[0, part]) if state else None,
            potentials=as_states(states[1, part]) if state else None,
            excursions=left,
        )
        for part, left in zip(parts, excursions, strict=True)
    ]


def _spans(ends: Int64s, shape: Shape, threads: int) -> list[tuple[int, int]]:
    """Return half-open ranges of patterns: enough for each thread, none too long for its log or for a cache."""
    most = min(int(ends[-1]) // threads, max(1, SPAN_BYTES // max(1, shape.n_inputs)))
    step = max(1, LOG_ENTRIES // shape.n_neurons)
    cuts = np.concatenate([np.flatnonzero(np.diff(ends // max(1, most))) + 1, np.arange(0, ends.size, step)])
    cuts = np.unique(np.concatenate([[0, ends.size], cuts]))
    return list(zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True))


def _run_span(layout: Layout, inputs: Sequence[Raster], *, spikes: Raster, states: Integers) -> Int64s:
    """Run patterns one after another; fill their spikes and states; return their excursions."""
    tape = np.ascontiguousarray(inputs[0] if len(inputs) == 1 else np.concatenate(inputs)).view(np.uint8)
    ends = np.cumsum([len(raster) for raster in inputs], dtype=np.int64)
    run = _LayoutRun(layout, len(inputs), ticks=layout.ticks.recording if states.size else layout.ticks.addresses)
    count = run_patterns(*run.arguments(tape, ends, first_tick=0, spikes=spikes, states=states))
    return run.work.log[:count]


class _LayoutRun:
    """A layout and its state, in the form for `snnprog.simulate.driver.run_patterns`."""

    def __init__(self, layout: Layout, patterns: int, *, ticks: tuple[Any, Any, np.uint64]) -> None:
        registers = layout.code.registers
        fields = [registers.get(name, 0) for name in (CURRENT, POTENTIAL)]
        watches = np.array([limit for _, limit in layout.code.watched], np.int64)
        shape = Shape(*(np.uint64(number) for number in layout.shape))  # type: ignore[arg-type]
        self.work = _workspace(layout, patterns)
        self._static = layout.cells, layout.outputs, np.array(fields, np.uint64), watches, layout.wires, shape, ticks
        self._first_state = 0 if CURRENT in registers else 1

    def arguments(
        self, tape: Bytes, ends: Int64s, *, first_tick: int, spikes: Raster, states: Integers
    ) -> tuple[Any, ...]:
        """Return the arguments for a tape ``(ticks, inputs)``, and the places for spikes and states."""
        tape = tape.reshape(-1)
        tape.flags.writeable = False  # a separate type to Numba: one is enough
        currents = states[0, : 0 if self._first_state else None]
        flat = spikes.view(np.uint8).reshape(-1), currents.reshape(-1), states[1].reshape(-1)
        return tape, ends, first_tick, self._static, self.work, *flat


class LayoutStepper:
    """Runs one pattern of a program with its layout, in steps.

    Parameters
    ----------
    layout : Layout
    state : bool
        Whether currents and potentials are recorded.
    """

    def __init__(self, layout: Layout, *, state: bool) -> None:
        self._layout, self._state = layout, state
        self._run = _LayoutRun(layout, 1, ticks=layout.ticks.recording if state else layout.ticks.addresses)
        self._ends = np.zeros(1, np.int64)
        sample = self._room(1)
        tape = np.zeros((1, layout.shape.n_inputs), np.uint8)
        self._code = entry_of(
            run_patterns, self._run.arguments(tape, self._ends, first_tick=0, spikes=sample[0], states=sample[1])
        )

    def step(self, stimulus: Bytes, first_tick: int) -> Trace:
        """Continue with a stimulus ``(ticks, inputs)`` of 0 and 1; from rest if ``first_tick`` is 0."""
        self._ends[0] = len(stimulus)
        spikes, states = self._room(len(stimulus))
        count = self._code(
            *self._run.arguments(stimulus, self._ends, first_tick=first_tick, spikes=spikes, states=states)
        )
        return Trace(
            spikes=spikes,
            currents=as_states(states[0]) if self._state else None,
            potentials=as_states(states[1]) if self._state else None,
            excursions=_excursions(self._run.work.log[:count], self._layout, 1)[0] if count else (),
        )

    def _room(self, ticks: int) -> tuple[Raster, Integers]:
        return _room(self._layout, ticks, state=self._state)


def _room(layout: Layout, ticks: int, *, state: bool) -> tuple[Raster, Integers]:
    """Return the places for the spikes and states of so many ticks."""
    shape = layout.shape
    spikes = np.empty((ticks, shape.n_outputs), np.bool_)
    return spikes, np.zeros((2, ticks if state else 0, shape.n_neurons), layout.cells.dtype)


def _workspace(layout: Layout, patterns: int) -> Workspace:
    shape = layout.shape
    marks = aligned(-(-shape.padded // SCANNED) * (SCANNED // LANES), np.uint32)
    marks[:] = 0
    n_words = -(-shape.n_inputs // SCANNED) + marks.view(np.uint64).size + 1
    return Workspace(
        cells=aligned(layout.cells.size, layout.cells.dtype),
        seen=aligned((len(layout.code.watched) + 1) * LANES, layout.cells.dtype),
        kept=aligned(shape.fields * LANES, layout.cells.dtype),
        queue=aligned((shape.period + shape.slots) * shape.padded, np.dtype(layout.arrivals)),
        marks=marks,
        mark_words=marks.view(np.uint64),
        last_bytes=np.zeros(SCANNED, np.uint8),
        words=np.zeros(n_words, dtype=np.uint64),
        first_lines=np.zeros(n_words, dtype=np.uint64),
        lines=np.empty(shape.n_inputs + shape.n_neurons, dtype=np.uint64),
        due=np.empty(layout.wires.row_delay.size + 3, dtype=np.uint64),
        chunks=np.empty(int(layout.wires.chunk_first[-1]) + SPREAD, dtype=np.uint32),
        noted=np.empty(shape.n_neurons, dtype=np.bool_),
        calm=np.ones(1, dtype=np.bool_),
        log=np.empty((patterns * shape.n_neurons, LOG_COLUMNS), dtype=np.int64),
    )


def _excursions(log: Int64s, layout: Layout, patterns: int) -> list[tuple[Excursion, ...]]:
    """Return the excursions of each pattern, in the reference's order: by tick, watch and neuron."""
    found: list[list[Excursion]] = [[] for _ in range(patterns)]
    for pattern, tick, neuron, which, value in log[np.lexsort(log.T[[2, 3, 1, 0]])].tolist():
        quantity, limit = layout.code.watched[which]
        found[pattern].append(Excursion(tick, neuron, quantity, value, limit))
    return [tuple(excursions) for excursions in found]
