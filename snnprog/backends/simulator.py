"""A simulator that continues where it stopped: for closed loops and live events.

`snnprog.run` is one step from rest. Steps of any sizes give the same concatenated traces: spikes, states,
readouts, and excursions with their ticks.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from snnprog.arrays import Bytes
from snnprog.backends.execution import (
    BUILT_IN,
    KERNEL,
    REFERENCE,
    Record,
    built_in_versions,
    check_record,
    folder_for,
)
from snnprog.backends.readouts import Readouts, reads_potentials, with_names
from snnprog.backends.streaming import RunnerStepper
from snnprog.calls import call_checked
from snnprog.checks import as_seconds, check_type
from snnprog.display.card import Displayed
from snnprog.errors import PortabilityWarning, SpecError
from snnprog.program import Program
from snnprog.raster import how_to_bools, turned
from snnprog.simulate.parameters import most_line_spikes
from snnprog.simulate.reference import ReferenceStepper
from snnprog.trace import Trace
from snnprog.wording import a_type, counted

Inputs = NDArray[np.generic] | Sequence[int | str]
"""The input of one step: see `Simulator.step`."""


class Stepper(Protocol):
    """Runs one pattern of a program in steps: built in, or in a runner's process."""

    def step(self, stimulus: Bytes, first_tick: int) -> Trace:
        """Continue with the spike counts ``(ticks, inputs)`` of a stimulus; from rest if ``first_tick`` is 0."""


@call_checked
class Simulator(Displayed):
    """A program that runs step by step.

    Parameters
    ----------
    program : Program
    backend : str
        "kernel", "reference", or the name of a backend folder that supports streaming (see
        ``docs/how-to/backends.md``).
    record : {"spikes", "state"}
        "state" records the current and potential of every neuron after each tick, too, as in `snnprog.run`.
    timeout_s : float, optional
        Seconds after which a step of a backend folder fails; its own limit by default.

    Attributes
    ----------
    versions : mapping of str to str
        Name -> version of the software that runs.

    Raises
    ------
    SpecError
        If ``record`` is invalid.
    BackendError
        If the backend is unknown, does not support streaming, or cannot be started.
    LimitError
        If the backend does not support the program.

    Examples
    --------
    >>> with sp.Simulator(program) as sim:
    ...     for tick in range(1000):
    ...         outputs = sim.step(sensors()).spikes[0]
    """

    def __init__(
        self,
        program: Program,
        backend: str = KERNEL,
        *,
        record: Record = "spikes",
        timeout_s: float | None = None,
    ) -> None:
        check_type("program", program, kind=Program)
        check_record(record)
        limit = None if timeout_s is None else as_seconds("timeout_s", timeout_s)
        self._tick, self._of = 0, f"{counted(program.n_neurons, 'neuron')} of {program.chip.name} on {backend}"
        self._inputs = _Inputs(program)
        self._names = program.output_names, program.neuron_names
        self._readouts = Readouts(program, state=record == "state") if reads_potentials(program) else None
        state = record == "state" or self._readouts is not None
        self._is_closed = self._is_warned = False
        self._stepper: Stepper
        if backend in BUILT_IN:
            self.versions: Mapping[str, str] = built_in_versions(backend)
            self._stepper, self._runner = _built_in_stepper(program, backend, state=state), None
        else:
            folder = folder_for(program, backend, record=record)
            self._runner = RunnerStepper(program, folder, state=state, timeout_s=limit)
            self._stepper, self.versions = self._runner, self._runner.versions

    @property
    def tick(self) -> int:
        """The number of ticks since rest: the first tick of the next step."""
        return self._tick

    def _summary(self) -> str:
        return f"{self._of}, {'closed' if self._is_closed else f'next tick {self._tick}'}"

    def step(self, inputs: Inputs) -> Trace:
        """Run the next ticks.

        Parameters
        ----------
        inputs : (ticks, inputs) or (inputs,) bool, or list of int or str
            A raster, or one tick: an array, or a list of the lines that spike, by number or by name. Where neurons of
            the chip spike several times in a tick, integers are spike counts, and a list may repeat a line.

        Returns
        -------
        Trace
            The trace of these ticks; ticks of excursions are counted from rest.

        Raises
        ------
        SpecError
            If the inputs are invalid, or the simulator is closed; no tick has run then.
        BackendError
            If the backend fails, hangs or returns an invalid result; `reset` starts it again.
        LimitError
            If the potential of an output that is read by it reaches the threshold.

        Warns
        -----
        PortabilityWarning
            At the first excursion since rest: when a built-in simulator leaves the range in which all runtimes agree.
        """
        stimulus = self._inputs.stimulus(inputs)
        self._check_open()
        first_tick = self._tick
        trace = self._stepper.step(stimulus, first_tick)
        self._tick = first_tick + len(stimulus)
        return self._completed([trace], first_tick)[0]

    def trials(self, inputs: Sequence[Inputs]) -> list[Trace]:
        """Run trials, each from rest, and return to rest.

        A backend folder gets all of them at once and keeps its process, so that a loop of many episodes abreast asks
        once in a step.

        Parameters
        ----------
        inputs : list of (ticks, inputs) bool
            What `step` takes, for each trial.

        Returns
        -------
        list of Trace
            Of each trial.

        Raises
        ------
        SpecError, BackendError, LimitError
            As for `step`.

        Warns
        -----
        PortabilityWarning
            As for `step`, once.
        """
        stimuli = [self._inputs.stimulus(each) for each in inputs]
        self._check_open()
        self.reset()
        if self._runner is None:
            traces = [self._stepper.step(stimulus, 0) for stimulus in stimuli]
        else:
            traces = self._runner.trials(stimuli)
        traces = self._completed(traces, 0)
        self.reset()
        return traces

    def stream(self, ticks: Iterable[Inputs]) -> Iterator[Trace]:
        """Run ticks as they arrive, and yield the trace of each before requesting the next.

        Parameters
        ----------
        ticks : iterable
            Of inputs for `step`; `snnprog.ticks_of_events` creates one from single events.

        Yields
        ------
        Trace
            The trace of each item.
        """
        for inputs in ticks:
            yield self.step(inputs)

    def _check_open(self) -> None:
        if self._is_closed:
            raise SpecError("the simulator is closed; create another one")

    def _completed(self, traces: list[Trace], first_tick: int) -> list[Trace]:
        """Return traces with readouts and names; warn about the first excursion since rest."""
        excursions = [trace.excursions[0] for trace in traces if trace.excursions]
        if excursions and not self._is_warned:
            self._is_warned = True
            warnings.warn(excursions[0].in_words(self._names[1]), PortabilityWarning, stacklevel=3)
        if self._readouts is not None:
            traces = [self._readouts.read(trace, first_tick=first_tick) for trace in traces]
        return with_names(traces, *self._names)

    def reset(self) -> None:
        """Return to rest: no current, no potential, no spike in transit, and tick 0."""
        self._tick, self._is_warned = 0, False

    def close(self) -> None:
        """End the process of a backend folder; a built-in simulator has none."""
        self._is_closed = True
        if self._runner is not None:
            self._runner.close()

    def __enter__(self) -> Simulator:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, place: TracebackType | None
    ) -> None:
        self.close()


