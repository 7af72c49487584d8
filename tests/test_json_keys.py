"""Every key that a command prints as JSON is in docs/reference/cli.md, and every key there is printed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from command_line import FILES, Command
from microcontrollers import for_target
from planted import FAULTS, write_planted
from stand_in import write_backend

from snnprog.figures import BoardFigures, MicrocontrollerFigures, TickInstructions, ToolReport

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
JSON_PART = TEXT.partition("## JSON")[2]
# Whose keys are names of packages, steps, resources and the like, or whatever a file says of its making.
OPEN = {"versions", "failures", "seconds", "gaps", "limits", "total", "left_out", "provenance", "robust"}
# Which a cross compiler and QEMU measure, where there are some.
FIGURES = {*(each.name for each in fields(MicrocontrollerFigures)), *(each.name for each in fields(TickInstructions))}
# Which need Amaranth, and a folder that is built; tests/test_boards.py checks those.
BOARDS = {*(each.name for each in fields(BoardFigures)), *(each.name for each in fields(ToolReport)), "longest delay"}
# What stands in a section of its own, or is another command's whole answer.
SHARED = {
    "neurons[]": "A neuron",
    "hidden[]": "A neuron",
    "cores": "Cores",
    "training_score": "A score",
    "held_out_score": "A score",
    "glm_training_score": "A score",
    "glm_held_out_score": "A score",
    "divergence_parts": "A divergence",
    "summary": "inspect",
}


def documented(heading: str) -> set[str]:
    """Return the paths that the table below a heading names; "a[]: b, c" are two."""
    section = JSON_PART.partition(f"\n### {heading}\n")[2].partition("\n### ")[0]
    paths = set()
    for cell in re.findall(r"^\| (`.*?) \|", section, re.MULTILINE):
        prefix, colon, keys = cell.rpartition(":")
        stem = f"{prefix.strip('`')}." if colon else ""
        paths |= {stem + key for key in re.findall(r"`([^`]+)`", keys)}
    return paths


def paths_of(value: object, before: str = "") -> Iterator[tuple[str, object]]:
    """Yield the path of every key and its value, down to what is open or shared."""
    if isinstance(value, list):
        for item in value:
            yield from paths_of(item, f"{before}[]")
    elif isinstance(value, dict):
        for key, item in value.items():
            name = "*" if before == "backends" else key
            path = f"{before}.{name}" if before else name
            yield path, item
            last = f"{name}[]" if isinstance(item, list) else name
            if name not in OPEN and last not in SHARED:
                yield from paths_of(item, path)


def check(heading: str, answer: object) -> None:
    """Hold what was printed against a section, and what is shared against its own."""
    found = dict(paths_of(answer))
    told = {path[: match.start()] for path in documented(heading) for match in re.finditer(r"\[\]|\.|$", path)}
    untold = set(found) - told - {"backends.*"}
    assert not untold, f"{heading}: {untold}"
    for path, value in found.items():
        last = path.rpartition(".")[2]
        for item in value if isinstance(value, list) else [value]:
            section = SHARED.get(f"{last}[]" if isinstance(value, list) else last)
            if section is not None and isinstance(item, dict):
                check(section, item)


def stems(heading: str) -> set[str]:
    """Return the last words of all paths that a section names."""
    return {re.sub(r"\[\]|\.\*", "", path).rpartition(".")[2] for path in documented(heading)}


def keys_of(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from keys_of(item)
    elif isinstance(value, list):
        for item in value:
            yield from keys_of(item)


def spec_in(folder: Path, *, tick: int) -> Path:
    """Write the example's spec with one target spike at another tick."""
    (folder / "SPEC.toml").write_bytes((FILES / "SPEC.toml").read_bytes())
    (folder / "inputs.csv").write_bytes((FILES / "inputs.csv").read_bytes())
    (folder / "targets.csv").write_text(f"pattern,tick,neuron\n0,{tick},0\n", encoding="utf-8")
    return folder / "SPEC.toml"


def test_init(command: Command, tmp_path: Path) -> None:
    answer = json.loads(command("init", tmp_path / "new", "--json")[1])
    check("init", answer)
    assert stems("init") == set(answer)
    assert all(Path(file).is_file() for file in answer["files"])


