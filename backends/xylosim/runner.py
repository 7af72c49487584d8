"""Run a spiking-network program on XyloSim: ``runner.py PROGRAM STIMULUS RESULT``.

The script stands alone: it is started with the interpreter of XyloSim's own environment, talks through files only, and
imports NumPy, XyloSim and the standard library. PROGRAM is a zip of ``program.json`` and int32 arrays, STIMULUS and
RESULT are ``.npz``. RESULT appears whole or not at all. Exit code 0 means it was written; anything else comes with
one sentence on stderr.

How the program becomes a Xylo network (``xylosim.v2``, called directly: rockpool needs a closed package):

- Hidden neurons of the simulator are, in order: one repeater for each input line, then the program's neurons that are
  not read out. Those that are read out are the simulator's readout neurons, in the order of ``outputs``.
- A repeater spikes once in the step of its input, so that a spike of any line acts one step later, as delay 1 says.
  With e the exponent of the hidden layer, its current jumps to 2 << e, halves, and lifts its potential to the
  threshold, 1 << e; the 1 << e that are left of the current it takes back itself, over a synapse of -1.
- A layer of hidden neurons cannot be empty: where there are neither inputs nor hidden neurons, one silent one is there.
- The simulator holds bare pointers into the given lists of synapses: if they are dropped, it reads freed
  memory. `Network` keeps them.
- Decays are those of each neuron; the second synaptic current and aliases are not used.
- The simulator has one core; which one the program puts a neuron on (its array ``core``) is not read.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import platform
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from xylosim.v2 import XyloLayer, XyloSynapse

Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]

SYNAPSE_FIELDS = ("pre", "post", "delay", "weight", "exponent")
NEURON_FIELDS = ("threshold", "current_decay", "potential_decay", "bias")

LIMITS = {
    "delay": (1, 1),
    "exponent": (0, 7),
    "weight": (-128, 127),
    "threshold": (1, 32767),
    "current_decay": (0, 15),
    "potential_decay": (0, 15),
    "bias": (-32768, 32767),
}
"""Inclusive ranges that XyloSim's C++ types hold; a violation would be wrapped."""

REPEATER_WEIGHT, REPEATER_SELF_WEIGHT, REPEATER_DECAY = 2, -1, 1
SILENT_THRESHOLD = 32767

RULE = "xylo-v2-xylosim-0.1.3"
FORMAT_VERSIONS = (1, 3)
"""Version 3 adds cores and refractory periods, all of which must be 1 here; version 2 is for periods alone."""


class RunnerError(Exception):
    """The input files are wrong, or XyloSim failed; the message is the sentence shown to the caller."""


# ---------------------------------------------------------------- input files


@dataclass(frozen=True)
class Program:
    """The arrays of PROGRAM, widened to int64; fields as described in the module of the compiler that writes them."""

    n_inputs: int
    n_neurons: int
    outputs: Integers
    pre: Integers
    post: Integers
    delay: Integers
    weight: Integers
    exponent: Integers
    threshold: Integers
    current_decay: Integers
    potential_decay: Integers
    bias: Integers

    def __post_init__(self) -> None:
        """Refuse what XyloSim would wrap, or read beyond its arrays for."""
        if self.n_neurons < 1:
            raise RunnerError(f"the program must have at least one neuron, got {self.n_neurons}")
        for names, length in ((SYNAPSE_FIELDS, self.pre.size), (NEURON_FIELDS, self.n_neurons)):
            for name in names:
                if getattr(self, name).shape != (length,):
                    raise RunnerError(
                        f"the program's array {name} has shape {getattr(self, name).shape}; ({length},) was expected"
                    )
        for name, (lowest, highest) in LIMITS.items():
            check_range(name, getattr(self, name), lowest, highest)
        check_range("outputs", self.outputs, 0, self.n_neurons - 1)
        check_range("post", self.post, 0, self.n_neurons - 1)
        check_range("pre", self.pre, 0, self.n_inputs + self.n_neurons - 1)


@dataclass(frozen=True)
class Stimulus:
    """Patterns one after another.

    ``raster`` is bool (ticks, n_inputs), ``lengths`` their ticks; ``state`` asks for currents and potentials.
    """

    raster: Booleans
    lengths: Integers
    state: bool

    def __post_init__(self) -> None:
        """Refuse patterns that do not tile the raster."""
        if self.raster.ndim != 2 or self.lengths.ndim != 1 or np.any(self.lengths < 0):
            raise RunnerError("the stimulus needs a 2-D raster and 1-D lengths, none of them negative")
        if self.lengths.sum() != len(self.raster):
            raise RunnerError(
                f"the pattern lengths add up to {self.lengths.sum()} ticks, the raster has {len(self.raster)}"
            )


