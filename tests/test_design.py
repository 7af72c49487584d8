"""The design against exact fractions, and its verdicts against another solver that sees every row."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from fractions import Fraction
from multiprocessing import get_context
from typing import Any

import numpy as np
import pytest
from cases import CASES, exact_arrivals, exact_potential, one_of, plain_run
from scipy.optimize import linprog
from verdict_specs import ExactNeuron

import snnprog as sp
from snnprog.conflict import Conflict
from snnprog.design import Design, design
from snnprog.network import Neuron
from snnprog.spec import FREE, presynaptic_raster

SEEDS, SEEDS_PER_TEST = 240, 20
UNIT = 64
WIDEST_WEIGHT, WIDEST_BIAS, WIDEST_THRESHOLD = 255 << 7, (4095 << 7) / UNIT, 131071
CLEARLY_POSITIVE, CLEARLY_NOTHING = 1e-3, 1e-7
NAMED = re.compile(r"ticks? ((?:\d+(?:, | and )?)+) of pattern (\d+)")


def random_spec(seed: int) -> sp.Spec:
    """Return a small spec of any kind; about half of them cannot be built."""
    generator = np.random.default_rng(seed)
    n_inputs, n_outputs, recurrent = int(generator.integers(0, 4)), 1, bool(generator.random() < 0.4)
    patterns = []
    for _ in range(int(generator.integers(1, 3))):
        ticks = int(generator.integers(3, 14))
        targets = generator.random((ticks, n_outputs)) < generator.choice([0.1, 0.3])
        targets[: generator.integers(0, 3)] = False
        patterns.append(sp.Pattern(generator.random((ticks, n_inputs)) < 0.35, targets))
    n_presynaptic = n_inputs + (n_outputs if recurrent else 0)
    return sp.Spec(
        patterns,
        sorted(generator.choice([1, 2, 3, 5, 8], int(generator.integers(1, 4)), replace=False).tolist()),
        recurrent=recurrent,
        bias=one_of(generator, 0, 0, FREE, int(generator.integers(-100, 100)) * 16),
        threshold=one_of(generator, FREE, FREE, int(generator.integers(1, 3000))),
        dynamics=sp.Dynamics(int(generator.choice([0, 4095, 205, 1000])), int(generator.choice([4095, 4095, 2000, 0]))),
        signs=None if generator.random() < 0.6 else generator.integers(-1, 2, n_presynaptic).tolist(),
    )


def leaks(spec: sp.Spec) -> tuple[Fraction, Fraction]:
    """Return what is left of a current and of a potential after one tick."""
    return Fraction(4095 - spec.dynamics.current_decay, 4096), Fraction(4096 - spec.dynamics.potential_decay, 4096)


def exact_features(spec: sp.Spec, output: int) -> tuple[list[list[Fraction]], list[Fraction]]:
    """Return φ (ticks of all patterns, taps) and β (ticks of all patterns,)."""
    alpha, gamma = leaks(spec)
    rows: list[list[Fraction]] = []
    bias_response: list[Fraction] = []
    for pattern in spec.patterns:
        presynaptic, spikes = presynaptic_raster(spec, pattern), pattern.targets[:, output].tolist()
        columns = []
        for delay in spec.delays:
            for line in range(presynaptic.shape[1]):
                arriving = exact_arrivals(presynaptic[:, line : line + 1], [delay], [[1]])
                columns.append(exact_potential(arriving, spikes, alpha, gamma))
        nothing = [Fraction(0)] * pattern.ticks
        bias_response += exact_potential(nothing, spikes, Fraction(0), gamma, Fraction(1))
        rows += [[column[tick] for column in columns] for tick in range(pattern.ticks)]
    return rows, bias_response


def widest_distance(spec: sp.Spec, output: int, ticks: list[int] | None = None) -> float:
    """Return by how much the best weights of the widest box clear the threshold, at all ticks or at some."""
    rows, bias_response = exact_features(spec, output)
    spikes = np.concatenate([pattern.targets[:, output] for pattern in spec.patterns])
    chosen = np.arange(spikes.size) if ticks is None else np.array(ticks)
    side = np.where(spikes, 1.0, -1.0)[chosen, None]
    features = np.array(rows, dtype=np.float64).reshape(spikes.size, -1)[chosen]
    bias_column = np.array(bias_response, dtype=np.float64)[chosen, None]
    matrix = np.hstack([side * features, -side, side * bias_column, -np.ones_like(side)])
    signs = np.zeros(spec.n_presynaptic) if spec.signs is None else np.array(spec.signs)
    bounds: list[tuple[float | None, float]] = [
        (0.0 if s > 0 else -WIDEST_WEIGHT, 0.0 if s < 0 else WIDEST_WEIGHT) for s in np.tile(signs, len(spec.delays))
    ]
    bounds.append((0.0, WIDEST_THRESHOLD) if spec.threshold == FREE else (spec.threshold, spec.threshold))
    bounds.append((-WIDEST_BIAS, WIDEST_BIAS) if spec.bias == FREE else (spec.bias / UNIT, spec.bias / UNIT))
    bounds.append((None, 1e5))
    answer = linprog(-np.eye(len(bounds))[-1], -matrix, np.zeros(len(matrix)), bounds=bounds, method="highs")
    assert answer.status == 0, answer.message
    return float(answer.x[-1])


def tick_on_tape(spec: sp.Spec, pattern: int, tick: int) -> int:
    return sum(other.ticks for other in spec.patterns[:pattern]) + tick


# -------------------------------------------------------------------------------------------------------- verdicts


@pytest.mark.parametrize("first", range(0, SEEDS, SEEDS_PER_TEST))
def test_verdicts_agree_with_another_solver(first: int) -> None:
    for seed in range(first, first + SEEDS_PER_TEST):
        spec = random_spec(seed)
        conflicts = design(spec).conflicts
        distance = widest_distance(spec, 0)
        if distance > CLEARLY_POSITIVE:
            assert conflicts == (), f"seed {seed}: {conflicts}, but weights with distance {distance} exist"
        if distance < CLEARLY_NOTHING and not ExactNeuron(spec).is_possible():
            assert conflicts, f"seed {seed}: designed, but the widest distance is {distance}"


def test_the_random_specs_are_of_both_kinds_and_rarely_undecided() -> None:
    distances = np.array([widest_distance(random_spec(seed), 0) for seed in range(SEEDS)])
    assert (distances > CLEARLY_POSITIVE).sum() > SEEDS // 4
    assert (distances < CLEARLY_NOTHING).sum() > SEEDS // 4
    assert ((distances >= CLEARLY_NOTHING) & (distances <= CLEARLY_POSITIVE)).sum() < SEEDS // 20


@pytest.mark.parametrize("first", range(0, SEEDS, SEEDS_PER_TEST))
def test_conflicts_are_where_they_say(first: int) -> None:
    """What a conflict names is real, and its ticks alone already forbid the neuron."""
    for seed in range(first, first + SEEDS_PER_TEST):
        spec = random_spec(seed)
        for conflict in design(spec).conflicts:
            check_conflict(spec, conflict, f"seed {seed}: {conflict}")


def check_conflict(spec: sp.Spec, conflict: Conflict, text: str) -> None:
    target = spec.patterns[conflict.pattern].targets[:, conflict.neuron]
    named = named_in(conflict.reason)
    assert (conflict.pattern, conflict.tick) in named, text
    assert f"output {conflict.neuron} " in conflict.reason, text
    ticks = [tick_on_tape(spec, *place) for place in named]
    if "no input has reached it" in conflict.reason:
        assert target[conflict.tick], text
        assert not any(exact_features(spec, conflict.neuron)[0][ticks[0]]), text
    elif " is the same" in conflict.reason:
        rows, bias_response = exact_features(spec, conflict.neuron)
        ours, theirs = (np.array([*rows[tick], bias_response[tick] if spec.bias else 0], float) for tick in ticks[:2])
        assert np.allclose(ours, theirs, rtol=0, atol=2e-9), text
        assert [tick_target(spec, conflict.neuron, tick) for tick in ticks[:2]] == [True, False], text
        if "since its resets at" in conflict.reason:
            assert [tick_target(spec, conflict.neuron, tick) for tick in ticks[2:]] == [True, True], text
    elif "more ticks" not in conflict.reason:
        assert widest_distance(spec, conflict.neuron, ticks) < CLEARLY_POSITIVE, text


def named_in(reason: str) -> list[tuple[int, int]]:
    """Return the patterns and ticks that a reason names, in order."""
    return [(int(pattern), int(tick)) for ticks, pattern in NAMED.findall(reason) for tick in re.findall(r"\d+", ticks)]


def tick_target(spec: sp.Spec, output: int, tick: int) -> bool:
    return bool(np.concatenate([pattern.targets[:, output] for pattern in spec.patterns])[tick])


def one_line(inputs: list[int], targets: list[int], **options: Any) -> sp.Spec:
    raster, target = (np.array(values, dtype=bool)[:, None] for values in (inputs, targets))
    return sp.Spec([sp.Pattern(raster, target)], **options)


def two_patterns() -> sp.Spec:
    inputs = np.array([[1], [0], [0]], dtype=bool)
    spike, silence = np.array([[0], [1], [0]], dtype=bool), np.zeros((3, 1), dtype=bool)
    return sp.Spec([sp.Pattern(inputs, silence), sp.Pattern(inputs, spike)])


IMPOSSIBLE = {
    "a spike at tick 0": (
        one_line([1, 1, 1], [1, 0, 0]),
        [(0, 0)],
        r"output 0 must spike at tick 0 of pattern 0, but no input has reached it since the pattern began",
    ),
    "a spike before the delay is over": (
        one_line([1, 0, 0, 0], [0, 0, 1, 0], delays=[3]),
        [(0, 2)],
        r"spike at tick 2 of pattern 0, but no input has reached it since the pattern began",
    ),
    "nothing since the reset": (
        one_line([1, 0, 0, 0], [0, 1, 0, 1]),
        [(0, 3)],
        r"spike at tick 3 of pattern 0, but no input has reached it since its own spike at tick 1",
    ),
    "two patterns that contradict": (
        two_patterns(),
        [(1, 1)],
        r"must spike at tick 1 of pattern 1 and be silent at tick 1 of pattern 0, but what it has received .* the same",
    ),
    "a signed line that cannot excite": (
        one_line([1, 0, 0], [0, 1, 0], signs=[-1]),
        [(0, 1)],
        r"no weights let output 0 spike at tick 1 of pattern 0",
    ),
    "a threshold out of reach": (
        one_line([1, 0, 0], [0, 1, 0], threshold=40000),
        [(0, 1)],
        r"no weights let output 0 spike at tick 1 of pattern 0",
    ),
    "a bias that fires at once": (
        one_line([0, 0, 0], [0, 1, 0], bias=12800, threshold=100),
        None,
        r"no weights let output 0 be silent at tick [02] of pattern 0",
    ),
    "the same inputs and the same time for the bias": (
        one_line([1, 1, 0, 0], [0, 1, 0, 0], dynamics=sp.Dynamics(potential_decay=0), signs=[-1], bias=640),
        [(0, 1)],
        r"must spike at tick 1 of pattern 0 and be silent at tick 3 of pattern 0, but what has acted on it .* same",
    ),
    "the same inputs and more time for the bias": (
        one_line([0, 0, 0, 0, 0, 0], [0, 0, 1, 0, 0, 0], dynamics=sp.Dynamics(potential_decay=0), bias=-640),
        None,
        r"no weights let output 0 spike at tick 2 of pattern 0",
    ),
    "a bias that must rest longer than it may": (
        one_line([0] * 8, [0, 0, 1, 0, 0, 0, 0, 1], dynamics=sp.Dynamics(potential_decay=0), bias=640),
        [(0, 2)],
        r"output 0 must spike at tick 2 of pattern 0 and be silent at tick 5 of pattern 0, but what has .* the same",
    ),
}


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_what_is_impossible_is_explained(name: str) -> None:
    spec, places, message = IMPOSSIBLE[name]
    conflicts = design(spec).conflicts
    if places is not None:
        assert [(conflict.pattern, conflict.tick) for conflict in conflicts] == places
    assert re.search(message, conflicts[0].reason), conflicts[0].reason
    for conflict in conflicts:
        check_conflict(spec, conflict, conflict.reason)


def test_every_impossible_output_is_named_and_the_others_are_built() -> None:
    inputs = np.array([[1], [0], [0], [0]], dtype=bool)
    targets = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 0], [0, 0, 0]], dtype=bool)
    targets[0, 2] = True
    outcome = design(sp.Spec([sp.Pattern(inputs, targets)]))
    assert [conflict.neuron for conflict in outcome.conflicts] == [0, 2]
    assert len(outcome.network.neurons) == 1


def test_a_free_bias_reaches_as_far_as_the_chip_has_it() -> None:
    """Firing at every tick over a high threshold takes a bias of more than 4095 << 4."""
    spec = one_line([0] * 8, [1] * 8, threshold=2000, bias=FREE)
    outcome = design(spec)
    assert outcome.conflicts == ()
    (neuron,) = outcome.network.neurons
    assert 2000 < neuron.bias <= WIDEST_BIAS
    too_high = one_line([0] * 8, [1] * 8, threshold=8191, bias=FREE)
    assert design(too_high).conflicts


# --------------------------------------------------------------------------------------------------------- margins


@pytest.mark.parametrize("name", CASES)
def test_margins_are_reached_and_bounded(name: str) -> None:
    """The margin holds at every tick in exact fractions, rounding and truncation paid for."""
    spec = CASES[name]()
    outcome = design(spec)
    assert outcome.conflicts == ()
    for neuron in outcome.network.neurons:
        assert neuron.bound >= neuron.margin - 1e-6
        assert neuron.margin > 0
        step = 2**neuron.exponent
        limit = 255 * step
        assert np.abs(neuron.weights).max() <= limit
        spare = spare_distance(spec, neuron)
        assert min(spare) >= -1e-6 * max(1.0, neuron.margin), f"{name}: {min(spare)}"


def spare_distance(spec: sp.Spec, neuron: Neuron) -> list[float]:
    """Return, at each tick, the distance from the threshold less what margin, rounding and truncation need."""
    weights = [[Fraction(weight) for weight in row] for row in neuron.weights.tolist()]
    threshold, bias = Fraction(neuron.threshold), Fraction(neuron.bias)
    margin, step = Fraction(neuron.margin), Fraction(2**neuron.exponent)
    alpha, gamma = leaks(spec)
    ones = [[1] * len(row) for row in weights]
    spare, first = [], 0
    for pattern in spec.patterns:
        presynaptic = presynaptic_raster(spec, pattern)
        spikes = neuron.raster[first : first + pattern.ticks].tolist()
        first += pattern.ticks
        potential = exact_potential(exact_arrivals(presynaptic, spec.delays, weights), spikes, alpha, gamma, bias)
        norms = exact_potential(exact_arrivals(presynaptic, spec.delays, ones), spikes, alpha, gamma)
        for value, norm, spike in zip(potential, norms, spikes, strict=True):
            distance = value - threshold if spike else threshold - value
            spare.append(float(distance - margin * step * norm))
    return spare


@pytest.mark.parametrize("name", CASES)
def test_signs_and_fixed_values_are_obeyed(name: str) -> None:
    spec = CASES[name]()
    for neuron in design(spec).network.neurons:
        assert neuron.weights.shape == (len(spec.delays), spec.n_presynaptic)
        for line, sign in enumerate(spec.signs or ()):
            assert (sign * neuron.weights[:, line] >= 0).all() or sign == 0
        if spec.threshold != FREE:
            assert neuron.threshold == spec.threshold
        if spec.bias != FREE:
            assert neuron.bias == spec.bias / UNIT
        assert 0 <= neuron.threshold <= WIDEST_THRESHOLD


# ----------------------------------------------------------------------------------------------------------- care


def test_bins_that_do_not_count_make_the_impossible_possible() -> None:
    inputs = np.array([[1], [0], [1], [0], [0]], dtype=bool)
    targets = np.array([[1], [1], [0], [0], [0]], dtype=bool)
    care = np.ones_like(targets)
    with pytest.raises(sp.InfeasibleError, match="tick 0 of pattern 0"):
        sp.compile(sp.Spec([sp.Pattern(inputs, targets)]))
    care[0] = care[3] = False
    spec = sp.Spec([sp.Pattern(inputs, targets, care)])
    spikes = sp.run(sp.compile(spec).program, inputs).spikes
    assert not ((spikes != targets) & care).any()
    assert np.array_equal(spikes.ravel(), [False, True, False, True, False])


def test_don_t_care_resets_are_found_by_repetition() -> None:
    """Where the guess in a don't-care bin is wrong, what the weights do there is designed for instead."""
    built = 0
    for seed in range(40):
        generator = np.random.default_rng(seed)
        inputs = generator.random((20, 4)) < 0.3
        targets = generator.random((20, 1)) < 0.25
        care = generator.random((20, 1)) < 0.6
        spec = sp.Spec([sp.Pattern(inputs, targets, care)], delays=[1, 2])
        strict = sp.Spec([sp.Pattern(inputs, targets)], delays=[1, 2])
        try:
            program = sp.compile(spec).program
        except (sp.InfeasibleError, sp.SolverError, sp.QuantizationError):
            assert design(strict).conflicts
            continue
        spikes = np.array(plain_run(program, inputs).spikes)
        assert not ((spikes != targets) & care).any()
        built += bool(design(strict).conflicts)
    assert built >= 3


