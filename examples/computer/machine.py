"""The computer: its parts, when each is busy in a cycle, and the wires between them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from emulator import OPERATIONS, READ_TICK, REGISTERS, WORDS, Word
from parts import CYCLE, Part, bits_of, bus, table

import snnprog as sp

# name: (part, tick of the cycle at which it reads its lines)
PLACES = {
    "start": ("start", 0),
    "address": ("address", 2),
    "counted": ("counted", 2),
    "memory": ("memory", 4),
    "control": ("control", 6),
    "source": ("source", 6),
    "target": ("target", 8),
    "zero": ("zero", 8),
    "carried": ("both", 8),
    "jumps": ("any", 10),
    "port": ("port", 10),
    "low": ("carries", 12),
    "high": ("carries", 14),
    "overflow": ("both", 16),
    "carry": ("bit", 18),
    **{f"stored{r}": ("gated", 10) for r in range(REGISTERS)},
    **{f"r{r}bit{k}": ("bit", 12) for r in range(REGISTERS) for k in range(8)},
    **{f"toggled{k}": ("toggled", 4) for k in range(5)},
    **{f"following{k}": ("following", 12) for k in range(5)},
    **{f"read{k}": ("read", READ_TICK) for k in range(8)},
    **{f"invert{k}": ("invert", 10) for k in range(8)},
    **{f"logic{k}": ("logic", 10) for k in range(8)},
    **{f"total{k}": ("total", 16) for k in range(8)},
    **{f"a{k}": ("accumulator", 18) for k in range(8)},
}


def joined() -> dict[str, str]:
    """Return for each line of each part the output that drives it."""
    found = {f"{reader}.runs": "start.runs" for reader in ("address", "counted", "control", "source")}
    found |= {"start.next": "control.next", "zero.jz": "control.jz", "carried.b": "control.jc", "carried.a": "carry.q"}
    found |= {"jumps.a": "control.jmp", "jumps.b": "zero.jumps", "jumps.c": "carried.both", "low.c": "control.sub"}
    found |= {"high.c": "low.c3", "overflow.a": "high.c3", "overflow.b": "control.add"}
    found |= {"carry.d0": "overflow.both", "carry.write": "control.add", "source.number": "memory.number"}
    found |= {"target.st": "control.st", "port.gate": f"target.r{REGISTERS}"}
    found |= {f"{reader}.n{k}": f"memory.n{k}" for reader in ("source", "target") for k in range(2)}
    found |= {f"memory.w{word}": f"address.w{word}" for word in range(WORDS)}
    found |= {f"control.op{k}": f"memory.op{k}" for k in range(4)}
    for k in range(5):
        address, carry = f"following{k}.p", "start.runs" if k == 0 else f"counted.c{k - 1}"
        found |= {f"address.p{k}": address, f"counted.p{k}": address, f"toggled{k}.p": address}
        found |= {f"toggled{k}.c": carry, f"toggled{k}.carried": f"counted.c{k}"}
        found |= {f"following{k}.after": f"toggled{k}.p", f"following{k}.n": f"memory.n{k}"}
        found |= {f"following{k}.jumps": "jumps.any", f"following{k}.runs": "control.next"}
    for k in range(8):
        found |= joined_bit(k)
    for register in range(REGISTERS):
        gate = f"target.r{register}"
        found[f"stored{register}.gate"] = gate
        found |= {f"r{register}bit{k}.write": gate for k in range(8)}
    return found


def joined_bit(k: int) -> dict[str, str]:
    """Return what drives the lines of bit k."""
    a, operand, half = f"a{k}.q", f"invert{k}.b", ("low", "high")[k // 4]
    carry = "control.sub" if k == 0 else f"{('low', 'high')[(k - 1) // 4]}.c{(k - 1) % 4}"
    found = {f"read{k}.r{each}": f"source.r{each}" for each in range(5)}
    found |= {f"read{k}.q{each}": f"r{each}bit{k}.q" for each in range(REGISTERS)}
    found |= {f"read{k}.q4": f"memory.n{k}", f"invert{k}.b": f"read{k}.b", f"invert{k}.sub": "control.sub"}
    found |= {f"{half}.a{k % 4}": a, f"{half}.b{k % 4}": operand}
    found |= {f"total{k}.a": a, f"total{k}.b": operand, f"total{k}.c": carry, f"total{k}.add": "control.add"}
    found |= {f"total{k}.carried": f"{half}.c{k % 4}", f"logic{k}.a": a, f"logic{k}.b": f"read{k}.b"}
    found |= {f"logic{k}.lower": f"a{(k - 1) % 8}.q", f"logic{k}.upper": f"a{(k + 1) % 8}.q"}
    found |= {f"logic{k}.{name}": f"control.{name}" for name in ("ld", "and", "or", "xor", "rol", "ror")}
    found |= {f"a{k}.d0": f"total{k}.s", f"a{k}.d1": f"logic{k}.s", f"a{k}.write": "control.write"}
    for register in range(REGISTERS):
        found |= {f"stored{register}.a{k}": a, f"r{register}bit{k}.d0": f"stored{register}.a{k}"}
    return found | {f"zero.a{k}": a, f"port.a{k}": a}


def memory(program: Sequence[Word]) -> Part:
    """Compile the memory of a program: one line per address comes in, the bits of its word go out."""
    full = [*program, *[Word("HALT")] * (WORDS - len(program))]
    bits = [[*bits_of(OPERATIONS.index(word.operation), 4), word.is_number, *bits_of(word.operand, 8)] for word in full]
    rows = [*np.eye(WORDS, dtype=bool).tolist()]
    return table(bus("w", WORDS), f"{bus('op', 4)} number {bus('n', 8)}", lambda row: bits[row.index(True)], rows=rows)


def linked(parts: dict[str, Part]) -> sp.Program:
    """Return the whole computer: lines start and in0 to in7, outputs out0 to out7 and written."""
    placed = {name: parts[part] for name, (part, _) in PLACES.items()}

    def wire(output: str, line: str) -> tuple[str, str, int]:
        driver, reader = output.split(".")[0], line.split(".")[0]
        return output, line, (PLACES[reader][1] - PLACES[driver][1] - placed[driver].latency) % CYCLE

    inputs = {"start": "start.start"} | {f"in{k}": f"read{k}.q{REGISTERS}" for k in range(8)}
    outputs = {f"out{k}": f"port.a{k}" for k in range(8)} | {"written": "port.written"}
    return sp.link(
        {name: part.program for name, part in placed.items()},
        wires=[wire(output, line) for line, output in joined().items()],
        inputs=inputs,
        outputs=outputs,
    )
