"""How the parts of a system are joined: names of lines and outputs, resolved to indices.

A line is ``"part.line"`` and an output is ``"part.output"``; a number stands for a line or an output without a name.
Nothing here depends on what the parts are, so a plan joins programs and automata alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from snnprog.checks import as_integer
from snnprog.errors import SpecError
from snnprog.wording import counted, did_you_mean

Wire = tuple[str, str] | tuple[str, str, int]
End = str | tuple[str, int]
"""A line or an output, and possibly further ticks."""
Inputs = Mapping[str, End | Sequence[End]] | Sequence[str]
Outputs = Mapping[str, End] | Sequence[str]
Item = TypeVar("Item")

MOST_FURTHER = 1 << 16
"""In ticks, of a wire. A choice: a chain of a thousand relays on Loihi."""


@dataclass(frozen=True)
class Ends:
    """The names of a part's input lines and outputs, in order; "" for those without a name."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


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
        Names of the system's inputs and outputs.
    """

    parts: tuple[str, ...]
    lines: tuple[tuple[Joint, ...], ...]
    outputs: tuple[Joint, ...]
    input_names: tuple[str, ...]
    output_names: tuple[str, ...]

    @property
    def joints(self) -> list[Joint]:
        """Every joint: of all lines, then of the outputs."""
        return [joint for lines in self.lines for joint in lines] + list(self.outputs)

    def drivers_of(self, part: int) -> list[int]:
        """Return the parts whose outputs drive a part's lines, in ascending order."""
        return sorted({joint.source.part for joint in self.lines[part]} - {SYSTEM})


def plan_of(ends: Mapping[str, Ends], *, wires: Sequence[Wire], inputs: Inputs | None, outputs: Outputs | None) -> Plan:
    """Return the plan of a system.

    Raises
    ------
    SpecError
        If a name is unknown, a line is driven twice or by nothing, or a delay is negative.
    """
    naming = _Naming(ends)
    driven: dict[tuple[int, int], tuple[Joint, str]] = {}
    for wire in wires:
        output, line, further = _wire(wire)
        source = Source(*naming.output(output))
        _drive(driven, naming.line(line), Joint(source, further), by=f"output {output!r}", line=line)
    names = _join_inputs(naming, driven, inputs)
    found = _outputs_of(naming, driven, outputs)
    twice = next((joint for joint in found.values() if list(found.values()).count(joint) > 1), None)
    if twice is not None:
        same = [name for name, joint in found.items() if joint == twice]
        raise SpecError(f"outputs {same[0]!r} and {same[1]!r} are the same output of the same part; name it once")
    lines = tuple(
        tuple(driven[part, line][0] for line in range(len(each.inputs))) for part, each in enumerate(ends.values())
    )
    return Plan(tuple(ends), lines, tuple(found.values()), tuple(names), tuple(found))


class _Naming:
    """Finds lines and outputs by their names."""

    def __init__(self, ends: Mapping[str, Ends]) -> None:
        if not ends:
            raise SpecError("parts must name at least one part, got none")
        for name in ends:
            if not isinstance(name, str) or not name or "." in name:
                raise SpecError(f"the name of a part must be a non-empty string without a dot, got {name!r}")
        self.ends = ends
        self.parts = list(ends)

    def line(self, text: object) -> tuple[int, int]:
        """Return the part and the index of an input line."""
        part, name = self._split(text, "a line")
        own, other = self.ends[self.parts[part]].inputs, self.ends[self.parts[part]].outputs
        return part, self._index(
            name, own, of=f"part {self.parts[part]!r}", kinds=("input line", "output"), other=other
        )

    def output(self, text: object) -> tuple[int, int]:
        """Return the part and the index of an output."""
        part, name = self._split(text, "an output")
        own, other = self.ends[self.parts[part]].outputs, self.ends[self.parts[part]].inputs
        return part, self._index(
            name, own, of=f"part {self.parts[part]!r}", kinds=("output", "input line"), other=other
        )

    def name_of(self, part: int, index: int, *, is_output: bool) -> str:
        """Return the full name of a line or an output."""
        each = self.ends[self.parts[part]]
        return f"{self.parts[part]}.{(each.outputs if is_output else each.inputs)[index] or index}"

    def _split(self, text: object, what: str) -> tuple[int, str]:
        part, dot, name = text.partition(".") if isinstance(text, str) else ("", "", "")
        if not dot:
            raise SpecError(f"{what} must be 'part.name', got {text!r}")
        if part not in self.ends:
            raise SpecError(f"{text!r} names an unknown part {part!r}{did_you_mean(part, self.parts)}")
        return self.parts.index(part), name

    @staticmethod
    def _index(name: str, own: Sequence[str], *, of: str, kinds: tuple[str, str], other: Sequence[str]) -> int:
        if name in own and name:
            return own.index(name)
        if name.isascii() and name.isdigit() and int(name) < len(own):
            return int(name)
        hint = did_you_mean(name, [each for each in own if each])
        if not hint and name in other and name:
            hint = f"; {name!r} is the name of an {kinds[1]}"
        raise SpecError(f"{of} has no {kinds[0]} {name!r}: it has {counted(len(own), kinds[0])}{hint}")


