"""The hardware of one program: only its constants, its widths and its wiring.

Ports, all in the clock domain ``sync`` (``clk``, and ``rst``, which brings all neurons to rest):

===============  =====================================================================================================
``inputs``       in: bit i says whether input line i spikes in the tick
``tick``         in: strobe; it is heeded where ``ready`` is high, and then ``inputs`` are taken
``ready``        out: high where no tick is under way
``done``         out: strobe; from then on ``outputs`` are those of the tick, until the next ``done``
``outputs``      out: how often each output spikes in the tick, `SpecialPlan.output_bits` bits each, output 0 lowest
``readouts``     out: the potentials of the outputs that are read by their potential, 32 bits each; omitted if none
``currents``     out, on request: after the tick, 32 bits for each neuron; 0 where the rule has no current
``potentials``   out, on request: the same of the potentials
===============  =====================================================================================================

`snnprog.emit.hardware.special_plan` says in how many clocks a tick is done, and why.
"""

from __future__ import annotations

from itertools import accumulate
from typing import Any

from amaranth import C, Cat, Module, Mux, Signal, Value, signed
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Component, In, Out

from snnprog.emit.hardware.arithmetic import shape_of
from snnprog.emit.hardware.special_plan import TABLE_TAPS, NeuronPlan, SpecialPlan, Tap
from snnprog.emit.hardware.step import AFTER, BEFORE, GATHERED, SET, Bounds, GatherStep, NeuronStep, span_of
from snnprog.rules.expressions import Hold
from snnprog.rules.ranges import Span
from snnprog.rules.rule import CURRENT, POTENTIAL, Rule
from snnprog.simulate.parameters import parameters_of

STATE_BITS = 32
Bit = tuple[Value, int]
"""A bit, and its addend if it is set."""


class SpecialProgram(Component):
    """The hardware of one program; see the module's text for its ports.

    Parameters
    ----------
    plan : SpecialPlan
    states : bool
        Whether to show currents and potentials.
    """

    def __init__(self, plan: SpecialPlan, *, states: bool = False) -> None:
        self.plan, self.states = plan, states
        program = plan.program
        n_readouts = int(program.is_read_by_potential.sum())
        ports = {"tick": In(1), "ready": Out(1), "done": Out(1)}
        ports |= {"inputs": In(program.n_inputs)} if program.n_inputs else {}
        ports |= {"outputs": Out(program.n_outputs * self.plan.output_bits)} if program.n_outputs else {}
        ports |= {"readouts": Out(n_readouts * STATE_BITS)} if n_readouts else {}
        shown = program.n_neurons * STATE_BITS
        ports |= {"currents": Out(shown), "potentials": Out(shown)} if states else {}
        super().__init__(ports)

    def elaborate(self, platform: Any) -> Module:
        """Return the logic."""
        m, plan = Module(), self.plan
        history = _History(m, plan, inputs=self.inputs if plan.program.n_inputs else C(0, 0))
        neurons = [_Neuron(m, plan, index) for index in range(len(plan.neurons))]
        ends = Signal(name="ends")  # the registers take over what the tick leaves
        if plan.is_parallel:
            m.d.comb += [self.ready.eq(1), ends.eq(self.tick)]
            for neuron in neurons:
                neuron.gather(neuron.summed(history))
        else:
            phases = _Phases(m, plan, history)
            m.d.comb += [self.ready.eq(~phases.is_busy), ends.eq(phases.is_last)]
            phases.run(neurons, self.tick)
        history.advance(neurons, ends, takes=ends if plan.is_parallel else self.tick & self.ready)
        for neuron in neurons:
            neuron.advance(ends)
        m.d.sync += self.done.eq(ends)
        self._show(m, neurons)
        return m

    def _show(self, m: Module, neurons: list[_Neuron]) -> None:
        program = self.plan.program
        outputs = [neurons[each] for each in program.outputs.tolist()]
        if outputs:
            counts = [Cat(each.spikes, C(0, self.plan.output_bits))[: self.plan.output_bits] for each in outputs]
            m.d.comb += self.outputs.eq(Cat(counts))
        read = [each for each, is_read in zip(outputs, program.is_read_by_potential.tolist(), strict=True) if is_read]
        if read:
            m.d.comb += self.readouts.eq(Cat(each.state(POTENTIAL) for each in read))
        if self.states:
            m.d.comb += self.currents.eq(Cat(each.state(CURRENT) for each in neurons))
            m.d.comb += self.potentials.eq(Cat(each.state(POTENTIAL) for each in neurons))


