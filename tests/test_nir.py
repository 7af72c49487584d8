"""NIR files: compiled programs out and in again, and graphs of others from files and from memory."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import nir
import numpy as np
import pytest
from by_hand import by_hand, synapses_of
from cases import random_raster
from nir_graphs import Dictionary, cuba, data_of, deep, weights
from plain_nir import PlainGraph
from untyped import untyped

import snnprog as sp
from snnprog.arrays import Floats, Raster
from snnprog.emit import to_nir, write_nir
from snnprog.errors import FormatError, SpecError
from snnprog.files import hdf5_process
from snnprog.files.hdf5 import Hdf5
from snnprog.networks import from_nir, quantize
from snnprog.networks.convention import ZERO, Convention
from snnprog.networks.graph import graph_of_file
from snnprog.networks.importing import network_of
from snnprog.simulate import simulate

DT_MS = 1.0


def later(raster: Raster, ticks: int) -> Raster:
    """Return a raster with so many silent ticks before, and as many less at its end."""
    delayed: Raster = np.concatenate([np.zeros((ticks, raster.shape[1]), dtype=bool), raster])[: len(raster)]
    return delayed


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
    plain = PlainGraph(graph, DT_MS / 1000.0)
    plain.run({"input": inputs})
    assert np.array_equal(later(plain.spikes("readout"), ahead), trace.spikes)
    network = from_nir(tmp_path / "p.nir", dt_ms=DT_MS)
    assert set(network.latency.tolist()) == {ahead}
    back = quantize(network, inputs=[inputs])
    assert (back.wrong_bins, back.mismatch.spikes) == (0, int(trace.spikes.sum()))
    assert synapses_of(back.program) == synapses_of(program)
    for name in ("outputs", "threshold", "current_decay", "potential_decay", "bias"):
        assert np.array_equal(getattr(back.program, name), getattr(program, name)), name
    assert [change.changed for change in back.changes] == [0] * 6


@pytest.mark.parametrize("bias", [[0, 0, 0, 0], [0, 64, -32, 16]])
def test_hidden_neurons_out_and_in_again(bias: list[int]) -> None:
    program = by_hand(bias=bias)
    graph = to_nir(program, dt_ms=0.5)
    back = quantize(from_nir(graph, dt_ms=0.5))
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
    back = quantize(from_nir(tmp_path / "p.nir", dt_ms=1.0)).program
    assert back.potential_decay.tolist() == [0] * 4
    assert back.current_decay.tolist() == [4095] * 4


def test_one_layer_needs_no_delay_nodes() -> None:
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
        ({}, 0.0, "dt_ms must be a positive number of milliseconds, got 0.0"),
        ({}, None, "dt_ms must be a positive number of milliseconds, got None"),
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
    with pytest.raises(SpecError, match="reset to 0, and those of xylo by subtraction of the threshold: on 8 random"):
        quantize(network, chip="xylo")


# ---------------------------------------------------------------- graphs of others


def check_same(one: sp.Program, other: sp.Program) -> None:
    for name in ("pre", "post", "delay", "weight", "exponent", "threshold", "bias"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name


def test_a_file_of_nir_is_what_the_graph_is(tmp_path: Path) -> None:
    nir.write(tmp_path / "deep.nir", deep())
    there, here = (from_nir(each, dt_ms=1.0, reset="zero") for each in (tmp_path / "deep.nir", deep()))
    assert np.array_equal(there.synapses.weight, here.synapses.weight)
    check_same(quantize(there).program, quantize(here).program)
    assert there.name == str(tmp_path / "deep.nir")


def test_nested_graphs_are_laid_open() -> None:
    """Recurrent layers of torch's tools are graphs in the graph."""
    width = np.array([5])
    inner = nir.NIRGraph(
        {
            "input": nir.Input(width),
            "lif": cuba(5),
            "w_rec": nir.Linear(weights(5, 5) / 4),
            "output": nir.Output(width),
        },
        [("input", "lif"), ("lif", "w_rec"), ("w_rec", "lif"), ("lif", "output")],
    )
    outer = {"input": nir.Input(np.array([3])), "fc": nir.Linear(weights(5, 3)), "output": nir.Output(width)}
    edges = [("input", "fc"), ("fc", "layer"), ("layer", "output")]
    nested = nir.NIRGraph({**outer, "layer": inner}, edges, type_check=False)
    flat = nir.NIRGraph(
        {**outer, "layer.lif": inner.nodes["lif"], "rec": inner.nodes["w_rec"]},
        [("input", "fc"), ("fc", "layer.lif"), ("layer.lif", "rec"), ("rec", "layer.lif"), ("layer.lif", "output")],
    )
    one, other = (from_nir(each, dt_ms=1.0, reset="zero") for each in (nested, flat))
    for name in ("pre", "post", "delay", "weight"):
        assert np.array_equal(getattr(one.synapses, name), getattr(other.synapses, name))
    beside = data_of(nested)
    beside["nodes"] |= {f"layer.{key}": node for key, node in beside["nodes"].pop("layer")["nodes"].items()}
    beside["edges"] = [*edges, *((f"layer.{a}", f"layer.{b}") for a, b in inner.edges)]
    found = from_nir(untyped(Dictionary(beside)), dt_ms=1.0, reset="zero")
    assert np.array_equal(found.synapses.weight, one.synapses.weight)
    assert [each.name for each in found.populations] == [each.name for each in one.populations] == ["layer.lif"]
    note = "the graph has edges of 'layer' and nodes layer.input and layer.output; read as a nested graph"
    assert found.notes == (note, *one.notes)


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
        return quantize(from_nir(untyped(source), dt_ms=1.0, reset="zero")).program

    assert program(Tensor).weight.tolist() == program(np.asarray).weight.tolist() != []


