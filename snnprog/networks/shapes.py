"""The output shapes of nodes of a NIR graph, and the geometry of its convolutions.

Exporters write a node's shape in different ways: neurons with one number for all of them, inputs with axes for time
and batch before those of a sample, convolutions without the size of their image. So shapes are inferred from
neighbouring nodes: an input has as many trailing axes as the node that it leads to takes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from snnprog.convolution import Convolution, Pair
from snnprog.errors import FormatError, SpecError
from snnprog.networks.graph import Graph
from snnprog.networks.nodes import CONVOLUTIONS, INPUT, OUTPUT, POOLS, Node

Shape = tuple[int, ...]

WIDEST = 1 << 24
"""Maximum number of channels of a node and of synapses of a convolution: those of a program."""


def shapes_of(graph: Graph) -> dict[str, Shape]:
    """Return the output shape of each node.

    Raises
    ------
    FormatError
        If one cannot be inferred, or shapes do not match.
    """
    into = predecessors_of(graph)
    shapes = {name: _input_shape(graph, name) for name, node in graph.nodes.items() if node.kind == INPUT}
    left = [name for name in graph.nodes if name not in shapes]
    while left:
        found = {}
        for name in left:
            arriving = [shapes[source] for source in into[name] if source in shapes]
            shape = _leaving(graph, name, arriving)
            if shape is not None:
                found[name] = shape
        if not found:
            raise FormatError(
                f"node {left[0]!r} of {graph.name}: its number of channels is unknown, as none of its inputs has one"
            )
        shapes |= found
        left = [name for name in left if name not in shapes]
    for name, shape in shapes.items():
        if math.prod(map(int, shape)) > WIDEST:
            raise FormatError(
                f"node {name!r} of {graph.name} has shape {shape}; at most {WIDEST} channels are supported"
            )
    return shapes


def predecessors_of(graph: Graph) -> dict[str, list[str]]:
    """Return the nodes that lead to each node."""
    into: dict[str, list[str]] = {name: [] for name in graph.nodes}
    for source, target in graph.edges:
        into[target].append(source)
    return into


def _leaving(graph: Graph, name: str, arriving: Sequence[Shape]) -> Shape | None:
    """Return the output shape of a node, if it is known already."""
    node = graph.nodes[name]
    if "weight" in node.values and node.kind not in CONVOLUTIONS:
        return (len(node.values["weight"]),)
    if node.kind in CONVOLUTIONS and "input_shape" in node.sides and not arriving:
        weight = node.values["weight"]
        arriving = [(weight.shape[1] * node.sides["groups"][0], *node.sides["input_shape"])]
    if not arriving:
        return node.shape
    shape = arriving[0]
    if node.kind in (*CONVOLUTIONS, *POOLS):
        geometry = geometry_of(graph, name, shape)
        return (geometry.channels[1], *(geometry.size[1:] if node.kind == "Conv1d" else geometry.size))
    if node.kind == "Flatten":
        return _flattened(node, shape)
    own = node.shape
    return shape if own is None or (np.prod(own) == np.prod(shape) and len(own) <= len(shape)) else own


def _flattened(node: Node, shape: Shape) -> Shape:
    first, last = (side % len(shape) for side in (node.sides["start_dim"][0], node.sides["end_dim"][0]))
    if first >= last:
        return shape
    return (*shape[:first], int(np.prod(shape[first : last + 1])), *shape[last + 1 :])


# ---------------------------------------------------------------- inputs


@dataclass(frozen=True)
class _Wanted:
    """The input of the first node after an input; 0 or empty if unknown.

    Attributes
    ----------
    size : int
        Number of channels, all axes together.
    shape : tuple of int
    axes, channels : int
        Axes of an image, and its channels.
    """

    size: int = 0
    shape: Shape = ()
    axes: int = 0
    channels: int = 0

    def fits(self, shape: Shape) -> bool:
        """Return whether a shape matches."""
        if self.shape:
            return shape == self.shape
        if self.axes:
            return len(shape) == self.axes and self.channels in (0, shape[0])
        return int(np.prod(shape)) == self.size

    def __str__(self) -> str:
        if self.shape:
            return f"shape {list(self.shape)}"
        if self.axes:
            return f"an image of {self.axes} axes" + (f", {self.channels} channels" if self.channels else "")
        return f"{self.size} channels"


def _input_shape(graph: Graph, name: str) -> Shape:
    """Return the shape of one sample of an input, without axes for time and batch."""
    written = graph.nodes[name].sides["shape"]
    wanted = _wanted(graph, name)
    if wanted is None:
        first = next((axis for axis, side in enumerate(written) if side > 1), len(written) - 1)
        return written[first:]
    for first in range(len(written) - 1, -1, -1):
        if wanted.fits(written[first:]):
            return written[first:]
    raise FormatError(f"node {name!r} of {graph.name} has shape {list(written)}; the next node takes {wanted}")


def _wanted(graph: Graph, name: str) -> _Wanted | None:
    """Return the input of the first node after an input, or None if unknown."""
    written, waiting, seen = graph.nodes[name].sides["shape"], [name], {name}
    while waiting:
        current = waiting.pop(0)
        for target in (target for source, target in graph.edges if source == current and target not in seen):
            seen.add(target)
            found = _takes(graph.nodes[target], written)
            if found is not None:
                return found
            if graph.nodes[target].kind != OUTPUT:
                waiting.append(target)
    return None


def _takes(node: Node, written: Shape) -> _Wanted | None:
    """Return the input of a node, if known; a Flatten without it takes the whole shape of the input."""
    weight = node.values.get("weight")
    if node.kind == "Flatten":
        noted = node.sides.get("input_type", ())
        is_all = (node.sides["start_dim"][0], node.sides["end_dim"][0]) in ((0, -1), (0, len(written) - 1))
        return _Wanted(shape=noted) if noted and _ends(written, noted) else None if is_all else _Wanted(shape=written)
    if node.kind in CONVOLUTIONS and weight is not None:
        axes = 3 if node.kind == "Conv2d" else 2
        return _Wanted(axes=axes, channels=weight.shape[1] * node.sides["groups"][0])
    if weight is not None:
        return _Wanted(size=int(weight.shape[1]))
    if node.kind in POOLS:
        return _Wanted(axes=3)
    if node.shape is None:
        return None
    return _Wanted(shape=node.shape) if _ends(written, node.shape) else _Wanted(size=int(np.prod(node.shape)))


def _ends(written: Shape, shape: Shape) -> bool:
    return written[-len(shape) :] == shape


# ---------------------------------------------------------------- convolutions


def geometry_of(graph: Graph, name: str, shape: Shape) -> Convolution:
    """Return the geometry of a convolution or pooling for an input shape.

    Raises
    ------
    FormatError
        If they do not match.
    """
    node = graph.nodes[name]
    where = f"node {name!r} of {graph.name}"
    channels, image = _image(where, node, shape)
    try:
        if node.kind in POOLS:
            return _pooling(node, channels, image)
        return _sliding(where, node, channels, image)
    except SpecError as error:
        raise FormatError(f"{where}: {error}") from error


def _image(where: str, node: Node, shape: Shape) -> tuple[int, Pair]:
    """Return the channels and the size of the image that a node is applied to."""
    axes = 2 if node.kind == "Conv1d" else 3
    if set(shape[:-axes]) == {1}:  # of neurons whose numbers have axes for a batch
        shape = shape[-axes:]
    if node.kind in CONVOLUTIONS:
        wanted = node.values["weight"].shape[1] * max(node.sides["groups"][0], 1)
        written = (wanted, *node.sides.get("input_shape", ()))
        if len(shape) != axes and len(written) == axes and np.prod(written) == np.prod(shape):
            shape = written
        if len(shape) == axes and shape[0] != wanted:
            raise FormatError(f"{where} takes {wanted} channels, got {shape[0]}")
    if len(shape) != axes:
        raise FormatError(f"{where} takes an image of {axes} axes, got shape {shape}")
    return shape[0], ((1, shape[1]) if axes == 2 else (shape[1], shape[2]))


def _pooling(node: Node, channels: int, image: Pair) -> Convolution:
    border = node.pair("padding")
    return Convolution(
        channels=(channels, channels),
        image=image,
        kernel=(1, 1),
        groups=channels,
        pool=node.pair("kernel_size"),
        pool_stride=node.pair("stride"),
        pool_before=border,
        pool_after=border,
    )


def _sliding(where: str, node: Node, channels: int, image: Pair) -> Convolution:
    weight = node.values["weight"]
    kernel = (1, weight.shape[2]) if weight.ndim == 3 else (weight.shape[2], weight.shape[3])
    axes = 3 if node.kind == "Conv1d" else 4
    if weight.ndim != axes:
        raise FormatError(f"weight of {where} must have the {axes} axes of a {node.kind}, got shape {weight.shape}")
    stride, dilation = node.pair("stride"), node.pair("dilation")
    if node.sides["padding"]:
        before = behind = node.pair("padding")
    elif stride == (1, 1):  # "same", as PyTorch pads: the greater half behind
        total = [step * (size - 1) for step, size in zip(dilation, kernel, strict=True)]
        before, behind = (total[0] // 2, total[1] // 2), (total[0] - total[0] // 2, total[1] - total[1] // 2)
    else:
        raise FormatError(f"{where} pads to the same size, for which stride must be 1, got {stride}")
    return Convolution(
        channels=(channels, len(weight)),
        image=image,
        kernel=kernel,
        stride=stride,
        dilation=dilation,
        before=before,
        after=behind,
        groups=node.sides["groups"][0],
    )
