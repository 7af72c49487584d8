"""NIR's equations node by node in plain NumPy loops: what a graph does in steps of dt. Shares no code with the package.

Forward Euler, currents before potentials. Where several edges meet, their values are added. What leads back to a node
comes a step later: a population's connection with itself, and a loop through Delays.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import nir
import numpy as np

from snnprog.arrays import Floats, Raster

SPIKING = (nir.LIF, nir.CubaLIF, nir.IF, nir.Threshold)
NEURONS = (*SPIKING, nir.LI, nir.CubaLI, nir.I)


class PlainGraph:
    """A graph that runs.

    Parameters
    ----------
    graph : nir.NIRGraph
    dt : float
        Seconds of a step.
    reset, reset_delay, compare
        As in `snnprog.from_nir`.
    tool : str
        Whose steps neurons take: "nir", "norse", "sinabs", "rockpool" or "spyx".
    shapes : mapping, optional
        Of samples of the inputs, where the graph writes others.
    """

    def __init__(
        self,
        graph: Any,
        dt: float,
        *,
        reset: str = "zero",
        reset_delay: int = 0,
        compare: str = ">",
        tool: str = "nir",
        shapes: Mapping[str, tuple[int, ...]] | None = None,
    ) -> None:
        self.dt, self.reset, self.reset_delay, self.compare = dt, reset, reset_delay, compare
        self.tool, self.shapes = tool, shapes or {}
        self.nodes, self.edges = laid_open(graph)
        self.order = order_of(self.nodes, self.edges, dt)
        self.into = {name: [source for source, target in self.edges if target == name] for name in self.nodes}

    def _sample(self, name: str) -> tuple[int, ...]:
        return self.shapes.get(name, sample_shape(self.nodes[name]))

    def run(self, inputs: Mapping[str, Raster]) -> None:
        """Run from rest; `sent` and `potentials` then hold what each node sent, and each neuron's potential."""
        self.state: dict[str, dict[str, Floats]] = {name: {} for name in self.nodes}
        self.sent: dict[str, list[Floats]] = {name: [] for name in self.nodes}
        self.levels: dict[str, list[Floats]] = {name: [] for name in self.nodes}
        self.rest = self._rest(inputs)
        for step in range(len(next(iter(inputs.values())))):
            for name in self.order:
                node = self.nodes[name]
                if isinstance(node, nir.Input):
                    value = inputs[name][step].astype(float).reshape(self._sample(name))
                elif isinstance(node, NEURONS):
                    value = self._neurons(name, node, self._arriving(name, step))
                else:
                    value = self._through(node, name, step)
                self.sent[name].append(value)

    def spikes(self, name: str) -> Raster:
        """Return (steps, neurons) where a population spiked."""
        return np.array([each.ravel() > 0 for each in self.sent[name]])

    def potentials(self, name: str) -> Floats:
        """Return (steps, neurons) the potentials that were compared, or what leaves a node that has none."""
        values = self.levels[name] or self.sent[name]
        return np.array([each.ravel() for each in values])

    def _rest(self, inputs: Mapping[str, Raster]) -> dict[str, Floats]:
        """Return what each node sends while no neuron and no input does anything: constants."""
        rest: dict[str, Floats] = {}
        self.rest = rest
        for name in self.order:
            node = self.nodes[name]
            if isinstance(node, nir.Input):
                rest[name] = np.zeros(self._sample(name))
            elif isinstance(node, NEURONS):
                arriving = self._arriving(name, -1)
                own = [np.shape(value) for value in vars(node).values() if isinstance(value, np.ndarray)]
                rest[name] = np.zeros(np.broadcast_shapes(arriving.shape, *own))
            else:
                rest[name] = self._through(node, name, -1)
        return rest

    def _arriving(self, name: str, step: int, delay: int = 0) -> Floats:
        """Return the sum of what leads to a node, so many steps late; what leads back, a step at least."""
        total: Any = np.zeros(np.shape(self.nodes[name].delay)) if isinstance(self.nodes[name], nir.Delay) else 0.0
        for source in self.into[name]:
            is_back = self.order.index(source) >= self.order.index(name)
            when = step - max(delay, int(is_back))
            if when < 0 and source not in self.rest:
                continue  # a loop: it has no constants
            total = total + (self.sent[source][when] if when >= 0 else self.rest[source])
        return np.asarray(total)

    def _through(self, node: Any, name: str, step: int) -> Floats:
        if isinstance(node, nir.Delay):
            lags = np.rint(np.asarray(node.delay) / self.dt).astype(int)
            values = {int(lag): self._arriving(name, step, int(lag)) for lag in np.unique(lags)}
            total: Floats = np.sum([value * (lags == lag) for lag, value in values.items()], axis=0)
            return total
        return passed(node, self._arriving(name, step))

    def _neurons(self, name: str, node: Any, x: Floats) -> Floats:
        state, v_reset = self.state[name], np.asarray(getattr(node, "v_reset", 0.0))
        if isinstance(node, nir.Threshold):
            v = x
        else:
            v = state.get("v", np.zeros_like(x) + v_reset)
            v = self._nir(node, state, v, x) if self.tool == "nir" else self._tool(node, state, v, x)
        if not isinstance(node, SPIKING):
            state["v"] = v
            self.levels[name].append(v)
            return np.zeros_like(v)
        threshold = np.asarray(node.threshold if isinstance(node, nir.Threshold) else node.v_threshold)
        return self._spikes(name, v, v_reset, threshold, has_reset=not isinstance(node, nir.Threshold))

    def _nir(self, node: Any, state: dict[str, Floats], v: Floats, x: Floats) -> Floats:
        dt = self.dt
        if isinstance(node, (nir.IF, nir.I)):
            return np.asarray(v + dt * node.r * x)
        if isinstance(node, (nir.LIF, nir.LI)):
            return np.asarray(v + dt / node.tau * (node.v_leak - v + node.r * x))
        current = state.get("i", np.zeros_like(x))
        state["i"] = current = current + dt / node.tau_syn * (-current + node.w_in * x)
        return np.asarray(v + dt / node.tau_mem * (node.v_leak - v + node.r * current))

    def _tool(self, node: Any, state: dict[str, Floats], v: Floats, x: Floats) -> Floats:
        """Return the potential in a tool's own steps; see `plain_tools`."""
        dt, is_exponential = self.dt, self.tool in ("sinabs", "rockpool")
        if isinstance(node, nir.IF):
            return np.asarray(v + node.r * x)
        tau = node.tau_mem if isinstance(node, nir.CubaLIF) else node.tau
        beta = np.exp(-dt / tau) if is_exponential else 1 - dt / tau
        if isinstance(node, nir.CubaLIF):
            alpha = np.exp(-dt / node.tau_syn) if is_exponential else 1 - dt / node.tau_syn
            current = state.get("i", np.zeros_like(x))
            if self.tool == "norse":
                state["i"] = alpha * (current + x)
                return np.asarray(beta * v + dt / tau * (current + x))
            state["i"] = current = alpha * (current + x) if self.tool == "rockpool" else alpha * current + x
            return np.asarray(beta * v + current)
        gain = {"norse": dt / tau, "sinabs": 1 - beta}.get(self.tool, 1.0)
        return np.asarray(beta * v + gain * x)

    def _spikes(self, name: str, v: Floats, v_reset: Floats, threshold: Floats, *, has_reset: bool) -> Floats:
        state = self.state[name]
        if has_reset and self.reset_delay:
            v = self._after(v, state.get("z", np.zeros_like(v)), v_reset, threshold)
        self.levels[name].append(v - v_reset)
        z = (v >= threshold if self.compare == ">=" else v > threshold).astype(float)
        if self.tool in ("sinabs", "rockpool"):
            z = z * np.floor(v / threshold)
        state["z"] = z
        state["v"] = self._after(v, z, v_reset, threshold) if has_reset and not self.reset_delay else v
        return z

    def _after(self, v: Floats, z: Floats, v_reset: Floats, threshold: Floats) -> Floats:
        if self.reset == "subtract":
            return v - z * (threshold - v_reset)
        return np.where(z > 0, v_reset, v)


