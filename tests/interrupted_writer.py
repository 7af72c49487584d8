"""A process that kills its children while they write: ``interrupted_writer.py FOLDER each|random KIND [COUNT]``.

What stands under the file's name is looked at after each death: it must be the old file or the new one, whole. In the
end the file is written once more, undisturbed, and nothing else may be left. The numbers of deaths that left the old
and the new file are printed.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import numpy as np

import snnprog as sp
from snnprog.cli import commands
from snnprog.files import write_rasters
from snnprog.output_files import write_bytes
from snnprog.temporaries import NAME, sweep_left_behind

RASTERS = [np.arange(30_000).reshape(-1, 3) % (7 + version) == 0 for version in (0, 1)]


def program(version: int) -> sp.Program:
    """Return one of two programs of a few hundred kilobytes."""
    count = 5000 + version
    return sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=3,
        n_neurons=3,
        pre=[1] * count,
        post=2,
        delay=1 + version,
        weight=7,
        threshold=30,
        potential_decay=100,
    )


def run_command(path: Path, version: int) -> None:
    """Write the result of a run as the command line does."""
    inputs = path.parent / f"inputs_{version}.npz"
    if not inputs.exists():
        write_rasters(inputs, [RASTERS[version]])
        program(version).save(path.parent / f"program_{version}.snnp")
    words = ["run", str(path.parent / f"program_{version}.snnp"), str(inputs), "-o", str(path)]
    commands.main(words, standalone_mode=False)


WRITERS: dict[str, tuple[str, Callable[[Path, int], None]]] = {
    "program": ("p.snnp", lambda path, version: program(version).save(path)),
    "csv": ("r.csv", lambda path, version: write_rasters(path, [RASTERS[version][:40]])),
    "run": ("out.npz", run_command),
}


def kill_at(step: int) -> None:
    """Kill this process at a call or return, of Python's or C's, within `write_bytes`."""
    steps = 0

    def count(frame: FrameType, event: str, _: object) -> None:
        nonlocal steps
        if steps or (event == "call" and frame.f_code is write_bytes.__code__):
            steps += 1
        if steps == step:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(count)


def at_each_step(write: Callable[[int], None]) -> Iterator[int]:
    """Write in one child after another, each killed one step later, until one lives; yield after each death."""
    for step in range(1, 100_000):
        child = os.fork()
        if child == 0:
            kill_at(step)
            write(1)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            return
        yield step


def at_random(write: Callable[[int], None], count: int) -> Iterator[int]:
    """Write again and again in a child that is killed at any moment, as often as asked for; yield after each death."""
    moments = random.Random(0)
    for death in range(count):
        child = os.fork()
        if child == 0:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            while True:
                write(1)
                write(0)
        time.sleep(moments.random() * 0.05)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        yield death


def main() -> None:
    """Do as the arguments say."""
    folder, how, kind = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    name, writer = WRITERS[kind]
    path, whole, found = folder / name, [b"", b""], [0, 0]

    def write(version: int) -> None:
        writer(path, version)

    for version in (1, 0):
        write(version)
        whole[version] = path.read_bytes()
    assert whole[0] != whole[1]
    for _ in at_each_step(write) if how == "each" else at_random(write, int(sys.argv[4])):
        found[whole.index(path.read_bytes())] += 1
        path.write_bytes(whole[0])
        if how == "each":
            sweep_left_behind(folder)  # or else the next child would, in steps that the one after it does not take
    write(1)
    assert path.read_bytes() == whole[1]
    assert not [entry for entry in folder.iterdir() if NAME.fullmatch(entry.name)]
    print(*found)


if __name__ == "__main__":
    main()
