"""Run a spiking-network program on Lava: ``runner.py PROGRAM STIMULUS RESULT``.

The script stands alone: it is started with the interpreter of Lava's own environment, talks through files only, and
imports NumPy, Lava and the standard library. PROGRAM is a zip of ``program.json`` and int32 arrays, STIMULUS and
RESULT are ``.npz``. RESULT appears whole or not at all. Exit code 0 means it was written; anything else comes with
one sentence on stderr.

How the program becomes a Lava network (lava-nc 0.10.0, models tagged ``fixed_pt``, none of them modified):

- One ``LIF`` process holds all neurons. Its process model broadcasts, so ``du``, ``dv`` and ``vth`` may be arrays
  although Lava's documentation only promises scalars.
- A synapse with delay d acts d ticks after its spike; Lava counts d - 1, because every connection already costs one
  tick.
- A ``DelayDense`` holds one synapse per (post, pre) entry. Further taps of an input line get further columns, and the
  source plays that line once per column. An ``OutPort`` cannot be replicated, so further taps of a neuron get further
  connections.
- Which core a neuron is on (the program's array ``core``) changes no spike and is not read.
- Spikes and state leave as one vector per tick (``Extractor``, ``VarWire``). Reading a ``Var`` costs a message per
  value.
- Between patterns u, v and every synaptic buffer are set to zero. Nothing else carries over: ports are empty between
  runs.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import json
import multiprocessing
import multiprocessing.connection
import os
import platform
import signal
import sys
import threading
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from lava.magma.core.process.variable import Var
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi1SimCfg
from lava.proc.dense.process import DelayDense
from lava.proc.io.extractor import Extractor, PyLoihiExtractorModel, PyLoihiVarWireModel, VarWire
from lava.proc.io.source import RingBuffer as Source
from lava.proc.lif.process import LIF
from lava.utils.weightutils import SignMode, clip_weights, truncate_weights

Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]

SYNAPSE_FIELDS = ("pre", "post", "delay", "weight", "exponent", "sign_mode")
NEURON_FIELDS = ("threshold", "current_decay", "potential_decay", "bias")

LIMITS = {
    "delay": (1, 63),
    "exponent": (0, 7),
    "sign_mode": (SignMode.MIXED.value, SignMode.INHIBITORY.value),
    "threshold": (1, 131071),
    "current_decay": (0, 4095),
    "potential_decay": (0, 4095),
    "refractory": (1, 1),
}
"""Inclusive ranges that Lava's fixed-point models assume and do not check (a violation is silent, or hangs)."""

BIAS_MANTISSA_LIMIT = 4095
BIAS_EXPONENT_LIMIT = 7

TICKS_PER_RUN = 256
"""Ticks between two drains of the recording channels; bounds their shared memory."""

RESET_VALUE_LIMIT = 10_000
"""Values to zero per reset (about 50 microseconds each) above which a new network (about 0.4 s) is cheaper."""

SOURCE_VALUE_LIMIT = 25_000_000
"""Spike-source entries (int32) per network: 100 MB."""

WATCH_INTERVAL_SECONDS = 0.2

RULE = "loihi1-lif-lava-0.10.0"


class RunnerError(Exception):
    """The input files are wrong, or Lava failed; the message is the sentence shown to the caller."""


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
    sign_mode: Integers
    threshold: Integers
    current_decay: Integers
    potential_decay: Integers
    bias: Integers
    refractory: Integers

    def __post_init__(self) -> None:
        """Refuse what Lava would wrap, clip, drop or hang on."""
        if self.n_neurons < 1:
            raise RunnerError(f"the program must have at least one neuron, got {self.n_neurons}")
        check_equal_lengths(self, SYNAPSE_FIELDS, self.pre.size)
        check_equal_lengths(self, NEURON_FIELDS, self.n_neurons)
        for name, (lowest, highest) in LIMITS.items():
            check_range(name, getattr(self, name), lowest, highest)
        check_range("outputs", self.outputs, 0, self.n_neurons - 1)
        check_range("post", self.post, 0, self.n_neurons - 1)
        check_range("pre", self.pre, 0, self.n_inputs + self.n_neurons - 1)


