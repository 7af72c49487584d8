"""NIR graph → network: paths between neurons become connections, seconds become ticks.

In a graph, a connection without a Delay acts in the step of the spike; on a chip it takes at least a tick. So
populations are shifted relative to each other by the fewest ticks that make every delay at least 1; the outputs are the
same, later by their latency. A population's connection to itself without a Delay takes one tick, as in simulators of
NIR; a longer loop must have Delays for as many ticks as it has populations, or is refused as ambiguous.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from snnprog.arrays import Floats
from snnprog.calls import call_checked
from snnprog.errors import FormatError, SpecError
from snnprog.networks.convention import SUBTRACT, ZERO, Convention, convention_of
from snnprog.networks.dynamics import NodeRule, readout_rule, rule_of
from snnprog.networks.graph import Graph, graph_of, read_graph
from snnprog.networks.network import Connection, Population, TrainedNetwork, joined
from snnprog.networks.nodes import INPUT, NEURONS, OUTPUT, READOUTS, SPIKING
from snnprog.networks.paths import Signal, signals_of
from snnprog.networks.shapes import Shape, shapes_of
from snnprog.networks.ticks import tick_of
from snnprog.networks.weights import Matrix
from snnprog.wording import a_type

if TYPE_CHECKING:
    import nir

DELAY_SLACK = 1e-6
LARGEST = 1e60
LONGEST_TICKS = 1 << 20


@call_checked
def from_nir(
    source: str | Path | nir.NIRGraph,
    *,
    dt_ms: float | None = None,
    exporter: str | None = None,
    reset: str | None = None,
    reset_delay: int | None = None,
    compare: str | None = None,
) -> TrainedNetwork:
    """Return the network of a NIR graph in ticks.

    Supported are LIF, CubaLIF, IF and Threshold neurons; LI, CubaLI and I neurons, and weighted sums of spikes, as
    readouts that do not spike; Linear, Affine, Scale, Conv1d, Conv2d, SumPool2d, AvgPool2d, Delay, Flatten, Input and
    Output nodes, connections of a population with itself, and nested graphs. NIR's times are seconds.

    Parameters
    ----------
    source : path or nir.NIRGraph
    dt_ms : float, optional
        Milliseconds of a tick, in the time of the graph; by default that of the exporter or the graph.
    exporter : str, optional
        The tool that wrote the graph, one of "snntorch", "norse", "sinabs", "rockpool", "spyx" and "lava-dl". It
        sets the parameters that are not given, and the equations of its neurons; see `snnprog.networks.convention`.
    reset : str, optional
        "zero" or "subtract": the effect of a spike on the potential, which NIR does not define.
    reset_delay : int, optional
        0 or 1: the steps between a spike and its reset.
    compare : str, optional
        ">" or ">=": whether a neuron spikes if its potential is above its threshold, or also if it is equal.

    Raises
    ------
    FormatError
        If the file is missing or damaged, or the graph has unsupported elements.
    SpecError
        If the tick or the reset is unknown, a parameter is invalid, or a package is missing.
    """
    convention = convention_of(exporter, reset=reset, reset_delay=reset_delay, compare=compare)
    if isinstance(source, (str, Path)):
        graph = read_graph(Path(source))
    else:
        data = source.to_dict() if hasattr(source, "to_dict") else None
        if not isinstance(data, Mapping):
            raise SpecError(
                f"a network must be the path of a .nir file, or a nir.NIRGraph, got {a_type(source)};"
                " export it with the tool that trained it, or nirtorch"
            )
        graph = graph_of("the graph", data)
    tick_s, notes = tick_of(graph, exporter, dt_ms)
    return network_of(replace(graph, notes=(*graph.notes, *notes)), tick_s, convention=convention)


def network_of(graph: Graph, tick_s: float, *, convention: Convention) -> TrainedNetwork:
    """Return the network of a graph; see `from_nir`."""
    convention = _with_reset(graph, convention)
    try:
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            network = _network(graph, tick_s, convention)
    except FloatingPointError as error:
        raise FormatError(f"{graph.name} has numbers whose products overflow floats; rescale them") from error
    thresholds = network.threshold[~network.is_readout]
    weights = [connection.weights.parameters for connection in network.connections]
    sizes = np.concatenate([*weights, network.bias, thresholds, 1.0 / thresholds])
    if not (np.abs(sizes) <= LARGEST).all():
        raise FormatError(f"{graph.name} has weights or thresholds beyond {LARGEST:g} or its inverse; scale them")
    return network


def _with_reset(graph: Graph, convention: Convention) -> Convention:
    """Return the convention with the reset in the graph, if none is given.

    Raises
    ------
    SpecError
        If it is not in the graph, and there are neurons that are reset.
    """
    if convention.reset is not None:
        return convention
    kept = [node for node in graph.nodes.values() if node.kind in SPIKING and node.kind != "Threshold"]
    if graph.reset is not None:
        return replace(convention, reset=graph.reset)
    if all(node.values["v_reset"].any() for node in kept):  # only a reset to zero has a value
        return replace(convention, reset=ZERO)
    raise SpecError(
        f"reset must be {ZERO!r} or {SUBTRACT!r}: NIR does not define the effect of a spike on the potential. Give"
        " reset=, or"
        f" exporter=, the tool that wrote {graph.name} (--reset or --from on the command line)"
    )


def _network(graph: Graph, tick_s: float, convention: Convention) -> TrainedNetwork:
    shapes = shapes_of(graph)
    signals = signals_of(graph, shapes, tick_s)
    inputs = sorted(name for name, node in graph.nodes.items() if node.kind == INPUT)
    names = sorted(name for name, node in graph.nodes.items() if node.kind in NEURONS)
    sums = sorted(
        name for name, node in graph.nodes.items() if node.kind == OUTPUT and not _selects(graph, signals, name)
    )
    if not names:
        raise FormatError(f"{graph.name} has no neurons; {', '.join(NEURONS)} are read")
    _check_readouts(graph, signals, [*names, *sums])
    starts = _starts(graph, {name: signals[name] for name in [*names, *sums]}, inputs=inputs)
    rules = {name: readout_rule(signals[name].constant) for name in sums} | {
        name: rule_of(
            graph,
            name,
            shape=shapes[name],
            constant=signals[name].constant,
            tick_s=tick_s,
            convention=convention,
        )
        for name in names
    }
    populations = tuple(
        _population(
            name,
            shapes[name],
            rules[name],
            start=starts[name],
            reset_delay=convention.reset_delay_of(
                graph.nodes[name].kind, is_recurrent=any(source == name for source, _ in signals[name].parts)
            ),
        )
        for name in sorted(rules)
    )
    connections = joined(
        connection
        for population in populations
        for connection in _connections(signals[population.name], population.name, rules[population.name].gain, starts)
    )
    if max((each.exact_delay for each in connections), default=0.0) > LONGEST_TICKS:
        longest = max(each.exact_delay for each in connections)
        raise FormatError(f"{graph.name} has a delay of {longest:g} ticks; up to {LONGEST_TICKS} are read")
    network = TrainedNetwork(
        name=graph.name,
        dt_ms=tick_s * 1000.0,
        convention=convention,
        inputs={name: shapes[name] for name in inputs},
        populations=populations,
        connections=connections,
        outputs=np.zeros(0, np.int64),
        latency=np.zeros(0, np.int64),
        notes=(*graph.notes, *_notes(signals, populations, convention), *_tick_notes(graph, populations, tick_s)),
        names=graph.names,
    )
    return _read_out(graph, signals, network=network, sums=sums)


def _population(name: str, shape: Shape, rule: NodeRule, *, start: int, reset_delay: int) -> Population:
    return Population(
        name=name,
        shape=shape,
        threshold=rule.threshold,
        bias=rule.bias,
        late_bias=rule.late_bias,
        current_kept=rule.current_kept,
        potential_kept=rule.potential_kept,
        start=start,
        reset_delay=reset_delay,
    )


# ---------------------------------------------------------------- ticks


def _starts(graph: Graph, signals: Mapping[str, Signal], *, inputs: list[str]) -> dict[str, int]:
    arcs = [
        (source, target, round(delay))
        for target, signal in signals.items()
        for (source, delay), weights in signal.parts.items()
        if weights.parameters.any()
    ]
    starts = least_shifts([*inputs, *signals], arcs)
    if starts is None:
        raise FormatError(
            f"{graph.name} has a loop through several populations with fewer ticks of Delay than there are of them;"
            " say with Delay nodes which connection waits"
        )
    return starts


def least_shifts(names: Iterable[str], arcs: Iterable[tuple[str, str, int]]) -> dict[str, int] | None:
    """Return the shift of each input and population in ticks: the fewest that make all delays at least 1.

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


