"""Random programs, with stimuli, within the subset in which a chip's runtimes agree.

A random program uses everything that the subset allows: recurrence, delays to the chip's longest, both decays over
their whole range, one-sided and mixed signs, all exponents, biases, several synapses between the same two neurons and,
in every second program, refractory periods. It is drawn again while the reference leaves the portable range on it.
Every range comes from the chip.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from snnprog.arrays import Floats, Int32s, Int64s, Raster
from snnprog.backends import Gaps
from snnprog.chips import Chip, Layers, Range, find_chip
from snnprog.program import ARRAYS, EXCITATORY, INHIBITORY, MIXED, SIGN_MODES, SYNAPSE_ARRAYS, Program
from snnprog.simulate import simulate

LAYERED_TICKS = (600, 400)
REFRACTORY_SEED = 1
MOST_FAN_IN = 16
LAYERED_FAN_IN = 128
"""The maximum threshold in multiples of the maximum weight; lower thresholds make programs of any size spike."""
NO_GAPS = Gaps()


@dataclass(frozen=True)
class ProgramSize:
    """The size of random programs.

    Attributes
    ----------
    most_neurons : int
    pattern_ticks : tuple of int
        The length of each pattern.
    most_kinds : int or None
        Maximum number of kinds of neurons (threshold and decays), and of synapses (delay, exponent and sign mode), of
        one program; None for any number. Some runtimes simulate each kind separately.
    """

    most_neurons: int
    pattern_ticks: tuple[int, ...]
    most_kinds: int | None = None


SMALL = ProgramSize(most_neurons=6, pattern_ticks=(40, 25))
LARGE = ProgramSize(most_neurons=400, pattern_ticks=(400, 250), most_kinds=4)


@dataclass(frozen=True, eq=False)
class Trial:
    """A program, and the patterns to run it on."""

    program: Program
    inputs: tuple[Raster, ...]

    @property
    def neuron_ticks(self) -> int:
        """Number of neuron states that the trial compares."""
        return self.program.n_neurons * sum(len(raster) for raster in self.inputs)


def side_by_side(trials: Sequence[Trial]) -> Trial:
    """Return trials of one chip, with patterns of the same lengths, as one program with separate parts."""
    programs = [trial.program for trial in trials]
    first_line = np.cumsum([0, *(program.n_inputs for program in programs)])
    first_neuron = np.cumsum([0, *(program.n_neurons for program in programs)])
    placed = [
        _placed(program, int(lines), int(neurons), int(first_line[-1]))
        for program, lines, neurons in zip(programs, first_line[:-1], first_neuron[:-1], strict=True)
    ]
    program = Program.from_arrays(
        chip=programs[0].chip,
        n_inputs=int(first_line[-1]),
        n_neurons=int(first_neuron[-1]),
        **{name: np.concatenate([arrays[name] for arrays in placed]) for name in ARRAYS},  # type: ignore[arg-type]
    )
    patterns = zip(*(trial.inputs for trial in trials), strict=True)
    return Trial(program, tuple(np.hstack(rasters) for rasters in patterns))


def _placed(program: Program, first_line: int, first_neuron: int, n_inputs: int) -> dict[str, Int32s]:
    """Return a program's arrays with its lines and neurons renumbered for a larger program."""
    arrays = {name: getattr(program, name) for name in ARRAYS}
    is_input = program.pre < program.n_inputs
    from_neurons = program.pre - program.n_inputs + first_neuron + n_inputs
    return arrays | {
        "pre": np.where(is_input, program.pre + first_line, from_neurons),
        "post": program.post + first_neuron,
        "outputs": program.outputs + first_neuron,
    }


def random_trial(seed: int, chip: str | Chip = "loihi1", *, gaps: Gaps = NO_GAPS, scale: ProgramSize = SMALL) -> Trial:
    """Return the random program of a seed with its stimuli, within the portable range.

    Xylo's rule defines clipping, and has one runtime: for it, programs with and without clipping are drawn.
    """
    generator = np.random.default_rng(seed)
    limits = find_chip(chip)
    if limits.layers is not None:
        return _draw_layered(generator, limits, layers=limits.layers)
    if gaps.most_neurons is not None:
        scale = replace(scale, most_neurons=min(scale.most_neurons, gaps.most_neurons))
    shrink = 1.0
    while True:
        trial = _draw_trial(generator, limits, scale=scale, shrink=shrink)
        trial = Trial(_within(_with_refractory(trial.program, seed), gaps), trial.inputs)
        if all(trace.excursion is None for trace in simulate(trial.program, trial.inputs)):
            return trial
        shrink *= 0.7


