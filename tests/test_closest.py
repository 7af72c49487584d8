"""The closest program against all rasters there are, and what it says about itself against plain integers."""

from __future__ import annotations

import itertools
import json
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import CASES, plain_run
from scipy.optimize import linprog

import snnprog as sp
from snnprog.arrays import Floats, Raster
from snnprog.design import design
from snnprog.design.rasters.closest import Search
from snnprog.design.rasters.fitting import fitted
from snnprog.design.rasters.judge import Judge
from snnprog.design.rasters.running import closed_loop, free_run
from snnprog.design.task import Task
from snnprog.judgement import WrongBinCosts
from snnprog.progress import SEARCHING
from snnprog.spec import with_targets


def random_spec(seed: int, *, ticks: int = 7, outputs: int = 1, recurrent: bool = False, care: float = 1.0) -> sp.Spec:
    """Return a spec that can hardly be built: two inputs for targets that fire at half of the ticks."""
    generator = np.random.default_rng(seed)
    inputs, targets, counts = (generator.random((ticks, n)) for n in (2, outputs, outputs))
    return sp.Spec([sp.Pattern(inputs < 0.5, targets < 0.45, counts < care)], recurrent=recurrent)


def overloaded(seed: int, *, recurrent: bool = False) -> sp.Spec:
    generator = np.random.default_rng(seed)
    patterns = [sp.Pattern(generator.random((14, 3)) < 0.3, generator.random((14, 2)) < 0.25) for _ in range(2)]
    return sp.Spec(patterns, [1, 2], recurrent=recurrent)


def fewest_wrong(spec: sp.Spec) -> int:
    """Return the wrong bins of the nearest raster that a design has weights for, by asking for them all."""
    target, care = spec.patterns[0].targets, spec.patterns[0].care
    rasters = [np.array(bins).reshape(target.shape) for bins in itertools.product([False, True], repeat=target.size)]
    for raster in sorted(rasters, key=lambda raster: int(((raster != target) & care).sum())):
        everywhere = sp.Spec([sp.Pattern(spec.patterns[0].inputs, raster)], spec.delays, recurrent=spec.recurrent)
        if not design(everywhere).conflicts:
            return int(((raster != target) & care).sum())
    raise AssertionError("silence can always be built")


def check_report(spec: sp.Spec, result: sp.CompileResult) -> None:
    """Compare everything that is said about wrong bins with what plain integers do."""
    wrong: dict[int, set[tuple[int, int, str]]] = {}
    for index, pattern in enumerate(spec.patterns):
        spikes = np.array(plain_run(result.program, pattern.inputs).spikes)
        assert np.array_equal(spikes, result.chosen[index])
        for tick, output in np.argwhere((spikes != pattern.targets) & pattern.care).tolist():
            kind = "missing" if pattern.targets[tick, output] else "extra"
            wrong.setdefault(output, set()).add((index, tick, kind))
    report = result.report
    assert {deviation.output: set(deviation.wrong) for deviation in report.deviations} == wrong
    assert report.wrong_bins == sum(map(len, wrong.values())) >= report.at_least
    assert report.status == ("closest" if wrong else "exact")
    for neuron in report.neurons:
        assert neuron.wrong_bins == len(wrong.get(neuron.output, ()))
        assert (neuron.status == "closest") == (neuron.output in wrong)
    for deviation in report.deviations:
        for distance, pattern, spikes in zip(deviation.distances, spec.patterns, result.chosen, strict=True):
            trains = ((raster & pattern.care)[:, deviation.output] for raster in (spikes, pattern.targets))
            assert distance == sp.victor_purpura(*trains)


TINY = [
    *[{"seed": seed} for seed in range(8)],
    *[{"seed": seed, "care": 0.7} for seed in range(4)],
    *[{"seed": seed, "ticks": 4, "outputs": 2, "recurrent": True} for seed in range(4)],
]


@pytest.mark.parametrize("options", TINY, ids=str)
def test_no_raster_is_nearer(options: dict[str, Any]) -> None:
    spec = random_spec(**options)
    result = sp.compile(spec, on_infeasible="closest")
    check_report(spec, result)
    assert result.report.wrong_bins == fewest_wrong(spec)
    assert result.report.at_least == result.report.wrong_bins