@dataclass(frozen=True)
class Stimulus:
    """Patterns one after another.

    ``raster`` is bool (ticks, n_inputs), ``lengths`` their ticks; ``state`` asks for u and v.
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


def check_equal_lengths(program: Program, names: tuple[str, ...], length: int) -> None:
    """Raise `RunnerError` unless each named array is 1-D with `length` entries."""
    for name in names:
        shape = getattr(program, name).shape
        if shape != (length,):
            raise RunnerError(f"the program's array {name} has shape {shape}; ({length},) was expected")


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
        names = ["outputs", *SYNAPSE_FIELDS, *NEURON_FIELDS]
        names += ["refractory"] if "refractory.npy" in archive.namelist() else []
        arrays = {name: read_integers(archive, name) for name in names}
    arrays.setdefault("refractory", np.ones_like(arrays["threshold"]))
    return Program(n_inputs=int(header["n_inputs"]), n_neurons=int(header["n_neurons"]), **arrays)


def read_integers(archive: zipfile.ZipFile, name: str) -> Integers:
    """Read member ``name.npy``, which must hold integers (a float array would hang Lava)."""
    values = np.load(io.BytesIO(archive.read(f"{name}.npy")), allow_pickle=False)
    if not np.issubdtype(values.dtype, np.integer):
        raise RunnerError(f"the program's array {name} has type {values.dtype}; integers were expected")
    widened: Integers = values.astype(np.int64)
    return widened


def check_rule(path: Path) -> None:
    """Raise `RunnerError` if the program at `path` means other integers than Lava computes."""
    with zipfile.ZipFile(path) as archive:
        rule = json.loads(archive.read("program.json")).get("semantics", {}).get("name")
    if rule != RULE:
        raise RunnerError(f"the program means {rule}; Lava executes {RULE}")


def read_stimulus(path: Path, n_inputs: int) -> Stimulus:
    """Read the stimulus at `path` and check its number of input lines."""
    with reading(path), np.load(path, allow_pickle=False) as archive:
        stimulus = Stimulus(archive["raster"].astype(bool), archive["lengths"].astype(np.int64), bool(archive["state"]))
    if stimulus.raster.shape[1] != n_inputs:
        raise RunnerError(f"the raster has {stimulus.raster.shape[1]} input lines; the program has {n_inputs}")
    return stimulus


# ------------------------------------------------- synapses to weight matrices


@dataclass(frozen=True)
class Layer:
    """One ``DelayDense``: int64 matrices (post, column), delays in Lava's count, and what the connection shares."""

    weights: Integers
    delays: Integers
    sign_mode: SignMode
    exponent: int


@dataclass(frozen=True)
class Layout:
    """All connections of a network.

    ``source_lines`` names the input line behind each input-layer column; recurrent columns are neurons.
    """

    source_lines: Integers
    input_layers: tuple[Layer, ...]
    recurrent_layers: tuple[Layer, ...]

    @property
    def n_buffered(self) -> int:
        """Number of values in all synaptic delay buffers."""
        layers = self.input_layers + self.recurrent_layers
        return sum(len(layer.delays) * (int(layer.delays.max()) + 1) for layer in layers)


def lay_out(program: Program) -> Layout:
    """Spread the synapses over as few connections as Lava allows."""
    ranks = tap_ranks(program)
    is_input = program.pre < program.n_inputs
    taps = sorted(set(zip(program.pre[is_input].tolist(), ranks[is_input].tolist(), strict=True)))
    return Layout(
        source_lines=np.array([line for line, _ in taps], dtype=np.int64),
        input_layers=input_layers(program, ranks, taps),
        recurrent_layers=recurrent_layers(program, ranks),
    )


def tap_ranks(program: Program) -> Integers:
    """Return each synapse's number among those that would share its matrix entry: 0, 1, and so on."""
    seen: Counter[tuple[int, ...]] = Counter()
    ranks = np.zeros(program.pre.size, dtype=np.int64)
    keys = np.stack([program.pre, program.post, program.sign_mode, program.exponent], axis=1).tolist()
    for index, key in enumerate(map(tuple, keys)):
        ranks[index] = seen[key]
        seen[key] += 1
    return ranks


