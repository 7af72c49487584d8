"""The closest program under costs, from starts, and its bound, against all integers there are."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from cases import plain_run

import snnprog as sp

FORGETFUL = sp.Dynamics(potential_decay=4095)


def small_spec(seed: int) -> sp.Spec:
    """Return two inputs with one delay, few weights and a fixed threshold, for targets that hardly follow from them."""
    generator = np.random.default_rng(seed)
    inputs, targets = generator.random((16, 2)) < 0.5, generator.random((16, 1)) < 0.35
    care = generator.random((16, 1)) < (1.0 if seed % 2 else 0.8)
    return sp.Spec([sp.Pattern(inputs, targets, care)], threshold=5, weight_limit=3)


def program_of(spec: sp.Spec, weights: tuple[int, ...], exponent: int) -> sp.Program:
    dynamics, lines = spec.dynamics, range(len(weights))
    return sp.Program.from_arrays(
        chip=spec.chip,
        n_inputs=spec.n_inputs,
        n_neurons=1,
        outputs=[0],
        pre=list(lines),
        post=[0 for _ in lines],
        weight=list(weights),
        exponent=[exponent for _ in lines],
        threshold=[5],
        current_decay=[dynamics.current_decay],
        potential_decay=[dynamics.potential_decay],
        bias=[0],
    )


def cost_of(spec: sp.Spec, program: sp.Program, miss: float, alarm: float) -> float:
    """Return the cost of the wrong bins of a program, as plain integers run it."""
    total = 0.0
    for pattern in spec.patterns:
        spikes = np.array(plain_run(program, pattern.inputs).spikes)
        total += miss * (pattern.targets & ~spikes & pattern.care).sum()
        total += alarm * (spikes & ~pattern.targets & pattern.care).sum()
    return float(total)


def every_program(spec: sp.Spec) -> Iterator[sp.Program]:
    low, high = spec.chip.exponents
    for weights in itertools.product(range(-3, 4), repeat=2):
        for exponent in range(max(low, 0), high + 1) if any(weights) else (0,):
            yield program_of(spec, weights, exponent)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("miss", "alarm"), [(1.0, 1.0), (3.0, 1.0), (1.0, 2.5)])
def test_the_cheapest_of_all_integers_is_found_and_the_bound_holds(seed: int, miss: float, alarm: float) -> None:
    spec = small_spec(seed)
    report = sp.compile(spec, on_infeasible="closest", miss_cost=miss, alarm_cost=alarm).report
    cheapest = min(cost_of(spec, program, miss, alarm) for program in every_program(spec))
    assert report.cost_at_least <= cheapest <= report.cost
    assert report.cost == cheapest


def recorded(seed: int, *, recurrent: bool = False) -> sp.Spec:
    """Return sparse spikes that do not follow from the inputs, in two patterns."""
    generator = np.random.default_rng(seed)
    patterns = [sp.Pattern(generator.random((60, 4)) < 0.15, generator.random((60, 2)) < 0.1) for _ in range(2)]
    return sp.Spec(patterns, [1, 2, 3], recurrent=recurrent)


def test_each_choice_of_costs_is_best_by_itself() -> None:
    spec = recorded(0)
    careful, eager = (sp.compile(spec, on_infeasible="closest", miss_cost=cost, alarm_cost=1.0) for cost in (0.3, 8.0))
    assert eager.report.hits > careful.report.hits
    assert eager.report.false_alarms > careful.report.false_alarms
    for own, other, miss in ((careful, eager, 0.3), (eager, careful, 8.0)):
        assert own.report.cost == pytest.approx(cost_of(spec, own.program, miss, 1.0))
        assert own.report.cost_at_least <= own.report.cost < cost_of(spec, other.program, miss, 1.0)
        due = sum(int(pattern.targets.sum()) for pattern in spec.patterns)
        assert own.report.hits + own.report.misses == due
        assert own.report.cost <= miss * due, "silence"
    data = json.loads(json.dumps(eager.report.as_dict()))
    assert (data["miss_cost"], data["alarm_cost"], data["cost"]) == (8.0, 1.0, eager.report.cost)
    assert (data["hits"], data["misses"], data["false_alarms"]) == (
        eager.report.hits,
        eager.report.misses,
        eager.report.false_alarms,
    )


@pytest.mark.parametrize("limit", [None, 0.0])
@pytest.mark.parametrize("recurrent", [False, True])
def test_the_result_is_never_worse_than_a_start(recurrent: bool, limit: float | None) -> None:
    spec = recorded(1, recurrent=recurrent)
    start = sp.compile(spec, on_infeasible="closest", miss_cost=2.0, seed=3).program
    before = cost_of(spec, start, 2.0, 1.0)
    result = sp.compile(spec, on_infeasible="closest", miss_cost=2.0, start=start, time_limit_s=limit)
    assert result.report.cost == cost_of(spec, result.program, 2.0, 1.0) <= before
    assert before < 2.0 * sum(int(pattern.targets.sum()) for pattern in spec.patterns), "better than silence"
    if recurrent or limit == 0.0:
        unaided = sp.compile(spec, on_infeasible="closest", miss_cost=2.0, time_limit_s=0.0)
        assert result.report.cost < unaided.report.cost


def large_spec() -> sp.Spec:
    """Return a sparse recording with 2000 taps, in which nothing has reached two of the spikes, in two patterns."""
    generator = np.random.default_rng(2)
    patterns = []
    for _ in range(2):
        inputs = generator.random((250, 40)) < 0.01
        inputs[:10] = False
        targets = np.zeros((250, 1), dtype=np.bool_)
        targets[[4, *generator.choice(np.arange(60, 250), 6, replace=False)]] = True
        patterns.append(sp.Pattern(inputs, targets))
    return sp.Spec(patterns, range(1, 51))


def test_all_but_the_impossible_spikes_of_a_large_recording_are_hit() -> None:
    report = sp.compile(large_spec(), on_infeasible="closest", miss_cost=1.5).report
    assert (report.hits, report.misses, report.false_alarms) == (12, 2, 0)
    assert report.cost == 3.0
    assert report.cost_at_least == 2.0, "in each pattern, at least one bin is wrong, and false alarms are cheaper"
    assert report.at_least == 2


def test_few_synapses_remain_few() -> None:
    generator = np.random.default_rng(5)
    inputs, targets = generator.random((80, 6)) < 0.15, generator.random((80, 1)) < 0.15
    patterns, delays = [sp.Pattern(inputs, targets)], [1, 2]
    free = sp.compile(sp.Spec(patterns, delays), on_infeasible="closest").report
    few = sp.compile(sp.Spec(patterns, delays, fan_in=4), on_infeasible="closest").report
    assert few.synapses <= 4
    assert free.cost <= few.cost < targets.sum()


def test_signs_are_kept() -> None:
    spec = recorded(3)
    signed = sp.Spec(spec.patterns, spec.delays, signs=(1, 1, -1, -1))
    program = sp.compile(signed, on_infeasible="closest").program
    assert program.n_synapses > 0
    assert (np.array(signed.signs)[program.pre] * program.weight >= 0).all()


def test_a_chip_that_adds_spike_by_spike_and_subtracts_is_searched_too() -> None:
    spec = sp.Spec(recorded(4).patterns, chip="xylo")
    result = sp.compile(spec, on_infeasible="closest", miss_cost=2.0)
    assert result.report.cost < 2.0 * sum(int(pattern.targets.sum()) for pattern in spec.patterns), "silence"
    assert sp.verify(result.program, spec, backends=["reference"]).backends["reference"].wrong_bins == (
        result.report.wrong_bins
    )


@pytest.mark.parametrize("name", ["miss_cost", "alarm_cost"])
@pytest.mark.parametrize("value", [0, -1.0, float("inf"), "two", None])
def test_costs_are_positive_numbers(name: str, value: Any) -> None:
    with pytest.raises(sp.SpecError, match=f"{name} must be a"):
        sp.compile(recorded(0), on_infeasible="closest", **{name: value})


def starts() -> Iterator[tuple[str, dict[str, Any]]]:
    usual: dict[str, Any] = {
        "chip": "loihi1",
        "n_inputs": 4,
        "n_neurons": 2,
        "outputs": [0, 1],
        "pre": [0, 1],
        "post": [0, 1],
        "delay": [1, 2],
        "weight": [10, -4],
        "exponent": [0, 0],
        "threshold": [25, 25],
        "current_decay": [4095, 4095],
        "potential_decay": [128, 128],
        "bias": [0, 0],
    }
    yield "its chip is loihi2", usual | {"chip": "loihi2"}
    yield "it has 3 inputs and 2 outputs, and the spec 4 and 2", usual | {"n_inputs": 3}
    yield "it has neurons that are not read out", usual | {"outputs": [0], "n_inputs": 4}
    yield "its outputs feed outputs", usual | {"pre": [0, 5]}
    yield "it has synapses with a delay of 9", usual | {"delay": [1, 9]}
    yield "current_decay is 7", usual | {"current_decay": [4095, 7]}
    yield "bias is 64", usual | {"bias": [64, 0]}
    yield "it has a weight of 200, and the spec allows 100", usual | {"weight": [200, -4]}
    yield "a weight has another sign than its line", usual | {"weight": [-10, -4]}


@pytest.mark.parametrize(("fault", "arrays"), list(starts()), ids=[fault for fault, _ in starts()])
def test_a_start_must_be_a_program_for_the_spec(fault: str, arrays: dict[str, Any]) -> None:
    spec = recorded(0)
    limited = sp.Spec(
        spec.patterns,
        spec.delays,
        dynamics=sp.Dynamics(current_decay=4095, potential_decay=128),
        weight_limit=100,
        signs=(1, -1, 1, 1),
    )
    if "not read out" in fault:
        limited = sp.Spec([sp.Pattern(each.inputs, each.targets[:, :1]) for each in spec.patterns], spec.delays)
    with pytest.raises(sp.SpecError, match=f"start must be a program for the lines and options of the spec: {fault}"):
        sp.compile(limited, on_infeasible="closest", start=sp.Program.from_arrays(**arrays))


def test_a_start_is_a_program() -> None:
    given: Any = "P.snnp"
    with pytest.raises(sp.SpecError, match="start must be a Program"):
        sp.compile(recorded(0), on_infeasible="closest", start=given)
