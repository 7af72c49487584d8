"""Whether what arrives at each part is among what its automaton assumes.

A part that assumes nothing about its wires needs no more than its own automaton. Otherwise the automata of those that
drive it are explored together with its own, with their other lines free; if that is not enough, those that drive them,
too, and so on: a *cone*. In a cone every part gets rows that it allows. That is sound, because outputs depend on
earlier ticks only: the first row that a part does not allow would be found in the cone of that part.

Parts that restrict the same input of the system are examined together, because there must be rows that suit all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from itertools import combinations

from snnprog.automata.automaton import Automaton, Row, State
from snnprog.linking.plan import SYSTEM, Joint, Plan, Source
from snnprog.linking.product import Answers, JointAutomata, JointState, TooManyRowsError
from snnprog.linking.search import StateSearch, searched
from snnprog.names import made_names
from snnprog.wording import counted


@dataclass(frozen=True)
class Assumption:
    """What was found about the rows of some parts.

    Attributes
    ----------
    parts : tuple of str
        One part, or parts that restrict the same input of the system.
    cone : tuple of str
        The parts whose automata were explored together; empty if one automaton alone was enough.
    search : StateSearch
    """

    parts: tuple[str, ...]
    cone: tuple[str, ...]
    search: StateSearch

    @property
    def holds(self) -> bool:
        """Whether every row is one that the parts assume."""
        return self.search.is_closed

    def __str__(self) -> str:
        names = " and ".join(map(repr, self.parts))
        if self.search.fault:
            return f"{names} may get what it does not expect: {self.search.fault}"
        if not self.holds:
            return f"it is undecided whether {names} gets what it expects: {counted(self.search.states, 'state')}"
        if not self.cone:
            return f"{names} assumes nothing about its wires"
        states = counted(self.search.states, "state")
        return f"{names} gets what it expects: {states} of the automata of {', '.join(self.cone)}"


def assumptions_of(plan: Plan, automata: Sequence[Automaton], *, most: int) -> list[Assumption]:
    """Return what was found about the assumptions of every part that reads wires or shares inputs.

    Parameters
    ----------
    most : int
        The most states of each search.
    """
    found, restricting = [], set[int]()
    alone = [_alone(plan, part, automaton, most=most) for part, automaton in enumerate(automata)]
    restricting = {part for part, each in enumerate(alone) if not each.is_free}
    for group in _groups(plan, restricting):
        names = tuple(plan.parts[part] for part in group)
        if len(group) == 1 and alone[group[0]].search.is_closed:
            found.append(Assumption(names, (), alone[group[0]].search))
            continue
        found.append(_in_cones(plan, automata, group, most=most))
        if not found[-1].holds:
            break
    return found


@dataclass(frozen=True)
class _Alone:
    """What one automaton alone says: whether it allows every row, and whether it assumes nothing about its wires."""

    is_free: bool
    search: StateSearch


def _alone(plan: Plan, part: int, automaton: Automaton, *, most: int) -> _Alone:
    lines = plan.lines[part]
    wired = [line for line, joint in enumerate(lines) if joint.source.part != SYSTEM or joint.further]
    is_free = True

    def moves(state: State) -> Iterator[tuple[Row, State | str]]:
        nonlocal is_free
        rows = automaton.rows(state)
        is_free = is_free and len(set(rows)) == 1 << len(lines)
        if len({tuple(row[line] for line in wired) for row in rows}) < 1 << len(wired):
            yield rows[0], "some rows of its wires"
        yield from ((row, automaton.answer(state, row)[0]) for row in rows)

    search = searched(automaton.start, moves, most=most)
    return _Alone(is_free and search.is_closed, search)


def _groups(plan: Plan, restricting: Set[int]) -> list[list[int]]:
    """Return the parts that restrict rows, those together that read the same input of the system at once."""
    reads = {
        part: {joint.source for joint in plan.lines[part] if joint.source.part == SYSTEM and not joint.further}
        for part in restricting
    }
    group_of = {part: part for part in restricting}
    for one, other in combinations(sorted(restricting), 2):
        if reads[one] & reads[other]:
            joined = {group_of[one], group_of[other]}
            group_of |= {part: min(joined) for part, group in group_of.items() if group in joined}
    return [[part for part in group_of if group_of[part] == group] for group in sorted(set(group_of.values()))]


def _in_cones(plan: Plan, automata: Sequence[Automaton], group: Sequence[int], *, most: int) -> Assumption:
    """Explore larger and larger cones until one shows that a group gets what it expects, or all that matters is in."""
    cone = set(group)
    while True:
        wider = cone | {driver for part in cone for driver in plan.drivers_of(part)}
        members = sorted(wider)
        sub = _part_of(plan, members)
        search = _explored(JointAutomata(sub, [automata[part] for part in members]), most=most)
        is_whole = all(driver in wider for part in wider for driver in plan.drivers_of(part))
        if search.is_closed or is_whole:
            names = tuple(plan.parts[part] for part in members)
            return Assumption(tuple(plan.parts[part] for part in group), names, search)
        cone = wider


def _part_of(plan: Plan, members: Sequence[int]) -> Plan:
    """Return the plan of some parts: what the others send becomes an input."""
    place = {part: index for index, part in enumerate(members)}
    inputs: dict[Source, int] = {}

    def led(joint: Joint) -> Joint:
        if joint.source.part in place:
            return Joint(Source(place[joint.source.part], joint.source.index), joint.further)
        return Joint(Source(SYSTEM, inputs.setdefault(joint.source, len(inputs))), joint.further)

    lines = tuple(tuple(led(joint) for joint in plan.lines[part]) for part in members)
    names = made_names("input", len(inputs))
    return Plan(tuple(plan.parts[part] for part in members), lines, (), names, ())


def _explored(product: JointAutomata, *, most: int) -> StateSearch:
    """Search all joint states for one in which a part gets a row that it does not allow."""

    def moves(state: JointState) -> Iterator[tuple[Row, JointState | str]]:
        for answers in product.answers(state):
            rows = product.rows(state, answers)
            if not rows:
                yield (False,) * len(product.plan.input_names), _fault(product, state, answers)
            yield from ((row, product.after(state, answers, row)) for row in rows)

    try:
        return searched(product.start, moves, most=most)
    except TooManyRowsError:
        return StateSearch(0, is_closed=False)


def _fault(product: JointAutomata, state: JointState, answers: Answers) -> str:
    """Return why no row suits all parts."""
    words = {True: "a spike", False: "silence", None: "any input"}
    for part, name in enumerate(product.plan.parts):
        if not product.fitting(part, state, answers):
            given = product.given(part, state, answers)
            return f"{name} reads {', '.join(f'{words[value]} on line {line}' for line, value in enumerate(given))}"
    return "no row of the inputs suits all parts"
