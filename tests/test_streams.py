"""Exit codes and signals: what a command found survives closed pipes and full disks; a signal leaves one line."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from command_line import FILES
from processes import wait_until

import snnprog as sp
from snnprog import cli

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a shell, /dev/full and signals")
FULL = "snnprog: the output cannot be written: No space left on device\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a program, a spec that it meets and one that it does not."""
    folder = tmp_path_factory.mktemp("streams")
    for file in FILES.iterdir():
        shutil.copy(file, folder)
    spec = sp.load_spec(folder / "SPEC.toml")
    sp.compile(spec).program.save(folder / "p.snnp")
    lines = (folder / "targets.csv").read_text(encoding="utf-8").splitlines()
    (folder / "fewer.csv").write_text("\n".join([lines[0], *lines[2:]]) + "\n", encoding="utf-8")
    text = (folder / "SPEC.toml").read_text(encoding="utf-8")
    (folder / "OTHER.toml").write_text(text.replace("targets.csv", "fewer.csv"), encoding="utf-8")
    return folder


def shell(folder: Path, words: str) -> tuple[int, str]:
    """Return the exit code and the errors of a command in a shell that tells of every part of a pipe."""
    line = f"set -o pipefail; {sys.executable} -m snnprog {words}"
    done = subprocess.run(["bash", "-c", line], cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


@pytest.mark.parametrize("end", ["| true", ">&-", "2>&-", "<&- >&- 2>&-", "--json | true", ">/dev/full 2>&-"])
def test_a_verdict_survives_its_streams(folder: Path, end: str) -> None:
    assert shell(folder, f"verify p.snnp OTHER.toml {end}") == (cli.NOT_EXACT, "")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("verify p.snnp SPEC.toml | true", cli.EXACT, ""),
        ("verify p.snnp SPEC.toml >&-", cli.EXACT, ""),
        ("verify p.snnp SPEC.toml >/dev/full", cli.BAD_USAGE, FULL),
        ("verify p.snnp OTHER.toml >/dev/full", cli.NOT_EXACT, FULL),
        ("--version >/dev/full", cli.BAD_USAGE, FULL),
        ("verify p.snnp none.toml 2>/dev/full", cli.BAD_USAGE, ""),
    ],
)
def test_exit_codes(folder: Path, words: str, code: int, said: str) -> None:
    assert shell(folder, words) == (code, said)


def test_a_file_does_not_take_the_place_of_a_closed_stream(folder: Path) -> None:
    assert shell(folder, "run p.snnp inputs.csv --ticks 100 -o out.csv >&- 2>&-")[0] == cli.EXACT
    assert (folder / "out.csv").read_text(encoding="utf-8").startswith("pattern,tick,neuron\n")


# ------------------------------------------------------------------------------------------------------------- signals


@pytest.fixture
def slow(tmp_path: Path) -> Path:
    """Return a folder with a spec that takes long."""
    generator = np.random.default_rng(0)
    inputs, targets = generator.random((600, 40)) < 0.15, generator.random((600, 8)) < 0.1
    np.savez(tmp_path / "rasters.npz", inputs=inputs, targets=targets)
    text = 'delays = "1-20"\n[[patterns]]\ninputs = "rasters.npz:inputs"\ntargets = "rasters.npz:targets"\n'
    (tmp_path / "SPEC.toml").write_text(text, encoding="utf-8")
    return tmp_path


def is_caught(pid: int, number: signal.Signals) -> bool:
    """Return whether a process has a handler of a signal: see ``/proc/PID/status`` in proc(5)."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    (mask,) = (line.split()[1] for line in lines if line.startswith("SigCgt:"))
    return bool(int(mask, 16) >> (number - 1) & 1)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    ("number", "said"),
    [
        (signal.SIGINT, "snnprog: interrupted\n"),
        (signal.SIGTERM, "snnprog: terminated\n"),
        (signal.SIGHUP, "snnprog: the terminal was closed\n"),
    ],
)
def test_a_signal_ends_the_command_with_a_line(slow: Path, number: signal.Signals, said: str, workers: int) -> None:
    """The signal goes to the whole group of processes, as Ctrl-C does."""
    before = sorted(slow.iterdir())
    words = ["compile", "SPEC.toml", "-o", "p.snnp", "--workers", str(workers)]
    command = subprocess.Popen(
        [sys.executable, "-m", "snnprog", *words],
        cwd=slow,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert wait_until(lambda: is_caught(command.pid, signal.SIGTERM))
    time.sleep(1.0)  # it works
    os.killpg(command.pid, number)
    out, err = command.communicate(timeout=60)
    assert (command.returncode, out, err) == (128 + number, "", said)
    assert sorted(slow.iterdir()) == before


def test_what_nohup_ignores_stays_ignored(folder: Path) -> None:
    code = "import os, signal; os.kill(os.getpid(), signal.SIGHUP); from snnprog.__main__ import main; main()"
    before = "import signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN); sys.argv[1:] = ['--version'];"
    done = subprocess.run([sys.executable, "-c", before + code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (cli.EXACT, "")


def test_a_signal_after_the_end_changes_nothing() -> None:
    """Python takes its handlers away before it takes modules apart; what is deleted then sends the signal."""
    code = """
import os, signal
from snnprog.signals import end_on_signals
class Last:
    def __del__(self, kill=os.kill, pid=os.getpid(), number=signal.SIGINT):
        kill(pid, number)
last = Last()
end_on_signals()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (cli.EXACT, "")
