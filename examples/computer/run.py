"""A computer of spiking neurons runs programs: every part is proved, and what it does is compared with an emulator.

python examples/computer/run.py [PROGRAM.asm ...] [--ticks 100000] [--backend kernel]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from emulator import READ_TICK, Word, assembled, automaton
from machine import linked, memory
from numpy.typing import NDArray
from parts import CYCLE, Part, bits_of, number
from tables import compiled

import snnprog as sp

PROGRAMS = sorted((Path(__file__).parent / "programs").glob("*.asm"))


def stimulus(ticks: int, *, ports: int = 16) -> NDArray[np.bool_]:
    """Return a start at tick 0, and a random number below `ports` at the input port in every cycle."""
    inputs = np.zeros((ticks, 9), dtype=bool)
    inputs[0, 0] = True
    read = inputs[READ_TICK::CYCLE, 1:]
    read[:] = [bits_of(each, 8) for each in np.random.default_rng(0).integers(0, ports, len(read)).tolist()]
    return inputs


def emulated(words: list[Word], inputs: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return what the outputs of the computer should do."""
    emulator, outputs = automaton(words, ports=range(256)), np.zeros_like(inputs)
    state = emulator.start
    for tick, row in enumerate(inputs.tolist()):
        state, outputs[tick] = emulator.step(state, row)
    return outputs


def computer(parts: dict[str, Part], path: Path) -> tuple[list[Word], sp.Program]:
    """Return the words of a program, and the computer that has them in its memory."""
    words = assembled(path.read_text(encoding="utf-8"))
    return words, linked(parts | {"memory": memory(words)})


def main() -> None:
    """Prove the parts, and run each program."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("programs", nargs="*", type=Path, default=PROGRAMS)
    parser.add_argument("--ticks", type=int, default=100_000)
    parser.add_argument("--backend", default="kernel")
    arguments = parser.parse_args()
    parts = compiled()
    proofs = [sp.prove(part.program, part.automaton) for part in parts.values()]
    proved = sum(proof.holds for proof in proofs)
    print(f"{proved} of {len(parts)} parts are proved, in {sum(proof.states for proof in proofs)} states")
    for path in arguments.programs:
        words, whole = computer(parts, path)
        inputs = stimulus(arguments.ticks)
        spikes = sp.run(whole, inputs, arguments.backend).spikes
        wrong = int((spikes != emulated(words, inputs)).sum())
        written = [number(spikes[tick, :8].tolist()) for tick in np.flatnonzero(spikes[:, 8])]
        size = f"{whole.n_neurons} neurons, {whole.n_synapses} synapses"
        print(f"{path.stem}: {len(words)} words in {size}; writes {', '.join(map(str, written[:14]))}, …")
        print(f"   {arguments.ticks} ticks on {arguments.backend}, {len(written)} numbers: {wrong} bins differ")


if __name__ == "__main__":
    main()