def _within(program: Program, gaps: Gaps) -> Program:
    """Return the program restricted to a backend's limits: longer delays folded back, synapses and biases removed."""
    shortest, longest = program.chip.delays
    is_input = program.pre < program.n_inputs
    from_inputs = longest if gaps.longest_input_delay is None else gaps.longest_input_delay
    from_neurons = longest if gaps.longest_recurrent_delay is None else gaps.longest_recurrent_delay
    limit = np.where(is_input, from_inputs, from_neurons)
    kept = limit >= shortest
    synapses = {name: getattr(program, name)[kept] for name in SYNAPSE_ARRAYS}
    synapses["delay"] = shortest + (synapses["delay"] - shortest) % (limit[kept] - shortest + 1)
    refractory = np.maximum(program.refractory * gaps.refractory, 1)
    return replace(program, **synapses, bias=program.bias * gaps.bias, refractory=refractory)


def _with_refractory(program: Program, seed: int) -> Program:
    """Return the program with a refractory period for each kind of neuron, if its seed is odd; most are short."""
    if seed % 2 == 0:
        return program
    generator = np.random.default_rng((seed, REFRACTORY_SEED))
    shortest, longest = program.chip.refractory
    choices = np.minimum([2, 8, longest], longest - shortest + 1)  # number of periods to draw from
    parameters = np.stack([program.threshold, program.current_decay, program.potential_decay])
    kind = np.unique(parameters, axis=1, return_inverse=True)[1].reshape(-1)
    periods = shortest + generator.integers(0, generator.choice(choices, program.n_neurons))
    return replace(program, refractory=periods[kind].astype(np.int32))


