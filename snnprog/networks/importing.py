"""NIR graph → network: paths between neurons become synapses, seconds become ticks.

A graph's connection without a Delay acts in the step of the spike, and a chip's takes a tick at least. So populations
are shifted against each other, each by as few ticks as make every delay 1 or more; what comes out is the same, later by
the output's latency. A population's connection to itself without a Delay takes one tick, as simulators of NIR take it;
a longer loop has Delays for as many ticks as it has populations, or is refused: which of them waits would be a guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from snnprog.arrays import Floats, Int64s
from snnprog.errors import FormatError, SpecError
from snnprog.networks.graph import INPUT, NEURONS, OUTPUT, Graph, graph_of, read_graph
from snnprog.networks.network import NirNetwork
from snnprog.networks.paths import Signal, signals_of
from snnprog.raster import check_bin_ms
from snnprog.wording import counted

if TYPE_CHECKING:
    import nir

DELAY_SLACK = 1e-6
LARGEST = 1e60
LONGEST_TICKS = 1 << 20


def from_nir(source: str | Path | nir.NIRGraph, *, dt_ms: float) -> NirNetwork:
    """Return the network that a NIR graph is, tick by tick.

    Read are LIF, CubaLIF and IF neurons, Linear, Affine, Scale, Delay, Flatten, Input and Output nodes, connections of
    a population with itself, and nested graphs. NIR's times are seconds.

    Parameters
    ----------
    source : path or nir.NIRGraph
    dt_ms : float
        Milliseconds of a tick.

    Raises
    ------
    FormatError
        If the file is missing or damaged, or the graph has something that no network of LIF neurons has.
    SpecError
        If ``dt_ms`` is no positive number, or a package is missing.
    """
    tick_s = check_bin_ms("dt_ms", dt_ms) / 1000.0
    if isinstance(source, (str, Path)):
        return network_of(read_graph(Path(source)), tick_s)
    data = source.to_dict() if hasattr(source, "to_dict") else None
    if not isinstance(data, Mapping):
        raise SpecError(f"source is a {type(source).__name__}; a path or a nir.NIRGraph is needed")
    return network_of(graph_of("the graph", data), tick_s)


def network_of(graph: Graph, tick_s: float) -> NirNetwork:
    """Return the network of a graph; see `from_nir`."""
    try:
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            network = _network(graph, tick_s)
    except FloatingPointError as error:
        raise FormatError(f"{graph.name} has numbers whose products no float holds; give others") from error
    sizes = np.concatenate([network.weight, network.bias, network.threshold, 1.0 / network.threshold])
    if np.abs(sizes).max() > LARGEST:
        raise FormatError(f"{graph.name} has weights or thresholds beyond {LARGEST:g} or its inverse; scale them")
    return network


def _network(graph: Graph, tick_s: float) -> NirNetwork:
    signals = signals_of(graph, tick_s)
    inputs = sorted(name for name, node in graph.nodes.items() if node.kind == INPUT)
    populations = sorted(name for name, node in graph.nodes.items() if node.kind in NEURONS)
    if not populations:
        raise FormatError(f"{graph.name} has no neurons; {', '.join(NEURONS)} are read")
    first = _first_lines(graph, [*inputs, *populations])
    n_inputs = first[populations[0]]
    shifts = _shifts(graph, {name: signals[name] for name in populations}, inputs=inputs)
    rules = {name: _rule(graph, name, constant=signals[name].constant, tick_s=tick_s) for name in populations}
    synapses = [_synapses(signals[name], name, rules[name].gain, first, shifts) for name in populations]
    pre, post, delay, asked, weight = (np.concatenate(columns) for columns in zip(*synapses, strict=True))
    if asked.max(initial=0.0) > LONGEST_TICKS:
        raise FormatError(f"{graph.name} has a delay of {asked.max():g} ticks; up to {LONGEST_TICKS} are read")
    outputs, latency = _outputs(graph, signals, first=first, shifts=shifts)
    return NirNetwork(
        name=graph.name,
        dt_ms=tick_s * 1000.0,
        n_inputs=n_inputs,
        outputs=outputs - n_inputs,
        latency=latency,
        pre=pre.astype(np.int64),
        post=post.astype(np.int64) - n_inputs,
        delay=delay.astype(np.int64),
        asked_delay=asked,
        weight=weight,
        threshold=np.concatenate([rules[name].threshold for name in populations]),
        bias=np.concatenate([rules[name].bias for name in populations]),
        current_kept=np.concatenate([rules[name].current_kept for name in populations]),
        potential_kept=np.concatenate([rules[name].potential_kept for name in populations]),
        notes=_notes(graph, populations, rules, signals, shifts),
    )


# ---------------------------------------------------------------- ticks


def _shifts(graph: Graph, signals: Mapping[str, Signal], *, inputs: list[str]) -> dict[str, int]:
    arcs = [
        (source, target, round(delay))
        for target, signal in signals.items()
        for (source, delay), weights in signal.parts.items()
        if weights.any()
    ]
    shifts = least_shifts([*inputs, *signals], arcs)
    if shifts is None:
        raise FormatError(
            f"{graph.name} has a loop through several populations with fewer ticks of Delay than there are of them;"
            " say with Delay nodes which connection waits"
        )
    return shifts


def least_shifts(names: Iterable[str], arcs: Iterable[tuple[str, str, int]]) -> dict[str, int] | None:
    """Return by how many ticks each input and population is late: the fewest that make all delays 1 or more.

    Parameters
    ----------
    arcs : iterable of (str, str, int)
        Source, target and delay of every connection; one of a population with itself counts at least 1.

    Returns
    -------
    dict or None
        None if a loop has too short delays.
    """
    shifts = dict.fromkeys(names, 0)
    needs = [(source, target, 1 - max(delay, int(source == target))) for source, target, delay in arcs]
    for _ in range(len(shifts) + 1):
        late = [
            (target, shifts[source] + more) for source, target, more in needs if shifts[source] + more > shifts[target]
        ]
        if not late:
            return shifts
        for target, shift in late:
            shifts[target] = max(shifts[target], shift)
    return None


def _first_lines(graph: Graph, names: list[str]) -> dict[str, int]:
    widths = [graph.nodes[name].width or 0 for name in names]
    return dict(zip(names, np.concatenate([[0], np.cumsum(widths)]).tolist(), strict=False))


def _synapses(
    signal: Signal, name: str, gain: Floats, first: Mapping[str, int], shifts: Mapping[str, int]
) -> tuple[NDArray[np.generic], ...]:
    """Return line, neuron as a line, delay, delay asked for, and weight of all synapses of a population."""
    merged: dict[tuple[str, int], tuple[Floats, Floats]] = {}
    for (source, delay), weights in sorted(signal.parts.items(), key=lambda item: item[0]):
        lag = max(delay, 1.0) if source == name else delay
        old, asked = merged.get((source, round(lag)), (np.zeros(weights.shape), np.zeros(weights.shape)))
        merged[source, round(lag)] = old + weights, np.where(weights != 0.0, lag, asked)
    found: list[tuple[NDArray[np.generic], ...]] = []
    for (source, whole), (weights, asked) in merged.items():
        post, pre = np.nonzero(weights)
        shift = shifts[name] - shifts[source]
        lags = np.full(pre.size, whole + shift), asked[post, pre] + shift
        found.append((pre + first[source], post + first[name], *lags, gain[post] * weights[post, pre]))
    return tuple(np.concatenate([np.zeros(0), *column]) for column in zip(*found, strict=True)) or (np.zeros(0),) * 5


def _outputs(
    graph: Graph, signals: Mapping[str, Signal], *, first: Mapping[str, int], shifts: Mapping[str, int]
) -> tuple[Int64s, Int64s]:
    """Return the lines of the neurons that are read out, and by how many ticks each is late."""
    lines: list[int] = []
    latency: list[int] = []
    for name in sorted(name for name, node in graph.nodes.items() if node.kind == OUTPUT):
        signal = signals[name]
        weights = np.concatenate([np.zeros((signal.constant.size, 0)), *signal.parts.values()], axis=1)
        sources = [
            (source, first[source] + column)
            for source, delay in signal.parts
            for column in range(signal.parts[source, delay].shape[1])
        ]
        is_selection = ((weights == 0) | (weights == 1)).all() and (weights.sum(axis=1) == 1).all()
        is_prompt = all(delay == 0.0 and graph.nodes[source].kind in NEURONS for source, delay in signal.parts)
        if not is_selection or not is_prompt or signal.constant.any():
            raise FormatError(f"node {name!r} of {graph.name} reads out other things than spikes of neurons, undelayed")
        chosen = [sources[column] for column in weights.argmax(axis=1).tolist()]
        lines += [line for _, line in chosen]
        latency += [shifts[source] for source, _ in chosen]
    if len(set(lines)) != len(lines):
        raise FormatError(f"{graph.name} reads out a neuron twice; each once is needed")
    return np.array(lines, dtype=np.int64), np.array(latency, dtype=np.int64)


# ---------------------------------------------------------------- neurons


@dataclass(frozen=True, eq=False)
class _PopulationRule:
    """A population's neurons, with all factors put together."""

    gain: Floats
    bias: Floats
    threshold: Floats
    current_kept: Floats
    potential_kept: Floats
    is_bias_filtered: bool = False


