"""Instructions: what compiled code does is what the Python functions do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from snnprog.arrays import Bytes, Integers, UInt64s
from snnprog.jit import compiled
from snnprog.simulate import instructions
from snnprog.simulate.memory import LANES, SCANNED, SPREAD


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
