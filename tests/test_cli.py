"""The command line: what it prints, how it exits, and that no input gets a traceback out of it."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from planted import FAULTS, write_planted
from stand_in import write_backend

from snnprog import cli
from snnprog.chips import CHIPS, Core
from snnprog.program import Program, load

FILES = Path(__file__).resolve().parents[1] / "examples" / "spec_files"

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Return a function that runs the command line and returns (exit code, output, errors)."""

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["snnprog", *map(str, words)])
        with pytest.raises(SystemExit) as leaving:
            cli.main()
        printed = capsys.readouterr()
        assert "Traceback" not in printed.err
        return int(leaving.value.code or 0), printed.out, printed.err

    return run


@pytest.fixture
def detector(command: Command, tmp_path: Path) -> Path:
    """Return the compiled program of the example's files."""
    path = tmp_path / "detector.snnp"
    assert command("compile", FILES / "SPEC.toml", "-o", path)[0] == cli.EXACT
    return path


def test_compile_tells_what_became_of_each_output(command: Command, tmp_path: Path) -> None:
    code, out, err = command("compile", FILES / "SPEC.toml", "-o", tmp_path / "p.snnp")
    assert (code, err) == (cli.EXACT, "")
    assert "certified" in out
    assert "exact on all 2 patterns" in out
    assert "potential 19.98" in out
    assert load(tmp_path / "p.snnp").n_outputs == 1


def test_compile_prints_json(command: Command, tmp_path: Path) -> None:
    code, out, _ = command("compile", FILES / "SPEC.toml", "-o", tmp_path / "p.snnp", "--json")
    answer = json.loads(out)
    assert code == cli.EXACT
    assert [neuron["status"] for neuron in answer["neurons"]] == ["certified"]
    assert (answer["summary"]["neurons"], answer["summary"]["outputs"]) == (1, 1)
    assert (answer["cores"]["cores"], answer["cores"]["minimal"], answer["misfit"]) == (1, True, None)
    assert set(answer["seconds"]) == {"design", "quantize", "simulate", "place"}


def test_compile_shows_the_cores(command: Command, tmp_path: Path) -> None:
    out = command("compile", FILES / "SPEC.toml", "-o", tmp_path / "p.snnp")[1]
    assert "1 core of loihi1: no partition has fewer" in out
    assert "synaptic memory" in out


def test_what_does_not_fit_the_chip_is_written_and_told(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CHIPS, "loihi1", replace(CHIPS["loihi1"], core=Core(axons_in=1)))
    code, out, err = command("compile", FILES / "SPEC.toml", "-o", tmp_path / "p.snnp")
    assert (code, "wrote" in out) == (cli.DOES_NOT_FIT, True)
    sentence = "neuron 0 alone: axons in 2 of 1; lower its fan-in"
    assert err == f"snnprog: loihi1 does not hold the program: {sentence}\n"
    assert load(tmp_path / "p.snnp").n_neurons == 1
    code, out, err = command("compile", FILES / "SPEC.toml", "-o", tmp_path / "p.snnp", "--json")
    assert (code, err, json.loads(out)["misfit"]) == (cli.DOES_NOT_FIT, "", sentence)
    assert command("inspect", tmp_path / "p.snnp")[0] == cli.EXACT
    assert command("inspect", tmp_path / "p.snnp", "--cores") == (cli.DOES_NOT_FIT, "", f"snnprog: {sentence}\n")
    code, out, err = command("run", tmp_path / "p.snnp", FILES / "inputs.csv", "--ticks", 12, "--activity")
    assert (code, err) == (cli.EXACT, f"snnprog: all neurons are counted as on one core: {sentence}\n")


def test_workers_do_not_change_the_program(command: Command, detector: Path, tmp_path: Path) -> None:
    assert command("compile", FILES / "SPEC.toml", "-o", tmp_path / "p.snnp", "--workers", 2)[0] == cli.EXACT
    assert (tmp_path / "p.snnp").read_bytes() == detector.read_bytes()


