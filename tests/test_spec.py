"""What may be asked for: every refusal of Pattern, Dynamics and Spec, what stays as it was given, and the digest."""

from __future__ import annotations

import dataclasses
import inspect
import itertools
import math
import re
import runpy
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike
from untyped import untyped

from snnprog.checks import as_integer
from snnprog.chips import CHIPS, find_chip
from snnprog.errors import LimitError, SnnprogError, SpecError
from snnprog.spec import Dynamics, Pattern, Robust, Spec, presynaptic_raster
from snnprog.spec.options import OPTIONS

INPUTS = np.array([[1, 0], [0, 1], [0, 0]], dtype=bool)
TARGETS = np.array([[0], [0], [1]], dtype=bool)
PATTERN = Pattern(INPUTS, TARGETS)
LOIHI = find_chip("loihi1")
DOCS = Path(__file__).parents[1] / "docs"


def spec(**changes: Any) -> Spec:
    return Spec(**({"patterns": [PATTERN]} | changes))


# ---------------------------------------------------------------- as_integer


@pytest.mark.parametrize("value", [3, np.int8(3), np.uint64(3), np.array(3)])
def test_whole_numbers(value: object) -> None:
    assert as_integer("x", value) == 3
    assert type(as_integer("x", value)) is int


@pytest.mark.parametrize("value", [True, np.True_, 3.0, np.float64(3), "3", None, [3], np.array([3]), 3j, math.nan])
def test_what_is_no_whole_number(value: object) -> None:
    with pytest.raises(SpecError, match=re.escape(f"x must be an integer, got {value!r}")):
        as_integer("x", value)


# ---------------------------------------------------------------- Pattern

BAD_PATTERNS: dict[str, tuple[tuple[ArrayLike, ...], str]] = {
    "inputs of one axis": (([1, 0], TARGETS), "inputs must have two axes (ticks, neurons), got shape (2,)"),
    "targets of three axes": (
        (INPUTS, TARGETS[None]),
        "targets must have two axes (ticks, neurons), got shape (1, 3, 1)",
    ),
    "ragged": (([[1], [1, 0]], TARGETS), "inputs must be a bool array (ticks, neurons), got a ragged one"),
    "empty": (([], []), "inputs must have two axes (ticks, neurons), got shape (0,)"),
    "no ticks": ((INPUTS[:0], TARGETS[:0]), "inputs must have at least one tick"),
    "floats": ((INPUTS.astype(float), TARGETS), "inputs must hold bools, got type float64; write array.astype(bool)"),
    "NaN": (
        (INPUTS, np.full((3, 1), np.nan)),
        "targets must hold bools, got type float64; compare with a level, as in",
    ),
    "two": ((INPUTS * 2, TARGETS), "inputs must hold bools, or integers 0 and 1, got 2 at (0, 0)"),
    "float care": (
        (INPUTS, TARGETS, np.ones((3, 1))),
        "care must hold bools, got type float64; write array.astype(bool)",
    ),
    "ticks": ((INPUTS, TARGETS[:2]), "inputs and targets must have equal numbers of ticks, got 3 and 2"),
    "turned both": (
        (INPUTS.T, TARGETS.T),
        "arrays are (ticks, neurons): transpose inputs and targets?",
    ),
    "turned inputs": (
        (np.zeros((2, 3), dtype=bool), TARGETS),
        "got 2 and 3; arrays are (ticks, neurons): transpose inputs?",
    ),
    "turned targets": (
        (INPUTS, TARGETS.T),
        "got 3 and 1; arrays are (ticks, neurons): transpose targets?",
    ),
    "turned care": (
        (INPUTS, TARGETS, TARGETS.T),
        "care must have the shape of targets, (3, 1), got (1, 3); arrays are (ticks, neurons): transpose care?",
    ),
    "care too short": ((INPUTS, TARGETS, TARGETS[:2]), "care must have the shape of targets, (3, 1), got (2, 1)"),
    "care too wide": ((INPUTS, TARGETS, INPUTS), "care must have the shape of targets, (3, 1), got (3, 2)"),
}


