"""Features of a chip that a backend does not support: the table ``[gaps]`` of ``backend.toml``, with limits.

A program that uses an unsupported feature is refused before it runs, and random programs avoid these features.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np

from snnprog.arrays import Bools
from snnprog.errors import LimitError
from snnprog.program import Program

ELSEWHERE = "run it on another backend: 'snnprog backends list' shows the limits of each"


@dataclass(frozen=True)
class Gaps:
    """The limits that a backend adds to those of its chip; None, or True, for no limit.

    Attributes
    ----------
    longest_input_delay, longest_recurrent_delay : int or None
        In ticks, of synapses from input lines and from neurons; 0 if there may be no such synapses.
    most_neurons : int or None
        Maximum number of neurons of a program.
    bias : bool
        Whether neurons may have a bias.
    refractory : bool
        Whether neurons may have a refractory period of more than 1 tick.
    potentials : bool
        Whether currents and potentials can be recorded, and neurons read by their potential.
    """

    longest_input_delay: int | None = None
    longest_recurrent_delay: int | None = None
    most_neurons: int | None = None
    bias: bool = True
    refractory: bool = True
    potentials: bool = True

    def named(self) -> dict[str, int | bool]:
        """Return the limits by name, as in the table ``[gaps]``."""
        return {field.name: value for field in fields(self) if (value := getattr(self, field.name)) != field.default}

    def __str__(self) -> str:
        """Return them in words, as in "longest recurrent delay 1, no bias"."""
        words = {name: name.replace("_", " ") for name in self.named()}
        return ", ".join(
            f"no {words[name]}" if value is False else f"{words[name]} {value}" for name, value in self.named().items()
        )


def read_gaps(table: object) -> Gaps:
    """Return the gaps of a ``backend.toml``.

    Raises
    ------
    TypeError
        If the table has an unknown entry, or an entry of the wrong type.
    """
    known = {field.name: bool if field.default is True else int for field in fields(Gaps)}
    if not isinstance(table, Mapping) or not set(table) <= set(known):
        raise TypeError(f"gaps must be a table with entries among {', '.join(known)}, got {table!r}")
    for name, value in table.items():
        if type(value) is not known[name] or value < 0:
            wanted = "true or false" if known[name] is bool else "a non-negative integer"
            raise TypeError(f"{name} in gaps must be {wanted}, got {value!r}")
    return Gaps(**table)


def check_gaps(program: Program, gaps: Gaps, *, backend: str) -> None:
    """Raise `LimitError` if a program uses a feature that a backend does not support."""
    is_input = program.pre < program.n_inputs
    _check_delays(program, is_input, limit=gaps.longest_input_delay, source=f"an input on backend {backend}")
    _check_delays(program, ~is_input, limit=gaps.longest_recurrent_delay, source=f"a neuron on backend {backend}")
    if gaps.most_neurons is not None and program.n_neurons > gaps.most_neurons:
        allowed = f"at most {gaps.most_neurons} on backend {backend}"
        raise LimitError("the number of neurons", program.n_neurons, allowed, ELSEWHERE)
    biased = np.flatnonzero(program.bias)
    if biased.size and not gaps.bias:
        item, found = f"the bias of {program.neuron_label(int(biased[0]))}", int(program.bias[biased[0]])
        raise LimitError(item, found, f"0 on backend {backend}", f"compile with bias 0, or {ELSEWHERE}")
    held = np.flatnonzero(program.refractory > 1)
    if held.size and not gaps.refractory:
        item, found = f"the refractory period of {program.neuron_label(int(held[0]))}", int(program.refractory[held[0]])
        raise LimitError(item, found, f"1 on backend {backend}", f"compile with refractory 1, or {ELSEWHERE}")
    if not gaps.potentials and program.is_read_by_potential.any():
        output = int(program.is_read_by_potential.argmax())
        item = f"the readout of {program.output_label(output)}"
        raise LimitError(item, "its potential", f"spikes on backend {backend}", ELSEWHERE)


def _check_delays(program: Program, members: Bools, *, limit: int | None, source: str) -> None:
    if limit is None:
        return
    late = np.flatnonzero(members & (program.delay > limit))
    if late.size:
        item, found = f"the delay of synapse {late[0]}", int(program.delay[late[0]])
        allowed = f"at most {limit} from {source}" if limit else f"0 (no synapse) from {source}"
        raise LimitError(item, found, allowed, f"compile with shorter delays, or {ELSEWHERE}")
