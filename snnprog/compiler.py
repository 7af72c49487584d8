"""Spec in, program out: the only module that knows the order of the steps.

A program leaves here only after its integers were simulated, in closed loop where recurrent, and equalled the target on
every bin that counts, or what came out wrong was told. With windows, or where the nearest raster was asked for, the
integers are made for the raster that was chosen, and judged by the spec.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from importlib import metadata
from types import MappingProxyType
from typing import Literal

import numpy as np

from snnprog.checks import as_integer, as_seconds, check_type
from snnprog.chips import find_chip
from snnprog.design import Design, design
from snnprog.design.designer import Progress
from snnprog.design.hidden import add_hidden
from snnprog.design.neuron import NeuronDesign
from snnprog.design.rasters.closest import Nearest, design_closest, without_synapses
from snnprog.design.rasters.windows import design_in_windows
from snnprog.distance import victor_purpura
from snnprog.errors import (
    Conflict,
    FitError,
    InfeasibleError,
    LimitError,
    QuantizationError,
    SolverError,
    SpecError,
    UndecidedError,
    counted,
)
from snnprog.judgement import WrongBin, wrong_bins
from snnprog.network import Network
from snnprog.placement import Placement, place
from snnprog.program import Program
from snnprog.quantize import INEXACT, NeuronReport, quantize
from snnprog.raster import Raster
from snnprog.simulate import simulate
from snnprog.solver import deadline_after, until
from snnprog.spec import FREE, Spec, with_targets
from snnprog.trace import Trace
from snnprog.verification import verify
from snnprog.version import __version__

DETERMINING_PACKAGES = ("numpy", "scipy", "ortools")
SMALLER_WEIGHTS = (8, 64)
RAISE: Literal["raise"] = "raise"
CLOSEST: Literal["closest"] = "closest"
EXACT = "exact"


@dataclass(frozen=True)
class Deviation:
    """How one output differs from its target.

    Attributes
    ----------
    output : int
    wrong : tuple of (int, int, str)
        Its wrong bins: pattern, tick, and "missing" or "extra"; none where all spikes are in their windows.
    distances : tuple of float
        For each pattern, the Victor-Purpura distance to the target over the bins that count; see `snnprog.distance`.
    """

    output: int
    wrong: tuple[tuple[int, int, str], ...]
    distances: tuple[float, ...]


@dataclass(frozen=True)
class CompileReport:
    """What compiling did and cost.

    Attributes
    ----------
    neurons : tuple of NeuronReport
        Status, margin and integers of each output.
    time_constants : tuple of float
        (potential, current) in ticks, as the chip's decays amount to.
    synapses : int
        In the whole program.
    hidden : tuple of NeuronReport
        The same of each neuron that is not read out.
    seconds : mapping
        Step -> wall-clock seconds.
    deviations : tuple of Deviation
        One for each output that differs from its target in bins that count, in order.
    at_least : int
        No real weights give fewer wrong bins than this, under exact decays; 0 where there are windows.
    placement : Placement or None
        On which cores of the chip the program goes, and what it fills there; None where it does not fit.
    misfit : FitError or None
        Why it does not fit the chip. The program is what was asked for all the same, and simulators run it.
    """

    neurons: tuple[NeuronReport, ...]
    time_constants: tuple[float, float]
    synapses: int
    seconds: Mapping[str, float]
    hidden: tuple[NeuronReport, ...] = ()
    deviations: tuple[Deviation, ...] = ()
    at_least: int = 0
    placement: Placement | None = None
    misfit: FitError | None = None

    @property
    def wrong_bins(self) -> int:
        """Number of wrong bins of all outputs."""
        return sum(len(deviation.wrong) for deviation in self.deviations)

    @property
    def status(self) -> str:
        """Whether the program is "exact", or the "closest" that was found."""
        return CLOSEST if self.wrong_bins else EXACT

    def as_dict(self) -> dict[str, object]:
        """Return the report as plain data."""
        return {
            "status": self.status,
            "wrong_bins": self.wrong_bins,
            "at_least": self.at_least,
            "deviations": [asdict(deviation) for deviation in self.deviations],
            "hidden": [asdict(neuron) for neuron in self.hidden],
            "neurons": [asdict(neuron) for neuron in self.neurons],
            "time_constants_ticks": list(self.time_constants),
            "synapses": self.synapses,
            "cores": None if self.placement is None else self.placement.as_dict(),
            "misfit": None if self.misfit is None else str(self.misfit),
            "seconds": dict(self.seconds),
        }


@dataclass(frozen=True, eq=False)
class CompileResult:
    """A verified program, the real-valued network behind it, the report, and what comes out.

    Attributes
    ----------
    chosen : tuple of (ticks, outputs) bool
        The output spikes of each pattern: the target's, unless windows or the nearest raster were asked for.
    """

    program: Program
    network: Network
    report: CompileReport
    chosen: tuple[Raster, ...]


class _Stopwatch:
    """Wall-clock seconds of each step."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, step: str) -> None:
        now = time.perf_counter()
        self.seconds[step] = self.seconds.get(step, 0.0) + now - self._last
        self._last = now


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
        Called with (step, done, all) as work proceeds.
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
    if on_infeasible == CLOSEST and find_chip(spec.chip).semantics.is_threshold_subtracted:
        raise SpecError(f"on_infeasible is {CLOSEST!r}; for {spec.chip} only exact programs are looked for")
    limit = None if time_limit_s is None else as_seconds("time_limit_s", time_limit_s)
    work = _Work(spec, seed, executor, progress, limit, _Stopwatch())
    built, at_least = (work.exact(), 0) if on_infeasible == RAISE else work.closest()
    _check_noise(spec, built)
    _check_limits(spec, built)
    report = _report(spec, built, at_least, work.watch)
    program = replace(built.program, provenance=_provenance(spec, seed, report))
    return CompileResult(program, built.design.network, report, tuple(trace.spikes for trace in built.traces))


