"""How the parts of a system are joined, in indices. `snnprog.linking.naming` makes a plan of names.

A plan does not depend on what the parts are, so it joins programs and automata alike.
"""

from __future__ import annotations

from dataclasses import dataclass

from snnprog.names import Names, made_names


@dataclass(frozen=True)
class Ends:
    """The names of a part's input lines and outputs, in order."""

    inputs: Names
    outputs: Names

    @classmethod
    def of(cls, inputs: Names | None, outputs: Names | None, *, n_inputs: int, n_outputs: int) -> Ends:
        """Return the ends of a part; lines without names are "input 0", …, outputs "output 0", …."""
        return cls(inputs or made_names("input", n_inputs), outputs or made_names("output", n_outputs))


@dataclass(frozen=True, order=True)
class Source:
    """What sends spikes: an input of the system, or an output of a part.

    Attributes
    ----------
    part : int
        The index of the part; `SYSTEM` for an input of the system.
    index : int
        The index of the output, or of the input.
    """

    part: int
    index: int


SYSTEM = -1
"""The part of an input of the system."""


@dataclass(frozen=True, order=True)
class Joint:
    """A source, and the further ticks that its spikes take."""

    source: Source
    further: int


@dataclass(frozen=True)
class Plan:
    """A system of parts, in indices.

    Attributes
    ----------
    parts : tuple of str
        The names of the parts.
    lines : for each part, for each of its input lines, Joint
        What drives the line.
    outputs : tuple of Joint
        The outputs of the system.
    input_names, output_names : tuple of str
        The names of the system's inputs and outputs.
    """

    parts: tuple[str, ...]
    lines: tuple[tuple[Joint, ...], ...]
    outputs: tuple[Joint, ...]
    input_names: Names
    output_names: Names

    @property
    def joints(self) -> list[Joint]:
        """Every joint: of all lines, then of the outputs."""
        return [joint for lines in self.lines for joint in lines] + list(self.outputs)

    def drivers_of(self, part: int) -> list[int]:
        """Return the parts whose outputs drive a part's lines, in ascending order."""
        return sorted({joint.source.part for joint in self.lines[part]} - {SYSTEM})
