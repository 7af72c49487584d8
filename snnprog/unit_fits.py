"""Which units of a recording are neurons driven by the others: per unit a verdict, and hits on held-out time.

For each unit, a neuron is designed that has the inputs (all other units, unless they are chosen) as its lines. It is
exact on the training time, or a proof shows that no neuron is; then the closest neuron that is found takes its place,
and the longest beginning of the recording that a neuron reproduces is given. Each neuron then runs on time that it was
not designed from.

A logistic GLM (generalised linear model) may stand beside it: it is given the same features, which are the potential of
each line and delay since the unit's last recorded spike, and its cutoff is the one with the fewest wrong bins on the
training time. So on held-out time, too, it knows the unit's own past, which the neuron does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from importlib.util import find_spec
from os import PathLike

import numpy as np
from numpy.typing import ArrayLike

from snnprog.arrays import Floats, Raster
from snnprog.backends import run
from snnprog.calls import call_checked
from snnprog.checks import as_flag, as_integer, as_seconds
from snnprog.chips import Chip
from snnprog.compiler.closest import closest_built
from snnprog.compiler.steps import exact_built
from snnprog.compiler.work import Work
from snnprog.conflict import Conflict
from snnprog.design.mapping import potential_map
from snnprog.errors import SpecError
from snnprog.explanation import UNDECIDED, Verdict, verdicts_and_design
from snnprog.generalisation import OutputScore, scored
from snnprog.integers import INEXACT
from snnprog.processes.executors import AnyExecutor, as_executor
from snnprog.progress import Progress, shown
from snnprog.raster import as_raster
from snnprog.solver import deadline_after, one_blas_thread, step, telling, until
from snnprog.spec import Dynamics, Pattern, Spec
from snnprog.spec.options import as_delays
from snnprog.unit_results import SILENT, UnitFit, Units
from snnprog.wording import counted

USUAL_DELAYS = range(1, 17)
"""Those of `snnprog.specs.from_raster`."""

GLM_ROUNDS = 1000
"""Iterations of the GLM's solver; 100, its default, end too soon on 2480 features."""

SHORTER = 4
"""A beginning that is neither possible nor impossible shrinks by one part in so many. A choice."""


