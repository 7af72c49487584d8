"""Spec in, program out: the only module that knows the order of the steps.

A program leaves here only after its integers were simulated, in closed loop where recurrent, and equalled the target on
every bin that counts.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, replace
from importlib import metadata
from types import MappingProxyType

from snnprog.backends import REFERENCE
from snnprog.checks import as_integer, as_seconds, check_type
from snnprog.chips import find_chip
from snnprog.design import design
from snnprog.design.designer import Progress
from snnprog.errors import InfeasibleError, LimitError, QuantizationError, SpecError, UndecidedError
from snnprog.network import Network
from snnprog.program import Program
from snnprog.quantize import INEXACT, NeuronReport, quantize
from snnprog.spec import FREE, Spec
from snnprog.verification import verify
from snnprog.version import __version__

DETERMINING_PACKAGES = ("numpy", "scipy", "ortools")


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
    seconds : mapping
        Step -> wall-clock seconds.
    """

    neurons: tuple[NeuronReport, ...]
    time_constants: tuple[float, float]
    synapses: int
    seconds: Mapping[str, float]

    def as_dict(self) -> dict[str, object]:
        """Return the report as plain data."""
        return {
            "neurons": [asdict(neuron) for neuron in self.neurons],
            "time_constants_ticks": list(self.time_constants),
            "synapses": self.synapses,
            "seconds": dict(self.seconds),
        }


@dataclass(frozen=True, eq=False)
class CompileResult:
    """A verified program, the real-valued network behind it, and the report."""

    program: Program
    network: Network
    report: CompileReport


class _Stopwatch:
    """Wall-clock seconds of each step."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, step: str) -> None:
        now = time.perf_counter()
        self.seconds[step] = now - self._last
        self._last = now


def compile(
    spec: Spec,
    *,
    seed: int = 0,
    executor: Executor | None = None,
    progress: Progress | None = None,
    time_limit_s: float | None = None,
) -> CompileResult:
    """Design, quantize and verify a program for a spec.

    Parameters
    ----------
    seed : int
        Of all random choices; none of them is random in any other way.
    executor : concurrent.futures.Executor, optional
        Where neurons are designed and repaired side by side; the result does not depend on it.
    progress : callable, optional
        Called with (step, done, all) as work proceeds.
    time_limit_s : float, optional
        Seconds for the design. What ends in time is the same without a limit.

    Raises
    ------
    InfeasibleError
        If no weights realise some output, or provably none of the integers it may have; ``conflicts`` names
        outputs, patterns and ticks.
    UndecidedError
        If the time runs out while an output has neither weights nor a proof that there are none.
    QuantizationError
        If weights exist, but no rounding that was tried is exact.
    LimitError
        If they are exact, but a state leaves the range on which all runtimes of the chip agree.
    SolverError
        If the solver gives up.
    """
    check_type("spec", spec, Spec)
    seed = as_integer("seed", seed)
    if seed < 0:
        raise SpecError(f"seed is {seed}; a whole number from 0 is needed")
    watch = _Stopwatch()
    limit = None if time_limit_s is None else as_seconds("time_limit_s", time_limit_s)
    designed = design(spec, executor=executor, progress=progress, time_limit_s=limit)
    watch.lap("design")
    if designed.conflicts:
        raise InfeasibleError(designed.conflicts)
    if designed.undecided:
        raise _undecided(designed.undecided, limit)
    quantized = quantize(spec, designed.network, seed=seed, executor=executor)
    watch.lap("quantize")
    if quantized.conflicts:
        raise InfeasibleError(quantized.conflicts)
    _check_exactness(spec, quantized.neurons)
    program = replace(quantized.program, provenance=_provenance(spec, seed, quantized.neurons))
    _check_closed_loop(program, spec)
    watch.lap("simulate")
    report = CompileReport(
        neurons=quantized.neurons,
        time_constants=spec.dynamics.effective_time_constants(find_chip(spec.chip)),
        synapses=program.n_synapses,
        seconds=MappingProxyType(watch.seconds),
    )
    return CompileResult(program, designed.network, report)


def _undecided(outputs: tuple[int, ...], limit: float | None) -> UndecidedError:
    several = len(outputs) > 1
    return UndecidedError(
        f"output{'s' * several} {', '.join(map(str, outputs))} {'are' if several else 'is'} undecided after"
        f" {limit:g} s: neither weights nor a proof that there are none; allow more time",
        outputs,
    )


def _check_exactness(spec: Spec, neurons: tuple[NeuronReport, ...]) -> None:
    failed = [neuron for neuron in neurons if neuron.status == INEXACT]
    if failed:
        worst = max(failed, key=lambda neuron: neuron.wrong_bins)
        raise QuantizationError(
            f"{len(failed)} of {len(neurons)} outputs are not exact in integers: output {worst.output} has"
            f" {worst.wrong_bins} wrong bins (the margin found is {worst.design_margin:.3g} steps, 0.5 survives every"
            f" rounding); {_advice(spec)}",
            [neuron.output for neuron in failed],
        )
    for neuron in neurons:
        if neuron.noise is not None and neuron.noise < spec.noise:
            raise QuantizationError(
                f"output {neuron.output} survives noise of {neuron.noise:g} LSBs in integers, and {spec.noise:g} are"
                f" asked for; ask for less, or {_advice(spec)}",
                [neuron.output],
            )
        if neuron.excursion is not None:
            where = f"{neuron.excursion.quantity} of output {neuron.output} at tick {neuron.excursion.tick}"
            allowed = f"less than {neuron.excursion.limit} in magnitude, where all runtimes agree"
            raise LimitError(where, neuron.excursion.value, allowed, _advice(spec))


def _advice(spec: Spec) -> str:
    fixed = ["threshold"] if spec.threshold != FREE else []
    fixed += ["bias"] if spec.bias not in (FREE, 0) else []
    return f"leave the {' and the '.join(fixed)} free" if fixed else "offer more delays, or a slower potential"


def _check_closed_loop(program: Program, spec: Spec) -> None:
    check = verify(program, spec, [REFERENCE]).backends[REFERENCE]
    if check.first_divergence is not None:
        raise QuantizationError(
            f"the closed loop is not exact: {check.first_divergence}", [check.first_divergence.neuron]
        )
    assert check.is_portable, "a rehearsal sees every state of the closed loop"


def _provenance(spec: Spec, seed: int, neurons: tuple[NeuronReport, ...]) -> dict[str, object]:
    potential, current = spec.dynamics.effective_time_constants(find_chip(spec.chip))
    return {
        "spec_sha256": spec.digest(),
        "seed": seed,
        "versions": {"snnprog": __version__, **{name: metadata.version(name) for name in DETERMINING_PACKAGES}},
        "time_constants_ticks": {"potential": str(potential), "current": str(current)},
        "neurons": [asdict(neuron) for neuron in neurons],
    }
