"""Verification: run a program on backends, and compare it with its spec and the backends with each other.

Every backend's spikes are compared with the targets (where bins count, within windows if there are any: see
`snnprog.judgement`) and with the reference simulator, or another backend (everywhere); if states are recorded, so are
currents and potentials; readouts of outputs that are read by their potential always are. The first difference is
reported with its reason: see `snnprog.divergence`.

Backends are compared with the reference and not with the kernel, although the kernel is about a hundred times faster:
the reference can be read beside the data sheet, and a fast simulator that is compared with itself is not checked. So
the default backend, the kernel, is compared on every pattern, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from snnprog.arrays import Raster
from snnprog.backends import REFERENCE, Run, built_in, run_backend
from snnprog.backends.execution import Record
from snnprog.calls import call_checked
from snnprog.checks import check_type
from snnprog.display.card import BAD, GOOD, Card, Displayed
from snnprog.divergence import TARGET, diagnose, diagnose_target, first_difference
from snnprog.divergence import Divergence as Divergence
from snnprog.errors import BackendError, LimitError, SpecError
from snnprog.frames import data_frame_of_rows
from snnprog.generalisation import Generalisation, scored
from snnprog.judgement import MISSING, wrong_bins
from snnprog.names import name_of
from snnprog.program import Program
from snnprog.progress import Progress, shown
from snnprog.robustness.checking import check_robust
from snnprog.robustness.verdict import Robustness
from snnprog.spec import Robust, Spec
from snnprog.table import Table, checked
from snnprog.wording import counted, put_in_list

if TYPE_CHECKING:
    import pandas


ALL_BACKENDS = "all backends"


@dataclass(frozen=True, repr=False)
class BackendCheck(Displayed):
    """The result of one backend.

    Attributes
    ----------
    backend : str
    wrong_bins : int
        Number of bins that count and differ from the target.
    is_identical : bool
        Whether everything recorded equals the reference, or the other backend that it is compared with.
    is_portable : bool
        Whether the run stayed in the range in which all runtimes agree.
    first_divergence : Divergence or None
        Where it differs first, and why.
    versions : mapping
        The versions of the packages that ran.
    """

    backend: str
    wrong_bins: int
    is_identical: bool
    is_portable: bool
    first_divergence: Divergence | None
    versions: Mapping[str, str]

    @property
    def exact(self) -> bool:
        """Whether the targets were produced, bit for bit as on the backend that this one is compared with."""
        return self.wrong_bins == 0 and self.is_identical

    def _summary(self) -> str:
        return f"{self.backend}, {'exact' if self.exact else 'not exact'}, {counted(self.wrong_bins, 'wrong bin')}"


@call_checked
@dataclass(frozen=True, repr=False)
class Verification(Displayed):
    """The results of all backends.

    Attributes
    ----------
    backends : mapping of str to BackendCheck
        By name, in the given order.
    against : str
        The backend that all are compared with.
    failures : mapping of str to BackendError or LimitError
        Why a backend has no result, by its name.
    robustness : Robustness or None
        The verdict under perturbations, if it was requested.
    test : Generalisation or None
        The scores on held-out patterns, if there are any; they do not matter to ``exact``.
    same_spec : bool or None
        Whether the program was compiled from this spec, by the digest in its file; None if the program names none. A
        program of another spec can be exact, but a new compilation may give another program.
    mismatch : str or None
        In which way program and spec do not belong together, in a sentence: they are for different chips, or the
        program was compiled from another spec. None if nothing of this kind is known.
    """

    backends: Mapping[str, BackendCheck]
    against: str = REFERENCE
    failures: Mapping[str, BackendError | LimitError] = field(default_factory=lambda: MappingProxyType({}))
    robustness: Robustness | None = None
    test: Generalisation | None = None
    same_spec: bool | None = None
    mismatch: str | None = None

    @property
    def exact(self) -> bool:
        """Whether every backend has a result and is exact, under every perturbation if that was requested."""
        is_robust = self.robustness is None or self.robustness.holds
        return is_robust and not self.failures and all(check.exact for check in self.backends.values())

    @property
    def first_divergence(self) -> Divergence | None:
        """The first divergence of the first backend that has one, or None if all are exact."""
        found = (check.first_divergence for check in self.backends.values())
        return next((divergence for divergence in found if divergence is not None), None)

    def to_pandas(self) -> pandas.DataFrame:
        """Return a data frame with a row for each backend; those that gave no answer have its reason as ``failure``.

        Raises
        ------
        SpecError
            If pandas is not installed.
        """
        names = ("backend", "exact", "wrong_bins", "is_identical", "is_portable", "first_divergence", "failure")
        rows = [{name: getattr(check, name, None) for name in names} for check in self.backends.values()]
        unknown: dict[str, object] = dict.fromkeys(names)
        rows += [unknown | {"backend": name, "failure": str(error)} for name, error in self.failures.items()]
        return data_frame_of_rows(rows, names)

    def _summary(self) -> str:
        wrong = [name for name, check in self.backends.items() if not check.exact]
        verdict = f"not exact on {', '.join(wrong)}" if wrong else f"exact on {', '.join(self.backends)}"
        verdict += "" if self.robustness is None else f"; {self.robustness}"
        failures = "; ".join(f"no answer from {name} ({error})" for name, error in self.failures.items())
        summary = f"{verdict}; {failures}" if failures else verdict
        summary = summary if self.mismatch is None else f"{summary}; {self.mismatch}"
        return summary if self.test is None else f"{summary}; {self.test._summary()}"

    def _card(self) -> Card:
        rows = [
            (name, checked(check.exact), check.wrong_bins, checked(check.is_identical), checked(check.is_portable))
            for name, check in self.backends.items()
        ]
        notes = [f"{name}: {error}" for name, error in self.failures.items()]
        notes += [] if self.first_divergence is None else [str(self.first_divergence)]
        notes += [] if self.robustness is None else [str(self.robustness)]
        notes += [] if self.mismatch is None else [self.mismatch]
        notes += [] if self.test is None else [self.test._summary()]
        columns = ("backend", "exact", "wrong bins", f"equals {self.against}", "portable")
        return Card(GOOD if self.exact else BAD, table=Table.plain("", columns=columns, rows=rows), notes=notes)


@call_checked
def verify(
    program: Program,
    spec: Spec,
    backends: Sequence[str] | None = None,
    *,
    record: Record = "spikes",
    against: str = REFERENCE,
    robust: Robust | None = None,
    test: Spec | None = None,
    timeout_s: float | None = None,
    progress: Progress | bool | None = None,
) -> Verification:
    """Run a program on a spec's patterns and compare.

    After a difference, the backends concerned run the pattern again with their states, to find the reason.

    Parameters
    ----------
    program : Program
    spec : Spec
    backends : sequence of str, optional
        "kernel", "reference", or names of backend folders; by default the simulator that `snnprog.backends.built_in`
        names.
    record : {"spikes", "state"}
        Whether to compare currents and potentials, too.
    against : str
        The backend that all are compared with.
    robust : Robust, optional
        Errors of inputs and weights under which the outputs must stay exact, too; by default those of the spec.
        `Verification.robustness` is the verdict. The chip's integers decide it, whatever the backend.
    test : Spec, optional
        Held-out patterns: `Verification.test` has the hits, misses and false alarms of each output on them, as the
        first backend with a result runs them.
    timeout_s : float, optional
        Seconds after which the run on a backend fails; the backend's own limit by default.
    progress : callable or True, optional
        True shows bars, or lines in a log. A callable is called with (backend, 0, 1) when a backend begins,
        with (backend, 1, 1) when it has finished, and with ("all backends", done, all) in between.

    Raises
    ------
    SpecError
        If program and spec differ in inputs or outputs, the spec has targets for an output that is read by its
        potential, or no backend is named.
    BackendError, LimitError
        If no backend has a result, or not the one that all are compared with: it is missing, fails, hangs, returns an
        invalid result, or does not support the program. If others have results, the error is one of the
        `Verification.failures`.
    """
    check_type("program", program, kind=Program)
    check_type("spec", spec, kind=Spec)
    if robust is not None:
        check_type("robust", robust, kind=Robust)
        robust = robust.on_lines(spec.n_inputs, spec.input_names)
    backends = (built_in(program),) if backends is None else backends
    if isinstance(backends, str) or not isinstance(backends, Sequence) or not backends:
        raise SpecError(f"backends must be a list with at least one name, got {backends!r}{put_in_list(backends)}")
    _check_size(program, spec)
    if test is not None:
        check_type("test", test, kind=Spec)
        _check_size(program, test, whose="test spec")
    inputs = [pattern.inputs for pattern in spec.patterns]
    runs: dict[str, Run] = {}
    failures: dict[str, BackendError | LimitError] = {}
    names = tuple(dict.fromkeys([REFERENCE, against, *backends]))
    with shown(progress, ALL_BACKENDS) as tell:
        for name in names:
            if tell is not None:
                tell(ALL_BACKENDS, len(runs) + len(failures), len(names))
                tell(name, 0, 1)
            try:
                runs[name] = run_backend(program, inputs, name, record, timeout_s=timeout_s)
            except (BackendError, LimitError) as error:
                failures[name] = error
                if name == against or failures.keys() >= set(backends):
                    raise
            if tell is not None:
                tell(name, 1, 1)
    is_portable = all(trace.excursion is None for trace in runs[REFERENCE].traces)
    checks = {}
    for name in [name for name in backends if name in runs]:
        divergence, wrong = _judge(program, spec, names=(name, against), runs=runs)
        checks[name] = BackendCheck(
            backend=name,
            wrong_bins=wrong,
            is_identical=divergence is None or divergence.against == TARGET,
            is_portable=is_portable,
            first_divergence=divergence,
            versions=runs[name].versions,
        )
    errors = spec.robust if robust is None else robust
    robustness = None if errors is None or errors.is_nothing else check_robust(program, spec, errors)
    scores = None if test is None else _tested(program, test, backend=next(iter(checks)), timeout_s=timeout_s)
    same_spec = _is_same_spec(program, spec)
    return Verification(
        MappingProxyType(checks),
        against,
        MappingProxyType(failures),
        robustness,
        scores,
        same_spec=same_spec,
        mismatch=_mismatch(program, spec, same_spec),
    )


def _is_same_spec(program: Program, spec: Spec) -> bool | None:
    digest = program.provenance.get("spec_sha256")
    return None if digest is None else digest == spec.digest()


def _mismatch(program: Program, spec: Spec, same_spec: bool | None) -> str | None:
    """Return in which way program and spec do not belong together, or None."""
    if program.chip.name != spec.chip.name:
        return f"the program is for {program.chip.name}, and the specification for {spec.chip.name}"
    if program.chip != spec.chip:
        return f"program and specification are for different chips of the name {spec.chip.name}"
    if same_spec is False:
        return "the program was compiled from another specification (the digests differ)"
    return None


def _tested(program: Program, test: Spec, *, backend: str, timeout_s: float | None) -> Generalisation:
    inputs = [pattern.inputs for pattern in test.patterns]
    traces = run_backend(program, inputs, backend, "spikes", timeout_s=timeout_s).traces
    return scored(test, [trace.spikes for trace in traces], backend=backend)


def _check_size(program: Program, spec: Spec, whose: str = "spec") -> None:
    """Raise `SpecError` if program and spec do not belong together."""
    advice = "the spec that it was compiled from" if whose == "spec" else "patterns of its own lines and outputs"
    for name, found, wanted in (
        ("input", program.n_inputs, spec.n_inputs),
        ("output", program.n_outputs, spec.n_outputs),
    ):
        if found != wanted:
            raise SpecError(f"the program must have {counted(wanted, name)} as its {whose}, got {found}; use {advice}")
    _check_readouts(program, spec)


def _check_readouts(program: Program, spec: Spec) -> None:
    """Raise `SpecError` if bins count of outputs that are read by their potential, which a spec cannot describe."""
    for index, pattern in enumerate(spec.patterns):
        counts = pattern.care.any(axis=0) & program.is_read_by_potential
        if counts.any():
            name = program.output_label(int(counts.argmax()))
            raise SpecError(
                f"{name} is read by its potential, and pattern {index} of the spec"
                " has targets for its spikes; exclude that output with care"
            )


def compare_runs(name: str, answer: Run, reference: Run, *, against: str = REFERENCE) -> Divergence | None:
    """Return where a backend's run first differs from that of the reference, or of another backend; None if nowhere."""
    return first_difference((name, against), list(zip(answer.traces, reference.traces, strict=True)))


