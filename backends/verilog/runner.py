"""Run a program's own Verilog in a simulator: ``runner.py PROGRAM STIMULUS RESULT``, or tick by tick from a pipe.

The script stands alone: it imports NumPy and the standard library, and judges ``program.v``, which stands beside
PROGRAM; PROGRAM itself is read for its counts only. STIMULUS and RESULT are ``.npz``. RESULT appears whole or not at
all. Exit code 0 means it was written; anything else comes with one sentence on stderr.

``runner.py PROGRAM - - [state]`` writes a line of JSON with the versions, then obeys commands on its standard input:
``docs/backends.md`` says which. `simulators` says which simulator runs, ``testbench.v`` what it is given.
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
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from backends.verilog.simulators import Module, RunnerError, Simulation, module_of, simulation_of
else:
    sys.path.insert(0, str(Path(__file__).resolve().parent))  # isolated interpreters look in no folder of a script
    from simulators import Module, RunnerError, Simulation, module_of, simulation_of


@dataclass(frozen=True)
class Counts:
    """How many input lines, outputs and neurons a program has, and bits of how often an output spikes in a tick."""

    inputs: int
    outputs: int
    neurons: int
    output_bits: int = 1


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
        """The commands for the simulation: a tick for each row, and back to rest before each pattern."""
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


def checked_counts(counts: Counts, module: Module) -> Counts:
    """Return the counts with the bits of an output; the ports must be those of a program with these counts."""
    found = module.widths.get("inputs", 0), module.widths.get("outputs", 0)
    bits = found[1] // counts.outputs if counts.outputs else 1
    if found != (counts.inputs, bits * counts.outputs) or not bits:
        raise RunnerError(
            f"{module.source.name} has {found[0]} bits of inputs and {found[1]} of outputs, the program has"
            f" {counts.inputs} inputs and {counts.outputs} outputs; export the program again"
        )
    return Counts(counts.inputs, counts.outputs, counts.neurons, bits)


def answer_of(line: bytes, counts: Counts) -> bytes:
    """Return the answer to a tick: a byte for each output, then 32 bits of each current and potential."""
    words = line.split()
    try:
        outputs, states = int(words[0], 16), [bytes.fromhex(word.decode("ascii"))[::-1] for word in words[1:]]
    except (IndexError, ValueError) as error:
        raise RunnerError(f"the simulation said: {line.decode(errors='replace').strip()[-1000:]}") from error
    mask = (1 << counts.output_bits) - 1
    spikes = bytes(outputs >> place * counts.output_bits & mask for place in range(counts.outputs))
    return spikes + b"".join(states)


def answer(simulation: Simulation, source: IO[bytes], sink: IO[bytes], *, counts: Counts) -> None:
    """Answer the commands of a stream on another one."""
    with tempfile.TemporaryFile() as said:
        with subprocess.Popen(simulation.command, stdin=source, stdout=subprocess.PIPE, stderr=said) as process:
            for line in process.stdout or ():
                sink.write(answer_of(line, counts))
                sink.flush()
        if process.returncode:
            said.seek(0)
            text = said.read().decode(errors="replace").strip()[-1000:] or "nothing"
            raise RunnerError(f"the simulation ended with code {process.returncode}; it said: {text}")


def answers_of(
    simulation: Simulation, stimulus: Stimulus, *, counts: Counts, folder: Path
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
        answer(simulation, source, sink, counts=counts)
    columns: list[tuple[str, Any, int]] = [("spikes", np.uint8, counts.outputs)]
    if stimulus.state:
        columns += [("currents", "<i4", counts.neurons), ("potentials", "<i4", counts.neurons)]
    record = np.dtype([(name, kind, (width,)) for name, kind, width in columns])
    ticks = len(stimulus.raster)
    if answer_path.stat().st_size != ticks * record.itemsize:
        raise RunnerError(
            f"the simulation wrote {answer_path.stat().st_size} bytes; {ticks} ticks of {record.itemsize} were expected"
        )
    rows = np.fromfile(answer_path, dtype=record, count=ticks) if record.itemsize else np.zeros(ticks, record)
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
    """Build the program, run it on the stimulus, write the result; or stream. Return the exit code."""
    is_stream = arguments[1:] in (["-", "-"], ["-", "-", "state"])
    if len(arguments) != 3 and not is_stream:
        raise RunnerError("usage: runner.py PROGRAM STIMULUS RESULT, or runner.py PROGRAM - - [state]")
    program_path = Path(arguments[0]).resolve()
    counts = read_counts(program_path)
    stimulus = None if is_stream else read_stimulus(Path(arguments[1]), counts.inputs)
    has_state = len(arguments) == 4 if stimulus is None else stimulus.state
    module = module_of(program_path.with_suffix(".v"), neurons=counts.neurons, has_state=has_state)
    counts = checked_counts(counts, module)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        simulation = simulation_of(module, folder=folder)
        versions = {**simulation.versions, "numpy": np.__version__, "python": platform.python_version()}
        if stimulus is None:
            print(json.dumps({"versions": versions}), flush=True)
            answer(simulation, sys.stdin.buffer, sys.stdout.buffer, counts=counts)
        else:
            write_result(Path(arguments[2]), answers_of(simulation, stimulus, counts=counts, folder=folder), versions)
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
