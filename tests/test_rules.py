"""The rule of a chip as a value, and its executors against one another and against plain arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from cases import random_raster
from made_up_chips import KINDS, chip_of, rounded
from untyped import untyped

import snnprog as sp
from snnprog.arrays import Int64s, Raster
from snnprog.chips import CHIPS, RULES, Chip
from snnprog.design.mapping import potential_map
from snnprog.rules import interpreter, operations, source
from snnprog.rules.building import clip, fold, saturate, select, shift_right, wrap
from snnprog.rules.expressions import NODES, Compare, Const, End, Expression, Hold, Ref, Rounding, nodes
from snnprog.rules.interpreter import OPERATIONS, Interpreter
from snnprog.rules.linear import rounding_errors
from snnprog.rules.ranges import SPANS, Span, reach_of
from snnprog.rules.rule import LayerConstant, Parameter, Rule, Step, Watch
from snnprog.rules.simplifying import simplified
from snnprog.simulate import kernel, reference
from snnprog.simulate.layout import arriving_span, can_be_laid_out
from snnprog.simulate.neuron import NeuronSimulator
from snnprog.simulate.parameters import parameters_of

CHIPS_OF_ALL_KINDS = {**CHIPS, **{kind.name: chip_of(kind) for kind in KINDS}}
EVERY_CHIP = pytest.mark.parametrize("chip", CHIPS_OF_ALL_KINDS.values(), ids=lambda chip: chip.name)


# ------------------------------------------------------------------------------------------------------- the language


@pytest.mark.parametrize("table", [OPERATIONS, SPANS, source.TEXTS], ids=["arrays", "spans", "texts"])
def test_every_executor_knows_every_node(table: dict[object, object]) -> None:
    assert {node for node in table if node in NODES} == set(NODES) - {Ref}


@pytest.mark.parametrize("rounding", Rounding)
def test_a_rounding_is_what_its_name_says(rounding: Rounding) -> None:
    for bits in range(6):
        for value in range(-70, 71):
            exact = _by_definition(value, bits, rounding)
            found = interpreter.rounded(np.array(value), bits, rounding)
            assert int(found) == exact, (value, bits)


@pytest.mark.parametrize("rounding", Rounding)
@pytest.mark.parametrize("kind", [np.int32, np.int64])
def test_compiled_scalings_equal_the_interpreter(rounding: Rounding, kind: type[np.signedinteger]) -> None:
    compiled = getattr(operations, source.SCALES[rounding])
    for bits, factors in ((0, (1,)), (3, (0, 1, 5, 8)), (8, (1, 100, 255, 256))):
        for value in [*range(-40, 41), -70_000, 70_001]:
            for factor in factors:
                expected = int(interpreter.rounded(np.array(value * factor), bits, rounding))
                assert compiled(kind(value), kind(factor), bits) == expected, (value, factor, bits)


@pytest.mark.parametrize("rounding", Rounding)
def test_errors_of_a_rounding_are_within_their_bounds_and_reach_them(rounding: Rounding) -> None:
    for factor in (Fraction(3, 8), Fraction(7, 16), Fraction(1, 4), Fraction(1), Fraction(0)):
        low, high = rounding_errors(factor, rounding)
        bits = factor.denominator.bit_length() - 1
        values = np.arange(-200, 201)
        found = interpreter.rounded(values * factor.numerator, bits, rounding)
        errors = [int(each) - value * factor for each, value in zip(found, values.tolist(), strict=True)]
        assert low <= min(errors)
        assert max(errors) <= high
        if rounding is not Rounding.MOVING:
            assert (min(errors), max(errors)) == (low, high) or rounding.value.startswith("nearest")


@pytest.mark.parametrize("end", End)
@pytest.mark.parametrize(("low", "high"), [(-8, 7), (-7, 7), (-7, 8), (0, 3)])
def test_the_end_of_a_register(end: End, low: int, high: int) -> None:
    node = Hold(Ref("x"), low, high, end)
    compiled = getattr(operations, source.ENDS[end])
    for value in range(-40, 41):
        found = int(interpreter.held(np.array(value), node))
        assert compiled(np.int64(value), low, high) == found
        if end is End.CLIP:
            assert found == min(max(value, low), high)
        elif end is End.WRAP:
            assert low <= found <= high
            assert (found - value) % node.span == 0
        else:
            once = value - node.span * (value > high) + node.span * (value < low)
            assert found == once


# ------------------------------------------------------------------------------------------------------------- a rule


def rule_with(*steps: Step, registers: tuple[str, ...] = ("potential",), name: str = "small") -> Rule:
    """Return a small rule of these steps."""
    arriving = Ref("arriving")
    gather = Step("gather", "arriving", arriving + Ref("weight") * Ref("count"))
    return Rule(name, registers, (Parameter("threshold", 1, 100),), gather, steps, ())


FIRE = Step("fire", "spikes", Ref("potential") > Ref("threshold"))

WRONG_RULES: dict[str, tuple[Callable[[], Rule], str]] = {
    "a name before it is assigned": (lambda: rule_with(Step("a", "potential", Ref("nobody")), FIRE), "reads 'nobody'"),
    "no spikes": (lambda: rule_with(Step("a", "potential", Ref("arriving"))), "one step that assigns 'spikes', got 0"),
    "spikes twice": (lambda: rule_with(FIRE, Step("again", "spikes", FIRE.expression)), "got 2"),
    "no potential": (lambda: rule_with(FIRE, registers=("current",)), "must have a register 'potential'"),
    "a step twice": (lambda: rule_with(FIRE, FIRE), "the step 'fire' twice"),
    "a strange name": (lambda: rule_with(FIRE, registers=("potential", "x y")), "uses the name 'x y'"),
    "a comparison with something else": (
        lambda: rule_with(Step("fire", "spikes", Ref("potential") > 7)),
        "must assign 'spikes' as potential > limit",
    ),
    "an unknown watch": (lambda: replace(rule_with(FIRE), watched=(Watch("nothing", 3),)), "has no step 'nothing'"),
    "an unknown parameter": (
        lambda: replace(rule_with(FIRE), parameters=(Parameter("colour", 1, 2),)),
        "has a parameter 'colour'",
    ),
    "an unknown comparison": (
        lambda: rule_with(Step("a", "potential", Compare("<", Ref("potential"), Const(1))), FIRE),
        "compares by '<'; use > or >=",
    ),
}


@pytest.mark.parametrize("case", WRONG_RULES)
def test_what_is_no_rule_is_refused(case: str) -> None:
    build, message = WRONG_RULES[case]
    with pytest.raises(sp.SpecError) as caught:
        build()
    assert message in str(caught.value)


def test_a_rule_with_another_step_differs_in_that_step_alone() -> None:
    loihi = RULES["loihi1-lif-lava-0.10.0"]
    other = loihi.with_step("reset", Ref("potential"))
    assert [step.name for step, own in zip(other.steps, loihi.steps, strict=True) if step != own] == ["reset"]
    assert other != loihi
    with pytest.raises(sp.SpecError, match="has no step 'nothing'; its steps are gather, arrivals"):
        loihi.with_step("nothing", Const(0))


UNDESIGNABLE: dict[str, Callable[[Expression], list[Step]]] = {
    "step 'r' must reset the potential to 0": lambda v: [Step("r", "potential", select(Ref("spikes"), 7, v))],
    "step 'r' must not change the potential after the comparison": lambda v: [Step("r", "potential", v + 1)],
    "steps 'potential' and 'r' must keep the potential at 0 for as long as a spike has an effect": lambda v: [
        Step("r", "potential", select(Ref("spikes"), 0, v)),
        Step("s", "other", select(Ref("spikes"), 1, 0)),
    ],
}


@pytest.mark.parametrize("reason", UNDESIGNABLE)
def test_a_rule_for_which_nothing_can_be_designed_runs_and_says_why(reason: str) -> None:
    v = Ref("potential")
    inside = Step("potential", "potential", v + Ref("arriving"))
    steps = [inside, FIRE, *UNDESIGNABLE[reason](v)]
    if "must keep" in reason:
        steps[0] = Step("potential", "potential", select(Ref("other") > 0, 3, v + Ref("arriving")))
    rule = rule_with(*steps, registers=("potential", "other"), name=f"odd-{len(reason)}")
    chip = Chip("odd", rule, (1, 3), CHIPS["loihi1"].weight_ranges, 8)
    program = sp.Program.from_arrays(chip=chip, n_inputs=1, n_neurons=1, pre=0, post=0, weight=60, threshold=50)
    raster = np.ones((5, 1), dtype=bool)
    compiled, plain = (sp.run(program, raster, backend=name) for name in ("kernel", "reference"))
    assert np.array_equal(compiled.spikes, plain.spikes)
    with pytest.raises(sp.SpecError, match=reason):
        sp.compile(sp.Spec([sp.Pattern(raster, raster)], chip=chip))


# ------------------------------------------------------------------------------------------------- executors, compared


def random_program(chip: Chip, seed: int, *, loudness: float = 1.0) -> tuple[sp.Program, Raster]:
    """Return a program of the chip over all its ranges, and a stimulus; the louder, the more often registers end."""
    rng = np.random.default_rng(seed)
    n_inputs, n_neurons = int(rng.integers(1, 5)), int(rng.integers(1, 6))
    if chip.layers is not None:
        pre, post = np.nonzero(rng.random((n_inputs, n_neurons)) < 0.7)
    else:
        count = int(rng.integers(1, 30))
        pre, post = rng.integers(0, n_inputs + n_neurons, count), rng.integers(0, n_neurons, count)
    most = max(1, int(chip.weight_limit * min(loudness, 1.0)))
    exponent = int(rng.integers(chip.exponents[0], chip.exponents[1] + 1))
    top = max(1, min(chip.thresholds[1], int((most << exponent << 2) / loudness)))
    program = sp.Program.from_arrays(
        chip=chip,
        n_inputs=n_inputs,
        n_neurons=n_neurons,
        pre=pre,
        post=post,
        delay=rng.integers(chip.delays[0], min(chip.delays[1], 5) + 1, pre.size),
        weight=rng.integers(-most, most + 1, pre.size),
        exponent=exponent,
        threshold=rng.integers(1, top + 1, n_neurons),
        current_decay=rng.integers(chip.current_decays[0], chip.current_decays[1] + 1, n_neurons),
        potential_decay=rng.integers(chip.potential_decays[0], chip.potential_decays[1] + 1, n_neurons),
        bias=[
            chip.nearest_bias(float(each)) for each in rng.uniform(-0.1, 0.1, n_neurons) * chip.bias_limit * loudness
        ],
        refractory=rng.integers(chip.refractory[0], min(chip.refractory[1], 4) + 1, n_neurons),
    )
    return program, rng.random((40, n_inputs)) < 0.5


@EVERY_CHIP
@pytest.mark.parametrize("loudness", [0.1, 1.0])
def test_the_kernel_is_the_reference_with_all_that_leaves_the_range(chip: Chip, loudness: float) -> None:
    kinds = set()
    for seed in range(4):  # Numba compiles a kernel for nearly each
        program, raster = random_program(chip, seed, loudness=loudness)
        (expected,), (found,) = (run.simulate(program, [raster], state=True) for run in (reference, kernel))
        assert np.array_equal(found.spikes, expected.spikes)
        assert np.array_equal(untyped(found.currents), untyped(expected.currents))
        assert np.array_equal(untyped(found.potentials), untyped(expected.potentials))
        assert found.excursions == expected.excursions
        kinds.add(can_be_laid_out(program))
    assert kinds


@EVERY_CHIP
def test_no_value_leaves_its_proved_reach_and_the_lean_rule_does_the_same(chip: Chip) -> None:
    for seed in range(8):
        program, raster = random_program(chip, seed, loudness=0.2)
        parameters = parameters_of(program)
        spans = {name: Span.of(values) for name, values in parameters.items()}
        reach = reach_of(chip.rule, spans, arriving=arriving_span(program))
        (trace,) = reference.simulate(program, [raster], state=True)
        for name, states in (("current", trace.currents), ("potential", trace.potentials)):
            if name in reach.registers:
                assert (untyped(states) >= reach.registers[name].low).all()
                assert (untyped(states) <= reach.registers[name].high).all()
        lean = simplified(chip.rule, reach)
        assert len(lean.steps) <= len(chip.rule.steps)
        assert sum(isinstance(node, Hold) for step in lean.all_steps for node in nodes(step.expression)) <= sum(
            isinstance(node, Hold) for step in chip.rule.all_steps for node in nodes(step.expression)
        )
        for own, other in zip(_states(chip.rule, parameters, raster), _states(lean, parameters, raster), strict=True):
            assert np.array_equal(own, other)


@EVERY_CHIP
def test_a_neuron_in_integers_stays_within_the_bound_of_its_linear_rule(chip: Chip) -> None:
    rng = np.random.default_rng(7)
    for seed in range(10):
        decays = [int(rng.integers(*each, endpoint=True)) for each in (chip.current_decays, chip.potential_decays)]
        inputs, targets = random_raster(seed, 30, 3), random_raster(seed + 100, 30, 1) & (rng.random((30, 1)) < 0.3)
        inputs[0], targets[0] = True, False  # nothing spikes before something has arrived
        spec = sp.Spec([sp.Pattern(inputs, targets)], dynamics=sp.Dynamics(decays[1], decays[0]), chip=chip, delays=[1])
        mapping = potential_map(spec)
        weights = rng.integers(-chip.weight_limit // 8, chip.weight_limit // 8 + 1, mapping.n_taps)
        run = NeuronSimulator(chip.rule, mapping).run(weights, 3, 0, targets[:, 0])
        if not run.is_portable:
            continue
        resets = mapping.resets(targets[:, 0])
        ideal = mapping.potential(weights.astype(np.float64), resets) - 3 * (resets.threshold_response - 1.0)
        error = run.potentials / chip.unit - ideal
        low, high = (mapping.truncation(resets, np.full(30, side), biased=False) for side in (True, False))
        assert (error >= -low - 1e-6).all()
        assert (error <= high + 1e-6).all()


def test_the_interpreter_looks_at_every_hold_of_a_watched_step() -> None:
    rule = rule_with(
        Step("potential", "potential", clip(clip(Ref("potential") + Ref("arriving"), -5, 5) + 3, -9, 9)), FIRE
    )
    rule = replace(rule, watched=(Watch("potential", 5),))
    seen: list[int] = []
    ticking = Interpreter(rule, {"threshold": np.array(4)})
    ticking.tick(ticking.rest(()), np.array(50), lambda step, values: seen.append(int(values)))
    assert seen == [50, 8]


# ------------------------------------------------------------------------------------------------------------- helpers


def _by_definition(value: int, bits: int, rounding: Rounding) -> int:
    if rounding is Rounding.MOVING:
        floor = value >> bits
        return floor if floor else (value > 0) - (value < 0)
    return rounded(value, 1 << bits, rounding)


def _states(rule: Rule, parameters: dict[str, Int64s], raster: Raster) -> Iterator[Int64s]:
    """Yield the potentials of neurons that hear the first input line, tick by tick."""
    names = [each.name for each in rule.parameters] + [each.name for each in rule.constants]
    running = Interpreter(rule, {name: parameters[name] for name in names})
    state = running.rest(parameters["threshold"].shape)
    for spike in raster[:, 0].tolist():
        before = state.get(rule.gather.target, np.zeros(parameters["threshold"].shape, np.int64))
        outcome = running.tick(state, before + 0 * spike)
        state = outcome.state
        yield outcome.compared


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: Ref("potential") * untyped(1.5), "got 1.5; for fractions there is scale"),
        (lambda: untyped(1.5) * Ref("potential"), "got 1.5; for fractions there is scale"),
        (lambda: select(untyped(Ref("potential") == Ref("bias")), 1, 2), "got False; it has no == and no !="),
        (lambda: Step("reset", "potential", untyped("bias")), r"got 'bias'; Ref\('bias'\) reads a name"),
        (lambda: untyped(Ref("potential")) / 4, "no / and no >>; use shift_right or scale"),
        (lambda: untyped(1) / Ref("potential"), "no / and no >>; use shift_right or scale"),
        (lambda: untyped(Ref("potential")) >> 2, "no / and no >>; use shift_right or scale"),
        (lambda: untyped(Ref("potential")) & 2, "no & and no |; use select"),
        (lambda: untyped(Ref("potential")) | 2, "no & and no |; use select"),
        (lambda: untyped(Ref("potential")) % 2, r"no %; use wrap"),
        (lambda: abs(untyped(Ref("potential"))), r"no abs; use greatest\(value, -value\)"),
        (lambda: Ref("potential") << untyped(1.5), "bits of an expression in a rule must be an integer, got 1.5"),
        (lambda: clip(Ref("potential"), untyped(-0.5), 3), "low of an expression in a rule must be an integer"),
        (lambda: fold(Ref("potential"), untyped("4")), "half of fold must be an integer, got '4'"),
        (lambda: saturate(Ref("potential"), 0), "bits of a register must be 1 to 54, got 0"),
        (lambda: wrap(Ref("potential"), 10**9), "bits of a register must be 1 to 54, got 1000000000"),
        (
            lambda: shift_right(Ref("potential"), 1, rounding=untyped("floor")),
            "rounding of an expression in a rule must be a Rounding, got 'floor'",
        ),
        (lambda: Ref(untyped(3)), "name of an expression in a rule must be a string, got 3"),
        (lambda: Parameter("bias", untyped(0.5), 1), "low of a parameter of a rule must be an integer, got 0.5"),
        (lambda: LayerConstant("most", 1, untyped("x")), "readout of a constant of a rule must be an integer, got 'x'"),
        (lambda: Watch("fire", untyped(None)), "limit of a watch of a rule must be an integer, got None"),
        (
            lambda: replace(RULES["fpga-lif"], registers=untyped("potential")),
            "registers of rule fpga-lif must be a tuple of strings, got 'potential'",
        ),
        (
            lambda: replace(RULES["fpga-lif"], gather=untyped(None)),
            "gather of rule fpga-lif must be a Step, got None",
        ),
    ],
)
def test_what_is_no_expression_is_refused(wrong: Callable[[], object], message: str) -> None:
    with pytest.raises(sp.SpecError, match=message):
        wrong()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda value: 1 if value > 3 else 0,
        lambda value: value > 3 and value < 5,
        lambda value: value > 3 or value < 0,
        lambda value: 3 < value < 5,
        lambda value: not value,
        lambda value: min(value, 5),
        lambda value: max(5, value),
        lambda value: value == 5,
        lambda value: value != 5,
        lambda value: value == np.int64(5),
        lambda value: np.int64(5) == value,
        lambda value: value in (1, 2),
    ],
)
def test_a_test_of_a_value_that_is_not_known_yet_is_refused(wrong: Callable[[object], object]) -> None:
    with pytest.raises(sp.SpecError, match="cannot test a value with if, and, or, min, max or ==; use select, least"):
        wrong(Ref("potential"))


def test_expressions_are_equal_if_they_are_the_same() -> None:
    potential, bias = Ref("potential"), Ref("bias")
    assert potential + 1 == Ref("potential") + 1
    assert potential + 1 != potential + 2
    assert potential != bias
    assert Const(1) != potential
    assert (potential + 1 == "potential + 1") is False
    assert len({potential + 1, Ref("potential") + 1, potential + 2}) == 2
    rule = RULES["fpga-lif"]
    assert replace(rule) == rule
    assert hash(replace(rule)) == hash(rule)


def test_comparisons_either_way_round() -> None:
    potential = Ref("potential")
    assert (potential < 3) == (Const(3) > potential)
    assert (potential <= 3) == (Const(3) >= potential)
