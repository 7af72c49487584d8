"""Shapes of inputs as exporters write them, fields of one number, and weights that convolutions share."""

from __future__ import annotations

import itertools
from typing import Any

import nir
import numpy as np
import pytest
from cases import random_raster
from nir_graphs import DT, Dictionary, chain, data_of, random_graph
from plain_nir import PlainGraph
from test_networks_running import check_equal
from untyped import untyped

import snnprog as sp
from snnprog.convolution import Convolution
from snnprog.networks.weights import Kernel, Matrix, after


def read(data: dict[str, Any]) -> sp.networks.TrainedNetwork:
    return sp.from_nir(untyped(Dictionary(data)), dt_ms=1.0, reset="zero")


LINEAR = {"type": "Linear", "weight": np.ones((3, 8))}
NEURON = {"type": "IF", "r": 1.0, "v_threshold": 1.0}


@pytest.mark.parametrize("shape", [[8], [1, 8], [1, 10, 8], [5, 1, 8], [2, 4], [1, 2, 4]])
def test_axes_of_time_and_batch_are_left_out(shape: list[int]) -> None:
    nodes = {"in": {"type": "Input", "shape": np.array(shape)}, "w": LINEAR, "n": NEURON}
    edges = [("in", "w"), ("w", "n"), ("n", "out")]
    network = read({"type": "NIRGraph", "nodes": nodes | {"out": {"type": "Output"}}, "edges": edges})
    assert network.n_inputs == 8
    assert network.populations[0].shape == (3,)


@pytest.mark.parametrize("shape", [[2, 6, 6], [1, 2, 6, 6], [7, 1, 2, 6, 6]])
def test_images_keep_their_axes(shape: list[int]) -> None:
    data = data_of(random_graph(1, shape=(2, 6, 6), layers=["conv2d"]))
    expected = read(data)
    data["nodes"]["in"]["shape"] = np.array(shape)
    assert dict(read(data).inputs) == {"in": (2, 6, 6)} == dict(expected.inputs)


def if_neurons(*shape: int) -> dict[str, Any]:
    return {"type": "IF", "r": np.full(shape, 1000.0), "v_threshold": np.ones(shape)}


def test_axes_of_a_batch_in_all_nodes_and_shapes_of_zeros() -> None:
    """As sinabs wrote a convolutional network with NIR 0.2."""
    rng = np.random.default_rng(5)
    sliding: dict[str, Any] = {
        "stride": np.array([2, 2]),
        "padding": np.array([1, 1]),
        "dilation": np.array([1, 1]),
        "groups": 1,
    }
    conv = {"type": "Conv2d", "weight": rng.normal(0.2, 0.5, (3, 2, 3, 3)), "bias": np.zeros(3), **sliding}
    nodes: dict[str, dict[str, Any]] = {
        "in": {"type": "Input", "shape": np.array([2, 8, 8])},
        "0": conv,
        "1": if_neurons(3, 4, 4),
        "2": conv
        | {"weight": rng.normal(0.2, 0.5, (4, 3, 3, 3)), "bias": np.zeros(4), "input_shape": np.array([4, 4])},
        "3": if_neurons(4, 2, 2),
        "4": {"type": "SumPool2d", **dict.fromkeys(("kernel_size", "stride"), np.array([2, 2])), "padding": [0, 0]},
        "5": {"type": "Flatten", "start_dim": 0, "end_dim": -1},
        "6": {"type": "Linear", "weight": rng.normal(0.5, 0.5, (3, 4))},
        "7": if_neurons(3),
        "out": {"type": "Output"},
    }
    batched = {name: dict(node) for name, node in nodes.items()}
    for name in ("1", "3", "7"):
        for field in ("r", "v_threshold"):
            batched[name][field] = nodes[name][field][None]
    batched["in"]["shape"] = np.array([1, 2, 8, 8])
    batched["2"]["input_shape"] = np.array([0, 0])
    batched["5"] |= {"start_dim": 1, "input_type": np.zeros(4, np.int64)}
    edges = list(itertools.pairwise(nodes))
    one, other = (read({"type": "NIRGraph", "nodes": each, "edges": edges}) for each in (nodes, batched))
    inputs = random_raster(8, 40, 128, 0.3)
    (trace,), (same,) = (sp.networks.run_network(each, [inputs]) for each in (one, other))
    assert np.array_equal(trace.spikes, same.spikes)
    assert trace.spikes[:, one.outputs].any()
    batched["5"]["input_type"] = np.array([0, 4, 1, 1])
    with pytest.raises(sp.FormatError, match=r"input_type of .* must be integers from 1"):
        read({"type": "NIRGraph", "nodes": batched, "edges": edges})