def test_infeasible_with_don_t_cares_means_however_they_are_filled() -> None:
    proved = 0
    for seed in range(150):
        generator = np.random.default_rng(seed)
        ticks = int(generator.integers(5, 10))
        inputs, targets = generator.random((ticks, 2)) < 0.4, generator.random((ticks, 1)) < 0.4
        free = generator.choice(ticks, 3, replace=False)
        care = np.ones_like(targets)
        care[free] = False
        dynamics = sp.Dynamics(potential_decay=int(generator.choice([0, 205])))
        try:
            conflicts = design(sp.Spec([sp.Pattern(inputs, targets, care)], dynamics=dynamics)).conflicts
        except sp.SolverError:
            continue
        proved += bool(conflicts)
        for conflict in conflicts:
            assert care[conflict.tick, 0], f"seed {seed}: {conflict}"
        for filling in itertools.product([False, True], repeat=free.size) if conflicts else ():
            filled = targets.copy()
            filled[free, 0] = filling
            distance = widest_distance(sp.Spec([sp.Pattern(inputs, filled)], dynamics=dynamics), 0)
            assert distance < CLEARLY_POSITIVE, f"seed {seed}: {conflicts[0]}, but {filling} can be built"
    assert proved > 10


# ----------------------------------------------------------------------------------------------------- executors


