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
from snnprog.checks import as_integer, check_type
from snnprog.chips import find_chip
from snnprog.design import design
from snnprog.design.designer import Progress
from snnprog.design.hidden import add_hidden
from snnprog.errors import InfeasibleError, LimitError, QuantizationError, SpecError
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
    hidden : tuple of NeuronReport
        The same of each neuron that is not read out.
    seconds : mapping
        Step -> wall-clock seconds.
    """

    neurons: tuple[NeuronReport, ...]
    time_constants: tuple[float, float]
    synapses: int
    seconds: Mapping[str, float]
    hidden: tuple[NeuronReport, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """Return the report as plain data."""
        return {
            "hidden": [asdict(neuron) for neuron in self.hidden],
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
) -> CompileResult:
    """Design, quantize and verify a program for a spec.

    Parameters
    ----------
    seed : int
        Of all random choices; none of them is random in any other way.
    executor : concurrent.futures.Executor, optional
        Where neurons are designed side by side; the result does not depend on it.
    progress : callable, optional
        Called with (step, done, all) as work proceeds.

    Raises
    ------
    InfeasibleError
        If no weights realise some output; ``conflicts`` names outputs, patterns and ticks.
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
    designed = design(spec, executor=executor, progress=progress)
    watch.lap("design")
    if spec.hidden != 0 and designed.unbuilt:
        designed = add_hidden(spec, designed, designed.unbuilt, progress=progress)
        watch.lap("hidden")
    if designed.conflicts:
        raise InfeasibleError(designed.conflicts)
    quantized = quantize(designed.spec, designed.network, seed=seed)
    watch.lap("quantize")
    inexact = [neuron.output for neuron in quantized.neurons if neuron.status == INEXACT and not neuron.is_hidden]
    if spec.hidden != 0 and inexact:
        designed = add_hidden(spec, designed, inexact, is_proof_needed=True, progress=progress)
        if designed.conflicts:
            raise InfeasibleError(designed.conflicts)
        quantized = quantize(designed.spec, designed.network, seed=seed)
        watch.lap("hidden for the integers")
    _check_exactness(spec, quantized.neurons)
    hidden, outputs = quantized.neurons[: -spec.n_outputs], quantized.neurons[-spec.n_outputs :]
    program = replace(quantized.program, provenance=_provenance(spec, seed, hidden, outputs))
    _check_closed_loop(program, spec)
    watch.lap("simulate")
    report = CompileReport(
        neurons=outputs,
        hidden=hidden,
        time_constants=spec.dynamics.effective_time_constants(find_chip(spec.chip)),
        synapses=program.n_synapses,
        seconds=MappingProxyType(watch.seconds),
    )
    return CompileResult(program, designed.network, report)


def _check_exactness(spec: Spec, neurons: tuple[NeuronReport, ...]) -> None:
    failed = [neuron for neuron in neurons if neuron.status == INEXACT]
    if failed:
        worst = max(failed, key=lambda neuron: neuron.wrong_bins)
        raise QuantizationError(
            f"{len(failed)} of {len(neurons)} {_kinds(neurons)} are not exact in integers: {worst.name} has"
            f" {worst.wrong_bins} wrong bins (the margin found is {worst.design_margin:.3g} steps, 0.5 survives every"
            f" rounding); {_advice(spec)}",
            [neuron.output for neuron in failed if not neuron.is_hidden],
        )
    for neuron in neurons:
        if neuron.excursion is not None:
            where = f"{neuron.excursion.quantity} of {neuron.name} at tick {neuron.excursion.tick}"
            allowed = f"less than {neuron.excursion.limit} in magnitude, where all runtimes agree"
            raise LimitError(where, neuron.excursion.value, allowed, _advice(spec))


def _kinds(neurons: tuple[NeuronReport, ...]) -> str:
    return "neurons" if any(neuron.is_hidden for neuron in neurons) else "outputs"


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


def _provenance(
    spec: Spec, seed: int, hidden: tuple[NeuronReport, ...], outputs: tuple[NeuronReport, ...]
) -> dict[str, object]:
    potential, current = spec.dynamics.effective_time_constants(find_chip(spec.chip))
    return {
        "spec_sha256": spec.digest(),
        "seed": seed,
        "versions": {"snnprog": __version__, **{name: metadata.version(name) for name in DETERMINING_PACKAGES}},
        "time_constants_ticks": {"potential": str(potential), "current": str(current)},
        "neurons": [asdict(neuron) for neuron in outputs],
        **({"hidden": [asdict(neuron) for neuron in hidden]} if hidden else {}),
    }
