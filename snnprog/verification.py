"""Does a program do what its spec asks, and do all runtimes agree? Found out by running it.

Every backend's spikes are held against the targets (where bins count, within windows where there are any: see
`snnprog.judgement`) and against the reference simulator (everywhere); with states recorded, so are currents and
potentials. What differs first is told: pattern, tick, quantity, neuron.

The judge is the reference and not the kernel, although the kernel is some hundred times faster: the reference is the
one that can be read beside the data sheet, and a fast simulator that is its own judge is not checked at all. So what
runs by default, the kernel, is compared on every pattern, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from snnprog.backends import REFERENCE, Run, built_in, run_backend
from snnprog.backends.execution import Record
from snnprog.checks import check_type
from snnprog.errors import SpecError
from snnprog.judgement import MISSING, wrong_bins
from snnprog.program import Program
from snnprog.spec import Spec
from snnprog.trace import Trace

TARGET = "target"
QUANTITIES = ("currents", "potentials", "spikes")


@dataclass(frozen=True)
class Divergence:
    """The first place where a backend differs from the target, or from the reference.

    Attributes
    ----------
    backend, against : str
        Who differs from whom: "target", or "reference".
    pattern, tick, neuron : int
        Where; for spikes the neuron is counted among outputs, for states among all neurons.
    quantity : str
        "spikes", "currents" or "potentials".
    expected, found : int
        The two values.
    """

    backend: str
    against: str
    pattern: int
    tick: int
    quantity: str
    neuron: int
    expected: int
    found: int

    def __str__(self) -> str:
        whose = "output" if self.quantity == "spikes" else "neuron"
        return (
            f"{self.backend} differs from the {self.against} first at tick {self.tick} of pattern {self.pattern}:"
            f" {self.quantity} of {whose} {self.neuron} is {self.found}, expected {self.expected}"
        )


@dataclass(frozen=True)
class BackendCheck:
    """One backend's answer.

    Attributes
    ----------
    backend : str
    wrong_bins : int
        Bins that count and differ from the target.
    is_identical : bool
        Whether everything recorded equals the reference's.
    is_portable : bool
        Whether the run stayed in the range on which all runtimes agree.
    first_divergence : Divergence or None
    versions : mapping
        What ran.
    """

    backend: str
    wrong_bins: int
    is_identical: bool
    is_portable: bool
    first_divergence: Divergence | None
    versions: Mapping[str, str]

    @property
    def exact(self) -> bool:
        """Whether the targets came out, bit for bit as on the reference."""
        return self.wrong_bins == 0 and self.is_identical


@dataclass(frozen=True)
class Verification:
    """All backends' answers, by name in the order asked."""

    backends: Mapping[str, BackendCheck]

    @property
    def exact(self) -> bool:
        """Whether every backend is exact."""
        return all(check.exact for check in self.backends.values())

    @property
    def first_divergence(self) -> Divergence | None:
        """The first backend's first divergence, or None where all are exact."""
        found = (check.first_divergence for check in self.backends.values())
        return next((divergence for divergence in found if divergence is not None), None)


def verify(
    program: Program, spec: Spec, backends: Sequence[str] | None = None, *, record: Record = "spikes"
) -> Verification:
    """Run a program on a spec's patterns and compare.

    Parameters
    ----------
    backends : sequence of str, optional
        "kernel", "reference", or names of backend folders; the simulator that `snnprog.backends.built_in` names, unless
        given.
    record : {"spikes", "state"}
        Whether to compare currents and potentials, too.

    Raises
    ------
    SpecError
        If program and spec differ in inputs or outputs, or no backend is named.
    BackendError
        If a backend is missing, fails, hangs or answers nonsense.
    """
    check_type("program", program, Program)
    check_type("spec", spec, Spec)
    backends = (built_in(program),) if backends is None else backends
    if isinstance(backends, str) or not isinstance(backends, Sequence) or not backends:
        raise SpecError(f"backends is {backends!r}; a list with at least one name is needed")
    for name, found, wanted in (
        ("inputs", program.n_inputs, spec.n_inputs),
        ("outputs", program.n_outputs, spec.n_outputs),
    ):
        if found != wanted:
            raise SpecError(f"the program has {found} {name} and the spec {wanted}; they do not belong together")
    inputs = [pattern.inputs for pattern in spec.patterns]
    reference = run_backend(program, inputs, REFERENCE, record)
    checks = {}
    for name in backends:
        answer = reference if name == REFERENCE else run_backend(program, inputs, name, record)
        checks[name] = _check(name, answer, reference, spec)
    return Verification(MappingProxyType(checks))


def compare_runs(name: str, answer: Run, reference: Run) -> Divergence | None:
    """Return where a backend's run differs from the reference's first, or None."""
    for pattern, (found, expected) in enumerate(zip(answer.traces, reference.traces, strict=True)):
        divergence = _first_difference(name, pattern, found, expected)
        if divergence is not None:
            return divergence
    return None


def _check(name: str, answer: Run, reference: Run, spec: Spec) -> BackendCheck:
    wrong = wrong_bins(spec, [trace.spikes for trace in answer.traces])
    first_wrong = None
    if wrong:
        first, due = wrong[0], int(wrong[0].kind == MISSING)
        first_wrong = Divergence(name, TARGET, first.pattern, first.tick, "spikes", first.output, due, 1 - due)
    differs = compare_runs(name, answer, reference)
    return BackendCheck(
        backend=name,
        wrong_bins=len(wrong),
        is_identical=differs is None,
        is_portable=all(trace.excursion is None for trace in reference.traces),
        first_divergence=differs or first_wrong,
        versions=answer.versions,
    )


def _first_difference(name: str, pattern: int, found: Trace, expected: Trace) -> Divergence | None:
    earliest: Divergence | None = None
    for quantity in QUANTITIES:
        ours, theirs = _values(expected, quantity), _values(found, quantity)
        if ours is None or theirs is None:
            continue
        places = np.argwhere(ours != theirs)
        if places.size and (earliest is None or places[0][0] < earliest.tick):
            tick, neuron = (int(place) for place in places[0])
            values = int(ours[tick, neuron]), int(theirs[tick, neuron])
            earliest = Divergence(name, REFERENCE, pattern, tick, quantity, neuron, *values)
    return earliest


def _values(trace: Trace, quantity: str) -> NDArray[np.int64] | None:
    values = getattr(trace, quantity)
    return None if values is None else values.astype(np.int64)
