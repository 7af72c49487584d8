"""Explain for each output of a spec whether it can be built, and if not, why, with checked proofs.

For outputs that can be built, the status is that of their integers, calculated by the steps of `snnprog.compile`.
Infeasible outputs that feed them are assumed to produce their targets. Spikes with windows have the chosen ticks.

Each output is examined without hidden neurons. Where hidden neurons may be added, an output that is infeasible without
them is infeasible only if they cannot help either (see `snnprog.design.hidden.impossible`). Otherwise it is undecided:
`compile` searches for them.

Where the spec names perturbations, outputs are compiled as `compile` does, hidden neurons included, and conflicts name
the perturbed inputs that exclude one another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast

import numpy as np

from snnprog.calls import call_checked
from snnprog.check_proof import check
from snnprog.checks import as_seconds, check_type
from snnprog.compiler.advice import everything
from snnprog.compiler.built import Built
from snnprog.compiler.choosing import built_by_guess, built_with_choice
from snnprog.compiler.robust import robust_built
from snnprog.compiler.steps import exact_built
from snnprog.compiler.work import PART, Work
from snnprog.conflict import Conflict
from snnprog.design import Design
from snnprog.design.hidden.draft import Draft
from snnprog.design.hidden.impossible import histories_of
from snnprog.design.hidden.refuting import Refusal, impossibility
from snnprog.display.card import BAD, GOOD, OPEN, Card, Displayed
from snnprog.errors import InfeasibleError, LimitError, QuantizationError, SolverError, UndecidedError
from snnprog.integers import CERTIFIED, EXACT, INEXACT
from snnprog.names import name_of, numbered, with_name
from snnprog.processes.executors import AnyExecutor, as_executor
from snnprog.progress import Progress, shown
from snnprog.proof import Node, leaves_of
from snnprog.proof_document import proof_from_data, proof_to_data
from snnprog.solver import check_time, deadline_after, one_blas_thread, step, telling, until
from snnprog.spec import Spec
from snnprog.spec.document import spec_to_data
from snnprog.table import Table
from snnprog.wording import counted

INFEASIBLE, UNDECIDED = "infeasible", "undecided"
VERDICT_MEANINGS = {
    CERTIFIED: "a proof shows that every rounding of the weights to the nearest integers is exact",
    EXACT: "the integers were simulated and give exactly the target spikes",
    INEXACT: "real weights exist, but none of the integers that were tried is exact",
    INFEASIBLE: "a proof shows that no integers give the target spikes",
    UNDECIDED: "neither weights nor a proof was found",
}
SHOWN_OUTPUTS = 2
"""Outputs whose first conflict is shown in a short text: with the rest, five lines. A choice."""


@dataclass(frozen=True, repr=False)
class Verdict(Displayed):
    """The verdict on one output.

    Attributes
    ----------
    output : int
    status : str
        "certified", "exact", "inexact" (weights exist, but no integers that were tried are exact, tolerate the noise
        and stay in the range in which all runtimes of the chip agree), "infeasible" or "undecided" (neither weights nor
        a proof was found, or the time ran out, or hidden neurons may be added and may help).
    conflicts : tuple of Conflict
        Why it is infeasible, or would be without hidden neurons; where outputs feed outputs and have windows, the
        conflict of the first output stands for all.
    proof : node or None
        The proof of the first conflict, checked by `snnprog.check_proof`.
    hidden : Conflict, bool or None
        Where the spec allows hidden neurons and the output is infeasible alone: why they do not help either, or True
        if no reason was found. None if this was not examined, or not within the time limit.
    label : str or None
        The name of the output, if it has one.
    perturbed : tuple of mapping
        Where the spec names perturbations: the perturbed patterns of the proof, as plain data.
    """

    output: int
    status: str
    conflicts: tuple[Conflict, ...] = ()
    proof: Node | None = None
    hidden: Conflict | Literal[True] | None = None
    label: str | None = None
    perturbed: tuple[Mapping[str, object], ...] = ()

    @property
    def name(self) -> str:
        """Which output, in words."""
        return with_name("output", self.output, self.label)

    def _summary(self) -> str:
        reason = f": {self.conflicts[0].reason}" if self.conflicts else ""
        return f"{self.name} is {self.status}{reason}"

    def _card(self) -> Card:
        kind = {INFEASIBLE: BAD, UNDECIDED: OPEN}.get(self.status, GOOD)
        return Card(kind, facts=[("conflicts", len(self.conflicts))] if self.conflicts else [])

    def as_dict(self) -> dict[str, object]:
        """Return the verdict as plain data; shares of prices are texts such as "1/2"."""
        return {
            "output": self.output,
            "label": self.label,
            "status": self.status,
            "conflicts": [
                {"reason": conflict.reason, "is_minimal": conflict.is_minimal, "bins": _bins(conflict)}
                for conflict in self.conflicts
            ],
            "proof": None if self.proof is None else {"cases": len(list(leaves_of(self.proof)))},
            "hidden_neurons": self._hidden_as_dict(),
        }

    def _hidden_as_dict(self) -> dict[str, object] | None:
        if self.hidden is None:
            return None
        return {"may_help": self.hidden is True, "reason": "" if self.hidden is True else self.hidden.reason}


@call_checked
@dataclass(frozen=True, repr=False)
class Explanation(Displayed):
    """The verdicts on all outputs of a spec; its text is the summary and the first reasons.

    Attributes
    ----------
    verdicts : tuple of Verdict
        One per output, in order.
    ended_by_time : tuple of str
        The steps that the time limit ended, as progress names them.
    advice : str
        Changes that may help an output that cannot be built: those that the spec and its chip allow.
    """

    verdicts: tuple[Verdict, ...]
    ended_by_time: tuple[str, ...] = ()
    advice: str = ""

    @property
    def is_feasible(self) -> bool:
        """Whether no output is infeasible or undecided."""
        return not any(verdict.status in (INFEASIBLE, UNDECIDED) for verdict in self.verdicts)

    @property
    def proof(self) -> Node | None:
        """The proof of the first output that is infeasible."""
        return next((verdict.proof for verdict in self.verdicts if verdict.status == INFEASIBLE), None)

    def proof_data(self, spec: Spec) -> dict[str, object] | None:
        """Return the document of that proof, which `snnprog.check_proof` accepts for a spec; None if there is none."""
        first = next((verdict for verdict in self.verdicts if verdict.status == INFEASIBLE), None)
        if first is None or first.proof is None:
            return None
        data = proof_to_data(first.proof, spec_to_data(spec))
        return data | ({"perturbed": list(first.perturbed)} if first.perturbed else {})

    @property
    def infeasible(self) -> tuple[int, ...]:
        """The outputs that are proved infeasible."""
        return tuple(verdict.output for verdict in self.verdicts if verdict.status == INFEASIBLE)

    @property
    def unbuilt(self) -> tuple[Verdict, ...]:
        """The verdicts on outputs that cannot be built, or without integers, or undecided."""
        return tuple(verdict for verdict in self.verdicts if verdict.status not in (CERTIFIED, EXACT))

    def __str__(self) -> str:
        more = len(self.unbuilt) - SHOWN_OUTPUTS
        lines = [
            summary_in_words(self),
            *(verdict_in_words(verdict) for verdict in self.unbuilt[:SHOWN_OUTPUTS]),
            f"and {counted(more, 'more output')}" if more > 0 else "",
            f"what may help: {self.advice}" if self.infeasible and self.advice else "",
        ]
        return "\n".join(line for line in lines if line)

    def _summary(self) -> str:
        counts = Counter(verdict.status for verdict in self.verdicts)
        statuses = ", ".join(f"{count} {status}" for status, count in counts.most_common())
        return f"{counted(len(self.verdicts), 'output')}: {statuses}"

    def _card(self) -> Card:
        rows = [
            (numbered(each.output, each.label), each.status, each.conflicts[0].reason if each.conflicts else "")
            for each in self.verdicts
        ]
        notes = [f"what may help: {self.advice}"] if self.infeasible and self.advice else []
        if self.ended_by_time:
            notes.append(f"the time limit ended: {', '.join(self.ended_by_time)}")
        kind = BAD if self.infeasible else GOOD if self.is_feasible else OPEN
        rows.sort(key=lambda row: not row[2])
        return Card(kind, table=Table.plain("", columns=("output", "status", "reason"), rows=rows), notes=notes)

    def as_dict(self) -> dict[str, object]:
        """Return the explanation as plain data."""
        return {
            "feasible": self.is_feasible,
            "outputs": [verdict.as_dict() for verdict in self.verdicts],
            "ended_by_time": list(self.ended_by_time),
        }


def summary_in_words(explanation: Explanation) -> str:
    """Return how many outputs there are of each status, and which steps had too little time."""
    counts = Counter(verdict.status for verdict in explanation.verdicts)
    in_all = ", ".join(f"{number} {status}" for status, number in counts.most_common())
    ended = ", ".join(explanation.ended_by_time)
    loss = "; conflicts may name more spikes than they must" if INFEASIBLE in counts else ""
    loss = "; more time may decide more" if {UNDECIDED, INEXACT} & counts.keys() else loss
    late = f" (the time limit ended: {ended}{loss})" if ended else ""
    return f"{counted(len(explanation.verdicts), 'output')}: {in_all}{late}"


def verdict_in_words(verdict: Verdict) -> str:
    """Return the status of an output and the first reason for it, as a line."""
    if not verdict.conflicts:
        return f"{verdict.name}: {verdict.status}: {VERDICT_MEANINGS[verdict.status]}"
    more = len(verdict.conflicts) - 1
    also = f" (and {counted(more, 'more conflict')})" if more else ""
    reason = verdict.conflicts[0].reason.removeprefix(f"{verdict.name} ")
    return f"{verdict.name}: {status_in_words(verdict)}: {reason}{also}"


def status_in_words(verdict: Verdict) -> str:
    """Return the status of an output; conflicts of an undecided one hold only without hidden neurons."""
    is_open = verdict.status == UNDECIDED and verdict.conflicts
    return f"{verdict.status}, and infeasible without hidden neurons" if is_open else verdict.status


@call_checked
@one_blas_thread()
def explain(
    spec: Spec,
    *,
    executor: AnyExecutor | None = None,
    progress: Progress | bool | None = None,
    time_limit_s: float | None = None,
) -> Explanation:
    """Determine for each output of a spec whether it can be built, and if not, why.

    Parameters
    ----------
    spec : Spec
    executor : concurrent.futures.Executor, dask.distributed.Client or pool, optional
        Executor that designs neurons in parallel, as for `snnprog.compile`.
    progress : callable or True, optional
        True shows a bar for each step, in a terminal or a notebook; a callable is called with (step, done, all) as work
        proceeds.
    time_limit_s : float, optional
        Seconds for the whole call, kept within about a tenth; ``ended_by_time`` names the steps that it ended.

    Raises
    ------
    SpecError
        If an argument is invalid.
    SolverError
        If the solver fails to find ticks in windows, or integers.
    """
    check_type("spec", spec, kind=Spec)
    limit = None if time_limit_s is None else as_seconds("time_limit_s", time_limit_s)
    with shown(progress, "design") as tell, until(deadline_after(limit)), telling(tell):
        work = Work(spec, executor=as_executor(executor), progress=tell, limit=limit)
        verdicts = verdicts_and_design(work)[0] if spec.robust is None else _robust_verdicts(work)
        verdicts = [replace(each, label=name_of(each.output, spec.output_names)) for each in verdicts]
    advice = everything(spec, [conflict for verdict in verdicts for conflict in verdict.conflicts])
    return Explanation(tuple(verdicts), tuple(dict.fromkeys(work.watch.ended)), advice)


def verdicts_and_design(work: Work) -> tuple[list[Verdict], Design]:
    """Return the verdict on each output of a specification without perturbations, and the design that they rest on."""
    spec = work.spec
    designed = work.designed(may_be_unbuilt=True, share=PART)
    guessed = built_by_guess(work, designed) if designed.undecided and spec.hidden == 0 else None
    designed = designed if guessed is None else guessed.design
    built = guessed or (_built(work, designed) if len(designed.unbuilt) < spec.n_outputs else None)
    verdicts = [_verdict(index, designed=designed, built=built) for index in range(spec.n_outputs)]
    if spec.hidden != 0:
        help_of = _help_of_hidden(work, designed)
        verdicts = [_with_hidden(verdict, help_of.get(verdict.output)) for verdict in verdicts]
    return verdicts, designed


def _robust_verdicts(work: Work) -> list[Verdict]:
    """Return the verdict on each output of a specification with perturbations.

    All outputs are compiled together. If that fails and outputs do not feed outputs, each is compiled for itself: the
    bins of the others do not count.
    """
    spec = work.spec
    found = {verdict.output: verdict for verdict in _robust(work, range(spec.n_outputs))}
    for output in range(spec.n_outputs):
        if found[output].status == UNDECIDED and spec.n_outputs > 1 and not spec.recurrent:
            care = np.arange(spec.n_outputs) == output
            patterns = tuple(replace(each, care=each.care & care) for each in spec.patterns)
            (found[output],) = _robust(replace(work, spec=replace(spec, patterns=patterns)), [output])
    return [_about(spec, found[output]) for output in range(spec.n_outputs)]


def _robust(work: Work, outputs: Sequence[int]) -> list[Verdict]:
    """Return the verdict on some outputs of a specification, compiled together."""
    try:
        built, _ = robust_built(work, exact_built)
    except InfeasibleError as error:
        first = error.conflicts[0].neuron
        perturbed = cast("list[Mapping[str, object]]", error.proof.get("perturbed", []))
        conflicts = tuple(each for each in error.conflicts if each.neuron == first)
        refused = Verdict(first, INFEASIBLE, conflicts, proof_from_data(dict(error.proof)), perturbed=tuple(perturbed))
        return [refused if output == first else Verdict(output, UNDECIDED) for output in outputs]
    except QuantizationError:
        return [Verdict(output, INEXACT if len(outputs) == 1 else UNDECIDED) for output in outputs]
    except (UndecidedError, LimitError) as error:
        work.watch.ended += error.ended_by_time if isinstance(error, UndecidedError) else ()
        return [Verdict(output, UNDECIDED) for output in outputs]
    return [Verdict(output, _status(output, built)) for output in outputs]


def _about(spec: Spec, verdict: Verdict) -> Verdict:
    """Return a verdict whose proof, found for its output alone, is checked for the whole specification."""
    if verdict.proof is None:
        return verdict
    document = spec_to_data(spec)
    proof = proof_to_data(verdict.proof, document) | {"perturbed": list(verdict.perturbed)}
    return verdict if check(document, proof) is None else Verdict(verdict.output, UNDECIDED)


def _built(work: Work, designed: Design) -> Built | None:
    """Return the integers, or None if there was no time to run them."""
    try:
        return built_with_choice(work, designed, share=PART)
    except UndecidedError:
        work.watch.ended.append("simulate")
        return None


def _with_hidden(verdict: Verdict, refused: Refusal | Literal[True] | None) -> Verdict:
    """Return the verdict on an output that may have hidden neurons; the proof without them does not refute it."""
    if isinstance(refused, Refusal):
        conflicts = verdict.conflicts or (refused.conflict,)
        return replace(verdict, status=INFEASIBLE, conflicts=conflicts, hidden=refused.conflict, proof=refused.proof)
    return replace(verdict, hidden=refused, status=UNDECIDED if verdict.status == INFEASIBLE else verdict.status)


def _help_of_hidden(work: Work, designed: Design) -> dict[int, Refusal | Literal[True]]:
    """Return output -> the proof that hidden neurons do not help, or True, for as many outputs as the time allows."""
    help_of: dict[int, Refusal | Literal[True]] = {}
    outputs = designed.unbuilt
    if not outputs:
        return help_of
    draft = Draft(work.spec)
    try:
        with step("hidden"):
            histories = histories_of(draft)
            for output in outputs:
                check_time()
                help_of[output] = impossibility(draft, output, histories=histories) or True
            refused = work.refused(designed, [output for output in outputs if help_of[output] is True])
            for output, outcome in enumerate(refused.outcomes if refused is not None else ()):
                if outcome.proof is not None:
                    help_of[output] = Refusal(outcome.conflicts[0], outcome.proof)
    except SolverError as error:
        work.watch.ended += error.ended_by_time if isinstance(error, UndecidedError) else ()
    return help_of


def _verdict(output: int, *, designed: Design, built: Built | None) -> Verdict:
    refused = [] if built is None else [each for each in built.refused if each.conflicts[0].neuron == output]
    outcome = next(iter(refused), designed.outcomes[output])
    if outcome.proof is not None:
        return Verdict(output, INFEASIBLE, outcome.conflicts, outcome.proof)
    return Verdict(output, UNDECIDED if built is None or outcome.neuron is None else _status(output, built))


def _status(output: int, built: Built) -> str:
    """Return the status of an output that was designed."""
    if output in built.out_of_time:
        return UNDECIDED
    flawed = {*built.inexact, *built.overrunning}
    flawed |= {neuron.output for neuron in built.fragile} | {found.output for found in built.wrong}
    return INEXACT if output in flawed else built.neurons[output].status


def _bins(conflict: Conflict) -> list[dict[str, object]]:
    return [
        {
            "pattern": each.pattern,
            "tick": each.tick,
            "demand": each.demand,
            "share": str(share),
        }
        for each, share in zip(conflict.bins, conflict.shares, strict=True)
    ]