@call_checked
def units(
    raster: ArrayLike,
    *,
    inputs: Iterable[int] | None = None,
    delays: Iterable[int] = USUAL_DELAYS,
    training_ticks: int | None = None,
    glm: bool = False,
    shifted: bool = False,
    dynamics: Dynamics | None = None,
    chip: str | Chip = "loihi1",
    executor: AnyExecutor | None = None,
    progress: Progress | bool | None = None,
    time_limit_s: float | None = None,
) -> Units:
    """Determine which units of a recording are neurons that the others drive, and judge them on held-out time.

    Parameters
    ----------
    raster : (ticks, units) bool
        The recording.
    inputs : iterable of int, optional
        The units that drive all others. By default, each unit is driven by all others.
    delays : iterable of int
        The delays that synapses may have. What happened before either part is unknown, so as many of its first ticks
        as the longest delay do not count.
    training_ticks : int, optional
        The ticks from which neurons are designed; the others are held out. By default the first half.
    glm : bool
        Whether to fit a logistic GLM to the same features, for comparison. It requires scikit-learn.
    shifted : bool
        Whether to design a second neuron for each unit, for its training spikes shifted by half of the training time.
        They keep their rate and intervals, and lose their relation to the inputs, so how many of these neurons are
        exact shows how much an exact one means.
    dynamics, chip
        As for `snnprog.Spec`.
    executor, progress
        As for `snnprog.compile`.
    time_limit_s : float, optional
        Seconds for the whole call, shared evenly by the units, or by those that have the same inputs. Units whose
        verdict takes longer are undecided, and their neurons are the closest that were found by then. The GLM is not
        limited.

    Returns
    -------
    Units

    Raises
    ------
    SpecError
        If an argument is invalid, the recording has no spikes, or scikit-learn is not installed.
    """
    if isinstance(raster, (str, PathLike)):
        raise SpecError("raster must be an array (ticks, units), got a path; sp.read_rasters(...) reads it")
    recorded = as_raster(raster, "raster")
    ticks, count = recorded.shape
    if not recorded.any():
        raise SpecError(f"raster must have spikes, got {ticks} ticks of {counted(count, 'unit')} without any")
    if count < 2:
        raise SpecError("raster must have two units or more, got 1; each unit is driven by others")
    glm, shifted = as_flag("glm", glm), as_flag("shifted", shifted)
    if glm and find_spec("sklearn") is None:
        raise SpecError("glm requires scikit-learn; install it with pip install 'snnprog[sklearn]'")
    training = ticks // 2 if training_ticks is None else as_integer("training_ticks", training_ticks)
    offered = as_delays(delays)
    longest = max(offered, default=0)
    if ticks < 2 * longest + 2:
        turned = f"; is the array (units, ticks)? ({count} units)" if count > ticks else ""
        raise SpecError(
            f"raster must have at least {2 * longest + 2} ticks for delays of up to {longest}, got {ticks}{turned}"
        )
    if not longest < training < ticks - longest:
        raise SpecError(
            f"training_ticks must be {longest + 1} to {ticks - longest - 1}, which leaves more ticks than the longest"
            f" delay to each part of the {ticks}, got {training}"
        )
    chosen = None if inputs is None else _checked(inputs, count)
    groups = (
        [([other for other in range(count) if other != unit], [unit]) for unit in range(count)]
        if chosen is None
        else [(chosen, [unit for unit in range(count) if unit not in chosen])]
    )
    limit = None if time_limit_s is None else as_seconds("time_limit_s", time_limit_s)
    pool, found, ended = as_executor(executor), list[UnitFit](), list[str]()
    with one_blas_thread(), shown(progress, "design") as tell, until(deadline_after(limit)), telling(tell):
        for done, (lines, driven) in enumerate(groups):
            parts = [
                Spec(
                    [_pattern(part, lines, driven, longest)],
                    offered,
                    dynamics=dynamics,
                    chip=chip,
                    input_names=[f"unit_{unit}" for unit in lines],
                    output_names=[f"unit_{unit}" for unit in driven],
                )
                for part in (recorded[:training], recorded[training:])
            ]
            work = Work(parts[0], executor=pool, progress=tell, limit=limit, is_always_checked=True)
            with step("units", share=1.0 / (len(groups) - done)):
                fits = _fits(parts, driven, work, has_glm=glm)
                found += _with_shifted(fits, work) if shifted else fits
            ended += work.watch.ended
    return Units(tuple(found), training, ticks - training, tuple(dict.fromkeys(ended)))


def _checked(inputs: Iterable[int], count: int) -> list[int]:
    chosen = [as_integer("inputs", unit) for unit in inputs]
    if len(set(chosen)) < len(chosen) or not all(0 <= unit < count for unit in chosen) or not 0 < len(chosen) < count:
        raise SpecError(f"inputs must be some of the units 0 to {count - 1}, each once, and not all, got {chosen}")
    return chosen


def _pattern(raster: Raster, lines: Sequence[int], driven: Sequence[int], unknown: int) -> Pattern:
    care = np.ones((len(raster), len(driven)), dtype=np.bool_)
    care[:unknown] = False
    return Pattern(raster[:, lines], raster[:, driven], care)


def _fits(parts: Sequence[Spec], driven: Sequence[int], work: Work, *, has_glm: bool) -> list[UnitFit]:
    """Return the fits of units that have the same inputs, whose neurons are the outputs of one design."""
    verdicts, designed = verdicts_and_design(replace(work, is_always_checked=False))
    program = closest_built(work, None, exact_built, designed=designed)[0].program
    scores = [
        scored(part, [run(program, pattern.inputs).spikes for pattern in part.patterns], backend="kernel").outputs
        for part in parts
    ]
    fits = []
    for output, unit in enumerate(driven):
        verdict = verdicts[output]
        fit = UnitFit(
            unit=unit,
            status=verdict.status if parts[0].targets[parts[0].care[:, output], output].any() else SILENT,
            exact_ticks=_longest_beginning(work, verdict),
            judged_ticks=int(parts[0].care[:, output].sum()),
            weights=parts[0].n_inputs * len(parts[0].delays),
            conflicts=verdict.conflicts,
            program=program,
            training=replace(scores[0][output], output=unit),
            held_out=replace(scores[1][output], output=unit),
        )
        if has_glm:
            glm = [replace(score, output=unit) for score in _glm_scores(parts, output)]
            fit = replace(fit, glm_training=glm[0], glm_held_out=glm[1])
        fits.append(fit)
    return fits


