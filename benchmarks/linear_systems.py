"""Linear systems followed by spikes: errors over 100,000 ticks of inputs that are in no spec, on Loihi's integers.

    python benchmarks/linear_systems.py [--system NAME ...] [--seeds 3] [--backend reference ...] [--picture FILE]

Each system is followed by three networks. "compiled": the weights of the compiler, from the raster of
`snnprog.specs.linear_system` alone. Those of coupled states need 15 bits, so they are compiled for the FPGA core, and
each becomes two synapses of 8 bits of Loihi. "formula": the weights of `snnprog.specs.balanced`, rounded, in pairs.
"instantaneous": the weights of Boerlin, Machens and Denève (2013), which are meant for synapses without delays, with
the delays put in. An error is the root mean square over that of the states. The bound is that of real weights, and for
compiled programs that of their integers (`snnprog.error_bound`); for coupled states, what one by norms would be at
least, beside the reach of the states. Ping-pong is the share of spikes that follow
one of the opposite neuron by fewer than ``2 delay + 2`` ticks.

The Kalman filters are those of random walks seen through noise, with their stationary gain. They filter recordings of
matplotlib's sample data: the logarithms of 1,047 closing prices (goog.npz), one every 96 ticks, and 800 samples of a
channel of an electroencephalogram (eeg.dat), one every 125 ticks. The leaky integrator for Lava has no refractory
periods.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from rich.console import Console

import snnprog as sp
from snnprog.arrays import Floats, Int64s, Raster
from snnprog.coding import BalancedCode
from snnprog.report.terminal import print_table
from snnprog.specs.balanced import BalancedNetwork, spikes_of
from snnprog.table import Table

TICKS = 100_000
PILOT = 2000
LARGEST = 16_000
"""The largest weight of the formula: half of what a pair of synapses holds, to keep potentials far from their end."""

COARSE = 7
"""The exponent of the coarse synapse of a pair; the fine one has exponent 0."""

COLUMNS = (
    "system",
    "delay",
    "network",
    "error, %",
    "largest, steps",
    "bound: real, integers",
    "spikes per tick",
    "ping-pong, %",
)


def waves(seed: int, inputs: int) -> Floats:
    """Return sums of five random sinusoids (ticks, inputs) between -1 and 1."""
    rng = np.random.default_rng(seed)
    periods, phases = rng.uniform(60, 2000, (5, inputs)), rng.uniform(0, 2 * np.pi, (5, inputs))
    times = np.arange(TICKS)[:, None, None]
    found: Floats = np.sin(2 * np.pi * times / periods + phases).mean(axis=1)
    return found


def prices(seed: int, inputs: int) -> Floats:
    """Return logarithms of prices (ticks, 1), scaled to -1 to 1; a seed other than 0 begins elsewhere in them."""
    from matplotlib import get_data_path

    with np.load(Path(get_data_path()) / "sample_data" / "goog.npz") as file:
        levels = np.log(file["price_data"]["close"])
    span = levels.max() - levels.min()
    scaled = np.roll(2.0 * (levels - levels.min()) / span - 1.0, -250 * seed)
    found: Floats = np.repeat(scaled, 96)[:TICKS, None].repeat(inputs, axis=1)
    return found


def channel(seed: int, inputs: int) -> Floats:
    """Return a channel of a recorded electroencephalogram (ticks, 1), scaled to -1 to 1, from another sample on."""
    from matplotlib import get_data_path

    samples = np.fromfile(Path(get_data_path()) / "sample_data" / "eeg.dat").reshape(-1, 4)[:, [seed % 4]]
    scaled = np.roll(samples / np.abs(samples).max(), -160 * seed, axis=0)
    found: Floats = np.repeat(scaled, 125, axis=0).repeat(inputs, axis=1)
    return found


@dataclass(frozen=True)
class LinearCase:
    """A system, and how its inputs are drawn."""

    system: ArrayLike
    drive: ArrayLike
    inputs: Callable[[int, int], Floats] = waves
    ticks: int = 2000
    """Of the raster that the compiler gets."""

    refractory: bool = True

    def code(self, delay: int) -> BalancedCode:
        """Return the code; the reach of coupled states is a fifth more than where their first inputs lead."""
        usual = BalancedCode(self.system, self.drive, delay=delay, refractory=self.refractory)
        if usual.is_leaky_integrator:
            return usual
        reach = 1.2 * np.abs(usual.solution(self.inputs(0, usual.n_inputs))).max(axis=0)
        return BalancedCode(self.system, self.drive, delay=delay, reach=reach)

    def compiled(self, delay: int) -> sp.Program:
        """Return the compiler's program, from a raster."""
        code = self.code(delay)
        options: dict[str, Any] = {"delay": delay, "ticks": self.ticks, "refractory": self.refractory}
        if code.is_leaky_integrator:
            return sp.compile(sp.specs.linear_system(self.system, self.drive, **options)).program
        spec = sp.specs.linear_system(self.system, self.drive, reach=code.reach, chip="fpga", **options)
        program = sp.compile(spec).program
        synapses = program.unrolled().synapses
        weights = synapses.weight.astype(np.int64) << synapses.exponent
        return in_pairs(
            code, (synapses.pre, synapses.post, synapses.delay), weights, threshold=program.threshold, refractory=1
        )


