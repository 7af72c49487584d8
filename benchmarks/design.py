"""The time of one neuron's design, against general solvers and two linear classifiers that are given all its rows.

Inputs fire in 2 % of the ticks, the output is to fire in 2 % of them, the potential keeps 0.95 per tick. The main
instance has 1000 taps and 8000 ticks; three series go from there: more ticks (8000 taps), more taps (1600 ticks), and
both at 8 ticks per tap. Beyond 1000 taps, 1000 inputs have several delays each.

All answers are judged alike: their margin on every row, in exact decays. Beside them stand one simulation pass, which
is what a neuron's potential costs for given weights, and one Cholesky factorisation of a matrix of taps x taps (LAPACK,
double precision, one thread; ours factorises in single precision in a fixed order, which takes as long). Times are the
processor's (one core; what else the machine does is not counted), without what all neurons of a network share (the
traces of the inputs), and without building the solvers' rows. Ours calculates the first margin that is proof against
rounding (*safe*, as in the compiler), one that is at least half of the widest (*half*), and up to some size one that is
proved to be the widest to a millionth (*widest*).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

import numpy as np
import scipy.linalg
from instances import random_raster, random_target
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from rich.console import Console
from solvers import MAXIMISERS, SOLVERS, Answer, full_program, solve

import snnprog as sp
from snnprog.design.box import box_of
from snnprog.design.mapping import potential_map
from snnprog.design.margins.answer import WidestMargin
from snnprog.design.margins.interior import interior_margin
from snnprog.design.margins.margin import proved_margin, safe_margin, widest_margin
from snnprog.design.margins.quick import relax
from snnprog.design.problem import NeuronProblem, neuron_problem
from snnprog.report.terminal import print_table
from snnprog.solver import one_blas_thread
from snnprog.table import Table

T = TypeVar("T")

PICTURE = Path(__file__).parents[1] / "docs" / "pictures" / "design.png"
PASS, CHOLESKY = "simulation pass", "Cholesky"
RATE, MOST_LINES = 0.02, 1000
MAIN = (1000, 8000)
SERIES = {
    "more ticks": [(8000, ticks) for ticks in (500, 1000, 2500, 5000, 10_000, 25_000, 50_000)],
    "more taps": [(taps, 1600) for taps in (200, 500, 1000, 2000, 5000, 10_000, 20_000)],
    "more of both": [(taps, 8 * taps) for taps in (125, 250, 500, 1000, 2000, 3000, 5000)],
}
COLOURS = {
    "GLOP": "#edae49",
    "PDLP": "#d1495b",
    "HiGHS ipm": "#5b6770",
    "HiGHS hipo": "#2f3a40",
    "HiGHS ds": "#9aa5ad",
    "GLPK": "#66a182",
    "LIBLINEAR": "#8d5a97",
    "libsvm": "#c39bd3",
    PASS: "#b9d6ea",
    CHOLESKY: "#d9b48f",
    "safe": "#1b6ca8",
    "half": "#0b3c5d",
    "widest": "#06202f",
}
UNITS = (CHOLESKY, PASS)
SHOWN_SHARE = 0.999


def half_margin(problem: NeuronProblem) -> WidestMargin:
    """Return an answer that is proved to have half of the widest margin."""
    return _along_the_path(problem, lambda margin, bound: margin >= bound / 2)


def _along_the_path(problem: NeuronProblem, is_enough: Callable[[float, float], bool]) -> WidestMargin:
    """Return the first answer that is good enough; the compiler's widest where rounding ends the path before."""
    relaxed = relax(problem)
    if relaxed is not None and relaxed.answer is not None and is_enough(relaxed.answer.margin, relaxed.answer.bound):
        return relaxed.answer
    start = None if relaxed is None else relaxed.unknowns
    return interior_margin(problem, start, is_enough=is_enough) or widest_margin(problem)


OURS: dict[str, Callable[[NeuronProblem], WidestMargin]] = {
    "safe": safe_margin,
    "half": half_margin,
    "widest": proved_margin,
}
MOST_FOR_WIDEST = 16_000_000  # entries of all rows: 3 s at half of that


@dataclass(frozen=True)
class Measured:
    """One instance.

    Attributes
    ----------
    taps, ticks : int
        Its size.
    answers : dict
        Who -> answer; without those that did not run.
    bound : float
        No weights have more margin, as ours proves it.
    """

    taps: int
    ticks: int
    bound: float
    answers: dict[str, Answer] = field(default_factory=dict)

    @property
    def widest(self) -> float:
        """The widest margin that a solver found; where none did, ours proves that there is none above this."""
        margins = [one.margin for name, one in self.answers.items() if name in MAXIMISERS and not np.isnan(one.margin)]
        return max(margins, default=self.bound)

    @property
    def fastest(self) -> float:
        """The seconds of the fastest solver of linear programs that found an answer; infinite where none did."""
        return min(
            (one.seconds for name, one in self.answers.items() if name in MAXIMISERS and not np.isnan(one.margin)),
            default=np.inf,
        )


