"""The compiled ticks of a program's layout, and a leaner one for as long as few lines fire.

What can arrive in a tick bounds what registers can reach (`snnprog.rules.ranges`). While no more than so many lines
have fired in any tick, ends and watches that only more spikes could reach have no effect, and the tick without them
gives the same values. Only programs whose synapses are rows of one delay have such a tick: there, what fires in a tick
is all that arrives in the next.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from snnprog.jit import address_of, has_address
from snnprog.rules.ranges import Span, Spans, reach_of
from snnprog.rules.rule import Rule
from snnprog.rules.simplifying import simplified
from snnprog.simulate.kernel_source import BlockCode, block_code
from snnprog.simulate.memory import Shape, Wires


@dataclass(frozen=True, eq=False)
class Ticks:
    """The ticks of a layout.

    Attributes
    ----------
    code : BlockCode
        The code that advances the neurons, whatever happens.
    calm : BlockCode
        The same, until more than ``calm_lines`` lines have fired in one tick.
    calm_lines : int
        The number of lines of ``calm``. If no leaner code was found, it is 0, and ``calm`` equals ``code``.
    arguments : tuple
        Examples of the arguments.
    """

    code: BlockCode
    calm: BlockCode
    calm_lines: int
    arguments: tuple[object, ...]

    @cached_property
    def addresses(self) -> tuple[Any, Any, np.uint64]:
        """The addresses of both compiled ticks, and the maximum number of lines of the leaner one."""
        code, calm = (address_of(each.integrate(is_recorded=False), self.arguments) for each in (self.code, self.calm))
        return code, calm, np.uint64(self.calm_lines)

    @cached_property
    def recording(self) -> tuple[Any, Any, np.uint64]:
        """The same of the tick that writes all states, of which there is one."""
        code = address_of(self.code.integrate(is_recorded=True), self.arguments)
        return code, code, np.uint64(0)

    @property
    def are_compiled(self) -> bool:
        """Whether nothing is compiled for `addresses`."""
        return all(has_address(each.integrate(is_recorded=False), self.arguments) for each in (self.code, self.calm))


def calm_code(
    rule: Rule, code: BlockCode, spans: Spans, *, arriving: Span, wires: Wires, shape: Shape, register: str
) -> tuple[BlockCode, int]:
    """Return the leaner code of a program, and up to how many lines in a tick it has the same effect.

    The numbers that are tried are halves of one another: to find the greatest one would take more time.

    Parameters
    ----------
    rule, code : Rule, BlockCode
        What the program runs, whatever happens; both have the same cells.
    spans, arriving : mapping of str to Span, Span
        Bounds of its parameters, and of what can arrive in a tick.
    """
    lines = (
        (shape.n_inputs + shape.n_neurons) // 2 if shape.slots == 1 and not wires.listed.size and code.watched else 0
    )
    heaviest = max(int(wires.rows.max(initial=0)), -int(wires.rows.min(initial=0))) * shape.unit
    while lines:
        bound = lines * heaviest
        few = Span(np.maximum(arriving.low, -bound), np.minimum(arriving.high, bound))
        leaner = simplified(rule, reach_of(rule, spans, arriving=few))
        if not leaner.watched:
            calm = block_code(leaner, register)
            are_cells_equal = (calm.registers, calm.parameters) == (code.registers, code.parameters)
            return (calm, lines) if are_cells_equal else (code, 0)
        lines //= 2
    return code, 0
