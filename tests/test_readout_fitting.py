"""Readouts that are fitted to spikes, and their curve of bits kept and of prediction."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, RidgeCV
from untyped import untyped

import snnprog as sp
from snnprog.arrays import Int64s, Raster
from snnprog.coding import Readout, readout_curve, spike_count

ROOT = Path(__file__).resolve().parents[1]


def timed(samples: int = 300, seed: int = 0) -> tuple[list[Raster], Int64s]:
    """Return rasters of four outputs with equal spike counts, in which the class is whether output 0 spikes early."""
    generator = np.random.default_rng(seed)
    spikes = np.zeros((samples, 20, 4), dtype=np.bool_)
    for line in range(4):
        spikes[np.arange(samples), generator.integers(0, 20, samples), line] = True
    return list(spikes), np.asarray(spikes[:, :10, 0].any(axis=1), dtype=np.int64)


def test_a_trace_is_what_a_leaky_neuron_keeps() -> None:
    raster = np.zeros((5, 2), dtype=np.bool_)
    raster[[1, 4], 0] = True
    (kept,) = Readout(tau=2.0).features([raster])
    assert kept == pytest.approx([math.exp(-3 / 2) + 1.0, 0.0])
    assert Readout().features([raster]).tolist() == [[2.0, 0.0]]
    assert Readout(feature="latency").features([raster]).tolist() == [[4.0, 0.0]]


def test_what_is_in_the_time_is_read_from_the_time() -> None:
    spikes, classes = timed()
    unseen, unseen_classes = timed(seed=1)
    counts = Readout("classes").fit(spikes, classes)
    latency = Readout("classes", feature="latency").fit(spikes, classes)
    trace = Readout("classes", tau=20.0).fit(spikes, classes)
    scores = [float((each.predict(unseen) == unseen_classes).mean()) for each in (counts, latency, trace)]
    assert scores[0] < 0.6 < 0.95 < min(scores[1:])
    assert np.mean([spike_count(raster) == kind for raster, kind in zip(unseen, unseen_classes, strict=True)]) < 0.6


def test_it_is_the_estimator_of_scikit_learn() -> None:
    generator = np.random.default_rng(0)
    spikes = list(generator.random((200, 30, 5)) < generator.random((200, 1, 5)))
    counts = np.array([raster.sum(axis=0) for raster in spikes], dtype=float)
    shown = (counts - counts.mean(axis=0)) / counts.std(axis=0)
    values = counts @ [1.0, -2.0, 0.0, 3.0, 0.5] + generator.normal(size=200)
    ridge = RidgeCV(np.logspace(-3, 4, 15)).fit(shown, values)
    assert Readout().fit(spikes, values).predict(spikes) == pytest.approx(ridge.predict(shown))
    pair = np.column_stack([values, -values])
    assert Readout().fit(spikes, pair).predict(spikes) == pytest.approx(pair, abs=6.0)
    names = np.array(["few", "some", "many"])[np.digitize(counts[:, 0], [8, 20])]
    readout = Readout("classes").fit(spikes, names)
    logistic = LogisticRegression(max_iter=5000).fit(shown, names)
    assert readout.predict(spikes).tolist() == logistic.predict(shown).tolist()
    assert readout.classes.tolist() == ["few", "many", "some"]


def test_bits_are_levels() -> None:
    spikes = [np.arange(9)[:, None] < count for count in range(10)]
    readout = Readout(bits=2).fit(spikes, np.arange(10.0))
    assert np.unique(readout.rounded(readout.features(spikes))).tolist() == [0.0, 3.0, 6.0, 9.0]
    assert np.unique(readout.predict(spikes)).size == 4
    more = Readout(bits=1).fit(spikes[:5], np.arange(5.0))
    assert more.rounded(np.array([[99.0]])).tolist() == [[4.0]], "beyond the range of training it is clipped"


def test_the_curve_trades_bits_for_prediction() -> None:
    spikes, classes = timed()
    curve = readout_curve(spikes, classes)
    assert len(curve.points) == 24
    kept = [point.kept_bits for point in curve.points]
    assert kept == sorted(kept)
    front = [point.score for point in curve.front]
    assert front == sorted(front)
    chosen = curve.chosen
    assert chosen.score >= max(front) - max(curve.points, key=lambda point: point.score).score_error
    assert all(point.score < chosen.score for point in curve.points if point.kept_bits < chosen.kept_bits)
    assert chosen.kept_bits < max(kept) / 2
    assert 0.5 < chosen.relevant_bits <= 1.0, "a class of two is one bit"
    again = readout_curve(spikes, classes)
    assert [point.score for point in again.points] == [point.score for point in curve.points]


def test_a_bit_is_a_bit() -> None:
    """A fair bit in one of two outputs: one bit is kept, and it says all of a class that is the bit."""
    bits = np.arange(40) % 2 == 0
    spikes = [np.array([[bit, False]]) for bit in bits]
    (point,) = readout_curve(spikes, bits, readouts=[Readout("classes")]).points
    assert point.kept_bits == pytest.approx(1.0)
    assert point.score == 1.0
    assert 0.8 < point.relevant_bits <= 1.0
    (noise,) = readout_curve(spikes, np.arange(40) % 4 < 2, readouts=[Readout("classes")]).points
    assert noise.relevant_bits < 0.05
    (value,) = readout_curve(spikes, bits * 3.0, readouts=[Readout()]).points
    assert value.score > 0.95
    assert value.relevant_bits > -0.5 * math.log2(1.0 - value.score) > 2.0, "a mean of logarithms"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Readout(untyped("class")), "predicts must be 'values' or 'classes', got 'class'"),
        (lambda: Readout(feature=untyped("rate")), "feature must be 'trace' or 'latency', got 'rate'"),
        (lambda: Readout(tau=0.0), r"tau must be a positive number of ticks, or math\.inf for counts, got 0\.0"),
        (lambda: Readout(bits=0), "bits must be at least 1, got 0"),
        (lambda: Readout().predict([np.eye(2, dtype=bool)]), "Readout must be fitted before"),
        (lambda: Readout().fit(timed()[0], [1.0]), "targets must have one entry for each of 300 samples, got 1"),
        (
            lambda: Readout().fit(timed()[0], ["a"] * 300),
            r"numbers, got \['a'\]; for classes, make a Readout\('classes'\)",
        ),
        (lambda: Readout().fit(timed()[0], [math.nan] * 300), "targets must be finite"),
        (lambda: Readout("classes").fit(timed()[0], [math.nan] * 300), "targets must be finite"),
        (lambda: Readout("classes").fit(timed()[0], np.ones((300, 2))), r"have the axes \(samples,\), got shape"),
        (lambda: Readout().fit(timed()[0], np.ones((300, 1, 1))), r"\(samples,\) or \(samples, values\), got shape"),
        (lambda: Readout().fit([np.full((9, 4), 0.5)] * 2, [1, 2]), r"spikes\[0\] must hold bools, got type float64"),
        (lambda: Readout().fit([np.zeros((0, 4), bool)] * 2, [1, 2]), r"spikes\[0\] must have at least one tick"),
        (lambda: Readout("classes").fit(timed()[0], [1] * 300), "targets must name at least two classes, got one: 1"),
        (lambda: Readout().fit([], []), r"spikes must be rasters \(ticks, outputs\) of one shape, got shapes \[\]"),
        (lambda: Readout().fit(*timed()).predict([np.eye(20, dtype=bool)]), "spikes must be of 4 outputs as in"),
        (lambda: readout_curve(timed()[0], [1.0]), "targets must have one entry for each of 300 samples, got 1"),
        (lambda: readout_curve(*timed(), folds=1), "folds must be from 2 to 300, the number of samples, got 1"),
    ],
)
def test_what_is_refused(call: Any, message: str) -> None:
    with pytest.raises(sp.SpecError, match=message):
        call()


def test_without_scikit_learn_there_is_a_sentence() -> None:
    code = """
