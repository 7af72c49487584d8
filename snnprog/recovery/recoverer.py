"""The L problem: recover weights from observed potentials.

With the spikes known, the potential is linear in the weights, so they follow by least squares (Rostro-Gonzalez, Cessac,
Vasquez, Viéville 2009, arXiv:0905.4810, section on the L problem: potentials observed). Weights along
the null space of the rows cannot be recovered: they are reported as undetermined, with the values of minimum norm.

Decisions
---------
- A chip truncates its decays, and a potential accumulates the errors of many ticks. But if the last potential is
  known, too (observed, or 0 after a spike), the chip's own rule subtracts it exactly, which leaves only the current of
  this tick; likewise for currents. The row is that of `PotentialMap` with its last reset at the last known tick. If
  every tick is observed, the equations are exact in integers, and truncation causes no error.
- A potential at a spike is not observed, since it reads 0 after it: such a tick gives no row, but bounds the threshold.
- A weight is determined if it has no component in the null space of the equations, and if truncation can change it by
  less than half an LSB: then rounding recovers the original.
- Rounded weights are verified by running them: in closed loop, they must reproduce every observed spike and
  potential, bit for bit. If weights are undetermined, integers that do so are searched near the minimum-norm solution
  and near sparse ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snnprog.arrays import Floats, Int64s, Raster
from snnprog.calls import call_checked
from snnprog.checks import check_type
from snnprog.chips import Chip
from snnprog.design.mapping import potential_map
from snnprog.display.card import BAD, GOOD, OPEN, Card, Displayed
from snnprog.errors import SpecError
from snnprog.names import labelled
from snnprog.potential import PotentialMap
from snnprog.program import Program
from snnprog.raster import turned
from snnprog.recovery.least_squares import LeastSquares
from snnprog.recovery.observation import Observation
from snnprog.simulate import simulate
from snnprog.solver import one_blas_thread
from snnprog.spec import FREE, Spec
from snnprog.table import Table
from snnprog.wording import a_type, counted

HALF = 0.5


@dataclass(frozen=True, eq=False, repr=False)
class RecoveredNeuron(Displayed):
    """The recovered weights of one neuron.

    Attributes
    ----------
    weights : (delays, lines) float
        The least-squares solution, of minimum norm if it is not unique; in weight LSBs of exponent 0.
    bias : float
        In units of the potential.
    is_determined : (delays, lines) bool
        Which weights the observations determine: rounded to integers, they equal those of the observed network.
    is_bias_determined : bool
        Also true if the bias was given.
    rank, unknowns : int
        The rank of the equations, and the number of unknowns.
    residual : float
        The maximum residual of an equation before rounding, in units of the potential.
    thresholds : tuple of int, or None
        The range of thresholds that give the spikes; None if no integer weights were found.
    """

    weights: Floats
    bias: float
    is_determined: Raster
    is_bias_determined: bool
    rank: int
    unknowns: int
    residual: float
    thresholds: tuple[int, int] | None

    @property
    def is_complete(self) -> bool:
        """Whether all weights and the bias are determined."""
        return bool(self.is_determined.all()) and self.is_bias_determined

    def _summary(self) -> str:
        determined = f"{int(self.is_determined.sum())} of {counted(self.weights.size, 'weight')} determined"
        return f"{determined}, rank {self.rank} for {counted(self.unknowns, 'unknown')}, residual {self.residual:.4g}"


@call_checked
@dataclass(frozen=True, eq=False, repr=False)
class Recovery(Displayed):
    """The recovered network.

    Attributes
    ----------
    neurons : tuple of RecoveredNeuron
    program : Program or None
        Integer weights that, in closed loop, reproduce every observed spike and potential; they are unique if every
        neuron is complete.
    obstacle : str
        Why there is no program; empty if there is one.
    """

    neurons: tuple[RecoveredNeuron, ...]
    program: Program | None
    obstacle: str

    def _summary(self) -> str:
        complete = sum(neuron.is_complete for neuron in self.neurons)
        found = f"no program: {self.obstacle}" if self.program is None else "a program that gives everything observed"
        return f"{complete} of {counted(len(self.neurons), 'neuron')} determined in full; {found}"

    def _card(self) -> Card:
        columns = ("neuron", "weights determined", "weights", "rank", "unknowns", "residual")
        rows = [
            (index, int(each.is_determined.sum()), each.weights.size, each.rank, each.unknowns, each.residual)
            for index, each in enumerate(self.neurons)
        ]
        is_complete = all(neuron.is_complete for neuron in self.neurons)
        kind = BAD if self.program is None else GOOD if is_complete else OPEN
        return Card(kind, table=Table.plain("", columns=columns, rows=rows))


@call_checked
@one_blas_thread()
def recover(spec: Spec, potentials: Sequence[ArrayLike]) -> Recovery:
    """Return the weights and biases of a network whose spikes and potentials were observed.

    Parameters
    ----------
    spec : Spec
        The observation: targets are the spikes of all neurons, care marks observed potentials;
        delays, recurrence, signs, dynamics, bias, threshold and refractory period are those of the network.
    potentials : sequence of (ticks, neurons) int
        One array per pattern: v after each tick, in the chip's units. Used where ``care`` is set and there is no spike.

    Raises
    ------
    SpecError
        If the potentials do not match the spec, or the chip's resets are not to zero.
    """
    check_type("spec", spec, kind=Spec)
    linear = spec.linear_rule
    if not linear.is_plain or linear.is_potential_rounded_at_once:
        raise SpecError(
            f"chip is {spec.chip.name!r}; weights come back from potentials only where a reset is to zero and nothing"
            " is rounded in the tick in which it arrives"
        )
    observed = _as_potentials(spec, potentials)
    mapping = potential_map(spec)
    answers = [_recover_neuron(Observation(spec, mapping, index, observed)) for index in range(spec.n_outputs)]
    neurons = tuple(answer.neuron for answer in answers)
    wholes = [answer.whole for answer in answers if answer.whole is not None]
    if len(wholes) < len(answers):
        return Recovery(neurons, None, next(answer.obstacle for answer in answers if answer.obstacle))
    program = _program(spec, mapping, wholes)
    obstacle = _first_difference(spec, program, observed=observed)
    return Recovery(neurons, None if obstacle else program, obstacle)


@dataclass(frozen=True, eq=False)
class _WholeNeuron:
    """Integer weights (taps,) in LSBs, the bias in units, and the range of thresholds that fit them."""

    weights: Int64s
    bias: int
    thresholds: tuple[int, int]


@dataclass(frozen=True, eq=False)
class _Answer:
    neuron: RecoveredNeuron
    whole: _WholeNeuron | None
    obstacle: str


def _recover_neuron(seen: Observation) -> _Answer:
    squares, obstacles = LeastSquares(seen.equations()), []
    whole = None
    for values in squares.candidates(np.append(seen.signs, [0] * seen.is_biased)):
        found = _whole(seen, values)
        if isinstance(found, _WholeNeuron):
            whole = found
            break
        obstacles.append(found)
    neuron = _report(seen, squares, whole)
    if whole is not None:
        return _Answer(neuron, whole, "")
    name = labelled("neuron", seen.neuron, seen.spec.output_names)
    return _Answer(neuron, None, f"{name}: {_obstacle(squares, obstacles[0])}")


def _obstacle(squares: LeastSquares, first: str) -> str:
    """Return why a neuron has no integers: none exist, or the observations do not determine them."""
    rank = f"the observations have rank {squares.rank} for {squares.values.size} unknowns"
    if squares.is_consistent and (squares.uncertainty >= HALF).any():
        return f"no integer weights were found, but some may exist: {first}; {rank}; observe more ticks"
    return f"no integer weights fit: {first}; {rank}; check the decays, delays and lines of the spec"


def _report(seen: Observation, squares: LeastSquares, whole: _WholeNeuron | None) -> RecoveredNeuron:
    is_determined = squares.is_consistent & (squares.uncertainty < HALF)
    taps, shape = seen.mapping.n_taps, (len(seen.spec.delays), seen.spec.n_presynaptic)
    bias = float(seen.given_bias) if not seen.is_biased else float(squares.values[-1] * seen.unit)
    return RecoveredNeuron(
        weights=squares.values[:taps].reshape(shape),
        bias=bias if whole is None else float(whole.bias),
        is_determined=is_determined[:taps].reshape(shape),
        is_bias_determined=not seen.is_biased or bool(squares.is_consistent and np.isfinite(squares.uncertainty[-1])),
        rank=squares.rank,
        unknowns=squares.values.size,
        residual=squares.residual * seen.unit,
        thresholds=None if whole is None else whole.thresholds,
    )


def _whole(seen: Observation, values: Floats) -> _WholeNeuron | str:
    """Return the rounded weights if they reproduce the observations, otherwise the first difference."""
    weights = np.rint(values[: seen.mapping.n_taps]).astype(np.int64)
    wrong = np.flatnonzero(weights * seen.signs < 0)
    if wrong.size:
        delay, line = divmod(int(wrong[0]), seen.spec.n_presynaptic)
        return f"from line {line} at delay {seen.spec.delays[delay]} it has {weights[wrong[0]]}, against its sign"
    bias = seen.given_bias if not seen.is_biased else None
    if bias is None and not seen.is_step.any():
        bias = int(np.rint(values[-1] * seen.unit))
    compared, bias = seen.run(weights, bias)
    differs = np.flatnonzero(seen.seen & (compared != seen.potentials))
    if differs.size:
        tick = int(differs[0])
        return (
            f"its potential would be {compared[tick]} at {seen.place(tick)}, and {seen.potentials[tick]} was observed"
        )
    if (weights & ((1 << _exponents(seen.chip, weights)) - 1)).any() or not seen.chip.is_bias(bias):
        return f"weights up to {np.abs(weights).max(initial=0)} LSBs with a bias of {bias} are not on the chip's grid"
    thresholds = _thresholds(seen, compared)
    if thresholds[0] > thresholds[1]:
        return "no threshold lies between its potentials at spikes and those at silences"
    return _WholeNeuron(weights, bias, thresholds)


def _thresholds(seen: Observation, compared: Int64s) -> tuple[int, int]:
    """Return the range of thresholds of the chip, or the given one, that separate spikes from silence."""
    least, top = seen.chip.thresholds if seen.spec.threshold == FREE else (int(seen.spec.threshold),) * 2
    highest = int(compared[~seen.spikes].max(initial=least * seen.unit))
    lowest = int(compared[seen.spikes].min(initial=top * seen.unit + 1))
    return max(least, -(-highest // seen.unit)), min(top, (lowest - 1) // seen.unit)


def _exponents(chip: Chip, weights: Int64s) -> Int64s:
    """Return the smallest exponent at which each weight is within the chip's mantissas."""
    reach = chip.weight_limit << np.arange(chip.exponents[1] + 1)
    return np.minimum(np.searchsorted(reach, np.abs(weights)), chip.exponents[1])


