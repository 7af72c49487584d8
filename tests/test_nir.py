"""NIR: compiled programs out and in again, graphs of others in, held against the equations of NIR written out here."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nir
import numpy as np
import pytest
from cases import random_raster
from hypothesis import given, settings
from hypothesis import strategies as st
from untyped import untyped

import snnprog as sp
from snnprog import cli
from snnprog.arrays import Floats, Raster
from snnprog.emit import to_nir, write_nir
from snnprog.errors import FormatError, LimitError, SpecError
from snnprog.files import hdf5_process
from snnprog.files.hdf5 import Hdf5
from snnprog.networks import NirNetwork, from_nir, quantize_nir
from snnprog.networks.graph import graph_of_file
from snnprog.networks.importing import network_of
from snnprog.simulate import simulate

DT_MS = 1.0


# ---------------------------------------------------------------- NIR's equations, node by node


class Reference:
    """Runs a graph with steps of dt: forward Euler, currents before potentials, nodes in the order of the edges.

    A connection of a population with itself, and any other that leads back in the order, takes one step.
    """

    def __init__(self, graph: nir.NIRGraph, order: list[str], dt: float) -> None:
        self.nodes, self.edges, self.order, self.dt = graph.nodes, graph.edges, order, dt

    def run(self, inputs: Raster) -> dict[str, Raster]:
        """Return the spikes (steps, neurons) of each population."""
        self.state: dict[str, dict[str, Floats]] = {name: {} for name in self.order}
        self.sent: dict[str, list[Floats]] = {name: [] for name in self.order}
        for step in range(len(inputs)):
            for name in self.order:
                if isinstance(self.nodes[name], nir.Input):
                    value = inputs[step].astype(float)
                else:
                    value = self.through(name, step)
                self.sent[name].append(value)
        spiking = (nir.LIF, nir.CubaLIF, nir.IF)
        return {name: np.array(sent) > 0 for name, sent in self.sent.items() if isinstance(self.nodes[name], spiking)}

    def arriving(self, name: str, step: int, delay: int = 0) -> Floats:
        """Return the sum of what leads to a node, as it was so many steps ago; what leads back, a step earlier."""
        total: Any = 0.0
        for source, target in self.edges:
            if target == name:
                is_back = self.order.index(source) >= self.order.index(name)
                when = step - max(delay, int(is_back))
                width = int(np.prod(next(iter(self.nodes[source].output_type.values()))))
                total = total + (self.sent[source][when] if when >= 0 else np.zeros(width))
        return np.asarray(total)

    def through(self, name: str, step: int) -> Floats:
        node = self.nodes[name]
        if isinstance(node, nir.Delay):
            lags = np.rint(node.delay / self.dt).astype(int).tolist()
            return np.array([self.arriving(name, step, lag)[channel] for channel, lag in enumerate(lags)])
        x = self.arriving(name, step)
        if isinstance(node, nir.Affine):
            return np.asarray(node.weight @ x + node.bias)
        if isinstance(node, nir.Linear):
            return np.asarray(node.weight @ x)
        if isinstance(node, nir.Scale):
            return np.asarray(node.scale * x)
        if isinstance(node, nir.Output):
            return x
        return self.neurons(node, self.state[name], x)

    def neurons(self, node: Any, state: dict[str, Floats], x: Floats) -> Floats:
        dt, v = self.dt, state.get("v", node.v_reset.copy())
        if isinstance(node, nir.IF):
            v = v + dt * node.r * x
        elif isinstance(node, nir.LIF):
            v = v + dt / node.tau * (node.v_leak - v + node.r * x)
        else:
            i = state.get("i", np.zeros_like(v))
            state["i"] = i = i + dt / node.tau_syn * (-i + node.w_in * x)
            v = v + dt / node.tau_mem * (node.v_leak - v + node.r * i)
        z = v > node.v_threshold
        state["v"] = np.where(z, node.v_reset, v)
        spikes: Floats = z.astype(float)
        return spikes


def outputs_of(graph: nir.NIRGraph, order: list[str], inputs: Raster, dt_ms: float = DT_MS) -> Raster:
    """Return the spikes of the one population that is read out."""
    (last,) = [source for source, target in graph.edges if isinstance(graph.nodes[target], nir.Output)]
    return Reference(graph, order, dt_ms / 1000.0).run(inputs)[last]


def order_of(graph: nir.NIRGraph) -> list[str]:
    """Return an order of an exported graph's nodes in which only connections of a population with itself lead back."""
    populations = [name for name in ("hidden", "readout") if name in graph.nodes]
    delays = [name for name in graph.nodes if "_after_" in name]
    linear = [name for name, node in graph.nodes.items() if isinstance(node, nir.Linear)]
    direct = [target for source, target in graph.edges if source in populations and target in linear]
    return ["input", *delays, *(name for name in linear if name not in direct), *populations, *direct, "output"]