def thread_pool() -> Executor:
    return ThreadPoolExecutor(2)


def process_pool() -> Executor:
    return ProcessPoolExecutor(2, mp_context=get_context("spawn"))


def fingerprint(outcome: Design) -> list[object]:
    return [
        (neuron.weights.tobytes(), neuron.threshold, neuron.bias, neuron.margin, neuron.bound, neuron.raster.tobytes())
        for neuron in outcome.network.neurons
    ] + list(outcome.conflicts)


@pytest.mark.parametrize("pool", [thread_pool, process_pool])
def test_the_executor_does_not_change_the_answers(pool: Callable[[], Executor]) -> None:
    inputs = np.array([[1], [0], [0], [0]], dtype=bool)
    targets = np.array([[1, 0], [0, 1], [0, 0], [0, 0]], dtype=bool)
    specs = [CASES["everything"](), CASES["many_delays"](), sp.Spec([sp.Pattern(inputs, targets)])]
    calls: list[tuple[str, int, int]] = []
    with pool() as executor:
        for spec in specs:
            answer = design(spec, executor=executor, progress=lambda *call: calls.append(call))
            assert fingerprint(answer) == fingerprint(design(spec))
    assert calls == [("design", done + 1, spec.n_outputs) for spec in specs for done in range(spec.n_outputs)]


