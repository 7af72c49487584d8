"""SpikingClassifier: all of scikit-learn's own checks, its tools, and what it promises of its program."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator
from untyped import untyped

import snnprog as sp
from snnprog.arrays import Floats, Int64s
from snnprog.coding import Levels, Questions
from snnprog.specs.classification import clarity_of

ROOT = Path(__file__).resolve().parents[1]
KINDS: dict[str, Callable[[], BaseEstimator]] = {
    "default": sp.SpikingClassifier,
    "voters": lambda: sp.SpikingClassifier(Levels(8), n_voters=3),
    "rest": lambda: sp.SpikingClassifier(multi_class="ovr", clarity=0.0),
}


@pytest.fixture(scope="module")
def flowers() -> tuple[Floats, Floats, Int64s, Int64s]:
    """Return values and classes of Iris: values to fit, values to judge by, and the classes of each."""
    values, classes = load_iris(return_X_y=True)
    parts: tuple[Floats, Floats, Int64s, Int64s] = train_test_split(
        values, classes, train_size=0.7, stratify=classes, random_state=0
    )
    return parts


@pytest.mark.parametrize("kind", KINDS)
def test_all_checks_of_scikit_learn(kind: str) -> None:
    """None is expected to fail, and none is skipped."""
    checks = list(estimator_checks_generator(KINDS[kind]()))
    assert len(checks) > 40
    for estimator, check in checks:
        check(clone(estimator))


def test_the_parts_give_the_same_as_the_whole(flowers: tuple[Floats, Floats, Int64s, Int64s]) -> None:
    train, test, classes, _ = flowers
    fitted = sp.SpikingClassifier(random_state=5).fit(train, classes)
    encoder, questions = Levels().fit(train), Questions.one_vs_one(3)
    spec = sp.specs.classifier(train, classes, encoder, questions=questions, clarity=0.2, seed=5)
    program = sp.compile(spec, seed=5).program
    assert spec.digest() == fitted.spec_.digest()
    np.testing.assert_array_equal(program.weight, fitted.program_.weight)
    inputs = [sp.coding.with_rest(raster) for raster in encoder.transform(test)]
    spikes = [trace.spikes for trace in sp.run(program, inputs, "reference")]
    np.testing.assert_array_equal(fitted.predict(test), questions.decide(spikes))
    np.testing.assert_array_equal(fitted.decision_function(test), questions.votes(spikes))


def test_it_is_exact_on_what_is_clear(flowers: tuple[Floats, Floats, Int64s, Int64s]) -> None:
    train, _, classes, _ = flowers
    fitted = sp.SpikingClassifier().fit(train, classes)
    clear = clarity_of(fitted.encoder_.transform(train), classes) >= 0.2
    assert clear.mean() > 0.8
    np.testing.assert_array_equal(fitted.predict(train)[clear], classes[clear])
    assert fitted.report_.status == "exact"
    assert fitted.verify(["kernel", "reference"]).exact


def test_pipelines_searches_and_scores(flowers: tuple[Floats, Floats, Int64s, Int64s]) -> None:
    train, test, classes, test_classes = flowers
    pipeline = make_pipeline(StandardScaler(), sp.SpikingClassifier())
    assert cross_val_score(pipeline, train, classes, cv=3).mean() > 0.85
    grid = {"spikingclassifier__encoder": [Levels(4), Levels(16)], "spikingclassifier__multi_class": ["ovo", "ovr"]}
    search = GridSearchCV(pipeline, grid, cv=3).fit(train, classes)
    assert search.score(test, test_classes) > 0.85
    assert len(search.cv_results_["params"]) == 4


def test_labels_of_any_kind_come_back(flowers: tuple[Floats, Floats, Int64s, Int64s]) -> None:
    train, _, classes, _ = flowers
    names = np.array(["setosa", "versicolor", "virginica"])[classes]
    fitted = sp.SpikingClassifier().fit(train, names)
    assert fitted.classes_.tolist() == ["setosa", "versicolor", "virginica"]
    assert set(fitted.predict(train)) <= set(names)
    assert fitted.score(train, names) > 0.9


def test_data_frames_are_held_to_their_columns(flowers: tuple[Floats, Floats, Int64s, Int64s]) -> None:
    pandas = pytest.importorskip("pandas")
    train, test, classes, _ = flowers
    names = ["sepal length", "sepal width", "petal length", "petal width"]
    fitted = sp.SpikingClassifier().fit(pandas.DataFrame(train, columns=names), classes)
    assert fitted.feature_names_in_.tolist() == names
    np.testing.assert_array_equal(
        fitted.predict(pandas.DataFrame(test, columns=names)), sp.SpikingClassifier().fit(train, classes).predict(test)
    )
    with pytest.raises(ValueError, match="The feature names should match"):
        fitted.predict(pandas.DataFrame(test, columns=names[::-1]))


def test_two_classes_have_one_neuron_whose_sign_decides(flowers: tuple[Floats, Floats, Int64s, Int64s]) -> None:
    train, test, classes, _ = flowers
    fitted = sp.SpikingClassifier().fit(train, classes == 2)
    assert fitted.program_.n_outputs == 1
    np.testing.assert_array_equal(fitted.predict(test), fitted.decision_function(test) > 0)


def test_it_is_pickled_with_all_it_learned(flowers: tuple[Floats, Floats, Int64s, Int64s]) -> None:
    train, test, classes, _ = flowers
    fitted = sp.SpikingClassifier(n_voters=3, random_state=np.random.RandomState(3)).fit(train, classes)
    copied = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(copied.predict(test), fitted.predict(test))
    assert copied.report_.seconds == fitted.report_.seconds
    assert copied.verify(["reference"]).exact
    with pytest.raises(TypeError):
        untyped(copied.report_.seconds)["design"] = 0.0


def test_seeds_decide_who_votes_on_what(flowers: tuple[Floats, Floats, Int64s, Int64s]) -> None:
    train, _, classes, _ = flowers

    def digest(seed: object) -> str:
        return str(sp.SpikingClassifier(n_voters=3, random_state=untyped(seed)).fit(train, classes).spec_.digest())

    assert digest(1) == digest(1) != digest(2)
    assert digest(np.random.RandomState(1)) == digest(np.random.RandomState(1))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"encoder": "levels"}, r"encoder must be one of snnprog\.coding, such as Levels\(levels=16\), got 'levels'"),
        ({"encoder": Levels}, r"encoder must be an instance such as Levels\(levels=16\), got the class Levels"),
        ({"n_voters": 0}, "n_voters must be at least 1, got 0"),
        ({"multi_class": "all"}, r"multi_class must be 'ovo' or 'ovr', got 'all'"),
        ({"multi_class": "ovr", "n_voters": 3}, r"n_voters must be 1 with multi_class='ovr', got 3"),
        ({"random_state": -1}, "seed must be a non-negative integer, got -1"),
        ({"on_infeasible": "ignore"}, "on_infeasible"),
    ],
)
def test_parameters_that_are_refused(
    flowers: tuple[Floats, Floats, Int64s, Int64s], options: dict[str, Any], message: str
) -> None:
    train, _, classes, _ = flowers
    with pytest.raises(sp.SpecError, match=message):
        sp.SpikingClassifier(**options).fit(train, classes)


def test_an_unknown_backend_is_refused_before_compiling(flowers: tuple[Floats, Floats, Int64s, Int64s]) -> None:
    train, _, classes, _ = flowers
    estimator = sp.SpikingClassifier(backend="lva")
    with pytest.raises(sp.BackendError, match="'lva'"):
        estimator.fit(train, classes)
    assert not hasattr(estimator, "program_")


def test_a_class_without_clear_samples_is_named(flowers: tuple[Floats, Floats, Int64s, Int64s]) -> None:
    train, _, classes, _ = flowers
    encoder = Levels().fit(train)
    clearest = max(clarity_of(encoder.transform(train), classes)[classes == 1])
    with pytest.warns(UserWarning, match=f"no sample of class 1 .* the clearest has {clearest:.2g}; give a lower"):
        sp.specs.classifier(train, classes, encoder, clarity=float(clearest) + 0.01)


def test_one_class_is_refused() -> None:
    with pytest.raises(sp.SpecError, match=r"y must name at least two classes, got one class: 1\.0$"):
        sp.SpikingClassifier().fit(np.eye(3), [1.0, 1.0, 1.0])


def test_contradictions_are_raised_where_they_are_wanted() -> None:
    samples, labels = np.zeros((4, 2)), [0, 1, 0, 1]
    with pytest.raises(sp.InfeasibleError):
        sp.SpikingClassifier(clarity=None, on_infeasible="raise").fit(samples, labels)
    assert sp.SpikingClassifier(clarity=None).fit(samples, labels).report_.wrong_bins == 2


def test_nothing_works_before_it_is_fitted() -> None:
    for name in ("predict", "decision_function", "encode", "outputs"):
        with pytest.raises(NotFittedError):
            getattr(sp.SpikingClassifier(), name)(np.eye(3))
    with pytest.raises(NotFittedError):
        sp.SpikingClassifier().verify()


def test_without_scikit_learn_there_is_a_sentence() -> None:
    code = """
import sys
sys.modules["sklearn"] = None
import snnprog as sp
assert sp.coding.Levels and sp.specs.classifier
try:
    sp.SpikingClassifier
except ImportError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "estimators need scikit-learn 1.6 or later; install it with: pip install 'snnprog[sklearn]'" in done.stdout
