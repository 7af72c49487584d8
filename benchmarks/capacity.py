"""The capacity of one neuron: the share of random specs that are solved, by ticks per weight.

Four parts:

- ``cover``: no memory, inputs and output at rate 1/2, 100 free parameters (99 weights and the threshold). The share
  that has real weights is known exactly (Cover 1965), because ticks are points in general position.
- ``sparse``: the same at lower output rates, where the load that half of all specs carry is known for many weights
  (Gardner 1988).
- ``leaky``: the potential keeps 0.95 per tick and is reset, inputs at rate 0.1, 60 weights. No theory.
- ``bits``: fewer bits per weight. Weights of ±1 carry 0.83 at rate 1/2 without memory (Krauth and Mézard 1989).

A spec is *solved* if `snnprog.compile` returns its program, which it has then simulated; it *has weights* unless it is
proved to have none. In the last three parts each sample is one long random stream, and its load is that of the longest
beginning that is solved, found by bisection: their median is the load that half of all specs carry.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from instances import HAVE_WEIGHTS, Verdict, longest, quantile_with_error, random_raster, random_target, verdict
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from rich.console import Console
from scipy.optimize import brentq, linprog
from scipy.stats import binom, norm

import snnprog as sp
from snnprog.arrays import Raster
from snnprog.report.terminal import print_table
from snnprog.table import Table

PICTURE = Path(__file__).parents[1] / "docs" / "pictures" / "capacity.png"
PARTS = ("cover", "sparse", "leaky", "bits")
COVER_LOADS = (1.5, 1.8, 2.0, 2.2, 2.5)
SPARSE_RATES = (0.5, 0.1, 0.05, 0.02, 0.01)
LEAKY_LOADS = {0.5: 2.2, 0.1: 5.0, 0.05: 7.9}
FEWER_BITS = (None, 8, 6, 4, 3, 2, 1)
BINARY_LOAD = 0.833
HIGHS_TOLERANCE = 1e-6
NO_MEMORY, SLOW = 4095, 205
THEORY, OPEN, OURS, LEAKY = "#9aa5ad", "#edae49", "#1b6ca8", "#d1495b"


@dataclass(frozen=True)
class Ensemble:
    """Random specs of one kind.

    Attributes
    ----------
    inputs : int
        Input lines, each with one weight.
    parameters : int
        What loads are counted in.
    input_rate, output_rate : float
        Spikes per tick.
    potential_decay : int
        On the chip.
    load : float
        The load that half of them should carry with real weights.
    bits : int or None
        Of each weight; None is what the chip has.
    """

    inputs: int
    parameters: int
    input_rate: float
    output_rate: float
    potential_decay: int
    load: float
    bits: int | None = None

    def stream(self, ticks: int, seed: int) -> tuple[Raster, Raster]:
        """Return random inputs and the target of one output."""
        generator = np.random.default_rng(seed)
        inputs = random_raster(generator, ticks, self.inputs, self.input_rate)
        return inputs, random_target(generator, inputs, (1,), self.output_rate)

    def spec(self, inputs: Raster, targets: Raster) -> sp.Spec:
        """Return the spec of a stream."""
        dynamics = sp.Dynamics(potential_decay=self.potential_decay)
        return sp.Spec([sp.Pattern(inputs, targets)], dynamics=dynamics, weight_bits=self.bits)


def memoryless(output_rate: float, weights: int) -> Ensemble:
    """Return the specs that theory speaks of; the threshold is one of the free parameters."""
    return Ensemble(weights - 1, weights, 0.5, output_rate, NO_MEMORY, gardner_load(output_rate))


def leaky(output_rate: float, weights: int) -> Ensemble:
    """Return specs with memory and reset."""
    return Ensemble(weights, weights, 0.1, output_rate, SLOW, LEAKY_LOADS[output_rate])


def cover_share(ticks: int, parameters: int) -> float:
    """Return the share of all targets that real weights realise: C(T, n) / 2^T (Cover 1965, theorem 1)."""
    return float(binom.cdf(parameters - 1, ticks - 1, 0.5))


def gardner_load(rate: float) -> float:
    """Return the load that many weights carry at an output rate (Gardner 1988, without margin, free threshold).

    With M the threshold in standard deviations of the potential, chosen best, ``1 / load = f ∫_M Dt (t - M)² +
    (1 - f) ∫_-M Dt (t + M)²``.
    """

    def moments(bound: float) -> tuple[float, float]:
        first = norm.pdf(bound) - bound * norm.sf(bound)
        return first, (1 + bound**2) * norm.sf(bound) - bound * norm.pdf(bound)

    best = brentq(lambda bound: rate * moments(-bound)[0] - (1 - rate) * moments(bound)[0], -6.0, 6.0)
    return 1.0 / (rate * moments(-best)[1] + (1 - rate) * moments(best)[1])


def sample(ensemble: Ensemble, load: float, seed: int) -> Verdict:
    """Return the verdict on one random spec of that load."""
    return verdict(ensemble.spec(*ensemble.stream(round(load * ensemble.parameters), seed)))


def has_weights(ensemble: Ensemble, load: float, seed: int) -> bool:
    """Return whether HiGHS finds real weights for the spec of `sample`, from features built tick by tick."""
    inputs, targets = ensemble.stream(round(load * ensemble.parameters), seed)
    gamma, feature, rows = (4096 - ensemble.potential_decay) / 4096, np.zeros(ensemble.inputs), []
    for arriving, fires in zip(
        np.roll(inputs, 1, axis=0) & (np.arange(len(inputs)) > 0)[:, None], targets[:, 0], strict=True
    ):
        feature = gamma * feature + arriving
        rows.append((1.0 if fires else -1.0) * np.concatenate([feature, [-1.0]]))
        feature = feature * (not fires)
    signed = np.array(rows)
    answer = linprog(
        np.append(np.zeros(signed.shape[1]), -1.0),
        A_ub=np.column_stack([-signed, np.ones(len(signed))]),
        b_ub=np.zeros(len(signed)),
        bounds=[(-1, 1)] * ensemble.inputs + [(0, None), (None, None)],
    )
    return bool(answer.x[-1] > HIGHS_TOLERANCE)


@dataclass(frozen=True)
class Carried:
    """What one random stream showed.

    Attributes
    ----------
    real, solved : float
        The loads of its longest beginnings that have weights, and that are solved.
    unrounded, undecided, specs : int
        How many of the beginnings that were compiled ended so, and how many there were.
    """

    real: float
    solved: float
    unrounded: int
    undecided: int
    specs: int


def carried(ensemble: Ensemble, seed: int) -> Carried:
    """Return what one stream can be made to carry."""
    most = round(2 * ensemble.load * ensemble.parameters)
    inputs, targets = ensemble.stream(most, seed)
    verdicts: dict[int, Verdict] = {}

    def at(ticks: int) -> Verdict:
        if ticks not in verdicts:
            verdicts[ticks] = verdict(ensemble.spec(inputs[:ticks], targets[:ticks]))
        return verdicts[ticks]

    step = max(1, round(ensemble.load * ensemble.parameters / 100))
    real = longest(lambda ticks: at(ticks) in HAVE_WEIGHTS, most, step)
    solved = longest(lambda ticks: at(ticks) is Verdict.SOLVED, most, step)
    found = list(verdicts.values())
    return Carried(
        real=real / ensemble.parameters,
        solved=solved / ensemble.parameters,
        unrounded=found.count(Verdict.UNROUNDED),
        undecided=found.count(Verdict.UNDECIDED),
        specs=len(found),
    )


@dataclass(frozen=True)
class Shares:
    """Of many random specs of one load: the shares that have weights and that are solved, and who is wrong.

    Attributes
    ----------
    undecided : int
    checked, agreeing : int
        Verdicts compared with HiGHS, and those that agree.
    """

    load: float
    theory: float
    real: float
    solved: float
    samples: int
    undecided: int
    checked: int
    agreeing: int

    def error(self, share: float) -> float:
        """Return the standard error of a share."""
        return float(np.sqrt(share * (1 - share) / self.samples))


def shares(executor: Executor, ensemble: Ensemble, load: float, samples: int, checked: int) -> Shares:
    """Compile random specs of one load; let HiGHS judge the first few."""
    verdicts = list(executor.map(sample, repeat(ensemble), repeat(load), range(samples), chunksize=8))
    theirs = list(executor.map(has_weights, repeat(ensemble), repeat(load), range(checked)))
    ours = [one in HAVE_WEIGHTS for one in verdicts]
    return Shares(
        load=load,
        theory=cover_share(round(load * ensemble.parameters), ensemble.parameters),
        real=sum(ours) / samples,
        solved=verdicts.count(Verdict.SOLVED) / samples,
        samples=samples,
        undecided=verdicts.count(Verdict.UNDECIDED),
        checked=checked,
        agreeing=sum(one == other for one, other in zip(ours, theirs, strict=False)),
    )


def print_shares(console: Console, found: Sequence[Shares]) -> None:
    """Print a row for each load."""
    rows = [
        (
            f"{one.load:g}",
            f"{one.theory:.3f}",
            *(f"{share:.3f} ± {one.error(share):.3f}" for share in (one.real, one.solved)),
            one.undecided,
            f"{one.agreeing} of {one.checked}",
        )
        for one in found
    ]
    columns = ("ticks per weight", "theory", "have weights", "solved", "undecided", "HiGHS agrees")
    print_table(
        console, Table.plain("cover: share of random specs, no memory, output rate 0.5", columns=columns, rows=rows)
    )


def print_carried(console: Console, title: str, found: dict[Ensemble, list[Carried]]) -> None:
    """Print a row for each ensemble: the loads that half of its streams carry."""
    rows = []
    for ensemble, streams in found.items():
        halves = [quantile_with_error(loads, 0.5) for loads in ([s.real for s in streams], [s.solved for s in streams])]
        bits = "chip's" if ensemble.bits is None else str(ensemble.bits)
        counts = [sum(getattr(one, name) for one in streams) for name in ("unrounded", "undecided", "specs")]
        is_binary = ensemble.bits == 1 and ensemble.potential_decay == NO_MEMORY
        expected = f"{ensemble.load:.3g}" if ensemble.bits is None else f"{BINARY_LOAD:g}" if is_binary else ""
        halfway = [f"{half:.2f} ± {error:.2f}" for half, error in halves]
        rows.append((f"{ensemble.output_rate:g}", bits, expected, *halfway, *counts))
    columns = (
        "output rate",
        "bits",
        "expected",
        "half have weights",
        "half are solved",
        "unrounded",
        "undecided",
        "of",
    )
    print_table(console, Table.plain(title, columns=columns, rows=rows))


def draw_shares(ax: Axes, found: Sequence[Shares], parameters: int) -> None:
    """Draw the shares over load, on Cover's curve."""
    loads = np.linspace(1.3, 2.7, 141)
    ax.plot(loads, [cover_share(round(load * parameters), parameters) for load in loads], color=THEORY, label="theory")
    for name, colour, marker in (("real", OPEN, "s"), ("solved", OURS, "o")):
        values = [getattr(one, name) for one in found]
        errors = [one.error(value) for one, value in zip(found, values, strict=True)]
        label = "have weights" if name == "real" else "solved"
        ax.errorbar([one.load for one in found], values, errors, fmt=marker, color=colour, label=label, capsize=3)
    ax.set(title="no memory, output rate 0.5", xlabel="ticks per weight", ylabel="share of specs")


