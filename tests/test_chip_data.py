"""Rules and chips as plain data: they come back equal, and whatever else data says is refused in one sentence."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hostile_files import Mutator
from made_up_chips import KINDS, chip_of

import snnprog as sp
from snnprog.chips import CHIPS, Chip, Core, Energy, Layers, SynapticMemory
from snnprog.chips.data import chip_from_data, chip_to_data
from snnprog.documents import parse_json
from snnprog.rules.data import BARE, LONGEST_TEXT, WORDS, rule_from_data, rule_to_data
from snnprog.rules.expressions import NODES, Const, Expression, FloorDiv, Hold, Leak, Ref, Rounding, Scale, Shl, Shr
from snnprog.rules.expressions import End as RegisterEnd
from snnprog.rules.limits import DEEPEST, MOST_ENTRIES, MOST_MAGNITUDE, MOST_NODES, MOST_SHIFT
from snnprog.rules.rule import LayerConstant, Parameter, Rule, Step, Watch

MADE_UP = [chip_of(kind) for kind in KINDS]
ALL_CHIPS = [*CHIPS.values(), *MADE_UP]
v = Ref("potential")


def named(chip: Chip) -> str:
    return chip.name


def rule_with(expression: Expression, **changes: Any) -> Rule:
    """Return a rule whose potential is an expression of itself, the threshold and the bias."""
    parts: dict[str, Any] = {
        "name": "small",
        "registers": ("potential",),
        "parameters": (Parameter("threshold", 1, 100), Parameter("bias", -5, 5)),
        "gather": Step("gather", "arrived", Ref("arrived") + Ref("weight") * Ref("count")),
        "steps": (Step("potential", "potential", expression), Step("fire", "spikes", v > Ref("threshold"))),
        "watched": (Watch("potential", 100),),
    } | changes
    return Rule(**parts)


# -------------------------------------------------------------------------------------------------- there and back


def test_every_node_has_a_word_or_is_bare() -> None:
    assert set(WORDS) | set(BARE) == set(NODES)
    assert not set(WORDS) & set(BARE)
    assert len(set(WORDS.values())) == len(WORDS)


@pytest.mark.parametrize("chip", ALL_CHIPS, ids=named)
def test_a_chip_comes_back_equal_through_json(chip: Chip) -> None:
    text = json.dumps({"hardware": chip_to_data(chip)}, allow_nan=False)
    found = chip_from_data(parse_json(text.encode("ascii"))["hardware"])
    assert found == chip
    assert hash(found) == hash(chip)
    assert rule_from_data(json.loads(json.dumps(rule_to_data(chip.rule)))) == chip.rule


def test_every_node_rounding_and_end_comes_back_equal() -> None:
    expression: Expression = v
    for rounding in Rounding:
        expression = Scale(Shr(Leak(expression, Const(1), rounding), Const(0), rounding), Const(3), 2, rounding)
        rule = rule_with(expression)
        assert rule_from_data(rule_to_data(rule)) == rule
        expression = v
    for end in RegisterEnd:
        rule = rule_with(FloorDiv(Hold(-v, -9, 8, end), Ref("threshold") << 1))
        assert rule_from_data(rule_to_data(rule)) == rule


def test_an_expression_is_readable() -> None:
    rule = rule_with(Scale(v, 4096 - Ref("bias"), 12, Rounding.TOWARD_ZERO) + Ref("arrived"))
    data: Any = rule_to_data(rule)
    assert data["steps"][0]["expression"] == [
        "add",
        ["scale", "potential", ["sub", 4096, "bias"], 12, "toward_zero"],
        "arrived",
    ]


# -------------------------------------------------------------------------------------------------------- refusals


def deep(levels: int) -> object:
    data: object = 1
    for _ in range(levels - 1):
        data = ["neg", data]
    return data


def wide(levels: int) -> object:
    data: object = 1
    for _ in range(levels):
        data = ["add", data, data]
    return data


EXPRESSIONS: dict[str, tuple[object, str]] = {
    "text of code": ("__import__('os').system('true')", "rule is not valid: step 'potential' of rule small reads"),
    "unknown word": (["eval", "potential"], "must be made of integers, names and lists that begin with one of add"),
    "nothing": (None, "must be made of integers"),
    "fraction": (0.5, "must be made of integers"),
    "flag": (True, "must be made of integers"),
    "object": ({"add": [1, 2]}, "must be made of .* got an object of 1"),
    "empty list": ([], "must be made of .* got a list of 0"),
    "word that is a list": ([["add"], 1, 2], "must be made of"),
    "too few": (["add", 1], r"must give add left, right, got 1 values"),
    "too many": (["neg", 1, 2], "must give neg operand, got 2 values"),
    "too deep": (deep(DEEPEST + 1), f"at most {DEEPEST} deep"),
    "much too deep": (deep(100_000), f"at most {DEEPEST} deep"),
    "too large": (wide(12), f"at most {MOST_NODES} nodes"),
    "large constant": (MOST_MAGNITUDE + 1, "must be an integer of at most 9007199254740992 in magnitude"),
    "enormous constant": (10**5000, "must be an integer of at most"),
    "wide shift": (["shl", "potential", MOST_SHIFT + 1], "bits of shl must be 0 to 30, got 31"),
    "enormous shift": (["shl", "threshold", 2**50], "bits of shl must be 0 to 30"),
    "negative shift": (["shl", "potential", -1], "bits of shl must be 0 to 30, got -1"),
    "shift by a name": (["shl", "potential", "bias"], "bits of shl must be an integer"),
    "code as a shift": (["scale", "potential", 1, "1); quit(", "floor"], "bits of scale must be an integer"),
    "unknown rounding": (["scale", "potential", 1, 2, "up"], "rounding of scale must be one of toward_zero, "),
    "unknown end": (["hold", "potential", 0, 1, "stop"], "end of hold must be one of clip, wrap, fold, got 'stop'"),
    "unknown comparison": (["compare", "==", 1, 2], "compares by '=='"),
    "code as a comparison": (["compare", "> 0 or quit() >", 1, 2], "compares by"),
    "crossed ends": (
        ["hold", "potential", 9, 1, "clip"],
        "step 'potential' of rule small holds values from 9 to 1; the ends must ascend, to",
    ),
    "shift by a register": (["shr", "potential", "potential", "floor"], "must shift by a constant or parameter"),
    "shift by less than nothing": (["leak", "potential", "bias", "floor"], "must shift by a constant or parameter"),
    "divided by nothing": (["floor_div", "potential", "bias"], "must divide by a constant or parameter that is at le"),
    "divided by a register": (["floor_div", 1, "potential"], "must divide by a constant or parameter"),
    "unknown name": ("what", "reads 'what'"),
    "long name": ("a" * (LONGEST_TEXT + 1), "must be a text of at most 400 printable characters"),
    "control characters": ("a\x1b[2J", "printable characters"),
}


@pytest.mark.parametrize(("expression", "message"), EXPRESSIONS.values(), ids=EXPRESSIONS)
def test_an_expression_that_is_none_is_refused(expression: object, message: str) -> None:
    data: Any = rule_to_data(rule_with(v + Ref("arrived")))
    data["steps"][0]["expression"] = expression
    with pytest.raises(sp.FormatError, match=message) as refusal:
        rule_from_data(data)
    assert len(str(refusal.value)) < 400
    assert "potential" in str(refusal.value) or "steps[0]" in str(refusal.value)


def changed(chip: Chip, *path: str | int, value: object) -> Any:
    """Return a chip's data with another value in one place."""
    data: Any = copy.deepcopy(chip_to_data(chip))
    inner = data
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return data