# ---------------------------------------------------------------- what nodes do that keep nothing


def passed(node: Any, x: Floats) -> Floats:
    """Return what a node without a state makes of what arrives."""
    if isinstance(node, (nir.Affine, nir.Linear)):
        return np.asarray(node.weight @ x.ravel() + (node.bias if isinstance(node, nir.Affine) else 0.0))
    if isinstance(node, nir.Scale):
        return np.asarray(np.asarray(node.scale) * x)
    if isinstance(node, nir.Flatten):
        return flattened(x, int(node.start_dim), int(node.end_dim))
    if isinstance(node, nir.Conv1d):
        return convolved(node, x[:, None, :], node.weight[:, :, None, :])[:, 0, :]
    if isinstance(node, nir.Conv2d):
        return convolved(node, x, node.weight)
    if isinstance(node, (nir.SumPool2d, nir.AvgPool2d)):
        return pooled(node, x)
    return x  # Output


def flattened(x: Floats, start: int, end: int) -> Floats:
    start, end = start % x.ndim, end % x.ndim
    return x.reshape(*x.shape[:start], -1, *x.shape[end + 1 :])


def pair(value: Any, axes: int) -> tuple[int, int]:
    """Return (rows, columns) of a field; of one axis, the rows are 1 (or 0)."""
    numbers = np.atleast_1d(value).astype(int).tolist()
    numbers = numbers * 2 if len(numbers) == 1 and axes == 2 else numbers
    return (numbers[0], numbers[1]) if axes == 2 else (-1, numbers[0])


