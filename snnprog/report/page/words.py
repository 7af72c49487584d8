"""The verdict in words: whether a program does what was asked, and what each output's status means."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from snnprog.explanation import UNDECIDED, Explanation
from snnprog.judgement import EXTRA, MISSING
from snnprog.program import Program
from snnprog.report.page.model import Headline
from snnprog.report.page.told import Told
from snnprog.report.recording import Judged, Recording
from snnprog.report.statuses import BAD, GOOD, MEANINGS, OPEN, kind_of
from snnprog.spec import Spec
from snnprog.verification import Verification
from snnprog.wording import counted

SHOWN_NAMES = 6


def unchecked(recording: Recording | None) -> Headline:
    """Return the verdict on a program that came without its spec."""
    shown = (
        "What is shown is what it does with the inputs given; whether that is what was asked cannot be told."
        if recording is not None
        else "No inputs were given either, so nothing was run: weights, margins as the file tells them, and resources."
    )
    return Headline(OPEN, "Not checked: no specification was given", (shown,))


def verdict(program: Program, spec: Spec, judged: Judged, verification: Verification, told: Sequence[Told]) -> Headline:
    """Return the verdict on a program that was held against its spec."""
    sentences = [*_outcome(judged, verification), *_portability(judged.recording)]
    if not judged.wrong:
        sentences += meanings([each.status for each in told[: program.n_outputs]])
    sentences.append(_origin(program, spec))
    return Headline(
        GOOD if verification.exact else BAD, _headline(spec, judged, verification=verification), tuple(sentences)
    )


def _headline(spec: Spec, judged: Judged, *, verification: Verification) -> str:
    if judged.wrong:
        return f"{_wrong_of(len(judged.wrong), int(judged.care.sum()))} wrong"
    differing = [name for name, check in verification.backends.items() if not check.exact]
    differing += verification.failures
    if differing:
        return f"Exact here, but not on {', '.join(differing)}"
    return f"Exact on all {len(spec.patterns)} patterns" if len(spec.patterns) > 1 else "Exact, spike for spike"


def _wrong_of(wrong: int, counting: int) -> str:
    return f"{wrong:,} of {counting:,} bins {'is' if wrong == 1 else 'are'}"


def _outcome(judged: Judged, verification: Verification) -> list[str]:
    counting = int(judged.care.sum())
    if judged.wrong:
        kinds, outputs = Counter(each.kind for each in judged.wrong), Counter(each.output for each in judged.wrong)
        worst, most = outputs.most_common(1)[0]
        return [
            f"Missing: {counted(kinds[MISSING], 'spike')}; not asked for: {counted(kinds[EXTRA], 'spike')}."
            f" {counted(len(outputs), 'output')} of {judged.targets.shape[1]} concerned; output {worst} has most"
            f" ({most})."
        ]
    sentence = f"Each of the {counting:,} target bins that count came out as asked"
    identical = [name for name, check in verification.backends.items() if check.is_identical]
    alike = list(dict.fromkeys([*identical, verification.against]))
    return [
        f"{sentence} on {_listed(alike)}{', bit for bit alike' if len(alike) > 1 else ''}.",
        *(f"{name} gave no answer: {error}." for name, error in verification.failures.items()),
    ]


def _portability(recording: Recording) -> list[str]:
    if not recording.excursions:
        return ["All states stayed in the range on which every runtime of the chip agrees."]
    pattern, excursion = recording.excursions[0]
    return [f"Runtimes may disagree: in pattern {pattern}, {excursion}."]


def meanings(statuses: Sequence[str]) -> list[str]:
    """Return how many outputs have which status, and what that means."""
    return [
        f"{number} of {counted(len(statuses), 'output')} {'is' if number == 1 else 'are'} {status}: {MEANINGS[status]}."
        for status, number in Counter(statuses).items()
        if status in MEANINGS
    ]


def _origin(program: Program, spec: Spec) -> str:
    told = program.provenance.get("spec_sha256")
    if told is None:
        return "The file does not tell which specification it was compiled from."
    if told == spec.digest():
        return "The specification is the one that the program was compiled from, by its digest."
    return "The specification is not the one that the program was compiled from: their digests differ."


def verdict_of_explanation(explanation: Explanation) -> Headline:
    """Return the verdict on a spec that was not compiled."""
    statuses = [each.status for each in explanation.verdicts]
    infeasible, undecided = explanation.infeasible, statuses.count(UNDECIDED)
    sentences = tuple(meanings(statuses))
    if infeasible:
        text = f"Infeasible: {len(infeasible)} of {counted(len(statuses), 'output')} cannot be built"
        return Headline(BAD, text, sentences)
    if undecided:
        return Headline(OPEN, f"Undecided: {undecided} of {counted(len(statuses), 'output')}", sentences)
    if any(kind_of(status) == BAD for status in statuses):
        return Headline(BAD, "Weights exist, but no exact integers were found", sentences)
    return Headline(GOOD, "Feasible: every output can be built", sentences)


def _listed(names: Sequence[str]) -> str:
    shown = [*names[:SHOWN_NAMES], *(["others"] if len(names) > SHOWN_NAMES else [])]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
