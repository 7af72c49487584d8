"""The automata of a system's parts, advanced together: what each sends is what the others read.

At each tick every part says what its outputs do, then each reads its row: spikes of outputs at this tick or further
ticks before, and inputs of the system. What an automaton leaves open and a wire carries is tried both ways.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import NamedTuple

from snnprog.automata.automaton import ROW_LIMIT, Answer, Automaton, Row, State
from snnprog.errors import SpecError
from snnprog.linking.plan import SYSTEM, Joint, Plan, Source


class TooManyRowsError(SpecError):
    """The inputs of a system have more rows than can be tried."""


Answers = tuple[Answer, ...]
"""What the outputs of each part do in a tick."""


class JointState(NamedTuple):
    """The states of all parts, and the spikes under way.

    Attributes
    ----------
    parts : tuple of state
        Of each part's automaton.
    past : tuple of row
        For each source whose spikes take further ticks: its spikes 1, 2, … ticks ago.
    """

    parts: tuple[State, ...]
    past: tuple[Row, ...]


class JointAutomata:
    """The automata of a system, to be advanced together.

    Parameters
    ----------
    plan : Plan
    automata : sequence of Automaton
        One for each part.
    """

    def __init__(self, plan: Plan, automata: Sequence[Automaton]) -> None:
        self.plan, self.automata = plan, tuple(automata)
        depths: dict[Source, int] = {}
        for joint in plan.joints:
            if joint.further:
                depths[joint.source] = max(joint.further, depths.get(joint.source, 0))
        self._depths = sorted(depths.items())
        self._place = {source: place for place, (source, _) in enumerate(self._depths)}
        heard = {joint.source for lines in plan.lines for joint in lines} | set(depths)
        self._heard = [[Source(part, each) in heard for each in range(a.n_outputs)] for part, a in enumerate(automata)]
        self._answers: dict[tuple[int, State], Answer] = {}
        self._steps: dict[tuple[int, State, Row], tuple[State, Answer]] = {}

    @property
    def start(self) -> JointState:
        """All parts at their starts, and no spikes under way."""
        past = tuple((False,) * depth for _, depth in self._depths)
        return JointState(tuple(each.start for each in self.automata), past)

    def answers(self, state: JointState) -> Iterator[Answers]:
        """Yield what the outputs may do in a tick; None only for outputs that no part reads.

        Raises
        ------
        SpecError
            If an automaton's outputs depend on the row of the same tick.
        """
        known = [self.answer_of(part, each) for part, each in enumerate(state.parts)]
        choices = [
            (False, True) if must is None and is_heard else (must,)
            for answer, heard in zip(known, self._heard, strict=True)
            for must, is_heard in zip(answer, heard, strict=True)
        ]
        for chosen in product(*choices):
            values = iter(chosen)
            yield tuple(tuple(next(values) for _ in answer) for answer in known)

    def answer_of(self, part: int, state: State) -> Answer:
        """Return what the outputs of a part must do in a state, whatever its row."""
        if (part, state) not in self._answers:
            automaton = self.automata[part]
            found = {self._step(part, state, row)[1] for row in automaton.rows(state)}
            if len(found) > 1:
                raise SpecError(
                    f"the automaton of part {self.plan.parts[part]!r} must answer later than it reads: in state"
                    f" {state!r} its outputs depend on the row of the same tick; delay it by automaton.delayed(1)"
                )
            self._answers[part, state] = found.pop()
        return self._answers[part, state]

    def value(self, joint: Joint, state: JointState, answers: Answers) -> bool | None:
        """Return whether a spike arrives over a joint; None for an input of the system at this tick, or if open."""
        source = joint.source
        if joint.further:
            return state.past[self._place[source]][joint.further - 1]
        return None if source.part == SYSTEM else answers[source.part][source.index]

    def outputs(self, state: JointState, answers: Answers) -> Answer:
        """Return what the outputs of the system do."""
        return tuple(self.value(joint, state, answers) for joint in self.plan.outputs)

    def given(self, part: int, state: JointState, answers: Answers) -> tuple[bool | None, ...]:
        """Return what a part reads; None for lines that inputs of the system drive at once."""
        return tuple(self.value(joint, state, answers) for joint in self.plan.lines[part])

    def fitting(self, part: int, state: JointState, answers: Answers) -> list[Row]:
        """Return the rows that a part's automaton allows, among those with what it is given."""
        given = self.given(part, state, answers)
        return [row for row in self.automata[part].rows(state.parts[part]) if fits(row, given)]

    def rows(self, state: JointState, answers: Answers) -> tuple[Row, ...]:
        """Return the rows of the system's inputs that every part allows; the rows with the fewest spikes first.

        Raises
        ------
        TooManyRowsError
            If there are more than `snnprog.automata.automaton.ROW_LIMIT`.
        """
        count = len(self.plan.input_names)
        found: set[tuple[bool | None, ...]] = {(None,) * count}
        for part, lines in enumerate(self.plan.lines):
            ends = [
                (line, joint.source.index)
                for line, joint in enumerate(lines)
                if joint.source.part == SYSTEM and not joint.further
            ]
            some = {tuple(row[line] for line, _ in ends) for row in self.fitting(part, state, answers)}
            joined = (_joined(known, [index for _, index in ends], values) for known in found for values in some)
            found = {each for each in joined if each is not None}
            if len(found) > ROW_LIMIT:
                break
        if sum(1 << known.count(None) for known in found) > ROW_LIMIT:
            raise TooManyRowsError(
                f"{count} inputs of the system have more than {ROW_LIMIT:,} rows; give automata the rows that can occur"
                " as symbols"
            )
        choices = [[(False, True) if each is None else (each,) for each in known] for known in found]
        whole = {row for each in choices for row in product(*each)}
        return tuple(sorted(whole, key=lambda row: (sum(row), [not spike for spike in row])))

    def after(self, state: JointState, answers: Answers, row: Row) -> JointState:
        """Return the state after a tick with these outputs and this row of the system's inputs."""
        parts = []
        for part, lines in enumerate(self.plan.lines):
            read = tuple(
                row[joint.source.index] if value is None else value
                for joint, value in zip(lines, self.given(part, state, answers), strict=True)
            )
            parts.append(self._step(part, state.parts[part], read)[0])
        past = tuple(
            (bool(self._now(source, answers, row)), *before[:-1])
            for (source, _), before in zip(self._depths, state.past, strict=True)
        )
        return JointState(tuple(parts), past)

    def _step(self, part: int, state: State, row: Row) -> tuple[State, Answer]:
        """Return the next state and the outputs of a part, calculated once."""
        if (part, state, row) not in self._steps:
            self._steps[part, state, row] = self.automata[part].answer(state, row)
        return self._steps[part, state, row]

    @staticmethod
    def _now(source: Source, answers: Answers, row: Row) -> bool | None:
        return row[source.index] if source.part == SYSTEM else answers[source.part][source.index]


def fits(row: Row, given: Sequence[bool | None]) -> bool:
    """Return whether a row has the given values."""
    return all(value is None or value == spike for spike, value in zip(row, given, strict=True))


def _joined(
    known: tuple[bool | None, ...], indices: Sequence[int], values: Sequence[bool]
) -> tuple[bool | None, ...] | None:
    """Return known inputs together with more of them; None where they contradict."""
    found = list(known)
    for index, value in zip(indices, values, strict=True):
        if found[index] not in (None, value):
            return None
        found[index] = value
    return tuple(found)
