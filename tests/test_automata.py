"""Automata: tables, KISS2 files, expressions, delays, and invariants; each against a plain reading of streams."""

from __future__ import annotations

import itertools
import pickle
import re
from collections.abc import Callable, Sequence
from string import ascii_lowercase
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from untyped import untyped

import snnprog as sp
from snnprog.automata import WRONG, from_expression, from_kiss2, from_table
from snnprog.automata.automaton import Monitor, Row

TOGGLE = """
# A toggle: the output says whether an odd number of ones came so far.
.i 1
.o 1
.s 2
.p 4
.r even
0 even even 0
1 even odd  1
0 odd  odd  1
1 odd  even 0
.e
this is not read
"""


def answers(automaton: sp.Automaton, stream: Sequence[Row]) -> list[tuple[bool | None, ...]]:
    state, found = automaton.start, []
    for row in stream:
        assert row in automaton.rows(state)
        state, answer = automaton.answer(state, row)
        found.append(answer)
    return found


def is_met(monitor: Monitor, rows: Sequence[Row], spikes: Sequence[Row]) -> bool:
    state: Any = monitor.start
    for row, fired in zip(rows, spikes, strict=True):
        state = monitor.after(state, row, fired)
        if state is WRONG:
            return False
    return True


BITS = st.lists(st.booleans(), min_size=1, max_size=12)


def test_kiss2() -> None:
    text = TOGGLE.replace("1 odd  even 0", "1 odd  even -")
    automaton = from_kiss2(text)
    stream = [(bit,) for bit in (False, True, False, True, True)]
    assert answers(automaton, stream) == [(False,), (True,), (True,), (None,), (True,)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no rows of inputs, state, next state and outputs"),
        ("0 a b 1\n", "leads to state 'b', which it does not have"),
        ("0 a a 1\n01 a a 1\n", "line 2: '01' has 2 values, but .i is 1"),
        ("0 a a 1\n0 a a 0\n", "line 2: state 'a' has two answers to inputs 0"),
        ("x a a 1\n", "line 1: 'x' must consist of 0, 1 and -"),
        ("0 a a\n", "line 1: expected a header such as '.i 2', or inputs, state, next state and outputs, got '0 a a'"),
        (".q 3\n0 a a 1\n", "line 1: expected a header"),
        ("0" * 13 + " a a 1\n", "has 13 input lines; at most 12 are supported"),
        (".r c\n0 a a 1\n", "start must be a state of the table, got 'c'"),
    ],
)
def test_a_kiss2_table_that_is_none(text: str, message: str) -> None:
    with pytest.raises(sp.FormatError, match=re.escape(message)):
        from_kiss2(text)


@given(BITS, st.integers(0, 3))
def test_delayed(bits: list[bool], ticks: int) -> None:
    automaton = from_table({0: {(bit,): (0, [bit]) for bit in (False, True)}}).delayed(ticks)
    stream = [(bit,) for bit in bits]
    assert answers(automaton, stream) == [(False,)] * min(ticks, len(bits)) + stream[: max(0, len(bits) - ticks)]