@pytest.mark.parametrize("recurrent", [False, True])
@pytest.mark.parametrize("seed", [1, 2, 3])  # seed 0 searches ten times as long
def test_the_report_tells_what_is_wrong(seed: int, recurrent: bool) -> None:
    spec = overloaded(seed, recurrent=recurrent)
    with pytest.raises(sp.InfeasibleError):
        sp.compile(spec)
    result = sp.compile(spec, on_infeasible="closest")
    check_report(spec, result)
    silence = sum(int(pattern.targets.sum()) for pattern in spec.patterns)
    assert 0 < result.report.wrong_bins < silence
    assert json.loads(json.dumps(result.report.as_dict()))["wrong_bins"] == result.report.wrong_bins


@pytest.mark.parametrize("name", ["several_patterns", "recurrent", "care_mask"])
def test_what_can_be_built_is_built(name: str) -> None:
    spec = CASES[name]()
    result = sp.compile(spec, on_infeasible="closest")
    assert (result.report.status, result.report.deviations, result.report.at_least) == ("exact", (), 0)
    assert np.array_equal(result.program.weight, sp.compile(spec).program.weight)


def test_it_serves_where_only_the_integers_fail() -> None:
    """A threshold of 1 must tell 1 + 1/64 from 1: real weights do, integers cannot."""
    inputs, targets = np.zeros((60, 1), dtype=bool), np.zeros((60, 1), dtype=bool)
    inputs[0] = targets[40] = True
    dynamics = sp.Dynamics(potential_decay=0, current_decay=40)
    spec = sp.Spec([sp.Pattern(inputs, targets)], delays=[1], threshold=1, dynamics=dynamics)
    with pytest.raises(sp.InfeasibleError):
        sp.compile(spec)
    result = sp.compile(spec, on_infeasible="closest")
    check_report(spec, result)
    assert result.report.at_least == 0 < result.report.wrong_bins == 1


def test_it_ends_where_a_fixed_bias_fires_on_its_own() -> None:
    """No input, and a bias that reaches the threshold at every second tick: silence is not to be had."""
    inputs = np.zeros((8, 1), dtype=bool)
    spec = sp.Spec([sp.Pattern(inputs, inputs)], threshold=100, bias=64 * 63)
    result = sp.compile(spec, on_infeasible="closest")
    check_report(spec, result)
    assert result.report.wrong_bins == result.report.at_least == 4


@pytest.mark.parametrize("recurrent", [False, True])
def test_the_program_does_not_depend_on_the_executor(recurrent: bool, tmp_path: Path) -> None:
    spec = overloaded(1, recurrent=recurrent)
    executors: list[Executor | None] = [None, ThreadPoolExecutor(2)]
    if not recurrent:
        executors.append(ProcessPoolExecutor(2, mp_context=get_context("spawn")))
    files = []
    for index, executor in enumerate(executors):
        sp.compile(spec, on_infeasible="closest", executor=executor).program.save(tmp_path / f"{index}.snnp")
        files.append((tmp_path / f"{index}.snnp").read_bytes())
        if executor is not None:
            executor.shutdown()
    assert len(set(files)) == 1


def test_progress_is_told() -> None:
    calls: list[tuple[str, int, int]] = []
    sp.compile(overloaded(1), on_infeasible="closest", progress=lambda *call: calls.append(call))
    done = [call for call in calls if SEARCHING not in call[0]]
    assert done[:4] == [(step, done, 2) for step in ("design", "closest") for done in (1, 2)]
    assert {step for step, _, _ in done[4:]} <= {"closest", "repair"}


@pytest.mark.parametrize("answer", ["nearest", None, True])
def test_bad_questions(answer: Any) -> None:
    with pytest.raises(sp.SpecError, match=f"on_infeasible must be 'raise' or 'closest', got {answer!r}"):
        sp.compile(CASES["relay"](), on_infeasible=answer)


