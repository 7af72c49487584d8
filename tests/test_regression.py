"""The spec of a regressor, and SpikingRegressor: scikit-learn's own checks, and what it promises of its program."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import estimator_checks_generator
from untyped import untyped

import snnprog as sp
from snnprog.arrays import Floats
from snnprog.coding import GaussianFields, Levels, Readout, with_rest, with_start

KINDS: dict[str, Callable[[], BaseEstimator]] = {
    "default": sp.SpikingRegressor,
    "few cuts": lambda: sp.SpikingRegressor(Levels(8), cuts=6, readout=Readout(bits=1)),
}
Parts = tuple[Floats, Floats, Floats, Floats]


@pytest.fixture(scope="module")
def curve() -> Parts:
    """Return samples and values of a curve that is not linear: to fit, and to judge by."""
    generator = np.random.default_rng(0)
    samples = generator.uniform(-1.0, 1.0, (500, 2))
    values = np.sin(3.0 * samples[:, 0]) + samples[:, 1] ** 2 + 0.05 * generator.normal(size=500)
    return samples[:300], samples[300:], values[:300], values[300:]


@pytest.mark.parametrize("kind", KINDS)
def test_all_checks_of_scikit_learn(kind: str) -> None:
    """None is expected to fail, and none is skipped."""
    checks = list(estimator_checks_generator(KINDS[kind]()))
    assert len(checks) > 40
    for estimator, check in checks:
        check(clone(estimator))


def test_it_learns_what_is_not_linear(curve: Parts) -> None:
    train, test, values, test_values = curve
    fitted = sp.SpikingRegressor().fit(train, values)
    assert (
        fitted.score(test, test_values) > 0.93 > 0.75 > LinearRegression().fit(train, values).score(test, test_values)
    )
    assert fitted.report_.status == "exact"
    assert fitted.verify(["kernel", "reference"]).exact
    assert fitted.program_.n_outputs == fitted.cuts


def test_the_parts_give_the_same_as_the_whole(curve: Parts) -> None:
    train, test, values, _ = curve
    fitted = sp.SpikingRegressor(cuts=5, clarity=0.1).fit(train, values)
    encoder = Levels().fit(train)
    spec = sp.specs.regressor(train, values, encoder, cuts=5, clarity=0.1)
    assert spec.digest() == fitted.spec_.digest()
    program = sp.compile(spec).program

    def spikes_of(samples: Floats) -> Any:
        inputs = [with_rest(with_start(raster)) for raster in encoder.transform(samples)]
        return [trace.spikes for trace in sp.run(program, inputs, "reference")]

    readout = Readout().fit(spikes_of(train), values)
    np.testing.assert_array_equal(fitted.predict(test), readout.predict(spikes_of(test)))


def test_each_output_is_above_its_cut_for_what_is_clear(curve: Parts) -> None:
    train, _, values, _ = curve
    spec = sp.specs.regressor(train, values, GaussianFields(6).fit(train), cuts=3, clarity=0.0)
    answers = np.array([pattern.targets[-1] for pattern in spec.patterns])
    asked = np.array([pattern.care[-1] for pattern in spec.patterns])
    assert not any(pattern.targets[:-1].any() for pattern in spec.patterns)
    levels = np.quantile(values, [0.25, 0.5, 0.75])
    assert (answers == (values[:, None] > levels))[asked].all()
    assert 0.85 < asked.mean() < 1.0
    fewer = sp.specs.regressor(train, values, GaussianFields(6).fit(train), cuts=3, clarity=0.5)
    assert np.mean([pattern.care[-1] for pattern in fewer.patterns]) < asked.mean()


def test_equal_cuts_count_once() -> None:
    samples = np.arange(20.0)[:, None]
    values = np.repeat([0.0, 1.0, 5.0], [10, 5, 5])
    spec = sp.specs.regressor(samples, values, Levels().fit(samples), cuts=16)
    assert spec.n_outputs == 2
    fitted = sp.SpikingRegressor(clarity=0.0).fit(samples, values)
    assert fitted.score(samples, values) > 0.95


def test_searches_and_pickles(curve: Parts) -> None:
    train, test, values, _ = curve
    search = GridSearchCV(sp.SpikingRegressor(cuts=4), {"readout": [Readout(), Readout(bits=1)]}, cv=2).fit(
        train, values
    )
    best = search.best_estimator_
    assert isinstance(best.readout_, Readout)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(best)).predict(test), best.predict(test))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"encoder": Levels}, r"encoder must be an instance such as Levels\(levels=16\), got the class Levels"),
        ({"cuts": 0}, "cuts must be at least 1, got 0"),
        ({"clarity": -1.0}, r"clarity must be at least 0\.0, got -1\.0"),
        ({"readout": "ridge"}, r"readout must be a Readout that predicts values, such as Readout\(\), got 'ridge'"),
        ({"readout": Readout("classes")}, "readout must be a Readout that predicts values"),
    ],
)
def test_parameters_that_are_refused(curve: Parts, options: dict[str, Any], message: str) -> None:
    with pytest.raises(sp.SpecError, match=message):
        sp.SpikingRegressor(**options).fit(curve[0], curve[2])


def test_an_unknown_backend_is_refused_before_compiling(curve: Parts) -> None:
    estimator = sp.SpikingRegressor(backend="lva")
    with pytest.raises(sp.BackendError, match="'lva'"):
        estimator.fit(curve[0], curve[2])
    assert not hasattr(estimator, "program_")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.ones(4), r"values must differ for a regression, got 1\.0 for every sample"),
        (np.ones((4, 2)), r"values must be one finite number for each sample, got float64 of shape \(4, 2\)"),
        (np.array([0.0, 1.0, np.nan, 2.0]), "values must be one finite number for each sample"),
        (np.arange(3.0), "values must have one entry for each of 4 samples, got 3"),
    ],
)
def test_values_that_are_refused(values: Floats, message: str) -> None:
    samples = np.arange(8.0).reshape(4, 2)
    with pytest.raises(sp.SpecError, match=message):
        sp.specs.regressor(samples, untyped(values), Levels().fit(samples))
