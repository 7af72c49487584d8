"""Judges of programs for `promise.py`: what a program may be and what it does, from its public arrays alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from promise_cases import Case, Trial
from promise_chips import XYLO_HIDDEN_SPIKES, Cell, Circuit, Synapse, run, survived_noise

import snnprog as sp

MIXED, EXCITATORY, INHIBITORY = 1, 2, 3
RANGES = {
    "loihi": {MIXED: (-256, 254), EXCITATORY: (0, 255), INHIBITORY: (-255, 0)},
    "xylo": {MIXED: (-128, 126), EXCITATORY: (0, 127), INHIBITORY: (-128, 0)},
}
THRESHOLDS = {"loihi": (1, 131071), "xylo": (1, 32767)}


def circuit_of(program: sp.Program, chip: str) -> Circuit:
    """Return the circuit that a program's arrays say; on Xylo what is not read out may spike 31 times in a tick."""
    outputs = tuple(program.outputs.tolist())
    names = ("threshold", "potential_decay", "current_decay", "bias", "refractory")
    rows: list[list[int]] = np.stack([getattr(program, name) for name in names], axis=1).tolist()
    most = XYLO_HIDDEN_SPIKES if chip == "xylo" else 1
    cells = [replace(Cell(*row), most=1 if neuron in outputs else most) for neuron, row in enumerate(rows)]
    names = ("pre", "post", "delay", "weight", "exponent")
    wires: list[list[int]] = np.stack([getattr(program, name) for name in names], axis=1).tolist()
    kind = "xylo" if chip == "xylo" else "loihi"
    return Circuit(kind, program.n_inputs, tuple(cells), tuple(Synapse(*wire) for wire in wires), outputs)


def complaints(case: Case, program: sp.Program) -> list[str]:
    """Return everything that is wrong with a program that is said to be exact; nothing for one that is."""
    circuit = circuit_of(program, case.chip)
    return [
        *_wrong_neurons(case, circuit),
        *_wrong_synapses(case, circuit, program.sign_mode.tolist()),
        *_missing_taps(case, circuit),
        *_wrong_layers(case, circuit),
        *_wrong_runs(case, circuit),
    ]


# ------------------------------------------------------------------------------------------------------------ behaviour


def is_met(case: Case, trial: Trial, spikes: Sequence[int], output: int) -> bool:
    """Return whether an output satisfies a trial: its n-th spike that counts lies in the window of the n-th target."""
    before, after = case.option("window")
    counted = [tick for tick in range(trial.ticks) if trial.care[tick][output]]
    due = [tick for tick in counted if trial.targets[tick][output]]
    fired = [tick for tick in counted if spikes[tick]]
    return len(due) == len(fired) and all(
        tick - before <= spike <= tick + after for tick, spike in zip(due, fired, strict=True)
    )


def _wrong_runs(case: Case, circuit: Circuit) -> Iterator[str]:
    """Yield where the circuit differs from the targets, leaves the common range, or is disturbed by noise."""
    for index, trial in enumerate(case.trials):
        found = run(circuit, trial.inputs)
        for output, neuron in enumerate(circuit.outputs):
            spikes = [row[neuron] for row in found.spikes]
            if not is_met(case, trial, spikes, output):
                text = "".join(".1"[bool(bit)] for bit in spikes)
                yield f"output {output} does {text} in pattern {index}, unlike its target"
        if found.excess:
            yield f"pattern {index}: {found.excess}"
        is_heard = case.option("recurrent") or case.option("hidden") != 0
        is_asked = is_heard or any(map(any, trial.care))  # else nobody minds what the outputs do there
        units = int(case.option("noise") * circuit.unit)
        if units and is_asked and survived_noise(circuit, found) < units:
            survived = survived_noise(circuit, found)
            yield f"pattern {index} tolerates noise of {survived} units, and {units} are required"


# --------------------------------------------------------------------------------------------------------------- limits


def _wrong_neurons(case: Case, circuit: Circuit) -> Iterator[str]:
    hidden = len(circuit.cells) - case.n_outputs - len(_copies(circuit))
    allowed = case.option("hidden")
    if len(circuit.outputs) != case.n_outputs or circuit.n_inputs != case.n_inputs:
        yield f"{circuit.n_inputs} inputs and {len(circuit.outputs)} outputs"
    if hidden < 0 or (allowed != "auto" and hidden > allowed):
        yield f"{hidden} hidden neurons, and hidden is {allowed!r}"
    low, high = THRESHOLDS[circuit.chip]
    for neuron, cell in enumerate(circuit.cells):
        if (cell.potential_decay, cell.current_decay) != case.dynamics:
            yield f"neuron {neuron} has other decays"
        if cell.refractory != case.option("refractory"):
            yield f"neuron {neuron} has a refractory period of {cell.refractory}"
        for name, found in (("threshold", cell.threshold), ("bias", cell.bias)):
            if case.option(name) not in ("free", found):
                yield f"neuron {neuron} has the {name} {found}, and {case.option(name)} is required"
        if not low <= cell.threshold <= high:
            yield f"neuron {neuron} has the threshold {cell.threshold}, and the chip has {low} to {high}"
        if not _is_bias(circuit.chip, cell.bias):
            yield f"neuron {neuron} has the bias {cell.bias}, which the chip does not have"


