"""What a compilation takes beside the design, and what starting takes: import, command line, fresh installation.

    python benchmarks/compilation.py

Times are the processor's. Each size of the first table is compiled in a process of its own, after all sizes have filled
the caches once; the command line compiles the example of the README's specification file. A fresh installation has
Python's bytecode, which installers write, but no machine code of Numba in its cache, so that everything is compiled.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from instances import random_raster, random_target
from rich.console import Console

import snnprog as sp
from snnprog.cache import CACHE_VARIABLE
from snnprog.report.terminal import print_table
from snnprog.table import Table

HERE = Path(__file__).resolve()
EXAMPLE = HERE.parents[1] / "examples" / "spec_files"
SIZES = ((100, 800, 1), (600, 5000, 1), (600, 5000, 10), (1000, 8000, 1))
RATE = 0.02
STEPS = ("design", "quantize", "simulate", "place")
NO_BYTECODE = "PYTHONDONTWRITEBYTECODE"


def random_spec(taps: int, ticks: int, outputs: int) -> sp.Spec:
    """Return a spec of so many inputs with one delay, as those of `design.py`."""
    generator = np.random.default_rng(0)
    inputs = random_raster(generator, ticks, taps, RATE)
    columns = [random_target(generator, inputs, range(1, 2), RATE) for _ in range(outputs)]
    targets = np.concatenate(columns, axis=1)
    targets[:10] = False
    return sp.Spec([sp.Pattern(inputs, targets)], [1])


def compile_once(taps: int, ticks: int, outputs: int) -> dict[str, float]:
    """Compile in this process; return the processor time of each step, and of the whole call."""
    spec = random_spec(taps, ticks, outputs)
    compile_it = sp.compile  # its import is not part of the call
    clock, time.perf_counter = time.perf_counter, time.process_time
    try:
        start = time.process_time()
        report = compile_it(spec).report
        return {"all": time.process_time() - start, **report.seconds}
    finally:
        time.perf_counter = clock


def _run(command: Sequence[str], variables: Mapping[str, str]) -> tuple[str, float]:
    """Run a command in a process of its own; return what it prints, and its processor time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {name: value for name, value in {**os.environ, **variables}.items() if name != NO_BYTECODE}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return done.stdout, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def seconds_of(taps: int, ticks: int, outputs: int, variables: Mapping[str, str]) -> dict[str, float]:
    """Return what `compile_once` returns in a process of its own."""
    code = f"import compilation, json; print(json.dumps(compilation.compile_once({taps}, {ticks}, {outputs})))"
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(HERE.parent)!r}); {code}"]
    seconds: dict[str, float] = json.loads(_run(command, variables)[0])
    return seconds


def share_of(taps: int, ticks: int, outputs: int, variables: Mapping[str, str]) -> tuple[object, ...]:
    """Return the row of a size: seconds of all and of each step, and the share of all but the design."""
    seconds = seconds_of(taps, ticks, outputs, variables)
    steps = [seconds.get(step, 0.0) for step in STEPS]
    return taps, ticks, outputs, seconds["all"], *steps, f"{100 * (1 - seconds['design'] / seconds['all']):.0f} %"


def start_rows(variables: Mapping[str, str], repeats: int) -> list[tuple[str, float, float]]:
    """Return what the interpreter, the import and a command take: the first call, and the least of later ones."""
    program = str(Path(variables[CACHE_VARIABLE]) / "P.snnp")
    commands = {
        "python": ("-c", "pass"),
        "import numpy": ("-c", "import numpy"),
        "import snnprog": ("-c", "import snnprog"),
        "snnprog compile": ("-m", "snnprog", "compile", str(EXAMPLE / "SPEC.toml"), "-o", program),
    }
    _run([sys.executable, *commands["snnprog compile"]], {})  # writes the bytecode; the user's cache serves
    Path(program).unlink()
    rows = []
    for name, words in commands.items():
        times = [_run([sys.executable, *words], variables)[1] for _ in range(1 + repeats)]
        rows.append((name, times[0], min(times[1:])))
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the shares of each size, and the times of a start."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--divide", type=int, default=1, help="by what all sizes are divided, for a quick look")
    parser.add_argument("--repeats", type=int, default=3, help="the best of so many starts counts")
    chosen = parser.parse_args(arguments)
    console = Console(width=160)
    with tempfile.TemporaryDirectory() as folder:
        variables = {CACHE_VARIABLE: folder, "OMP_NUM_THREADS": "1"}
        starts, title = start_rows(variables, chosen.repeats), "Seconds of a process, at first and with caches"
        print_table(console, Table.plain(title, columns=("start", "first", "later"), rows=starts))
        sizes = [(max(taps // chosen.divide, 20), max(ticks // chosen.divide, 60), n) for taps, ticks, n in SIZES]
        columns = ("taps", "ticks", "outputs", "all", *STEPS, "not design")
        for size in sizes:
            seconds_of(*size, variables)
        shares = [share_of(*size, variables) for size in sizes]
        print_table(console, Table.plain("Seconds of a compilation", columns=columns, rows=shares))


if __name__ == "__main__":
    main()
