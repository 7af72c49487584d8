"""Compile an exported program and run it: ``runner.py PROGRAM STIMULUS RESULT``, or tick by tick from a pipe.

The script stands alone: it imports NumPy and the standard library, and judges ``program.c``, which stands beside
PROGRAM with its header; PROGRAM itself is read for its counts only. STIMULUS and RESULT are ``.npz``. RESULT appears
whole or not at all. Exit code 0 means it was written; anything else comes with one sentence on stderr.

``runner.py PROGRAM - - [state]`` writes a line of JSON with the versions, then lets the compiled program speak on the
standard streams: ``toolchain/main.c`` says how.

SNNPROG_C_TARGET chooses where it runs (see `machines`), SNNPROG_C_COMPILER what compiles it.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import platform
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parent / "toolchain"))
from machines import Image, RunnerError, build, chosen_target

STATE_MACRO = "PROGRAM_STATE"
TOGETHER = 1 << 24
"""Bytes of answers that are read at a time. A choice, not a measurement."""


@dataclass(frozen=True)
class Counts:
    """How many input lines, outputs and neurons a program has."""

    inputs: int
    outputs: int
    neurons: int


@dataclass(frozen=True)
class Stimulus:
    """Patterns one after another.

    ``raster`` is bool (ticks, inputs), ``lengths`` their ticks; ``state`` asks for currents and potentials.
    """

    raster: npt.NDArray[np.bool_]
    lengths: npt.NDArray[np.int64]
    state: bool

    def __post_init__(self) -> None:
        """Refuse patterns that do not tile the raster."""
        if self.raster.ndim != 2 or self.lengths.ndim != 1 or np.any(self.lengths < 0):
            raise RunnerError("the stimulus needs a 2-D raster and 1-D lengths, none of them negative")
        if self.lengths.sum() != len(self.raster):
            raise RunnerError(
                f"the pattern lengths add up to {self.lengths.sum()} ticks, the raster has {len(self.raster)}"
            )


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Name the file in whatever goes wrong while it is read."""
    try:
        yield
    except (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise RunnerError(f"cannot read {path}: {error}") from error


def read_counts(path: Path) -> Counts:
    """Read the counts of the program at `path`."""
    with reading(path), zipfile.ZipFile(path) as archive:
        header = json.loads(archive.read("program.json"))
        outputs = np.load(io.BytesIO(archive.read("outputs.npy")), allow_pickle=False)
        return Counts(int(header["n_inputs"]), int(outputs.size), int(header["n_neurons"]))


def read_stimulus(path: Path, n_inputs: int) -> Stimulus:
    """Read the stimulus at `path` and check its number of input lines."""
    with reading(path), np.load(path, allow_pickle=False) as archive:
        stimulus = Stimulus(archive["raster"].astype(bool), archive["lengths"].astype(np.int64), bool(archive["state"]))
    if stimulus.raster.shape[1] != n_inputs:
        raise RunnerError(f"the raster has {stimulus.raster.shape[1]} input lines; the program has {n_inputs}")
    return stimulus


def commands_of(stimulus: Stimulus) -> bytes:
    """Return the commands for the compiled program: a tick for each row, and back to rest before each pattern."""
    rows = np.full((len(stimulus.raster), stimulus.raster.shape[1] + 1), ord("T"), dtype=np.uint8)
    rows[:, 1:] = stimulus.raster
    ends = np.cumsum(stimulus.lengths)[:-1]
    return b"R".join(part.tobytes() for part in np.split(rows, ends))


def source_of(program_path: Path) -> Path:
    """Return where the exported program stands."""
    source = program_path.with_suffix(".c")
    if not source.is_file():
        raise RunnerError(f"cannot read {source}: snnprog export writes it")
    return source


def answers_of(image: Image, stimulus: Stimulus, *, counts: Counts, folder: Path) -> dict[str, npt.NDArray[Any]]:
    """Run all patterns, each from rest.

    Returns
    -------
    dict
        ``spikes`` bool (ticks, outputs) and, where the stimulus asks for state, ``currents`` and ``potentials`` int32
        (ticks, neurons) after each tick.
    """
    answer_path, command_path = folder / "answers", folder / "commands"
    command_path.write_bytes(commands_of(stimulus))
    with command_path.open("rb") as source, answer_path.open("wb") as sink:
        done = subprocess.run(image.command, stdin=source, stdout=sink, stderr=subprocess.PIPE, check=False)
    if done.returncode:
        text = done.stderr.decode(errors="replace").strip()[-1000:]
        raise RunnerError(f"the compiled program ended with code {done.returncode}; it said: {text or 'nothing'}")
    columns: list[tuple[str, Any, int]] = [("spikes", np.uint8, counts.outputs)]
    if stimulus.state:
        columns += [("currents", "<i4", counts.neurons), ("potentials", "<i4", counts.neurons)]
    record = np.dtype([(name, kind, (width,)) for name, kind, width in columns])
    ticks = len(stimulus.raster)
    size = answer_path.stat().st_size
    if size != ticks * record.itemsize:
        raise RunnerError(f"the compiled program wrote {size} bytes; {ticks} ticks of {record.itemsize} were expected")
    found = {name: np.empty((ticks, width), np.bool_ if name == "spikes" else kind) for name, kind, width in columns}
    step = max(1, TOGETHER // max(1, record.itemsize))
    with answer_path.open("rb") as file:
        for first in range(0, ticks if record.itemsize else 0, step):
            rows = np.fromfile(file, dtype=record, count=min(step, ticks - first))
            for name, array in found.items():
                array[first : first + len(rows)] = rows[name]
    return found


def write_result(path: Path, arrays: dict[str, npt.NDArray[Any]], versions: dict[str, str]) -> None:
    """Write `arrays` and the versions to `path`, through a file beside it, so that no reader sees half a result."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            payload: dict[str, Any] = {"versions": np.array(json.dumps(versions)), **arrays}
            np.savez(file, **payload)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def versions_of(image: Image) -> dict[str, str]:
    """Versions of what computed the result."""
    return {**image.versions, "numpy": np.__version__, "python": platform.python_version()}


def stream(image: Image) -> int:
    """Let the compiled program answer tick by tick on the standard streams; return its exit code."""
    print(json.dumps({"versions": versions_of(image)}), flush=True)
    return subprocess.run(image.command, check=False).returncode


def main(arguments: list[str]) -> int:
    """Compile the program, run it on the stimulus, write the result; or stream. Return the exit code."""
    is_stream = arguments[1:] in (["-", "-"], ["-", "-", "state"])
    if len(arguments) != 3 and not is_stream:
        raise RunnerError("usage: runner.py PROGRAM STIMULUS RESULT, or runner.py PROGRAM - - [state]")
    program_path = Path(arguments[0])
    counts = read_counts(program_path)
    stimulus = None if is_stream else read_stimulus(Path(arguments[1]), counts.inputs)
    has_state = len(arguments) == 4 if stimulus is None else stimulus.state
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        image = build(
            source_of(program_path).resolve(),
            "main.c",
            target=chosen_target(),
            folder=folder,
            defined=[STATE_MACRO] if has_state else [],
        )
        if stimulus is None:
            return stream(image)
        write_result(Path(arguments[2]), answers_of(image, stimulus, counts=counts, folder=folder), versions_of(image))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except RunnerError as error:
        sys.exit(f"runner.py: {error}")
    except KeyboardInterrupt:
        sys.exit("runner.py: interrupted")
    except Exception as error:
        sys.exit(f"runner.py: {type(error).__name__}: {error}")
