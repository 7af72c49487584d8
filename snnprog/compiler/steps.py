"""Spec in, program out: the steps (`snnprog.compiler.work`) in the order in which they lead to a program.

A program leaves here only after its integers were simulated, in closed loop where recurrent, and equalled the target on
every bin that counts, or what came out wrong was told. With windows, or where the nearest raster was asked for, the
integers are made for the raster that was chosen, and judged by the spec.
"""

from __future__ import annotations

from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import replace
from typing import Literal

from snnprog.checks import as_integer, as_seconds, check_type
from snnprog.compiler.built import Built
from snnprog.compiler.choosing import built_by_guess, built_with_choice, has_choice
from snnprog.compiler.helping import built_with_help, helped_or_refused, is_flawed
from snnprog.compiler.refusals import check_design, check_exactness, check_fan_in, check_limits, check_noise
from snnprog.compiler.report import CLOSEST, CompileResult, provenance_of, report_on
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
from snnprog.progress import Progress, shown
from snnprog.solver import deadline_after, one_blas_thread, step, telling, until
from snnprog.spec import Spec

SMALLER_WEIGHTS = (8, 64)
# The share of the time in which outputs are designed or refuted, where integers that truncate may do what is refuted.
# A choice, not a measurement; without a time limit, it has no effect.
DESIGN_SHARE = 0.7
RAISE: Literal["raise"] = "raise"


@one_blas_thread()
def compile(
    spec: Spec,
    *,
    seed: int = 0,
    on_infeasible: Literal["raise", "closest"] = RAISE,
    executor: Executor | None = None,
    progress: Progress | bool | None = None,
    time_limit_s: float | None = None,
) -> CompileResult:
    """Design, quantize and verify a program for a spec.

    Parameters
    ----------
    seed : int
        Of all random choices; none of them is random in any other way.
    on_infeasible : {"raise", "closest"}
        What to do where no exact program is found, in real weights or in integers: raise an error, or return the
        program with the fewest wrong bins that is found; ``result.report.deviations`` names them.
    executor : concurrent.futures.Executor, optional
        Where neurons are designed and repaired side by side: processes, Dask's ``client.get_executor()``, or loky. The
        result does not depend on it.
    progress : callable or True, optional
        True shows a bar for each step, in a terminal or a notebook. A callable is called with (step, done, all) as work
        proceeds; the steps are
        "design", "windows", "hidden", "closest", "repair", "simulate" and "place", as far as they are needed. Long
        searches inside a step are told about four times a second, as the step's name followed by ": searching", with
        what they have done so far as both numbers.
    time_limit_s : float, optional
        Seconds for the whole call, kept within about a tenth; ``result.report.ended_by_time`` and
        ``UndecidedError.ended_by_time`` name the steps that it ended. What ends in time is the same without a limit.
        The closest program is the best found by then, and is always checked, however late it is.

    Raises
    ------
    InfeasibleError
        If it is proved that no program of the chip does what the spec asks; ``conflicts`` names outputs, patterns and
        ticks, and ``proof`` is what `snnprog.check_proof` has accepted.
    UndecidedError
        If an output has neither weights nor a proof that there are none, or no integers yet: because the time ran out,
        or because a search (for don't-care bins, ticks in windows, few synapses, hidden neurons) came to its end
        without an answer. The message says what was tried.
    QuantizationError
        If real weights exist, but no integers that were tried are exact, survive the noise that is asked for and have
        no more synapses than are allowed, and no proof says that there are none.
    LimitError
        If they are exact, but a state leaves the range on which all runtimes of the chip agree; of the closest
        program only where the bias alone does that.
    SolverError
        If the solver gives up.
    SpecError
        If an argument is not one of those above.
    """
    check_type("spec", spec, kind=Spec)
    seed = as_integer("seed", seed)
    if seed < 0:
        raise SpecError(f"seed is {seed}; a whole number from 0 is needed")
    if on_infeasible not in (RAISE, CLOSEST):
        raise SpecError(f"on_infeasible is {on_infeasible!r}; {RAISE!r} or {CLOSEST!r} is needed")
    limit = None if time_limit_s is None else as_seconds("time_limit_s", time_limit_s)
    is_closest = on_infeasible == CLOSEST
    with shown(progress, "design") as tell, until(deadline_after(limit)), telling(tell):
        work = Work(spec, seed=seed, executor=executor, progress=tell, limit=limit, is_always_checked=is_closest)
        built, at_least = _closest(work) if is_closest else (_exact(work), 0)
        check_fan_in(spec, built)
        check_noise(spec, built)
        check_limits(spec, built)
        placed = work.placed(built.program)
    report = report_on(spec, built, at_least=at_least, placed=placed, watch=work.watch)
    placement = report.placement
    core = placement.core_of if placement is not None and placement.cores > 1 else None
    program = replace(built.program, core=core, provenance=provenance_of(spec, seed, report=report))
    return CompileResult(program, built.design.network, report, tuple(trace.spikes for trace in built.traces))


def _exact(work: Work) -> Built:
    """Return the exact program, with hidden neurons where the spec allows them, or raise what stands against it."""
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
    """Return the program with the fewest wrong bins that is found, and how many are wrong at least.

    No real weights give fewer under exact decays; integers that live off truncation may, as those of this program.

    Hidden neurons are part of it only where they make it exact, and fit the chip.
    """
    if work.spec.hidden != 0:
        with suppress(InfeasibleError, SolverError, QuantizationError, LimitError), step("hidden", share=PART):
            built = _exact(work)
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
    """Return the nearest program that fits: by smaller weights, in the end by none, for outputs that do not."""
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
