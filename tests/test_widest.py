"""``compile(widest=True)``: the widest margin of real weights, against another solver, under all options."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import FILES, Command
from scipy.optimize import linprog

import snnprog as sp
from snnprog import cli

MILLIONTH = 1e-6


def widest_by_another_solver(spec: sp.Spec) -> float:
    """Return the widest margin of one output that adds up its arrivals, and forgets them with each spike.

    The margin at a tick is the potential's distance from the threshold, divided by twice what rounding can move:
    half a step of the weights' grid for each arrival, and half an LSB of the threshold.
    """
    ranges, (pattern,) = spec.chip.weight_ranges, spec.patterns
    arrived, counts, signs = np.zeros((len(spec.delays), spec.n_inputs)), [], []
    for tick, is_spike in enumerate(pattern.targets[:, 0]):
        for place, delay in enumerate(spec.delays):
            if tick >= delay:
                arrived[place] += pattern.inputs[tick - delay]
        counts.append(arrived.ravel().copy())
        signs.append(1.0 if is_spike else -1.0)
        arrived *= not is_spike
    rows, sign, found = np.array(counts), np.array(signs)[:, None], []
    for exponent in spec.chip.design_exponents:
        step = 2.0**exponent
        slack = step * rows.sum(axis=1, keepdims=True) + 1.0
        ends = step * ranges.inhibitory[0], step * ranges.excitatory[1]
        answer = linprog(
            np.eye(1, rows.shape[1] + 2, rows.shape[1] + 1)[0] * -1.0,
            A_ub=np.hstack([-sign * rows, sign, slack]),
            b_ub=np.zeros(len(rows)),
            bounds=[*[ends] * rows.shape[1], spec.chip.thresholds, (None, None)],
        )
        found.append(-float(answer.fun))
    return max(found)


def random_spec(seed: int, **options: Any) -> sp.Spec:
    """Return 12 inputs and two outputs that spike now and then."""
    generator = np.random.default_rng(seed)
    inputs, targets = generator.random((16, 12)) < 0.25, generator.random((16, 2)) < 0.1
    targets[:2] = False
    return sp.Spec([sp.Pattern(inputs, targets)], **options)


@pytest.mark.parametrize("seed", range(6))
def test_another_solver_finds_the_same_margin(seed: int) -> None:
    generator = np.random.default_rng(seed)
    inputs, targets = generator.random((30, 5)) < 0.3, generator.random((30, 1)) < 0.15
    targets[:2] = False
    spec = sp.Spec([sp.Pattern(inputs, targets)], delays=(1, 2, 3), dynamics=sp.Dynamics(0, 4095))
    (neuron,) = sp.compile(spec, widest=True).report.neurons
    assert neuron.design_margin == pytest.approx(widest_by_another_solver(spec), rel=2 * MILLIONTH)
    assert neuron.design_bound == pytest.approx(neuron.design_margin, rel=2 * MILLIONTH)
    (ordinary,) = sp.compile(spec).report.neurons
    assert ordinary.design_margin <= neuron.design_margin * (1.0 + MILLIONTH)


LOIHI: list[dict[str, Any]] = [
    {},
    {"sparse": True},
    {"fan_in": 12},
    {"window": (1, 1)},
    {"noise": 2},
    {"recurrent": True},
    {"refractory": 2},
    {"bias": "free"},
    {"weight_bits": 3},
]


@pytest.mark.parametrize("options", [*LOIHI, *({"chip": "xylo", **each} for each in LOIHI if "refractory" not in each)])
def test_no_margin_is_less_and_the_spikes_stay_right(options: dict[str, Any]) -> None:
    delays = (1,) if options.get("chip") == "xylo" else (1, 2, 3, 4)
    for seed in range(20):
        spec = random_spec(seed, delays=delays, **options)
        try:
            ordinary = sp.compile(spec)
        except (sp.InfeasibleError, sp.UndecidedError):
            continue
        wide = sp.compile(spec, widest=True)
        assert sp.verify(wide.program, spec).exact
        for one, other in zip(ordinary.report.neurons, wide.report.neurons, strict=True):
            assert other.design_margin >= one.design_margin * (1.0 - MILLIONTH)
            if other.status == "certified":
                assert other.design_margin >= other.design_bound * (1.0 - 2 * MILLIONTH)
        break
    else:
        pytest.fail("none of the specs has a program")


def test_large_neurons_too() -> None:
    """An interior point method decides; the relaxation alone would end at once."""
    generator = np.random.default_rng(0)
    inputs, targets = generator.random((600, 20)) < 0.1, generator.random((600, 1)) < 0.1
    targets[:5] = False
    spec = sp.Spec([sp.Pattern(inputs, targets)], delays=range(1, 16))
    (ordinary,), (wide,) = (sp.compile(spec, widest=each).report.neurons for each in (False, True))
    assert ordinary.design_margin < 0.9 * wide.design_margin
    assert wide.design_margin >= wide.design_bound * (1.0 - 2 * MILLIONTH)


def test_hidden_neurons_stay() -> None:
    ordinary, wide = (
        sp.compile(sp.specs.truth_table({(0, 1): 1, (1, 0): 1, (1, 1): 0}), widest=each) for each in (False, True)
    )
    assert wide.program.n_neurons == ordinary.program.n_neurons > 1
    assert wide.report.neurons[0].design_margin >= ordinary.report.neurons[0].design_margin


def test_time_limits_and_workers_do_not_change_the_program(tmp_path: Path) -> None:
    spec, files = random_spec(0, delays=(1, 2, 3)), [tmp_path / "a.snnp", tmp_path / "b.snnp"]
    with ThreadPoolExecutor(2) as pool:
        results = sp.compile(spec, widest=True), sp.compile(spec, widest=True, time_limit_s=60.0, executor=pool)
    for result, file in zip(results, files, strict=True):
        assert result.report.ended_by_time == ()
        result.program.save(file)
    assert files[0].read_bytes() == files[1].read_bytes()


def test_perturbations_are_another_goal() -> None:
    spec = random_spec(0, delays=(1, 2, 3), robust=sp.Robust(missing=1))
    with pytest.raises(sp.SpecError, match="widest is for specs without robust"):
        sp.compile(spec, widest=True)


def test_the_command_line(command: Command, tmp_path: Path) -> None:
    margins = []
    for words in ([], ["--widest"]):
        code, out, _ = command("compile", FILES / "SPEC.toml", "-o", tmp_path / "p.snnp", "--json", *words)
        assert code == cli.EXACT
        (neuron,) = json.loads(out)["neurons"]
        margins.append(neuron["design_margin"])
    assert margins[0] <= margins[1]
    assert "widest" in json.loads(out)["seconds"]
