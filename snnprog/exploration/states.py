"""A growing set of states: each state is a row of 64-bit words, numbered in order of arrival."""

from __future__ import annotations

import numpy as np

from snnprog.arrays import Bytes, Int32s, Int64s, UInt64s
from snnprog.jit import compiled

FIRST_CAPACITY = 1 << 10  # rows; it doubles as they come, so any size would do
EMPTY = -1  # in the table of places, where no row is numbered below 0
FULLEST = 2
"""The table of places has at least so many times as many as there are states: open addressing is quick up to a half."""

PRIME = np.uint64(0x9E3779B97F4A7C15)
"""2^64 divided by the golden ratio, odd: Knuth's multiplicative hashing (The Art of Computer Programming 3, 6.4)."""

WORD = np.dtype(np.uint64)

inlined = compiled(nogil=True, error_model="numpy")
"""Compiles a function when it is first called, into the code that calls it."""


def as_words(rows: Bytes) -> UInt64s:
    """Return rows of bytes ``(n, bytes)`` as rows of words, filled up with zeros."""
    count, width = rows.shape
    filled = np.zeros((count, -(-width // WORD.itemsize) * WORD.itemsize), np.uint8)
    filled[:, :width] = rows
    return filled.view(WORD)


@inlined
def place_of(rows: UInt64s, places: Int32s, row: UInt64s) -> np.uint64:
    """Return the place in the table at which a row is, or belongs."""
    value = PRIME
    for word in row:
        value = (value ^ word) * PRIME
        value ^= value >> np.uint64(32)
    mask = np.uint64(places.size - 1)
    place = value & mask
    while places[place] >= 0:
        known, is_equal = rows[places[place]], True
        for index in range(row.size):
            if known[index] != row[index]:
                is_equal = False
                break
        if is_equal:
            break
        place = (place + np.uint64(1)) & mask
    return place


@compiled(nogil=True, error_model="numpy")
def _insert(rows: UInt64s, count: int, places: Int32s, given: UInt64s, numbers: Int64s, fresh: Int64s) -> int:
    """Give each row its number, note which were new, and return how many rows there are then."""
    first = count
    for index in range(given.shape[0]):
        place = place_of(rows, places, given[index])
        if places[place] < 0:
            places[place] = count
            for word in range(rows.shape[1]):  # Numba takes 2 s longer to compile the assignment of an array to a row
                rows[count, word] = given[index, word]
            fresh[count - first] = index
            count += 1
        numbers[index] = places[place]
    return count


@compiled(nogil=True, error_model="numpy")
def _place(rows: UInt64s, count: int, places: Int32s) -> None:
    """Enter rows, which all differ, into an empty table of places."""
    for number in range(count):
        places[place_of(rows, places, rows[number])] = number


class StateSet:
    """Rows of words, numbered from 0.

    Parameters
    ----------
    width : int
        Words of a row.

    Attributes
    ----------
    places : (places,) int32
        The table of the rows' numbers, by open addressing.
    """

    def __init__(self, width: int) -> None:
        self._rows = np.empty((FIRST_CAPACITY, width), WORD)
        self.places = np.full(FULLEST * FIRST_CAPACITY, EMPTY, np.int32)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def rows(self) -> UInt64s:
        """All rows, ``(states, width)`` uint64, in the order of their numbers; a view until the next `add`."""
        return self._rows[: self._count]

    @property
    def n_bytes(self) -> int:
        """The bytes of the rows that there are, and of the table of places."""
        return self.rows.nbytes + self.places.nbytes

    def add(self, rows: UInt64s) -> tuple[Int64s, Int64s]:
        """Return the number of each row ``(n, width)``, and which rows are new; they get the next numbers in order."""
        room, before = self.room_for(len(rows)), self._count
        numbers, fresh = np.empty(len(rows), np.int64), np.empty(len(rows), np.int64)
        self._count = _insert(room, before, self.places, np.ascontiguousarray(rows), numbers, fresh)
        return numbers, fresh[: self._count - before]

    def room_for(self, more: int) -> UInt64s:
        """Return all rows, and room for more after them; a caller that fills it calls `filled`."""
        needed = self._count + more
        if needed > len(self._rows):
            capacity = 1 << (needed - 1).bit_length()
            larger = np.empty((capacity, self._rows.shape[1]), WORD)
            larger[: self._count] = self.rows
            self._rows, self.places = larger, np.full(FULLEST * capacity, EMPTY, np.int32)
            _place(self._rows, self._count, self.places)
        return self._rows

    def filled(self, count: int) -> None:
        """Note how many rows there are, after a compiled loop has entered some."""
        self._count = count
