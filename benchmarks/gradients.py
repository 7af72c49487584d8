"""Compiled classifiers beside networks that are trained by gradients, on the same splits: accuracy and what it costs.

    python benchmarks/gradients.py [--data Yin-Yang] [--way surrogate ...] [--seeds 3] [--journal FILE] [--picture FILE]
    python benchmarks/gradients.py --seeds 1 --backend c --backend lava --backend fpga

The data sets are those of `gradient_data.py`. Each way ends in a program for Loihi 1, judged on unseen samples:

- levels: compiled neurons, one or three for each pair of classes, from values as levels (spikes of one tick); votes.
- spike times: the same from the spikes that the trained networks get, and votes or a `Readout` of the output spikes.
- surrogate, EventProp: a network that `gradient_training.py` trains, brought to integers of 8 bits by `quantize`.

The last way, input spikes, has no neurons: a linear readout of the levels. Energies are the package's estimate
(`snnprog.activity`), from all neurons idle to all active. Seconds are those of one processor, with quantization.
With ``--backend``, the program of the first split runs 100 unseen samples there, too: spikes and potentials that are
read have to be the kernel's.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import nir
import numpy as np
from gradient_data import DATA, SpikeTimes, Split
from gradient_training import Method, Model, Times, Weights, share_right, trained
from numpy.typing import NDArray
from rich.console import Console

import snnprog as sp
from snnprog.arrays import Bools, Int64s, Raster
from snnprog.coding import Encoder, Levels, Questions, Readout, with_rest
from snnprog.networks import QuantizedNetwork
from snnprog.report.terminal import print_table
from snnprog.table import Table

COLUMNS = (
    "data",
    "way",
    "splits",
    "real numbers (%)",
    "integers (%)",
    "neurons",
    "synapses",
    "ticks",
    "input spikes",
    "neuron spikes",
    "operations",
    "energy (nJ)",
    "seconds",
    "exact or same",
    "bins that differ",
)
LEVELS = {"Yin-Yang": 32, "manifolds": 16}
VOTERS = {"Yin-Yang": 3, "manifolds": 1}
CLARITY = {"Yin-Yang": 0.0, "manifolds": 0.2}
"""As in `examples/yin_yang.py`, and the defaults of `SpikingClassifier`."""

KEPT = {("Yin-Yang", "spike times"): 5, ("manifolds", "spike times"): 2}
"""Of so many training samples one is compiled for, where a spec of all of them takes long: each has 31 ticks."""

TIME_LIMIT_S = 600.0
"""Of a program. Those of Yin-Yang take some 4 s of an idle processor, but a limit of 60 s was reached on a busy one."""

EPOCHS = {"Yin-Yang": 20, "manifolds": 100}
"""Of training, so that both data sets take as many steps of as many samples: a choice."""

REST = 10
"""Silent ticks after the inputs, in which the last spikes act."""

FITTED, COMPARED = 200, 100
"""Training samples that `quantize` gets, and unseen ones on which a program runs on the reference, too."""

BITS = 8
"""Of weights: the most that Loihi 1 has."""


@dataclass(frozen=True)
class Result:
    """One way on one split; what a sample takes is a mean over unseen samples, and nan stands for what there is not."""

    data: str
    way: str
    seed: int
    real: float = np.nan
    right: float = np.nan
    neurons: float = 0
    synapses: float = 0
    ticks: float = 0
    input_spikes: float = np.nan
    neuron_spikes: float = 0
    operations: float = 0
    energy_idle: float = 0
    energy_active: float = 0
    seconds: float = np.nan
    is_same: bool = True
    differing: dict[str, str] = field(default_factory=dict)
    """Bins of other backends that are not the kernel's."""


