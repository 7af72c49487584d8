"""A detector of key presses that may come a tick early or late: each gives one spike, always on time."""

from __future__ import annotations

from typing import Any

import numpy as np

import snnprog as sp

PERIOD = 6  # ticks from a clock spike to the next
CLOCK, LATE = 2, 2  # the clock's tick in a period; the detector answers so many ticks later
KEYS = ("red", "green", "shut")
Row = tuple[bool, ...]
SILENCE = (False,) * (len(KEYS) + 1)


def row_of(tick: int, key: int | None = None) -> Row:
    """Return a row of the keys and the clock."""
    return (*(each == key for each in range(len(KEYS))), tick == CLOCK)


def detector() -> sp.Spec:
    """Return the spec of a detector: a key's spike within a tick of the clock's gives one spike, always on time."""
    inputs = np.zeros((PERIOD * 8, len(KEYS) + 1), dtype=bool)
    inputs[CLOCK::PERIOD, -1] = True
    targets = np.zeros((len(inputs), len(KEYS)), dtype=bool)
    for period, key in enumerate((0, 1, 2, 0, 2, 1)):
        tick = PERIOD * period + CLOCK
        inputs[tick, key] = targets[tick + LATE, key] = True
    return sp.Spec(
        [sp.Pattern(inputs, targets)],
        delays=(1, 2, 3),
        dynamics=sp.Dynamics.from_time_constants(0, 0),
        robust=sp.Robust(jitter=1, exempt=(len(KEYS),)),
        input_names=(*KEYS, "clock"),
        output_names=KEYS,
    )


def rows(state: Any) -> list[Row]:
    """Return what may come: the clock in each period, and a spike of one key within a tick of it."""
    tick, pressed = state[:2]
    may_press = abs(tick - CLOCK) <= 1 and pressed is None
    return [row_of(tick, key) for key in ((None, *range(len(KEYS))) if may_press else (None,))]


def detected(state: Any, row: Row) -> tuple[tuple[int, int | None], list[bool]]:
    """Detect in plain Python: return the next tick and the key that was pressed, and the outputs."""
    tick, pressed = state
    outputs = [tick == CLOCK + LATE and key == pressed for key in range(len(KEYS))]
    pressed = row.index(True) if any(row[:-1]) else pressed if tick + 1 < PERIOD else None
    return ((tick + 1) % PERIOD, pressed), outputs


def detector_automaton() -> sp.Automaton:
    """Return what the detector does for ever."""
    sizes = len(KEYS) + 1, len(KEYS)
    return sp.Automaton(n_inputs=sizes[0], n_outputs=sizes[1], start=(0, None), step=detected, symbols=rows)