def draw_halves(ax: Axes, found: dict[Ensemble, list[Carried]]) -> None:
    """Draw the loads that half carry over the output rate, without memory on Gardner's curve, and with."""
    rates = np.geomspace(0.008, 0.5, 40)
    ax.loglog(rates, [gardner_load(rate) for rate in rates], color=THEORY, label="theory, no memory")
    for decay, colour, label in ((NO_MEMORY, OURS, "solved, no memory"), (SLOW, LEAKY, "solved, leak 0.95")):
        chosen = {one: streams for one, streams in found.items() if one.potential_decay == decay}
        halves = [quantile_with_error([one.solved for one in streams], 0.5) for streams in chosen.values()]
        if halves:
            values, errors = zip(*halves, strict=True)
            ax.errorbar([one.output_rate for one in chosen], values, errors, fmt="o", color=colour, label=label)
    ax.set(title="load that half carry", xlabel="output rate", ylabel="ticks per weight", ylim=(1.0, 50.0))


def draw_bits(ax: Axes, found: dict[Ensemble, list[Carried]], title: str) -> None:
    """Draw for each width of weights the share of streams that carry a load."""
    for index, (ensemble, streams) in enumerate(found.items()):
        loads = np.sort([one.solved for one in streams])
        colour = str(0.75 * index / max(len(found) - 1, 1))
        label = "chip's" if ensemble.bits is None else f"{ensemble.bits} bits"
        share = 1.0 - np.arange(loads.size + 1) / loads.size
        ax.step(np.concatenate([[0.0], loads]), share, where="post", color=colour, label=label)
    if any(ensemble.bits == 1 and ensemble.potential_decay == NO_MEMORY for ensemble in found):
        ax.axvline(BINARY_LOAD, color=THEORY, linestyle=":", label="theory, ±1")
    ax.set(title=title, xlabel="ticks per weight", ylabel="share solved")