def input_layers(program: Program, ranks: Integers, taps: list[tuple[int, int]]) -> tuple[Layer, ...]:
    """One layer per (sign mode, exponent); all of them read the same source, with one column per (line, rank)."""
    column_of = {tap: column for column, tap in enumerate(taps)}
    members = np.flatnonzero(program.pre < program.n_inputs)
    groups = grouped(members, program.sign_mode, program.exponent)
    return tuple(
        make_layer(program, group, [column_of[int(program.pre[k]), int(ranks[k])] for k in group], len(taps))
        for group in groups
    )


def recurrent_layers(program: Program, ranks: Integers) -> tuple[Layer, ...]:
    """One layer per (sign mode, exponent, rank), with one column per neuron."""
    members = np.flatnonzero(program.pre >= program.n_inputs)
    groups = grouped(members, program.sign_mode, program.exponent, ranks)
    return tuple(
        make_layer(program, group, (program.pre[group] - program.n_inputs).tolist(), program.n_neurons)
        for group in groups
    )


def grouped(members: Integers, *keys: Integers) -> list[Integers]:
    """Split `members` (synapse indices) into groups that agree in every key, in ascending order of the keys."""
    if members.size == 0:
        return []
    _, labels = np.unique(np.stack([key[members] for key in keys], axis=1), axis=0, return_inverse=True)
    labels = labels.reshape(-1)
    return [members[labels == label] for label in range(int(labels.max()) + 1)]


def make_layer(program: Program, group: Integers, columns: list[int], n_columns: int) -> Layer:
    """Fill the matrices of one connection; no two synapses of `group` share an entry."""
    weights = np.zeros((program.n_neurons, n_columns), dtype=np.int64)
    delays = np.zeros_like(weights)
    weights[program.post[group], columns] = program.weight[group]
    delays[program.post[group], columns] = program.delay[group] - 1
    sign_mode = SignMode(int(program.sign_mode[group[0]]))
    check_weights_survive(weights, sign_mode)
    return Layer(weights, delays, sign_mode, int(program.exponent[group[0]]))


def check_weights_survive(weights: Integers, sign_mode: SignMode) -> None:
    """Raise `RunnerError` if Lava's own weight preparation (silent clip and truncation) would change a weight."""
    prepared = truncate_weights(clip_weights(weights, sign_mode, num_bits=8), sign_mode, num_weight_bits=8)
    changed = np.flatnonzero(prepared != weights)
    if changed.size:
        before, after = weights.flat[changed[0]], prepared.flat[changed[0]]
        raise RunnerError(
            f"a weight of {before} in sign mode {sign_mode.name} would become {after} on Lava; use its weight grid"
        )


def split_biases(biases: Integers) -> tuple[Integers, Integers]:
    """Write each bias as ``mantissa << exponent`` with the smallest exponent."""
    pairs = [split_bias(int(bias)) for bias in biases]
    return np.array([mantissa for mantissa, _ in pairs]), np.array([exponent for _, exponent in pairs])


def split_bias(bias: int) -> tuple[int, int]:
    """Mantissa and exponent of one bias; raise `RunnerError` if Lava cannot hold it exactly."""
    for exponent in range(BIAS_EXPONENT_LIMIT + 1):
        mantissa = bias >> exponent
        if mantissa << exponent == bias and abs(mantissa) <= BIAS_MANTISSA_LIMIT:
            return mantissa, exponent
    raise RunnerError(
        f"a bias of {bias} is not mantissa << exponent with |mantissa| <= {BIAS_MANTISSA_LIMIT} and exponent 0..7"
    )


# ------------------------------------------------------------ the Lava network


@dataclass(frozen=True)
class Network:
    """The Lava processes that are still needed once everything is connected."""

    neurons: LIF
    connections: tuple[DelayDense, ...]
    spike_recorder: Extractor
    state_recorders: tuple[VarWire, ...]

    @property
    def state(self) -> tuple[Var, ...]:
        """Every variable that can carry one pattern into the next."""
        return (self.neurons.u, self.neurons.v, *(connection.a_buff for connection in self.connections))