LOIHI = CHIPS["loihi1"]
STEP = {"name": "more", "target": "more", "expression": 1}
CHANGES: dict[str, tuple[tuple[str | int, ...], object, str]] = {
    "rule of another name": (("rule", "name"), "../../x", "chip.rule|rule name must be up to 64 letters"),
    "rule that is a name": (("rule",), "loihi1-lif-lava-0.10.0", r"chip.rule must be an object with name, registers"),
    "many steps": (("rule", "steps"), [STEP] * 33, r"chip.rule.steps must be a list of at most 32, got a list of 33"),
    "no steps": (("rule", "steps"), [], "chip.rule is not valid: .* has no step 'arrivals'"),
    "name of a step": (("rule", "steps", 4, "name"), "first; quit()", "must be an identifier of at most 32 letters"),
    "target of a step": (("rule", "steps", 0, "target"), "a b", "uses the name 'a b'"),
    "unknown key": (("rule", "code"), "x", "chip.rule must not have 'code'; give name, registers, parameters"),
    "list of a name": (("rule", "registers"), "potential", "chip.rule.registers must be a list of at most 32"),
    "crossed parameter": (("rule", "parameters", 0, "low"), 2**20, "must have low <= high"),
    "steps of a built-in rule": (
        ("rule", "watched"),
        [],
        "chip is not valid: rule of chip loihi1 must be a rule with another",
    ),
    "ranges of a built-in rule": (("rule", "parameters", 0, "high"), 2**20, "called otherwise: threshold of loihi1"),
    "name": (("name",), "my chip", "name of chip my chip must be up to 64 letters, digits"),
    "long delays": (("delays",), [1, 1025], "delays of chip loihi1 must be from 1 to 1024"),
    "no delay": (("delays",), [0, 3], "delays of chip loihi1 must be from 1 to 1024"),
    "three ends": (("delays",), [1, 2, 3], r"chip.delays must be a list of 2, got a list of 3"),
    "gathering of a parameter": (
        ("rule", "gather", "expression"),
        ["add", "arriving", "bias"],
        r"chip is not valid: gather of rule loihi1-lif-lava-0\.10\.0 must be made of weight, count and",
    ),
    "wide steps of weights": (("weight_ranges", "mixed_step"), 2**40, "in steps of 1 or more, within the ranges"),
    "negative decays": (("rule", "parameters", 1, "low"), -1, "current_decays of chip loihi1 must be 0 or more"),
    "no refractory period": (("rule", "parameters", 4, "low"), 0, "refractory of chip loihi1 must be 1 or more"),
    "flag as an end": (("delays",), [True, 2], r"chip.delays\[0\] must be an integer of at most"),
    "wide weights": (
        ("weight_ranges", "excitatory"),
        [0, 2**31],
        "weight_ranges of chip loihi1 must be within 32 bits",
    ),
    "wide exponents": (("exponents",), [0, 31], "exponents of chip loihi1 must be from 0 to 30"),
    "negative exponents of biases": (
        ("bias_exponents",),
        [-1, 7],
        "bias_exponents of chip loihi1 must be from 0 to 30",
    ),
    "wide biases": (("bias_mantissas",), [-(2**40), 2**40], "bias_mantissas of chip loihi1 must be within"),
    "number as a flag": (("is_exponent_shared",), 1, "chip.is_exponent_shared must be true or false, got 1"),
    "no cores": (("cores",), 0, "cores of chip loihi1 must be 1 or more"),
    "empty core": (("core", "neurons"), 0, "chip.core is not valid: neurons of a core must be 1 or more, got 0"),
    "words of no bits": (("core", "memory", "word_bits"), 0, "word_bits of a core must be 1 or more"),
    "widths that fall": (("core", "memory", "weight_bits"), [8, 1], "weight_bits must be widths of 0 to 64 bits, asc"),
    "no widths": (("core", "memory", "index_bits"), [], "index_bits must be widths"),
    "odd steps in memory": (("weight_ranges", "mixed_step"), 1, "core of chip loihi1 must be without memory"),
    "layers that are none": (("layers",), [1, 2, 3, 4], "chip.layers must be an object with most_inputs"),
    "layers of nothing": (
        ("layers",),
        {"most_inputs": 1, "most_hidden": 0, "most_outputs": 1, "most_fan_out": 1},
        "most_hidden of the layers must be 1 or more",
    ),
    "negative energy": (
        ("energy", "message"),
        -1.0,
        r"chip\.energy is not valid: energy must be a non-negative, finite number of",
    ),
    "no number": (("energy", "message"), float("nan"), "chip.energy.message must be a finite number"),
    "very long number": (("energy", "message"), 10**400, "chip.energy.message must be a finite number"),
    "source": (("energy", "source"), "\x1b]0;x", "chip.energy.source must be a text of at most 400 printable"),
}


