"""What verification says when a program is right, and where it says it is wrong."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cases import CASES, after, plain_run, random_raster, single_neuron
from command_line import FILES, Command
from untyped import untyped

import snnprog as sp
from snnprog.arrays import Raster
from snnprog.backends import run_backend
from snnprog.errors import BackendError
from snnprog.verification import Divergence, Verification, compare_runs

INPUTS = np.array([[1, 0], [0, 1], [1, 1], [0, 0], [1, 0], [0, 0]], dtype=bool)


def relay(weights: tuple[int, int] = (90, 90)) -> sp.Program:
    """Return two neurons that repeat their inputs one tick later."""
    return sp.Program.from_arrays(
        chip="loihi1", n_inputs=2, n_neurons=2, pre=[0, 1], post=[0, 1], weight=weights, threshold=60
    )


def relayed(inputs: Raster, care: Raster | None = None) -> sp.Pattern:
    return sp.Pattern(inputs, after(inputs, 1), care)


def test_a_right_program_is_exact() -> None:
    check = sp.verify(relay(), sp.Spec([relayed(INPUTS), relayed(INPUTS[::-1])]))
    assert check.exact
    assert check.first_divergence is None
    kernel = check.backends["kernel"]
    assert (kernel.wrong_bins, kernel.is_identical, kernel.is_portable) == (0, True, True)
    assert kernel.versions["snnprog"] == sp.__version__


@pytest.mark.parametrize(("weights", "output"), [((50, 90), 0), ((90, 50), 1)])
def test_the_first_wrong_bin_is_named(weights: tuple[int, int], output: int) -> None:
    """A weight below the threshold: the spike is late, or never comes; the first pattern never shows it."""
    quiet = np.zeros((4, 2), dtype=bool)
    check = sp.verify(relay(weights), sp.Spec([relayed(quiet), relayed(INPUTS)]))
    assert not check.exact
    tick = 1 + int(np.flatnonzero(INPUTS[:, output])[0])
    expected = Divergence("kernel", "target", 1, tick, "spikes", output, 1, 0)
    assert check.first_divergence == expected
    spikes = np.array(plain_run(relay(weights), INPUTS).spikes)
    assert check.backends["kernel"].wrong_bins == (spikes != after(INPUTS, 1)).sum()
    assert str(expected) == (
        f"kernel differs from the target first at tick {tick} of pattern 1: output {output} is silent, expected a spike"
    )


def test_bins_that_do_not_count_are_ignored() -> None:
    care = np.ones_like(INPUTS)
    care[:, 1] = False
    program = relay((90, 1))
    assert not sp.verify(program, sp.Spec([relayed(INPUTS)])).exact
    assert sp.verify(program, sp.Spec([relayed(INPUTS, care)])).exact


@pytest.mark.parametrize("name", ["recurrent", "everything", "several_patterns"])
def test_a_planted_weight_is_found_where_it_first_acts(name: str) -> None:
    """Negate each synapse in turn: the place told is the first where plain integers differ."""
    spec = CASES[name]()
    program = sp.compile(spec).program
    inputs = [pattern.inputs for pattern in spec.patterns]
    right, differences = run_backend(program, inputs, record="state"), 0
    for synapse in range(program.n_synapses):
        weight, mode = program.weight.copy(), program.sign_mode.copy()
        weight[synapse], mode[synapse] = -weight[synapse], 5 - mode[synapse]
        wrong = program.with_synapses(weight=weight, sign_mode=mode)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", sp.PortabilityWarning)
            found = compare_runs("wrong", run_backend(wrong, inputs, record="state"), right)
        assert found == first_plain_difference(program, wrong, inputs)
        differences += found is not None
    assert differences > 0


def first_plain_difference(right: sp.Program, wrong: sp.Program, inputs: list[Raster]) -> Divergence | None:
    for pattern, raster in enumerate(inputs):
        ours, theirs = plain_run(right, raster), plain_run(wrong, raster)
        for tick in range(len(raster)):
            for quantity in ("currents", "potentials", "spikes"):
                expected, found = getattr(ours, quantity)[tick], getattr(theirs, quantity)[tick]
                for neuron, (due, value) in enumerate(zip(expected, found, strict=True)):
                    if due != value:
                        return Divergence("wrong", "reference", pattern, tick, quantity, neuron, int(due), int(value))
    return None


@pytest.mark.snnprog_backend("lava")
def test_lava_finds_a_planted_weight_too() -> None:
    right, wrong = relay(), relay((90, 89))
    patterns = [np.zeros((3, 2), dtype=bool), INPUTS]
    found = compare_runs(
        "lava", run_backend(wrong, patterns, "lava", "state"), run_backend(right, patterns, record="state")
    )
    assert found == Divergence("lava", "reference", 1, 2, "currents", 1, 90 * 64, 89 * 64)


RUNNER = """\
import sys
import numpy as np