class _Neuron:
    """A neuron's registers, and its step."""

    def __init__(self, m: Module, plan: SpecialPlan, index: int) -> None:
        self.m, self.rule, self.index = m, plan.program.chip.rule, index
        self.plan: NeuronPlan = plan.neurons[index]
        self.counts = plan.count_bits
        self.step = NeuronStep(self.rule, self.plan.reach)
        m.submodules[f"neuron_{index}"] = self.step
        self.registers: dict[str, Signal] = {}
        for name, span in self.plan.reach.registers.items():
            if span.least < span.greatest:
                self.registers[name] = Signal(shape_of(span), name=f"{name}_{index}")
        self.spikes = Signal.like(self.step.spikes, name=f"spikes_{index}")
        given: dict[str, Value] = {f"{BEFORE}{name}": register for name, register in self.registers.items()}
        given |= {f"{SET}{name}": C(int(values[index])) for name, values in parameters_of(plan.program).items()}
        m.d.comb += [getattr(self.step, port).eq(value) for port, value in given.items() if hasattr(self.step, port)]

    @property
    def gathering(self) -> Rule:
        """The rule, with a gathering that does not look for ends that the neuron's sums never meet."""
        gather = self.rule.gather
        if self.plan.is_sum and isinstance(gather.expression, Hold):
            return self.rule.with_step(gather.name, gather.expression.operand)
        return self.rule

    @property
    def before(self) -> Value:
        """The initial value of the gathering."""
        return self.registers.get(self.rule.gather.target, C(0))

    def gather(self, value: Value) -> None:
        """Pass the gathered values to the step."""
        self.m.d.comb += getattr(self.step, GATHERED).eq(value)

    def advance(self, ends: Value) -> None:
        """Store the results of the step, at the end of a tick."""
        with self.m.If(ends):
            self.m.d.sync += self.spikes.eq(self.step.spikes)
            for name, register in self.registers.items():
                self.m.d.sync += register.eq(getattr(self.step, f"{AFTER}{name}"))

    def state(self, name: str) -> Value:
        """Return a register, sign-extended."""
        value = self.registers.get(name, C(0))
        return (value + C(0, signed(STATE_BITS)))[:STATE_BITS]

    def summed(self, history: _History) -> Value:
        """Return the sum that is gathered in one clock: tables of four bits each, and a tree of their sums."""
        bits: list[Bit] = []
        for each in self.plan.heard:
            count = history.tap(each.tap)
            bits += [(count[place], each.weight << place) for place in range(len(count))]
        parts: list[tuple[Value, Span]] = []
        for first in range(0, len(bits), TABLE_TAPS):
            parts.append(self._table(bits[first : first + TABLE_TAPS], first // TABLE_TAPS))
        if self.rule.gather.target in self.registers:
            parts.append((self.before, self.plan.reach.registers[self.rule.gather.target]))
        while len(parts) > 1:
            pairs = zip(parts[::2], parts[1::2], strict=False)
            odd = parts[-1:] if len(parts) % 2 else []
            parts = [self._added(one, other) for one, other in pairs] + odd
        return parts[0][0] if parts else C(0)

    def _table(self, bits: list[Bit], number: int) -> tuple[Value, Span]:
        sums = [0]
        for _, weight in bits:
            sums += [value + weight for value in sums]
        span = span_of((min(sums), max(sums)))
        shape = shape_of(span)
        table = Signal(shape, name=f"table_{self.index}_{number}")
        stride = 1 << (shape.width - 1).bit_length()
        words = sum((value & (1 << stride) - 1) << stride * code for code, value in enumerate(sums))
        code = Cat(bit for bit, _ in bits)
        self.m.d.comb += table.eq(C(words, stride * len(sums)).word_select(code, stride))
        return table, span

    def _added(self, one: tuple[Value, Span], other: tuple[Value, Span]) -> tuple[Value, Span]:
        span = Span(one[1].low + other[1].low, one[1].high + other[1].high)
        found = Signal(shape_of(span), name=f"sum_{self.index}")
        self.m.d.comb += found.eq(one[0] + other[0])
        return found, span


class _History:
    """The history of the lines: a shift register for each connected line."""

    def __init__(self, m: Module, plan: SpecialPlan, *, inputs: Value) -> None:
        self.m, self.plan, self.inputs = m, plan, inputs
        self.past = {
            line: Signal(plan.count_bits[line] * depth, name=f"line_{line}") for line, depth in plan.depth.items()
        }

    def tap(self, tap: Tap) -> Value:
        """Return the value of a line a delay ago."""
        line, delay = tap
        bits = self.plan.count_bits[line]
        return self.past[line][(delay - 1) * bits : delay * bits]

    def advance(self, neurons: list[_Neuron], ends: Value, *, takes: Value) -> None:
        """Shift at the end of a tick; inputs are taken when it begins."""
        n_inputs = self.plan.program.n_inputs
        for line, past in self.past.items():
            if line >= n_inputs:
                latest: Value = neurons[line - n_inputs].step.spikes
            elif self.plan.is_parallel:
                latest = self.inputs[line]
            else:
                latest = Signal(name=f"input_{line}")
                with self.m.If(takes):
                    self.m.d.sync += latest.eq(self.inputs[line])
            with self.m.If(ends):
                self.m.d.sync += past.eq(Cat(latest, past)[: len(past)])


class _Phases:
    """The clocks of a serial tick: one for each tap, and one for the step."""

    def __init__(self, m: Module, plan: SpecialPlan, history: _History) -> None:
        self.m, self.plan, self.history, self.taps = m, plan, history, plan.taps
        self.is_busy, self.is_last = Signal(name="is_busy"), Signal(name="is_last")
        self.phase = Signal(range(len(self.taps) + 1), name="phase")

    def run(self, neurons: list[_Neuron], tick: Value) -> None:
        """Gather one tap after another, beginning with a strobe."""
        m, count = self.m, self.count()
        following = Signal.like(self.phase, name="following")
        m.d.comb += [following.eq(Mux(self.is_busy, self.phase + 1, 0))]
        m.d.comb += self.is_last.eq(self.is_busy & (self.phase == len(self.taps)))
        m.d.sync += self.phase.eq(following)
        with m.If(self.is_last):
            m.d.sync += self.is_busy.eq(0)
        with m.Elif(tick):
            m.d.sync += self.is_busy.eq(1)
        weights = self._weights(following)
        for neuron, (weight, bounds) in zip(neurons, weights, strict=True):
            gather = GatherStep(neuron.gathering, neuron.plan.reach, weight=bounds, count=(0, (1 << len(count)) - 1))
            m.submodules[f"gather_{neuron.index}"] = gather
            gathered = Signal.like(gather.gathered, name=f"gathered_{neuron.index}")
            m.d.comb += [gather.gathered.eq(gathered), gather.weight.eq(weight), gather.count.eq(count)]
            m.d.sync += gathered.eq(Mux(self.is_busy, gather.after_gathered, neuron.before))
            neuron.gather(gathered)

    def count(self) -> Value:
        """Return the value of the tap of this phase."""
        width = max((self.plan.count_bits[line] for line, _ in self.taps), default=1)
        stride = 1 << (width - 1).bit_length()
        taps = Cat(Cat(self.history.tap(tap), C(0, stride))[:stride] for tap in self.taps)
        count = Signal(width, name="count")
        self.m.d.comb += count.eq(taps.word_select(self.phase, stride))
        return count

    def _weights(self, following: Value) -> list[tuple[Value, Bounds]]:
        """Return every neuron's weight for the tap of this phase, out of one memory, and the bounds of each."""
        columns = [self._column(neuron) for neuron in self.plan.neurons]
        bounds = [(min(column), max(column)) for column in columns]
        shapes = [shape_of(span_of(each)) for each in bounds]
        firsts = list(accumulate((shape.width for shape in shapes), initial=0))
        masks = [(1 << shape.width) - 1 for shape in shapes]
        words = [
            sum((weight & mask) << first for weight, mask, first in zip(word, masks, firsts, strict=False))
            for word in zip(*columns, strict=True)
        ]
        self.m.submodules.weights = memory = Memory(shape=firsts[-1], depth=len(words), init=words)
        port = memory.read_port(domain="sync")
        self.m.d.comb += port.addr.eq(following)
        fields = [port.data[first : first + shape.width] for first, shape in zip(firsts, shapes, strict=False)]
        return [
            (field.as_signed() if shape.signed else field, ends)
            for field, shape, ends in zip(fields, shapes, bounds, strict=True)
        ]

    def _column(self, neuron: NeuronPlan) -> list[int]:
        """Return a neuron's weight for each phase, 0 for an unconnected tap, and for the phase of the step."""
        left: dict[Tap, list[int]] = {}
        for each in neuron.heard:
            left.setdefault(each.tap, []).append(each.weight)
        return [left[tap].pop(0) if left.get(tap) else 0 for tap in self.taps] + [0]
