"""Kill and interrupt every writing command at random moments, and look at what is left behind.

::

    python benchmarks/interruptions.py --kills 1000 --interrupts 300

Every command that writes a file runs again and again, with one of two inputs in turn, and is ended at a random moment:
by SIGKILL, or by SIGINT from the moment on at which it has taken over that signal from Python. Then the output must be
one of the two whole files. An interrupted command must have said one line and left with 130, or have finished. In the
end each command runs once more, and nothing but its output may be left, also where temporary folders are made.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import snnprog as sp

INTERRUPTED = 130
LOOK_SECONDS = 0.002
SPEC = """\
delays = "1-3"
dynamics = { potential_decay = 4095, current_decay = 4095 }
[[patterns]]
inputs = "{stem}.npz:inputs"
targets = "{stem}.npz:targets"
"""
COMMANDS = {
    "compile": ("compile", "{stem}.toml", "-o", "out.snnp"),
    "run to .csv": ("run", "{stem}.snnp", "{stem}.npz:inputs", "-o", "out.csv"),
    "run to .npz": ("run", "{stem}.snnp", "{stem}.npz:inputs", "--backend", "kernel", "-o", "out.npz"),
    "run to .h5": ("run", "{stem}.snnp", "{stem}.h5", "--ticks", "300", "--dt-ms", "1", "-o", "out.h5"),
    "quantize": ("quantize", "{stem}.nir", "--dt-ms", "1", "-o", "out.snnp"),
    "export": ("export", "{stem}.snnp", "--dt-ms", "1", "-o", "out.nir"),
    "report": ("report", "{stem}.snnp", "--spec", "{stem}.toml", "-o", "out.html"),
}
"""Name -> the words of a command, and its output last. All write by `snnprog.output_files`, as the demo does."""


@dataclass
class Tally:
    """What was counted.

    Attributes
    ----------
    ended : Counter
        (command, signal, "ended" or "finished" before it came) -> how often.
    faults : list of str
        What must not have happened.
    """

    ended: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


class Trial:
    """One command in a folder of its own.

    Parameters
    ----------
    folder : Path
        An empty one.
    kind : str
        Which of the `COMMANDS`.
    """

    def __init__(self, folder: Path, kind: str) -> None:
        self.folder, self.kind, self.words = folder, kind, COMMANDS[kind]
        self.output = folder / self.words[-1]
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        for version in (0, 1):
            write_inputs(folder, version)
        self.inputs = names_in(folder)
        self.whole: list[bytes] = [b"", b""]
        for version in (0, 1):
            self.seconds = self.finish(version)
            self.whole[version] = self.output.read_bytes()
        assert self.whole[0] != self.whole[1]

    def start(self, version: int) -> subprocess.Popen[str]:
        """Start the command on one of the two inputs."""
        words = [word.format(stem=f"v{version}") for word in self.words]
        return subprocess.Popen(
            [sys.executable, "-m", "snnprog", *words],
            cwd=self.folder,
            env={**os.environ, "TMPDIR": str(self.temporary)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def finish(self, version: int) -> dict[signal.Signals, float]:
        """Let the command run to its end; return the seconds in which each of the signals may come."""
        begun = time.monotonic()
        command = self.start(version)
        wait_for_handler(command)
        ready = time.monotonic()
        _, errors = command.communicate()
        assert command.returncode in (0, 1), errors
        end = time.monotonic()
        return {signal.SIGKILL: end - begun, signal.SIGINT: end - ready}

    def end(self, number: signal.Signals, version: int, moment: float, tally: Tally) -> None:
        """Start the command, end it after a part of the seconds that it takes, and look at what it leaves."""
        command = self.start(version)
        if number == signal.SIGINT:
            wait_for_handler(command)
        time.sleep(moment * self.seconds[number])
        command.send_signal(number)
        _, errors = command.communicate()
        content = self.output.read_bytes()
        if content not in self.whole:
            tally.faults.append(f"{self.kind}, {number.name}: the output is neither of the two files")
        said, is_finished = (command.returncode, errors), command.returncode in (0, 1)
        tally.ended[self.kind, number.name, "finished" if is_finished else "ended"] += 1
        if number == signal.SIGINT and said != (INTERRUPTED, "snnprog: interrupted\n") and not is_finished:
            tally.faults.append(f"{self.kind}: interrupted, it left with {said[0]} and said {said[1]!r}")
        if number == signal.SIGINT and (left := self.left()):
            tally.faults.append(f"{self.kind}: interrupted, it left {', '.join(left)}")

    def left(self) -> list[str]:
        """Return the names of all files that are neither input nor output."""
        found = names_in(self.folder) - self.inputs - {self.output.name}
        return sorted(found | names_in(self.temporary))


def names_in(folder: Path) -> set[str]:
    """Return the names of all that is in a folder."""
    return {entry.name for entry in folder.iterdir()}


def write_inputs(folder: Path, version: int) -> None:
    """Write a spec, and a program, a graph and recordings that belong to it."""
    generator, stem = np.random.default_rng(version), folder / f"v{version}"
    inputs = generator.random((300, 3)) < 0.2
    program = sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=3,
        n_neurons=1,
        pre=[0, 1, 2],
        post=0,
        delay=[1, 2, 3],
        weight=60,
        threshold=100 + 10 * version,
        potential_decay=4095,
        current_decay=4095,
    )
    program.save(stem.with_suffix(".snnp"))
    targets = sp.run(program, inputs).spikes
    np.savez(stem.with_suffix(".npz"), inputs=inputs, targets=targets)
    stem.with_suffix(".toml").write_text(SPEC.replace("{stem}", stem.name), encoding="utf-8")
    sp.write_nir(stem.with_suffix(".nir"), program, dt_ms=1.0)
    sp.write_rasters(stem.with_suffix(".h5"), [inputs], dt_ms=1.0)


def wait_for_handler(command: subprocess.Popen[str]) -> None:
    """Wait until a process has its own handler of SIGTERM; Python installs none by default."""
    bit = 1 << (signal.SIGTERM - 1)
    while command.poll() is None:
        status = Path(f"/proc/{command.pid}/status").read_text(encoding="ascii")
        (caught,) = (line.split()[1] for line in status.splitlines() if line.startswith("SigCgt"))
        if int(caught, 16) & bit:
            return
        time.sleep(LOOK_SECONDS)


def run_trials(kind: str, *, kills: int, interrupts: int, seed: int) -> Tally:
    """End one of the commands so often, and count."""
    tally, moments = Tally(), random.Random(f"{kind} {seed}")
    folder = Path(tempfile.mkdtemp())
    try:
        trial = Trial(folder, kind)
        numbers = [signal.SIGKILL] * kills + [signal.SIGINT] * interrupts
        for count, number in enumerate(numbers):
            if count == kills:
                trial.finish(0)  # removes what the kills have left
            trial.end(number, count % 2, moments.random() * 1.1, tally)
        trial.finish(0)
        trial.finish(1)
        if left := trial.left():
            tally.faults.append(f"{kind}: after a run to the end, there still are {', '.join(left)}")
    finally:
        shutil.rmtree(folder)
    return tally


def main(words: Sequence[str] | None = None) -> int:
    """Run a number of trials, print the counts, and return 1 if anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--interrupts", type=int, default=300)
    parser.add_argument("--at-once", type=int, default=2)
    parser.add_argument("--kinds", nargs="*", choices=COMMANDS, default=list(COMMANDS))
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(words)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell lets what is in its background ignore it

    def run(place: int) -> Tally:
        kills, interrupts = (
            total // len(options.kinds) + (place < total % len(options.kinds))
            for total in (options.kills, options.interrupts)
        )
        return run_trials(options.kinds[place], kills=kills, interrupts=interrupts, seed=options.seed)

    with ThreadPoolExecutor(options.at_once) as executor:
        tallies = list(executor.map(run, range(len(options.kinds))))
    ended = sum((tally.ended for tally in tallies), Counter[tuple[str, str, str]]())
    faults = [fault for tally in tallies for fault in tally.faults]
    print("command      signal      ended  finished")
    for kind in options.kinds:
        for name in ("SIGKILL", "SIGINT"):
            print(f"{kind:12} {name:8} {ended[kind, name, 'ended']:8} {ended[kind, name, 'finished']:9}")
    print(*faults, f"{ended.total()} commands were ended; {len(faults)} faults", sep="\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