def _with_shifted(fits: Sequence[UnitFit], work: Work) -> list[UnitFit]:
    """Return fits with the status of neurons for the same spikes, shifted by half of the ticks that count."""
    (pattern,) = work.spec.patterns
    counts = pattern.care.any(axis=1)
    targets = pattern.targets.copy()
    targets[counts] = np.roll(pattern.targets[counts], int(counts.sum()) // 2, axis=0)
    spec = replace(work.spec, patterns=(Pattern(pattern.inputs, targets, pattern.care),))
    verdicts, _ = verdicts_and_design(replace(work, spec=spec, is_always_checked=False))
    return [replace(fit, shifted_status=verdict.status) for fit, verdict in zip(fits, verdicts, strict=True)]


def _longest_beginning(work: Work, verdict: Verdict) -> int:
    """Return the length of the longest beginning that a neuron reproduces.

    A beginning that holds all bins of a conflict is impossible, so the next one to try ends before the last of them;
    the first possible one is the longest. One in which no bin counts says nothing, and is 0 ticks. Only the whole
    training time gets all the work that a verdict may take: beginnings are many, and a shorter one is next.
    """
    (pattern,) = work.spec.patterns
    end, output = len(pattern.inputs), verdict.output
    while end and (verdict.conflicts or verdict.status in (UNDECIDED, INEXACT)):
        ends = [_last_tick(conflict) for conflict in verdict.conflicts]
        end = min(ends, default=end - max(1, end // SHORTER))
        if not pattern.care[:end, output].any():
            return 0
        alone = _alone(work.spec, output, ticks=end)
        shortened = replace(work, spec=alone, is_always_checked=False, is_brief=True)
        ((verdict,), _) = verdicts_and_design(shortened)
    return end


def _alone(spec: Spec, output: int, *, ticks: int) -> Spec:
    """Return the specification of one output for its first ticks."""
    (pattern,) = spec.patterns
    shorter = Pattern(pattern.inputs[:ticks], pattern.targets[:ticks, [output]], pattern.care[:ticks, [output]])
    names = None if spec.output_names is None else (spec.output_names[output],)
    return replace(spec, patterns=(shorter,), output_names=names)


def _last_tick(conflict: Conflict) -> int:
    return max((each.tick for each in conflict.bins), default=conflict.tick)


def _glm_scores(parts: Sequence[Spec], output: int) -> list[OutputScore]:
    """Return the scores of a logistic GLM on both parts."""
    from sklearn.linear_model import LogisticRegression

    features = [_features(part, output) for part in parts]
    due = parts[0].targets[:, output]
    counts = parts[0].care[:, output]
    if not due[counts].any():
        drives = [np.full(len(part.targets), -np.inf) for part in parts]
    else:
        glm = LogisticRegression(max_iter=GLM_ROUNDS).fit(features[0][counts], due[counts])
        drives = [glm.decision_function(each) for each in features]
    cutoff = _best_cutoff(drives[0][counts], due[counts])
    scores = []
    for part, drive in zip(parts, drives, strict=True):
        (pattern,) = part.patterns
        spikes = (drive >= cutoff)[:, None]
        scores.append(scored(_alone(part, output, ticks=len(pattern.inputs)), [spikes], backend="GLM").outputs[0])
    return scores


def _features(spec: Spec, output: int) -> Floats:
    """Return the potential of each line and delay since the output's last target spike, (ticks, taps)."""
    mapping = potential_map(spec)
    return mapping.rows(mapping.resets(spec.targets[:, output]), np.arange(len(spec.targets)))


def _best_cutoff(drive: Floats, due: Raster) -> float:
    """Return the cutoff with the fewest wrong bins if a bin is a spike where the drive reaches it."""
    order = np.argsort(-drive, kind="stable")
    wrong = int(due.sum()) + np.cumsum(np.where(due[order], -1, 1))
    best = int(wrong.argmin())
    return float(drive[order[best]]) if wrong[best] < due.sum() else np.inf
