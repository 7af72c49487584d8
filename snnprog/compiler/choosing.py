"""Alternative choices of ticks, don't-care bins or synapses, if no integers realise the first choice."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from snnprog.compiler.built import Built
from snnprog.compiler.work import Work
from snnprog.design import Design
from snnprog.design.again import choices_of
from snnprog.design.guesses import guesses
from snnprog.errors import UndecidedError
from snnprog.solver import step
from snnprog.spec import Spec
from snnprog.spec.options import NO_WINDOW

# Number of alternative choices, each tried briefly, and the share of the time for all of them.
MOST_CHOICES, SHARE = 8, 0.5


def has_choice(spec: Spec) -> bool:
    """Return whether the targets of a spec can be met in more than one way."""
    return spec.window != NO_WINDOW or spec.may_taps_be_absent or not bool(spec.care.all())


def _has_freer_fit(spec: Spec) -> bool:
    """Return whether newly fitted integers may use other ticks or synapses than a design.

    Repairs may change bins that do not count, too, unless outputs feed outputs.
    """
    return spec.may_taps_be_absent or (spec.window != NO_WINDOW and not spec.recurrent)


def built_with_choice(work: Work, designed: Design, *, share: float = 1.0) -> Built:
    """Convert a design to integers, or an alternative design if the integers of this one are not exact.

    Choices are tried briefly, in turn; after the first, all integers are searched within a budget, and
    others are fitted that make their choices during the run. If all fail, the first is tried with all methods,
    in a share of the time. With hidden neurons, or outputs that are not built, the first design is kept.
    """
    if designed.hidden or designed.unbuilt or not has_choice(work.spec):
        return work.built(designed, share=share)
    refused: set[bytes] = set()
    candidate: Design | None = designed
    for number in range(MOST_CHOICES):
        if candidate is None:
            break
        built = work.built(candidate, share=SHARE, is_brief=True)
        if number == 0 and built.failing:
            built = work.settled(built)
        if built.refused or not built.flawed:
            return built
        fitted = _fitted(work, candidate, built.flawed) if number == 0 and _has_freer_fit(work.spec) else None
        if fitted is not None:
            return fitted
        refused |= choices_of(candidate, built.flawed)
        if number == 0 and work.spec.sparse:
            designed = candidate = _with_more_synapses(work, candidate)
        else:
            candidate = work.designed_again(candidate, built.flawed, refused, share=SHARE)
    return work.built(designed, share=share)


def _fitted(work: Work, designed: Design, outputs: Sequence[int]) -> Built | None:
    """Return an exact program with fitted integers for some outputs; None if none is found."""
    fitted = work.fitted(designed, outputs)
    built = None if fitted is None else work.built(fitted, is_brief=True)
    return None if built is None or built.flawed else built


def built_by_guess(work: Work, designed: Design) -> Built | None:
    """Return an exact program with integers for undecided outputs, from approximate weights; None if none is found.

    Decays truncate, so there may be integers where there are no real weights.
    """
    with work.watch.noticing("design"), step("guess", share=SHARE), suppress(UndecidedError):
        for guess in guesses(work.spec, designed):
            built = work.built(guess, is_brief=True)
            if not built.flawed:
                return built
    return None


def _with_more_synapses(work: Work, designed: Design) -> Design:
    """Return the design with the allowed number of synapses instead of the minimum."""
    spec = work.spec
    most = len(spec.delays) * spec.n_presynaptic if spec.fan_in is None else spec.fan_in
    dense = replace(work, spec=replace(spec, sparse=False, fan_in=most)).designed(may_be_unbuilt=True, share=SHARE)
    return designed if dense.unbuilt else dense
