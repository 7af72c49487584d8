"""Weight errors in proofs, explanations under perturbations, and exempt lines by name."""

from __future__ import annotations

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
from snnprog.errors import InfeasibleError, SpecError
from snnprog.robustness.checking import check_robust
from snnprog.spec.document import spec_to_data

LIMIT, THRESHOLDS = 3, range(1, 10)


def small_program(weights: tuple[int, ...], threshold: int, *, lines: int) -> sp.Program:
    """Return a neuron with two taps: of two lines, or of one line with two delays."""
    return sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=lines,
        n_neurons=1,
        outputs=[0],
        pre=[0, lines - 1],
        post=[0, 0],
        delay=[1, 3 - lines],
        weight=list(weights),
        exponent=[0, 0],
        threshold=[threshold],
        current_decay=[4095],
        potential_decay=[205],
        bias=[0],
    )


def drawn_spec(seed: int) -> sp.Spec:
    """Return a spec that some small program meets, and weight errors under which it may not."""
    rng = np.random.default_rng(seed)
    lines = 1 + seed % 2
    weights = tuple(rng.integers(-LIMIT, LIMIT + 1, 2).tolist())
    program = small_program(weights, int(rng.integers(1, 7)), lines=lines)
    patterns = []
    for _ in range(3):
        inputs = rng.random((7, lines)) < 0.4
        patterns.append(sp.Pattern(inputs, sp.run(program, inputs).spikes))
    robust = sp.Robust(weights=float(rng.choice([0.34, 0.5, 1.0])), missing=int(seed % 4 == 3))
    return sp.Spec(patterns, range(1, 4 - lines), robust=robust, weight_limit=LIMIT)


def has_program(spec: sp.Spec) -> bool:
    """Return whether any of all small programs stays exact."""
    assert spec.robust is not None
    choices = itertools.product(range(-LIMIT, LIMIT + 1), range(-LIMIT, LIMIT + 1), THRESHOLDS)
    return any(
        check_robust(small_program((one, other), threshold, lines=spec.n_inputs), spec, spec.robust).holds
        for one, other, threshold in choices
    )


@pytest.mark.parametrize("seed", range(12))
def test_verdicts_on_weight_errors_agree_with_all_integers(seed: int) -> None:
    spec, proof, program = drawn_spec(seed), None, None
    assert spec.robust is not None
    try:
        program = sp.compile(spec).program
    except InfeasibleError as error:
        proof = dict(error.proof)
    if program is not None:
        assert check_robust(program, spec, spec.robust).holds
        return
    assert check_proof.check(spec_to_data(spec), proof) is None
    assert not has_program(spec)


def refuted_by_weights() -> tuple[sp.Spec, dict[str, Any]]:
    """Return a spec that only weight errors exclude, and the proof."""
    spec = drawn_spec(7)
    assert sp.compile(sp.Spec(spec.patterns, spec.delays, weight_limit=LIMIT)).report.status in ("exact", "certified")
    with pytest.raises(InfeasibleError, match="under every change of its weights by") as caught:
        sp.compile(spec)
    return spec, dict(caught.value.proof)


def test_a_proof_with_weight_errors_needs_them() -> None:
    spec, proof = refuted_by_weights()
    document = spec_to_data(spec)
    assert check_proof.check(document, proof) is None
    unchanged = [{name: value for name, value in each.items() if name != "weights"} for each in proof["perturbed"]]
    fault = check_proof.check(document, proof | {"perturbed": unchanged})
    assert fault is not None
    assert "these integers are not refuted" in fault
    steady = document | {"robust": {"jitter": 0, "missing": 1, "extra": 0, "exempt": []}}
    assert check_proof.check(steady, proof) is not None
    helped = document | {"may_have_hidden_neurons": True}
    fault = check_proof.check(helped, proof)
    assert fault == "perturbation 0 is not allowed: weights are changed, and those of hidden neurons as well"
    for value in (2, "1", None):
        with pytest.raises(check_proof.BadFileError):
            check_proof.check(document, proof | {"perturbed": [{**proof["perturbed"][0], "weights": value}]})