def _connections(signal: Signal, name: str, gain: Floats, starts: Mapping[str, int]) -> Iterable[Connection]:
    """Yield the inputs of a population, one connection for each source and delay."""
    for (source, delay), weights in sorted(signal.parts.items(), key=lambda item: item[0]):
        if not weights.parameters.any():
            continue
        lag = max(delay, 1.0) if source == name else delay
        shift = starts[name] - starts[source]
        yield Connection(source, name, round(lag) + shift, lag + shift, weights.scaled(gain))


# ---------------------------------------------------------------- outputs


def _selects(graph: Graph, signals: Mapping[str, Signal], name: str) -> bool:
    """Return whether an output node returns neurons unchanged, without delay."""
    signal = signals[name]
    if signal.constant.any() or any(delay or graph.nodes[source].kind not in NEURONS for source, delay in signal.parts):
        return False
    matrices = [weights for weights in signal.parts.values() if isinstance(weights, Matrix)]
    if len(matrices) < len(signal.parts) or any((weights.parameters != 1.0).any() for weights in matrices):
        return False
    chosen = sum(np.diff(weights.values.indptr) for weights in matrices)
    return bool(np.all(chosen == 1))


def _check_readouts(graph: Graph, signals: Mapping[str, Signal], names: list[str]) -> None:
    for name in names:
        for source, _ in signals[name].parts:
            if graph.nodes[source].kind in READOUTS:
                raise FormatError(
                    f"node {source!r} of {graph.name} is of type {graph.nodes[source].kind}, which does not spike, and"
                    f" leads to {name!r}; neurons that do not spike can only be read out"
                )