@dataclass(frozen=True, eq=False)
class _Built:
    """A program for one design, its neurons' reports, what it does, which bins are wrong, and why none may be right."""

    design: Design
    program: Program
    neurons: tuple[NeuronReport, ...]
    traces: tuple[Trace, ...]
    wrong: list[WrongBin]
    conflicts: tuple[Conflict, ...]
    out_of_time: tuple[int, ...]

    @property
    def inexact(self) -> list[int]:
        """Outputs whose integers do not do what they were designed for."""
        return [neuron.output for neuron in self.neurons if neuron.status == INEXACT and not neuron.is_hidden]

    @property
    def overrunning(self) -> list[int]:
        """Outputs of which a state leaves the range on which all runtimes agree; nothing if none does."""
        found = {neuron.output for neuron in self.neurons if neuron.excursion is not None}
        found |= {trace.excursion.neuron for trace in self.traces if trace.excursion is not None}
        return sorted(found & set(range(self.design.spec.n_outputs)))

    @property
    def fragile(self) -> list[NeuronReport]:
        """Neurons that survive less noise than is asked for."""
        asked = self.design.spec.noise
        return [neuron for neuron in self.neurons if neuron.noise is not None and neuron.noise < asked]


@dataclass(frozen=True, eq=False)
class _Work:
    """One compilation: what is asked for, and with what means."""

    spec: Spec
    seed: int
    executor: Executor | None
    progress: Progress | None
    limit: float | None
    watch: _Stopwatch

    def exact(self) -> _Built:
        """Return the exact program, with hidden neurons where the spec allows them, or raise what stands against it."""
        designed = self._designed()
        if self.spec.hidden != 0 and designed.unbuilt:
            designed = self._helped(designed, designed.unbuilt, is_proof_needed=False)
        _check_design(self.spec, designed, self.limit, self.watch.seconds["design"])
        built = self._built(designed)
        if self.spec.hidden != 0 and built.inexact:
            designed = self._helped(designed, built.inexact, is_proof_needed=True)
            _check_design(self.spec, designed, self.limit, self.watch.seconds["design"])
            built = self._built(designed)
        _check_exactness(self.spec, built, self.limit)
        return built

    def closest(self) -> tuple[_Built, int]:
        """Return the program with the fewest wrong bins that is found, and how many are wrong in any case.

        Hidden neurons are part of it only where they make it exact, and fit the chip.
        """
        if self.spec.hidden != 0:
            with suppress(InfeasibleError, SolverError, QuantizationError, LimitError):
                built = self.exact()
                _check_limits(self.spec, built)
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

    def _fitting(self, built: _Built) -> _Built:
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
                f"{_several(outputs)} not built with hidden neurons after {self.limit:g} s; allow more time", outputs
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

    def _built(self, designed: Design) -> _Built:
        """Turn a design into integers, made for the rasters that it was designed for, and run them."""
        spec, chosen = designed.spec, np.stack([neuron.raster for neuron in designed.network.neurons], axis=1)
        asked = spec if designed.hidden else with_targets(spec, range(spec.n_outputs), chosen)
        quantized = quantize(asked, designed.network, seed=self.seed, executor=self.executor, time_limit_s=self.limit)
        self.watch.lap("quantize")
        traces = tuple(simulate(quantized.program, [pattern.inputs for pattern in spec.patterns]))
        wrong = wrong_bins(self.spec, [trace.spikes for trace in traces])
        self.watch.lap("simulate")
        return _Built(
            designed, quantized.program, quantized.neurons, traces, wrong, quantized.conflicts, quantized.out_of_time
        )


