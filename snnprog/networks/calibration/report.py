"""The report of a calibration: wrong bins by stage and part of the samples, and classes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from snnprog.arrays import Int64s, Raster
from snnprog.networks.calibration.fitting import ROUNDED
from snnprog.networks.calibration.stages import NetworkIntegers

PARTS = ("fitting", "choosing", "held out")
WRONG_BINS, RIGHT_CLASSES = "wrong bins", "accuracy"
"""What decides between fitted and rounded weights."""


@dataclass(frozen=True)
class Counts:
    """Numbers of bins in each part of the samples."""

    fitting: int
    choosing: int
    held_out: int

    @property
    def as_tuple(self) -> tuple[int, int, int]:
        """The three counts in order."""
        return self.fitting, self.choosing, self.held_out


@dataclass(frozen=True)
class StageReport:
    """The result of one stage.

    Attributes
    ----------
    stage, neurons : int
    bits : int or None
        Bits of its mantissas; None for those of the chip.
    chosen : str
        The target of the fit of its integers; "rounded" for the rounded trained weights.
    bins : Counts
        Bins of its neurons.
    wrong, wrong_rounded : Counts
        Bins that differ from the trained network: of the result, and of the whole network rounded.
    """

    stage: int
    neurons: int
    bits: int | None
    chosen: str
    bins: Counts
    wrong: Counts
    wrong_rounded: Counts


@dataclass(frozen=True)
class Accuracy:
    """The share of correct classes in each part: of the trained network, the result, and the rounded network.

    A class is that of the output with the most spikes, the first of equals.
    """

    trained: tuple[float, float, float]
    result: tuple[float, float, float]
    rounded: tuple[float, float, float]

    def is_result_better(self, samples: int) -> bool | None:
        """Return whether the result has more right classes among so many samples of the second part.

        None if it differs from the rounded network by no more than twice the deviation of two shares.
        """
        result, rounded = self.result[1], self.rounded[1]
        variance = sum(share * (1.0 - share) for share in (result, rounded)) / max(samples, 1)
        return result > rounded if (result - rounded) ** 2 > 4.0 * variance else None


@dataclass(frozen=True, eq=False)
class SampleSplit:
    """The samples of each part."""

    fitting: Int64s
    choosing: Int64s
    held_out: Int64s


@dataclass(frozen=True, eq=False)
class Calibrated:
    """Integers and their spikes.

    Attributes
    ----------
    integers : NetworkIntegers
    rounded : NetworkIntegers
        The trained numbers rounded, at the same precision.
    stages : tuple of StageReport
    wrong_outputs, wrong_outputs_rounded : Counts
        Bins of the neurons that are read out that differ from the trained network: of the result, and of `rounded`.
    output_spikes : Counts
        Of these neurons in the trained network.
    accuracy : Accuracy or None
        None if samples have no labels.
    split : SampleSplit
    kept : (parameters,) bool
        Which weights may differ from 0: not those that were pruned.
    decided_by : str
        What decided between fitted and rounded weights on the second part: "accuracy" if the two differ in it by more
        than chance, otherwise "wrong bins".
    """

    integers: NetworkIntegers
    rounded: NetworkIntegers
    stages: tuple[StageReport, ...]
    wrong_outputs: Counts
    wrong_outputs_rounded: Counts
    output_spikes: Counts
    accuracy: Accuracy | None
    split: SampleSplit
    kept: Raster
    decided_by: str = WRONG_BINS

    def with_accuracy(self, accuracy: Accuracy) -> Calibrated:
        """Return the same with shares of right classes; the rounded integers, if these are right clearly more often.

        For networks whose outputs are readouts, whose classes only whole programs have.
        """
        is_better = accuracy.is_result_better(self.split.choosing.size)
        if is_better is not False:
            return replace(self, accuracy=accuracy, decided_by=WRONG_BINS if is_better is None else RIGHT_CLASSES)
        stages = tuple(replace(each, chosen=ROUNDED, wrong=each.wrong_rounded) for each in self.stages)
        return replace(
            self,
            integers=self.rounded,
            stages=stages,
            wrong_outputs=self.wrong_outputs_rounded,
            accuracy=replace(accuracy, result=accuracy.rounded),
            decided_by=RIGHT_CLASSES,
        )

    def wrong(self, part: int, *, is_rounded: bool = False) -> int:
        """Return the wrong bins of all neurons in part 0 (fitting), 1 (choosing) or 2 (held out)."""
        counts = [stage.wrong_rounded if is_rounded else stage.wrong for stage in self.stages]
        return sum(count.as_tuple[part] for count in counts)