def test_run_prints_events(command: Command, detector: Path) -> None:
    assert command("run", detector, FILES / "inputs.csv", "--ticks", 12) == (0, "pattern,tick,neuron\n0,6,0\n", "")


@pytest.mark.parametrize("name", ["out.csv", "out.npz"])
def test_run_writes_a_file_that_run_can_read(command: Command, detector: Path, tmp_path: Path, name: str) -> None:
    inputs = tmp_path / "two.npz"
    np.savez(inputs, first=np.zeros((2, 9, 2), dtype=bool), other=np.ones((1, 5, 2), dtype=bool))
    code, out, _ = command("run", detector, f"{inputs}:other", "-o", tmp_path / name)
    assert code == cli.EXACT
    assert f"wrote {tmp_path / name}" in out
    assert (tmp_path / name).is_file()


def test_run_prints_json(command: Command, detector: Path) -> None:
    code, out, _ = command("run", detector, FILES / "inputs.csv", "--ticks", 12, "--json")
    assert code == cli.EXACT
    assert json.loads(out)["patterns"] == [{"tick": [6], "neuron": [0]}, {"tick": [], "neuron": []}]


def test_run_counts_activity(command: Command, detector: Path, tmp_path: Path) -> None:
    words = ("run", detector, FILES / "inputs.csv", "--ticks", 12, "--activity")
    code, out, err = command(*words)
    assert (code, err) == (cli.EXACT, "")
    assert "synaptic operations" in out
    assert "energy: an estimate" in out
    code, out, _ = command(*words, "--json", "-o", tmp_path / "out.csv")
    answer = json.loads(out)
    assert answer["patterns"] == [{"tick": [6], "neuron": [0]}, {"tick": [], "neuron": []}]
    assert answer["activity"]["patterns"][0] == {
        "ticks": 12,
        "input_spikes": 2,
        "neuron_spikes": 1,
        "synaptic_operations": 10,
        "messages": 2,
        "neuron_updates": 12,
        "energy_pj": [pytest.approx(863.4), pytest.approx(1211.4)],
    }
    assert "estimate" in str(answer["activity"].keys())
    assert (tmp_path / "out.csv").read_text() == "pattern,tick,neuron\n0,6,0\n"


def test_verify_says_exact(command: Command, detector: Path) -> None:
    code, out, _ = command("verify", detector, FILES / "SPEC.toml", "--state")
    assert code == cli.EXACT
    assert "reference" in out
    code, out, _ = command("verify", detector, FILES / "SPEC.toml", "--json")
    assert (code, json.loads(out)["exact"]) == (cli.EXACT, True)


def test_verify_names_the_first_divergence(command: Command, detector: Path, tmp_path: Path) -> None:
    text = (FILES / "SPEC.toml").read_text(encoding="utf-8").replace("targets.csv", "others.csv")
    (tmp_path / "SPEC.toml").write_text(text, encoding="utf-8")
    (tmp_path / "inputs.csv").write_bytes((FILES / "inputs.csv").read_bytes())
    (tmp_path / "others.csv").write_text("pattern,tick,neuron\n0,7,0\n", encoding="utf-8")
    code, out, _ = command("verify", detector, tmp_path / "SPEC.toml")
    assert code == cli.NOT_EXACT
    assert "first at tick 6 of pattern 0: spikes of output 0 is 1, expected 0. At tick 6 neuron 0 heard input" in out
    code, out, _ = command("verify", detector, tmp_path / "SPEC.toml", "--json")
    parts = json.loads(out)["backends"]["kernel"]["divergence_parts"]
    assert (parts["against"], parts["tick"], parts["found"]) == ("target", 6, 1)
    assert parts["diagnosis"]["arrivals"][0].keys() == {"source", "tick", "synapse", "delay", "weight", "spikes"}


