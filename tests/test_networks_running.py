"""Networks run in real numbers: bin for bin what NIR's equations give, written out in `plain_nir`."""

from __future__ import annotations

from typing import Any

import nir
import numpy as np
import pytest
from cases import random_raster
from hypothesis import given, settings
from hypothesis import strategies as st
from nir_graphs import (
    DT,
    FLAT,
    IMAGE,
    LINE,
    READOUT_KINDS,
    deep,
    lif,
    random_graph,
    shifted,
    weights,
)
from plain_nir import PlainGraph

import snnprog as sp
from snnprog.arrays import Raster
from snnprog.networks import TrainedNetwork, run_network

CONVENTIONS = st.fixed_dictionaries(
    {
        "reset": st.sampled_from(["zero", "subtract"]),
        "reset_delay": st.sampled_from([0, 1]),
        "compare": st.sampled_from([">", ">="]),
    }
)
SHAPES = st.sampled_from([(4,), (2, 5), (1, 4, 4), (2, 5, 3)])
LAYERS = st.lists(st.sampled_from(sorted({*IMAGE, *LINE, *FLAT})), min_size=1, max_size=6)


def later(values: Any, ticks: int) -> Any:
    """Return rows with so many empty ones before, and as many less at the end."""
    return np.concatenate([np.zeros((ticks, values.shape[1]), dtype=values.dtype), values])[: len(values)]


def check_equal(network: TrainedNetwork, plain: PlainGraph, inputs: Raster) -> int:
    """Check that a network does what a graph does, each population later by its start; return the spikes."""
    plain.run({name: inputs[:, first : first + n] for name, first, n in lines_of(network)})
    (trace,) = run_network(network, [inputs], potentials=True)
    assert trace.potentials is not None
    spikes = 0
    for population in network.populations:
        place = network.neurons_of(population.name)
        levels = later(plain.potentials(population.name), population.start)
        assert np.allclose(
            trace.potentials[population.start :, place], levels[population.start :], rtol=1e-9, atol=1e-9
        )
        if population.is_readout:
            assert not trace.spikes[:, place].any()
            continue
        expected = later(plain.spikes(population.name), population.start)
        assert np.array_equal(trace.spikes[:, place], expected), population.name
        spikes += int(expected.sum())
    return spikes


def lines_of(network: TrainedNetwork) -> list[tuple[str, int, int]]:
    sizes = [int(np.prod(shape)) for shape in network.inputs.values()]
    firsts = np.cumsum([0, *sizes]).tolist()
    return [(name, first, size) for name, first, size in zip(network.inputs, firsts, sizes, strict=False)]


@settings(deadline=None, max_examples=150)
@given(
    seed=st.integers(0, 10**9),
    shape=SHAPES,
    layers=LAYERS,
    readout=st.sampled_from(["none", *READOUT_KINDS]),
    convention=CONVENTIONS,
)
def test_random_graphs_of_all_nodes(
    seed: int, shape: tuple[int, ...], layers: list[str], readout: str, convention: dict[str, Any]
) -> None:
    graph = random_graph(seed, shape=shape, layers=layers, readout=readout)
    network = sp.from_nir(graph, dt_ms=1.0, **convention)
    inputs = random_raster(seed, 25, int(np.prod(shape)), 0.3)
    check_equal(network, PlainGraph(graph, DT, **convention), inputs)


@settings(deadline=None, max_examples=80)
@given(seed=st.integers(0, 10**9), shape=SHAPES, layers=LAYERS, convention=CONVENTIONS)
def test_whole_numbers_meet_their_thresholds(
    seed: int, shape: tuple[int, ...], layers: list[str], convention: dict[str, Any]
) -> None:
    """Where potentials often equal thresholds, both comparisons, both resets and their delay matter."""
    graph = random_graph(seed, shape=shape, layers=layers, is_whole=True)
    network = sp.from_nir(graph, dt_ms=1.0, **convention)
    inputs = random_raster(seed, 25, int(np.prod(shape)), 0.3)
    check_equal(network, PlainGraph(graph, DT, **convention), inputs)


@pytest.mark.parametrize("changes", [{}, shifted(-0.25), shifted(0.125)], ids=["plain", "reset below", "reset above"])
def test_layers_delays_and_ways_around(changes: dict[str, Any]) -> None:
    graph = deep(**changes)
    network = sp.from_nir(graph, dt_ms=1.0, reset="zero")
    assert network.latency.tolist() == [2, 2, 2]
    assert check_equal(network, PlainGraph(graph, DT), random_raster(11, 200, 4, 0.15)) > 100
    assert network.notes == ()


def test_a_loop_of_two_populations_with_delays() -> None:
    nodes: dict[str, Any] = {
        "in": nir.Input(np.array([2])),
        "w": nir.Linear(weights(3, 2)),
        "a": lif(3),
        "ab": nir.Linear(weights(3, 3)),
        "b": lif(3, 1),
        "ba": nir.Linear(weights(3, 3)),
        "wait": nir.Delay(np.full(3, 0.002)),
        "out": nir.Output(np.array([3])),
    }
    edges = [("in", "w"), ("w", "a"), ("a", "ab"), ("ab", "b"), ("b", "ba"), ("b", "out"), ("ba", "wait")]
    graph = nir.NIRGraph(nodes, [*edges, ("wait", "a")])
    network = sp.from_nir(graph, dt_ms=1.0, reset="zero")
    assert check_equal(network, PlainGraph(graph, DT), random_raster(2, 100, 2, 0.3)) > 50


def test_several_inputs_and_outputs() -> None:
    nodes: dict[str, Any] = {
        "x": nir.Input(np.array([2])),
        "y": nir.Input(np.array([3])),
        "v": nir.Linear(weights(4, 2, 1)),
        "w": nir.Linear(weights(4, 3, 2)),
        "n": lif(4),
        "m": lif(4, 1),
        "out": nir.Output(np.array([4])),
        "seen": nir.Output(np.array([4])),
    }
    edges = [("x", "v"), ("y", "w"), ("v", "n"), ("w", "n"), ("w", "m"), ("n", "out"), ("m", "seen")]
    graph = nir.NIRGraph(nodes, edges, type_check=False)
    network = sp.from_nir(graph, dt_ms=1.0, reset="zero")
    assert dict(network.inputs) == {"x": (2,), "y": (3,)}
    assert check_equal(network, PlainGraph(graph, DT), random_raster(2, 100, 5, 0.3)) > 50
    names = {each.name: network.neurons_in(each.name).tolist() for each in network.populations}
    assert network.outputs.tolist() == [*names["n"], *names["m"]]


def test_samples_run_side_by_side() -> None:
    """Samples of all lengths together give what each gives alone, from rest."""
    network = sp.from_nir(deep(), dt_ms=1.0, reset="subtract", reset_delay=1)
    inputs = [random_raster(seed, ticks, 4, 0.3) for seed, ticks in enumerate((7, 50, 1, 33))]
    together = run_network(network, inputs, potentials=True)
    for raster, trace in zip(inputs, together, strict=True):
        (alone,) = run_network(network, [raster], potentials=True)
        assert trace.spikes.shape == (len(raster), network.n_neurons)
        assert np.array_equal(alone.spikes, trace.spikes)
        assert trace.potentials is not None
        assert alone.potentials is not None
        assert np.allclose(alone.potentials, trace.potentials)
    assert run_network(network, []) == []