def random_problem(taps: int, ticks: int, seed: int) -> NeuronProblem:
    """Return the problem of one output of a random spec."""
    generator = np.random.default_rng(seed)
    lines = min(taps, MOST_LINES)
    delays = range(1, taps // lines + 1)
    inputs = random_raster(generator, ticks, lines, RATE)
    targets = random_target(generator, inputs, delays, RATE)
    targets[:10] = False
    spec = sp.Spec([sp.Pattern(inputs, targets)], delays)
    mapping = potential_map(spec)
    everything = np.ones(ticks, dtype=np.bool_)
    return neuron_problem(mapping, 0, raster=targets[:, 0], constrained=everything, box=box_of(spec, mapping))


def cholesky(taps: int) -> Answer:
    """Measure one Cholesky factorisation of a matrix of this size, in double precision by LAPACK."""
    matrix = np.random.default_rng(0).random((taps, taps))
    matrix = np.asfortranarray(matrix + matrix.T + 2.0 * taps * np.identity(taps))
    factorise, work = scipy.linalg.get_lapack_funcs("potrf", (matrix,)), np.empty_like(matrix)
    call = partial(factorise, work, lower=True, overwrite_a=True, clean=False)
    return Answer(timed(call, prepare=partial(np.copyto, work, matrix))[1])


def timed(call: Callable[[], T], prepare: Callable[[], None] = lambda: None) -> tuple[T, float]:
    """Return what a call returns, and the least time of several calls, or that of the first where it is long.

    What is prepared before each call is not counted.
    """
    times: list[float] = []
    while not times or (sum(times) < 1.0 and len(times) < 20):
        prepare()
        start = time.process_time()
        result = call()
        times.append(time.process_time() - start)
    return result, min(times)


@one_blas_thread()
def measure(taps: int, ticks: int, names: Sequence[str], limit: float, seed: int) -> Measured:
    """Measure ours, a simulation pass, and the solvers named, on one instance."""
    problem = random_problem(taps, ticks, seed)
    bound, answers = np.inf, {}
    for name, design in OURS.items():
        if name == "widest" and taps * ticks > MOST_FOR_WIDEST:
            continue
        ours, seconds = timed(partial(design, problem))
        answers[name] = Answer(seconds, float(problem.margins(ours.weights, ours.threshold, ours.bias).min()))
        bound = min(bound, ours.bound)
    answers[PASS] = Answer(timed(partial(problem.potential_map.potential, ours.weights, problem.resets))[1])
    answers[CHOLESKY] = cholesky(taps)
    program = full_program(problem) if names else None
    for name in names:
        assert program is not None
        answers[name] = solve(name, program, problem, limit)
    return Measured(taps, ticks, bound, answers)


def measure_series(
    sizes: Sequence[tuple[int, int]],
    names: Sequence[str],
    limit: float,
    seed: int,
    known: dict[tuple[int, int], Measured],
) -> list[Measured]:
    """Measure growing sizes; a solver drops out before it would exceed the limit, growing as its rows' entries do."""
    measured: list[Measured] = []
    left, entries = list(names), 0
    for taps, ticks in sizes:
        if measured:
            last = measured[-1].answers
            left = [name for name in left if last[name].seconds * taps * ticks / entries < limit]
        if (taps, ticks) not in known:
            known[taps, ticks] = measure(taps, ticks, left, limit, seed)
        measured.append(known[taps, ticks])
        left = [name for name in left if name in measured[-1].answers]
        entries = taps * ticks
    return measured


def slope(measured: Sequence[Measured], name: str, size: Callable[[Measured], int]) -> float:
    """Return d log(seconds) / d log(size) of all instances that were answered; NaN where they are fewer than 3."""
    found = [
        (size(one), one.answers[name].seconds)
        for one in measured
        if name in one.answers and (name in UNITS or not np.isnan(one.answers[name].margin))
    ]
    sizes, seconds = np.log(np.array(found).reshape(-1, 2)).T
    return float(np.polyfit(sizes, seconds, 1)[0]) if len(found) > 2 else np.nan


def compile_seconds() -> float:
    """Return what the first call in a fresh installation takes: the compiled code is not in any cache yet."""
    with tempfile.TemporaryDirectory() as folder:
        here = Path(__file__)
        code = f"import sys; sys.path.insert(0, {str(here.parent)!r}); import design; print(design.first_call())"
        environment = {**os.environ, "SNNPROG_CACHE": folder}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout)


def first_call() -> float:
    """Return the seconds of the first design in a process, less those of a second."""
    problem = random_problem(100, 800, 0)
    start = time.process_time()
    designs = [partial(design, problem) for design in OURS.values()]
    for design in designs:
        design()
    return time.process_time() - start - sum(timed(design)[1] for design in designs)


