"""Run a spiking-network program on brian2-loihi: ``runner.py PROGRAM STIMULUS RESULT``.

The script stands alone: it is started with the interpreter of brian2-loihi's own environment, talks through files
only, and imports NumPy, Brian2, brian2-loihi and the standard library. PROGRAM is a zip of ``program.json`` and int32
arrays, STIMULUS and RESULT are ``.npz``. RESULT appears whole or not at all. Exit code 0 means it was written; anything
else comes with one sentence on stderr.

How the program becomes a network of brian2-loihi (0.5.2, none of it modified), run by Brian2's NumPy target, which
starts at once where the compiled ones compile for minutes:

- A ``LoihiNeuronGroup`` has one threshold, one pair of decays and one refractory period, a ``LoihiSynapses`` one delay,
  exponent and sign mode: neurons and synapses are sorted into such groups. ``decay_I`` is the current decay plus 1.
- A synapse with delay d acts d ticks after its spike; brian2-loihi counts d - 1, because its spikes cross to the other
  side in the next tick anyway.
- The patterns run side by side, each on neurons and input lines of its own, all from rest, so that what costs a
  second to build is built once.
- The current is recorded when the spikes of its tick have been added and before it decays; the potential at the end
  of a tick. The values are real numbers that hold integers.
- Which core a neuron is on (the program's array ``core``) changes no spike and is not read.
- There is no bias, no wrapping and no clipping. A state beyond 23 bits ends the run.
"""

from __future__ import annotations

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
from brian2 import prefs
from brian2.core.base import BrianObject
from brian2_loihi import (
    LoihiNetwork,
    LoihiNeuronGroup,
    LoihiSpikeGeneratorGroup,
    LoihiSpikeMonitor,
    LoihiStateMonitor,
    LoihiSynapses,
)

Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]
Records = dict[str, npt.NDArray[np.float64]]

SYNAPSE_FIELDS = ("pre", "post", "delay", "weight", "exponent", "sign_mode")
NEURON_FIELDS = ("threshold", "current_decay", "potential_decay", "bias")
REFRACTORY = "refractory"