import sys
sys.modules["sklearn"] = None
import numpy as np, snnprog as sp
try:
    sp.coding.Readout().fit([np.eye(2, dtype=bool)] * 2, [0, 1])
except sp.SpecError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "a readout needs scikit-learn; install it with: pip install 'snnprog[sklearn]'\n"


def program_of(chip: str) -> sp.Program:
    """Return a program of five neurons that make spikes of random input in their own ways."""
    generator = np.random.default_rng(0)
    pre, post = (each.ravel() for each in np.indices((8, 5)))
    return sp.Program.from_arrays(
        chip=chip,
        n_inputs=8,
        n_neurons=5,
        pre=pre,
        post=post,
        weight=generator.integers(-60, 100, 40),
        threshold=[90, 120, 150, 180, 210],
    )


@pytest.mark.parametrize("chip", ["loihi1", "fpga"])
@pytest.mark.parametrize("tau", [math.inf, 8.0])
def test_a_readout_on_the_chip_predicts_the_same(chip: str, tau: float) -> None:
    generator = np.random.default_rng(1)
    rates = generator.random(120)
    inputs = [generator.random((30, 8)) < rate for rate in rates]
    program = program_of(chip)
    spikes = [trace.spikes for trace in sp.run(program, inputs)]
    readout = Readout(tau=tau).fit(spikes, rates)
    graded = sp.with_readout(program, readout)
    longer = [sp.coding.with_rest(raster) for raster in inputs]
    traces = sp.run(graded.program, longer)
    assert graded.program.n_neurons == 6
    np.testing.assert_allclose(graded.scores(traces), readout.scores(spikes), atol=0.03)
    assert np.corrcoef(graded.scores(traces)[:, 0], rates)[0, 1] > 0.8
    again = sp.run(graded.program, longer, "reference")
    for trace, other in zip(traces, again, strict=True):
        np.testing.assert_array_equal(trace.readout, other.readout)


def test_classes_on_the_chip() -> None:
    generator = np.random.default_rng(2)
    classes = generator.integers(0, 3, 150)
    inputs = [generator.random((20, 8)) < (np.arange(8) % 3 == kind) * 0.5 + 0.1 for kind in classes]
    program = program_of("loihi1")
    spikes = [trace.spikes for trace in sp.run(program, inputs)]
    readout = Readout("classes", tau=10.0).fit(spikes, classes)
    graded = sp.with_readout(program, readout)
    found = graded.predict(sp.run(graded.program, [sp.coding.with_rest(raster) for raster in inputs]))
    assert graded.program.n_outputs == 3
    assert (found == readout.predict(spikes)).mean() > 0.98
    assert (found == classes).mean() > 0.6


@pytest.mark.parametrize(
    ("readout", "message"),
    [
        (Readout(), "spikes of the program's 5 outputs, got one that is not fitted; write readout"),
        (
            Readout(low=np.zeros(5), high=np.ones(5), bits=2),
            "must be of unrounded traces to run on a chip, got <Readout",
        ),
        (Readout(low=np.zeros(5), high=np.ones(5), feature="latency"), "must be of unrounded traces to run on a chip"),
    ],
)
def test_readouts_that_a_chip_has_not(readout: Readout, message: str) -> None:
    with pytest.raises(sp.SpecError, match=message):
        sp.with_readout(program_of("loihi1"), readout)
