"""The automaton of a system, from those of its parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from snnprog.automata.automaton import Answer, Automaton, Row, State
from snnprog.errors import SpecError
from snnprog.linking.plan import Plan
from snnprog.linking.product import Answers, JointAutomata, JointState

MOST_TOGETHER = 1 << 12
"""Joint states of which any may be the present one, where automata leave wired outputs open. A choice."""


def linked_automaton(plan: Plan, automata: Sequence[Automaton]) -> Automaton:
    """Return the automaton of a system.

    Its state is the set of joint states that are possible: one, unless an automaton leaves an output open that a wire
    carries. Its rows are those that every part allows.
    """
    step = LinkedStep(plan, tuple(automata))
    return Automaton(
        n_inputs=len(plan.input_names),
        n_outputs=len(plan.output_names),
        start=frozenset([step.product.start]),
        step=step,
        symbols=step.rows,
    )


@dataclass(frozen=True)
class LinkedStep:
    """The step of a system's automaton; it can be pickled.

    Attributes
    ----------
    plan : Plan
    automata : tuple of Automaton
    """

    plan: Plan
    automata: tuple[Automaton, ...]

    @cached_property
    def product(self) -> JointAutomata:
        """The automata, to be advanced together."""
        return JointAutomata(self.plan, self.automata)

    def __call__(self, state: State, row: Row) -> tuple[State, Answer]:
        """Return the next state and the outputs."""
        cases = self._cases(state)
        after = frozenset(self.product.after(joint, answers, row) for joint, answers in cases)
        if len(after) > MOST_TOGETHER:
            raise SpecError(
                f"automata must leave few wired outputs open, got more than {MOST_TOGETHER:,} possible states; say what"
                " those outputs do"
            )
        outputs = [self.product.outputs(joint, answers) for joint, answers in cases]
        return after, tuple(each[0] if len(set(each)) == 1 else None for each in zip(*outputs, strict=True))

    def rows(self, state: State) -> tuple[Row, ...]:
        """Return the rows that can occur in a state: those that every part allows."""
        first, *others = (self.product.rows(joint, answers) for joint, answers in self._cases(state))
        common = set(first).intersection(*others)
        return tuple(row for row in first if row in common)

    def _cases(self, state: State) -> list[tuple[JointState, Answers]]:
        assert isinstance(state, frozenset)
        joints = sorted(state, key=repr) if len(state) > 1 else list(state)
        return [(joint, answers) for joint in joints for answers in self.product.answers(joint)]
