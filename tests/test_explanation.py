"""Explanations: what each output can do, why not, and what the proof is worth; in Python and on the command line."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
from cases import CASES
from rich.console import Console
from untyped import untyped
from verdict_specs import tiny_spec

import snnprog as sp
from snnprog import cli, explanation
from snnprog.conflict import Conflict
from snnprog.design.proofs.referee import Referee
from snnprog.explanation import INFEASIBLE, UNDECIDED, Explanation, Verdict
from snnprog.integers import CERTIFIED, EXACT, INEXACT
from snnprog.report.explanations import print_explanation
from snnprog.solver import Deadline, check_time, until

FILES = Path(__file__).resolve().parents[1] / "examples" / "spec_files"


def mixed_spec(*, recurrent: bool = False) -> sp.Spec:
    """Return four outputs: one to build, one too early, one too early after a reset, one asked for two things."""
    inputs = np.array([[1, 0], [0, 0], [0, 1], [0, 0], [0, 0]], dtype=bool)
    targets = np.zeros((5, 4), dtype=bool)
    targets[1, 0] = targets[0, 1] = targets[[1, 2], 2] = targets[3, 3] = True
    other = targets.copy()
    other[3, 3] = False
    return sp.Spec([sp.Pattern(inputs, targets), sp.Pattern(inputs, other)], recurrent=recurrent)


def test_every_output_is_explained() -> None:
    told = sp.explain(mixed_spec())
    assert [verdict.status for verdict in told.verdicts] == [CERTIFIED, INFEASIBLE, INFEASIBLE, INFEASIBLE]
    assert (told.is_feasible, told.infeasible) == (False, (1, 2, 3))
    assert all(verdict.proof is not None for verdict in told.verdicts[1:])
    reasons = [str(verdict.conflicts[0]) for verdict in told.verdicts[1:]]
    assert reasons[0].endswith("must spike at tick 0 of pattern 0, but no input has reached it since the pattern began")
    assert reasons[1].endswith("tick 2 of pattern 0, but no input has reached it since its own spike at tick 1")
    assert reasons[2] == (
        "output 3 must spike at tick 3 of pattern 0 and be silent at tick 3 of pattern 1, but what it has received by"
        " then is the same: patterns 0 and 1 are identical up to tick 3 and require different answers"
    )
    assert str(told).splitlines()[0] == "4 outputs: 3 infeasible, 1 certified"
    first, second, more, _ = str(told).splitlines()[1:]
    for place, line in ((1, first), (2, second)):
        reason = reasons[place - 1].removeprefix(f"output {place} ")
        assert line == f"output {place}: infeasible: {reason} (and 1 more conflict)"
    assert more == "and 1 more output"
    conflict = told.verdicts[3].conflicts[0]
    assert conflict.shares == (Fraction(1, 2), Fraction(1, 2))
    assert [(each.pattern, each.tick, each.is_spike) for each in conflict.bins] == [(0, 3, True), (1, 3, False)]
    assert conflict.is_minimal


def test_only_targets_and_inputs_help_where_equal_inputs_have_different_answers() -> None:
    inputs, silence = np.ones((4, 1), dtype=bool), np.zeros((4, 1), dtype=bool)
    answer = np.arange(4)[:, None] == 2
    told = sp.explain(sp.Spec([sp.Pattern(inputs, answer), sp.Pattern(inputs, silence)]))
    assert told.advice == "inputs that differ before that tick, equal targets, a window, don't-care bins"
    weaker = inputs & ~answer  # silence where more has arrived than at the spike
    told = sp.explain(sp.Spec([sp.Pattern(weaker, np.roll(answer, 1, axis=0)), sp.Pattern(inputs, silence)], signs=[1]))
    assert "other decays" in told.advice


def test_trials_that_differ_are_not_called_identical() -> None:
    inputs = np.zeros((2, 6, 1), dtype=bool)
    inputs[0, 0] = inputs[1, 1] = True
    targets = np.zeros((2, 6, 1), dtype=bool)
    targets[0, 1] = True
    spec = sp.Spec([sp.Pattern(*pair) for pair in zip(inputs, targets, strict=True)])
    (conflict,) = sp.explain(spec).verdicts[0].conflicts
    assert conflict.reason.endswith(
        "must spike at tick 1 of pattern 0 and be silent at tick 2 of pattern 1, but what it has received by then is"
        " the same"
    )


def test_an_error_carries_the_same_conflicts() -> None:
    with pytest.raises(sp.InfeasibleError) as caught:
        sp.compile(mixed_spec())
    told = sp.explain(mixed_spec())
    assert caught.value.conflicts == tuple(conflict for verdict in told.verdicts for conflict in verdict.conflicts)


@pytest.mark.parametrize("name", ["feed_forward", "recurrent", "everything", "care_mask", "dale_signs"])
def test_feasible_outputs_have_the_status_that_compile_gives(name: str) -> None:
    spec = CASES[name]()
    told = sp.explain(spec)
    assert told.is_feasible
    assert [v.status for v in told.verdicts] == [neuron.status for neuron in sp.compile(spec).report.neurons]


def test_what_compile_refutes_in_integers_is_infeasible_here() -> None:
    targets = np.zeros((3, 1), dtype=bool)
    targets[2] = True
    spec = sp.Spec([sp.Pattern(np.zeros_like(targets), targets)], dynamics=sp.Dynamics(4000, 4000), bias=640)
    with pytest.raises(sp.InfeasibleError, match="with the bias fixed") as caught:
        sp.compile(spec)
    (verdict,) = sp.explain(spec).verdicts
    assert (verdict.status, verdict.conflicts) == (INFEASIBLE, caught.value.conflicts)
    assert verdict.as_dict()["proof"] == {"cases": 1}


def coarse_spec(seed: int) -> sp.Spec:
    """Return a small spec with few weight bits, or one whose potential must come near the end of its width."""
    if seed == 0:
        lines = np.random.default_rng(1).random((11, 14)) < 0.9
        target = np.arange(11)[:, None] == 10
        return sp.Spec([sp.Pattern(lines, target)], dynamics=sp.Dynamics(5, 5), threshold=118341)
    generator = np.random.default_rng(seed)
    rasters = generator.random((6, 1)) < 0.5, generator.random((6, 2)) < 0.4, generator.random((6, 2)) < 0.9
    return sp.Spec([sp.Pattern(*rasters)], [1, 2], recurrent=seed % 2 == 0, weight_bits=1 + seed % 3)


def refusal_of(spec: sp.Spec) -> sp.SnnprogError | None:
    try:
        sp.compile(spec)
    except sp.SnnprogError as error:
        return error
    return None


@pytest.mark.parametrize("seed", range(13))
def test_explain_and_compile_agree(seed: int) -> None:
    spec = coarse_spec(seed)
    statuses, refusal = [verdict.status for verdict in sp.explain(spec).verdicts], refusal_of(spec)
    if isinstance(refusal, sp.InfeasibleError):
        refuted = {output for output, status in enumerate(statuses) if status == INFEASIBLE}
        assert {conflict.neuron for conflict in refusal.conflicts} <= refuted
    elif isinstance(refusal, (sp.QuantizationError, sp.LimitError)):
        assert INEXACT in statuses
        assert INFEASIBLE not in statuses
    else:
        assert refusal is None
        assert statuses == [neuron.status for neuron in sp.compile(spec).report.neurons]


def test_outputs_beside_infeasible_ones_in_a_loop_have_a_status() -> None:
    told = sp.explain(mixed_spec(recurrent=True))
    assert told.verdicts[0].status in (CERTIFIED, EXACT)
    assert INFEASIBLE in [verdict.status for verdict in told.verdicts]


def test_one_output_that_cannot_be_leaves_the_others_theirs() -> None:
    generator = np.random.default_rng(0)
    inputs, targets = generator.random((60, 3)) < 0.3, generator.random((60, 2)) < 0.3
    care = np.ones_like(targets)
    targets[:, 1] = False
    targets[0, 0] = care[5, 0] = False
    spec = sp.Spec([sp.Pattern(inputs, targets, care)], recurrent=True)
    with pytest.raises(sp.InfeasibleError, match="no weights let output 0"):
        sp.compile(spec)
    assert [verdict.status for verdict in sp.explain(spec).verdicts] == [INFEASIBLE, CERTIFIED]


def test_whether_hidden_neurons_help_is_what_compile_finds() -> None:
    """What explain says that no network can do, compile refuses with that reason, and it refuses nothing else."""
    told = []
    for seed in range(45):
        spec = replace(tiny_spec(seed), hidden="auto")
        (verdict,) = sp.explain(spec).verdicts
        if not verdict.conflicts:
            assert verdict.hidden is None
            continue
        told.append(verdict.hidden is True)
        assert verdict.status == (UNDECIDED if verdict.hidden is True else INFEASIBLE)
        if isinstance(verdict.hidden, Conflict):
            with pytest.raises(sp.InfeasibleError) as caught:
                sp.compile(spec)
            assert caught.value.conflicts == (verdict.hidden,), f"seed {seed}"
        else:
            with suppress(sp.SolverError):
                sp.compile(spec)
    assert min(told.count(True), told.count(False)) > 2


def test_what_hidden_neurons_cannot_do_is_told() -> None:
    spec = replace(mixed_spec(), hidden="auto")
    told = sp.explain(spec)
    assert told.verdicts[0].hidden is None
    reasons = [verdict.hidden.reason for verdict in told.verdicts[1:] if isinstance(verdict.hidden, Conflict)]
    assert len(reasons) == 2
    assert told.verdicts[2].hidden is True, "its reset does not wipe out what a hidden neuron remembers"
    assert reasons[0].endswith("but nothing can have reached it by then, not even through hidden neurons")
    assert untyped(told.as_dict())["outputs"][1]["hidden_neurons"] == {"may_help": False, "reason": reasons[0]}
    console = Console(record=True, width=300, soft_wrap=True)
    print_explanation(console, told, is_full=True)
    assert f"with hidden neurons: {reasons[0]}" in console.export_text()
    assert {verdict.hidden for verdict in sp.explain(replace(spec, hidden=0)).verdicts} == {None}


def test_hidden_neurons_without_time_are_not_spoken_of(monkeypatch: pytest.MonkeyPatch) -> None:
    def late(_: object) -> NoReturn:
        with until(Deadline(0.0, "hidden")):
            check_time()
        raise AssertionError

    monkeypatch.setattr(explanation, "histories_of", late)
    told = sp.explain(replace(mixed_spec(), hidden="auto"), time_limit_s=60.0)
    assert told.ended_by_time == ("hidden",)
    assert told.infeasible == ()
    assert [verdict.status for verdict in told.verdicts[1:]] == [UNDECIDED] * 3
    assert {verdict.hidden for verdict in told.verdicts} <= {None, True}


def test_the_command_says_that_hidden_neurons_may_help(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    inputs, targets = np.zeros((4, 1), dtype=bool), np.zeros((4, 1), dtype=bool)
    inputs[0] = targets[1] = targets[3] = True
    np.savez(tmp_path / "rasters.npz", inputs=inputs, targets=targets)
    path, patterns = (
        tmp_path / "SPEC.toml",
        '[[patterns]]\ninputs = "rasters.npz:inputs"\ntargets = "rasters.npz:targets"',
    )
    path.write_text(f'hidden = "auto"\n{patterns}\n')
    code, out, _ = run(capsys, monkeypatch, "explain", path)
    assert (code, out.splitlines()[-1]) == (
        cli.NOT_EXACT,
        "hidden neurons may help output 0; 'snnprog compile' adds them",
    )
    assert "output 0: undecided, and infeasible without hidden neurons: must spike" in out
    out = run(capsys, monkeypatch, "explain", path, "--all")[1]
    assert "hidden neurons may help output 0: no earlier input rules it out" in out
    assert "without hidden neurons: proved for all integers of the chip" in out
    (told,) = json.loads(run(capsys, monkeypatch, "explain", path, "--json")[1])["outputs"]
    assert (told["status"], told["hidden_neurons"]["may_help"]) == (UNDECIDED, True)
    assert run(capsys, monkeypatch, "compile", path, "-o", tmp_path / "P.snnp")[0] == cli.EXACT
    path.write_text(f"{patterns}\n")
    assert "hidden neurons" not in run(capsys, monkeypatch, "explain", path)[1]


def test_the_command_answers_in_five_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "rasters.npz", inputs=rng.random((60, 3)) < 0.1, targets=rng.random((60, 12)) < 0.2)
    path = tmp_path / "SPEC.toml"
    path.write_text('[[patterns]]\ninputs = "rasters.npz:inputs"\ntargets = "rasters.npz:targets"\n')
    code, out, _ = run(capsys, monkeypatch, "explain", path)
    count, first, second, more, helping = out.splitlines()
    assert (code, count) == (cli.INFEASIBLE, "12 outputs: 12 infeasible")
    assert first.startswith("output 0: infeasible: must spike at tick ")
    assert second.startswith("output 1: infeasible: must spike at tick ")
    assert more == "and 10 more outputs; --all shows every conflict, and what is proved"
    assert helping.startswith("what may help: a free bias, ")
    lines = run(capsys, monkeypatch, "explain", path, "--all")[1].splitlines()
    assert [line for line in lines if line.startswith("output ")] == [f"output {i}: infeasible" for i in range(12)]
    assert lines.count("  proved for all integers of the chip") == 12


def test_windows_are_explained_as_they_are_compiled() -> None:
    inputs = np.zeros((6, 1), dtype=bool)
    inputs[1] = True
    targets = np.zeros((6, 2), dtype=bool)
    targets[1, 0] = targets[0, 1] = True
    for window, statuses in (((0, 0), [INFEASIBLE] * 2), ((0, 1), [CERTIFIED, INFEASIBLE]), ((0, 2), [CERTIFIED] * 2)):
        told = sp.explain(sp.Spec([sp.Pattern(inputs, targets)], window=window))
        assert [verdict.status for verdict in told.verdicts] == statuses
    refused = sp.Spec([sp.Pattern(inputs, targets)], window=(0, 1))
    with pytest.raises(sp.InfeasibleError) as caught:
        sp.compile(refused)
    verdict = sp.explain(refused).verdicts[1]
    assert verdict.conflicts == caught.value.conflicts
    assert verdict.proof is not None


def test_a_fan_in_that_cannot_do_is_infeasible_here_as_in_compile(capsys: pytest.CaptureFixture[str]) -> None:
    inputs = np.array([[1, 0], [0, 1], [0, 0]], dtype=bool)
    targets = np.array([[0], [1], [1]], dtype=bool)
    spec = sp.Spec([sp.Pattern(inputs, targets)], fan_in=1)
    with pytest.raises(sp.InfeasibleError) as caught:
        sp.compile(spec)
    told = sp.explain(spec)
    assert [(v.status, v.conflicts) for v in told.verdicts] == [(INFEASIBLE, caught.value.conflicts)]
    print_explanation(Console(width=200), told, is_full=True)
    assert "proved for all integers of the chip" in capsys.readouterr().out


def clocked(window: tuple[int, int] = (0, 0)) -> sp.Spec:
    """Return a spike that only a bias can make: real thresholds can tell its tick, no integer can."""
    inputs, targets = np.zeros((3, 1), dtype=bool), np.array([[0], [0], [1]], dtype=bool)
    return sp.Spec([sp.Pattern(inputs, targets)], dynamics=sp.Dynamics(4000, 4000), bias=640, window=window)


def test_integers_that_are_proved_not_to_exist_are_infeasible_here_as_in_compile() -> None:
    with pytest.raises(sp.InfeasibleError, match="with the bias fixed") as caught:
        sp.compile(clocked())
    (verdict,) = sp.explain(clocked()).verdicts
    assert (verdict.status, verdict.conflicts) == (INFEASIBLE, caught.value.conflicts)


def test_integers_that_one_choice_of_ticks_lacks_are_found_for_another() -> None:
    spec = clocked(window=(1, 0))
    assert sp.verify(sp.compile(spec).program, spec).exact
    assert {verdict.status for verdict in sp.explain(spec).verdicts} <= {CERTIFIED, EXACT, INEXACT}


def test_a_loop_with_windows_is_explained_for_the_ticks_that_were_chosen() -> None:
    inputs, targets = np.array([[1, 0], [0, 1]], dtype=bool), np.array([[1], [0]], dtype=bool)
    spec = sp.Spec([sp.Pattern(inputs, targets)], recurrent=True, threshold=8, window=(1, 2), chip="xylo")
    assert sp.compile(spec).report.status == EXACT
    assert {verdict.status for verdict in sp.explain(spec).verdicts} <= {CERTIFIED, EXACT}


def test_what_the_time_did_not_suffice_for_is_undecided() -> None:
    told = sp.explain(mixed_spec(), time_limit_s=0)
    assert {verdict.status for verdict in told.verdicts} == {UNDECIDED}
    assert not told.is_feasible
    assert told.infeasible == ()


def test_a_proof_that_does_not_hold_is_not_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Referee, "fault", lambda referee, proof: "node 0 is planted")
    with pytest.raises(sp.UndecidedError, match="node 0 is planted"):
        sp.compile(mixed_spec())


def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: object) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["snnprog", *map(str, words)])
    with pytest.raises(SystemExit) as leaving:
        cli.main()
    printed = capsys.readouterr()
    return int(leaving.value.code or 0), printed.out, printed.err


@pytest.fixture
def impossible(tmp_path: Path) -> Path:
    (tmp_path / "SPEC.toml").write_bytes((FILES / "SPEC.toml").read_bytes())
    (tmp_path / "inputs.csv").write_bytes((FILES / "inputs.csv").read_bytes())
    (tmp_path / "targets.csv").write_text("pattern,tick,neuron\n0,0,0\n", encoding="utf-8")
    return tmp_path / "SPEC.toml"


def test_the_command_prints_conflict_bins_and_proof(
    impossible: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, err = run(capsys, monkeypatch, "explain", impossible)
    assert (code, err) == (cli.INFEASIBLE, "")
    assert "output 0: infeasible: must spike at tick 0 of pattern 0, but no input has reached it since" in out
    assert "proved for all integers of the chip" in run(capsys, monkeypatch, "explain", impossible, "--all")[1]
    code, out, _ = run(capsys, monkeypatch, "explain", impossible, "--json")
    (output,) = json.loads(out)["outputs"]
    assert code == cli.INFEASIBLE
    assert output["proof"] == {"cases": 1}
    assert output["conflicts"][0]["bins"] == [{"pattern": 0, "tick": 0, "demand": "spike", "share": "1"}]


def test_the_command_says_what_can_be_built(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, err = run(capsys, monkeypatch, "explain", FILES / "SPEC.toml")
    assert (code, err) == (cli.EXACT, "")
    assert "certified" in out
    code, out, _ = run(capsys, monkeypatch, "explain", FILES / "SPEC.toml", "--json")
    assert json.loads(out) == {
        "feasible": True,
        "outputs": [
            {
                "output": 0,
                "label": None,
                "status": "certified",
                "conflicts": [],
                "proof": None,
                "hidden_neurons": None,
            }
        ],
        "ended_by_time": [],
    }


def test_the_command_keeps_to_a_time_limit(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    code, out, _ = run(capsys, monkeypatch, "explain", FILES / "SPEC.toml", "--time-limit", 0)
    assert code == cli.NOT_EXACT
    assert out.startswith("1 output: 1 undecided (the time limit ended: design")
    assert "output 0: undecided: neither weights nor a proof was found" in out
    words = ("compile", FILES / "SPEC.toml", "-o", tmp_path / "p.snnp", "--time-limit", 0)
    code, _, err = run(capsys, monkeypatch, *words)
    assert code == cli.NOT_EXACT
    assert err.startswith("snnprog: output 0 is undecided after 0 s")


def test_what_others_may_do_in_a_loop_is_no_part_of_a_proof() -> None:
    """Output 1 can follow output 0, if that spikes where it may, although the target says it does not."""
    inputs, targets = np.zeros((4, 1), dtype=bool), np.zeros((4, 2), dtype=bool)
    care = np.ones_like(targets)
    inputs[0] = targets[2, 1] = True
    care[1, 0] = False
    spec = sp.Spec([sp.Pattern(inputs, targets, care)], recurrent=True)
    program = sp.compile(spec).program
    assert sp.run(program, inputs).spikes.tolist() == [[False, False], [True, False], [False, True], [False, False]]
    assert sp.explain(spec).is_feasible


@pytest.mark.parametrize(
    ("options", "said", "unsaid"),
    [
        ({}, ["more delays", "a window", 'hidden = "auto"'], ["less noise", "a higher fan_in", "a free threshold"]),
        ({"chip": "xylo"}, ["more inputs", "other decays"], ["more delays"]),
        ({"hidden": 2, "window": (0, 1)}, ["a free bias"], ["a window", "hidden = "]),
        ({"threshold": 10, "fan_in": 1}, ["a free threshold", "a higher fan_in"], ["more weight bits"]),
    ],
)
def test_advice_names_what_the_spec_and_its_chip_leave_open(
    options: dict[str, Any], said: list[str], unsaid: list[str]
) -> None:
    inputs, targets = (np.array([[int(bit)] for bit in bits], dtype=bool) for bits in ("100", "010"))
    advice = sp.explain(sp.Spec([sp.Pattern(inputs, targets)], [1], **options)).advice
    assert [each for each in said if each not in advice] == []
    assert [each for each in unsaid if each in advice] == []


@pytest.mark.parametrize(
    ("status", "end"),
    [
        ("undecided", "; more time may decide more)"),
        ("inexact", "; more time may decide more)"),
        ("infeasible", "; conflicts may name more spikes than they must)"),
        ("exact", "(the time limit ended: design)"),
    ],
)
def test_what_more_time_could_change_is_said(status: str, end: str) -> None:
    found = Explanation((Verdict(0, status), Verdict(1, "exact")), ("design",))
    assert str(found).splitlines()[0].endswith(end)
