"""The page of a trained network: the program's spikes compared with the network's, for every neuron."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import nir
import numpy as np
import pytest
from cases import random_raster

import snnprog as sp
from snnprog.arrays import Raster
from snnprog.errors import SpecError
from snnprog.networks import QuantizedNetwork
from snnprog.report.page import html_of, page_of_network
from snnprog.report.recording import name_of_row

INPUTS = [random_raster(seed, 40, 4, 0.3) for seed in range(2)]


def graph(**changes: Any) -> nir.NIRGraph:
    """Return two layers of IF neurons with whole weights, which rounding leaves as they are."""
    rng = np.random.default_rng(3)
    neurons = {size: {"r": np.ones(size), "v_threshold": np.full(size, 9.0)} for size in (5, 2)}
    nodes: dict[str, Any] = {
        "in": nir.Input(np.array([4])),
        "w1": nir.Linear(rng.integers(-3, 8, (5, 4)).astype(float)),
        "first": nir.IF(**neurons[5]),
        "w2": nir.Linear(rng.integers(-3, 8, (2, 5)).astype(float)),
        "last": nir.IF(**neurons[2]),
        "out": nir.Output(np.array([2])),
    }
    names = list(nodes)
    return nir.NIRGraph(nodes | changes, list(itertools.pairwise(names)))


def quantized(inputs: list[Raster] = INPUTS, **changes: Any) -> QuantizedNetwork:
    return sp.quantize(graph(**changes), dt_ms=1000.0, reset="zero", inputs=inputs)


def test_the_same_spikes() -> None:
    result = quantized()
    page = page_of_network(result, INPUTS, title="mine")
    assert result.wrong_bins == 0
    assert (page.title, page.headline.kind) == ("mine", "good")
    assert page.headline.text == "The same spikes as the trained network on 2 inputs"
    assert page.headline.sentences[0] == (
        "560 bins of 7 neurons were compared: real numbers with the integers of loihi1, on 2 inputs."
    )
    names = [row[0] for row in page.neurons.rows]
    assert names == [*(f"first, neuron {index}" for index in range(5)), "last, neuron 0", "last, neuron 1"]
    assert [table.caption for table in page.resources[:2]] == [
        "Spikes on the given inputs: 0 wrong bins of 560",
        "What rounding changed",
    ]
    assert "last, neuron 1" in html_of(page)


def test_other_spikes_are_counted() -> None:
    other = quantized().program
    program = replace(other, threshold=other.threshold + np.array([0, 0, 0, 0, 0, 5, 0], dtype=np.int32))
    page = page_of_network(replace(quantized(), program=program), INPUTS)
    assert page.headline.kind == "bad"
    assert page.headline.text.endswith("of 560 bins are wrong against the trained network")
    wrong = {row[0]: row[2] for row in page.neurons.rows}
    assert [name for name, bins in wrong.items() if bins] == ["last, neuron 0"]


def test_neurons_that_the_network_does_not_have_do_not_count() -> None:
    rng = np.random.default_rng(0)
    result = quantized(w1=nir.Affine(rng.integers(-3, 8, (5, 4)).astype(float), np.arange(5.0)))
    assert result.program.n_neurons == 8  # one spikes in every tick and drives the first layer
    page = page_of_network(result, INPUTS)
    assert page.headline.text == "The same spikes as the trained network on 2 inputs"


@pytest.mark.parametrize("told", [None, [["a", 3]], [["a", "7"]], "abc", [["a", 0], ["b", 7]], [["a"] * 7]])
def test_populations_of_a_file_that_do_not_fit_are_not_believed(told: object) -> None:
    program = replace(quantized().program, provenance={"populations": told})
    assert name_of_row(program, 0) == "output 0"


def test_names_of_a_file_are_shown_as_texts() -> None:
    program = replace(quantized().program, provenance={"populations": [["<b>\x1b[1m" + 80 * "x", 7]]})
    name = name_of_row(program, 0)
    assert "\x1b" not in name
    assert len(name) <= 40 + len(", neuron 5")


def test_inputs_of_another_width() -> None:
    with pytest.raises(SpecError, match=r"inputs\[1\] must have 4 lines, got 3"):
        page_of_network(quantized(), [INPUTS[0], INPUTS[1][:, :3]])
