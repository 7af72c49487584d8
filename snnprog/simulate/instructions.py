"""Instructions of processors that Numba has no functions for, each for the kernel's compiled loops.

Each is a Python function, which says what it does and runs without Numba, and the LLVM code that replaces it. Bits are
counted from the lowest on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload
from numpy.typing import NDArray

from snnprog.arrays import Bytes, Integers
from snnprog.jit import unpack
from snnprog.simulate.memory import LANES, SCANNED, SPREAD

READ_SOON = (0, 3, 1)
"""Arguments of `llvm.prefetch`, by LLVM's language reference: a read, into the nearest cache, of data."""

BIT, BYTE, NUMBER = ir.IntType(1), ir.IntType(8), ir.IntType(32)


def inserted(code: Callable[..., object], gives: Any) -> Any:
    """Return what inserts LLVM code into a compiled function, called with a tuple of arguments.

    Parameters
    ----------
    code : callable
        It gets a builder and the arguments: pointers to the first elements of arrays.
    gives : type
        What it returns, as Numba knows types.
    """

    def typed(typing: object, given: Any) -> tuple[object, Callable[..., object]]:
        def generate(context: Any, builder: Any, signature: Any, values: Sequence[Any]) -> object:
            operands = [
                context.make_array(kind)(context, builder, value).data if isinstance(kind, types.Array) else value
                for kind, value in zip(given, unpack(builder, values[0]), strict=True)
            ]
            found = code(builder, *operands)
            return context.get_dummy_value() if gives is types.void else found

        return gives(given), generate

    return intrinsic(typed)


def instruction(
    function: Callable[..., object], gives: Any
) -> Callable[[Callable[..., object]], Callable[..., object]]:
    """Declare the LLVM code of a function; see `inserted`."""

    def declare(code: Callable[..., object]) -> Callable[..., object]:
        insert = inserted(code, gives)

        def choose(*arguments: object) -> Callable[..., object]:
            def call(*arguments: object) -> object:
                return insert(arguments)

            return call

        overload(function)(choose)
        return code

    return declare


def prefetch(array: NDArray[np.generic], index: np.uint64 | int) -> None:
    """Let the processor fetch an element of an array that compiled code will read soon; the index may be out of range.

    Without Numba, this does nothing.
    """


@instruction(prefetch, types.void)
def _prefetch(builder: Any, array: Any, index: Any) -> None:
    pointer = _place(builder, array, index, BYTE)
    kind = ir.FunctionType(ir.VoidType(), [pointer.type, NUMBER, NUMBER, NUMBER])
    function = builder.module.declare_intrinsic("llvm.prefetch", [pointer.type], kind)
    builder.call(function, [pointer, *(NUMBER(each) for each in READ_SOON)])


def separate() -> None:
    """Promise that no two arrays of the calling function overlap, so that it need not look whether they do.

    Without Numba, this does nothing.
    """


def _promise(builder: Any) -> None:
    for argument in builder.function.args:
        if isinstance(argument.type, ir.PointerType):
            argument.add_attribute("noalias")


_promised: Any = inserted(_promise, types.void)


@overload(separate, inline="always")
def _separate() -> Callable[..., None]:
    """Return what Numba compiles for `separate`, as a part of the calling function."""

    def call() -> None:
        _promised(())

    return call


def lowest(bits: np.uint64) -> np.uint64:
    """Return the index of the lowest bit that is set, of at least one."""
    number = int(bits)
    return np.uint64((number & -number).bit_length() - 1)


@instruction(lowest, types.uint64)
def _lowest(builder: Any, bits: Any) -> object:
    return builder.cttz(bits, BIT(1))


def count_bits(bits: np.uint64) -> np.uint64:
    """Return how many bits are set."""
    return np.uint64(bin(int(bits)).count("1"))


@instruction(count_bits, types.uint64)
def _count_bits(builder: Any, bits: Any) -> object:
    return builder.ctpop(bits)


def marked(numbers: Bytes, first: np.uint64 | int) -> np.uint64:
    """Return a word with a bit for each of `SCANNED` bytes, from a first one on: 1 if it is not 0."""
    some = numbers[int(first) : int(first) + SCANNED] != 0
    return np.uint64(_word(some))


@instruction(marked, types.uint64)
def _marked(builder: Any, numbers: Any, first: Any) -> object:
    vector = ir.VectorType(BYTE, SCANNED)
    found = builder.load(_place(builder, numbers, first, vector), align=1)
    return builder.bitcast(builder.icmp_unsigned("!=", found, ir.Constant(vector, None)), ir.IntType(SCANNED))


def negative(numbers: Integers, first: np.uint64 | int) -> np.uint32:
    """Return a word with a bit for each of `LANES` numbers, from a first one on: 1 if it is below 0."""
    some = np.asarray(numbers[int(first) : int(first) + LANES]) < 0
    return np.uint32(_word(some))


@instruction(negative, types.uint32)
def _negative(builder: Any, numbers: Any, first: Any) -> object:
    vector = ir.VectorType(numbers.type.pointee, LANES)
    found = builder.load(_place(builder, numbers, first, vector), align=1)
    return builder.bitcast(builder.icmp_signed("<", found, ir.Constant(vector, None)), ir.IntType(LANES))


def write_bits(bits: np.uint32, target: Bytes, first: np.uint64 | int) -> None:
    """Write each of `LANES` bits as a byte, from a first one on."""
    for index in range(LANES):
        target[int(first) + index] = int(bits) >> index & 1


@instruction(write_bits, types.void)
def _write_bits(builder: Any, bits: Any, target: Any, first: Any) -> None:
    vector = ir.VectorType(BYTE, LANES)
    single = builder.bitcast(bits, ir.VectorType(BIT, LANES))
    builder.store(builder.zext(single, vector), _place(builder, target, first, vector), align=1)


def write_sequence(first: np.uint32, target: NDArray[np.uint32], place: np.uint64 | int) -> None:
    """Write `SPREAD` numbers in sequence, from a place on."""
    target[int(place) : int(place) + SPREAD] = first + np.arange(SPREAD, dtype=np.uint32)


@instruction(write_sequence, types.void)
def _write_sequence(builder: Any, first: Any, target: Any, place: Any) -> None:
    vector = ir.VectorType(NUMBER, SPREAD)
    single = builder.insert_element(ir.Constant(vector, ir.Undefined), first, NUMBER(0))
    every = builder.shuffle_vector(single, single, ir.Constant(vector, [0] * SPREAD))
    sequence = builder.add(every, ir.Constant(vector, list(range(SPREAD))))
    builder.store(sequence, _place(builder, target, place, vector), align=1)


def _place(builder: Any, array: Any, index: Any, kind: Any) -> Any:
    """Return a pointer of a type to an element of an array."""
    return builder.bitcast(builder.gep(array, [index]), kind.as_pointer())


def _word(some: NDArray[np.bool_]) -> int:
    return sum(1 << int(index) for index in np.flatnonzero(some))