@pytest.mark.parametrize(("path", "value", "message"), CHANGES.values(), ids=CHANGES)
def test_a_chip_that_is_none_is_refused(path: tuple[str | int, ...], value: object, message: str) -> None:
    with pytest.raises(sp.FormatError, match=message) as refusal:
        chip_from_data(changed(LOIHI, *path, value=value))
    assert len(str(refusal.value)) < 400


def test_a_missing_key_is_named() -> None:
    data = chip_to_data(LOIHI)
    del data["delays"]
    with pytest.raises(sp.FormatError, match="chip has no delays; give name, rule, delays"):
        chip_from_data(data)
    with pytest.raises(sp.FormatError, match=r"chip must be an object with name, rule, .*, got a list of 1"):
        chip_from_data([1])


WRITTEN: dict[str, tuple[Callable[[], object], str]] = {
    "constants": (lambda: replace(LOIHI, rule=rule_with(v + 2**60)), "has the constant 1152921504606846976"),
    "nodes": (lambda: replace(LOIHI, rule=rule_with(_sum(MOST_NODES))), "made of at most 512 nodes, got"),
    "registers": (
        lambda: replace(LOIHI, rule=rule_with(v, registers=("potential", *(f"r{i}" for i in range(MOST_ENTRIES))))),
        "registers of rule small must be at most 32",
    ),
    "watched": (
        lambda: replace(LOIHI, rule=rule_with(v, watched=(Watch("potential", 0),))),
        "watched up to limits of 1 or more",
    ),
    "watched twice": (
        lambda: replace(LOIHI, rule=rule_with(v, watched=(Watch("potential", 9), Watch("potential", 8)))),
        "watched of rule small must be of each step once",
    ),
    "layers": (
        lambda: replace(LOIHI, rule=rule_with(v, constants=(LayerConstant("most", 2**60, 1),))),
        "numbers of rule small must be at most",
    ),
    "shift": (lambda: replace(LOIHI, rule=rule_with(Shl(v, 31))), "shifts by 31 bits; 0 to 30 are allowed"),
}


