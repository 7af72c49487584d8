"""What each exporter's networks do, against its tool's own neurons in `plain_tools`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import nir
import numpy as np
import plain_tools
import pytest
from cases import random_raster
from hypothesis import given, settings
from hypothesis import strategies as st
from nir_graphs import chain, cuba, lif
from plain_tools import Layer

import snnprog as sp
from snnprog.errors import SpecError
from snnprog.networks import run_network
from snnprog.networks.convention import EXPORTERS, Convention

Maker = Callable[..., Layer]


def snntorch_of(kind: str, reset: str, is_delayed: bool = True) -> Maker:
    return partial(plain_tools.snntorch, kind=kind, reset=reset, is_delayed=is_delayed)


TOOLS: Mapping[str, tuple[Maker, dict[str, Any]]] = {
    **{
        f"snntorch {kind}": (snntorch_of(kind, "subtract"), {}) for kind in ("Leaky", "Synaptic", "RLeaky", "RSynaptic")
    },
    **{
        f"snntorch {kind}, to zero": (snntorch_of(kind, "zero"), {"reset": "zero"})
        for kind in ("Leaky", "Synaptic", "RLeaky", "RSynaptic")
    },
    **{
        f"snntorch {kind}, {reset}, not delayed": (snntorch_of(kind, reset, False), {"reset": reset, "reset_delay": 0})
        for kind in ("Leaky", "Synaptic", "RLeaky")
        for reset in ("subtract", "zero")
    },
    **{f"norse {kind}": (partial(plain_tools.norse, kind=kind), {}) for kind in ("LIFBoxCell", "LIFCell", "IAFCell")},
    **{
        f"norse {kind} of 1.1": (partial(plain_tools.norse, kind=kind, factor=0.001), {})
        for kind in ("LIFBoxCell", "LIFCell")
    },
    **{f"sinabs {kind}": (partial(plain_tools.sinabs, kind=kind), {}) for kind in ("IAF", "LIF")},
    **{f"rockpool {kind}": (partial(plain_tools.rockpool, kind=kind), {}) for kind in ("LIFTorch", "LIFNeuronTorch")},
    "rockpool, steps of 10 ms": (partial(plain_tools.rockpool, kind="LIFTorch", dt=0.01), {}),
    **{f"spyx {kind}": (partial(plain_tools.spyx, kind=kind), {}) for kind in ("IF", "LIF", "CuBaLIF", "RLIF")},
    "spyx, steps of 1 ms": (partial(plain_tools.spyx, kind="LIF", dt=0.001), {}),
}
READOUTS: Mapping[str, Maker] = {
    "norse LIBoxCell": partial(plain_tools.norse, kind="LIBoxCell"),
    "sinabs ExpLeak": partial(plain_tools.sinabs, kind="ExpLeak"),
    "rockpool ExpSynTorch": partial(plain_tools.rockpool, kind="ExpSynTorch"),
    "spyx LI": partial(plain_tools.spyx, kind="LI"),
}
SPIKING = {
    "norse": partial(plain_tools.norse, kind="LIFBoxCell"),
    "sinabs": partial(plain_tools.sinabs, kind="IAF"),
    "rockpool": partial(plain_tools.rockpool, kind="LIFTorch"),
    "spyx": partial(plain_tools.spyx, kind="LIF"),
}


def graph_of(first: Layer, second: Layer, weights: list[Any], bias: Any) -> nir.NIRGraph:
    nodes: dict[str, Any] = {
        "in": nir.Input(np.array([5])),
        "fc1": nir.Affine(weights[0], bias),
        "a": first.node,
        "fc2": nir.Linear(weights[1]),
        "b": second.node,
        "out": nir.Output(np.array([3])),
    }
    return chain(**nodes)


def drawn(seed: int, first: Maker, second: Maker) -> tuple[nir.NIRGraph, list[Any], Any]:
    """Return two layers of a tool as NIR, what they give on an input, and the input."""
    rng = np.random.default_rng(seed)
    layers = first(rng, 4), second(rng, 3)
    weights, bias = [rng.normal(0.4, 0.8, (4, 5)), rng.normal(0.4, 0.8, (3, 4))], rng.normal(0.0, 0.05, 4)
    inputs, sent = random_raster(seed, 40, 5, 0.3), []
    for row in inputs.astype(float):
        hidden = layers[0].step(weights[0] @ row + bias)
        sent.append((hidden, layers[1].step(weights[1] @ hidden)))
    outs = [np.array(column) for column in zip(*sent, strict=True)]
    lags = [layers[0].lag, layers[0].lag + layers[1].lag]
    return (
        graph_of(*layers, weights, bias),
        [np.roll(out, -lag, 0)[: 40 - lag] for out, lag in zip(outs, lags, strict=True)],
        inputs,
    )


@pytest.mark.parametrize("tool", TOOLS)
def test_a_tool_s_own_neurons(tool: str) -> None:
    make, options = TOOLS[tool]
    exporter = tool.partition(" ")[0].strip(",")

    @settings(deadline=None, max_examples=15)
    @given(seed=st.integers(0, 10**9))
    def check(seed: int) -> None:
        graph, expected, inputs = drawn(seed, make, make)
        network = sp.from_nir(graph, exporter=exporter, **options)
        (trace,) = run_network(network, [inputs])
        for population, counts in zip(network.populations, expected, strict=True):
            found = trace.counts[:, network.neurons_of(population.name)][population.start :]
            size = min(len(found), len(counts))
            assert np.array_equal(found[:size], counts[:size]), population.name

    check()


@pytest.mark.parametrize("tool", READOUTS)
def test_a_tool_s_readout(tool: str) -> None:
    exporter = tool.partition(" ")[0]
    graph, (_, levels), inputs = drawn(7, SPIKING[exporter], READOUTS[tool])
    network = sp.from_nir(graph, exporter=exporter)
    (trace,) = run_network(network, [inputs], potentials=True)
    assert trace.potentials is not None
    found = trace.potentials[2:, network.outputs]
    size = min(len(found), len(levels))
    assert np.allclose(found[:size], levels[:size])
    assert not trace.spikes[:, network.outputs].any()


# ---------------------------------------------------------------- the table


def test_explicit_options_win() -> None:
    graph = chain(**{"in": nir.Input(np.array([3])), "n": lif(3), "out": nir.Output(np.array([3]))})
    network = sp.from_nir(graph, exporter="sinabs", dt_ms=0.5, reset="zero", reset_delay=1, compare=">")
    own = network.convention
    assert (network.dt_ms, own.reset, own.reset_delay, own.compare) == (0.5, "zero", 1, ">")
    assert (own.equations, own.many) == ("sinabs", False)  # what is reset to 0 spikes once
    usual = sp.from_nir(graph, exporter="norse").convention
    assert (usual.reset, usual.reset_delay, usual.compare) == ("zero", 0, ">")


@pytest.mark.parametrize(
    ("exporter", "kind", "reset", "is_recurrent", "delay"),
    [
        ("snntorch", "LIF", "subtract", False, 1),
        ("snntorch", "LIF", "zero", False, 0),
        ("snntorch", "LIF", "zero", True, 1),
        ("snntorch", "CubaLIF", "zero", False, 1),
        ("spyx", "LIF", "subtract", False, 1),
        ("spyx", "CubaLIF", "subtract", True, 0),
        ("norse", "LIF", "zero", False, 0),
        ("snntorch", "Threshold", "zero", True, 0),
    ],
)
def test_when_neurons_are_reset(exporter: str, kind: str, reset: str, is_recurrent: bool, delay: int) -> None:
    convention = replace(EXPORTERS[exporter].convention, reset=reset)
    assert convention.reset_delay_of(kind, is_recurrent=is_recurrent) == delay


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {},
            "dt_ms must be given: the milliseconds of a tick, or exporter=, the tool that wrote the graph"
            r" \(--from TOOL on the command line; or --dt-ms, and --reset zero or subtract where the graph has no"
            r" reset\)",
        ),
        ({"dt_ms": 1.0}, "reset must be 'zero' or 'subtract': NIR does not define the effect of a spike on the"),
        ({"dt_ms": 1.0, "reset": "up"}, "reset must be 'zero' or 'subtract', got 'up'"),
        ({"dt_ms": 1.0, "reset": "zero", "reset_delay": 2}, "reset_delay must be 0 or 1, got 2"),
        ({"dt_ms": 1.0, "reset": "zero", "reset_delay": True}, "reset_delay must be 0 or 1, got True"),
        ({"dt_ms": 1.0, "reset": "zero", "compare": "<"}, "compare must be '>' or '>=', got '<'"),
        (
            {"exporter": "keras"},
            "exporter must be one of snntorch, norse, sinabs, rockpool, spyx, lava-dl, got 'keras'",
        ),
        ({"dt_ms": 0.0, "reset": "zero"}, "dt_ms"),
        ({"exporter": "rockpool"}, "dt_ms must be given: neurons of the graph have steps from .* ms, but"),
        ({"exporter": "spyx"}, "dt_ms must be given: neurons of the graph have steps from .* ms, but spyx"),
    ],
)
def test_options_are_refused(options: dict[str, Any], message: str) -> None:
    graph = chain(**{"in": nir.Input(np.array([3])), "n": lif(3), "out": nir.Output(np.array([3]))})
    with pytest.raises(SpecError, match=message):
        sp.from_nir(graph, **options)


def test_a_convention_has_known_equations() -> None:
    with pytest.raises(SpecError, match="equations must be 'nir' or 'norse' or 'sinabs' or 'rockpool' or 'spyx', got"):
        Convention(equations="brian")


def test_a_graph_that_resets_to_a_value_says_so() -> None:
    node = cuba(3, v_reset=np.full(3, 0.1), v_leak=np.full(3, 0.1))
    graph = chain(**{"in": nir.Input(np.array([3])), "n": node, "out": nir.Output(np.array([3]))})
    assert sp.from_nir(graph, dt_ms=1.0).convention.reset == "zero"


def test_other_steps_than_the_exporter_s_are_noted() -> None:
    graph = chain(**{"in": nir.Input(np.array([3])), "n": lif(3), "out": nir.Output(np.array([3]))})
    (note,) = sp.from_nir(graph, exporter="snntorch", dt_ms=1.0).notes
    assert note == (
        "dt_ms is 1, and snntorch writes time constants for steps of 0.1 ms: they now last 0.1 times as many ticks"
    )
    assert sp.from_nir(graph, exporter="snntorch", dt_ms=0.1).notes == ()
    assert sp.from_nir(graph, exporter="norse", dt_ms=0.5).notes == ()


def test_times_of_old_norse_are_noted() -> None:
    graph, *_ = drawn(3, partial(plain_tools.norse, kind="LIFBoxCell", factor=0.001), SPIKING["norse"])
    old = chain(**{name: graph.nodes[name] for name in ("in", "fc1", "a", "out")})
    network = sp.from_nir(old, exporter="norse")
    assert network.dt_ms == 0.001
    assert "taken as written by Norse 1.1 or older, times its dt; a tick, 1 ms of the network" in network.notes[0]


def test_neurons_without_time_constants_tell_no_step() -> None:
    node = nir.IF(r=np.ones(3), v_threshold=np.ones(3))
    graph = chain(**{"in": nir.Input(np.array([3])), "n": node, "out": nir.Output(np.array([3]))})
    found = {name: sp.from_nir(graph, exporter=name).dt_ms for name in EXPORTERS}
    assert found == {"snntorch": 0.1, "norse": 1.0, "sinabs": 1000.0, "rockpool": 1.0, "spyx": 1000.0, "lava-dl": 1.0}