def _wire(wire: object) -> tuple[str, str, int]:
    if not isinstance(wire, Sequence) or isinstance(wire, str) or len(wire) not in (2, 3):
        raise SpecError(f"a wire must be (output, line) or (output, line, further ticks), got {wire!r}")
    output, line, *further = wire
    return output, line, _further(*further) if further else 0


def _further(value: object) -> int:
    further = as_integer("the further delay of a wire", value)
    if not 0 <= further <= MOST_FURTHER:
        raise SpecError(f"the further delay of a wire must be from 0 to {MOST_FURTHER} ticks, got {further}")
    return further


def _end(end: object) -> tuple[str, int]:
    """Return a line or an output, and its further ticks."""
    if isinstance(end, str):
        return end, 0
    if isinstance(end, Sequence) and len(end) == 2:
        return end[0], _further(end[1])
    raise SpecError(f"a line or an output must be 'part.name' or ('part.name', further ticks), got {end!r}")


def _drive(
    driven: dict[tuple[int, int], tuple[Joint, str]], place: tuple[int, int], joint: Joint, *, by: str, line: str
) -> None:
    if place in driven:
        raise SpecError(
            f"line {line!r} must have one source, got {driven[place][1]} and {by}; join them by a part, such as an OR"
            " gate"
        )
    driven[place] = joint, by


def _join_inputs(naming: _Naming, driven: dict[tuple[int, int], tuple[Joint, str]], inputs: Inputs | None) -> list[str]:
    """Drive lines by the inputs of the system; return the names of the inputs."""
    free = [
        (part, line)
        for part, name in enumerate(naming.parts)
        for line in range(len(naming.ends[name].inputs))
        if (part, line) not in driven
    ]
    if inputs is None:
        inputs = [naming.name_of(*place, is_output=False) for place in free]
    for number, (name, lines) in enumerate(_named("inputs", inputs).items()):
        for end in [lines] if isinstance(lines, str) or _is_delayed(lines) else lines:
            line, further = _end(end)
            joint = Joint(Source(SYSTEM, number), further)
            _drive(driven, naming.line(line), joint, by=f"input {name!r}", line=line)
    for place in free:
        if place not in driven:
            name = naming.name_of(*place, is_output=False)
            raise SpecError(f"line {name!r} must have a source, got none; add a wire to it, or an input to inputs")
    return list(inputs)


def _is_delayed(lines: object) -> bool:
    """Return whether this is one line with further ticks, not several lines."""
    return isinstance(lines, Sequence) and len(lines) == 2 and not isinstance(lines[1], (str, tuple, list))


def _outputs_of(
    naming: _Naming, driven: Mapping[tuple[int, int], tuple[Joint, str]], outputs: Outputs | None
) -> dict[str, Joint]:
    if outputs is None:
        heard = {joint.source for joint, _ in driven.values()}
        outputs = [
            naming.name_of(part, index, is_output=True)
            for part, name in enumerate(naming.parts)
            for index in range(len(naming.ends[name].outputs))
            if Source(part, index) not in heard
        ]
        if not outputs:
            raise SpecError("outputs must name the outputs of the system: every output of every part drives a wire")
    found = {}
    for name, end in _named("outputs", outputs).items():
        output, further = _end(end)
        found[name] = Joint(Source(*naming.output(output)), further)
    if not found:
        raise SpecError("outputs must name at least one output, got none")
    return found


def _named(name: str, given: Mapping[str, Item] | Sequence[str]) -> Mapping[str, Item | str]:
    """Return names and what they stand for; a list of lines or outputs names each by itself."""
    if isinstance(given, Mapping):
        return given
    if isinstance(given, str) or not isinstance(given, Sequence) or not all(isinstance(each, str) for each in given):
        raise SpecError(f"{name} must be a mapping of names to 'part.name', or a list of 'part.name', got {given!r}")
    twice = next((each for each in given if list(given).count(each) > 1), None)
    if twice is not None:
        raise SpecError(f"{name} must be different, got {twice!r} twice")
    return dict(zip(given, given, strict=True))
