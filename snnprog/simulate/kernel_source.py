"""The kernel's code for a rule: one tick of all neurons, in blocks of lanes, as generated text.

A neuron's numbers are *fields*: its registers, then values calculated from parameters only. The loop over a block's
lanes has no branch and only keeps whether a watched value has gone beyond its limit, looked at after it, so that
compilers vectorise it; the values, before clipping, are kept for `snnprog.simulate.loops.note`, and the spikes become
a word of bits. A register that no later tick reads is written only by the tick for recorded states: a condition in the
loop would become masked stores, which take longer than everything else.

Nothing but the tick is compiled for each rule: `snnprog.simulate.driver` calls it by its address.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from snnprog.arrays import Int64s
from snnprog.rules.compiled import generated
from snnprog.rules.expressions import Const, Expression, Ref, names_in
from snnprog.rules.interpreter import Interpreter
from snnprog.rules.rule import SPIKES, Rule
from snnprog.rules.source import Writer, indented, is_read_first
from snnprog.simulate import instructions
from snnprog.simulate.memory import LANES

BLOCK = """
from snnprog.simulate.instructions import negative, separate


@compiled(nogil=True, _nrt=False, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)
def integrate(cells, queue, marks, seen, first, block, blocks, unit):
    separate()
    kind = np.{register}
    for at in range(block, blocks):
        cell, lane = at * np.uint64({block}), at * np.uint64({lanes})
        is_out = False
        for i in range(np.uint64({lanes})):
{load}
            {gathered} = {before}kind(kind(queue[first + lane + i]) * unit){after}
            queue[first + lane + i] = 0
{steps}
{store}
            seen[np.uint64({spiking}) + i] = kind(-{spikes})
        marks[at] = negative(seen, np.uint64({spiking}))
        if is_out:
            return at
    return blocks
"""


@dataclass(frozen=True, eq=False)
class BlockCode:
    """The code of a rule, and the layout of its neurons' fields.

    Attributes
    ----------
    registers : mapping of str to int
        Index of the field of each register.
    parameters : mapping of int to Expression
        The expression of each constant field, in the rule's parameters.
    watched : tuple of (str, int)
        Quantity and limit of each watched value, in order.
    n_fields : int
    text, recording : str
        The code of a tick, and that of one that also writes registers that no later tick reads.
    """

    registers: Mapping[str, int]
    parameters: Mapping[int, Expression]
    watched: tuple[tuple[str, int], ...]
    n_fields: int
    text: str
    recording: str

    def integrate(self, *, is_recorded: bool) -> Callable[..., np.uint64]:
        """Return the compiled tick; `snnprog.simulate.driver.integrate` says what it does."""
        tick: Callable[..., np.uint64] = generated(
            self.recording if is_recorded else self.text, (instructions,)
        ).integrate
        return tick

    def parameter_fields(self, rule: Rule, values: Mapping[str, Int64s]) -> dict[int, Int64s]:
        """Return the fields that do not change, for parameters by name."""
        interpreter = Interpreter(rule, values)
        return {field: interpreter.value(expression) for field, expression in self.parameters.items()}


@lru_cache(maxsize=64)
def block_code(rule: Rule, register: str) -> BlockCode:
    """Return the code of a rule whose gathering is a sum, for registers of a type, int32 or int64."""
    registers = {name: index for index, name in enumerate(rule.registers)}
    hoisting = _Hoisting(rule, len(registers))
    writer = Writer.of(rule)
    steps = writer.steps([replace(step, expression=hoisting.hoisted(step.expression)) for step in rule.steps])
    watched = [
        (rule.step(watch.step).target, watch.limit, variable)
        for watch in rule.watched
        for variable in writer.watches[watch.step]
    ]
    n_fields = len(registers) + len(hoisting.parameters)
    kept = [name for name in registers if is_read_first(rule, name)]
    target = rule.gather.target
    loads = {writer.name(name): registers[name] for name in kept}
    loads |= {writer.name(name): index for name, index in hoisting.names.items()}
    for index, (_, limit, variable) in enumerate(watched):
        steps += [
            f"is_out = is_out | (abs({variable}) >= kind({limit}))",
            f"seen[np.uint64({index * LANES}) + i] = {variable}",
        ]
    stores = [
        [f"cells[cell + np.uint64({index * LANES}) + i] = {writer.name(name)}" for name, index in fields.items()]
        for fields in ({name: registers[name] for name in kept}, registers)
    ]
    text = BLOCK.format(
        register=register,
        lanes=LANES,
        block=n_fields * LANES,
        load=indented([f"{name} = cells[cell + np.uint64({index * LANES}) + i]" for name, index in loads.items()], 3),
        gathered=writer.name(target),
        before=f"kind({writer.name(target)} + " if target in registers else "",
        after=")" if target in registers else "",
        steps=indented(steps, 3),
        store="{store}",
        spikes=writer.name(SPIKES),
        spiking=len(watched) * LANES,
    )
    limits = tuple((quantity, limit) for quantity, limit, _ in watched)
    texts = [text.format(store=indented(each, 3)) for each in stores]
    return BlockCode(registers, hoisting.parameters, limits, n_fields, *texts)


class _Hoisting:
    """Replaces every part of an expression that only reads parameters by a separate field."""

    def __init__(self, rule: Rule, first_field: int) -> None:
        self._first = first_field
        self._fixed = frozenset(each.name for each in rule.parameters) | {each.name for each in rule.constants}
        self.fields: dict[Expression, str] = {}

    def hoisted(self, expression: Expression) -> Expression:
        """Return the expression with fields for parts that are calculated once."""
        if not isinstance(expression, Const) and names_in(expression) <= self._fixed and names_in(expression):
            return Ref(self.fields.setdefault(expression, f"field {len(self.fields)}"))
        parts = {name: self.hoisted(part) for name, part in vars(expression).items() if isinstance(part, Expression)}
        return replace(expression, **parts) if parts else expression

    @property
    def names(self) -> dict[str, int]:
        """Name of each field -> its index."""
        return {name: self._first + index for index, name in enumerate(self.fields.values())}

    @property
    def parameters(self) -> dict[int, Expression]:
        """Index of each field -> its expression."""
        return {self._first + index: expression for index, expression in enumerate(self.fields)}
