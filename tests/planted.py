"""A simulator of Loihi's rule to plant faults in: its text, the faults as changes of that text, and a runner around it.

It shares no line with the code that has to find the faults.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import snnprog as sp
from snnprog.backends import Run
from snnprog.program import ARRAYS

SIMULATOR = """\
import numpy as np

TOP = 1 << 23


def rz(x, factor):
    return np.sign(x) * (np.abs(x) * factor >> 12)


def simulate(p, count, inputs, raster, lengths):
    weight, delay = p["weight"] << p["exponent"], p["delay"].copy()
    is_input = p["pre"] < inputs
    records, start = [], 0
    u, v, queue = np.zeros(count, int), np.zeros(count, int), np.zeros((67, count), int)
    for length in lengths:
        u, v, wait = 0 * u, 0 * v, np.zeros(count, int)
        queue = 0 * queue
        for tick in range(start, start + length):
            heard = is_input & np.append(raster[tick], np.zeros(count, bool))[p["pre"]]
            np.add.at(queue, (delay[heard], p["post"][heard]), weight[heard])
            a = queue[0] << 6
            queue = np.append(queue[1:], 0 * queue[:1], axis=0)
            old = u
            u = rz(u, 4095 - p["current_decay"]) + a
            u = np.where(u > TOP, u - 2 * TOP, np.where(u <= -TOP, u + 2 * TOP, u))
            v = rz(v, 4096 - p["potential_decay"]) + u + p["bias"]
            v = np.clip(v, 1 - TOP, TOP - 1)
            v = np.where(wait > 0, 0, v)
            s = v > p["threshold"] << 6
            wait = np.where(s, p["refractory"] - 1, np.maximum(wait - 1, 0))
            shown = v
            v = np.where(s, 0, v)
            shown = v
            heard = np.append(np.zeros(inputs, bool), s)[p["pre"]]
            np.add.at(queue, (np.maximum(delay - 1, 0)[heard], p["post"][heard]), weight[heard])
            records.append((s, u, shown))
        start += length
    return [np.array(column) for column in zip(*records)]
