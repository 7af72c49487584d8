"""The streaming contract: a backend folder whose runner runs tick by tick, for `snnprog.Simulator`.

With ``stream = true`` in ``backend.toml`` the runner is also started as ``runner.py PROGRAM - -``, or as
``runner.py PROGRAM - - state`` if currents and potentials are recorded. It uses standard input and output:

1. it writes one line of JSON, ``{"versions": {...}}``, once it is ready;
2. for a byte ``T`` and a byte for each input line, its spike count, it runs a tick, and writes a byte for each output,
   its spike count; with ``state`` also a little-endian int32 for the current of each neuron, then for the
   potential of each, after the tick. It flushes what it has written before it waits;
3. for a byte ``R`` it returns to rest, and writes nothing;
4. at the end of its input it exits 0.

Several commands may arrive at a time. Its standard error is shown if it fails.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from contextlib import ExitStack

import numpy as np

from snnprog.arrays import Bytes, Integers
from snnprog.backends.environment import interpreter_of
from snnprog.backends.execution import PROGRAM_FILE, write_program
from snnprog.backends.folder import Backend
from snnprog.documents import parse_json
from snnprog.errors import BackendError
from snnprog.processes.conversation import UNANSWERED, Conversation, ConversationError
from snnprog.processes.isolation import isolated
from snnprog.program import Program
from snnprog.simulate.parameters import most_line_spikes
from snnprog.temporaries import temporary_folder
from snnprog.trace import Trace

TICK, REST = b"T", b"R"
FIRST_LINE_BYTES = 1 << 16
"""Maximum size of the line of versions, usually a few hundred bytes."""


class RunnerStepper:
    """Runs one pattern of a program in a runner's process, step by step.

    Parameters
    ----------
    program : Program
    backend : Backend
    state : bool
        Whether currents and potentials are recorded.
    timeout_s : float, optional
        Seconds after which a step fails; the backend's own limit by default.

    Attributes
    ----------
    versions : mapping of str to str
        The versions that the runner reports.

    Raises
    ------
    BackendError
        If the backend does not support streaming, or cannot be started.
    """

    def __init__(self, program: Program, backend: Backend, *, state: bool, timeout_s: float | None) -> None:
        if not backend.stream:
            raise BackendError(
                f"backend {backend.name} does not stream: its backend.toml lacks 'stream = true';"
                " use kernel, reference or a backend that streams"
            )
        self._program, self._backend, self._state, self._timeout_s = program, backend, state, timeout_s
        self._most = most_line_spikes(program)
        self._runner: _Runner | None = _Runner(program, backend, state=state)
        self.versions: Mapping[str, str] = self._runner.versions

    def step(self, stimulus: Bytes, first_tick: int) -> Trace:
        """Go on with the spike counts ``(ticks, inputs)`` of a stimulus; from rest where ``first_tick`` is 0.

        Raises
        ------
        BackendError
            If the runner ends, hangs or returns an invalid result. It is then ended, and restarted by a step from
            rest.
        """
        return self._traces([stimulus], first_tick)[0]

    def trials(self, stimuli: Sequence[Bytes]) -> list[Trace]:
        """Run stimuli, each from rest, in one question.

        Raises
        ------
        BackendError
            As for `step`.
        """
        return self._traces(stimuli, 0) if stimuli else []

    def close(self) -> None:
        """End the process."""
        if self._runner is not None:
            self._runner.close()
            self._runner = None

    def _traces(self, stimuli: Sequence[Bytes], first_tick: int) -> list[Trace]:
        """Ask for stimuli one after another, each of which begins at a tick, and return their traces."""
        if self._runner is None:
            if first_tick:
                raise BackendError(f"backend {self._backend.name} failed at an earlier step; reset the simulator")
            self._runner = _Runner(self._program, self._backend, state=self._state)
        ends = np.cumsum([len(stimulus) for stimulus in stimuli])
        ticks = int(ends[-1])
        limit = self._backend.limit_s(ticks) if self._timeout_s is None else self._timeout_s
        question = b"".join(self._question(stimulus, first_tick) for stimulus in stimuli)
        try:
            answer = self._ask(self._runner, question, length=self._bytes * ticks, limit_s=limit)
            rows = np.frombuffer(answer, np.uint8).reshape(ticks, self._bytes)
            return [self._trace(part, first_tick) for part in np.split(rows, ends[:-1])]
        except BaseException:  # Ctrl-C, too: an answer may be incomplete
            self.close()
            raise

    def _ask(self, runner: _Runner, question: bytes, *, length: int, limit_s: float) -> bytes:
        try:
            return runner.conversation.answer(question, length=length, limit_s=limit_s)
        except ConversationError as error:
            hint = self._backend.longer(self._timeout_s) if str(error).startswith(UNANSWERED) else ""
            raise BackendError(f"backend {self._backend.name} {error}{hint}") from error

    @property
    def _bytes(self) -> int:
        """Size of the answer to a tick in bytes."""
        return self._program.n_outputs + (8 * self._program.n_neurons if self._state else 0)

    def _question(self, stimulus: Bytes, first_tick: int) -> bytes:
        commands = np.full((len(stimulus), 1 + self._program.n_inputs), ord(TICK), np.uint8)
        commands[:, 1:] = stimulus
        return (b"" if first_tick else REST) + commands.tobytes()

    def _trace(self, answer: Bytes, first_tick: int) -> Trace:
        counts, states = np.split(answer, [self._program.n_outputs], axis=1)
        if (counts > self._most).any():
            tick, output = np.argwhere(counts > self._most)[0].tolist()
            name = self._program.output_label(output)
            raise BackendError(
                f"backend {self._backend.name} answered that {name} spiked {counts[tick, output]} times at"
                f" tick {first_tick + tick}; a neuron of this program spikes at most {self._most} times in a tick"
            )
        if not self._state:
            return Trace(spikes=counts > 0)
        values: Integers = np.ascontiguousarray(states).view("<i4").astype(np.int32, copy=False)
        currents, potentials = np.split(values, 2, axis=1)
        return Trace(spikes=counts > 0, currents=currents, potentials=potentials)


class _Runner:
    """A runner's process with its folder; both are removed when it is closed or garbage-collected."""

    def __init__(self, program: Program, backend: Backend, *, state: bool) -> None:
        python = interpreter_of(backend)
        self._name = backend.name
        with ExitStack() as resources:
            folder = resources.enter_context(temporary_folder())
            write_program(program, backend, folder=folder)
            words = [str(folder / PROGRAM_FILE), "-", "-", *(["state"] if state else [])]
            try:
                self.conversation = Conversation(
                    isolated(python, str(backend.runner), *words),
                    folder=folder,
                    variables=(*backend.variables, *backend.passed_variables),
                )
                resources.enter_context(self.conversation)
                line = self.conversation.first_line(limit_s=backend.timeout_seconds, most_bytes=FIRST_LINE_BYTES)
            except ConversationError as error:
                file = backend.folder / "backend.toml"
                hint = f"; raise timeout_seconds in {file}" if str(error).startswith(UNANSWERED) else ""
                raise BackendError(f"backend {backend.name} {error}{hint}") from error
            self.versions = self._versions(line)
            self.close = weakref.finalize(self, resources.pop_all().close)

    def _versions(self, line: bytes) -> dict[str, str]:
        try:
            versions = parse_json(line)["versions"]
            if not isinstance(versions, dict):
                raise ValueError(f"versions must be an object, got {versions!r}")
        except (KeyError, ValueError) as error:
            raise BackendError(
                f'backend {self._name} began with a line that is not valid: {error}; it must be {{"versions": {{...}}}}'
            ) from error
        return {name: str(version) for name, version in versions.items()}
