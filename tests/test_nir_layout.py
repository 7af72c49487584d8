"""Programs with readouts and convolutions as NIR graphs, and back: the same nodes, the same numbers, the same runs."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest
from by_hand import by_hand, synapses_of
from cases import random_raster
from nir_graphs import chain

import snnprog as sp
from snnprog.emit import to_nir, write_nir
from snnprog.errors import SpecError
from snnprog.networks import from_nir, quantize
from snnprog.program import Program

SHAPE = (2, 6, 6)


def neurons(shape: tuple[int, ...], *, threshold: float, kind: str = "LIF") -> Any:
    ones = np.ones(shape)
    if kind == "IF":
        return nir.IF(ones, threshold * ones)
    if kind == "LI":
        return nir.LI(4.0 * ones, 4.0 * ones, 0.0 * ones)
    if kind == "I":
        return nir.I(ones)
    if kind == "CubaLI":
        return nir.CubaLI(2.0 * ones, 4.0 * ones, 4.0 * ones, 0.0 * ones, 2.0 * ones)
    return nir.LIF(4.0 * ones, 4.0 * ones, 0.0 * ones, threshold * ones)


def network(last: str = "LIF", *, seed: int = 0, **convolution: Any) -> nir.NIRGraph:
    """Return two convolutions, the second after a pool, and a dense layer; dt is a second."""
    rng = np.random.default_rng(seed)
    options: dict[str, Any] = {"stride": (1, 1), "padding": (1, 1), "dilation": (1, 1), "groups": 1} | convolution
    kernels = rng.integers(-20, 60, (4, 2 // options["groups"], 3, 3)).astype(float)
    first = nir.Conv2d(input_shape=(6, 6), weight=kernels, bias=np.zeros(4), **options)
    rows = int((6 + 2 * options["padding"][0] - options["dilation"][0] * 2 - 1) // options["stride"][0] + 1)
    return chain(
        **{
            "in": nir.Input(np.array(SHAPE)),
            "c1": first,
            "p1": neurons((4, rows, rows), threshold=150.0),
            "pool": nir.SumPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0])),
            "c2": nir.Conv2d(
                (rows // 2,) * 2, rng.integers(-20, 60, (3, 4, 2, 2)).astype(float), 1, 0, 1, 1, np.zeros(3)
            ),
            "p2": neurons((3, rows // 2 - 1, rows // 2 - 1), threshold=90.0, kind="IF"),
            "f": nir.Flatten({"input": np.array([3, rows // 2 - 1, rows // 2 - 1])}, 0, -1),
            "w": nir.Linear(rng.integers(-30, 50, (5, 3 * (rows // 2 - 1) ** 2)).astype(float)),
            "r": neurons((5,), threshold=70.0, kind=last),
            "out": nir.Output(np.array([5])),
        }
    )


def program_of(graph: nir.NIRGraph) -> Program:
    return quantize(graph, dt_ms=1000.0, reset="zero").program


def check_round_trip(program: Program, path: Path) -> nir.NIRGraph:
    """Check that a program is the same after a file; return the graph."""
    write_nir(path, program, dt_ms=1.0)
    back = quantize(from_nir(path, dt_ms=1.0, reset="zero")).program
    assert synapses_of(back) == synapses_of(program)
    for name in ("outputs", "threshold", "current_decay", "potential_decay", "bias", "readout"):
        assert np.array_equal(getattr(back, name), getattr(program, name)), name
    inputs = [random_raster(seed, 25, program.n_inputs, 0.2) for seed in range(3)]
    for first, second in zip(sp.run(program, inputs), sp.run(back, inputs), strict=True):
        assert np.array_equal(first.spikes, second.spikes)
        if program.is_read_by_potential.any():
            assert first.readout is not None
            assert second.readout is not None
            assert first.readout.any()
            assert np.array_equal(first.readout, second.readout)
    assert len(back.shared) == len(program.shared)
    return to_nir(program, dt_ms=1.0)


@pytest.mark.parametrize("last", ["LIF", "LI", "I", "CubaLI"])
def test_convolutions_and_readouts_out_and_in_again(tmp_path: Path, last: str) -> None:
    program = program_of(network(last))
    graph = check_round_trip(program, tmp_path / "p.nir")
    kinds = Counter(type(node).__name__ for node in graph.nodes.values())
    assert kinds["Conv2d"] == len(program.shared) == 2
    assert (kinds["SumPool2d"], kinds["Flatten"], kinds["Linear"]) == (1, 1, 1)
    assert kinds[last] == 1 + (last == "LIF")
    (trace,) = sp.run(program, [random_raster(1, 25, program.n_inputs, 0.3)])
    assert trace.spikes.any() == (last == "LIF")


@pytest.mark.parametrize(
    "options",
    [
        {"stride": (2, 2), "padding": (2, 2)},
        {"padding": (0, 0)},
        {"dilation": (2, 2), "padding": (2, 2)},
    ],
    ids=str,
)
def test_geometries(tmp_path: Path, options: dict[str, Any]) -> None:
    check_round_trip(program_of(network(seed=3, **options)), tmp_path / "p.nir")


@pytest.mark.parametrize("current_decay", [4095, 2000])
@pytest.mark.parametrize("potential_decay", [0, 300])
def test_readouts_by_hand(tmp_path: Path, current_decay: int, potential_decay: int) -> None:
    if current_decay == 2000 and potential_decay == 0:
        potential_decay = 1000
    pre, post = np.divmod(np.arange(12), 3)
    program = Program.from_arrays(
        chip="loihi1",
        n_inputs=4,
        n_neurons=3,
        pre=pre,
        post=post,
        weight=np.arange(12) * 7 - 30,
        delay=np.arange(12) % 3 + 1,
        threshold=131071,
        current_decay=current_decay,
        potential_decay=potential_decay,
        readout=1,
    )
    check_round_trip(program, tmp_path / "p.nir")


def test_outputs_of_both_kinds_are_refused() -> None:
    program = Program.from_arrays(
        chip="loihi1", n_inputs=1, n_neurons=2, pre=[0, 0], post=[0, 1], weight=9, threshold=[9, 131071], readout=[0, 1]
    )
    with pytest.raises(SpecError, match="output 1 is read by its potential and others by their spikes"):
        to_nir(program, dt_ms=1.0)


@pytest.mark.parametrize(
    "geometry",
    [sp.Convolution((2, 4), (4, 4), (2, 2), after=(1, 1)), sp.Convolution((2, 4), (5, 5), (2, 2), groups=2)],
    ids=["zeros on one side", "groups"],
)
def test_what_nir_cannot_say_is_unrolled(geometry: sp.Convolution) -> None:
    """The same synapses, as a matrix."""
    weight = np.arange(1, geometry.n_weights + 1) * 3
    shared = sp.SharedSynapses.of(geometry, weight, first_pre=0, first_post=0)
    n_inputs = geometry.n_sources
    program = Program.from_arrays(
        chip="loihi1",
        n_inputs=n_inputs,
        n_neurons=64,
        pre=[],
        post=[],
        weight=[],
        delay=[],
        threshold=40,
        shared=[shared],
    )
    graph = to_nir(program, dt_ms=1.0)
    assert not any(isinstance(node, nir.Conv2d) for node in graph.nodes.values())
    back = quantize(from_nir(graph, dt_ms=1.0, reset="zero")).program
    assert synapses_of(back) == synapses_of(program)


def test_programs_without_convolutions_have_the_old_nodes() -> None:
    assert {"hidden", "readout"} <= set(to_nir(by_hand(), dt_ms=1.0).nodes)
