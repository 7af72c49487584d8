"""Boolean functions of the spikes of one tick.

A neuron is a threshold function of the spikes that arrive at it. Other functions, such as exclusive or and parity, need
hidden neurons, which the compiler finds (``hidden="auto"``).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from string import ascii_lowercase
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from snnprog.automata.automaton import Automaton, State
from snnprog.calls import call_checked
from snnprog.checks import as_flag, as_integer
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
"""Maximum distance in ticks of rows that interact: in an output, a hidden neuron before it, and one before that."""
STREAM_LIMIT = 1 << 15
MOST_LINES = 15


@call_checked
def truth_table(
    table: Table, *, lines: int | None = None, clock: bool = False, spacing: int = 1, chip: str | Chip = "loihi1"
) -> Spec:
    """Return the spec of Boolean functions: outputs respond to the row of spikes of each tick two ticks later.

    The stream in the spec contains every run of rows that fits into three ticks. Programs whose outputs need no hidden
    neurons are exact on every stream. The compiler chooses the behaviour of hidden neurons, so other programs are
    proved for such runs only; all 256 functions of three lines were tested on every run of five rows, without errors.
    Lines are called "a", "b", … and "clock".

    Parameters
    ----------
    table : mapping, callable, or (2**lines,) or (2**lines, outputs) bool
        From a row, one 0 or 1 per line, to the answer of the output or outputs: a mapping (omitted rows never
        occur), a function that takes one argument per line, or an array in counting order, with the first line as
        the most significant bit.
    lines : int, optional
        Number of input lines; required for a function, otherwise taken from the table.
    clock : bool
        Whether one more input line, the last, spikes with every row. Without it silence is a row, too: an output that
        responds to silence with a spike fires at every silent tick, by its bias. With it, ticks without a clock
        spike do not count, and no bias is required.
    spacing : int
        Minimum number of ticks from one row to the next, silent except the first: 1 by default. Larger values allow
        more lines: 5, 7 from 2 on, and 15 from 3 on.
    chip : str or Chip
        The target chip: a registered name, or a `Chip`.

    Raises
    ------
    SpecError
        If the table is invalid, it has too many rows, or the chip's neurons have memory.
    """
    spacing, clock = as_integer("spacing", spacing), as_flag("clock", clock)
    if spacing < 1:
        raise SpecError(f"spacing must be at least one tick, got {spacing}")
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
    return Spec(
        [pattern],
        delays,
        dynamics=dynamics,
        bias=bias,
        hidden=AUTO,
        chip=target,
        automaton=automaton,
        input_names=[*_letters(len(silence) - clock), *(["clock"] if clock else [])],
    )


def _letters(lines: int) -> list[str]:
    """Return a, b, c …, or numbered names where the letters do not suffice."""
    return list(ascii_lowercase[:lines]) if lines <= len(ascii_lowercase) else [f"line {line}" for line in range(lines)]


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
            raise SpecError("lines must be given if table is a function; give the number of its arguments")
        _check_lines(lines)
        listed = [(row, table(*row)) for row in itertools.product((False, True), repeat=lines)]
    elif isinstance(table, Mapping):
        listed = table.items()
    else:
        listed = _rows_of(np.asarray(table))
    bits = [(_as_bits("row", row), _as_bits("answer", answer)) for row, answer in listed]
    answers = dict(bits)
    if len(answers) < len(bits):
        raise SpecError(f"table must have each row once, got {len(bits)} rows of which {len(answers)} differ")
    for name, found in (("rows", {len(row) for row in answers}), ("answers", {len(bits) for bits in answers.values()})):
        if len(found) != 1 or 0 in found:
            raise SpecError(f"table has {name} of {sorted(found)} bits; they must be equal and positive")
    n_lines = len(next(iter(answers)))
    if lines not in (None, n_lines):
        raise SpecError(f"lines must be {n_lines}, the bits of the table's rows, got {lines}; omit lines")
    return answers


def _rows_of(array: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> list[tuple[object, object]]:
    values = as_raster(array[:, None] if array.ndim == 1 else array, "table")
    lines = len(values).bit_length() - 1
    if len(values) != 1 << lines:
        raise SpecError(f"table must have 2, 4, 8 … rows, one for each combination of spikes, got {len(values)}")
    _check_lines(lines)
    return list(zip(itertools.product((False, True), repeat=lines), values.tolist(), strict=True))


def _check_lines(lines: int) -> None:
    if not 1 <= as_integer("lines", lines) <= MOST_LINES:
        raise SpecError(f"lines must be from 1 to {MOST_LINES}, got {lines}")


def _as_bits(name: str, bits: object) -> Row:
    values = tuple(bits) if isinstance(bits, Iterable) and not isinstance(bits, str) else (bits,)
    if any(not isinstance(value, (bool, np.bool_, int, np.integer)) or value not in (0, 1) for value in values):
        raise SpecError(f"each {name} of table must consist of 0 and 1, got {bits!r}")
    return tuple(bool(value) for value in values)
