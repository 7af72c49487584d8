"""Encoders and decoders: what becomes of values at the ends of their range, between, beyond; and who wins a vote."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from untyped import untyped

import snnprog as sp
from snnprog.arrays import Floats, Raster
from snnprog.coding import (
    NO_CLASS,
    Delta,
    Encoder,
    GaussianFields,
    Latency,
    Levels,
    Questions,
    Rate,
    first_spike,
    spike_count,
    with_rest,
)

FITTED = np.array([[0.0, 5.0], [10.0, 5.0], [4.0, 5.0]])
ENCODERS = [
    Levels(4).fit(FITTED),
    Latency(8).fit(FITTED),
    Latency(8, is_paired=True).fit(FITTED),
    GaussianFields(5).fit(FITTED),
    Rate(30).fit(FITTED),
]


def latencies(raster: Raster) -> list[int]:
    """Return the tick of each line's spike, -1 for none."""
    return [int(tick) for tick in np.where(raster.any(axis=0), raster.argmax(axis=0), -1)]


@pytest.mark.parametrize("encoder", ENCODERS, ids=lambda encoder: type(encoder).__name__)
def test_a_sample_is_the_same_spikes_in_any_company(encoder: Encoder) -> None:
    together = encoder.transform(FITTED)
    assert {raster.shape for raster in together} == {(encoder.ticks, encoder.n_lines)}
    assert {raster.dtype for raster in together} == {np.dtype(np.bool_)}
    for sample, raster in zip(FITTED, together, strict=True):
        assert (encoder.transform(sample[None])[0] == raster).all()


@pytest.mark.parametrize("encoder", ENCODERS, ids=lambda encoder: type(encoder).__name__)
def test_encoders_are_frozen(encoder: Encoder) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        untyped(encoder).low = FITTED[0]
    with pytest.raises(ValueError, match="read-only"):
        untyped(encoder).low[0] = 1.0


@pytest.mark.parametrize(
    "encoder", [Levels(4), Latency(8), GaussianFields(5), Rate(30)], ids=lambda e: type(e).__name__
)
def test_fitting_leaves_the_settings_and_the_encoder_as_they_are(encoder: Levels) -> None:
    fitted = encoder.fit(FITTED)
    assert (fitted.low.tolist(), fitted.high.tolist()) == ([0.0, 5.0], [10.0, 5.0])
    assert encoder.low.size == 0
    again = dataclasses.replace(fitted, low=encoder.low, high=encoder.high)
    assert repr(again) == repr(encoder)
    assert fitted.fit([[1.0], [2.0]]).high.tolist() == [2.0]


def test_levels_are_a_thermometer() -> None:
    lines = [raster[0].tolist() for raster in Levels(4).fit(FITTED).transform([[0.0, 5.0], [3.8, 9.0], [99.0, -1.0]])]
    assert lines[0] == [False] * 8
    assert lines[1] == [True, True, False, False] + [True] * 4
    assert lines[2] == [True] * 4 + [False] * 4


def test_the_greater_the_earlier() -> None:
    encoder = Latency(8).fit(FITTED)
    assert [latencies(raster) for raster in encoder.transform([[10.0, 5.0], [0.0, 5.0], [7.5, 5.0]])] == [
        [0, 8],
        [8, 8],
        [2, 8],
    ]
    paired = Latency(8, is_paired=True).fit(FITTED)
    assert latencies(paired.transform([[7.5, 5.0]])[0]) == [2, 8, 6, 0]


def test_the_field_whose_centre_is_met_fires_at_once() -> None:
    encoder = GaussianFields(6).fit(FITTED[:, :1])
    centres = 10.0 / 4 * (np.arange(6) - 0.5)
    for field, centre in enumerate(centres):
        found = latencies(encoder.transform([[centre]])[0])
        assert found[field] == 0
        assert all(tick != 0 for index, tick in enumerate(found) if index != field)
    assert not encoder.transform([[1000.0]])[0].any()


def test_latency_of_a_field_is_the_formula_of_the_paper() -> None:
    encoder = GaussianFields(low=np.zeros(1), high=np.array([4.0]), fields=6, width=1.5, last=10, least=0.01)
    value, centres = 1.3, np.arange(6) - 0.5
    activation = np.exp(-((value - centres) ** 2) / (2 * (1 / 1.5) ** 2))
    expected = [round(10 * (1 - a)) if a >= 0.01 else -1 for a in activation]
    assert latencies(encoder.transform([[value]])[0]) == expected


