"""What reaches each node of a NIR graph: weighted spikes of inputs and neurons, along all paths without neurons.

Linear, Affine and Scale multiply, Delay delays, and what meets is added, so a path is a matrix, a delay and a constant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter

import numpy as np

from snnprog.arrays import Floats
from snnprog.errors import FormatError
from snnprog.networks.graph import INPUT, Graph, Node

ELEMENT_LIMIT = 1 << 26
Part = tuple[str, float]


@dataclass(frozen=True, eq=False)
class Signal:
    """What a node sends: weighted spikes of sources, each after a delay in ticks, and a constant.

    Attributes
    ----------
    parts : dict
        (source, delay in ticks) -> (channels, channels of the source) weights.
    constant : (channels,) float
    """

    constant: Floats
    parts: dict[Part, Floats] = field(default_factory=dict)


def signals_of(graph: Graph, tick_s: float) -> dict[str, Signal]:
    """Return what reaches each node that is a neuron or an output, and what leaves each other one."""
    into: dict[str, list[str]] = {name: [] for name in graph.nodes}
    for source, target in graph.edges:
        into[target].append(source)
    waits = {
        name: [source for source in sources if not graph.nodes[source].is_source] for name, sources in into.items()
    }
    try:
        order = list(TopologicalSorter(waits).static_order())
    except CycleError as error:
        raise FormatError(f"{graph.name} has a loop without neurons: {' - '.join(error.args[1])}") from error
    signals: dict[str, Signal] = {}
    elements = 0
    for name in order:
        node = graph.nodes[name]
        if node.kind == INPUT:
            continue
        arriving = _sum(graph, name, [_leaving(graph, source, signals=signals) for source in into[name]])
        signals[name] = _through(graph, name, node=node, signal=arriving, tick_s=tick_s)
        elements += sum(weights.size for weights in signals[name].parts.values())
        if elements > ELEMENT_LIMIT:
            raise FormatError(f"{graph.name} has more than {ELEMENT_LIMIT} weights along its paths")
    return signals


def _leaving(graph: Graph, name: str, *, signals: Mapping[str, Signal]) -> Signal:
    node = graph.nodes[name]
    if not node.is_source:
        return signals[name]
    width = node.width or 0
    if width * width > ELEMENT_LIMIT:
        raise FormatError(f"node {name!r} of {graph.name} has {width} channels; too many to follow each")
    return Signal(np.zeros(width), {(name, 0.0): np.eye(width)})


def _sum(graph: Graph, name: str, arriving: list[Signal]) -> Signal:
    widths = {signal.constant.size for signal in arriving}
    if len(widths) != 1:
        what = "nothing leads to it" if not widths else f"what leads to it has {sorted(widths)} channels"
        raise FormatError(f"node {name!r} of {graph.name}: {what}; connections of one width are needed")
    total = Signal(np.sum([signal.constant for signal in arriving], axis=0))
    for signal in arriving:
        for part, weights in signal.parts.items():
            total.parts[part] = total.parts[part] + weights if part in total.parts else weights
    return total


def _through(graph: Graph, name: str, *, node: Node, signal: Signal, tick_s: float) -> Signal:
    """Return what a node makes of what arrives; neurons and outputs keep it."""
    width = signal.constant.size
    wanted = node.values["weight"].shape[1] if "weight" in node.values else node.width
    if wanted not in (None, width):
        raise FormatError(f"node {name!r} of {graph.name} takes {wanted} channels, and {width} lead to it")
    if "weight" in node.values:
        weight, bias = node.values["weight"], node.values.get("bias", np.zeros(len(node.values["weight"])))
        return Signal(weight @ signal.constant + bias, {part: weight @ old for part, old in signal.parts.items()})
    if node.kind == "Scale":
        scale = node.values["scale"]
        return Signal(scale * signal.constant, {part: scale[:, None] * old for part, old in signal.parts.items()})
    if node.kind == "Delay":
        return _delayed(graph, name, ticks=node.values["delay"] / tick_s, signal=signal)
    return signal


def _delayed(graph: Graph, name: str, *, ticks: Floats, signal: Signal) -> Signal:
    if ticks.min() < 0.0:
        raise FormatError(f"node {name!r} of {graph.name} has a delay of {ticks.min():g} ticks; 0 or more is needed")
    if ticks.max() > 0.0 and signal.constant.any():
        raise FormatError(f"node {name!r} of {graph.name} delays a constant; put the bias after the Delay")
    later = Signal(signal.constant)
    for (source, already), weights in signal.parts.items():
        for delay in np.unique(ticks).tolist():
            if len(later.parts) * weights.size > ELEMENT_LIMIT:
                raise FormatError(f"node {name!r} of {graph.name} has more than {ELEMENT_LIMIT} weights to delay")
            part = source, already + delay
            delayed = np.where((ticks == delay)[:, None], weights, 0.0)
            later.parts[part] = later.parts[part] + delayed if part in later.parts else delayed
    return later