def _draw_trial(generator: np.random.Generator, limits: Chip, *, scale: ProgramSize, shrink: float) -> Trial:
    n_inputs, n_neurons = int(generator.integers(1, 7)), int(generator.integers(1, scale.most_neurons + 1))
    most_synapses = min(4 * n_neurons * (n_inputs + n_neurons) // 3, MOST_FAN_IN * n_neurons)
    n_synapses = int(generator.integers(1, most_synapses + 2))
    kind, profile = (_draw_kinds(generator, count, most=scale.most_kinds) for count in (n_synapses, n_neurons))
    modes = generator.integers(MIXED, INHIBITORY + 1, n_synapses)[kind]
    exponents = generator.integers(*_half_open(limits.exponents), n_synapses)[kind]
    program = Program.from_arrays(
        chip=limits,
        n_inputs=n_inputs,
        n_neurons=n_neurons,
        outputs=np.arange(n_neurons),
        pre=generator.integers(0, n_inputs + n_neurons, n_synapses),
        post=generator.integers(0, n_neurons, n_synapses),
        delay=generator.integers(*_half_open(limits.delays), n_synapses)[kind],
        weight=_draw_weights(generator, limits, modes=modes, shrink=shrink / (1 << (exponents // 2))),
        exponent=exponents,
        sign_mode=modes,
        threshold=_draw_thresholds(generator, limits, n_neurons, least_bits=2, fan_in=MOST_FAN_IN)[profile],
        current_decay=_draw_decays(generator, limits.current_decays, count=n_neurons)[profile],
        potential_decay=_draw_decays(generator, limits.potential_decays, count=n_neurons)[profile],
        bias=_draw_biases(generator, limits, count=n_neurons, shrink=shrink),
    )
    rate = generator.uniform(0.05, 0.6)
    inputs = tuple(generator.random((ticks, n_inputs)) < rate for ticks in scale.pattern_ticks)
    return Trial(program, inputs)


def _draw_kinds(generator: np.random.Generator, count: int, *, most: int | None) -> Int64s:
    """Return the index of the parameters of each of ``count`` objects: its own, or one of the first ``most``."""
    return np.arange(count) if most is None else generator.integers(0, min(most, count), count)


def _draw_layered(generator: np.random.Generator, limits: Chip, *, layers: Layers) -> Trial:
    """Draw a program of a hidden layer, mostly recurrent, and a readout layer."""
    n_inputs = int(generator.integers(*_half_open((1, min(8, layers.most_inputs)))))
    n_hidden = int(
        generator.integers(*_half_open((0, min(24, layers.most_hidden - n_inputs, layers.most_fan_out - 1))))
    )
    n_outputs = int(generator.integers(*_half_open((1, min(8, layers.most_outputs)))))
    n_neurons = n_hidden + n_outputs
    outputs = generator.permutation(n_neurons)[:n_outputs]
    is_output = np.zeros(n_inputs + n_neurons, np.bool_)
    is_output[n_inputs + outputs] = True
    is_joined = generator.random((n_inputs + n_neurons, n_neurons)) < generator.uniform(0.1, 0.9)
    pre, post = np.nonzero(is_joined & ~is_output[:, None])
    shifts = generator.integers(*_half_open(limits.exponents), (3, 2)).min(axis=0)
    weights = limits.weight_ranges.inhibitory[0], limits.weight_ranges.excitatory[1]
    program = Program.from_arrays(
        chip=limits,
        n_inputs=n_inputs,
        n_neurons=n_neurons,
        outputs=outputs,
        pre=pre,
        post=post,
        delay=np.full(pre.size, limits.delays[0]),
        weight=generator.integers(*_half_open(weights), pre.size) >> generator.integers(0, weights[1].bit_length()),
        exponent=shifts[is_output[n_inputs + post].astype(np.int64)],
        threshold=_draw_thresholds(generator, limits, n_neurons, least_bits=4, fan_in=LAYERED_FAN_IN),
        current_decay=_draw_shifts(generator, limits, count=n_neurons),
        potential_decay=_draw_shifts(generator, limits, count=n_neurons),
        bias=generator.integers(*_half_open(limits.bias_mantissas), n_neurons) * (generator.random(n_neurons) < 0.5),
    )
    rate = generator.uniform(0.02, 0.6)
    return Trial(program, tuple(generator.random((ticks, n_inputs)) < rate for ticks in LAYERED_TICKS))


def _draw_shifts(generator: np.random.Generator, limits: Chip, *, count: int) -> Int64s:
    """Draw shifts, fast decays more often, because slow ones integrate for a long time."""
    fast = generator.integers(0, 5, count)
    return np.where(
        generator.random(count) < generator.choice([0.5, 1.0]),
        fast,
        generator.integers(*_half_open(limits.potential_decays), count),
    )


def _draw_weights(generator: np.random.Generator, limits: Chip, *, modes: Int64s, shrink: Floats) -> Int64s:
    """Draw a weight of each sign mode; those of either sign are multiples of the chip's step."""
    magnitude = np.rint(generator.uniform(0, limits.weight_limit, modes.size) * shrink).astype(np.int64)
    step = limits.weight_ranges.mixed_step
    even = np.minimum(magnitude, min(limits.weight_ranges.mixed[1], -limits.weight_ranges.mixed[0])) // step * step
    either_sign = np.where(generator.random(modes.size) < 0.5, -1, 1) * even
    drawn = np.select([modes == EXCITATORY, modes == INHIBITORY], [magnitude, -magnitude], either_sign)
    low, high = np.array([limits.weight_ranges.of(SIGN_MODES[mode]) for mode in modes.tolist()]).reshape(-1, 2).T
    weights: Int64s = np.clip(drawn, low, high)
    return weights


def _draw_thresholds(
    generator: np.random.Generator, limits: Chip, count: int, *, least_bits: int, fan_in: int
) -> Int64s:
    """Draw thresholds of one magnitude, from ``2**least_bits`` to the sum of ``fan_in`` maximum weights."""
    low, high = limits.thresholds
    most_bits = min((limits.weight_limit * fan_in).bit_length(), (high - low + 1).bit_length() - 1)
    bits = int(generator.integers(*_half_open((min(least_bits, most_bits), most_bits))))
    thresholds: Int64s = low + generator.integers(min(1, high - low), 1 << bits, count)
    return thresholds


def _draw_decays(generator: np.random.Generator, allowed: Range, *, count: int) -> Int64s:
    """Draw decays over the whole range, both ends often."""
    drawn = generator.integers(*_half_open(allowed), count)
    return np.select([generator.random(count) < 0.2, generator.random(count) < 0.2], allowed, drawn)


def _draw_biases(generator: np.random.Generator, limits: Chip, *, count: int, shrink: float) -> Int64s:
    """Draw biases with the lower half of the exponents: larger ones soon leave the portable range."""
    least, greatest = limits.bias_exponents
    exponents: Range = (least, (least + greatest) // 2)
    mantissas = (generator.integers(*_half_open(limits.bias_mantissas), count) * shrink).astype(np.int64)
    biases: Int64s = mantissas << generator.integers(*_half_open(exponents), count)
    return biases


def _half_open(inclusive: Range) -> Range:
    return inclusive[0], inclusive[1] + 1
