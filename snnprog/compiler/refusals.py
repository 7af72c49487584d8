"""Why a program is refused, and what to try instead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from snnprog.compiler.advice import advice, other_means
from snnprog.compiler.built import Built
from snnprog.conflict import Conflict
from snnprog.design import Design
from snnprog.design.proofs.referee import Referee
from snnprog.errors import InfeasibleError, LimitError, QuantizationError, UndecidedError
from snnprog.integers import INEXACT, NeuronReport
from snnprog.proof import Node
from snnprog.proof_document import proof_to_data
from snnprog.solver import step
from snnprog.spec import Spec
from snnprog.verification import verify
from snnprog.wording import counted


def check_design(spec: Spec, designed: Design, *, limit: float | None, ended: Sequence[str]) -> None:
    """Raise the error of a design: a proof, or outputs that have neither weights nor a proof."""
    if designed.proof is not None:
        refuse(spec, designed.conflicts, designed.proof)
    if designed.unbuilt and ended:
        late = designed.out_of_time or designed.unbuilt
        raise UndecidedError(
            f"{several(spec, late)} undecided after {limit:g} s: neither weights nor a proof that there"
            " are none; allow more time",
            designed.unbuilt,
            ended,
        )
    found = next((outcome.found for outcome in designed.outcomes if outcome.found), "")
    if found:
        raise UndecidedError(found, designed.unbuilt)
    if designed.unbuilt and spec.window != (0, 0):
        raise UndecidedError(
            f"{spec.output_label(designed.unbuilt[0])}: no weights were found for any ticks that were tried in the"
            f" windows of {spec.window}, and no proof that there are none; widen the windows, or {advice(spec)}",
            designed.unbuilt,
        )
    if designed.unbuilt:
        fewer_open = "" if spec.care.all() else "have fewer don't-care bins, or "
        raise UndecidedError(
            f"{several(spec, designed.unbuilt)} undecided: neither weights were found nor a proof that there are none;"
            f" {fewer_open}{advice(spec)}",
            designed.unbuilt,
        )


def refuse(spec: Spec, conflicts: Sequence[Conflict], proof: Node) -> NoReturn:
    """Raise `InfeasibleError` with a proof that the stand-alone checker accepts; without a proof, do not raise it."""
    referee, neurons = Referee(spec), sorted({conflict.neuron for conflict in conflicts})
    try:
        with step("proofs"):
            fault = referee.fault(proof)
    except UndecidedError as error:
        raise UndecidedError(
            f"{several(spec, neurons)} undecided: a proof that there are no weights was found, but the time limit ran"
            " out before the proof was checked; allow more time",
            neurons,
            error.ended_by_time,
        ) from error
    if fault is None:
        raise InfeasibleError(conflicts, proof_to_data(proof, referee.document))
    raise UndecidedError(
        f"{several(spec, neurons)} undecided: a proof that there are no weights was found, but does not hold ({fault});"
        " please report the specification",
        neurons,
    )


def check_exactness(spec: Spec, built: Built, *, limit: float | None, ended: Sequence[str]) -> None:
    """Raise the error of a program's integers: a proof, the time limit, or wrong bins."""
    if built.proof is not None:
        refuse(spec, built.conflicts, built.proof)
    if built.out_of_time:
        raise UndecidedError(
            f"{several(spec, built.out_of_time)} not exact in integers after {limit:g} s of searching for them,"
            " although real weights exist; allow more time",
            built.out_of_time,
            ended,
        )
    neurons, failed = built.neurons, [neuron for neuron in built.neurons if neuron.status == INEXACT]
    if failed:
        worst = max(failed, key=lambda neuron: neuron.wrong_bins)
        verb = "is" if len(failed) == 1 else "are"
        raise QuantizationError(
            f"{len(failed)} of {counted(len(neurons), _kind(neurons))} {verb} not exact in integers:"
            f" {worst.name} has {counted(worst.wrong_bins, 'wrong bin')} (the margin found is"
            f" {worst.design_margin:.3g} steps, 0.5 survives every rounding); {advice(spec)}",
            [neuron.output for neuron in failed if not neuron.is_hidden],
        )
    if built.wrong:
        first = verify(built.program, spec).first_divergence
        raise QuantizationError(f"the closed loop is not exact: {first}", [built.wrong[0].output])


def check_fan_in(spec: Spec, built: Built) -> None:
    """Raise `QuantizationError` if a neuron of the program has more synapses than are allowed."""
    if spec.fan_in is None:
        return
    above = [neuron for neuron in built.neurons if neuron.synapses > spec.fan_in]
    if above:
        most = max(above, key=lambda neuron: neuron.synapses)
        raise QuantizationError(
            f"{most.name} has {counted(most.synapses, 'synapse')} in integers, and fan_in allows {spec.fan_in};"
            f" allow more, or {other_means(spec)}",
            [neuron.output for neuron in above if not neuron.is_hidden],
        )


def check_noise(spec: Spec, built: Built) -> None:
    """Raise `QuantizationError` if a neuron tolerates less noise than the spec requires."""
    for neuron in built.fragile:
        raise QuantizationError(
            f"{neuron.name} must tolerate noise of {spec.noise:g} LSBs in integers, got {neuron.noise:g};"
            f" lower noise, or {advice(spec)}",
            [neuron.output],
        )


def check_limits(spec: Spec, built: Built) -> None:
    """Raise `LimitError` if a state leaves the range in which all runtimes of the chip agree."""
    for neuron in built.neurons:
        if neuron.excursion is not None:
            where = f"{neuron.excursion.quantity} of {neuron.name} at tick {neuron.excursion.tick}"
            allowed = f"less than {neuron.excursion.limit} in magnitude, where all runtimes agree"
            raise LimitError(where, neuron.excursion.value, allowed, advice(spec))
    for trace in built.traces:
        if trace.excursion is not None:
            name = spec.output_label(trace.excursion.neuron)
            raise LimitError(
                f"{trace.excursion.quantity} of {name} at tick {trace.excursion.tick}",
                trace.excursion.value,
                f"less than {trace.excursion.limit} in magnitude, where all runtimes agree",
                advice(spec),
            )


def several(spec: Spec, outputs: Sequence[int]) -> str:
    """Return the beginning of a sentence about some outputs, such as "outputs 1, 2 (stop) are"."""
    if len(outputs) == 1:
        return f"{spec.output_label(outputs[0])} is"
    return f"outputs {', '.join(spec.output_label(output).removeprefix('output ') for output in outputs)} are"


def _kind(neurons: tuple[NeuronReport, ...]) -> str:
    return "neuron" if any(neuron.is_hidden for neuron in neurons) else "output"