def later(raster: Raster, ticks: int) -> Raster:
    """Return a raster with so many silent ticks before, and as many less at its end."""
    delayed: Raster = np.concatenate([np.zeros((ticks, raster.shape[1]), dtype=bool), raster])[: len(raster)]
    return delayed


def synapses_of(program: sp.Program) -> list[tuple[int, ...]]:
    columns = (program.pre, program.post, program.delay, program.effective_weight())
    return sorted(zip(*(column.tolist() for column in columns), strict=True))


def compiled(**options: Any) -> tuple[sp.Program, Raster]:
    """Return a program that is certified to make some spikes, and its input."""
    inputs = random_raster(3, 50, 8, 0.2)
    targets = random_raster(5, 50, 3, 0.06)
    targets[:6] = False
    spec = sp.Spec([sp.Pattern(inputs, targets)], **({"delays": [1, 2, 3, 5, 8, 9]} | options))
    result = sp.compile(spec)
    assert result.report.status == "exact"
    return result.program, inputs


COMPILED: dict[str, dict[str, Any]] = {
    "several delays": {},
    "no delay of one": {"delays": [2, 3, 4, 6, 9, 10]},
    "recurrent": {"recurrent": True},
    "slow currents": {"dynamics": sp.Dynamics(potential_decay=300, current_decay=2000)},
    "a bias": {"bias": 4},
}


@pytest.mark.parametrize("options", COMPILED.values(), ids=COMPILED)
def test_a_compiled_program_out_and_in_again(tmp_path: Path, options: dict[str, Any]) -> None:
    program, inputs = compiled(**options)
    write_nir(tmp_path / "p.nir", program, dt_ms=DT_MS)
    graph = nir.read(tmp_path / "p.nir")
    (trace,) = simulate(program, [inputs])
    ahead = int(graph.metadata["latency_ticks"])
    assert np.array_equal(later(outputs_of(graph, order_of(graph), inputs), ahead), trace.spikes)
    network = from_nir(tmp_path / "p.nir", dt_ms=DT_MS)
    assert set(network.latency.tolist()) == {ahead}
    back = quantize_nir(network, inputs=[inputs])
    assert (back.wrong_bins, back.spikes, back.is_repaired) == (0, int(trace.spikes.sum()), False)
    assert synapses_of(back.program) == synapses_of(program)
    for name in ("outputs", "threshold", "current_decay", "potential_decay", "bias"):
        assert np.array_equal(getattr(back.program, name), getattr(program, name)), name
    assert [change.changed for change in back.changes] == [0] * 6


def by_hand(**changes: Any) -> sp.Program:
    """Return two hidden neurons and two that are read out, in another order, with connections of all sorts."""
    arrays: dict[str, Any] = {
        "chip": "loihi1",
        "n_inputs": 2,
        "n_neurons": 4,
        "outputs": [3, 1],
        "pre": [0, 1, 2, 4, 3, 5, 5],
        "post": [0, 2, 3, 1, 1, 3, 0],
        "delay": [1, 1, 2, 1, 4, 1, 3],
        "weight": [90, 80, 70, 60, -30, 200, -50],
        "exponent": [0, 0, 0, 1, 0, 0, 2],
        "threshold": [50, 60, 70, 64],
        "current_decay": [4095, 1000, 4095, 0],
        "potential_decay": [200, 4095, 100, 50],
    }
    return sp.Program.from_arrays(**(arrays | changes))


@pytest.mark.parametrize("bias", [[0, 0, 0, 0], [0, 64, -32, 16]])
def test_hidden_neurons_out_and_in_again(bias: list[int]) -> None:
    program = by_hand(bias=bias)
    graph = to_nir(program, dt_ms=0.5)
    network = from_nir(graph, dt_ms=0.5)
    back = quantize_nir(network)
    order = [0, 2, 3, 1]  # hidden ones first, then the outputs in their order
    assert back.program.outputs.tolist() == [2, 3]
    for name in ("threshold", "current_decay", "potential_decay", "bias"):
        assert getattr(back.program, name).tolist() == getattr(program, name)[order].tolist()
    place = {**{line: line for line in range(2)}, **{2 + old: 2 + new for new, old in enumerate(order)}}
    renamed = [(place[pre], place[2 + post] - 2, delay, weight) for pre, post, delay, weight in synapses_of(program)]
    assert synapses_of(back.program) == sorted(renamed)
    inputs = random_raster(9, 80, 2, 0.3)
    (ours,), (theirs,) = simulate(program, [inputs]), simulate(back.program, [inputs])
    assert np.array_equal(ours.spikes, theirs.spikes)
    assert ours.spikes.any(axis=0).all()


