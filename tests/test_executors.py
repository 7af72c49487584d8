"""Executors of other packages give the program that is made without one: those of Dask and of loky, also if lost."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import distributed
import loky
import numpy as np
import pytest
from command_line import FILES, Command
from processes import wait_until
from untyped import untyped

import snnprog as sp
from snnprog import cli
from snnprog.processes import executors


@contextmanager
def dask_client() -> Iterator[Any]:
    with untyped(distributed).Client(n_workers=2, threads_per_worker=1, dashboard_address=None) as client:
        yield client


def spec(seed: int, outputs: int = 3, **options: Any) -> sp.Spec:
    generator = np.random.default_rng(seed)
    inputs, targets = generator.random((60, 12)) < 0.1, generator.random((60, outputs)) < 0.1
    targets[:5] = False
    return sp.Spec([sp.Pattern(inputs, targets)], range(1, 9), **options)


def test_executors_of_other_packages(tmp_path: Path) -> None:
    """Dask's client, its executor, and loky's; one cluster serves the first two."""
    with dask_client() as client, loky.ProcessPoolExecutor(2) as pool:
        given = {"client": client, "executor": client.get_executor(), "loky": pool}
        for index, each in enumerate((spec(0), spec(1, window=(0, 1)), spec(2, weight_bits=2))):
            sp.compile(each, on_infeasible="closest").program.save(tmp_path / "here.snnp")
            for name, executor in given.items():
                sp.compile(each, on_infeasible="closest", executor=executor).program.save(tmp_path / "there.snnp")
                assert (tmp_path / "here.snnp").read_bytes() == (tmp_path / "there.snnp").read_bytes(), (name, index)
        explained = sp.explain(spec(0)).as_dict()
        for name, executor in given.items():
            assert sp.explain(spec(0), executor=executor).as_dict() == explained, name


def test_a_killed_worker_of_a_cluster(tmp_path: Path) -> None:
    each = spec(0, outputs=30, weight_bits=3)
    sp.compile(each, on_infeasible="closest").program.save(tmp_path / "here.snnp")
    killed: list[int] = []

    def kill_one(step: str, done: int, total: int) -> None:
        if not killed and done >= 1:
            killed.append(next(iter(client.run(os.getpid).values())))
            os.kill(killed[0], signal.SIGKILL)

    with dask_client() as client:
        sp.compile(each, on_infeasible="closest", executor=client, progress=kill_one).program.save(tmp_path / "b.snnp")
    assert killed
    assert (tmp_path / "here.snnp").read_bytes() == (tmp_path / "b.snnp").read_bytes()


@contextmanager
def started(*words: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "distributed.cli." + words[0], *words[1:], "--no-dashboard"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def is_reached(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("address", ["here", "", "tcp://here:port", "odd://10.0.0.7:8786"])
def test_an_address_without_host_and_port(command: Command, tmp_path: Path, address: str) -> None:
    path = tmp_path / "p.snnp"
    code, _, err = command("compile", FILES / "SPEC.toml", "-o", path, "--scheduler", address)
    assert (code, err) == (
        cli.BAD_USAGE,
        f"snnprog: a scheduler must be an address such as tcp://10.0.0.7:8786, got {address!r}\n",
    )
    assert not path.exists()


def test_a_scheduler_on_the_command_line_and_its_loss(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(executors, "CONNECT_SECONDS", 0.5)  # nobody answers yet
    spec_path, port = FILES / "SPEC.toml", free_port()
    address = f"tcp://127.0.0.1:{port}"
    words = ("compile", spec_path, "-o", "there.snnp", "--scheduler", address)
    code, _, err = command(*words)
    assert code == cli.BACKEND_FAILED
    assert re.match(f"snnprog: the scheduler {address} cannot be reached: .*; start one with: dask scheduler\n", err)
    assert command(*words, "--workers", 2)[0] == cli.BAD_USAGE
    with started("dask_scheduler", "--port", str(port)) as scheduler:
        assert wait_until(lambda: is_reached(port))
        monkeypatch.setattr(executors, "CONNECT_SECONDS", 5.0)
        assert command(*words)[2] == (
            f"snnprog: the scheduler {address} has 0 workers; start some with: dask worker {address}\n"
        )
        with started("dask_worker", address, "--nthreads", "1"), untyped(distributed).Client(address) as client:
            client.wait_for_workers(1, timeout=60)
            assert command(*words)[0] == cli.EXACT
            assert command("compile", spec_path, "-o", "here.snnp")[0] == cli.EXACT
            assert Path("here.snnp").read_bytes() == Path("there.snnp").read_bytes()
            each = spec(0, outputs=30, weight_bits=3)
            told: list[int] = []

            def kill_it(step: str, done: int, total: int) -> None:
                told.append(done)
                scheduler.kill()

            with pytest.raises(
                sp.BackendError, match="the Dask scheduler was lost; start it and run the same call again"
            ):
                sp.compile(each, on_infeasible="closest", executor=client, journal="journal", progress=kill_it)
    assert told
    assert 1 <= sp.read_journal("journal").steps[0].done < 30
    again = sp.compile(each, on_infeasible="closest", journal="journal").program
    again.save("again.snnp")
    sp.compile(each, on_infeasible="closest").program.save("alone.snnp")
    assert Path("again.snnp").read_bytes() == Path("alone.snnp").read_bytes()
