"""NIR graphs as plain checked data, from a file or from `nir`'s own objects, with nested graphs laid open.

Source: Pedersen et al., "Neuromorphic intermediate representation", Nature Communications 15, 8122 (2024), and `nir`
1.0: a graph is a node whose ``nodes`` are nodes, and whose ``edges`` are pairs of their names. Where several edges lead
to a node, it gets their sum. A nested graph is entered through its Input and left through its Output.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from snnprog.arrays import Floats
from snnprog.errors import FormatError
from snnprog.files.hdf5 import Hdf5, read_hdf5

Edge = tuple[str, str]

NODE_LIMIT, EDGE_LIMIT, DEPTH_LIMIT = 1 << 12, 1 << 15, 8
GRAPH, INPUT, OUTPUT, PASSAGE = "NIRGraph", "Input", "Output", "Passage"
NEURONS = ("LIF", "CubaLIF", "IF")
FIELDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        INPUT: ("shape",),
        OUTPUT: (),
        "Linear": ("weight",),
        "Affine": ("weight", "bias"),
        "Scale": ("scale",),
        "Delay": ("delay",),
        "Flatten": (),
        "LIF": ("tau", "r", "v_leak", "v_threshold"),
        "CubaLIF": ("tau_syn", "tau_mem", "r", "v_leak", "v_threshold"),
        "IF": ("r", "v_threshold"),
    }
)
DEFAULTS: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {"LIF": {"v_reset": 0.0}, "CubaLIF": {"v_reset": 0.0, "w_in": 1.0}, "IF": {"v_reset": 0.0}}
)


@dataclass(frozen=True, eq=False)
class Node:
    """One node.

    Attributes
    ----------
    kind : str
        Its NIR type; "Passage" for where a nested graph is entered or left.
    values : mapping
        Its fields: a weight has two axes (to, from), all others one.
    """

    kind: str
    values: Mapping[str, Floats]

    @property
    def is_source(self) -> bool:
        """Whether it sends spikes: neurons do, and the graph's inputs."""
        return self.kind == INPUT or self.kind in NEURONS

    @property
    def width(self) -> int | None:
        """How many channels leave it, where it tells."""
        if self.kind == INPUT:
            return int(np.prod(self.values["shape"]))
        if self.kind in ("Linear", "Affine"):
            return len(self.values["weight"])
        sizes = [values.size for values in self.values.values()]
        return sizes[0] if sizes else None


@dataclass(frozen=True, eq=False)
class Graph:
    """A graph without graphs in it."""

    name: str
    nodes: Mapping[str, Node]
    edges: tuple[Edge, ...]


def read_graph(path: Path) -> Graph:
    """Return the graph of a ``.nir`` file.

    Raises
    ------
    FormatError
        If the file is missing or damaged, or holds no graph of nodes that are known here.
    """
    return graph_of_file(read_hdf5(path, ["node"]))


def graph_of_file(file: Hdf5) -> Graph:
    """Return the graph of a file that was read; see `read_graph`."""
    file.group("node")
    return graph_of(str(file.path), _tree(file, "node", depth=0))


def _tree(file: Hdf5, name: str, *, depth: int) -> dict[str, object]:
    """Return a group as a mapping; deeper than graphs nest it is cut off, which is then told."""
    tree: dict[str, object] = {}
    for member in file.members[name] if depth <= 2 * DEPTH_LIMIT + 2 else ():
        inner = f"{name}/{member}"
        if inner in file.members:
            tree[member] = _tree(file, inner, depth=depth + 1)
        elif inner in file.arrays:
            tree[member] = file.arrays[inner]
    return tree


def graph_of(name: str, data: Mapping[str, object]) -> Graph:
    """Return the graph that a mapping of NIR is, as ``nir.NIRGraph.to_dict`` gives it.

    Raises
    ------
    FormatError
        If it is none, has nodes that are not known here, or values that are no finite numbers of the right shape.
    """
    nodes: dict[str, Node] = {}
    edges: list[Edge] = []
    _lay_open(name, data, prefix="", nodes=nodes, edges=edges, depth=0)
    return Graph(name, nodes, tuple(dict.fromkeys(edges)))


