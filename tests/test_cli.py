"""The command line: what it prints, how it exits, and that no input gets a traceback out of it."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from snnprog import cli
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
    assert set(answer["seconds"]) == {"design", "quantize", "simulate"}


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
    assert "first at tick 6 of pattern 0: spikes of output 0 is 1, expected 0" in out


@pytest.mark.backend("lava")
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


def test_backends_list(command: Command) -> None:
    code, out, _ = command("backends", "list", "--json")
    assert code == cli.EXACT
    assert {row["name"] for row in json.loads(out)["backends"]} >= {"reference", "lava"}
    assert "Lava 0.10.0" in command("backends", "list")[1]


@pytest.mark.backend("lava")
def test_backends_check(command: Command) -> None:
    code, out, _ = command("backends", "check", "lava", "--programs", 1)
    assert code == cli.EXACT
    assert "no difference" in out


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
    assert "closest found: 1 wrong bins (at least 1 in any case) on all 1 patterns" in out
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
        (["run", "{program}", "{program}"], cli.BAD_USAGE, "rasters are read from .npz and .csv"),
        (["run", "{inputs}", "{inputs}"], cli.BAD_USAGE, "is not a whole zip archive"),
        (
            ["run", "{program}", "{inputs}", "--ticks", "12", "--backend", "no"],
            cli.BACKEND_FAILED,
            "there is no backend",
        ),
        (["verify", "{program}", "{inputs}"], cli.BAD_USAGE, "is not valid TOML"),
        (["inspect", "{inputs}"], cli.BAD_USAGE, "is not a whole zip archive"),
        (
            ["backends", "install", "no"],
            cli.BACKEND_FAILED,
            "there is no backend 'no'; known are kernel, reference, lava",
        ),
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
