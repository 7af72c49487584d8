"""The command line: how it exits, and that no input gets a traceback out of it."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from command_line import FILES, Command

from snnprog import cli


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["run", "{program}", "missing.npz"], cli.BAD_USAGE, "missing.npz cannot be read"),
        (["run", "missing.snnp", "x.csv"], cli.BAD_USAGE, "'P.snnp': File 'missing.snnp' does not exist.\n"),
        (["inspect", "{folder}"], cli.BAD_USAGE, "is a directory.\n"),
        (["run", "{program}", "{inputs}"], cli.BAD_USAGE, "does not say how long it lasts; give ticks (--ticks"),
        (
            ["run", "{program}", "spikes.xyz"],
            cli.BAD_USAGE,
            "rasters are read from .npz, .csv, .h5, .nwb, .aedat4, .raw, .dat, .bin, .npy and .hdf5",
        ),
        (["run", "{program}", "spikes.mat"], cli.BAD_USAGE, "spikes.mat ends in '.mat'; scipy.io.loadmat reads"),
        (["run", "{program}", "spikes.txt"], cli.BAD_USAGE, "save the spikes as .csv with the columns tick and neuron"),
        (["run", "{inputs}", "{program}"], cli.BAD_USAGE, "inputs.csv is not a .snnp program (arguments swapped?)\n"),
        (["run", "{program}", "{program}"], cli.BAD_USAGE, "detector.snnp is not a file of input spikes (.npz, .csv,"),
        (
            ["run", "{program}", "{spec}"],
            cli.BAD_USAGE,
            "SPEC.toml' runs a program on the inputs of that specification",
        ),
        (["verify", "{spec}", "{program}"], cli.BAD_USAGE, "SPEC.toml is not a .snnp program (arguments swapped?)\n"),
        (
            ["report", "{program}", "--spec", "{program}", "-o", "x.html"],
            cli.BAD_USAGE,
            "detector.snnp is not a SPEC.toml;",
        ),
        (
            ["report", "{inputs}", "-o", "x.html"],
            cli.BAD_USAGE,
            "is not a .snnp program or a SPEC.toml; 'snnprog run P.snnp ",
        ),
        (["report", "{program}"], cli.BAD_USAGE, "'--output': HTML file to write (.html). See '"),
        (["report", "{program}", "{spec}", "-o", "x.html"], cli.BAD_USAGE, "did you mean '--spec {spec}'? See"),
        (
            ["report", "{program}", "--spec", "{spec}", "--inputs", "x.npz", "-o", "x.html"],
            cli.BAD_USAGE,
            "exclude each",
        ),
        (["explain", "{program}"], cli.BAD_USAGE, "detector.snnp is not a SPEC.toml; 'snnprog inspect "),
        (["inspect", "{spec}"], cli.BAD_USAGE, "-o P.snnp' makes a program of that specification\n"),
        (["quantize", "{program}", "-o", "x.snnp"], cli.BAD_USAGE, "is not a trained network (.nir or .net);"),
        (["convert", "{program}", "-o", "x.snnp", "--data", "{inputs}"], cli.BAD_USAGE, "is not an .npz of samples;"),
        (["compile", "{spec}", "x.snnp"], cli.BAD_USAGE, "Unexpected argument 'x.snnp'; did you mean '-o x.snnp'? See"),
        (["compile", "{spec}x"], cli.BAD_USAGE, "SPEC.tomlx' does not exist; did you mean 'SPEC.toml'?\n"),
        (
            ["compile", "{spec}", "-o", "x.snnp", "--workers", "0"],
            cli.BAD_USAGE,
            "'0' must be an integer from 1 to 256\n",
        ),
        (["compile", "{spec}", "-o", "x.snnp", "--seed", "x"], cli.BAD_USAGE, "'x' must be an integer from 0\n"),
        (["compile", "{spec}", "-o", "x.snnp", "--time-limit", "x"], cli.BAD_USAGE, "'x' must be a number from 0\n"),
        (
            ["compile", "{spec}", "-o", "x.snnp", "--seeed", "1"],
            cli.BAD_USAGE,
            "Did you mean ",  # in click's words, which differ from version to version
        ),
        (
            ["compile", "{spec}", "-o", "x.snnp", "--chip", "loihi"],
            cli.BAD_USAGE,
            "; did you mean 'loihi1' or 'loihi2'?\n",
        ),
        (["run", "{program}", "{inputs}", "--ids", "1,b"], cli.BAD_USAGE, "'1,b' must be integers with commas between"),
        (["quantize", "{inputs}", "-o", "x.snnp", "--title", "x"], cli.BAD_USAGE, "is not a trained network"),
        (["watch", "{spec}", "-o", "x.snnp", "--title", "x"], cli.BAD_USAGE, "name its file with --report, too\n"),
        (["demo", "--backend", "lva"], cli.BACKEND_FAILED, "; did you mean 'lava'?\n"),
        (["completion"], cli.BAD_USAGE, "Missing argument 'SHELL'. Choose from: bash, zsh, fish. See"),
        (
            ["run", "{program}", "{inputs}", "--ticks", "12", "--backend", "no"],
            cli.BACKEND_FAILED,
            "snnprog: unknown backend 'no'; known backends are kernel, reference,",
        ),
        (["verify", "{program}", "{inputs}"], cli.BAD_USAGE, "inputs.csv is not a SPEC.toml; 'snnprog run P.snnp "),
        (["inspect", "{inputs}"], cli.BAD_USAGE, "inputs.csv is not a .snnp program; 'snnprog run P.snnp "),
        (
            ["backends", "install", "no"],
            cli.BACKEND_FAILED,
            "snnprog: unknown backend 'no'; known backends are kernel, reference, ",
        ),
        (
            ["backends", "check", "no"],
            cli.BACKEND_FAILED,
            "snnprog: unknown backend 'no'; known backends are kernel, reference,",
        ),
        (["compile", "{spec}", "-o", "{nowhere}/p.snnp"], cli.BAD_USAGE, "cannot be written: folder"),
        (["compile", "{spec}"], cli.BAD_USAGE, "Missing option '-o'"),
        (["nonsense"], cli.BAD_USAGE, "No such command 'nonsense'. See '"),
        (["explian"], cli.BAD_USAGE, "No such command 'explian'; did you mean 'explain'? See '"),
        (
            ["backends", "instal"],
            cli.BAD_USAGE,
            "; did you mean 'install' or 'uninstall'? See '",
        ),
        (["x.toml"], cli.BAD_USAGE, " compile x.toml'? See '"),
    ],
)
def test_bad_usage(command: Command, detector: Path, tmp_path: Path, words: list[str], code: int, said: str) -> None:
    places = {
        "program": detector,
        "inputs": FILES / "inputs.csv",
        "spec": FILES / "SPEC.toml",
        "folder": tmp_path,
        "nowhere": tmp_path / "nowhere",
    }
    found, _, err = command(*[word.format(**places) for word in words])
    assert found == code
    assert said.format(**places) in err


def test_an_internal_error_is_one_sentence(command: Command, detector: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr("snnprog.program.load", fail)
    code, _, err = command("inspect", detector)
    assert code == cli.INTERNAL_ERROR
    assert "internal error, ZeroDivisionError: planted; please report it" in err


@pytest.mark.parametrize(
    ("planted", "code", "kind"),
    [(ZeroDivisionError("planted"), cli.INTERNAL_ERROR, "ZeroDivisionError"), (KeyboardInterrupt(), 130, "Abort")],
)
def test_json_tells_every_error(
    command: Command, detector: Path, monkeypatch: pytest.MonkeyPatch, planted: BaseException, code: int, kind: str
) -> None:
    def fail(_: object) -> None:
        raise planted

    monkeypatch.setattr("snnprog.program.load", fail)
    found, out, err = command("inspect", detector, "--json")
    assert (found, err.strip(), json.loads(out)["error"]["type"]) == (code, "", kind)


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (["compile", "SPEC.toml", "--json"], "BadParameter"),
        (["compile", "--json", FILES / "SPEC.toml"], "MissingParameter"),
        (["compile", "--nonsense", "--json"], "NoSuchOption"),
        (["backends", "install", "--json"], "MissingParameter"),
        (["inspect", "--json", "x.snnp", "--max-cores"], "BadOptionUsage"),
    ],
)
def test_json_tells_bad_usage(command: Command, words: list[object], kind: str) -> None:
    code, out, err = command(*words)
    assert (code, err, json.loads(out)["error"]["type"]) == (cli.BAD_USAGE, "", kind)


def test_json_as_the_value_of_an_option_asks_for_nothing(command: Command) -> None:
    code, out, err = command("inspect", "--max-cores", "--json")
    assert (code, out) == (cli.BAD_USAGE, "")
    assert "Invalid value for '--max-cores': '--json' must be an integer from 1" in err


def test_bad_usage_says_where_the_options_are_listed(command: Command) -> None:
    code, out, err = command("compile", FILES / "SPEC.toml")
    assert (code, out, err.count("\n")) == (cli.BAD_USAGE, "", 1)
    assert "Missing option '-o'" in err
    assert " compile --help'.\n" in err


def shell(words: str, **places: Path) -> subprocess.CompletedProcess[str]:
    """Run a line of shell in which ``snnprog`` is the command line."""
    variables = {**os.environ, **{name: str(place) for name, place in places.items()}}
    line = words.replace("snnprog", f"{shlex.quote(sys.executable)} -m snnprog")
    return subprocess.run(["bash", "-c", line], env=variables, capture_output=True, text=True, check=False)


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_a_closed_pipe_is_no_error(detector: Path) -> None:
    words = 'snnprog run "$PROGRAM" "$INPUTS" --ticks 12 | true; exit ${PIPESTATUS[0]}'
    done = shell(words, PROGRAM=detector, INPUTS=FILES / "inputs.csv")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(shutil.which("bash") is None or not Path("/dev/full").exists(), reason="needs bash and /dev/full")
@pytest.mark.parametrize("json_flag", ["", "--json"])
def test_a_full_device_is_told(detector: Path, json_flag: str) -> None:
    done = shell(f'snnprog inspect "$PROGRAM" {json_flag} > /dev/full', PROGRAM=detector)
    said = "snnprog: the output cannot be written: No space left on device\n"
    assert (done.returncode, done.stderr) == (cli.BAD_USAGE, said)


def test_a_file_where_the_demo_wants_a_folder(command: Command, tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    code, _, err = command("demo", "-o", tmp_path / "taken")
    assert code == cli.BAD_USAGE
    assert err == f"snnprog: {tmp_path / 'taken'} is a file; name a folder\n"


@pytest.mark.parametrize("words", [["compile", FILES / "SPEC.toml"], ["run", "{program}", "missing.csv"]])
def test_a_place_that_cannot_be_written_is_refused_first(
    command: Command, detector: Path, tmp_path: Path, words: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("snnprog.compiler.compile", None)
    words = [str(word).format(program=detector) for word in words]
    code, _, err = command(*words, "-o", tmp_path)
    message = f"snnprog: Invalid value for '-o' / '--output': File '{tmp_path}' is a directory.\n"
    assert (code, err) == (cli.BAD_USAGE, message)
    suffix = {"compile": ".snnp", "run": ".csv"}[str(words[0])]
    assert "cannot be written: folder" in command(*words, "-o", tmp_path / "no" / f"x{suffix}")[2]


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


def all_commands(group: click.Group = cli.commands) -> Iterator[click.Command]:
    for command in group.commands.values():
        yield command
        if isinstance(command, click.Group):
            yield from all_commands(command)


@pytest.mark.parametrize("each", list(all_commands()), ids=lambda each: each.callback.__name__)
def test_every_command_and_option_has_a_help_that_fits_its_line(each: click.Command) -> None:
    assert not each.get_short_help_str(limit=68).endswith("...")
    options = [option for option in each.params if isinstance(option, click.Option)]
    assert [option.name for option in options if not (option.help or "").endswith(".")] == []