def test_rates_are_what_was_asked() -> None:
    encoder = Rate(20_000, 0.4).fit(FITTED)
    low, middle, high = (raster[:, 0].mean() for raster in encoder.transform([[0.0, 5.0], [5.0, 5.0], [10.0, 5.0]]))
    assert low == 0.0
    assert abs(middle - 0.2) < 0.02
    assert abs(high - 0.4) < 0.02
    other = dataclasses.replace(encoder, seed=1)
    assert (other.transform(FITTED)[1] != encoder.transform(FITTED)[1]).any()


def test_delta_sends_each_step_once_and_catches_up() -> None:
    series = np.array([0.0, 0.9, 1.0, 3.5, 3.5, 3.5, 0.0, 0.0])[None, :, None]
    encoder = Delta(step=np.ones(1), ticks=8)
    (raster,) = encoder.transform(series)
    assert np.flatnonzero(raster[:, 0]).tolist() == [2, 3, 4]
    assert np.flatnonzero(raster[:, 1]).tolist() == [6, 7]


@given(arrays(np.int64, (1, 12, 2), elements=st.integers(-30, 30)))
def test_delta_follows_slow_series_to_less_than_a_step(steps: Floats) -> None:
    series = np.cumsum(np.clip(steps, -1, 1) * 0.25, axis=1)
    (raster,) = Delta(step=np.full(2, 0.5), ticks=12).transform(series)
    sent = series[:, :1] + 0.5 * np.cumsum(raster[:, :2].astype(int) - raster[:, 2:], axis=0)
    assert (np.abs(series - sent) < 0.5).all()


def test_delta_is_fitted_to_the_range() -> None:
    series = np.array([[[0.0, 7.0], [4.0, 7.0]], [[8.0, 7.0], [2.0, 7.0]]])
    encoder = Delta(4).fit(series)
    assert (encoder.step.tolist(), encoder.ticks, encoder.n_lines) == ([2.0, 0.25], 2, 4)


def test_classes_are_ignored_as_in_a_pipeline() -> None:
    assert Levels(4).fit(FITTED, [0, 1]).low.tolist() == Levels(4).fit(FITTED).low.tolist()
    assert Delta(4).fit(np.zeros((2, 3, 1)), [0, 1]).ticks == 3


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Levels().fit([1.0, 2.0]), r"samples must have the axes \(samples, values\), got shape \(2,\)"),
        (lambda: Levels().fit([["a"]]), "samples must be an array of numbers: could not convert string to float:"),
        (lambda: Levels().fit([[np.nan]]), "samples must be non-empty and finite; fill the gaps or drop those"),
        (lambda: Levels(0).fit([[1.0]]), "levels must be at least 1, got 0"),
        (lambda: Levels(untyped(1.5)).fit([[1.0]]), r"levels must be an integer, got 1\.5"),
        (lambda: Levels().fit(FITTED).transform([[1.0]]), "samples must have 2 values as in training, got 1"),
        (lambda: Rate(9).transform(FITTED), r"call Rate\(...\).fit\(.*, and use the object that it"),
        (lambda: GaussianFields().transform(FITTED), "GaussianFields must be fitted before"),
        (lambda: Delta().transform(np.zeros((1, 4, 1))), "Delta must be fitted before it transforms samples"),
        (
            lambda: Questions.one_vs_one(3).decide([np.zeros((4, 2), bool)]),
            r"spikes\[0\] must have 3 columns, one for each q",
        ),
        (lambda: with_rest(untyped([1, 0])), "raster must have two axes"),
        (lambda: Delta(0), "steps must be at least 1, got 0"),
        (
            lambda: Levels(low=untyped([1.0]), high=untyped([0.0])),
            "low and high must have equal lengths, with low <= high for each value",
        ),
        (lambda: Levels(low=untyped([[1.0]]), high=untyped([[1.0]])), "one finite number per value"),
        (lambda: Latency(0).fit(FITTED), "last must be at least 1, got 0"),
        (lambda: GaussianFields(2).fit(FITTED), "fields must be at least 3, got 2"),
        (
            lambda: GaussianFields(low=untyped([0.0]), high=untyped([1.0]), width=0.0),
            r"width must be a positive number of spacings per deviation, got 0\.0",
        ),
        (lambda: Rate(10, 1.5).fit(FITTED), r"highest must be above 0 and at most 1, got 1\.5"),
        (lambda: Rate(10, seed=-1).fit(FITTED), "seed must be at least 0, got -1"),
        (lambda: Delta(step=untyped([0.0]), ticks=3), r"steps must be positive, got \[0\.0\]"),
        (
            lambda: Delta(step=untyped([1.0]), ticks=3).transform(np.zeros((1, 4, 1))),
            "series must have 3 ticks as in training, got 4",
        ),
        (
            lambda: Questions(untyped([[1, -1], [1, 1]])),
            "each output must have classes for both answers; add the missing one",
        ),
        (
            lambda: Questions(untyped([1, -1])),
            r"answers must be 1, -1 or 0, of shape \(classes, outputs\), got shape \(2,\)",
        ),
        (lambda: Questions(untyped([[1], [-1]]), share=0.0), r"share must be above 0 and at most 1, got 0\.0"),
        (lambda: Questions.one_vs_rest(1), "classes must be at least 2, got 1"),
        (lambda: Questions.one_vs_one(3, voters=0), "voters must be at least 1, got 0"),
    ],
)
def test_what_cannot_be_is_refused(build: Callable[[], object], message: str) -> None:
    with pytest.raises(sp.SpecError, match=message):
        build()


