"""NIR graphs from a file or from `nir`'s own objects, with nested graphs flattened.

A graph is a node whose ``nodes`` are nodes, and whose ``edges`` are pairs of their names. Where several edges lead to a
node, it gets their sum. A nested graph is entered through its Input and left through its Output.

`nir.write` fails on some graphs and leaves an incomplete file, without edges and without the type of the last node:
nir 1.0.8 if a neuron's fields are single numbers (it fails at ``v_reset``), 1.0.4 at a Flatten without a shape.
Such a file is read, with a note, if it can only be a chain: nodes numbered as by PyTorch's Sequential,
with neurons among them, each complete except a last neuron, whose fields up to ``v_reset`` identify its type.

Early nirtorch wrote the nodes of a nested graph ``lif`` beside the others, as ``lif.input``, ``lif.output`` and so on,
and edges from and to ``lif``. They are read as that nested graph, with a note.

If edges name one node that does not exist, and one node has no edge, the two are read as one, with a note: recurrent
graphs that snnTorch wrote for NIR's paper have this mistake.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import numpy as np

from snnprog.errors import FormatError
from snnprog.files.hdf5 import Hdf5, read_hdf5
from snnprog.names import Names
from snnprog.networks.convention import SUBTRACT, ZERO
from snnprog.networks.node_names import KEY, names_of_text
from snnprog.networks.nodes import FIELDS, GRAPH, INPUT, NEURONS, OUTPUT, PASSAGE, Node, node_of

Edge = tuple[str, str]

NODE_LIMIT, EDGE_LIMIT, DEPTH_LIMIT = 1 << 12, 1 << 15, 8
"""Limits far above the size of trained networks: choices, not measurements. A hostile file may exceed them."""


@dataclass(frozen=True, eq=False)
class Graph:
    """A graph without nested graphs.

    Attributes
    ----------
    name : str
        Its source.
    nodes : mapping of str to Node
    edges : tuple of (str, str)
        Source and target.
    notes : tuple of str
        Assumptions that were made.
    reset : str or None
        "zero" or "subtract", if it is in the metadata, as in graphs written by snnprog.
    names : mapping of str to tuple of str
        The names of a node's lines or neurons, if they are there; see `snnprog.networks.node_names`.
    """

    name: str
    nodes: Mapping[str, Node]
    edges: tuple[Edge, ...]
    notes: tuple[str, ...] = ()
    reset: str | None = None
    names: Mapping[str, Names] = field(default_factory=dict)


def read_graph(path: Path) -> Graph:
    """Return the graph of a ``.nir`` file.

    Raises
    ------
    FormatError
        If the file is missing or damaged, or does not hold a graph of supported nodes.
    """
    return graph_of_file(read_hdf5(path, ["node"]))


def graph_of_file(file: Hdf5) -> Graph:
    """Return the graph of a file that was read; see `read_graph`."""
    if "layer" in file.members[""] and "node" not in file.members[""]:
        raise FormatError(f"{file.path} holds a network of lava-dl, not a NIR graph; rename it to NAME.net")
    file.group("node")
    return graph_of(str(file.path), _tree(file, "node", depth=0))


def _tree(file: Hdf5, name: str, *, depth: int) -> dict[str, object]:
    """Return a group as a mapping, truncated beyond the depth limit, which is then reported."""
    tree: dict[str, object] = {}
    for member in file.members[name] if depth <= 2 * DEPTH_LIMIT + 2 else ():
        inner = f"{name}/{member}"
        if inner in file.members:
            tree[member] = _tree(file, inner, depth=depth + 1)
        elif inner in file.arrays:
            tree[member] = file.arrays[inner]
    return tree


def graph_of(name: str, data: Mapping[str, object]) -> Graph:
    """Return the graph of a NIR mapping, as returned by ``nir.NIRGraph.to_dict``.

    Raises
    ------
    FormatError
        If it is not a graph, has unsupported nodes, or values that are not finite numbers of the correct shape.
    """
    data, notes = _completed(name, data)
    data, more = _regrouped(name, data)
    found = _Found({}, [], [*notes, *more])
    _lay_open(name, data, prefix="", found=found, depth=0)
    edges = tuple(dict.fromkeys(found.edges))
    metadata = data.get("metadata")
    stored = _text(metadata.get(KEY)) if isinstance(metadata, Mapping) else ""
    names = names_of_text(name, stored, inputs=(key for key, node in found.nodes.items() if node.kind == INPUT))
    return Graph(name, found.nodes, edges, tuple(found.notes), reset=_reset_of(metadata), names=names)


@dataclass(frozen=True)
class _Found:
    """What a graph and the graphs in it hold, as far as they were read."""

    nodes: dict[str, Node]
    edges: list[Edge]
    notes: list[str]


def _lay_open(
    name: str, data: Mapping[str, object], *, prefix: str, found: _Found, depth: int
) -> tuple[list[str], list[str]]:
    """Add a graph's nodes and edges to those found; return its entry and its exit."""
    inner, doors = data.get("nodes"), dict[str, tuple[list[str], list[str]]]()
    where = f"the graph {prefix[:-1]!r} in {name}" if prefix else name
    if depth > DEPTH_LIMIT:
        raise FormatError(f"{where} is nested deeper than {DEPTH_LIMIT} graphs; flatten them")
    if _text(data.get("type")) != GRAPH or not isinstance(inner, Mapping):
        raise FormatError(_no_graph(where, data))
    for key, node in inner.items():
        full = f"{prefix}{key}"
        kind = _text(node.get("type")) if isinstance(node, Mapping) else ""
        if kind == GRAPH:
            doors[str(key)] = _lay_open(name, node, prefix=f"{full}.", found=found, depth=depth + 1)
            continue
        found.nodes[full] = _node(name, full, kind, node, is_inner=depth > 0)
        doors[str(key)] = [full], [full]
        if len(found.nodes) > NODE_LIMIT:
            raise FormatError(f"{name} has more than {NODE_LIMIT} nodes")
    for source, target in _mended(where, _edges(where, data.get("edges")), doors, found.notes):
        if source not in doors or target not in doors:
            raise FormatError(
                f"{where} has an edge from {source!r} to {target!r}, and its nodes are {_listed(doors)}; name nodes"
                " that are there"
            )
        found.edges.extend((a, b) for a in doors[source][1] for b in doors[target][0])
        if len(found.edges) > EDGE_LIMIT:
            raise FormatError(f"{name} has more than {EDGE_LIMIT} edges")
    kinds = _kinds(inner)
    entries = [f"{prefix}{key}" for key, kind in kinds.items() if kind == INPUT]
    exits = [f"{prefix}{key}" for key, kind in kinds.items() if kind == OUTPUT]
    if not entries or not exits or (depth > 0 and (len(entries) > 1 or len(exits) > 1)):
        raise FormatError(
            f"{where} must have an Input and an Output node, got {len(entries)} and {len(exits)}"
            + ("" if depth > 0 else ", or more")
        )
    return entries, exits


