"""The claims of the paper of the method, each a few rows: what of a network comes back, from potentials or spikes.

    python benchmarks/paper.py [--claim L ...] [--seeds 5] [--picture docs/pictures/paper.png]
    python benchmarks/paper.py --claim retina --recording RECORDING.npz
    python benchmarks/paper.py --claim runtimes --seeds 1 --backend c --backend lava --backend fpga

Rostro-Gonzalez, Cessac, Vasquez and Viéville, *Back-engineering of spiking neural networks parameters* (2009,
arXiv:0905.4810). The networks are those of examples/hidden_network.py: ten neurons, six inputs, delays of 1 to 3 ticks.
The retina is that of `benchmarks/retina.py`: units that follow others, with delays of up to 62 ticks of 20 ms.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

import snnprog as sp
from snnprog.design.mapping import potential_map
from snnprog.report.terminal import print_table
from snnprog.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "examples"))
import retina
from hidden_network import DELAYS, DYNAMICS, INPUTS, NEURONS, random_input, random_network

Rows = list[tuple[object, ...]]
COLUMNS = ("claim", "given", "measured", "figure")
LSB = 64
"""Units of the potential in a step of a weight, on Loihi."""

UNSEEN = 2000
"""Ticks of new input."""

OTHER_DYNAMICS = sp.Dynamics(potential_decay=800)
WEIGHT_ERRORS = (0.002, 0.005, 0.01, 0.02, 0.05)
MOST_UPDATES = 100_000
RECORDINGS = (25, 100, 400, 0)
"""Ticks; 0 stands for no recording at all."""

RETINA_TICKS = (250, 500)


def spread(values: Sequence[float] | NDArray[Any], form: str = "{:.2f}") -> str:
    """Return a mean and a standard deviation over seeds."""
    return f"{form.format(float(np.mean(values)))} ± {form.format(float(np.std(values)))}"


def weights_of(program: sp.Program) -> NDArray[np.int64]:
    """Return (delays, lines, neurons) the weights of a network of one synapse per pair, in LSBs."""
    table = np.zeros((len(DELAYS), INPUTS + NEURONS, NEURONS), dtype=np.int64)
    np.add.at(table, (program.delay - DELAYS[0], program.pre, program.post), program.weight << program.exponent)
    return table


def recovered(seed: int, ticks: int, noise: int) -> tuple[float, int, float]:
    """Return the share of weights that potentials determine, how many of these rounding gets wrong, and by how much."""
    network, sent = random_network(seed), random_input(1000 + seed, ticks)
    trace = sp.run(network, sent, record="state")
    assert trace.potentials is not None
    disturbed = trace.potentials + np.random.default_rng(seed).integers(-noise, noise + 1, trace.potentials.shape)
    spec = sp.Spec([sp.Pattern(sent, trace.spikes)], DELAYS, recurrent=True, dynamics=DYNAMICS)
    known, found = (sp.recover(spec, [potentials]).neurons for potentials in (trace.potentials, disturbed))
    is_known = np.stack([neuron.is_determined for neuron in known], axis=-1)
    wrong = np.abs(np.stack([neuron.weights for neuron in found], axis=-1) - weights_of(network))[is_known]
    return float(is_known.mean()), int((wrong >= 0.5).sum()), float(wrong.max(initial=0.0))


def l_problem(seeds: int) -> Rows:
    """Return rows of weights from observed potentials."""
    rows: Rows = []
    for ticks, noise in ((35, 0), (50, 0), (100, 0), (400, 0), (400, 1), (400, LSB // 4), (400, LSB)):
        shares, missed, worst = zip(*(recovered(seed, ticks, noise) for seed in range(seeds)), strict=True)
        given = f"{ticks} ticks of potentials, noise up to {noise / LSB:.2g} LSB"
        rows += [("L problem", given, "weights that are determined (%)", spread(np.multiply(shares, 100), "{:.1f}"))]
        rows += [("L problem", given, "of these wrong after rounding, in all networks", str(sum(missed)))]
        rows += [("L problem", given, "their greatest error (LSB)", f"{max(worst):.2g}")]
    return rows


def is_reproduced(
    neurons: int, delays: int, ticks: int, *, seed: int, hidden: int | Literal["auto"]
) -> tuple[bool, int]:
    """Return whether a random raster is reproduced, bin by bin, and by how many hidden neurons."""
    raster = np.random.default_rng(seed).random((ticks, neurons)) < 0.3
    spec = replace(sp.specs.from_raster(raster, delays=range(1, delays + 1), given=delays), hidden=hidden)
    result = compiled_or_none(spec)
    if result is None:
        return False, 0
    return sp.verify(result.program, spec, ["kernel"]).exact, result.program.n_neurons - neurons


def lp_problem(seeds: int) -> Rows:
    """Return rows of random rasters that networks reproduce, with and without hidden neurons."""
    rows: Rows = []
    for neurons, delays in ((5, 2), (5, 4), (10, 2)):
        for ratio in (1, 2, 3):
            ticks = ratio * neurons * delays
            found = [is_reproduced(neurons, delays, ticks, seed=seed, hidden=0)[0] for seed in range(seeds)]
            given = f"{neurons} neurons, delays 1-{delays}: {ratio} ticks for each weight of a neuron"
            rows.append(("LP problem", given, "random rasters reproduced", f"{sum(found)} of {seeds}"))
    for heard in (8, 5, 2):
        for ratio in (1, 2, 3):
            ticks = ratio * heard * 2
            exact = sum(hears_some(heard, ticks, seed=seed) for seed in range(seeds))
            given = f"10 neurons that hear {heard} each, delays 1-2: {ratio} ticks for each weight of a neuron"
            rows.append(("LP problem", given, "random rasters reproduced", f"{exact} of {seeds}"))
    found_hidden = [is_reproduced(5, 2, 30, seed=seed, hidden="auto") for seed in range(seeds)]
    figure = (
        f"{sum(exact for exact, _ in found_hidden)} of {seeds}, by {max(added for _, added in found_hidden)} at most"
    )
    rows.append(("LP problem", "5 neurons, delays 1-2, 30 ticks, hidden neurons", "random rasters reproduced", figure))
    return rows


def hears_some(heard: int, ticks: int, *, seed: int) -> bool:
    """Return whether ten neurons that hear only some others, drawn for each, reproduce a random raster, bin by bin.

    Other neurons' spikes are the inputs of each neuron. If all neurons are exact, the network of them is exact, too.
    """
    rng, delays = np.random.default_rng(seed), range(1, 3)
    raster = rng.random((ticks, NEURONS)) < 0.3
    care = np.arange(ticks)[:, None] >= delays[-1]
    for neuron in range(NEURONS):
        lines = rng.permutation(NEURONS)[:heard]
        spec = sp.Spec([sp.Pattern(raster[:, lines], raster[:, [neuron]], care)], delays)
        result = compiled_or_none(spec)
        if result is None or not sp.verify(result.program, spec, ["kernel"]).exact:
            return False
    return True


def runtimes(seeds: int, backends: Sequence[str]) -> Rows:
    """Return rows of the reproducing and transforming networks on other backends."""
    rows: Rows = []
    for name in ("recorded network", "random raster, hidden neurons", "transformation"):
        found: dict[str, int] = dict.fromkeys(backends, 0)
        for seed in range(seeds):
            spec = spec_of(name, seed)
            check = sp.verify(sp.compile(spec).program, spec, backends)
            for backend, one in check.backends.items():
                found[backend] += one.wrong_bins
        figure = ", ".join(f"{backend} {wrong}" for backend, wrong in found.items())
        rows.append(("runtimes", f"{name}, {seeds} programs", "bins that differ from the spec", figure))
    return rows


def spec_of(name: str, seed: int) -> sp.Spec:
    """Return a spec of the claims, by its name in `runtimes`."""
    sent = random_input(seed, 200)
    spikes = sp.run(random_network(seed), sent).spikes
    if name == "recorded network":
        return sp.specs.from_raster(spikes, inputs=sent, delays=DELAYS, given=0, dynamics=DYNAMICS)
    if name == "transformation":
        return sp.Spec([sp.Pattern(sent, spikes[:, :3])], range(1, 17), dynamics=OTHER_DYNAMICS)
    raster = np.random.default_rng(seed).random((30, 5)) < 0.3
    return replace(sp.specs.from_raster(raster, delays=range(1, 3), given=2), hidden="auto")


def transformation(seeds: int) -> Rows:
    """Return rows of another network that does what a network does, and how far its weights may be wrong."""
    wrong, margins, errors, floats = 0, [], [], []
    for seed in range(seeds):
        spec = spec_of("transformation", seed)
        sent, result = spec.patterns[0].inputs, sp.compile(spec)
        wrong += sp.verify(result.program, spec, ["kernel"]).backends["kernel"].wrong_bins
        margins.append(min(neuron.margin for neuron in result.report.neurons))
        errors.append(max((share for share in WEIGHT_ERRORS if holds(result.program, spec, share)), default=0.0))
        floats.append(wrong_in_floats(result, sent) + wrong_in_floats(result, random_input(2000 + seed, UNSEEN)))
    given = "3 of 10 neurons, 200 ticks"
    names = ("recorded input", f"{UNSEEN} ticks of other input")
    kinds = ("potentials in floats", "weights and potentials in floats")
    cases = [f"{given}; {kind}, {name}" for name in names for kind in kinds]
    figures = [spread(each, "{:.1f}") for each in zip(*floats, strict=True)]
    return [
        ("transformation", f"{given}; other decays, no recurrence", "bins that differ", f"{wrong} in {seeds} networks"),
        ("robustness", given, "margin of the integers (LSB)", spread(margins, "{:.0f}")),
        (
            "robustness",
            given,
            "errors of all weights that are proved harmless (%)",
            spread(np.multiply(errors, 100), "{:.1f}"),
        ),
        *(
            ("robustness", case, "bins that are not the integers'", figure)
            for case, figure in zip(cases, figures, strict=True)
        ),
    ]


def wrong_in_floats(result: sp.CompileResult, sent: NDArray[np.bool_]) -> tuple[int, int]:
    """Return how many bins differ from the integers' if potentials are real: with weights rounded, and as designed."""
    program, delays = result.program, result.network.delays
    truth = sp.run(program, sent).spikes
    rounded = np.zeros((len(delays), program.n_inputs, program.n_neurons))
    sizes = program.weight.astype(float) * 2.0**program.exponent
    np.add.at(rounded, (program.delay - delays[0], program.pre, program.post), sizes)
    neurons = result.network.neurons
    designed = np.stack([neuron.weights for neuron in neurons], axis=-1)
    thresholds = np.array([neuron.threshold for neuron in neurons])
    cases = ((rounded, program.threshold[: len(neurons)].astype(float)), (designed, thresholds))
    found = [in_floats(weights, thresholds, sent, delays=delays) for weights, thresholds in cases]
    return int((found[0] != truth).sum()), int((found[1] != truth).sum())


