"""Ready-made specs: each is compiled for Loihi 1, and its program compared with an automaton on unseen input."""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from cases import after, random_raster
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from untyped import untyped

import snnprog as sp
from snnprog.arrays import Raster
from snnprog.chips import Chip, Range, WeightRanges, find_chip
from snnprog.chips.loihi1 import LOIHI1
from snnprog.rules.expressions import Expression, Ref
from snnprog.specs.machines import walks
from snnprog.specs.streams import de_bruijn

TICKS = 100_000
TRAFFIC = {
    "red": {"timer": "green", "fault": "off"},
    "green": {"timer": "amber", "fault": "off"},
    "amber": {"timer": "red", "fault": "off"},
    "off": {"repair": "red"},
}
GAITS = [random_raster(seed, period, 3, 0.4) for seed, period in ((1, 5), (2, 1), (3, 4))]


# ------------------------------------------------------------------------------------------------ streams never seen


def mixed(seed: int, lines: int, ticks: int = TICKS) -> Raster:
    """Return a random stream whose density changes now and then, from nearly silent to nearly full."""
    rng = np.random.default_rng(seed)
    density = np.repeat(rng.choice([0.02, 0.2, 0.5, 0.8, 0.98], ticks // 50), 50)
    return rng.random((ticks, lines)) < density[:, None]


def one_by_one(seed: int, lines: int, ticks: int = TICKS) -> Raster:
    """Return a random stream in which no two lines spike together."""
    rng = np.random.default_rng(seed)
    stream: Raster = rng.integers(-1, lines, ticks)[:, None] == np.arange(lines)
    stream[rng.random(ticks) < np.repeat(rng.choice([0.0, 0.5, 0.95], ticks // 50), 50)] = False
    return stream


# --------------------------------------------------------------------------------------------- automata in plain Python


def machine_states(stream: Raster, table: dict[str, dict[str, str]]) -> Raster:
    """Return, at tick t + 2 in which state (the first has no column) a machine is once tick t was read."""
    symbols = list(dict.fromkeys(symbol for row in table.values() for symbol in row))
    names, state = list(table), next(iter(table))
    found = np.zeros((len(stream) + 2, len(names)), dtype=bool)
    for tick, row in enumerate(stream.tolist()):
        if True in row:
            state = table[state].get(symbols[row.index(True)], state)
        found[tick + 2, names.index(state)] = True
    return found[: len(stream), 1:]


def ring(stream: Raster, modulus: int) -> Raster:
    found, count = np.zeros((len(stream) + 1, modulus), dtype=bool), 0
    for tick, (spike, *reset) in enumerate(stream.tolist()):
        if any(reset):
            count = 0
        elif spike:
            found[tick + 1, count] = True
            count = (count + 1) % modulus
    return found[:-1]


def winners(stream: Raster, lines: int) -> Raster:
    found, is_open = np.zeros((len(stream) + 1, lines + 1), dtype=bool), True
    for tick, row in enumerate(stream.tolist()):
        if any(row[lines:]):
            is_open = True
            continue
        if is_open and True in row:
            is_open = False
            found[tick + 1, row.index(True)] = True
        found[tick + 1, lines] = not is_open
    return found[:-1]


def together(stream: Raster, least: int, within: int) -> Raster:
    found, last = np.zeros((len(stream) + 2, 1), dtype=bool), [-within - 1] * stream.shape[1]
    for tick, row in enumerate(stream.tolist()):
        last = [tick if spike else before for spike, before in zip(row, last, strict=True)]
        found[tick + 1 + (within > 0)] = any(row) and sum(before >= tick - within for before in last) >= least
    return found[: len(stream)]


def in_order(stream: Raster, steps: list[tuple[int, ...]], tolerance: int) -> Raster:
    found, rows = np.zeros((len(stream) + 1, 1), dtype=bool), stream.tolist()
    for tick in range(len(rows)):
        fits = all(rows[tick][line] for line in steps[-1])
        for back, step in enumerate(reversed(steps[:-1]), start=1):
            ticks = range(max(0, tick - back - tolerance), max(0, tick - back + tolerance + 1))
            fits = fits and all(any(rows[then][line] for then in ticks) for line in step)
        found[tick + 1] = fits
    return found[:-1]


def rhythms(stream: Raster, rasters: list[Raster]) -> Raster:
    found = np.zeros((len(stream) + 2, rasters[0].shape[1]), dtype=bool)
    playing: Iterator[NDArray[np.bool_]] = iter(())
    for tick, row in enumerate(stream.tolist()):
        if True in row:
            chosen = row.index(True)
            playing = itertools.cycle(rasters[chosen]) if chosen < len(rasters) else iter(())
        found[tick + 2] = next(playing, np.zeros(rasters[0].shape[1], dtype=bool))
    return found[: len(stream)]


# ---------------------------------------------------------------------------------------------------------------- cases


@dataclasses.dataclass(frozen=True)
class Case:
    """A spec, a stream that it does not hold, and what the first outputs have to do with it."""

    spec: Callable[[], sp.Spec]
    stream: Callable[[], Raster]
    answer: Callable[[Raster], Raster]


CASES = {
    "delay line": Case(lambda: sp.specs.delay_line(7), lambda: mixed(1, 1), lambda x: after(x, 7)),
    "tapped delay line": Case(
        lambda: sp.specs.delay_line([1, 63, 20]),
        lambda: mixed(2, 1),
        lambda x: np.concatenate([after(x, delay) for delay in (1, 63, 20)], axis=1),
    ),
    "long delay line": Case(
        lambda: sp.specs.delay_line([64, 126, 150]),
        lambda: mixed(3, 1),
        lambda x: np.concatenate([after(x, delay) for delay in (64, 126, 150)], axis=1),
    ),
    "two together": Case(lambda: sp.specs.coincidence(2), lambda: mixed(4, 2), lambda x: together(x, 2, 0)),
    "any": Case(lambda: sp.specs.coincidence(4, least=1), lambda: mixed(5, 4), lambda x: together(x, 1, 0)),
    "five of nine": Case(lambda: sp.specs.coincidence(9, least=5), lambda: mixed(6, 9), lambda x: together(x, 5, 0)),
    "nearly together": Case(
        lambda: sp.specs.coincidence(3, within=2), lambda: mixed(7, 3), lambda x: together(x, 3, 2)
    ),
    "two of four nearly together": Case(
        lambda: sp.specs.coincidence(4, least=2, within=3), lambda: mixed(8, 4), lambda x: together(x, 2, 3)
    ),
    "any within": Case(
        lambda: sp.specs.coincidence(2, least=1, within=1), lambda: mixed(9, 2), lambda x: together(x, 1, 1)
    ),
    "sequence": Case(
        lambda: sp.specs.sequence([0, 1, None, 0, (1, 2)]),
        lambda: mixed(10, 3),
        lambda x: in_order(x, [(0,), (1,), (), (0,), (1, 2)], 0),
    ),
    "sequence beside other lines": Case(
        lambda: sp.specs.sequence([1, 0], lines=4), lambda: mixed(11, 4), lambda x: in_order(x, [(1,), (0,)], 0)
    ),
    "one spike": Case(
        lambda: sp.specs.sequence([0], tolerance=3), lambda: mixed(12, 1), lambda x: in_order(x, [(0,)], 3)
    ),
    "tolerant sequence": Case(
        lambda: sp.specs.sequence([0, None, 1, None, None, (0, 2)], lines=4, tolerance=2),
        lambda: mixed(13, 4),
        lambda x: in_order(x, [(0,), (), (1,), (), (), (0, 2)], 2),
    ),
    "winner": Case(lambda: sp.specs.winner_take_all(3), lambda: mixed(14, 3, 10_000), lambda x: winners(x, 3)),
    "winner, round after round": Case(
        lambda: sp.specs.winner_take_all(3, reset=True), lambda: mixed(15, 4), lambda x: winners(x, 3)
    ),
    "winner of many": Case(
        lambda: sp.specs.winner_take_all(8, at_once=1, reset=True),
        lambda: one_by_one(16, 9),
        lambda x: winners(x, 8),
    ),
    "counter": Case(lambda: sp.specs.counter(5), lambda: mixed(17, 1), lambda x: ring(x, 5)),
    "counter with reset": Case(lambda: sp.specs.counter(3, reset=True), lambda: mixed(18, 2), lambda x: ring(x, 3)),
    "frequency divider": Case(
        lambda: sp.specs.frequency_divider(10), lambda: mixed(19, 1), lambda x: ring(x, 10)[:, 9:]
    ),
    "divider by a hundred": Case(
        lambda: sp.specs.frequency_divider(100), lambda: mixed(20, 1), lambda x: ring(x, 100)[:, 99:]
    ),
    "traffic light": Case(
        lambda: sp.specs.finite_state_machine(TRAFFIC),
        lambda: one_by_one(21, 3),
        lambda x: machine_states(x, TRAFFIC),
    ),
    "no way back": Case(
        lambda: sp.specs.finite_state_machine({0: {"a": 1, "b": 2}, 1: {"a": 2}, 2: {}}),
        lambda: one_by_one(22, 2, 10_000),
        lambda x: machine_states(x, {"0": {"a": "1", "b": "2"}, "1": {"a": "2"}, "2": {}}),
    ),
    "rhythm": Case(lambda: sp.specs.pattern_generator(GAITS[0]), lambda: mixed(23, 1), lambda x: rhythms(x, GAITS[:1])),
    "rhythms": Case(
        lambda: sp.specs.pattern_generator(GAITS, stop=True),
        lambda: one_by_one(24, 4) & (random_raster(25, TICKS, 1, 0.1)),
        lambda x: rhythms(x, GAITS),
    ),
}


@cache
def compiled(name: str) -> tuple[sp.Spec, sp.CompileResult]:
    spec = CASES[name].spec()
    return spec, sp.compile(spec)


@pytest.mark.parametrize("name", CASES)
def test_it_is_exact_on_its_spec_and_on_long_streams_that_it_does_not_hold(name: str) -> None:
    spec, result = compiled(name)
    assert sp.verify(result.program, spec, ["kernel", "reference"]).exact
    stream = CASES[name].stream()
    found, due = sp.run(result.program, stream).spikes, CASES[name].answer(stream)
    assert due.any()
    assert not due.all()
    assert np.array_equal(found[:, : due.shape[1]], due)


@pytest.mark.parametrize("name", [name for name in CASES if "divider" not in name])
def test_what_its_neurons_do_depends_on_what_arrives_alone(name: str) -> None:
    """The potential left from before never decides: with all arrivals in the spec, that is the proof for ever."""
    spec, result = compiled(name)
    program = result.program
    assert program.n_neurons == program.n_outputs
    weights = program.weight.astype(np.int64) << program.exponent.astype(np.int64)
    for pattern in spec.patterns:
        lines = np.concatenate([pattern.inputs, pattern.targets], axis=1)
        arriving = np.zeros(pattern.targets.shape, dtype=np.int64)
        for pre, post, delay, weight in zip(program.pre, program.post, program.delay, weights, strict=True):
            arriving[:, post] += 64 * weight * after(lines[:, [pre]], int(delay))[:, 0]
        level = 64 * program.threshold.astype(np.int64)
        most, least = level // 4096, np.minimum(0, weights.sum() - 1 - np.abs(weights).sum()) * 64 // 4096
        assert np.array_equal(arriving + most > level, pattern.targets)
        assert np.array_equal(arriving + least > level, pattern.targets)
    assert set(program.potential_decay.tolist()) == {4095}
    assert not program.bias.any()
    assert (weights >= 0).all() or spec.delays == (1,)  # else not all arrivals are in the spec


LOOPS = ["winner, round after round", "winner of many", "counter", "counter with reset", "traffic light", "rhythms"]


@pytest.mark.parametrize("name", [*LOOPS, "winner", "no way back", "rhythm"])
def test_all_that_neurons_in_a_loop_ever_hear_is_in_the_spec(name: str) -> None:
    spec, result = compiled(name)
    assert spec.delays == (1,)
    stream = CASES[name].stream()
    heard = np.concatenate([stream, sp.run(result.program, stream).spikes], axis=1)
    held = [np.concatenate([pattern.inputs, pattern.targets], axis=1)[:-1] for pattern in spec.patterns]
    assert {row.tobytes() for row in heard[:-1]} <= {row.tobytes() for row in np.concatenate(held)}


@settings(deadline=None, max_examples=25, derandomize=True)
@given(st.integers(0, 2**32 - 1), st.integers(2, 6), st.integers(1, 3))
def test_any_transition_table(seed: int, n_states: int, n_symbols: int) -> None:
    rng = np.random.default_rng(seed)
    symbols, names = "abc"[:n_symbols], [str(number) for number in range(n_states)]
    table = {state: {symbol: names[rng.integers(n_states)] for symbol in symbols} for state in names}
    table |= {state: table[state] | {"a": following} for state, following in itertools.pairwise(names)}
    program = sp.compile(sp.specs.finite_state_machine(table)).program
    stream = one_by_one(seed, n_symbols, 2000)
    assert np.array_equal(sp.run(program, stream).spikes[:, : n_states - 1], machine_states(stream, table))


@pytest.mark.snnprog_backend("lava")
@pytest.mark.parametrize("name", ["long delay line", "sequence", "traffic light", "rhythms"])
def test_lava_does_the_same(name: str) -> None:
    spec, result = compiled(name)
    stream = CASES[name].stream()[:200]
    unseen = sp.Pattern(stream, sp.run(result.program, stream).spikes)
    asked = dataclasses.replace(spec, patterns=(*spec.patterns, unseen))
    assert sp.verify(result.program, asked, ["reference", "lava"], record="state").exact


# --------------------------------------------------------------------------------------------------------- truth tables


def held_against(spec: sp.Spec, rows: list[list[int]], answers: list[list[int]], spacing: int = 1) -> None:
    """Compile, and hold the program against rows so many ticks apart: every run of five, where they are few."""
    program = sp.compile(spec).program
    assert sp.verify(program, spec).exact
    is_few = len(rows) ** 5 < 1 << 16
    chosen = de_bruijn(len(rows), 5) if is_few else np.random.default_rng(0).integers(0, len(rows), TICKS)
    stream = np.zeros((spacing * len(chosen), len(rows[0])), dtype=bool)
    silence = answers[rows.index([0] * len(rows[0]))]
    due = np.tile(np.array(silence, dtype=bool), (len(stream) + 2, 1))
    stream[::spacing], due[2::spacing] = np.array(rows, dtype=bool)[chosen], np.array(answers, dtype=bool)[chosen]
    assert np.array_equal(sp.run(program, stream).spikes, due[: len(stream)])


@pytest.mark.parametrize("number", [6, 8, 9, 14, 1, 0, 15])
def test_functions_of_two_lines(number: int) -> None:
    answers = [number >> row & 1 for row in range(4)]
    spec = sp.specs.truth_table(answers)
    assert spec.hidden == "auto"
    held_against(spec, [[0, 0], [0, 1], [1, 0], [1, 1]], [[answer] for answer in answers])


@pytest.mark.parametrize("number", [0x96, 0x69, 0x16, 0x61, 0xE8, 0x81, 0x2C])
def test_functions_of_three_lines(number: int) -> None:
    rows = [list(row) for row in itertools.product((0, 1), repeat=3)]
    held_against(
        sp.specs.truth_table([number >> row & 1 for row in range(8)]), rows, [[number >> row & 1] for row in range(8)]
    )


@pytest.mark.snnprog_backend("lava")
def test_lava_answers_silence_with_a_spike_too() -> None:
    spec = sp.specs.truth_table({(0, 0): 1, (0, 1): 0, (1, 0): 0, (1, 1): 1})
    program = sp.compile(spec).program
    assert program.bias.any()
    assert program.n_neurons > 1
    assert sp.verify(program, spec, ["reference", "lava"], record="state").exact


def test_full_adder_from_a_function() -> None:
    rows = [list(row) for row in itertools.product((0, 1), repeat=3)]
    spec = sp.specs.truth_table(lambda a, b, carry: ((a + b + carry) % 2, a + b + carry > 1), lines=3)
    assert (spec.n_inputs, spec.n_outputs, spec.bias) == (3, 2, 0)
    held_against(spec, rows, [[sum(row) % 2, int(sum(row) > 1)] for row in rows])


def test_parity_of_five_lines_in_rows_apart() -> None:
    rows = [list(row) for row in itertools.product((0, 1), repeat=5)]
    spec = sp.specs.truth_table(lambda *row: sum(row) % 2, lines=5, spacing=3)
    held_against(spec, rows, [[sum(row) % 2] for row in rows], spacing=3)


def test_rows_two_apart() -> None:
    rows = [list(row) for row in itertools.product((0, 1), repeat=3)]
    spec = sp.specs.truth_table([sum(row) % 2 for row in rows], spacing=2)
    held_against(spec, rows, [[sum(row) % 2] for row in rows], spacing=2)


def test_silence_is_answered_by_bias_or_at_the_clock() -> None:
    equal: dict[Sequence[int], int] = {(0, 0): 1, (0, 1): 0, (1, 0): 0, (1, 1): 1}
    unclocked, clocked = sp.specs.truth_table(equal), sp.specs.truth_table(equal, clock=True)
    assert (unclocked.bias, unclocked.n_inputs) == ("free", 2)
    assert (clocked.bias, clocked.n_inputs) == (0, 3)
    assert unclocked.targets[:2].all()
    rows = [[0, 0, 0], *([*row, 1] for row in equal)]
    held_against(clocked, rows, [[0], *([answer] for answer in equal.values())])


def test_rows_left_out_never_come() -> None:
    spec = sp.specs.truth_table({(1, 0): (1, 0), (0, 1): (0, 1)})
    assert {tuple(row) for row in spec.inputs.tolist()} == {(False, False), (True, False), (False, True)}
    held_against(spec, [[0, 0], [1, 0], [0, 1]], [[0, 0], [1, 0], [0, 1]])


# ----------------------------------------------------------------------------------------------------------- recordings


def test_a_recording_is_made_again_from_its_beginning() -> None:
    recorded = random_raster(40, 60, 8, 0.1)
    spec = sp.specs.from_raster(recorded)
    assert (spec.n_inputs, spec.n_outputs, spec.recurrent) == (8, 8, True)
    assert not spec.inputs[16:].any()
    program = sp.compile(spec).program
    begun = sp.run(program, spec.inputs).spikes
    assert np.array_equal(begun[1:], recorded)


def test_what_was_sent_to_the_neurons_is_sent_again() -> None:
    sent = random_raster(41, 80, 3, 0.2)
    recorded = np.concatenate([after(sent[:, :1], 2), after(sent[:, 1:2], 4)], axis=1)
    spec = sp.specs.from_raster(recorded, inputs=sent, delays=[1, 2], given=0)
    assert (spec.n_inputs, spec.delays) == (3, (1, 2))
    assert np.array_equal(spec.inputs, sent)
    assert np.array_equal(spec.targets, recorded)
    with pytest.raises(sp.InfeasibleError):
        sp.compile(spec)  # a delay of four is not offered
    assert sp.verify(
        sp.compile(other := sp.specs.from_raster(recorded, inputs=sent, delays=[2, 4])).program, other
    ).exact


# ------------------------------------------------------------------------------------------------------------- contract


def test_more_is_asked_for_with_replace() -> None:
    spec = dataclasses.replace(sp.specs.counter(3, chip="loihi2"), sparse=True)
    dense, result = sp.compile(sp.specs.counter(3)), sp.compile(spec)
    assert result.program.chip.name == "loihi2"
    assert result.report.synapses < dense.report.synapses
    assert sp.verify(result.program, spec).exact


ERRORS = {
    "delays must be one or more positive integers, got []": lambda: sp.specs.delay_line([]),
    "delays must be one or more positive integers, got [3, 0]": lambda: sp.specs.delay_line([3, 0]),
    "delay_line must have at most 131072 ticks to cover all possible inputs,": lambda: sp.specs.delay_line(200_000),
    "least must be from 1 to 2, the number of lines, got 3": lambda: sp.specs.coincidence(2, least=3),
    "within must be a non-negative integer of ticks, got -1": lambda: sp.specs.coincidence(2, within=-1),
    "coincidence must have at most 4096 combinations, got 352716; take fewer": lambda: sp.specs.coincidence(
        20, least=10
    ),
    "steps must begin and end with spikes, got [None, 0]": lambda: sp.specs.sequence([None, 0]),
    "steps must begin and end with spikes, got []": lambda: sp.specs.sequence([]),
    "steps must be lines (non-negative) or None for a gap, got -1": lambda: sp.specs.sequence([0, -1]),
    "steps must be lines (non-negative) or None for a gap, got []": lambda: sp.specs.sequence([0, []]),
    "steps must name lines 0 to 1, got 4": lambda: sp.specs.sequence([4, 0], lines=2),
    "tolerance must be from 0 to 1, less than the last gap, got 2": lambda: sp.specs.sequence(
        [0, None, 1], tolerance=2
    ),
    "tolerance must be a non-negative integer of ticks, got -1": lambda: sp.specs.sequence([0, 1], tolerance=-1),
    "sequence must have at most 4096 combinations, got 15625; take fewer": lambda: sp.specs.sequence(
        [0, 1, 2, 3, 0, 1, None, None, 2], tolerance=2
    ),
    "at_once must be from 1 to 3, the number of lines, got 4": lambda: sp.specs.winner_take_all(3, at_once=4),
    "lines must be at least 1, got 0": lambda: sp.specs.winner_take_all(0),
    "lines must be at least 1, got -1": lambda: sp.specs.coincidence(-1),
    "winner_take_all must have at most 131072 ticks to cover all possible inputs,": lambda: sp.specs.winner_take_all(
        24, reset=True
    ),
    "modulus must be an integer of at least 2, got 1": lambda: sp.specs.counter(1),
    "counter must take at most 4096 neurons, got 199999; take a smaller modulus": lambda: sp.specs.counter(100_000),
    "divisor must be an integer of at least 2, got 0": lambda: sp.specs.frequency_divider(0),
    "frequency_divider must have at most 131072 ticks to cover all possible": lambda: sp.specs.frequency_divider(
        100_000
    ),
    "transitions must be a mapping of states to mappings of symbols to states, got": lambda: (
        sp.specs.finite_state_machine(untyped([1]))
    ),
    "start must be a state of the table, got None; its states are []": lambda: sp.specs.finite_state_machine({}),
    "start must be a state of the table, got 'c'; its states are ['a']": lambda: sp.specs.finite_state_machine(
        {"a": {}}, start="c"
    ),
    "transitions must name at least one symbol": lambda: sp.specs.finite_state_machine({"a": {}}),
    "state 'a' leads to 'b' on 'x'": lambda: sp.specs.finite_state_machine({"a": {"x": "b"}}),
    "state 'b' is never reached from 'a'": lambda: sp.specs.finite_state_machine({"a": {}, "b": {"x": "a"}}),
    "rasters must have at least one entry, got none": lambda: sp.specs.pattern_generator([]),
    "raster 1 has 3 outputs, raster 0 has 2": lambda: sp.specs.pattern_generator([[[1, 0]], [[1, 0, 0]]]),
    "raster 0 must have two axes (ticks, neurons), got shape (3,)": lambda: sp.specs.pattern_generator([[1, 0, 1]]),
    "raster 0 has 0 outputs": lambda: sp.specs.pattern_generator(np.zeros((3, 0), dtype=bool)),
    "lines must be given if table is a function; give the number of its arguments": lambda: sp.specs.truth_table(max),
    "lines must be from 1 to 15, got 16": lambda: sp.specs.truth_table(max, lines=16),
    "lines must be 2, the bits of the table's rows, got 3; omit lines": lambda: sp.specs.truth_table(
        [0, 1, 1, 0], lines=3
    ),
    "table must have 2, 4, 8 … rows, one for each combination of spikes, got": lambda: sp.specs.truth_table([0, 1, 1]),
    "each answer of table must consist of 0 and 1, got 2": lambda: sp.specs.truth_table({(0, 1): 2}),
    "each row of table must consist of 0 and 1, got 'ab'": lambda: sp.specs.truth_table(untyped({"ab": 1})),
    "table has rows of [1, 2] bits": lambda: sp.specs.truth_table({(0, 1): 1, (1,): 0}),
    "table has rows of [] bits": lambda: sp.specs.truth_table({}),
    "table has answers of [0] bits": lambda: sp.specs.truth_table({(0, 1): ()}),
    "table must have each row once, got 2 rows of which 1 differ": lambda: sp.specs.truth_table(
        {(0, 1): 1, b"\0\1": 1}
    ),
    "spacing must be at least one tick, got 0": lambda: sp.specs.truth_table([0, 1], spacing=0),
    "truth_table must have at most 32768 ticks to cover all possible inputs,": lambda: sp.specs.truth_table(
        max, lines=6
    ),
    "given must be from 0 to 4, the ticks of the recording, got 9": lambda: sp.specs.from_raster(
        np.ones((4, 1), dtype=bool), given=9
    ),
    "inputs must have 4 ticks, as the raster has, got 3": lambda: sp.specs.from_raster(
        np.ones((4, 1), dtype=bool), inputs=np.ones((3, 1), dtype=bool)
    ),
    "inputs must have 4 ticks, as the raster has, got 1; arrays are (ticks, neurons): transpose inputs?": (
        lambda: sp.specs.from_raster(np.ones((4, 1), dtype=bool), inputs=np.ones((1, 4), dtype=bool))
    ),
    "inputs must have 2 ticks, as the raster has, got 4; arrays are (ticks, neurons): transpose raster?": (
        lambda: sp.specs.from_raster(np.ones((2, 4), dtype=bool), inputs=np.ones((4, 1), dtype=bool))
    ),
    "delays must have at least one entry, got none": lambda: sp.specs.from_raster(
        np.ones((4, 1), dtype=bool), delays=[]
    ),
}


@pytest.mark.parametrize("message", ERRORS)
def test_what_cannot_be_asked_for_is_refused(message: str) -> None:
    with pytest.raises(sp.SpecError) as caught:
        ERRORS[message]()
    assert str(caught.value).startswith(message)


# ---------------------------------------------------------------------------------------------------------- other chips

ON_ANY_CHIP: dict[str, Callable[[str | Chip], sp.Spec]] = {
    "coincidence": lambda chip: sp.specs.coincidence(3, least=2, chip=chip),
    "coincidence within": lambda chip: sp.specs.coincidence(2, within=1, chip=chip),
    "counter": lambda chip: sp.specs.counter(3, reset=True, chip=chip),
    "delay_line": lambda chip: sp.specs.delay_line(7, chip=chip),
    "finite_state_machine": lambda chip: sp.specs.finite_state_machine({0: {"a": 1}, 1: {"a": 0}}, chip=chip),
    "frequency_divider": lambda chip: sp.specs.frequency_divider(4, chip=chip),
    "pattern_generator": lambda chip: sp.specs.pattern_generator(GAITS[0][:3], chip=chip),
    "sequence": lambda chip: sp.specs.sequence([0, 1], chip=chip),
    "tolerant sequence": lambda chip: sp.specs.sequence([0, None, 1], tolerance=1, chip=chip),
    "truth_table": lambda chip: sp.specs.truth_table([0, 0, 0, 1], chip=chip),
    "winner_take_all": lambda chip: sp.specs.winner_take_all(2, chip=chip),
}
FEW = dataclasses.replace(
    LOIHI1,
    name="few",
    delays=(1, 3),
    rule=LOIHI1.rule.with_range("threshold", (1, 2047)).with_range("refractory", (1, 1)),
    exponents=(0, 0),
    design_exponents=(0,),
    weight_ranges=WeightRanges(mixed=(-128, 126), excitatory=(0, 127), inhibitory=(-127, 0), mixed_step=2),
)


def with_reset(name: str, left: Expression) -> Chip:
    """Return a Loihi whose spikes leave something else of the potential."""
    rule = LOIHI1.rule.with_step("reset", left)
    return dataclasses.replace(LOIHI1, name=name, rule=dataclasses.replace(rule, name="another"))


def with_decays(name: str, low: int, high: int, usual: Range) -> Chip:
    """Return a Loihi whose decays have another range."""
    rule = LOIHI1.rule.with_range("current_decay", (low, high)).with_range("potential_decay", (low, high))
    return dataclasses.replace(LOIHI1, name=name, rule=rule, usual_decays=usual)


SUBTRACTING = with_reset("subtracting", Ref("potential") - Ref("spikes") * (Ref("threshold") << 6))
UNRESET = with_reset("unreset", Ref("potential"))
LINGERING = with_decays("lingering", 0, 4000, (4000, 205))
SLOW = dataclasses.replace(LOIHI1, name="slow", delays=(2, 63))
LEAKING = with_decays("leaking", 1, 4095, LOIHI1.usual_decays)


@pytest.mark.parametrize("name", ON_ANY_CHIP)
@pytest.mark.parametrize("chip", ["loihi2", FEW], ids=["loihi2", "few"])
def test_it_is_exact_on_another_chip_of_the_family(name: str, chip: str | Chip) -> None:
    spec = ON_ANY_CHIP[name](chip)
    assert spec.chip == find_chip(chip)
    result = sp.compile(spec)
    assert result.program.chip == find_chip(chip)
    assert sp.verify(result.program, spec, ["kernel", "reference"]).exact


def test_a_delay_line_takes_as_many_relays_as_the_chip_needs() -> None:
    spec = sp.specs.delay_line(7, chip=FEW)
    assert (spec.n_outputs, spec.delays) == (3, (1, 3))
    stream = mixed(30, 1, 1000)
    assert np.array_equal(sp.run(sp.compile(spec).program, stream).spikes[:, :1], after(stream, 7))


@pytest.mark.parametrize("name", ON_ANY_CHIP)
def test_what_xylo_cannot_do_for_ever_is_refused(name: str) -> None:
    with pytest.raises(sp.SpecError) as caught:
        ON_ANY_CHIP[name]("xylo")
    function = name.split()[-1 if name.startswith("tolerant") else 0]
    assert str(caught.value).startswith(f"{function} needs ")
    assert " xylo " in str(caught.value)
    assert str(caught.value).endswith(": take another chip, such as loihi1")


LACKING: dict[str, Callable[[], sp.Spec]] = {
    "sequence needs a delay of 4, and few has 1 to 3": lambda: sp.specs.sequence([0, None, None, 1], chip=FEW),
    "coincidence needs a delay of 4, and few has 1 to 3": lambda: sp.specs.coincidence(2, within=3, chip=FEW),
    "counter needs a delay of 1, and slow has 2 to 63": lambda: sp.specs.counter(2, chip=SLOW),
    "counter needs neurons without memory, and on lingering currents keep at least 95/4096 of themselves": (
        lambda: sp.specs.counter(2, chip=LINGERING)
    ),
    "frequency_divider needs a reset to zero, and on subtracting a reset subtracts the threshold": (
        lambda: sp.specs.frequency_divider(2, chip=SUBTRACTING)
    ),
    "frequency_divider needs a reset to zero, and on unreset a spike resets nothing": (
        lambda: sp.specs.frequency_divider(2, chip=UNRESET)
    ),
    "frequency_divider needs a potential without decay and a current of one tick, and leaking": (
        lambda: sp.specs.frequency_divider(2, chip=LEAKING)
    ),
    "classifier needs a delay of 16, and few has 1 to 3: take an encoder whose rasters are shorter": (
        lambda: sp.specs.classifier([[0.0], [1.0]], [0, 1], sp.coding.Latency().fit([[0.0], [1.0]]), chip=FEW)
    ),
}


@pytest.mark.parametrize("message", LACKING)
def test_what_a_chip_lacks_is_named(message: str) -> None:
    with pytest.raises(sp.SpecError) as caught:
        LACKING[message]()
    assert str(caught.value).startswith(message)


def test_a_classifier_on_xylo() -> None:
    rng = np.random.default_rng(5)
    labels = np.repeat([0, 1, 2], 10)
    samples = rng.normal(0.0, 0.4, (30, 2)) + np.array([[0, 0], [4, 1], [1, 4]])[labels]
    encoder = sp.coding.Levels(levels=8).fit(samples)
    questions = sp.coding.Questions.one_vs_one(3)
    spec = sp.specs.classifier(samples, labels, encoder, questions=questions, chip="xylo")
    program = sp.compile(spec).program
    assert (spec.chip.name, program.chip.name) == ("xylo", "xylo")
    assert sp.verify(program, spec).exact
    spikes = [sp.run(program, pattern.inputs).spikes for pattern in spec.patterns]
    assert questions.decide(spikes).tolist() == labels.tolist()


def test_a_recording_on_xylo() -> None:
    recorded = np.eye(4, dtype=bool)[[0, 1, 2, 3, 0, 1, 2, 3, 0, 1]]
    spec = sp.specs.from_raster(recorded, chip="xylo")
    assert (spec.delays, spec.dynamics) == ((1,), sp.Dynamics.usual(spec.chip))
    program = sp.compile(spec).program
    assert program.chip.name == "xylo"
    assert np.array_equal(sp.run(program, spec.inputs).spikes[1:], recorded)


def test_the_names_are_pinned_and_documented() -> None:
    assert sorted(sp.specs.__all__) == sorted(
        [
            "classifier",
            "coincidence",
            "counter",
            "delay_line",
            "finite_state_machine",
            "frequency_divider",
            "from_raster",
            "linear_system",
            "memory",
            "pattern_generator",
            "regressor",
            "sequence",
            "truth_table",
            "winner_take_all",
        ]
    )
    for name in sp.specs.__all__:
        assert "Parameters\n" in getattr(sp.specs, name).__doc__


def test_the_page_tells_of_every_name_and_its_blocks_run(capsys: pytest.CaptureFixture[str]) -> None:
    text = (Path(__file__).resolve().parents[1] / "docs" / "how-to" / "specs.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)\(", text, re.MULTILINE) == sorted(sp.specs.__all__)
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(compile(block, "specs.md", "exec"), {})
    refused = "counter needs neurons without memory, and on xylo a current decays after arriving spikes were added, so"
    refused += " that they also act at later ticks: take another chip, such as loihi1"
    assert capsys.readouterr().out == f"open at ticks [3 4 5]\n{refused}\nclasses [1 0]\n"


# ---------------------------------------------------------------------------------------------------- streams and walks


@pytest.mark.parametrize(("symbols", "order"), [(1, 1), (2, 1), (2, 4), (3, 3), (8, 2), (5, 3)])
def test_every_run_occurs_just_once(symbols: int, order: int) -> None:
    sequence = de_bruijn(symbols, order).tolist()
    runs = [tuple(sequence[first : first + order]) for first in range(len(sequence) - order + 1)]
    assert sorted(runs) == sorted(itertools.product(range(symbols), repeat=order))
    assert sequence[:order] == [0] * order


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 4))
def test_walks_go_along_every_edge_that_can_be_reached(seed: int, nodes: int, degree: int) -> None:
    rng = np.random.default_rng(seed)
    edges = [rng.integers(0, nodes, degree).tolist() for _ in range(nodes)]
    reached, gone = {0}, set()
    while fresh := {there for here in reached for there in edges[here]} - reached:
        reached |= fresh
    numbers = {node: number for number, node in enumerate(sorted(reached))}
    reduced = [[numbers[there] for there in edges[node]] for node in sorted(reached)]
    for walk in walks(reduced):
        here = 0
        for edge in walk:
            gone.add((here, edge))
            here = reduced[here][edge]
    assert gone == set(itertools.product(range(len(reduced)), range(degree)))


def test_a_table_of_more_lines_than_letters() -> None:
    rows = [[line == spiking for line in range(30)] for spiking in range(30)]
    spec = sp.specs.truth_table({tuple(row): row.index(True) % 2 for row in rows}, spacing=3)
    assert spec.input_names is not None
    assert spec.automaton is not None
    assert spec.input_names[::29] == ("line 0", "line 29")
    assert sp.prove(sp.compile(spec).program, spec.automaton).holds