EXPRESSIONS = [
    "a",
    "ab",
    "a|b",
    "a*b",
    "a(b|_)+a",
    "a.b",
    "{ab}?a",
    "(a|b)(a|b)",
    "a_?b",
    "(ab|ba)*a",
    ".a",
    "a{ab}.*b",
]
PYTHON = {"_": "0", "{ab}": "3", ".": "[0123]", "a": "1", "b": "2"}
"""What stands in a Python pattern over the texts of numbers: a row of two lines is 0, 1, 2 or 3."""


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_fires_where_pythons_finds_an_end(expression: str) -> None:
    automaton = from_expression(expression, n_inputs=2)
    pattern = re.compile(
        f"(?:.*)(?:{re.sub(r'{ab}|[_.ab]', lambda match: PYTHON[match[0]], expression)})", flags=re.ASCII
    )
    for numbers in itertools.product(range(4), repeat=5):
        stream = [(bool(number & 1), bool(number & 2)) for number in numbers]
        text = "".join(map(str, numbers))
        expected = [(pattern.fullmatch(text[: end + 1]) is not None,) for end in range(len(text))]
        assert answers(automaton, stream) == expected


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("a*", "matches the empty stream"),
        ("", "matches the empty stream"),
        ("(a", "a ')' is missing before the end"),
        ("a)", "an expression cannot go on with ')'"),
        ("c", "a letter of a to b for the 2 input lines of the program, '.', '_', '(' or '{' must stand at 'c'"),
        ("{}", "of the program in braces must stand at '{}'"),
        ("{ac}", "of the program in braces must stand at '{ac}'"),
        ("|*", "must stand at '*'"),
        ("a" * 1001, "at most 1000 characters"),
    ],
)
def test_an_expression_that_is_none(expression: str, message: str) -> None:
    with pytest.raises(sp.SpecError, match=re.escape(message)):
        from_expression(expression, n_inputs=2)


@pytest.mark.parametrize("n_inputs", [0, len(ascii_lowercase) + 1])
def test_an_expression_has_a_letter_for_each_line(n_inputs: int) -> None:
    with pytest.raises(sp.SpecError, match="1 to 26 input lines"):
        from_expression("a", n_inputs=n_inputs)


def relays(outputs: int) -> sp.Program:
    """Return a program of one input line and some outputs."""
    posts = list(range(outputs))
    return sp.Program.from_arrays(
        chip="loihi1", n_inputs=1, n_neurons=outputs, pre=0, post=posts, delay=1, weight=1, threshold=1
    )


ONE_LINE = relays(1)


@given(BITS, st.data())
@settings(deadline=None, max_examples=200)
def test_invariants_against_a_look_at_all_ticks(bits: list[bool], data: st.DataObject) -> None:
    fired = data.draw(st.lists(st.booleans(), min_size=len(bits), max_size=len(bits)))
    ticks, most = data.draw(st.integers(1, 4)), data.draw(st.integers(0, 2))
    rows, spikes = [(bit,) for bit in bits], [(bit,) for bit in fired]
    windows = [fired[start : start + ticks] for start in range(len(fired))]
    frequent = sp.at_most(most, ticks=ticks, output=0).monitor(ONE_LINE)
    assert is_met(frequent, rows, spikes) == all(sum(window) <= most for window in windows)
    late = [tick for tick, bit in enumerate(bits) if bit and tick + ticks < len(bits)]
    answered = all(any(fired[tick + 1 : tick + ticks + 1]) for tick in late)
    assert is_met(sp.within(ticks, after=0).monitor(ONE_LINE), rows, spikes) == answered
    never = sp.never(lambda row, spikes: row[0] and spikes[0]).monitor(ONE_LINE)
    assert is_met(never, rows, spikes) == (not any(one and other for one, other in zip(bits, fired, strict=True)))


STEP = untyped(print)


def test_placed_among_other_outputs() -> None:
    automaton = from_expression("a", n_inputs=1).placed(1, n_outputs=3)
    assert answers(automaton, [(True,), (False,)]) == [(None, True, None), (None, False, None)]
    assert answers(automaton.delayed(1), [(True,), (False,)]) == [(None, False, None), (None, True, None)]
    with pytest.raises(sp.SpecError, match="the output must be 0 to 2 for a program with 3 outputs, got 3"):
        from_expression("a", n_inputs=1).placed(3, n_outputs=3)


def test_a_condition_that_looks_beyond_the_outputs() -> None:
    monitor = sp.never(lambda row, spikes: spikes[5]).monitor(relays(2))
    with pytest.raises(sp.SpecError, match="condition must index 1 input line and 2 outputs from 0, got tuple index"):
        monitor.after(None, (True,), (True, False))


