"""``snnprog backends``: what is listed, checked, missing and broken."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import FILES, Command
from stand_in import write_backend

from snnprog import cli


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


@pytest.mark.snnprog_backend("nengo_loihi")
def test_backends_check(command: Command) -> None:
    code, out, _ = command("backends", "check", "nengo_loihi", "--programs", 1)
    assert code == cli.EXACT
    assert "nengo_loihi ran 15 golden and 1 random programs on nengo-loihi 1.1.0, nengo 3.2.0, numpy" in out
    assert "no difference" in out


def test_backends_check_tells_what_differs(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_backend(tmp_path, "wrong", compare=">=", gaps="bias = false")
    monkeypatch.setenv("SNNPROG_BACKENDS", str(tmp_path))
    code, out, _ = command("backends", "check", "wrong")
    assert code == cli.NOT_EXACT
    assert "golden program biases is skipped: the bias of neuron 0 must be 0 on backend wrong, got 1" in out
    assert "wrong does NOT equal the reference: golden program equality\n" in out
    assert "\nwrong differs from the reference first at\n" in out
    assert "why    wrong fires where the potential equals the threshold (>=, not >)" in out
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
    assert "must be 0 (no synapse) from an input on backend short, got " in err


def test_missing_backend_environment(
    command: Command, detector: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SNNPROG_CACHE", str(tmp_path / "empty"))
    (tmp_path / "folders").mkdir()
    write_backend(tmp_path / "folders", "away", python="2.7")
    monkeypatch.setenv("SNNPROG_BACKENDS", str(tmp_path / "folders"))
    code, _, err = command("run", detector, FILES / "inputs.csv", "--ticks", 12, "--backend", "away")
    assert code == cli.BACKEND_FAILED
    assert "backend away is not installed; run 'snnprog backends install away' (it needs Python 2.7)" in err


def test_a_broken_backend_is_listed_as_broken(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "backend.toml").touch()
    monkeypatch.setenv("SNNPROG_BACKENDS", str(tmp_path))
    rows = {row["name"]: row for row in json.loads(command("backends", "list", "--json")[1])["backends"]}
    assert (rows["half"]["state"], rows["half"]["ready"]) == ("broken", False)
    assert rows["half"]["to_do"].startswith("backend folder")
    assert "Lava 0.10.0" in rows["lava"]["summary"]