@pytest.mark.parametrize(("make", "message"), WRITTEN.values(), ids=WRITTEN)
def test_what_no_file_could_hold_is_no_chip(make: Callable[[], object], message: str) -> None:
    with pytest.raises(sp.SpecError, match=message):
        make()


def _sum(count: int) -> Expression:
    """Return a flat sum of so many nodes."""
    level: list[Expression] = [Const(1)] * (count // 2 + 1)
    while len(level) > 1:
        level = [one + other for one, other in zip(level[::2], level[1::2], strict=False)] + level[
            len(level) // 2 * 2 :
        ]
    return level[0]


def test_parts_of_a_chip_are_checked_where_they_are_written() -> None:
    with pytest.raises(sp.SpecError, match="axons_in of a core must be 1 or more, got 0"):
        Core(axons_in=0)
    with pytest.raises(sp.SpecError, match="header_bits of a core must be 0 or more"):
        SynapticMemory(16, 64, -1, 64, (0, 8), (0, 6))
    with pytest.raises(sp.SpecError, match="most_outputs of the layers must be 1 or more"):
        Layers(1, 1, 0, 1)
    with pytest.raises(sp.SpecError, match="energy must be a non-negative, finite number of picojoules, got inf"):
        Energy(1.0, float("inf"), (1.0, 1.0), "nowhere")


# ------------------------------------------------------------------------------------------------------------- fuzz


@pytest.mark.parametrize("chip", [LOIHI, CHIPS["xylo"], MADE_UP[0], MADE_UP[7]], ids=named)
def test_random_data_is_a_chip_or_refused(chip: Chip) -> None:
    """Anything but a `FormatError` is a fault; what is accepted must come back equal."""
    good = chip_to_data(chip)
    accepted = 0
    for seed in range(400):
        mutator = Mutator(Random(seed))
        data: Any = copy.deepcopy(good)
        for _ in range(mutator.random.choice([1, 1, 2, 5])):
            data = mutator.tree(data)
        message = ""
        try:
            found = chip_from_data(data)
        except sp.FormatError as error:
            message = str(error)
        except Exception as error:
            raise AssertionError(f"seed {seed}: {type(error).__name__}: {error}"[:2000]) from error
        else:
            accepted += 1
            assert chip_from_data(chip_to_data(found)) == found
        assert len(message) < 600, seed
        assert "\x1b" not in message, seed
    assert 0 < accepted < 300