def in_floats(
    weights: NDArray[Any], thresholds: NDArray[Any], sent: NDArray[np.bool_], *, delays: Sequence[int]
) -> NDArray[np.bool_]:
    """Return the spikes of neurons in real numbers; weights are (delays, lines, neurons), currents do not last."""
    arriving = np.zeros((len(sent), thresholds.size))
    for delay, each in zip(delays, weights, strict=True):
        arriving[delay:] += sent[:-delay] @ each
    kept = 1.0 - OTHER_DYNAMICS.potential_decay / 4096.0
    potential: NDArray[Any] = np.zeros(thresholds.size)
    spikes = np.zeros(arriving.shape, dtype=np.bool_)
    for tick, drive in enumerate(arriving):
        potential = kept * potential + drive
        spikes[tick] = potential > thresholds
        potential[spikes[tick]] = 0.0
    return spikes


def reproduced_units(recording: Path) -> Rows:
    """Return rows of a recorded retina: its units as neurons of their own, and all of them with hidden neurons."""
    rows: Rows = []
    for ticks in RETINA_TICKS:
        (raster, _), every = retina.recorded(recording, ticks), range(retina.UNITS - retina.INPUTS)
        alone = [compiled_or_none(retina.spec_of(raster, [unit])) for unit in every]
        exact = sum(each is not None for each in alone)
        together = retina.spec_of(raster, every, hidden="auto")
        result = compiled_or_none(together)
        figure = "not found in the time limit"
        if result is not None:
            wrong = sp.verify(result.program, together, ["kernel"]).backends["kernel"].wrong_bins
            figure = f"{wrong} wrong bins, {len(result.report.hidden)} hidden neurons"
        given = f"{ticks} ticks, {int(raster[:, retina.INPUTS :].sum())} spikes of {len(every)} units"
        rows.append(("retina", f"{given}; each alone", "units reproduced", f"{exact} of {len(every)}"))
        rows.append(("retina", f"{given}; with hidden neurons", "all units together", figure))
    return rows


