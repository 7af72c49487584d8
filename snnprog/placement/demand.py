"""The resources of a core that each neuron of a program takes.

A *part* is the synapses of a line (an input or a neuron) on a core in one synapse format: see `SynapticMemory`. A
format is a sign mode and an exponent; its weight and delay bits are the minimum for all its synapses in the program.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from snnprog.arrays import Bools, Int32s, Int64s, Integers
from snnprog.chips import SynapticMemory
from snnprog.program import MIXED, Program

SLICE = 1 << 18
"""Number of synapses, or entries, that are counted at a time: there may be millions, and each takes tens of bytes while
it is counted. A choice, not a measurement."""


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
    part: Int32s
    synapses: Int32s
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
        mode, exponent, pre, count = program.sign_mode, program.exponent, program.pre, program.n_synapses
        kinds, form = _numbers_of(lambda some: mode[some] * np.int32(span) + exponent[some] - np.int32(low), count)
        formats = max(kinds.size, 1)
        parts, part = _numbers_of(lambda some: pre[some] * np.int64(formats) + form[some], count)
        first, shared, synapses = _entries(program.post, part, neurons=program.n_neurons, parts=parts.size)
        return cls(
            n_inputs=program.n_inputs,
            n_neurons=program.n_neurons,
            first=first,
            part=shared,
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

    def runs(self) -> Iterator[tuple[slice, slice]]:
        """Yield neurons in runs, with their entries: few enough to count at a time."""
        return _runs(self.first)

    def parts_of(self, neurons: Int64s) -> tuple[Integers, Integers, Bools]:
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

    def words_of(self, parts: Integers, synapses: Integers, is_listed: Bools, *, neurons: int) -> int:
        """Return the words of some parts, with these numbers of synapses, on a core whose memory is known."""
        forms = self.format[parts]
        listed = self._listed_words(forms, synapses, neurons=neurons)
        assert self.memory is not None, "callers ask"
        whole = self.memory.words_for(neurons, self.bits)[forms]
        return int(np.where(is_listed, listed, np.minimum(listed, whole)).sum())

    def listed_words(self, parts: Integers, synapses: Integers, *, neurons: int) -> Int64s:
        """Return the words of each of some parts if it is listed."""
        return self._listed_words(self.format[parts], synapses, neurons=neurons)

    def _listed_words(self, forms: Int64s, synapses: Integers, *, neurons: int) -> Int64s:
        assert self.memory is not None, "callers ask"
        width = self.memory.index_width(neurons)
        if width not in self._tables:
            counts = np.arange(int(self.synapses_of_parts.max(initial=0)) + 1, dtype=np.int64)
            self._tables[width] = self.memory.words_for(counts, (self.bits + width)[:, None])
        words: Int64s = self._tables[width][forms, synapses]
        return words

    @cached_property
    def _tables(self) -> dict[int, Int64s]:
        """By width of an index: (formats, synapses) the words of a listed part."""
        return {}

    @cached_property
    def synapses_of_parts(self) -> Int64s:
        """(parts,) The synapses of each part on all neurons together."""
        total = np.zeros(self.n_parts, np.int64)
        for some in _slices(self.part.size):
            total += np.bincount(self.part[some], self.synapses[some], self.n_parts).astype(np.int64)
        return total

    @cached_property
    def neurons_of_parts(self) -> Int64s:
        """(parts,) The neurons that have synapses in each part."""
        total = np.zeros(self.n_parts, np.int64)
        for some in _slices(self.part.size):
            total += np.bincount(self.part[some], minlength=self.n_parts)
        return total

    def alone(self) -> dict[str, Int64s]:
        """Return (neurons,) the resources that each neuron takes on its own core; words if known."""
        names = ("axons_in", "formats") if self.memory is None else ("axons_in", "words", "formats")
        found: dict[str, Int64s] = {name: np.zeros(self.n_neurons, np.int64) for name in names}
        for neurons, entries in self.runs():
            for name, used in self._alone(neurons, entries).items():
                found[name][neurons] = used
        return found

    def _alone(self, neurons: slice, entries: slice) -> dict[str, Int64s]:
        """Return the resources of a run of neurons, each on its own core."""
        owner, count = self.owners(neurons), neurons.stop - neurons.start
        part, synapses = self.part[entries], self.synapses[entries]
        line, forms = self.line[part], self.format[part]
        is_next = np.ones(line.size, np.bool_)
        is_next[1:] = (line[1:] != line[:-1]) | (owner[1:] != owner[:-1])  # parts are in order of their lines
        kinds = np.unique(owner * self.bits.size + forms) // self.bits.size
        used = {"axons_in": np.bincount(owner[is_next], minlength=count)}
        if self.memory is not None:
            listed = self.listed_words(part, synapses, neurons=1)
            whole = self.memory.words_for(1, self.bits)[forms]
            words = np.where(synapses > 1, listed, np.minimum(listed, whole))
            used["words"] = np.bincount(owner, words, count).astype(np.int64)
        return used | {"formats": np.bincount(kinds, minlength=count)}

    def owners(self, neurons: slice) -> Int64s:
        """Return the neuron of each entry of a run of neurons, counted from its first neuron."""
        counts = np.diff(self.first[neurons.start : neurons.stop + 1])
        return np.repeat(np.arange(counts.size), counts)

    @property
    def owner(self) -> Int64s:
        """The neuron of each entry."""
        return self.owners(slice(0, self.n_neurons))


def _slices(count: int) -> list[slice]:
    return [slice(start, min(start + SLICE, count)) for start in range(0, count, SLICE)]


def _numbers_of(values: Callable[[slice], Integers], count: int) -> tuple[Int64s, Integers]:
    """Return the different values of all slices, and the place of each value among them, in as few bits as it takes."""
    found = [np.unique(values(some)) for some in _slices(count)]
    different = np.unique(np.concatenate([np.zeros(0, np.int64), *found]))
    places = np.empty(count, np.min_scalar_type(-max(different.size, 1)))
    for some in _slices(count):
        places[some] = np.searchsorted(different, values(some))
    return different, places


def _runs(first: Int64s) -> Iterator[tuple[slice, slice]]:
    """Yield runs of neurons with at most `SLICE` entries, or of one neuron; neuron n has first[n] to first[n + 1]."""
    start, count = 0, first.size - 1
    while start < count:
        stop = max(start + 1, int(np.searchsorted(first, first[start] + SLICE, side="right")) - 1)
        yield slice(start, stop), slice(int(first[start]), int(first[stop]))
        start = stop


def _entries(post: Int32s, part: Integers, *, neurons: int, parts: int) -> tuple[Int64s, Int32s, Int32s]:
    """Return the first entry of each neuron, and each entry's part and number of synapses."""
    into = np.zeros(neurons + 1, np.int64)
    for some in _slices(post.size):
        into[1:] += np.bincount(post[some], minlength=neurons)
    owned, own_part, synapses = np.zeros(neurons + 1, np.int64), [np.zeros(0, np.int32)], [np.zeros(0, np.int32)]
    for run, _ in _runs(np.cumsum(into)):
        inside = np.flatnonzero((post >= run.start) & (post < run.stop))
        pairs = (post[inside] - run.start) * np.int64(parts) + part[inside]
        entries, counts = np.unique(pairs, return_counts=True)
        owned[run.start + 1 : run.stop + 1] = np.bincount(entries // max(parts, 1), minlength=run.stop - run.start)
        own_part.append((entries % max(parts, 1)).astype(np.int32))
        synapses.append(counts.astype(np.int32))
    return np.cumsum(owned), np.concatenate(own_part), np.concatenate(synapses)


def _numbered(rows: Int32s) -> Int64s:
    """Return a number for each column, equal where columns are equal."""
    return np.unique(rows, axis=1, return_inverse=True)[1].reshape(-1).astype(np.int64)


def _bits(program: Program, memory: SynapticMemory | None, modes: list[int], form: Integers) -> Int64s:
    if memory is None:
        return np.zeros(len(modes), dtype=np.int64)
    widths = []
    for index, mode in enumerate(modes):
        inside = form == index
        weights = memory.weight_width(program.weight[inside], is_mixed=mode == MIXED)
        widths.append(weights + int(program.delay[inside].max() - 1).bit_length())
    return np.array(widths, dtype=np.int64)
