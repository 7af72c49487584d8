"""Decoders: which class the outputs name.

Either an output stands for a class, and the first spike or the most spikes decide. Or each output answers a question
about the class with yes (a spike) or no (silence), and the class decides with which most answers agree. Of two classes
one neuron is enough then; of more, a neuron for each pair asks less of each than one against all the rest (Allwein,
Schapire and Singer, *Reducing multiclass to binary*, 2000).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snnprog.arrays import Int64s, Integers, Raster
from snnprog.checks import as_integer
from snnprog.coding.samples import check_least
from snnprog.display.card import Displayed
from snnprog.errors import SpecError
from snnprog.wording import counted

NO_CLASS = -1
YES, NO, NOT_ASKED = 1, -1, 0
VOTERS_SHARE = 0.5


def first_spike(spikes: Raster) -> int:
    """Return the output of a raster ``(ticks, outputs)`` that spikes first; `NO_CLASS` if none does, or several do."""
    fired = spikes[int(spikes.any(axis=1).argmax())]
    return int(fired.argmax()) if fired.sum() == 1 else NO_CLASS


def spike_count(spikes: Raster) -> int:
    """Return the output of a raster ``(ticks, outputs)`` with most spikes; `NO_CLASS` if several have as many."""
    counts = spikes.sum(axis=0)
    most = np.flatnonzero(counts == counts.max())
    return int(most[0]) if most.size == 1 else NO_CLASS


def highest_potential(potentials: Integers) -> int:
    """Return the output of potentials ``(ticks, outputs)`` that is highest in the last tick; `NO_CLASS` if several are.

    For outputs that are read by their potential (`Trace.readout`).
    """
    last = potentials[-1] if len(potentials) else np.zeros(potentials.shape[1], np.int64)
    highest = np.flatnonzero(last == last.max())
    return int(highest[0]) if highest.size == 1 else NO_CLASS


def with_rest(raster: Raster) -> Raster:
    """Return a raster ``(ticks + 1, lines)``: what was encoded, then the tick of the answer, silent."""
    return np.concatenate([raster, np.zeros((1, raster.shape[1]), dtype=np.bool_)])


@dataclass(frozen=True, eq=False, repr=False)
class Questions(Displayed):
    """What each output is asked about the class of a sample, and how classes are read off the answers.

    Attributes
    ----------
    answers : (classes, outputs) int8
        For each class the right answer of each output: 1 a spike, -1 silence, 0 if it is not asked.
    share : float
        The share of the samples of each class that an output is asked about.
    """

    answers: NDArray[np.int8]
    share: float = 1.0

    def __post_init__(self) -> None:
        answers = np.array(self.answers, dtype=np.int8)
        if answers.ndim != 2 or not np.isin(answers, (YES, NO, NOT_ASKED)).all():
            raise SpecError(f"answers have shape {answers.shape}; 1, -1 and 0 by (classes, outputs) are needed")
        if not ((answers == YES).any(axis=0) & (answers == NO).any(axis=0)).all():
            raise SpecError("an output is not asked for both answers; give it a class for each")
        if not 0.0 < self.share <= 1.0:
            raise SpecError(f"share is {self.share!r}; a share above 0 and up to 1 is needed")
        answers.flags.writeable = False
        object.__setattr__(self, "answers", answers)

    @classmethod
    def one_vs_rest(cls, classes: int) -> Questions:
        """Return one output for each class, asked whether it is this one."""
        check_least("classes", as_integer("classes", classes), least=2)
        return cls(2 * np.eye(classes, dtype=np.int8) - 1)

    @classmethod
    def one_vs_one(cls, classes: int, voters: int = 1) -> Questions:
        """Return one output for each pair of classes, asked whether it is the second rather than the first.

        With several ``voters``, each question goes to so many outputs, and each of them is asked about half of the
        samples, drawn anew (bagging, Breiman 1996): where they disagree, the majority is right more often than any.
        """
        check_least("classes", as_integer("classes", classes), least=2)
        check_least("voters", as_integer("voters", voters), least=1)
        pairs = list(combinations(range(classes), 2))
        answers = np.zeros((classes, len(pairs)), dtype=np.int8)
        for output, (first, second) in enumerate(pairs):
            answers[first, output], answers[second, output] = NO, YES
        return cls(np.repeat(answers, voters, axis=1), 1.0 if voters == 1 else VOTERS_SHARE)

    def _summary(self) -> str:
        share = "" if self.share == 1.0 else f", each asked about {self.share:.0%} of the samples"
        return f"{self.n_classes} classes, {counted(self.n_outputs, 'output')}{share}"

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return int(self.answers.shape[0])

    @property
    def n_outputs(self) -> int:
        """Number of output neurons."""
        return int(self.answers.shape[1])

    @property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """For each output, the first class that it is to be silent for, and the first that it is to spike for."""
        silent, spiking = ((self.answers == answer).argmax(axis=0) for answer in (NO, YES))
        return tuple(zip(silent.tolist(), spiking.tolist(), strict=True))

    def asked(self, labels: ArrayLike, seed: int = 0) -> Raster:
        """Return (samples, outputs) which outputs are asked about which samples; who is drawn depends on the seed."""
        classes = np.asarray(labels)
        asked: Raster = self.answers[classes] != NOT_ASKED
        if self.share == 1.0:
            return asked
        generator = np.random.default_rng(seed)
        for output in range(self.n_outputs):
            for kind in range(self.n_classes):
                own = generator.permutation(np.flatnonzero(classes == kind))
                asked[own[int(np.ceil(self.share * own.size)) :], output] = False
        return asked

    def decide(self, spikes: Sequence[Raster]) -> Int64s:
        """Return the class of each sample from its outputs' raster ``(ticks, outputs)``: the last tick is the answer.

        Where classes have as many votes, those outputs count that were asked about these classes alone; where that is
        no decision, the first of them is taken.
        """
        said = np.where(np.array([raster[-1] for raster in spikes]), YES, NO)
        agreement = said[:, None, :] == self.answers
        votes = agreement.sum(axis=2)
        tied = votes == votes.max(axis=1, keepdims=True)
        for sample in np.flatnonzero(tied.sum(axis=1) > 1):
            among = ~(self.answers[~tied[sample]] != NOT_ASKED).any(axis=0)
            votes[sample] += tied[sample] * (1 + agreement[sample][:, among].sum(axis=1))
        decided: Int64s = votes.argmax(axis=1)
        return decided
