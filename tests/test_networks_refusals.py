"""Graphs that are refused: each with one sentence that says which node, what was found, and what to do."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import nir
import numpy as np
import pytest
from nir_graphs import Dictionary, chain, data_of, deep, lif, weights
from untyped import untyped

import snnprog as sp
from snnprog.errors import FormatError

Change = Callable[[dict[str, Any]], object]


def put(node: str, field: str, value: object) -> Change:
    return lambda data: data["nodes"][node].__setitem__(field, np.asarray(value) if field != "type" else value)


def without(node: str, field: str) -> Change:
    return lambda data: data["nodes"][node].__delitem__(field)


def edge(*pairs: tuple[str, str]) -> Change:
    return lambda data: data["edges"].extend(pairs)


def node(name: str, fields: dict[str, Any], *pairs: tuple[str, str]) -> Change:
    return lambda data: (data["nodes"].__setitem__(name, fields), data["edges"].extend(pairs))


def only(*pairs: tuple[str, str]) -> Change:
    """Leave the edges to the output out, and put others there."""
    return lambda data: data.__setitem__("edges", [each for each in data["edges"] if each[1] != "out"] + list(pairs))


LI = {"type": "LI", "tau": np.full(3, 0.01), "r": np.ones(3), "v_leak": np.zeros(3)}
WAIT = {"type": "Delay", "delay": np.full(3, 0.001)}
BAD_GRAPHS: dict[str, tuple[Change, str]] = {
    "no graph": (lambda data: data.__setitem__("type", "LIF"), "the graph must be a NIR graph, got 'LIF'"),
    "no type of graph": (lambda data: data.__delitem__("type"), "the graph must be a NIR graph, got 'nothing'"),
    "no nodes": (lambda data: data.__delitem__("nodes"), "the graph must be a NIR graph, got 'NIRGraph'"),
    "unknown type": (
        put("w1", "type", "Conv3d"),
        "node 'w1' of the graph is of type 'Conv3d'; read are Input, Output, Linear",
    ),
    "no type": (without("w1", "type"), "node 'w1' of the graph has no type; read are"),
    "no weight": (without("w1", "weight"), "weight of node 'w1' of the graph must be numbers, got nothing"),
    "texts": (put("w1", "weight", [["a"]]), "weight of node 'w1' of the graph must be numbers, got an ndarray"),
    "weight of one axis": (
        put("w1", "weight", [1.0]),
        r"weight of node 'w1' .* must have two axes, \(to, from\), got shape \(1,\)",
    ),
    "other width": (
        put("w1", "weight", np.ones((6, 3))),
        r"node 'in' of the graph has shape \[4\]; the next node takes 3 channels",
    ),
    "other inner width": (put("w2", "weight", np.ones((3, 5))), "node 'w2' of the graph takes 5 channels, got 6"),
    "other height": (put("w1", "weight", np.ones((5, 4))), "node 's' of the graph takes 6 channels, got 5"),
    "other widths": (
        edge(("in", "b")),
        r"node 'b' of the graph: its inputs have \[3, 4\] channels; connections must have equal widths",
    ),
    "other biases": (
        node("skip", {"type": "Affine", "weight": np.ones((3, 4)), "bias": np.ones(2)}),
        "node 'skip' of the graph has 3 rows of weights and 2 biases",
    ),
    "NaN": (put("a", "r", [np.nan] * 6), "r of node 'a' of .* must be finite, got nan"),
    "infinite": (put("b", "tau", [np.inf] * 3), "tau of node 'b' of .* must be finite, got inf"),
    "complex": (put("b", "tau", [1j] * 3), "tau of node 'b' of .* must be numbers, got an ndarray"),
    "nothing": (put("b", "tau", []), "tau of node 'b' of .* must be numbers, got an ndarray"),
    "sizes": (
        put("b", "r", np.ones(2)),
        r"fields of node 'b' of .* must have one shape or be single numbers, got .*tau \(3,\)",
    ),
    "short tau": (put("b", "tau", [0.02, 0.02, 0.0005]), "node 'b' of .* has tau = 0.5 ms, less than a tick of 1 ms"),
    "negative tau": (put("a", "tau_syn", -np.ones(6)), "has tau_syn = -1000 ms, less than a tick"),
    "no threshold": (
        put("b", "v_threshold", np.zeros(3)),
        "node 'b' of .* has a threshold that is not above its reset",
    ),
    "negative delay": (
        put("d", "delay", -np.ones(6)),
        "delays of node 'd' of the graph must be at least 0 ticks, got -1000",
    ),
    "endless delay": (put("d", "delay", np.full(6, 1e9)), r"has a delay of 1e\+12 ticks; up to 1048576 are read"),
    "unknown edge": (edge(("in", "nowhere")), "has an edge from 'in' to 'nowhere', and its nodes are in, w1, s, a"),
    "edges of three": (
        lambda data: data.__setitem__("edges", [("in", "a", "b")]),
        r"edges of the graph must be pairs of names, got shape \(1, 3\)",
    ),
    "no edges": (
        lambda data: data.__setitem__("edges", []),
        "node 'out' of the graph: its number of channels is unknown, as none of its inputs has one",
    ),
    "a delayed bias": (
        lambda data: (
            data["nodes"].__setitem__("skip", {"type": "Affine", "weight": np.ones((3, 4)), "bias": np.ones(3)}),
            node("wait", WAIT, ("skip", "wait"), ("wait", "b"))(data),
        ),
        "node 'wait' of .* delays a constant; put the bias after the Delay",
    ),
    "a loop of weights": (edge(("s", "s")), "has a loop without neurons: s - s"),
    "no output": (lambda data: data["nodes"].pop("out"), "has an edge from 'b' to 'out'"),
    "no input": (
        lambda data: (data["nodes"].pop("in"), data["edges"].clear(), data["edges"].append(("a", "d"))),
        "the graph must have an Input and an Output node, got 0 and 1, or more",
    ),
    "twice read out": (edge(("a", "again"), ("b", "again2")), "has an edge from 'a' to 'again'"),
    "a readout that leads on": (
        node("li", LI, ("b", "li"), ("li", "b")),
        "node 'li' of the graph is of type LI, which does not spike, and leads to 'b'; neurons that do not spike can"
        " only be read out",
    ),
    "odd shape": (put("in", "shape", [0]), r"shape of node 'in' of .* must be integers from 1, at most 8, got"),
    "huge shape": (put("in", "shape", [10**9]), "shape of node 'in' of .* must be integers from 1"),
    "a shape of halves": (put("in", "shape", [1.5]), "shape of node 'in' of .* must be integers from 1"),
    "a shape of many axes": (put("in", "shape", [1] * 9), "shape of node 'in' of .* integers from 1, at most 8"),
    "products that overflow": (
        lambda data: (put("w1", "weight", np.full((6, 4), 1e300))(data), put("s", "scale", np.full(6, 1e300))(data)),
        "has weights or thresholds beyond 1e.60 or its inverse; scale them",
    ),
    "numbers beyond use": (
        put("w1", "weight", np.full((6, 4), 1e100)),
        "has weights or thresholds beyond 1e.60 or its",
    ),
}


@pytest.mark.parametrize(("change", "message"), BAD_GRAPHS.values(), ids=BAD_GRAPHS)
def test_graphs_are_refused(change: Change, message: str) -> None:
    data = data_of(deep())
    change(data)
    with pytest.raises(FormatError, match=message):
        sp.from_nir(untyped(Dictionary(data)), dt_ms=1.0, reset="zero")


def test_a_neuron_is_read_out_once() -> None:
    nodes = {
        "in": nir.Input(np.array([3])),
        "n": lif(3),
        "a": nir.Output(np.array([3])),
        "b": nir.Output(np.array([3])),
    }
    graph = nir.NIRGraph(nodes, [("in", "n"), ("n", "a"), ("n", "b")], type_check=False)
    with pytest.raises(FormatError, match="the graph reads out a neuron twice; read out each neuron once"):
        sp.from_nir(graph, dt_ms=1.0, reset="zero")


def test_a_graph_without_neurons() -> None:
    graph = chain(**{"in": nir.Input(np.array([3])), "out": nir.Output(np.array([3]))})
    with pytest.raises(FormatError, match="the graph has no neurons; LIF, CubaLIF, IF, Threshold, LI, CubaLI, I are"):
        sp.from_nir(graph, dt_ms=1.0, reset="zero")


def test_a_loop_through_two_populations_needs_delays() -> None:
    nodes: dict[str, Any] = {
        "in": nir.Input(np.array([2])),
        "w": nir.Linear(weights(3, 2)),
        "a": lif(3),
        "ab": nir.Linear(weights(3, 3)),
        "b": lif(3, 1),
        "ba": nir.Linear(weights(3, 3)),
        "out": nir.Output(np.array([3])),
    }
    edges = [("in", "w"), ("w", "a"), ("a", "ab"), ("ab", "b"), ("b", "ba"), ("b", "out"), ("ba", "a")]
    with pytest.raises(
        FormatError, match="has a loop through several populations with fewer ticks of Delay than there are of them"
    ):
        sp.from_nir(nir.NIRGraph(nodes, edges), dt_ms=1.0, reset="zero")


def nested(depth: int) -> dict[str, Any]:
    """Return a graph in a graph, so many times."""
    inside = data_of(chain(**{"in": nir.Input(np.array([3])), "n": lif(3), "out": nir.Output(np.array([3]))}))
    for _ in range(depth):
        doors = {"in": {"type": "Input", "shape": np.array([3])}, "out": {"type": "Output", "shape": np.array([3])}}
        edges = [("in", "g"), ("g", "out")]
        inside = {"type": "NIRGraph", "nodes": {**doors, "g": inside}, "edges": edges}
    return inside


def test_graphs_nest_so_deep() -> None:
    assert sp.from_nir(untyped(Dictionary(nested(8))), dt_ms=1.0, reset="zero").n_neurons == 3
    with pytest.raises(FormatError, match=r"the graph 'g\.g\..*' in the graph is nested deeper than 8 graphs"):
        sp.from_nir(untyped(Dictionary(nested(9))), dt_ms=1.0, reset="zero")


# ---------------------------------------------------------------- convolutions


def image_graph(**changes: Any) -> dict[str, Any]:
    """Return a convolution of an image, pooled and read by neurons."""
    convolution = nir.Conv2d((6, 6), np.ones((2, 1, 3, 3)), (1, 1), (0, 0), (1, 1), 1, np.zeros(2))
    nodes = {
        "in": nir.Input(np.array([1, 6, 6])),
        "c": convolution,
        "p": nir.SumPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0])),
        "n": nir.IF(r=np.ones((2, 2, 2)), v_threshold=np.ones((2, 2, 2)), v_reset=np.zeros((2, 2, 2))),
        "out": nir.Output(np.array([2, 2, 2])),
    }
    data = data_of(chain(**nodes))
    for key, value in changes.items():
        name, field = key.split("_", 1)
        data["nodes"][name][field] = value
    return data


WHOLE = "must be integers from"
BAD_IMAGES: dict[str, tuple[dict[str, Any], str]] = {
    "no channels": (
        {"in_shape": np.array([2, 6, 6])},
        r"node 'in' of the graph has shape \[2, 6, 6\]; the next node takes an image of 3 axes, 1",
    ),
    "a flat input": (
        {"in_shape": np.array([36])},
        r"node 'in' of the graph has shape \[36\]; the next node takes an image of 3 axes, 1 channels",
    ),
    "a large kernel": (
        {"c_weight": np.ones((2, 1, 9, 9))},
        r"node 'c' of the graph: the kernel of a convolution, \(9, 9\), must be no larger than its image, \(6, 6\)",
    ),
    "a kernel of five axes": (
        {"c_weight": np.ones((1, 1, 1, 1, 1))},
        r"must have the axes \(to, from, rows, columns\)",
    ),
    "a kernel of a line": (
        {"c_weight": np.ones((2, 1, 3))},
        r"weight of node 'c' .* must have the 4 axes of a Conv2d, got shape \(2, 1, 3\)",
    ),
    "no step": ({"c_stride": np.array([0, 1])}, f"stride of node 'c' of the graph {WHOLE} 1, at most 2, got"),
    "many steps": ({"c_stride": np.array([1, 1, 1])}, f"stride of node 'c' of the graph {WHOLE} 1, at most 2, got"),
    "half a step": ({"p_stride": np.array([0.5, 1])}, f"stride of node 'p' of the graph {WHOLE} 1"),
    "negative padding": ({"c_padding": np.array([-1, 0])}, f"padding of node 'c' of the graph {WHOLE} 0"),
    "unknown padding": ({"c_padding": "reflect"}, "padding of node 'c' of the graph"),
    "the same size with steps": (
        {"c_padding": "same", "c_stride": np.array([2, 2])},
        "pads to the same size, for which stride must be 1, got",
    ),
    "no groups": ({"c_groups": 0}, "groups of node 'c' of the graph|groups of a convolution"),
    "groups that do not divide": (
        {"c_groups": 3, "in_shape": np.array([3, 6, 6])},
        "channels of a convolution must be multiples of its 3 groups",
    ),
    "a wide window": ({"p_kernel_size": np.array([9, 9])}, "node 'p' of the graph"),
    "wide padding": ({"c_padding": np.array([1 << 20, 0])}, "node 'c' of the graph: .* must be from 0 to 65536"),
    "biases of another number": ({"c_bias": np.zeros(3)}, "node 'c' of the graph has 2 rows of weights and 3 biases"),
}


@pytest.mark.parametrize(("changes", "message"), BAD_IMAGES.values(), ids=BAD_IMAGES)
def test_convolutions_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(FormatError, match=message):
        sp.from_nir(untyped(Dictionary(image_graph(**changes))), dt_ms=1.0, reset="zero")


HUGE: dict[str, dict[str, Any]] = {
    "a wide image": {"in_shape": np.array([1, 60000, 60000])},
    "much padding": {"c_padding": np.array([65000, 65000])},
    "many windows": {"in_shape": np.array([1, 4000, 4000]), "p_kernel_size": np.array([3000, 3000])},
    "many synapses": {"in_shape": np.array([1, 3000, 3000]), "p_kernel_size": np.array([50, 50])},
    "many axes": {"in_shape": np.array([60000] * 8)},
}


@pytest.mark.parametrize("changes", HUGE.values(), ids=HUGE)
def test_huge_geometry_takes_no_memory(changes: dict[str, Any]) -> None:
    data = image_graph(**changes)
    data["nodes"]["n"] = {"type": "IF", "r": 1.0, "v_threshold": 1.0}
    tracemalloc.start()
    try:
        with pytest.raises(FormatError):
            sp.from_nir(untyped(Dictionary(data)), dt_ms=1.0, reset="zero")
        assert tracemalloc.get_traced_memory()[1] < 50e6
    finally:
        tracemalloc.stop()


def test_a_short_file_does_not_make_many_neurons() -> None:
    """Nodes without shapes take that of their input: a million channels are neurons, sixteen times as many are not."""
    data = data_of(chain(**{"in": nir.Input(np.array([3])), "n": lif(3), "out": nir.Output(np.array([3]))}))
    data["nodes"]["n"] = {"type": "IF", "r": 1.0, "v_threshold": 1.0}
    data["nodes"]["in"]["shape"] = np.array([1 << 13, 1 << 13])
    with pytest.raises(
        FormatError, match=r"node 'in' of the graph has shape \(8192, 8192\); at most 16777216 channels are supported"
    ):
        sp.from_nir(untyped(Dictionary(data)), dt_ms=1.0, reset="zero")


def test_a_node_whose_edges_have_another_name() -> None:
    """One name that is not there, and one node without edges, are one node: recurrent graphs of snnTorch are so."""
    names = {
        "in": nir.Input(np.array([3])),
        "w": nir.Linear(weights(3, 3)),
        "n": lif(3),
        "out": nir.Output(np.array([3])),
    }
    data = data_of(chain(**names))
    data["edges"].append(("n", "w"))
    right = sp.from_nir(untyped(Dictionary(data)), dt_ms=1.0, reset="zero")
    data["edges"] = [tuple("n1" if end == "n" else end for end in pair) for pair in data["edges"]]
    found = sp.from_nir(untyped(Dictionary(data)), dt_ms=1.0, reset="zero")
    assert [each.name for each in found.populations] == ["n"]
    assert [(each.source, each.delay) for each in found.connections] == [("in", 1), ("n", 1)]
    assert np.array_equal(found.parameters, right.parameters)
    assert found.notes == (
        "the graph has edges of 'n1', which is not there, and none of 'n'; taken for the same node",
        *right.notes,
    )
