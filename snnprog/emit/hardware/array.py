"""Several cores with the ports of one: each neuron is on one of them, and spikes go from core to core.

How they are joined is in `snnprog.emit.hardware.exchange`, which neuron is on which in `snnprog.emit.hardware.parts`.
"""

from __future__ import annotations

from typing import Any

from amaranth import Module
from amaranth.lib.wiring import Component, connect, flipped

from snnprog.emit.hardware.core import NeuronCore
from snnprog.emit.hardware.core_parts import plain_interface
from snnprog.emit.hardware.exchange import SpikeExchange
from snnprog.emit.hardware.ordered_core import OrderedCore
from snnprog.emit.hardware.plan import CorePlan


class CoreArray(Component):
    """Joined cores of one size; ports as in `snnprog.emit.hardware.core`.

    Parameters
    ----------
    plan : CorePlan
        Of each core, and how many there are.
    """

    def __init__(self, plan: CorePlan) -> None:
        self.plan = plan
        size = plan.size
        super().__init__(plain_interface(inputs=size.inputs, events=size.cores * size.neurons))

    def elaborate(self, platform: Any) -> Module:
        """Return the logic."""
        m = Module()
        m.submodules.exchange = exchange = SpikeExchange(self.plan.size)
        for index in range(self.plan.size.cores):
            m.submodules[f"core{index}"] = core = NeuronCore(self.plan)
            connect(m, core, exchange.cores[index])
        connect(m, flipped(self), exchange.outside)
        return m


def hardware_of(plan: CorePlan) -> Component:
    """Return the core of a plan, or its cores where there are several."""
    if plan.is_ordered:
        return OrderedCore(plan)
    return NeuronCore(plan) if plan.size.cores == 1 else CoreArray(plan)
