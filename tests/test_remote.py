"""The backend that forwards to another host, with a shell that stays on this one."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from cases import single_neuron, states_of
from processes import wait_until
from stand_in import FINE, RUNNER, write_backend

import snnprog as sp
from snnprog.backends import find_backend, status
from snnprog.conformance import check_conformance, golden_programs

INPUTS = np.array([[1], [0], [1], [0]], dtype=bool)
LINE = single_neuron(delay=2, weight=90, threshold=80, potential_decay=4095)

SSH = """\
#!/bin/sh
[ "$1 $2 $3 $4" = "-o BatchMode=yes -- chip" ] || {{ echo "odd words: $*" >&2; exit 255; }}
TMPDIR={host} exec sh -c "$5"
"""


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in for a host named "chip": an ssh on PATH that runs commands here, with a folder for temporary files."""
    temporary, commands = tmp_path / "temporary", tmp_path / "bin"
    temporary.mkdir()
    commands.mkdir()
    (commands / "ssh").write_text(SSH.format(host=temporary), encoding="utf-8")
    (commands / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{commands}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("SNNPROG_REMOTE_HOST", "chip")
    monkeypatch.delenv("SNNPROG_REMOTE_SHELL", raising=False)
    return tmp_path


def serve(host: Path, monkeypatch: pytest.MonkeyPatch, ending: str = FINE) -> None:
    """Put a runner on the host, and its command in the environment."""
    runner = host / "runner on the host.py"
    runner.write_text(RUNNER.replace("COMPARE", ">").replace("ENDING", ending), encoding="utf-8")
    monkeypatch.setenv("SNNPROG_REMOTE_COMMAND", f"{sys.executable} '{runner}'")


def test_all_golden_programs_come_back_from_there(host: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    serve(host, monkeypatch)
    assert status(find_backend("remote")).is_ready
    outcome = check_conformance("remote", programs=2)
    assert (outcome.divergence, outcome.golden, outcome.random) == (None, len(golden_programs("loihi1")), 2)
    assert outcome.versions["stand-in"] == "1"
    assert list((host / "temporary").iterdir()) == []


@pytest.mark.snnprog_backend("lava")
def test_a_runner_that_is_shipped_works_there(host: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lava = find_backend("lava")
    short = f"env TMPDIR={tempfile.gettempdir()}"  # Lava's sockets stand there, and their paths may not be long
    monkeypatch.setenv("SNNPROG_REMOTE_COMMAND", f"{short} {status(lava).interpreter} -I {lava.runner}")
    trace = sp.run(LINE, INPUTS, "remote", "state")
    expected = sp.run(LINE, INPUTS, record="state")
    assert trace.spikes.ravel().tolist() == [False, False, True, False]
    assert np.array_equal(states_of(trace)[1], states_of(expected)[1])


@pytest.mark.parametrize(
    ("ending", "said"),
    [
        ("sys.exit('no chip is plugged in')", "the command on chip ended with code 1 and said: no chip is plugged in"),
        ("sys.exit(3)", "the command on chip ended with code 3 and said: nothing"),
        ("pass", "the command on chip ended with code 1 and said: .*result.npz"),
        ("open(result_path, 'w').write('PK')", "wrote an invalid result: "),
        ("open(result_path, 'wb').truncate(1 << 33)", "the answer of chip has more than 1048580 bytes, which its res"),
        ("sys.stderr.write('x' * (1 << 24)); sys.exit(1)", "ended with code 1 and said: x{1500}"),
    ],
)
def test_what_fails_there_is_told_here(host: Path, monkeypatch: pytest.MonkeyPatch, ending: str, said: str) -> None:
    serve(host, monkeypatch, ending)
    with pytest.raises(sp.BackendError, match=f"backend remote .*{said}"):
        sp.run(LINE, INPUTS, "remote")
    assert wait_until(lambda: not any((host / "temporary").iterdir()))  # the host tidies up by itself


@pytest.mark.usefixtures("host")
def test_a_host_that_does_not_answer(host: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    serve(host, monkeypatch)
    monkeypatch.setenv("SNNPROG_REMOTE_HOST", "elsewhere")
    with pytest.raises(sp.BackendError, match="elsewhere cannot be reached; ssh said: odd words"):
        sp.run(LINE, INPUTS, "remote")
    monkeypatch.setenv("SNNPROG_REMOTE_SHELL", "/no/such/shell -p 22")
    with pytest.raises(sp.BackendError, match="/no/such/shell cannot be started: No such file or directory"):
        sp.run(LINE, INPUTS, "remote")


@pytest.mark.parametrize(
    "name",
    ["-oProxyCommand=touch /tmp/x", "--", "me@-oProxyCommand=x", "chip; rm", "a b", "$(touch x)", "", "`x`", "x" * 999],
)
def test_a_host_is_a_name_and_no_option(host: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    serve(host, monkeypatch)
    monkeypatch.setenv("SNNPROG_REMOTE_HOST", name)
    with pytest.raises(sp.BackendError, match=r"SNNPROG_REMOTE_HOST"):
        sp.run(LINE, INPUTS, "remote")


@pytest.mark.parametrize("name", ["me@chip.example.org", "chip-2", "10.0.0.7", "me@fe80::1%eth0", "ssh://me@chip:2222"])
def test_usual_names_of_hosts_reach_the_shell(host: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    serve(host, monkeypatch)
    monkeypatch.setenv("SNNPROG_REMOTE_HOST", name)
    with pytest.raises(sp.BackendError, match=f"{name} cannot be reached; ssh said: odd words: .* -- {name} sh -c"):
        sp.run(LINE, INPUTS, "remote")


def test_without_a_host_it_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SNNPROG_REMOTE_HOST", "SNNPROG_REMOTE_COMMAND"):
        monkeypatch.delenv(name, raising=False)
    backend = find_backend("remote")
    assert not status(backend).is_ready
    wanted = (
        r"backend remote requires the environment variables SNNPROG_REMOTE_HOST \(such as me@chip.example.org\) and"
    )
    with pytest.raises(sp.BackendError, match=wanted):
        sp.run(LINE, INPUTS, "remote")
    done = subprocess.run(
        [sys.executable, "-I", str(backend.runner), "a", "b", "c"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (
        1,
        "runner.py: SNNPROG_REMOTE_HOST is not set; it says where or what to run\n",
    )


def test_a_backend_for_any_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_backend(tmp_path, "any", python="any")
    monkeypatch.setenv("SNNPROG_BACKENDS", str(tmp_path))
    assert find_backend("any").python == sys.version_info[:2]
    assert status(find_backend("any")).interpreter == Path(sys.executable)
