"""The showpieces of examples/: proved, and identical on every runtime to what their automata say, on random streams.

    python benchmarks/showpieces.py [--piece NAME ...] [--ticks 1000000] [--backend kernel --backend c]
    python benchmarks/showpieces.py --ticks 10000 --backend lava --backend fpga

Each tick's row is drawn from those that may come. The automata are plain Python, so they judge independently of any
simulator. Rates are of the processor time of this process for the kernel, and of wall-clock time for other backends.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

import snnprog as sp

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "examples"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "examples" / "combination_lock"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "examples" / "computer"))
import emulator
import gestures
import lock
import run
import serial_adder
import tables

Rasters = tuple[NDArray[np.bool_], NDArray[np.bool_]]
Pieces = dict[str, tuple[sp.Program, sp.Automaton]]
SWINGS = 4
"""Of the gestures of a Wiimote, as `examples/gestures.py` chooses it."""
PORTS = {"multiply": range(4)}
"""The numbers at the input port: two bits each, so that all pairs can be proved."""


def locked() -> Pieces:
    """Return the combination lock."""
    return {"combination lock": lock.linked(lock.compiled())}


def adding() -> Pieces:
    """Return the serial adder."""
    return {"serial adder": serial_adder.linked()}


def waving() -> Pieces:
    """Return the state machine of gestures."""
    spec = sp.specs.finite_state_machine(gestures.machine(SWINGS))
    assert spec.automaton is not None
    return {"gestures": (sp.compile(spec).program, spec.automaton)}


def computing() -> Pieces:
    """Return the computer with each of its programs."""
    parts, found = tables.compiled(), {}
    for path in run.PROGRAMS:
        words, program = run.computer(parts, path)
        found[f"computer, {path.stem}"] = program, emulator.automaton(words, ports=PORTS.get(path.stem, (0,)))
    return found


PIECES: dict[str, Callable[[], Pieces]] = {"lock": locked, "adder": adding, "gestures": waving, "computer": computing}


def random_stream(automaton: sp.Automaton, ticks: int) -> Rasters:
    """Return rows that may come, drawn at random, and the outputs that they require."""
    draws, state = np.random.default_rng(0).random(ticks).tolist(), automaton.start
    inputs, outputs = [], []
    for draw in draws:
        rows = automaton.rows(state)
        inputs.append(rows[int(draw * len(rows))])
        state, answer = automaton.answer(state, inputs[-1])
        outputs.append(answer)
    return np.array(inputs, dtype=bool), np.array(outputs, dtype=bool)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table of all pieces on all backends."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--piece", action="append", choices=PIECES)
    parser.add_argument("--ticks", type=int, default=1_000_000)
    parser.add_argument("--backend", action="append")
    parser.add_argument("--prove", action="store_true", help="also prove each piece as a whole")
    parser.add_argument("--states", type=int, default=1_000_000, help="the most states of a proof")
    given = parser.parse_args(arguments)
    table = Table("piece", "neurons", "synapses", "cores", "runs on", "output spikes", "bins that differ", "ticks/s")
    for name in given.piece or PIECES:
        for piece, (program, automaton) in PIECES[name]().items():
            if given.prove:
                start = time.process_time()
                proof = sp.prove(program, automaton, states=given.states)
                print(f"{piece}: {proof} ({time.process_time() - start:.1f} s)", flush=True)
            inputs, wanted = random_stream(automaton, given.ticks)
            size = (program.n_neurons, program.n_synapses, int(sp.place(program).core_of.max()) + 1)
            for backend in given.backend or ("kernel", "c"):
                clock = time.process_time if backend == "kernel" else time.perf_counter
                start = clock()
                spikes = sp.run(program, inputs, backend).spikes[:, : wanted.shape[1]]
                rate, differ = given.ticks / (clock() - start), int((spikes != wanted).sum())
                table.add_row(piece, *map(str, size), backend, str(int(spikes.sum())), str(differ), f"{rate:,.0f}")
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
