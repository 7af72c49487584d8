"""Counting spikes."""

from __future__ import annotations

import itertools

import numpy as np

from snnprog.automata import table_automaton
from snnprog.checks import as_integer
from snnprog.chips import Chip, find_chip
from snnprog.errors import SpecError
from snnprog.spec import Pattern, Spec
from snnprog.specs.machines import Row, StateMachine
from snnprog.specs.needs import check_delays, perfect_memory
from snnprog.specs.streams import check_ticks


def counter(modulus: int, *, reset: bool = False, chip: str | Chip = "loihi1") -> Spec:
    """Return the spec of a ring counter: output i fires one tick after every (i + 1)-th spike of ``modulus``.

    The last of these outputs is the carry: an input to the next counter. They are followed by ``modulus - 1`` more,
    which hold the count: the one of count i + 1 fires at every tick at which the count stays that. It is exact on every
    stream.

    Parameters
    ----------
    modulus : int
        After how many spikes it begins anew, from 2 on.
    reset : bool
        Whether a second input line sets the count to 0; a spike together with it is not counted.
    chip : str or Chip
        Whose integers are meant; a registered name, or the chip itself.

    Raises
    ------
    SpecError
        If the modulus is less than 2, too large, or the chip's neurons remember.
    """
    modulus = _at_least_two("modulus", modulus)

    def step(row: Row, before: Row) -> Row:
        is_counted, is_reset = row[0], any(row[1:])
        fired, held = before[:modulus], before[modulus:]
        count = next((i + 1 for i in range(modulus - 1) if fired[i] or held[i]), 0)
        counted = tuple(is_counted and not is_reset and i == count for i in range(modulus))
        return counted + tuple(not is_counted and not is_reset and i + 1 == count for i in range(modulus - 1))

    rows = tuple(itertools.product((False, True), repeat=1 + reset))
    return StateMachine("counter", 2 * modulus - 1, rows, step, "take a smaller modulus", find_chip(chip)).spec()


def frequency_divider(divisor: int, *, chip: str | Chip = "loihi1") -> Spec:
    """Return the spec of a frequency divider: one neuron that fires one tick after every ``divisor``-th spike.

    Its potential does not leak, and so is the count of spikes since it fired, times a weight, to the last bit: it is
    exact on every stream. Only where it was counted up to has to be shown.

    Parameters
    ----------
    divisor : int
        From 2 on.
    chip : str or Chip
        Whose integers are meant; a registered name, or the chip itself.

    Raises
    ------
    SpecError
        If the divisor is less than 2, too large, or the chip has no neuron that counts: one that keeps all that
        arrives, and is reset to zero.
    """
    divisor = _at_least_two("divisor", divisor)
    target = find_chip(chip)
    dynamics = perfect_memory("frequency_divider", target)
    check_delays("frequency_divider", target, delays=(1,))
    check_ticks("frequency_divider", 4 * divisor, advice="let two dividers follow one another")
    spikes = np.ones(4 * divisor + 1, dtype=np.bool_)
    spikes[2 * divisor :: 2] = False
    due = np.concatenate([[False], spikes[:-1] & (np.cumsum(spikes[:-1]) % divisor == 0)])
    pattern = Pattern(spikes[:, None], due[:, None])
    # A state is the count, and whether the last spike completed it; the output answers one tick later.
    edges = [[0, 1], *([count, count + 1] for count in range(1, divisor)), [0, 1]]
    answers = [(state == divisor,) for state in range(divisor + 1)]
    automaton = table_automaton(edges, rows=((False,), (True,)), outputs=answers)
    return Spec([pattern], (1,), dynamics=dynamics, signs=(1,), chip=target, automaton=automaton)


def _at_least_two(name: str, value: int) -> int:
    number = as_integer(name, value)
    if number < 2:
        raise SpecError(f"{name} is {number}; a whole number from 2 is needed")
    return number
