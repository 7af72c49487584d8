"""No command overwrites what it reads: not by its name, not by a link, and not a file that a spec names."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from cases import single_neuron
from command_line import FILES, Command

import snnprog as sp
from snnprog import cli
from snnprog.spec_file import spec_files

# Each command, and the inputs that its output must not be.
COMMANDS = {
    "compile SPEC.toml": ("SPEC.toml", "inputs.csv", "targets.csv"),
    "run p.snnp x.csv --ticks 4": ("p.snnp", "x.csv"),
    "run p.snnp x.npz:other": ("p.snnp", "x.npz"),
    "quantize p.nir --dt-ms 1": ("p.nir",),
    "quantize p.nir --dt-ms 1 --inputs x.npz:other": ("p.nir", "x.npz"),
    "export q.nir --dt-ms 1": ("q.nir",),
    "report p.snnp": ("p.snnp",),
    "report p.snnp --spec SPEC.toml": ("p.snnp", "SPEC.toml", "inputs.csv", "targets.csv"),
    "report p.snnp --inputs x.npz:other": ("p.snnp", "x.npz"),
    "report SPEC.toml": ("SPEC.toml", "inputs.csv", "targets.csv"),
}
CASES = [(line, name) for line, names in COMMANDS.items() for name in names]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current folder, which holds a spec and its rasters, a program under two names, inputs and a graph."""
    monkeypatch.chdir(tmp_path)
    for file in FILES.iterdir():
        shutil.copy(file, tmp_path)
    program = single_neuron(n_inputs=2, potential_decay=4095)
    program.save("p.snnp")
    program.save("q.nir")
    sp.write_nir("p.nir", program, dt_ms=1.0)
    np.savez("x.npz", other=np.ones((1, 4, 2), dtype=bool), more=np.zeros(3))
    (tmp_path / "x.csv").write_text("tick,neuron\n1,0\n", encoding="utf-8")
    return tmp_path


def refused(command: Command, line: str, output: str, file: str) -> None:
    before = Path(file).read_bytes()
    code, out, err = command(*line.split(), "-o", output)
    assert (code, out) == (cli.BAD_USAGE, "")
    assert err == f"snnprog: {output} cannot be written: it is the input file {file}; give the output another name\n"
    assert Path(file).read_bytes() == before


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(("line", "file"), CASES)
def test_an_input_is_not_overwritten(command: Command, line: str, file: str) -> None:
    refused(command, line, file, file)


@pytest.mark.parametrize("link", ["symbolic_to", "hard_to"])
def test_an_input_is_known_by_a_link(command: Command, folder: Path, link: str) -> None:
    other = folder / "other"
    if link == "hard_to":
        other.hardlink_to(folder / "inputs.csv")
    else:
        other.symlink_to(folder / "inputs.csv")
    refused(command, "compile SPEC.toml", "other", "inputs.csv")
    assert other.samefile(folder / "inputs.csv")


@pytest.mark.usefixtures("folder")
def test_an_output_may_stand_where_no_input_does(command: Command) -> None:
    Path("out.csv").write_text("old", encoding="utf-8")
    assert command("run", "p.snnp", "x.csv", "--ticks", "4", "-o", "out.csv")[0] == cli.EXACT
    assert Path("out.csv").read_text(encoding="utf-8") == "pattern,tick,neuron\n0,2,0\n"


def test_the_files_of_a_spec(folder: Path) -> None:
    (folder / "x.toml").write_text(
        '[[patterns]]\ninputs = "a/x.npz:key"\ntargets = "t.h5"\ncare = 3\n', encoding="utf-8"
    )
    assert spec_files(folder / "x.toml") == [folder / "x.toml", folder / "a" / "x.npz", folder / "t.h5"]
