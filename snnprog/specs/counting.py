"""Counters and frequency dividers."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np

from snnprog.automata.steps import table_automaton
from snnprog.calls import call_checked
from snnprog.checks import as_flag, as_integer
from snnprog.chips import Chip, find_chip
from snnprog.errors import SpecError
from snnprog.spec import Pattern, Spec
from snnprog.specs.machines import Row, StateMachine
from snnprog.specs.needs import check_delays, perfect_memory
from snnprog.specs.streams import check_ticks


@call_checked
def counter(modulus: int, *, reset: bool = False, chip: str | Chip = "loihi1") -> Spec:
    """Return the spec of a ring counter: output i fires one tick after every (i + 1)-th spike of ``modulus``.

    The last of these outputs is the carry: an input to the next counter. They are followed by ``modulus - 1`` more
    that hold the count: that of count i + 1 fires at every tick at which the count keeps this value. It is exact on
    every stream.

    Parameters
    ----------
    modulus : int
        Number of spikes after which the counter restarts; at least 2.
    reset : bool
        Whether a second input line sets the count to 0; a spike together with it is not counted.
    chip : str or Chip
        The target chip: a registered name, or a `Chip`.

    Raises
    ------
    SpecError
        If the modulus is less than 2, too large, or the chip's neurons have memory.
    """
    modulus, reset = _at_least_two("modulus", modulus), as_flag("reset", reset)

    def step(row: Row, before: Row) -> Row:
        is_counted, is_reset = row[0], any(row[1:])
        fired, held = before[:modulus], before[modulus:]
        count = next((i + 1 for i in range(modulus - 1) if fired[i] or held[i]), 0)
        counted = tuple(is_counted and not is_reset and i == count for i in range(modulus))
        return counted + tuple(not is_counted and not is_reset and i + 1 == count for i in range(modulus - 1))

    rows = tuple(itertools.product((False, True), repeat=1 + reset))
    machine = StateMachine("counter", 2 * modulus - 1, rows, step, "take a smaller modulus", find_chip(chip))
    outputs = [f"spike {count}" for count in range(1, modulus)] + ["carry"]
    outputs += [f"count {count}" for count in range(1, modulus)]
    lines = ("spikes", "reset") if reset else ("spikes",)
    return replace(machine, input_names=lines, output_names=tuple(outputs)).spec()


@call_checked
def frequency_divider(divisor: int, *, chip: str | Chip = "loihi1") -> Spec:
    """Return the spec of a frequency divider: one neuron that fires one tick after every ``divisor``-th spike.

    Its potential does not leak, so it is exactly the count of spikes since it fired, times a weight: the program is
    exact on every stream. The patterns only need to show each count.

    Parameters
    ----------
    divisor : int
        At least 2.
    chip : str or Chip
        The target chip: a registered name, or a `Chip`.

    Raises
    ------
    SpecError
        If the divisor is less than 2, too large, or the chip has no neuron that counts: one without leak
        that is reset to zero.
    """
    divisor = _at_least_two("divisor", divisor)
    target = find_chip(chip)
    dynamics = perfect_memory("frequency_divider", target)
    check_delays("frequency_divider", target, delays=(1,))
    check_ticks("frequency_divider", 4 * divisor, advice="use two dividers in series")
    spikes = np.ones(4 * divisor + 1, dtype=np.bool_)
    spikes[2 * divisor :: 2] = False
    due = np.concatenate([[False], spikes[:-1] & (np.cumsum(spikes[:-1]) % divisor == 0)])
    pattern = Pattern(spikes[:, None], due[:, None])
    # A state is the count, and whether the last spike completed it; the output answers one tick later.
    edges = [[0, 1], *([count, count + 1] for count in range(1, divisor)), [0, 1]]
    answers = [(state == divisor,) for state in range(divisor + 1)]
    automaton = table_automaton(edges, rows=((False,), (True,)), outputs=answers)
    return Spec(
        [pattern],
        (1,),
        dynamics=dynamics,
        signs=(1,),
        chip=target,
        automaton=automaton,
        input_names=["spikes"],
        output_names=["divided"],
    )


def _at_least_two(name: str, value: int) -> int:
    number = as_integer(name, value)
    if number < 2:
        raise SpecError(f"{name} must be an integer of at least 2, got {number}")
    return number
