"""Running a program: on a built-in simulator, or by a backend's runner in a separate process.

Two simulators are built in: the kernel, which is fast, and the reference, which defines the meaning of the integers.
Their results are equal; by default the kernel runs if it supports the program's rule. Importing Numba, and compiling
the kernel for a rule, take longer than the reference takes for a small run: `snnprog run` and the final check of a
compilation then use the reference, unless both have been done already.

A runner is not trusted: `failure_of` runs it, and all shapes and types of its result are checked before it
becomes a `Trace`.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snnprog.archive import array_of, check_regular, read_archive, write_archive
from snnprog.arrays import Raster, dtype_name
from snnprog.backends.environment import interpreter_of
from snnprog.backends.folder import Backend, find_backend
from snnprog.backends.gaps import check_gaps
from snnprog.backends.readouts import read_out, reads_potentials
from snnprog.calls import call_checked
from snnprog.checks import as_seconds, check_type
from snnprog.chips import CHIPS
from snnprog.documents import parse_json
from snnprog.errors import BackendError, FormatError, PortabilityWarning, SpecError
from snnprog.processes.commands import UNFINISHED, failure_of
from snnprog.processes.isolation import isolated
from snnprog.program import Program
from snnprog.raster import as_raster, as_rasters, check_width
from snnprog.simulate import simulate
from snnprog.temporaries import temporary_folder
from snnprog.trace import Trace
from snnprog.version import __version__
from snnprog.wording import a_type, did_you_mean

REFERENCE, KERNEL = "reference", "kernel"
BUILT_IN = {
    KERNEL: "the built-in integer simulator, compiled",
    REFERENCE: "the built-in integer simulator, in plain NumPy",
}
Record = Literal["spikes", "state"]

STATES_TOGETHER = 1 << 24
"""Ticks x neurons whose states are stored at a time if only readouts are recorded: 128 MB of 32-bit currents and
potentials. A choice, not a measurement."""

LITTLE_TICKS = 4000
LITTLE_ADDITIONS = 10_000_000
"""The work of the reference in about 0.3 s, at 45 us a tick and 10 ns an addition; importing Numba takes 0.6 s."""

READY_SHARE = 8
"""The kernel's machine code loads in an eighth of that: 40 ms from the cache (measured), nothing when it is loaded."""

PROGRAM_FILE = "program.snnp"
RESULT_LIMIT_VARIABLE = "SNNPROG_RESULT_LIMIT_BYTES"
RESULT_BYTES = 1 << 20  # allowance for headers and versions in a result, beside its arrays

NEURON_ADDITIONS = 6
"""The cost of a neuron for the reference in a tick, in additions: 60 ns measured (1 to 60 delays: 50 to 100 ns)."""


@dataclass(frozen=True, eq=False)
class Run:
    """The result of a backend.

    Attributes
    ----------
    traces : tuple of Trace
        One per pattern.
    versions : dict
        Name -> version of the software that ran.
    """

    traces: tuple[Trace, ...]
    versions: Mapping[str, str]


@overload
def run(
    program: Program,
    inputs: NDArray[np.generic],
    backend: str | None = ...,
    record: Record = ...,
    *,
    timeout_s: float | None = ...,
) -> Trace: ...


@overload
def run(
    program: Program,
    inputs: Sequence[ArrayLike],
    backend: str | None = ...,
    record: Record = ...,
    *,
    timeout_s: float | None = ...,
) -> list[Trace]: ...