def compiled_or_none(spec: sp.Spec) -> sp.CompileResult | None:
    """Return the result, or None where none is possible, or found in a minute."""
    try:
        return sp.compile(spec, time_limit_s=60.0)
    except (sp.InfeasibleError, sp.UndecidedError, sp.QuantizationError):
        return None


def holds(program: sp.Program, spec: sp.Spec, share: float) -> bool:
    """Return whether all weights may be wrong by a share, in every combination."""
    robustness = sp.verify(program, spec, ["kernel"], robust=sp.Robust(weights=share)).robustness
    return robustness is not None and robustness.holds


def learned(seed: int) -> tuple[int, float]:
    """Return how many updates a local rule takes, and the cosine of its first with that of a Hebbian rule.

    The rule is the perceptron's on the potential: for the worst wrong tick, each weight changes by the target (1 for a
    spike, -1 for silence) times the trace of its own synapse since the last spike of its neuron, and nothing else.
    The Hebbian rule adds the traces at spikes.
    """
    sent = random_input(seed, 60)
    spikes = sp.run(random_network(seed), sent).spikes
    spikes = spikes[:, [int(spikes.sum(axis=0).argmax())]]  # of the neuron that spikes most
    mapping = potential_map(sp.Spec([sp.Pattern(sent, spikes)], range(1, 17), dynamics=OTHER_DYNAMICS))
    traces = mapping.rows(mapping.resets(spikes[:, 0]), np.arange(len(spikes)))
    rows = np.column_stack([traces, -np.ones(len(spikes))])  # the last weight is the threshold
    sides = np.where(spikes[:, 0], 1.0, -1.0)
    weights, updates = np.zeros(rows.shape[1]), 0
    while (worst := int((sides * (rows * weights).sum(axis=1)).argmin())) >= 0 and updates < MOST_UPDATES:
        if sides[worst] * (rows[worst] * weights).sum() > 0.0:
            break
        weights, updates = weights + sides[worst] * rows[worst], updates + 1
    first = (sides[:, None] * traces).sum(axis=0)
    hebbian = traces[spikes[:, 0]].sum(axis=0)
    return updates, float((first * hebbian).sum() / (np.linalg.norm(first) * np.linalg.norm(hebbian)))


