"""Neurons that are not exact, and whether any weights could be: compared with all small integers, and with runs."""

from __future__ import annotations

import itertools
from dataclasses import replace

import nir
import numpy as np
import pytest
from cases import random_raster
from nir_graphs import chain, lif, weights

from snnprog.networks import from_nir, quantize, run_network
from snnprog.networks.calibration.inexact import SpikingBins
from snnprog.report.conversions import exactness_in_words
from snnprog.simulate import simulate

SAMPLES = [random_raster(seed, 40, 8, 0.25) for seed in range(40)]
LARGEST = 4
"""The greatest determinant of three columns of -1, 0 and 1: integers up to it satisfy rows that any numbers satisfy."""
INTEGERS = np.array(list(itertools.product(range(-LARGEST, LARGEST + 1), repeat=3)))


def graph() -> nir.NIRGraph:
    """Return two layers of LIF neurons."""
    nodes = {
        "in": nir.Input(np.array([8])),
        "w1": nir.Linear(weights(12, 8, 1)),
        "hidden": lif(12, 1),
        "w2": nir.Linear(weights(3, 12, 2)),
        "last": lif(3, 2),
        "out": nir.Output(np.array([3])),
    }
    return chain(**nodes)


def integers_exist(rows: np.ndarray[tuple[int, ...], np.dtype[np.float64]], bins: SpikingBins) -> bool:
    """Return whether any of all small integers give the spikes."""
    sums = INTEGERS @ rows.T
    fires = sums >= 0 if bins.is_equal_a_spike else sums > 0
    return bool((fires == bins.is_spike).all(axis=1).any())


@pytest.mark.parametrize("is_equal_a_spike", [False, True])
def test_weights_are_impossible_exactly_if_no_integers_exist(is_equal_a_spike: bool) -> None:
    verdicts = []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        rows = rng.integers(-1, 2, (int(rng.integers(2, 9)), 3)).astype(np.float64)
        bins = SpikingBins(rows, rng.random(len(rows)) < 0.5, is_equal_a_spike)
        verdicts.append(bins.is_impossible(np.arange(1)))
        assert verdicts[-1] != integers_exist(rows, bins), seed
    assert 20 < sum(verdicts) < 130


def test_bins_that_were_not_chosen_at_first_are_examined() -> None:
    rows = np.array([[1.0, 0.0], [2.0, 0.0], [1.0, 1.0]])
    assert SpikingBins(rows, np.array([True, False, True]), False).is_impossible(np.array([0, 2]))
    assert not SpikingBins(rows, np.array([True, True, False]), False).is_impossible(np.array([0]))


@pytest.mark.parametrize("bits", [1, 4])
def test_counts_are_those_of_a_run(bits: int) -> None:
    network = from_nir(graph(), dt_ms=1.0, reset="zero")
    result = quantize(network, inputs=SAMPLES, bits=bits)
    assert result.fit is not None
    fitted = [SAMPLES[index] for index in result.fit.calibrated.split.fitting]
    program = replace(result.program, outputs=np.arange(15))
    wrong = np.zeros(15, np.bool_)
    for trace, real in zip(simulate(program, fitted), run_network(network, fitted), strict=True):
        wrong |= (trace.spikes != real.spikes).any(axis=0)
    hidden, last = result.fit.inexact
    assert [hidden.neurons, last.neurons] == [wrong[:12].sum(), wrong[12:].sum()]
    assert hidden.fed_wrong == 0
    assert last.fed_wrong == last.impossible == last.neurons == 3
    text = exactness_in_words(result.fit)
    assert text.startswith(f"exact on the fitting inputs: {15 - wrong.sum()} of 15 neurons; not exact: ")
    assert f"{hidden.neurons} neurons of 'hidden' (no exact weights of {bits} bit" in text
    assert text.endswith(
        "3 neurons of 'last' (no weights of any precision are exact: input spikes already differ from the network's)"
    )


def test_an_exact_fit() -> None:
    network = from_nir(graph(), dt_ms=1.0, reset="zero")
    silent = [np.zeros((10, 8), np.bool_)] * 4
    result = quantize(network, inputs=silent)
    assert result.fit is not None
    assert exactness_in_words(result.fit) == "exact on the fitting inputs: all 15 neurons"