@call_checked
def run(
    program: Program,
    inputs: NDArray[np.generic] | Sequence[ArrayLike],
    backend: str | None = None,
    record: Record = "spikes",
    *,
    timeout_s: float | None = None,
) -> Trace | list[Trace]:
    """Run a program.

    Parameters
    ----------
    program : Program
    inputs : (ticks, inputs) bool, or a list of them
        One raster gives one trace; a list gives a list, each from rest.
    backend : str, optional
        "kernel", "reference", or the name of a backend folder; `built_in` by default.
    record : {"spikes", "state"}
        "state" records the current and potential of every neuron after each tick, too. Outputs that are read by their
        potential are always recorded: see `Trace.readout`.
    timeout_s : float, optional
        Seconds after which the run fails; the backend's own limit by default.

    Raises
    ------
    SpecError
        If the inputs are not rasters of the program's width.
    BackendError
        If the backend is missing, fails, hangs or returns an invalid result.
    LimitError
        If the backend does not support the program, or the potential of an output that is read by it reaches the
        threshold.

    Warns
    -----
    PortabilityWarning
        If a built-in simulator leaves the range in which all runtimes agree.
    """
    check_type("program", program, kind=Program)
    if not isinstance(inputs, (np.ndarray, Sequence)) or isinstance(inputs, str):
        raise SpecError(f"inputs must be a raster (ticks, inputs) or a list of them, got {a_type(inputs)}")
    if isinstance(inputs, np.ndarray) and inputs.ndim < 3:
        raster = {"inputs": as_raster(inputs, "inputs")}
        return _run_rasters(program, raster, backend=backend, record=record, timeout_s=timeout_s).traces[0]
    return list(run_backend(program, list(inputs), backend, record, timeout_s=timeout_s).traces)


def run_backend(
    program: Program,
    inputs: Sequence[ArrayLike],
    backend: str | None = None,
    record: Record = "spikes",
    *,
    timeout_s: float | None = None,
) -> Run:
    """Run a program on several patterns, and return the versions of the software, too; see `run`."""
    check_type("program", program, kind=Program)
    rasters = {f"inputs[{index}]": raster for index, raster in enumerate(as_rasters(inputs))}
    return _run_rasters(program, rasters, backend=backend, record=record, timeout_s=timeout_s)


def _run_rasters(
    program: Program, named: Mapping[str, Raster], *, backend: str | None, record: Record, timeout_s: float | None
) -> Run:
    """Run a program on rasters, whose names stand in messages."""
    limit = None if timeout_s is None else as_seconds("timeout_s", timeout_s)
    check_record(record)
    for name, raster in named.items():
        check_width(name, raster, lines=program.n_inputs)
    rasters = list(named.values())
    backend = built_in(program) if backend is None else backend
    if backend in BUILT_IN:
        return _run_built_in(program, rasters, backend=backend, record=record)
    folder = folder_for(program, backend, record=record)
    if not rasters:
        return Run((), {})
    answer = _run_folder(
        program, rasters, backend=folder, state=record == "state" or reads_potentials(program), timeout_s=limit
    )
    return Run(read_out(program, answer.traces, state=record == "state"), answer.versions)


def check_record(record: object) -> None:
    """Raise `SpecError` unless this is a valid value of ``record``."""
    if record not in ("spikes", "state"):
        raise SpecError(f"record must be 'spikes' or 'state', got {record!r}")


def folder_for(program: Program, name: str, *, record: Record) -> Backend:
    """Return the backend folder of that name, if it can run the program and record spikes or states.

    Raises
    ------
    BackendError
        If no folder has that name, it executes other rules, or it records no states.
    LimitError
        If it does not support the program.
    """
    folder, rule = find_backend(name), program.chip.rule.name
    if not folder.executes(rule):
        raise BackendError(wrong_rule(folder, rule, whose="the program"))
    check_gaps(program, folder.gaps, backend=name)
    if record == "state" and not folder.gaps.potentials:
        raise BackendError(f"backend {name} records no currents and potentials; record spikes only")
    return folder


def wrong_rule(folder: Backend, rule: str, *, whose: str) -> str:
    """Return the message about a rule that a backend does not execute, and where its rules are named."""
    executes = ", ".join(folder.semantics) or "no rule"
    meant = did_you_mean(rule, folder.semantics).partition("; ")[2]
    file = f"semantics in {folder.folder / 'backend.toml'}{f': {meant}' if meant else ''}"
    return (
        f"backend {folder.name} runs the rule {executes}, and {whose} has the rule {rule}; choose another backend:"
        f" 'snnprog backends list' shows them ({file})"
    )