def test_nothing_lost_is_an_if(tmp_path: Path) -> None:
    program = by_hand(current_decay=[4095] * 4, potential_decay=[0] * 4)
    write_nir(tmp_path / "p.nir", program, dt_ms=1.0)
    graph = nir.read(tmp_path / "p.nir")
    assert isinstance(graph.nodes["readout"], nir.IF)
    back = quantize_nir(from_nir(tmp_path / "p.nir", dt_ms=1.0)).program
    assert back.potential_decay.tolist() == [0] * 4
    assert back.current_decay.tolist() == [4095] * 4


def test_one_layer_needs_no_delay_nodes(tmp_path: Path) -> None:
    program = by_hand(outputs=[0, 1, 2, 3], delay=[1] * 7)
    assert not any(isinstance(node, nir.Delay) for node in to_nir(program, dt_ms=1.0).nodes.values())


def test_files_are_the_same_twice(tmp_path: Path) -> None:
    for name in "ab":
        write_nir(tmp_path / f"{name}.nir", by_hand(), dt_ms=1.0)
    assert (tmp_path / "a.nir").read_bytes() == (tmp_path / "b.nir").read_bytes()


@pytest.mark.parametrize(
    ("changes", "dt_ms", "message"),
    [
        ({"potential_decay": [200, 0, 100, 50]}, 1.0, r"neuron 1 loses nothing of its potential; NIR has such neurons"),
        ({"refractory": [1, 1, 3, 2]}, 1.0, "neuron 2 has a refractory period of 3 ticks; NIR's neurons have none"),
        ({"potential_decay": [0] * 4}, 1.0, "loses nothing of its potential"),
        ({}, 0.0, "dt_ms is 0.0; a positive number of milliseconds is needed"),
        ({}, None, "dt_ms is None; a positive number"),
    ],
)
def test_what_nir_has_no_neurons_for(changes: dict[str, Any], dt_ms: Any, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        to_nir(by_hand(**changes), dt_ms=dt_ms)


def test_a_chip_of_another_reset() -> None:
    program = sp.Program.from_arrays(
        chip="xylo", n_inputs=1, n_neurons=1, pre=[0], post=[0], weight=[9], threshold=5, potential_decay=1
    )
    with pytest.raises(SpecError, match="the program is for xylo, whose neurons do not reset to 0"):
        to_nir(program, dt_ms=1.0)
    network = from_nir(to_nir(by_hand(), dt_ms=1.0), dt_ms=1.0)
    with pytest.raises(SpecError, match="chip is 'xylo', whose neurons do not reset to 0"):
        quantize_nir(network, chip="xylo")


# ---------------------------------------------------------------- graphs of others


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


def deep(**changes: Any) -> tuple[nir.NIRGraph, list[str]]:
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
    edges = [
        ("in", "w1"),
        ("w1", "s"),
        ("s", "a"),
        ("a", "rec"),
        ("rec", "a"),
        ("a", "d"),
        ("d", "w2"),
        ("w2", "b"),
        ("in", "far"),
        ("far", "skip"),
        ("skip", "b"),
        ("b", "out"),
    ]
    order = ["in", "w1", "s", "a", "rec", "d", "w2", "far", "skip", "b", "out"]
    return nir.NIRGraph(nodes | changes, edges), order


def shifted(v_reset: float) -> dict[str, Any]:
    """Return neurons with potentials that are counted from elsewhere."""
    return {
        "a": cuba(6, 2, v_reset=np.full(6, v_reset), v_leak=np.full(6, v_reset)),
        "b": lif(3, 6, v_reset=np.full(3, v_reset), v_leak=np.full(3, v_reset)),
    }


@pytest.mark.parametrize("changes", [{}, shifted(-0.25), shifted(0.125)], ids=["plain", "reset below", "reset above"])
def test_the_network_spikes_as_the_equations(changes: dict[str, Any]) -> None:
    graph, order = deep(**changes)
    network = from_nir(graph, dt_ms=1.0)
    inputs = random_raster(11, 200, 4, 0.15)
    (spikes,) = network.run([inputs])
    assert network.latency.tolist() == [2, 2, 2]
    theirs = Reference(graph, order, 0.001).run(inputs)
    assert np.array_equal(spikes[:, network.outputs], later(theirs["b"], 2))
    assert np.array_equal(spikes[:, :6], later(theirs["a"], 1))
    assert 20 < theirs["b"].sum() < 500
    assert network.notes == ()


def test_a_file_of_nir_is_what_the_graph_is(tmp_path: Path) -> None:
    graph, _ = deep()
    nir.write(tmp_path / "deep.nir", graph)
    there, here = from_nir(tmp_path / "deep.nir", dt_ms=1.0), from_nir(graph, dt_ms=1.0)
    for name, value in vars(here).items():
        if isinstance(value, np.ndarray):
            assert np.array_equal(getattr(there, name), value), name
    assert there.name == str(tmp_path / "deep.nir")


def test_nested_graphs_are_laid_open() -> None:
    """Recurrent layers of torch's tools are graphs in the graph."""
    inner = nir.NIRGraph(
        {
            "input": nir.Input(np.array([5])),
            "lif": cuba(5),
            "w_rec": nir.Linear(weights(5, 5) / 4),
            "output": nir.Output(np.array([5])),
        },
        [("input", "lif"), ("lif", "w_rec"), ("w_rec", "lif"), ("lif", "output")],
    )
    outer = {"input": nir.Input(np.array([3])), "fc": nir.Linear(weights(5, 3)), "output": nir.Output(np.array([5]))}
    edges = [("input", "fc"), ("fc", "layer"), ("layer", "output")]
    nested = nir.NIRGraph({**outer, "layer": inner}, edges, type_check=False)
    flat = nir.NIRGraph(
        {**outer, "layer.lif": inner.nodes["lif"], "rec": inner.nodes["w_rec"]},
        [("input", "fc"), ("fc", "layer.lif"), ("layer.lif", "rec"), ("rec", "layer.lif"), ("layer.lif", "output")],
    )
    one, other = from_nir(nested, dt_ms=1.0), from_nir(flat, dt_ms=1.0)
    for name in ("pre", "post", "delay", "weight", "threshold"):
        assert np.array_equal(getattr(one, name), getattr(other, name))


class Tensor:
    """What stands for a parameter of PyTorch: numbers that are given only once they are detached."""

    def __init__(self, values: Floats, is_detached: bool = False) -> None:
        self.values, self.is_detached = values, is_detached

    def detach(self) -> Tensor:
        return Tensor(self.values, is_detached=True)

    def cpu(self) -> Tensor:
        return self

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Floats:
        assert self.is_detached, "a tensor that needs its gradient has no array"
        return self.values


def test_a_graph_in_memory_may_hold_tensors() -> None:
    def graph(wrapped: Callable[[Floats], Any]) -> dict[str, Any]:
        one = np.ones(1)
        neuron = {"type": "IF", "r": wrapped(one), "v_threshold": wrapped(one), "v_reset": wrapped(0 * one)}
        nodes = {
            "in": {"type": "Input", "shape": np.array([2])},
            "w": {"type": "Linear", "weight": wrapped(np.array([[2.0, -1.0]]))},
            "n": neuron,
            "out": {"type": "Output", "shape": np.array([1])},
        }
        return {"type": "NIRGraph", "nodes": nodes, "edges": [("in", "w"), ("w", "n"), ("n", "out")]}

    def program(wrapped: Callable[[Floats], Any]) -> sp.Program:
        source = SimpleNamespace(to_dict=lambda: graph(wrapped))
        return quantize_nir(from_nir(untyped(source), dt_ms=1.0)).program

    assert program(Tensor).weight.tolist() == program(np.asarray).weight.tolist() != []


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
    edges = [("in", "w"), ("w", "a"), ("a", "ab"), ("ab", "b"), ("b", "ba"), ("b", "out")]
    with pytest.raises(
        FormatError, match="has a loop through several populations with fewer ticks of Delay than there"
    ):
        from_nir(nir.NIRGraph(nodes, [*edges, ("ba", "a")]), dt_ms=1.0)
    later_nodes = {**nodes, "wait": nir.Delay(np.full(3, 0.002))}
    graph = nir.NIRGraph(later_nodes, [*edges, ("ba", "wait"), ("wait", "a")])
    network = from_nir(graph, dt_ms=1.0)
    inputs = random_raster(2, 100, 2, 0.3)
    theirs = Reference(graph, ["in", "w", "wait", "a", "ab", "b", "ba", "out"], 0.001)
    assert np.array_equal(network.run([inputs])[0][:, network.outputs], later(theirs.run(inputs)["b"], 2))


def test_drives_are_told() -> None:
    graph, _ = deep(w1=nir.Affine(weights(6, 4, 1), np.full(6, 0.1)))
    assert from_nir(graph, dt_ms=1.0).notes == (
        "a: its constant drive begins 1 tick before spikes of that time can reach it, so its first spikes may differ",
        "a: its constant drive is there at once, and does not rise with tau_syn",
    )
    graph, _ = deep(far=nir.Delay(np.full(4, 0.0034)))
    network = from_nir(graph, dt_ms=1.0)
    assert network.notes == ("b: delays are no whole numbers of ticks, and were rounded",)
    assert quantize_nir(network).changes[-1].changed == 12


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6))
def test_constant_drives_of_lif_are_kept(seed: int) -> None:
    """Where spikes need a Delay anyway, a drive begins with them."""
    rng = np.random.default_rng(seed)
    node = lif(2, seed, v_leak=rng.uniform(0, 1, 2))
    nodes = {
        "in": nir.Input(np.array([2])),
        "d": nir.Delay(np.full(2, 0.001)),
        "w": nir.Affine(weights(2, 2, seed), rng.uniform(0, 0.1, 2)),
        "n": node,
        "out": nir.Output(np.array([2])),
    }
    graph = nir.NIRGraph(nodes, [("in", "d"), ("d", "w"), ("w", "n"), ("n", "out")])
    network = from_nir(graph, dt_ms=1.0)
    inputs = random_raster(seed, 60, 2, 0.2)
    assert network.notes == ()
    assert network.latency.tolist() == [0, 0]
    assert np.array_equal(network.run([inputs])[0], outputs_of(graph, list(nodes), inputs))