stimulus = np.load(sys.argv[2])
spikes = np.roll(stimulus["raster"], 1, axis=0)
spikes[0] = False
spikes[{tick}, {output}] ^= True
np.savez(sys.argv[3], spikes=spikes, versions='{{"stand-in": "3"}}')
"""
DESCRIPTION = """\
summary = "a stand-in"
semantics = ["loihi1-lif-lava-0.10.0"]
python = "{python}"
distributions = {{}}
timeout_seconds = 60
timeout_seconds_per_tick = 0.1
"""


def test_a_backend_that_differs_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "liar"
    folder.mkdir()
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    (folder / "backend.toml").write_text(DESCRIPTION.format(python=python), encoding="utf-8")
    (folder / "runner.py").write_text(RUNNER.format(tick=4, output=1), encoding="utf-8")
    (folder / "requirements.txt").touch()
    monkeypatch.setenv("SNNPROG_BACKENDS", str(tmp_path))
    check = sp.verify(relay(), sp.Spec([relayed(INPUTS)]), ["reference", "liar"])
    assert check.backends["reference"].exact
    liar = check.backends["liar"]
    assert (liar.exact, liar.is_identical, liar.wrong_bins, liar.versions["stand-in"]) == (False, False, 1, "3")
    assert check.first_divergence == Divergence("liar", "reference", 0, 4, "spikes", 1, 0, 1)
    care = np.ones_like(INPUTS)
    care[4, 1] = False
    ignored = sp.verify(relay(), sp.Spec([relayed(INPUTS, care)]), ["liar"]).backends["liar"]
    assert (ignored.wrong_bins, ignored.is_identical, ignored.exact) == (0, False, False)


def test_held_out_patterns_of_another_shape_are_refused() -> None:
    test = sp.Spec([sp.Pattern(INPUTS[:, :1], INPUTS)])
    spec = sp.Spec([sp.Pattern(INPUTS, INPUTS)])
    program = sp.Program.from_arrays(chip="loihi1", n_inputs=2, n_neurons=2, threshold=9, pre=[], post=[], weight=[])
    with pytest.raises(sp.SpecError, match="must have 1 input as its test spec, got 2; use patterns of its own lines"):
        sp.verify(program, spec, test=test)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            sp.Spec([sp.Pattern(INPUTS[:, :1], INPUTS)]),
            "the program must have 1 input as its spec, got 2; use the spec that it was",
        ),
        (
            sp.Spec([sp.Pattern(INPUTS, INPUTS[:, :1])]),
            "the program must have 1 output as its spec, got 2; use the spec that it was",
        ),
    ],
)
def test_programs_of_another_shape_are_refused(spec: sp.Spec, message: str) -> None:
    with pytest.raises(sp.SpecError, match=message):
        sp.verify(relay(), spec)


@pytest.mark.parametrize("backends", [[], "reference"])
def test_backends_must_be_a_list_of_names(backends: list[str]) -> None:
    with pytest.raises(sp.SpecError, match="must be a list with at least one name"):
        sp.verify(relay(), sp.Spec([relayed(INPUTS)]), backends)


def test_leaving_the_portable_range_is_warned_of() -> None:
    loud = single_neuron(weight=128, exponent=7, threshold=1, current_decay=0, potential_decay=0)
    rasters = [random_raster(0, 5, 1, 0.0), np.ones((30, 1), dtype=bool)]
    with pytest.warns(
        sp.PortabilityWarning, match=r"pattern 1: current of neuron 0 reached [\d,]+ at tick 9; .* 8,388,608 on"
    ):
        traces = sp.run(loud, rasters)
    assert [trace.excursion is None for trace in traces] == [True, False]
    spec = sp.Spec([sp.Pattern(raster, trace.spikes) for raster, trace in zip(rasters, traces, strict=True)])
    with pytest.warns(sp.PortabilityWarning):
        check = sp.verify(loud, spec)
    assert check.exact
    assert not check.backends["kernel"].is_portable


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda program, spec: sp.run(untyped("p.snnp"), spec.patterns[0].inputs),
            r"program must be a Program, got a str; read it with sp\.load\(",
        ),
        (
            lambda program, spec: sp.run(program, untyped(5)),
            r"inputs must be a raster \(ticks, inputs\) or a list of them, got an int",
        ),
        (
            lambda program, spec: sp.run(program, untyped(None)),
            r"inputs must be a raster \(ticks, inputs\) or a list of them, got None",
        ),
        (
            lambda program, spec: sp.run(program, spec.patterns[0].inputs, timeout_s=untyped("a")),
            "timeout_s must be a non-negative, finite number of seconds, got 'a'",
        ),
        (
            lambda program, spec: sp.verify(untyped(spec), untyped(program)),
            r"^program must be a Program, got a Spec \(arguments swapped\?\)$",
        ),
        (lambda program, spec: sp.verify(program, untyped(program)), "spec must be a Spec, got a Program"),
        (
            lambda program, spec: sp.verify(program, spec, untyped(3)),
            "backends must be a list with at least one name, got 3",
        ),
    ],
)
def test_values_of_another_type_are_refused(call: Callable[[sp.Program, sp.Spec], object], said: str) -> None:
    spec = CASES["feed_forward"]()
    program = sp.compile(spec).program
    with pytest.raises(sp.SpecError, match=said):
        call(program, spec)


def test_a_program_of_another_spec_is_noted(command: Command, tmp_path: Path) -> None:
    for path in FILES.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    spec, program = tmp_path / "SPEC.toml", tmp_path / "p.snnp"
    command("compile", spec, "-o", program)
    assert json.loads(command("verify", program, spec, "--json")[1])["same_spec"] is True
    code, said, _ = command("verify", program, spec, "--same-spec")
    assert (code, "note:" in said) == (0, False)
    spec.write_text("weight_bits = 7\n" + spec.read_text(encoding="utf-8"), encoding="utf-8")
    code, said, _ = command("verify", program, spec)
    assert (code, "note: the program was compiled from another specification" in said) == (0, True)
    code, said, error = command("verify", program, spec, "--same-spec", "--json")
    assert (code, json.loads(said)["same_spec"], json.loads(said)["exact"]) == (1, False, True)
    assert error == "--same-spec: the program file was compiled from another one; compile the specification again\n"
    check = sp.verify(sp.load(program), sp.load_spec(spec))
    assert check.same_spec is False
    assert check.mismatch == "the program was compiled from another specification (the digests differ)"
    assert "compiled from another specification" in repr(check)


def test_a_program_by_hand_names_no_spec(command: Command, tmp_path: Path) -> None:
    spec = sp.load_spec(FILES / "SPEC.toml")
    compiled = sp.compile(spec).program
    program = replace(compiled, provenance={})
    assert (sp.verify(program, spec).same_spec, sp.verify(program, spec).mismatch) == (None, None)
    other = sp.verify(program, sp.Spec(spec.patterns, spec.delays, chip="loihi2")).mismatch
    assert other == "the program is for loihi1, and the specification for loihi2"
    larger = sp.verify(program, replace(spec, chip=replace(spec.chip, cores=200))).mismatch
    assert larger == "program and specification are for different chips of the name loihi1"
    program.save(tmp_path / "p.snnp")
    code, said, error = command("verify", tmp_path / "p.snnp", FILES / "SPEC.toml", "--same-spec")
    assert (code, "note:" in said) == (1, False)
    assert "--same-spec: the program file names no specification" in error


def test_the_text_of_a_verification_says_why_a_backend_has_no_result() -> None:
    found = Verification({}, failures={"lava": BackendError("backend lava is not installed")})
    assert "no answer from lava (backend lava is not installed)" in repr(found)
