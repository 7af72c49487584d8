"""The resources of a core that each neuron of a program takes.

A *part* is the synapses of a line (an input or a neuron) on a core in one synapse format: see `SynapticMemory`. A
format is a sign mode and an exponent; its weight and delay bits are the minimum for all its synapses in the program.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from snnprog.arrays import Bools, Int32s, Int64s, Integers
from snnprog.chips import SynapticMemory
from snnprog.program import MIXED, Program


@dataclass(frozen=True, eq=False)
class CoreDemand:
    """The demands of all neurons; an entry is one neuron's share in one part.

    Attributes
    ----------
    n_inputs, n_neurons : int
        Line l below ``n_inputs`` is an input, any other is neuron ``l - n_inputs``.
    first : (neurons + 1,) int
        The entries of neuron n are ``first[n]`` to ``first[n + 1]``, in order of their parts.
    part, synapses : (entries,) int
        The part, and the number of its synapses on the neuron.
    line, format : (parts,) int
        The line and the format of each part; parts are in order of their lines.
    bits : (formats,) int
        Width of a synapse of the format without its index.
    profile, threshold : (neurons,) int
        Numbers that are equal if decays, or thresholds, are equal.
    memory : SynapticMemory or None
        How a core stores parts, if known.
    """

    n_inputs: int
    n_neurons: int
    first: Int64s
    part: Int64s
    synapses: Int64s
    line: Int64s
    format: Int64s
    bits: Int64s
    profile: Int64s
    threshold: Int64s
    memory: SynapticMemory | None

    @classmethod
    def of(cls, program: Program, memory: SynapticMemory | None) -> CoreDemand:
        """Return the demands of a program's neurons."""
        low, high = program.chip.exponents
        span = high - low + 1
        kinds, form = _numbers_of(program.sign_mode * np.int32(span) + program.exponent - np.int32(low))
        formats = max(kinds.size, 1)
        parts, part = _numbers_of(program.pre * np.int64(formats) + form)
        n_parts = max(parts.size, 1)
        entries, synapses = np.unique(program.post * np.int64(n_parts) + part, return_counts=True)
        return cls(
            n_inputs=program.n_inputs,
            n_neurons=program.n_neurons,
            first=np.searchsorted(entries, np.arange(program.n_neurons + 1, dtype=np.int64) * n_parts),
            part=entries % n_parts,
            synapses=synapses,
            line=parts // formats,
            format=parts % formats,
            bits=_bits(program, memory, (kinds // span).tolist(), form),
            profile=_numbered(np.stack([program.current_decay, program.potential_decay, program.refractory])),
            threshold=_numbered(program.threshold[None]),
            memory=memory,
        )

    @property
    def n_parts(self) -> int:
        """Number of parts."""
        return int(self.line.size)

    @property
    def n_lines(self) -> int:
        """Number of input lines and neurons."""
        return self.n_inputs + self.n_neurons

    def parts_of(self, neurons: Int64s) -> tuple[Int64s, Int64s, Bools]:
        """Return the parts of some neurons, each once, the synapses in each, and whether one neuron has several."""
        if neurons.size == 1:
            entries = slice(self.first[neurons[0]], self.first[neurons[0] + 1])
            return self.part[entries], self.synapses[entries], self.synapses[entries] > 1
        starts, counts = self.first[neurons], self.first[neurons + 1] - self.first[neurons]
        entries = np.arange(counts.sum()) + np.repeat(starts - (np.cumsum(counts) - counts), counts)
        synapses = self.synapses[entries]
        parts, place = np.unique(self.part[entries], return_inverse=True)
        total = np.bincount(place, synapses, parts.size).astype(np.int64)
        return parts, total, np.bincount(place, synapses > 1, parts.size) > 0

    def words(self, synapses: Int64s, is_listed: Bools, neurons: int) -> int | None:
        """Return the words of a core's parts, from the synapses of each; None if the memory is unknown.

        Parts without synapses take no words. A part that need not be listed is stored whole if that is shorter.
        """
        if self.memory is None:
            return None
        held = np.flatnonzero(synapses > 0)
        return self.words_of(held, synapses[held], is_listed[held], neurons=neurons)

    def words_of(self, parts: Int64s, synapses: Int64s, is_listed: Bools, *, neurons: int) -> int:
        """Return the words of some parts, with these numbers of synapses, on a core whose memory is known."""
        forms = self.format[parts]
        listed = self._listed_words(forms, synapses, neurons=neurons)
        assert self.memory is not None, "callers ask"
        whole = self.memory.words_for(neurons, self.bits)[forms]
        return int(np.where(is_listed, listed, np.minimum(listed, whole)).sum())

    def listed_words(self, parts: Int64s, synapses: Int64s, *, neurons: int) -> Int64s:
        """Return the words of each of some parts if it is listed."""
        return self._listed_words(self.format[parts], synapses, neurons=neurons)

    def _listed_words(self, forms: Int64s, synapses: Int64s, *, neurons: int) -> Int64s:
        assert self.memory is not None, "callers ask"
        width = self.memory.index_width(neurons)
        if width not in self._tables:
            most = np.bincount(self.part, self.synapses).max(initial=0.0)
            counts = np.arange(int(most) + 1, dtype=np.int64)
            self._tables[width] = self.memory.words_for(counts, (self.bits + width)[:, None])
        words: Int64s = self._tables[width][forms, synapses]
        return words

    @cached_property
    def _tables(self) -> dict[int, Int64s]:
        """By width of an index: (formats, synapses) the words of a listed part."""
        return {}

    def alone(self) -> dict[str, Int64s]:
        """Return (neurons,) the resources that each neuron takes on its own core; words if known."""
        owner, line = self.owner, self.line[self.part]
        is_next = np.ones(line.size, np.bool_)
        is_next[1:] = (line[1:] != line[:-1]) | (owner[1:] != owner[:-1])  # parts are in order of their lines
        kinds = np.unique(owner * np.int64(self.bits.size) + self.format[self.part]) // self.bits.size
        counts = {"axons_in": np.bincount(owner[is_next], minlength=self.n_neurons)}
        if self.memory is not None:
            listed = self.listed_words(self.part, self.synapses, neurons=1)
            whole = self.memory.words_for(1, self.bits)[self.format[self.part]]
            words = np.where(self.synapses > 1, listed, np.minimum(listed, whole))
            counts["words"] = np.bincount(owner, words, self.n_neurons).astype(np.int64)
        return counts | {"formats": np.bincount(kinds, minlength=self.n_neurons)}

    @property
    def owner(self) -> Int64s:
        """The neuron of each entry."""
        return np.repeat(np.arange(self.n_neurons), np.diff(self.first))


def _numbers_of(values: Integers) -> tuple[Int64s, Int64s]:
    """Return the different values, and the place of each value among them.

    ``np.unique`` has the places too, but takes twice the memory, and there may be millions of synapses.
    """
    different = np.unique(values)
    return different.astype(np.int64), np.searchsorted(different, values)


def _numbered(rows: Int32s) -> Int64s:
    """Return a number for each column, equal where columns are equal."""
    return np.unique(rows, axis=1, return_inverse=True)[1].reshape(-1).astype(np.int64)


def _bits(program: Program, memory: SynapticMemory | None, modes: list[int], form: Int64s) -> Int64s:
    if memory is None:
        return np.zeros(len(modes), dtype=np.int64)
    widths = []
    for index, mode in enumerate(modes):
        inside = form == index
        weights = memory.weight_width(program.weight[inside].astype(np.int64), is_mixed=mode == MIXED)
        widths.append(weights + int(program.delay[inside].max() - 1).bit_length())
    return np.array(widths, dtype=np.int64)
