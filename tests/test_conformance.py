"""Do the runtimes mean the same integers? Golden and random programs on each, within what it says it lacks."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from cases import random_raster, single_neuron
from stand_in import FINE, write_backend

import snnprog as sp
from snnprog.backends import Gaps, backend_names, find_backend, run_backend
from snnprog.backends.gaps import check_gaps, read_gaps
from snnprog.chips import CHIPS, Range, WeightRanges
from snnprog.chips.loihi1 import LOIHI1
from snnprog.conformance import LARGE, ProgramSize, check_conformance, golden_programs, random_trial
from snnprog.conformance.trials import NO_GAPS, side_by_side
from snnprog.program import EXCITATORY, INHIBITORY, MIXED

PROGRAMS_PER_CHUNK = 10
CHUNKS = {"lava": 2, "nengo_loihi": 5, "brian2_loihi": 2}
"""Four chunks have every feature, and two all but refractory periods of 9 ticks; see
`test_the_random_programs_have_every_feature`. A chunk takes Brian2 and Lava some ten seconds."""
LEFT_OUT = {
    "lava": ["refractory", "refractory_biases"],
    "nengo_loihi": ["recurrent_delays"],
    "brian2_loihi": ["biases", "refractory_biases"],
}
VERSIONS = {
    "lava": {"lava-nc": "0.10.0"},
    "nengo_loihi": {"nengo-loihi": "1.1.0", "nengo": "3.2.0"},
    "brian2_loihi": {"brian2-loihi": "0.5.2", "Brian2": "2.9.0"},
}
FOREIGN = [pytest.param(name, marks=pytest.mark.snnprog_backend(name)) for name in LEFT_OUT]


# --------------------------------------------------------------------------------------------------- the foreign ones


def test_all_loihi_runtimes_are_tried_here() -> None:
    rule = find_backend("lava").semantics[0]
    assert {name for name in backend_names() if rule in find_backend(name).semantics} == {*LEFT_OUT, "remote"}


@pytest.mark.parametrize("name", FOREIGN)
def test_golden_programs(name: str) -> None:
    outcome = check_conformance(name, programs=0)
    assert outcome.divergence is None, f"{outcome.program}: {outcome.divergence}"
    assert list(outcome.left_out) == LEFT_OUT[name]
    assert outcome.golden == len(golden_programs("loihi1")) - len(LEFT_OUT[name])
    assert outcome.versions.items() >= VERSIONS[name].items()
    assert {"numpy", "python"} <= set(outcome.versions)


@pytest.mark.parametrize(
    ("name", "chunk"),
    [
        pytest.param(name, chunk, marks=pytest.mark.snnprog_backend(name))
        for name, chunks in CHUNKS.items()
        for chunk in range(chunks)
    ],
)
def test_random_programs(name: str, chunk: int) -> None:
    first = chunk * PROGRAMS_PER_CHUNK
    outcome = check_conformance(name, programs=PROGRAMS_PER_CHUNK, first_seed=first, golden=False)
    assert outcome.divergence is None, f"{outcome.program}: {outcome.divergence}"
    assert outcome.programs == PROGRAMS_PER_CHUNK
    assert outcome.neuron_ticks > 0


@pytest.mark.parametrize("name", FOREIGN)
def test_a_larger_program(name: str) -> None:
    """Hundreds of neurons in one program, of few kinds, for a thousand neuron-ticks and more."""
    outcome = check_conformance(name, programs=1, first_seed=5, scale=ProgramSize(200, (30, 20), 3), golden=False)
    assert outcome.divergence is None, f"{outcome.program}: {outcome.divergence}"
    assert outcome.neuron_ticks > 1000


@pytest.mark.snnprog_backend("nengo_loihi")
def test_the_emulator_tells_where_it_overflows() -> None:
    program = single_neuron(
        pre=[0, 0], delay=2, weight=255, exponent=7, threshold=100, current_decay=0, potential_decay=0
    )
    with pytest.raises(sp.BackendError, match="the emulator stops at tick 3 of pattern 1: Overflow in q0; arrivals"):
        sp.run(program, [np.zeros((4, 1)).astype(bool), np.array([[0], [1], [0], [0]])], "nengo_loihi")


@pytest.mark.snnprog_backend("lava")
def test_on_lava_a_pattern_leaves_nothing_behind() -> None:
    program = sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=1,
        n_neurons=2,
        pre=[0, 0, 1, 2, 1],
        post=[0, 1, 1, 0, 0],
        delay=[63, 1, 63, 63, 2],
        weight=[200, 90, 120, 255, -30],
        exponent=[0, 0, 1, 0, 0],
        threshold=[100, 150],
        current_decay=[100, 0],
        potential_decay=[0, 50],
        bias=[320, 900],
    )
    first, second = np.ones((70, 1), dtype=bool), random_raster(3, 90, 1, 0.3)
    together = run_backend(program, [first, second], "lava", "state").traces[1]
    alone = run_backend(program, [second], "lava", "state").traces[0]
    expected = sp.run(program, second, record="state")
    assert expected.spikes.any(axis=0).all()
    for name in ("spikes", "currents", "potentials"):
        assert np.array_equal(getattr(together, name), getattr(alone, name)), name
        assert np.array_equal(getattr(together, name), getattr(expected, name)), name


# ---------------------------------------------------------------------------------------------------- random programs


@pytest.mark.parametrize(("chunks", "missing"), [(2, ["refractory 9"]), (4, [])])
def test_the_random_programs_have_every_feature(chunks: int, missing: list[str]) -> None:
    seen: Counter[str] = Counter()
    spikes = 0
    for seed in range(chunks * PROGRAMS_PER_CHUNK):
        trial = random_trial(seed)
        program = trial.program
        seen.update(f"delay {delay}" for delay in program.delay)
        seen.update(f"exponent {exponent}" for exponent in program.exponent[program.weight != 0])
        seen.update(f"mode {mode}" for mode in program.sign_mode[program.weight != 0])
        seen.update(f"mixed {np.sign(weight)}" for weight in program.weight[program.sign_mode == MIXED])
        seen.update(f"bias {np.sign(bias)}" for bias in program.bias)
        seen.update(f"refractory {min(int(period), 10)}" for period in program.refractory)
        for name in ("current_decay", "potential_decay"):
            ends = {0: "none", 4095: "full"}
            seen.update(f"{name} {ends.get(int(decay), 'between')}" for decay in getattr(program, name))
        seen["recurrent"] += int((program.pre >= program.n_inputs).any())
        seen["self-loop"] += int((program.pre - program.n_inputs == program.post).any())
        pairs = list(zip(program.pre.tolist(), program.post.tolist(), strict=True))
        seen["parallel synapses"] += int(len(set(pairs)) < len(pairs))
        seen["patterns of different lengths"] += int(len({len(raster) for raster in trial.inputs}) > 1)
        spikes += sum(int(trace.spikes.sum()) for trace in run_backend(program, trial.inputs).traces)
    wanted = [f"delay {delay}" for delay in range(1, 64)]
    wanted += [f"exponent {exponent}" for exponent in range(8)]
    wanted += [f"mode {mode}" for mode in (MIXED, EXCITATORY, INHIBITORY)]
    wanted += ["mixed -1", "mixed 1", "bias -1", "bias 1", "recurrent", "self-loop", "parallel synapses"]
    wanted += [f"{name} {end}" for name in ("current_decay", "potential_decay") for end in ("none", "between", "full")]
    wanted += [f"refractory {period}" for period in range(1, 11)]
    wanted += ["patterns of different lengths"]
    assert [feature for feature in wanted if not seen[feature]] == missing
    assert spikes > 400 * chunks


FEW_RULE = (
    LOIHI1.rule.with_range("current_decay", (0, 4000))
    .with_range("potential_decay", (0, 4000))
    .with_range("threshold", (2, 255))
    .with_range("refractory", (1, 3))
)
FEW = dataclasses.replace(
    LOIHI1,
    name="few",
    exponents=(0, 0),
    design_exponents=(0,),
    delays=(1, 3),
    rule=FEW_RULE,
    weight_ranges=WeightRanges(mixed=(-6, 4), excitatory=(0, 7), inhibitory=(-7, 0), mixed_step=2),
    weight_bits=4,
    usual_decays=(4000, 205),
    bias_mantissas=(-7, 7),
    bias_exponents=(0, 2),
    free_bias_exponents=(0, 2),
)


def test_random_programs_keep_to_the_ranges_of_their_chip(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program beyond the chip's ranges is refused when it is made, so drawing one is the test."""
    monkeypatch.setattr("snnprog.conformance.checking.CHIPS", {"few": FEW})
    monkeypatch.setitem(CHIPS, "few", FEW)
    programs = [random_trial(seed, FEW).program for seed in range(60)]
    programs += [random_trial(seed, FEW, gaps=Gaps(longest_input_delay=2)).program for seed in range(20)]
    for name, found in (("delay", {1, 2, 3}), ("exponent", {0}), ("refractory", {1, 2, 3})):
        assert set(np.concatenate([getattr(program, name) for program in programs]).tolist()) == found
    for name, ends in (("weight", (-7, 7)), ("current_decay", (0, 4000)), ("bias", (-14, 14))):
        values = np.concatenate([getattr(program, name) for program in programs])
        assert (values.min(), values.max()) == ends
    assert max(int(program.threshold.max()) for program in programs) > 100
    outcome = check_conformance("reference", programs=10)
    assert (outcome.divergence, outcome.golden, outcome.random) == (None, 0, 10)
    assert outcome.spikes > 0


