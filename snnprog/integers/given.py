"""The neurons of a program, as starts for the neurons of a spec."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from snnprog.arrays import Int64s
from snnprog.errors import SpecError
from snnprog.integers.rounding import FITTED, IntegerNeuron
from snnprog.program import Program
from snnprog.spec import FREE, Spec


def neurons_of(program: Program, spec: Spec) -> tuple[IntegerNeuron, ...]:
    """Return a neuron for each output of a program that `check_start` accepts, in order."""
    slot = {delay: index for index, delay in enumerate(spec.delays)}
    return tuple(_neuron(program, int(index), slot, spec.n_presynaptic) for index in program.outputs)


def _lines(program: Program) -> Int64s:
    """Return the line of the spec that each line of the program is: inputs, then outputs in order."""
    lines = np.arange(program.n_inputs + program.n_neurons)
    lines[program.n_inputs + program.outputs] = program.n_inputs + np.arange(program.n_outputs)
    return lines


def _neuron(program: Program, index: int, slot: dict[int, int], n_lines: int) -> IntegerNeuron:
    own = np.flatnonzero((program.post == index) & (program.weight != 0))
    exponent = int(program.exponent[own[0]]) if own.size else 0
    mantissas = np.zeros((len(slot), n_lines), np.int64)
    for delay, line, weight in zip(
        program.delay[own].tolist(),
        _lines(program)[program.pre[own]].tolist(),
        program.weight[own].tolist(),
        strict=True,
    ):
        mantissas[slot[delay], line] += weight
    return IntegerNeuron(
        mantissas=mantissas,
        exponent=exponent,
        threshold=int(program.threshold[index]),
        bias=int(program.bias[index]),
        scale=1.0,
        certified=False,
        margin=0.0,
        rounding=FITTED,
    )


def check_start(program: Program, spec: Spec) -> None:
    """Raise `SpecError` unless a program is one that could have been compiled from a spec, whatever its targets."""
    fault = next(_faults(program, spec), None)
    if fault is not None:
        raise SpecError(f"start must be a program for the lines and options of the spec: {fault}")


def _faults(program: Program, spec: Spec) -> Iterator[str]:
    """Yield what a program has that the spec does not allow, in words."""
    if program.chip != spec.chip:
        yield f"its chip is {program.chip.name}, and that of the spec {spec.chip.name}"
        return
    ends, wanted = (program.n_inputs, program.n_outputs), (spec.n_inputs, spec.n_outputs)
    if ends != wanted:
        yield f"it has {ends[0]} inputs and {ends[1]} outputs, and the spec {wanted[0]} and {wanted[1]}"
        return
    if program.n_neurons != program.n_outputs or program.is_read_by_potential.any():
        yield "it has neurons that are not read out by their spikes"
        return
    if not spec.recurrent and (program.pre >= program.n_inputs).any():
        yield "its outputs feed outputs"
    delays = sorted(set(program.delay.tolist()) - set(spec.delays))
    if delays:
        yield f"it has synapses with a delay of {delays[0]}"
    dynamics = spec.dynamics
    for name, value in (
        ("current_decay", dynamics.current_decay),
        ("potential_decay", dynamics.potential_decay),
        ("refractory", spec.refractory),
    ):
        values = set(getattr(program, name).tolist()) - {value}
        if values:
            yield f"{name} is {min(values)}, and that of the spec {value}"
    for name, given in (("threshold", spec.threshold), ("bias", spec.bias)):
        values = set() if given == FREE else set(getattr(program, name).tolist()) - {given}
        if values:
            yield f"{name} is {min(values)}, and that of the spec {given}"
    yield from _faulty_weights(program, spec)


def _faulty_weights(program: Program, spec: Spec) -> Iterator[str]:
    used = program.weight != 0
    largest = int(np.abs(program.weight[used]).max(initial=0))
    if largest > spec.mantissas.limit:
        yield f"it has a weight of {largest}, and the spec allows {spec.mantissas.limit}"
    for index in program.outputs.tolist():
        own = used & (program.post == index)
        if len(set(program.exponent[own].tolist())) > 1:
            yield "synapses of one neuron have several weight exponents"
        if spec.fan_in is not None and own.sum() > spec.fan_in:
            yield f"a neuron has {own.sum()} synapses, and the spec allows {spec.fan_in}"
    if spec.signs is not None:
        signs = np.array(spec.signs)[_lines(program)[program.pre]]
        if (signs * program.weight < 0).any():
            yield "a weight has another sign than its line"
