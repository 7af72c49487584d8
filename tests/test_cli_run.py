"""``snnprog run`` and ``snnprog verify``: what comes out, and what differs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from command_line import FILES, Command
from planted import FAULTS, write_planted

from snnprog import cli


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
    assert json.loads(out)["patterns"] == [
        {"tick": [6], "neuron": [0], "readout": None},
        *({"tick": [], "neuron": [], "readout": None} for _ in range(3)),
    ]


def test_run_counts_activity(command: Command, detector: Path, tmp_path: Path) -> None:
    words = ("run", detector, FILES / "inputs.csv", "--ticks", 12, "--activity")
    code, out, err = command(*words)
    assert (code, err) == (cli.EXACT, "")
    assert "synaptic operations" in out
    assert "energy: an estimate" in out
    code, out, _ = command(*words, "--json", "-o", tmp_path / "out.csv")
    answer = json.loads(out)
    assert answer["patterns"] == [
        {"tick": [6], "neuron": [0], "readout": None},
        *({"tick": [], "neuron": [], "readout": None} for _ in range(3)),
    ]
    assert answer["activity"]["patterns"][0] == {
        "ticks": 12,
        "input_spikes": 2,
        "neuron_spikes": 1,
        "synaptic_operations": 2,
        "messages": 2,
        "neuron_updates": 12,
        "energy_pj": [pytest.approx(674.6), pytest.approx(1022.6)],
    }
    assert "estimate" in str(answer["activity"].keys())
    assert (tmp_path / "out.csv").read_text() == "pattern,tick,neuron\n0,6,0\n"


def test_run_compares_activity_and_reports_neurobench(command: Command, detector: Path) -> None:
    words = ("run", detector, FILES / "inputs.csv", "--ticks", 12, "--activity")
    _, out, _ = command(*words, "--dt-ms", 2)
    assert [text in out for text in ("Effective_ACs", "Model execution rate (Hz)", "500")] == [True] * 3
    assert "1.5 synaptic operations per sample and 2 multiply-accumulates, 0.75 for each: fewer" in out
    answer = json.loads(command(*words, "--multiplications", 1, "--json")[1])["activity"]
    assert answer["comparison"]["is_ann_cheaper"] is True
    assert answer["neurobench"]["SynapticOperations"] == {"Effective_MACs": 0.0, "Effective_ACs": 1.5, "Dense": 48.0}
    code, _, err = command(*words[:-1], "--multiplications", 1)
    assert (code, "add --activity" in err) == (cli.BAD_USAGE, True)


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
    assert "kernel differs from the target first at" in out
    assert "where  pattern 0, tick 6: output 0 spikes, expected silence" in out
    assert "input  At tick 6 neuron 0 heard input" in out
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
    assert (code, answer["against"], answer["backends"]["liar"]["identical"]) == (
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
    assert answer["backends"]["lava"]["identical"]
    assert answer["backends"]["lava"]["versions"]["lava-nc"] == "0.10.0"


def test_run_is_told_how_many_patterns_there_are(command: Command, detector: Path) -> None:
    words = ("run", detector, FILES / "inputs.csv", "--ticks", 12, "--patterns", 5, "--json")
    assert len(json.loads(command(*words)[1])["patterns"]) == 5