@pytest.mark.parametrize("delays", [(2, 5), (3, 3)])
def test_random_programs_of_a_chip_whose_shortest_delay_is_longer(delays: Range) -> None:
    slow = dataclasses.replace(LOIHI1, name="slow", delays=delays, rule=LOIHI1.rule.with_range("refractory", (1, 1)))
    found = {delay for seed in range(20) for delay in random_trial(seed, slow).program.delay.tolist()}
    assert found == set(range(delays[0], delays[1] + 1))
    within = random_trial(1, slow, gaps=Gaps(longest_input_delay=2)).program
    assert set(within.delay[within.pre < within.n_inputs].tolist()) <= {2}


def test_a_trial_is_the_same_for_the_same_seed() -> None:
    first, second, other = random_trial(3), random_trial(3), random_trial(4)
    assert np.array_equal(first.program.weight, second.program.weight)
    assert all(np.array_equal(a, b) for a, b in zip(first.inputs, second.inputs, strict=True))
    assert not np.array_equal(first.program.weight, other.program.weight)


def test_refractory_periods_are_drawn_apart_from_everything_else() -> None:
    for seed in range(6):
        own, without = random_trial(seed).program, random_trial(seed, gaps=Gaps(refractory=False)).program
        assert own.has_refractory == (seed % 2 == 1)
        assert not without.has_refractory
        for name in ("pre", "post", "delay", "exponent", "sign_mode", "threshold", "bias"):
            assert np.array_equal(getattr(own, name), getattr(without, name))


