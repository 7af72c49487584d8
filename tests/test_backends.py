"""Runtimes in folders: how they are found, installed and run, and how a runner that misbehaves is told off."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cases import random_raster
from command_line import FILES, Command
from processes import is_gone
from stand_in import DESCRIPTION, FINE, HERE, RULE, write_backend, write_wheel
from untyped import untyped

import snnprog as sp
from snnprog import cli
from snnprog.arrays import Raster
from snnprog.backends import Backend, backend_names, find_backend, install, lack_of, run_backend, status
from snnprog.backends.environment import FINISHED, environment_folder
from snnprog.backends.folder import ARTIFACTS
from snnprog.backends.interpreters import find_interpreter, variable_for
from snnprog.emit.exporting import EXPORT_FORMS


@pytest.fixture
def program() -> sp.Program:
    return sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=2,
        n_neurons=3,
        outputs=[2, 0],
        pre=[0, 1, 2, 3],
        post=[0, 1, 2, 2],
        delay=[1, 3, 2, 1],
        weight=[30, -4, 90, 20],
        exponent=[0, 1, 0, 0],
        threshold=[25, 10, 40],
        current_decay=[4095, 100, 3000],
        potential_decay=[163, 0, 4095],
        bias=[0, 100, 0],
    )


RASTERS = [random_raster(1, 9, 2, 0.5), random_raster(2, 4, 2, 0.5)]


# ------------------------------------------------------------------------------------------------ runners in folders


def test_a_folder_is_a_backend(folders: Path, program: sp.Program) -> None:
    write_backend(folders, "standin")
    answer = run_backend(program, RASTERS, "standin", "state")
    expected = run_backend(program, RASTERS, record="state")
    assert answer.versions["stand-in"] == "1"
    assert [trace.spikes.shape for trace in answer.traces] == [(9, 2), (4, 2)]
    for found, wanted in zip(answer.traces, expected.traces, strict=True):
        for name in ("spikes", "currents", "potentials"):
            assert np.array_equal(getattr(found, name), getattr(wanted, name)), name


def test_states_are_there_only_when_asked_for(folders: Path, program: sp.Program) -> None:
    write_backend(folders, "standin")
    trace = sp.run(program, RASTERS[0], "standin")
    assert trace.currents is None
    assert trace.potentials is None
    assert run_backend(program, [], "standin").traces == ()


MISBEHAVIOUR = {
    "dies": ("sys.exit('the chip is on fire')", "ended with code 1; it said: the chip is on fire"),
    "dies in silence": ("sys.exit(3)", "ended with code 3; it printed nothing"),
    "is killed": ("os.kill(os.getpid(), 9)", "ended with code -9"),
    "raises": ("raise RuntimeError('no such core')", "RuntimeError: no such core"),
    "forgets to answer": ("pass", "wrote an invalid result: there is no result file"),
    "writes half a file": (
        FINE + "; whole = open(result_path, 'rb').read(); open(result_path, 'wb').write(whole[:len(whole) // 2])",
        "wrote an invalid result: .*result.npz",
    ),
    "writes text": ("open(result_path, 'w').write('done')", "wrote an invalid result: .*result.npz"),
    "loses a tick": (
        "answer['spikes'] = answer['spikes'][1:]; " + FINE,
        r"must be bool of shape \(13, 2\), got bool of shape \(12, 2\)",
    ),
    "transposes": ("answer['spikes'] = answer['spikes'].T; " + FINE, r"spikes must be .*got bool of shape \(2, 13\)"),
    "counts spikes": (
        "answer['spikes'] = answer['spikes'].astype('<i8'); " + FINE,
        "spikes must be .*got int64 of shape",
    ),
    "widens the state": (
        "answer['currents'] = answer['currents'].astype('<f8'); " + FINE,
        r"currents must be int32 of shape \(13, 3\), got float64 of shape \(13, 3\)",
    ),
    "leaves out the state": ("del answer['potentials']; " + FINE, "potentials"),
    "leaves out the spikes": ("del answer['spikes']; " + FINE, "spikes"),
    "pickles": ("answer['spikes'] = answer['spikes'].astype(object); " + FINE, "must hold plain numbers"),
    "forgets its versions": ("del answer['versions']; " + FINE, "versions"),
    "tells versions in prose": ("answer['versions'] = 'one, I think'; " + FINE, "must be a JSON object"),
    "tells versions in a list": ("answer['versions'] = '[1]'; " + FINE, "must be a JSON object"),
    "tells deep versions": ("answer['versions'] = '[' * 9999; " + FINE, "versions must be a JSON object"),
    "tells versions in no characters": (
        "answer['versions'] = np.frombuffer(b'\\xff' * 8, '<U2').reshape(()); " + FINE,
        "versions must be a JSON object: 'utf-32-le' codec can't decode",
    ),
    "tells versions in swapped characters": (
        "answer['versions'] = np.array('[]', '>U2'); " + FINE,
        "versions must be a JSON object: it must be an object, got a list",
    ),
    "tells a version twice": (
        "answer['versions'] = '{\"a\": 1, \"a\": 2}'; " + FINE,
        "versions must be a JSON object: it has the key 'a' twice",
    ),
    "answers with a link": (
        FINE + "; os.rename(result_path, 'real'); os.symlink('real', result_path)",
        "wrote an invalid result: the result must be a regular file, got a link",
    ),
    "answers with a link to nowhere": (
        "os.symlink('nowhere', result_path)",
        "wrote an invalid result: there is no result",
    ),
    "answers with a pipe": ("os.mkfifo(result_path)", "wrote an invalid result: .* it is a pipe or device"),
    "answers with a folder": ("os.mkdir(result_path)", "wrote an invalid result: .* Is a directory"),
    "answers with a terabyte": (
        "open(result_path, 'wb').truncate(1 << 40)",
        "wrote an invalid result: .* has more than",
    ),
    "removes its folder": (
        "__import__('shutil').rmtree(os.getcwd()); print('oops')",
        "wrote an invalid result: there is no result",
    ),
    "removes its folder and dies": (
        "__import__('shutil').rmtree(os.getcwd()); sys.exit('oops')",
        "ended with code 1; it said: oops",
    ),
    "prints what is no text": (
        r"sys.stderr.buffer.write(b'\xff\x1b[2J\x00on fire'); sys.exit(2)",
        r"ended with code 2; it said: \ufffd\\x1b\[2J\\x00on fire",
    ),
    "prints very much and dies": (
        "sys.stderr.write('x' * (1 << 22)); sys.exit('on fire')",
        "ended with code 1; it said: x+on fire",
    ),
    "tells versions in numbers": (
        "answer['versions'] = 1.0; " + FINE,
        "versions must be the text of a JSON object, got float64 of shape",
    ),
}


@pytest.mark.parametrize(("ending", "said"), MISBEHAVIOUR.values(), ids=MISBEHAVIOUR.keys())
def test_a_runner_that_misbehaves(folders: Path, program: sp.Program, ending: str, said: str) -> None:
    write_backend(folders, "odd", ending)
    with pytest.raises(sp.BackendError, match=f"(?s)backend odd .*{said}"):
        run_backend(program, RASTERS, "odd", "state")


def test_a_runner_that_hangs_is_ended_with_its_children(tmp_path: Path, folders: Path, program: sp.Program) -> None:
    note = tmp_path / "child"
    ending = (
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); "
        f"open({str(note)!r}, 'w').write(str(child.pid)); print('thinking', flush=True); time.sleep(600)"
    )
    write_backend(folders, "slow", ending)
    with pytest.raises(
        sp.BackendError, match="backend slow did not finish within 5 s and was ended; it said: thinking"
    ):
        sp.run(program, RASTERS[0], "slow", timeout_s=5.0)
    assert is_gone(int(note.read_text()))
    with pytest.raises(sp.BackendError, match=r"did not finish within 0\.25 s .*; raise timeout_s= \(--timeout\)$"):
        sp.run(program, RASTERS[0], "slow", timeout_s=0.25)


def test_names_of_backends_with_commas_between_them() -> None:
    with pytest.raises(
        sp.BackendError, match=r"unknown backend 'kernel,lava'; .*; give 'kernel' and 'lava' one by one$"
    ):
        find_backend("kernel,lava")


def test_the_search_path_comes_first(folders: Path, program: sp.Program) -> None:
    assert find_backend("lava").folder.parent != folders
    write_backend(folders, "lava")
    assert find_backend("lava").folder == folders / "lava"
    assert run_backend(program, RASTERS, "lava").versions["stand-in"] == "1"


def test_another_rule_is_refused(folders: Path, program: sp.Program) -> None:
    write_backend(folders, "xylo", rule="xylo-v2")
    with pytest.raises(sp.BackendError, match=f"backend xylo runs the rule xylo-v2, and .* the rule {RULE}; choose"):
        sp.run(program, RASTERS[0], "xylo")


def test_a_missing_backend_is_named_beside_the_known_ones(folders: Path, program: sp.Program) -> None:
    write_backend(folders, "mine")
    with pytest.raises(
        sp.BackendError,
        match=r"unknown backend 'nope'; known backends are kernel, reference, mine, .*lava.*; add .* SNNPROG_BACKENDS",
    ):
        sp.run(program, RASTERS[0], "nope")


# ------------------------------------------------------------------------------------------------ what is asked of run


def test_one_raster_gives_one_trace_and_a_list_gives_a_list(program: sp.Program) -> None:
    one, several = sp.run(program, RASTERS[0]), sp.run(program, RASTERS)
    assert isinstance(several, list)
    assert np.array_equal(one.spikes, several[0].spikes)
    assert [trace.spikes.shape for trace in several] == [(9, 2), (4, 2)]
    assert sp.run(program, []) == []


@pytest.mark.parametrize(
    ("inputs", "record", "message"),
    [
        (
            [np.zeros((3, 5), dtype=bool)],
            "spikes",
            r"inputs\[0\] must have 2 columns, one for each input line of the program, got 5$",
        ),
        ([np.zeros((2, 5), dtype=bool)], "spikes", r"got 5; arrays are \(ticks, neurons\): transpose inputs\[0\]\?$"),
        ([RASTERS[0], np.zeros((0, 2), dtype=bool)], "spikes", r"inputs\[1\] must have at least one tick"),
        (
            [np.full((3, 2), 0.5)],
            "spikes",
            r"inputs\[0\] must hold bools, got type float64; compare with a level, as in array > 0.5",
        ),
        (RASTERS, "everything", "record must be 'spikes' or 'state', got 'everything'"),
    ],
)
def test_bad_questions(program: sp.Program, inputs: list[Raster], record: str, message: str) -> None:
    with pytest.raises(sp.SpecError, match=message):
        run_backend(program, inputs, record=untyped(record))


def test_one_raster_has_no_number_in_messages(program: sp.Program) -> None:
    with pytest.raises(sp.SpecError, match=r"^inputs must have 2 columns, .*, got 9; .*: transpose inputs\?$"):
        sp.run(program, RASTERS[0].T)
    with pytest.raises(
        sp.SpecError, match=r"^inputs must have two axes \(ticks, neurons\), got shape \(2,\); write array"
    ):
        sp.run(program, RASTERS[0][0])
    with pytest.raises(sp.SpecError, match=r"^inputs must hold bools, got type float64; write array\.astype\(bool\)$"):
        sp.run(program, RASTERS[0].astype(float))


# ---------------------------------------------------------------------------------------------------- descriptions

BROKEN = {
    "no TOML": ("summary = ", "Invalid value (at end of document)"),
    "empty": ("", "it has no summary; it must have summary, semantics, python, distributions, timeout_seconds,"),
    "no semantics": (DESCRIPTION.replace("semantics", "semantix"), "unknown key 'semantix'; did you mean 'semantics'?"),
    "semantics is a text": (
        DESCRIPTION.replace('["{rule}"]', '"{rule}"'),
        f"semantics must be a list of strings, got '{RULE}'",
    ),
    "semantics is a number": (
        DESCRIPTION.replace('["{rule}"]', "7"),
        "semantics must be a list of strings, got 7",
    ),
    "summary is a number": (DESCRIPTION.replace('"a stand-in"', "3"), "summary must be a string, got 3"),
    "python is a float": (DESCRIPTION.replace('"{python}"', "3.10"), "python must be a string, got 3.1"),
    "python is too short": (
        DESCRIPTION.replace('"{python}"', '"3"'),
        "python must be a version such as '3.10', or 'any', got '3'",
    ),
    "python is a range": (
        DESCRIPTION.replace('"{python}"', '">=3.10"'),
        "python must be a version such as '3.10', or 'any', got '>=3.10'",
    ),
    "time is a text": (
        DESCRIPTION.replace("= 60", '= "soon"'),
        "timeout_seconds must be a non-negative, finite number of seconds, got 'soon'",
    ),
    "no time per tick": (
        DESCRIPTION.replace("timeout_seconds_per_tick = 0.5\n", ""),
        "it has no timeout_seconds_per_tick; it must have summary",
    ),
    "a misspelt time": (
        DESCRIPTION.replace("timeout_seconds =", "timeout_second ="),
        "unknown key 'timeout_second'; did you mean 'timeout_seconds",
    ),
    "a misspelt table": (DESCRIPTION + "[gap]\nbias = false\n", "unknown key 'gap'; did you mean 'gaps'?"),
    "a key of something else": (DESCRIPTION + "[zzz]\n", "unknown key 'zzz'; known keys are summary, semantics,"),
    "an example is a number": (
        DESCRIPTION + "[variable_examples]\nPORT = 4\n",
        "variable_examples must be a table of strings, got {'PORT': 4}",
    ),
    "satisfied_by is a text": (
        'satisfied_by = "cc"\n' + DESCRIPTION,
        "satisfied_by must be a list of strings, got 'cc'",
    ),
    "distributions is a list": (
        DESCRIPTION.replace("[distributions]", "[[distributions]]"),
        "distributions must be a table of exact versions, got [{}]",
    ),
}


@pytest.mark.parametrize(("text", "fault"), BROKEN.values(), ids=BROKEN.keys())
def test_a_description_that_cannot_be_understood(folders: Path, text: str, fault: str) -> None:
    write_backend(folders, "broken")
    filled = text.replace("{rule}", RULE).replace("{python}", HERE).replace("{distributions}", "")
    (folders / "broken" / "backend.toml").write_text(filled, encoding="utf-8")
    with pytest.raises(sp.BackendError, match=re.escape(f"is not valid: {fault}")):
        find_backend("broken")


def test_a_search_path_that_is_wrong_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Command) -> None:
    (tmp_path / "all").mkdir()
    write_backend(tmp_path / "all", "mine")
    for given, fault in (
        (tmp_path / "nowhere", f"SNNPROG_BACKENDS names {tmp_path / 'nowhere'}, which is not a folder"),
        (tmp_path / "all" / "mine", f"which is a backend; name its parent, {tmp_path / 'all'}"),
    ):
        monkeypatch.setenv("SNNPROG_BACKENDS", str(given))
        with pytest.raises(sp.BackendError, match=re.escape(fault)):
            find_backend("quite another")
        code, _, error = command("backends", "list")
        assert (code, fault in error) == (0, True)
    monkeypatch.setenv("SNNPROG_BACKENDS", str(tmp_path / "all"))
    assert command("backends", "list")[2] == ""
    assert find_backend("mine").name == "mine"


@pytest.mark.parametrize("missing", ["runner.py", "requirements.txt"])
def test_a_folder_that_lacks_a_file(folders: Path, missing: str) -> None:
    write_backend(folders, "partial")
    (folders / "partial" / missing).unlink()
    with pytest.raises(sp.BackendError, match=f"partial lacks {missing}"):
        find_backend("partial")


def test_a_broken_folder_leaves_the_others_alone(folders: Path) -> None:
    write_backend(folders, "broken")
    write_backend(folders, "fine")
    (folders / "broken" / "runner.py").unlink()
    assert {"broken", "fine"} <= set(backend_names())
    assert find_backend("fine").summary == "a stand-in"


def test_a_backend_of_every_rule_runs_a_program_of_any(folders: Path, program: sp.Program) -> None:
    """The runner of the stand-in does not read the rule's name; a backend of another rule refuses the program."""
    write_backend(folders, "every", rule="any")
    write_backend(folders, "another", rule="another-rule")
    assert find_backend("every").executes("any-name")
    assert not find_backend("another").executes("any-name")
    assert sp.run(program, RASTERS[0], "every").spikes.any()
    with pytest.raises(
        sp.BackendError,
        match=r"another runs the rule another-rule, and the program has the rule loihi1-lif-lava-0\.10\.0",
    ):
        sp.run(program, RASTERS[0], "another")


