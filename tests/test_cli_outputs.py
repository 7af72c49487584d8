"""No command overwrites what it reads: not by its name, not by a link, and not a file that a spec names."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
import pytest
from cases import single_neuron
from command_line import FILES, Command

import snnprog as sp
from snnprog import cli
from snnprog.cli.files import RASTERS
from snnprog.cli.options import JsonCommand
from snnprog.cli.outputs import InputFile, OutputFile, OutputFolder, RasterFile
from snnprog.errors import FormatError
from snnprog.files.rasters import READ
from snnprog.spec_file import spec_files

# Each command, and the inputs that its output must not be.
COMMANDS = {
    "compile SPEC.toml": ("SPEC.toml", "inputs.csv", "targets.csv"),
    "run p.snnp x.csv --ticks 4": ("p.snnp", "x.csv"),
    "run p.snnp x.npz:other": ("p.snnp", "x.npz"),
    "link SYSTEM.toml": ("SYSTEM.toml", "p.snnp"),
    "quantize p.nir --dt-ms 1": ("p.nir",),
    "quantize p.nir --dt-ms 1 --inputs x.npz:other": ("p.nir", "x.npz"),
    "convert m.onnx --data x.npz": ("m.onnx", "x.npz"),
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
    shutil.copy("p.snnp", "q.nir")
    (tmp_path / "SYSTEM.toml").write_text('[parts]\na = "p.snnp"\n', encoding="utf-8")
    sp.write_nir("p.nir", program, dt_ms=1.0)
    shutil.copy("p.nir", "m.onnx")
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


# ------------------------------------------------------------------------------------------------------- every command


def commands_of(group: click.Group) -> Iterator[click.Command]:
    """Yield all commands that are no groups themselves."""
    for command in group.commands.values():
        if isinstance(command, click.Group):
            yield from commands_of(command)
        else:
            yield command


ALL_COMMANDS = list(commands_of(cli.commands))
FILE_WORDS = re.compile(r"path|file|folder|output|graph|page|proof")


@pytest.mark.parametrize("each", ALL_COMMANDS, ids=lambda each: str(each.name))
def test_every_file_of_a_command_is_guarded(each: click.Command) -> None:
    """Whatever names a file has a kind of `snnprog.cli.outputs`, and the command checks its outputs before it runs."""
    assert isinstance(each, JsonCommand)
    for parameter in each.params:
        text = f"{parameter.name} {getattr(parameter, 'metavar', None) or ''}".lower()
        if isinstance(parameter.type, click.Path) or FILE_WORDS.search(text) or "-o" in parameter.opts:
            assert isinstance(parameter.type, (InputFile, RasterFile, OutputFile, OutputFolder)), parameter.name
        if "-o" in parameter.opts or re.search(r"to write", getattr(parameter, "help", None) or ""):
            assert isinstance(parameter.type, (OutputFile, OutputFolder)), parameter.name


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("line", "output", "said"),
    [
        ("report p.snnp", "r.pdf", "r.pdf ends in '.pdf'; this command writes .html"),
        ("compile SPEC.toml", "x.txt", "x.txt ends in '.txt'; this command writes .snnp"),
        ("compile SPEC.toml", "x", "x has no suffix; this command writes .snnp"),
        ("run p.snnp x.npz:other", "x.nwb", "x.nwb ends in '.nwb'; this command writes .csv or .npz or .h5"),
        ("quantize p.nir --dt-ms 1", "p.net", "p.net ends in '.net'; this command writes .snnp"),
    ],
)
def test_a_wrong_suffix_is_refused_before_the_work(command: Command, line: str, output: str, said: str) -> None:
    assert command(*line.split(), "-o", output) == (cli.BAD_USAGE, "", f"snnprog: {said}\n")
    assert not Path(output).exists()


@pytest.mark.usefixtures("folder")
def test_an_input_is_not_overwritten_by_counting(command: Command) -> None:
    refused(command, "run p.snnp x.npz:other --activity", "x.npz", "x.npz")


@pytest.mark.usefixtures("folder")
def test_an_output_is_named_once(command: Command) -> None:
    for words in (("-o", "a.npz", "-o", "a.npz"), ("-o", "a.npz", "--output", "b.npz")):
        code, _, err = command("run", "p.snnp", "x.npz:other", *words)
        assert code == cli.BAD_USAGE
        assert err.startswith("snnprog: -o / --output is given more than once; name one output")


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("second", ["a.snnp", "./a.snnp", "link.snnp"])
def test_two_outputs_are_two_files(second: str) -> None:
    """No command has two outputs today; this one shows that all of them would be checked."""
    Path("link.snnp").symlink_to("a.snnp")
    words = [click.Option([f"--{name}"], type=OutputFile(".snnp")) for name in ("one", "two")]
    pair = JsonCommand("pair", params=[*words], callback=lambda one, two: None)
    with pytest.raises(FormatError, match=r"cannot be written: a\.snnp is the same file; give each output its own"):
        pair.main(["--one", "a.snnp", "--two", second], standalone_mode=False)
    pair.main(["--one", "a.snnp", "--two", "b.snnp"], standalone_mode=False)


def test_rasters_on_the_command_line_are_those_that_are_read() -> None:
    assert RASTERS == READ
