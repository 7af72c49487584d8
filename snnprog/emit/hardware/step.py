"""One tick of a neuron, and the gathering of one event, as combinational Amaranth components, made from a rule.

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

from functools import partial
from typing import Any

import numpy as np
from amaranth import Const, Module, Shape, Signal, Value
from amaranth.lib.wiring import Component, In, Out

from snnprog.emit.hardware.arithmetic import shape_of, value_of
from snnprog.errors import SpecError
from snnprog.rules.expressions import End, Hold, Ref, evaluate, names_in
from snnprog.rules.ranges import FAR, SPANS, Reach, Span, reach_of
from snnprog.rules.rule import COUNT, SPIKES, WEIGHT, Rule

Bounds = tuple[int, int]
BEFORE, AFTER, SET, GATHERED = "before_", "after_", "set_", "gathered"
"""What ports are called, or begin with."""


def reach_in_hardware(rule: Rule, *, arriving: Bounds, parameters: dict[str, Bounds] | None = None) -> Reach:
    """Return how far the values of a rule go, for every neuron that a program may have.

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
    spans = {name: _span(bounds) for name, bounds in ranges.items()}
    reach = reach_of(rule, spans, arriving=_span(arriving))
    for (step, _), span in reach.nodes.items():
        if span.magnitude >= FAR:
            raise SpecError(
                f"step {step!r} of rule {rule.name} has a value without a bound, which no hardware register holds; give"
                " its register an end, or narrow what arrives"
            )
    return reach


def _span(bounds: Bounds) -> Span:
    low, high = bounds
    return Span(np.array([low], np.int64), np.array([high], np.int64))


class NeuronStep(Component):
    """One tick of a neuron, combinational; see the module's text for its ports.

    Parameters
    ----------
    rule : Rule
    reach : Reach
        How far the rule's values go: from `reach_in_hardware`, or from the proof of one program.

    Attributes
    ----------
    shapes : dict of str to amaranth.Shape
        The shape of each port.
    """

    def __init__(self, rule: Rule, reach: Reach) -> None:
        self.rule, self.reach = rule, reach
        self._inputs = _inputs(rule, reach)
        spikes = next(step for step in rule.steps if step.target == SPIKES)
        after = {f"{AFTER}{name}": shape_of(span) for name, span in reach.registers.items()}
        after[SPIKES] = shape_of(reach.of(spikes, spikes.expression))
        before = dict(self._inputs.values())
        self.shapes = before | after
        super().__init__(
            {port: In(shape) for port, shape in before.items()} | {port: Out(shape) for port, shape in after.items()}
        )

    def elaborate(self, platform: Any) -> Module:
        """Return the logic: one signal for each step, in their order."""
        m = Module()
        values: dict[str, Value] = {name: getattr(self, port) for name, (port, _) in self._inputs.items()}
        for step in self.rule.steps:
            keep = partial(kept, m, f"{step.name}_part")
            values[step.target] = value_of(step.expression, values, span_of=partial(self.reach.of, step), keep=keep)
        m.d.comb += self.spikes.eq(values[SPIKES])
        m.d.comb += [getattr(self, f"{AFTER}{name}").eq(values[name]) for name in self.rule.registers]
        return m


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
        self._spans = {rule.gather.target: gathered, WEIGHT: _span(weight), COUNT: _span(count)}
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
        table = {**SPANS, Ref: lambda node: self._spans[node.name]}
        values = {self.rule.gather.target: self.gathered, WEIGHT: self.weight, COUNT: self.count}
        keep = partial(kept, m, f"{self.rule.gather.name}_part")
        found = value_of(self.rule.gather.expression, values, span_of=lambda node: evaluate(node, table), keep=keep)
        m.d.comb += self.after_gathered.eq(found)
        return m


def kept(m: Module, name: str, value: Value) -> Value:
    """Return a signal that always has a value; a constant is left as it is."""
    if isinstance(value, Const):
        return value
    signal = Signal(value.shape(), name=name)
    m.d.comb += signal.eq(value)
    return signal


def _inputs(rule: Rule, reach: Reach) -> dict[str, tuple[str, Shape]]:
    """Return the port and its shape of every name that a tick begins with."""
    gather = rule.gather
    fixed = {each.name for each in rule.parameters} | {each.name for each in rule.constants}
    found = {name: (f"{BEFORE}{name}", shape_of(span)) for name, span in reach.registers.items()}
    found[gather.target] = GATHERED, shape_of(reach.of(gather, gather.expression))
    for step in rule.steps:
        for name in sorted(names_in(step.expression) & fixed):
            found[name] = f"{SET}{name}", shape_of(reach.of(step, Ref(name)))
    return found
