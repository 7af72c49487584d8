"""The plan of the hardware of one program: ranges and taps of each neuron, and the number of clocks.

A *tap* is a line at a delay: what the line did so many ticks ago. There are two forms.

- *parallel*: all taps of all neurons are added up at once, and a tick takes one clock. Of a sum of weights, four taps
  of one bit are one table of 16 sums, which an FPGA's cells hold in one cell for each bit ("distributed arithmetic",
  Peled and Liu 1974). What arrives has to be a sum: for the rule, or because no sum of the program's weights reaches
  the ends of the register.
- *serial*: one tap after another, one for each clock, in the order in which the rule gathers them; all neurons take up
  their weight for the tap at once. A tick takes as many clocks as there are taps, and two more.

A program takes the parallel form where its estimate is within `PARALLEL_CELLS`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from snnprog.emit.hardware.arithmetic import digits_of, shape_of
from snnprog.emit.hardware.step import check_bounds, span_of
from snnprog.errors import SpecError
from snnprog.program import Program
from snnprog.rules.expressions import (
    Add,
    Compare,
    End,
    Expression,
    FloorDiv,
    Hold,
    Leak,
    Max,
    Min,
    Mul,
    Ref,
    Scale,
    Select,
    Shr,
    Sub,
    children,
)
from snnprog.rules.ranges import Reach, Span, reach_of
from snnprog.rules.rule import COUNT, WEIGHT, Rule, Step
from snnprog.simulate.arrivals import Synapses
from snnprog.simulate.layout import arriving_span
from snnprog.simulate.parameters import parameters_of

PARALLEL_CELLS = 4000
"""Three quarters of the 5,280 logic cells of an iCE40UP5K, so that there is room for a serial port."""
MOST_CELLS = 70000
"""Most of the 83,640 cells of an ECP5-85, the largest FPGA that the open tools place (Lattice FPGA-DS-02012, 1.1)."""
TABLE_TAPS = 4
"""Taps of one bit whose sums are one table: the inputs of a cell."""

Tap = tuple[int, int]


@dataclass(frozen=True, eq=False)
class HeardTap:
    """The addend of one neuron for a tap.

    Attributes
    ----------
    tap : (int, int)
        Line and delay.
    weight : int
        Exponent applied.
    """

    tap: Tap
    weight: int


@dataclass(frozen=True, eq=False)
class NeuronPlan:
    """One neuron.

    Attributes
    ----------
    reach : Reach
        How far its values go, for any input.
    arriving : (int, int)
        The least and the greatest sum that can arrive in a tick.
    heard : tuple of HeardTap
        In the order of lines, then delays, then synapses.
    is_sum : bool
        Whether what it hears can be added up in any order.
    """

    reach: Reach
    arriving: tuple[int, int]
    heard: tuple[HeardTap, ...]
    is_sum: bool

    def spikes(self, rule: Rule) -> Span:
        """Return the most spikes in a tick."""
        return self.reach.of(rule.fire, rule.fire.expression)

    @property
    def bits(self) -> int:
        """The bits that are kept from tick to tick."""
        return sum(shape_of(span).width for span in self.reach.registers.values() if span.least < span.greatest)


@dataclass(frozen=True, eq=False)
class SpecialPlan:
    """The hardware of one program; see the module's text.

    Attributes
    ----------
    program : Program
    neurons : tuple of NeuronPlan
    count_bits : tuple of int
        For each line, inputs first, the bits of how often it spikes in a tick.
    depth : dict of int to int
        For each line that is heard, the longest delay.
    is_parallel : bool
    cells : int
        An estimate of the logic cells: four inputs and a flip-flop each.
    """

    program: Program
    neurons: tuple[NeuronPlan, ...]
    count_bits: tuple[int, ...]
    depth: dict[int, int]
    is_parallel: bool
    cells: int

    @classmethod
    def of(cls, program: Program) -> SpecialPlan:
        """Return the plan of a program.

        Raises
        ------
        SpecError
            If the rule cannot be made in hardware, or the program is too large for this form.
        """
        neurons = tuple(_neurons(program))
        rule = program.chip.rule
        counts = [1] * program.n_inputs + [shape_of(each.spikes(rule)).width for each in neurons]
        depth: dict[int, int] = {}
        for line, delay in sorted(_taps(neurons)):
            depth[line] = max(depth.get(line, 0), delay)
        kept = sum(counts[line] * delays for line, delays in depth.items())
        parallel = kept + sum(_step_cells(rule, each) + _sum_cells(each, counts) for each in neurons)
        serial = kept + len(depth) // 2 + sum(_step_cells(rule, each) + _fold_cells(rule, each) for each in neurons)
        is_parallel = all(each.is_sum for each in neurons) and parallel <= PARALLEL_CELLS
        cells = parallel if is_parallel else serial
        if cells > MOST_CELLS:
            raise SpecError(
                f"the program would take about {cells:,} logic cells as hardware of its own, which has up to"
                f" {MOST_CELLS:,}; export it as .hex for the core with program memory"
            )
        return cls(program, neurons, tuple(counts), depth, is_parallel, cells)

    @property
    def output_bits(self) -> int:
        """Bits of how often an output spikes in a tick, as many for each."""
        return max((self.count_bits[self.program.n_inputs + each] for each in self.program.outputs), default=1)

    @property
    def taps(self) -> tuple[Tap, ...]:
        """All taps, in the order in which the rule gathers them; one with n synapses to a neuron occurs n times."""
        most: dict[Tap, int] = {}
        for neuron in self.neurons:
            own: dict[Tap, int] = {}
            for each in neuron.heard:
                own[each.tap] = own.get(each.tap, 0) + 1
            for tap, times in own.items():
                most[tap] = max(most.get(tap, 0), times)
        return tuple(tap for tap in sorted(most) for _ in range(most[tap]))

    def widths(self, register: str) -> list[int]:
        """Return the bits of a register of each neuron, 0 where it never leaves 0."""
        spans = [neuron.reach.registers[register] for neuron in self.neurons]
        return [shape_of(span).width if span.least < span.greatest else 0 for span in spans]

    @property
    def clocks(self) -> int:
        """Clocks of a tick, from its strobe to its outputs."""
        return 1 if self.is_parallel else len(self.taps) + 2


def _neurons(program: Program) -> Iterator[NeuronPlan]:
    rule = program.chip.rule
    count, arriving = program.n_neurons, arriving_span(program)
    spans = {name: Span.of(values) for name, values in parameters_of(program).items()}
    reach = reach_of(rule, spans, arriving=arriving)
    check_bounds(rule, reach, advice="give its register an end")
    synapses = Synapses.of(program).in_order()
    heard: list[list[HeardTap]] = [[] for _ in range(count)]
    columns = (synapses.pre, synapses.delay, synapses.post, synapses.effective_weight)
    for line, delay, post, weight in zip(*(column.tolist() for column in columns), strict=True):
        heard[post].append(HeardTap((line, delay), weight))
    for index in range(count):
        own = Reach(
            {name: _one(span, index, count) for name, span in reach.registers.items()},
            {key: _one(span, index, count) for key, span in reach.nodes.items()},
        )
        ends = int(arriving.low[index]), int(arriving.high[index])
        is_sum = _is_sum(rule, own)
        yield NeuronPlan(own, ends, _merged(heard[index]) if is_sum else tuple(heard[index]), is_sum)


def _one(span: Span, index: int, count: int) -> Span:
    low, high = (np.broadcast_to(end, count)[index : index + 1] for end in (span.low, span.high))
    return Span(low, high)


def _is_sum(rule: Rule, reach: Reach) -> bool:
    """Return whether a neuron's events can be added in any order.

    Raises
    ------
    SpecError
        If the gathering is not a sum, or what holds one between two events is neither clipped nor wrapped.
    """
    gather = rule.gather.expression
    event = gather.operand if isinstance(gather, Hold) else gather
    is_event = event == Add(Ref(rule.gather.target), Mul(Ref(WEIGHT), Ref(COUNT)))
    if not is_event or (isinstance(gather, Hold) and gather.end not in (End.CLIP, End.WRAP)):
        raise SpecError(
            f"step {rule.gather.name!r} of rule {rule.name} must be a sum, or clip or wrap one, to be made in hardware"
        )
    if not isinstance(gather, Hold):
        return True
    inside, before = reach.of(rule.gather, event), reach.registers.get(rule.gather.target, Span.of(0))
    if before.least < gather.low or gather.high < before.greatest:
        raise SpecError(
            f"step {rule.gather.name!r} of rule {rule.name} holds {rule.gather.target!r} within narrower ends than"
            " later steps do, so that what arrives could change it even with a weight of 0; hold it in those steps, too"
        )
    return gather.low <= inside.least and inside.greatest <= gather.high


def _merged(heard: list[HeardTap]) -> tuple[HeardTap, ...]:
    """Return the taps with their weights added up."""
    weights: dict[Tap, int] = {}
    for each in heard:
        weights[each.tap] = weights.get(each.tap, 0) + each.weight
    return tuple(HeardTap(tap, weight) for tap, weight in weights.items() if weight)


def _taps(neurons: tuple[NeuronPlan, ...]) -> set[Tap]:
    return {each.tap for neuron in neurons for each in neuron.heard}


# ------------------------------------------------------------------------------------------------- estimates of cells


def _sum_cells(neuron: NeuronPlan, counts: list[int]) -> int:
    """Return the cells of a sum of tables: one for each bit of a table, and of each addition of two."""
    tables = -(-sum(counts[each.tap[0]] for each in neuron.heard) // TABLE_TAPS)
    width: int = shape_of(span_of(neuron.arriving)).width
    return max(2 * tables - 1, 0) * width


def _fold_cells(rule: Rule, neuron: NeuronPlan) -> int:
    """Return the cells of one tap: the weight where there is a spike, the addition, and its end."""
    width: int = shape_of(neuron.reach.of(rule.gather, rule.gather.expression)).width
    return (2 if neuron.is_sum else 5) * width


def _step_cells(rule: Rule, neuron: NeuronPlan) -> int:
    """Return the cells of a neuron's tick, one for each bit of a register, an addition, a comparison or a choice."""
    return neuron.bits + sum(_cells(neuron.reach, step, step.expression) for step in rule.steps)


