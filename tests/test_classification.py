"""Classifiers: the spec says what is asked, the program is exact on it, and no neuron is bound where nothing counts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import snnprog as sp
from snnprog.arrays import Floats, Int64s
from snnprog.coding import Delta, Encoder, GaussianFields, Latency, Levels, Questions, Rate
from snnprog.design import design
from snnprog.specs.classification import clarity_of


def blobs(seed: int, classes: int = 3, size: int = 20) -> tuple[Floats, Int64s]:
    """Return points around a centre for each class, (samples, 2), and their classes."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), size)
    centres = np.array([[0.0, 0.0], [6.0, 1.0], [2.0, 7.0], [8.0, 8.0]])
    return centres[labels] + rng.normal(size=(labels.size, 2)), labels


def decided(program: sp.Program, spec: sp.Spec, questions: Questions, backend: str = "reference") -> Int64s:
    traces = sp.run(program, [pattern.inputs for pattern in spec.patterns], backend)
    return questions.decide([trace.spikes for trace in traces])


@pytest.mark.parametrize(
    "encoder",
    [Levels().fit(blobs(0)[0]), Latency(is_paired=True).fit(blobs(0)[0]), GaussianFields().fit(blobs(0)[0])],
    ids=lambda encoder: type(encoder).__name__,
)
@pytest.mark.parametrize("questions", [Questions.one_vs_rest(3), Questions.one_vs_one(3)], ids=["rest", "pairs"])
def test_program_is_exact_on_what_is_asked(encoder: Encoder, questions: Questions) -> None:
    samples, labels = blobs(0)
    spec = sp.specs.classifier(samples, labels, encoder, questions=questions)
    program = sp.compile(spec).program
    assert sp.verify(program, spec).exact
    assert (decided(program, spec, questions) == labels).all()


def test_what_cannot_be_told_apart_is_named() -> None:
    samples, labels = blobs(1, size=8)
    with pytest.raises(sp.InfeasibleError, match="what it has received by then is the same"):
        sp.compile(sp.specs.classifier(samples, labels, Rate(30).fit(samples)))


def test_series_are_told_apart() -> None:
    rng = np.random.default_rng(0)
    phase, labels = rng.uniform(0.0, 6.0, 24), np.repeat([0, 1], 12)
    angle = phase[:, None] + np.where(labels[:, None] == 1, 1.0, 2.0) * np.arange(25) * 0.25
    series = np.sin(angle)[:, :, None]
    spec = sp.specs.classifier(series, labels, Delta(6).fit(series), questions=Questions.one_vs_one(2))
    assert (spec.n_inputs, spec.n_outputs, spec.patterns[0].ticks) == (2, 1, 26)
    program = sp.compile(spec).program
    assert (decided(program, spec, Questions.one_vs_one(2)) == labels).all()


def test_the_decision_is_the_last_tick() -> None:
    samples, labels = blobs(2)
    spec = sp.specs.classifier(samples, labels, Latency(5).fit(samples))
    assert spec.delays == (1, 2, 3, 4, 5, 6)
    for pattern, label in zip(spec.patterns, labels, strict=True):
        assert pattern.ticks == 7
        assert not pattern.inputs[-1].any()
        assert np.argwhere(pattern.targets).tolist() == [[6, label]]
        assert pattern.care.all()


def test_odd_samples_are_left_out() -> None:
    samples, labels = blobs(3)
    odd = [4, 25]
    labels[odd] = (labels[odd] + 1) % 3
    encoder = Levels().fit(samples)
    clarity = clarity_of(encoder.transform(samples), labels)
    assert np.flatnonzero(clarity < 0).tolist() == odd
    questions = Questions.one_vs_one(3)
    spec = sp.specs.classifier(samples, labels, encoder, questions=questions, clarity=0.0)
    assert [index for index, pattern in enumerate(spec.patterns) if not pattern.care.any()] == odd
    result = sp.compile(spec)
    assert {neuron.status for neuron in result.report.neurons} == {"certified"}
    assert np.flatnonzero(decided(result.program, spec, questions) != labels).tolist() == odd


def test_what_is_clear_can_be_built() -> None:
    rng = np.random.default_rng(4)
    samples, labels = rng.normal(size=(150, 3)), rng.integers(0, 3, 150)
    encoder = Levels(6).fit(samples)
    assert 10 < (clarity_of(encoder.transform(samples), labels) > 0).sum() < 140
    spec = sp.specs.classifier(samples, labels, encoder, questions=Questions.one_vs_one(3), clarity=1e-6)
    assert not design(spec).unbuilt


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 1], "labels must have one entry for each of 60 samples, got 2"),
        ([0.5] * 60, r"labels must be non-negative class numbers, got float64 of shape \(60,\)"),
        ([0, -1] * 30, "labels must be non-negative class numbers, got -1"),
        ([0] * 60, "labels must name at least two classes, got one"),
        ([0, 3] * 30, "labels must be below 3, the number of classes of the questions, got 3"),
    ],
)
def test_labels_that_cannot_be_are_refused(labels: list[int], message: str) -> None:
    samples, _ = blobs(0)
    with pytest.raises(sp.SpecError, match=message):
        sp.specs.classifier(samples, labels, Levels().fit(samples), questions=Questions.one_vs_one(3))


# --------------------------------------------------------------- patterns in which nothing counts for an output


def contradictory(*, is_asked: bool, recurrent: bool = False) -> sp.Spec:
    """Return a spec whose second pattern contradicts its first for output 0, and for output 1 is as good."""
    inputs = np.array([[True, False], [False, False]])
    pair = [np.array([[False, False], [said, True]]) for said in (True, False)]
    care = np.ones((2, 2), dtype=bool)
    care[:, 0] = is_asked
    return sp.Spec([sp.Pattern(inputs, pair[0]), sp.Pattern(inputs, pair[1], care)], recurrent=recurrent)


def test_a_pattern_that_does_not_count_binds_nobody() -> None:
    with pytest.raises(sp.InfeasibleError):
        sp.compile(contradictory(is_asked=True))
    spec = contradictory(is_asked=False)
    result = sp.compile(spec)
    assert sp.verify(result.program, spec).exact
    assert [neuron.status for neuron in result.report.neurons] == ["certified", "certified"]
    assert result.network.neurons[0].raster.tolist() == [False, True, False, True]


def test_where_outputs_hear_each_other_it_does_bind() -> None:
    spec = contradictory(is_asked=False, recurrent=True)
    program = sp.compile(spec).program
    assert sp.verify(program, spec).exact


@pytest.mark.parametrize("asked", [{"sparse": True}, {"fan_in": 3}, {"noise": 30.0}], ids=str)
def test_what_more_is_asked_holds_for_what_counts(asked: dict[str, Any]) -> None:
    samples, labels = blobs(5)
    spec = sp.specs.classifier(samples, labels, Levels(8).fit(samples), questions=Questions.one_vs_one(3))
    result = sp.compile(replace(spec, **asked))
    assert sp.verify(result.program, spec).exact
    assert max(neuron.synapses for neuron in result.report.neurons) <= 3 or "noise" in asked
    assert all(neuron.noise is None or neuron.noise >= 30.0 for neuron in result.report.neurons)
