"""Small NIR graphs for tests: layers by hand, and random ones of all node types."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import nir
import numpy as np

from snnprog.arrays import Floats

DT = 0.001
IMAGE = ("conv2d", "same", "sum", "average", "flatten", "flatten_some", "scale", "delay")
LINE = ("conv1d", "flatten", "scale", "delay")
FLAT = ("linear", "affine", "scale", "delay", "recurrent", "nested", "skip")
NEURON_KINDS = ("LIF", "CubaLIF", "IF", "Threshold")
READOUT_KINDS = ("LI", "CubaLI", "I", "sum")


class Dictionary:
    """What has the form of a graph, and may hold anything."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data

    def to_dict(self) -> dict[str, Any]:
        return self.data


def data_of(graph: nir.NIRGraph) -> dict[str, Any]:
    data: dict[str, Any] = graph.to_dict()
    data["edges"] = list(data["edges"])
    return data


def cuba(neurons: int, seed: int = 0, **changes: Any) -> nir.CubaLIF:
    rng = np.random.default_rng(seed)
    fields: dict[str, Any] = {
        "tau_syn": rng.uniform(0.002, 0.01, neurons),
        "tau_mem": rng.uniform(0.005, 0.05, neurons),
        "r": rng.uniform(1.0, 3.0, neurons),
        "v_leak": np.zeros(neurons),
        "v_threshold": rng.uniform(0.5, 1.0, neurons),
        "w_in": rng.uniform(5.0, 20.0, neurons),
    }
    return nir.CubaLIF(**(fields | changes))


def lif(neurons: int, seed: int = 0, **changes: Any) -> nir.LIF:
    rng = np.random.default_rng(seed)
    fields: dict[str, Any] = {
        "tau": rng.uniform(0.005, 0.05, neurons),
        "r": rng.uniform(5.0, 20.0, neurons),
        "v_leak": np.zeros(neurons),
        "v_threshold": rng.uniform(0.5, 1.0, neurons),
    }
    return nir.LIF(**(fields | changes))


def weights(rows: int, columns: int, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).normal(0.3, 1.0, (rows, columns))


def chain(**nodes: Any) -> nir.NIRGraph:
    """Return a graph of nodes one after the other."""
    names = list(nodes)
    return nir.NIRGraph(nodes, list(itertools.pairwise(names)), type_check=False)


def deep(**changes: Any) -> nir.NIRGraph:
    """Return a graph of two layers, with a scale, delays of each channel, recurrence and a way around a layer."""
    nodes: dict[str, Any] = {
        "in": nir.Input(np.array([4])),
        "w1": nir.Linear(weights(6, 4, 1)),
        "s": nir.Scale(np.linspace(0.5, 2.0, 6)),
        "a": cuba(6, 2),
        "rec": nir.Linear(weights(6, 6, 3) / 4),
        "d": nir.Delay(np.arange(6) * 0.002),
        "w2": nir.Linear(weights(3, 6, 4)),
        "skip": nir.Linear(weights(3, 4, 5)),
        "far": nir.Delay(np.full(4, 0.003)),
        "b": lif(3, 6),
        "out": nir.Output(np.array([3])),
    }
    forward = [("in", "w1"), ("w1", "s"), ("s", "a"), ("a", "d"), ("d", "w2"), ("w2", "b"), ("b", "out")]
    aside = [("a", "rec"), ("rec", "a"), ("in", "far"), ("far", "skip"), ("skip", "b")]
    return nir.NIRGraph(nodes | changes, [*forward, *aside])


def shifted(v_reset: float) -> dict[str, Any]:
    """Return neurons of `deep` with potentials that are counted from elsewhere."""
    return {
        "a": cuba(6, 2, v_reset=np.full(6, v_reset), v_leak=np.full(6, v_reset)),
        "b": lif(3, 6, v_reset=np.full(3, v_reset), v_leak=np.full(3, v_reset)),
    }


# ---------------------------------------------------------------- random graphs


