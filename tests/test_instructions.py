"""Instructions: what compiled code does is what the Python functions say; and the kernel at the edges of its words."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from test_kernel import check_equal

import snnprog as sp
from snnprog.arrays import Bytes, Integers, UInt64s
from snnprog.jit import compiled
from snnprog.program import MIXED
from snnprog.simulate import instructions
from snnprog.simulate.memory import LANES, SCANNED, SHORT_ROW, SPREAD


@compiled()
def words_of(bits: np.uint64, marks: Bytes, numbers: Integers, found: UInt64s, first: np.uint64) -> None:
    """Call every instruction that returns a word."""
    found[0] = instructions.lowest(bits)
    found[1] = instructions.count_bits(bits)
    found[2] = instructions.marked(marks, first)
    found[3] = instructions.negative(numbers, first)
    instructions.prefetch(marks, first)


@compiled()
def write(bits: np.uint32, target: Bytes, sequence: NDArray[np.uint32], first: np.uint64) -> None:
    """Call every instruction that writes."""
    instructions.write_bits(bits, target, first)
    instructions.write_sequence(bits, sequence, first)


@given(seed=st.integers(0, 2**32 - 1), bits=st.integers(1, 2**64 - 1), first=st.integers(0, 9))
@settings(deadline=None)
@pytest.mark.parametrize("kind", [np.int32, np.int64])
def test_compiled_instructions_are_the_functions(
    kind: type[np.signedinteger], seed: int, bits: int, first: int
) -> None:
    generator = np.random.default_rng(seed)
    marks = (generator.random(SCANNED + 9) < generator.random()).astype(np.uint8)
    numbers = generator.integers(-2, 2, LANES + 9).astype(kind)
    found = np.zeros(4, np.uint64)
    words_of(np.uint64(bits), marks, numbers, found, np.uint64(first))
    word, place = np.uint64(bits), np.uint64(first)
    assert found[0] == instructions.lowest(word) == f"{bits:b}"[::-1].index("1")
    assert found[1] == instructions.count_bits(word) == f"{bits:b}".count("1")
    assert found[2] == instructions.marked(marks, place) == int("".join(map(str, marks[first:][:SCANNED][::-1])), 2)
    signs = "".join(str(int(number < 0)) for number in numbers[first:][:LANES][::-1])
    assert found[3] == instructions.negative(numbers, place) == int(signs, 2)

    narrow = np.uint32(bits % 2**32)
    targets = np.full((2, LANES + 9), 7, np.uint8), np.full((2, SPREAD + 9), 7, np.uint32)
    write(narrow, targets[0][0], targets[1][0], place)
    instructions.write_bits(narrow, targets[0][1], place)
    instructions.write_sequence(narrow, targets[1][1], place)
    for compiled_ones, plain in targets:
        assert np.array_equal(compiled_ones, plain)
    assert targets[0][0][first:][:LANES].tolist() == [int(narrow) >> index & 1 for index in range(LANES)]
    assert targets[1][0][first:][:SPREAD].tolist() == [(int(narrow) + index) % 2**32 for index in range(SPREAD)]


def test_without_compilation_nothing_is_promised_or_fetched() -> None:
    marks = np.zeros(3, np.uint8)
    instructions.prefetch(marks, 10**6)
    instructions.separate()
    assert not marks.any()


def dense(n_inputs: int, n_neurons: int, *, delays: int, seed: int) -> sp.Program:
    """Return a program in which every input reaches every neuron, and neurons reach few."""
    generator = np.random.default_rng(seed)
    pre, post = (index.ravel() for index in np.indices((n_inputs, n_neurons)))
    few = generator.integers(0, n_neurons, (2, 2 * n_neurons))
    pre, post = np.concatenate([pre, n_inputs + few[0]]), np.concatenate([post, few[1]])
    return sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=n_inputs,
        n_neurons=n_neurons,
        outputs=np.arange(n_neurons - seed % 2),
        pre=pre,
        post=post,
        delay=generator.integers(1, delays + 1, pre.size),
        weight=2 * generator.integers(-60, 61, pre.size),
        sign_mode=MIXED,
        threshold=generator.integers(20, 300, n_neurons),
        potential_decay=generator.integers(0, 4096, n_neurons),
    )


@pytest.mark.parametrize("n_inputs", [1, SCANNED - 1, SCANNED, SCANNED + 1, 2 * SCANNED, 2 * SCANNED + 3])
@pytest.mark.parametrize("n_neurons", [LANES - 1, LANES, LANES + 1, 2 * LANES + 1, 3 * LANES + 2])
def test_numbers_of_lines_around_whole_words(n_inputs: int, n_neurons: int) -> None:
    """The last ticks of a raster, and patterns beside one another, which several threads write."""
    program = dense(n_inputs, n_neurons, delays=1, seed=n_inputs + n_neurons)
    generator = np.random.default_rng(n_inputs)
    rasters = [generator.random((ticks, n_inputs)) < 0.1 for ticks in (1, 2, 7, 0, 30)]
    traces = check_equal(program, rasters, threads=3)
    assert traces[-1].spikes.any()


@pytest.mark.parametrize("n_neurons", [SHORT_ROW, SHORT_ROW + 1])
@pytest.mark.parametrize("delays", [1, 3])
def test_short_and_long_rows_of_every_number(n_neurons: int, delays: int) -> None:
    program = dense(11, n_neurons, delays=delays, seed=4)
    raster = np.tri(11, dtype=np.bool_)[:, ::-1]
    check_equal(program, [raster, raster[::-1]])


def test_states_are_recorded_after_runs_that_do_not_record_them() -> None:
    program = dense(5, 40, delays=2, seed=6)
    raster = np.random.default_rng(3).random((60, 5)) < 0.2
    with sp.Simulator(program, "kernel") as quiet, sp.Simulator(program, "kernel", record="state") as told:
        for part in (raster[:1], raster[1:40], raster[40:]):
            assert np.array_equal(quiet.step(part).spikes, told.step(part).spikes)
    check_equal(program, [raster])
