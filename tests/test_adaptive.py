"""Adaptive encoders: against plain integers one value at a time, in chunks, after a drift, and as scikit-learn's."""

from __future__ import annotations

import dataclasses
import math
import pickle
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from untyped import untyped

import snnprog as sp
from snnprog.arrays import Floats, Raster
from snnprog.coding import AdaptiveFields, Contrast, GaussianFields

Adaptive = Contrast | AdaptiveFields
ENCODERS: list[Adaptive] = [
    Contrast(),
    Contrast(memory=3, reach=0.9, levels=3),
    AdaptiveFields(),
    AdaptiveFields(memory=1, reach=1.7, fields=3, width=1.2, last=6, least=0.05),
]


def drifting(rows: int = 200, values: int = 3, seed: int = 0) -> Floats:
    """Return a stream whose mean and spread move by an order of magnitude."""
    rng = np.random.default_rng(seed)
    scale = np.exp(np.cumsum(rng.normal(0, 0.1, (rows, values)), axis=0))
    stream: Floats = np.cumsum(rng.normal(0, 0.5, (rows, values)), axis=0) + scale * rng.normal(size=(rows, values))
    return stream


def joined(rasters: list[Raster]) -> Raster:
    return np.concatenate(rasters)


class Plain:
    """The rule in Python's integers, one value at a time, with a check that 32 bits hold every number."""

    def __init__(self, encoder: Adaptive) -> None:
        self.encoder = encoder
        self.sums, self.spreads = encoder.sums.tolist(), encoder.spreads.tolist()

    def row(self, row: Floats) -> list[list[int]]:
        """Return, for each value, its lines that spike, or the latency of each line (-1 for none)."""
        encoder, found = self.encoder, []
        for each, value in enumerate(row.tolist()):
            number = round((value - float(encoder.offset[each])) / float(encoder.unit[each]))
            number = max(-(2**19) + 1, min(number, 2**19 - 1))
            mean, spread = self.sums[each] >> encoder.memory, self.spreads[each] >> encoder.memory
            found.append(self.lines(number - mean, max(spread, 1)))
            self.sums[each] += number - mean
            self.spreads[each] += abs(number - mean) - spread
            assert max(abs(self.sums[each]), self.spreads[each]) < 2**31
        return found

    def lines(self, distance: int, deviation: int) -> list[int]:
        encoder = self.encoder
        if isinstance(encoder, Contrast):
            cuts = [round(64 * encoder.reach * (level + 1) / encoder.levels) for level in range(encoder.levels)]
            assert max(cuts) * deviation < 2**31
            return [int(64 * side * distance > cut * deviation) for side in (1, -1) for cut in cuts]
        latencies = []
        for centre in encoder.centres.tolist():
            away = abs(64 * distance - centre * deviation)
            assert max(away, deviation * max(encoder.radii.tolist())) < 2**31
            inside = [latency for latency, radius in enumerate(encoder.radii.tolist()) if away <= radius * deviation]
            latencies.append(inside[0] if inside else -1)
        return latencies


def of_rasters(encoder: Adaptive, rasters: list[Raster]) -> list[list[list[int]]]:
    """Return what `Plain.row` returns, of rasters."""
    width = encoder.n_lines // encoder.unit.size
    if isinstance(encoder, Contrast):
        rows = [raster[0].astype(int) for raster in rasters]
    else:
        assert all((raster.sum(axis=0) <= 1).all() for raster in rasters)
        rows = [np.where(raster.any(axis=0), raster.argmax(axis=0), -1) for raster in rasters]
    return [row.reshape(-1, width).tolist() for row in rows]


@pytest.mark.parametrize("encoder", ENCODERS, ids=repr)
@pytest.mark.parametrize("seed", range(3))
def test_the_spikes_are_those_of_plain_integers(encoder: Adaptive, seed: int) -> None:
    stream = drifting(seed=seed)
    fitted = encoder.fit(stream[:40])
    plain = Plain(fitted)
    assert of_rasters(fitted, fitted.transform(stream)) == [plain.row(row) for row in stream]
    after = fitted.partial_fit(stream)
    assert (after.sums.tolist(), after.spreads.tolist()) == (plain.sums, plain.spreads)


