"""Killed at any moment, nothing half-written: the old file or the new one, and a next time that works."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from cases import single_neuron
from processes import heirs_of, wait_until
from stand_in import HERE, write_backend

from snnprog.backends import find_backend, install
from snnprog.backends.environment import FINISHED, environment_folder
from snnprog.backends.interpreters import variable_for

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are forked, killed, and found in /proc")

WRITER = Path(__file__).with_name("interrupted_writer.py")


def deaths(folder: Path, *words: str) -> tuple[int, int]:
    """Return how many deaths left the old file, and how many the new one."""
    done = subprocess.run(
        [sys.executable, str(WRITER), str(folder), *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    old, new = done.stdout.splitlines()[-1].split()
    return int(old), int(new)


def test_a_death_at_each_step_of_writing(tmp_path: Path) -> None:
    old, new = deaths(tmp_path, "each", "csv")
    assert old > 50, "deaths before the file was in place"
    assert new > 5, "deaths after that"


@pytest.mark.parametrize("kind", ["program", "run"])
def test_deaths_at_any_moment(tmp_path: Path, kind: str) -> None:
    count = 40
    assert sum(deaths(tmp_path, "random", kind, str(count))) == count


# A stand-in for Python and pip, which are started as `python -I -m ...`: an "environment" is a folder with its copy, an
# "installation" takes its time.
SLOW_PYTHON = """\
#!/bin/sh
case "$3" in
    *version_info*) echo {version} ;;
    venv) mkdir -p "$4/bin" && cp "$0" "$4/bin/python" ;;
    pip) exec {leader} "$0" -I -m work ;;
    work)
        folder=$(dirname "$(dirname "$0")")
        touch "$folder/begun"
        while [ -e {gate} ]; do sleep 0.1; done
        touch "$folder/installed" "$folder/by-$SNNPROG_TEST_INSTALLER"
        ;;
esac
"""

INSTALL = "import sys; from snnprog.backends import find_backend, install; install(find_backend('own'))"


@pytest.mark.parametrize("lives_on", [True, False], ids=["pip escapes", "pip dies, too"])
def test_an_installation_that_is_killed_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lives_on: bool
) -> None:
    """Where the pip of a killed installation escapes and goes on, the next one waits for it, and then begins again."""
    python, gate = tmp_path / "python", tmp_path / "gate"
    python.write_text(SLOW_PYTHON.format(version=HERE, gate=gate, leader="setsid --wait" if lives_on else ""))
    python.chmod(0o755)
    gate.touch()
    (tmp_path / "backends").mkdir()
    for name, value in (("SNNPROG_CACHE", "cache"), ("SNNPROG_BACKENDS", "backends")):
        monkeypatch.setenv(name, str(tmp_path / value))
    monkeypatch.setenv(variable_for(sys.version_info[:2]), str(python))
    write_backend(tmp_path / "backends", "own", distributions='snnprog-has-no-such-package = "1.0"')
    backend = find_backend("own")
    folder = environment_folder(backend)

    first = subprocess.Popen([sys.executable, "-c", INSTALL], env={**os.environ, "SNNPROG_TEST_INSTALLER": "first"})
    assert wait_until((folder / "begun").exists)
    first.kill()
    first.wait()
    assert not (folder / FINISHED).exists()
    assert lives_on or wait_until(lambda: heirs_of("SNNPROG_TEST_INSTALLER=first") == [])
    monkeypatch.setenv("SNNPROG_TEST_INSTALLER", "second")

    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        gate.unlink(missing_ok=True)

    assert install(backend, say) == folder / "bin" / "python"
    waited = said[0].startswith("waiting for processes of an interrupted")
    assert waited == lives_on
    assert said[waited].startswith("making an environment")
    assert sorted(path.name.split("-")[0] for path in folder.iterdir()) == ["begun", "bin", "by", FINISHED, "installed"]
    assert (folder / "by-second").exists()


# ---------------------------------------------------------------------------------------------- nothing is left running

MARK = "SNNPROG_TEST_MARK"
SLOW_RUNNER = "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); time.sleep(600)"
SPEC = """\
chip = "loihi1"
delays = "1-20"
[[patterns]]
inputs = "rasters.npz:inputs"
targets = "rasters.npz:targets"
"""


def command_line(folder: Path, kind: str) -> list[str]:
    """Return a command that takes long, in several processes, and writes into the folder."""
    if kind == "compile":
        generator = np.random.default_rng(0)
        np.savez(
            folder / "rasters.npz", inputs=generator.random((400, 12)) < 0.15, targets=generator.random((400, 4)) < 0.08
        )
        (folder / "SPEC.toml").write_text(SPEC, encoding="utf-8")
        return ["compile", str(folder / "SPEC.toml"), "-o", str(folder / "p.snnp"), "--workers", "2"]
    (folder / "backends").mkdir()
    write_backend(folder / "backends", "slow", SLOW_RUNNER)
    single_neuron(potential_decay=4095).save(folder / "p.snnp")
    np.savez(folder / "rasters.npz", raster=np.ones((1, 4, 1), dtype=bool))
    return [
        "run",
        str(folder / "p.snnp"),
        str(folder / "rasters.npz"),
        "--backend",
        "slow",
        "-o",
        str(folder / "o.csv"),
    ]


def are_there(mark: str, count: int) -> bool:
    return len(heirs_of(mark)) >= count


@pytest.mark.parametrize("kind", ["compile", "run"])
def test_a_command_that_is_killed_leaves_no_process_and_no_file(tmp_path: Path, kind: str) -> None:
    """Killed as soon as there are so many processes: with one it begins, with three the workers are there.

    With four, there are a guard, a runner, and the runner's own child.
    """
    words = [sys.executable, "-m", "snnprog", *command_line(tmp_path, kind)]
    setting = {MARK: str(tmp_path), "SNNPROG_BACKENDS": str(tmp_path / "backends")}
    before = sorted(tmp_path.iterdir())
    for count in range(1, 4 if kind == "compile" else 5):
        command = subprocess.Popen(words, env={**os.environ, **setting}, stdout=subprocess.DEVNULL)
        assert wait_until(partial(are_there, f"{MARK}={tmp_path}", count))
        command.kill()
        assert command.wait() == -signal.SIGKILL
        assert wait_until(lambda: heirs_of(f"{MARK}={tmp_path}") == [])
        assert sorted(tmp_path.iterdir()) == before