def check_range(name: str, values: Integers, lowest: int, highest: int) -> None:
    """Raise `RunnerError` at the first value outside ``lowest..highest``."""
    outside = np.flatnonzero((values < lowest) | (values > highest))
    if outside.size:
        index = int(outside[0])
        raise RunnerError(f"{name}[{index}] is {values[index]}; {lowest}..{highest} is allowed")


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Name the file in whatever goes wrong while it is read."""
    try:
        yield
    except (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise RunnerError(f"cannot read {path}: {error}") from error


def read_program(path: Path) -> Program:
    """Read the zip at `path`; raise `RunnerError` if a member is missing or a value is out of range."""
    with reading(path), zipfile.ZipFile(path) as archive:
        header = json.loads(archive.read("program.json"))
        arrays = {name: read_integers(archive, name) for name in ("outputs", *SYNAPSE_FIELDS, *NEURON_FIELDS)}
        if "refractory.npy" in archive.namelist():
            check_range("refractory", read_integers(archive, "refractory"), 1, 1)
    return Program(n_inputs=int(header["n_inputs"]), n_neurons=int(header["n_neurons"]), **arrays)


def read_integers(archive: zipfile.ZipFile, name: str) -> Integers:
    """Read member ``name.npy``, which must hold integers."""
    values = np.load(io.BytesIO(archive.read(f"{name}.npy")), allow_pickle=False)
    if not np.issubdtype(values.dtype, np.integer):
        raise RunnerError(f"the program's array {name} has type {values.dtype}; integers were expected")
    widened: Integers = values.astype(np.int64)
    return widened


def check_rule(path: Path) -> None:
    """Raise `RunnerError` if the program at `path` means other integers than XyloSim computes."""
    with zipfile.ZipFile(path) as archive:
        header = json.loads(archive.read("program.json"))
    rule, version = header.get("semantics", {}).get("name"), header.get("format_version")
    if rule != RULE:
        raise RunnerError(f"the program means {rule}; XyloSim executes {RULE}")
    if version not in FORMAT_VERSIONS:
        raise RunnerError(f"the program has format version {version}; XyloSim runs versions 1 and 3")


def read_stimulus(path: Path, n_inputs: int) -> Stimulus:
    """Read the stimulus at `path` and check its number of input lines."""
    with reading(path), np.load(path, allow_pickle=False) as archive:
        stimulus = Stimulus(archive["raster"].astype(bool), archive["lengths"].astype(np.int64), bool(archive["state"]))
    if stimulus.raster.shape[1] != n_inputs:
        raise RunnerError(f"the raster has {stimulus.raster.shape[1]} input lines; the program has {n_inputs}")
    return stimulus


# ------------------------------------------------------------ the Xylo network


@dataclass(frozen=True)
class Places:
    """Where the program's neurons stand in the simulator: ``hidden`` after the repeaters, ``outputs`` in the readout.

    ``of_neuron`` is each neuron's index in its own layer, ``is_output`` which layer that is.
    """

    n_inputs: int
    hidden: Integers
    outputs: Integers
    of_neuron: Integers
    is_output: Booleans

    @property
    def n_hidden(self) -> int:
        """Number of hidden neurons of the simulator, a silent one included where there would be none."""
        return max(1, self.n_inputs + self.hidden.size)


def place(program: Program) -> Places:
    """Assign every neuron to its layer."""
    is_output = np.zeros(program.n_neurons, dtype=bool)
    is_output[program.outputs] = True
    hidden = np.flatnonzero(~is_output)
    of_neuron = np.zeros(program.n_neurons, dtype=np.int64)
    of_neuron[hidden] = program.n_inputs + np.arange(hidden.size)
    of_neuron[program.outputs] = np.arange(program.outputs.size)
    return Places(program.n_inputs, hidden, program.outputs, of_neuron, is_output)


@dataclass(frozen=True)
class Network:
    """The simulator, and the lists of synapses that it has pointers into."""

    layer: Any
    synapses: tuple[list[list[Any]], ...]


def build_network(program: Program, places: Places) -> Network:
    """Make the simulator's network, at rest."""
    readers = [[XyloSynapse(line, 0, REPEATER_WEIGHT)] for line in range(program.n_inputs)]
    to_readout = places.is_output[program.post]
    recurrent, readout = (synapses_of(program, places, np.flatnonzero(chosen)) for chosen in (~to_readout, to_readout))
    for line in range(program.n_inputs):
        recurrent[line].append(XyloSynapse(line, 0, REPEATER_SELF_WEIGHT))
    exponent = shared_exponent("hidden", program.exponent[~to_readout])
    layer = XyloLayer(
        synapses_in=readers,
        synapses_rec=recurrent,
        synapses_out=readout,
        aliases=[[] for _ in range(places.n_hidden)],
        threshold=hidden_values(program.threshold, places, 1 << exponent, SILENT_THRESHOLD),
        threshold_out=program.threshold[places.outputs].tolist(),
        has_bias=True,
        bias=hidden_values(program.bias, places, 0, 0),
        bias_out=program.bias[places.outputs].tolist(),
        weight_shift_inp=exponent,
        weight_shift_rec=exponent,
        weight_shift_out=shared_exponent("readout", program.exponent[to_readout]),
        dash_mem=hidden_values(program.potential_decay, places, REPEATER_DECAY, REPEATER_DECAY),
        dash_mem_out=program.potential_decay[places.outputs].tolist(),
        dash_syns=[[value] for value in hidden_values(program.current_decay, places, REPEATER_DECAY, REPEATER_DECAY)],
        dash_syns_out=[[value] for value in program.current_decay[places.outputs].tolist()],
        name="program",
    )
    return Network(layer, (readers, recurrent, readout))