def convolved(node: Any, x: Floats, weight: Floats) -> Floats:
    axes = 1 if isinstance(node, nir.Conv1d) else 2
    stride, dilation = (np.maximum(pair(each, axes), 1) for each in (node.stride, node.dilation))
    sides = [(0, 0), (0, 0)]
    if isinstance(node.padding, str):
        if node.padding == "same":
            spread = [int(d) * (size - 1) for d, size in zip(dilation, weight.shape[2:], strict=True)]
            sides = [(each // 2, each - each // 2) for each in spread]
    else:
        sides = [(each, each) for each in np.maximum(pair(node.padding, axes), 0).tolist()]
    padded = np.pad(x, [(0, 0), *sides])
    rows, columns = (
        (padded.shape[1 + axis] - int(dilation[axis]) * (weight.shape[2 + axis] - 1) - 1) // int(stride[axis]) + 1
        for axis in (0, 1)
    )
    out = np.zeros((weight.shape[0], rows, columns))
    groups, inner = int(node.groups), weight.shape[1]
    for channel in range(weight.shape[0]):
        first = channel // (weight.shape[0] // groups) * inner
        for row in range(rows):
            for column in range(columns):
                ys = row * stride[0] + dilation[0] * np.arange(weight.shape[2])
                xs = column * stride[1] + dilation[1] * np.arange(weight.shape[3])
                patch = padded[first : first + inner][:, ys][:, :, xs]
                out[channel, row, column] = (patch * weight[channel]).sum()
    out += np.asarray(node.bias).reshape(-1, 1, 1)
    return out


def pooled(node: Any, x: Floats) -> Floats:
    size, stride, border = (pair(each, 2) for each in (node.kernel_size, node.stride, node.padding))
    padded = np.pad(x, [(0, 0), (border[0],) * 2, (border[1],) * 2])
    rows, columns = ((padded.shape[1 + axis] - size[axis]) // stride[axis] + 1 for axis in (0, 1))
    out = np.zeros((x.shape[0], rows, columns))
    for row in range(rows):
        for column in range(columns):
            top, left = row * stride[0], column * stride[1]
            out[:, row, column] = padded[:, top : top + size[0], left : left + size[1]].sum(axis=(1, 2))
    return out / (size[0] * size[1]) if isinstance(node, nir.AvgPool2d) else out


# ---------------------------------------------------------------- graphs


def sample_shape(node: Any) -> tuple[int, ...]:
    return tuple(int(side) for side in np.atleast_1d(next(iter(node.input_type.values()))))


def laid_open(graph: Any, prefix: str = "") -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Return all nodes and edges of a graph with nested graphs laid open; their doors become plain passages."""
    nodes: dict[str, Any] = {}
    edges = [
        (entry_of(graph, a, prefix=prefix, target=False), entry_of(graph, b, prefix=prefix, target=True))
        for a, b in graph.edges
    ]
    for name, node in graph.nodes.items():
        if isinstance(node, nir.NIRGraph):
            inner, inner_edges = laid_open(node, f"{prefix}{name}.")
            nodes |= inner
            edges += inner_edges
        else:
            is_door = bool(prefix) and isinstance(node, (nir.Input, nir.Output))
            nodes[f"{prefix}{name}"] = nir.Output({"output": np.array([1])}) if is_door else in_doubles(node)
    return nodes, edges


def in_doubles(node: Any) -> Any:
    """Return a node with its numbers in double precision, in which all is calculated."""
    doubled = copy.copy(node)
    for name, value in vars(node).items():
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            setattr(doubled, name, value.astype(np.float64))
    return doubled


def entry_of(graph: Any, name: str, *, prefix: str, target: bool) -> str:
    node = graph.nodes[name]
    if not isinstance(node, nir.NIRGraph):
        return f"{prefix}{name}"
    (door,) = [key for key, each in node.nodes.items() if isinstance(each, nir.Input if target else nir.Output)]
    return f"{prefix}{name}.{door}"


def order_of(nodes: Mapping[str, Any], edges: Sequence[tuple[str, str]], dt: float) -> list[str]:
    """Return an order in which all that leads back leads to a Delay of a step or more, or to its own population."""

    def waits(source: str, target: str) -> bool:
        node = nodes[target]
        return not (isinstance(node, nir.Delay) and np.min(np.rint(np.asarray(node.delay) / dt)) >= 1)

    left, order = list(nodes), list[str]()
    while left:
        ready = [
            name for name in left if not any(a in left for a, b in edges if b == name and waits(a, b) and a != name)
        ]
        if not ready:  # a population that waits for nothing but itself
            ready = [
                name
                for name in left
                if isinstance(nodes[name], NEURONS)
                and all(comes_from(a, name, nodes, edges) for a, b in edges if b == name and a in left and waits(a, b))
            ]
        assert ready, f"loop in {left}"
        order.append(ready[0])
        left.remove(ready[0])
    return order


def comes_from(name: str, neuron: str, nodes: Mapping[str, Any], edges: Sequence[tuple[str, str]]) -> bool:
    """Return whether all that leads to a node, passing no other neurons, comes from one population."""
    before = [a for a, b in edges if b == name]
    return bool(before) and all(
        a == neuron or (not isinstance(nodes[a], (*NEURONS, nir.Input)) and comes_from(a, neuron, nodes, edges))
        for a in before
    )
