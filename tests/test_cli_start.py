"""What a first hour meets: ``snnprog init`` and its next commands, help, versions and completion."""

from __future__ import annotations

import itertools
import os
import shlex
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import click
import numpy as np
import pytest
from click.shell_completion import CompletionItem, ShellComplete
from command_line import Command

import snnprog as sp
from snnprog import cli
from snnprog.cli.compile import INPUTS, MINIMAL_SPEC, TARGETS
from snnprog.cli.init import NEXT_COMMANDS, STARTER
from snnprog.program import load

# ---------------------------------------------------------------------------------------------------------------- init


def test_init_and_the_commands_that_it_prints(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = command("init", "first/job")
    assert (code, err) == (cli.EXACT, "")
    printed = [line.strip() for line in out.splitlines() if line.startswith("    ")]
    assert printed == ["cd first/job", *NEXT_COMMANDS.splitlines()]
    monkeypatch.chdir(tmp_path / "first" / "job")
    answers = {}
    for line in printed[1:]:
        program, *words = shlex.split(line)
        code, answers[words[0]], err = command(*words)
        assert (program, code, err) == ("snnprog", cli.EXACT, ""), line
    assert answers["run"] == "pattern,tick,neuron\n0,10,0\n0,19,0\n0,27,0\n"
    assert out.endswith("the output must spike at ticks 10, 19 and 27.\n")


def test_the_detector_is_right_on_inputs_that_its_spec_does_not_hold(command: Command, tmp_path: Path) -> None:
    """Every stream of 7 ticks: what an output hears lies within 5 ticks."""
    command("init", tmp_path)
    program = sp.compile(sp.load_spec(tmp_path / "SPEC.toml")).program
    streams = np.array(list(itertools.product([False, True], repeat=14)), dtype=np.bool_).reshape(-1, 7, 2)
    padded = np.concatenate([streams, np.zeros((len(streams), 5, 2), dtype=np.bool_)], axis=1).reshape(-1, 2)
    expected = np.zeros(len(padded), dtype=np.bool_)
    expected[4:] = padded[:-4, 0] & padded[3:-1, 1]
    assert np.array_equal(sp.run(program, padded).spikes[:, 0], expected)


def test_init_quotes_the_folder_for_the_shell(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    entering = next(line for line in command("init", "my det")[1].splitlines() if "cd " in line)
    assert shlex.split(entering) == ["cd", "my det"]


def test_init_in_the_current_folder(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "cd " not in command("init")[1]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(STARTER)


@pytest.mark.parametrize("name", STARTER)
def test_init_overwrites_nothing(command: Command, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine", encoding="utf-8")
    code, out, err = command("init", tmp_path)
    assert (code, out) == (cli.BAD_USAGE, "")
    assert err == f"snnprog: {tmp_path / name} exists already; 'snnprog init' overwrites no file: name another folder\n"
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text(encoding="utf-8") == "mine"


def test_init_where_a_file_is(command: Command, tmp_path: Path) -> None:
    (tmp_path / "d.snnp").touch()
    assert command("init", tmp_path / "d.snnp") == (
        cli.BAD_USAGE,
        "",
        f"snnprog: {tmp_path / 'd.snnp'} is a file; name a folder\n",
    )


def test_init_where_no_folder_can_be(command: Command, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, _, err = command("init", tmp_path / "file" / "job")
    assert (code, err) == (
        cli.BAD_USAGE,
        f"snnprog: the folder {tmp_path / 'file' / 'job'} cannot be created: Not a directory\n",
    )


# ---------------------------------------------------------------------------------------------------- help and versions


def test_the_help_of_compile_shows_a_spec_that_compiles(command: Command, tmp_path: Path) -> None:
    """The text of the help itself is compiled, not the one that it was made of."""
    lines = [line.removeprefix("    ") for line in command("compile", "--help")[1].splitlines()]
    start, end = lines.index('delays = "1-5"'), lines.index("inputs.csv    targets.csv")
    spec = "\n".join(lines[start : lines.index("n_outputs = 1") + 1])
    rows = [line.split() for line in lines[end + 1 :] if line]
    (tmp_path / "SPEC.toml").write_text(spec, encoding="utf-8")
    (tmp_path / "inputs.csv").write_text("".join(f"{row[0]}\n" for row in rows), encoding="utf-8")
    (tmp_path / "targets.csv").write_text("".join(f"{row[1]}\n" for row in rows if len(row) > 1), encoding="utf-8")
    assert f"{spec}\n" == MINIMAL_SPEC
    assert [(tmp_path / f"{name}.csv").read_text() for name in ("inputs", "targets")] == [INPUTS, TARGETS]
    assert command("compile", tmp_path / "SPEC.toml", "-o", tmp_path / "p.snnp")[0] == cli.EXACT
    assert load(tmp_path / "p.snnp").n_inputs == 2


def test_help_lists_every_command_once(command: Command) -> None:
    out = command("--help")[1]
    for title in ("Design:", "Run and check:", "Import and export:", "Backends and shell:"):
        assert f"\n{title}\n" in out
    listed = [line.split()[0] for line in out.partition("Design:")[2].splitlines() if line.startswith("  ")]
    assert [name for name in listed if name in cli.commands.commands] == list(cli.commands.commands)


@pytest.mark.parametrize("columns", ["60", "100"])
def test_help_keeps_within_its_columns(command: Command, columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    for words in ([], ["backends"], *([name] for name in cli.commands.commands)):
        out = command(*words, "--help")[1]
        assert words not in ([], ["backends"]) or "..." not in out.replace("[ARGS]...", "")
        assert max(map(len, out.splitlines())) <= max(int(columns), 76), words  # commands to copy are not broken


def test_the_version_names_what_decides_the_integers(command: Command) -> None:
    code, out, _ = command("--version")
    first, packages, backends = out.splitlines()
    assert (code, first) == (cli.EXACT, f"snnprog {metadata.version('snnprog')}")
    assert f"Python {'.'.join(map(str, sys.version_info[:3]))}, NumPy {np.__version__}, " in packages
    assert f"OR-Tools {metadata.version('ortools')}" in packages
    assert backends.startswith("backends: kernel, reference")


def test_the_version_leaves_out_broken_backends(
    command: Command, folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folders / "half").mkdir()
    (folders / "half" / "backend.toml").touch()
    out = command("--version")[1]
    assert "half" not in out
    monkeypatch.setattr(metadata, "version", lambda name: (_ for _ in ()).throw(metadata.PackageNotFoundError(name)))
    assert "SciPy (not installed)" in command("--version")[1]


# ----------------------------------------------------------------------------------------------------------- completion


def completed(line: str) -> list[str]:
    """Return what a shell offers at the end of a line; "file" where it completes files by itself."""
    *words, incomplete = line.split(" ")
    items: list[CompletionItem] = ShellComplete(cli.commands, {}, "snnprog", "_SNNPROG_COMPLETE").get_completions(
        words, incomplete
    )
    return [item.type if item.type != "plain" else str(item.value) for item in items]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current folder, with files of each kind and a folder in a folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("SPEC.toml", "p.snnp", "x.csv", "x.npz", "net.nir", "m.onnx", "notes.txt", ".hidden.toml"):
        (tmp_path / name).touch()
    (tmp_path / "deep" / "er").mkdir(parents=True)
    for name in ("a.toml", "b.toml"):
        (tmp_path / "deep" / "er" / name).touch()
    return tmp_path


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("ex", ["explain", "export"]),
        ("backends un", ["uninstall"]),
        ("compile --cl", ["--closest"]),
        ("compile --chip lo", ["loihi1", "loihi2"]),
        ("compile --chip=xy", ["xylo"]),
        ("run p.snnp x.csv --backend ker", ["kernel"]),
        ("verify p.snnp SPEC.toml --against refer", ["reference"]),
        ("backends install lav", ["lava"]),
        ("inspect p.snnp --target cor", ["cortex-m0", "cortex-m4"]),
        ("export p.snnp --board ice", ["icebreaker"]),
        ("quantize net.nir --from s", ["snntorch", "sinabs", "spyx"]),
        ("completion f", ["fish"]),
        ("compile ", ["SPEC.toml", "deep/"]),
        ("compile .h", [".hidden.toml"]),
        ("compile de", ["deep/er/a.toml", "deep/er/b.toml"]),
        ("compile deep/er/a", ["deep/er/a.toml"]),
        ("verify ", ["p.snnp", "deep/"]),
        ("verify p.snnp S", ["SPEC.toml"]),
        ("run p.snnp x", ["x.csv", "x.npz"]),
        ("report ", ["SPEC.toml", "p.snnp", "deep/"]),
        ("quantize n", ["net.nir"]),
        ("convert m", ["m.onnx"]),
        ("compile SPEC.toml -o p", ["p.snnp"]),
        ("compile SPEC.toml -o new", ["file"]),
        ("compile nowhere/", ["file"]),
        ("run p.snnp x.csv --seed", []),
        ("compile SPEC.toml -o p.snnp -o p", ["p.snnp"]),
    ],
)
def test_words_are_completed(line: str, offered: list[str]) -> None:
    assert completed(line) == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_each_shell(command: Command, shell: str) -> None:
    code, out, err = command("completion", shell)
    assert (code, err) == (cli.EXACT, "")
    assert f"_SNNPROG_COMPLETE={shell}_complete" in out


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_completes(place: Path) -> None:
    """The script as bash evaluates it, in a shell where ``snnprog`` is a command."""
    folder = place / "bin"
    folder.mkdir()
    (folder / "snnprog").write_text(f"#!{sys.executable}\nfrom snnprog.__main__ import main\nmain()\n")
    (folder / "snnprog").chmod(0o755)
    script = """
eval "$(snnprog completion bash)"
COMP_WORDS=(snnprog explain S) COMP_CWORD=2
compopt() { :; }
_snnprog_completion snnprog
printf '%s\\n' "${COMPREPLY[@]}"
"""
    root = str(Path(sp.__file__).resolve().parents[1])
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "PYTHONPATH": root}
    done = subprocess.run(
        ["bash", "-c", script], cwd=place, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("SPEC.toml\n", "")


def test_every_name_on_the_command_line_is_completed() -> None:
    """Whatever is called --backend, --chip, --board or --target, or is a backend's name, has a kind that completes."""
    for name, each in cli.commands.commands.items():
        for one in each.commands.values() if isinstance(each, click.Group) else [each]:
            for parameter in one.params:
                if set(parameter.opts) & {"--backend", "--against", "--chip", "--board", "--target", "name"}:
                    assert type(parameter.type).__name__ in ("KnownName", "ChipName"), (name, one.name, parameter.name)