def synapses_of(program: Program, places: Places, chosen: Integers) -> list[list[Any]]:
    """Return, for each hidden neuron of the simulator, the chosen synapses that leave it."""
    leaving: list[list[Any]] = [[] for _ in range(places.n_hidden)]
    for index in chosen.tolist():
        line, post = int(program.pre[index]), int(program.post[index])
        if line >= program.n_inputs:
            if places.is_output[line - program.n_inputs]:
                raise RunnerError(f"neuron {line - program.n_inputs} is read out, and feeds neuron {post}")
            line = int(places.of_neuron[line - program.n_inputs])
        leaving[line].append(XyloSynapse(int(places.of_neuron[post]), 0, int(program.weight[index])))
    return leaving


def hidden_values(values: Integers, places: Places, of_repeaters: int, of_silent: int) -> list[int]:
    """Return a parameter of all hidden neurons of the simulator."""
    listed = [of_repeaters] * places.n_inputs + values[places.hidden].tolist()
    return listed or [of_silent]


def shared_exponent(layer: str, exponents: Integers) -> int:
    """Return the one exponent of all synapses into a layer."""
    different = np.unique(exponents)
    if different.size > 1:
        raise RunnerError(f"synapses into the {layer} layer have exponents {different.tolist()}; Xylo has one for all")
    return int(different[0]) if different.size else 0


# ------------------------------------------------------------------- execution


def execute(program: Program, stimulus: Stimulus) -> dict[str, npt.NDArray[np.generic]]:
    """Run all patterns, each from rest.

    Returns
    -------
    dict
        ``spikes`` bool (ticks, n_outputs) and, when the stimulus asks for state, ``currents`` and ``potentials`` int32
        (ticks, n_neurons) after each tick.
    """
    places = place(program)
    network = build_network(program, places)
    spikes = np.zeros((len(stimulus.raster), places.outputs.size), dtype=bool)
    states = np.zeros((2, len(stimulus.raster), program.n_neurons), dtype=np.int32)
    start = 0
    for length in stimulus.lengths.tolist():
        if length:
            ticks = slice(start, start + length)
            network.layer.reset_all()
            events = stimulus.raster[ticks].astype(int).tolist()
            spikes[ticks] = np.array(network.layer.evolve(events), dtype=np.int64) > 0
            if stimulus.state:
                states[:, ticks] = states_of(network.layer, places, length)
        start += length
    result: dict[str, npt.NDArray[np.generic]] = {"spikes": spikes}
    if stimulus.state:
        result |= {"currents": states[0], "potentials": states[1]}
    return result


def states_of(layer: Any, places: Places, length: int) -> Integers:
    """Return currents and potentials ``(2, ticks, neurons)`` of the last run."""
    recorded = ((layer.rec_i_syn, layer.rec_i_syn_out), (layer.rec_v_mem, layer.rec_v_mem_out))
    states = np.zeros((2, length, places.of_neuron.size), dtype=np.int64)
    for quantity, (of_hidden, of_outputs) in enumerate(recorded):
        hidden = np.array(of_hidden, dtype=np.int64)
        states[quantity][:, places.hidden] = hidden[places.of_neuron[places.hidden]].T
        states[quantity][:, places.outputs] = np.array(of_outputs, dtype=np.int64).T
    return states


def write_result(path: Path, arrays: dict[str, npt.NDArray[np.generic]]) -> None:
    """Write `arrays` and the versions to `path`, through a file beside it, so that no reader sees half a result."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            payload: dict[str, Any] = {"versions": np.array(json.dumps(versions())), **arrays}
            np.savez(file, **payload)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def versions() -> dict[str, str]:
    """Versions of what computed the result."""
    return {"xylosim": version("xylosim"), "numpy": np.__version__, "python": platform.python_version()}


def main(arguments: list[str]) -> None:
    """Read the two input files, execute, write the result."""
    if len(arguments) != 3:
        raise RunnerError("usage: runner.py PROGRAM STIMULUS RESULT")
    program_path, stimulus_path, result_path = map(Path, arguments)
    program = read_program(program_path)
    check_rule(program_path)
    stimulus = read_stimulus(stimulus_path, program.n_inputs)
    write_result(result_path, execute(program, stimulus))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except RunnerError as error:
        sys.exit(f"runner.py: {error}")
    except KeyboardInterrupt:
        sys.exit("runner.py: interrupted")
    except Exception as error:
        sys.exit(f"runner.py: {type(error).__name__}: {error}")