def test_one_number_stands_for_all() -> None:
    fields = {"tau": 0.01, "r": 12.0, "v_leak": 0.0, "v_threshold": 1.0, "v_reset": 0.0}
    inputs = random_raster(3, 60, 8, 0.3)
    traces = []
    for shape in ((), (1,), (3,)):
        node = {"type": "LIF", **{name: np.full(shape, value) for name, value in fields.items()}}
        mixed = node | {"tau": np.full((3,), 0.01)}
        for each in (node, mixed):
            nodes = {"in": {"type": "Input", "shape": np.array([8])}, "w": LINEAR, "n": each, "out": {"type": "Output"}}
            edges = [("in", "w"), ("w", "n"), ("n", "out")]
            network = read({"type": "NIRGraph", "nodes": nodes, "edges": edges})
            traces.append(sp.networks.run_network(network, [inputs])[0].spikes)
    assert all(np.array_equal(trace, traces[0]) for trace in traces)
    assert traces[0].any()


def test_fields_of_old_versions_are_inferred() -> None:
    """nir 0.1 wrote no v_reset, w_in, input_type and input_shape, and paddings as single numbers or words."""
    convolution = {"type": "Conv2d", "weight": np.ones((2, 1, 3, 3)), "bias": np.zeros(2), "padding": 1, "stride": 2}
    nodes = {
        "in": {"type": "Input", "shape": np.array([1, 6, 6])},
        "c": convolution | {"dilation": 1, "groups": 1},
        "n": {"type": "LIF", "tau": 0.01, "r": 1.0, "v_leak": 0.0, "v_threshold": 1.0},
        "f": {"type": "Flatten", "start_dim": 0, "end_dim": -1},
        "w": {"type": "Linear", "weight": np.ones((2, 18))},
        "o": {"type": "CubaLIF", "tau_mem": 0.01, "tau_syn": 0.01, "r": 1.0, "v_leak": 0.0, "v_threshold": 1.0},
        "out": {"type": "Output", "shape": np.array([2])},
    }
    names = list(nodes)
    data = {"type": "NIRGraph", "nodes": nodes, "edges": list(itertools.pairwise(names))}
    assert [each.shape for each in read(data).populations] == [(2, 3, 3), (2,)]
    for padding, side in (("valid", 4), ("same", 6), (np.array("same"), 6), ((0, 0), 4), (np.array([2]), 8)):
        nodes["c"] = convolution | {"padding": padding, "stride": np.array([1, 1])}
        nodes["w"] = {"type": "Linear", "weight": np.ones((2, 2 * side**2))}
        assert read(data).populations[0].shape == (2, side, side)


def test_a_flat_image_takes_the_shape_that_its_convolution_tells() -> None:
    """Spyx and snnTorch lead a Linear to a convolution, where only `input_shape` tells the image."""
    nodes: dict[str, Any] = {
        "in": nir.Input(np.array([4])),
        "w": nir.Linear(np.arange(48.0).reshape(12, 4) / 40),
        "c": nir.Conv1d(6, np.ones((3, 2, 2)), 1, 0, 1, 1, np.zeros(3)),
        "n": nir.LIF(
            tau=np.full((3, 5), 0.01), r=np.full((3, 5), 5.0), v_leak=np.zeros((3, 5)), v_threshold=np.ones((3, 5))
        ),
        "out": nir.Output(np.array([3, 5])),
    }
    graph = chain(**nodes)
    network = sp.from_nir(graph, dt_ms=1.0, reset="zero")
    assert network.populations[0].shape == (3, 5)
    (trace,) = sp.networks.run_network(network, [random_raster(1, 20, 4, 0.5)])
    assert trace.spikes.shape == (20, 15)


def test_a_shape_that_nothing_tells() -> None:
    nodes = {"in": {"type": "Input", "shape": np.array([3])}, "n": NEURON, "m": NEURON, "out": {"type": "Output"}}
    data = {"type": "NIRGraph", "nodes": nodes, "edges": [("m", "n"), ("n", "m"), ("n", "out")]}
    with pytest.raises(sp.FormatError, match="its number of channels is unknown, as none of its inputs has one"):
        read(data)


