"""The rules of the FPGA core: Loihi's, and the same with another reset, another comparison, or both.

The steps, the widths and the ends of registers are Loihi's (`snnprog.rules.loihi`), because the core executes that rule
in full. Two options of the core match trained networks: a reset subtracts the threshold instead of setting the
potential to 0, and a potential that equals the threshold is a spike. The names differ from Loihi's, because no other
runtime supports the core's wider weights and biases.

All runtimes of these rules agree at every value, so only values at the ends of registers are watched: the
compiler keeps programs below them.
"""

from __future__ import annotations

from dataclasses import replace

from snnprog.rules.expressions import Ref
from snnprog.rules.loihi import LOIHI_RULE, TOP
from snnprog.rules.rule import Rule, Watch

v, spikes, limit = Ref("potential"), Ref("spikes"), Ref("threshold") << 6

MOST_BIAS = (1 << 19) - 1
"""A bias is any integer of 20 bits with its sign: the range of Loihi's biases, 4095 << 7, but in steps of 1."""


def _rule(name: str, *, is_subtracting: bool, is_equal_a_spike: bool) -> Rule:
    watched = Watch("arrivals", 2**31), Watch("current", TOP), Watch("potential", TOP)
    rule = replace(LOIHI_RULE, name=name, watched=watched).with_range("bias", (-MOST_BIAS, MOST_BIAS))
    if is_subtracting:
        rule = rule.with_step("reset", v - spikes * limit)
    return rule.with_step("fire", v >= limit) if is_equal_a_spike else rule


FPGA_RULE = _rule("fpga-lif", is_subtracting=False, is_equal_a_spike=False)
FPGA_SUBTRACT_RULE = _rule("fpga-lif-subtract", is_subtracting=True, is_equal_a_spike=False)
FPGA_GE_RULE = _rule("fpga-lif-ge", is_subtracting=False, is_equal_a_spike=True)
FPGA_SUBTRACT_GE_RULE = _rule("fpga-lif-subtract-ge", is_subtracting=True, is_equal_a_spike=True)

FPGA_RULES = (FPGA_RULE, FPGA_SUBTRACT_RULE, FPGA_GE_RULE, FPGA_SUBTRACT_GE_RULE)
"""All four, the plain one first."""