@pytest.mark.parametrize(("arguments", "message"), BAD_PATTERNS.values(), ids=BAD_PATTERNS)
def test_patterns_are_refused(arguments: tuple[ArrayLike, ...], message: str) -> None:
    with pytest.raises(SpecError, match=re.escape(message)):
        Pattern(*arguments)


def test_care_is_everything_unless_said() -> None:
    assert PATTERN.care.all()
    assert PATTERN.care.shape == (3, 1)
    assert not Pattern(INPUTS, TARGETS, ~TARGETS).care[2, 0]
    assert PATTERN.ticks == 3


@pytest.mark.parametrize("name", ["inputs", "targets", "care"])
def test_a_pattern_does_not_change(name: str) -> None:
    given_arrays = {"inputs": INPUTS.copy(), "targets": TARGETS.copy(), "care": TARGETS.copy()}
    pattern = Pattern(**given_arrays)
    before = getattr(pattern, name).copy()
    given_arrays[name][:] ^= True
    assert np.array_equal(getattr(pattern, name), before)
    assert given_arrays[name].flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        getattr(pattern, name)[0, 0] = True
    with pytest.raises(FrozenInstanceError):
        setattr(pattern, name, before)


# ---------------------------------------------------------------- Dynamics


@pytest.mark.parametrize("name", ["potential_decay", "current_decay"])
@pytest.mark.parametrize("value", [1.0, True, "1", None, math.nan])
def test_decays_are_whole_numbers(name: str, value: object) -> None:
    with pytest.raises(SpecError, match=f"{name} must be an integer, got {value!r}"):
        Dynamics(**untyped({name: value}))


def test_decays_are_plain_and_stay() -> None:
    dynamics = Dynamics(untyped(np.int16(7)), untyped(np.int64(9)))
    assert dynamics == Dynamics(7, 9)
    assert type(dynamics.potential_decay) is int
    with pytest.raises(FrozenInstanceError):
        untyped(dynamics).potential_decay = 8


@pytest.mark.parametrize("value", [-1, -0.001, math.nan, "3", None, True, [3], 3j, 10**400])
@pytest.mark.parametrize("name", ["potential", "current"])
def test_time_constants_are_refused(name: str, value: object) -> None:
    constants = {"potential": 1.0, "current": 1.0} | {name: value}
    message = f"time constant of the {name} must be a non-negative number of ticks such as 20.0, got {value!r}"
    with pytest.raises(SpecError, match=re.escape(message)):
        Dynamics.from_time_constants(**untyped(constants))


@pytest.mark.parametrize(
    ("potential", "current", "decays"),
    [
        (math.inf, math.inf, (0, 0)),
        (0, 0, (4095, 4095)),
        (1e-320, 0.0, (4095, 4095)),
        (19.5, 0.0, (205, 4095)),
        (np.float32(19.5), np.int64(0), (205, 4095)),
        (1 / math.log(2), 1 / math.log(2), (2048, 2047)),
    ],
)
def test_time_constants_to_decays(potential: float, current: float, decays: tuple[int, int]) -> None:
    assert Dynamics.from_time_constants(potential, current) == Dynamics(*decays)


def test_time_constants_of_an_unknown_chip() -> None:
    with pytest.raises(SpecError, match="unknown chip 'loihi9'; known chips are fpga, fpga-ge, fpga-subtract,"):
        Dynamics.from_time_constants(10, chip="loihi9")


@settings(deadline=None)
@given(st.integers(0, 4095), st.integers(0, 4095))
def test_decays_to_time_constants_and_back(potential_decay: int, current_decay: int) -> None:
    dynamics = Dynamics(potential_decay, current_decay)
    assert Dynamics.from_time_constants(*dynamics.effective_time_constants(LOIHI)) == dynamics


def test_the_ends_of_the_time_constants() -> None:
    assert Dynamics(0, 4095).effective_time_constants(LOIHI) == (math.inf, 0.0)
    potential, current = Dynamics(4095, 0).effective_time_constants(LOIHI)
    assert potential == pytest.approx(1 / math.log(4096))
    assert current == pytest.approx(4095.5, abs=0.01)


