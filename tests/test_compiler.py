"""Every spec of the table becomes a program that is exact, and is the same program however it was made."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from cases import CASES, plain_run
from untyped import untyped

import snnprog as sp
from snnprog.chips import CHIPS, Core
from snnprog.compiler import refusals
from snnprog.design.neuron import UNDECIDED
from snnprog.integers import CERTIFIED, EXACT
from snnprog.integers.exhaustive import Repair
from snnprog.progress import SEARCHING
from snnprog.spec import FREE


@pytest.mark.parametrize("name", CASES)
def test_every_case_is_exact_in_plain_integers(name: str) -> None:
    spec = CASES[name]()
    result = sp.compile(spec)
    for pattern in spec.patterns:
        plain = plain_run(result.program, pattern.inputs)
        assert not ((np.array(plain.spikes) != pattern.targets) & pattern.care).any()
        assert plain.excursion is None
    assert sp.verify(result.program, spec).exact
    assert [neuron.output for neuron in result.report.neurons] == list(range(spec.n_outputs))
    assert {neuron.status for neuron in result.report.neurons} <= {CERTIFIED, EXACT}


@pytest.mark.snnprog_backend("lava")
@pytest.mark.parametrize("name", CASES)
def test_every_case_is_exact_on_lava(name: str) -> None:
    spec = CASES[name]()
    check = sp.verify(sp.compile(spec).program, spec, ["reference", "lava"], record="state")
    assert check.exact, check.first_divergence
    assert list(check.backends) == ["reference", "lava"]
    assert check.backends["lava"].is_identical
    assert check.backends["lava"].is_portable


@pytest.mark.parametrize("name", CASES)
def test_programs_obey_the_spec(name: str) -> None:
    spec = CASES[name]()
    program = sp.compile(spec).program
    assert (program.n_inputs, program.n_outputs) == (spec.n_inputs, spec.n_outputs)
    assert set(program.delay.tolist()) <= set(spec.delays)
    assert (program.current_decay == spec.dynamics.current_decay).all()
    assert (program.potential_decay == spec.dynamics.potential_decay).all()
    assert spec.recurrent or (program.pre < program.n_inputs).all()
    assert (program.weight != 0).all()
    if spec.signs is not None:
        assert (program.weight * np.array(spec.signs)[program.pre] >= 0).all()
    if spec.threshold != FREE:
        assert (program.threshold == spec.threshold).all()
    if spec.bias != FREE:
        assert (program.bias == spec.bias).all()


def saved(program: sp.Program, path: Path) -> bytes:
    program.save(path)
    return path.read_bytes()


@pytest.mark.parametrize("name", ["several_patterns", "everything", "clock_without_inputs"])
def test_program_files_are_equal_byte_for_byte(name: str, tmp_path: Path) -> None:
    spec = CASES[name]()
    first = saved(sp.compile(spec).program, tmp_path / "first.snnp")
    assert saved(sp.compile(CASES[name]()).program, tmp_path / "again.snnp") == first
    with ThreadPoolExecutor(3) as executor:
        assert saved(sp.compile(spec, executor=executor).program, tmp_path / "threads.snnp") == first
    assert saved(sp.load(tmp_path / "first.snnp"), tmp_path / "copy.snnp") == first
    assert saved(sp.compile(spec, seed=1).program, tmp_path / "seed.snnp") != first


def test_provenance_tells_where_a_program_came_from() -> None:
    spec = CASES["both_decays"]()
    result = sp.compile(spec, seed=5)
    provenance = result.program.provenance
    assert provenance["spec_sha256"] == spec.digest()
    assert provenance["seed"] == 5
    versions = provenance["versions"]
    assert isinstance(versions, dict)
    assert versions["snnprog"] == sp.__version__
    assert versions["numpy"] == np.__version__
    assert set(versions) == {"snnprog", "numpy", "scipy", "ortools"}
    neurons = provenance["neurons"]
    assert isinstance(neurons, list)
    assert [neuron["margin"] for neuron in neurons] == [neuron.margin for neuron in result.report.neurons]


def test_the_report_is_plain_data() -> None:
    spec = CASES["recurrent"]()
    result = sp.compile(spec)
    report = json.loads(json.dumps(result.report.as_dict(), allow_nan=False))
    assert report["synapses"] == result.program.n_synapses == sum(neuron["synapses"] for neuron in report["neurons"])
    assert set(report["seconds"]) == {"design", "quantize", "simulate", "place"}
    assert (report["cores"]["cores"], report["misfit"]) == (1, None)
    assert report["cores"]["total"]["neurons"] == result.program.n_neurons
    assert len(report["neurons"]) == spec.n_outputs
    no_leak = json.loads(json.dumps(sp.compile(CASES["no_leak"]()).program.provenance, allow_nan=False))
    assert no_leak["time_constants_ticks"]["potential"] == "inf"


def test_what_does_not_fit_the_chip_is_compiled_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    narrow = replace(CHIPS["loihi1"], cores=1, core=Core(neurons=1))
    monkeypatch.setitem(CHIPS, "loihi1", narrow)
    result = sp.compile(CASES["recurrent"]())
    assert result.report.placement is None
    assert result.report.status == EXACT
    told = result.report.as_dict()
    assert (told["cores"], told["misfit"]) == (None, str(result.report.misfit))
    neurons = result.program.n_neurons
    assert told["misfit"] == (
        f"core 0 exceeds the limit of neurons: {neurons} of 1; split the output population or raise max_cores to at"
        f" least {neurons}"
    )


def test_a_program_for_several_cores_carries_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = CASES["recurrent"]()
    alone = sp.compile(spec).program
    assert alone.core is None
    assert "placement" not in alone.provenance
    monkeypatch.setitem(CHIPS, "loihi1", replace(CHIPS["loihi1"], core=Core(neurons=1)))
    result = sp.compile(CASES["recurrent"]())
    count = result.program.n_neurons
    assert result.program.core is not None
    assert result.program.core.tolist() == list(range(count))
    assert result.program.provenance == {**alone.provenance, "placement": {"cores": count, "at_least": count}}
    result.program.save(tmp_path / "p.snnp")
    again = sp.load(tmp_path / "p.snnp")
    assert sp.place(again).core_of.tolist() == result.program.core.tolist()


def test_progress_is_told() -> None:
    calls: list[tuple[str, int, int]] = []
    sp.compile(CASES["feed_forward"](), progress=lambda *call: calls.append(call))
    steps = [call for call in calls if not call[0].endswith(SEARCHING)]  # a slow machine tells of searches, too
    assert steps == [("design", 1, 3), ("design", 2, 3), ("design", 3, 3)]


def test_inputs_that_never_spike_do_no_harm() -> None:
    spec = CASES["unused_inputs"]()
    program = sp.compile(spec).program
    assert program.n_inputs == 4
    assert np.array_equal(sp.run(program, spec.patterns[0].inputs).spikes, spec.patterns[0].targets)


def test_the_impossible_is_refused_with_its_conflicts() -> None:
    targets = np.array([[1, 0], [0, 0], [0, 0]], dtype=bool)
    with pytest.raises(sp.InfeasibleError, match="infeasible: output 0 must spike at tick 0") as caught:
        sp.compile(sp.Spec([sp.Pattern(np.zeros((3, 1), dtype=bool), targets)]))
    assert [(conflict.neuron, conflict.pattern, conflict.tick) for conflict in caught.value.conflicts] == [(0, 0, 0)]


def test_what_no_rounding_achieves_is_refused() -> None:
    """A current and a potential that forget nearly nothing, whose truncation exceeds the whole distance asked for."""
    with pytest.raises(sp.InfeasibleError, match=r"no integers let output 0 .*: all that .* were tried") as caught:
        sp.compile(too_fine())
    assert [conflict.neuron for conflict in caught.value.conflicts] == [0]


def test_what_is_neither_repaired_nor_proved_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snnprog.integers.quantizer.repair", lambda job: Repair(None))
    monkeypatch.setattr("snnprog.compiler.deciding.last_word", lambda *_: UNDECIDED)
    monkeypatch.setattr("snnprog.compiler.deciding.Means.settled", lambda *_, **__: {})
    with pytest.raises(sp.QuantizationError, match=r"1 of 1 output is not exact in integers: output 0 has") as caught:
        sp.compile(too_fine())
    assert caught.value.neurons == (0,)


def too_fine() -> sp.Spec:
    """Return a spec whose real weights lie between the integers: a threshold of 1 must tell 1 + 1/64 from 1."""
    ticks = 60
    inputs = np.zeros((ticks, 1), dtype=bool)
    inputs[0] = True
    targets = np.zeros((ticks, 1), dtype=bool)
    targets[40] = True
    dynamics = sp.Dynamics(potential_decay=0, current_decay=40)
    return sp.Spec([sp.Pattern(inputs, targets)], delays=[1], threshold=1, dynamics=dynamics)


@pytest.mark.parametrize(
    ("spec", "seed", "message"),
    [
        (None, 0, "spec must be a Spec, got None"),
        ("SPEC.toml", 0, r"spec must be a Spec, got a str; read it with sp\.load_spec\(\.\.\.\)"),
        (CASES["relay"]().patterns[0], 0, r"got a Pattern; sp\.Spec\(\[pattern\], delays=\.\.\.\) makes one"),
        (CASES["relay"](), -1, "seed must be a non-negative integer, got -1"),
        (CASES["relay"](), 0.5, r"seed must be an integer, got 0\.5"),
    ],
)
def test_bad_questions(spec: sp.Spec, seed: int, message: str) -> None:
    with pytest.raises(sp.SpecError, match=message):
        sp.compile(spec, seed=seed)


def all_at_once(inputs: int, outputs: int) -> sp.Pattern:
    """Return a trial in which all inputs fire at tick 1 and all outputs must at tick 2."""
    given, due = np.zeros((6, inputs), dtype=bool), np.zeros((6, outputs), dtype=bool)
    given[1], due[2] = True, True
    return sp.Pattern(given, due)


def test_every_neuron_is_kept_in_the_portable_range() -> None:
    result = sp.compile(sp.Spec([all_at_once(200, 2)], [1]))
    trace = sp.run(result.program, all_at_once(200, 2).inputs)
    assert trace.excursions == ()
    assert [neuron.excursion for neuron in result.report.neurons] == [None, None]


def test_a_state_that_no_integers_keep_in_range_is_refused() -> None:
    silence = np.zeros((40, 1), dtype=bool)
    spec = sp.Spec([sp.Pattern(silence, silence)], [1], dynamics=sp.Dynamics(0, 4095), bias=-524160)
    message = r"be silent at tick \d+ of pattern 0, with the bias .*: all that stay within the chip's limits were tried"
    with pytest.raises(sp.InfeasibleError, match=message) as caught:
        sp.compile(spec)
    assert caught.value.proof is not None


def test_any_whole_number_is_a_seed() -> None:
    spec = sp.Spec([all_at_once(3, 1)], [1])
    assert sp.compile(spec, seed=untyped(np.int64(1))).program.provenance["seed"] == 1


@pytest.mark.parametrize(
    ("options", "advice"),
    [
        ({}, "allow more delays, a slower potential, or bias='free'"),
        ({"bias": FREE}, "allow more delays, or a slower potential"),
        ({"weight_bits": 1}, "allow more than 1 weight bit, or allow more delays, a slower potential, or bias='free'"),
        ({"weight_bits": 2, "threshold": 50}, "leave the threshold free"),
    ],
)
def test_what_is_advised_where_no_integers_are_found(options: dict[str, Any], advice: str) -> None:
    raster = np.zeros((4, 1), dtype=bool)
    spec = sp.Spec([sp.Pattern(raster, raster)], **options)
    fragile = SimpleNamespace(name="output 0", noise=1.0, output=0)
    with pytest.raises(sp.QuantizationError, match=f"lower noise, or {advice}$"):
        refusals.check_noise(spec, untyped(SimpleNamespace(fragile=[fragile])))


@pytest.mark.parametrize(
    ("options", "is_open", "advice"),
    [
        ({}, False, "allow more delays, a slower potential, or bias='free'"),
        ({}, True, "have fewer don't-care bins, or allow more delays, a slower potential, or bias='free'"),
        ({"window": (0, 1)}, False, "widen the windows, or allow more delays, a slower potential, or bias='free'"),
        ({"chip": "xylo"}, False, "add inputs, try other decays, or bias='free'"),
    ],
)
def test_what_is_advised_where_an_output_is_undecided(options: dict[str, Any], is_open: bool, advice: str) -> None:
    """Only what the chip has, and what the spec holds."""
    raster = np.zeros((4, 1), dtype=bool)
    spec = sp.Spec([sp.Pattern(raster, raster, np.full((4, 1), not is_open))], **options)
    designed = SimpleNamespace(proof=None, out_of_time=(), unbuilt=(0,), outcomes=())
    with pytest.raises(sp.UndecidedError, match="proof that there are none; ") as caught:
        refusals.check_design(spec, untyped(designed), limit=None, ended=())
    assert str(caught.value).endswith(f"; {advice}")


def test_integers_are_looked_at_where_the_search_for_weights_ends_without_an_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("snnprog.design.freedom.LEAST_STEPS", 1)
    monkeypatch.setattr("snnprog.design.freedom.MOST_STEPS", 1)
    for seed in range(4):
        generator = np.random.default_rng(seed)
        inputs, targets, care = (
            generator.random((14, lines)) < share for lines, share in ((2, 0.4), (1, 0.3), (1, 0.7))
        )
        targets[0] = False
        spec = sp.Spec([sp.Pattern(inputs, targets, care)], [1], weight_limit=20)
        with contextlib.suppress(sp.InfeasibleError):  # decided, one way or the other
            sp.compile(spec)


@pytest.mark.parametrize("call", [sp.compile, sp.explain])
def test_a_progress_that_cannot_be_called(call: Callable[..., object]) -> None:
    spec = sp.Spec([sp.Pattern(np.eye(2, 1, dtype=bool), np.eye(2, 1, -1, dtype=bool))], [1])
    with pytest.raises(sp.SpecError, match="progress must be True, a callable or None, got 3"):
        call(spec, progress=untyped(3))
