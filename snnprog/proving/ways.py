"""Some clocks of a circuit from any state, as formulas, and the lemmas about them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from snnprog.errors import SpecError
from snnprog.proving.btor import Circuit, Clock
from snnprog.proving.lemmas import Lemma, all_of, decided
from snnprog.rules.products import Operations
from snnprog.solver.formulas import solve_formulas

WORDS, FOUND = "words", "_0_"
"""Names in the circuit: the cells of a memory, and the word that was read last."""
CONTROL = "fsm_state"
"""The register with the control state of a circuit."""
NOT_RESET = {"rst": "#b0"}


@dataclass
class Way:
    """Some clocks of a circuit, from any state.

    Attributes
    ----------
    lines : list of str
        Declarations, definitions and assertions.
    states : list of dict
        The term of each register and memory, by name, before the first clock and after each.
    outputs : list of dict
        The term of each output, by name, in each clock.
    operations : Operations
    """

    lines: list[str] = field(default_factory=list)
    states: list[dict[str, str]] = field(default_factory=list)
    outputs: list[dict[str, str]] = field(default_factory=list)
    operations: Operations = field(default_factory=Operations)

    @property
    def before(self) -> Mapping[str, str]:
        """Registers and memories before."""
        return self.states[0]

    @property
    def after(self) -> Mapping[str, str]:
        """Registers and memories after."""
        return self.states[-1]


def way_of(circuit: Circuit, clocks: int, held: Mapping[str, str]) -> Way:
    """Return some clocks of a circuit from any state; inputs that are not held are free in each clock."""
    way = Way()
    states = {node: f"|{name} before|" for name, node in circuit.states.items()}
    way.lines += [f"(declare-fun {text} () {circuit.sort_of(node)})" for node, text in states.items()]
    way.states.append({name: states[node] for name, node in circuit.states.items()})
    for index in range(clocks):
        inputs = {}
        for name, node in circuit.inputs.items():
            inputs[node] = held.get(name, f"|{name} {index}|")
            if name not in held:
                way.lines.append(f"(declare-fun {inputs[node]} () {circuit.sort_of(node)})")
        clock = Clock(circuit, f"clock {index}", inputs | states)
        outputs = clock.values(list(circuit.outputs.values()))
        states |= clock.after()
        way.lines += clock.lines
        way.operations += clock.operations
        way.outputs.append(dict(zip(circuit.outputs, outputs, strict=True)))
        way.states.append({name: states[node] for name, node in circuit.states.items()})
    return way


def node_of(circuit: Circuit, name: str) -> int:
    """Return the node of a register or memory.

    Raises
    ------
    SpecError
        If the circuit has none of that name.
    """
    if name not in circuit.states:
        raise SpecError(f"the circuit has no register {name!r}, so snnprog has not made it")
    return circuit.states[name]


def control_of(way: Way, conditions: Iterable[str], *, at: int) -> int:
    """Return the value of the control register after some clocks of a way, under conditions that determine it.

    Raises
    ------
    SpecError
        If nothing fulfils the conditions.
    """
    asserted = (f"(assert {each})" for each in conditions)
    lines = ["(set-logic ALL)", *way.operations.opened, *way.lines, *asserted]
    term = way.states[at][CONTROL]
    values = solve_formulas("\n".join(lines), [term]).values
    if values is None:
        raise SpecError("the circuit's control does not go the way that was expected")
    return values[term]


def kept(way: Way, names: Iterable[str]) -> list[str]:
    """Return, as formulas, that registers or memories are unchanged."""
    return [f"(= {way.after[name]} {way.before[name]})" for name in names]


def quiet(way: Way, *names: str) -> list[str]:
    """Return, as formulas, that some outputs are 0 in all clocks."""
    return [f"(= {outputs[name]} #b0)" for outputs in way.outputs for name in names]


def shown(name: str, way: Way, assumed: Iterable[str], claims: Iterable[str]) -> Iterator[Lemma]:
    """Prove claims with full multiplications."""
    lines = [*way.operations.exact, *way.lines, *(f"(assert {each})" for each in assumed)]
    yield decided(name, lines, claim=all_of(claims))