@pytest.mark.parametrize("recurrent", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_a_refusal_holds_for_every_raster_with_the_same_ground(seed: int, recurrent: bool) -> None:
    """Change the other bins at random, and ask a judge that has refused nothing yet."""
    generator = np.random.default_rng(seed)
    spec = random_spec(seed, ticks=14, outputs=2 if recurrent else 1, recurrent=recurrent)
    search = Search(Judge(Task.of(spec), range(spec.n_outputs)), WrongBinCosts())
    search.run()
    refusals = search.judge.refusals
    assert refusals
    for raster, verdict in refusals[:10]:
        assert (verdict.prices > 0.0).any()
        for _ in range(4):
            other = np.where(verdict.ground, raster, generator.random(raster.shape) < 0.3)
            assert not Judge(Task.of(spec), range(spec.n_outputs)).verdict(other).is_feasible


@pytest.mark.parametrize("seed", range(4))
def test_what_runs_freely_can_be_built(seed: int) -> None:
    spec = overloaded(seed)
    problem = Judge(Task.of(spec), [0]).problems(np.concatenate([pattern.targets[:, :1] for pattern in spec.patterns]))[
        0
    ]
    look = fitted(problem.idealised(0), np.ones_like(problem.raster))
    assert look.wrong == int((look.raster != problem.raster).sum())
    assert np.array_equal(free_run(problem, look.weights, threshold=look.threshold, bias=look.bias), look.raster)
    chosen = with_targets(spec, [0], look.raster[:, None])
    assert not [conflict for conflict in design(chosen).conflicts if conflict.neuron == 0]


def test_a_closed_loop_is_its_neurons_running_freely_on_its_spikes() -> None:
    spec = overloaded(2, recurrent=True)
    problems = Judge(Task.of(spec), range(2)).problems(np.zeros((28, 2), dtype=bool))
    mapping, inputs = problems[0].potential_map, np.concatenate([pattern.inputs for pattern in spec.patterns])
    weights = np.random.default_rng(5).normal(1.0, 1.0, size=(2, mapping.n_taps))
    thresholds, biases = np.array([0.4, 0.6]), np.array([0.1, -0.05])
    spikes = closed_loop(mapping, inputs, weights=weights, thresholds=thresholds, biases=biases)
    assert spikes.any(axis=0).all()
    for index, problem in enumerate(Judge(Task.of(spec), range(2)).problems(spikes)):
        alone = free_run(problem, weights[index], threshold=thresholds[index], bias=biases[index])
        assert np.array_equal(alone, spikes[:, index])


def test_the_closest_program_keeps_to_noise_or_says_that_it_cannot() -> None:
    inputs = np.zeros((6, 1), dtype=bool)
    inputs[1] = True
    targets = np.zeros((6, 1), dtype=bool)
    targets[[0, 3]] = True
    noisy = sp.Spec([sp.Pattern(inputs, targets)], noise=3.0)
    result = sp.compile(noisy, on_infeasible="closest")
    assert result.report.wrong_bins == 2
    assert all(neuron.noise is not None and neuron.noise >= 3.0 for neuron in result.report.neurons)
    low = sp.Spec([sp.Pattern(inputs, targets)], noise=3.0, threshold=1)
    with pytest.raises(
        sp.QuantizationError, match=r"output 0 must tolerate noise of 3 LSBs in integers, got 1; lower noise"
    ):
        sp.compile(low, on_infeasible="closest")


def test_the_closest_program_is_sparse_where_that_is_asked_for() -> None:
    generator = np.random.default_rng(3)
    inputs, targets = generator.random((60, 8)) < 0.1, generator.random((60, 1)) < 0.1
    targets[0] = True
    plain = sp.Spec([sp.Pattern(inputs, targets)], [1, 2, 3])
    many = sp.compile(plain, on_infeasible="closest")
    few = sp.compile(replace(plain, sparse=True), on_infeasible="closest")
    assert few.report.status == many.report.status == "closest"
    assert few.report.wrong_bins == many.report.wrong_bins
    assert few.report.synapses < many.report.synapses


def fewest_wrong_by_trying(spec: sp.Spec, most: int) -> int:
    """Return the fewest wrong bins of real weights on so many taps, by trying every raster and every set of taps."""
    (pattern,) = spec.patterns
    target, gamma = pattern.targets[:, 0], float(spec.linear_rule.potential)
    arriving = np.vstack([np.zeros((1, spec.n_inputs)), pattern.inputs[:-1]])
    best = int(target.sum())
    for spikes in itertools.product([False, True], repeat=len(target)):
        wrong = int((np.array(spikes) != target).sum())
        rows = np.zeros(arriving.shape, dtype=np.float64)
        for tick, row in enumerate(arriving):
            rows[tick] = row + (gamma * rows[tick - 1] if tick and not spikes[tick - 1] else 0.0)
        if wrong < best and any(
            _is_separable(rows[:, list(taps)], np.array(spikes))
            for taps in itertools.combinations(range(spec.n_inputs), most)
        ):
            best = wrong
    return best


def _is_separable(rows: Floats, spikes: Raster) -> bool:
    """Return whether weights and a threshold from 0 separate spikes from silences, of a neuron that forgets at once."""
    signs = np.where(spikes, 1.0, -1.0)[:, None]
    found = linprog(
        np.zeros(rows.shape[1] + 1),
        -np.hstack([rows, -np.ones((len(rows), 1))]) * signs,
        np.where(spikes, -1.0, 0.0),
        bounds=[(None, None)] * rows.shape[1] + [(0, None)],
    )
    return bool(found.status == 0)


@pytest.mark.parametrize("seed", range(8))
def test_the_closest_program_keeps_to_a_fan_in_and_is_the_nearest(seed: int) -> None:
    generator = np.random.default_rng(seed)
    inputs, targets = generator.random((7, 3)) < 0.5, generator.random((7, 1)) < 0.4
    targets[0] = False
    spec = sp.Spec([sp.Pattern(inputs, targets)], fan_in=seed % 3)
    fewest = fewest_wrong_by_trying(spec, seed % 3)
    result = sp.compile(spec, on_infeasible="closest")
    assert result.program.n_synapses <= seed % 3
    assert result.report.at_least <= fewest <= result.report.wrong_bins
    assert result.report.wrong_bins == fewest
    assert sp.verify(result.program, spec).backends["kernel"].wrong_bins == result.report.wrong_bins


# ---------------------------------------------------------------- programs that fit

# What is nearest with any weights leaves the range in which all runtimes agree: a high threshold that is fixed asks for
# weights whose sum is beyond it.
OVERRUNS = {
    "arrivals": (7, (12, 2), sp.Dynamics(0, 4095), 0, False),
    "potential": (0, (6, 2), sp.Dynamics(20, 20), 32_000, False),
    "recurrent": (7, (12, 2), sp.Dynamics(0, 4095), 0, True),
}


@pytest.mark.parametrize(("seed", "shape", "dynamics", "bias", "recurrent"), OVERRUNS.values(), ids=OVERRUNS)
def test_the_closest_program_fits_the_chip(
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
    shape: tuple[int, int],
    dynamics: sp.Dynamics,
    bias: int,
    recurrent: bool,
) -> None:
    generator = np.random.default_rng(seed)
    pattern = sp.Pattern(generator.random(shape) < 0.8, generator.random((shape[0], 1)) < 0.4)
    spec = sp.Spec([pattern], [1, 2], threshold=131071, dynamics=dynamics, bias=bias, recurrent=recurrent)
    result = sp.compile(spec, on_infeasible="closest")
    traces = [sp.run(result.program, pattern.inputs, record="state")]
    assert traces[0].excursion is None
    assert result.report.wrong_bins == int((traces[0].spikes != pattern.targets).sum()) > 0
    monkeypatch.setattr("snnprog.compiler.steps.SMALLER_WEIGHTS", ())
    assert sp.compile(spec, on_infeasible="closest").program.n_synapses == 0, "the largest weights fit anyway"


@pytest.mark.parametrize("bias", [524160, -524160])
def test_what_a_bias_alone_drives_beyond_the_chip_has_no_nearest(bias: int) -> None:
    silence = sp.Pattern(np.zeros((20, 1), dtype=bool), np.zeros((20, 1), dtype=bool))
    spec = sp.Spec([silence], [1], threshold=131071, dynamics=sp.Dynamics(0, 4095), bias=bias)
    with pytest.raises(
        sp.LimitError, match=r"where all runtimes agree, got -?8910720; leave the threshold and the bias free"
    ):
        sp.compile(spec, on_infeasible="closest")


def test_a_program_without_synapses_fits_where_no_other_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snnprog.compiler.steps.SMALLER_WEIGHTS", ())
    seed, shape, dynamics, _, _ = OVERRUNS["arrivals"]
    generator = np.random.default_rng(seed)
    pattern = sp.Pattern(generator.random(shape) < 0.8, generator.random((shape[0], 1)) < 0.4)
    result = sp.compile(sp.Spec([pattern], [1, 2], threshold=131071, dynamics=dynamics), on_infeasible="closest")
    assert result.report.wrong_bins == pattern.targets.sum()
    assert result.program.n_synapses == 0
