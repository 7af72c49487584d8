"""``snnprog inspect``: what a file holds, whoever wrote it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from command_line import Command

from snnprog import cli
from snnprog.chips import CHIPS, Core
from snnprog.program import Program, load


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
    assert "1 core of loihi1: the minimum" in out
    assert "limit    1,024" in out
    data = json.loads(command("inspect", detector, "--max-cores", 1, "--json")[1])
    assert (data["neurons"], data["cores"]["per_core"][0]["axons_in"]) == (1, 2)
    assert data["cores"]["core_of_neuron"] == [0]
    assert json.loads(command("inspect", detector, "--json")[1])["cores"] is None


def test_inspect_shows_the_cores_that_a_file_carries(command: Command, tmp_path: Path) -> None:
    program = Program.from_arrays(
        chip="loihi1",
        n_inputs=1,
        n_neurons=3,
        outputs=[0],
        pre=[0, 0, 0],
        post=[0, 1, 2],
        delay=[1] * 3,
        weight=[9] * 3,
        exponent=[0] * 3,
        threshold=[5] * 3,
        current_decay=[4095] * 3,
        potential_decay=[0] * 3,
        bias=[0] * 3,
        core=[1, 0, 1],
    )
    program.save(tmp_path / "p.snnp")
    rows = [line.split() for line in command("inspect", tmp_path / "p.snnp")[1].splitlines()]
    assert ["cores", "2"] in rows
    assert "2 cores of loihi1: at most 1 more than the minimum" in command("inspect", tmp_path / "p.snnp", "--cores")[1]
    data = json.loads(command("inspect", tmp_path / "p.snnp", "--cores", "--json")[1])
    assert data["cores"]["core_of_neuron"] == [1, 0, 1]


def test_inspect_says_what_is_not_checked(command: Command, detector: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CHIPS, "loihi1", replace(CHIPS["loihi1"], core=Core(neurons=8192)))
    out = command("inspect", detector, "--cores")[1]
    limits = next(line for line in out.splitlines() if line.startswith("limit"))
    assert limits.split(maxsplit=2)[1] == "8,192"
    assert limits.count("not checked") == 6
    monkeypatch.setitem(CHIPS, "loihi1", replace(CHIPS["loihi1"], core=Core()))
    assert "the limits of its cores are not known and not checked" in command("inspect", detector, "--cores")[1]


def test_inspect_shows_hidden_neurons(command: Command, detector: Path, tmp_path: Path) -> None:
    program = load(detector)
    told = program.provenance["neurons"]
    assert isinstance(told, list)
    replace(program, provenance={**program.provenance, "hidden": [{**told[0], "output": 7}]}).save(tmp_path / "h.snnp")
    out = command("inspect", tmp_path / "h.snnp")[1]
    assert "hidden neuron 7" in out
    assert "hidden neuron" not in command("inspect", detector)[1].replace("hidden neurons", "")


@pytest.mark.parametrize("provenance", [{"neurons": [{"status": "[/x]"}]}, {"neurons": [{"status": "\ud800\x1b[2J"}]}])
def test_a_hostile_program_is_shown_as_it_is(command: Command, tmp_path: Path, provenance: dict[str, object]) -> None:
    arrays = {name: np.zeros(0, dtype=int) for name in ("pre", "post", "delay", "weight", "exponent")}
    arrays |= {name: np.ones(1, dtype=int) for name in ("threshold", "potential_decay", "current_decay", "bias")}
    program = Program.from_arrays(
        chip="loihi1",
        n_inputs=1,
        n_neurons=1,
        provenance=provenance,
        shared=(),
        input_names=None,
        neuron_names=None,
        **arrays,
    )
    program.save(tmp_path / "[b].snnp")
    code, out, err = command("inspect", tmp_path / "[b].snnp")
    assert (code, err) == (cli.EXACT, "")
    assert "[/x]" in out or "\\ud800\\x1b[2J" in out
