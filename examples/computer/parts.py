"""Parts of the computer: truth tables and memory cells, compiled from specs that say what they do for ever.

Everything in the computer happens once per instruction: a line has one spike or none in a cycle of `CYCLE` ticks.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import snnprog as sp

CYCLE = 12
SPACING = 8  # ticks from a row of a truth table to the next, at least: less than a cycle
THRESHOLD = 120  # of all neurons, so that they fit on one core, which has eight thresholds
Bits = Sequence[bool]
Answer = Sequence[bool] | bool | None  # None for rows that never occur


@dataclass(frozen=True)
class Part:
    """A compiled part, which answers a row of its lines some ticks later."""

    program: sp.Program
    automaton: sp.Automaton
    latency: int


def part_of(spec: sp.Spec, *, latency: int) -> Part:
    """Compile a spec that carries its automaton."""
    assert spec.automaton is not None
    return Part(sp.compile(spec).program, spec.automaton, latency)


def bus(name: str, width: int) -> str:
    """Return the names of the lines of a bus."""
    return " ".join(f"{name}{bit}" for bit in range(width))


def number(bits: Bits) -> int:
    """Return the number that bits stand for, the lowest first."""
    return sum(bool(bit) << place for place, bit in enumerate(bits))


def bits_of(value: int, width: int) -> list[bool]:
    """Return the bits of a number, the lowest first."""
    return [bool(value >> place & 1) for place in range(width)]


def one_of(which: int | None, width: int) -> list[bool]:
    """Return bits of which one is set, or none."""
    return [place == which for place in range(width)]


def table(lines: str, outputs: str, answer: Callable[[Bits], Answer], *, rows: Sequence[Bits] | None = None) -> Part:
    """Compile a truth table: `answer` returns the outputs of a row. The compiler finds hidden neurons if needed."""
    names = tuple(lines.split())
    possible = itertools.product((False, True), repeat=len(names)) if rows is None else rows
    answers = {tuple(row): answer(row) for row in possible}
    spec = sp.specs.truth_table({row: found for row, found in answers.items() if found is not None}, spacing=SPACING)
    spec = replace(spec, threshold=THRESHOLD, input_names=names, output_names=tuple(outputs.split()))
    return part_of(spec, latency=2)


def cell(n_data: int) -> Part:
    """Compile a memory cell: one neuron that repeats its spike every cycle, until `write` replaces it by a data line.

    The spec has every step: from both bits, with every row. At most one of the data lines spikes, with `write`.
    """
    writes = [(*bits_of(1 << line >> 1, n_data), True) for line in range(n_data + 1)]
    rows = [(False,) * (n_data + 1), *writes]
    steps = [step for before in writes for row in rows for step in (before, row)]
    inputs = np.zeros((CYCLE * len(steps), n_data + 1), dtype=bool)
    inputs[::CYCLE] = steps
    targets, state = np.zeros((len(inputs), 1), dtype=bool), (0, False)
    for tick, row in enumerate(inputs.tolist()):
        state, targets[tick] = _cell_step(state, row)

    def symbols(state: Any) -> list[tuple[bool, ...]]:
        return rows if state[0] == 0 else rows[:1]

    automaton = sp.Automaton(n_inputs=n_data + 1, n_outputs=1, start=(0, False), step=_cell_step, symbols=symbols)
    spec = sp.Spec(
        [sp.Pattern(inputs, targets)],
        delays=(1, CYCLE),
        recurrent=True,
        dynamics=sp.Dynamics.from_time_constants(0, 0),
        threshold=THRESHOLD,
        sparse=True,
        automaton=automaton,
        input_names=(*bus("d", n_data).split(), "write"),
        output_names=("q",),
    )
    return part_of(spec, latency=1)


def _cell_step(state: Any, row: Bits) -> tuple[tuple[int, bool], Bits]:
    """Return the tick in the cycle and the bit after a tick, and whether the cell spikes."""
    tick, bit = state
    if tick == 0 and row[-1]:
        bit = any(row[:-1])
    return ((tick + 1) % CYCLE, bit), [tick == 1 and bit]