# ---------------------------------------------------------------- Spec

OTHER_INPUTS = Pattern(INPUTS[:, :1], TARGETS)
OTHER_TARGETS = Pattern(INPUTS, INPUTS)

MALFORMED: dict[str, tuple[dict[str, Any], str]] = {
    "no patterns": ({"patterns": []}, "patterns must have at least one Pattern, got none"),
    "patterns is None": ({"patterns": None}, "patterns must be a list of Pattern, got None"),
    "patterns is a number": ({"patterns": 5}, "patterns must be a list of Pattern, got 5"),
    "patterns of tuples": ({"patterns": [PATTERN, (INPUTS, TARGETS)]}, "patterns[1] must be a Pattern, got a tuple"),
    "widths of inputs": ({"patterns": [PATTERN, OTHER_INPUTS]}, "pattern 1 must have 2 inputs as pattern 0, got 1"),
    "widths of targets": ({"patterns": [PATTERN, OTHER_TARGETS]}, "pattern 1 must have 1 targets as pattern 0, got 2"),
    "no outputs": (
        {"patterns": [Pattern(INPUTS, TARGETS[:, :0])]},
        "targets must have at least one column (an output neuron)",
    ),
    "no delays": ({"delays": []}, "delays must have at least one entry, got none"),
    "a delay alone": ({"delays": 5}, "delays must be a list of integers, such as range(1, 17), got 5"),
    "a delay alone in an array": (
        {"delays": np.array(5)},
        "delays must be a list of integers, such as range(1, 17), got array(5)",
    ),
    "a window without end": ({"window": (10**12, 0)}, "window must be at most 65,536 ticks before and after, got"),
    "more delays than a chip has": ({"delays": range(1, 10**12)}, "delays must have at most 1024 entries, got more;"),
    "delays as text": ({"delays": "1-16"}, "delays must be a list of integers, such as range(1, 17), got '1-16'"),
    "delays as bytes": ({"delays": b"\x01"}, "delays must be a list of integers, such as range(1, 17), got b'\\x01'"),
    "delays as a mapping": ({"delays": {1: 2}}, "delays must be a list of integers, such as range(1, 17), got {1: 2}"),
    "a delay twice": ({"delays": [2, 1, 2]}, "delays must not repeat, got (1, 2, 2)"),
    "a fractional delay": ({"delays": [1, 1.5]}, "delay must be an integer, got 1.5"),
    "a delay of NaN": ({"delays": [math.nan]}, "delay must be an integer, got nan"),
    "a bool delay": ({"delays": [True]}, "delay must be an integer, got True"),
    "recurrent as integer": ({"recurrent": 1}, "recurrent must be True or False, got 1"),
    "recurrent as text": ({"recurrent": "yes"}, "recurrent must be True or False, got 'yes'"),
    "recurrent as None": ({"recurrent": None}, "recurrent must be True or False, got None"),
    "dynamics as a pair": ({"dynamics": (205, 4095)}, "dynamics must be a Dynamics, got (205, 4095)"),
    "a sign alone": ({"signs": 1}, "signs must be a list of -1, 0 and +1, got 1"),
    "signs as text": ({"signs": "+-"}, "signs must be a list of -1, 0 and +1, got '+-'"),
    "signs as a mapping": ({"signs": {}}, "signs must be a list of -1, 0 and +1, got {}"),
    "a sign too few": ({"signs": [1]}, "signs must have 2 entries, one per presynaptic neuron, got 1"),
    "a sign too many": ({"signs": [1, 1, 1]}, "signs must have 2 entries, one per presynaptic neuron, got 3"),
    "no sign for outputs": (
        {"signs": [1, 1], "recurrent": True},
        "signs must have 3 entries, one per presynaptic neuron, got 2",
    ),
    "a large sign": ({"signs": [1, 2]}, "signs[1] must be -1, 0 or +1, got 2"),
    "a fractional sign": ({"signs": [1, 0.5]}, "sign must be an integer, got 0.5"),
    "a bool sign": ({"signs": [True, 1]}, "sign must be an integer, got True"),
    "a fractional bias": ({"bias": 1.0}, "bias must be an integer or 'free', got 1.0"),
    "a window of one": (
        {"window": [1]},
        "window must be two non-negative integers, the ticks before and after, got (1,)",
    ),
    "a negative window": (
        {"window": (1, -1)},
        "window must be two non-negative integers, the ticks before and after, got (1, -1)",
    ),
    "a window as a number": ({"window": 2}, "window must be two integers, the ticks before and after, got 2"),
    "a fractional window": ({"window": (1, 0.5)}, "window must be an integer, got 0.5"),
    "a bool bias": ({"bias": False}, "bias must be an integer or 'free', got False"),
    "a bias as text": ({"bias": "Free"}, "bias must be an integer or 'free', got 'Free'"),
    "several biases": ({"bias": np.array([1, 2])}, "bias must be an integer or 'free', got array([1, 2])"),
    "noise below": ({"noise": -0.5}, "noise must be a non-negative number of LSBs, got -0.5"),
    "noise unknown": ({"noise": math.nan}, "noise must be a non-negative number of LSBs, got nan"),
    "noise beyond floats": ({"noise": 10**400}, "must be a non-negative number of LSBs"),
    "noise as text": ({"noise": "3"}, "noise must be a non-negative number of LSBs, got '3'"),
    "noise as bool": ({"noise": True}, "noise must be a non-negative number of LSBs, got True"),
    "sparse as number": ({"sparse": 1}, "sparse must be True or False, got 1"),
    "fan_in below": ({"fan_in": -1}, "fan_in must be a non-negative integer or None (no limit), got -1"),
    "fan_in as float": ({"fan_in": 2.0}, "fan_in must be an integer, got 2.0"),
    "bias between": (
        {"bias": 4097},
        "bias is 4097; loihi1 has mantissas to 4095 shifted left by 0 to 7: the nearest is",
    ),
    "a fractional threshold": ({"threshold": 1.5}, "threshold must be an integer or 'free', got 1.5"),
    "no threshold": ({"threshold": None}, "threshold must be an integer or 'free', got None"),
    "a bool threshold": ({"threshold": True}, "threshold must be an integer or 'free', got True"),
    "several thresholds": (
        {"threshold": np.array([1, 2])},
        "threshold must be an integer or 'free', got array([1, 2])",
    ),
    "fractional bits": ({"weight_bits": 1.5}, "weight_bits must be an integer, got 1.5"),
    "free bits": ({"weight_bits": "free"}, "weight_bits must be an integer, got 'free'"),
    "a bool weight limit": ({"weight_limit": True}, "weight_limit must be an integer, got True"),
    "unknown chip": ({"chip": "loihi9"}, "unknown chip 'loihi9'; known chips are fpga, fpga-ge, fpga-subtract,"),
    "no chip": ({"chip": None}, "unknown chip None; known chips are fpga, fpga-ge, fpga-subtract,"),
}


