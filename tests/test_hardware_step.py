"""A rule's tick in hardware does what the interpreter does, on random and on extreme values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hardware_tools import need
from made_up_chips import KINDS, chip_of

import snnprog as sp
from snnprog.arrays import Int64s
from snnprog.chips import CHIPS, Chip
from snnprog.rules import interpreter
from snnprog.rules.building import clip, fold, greatest, scale, select, wrap
from snnprog.rules.expressions import NODES, End, Expression, Hold, Ref, Rounding
from snnprog.rules.interpreter import Interpreter
from snnprog.rules.ranges import Reach, Span
from snnprog.rules.rule import Rule

need("amaranth")

import amaranth  # noqa: E402
from amaranth.lib.wiring import Component, In, Out  # noqa: E402
from amaranth.sim import Simulator  # noqa: E402

from snnprog.emit.hardware import arithmetic  # noqa: E402
from snnprog.emit.hardware.step import GatherStep, NeuronStep, reach_in_hardware  # noqa: E402

CHIPS_OF_ALL_KINDS = {**CHIPS, **{kind.name: chip_of(kind) for kind in KINDS}}
EVERY_CHIP = pytest.mark.parametrize("chip", CHIPS_OF_ALL_KINDS.values(), ids=lambda chip: chip.name)
CASES = 60
ARRIVING = (-(2**15), 2**15 - 1)


def test_every_node_can_be_made() -> None:
    assert set(arithmetic.OPERATIONS) == set(NODES) - {Ref}


# ------------------------------------------------------------------------------------------------------ single values


class Roundings(Component):
    """Every rounding of a numerator of 7 bits at once."""

    def __init__(self) -> None:
        ports = {each.name.lower(): Out(amaranth.signed(8)) for each in Rounding}
        super().__init__({"numerator": In(amaranth.signed(7)), "bits": In(3), **ports})

    def elaborate(self, platform: Any) -> Any:
        m = amaranth.Module()
        for each in Rounding:
            found = arithmetic.rounded(lambda value: value, self.numerator, self.bits, each)
            m.d.comb += getattr(self, each.name.lower()).eq(found)
        return m


class Ends(Component):
    """What registers of several widths keep of a value of 7 bits."""

    NODES = tuple(Hold(Ref("x"), *ends, end) for end in End for ends in ((-8, 7), (-7, 7), (-7, 8), (0, 3), (-5, 0)))

    def __init__(self) -> None:
        ports = {f"kept{index}": Out(amaranth.signed(8)) for index in range(len(self.NODES))}
        super().__init__({"value": In(amaranth.signed(7)), **ports})

    def elaborate(self, platform: Any) -> Any:
        m = amaranth.Module()
        for index, node in enumerate(self.NODES):
            m.d.comb += getattr(self, f"kept{index}").eq(arithmetic.held(lambda value: value, self.value, node))
        return m


def outputs(component: Any, inputs: list[dict[str, int]]) -> list[dict[str, int]]:
    """Return all outputs of a combinational component for each of some inputs."""
    members = component.signature.members
    names = [name for name in members if members[name].flow is Out]
    found = []

    async def bench(ctx: Any) -> None:
        for values in inputs:
            for name, value in values.items():
                ctx.set(getattr(component, name), value)
            found.append({name: ctx.get(getattr(component, name)) for name in names})

    simulator = Simulator(component)
    simulator.add_testbench(bench)
    simulator.run()
    return found


def test_every_rounding_of_every_small_value_is_the_rules() -> None:
    inputs = [{"numerator": value, "bits": bits} for bits in range(6) for value in range(-64, 64)]
    for given, found in zip(inputs, outputs(Roundings(), inputs), strict=True):
        for each in Rounding:
            expected = interpreter.rounded(np.array(given["numerator"]), given["bits"], each)
            assert found[each.name.lower()] == int(expected), (each, given)


def test_every_end_of_a_register_is_the_rules() -> None:
    inputs = [{"value": value} for value in range(-64, 64)]
    for given, found in zip(inputs, outputs(Ends(), inputs), strict=True):
        for index, node in enumerate(Ends.NODES):
            assert found[f"kept{index}"] == int(interpreter.held(np.array(given["value"]), node)), (node, given)


# --------------------------------------------------------------------------------------------------------- whole ticks


def drawn(rng: np.random.Generator, span: Span, count: int) -> Int64s:
    """Return values of a span: both ends, what is around 0, and random ones of all sizes."""
    low, high = span.least, span.greatest
    near = np.clip(np.array([low, low + 1, -1, 0, 1, high - 1, high]), low, high)
    sizes = np.exp2(rng.uniform(0, max(max(-low, high), 1).bit_length(), count))
    values = np.clip((rng.choice([-1, 1], count) * sizes).astype(np.int64), low, high)
    return np.where(rng.random(count) < 0.3, rng.choice(near, count), values)


def differences(rule: Rule, reach: Reach, step: Any, *, seed: int) -> list[str]:
    """Return what a tick in hardware and the interpreted one of a rule do not agree on."""
    rng = np.random.default_rng(seed)
    gather = rule.gather
    values = {name: drawn(rng, span, CASES) for name, span in reach.registers.items()}
    gathered = drawn(rng, reach.of(gather, gather.expression), CASES)
    parameters = {each.name: drawn(rng, Span.of(np.array([each.low, each.high])), CASES) for each in rule.parameters}
    parameters |= {each.name: rng.choice([each.hidden, each.readout], CASES) for each in rule.constants}
    is_at_rest = rng.random(CASES) < 0.3  # where the bias alone is compared with the threshold, or one off it
    for each in (*values.values(), gathered):
        each[is_at_rest] = 0
    if "bias" in parameters:
        bias = rule.range_of("bias")
        parameters["threshold"][is_at_rest] = rng.integers(1, max(bias[1] // rule.unit, 2), is_at_rest.sum())
        near = parameters["threshold"] * rule.unit + rng.integers(-1, 2, CASES)
        parameters["bias"][is_at_rest] = np.clip(near, *bias)[is_at_rest]
    given = {f"before_{name}": each for name, each in values.items()} | {"gathered": gathered}
    given |= {f"set_{name}": each for name, each in parameters.items()}
    inputs = [
        {name: int(each[index]) for name, each in given.items() if name in step.signature.members}
        for index in range(CASES)
    ]
    outcome = Interpreter(rule, parameters).tick(values, gathered)
    expected = {f"after_{name}": each for name, each in outcome.state.items()} | {"spikes": outcome.spikes}
    return [
        f"{name} is {found[name]}, expected {int(expected[name][index])}, of {inputs[index]}"
        for index, found in enumerate(outputs(step, inputs))
        for name in found
        if found[name] != int(expected[name][index])
    ]


def reach_of_chip(chip: Chip) -> Reach:
    """Return the reach of a chip's rule, with no more arriving than its accumulators hold."""
    return reach_in_hardware(chip.rule, arriving=ARRIVING)