def built_in(program: Program, inputs: Sequence[Raster] | None = None) -> str:
    """Return which built-in simulator runs a program: "kernel", or "reference" for small runs.

    Parameters
    ----------
    inputs : list of rasters (ticks, inputs), optional
        Everything that this process will run: "reference" if it takes less time than getting the kernel ready.
    """
    if inputs is None or not _is_little(program, inputs):
        return KERNEL
    is_worth_loading = "numba" in sys.modules and not _is_little(program, inputs, share=READY_SHARE)
    return KERNEL if is_worth_loading and _is_kernel_ready(program) else REFERENCE


def _is_kernel_ready(program: Program) -> bool:
    from snnprog.simulate import kernel

    return kernel.is_ready(program)


def _is_little(program: Program, inputs: Sequence[Raster], *, share: int = 1) -> bool:
    """Return whether the reference takes less time than importing Numba, or than this share of it.

    It runs patterns side by side, so each takes as many ticks as the longest.
    """
    lengths = [len(raster) for raster in inputs]
    longest = max(lengths, default=0)
    additions = sum(lengths) * program.n_synapses + longest * len(lengths) * program.n_neurons * NEURON_ADDITIONS
    return longest * share <= LITTLE_TICKS and additions * share <= LITTLE_ADDITIONS


def built_in_rules(backend: str) -> list[str]:
    """Return the names of the integer rules that a built-in simulator executes."""
    return list(dict.fromkeys(chip.rule.name for chip in CHIPS.values()))


def simulate_built_in(program: Program, inputs: Sequence[Raster], *, state: bool = False) -> list[Trace]:
    """Run a program on the built-in simulator that takes less time for these inputs; see `built_in`.

    Excursions are in the traces, without a warning. The caller checks shapes.
    """
    return _traces(program, inputs, built_in(program, inputs), state=state)


def _run_built_in(program: Program, rasters: list[Raster], *, backend: str, record: Record) -> Run:
    state = record == "state"
    groups = _groups(program, rasters) if reads_potentials(program) and not state else [rasters]
    traces: list[Trace] = []
    for group in groups:
        states = _traces(program, group, backend, state=state or reads_potentials(program))
        traces += read_out(program, states, state=state, first=len(traces))
    for index, trace in enumerate(traces):
        if trace.excursion is not None:
            left = trace.excursion.in_words(program.neuron_names)
            warnings.warn(f"pattern {index}: {left}", PortabilityWarning, stacklevel=5)
            break
    return Run(tuple(traces), built_in_versions(backend))


def built_in_versions(backend: str) -> dict[str, str]:
    """Return name -> version of the software of a built-in simulator."""
    versions = {"snnprog": __version__, "numpy": np.__version__}
    if backend == KERNEL:
        import numba

        versions["numba"] = numba.__version__
    return versions


def _groups(program: Program, rasters: list[Raster]) -> list[list[Raster]]:
    """Return the patterns in order, in parts whose states take little memory."""
    ends = np.cumsum([len(raster) * program.n_neurons for raster in rasters], dtype=np.int64)
    part = ends // STATES_TOGETHER
    return [[rasters[index] for index in np.flatnonzero(part == number)] for number in np.unique(part)]


def _traces(program: Program, rasters: Sequence[Raster], backend: str, *, state: bool) -> list[Trace]:
    if backend == REFERENCE:
        return simulate(program, rasters, state=state)
    from snnprog.simulate import kernel  # importing Numba takes longer than all other imports together

    return kernel.simulate(program, rasters, state=state)


def _run_folder(
    program: Program, rasters: list[Raster], *, backend: Backend, state: bool, timeout_s: float | None
) -> Run:
    python = interpreter_of(backend)
    ticks = sum(len(raster) for raster in rasters)
    limit = backend.limit_s(ticks) if timeout_s is None else timeout_s
    with temporary_folder() as folder:
        write_program(program, backend, folder=folder)
        write_stimulus(folder / "stimulus.npz", rasters, state=state)
        files = [str(folder / file) for file in (PROGRAM_FILE, "stimulus.npz", "result.npz")]
        failure = failure_of(
            isolated(python, str(backend.runner), *files),
            limit_s=limit,
            folder=folder,
            variables=(*backend.variables, *backend.passed_variables),
            settings={RESULT_LIMIT_VARIABLE: str(result_limit(program, ticks, state=state))},
        )
        if failure:
            hint = backend.longer(timeout_s) if failure.startswith(UNFINISHED) else ""
            raise BackendError(f"backend {backend.name} {failure}{hint}")
        try:
            return read_result(folder / "result.npz", program, rasters=rasters, state=state)
        except FormatError as error:
            raise BackendError(f"backend {backend.name} wrote an invalid result: {error}") from error


