"""Boolean functions of the spikes of one tick.

A neuron is a threshold function of what arrives at it. Others, such as exclusive or and parity, need neurons between;
which, the compiler finds out (``hidden="auto"``).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from snnprog.automata import Automaton, State
from snnprog.checks import as_integer
from snnprog.chips import Chip, find_chip
from snnprog.errors import SpecError
from snnprog.raster import as_raster
from snnprog.spec import AUTO, FREE, Pattern, Spec
from snnprog.specs.needs import check_delays, no_memory
from snnprog.specs.streams import check_ticks, de_bruijn

Row = tuple[bool, ...]
Answers = dict[Row, Row]
Table = Mapping[Sequence[int], int | Sequence[int]] | Callable[..., object] | ArrayLike

LATENCY = 2
REACH = 3
"""Rows within so many ticks may meet: in an output, in a hidden neuron that it hears, in one that that one hears."""
STREAM_LIMIT = 1 << 15
MOST_LINES = 15


def truth_table(
    table: Table, *, lines: int | None = None, clock: bool = False, spacing: int = 1, chip: str | Chip = "loihi1"
) -> Spec:
    """Return the spec of Boolean functions: outputs answer the row of spikes of each tick two ticks later.

    The stream in the spec holds every run of rows that fits into three ticks. Programs whose outputs need no hidden
    neurons are exact on every stream. What hidden neurons do is theirs to choose, so that others are proved for such
    runs alone; all 256 functions of three lines were held against every run of five rows, and none erred.

    Parameters
    ----------
    table : mapping, callable, or (2**lines,) or (2**lines, outputs) bool
        From a row, one 0 or 1 per line, to an output's answer or the answers of all: a mapping (rows that it leaves out
        never come), a function that takes one argument per line, or an array in counting order, the first line being
        the most significant.
    lines : int, optional
        How many input lines; needed for a function, else told by the table.
    clock : bool
        Whether one more input line, the last, spikes with every row. Without it silence is a row, too: an output that
        answers silence with a spike fires at every silent tick, from its bias. With it nothing is asked at ticks
        without a clock spike, and no bias is needed.
    spacing : int
        How many ticks there are at least from one row to the next, silent but for the first: 1, unless said. The wider,
        the more lines there may be: 5, 7 from 2 on, and 15 from 3 on.
    chip : str or Chip
        Whose integers are meant; a registered name, or the chip itself.

    Raises
    ------
    SpecError
        If the table is no table, its rows are too many, or the chip's neurons remember.
    """
    spacing = as_integer("spacing", spacing)
    if spacing < 1:
        raise SpecError(f"spacing is {spacing}; at least one tick is needed")
    answers = _with_clock(_answers(table, lines)) if clock else _answers(table, lines)
    silence, n_outputs = (False,) * len(next(iter(answers))), len(next(iter(answers.values())))
    answers = {silence: answers.get(silence, (False,) * n_outputs)} | answers
    target, delays = find_chip(chip), range(1, LATENCY + 1)
    dynamics = no_memory("truth_table", target)
    check_delays("truth_table", target, delays=delays)
    order = -(-REACH // spacing)
    check_ticks(
        "truth_table",
        spacing * len(answers) ** order,
        advice="take fewer lines, or a wider spacing",
        limit=STREAM_LIMIT,
    )
    stream = np.zeros(spacing * (len(answers) ** order + order - 1) + LATENCY + REACH, dtype=np.int64)
    runs = de_bruijn(len(answers), order)
    stream[: spacing * len(runs) : spacing] = runs
    due = np.concatenate([np.zeros(LATENCY, dtype=np.int64), stream[:-LATENCY]])
    rows, values = np.array(list(answers)), np.array(list(answers.values()))
    bias: int | Literal["free"] = FREE if values[0].any() else 0
    pattern = Pattern(rows[stream], values[due])
    step = _TruthStep(answers, spacing)
    automaton = Automaton(n_inputs=len(silence), n_outputs=n_outputs, start=step.start, step=step, symbols=step.rows)
    return Spec([pattern], delays, dynamics=dynamics, bias=bias, hidden=AUTO, chip=target, automaton=automaton)


@dataclass(frozen=True)
class _TruthStep:
    """The step of a truth table's automaton: states are the last rows, and for how many ticks no row may come."""

    answers: Answers
    spacing: int

    @property
    def start(self) -> tuple[tuple[Row, ...], int]:
        """The state at rest."""
        return (next(iter(self.answers)),) * LATENCY, 0

    def __call__(self, state: State, row: Row) -> tuple[State, Row]:
        """Return the next state and the outputs."""
        assert isinstance(state, tuple)
        last, pause = state
        later = self.spacing - 1 if any(row) else max(0, pause - 1)
        return ((*last[1:], row), later), self.answers[last[0]]

    def rows(self, state: State) -> tuple[Row, ...]:
        """Return the rows that can occur in a state."""
        assert isinstance(state, tuple)
        return tuple(self.answers) if state[1] == 0 else (next(iter(self.answers)),)


def _with_clock(answers: Answers) -> Answers:
    return {(*row, True): answer for row, answer in answers.items()}


def _answers(table: Table, lines: int | None) -> Answers:
    """Return the answers of all outputs to each row."""
    listed: Iterable[tuple[object, object]]
    if callable(table):
        if lines is None:
            raise SpecError("table is a function and lines is not given; say how many lines it takes")
        _check_lines(lines)
        listed = [(row, table(*row)) for row in itertools.product((False, True), repeat=lines)]
    elif isinstance(table, Mapping):
        listed = table.items()
    else:
        listed = _rows_of(np.asarray(table))
    bits = [(_as_bits("row", row), _as_bits("answer", answer)) for row, answer in listed]
    answers = dict(bits)
    if len(answers) < len(bits):
        raise SpecError(f"table has {len(bits)} rows, of which {len(answers)} differ; give each one once")
    for name, found in (("rows", {len(row) for row in answers}), ("answers", {len(bits) for bits in answers.values()})):
        if len(found) != 1 or 0 in found:
            raise SpecError(f"table has {name} of {sorted(found)} bits; all are as long, and not empty")
    n_lines = len(next(iter(answers)))
    if lines not in (None, n_lines):
        raise SpecError(f"lines is {lines} and the table's rows have {n_lines} bits; leave lines out")
    return answers


def _rows_of(array: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> list[tuple[object, object]]:
    values = as_raster(array[:, None] if array.ndim == 1 else array, "table")
    lines = len(values).bit_length() - 1
    if len(values) != 1 << lines:
        raise SpecError(f"table has {len(values)} rows; 2, 4, 8 … are needed, one for each row of spikes")
    _check_lines(lines)
    return list(zip(itertools.product((False, True), repeat=lines), values.tolist(), strict=True))


def _check_lines(lines: int) -> None:
    if not 1 <= as_integer("lines", lines) <= MOST_LINES:
        raise SpecError(f"lines is {lines}; 1 to {MOST_LINES} are allowed")


def _as_bits(name: str, bits: object) -> Row:
    values = tuple(bits) if isinstance(bits, Iterable) and not isinstance(bits, str) else (bits,)
    if any(not isinstance(value, (bool, np.bool_, int, np.integer)) or value not in (0, 1) for value in values):
        raise SpecError(f"table has the {name} {bits!r}; 0 and 1 are allowed")
    return tuple(bool(value) for value in values)
