"""Robust programs beside ordinary ones: time, rows, and runs of perturbed inputs.

Each pattern has random input spikes, and a clock, not perturbed, that asks for the answer of the output at the end: a
spike in half of the patterns. Times are those of the process, of the whole of `snnprog.compile`, checks included; the
least of three where one takes under a second. As many perturbed inputs as are requested are drawn and run on the
kernel: how many have a wrong output, with the ordinary program and with the robust one?

``--part retina --recording FILE`` asks for a program of each output of a recorded retina (``benchmarks/retina.py``)
whose spikes jitter of one tick does not change, and ``--part digits`` for one of each neuron of ``examples/digits.py``:
as encoded there, and with a clock that asks for the answer once all spikes are over.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console

import snnprog as sp
from snnprog.arrays import Raster
from snnprog.errors import InfeasibleError, SnnprogError
from snnprog.raster import bin_spike_times
from snnprog.report.terminal import print_table
from snnprog.table import Table

COLUMNS = (
    "lines",
    "patterns",
    "perturbations",
    "ordinary (s)",
    "robust (s)",
    "ratio",
    "rows",
    "room (LSB)",
    "wrong, ordinary",
    "wrong, robust",
)
ERRORS = (
    {"missing": 1},
    {"extra": 1},
    {"jitter": 1},
    {"jitter": 1, "weights": 0.02},
    {"jitter": 1, "missing": 1},
    {"jitter": 2},
    {"jitter": 1, "missing": 1, "extra": 1, "weights": 0.02},
)
SIZES = ((8, 10), (16, 20), (24, 10), (24, 30))
DELAYS, TICKS, RATE, BEFORE_END = range(1, 17), 60, 0.02, 10
AT_ONCE = 1000
AGAIN, BRIEF = 2, 1.0
"""How often compilations are repeated if they take less than so many seconds: garbage collection alone takes .07 s."""
OF_OUTPUTS = ("output", "spikes", "ordinary", "margin (LSB)", "s", "robust", "room (LSB)", "s")
UNITS, INPUTS, BIN_MS, LONGEST = 57, 40, 20.0, 62
"""The retina as in ``benchmarks/retina.py``."""


def patterns_of(lines: int, count: int, seed: int) -> list[sp.Pattern]:
    """Return patterns with random spikes and a clock on the last line."""
    rng = np.random.default_rng(seed)
    patterns = []
    for _ in range(count):
        inputs, targets = rng.random((TICKS, lines)) < RATE, np.zeros((TICKS, 1), np.bool_)
        inputs[:, -1] = False
        inputs[TICKS - BEFORE_END, -1] = True
        targets[TICKS - BEFORE_END + 1, 0] = rng.random() < 0.5
        patterns.append(sp.Pattern(inputs, targets))
    return patterns


def perturbed(pattern: sp.Pattern, robust: sp.Robust, rng: np.random.Generator) -> Raster:
    """Return a random perturbation of a pattern's inputs, with as many missing and added spikes as are allowed."""
    inputs = np.zeros_like(pattern.inputs)
    ticks, lines = pattern.inputs.nonzero()
    is_free = ~np.isin(lines, robust.exempt)
    kept = np.ones(ticks.size, np.bool_)
    kept[rng.permutation(np.flatnonzero(is_free))[: robust.missing]] = False
    moves = rng.integers(-robust.jitter, robust.jitter + 1, ticks.size) * is_free
    inputs[np.clip(ticks + moves, 0, len(inputs) - 1)[kept], lines[kept]] = True
    free = np.setdiff1d(np.arange(inputs.shape[1]), robust.exempt)
    for _ in range(robust.extra):
        inputs[rng.integers(len(inputs)), rng.choice(free)] = True
    return inputs


def wrong_runs(program: sp.Program, patterns: list[sp.Pattern], robust: sp.Robust, *, runs: int, seed: int) -> int:
    """Return how many of so many perturbed inputs have a wrong output."""
    rng, wrong = np.random.default_rng(seed), 0
    for first in range(0, runs, AT_ONCE):
        chosen = [patterns[index] for index in rng.integers(len(patterns), size=min(AT_ONCE, runs - first))]
        traces = sp.run(program, [perturbed(pattern, robust, rng) for pattern in chosen], backend="kernel")
        wrong += sum(
            not np.array_equal(trace.spikes, pattern.targets) for trace, pattern in zip(traces, chosen, strict=True)
        )
    return wrong


