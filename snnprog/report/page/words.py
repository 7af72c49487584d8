"""Sentences of a page: its content, whether the program matches its specification, and the meaning of each status."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from snnprog.display.card import BAD, GOOD, OPEN
from snnprog.explanation import UNDECIDED, Explanation
from snnprog.judgement import EXTRA, MISSING
from snnprog.program import Program
from snnprog.report.page.model import Headline
from snnprog.report.page.provenance import NeuronRecord
from snnprog.report.recording import Judged, Recording
from snnprog.report.statuses import MEANINGS, kind_of
from snnprog.spec import Spec
from snnprog.verification import Verification
from snnprog.wording import counted

SHOWN_NAMES = 6


def introduction(program: Program, recording: Recording | None, *, is_judged: bool) -> str:
    """Return a description of a program's page, for readers who do not know snnprog."""
    neurons, chip = counted(program.n_neurons, "neuron"), program.chip.name
    lines = counted(program.n_inputs, "input line")
    first = f"This page shows a spiking neural network for the chip {chip}: {neurons} driven by {lines}."
    if is_judged:
        second = "It compares the output spikes with the target spikes of the specification, tick by tick."
    elif recording is not None:
        second = "It shows the spikes and potentials that the given inputs cause, tick by tick."
    else:
        second = "It shows the weights, delays and resources that the program file holds; nothing was run."
    return f"{first} {second}"


def introduction_of_spec(spec: Spec) -> str:
    """Return a description of a specification's page, for readers who do not know snnprog."""
    return (
        f"This page shows a specification for a spiking neural network on the chip {spec.chip.name}: input spikes, and"
        " the output spikes that the network must give. It says which outputs can be built; where one cannot, it names"
        " the target spikes that contradict each other."
    )


def introduction_of_network(program: Program, neurons: int) -> str:
    """Return a description of a trained network's page, for readers who do not know snnprog."""
    return (
        f"This page compares a trained network of {counted(neurons, 'spiking neuron')} with the program that was made"
        f" from it for the chip {program.chip.name}. Target spikes are those of the network in real numbers; output"
        " spikes are those of the program, in the chip's integers."
    )


def unchecked(recording: Recording | None) -> Headline:
    """Return the verdict on a program that came without its spec."""
    shown = (
        "The page shows what the program does with the given inputs; there is no target to compare its spikes with."
        if recording is not None
        else "No inputs were given either, so nothing was run. The page shows the contents of the program file."
    )
    return Headline(OPEN, "Not checked: no specification was given", (shown,))


def verdict(
    program: Program, spec: Spec, *, judged: Judged, verification: Verification, records: Sequence[NeuronRecord]
) -> Headline:
    """Return the verdict on a program that was compared with its spec."""
    sentences = [*_outcome(judged, verification), *_robustness(verification), *_portability(judged.recording)]
    if not judged.wrong:
        sentences += meanings([each.status for each in records[: program.n_outputs]])
    sentences.append(_origin(verification))
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
    if verification.robustness is not None and not verification.robustness.holds:
        return f"Exact on the given inputs, robustness {verification.robustness.verdict}"
    return f"Exact on all {len(spec.patterns)} patterns" if len(spec.patterns) > 1 else "Exact, spike for spike"


def _wrong_of(wrong: int, counting: int) -> str:
    return f"{wrong:,} of {counting:,} bins {'is' if wrong == 1 else 'are'}"


def _outcome(judged: Judged, verification: Verification) -> list[str]:
    counting = int(judged.care.sum())
    if judged.wrong:
        kinds, outputs = Counter(each.kind for each in judged.wrong), Counter(each.output for each in judged.wrong)
        worst, most = outputs.most_common(1)[0]
        return [
            f"{counted(kinds[MISSING], 'spike')} missing, {counted(kinds[EXTRA], 'extra spike')}."
            f" {len(outputs)} of {counted(judged.targets.shape[1], 'output')} {'has' if len(outputs) == 1 else 'have'}"
            f" wrong bins; {judged.recording.program.output_label(worst)} has the most ({most})."
        ]
    sentence = f"All {counting:,} target bins that count are right"
    against = verification.against
    alike = [name for name, check in verification.backends.items() if check.is_identical and name != against]
    article = "the " if against == "reference" else ""
    equal = f", which {'equals' if len(alike) == 1 else 'equal'} {article}{against} bit for bit" if alike else ""
    return [
        f"{sentence} on {_listed(alike or [against])}{equal}.",
        *(f"{name} gave no answer: {error}." for name, error in verification.failures.items()),
    ]


def _robustness(verification: Verification) -> list[str]:
    return [] if verification.robustness is None else [f"Robustness {verification.robustness}."]


def _portability(recording: Recording) -> list[str]:
    if not recording.excursions:
        return ["All states stayed within the range in which all runtimes of the chip agree."]
    (pattern, excursion), names = recording.excursions[0], recording.program.neuron_names
    return [f"Runtimes may disagree: in pattern {pattern}, {excursion.in_words(names)}."]


def meanings(statuses: Sequence[str]) -> list[str]:
    """Return a sentence for each status: its number of outputs, and its meaning."""
    return [
        f"{number} of {counted(len(statuses), 'output')} {'is' if number == 1 else 'are'} {status}: {MEANINGS[status]}."
        for status, number in Counter(statuses).items()
        if status in MEANINGS
    ]


def _origin(verification: Verification) -> str:
    if verification.same_spec is None:
        return "The program file does not say which specification it was compiled from."
    if verification.same_spec:
        return "The program was compiled from this specification: their digests are equal."
    return "The program was compiled from another specification: the digests differ."


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
