"""Decoders: the class that the outputs indicate.

Either each output represents a class, and the first spike or the most spikes decide; or each output answers a question
about the class with yes (a spike) or no (silence), and the class that agrees with most answers is chosen. For two
classes one neuron is then enough; for more, a neuron for each pair has an easier task than one against all others
(Allwein, Schapire and Singer, *Reducing multiclass to binary*, 2000).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snnprog.arrays import Int64s, Integers, Raster
from snnprog.calls import call_checked
from snnprog.checks import as_integer
from snnprog.coding.samples import check_least
from snnprog.display.card import Displayed
from snnprog.errors import SpecError
from snnprog.names import Names, names_from
from snnprog.raster import as_raster, as_rasters, turned
from snnprog.wording import counted

NO_CLASS = -1
YES, NO, NO_TARGET = 1, -1, 0
VOTERS_SHARE = 0.5


@call_checked
def first_spike(spikes: Raster) -> int:
    """Return the output of a raster ``(ticks, outputs)`` that spikes first; `NO_CLASS` if none does, or several do."""
    spikes = as_raster(spikes, "spikes")
    fired = spikes[int(spikes.any(axis=1).argmax())]
    return int(fired.argmax()) if fired.sum() == 1 else NO_CLASS


@call_checked
def spike_count(spikes: Raster) -> int:
    """Return the output of a raster ``(ticks, outputs)`` with most spikes; `NO_CLASS` in case of a tie."""
    counts = as_raster(spikes, "spikes").sum(axis=0)
    most = np.flatnonzero(counts == counts.max())
    return int(most[0]) if most.size == 1 else NO_CLASS


@call_checked
def highest_potential(potentials: Integers) -> int:
    """Return the output of potentials ``(ticks, outputs)`` with the highest last value; `NO_CLASS` for a tie.

    For outputs that are read by their potential (`Trace.readout`).
    """
    last = potentials[-1] if len(potentials) else np.zeros(potentials.shape[1], np.int64)
    highest = np.flatnonzero(last == last.max())
    return int(highest[0]) if highest.size == 1 else NO_CLASS


@call_checked
def with_rest(raster: Raster) -> Raster:
    """Return a raster ``(ticks + 1, lines)``: the encoded sample, then the silent tick of the answer."""
    raster = as_raster(raster, "raster")
    return np.concatenate([raster, np.zeros((1, raster.shape[1]), dtype=np.bool_)])


@call_checked
def with_start(raster: Raster) -> Raster:
    """Return a raster ``(ticks, lines + 1)`` with a last line that spikes at tick 0, when a sample begins."""
    raster = as_raster(raster, "raster")
    return np.concatenate([raster, np.arange(len(raster))[:, None] == 0], axis=1)


@call_checked
@dataclass(frozen=True, eq=False, repr=False)
class Questions(Displayed):
    """The question of each output about the class of a sample, and the decoding of answers.

    Attributes
    ----------
    answers : (classes, outputs) int8
        For each class the correct answer of each output: 1 a spike, -1 silence, 0 no target.
    share : float
        The share of the samples of each class that an output has targets for.
    """

    answers: NDArray[np.int8]
    share: float = 1.0

    def __post_init__(self) -> None:
        answers = np.array(self.answers, dtype=np.int8)
        if answers.ndim != 2 or not np.isin(answers, (YES, NO, NO_TARGET)).all():
            raise SpecError(f"answers must be 1, -1 or 0, of shape (classes, outputs), got shape {answers.shape}")
        if not ((answers == YES).any(axis=0) & (answers == NO).any(axis=0)).all():
            raise SpecError("each output must have classes for both answers; add the missing one")
        if not 0.0 < self.share <= 1.0:
            raise SpecError(f"share must be above 0 and at most 1, got {self.share!r}")
        answers.flags.writeable = False
        object.__setattr__(self, "answers", answers)

    @classmethod
    def one_vs_rest(cls, classes: int) -> Questions:
        """Return one output for each class that distinguishes it from all others."""
        check_least("classes", as_integer("classes", classes), least=2)
        return cls(2 * np.eye(classes, dtype=np.int8) - 1)

    @classmethod
    def one_vs_one(cls, classes: int, voters: int = 1) -> Questions:
        """Return one output for each pair of classes that spikes for the second.

        With several ``voters``, each question has as many outputs, and each of them has targets for a random half of
        the samples (bagging, Breiman 1996): the majority is correct more often than a single output.
        """
        check_least("classes", as_integer("classes", classes), least=2)
        check_least("voters", as_integer("voters", voters), least=1)
        pairs = list(combinations(range(classes), 2))
        answers = np.zeros((classes, len(pairs)), dtype=np.int8)
        for output, (first, second) in enumerate(pairs):
            answers[first, output], answers[second, output] = NO, YES
        return cls(np.repeat(answers, voters, axis=1), 1.0 if voters == 1 else VOTERS_SHARE)

    def _summary(self) -> str:
        share = "" if self.share == 1.0 else f", each with targets for about {self.share:.0%} of the samples"
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
        """For each output, the first class with silence as target, and the first with a spike."""
        silent, spiking = ((self.answers == answer).argmax(axis=0) for answer in (NO, YES))
        return tuple(zip(silent.tolist(), spiking.tolist(), strict=True))

    def output_names(self, classes: Sequence[object]) -> Names:
        """Return names of the outputs: of the class that each spikes for, and the other if it asks about two.

        Parameters
        ----------
        classes : sequence
            What the classes are called, in order.

        Raises
        ------
        SpecError
            If their number is not that of the classes.
        """
        if len(classes) != self.n_classes:
            raise SpecError(f"there must be {self.n_classes} names of classes, got {len(classes)}")
        names = names_from(classes, noun="class")
        counts = (self.answers != NO_TARGET).sum(axis=0).tolist()
        pairs = zip(self.pairs, counts, strict=True)
        labels = [
            f"{names[yes]} not {names[no]}" if count == 2 < len(names) else names[yes] for (no, yes), count in pairs
        ]
        return names_from(labels, noun="class")

    def care(self, labels: ArrayLike, seed: int = 0) -> Raster:
        """Return (samples, outputs) which outputs have targets for which samples; the draw depends on the seed."""
        classes = np.asarray(labels)
        care: Raster = self.answers[classes] != NO_TARGET
        if self.share == 1.0:
            return care
        generator = np.random.default_rng(seed)
        for output in range(self.n_outputs):
            for kind in range(self.n_classes):
                own = generator.permutation(np.flatnonzero(classes == kind))
                care[own[int(np.ceil(self.share * own.size)) :], output] = False
        return care

    def decide(self, spikes: Sequence[Raster]) -> Int64s:
        """Return the class of each sample from its outputs' raster ``(ticks, outputs)``: that with most votes.

        If several classes have as many, the first of them is returned.
        """
        decided: Int64s = self.votes(spikes).argmax(axis=1)
        return decided

    def votes(self, spikes: Sequence[Raster]) -> Int64s:
        """Return the votes (samples, classes) for each class from the outputs' rasters: the last tick is the answer.

        If classes have as many votes, the outputs that only distinguish the tied classes count once more.

        Raises
        ------
        SpecError
            If they are not rasters with a column for each question.
        """
        outputs = self.answers.shape[1]
        spikes = as_rasters(spikes, "spikes")
        for index, raster in enumerate(spikes):
            if raster.shape[1] != outputs:
                hint = turned(f"spikes[{index}]", raster.shape, lines=outputs)
                wanted = f"{counted(outputs, 'column')}, one for each question"
                raise SpecError(f"spikes[{index}] must have {wanted}, got {raster.shape[1]}{hint}")
        said = np.where(np.array([raster[-1] for raster in spikes]), YES, NO)
        agreement = said[:, None, :] == self.answers
        votes: Int64s = agreement.sum(axis=2)
        tied = votes == votes.max(axis=1, keepdims=True)
        for sample in np.flatnonzero(tied.sum(axis=1) > 1):
            among = ~(self.answers[~tied[sample]] != NO_TARGET).any(axis=0)
            votes[sample] += tied[sample] * (1 + agreement[sample][:, among].sum(axis=1))
        return votes