@pytest.mark.parametrize(("changes", "message"), MALFORMED.values(), ids=MALFORMED)
def test_specs_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=re.escape(message)):
        spec(**changes)


OUT_OF_RANGE: dict[str, tuple[dict[str, Any], str, float, str]] = {
    "delay 0": ({"delays": [0]}, "delay", 0, "1 to 63"),
    "delay 64": ({"delays": [1, 64]}, "delay", 64, "1 to 63"),
    "delay below": ({"delays": [-1, 1]}, "delay", -1, "1 to 63"),
    "delay beyond all": ({"delays": [10**30]}, "delay", 10**30, "1 to 63"),
    "potential decay below": ({"dynamics": Dynamics(-1, 0)}, "potential_decay", -1, "0 to 4095"),
    "potential decay above": ({"dynamics": Dynamics(4096, 0)}, "potential_decay", 4096, "0 to 4095"),
    "current decay below": ({"dynamics": Dynamics(0, -1)}, "current_decay", -1, "0 to 4095"),
    "current decay above": ({"dynamics": Dynamics(0, 4096)}, "current_decay", 4096, "0 to 4095"),
    "threshold 0": ({"threshold": 0}, "threshold", 0, "1 to 131071"),
    "threshold above": ({"threshold": 131072}, "threshold", 131072, "1 to 131071"),
    "bias above": ({"bias": 524161}, "bias", 524161, "-524160 to 524160"),
    "noise above": ({"noise": 131071.5}, "noise", 131071.5, "0 to 131071"),
    "endless noise": ({"noise": math.inf}, "noise", math.inf, "0 to 131071"),
    "bias below": ({"bias": -524161}, "bias", -524161, "-524160 to 524160"),
    "no bits": ({"weight_bits": 0}, "weight_bits", 0, "1 to 8"),
    "nine bits": ({"weight_bits": 9}, "weight_bits", 9, "1 to 8"),
    "no weights": ({"weight_limit": 0}, "weight_limit", 0, "1 to 255"),
    "weight limit above": ({"weight_limit": 256}, "weight_limit", 256, "1 to 255"),
}


