"""The hardware of one program behind the core's plain interface, so that what speaks to a core speaks to it, too.

Ports are those of `snnprog.emit.hardware.core`: ``events_in``, ``tick``, ``clear``, ``busy``, ``done``, ``events_out``,
``load``, ``peek_address`` and ``peek_data``. There is nothing to load, so words are taken and dropped. With states, the
word at address n is the current of neuron n, and that at ``neurons + n`` its potential; without, all are 0.

A tick takes the clocks of the program, one for each output, and two more.
"""

from __future__ import annotations

from typing import Any

from amaranth import C, Cat, Module, ResetInserter, Signal, unsigned
from amaranth.lib.data import StructLayout
from amaranth.lib.stream import Signature
from amaranth.lib.wiring import Component, In, Out

from snnprog.emit.hardware.plan import bits_for
from snnprog.emit.hardware.protocol import ADDRESS_BITS, WORD_BITS
from snnprog.emit.hardware.special import SpecialProgram
from snnprog.emit.hardware.special_plan import SpecialPlan
from snnprog.errors import SpecError


class SpecialEvents(Component):
    """The hardware of one program with events in and out; see the module's text.

    Parameters
    ----------
    plan : SpecialPlan
    states : bool
        Whether currents and potentials can be peeked at.

    Raises
    ------
    SpecError
        If an output may spike more than once in a tick.
    """

    def __init__(self, plan: SpecialPlan, *, states: bool = False) -> None:
        self.plan, self.states = plan, states
        if plan.output_bits > 1:
            raise SpecError("an output may spike several times in a tick, which events do not say; read it in parallel")
        self._program = SpecialProgram(plan, states=states)
        word = StructLayout({"address": ADDRESS_BITS, "data": WORD_BITS})
        super().__init__(
            {
                "events_in": In(Signature(unsigned(bits_for(plan.program.n_inputs)))),
                "tick": In(1),
                "clear": In(1),
                "busy": Out(1),
                "done": Out(1),
                "events_out": Out(Signature(unsigned(bits_for(plan.program.n_outputs)))),
                "load": In(Signature(word)),
                "peek_address": In(Signature(unsigned(ADDRESS_BITS))),
                "peek_data": Out(Signature(unsigned(WORD_BITS))),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Return the logic."""
        m, program = Module(), self._program
        m.submodules.program = ResetInserter(self.clear & ~self.busy)(program)
        heard = Signal(self.plan.program.n_inputs)
        if self.plan.program.n_inputs:
            m.d.comb += program.inputs.eq(heard)
        left, number = Signal(self.plan.program.n_outputs), Signal.like(self.events_out.payload)
        m.d.comb += [self.load.ready.eq(~self.busy), self.events_in.ready.eq(~self.busy)]
        m.d.comb += self.events_out.payload.eq(number)
        with m.FSM():
            with m.State("IDLE"):
                with m.If(self.clear):
                    m.d.sync += heard.eq(0)
                with m.Elif(self.tick):
                    m.next = "START"
                with m.Elif(self.events_in.valid):
                    m.d.sync += heard.bit_select(self.events_in.payload, 1).eq(1)
            with m.State("START"):
                m.d.comb += [self.busy.eq(1), program.tick.eq(1)]
                m.d.sync += [heard.eq(0), number.eq(0)]
                m.next = "RUN"
            with m.State("RUN"):
                m.d.comb += self.busy.eq(1)
                m.d.sync += left.eq(program.outputs)
                with m.If(program.done):
                    m.next = "TELL"
            with m.State("TELL"):
                m.d.comb += [self.busy.eq(1), self.events_out.valid.eq(left[0])]
                with m.If(~left[0] | self.events_out.ready):
                    m.d.sync += [left.eq(left >> 1), number.eq(number + 1)]
                    with m.If(number == len(left) - 1):
                        m.d.comb += self.done.eq(1)
                        m.next = "IDLE"
        self._peek(m)
        return m

    def _peek(self, m: Module) -> None:
        m.d.comb += [self.peek_data.valid.eq(self.peek_address.valid), self.peek_address.ready.eq(self.peek_data.ready)]
        if self.states:
            words = Cat(self._program.currents, self._program.potentials, C(0, WORD_BITS))
            m.d.comb += self.peek_data.payload.eq(words.word_select(self.peek_address.payload, WORD_BITS))
