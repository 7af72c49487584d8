"""Scores on held-out patterns, against counts by plain loops; and the warning about too few samples."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from command_line import FILES, Command
from untyped import untyped

import snnprog as sp
from snnprog.compiler.evidence import Evidence, evidence_of, warning_of
from snnprog.generalisation import EventRate, scored

Z = 1.959963984540054  # of a standard normal distribution, for 95 %


def random_spec(seed: int) -> sp.Spec:
    rng = np.random.default_rng(seed)
    patterns = []
    for _ in range(5):
        inputs, targets, care = rng.random((30, 12)) < 0.1, rng.random((30, 2)) < 0.1, rng.random((30, 2)) < 0.8
        targets[:8] = False
        patterns.append(sp.Pattern(inputs, targets, care))
    return sp.Spec(patterns, range(1, 9))


@pytest.mark.parametrize("seed", range(5))
def test_counts_are_those_of_a_loop(seed: int) -> None:
    spec, rng = random_spec(seed), np.random.default_rng(seed + 50)
    spikes = [pattern.targets ^ (rng.random(pattern.targets.shape) < 0.1) for pattern in spec.patterns]
    found = scored(spec, spikes, backend="kernel")
    for score in found.outputs:
        hits = misses = alarms = silent = right = 0
        for pattern, raster in zip(spec.patterns, spikes, strict=True):
            before = misses + alarms
            for tick in range(pattern.ticks):
                due, fired = bool(pattern.targets[tick, score.output]), bool(raster[tick, score.output])
                if pattern.care[tick, score.output]:
                    hits += due and fired
                    misses += due and not fired
                    alarms += fired and not due
                    silent += not due
            right += misses + alarms == before
        assert (score.hits, score.misses, score.false_alarms, score.silent) == (hits, misses, alarms, silent)
        assert (score.right_patterns, score.patterns) == (right, 5)
    assert found.wrong_bins == sum(each.misses + each.false_alarms for each in found.outputs)


def test_windows_match_spikes() -> None:
    targets = np.zeros((10, 1), bool)
    targets[5] = True
    spec = sp.Spec([sp.Pattern(np.zeros((10, 1), bool), targets)], [1], window=(1, 1))
    score = scored(spec, [np.roll(targets, 1, axis=0)], backend="kernel").outputs[0]
    assert (score.hits, score.misses, score.false_alarms) == (1, 0, 0)


@pytest.mark.parametrize(("events", "trials"), [(0, 10), (10, 10), (3, 17), (1, 14400)])
def test_intervals_are_those_of_wilson(events: int, trials: int) -> None:
    p, n = events / trials, trials
    middle, spread = p + Z**2 / (2 * n), Z * (p * (1 - p) / n + Z**2 / (4 * n**2)) ** 0.5
    low, high = ((middle + sign * spread) / (1 + Z**2 / n) for sign in (-1, 1))
    assert EventRate(events, trials).interval == pytest.approx((low, high), abs=1e-12)


def test_without_trials_nothing_is_known() -> None:
    assert (EventRate(0, 0).share, EventRate(0, 0).interval, str(EventRate(0, 0))) == (None, (0.0, 1.0), "none")


def test_verify_scores_held_out_patterns() -> None:
    spec, held_out = random_spec(1), random_spec(2)
    program = sp.compile(spec).program
    check = sp.verify(program, spec, test=held_out)
    assert check.exact
    assert check.test is not None
    traces = sp.run(program, [pattern.inputs for pattern in held_out.patterns], backend="reference")
    wrong = sum(
        int(((trace.spikes != pattern.targets) & pattern.care).sum())
        for trace, pattern in zip(traces, held_out.patterns, strict=True)
    )
    assert check.test.wrong_bins == wrong > 0
    assert "held-out patterns" in repr(check)
    own = sp.verify(program, spec, test=spec).test
    assert own is not None
    assert [each.hit_rate.share for each in own.outputs] == [1.0, 1.0]
    assert sp.verify(program, spec).test is None


def test_what_does_not_belong_together_is_refused() -> None:
    spec = random_spec(1)
    program = sp.compile(spec).program
    other = sp.Spec([sp.Pattern(np.zeros((5, 2), bool), np.zeros((5, 2), bool))], [1])
    with pytest.raises(
        sp.SpecError, match="the program must have 2 inputs as its test spec, got 12; use patterns of its own"
    ):
        sp.verify(program, spec, test=other)
    with pytest.raises(sp.SpecError, match="test must be a Spec"):
        sp.verify(program, spec, test=untyped("heldout.toml"))


def test_the_command_prints_a_table_and_json(command: Command, tmp_path: Path) -> None:
    spec, program = FILES / "SPEC.toml", tmp_path / "p.snnp"
    command("compile", spec, "-o", program)
    code, said, _ = command("verify", program, spec, "--test", spec)
    assert code == 0
    assert "held-out patterns" in said
    assert "hit rate (95 %)" in said
    answer = json.loads(command("verify", program, spec, "--test", spec, "--json")[1])
    assert answer["test"]["wrong_bins"] == 0
    assert {each["name"] for each in answer["test"]["outputs"]} == {None}
    (output,) = answer["test"]["outputs"]
    assert (output["hits"], output["misses"], output["hit_rate"]["share"]) == (1, 0, 1.0)
    page = tmp_path / "p.html"
    assert command("report", program, "--spec", spec, "--test", spec, "-o", page)[0] == 0
    assert "Held-out patterns" in page.read_text(encoding="utf-8")
    code, _, error = command("report", program, "--test", spec, "-o", page)
    assert code == 2
    assert "test belongs to spec" in error


def test_evidence_is_counted_as_by_a_loop() -> None:
    spec = random_spec(3)
    found = evidence_of(spec, [7, 7])
    for output in range(2):
        spikes = silent = 0
        for pattern in spec.patterns:
            for tick in range(pattern.ticks):
                if not pattern.care[tick, output]:
                    continue
                if pattern.targets[tick, output]:
                    spikes += 1
                else:
                    silent += any(tick >= delay and pattern.inputs[tick - delay].any() for delay in spec.delays)
        assert found[output].events == min(spikes, silent)


def test_compile_warns_of_dense_weights_on_few_samples() -> None:
    rng = np.random.default_rng(0)
    inputs = rng.random((300, 18)) < 0.15
    targets = np.zeros((300, 1), bool)
    targets[4:, 0] = inputs[1:-3, 0] & inputs[3:-1, 1]
    spec = sp.Spec([sp.Pattern(inputs, targets)], range(1, 9), dynamics=sp.Dynamics(4095, 4095))
    dense, sparse = sp.compile(spec).report, sp.compile(replace(spec, sparse=True)).report
    assert dense.warning.startswith("output 0 has ")
    assert "sparse=True" in dense.warning
    named = sp.compile(replace(spec, output_names=("stop",))).report
    assert named.warning == dense.warning.replace("output 0", "output 0 (stop)")
    assert dense.as_dict()["warning"] == dense.warning
    assert sparse.neurons[0].synapses == 2
    assert (sparse.warning, sparse.as_dict()["warning"]) == ("", None)


def test_warning_names_the_outputs() -> None:
    little = [Evidence(output, 100, 3) for output in (0, 2, 3, 5, 8, 9)]
    several = warning_of([Evidence(1, 10, 9), *little[:2]], is_sparse=False, names=("go", "wait", "stop"))
    assert several.startswith("outputs 0 (go) and 2 (stop) have 100 synapses for 3 target spikes in all ")
    assert warning_of(little, is_sparse=True).startswith("outputs 0, 2, 3, 5 and 2 more have 100 synapses for ")


def test_specs_of_every_stream_need_no_samples() -> None:
    report = sp.compile(sp.specs.coincidence(3)).report
    assert (report.evidence, report.warning) == ((), "")


def test_held_out_patterns_can_be_required(command: Command, tmp_path: Path) -> None:
    for path in FILES.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    spec, program, other = tmp_path / "SPEC.toml", tmp_path / "p.snnp", tmp_path / "other.toml"
    command("compile", spec, "-o", program)
    text = spec.read_text(encoding="utf-8")
    targets = re.search(r'targets = "(.*?)"', text)
    assert targets is not None
    lines = (tmp_path / targets[1]).read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "fewer.csv").write_text("".join(lines[:-1]), encoding="utf-8")
    other.write_text(text.replace(targets[1], "fewer.csv"), encoding="utf-8")
    assert command("verify", program, spec, "--test", other)[0] == 0
    assert command("verify", program, spec, "--test", spec, "--require-test")[0] == 0
    code, said, error = command("verify", program, spec, "--test", other, "--require-test")
    assert (code, error) == (1, "--require-test: the held-out patterns have 1 wrong bin\n")
    assert "exact on kernel" in said
    code, _, error = command("verify", program, spec, "--require-test")
    assert code == 2
    assert "--require-test needs --test HELDOUT.toml" in error


def test_scores_have_the_names_of_outputs() -> None:
    inputs = np.zeros((6, 1), dtype=bool)
    inputs[1] = True
    spec = sp.Spec([sp.Pattern(inputs, np.roll(inputs, 1, axis=0))], delays=[1], output_names=["knock"])
    scores = sp.verify(sp.compile(spec).program, spec, test=spec).test
    assert scores is not None
    assert scores.outputs[0].as_dict()["name"] == "knock"
    assert "0 (knock)" in scores.table().texts()[0]
    assert "output 0 (knock), 1 hit" in repr(scores.outputs[0])