"""

CURRENT_DECAY = 'rz(u, 4095 - p["current_decay"])'
POTENTIAL_DECAY = 'rz(v, 4096 - p["potential_decay"])'
DELAY = 'p["delay"].copy()'
WEIGHT = 'weight, delay = p["weight"] << p["exponent"]'
WRAP = "u = np.where(u > TOP, u - 2 * TOP, np.where(u <= -TOP, u + 2 * TOP, u))"
CLIP = "v = np.clip(v, 1 - TOP, TOP - 1)"
RECORD = "records.append((s, u, shown))"
REST = "u, v, wait = 0 * u, 0 * v, np.zeros(count, int)"
WAIT = 'np.where(s, p["refractory"] - 1, np.maximum(wait - 1, 0))'
RESET = "v = np.where(s, 0, v)"
FLOOR = "({} * ({}) >> 12)"
NEAREST = "(np.sign({0}) * (np.abs({0}) * ({1}) + 2048 >> 12))"
AWAY = "(-np.sign({0}) * (-np.abs({0}) * ({1}) >> 12))"
CURRENT = ("u", '4095 - p["current_decay"]')
POTENTIAL = ("v", '4096 - p["potential_decay"]')

Changes = tuple[tuple[str, str], ...]

# The name of each rule that must be found, and what plants it.
FAULTS: dict[str, Changes] = {
    "current decay floors": ((CURRENT_DECAY, FLOOR.format(*CURRENT)),),
    "potential decay floors": ((POTENTIAL_DECAY, FLOOR.format(*POTENTIAL)),),
    "both decays floors": ((CURRENT_DECAY, FLOOR.format(*CURRENT)), (POTENTIAL_DECAY, FLOOR.format(*POTENTIAL))),
    "current decay rounds to nearest": ((CURRENT_DECAY, NEAREST.format(*CURRENT)),),
    "potential decay rounds to nearest": ((POTENTIAL_DECAY, NEAREST.format(*POTENTIAL)),),
    "both decays rounds to nearest": (
        (CURRENT_DECAY, NEAREST.format(*CURRENT)),
        (POTENTIAL_DECAY, NEAREST.format(*POTENTIAL)),
    ),
    "current decay rounds away": ((CURRENT_DECAY, AWAY.format(*CURRENT)),),
    "potential decay rounds away": ((POTENTIAL_DECAY, AWAY.format(*POTENTIAL)),),
    "current decay without offset": ((CURRENT_DECAY, 'rz(u, 4096 - p["current_decay"])'),),
    "potential decay with offset": ((POTENTIAL_DECAY, 'rz(v, 4095 - p["potential_decay"])'),),
    "all spikes one tick late": ((DELAY, 'p["delay"] + 1'),),
    "inputs one tick late": ((DELAY, 'p["delay"] + (p["pre"] < inputs)'),),
    "neurons one tick late": ((DELAY, 'p["delay"] + (p["pre"] >= inputs)'),),
    "all spikes one tick early": (
        (DELAY, 'np.where(p["pre"] < inputs, p["delay"] - 1, np.maximum(p["delay"] - 1, 1))'),
    ),
    "inputs one tick early": ((DELAY, 'p["delay"] - (p["pre"] < inputs)'),),
    "neurons one tick early": ((DELAY, 'np.where(p["pre"] < inputs, p["delay"], np.maximum(p["delay"] - 1, 1))'),),
    "longest delay lost": (
        (WEIGHT, 'weight, delay = (p["weight"] << p["exponent"]) * (p["delay"] < p["delay"].max())'),
    ),
    "delays ignored": ((DELAY, '0 * p["delay"] + 1'),),
    "fires at the threshold": (("v > p", "v >= p"),),
    "no reset": ((RESET, "pass"),),
    "reset by subtraction": ((RESET, 'v = np.where(s, v - (p["threshold"] << 6), v)'),),
    "current reset": ((RESET, RESET + "; u = np.where(s, 0, u)"),),
    "refractory": ((WAIT, 'np.where(s, p["refractory"], np.maximum(wait - 1, 0))'),),
    "refractory missing": ((WAIT, "0 * wait"),),
    "refractory short": ((WAIT, 'np.where(s, np.maximum(p["refractory"] - 2, 0), np.maximum(wait - 1, 0))'),),
    "bias missing": ((' + p["bias"]', ""),),
    "bias negated": ((' + p["bias"]', ' - p["bias"]'),),
    "bias twice": ((' + p["bias"]', ' + 2 * p["bias"]'),),
    "weights floored to even": ((WEIGHT, 'weight, delay = (p["weight"] // 2 * 2) << p["exponent"]'),),
    "weights truncated to even": (
        (WEIGHT, 'weight, delay = np.sign(p["weight"]) * (np.abs(p["weight"]) // 2 * 2) << p["exponent"]'),
    ),
    "exponents ignored": ((WEIGHT, 'weight, delay = p["weight"]'),),
    "negative weights positive": ((WEIGHT, 'weight, delay = np.abs(p["weight"]) << p["exponent"]'),),
    "weights negated": ((WEIGHT, 'weight, delay = -p["weight"] << p["exponent"]'),),
    "negative weights lost": ((WEIGHT, 'weight, delay = np.maximum(p["weight"], 0) << p["exponent"]'),),
    "late current": ((" + u + ", " + old + "),),
    "arrivals decay": ((CURRENT_DECAY + " + a", 'rz(u + a, 4095 - p["current_decay"])'),),
    "potential before reset": ((RESET + "\n            shown = v", RESET),),
    "states one tick late": ((RECORD, "records.append((s, old, late)); late = shown"), (REST, REST + "; late = v")),
    "state kept": ((REST, "wait = np.zeros(count, int)"),),
    "spikes kept": (("queue = 0 * queue", "pass"),),
    "everything kept": ((REST, "wait = np.zeros(count, int)"), ("queue = 0 * queue", "pass")),
}
# These need values beyond the portable range.
LOUD_FAULTS: dict[str, Changes] = {
    "current not wrapped": ((WRAP, "pass"),),
    "current clipped": ((WRAP, "u = np.clip(u, 1 - TOP, TOP - 1)"),),
    "potential not clipped": ((CLIP, "pass"),),
    "potential wraps": ((CLIP, "v = (v + TOP) % (2 * TOP) - TOP"),),
    "potential clipped at the other end": ((CLIP, "v = np.clip(v, -TOP, TOP - 1)"),),
    "arrivals clipped": (("a = queue[0] << 6", "a = np.clip(queue[0] << 6, 1 - (1 << 21), (1 << 21) - 1)"),),
    "arrivals wrapped": (("a = queue[0] << 6", "a = ((queue[0] << 6) + (1 << 21)) % (1 << 22) - (1 << 21)"),),
}


def with_fault(changes: Changes, text: str = SIMULATOR) -> str:
    """Return a simulator's text with each change made in its one place."""
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def run_planted(text: str, program: sp.Program, inputs: Sequence[NDArray[np.bool_]], *, state: bool) -> Run:
    """Run a simulator given as text, in this process."""
    names: dict[str, Any] = {}
    exec(text, names)
    arrays = {name: getattr(program, name).astype(int) for name in ARRAYS}
    lengths = [len(raster) for raster in inputs]
    spikes, currents, potentials = names["simulate"](
        arrays, program.n_neurons, program.n_inputs, np.concatenate(inputs), lengths
    )
    ends = np.cumsum(lengths)[:-1]
    parts = [np.split(spikes[:, program.outputs], ends)]
    parts += [np.split(values.astype(np.int32), ends) for values in (currents, potentials)] if state else []
    return Run(tuple(sp.Trace(*columns) for columns in zip(*parts, strict=True)), {"planted": "1"})