# ---------------------------------------------------------------- what rounding changes


def check_changes(network: NirNetwork, result: Any) -> None:
    """Hold every number of the report against the program itself."""
    program, changes = result.program, {change.quantity: change for change in result.changes}
    assert list(changes) == ["weight", "threshold", "bias", "current kept", "potential kept", "delay"]
    assert np.array_equal(changes["weight"].asked, network.weight)
    assert np.allclose(changes["current kept"].got, (4095 - program.current_decay) / 4096, atol=1e-12)
    assert np.allclose(changes["potential kept"].got, (4096 - program.potential_decay) / 4096, atol=1e-12)
    scales = program.threshold / changes["threshold"].got
    weight = {(p, n, d): w for p, n, d, w in synapses_of(program)}
    for index, (pre, post, delay) in enumerate(zip(network.pre, network.post, network.delay, strict=True)):
        got = weight.get((int(pre), int(post), int(delay)), 0) / scales[post]
        assert changes["weight"].got[index] == pytest.approx(got, rel=1e-12, abs=1e-15)
    for change in result.changes:
        assert np.array_equal(change.difference, change.got - change.asked)
        assert change.worst is not None
        assert change.share[change.worst] == change.share.max()


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6))
def test_every_number_is_as_near_as_told(seed: int) -> None:
    network = from_nir(deep(a=cuba(6, seed), w1=nir.Linear(weights(6, 4, seed)))[0], dt_ms=1.0)
    result = quantize_nir(network)
    check_changes(network, result)
    weight, threshold, _, current, potential, delay = result.changes
    assert weight.share.max() <= 0.5 / 128  # at least half of the mantissas are in use
    assert threshold.share.max() < 0.02
    assert current.share.max() <= 0.5 / 4096
    assert potential.share.max() <= 0.5 / 4096
    assert delay.changed == 0


