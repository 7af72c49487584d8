"""Calibration of chip integers on sample inputs: fitted on some, chosen on others, evaluated on the rest.

Stage by stage, each group is rounded, and fitted to the trained network's potentials and to its spikes, on the spikes
of the integer versions of earlier stages (which corrects their errors), and on those of the trained network. All of
these run in closed loop on the second part of the samples. A stage takes the integers that are without a wrong bin on
the first part if they have no more on the second than the stage in the rounded network, with an allowance for chance
(twice the square root of the count); otherwise, those with the fewest wrong bins on the second. The third part is not
used. If the whole network is worse than the rounded one on the second part, this is done again without the allowance
for chance; if it still is, it is rounded. If samples have labels, and the shares of right classes on the second part
differ by more than chance, these decide between the fitted and the rounded network instead of wrong bins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from snnprog.arrays import Floats, Int64s, Raster
from snnprog.chips import Chip, find_chip
from snnprog.errors import SpecError
from snnprog.networks.calibration.features import NO_LIMIT, REPAIRABLE, group_bins
from snnprog.networks.calibration.fitting import (
    POTENTIALS,
    ROUNDED,
    SPIKES,
    GroupFit,
    GroupIntegers,
    fitted,
    integers_of,
)
from snnprog.networks.calibration.grid import GroupGrid, Precision, RealGroup, grids, precisions_of
from snnprog.networks.calibration.groups import nearest_on, real_group
from snnprog.networks.calibration.judging import Lines, StageJudge
from snnprog.networks.calibration.pruning import pruned
from snnprog.networks.calibration.report import RIGHT_CLASSES, WRONG_BINS, Calibrated, SampleSplit
from snnprog.networks.calibration.stages import NetworkIntegers
from snnprog.networks.calibration.trained import Samples, TrainedLayers

SHARES = (0.5, 0.25)
"""Shares of the samples for fitting and for choosing; the rest is held out. A choice, not a measurement."""

FEWEST_SAMPLES = 4
FEW_GROUPS = 8
"""Maximum number of inexact groups of a stage that get further walks: some seconds. A choice."""

ON_TRAINED = " on trained inputs"
FITTING, CHOOSING, HELD_OUT = range(3)


def split_samples(count: int, seed: int) -> SampleSplit:
    """Return the random split of samples for fitting, choosing and testing.

    Raises
    ------
    SpecError
        If there are fewer than four.
    """
    if count < FEWEST_SAMPLES:
        raise SpecError(f"samples must be {FEWEST_SAMPLES} or more, got {count}; half are fitted, a quarter held out")
    order = np.random.default_rng(seed).permutation(count)
    first = round(SHARES[0] * count)
    second = first + max(1, round(SHARES[1] * count))
    return SampleSplit(np.sort(order[:first]), np.sort(order[first:second]), np.sort(order[second:]))


def calibrate(
    network: TrainedLayers,
    samples: Samples,
    *,
    chip: str | Chip = "loihi1",
    bits: int | Mapping[int, int | None] | None = None,
    is_exponent_shared: bool | None = None,
    keep: float = 1.0,
    thresholds: Int64s | None = None,
    split: SampleSplit | None = None,
    seed: int = 0,
) -> Calibrated:
    """Return the integers that reproduce a network's spikes on sample inputs.

    Parameters
    ----------
    network : TrainedLayers
    samples : Samples
    chip : str or Chip
    bits : int or None, or mapping of stage to these
        Bits of the weights' mantissas, including the sign; None for those of the chip.
    is_exponent_shared : bool, optional
        Whether all weights into a group have one exponent; by default, only if the chip requires it.
    keep : float
        The share of the synapses to keep; the others are pruned (`snnprog.networks.calibration.pruning`).
    thresholds : (thresholds,) int, optional
        The thresholds that neurons share; by default each may have its own.
    split : SampleSplit, optional
        The parts of the samples; by default `split_samples`.
    seed : int
        Seed of the split and of searches.

    Raises
    ------
    SpecError
        If weights cannot be fitted for the chip's rule, `keep` is not a share, or there are fewer than four
        samples.
    LimitError
        If bits, a delay or a threshold exceed the chip's ranges.
    """
    limits = find_chip(chip)
    precisions = precisions_of(limits, network.n_stages, bits=bits, is_exponent_shared=is_exponent_shared)
    for delay in np.unique(network.delay).tolist():
        limits.check_range("delay", delay, allowed=limits.delays, hint="take a longer tick")
    parts = split_samples(len(samples), seed) if split is None else split
    network, kept = pruned(network, samples.some(parts.fitting), chip=limits, keep=keep, seed=seed)
    judge = StageJudge(network, samples, chip=limits, split=parts)
    calibration = Calibration(judge, precisions, kept=kept, thresholds=thresholds, seed=seed)
    return calibration.calibrated(parts)


class Calibration:
    """Fits and chooses the integers of the stages in turn."""

    def __init__(
        self,
        judge: StageJudge,
        precisions: Sequence[Precision],
        *,
        kept: Raster,
        thresholds: Int64s | None,
        seed: int,
    ) -> None:
        self.judge, self.network, self.chip = judge, judge.network, judge.chip
        self.precisions, self.kept, self.thresholds, self.seed = precisions, kept, thresholds, seed
        self._grids: dict[int, tuple[RealGroup, list[GroupGrid]]] = {}
        self._fitted: dict[tuple[int, str, bool], tuple[Raster, GroupFit]] = {}

    def calibrated(self, split: SampleSplit) -> Calibrated:
        """Return the result and its report."""
        network, judge = self.network, self.judge
        nearest = {group: self._rounded(group) for group in range(len(network.members))}
        plain = judge.run_all(NetworkIntegers.of(network, nearest))
        allowed = judge.wrong(plain, part=CHOOSING)
        for deviations in (2.0, 0.0):
            slack = (deviations * np.sqrt(allowed)).astype(np.float64)
            groups, lines, chosen = self._all_stages(nearest, allowed=allowed + slack)
            is_fitted, decided_by = bool(judge.wrong(lines, part=CHOOSING).sum() <= allowed.sum()), WRONG_BINS
            if is_fitted:
                break
        accuracy = judge.accuracy(lines, plain)
        is_better = None if accuracy is None else accuracy.is_result_better(split.choosing.size)
        if is_better is not None:
            is_fitted, decided_by = is_better, RIGHT_CLASSES
        if not is_fitted:
            groups, lines, chosen = nearest, plain, [ROUNDED] * network.n_stages
            accuracy = None if accuracy is None else replace(accuracy, result=accuracy.rounded)
        integers = NetworkIntegers.of(network, groups)
        outputs, spikes = judge.output_counts(lines)
        return Calibrated(
            integers=integers,
            rounded=NetworkIntegers.of(network, nearest),
            stages=judge.stages(self.precisions, chosen=chosen, lines=lines, rounded=plain),
            wrong_outputs=outputs,
            wrong_outputs_rounded=judge.output_counts(plain)[0],
            output_spikes=spikes,
            accuracy=accuracy,
            split=split,
            kept=self.kept,
            decided_by=decided_by,
        )

    def _all_stages(
        self, nearest: Mapping[int, GroupIntegers], *, allowed: Floats
    ) -> tuple[dict[int, GroupIntegers], Lines, list[str]]:
        """Return the integers of all groups, the resulting spikes, and the chosen candidate of each stage.

        Parameters
        ----------
        nearest : mapping of int to GroupIntegers
            The rounded ones.
        allowed : (stages,) float
            Wrong bins on the second part that a stage without any on the first may have.
        """
        judge, groups, chosen = self.judge, dict[int, GroupIntegers](), list[str]()
        lines = judge.silent()
        for stage in range(self.network.n_stages):
            candidates = self._candidates(stage, lines[FITTING])
            candidates[ROUNDED] = {group: nearest[group] for group in next(iter(candidates.values()))}
            name, spikes = self._choose(stage, candidates, lines, allowed=float(allowed[stage]))
            chosen.append(name)
            groups |= candidates[name]
            judge.insert(lines, spikes, stage=stage)
        return groups, lines, chosen

    def _candidates(self, stage: int, lines: Raster) -> dict[str, dict[int, GroupIntegers]]:
        """Return the integers of a stage's groups, by target of the fit."""
        network, trained = self.network, self.judge.parts[FITTING].trained
        # Within a stage, the spikes of its own neurons are those of the trained network.
        own = network.n_inputs + np.flatnonzero(network.stage >= stage)
        arriving = lines.copy()
        arriving[:, own] = trained[:, own]
        fed = {"": arriving}
        if (arriving != trained).any():
            fed[ON_TRAINED] = trained
        groups = np.flatnonzero(network.stage_of_group == stage).tolist()
        fits = {group: self._fits(group, fed) for group in groups}
        for name, arriving in fed.items():
            wrong = [group for group in groups if fits[group][name].misses]
            if len(wrong) <= FEW_GROUPS and all(fits[group][name].is_nearly_right for group in wrong):
                for group in wrong:
                    fits[group] |= self._fits(group, {name: arriving}, is_persistent=True)
        return {
            what + name: {group: fits[group][name].integers[what] for group in groups}
            for name in fed
            for what in (POTENTIALS, SPIKES)
        }

    def _rounded(self, group: int) -> GroupIntegers:
        real, choices = self._choices(group)
        grid = choices[0]
        return integers_of(grid, nearest_on(grid, self.kept[self.network.parameters_of[group]]), real.linear.unit)

    def _fits(self, group: int, fed: Mapping[str, Raster], *, is_persistent: bool = False) -> dict[str, GroupFit]:
        """Return the integers of a group by kind of input; those fitted to the same spikes before are kept."""
        found: dict[str, GroupFit] = {}
        for name, arriving in fed.items():
            key = group, name, is_persistent
            if key not in self._fitted or not np.array_equal(self._fitted[key][0], arriving):
                self._fitted[key] = arriving, self._fit(group, arriving, is_persistent=is_persistent)
            found[name] = self._fitted[key][1]
        return found

    def _fit(self, group: int, arriving: Raster, *, is_persistent: bool) -> GroupFit:
        real, choices = self._choices(group)
        bins = group_bins(
            self.network,
            self.judge.parts[FITTING].samples,
            arriving,
            group=group,
            linear=real.linear,
            seed=self.seed,
            repairable=REPAIRABLE if self.kept.all() else NO_LIMIT,
        )
        return fitted(
            bins,
            choices,
            kept=self.kept[self.network.parameters_of[group]],
            linear=real.linear,
            seed=(self.seed, group),
            is_persistent=is_persistent,
        )

    def _choices(self, group: int) -> tuple[RealGroup, list[GroupGrid]]:
        if group not in self._grids:
            real = real_group(self.network, self.judge.parts[FITTING].samples, group=group, chip=self.chip)
            precision = self.precisions[int(self.network.stage_of_group[group])]
            self._grids[group] = real, grids(real, self.chip, precision, thresholds=self.thresholds)
        return self._grids[group]

    def _choose(
        self, stage: int, candidates: Mapping[str, Mapping[int, GroupIntegers]], lines: Lines, *, allowed: float
    ) -> tuple[str, Lines]:
        """Return the best candidate and its spikes; an exact one may have the allowed number of wrong bins."""
        wrong, spikes = dict[str, tuple[int, int]](), dict[str, Lines]()
        for name, groups in candidates.items():
            spikes[name] = self.judge.run(NetworkIntegers.of(self.network, groups), lines, stage=stage)
            first, second = (
                self.judge.wrong_of(spikes[name][part], stage=stage, part=part) for part in (FITTING, CHOOSING)
            )
            wrong[name] = second, first
        exact = {name: pair for name, pair in wrong.items() if pair[1] == 0 and pair[0] <= allowed}
        best = min(exact or wrong, key=lambda name: wrong[name])
        return best, spikes[best]