def _rule(graph: Graph, name: str, *, constant: Floats, tick_s: float) -> _PopulationRule:
    """Return the neurons' parameters per tick; see `snnprog.networks.network` for the equations."""
    node = graph.nodes[name]
    values, one = node.values, np.ones(constant.size)
    threshold = values["v_threshold"] - values["v_reset"]
    if threshold.min() <= 0.0:
        raise FormatError(f"node {name!r} of {graph.name} has a threshold that is not above its reset; it never rests")
    if node.kind == "IF":
        gain = tick_s * values["r"]
        return _PopulationRule(gain, gain * constant, threshold, 0 * one, one)
    leak = _step(graph, name, field_name="tau" if node.kind == "LIF" else "tau_mem", tick_s=tick_s)
    drive, rest = leak * values["r"], leak * (values["v_leak"] - values["v_reset"])
    if node.kind == "LIF":
        return _PopulationRule(drive, rest + drive * constant, threshold, 0 * one, 1.0 - leak)
    forgets = _step(graph, name, field_name="tau_syn", tick_s=tick_s)
    held = drive * values["w_in"]
    is_filtered = bool(((forgets < 1.0) & (constant != 0.0)).any())
    return _PopulationRule(forgets * held, rest + held * constant, threshold, 1.0 - forgets, 1.0 - leak, is_filtered)


