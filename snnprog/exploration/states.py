"""A growing set of states: each state is a row of bytes, numbered in order of arrival."""

from __future__ import annotations

import numpy as np

from snnprog.arrays import Bytes, Int64s
from snnprog.jit import compiled

FIRST_CAPACITY = 1 << 10  # rows; it doubles as they come, so any size would do
EMPTY = -1  # in the table of places, where no row is numbered below 0
FULLEST = 2
"""The table of places has at least so many times as many as there are states: open addressing is quick up to a half."""

# FNV-1a with 64 bits, byte by byte: rows are short, and eight bytes at a time would require padding.
OFFSET, PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)


@compiled(nogil=True, error_model="numpy")
def _digest(row: Bytes) -> np.uint64:
    value = OFFSET
    for byte in row:
        value = (value ^ np.uint64(byte)) * PRIME
    return value ^ (value >> np.uint64(29))


@compiled(nogil=True, error_model="numpy")
def _insert(rows: Bytes, count: int, places: Int64s, given: Bytes, numbers: Int64s, fresh: Int64s) -> int:
    """Give each row its number, note which were new, and return how many rows there are then."""
    mask, first = np.uint64(places.size - 1), count
    for index in range(given.shape[0]):
        place = _digest(given[index]) & mask
        while True:
            number = places[place]
            if number < 0:
                places[place] = count
                rows[count] = given[index]
                numbers[index] = count
                fresh[count - first] = index
                count += 1
                break
            is_equal = True
            for byte in range(given.shape[1]):
                if rows[number, byte] != given[index, byte]:
                    is_equal = False
                    break
            if is_equal:
                numbers[index] = number
                break
            place = (place + np.uint64(1)) & mask
    return count


@compiled(nogil=True, error_model="numpy")
def _place(rows: Bytes, count: int, places: Int64s) -> None:
    """Enter rows, which all differ, into an empty table of places."""
    mask = np.uint64(places.size - 1)
    for number in range(count):
        place = _digest(rows[number]) & mask
        while places[place] >= 0:
            place = (place + np.uint64(1)) & mask
        places[place] = number


class StateSet:
    """Rows of bytes, numbered from 0.

    Parameters
    ----------
    width : int
        Bytes of a row.
    """

    def __init__(self, width: int) -> None:
        self._rows = np.empty((FIRST_CAPACITY, width), np.uint8)
        self._places = np.full(FULLEST * FIRST_CAPACITY, EMPTY, np.int64)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def rows(self) -> Bytes:
        """All rows, ``(states, width)`` uint8, in the order of their numbers; a view until the next `add`."""
        return self._rows[: self._count]

    def add(self, rows: Bytes) -> tuple[Int64s, Int64s]:
        """Return the number of each row ``(n, width)``, and which rows are new; they get the next numbers in order."""
        self._make_room(self._count + len(rows))
        before, numbers, fresh = self._count, np.empty(len(rows), np.int64), np.empty(len(rows), np.int64)
        self._count = _insert(self._rows, before, self._places, np.ascontiguousarray(rows), numbers, fresh)
        return numbers, fresh[: self._count - before]

    def _make_room(self, needed: int) -> None:
        if needed <= len(self._rows):
            return
        capacity = 1 << (needed - 1).bit_length()
        larger = np.empty((capacity, self._rows.shape[1]), np.uint8)
        larger[: self._count] = self._rows[: self._count]
        self._rows, self._places = larger, np.full(FULLEST * capacity, EMPTY, np.int64)
        _place(self._rows, self._count, self._places)