def build_network(program: Program, layout: Layout, raster: Booleans, *, state: bool) -> Network:
    """Create and connect the processes that play `raster`; nothing runs yet.

    Every process is connected to the neurons: Lava compiles only processes connected to the one that it runs.
    """
    neurons = make_neurons(program)
    connections = connect_inputs(neurons, layout, raster) + connect_recurrence(neurons, layout)
    recorder = Extractor(shape=(program.n_neurons,), buffer_size=TICKS_PER_RUN)
    neurons.s_out.connect(recorder.in_port)
    wires = tuple(record(variable) for variable in (neurons.u, neurons.v)) if state else ()
    return Network(neurons, tuple(connections), recorder, wires)


def make_neurons(program: Program) -> LIF:
    """All neurons, at rest, each with its own parameters."""
    mantissas, exponents = split_biases(program.bias)
    return LIF(
        shape=(program.n_neurons,),
        du=program.current_decay,
        dv=program.potential_decay,
        vth=program.threshold,
        bias_mant=mantissas,
        bias_exp=exponents,
    )


def connect_inputs(neurons: LIF, layout: Layout, raster: Booleans) -> list[DelayDense]:
    """Play the raster into the input layers; without any, no source is made."""
    if not layout.input_layers:
        return []
    source = Source(data=raster.T[layout.source_lines].astype(np.int32))
    connections = [make_connection(layer) for layer in layout.input_layers]
    for connection in connections:
        source.s_out.connect(connection.s_in)
        connection.a_out.connect(neurons.a_in)
    return connections


def connect_recurrence(neurons: LIF, layout: Layout) -> list[DelayDense]:
    """Feed the neurons' spikes back through the recurrent layers."""
    connections = [make_connection(layer) for layer in layout.recurrent_layers]
    for connection in connections:
        neurons.s_out.connect(connection.s_in)
        connection.a_out.connect(neurons.a_in)
    return connections


def make_connection(layer: Layer) -> DelayDense:
    """Make the Lava process of one layer.

    ``max_delay`` is spelt out because a delay above it silently removes the synapse, and the sign mode because Lava
    would otherwise guess it from the weights.
    """
    return DelayDense(
        weights=layer.weights,
        delays=layer.delays,
        max_delay=int(layer.delays.max()),
        weight_exp=layer.exponent,
        num_weight_bits=8,
        sign_mode=layer.sign_mode,
    )


def record(variable: Var) -> VarWire:
    """Return a recorder that sends `variable` as one vector at the end of every tick."""
    wire = VarWire(buffer_size=TICKS_PER_RUN)
    wire.connect_var(variable)
    return wire


@contextlib.contextmanager
def running(network: Network) -> Iterator[None]:
    """Start the operating-system processes of `network`, and end every one of them on the way out."""
    configuration = Loihi1SimCfg(
        select_tag="fixed_pt",
        # These two carry no tag; without the exception Lava refuses them beside a select_tag.
        exception_proc_model_map={Extractor: PyLoihiExtractorModel, VarWire: PyLoihiVarWireModel},
    )
    try:
        network.neurons.create_runtime(configuration)
        with watched_children():
            yield
        network.neurons.stop()
        for wire in network.state_recorders:
            wire._multi_processing.stop()  # VarWire's own shared-memory server, which stop() above does not know
    finally:
        kill_children()


