"""scikit-learn estimators that are compiled: values in, spikes inside, classes or values out.

They follow scikit-learn's conventions, not this package's, where the two differ: parameters are kept as they are given
and checked by ``fit``, and what was learned ends in an underscore. scikit-learn is imported here and nowhere else but
where its own models are read.
"""

from __future__ import annotations

try:
    from sklearn.utils.validation import validate_data  # noqa: F401  (which older versions do not have)
except ImportError as error:
    message = "estimators need scikit-learn 1.6 or later; install it with: pip install 'snnprog[sklearn]'"
    raise ImportError(f"{message} ({error})") from error

from snnprog.estimators.classifier import SpikingClassifier
from snnprog.estimators.regressor import SpikingRegressor

__all__ = ["SpikingClassifier", "SpikingRegressor"]