def _no_graph(where: str, data: Mapping[str, object]) -> str:
    """Return the message about a group that is not a graph."""
    if isinstance(data.get("nodes"), Mapping) and "edges" not in data and "type" not in data:
        return (
            f"{where} was written incompletely by its exporter: nodes without edges that are not a chain of known"
            " neurons;"
            " export it again, with arrays where a neuron's fields are single numbers"
        )
    return f"{where} must be a NIR graph, got {_text(data.get('type')) or 'nothing'!r}"


def _node(name: str, full: str, kind: str, data: object, *, is_inner: bool) -> Node:
    if kind not in FIELDS or not isinstance(data, Mapping):
        found = f"is of type {kind!r}" if kind else "has no type"
        raise FormatError(f"node {full!r} of {name} {found}; read are {_listed([*FIELDS, GRAPH])}")
    if is_inner and kind in (INPUT, OUTPUT):
        return Node(PASSAGE, {}, {})
    return node_of(f"node {full!r} of {name}", kind, data)


def _edges(name: str, data: object) -> list[Edge]:
    pairs = np.asarray(data, dtype=np.str_) if isinstance(data, (list, tuple, np.ndarray)) else np.zeros(0, np.str_)
    if pairs.size == 0:
        return []
    if pairs.ndim != 2 or pairs.shape[1] != 2:
        raise FormatError(f"edges of {name} must be pairs of names, got shape {pairs.shape}")
    return [(str(source), str(target)) for source, target in pairs]


def _mended(where: str, edges: list[Edge], nodes: Iterable[str], notes: list[str]) -> list[Edge]:
    """Return edges with a node's own name in place of one that is not there, where that can only be this node."""
    ends = {end for edge in edges for end in edge}
    missing, unused = ends.difference(nodes), set(nodes) - ends
    if len(missing) != 1 or len(unused) != 1:
        return edges
    (wrong,), (right,) = missing, unused
    notes.append(f"{where} has edges of {wrong!r}, which is not there, and none of {right!r}; taken for the same node")
    return [(right if source == wrong else source, right if target == wrong else target) for source, target in edges]


