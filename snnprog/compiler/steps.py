"""Spec in, program out: the only module that knows the order of the steps.

A program leaves here only after its integers were simulated, in closed loop where recurrent, and equalled the target on
every bin that counts, or what came out wrong was told. With windows, or where the nearest raster was asked for, the
integers are made for the raster that was chosen, and judged by the spec.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from snnprog.checks import as_integer, as_seconds, check_type
from snnprog.compiler.built import Built
from snnprog.compiler.refusals import check_design, check_exactness, check_limits, check_noise, several
from snnprog.compiler.report import CLOSEST, CompileResult, provenance_of, report_on
from snnprog.design import Design, design
from snnprog.design.designer import Progress
from snnprog.design.hidden import add_hidden
from snnprog.design.neuron import NeuronDesign
from snnprog.design.rasters.closest import Nearest, design_closest, without_synapses
from snnprog.design.rasters.windows import design_in_windows
from snnprog.errors import (
    FitError,
    InfeasibleError,
    LimitError,
    QuantizationError,
    SolverError,
    SpecError,
    UndecidedError,
)
from snnprog.integers import quantize
from snnprog.judgement import wrong_bins
from snnprog.placement import Placement, place
from snnprog.program import Program
from snnprog.simulate import simulate
from snnprog.solver import deadline_after, one_blas_thread, until
from snnprog.spec import Spec, with_targets

SMALLER_WEIGHTS = (8, 64)
RAISE: Literal["raise"] = "raise"


class _Stopwatch:
    """Wall-clock seconds of each step."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, step: str) -> None:
        now = time.perf_counter()
        self.seconds[step] = self.seconds.get(step, 0.0) + now - self._last
        self._last = now


