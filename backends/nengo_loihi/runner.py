"""Run a spiking-network program on nengo-loihi's chip emulator: ``runner.py PROGRAM STIMULUS RESULT``.

The script stands alone: it is started with the interpreter of the emulator's own environment, talks through files
only, and imports NumPy, nengo-loihi and the standard library. PROGRAM is a zip of ``program.json`` and int32 arrays,
STIMULUS and RESULT are ``.npz``. RESULT appears whole or not at all. Exit code 0 means it was written; anything else
comes with one sentence on stderr.

How the program becomes blocks of the emulator (nengo-loihi 1.1.0, none of its code modified or bypassed but the
discretizer, which turns real numbers into the integers that the program already has):

- Each core is one ``LoihiBlock``, by the program's array ``core``; without one, all neurons are on one. A neuron has an
  axon to every block that it has synapses on, its own included. The emulator tells integers from reals by the type of
  the arrays, so all are int32; a weight is ``weight << (6 + exponent)``, as the discretizer would leave it.
- The emulator adds the spikes of a tick to the input of the next: a delay of 1. An input with a longer delay plays
  its spikes later by as much, on an axon of its own. A neuron cannot, so a synapse between neurons has delay 1.
- An axon reaches each neuron once. Further synapses between the same two get further axons.
- Each pattern runs in a new emulator, so nothing carries over.
- The emulator wraps the arrivals beyond 21 bits and current plus bias beyond 23, and warns. Here that ends the run.
"""

from __future__ import annotations

import io
import json
import os
import platform
import sys
import warnings
import zipfile
from collections import Counter
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it greets every version of its dependencies that is younger than itself
    from nengo.exceptions import SimulationError
    from nengo_loihi.block import Axon, LoihiBlock, Synapse
    from nengo_loihi.builder import Model
    from nengo_loihi.emulator import EmulatorInterface
    from nengo_loihi.inputs import SpikeInput
    from nengo_loihi.probe import LoihiProbe

Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]

SYNAPSE_FIELDS = ("pre", "post", "delay", "weight", "exponent")
NEURON_FIELDS = ("threshold", "current_decay", "potential_decay", "bias")
OPTIONAL = {"refractory": 1, "core": 0}
"""Arrays of one entry per neuron that a file may leave out, and what every entry is then."""

INPUT_SHIFT = 6
POTENTIAL_LIMIT = (1 << 23) - 1
LONGEST_RECURRENT_DELAY = 1
PROBED = {"spikes": "spiked", "currents": "current", "potentials": "voltage"}


LIMITS = {
    "delay": (1, 63),
    "weight": (-256, 255),
    "exponent": (0, 7),
    "threshold": (1, 131071),
    "current_decay": (0, 4095),
    "potential_decay": (0, 4095),
}
"""Inclusive ranges of the chip."""

RULE = "loihi1-lif-lava-0.10.0"


class RunnerError(Exception):
    """The input files are wrong, or the emulator failed; the message is the sentence shown to the caller."""


class Emulator(EmulatorInterface):  # type: ignore[misc]  # the package has no types
    """The emulator, set to raise where a register overflows instead of warning."""

    strict = True


# ---------------------------------------------------------------- input files


@dataclass(frozen=True)
class Program:
    """The arrays of PROGRAM, widened to int64; ``pre < n_inputs`` is an input line, any other a neuron."""

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
    refractory: Integers
    core: Integers

    def __post_init__(self) -> None:
        """Refuse the delays that the emulator does not have."""
        late = np.flatnonzero((self.pre >= self.n_inputs) & (self.delay > LONGEST_RECURRENT_DELAY))
        if late.size:
            raise RunnerError(
                f"synapse {late[0]} between neurons has delay {self.delay[late[0]]}; the emulator has only"
                f" {LONGEST_RECURRENT_DELAY}"
            )

    @property
    def arriving(self) -> npt.NDArray[np.int32]:
        """What each synapse adds to the current when it carries a spike."""
        shifted: npt.NDArray[np.int32] = (self.weight << (INPUT_SHIFT + self.exponent)).astype(np.int32)
        return shifted