def test_a_command_takes_the_place_of_distributions(
    folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_backend(folders, "own", distributions=NOWHERE)
    path = folders / "own" / "backend.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text('satisfied_by = ["no-such-command", "snnprog-stand-in"]\n' + text, encoding="utf-8")
    monkeypatch.setenv("PATH", str(tmp_path))
    backend = find_backend("own")
    assert status(backend).interpreter is None
    command = tmp_path / "snnprog-stand-in"
    command.touch(mode=0o755)
    assert status(backend).interpreter == Path(sys.executable)
    assert lack_of(backend, Path(sys.executable)) == ""
    monkeypatch.setenv("PATH", "relative")
    assert status(backend).interpreter is None


def test_a_command_that_must_be_there(
    command: Command, folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: sp.Program
) -> None:
    write_backend(folders, "own")
    path = folders / "own" / "backend.toml"
    path.write_text('commands = ["snnprog-one", "snnprog-two"]\n' + path.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(sp.BackendError, match="backend own runs snnprog-one or snnprog-two; install one of them"):
        sp.run(program, RASTERS[0], "own")
    code, out, _ = command("backends", "list", "--json")
    (row,) = (each for each in json.loads(out)["backends"] if each["name"] == "own")
    assert (code, row["ready"], row["state"], row["to_do"]) == (
        0,
        False,
        "not ready",
        "install snnprog-one or snnprog-two",
    )
    (tmp_path / "snnprog-two").touch(mode=0o755)
    assert status(find_backend("own")).is_ready
    assert sp.run(program, RASTERS[0], "own").spikes.any()


def test_a_cache_that_is_a_file(folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_backend(folders, "own", distributions=NOWHERE)
    (tmp_path / "cache").touch()
    monkeypatch.setenv("SNNPROG_CACHE", str(tmp_path / "cache"))
    with pytest.raises(
        sp.BackendError, match=r"the environment .* cannot be created: .*; name another folder in SNNPROG_CACHE"
    ):
        install(find_backend("own"))


def test_a_folder_without_a_description_is_no_backend(folders: Path) -> None:
    (folders / "notes").mkdir()
    assert "notes" not in backend_names()


# ---------------------------------------------------------------------------------------------------- environments


# A stand-in for Python, whose new environments are copies of one: to make one takes 4 s, as pip is installed into it.
COPYING_PYTHON = """\
#!/bin/sh
case "$*" in
    "-I -m venv"*) exec cp -a {made} "$4" ;;
    *) exec {python} "$@" ;;
esac
"""


@pytest.fixture(scope="session")
def copying_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the path of `COPYING_PYTHON`."""
    folder = tmp_path_factory.mktemp("python")
    subprocess.run([sys.executable, "-m", "venv", folder / "made"], check=True)
    python = folder / "python"
    python.write_text(COPYING_PYTHON.format(made=folder / "made", python=sys.executable), encoding="utf-8")
    python.chmod(0o755)
    return python


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give environments a cache of their own, and pip nothing to install from."""
    monkeypatch.setenv("SNNPROG_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)


@pytest.fixture
def copied(offline: None, copying_python: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Do as `offline` does, and make environments by copying."""
    monkeypatch.setenv(variable_for(sys.version_info[:2]), str(copying_python))


NOWHERE = 'snnprog-has-no-such-package = "1.0"'


@pytest.mark.usefixtures("copied")
def test_an_installation_that_fails_leaves_no_mark(folders: Path, program: sp.Program) -> None:
    requirements = "snnprog-has-no-such-package==1.0\n"
    write_backend(folders, "absent", distributions=NOWHERE, requirements=requirements)
    backend = find_backend("absent")
    assert not status(backend).is_ready
    with pytest.raises(sp.BackendError, match=r"(?s)packages of backend absent cannot be installed.*no-such-package"):
        install(backend)
    assert not (environment_folder(backend) / FINISHED).exists()
    assert not status(backend).is_ready
    with pytest.raises(sp.BackendError, match="backend absent is not installed; run 'snnprog backends install absent'"):
        sp.run(program, RASTERS[0], "absent")


def tiny(folders: Path, source: str = "ANSWER = 42\n") -> Backend:
    """Return a backend that needs the package of `write_wheel`."""
    requirements = write_wheel(folders, source)
    write_backend(folders, "own", distributions='tiny-runtime = "1.0"', requirements=requirements)
    return find_backend("own")


@pytest.mark.usefixtures("offline")
def test_an_installation_is_made_once_and_again_when_unfinished(folders: Path) -> None:
    backend = tiny(folders)
    folder = environment_folder(backend)
    folder.mkdir(parents=True)
    (folder / "half-built").touch()
    said: list[str] = []
    python = install(backend, said.append)
    assert python.is_file()
    assert python.is_relative_to(folder)
    assert not (folder / "half-built").exists()
    assert status(backend).interpreter == python
    assert re.fullmatch(r"own was installed in \d+ s", said[-2])
    assert said[-1] == f"own is ready: {python}"
    again: list[str] = []
    assert install(backend, again.append) == python
    assert again == [f"own is ready: {python}"]


@pytest.mark.usefixtures("copied")
def test_variables_send_no_packages_elsewhere(folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PIP_TARGET": tmp_path / "target", "PIP_DRY_RUN": 1, "PIP_CONFIG_FILE": tmp_path}.items():
        monkeypatch.setenv(name, str(value))
    backend = tiny(folders)
    assert lack_of(backend, install(backend), is_imported=True) == ""


@pytest.mark.usefixtures("copied")
@pytest.mark.skipif(sys.platform != "linux", reason="where pip looks for the user's configuration")
def test_packages_that_went_elsewhere(folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pip").mkdir()
    text = f"[install]\ntarget = {tmp_path / 'target'}\n"
    (tmp_path / "pip" / "pip.conf").write_text(text, encoding="utf-8")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    backend = tiny(folders)
    said = (
        "the packages of backend own were installed, but the environment cannot run them: its Python ended with code 1;"
        " it said: tiny-runtime is not installed; look for settings"
    )
    with pytest.raises(sp.BackendError, match=said):
        install(backend)
    assert not status(backend).is_ready


@pytest.mark.usefixtures("copied")
def test_a_package_that_cannot_be_imported(folders: Path) -> None:
    backend = tiny(folders, "import missing_library\n")
    with pytest.raises(sp.BackendError, match="tiny_runtime of tiny-runtime cannot be imported: ModuleNotFoundError"):
        install(backend)
    assert not status(backend).is_ready


@pytest.mark.usefixtures("copied")
def test_an_environment_that_stopped_to_work_is_built_anew(folders: Path, command: Command) -> None:
    backend = tiny(folders)
    python = install(backend)
    (package,) = environment_folder(backend).rglob("tiny_runtime-1.0.dist-info")
    shutil.rmtree(package)
    rows = {row["name"]: row for row in json.loads(command("backends", "list", "--json")[1])["backends"]}
    assert (rows["own"]["state"], rows["own"]["ready"]) == ("does not work", False)
    assert rows["own"]["to_do"].endswith(
        "1; it said: tiny-runtime is not installed; snnprog backends install own --force"
    )
    said: list[str] = []
    assert install(backend, said.append) == python
    assert said[0].startswith("own does not work: ")
    assert lack_of(backend, python) == ""
    python.unlink()
    python.symlink_to("/no/such/python")  # as where the base Python was removed
    assert not status(backend).is_ready
    assert install(backend) == python
    assert status(backend).is_ready


@pytest.mark.usefixtures("copied")
def test_force_and_uninstall(folders: Path, command: Command) -> None:
    backend = tiny(folders)
    folder = environment_folder(backend)
    install(backend)
    (folder / "old").touch()
    assert command("backends", "install", "own", "--force")[0] == cli.EXACT
    assert status(backend).is_ready
    assert not (folder / "old").exists()
    assert command("backends", "uninstall", "own") == (cli.EXACT, f"removed {folder}\n", "")
    assert list(folder.parent.iterdir()) == []
    nothing = "own has no environment of its own; there is nothing to remove\n"
    assert command("backends", "uninstall", "own") == (cli.EXACT, nothing, "")
    assert command("backends", "uninstall", "none")[0] == cli.BACKEND_FAILED


@pytest.mark.parametrize("name", ["kernel", "reference"])
def test_what_is_built_in_needs_no_installation(command: Command, name: str) -> None:
    said = f"{name} is built in; there is nothing to "
    assert command("backends", "install", name) == (cli.EXACT, f"{said}install\n", "")
    assert command("backends", "uninstall", name) == (cli.EXACT, f"{said}remove\n", "")
    with pytest.raises(sp.BackendError, match=f"backend {name} is built in and has no folder; it is always ready"):
        find_backend(name)


def test_a_backend_that_refuses_does_not_keep_the_others_from_their_answers(
    folders: Path, command: Command, tmp_path: Path
) -> None:
    spec = sp.load_spec(FILES / "SPEC.toml")
    sp.compile(spec).program.save(tmp_path / "p.snnp")
    write_backend(folders, "fails", "sys.exit('no room')")
    write_backend(folders, "short", gaps="longest_input_delay = 0")
    write_backend(folders, "wrong", compare="<=")
    program = sp.load(tmp_path / "p.snnp")
    check = sp.verify(program, spec, ["fails", "kernel", "short"])
    assert (list(check.backends), list(check.failures), check.exact) == (["kernel"], ["fails", "short"], False)
    assert check.backends["kernel"].exact
    with pytest.raises(sp.BackendError, match="no room"):
        sp.verify(program, spec, ["fails"])
    with pytest.raises(sp.BackendError, match="no room"):
        sp.verify(program, spec, ["kernel"], against="fails")
    words = ("verify", tmp_path / "p.snnp", FILES / "SPEC.toml", "--backend", "fails", "--backend")
    code, out, _ = command(*words, "kernel")
    assert code == cli.BACKEND_FAILED
    assert "exact on kernel\nfails gave no answer: backend fails ended with code 1; it said: no room\n" in out
    assert command(*words, "wrong")[0] == cli.NOT_EXACT
    assert "no room" in json.loads(command(*words, "kernel", "--json")[1])["failures"]["fails"]


def test_another_requirement_is_another_environment(folders: Path) -> None:
    write_backend(folders, "own", requirements="a==1\n")
    before = environment_folder(find_backend("own"))
    (folders / "own" / "requirements.txt").write_text("a==2\n", encoding="utf-8")
    assert environment_folder(find_backend("own")) != before


def test_the_current_interpreter_serves_where_it_fits(folders: Path) -> None:
    write_backend(folders, "fits", distributions=f'numpy = "{np.__version__}"')
    write_backend(folders, "older", distributions='numpy = "0.1"')
    write_backend(folders, "elsewhere", python="2.7")
    assert status(find_backend("fits")).interpreter == Path(sys.executable)
    assert not status(find_backend("older")).is_ready
    assert not status(find_backend("elsewhere")).is_ready


@pytest.mark.parametrize("named", ["/no/such/python", sys.executable])
def test_a_variable_that_names_no_fitting_interpreter(named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert variable_for((2, 7)) == "SNNPROG_PYTHON_2_7"
    monkeypatch.setenv("SNNPROG_PYTHON_2_7", named)
    with pytest.raises(
        sp.BackendError, match=f"SNNPROG_PYTHON_2_7 must name a Python 2.7 with venv and ensurepip, got {named}"
    ):
        find_interpreter((2, 7))


def test_a_variable_that_names_an_interpreter_is_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable_for(sys.version_info[:2]), sys.executable)
    assert find_interpreter(sys.version_info[:2]) == Path(sys.executable)


def test_a_version_that_nobody_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(variable_for((1, 0)), raising=False)
    with pytest.raises(
        sp.BackendError, match=r"no Python 1.0 with venv was found .* name its path in SNNPROG_PYTHON_1_0"
    ):
        find_interpreter((1, 0))


def test_artifacts_are_the_forms_that_programs_are_exported_to() -> None:
    assert tuple(EXPORT_FORMS) == ARTIFACTS
