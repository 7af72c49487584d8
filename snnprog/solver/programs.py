"""The integer programs and packings that CP-SAT solves, and their answers, as data."""

from __future__ import annotations

from dataclasses import dataclass

from snnprog.arrays import Bools, Int64s
from snnprog.rules.expressions import Rounding


@dataclass(frozen=True)
class Division:
    """``values[quotient] = factor values[dividend] / divisor``, rounded; factor and divisor are positive."""

    quotient: int
    dividend: int
    factor: int
    divisor: int
    rounding: Rounding = Rounding.TOWARD_ZERO


@dataclass(frozen=True, eq=False)
class IntegerProgram:
    """Find integers with ``matrix x >= least``, ``lower <= x <= upper`` and all divisions.

    Attributes
    ----------
    matrix : (rows, variables) int
    least : (rows,) int
    lower, upper : (variables,) int
    steps : (variables,) int
        The values of each variable are ``lower``, ``lower + step``, and so on.
    divisions : tuple of Division
    """

    matrix: Int64s
    least: Int64s
    lower: Int64s
    upper: Int64s
    steps: Int64s
    divisions: tuple[Division, ...] = ()


@dataclass(frozen=True, eq=False)
class Integral:
    """The answer to an integer program.

    Attributes
    ----------
    values : (variables,) int or None
        A solution, if one was found.
    is_impossible : bool
        Whether it is proved that there is none.
    effort : float
        Units of deterministic work that it took.
    """

    values: Int64s | None
    is_impossible: bool
    effort: float


@dataclass(frozen=True, eq=False)
class StoredParts:
    """The memory that parts take in a bin, as tables.

    Attributes
    ----------
    words : int
        The capacity of a bin.
    format : (parts,) int
    sizes : tuple of int
        Maximum number of items of each class of bins, ascending.
    listed : (classes, formats, synapses) int
        Words of a part by its number of synapses.
    whole : (formats, items) int
        Alternative words by the bin's number of items, if no item has two synapses in the part.
    """

    words: int
    format: Int64s
    sizes: tuple[int, ...]
    listed: Int64s
    whole: Int64s


@dataclass(frozen=True, eq=False)
class Packing:
    """Put all items into bins, within the limits of each bin.

    Attributes
    ----------
    bins : int
    capacity : int or None
        Maximum number of items in a bin.
    kinds : tuple of ((items, marks) bool, int)
        Maximum number of distinct marks of the items of a bin.
    lines : (items, lines) bool
        Which lines reach a bin with the item in it; the last lines are those of the items themselves.
    routes : int or None
        Maximum number of pairs, in a bin, of an item and a bin that its line reaches.
    synapses : (items, parts) int
    stored : StoredParts or None
    """

    bins: int
    capacity: int | None
    kinds: tuple[tuple[Bools, int], ...]
    lines: Bools
    routes: int | None
    synapses: Int64s
    stored: StoredParts | None


@dataclass(frozen=True, eq=False)
class PackingAnswer:
    """The answer to a packing.

    Attributes
    ----------
    bins : (items,) int or None
        The bin of each item, if a packing was found.
    is_impossible : bool
        Whether a proof shows that none exists.
    """

    bins: Int64s | None
    is_impossible: bool