def test_rounding_is_repaired_for_given_inputs() -> None:
    nodes = {
        "in": nir.Input(np.array([6])),
        "w": nir.Linear(weights(4, 6, 8)),
        "n": lif(4, 8, tau=np.full(4, 0.02)),
        "rec": nir.Linear(weights(4, 4, 9) / 3),
        "out": nir.Output(np.array([4])),
    }
    graph = nir.NIRGraph(nodes, [("in", "w"), ("w", "n"), ("n", "rec"), ("rec", "n"), ("n", "out")])
    network = from_nir(graph, dt_ms=1.0)
    found = 0
    for seed in range(12):
        inputs = [random_raster(seed, 400, 6, 0.2)]
        result = quantize_nir(network, inputs=inputs)
        (target,) = network.run(inputs)
        (trace,) = simulate(result.program, inputs)
        assert result.wrong_bins == int((trace.spikes != target).sum())
        assert result.spikes == int(target.sum()) > 50
        check_changes(network, result)
        if result.is_repaired:
            (nearest,) = simulate(quantize_nir(network).program, inputs)
            assert result.wrong_bins < int((nearest.spikes != target).sum())
            found += 1
    assert found


def test_a_threshold_that_no_scale_brings_in_range() -> None:
    graph, _ = deep(b=lif(3, v_threshold=np.full(3, 1e9)))
    with pytest.raises(
        LimitError, match=r"threshold of neuron 6, in units of its largest weight is .*; allowed is up to"
    ):
        quantize_nir(from_nir(graph, dt_ms=1.0))
    graph, _ = deep(far=nir.Delay(np.full(4, 0.1)))
    with pytest.raises(LimitError, match="delay is 102; allowed is 1 to 63 on loihi1; take a longer tick"):
        quantize_nir(from_nir(graph, dt_ms=1.0))


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([np.zeros((3, 5), dtype=bool)], r"inputs\[0\] has 5 lines; the network has 4"),
        ([[1]], r"inputs\[0\] has shape"),
    ],
)
def test_inputs_of_another_width(inputs: Any, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        quantize_nir(from_nir(deep()[0], dt_ms=1.0), inputs=inputs)


# ---------------------------------------------------------------- what is refused


def put(node: str, field: str, value: object) -> Callable[[dict[str, Any]], None]:
    return lambda data: data["nodes"][node].__setitem__(field, np.asarray(value) if field != "type" else value)


def without(node: str, field: str) -> Callable[[dict[str, Any]], None]:
    return lambda data: data["nodes"][node].__delitem__(field)


def edge(*pairs: tuple[str, str]) -> Callable[[dict[str, Any]], None]:
    return lambda data: data["edges"].extend(pairs)


BAD_GRAPHS: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "no graph": (lambda data: data.__setitem__("type", "LIF"), "holds no NIR graph"),
    "no nodes": (lambda data: data.__delitem__("nodes"), "holds no NIR graph"),
    "unknown type": (
        put("w1", "type", "Conv2d"),
        "node 'w1' of .* is of type 'Conv2d'; read are Input, Output, Linear",
    ),
    "no type": (without("w1", "type"), "node 'w1' of .* is of type None"),
    "leaky integrator": (put("b", "type", "LI"), "is of type 'LI'; read are"),
    "no weight": (without("w1", "weight"), "weight of node 'w1' of .* is missing; numbers are needed"),
    "texts": (put("w1", "weight", [["a"]]), "weight of node 'w1' of .* is a ndarray; numbers are needed"),
    "weight of one axis": (put("w1", "weight", [1.0]), r"weight of node 'w1' .* has shape \(1,\); two axes are needed"),
    "other width": (put("w1", "weight", np.ones((6, 3))), "node 'w1' of .* takes 3 channels, and 4 lead to it"),
    "other height": (put("w1", "weight", np.ones((5, 4))), "node 's' of .* takes 6 channels, and 5 lead to it"),
    "other widths": (edge(("in", "b")), r"node 'b' of .*: what leads to it has \[3, 4\] channels"),
    "NaN": (put("a", "r", [np.nan] * 6), "r of node 'a' of .* holds nan; all are finite"),
    "infinite": (put("b", "tau", [np.inf] * 3), "tau of node 'b' of .* holds inf"),
    "sizes": (put("b", "r", np.ones(2)), "node 'b' of .* has fields of different sizes: tau 3, r 2"),
    "short tau": (put("b", "tau", [0.02, 0.02, 0.0005]), "node 'b' of .* has tau = 0.5 ms, less than a tick of 1 ms"),
    "negative tau": (put("a", "tau_syn", -np.ones(6)), "has tau_syn = -1000 ms, less than a tick"),
    "no threshold": (
        put("b", "v_threshold", np.zeros(3)),
        "node 'b' of .* has a threshold that is not above its reset",
    ),
    "negative delay": (put("d", "delay", -np.ones(6)), "node 'd' of .* has a delay of -1000 ticks; 0 or more"),
    "unknown edge": (edge(("in", "nowhere")), "has an edge from 'in' to 'nowhere'; its nodes are"),
    "edges of three": (lambda data: data.__setitem__("edges", [("in", "a", "b")]), r"edges of .* have shape \(1, 3\)"),
    "no edges": (lambda data: data.__setitem__("edges", []), "nothing leads to it; connections of one width"),
    "a delayed bias": (
        lambda data: (
            data["nodes"].__setitem__("skip", {"type": "Affine", "weight": np.ones((3, 4)), "bias": np.ones(3)})
            or data["edges"].extend([("skip", "wait"), ("wait", "b")])
            or data["nodes"].__setitem__("wait", {"type": "Delay", "delay": np.full(3, 0.001)})
        ),
        "node 'wait' of .* delays a constant; put the bias after the Delay",
    ),
    "a loop of weights": (edge(("s", "s")), "has a loop without neurons: s - s"),
    "no output": (lambda data: data["nodes"].pop("out"), "has an edge from 'b' to 'out'"),
    "weights read out": (edge(("skip", "out")), "node 'out' of .* reads out other things than spikes of neurons"),
    "inputs read out": (
        lambda data: data.__setitem__("edges", [pair for pair in data["edges"] if pair[1] != "out"] + [("in", "out")]),
        "node 'out' of .* reads out other things than spikes of neurons, undelayed",
    ),
    "odd shape": (put("in", "shape", [0]), r"shape of node 'in' of .* is \[0.0\]; whole numbers from 1 are needed"),
    "huge shape": (put("in", "shape", [1e9]), "shape of node 'in' of .* whole numbers from 1 are needed"),
}


