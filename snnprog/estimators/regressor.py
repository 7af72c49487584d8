"""Regressor in scikit-learn's form: encoder, spec of cuts, compiler and fitted readout as one estimator."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin
from sklearn.utils.validation import validate_data

from snnprog.arrays import Raster
from snnprog.calls import call_checked
from snnprog.chips import Chip
from snnprog.coding import Encoder, Readout, with_start
from snnprog.errors import SpecError
from snnprog.estimators.base import SpikingEstimator, seed_of
from snnprog.specs import regressor
from snnprog.specs.regression import CLARITY


@call_checked
class SpikingRegressor(RegressorMixin, SpikingEstimator):
    """A regressor whose neurons are designed by linear programming, for scikit-learn's tools.

    ``fit`` encodes the training samples as spikes, compiles a program whose neurons say whether the value is above
    their cuts, and fits a readout to their spikes. ``predict`` runs the program: on the built-in simulator, or on any
    other runtime of the chip.

    Parameters
    ----------
    encoder : Encoder, optional
        From `snnprog.coding`, not fitted: what makes spikes of the features. ``Levels(levels=16)``, unless given.
    cuts : int
        Number of neurons, each with a cut of its own, at quantiles of the training values.
    clarity : float
        Samples nearer to a neuron's cut than this are not compiled for, in standard deviations of the values; see
        `snnprog.specs.regressor`.
    readout : Readout, optional
        From `snnprog.coding`, not fitted, for values: what makes a value of the output spikes. Spike counts, unless
        given.
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
    n_features_in_ : int
    feature_names_in_ : (features,) array of str
        Where the samples were a data frame whose columns have names.
    encoder_ : Encoder
        Fitted to the training samples.
    readout_ : Readout
        Fitted to the program's spikes for the training samples.
    spec_ : Spec
        What was compiled: a pattern for each training sample.
    program_ : Program
    report_ : CompileReport

    See Also
    --------
    snnprog.specs.regressor : The spec alone.

    Examples
    --------
    >>> import numpy as np
    >>> import snnprog as sp
    >>> X = np.random.default_rng(0).uniform(-1, 1, (300, 2))
    >>> y = np.sin(3 * X[:, 0]) + X[:, 1] ** 2
    >>> sp.SpikingRegressor().fit(X[:200], y[:200]).score(X[200:], y[200:]) > 0.9
    True
    """

    def __init__(
        self,
        encoder: Encoder | None = None,
        *,
        cuts: int = 16,
        clarity: float = CLARITY,
        readout: Readout | None = None,
        chip: str | Chip = "loihi1",
        on_infeasible: Literal["closest", "raise"] = "closest",
        time_limit_s: float | None = None,
        backend: str | None = None,
        random_state: int | np.random.RandomState | None = 0,
        verbose: bool = False,
    ) -> None:
        self.encoder = encoder
        self.cuts = cuts
        self.clarity = clarity
        self.readout = readout
        self.chip = chip
        self.on_infeasible = on_infeasible
        self.time_limit_s = time_limit_s
        self.backend = backend
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: ArrayLike, y: ArrayLike) -> SpikingRegressor:
        """Compile a program for training samples, and fit the readout to its spikes.

        Parameters
        ----------
        X : (samples, features) float
        y : (samples,) float

        Returns
        -------
        SpikingRegressor
            Itself.

        Raises
        ------
        SpecError
            If all values are equal, or a parameter is not valid.
        BackendError
            If no backend has the name.
        InfeasibleError, UndecidedError, QuantizationError
            As `snnprog.compile` does, with ``on_infeasible="raise"``.
        """
        samples, values = validate_data(self, X, y, dtype=np.float64, y_numeric=True, ensure_min_samples=2)
        self._check_backend()
        readout, seed = self._readout(), seed_of(self.random_state)
        self.encoder_ = self._fitted_encoder(samples)
        self.spec_ = regressor(samples, values, self.encoder_, cuts=self.cuts, clarity=self.clarity, chip=self.chip)
        self._compile(seed)
        self.readout_ = readout.fit(self.outputs(X), values)
        return self

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the value ``(samples,)`` of each sample."""
        spikes = self.outputs(X)
        return self.readout_.predict(spikes)

    def _begun(self, raster: Raster) -> Raster:
        return with_start(raster)

    def _readout(self) -> Readout:
        readout = Readout() if self.readout is None else self.readout
        if not isinstance(readout, Readout) or readout.predicts != "values":
            raise SpecError(f"readout must be a Readout that predicts values, such as Readout(), got {readout!r}")
        return readout
