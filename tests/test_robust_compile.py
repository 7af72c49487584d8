"""Specs with perturbations: programs that hold under all of them, and proofs that none does."""

from __future__ import annotations

import copy
import itertools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import Command
from robust_files import write_spec

import snnprog as sp
from snnprog import check_proof
from snnprog.arrays import Raster
from snnprog.errors import InfeasibleError, SnnprogError
from snnprog.robustness.perturbation import every_perturbation
from snnprog.simulate.reference import run_observed
from snnprog.spec.document import spec_to_data


def ordered(lines: int = 3, *, gap: int = 5, jitter: int = 2, **options: Any) -> sp.Spec:
    """Return the spec of a detector of an order, which answers to a clock."""
    ticks = gap * lines + 8
    inputs, targets = np.zeros((2, ticks, lines + 1), bool), np.zeros((2, ticks, 1), bool)
    for line in range(lines):
        inputs[0, 3 + gap * line, line] = True
        inputs[1, 3 + gap * (lines - 1 - line), line] = True
    inputs[:, 3 + gap * lines, lines] = True
    targets[0, 4 + gap * lines] = True
    robust = sp.Robust(jitter=jitter, exempt=(lines,))
    patterns = [sp.Pattern(i, t) for i, t in zip(inputs, targets, strict=True)]
    given: dict[str, Any] = {"delays": range(1, 17), "robust": robust} | options
    return sp.Spec(patterns, **given)


def all_outputs_right(program: sp.Program, spec: sp.Spec, robust: sp.Robust) -> bool:
    for pattern in spec.patterns:
        inputs = [each.of(pattern.inputs) for each in every_perturbation(pattern.inputs, robust)]
        rasters, excursion = run_observed(program, inputs)
        assert excursion is None
        outputs: list[Raster] = [raster[:, program.outputs] for raster in rasters]
        if any(((raster != pattern.targets) & pattern.care).any() for raster in outputs):
            return False
    return True


def test_a_program_is_right_for_every_perturbation() -> None:
    spec = ordered()
    assert spec.robust is not None
    plain = sp.compile(sp.Spec(spec.patterns, spec.delays)).program
    assert not all_outputs_right(plain, spec, spec.robust)
    result = sp.compile(spec)
    assert result.report.robustness is not None
    assert result.report.robustness.holds
    assert all_outputs_right(result.program, spec, spec.robust)
    assert sp.verify(result.program, spec).exact
    assert result.network.neurons[0].raster.size == sum(pattern.ticks for pattern in spec.patterns)


def clocked_patterns() -> list[sp.Pattern]:
    """Return 30 random patterns of 23 lines and a clock, which asks for an answer in half of them."""
    rng, patterns = np.random.default_rng(0), []
    for _ in range(30):
        inputs, targets = rng.random((60, 24)) < 0.02, np.zeros((60, 1), bool)
        inputs[:, -1] = False
        inputs[50, -1] = True
        targets[51, 0] = rng.random() < 0.5
        patterns.append(sp.Pattern(inputs, targets))
    return patterns


def test_worst_cases_that_take_too_large_linear_programs_are_undecided() -> None:
    robust = sp.Robust(jitter=1, missing=1, extra=1, weights=0.02, exempt=(23,))
    with pytest.raises(sp.UndecidedError, match="worst cases take linear programs that are too large; lower jitter"):
        sp.compile(sp.Spec(clocked_patterns(), range(1, 17), robust=robust))


def test_rows_that_later_rows_undo_are_met_again() -> None:
    """A search that took rows as met too early lost this program; its first answers were wrong rows."""
    spec = sp.Spec(clocked_patterns(), range(1, 17), robust=sp.Robust(jitter=2, exempt=(23,)))
    verdict = sp.compile(spec, time_limit_s=120).report.robustness
    assert verdict is not None
    assert verdict.holds


def drawn_spec(seed: int) -> sp.Spec:
    rng = np.random.default_rng(seed)
    patterns = []
    for _ in range(2):
        inputs, targets = rng.random((7, 3)) < 0.2, rng.random((7, 1)) < 0.2
        targets[:2] = False
        patterns.append(sp.Pattern(inputs, targets))
    robust = sp.Robust(jitter=seed % 2, missing=int(seed % 3 == 0), extra=int(seed % 5 == 0))
    return sp.Spec(patterns, delays=range(1, 5), robust=robust)