# --------------------------------------------------------------------------------------------------------------- gaps

LOOP = sp.Program.from_arrays(
    chip="loihi1",
    n_inputs=1,
    n_neurons=2,
    outputs=[0],
    pre=[0, 1, 2],
    post=[0, 1, 0],
    delay=[7, 3, 5],
    weight=9,
    threshold=100,
    current_decay=0,
    potential_decay=0,
    bias=[0, 40],
    refractory=[1, 3],
)


@pytest.mark.parametrize(
    ("gaps", "sentence"),
    [
        (
            Gaps(longest_input_delay=6),
            "the delay of synapse 0 must be at most 6 from an input on backend few, got 7;",
        ),
        (
            Gaps(longest_recurrent_delay=4),
            "the delay of synapse 2 must be at most 4 from a neuron on backend few, got 5; compile with",
        ),
        (
            Gaps(longest_recurrent_delay=0),
            "the delay of synapse 1 must be 0 (no synapse) from a neuron on backend few, got 3; compile",
        ),
        (
            Gaps(most_neurons=1),
            "the number of neurons must be at most 1 on backend few, got 2; run it on another backend:",
        ),
        (Gaps(refractory=False), "the refractory period of neuron 1 must be 1 on backend few, got 3; compile with"),
        (Gaps(bias=False), "the bias of neuron 1 must be 0 on backend few, got 40; compile with bias 0, or run it"),
    ],
)
def test_a_program_beyond_a_gap_is_refused(gaps: Gaps, sentence: str) -> None:
    with pytest.raises(sp.LimitError) as caught:
        check_gaps(LOOP, gaps, backend="few")
    assert str(caught.value).startswith(sentence)
    assert str(caught.value).endswith("it on another backend: 'snnprog backends list' shows the limits of each")


def test_a_program_within_the_gaps_is_not() -> None:
    check_gaps(LOOP, Gaps(longest_input_delay=7, longest_recurrent_delay=5, most_neurons=2), backend="few")
    check_gaps(LOOP, NO_GAPS, backend="all")


def test_a_program_is_refused_before_anything_runs(folders: Path) -> None:
    write_backend(folders, "few", "sys.exit('this ran')", gaps="bias = false", distributions='none-such = "1"')
    with pytest.raises(sp.LimitError, match="the bias of neuron 1 must be 0 on backend few, got 40; compile with"):
        sp.run(LOOP, np.ones((3, 1), dtype=bool), "few")


