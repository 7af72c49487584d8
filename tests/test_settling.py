"""All integers of an output, looked at in boxes: against all of them run one by one, and against the checker."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from cases import random_raster
from checked_proofs import fault

import snnprog as sp
from snnprog import check_proof
from snnprog.design.proofs.boxes import BoxNeuron, tightened
from snnprog.design.proofs.exhausting import Exhausting
from snnprog.design.proofs.referee import Referee
from snnprog.design.task import Task
from snnprog.integers import MANY, AllIntegers
from snnprog.proof import Exhausted
from snnprog.spec.document import spec_to_data


def raster(text: str) -> np.ndarray[Any, Any]:
    """Return rows of lines, as texts of dots and ones."""
    return np.array([[letter == "1" for letter in row] for row in text.split()])


def spec_of(*patterns: tuple[str, str], **options: Any) -> sp.Spec:
    """Return a spec of (inputs, targets) with delays of one tick."""
    decays = options.pop("decays", None)
    dynamics: dict[str, Any] = {} if decays is None else {"dynamics": sp.Dynamics(*decays)}
    pairs = [sp.Pattern(raster(inputs), raster(targets)) for inputs, targets in patterns]
    return sp.Spec(pairs, [1], **dynamics, **options)


def coarse_spec(seed: int) -> sp.Spec:
    """Return a small random spec whose integers are few: weights up to 3, and a threshold that is given."""
    generator = np.random.default_rng(seed)
    chip, lines = ("xylo" if seed % 2 else "loihi1"), int(generator.integers(1, 4))
    patterns = []
    for _ in range(int(generator.integers(1, 3))):
        ticks = int(generator.integers(2, 7))
        inputs, targets = generator.random((ticks, lines)) < 0.5, generator.random((ticks, 1)) < 0.3
        targets[0] = False
        patterns.append(sp.Pattern(inputs, targets, generator.random((ticks, 1)) < 0.9))
    decays = generator.integers(0, 6, 2) if chip == "xylo" else generator.integers(0, 4096, 2)
    options: dict[str, Any] = {"weight_bits": 1} if generator.random() < 0.2 else {"weight_limit": 3}
    if generator.random() < 0.3:
        options["fan_in"] = 1
    if generator.random() < 0.3:
        options["bias"] = int(generator.integers(-2, 3)) * (1 if chip == "xylo" else 64)
    dynamics = sp.Dynamics(*decays.tolist())
    threshold = int(generator.integers(1, 6))
    return sp.Spec(patterns, [1], dynamics=dynamics, chip=chip, threshold=threshold, **options)


def box_neuron(spec: sp.Spec) -> BoxNeuron:
    neuron = BoxNeuron.of(spec, 0, spec_to_data(spec))
    assert neuron is not None
    return neuron


def does_all(claim: check_proof.Claim, neuron: BoxNeuron, values: tuple[int, ...]) -> bool:
    """Return whether one choice of integers does what is relevant, by a checker whose ranges hold nothing else."""
    case = check_proof.Case(claim, [])
    box = case.box(0)
    for tap, mantissa in zip(neuron.taps, values, strict=False):
        box["mantissa", tap[0], tap[1]] = mantissa, mantissa
    for name, value in zip(("exponent", "bias", "threshold"), values[len(neuron.taps) :], strict=True):
        box[name] = value, value
    leaf = {"leaf": "exhausted", "output": 0, "cuts": []}
    return check_proof.fault_of_leaf(case, leaf) is not None


def assert_boxes_find_what_there_is(spec: sp.Spec) -> None:
    neuron = box_neuron(spec)
    neuron = replace(neuron, upper=np.array([*neuron.upper[:-3], min(neuron.upper[-3], 2), *neuron.upper[-2:]]))
    choices = itertools.product(
        *(range(low, high + 1) for low, high in zip(neuron.lower.tolist(), neuron.upper.tolist(), strict=True))
    )
    claim = check_proof.Claim(spec_to_data(spec))
    answers = {values for values in choices if does_all(claim, neuron, values)}
    found = Exhausting(neuron).until(1 << 24)
    assert found.is_complete == (not answers)
    assert found.answer is None or tuple(found.answer.tolist()) in answers


@pytest.mark.parametrize("seed", range(30))
def test_boxes_find_an_answer_where_there_is_one(seed: int) -> None:
    assert_boxes_find_what_there_is(coarse_spec(seed))


@pytest.mark.parametrize("window", [(0, 1), (1, 0), (1, 2)])
@pytest.mark.parametrize("seed", range(12))
def test_boxes_know_windows(seed: int, window: tuple[int, int]) -> None:
    assert_boxes_find_what_there_is(replace(coarse_spec(seed), window=window))


@pytest.mark.parametrize("seed", range(12))
def test_boxes_leave_open_what_other_outputs_do(seed: int) -> None:
    """Two outputs that hear each other and themselves, and a third of their bins open."""
    generator, spec = np.random.default_rng(seed), coarse_spec(seed)
    patterns = []
    for pattern in spec.patterns:
        targets, care = generator.random((2, pattern.ticks, 2)) < np.array([0.3, 0.65])[:, None, None]
        targets[0] = False
        patterns.append(sp.Pattern(pattern.inputs[:, :1], targets, care))
    assert_boxes_find_what_there_is(
        replace(spec, patterns=tuple(patterns), recurrent=True, weight_limit=2, weight_bits=None)
    )


def test_windows_that_no_integers_meet_are_refused_with_a_proof() -> None:
    spec = spec_of((". 1 . 1 . .", ". . 1 . . ."), ("1 1 . . . .", ". . . . 1 ."), chip="xylo", decays=(1, 1))
    spec = replace(spec, window=(0, 1))
    proof = AllIntegers(Task.of(spec), 0, Referee(spec)).settled(MANY).proof
    assert isinstance(proof, Exhausted)
    assert fault(spec, proof) is None


def test_a_greater_exponent_is_not_looked_at_for_weights_that_a_lesser_one_has() -> None:
    neuron = box_neuron(spec_of(("1. 11 .1", ". 1 ."), chip="xylo", decays=(1, 1)))
    box = np.stack([neuron.lower, neuron.upper])[:, None]
    box[:, 0, -3] = 3
    assert tightened(neuron, box).shape[1] == 1
    box[0, 0, :-3], box[1, 0, :-3] = -3, 3
    assert tightened(neuron, box).shape[1] == 0


@pytest.mark.parametrize("seed", range(100, 125))
def test_what_is_settled_is_proved_or_exact(seed: int) -> None:
    spec = coarse_spec(seed)
    outcome = AllIntegers(Task.of(spec), 0, Referee(spec)).settled(MANY)
    if outcome.neuron is not None:
        assert sp.verify(sp.compile(spec).program, spec).exact
    else:
        assert outcome.proof is not None
        assert fault(spec, outcome.proof) is None


def test_ends_of_potentials_may_grow_beyond_64_bits() -> None:
    """Where a reset subtracts a threshold that is not known, they grow with each tick."""
    inputs, targets = random_raster(7, 150, 1, 0.3), random_raster(8, 150, 1, 0.3)
    targets[:3] = False
    spec = sp.Spec([sp.Pattern(inputs, targets)], [1], chip="xylo", dynamics=sp.Dynamics(4, 1))
    assert AllIntegers(Task.of(spec), 0, Referee(spec)).left > 0


REFUSED: dict[str, tuple[list[tuple[str, str]], dict[str, Any]]] = {
    "a potential that forgets at once": (
        [(".. .. ..", ". . ."), ("11", "."), ("11 .1 .1 .. 1.", ". 1 . . 1")],
        {"decays": (0, 5)},
    ),
    "two slow decays": ([("11 .. 11 .1 ..", ". 1 . . 1"), ("1. .. .1", ". . .")], {"decays": (3, 3)}),
    "six patterns of three lines": (
        [
            ("1.. ... ...", ". . ."),
            (".1. ... ...", ". 1 1"),
            ("11. ... ...", ". . ."),
            ("..1 ... ...", ". 1 ."),
            ("1.1 ... ...", ". . ."),
            (".11 ... ...", ". . 1"),
        ],
        {"decays": (2, 2)},
    ),
    "a free bias": (
        [(".. 11 11 11 1. 11 11 .1 1. 11 11", ". . . . . . 1 . . . 1")],
        {"decays": (0, 15), "bias": "free"},
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_xylo_integers_are_refused_with_a_proof(name: str) -> None:
    patterns, options = REFUSED[name]
    spec = spec_of(*patterns, chip="xylo", **options)
    outcome = AllIntegers(Task.of(spec), 0, Referee(spec)).settled(MANY)
    assert outcome.proof is not None
    assert fault(spec, outcome.proof) is None
    with pytest.raises(sp.InfeasibleError):
        sp.compile(spec)


def test_boxes_end_with_cuts_and_without() -> None:
    patterns, options = REFUSED["two slow decays"]
    spec = spec_of(*patterns, chip="xylo", **options)
    proof = AllIntegers(Task.of(spec), 0, Referee(spec)).settled(MANY).proof
    assert isinstance(proof, Exhausted)
    assert proof.cuts
    without = Exhausting(box_neuron(spec)).until(1 << 24)
    assert without.is_complete
    claim = check_proof.Claim(spec_to_data(spec))
    assert Referee(spec).fault(proof) is None
    case = check_proof.Case(claim, [])
    nodes = check_proof.nodes_of(claim, {"nodes": [{"leaf": "exhausted", "output": 0, "cuts": []}]})
    assert check_proof.fault_of_leaf(case, nodes[0]) is None


def test_a_cut_that_is_no_consequence_is_of_no_use() -> None:
    """Prices that leave nothing, on rows of a spec that can be built: the checker finds what it was to cut off."""
    spec = spec_of(("1 . .", ". 1 ."), chip="xylo", decays=(2, 2))
    claim = check_proof.Claim(spec_to_data(spec))
    rows = [
        {"row": "bin", "pattern": 0, "tick": tick, "price": price, "is_after_reset": False}
        for tick, price in ((1, 5), (2, 3))
    ]
    node = {"leaf": "exhausted", "output": 0, "cuts": [rows, rows[:1], rows[1:]]}
    (checked,) = check_proof.nodes_of(claim, {"nodes": [node]})
    assert "are not refuted" in str(check_proof.fault_of_leaf(check_proof.Case(claim, []), checked))


def test_silence_at_a_given_threshold_needs_no_search() -> None:
    """Currents that last for ever: whatever weights are below 0 leave the range, and weights of 0 do not."""
    generator = np.random.default_rng(0)
    inputs = generator.random((60, 4)) < 0.4
    patterns = [sp.Pattern(inputs, np.zeros((60, 1), dtype=bool))]
    spec = sp.Spec(patterns, [1, 3, 4, 7, 10], dynamics=sp.Dynamics(205, 0), threshold=9)
    assert sp.verify(sp.compile(spec).program, spec).exact


@pytest.mark.parametrize(("name", "most"), [("six patterns of three lines", 12), ("two slow decays", 8)])
def test_bins_that_are_named_stand_by_themselves(name: str, most: int) -> None:
    """No integers do what the named bins ask: they fail, without cuts, where the neuron does all else as relevant."""
    patterns, options = REFUSED[name]
    spec = spec_of(*patterns, chip="xylo", **options)
    (conflict,) = AllIntegers(Task.of(spec), 0, Referee(spec)).settled(MANY).conflicts
    named = {(each.pattern, each.tick) for each in conflict.bins}
    assert len(named) <= most
    relevant = [(index, tick) in named for index, pattern in enumerate(spec.patterns) for tick in range(pattern.ticks)]
    assert Exhausting(box_neuron(spec).restricted_to(np.array(relevant))).until(1 << 24).is_complete


def test_two_bins_are_named_where_two_are_to_blame() -> None:
    """The potential forgets at once, and nothing arrives any more: it cannot be higher at tick 4 than at tick 3."""
    patterns, options = REFUSED["a potential that forgets at once"]
    spec = spec_of(*patterns, chip="xylo", **options)
    (conflict,) = AllIntegers(Task.of(spec), 0, Referee(spec)).settled(MANY).conflicts
    assert [(each.pattern, each.tick, each.is_spike) for each in conflict.bins] == [(2, 3, False), (2, 4, True)]
