"""A program as the words that a core is loaded with, and as a ``.hex`` file that any host can read.

The file has a word of 8 hexadecimal digits on each line, ``@address`` before every run of addresses, and comments after
``//``, as Verilog's ``$readmemh`` reads it. The first comment is a line of JSON: what a host must know of the program
(`Image.about`).

Neurons are renumbered, outputs first, so that output ``k`` is neuron ``k`` of the core.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from snnprog.arrays import Int64s
from snnprog.emit.hardware.identity import identity_of
from snnprog.emit.hardware.plan import (
    COLUMNS,
    IS_LAST,
    IS_OUTPUT,
    LINES,
    SYNAPSES,
    CorePlan,
    Field,
    address_of,
    word_widths,
)
from snnprog.errors import LimitError
from snnprog.program import Program
from snnprog.simulate.layout import arriving_span
from snnprog.simulate.parameters import parameters_of


@dataclass(frozen=True, eq=False)
class Image:
    """The words of a program.

    Attributes
    ----------
    addresses, words : (words,) int64
        Flat addresses, rising, and what stands there.
    about : mapping
        ``chip``; ``identity``, of the core (`identity_of`);
        ``inputs``, ``outputs`` and ``neurons`` of the program; ``order``, which neuron of the program each of the
        core's is; and ``states``: name -> address of the first neuron's word, lowest bit, bits, and whether they have
        a sign.
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
    """Return the image of a program for a core of its chip.

    Raises
    ------
    LimitError
        If the core has no room for it, or more may arrive at a neuron than the core can add up.
    """
    check_size(program, plan)
    outputs = program.outputs.astype(np.int64)
    order = np.concatenate([outputs, np.setdiff1d(np.arange(program.n_neurons), outputs)])
    place = np.empty_like(order)
    place[order] = np.arange(order.size)
    memories = {
        SYNAPSES: _synapses(program, plan, place=place),
        LINES: _lines(program, plan, place=place),
    }
    memories |= dict(enumerate(_columns(program, plan, order=order), COLUMNS))
    addresses = [address_of(memory, 0) + np.arange(words.size) for memory, words in memories.items()]
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
        "outputs": program.n_outputs,
        "neurons": program.n_neurons,
        "order": order.tolist(),
        "states": states,
    }
    return Image(np.concatenate(addresses), np.concatenate(list(memories.values())), about)


def check_size(program: Program, plan: CorePlan) -> None:
    """Raise `LimitError` unless a core has room for a program.

    Raises
    ------
    LimitError
        It names what there is too much of.
    """
    size = plan.size
    found = {"neurons": program.n_neurons, "inputs": program.n_inputs, "synapses": program.n_synapses}
    for name, count in found.items():
        if count > getattr(size, name):
            raise LimitError(name, count, f"at most {getattr(size, name)} in this core")
    longest = int(program.delay.max(initial=0))
    if longest > size.longest_delay:
        raise LimitError("delay", longest, f"at most {size.longest_delay} in this core")
    most = int(np.bincount(program.pre).max(initial=0))
    if most >= size.synapses:
        raise LimitError("synapses of one line", most, f"at most {size.synapses - 1} in this core")
    span = arriving_span(program)
    beyond = np.flatnonzero((span.low < -size.most_arriving) | (span.high >= size.most_arriving))
    if beyond.size:
        neuron = int(beyond[0])
        most = max(-int(span.low[neuron]), int(span.high[neuron]))
        raise LimitError(
            f"what may arrive at neuron {neuron} in a tick", most, f"below {size.most_arriving}, which the core adds up"
        )


def _put(fields: Mapping[str, Field], values: Mapping[str, ArrayLike], *, count: int) -> list[Int64s]:
    """Return the words that hold the values of fields."""
    words: list[Int64s] = [np.zeros(count, np.int64) for _ in word_widths(fields)]
    for name, field in fields.items():
        words[field.word] |= (np.asarray(values[name], np.int64) & field.mask) << field.first
    return words


def _sources(program: Program, plan: CorePlan, *, place: Int64s) -> Int64s:
    """Return the line of the core that each synapse comes from."""
    pre = program.pre.astype(np.int64)
    is_input = pre < program.n_inputs
    return np.where(is_input, plan.size.neurons + pre, place[np.where(is_input, 0, pre - program.n_inputs)])


def _synapses(program: Program, plan: CorePlan, *, place: Int64s) -> Int64s:
    by_line = np.argsort(_sources(program, plan, place=place), kind="stable")
    values: dict[str, ArrayLike] = {
        "post": place[program.post],
        "delay": program.delay,
        "weight": program.weight,
        "exponent": program.exponent,
    }
    (words,) = _put(plan.synapse, values, count=program.n_synapses)
    return words[by_line]


def _lines(program: Program, plan: CorePlan, *, place: Int64s) -> Int64s:
    counts = np.bincount(_sources(program, plan, place=place), minlength=plan.size.neurons + plan.size.inputs)
    ends = np.cumsum(counts)
    return (ends & 0xFFFF) << 16 | (ends - counts) & 0xFFFF


def _columns(program: Program, plan: CorePlan, *, order: Int64s) -> list[Int64s]:
    numbers = np.arange(program.n_neurons)
    flags: dict[str, ArrayLike] = {IS_OUTPUT: numbers < program.n_outputs, IS_LAST: numbers == program.n_neurons - 1}
    parameters: dict[str, ArrayLike] = {name: values[order] for name, values in parameters_of(program).items()}
    return _put(plan.parameters, parameters | flags, count=program.n_neurons)