def test_explain(command: Command, tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", inputs=np.eye(4, 1, dtype=bool), targets=np.eye(4, 1, k=-1, dtype=bool))
    spec = spec_in(tmp_path, tick=0)
    spec.write_text(spec.read_text().replace('delays = "1-5"', 'delays = "1-5"\nhidden = "auto"'))
    answer = json.loads(command("explain", spec, "--json")[1])
    check("explain", answer)
    assert stems("explain") <= set(keys_of(answer))
    certified = json.loads(command("explain", FILES / "SPEC.toml", "--json")[1])
    check("explain", certified)
    assert certified["outputs"][0].keys() == answer["outputs"][0].keys()


def test_units(command: Command, tmp_path: Path) -> None:
    raster = np.random.default_rng(0).random((60, 3)) < 0.2
    np.savez(tmp_path / "recording.npz", raster)
    options = ("--longest-delay", 2, "--inputs", "0,1", "--glm", "--json")
    answer = json.loads(command("units", tmp_path / "recording.npz", *options)[1])
    check("units", answer)
    assert stems("units") <= set(keys_of(answer))


def test_compile_inspect_and_run(command: Command, tmp_path: Path) -> None:
    program = tmp_path / "p.snnp"
    compiled = json.loads(command("compile", spec_in(tmp_path, tick=0), "-o", program, "--closest", "--json")[1])
    check("compile", compiled)
    for section in ("compile", "A neuron"):
        assert stems(section) <= set(keys_of(compiled)) | {"hidden", "value", "limit", "quantity", "tick", "neuron"}
    inspected = json.loads(command("inspect", program, "--cores", "--json")[1])
    check("inspect", inspected)
    for section in ("inspect", "Cores"):
        assert stems(section) <= set(keys_of(inspected)) | FIGURES | BOARDS
    ran = json.loads(command("run", program, FILES / "inputs.csv", "--ticks", 12, "--activity", "--json")[1])
    check("run", ran)
    assert stems("run") <= set(keys_of(ran))
    report = json.loads(command("report", program, "-o", tmp_path / "p.html", "--json")[1])
    check("report", report)
    assert stems("report") == set(report)
    plain = json.loads(command("run", program, FILES / "inputs.csv", "--ticks", 12, "--json")[1])
    assert plain.keys() == ran.keys()


@pytest.mark.parametrize("target", [for_target("riscv32")])
def test_inspect_on_a_microcontroller(target: str, command: Command, detector: Path) -> None:
    inspected = json.loads(command("inspect", detector, "--target", target, "--json")[1])
    check("inspect", inspected)
    assert set(keys_of(inspected)) >= FIGURES


def test_verify_and_backends(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNNPROG_BACKENDS", str(tmp_path))
    write_planted(tmp_path, "liar", FAULTS["inputs one tick late"])
    write_backend(tmp_path, "wrong", compare=">=", gaps="bias = false")
    command("compile", FILES / "SPEC.toml", "-o", tmp_path / "p.snnp")
    words = (
        "verify",
        tmp_path / "p.snnp",
        FILES / "SPEC.toml",
        "--test",
        FILES / "SPEC.toml",
        "--backend",
        "liar",
        "--state",
        "--missing",
        1,
        "--json",
    )
    verified = json.loads(command(*words)[1])
    check("verify", verified)
    for section in ("verify", "A divergence"):
        assert stems(section) <= set(keys_of(verified)) | {"backends"}
    listed = json.loads(command("backends", "list", "--json")[1])
    check("backends list", listed)
    assert stems("backends list") <= set(keys_of(listed))
    assert len({frozenset(row) for row in listed["backends"]}) == 1
    checked = json.loads(command("backends", "check", "wrong", "--programs", 0, "--json")[1])
    check("backends check", checked)
    assert stems("backends check") <= set(keys_of(checked))


def test_link(command: Command, tmp_path: Path) -> None:
    command("compile", FILES / "SPEC.toml", "-o", tmp_path / "p.snnp")
    (tmp_path / "SYSTEM.toml").write_text('[parts]\na = "p.snnp"\n', encoding="utf-8")
    answer = json.loads(command("link", tmp_path / "SYSTEM.toml", "-o", tmp_path / "q.snnp", "--json")[1])
    check("link", answer)
    assert stems("link") == set(answer)


def test_demo() -> None:
    """It takes long; its keys are read off its source."""
    source = (ROOT / "snnprog" / "cli" / "demo.py").read_text(encoding="utf-8")
    assert set(re.findall(r'^        "(\w+)": ', source, re.MULTILINE)) == documented("demo")
    assert "**verification_data(demo.verification)" in source


def test_errors(command: Command, tmp_path: Path) -> None:
    answer = json.loads(command("compile", spec_in(tmp_path, tick=0), "-o", tmp_path / "p.snnp", "--json")[1])
    check("Errors", answer)
    assert stems("Errors") <= set(keys_of(answer))
    assert answer["error"]["exit_code"] == 3