RUNNER = """\
import io, json, sys, zipfile

{simulator}

program_path, stimulus_path, result_path = sys.argv[1:]
with zipfile.ZipFile(program_path) as archive:
    document = json.loads(archive.read("program.json"))
    p = {{name[:-4]: np.load(io.BytesIO(archive.read(name))).astype(int)
         for name in archive.namelist() if name.endswith(".npy")}}
p.setdefault("refractory", np.ones_like(p["threshold"]))
with np.load(stimulus_path) as archive:
    stimulus = {{name: archive[name] for name in archive.files}}
shape = document["n_neurons"], document["n_inputs"]
spikes, currents, potentials = simulate(p, *shape, stimulus["raster"], stimulus["lengths"].tolist())
answer = {{"spikes": spikes[:, p["outputs"]], "versions": json.dumps({{"planted": "1"}})}}
if stimulus["state"]:
    {state}
np.savez(result_path, **answer)
"""
RECORD_STATE = 'answer |= {"currents": currents.astype("<i4"), "potentials": potentials.astype("<i4")}'
REFUSE_STATE = 'sys.exit("this chip has no readback")'

DESCRIPTION = """\
summary = "a simulator with a fault"
semantics = ["loihi1-lif-lava-0.10.0"]
python = "{python}"
distributions = {{}}
timeout_seconds = 60
timeout_seconds_per_tick = 0.1
"""


def write_planted(parent: Path, name: str, changes: Changes, *, has_states: bool = True) -> None:
    """Write a backend folder whose runner is the simulator with these changes."""
    folder = parent / name
    folder.mkdir(parents=True)
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    (folder / "backend.toml").write_text(DESCRIPTION.format(python=python), encoding="utf-8")
    (folder / "requirements.txt").touch()
    runner = RUNNER.format(simulator=with_fault(changes), state=RECORD_STATE if has_states else REFUSE_STATE)
    (folder / "runner.py").write_text(runner, encoding="utf-8")
