"""Program or spec in, `Page` out: runs what can be run, holds it against what was asked, and puts it into words.

Decisions
---------
- What is drawn was run on a built-in simulator; other backends are compared with the reference, and what differs is
  told in words.
- Potentials are kept exactly, for the neurons with the least margins first, until they fill most of a page of ten
  megabytes; all rasters are kept.
- A page says what a file tells of itself as such: a program may be anyone's.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from snnprog.archive import check_place, read_bytes
from snnprog.checks import check_type
from snnprog.errors import Conflict, FitError, SpecError, counted
from snnprog.explanation import Explanation, Verdict, explain
from snnprog.placement import Placement, place
from snnprog.program import Program
from snnprog.report.explanations import proof_in_words
from snnprog.report.page import charts, sheets, words
from snnprog.report.page.model import Contradiction, Fact, NeuronRow, Page, Table
from snnprog.report.page.told import text_of, told_of_rows, versions_of
from snnprog.report.page.writing import write_page
from snnprog.report.recording import Judged, Nearest, Recording, judge, nearest, record
from snnprog.spec import Pattern, Spec
from snnprog.verification import Verification, verify
from snnprog.version import __version__
from snnprog.workload import Activity, activity


def write_report(
    path: str | Path,
    subject: Program | Spec,
    spec: Spec | None = None,
    *,
    inputs: Sequence[ArrayLike] | None = None,
    backends: Sequence[str] | None = None,
    title: str = "",
) -> Page:
    """Write one self-contained HTML file about a program, or about a spec that was not compiled.

    Parameters
    ----------
    subject : Program or Spec
        A spec is explained: see `snnprog.explain`.
    spec : Spec, optional
        What the program was to do. Without it, nothing is judged.
    inputs : list of (ticks, inputs) bool, optional
        What to run a program on, one pattern each, where there is no spec.
    backends : sequence of str, optional
        Where to run for the comparison; the simulator that `snnprog.backends.built_in` names, unless given.
    title : str
        What the page is called.

    Returns
    -------
    Page
        What the file says; ``headline.kind`` is "good", "bad" or "open".

    Raises
    ------
    SpecError
        If program and spec do not belong together, or both spec and inputs are given.
    BackendError
        If a backend is missing, fails, hangs or answers nonsense.
    FormatError
        If the file cannot be written.
    """
    check_place(Path(path))
    if isinstance(subject, Spec):
        page = page_of_spec(subject, explain(subject), title=title)
    else:
        page = page_of_program(subject, spec, inputs=inputs, backends=backends, title=title)
    write_page(Path(path), page)
    return page


def page_of_program(
    program: Program,
    spec: Spec | None = None,
    *,
    inputs: Sequence[ArrayLike] | None = None,
    backends: Sequence[str] | None = None,
    title: str = "",
    source: Path | None = None,
) -> Page:
    """Return the page of a program; see `write_report`.

    Parameters
    ----------
    source : Path, optional
        The file that the program was read from, for its digest.
    """
    check_type("program", program, Program)
    if spec is not None and inputs is not None:
        raise SpecError("both spec and inputs are given; a spec has inputs of its own: give one of them")
    asked = spec if spec is not None or inputs is None else _with_nothing_asked(program, inputs)
    verification = None if asked is None else verify(program, asked, backends)
    recording = None if asked is None else record(program, [pattern.inputs for pattern in asked.patterns])
    judged = None if spec is None or recording is None else judge(recording, spec)
    distances = () if judged is None else nearest(judged)
    told, placed = told_of_rows(program), _placed(program)
    worked = None if asked is None else _activity(program, asked, placed)
    neurons = sheets.neuron_rows(program, told, distances, None if judged is None else _wrong_of_outputs(judged))
    if spec is None or judged is None or verification is None:
        headline = words.unchecked(recording)
    else:
        headline = words.verdict(program, spec, judged, verification, told)
    return Page(
        title=title or "snnprog program",
        headline=headline,
        facts=_facts(program, recording, distances, placed, worked),
        neuron_columns=sheets.NEURON_COLUMNS,
        neurons=neurons,
        contradictions=(),
        resources=_resources(program, placed, worked),
        backends=None if verification is None else sheets.backends_table(verification, is_judged=spec is not None),
        divergences=_divergences(verification),
        provenance=_provenance(program, source),
        charts=charts.charts_of_program(program, recording, judged, distances, [row.kind for row in neurons]),
    )


def page_of_spec(spec: Spec, explanation: Explanation, *, title: str = "") -> Page:
    """Return the page of a spec that was not compiled: what is asked, and what can or cannot be built of it."""
    kinds = [words.kind_of(verdict.status) for verdict in explanation.verdicts]
    return Page(
        title=title or "snnprog specification",
        headline=words.verdict_of_explanation(explanation),
        facts=_facts_of_spec(spec),
        neuron_columns=("proof",),
        neurons=tuple(
            NeuronRow(f"output {verdict.output}", verdict.status, kind, (proof_in_words(verdict) or sheets.NONE,))
            for verdict, kind in zip(explanation.verdicts, kinds, strict=True)
        ),
        contradictions=tuple(
            Contradiction(verdict.output, tuple(map(sheets.reason_of, verdict.conflicts)), _more_of(verdict))
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
        charts=charts.charts_of_spec(spec, explanation, kinds),
    )


def _with_nothing_asked(program: Program, inputs: Sequence[ArrayLike]) -> Spec:
    rasters = [np.asarray(raster) for raster in inputs]
    blank = [np.zeros((len(raster), program.n_outputs), dtype=np.bool_) for raster in rasters]
    return Spec([Pattern(*each) for each in zip(rasters, blank, blank, strict=True)], chip=program.chip)


def _placed(program: Program) -> Placement | FitError:
    try:
        return place(program)
    except FitError as error:
        return error


def _activity(program: Program, asked: Spec, placed: Placement | FitError) -> Activity | None:
    """Return what a program does; None where the chip does not read out all of its neurons."""
    placement = placed if isinstance(placed, Placement) else None
    try:
        return activity(program, [pattern.inputs for pattern in asked.patterns], placement=placement)
    except SpecError:
        return None


def _wrong_of_outputs(judged: Judged) -> list[int]:
    counts = Counter(each.output for each in judged.wrong)
    return [counts[output] for output in range(judged.targets.shape[1])]


def _facts(
    program: Program,
    recording: Recording | None,
    distances: Sequence[Nearest],
    placed: Placement | FitError,
    worked: Activity | None,
) -> tuple[Fact, ...]:
    hidden = program.n_neurons - program.n_outputs
    facts = [
        Fact("Chip", program.chip),
        Fact("Inputs", f"{program.n_inputs:,}"),
        Fact("Outputs", f"{program.n_outputs:,}" + (f" and {hidden:,} hidden" if hidden else "")),
        Fact("Synapses", f"{program.n_synapses:,}"),
        Fact("Longest delay", counted(program.max_delay, "tick")),
    ]
    if recording is not None:
        several = f" in {len(recording.lengths):,} patterns" if len(recording.lengths) > 1 else ""
        facts.append(Fact("Ticks", f"{recording.ticks:,}{several}"))
    least = min((each.margin for each in distances[: program.n_outputs]), default=math.inf)
    if 0.0 <= least < math.inf:
        facts.append(Fact("Least margin", f"{least:,.4g} LSB"))
    facts.append(Fact("Cores", "does not fit" if isinstance(placed, FitError) else f"{placed.cores:,}"))
    if worked is not None and worked.energy_source is not None:
        facts.append(Fact("Energy, estimated", f"{sheets.energy_in_words(worked.total)} nJ"))
    return tuple(facts)


def _facts_of_spec(spec: Spec) -> tuple[Fact, ...]:
    delays = spec.delays if len(spec.delays) < 2 else (min(spec.delays), max(spec.delays))
    return (
        Fact("Chip", spec.chip),
        Fact("Inputs", f"{spec.n_inputs:,}"),
        Fact("Outputs", f"{spec.n_outputs:,}"),
        Fact("Delays", " to ".join(map(str, delays))),
        Fact("Patterns", f"{len(spec.patterns):,}"),
        Fact("Ticks", f"{sum(pattern.ticks for pattern in spec.patterns):,}"),
        Fact("Bins that count", f"{int(spec.care.sum()):,}"),
    )


def _resources(program: Program, placed: Placement | FitError, worked: Activity | None) -> tuple[Table, ...]:
    cores = sheets.misfit_table(program, placed) if isinstance(placed, FitError) else sheets.placement_table(placed)
    return (cores,) if worked is None else (cores, sheets.activity_table(worked))


def _divergences(verification: Verification | None) -> tuple[str, ...]:
    if verification is None:
        return ()
    found = (check.first_divergence for check in verification.backends.values())
    return tuple(str(divergence) for divergence in found if divergence is not None)


def _provenance(program: Program, source: Path | None) -> tuple[Fact, ...]:
    told, facts = program.provenance, []
    if source is not None:
        facts.append(Fact("Program file, SHA-256", hashlib.sha256(read_bytes(source)).hexdigest()))
    facts += [
        Fact("Specification, SHA-256", text_of(told.get("spec_sha256", "not told"))),
        Fact("Seed", text_of(told.get("seed", "not told"))),
        Fact("Compiled with", versions_of(program)),
        Fact("Integer rule", sheets.rule_in_words(program.chip)),
        Fact("Page made by", f"snnprog {__version__}"),
    ]
    return tuple(facts)


def _more_of(verdict: Verdict) -> tuple[str, ...]:
    sentences = [f"Proof: {proof_in_words(verdict)}."]
    if isinstance(verdict.hidden, Conflict):
        sentences.append(f"With hidden neurons: {verdict.hidden.reason}.")
    elif verdict.hidden:
        sentences.append(
            "Hidden neurons may help: nothing in what came in before speaks against it; compile adds them."
        )
    return tuple(sentences)