def _with_nearest(designed: Design, nearest: tuple[Nearest, ...]) -> Design:
    outcomes = list(designed.outcomes)
    for found in nearest:
        for output, outcome in zip(found.outputs, found.designs, strict=True):
            outcomes[output] = outcome
    return replace(designed, outcomes=tuple(outcomes))


def _check_design(spec: Spec, designed: Design, limit: float | None, seconds: float) -> None:
    if designed.conflicts:
        raise InfeasibleError(designed.conflicts)
    if designed.unbuilt and spec.window != (0, 0) and (limit is None or seconds < limit):
        raise SolverError(
            f"output {designed.unbuilt[0]}: no weights were found for any ticks that were tried in the windows of"
            f" {spec.window}, and no proof that there are none; widen the windows, or offer more delays"
        )
    if designed.unbuilt:
        raise _undecided(designed.unbuilt, limit)


def _report(spec: Spec, built: _Built, at_least: int, watch: _Stopwatch) -> CompileReport:
    """Report by what the spec asks for, not by what was chosen."""
    wrong = Counter(found.output for found in built.wrong)
    hidden, outputs = built.neurons[: -spec.n_outputs], built.neurons[-spec.n_outputs :]
    neurons = tuple(
        replace(neuron, status=CLOSEST if wrong[neuron.output] else neuron.status, wrong_bins=wrong[neuron.output])
        for neuron in outputs
    )
    placement, misfit = _placed(built.program)
    watch.lap("place")
    return CompileReport(
        neurons=neurons,
        hidden=hidden,
        time_constants=spec.dynamics.effective_time_constants(find_chip(spec.chip)),
        synapses=built.program.n_synapses,
        seconds=MappingProxyType(watch.seconds),
        deviations=_deviations(spec, built),
        at_least=at_least,
        placement=placement,
        misfit=misfit,
    )


def _placed(program: Program) -> tuple[Placement | None, FitError | None]:
    try:
        return place(program), None
    except FitError as error:
        return None, error


def _undecided(outputs: tuple[int, ...], limit: float | None) -> UndecidedError:
    return UndecidedError(
        f"{_several(outputs)} undecided after {limit:g} s: neither weights nor a proof that there are none;"
        " allow more time",
        outputs,
    )


def _several(outputs: Sequence[int]) -> str:
    several = len(outputs) > 1
    return f"output{'s' * several} {', '.join(map(str, outputs))} {'are' if several else 'is'}"