def test_gaps_in_words() -> None:
    assert str(NO_GAPS) == ""
    gaps = Gaps(longest_input_delay=3, longest_recurrent_delay=0, bias=False)
    assert str(gaps) == "longest input delay 3, longest recurrent delay 0, no bias"
    assert read_gaps(gaps.named()) == gaps


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        (3, "gaps must be a table with entries among longest_input_delay, longest_recurrent_delay,"),
        ({"delay": 3}, "gaps must be a table with entries among longest_input_delay, longest_recurrent_delay,"),
        ({"bias": 0}, "bias in gaps must be true or false, got 0"),
        ({"most_neurons": -1}, "most_neurons in gaps must be a non-negative integer, got -1"),
        ({"most_neurons": True}, "most_neurons in gaps must be a non-negative integer, got True"),
        ({"longest_input_delay": 2.5}, "longest_input_delay in gaps must be a non-negative integer, got 2.5"),
    ],
)
def test_gaps_that_cannot_be_understood(folders: Path, table: object, sentence: str) -> None:
    with pytest.raises(TypeError) as caught:
        read_gaps(table)
    assert str(caught.value).startswith(sentence)
    write_backend(folders, "odd", gaps="delay = 3")
    with pytest.raises(sp.BackendError, match=r"backend\.toml is not valid: gaps must be a table with entries among"):
        find_backend("odd")


@pytest.mark.parametrize("seed", range(20))
def test_random_programs_keep_to_the_gaps(seed: int) -> None:
    for gaps in (
        Gaps(longest_input_delay=9, longest_recurrent_delay=1),
        Gaps(longest_recurrent_delay=0, bias=False),
        Gaps(refractory=False),
        Gaps(most_neurons=2),
    ):
        check_gaps(random_trial(seed, gaps=gaps).program, gaps, backend="few")


def test_programs_side_by_side_do_what_they_do_alone() -> None:
    trials = [random_trial(seed) for seed in range(5)]
    joint = side_by_side(trials)
    together = run_backend(joint.program, joint.inputs, record="state").traces
    alone = [run_backend(trial.program, trial.inputs, record="state").traces for trial in trials]
    assert joint.neuron_ticks == sum(trial.neuron_ticks for trial in trials)
    for pattern, trace in enumerate(together):
        for quantity in ("spikes", "currents", "potentials"):
            parts = [getattr(traces[pattern], quantity) for traces in alone]
            assert np.array_equal(getattr(trace, quantity), np.hstack(parts))


def test_large_programs_have_few_kinds() -> None:
    program = random_trial(5, scale=LARGE).program
    assert program.n_neurons > 100
    assert len(set(zip(program.threshold, program.current_decay, program.potential_decay, strict=True))) == 4
    assert len(set(zip(program.delay, program.exponent, program.sign_mode, strict=True))) == 4


# ----------------------------------------------------------------------------------------------- a runtime that differs


def test_the_reference_itself_can_be_checked() -> None:
    outcome = check_conformance("reference", programs=1)
    assert (outcome.divergence, outcome.random, outcome.left_out) == (None, 1, {})
    assert outcome.golden == len(golden_programs("loihi1"))


@pytest.mark.parametrize("gaps", ["", "most_neurons = 100"])
def test_a_golden_program_names_the_fault(folders: Path, gaps: str) -> None:
    write_backend(folders, "wrong", compare=">=", gaps=gaps)
    outcome = check_conformance("wrong", programs=3)
    assert outcome.program == "golden program equality"
    assert outcome.random == 0
    assert outcome.divergence is not None
    assert (outcome.divergence.neuron, outcome.divergence.against) == (0, "reference")


def test_all_golden_programs_hold_for_a_right_one(folders: Path) -> None:
    write_backend(folders, "right")
    outcome = check_conformance("right", programs=12, first_seed=40)
    assert (outcome.divergence, outcome.program, outcome.random) == (None, None, 12)
    assert outcome.golden == len(golden_programs("loihi1"))
    assert outcome.spikes > 0
    assert outcome.versions["stand-in"] == "1"


@pytest.mark.parametrize(("together", "gaps"), [(4, ""), (1, "most_neurons = 6")])
def test_a_random_program_is_named_by_its_seed(folders: Path, together: int, gaps: str) -> None:
    write_backend(folders, "off", "answer['potentials'][7, -1] += 1; " + FINE, gaps=gaps)
    outcome = check_conformance("off", programs=4, first_seed=12, golden=False)
    assert outcome.programs == together
    assert outcome.program == f"random program {11 + together}"
    assert outcome.divergence is not None
    last = random_trial(11 + together).program.n_neurons - 1
    found = outcome.divergence
    assert (found.pattern, found.tick, found.neuron, found.quantity) == (0, 7, last, "potentials")
    assert found.found == found.expected + 1


def test_a_rule_that_no_chip_here_has(folders: Path) -> None:
    write_backend(folders, "odd", rule="another")
    with pytest.raises(
        sp.BackendError,
        match="backend odd executes the rule another, which no built-in chip has; give a chip",
    ):
        check_conformance("odd", programs=1)
