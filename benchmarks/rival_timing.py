"""The other simulators: Brian2, NEST and Lava, each timed by a script of its own in an environment of its own.

Their folders look like backends, so that `snnprog.backends` builds and finds their environments; but they are none:
they compute in double precision, and time themselves.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import snnprog as sp
from snnprog.archive import write_archive
from snnprog.backends import find_backend, install
from snnprog.backends.folder import SEARCH_PATH_VARIABLE

FOLDER = Path(__file__).parent / "rivals"
LAVA_TIMING = FOLDER / "lava_timing.py"
LIMIT_SECONDS = 900
DECAY_SCALE = 4096


@dataclass(frozen=True)
class Timing:
    """How fast another simulator was: ticks per second, its spikes over all ticks given, and its version."""

    ticks_per_second: float
    spikes: int
    version: str


def prepare(names: list[str]) -> None:
    """Build the environments of these simulators, where they do not stand yet."""
    before = os.environ.get(SEARCH_PATH_VARIABLE)
    os.environ[SEARCH_PATH_VARIABLE] = os.pathsep.join([str(FOLDER), *([before] if before else [])])
    for name in names:
        install(find_backend(name), say=lambda line: print(line, flush=True))


def time_rival(name: str, program: sp.Program, raster: NDArray[np.bool_], repeats: int) -> Timing:
    """Time a simulator on the network of a program whose neurons are all alike; the best of so many runs counts."""
    if name == "lava":
        return _time_lava(program, raster)
    task = {
        "n_inputs": np.array(program.n_inputs),
        "n_neurons": np.array(program.n_neurons),
        "pre": program.pre,
        "post": program.post,
        "delay": program.delay,
        "weight": program.effective_weight(),
        "threshold": program.threshold[0],
        "leak": np.array(1 - int(program.potential_decay[0]) / DECAY_SCALE),
        "raster": raster,
        "repeats": np.array(repeats),
    }
    with tempfile.TemporaryDirectory() as folder:
        np.savez(Path(folder) / "task.npz", **task)
        answer = _execute(name, find_backend(name).runner, folder, ["task.npz"])
    return Timing(len(raster) / min(answer["seconds"]), answer["spikes"], answer["version"])


def _time_lava(program: sp.Program, raster: NDArray[np.bool_]) -> Timing:
    with tempfile.TemporaryDirectory() as folder:
        program.save(Path(folder) / "program.snnp")
        stimulus = {"raster": raster, "lengths": np.array([len(raster)]), "state": np.array(False)}
        write_archive(Path(folder) / "stimulus.npz", stimulus, texts={})
        answer = _execute("lava", LAVA_TIMING, folder, ["program.snnp", "stimulus.npz"])
    return Timing(answer["ticks"] / answer["seconds"], answer["spikes"], f"Lava {answer['version']}")


def _execute(name: str, script: Path, folder: str, files: list[str]) -> dict[str, Any]:
    """Run a script on one thread by the simulator's own interpreter; return what it wrote."""
    python = install(find_backend(name), say=lambda line: None)
    variables = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    path = f"{python.parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(
        [str(python), str(script), *files, "result.json"],
        cwd=folder,
        env={**variables, "PATH": path},
        stdout=subprocess.DEVNULL,
        check=True,
        timeout=LIMIT_SECONDS,
    )
    written: dict[str, Any] = json.loads((Path(folder) / "result.json").read_text(encoding="utf-8"))
    return written