def _kinds(nodes: Mapping[str, object]) -> dict[str, str]:
    return {key: _text(node.get("type")) for key, node in nodes.items() if isinstance(node, Mapping)}


def _text(value: object) -> str:
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    return value if isinstance(value, str) else ""


def _listed(names: Iterable[object]) -> str:
    every = [str(name) for name in names]
    more = f" and {len(every) - 20} more" if len(every) > 20 else ""
    return ", ".join(every[:20]) + more


def _reset_of(metadata: object) -> str | None:
    found = _text(metadata.get("reset")) if isinstance(metadata, Mapping) else ""
    return found if found in (ZERO, SUBTRACT) else None


# ---------------------------------------------------------------- half-written files

LAST_NEURONS: Mapping[frozenset[str], str] = MappingProxyType(
    {
        frozenset(("tau", "r", "v_leak", "v_threshold")): "LIF",
        frozenset(("tau_syn", "tau_mem", "r", "v_leak", "v_threshold")): "CubaLIF",
        frozenset(("r", "v_threshold")): "IF",
    }
)
"""Fields that `nir` writes before ``v_reset``, where writing fails."""


def _completed(name: str, data: Mapping[str, object]) -> tuple[Mapping[str, object], tuple[str, ...]]:
    """Return a graph unchanged, or complete an incompletely written chain of numbered nodes."""
    nodes = data.get("nodes")
    if "edges" in data or "type" in data or not isinstance(nodes, Mapping):
        return data, ()
    chain = sorted((key for key in nodes if re.fullmatch("[0-9]{1,6}", key)), key=int)
    doors = sorted(key for key in nodes if key not in chain)
    is_chain = [int(key) for key in chain] == list(range(len(chain))) and doors in (["input"], ["input", "output"])
    if not chain or not is_chain or not all(isinstance(node, Mapping) for node in nodes.values()):
        return data, ()
    last = nodes[chain[-1]]
    kind = _text(last.get("type")) or LAST_NEURONS.get(frozenset(last), "")
    kinds = [*(_text(nodes[key].get("type")) for key in chain[:-1]), kind]
    if not kind or not set(kinds) & set(NEURONS):
        return data, ()
    names = ["input", *chain, "output"]
    completed = {
        "type": GRAPH,
        "nodes": {**nodes, chain[-1]: {**last, "type": kind}, "output": {"type": OUTPUT}},
        "edges": list(itertools.pairwise(names)),
    }
    note = (
        f"{name} was written incompletely by its exporter, without edges; read as the chain {' - '.join(names)}."
        " Nodes after these may be missing: export it again"
    )
    return completed, (note,)


# ---------------------------------------------------------------- nested graphs beside their nodes


def _regrouped(name: str, data: Mapping[str, object]) -> tuple[Mapping[str, object], tuple[str, ...]]:
    """Return a graph unchanged, or with nested graphs in place of nodes ``GRAPH.NODE`` where edges name GRAPH."""
    nodes = data.get("nodes")
    if not isinstance(nodes, Mapping):
        return data, ()
    kinds, edges = _kinds(nodes), _edges(name, data.get("edges"))
    ends = dict.fromkeys(end for edge in edges for end in edge if end not in nodes)
    graphs = [end for end in ends if (kinds.get(f"{end}.input"), kinds.get(f"{end}.output")) == (INPUT, OUTPUT)]
    notes = []
    for graph in graphs:
        prefix = f"{graph}."
        inside = {(a, b) for a, b in edges if a.startswith(prefix) and b.startswith(prefix)}
        nested = {
            "type": GRAPH,
            "nodes": {key.removeprefix(prefix): node for key, node in nodes.items() if key.startswith(prefix)},
            "edges": [(a.removeprefix(prefix), b.removeprefix(prefix)) for a, b in edges if (a, b) in inside],
        }
        nodes = {key: node for key, node in nodes.items() if not key.startswith(prefix)} | {graph: nested}
        edges = [edge for edge in edges if edge not in inside]
        doors = f"{prefix}input and {prefix}output"
        notes.append(f"{name} has edges of {graph!r} and nodes {doors}; read as a nested graph")
    return ({**data, "nodes": nodes, "edges": edges} if graphs else data), tuple(notes)
