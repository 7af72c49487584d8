"""Hidden neurons: whatever is not contradictory is built, what is gets refused, and no more are added than needed."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import CASES, after, plain_run, random_raster, with_wishes
from hypothesis import given, settings
from hypothesis import strategies as st
from untyped import untyped

import snnprog as sp
from snnprog.design.hidden import assembly
from snnprog.design.hidden.draft import Draft
from snnprog.design.hidden.impossible import histories_of
from snnprog.design.hidden.refuting import impossibility
from snnprog.design.hidden.soft import nearest_miss
from snnprog.network import Neuron


def parity(inputs: int, delays: range, at: int) -> sp.Spec:
    """Return trials with every set of inputs at tick 1, and a spike due where their number is odd."""
    patterns = []
    for bits in itertools.product([False, True], repeat=inputs):
        given, due = np.zeros((8, inputs), dtype=bool), np.zeros((8, 1), dtype=bool)
        given[1], due[at] = bits, sum(bits) % 2 == 1
        patterns.append(sp.Pattern(given, due))
    return sp.Spec(patterns, delays, hidden="auto")


def above_capacity(seed: int, **options: Any) -> sp.Spec:
    """Return 5 inputs over one delay, and far more ticks than their weights can serve."""
    targets = random_raster(seed + 1, 60, 1, 0.3)
    targets[:4] = False
    inputs = random_raster(seed, 60, 5, 0.3)
    inputs[0] = True
    return sp.Spec([sp.Pattern(inputs, targets)], **{"delays": [1], "hidden": "auto", **options})


def with_options(spec: sp.Spec, **options: Any) -> sp.Spec:
    """Return a spec with the same patterns and delays."""
    return sp.Spec(spec.patterns, spec.delays, **options)


def check_exact(spec: sp.Spec, result: sp.CompileResult) -> None:
    """Hold a program against its spec in plain Python integers, and against its report."""
    program = result.program
    for pattern in spec.patterns:
        plain = plain_run(program, pattern.inputs)
        spikes = np.array(plain.spikes)[:, program.outputs]
        assert not ((spikes != pattern.targets) & pattern.care).any()
        assert plain.excursion is None
    assert sp.verify(program, spec).exact
    assert program.n_outputs == spec.n_outputs == len(result.report.neurons)
    assert program.n_neurons - program.n_outputs == len(result.report.hidden)
    assert set(program.delay.tolist()) <= set(spec.delays)
    spoken_to = set(program.pre[program.pre >= program.n_inputs].tolist())
    assert {spec.n_inputs + index for index in range(len(result.report.hidden))} <= spoken_to


SPECS = {
    "xor": lambda: parity(2, range(1, 2), 3),
    "xor later than the delays reach": lambda: parity(2, range(1, 3), 7),
    "parity of three": lambda: parity(3, range(1, 4), 4),
    "parity of four": lambda: parity(4, range(1, 3), 4),
    "above capacity": lambda: above_capacity(40),
    "above capacity, recurrent": lambda: above_capacity(50, recurrent=True),
    "fixed threshold": lambda: above_capacity(60, threshold=700),
    "free bias": lambda: above_capacity(71, bias="free"),
    "negative bias": lambda: above_capacity(80, bias=-640),
    "slow current": lambda: above_capacity(90, dynamics=sp.Dynamics(205, 3000), delays=[1, 2]),
    "no leak": lambda: above_capacity(100, dynamics=sp.Dynamics(0, 4095)),
    "full leak": lambda: above_capacity(110, dynamics=sp.Dynamics(4095, 4095)),
    "signs": lambda: above_capacity(120, signs=[1, 1, 1, 0, -1]),
}


@pytest.mark.parametrize("name", SPECS)
def test_what_no_output_can_do_alone_is_built(name: str) -> None:
    spec = SPECS[name]()
    with pytest.raises(sp.InfeasibleError):
        sp.compile(with_wishes(spec, hidden=0))
    result = sp.compile(spec)
    check_exact(spec, result)
    assert result.report.hidden
    assert all(neuron.is_hidden for neuron in result.report.hidden)
    program = result.program
    if spec.signs is not None:
        given = program.pre < spec.n_inputs
        assert (program.weight[given] * np.array(spec.signs)[program.pre[given]] >= 0).all()
    if spec.threshold != "free":
        assert (program.threshold == spec.threshold).all()
    if spec.bias != "free":
        assert (program.bias == spec.bias).all()


def test_an_echo_longer_than_the_delays() -> None:
    inputs = random_raster(3, 30, 2, 0.3)
    spec = sp.Spec([sp.Pattern(inputs, after(inputs, 7))], [1, 2], hidden="auto")
    check_exact(spec, sp.compile(spec))


def test_a_memory_of_many_delays() -> None:
    inputs, due = random_raster(5, 60, 2, 0.3), np.zeros((60, 1), dtype=bool)
    inputs[8:], due[50] = False, True
    spec = sp.Spec([sp.Pattern(inputs, due)], [1, 2, 3], hidden="auto")
    check_exact(spec, sp.compile(spec))


def test_several_outputs_share() -> None:
    spec = parity(3, range(1, 4), 4)
    alone = len(sp.compile(spec).report.hidden)
    patterns = [sp.Pattern(pattern.inputs, np.repeat(pattern.targets, 3, axis=1)) for pattern in spec.patterns]
    three = sp.Spec(patterns, spec.delays, hidden="auto")
    result = sp.compile(three)
    check_exact(three, result)
    assert len(result.report.hidden) == alone


@pytest.mark.parametrize("name", CASES)
def test_nothing_is_added_where_nothing_is_needed(name: str) -> None:
    spec = CASES[name]()
    with_help, alone = sp.compile(with_wishes(spec, hidden="auto")).program, sp.compile(spec).program
    assert with_help.n_neurons == spec.n_outputs
    assert np.array_equal(with_help.weight, alone.weight)
    assert np.array_equal(with_help.threshold, alone.threshold)


def symmetric(levels: str) -> sp.Spec:
    """Return every row of lines at tick 0, and a spike due at tick 2 where the number of spikes asks for one."""
    patterns = []
    for bits in itertools.product([False, True], repeat=len(levels) - 1):
        given, due = np.zeros((3, len(bits)), dtype=bool), np.zeros((3, 1), dtype=bool)
        given[0], due[2] = bits, levels[sum(bits)] == "1"
        patterns.append(sp.Pattern(given, due))
    return sp.Spec(patterns, [1, 2], hidden="auto")


@pytest.mark.parametrize(("levels", "least"), [("0101", 1), ("01010", 2), ("001100", 1), ("0110010", 2)])
def test_as_few_as_the_answer_changes(levels: str, least: int) -> None:
    """Each time that the answer falls as the count grows takes one detector of that count."""
    spec = symmetric(levels)
    result = sp.compile(spec)
    check_exact(spec, result)
    assert len(result.report.hidden) == least
    capped = with_options(spec, hidden=least)
    check_exact(capped, sp.compile(capped))


@pytest.mark.usefixtures("small_searches")
@pytest.mark.parametrize("levels", ["01010", "0110010"])
def test_fewer_than_the_answer_changes_are_undecided(levels: str) -> None:
    with pytest.raises(sp.UndecidedError, match="nothing proves that") as caught:
        sp.compile(with_options(symmetric(levels), hidden=1))
    assert caught.value.neurons == (0,)


def test_outputs_share_a_detector() -> None:
    """A full adder: the carry is the detector that the sum needs."""
    patterns = []
    for bits in itertools.product([False, True], repeat=3):
        given, due = np.zeros((3, 3), dtype=bool), np.zeros((3, 2), dtype=bool)
        given[0], due[2] = bits, (sum(bits) % 2 == 1, sum(bits) >= 2)
        patterns.append(sp.Pattern(given, due))
    spec = sp.Spec(patterns, [1, 2], hidden="auto")
    result = sp.compile(spec)
    check_exact(spec, result)
    assert len(result.report.hidden) == 1


@pytest.mark.usefixtures("small_searches")
def test_what_can_neither_be_built_nor_refuted_is_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assembly, "MOST_HIDDEN", 1)
    spec = symmetric("0101010")
    two = sp.Spec([sp.Pattern(p.inputs, np.repeat(p.targets, 2, axis=1)) for p in spec.patterns], spec.delays)
    message = (
        "output 0 could not be built with 1 hidden neuron, and nothing proves that it cannot be; offer more delays"
    )
    with pytest.raises(sp.UndecidedError, match=message) as caught:
        sp.compile(with_options(two, hidden="auto"))
    assert caught.value.neurons == (0, 1)


def test_programs_are_equal_byte_for_byte(tmp_path: Path) -> None:
    spec = above_capacity(40)
    sp.compile(spec).program.save(tmp_path / "first.snnp")
    sp.compile(above_capacity(40)).program.save(tmp_path / "again.snnp")
    with ThreadPoolExecutor(3) as executor:
        sp.compile(spec, executor=executor).program.save(tmp_path / "threads.snnp")
    first = (tmp_path / "first.snnp").read_bytes()
    assert (tmp_path / "again.snnp").read_bytes() == (tmp_path / "threads.snnp").read_bytes() == first


def test_hidden_neurons_stand_in_report_and_provenance() -> None:
    calls: list[tuple[str, int, int]] = []
    result = sp.compile(parity(2, range(1, 2), 3), progress=lambda *call: calls.append(call))
    count = len(result.report.hidden)
    hidden = result.program.provenance["hidden"]
    assert isinstance(hidden, list)
    assert [neuron["name"] if "name" in neuron else neuron["output"] for neuron in hidden] == list(range(count))
    assert len(untyped(result.report.as_dict())["hidden"]) == count
    assert result.report.hidden[0].name == "hidden neuron 0"
    assert ("hidden", 1, 1) in calls
    assert result.program.outputs.tolist() == [count]


# --------------------------------------------------------------------------------------------------- what is refused


def test_what_tells_trials_apart_comes_too_late() -> None:
    with pytest.raises(sp.InfeasibleError, match="hidden neurons do not help: up to 2 ticks before"):
        sp.compile(parity(2, range(1, 4), 2))


def test_same_history_different_answers() -> None:
    inputs, due = np.zeros((8, 1), dtype=bool), np.zeros((8, 1), dtype=bool)
    inputs[1] = due[5] = True
    with pytest.raises(sp.InfeasibleError, match="also through hidden neurons, is the same"):
        sp.compile(sp.Spec([sp.Pattern(inputs, due), sp.Pattern(inputs, ~due & False)], [1, 2], hidden="auto"))


def test_a_spike_before_anything_can_arrive() -> None:
    inputs, due = np.zeros((8, 1), dtype=bool), np.zeros((8, 1), dtype=bool)
    inputs[3] = due[3] = True
    with pytest.raises(sp.InfeasibleError, match="tick 3 of pattern 0, but nothing can have reached it by then"):
        sp.compile(sp.Spec([sp.Pattern(inputs, due)], [1, 2], hidden="auto"))


def test_only_inhibition_arrives() -> None:
    """Nothing excites a hidden neuron either, so that the first one to tell of it is silent."""
    inputs, due = np.zeros((4, 1), dtype=bool), np.zeros((4, 1), dtype=bool)
    inputs[0] = due[1] = True
    with pytest.raises(sp.InfeasibleError, match="nothing that could make it spike can arrive then, not even from"):
        sp.compile(sp.Spec([sp.Pattern(inputs, due)], [1], signs=[-1], hidden="auto"))


def test_a_bias_that_must_and_must_not_suffice() -> None:
    nothing = np.zeros((1, 1), dtype=bool)
    patterns = [sp.Pattern(nothing, ~nothing), sp.Pattern(nothing, nothing)]
    with pytest.raises(sp.InfeasibleError, match="tick 0 of pattern 0 and be silent at tick 0 of pattern 1, but what"):
        sp.compile(sp.Spec(patterns, [1], bias=640, hidden="auto"))


def test_a_bias_before_any_spike_can_arrive() -> None:
    """After its spike at tick 0 the bias alone brings the next; what a hidden neuron tells comes a tick later."""
    nothing, due = np.zeros((2, 1), dtype=bool), np.array([[1], [0]], dtype=bool)
    with pytest.raises(sp.InfeasibleError, match="tick 0 of pattern 0 and be silent at tick 1 of pattern 0"):
        sp.compile(sp.Spec([sp.Pattern(nothing, due)], [2], dynamics=sp.Dynamics(0, 4095), bias=672, hidden="auto"))


def options_of_parity() -> dict[str, dict[str, Any]]:
    return {
        "noise": {"noise": 200.0},
        "sparse": {"sparse": True},
        "fan-in": {"fan_in": 4},
        "few bits": {"weight_bits": 3},
        "weight limit": {"weight_limit": 5},
        "refractory": {"refractory": 2},
        "window": {"window": (0, 1)},
    }


@pytest.mark.parametrize("name", options_of_parity())
def test_hidden_neurons_beside_other_options(name: str) -> None:
    options = options_of_parity()[name]
    spec = symmetric("0101")
    spec = with_options(spec, hidden="auto", **options)
    result = sp.compile(spec)
    program = result.program
    assert len(result.report.hidden) == 1
    assert sp.verify(program, spec).exact
    neurons = [*result.report.hidden, *result.report.neurons]
    assert all(neuron.noise is None or neuron.noise >= spec.noise for neuron in neurons)
    assert np.abs(program.weight).max() <= spec.mantissas.limit
    most = 5 if name == "sparse" else options.get("fan_in", program.n_synapses)
    assert np.bincount(program.post).max() <= most


def test_hidden_neurons_for_spikes_that_must_come_later() -> None:
    """The target asks for the answer at tick 1, at which nothing can have come through a hidden neuron."""
    patterns = [sp.Pattern(p.inputs, np.roll(p.targets, -1, axis=0)) for p in symmetric("0101").patterns]
    spec = sp.Spec(patterns, [1, 2], window=(0, 1), hidden="auto")
    result = sp.compile(spec)
    assert sp.verify(result.program, spec).exact
    assert len(result.report.hidden) == 1


@pytest.mark.parametrize("recurrent", [False, True])
def test_hidden_neurons_on_a_chip_of_two_layers(recurrent: bool) -> None:
    """Exclusive or of two lines: the hidden neuron spikes once in a tick, and only outputs stand twice."""
    patterns = []
    for bits in itertools.product([False, True], repeat=2):
        given, due = np.zeros((4, 2), dtype=bool), np.zeros((4, 1), dtype=bool)
        given[0], due[3] = bits, bits[0] != bits[1]
        patterns.append(sp.Pattern(given, due))
    spec = sp.Spec(patterns, [1], chip="xylo", recurrent=recurrent, hidden="auto")
    result = sp.compile(spec)
    assert sp.verify(result.program, spec).exact
    assert result.report.hidden
    assert result.program.n_neurons == len(result.report.hidden) + 1 + recurrent


def test_what_is_open_is_split_into_cases() -> None:
    """Whatever the output does at tick 0, only inhibition has arrived by tick 1."""
    inputs, due = np.zeros((2, 1), dtype=bool), np.array([[0], [1]], dtype=bool)
    inputs[0] = True
    spec = sp.Spec([sp.Pattern(inputs, due, due)], [1], signs=[-1], hidden="auto")
    with pytest.raises(sp.InfeasibleError, match="for any choice of the open bins, and hidden neurons"):
        sp.compile(spec)


def test_no_tick_of_a_window_can_be_reached() -> None:
    inputs, due = np.zeros((4, 1), dtype=bool), np.zeros((4, 1), dtype=bool)
    inputs[2] = due[1] = True
    with pytest.raises(sp.InfeasibleError, match="for any choice of the open bins, and hidden neurons"):
        sp.compile(sp.Spec([sp.Pattern(inputs, due)], [1], window=(0, 1), hidden="auto"))


def test_a_spike_that_nothing_can_reach_after_a_bin_that_does_not_count() -> None:
    nothing, due = np.zeros((2, 1), dtype=bool), np.array([[0], [1]], dtype=bool)
    with pytest.raises(sp.InfeasibleError, match="tick 1 of pattern 0, but nothing can have reached it by then"):
        sp.compile(sp.Spec([sp.Pattern(nothing, due, due)], hidden="auto"))


def test_a_spike_between_the_ticks_that_delays_lead_to() -> None:
    """No neuron is reached then; but the checker takes a hidden one for able to tell of any tick before."""
    inputs, due = np.zeros((12, 1), dtype=bool), np.zeros((12, 1), dtype=bool)
    inputs[0] = due[7] = True
    with pytest.raises(sp.UndecidedError, match="nothing proves that it cannot be"):
        sp.compile(sp.Spec([sp.Pattern(inputs, due)], [3], hidden="auto"))


# ---------------------------------------------------------------------------- any small spec, against all its histories


def histories(spec: sp.Spec, lag: int) -> dict[object, set[tuple[int, bool]]]:
    """Return what each output does after each history: the inputs up to ``lag`` ticks before, from the first spike."""
    answers: dict[object, set[tuple[int, bool]]] = {}
    for pattern in spec.patterns:
        for tick in range(pattern.ticks):
            past = pattern.inputs[: max(0, tick - lag + 1)]
            first = np.flatnonzero(past.any(axis=1))
            key = (len(past) - int(first[0]), past[first[0] :].tobytes()) if first.size else None
            answers.setdefault(key, set()).update(enumerate(pattern.targets[tick].tolist()))
    return answers


def is_contradictory(spec: sp.Spec, lag: int) -> bool:
    """Return whether some output answers the same history in two ways, or answers silence with a spike."""
    answers = histories(spec, lag)
    both = any((output, not spike) in seen for seen in answers.values() for output, spike in seen)
    return both or any(spike for _, spike in answers.get(None, ()))


@st.composite
def small_specs(draw: st.DrawFn) -> sp.Spec:
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    inputs, outputs = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    patterns = []
    for _ in range(draw(st.integers(1, 4))):
        given = generator.random((draw(st.integers(3, 15)), inputs)) < generator.choice([0.1, 0.3, 0.5])
        targets = generator.random((len(given), outputs)) < generator.choice([0.1, 0.3, 0.5])
        first = np.flatnonzero(given.any(axis=1))
        targets[: first[0] + draw(st.integers(0, 2)) if first.size else None] = False
        patterns.append(sp.Pattern(given, targets))
    return sp.Spec(patterns, range(1, draw(st.integers(2, 4))), hidden="auto")


@settings(max_examples=20, deadline=None, derandomize=True)
@given(small_specs())
def test_all_is_built_that_histories_allow(spec: sp.Spec) -> None:
    try:
        result = sp.compile(spec)
    except sp.InfeasibleError:
        assert is_contradictory(spec, 2)
    else:
        check_exact(spec, result)
        assert not is_contradictory(spec, 1)


# ------------------------------------------------------------------------------------------------------------ the parts


def wiring_of(spec: sp.Spec) -> Draft:
    return Draft(spec)


def test_what_can_be_built_is_never_called_impossible() -> None:
    for case in CASES.values():
        draft = wiring_of(case())
        histories = histories_of(draft)
        for output in range(draft.spec.n_outputs):
            assert impossibility(draft, output, histories=histories) is None


def test_a_nearest_miss_is_a_minimum() -> None:
    """The prices of an optimum that is not 0 are balanced over all taps; moving any weight costs."""
    draft = wiring_of(above_capacity(40))
    target = draft.targets[:, 0]
    resets = draft.mapping.resets(target)
    miss = nearest_miss(draft.mapping, draft.box, resets=resets, wanted=np.where(target, 1.0, -1.0))
    assert miss.excess.min() < 0.0
    pull = draft.mapping.adjoint(miss.prices, resets)
    assert np.abs(pull).max() < 1e-2 * np.abs(draft.mapping.adjoint(np.abs(miss.prices), resets)).max()
    assert abs(miss.prices.sum()) < 1e-2 * np.abs(miss.prices).sum()


def test_a_task_with_hidden_neurons_keeps_what_is_asked() -> None:
    spec = above_capacity(50, recurrent=True, signs=[1, -1, 0, 0, 0, 1])
    draft = wiring_of(spec)
    raster = random_raster(9, 60, 1)[:, 0]
    task = draft.with_neuron(Neuron(np.zeros((1, 6)), 1.0, 0.0, 0, 0.0, 0.0, raster)).task
    assert task.spec is spec
    assert (task.n_hidden, task.n_neurons, task.mapping.n_lines) == (1, 2, 7)
    assert np.sign(task.box.weight_lower).tolist() == [0, -1, -1, -1, -1, -1, 0]
    assert np.sign(task.box.weight_upper).tolist() == [1, 0, 1, 1, 1, 1, 1]
    assert np.array_equal(task.targets, np.column_stack([raster, spec.patterns[0].targets]))
    assert np.array_equal(task.lines[0], np.column_stack([spec.patterns[0].inputs, task.targets]))
    assert task.care.all()


@pytest.mark.parametrize(
    ("hidden", "message"),
    [
        (-1, "hidden must be a non-negative integer or 'auto', got -1"),
        ("some", "hidden must be a non-negative integer or 'auto', got 'some'"),
        (1.5, r"hidden must be a non-negative integer or 'auto', got 1\.5"),
    ],
)
def test_bad_counts(hidden: object, message: str) -> None:
    with pytest.raises(sp.SpecError, match=message):
        with_options(parity(2, range(1, 2), 3), hidden=hidden)


def test_a_digest_lasts_where_nothing_hidden_is_asked_for() -> None:
    spec = parity(2, range(1, 2), 3)
    assert with_options(spec).digest() == with_options(spec, hidden=0).digest()
    assert len({with_options(spec, hidden=hidden).digest() for hidden in (0, 1, 2, "auto")}) == 4