def explain_difference(
    program: Program, inputs: Sequence[Raster], *, divergence: Divergence, answer: Run, reference: Run
) -> Divergence:
    """Return a difference of two runs with its diagnosis; see `snnprog.divergence.diagnose`."""
    found, expected = (run.traces[divergence.pattern] for run in (answer, reference))
    diagnosis = diagnose(program, inputs, place=divergence, found=found, expected=expected)
    names = program.output_names if divergence.is_of_output else program.neuron_names
    return replace(divergence, diagnosis=diagnosis, label=name_of(divergence.neuron, names))


def _judge(
    program: Program, spec: Spec, *, names: tuple[str, str], runs: Mapping[str, Run]
) -> tuple[Divergence | None, int]:
    """Return where a backend differs from another, otherwise from the target, and how many of its bins are wrong."""
    name, against = names
    inputs = [pattern.inputs for pattern in spec.patterns]
    wrong = wrong_bins(spec, [trace.spikes for trace in runs[name].traces])
    differs = compare_runs(name, runs[name], runs[against], against=against)
    if differs is not None:
        return explain_difference(program, inputs, divergence=differs, answer=runs[name], reference=runs[against]), len(
            wrong
        )
    if not wrong:
        return None, 0
    first, due = wrong[0], int(wrong[0].kind == MISSING)
    label = name_of(first.output, program.output_names or spec.output_names)
    place = Divergence(name, TARGET, first.pattern, first.tick, "spikes", first.output, due, 1 - due, label=label)
    return replace(place, diagnosis=diagnose_target(program, inputs, place=place)), len(wrong)
