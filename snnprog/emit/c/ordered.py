"""Synapses of a rule that gathers event by event: the counts that lines have sent, and the code that goes through them.

Events act in the order of lines, then delays, then synapses, so that nothing can be added up ahead: instead, what each
line has sent is kept for as many ticks as the longest delay has, and gathered when it arrives.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from snnprog.emit.c.code import Sheet, branch, counter, loop
from snnprog.emit.c.lean import LeanProgram
from snnprog.emit.c.step import StepWriter, register_type
from snnprog.emit.c.tables import Lookup
from snnprog.emit.c.texts import NARROW, Piece, variable_of
from snnprog.emit.c.types import INT32, INT64, IntegerType, narrowest, type_of
from snnprog.rules.expressions import Ref
from snnprog.rules.rule import COUNT, WEIGHT
from snnprog.simulate.arrivals import Synapses
from snnprog.simulate.layout import common_shift

SENT, NOW, GATHERED = "sent", "now", "gathered"


@dataclass
class OrderedWiring:
    """The code that gathers arrivals, event by event.

    Attributes
    ----------
    lean : LeanProgram
    sheet : Sheet
    """

    lean: LeanProgram
    sheet: Sheet

    def __post_init__(self) -> None:
        program = self.lean.program
        self.synapses = Synapses.of(program).in_order()
        self.shift = common_shift(self.synapses.effective_weight)
        self.lines = program.n_inputs + program.n_neurons
        self.slots = int(self.synapses.delay.max(initial=1))
        self.count_type: IntegerType = narrowest(0, max(self.lean.most_spikes, self.lean.most_of_input))

    @property
    def most(self) -> int:
        """A bound for all indices, and for the steps of their calculation."""
        return 2 * max(self.slots * self.lines, int(self.synapses.pre.size))

    @property
    def has_history(self) -> bool:
        """Whether counts of several ticks are kept."""
        return self.slots > 1

    @property
    def is_register(self) -> bool:
        """Whether events are gathered in a register, and not from 0 in each tick."""
        return self.lean.rule.gather.target in self.lean.rule.registers

    @property
    def gathered(self) -> str:
        """Where the gathering of neuron ``n`` is."""
        word = self.sheet.book.word(self.lean.rule.gather.target) if self.is_register else GATHERED
        return f"{self.sheet.own(word)}[n]"

    def sent(self, line: str) -> str:
        """Return the place of the count of a line in this tick."""
        return f"{self.sheet.own(SENT)}[{f'{self.sheet.own(NOW)} + {line}' if self.has_history else line}]"

    def declare(self) -> None:
        """Add the state."""
        size = self.slots * self.lines
        ticks = f"each of the last {self.slots} ticks" if self.has_history else "the last tick"
        self.sheet.keep(SENT, self.count_type, size, about=f"how often each line spiked in {ticks}")
        if self.has_history:
            self.sheet.keep(NOW, type_of(np.array([size])), about="where the counts of this tick begin")
        if not self.is_register:
            kind = register_type(self.lean, self.lean.rule.gather.target)
            self.sheet.keep(GATHERED, kind, self.lean.program.n_neurons, about="what has arrived in this tick")

    def advance(self) -> list[str]:
        """Return the statements that move on to the next tick."""
        if not self.has_history:
            return []
        now, size = self.sheet.own(NOW), self.slots * self.lines
        kind = type_of(np.array([size])).name
        return [f"{now} = ({kind})({now} + {self.lines} < {size} ? {now} + {self.lines} : 0);"]

    def gather(self) -> list[str]:
        """Return the statements that gather all that arrives in a tick."""
        synapses, tables = self.synapses, self.sheet.tables
        last = int(synapses.pre.max())
        key = synapses.pre.astype(np.int64) * (self.slots + 1) + synapses.delay
        starts = np.flatnonzero(np.diff(key, prepend=-1))
        if not self.has_history:
            ends = np.searchsorted(synapses.pre, np.arange(last + 2)).astype(np.int64)
            first = tables.add("line_synapse", ends, about="of each line: its first synapse, and where they end")
            counted = f"const int32_t count = {self.sheet.own(SENT)}[line];"
            body = [counted, *branch("count != 0", self._group("line", first))]
            return loop("line", 0, last + 1, body, most=self.most)
        of_line = np.searchsorted(synapses.pre[starts], np.arange(last + 2)).astype(np.int64)
        groups = tables.add("line_group", of_line, about="of each line: its first group of synapses of one delay")
        ends = np.append(starts, key.size)
        first = tables.add("group_synapse", ends, about="of each group: its first synapse, and where they end")
        ago = synapses.delay[starts].astype(np.int64) * self.lines
        back = tables.add(
            "group_ago", ago, about="of each group: how far behind this tick's counts those are that arrive"
        )
        now, size = self.sheet.own(NOW), self.slots * self.lines
        kind = counter(self.most)
        body = [
            f"const {kind} ago = {back.at('g')};",
            f"const {kind} then = ({kind})({now} >= ago ? {now} - ago : {now} + {size} - ago);",
            f"const int32_t count = {self.sheet.own(SENT)}[then + line];",
            *branch("count != 0", self._group("g", first)),
        ]
        inner = loop("g", groups.at("line"), groups.at("line + 1"), body, most=self.most)
        return loop("line", 0, last + 1, inner, most=self.most)

    def _group(self, group: str, first: Lookup) -> list[str]:
        """Return the statements for synapses that carry the same count at the same time."""
        lean, sheet, synapses = self.lean, self.sheet, self.synapses
        post = sheet.tables.add("synapse_neuron", synapses.post, about="of each synapse: the neuron that it leads to")
        weights = synapses.effective_weight >> self.shift
        low, high = int(weights.min()), int(weights.max())
        text = (
            str(low)
            if low == high
            else f"{sheet.tables.numbers('synapse_weight', weights, about='of each synapse').name}[s]"
        )
        low, high = low << self.shift, high << self.shift
        is_wide = max(-low, high) > NARROW
        factor = f" * {1 << self.shift}" if self.shift else ""
        kind = INT64 if is_wide else INT32
        gather = lean.rule.gather
        target = variable_of("before", lean.spans[gather.name, Ref(gather.target)])
        most = max(lean.most_spikes, lean.most_of_input)
        count = Piece("count", 1, most) if most > 1 else Piece.number(1)
        writer = StepWriter(lean, sheet)
        writer.values = {gather.target: target, WEIGHT: Piece("weight", low, high, is_wide=is_wide), COUNT: count}
        piece = writer.expression(gather, gather.expression)
        stored = register_type(lean, gather.target)
        before = INT64 if target.is_wide else INT32
        body = [
            f"const {counter(self.most)} n = {post.at('s')};",
            f"const {kind.name} weight = ({kind.name}){text}{factor};",
            f"const {before.name} before = {self.gathered};",
            f"{self.gathered} = ({stored.name})({piece.text});",
        ]
        return loop("s", first.at(group), first.at(f"{group} + 1"), body, most=self.most)