def test_files_that_hold_no_graph(tmp_path: Path) -> None:
    path = tmp_path / "x.nir"
    path.write_bytes(b"PK\3\4 and more")
    with pytest.raises(FormatError, match=re.escape("is not an HDF5 file: it begins with b'PK\\x03\\x04 and'")):
        from_nir(path, dt_ms=1.0)
    sp.write_rasters(tmp_path / "s.h5", [np.ones((2, 2), dtype=bool)], dt_ms=1.0)
    with pytest.raises(FormatError, match=r"s\.h5 has no /node; / holds spikes"):
        from_nir(tmp_path / "s.h5", dt_ms=1.0)


def test_what_is_no_graph() -> None:
    with pytest.raises(SpecError, match=r"path of a \.nir file, or a nir\.NIRGraph, got an int; export it with"):
        from_nir(untyped(3), dt_ms=1.0)


def test_files_of_nir_are_read_without_the_other_process_too(tmp_path: Path) -> None:
    """As the tests of hostile files do."""
    nir.write(tmp_path / "deep.nir", deep())
    copied = hdf5_process.copy_parts(str(tmp_path / "deep.nir"), ["node"])
    graph = graph_of_file(Hdf5.of(tmp_path / "deep.nir", copied))
    network = network_of(graph, 0.001, convention=Convention(ZERO))
    assert np.array_equal(network.parameters, from_nir(deep(), dt_ms=1.0, reset="zero").parameters)


# ---------------------------------------------------------------- half-written files


def half_written(path: Path, last: dict[str, Any], *, keys: tuple[str, ...] = ("0", "1")) -> Path:
    """Write what `nir.write` leaves behind where it fails at the last node."""
    with h5py.File(path, "w") as file:
        file["version"] = "1.0.8"
        nodes = file.create_group("node/nodes")
        nodes["input/shape"], nodes["input/type"] = np.array([2]), "Input"
        for key in keys[:-1]:
            nodes[f"{key}/weight"], nodes[f"{key}/type"] = np.array([[1.0, 0.5], [0.5, 1.0]]), "Linear"
        for name, value in last.items():
            nodes[f"{keys[-1]}/{name}"] = value
    return path


NEURONS = {
    "LIF": {"tau": 0.01, "r": 1.0, "v_leak": 0.0, "v_threshold": 1.0},
    "CubaLIF": {"tau_mem": 0.01, "tau_syn": 0.01, "r": 1.0, "v_leak": 0.0, "v_threshold": 1.0},
    "IF": {"r": 1.0, "v_threshold": 1.0},
}


@pytest.mark.parametrize("kind", NEURONS)
def test_half_written_chains_are_read(tmp_path: Path, kind: str) -> None:
    path = half_written(tmp_path / "half.nir", NEURONS[kind])
    network = from_nir(path, dt_ms=1.0, reset="zero")
    assert network.notes == (
        f"{path} was written incompletely by its exporter, without edges; read as the chain input - 0 - 1 - output."
        " Nodes"
        " after these may be missing: export it again",
    )
    own = {name: np.full(2, value) for name, value in NEURONS[kind].items()} | {"v_reset": np.zeros(2)}
    own |= {"w_in": np.ones(2)} if kind == "CubaLIF" else {}
    nodes = {
        "input": nir.Input(np.array([2])),
        "0": nir.Linear(np.array([[1.0, 0.5], [0.5, 1.0]])),
        "1": getattr(nir, kind)(**own),
        "output": nir.Output(np.array([2])),
    }
    whole = from_nir(nir.NIRGraph(nodes, [("input", "0"), ("0", "1"), ("1", "output")]), dt_ms=1.0, reset="zero")
    assert np.array_equal(network.parameters, whole.parameters)
    assert np.array_equal(network.potential_kept, whole.potential_kept)


@pytest.mark.parametrize(
    ("last", "keys"),
    [
        ({"tau": 0.01, "r": 1.0}, ("0", "1")),  # a LIF or an LI
        ({"r": 1.0}, ("0", "1")),
        ({}, ("0", "1")),
        ({"tau": 0.01, "r": 1.0, "v_leak": 0.0, "v_threshold": 1.0, "x": 1.0}, ("0", "1")),
        (NEURONS["LIF"], ("0", "2")),  # a node is missing
        (NEURONS["LIF"], ("fc1", "lif1")),  # whose order is not known
        (NEURONS["LIF"], ("0", "1.lif")),
    ],
)
def test_other_half_written_files_are_refused(tmp_path: Path, last: dict[str, Any], keys: tuple[str, ...]) -> None:
    path = half_written(tmp_path / "half.nir", last, keys=keys)
    with pytest.raises(
        FormatError,
        match=r"was written incompletely by its exporter: nodes without edges that are not a chain of known",
    ):
        from_nir(path, dt_ms=1.0, reset="zero")


def test_only_the_last_node_may_lack_its_type(tmp_path: Path) -> None:
    path = half_written(tmp_path / "half.nir", NEURONS["LIF"])
    with h5py.File(path, "r+") as file:
        del file["node/nodes/0/type"]
    with pytest.raises(FormatError, match=r"node '0' of .*half\.nir has no type; read are Input, Output, Linear"):
        from_nir(path, dt_ms=1.0, reset="zero")