def test_values_far_beyond_are_clipped_and_do_not_overflow() -> None:
    fitted = Contrast(memory=10, reach=8.0).fit(drifting())
    stream = np.where(np.arange(5000)[:, None] // 1000 % 2, 1e12, -1e12) * np.ones(3)
    plain = Plain(fitted)
    assert of_rasters(fitted, fitted.transform(stream)) == [plain.row(row) for row in stream]


@pytest.mark.parametrize("encoder", ENCODERS, ids=repr)
@given(cuts=st.lists(st.integers(1, 119), max_size=5), seed=st.integers(0, 5))
def test_chunks_are_the_same_spikes_as_the_whole(encoder: Adaptive, cuts: list[int], seed: int) -> None:
    stream = drifting(120, seed=seed)
    now = encoder.fit(stream[:30])
    whole, pieces = now.transform(stream), []
    for chunk in np.split(stream, sorted(set(cuts))):
        pieces += now.transform(chunk)
        now = now.partial_fit(chunk)
    assert (joined(pieces) == joined(whole)).all()
    assert joined(whole).any()


@pytest.mark.parametrize("encoder", ENCODERS, ids=repr)
def test_a_new_offset_and_gain_are_forgotten(encoder: Adaptive) -> None:
    """Twenty time constants after a change of sensor, the spikes are nearly those without it."""
    stream = np.random.default_rng(1).normal(size=(3000, 2))
    fitted = encoder.fit(stream[:500])
    changed = np.concatenate([stream[:500], 40.0 + 5.0 * stream[500:]])
    late = slice(500 + (20 << encoder.memory), None)
    same, other = (joined(fitted.transform(each)[late]) for each in (stream, changed))
    assert np.mean(same != other) < 0.05 * np.mean(same)
    frozen = GaussianFields(fields=6).fit(stream[:500])
    assert not joined(frozen.transform(changed)[late]).any()


def test_an_average_value_is_silent_and_a_constant_becomes_so() -> None:
    fitted = Contrast().fit(drifting())
    assert not fitted.transform(fitted.offset[None])[0].any()
    constant = joined(fitted.transform(np.full((2000, 3), 1e3)))
    assert constant[0].any()
    assert not constant[1000:].any()
    flat = Contrast().fit(np.full((5, 2), 7.0))
    assert (flat.unit.tolist(), flat.transform([[7.0, 10.0]])[0].tolist()) == ([1.0, 1.0], [[0, 0, 0, 0, 1, 1, 0, 0]])


def test_latencies_are_those_of_the_gaussian() -> None:
    """To the rounding of values to units, and of centres and radii to 64ths of a deviation."""
    encoder = AdaptiveFields(reach=2.0, fields=5, width=0.8, last=12, least=0.07)
    fitted = encoder.fit(np.random.default_rng(0).normal(size=(4000, 1)))
    deviation = float(fitted.unit[0]) * (int(fitted.spreads[0]) >> fitted.memory)
    rounding = float(fitted.unit[0]) / deviation / 2 + 1.5 / 64

    def latency(distance: float) -> int:
        activation = math.exp(-0.5 * (max(distance, 0.0) * 0.8) ** 2)
        return round(12 * (1 - activation)) if activation >= 0.07 else 99

    for value in np.linspace(-4, 4, 400).tolist():
        found = of_rasters(fitted, fitted.transform([[value]]))[0][0]
        for centre, each in zip((-2, -1, 0, 1, 2), found, strict=True):
            away = abs((value - float(fitted.offset[0])) / deviation - centre)
            assert latency(away - rounding) <= (each if each >= 0 else 99) <= latency(away + rounding)


@pytest.mark.parametrize("encoder", ENCODERS, ids=repr)
def test_clones_have_the_settings_and_pickles_the_state(encoder: Adaptive) -> None:
    stream = drifting()
    fitted = encoder.fit(stream[:50]).partial_fit(stream[50:100])
    copied = clone(fitted)
    assert type(copied) is type(encoder)
    assert copied.get_params() == encoder.get_params() == fitted.get_params()
    assert copied.unit.size == 0
    loaded = pickle.loads(pickle.dumps(fitted))
    assert (joined(loaded.transform(stream[100:])) == joined(fitted.transform(stream[100:]))).all()
    assert "reach" in encoder.get_params()
    assert "sums" not in encoder.get_params()


def test_an_unfitted_encoder_is_fitted_to_the_first_chunk() -> None:
    stream = drifting()
    first, second = Contrast().partial_fit(stream), Contrast().fit(stream)
    assert [first.unit.tolist(), first.sums.tolist()] == [second.unit.tolist(), second.sums.tolist()]


@pytest.mark.parametrize("encoder", [Contrast(), AdaptiveFields()], ids=repr)
def test_adaptive_encoders_are_frozen(encoder: Adaptive) -> None:
    fitted = encoder.fit(drifting())
    before = fitted.sums.tolist(), fitted.spreads.tolist()
    fitted.transform(drifting(seed=4))
    fitted.partial_fit(drifting(seed=4))
    assert (fitted.sums.tolist(), fitted.spreads.tolist()) == before
    with pytest.raises(dataclasses.FrozenInstanceError):
        untyped(fitted).sums = fitted.spreads
    with pytest.raises(ValueError, match="read-only"):
        untyped(fitted).sums[0] = 1


def test_a_classifier_takes_one() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 2
    samples = rng.normal(size=(60, 2)) * 0.2 + labels[:, None]
    model = sp.SpikingClassifier(encoder=Contrast(memory=5, reach=0.5, levels=1)).fit(samples[:40], labels[:40])
    assert (model.predict(samples[40:]) == labels[40:]).mean() > 0.9


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Contrast().transform([[1.0]]), r"Contrast must be fitted before it transforms samples; call Contrast"),
        (lambda: Contrast().fit([[1.0, math.nan]]), "samples must be non-empty and finite; fill the gaps or drop"),
        (
            lambda: Contrast().fit(drifting()).partial_fit([[1.0, math.inf, 0.0]]),
            "samples must be non-empty and finite; fill the gaps or drop those samples",
        ),
        (lambda: Contrast().fit([["a"]]), "samples must be an array of numbers: could not convert string to float:"),
        (lambda: Contrast().fit([1.0, 2.0]), r"samples must have the axes \(samples, values\), got shape \(2,\)"),
        (
            lambda: AdaptiveFields().fit(drifting()).partial_fit([[1.0, 2.0]]),
            "samples must have 3 values as in training, got 2",
        ),
        (lambda: Contrast().fit(drifting()).transform(np.ones((4, 5))), "must have 3 values as in training, got 5"),
        (lambda: Contrast(memory=11), "memory must be 1 to 10, for 2 to 1024 rows, got 11"),
        (lambda: Contrast(memory=untyped(2.5)), r"memory must be an integer, got 2\.5"),
        (lambda: Contrast(reach=9.0), r"reach must be above 0 and at most 8 deviations, got 9\.0"),
        (lambda: Contrast(reach=math.nan), "reach must be above 0 and at most 8 deviations, got nan"),
        (lambda: Contrast(levels=0), "levels must be at least 1, got 0"),
        (lambda: AdaptiveFields(fields=1), "fields must be at least 2, got 1"),
        (lambda: AdaptiveFields(last=0), "last must be at least 1, got 0"),
        (lambda: AdaptiveFields(least=1.0), r"least must be an activation between 0 and 1, got 1\.0"),
        (lambda: AdaptiveFields(width=0.0), r"width must be a positive number of spacings per deviation, got 0\.0"),
        (lambda: AdaptiveFields(width=0.05), "fields must end within 8 deviations of their centres, got 34.3; take"),
        (lambda: Contrast(unit=np.ones(2)), "unit, offset, sums and spreads must have one entry for each value"),
        (lambda: Contrast(sums=untyped([0.5])), "sums must be a list of integers"),
    ],
)
def test_what_cannot_be_encoded_is_refused(build: Callable[[], object], message: str) -> None:
    with pytest.raises(sp.SpecError, match=message):
        build()
