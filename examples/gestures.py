"""Gestures of a Wiimote: a state machine counts the swings of its acceleration, on real recordings.

Two numbers are chosen on the training recordings alone. `pip install --no-deps aeon` gets the recordings.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import snnprog as sp

DATA = {"PickupGestureWiimoteZ": ("1", "2"), "BasicMotions": ("Running", "Badminton")}  # and the classes to find
CHOICES, TICKS = range(2, 13), 400  # of steps and of swings; recordings are continued to so many ticks
SYMBOLS, END = ("rise", "fall", "end"), (False, False, True)


def recordings(data: str, name: str) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the first coordinate of aeon's recordings (samples, ticks, 1), and which are to be found."""
    if (found := find_spec("aeon")) is None or found.origin is None:
        raise SystemExit("the recordings come with the package aeon: pip install --no-deps aeon")
    path = Path(found.origin).parent / f"datasets/data/{data}/{data}_{name}.ts"
    lines = [line.split(":") for line in path.read_text(encoding="utf-8").splitlines() if line and line[0] not in "#@"]
    series = [np.array(line[0].split(","), dtype=float) for line in lines]
    padded = np.array([np.pad(each, (0, TICKS - len(each)), mode="edge") for each in series])
    return padded[:, :, None], np.array([line[-1] in DATA[data] for line in lines])


def machine(least: int) -> dict[str, dict[str, str]]:
    """Return the table: a swing is a change of direction, `least` are a gesture, and `end` resets it."""
    table = {"still": {"rise": "up 1", "fall": "down 1"}, "gesture": {"end": "still"}}
    for count in range(1, least):
        for way, other, turn in (("up", "down", "fall"), ("down", "up", "rise")):
            table[f"{way} {count}"] = {turn: f"{other} {count + 1}" if count + 1 < least else "gesture", "end": "still"}
    return table


def swings(stream: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return in plain Python how many swings there were until each tick, since the last `end`."""
    count, way, found = 0, "end", []
    for row in stream.tolist():
        if any(row) and way != (way := SYMBOLS[row.index(True)]):
            count = 0 if way == "end" else count + 1
        found.append(count)
    return np.array(found)


def chosen(series: NDArray[np.float64], is_gesture: NDArray[np.bool_]) -> tuple[int, int]:
    """Return the choice with the best mean accuracy of both classes; of several, that with the best neighbours."""
    score: dict[tuple[int, int], float] = {}
    for steps in CHOICES:
        counts = np.array([swings(raster)[-1] for raster in sp.coding.Delta(steps).fit(series).transform(series)])
        score |= {(steps, n): (counts >= n)[is_gesture].mean() + (counts < n)[~is_gesture].mean() for n in CHOICES}
    near = {(a, b): sum(score.get((c, d), 0) for c in (a - 1, a, a + 1) for d in (b - 1, b, b + 1)) for a, b in score}
    return max(score, key=lambda each: (score[each], near[each]))


def main() -> None:
    """Choose and prove a machine for each data set, and show it the recordings."""
    for data in DATA:
        train, test = recordings(data, "TRAIN"), recordings(data, "TEST")
        steps, least = chosen(*train)
        spec = sp.specs.finite_state_machine(machine(least))
        program, encoder = sp.compile(spec).program, sp.coding.Delta(steps).fit(train[0])
        assert spec.automaton is not None
        print(f"{data}: {steps} steps, {least} swings; {sp.prove(program, spec.automaton)}")
        for name, (series, is_gesture) in (("TRAIN", train), ("TEST", test)):
            rasters = [np.vstack([np.pad(raster, ((0, 2), (0, 1))), END]) for raster in encoder.transform(series)]
            fires = np.array([trace.spikes[:, 0] for trace in sp.run(program, rasters, "kernel")])
            differ = (fires[:, 2:] != np.array([swings(raster)[:-2] >= least for raster in rasters])).sum()
            shown = [f"{fires[which].any(axis=1).sum()} of {which.sum()}" for which in (is_gesture, ~is_gesture)]
            print(f"   {name}: {shown[0]} gestures found, {shown[1]} others; {differ} bins differ from the count")


if __name__ == "__main__":
    main()