def locality(seeds: int) -> Rows:
    """Return rows of a rule that uses only what a synapse sees."""
    updates, cosines = zip(*map(learned, range(seeds)), strict=True)
    given = "one neuron, 60 ticks, 96 synapses"
    reached = [each for each in updates if each < MOST_UPDATES]
    return [
        (
            "locality",
            given,
            "local updates until all spikes are right",
            f"{spread(reached, '{:.0f}')}, in {len(reached)} of {seeds}",
        ),
        ("locality", given, "cosine of all first updates with the Hebbian one", spread(cosines)),
    ]


def statistics_of(spikes: NDArray[np.bool_]) -> tuple[NDArray[Any], ...]:
    """Return rates, variation coefficients of intervals, and pairwise correlations of neurons."""
    rates = spikes.mean(axis=0)
    intervals = [np.diff(np.flatnonzero(column)) for column in spikes.T]
    variation = np.array([each.std() / each.mean() if each.size > 1 else 0.0 for each in intervals])
    varied = spikes + 1e-9 * np.random.default_rng(0).normal(size=spikes.shape)  # a silent neuron has no correlation
    return rates, variation, np.corrcoef(varied.T)[np.triu_indices(NEURONS, 1)]


def errors_on_new_input(seed: int, ticks: int) -> list[float]:
    """Return mean errors of three statistics: of the network that reproduces a recording, or of another for 0 ticks."""
    network, unseen = random_network(seed), random_input(2000 + seed, UNSEEN)
    truth = statistics_of(sp.run(network, unseen).spikes)
    if ticks == 0:
        found = sp.run(random_network(500 + seed), unseen).spikes
    else:
        sent = random_input(3000 + seed, ticks)
        recorded = sp.run(network, sent).spikes
        spec = sp.specs.from_raster(recorded, inputs=sent, delays=DELAYS, given=0, dynamics=DYNAMICS)
        found = sp.run(sp.compile(spec).program, unseen).spikes
    return [float(np.abs(a - b).mean()) for a, b in zip(statistics_of(found), truth, strict=True)]


