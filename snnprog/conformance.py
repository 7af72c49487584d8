"""Do two runtimes mean the same integers? Random programs of the portable subset, run on both, states compared.

A random program has what the subset allows: recurrence, delays to the chip's longest, both decays over their whole
range, one-sided and mixed signs, all exponents, biases, several synapses between the same two neurons. It is drawn
again while the reference leaves the portable range on it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from snnprog.backends import REFERENCE, Gaps, find_backend, run_backend
from snnprog.chips import CHIPS, find_chip
from snnprog.errors import BackendError
from snnprog.program import EXCITATORY, INHIBITORY, MIXED, SYNAPSE_ARRAYS, Program
from snnprog.raster import Raster
from snnprog.simulate import simulate
from snnprog.verification import Divergence, compare_runs

Integers = NDArray[np.int64]

PATTERN_TICKS = (40, 25)
FULL_DECAY = 4095
MOST_NEURONS = 6
MOST_FAN_IN = 16
NO_GAPS = Gaps()


@dataclass(frozen=True, eq=False)
class Trial:
    """A program, and the patterns to run it on."""

    program: Program
    inputs: tuple[Raster, ...]

    @property
    def neuron_ticks(self) -> int:
        """How many states of a neuron the trial compares."""
        return self.program.n_neurons * sum(len(raster) for raster in self.inputs)


@dataclass(frozen=True)
class Conformance:
    """What came of comparing a backend with the reference.

    Attributes
    ----------
    programs, neuron_ticks, spikes : int
        How much was compared.
    divergence : Divergence or None
        The first difference; its ``pattern`` belongs to the program ``seed``.
    seed : int or None
        Which random program differed.
    """

    programs: int
    neuron_ticks: int
    spikes: int
    divergence: Divergence | None = None
    seed: int | None = None


def check_conformance(
    backend: str, *, programs: int, first_seed: int = 0, most_neurons: int = MOST_NEURONS
) -> Conformance:
    """Run random programs within a backend's gaps on it and on the reference; stop at the first difference.

    Parameters
    ----------
    most_neurons : int
        Up to how many neurons a random program has.

    Raises
    ------
    BackendError
        If the backend is missing, fails, hangs or answers nonsense.
    """
    neuron_ticks = spikes = 0
    chip, gaps = _chip_and_gaps(backend)
    for seed in range(first_seed, first_seed + programs):
        trial = random_trial(seed, chip, gaps, most_neurons)
        answers = [run_backend(trial.program, trial.inputs, name, "state") for name in (backend, REFERENCE)]
        divergence = compare_runs(backend, *answers)
        neuron_ticks += trial.neuron_ticks
        spikes += sum(int(trace.spikes.sum()) for trace in answers[1].traces)
        if divergence is not None:
            return Conformance(seed - first_seed + 1, neuron_ticks, spikes, divergence, seed)
    return Conformance(programs, neuron_ticks, spikes)


def _chip_and_gaps(backend: str) -> tuple[str, Gaps]:
    """Return a chip whose rule the backend executes, and what it lacks of it."""
    if backend == REFERENCE:
        return next(iter(CHIPS)), Gaps()
    folder = find_backend(backend)
    for chip in CHIPS.values():
        if chip.semantics.name in folder.semantics:
            return chip.name, folder.gaps
    rules = ", ".join(chip.semantics.name for chip in CHIPS.values())
    raise BackendError(f"backend {backend} executes {', '.join(folder.semantics)}; chips here mean {rules}")


def random_trial(seed: int, chip: str = "loihi1", gaps: Gaps = NO_GAPS, most_neurons: int = MOST_NEURONS) -> Trial:
    """Return the random program of that seed with its stimuli; the reference stays in the portable range on it."""
    generator = np.random.default_rng(seed)
    shrink = 1.0
    while True:
        trial = _draw_trial(generator, chip, shrink, min(most_neurons, gaps.most_neurons or most_neurons))
        trial = Trial(_within(trial.program, gaps), trial.inputs)
        if all(trace.excursion is None for trace in simulate(trial.program, trial.inputs)):
            return trial
        shrink *= 0.7


def _within(program: Program, gaps: Gaps) -> Program:
    """Return the program without what lies beyond the gaps: longer delays folded back, synapses and biases left out."""
    longest = find_chip(program.chip).delays[1]
    is_input = program.pre < program.n_inputs
    limits = [longest if gap is None else gap for gap in (gaps.longest_input_delay, gaps.longest_recurrent_delay)]
    limit = np.where(is_input, *limits)
    kept = limit > 0
    synapses = {name: getattr(program, name)[kept] for name in SYNAPSE_ARRAYS}
    synapses["delay"] = 1 + (synapses["delay"] - 1) % limit[kept]
    return replace(program, **synapses, bias=program.bias * gaps.bias)


def _draw_trial(generator: np.random.Generator, chip: str, shrink: float, most_neurons: int) -> Trial:
    n_inputs, n_neurons = int(generator.integers(1, 7)), int(generator.integers(1, most_neurons + 1))
    most_synapses = min(4 * n_neurons * (n_inputs + n_neurons) // 3, MOST_FAN_IN * n_neurons)
    n_synapses = int(generator.integers(1, most_synapses + 2))
    modes = generator.integers(MIXED, INHIBITORY + 1, n_synapses)
    exponents = generator.integers(0, 8, n_synapses)
    program = Program.from_arrays(
        chip=chip,
        n_inputs=n_inputs,
        n_neurons=n_neurons,
        outputs=np.arange(n_neurons),
        pre=generator.integers(0, n_inputs + n_neurons, n_synapses),
        post=generator.integers(0, n_neurons, n_synapses),
        delay=generator.integers(*_half_open(find_chip(chip).delays), n_synapses),
        weight=_draw_weights(generator, modes, shrink / (1 << (exponents // 2))),
        exponent=exponents,
        sign_mode=modes,
        threshold=1 + (generator.integers(1, 1 << int(generator.integers(2, 13)), n_neurons)),
        current_decay=_draw_decays(generator, n_neurons),
        potential_decay=_draw_decays(generator, n_neurons),
        bias=generator.integers(-4095, 4096, n_neurons) << generator.integers(0, 4, n_neurons),
    )
    rate = generator.uniform(0.05, 0.6)
    inputs = tuple(generator.random((ticks, n_inputs)) < rate for ticks in PATTERN_TICKS)
    return Trial(program, inputs)


def _draw_weights(generator: np.random.Generator, modes: Integers, shrink: NDArray[np.float64]) -> Integers:
    magnitude = np.rint(generator.uniform(0, 255, modes.size) * shrink).astype(np.int64)
    either_sign = np.where(generator.random(modes.size) < 0.5, -1, 1) * (magnitude // 2 * 2)
    return np.select([modes == EXCITATORY, modes == INHIBITORY], [magnitude, -magnitude], either_sign)


def _draw_decays(generator: np.random.Generator, count: int) -> Integers:
    """Draw decays over the whole range, both ends often."""
    drawn = generator.integers(*_half_open((0, FULL_DECAY)), count)
    return np.select([generator.random(count) < 0.2, generator.random(count) < 0.2], [0, FULL_DECAY], drawn)


def _half_open(inclusive: tuple[int, int]) -> tuple[int, int]:
    return inclusive[0], inclusive[1] + 1