def test_verify_compares_any_two_and_names_the_rule(
    command: Command, detector: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SNNPROG_BACKENDS", str(tmp_path))
    write_planted(tmp_path, "right", ())
    write_planted(tmp_path, "liar", FAULTS["inputs one tick late"])
    words = ("verify", detector, FILES / "SPEC.toml", "--backend", "liar", "--against", "right")
    code, out, _ = command(*words)
    assert code == cli.NOT_EXACT
    assert "equals right" in out
    assert "liar differs from right first" in out
    code, out, _ = command(*words, "--json")
    answer = json.loads(out)
    assert (code, answer["against"], answer["backends"]["liar"]["identical_to_right"]) == (
        cli.NOT_EXACT,
        "right",
        False,
    )
    diagnosis = answer["backends"]["liar"]["divergence_parts"]["diagnosis"]
    assert diagnosis["at_fault"] == ["liar"]
    assert "inputs one tick late" in [cause["name"] for cause in diagnosis["causes"]]


@pytest.mark.snnprog_backend("lava")
def test_verify_on_lava(command: Command, detector: Path) -> None:
    code, out, _ = command(
        "verify", detector, FILES / "SPEC.toml", "--backend", "reference", "--backend", "lava", "--state", "--json"
    )
    answer = json.loads(out)
    assert (code, answer["exact"]) == (cli.EXACT, True)
    assert answer["backends"]["lava"]["identical_to_reference"]
    assert answer["backends"]["lava"]["versions"]["lava-nc"] == "0.10.0"


def test_inspect(command: Command, detector: Path) -> None:
    code, out, _ = command("inspect", detector)
    assert code == cli.EXACT
    assert "loihi1" in out
    assert "certified" in out
    code, out, _ = command("inspect", detector, "--json")
    assert json.loads(out)["provenance"]["seed"] == 0


def test_inspect_shows_the_cores(command: Command, detector: Path) -> None:
    code, out, err = command("inspect", detector, "--cores")
    assert (code, err) == (cli.EXACT, "")
    assert "1 core of loihi1: no partition has fewer" in out
    assert "limit    1,024" in out
    data = json.loads(command("inspect", detector, "--max-cores", 1, "--json")[1])
    assert (data["neurons"], data["cores"]["per_core"][0]["axons_in"]) == (1, 2)
    assert data["cores"]["core_of_neuron"] == [0]
    assert "cores" not in json.loads(command("inspect", detector, "--json")[1])


def test_inspect_says_what_is_not_checked(command: Command, detector: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CHIPS, "loihi1", replace(CHIPS["loihi1"], core=Core(neurons=8192)))
    out = command("inspect", detector, "--cores")[1]
    limits = next(line for line in out.splitlines() if line.startswith("limit"))
    assert limits.split(maxsplit=2)[1] == "8,192"
    assert limits.count("not checked") == 6
    monkeypatch.setitem(CHIPS, "loihi1", replace(CHIPS["loihi1"], core=Core()))
    assert "no limits of its cores are known, and none is checked" in command("inspect", detector, "--cores")[1]


def test_inspect_shows_hidden_neurons(command: Command, detector: Path, tmp_path: Path) -> None:
    program = load(detector)
    told = program.provenance["neurons"]
    assert isinstance(told, list)
    replace(program, provenance={**program.provenance, "hidden": [{**told[0], "output": 7}]}).save(tmp_path / "h.snnp")
    out = command("inspect", tmp_path / "h.snnp")[1]
    assert "hidden neuron 7" in out
    assert "hidden neuron" not in command("inspect", detector)[1].replace("hidden neurons", "")


def test_backends_list(command: Command) -> None:
    code, out, _ = command("backends", "list", "--json")
    assert code == cli.EXACT
    rows = {row["name"]: row for row in json.loads(out)["backends"]}
    assert set(rows) >= {"reference", "lava", "nengo_loihi", "brian2_loihi", "remote"}
    assert (rows["lava"]["lacks"], rows["lava"]["gaps"]) == ("no refractory", {"refractory": False})
    assert (rows["brian2_loihi"]["lacks"], rows["brian2_loihi"]["gaps"]) == ("no bias", {"bias": False})
    out = command("backends", "list")[1]
    assert "Lava 0.10.0" in out
    assert "longest recurrent delay 1" in out


@pytest.mark.snnprog_backend("lava")
def test_backends_check(command: Command) -> None:
    code, out, _ = command("backends", "check", "lava", "--programs", 1)
    assert code == cli.EXACT
    assert "lava ran 14 golden and 1 random programs on lava-nc 0.10.0, numpy" in out
    assert "no difference" in out


def test_backends_check_tells_what_differs(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_backend(tmp_path, "wrong", compare=">=", gaps="bias = false")
    monkeypatch.setenv("SNNPROG_BACKENDS", str(tmp_path))
    code, out, _ = command("backends", "check", "wrong")
    assert code == cli.NOT_EXACT
    assert "golden program biases is left out: the bias of neuron 0 is 1; allowed is 0 on backend wrong\n" in out
    assert out.splitlines()[-1].startswith("golden program equality: wrong differs from the reference first at tick ")
    data = json.loads(command("backends", "check", "wrong", "--json")[1])
    assert (data["identical"], data["program"], list(data["left_out"])) == (
        False,
        "golden program equality",
        ["biases", "refractory_biases"],
    )


def test_a_program_beyond_a_backend_does_not_fit(
    command: Command, detector: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_backend(tmp_path, "short", gaps="longest_input_delay = 0")
    monkeypatch.setenv("SNNPROG_BACKENDS", str(tmp_path))
    code, _, err = command("run", detector, FILES / "inputs.csv", "--ticks", 12, "--backend", "short")
    assert code == cli.DOES_NOT_FIT
    assert "allowed is no synapse from an input on backend short; compile with shorter delays, or run it else" in err


def test_the_closest_program_is_written_and_its_wrong_bins_told(command: Command, tmp_path: Path) -> None:
    """A spike at tick 0 can be had by nobody; the one at tick 2 can."""
    (tmp_path / "inputs.csv").write_text("tick,neuron\n1,0\n")
    (tmp_path / "targets.csv").write_text("tick,neuron\n0,0\n2,0\n")
    (tmp_path / "SPEC.toml").write_text(
        '[[patterns]]\ninputs = "inputs.csv"\ntargets = "targets.csv"\nticks = 4\nn_inputs = 1\nn_outputs = 1\n'
    )
    words = ("compile", tmp_path / "SPEC.toml", "-o", tmp_path / "p.snnp")
    assert command(*words)[0] == cli.INFEASIBLE
    assert not (tmp_path / "p.snnp").exists()
    code, out, err = command(*words, "--closest")
    assert (code, err) == (cli.NOT_EXACT, "")
    assert "closest found: 1 wrong bin (at least 1 in any case) on 1 pattern;" in out
    assert "0:0 missing" in out
    code, out, _ = command(*words, "--closest", "--json")
    data = json.loads(out)
    assert (code, data["status"], data["wrong_bins"], data["at_least"]) == (cli.NOT_EXACT, "closest", 1, 1)
    assert data["deviations"] == [{"output": 0, "wrong": [[0, 0, "missing"]], "distances": [1.0]}]
    code, out, _ = command("verify", tmp_path / "p.snnp", tmp_path / "SPEC.toml", "--json")
    assert (code, json.loads(out)["backends"]["kernel"]["wrong_bins"]) == (cli.NOT_EXACT, 1)


def test_infeasible_is_told_with_its_ticks(command: Command, tmp_path: Path) -> None:
    text = (FILES / "SPEC.toml").read_text(encoding="utf-8")
    (tmp_path / "SPEC.toml").write_text(text, encoding="utf-8")
    (tmp_path / "inputs.csv").write_bytes((FILES / "inputs.csv").read_bytes())
    (tmp_path / "targets.csv").write_text("pattern,tick,neuron\n0,0,0\n", encoding="utf-8")
    expected = "output 0 must spike at tick 0 of pattern 0, but no input has reached it since the pattern began"
    assert command("compile", tmp_path / "SPEC.toml", "-o", tmp_path / "p.snnp") == (
        cli.INFEASIBLE,
        "",
        f"snnprog: infeasible: {expected}\n",
    )
    code, out, err = command("compile", tmp_path / "SPEC.toml", "-o", tmp_path / "p.snnp", "--json")
    assert (code, err, json.loads(out)["error"]["conflicts"]) == (cli.INFEASIBLE, "", [expected])
    assert not (tmp_path / "p.snnp").exists()


@pytest.mark.parametrize(
    ("replaced", "by", "code", "said"),
    [
        ('"1-5"', '"0-5"', cli.DOES_NOT_FIT, "delay is 0; allowed is 1 to 63 on loihi1"),
        ('"1-5"', "[1, 64]", cli.DOES_NOT_FIT, "delay is 64; allowed is 1 to 63 on loihi1"),
        ('"1-5"', "[]", cli.BAD_USAGE, "delays is empty"),
        ('"1-5"', "[1.5]", cli.BAD_USAGE, "delay is 1.5; a whole number is needed"),
        ('"loihi1"', '"loihi9"', cli.BAD_USAGE, "chip is 'loihi9'; known chips are loihi1"),
        ("tau_potential = 20.0", "tau_potential = -1", cli.BAD_USAGE, "time constant of the potential is -1"),
        ("tau_potential = 20.0", "gamma = 0.9", cli.BAD_USAGE, "has gamma; allowed are potential_decay"),
        ("inputs.csv", "missing.csv", cli.BAD_USAGE, "missing.csv cannot be read"),
        ("ticks = 12", "ticks = 5", cli.BAD_USAGE, "has tick 6; allowed is 0 to 4"),
        ("n_inputs = 2", "n_inputs = 1", cli.BAD_USAGE, "has neuron 1; allowed is 0 to 0"),
        ("[[patterns]]", "[[pattern]]", cli.BAD_USAGE, "has pattern; allowed are chip"),
        ("chip =", "chip", cli.BAD_USAGE, "is not valid TOML"),
    ],
)
def test_bad_spec_files(command: Command, tmp_path: Path, replaced: str, by: str, code: int, said: str) -> None:
    text = (FILES / "SPEC.toml").read_text(encoding="utf-8")
    assert replaced in text
    for name in ("inputs.csv", "targets.csv"):
        (tmp_path / name).write_bytes((FILES / name).read_bytes())
    (tmp_path / "SPEC.toml").write_text(text.replace(replaced, by, 1), encoding="utf-8")
    found, out, err = command("compile", tmp_path / "SPEC.toml", "-o", tmp_path / "p.snnp")
    assert (found, out) == (code, "")
    assert said in err
    assert err.count("\n") == 1
    assert not (tmp_path / "p.snnp").exists()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["run", "{program}", "missing.npz"], cli.BAD_USAGE, "missing.npz cannot be read"),
        (["run", "missing.snnp", "x.csv"], cli.BAD_USAGE, "missing.snnp cannot be read"),
        (["run", "{program}", "{inputs}"], cli.BAD_USAGE, "give both ticks and neurons"),
        (["run", "{program}", "{program}"], cli.BAD_USAGE, "rasters are read from .npz, .csv, .h5 and .nwb"),
        (["run", "{inputs}", "{inputs}"], cli.BAD_USAGE, "is not a whole zip archive"),
        (
            ["run", "{program}", "{inputs}", "--ticks", "12", "--backend", "no"],
            cli.BACKEND_FAILED,
            "there is no backend",
        ),
        (["verify", "{program}", "{inputs}"], cli.BAD_USAGE, "is not valid TOML"),
        (["inspect", "{inputs}"], cli.BAD_USAGE, "is not a whole zip archive"),
        (["backends", "install", "no"], cli.BACKEND_FAILED, "there is no backend 'no'; known are kernel, reference, "),
        (["backends", "check", "no"], cli.BACKEND_FAILED, "there is no backend"),
        (["compile", "{spec}", "-o", "{nowhere}/p.snnp"], cli.BAD_USAGE, "there is no folder"),
        (["compile", "{spec}"], cli.BAD_USAGE, "Missing option '-o'"),
        (["nonsense"], cli.BAD_USAGE, "No such command"),
    ],
)
def test_bad_usage(command: Command, detector: Path, tmp_path: Path, words: list[str], code: int, said: str) -> None:
    places = {
        "program": detector,
        "inputs": FILES / "inputs.csv",
        "spec": FILES / "SPEC.toml",
        "nowhere": tmp_path / "nowhere",
    }
    found, _, err = command(*[word.format(**places) for word in words])
    assert found == code
    assert said in err