@pytest.mark.parametrize("seed", range(24))
def test_verdicts_agree_with_all_perturbations_written_out(seed: int) -> None:
    """The same spec with a pattern for each perturbation has a program exactly where this one has."""
    spec = drawn_spec(seed)
    if spec.robust is None:
        return
    written = [
        sp.Pattern(inputs, pattern.targets)
        for pattern in spec.patterns
        for inputs in {
            each.tobytes(): each
            for each in (one.of(pattern.inputs) for one in every_perturbation(pattern.inputs, spec.robust))
        }.values()
    ]
    proof, program = None, None
    try:
        program = sp.compile(spec).program
    except InfeasibleError as error:
        proof = dict(error.proof)
    if program is not None:
        assert all_outputs_right(program, spec, spec.robust)
        return
    assert check_proof.check(spec_to_data(spec), proof) is None
    with pytest.raises(SnnprogError):
        sp.compile(sp.Spec(written, spec.delays))


def refuted() -> tuple[sp.Spec, InfeasibleError]:
    """Return a spec that no program meets under perturbations, though one does without them."""
    inputs, targets = np.zeros((10, 1), bool), np.zeros((10, 1), bool)
    inputs[3], targets[5] = True, True
    spec = sp.Spec([sp.Pattern(inputs, targets)], range(1, 5), robust=sp.Robust(jitter=1))
    assert sp.compile(sp.Spec(spec.patterns, spec.delays)).report.status == "exact"
    with pytest.raises(InfeasibleError) as caught:
        sp.compile(spec)
    return spec, caught.value


def test_a_refusal_names_the_perturbed_inputs() -> None:
    _, error = refuted()
    assert "under perturbed inputs" in str(error)
    assert "input 0 moved from tick 3 to" in str(error)


def test_a_proof_is_checked_by_the_stand_alone_checker(tmp_path: Path) -> None:
    spec, error = refuted()
    (tmp_path / "s.json").write_text(json.dumps(spec_to_data(spec)), encoding="ascii")
    (tmp_path / "p.json").write_text(json.dumps(dict(error.proof)), encoding="ascii")
    checker = [sys.executable, check_proof.__file__, "s.json", "p.json"]
    done = subprocess.run(checker, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == "the proof holds: no program satisfies the specification\n"
    assert done.returncode == 0


def spoiled(proof: dict[str, Any], name: str, value: list[list[int]]) -> dict[str, Any]:
    other = copy.deepcopy(proof)
    other["perturbed"][0][name] = value
    return other


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("moved", [[0, 3, 5]], "a spike of line 0 moves from tick 3 to 5"),
        ("moved", [[0, 2, 3]], "line 0 has no spike at tick 2, or it is changed twice"),
        ("moved", [[0, 3, 4], [0, 3, 2]], "line 0 has no spike at tick 3, or it is changed twice"),
        ("missing", [[0, 3]], "too many spikes are missing or added"),
        ("added", [[0, 7]], "too many spikes are missing or added"),
    ],
)
def test_forbidden_perturbations_are_rejected(name: str, value: list[list[int]], reason: str) -> None:
    spec, error = refuted()
    proof = spoiled(dict(error.proof), "moved", []) if name != "moved" else dict(error.proof)
    fault = check_proof.check(spec_to_data(spec), spoiled(proof, name, value))
    assert fault == f"perturbation 0 is not allowed: {reason}"


def test_exempt_lines_are_rejected_in_a_proof() -> None:
    spec, error = refuted()
    document = spec_to_data(spec)
    document["robust"] = {"jitter": 1, "missing": 0, "extra": 0, "exempt": [0]}
    assert check_proof.check(document, dict(error.proof)) == "perturbation 0 is not allowed: line 0 is exempt"


def test_a_proof_without_its_perturbations_does_not_hold() -> None:
    spec, error = refuted()
    proof = dict(error.proof) | {"perturbed": []}
    with pytest.raises(check_proof.BadFileError, match="pattern of a row"):
        check_proof.check(spec_to_data(spec), proof)
    plain = spec_to_data(sp.Spec(spec.patterns, spec.delays))
    plain["digest"] = error.proof["spec"]
    fault = check_proof.check(plain, dict(error.proof))
    assert fault is not None
    assert fault.startswith("perturbation 0 is not allowed")


@pytest.mark.parametrize("data", [{}, [{}], [{"pattern": 9}], [{"pattern": 0, "moved": [[0, 3]]}], [[]], None])
def test_damaged_perturbations_are_reported(data: object) -> None:
    spec, error = refuted()
    with pytest.raises(check_proof.BadFileError):
        check_proof.check(spec_to_data(spec), dict(error.proof) | {"perturbed": data})


