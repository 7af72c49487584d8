"""``snnprog compile``: what it prints and writes, and how it refuses."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from command_line import FILES, Command

from snnprog import cli
from snnprog.chips import CHIPS, Core
from snnprog.program import load


def test_compile_tells_what_became_of_each_output(command: Command, tmp_path: Path) -> None:
    code, out, err = command("compile", FILES / "SPEC.toml", "-o", tmp_path / "p.snnp")
    assert (code, err) == (cli.EXACT, "")
    assert "certified" in out
    assert "exact on all 4 patterns" in out
    assert "potential 0.1202" in out
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
    assert "1 core of loihi1: the minimum" in out
    assert "synaptic memory" in out


def test_what_does_not_fit_the_chip_is_written_and_told(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CHIPS, "loihi1", replace(CHIPS["loihi1"], core=Core(axons_in=1)))
    code, out, err = command("compile", FILES / "SPEC.toml", "-o", tmp_path / "p.snnp")
    assert (code, "wrote" in out) == (cli.DOES_NOT_FIT, True)
    sentence = "neuron 0 alone exceeds the limit of axons in: 2 of 1; lower its fan-in"
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
    assert "1 wrong bin (at least 1 under exact decays), 1 of 2 target spikes hit, 0 false alarms on 1 pattern;" in out
    assert "0:0 missing" in out
    code, out, _ = command(*words, "--closest", "--json")
    data = json.loads(out)
    assert (code, data["status"], data["wrong_bins"], data["at_least"]) == (cli.NOT_EXACT, "closest", 1, 1)
    assert data["deviations"] == [{"output": 0, "wrong": [[0, 0, "missing"]], "distances": [1.0], "label": None}]
    options = ("--miss-cost", "2.5", "--alarm-cost", "4", "--start", tmp_path / "p.snnp")
    words = ("compile", tmp_path / "SPEC.toml", "-o", tmp_path / "again.snnp")
    for option in (("--miss-cost", "2.5"), ("--alarm-cost", "4"), ("--start", tmp_path / "p.snnp")):
        code, _, err = command(*words, *option)
        assert (code, f"{option[0]} is about the closest program; add --closest" in err) == (cli.BAD_USAGE, True)
    code, out, _ = command(*words, "--closest", *options, "--json")
    data = json.loads(out)
    assert (data["cost"], data["cost_at_least"], data["alarm_cost"], data["hits"]) == (2.5, 2.5, 4.0, 1)
    code, out, _ = command("verify", tmp_path / "p.snnp", tmp_path / "SPEC.toml", "--json")
    assert (code, json.loads(out)["backends"]["kernel"]["wrong_bins"]) == (cli.NOT_EXACT, 1)


def test_infeasible_is_told_with_its_ticks(command: Command, tmp_path: Path) -> None:
    text = (FILES / "SPEC.toml").read_text(encoding="utf-8")
    (tmp_path / "SPEC.toml").write_text(text, encoding="utf-8")
    (tmp_path / "inputs.csv").write_bytes((FILES / "inputs.csv").read_bytes())
    (tmp_path / "targets.csv").write_text("pattern,tick,neuron\n0,0,0\n", encoding="utf-8")
    expected = "output 0 must spike at tick 0 of pattern 0, but no input has reached it since the pattern began"
    for file, chip in ((tmp_path / "SPEC.toml", []), (tmp_path / "an x.toml", ["--chip", "loihi2"])):
        file.write_text(text, encoding="utf-8")
        spec = " ".join([shlex.quote(str(file)), *chip])
        hint = f"'snnprog explain {spec}' shows the proof; 'snnprog compile {spec} --closest -o P.snnp' writes"
        assert command("compile", file, "-o", tmp_path / "p.snnp", *chip) == (
            cli.INFEASIBLE,
            "",
            f"snnprog: infeasible: {expected}\nsnnprog: {hint} the nearest program\n",
        )
    code, out, err = command("compile", tmp_path / "SPEC.toml", "-o", tmp_path / "p.snnp", "--json")
    assert (code, err, json.loads(out)["error"]["conflicts"]) == (cli.INFEASIBLE, "", [expected])
    assert not (tmp_path / "p.snnp").exists()


@pytest.mark.parametrize(
    ("replaced", "by", "code", "said"),
    [
        ('"1-5"', '"0-5"', cli.DOES_NOT_FIT, "delay must be 1 to 63 on loihi1, got 0; change delays in "),
        ('"1-5"', "[1, 64]", cli.DOES_NOT_FIT, "delay must be 1 to 63 on loihi1, got 64"),
        ('"1-5"', "[]", cli.BAD_USAGE, "delays must have at least one entry"),
        ('"1-5"', "[1.5]", cli.BAD_USAGE, "SPEC.toml, delays: delay must be an integer, got 1.5"),
        ('"loihi1"', '"loihi9"', cli.BAD_USAGE, "unknown chip 'loihi9'; known chips are fpga"),
        (
            "tau_potential = 0.0",
            "tau_potential = -1",
            cli.BAD_USAGE,
            "[dynamics]: time constant of the potential must be a non-negative number of ticks such as 20.0",
        ),
        (
            "tau_potential = 0.0",
            "gamma = 0.9",
            cli.BAD_USAGE,
            "unknown key 'gamma' in [dynamics]; known keys: potential_decay",
        ),
        ("inputs.csv", "missing.csv", cli.BAD_USAGE, "SPEC.toml, does not exist\n"),
        ("ticks = 12", "ticks = 5", cli.BAD_USAGE, "line 2: tick must be 0 to 4, because ticks = 5, got 6"),
        (
            "n_inputs = 2",
            "n_inputs = 1",
            cli.BAD_USAGE,
            "neuron must be 0, because neurons = 1 (n_inputs in SPEC.toml)",
        ),
        ("[[patterns]]", "[[pattern]]", cli.BAD_USAGE, "unknown key 'pattern'; did you mean 'patterns'?"),
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


def test_json_has_no_infinities(command: Command, tmp_path: Path) -> None:
    text = (FILES / "SPEC.toml").read_text(encoding="utf-8").replace("tau_potential = 0.0", "potential_decay = 0")
    for name in ("inputs.csv", "targets.csv"):
        (tmp_path / name).write_bytes((FILES / name).read_bytes())
    (tmp_path / "SPEC.toml").write_text(text, encoding="utf-8")
    code, out, _ = command("compile", tmp_path / "SPEC.toml", "-o", tmp_path / "p.snnp", "--json")
    assert code == cli.EXACT
    assert "Infinity" not in out
    assert '"inf"' in out