def _lay_open(
    name: str, data: Mapping[str, object], *, prefix: str, nodes: dict[str, Node], edges: list[Edge], depth: int
) -> tuple[list[str], list[str]]:
    """Add a graph's nodes and edges to those there are; return where it is entered and where it is left."""
    inner, doors = data.get("nodes"), {}
    if _text(data.get("type")) != GRAPH or not isinstance(inner, Mapping) or depth > DEPTH_LIMIT:
        raise FormatError(f"{name} holds no NIR graph{' at ' + prefix[:-1] if prefix else ''}, or one nested too deep")
    for key, node in inner.items():
        full = f"{prefix}{key}"
        kind = _text(node.get("type")) if isinstance(node, Mapping) else ""
        if kind == GRAPH:
            doors[str(key)] = _lay_open(name, node, prefix=f"{full}.", nodes=nodes, edges=edges, depth=depth + 1)
            continue
        nodes[full] = _node(name, full, kind, node, is_inner=depth > 0)
        doors[str(key)] = [full], [full]
        if len(nodes) > NODE_LIMIT:
            raise FormatError(f"{name} has more than {NODE_LIMIT} nodes")
    for source, target in _edges(name, data.get("edges")):
        if source not in doors or target not in doors:
            raise FormatError(f"{name} has an edge from {source!r} to {target!r}; its nodes are {_listed(doors)}")
        edges += [(a, b) for a in doors[source][1] for b in doors[target][0]]
        if len(edges) > EDGE_LIMIT:
            raise FormatError(f"{name} has more than {EDGE_LIMIT} edges")
    kinds = {key: _text(node.get("type")) for key, node in inner.items() if isinstance(node, Mapping)}
    entries = [f"{prefix}{key}" for key, kind in kinds.items() if kind == INPUT]
    exits = [f"{prefix}{key}" for key, kind in kinds.items() if kind == OUTPUT]
    if not entries or not exits or (depth > 0 and (len(entries) > 1 or len(exits) > 1)):
        where = f"the graph {prefix[:-1]!r} in {name}" if prefix else name
        raise FormatError(
            f"{where} has {len(entries)} Input and {len(exits)} Output nodes; one of each is needed"
            + ("" if depth > 0 else ", or more")
        )
    return entries, exits


def _node(name: str, full: str, kind: str, data: object, *, is_inner: bool) -> Node:
    if kind not in FIELDS or not isinstance(data, Mapping):
        raise FormatError(f"node {full!r} of {name} is of type {kind or None!r}; read are {_listed([*FIELDS, GRAPH])}")
    if is_inner and kind in (INPUT, OUTPUT):
        return Node(PASSAGE, {})
    values = {field: _values(name, full, field, data.get(field)) for field in FIELDS[kind]}
    size = next(iter(values.values())).size if kind in NEURONS else 0
    for field, usual in DEFAULTS.get(kind, {}).items():
        given = data.get(field)
        value = np.full(size, usual) if given is None else _values(name, full, field, given)
        values[field] = np.full(size, value[0]) if value.size == 1 else value
    if kind in NEURONS and {value.shape for value in values.values()} != {(size,)}:
        sizes = ", ".join(f"{field} {value.size}" for field, value in values.items())
        raise FormatError(f"node {full!r} of {name} has fields of different sizes: {sizes}")
    if kind == "Affine" and values["bias"].size != len(values["weight"]):
        raise FormatError(f"node {full!r} of {name} has {len(values['weight'])} rows and {values['bias'].size} biases")
    return Node(kind, MappingProxyType(values))


def _values(name: str, full: str, field: str, data: object) -> Floats:
    """Return a field as finite floats of one axis, or a weight of two."""
    array = _array(data)
    if array.dtype.kind not in "biuf" or array.size == 0:
        raise FormatError(f"{field} of node {full!r} of {name} is {_shown(data)}; numbers are needed")
    values = array.astype(np.float64)
    if field == "weight" and values.ndim != 2:
        raise FormatError(
            f"weight of node {full!r} of {name} has shape {values.shape}; two axes are needed, (to, from)"
        )
    if not np.isfinite(values).all():
        raise FormatError(f"{field} of node {full!r} of {name} holds {values[~np.isfinite(values)][0]}; all are finite")
    if field == "shape" and not (1 <= np.prod(values) <= 1 << 24 and (values == np.floor(values)).all()):
        raise FormatError(f"shape of node {full!r} of {name} is {values.tolist()}; whole numbers from 1 are needed")
    return values if field == "weight" else values.ravel()


def _array(data: object) -> NDArray[np.generic]:
    """Return numbers as an array, those of a tensor too, which in memory a graph may hold; else an empty array."""
    data = data.detach().cpu() if hasattr(data, "detach") and hasattr(data, "cpu") else data  # PyTorch's
    is_array = isinstance(data, (np.ndarray, np.generic, int, float, list, tuple)) or hasattr(data, "__array__")
    return np.asarray(data) if is_array else np.zeros(0, "O")


def _shown(data: object) -> str:
    return "missing" if data is None else f"a {type(data).__name__}"


def _edges(name: str, data: object) -> list[Edge]:
    pairs = np.asarray(data, dtype=np.str_) if isinstance(data, (list, tuple, np.ndarray)) else np.zeros(0, np.str_)
    if pairs.size == 0:
        return []
    if pairs.ndim != 2 or pairs.shape[1] != 2:
        raise FormatError(f"edges of {name} have shape {pairs.shape}; pairs of names are needed")
    return [(str(source), str(target)) for source, target in pairs]


def _text(value: object) -> str:
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    return value if isinstance(value, str) else ""


def _listed(names: object) -> str:
    shown = [str(name) for name in names][:20]  # type: ignore[attr-defined]
    return ", ".join(shown)
