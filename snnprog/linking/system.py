"""`System` and `link`: programs that are joined to one by named lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from snnprog.automata import Automaton
from snnprog.checks import check_type
from snnprog.display.card import Card, Displayed
from snnprog.errors import SpecError
from snnprog.linking.automata import linked_automaton
from snnprog.linking.naming import Inputs, Outputs, Wire, plan_of
from snnprog.linking.plan import Ends, Plan
from snnprog.linking.programs import linked_program
from snnprog.program import Program
from snnprog.wording import counted, did_you_mean


@dataclass(frozen=True, eq=False, repr=False)
class System(Displayed):
    """Programs, and the wires between them; `link` returns its program at once.

    Lines and outputs are written ``"part.name"``, or ``"part.0"`` by number. In the result, a line or neuron of a part
    has the name of the part before its own: ``detector.arm``.

    Parameters
    ----------
    parts : mapping of str to Program
        The programs by name, all for one chip.
    wires : sequence of (str, str) or (str, str, int)
        Output, input line and further ticks (0 by default): a spike of the output at tick t is an input spike of the
        line at tick t + further. An output may drive several lines, also of its own part (feedback).
    inputs : mapping of str to line or lines, optional
        For each input of the system the line, or the list of lines, that it drives; a line may be a pair with further
        ticks, as in ``("detector.coin", 2)``. A list of lines makes each an input of its own name. By default every
        line without a wire is an input.
    outputs : mapping of str to output, optional
        For each output of the system the output of a part, which may be a pair with further ticks. A list of outputs
        keeps their names. By default every output that drives no wire.

    Raises
    ------
    SpecError
        If a name is unknown, a line has several sources or none, or a delay is negative.
    """

    parts: Mapping[str, Program]
    wires: Sequence[Wire] = ()
    inputs: Inputs | None = field(default=None)
    outputs: Outputs | None = field(default=None)

    def __post_init__(self) -> None:
        if not isinstance(self.parts, Mapping):
            raise SpecError(f"parts must be a mapping of names to programs, got a {type(self.parts).__name__}")
        for name, program in self.parts.items():
            check_type(f"part {name!r}", program, kind=Program)
        _ = self.plan

    @cached_property
    def plan(self) -> Plan:
        """The joints in indices."""
        ends = {
            name: Ends.of(
                program.input_names, program.output_names, n_inputs=program.n_inputs, n_outputs=program.n_outputs
            )
            for name, program in self.parts.items()
        }
        return plan_of(ends, wires=self.wires, inputs=self.inputs, outputs=self.outputs)

    @cached_property
    def program(self) -> Program:
        """The program of the whole.

        Raises
        ------
        SpecError
            If the parts are for different chips, or an output that drives a wire is read by its potential or may spike
            several times in a tick.
        LimitError
            If the chip does not allow the connections.
        """
        return linked_program(self.parts, self.plan)

    def automaton(self, automata: Mapping[str, Automaton]) -> Automaton:
        """Return the automaton of the whole: those of the parts, joined as the parts are.

        Its rows are those that every part allows. An output that the automaton of a part leaves open is tried both ways
        where a wire carries it.

        Parameters
        ----------
        automata : mapping of str to Automaton
            What each part does. Their outputs at a tick must not depend on the row of the same tick.

        Raises
        ------
        SpecError
            If an automaton is missing, unknown, or of another size than its part.
        """
        if not isinstance(automata, Mapping):
            raise SpecError(f"automata must be a mapping of parts to automata, got a {type(automata).__name__}")
        for name in automata:
            if name not in self.parts:
                raise SpecError(f"automata names an unknown part {name!r}{did_you_mean(name, self.parts)}")
        for name, program in self.parts.items():
            if name not in automata:
                raise SpecError(f"automata must have one for each part, got none for {name!r}")
            check_type(f"the automaton of part {name!r}", automata[name], kind=Automaton)
            automata[name].monitor(program.n_inputs, program.n_outputs)
        return linked_automaton(self.plan, [automata[name] for name in self.parts])

    def _summary(self) -> str:
        ends = f"{counted(len(self.plan.input_names), 'input')}, {counted(len(self.plan.output_names), 'output')}"
        return f"{counted(len(self.parts), 'part')}, {counted(len(self.wires), 'wire')}, {ends}"

    def _card(self) -> Card:
        return Card(facts=[("parts", ", ".join(self.parts))])


def link(
    parts: Mapping[str, Program],
    *,
    wires: Sequence[Wire] = (),
    inputs: Inputs | None = None,
    outputs: Outputs | None = None,
) -> Program:
    """Join programs to one program, in which they do exactly what they do alone on the same input spikes.

    Parameters
    ----------
    parts, wires, inputs, outputs
        As in `System`.

    Returns
    -------
    Program
        All neurons of the parts in order, then relays: neurons that repeat a spike where a delay is longer than that of
        a synapse.

    Raises
    ------
    SpecError
        If a name is unknown, a line has several sources or none, the parts are for different chips, or an output that
        drives a wire is read by its potential.
    LimitError
        If the chip does not allow the connections.

    Examples
    --------
    >>> lock = sp.link(
    ...     {"detector": detector, "machine": machine},
    ...     wires=[("detector.0", "machine.0"), ("machine.0", "detector.1", 2)],
    ...     outputs={"open": "machine.1"},
    ... )
    """
    return System(parts, wires, inputs, outputs).program
