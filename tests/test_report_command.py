"""``snnprog report``: which page it writes, what it prints, and how it exits."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from test_page import impossible

import snnprog as sp
from snnprog import cli

FILES = Path(__file__).resolve().parents[1] / "examples" / "spec_files"
SPEC = FILES / "SPEC.toml"


def snnprog(*words: object) -> int:
    """Run a command and return its exit code; errors are raised as they are."""
    return int(cli.commands.main([str(word) for word in words], standalone_mode=False) or 0)


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the compiled program of the example's files."""
    path = tmp_path_factory.mktemp("detector") / "detector.snnp"
    sp.compile(sp.load_spec(SPEC)).program.save(path)
    return path


def written_spec(folder: Path, spec: sp.Spec) -> Path:
    """Write a spec of one pattern as files."""
    (pattern,) = spec.patterns
    np.savez(folder / "rasters.npz", inputs=pattern.inputs, targets=pattern.targets)
    path = folder / "SPEC.toml"
    path.write_text('[[patterns]]\ninputs = "rasters.npz:inputs"\ntargets = "rasters.npz:targets"\n', encoding="utf-8")
    return path


def test_a_program_with_its_spec(detector: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "p.html"
    words = ("report", detector, "--spec", SPEC, "--backend", "kernel", "--backend", "reference", "-o", page)
    assert snnprog(*words) == cli.EXACT
    assert capsys.readouterr().out == f"Exact on all 4 patterns; wrote {page}\n"
    text = page.read_text(encoding="utf-8")
    assert "<title>detector.snnp: Exact on all 4 patterns</title>" in text
    assert "Program file, SHA-256" in text


def test_a_program_that_does_otherwise(detector: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = sp.load_spec(SPEC)
    wanted = sp.Spec([sp.Pattern(spec.patterns[0].inputs, np.zeros((12, 1), dtype=bool))])
    path = written_spec(tmp_path, wanted)
    assert snnprog("report", detector, "--spec", path, "-o", tmp_path / "p.html", "--json") == cli.NOT_EXACT
    answer = json.loads(capsys.readouterr().out)
    assert (answer["kind"], answer["text"]) == ("bad", "1 of 12 bins is wrong")
    assert answer["page"] == str(tmp_path / "p.html")


def test_a_program_alone_and_on_inputs(detector: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "p.html"
    assert snnprog("report", detector, "-o", page) == cli.EXACT
    alone = page.stat().st_size
    given = ("--inputs", FILES / "inputs.csv", "--ticks", "12")
    assert snnprog("report", detector, *given, "-o", page) == cli.EXACT
    assert page.stat().st_size > alone
    assert capsys.readouterr().out.count("Not checked: no specification was given") == 2


def test_a_spec_that_can_be_built(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert snnprog("report", SPEC, "-o", tmp_path / "p.html") == cli.EXACT
    assert capsys.readouterr().out.startswith("Feasible: every output can be built; wrote ")


def test_a_spec_that_cannot(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written_spec(tmp_path, impossible())
    assert snnprog("report", path, "-o", tmp_path / "p.html") == cli.INFEASIBLE
    assert capsys.readouterr().out.startswith("Infeasible: 1 of 2 outputs cannot be built; wrote ")


def test_what_is_for_programs_is_refused_for_specs(detector: Path, tmp_path: Path) -> None:
    for option in (
        ("--spec", SPEC),
        ("--inputs", FILES / "inputs.csv"),
        ("--backend", "kernel"),
        ("--target", "riscv32"),
    ):
        with pytest.raises(
            sp.SpecError, match=r"SPEC\.toml is a specification; .* --backend, --target, --board and perturbations are"
        ):
            snnprog("report", SPEC, *option, "-o", tmp_path / "p.html")
    assert not (tmp_path / "p.html").exists()


def test_backends_need_something_to_run(detector: Path, tmp_path: Path) -> None:
    with pytest.raises(sp.SpecError, match="no inputs to run on lava, nowhere; give a spec or inputs as well"):
        snnprog("report", detector, "--backend", "lava", "--backend", "nowhere", "-o", tmp_path / "p.html")
    assert not (tmp_path / "p.html").exists()


def test_a_place_that_cannot_be_written_is_told_first(tmp_path: Path) -> None:
    (tmp_path / "empty.snnp").touch()
    with pytest.raises(sp.FormatError, match="nowhere"):
        snnprog("report", tmp_path / "empty.snnp", "-o", tmp_path / "nowhere" / "p.html")