def test_taps_that_never_act_have_no_weight() -> None:
    inputs, targets = np.zeros((10, 3), dtype=bool), np.zeros((10, 1), dtype=bool)
    inputs[2, 0] = inputs[8, 1] = targets[5, 0] = True
    neuron = design(sp.Spec([sp.Pattern(inputs, targets)], [1, 3])).network.neurons[0]
    acts = np.array([[True, True, False], [True, False, False]])
    assert not neuron.weights[~acts].any()


def test_beside_a_fixed_bias_a_free_threshold_is_one_that_the_chip_has() -> None:
    silent = sp.Pattern(np.zeros((6, 1), dtype=bool), np.zeros((6, 1), dtype=bool))
    due = sp.Pattern(np.zeros((6, 1), dtype=bool), np.eye(6, 1, -5, dtype=bool))
    resting = design(sp.Spec([silent], [1], bias=16)).network.neurons[0]
    assert resting.threshold >= 1.0
    assert design(sp.Spec([due], [1], bias=8, dynamics=sp.Dynamics(0))).conflicts  # 6 ticks of 8 stay below 64


def test_a_rare_spike_of_a_perfect_integrator_is_not_called_impossible() -> None:
    ticks = 24001
    targets = np.zeros((ticks, 1), dtype=bool)
    targets[-1] = True
    spec = sp.Spec([sp.Pattern(np.ones((ticks, 1), dtype=bool), targets)], [1], dynamics=sp.Dynamics(0))
    assert sp.compile(spec).report.neurons[0].status == "exact"


def test_few_don_t_cares_are_tried_in_every_filling() -> None:
    inputs = np.array([[1], [1], [1], [0], [0]], dtype=bool)
    targets = np.array([[0], [1], [0], [0], [0]], dtype=bool)
    care = np.array([[1], [1], [0], [0], [1]], dtype=bool)
    spec = sp.Spec([sp.Pattern(inputs, targets, care)], [1])
    assert sp.verify(sp.compile(spec).program, spec).exact