def _step(graph: Graph, name: str, *, field_name: str, tick_s: float) -> Floats:
    """Return dt / tau, which is above 0 and at most 1 but for rounding."""
    taus = graph.nodes[name].values[field_name]
    if taus.min() < tick_s * (1.0 - 1e-6):
        raise FormatError(
            f"node {name!r} of {graph.name} has {field_name} = {taus.min() * 1000:g} ms, less than a tick of"
            f" {tick_s * 1000:g} ms; take a shorter tick"
        )
    return np.minimum(tick_s / taus, 1.0)


def _notes(
    graph: Graph,
    populations: list[str],
    rules: Mapping[str, _PopulationRule],
    signals: Mapping[str, Signal],
    shifts: Mapping[str, int],
) -> tuple[str, ...]:
    notes = []
    for name in populations:
        if rules[name].bias.any() and shifts[name]:
            notes.append(
                f"{name}: its constant drive begins {counted(shifts[name], 'tick')} before spikes of that time can"
                " reach it, so its first spikes may differ"
            )
        if rules[name].is_bias_filtered:
            notes.append(f"{name}: its constant drive is there at once, and does not rise with tau_syn")
        if any(abs(lag - round(lag)) > DELAY_SLACK for _, lag in signals[name].parts):
            notes.append(f"{name}: delays are no whole numbers of ticks, and were rounded")
    return tuple(notes)