PATTERNS_PER_NETWORK = 128
AFTER_THE_SPIKES = 1
FROM_INPUTS = -1
STATES = {"currents": "I", "potentials": "v"}


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
    """The input files are wrong, or brian2-loihi failed; the message is the sentence shown to the caller."""


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
    sign_mode: Integers
    threshold: Integers
    current_decay: Integers
    potential_decay: Integers
    bias: Integers
    refractory: Integers

    def __post_init__(self) -> None:
        """Refuse the biases that brian2-loihi does not have."""
        biased = np.flatnonzero(self.bias)
        if biased.size:
            raise RunnerError(f"neuron {biased[0]} has a bias of {self.bias[biased[0]]}; brian2-loihi has none")


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
            names += [REFRACTORY] if f"{REFRACTORY}.npy" in archive.namelist() else []
            arrays = {name: np.load(io.BytesIO(archive.read(f"{name}.npy")), allow_pickle=False) for name in names}
            arrays.setdefault(REFRACTORY, np.ones_like(arrays["threshold"]))  # a neuron that may spike at every tick
        widened = {name: array.astype(np.int64, casting="safe") for name, array in arrays.items()}
        return Program(int(header["n_inputs"]), int(header["n_neurons"]), **widened)
    except (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise RunnerError(f"cannot read {path}: {error}") from error


def check_program(program: Program) -> None:
    """Raise `RunnerError` if arrays do not belong together, or brian2-loihi would misread what they hold."""
    if program.n_neurons < 1:
        raise RunnerError(f"the program must have at least one neuron, got {program.n_neurons}")
    for names, length in ((SYNAPSE_FIELDS, program.pre.size), (NEURON_FIELDS, program.n_neurons)):
        for name in names:
            shape = getattr(program, name).shape
            if shape != (length,):
                raise RunnerError(f"the program's array {name} has shape {shape}; ({length},) was expected")
    lines = program.n_inputs + program.n_neurons
    places = {"outputs": program.n_neurons, "post": program.n_neurons, "pre": lines}
    for name, (lowest, highest) in (LIMITS | {name: (0, count - 1) for name, count in places.items()}).items():
        values = getattr(program, name)
        outside = np.flatnonzero((values < lowest) | (values > highest))
        if outside.size:
            found = f"{name}[{outside[0]}] is {values[outside[0]]}"
            raise RunnerError(f"{found}; {lowest}..{highest} is allowed")


def check_rule(path: Path) -> None:
    """Raise `RunnerError` if the program at `path` means other integers than brian2-loihi computes."""
    with zipfile.ZipFile(path) as archive:
        rule = json.loads(archive.read("program.json")).get("semantics", {}).get("name")
    if rule != RULE:
        raise RunnerError(f"the program means {rule}; brian2-loihi executes {RULE}")


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


# ------------------------------------------------------------------- the groups


@dataclass(frozen=True)
class Population:
    """Neurons of one kind, once per pattern: neuron i of pattern p is number p * size + i."""

    members: Integers
    group: LoihiNeuronGroup


def make_populations(program: Program, n_patterns: int) -> list[Population]:
    """Make one group for each kind of neuron: threshold, decays and refractory period."""
    populations = []
    for members in alike(program.threshold, program.current_decay, program.potential_decay, program.refractory):
        first = members[0]
        group = LoihiNeuronGroup(
            n_patterns * members.size,
            threshold_v_mant=int(program.threshold[first]),
            decay_I=int(program.current_decay[first]) + 1,
            decay_v=int(program.potential_decay[first]),
            refractory=int(program.refractory[first]),
        )
        populations.append(Population(members, group))
    return populations


def alike(*keys: Integers) -> list[Integers]:
    """Return the indices of the entries that are equal in every key, group by group."""
    table = np.stack(keys, axis=1)
    if not len(table):
        return []
    _, labels = np.unique(table, axis=0, return_inverse=True)
    return [np.flatnonzero(labels.reshape(-1) == label) for label in range(labels.max() + 1)]


def make_source(program: Program, patterns: tuple[Booleans, ...]) -> LoihiSpikeGeneratorGroup:
    """Play all patterns at once, each on input lines of its own.

    The generator's spikes act in their own tick where a neuron's act in the next, so they are played a tick later.
    """
    events = [np.nonzero(raster) for raster in patterns]
    ticks = np.concatenate([tick for tick, _ in events])
    lines = np.concatenate([line + index * program.n_inputs for index, (_, line) in enumerate(events)])
    return LoihiSpikeGeneratorGroup(max(1, len(patterns) * program.n_inputs), lines, ticks + 1)


def connect(
    program: Program, source: LoihiSpikeGeneratorGroup, populations: list[Population], n_patterns: int
) -> Iterator[LoihiSynapses]:
    """Make one group of synapses for each (source, target, delay, exponent, sign mode)."""
    home, place = np.zeros((2, program.n_neurons), dtype=np.int64)
    for index, population in enumerate(populations):
        home[population.members], place[population.members] = index, np.arange(population.members.size)
    is_input = program.pre < program.n_inputs
    neuron = np.where(is_input, 0, program.pre - program.n_inputs)
    origin, target = np.where(is_input, FROM_INPUTS, home[neuron]), home[program.post]
    start, end = np.where(is_input, program.pre, place[neuron]), place[program.post]
    for group in alike(origin, target, program.delay, program.exponent, program.sign_mode):
        reached = populations[target[group[0]]]
        synapses, width = make_synapses(program, group[0], source, populations, origin[group[0]], reached)
        synapses.connect(
            i=per_pattern(start[group], width, n_patterns),
            j=per_pattern(end[group], reached.members.size, n_patterns),
        )
        synapses.w = np.tile(program.weight[group], n_patterns)
        yield synapses


def make_synapses(
    program: Program,
    first: int,
    source: LoihiSpikeGeneratorGroup,
    populations: list[Population],
    origin: int,
    reached: Population,
) -> tuple[LoihiSynapses, int]:
    """Return synapses like the one numbered `first`, not yet connected, and how many lines a pattern has before them.

    Their ``delay`` is one less than the program's: spikes cross in the tick after theirs anyway.
    """
    from_inputs = origin == FROM_INPUTS
    synapses = LoihiSynapses(
        source if from_inputs else populations[origin].group,
        reached.group,
        delay=int(program.delay[first]) - 1,
        w_exp=int(program.exponent[first]),
        sign_mode=int(program.sign_mode[first]),
    )
    return synapses, program.n_inputs if from_inputs else populations[origin].members.size


def per_pattern(places: Integers, width: int, n_patterns: int) -> Integers:
    """Return the places of all patterns, one pattern after another."""
    shifted: Integers = places + width * np.arange(n_patterns)[:, np.newaxis]
    return shifted.reshape(-1)


# ------------------------------------------------------------------- execution


def execute(program: Program, stimulus: Stimulus) -> dict[str, npt.NDArray[np.generic]]:
    """Run all patterns, each from rest.

    Returns
    -------
    dict
        ``spikes`` bool (ticks, n_outputs) and, when the stimulus asks for state, ``currents`` and ``potentials`` int32
        (ticks, n_neurons) after each tick.
    """
    prefs.reset_to_defaults()  # a file of the user's may have changed them
    prefs.codegen.target = "numpy"
    parts: list[Records] = []
    for first in range(0, len(stimulus.patterns), PATTERNS_PER_NETWORK):
        parts += run_patterns(program, stimulus.patterns[first : first + PATTERNS_PER_NETWORK], stimulus.state)
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    result: dict[str, npt.NDArray[np.generic]] = {"spikes": joined.pop("spikes")[:, program.outputs].astype(bool)}
    return result | {name: as_int32(name, values) for name, values in joined.items()}


def run_patterns(program: Program, patterns: tuple[Booleans, ...], state: bool) -> list[Records]:
    """Run patterns side by side; return for each what was recorded, each (ticks, n_neurons)."""
    populations = make_populations(program, len(patterns))
    source = make_source(program, patterns)
    synapses = list(connect(program, source, populations, len(patterns)))
    recorders = [make_recorders(population, state) for population in populations]
    objects = [population.group for population in populations]
    flat = [recorder for each in recorders for recorder in each.values()]
    network = LoihiNetwork(source, *objects, *synapses, *flat)
    ticks = max(len(raster) for raster in patterns)
    network.run(ticks)
    records = {name: np.zeros((ticks, len(patterns), program.n_neurons)) for name in recorders[0]}
    for population, each in zip(populations, recorders, strict=True):
        for name, recorder in each.items():
            values = recorded(recorder, name, ticks, len(patterns) * population.members.size)
            records[name][:, :, population.members] = values.reshape(ticks, len(patterns), -1)
    return [
        {name: values[: len(raster), index] for name, values in records.items()}
        for index, raster in enumerate(patterns)
    ]


def make_recorders(population: Population, state: bool) -> dict[str, BrianObject]:
    """Record spikes and, if requested, states."""
    recorders: dict[str, BrianObject] = {"spikes": LoihiSpikeMonitor(population.group)}
    if state:
        recorders["currents"] = LoihiStateMonitor(population.group, STATES["currents"], order=AFTER_THE_SPIKES)
        recorders["potentials"] = LoihiStateMonitor(population.group, STATES["potentials"])
    return recorders


def recorded(recorder: BrianObject, name: str, ticks: int, count: int) -> npt.NDArray[np.float64]:
    """Return a recording as (ticks, neurons of all patterns).

    Ticks are rounded here: ``LoihiSpikeMonitor.t`` cuts the fraction off, and 29 ms are a bit less than 29 ticks.
    """
    if name != "spikes":
        values: npt.NDArray[np.float64] = getattr(recorder, STATES[name]).T
        return values
    spikes = np.zeros((ticks, count))
    spikes[np.rint(np.asarray(recorder.t_) * 1000).astype(int), np.asarray(recorder.i)] = 1
    return spikes


def as_int32(name: str, values: npt.NDArray[np.generic]) -> npt.NDArray[np.int32]:
    """Return integers as int32; raise `RunnerError` if they are none, or do not fit."""
    integers: npt.NDArray[np.int32] = values.astype(np.int64).astype(np.int32)
    if not np.array_equal(integers, values):
        raise RunnerError(f"{name} left the integers of 32 bits; brian2-loihi neither wraps nor clips")
    return integers


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
    names = ("brian2-loihi", "Brian2", "numpy")
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
