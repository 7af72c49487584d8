"""A program as the words to load into cores, and as a ``.hex`` file that any host can read.

The file has a word of 8 hexadecimal digits on each line, ``@address`` before every run of addresses, and comments after
``//``, as Verilog's ``$readmemh`` reads it. The first comment is a line of JSON: what a host must know of the program
(`Image.about`).

Neurons are renumbered on each core (`snnprog.emit.hardware.parts`): output ``k`` of a core alone is its neuron
``k``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from snnprog.arrays import Int64s
from snnprog.emit.hardware.identity import identity_of
from snnprog.emit.hardware.parts import CorePart, parts_of
from snnprog.emit.hardware.plan import (
    COLUMNS,
    IS_LAST,
    IS_OUTPUT,
    LINES,
    OUTPUTS,
    SYNAPSES,
    CorePlan,
    Field,
    address_of,
    word_widths,
)
from snnprog.program import Program
from snnprog.simulate.layout import resting
from snnprog.simulate.parameters import parameters_of


@dataclass(frozen=True, eq=False)
class Image:
    """The words of a program.

    Attributes
    ----------
    addresses, words : (words,) int64
        Flat addresses, rising, and what stands there.
    about : mapping
        ``chip``; ``identity``, of the cores (`identity_of`);
        ``inputs`` and ``neurons`` of the program, how many; ``outputs``, the number of each one's output event;
        ``places``, for each neuron of the program what is added to the address of a state; and ``states``: name ->
        address of that state of the first neuron, lowest bit, bits, and whether they have a sign.
    """

    addresses: Int64s
    words: Int64s
    about: Mapping[str, object]

    def text(self) -> str:
        """Return the ``.hex`` file."""
        lines = [f"// {json.dumps(self.about)}"]
        expected = -1
        for address, word in zip(self.addresses.tolist(), self.words.tolist(), strict=True):
            if address != expected:
                lines.append(f"@{address:05x}")
            lines.append(f"{word:08x}")
            expected = address + 1
        return "\n".join(lines) + "\n"


def image_of(program: Program, plan: CorePlan) -> Image:
    """Return the image of a program for cores of its chip.

    Raises
    ------
    LimitError
        If there is no room for it, or more may arrive at a neuron than a core can add up.
    """
    parts = parts_of(program, plan)
    where = _Places.of(program, parts)
    memories: dict[int, Int64s] = {}
    for core, part in enumerate(parts):
        lines, synapses = _wires(program, plan, where, core=core)
        found = {SYNAPSES: synapses, LINES: lines, **dict(enumerate(_columns(program, plan, part), COLUMNS))}
        if plan.size.cores > 1:
            found[OUTPUTS] = np.array([part.outputs])
        memories |= {address_of(memory, 0, core=core): words for memory, words in found.items()}
    addresses = [first + np.arange(words.size) for first, words in memories.items()]
    states = {
        name: {
            "address": address_of(plan.first_state + field.word, 0),
            "first": field.first,
            "bits": field.shape.width,
            "is_signed": field.shape.signed,
        }
        for name, field in plan.states.items()
    }
    about = {
        "chip": program.chip.name,
        "identity": identity_of(plan).hex(),
        "inputs": program.n_inputs,
        "outputs": (where.core * plan.size.neurons + where.place)[program.outputs].tolist(),
        "neurons": program.n_neurons,
        "places": [
            address_of(0, int(place), core=int(core)) for core, place in zip(where.core, where.place, strict=True)
        ],
        "states": states,
    }
    return Image(np.concatenate(addresses), np.concatenate(list(memories.values())), about)


@dataclass(frozen=True, eq=False)
class _Places:
    """The core of each neuron of a program, and its number there, both (neurons,)."""

    core: Int64s
    place: Int64s

    @classmethod
    def of(cls, program: Program, parts: Sequence[CorePart]) -> _Places:
        core, place = np.zeros((2, program.n_neurons), np.int64)
        for index, part in enumerate(parts):
            core[part.members], place[part.members] = index, np.arange(part.members.size)
        return cls(core, place)


def _put(fields: Mapping[str, Field], values: Mapping[str, ArrayLike], *, count: int) -> list[Int64s]:
    """Return the words that hold the values of fields."""
    words: list[Int64s] = [np.zeros(count, np.int64) for _ in word_widths(fields)]
    for name, field in fields.items():
        words[field.word] |= (np.asarray(values[name], np.int64) & field.mask) << field.first
    return words


def _wires(program: Program, plan: CorePlan, where: _Places, *, core: int) -> tuple[Int64s, Int64s]:
    """Return the lines and the synapses of a core.

    A spike of another core comes between the tick in which it is and the next one, so that its delay is one less.
    """
    size = plan.size
    here = np.flatnonzero(where.core[program.post] == core)
    pre = program.pre[here].astype(np.int64)
    neuron = np.maximum(pre - program.n_inputs, 0)
    is_input, is_own = pre < program.n_inputs, where.core[neuron] == core
    number = size.inputs + where.core[neuron] * size.neurons + where.place[neuron]
    own = np.where(is_own, where.place[neuron], size.neurons + number)
    line = np.where(is_input, size.neurons + pre, own)
    values: dict[str, ArrayLike] = {
        "post": where.place[program.post[here]],
        "delay": program.delay[here] - np.where(is_input | is_own, 0, 1),
        "weight": program.weight[here],
        "exponent": program.exponent[here],
    }
    (words,) = _put(plan.synapse, values, count=here.size)
    counts = np.bincount(line, minlength=size.neurons + size.heard)
    ends = np.cumsum(counts)
    return (ends & 0xFFFF) << 16 | (ends - counts) & 0xFFFF, words[np.argsort(line, kind="stable")]


def _columns(program: Program, plan: CorePlan, part: CorePart) -> list[Int64s]:
    """Return the parameters of a core's neurons; a core without neurons has an unconnected one, to end its ticks."""
    values: dict[str, ArrayLike] = {name: each[part.members] for name, each in parameters_of(program).items()}
    if not part.members.size:
        values = {name: [value] for name, value in resting(program.chip.rule).items()}
    numbers = np.arange(max(part.members.size, 1))
    is_heard = np.zeros(numbers.size, np.bool_)
    is_heard[: part.members.size] = part.is_heard
    flags: dict[str, ArrayLike] = {IS_OUTPUT: is_heard, IS_LAST: numbers == numbers.size - 1}
    return _put(plan.parameters, values | flags, count=numbers.size)