def data_of(graph: nir.NIRGraph) -> dict[str, Any]:
    data: dict[str, Any] = graph.to_dict()
    data["edges"] = list(data["edges"])
    return data


class Dictionary:
    """What has the form of a graph, and may hold anything."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data

    def to_dict(self) -> dict[str, Any]:
        return self.data


@pytest.mark.parametrize(("change", "message"), BAD_GRAPHS.values(), ids=BAD_GRAPHS)
def test_graphs_are_refused(change: Callable[[dict[str, Any]], None], message: str) -> None:
    data = data_of(deep()[0])
    change(data)
    with pytest.raises(FormatError, match=message):
        from_nir(Dictionary(data), dt_ms=1.0)


def test_files_that_hold_no_graph(tmp_path: Path) -> None:
    path = tmp_path / "x.nir"
    path.write_bytes(b"PK\3\4 and more")
    with pytest.raises(FormatError, match=re.escape("x.nir is no HDF5 file")):
        from_nir(path, dt_ms=1.0)
    sp.write_rasters(tmp_path / "s.h5", [np.ones((2, 2), dtype=bool)], dt_ms=1.0)
    with pytest.raises(FormatError, match=r"s\.h5 has no /node; / holds spikes"):
        from_nir(tmp_path / "s.h5", dt_ms=1.0)
    with pytest.raises(SpecError, match="dt_ms is None; a positive number of milliseconds is needed"):
        from_nir(path, dt_ms=untyped(None))


def test_what_is_no_graph() -> None:
    with pytest.raises(SpecError, match=r"source is a int; a path or a nir\.NIRGraph is needed"):
        from_nir(3, dt_ms=1.0)


def test_paths_of_delays_that_round_to_one_tick_are_one_synapse() -> None:
    nodes = {
        "in": nir.Input(np.array([1])),
        "d": nir.Delay(np.array([0.0021])),
        "e": nir.Delay(np.array([0.0019])),
        "n": lif(1),
        "out": nir.Output(np.array([1])),
    }
    edges = [("in", "d"), ("in", "e"), ("d", "n"), ("e", "n"), ("n", "out")]
    network = from_nir(nir.NIRGraph(nodes, edges), dt_ms=1.0)
    gain = 0.001 / nodes["n"].tau * nodes["n"].r
    assert network.delay.tolist() == [2]
    assert network.weight == pytest.approx(2 * gain)
    assert quantize_nir(network).changes[-1].share == pytest.approx([0.1])


def test_files_of_nir_are_read_without_the_other_process_too(tmp_path: Path) -> None:
    """As the tests of hostile files do."""
    nir.write(tmp_path / "deep.nir", deep()[0])
    copied = hdf5_process.copy_parts(str(tmp_path / "deep.nir"), ["node"])
    network = network_of(graph_of_file(Hdf5.of(tmp_path / "deep.nir", copied)), 0.001)
    assert np.array_equal(network.weight, from_nir(deep()[0], dt_ms=1.0).weight)


# ---------------------------------------------------------------- on the command line

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Return a function that runs the command line and returns (exit code, output, errors)."""

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["snnprog", *map(str, words)])
        with pytest.raises(SystemExit) as leaving:
            cli.main()
        printed = capsys.readouterr()
        return int(leaving.value.code or 0), printed.out, printed.err

    return run