@pytest.mark.parametrize(("changes", "item", "found", "allowed"), OUT_OF_RANGE.values(), ids=OUT_OF_RANGE)
def test_values_beyond_the_chip(changes: dict[str, Any], item: str, found: float, allowed: str) -> None:
    with pytest.raises(LimitError, match=re.escape(f"{item} must be {allowed} on loihi1, got {found}")) as caught:
        spec(**changes)
    assert (caught.value.item, caught.value.found) == (item, found)
    assert caught.value.allowed == f"{allowed} on loihi1"


@pytest.mark.parametrize(
    "changes",
    [
        {"delays": [1, 63]},
        {"threshold": 1},
        {"threshold": 131071},
        {"bias": 524160},
        {"bias": -524160},
        {"bias": 4095},
        {"bias": 4096},
        {"bias": "free"},
        {"dynamics": Dynamics(0, 0)},
        {"dynamics": Dynamics(4095, 4095)},
        {"signs": [-1, 0]},
        {"weight_bits": 1, "weight_limit": 255},
        {"weight_bits": 8, "weight_limit": 1},
        {"signs": [1, -1, 0], "recurrent": True},
        {"patterns": [Pattern(INPUTS[:, :0], TARGETS)], "signs": []},
        {"patterns": [PATTERN, Pattern(INPUTS[:1], TARGETS[:1])]},
    ],
)
def test_the_ends_of_every_range(changes: dict[str, Any]) -> None:
    assert isinstance(spec(**changes), Spec)


@pytest.mark.parametrize("make", [lambda: spec(chip=["loihi1"]), lambda: find_chip(untyped({}))])
def test_a_chip_that_is_no_text(make: Callable[[], object]) -> None:
    with pytest.raises(SpecError, match="known chips are fpga"):
        make()


@settings(deadline=None)
@given(st.integers(-600_000, 600_000))
def test_a_bias_is_taken_or_the_nearest_is_named(bias: int) -> None:
    allowed = {mantissa << shift for shift in range(8) for mantissa in (0, bias >> shift) if abs(mantissa) <= 4095}
    try:
        assert spec(bias=bias).bias == bias
        assert bias in allowed
    except LimitError:
        assert abs(bias) > 4095 << 7
    except SpecError as error:
        nearest = int(str(error).rsplit(" ", 1)[1])
        assert bias not in allowed
        assert spec(bias=nearest).bias == nearest
        assert abs(nearest - bias) <= 64


def test_what_a_spec_says() -> None:
    full = spec(delays=iter([3, 1]), recurrent=np.True_, signs=np.array([1, -1, 0]), bias=np.int64(8), threshold=9)
    assert full.delays == (1, 3)
    assert full.recurrent is True
    assert full.signs == (1, -1, 0)
    assert (full.bias, full.threshold) == (8, 9)
    assert (full.n_inputs, full.n_outputs, full.n_presynaptic) == (2, 1, 3)
    assert (spec().n_presynaptic, spec().threshold, spec().bias, spec().delays) == (2, "free", 0, (1,))
    assert spec(patterns=PATTERN).patterns == (PATTERN,)