@dataclass
class RandomGraph:
    """A graph in the making: `last` is the node that leads on, and `shape` what leaves it.

    With ``is_whole``, all weights and thresholds are integers and nothing decays but at once.
    """

    rng: np.random.Generator
    shape: tuple[int, ...]
    is_whole: bool = False
    nodes: dict[str, Any] = field(default_factory=dict)
    edges: list[tuple[str, str]] = field(default_factory=list)
    last: str = "in"
    is_constant: bool = False
    flat: list[tuple[str, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.nodes["in"] = nir.Input(np.array(self.shape))

    def add(self, node: Any, shape: tuple[int, ...] | None = None, *, name: str | None = None) -> str:
        """Add a node after the last one."""
        name = name or f"n{len(self.nodes)}"
        self.nodes[name] = node
        self.edges.append((self.last, name))
        self.last, self.shape = name, self.shape if shape is None else shape
        return name

    def drawn(self, shape: Sequence[int], scale: float = 1.0) -> Floats:
        if self.is_whole:
            return self.rng.integers(-2, 4, tuple(shape)).astype(float)
        return self.rng.normal(0.3, 1.0, tuple(shape)) * scale

    def between(self, low: float, high: float) -> Any:
        """Return a number for all neurons or one for each."""
        return self.rng.uniform(low, high, self.shape)

    def grow(self, what: str) -> None:
        """Add one kind of node, if it goes after what there is."""
        kinds = {3: IMAGE, 2: LINE, 1: FLAT}[len(self.shape)]
        if what in kinds:
            getattr(self, f"_{what}")()

    def _conv2d(self, padding: Any = None) -> None:
        channels, rows, columns = self.shape
        groups = int(self.rng.choice([each for each in (1, channels) if channels % each == 0]))
        outs = groups * int(self.rng.integers(1, 3))
        size = [int(self.rng.integers(1, min(3, side) + 1)) for side in (rows, columns)]
        stride: Any = self.rng.integers(1, 3, 2)
        dilation: Any = np.ones(2, int)
        if padding is None:
            padding = self.rng.integers(0, 2, 2)
            dilation = np.array(
                [
                    int(self.rng.integers(1, 3)) if side < 3 and room >= 4 else 1
                    for side, room in zip(size, (rows, columns), strict=True)
                ]
            )
        else:
            stride = np.ones(2, int)
        node = nir.Conv2d(
            input_shape=(rows, columns) if self.rng.random() < 0.5 else None,
            weight=self.drawn((outs, channels // groups, *size)),
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=groups,
            bias=self.drawn((outs,), 0.05) if self.rng.random() < 0.5 else np.zeros(outs),
        )
        self.is_constant |= bool(np.any(node.bias))
        pads = [size[i] - 1 if isinstance(padding, str) else 2 * int(padding[i]) for i in (0, 1)]
        sides = [
            (side + pads[i] - int(dilation[i]) * (size[i] - 1) - 1) // int(stride[i]) + 1
            for i, side in enumerate((rows, columns))
        ]
        self.add(node, (outs, *sides))

    def _same(self) -> None:
        self._conv2d("same")

    def _conv1d(self) -> None:
        channels, places = self.shape
        size, stride = int(self.rng.integers(1, min(3, places) + 1)), int(self.rng.integers(1, 3))
        padding, outs = int(self.rng.integers(0, 2)), int(self.rng.integers(1, 4))
        node = nir.Conv1d(
            input_shape=places,
            weight=self.drawn((outs, channels, size)),
            stride=stride,
            padding=padding,
            dilation=1,
            groups=1,
            bias=self.drawn((outs,), 0.05),
        )
        self.is_constant = True
        self.add(node, (outs, (places + 2 * padding - size) // stride + 1))

    def _pool(self, kind: Any) -> None:
        channels, *image = self.shape
        size = [int(self.rng.integers(1, min(3, side) + 1)) for side in image]
        stride, border = self.rng.integers(1, 3, 2), [int(self.rng.integers(0, 2)) if each > 1 else 0 for each in size]
        sides = [(image[i] + 2 * border[i] - size[i]) // int(stride[i]) + 1 for i in (0, 1)]
        self.add(kind(kernel_size=np.array(size), stride=stride, padding=np.array(border)), (channels, *sides))

    def _sum(self) -> None:
        self._pool(nir.SumPool2d)

    def _average(self) -> None:
        if not self.is_whole:
            self._pool(nir.AvgPool2d)

    def _flatten(self) -> None:
        node = nir.Flatten({"input": np.array(self.shape)}, start_dim=0, end_dim=-1)
        self.add(node, (int(np.prod(self.shape)),))

    def _flatten_some(self) -> None:
        channels, rows, columns = self.shape
        self.add(nir.Flatten({"input": np.array(self.shape)}, start_dim=1, end_dim=2), (channels, rows * columns))

    def _scale(self) -> None:
        factor = self.rng.integers(1, 3, self.shape).astype(float) if self.is_whole else self.between(0.5, 1.5)
        self.add(nir.Scale(factor))

    def _delay(self) -> None:
        if not self.is_constant:
            self.add(nir.Delay(self.rng.integers(0, 4, self.shape) * DT))

    def _linear(self) -> None:
        rows = int(self.rng.integers(1, 6))
        self.add(nir.Linear(self.drawn((rows, self.shape[0]))), (rows,))

    def _affine(self) -> None:
        rows = int(self.rng.integers(1, 6))
        bias = self.rng.integers(-1, 2, rows).astype(float) if self.is_whole else self.drawn((rows,), 0.05)
        self.is_constant |= bool(bias.any())
        self.add(nir.Affine(self.drawn((rows, self.shape[0])), bias), (rows,))

    def _recurrent(self) -> None:
        name = self.neurons()
        width = self.shape[0]
        back = nir.Linear(self.drawn((width, width), 0.3))
        if self.rng.random() < 0.5:
            bias = np.zeros(width) if self.is_whole else self.drawn((width,), 0.02)
            back = nir.Affine(back.weight, bias)
        self.nodes[f"{name}_back"] = back
        self.edges += [(name, f"{name}_back"), (f"{name}_back", name)]

    def _nested(self) -> None:
        inside = RandomGraph(self.rng, self.shape, self.is_whole)
        inside.grow("recurrent")
        inside.add(nir.Output(np.array(self.shape)), name="out")
        self.add(nir.NIRGraph(inside.nodes, inside.edges, type_check=False))
        self.flat.append((self.last, self.shape[0]))
        self.is_constant = False

    def _skip(self) -> None:
        """Lead what an earlier population sends to the next neurons, too."""
        if self.flat:
            source, width = self.flat[int(self.rng.integers(len(self.flat)))]
            before, here = self.last, self.shape
            self.last = source
            way = self.add(nir.Linear(self.drawn((here[0], width))), here)
            self.last = before
            name = self.neurons()
            self.edges.append((way, name))

    def neurons(self, kind: str | None = None) -> str:
        """Add neurons, with numbers of their own or the same for all."""
        kind = kind or str(self.rng.choice(["IF", "Threshold"] if self.is_whole else NEURON_KINDS))
        shape, self.shape = self.shape, () if self.rng.random() < 0.3 else self.shape
        taus = {name: self.between(0.002, 0.03) for name in ("tau", "tau_syn", "tau_mem")}
        threshold: Any = np.asarray(self.between(0.3, 1.0))
        reset: Any = np.asarray(self.between(-0.2, 0.2)) if self.rng.random() < 0.3 else np.zeros(self.shape)
        leak: Any = np.asarray(self.between(-0.1, 0.1)) if self.rng.random() < 0.3 else np.zeros(self.shape)
        if self.is_whole:
            threshold, reset = np.asarray(self.rng.integers(1, 6, self.shape) * 1.0), np.zeros(self.shape)
        r: Any = np.full(self.shape, 1000.0) if self.is_whole else np.asarray(self.between(2.0, 8.0))
        common = {"r": r, "v_threshold": threshold, "v_reset": reset}
        arrays = {name: np.asarray(value) for name, value in taus.items()}
        if kind == "LIF":
            node = nir.LIF(tau=arrays["tau"], v_leak=leak, **common)
        elif kind == "CubaLIF":
            node = nir.CubaLIF(
                tau_syn=arrays["tau_syn"],
                tau_mem=arrays["tau_mem"],
                v_leak=leak,
                w_in=np.full(self.shape, 6.0),
                **common,
            )
        elif kind == "IF":
            node = nir.IF(**(common | ({} if self.is_whole else {"r": r * 40.0})))
        else:
            node = nir.Threshold(threshold)
        name = self.add(node, shape)
        self.is_constant = False
        if len(shape) == 1:
            self.flat.append((name, shape[0]))
        return name

    def readout(self, kind: str) -> str:
        """Add neurons that do not spike."""
        tau, r = self.between(0.002, 0.03), self.between(1.0, 2.0)
        leak = np.zeros(self.shape)
        if kind == "LI":
            return self.add(nir.LI(tau=tau, r=r, v_leak=leak))
        if kind == "CubaLI":
            w_in = np.ones(self.shape)
            return self.add(nir.CubaLI(tau_syn=tau[..., ::-1].copy(), tau_mem=tau, r=r, v_leak=leak, w_in=w_in))
        return self.add(nir.I(r=r)) if kind == "I" else self.last

    def finished(self) -> nir.NIRGraph:
        self.add(nir.Output(np.array(self.shape)), name="out")
        return nir.NIRGraph(self.nodes, self.edges, type_check=False)


def random_graph(
    seed: int, *, shape: tuple[int, ...], layers: Sequence[str], readout: str = "none", is_whole: bool = False
) -> nir.NIRGraph:
    """Return a graph of so many layers, each with neurons behind it, and maybe a readout."""
    graph = RandomGraph(np.random.default_rng(seed), shape, is_whole)
    for index, layer in enumerate(layers):
        graph.grow(layer)
        if index % 2 or index == len(layers) - 1:
            graph.neurons()
    if readout != "none":
        graph.grow("linear")
        graph.readout(readout)
    return graph.finished()