def test_export_and_quantize(command: Command, tmp_path: Path) -> None:
    by_hand(outputs=[0, 1, 2, 3], delay=[1] * 7).save(tmp_path / "p.snnp")
    code, out, _ = command("export", tmp_path / "p.snnp", "-o", tmp_path / "p.nir", "--dt-ms", 1)
    assert (code, out) == (0, f"wrote {tmp_path / 'p.nir'}; its spikes come 1 tick before the program's\n")
    sp.write_rasters(tmp_path / "x.h5", [random_raster(2, 50, 2, 0.3)], dt_ms=1.0)
    words = ("quantize", tmp_path / "p.nir", "-o", tmp_path / "q.snnp", "--dt-ms", 1)
    code, out, _ = command(*words, "--inputs", tmp_path / "x.h5", "--ticks", 50)
    assert code == 0
    assert "potential kept" in out
    assert "4 neurons, 7 synapses; outputs come 1 tick later than in the graph" in out
    assert "on the inputs given: the same spikes" in out
    assert synapses_of(sp.load(tmp_path / "q.snnp")) == synapses_of(sp.load(tmp_path / "p.snnp"))
    code, out, _ = command(*words, "--json")
    answer = json.loads(out)
    assert (code, answer["neurons"], answer["wrong_bins"], len(answer["changes"])) == (0, 4, None, 6)
    assert {change["changed"] for change in answer["changes"]} == {0}