def _read_out(
    graph: Graph, signals: Mapping[str, Signal], *, network: TrainedNetwork, sums: list[str]
) -> TrainedNetwork:
    """Return a network with the neurons that are read out, and the latency of each in ticks."""
    starts = {population.name: population.start for population in network.populations}
    neurons: list[int] = []
    latency: list[int] = []
    for name in sorted(name for name, node in graph.nodes.items() if node.kind == OUTPUT):
        if name in sums:
            place = network.neurons_of(name)
            neurons += range(place.start, place.stop)
            latency += [starts[name]] * (place.stop - place.start)
            continue
        rows = np.zeros((2, signals[name].constant.size), dtype=np.int64)
        for (source, _), weights in signals[name].parts.items():
            columns, places, _ = weights.synapses
            rows[:, places] = columns + network.neurons_of(source).start, np.full(columns.size, starts[source])
        neurons += rows[0].tolist()
        latency += rows[1].tolist()
    if len(set(neurons)) != len(neurons):
        raise FormatError(f"{graph.name} reads out a neuron twice; read out each neuron once")
    return replace(network, outputs=np.array(neurons, np.int64), latency=np.array(latency, np.int64))


def _tick_notes(graph: Graph, populations: Iterable[Population], tick_s: float) -> Iterator[str]:
    """Yield a note if a tick is so long that neurons with a time constant keep nothing of their potential."""
    kinds = {name: node.kind for name, node in graph.nodes.items()}
    leaky = [each for each in populations if kinds.get(each.name) in ("LIF", "CubaLIF")]
    names = [each.name for each in leaky if not each.potential_kept.any()]
    if names:
        yield (
            f"neurons of {', '.join(names[:5])} keep nothing of their potential for the next tick, because their time"
            f" constant is as short as a tick of {tick_s * 1000:g} ms; check dt_ms and the exporter"
        )


def _notes(signals: Mapping[str, Signal], populations: Iterable[Population], convention: Convention) -> tuple[str, ...]:
    notes = []
    for population in populations:
        if any(abs(lag - round(lag)) > DELAY_SLACK for _, lag in signals[population.name].parts):
            notes.append(f"{population.name}: delays are not whole numbers of ticks, and were rounded")
    if convention.many:
        notes.append("neurons may spike several times in a tick, as in the tool that trained them")
    return tuple(notes)