def _built_in_stepper(program: Program, backend: str, *, state: bool) -> Stepper:
    if backend == REFERENCE:
        return ReferenceStepper(program, state=state)
    from snnprog.simulate import kernel  # its Numba takes longer to import than all else together

    return kernel.stepper_of(program, state=state)


class _Inputs:
    """The inputs that a program's lines accept."""

    def __init__(self, program: Program) -> None:
        self._count, self._most = program.n_inputs, most_line_spikes(program)
        self._find = program.find_input

    def stimulus(self, inputs: Inputs) -> Bytes:
        """Return the spike counts ``(ticks, inputs)`` of one tick or more."""
        if isinstance(inputs, np.ndarray):
            array = inputs if inputs.ndim == 2 else inputs[None] if inputs.ndim == 1 else None
            if array is None or array.shape[1] != self._count or not len(array):
                raise SpecError(
                    f"inputs has shape {inputs.shape}; give ({self._count},) for one tick, or (ticks, {self._count})"
                    f"{turned('inputs', inputs.shape, lines=self._count)}"
                )
            return np.ascontiguousarray(array if array.dtype == np.bool_ else self._checked(array)).view(np.uint8)
        if isinstance(inputs, (str, bytes)) or not isinstance(inputs, Sequence):
            raise SpecError(
                f"inputs is {a_type(inputs)}; give a bool array (ticks, {self._count}) or ({self._count},),"
                " or a list of the lines that spike"
            )
        return self._of_lines(inputs)

    def _checked(self, counts: NDArray[np.generic]) -> Bytes:
        if counts.dtype.kind not in "iu":
            raise SpecError(f"inputs must hold bools or integers, got type {counts.dtype}; {how_to_bools(counts)}")
        if counts.size and (int(counts.min()) < 0 or int(counts.max()) > self._most):
            odd = counts.max() if counts.max() > self._most else counts.min()
            raise SpecError(f"inputs holds {odd}; a line of this program carries 0 to {self._most} spikes in a tick")
        return counts.astype(np.uint8)

    def _of_lines(self, lines: Sequence[int | str]) -> Bytes:
        stimulus = np.zeros((1, self._count), np.uint8)
        for given in lines:
            line = self._find(given) if isinstance(given, str) else given
            if isinstance(line, (bool, np.bool_)) or not isinstance(line, (int, np.integer)):
                raise SpecError(f"inputs lists {line!r}; a list holds the numbers of lines: give bools as an array")
            if not 0 <= line < self._count:
                raise SpecError(f"inputs lists line {line}; the program has lines 0 to {self._count - 1}")
            if stimulus[0, line] == self._most:
                raise SpecError(
                    f"inputs lists line {line} more than {self._most} times; a line of this program carries"
                    f" at most {self._most} spikes in a tick"
                )
            stimulus[0, line] += 1
        return stimulus