def test_missing_backend_environment(
    command: Command, detector: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SNNPROG_CACHE", str(tmp_path / "empty"))
    monkeypatch.setattr("snnprog.backends.environment._does_current_interpreter_fit", lambda backend: False)
    code, _, err = command("run", detector, FILES / "inputs.csv", "--ticks", 12, "--backend", "lava")
    assert code == cli.BACKEND_FAILED
    assert "backend lava is not installed; run 'snnprog backends install lava' (it needs Python 3.10)" in err


def test_an_internal_error_is_one_sentence(command: Command, detector: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr("snnprog.program.load", fail)
    code, _, err = command("inspect", detector)
    assert code == cli.INTERNAL_ERROR
    assert "internal error, ZeroDivisionError: planted; please report it" in err


@pytest.mark.parametrize(
    ("planted", "code", "kind"),
    [(ZeroDivisionError("planted"), cli.INTERNAL_ERROR, "ZeroDivisionError"), (KeyboardInterrupt(), 130, "Abort")],
)
def test_json_tells_every_error(
    command: Command, detector: Path, monkeypatch: pytest.MonkeyPatch, planted: BaseException, code: int, kind: str
) -> None:
    def fail(_: object) -> None:
        raise planted

    monkeypatch.setattr("snnprog.program.load", fail)
    found, out, err = command("inspect", detector, "--json")
    assert (found, err.strip(), json.loads(out)["error"]["type"]) == (code, "", kind)


def test_json_tells_bad_usage(command: Command) -> None:
    code, out, err = command("compile", "x.toml", "--json")
    assert (code, err, json.loads(out)["error"]["type"]) == (cli.BAD_USAGE, "", "MissingParameter")
    code, out, err = command("compile", "x.toml")
    assert (code, out, err.count("\n")) == (cli.BAD_USAGE, "", 1)


def test_json_has_no_infinities(command: Command, tmp_path: Path) -> None:
    text = (FILES / "SPEC.toml").read_text(encoding="utf-8").replace("tau_potential = 20.0", "potential_decay = 0")
    for name in ("inputs.csv", "targets.csv"):
        (tmp_path / name).write_bytes((FILES / name).read_bytes())
    (tmp_path / "SPEC.toml").write_text(text, encoding="utf-8")
    code, out, _ = command("compile", tmp_path / "SPEC.toml", "-o", tmp_path / "p.snnp", "--json")
    assert code == cli.EXACT
    assert "Infinity" not in out
    assert '"inf"' in out


@pytest.mark.parametrize("provenance", [{"neurons": [{"status": "[/x]"}]}, {"neurons": [{"status": "\ud800\x1b[2J"}]}])
def test_a_hostile_program_is_shown_as_it_is(command: Command, tmp_path: Path, provenance: dict[str, object]) -> None:
    arrays = {name: np.zeros(0, dtype=int) for name in ("pre", "post", "delay", "weight", "exponent")}
    arrays |= {name: np.ones(1, dtype=int) for name in ("threshold", "potential_decay", "current_decay", "bias")}
    program = Program.from_arrays(chip="loihi1", n_inputs=1, n_neurons=1, outputs=[0], provenance=provenance, **arrays)
    program.save(tmp_path / "[b].snnp")
    code, out, err = command("inspect", tmp_path / "[b].snnp")
    assert (code, err) == (cli.EXACT, "")
    assert "[/x]" in out or "\ufffd\ufffd[2J" in out


def shell(words: str, **places: Path) -> subprocess.CompletedProcess[str]:
    """Run a line of shell in which ``snnprog`` is the command line."""
    variables = {**os.environ, **{name: str(place) for name, place in places.items()}}
    line = words.replace("snnprog", f"{shlex.quote(sys.executable)} -m snnprog")
    return subprocess.run(["bash", "-c", line], env=variables, capture_output=True, text=True, check=False)


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_a_closed_pipe_is_no_error(detector: Path) -> None:
    words = 'snnprog run "$PROGRAM" "$INPUTS" --ticks 12 | true; exit ${PIPESTATUS[0]}'
    done = shell(words, PROGRAM=detector, INPUTS=FILES / "inputs.csv")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(shutil.which("bash") is None or not Path("/dev/full").exists(), reason="needs bash and /dev/full")
@pytest.mark.parametrize("json_flag", ["", "--json"])
def test_a_full_device_is_told(detector: Path, json_flag: str) -> None:
    done = shell(f'snnprog inspect "$PROGRAM" {json_flag} > /dev/full', PROGRAM=detector)
    said = "snnprog: the output cannot be written: No space left on device\n"
    assert (done.returncode, done.stderr) == (cli.BAD_USAGE, said)


def test_a_file_where_the_demo_wants_a_folder(command: Command, tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    code, _, err = command("demo", "-o", tmp_path / "taken")
    assert code == cli.BAD_USAGE
    assert f"snnprog: {tmp_path / 'taken'} cannot be used: File exists\n" in err


@pytest.mark.parametrize("words", [["compile", FILES / "SPEC.toml"], ["run", "{program}", "missing.csv"]])
def test_a_place_that_cannot_be_written_is_refused_first(
    command: Command, detector: Path, tmp_path: Path, words: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("snnprog.compiler.compile", None)
    words = [str(word).format(program=detector) for word in words]
    code, _, err = command(*words, "-o", tmp_path)
    assert (code, err) == (
        cli.BAD_USAGE,
        f"snnprog: {tmp_path} cannot be written: a folder or device stands there; name a file\n",
    )
    assert "there is no folder" in command(*words, "-o", tmp_path / "no" / "x.csv")[2]


def test_run_is_told_how_many_patterns_there_are(command: Command, detector: Path) -> None:
    words = ("run", detector, FILES / "inputs.csv", "--ticks", 12, "--patterns", 5, "--json")
    assert len(json.loads(command(*words)[1])["patterns"]) == 5


def test_a_broken_backend_is_listed_as_broken(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "backend.toml").touch()
    monkeypatch.setenv("SNNPROG_BACKENDS", str(tmp_path))
    rows = {row["name"]: row for row in json.loads(command("backends", "list", "--json")[1])["backends"]}
    assert rows["half"]["summary"].startswith("broken: backend folder")
    assert not rows["half"]["ready"]
    assert "Lava 0.10.0" in rows["lava"]["summary"]


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['snnprog', '--help']\n"
        "from snnprog import cli\n"
        "try: cli.main()\n"
        "except SystemExit: pass\n"
        "print(sorted({'numpy', 'scipy', 'ortools', 'rich', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