def _deviations(spec: Spec, built: _Built) -> tuple[Deviation, ...]:
    wrong: dict[int, list[tuple[int, int, str]]] = {}
    for found in built.wrong:
        wrong.setdefault(found.output, []).append((found.pattern, found.tick, found.kind))
    deviations = []
    for output in range(spec.n_outputs):
        distances = [
            victor_purpura(*((train & pattern.care)[:, output] for train in (trace.spikes, pattern.targets)))
            for pattern, trace in zip(spec.patterns, built.traces, strict=True)
        ]
        if any(distances):
            deviations.append(Deviation(output, tuple(wrong.get(output, ())), tuple(distances)))
    return tuple(deviations)


def _check_exactness(spec: Spec, built: _Built, limit: float | None) -> None:
    if built.conflicts:
        raise InfeasibleError(built.conflicts)
    if built.out_of_time:
        raise UndecidedError(
            f"{_several(built.out_of_time)} not exact in integers after {limit:g} s of searching for them, although"
            " real weights exist; allow more time",
            built.out_of_time,
        )
    neurons, failed = built.neurons, [neuron for neuron in built.neurons if neuron.status == INEXACT]
    if failed:
        worst = max(failed, key=lambda neuron: neuron.wrong_bins)
        verb = "is" if len(failed) == 1 else "are"
        raise QuantizationError(
            f"{len(failed)} of {counted(len(neurons), _kind(neurons))} {verb} not exact in integers:"
            f" {worst.name} has {counted(worst.wrong_bins, 'wrong bin')} (the margin found is"
            f" {worst.design_margin:.3g} steps, 0.5 survives every rounding); {_advice(spec)}",
            [neuron.output for neuron in failed if not neuron.is_hidden],
        )
    if built.wrong:
        first = verify(built.program, spec).first_divergence
        raise QuantizationError(f"the closed loop is not exact: {first}", [built.wrong[0].output])


def _check_noise(spec: Spec, built: _Built) -> None:
    for neuron in built.fragile:
        raise QuantizationError(
            f"{neuron.name} survives noise of {neuron.noise:g} LSBs in integers, and {spec.noise:g} are asked for;"
            f" ask for less, or {_advice(spec)}",
            [neuron.output],
        )


def _check_limits(spec: Spec, built: _Built) -> None:
    for neuron in built.neurons:
        if neuron.excursion is not None:
            where = f"{neuron.excursion.quantity} of {neuron.name} at tick {neuron.excursion.tick}"
            allowed = f"less than {neuron.excursion.limit} in magnitude, where all runtimes agree"
            raise LimitError(where, neuron.excursion.value, allowed, _advice(spec))
    for trace in built.traces:
        if trace.excursion is not None:
            raise LimitError(
                f"{trace.excursion.quantity} of output {trace.excursion.neuron} at tick {trace.excursion.tick}",
                trace.excursion.value,
                f"less than {trace.excursion.limit} in magnitude, where all runtimes agree",
                _advice(spec),
            )


def _kind(neurons: tuple[NeuronReport, ...]) -> str:
    return "neuron" if any(neuron.is_hidden for neuron in neurons) else "output"


def _advice(spec: Spec) -> str:
    fixed = ["threshold"] if spec.threshold != FREE else []
    fixed += ["bias"] if spec.bias not in (FREE, 0) else []
    return f"leave the {' and the '.join(fixed)} free" if fixed else _other_means(spec)


def _other_means(spec: Spec) -> str:
    nearest, farthest = find_chip(spec.chip).delays
    return "offer more delays, or a slower potential" if nearest < farthest else "offer more inputs, or other decays"


def _provenance(spec: Spec, seed: int, report: CompileReport) -> dict[str, object]:
    potential, current = spec.dynamics.effective_time_constants(find_chip(spec.chip))
    return {
        "spec_sha256": spec.digest(),
        "seed": seed,
        "versions": {"snnprog": __version__, **{name: metadata.version(name) for name in DETERMINING_PACKAGES}},
        "time_constants_ticks": {"potential": str(potential), "current": str(current)},
        "neurons": [asdict(neuron) for neuron in report.neurons],
        **({"hidden": [asdict(neuron) for neuron in report.hidden]} if report.hidden else {}),
    }
