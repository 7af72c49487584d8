"""The inputs of each node of a NIR graph: weighted spikes of inputs and neurons, along all paths without neurons.

Linear, Affine, Scale, convolutions and pools multiply, Delay delays, and inputs of a node are added. So a path is a
set of weights, a delay and a constant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter

import numpy as np
from scipy.sparse import csr_array

from snnprog.arrays import Floats
from snnprog.errors import FormatError
from snnprog.networks.graph import Graph
from snnprog.networks.nodes import CONVOLUTIONS, INPUT, POOLS, Node
from snnprog.networks.shapes import Shape, geometry_of, predecessors_of
from snnprog.networks.weights import Kernel, Matrix, Weights, after, identity, one_to_one, together

ELEMENT_LIMIT = 1 << 26
Part = tuple[str, float]


@dataclass(frozen=True, eq=False)
class Signal:
    """The output of a node: weighted spikes of sources, each after a delay in ticks, and a constant.

    Attributes
    ----------
    parts : dict
        (source, delay in ticks) -> weights from the channels of the source.
    constant : (channels,) float
    """

    constant: Floats
    parts: dict[Part, Weights] = field(default_factory=dict)


def signals_of(graph: Graph, shapes: Mapping[str, Shape], tick_s: float) -> dict[str, Signal]:
    """Return the input of each neuron or output node, and the output of each other node."""
    return _Paths(graph, shapes, tick_s).signals()


class _Paths:
    """Follows the paths of a graph."""

    def __init__(self, graph: Graph, shapes: Mapping[str, Shape], tick_s: float) -> None:
        self.graph, self.shapes, self.tick_s = graph, shapes, tick_s
        self.elements = 0

    def signals(self) -> dict[str, Signal]:
        graph, into = self.graph, predecessors_of(self.graph)
        waits = {
            name: [source for source in sources if not graph.nodes[source].is_source] for name, sources in into.items()
        }
        try:
            order = list(TopologicalSorter(waits).static_order())
        except CycleError as error:
            raise FormatError(f"{graph.name} has a loop without neurons: {' - '.join(error.args[1])}") from error
        signals: dict[str, Signal] = {}
        for name in order:
            if graph.nodes[name].kind != INPUT:
                arriving = self._sum(name, [self._leaving(source, signals) for source in into[name]])
                signals[name] = self._through(name, graph.nodes[name], arriving)
        return signals

    def _width(self, name: str) -> int:
        return int(np.prod(self.shapes[name]))

    def _leaving(self, name: str, signals: Mapping[str, Signal]) -> Signal:
        if not self.graph.nodes[name].is_source:
            return signals[name]
        width = self._width(name)
        return Signal(np.zeros(width), {(name, 0.0): identity(width)})

    def _sum(self, name: str, arriving: list[Signal]) -> Signal:
        widths = {signal.constant.size for signal in arriving}
        if len(widths) != 1:
            what = "it has no input" if not widths else f"its inputs have {sorted(widths)} channels"
            raise FormatError(f"node {name!r} of {self.graph.name}: {what}; connections must have equal widths")
        total = Signal(np.sum([signal.constant for signal in arriving], axis=0))
        for signal in arriving:
            for part, weights in signal.parts.items():
                total.parts[part] = together(total.parts[part], weights) if part in total.parts else weights
        return total

    def _through(self, name: str, node: Node, signal: Signal) -> Signal:
        """Return the output of a node for an input; neurons and outputs keep the input."""
        if node.kind in (*CONVOLUTIONS, *POOLS):
            return self._multiplied(name, signal, weights=self._kernel(name, node, signal))
        width = signal.constant.size
        wanted = node.values["weight"].shape[1] if "weight" in node.values else self._own_width(node)
        if wanted not in (None, width):
            raise FormatError(f"node {name!r} of {self.graph.name} takes {wanted} channels, got {width}")
        if "weight" in node.values:
            return self._multiplied(name, signal, weights=Matrix(csr_array(node.values["weight"])))
        if node.kind == "Scale":
            scale = np.broadcast_to(node.values["scale"].ravel(), width).astype(np.float64)
            return self._multiplied(name, signal, weights=one_to_one(scale))
        if node.kind == "Delay":
            return self._delayed(name, signal, ticks=node.values["delay"] / self.tick_s)
        return signal

    @staticmethod
    def _own_width(node: Node) -> int | None:
        return None if node.shape is None else int(np.prod(node.shape))

    def _kernel(self, name: str, node: Node, signal: Signal) -> Kernel:
        source = next(source for source, target in self.graph.edges if target == name)
        geometry = geometry_of(self.graph, name, self.shapes[source])
        if geometry.n_sources != signal.constant.size:
            raise FormatError(
                f"node {name!r} of {self.graph.name} takes {geometry.n_sources} channels, and"
                f" {signal.constant.size} lead to it"
            )
        if node.kind in CONVOLUTIONS:
            return Kernel(geometry, node.values["weight"].reshape(geometry.weight_shape))
        area = geometry.pool[0] * geometry.pool[1] if node.kind == "AvgPool2d" else 1
        return Kernel(geometry, np.full(geometry.weight_shape, 1.0 / area))

    def _multiplied(self, name: str, signal: Signal, *, weights: Weights) -> Signal:
        """Return the result of weights and a bias for an input."""
        bias = self.graph.nodes[name].values.get("bias", np.zeros(1))
        constant = np.repeat(np.broadcast_to(bias, self.shapes[name][:1]), weights.n_targets // self.shapes[name][0])
        if signal.constant.any():
            constant = weights.matrix @ signal.constant + constant
        parts = {part: after(old, weights) for part, old in signal.parts.items()}
        self._count(name, parts)
        return Signal(constant.astype(np.float64), parts)

    def _count(self, name: str, parts: Mapping[Part, Weights]) -> None:
        self.elements += sum(weights.parameters.size for weights in parts.values())
        unrolled = sum(weights.geometry.n_synapses for weights in parts.values() if isinstance(weights, Kernel))
        if max(self.elements, unrolled) > ELEMENT_LIMIT:
            raise FormatError(f"{self.graph.name} has more than {ELEMENT_LIMIT} weights along its paths, by {name!r}")

    def _delayed(self, name: str, signal: Signal, *, ticks: Floats) -> Signal:
        where = f"node {name!r} of {self.graph.name}"
        if ticks.min() < 0.0:
            raise FormatError(f"delays of {where} must be at least 0 ticks, got {ticks.min():g}")
        if ticks.max() > 0.0 and signal.constant.any():
            raise FormatError(f"{where} delays a constant; put the bias after the Delay")
        each = np.broadcast_to(ticks.ravel(), signal.constant.size)
        later = Signal(signal.constant)
        for (source, already), weights in signal.parts.items():
            for delay in np.unique(each).tolist():
                delayed = weights if ticks.size == 1 else _chosen(weights, each == delay)
                part = source, already + delay
                later.parts[part] = together(later.parts[part], delayed) if part in later.parts else delayed
                self._count(name, {part: delayed})
        return later


def _chosen(weights: Weights, is_chosen: Floats) -> Matrix:
    """Return the weights to some target channels."""
    chosen = Matrix(weights.matrix).scaled(is_chosen.astype(np.float64)).values
    chosen.eliminate_zeros()
    return Matrix(chosen)
