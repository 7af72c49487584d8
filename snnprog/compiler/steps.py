"""`compile`: the steps of `snnprog.compiler.work`, in the order that leads from a spec to a program.

A program is returned only after its integers were simulated, in closed loop if recurrent, and either equalled the
target on every bin that counts, or its wrong bins were reported. With windows, or if the closest program is requested,
the integers are calculated for the chosen raster and compared with the spec.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Literal

from snnprog.checks import as_integer, as_seconds, check_type
from snnprog.compiler.built import Built
from snnprog.compiler.choosing import built_by_guess, built_with_choice, has_choice
from snnprog.compiler.helping import built_with_help, helped_or_refused, is_flawed
from snnprog.compiler.refusals import check_design, check_exactness, check_fan_in, check_limits, check_noise
from snnprog.compiler.report import CLOSEST, CompileResult, provenance_of, report_on
from snnprog.compiler.robust import robust_built
from snnprog.compiler.work import ALONE_DESIGN_PART, PART, Work
from snnprog.design import Design
from snnprog.design.neuron import NeuronDesign
from snnprog.design.rasters.closest import NearestDesign, without_synapses
from snnprog.design.task import Task
from snnprog.errors import (
    InfeasibleError,
    LimitError,
    QuantizationError,
    SolverError,
    SpecError,
)
from snnprog.journal import Identity, opened
from snnprog.processes.executors import AnyExecutor, as_executor
from snnprog.progress import Progress, shown
from snnprog.robustness.checking import check_robust
from snnprog.robustness.verdict import Robustness
from snnprog.solver import deadline_after, one_blas_thread, step, telling, until
from snnprog.spec import Spec
from snnprog.version import determining_versions

SMALLER_WEIGHTS = (8, 64)
# The share of the time for designing or refuting outputs, if truncating integers may realise refuted ones.
# A choice, not a measurement; without a time limit, it has no effect.
DESIGN_SHARE = 0.7
RAISE: Literal["raise"] = "raise"
EXPECTED = (InfeasibleError, SolverError, QuantizationError, LimitError)
"""What a search for an exact program ends in, if there is none."""


@one_blas_thread()
def compile(
    spec: Spec,
    *,
    seed: int = 0,
    on_infeasible: Literal["raise", "closest"] = RAISE,
    executor: AnyExecutor | None = None,
    progress: Progress | bool | None = None,
    time_limit_s: float | None = None,
    journal: str | Path | None = None,
) -> CompileResult:
    """Design, quantize and verify a program for a spec.

    Parameters
    ----------
    spec : Spec
        The patterns, the delays and the options.
    seed : int
        Seed of all random choices: the same seed gives the same program.
    on_infeasible : {"raise", "closest"}
        What to do if no exact program is found, in real weights or in integers: raise an error, or return the
        program with the fewest wrong bins found; ``result.report.deviations`` lists them.
    executor : concurrent.futures.Executor, dask.distributed.Client or pool, optional
        Designs and repairs neurons in parallel: processes of this machine (``ProcessPoolExecutor``, loky), a Dask
        cluster, or a pool with ``apply_async``, as Ray's. The result does not depend on it.
    progress : callable or True, optional
        True shows a bar for each step, in a terminal or a notebook. A callable is called with (step, done, all) as work
        proceeds; the steps are
        "design", "windows", "hidden", "closest", "repair", "simulate" and "place", as required. Long
        searches inside a step are reported about four times a second, as the step's name followed by ": searching",
        with the work done so far as both numbers.
    time_limit_s : float, optional
        Seconds for the whole call, kept within about a tenth; ``result.report.ended_by_time`` and
        ``UndecidedError.ended_by_time`` name the steps that it ended. A result within the limit is the same without a
        limit. The closest program is the best found so far, and is always checked, even after the limit.
    journal : path, optional
        A folder in which each finished neuron is recorded at once. After a crash or a kill, the same call takes
        finished neurons from there, and returns the same program. `snnprog.read_journal` shows its progress.

    Raises
    ------
    InfeasibleError
        If it is proved that no program of the chip satisfies the spec; ``conflicts`` names outputs, patterns and
        ticks, and ``proof`` is a proof that `snnprog.check_proof` has accepted.
    UndecidedError
        If an output has neither weights nor a proof that there are none, or no integers yet: because the time ran out,
        or because a search (for don't-care bins, ticks in windows, few synapses, hidden neurons) ended without a
        result. The message says what was tried.
    QuantizationError
        If real weights exist, but no integers that were tried are exact, tolerate the noise and have an allowed
        number of synapses, and there is no proof that none exist.
    LimitError
        If they are exact, but a state leaves the range in which all runtimes of the chip agree; for the closest
        program only if the bias alone causes this.
    SolverError
        If the solver fails.
    SpecError
        If an argument is invalid.
    BackendError
        If processes of the executor are lost again and again, or cannot be reached.
    FormatError
        If the journal is damaged, cannot be written, or is of another spec, seed, chip or version.
    """
    check_type("spec", spec, kind=Spec)
    seed = as_integer("seed", seed)
    if seed < 0:
        raise SpecError(f"seed must be a non-negative integer, got {seed}")
    if on_infeasible not in (RAISE, CLOSEST):
        raise SpecError(f"on_infeasible must be {RAISE!r} or {CLOSEST!r}, got {on_infeasible!r}")
    limit = None if time_limit_s is None else as_seconds("time_limit_s", time_limit_s)
    is_closest, pool = on_infeasible == CLOSEST, as_executor(executor)
    kept = opened(journal, lambda: identity_of(spec.digest(), spec.chip.name, seed))
    with kept, shown(progress, "design") as tell, until(deadline_after(limit)), telling(tell):
        work = Work(spec, seed=seed, executor=pool, progress=tell, limit=limit, is_always_checked=is_closest)
        built, at_least, robustness = _built(work, is_closest=is_closest)
        check_fan_in(spec, built)
        check_noise(spec, built)
        check_limits(spec, built)
        placed = work.placed(built.program)
    report = report_on(spec, built, at_least=at_least, placed=placed, watch=work.watch)
    report = replace(report, robustness=robustness)
    placement = report.placement
    core = placement.core_of if placement is not None and placement.cores > 1 else None
    program = replace(built.program, core=core, provenance=provenance_of(spec, seed, report=report))
    return CompileResult(program, built.design.network, report, tuple(trace.spikes for trace in built.traces))


def identity_of(digest: str, chip: str, seed: int) -> Identity:
    """Return what a journal is of: all that decides the bytes of a program."""
    versions = ", ".join(f"{name} {version}" for name, version in determining_versions().items())
    return Identity(digest, chip, seed, versions)


def _built(work: Work, *, is_closest: bool) -> tuple[Built, int, Robustness | None]:
    """Return the program, a lower bound on its wrong bins, and the verdict on perturbations if the spec names any.

    The closest program is that of the patterns as they are, unless a robust one is found.
    """
    robust = work.spec.robust
    if robust is None:
        return (*(_closest(work) if is_closest else (exact_built(work), 0)), None)
    with suppress(*(EXPECTED if is_closest else ())):
        built, robustness = robust_built(work, exact_built)
        return built, 0, robustness
    plain = replace(work, spec=replace(work.spec, robust=None))
    built, at_least = _closest(plain)
    return built, at_least, check_robust(built.program, work.spec, robust)


def exact_built(work: Work) -> Built:
    """Return the exact program, with hidden neurons if the spec allows them, or raise the reason why there is none."""
    is_helped, limit, ended = work.spec.hidden != 0, work.limit, work.watch.ended
    share = PART if is_helped or has_choice(work.spec) else 1.0
    is_sure = share < 1.0 or not work.spec.linear_rule.has_errors
    alone_share = ALONE_DESIGN_PART if is_helped else share if is_sure else DESIGN_SHARE
    alone = designed = work.designed(share=alone_share)
    if is_helped and designed.unbuilt:
        designed = helped_or_refused(work, designed)
    if designed.undecided and not is_helped and not designed.conflicts:
        guessed = built_by_guess(work, designed)
        if guessed is not None:
            return guessed
    check_design(work.spec, designed, limit=limit, ended=ended)
    with step("repair", share=PART if is_helped else 1.0):
        built = built_with_choice(work, designed, share=share)
    if is_helped and is_flawed(built):
        built = built_with_help(work, alone, built)
        check_design(work.spec, built.design, limit=limit, ended=ended)
    check_exactness(work.spec, built, limit=limit, ended=ended)
    return built


def _closest(work: Work) -> tuple[Built, int]:
    """Return the program with the fewest wrong bins found, and a lower bound on wrong bins.

    The bound holds for real weights under exact decays; integers that exploit truncation may have fewer.

    It has hidden neurons only if they make it exact and fit the chip.
    """
    if work.spec.hidden != 0:
        with suppress(*EXPECTED), step("hidden", share=PART):
            built = exact_built(work)
            check_limits(work.spec, built)
            return built, 0
        return _closest(replace(work, spec=replace(work.spec, hidden=0)))
    try:
        designed = work.designed(share=PART)
    except SolverError:
        designed = Design(Task.of(work.spec), (NeuronDesign(None),) * work.spec.n_outputs)
    nearest = work.nearest(designed.unbuilt, share=PART) if designed.unbuilt else ()
    built = work.built(_with_nearest(designed, nearest), share=PART)
    flawed = sorted({*built.inexact, *(neuron.output for neuron in built.fragile)})
    if flawed:
        safe = work.nearest(flawed, rounding_proof=True, share=PART)
        safer = work.built(_with_nearest(built.design, safe), share=PART)
        built = min(built, safer, key=lambda one: (len(one.fragile), len(one.wrong)))
    built = _fitting(work, built)
    at_least = 0 if work.spec.window != (0, 0) else sum(found.at_least for found in nearest)
    return built, min(at_least, len(built.wrong))


def _fitting(work: Work, built: Built) -> Built:
    """Return the closest program that fits: outputs that do not fit get smaller weights, finally none."""
    for part in SMALLER_WEIGHTS:
        limit = work.spec.mantissas.limit // part
        if built.overrunning and limit > 0 and not work.spec.mantissas.is_binary:
            smaller = replace(work, spec=replace(work.spec, weight_limit=limit))
            built = work.built(_with_nearest(built.design, smaller.nearest(built.overrunning, share=PART)))
    if built.overrunning:
        outputs = range(work.spec.n_outputs) if work.spec.recurrent else built.overrunning
        built = work.built(_with_nearest(built.design, (without_synapses(work.spec, outputs),)))
    return built


def _with_nearest(designed: Design, nearest: tuple[NearestDesign, ...]) -> Design:
    outcomes = list(designed.outcomes)
    for found in nearest:
        for output, outcome in zip(found.outputs, found.designs, strict=True):
            outcomes[output] = outcome
    return replace(designed, outcomes=tuple(outcomes))