def _is_bias(chip: str, bias: int) -> bool:
    if chip == "xylo":
        return abs(bias) <= 127
    return any(bias % 2**exponent == 0 and abs(bias) <= 4095 * 2**exponent for exponent in range(8))


def _copies(circuit: Circuit) -> dict[int, int]:
    """Return the neurons that stand for an output where others hear it, as Xylo needs: the neuron, and the output."""
    found: dict[int, int] = {}
    for output, neuron in enumerate(circuit.outputs if circuit.chip == "xylo" else ()):
        for other in set(range(len(circuit.cells))) - set(circuit.outputs) - set(found):
            if _integers(circuit, other) == _integers(circuit, neuron):
                found[other] = output
                break
    return found


def _integers(circuit: Circuit, neuron: int) -> tuple[Cell, list[tuple[int, int, int]]]:
    heard = [(each.line, each.delay, each.weight) for each in circuit.synapses if each.neuron == neuron]
    return replace(circuit.cells[neuron], most=1), sorted(heard)


def _wrong_synapses(case: Case, circuit: Circuit, modes: Sequence[int]) -> Iterator[str]:
    copies = _copies(circuit) if case.option("recurrent") else {}  # elsewhere a hidden neuron may be like an output
    heard = {neuron: output for output, neuron in enumerate(circuit.outputs)} | copies
    signs = case.option("signs")
    is_limited = {"weight_bits", "weight_limit"} & set(case.options)
    for index, (synapse, mode) in enumerate(zip(circuit.synapses, modes, strict=True)):
        low, high = RANGES[circuit.chip][mode]
        is_on_grid = mode != MIXED or synapse.mantissa % 2 == 0
        if not (low <= synapse.mantissa <= high and is_on_grid and 0 <= synapse.exponent <= 7):
            yield f"synapse {index} has the weight {synapse.mantissa} << {synapse.exponent}, which is not of the chip"
        if is_limited and abs(synapse.mantissa) > case.greatest_weight:
            yield f"synapse {index} has the weight {synapse.mantissa}, and {case.greatest_weight} is the greatest"
        if synapse.delay not in case.delays:
            yield f"synapse {index} has a delay of {synapse.delay}"
        output = heard.get(synapse.line - case.n_inputs)
        if output is not None and not case.option("recurrent"):
            yield f"synapse {index} leaves output {output}, and outputs feed nothing"
        elif signs and (output is not None or synapse.line < case.n_inputs):
            sign = signs[synapse.line if output is None else case.n_inputs + output]
            if synapse.mantissa * sign < 0:
                yield f"synapse {index} has the weight {synapse.mantissa} against its sign"
    taps = Counter((each.line, each.neuron, each.delay) for each in circuit.synapses if each.mantissa)
    for tap, count in taps.items():
        if count > 1:
            yield f"{count} synapses share the tap {tap}, which widens its weight"
    fan_in = Counter(synapse.neuron for synapse in circuit.synapses if synapse.neuron in circuit.outputs)
    for neuron, count in fan_in.items() if case.option("fan_in") is not None else ():
        if count > case.option("fan_in"):
            yield f"neuron {neuron} has {count} synapses, and fan_in is {case.option('fan_in')}"


def _missing_taps(case: Case, circuit: Circuit) -> Iterator[str]:
    """Yield each input's tap that acts and has no weight, where weights must be -1 or +1."""
    if not case.needs_every_tap:
        return
    present = {(each.line, each.delay, each.neuron) for each in circuit.synapses if each.mantissa}
    for line, delay in acting_inputs(case):
        for neuron in circuit.outputs:
            if (line, delay, neuron) not in present:
                yield f"neuron {neuron} has no synapse from line {line} at delay {delay}, and weights are -1 or +1"


def acting_inputs(case: Case) -> list[tuple[int, int]]:
    """Return the taps (line, delay) of inputs over which some spike arrives before its pattern ends."""
    return [
        (line, delay)
        for line in range(case.n_inputs)
        for delay in case.delays
        if any(row[line] for trial in case.trials for row in trial.inputs[: max(0, trial.ticks - delay)])
    ]


def _wrong_layers(case: Case, circuit: Circuit) -> Iterator[str]:
    """Yield what Xylo cannot wire."""
    if circuit.chip != "xylo":
        return
    for is_readout in (False, True):
        layer = [each for each in circuit.synapses if (each.neuron in circuit.outputs) == is_readout]
        if len({each.exponent for each in layer}) > 1:
            yield "synapses into one layer have several exponents"
    pairs = Counter((each.line, each.neuron) for each in circuit.synapses)
    if max(pairs.values(), default=1) > 1:
        yield "two neurons have more than one synapse"
    if any(each.line - case.n_inputs in circuit.outputs for each in circuit.synapses):
        yield "a neuron that is read out feeds another"