def _cells(reach: Reach, step: Step, node: Expression) -> int:
    """Return the cells of an expression; a constant value takes none."""
    spans = [reach.of(step, each) for each in (node, *children(node))]
    if spans[0].least == spans[0].greatest or isinstance(node, Ref):
        return 0
    below = sum(_cells(reach, step, child) for child in children(node))
    is_idle = isinstance(node, Hold) and node.low <= spans[1].least and spans[1].greatest <= node.high
    adds_nothing = isinstance(node, Add | Sub | Select) and any(span.magnitude == 0 for span in spans[1:])
    if is_idle or adds_nothing:
        return below
    widths: list[int] = [shape_of(span).width for span in spans]
    if isinstance(node, Scale):
        additions = max(len(digits_of(spans[2].greatest)) - 1, 0) + (spans[1].least < 0)
        return below + additions * (widths[1] + node.bits)
    if isinstance(node, FloorDiv):
        return below + max(widths) * widths[0]
    return below + ADDITIONS.get(type(node), 0) * max(widths)


ADDITIONS: dict[type[Expression], int] = {
    Add: 1,
    Sub: 1,
    Mul: 1,
    Shr: 1,
    Leak: 2,
    Hold: 2,
    Compare: 1,
    Select: 1,
    Min: 2,
    Max: 2,
}
"""Additions and choices of an operation: one cell for each bit of its widest value."""
