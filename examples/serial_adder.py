"""A serial adder: the carry of a full adder is linked back to its line, so numbers of any length are added."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

import snnprog as sp

TICKS = 1_000_000
BIT = 2  # ticks from a bit to the next: the latency of a truth table, so a carry is in time without further ticks
WIDTH = 32
Row = tuple[bool, ...]


def added(a: int, b: int, carry: int, first: int) -> tuple[int, int]:
    """Return the sum and the carry of three bits; with the first bits of two numbers, no carry comes in."""
    total = a + b + (0 if first else carry)
    return total % 2, total // 2


def step(state: Any, row: Row) -> tuple[tuple[int, int, Row], list[bool]]:
    """Add in plain Python: return the tick, the carry and the sums under way, and the sum that is due."""
    tick, carry, sums = state
    if tick > 0:
        return ((tick + 1) % BIT, carry, (*sums[1:], False)), [sums[0]]
    due, carry = added(row[0], row[1], carry, row[2])
    return ((tick + 1) % BIT, carry, (*sums[1:], due == 1)), [sums[0]]


def symbols(state: Any) -> list[Row]:
    """Return the rows that may come: any at the ticks of bits, silence between them."""
    return [tuple(map(bool, row)) for row in np.ndindex(2, 2, 2)] if state[0] == 0 else [(False,) * 3]


def linked() -> tuple[sp.Program, sp.Automaton]:
    """Return the serial adder, and its automaton."""
    spec = sp.specs.truth_table(added, lines=4, spacing=BIT)
    spec = replace(spec, input_names=("a", "b", "carry in", "first"), output_names=("sum", "carry"))
    adder = sp.compile(spec).program
    program = sp.link(
        {"adder": adder},
        wires=[("adder.carry", "adder.carry in", 0)],
        inputs={"a": "adder.a", "b": "adder.b", "first": "adder.first"},
        outputs={"sum": "adder.sum"},
    )
    start = (0, 0, (False,) * BIT)
    return program, sp.Automaton(n_inputs=3, n_outputs=1, start=start, step=step, symbols=symbols)


def main() -> None:
    """Prove the adder for streams of any length, and add random numbers with it."""
    program, automaton = linked()
    print(f"{program.n_neurons} neurons, {program.n_synapses} synapses; {sp.prove(program, automaton)}")
    numbers = np.random.default_rng(0).integers(0, 1 << WIDTH, size=(TICKS // BIT // WIDTH, 2))
    bits = (numbers[:, None, :] >> np.arange(WIDTH)[:, None] & 1).astype(bool)
    inputs = np.zeros((TICKS, 3), dtype=bool)
    inputs[: BIT * bits[..., 0].size : BIT, :2] = bits.reshape(-1, 2)
    inputs[: BIT * bits[..., 0].size : BIT * WIDTH, 2] = True
    spikes = sp.run(program, np.pad(inputs, ((0, BIT), (0, 0))), "kernel").spikes[BIT:, 0]
    found = spikes[: BIT * bits[..., 0].size : BIT].reshape(-1, WIDTH) @ (1 << np.arange(WIDTH))
    wrong = int((found != numbers.sum(axis=1) % (1 << WIDTH)).sum())
    print(f"{TICKS} ticks: {len(numbers)} sums of numbers of {WIDTH} bits, {wrong} wrong")


if __name__ == "__main__":
    main()