def work_of(program: sp.Program, inputs: Sequence[Raster]) -> dict[str, float]:
    """Return the size of a program, and what a sample takes on it."""
    total = sp.activity(program, inputs).total
    assert total.energy_pj is not None, "Loihi 1 has published energies"
    counts = (total.ticks, total.input_spikes, total.neuron_spikes, total.synaptic_operations)
    names = ("ticks", "input_spikes", "neuron_spikes", "operations", "energy_idle", "energy_active")
    energies = (each / 1000.0 for each in total.energy_pj)  # nJ
    means = [each / len(inputs) for each in (*counts, *energies)]
    return {"neurons": program.n_neurons, "synapses": program.n_synapses, **dict(zip(names, means, strict=True))}


def differing(program: sp.Program, inputs: Sequence[Raster], backends: Sequence[str]) -> dict[str, str]:
    """Return how many bins, and potentials that are read, are not the kernel's on each backend."""
    some = list(inputs[:COMPARED])
    if not backends:
        return {}

    def answers(backend: str) -> list[NDArray[np.int64]]:
        traces = sp.run(program, some, backend)
        return [np.array(each) for trace in traces for each in (trace.spikes, trace.readout) if each is not None]

    usual, found = answers("kernel"), {}
    for backend in backends:
        try:
            wrong = sum(int((one != other).sum()) for one, other in zip(answers(backend), usual, strict=True))
            found[backend] = f"{wrong} of {sum(each.size for each in usual):,}"
        except (sp.LimitError, sp.BackendError) as error:
            found[backend] = f"refused: {error}"
    return found


def encoders(name: str, split: Split) -> dict[str, tuple[Encoder, list[Raster], list[Raster]]]:
    """Return each code with the samples of both parts in it, and the silent tick of the answer after them."""
    found: dict[str, tuple[Encoder, list[Raster], list[Raster]]] = {}
    times = SpikeTimes(split.train.times.shape[1] + 1)
    for code, encoder, train, test in (
        ("levels", Levels(LEVELS[name]).fit(split.train.values), split.train.values, split.test.values),
        ("spike times", times, split.train.times, split.test.times),
    ):
        known, unseen = ([with_rest(raster) for raster in encoder.transform(part)] for part in (train, test))
        found[code] = encoder, known, unseen
    return found


def compiled(name: str, code: str, seed: int, backends: Sequence[str]) -> Iterator[Result]:
    """Yield the result of a compiled classifier by its votes, and by a readout of its output spikes."""
    split = DATA[name](seed)
    encoder, train, test = encoders(name, split)[code]
    questions = Questions.one_vs_one(int(split.train.classes.max()) + 1, voters=VOTERS[name])
    samples = split.train.values if code == "levels" else split.train.times
    some = slice(None, None, KEPT.get((name, code), 1))
    start = time.process_time()
    spec = sp.specs.classifier(
        samples[some], split.train.classes[some], encoder, questions=questions, clarity=CLARITY[name], seed=seed
    )
    program = sp.compile(spec, on_infeasible="closest", time_limit_s=TIME_LIMIT_S, seed=seed).program
    seconds = time.process_time() - start
    is_same = sp.verify(program, spec, ["reference"]).exact
    spikes = [trace.spikes for trace in sp.run(program, test)]
    known = [trace.spikes for trace in sp.run(program, train)]
    read = Readout("classes").fit(known, split.train.classes).predict(spikes)
    work, elsewhere = work_of(program, test), differing(program, test, backends)
    for way, classes in ((code, questions.decide(spikes)), (f"{code}, readout", read)):
        right = float(np.mean(classes == split.test.classes))
        yield Result(name, way, seed, right=right, seconds=seconds, is_same=is_same, differing=elsewhere, **work)


def input_spikes(name: str, seed: int, _backends: Sequence[str]) -> Iterator[Result]:
    """Yield the result of a linear readout of the levels, without neurons."""
    split = DATA[name](seed)
    _, train, test = encoders(name, split)["levels"]
    start = time.process_time()
    readout = Readout("classes").fit(train, split.train.classes)
    seconds = time.process_time() - start
    right = float(np.mean(readout.predict(test) == split.test.classes))
    sent = float(np.mean([raster.sum() for raster in test]))
    yield Result(name, "input spikes", seed, real=right, ticks=len(test[0]), input_spikes=sent, seconds=seconds)