KALMAN = -float(np.log(1.0 - 8 / 4096))
CASES = {
    "leaky integrator": LinearCase([[-0.02]], [[0.02]]),
    "oscillator": LinearCase([[0.0, 0.05], [-0.05, -0.025]], [[0.0], [0.05]], ticks=4000),
    "2-D rotation": LinearCase([[-0.005, -1 / 30], [1 / 30, -0.005]], [[1 / 60, 0.0], [0.0, 1 / 60]], ticks=4000),
    "Kalman filter, prices": LinearCase([[-KALMAN]], [[KALMAN]], prices, ticks=8000),
    "Kalman filter, EEG": LinearCase([[-KALMAN]], [[KALMAN]], channel, ticks=8000),
    "leaky, for Lava": LinearCase([[-0.02]], [[0.02]], refractory=False),
}


def in_pairs(
    code: BalancedCode, ends: Sequence[ArrayLike], weights: Int64s, *, threshold: ArrayLike, refractory: int
) -> sp.Program:
    """Return a program for Loihi in which each weight of 15 bits is two synapses; ``ends`` are pre, post and delay."""
    coarse = np.trunc(weights / (1 << COARSE)).astype(np.int64)
    both = np.concatenate([coarse, weights - (coarse << COARSE)])
    used = both != 0
    pre, post, delay = (np.tile(each, 2)[used] for each in ends)
    return sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=2 * code.n_inputs,
        n_neurons=2 * code.n_states,
        pre=pre,
        post=post,
        delay=delay,
        weight=both[used],
        exponent=np.repeat([COARSE, 0], weights.size)[used],
        threshold=threshold,
        current_decay=code.dynamics.current_decay,
        potential_decay=code.dynamics.potential_decay,
        refractory=refractory,
    )


def rounded(network: BalancedNetwork, code: BalancedCode) -> sp.Program:
    """Return a program for Loihi with the weights of a network, rounded to integers."""
    scale = LARGEST / np.abs(network.weights).max()
    weights = np.rint(network.weights * scale).astype(np.int64)
    index, post, pre = np.nonzero(weights)
    ends = (pre, post, np.array(network.delays)[index])
    threshold = int(scale * network.threshold)
    return in_pairs(code, ends, weights[index, post, pre], threshold=threshold, refractory=network.refractory)


def programs(case: LinearCase, code: BalancedCode) -> dict[str, sp.Program]:
    """Return the programs by the name of their network."""
    pilot = code.encode(case.inputs(0, code.n_inputs)[:PILOT])
    _, overshoot = spikes_of(BalancedNetwork.of(code), pilot)
    late = BalancedNetwork.of(code, heard_as=0)
    return {
        "compiled": case.compiled(code.delay),
        "formula": rounded(BalancedNetwork.of(code, overshoot=overshoot), code),
        "instantaneous": rounded(replace(late, threshold=0.5, refractory=1), code),
    }


@dataclass(frozen=True)
class Scene:
    """Inputs as spikes, and the exact states."""

    spikes: Raster
    states: Floats


@cache
def scene(name: str, delay: int, seed: int) -> Scene:
    """Return the inputs of a seed, which are in no spec."""
    case, code = CASES[name], CASES[name].code(delay)
    inputs = case.inputs(seed, code.n_inputs)
    return Scene(code.encode(inputs), code.solution(inputs))


def ping_pong(spikes: Raster, delay: int) -> float:
    """Return the share of spikes that follow one of the opposite neuron by fewer than ``2 delay + 2`` ticks."""
    half, within = spikes.shape[1] // 2, 2 * delay + 2
    since = np.cumsum(np.roll(spikes, half, axis=1), axis=0)
    before = np.concatenate([np.zeros((within, spikes.shape[1]), np.int64), since])[: len(spikes)]
    return float((spikes & (since > before)).sum() / max(1, spikes.sum()))