# ---------------------------------------------------------------- weights stay shared


def fires(*shape: int) -> nir.IF:
    return nir.IF(r=np.full(shape, 1000.0), v_threshold=np.ones(shape), v_reset=np.zeros(shape))


def test_convolutions_stay_shared() -> None:
    nodes: dict[str, Any] = {
        "in": nir.Input(np.array([2, 8, 8])),
        "c": nir.Conv2d((8, 8), np.full((3, 2, 3, 3), 0.5), (1, 1), (1, 1), (1, 1), 1, np.zeros(3)),
        "a": fires(3, 8, 8),
        "p": nir.SumPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0])),
        "d": nir.Conv2d((4, 4), np.full((2, 3, 3, 3), 0.2), (1, 1), (0, 0), (1, 1), 1, np.full(2, 0.1)),
        "b": fires(2, 2, 2),
        "f": nir.Flatten({"input": np.array([2, 2, 2])}, start_dim=0, end_dim=-1),
        "w": nir.Linear(np.ones((3, 8))),
        "e": fires(3),
        "out": nir.Output(np.array([3])),
    }
    network = sp.from_nir(chain(**nodes), dt_ms=1.0, reset="zero")
    assert [type(each.weights) for each in network.connections] == [Kernel, Kernel, Matrix]
    assert network.n_parameters == 54 + 54 + 24
    assert network.n_synapses == 2904 + 2 * 4 * 3 * 9 * 4 + 24
    result = sp.quantize(network)
    assert result.program.n_synapses == network.n_synapses + 8  # those of the neuron that drives b from tick 2 on
    assert result.mismatch.wrong_bins == 0


def convolution(**changes: Any) -> Convolution:
    fields: dict[str, Any] = {"channels": (2, 2), "image": (6, 6), "kernel": (1, 1), "groups": 2}
    return Convolution(**(fields | changes))


@pytest.mark.parametrize(
    ("second", "is_shared"),
    [
        ({"channels": (2, 3), "image": (3, 3), "kernel": (2, 2), "groups": 1, "before": (1, 1)}, True),
        ({"channels": (2, 2), "image": (3, 3), "kernel": (2, 1), "stride": (2, 1)}, True),
        ({"image": (3, 3), "pool": (2, 2)}, False),
        ({"image": (3, 3), "pool_stride": (2, 2)}, False),
    ],
)
def test_what_is_pooled_first_is_one_convolution(second: dict[str, Any], is_shared: bool) -> None:
    rng = np.random.default_rng(0)
    pool = convolution(pool=(2, 2), pool_stride=(2, 2))
    first = Kernel(pool, rng.normal(size=pool.weight_shape))
    geometry = convolution(**second)
    then = Kernel(geometry, rng.normal(size=geometry.weight_shape))
    joined = after(first, then)
    assert isinstance(joined, Kernel if is_shared else Matrix)
    assert np.allclose(joined.matrix.toarray(), then.matrix.toarray() @ first.matrix.toarray())


def test_neurons_that_differ_share_no_scale() -> None:
    """Thresholds of one channel that differ from place to place: each neuron is scaled for itself."""
    shape = (2, 3, 3)
    rng = np.random.default_rng(4)
    conv = nir.Conv2d((4, 4), rng.normal(0.5, 1.0, (2, 1, 2, 2)), (1, 1), (0, 0), (1, 1), 1, np.zeros(2))
    thresholds = rng.uniform(0.5, 3.0, shape)
    lif = nir.LIF(np.full(shape, 0.01), np.full(shape, 10.0), np.zeros(shape), thresholds)
    graph = chain(**{"in": nir.Input(np.array([1, 4, 4])), "c": conv, "n": lif, "out": nir.Output(np.array(shape))})
    network = sp.from_nir(graph, dt_ms=1.0, reset="zero")
    inputs = random_raster(2, 100, 16, 0.3)
    assert check_equal(network, PlainGraph(graph, DT), inputs) > 100
    result = sp.quantize(network, inputs=[inputs])
    changes = {change.quantity: change for change in result.changes}
    assert changes["threshold"].share.max() < 0.01
    assert result.wrong_bins is not None
    assert result.wrong_bins < 0.02 * result.mismatch.spikes
