"""scikit-learn's multilayer perceptrons as artificial networks, without importing scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np

from snnprog.conversion.ann import Ann
from snnprog.conversion.flows import Builder, dense
from snnprog.conversion.operators import opposites
from snnprog.errors import SpecError

KINDS = ("MLPClassifier", "MLPRegressor")


def is_perceptron(model: object) -> bool:
    """Return whether an object is a multilayer perceptron of scikit-learn, or of a derived class."""
    return any(
        kind.__name__ in KINDS and kind.__module__.partition(".")[0] == "sklearn" for kind in type(model).__mro__
    )


def ann_of_perceptron(model: Any) -> Ann:
    """Return the artificial network of a fitted ``MLPClassifier`` or ``MLPRegressor``.

    Raises
    ------
    SpecError
        If it is not fitted, has another activation than ReLU, or is a multilabel classifier.
    """
    name = type(model).__name__
    if not hasattr(model, "coefs_"):
        raise SpecError(f"the {name} must be fitted before it is converted; call fit(samples, labels)")
    if len(model.coefs_) > 1 and model.activation not in ("relu", "identity"):
        raise SpecError(f"the {name} has activation={model.activation!r}; train it with activation='relu'")
    builder = Builder(f"the {name}")
    flow = builder.source((int(model.n_features_in_),))
    for index, (weights, bias) in enumerate(zip(model.coefs_, model.intercepts_, strict=True)):
        values = np.asarray(weights, np.float64).T
        builder.multiplications += values.size
        flow = flow.through(dense(values), (len(values),), bias=np.asarray(bias, np.float64))
        if index < len(model.coefs_) - 1 and model.activation == "relu":
            flow = builder.rectified(flow, name=f"hidden {index + 1}")
    if model.out_activation_ == "identity":
        builder.close(flow)
        return Ann(builder.name, (int(model.n_features_in_),), tuple(builder.layers), builder.multiplications, None)
    if model.out_activation_ == "logistic" and flow.size > 1:
        raise SpecError(f"the {name} is a multilabel classifier, which is not supported")
    builder.close(opposites(flow) if flow.size == 1 else flow)
    classes = tuple(np.asarray(model.classes_).tolist())
    note = f"{model.out_activation_} at the end was omitted: the outputs keep their order without it"
    shape = (int(model.n_features_in_),)
    return Ann(builder.name, shape, tuple(builder.layers), builder.multiplications, classes, (note,))