def least_by_norms(code: BalancedCode) -> Floats:
    """Return (states,) in steps what a bound on the error by norms would be at least, where states are coupled.

    A neuron hears ``delay`` ticks late of an error of its own state, which has grown from the threshold by then. What
    the neurons do not see, ``Φ - κ`` (`snnprog.specs.balanced`), makes another error of it in each later tick. Losses
    by resets are not in it.
    """
    system = code.discrete[0] * code.steps / code.steps[:, None]
    unseen = system - np.eye(code.n_states) * float(code.linear_rule.current)
    gain, term = np.zeros_like(system), unseen
    for _ in range(TICKS // 10):
        gain, term = gain + np.abs(term), np.einsum("ij,jk->ik", system, term)
    drift = (code.moves + (1.0 - code.kept) * code.reach) / code.steps
    known = code.threshold + code.delay * drift
    found: Floats = known + np.einsum("ij,j->i", gain, known)
    return found


def row_of(name: str, delay: int, network: str, program: sp.Program, seeds: int) -> tuple[object, ...]:
    """Return a row of the table: means and standard deviations over seeds."""
    code, found = CASES[name].code(delay), []
    for seed in range(1, seeds + 1):
        seen = scene(name, delay, seed)
        spikes = sp.run(program, seen.spikes).spikes
        error = code.states(spikes) - seen.states
        largest = (np.abs(error) / code.steps).max()
        share = 100 * np.sqrt((error**2).mean() / (seen.states**2).mean())
        found.append((share, largest, spikes.sum() / TICKS, 100 * ping_pong(spikes, delay)))
    mean, deviation = np.mean(found, axis=0), np.std(found, axis=0)
    shown = [f"{each:.2f} ± {spread:.2f}" for each, spread in zip(mean, deviation, strict=True)]
    bounds = [code.error_bound, sp.error_bound(program, code) if network == "compiled" else None]
    bound = ", ".join(f"{(each / code.steps).max():.2f}" for each in bounds if each is not None)
    if not bound:
        least, reach = (
            " and ".join(f"{x:.1f}" for x in each) for each in (least_by_norms(code), code.reach / code.steps)
        )
        bound = f"none; norms {least} of {reach}"
    return (name, delay, network, shown[0], f"{np.max(found, axis=0)[1]:.2f}", bound, *shown[2:])


def differing(name: str, delay: int, program: sp.Program, backend: str) -> str:
    """Return how many bins of 2,000 ticks differ between a backend and the kernel, or that it refuses the program."""
    raster = scene(name, delay, 1).spikes[:PILOT]
    spikes = sp.run(program, raster).spikes
    try:
        return str((sp.run(program, raster, backend).spikes != spikes).sum())
    except (sp.LimitError, sp.BackendError):
        return "refused"  # it lacks refractory periods, or executes other chips


def draw(path: Path, made: dict[tuple[str, int, str], sp.Program]) -> None:
    """Draw 2,000 ticks of each system: its exact first state, and the estimates of two programs."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 7), layout="constrained")
    names = list(dict.fromkeys(name for name, _, _ in made))
    for axes, name in zip(figure.subplots(len(names), 1, squeeze=False)[:, 0], names, strict=True):
        delay = max(each for known, each, _ in made if known == name)
        code, seen = CASES[name].code(delay), scene(name, delay, 1)
        for network, colour in (("instantaneous", "tab:orange"), ("compiled", "tab:blue")):
            spikes = sp.run(made[name, delay, network], seen.spikes[:PILOT]).spikes
            axes.plot(code.states(spikes)[:, 0], color=colour, linewidth=0.8, label=network)
        axes.plot(seen.states[:PILOT, 0], color="black", linewidth=0.8, label="exact")
        axes.set_title(f"{name}, delay {delay}", fontsize=9)
    axes.legend(loc="lower right", fontsize=8)
    axes.set_xlabel("ticks")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables, and draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--system", action="append", choices=CASES)
    parser.add_argument("--delay", action="append", type=int)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--backend", action="append", default=[])
    parser.add_argument("--picture", type=Path, help="draw the states, and save the picture")
    given = parser.parse_args(arguments)
    made = {
        (name, delay, network): program
        for name in given.system or CASES
        for delay in given.delay or (1, 3, 5)
        for network, program in programs(CASES[name], CASES[name].code(delay)).items()
    }
    console = Console(width=140)
    rows = [row_of(*key, program, given.seeds) for key, program in made.items()]
    print_table(
        console, Table.plain(f"{TICKS:,} ticks of {given.seeds} inputs", columns=COLUMNS, rows=rows), is_whole=True
    )
    if given.backend:
        checks = [
            (*key, *(differing(*key[:2], program, each) for each in given.backend)) for key, program in made.items()
        ]
        columns = ("system", "delay", "network", *given.backend)
        title = f"bins of {PILOT:,} ticks that differ from the kernel's"
        print_table(console, Table.plain(title, columns=columns, rows=checks), is_whole=True)
    if given.picture is not None:
        draw(given.picture, made)


if __name__ == "__main__":
    main()
