"""The truth tables of the computer."""

from __future__ import annotations

import numpy as np
from emulator import OPERATIONS, PORT, WORDS
from parts import Answer, Bits, Part, bus, cell, number, one_of, table

CONTROLS = "add sub ld and or xor rol ror write st jmp jz jc next"


def control(row: Bits) -> Answer:
    """Decode an operation, of four bits, if the computer runs: a line for each purpose."""
    operation, runs = OPERATIONS[number(row[:4])], row[4]
    if not operation or (any(row) and not runs):
        return None
    purposes = {"add": operation in ("ADD", "SUB"), "write": row[3], "next": operation != "HALT"}
    return [purposes.get(line, operation == line.upper()) for line in CONTROLS.split()]


def source(row: Bits) -> Answer:
    """Decode where the operand comes from: a register, the port, or the instruction."""
    *register, is_number, runs = row
    return one_of(PORT + 1 if is_number else number(register), PORT + 2) if runs else one_of(None, PORT + 2)


def carries(row: Bits) -> Answer:
    """Return the carries of adding four bits: whether sums of powers of two reach the next."""
    a, b, carry = row[:4], row[4:8], row[8]
    return [number(a[:place]) + number(b[:place]) + carry >= 1 << place for place in range(1, 5)]


def total(row: Bits) -> Answer:
    """Return a bit of a sum: where the carry to the next bit is known, it is a threshold function."""
    a, b, carry, carried, adds = row
    return adds and (a + b + carry) % 2 == 1 if carried == (a + b + carry > 1) else None


def logic(row: Bits) -> Answer:
    """Return a bit of the accumulator after any operation but an addition."""
    a, b, lower, upper, *chosen = row
    return any(np.logical_and(chosen, (b, a and b, a or b, a != b, lower, upper))) if sum(chosen) < 2 else None


def following(row: Bits) -> Answer:
    """Return a bit of the next address: the one after this, or that of a jump."""
    after, operand, jumps, runs = row
    return runs and (operand if jumps else after) if runs or not jumps else None


def gated(row: Bits) -> list[bool]:
    """Return all lines but the last when that spikes."""
    return [bit and row[-1] for bit in row[:-1]]


def compiled() -> dict[str, Part]:
    """Compile all parts but the memory of the program."""
    a, read = bus("a", 8), f"{bus('r', PORT + 2)} {bus('q', PORT + 2)}"
    return {
        "start": table("start next", "runs", any),
        "address": table(
            f"{bus('p', 5)} runs", bus("w", WORDS), lambda row: one_of(number(row[:5]) if row[5] else None, WORDS)
        ),
        "control": table(f"{bus('op', 4)} runs", CONTROLS, control),
        "source": table("n0 n1 number runs", bus("r", PORT + 2), source),
        "target": table("n0 n1 st", bus("r", PORT + 1), lambda row: one_of(number(row[:2]) if row[2] else None, 4)),
        "read": table(read, "b", lambda row: any(np.logical_and(row[:5], row[5:])) if sum(row[:5]) < 2 else None),
        "invert": table("b sub", "b", lambda row: row[0] != row[1]),
        "carries": table(f"{bus('a', 4)} {bus('b', 4)} c", bus("c", 4), carries),
        "total": table("a b c carried add", "s", total),
        "logic": table("a b lower upper ld and or xor rol ror", "s", logic),
        "gated": table(f"{a} gate", a, gated),
        "port": table(f"{a} gate", f"{a} written", lambda row: [*gated(row), row[8]]),
        "zero": table(f"{a} jz", "jumps", lambda row: row[8] and not any(row[:8])),
        "both": table("a b", "both", all),
        "any": table("a b c", "any", any),
        "counted": table(f"runs {bus('p', 5)}", bus("c", 5), lambda row: [all(row[:place]) for place in range(2, 7)]),
        "toggled": table("p c carried", "p", lambda row: row[0] != row[1] if row[2] == all(row[:2]) else None),
        "following": table("after n jumps runs", "p", following),
        "bit": cell(1),
        "accumulator": cell(2),
    }
