"""The command line: what it prints, how it exits, and that no input gets a traceback out of it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from snnprog import cli
from snnprog.program import load

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
        (["backends", "install", "no"], cli.BACKEND_FAILED, "there is no backend 'no'; known are reference, lava"),
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
