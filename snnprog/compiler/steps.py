"""`compile`: the steps of `snnprog.compiler.work`, in the order that leads from a spec to a program.

A program is returned only after its integers were simulated, in closed loop if recurrent, and either equalled the
target on every bin that counts, or its wrong bins were reported. With windows, or if the closest program is requested,
the integers are calculated for the chosen raster and compared with the spec.
"""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Literal

from snnprog.calls import call_checked
from snnprog.checks import as_flag, as_integer, as_number, as_seconds, check_type
from snnprog.compiler.built import Built
from snnprog.compiler.choosing import built_by_guess, built_with_choice, has_choice
from snnprog.compiler.closest import EXPECTED, closest_built
from snnprog.compiler.helping import built_with_help, helped_or_refused, is_flawed
from snnprog.compiler.refusals import check_design, check_exactness, check_fan_in, check_limits, check_noise
from snnprog.compiler.report import CLOSEST, CompileResult, CostBound, provenance_of, report_on
from snnprog.compiler.robust import robust_built
from snnprog.compiler.work import ALONE_DESIGN_PART, PART, Work
from snnprog.errors import SpecError
from snnprog.integers.given import check_start
from snnprog.journal import Identity, opened
from snnprog.judgement import WrongBinCosts
from snnprog.processes.executors import AnyExecutor, as_executor
from snnprog.program import Program
from snnprog.progress import Progress, shown
from snnprog.robustness.checking import check_robust
from snnprog.robustness.verdict import Robustness
from snnprog.solver import deadline_after, one_blas_thread, step, telling, until
from snnprog.spec import Spec
from snnprog.version import determining_versions

# The share of the time for designing or refuting outputs, if truncating integers may realise refuted ones.
# A choice, not a measurement; without a time limit, it has no effect.
DESIGN_SHARE = 0.7
RAISE: Literal["raise"] = "raise"


@call_checked
@one_blas_thread()
def compile(
    spec: Spec,
    *,
    seed: int = 0,
    on_infeasible: Literal["raise", "closest"] = RAISE,
    miss_cost: float = 1.0,
    alarm_cost: float = 1.0,
    start: Program | None = None,
    widest: bool = False,
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
        program with the cheapest wrong bins found; ``result.report.deviations`` lists them.
    miss_cost, alarm_cost : float
        What a missing spike and an extra spike (a false alarm) cost in the closest program.
    start : Program, optional
        A program for the same lines, such as one with trained weights. The closest program is also searched from
        there, and does not cost more. It never costs more than silence.
    widest : bool
        Whether each output gets the widest margin that real weights of its spikes can have, proved to a millionth:
        ``design_margin`` and ``design_bound`` of its report. This takes a few times as long as a margin that survives
        rounding. An output whose widest margin survives no rounding, and whose integers are then not found, stays as
        it was without this.
    executor : concurrent.futures.Executor, dask.distributed.Client or pool, optional
        Designs and repairs neurons in parallel: processes of this machine (``ProcessPoolExecutor``, loky), a Dask
        cluster, or a pool with ``apply_async``, as Ray's. The result does not depend on it.
    progress : callable or True, optional
        True shows a bar for each step, in a terminal or a notebook, and otherwise a line every 30 seconds. A callable
        is called with (step, done, all) as work proceeds; the steps are "design", "windows", "hidden", "closest",
        "repair", "widest", "simulate" and "place", as required. Long searches inside a step are reported about four
        times a second, as the step's name followed by ": searching", with the work done so far as both numbers.
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
    if as_flag("widest", widest) and spec.robust is not None:
        raise SpecError("widest is for specs without robust, which leaves room for its perturbations: omit one of them")
    costs = WrongBinCosts(_as_cost("miss_cost", miss_cost), _as_cost("alarm_cost", alarm_cost))
    if start is not None:
        check_type("start", start, kind=Program)
        check_start(start, spec)
    limit = None if time_limit_s is None else as_seconds("time_limit_s", time_limit_s)
    is_closest, pool = on_infeasible == CLOSEST, as_executor(executor)
    kept = opened(journal, lambda: identity_of(spec.digest(), spec.chip.name, seed))
    with kept, shown(progress, "design") as tell, until(deadline_after(limit)), telling(tell):
        work = Work(
            spec, seed=seed, executor=pool, progress=tell, limit=limit, is_always_checked=is_closest, costs=costs
        )
        built, at_least, robustness = _built(work, is_closest=is_closest, start=start)
        if widest:
            built = work.widened(built)
        check_fan_in(spec, built)
        check_noise(spec, built)
        check_limits(spec, built)
        placed = work.placed(built.program)
    report = report_on(spec, built, bound=CostBound(costs, at_least), placed=placed, watch=work.watch)
    report = replace(report, robustness=robustness)
    placement = report.placement
    core = placement.core_of if placement is not None and placement.cores > 1 else None
    program = replace(built.program, core=core, provenance=provenance_of(spec, seed, report=report))
    return CompileResult(program, built.design.network, report, tuple(trace.spikes for trace in built.traces))


def _as_cost(name: str, value: float) -> float:
    cost = as_number(name, value)
    if not 0.0 < cost < math.inf:
        raise SpecError(f"{name} must be a positive, finite number, got {value!r}")
    return cost


def identity_of(digest: str, chip: str, seed: int) -> Identity:
    """Return what a journal is of: all that decides the bytes of a program."""
    versions = ", ".join(f"{name} {version}" for name, version in determining_versions().items())
    return Identity(digest, chip, seed, versions)


def _built(work: Work, *, is_closest: bool, start: Program | None) -> tuple[Built, float, Robustness | None]:
    """Return the program, a lower bound on its cost, and the verdict on perturbations if the spec names any.

    The closest program is that of the patterns as they are, unless a robust one is found.
    """
    robust = work.spec.robust
    if robust is None:
        return (*(closest_built(work, start, exact_built) if is_closest else (exact_built(work), 0.0)), None)
    with suppress(*(EXPECTED if is_closest else ())):
        built, robustness = robust_built(work, exact_built)
        return built, 0.0, robustness
    plain = replace(work, spec=replace(work.spec, robust=None))
    built, at_least = closest_built(plain, start, exact_built)
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