CALLS: dict[str, tuple[Callable[[], object], str]] = {
    "no inputs": (
        lambda: sp.Automaton(n_inputs=0, n_outputs=1, start=0, step=STEP),
        "n_inputs must be at least 1, got 0",
    ),
    "no step": (lambda: sp.Automaton(n_inputs=1, n_outputs=1, start=0, step=untyped(3)), "step must be a callable"),
    "step None": (lambda: sp.Automaton(n_inputs=1, n_outputs=1, start=0, step=untyped(None)), "callable, got None"),
    "a list as state": (
        lambda: sp.Automaton(n_inputs=1, n_outputs=1, start=untyped([]), step=STEP),
        "must be hashable",
    ),
    "short rows": (
        lambda: sp.Automaton(n_inputs=2, n_outputs=1, start=0, step=STEP, symbols=[(True,)]),
        "a row must have 2 values, one for each input line, got 1",
    ),
    "many lines": (
        lambda: sp.Automaton(n_inputs=13, n_outputs=1, start=0, step=STEP),
        "give the rows that can occur as symbols",
    ),
    "no rows": (lambda: sp.Automaton(n_inputs=1, n_outputs=1, start=0, step=STEP, symbols=[]), "at least one row"),
    "an empty table": (lambda: from_table({}), "start must be a state of the table"),
    "a negative delay": (lambda: from_table({0: {(0,): (0, [True])}}).delayed(-1), "from 0 to 4096 ticks, got -1"),
    "a delay without end": (
        lambda: from_table({0: {(0,): (0, [True])}}).delayed(10**9),
        "the delay of an automaton's outputs must be from 0 to 4096 ticks, got 1000000000",
    ),
    "within ages": (lambda: sp.within(10**9, after=0), "ticks must be from 1 to 4096, got 1000000000"),
    "never within": (lambda: sp.within(0, after=0), "ticks must be from 1 to 4096, got 0"),
    "at most less than none": (lambda: sp.at_most(-1, ticks=1, output=0), "spikes must be at least 0"),
    "a line too many": (
        lambda: sp.within(1, after=1).monitor(ONE_LINE),
        "input line must be 0, got 1",
    ),
    "an output too many": (
        lambda: sp.at_most(1, ticks=1, output=-1).monitor(ONE_LINE),
        "output must be 0, got -1",
    ),
    "a text of outputs": (
        lambda: sp.within(1, after=0, answers="open"),
        "answers must be a list of outputs, got 'open'; write ['open']",
    ),
    "a name where there are none": (
        lambda: sp.within(1, after="coin").monitor(ONE_LINE),
        "input lines have no names here, got 'coin'; give its number, 0",
    ),
    "rows of another width": (
        lambda: sp.never(lambda row, spikes: False, symbols=[(True, False)]).monitor(ONE_LINE),
        "symbols must be rows of 1 values",
    ),
    "two outputs for one": (
        lambda: sp.Automaton(n_inputs=1, n_outputs=1, start=0, step=lambda *_: (0, [True, True])).answer(0, (True,)),
        "step must return 1 outputs, got 2 in state 0",
    ),
    "no outputs": (
        lambda: sp.Automaton(n_inputs=1, n_outputs=1, start=0, step=untyped(lambda *_: 5)).answer(0, (True,)),
        "step must return a state and a sequence of outputs, got 5",
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_bad_arguments(name: str) -> None:
    call, message = CALLS[name]
    with pytest.raises(sp.SpecError, match=re.escape(message)):
        call()


@pytest.mark.parametrize(
    "automaton",
    [from_expression("a*b", n_inputs=2), from_kiss2("0 a a 1\n").delayed(2), sp.specs.counter(3).automaton],
    ids=["expression", "table", "spec"],
)
def test_automata_travel(automaton: sp.Automaton) -> None:
    again = pickle.loads(pickle.dumps(automaton))
    row = automaton.rows(automaton.start)[0]
    assert again.answer(again.start, row) == automaton.answer(automaton.start, row)