def statistics(seeds: int) -> Rows:
    """Return rows of errors of rates, intervals and correlations on new input, by the length of the recording."""
    rows: Rows = []
    for ticks in RECORDINGS:
        rates, variation, pairs = zip(*(errors_on_new_input(seed, ticks) for seed in range(seeds)), strict=True)
        figure = f"{spread(rates, '{:.3f}')}; {spread(variation)}; {spread(pairs, '{:.3f}')}"
        given = f"{ticks} ticks recorded" if ticks else "another random network, for comparison"
        rows.append(("statistics", given, "errors of rates; CV of intervals; correlations", figure))
    return rows


CLAIMS: dict[str, Callable[[int], Rows]] = {
    "L": l_problem,
    "LP": lp_problem,
    "transformation": transformation,
    "locality": locality,
    "statistics": statistics,
}


def draw(path: Path, seeds: int) -> None:
    """Save a picture: weights that potentials determine, and the errors of statistics, by the length of a recording."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.0, 3.0), layout="constrained")
    known, errors = figure.subplots(1, 2)
    ticks = (35, 50, 75, 100, 200, 400)
    shares = np.array([[recovered(seed, each, 0)[0] for seed in range(seeds)] for each in ticks])
    known.errorbar(ticks, 100 * shares.mean(axis=1), 100 * shares.std(axis=1), marker="o")
    known.set(xscale="log", xlabel="ticks of potentials", ylabel="weights determined (%)", ylim=(0, 102))
    lengths = [each for each in RECORDINGS if each]
    found = np.array([[errors_on_new_input(seed, each) for seed in range(seeds)] for each in lengths])
    other = np.mean([errors_on_new_input(seed, 0) for seed in range(seeds)], axis=0)
    for index, name in enumerate(("rates", "CV of intervals", "pairwise correlations")):
        errors.plot(lengths, found[:, :, index].mean(axis=1) / other[index], marker="o", label=name)
    errors.set(xscale="log", xlabel="ticks of spikes", ylabel="error / error of another network", ylim=(0, None))
    errors.legend(frameon=False)
    figure.savefig(path, dpi=120)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--claim", action="append", choices=[*CLAIMS, "retina", "runtimes"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--recording", type=Path, help="of the retina, as for benchmarks/retina.py")
    parser.add_argument("--backend", action="append", default=[], help="run the programs there, too")
    parser.add_argument("--picture", type=Path, help="draw the errors of the statistics, and save the picture")
    given = parser.parse_args(arguments)
    claims = dict(CLAIMS)
    if given.recording is not None:
        claims["retina"] = lambda _: reproduced_units(given.recording)
    if given.backend:
        claims["runtimes"] = lambda seeds: runtimes(seeds, given.backend)
    if not claims.keys() >= set(given.claim or ()):
        parser.error("--claim retina needs --recording, and --claim runtimes needs --backend")
    rows: Rows = []
    for name in given.claim or claims:
        rows += claims[name](given.seeds)
        print(*rows[-1], flush=True)
    print_table(Console(width=170), Table.plain("", columns=COLUMNS, rows=rows), is_whole=True)
    if given.picture is not None:
        draw(given.picture, given.seeds)


if __name__ == "__main__":
    main()
