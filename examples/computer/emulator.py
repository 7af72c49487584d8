"""The computer in plain Python: its assembler, its instructions, and the automaton that says what its ports do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from parts import CYCLE, Bits, bits_of, number

import snnprog as sp

OPERATIONS = ("HALT", "ST", "JMP", "JZ", "JC", "", "", "", "ADD", "SUB", "LD", "AND", "OR", "XOR", "ROL", "ROR")
WORDS, REGISTERS, PORT = 32, 3, 3  # the port is written and read as if it were register 3
READ_TICK = 8  # of a cycle: when the input port is read; what is written to the output port appears 4 ticks later


class Word(NamedTuple):
    """An instruction: its operand is a number, or the number of a register."""

    operation: str
    is_number: bool = False
    operand: int = 0


class State(NamedTuple):
    """What the computer remembers between two instructions."""

    address: int = 0
    accumulator: int = 0
    registers: tuple[int, ...] = (0,) * REGISTERS
    carry: bool = False


def assembled(text: str) -> list[Word]:
    """Return the words of a program: `loop: ADD #1`, `ST r0`, `LD port`, `JMP loop`; comments follow a semicolon."""
    lines = [line.split(";")[0].split() for line in text.splitlines()]
    lines = [line for line in lines if line]
    labels = {line[0][:-1]: address for address, line in enumerate(lines) if line[0].endswith(":")}
    names = labels | {f"r{register}": register for register in range(REGISTERS)} | {"port": PORT}
    found = []
    for line in lines:
        operation, operand = [*line[line[0].endswith(":") :], "#0"][:2]
        is_number = operand.startswith("#")
        found.append(Word(operation, is_number, int(operand[1:]) if is_number else names[operand]))
    return found


def executed(state: State, word: Word, port: int) -> tuple[State, int | None]:
    """Return the state after an instruction, and the number that it writes to the port, if it does."""
    address, a, registers, carry = state
    operand = word.operand if word.is_number else (*registers, port)[word.operand % 4]
    after, written = (address + 1) % WORDS, None
    if word.operation in ("ADD", "SUB"):
        sum_of = a + operand if word.operation == "ADD" else a + 256 - operand
        a, carry = sum_of % 256, sum_of > 255
    elif word.operation == "ST" and word.operand % 4 == PORT:
        written = a
    elif word.operation == "ST":
        registers = tuple(a if each == word.operand % 4 else old for each, old in enumerate(registers))
    elif (word.operation == "JMP") or (word.operation == "JZ" and a == 0) or (word.operation == "JC" and carry):
        after = word.operand % WORDS
    else:
        rotated = {"ROL": a << 1 | a >> 7, "ROR": a >> 1 | a << 7}
        others = {"LD": operand, "AND": a & operand, "OR": a | operand, "XOR": a ^ operand} | rotated
        a = others.get(word.operation, a) % 256
    return State(after if word.operation != "HALT" else 0, a, registers, carry), written


def automaton(program: Sequence[Word], *, ports: Sequence[int] = (0,)) -> sp.Automaton:
    """Return the automaton of the computer: lines start and in0 to in7; outputs out0 to out7 and written.

    A start comes with the first tick of any cycle. The input port shows one of `ports` when it is read.
    """
    silence = (False,) * 9
    rows: dict[object, list[tuple[bool, ...]]] = {
        0: [silence, (True, *silence[1:])],
        READ_TICK: [(False, *bits_of(port, 8)) for port in ports],
    }
    full = [*program, *[Word("HALT")] * (WORDS - len(program))]

    def step(before: Any, row: Bits) -> tuple[tuple[int, bool, State, int | None], Bits]:
        tick, runs, state, written = before
        shown = tick == 0 and written is not None
        outputs = [*bits_of(written or 0, 8), True] if shown else silence
        runs, written = (runs or row[0]) if tick == 0 else runs, None if tick == 0 else written
        if tick == READ_TICK and runs:
            runs = full[state.address].operation != "HALT"
            state, written = executed(state, full[state.address], number(row[1:]))
        return ((tick + 1) % CYCLE, runs, state, written), outputs

    def symbols(state: Any) -> list[tuple[bool, ...]]:
        return rows.get(state[0], [silence])

    return sp.Automaton(n_inputs=9, n_outputs=9, start=(0, False, State(), None), step=step, symbols=symbols)
