"""The part of a program's rule to emit, and proved bounds of each value, which determine types.

Interval analysis (`snnprog.rules.ranges`) removes limits that no value of this program reaches and registers that stay
0, for every input: a line that the rule counts sends up to `most_of_input` spikes in a tick.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from snnprog.arrays import Int64s
from snnprog.errors import LimitError
from snnprog.program import Program
from snnprog.rules.expressions import NODES, Expression, Mul, Ref, evaluate, nodes
from snnprog.rules.interpreter import Interpreter
from snnprog.rules.ranges import FAR, GROWING, JUMPING, SPANS, Span, Spans, reach_of
from snnprog.rules.rule import COUNT, WEIGHT, Rule, Step
from snnprog.rules.simplifying import simplified
from snnprog.simulate.layout import arriving_span
from snnprog.simulate.parameters import MOST_IN_A_BYTE, most_line_spikes, parameters_of


@dataclass(frozen=True, eq=False)
class LeanProgram:
    """A program's simplified rule, and the ranges of its values.

    Attributes
    ----------
    program : Program
    rule : Rule
        The rule without the parts that never matter to this program, and without watches.
    arriving : Span
        The least and the largest sum of events that can come together at each neuron in a tick.
    registers : mapping of str to Span
        The range of each register between ticks.
    spans : mapping of (str, Expression) to Span
        The range of every part of every step, by the step's name.
    parameters : mapping of str to (neurons,) int64
        And constants.
    most_spikes, most_of_input : int
        The largest count of a neuron's, and of an input line's, spikes in a tick.
    """

    program: Program
    rule: Rule
    arriving: Span
    registers: Spans
    spans: Mapping[tuple[str, Expression], Span]
    parameters: Mapping[str, Int64s]
    most_spikes: int
    most_of_input: int

    @property
    def fixed(self) -> frozenset[str]:
        """Names that no tick changes."""
        return frozenset(self.parameters)

    @property
    def has_arrivals(self) -> bool:
        """Whether anything ever arrives."""
        return self.arriving.magnitude > 0

    def value(self, expression: Expression) -> Int64s:
        """Return (neurons,) values of an expression of parameters and constants."""
        values = Interpreter(self.program.chip.rule, self.parameters).value(expression)
        return np.broadcast_to(values, self.program.n_neurons)


def lean_program(program: Program) -> LeanProgram:
    """Return a program's rule made lean.

    Raises
    ------
    LimitError
        If a value could exceed what 64 bits hold, or the spikes of an output in a tick what a byte holds.
    """
    rule, parameters = program.chip.rule, parameters_of(program)
    known = {name: Span.of(values) for name, values in parameters.items()}
    most = most_line_spikes(program)
    arriving = arriving_span(program, most_of_input=most)
    lean = replace(simplified(rule, reach_of(rule, known, arriving=arriving)), watched=())
    reach = reach_of(lean, known, arriving=arriving)
    spans = dict(reach.nodes)
    counts = reach.of(lean.fire, lean.fire.expression)
    if not lean.is_sum:
        events = _events(program, counts, most=most)
        spans |= _gathering_spans(lean, reach.registers, events=events, counts=max(counts.greatest, most))
    _check_outputs(program, counts)
    _check_far(lean, spans)
    return LeanProgram(program, lean, arriving, reach.registers, spans, parameters, counts.greatest, most)


def _events(program: Program, counts: Span, *, most: int) -> Span:
    """Return the possible effects of single synapses in a tick."""
    sent = np.full(program.n_inputs + program.n_neurons, most, np.int64)
    sent[program.n_inputs :] = counts.high
    added = program.effective_weight() * sent[program.pre]
    return Span(np.minimum(added.min(initial=0), 0), np.maximum(added.max(initial=0), 0))


def _gathering_spans(rule: Rule, registers: Spans, *, events: Span, counts: int) -> dict[tuple[str, Expression], Span]:
    """Return the spans of each part of a gathering event by event, for any order."""
    gather = rule.gather
    zero = Span.of(np.zeros_like(next(iter(registers.values())).low))
    gathered = registers.get(gather.target, zero)
    found: dict[tuple[str, Expression], Span] = {}
    values = {WEIGHT: events, COUNT: Span(np.array(0), np.array(counts))}

    def noted(node: Expression, *parts: Span) -> Span:
        if isinstance(node, Ref):
            span = {**values, gather.target: gathered}[node.name]
        elif node == Mul(Ref(WEIGHT), Ref(COUNT)):
            span = events
        else:
            span = SPANS[type(node)](node, *parts)
        known = found.get((gather.name, node))
        found[gather.name, node] = span if known is None else known.joined(span)
        return span

    for round_number in range(GROWING + JUMPING):
        after = gathered.joined(evaluate(gather.expression, dict.fromkeys(NODES, noted)))
        if after.is_within(gathered):
            break
        gathered = after.widened(gathered) if round_number >= GROWING else after
    return found


def _check_outputs(program: Program, counts: Span) -> None:
    most = np.broadcast_to(counts.high, program.n_neurons)[program.outputs]
    if (most > MOST_IN_A_BYTE).any():
        output = int(most.argmax())
        raise LimitError(
            f"the spikes of output {output} in one tick",
            int(most[output]),
            f"at most {MOST_IN_A_BYTE} (exported C uses one byte for each output)",
            "raise its threshold",
        )


def _check_far(rule: Rule, spans: Mapping[tuple[str, Expression], Span]) -> None:
    for step in rule.all_steps:
        for node in nodes(step.expression):
            if spans[step.name, node].magnitude >= FAR:
                raise too_far(step)


def too_far(step: Step) -> LimitError:
    """Return the error for a step whose values are not proved to stay within 64 bits."""
    return LimitError(
        f"the values of step {step.name!r}",
        "values not proved to stay below 2^60",
        "within 64 bits for every input",
        "give the register ends (clip or wrap) in the rule, or lower the weights",
    )