def test_run_reads_and_writes_times(command: Command, tmp_path: Path) -> None:
    by_hand().save(tmp_path / "p.snnp")
    inputs = random_raster(2, 50, 2, 0.3)
    sp.write_rasters(tmp_path / "x.h5", [inputs], key="a", dt_ms=0.5)
    sp.write_rasters(tmp_path / "x.npz", [inputs])
    np.savez(tmp_path / "turned.npz", spikes=inputs.T)
    shown = command("run", tmp_path / "p.snnp", tmp_path / "x.npz")
    assert command("run", tmp_path / "p.snnp", f"{tmp_path}/x.h5:a", "--dt-ms", 0.5, "--ticks", 50) == shown
    assert command("run", tmp_path / "p.snnp", tmp_path / "turned.npz", "--layout", "neurons,ticks") == shown
    words = ("run", tmp_path / "p.snnp", tmp_path / "x.h5", "--dt-ms", 0.5, "--ticks", 10)
    _, out, _ = command(*words, "--ids", "1,0", "--starts-ms", "0,12.5")
    sp.write_rasters(tmp_path / "two.npz", [inputs[:10, ::-1], inputs[25:35, ::-1]])
    assert out == command("run", tmp_path / "p.snnp", tmp_path / "two.npz")[1]
    assert out.count("\n") > 2
    code, _, err = command("run", tmp_path / "p.snnp", tmp_path / "x.npz", "-o", tmp_path / "y.h5")
    assert (code, "give dt_ms, the milliseconds of one" in err) == (2, True)
    assert command("run", tmp_path / "p.snnp", tmp_path / "x.npz", "-o", tmp_path / "y.h5", "--dt-ms", 2)[0] == 0
    (spikes,) = sp.read_rasters(tmp_path / "y.h5", dt_ms=2, ticks=50, neurons=2)
    assert [f"0,{tick},{neuron}" for tick, neuron in np.argwhere(spikes)] == shown[1].splitlines()[1:]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("export", "p.snnp", "-o", "p.txt", "--dt-ms", "1"), "p.txt ends in '.txt'; this command writes .nir"),
        (("export", "p.snnp", "-o", "p.nir"), "Missing option '--dt-ms'"),
        (("export", "p.snnp", "-o", "p.nir", "--dt-ms", "0"), "dt_ms is 0.0; a positive number of milliseconds"),
        (("quantize", "p.snnp", "-o", "q.snnp", "--dt-ms", "1"), "p.snnp is no HDF5 file: it begins with b'PK"),
        (("quantize", "p.snnp", "-o", "q.snnp"), "Missing option '--dt-ms'"),
        (("run", "p.snnp", "x.npz", "--ids", "a"), "Invalid value for '--ids': 'a' is no list of numbers, such as 4,7"),
        (("run", "p.snnp", "x.npz", "--dt-ms", "1"), "dt_ms is given for x.npz, which has no use for it; leave it out"),
    ],
)
def test_bad_words(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    by_hand().save("p.snnp")
    sp.write_rasters("x.npz", [random_raster(2, 50, 2, 0.3)])
    code, _, err = command(*words)
    assert code == 2
    assert message in err
