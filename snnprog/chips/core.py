"""The limits of one core of a chip as data, and the storage of synapses in its memory.

A limit of None has no source that can be cited; it is not checked, and tables say so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType

import numpy as np

from snnprog.arrays import Int64s, Integers
from snnprog.calls import call_checked
from snnprog.errors import SpecError
from snnprog.rules.typed import convert_fields

WIDEST_FIELD = 64
"""Bits of a weight or an index: more than any memory uses, and sums of them fit in an int64."""

RESOURCES: Mapping[str, str] = MappingProxyType(
    {
        "neurons": "neurons",
        "axons_in": "axons in",
        "axons_out": "axons out",
        "words": "synaptic memory",
        "profiles": "decay profiles",
        "thresholds": "distinct thresholds",
        "formats": "synapse formats",
    }
)


@call_checked
@dataclass(frozen=True)
class SynapticMemory:
    """The storage of the synapses of a line on a core.

    A line has one list per core, made of parts, one for each synapse format. A part is a run of blocks, and a block is
    a header and up to ``block_synapses`` synapses, rounded up to whole words. A synapse is its weight, its delay and
    the index of its neuron on the core. A part without repeated neurons can also be stored whole: one synapse
    for every neuron of the core, including zeros, without indices. The shorter form is used.

    Attributes
    ----------
    words : int
        In one core.
    word_bits, header_bits, block_synapses : int
    weight_bits, index_bits : tuple of int
        The available widths, ascending.

    Raises
    ------
    SpecError
        If a size is less than 1, or widths do not ascend.
    """

    words: int
    word_bits: int
    header_bits: int
    block_synapses: int
    weight_bits: tuple[int, ...]
    index_bits: tuple[int, ...]

    def __post_init__(self) -> None:
        convert_fields(self, "a core's memory")
        for item in ("words", "word_bits", "block_synapses"):
            _check_least(item, getattr(self, item), least=1)
        _check_least("header_bits", self.header_bits, least=0)
        for item in ("weight_bits", "index_bits"):
            widths = getattr(self, item)
            if not widths or list(widths) != sorted(set(widths)) or widths[0] < 0 or widths[-1] > WIDEST_FIELD:
                raise SpecError(f"{item} must be widths of 0 to {WIDEST_FIELD} bits, ascending, got {widths}")

    def holds(self, weights: tuple[int, int]) -> bool:
        """Return whether the widest weights hold all integers of a range in two's complement."""
        half = 1 << max(self.weight_bits[-1] - 1, 0)
        return -half <= weights[0] and weights[1] < half

    def weight_width(self, weights: Integers, *, is_mixed: bool) -> int:
        """Return the minimum number of bits whose grid contains all weights of one format.

        Parameters
        ----------
        weights : array of int
            The mantissas.
        is_mixed : bool
            Whether the format holds weights of either sign, which takes a bit.
        """
        zeros = int(np.bitwise_or.reduce(np.abs(weights), initial=1 << self.weight_bits[-1]))
        widest = self.weight_bits[-1]
        needed = min(widest + is_mixed - ((zeros & -zeros).bit_length() - 1), widest)
        return next(width for width in self.weight_bits if width >= max(needed, 1))

    def index_width(self, neurons: int) -> int:
        """Return the minimum index bits for the neurons of a core, from the available widths if one suffices."""
        needed = (neurons - 1).bit_length()
        return next((width for width in self.index_bits if width >= needed), needed)

    def words_for(self, synapses: Int64s | int, bits: Int64s | int) -> Int64s:
        """Return the words of a part with so many synapses of so many bits each."""
        number, width = np.asarray(synapses, dtype=np.int64), np.asarray(bits, dtype=np.int64)
        full, rest = np.divmod(number, self.block_synapses)
        per_block = self._words(self.block_synapses * width + self.header_bits)
        total: Int64s = full * per_block + np.where(rest > 0, self._words(rest * width + self.header_bits), 0)
        return total

    def _words(self, bits: Int64s) -> Int64s:
        words: Int64s = -(-bits // self.word_bits)
        return words


@call_checked
@dataclass(frozen=True)
class Core:
    """The limits of one core.

    Attributes
    ----------
    neurons : int or None
    axons_in : int or None
        Lines (inputs and neurons) that have synapses on the core: one each, for all formats and delays.
    axons_out : int or None
        Pairs of a neuron on the core and a core that it has synapses on, its own included.
    profiles, thresholds, formats : int or None
        Distinct decays and refractory periods together, distinct thresholds, and distinct synapse formats (a sign mode
        and an exponent).
    memory : SynapticMemory or None

    Raises
    ------
    SpecError
        If a limit is less than 1.
    """

    neurons: int | None = None
    axons_in: int | None = None
    axons_out: int | None = None
    profiles: int | None = None
    thresholds: int | None = None
    formats: int | None = None
    memory: SynapticMemory | None = None

    def __post_init__(self) -> None:
        convert_fields(self, "a core")
        for field in fields(self):
            found = getattr(self, field.name)
            if field.name != "memory" and found is not None:
                _check_least(field.name, found, least=1)

    def limit(self, resource: str) -> int | None:
        """Return the limit of one of `RESOURCES`, or None if it is unknown."""
        if resource == "words":
            return None if self.memory is None else self.memory.words
        found: int | None = getattr(self, resource)
        return found


UNKNOWN = Core()


@call_checked
@dataclass(frozen=True)
class Energy:
    """Published energies per operation, in picojoules; energies calculated from them are estimates.

    Attributes
    ----------
    synaptic_operation : float
        One synapse carrying one spike.
    message : float
        One spike brought to one core.
    update : tuple of float
        One neuron advanced by one tick: idle, and active.
    source : str
        The source of the figures, and their meaning.

    Raises
    ------
    SpecError
        If an energy is negative or not finite.
    """

    synaptic_operation: float
    message: float
    update: tuple[float, float]
    source: str

    def __post_init__(self) -> None:
        convert_fields(self, "a chip's energy")
        for energy in (self.synaptic_operation, self.message, *self.update):
            if not 0 <= energy < math.inf:
                raise SpecError(f"energy must be a non-negative, finite number of picojoules, got {energy}")


def _check_least(item: str, value: int, *, least: int) -> None:
    if value < least:
        raise SpecError(f"{item} of a core must be {least} or more, got {value}")
