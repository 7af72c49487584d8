"""One tick of a neuron, and the gathering of one event, as Amaranth components, made from a rule.

`NeuronStep` does what `snnprog.rules.interpreter.Interpreter.tick` does and `GatherStep` what its ``gather`` does, for
every value within the reach of the rule (`reach_in_hardware`); beyond it, nothing is promised. Ports are named so that
no name of a rule can collide:

========================  =============================================================================
``before_<register>``     in: a register before the tick; not that of the gathering's target
``gathered``              in: what the gathering has left of its target
``set_<parameter>``       in: a parameter of the neuron, or a constant of the rule's
``after_<register>``      out: a register after the tick
``spikes``                out: how often the neuron spikes
========================  =============================================================================

`GatherStep` has ``gathered``, ``weight`` and ``count`` in, and ``after_gathered`` out.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from amaranth import Module, Shape, Signal, Value
from amaranth.lib.wiring import Component, In, Out

from snnprog.emit.hardware.arithmetic import CircuitBuilder, TimedValue, shape_of
from snnprog.errors import SpecError
from snnprog.rules.expressions import End, Hold, Ref, evaluate, names_in
from snnprog.rules.ranges import FAR, SPANS, Reach, Span, reach_of
from snnprog.rules.rule import COUNT, SPIKES, WEIGHT, Rule

Bounds = tuple[int, int]
BEFORE, AFTER, SET, GATHERED = "before_", "after_", "set_", "gathered"
"""Names of ports, or their prefixes."""


def reach_in_hardware(rule: Rule, *, arriving: Bounds, parameters: dict[str, Bounds] | None = None) -> Reach:
    """Return the ranges of a rule's values, for every neuron that a program may have.

    Parameters
    ----------
    arriving : (int, int)
        The least and the greatest sum of any events that come together in a tick; it contains 0.
    parameters : dict of str to (int, int), optional
        Narrower ranges of some parameters and constants than the rule declares.

    Raises
    ------
    SpecError
        If a value has no bound, or what has been gathered has none between two events.
    """
    gather = rule.gather.expression
    is_closed = isinstance(gather, Hold) and gather.end in (End.CLIP, End.WRAP)
    if not (rule.is_sum or is_closed):
        raise SpecError(
            f"step {rule.gather.name!r} of rule {rule.name} must be a sum, or clip or wrap one, to be made in hardware"
        )
    ranges = {each.name: (each.low, each.high) for each in rule.parameters}
    ranges |= {each.name: (min(each.hidden, each.readout), max(each.hidden, each.readout)) for each in rule.constants}
    ranges |= parameters or {}
    spans = {name: span_of(bounds) for name, bounds in ranges.items()}
    reach = reach_of(rule, spans, arriving=span_of(arriving))
    check_bounds(rule, reach, advice="give its register an end, or narrow what arrives")
    return reach


def check_bounds(rule: Rule, reach: Reach, *, advice: str) -> None:
    """Raise `SpecError` if a value has no bound."""
    for (step, _), span in reach.nodes.items():
        if span.magnitude >= FAR:
            raise SpecError(
                f"step {step!r} of rule {rule.name} has a value without a bound, which no hardware register holds;"
                f" {advice}"
            )


def span_of(bounds: Bounds) -> Span:
    """Return the span of one value between two bounds, both included."""
    low, high = bounds
    return Span(np.array([low], np.int64), np.array([high], np.int64))


class NeuronStep(Component):
    """One tick of a neuron; see the module's text for its ports.

    Parameters
    ----------
    rule : Rule
    reach : Reach
        How far the rule's values go: from `reach_in_hardware`, or from the proof of one program.
    most_depth : float, optional
        Registers are placed after what is deeper than so many additions; combinational unless given.

    Attributes
    ----------
    clocks : int
        How many clocks all inputs must hold still before the outputs do; 0 for a combinational step.
    """

    def __init__(self, rule: Rule, reach: Reach, *, most_depth: float | None = None) -> None:
        self.rule, self.reach, self._most_depth = rule, reach, most_depth
        self._inputs = _inputs(rule, reach)
        outputs = {f"{AFTER}{name}": shape_of(span) for name, span in reach.registers.items()}
        outputs[SPIKES] = shape_of(reach.of(rule.fire, rule.fire.expression))
        ports = {port: In(shape) for port, shape in self._inputs.values()}
        super().__init__(ports | {port: Out(shape) for port, shape in outputs.items()})
        self.clocks = clocks_of_step(rule, reach, most_depth=most_depth)

    def elaborate(self, platform: Any) -> Module:
        """Return the logic, with signals named after their steps."""
        m = Module()
        ports = {name: getattr(self, port) for name, (port, _) in self._inputs.items()}
        values = _steps(self.rule, self.reach, ports, builder=CircuitBuilder(m, self._most_depth))
        m.d.comb += self.spikes.eq(values[SPIKES].value)
        m.d.comb += [getattr(self, f"{AFTER}{name}").eq(values[name].value) for name in self.rule.registers]
        return m


def clocks_of_step(rule: Rule, reach: Reach, *, most_depth: float | None) -> int:
    """Return the number of clocks from the last change of a `NeuronStep` input to valid outputs."""
    ports = {name: Signal(shape) for name, (_, shape) in _inputs(rule, reach).items()}
    values = _steps(rule, reach, ports, builder=CircuitBuilder(None, most_depth))
    return max(values[name].clocks for name in (*rule.registers, SPIKES))


def _steps(rule: Rule, reach: Reach, ports: Mapping[str, Value], *, builder: CircuitBuilder) -> dict[str, TimedValue]:
    """Build all steps; return the latest value of each name."""
    values = {name: TimedValue(port) for name, port in ports.items()}
    for step in rule.steps:
        within = partial(reach.of, step)
        values[step.target] = builder.value_of(step.expression, values, name=step.name, span_of=within)
    return values


class GatherStep(Component):
    """The gathering of one event, combinational.

    Ports are ``gathered``, ``weight`` and ``count``, and ``after_gathered``, which has the shape of ``gathered``.

    Parameters
    ----------
    rule : Rule
    reach : Reach
        As in `NeuronStep`.
    weight, count : (int, int)
        The least and the greatest weight of a synapse, exponent applied, and how often a line spikes in a tick.
    """

    def __init__(self, rule: Rule, reach: Reach, *, weight: Bounds, count: Bounds) -> None:
        self.rule = rule
        gathered = reach.of(rule.gather, rule.gather.expression)
        self._spans = {rule.gather.target: gathered, WEIGHT: span_of(weight), COUNT: span_of(count)}
        super().__init__(
            {
                GATHERED: In(shape_of(gathered)),
                WEIGHT: In(shape_of(self._spans[WEIGHT])),
                COUNT: In(shape_of(self._spans[COUNT])),
                f"{AFTER}{GATHERED}": Out(shape_of(gathered)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Return the logic."""
        m = Module()
        gather = self.rule.gather
        table = {**SPANS, Ref: lambda node: self._spans[node.name]}
        ports = {gather.target: self.gathered, WEIGHT: self.weight, COUNT: self.count}
        values = {name: TimedValue(port) for name, port in ports.items()}
        found = CircuitBuilder(m).value_of(
            gather.expression, values, name=gather.name, span_of=lambda node: evaluate(node, table)
        )
        m.d.comb += self.after_gathered.eq(found.value)
        return m


def _inputs(rule: Rule, reach: Reach) -> dict[str, tuple[str, Shape]]:
    """Return the port and its shape of every initial name of a tick."""
    gather = rule.gather
    fixed = {each.name for each in rule.parameters} | {each.name for each in rule.constants}
    found = {name: (f"{BEFORE}{name}", shape_of(span)) for name, span in reach.registers.items()}
    found[gather.target] = GATHERED, shape_of(reach.of(gather, gather.expression))
    for step in rule.steps:
        for name in sorted(names_in(step.expression) & fixed):
            found[name] = f"{SET}{name}", shape_of(reach.of(step, Ref(name)))
    return found