def graph_of(weights: Weights) -> nir.NIRGraph:
    """Return a trained network for `quantize`, in ticks of a millisecond."""

    def fields(times: Times, size: int) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
        taus = {"tau_mem": times.membrane, "tau_syn": times.synapse}
        values = {**{key: tau / 1000.0 for key, tau in taus.items()}, "r": times.membrane, "w_in": times.synapse}
        return {key: np.full(size, value) for key, value in (values | {"v_leak": 0.0}).items()}

    model, (hidden, lines), (classes, _) = Model(), weights.hidden.shape, weights.output.shape
    nodes = {
        "inputs": nir.Input(np.array([lines])),
        "to_hidden": nir.Linear(weights.hidden.astype(np.float64)),
        "hidden": nir.CubaLIF(v_threshold=np.ones(hidden), **fields(model.hidden, hidden)),
        "to_classes": nir.Linear(weights.output.astype(np.float64)),
        "classes": nir.CubaLI(**fields(model.readout, classes)),
        "outputs": nir.Output(np.array([classes])),
    }
    names = list(nodes)
    return nir.NIRGraph(nodes, list(itertools.pairwise(names)))


def by_gradients(name: str, method: Method, seed: int, backends: Sequence[str]) -> Iterator[Result]:
    """Yield the result of a trained network, in real numbers and in integers."""
    split = DATA[name](seed)
    encoder = SpikeTimes(split.train.times.shape[1] + 1)
    train, test = (longer(encoder.transform(part.times), REST) for part in (split.train, split.test))
    start = time.process_time()
    weights = trained(train, split.train.classes, method=method, epochs=EPOCHS[name], seed=seed)
    network = sp.from_nir(graph_of(weights), dt_ms=1.0, reset="zero", compare=">")
    lag = int(network.latency[0])
    some = longer(list(train[:FITTED]), lag)
    found = sp.quantize(network, inputs=list(some), labels=split.train.classes[:FITTED], bits=BITS, seed=seed)
    seconds = time.process_time() - start
    inputs = list(longer(list(test), lag))
    classes = decided(found, inputs, "kernel")
    is_same = np.array_equal(decided(found, inputs[:COMPARED], "reference"), classes[:COMPARED])
    yield Result(
        name,
        method,
        seed,
        real=share_right(weights, test, split.test.classes),
        right=float(np.mean(classes == split.test.classes)),
        seconds=seconds,
        is_same=is_same,
        differing=differing(found.program, inputs, backends),
        **work_of(found.program, inputs),
    )


def longer(rasters: Sequence[Raster], ticks: int) -> Bools:
    """Return rasters (samples, ticks, lines) with silent ticks after them."""
    return np.pad(np.array(rasters), ((0, 0), (0, ticks), (0, 0)))


def decided(found: QuantizedNetwork, inputs: Sequence[Raster], backend: str) -> Int64s:
    """Return the class of each sample: the output with the highest last potential."""
    traces = sp.run(found.program, inputs, backend)
    last = np.array([trace.readout[-1] for trace in traces if trace.readout is not None])
    classes: Int64s = (last / found.readout_scales).argmax(axis=1)
    return classes


WAYS: dict[str, Callable[[str, int, Sequence[str]], Iterator[Result]]] = {
    "levels": lambda name, seed, backends: compiled(name, "levels", seed, backends),
    "spike times": lambda name, seed, backends: compiled(name, "spike times", seed, backends),
    "surrogate": lambda name, seed, backends: by_gradients(name, "surrogate", seed, backends),
    "EventProp": lambda name, seed, backends: by_gradients(name, "EventProp", seed, backends),
    "input spikes": input_spikes,
}


