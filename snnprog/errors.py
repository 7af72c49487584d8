"""The errors that snnprog raises, as one tree.

::

    SnnprogError
    ├── SpecError          the specification contradicts itself or is malformed
    ├── InfeasibleError    proved: no program satisfies the specification; carries ``conflicts`` and ``proof``
    ├── SolverError        the solver ended without an answer or a proof
    │   └── UndecidedError     a search, or the time for it, ended without an answer; carries ``neurons``
    ├── QuantizationError  real weights exist, but no integers that were tried are exact, and there is no proof
    ├── LimitError         a value does not fit the chip; carries ``item``, ``found``, ``allowed``
    │   └── FitError           a program does not fit the chip's cores; carries ``place``, too
    ├── FormatError        a file is damaged, hostile or of another format
    └── BackendError       a runtime is missing, failed, hung or returned an invalid result

Every message is one sentence: which object, what was found, what is allowed, what to try.
``PortabilityWarning`` is a warning: the run continues outside the range in which all runtimes of the chip agree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from snnprog.conflict import Conflict
from snnprog.display.card import BAD, Card, html_of
from snnprog.table import Table
from snnprog.wording import counted, printable

PACKAGE = Path(__file__).parent


class SnnprogError(Exception):
    """Base class of all errors that snnprog raises on purpose."""

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


class SpecError(SnnprogError, ValueError):
    """The specification is malformed or contradicts itself."""


class InfeasibleError(SnnprogError):
    """No program of the chip satisfies the specification, and this is proved.

    Attributes
    ----------
    conflicts : tuple of Conflict
        At least one for every infeasible output, ordered by output.
    proof : mapping
        The proof that the first of these outputs cannot be built: plain data, which `snnprog.check_proof` has accepted.
    """

    def __init__(self, conflicts: Sequence[Conflict], proof: Mapping[str, object]) -> None:
        self.conflicts, self.proof = tuple(conflicts), proof
        more = len({conflict.neuron for conflict in self.conflicts}) - 1
        others = f" (and {counted(more, 'more output')})" if more > 0 else ""
        reason = self.conflicts[0].reason if self.conflicts else "no weights satisfy the specification"
        super().__init__(f"infeasible: {reason}{others}")

    def _repr_html_(self) -> str:
        rows = [(conflict.neuron, conflict.pattern, conflict.tick, conflict.reason) for conflict in self.conflicts]
        table = Table.plain("", columns=("output", "pattern", "tick", "reason"), rows=rows) if len(rows) > 1 else None
        note = "The proof was checked; it is in the attribute proof, and the demands of each conflict are in conflicts."
        return html_of(type(self).__name__, str(self), Card(BAD, table=table, notes=[note]))

    def _render_traceback_(self) -> list[str]:
        """Return what IPython prints: the caller's lines and the reason, without those of the compiler at work."""
        import traceback  # only where an error is shown in IPython

        frames = traceback.extract_tb(self.__traceback__)
        is_own = [Path(frame.filename).is_relative_to(PACKAGE) for frame in frames]
        callers = frames[: is_own.index(True)] if True in is_own else frames
        shown = [frame for frame in callers if not {"IPython", "contextlib.py"} & set(Path(frame.filename).parts)]
        return [*"".join(traceback.format_list(shown)).splitlines(), f"{type(self).__name__}: {self}"]

    def __reduce__(self) -> tuple[type[InfeasibleError], tuple[tuple[Conflict, ...], Mapping[str, object]]]:
        return InfeasibleError, (self.conflicts, self.proof)


class SolverError(SnnprogError):
    """The solver ended without an answer."""


class UndecidedError(SolverError):
    """An output has neither integer weights nor a proof that there are none.

    The time limit ended the search, or the search finished without a result; the message lists what was tried.

    Attributes
    ----------
    neurons : tuple of int
        The outputs that are undecided.
    ended_by_time : tuple of str
        The steps that the time limit ended; empty if the search finished by itself.
    """

    def __init__(self, message: str, neurons: Sequence[int] = (), ended_by_time: Sequence[str] = ()) -> None:
        self.neurons, self.ended_by_time = tuple(neurons), tuple(ended_by_time)
        super().__init__(message)

    def __reduce__(self) -> tuple[type[UndecidedError], tuple[str, tuple[int, ...], tuple[str, ...]]]:
        return UndecidedError, (str(self), self.neurons, self.ended_by_time)


class QuantizationError(SnnprogError):
    """Real weights exist, but no integers that were tried satisfy the specification, and no proof excludes them.

    Attributes
    ----------
    neurons : tuple of int
        The outputs that are not exact in integers, tolerate too little noise or have too many synapses.
    """

    def __init__(self, message: str, neurons: Sequence[int] = ()) -> None:
        self.neurons = tuple(neurons)
        super().__init__(message)

    def __reduce__(self) -> tuple[type[QuantizationError], tuple[str, tuple[int, ...]]]:
        return QuantizationError, (str(self), self.neurons)


class LimitError(SnnprogError, ValueError):
    """A value does not fit the chip.

    Attributes
    ----------
    item : str
        The quantity that is limited.
    found : object
        The offending value.
    allowed : str
        The range that the chip allows.
    """

    def __init__(self, item: str, found: object, allowed: str, hint: str = "") -> None:
        self.item, self.found, self.allowed, self.hint = item, found, allowed, hint
        super().__init__(f"{item} must be {allowed}, got {found}" + (f"; {hint}" if hint else ""))

    def __reduce__(self) -> tuple[type[LimitError], tuple[str, object, str, str]]:
        return LimitError, (self.item, self.found, self.allowed, self.hint)


class FitError(LimitError):
    """A program does not fit the cores that it may use.

    Attributes
    ----------
    place : str
        The core, or a neuron that alone exceeds a core.
    item : str
        The resource that is insufficient.
    found : int
        The amount required.
    allowed : str
        The amount available.
    """

    def __init__(self, place: str, item: str, found: int, allowed: str, hint: str) -> None:
        super().__init__(item, found, allowed, hint)
        self.place = place
        self.args = (f"{place} exceeds the limit of {item}: {found:,} of {allowed}; {hint}",)

    def __reduce__(self) -> tuple[type[FitError], tuple[str, str, int, str, str]]:  # type: ignore[override]
        return FitError, (self.place, self.item, self.found, self.allowed, self.hint)  # type: ignore[return-value]


class FormatError(SnnprogError, ValueError):
    """A file is damaged, hostile or of another format."""


class BackendError(SnnprogError):
    """A runtime is missing, failed, hung, or returned an invalid result."""


class PortabilityWarning(UserWarning):
    """A state left the range in which all runtimes of the chip agree; the reference simulator continued."""