@pytest.mark.parametrize(
    "options",
    [
        {"window": (1, 1)},
        {"hidden": "auto"},
        {"recurrent": True},
        {"sparse": True},
        {"fan_in": 6},
        {"weight_bits": 4},
        {"noise": 2.0},
        {"refractory": 2},
        {"threshold": 500},
        {"bias": "free"},
        {"signs": [0, 0, 0, 1]},
        {"chip": "fpga-subtract"},
    ],
    ids=str,
)
def test_other_options_go_with_perturbations(options: dict[str, Any]) -> None:
    spec = ordered(jitter=1, **options)
    result = sp.compile(spec)
    assert result.report.robustness is not None
    assert result.report.robustness.holds
    assert sp.verify(result.program, spec).exact


def test_several_outputs_with_bins_that_do_not_count() -> None:
    spec = ordered(jitter=1)
    patterns = []
    for pattern in spec.patterns:
        targets = np.concatenate([pattern.targets, pattern.targets[:, ::-1]], axis=1)
        care = np.ones_like(targets)
        care[:4] = False
        patterns.append(sp.Pattern(pattern.inputs, targets, care))
    result = sp.compile(sp.Spec(patterns, spec.delays, robust=spec.robust))
    assert result.report.robustness is not None
    assert result.report.robustness.holds


def test_the_closest_program_has_a_verdict() -> None:
    spec, _ = refuted()
    report = sp.compile(spec, on_infeasible="closest").report
    assert report.status == "exact"
    assert report.robustness is not None
    assert report.robustness.verdict == "violated"


def test_on_the_command_line(command: Command, tmp_path: Path) -> None:
    spec = ordered()
    path, program, plain = write_spec(tmp_path, spec), tmp_path / "p.snnp", tmp_path / "plain.snnp"
    code, text, _ = command("compile", path, "-o", program)
    assert code == 0
    assert "holds under jitter 2, exempt 3" in text
    code, text, _ = command("verify", program, path)
    assert code == 0
    assert "holds under jitter 2, exempt 3" in text
    assert json.loads(command("verify", program, path, "--json")[1])["robustness"]["verdict"] == "holds"
    sp.compile(sp.Spec(spec.patterns, spec.delays)).program.save(plain)
    code, text, _ = command("verify", plain, path, "--jitter", 1, "--worst", tmp_path / "worst.npz")
    assert (code, "violated" in text) == (1, True)
    assert text.endswith(f"wrote {tmp_path / 'worst.npz'}\n")
    assert command("verify", plain, path, "--jitter", 0)[0] == 0  # takes back what the file says
    (worst,) = sp.read_rasters(tmp_path / "worst.npz")
    assert worst.shape == spec.patterns[0].inputs.shape
    for option, value in itertools.product(["--jitter", "--missing", "--extra", "--weight-error"], [-1, "x", "nan"]):
        assert command("verify", plain, path, option, value)[0] == 2
    code, _, message = command("verify", plain, path, "--exempt", "9")
    assert code == 2
    assert "exempt must name input lines from 0 to 3, got 9" in message


def test_the_page_of_a_refusal_marks_bins_in_their_own_patterns(command: Command, tmp_path: Path) -> None:
    patterns = [sp.Pattern([[True, True], [False, False]], [[False], [True]])]
    spec = sp.Spec(patterns, robust=sp.Robust(missing=2))
    explanation = sp.explain(spec)
    assert any(each.pattern >= 1 for each in explanation.verdicts[0].conflicts[0].bins)
    path = write_spec(tmp_path, spec)
    code, text, _ = command("report", path, "-o", tmp_path / "page.html")
    assert (code, text) == (3, f"Infeasible: 1 of 1 output cannot be built; wrote {tmp_path / 'page.html'}\n")
    assert "under perturbed inputs" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_a_spec_file_with_an_unknown_perturbation(command: Command, tmp_path: Path) -> None:
    path = write_spec(tmp_path, ordered())
    path.write_text(path.read_text(encoding="utf-8").replace("jitter", "jiter"), encoding="utf-8")
    code, _, message = command("compile", path, "-o", tmp_path / "p.snnp")
    assert code == 2
    assert "unknown key 'jiter' in [robust]; did you mean 'jitter'?" in message


@pytest.mark.parametrize(("option", "value"), [("--exempt", "3"), ("--worst", "worst.npz")])
def test_options_of_perturbations_need_perturbations(
    command: Command, tmp_path: Path, option: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path, program = write_spec(tmp_path, ordered()), tmp_path / "p.snnp"
    text = path.read_text(encoding="utf-8").replace("[robust]\njitter = 2\nexempt = [3]\n", "")
    path.write_text(text, encoding="utf-8")
    assert command("compile", path, "-o", program)[0] == 0
    code, _, message = command("verify", program, path, option, value)
    assert code == 2
    assert f"{option} belongs to perturbations; add --jitter" in message
    assert not (tmp_path / "worst.npz").exists()
