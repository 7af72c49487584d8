"""Thresholds that neurons share: as many as a core holds, near the best choice, and exact neurons keep theirs."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest
from cases import random_raster
from command_line import Command
from nir_graphs import chain, lif, weights

import snnprog as sp
from snnprog.chips import Chip, find_chip
from snnprog.networks import QuantizedNetwork, from_nir, quantize
from snnprog.networks.sharing import chosen_columns
from snnprog.placement import CoreCount, count_cores, counting
from snnprog.report.conversions import cores_in_words
from snnprog.simulate import simulate

SAMPLES = [random_raster(seed, 30, 8, 0.25) for seed in range(24)]
LOIHI = find_chip("loihi1")


def graph(hidden: int = 20, **changes: Any) -> nir.NIRGraph:
    """Return two layers of LIF neurons with thresholds of their own."""
    nodes = {
        "in": nir.Input(np.array([8])),
        "w1": nir.Linear(weights(hidden, 8, 1)),
        "hidden": lif(hidden, 1),
        "w2": nir.Linear(weights(4, hidden, 2)),
        "last": lif(4, 2),
        "out": nir.Output(np.array([4])),
    }
    return chain(**(nodes | changes))


def made(*, inputs: list[Any] | None = None, chip: str | Chip = "loihi1", **options: Any) -> QuantizedNetwork:
    return quantize(graph(), dt_ms=1.0, reset="zero", inputs=inputs, chip=chip, **options)


def without_limit() -> Chip:
    """Return Loihi whose cores have room for any number of thresholds."""
    return replace(LOIHI, name="roomy", core=replace(LOIHI.core, thresholds=None))


@pytest.mark.parametrize("options", [{}, {"bits": 8}, {"bits": 4}, {"bits": 1}, {"inputs": SAMPLES}])
def test_no_more_thresholds_than_a_core_has(options: dict[str, Any]) -> None:
    shared, own = made(**options), made(**options, chip=without_limit())
    assert np.unique(shared.program.threshold).size <= 8 < np.unique(own.program.threshold).size
    assert shared.cores is not None
    assert shared.cores.used == shared.cores.at_least
    before = count_cores(replace(own.program, chip=LOIHI))
    assert before is not None
    assert before.used is not None
    assert shared.cores.used is not None
    # Thresholds need not be what limits: at 4 bits, other scales have more exponents, and so longer lists of synapses.
    assert before.used > shared.cores.used or options.get("bits") == 4


@pytest.mark.parametrize("bits", [None, 8, 6])
def test_fitted_to_shared_thresholds(bits: int | None) -> None:
    shared, own = (made(inputs=SAMPLES, bits=bits, chip=chip) for chip in ("loihi1", without_limit()))
    assert shared.fit is not None
    stages = shared.fit.calibrated.stages
    assert shared.wrong_bins == sum(sum(stage.wrong.as_tuple) for stage in stages)
    assert shared.mismatch.wrong_bins <= 1.5 * own.mismatch.wrong_bins + 20


def test_exact_neurons_keep_their_thresholds() -> None:
    """Whole numbers are the chip's already; each of twelve thresholds stays, and every spike is the network's."""
    rng = np.random.default_rng(0)
    whole = chain(
        **{
            "in": nir.Input(np.array([8])),
            "w": nir.Linear(rng.integers(-20, 60, (12, 8)).astype(float)),
            "n": nir.IF(np.ones(12), np.arange(100.0, 112.0)),
            "out": nir.Output(np.array([12])),
        }
    )
    result = quantize(whole, dt_ms=1000.0, reset="zero", inputs=SAMPLES, fit=False)
    assert result.wrong_bins == 0
    assert sorted(result.program.threshold) == list(range(100, 112))


def test_few_neurons_keep_their_own() -> None:
    few = graph(4, w1=nir.Linear(weights(4, 8, 1)), w2=nir.Linear(weights(4, 4, 2)))
    here, there = (quantize(few, dt_ms=1.0, reset="zero", chip=chip) for chip in ("loihi1", without_limit()))
    assert np.array_equal(here.program.threshold, there.program.threshold)


def test_no_choice_of_columns_is_much_better() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        costs = rng.random((9, 8)) ** 3
        costs[rng.random(costs.shape) < 0.2] = np.inf
        first = np.array([seed % 8])
        found = costs[:, chosen_columns(costs, first=first, count=3)].min(axis=1)
        best = min(
            np.where(np.isfinite(least), least, 1e3).sum()
            for pair in itertools.combinations(range(8), 3)
            if first[0] in pair
            for least in [costs[:, list(pair)].min(axis=1)]
        )
        assert np.where(np.isfinite(found), found, 1e3).sum() <= 1.2 * best + 1e-12


# ---------------------------------------------------------------- what is said of cores


def test_the_command_tells_the_cores(command: Command, tmp_path: Path) -> None:
    nir.write(tmp_path / "n.nir", graph())
    words = ("quantize", tmp_path / "n.nir", "-o", tmp_path / "p.snnp", "--dt-ms", 1, "--reset", "zero")
    _, out, _ = command(*words)
    count = count_cores(sp.load(tmp_path / "p.snnp"))
    assert count is not None
    assert cores_in_words(count) in out
    _, out, _ = command(*words, "--json")
    assert json.loads(out)["cores"] == count.as_dict() == {"used": 3, "at_least": 3, "misfit": None}
    _, out, _ = command(*words, "--chip", "loihi2", "--json")
    assert json.loads(out)["cores"] is None


def program_of(lines: int, neurons: int) -> sp.Program:
    """Return a program with a synapse from each line to each neuron."""
    pre, post = np.divmod(np.arange(lines * neurons), neurons)
    ones = np.ones(pre.size, np.int64)
    return sp.Program.from_arrays(
        chip="loihi1", n_inputs=lines, n_neurons=neurons, pre=pre, post=post, delay=ones, weight=ones, threshold=9
    )


def test_large_programs_get_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "MOST_PLACED", 99_999)
    large = program_of(1000, 100)
    count = count_cores(large)
    assert count is not None
    assert count.used is None
    assert count.at_least == 1
    assert cores_in_words(count) == "loihi1 needs 1 core or more; snnprog inspect --cores places it"


def test_what_does_not_fit_is_said() -> None:
    count = count_cores(program_of(4097, 1))
    assert count is not None
    assert cores_in_words(count) == (
        "does not fit loihi1: neuron 0 alone exceeds the limit of axons in: 4,097 of 4,096; lower its fan-in"
    )
    assert count.as_dict()["misfit"] == "neuron 0 alone exceeds the limit of axons in: 4,097 of 4,096; lower its fan-in"
    assert cores_in_words(CoreCount("loihi1", 3, 2)) == "fits on 3 cores of loihi1; at least 2 are necessary"


def test_shared_thresholds_do_what_is_reported() -> None:
    result = made(inputs=SAMPLES)
    network = from_nir(graph(), dt_ms=1.0, reset="zero")
    real = sp.networks.run_network(network, SAMPLES)
    program = replace(result.program, outputs=np.arange(result.program.n_neurons, dtype=np.int32))
    wrong = sum(int((a.spikes != b.spikes).sum()) for a, b in zip(simulate(program, SAMPLES), real, strict=True))
    assert wrong == result.wrong_bins
