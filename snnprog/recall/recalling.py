"""Measure and prove what a program recalls."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from snnprog.checks import as_integer
from snnprog.errors import SpecError
from snnprog.program import Program
from snnprog.progress import Progress
from snnprog.recall.cues import nearly_perfect, noisy_cue
from snnprog.recall.results import NEVER, Recall, RecallProof
from snnprog.recall.runs import CueRuns
from snnprog.specs.rhythms import as_periods


def measure_recall(
    program: Program,
    rasters: ArrayLike | Sequence[ArrayLike],
    *,
    deleted: float = 0.2,
    added: float = 0.2,
    trials: int = 1000,
    periods: int = 10,
    seed: int = 0,
    progress: Progress | bool | None = None,
) -> Recall:
    """Measure how often a program recalls memories from noisy cues.

    Each trial draws a cue with `noisy_cue`, of one memory after another, and runs it from rest, followed by
    silence. The outputs must be exact from the first tick after the cue.

    Parameters
    ----------
    program : Program
        Such as compiled from `snnprog.specs.memory`: one input line per neuron, and every neuron an output.
    rasters : (memories, ticks, neurons) bool, or a sequence of (ticks, neurons) bool
        The stored rasters.
    deleted, added : float
        The noise; see `noisy_cue`.
    trials : int
        Number of cues.
    periods : int
        For how many periods each cue runs after its end. What is exact then is so forever.
    seed : int
        Seed of the draws.
    progress : callable or True, optional
        See `snnprog.verify`.

    Raises
    ------
    SpecError
        If the program is not of that kind, the rasters do not fit it, or an option is out of its range.
    """
    stored = as_periods(rasters)
    trials = as_integer("trials", trials)
    if trials < 1:
        raise SpecError(f"trials must be at least 1, got {trials}")
    runs = CueRuns(program, stored, periods=periods)
    rng = np.random.default_rng(as_integer("seed", seed))
    memory = np.arange(trials) % len(stored)
    cues = ((index, noisy_cue(stored[index], deleted=deleted, added=added, seed=rng)) for index in memory.tolist())
    outcomes = runs.outcomes(cues, trials, "noisy cues", progress)
    return Recall(memory, outcomes, deleted=deleted, added=added, periods=runs.periods)


def prove_recall(
    program: Program,
    rasters: ArrayLike | Sequence[ArrayLike],
    *,
    periods: int | None = None,
    progress: Progress | bool | None = None,
) -> RecallProof:
    """Prove that a program recalls its memories from every cue with one changed bin, or find the cues that fail.

    A changed bin is a missing or an additional spike, of any line at any tick of the cue. All such cues are run, so
    that the result holds for each of them.

    Parameters
    ----------
    program : Program
        Such as compiled from `snnprog.specs.memory`: one input line per neuron, and every neuron an output.
    rasters : (memories, ticks, neurons) bool, or a sequence of (ticks, neurons) bool
        The stored rasters.
    periods : int, optional
        For how many periods each cue runs after its end; by default the fewest that can be enough, which are enough
        for programs of `snnprog.specs.memory`. More are needed where states decay slowly.
    progress : callable or True, optional
        See `snnprog.verify`.

    Raises
    ------
    SpecError
        If the program is not of that kind, the rasters do not fit it, or there are too few periods.
    """
    stored = as_periods(rasters)
    runs = CueRuns(program, stored, periods=periods)
    counts = [1 + raster.size for raster in stored]
    outcomes = runs.outcomes(nearly_perfect(stored), sum(counts), "cues with one changed bin", progress)
    failures = np.flatnonzero(outcomes.settled != 0)
    memory = np.repeat(np.arange(len(stored)), counts)[failures]
    place = failures - np.concatenate([[0], np.cumsum(counts)])[memory] - 1
    tick, line = np.where(place == NEVER, NEVER, np.divmod(place, program.n_inputs))
    return RecallProof(np.stack([memory, tick, line], axis=1), outcomes, runs.periods)
