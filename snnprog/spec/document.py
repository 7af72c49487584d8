"""A spec as one JSON document, ``SPEC.json``, for the stand-alone checker of proofs.

The document contains the patterns, the chip's rule with its limits, and the ranges of all unknown
integers. `snnprog.check_proof` reads it, and its docstring explains each part.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil

import numpy as np

from snnprog.arrays import Raster
from snnprog.rules.data import rule_to_data
from snnprog.spec.options import FREE
from snnprog.spec.pattern import Pattern
from snnprog.spec.robust import Robust
from snnprog.spec.spec import Spec

SPEC_FORMAT, SPEC_VERSION = "snnprog-spec", 1
NAMES = ("input_names", "output_names")


def spec_to_data(spec: Spec) -> dict[str, object]:
    """Return the document of a spec as plain data."""
    return {
        "format": SPEC_FORMAT,
        "version": SPEC_VERSION,
        "digest": spec.digest(),
        "chip": {"name": spec.chip.name, "rule": rule_to_data(spec.chip.rule)},
        "ranges": _ranges(spec),
        "parameters": _parameters(spec),
        "inputs": spec.n_inputs,
        "outputs": spec.n_outputs,
        **{name: list(getattr(spec, name)) for name in NAMES if getattr(spec, name) is not None},
        "delays": list(spec.delays),
        "recurrent": spec.recurrent,
        "may_have_hidden_neurons": spec.hidden != 0,
        "window": list(spec.window),
        "fan_in": spec.fan_in,
        "noise": ceil(Fraction(spec.noise) * spec.chip.unit),
        "once": _is_heard_often(spec),
        **({} if spec.robust is None else {"robust": _robust_to_data(spec.robust)}),
        "patterns": [_pattern_to_data(pattern) for pattern in spec.patterns],
    }


def _robust_to_data(robust: Robust) -> dict[str, object]:
    """Return what may happen to the input spikes, and to the weights if they may change."""
    values = {name: getattr(robust, name) for name in ("jitter", "missing", "extra")}
    share = robust.share
    weights = {"weights": [share.numerator, share.denominator]} if share else {}
    return {**values, **weights, "exempt": list(robust.exempt)}


def _ranges(spec: Spec) -> dict[str, object]:
    """Return the ranges of all unknown integers: inclusive, mantissas by line (inputs, then outputs that feed)."""
    chip, limit = spec.chip, spec.mantissas.limit
    signs = spec.signs or (0,) * spec.n_presynaptic
    mantissas, exponents = chip.bias_mantissas, chip.bias_exponents
    return {
        "mantissas": [[0 if sign > 0 else -limit, 0 if sign < 0 else limit] for sign in signs],
        "may_be_zero": not spec.mantissas.is_binary,
        "exponents": list(chip.exponents),
        "threshold": list(chip.thresholds) if spec.threshold == FREE else [spec.threshold, spec.threshold],
        "bias": [-chip.bias_limit, chip.bias_limit] if spec.bias == FREE else [spec.bias, spec.bias],
        "bias_mantissas": list(mantissas),
        "bias_exponents": list(exponents),
    }


def _parameters(spec: Spec) -> dict[str, int]:
    """Return the values of the rule's fixed parameters and constants."""
    given = {
        "current_decay": spec.dynamics.current_decay,
        "potential_decay": spec.dynamics.potential_decay,
        "refractory": spec.refractory,
    }
    rule = spec.chip.rule
    values = {each.name: given[each.name] for each in rule.parameters if each.name in given}
    is_hidden = _is_heard_often(spec)
    return values | {each.name: each.hidden if is_hidden else each.readout for each in rule.constants}


def _is_heard_often(spec: Spec) -> bool:
    """Return whether outputs feed outputs and must not spike twice in a tick (`snnprog.design.once`)."""
    return spec.recurrent and spec.linear_rule.most_spikes > 1


def _pattern_to_data(pattern: Pattern) -> dict[str, object]:
    return {
        "ticks": pattern.ticks,
        "inputs": _events(pattern.inputs),
        "targets": _events(pattern.targets & pattern.care),
        "open": _events(~pattern.care),
    }


def _events(raster: Raster) -> list[list[int]]:
    """Return the bins that are set, as pairs of a tick and a column."""
    events: list[list[int]] = np.argwhere(raster).tolist()
    return events
