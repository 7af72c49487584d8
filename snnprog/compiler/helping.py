"""Hidden neurons and integers with them, or a proof that no hidden neurons help.

Real weights with hidden neurons may have no exact integers. Then rounding-proof weights are tried; then hidden neurons
are drawn at random, different ones and more of them each time, until integers are found or all attempts fail.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NoReturn

from snnprog.compiler.built import Built
from snnprog.compiler.work import PART, Work
from snnprog.design import Design
from snnprog.errors import UndecidedError
from snnprog.integers import INEXACT
from snnprog.solver import is_time_over, step

# Number of random draws of hidden neurons, and the share of the remaining time for each draw and for its integers.
# The first attempt adds neurons one by one and takes more. Choices; without a time limit, shares have no effect.
DRAWS, SHARE = 4, 0.3
FIRST_SHARE = 0.6
# The share of the time for all attempts; the rest is for a proof that no hidden neurons help. A choice.
HELP_PART = 0.7
# The share of the time for that proof that is left then; the rest is for integers without hidden neurons. A choice.
PROOF_PART = 0.7


def helped_or_refused(work: Work, designed: Design) -> Design:
    """Return the design with the hidden neurons that its outputs require, or with a proof that none help.

    If no hidden neurons are found, a proof that none help is looked for; without one, integers without hidden neurons
    are fitted once more, and longer. Where there is a proof, all fits would end without success.

    Raises
    ------
    UndecidedError
        If nothing of this is found.
    """
    found: list[UndecidedError] = []
    with step("hidden", share=HELP_PART):
        for draw in range(DRAWS + 1):
            share = FIRST_SHARE if draw == 0 else SHARE
            try:
                return work.helped(designed, designed.unbuilt, is_proof_needed=False, draw=draw, share=share)
            except UndecidedError as error:
                found.append(error)
            if is_time_over():
                break
    with step("proofs", share=PROOF_PART):
        refused = work.refused(designed, designed.unbuilt)
    return refused or work.fitted(designed, designed.unbuilt, share=1.0) or _give_up(work, found[0])


def built_with_help(work: Work, alone: Design, built: Built) -> Built:
    """Return the exact program with other hidden neurons if integers are inexact, or a proof that there is none.

    Parameters
    ----------
    alone : Design
        The design of outputs without hidden neurons.
    built : Built
        A program that is inexact.

    Raises
    ------
    UndecidedError
        If neither is found.
    """
    found: list[UndecidedError] = []
    outputs = sorted({*alone.unbuilt, *built.flawed})
    for draw in range(DRAWS + 1):
        try:
            if draw == 0 and built.flawed:
                helped = work.helped(built.design, built.flawed, is_proof_needed=True, share=SHARE)
            else:
                helped = work.helped(alone, outputs, is_proof_needed=False, draw=draw, share=SHARE)
        except UndecidedError as error:
            found.append(error)
            if is_time_over():
                break
            continue
        if helped.proof is not None:
            return replace(built, design=helped)
        again = work.built(helped, share=SHARE if draw < DRAWS else PART)
        if not is_flawed(again):
            return again
    refused = work.refused(alone, built.inexact)
    if refused is not None:
        return replace(built, design=refused)
    return _give_up(work, found[0]) if found and built.inexact else built


def is_flawed(built: Built) -> bool:
    """Return whether a program violates the spec in any respect, hidden neurons included."""
    is_beyond = any(neuron.excursion is not None or neuron.status == INEXACT for neuron in built.neurons)
    return bool(built.flawed or built.fragile or is_beyond)


def _give_up(work: Work, error: UndecidedError) -> NoReturn:
    work.watch.ended += [each for each in error.ended_by_time if each not in work.watch.ended]
    raise error
