"""The judges of `benchmarks/promise.py` see what is wrong, and contradict nothing that is right."""

from __future__ import annotations

import contextlib
import importlib
import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import snnprog as sp
from snnprog.spec.document import spec_to_data

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks"

Loader = Callable[[str], ModuleType]


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Loader:
    """Return a function that imports a benchmark by name, as its neighbours do."""
    monkeypatch.syspath_prepend(FOLDER)
    return importlib.import_module


def teachers(module: Loader, count: int) -> list[Any]:
    """Return the first cases that a teacher does."""
    drawn = module("promise_workers").drawn(0, count, "teacher")
    return list(drawn)


def test_promise(module: Loader, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    failures = tmp_path / "failures.json"
    sizes = ("--specs", "4", "--seconds", "1", "--kind", "tiny", "--workers", "1")
    module("promise").main([*sizes, "--failures", str(failures)])
    said = capsys.readouterr().out
    assert [name in said for name in ("Outcomes of random specs", "FALSE", "Teacher specs:")] == [True] * 3
    assert isinstance(json.loads(failures.read_text(encoding="utf-8")), list)


@pytest.mark.parametrize("seed", range(0, 300, 7))
def test_a_case_is_what_its_text_says(module: Loader, seed: int) -> None:
    case = module("promise_draw").case_from_seed(seed)
    assert str(module("promise_cases").case_of(str(case))) == str(case)
    assert str(module("promise_draw").case_from_seed(seed)) == str(case)


def program_of(circuit: Any, **changes: Any) -> sp.Program:
    """Return a circuit as a program."""
    cells, synapses = circuit.cells, circuit.synapses
    given: dict[str, Any] = {
        "chip": "xylo" if circuit.chip == "xylo" else "loihi1",
        "n_inputs": circuit.n_inputs,
        "n_neurons": len(cells),
        "outputs": list(circuit.outputs),
        "pre": [each.line for each in synapses],
        "post": [each.neuron for each in synapses],
        "delay": [each.delay for each in synapses],
        "weight": [each.mantissa for each in synapses],
        "exponent": [each.exponent for each in synapses],
    }
    for name in ("threshold", "potential_decay", "current_decay", "bias", "refractory"):
        given[name] = [getattr(cell, name) for cell in cells]
    return sp.Program.from_arrays(**given | changes)


def can_be_a_program(case: Any) -> bool:
    """Return whether the teacher's wiring is the chip's own: on Xylo outputs that are heard stand twice."""
    return bool(case.teacher.synapses) and not (case.chip == "xylo" and case.option("recurrent"))


def test_the_plain_simulator_does_what_the_reference_does(module: Loader) -> None:
    run = module("promise_chips").run
    compared = 0
    for case in filter(can_be_a_program, teachers(module, 40)):
        program = program_of(case.teacher)
        for trial in case.trials:
            expected = sp.run(program, np.array(trial.inputs, dtype=bool), record="spikes").spikes
            found = [
                [row[neuron] > 0 for neuron in case.teacher.outputs] for row in run(case.teacher, trial.inputs).spikes
            ]
            assert np.array_equal(expected, np.array(found)), str(case)
            compared += expected.size
    assert compared > 500


def test_teachers_keep_to_what_their_specs_allow(module: Loader) -> None:
    complaints = module("promise_judges").complaints
    for case in filter(can_be_a_program, teachers(module, 120)):
        assert complaints(case, program_of(case.teacher)) == [], str(case)


def test_brute_force_never_refuses_what_a_teacher_does(module: Loader) -> None:
    search = module("promise_search")
    found = [search.verdict(case) for case in teachers(module, 30) if case.size == "tiny"]
    assert search.IMPOSSIBLE not in found
    assert found.count(search.POSSIBLE) > len(found) // 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Spec([P('1 1 . 1 1 . 1 . 1 1 1','. . . . . 1 . 1 . 1 1')],[1],dynamics=D(7,3),chip='xylo')", "possible"),
        ("Spec([P('1 . .','. 1 .'),P('1 . .','. . 1')],[1])", "impossible"),
        ("Spec([P('1 . .','. 1 .'),P('1 . .','. . 1')],[1],window=(0,1))", "impossible"),
        ("Spec([P('1 . .','. 1 .'),P('1 . .','. . 1')],[1],window=(0,1),dynamics=D(0,0))", "possible"),
        ("Spec([P('.','1','.')],[1],window=(0,1),recurrent=True)", "possible"),
        ("Spec([P('. .','1 .','1 .')],[1],window=(2,0))", "impossible"),
        ("Spec([P('11 .. ..','. . .')],[1,2],weight_bits=1,fan_in=3)", "possible"),
        ("Spec([P('11 ..','. 1'),P('1. ..','. .'),P('.1 ..','. .')],[1],fan_in=1,weight_bits=4)", "impossible"),
        ("Spec([P('11 ..','. 1'),P('1. ..','. .'),P('.1 ..','. .')],[1],fan_in=2,weight_bits=4)", "possible"),
        ("Spec([P('1 .','. 1')],[1],threshold=100,weight_limit=1)", "possible"),
        ("Spec([P('1 .','. 1')],[1],threshold=129,weight_limit=1)", "impossible"),
        ("Spec([P('1 .','. 1')],[1],threshold=100,weight_limit=1,noise=28)", "impossible"),
        ("Spec([P('1 .','. 1')],[1],threshold=100,weight_limit=1,noise=27.5)", "possible"),
        ("Spec([P('1 .','. 1')],[1],chip='xylo',recurrent=True,threshold=9,weight_limit=50,noise=5)", "impossible"),
        ("Spec([P('1 .','. 1')],[1],chip='xylo',recurrent=True,threshold=9,weight_limit=50,noise=4)", "possible"),
        ("Spec([P('1 .','. 1')],[1],chip='xylo',threshold=9,weight_limit=50,noise=5)", "possible"),
        ("Spec([P('1 . .','. 1 1')],[1],signs=(-1,),weight_limit=3)", "impossible"),
        ("Spec([P('1 . .','. 1 1')],[1],recurrent=True,refractory=2,weight_limit=3)", "impossible"),
        ("Spec([P('1 . .','. 1 1')],[1],recurrent=True,weight_limit=3)", "possible"),
    ],
)
def test_brute_force(module: Loader, text: str, expected: str) -> None:
    assert module("promise_search").verdict(module("promise_cases").case_of(text)) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ""),
        ({"weight": [3, 0]}, "output 0 does"),
        ({"weight": [200, 200]}, "and 100 is the greatest"),
        ({"delay": [1, 2]}, "has a delay of 2"),
        ({"weight": [100, -1]}, "against its sign"),
        ({"threshold": [51]}, "has the threshold 51, and 50 is required"),
        ({"bias": [64]}, "has the bias 64"),
        ({"potential_decay": [0]}, "has other decays"),
        ({"refractory": [2]}, "has a refractory period of 2"),
        ({"weight": [60, 0]}, "tolerates noise of 639 units, and 1280 are required"),
        ({"pre": [0, 0], "weight": [100, 1]}, "share the tap"),
        ({"pre": [0, 1, 1], "post": [0, 0, 0], "delay": [1, 1, 1], "weight": [100, 0, 0], "exponent": 0}, "and fan_in"),
        ({"n_neurons": 2, "threshold": [50, 50], "outputs": [0]}, "1 hidden neurons, and hidden is 0"),
    ],
)
def test_judges_see_what_is_wrong(module: Loader, changes: dict[str, Any], expected: str) -> None:
    case = module("promise_cases").case_of(
        "Spec([P('1. ..','. 1')],[1],signs=(0,1),threshold=50,weight_limit=100,fan_in=2,noise=20.0)"
    )
    given: dict[str, Any] = {
        "chip": "loihi1",
        "n_inputs": 2,
        "n_neurons": 1,
        "pre": [0, 1],
        "post": [0, 0],
        "weight": [100, 0],
        "threshold": [50],
    }
    found = module("promise_judges").complaints(case, sp.Program.from_arrays(**given | changes))
    assert bool(found) == bool(expected), found
    assert not expected or any(expected in each for each in found), found