def spread(values: Sequence[float], form: str = "{:.1f}") -> str:
    """Return a mean and a standard deviation; "" for what there is not."""
    if np.isnan(values).any():
        return ""
    return f"{form.format(float(np.mean(values)))} ± {form.format(float(np.std(values)))}"


def row(results: Sequence[Result]) -> tuple[object, ...]:
    """Return the row of a way: means over splits."""
    names = ("neurons", "synapses", "ticks", "input_spikes", "neuron_spikes", "operations")
    idle, active = (np.mean([getattr(each, f"energy_{end}") for each in results]) for end in ("idle", "active"))
    return (
        results[0].data,
        results[0].way,
        len(results),
        spread([100.0 * each.real for each in results]),
        spread([100.0 * each.right for each in results]),
        *(f"{np.mean([getattr(each, key) for each in results]):,.0f}" for key in names),
        f"{idle:.1f} to {active:.1f}",
        spread([each.seconds for each in results], "{:.0f}"),
        f"{sum(each.is_same for each in results)} of {len(results)}",
        ", ".join(f"{backend} {wrong}" for backend, wrong in results[0].differing.items()),
    )


def measured(name: str, way: str, *, seed: int, backends: Sequence[str], journal: Path | None) -> list[Result]:
    """Return the results of a way on a split, from the journal if it has them; otherwise they are added to it."""
    kept = [] if journal is None or not journal.exists() else journal.read_text(encoding="utf-8").splitlines()
    before = [Result(**json.loads(line)) for line in kept]
    found = [one for one in before if (one.data, one.seed) == (name, seed) and one.way.split(",")[0] == way]
    if found:
        return found
    found = list(WAYS[way](name, seed, backends if seed == 0 else ()))
    if journal is not None:
        with journal.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(asdict(each)) + "\n" for each in found)
    return found


def draw(path: Path, groups: Sequence[Sequence[Result]]) -> None:
    """Save a picture: accuracy by energy, from all neurons idle to all active, of each way on each data set."""
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(group[0].data for group in groups))
    figure = Figure(figsize=(4.0 * len(names), 3.4), layout="constrained")
    for ax, name in zip(np.atleast_1d(figure.subplots(1, len(names))), names, strict=True):
        for group in groups:
            if group[0].data != name or group[0].neurons == 0:
                continue
            rights = [100.0 * each.right for each in group]
            ends = [np.mean([getattr(each, f"energy_{end}") for each in group]) for end in ("idle", "active")]
            line = ax.plot(ends, 2 * [np.mean(rights)], marker="|", label=group[0].way)[0]
            ax.errorbar(np.sqrt(ends[0] * ends[1]), np.mean(rights), np.std(rights), color=line.get_color(), capsize=3)
        ax.set(xscale="log", title=name, xlabel="energy of a sample (nJ, an estimate)", ylabel="right (%)")
        ax.legend(frameon=False, fontsize="small")
    figure.savefig(path, dpi=120)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", action="append", choices=DATA)
    parser.add_argument("--way", action="append", choices=WAYS)
    parser.add_argument("--seeds", type=int, default=3, help="how many splits")
    parser.add_argument("--backend", action="append", default=[], help="run the program of the first split there, too")
    parser.add_argument("--journal", type=Path, help="a file that keeps results; those that it has are not repeated")
    parser.add_argument("--picture", type=Path, help="draw accuracies and energies, and save the picture")
    given = parser.parse_args(arguments)
    groups: list[list[Result]] = []
    for name in given.data or DATA:
        for way in given.way or WAYS:
            take = partial(measured, name, way, backends=given.backend, journal=given.journal)
            splits = [take(seed=seed) for seed in range(given.seeds)]
            for group in zip(*splits, strict=True):
                groups.append(list(group))
                print(*row(group), sep=" | ", flush=True)
    print_table(
        Console(width=200), Table.plain("", columns=COLUMNS, rows=[row(group) for group in groups]), is_whole=True
    )
    if given.picture is not None:
        draw(given.picture, groups)


if __name__ == "__main__":
    main()