@EVERY_CHIP
def test_a_tick_is_the_interpreters(chip: Chip) -> None:
    reach = reach_of_chip(chip)
    assert not differences(chip.rule, reach, NeuronStep(chip.rule, reach), seed=1)


@pytest.mark.parametrize("seed", range(2, 8))
def test_a_tick_of_loihi_is_the_interpreters(seed: int) -> None:
    rule = CHIPS["loihi1"].rule
    for arriving in (ARRIVING, (-(2**25), 2**25 - 1)):
        reach = reach_in_hardware(rule, arriving=arriving)
        assert not differences(rule, reach, NeuronStep(rule, reach), seed=seed)


u, v, held = Ref("current"), Ref("potential"), Ref("held")
decayed = scale(v, 4096 - Ref("potential_decay"), bits=12, rounding=Rounding.TOWARD_ZERO)
inside = select(held > 0, 0, decayed + u + Ref("bias"))
FAULTS: dict[str, tuple[str, Expression]] = {
    "a rounding": ("current", fold(scale(u, 4095 - Ref("current_decay"), bits=12, rounding=Rounding.FLOOR), 2**23)),
    "a comparison": ("fire", v >= (Ref("threshold") << 6)),
    "an end": ("potential", clip(inside, -(2**23), 2**23 - 1)),
    "an end that wraps": ("potential", wrap(inside, 24)),
    "a reset": ("reset", select(Ref("spikes"), 0, v - 1)),
    "a refractory period": ("refractory", select(Ref("spikes"), Ref("refractory") - 1, greatest(held, 0))),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fault: str) -> None:
    rule = CHIPS["loihi1"].rule
    wrong = rule.with_step(*FAULTS[fault])
    reach, others = (reach_in_hardware(each, arriving=ARRIVING) for each in (rule, wrong))
    assert any(differences(rule, reach, NeuronStep(wrong, others), seed=seed) for seed in range(20))


# ------------------------------------------------------------------------------------------------------------ gathering


@EVERY_CHIP
def test_gathering_is_the_interpreters(chip: Chip) -> None:
    rng = np.random.default_rng(3)
    rule, reach = chip.rule, reach_of_chip(chip)
    weight = -chip.weight_limit << chip.exponents[1], chip.weight_limit << chip.exponents[1]
    step = GatherStep(rule, reach, weight=weight, count=(0, 3))
    span = reach.of(rule.gather, rule.gather.expression)
    weights, counts = drawn(rng, Span.of(np.array(weight)), CASES), rng.integers(0, 4, CASES)
    room = np.abs(weights * counts) if rule.is_sum else np.zeros(CASES, np.int64)
    gathered = np.clip(drawn(rng, span, CASES), np.minimum(span.least + room, 0), np.maximum(span.greatest - room, 0))
    interpreted = Interpreter(rule, {each.name: np.zeros(CASES, np.int64) for each in rule.parameters})
    expected = interpreted.gather(gathered, weights, counts)
    is_held = (expected >= span.least) & (expected <= span.greatest)
    inputs = [
        {"gathered": int(one), "weight": int(by), "count": int(times)}
        for one, by, times in zip(gathered, weights, counts, strict=True)
    ]
    found = np.array([each["after_gathered"] for each in outputs(step, inputs)])
    assert is_held.sum() > CASES // 2
    assert np.array_equal(found[is_held], expected[is_held])


def test_a_gathering_that_no_width_is_proved_for_is_refused() -> None:
    rule = CHIPS["loihi1"].rule
    folded = rule.with_step("gather", fold(Ref("arriving") + Ref("weight") * Ref("count"), 100))
    with pytest.raises(sp.SpecError, match="must be a sum, or clip or wrap one, to be made in hardware"):
        reach_in_hardware(folded, arriving=ARRIVING)


def test_a_rule_without_bounds_is_refused() -> None:
    rule = CHIPS["loihi1"].rule.with_step("potential", v + u)
    with pytest.raises(sp.SpecError, match="has a value without a bound, which no hardware register holds"):
        reach_in_hardware(rule, arriving=ARRIVING)
