"""Classifier in scikit-learn's form: encoder, classification spec, compiler and decoder as one estimator."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from snnprog.arrays import Floats
from snnprog.calls import call_checked
from snnprog.checks import as_integer
from snnprog.chips import Chip
from snnprog.coding import Encoder, Questions
from snnprog.coding.samples import check_least
from snnprog.errors import SpecError
from snnprog.estimators.base import SpikingEstimator, seed_of
from snnprog.specs import classifier

ONE_VS_ONE, ONE_VS_REST = "ovo", "ovr"
CLARITY = 0.2
"""As in `examples/iris.py` and `examples/digits.py`, where it was chosen: see `snnprog.specs.classification`."""


@call_checked
class SpikingClassifier(ClassifierMixin, SpikingEstimator):
    """A classifier whose neurons are designed by linear programming, for scikit-learn's tools.

    ``fit`` encodes the training samples as spikes, compiles a program that is exact on those that are clear, and
    ``predict`` runs it: on the built-in simulator, or on any other runtime of the chip.

    Parameters
    ----------
    encoder : Encoder, optional
        From `snnprog.coding`, not fitted: what makes spikes of the features. ``Levels(levels=16)``, unless given.
    multi_class : {"ovo", "ovr"}
        A neuron for each pair of classes, or for each class against all others. Two classes have one neuron with "ovo".
    n_voters : int
        With "ovo", the neurons that answer each question, each compiled for another half of the samples where there
        are several.
    clarity : float or None
        Samples whose class is less clear than this are not compiled for, usually from -2 to 2; see
        `snnprog.specs.classification.clarity_of`. None compiles for all.
    chip : str or Chip
        Whose integers are meant.
    on_infeasible : {"closest", "raise"}
        What to do where no exact program is found, as for `snnprog.compile`.
    time_limit_s : float, optional
        Seconds that ``fit`` may take to compile.
    backend : str, optional
        Where ``predict`` runs the program, as for `snnprog.run`.
    random_state : int, RandomState instance or None
        The seed of all random choices.
    verbose : bool
        Whether a progress bar is shown.

    Attributes
    ----------
    classes_ : (classes,) array
        The labels, sorted.
    n_features_in_ : int
    feature_names_in_ : (features,) array of str
        Where the samples were a data frame whose columns have names.
    encoder_ : Encoder
        Fitted to the training samples.
    questions_ : Questions
        The question that each output answers.
    spec_ : Spec
        What was compiled: a pattern for each training sample.
    program_ : Program
    report_ : CompileReport

    See Also
    --------
    snnprog.specs.classifier : The spec alone, for what is not tabular.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import cross_val_score
    >>> import snnprog as sp
    >>> X, y = load_iris(return_X_y=True)
    >>> cross_val_score(sp.SpikingClassifier(), X, y).mean() > 0.9
    True
    """

    def __init__(
        self,
        encoder: Encoder | None = None,
        *,
        multi_class: str = ONE_VS_ONE,
        n_voters: int = 1,
        clarity: float | None = CLARITY,
        chip: str | Chip = "loihi1",
        on_infeasible: Literal["closest", "raise"] = "closest",
        time_limit_s: float | None = None,
        backend: str | None = None,
        random_state: int | np.random.RandomState | None = 0,
        verbose: bool = False,
    ) -> None:
        self.encoder = encoder
        self.multi_class = multi_class
        self.n_voters = n_voters
        self.clarity = clarity
        self.chip = chip
        self.on_infeasible = on_infeasible
        self.time_limit_s = time_limit_s
        self.backend = backend
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: ArrayLike, y: ArrayLike) -> SpikingClassifier:
        """Compile a program for training samples.

        Parameters
        ----------
        X : (samples, features) float
        y : (samples,) labels

        Returns
        -------
        SpikingClassifier
            Itself.

        Raises
        ------
        SpecError
            If the labels name one class alone, or a parameter is not one that there is.
        BackendError
            If no backend has the name.
        InfeasibleError, UndecidedError, QuantizationError
            As `snnprog.compile` does, with ``on_infeasible="raise"``.

        Warns
        -----
        UserWarning
            If no sample of a class is as clear as ``clarity``.
        """
        samples, targets = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(targets)
        self.classes_, labels = np.unique(targets, return_inverse=True)
        if self.classes_.size < 2:
            raise SpecError(f"y must name at least two classes, got one class: {self.classes_[0]}")
        self._check_backend()
        seed = seed_of(self.random_state)
        self.encoder_, self.questions_ = self._fitted_encoder(samples), self._questions()
        self.spec_ = classifier(
            samples,
            labels,
            self.encoder_,
            questions=self.questions_,
            clarity=self.clarity,
            seed=seed,
            chip=self.chip,
            class_names=self.classes_.tolist(),
        )
        self._compile(seed)
        return self

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the class ``(samples,)`` of each sample: that with most votes, the first of several."""
        votes = self._votes(X)
        predicted: NDArray[Any] = self.classes_[votes.argmax(axis=1)]
        return predicted

    def decision_function(self, X: ArrayLike) -> Floats:
        """Return the votes of the neurons.

        Returns
        -------
        (samples, classes) float
            How many neurons speak for each class; of two classes ``(samples,)``, the votes for the second less those
            for the first. Votes are not probabilities, so ``predict_proba`` does not exist; scikit-learn's
            ``CalibratedClassifierCV`` learns probabilities from them.
        """
        votes = self._votes(X).astype(np.float64)
        difference: Floats = votes[:, 1] - votes[:, 0]
        return difference if self.classes_.size == 2 else votes

    def _votes(self, X: ArrayLike) -> NDArray[np.int64]:
        spikes = self.outputs(X)
        return self.questions_.votes(spikes)

    def _questions(self) -> Questions:
        count = self.classes_.size
        if self.multi_class == ONE_VS_ONE:
            check_least("n_voters", as_integer("n_voters", self.n_voters), least=1)
            return Questions.one_vs_one(count, self.n_voters)
        if self.multi_class != ONE_VS_REST:
            raise SpecError(f"multi_class must be {ONE_VS_ONE!r} or {ONE_VS_REST!r}, got {self.multi_class!r}")
        if self.n_voters != 1:
            raise SpecError(f"n_voters must be 1 with multi_class={ONE_VS_REST!r}, got {self.n_voters!r}")
        return Questions.one_vs_rest(count)
