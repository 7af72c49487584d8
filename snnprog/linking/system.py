"""`System` and `link`: programs that are joined to one by named lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from snnprog.automata import Automaton
from snnprog.calls import call_checked
from snnprog.checks import check_type
from snnprog.display.card import Card, Displayed
from snnprog.errors import SpecError
from snnprog.linking.automata import linked_automaton
from snnprog.linking.naming import Inputs, Outputs, Wire, plan_of
from snnprog.linking.patterns import linked_patterns
from snnprog.linking.plan import Ends, Plan
from snnprog.linking.programs import linked_program
from snnprog.program import Program
from snnprog.spec import Spec
from snnprog.wording import a_type, counted, did_you_mean


@call_checked
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
            raise SpecError(f"parts must be a mapping of names to programs, got {a_type(self.parts)}")
        for name, program in self.parts.items():
            check_type(f"part {name!r}", program, kind=Program)
        if not isinstance(self.wires, Iterable) or isinstance(self.wires, (str, Mapping)):
            raise SpecError(
                f"wires must be a list of (output, line) or (output, line, further ticks), got {self.wires!r}"
            )
        object.__setattr__(self, "wires", tuple(self.wires))
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
        self._check_of_parts("automata", automata, kind=Automaton)
        for name, program in self.parts.items():
            automata[name].check_size(f"part {name!r}", program.n_inputs, program.n_outputs)
        return linked_automaton(self.plan, [automata[name] for name in self.parts])

    def spec(self, specs: Mapping[str, Spec]) -> Spec:
        """Return the spec of the whole, which its program meets if each part meets its own: for `snnprog.verify`.

        Its patterns are made of patterns of the parts, one of each, that agree about every wire and shared input, cut
        at the end of the shortest. It has an automaton if those of all parts have one.

        Parameters
        ----------
        specs : mapping of str to Spec
            The spec of each part, without windows.

        Raises
        ------
        SpecError
            If a spec is missing, unknown, or of another size than its part, or no patterns agree.
        """
        self._check_of_parts("specs", specs, kind=Spec)
        for name, program in self.parts.items():
            found, wanted = (specs[name].n_inputs, specs[name].n_outputs), (program.n_inputs, program.n_outputs)
            if found != wanted:
                raise SpecError(
                    f"the spec of part {name!r} must have {counted(wanted[0], 'input')} and"
                    f" {counted(wanted[1], 'output')}, got {found[0]} and {found[1]}"
                )
        known = {name: specs[name].automaton for name in self.parts}
        automata = {name: each for name, each in known.items() if each is not None}
        return Spec(
            linked_patterns(self.plan, {name: specs[name] for name in self.parts}),
            chip=next(iter(self.parts.values())).chip,
            automaton=self.automaton(automata) if len(automata) == len(known) else None,
        )

    def _check_of_parts(self, what: str, given: object, *, kind: type) -> None:
        """Raise an error unless there is a value of a type for each part."""
        if not isinstance(given, Mapping):
            raise SpecError(f"{what} must be a mapping of parts to {what}, got {a_type(given)}")
        for name in given:
            if name not in self.parts:
                raise SpecError(f"{what} names an unknown part {name!r}{did_you_mean(name, self.parts)}")
        for name in self.parts:
            if name not in given:
                raise SpecError(f"{what} must have one for each part, got none for {name!r}")
            check_type(f"{what}[{name!r}]", given[name], kind=kind)

    def _summary(self) -> str:
        ends = f"{counted(len(self.plan.input_names), 'input')}, {counted(len(self.plan.output_names), 'output')}"
        return f"{counted(len(self.parts), 'part')}, {counted(len(self.wires), 'wire')}, {ends}"

    def _card(self) -> Card:
        return Card(facts=[("parts", ", ".join(self.parts))])


@call_checked
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
