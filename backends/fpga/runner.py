"""Run a program on a simulated FPGA core: ``runner.py PROGRAM STIMULUS RESULT``, or tick by tick from a pipe.

The script stands alone: it imports NumPy and the standard library, and judges ``program.hex`` and the Verilog of its
core, which stand beside PROGRAM; PROGRAM itself is read for its counts only. STIMULUS and RESULT are ``.npz``. RESULT
appears whole or not at all. Exit code 0 means it was written; anything else comes with one sentence on stderr.

``runner.py PROGRAM - - [state]`` writes a line of JSON with the versions, then lets the simulated core speak on the
standard streams: `main.cpp` says how. `simulators` says which simulator runs.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from backends.fpga.simulators import RunnerError, Simulation, about, simulation_of
else:
    sys.path.insert(0, str(Path(__file__).resolve().parent))  # isolated interpreters look in no folder of a script
    from simulators import RunnerError, Simulation, about, simulation_of


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

    @property
    def commands(self) -> bytes:
        """The commands for the core: a tick for each row, and back to rest before each pattern."""
        rows = np.full((len(self.raster), self.raster.shape[1] + 1), ord("T"), dtype=np.uint8)
        rows[:, 1:] = self.raster
        ends = np.cumsum(self.lengths)[:-1]
        return b"R".join(part.tobytes() for part in np.split(rows, ends))


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Name the file in whatever goes wrong while it is read."""
    try:
        yield
    except (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise RunnerError(f"cannot read {path}: {error}") from error


def check_program(path: Path, known: dict[str, Any]) -> None:
    """Check that an image is that of a program, by its counts."""
    with reading(path), zipfile.ZipFile(path) as archive:
        header = json.loads(archive.read("program.json"))
        counts = {"inputs": int(header["n_inputs"]), "neurons": int(header["n_neurons"])}
    for name, count in counts.items():
        if known[name] != count:
            raise RunnerError(f"the image has {known[name]} {name}, {path} has {count}; export the program again")


def read_stimulus(path: Path, n_inputs: int) -> Stimulus:
    """Read the stimulus at `path` and check its number of input lines."""
    with reading(path), np.load(path, allow_pickle=False) as archive:
        stimulus = Stimulus(archive["raster"].astype(bool), archive["lengths"].astype(np.int64), bool(archive["state"]))
    if stimulus.raster.shape[1] != n_inputs:
        raise RunnerError(f"the raster has {stimulus.raster.shape[1]} input lines; the program has {n_inputs}")
    return stimulus


def answers_of(
    simulation: Simulation, stimulus: Stimulus, *, known: dict[str, Any], folder: Path
) -> dict[str, npt.NDArray[Any]]:
    """Run all patterns, each from rest.

    Returns
    -------
    dict
        ``spikes`` bool (ticks, outputs) and, where the stimulus asks for state, ``currents`` and ``potentials`` int32
        (ticks, neurons) after each tick.
    """
    answer_path, command_path = folder / "answers", folder / "commands"
    command_path.write_bytes(stimulus.commands)
    with command_path.open("rb") as source, answer_path.open("wb") as sink:
        simulation.answer(source, sink)
    columns: list[tuple[str, Any, int]] = [("spikes", np.uint8, len(known["outputs"]))]
    if stimulus.state:
        columns += [("currents", "<i4", known["neurons"]), ("potentials", "<i4", known["neurons"])]
    record = np.dtype([(name, kind, (width,)) for name, kind, width in columns])
    ticks = len(stimulus.raster)
    if answer_path.stat().st_size != ticks * record.itemsize:
        raise RunnerError(
            f"the simulation wrote {answer_path.stat().st_size} bytes; {ticks} ticks of {record.itemsize} were expected"
        )
    rows = np.fromfile(answer_path, dtype=record)
    return {name: rows[name].astype(bool) if name == "spikes" else rows[name] for name, _, _ in columns}


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


def main(arguments: list[str]) -> int:
    """Build the core, run it on the stimulus, write the result; or stream. Return the exit code."""
    is_stream = arguments[1:] in (["-", "-"], ["-", "-", "state"])
    if len(arguments) != 3 and not is_stream:
        raise RunnerError("usage: runner.py PROGRAM STIMULUS RESULT, or runner.py PROGRAM - - [state]")
    program_path = Path(arguments[0]).resolve()
    image = program_path.with_suffix(".hex")
    known = about(image)
    check_program(program_path, known)
    stimulus = None if is_stream else read_stimulus(Path(arguments[1]), known["inputs"])
    has_state = len(arguments) == 4 if stimulus is None else stimulus.state
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        simulation = simulation_of(image, has_state=has_state, folder=folder)
        versions = {**simulation.versions, "numpy": np.__version__, "python": platform.python_version()}
        if stimulus is None:
            print(json.dumps({"versions": versions}), flush=True)
            simulation.answer(sys.stdin.buffer, sys.stdout.buffer)
        else:
            found = answers_of(simulation, stimulus, known=known, folder=folder)
            write_result(Path(arguments[2]), found, versions)
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
