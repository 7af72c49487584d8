"""What compiled estimators have in common: encoders that are fitted, a program that runs, a check on other runtimes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from snnprog.arrays import Floats, Raster
from snnprog.backends import BUILT_IN, find_backend, run_backend
from snnprog.checks import as_seed
from snnprog.coding import Encoder, Levels, with_rest
from snnprog.compiler import CompileReport, compile
from snnprog.errors import SpecError
from snnprog.program import Program
from snnprog.spec import Spec
from snnprog.verification import Verification, verify

SEEDS = 1 << 31
"""Seeds are drawn below this from a RandomState: what scikit-learn's own estimators draw."""


class SpikingEstimator(BaseEstimator):
    """An estimator whose predictions a program makes; a subclass fits it, and reads its outputs.

    Attributes
    ----------
    encoder, on_infeasible, time_limit_s, backend, verbose : as given
    encoder_ : Encoder
        Fitted to the training samples.
    spec_ : Spec
        What the program was compiled from.
    program_ : Program
    report_ : CompileReport
    """

    encoder: Encoder | None
    on_infeasible: Literal["closest", "raise"]
    time_limit_s: float | None
    backend: str | None
    verbose: bool
    encoder_: Encoder
    spec_: Spec
    program_: Program
    report_: CompileReport

    def encode(self, X: ArrayLike) -> list[Raster]:
        """Return what samples ``(samples, features)`` are to the program: a raster ``(ticks, lines)`` each."""
        check_is_fitted(self)
        samples: Floats = validate_data(self, X, dtype=np.float64, reset=False)
        return [with_rest(self._begun(raster)) for raster in self.encoder_.transform(samples)]

    def outputs(self, X: ArrayLike) -> list[Raster]:
        """Return the output spikes ``(ticks, outputs)`` of the program for each sample."""
        inputs = self.encode(X)
        return [trace.spikes for trace in run_backend(self.program_, inputs, self.backend).traces]

    def verify(self, backends: Sequence[str] | None = None) -> Verification:
        """Return whether the program does on each backend what it was compiled for, as `snnprog.verify`."""
        check_is_fitted(self)
        return verify(self.program_, self.spec_, backends)

    def _begun(self, raster: Raster) -> Raster:
        """Return an encoded sample as the spec has it, before the tick of the answer."""
        return raster

    def _compile(self, seed: int) -> None:
        """Compile the spec, and keep the program and the report."""
        result = compile(
            self.spec_,
            seed=seed,
            on_infeasible=self.on_infeasible,
            progress=bool(self.verbose),
            time_limit_s=self.time_limit_s,
        )
        self.program_, self.report_ = result.program, result.report

    def _check_backend(self) -> None:
        if self.backend is not None and self.backend not in BUILT_IN:
            find_backend(self.backend)

    def _fitted_encoder(self, samples: Floats) -> Encoder:
        encoder: Any = Levels() if self.encoder is None else self.encoder
        if isinstance(encoder, type):
            raise SpecError(
                f"encoder must be an instance such as Levels(levels=16), got the class {encoder.__name__}; write"
                f" {encoder.__name__}(...)"
            )
        if not (hasattr(encoder, "fit") and hasattr(encoder, "transform")):
            raise SpecError(f"encoder must be one of snnprog.coding, such as Levels(levels=16), got {encoder!r}")
        fitted: Encoder = encoder.fit(samples)
        return fitted


def seed_of(random_state: object) -> int:
    """Return the seed that a ``random_state`` stands for: an integer itself, or one drawn from what it names."""
    if isinstance(random_state, (int, np.integer)):
        return as_seed(random_state)
    return int(check_random_state(random_state).randint(SEEDS))