@dataclass(frozen=True)
class Stimulus:
    """One bool raster (ticks, n_inputs) per pattern; ``state`` asks for u and v."""

    patterns: tuple[Booleans, ...]
    state: bool


def read_program(path: Path) -> Program:
    """Read the zip at `path`; raise `RunnerError` if a member is missing or holds no integers."""
    try:
        with zipfile.ZipFile(path) as archive:
            header = json.loads(archive.read("program.json"))
            names = ["outputs", *SYNAPSE_FIELDS, *NEURON_FIELDS]
            names += [name for name in OPTIONAL if f"{name}.npy" in archive.namelist()]
            arrays = {name: np.load(io.BytesIO(archive.read(f"{name}.npy")), allow_pickle=False) for name in names}
        for name, usual in OPTIONAL.items():
            arrays.setdefault(name, np.full_like(arrays["threshold"], usual))
        widened = {name: array.astype(np.int64, casting="safe") for name, array in arrays.items()}
        return Program(int(header["n_inputs"]), int(header["n_neurons"]), **widened)
    except (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise RunnerError(f"cannot read {path}: {error}") from error


def check_program(program: Program) -> None:
    """Raise `RunnerError` if arrays do not belong together, or the emulator would shift or wrap what they hold."""
    if program.n_neurons < 1:
        raise RunnerError(f"the program must have at least one neuron, got {program.n_neurons}")
    for names, length in ((SYNAPSE_FIELDS, program.pre.size), ((*NEURON_FIELDS, *OPTIONAL), program.n_neurons)):
        for name in names:
            shape = getattr(program, name).shape
            if shape != (length,):
                raise RunnerError(f"the program's array {name} has shape {shape}; ({length},) was expected")
    lines = program.n_inputs + program.n_neurons
    places = {"outputs": program.n_neurons, "post": program.n_neurons, "pre": lines, "core": program.n_neurons}
    for name, (lowest, highest) in (LIMITS | {name: (0, count - 1) for name, count in places.items()}).items():
        values = getattr(program, name)
        outside = np.flatnonzero((values < lowest) | (values > highest))
        if outside.size:
            found = f"{name}[{outside[0]}] is {values[outside[0]]}"
            raise RunnerError(f"{found}; {lowest}..{highest} is allowed")
    unused = np.flatnonzero(np.bincount(program.core) == 0)
    if unused.size:
        raise RunnerError(f"core {unused[0]} has no neurons; cores are numbered from 0 without gaps")


def check_rule(path: Path) -> None:
    """Raise `RunnerError` if the program at `path` means other integers than the emulator computes."""
    with zipfile.ZipFile(path) as archive:
        rule = json.loads(archive.read("program.json")).get("semantics", {}).get("name")
    if rule != RULE:
        raise RunnerError(f"the program means {rule}; the emulator executes {RULE}")


def read_stimulus(path: Path, n_inputs: int) -> Stimulus:
    """Read the stimulus at `path`; raise `RunnerError` unless its patterns tile a raster of `n_inputs` lines."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            raster, lengths, state = archive["raster"].astype(bool), archive["lengths"], bool(archive["state"])
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise RunnerError(f"cannot read {path}: {error}") from error
    if lengths.ndim != 1 or np.any(lengths < 0):
        raise RunnerError("the stimulus needs 1-D lengths, none of them negative")
    if raster.shape != (lengths.sum(), n_inputs):
        raise RunnerError(f"the raster has shape {raster.shape}; {(int(lengths.sum()), n_inputs)} was expected")
    return Stimulus(tuple(np.split(raster, np.cumsum(lengths)[:-1])), state)


# ------------------------------------------------------------- blocks and axons


def make_block(program: Program, members: Integers) -> LoihiBlock:
    """Return one core: the neurons `members`, at rest, each with its own parameters."""
    block = LoihiBlock(members.size)
    compartment = block.compartment
    compartment.decay_u = program.current_decay[members].astype(np.int32)
    compartment.decay_v = program.potential_decay[members].astype(np.int32)
    compartment.scale_u = compartment.scale_v = False
    compartment.vth = (program.threshold[members] << INPUT_SHIFT).astype(np.int32)
    compartment.bias = program.bias[members].astype(np.int32)
    compartment.vmin, compartment.vmax = -POTENTIAL_LIMIT, POTENTIAL_LIMIT
    compartment.refract_delay = program.refractory[members].astype(np.int32)
    return block


@dataclass(frozen=True)
class Cores:
    """One block per core, with its neurons in order; ``place`` is each neuron's index in its own block."""

    blocks: tuple[LoihiBlock, ...]
    place: Integers

    def add_synapse(self, program: Program, members: Integers, axons: Integers) -> Synapse:
        """Put the synapses `members` on the core that all end on, each on its axon; none reaches a neuron twice."""
        synapse = Synapse(int(axons.max()) + 1)
        order = np.argsort(axons, kind="stable")
        ends = np.cumsum(np.bincount(axons))[:-1]
        post = program.post[members]
        synapse.weights = [part[np.newaxis] for part in np.split(program.arriving[members][order], ends)]
        synapse.indices = [part[np.newaxis] for part in np.split(self.place[post][order], ends)]
        self.blocks[program.core[post[0]]].add_synapse(synapse)
        return synapse


def make_cores(program: Program) -> Cores:
    """Return all neurons, each in the block of its core."""
    cores = range(int(program.core.max()) + 1)
    blocks = tuple(make_block(program, np.flatnonzero(program.core == core)) for core in cores)
    return Cores(blocks, occurrences(program.core))


def connect_neurons(program: Program, cores: Cores) -> None:
    """Feed the neurons' spikes to each core: one axon per neuron, and further ones where two share several synapses."""
    synapses = np.flatnonzero(program.pre >= program.n_inputs)
    neurons, post = program.pre[synapses] - program.n_inputs, program.post[synapses]
    ranks = occurrences(neurons, post)
    for core, rank in sorted(set(zip(program.core[post].tolist(), ranks.tolist(), strict=True))):
        chosen = (program.core[post] == core) & (ranks == rank)
        senders, axon = np.unique(neurons[chosen], return_inverse=True)
        synapse = cores.add_synapse(program, synapses[chosen], axon)
        for sending, block in enumerate(cores.blocks):
            carried = np.flatnonzero(program.core[senders] == sending)
            if carried.size:
                block.add_axon(axon_from(block, cores.place[senders[carried]], synapse, carried))


@dataclass(frozen=True)
class Taps:
    """The axons of the inputs: which line each one plays, and by how many ticks later."""

    line: Integers
    later: Integers
    synapse: Synapse

    def spikes(self, raster: Booleans) -> Booleans:
        """Return what the axons carry, bool (ticks, taps), for what the lines carry."""
        ticks = np.arange(len(raster))[:, np.newaxis] - self.later
        carried: Booleans = raster[np.maximum(ticks, 0), self.line] & (ticks >= 0)
        return carried


def connect_inputs(program: Program, cores: Cores) -> list[Taps]:
    """Give each (input line, delay) an axon per core, and further ones where synapses share both ends and the delay."""
    synapses = np.flatnonzero(program.pre < program.n_inputs)
    line, post, later = program.pre[synapses], program.post[synapses], program.delay[synapses] - 1
    keys = np.stack([line, later, occurrences(line, post, later)], axis=1)
    found = []
    for core in np.unique(program.core[post]):
        chosen = program.core[post] == core
        taps, axon = np.unique(keys[chosen], axis=0, return_inverse=True)
        synapse = cores.add_synapse(program, synapses[chosen], axon.reshape(-1))
        found.append(Taps(taps[:, 0], taps[:, 1], synapse))
    return found


def occurrences(*keys: Integers) -> Integers:
    """Return each entry's number among those with equal keys: 0, 1, and so on."""
    seen: Counter[tuple[int, ...]] = Counter()
    numbers = np.zeros(keys[0].size, dtype=np.int64)
    for index, key in enumerate(zip(*(values.tolist() for values in keys), strict=True)):
        numbers[index] = seen[key]
        seen[key] += 1
    return numbers


def axon_from(block: LoihiBlock, places: Integers, synapse: Synapse, inputs: Integers) -> Axon:
    """Return axons that carry the spikes of the neurons at `places` in `block` to these inputs of `synapse`."""
    axon = Axon(inputs.size)
    axon.target = synapse
    axon.compartment_map = np.full(block.n_neurons, -1)  # -1: carried nowhere
    axon.compartment_map[places] = inputs
    return axon


# ------------------------------------------------------------------- execution


def execute(program: Program, stimulus: Stimulus) -> dict[str, npt.NDArray[np.generic]]:
    """Run all patterns, each from rest.

    Returns
    -------
    dict
        ``spikes`` bool (ticks, n_outputs) and, when the stimulus asks for state, ``currents`` and ``potentials`` int32
        (ticks, n_neurons) after each tick.
    """
    names = list(PROBED) if stimulus.state else ["spikes"]
    cores = make_cores(program)
    connect_neurons(program, cores)
    taps = connect_inputs(program, cores)
    runs = [run_pattern(cores, taps, raster, names, index) for index, raster in enumerate(stimulus.patterns)]
    column = np.argsort(np.argsort(program.core, kind="stable"))  # the emulator's: core by core
    joined = {name: np.concatenate([run[name] for run in runs])[:, column] for name in names}
    result: dict[str, npt.NDArray[np.generic]] = {"spikes": joined["spikes"][:, program.outputs].astype(bool)}
    return result | {name: joined[name].astype(np.int32) for name in names[1:]}


def run_pattern(
    cores: Cores, taps: list[Taps], raster: Booleans, names: list[str], index: int
) -> dict[str, npt.NDArray[np.generic]]:
    """Run one pattern in an emulator of its own; return what was probed, each (ticks, n_neurons), core by core."""
    probes = {name: LoihiProbe(target=list(cores.blocks), key=PROBED[name]) for name in names}
    model = Model()
    for block in cores.blocks:
        model.add_block(block)
    for tap in taps:
        model.add_input(play(tap, raster))
    for probe in probes.values():
        model.add_probe(probe)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it fills integer arrays with NaN before it fills them with integers
        emulator = Emulator(model, seed=0)
    with emulator:
        try:
            emulator.run_steps(len(raster))
        except SimulationError as error:
            raise RunnerError(
                f"the emulator stops at tick {emulator.t - 1} of pattern {index}: {error}; arrivals must stay below"
                " 2^21 and current plus bias below 2^23"
            ) from error
        return {name: emulator.collect_probe_output(probe) for name, probe in probes.items()}


def play(taps: Taps, raster: Booleans) -> SpikeInput:
    """Return the source of a pattern's spikes; the emulator counts ticks from 1."""
    spikes = taps.spikes(raster)
    source = SpikeInput(spikes.shape[1])
    for tick in np.flatnonzero(spikes.any(axis=1)):
        source.add_spikes(int(tick) + 1, np.flatnonzero(spikes[tick]))
    axon = Axon(taps.synapse.n_axons)
    axon.target = taps.synapse
    source.add_axon(axon)
    return source


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
    names = ("nengo-loihi", "nengo", "numpy")
    return {name: version(name) for name in names} | {"python": platform.python_version()}


def main(arguments: list[str]) -> None:
    """Read the two input files, execute, write the result."""
    if len(arguments) != 3:
        raise RunnerError("usage: runner.py PROGRAM STIMULUS RESULT")
    program_path, stimulus_path, result_path = map(Path, arguments)
    program = read_program(program_path)
    check_program(program)
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