def late() -> sp.Spec:
    """Return a spec of two outputs: only the second one, which never spikes, stands jitter."""
    inputs, targets = np.zeros((10, 2), bool), np.zeros((10, 2), bool)
    inputs[3, 0], inputs[5, 1], targets[6, 0] = True, True, True
    names: dict[str, Any] = {"input_names": ["left", "right"], "output_names": ["fires", "rests"]}
    return sp.Spec([sp.Pattern(inputs, targets)], range(1, 5), robust=sp.Robust(jitter=1), **names)


def test_an_explanation_names_spikes_and_the_perturbation() -> None:
    spec = late()
    explanation = sp.explain(spec)
    refused, built = explanation.verdicts
    assert (refused.status, built.status in ("exact", "certified")) == ("infeasible", True)
    assert "under perturbed inputs" in refused.conflicts[0].reason
    assert "input 0 moved from tick 3 to 4" in refused.conflicts[0].reason
    assert check_proof.check(spec_to_data(spec), explanation.proof_data(spec)) is None
    assert explanation.infeasible == (0,)
    rests = [sp.Pattern(each.inputs, each.targets[:, 1:]) for each in spec.patterns]
    explanation = sp.explain(sp.Spec(rests, spec.delays, robust=spec.robust))
    assert explanation.is_feasible
    assert explanation.proof_data(spec) is None


def test_an_explanation_with_weight_errors_has_a_proof() -> None:
    spec, _ = refuted_by_weights()
    (verdict,) = sp.explain(spec).verdicts
    assert verdict.status == "infeasible"
    assert "all integers fail" in verdict.conflicts[0].reason


def test_a_program_that_is_robust_at_once_has_a_finite_bound() -> None:
    spec = late()
    rests = [sp.Pattern(each.inputs, each.targets[:, 1:]) for each in spec.patterns]
    report = sp.compile(sp.Spec(rests, spec.delays, robust=sp.Robust(weights=0.001))).report
    assert report.robustness is not None
    assert report.robustness.holds
    assert all(np.isfinite(neuron.design_bound) for neuron in report.neurons)


def test_exempt_lines_have_names() -> None:
    spec = late()
    named = sp.Spec(
        spec.patterns, spec.delays, robust=sp.Robust(jitter=1, exempt=(0, "right")), input_names=["a", "right"]
    )
    assert named.robust is not None
    assert named.robust.exempt == (0, 1)
    program = sp.compile(sp.Spec(spec.patterns, spec.delays, input_names=["left", "right"])).program
    found = sp.verify(program, spec, robust=sp.Robust(jitter=1, exempt=("left", "right")))
    assert found.robustness is not None
    assert found.robustness.holds
    assert found.robustness.robust.exempt == (0, 1)
    with pytest.raises(SpecError, match="exempt must be one of left, right, got 'lefd'; did you mean 'left'"):
        sp.verify(program, spec, robust=sp.Robust(jitter=1, exempt=("lefd",)))
    with pytest.raises(SpecError, match="exempt must be the number of a line, as the inputs have no names, got 'x'"):
        sp.Spec(rests_of(spec), spec.delays, robust=sp.Robust(jitter=1, exempt=("x",)))


def rests_of(spec: sp.Spec) -> list[sp.Pattern]:
    return [sp.Pattern(each.inputs, each.targets) for each in spec.patterns]


def test_the_command_line_writes_the_proof_of_an_explanation(command: Command, tmp_path: Path) -> None:
    spec = late()
    path = write_spec(tmp_path, spec)
    files = [tmp_path / "s.json", tmp_path / "p.json"]
    code, text, _ = command("explain", path, "--spec-json", files[0], "--proof", files[1])
    assert code == 3
    assert "input 0 moved from tick 3 to 4" in text
    document, proof = (json.loads(path.read_text(encoding="ascii")) for path in files)
    assert check_proof.check(document, proof) is None
    done = subprocess.run([sys.executable, check_proof.__file__, *files], capture_output=True, text=True, check=False)
    assert done.returncode == 0