@contextlib.contextmanager
def watched_children() -> Iterator[None]:
    """End this program if a child process ends early.

    Lava raises exceptions of a process model inside its child, and the parent then waits forever.
    """
    finished = threading.Event()
    watcher = threading.Thread(target=watch, args=(finished, multiprocessing.active_children()), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        finished.set()
        watcher.join()


def watch(finished: threading.Event, children: list[multiprocessing.Process]) -> None:
    """Body of the watching thread: return once `finished` is set, abort as soon as a child is gone."""
    sentinels = [child.sentinel for child in children]
    while not finished.is_set():
        if multiprocessing.connection.wait(sentinels, WATCH_INTERVAL_SECONDS) and not finished.is_set():
            exceptions = [
                getattr(child, "exception", None) for child in children
            ]  # only Lava's own child processes have one
            causes = [repr(found[0]) for found in exceptions if found]
            abort(f"a Lava process ended early ({', '.join(causes) or 'killed, or out of memory'})")


def kill_children() -> None:
    """Kill whatever child processes are left; none are after an orderly stop."""
    for child in multiprocessing.active_children():
        child.kill()


def abort(sentence: str) -> None:
    """Print `sentence` and leave at once.

    A normal exit could hang: Lava's Runtime stops itself when it is collected, by talking to processes that may be
    gone.
    """
    kill_children()
    sys.stderr.write(f"runner.py: {sentence}\n")
    sys.stderr.flush()
    os._exit(1)


def tie_to_parent() -> None:
    """Leave Ctrl-C to the parent, in a new child; have Linux kill the child when the parent is gone, even by -9."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)


# ------------------------------------------------------------------- execution


def execute(program: Program, stimulus: Stimulus) -> dict[str, npt.NDArray[np.generic]]:
    """Run all patterns, each from rest.

    Returns
    -------
    dict
        ``spikes`` bool (ticks, n_outputs) and, when the stimulus asks for state, ``currents`` and ``potentials`` int32
        (ticks, n_neurons) after each tick.
    """
    layout = lay_out(program)
    ticks = len(stimulus.raster)
    records = np.zeros((3 if stimulus.state else 1, ticks, program.n_neurons), dtype=np.int32)
    stops = np.cumsum(stimulus.lengths)
    for batch in batches(program, layout, stimulus.lengths):
        span = slice(int(stops[batch.start] - stimulus.lengths[batch.start]), int(stops[batch.stop - 1]))
        network = build_network(program, layout, stimulus.raster[span], state=stimulus.state)
        with running(network):
            run_patterns(network, stimulus.lengths[batch].tolist(), records[:, span])
    result: dict[str, npt.NDArray[np.generic]] = {"spikes": records[0][:, program.outputs].astype(bool)}
    if stimulus.state:
        result |= {"currents": records[1], "potentials": records[2]}
    return result


def batches(program: Program, layout: Layout, lengths: Integers) -> Iterator[slice]:
    """Yield the patterns that share a network: all, unless a reset costs more than a new one or the source is big."""
    reset_values = 2 * program.n_neurons + layout.n_buffered
    pattern_limit = 1 if reset_values > RESET_VALUE_LIMIT else len(lengths)
    tick_limit = SOURCE_VALUE_LIMIT // max(1, layout.source_lines.size)
    start, ticks = 0, 0
    for index, length in enumerate(lengths.tolist()):
        if index > start and (index - start == pattern_limit or ticks + length > tick_limit):
            yield slice(start, index)
            start, ticks = index, 0
        ticks += length
    if ticks:
        yield slice(start, len(lengths))


def run_patterns(network: Network, lengths: list[int], records: npt.NDArray[np.int32]) -> None:
    """Run consecutive patterns, reset between them, and fill `records` (recorder, tick, neuron)."""
    tick = 0
    for length in lengths:
        if tick:
            reset(network)
        run_ticks(network, records[:, tick : tick + length])
        tick += length


def run_ticks(network: Network, records: npt.NDArray[np.int32]) -> None:
    """Run as many ticks as `records` has, draining the recorders before their channels are full."""
    recorders = (network.spike_recorder, *network.state_recorders)
    for start in range(0, records.shape[1], TICKS_PER_RUN):
        part = records[:, start : start + TICKS_PER_RUN]
        network.neurons.run(RunSteps(num_steps=part.shape[1]))
        for recorder, rows in zip(recorders, part, strict=True):
            for row in rows:
                row[:] = recorder.receive()


def reset(network: Network) -> None:
    """Bring the network back to rest: no current, no potential, nothing in flight."""
    for variable in network.state:
        variable.set(np.zeros(variable.shape))


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
    return {"lava-nc": version("lava-nc"), "numpy": np.__version__, "python": platform.python_version()}


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
    if sys.platform != "win32":
        os.register_at_fork(after_in_child=tie_to_parent)
    # After an abort, Python's resource tracker frees the shared memory; its warning would follow our one sentence.
    os.environ["PYTHONWARNINGS"] = "ignore:resource_tracker"
    try:
        main(sys.argv[1:])
    except RunnerError as error:
        abort(str(error))
    except KeyboardInterrupt:
        abort("interrupted")
    except Exception as error:
        abort(f"{type(error).__name__}: {error}")