Draw = Callable[[Axes], None]


def run_cover(console: Console, executor: Executor, chosen: argparse.Namespace) -> list[Draw]:
    """Measure shares against Cover's theorem."""
    ensemble = memoryless(0.5, chosen.weights)
    found = [shares(executor, ensemble, load, chosen.samples, chosen.checked) for load in COVER_LOADS]
    print_shares(console, found)
    return [partial(draw_shares, found=found, parameters=chosen.weights)]


def run_streams(executor: Executor, ensembles: Sequence[Ensemble], streams: int) -> dict[Ensemble, list[Carried]]:
    """Return what each ensemble's streams carry."""
    return {one: list(executor.map(carried, repeat(one), range(streams))) for one in ensembles}


def run_rates(console: Console, executor: Executor, chosen: argparse.Namespace) -> list[Draw]:
    """Measure the loads that half carry at falling output rates, without memory and with."""
    kinds = {
        "sparse": ("no memory", [memoryless(rate, chosen.weights) for rate in SPARSE_RATES]),
        "leaky": ("leak 0.95", [leaky(rate, round(0.6 * chosen.weights)) for rate in LEAKY_LOADS]),
    }
    everything: dict[Ensemble, list[Carried]] = {}
    for part, (title, ensembles) in kinds.items():
        if part in chosen.part:
            found = run_streams(executor, ensembles, chosen.streams)
            print_carried(console, f"{part}: ticks per weight, {title}", found)
            everything |= found
    return [partial(draw_halves, found=everything)] if everything else []


