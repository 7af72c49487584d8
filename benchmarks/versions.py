"""How fast this kernel is beside that of another version, in one run: ``python benchmarks/versions.py ../other``.

``../other`` is a checkout of the other version (``git worktree add ../other 303b521`` makes one). Each version is timed
in a process of its own, in turn, on every case of `simulate.py`; the best of all short runs counts, in processor time.
The networks are drawn from the same seeds, and both must give the same number of spikes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console

HERE = Path(__file__).parents[1]
REPEATS, TURNS = 9, 6
"""Short runs in a process, and processes of each version: enough for the least to settle on a machine in use."""


def time_kernel(names: Sequence[str]) -> dict[str, tuple[float, int]]:
    """Return seconds per tick and spikes of cases, all unless some are named, by this process's version."""
    from simulate import CASES

    from snnprog.simulate import kernel
    from snnprog.simulate.layout import lay_out

    found = {}
    for case in [each for each in CASES if not names or each.name in names]:
        program, ticks = case.make(), max(200, case.ticks // 4)
        layout, generator = lay_out(program), np.random.default_rng(1)
        raster = generator.random((ticks, program.n_inputs)) < case.rate
        (trace,) = kernel.run_layout(layout, [raster])
        seconds = []
        for _ in range(REPEATS):
            start = time.thread_time()
            kernel.run_layout(layout, [raster])
            seconds.append(time.thread_time() - start)
        found[case.name] = min(seconds) / ticks, int(trace.spikes.sum())
    return found


def run_version(checkout: Path, names: Sequence[str]) -> dict[str, tuple[float, int]]:
    """Return what `time_kernel` finds in a process that imports a checkout's package, and the cases beside it."""
    code = (
        f"import sys; sys.path[:0] = [{str(checkout)!r}, {str(checkout / 'benchmarks')!r}];"
        f"sys.path.append({str(HERE / 'benchmarks')!r});"
        "import json, versions; print(json.dumps(versions.time_kernel(sys.argv[1:])))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *names], capture_output=True, text=True, check=True, cwd=checkout
    )
    found: dict[str, tuple[float, int]] = json.loads(done.stdout.splitlines()[-1])
    return found


def main(words: Sequence[str] | None = None) -> None:
    """Print one row per case."""
    from simulate import CASES

    from snnprog.report.terminal import print_table
    from snnprog.table import Table

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("other", type=Path, help="a checkout of the other version")
    names = [case.name for case in CASES]
    parser.add_argument("--case", action="append", choices=names, default=[], help="all, unless given")
    chosen = parser.parse_args(words)
    other = chosen.other.resolve()
    turns = [(run_version(other, chosen.case), run_version(HERE, chosen.case)) for _ in range(TURNS)]
    rows = []
    for name in turns[0][0]:
        theirs, ours = (min(turn[which][name][0] for turn in turns) for which in (0, 1))
        same = len({turn[which][name][1] for turn in turns for which in (0, 1)}) == 1
        rows.append((name, f"{theirs * 1e6:.3f}", f"{ours * 1e6:.3f}", f"{theirs / ours:.2f}", "yes" if same else "no"))
    columns = ("case", "other, us per tick", "this, us per tick", "times as fast", "same spikes")
    print_table(Console(width=100), Table.plain(f"Kernel beside {other.name}", columns=columns, rows=rows))


if __name__ == "__main__":
    main()
