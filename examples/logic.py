"""Logic with spikes: truth tables, which need hidden neurons or not, and a state machine that never stops."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

import snnprog as sp

TICKS = 100_000
TABLES = {
    "and": sp.specs.truth_table([0, 0, 0, 1]),
    "exclusive or": sp.specs.truth_table([0, 1, 1, 0]),
    "full adder": sp.specs.truth_table(lambda a, b, carry: ((a + b + carry) % 2, a + b + carry > 1), lines=3),
    "parity of four": sp.specs.truth_table(lambda *bits: sum(bits) % 2, lines=4),
}
LOCK: dict[str, dict[int | str, str]] = {  # opens on 0, 1, 1; every wrong digit restarts
    "closed": {0: "one right", 1: "closed"},
    "one right": {0: "one right", 1: "two right"},
    "two right": {0: "one right", 1: "open"},
    "open": {0: "open", 1: "open", "shut": "closed"},
}


def show(name: str, spec: sp.Spec) -> None:
    """Compile a truth table, and print its rows with what the program answers, one row per tick."""
    program = sp.compile(spec).program
    hidden = program.n_neurons - program.n_outputs
    print(f"{name}: {'no' if hidden == 0 else 'with'} hidden neurons; exact: {sp.verify(program, spec).exact}")
    lines = spec.n_inputs
    rows = np.arange(2**lines)[:, None] >> np.arange(lines)[::-1] & 1
    stream = np.concatenate([rows, np.zeros((2, lines), dtype=int)]).astype(bool)
    answers = sp.run(program, stream, "kernel").spikes[2:].astype(int)
    print(
        "   "
        + " ".join(f"{''.join(map(str, row))}:{''.join(map(str, out))}" for row, out in zip(rows, answers, strict=True))
    )


def visit(digits: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which state but the first an automaton in plain Python is in after each tick; -1 is silence."""
    symbols: list[int | str] = [0, 1, "shut"]
    states, state, found = list(LOCK), "closed", np.zeros((len(digits), 3), dtype=bool)
    for tick, digit in enumerate(digits):
        if digit >= 0:
            state = LOCK[state].get(symbols[digit], state)
        found[tick] = [state == other for other in states[1:]]
    return found


def main() -> None:
    """Show the tables; then let the lock run on input that its spec does not hold."""
    for name, spec in TABLES.items():
        show(name, spec)
    spec = replace(sp.specs.finite_state_machine(LOCK), sparse=True)
    program = sp.compile(spec).program
    size = f"{program.n_neurons} neurons and {program.n_synapses} synapses"
    print(f"lock: {len(LOCK)} states, {size} from a spec of {len(spec.inputs)} ticks")
    digits = np.random.default_rng(0).integers(-1, 3, TICKS)
    states = sp.run(program, digits[:, None] == np.arange(3), "kernel").spikes[:, :3]
    wrong = int((states[2:] != visit(digits)[:-2]).sum())
    print(f"{TICKS} random ticks: open at {int(states[:, 2].sum())} of them, {wrong} states wrong")


if __name__ == "__main__":
    main()
