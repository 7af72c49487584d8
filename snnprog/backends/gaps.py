"""What a backend lacks of its chip: the table ``[gaps]`` of a ``backend.toml``, each entry with its limit.

A program beyond a gap is refused before anything runs, and random programs are drawn within the gaps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np

from snnprog.arrays import Bools
from snnprog.errors import LimitError
from snnprog.program import Program

ELSEWHERE = "run it elsewhere: 'snnprog backends list' tells what each backend lacks"


@dataclass(frozen=True)
class Gaps:
    """The limits that a backend adds to its chip's; None, or True, where it adds none.

    Attributes
    ----------
    longest_input_delay, longest_recurrent_delay : int or None
        In ticks, of synapses from input lines and from neurons; 0 for no such synapses at all.
    most_neurons : int or None
        How many neurons a program may have.
    bias : bool
        Whether neurons may have one.
    refractory : bool
        Whether neurons may have a refractory period of more than 1 tick.
    potentials : bool
        Whether currents and potentials can be recorded, and so neurons be read by their potential.
    """

    longest_input_delay: int | None = None
    longest_recurrent_delay: int | None = None
    most_neurons: int | None = None
    bias: bool = True
    refractory: bool = True
    potentials: bool = True

    def named(self) -> dict[str, int | bool]:
        """Return the limits that there are, by name: what the table ``[gaps]`` says."""
        return {field.name: value for field in fields(self) if (value := getattr(self, field.name)) != field.default}

    def __str__(self) -> str:
        """Tell them in words, as in "longest recurrent delay 1, no bias"."""
        words = {name: name.replace("_", " ") for name in self.named()}
        return ", ".join(
            f"no {words[name]}" if value is False else f"{words[name]} {value}" for name, value in self.named().items()
        )


def read_gaps(table: object) -> Gaps:
    """Return the gaps that a ``backend.toml`` names.

    Raises
    ------
    TypeError
        If the table has an unknown entry, or one of another type than `Gaps` has.
    """
    known = {field.name: bool if field.default is True else int for field in fields(Gaps)}
    if not isinstance(table, Mapping) or not set(table) <= set(known):
        raise TypeError(f"gaps is {table!r}; a table with entries among {', '.join(known)} is needed")
    for name, value in table.items():
        if type(value) is not known[name] or value < 0:
            wanted = "true or false" if known[name] is bool else "a whole number from 0"
            raise TypeError(f"{name} in gaps is {value!r}; {wanted} is needed")
    return Gaps(**table)


def check_gaps(program: Program, gaps: Gaps, *, backend: str) -> None:
    """Raise `LimitError` if a program needs what a backend lacks."""
    is_input = program.pre < program.n_inputs
    _check_delays(program, is_input, limit=gaps.longest_input_delay, source=f"an input on backend {backend}")
    _check_delays(program, ~is_input, limit=gaps.longest_recurrent_delay, source=f"a neuron on backend {backend}")
    if gaps.most_neurons is not None and program.n_neurons > gaps.most_neurons:
        allowed = f"at most {gaps.most_neurons} on backend {backend}"
        raise LimitError("the number of neurons", program.n_neurons, allowed, ELSEWHERE)
    biased = np.flatnonzero(program.bias)
    if biased.size and not gaps.bias:
        item, found = f"the bias of neuron {biased[0]}", int(program.bias[biased[0]])
        raise LimitError(item, found, f"0 on backend {backend}", f"compile with bias 0, or {ELSEWHERE}")
    held = np.flatnonzero(program.refractory > 1)
    if held.size and not gaps.refractory:
        item, found = f"the refractory period of neuron {held[0]}", int(program.refractory[held[0]])
        raise LimitError(item, found, f"1 on backend {backend}", f"compile with refractory 1, or {ELSEWHERE}")
    if not gaps.potentials and program.is_read_by_potential.any():
        output = int(program.is_read_by_potential.argmax())
        raise LimitError(f"the readout of output {output}", "its potential", f"spikes on backend {backend}", ELSEWHERE)


def _check_delays(program: Program, members: Bools, *, limit: int | None, source: str) -> None:
    if limit is None:
        return
    late = np.flatnonzero(members & (program.delay > limit))
    if late.size:
        item, found = f"the delay of synapse {late[0]}", int(program.delay[late[0]])
        allowed = f"at most {limit} from {source}" if limit else f"no synapse from {source}"
        raise LimitError(item, found, allowed, f"compile with shorter delays, or {ELSEWHERE}")