def test_a_case_that_hangs_and_one_that_kills_its_process_are_counted(module: Loader) -> None:
    workers = module("promise_workers")
    case = module("promise_cases").case_of("Spec([P('1 .','. 1')],[1])")
    worker = workers.Worker.started(module("promise_verdicts").judge)
    try:
        worker.stage, worker.case, worker.deadline = "compile", case, 0.0
        assert workers.heard(worker, is_ready=False)[0].kind == "hung"
        worker.process.kill()
        worker.process.join()
        worker.stage = "compile"
        assert workers.heard(worker, is_ready=True)[0].kind == "crash"
    finally:
        worker.end()


def test_shrinking_takes_away_what_is_not_needed(module: Loader) -> None:
    cases = module("promise_cases")
    case = cases.case_of("Spec([P('11 .. .1','. 1 .','. 1 1'),P('1. ..','. 1')],[1,2],recurrent=True,chip='loihi2')")
    texts = [str(each) for each in cases.shrunk(replace(case, seed=3))]
    assert "Spec([P('1. ..','. 1')],[1,2],dynamics=D(205,4095),chip='loihi2',recurrent=True)" in texts
    assert any("chip" not in text for text in texts)
    assert len(texts) == len(set(texts))


# ------------------------------------------------------------------------------------------------------- the proof part


