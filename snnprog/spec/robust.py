"""Errors of the input and of the weights that a program must tolerate.

A perturbation of a pattern moves, drops and adds input spikes of the lines that are not exempt. Spikes stay within the
pattern's ticks, and two spikes of one line in one tick are one spike.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from fractions import Fraction

from snnprog.calls import call_checked
from snnprog.checks import as_integer, as_number
from snnprog.errors import SpecError
from snnprog.names import Names, listed
from snnprog.wording import did_you_mean, put_in_list

MOST_ERRORS = 1 << 20
"""The greatest jitter, and the greatest numbers of missing and added spikes: those that `snnprog.check_proof` takes."""


@call_checked
@dataclass(frozen=True)
class Robust:
    """The errors under which every output must stay exact: all together, in every combination.

    Parameters
    ----------
    jitter : int
        How many ticks each input spike may move, earlier or later; this and the next at most 2**20.
    missing, extra : int
        How many input spikes may be missing, and how many may be added, in each pattern, over all lines.
    weights : float
        The share of its magnitude by which each weight may change, 0 to 1. A chip's mantissa m changes by any integer
        up to ``floor(weights * abs(m))``. The change is the same at every tick of a pattern.
    exempt : iterable of int or str
        Input lines whose spikes are not perturbed, such as a clock: numbers, or names of ``Spec.input_names``.

    Raises
    ------
    SpecError
        If a value is invalid.
    """

    jitter: int = 0
    missing: int = 0
    extra: int = 0
    weights: float = 0.0
    exempt: tuple[int | str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("jitter", "missing", "extra"):
            value = as_integer(name, getattr(self, name))
            if not 0 <= value <= MOST_ERRORS:
                raise SpecError(f"{name} must be an integer from 0 to {MOST_ERRORS}, got {value}")
            object.__setattr__(self, name, value)
        weights = as_number("weights", self.weights)
        if not 0.0 <= weights <= 1.0:
            raise SpecError(f"weights must be a share from 0 to 1, got {weights:g}")
        object.__setattr__(self, "weights", weights)
        object.__setattr__(self, "exempt", _as_lines(self.exempt))

    @property
    def is_nothing(self) -> bool:
        """Whether no error is possible."""
        return not (self.jitter or self.missing or self.extra or self.weights)

    @property
    def share(self) -> Fraction:
        """The share of a weight by which it may change, as the decimal number that was given."""
        return Fraction(repr(self.weights))

    def on_lines(self, n_inputs: int, names: Names | None) -> Robust:
        """Return the same errors, with exempt lines by their numbers.

        Raises
        ------
        SpecError
            If an exempt line does not exist.
        """
        found = set()
        for line in self.exempt:
            if isinstance(line, str):
                if line not in (names or ()):
                    known = f"one of {listed(names)}" if names else "the number of a line, as the inputs have no names"
                    raise SpecError(f"exempt must be {known}, got {line!r}{did_you_mean(line, names or ())}")
                line = (names or ()).index(line)
            elif not 0 <= line < n_inputs:
                raise SpecError(f"exempt must name input lines from 0 to {n_inputs - 1}, got {line}")
            found.add(line)
        return replace(self, exempt=tuple(sorted(found)))

    def to_data(self) -> dict[str, object]:
        """Return the values that are not at their default, as plain data."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        changed = {field.name: values[field.name] for field in fields(self) if values[field.name] != field.default}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in changed.items()}

    def __str__(self) -> str:
        """Return the errors in words."""
        return ", ".join(f"{name} {_in_brief(value)}" for name, value in self.to_data().items()) or "no errors"


def _as_lines(value: object) -> tuple[int | str, ...]:
    """Return input lines, numbers and then names, in order, each once."""
    if isinstance(value, (str, Mapping)) or not isinstance(value, Iterable):
        raise SpecError(f"exempt must be a list of input lines, got {value!r}{put_in_list(value)}")
    given = list(value)
    names = {line for line in given if isinstance(line, str)}
    return (*sorted({as_integer("exempt", line) for line in given if not isinstance(line, str)}), *sorted(names))


def _in_brief(value: object) -> str:
    return (
        " ".join(map(str, value)) if isinstance(value, list) else f"{value:g}" if type(value) is float else str(value)
    )


def as_robust(value: object) -> Robust | None:
    """Return errors given as `Robust`, or as a table of its parameters; None if nothing may be perturbed.

    Raises
    ------
    SpecError
        If the value is anything else, a parameter is unknown or invalid, or lines are exempt from no errors.
    """
    if isinstance(value, Mapping):
        known = tuple(field.name for field in fields(Robust))
        unknown = sorted(str(key) for key in value if key not in known)
        if unknown:
            raise SpecError(f"robust has unknown key {unknown[0]!r}; known keys: {', '.join(known)}")
        value = Robust(**value)
    if value is not None and not isinstance(value, Robust):
        raise SpecError(f"robust must be a Robust, such as sp.Robust(jitter=1), got {value!r}")
    if value is None or not value.is_nothing:
        return value
    if value.exempt:
        raise SpecError("robust has exempt lines but no errors; give jitter, missing, extra or weights as well")
    return None
