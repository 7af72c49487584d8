"""Winner-take-all by the first spike."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

from snnprog.calls import call_checked
from snnprog.checks import as_flag, as_integer
from snnprog.chips import Chip, find_chip
from snnprog.errors import SpecError
from snnprog.spec import Spec
from snnprog.specs.machines import Row, StateMachine
from snnprog.specs.needs import check_lines
from snnprog.specs.streams import check_ticks


@call_checked
def winner_take_all(
    lines: int, *, at_once: int | None = None, reset: bool = False, chip: str | Chip = "loihi1"
) -> Spec:
    """Return the spec of a winner-take-all of first spikes: the line that spikes first wins, and all others lose.

    One tick after the first spike the winner's output fires, once; of lines that spike together, the first in order
    wins. From then on the last output, the memory that there was a winner, fires at every tick, and nothing else does.
    It is exact on every stream with no more than ``at_once`` spikes at a tick.

    Parameters
    ----------
    lines : int
        Number of competing lines; there is one output for each, and one for the memory.
    at_once : int, optional
        Maximum number of lines that spike together; all by default. Larger values require more patterns: all of 10
        lines are possible, or any two of 50.
    reset : bool
        Whether one more input line, the last, starts the next round: spikes at the same tick are ignored, later spikes
        count.
    chip : str or Chip
        The target chip: a registered name, or a `Chip`.

    Raises
    ------
    SpecError
        If there are no lines, too many lines, or the chip's neurons have memory.
    """
    lines, reset = as_integer("lines", lines), as_flag("reset", reset)
    at_once = lines if at_once is None else as_integer("at_once", at_once)
    check_lines(lines)
    if not 1 <= at_once <= lines:
        raise SpecError(f"at_once must be from 1 to {lines}, the number of lines, got {at_once}")
    n_rows = sum(math.comb(lines, size) for size in range(at_once + 1)) * (1 + reset)
    check_ticks("winner_take_all", n_rows * (lines + 2), advice="take fewer lines, or a smaller at_once")
    groups = [group for size in range(at_once + 1) for group in itertools.combinations(range(lines), size)]
    rows = [tuple(line in group for line in range(lines)) for group in groups]
    if reset:
        rows = [(*row, is_reset) for is_reset in (False, True) for row in rows]

    def step(row: Row, before: Row) -> Row:
        spikes, is_decided = row[:lines], before[lines]
        if any(row[lines:]):
            return (False,) * (lines + 1)
        winner = spikes.index(True) if any(spikes) and not is_decided else None
        return (*(line == winner for line in range(lines)), is_decided or any(spikes))

    advice = "take fewer lines, or a smaller at_once"
    machine = StateMachine("winner_take_all", lines + 1, tuple(rows), step, advice, find_chip(chip))
    inputs = [f"line {line}" for line in range(lines)] + ["reset"] * reset
    outputs = [f"winner {line}" for line in range(lines)] + ["decided"]
    return replace(machine, input_names=tuple(inputs), output_names=tuple(outputs)).spec()