def print_measured(console: Console, title: str, measured: Sequence[Measured], names: Sequence[str]) -> None:
    """Print two rows per instance: seconds, and margins in per cent of the widest where they fall short; and units."""
    rows, units = [], []
    for one in measured:
        widest = f"{'' if np.isfinite(one.fastest) else '≤ '}{one.widest:.3g}"
        rows.append((one.taps, one.ticks, widest, *(_cell(one, name) for name in (*OURS, *names))))
        seconds = [f"{one.answers[unit].seconds:.2g}" for unit in UNITS]
        units.append((one.taps, one.ticks, *seconds, *(_in_units(one, name) for name in OURS)))
    columns = ("taps", "ticks", "widest", *OURS, *names)
    print_table(console, Table.plain(f"{title}: seconds (share of the widest margin)", columns=columns, rows=rows))
    columns = ("taps", "ticks", *(f"{unit}, s" for unit in UNITS), *OURS)
    title = f"{title}: Cholesky factorisations | simulation passes | × faster than a linear program's fastest solver"
    print_table(console, Table.plain(title, columns=columns, rows=units))


def _in_units(one: Measured, name: str) -> str:
    """Return the time of ours in Cholesky factorisations and passes, and how many times faster it is."""
    if name not in one.answers:
        return "-"
    seconds = one.answers[name].seconds
    ratio = f"{one.fastest / seconds:.0f}" if np.isfinite(one.fastest) else "-"
    return f"{seconds / one.answers[CHOLESKY].seconds:.1f} | {seconds / one.answers[PASS].seconds:.0f} | {ratio}"


def _cell(one: Measured, name: str) -> str:
    if name not in one.answers:
        return "-"
    answer = one.answers[name]
    if np.isnan(answer.margin):
        return f"none in {answer.seconds:.0f}"
    share = answer.margin / one.widest
    return f"{answer.seconds:.2g}" + (f" ({100 * share:.0f} %)" if share < SHOWN_SHARE else "")


def print_slopes(console: Console, series: dict[str, list[Measured]], names: Sequence[str]) -> None:
    """Print by which power of the size each one's time grows."""
    rows = [
        (title, *(f"{slope(measured, name, _size(title)):.2f}" for name in (*UNITS, *OURS, *names)))
        for title, measured in series.items()
    ]
    columns = ("series", *UNITS, *OURS, *names)
    print_table(console, Table.plain("Slopes: seconds grow as size to the power of", columns=columns, rows=rows))


def _size(title: str) -> Callable[[Measured], int]:
    return (lambda one: one.taps) if title == "more taps" else (lambda one: one.ticks)


def draw(path: Path, series: dict[str, list[Measured]], names: Sequence[str]) -> None:
    """Save a picture of all times against size, one panel per series."""
    figure = Figure(figsize=(13.0, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    panels: Sequence[Axes] = figure.subplots(1, len(series), sharey=True, squeeze=False)[0]
    for ax, (title, measured) in zip(panels, series.items(), strict=True):
        for name in (*names, *UNITS, *OURS):
            shown = [one for one in measured if name in one.answers and (name in UNITS or one.answers[name].margin > 0)]
            sizes = [_size(title)(one) for one in shown]
            seconds = [one.answers[name].seconds for one in shown]
            label = f"snnprog, {name}" if name in OURS else name
            ax.loglog(sizes, seconds, "o-", label=label, color=COLOURS[name], linewidth=2.4 if name in OURS else 1.2)
        ax.set(title=title, xlabel="taps" if title == "more taps" else "ticks")
        ax.spines[["top", "right"]].set_visible(False)
    panels[0].set(ylabel="seconds")
    figure.legend(*panels[-1].get_legend_handles_labels(), loc="outside lower center", ncols=7, frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)


def available() -> list[str]:
    """Return the solvers whose packages are installed."""
    needed = {"HiGHS hipo": "highspy_extras", "GLPK": "cvxopt", "LIBLINEAR": "sklearn", "libsvm": "sklearn"}
    return [name for name in SOLVERS if name not in needed or find_spec(needed[name]) is not None]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the main instance and the three series; print them, and save the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=float, default=300.0, help="seconds that a solver has for one instance")
    parser.add_argument("--divide", type=int, default=1, help="by what all sizes are divided, for a quick look")
    parser.add_argument("--solver", action="append", choices=SOLVERS, help="all that are installed, unless given")
    parser.add_argument("--series", action="append", choices=list(SERIES), help="all, unless given")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--picture", type=Path, default=PICTURE)
    chosen = parser.parse_args(arguments)
    console, names = Console(width=200), chosen.solver or available()

    def size(taps: int, ticks: int) -> tuple[int, int]:
        return max(taps // chosen.divide, 5), max(ticks // chosen.divide, 40)

    console.print(f"seconds; what snnprog compiles once per installation takes {compile_seconds():.1f}")
    taps, ticks = size(*MAIN)
    known = {(taps, ticks): measure(taps, ticks, names, chosen.limit, chosen.seed)}
    print_measured(console, "The main instance", list(known.values()), names)
    series = {}
    for title in chosen.series or SERIES:
        sizes = SERIES[title]
        series[title] = measure_series([size(*one) for one in sizes], names, chosen.limit, chosen.seed, known)
        print_measured(console, title.capitalize(), series[title], names)
    print_slopes(console, series, names)
    draw(chosen.picture, series, names)
    console.print(f"picture: {chosen.picture}")


if __name__ == "__main__":
    main()