def write_program(program: Program, backend: Backend, *, folder: Path) -> None:
    """Write the program file for a runner: with every synapse listed, without names and the kinds of readouts.

    The artifact of the backend is exported beside it.
    """
    readout = np.zeros_like(program.readout)
    plain = replace(program.unrolled(), readout=readout, input_names=None, neuron_names=None)
    plain.save(folder / PROGRAM_FILE)
    if backend.artifact:
        from snnprog.emit.exporting import export

        export(plain, folder / f"program{backend.artifact}", board=backend.board)


def write_stimulus(path: Path, rasters: Sequence[Raster], *, state: bool) -> None:
    """Write the stimulus for a runner: one raster (ticks, inputs) per pattern, and whether to record states."""
    stimulus: dict[str, NDArray[np.generic]] = {
        "raster": np.concatenate(rasters),
        "lengths": np.array([len(raster) for raster in rasters], dtype=np.int64),
        "state": np.array(state),
    }
    write_archive(path, stimulus, texts={})


def result_limit(program: Program, ticks: int, *, state: bool) -> int:
    """Return the maximum size of a result in bytes: 1 per output and tick, and 8 per neuron and tick with states."""
    return RESULT_BYTES + ticks * (program.n_outputs + (8 * program.n_neurons if state else 0))


def read_result(path: Path, program: Program, *, rasters: Sequence[Raster], state: bool) -> Run:
    """Return the run in a result file.

    Raises
    ------
    FormatError
        If it is missing, damaged or too large, or its shapes and types differ from the contract.
    """
    if not path.exists():
        raise FormatError("there is no result file")
    if path.is_symlink():
        raise FormatError("the result must be a regular file, got a link")
    ends = np.cumsum([len(raster) for raster in rasters])
    ticks = int(ends[-1])
    limit = result_limit(program, ticks, state=state)
    if check_regular(path) > limit:
        raise FormatError(f"the result has more than {limit} bytes; no run of these inputs needs more")
    members = read_archive(path, limit=limit)
    wanted: dict[str, tuple[str, int]] = {"spikes": ("|b1", program.n_outputs)}
    if state:
        wanted |= {"currents": ("<i4", program.n_neurons), "potentials": ("<i4", program.n_neurons)}
    parts = {}
    for name, (dtype, width) in wanted.items():
        array = array_of(path, members, name=name)
        if array.dtype.str != dtype or array.shape != (ticks, width):
            raise FormatError(
                f"{name} must be {dtype_name(dtype)} of shape {(ticks, width)}, got {dtype_name(array.dtype)} of shape"
                f" {array.shape}"
            )
        parts[name] = np.split(array, ends[:-1])
    traces = tuple(Trace(**{name: part[index] for name, part in parts.items()}) for index in range(len(rasters)))
    return Run(traces, _versions(array_of(path, members, name="versions")))


def _versions(array: NDArray[np.generic]) -> dict[str, str]:
    if array.dtype.kind != "U" or array.ndim:
        raise FormatError(f"versions must be the text of a JSON object, got {array.dtype} of shape {array.shape}")
    codec = "utf-32-be" if array.dtype.str.startswith(">") else "utf-32-le"
    try:  # not by str(), which fails with a SystemError on invalid characters
        versions = parse_json(array.tobytes().decode(codec).rstrip("\0").encode("utf-8"))
    except ValueError as error:
        raise FormatError(f"versions must be a JSON object: {error}") from error
    return {name: str(version) for name, version in versions.items()}