def _program(spec: Spec, mapping: PotentialMap, wholes: Sequence[_WholeNeuron]) -> Program:
    """Collect the neurons' synapses, ordered by line, delay and neuron."""
    shape = (len(spec.delays), spec.n_presynaptic)
    weights = np.stack([whole.weights.reshape(shape) for whole in wholes], axis=-1)
    exponents = _exponents(spec.chip, weights)
    line, slot, post = np.nonzero(weights.transpose(1, 0, 2))
    count = len(wholes)
    return Program.from_arrays(
        chip=spec.chip,
        n_inputs=spec.n_inputs,
        n_neurons=count,
        outputs=np.arange(count),
        pre=line,
        post=post,
        delay=mapping.delays[slot],
        weight=(weights >> exponents)[slot, line, post],
        exponent=exponents[slot, line, post],
        threshold=[sum(whole.thresholds) // 2 for whole in wholes],
        current_decay=[spec.dynamics.current_decay] * count,
        potential_decay=[spec.dynamics.potential_decay] * count,
        refractory=[spec.refractory] * count,
        bias=[whole.bias for whole in wholes],
        provenance={"recovered_from": spec.digest()},
        input_names=spec.input_names,
        neuron_names=spec.output_names,
    )


def _first_difference(spec: Spec, program: Program, *, observed: Int64s) -> str:
    """Run the program and return where it first differs from the observation; empty if it does not."""
    traces = simulate(program, [pattern.inputs for pattern in spec.patterns], state=True)
    first = 0
    for index, (pattern, trace) in enumerate(zip(spec.patterns, traces, strict=True)):
        assert trace.potentials is not None, "the state is recorded"
        expected = observed[first : first + pattern.ticks]
        seen = pattern.care & ~pattern.targets
        differs = (trace.spikes != pattern.targets) | (seen & (trace.potentials != expected))
        if differs.any():
            tick, neuron = (int(place) for place in np.argwhere(differs)[0])
            name = labelled("neuron", neuron, spec.output_names)
            return f"in closed loop, {name} first differs at tick {tick} of pattern {index}"
        first += pattern.ticks
    return ""


def _as_potentials(spec: Spec, potentials: Sequence[ArrayLike]) -> Int64s:
    """Return the potentials of all patterns on one axis of ticks."""
    if isinstance(potentials, (str, bytes)) or not isinstance(potentials, Sequence):
        raise SpecError(f"potentials must be a list of arrays, one for each pattern, got {a_type(potentials)}")
    if len(potentials) != len(spec.patterns):
        raise SpecError(
            f"potentials must have {counted(len(spec.patterns), 'array')}, one for each pattern, got {len(potentials)}"
        )
    limit, arrays = int(spec.linear_rule.limits.potential * spec.chip.unit), []
    for index, (pattern, values) in enumerate(zip(spec.patterns, potentials, strict=True)):
        array = _as_array(values)
        if array.dtype.kind not in "iu" or array.shape != pattern.targets.shape:
            advice = turned("them", array.shape, ticks=pattern.ticks, lines=spec.n_outputs)
            if array.shape == pattern.targets.shape:
                advice = "; give the integers of the chip, as Trace.potentials has them, not millivolts"
            raise SpecError(
                f"potentials of pattern {index} must be integers of shape {pattern.targets.shape},"
                f" got {array.dtype} of shape {array.shape}{advice}"
            )
        seen = pattern.care & ~pattern.targets
        if (np.abs(array[seen].astype(np.float64)) >= limit).any():
            raise SpecError(f"potentials of pattern {index} reach {limit}; the chip's stay below")
        arrays.append(np.where(seen, array, 0).astype(np.int64))
    return np.concatenate(arrays)


def _as_array(values: ArrayLike) -> NDArray[np.generic]:
    try:
        return np.asarray(values)
    except ValueError as error:
        raise SpecError(f"potentials must be arrays: {error}") from error
