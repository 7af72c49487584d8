"""Measure and prove what a program recalls."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from snnprog.calls import call_checked
from snnprog.checks import as_integer, as_seed, check_type
from snnprog.errors import SpecError
from snnprog.program import Program
from snnprog.progress import Progress
from snnprog.recall.bounds import CueBounds
from snnprog.recall.cues import count_of, nearly_perfect, noisy_cue
from snnprog.recall.results import NEVER, Recall, RecallProof
from snnprog.recall.runs import CueRuns
from snnprog.specs.rhythms import as_periods

TRIALS_LIMIT = 1 << 20
"""Maximum number of noisy cues: the standard error of a share is less than 0.0005 then."""


@call_checked
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
        Number of cues, at most 2**20.
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
    check_type("program", program, kind=Program)
    stored = as_periods(rasters)
    trials = as_integer("trials", trials)
    if not 1 <= trials <= TRIALS_LIMIT:
        raise SpecError(f"trials must be from 1 to {TRIALS_LIMIT:,}, got {trials}")
    runs = CueRuns(program, stored, periods=periods)
    rng = np.random.default_rng(as_seed(seed))
    memory = np.arange(trials) % len(stored)
    cues = ((index, noisy_cue(stored[index], deleted=deleted, added=added, seed=rng)) for index in memory.tolist())
    outcomes = runs.outcomes(cues, trials, "noisy cues", progress)
    return Recall(memory, outcomes, deleted=deleted, added=added, periods=runs.periods)


@call_checked
def prove_recall(
    program: Program,
    rasters: ArrayLike | Sequence[ArrayLike],
    *,
    changes: int = 1,
    periods: int | None = None,
    progress: Progress | bool | None = None,
) -> RecallProof:
    """Prove that a program recalls its memories from every cue with a few changed bins, or find cues that fail.

    A changed bin is a missing or an additional spike, of any line at any tick of the cue. The outputs must be exact
    from the first tick after the cue, forever. Bounds of all arrivals and potentials prove it for all cues at once (see
    `snnprog.recall.bounds`). If they do not, and ``changes`` is 1, all cues are run.

    Parameters
    ----------
    program : Program
        Such as compiled from `snnprog.specs.memory`: one input line per neuron, and every neuron an output.
    rasters : (memories, ticks, neurons) bool, or a sequence of (ticks, neurons) bool
        The stored rasters.
    changes : int
        Maximum number of changed bins of a cue.
    periods : int, optional
        For how many periods each cue runs after its end; by default the fewest that can be enough, which are enough
        for programs of `snnprog.specs.memory`. More are needed where states decay slowly.
    progress : callable or True, optional
        See `snnprog.verify`.

    Raises
    ------
    SpecError
        If the program is not of that kind, the rasters do not fit it, or an option is out of its range.
    """
    check_type("program", program, kind=Program)
    stored, changes = as_periods(rasters), as_integer("changes", changes)
    most = min(raster.size for raster in stored)
    if not 1 <= changes <= most:
        raise SpecError(f"changes must be from 1 to {most}, the bins of the smallest raster, got {changes}")
    runs, bounds = CueRuns(program, stored, periods=periods), CueBounds(program)
    perfect = runs.outcomes(enumerate(stored), len(stored), "perfect cues", progress)
    failures = [(memory, NEVER, NEVER) for memory in np.flatnonzero(perfect.wrong).tolist()]
    is_proved = perfect.settled == 0
    for memory in np.flatnonzero(is_proved).tolist():
        raster, step = stored[memory], f"memory {memory}"
        if bounds.is_same_for_all(raster, changes, len(raster) * (1 + runs.periods)):
            continue
        is_proved[memory] = False
        if changes == 1:
            outcomes = runs.outcomes(nearly_perfect(memory, raster), raster.size, step, progress)
            is_proved[memory] = (outcomes.settled == 0).all()
            places = np.stack(np.divmod(np.flatnonzero(outcomes.wrong), raster.shape[1]), axis=1)
            failures += [(memory, tick, line) for tick, line in places.tolist()]
    cues = sum(count_of(raster.size, changes) for raster in stored)
    return RecallProof(changes, cues, is_proved, np.array(failures, np.int64).reshape(-1, 3))