def run_bits(console: Console, executor: Executor, chosen: argparse.Namespace) -> list[Draw]:
    """Measure what is carried at output rate 0.5 by weights of fewer bits."""
    draws: list[Draw] = []
    kinds = {"no memory": memoryless(0.5, chosen.weights), "leak 0.95": leaky(0.5, round(0.6 * chosen.weights))}
    for title, ensemble in kinds.items():
        found = run_streams(executor, [replace(ensemble, bits=bits) for bits in FEWER_BITS], chosen.streams)
        print_carried(console, f"bits: ticks per weight, {title}", found)
        draws.append(partial(draw_bits, found=found, title=f"fewer bits, {title}"))
    return draws


def save(path: Path, draws: Sequence[Draw]) -> None:
    """Save a picture with one panel for each of the functions."""
    figure = Figure(figsize=(4.4 * len(draws), 4.0), layout="constrained")
    FigureCanvasAgg(figure)
    for ax, draw in zip(figure.subplots(1, len(draws), squeeze=False)[0], draws, strict=True):
        draw(ax)
        ax.spines[["top", "right"]].set_visible(False)
        ax.legend(frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the parts chosen; print their tables, and save the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", action="append", choices=PARTS, help="all, unless given")
    parser.add_argument("--weights", type=int, default=100, help="free parameters; 0.6 times as many in `leaky`")
    parser.add_argument("--samples", type=int, default=600, help="specs per load in `cover`")
    parser.add_argument("--checked", type=int, default=50, help="of them, those that HiGHS judges too")
    parser.add_argument("--streams", type=int, default=100, help="streams per row in the other parts")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--picture", type=Path, default=PICTURE)
    chosen = parser.parse_args(arguments)
    chosen.part = chosen.part or PARTS
    console, draws = Console(width=140), []
    with ProcessPoolExecutor(chosen.workers, mp_context=get_context("spawn")) as executor:
        if "cover" in chosen.part:
            draws += run_cover(console, executor, chosen)
        draws += run_rates(console, executor, chosen)
        if "bits" in chosen.part:
            draws += run_bits(console, executor, chosen)
    save(chosen.picture, draws)
    console.print(f"picture: {chosen.picture}")


if __name__ == "__main__":
    main()
