"""Wires, inputs and outputs of a system by name, resolved to a `Plan`.

A line is ``"part.line"`` and an output is ``"part.output"``, by name or by number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from snnprog.checks import as_integer
from snnprog.errors import SpecError
from snnprog.linking.plan import SYSTEM, Ends, Joint, Plan, Source
from snnprog.names import SHOWN, Names, as_name
from snnprog.wording import counted, did_you_mean

Wire = tuple[str, str] | tuple[str, str, int]
End = str | tuple[str, int]
"""A line or an output, and possibly further ticks."""
Inputs = Mapping[str, End | Sequence[End]] | Sequence[str]
Outputs = Mapping[str, End] | Sequence[str]

MOST_FURTHER = 1 << 16
"""In ticks, of a wire. A choice: a chain of a thousand relays on Loihi."""


@dataclass(frozen=True, order=True)
class PartEnd:
    """A line or an output of a part, by index."""

    part: int
    index: int


def plan_of(ends: Mapping[str, Ends], *, wires: Sequence[Wire], inputs: Inputs | None, outputs: Outputs | None) -> Plan:
    """Return the plan of a system.

    Raises
    ------
    SpecError
        If a name is unknown, a line is driven twice or by nothing, or a delay is negative.
    """
    for name in ends:
        as_name("the name of a part", name)
    if not ends:
        raise SpecError("parts must name at least one part, got none")
    joining = _Joining(ends)
    for wire in wires:
        joining.add_wire(wire)
    joining.add_inputs(inputs)
    found = joining.outputs_of(outputs)
    lines = tuple(
        tuple(joining.driven[PartEnd(part, line)].joint for line in range(len(each.inputs)))
        for part, each in enumerate(ends.values())
    )
    return Plan(tuple(ends), lines, tuple(found.values()), tuple(joining.input_names), tuple(found))


class _Naming:
    """Finds lines, or outputs, by their names.

    Parameters
    ----------
    kind, other_kind : str
        What is named, and what else has names, in messages.
    names, others : mapping of str to names
        Part -> the names of its lines or outputs, and of the others.
    """

    def __init__(self, kind: str, names: Mapping[str, Names], other_kind: str, others: Mapping[str, Names]) -> None:
        self.kind, self.names, self.other_kind, self.others = kind, names, other_kind, others
        self._parts = {part: index for index, part in enumerate(names)}
        self._places = {part: {name: index for index, name in enumerate(own)} for part, own in names.items()}

    @property
    def places(self) -> list[PartEnd]:
        """All places, in order."""
        return [PartEnd(self._parts[part], index) for part, own in self.names.items() for index in range(len(own))]

    def place(self, text: object) -> PartEnd:
        """Return the place of ``"part.name"``."""
        part, dot, name = text.partition(".") if isinstance(text, str) else ("", "", "")
        if not dot:
            raise SpecError(f"an {self.kind} must be 'part.name', got {text!r}")
        if part not in self._parts:
            known = f"; the parts are {', '.join(list(self._parts)[:SHOWN])}"
            raise SpecError(f"{text!r} names an unknown part {part!r}{did_you_mean(part, self._parts) or known}")
        found, own = self._places[part], self.names[part]
        if name in found:
            return PartEnd(self._parts[part], found[name])
        if name.isascii() and name.isdigit() and int(name) < len(own):
            return PartEnd(self._parts[part], int(name))
        hint = f"; {name!r} is an {self.other_kind}" if name in self.others[part] else did_you_mean(name, own)
        raise SpecError(f"part {part!r} has no {self.kind} {name!r}: it has {counted(len(own), self.kind)}{hint}")

    def source(self, text: object) -> Source:
        """Return an output as a source."""
        place = self.place(text)
        return Source(place.part, place.index)

    def name(self, place: PartEnd) -> str:
        """Return the full name of a place."""
        part = list(self.names)[place.part]
        return f"{part}.{self.names[part][place.index]}"


class _Driven(NamedTuple):
    """What drives a line, and its name in messages."""

    joint: Joint
    by: str


class _Joining:
    """The lines of all parts, as they get their sources."""

    def __init__(self, ends: Mapping[str, Ends]) -> None:
        inputs = {part: each.inputs for part, each in ends.items()}
        outputs = {part: each.outputs for part, each in ends.items()}
        self.lines = _Naming("input line", inputs, "output", outputs)
        self.sources = _Naming("output", outputs, "input line", inputs)
        self.driven: dict[PartEnd, _Driven] = {}
        self.input_names: list[str] = []

    def add_wire(self, wire: object) -> None:
        """Drive a line by an output."""
        if not isinstance(wire, Sequence) or isinstance(wire, str) or len(wire) not in (2, 3):
            raise SpecError(
                f"a wire must be (output, line) or (output, line, further ticks), got {wire!r}; give a list of wires"
            )
        output, line, *ticks = wire
        source = self.sources.source(output)
        self._drive(line, Joint(source, _further(*ticks) if ticks else 0), by=f"output {output!r}")

    def add_inputs(self, inputs: Inputs | None) -> None:
        """Drive lines by the inputs of the system: by default all that have no source yet."""
        free = [place for place in self.lines.places if place not in self.driven]
        if inputs is None:
            inputs = [self.lines.name(place) for place in free]
        for number, (name, lines) in enumerate(_named("inputs", inputs, self.lines).items()):
            self.input_names.append(name)
            for line, ticks in _ends_of(lines):
                self._drive(line, Joint(Source(SYSTEM, number), ticks), by=f"input {name!r}")
        for place in free:
            if place not in self.driven:
                name = self.lines.name(place)
                raise SpecError(f"line {name!r} must have a source, got none; add a wire to it, or an input to inputs")

    def outputs_of(self, outputs: Outputs | None) -> dict[str, Joint]:
        """Return the outputs of the system: by default those that drive nothing."""
        if outputs is None:
            heard = {each.joint.source for each in self.driven.values()}
            outputs = [
                self.sources.name(place)
                for place in self.sources.places
                if Source(place.part, place.index) not in heard
            ]
            if not outputs:
                raise SpecError("outputs must name the outputs of the system: every output of every part drives a wire")
        found: dict[str, Joint] = {}
        first: dict[Joint, str] = {}
        for name, end in _named("outputs", outputs, self.sources).items():
            output, ticks = _end(end)
            found[name] = joint = Joint(self.sources.source(output), ticks)
            if first.setdefault(joint, name) != name:
                raise SpecError(f"outputs {first[joint]!r} and {name!r} are the same output of a part; name it once")
        if not found:
            raise SpecError("outputs must name at least one output, got none")
        return found

    def _drive(self, line: str, joint: Joint, *, by: str) -> None:
        place = self.lines.place(line)
        if place in self.driven:
            raise SpecError(
                f"line {line!r} must have one source, got {self.driven[place].by} and {by}; join them by a part, such"
                " as an OR gate"
            )
        self.driven[place] = _Driven(joint, by)


def _further(value: object) -> int:
    further = as_integer("the further delay of a wire", value)
    if not 0 <= further <= MOST_FURTHER:
        raise SpecError(f"the further delay of a wire must be from 0 to {MOST_FURTHER} ticks, got {further}")
    return further


def _end(end: object) -> tuple[str, int]:
    """Return a line or an output, and its further ticks."""
    if isinstance(end, str):
        return end, 0
    if isinstance(end, Sequence) and len(end) == 2 and isinstance(end[0], str):
        return end[0], _further(end[1])
    raise SpecError(f"a line or an output must be 'part.name' or ('part.name', further ticks), got {end!r}")


def _ends_of(lines: object) -> list[tuple[str, int]]:
    """Return the lines of an input: one line, one with further ticks, or several."""
    if isinstance(lines, Iterable) and not isinstance(lines, str):
        ends = list(lines)
        if not (len(ends) == 2 and isinstance(ends[0], str) and isinstance(ends[1], int)):
            return [_end(end) for end in ends]
    return [_end(lines)]


def _named(what: str, given: object, naming: _Naming) -> Mapping[str, object]:
    """Return names and what they stand for; a list of lines or outputs names each by itself."""
    if isinstance(given, Mapping):
        return {as_name(f"a name of {what}", name, may_be_joined=True): ends for name, ends in given.items()}
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise SpecError(f"{what} must be a mapping of names to 'part.name', or a list of 'part.name', got {given!r}")
    found: dict[str, object] = {}
    for text in given:
        name = naming.name(naming.place(text))
        if name in found:
            raise SpecError(f"{what} must be different, got {text!r} twice")
        found[name] = text
    return found