def test_a_spec_does_not_change() -> None:
    patterns = [PATTERN]
    kept = spec(patterns=patterns)
    patterns.append(PATTERN)
    assert kept.patterns == (PATTERN,)
    with pytest.raises(FrozenInstanceError):
        untyped(kept).bias = 1


def test_presynaptic_raster() -> None:
    assert presynaptic_raster(spec(), PATTERN) is PATTERN.inputs
    both = presynaptic_raster(spec(recurrent=True), PATTERN)
    assert np.array_equal(both, np.hstack([INPUTS, TARGETS]))


# ---------------------------------------------------------------- digest

INGREDIENTS: dict[str, dict[str, Any]] = {
    "window": {"window": (0, 1)},
    "other window": {"window": (1, 0)},
    "nothing": {},
    "inputs": {"patterns": [Pattern(~INPUTS, TARGETS)]},
    "targets": {"patterns": [Pattern(INPUTS, ~TARGETS)]},
    "care": {"patterns": [Pattern(INPUTS, TARGETS, TARGETS)]},
    "ticks": {"patterns": [Pattern(INPUTS[:2], TARGETS[:2])]},
    "width": {"patterns": [Pattern(np.hstack([INPUTS, INPUTS[:, :1] & False]), TARGETS)]},
    "pattern twice": {"patterns": [PATTERN, PATTERN]},
    "order of patterns": {"patterns": [PATTERN, Pattern(~INPUTS, TARGETS)]},
    "other order of patterns": {"patterns": [Pattern(~INPUTS, TARGETS), PATTERN]},
    "delays": {"delays": [2]},
    "more delays": {"delays": [1, 2]},
    "recurrent": {"recurrent": True},
    "weight bits": {"weight_bits": 8},
    "robust": {"robust": Robust(jitter=1)},
    "more robust": {"robust": Robust(jitter=1, exempt=(1,))},
    "weight limit": {"weight_limit": 127},
    "potential decay": {"dynamics": Dynamics(potential_decay=204)},
    "current decay": {"dynamics": Dynamics(current_decay=4094)},
    "signs": {"signs": [0, 0]},
    "other signs": {"signs": [0, 1]},
    "bias": {"bias": 1},
    "free bias": {"bias": "free"},
    "threshold": {"threshold": 1},
    "noise": {"noise": 0.5},
    "more noise": {"noise": 1},
    "sparse": {"sparse": True},
    "fan_in": {"fan_in": 0},
    "greater fan_in": {"fan_in": 2},
    "hidden neurons": {"hidden": 1},
    "as many as it takes": {"hidden": "auto"},
    "refractory": {"refractory": 2},
}


def test_the_digest_changes_with_every_ingredient() -> None:
    digests = {name: spec(**changes).digest() for name, changes in INGREDIENTS.items()}
    assert len(set(digests.values())) == len(digests), digests
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests.values())


@pytest.mark.parametrize("changes", INGREDIENTS.values(), ids=INGREDIENTS)
def test_the_digest_of_equal_specs_is_equal(changes: dict[str, Any]) -> None:
    assert spec(**changes).digest() == spec(**changes).digest()


def test_the_digest_does_not_see_how_a_thing_was_said() -> None:
    said = spec(patterns=[Pattern(INPUTS.astype("u1").tolist(), np.asfortranarray(TARGETS))], delays=[1])
    assert said.digest() == spec(delays=range(1, 2), signs=None, dynamics=Dynamics()).digest()
    assert spec(delays=[2, 1]).digest() == spec(delays=(1, 2)).digest()


def test_the_digest_is_pinned() -> None:
    """Programs carry it, so it stays what it is from version to version."""
    assert spec().digest() == "c9315376d651e1bcaf68967803d212a2c02ad1365ee0fdaadd7c7a499b2e71c4"


@pytest.mark.parametrize(
    ("bits", "limit", "greatest", "step"),
    [
        (None, None, 255, 1),
        (1, None, 1, 2),
        (2, None, 1, 1),
        (3, None, 3, 1),
        (8, None, 127, 1),
        (None, 9, 9, 1),
        (4, 5, 5, 1),
        (4, 9, 7, 1),
        (1, 255, 1, 2),
    ],
)
def test_what_a_mantissa_may_be(bits: int | None, limit: int | None, greatest: int, step: int) -> None:
    mantissas = spec(weight_bits=bits, weight_limit=limit).mantissas
    assert (mantissas.limit, mantissas.step) == (greatest, step)