def test_spec_documents_say_what_the_cases_say(module: Loader) -> None:
    proofs, drawn, compared = module("promise_proofs"), module("promise_workers").drawn(0, 200, "all"), 0
    for case in drawn:
        try:
            document = json.loads(json.dumps(spec_to_data(case.spec())))
        except sp.SpecError:
            continue
        assert proofs.differences(case, document) == [], str(case)
        compared += 1
    assert compared > 100


def test_checker_and_simulator_agree_on_single_neurons(module: Loader) -> None:
    count, faults = module("promise").one_neuron_faults(teachers(module, 60))
    assert count > 30
    assert faults == []


def test_a_neuron_that_only_one_of_the_two_likes_is_told(module: Loader, monkeypatch: pytest.MonkeyPatch) -> None:
    proofs, chips = module("promise_proofs"), module("promise_chips")
    case = module("promise_cases").case_of("Spec([P('1 .','. 1')],[1])")
    neuron = chips.Circuit("loihi", 1, (chips.Cell(50, 205, 4095),), (chips.Synapse(0, 0, 1, 60),), (0,))
    assert proofs.check_one_neuron(case, neuron) == ""
    monkeypatch.setattr(proofs, "is_met", lambda *arguments: False)
    assert "fails, which the checker denies" in proofs.check_one_neuron(case, neuron)


def test_mutants_are_refused_in_words(module: Loader) -> None:
    """Nothing but an answer or `BadFileError` comes of a mutated proof, and a spec that can be built has none."""
    proofs, generator = module("promise_proofs"), random.Random(0)
    case = module("promise_cases").case_of("Spec([P('1 .','. 1'),P('1 . .','. 1 .')],[1])")
    document = json.loads(json.dumps(spec_to_data(case.spec())))
    row = {"row": "bin", "pattern": 0, "tick": 1, "price": 3, "is_after_reset": False}
    split = {"split": "range", "output": 0, "unknown": "threshold", "line": None, "delay": None, "at": 4}
    nodes = [split | {"if_low": 1, "if_high": 2}, {"leaf": "farkas", "output": 0, "rows": [row, row | {"pattern": 1}]}]
    proof = {"format": "snnprog-proof", "version": 1, "spec": document["digest"], "chip": document["chip"]}
    proof |= {"ranges": document["ranges"], "nodes": [*nodes, {"leaf": "exhausted", "output": 0, "cuts": []}]}
    for _ in range(300):
        forged = proofs.mutant(proof, generator)
        with contextlib.suppress(proofs.checker().BadFileError):
            assert proofs.checker().check(document, forged) is not None
    code, said = proofs.check_apart(document, proof)
    assert (code, said.startswith("the proof does not hold")) == (1, True)


def test_specs_are_shrunk_to_what_is_wrong(module: Loader, monkeypatch: pytest.MonkeyPatch) -> None:
    """A judge that dislikes recurrent specs with two ticks or more leaves just these."""
    promise, verdicts = module("promise"), module("promise_verdicts")

    def judged(cases: Any, **_: Any) -> Any:
        for case in cases:
            record = verdicts.empty_record(case)
            is_wrong = case.option("recurrent") and max(trial.ticks for trial in case.trials) > 1
            record.kind = "crash" if is_wrong else "exact"
            yield record

    monkeypatch.setattr(promise, "judged", judged)
    texts = ["Spec([P('1 . 1','. 1 .'),P('1','.')],[1,2],recurrent=True,fan_in=3)", "Spec([P('1','.')],[1])"]
    cases = [module("promise_cases").case_of(text) for text in texts]
    found = promise.Shrinker(cases, has_shrinking=True).records(5.0)
    assert [record.kind for record in found] == ["crash", "exact"]
    assert found[0].spec == "Spec([P('. .','. 1')],[1],dynamics=D(205,4095),recurrent=True)"
