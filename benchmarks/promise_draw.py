"""The random specs of `promise.py`: every option, three chips, three sizes, each from one number.

A third of them are *teacher* specs: a random circuit of integers, within the limits that the spec states and the range
on which all runtimes agree, produced the targets, so they can be built. The others ask for spikes at random.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from promise_cases import Bits, Case, Trial
from promise_chips import XYLO_HIDDEN_SPIKES, Cell, Circuit, Run, Synapse, run, survived_noise

TEACHERS = 1 / 3  # of all
DRAWS = 60  # circuits that are drawn for one teacher spec before its options are redrawn
LOIHI_DECAYS = (0, 205, 1000, 2048, 4000, 4095)
LOIHI_CURRENTS = (4095, 4095, 4095, 4094, 2047, 1000, 0)
GREATEST_THRESHOLDS = {"xylo": 32767}


@dataclass(frozen=True)
class Size:
    """The least and the greatest number of each thing."""

    name: str
    inputs: tuple[int, int]
    outputs: tuple[int, int]
    ticks: tuple[int, int]
    patterns: tuple[int, int]
    longest_delay: int
    delays: int


SIZES = (
    Size("tiny", (1, 2), (1, 1), (1, 5), (1, 3), 2, 2),
    Size("small", (1, 4), (1, 3), (2, 12), (1, 4), 5, 3),
    Size("medium", (3, 8), (1, 3), (12, 40), (1, 6), 10, 5),
)
SHARES = (0.5, 0.38, 0.12)


def case_from_seed(seed: int) -> Case:
    """Return the case of a seed, the same on every machine and Python."""
    generator = random.Random(seed)
    is_teacher = generator.random() < TEACHERS
    while True:
        frame = _frame(generator, seed)
        drawn = taught(frame, generator) if is_teacher else _at_random(frame, generator)
        if drawn is not None:
            return drawn


def _frame(generator: random.Random, seed: int) -> Case:
    """Return a case with its inputs, care masks and options, and no target yet."""
    size = generator.choices(SIZES, SHARES)[0]
    chip = generator.choices(("loihi1", "loihi2", "xylo"), (0.45, 0.15, 0.4))[0]
    lines, outputs = generator.randint(*size.inputs), generator.randint(*size.outputs)
    density, care = generator.choice((0.2, 0.4, 0.6)), generator.choice((0.3, 0.6, 0.85))
    is_table = generator.random() < 0.05
    cares = generator.random() < 0.25
    trials = []
    for index in range(2**lines if is_table and lines <= 3 else generator.randint(*size.patterns)):
        ticks = 3 if is_table else generator.randint(*size.ticks)
        inputs = _bits(generator, ticks, lines, density)
        if is_table and lines <= 3:
            first = tuple(index >> line & 1 for line in range(lines))
            inputs = (first, *((0,) * lines for _ in range(ticks - 1)))
        counted = _bits(generator, ticks, outputs, care) if cares else ((1,) * outputs,) * ticks
        trials.append(Trial(inputs, ((0,) * outputs,) * ticks, counted))
    longest = [1] if chip == "xylo" else range(1, size.longest_delay + 1)
    delays = sorted(generator.sample(longest, min(len(longest), generator.randint(1, size.delays))))
    case = Case(tuple(trials), tuple(delays), _dynamics(generator, chip), chip, seed=seed, size=size.name)
    return replace(case, options=_options(generator, case))


def _bits(generator: random.Random, ticks: int, lines: int, density: float) -> Bits:
    return tuple(tuple(int(generator.random() < density) for _ in range(lines)) for _ in range(ticks))


def _dynamics(generator: random.Random, chip: str) -> tuple[int, int]:
    """Return the decays of potential and current: none, slow, fast and anything between."""
    if chip == "xylo":
        return generator.choice((0, 1, 1, 2, 3, 4, 7, 15)), generator.choice((0, 1, 1, 1, 2, 3, 5, 15))
    anything = generator.randint(0, 4095), generator.randint(0, 4095)
    return (
        generator.choice((*LOIHI_DECAYS, anything[0])),
        generator.choice((*LOIHI_CURRENTS, anything[1])),
    )


def _options(generator: random.Random, case: Case) -> dict[str, object]:
    """Return the options that are not at their default: none for a tenth of all specs."""
    if generator.random() < 0.1:
        return {}
    is_xylo = case.chip == "xylo"
    heard = case.n_inputs + case.n_outputs
    offers: tuple[tuple[str, float, object], ...] = (
        ("recurrent", 0.25, True),
        ("signs", 0.15, tuple(generator.choice((-1, 0, 1)) for _ in range(heard))),
        ("threshold", 0.3, _threshold(generator, case.chip)),
        ("bias", 0.25, generator.choice(("free", _bias(generator, is_xylo), _bias(generator, is_xylo)))),
        ("weight_bits", 0.22, generator.choice((1, 1, 2, 2, 3, 4, 5, 6, 7, 8))),
        ("weight_limit", 0.12, min(127 if is_xylo else 255, int(2 ** generator.uniform(0, 8)))),
        ("noise", 0.1, float(generator.choice((1, 2, 5, 20) if is_xylo else (0.5, 1, 2.5, 20, 100)))),
        ("sparse", 0.08, True),
        ("fan_in", 0.12, generator.randint(0, 1 + heard * len(case.delays) // 2)),
        ("window", 0.16, generator.choice(((0, 1), (1, 0), (1, 1), (0, 2), (2, 0), (2, 2)))),
        ("hidden", 0.14, generator.choice((1, 1, 2, 3, "auto", "auto"))),
        ("refractory", 0 if is_xylo else 0.12, generator.choice((2, 2, 3, 5))),
    )
    chosen = {name: value for name, chance, value in offers if generator.random() < chance}
    if "signs" in chosen and "recurrent" not in chosen:
        chosen["signs"] = tuple(generator.choice((-1, 0, 1)) for _ in range(case.n_inputs))
    return {name: value for name, value in chosen.items() if (name, value) != ("bias", 0)}


def _threshold(generator: random.Random, chip: str) -> int:
    greatest = GREATEST_THRESHOLDS.get(chip, 131071)
    return generator.choice((generator.randint(1, 10), generator.randint(1, 300), greatest))


def _bias(generator: random.Random, is_xylo: bool) -> int:
    if is_xylo:
        return generator.randint(-127, 127) // generator.choice((1, 8))
    return generator.choice((generator.randint(-60, 60) * 16, generator.randint(-4095, 4095), 640, -640))


def _at_random(frame: Case, generator: random.Random) -> Case:
    """Return the case with random targets, of which most lie where something has arrived."""
    density = generator.choice((0.0, 0.1, 0.2, 0.35))
    is_fair = generator.random() < 0.8
    trials = []
    for trial in frame.trials:
        spikes = _bits(generator, trial.ticks, frame.n_outputs, density)
        first = min((tick for tick, row in enumerate(trial.inputs) if any(row)), default=trial.ticks) + frame.delays[0]
        first = 0 if frame.option("bias") != 0 or not is_fair else first
        targets = tuple(row if tick >= first else (0,) * len(row) for tick, row in enumerate(spikes))
        trials.append(replace(trial, targets=targets))
    return replace(frame, trials=tuple(trials))


# --------------------------------------------------------------------------------------------------------- the teachers


def taught(frame: Case, generator: random.Random) -> Case | None:
    """Return the case with what a random circuit does as its target; None where none that was drawn fits."""
    for _ in range(DRAWS):
        circuit = _circuit(frame, generator)
        runs = [run(circuit, trial.inputs) for trial in frame.trials]
        if not is_within(circuit, runs):
            continue
        spikes = [_read_out(circuit, found) for found in runs]
        if not any(any(map(any, each)) for each in spikes) and generator.random() < 0.9:
            continue
        options = dict(frame.options)
        if "noise" in options:
            room = min(survived_noise(circuit, found) for found in runs) // circuit.unit
            options["noise"] = float(min(frame.option("noise"), room))
            if room < 1:
                continue
        trials = [_asked(frame, trial, each, generator) for trial, each in zip(frame.trials, spikes, strict=True)]
        return replace(frame, trials=tuple(trials), options=options, teacher=circuit)
    return None


def is_within(circuit: Circuit, runs: Sequence[Run]) -> bool:
    """Return whether no state leaves the range in which all runtimes agree, and nobody who is heard spikes twice."""
    return not any(found.excess or max(map(max, found.spikes)) > 1 for found in runs)


def _read_out(circuit: Circuit, found: Run) -> Bits:
    return tuple(tuple(int(row[neuron] > 0) for neuron in circuit.outputs) for row in found.spikes)


def _asked(frame: Case, trial: Trial, spikes: Bits, generator: random.Random) -> Trial:
    """Return a trial whose target the spikes meet: moved within windows, and anything where bins do not count."""
    before, after = frame.option("window")
    targets = [
        [bit if care else int(generator.random() < 0.3) for bit, care in zip(*rows, strict=True)]
        for rows in zip(spikes, trial.care, strict=True)
    ]
    for output in range(frame.n_outputs if (before, after) != (0, 0) else 0):
        due = [tick for tick in range(trial.ticks) if spikes[tick][output] and trial.care[tick][output]]
        latest = -1
        for tick, following in zip(due, [*due, trial.ticks][1:], strict=True):
            places = range(max(latest + 1, tick - after), min(tick + before, following - 1) + 1)
            targets[tick][output] = 0
            latest = generator.choice([place for place in places if trial.care[place][output]])
            targets[latest][output] = 1
    return replace(trial, targets=tuple(map(tuple, targets)))


def _circuit(frame: Case, generator: random.Random) -> Circuit:
    """Return a random circuit that keeps to everything that the spec says, but for what it does."""
    hidden = frame.option("hidden")
    hidden = generator.randint(1, 3) if hidden == "auto" else hidden
    outputs = tuple(range(frame.n_outputs))
    neurons = frame.n_outputs + hidden
    shared = generator.choice((0, 0, 0, generator.randint(0, 7)))
    small = generator.random() < 0.5
    bound = min(frame.greatest_weight, generator.choice((3, 10))) if small else frame.greatest_weight
    synapses: list[Synapse] = []
    for neuron in range(neurons):
        exponent = shared if frame.chip == "xylo" else generator.choice((shared, shared, generator.randint(0, 7)))
        synapses += _synapses(frame, neuron, neurons, exponent=exponent, bound=bound, generator=generator)
    cells = [_cell(frame, neuron, generator) for neuron in range(neurons)]
    circuit = Circuit(frame.chip, frame.n_inputs, tuple(cells), tuple(synapses), outputs)
    return circuit if frame.option("threshold") != "free" else _with_thresholds(frame, circuit, generator)


def _synapses(
    frame: Case, neuron: int, neurons: int, *, exponent: int, bound: int, generator: random.Random
) -> list[Synapse]:
    """Return the random synapses of one neuron."""
    signs = frame.option("signs") or (0,) * (frame.n_inputs + frame.n_outputs)
    lines = [line for line in range(frame.n_inputs + neurons) if _is_heard(frame, line, neuron)]
    taps = [(line, delay) for line in lines for delay in frame.delays]
    if frame.option("fan_in") is not None:
        taps = generator.sample(taps, min(len(taps), frame.option("fan_in")))
    elif frame.option("sparse") or (not frame.needs_every_tap and generator.random() < 0.3):
        taps = [tap for tap in taps if generator.random() < 0.6]
    found = []
    for line, delay in taps:
        sign = signs[line] if line < min(len(signs), frame.n_inputs + frame.n_outputs) else 0
        size = 1 if frame.option("weight_bits") == 1 else generator.randint(1, bound)
        found.append(Synapse(line, neuron, delay, size * (sign or generator.choice((-1, 1, 1))), exponent))
    return found


def _is_heard(frame: Case, line: int, neuron: int) -> bool:
    """Return whether a neuron may hear a line: inputs, hidden neurons, and outputs where outputs feed outputs."""
    is_output = frame.n_inputs <= line < frame.n_inputs + frame.n_outputs
    is_hidden = line >= frame.n_inputs + frame.n_outputs
    to_hidden = neuron >= frame.n_outputs
    return bool(frame.option("recurrent")) and not to_hidden if is_output else not (is_hidden and to_hidden)


def _cell(frame: Case, neuron: int, generator: random.Random) -> Cell:
    bias, threshold = frame.option("bias"), frame.option("threshold")
    is_heard = neuron >= frame.n_outputs or frame.option("recurrent")
    return Cell(
        threshold=1 if threshold == "free" else threshold,
        potential_decay=frame.dynamics[0],
        current_decay=frame.dynamics[1],
        bias=_bias(generator, frame.chip == "xylo") if bias == "free" else bias,
        refractory=frame.option("refractory"),
        most=XYLO_HIDDEN_SPIKES if frame.chip == "xylo" and is_heard else 1,
    )


def _with_thresholds(frame: Case, circuit: Circuit, generator: random.Random) -> Circuit:
    """Return the circuit with thresholds among the potentials that would be reached without any spike."""
    greatest = GREATEST_THRESHOLDS.get(frame.chip, 131071)
    for neuron in sorted(range(len(circuit.cells)), key=lambda index: index < frame.n_outputs):
        silent = [
            cell if index < neuron or index >= frame.n_outputs > neuron else replace(cell, threshold=greatest)
            for index, cell in enumerate(circuit.cells)
        ]
        runs = [run(replace(circuit, cells=tuple(silent)), trial.inputs) for trial in frame.trials]
        reached = [row[neuron] // circuit.unit for found in runs for row in found.potentials if row[neuron] > 0]
        threshold = max(1, min(greatest, generator.choice(reached or [greatest])))
        cells = list(circuit.cells)
        cells[neuron] = replace(cells[neuron], threshold=threshold)
        circuit = replace(circuit, cells=tuple(cells))
    return circuit