def timed(spec: sp.Spec) -> tuple[sp.CompileResult | str, float]:
    """Return the result of a spec, or why there is none in a word, and the seconds of the process."""
    found, seconds = timed_once(spec)
    return found, min([seconds, *(timed_once(spec)[1] for _ in range(AGAIN) if seconds < BRIEF)])


def timed_once(spec: sp.Spec) -> tuple[sp.CompileResult | str, float]:
    """Return the same from one run."""
    start = time.process_time()
    try:
        found: sp.CompileResult | str = sp.compile(spec)
    except InfeasibleError:
        found = "infeasible"
    except SnnprogError as error:
        found = type(error).__name__
    return found, time.process_time() - start


def rows(sizes: list[tuple[int, int]], *, runs: int, seed: int) -> Iterator[tuple[object, ...]]:
    """Yield the rows of the table."""
    for lines, count in sizes:
        patterns = patterns_of(lines, count, seed)
        timed(sp.Spec(patterns, DELAYS))
        ordinary, before = timed(sp.Spec(patterns, DELAYS))
        if isinstance(ordinary, str):
            yield lines, count, "none", f"{ordinary} {before:.2f}", "", "", "", "", "", ""
            continue
        for errors in ERRORS:
            robust = sp.Robust(**errors, exempt=(lines - 1,))
            found, after = timed(sp.Spec(patterns, DELAYS, robust=robust))
            lost = wrong_runs(ordinary.program, patterns, robust, runs=runs, seed=seed)
            label = ", ".join(f"{name} {value}" for name, value in errors.items())
            times = f"{before:.2f}", f"{after:.2f}", f"{after / before:.1f}"
            if isinstance(found, str):
                yield lines, count, label, *times, found, "", lost, ""
                continue
            verdict = found.report.robustness
            assert verdict is not None, "the spec names perturbations"
            right = wrong_runs(found.program, patterns, robust, runs=runs, seed=seed)
            yield lines, count, label, *times, verdict.rows, f"{verdict.room:.1f}", lost, right


def verdict_of(spec: sp.Spec, seconds: float) -> tuple[str, str, str]:
    """Return the status and margin of a spec's program, or why there is none in a word, and the time."""
    start = time.process_time()
    try:
        result = sp.compile(spec, time_limit_s=seconds)
    except InfeasibleError:
        return "infeasible", "", f"{time.process_time() - start:.1f}"
    except SnnprogError as error:
        return type(error).__name__, "", f"{time.process_time() - start:.1f}"
    robustness = result.report.robustness
    margin = result.report.neurons[0].margin if robustness is None else robustness.room
    return "exact" if robustness is None else "holds", f"{margin:.1f}", f"{time.process_time() - start:.1f}"


def each_output(
    specs: Iterable[tuple[str, int, sp.Spec]], robust: sp.Robust, seconds: float
) -> Iterator[tuple[object, ...]]:
    """Yield a row for each spec of one output: its spikes, and the verdicts without and with perturbations."""
    for name, spikes, spec in specs:
        plain = verdict_of(spec, seconds)
        asked = replace(spec, robust=robust) if plain[0] == "exact" else None
        yield name, spikes, *plain, *(("", "", "") if asked is None else verdict_of(asked, seconds))


def retina(recording: str, ticks: int) -> Iterator[tuple[str, int, sp.Spec]]:
    """Yield a spec for each output of a recorded retina."""
    with np.load(recording, allow_pickle=False) as archive:
        times, units = archive["spike_times_s"], archive["neuron_index"]
    raster, _ = bin_spike_times(times, units, bin_ms=BIN_MS, ticks=ticks, neurons=UNITS)
    for output in range(UNITS - INPUTS):
        targets = raster[:, INPUTS + output : INPUTS + output + 1]
        yield str(output), int(targets.sum()), sp.Spec([sp.Pattern(raster[:, :INPUTS], targets)], range(1, LONGEST + 1))


