"""Brute force over integers for `promise.py`: whether any neuron of the chip reproduces the targets of an output.

All weight vectors of a small grid (mantissas, one exponent, signs, fan-in), and all biases where few are possible, go
through the chip's rule at once, in 64-bit integers. Where a bin may be a spike or a silence (it does not count, or lies
in a window), both are tried. What is left of a candidate is its interval of thresholds: on Loihi a potential does not
depend on the threshold once the resets are known; on Xylo each threshold of the interval becomes a candidate of its
own at the first reset.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from promise_cases import Case
from promise_chips import LOIHI_ARRIVALS, LOIHI_STATE, LOIHI_UNIT, XYLO_STATE
from promise_judges import THRESHOLDS, acting_inputs

POSSIBLE, IMPOSSIBLE, OPEN = "possible", "impossible", "open"

CANDIDATES = 600_000  # weight vectors and biases of one exponent, or thresholds: less than 100 MB
WORK = 20_000_000  # candidates times ticks of one case: about 4 s
STEP = 1_000  # candidates that cost as much as what one tick costs whatever their number
COMPLETIONS = 256  # rasters of outputs that hear one another
SAMPLE = 20_000  # candidates of one exponent where the grid is too large
EXPONENTS = range(8)

Ints = NDArray[np.int64]
Known = dict[tuple[int, int], tuple[int, ...]]


class OutOfWorkError(Exception):
    """The budget of candidates times ticks is used up."""


@dataclass
class Budget:
    """What may still be worked on in one case."""

    left: int = WORK

    def spend(self, work: int) -> None:
        """Take work off the budget.

        Raises
        ------
        OutOfWorkError
            If nothing is left of it.
        """
        self.left -= work
        if self.left < 0:
            raise OutOfWorkError


@dataclass(frozen=True)
class Grid:
    """Candidates of one output: (candidates, taps) mantissas, their biases, and whether there are no others."""

    taps: list[tuple[int, int]]
    mantissas: Ints
    biases: Ints
    is_complete: bool


@dataclass
class State:
    """What is left of the candidates at a tick; arrays of one length, but for ``held``, the same for all."""

    index: Ints
    current: Ints
    potential: Ints
    low: Ints
    high: Ints
    held: int = 0

    def kept(self, chosen: NDArray[np.bool_] | Ints) -> State:
        """Return some of the candidates."""
        arrays = (self.index, self.current, self.potential, self.low, self.high)
        index, current, potential, low, high = (array[chosen] for array in arrays)
        return State(index, current, potential, low, high, self.held)


def verdict(case: Case) -> str:
    """Return "possible" or "impossible" if that can be found out, else "open"; without hidden neurons.

    Where hidden neurons are allowed, "impossible" is never said.
    """
    budget = Budget()
    try:
        answer = _recurrent_verdict(case, budget) if case.option("recurrent") else _verdict(case, {}, budget)
    except OutOfWorkError:
        return OPEN
    return OPEN if answer == IMPOSSIBLE and case.option("hidden") != 0 else answer


def _verdict(case: Case, known: Known, budget: Budget) -> str:
    """Return the verdict on outputs that hear nobody, or only spikes that are known."""
    shared, is_complete = set(EXPONENTS), True
    for output in range(case.n_outputs):
        found = OneOutput(case, output, known=known, budget=budget)
        possible = (exponent for exponent in EXPONENTS if found.is_possible(exponent))
        exponents = set(possible if case.chip == "xylo" and case.n_outputs > 1 else itertools.islice(possible, 1))
        if not exponents and found.grid.is_complete:
            return IMPOSSIBLE
        is_complete &= found.grid.is_complete
        shared = shared & exponents if case.chip == "xylo" else exponents
        if not shared:
            return IMPOSSIBLE if is_complete else OPEN
    return POSSIBLE


def _recurrent_verdict(case: Case, budget: Budget) -> str:
    if case.n_outputs == 1:
        return _verdict(case, {}, budget)
    rasters = {
        (index, output): list(itertools.islice(completions(case, index, output), COMPLETIONS + 1))
        for index in range(len(case.trials))
        for output in range(case.n_outputs)
    }
    if math.prod(map(len, rasters.values())) > COMPLETIONS:
        return OPEN
    answers = set()
    for chosen in itertools.product(*rasters.values()):
        answers.add(_verdict(case, dict(zip(rasters, chosen, strict=True)), budget))
        if POSSIBLE in answers:
            return POSSIBLE
    return OPEN if OPEN in answers else IMPOSSIBLE


# ------------------------------------------------------------------------------------------------- what bins may be


def choices(case: Case, index: int, output: int, *, tick: int, matched: int) -> list[tuple[int, int]]:
    """Return what an output may do at a tick, after so many matched spikes: (spike, matched spikes after it)."""
    trial, (before, after) = case.trials[index], case.option("window")
    if not trial.care[tick][output]:
        return [(0, matched), (1, matched)]
    due = [each for each in range(trial.ticks) if trial.care[each][output] and trial.targets[each][output]]
    waited = due[matched] if matched < len(due) else None
    found = []
    if waited is None or tick < waited + after:
        found.append((0, matched))
    if waited is not None and waited - before <= tick <= waited + after:
        found.append((1, matched + 1))
    return found


def is_done(case: Case, index: int, output: int, *, matched: int) -> bool:
    """Return whether all spikes that are due were matched at the end of a pattern."""
    trial = case.trials[index]
    return matched == sum(row[output] and care[output] for row, care in zip(trial.targets, trial.care, strict=True))


def completions(case: Case, index: int, output: int) -> Iterator[tuple[int, ...]]:
    """Yield every raster of an output that meets what a pattern asks of it."""

    def longer(raster: tuple[int, ...], matched: int) -> Iterator[tuple[int, ...]]:
        if len(raster) == case.trials[index].ticks:
            if is_done(case, index, output, matched=matched):
                yield raster
            return
        for spike, after in choices(case, index, output, tick=len(raster), matched=matched):
            yield from longer((*raster, spike), after)

    return longer((), 0)


# ----------------------------------------------------------------------------------------------------------- one output


class OneOutput:
    """The search for the integers of one output.

    Parameters
    ----------
    known : dict
        What each output does in each pattern, (pattern, output) to a raster, where outputs hear one another.
    """

    def __init__(self, case: Case, output: int, *, known: Known, budget: Budget) -> None:
        self.case, self.output, self.known = case, output, known
        self.is_xylo = case.chip == "xylo"
        self.unit = 1 if self.is_xylo else LOIHI_UNIT
        self.noise = int(case.option("noise") * self.unit)
        self.budget = budget
        self.grid = grid_of(case, self._taps(), np.random.default_rng(0))

    def _taps(self) -> list[tuple[int, int]]:
        """Return the taps over which something may arrive."""
        taps = acting_inputs(self.case)
        if not self.case.option("recurrent"):
            return taps
        for output in range(self.case.n_outputs):
            rasters = [self.known.get((i, output), (1,) * t.ticks) for i, t in enumerate(self.case.trials)]
            for delay in self.case.delays:
                if any(any(raster[: max(0, len(raster) - delay)]) for raster in rasters):
                    taps.append((self.case.n_inputs + output, delay))
        return taps

    def is_possible(self, exponent: int) -> bool:
        """Return whether some candidate with this exponent reproduces the targets."""
        self.weights = self.grid.mantissas << exponent
        count = len(self.grid.biases)
        threshold = self.case.option("threshold")
        low, high = THRESHOLDS["xylo" if self.is_xylo else "loihi"] if threshold == "free" else (threshold, threshold)
        nothing = np.zeros(count, dtype=np.int64)
        state = State(np.arange(count), nothing, nothing, nothing + low, nothing + high)
        return count > 0 and self._trial(0, state)

    def _trial(self, index: int, state: State) -> bool:
        if index == len(self.case.trials):
            return bool(len(state.index))
        nothing = np.zeros(len(state.index), dtype=np.int64)
        rest = State(state.index, nothing, nothing, state.low, state.high)
        return self._tick(index, [], 0, rest)

    def _tick(self, index: int, fired: list[int], matched: int, state: State) -> bool:
        """Return whether a candidate goes through a pattern, given what was done so far."""
        if not len(state.index):
            return False
        tick, case = len(fired), self.case
        if tick == case.trials[index].ticks:
            return is_done(case, index, self.output, matched=matched) and self._trial(index + 1, state)
        options = choices(case, index, self.output, tick=tick, matched=matched)
        if (index, self.output) in self.known:
            options = [each for each in options if each[0] == self.known[index, self.output][tick]]
        state = self._integrated(state, self._lines(index, tick, fired))
        return any(
            self._tick(index, [*fired, spike], after, self._compared(state, bool(spike))) for spike, after in options
        )

    def _lines(self, index: int, tick: int, fired: Sequence[int]) -> list[int]:
        """Return the taps over which a spike arrives, lines in order."""
        inputs, arriving = self.case.trials[index].inputs, []
        for place, (line, delay) in enumerate(self.grid.taps):
            if tick >= delay:
                output = line - self.case.n_inputs
                raster = self.known.get((index, output), fired)
                if inputs[tick - delay][line] if output < 0 else raster[tick - delay]:
                    arriving.append(place)
        return sorted(arriving, key=lambda place: self.grid.taps[place][0])

    def _integrated(self, state: State, arriving: list[int]) -> State:
        """Return the candidates after a tick's arrivals and decays, those alone that stay in the common range."""
        self.budget.spend(STEP + len(state.index) * (1 + len(arriving)))
        step = self._integrated_on_xylo if self.is_xylo else self._integrated_on_loihi
        return step(state, [self.weights[state.index, place] for place in arriving])

    def _integrated_on_loihi(self, state: State, arriving: list[Ints]) -> State:
        total = LOIHI_UNIT * sum(arriving, np.zeros_like(state.current))
        current = _kept(state.current, 4095 - self.case.dynamics[1]) + total
        potential = _kept(state.potential, 4096 - self.case.dynamics[0]) + current + self.grid.biases[state.index]
        if state.held:
            potential = np.zeros_like(potential)
        fits = (abs(total) < LOIHI_ARRIVALS) & (abs(current) < LOIHI_STATE) & (abs(potential) < LOIHI_STATE)
        return State(state.index, current, potential, state.low, state.high, state.held).kept(fits)

    def _integrated_on_xylo(self, state: State, arriving: list[Ints]) -> State:
        current, fits = state.current, np.ones(len(state.index), dtype=bool)
        for weights in arriving:
            current = current + weights
            fits &= abs(current) < XYLO_STATE
        current = current - _loss(current, self.case.dynamics[1])
        potential = state.potential - _loss(state.potential, self.case.dynamics[0]) + current
        potential = potential + self.grid.biases[state.index]
        fits &= abs(potential) < XYLO_STATE
        return State(state.index, current, potential, state.low, state.high).kept(fits)

    def _compared(self, state: State, is_spike: bool) -> State:
        """Return the candidates that spike, or those that do not, with the thresholds at which that is so."""
        room = -self.noise if is_spike else self.noise
        value = state.potential + room  # spike: above the threshold even so; silence: not above it even so
        if is_spike:
            highest = value if self.is_xylo else (value - 1) // self.unit
            kept = State(state.index, state.current, state.potential, state.low, np.minimum(state.high, highest))
        else:
            lowest = value + 1 if self.is_xylo else -(-value // self.unit)
            kept = State(state.index, state.current, state.potential, np.maximum(state.low, lowest), state.high)
        kept = kept.kept(kept.low <= kept.high)
        kept.held = max(state.held - 1, 0)
        return self._reset(kept) if is_spike else kept

    def _reset(self, state: State) -> State:
        if not self.is_xylo:
            nothing = np.zeros_like(state.potential)
            return State(state.index, state.current, nothing, state.low, state.high, self.case.option("refractory") - 1)
        lengths = state.high - state.low + 1
        if int(lengths.sum()) > CANDIDATES:
            raise OutOfWorkError
        state = state.kept(np.repeat(np.arange(len(lengths)), lengths))
        firsts = np.repeat(np.cumsum(lengths) - lengths, lengths)
        threshold = state.low + np.arange(len(state.low)) - firsts
        left = state.potential - threshold
        state = State(state.index, state.current, left, threshold, threshold)
        return state.kept(left + self.noise < threshold) if self.case.option("recurrent") else state


def grid_of(case: Case, taps: list[tuple[int, int]], generator: np.random.Generator) -> Grid:
    """Return the candidates of an output with these taps: all there are, or a sample with small weights in it."""
    biases, has_all_biases = _biases(case, generator)
    values = [_mantissas(case, line) for line, _ in taps]
    fan_in = len(taps) if case.option("fan_in") is None else case.option("fan_in")
    is_complete = math.prod(map(len, values)) * len(biases) <= CANDIDATES
    if is_complete:
        grids = np.meshgrid(*values, indexing="ij")
        weights = np.stack([grid.ravel() for grid in grids], axis=1) if taps else np.zeros((1, 0), dtype=np.int64)
    else:
        weights = _sampled(values, generator)
    weights = weights[(weights != 0).sum(axis=1) <= fan_in]
    pairs = np.repeat(np.arange(len(weights)), len(biases))
    if not is_complete and len(pairs) > SAMPLE:
        chosen = generator.choice(len(pairs), SAMPLE, replace=False)
        return Grid(taps, weights[pairs[chosen]], np.tile(biases, len(weights))[chosen], is_complete=False)
    return Grid(taps, weights[pairs], np.tile(biases, len(weights)), is_complete and has_all_biases)


def _mantissas(case: Case, line: int) -> Ints:
    greatest = case.greatest_weight
    values = np.arange(-greatest, greatest + 1)
    if case.needs_every_tap:
        values = values[values != 0]
    signs = case.option("signs")
    sign = signs[line] if signs else 0
    chosen: Ints = values[values * sign >= 0]
    return chosen


def _biases(case: Case, generator: np.random.Generator) -> tuple[Ints, bool]:
    """Return the biases to try, and whether there are no others."""
    if case.option("bias") != "free":
        return np.array([case.option("bias")], dtype=np.int64), True
    if case.chip == "xylo":
        return np.arange(-127, 128), True
    sample = [mantissa * 2**exponent for exponent in (0, 4, 7) for mantissa in generator.integers(-4095, 4096, 6)]
    return np.array([0, 1, -1, 64, -64, 640, -640, *sample], dtype=np.int64), False


def _sampled(values: list[Ints], generator: np.random.Generator) -> Ints:
    """Return weight vectors: half of them from the whole grid, half with small weights, and some zeros."""
    columns = []
    for each in values:
        small = each[abs(each) <= generator.choice((1, 4, 20))]
        halves = generator.choice(each, SAMPLE // 2), generator.choice(small if len(small) else each, SAMPLE // 2)
        column = np.concatenate(halves)
        columns.append(np.where((generator.random(SAMPLE) < 0.2) & (0 in each), 0, column))
    return np.stack(columns, axis=1)


def _kept(values: Ints, factor: int) -> Ints:
    """Return 4096ths of values, rounded toward zero."""
    kept: Ints = np.sign(values) * (abs(values) * factor >> 12)
    return kept


def _loss(values: Ints, shift: int) -> Ints:
    """Return what Xylo's decay takes off."""
    taken = values >> shift
    return np.where(taken == 0, np.sign(values), taken)