# ---------------------------------------------------------------- anything

ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=3),
    st.binary(max_size=3),
    st.lists(st.one_of(st.integers(-2, 70), st.floats(), st.booleans(), st.none()), max_size=4),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=2),
)
FIELDS = st.sampled_from(
    ["patterns", "delays", "recurrent", "dynamics", "signs", "bias", "threshold", "noise", "sparse", "fan_in"]
)


@settings(deadline=None, max_examples=400)
@given(st.dictionaries(FIELDS, ANYTHING, min_size=1, max_size=2))
def test_anything_is_a_spec_or_a_refusal(changes: dict[str, Any]) -> None:
    try:
        made = spec(**changes)
    except SnnprogError:
        return
    assert made.digest()


# ---------------------------------------------------------------- options


def test_the_parameters_of_a_spec_are_its_options() -> None:
    """The table and the signature name the same options with the same defaults, and the docstring tells all."""
    parameters = inspect.signature(Spec).parameters
    others = {"patterns", "delays", "dynamics", "chip", "automaton", "input_names", "output_names", "hidden_names"}
    assert set(parameters) - others == {option.name for option in OPTIONS}
    assert {field.name for field in dataclasses.fields(Spec)} == set(parameters)
    for option in OPTIONS:
        assert parameters[option.name].default == option.default
        assert option.parse(option.default, LOIHI) == option.default
        assert f"    {option.name} : " in str(Spec.__doc__)
    assert spec().changed_options == {}


@pytest.mark.parametrize("chip", CHIPS)
def test_no_two_options_exclude_each_other(chip: str) -> None:
    """But for what a chip does not have at all."""
    wishes = {name: changes for name, changes in INGREDIENTS.items() if set(changes) <= {one.name for one in OPTIONS}}
    possible = [changes for changes in wishes.values() if changes.get("refractory", 1) <= find_chip(chip).refractory[1]]
    for one, other in itertools.combinations(possible, 2):
        both = {**one, **other}
        if both.get("recurrent") and "signs" in both:
            both["signs"] = [*both["signs"], 0]  # of the output, which is heard, too
        assert set(spec(chip=chip, **both).changed_options) == set(both)


def test_all_options_go_together() -> None:
    changes = {name: value for kind in INGREDIENTS.values() for name, value in kind.items()}
    together = {name: changes[name] for name in ("hidden", "noise", "sparse", "fan_in", "weight_bits", "window")}
    for chip in CHIPS:
        assert spec(**together, chip=chip).changed_options.keys() == together.keys()


def test_the_page_of_exclusions_is_made_from_the_options_and_the_chips() -> None:
    module = runpy.run_path(str(DOCS / "write_incompatible.py"))
    page = (DOCS / "reference" / "incompatible.md").read_text(encoding="utf-8")
    assert page == module["page"](), "run python docs/write_incompatible.py"


def test_the_digest_covers_every_option_and_lasts() -> None:
    """Later options are covered where they are asked for only, so these two digests must never change."""
    assert {option.name for option in OPTIONS} <= {name for changes in INGREDIENTS.values() for name in changes}
    assert spec().digest() == "c9315376d651e1bcaf68967803d212a2c02ad1365ee0fdaadd7c7a499b2e71c4"
    several = spec(noise=1.0, sparse=True, weight_bits=3, refractory=4, bias=5, threshold=7)
    assert several.digest() == "c742b87a5f75114f5da29e1e01c61ccc9524528be9f3448d858f94f52d2851f7"


@pytest.mark.parametrize("name", ["potential_decay", "current_decay"])
def test_a_decay_as_a_share_is_told_of_time_constants(name: str) -> None:
    with pytest.raises(SpecError, match=rf"^{name} must be an integer, got 0.9; .* 0 to 4095 on Loihi .*from_time_con"):
        Dynamics(**{name: untyped(0.9)})
