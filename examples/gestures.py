"""Gestures of a Wiimote: a state machine counts the swings of its acceleration, on real recordings.

Ten people made ten gestures; the machine fires after four swings, as in picking the Wiimote up and in shaking it. The
recordings come with the package aeon, whose requirements are not needed: `pip install --no-deps aeon`.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import snnprog as sp

TICKS = 1_000_000
STEPS, SWINGS = 6, 4  # chosen on the training recordings: of the acceleration's range, and least swings of a gesture
SYMBOLS, END = ("rise", "fall", "end"), (False, False, True)


def recordings(name: str) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the recordings of aeon (samples, ticks, 1), and which are of the gestures."""
    found = find_spec("aeon")
    if found is None or found.origin is None:
        sys.exit("the recordings come with the package aeon: pip install --no-deps aeon")
    path = Path(found.origin).parent / f"datasets/data/PickupGestureWiimoteZ/PickupGestureWiimoteZ_{name}.ts"
    series, labels = [], []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and line[0] not in "#@":
            values, _, label = line.partition(":")
            numbers = np.fromstring(values, sep=",")
            series.append(np.pad(numbers, (0, 361 - len(numbers)), mode="edge"))  # to the longest
            labels.append(label in ("1", "2"))  # picking up and shaking
    return np.array(series)[:, :, None], np.array(labels)


def machine() -> dict[str, dict[str, str]]:
    """Return the table: a swing is a change of direction, and `end` resets it."""
    table = {"still": {"rise": "up 1", "fall": "down 1"}, "gesture": {"end": "still"}}
    for swings in range(1, SWINGS):
        for way, other, turn in (("up", "down", "fall"), ("down", "up", "rise")):
            after = f"{other} {swings + 1}" if swings + 1 < SWINGS else "gesture"
            table[f"{way} {swings}"] = {turn: after, "end": "still"}
    return table


def counted(stream: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return in plain Python whether the machine is in state "gesture" after each tick."""
    table, state, found = machine(), "still", np.zeros(len(stream), dtype=bool)
    for tick, row in enumerate(stream.tolist()):
        if any(row):
            state = table[state].get(SYMBOLS[row.index(True)], state)
        found[tick] = state == "gesture"
    return found


def main() -> None:
    """Prove the machine, show it the recordings, and let it run on them again and again."""
    spec = sp.specs.finite_state_machine(machine())
    assert spec.automaton is not None
    program = sp.compile(spec).program
    print(f"{program.n_neurons} neurons; {sp.prove(program, spec.automaton)}")
    data = {name: recordings(name) for name in ("TRAIN", "TEST")}
    encoder, streams = sp.coding.Delta(STEPS).fit(data["TRAIN"][0]), []
    for name, (series, is_gesture) in data.items():
        rasters = [np.vstack([np.pad(raster, ((0, 2), (0, 1))), END]) for raster in encoder.transform(series)]
        fired = np.array([trace.spikes[:, 0].any() for trace in sp.run(program, rasters, "kernel")])
        shown = [f"{fired[chosen].sum()} of {chosen.sum()}" for chosen in (is_gesture, ~is_gesture)]
        print(f"{name}: {shown[0]} gestures found, {shown[1]} others")
        streams += rasters
    stream = np.resize(np.concatenate(streams), (TICKS, len(SYMBOLS)))
    spikes = sp.run(program, stream, "kernel").spikes[2:, 0]
    print(f"{TICKS} ticks: {int((spikes != counted(stream)[:-2]).sum())} differ from the table")


if __name__ == "__main__":
    main()
