"""A combination lock whose keys bounce: a detector that is exact under jitter, linked to a state machine."""

from __future__ import annotations

from typing import Any

import numpy as np
from detector import CLOCK, KEYS, PERIOD, Row, detected, detector, detector_automaton, rows
from numpy.typing import NDArray

import snnprog as sp

TICKS = 1_000_000
LOCK = {  # opens on red, green, green; every wrong key restarts
    "closed": {"red": "one", "green": "closed", "shut": "closed"},
    "one": {"red": "one", "green": "two", "shut": "closed"},
    "two": {"red": "one", "green": "open", "shut": "closed"},
    "open": {"red": "open", "green": "open", "shut": "closed"},
}


def unlocked(state: Any, row: Row) -> tuple[tuple[int, int | None, str, Row], list[bool]]:
    """Unlock in plain Python: the next tick, key and state of the lock, and whether it will be open; the output."""
    tick, pressed, lock, opens = state
    after, keys = detected((tick, pressed), row)
    lock = LOCK[lock][KEYS[keys.index(True)]] if any(keys) else lock
    return (*after, lock, (opens[1], lock == "open")), [opens[0]]


def compiled() -> dict[str, sp.Program]:
    """Return the parts."""
    states = sp.specs.finite_state_machine(LOCK)
    return {"detector": sp.compile(detector()).program, "machine": sp.compile(states).program}


def linked(parts: dict[str, sp.Program]) -> tuple[sp.Program, sp.Automaton]:
    """Return the lock, and its automaton."""
    wires = [(f"detector.{key}", f"machine.{line}", 0) for line, key in enumerate(KEYS)]
    program = sp.link(parts, wires=wires, outputs={"open": f"machine.{list(LOCK).index('open') - 1}"})
    start = (0, None, "closed", (False, False))
    return program, sp.Automaton(n_inputs=len(KEYS) + 1, n_outputs=1, start=start, step=unlocked, symbols=rows)


def pressed_at_random(ticks: int) -> NDArray[np.bool_]:
    """Return a key in most periods, each spike up to a tick early or late."""
    random, inputs = np.random.default_rng(0), np.zeros((ticks, len(KEYS) + 1), dtype=bool)
    clock = np.arange(CLOCK, ticks - 1, PERIOD)
    keys = random.integers(-1, len(KEYS), len(clock))
    moved = (clock + random.integers(-1, 2, len(clock)))[keys >= 0]
    inputs[clock, -1] = inputs[moved, keys[keys >= 0]] = True
    return inputs


def main() -> None:
    """Prove the parts and the lock, and press random keys."""
    parts, states = compiled(), sp.specs.finite_state_machine(LOCK)
    assert states.automaton is not None
    print(f"detector: {sp.prove(parts['detector'], detector_automaton())}")
    print(f"machine: {sp.prove(parts['machine'], states.automaton)}")
    program, automaton = linked(parts)
    print(f"lock of {program.n_neurons} neurons: {sp.prove(program, automaton)}")
    inputs = pressed_at_random(TICKS)
    spikes, state, wrong = sp.run(program, inputs, "kernel").spikes, automaton.start, 0
    for row, found in zip(inputs.tolist(), spikes.tolist(), strict=True):
        state, expected = unlocked(state, tuple(row))
        wrong += expected != found
    print(f"{TICKS} ticks: open at {int(spikes.sum())} of them, {wrong} differ from the table")


if __name__ == "__main__":
    main()