@one_blas_thread()
def compile(
    spec: Spec,
    *,
    seed: int = 0,
    on_infeasible: Literal["raise", "closest"] = RAISE,
    executor: Executor | None = None,
    progress: Progress | None = None,
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
        Where neurons are designed and repaired side by side; the result does not depend on it.
    progress : callable, optional
        Called with (step, done, all) as work proceeds; the steps are
        "design", "windows", "hidden", "closest" and "repair", as far as they are needed.
    time_limit_s : float, optional
        Seconds for each step: the design of the outputs (or each search of ticks in windows), and the searches after
        that, for hidden neurons, the nearest raster, and integers. What ends in time is the same without a limit;
        the nearest raster is otherwise the best found by then.

    Raises
    ------
    InfeasibleError
        If no weights realise some output, or provably none of the integers it may have; ``conflicts`` names
        outputs, patterns and ticks.
    UndecidedError
        If the time runs out while an output has neither weights nor a proof that there are none, or no integers yet.
    QuantizationError
        If weights exist, but no rounding that was tried is exact, or survives the noise that is asked for.
    SpecError
        If a fan-in is asked for together with the closest program.
    LimitError
        If they are exact, but a state leaves the range on which all runtimes of the chip agree; of the closest
        program only where the bias alone does that.
    SolverError
        If the solver gives up.
    """
    check_type("spec", spec, Spec)
    seed = as_integer("seed", seed)
    if seed < 0:
        raise SpecError(f"seed is {seed}; a whole number from 0 is needed")
    if on_infeasible not in (RAISE, CLOSEST):
        raise SpecError(f"on_infeasible is {on_infeasible!r}; {RAISE!r} or {CLOSEST!r} is needed")
    if on_infeasible == CLOSEST and spec.fan_in is not None:
        raise SpecError(f"fan_in is {spec.fan_in} and on_infeasible is {CLOSEST!r}; ask for one of them at a time")
    limit = None if time_limit_s is None else as_seconds("time_limit_s", time_limit_s)
    work = _Work(spec, seed, executor, progress, limit, _Stopwatch())
    built, at_least = (work.exact(), 0) if on_infeasible == RAISE else work.closest()
    check_noise(spec, built)
    check_limits(spec, built)
    placed = _placed(built.program)
    work.watch.lap("place")
    report = report_on(spec, built, at_least=at_least, placed=placed, seconds=work.watch.seconds)
    program = replace(built.program, provenance=provenance_of(spec, seed, report))
    return CompileResult(program, built.design.network, report, tuple(trace.spikes for trace in built.traces))


@dataclass(frozen=True, eq=False)
class _Work:
    """One compilation: what is asked for, and with what means."""

    spec: Spec
    seed: int
    executor: Executor | None
    progress: Progress | None
    limit: float | None
    watch: _Stopwatch

    def exact(self) -> Built:
        """Return the exact program, with hidden neurons where the spec allows them, or raise what stands against it."""
        designed = self._designed()
        if self.spec.hidden != 0 and designed.unbuilt:
            designed = self._helped(designed, designed.unbuilt, is_proof_needed=False)
        check_design(self.spec, designed, self.limit, self.watch.seconds["design"])
        built = self._built(designed)
        if self.spec.hidden != 0 and built.inexact:
            designed = self._helped(designed, built.inexact, is_proof_needed=True)
            check_design(self.spec, designed, self.limit, self.watch.seconds["design"])
            built = self._built(designed)
        check_exactness(self.spec, built, self.limit)
        return built

    def closest(self) -> tuple[Built, int]:
        """Return the program with the fewest wrong bins that is found, and how many are wrong in any case.

        Hidden neurons are part of it only where they make it exact, and fit the chip.
        """
        if self.spec.hidden != 0:
            with suppress(InfeasibleError, SolverError, QuantizationError, LimitError):
                built = self.exact()
                check_limits(self.spec, built)
                return built, 0
            return replace(self, spec=replace(self.spec, hidden=0)).closest()
        try:
            designed = self._designed()
        except SolverError:
            designed = Design(self.spec, (NeuronDesign(None),) * self.spec.n_outputs)
        nearest = self._nearest(designed.unbuilt) if designed.unbuilt else ()
        built = self._built(_with_nearest(designed, nearest))
        flawed = sorted({*built.inexact, *(neuron.output for neuron in built.fragile)})
        if flawed:
            safer = self._built(_with_nearest(built.design, self._nearest(flawed, rounding_proof=True)))
            built = min(built, safer, key=lambda one: (len(one.fragile), len(one.wrong)))
        built = self._fitting(built)
        return built, 0 if self.spec.window != (0, 0) else sum(found.at_least for found in nearest)

    def _fitting(self, built: Built) -> Built:
        """Return the nearest program that fits: by smaller weights, in the end by none, for outputs that do not."""
        for part in SMALLER_WEIGHTS:
            limit = self.spec.mantissas.limit // part
            if built.overrunning and limit > 0 and not self.spec.mantissas.is_binary:
                smaller = replace(self, spec=replace(self.spec, weight_limit=limit))
                built = self._built(_with_nearest(built.design, smaller._nearest(built.overrunning)))
        if built.overrunning:
            outputs = range(self.spec.n_outputs) if self.spec.recurrent else built.overrunning
            built = self._built(_with_nearest(built.design, (without_synapses(self.spec, outputs),)))
        return built

    def _designed(self) -> Design:
        look = design if self.spec.window == (0, 0) else design_in_windows
        designed = look(self.spec, executor=self.executor, progress=self.progress, time_limit_s=self.limit)
        self.watch.lap("design")
        return designed

    def _helped(self, designed: Design, outputs: Sequence[int], *, is_proof_needed: bool) -> Design:
        try:
            with until(deadline_after(self.limit)):
                return add_hidden(self.spec, designed, outputs, is_proof_needed=is_proof_needed, progress=self.progress)
        except UndecidedError as error:
            raise UndecidedError(
                f"{several(outputs)} not built with hidden neurons after {self.limit:g} s; allow more time", outputs
            ) from error
        finally:
            self.watch.lap("hidden")

    def _nearest(self, outputs: Sequence[int], *, rounding_proof: bool = False) -> tuple[Nearest, ...]:
        nearest = design_closest(
            self.spec,
            outputs,
            rounding_proof=rounding_proof,
            executor=self.executor,
            progress=self.progress,
            time_limit_s=self.limit,
        )
        self.watch.lap("closest")
        return nearest

    def _built(self, designed: Design) -> Built:
        """Turn a design into integers, made for the rasters that it was designed for, and run them."""
        spec, chosen = designed.spec, np.stack([neuron.raster for neuron in designed.network.neurons], axis=1)
        asked = spec if designed.hidden else with_targets(spec, range(spec.n_outputs), chosen)
        quantized = quantize(
            asked,
            designed.network,
            seed=self.seed,
            executor=self.executor,
            time_limit_s=self.limit,
            progress=self.progress,
        )
        self.watch.lap("quantize")
        traces = tuple(simulate(quantized.program, [pattern.inputs for pattern in spec.patterns]))
        wrong = wrong_bins(self.spec, [trace.spikes for trace in traces])
        self.watch.lap("simulate")
        return Built(
            designed, quantized.program, quantized.neurons, traces, wrong, quantized.conflicts, quantized.out_of_time
        )


def _with_nearest(designed: Design, nearest: tuple[Nearest, ...]) -> Design:
    outcomes = list(designed.outcomes)
    for found in nearest:
        for output, outcome in zip(found.outputs, found.designs, strict=True):
            outcomes[output] = outcome
    return replace(designed, outcomes=tuple(outcomes))


def _placed(program: Program) -> tuple[Placement | None, FitError | None]:
    try:
        return place(program), None
    except FitError as error:
        return None, error
