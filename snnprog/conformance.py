"""Do two runtimes mean the same integers? Random programs of the portable subset, run on both, states compared.

A random program has what the subset allows: recurrence, delays to the chip's longest, both decays over their whole
range, one-sided and mixed signs, all exponents, biases, several synapses between the same two neurons. It is drawn
again while the reference leaves the portable range on it.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snnprog.backends import REFERENCE, find_backend, run_backend
from snnprog.chips import CHIPS, Chip, ShiftSemantics, find_chip
from snnprog.errors import PortabilityWarning
from snnprog.program import EXCITATORY, INHIBITORY, MIXED, Program
from snnprog.raster import Raster
from snnprog.simulate import simulate
from snnprog.verification import Divergence, compare_runs

Integers = NDArray[np.int64]

PATTERN_TICKS = (40, 25)
LAYERED_TICKS = (600, 400)
FULL_DECAY = 4095


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


def check_conformance(backend: str, *, programs: int, first_seed: int = 0) -> Conformance:
    """Run random programs on a backend and on the reference; stop at the first difference.

    Raises
    ------
    BackendError
        If the backend is missing, fails, hangs or answers nonsense.
    """
    neuron_ticks = spikes = 0
    chip = _chip_for(backend)
    for seed in range(first_seed, first_seed + programs):
        trial = random_trial(seed, chip)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PortabilityWarning)  # only trials leave that range that are meant to
            answers = [run_backend(trial.program, trial.inputs, name, "state") for name in (backend, REFERENCE)]
        divergence = compare_runs(backend, *answers)
        neuron_ticks += trial.neuron_ticks
        spikes += sum(int(trace.spikes.sum()) for trace in answers[1].traces)
        if divergence is not None:
            return Conformance(seed - first_seed + 1, neuron_ticks, spikes, divergence, seed)
    return Conformance(programs, neuron_ticks, spikes)


def random_trial(seed: int, chip: str = "loihi1") -> Trial:
    """Return the random program of that seed with its stimuli; the reference stays in the portable range on it.

    Xylo's rule clips, and says how, in one runtime only: there programs are drawn that clip, and that do not.
    """
    generator = np.random.default_rng(seed)
    if isinstance(find_chip(chip).semantics, ShiftSemantics):
        return _draw_layered(generator, chip)
    shrink = 1.0
    while True:
        trial = _draw_trial(generator, chip, shrink)
        if all(trace.excursion is None for trace in simulate(trial.program, trial.inputs)):
            return trial
        shrink *= 0.7


def _draw_trial(generator: np.random.Generator, chip: str, shrink: float) -> Trial:
    n_inputs, n_neurons = int(generator.integers(1, 7)), int(generator.integers(1, 7))
    n_synapses = int(generator.integers(1, 4 * n_neurons * (n_inputs + n_neurons) // 3 + 2))
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


def _chip_for(backend: str) -> str:
    """Return the first chip whose rule a backend executes."""
    rules = () if backend == REFERENCE else find_backend(backend).semantics
    return next((name for name, chip in CHIPS.items() if chip.semantics.name in rules), next(iter(CHIPS)))


def _draw_layered(generator: np.random.Generator, chip: str) -> Trial:
    """Draw a program of a hidden layer, mostly recurrent, and a readout layer."""
    limits = find_chip(chip)
    n_inputs, n_hidden, n_outputs = (int(generator.integers(*ends)) for ends in ((1, 9), (0, 25), (1, 9)))
    n_neurons = n_hidden + n_outputs
    outputs = generator.permutation(n_neurons)[:n_outputs]
    is_output = np.zeros(n_inputs + n_neurons, np.bool_)
    is_output[n_inputs + outputs] = True
    is_joined = generator.random((n_inputs + n_neurons, n_neurons)) < generator.uniform(0.1, 0.9)
    pre, post = np.nonzero(is_joined & ~is_output[:, None])
    shifts = generator.integers(*_half_open(limits.exponents), (3, 2)).min(axis=0)
    program = Program.from_arrays(
        chip=chip,
        n_inputs=n_inputs,
        n_neurons=n_neurons,
        outputs=outputs,
        pre=pre,
        post=post,
        delay=np.ones(pre.size, np.int64),
        weight=generator.integers(-128, 128, pre.size) >> generator.integers(0, 7),
        exponent=shifts[is_output[n_inputs + post].astype(np.int64)],
        threshold=1 + generator.integers(1, 1 << int(generator.integers(4, 15)), n_neurons),
        current_decay=_draw_shifts(generator, limits, n_neurons),
        potential_decay=_draw_shifts(generator, limits, n_neurons),
        bias=generator.integers(*_half_open(limits.bias_mantissas), n_neurons) * (generator.random(n_neurons) < 0.5),
    )
    rate = generator.uniform(0.02, 0.6)
    return Trial(program, tuple(generator.random((ticks, n_inputs)) < rate for ticks in LAYERED_TICKS))


def _draw_shifts(generator: np.random.Generator, limits: Chip, count: int) -> Integers:
    """Draw shifts, the fast ones more often: slow ones add up for long."""
    fast = generator.integers(0, 5, count)
    return np.where(
        generator.random(count) < generator.choice([0.5, 1.0]),
        fast,
        generator.integers(*_half_open(limits.decays), count),
    )


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