def digits(outputs: int, *, is_clocked: bool) -> Iterator[tuple[str, int, sp.Spec]]:
    """Yield a spec for each of the first neurons of the example; a clock is the last line."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "examples"))
    from digits import CLARITY, QUESTIONS, encoder_of, split

    train, _, classes, _ = split(0)
    spec = sp.specs.classifier(train, classes, encoder_of(train), questions=QUESTIONS, clarity=CLARITY)
    for output in range(outputs):
        chosen = [pattern for pattern in spec.patterns if pattern.care[:, output].any()]
        patterns = [clocked(pattern, output) if is_clocked else only(pattern, output) for pattern in chosen]
        spikes = sum(int(pattern.targets.sum()) for pattern in patterns)
        yield str(output), spikes, sp.Spec(patterns, spec.delays)


def only(pattern: sp.Pattern, output: int) -> sp.Pattern:
    """Return a pattern with one of its outputs."""
    return sp.Pattern(pattern.inputs, pattern.targets[:, [output]], pattern.care[:, [output]])


def clocked(pattern: sp.Pattern, output: int) -> sp.Pattern:
    """Return the image of a pattern one tick after its begin, and a clock two ticks later that asks for the answer."""
    inputs, targets = np.zeros((5, pattern.inputs.shape[1] + 1), np.bool_), np.zeros((5, 1), np.bool_)
    inputs[1, :-1], inputs[3, -1] = pattern.inputs.any(axis=0), True
    targets[4, 0] = pattern.targets[:, output].any()
    return sp.Pattern(inputs, targets)


def print_outputs(title: str, rows: Iterable[tuple[object, ...]]) -> None:
    """Print the rows of outputs, and how many of those with a program have a robust one."""
    found = []
    for row in rows:
        Console(width=180).print(*row)
        found.append(row)
    print_table(Console(width=180), Table.plain(title, columns=OF_OUTPUTS, rows=found), is_whole=True)
    plain, robust = (Counter(row[column] for row in found) for column in (2, 5))
    print(f"without perturbations: {dict(plain)}; with: {dict(robust)}")


def main() -> None:
    """Print the table of a part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000, help="perturbed inputs for each row")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lines", type=int, nargs="*", help="only the sizes with so many lines")
    parser.add_argument("--part", choices=("table", "retina", "digits"), default="table")
    parser.add_argument("--recording", help="the retina's .npz")
    parser.add_argument("--ticks", type=int, default=7300, help="of the recording")
    parser.add_argument("--exempt", type=int, default=0, help="how many of the recording's inputs do not move")
    parser.add_argument("--outputs", type=int, default=45, help="how many of the digits' neurons")
    parser.add_argument("--seconds", type=float, default=60.0, help="time limit of each output")
    given = parser.parse_args()
    if given.part == "retina":
        found = each_output(
            retina(given.recording, given.ticks), sp.Robust(jitter=1, exempt=tuple(range(given.exempt))), given.seconds
        )
        print_outputs(f"retina, {given.ticks} ticks, jitter 1 of {INPUTS - given.exempt} of {INPUTS} inputs", found)
    elif given.part == "digits":
        for is_clocked, robust in ((False, sp.Robust(jitter=1)), (True, sp.Robust(jitter=1, exempt=(1024,)))):
            found = each_output(digits(given.outputs, is_clocked=is_clocked), robust, given.seconds)
            print_outputs(f"digits{', with a clock' if is_clocked else ''}, jitter 1", found)
    else:
        print_rows(given.lines, runs=given.runs, seed=given.seed)


def print_rows(lines: Sequence[int] | None, *, runs: int, seed: int) -> None:
    """Print the table of random patterns."""
    sizes = [size for size in SIZES if not lines or size[0] in lines]
    title = f"robust programs, delays 1 to 16, {TICKS} ticks, {runs} perturbed inputs each"
    print_table(
        Console(width=180),
        Table.plain(title, columns=COLUMNS, rows=list(rows(sizes, runs=runs, seed=seed))),
        is_whole=True,
    )


if __name__ == "__main__":
    main()
