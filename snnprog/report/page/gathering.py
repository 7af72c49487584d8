"""Program or spec in, `Page` out: run the program, compare it with its specification, and describe the result.

Decisions
---------
- The charts show a run on a built-in simulator. Other backends are compared with the reference, and the page describes
  where they differ.
- Potentials are exact. The neurons with the least margins come first, until potentials fill most of a page of ten
  megabytes; all rasters are kept. Rasters that are too large for a browser are refused.
- What a program file states about itself is marked as its statement, because the file may come from anyone.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from snnprog.archive import read_bytes
from snnprog.calls import call_checked
from snnprog.checks import as_path, check_type
from snnprog.errors import FitError, FormatError, SpecError
from snnprog.explanation import Explanation, Verdict, explain
from snnprog.output_files import check_place
from snnprog.placement import Placement, place
from snnprog.program import Program
from snnprog.raster import as_rasters
from snnprog.report.boards import board_table
from snnprog.report.cores import activity_table, misfit_table, neurobench_table, placement_table
from snnprog.report.explanations import hidden_in_words, proof_in_words
from snnprog.report.microcontrollers import microcontroller_table
from snnprog.report.page import charts, facts, sheets, words
from snnprog.report.page.model import Contradiction, Fact, Page
from snnprog.report.page.provenance import neuron_records, versions_of
from snnprog.report.page.writing import write_page
from snnprog.report.recording import Judged, Nearest, Recording, judge, nearest, record
from snnprog.report.statuses import UNKNOWN, kind_of
from snnprog.report.verifications import held_out_tables, verification_table
from snnprog.spec import Pattern, Robust, Spec
from snnprog.table import Table, text_of
from snnprog.verification import Verification, verify
from snnprog.version import __version__
from snnprog.wording import a_type, suffix_in_words
from snnprog.workload import Activity, activity

BINS_LIMIT = 1 << 24  # of inputs and neurons: the rasters of a page that a browser still draws in a second


@call_checked
def write_report(
    path: str | Path,
    subject: Program | Spec,
    spec: Spec | None = None,
    *,
    inputs: Sequence[ArrayLike] | None = None,
    backends: Sequence[str] | None = None,
    targets: Sequence[str] = (),
    boards: Sequence[str] = (),
    test: Spec | None = None,
    robust: Robust | None = None,
    title: str = "",
) -> Page:
    """Write one self-contained HTML file about a program, or about a spec that was not compiled.

    Parameters
    ----------
    path : str or Path
        The ``.html`` file.
    subject : Program or Spec
        A spec is explained: see `snnprog.explain`.
    spec : Spec, optional
        What the program must do. Without it, spikes are shown but not compared with targets.
    inputs : list of (ticks, inputs) bool, optional
        Inputs to run the program on where there is no spec, one pattern each.
    backends : sequence of str, optional
        Backends to compare with; by default the simulator that `snnprog.backends.built_in` names.
    targets : sequence of str
        Microcontrollers, of `snnprog.figures.MICROCONTROLLERS`, whose bytes and instructions are counted.
    boards : sequence of str
        FPGA boards, or their folders (see `snnprog.figures.board_figures`): how the program fills their cores.
    test : Spec, optional
        Held-out patterns, for the hits, misses and false alarms of each output; see `snnprog.verify`.
    robust : Robust, optional
        Perturbations whose verdict and band of potentials the page shows; by default those of the spec.
    title : str
        The heading of the page.

    Returns
    -------
    Page
        The contents of the file; ``headline.kind`` is "good", "bad" or "open".

    Raises
    ------
    SpecError
        If program and spec do not belong together, both spec and inputs are given, or backends and neither of them.
    BackendError
        If a backend is missing, fails, hangs or returns an invalid result.
    FormatError
        If the path does not end in .html, or the file cannot be written.
    """
    path = as_path("path", path)
    if path.suffix != ".html":
        raise FormatError(f"{path} {suffix_in_words(path)}; reports are written to .html")
    check_place(path)
    if not isinstance(subject, (Program, Spec)):
        raise SpecError(f"subject must be a Program or a Spec, got {a_type(subject)}")
    if spec is not None:
        check_type("spec", spec, kind=Spec)
    if isinstance(subject, Spec):
        page = page_of_spec(subject, explain(subject), title=title)
    else:
        page = page_of_program(
            subject,
            spec,
            inputs=inputs,
            backends=backends,
            targets=targets,
            boards=boards,
            test=test,
            robust=robust,
            title=title,
        )
    write_page(path, page)
    return page


def page_of_program(
    program: Program,
    spec: Spec | None = None,
    *,
    inputs: Sequence[ArrayLike] | None = None,
    backends: Sequence[str] | None = None,
    targets: Sequence[str] = (),
    boards: Sequence[str] = (),
    test: Spec | None = None,
    robust: Robust | None = None,
    title: str = "",
    source: Path | None = None,
    dt_ms: float | None = None,
    n_outputs: int | None = None,
) -> Page:
    """Return the page of a program; see `write_report`.

    Parameters
    ----------
    dt_ms : float, optional
        The length of a tick, for rates.
    n_outputs : int, optional
        As for `snnprog.report.page.facts.facts_of_program`.
    source : Path, optional
        The file that the program was read from, for its digest.
    """
    check_type("program", program, kind=Program)
    placed, records = _placed(program), neuron_records(program)
    run = _run(program, spec, inputs, backends, placed, test=test, robust=robust, dt_ms=dt_ms)
    judged, distances = run.judged, run.distances
    robustness = None if run.verification is None else run.verification.robustness
    wrong = None if judged is None else _wrong_of_outputs(judged)
    neurons = sheets.neuron_table(program, records, distances=distances, wrong=wrong)
    kinds = _kinds(neurons)
    if spec is None or judged is None or run.verification is None:
        headline = words.unchecked(run.recording)
    else:
        headline = words.verdict(program, spec, judged=judged, verification=run.verification, records=records)
    return Page(
        title=title or "snnprog program",
        introduction=words.introduction(program, run.recording, is_judged=judged is not None),
        headline=headline,
        facts=facts.facts_of_program(
            program,
            run.recording,
            margins=[each.margin for each in distances[: program.n_outputs]],
            robustness=robustness,
            placed=placed,
            worked=run.worked,
            n_outputs=n_outputs,
        ),
        neurons=neurons,
        kinds=kinds,
        contradictions=(),
        resources=(
            *held_out_tables(run.verification),
            *_resources(program, placed, worked=run.worked),
            *_microcontrollers(program, targets),
            *_boards(program, boards),
        ),
        backends=_backends(run),
        divergences=_divergences(run.verification),
        provenance=_provenance(program, source),
        equations=sheets.equations_of(program.chip.rule),
        notes=sheets.notes_of(program.chip.rule),
        charts=charts.charts_of_program(
            program, run.recording, judged=judged, distances=distances, kinds=kinds, robustness=robustness
        ),
    )


def page_of_spec(spec: Spec, explanation: Explanation, *, title: str = "") -> Page:
    """Return the page of a spec that was not compiled: its targets, and which outputs can be built."""
    _check_size(spec, spec.n_outputs)
    outputs = sheets.output_table(explanation)
    kinds = _kinds(outputs)
    return Page(
        title=title or "snnprog specification",
        introduction=words.introduction_of_spec(spec),
        headline=words.verdict_of_explanation(explanation),
        facts=facts.facts_of_spec(spec),
        neurons=outputs,
        kinds=kinds,
        contradictions=tuple(
            Contradiction(
                verdict.name.replace("output", "Output", 1),
                tuple(map(sheets.reason_of, verdict.conflicts)),
                _more_of(verdict),
            )
            for verdict in explanation.verdicts
            if verdict.conflicts
        ),
        resources=(),
        backends=None,
        divergences=(),
        provenance=(
            Fact("Specification, SHA-256", spec.digest()),
            Fact("Integer rule", sheets.rule_in_words(spec.chip)),
            Fact("Page made by", f"snnprog {__version__}"),
        ),
        equations=sheets.equations_of(spec.chip.rule),
        notes=sheets.notes_of(spec.chip.rule),
        charts=charts.charts_of_spec(spec, explanation, kinds=kinds),
    )


def _kinds(neurons: Table) -> tuple[str, ...]:
    return tuple(kind_of(text_of(status)) for _, status, *_ in neurons.rows)


@dataclass(frozen=True, eq=False)
class _Run:
    """The results of running the program; None without inputs, or without targets."""

    verification: Verification | None = None
    recording: Recording | None = None
    judged: Judged | None = None
    distances: tuple[Nearest, ...] = ()
    worked: Activity | None = None


def _run(
    program: Program,
    spec: Spec | None,
    inputs: Sequence[ArrayLike] | None,
    backends: Sequence[str] | None,
    placed: Placement | FitError,
    *,
    test: Spec | None,
    robust: Robust | None,
    dt_ms: float | None,
) -> _Run:
    for name, given in (("test", test), ("robust", robust)):
        if given is not None and spec is None:
            raise SpecError(f"{name} belongs to spec: give the spec that the program was compiled from as well")
    if spec is not None and inputs is not None:
        raise SpecError("both spec and inputs are given, but a spec has its own inputs; give one of them")
    if spec is None and inputs is None:
        if backends:
            raise SpecError(f"there are no inputs to run on {', '.join(backends)}; give a spec or inputs as well")
        return _Run()
    shown = spec if inputs is None else _without_targets(program, inputs)
    assert shown is not None
    _check_size(shown, program.n_neurons)
    verification = verify(program, shown, backends, test=test, robust=robust)
    recording = record(program, [pattern.inputs for pattern in shown.patterns])
    judged = None if spec is None else judge(recording, spec)
    distances = () if judged is None else nearest(judged)
    return _Run(verification, recording, judged, distances, _activity(program, shown, placed=placed, dt_ms=dt_ms))


def _check_size(shown: Spec, neurons: int) -> None:
    bins = sum(pattern.ticks for pattern in shown.patterns) * (shown.n_inputs + neurons)
    if bins > BINS_LIMIT:
        raise SpecError(
            f"the page would show {bins:,} bins of input lines and neurons, but at most {BINS_LIMIT:,} are allowed;"
            " give fewer or shorter patterns"
        )


def _without_targets(program: Program, inputs: Sequence[ArrayLike]) -> Spec:
    rasters = as_rasters(inputs)
    blank = [np.zeros((len(raster), program.n_outputs), dtype=np.bool_) for raster in rasters]
    return Spec([Pattern(*each) for each in zip(rasters, blank, blank, strict=True)], chip=program.chip)


def _placed(program: Program) -> Placement | FitError:
    try:
        return place(program)
    except FitError as error:
        return error


def _activity(program: Program, shown: Spec, *, placed: Placement | FitError, dt_ms: float | None) -> Activity | None:
    """Return the counted activity; None if the chip does not read out all of its neurons."""
    placement = placed if isinstance(placed, Placement) else None
    try:
        return activity(program, [pattern.inputs for pattern in shown.patterns], placement=placement, dt_ms=dt_ms)
    except SpecError:
        return None


def _wrong_of_outputs(judged: Judged) -> list[int]:
    counts = Counter(each.output for each in judged.wrong)
    return [counts[output] for output in range(judged.targets.shape[1])]


def _resources(program: Program, placed: Placement | FitError, *, worked: Activity | None) -> tuple[Table, ...]:
    cores = misfit_table(program, placed) if isinstance(placed, FitError) else placement_table(placed)
    return (cores,) if worked is None else (cores, activity_table(worked), neurobench_table(worked))


def _microcontrollers(program: Program, targets: Sequence[str]) -> tuple[Table, ...]:
    if not targets:
        return ()
    from snnprog.figures import microcontroller_figures  # imported for few pages only

    return (microcontroller_table([microcontroller_figures(program, target) for target in targets]),)


def _boards(program: Program, boards: Sequence[str]) -> tuple[Table, ...]:
    if not boards:
        return ()
    from snnprog.figures import board_figures  # which few pages show

    return (board_table([board_figures(program, board) for board in boards]),)


def _backends(run: _Run) -> Table | None:
    if run.verification is None:
        return None
    return verification_table(run.verification, is_judged=run.judged is not None)


def _divergences(verification: Verification | None) -> tuple[str, ...]:
    if verification is None:
        return ()
    found = (check.first_divergence for check in verification.backends.values())
    return tuple(str(divergence) for divergence in found if divergence is not None)


def _provenance(program: Program, source: Path | None) -> tuple[Fact, ...]:
    stated, found = program.provenance, []
    if source is not None:
        found.append(Fact("Program file, SHA-256", hashlib.sha256(read_bytes(source)).hexdigest()))
    found += [
        Fact("Specification, SHA-256", text_of(stated.get("spec_sha256", UNKNOWN))),
        Fact("Seed", text_of(stated.get("seed", UNKNOWN))),
        Fact("Compiled with", versions_of(program)),
        Fact("Integer rule", sheets.rule_in_words(program.chip)),
        Fact("Page made by", f"snnprog {__version__}"),
    ]
    return tuple(found)


def _more_of(verdict: Verdict) -> tuple[str, ...]:
    return tuple(sentence for sentence in (f"proof: {proof_in_words(verdict)}", hidden_in_words(verdict)) if sentence)