def raster_of(*events: tuple[int, int], outputs: int = 3, ticks: int = 4) -> Raster:
    raster = np.zeros((ticks, outputs), dtype=bool)
    for tick, output in events:
        raster[tick, output] = True
    return raster


def test_first_spike_and_count() -> None:
    assert first_spike(raster_of((2, 1), (3, 0))) == 1
    assert first_spike(raster_of((2, 1), (2, 0))) == NO_CLASS
    assert first_spike(raster_of()) == NO_CLASS
    assert spike_count(raster_of((0, 2), (1, 2), (1, 0))) == 2
    assert spike_count(raster_of((0, 2), (1, 0))) == NO_CLASS
    assert spike_count(raster_of()) == NO_CLASS
    assert with_rest(raster_of((3, 0))).sum(axis=1).tolist() == [0, 0, 0, 1, 0]


def test_one_vs_rest() -> None:
    questions = Questions.one_vs_rest(3)
    assert questions.answers.tolist() == [[1, -1, -1], [-1, 1, -1], [-1, -1, 1]]
    answers = [raster_of((3, 2)), raster_of((0, 0), (3, 1)), raster_of((3, 0), (3, 1)), raster_of()]
    assert questions.decide(answers).tolist() == [2, 1, 0, 0]


def test_one_vs_one() -> None:
    questions = Questions.one_vs_one(3)
    assert questions.answers.tolist() == [[-1, -1, 0], [1, 0, -1], [0, 1, 1]]
    assert questions.pairs == ((0, 1), (0, 2), (1, 2))
    assert questions.decide([raster_of((3, 1), (3, 2)), raster_of((3, 0)), raster_of()]).tolist() == [2, 1, 0]
    assert questions.decide([raster_of((3, 1))]).tolist() == [0]  # each class has one vote: the first


def test_tied_classes_are_settled_by_those_asked_about_them_alone() -> None:
    answers = [[-1, -1, -1, 0, 0, 0], [1, 0, 0, -1, -1, 0], [0, 1, 0, 1, 0, -1], [0, 0, 1, 0, 1, 1]]
    questions = Questions(np.array(answers, dtype=np.int8))
    # classes 1 and 3 have two votes each, the others one; output 4 was asked about 1 and 3
    assert questions.decide([raster_of((0, 0), (0, 2), (0, 4), outputs=6, ticks=1)]).tolist() == [3]
    assert questions.decide([raster_of((0, 1), (0, 2), (0, 5), outputs=6, ticks=1)]).tolist() == [1]


@given(st.integers(2, 5), st.integers(1, 4), st.data())
def test_right_answers_give_the_right_class(classes: int, voters: int, data: st.DataObject) -> None:
    questions = Questions.one_vs_one(classes, voters)
    kind = data.draw(st.integers(0, classes - 1))
    unasked = data.draw(arrays(np.bool_, questions.n_outputs))
    said = np.where(questions.answers[kind] == 0, unasked, questions.answers[kind] == 1)
    assert questions.decide([said[None]]).tolist() == [kind]


def test_voters_are_asked_about_half_of_each_class() -> None:
    labels = np.array([0] * 10 + [1] * 7 + [2] * 3)
    questions = Questions.one_vs_one(3, voters=4)
    asked = questions.care(labels, seed=1)
    for output in range(questions.n_outputs):
        for kind, half in ((0, 5), (1, 4), (2, 2)):
            assert asked[labels == kind, output].sum() == (half if questions.answers[kind, output] else 0)
    assert (asked == questions.care(labels, seed=1)).all()
    assert (asked != questions.care(labels, seed=2)).any()
    assert (asked[:, 0] != asked[:, 1]).any()
    whole = Questions.one_vs_one(3).care(labels)
    assert (whole == (Questions.one_vs_one(3).answers[labels] != 0)).all()
