"""Files of exporters and of networks that were trained, where they lie beside a checkout: read, run and quantized."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import random_raster
from conftest import SHARED_DATA
from exported_files import EXPORTED, graph_in
from plain_nir import PlainGraph

import snnprog as sp
from snnprog.networks import run_network

HALF_WRITTEN = ("norse_iaf", "norse_lif", "norse_lif_li", "norse_lifbox", "sinabs_conv", "sinabs_lif_lin")
TRAINED: Mapping[str, dict[str, Any]] = {
    "digits_latency": {"reset": "zero", "dt_ms": 0.1},
    "digits_latency_two_hidden": {"reset": "zero", "dt_ms": 0.1},
    "digits_subtract": {"exporter": "snntorch", "reset_delay": 0},
}


def file_of(folder: str, name: str) -> Path:
    path = SHARED_DATA / folder / name
    if not path.is_file():
        pytest.skip(f"{name} is not at hand")
    return path


@pytest.mark.parametrize("name", EXPORTED)
def test_files_of_exporters_run_as_their_tools(name: str) -> None:
    exporter, convention, step = EXPORTED[name]
    path = file_of("exporters", name)
    network = sp.from_nir(path, exporter=exporter)
    assert network.dt_ms == pytest.approx(step * 1000.0, rel=1e-5)
    (source,) = network.inputs
    tool = "nir" if exporter == "snntorch" else exporter
    plain = PlainGraph(graph_in(path), step, tool=tool, shapes={source: network.inputs[source]}, **convention)
    assert any("written incompletely" in note for note in network.notes) == name.startswith(HALF_WRITTEN)
    for seed in range(5):
        inputs = random_raster(seed, 100, network.n_inputs, 0.5)
        plain.run({source: inputs})
        (trace,) = run_network(network, [inputs], potentials=True)
        assert trace.potentials is not None
        for population in network.populations:
            place, lag = network.neurons_of(population.name), population.start
            levels = plain.potentials(population.name)[: 100 - lag]
            assert np.allclose(trace.potentials[lag:, place], levels)
            assert levels.any()
            if not population.is_readout:
                counts = np.array([each.ravel() for each in plain.sent[population.name]])
                assert np.array_equal(trace.counts[lag:, place], counts[: 100 - lag])


@pytest.mark.parametrize("name", TRAINED)
def test_trained_networks_do_what_was_recorded(name: str) -> None:
    path = file_of("trained", f"{name}.nir")
    with np.load(path.with_suffix(".npz")) as recorded:
        inputs, hidden, out = (recorded[f"test_{key}"] for key in ("inputs", "first_layer_spikes", "output_spikes"))
    network = sp.from_nir(path, **TRAINED[name])
    lag, ticks = int(network.latency[0]), inputs.shape[1]
    longer = [np.concatenate([raster, np.zeros((lag, raster.shape[1]), bool)]) for raster in inputs]
    traces = run_network(network, longer)
    first = network.populations[0]
    assert np.array_equal([each.spikes[lag:, network.outputs] for each in traces], out)
    place = network.neurons_of(first.name)
    assert np.array_equal([each.spikes[first.start : first.start + ticks, place] for each in traces], hidden)


@pytest.mark.parametrize("name", TRAINED)
def test_trained_networks_become_programs(name: str) -> None:
    """Rounding changes fewer than one spike in 25; what differs is told."""
    path = file_of("trained", f"{name}.nir")
    with np.load(path.with_suffix(".npz")) as recorded:
        inputs = list(recorded["test_inputs"])[:200]
    reset = "subtract" if name == "digits_subtract" else "zero"
    chip = "fpga-subtract" if reset == "subtract" else "loihi1"
    result = sp.quantize(path, dt_ms=0.1, reset=reset, chip=chip, inputs=inputs)
    assert result.wrong_bins == sum(each.wrong_bins for each in result.mismatch.populations)
    assert result.mismatch.wrong_bins < 0.04 * result.mismatch.spikes
    assert {each.quantity: each.vanished for each in result.changes}["threshold"] == 0


def test_what_subtracts_is_refused_where_nothing_does() -> None:
    path = file_of("trained", "digits_subtract.nir")
    with pytest.raises(
        sp.SpecError, match=r"by subtraction .* of loihi1 to 0: on 8 random inputs, \d+ bins would differ"
    ):
        sp.quantize(path, dt_ms=0.1, reset="subtract")


def test_neurons_of_snntorch_are_held_back() -> None:
    """With all bits, less than one bin of a hundred with a spike is wrong; without second neurons, a fifth are."""
    path = file_of("trained", "digits_subtract.nir")
    result = sp.quantize(path, exporter="snntorch", reset_delay=0, chip="fpga-subtract")
    assert any("as in snnTorch: 74 second neurons" in note for note in result.notes)
    assert result.program.n_neurons == 148
    assert result.mismatch.wrong_bins < 0.01 * result.mismatch.spikes
