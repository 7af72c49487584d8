"""How long it takes to prove that emitted hardware equals its rule, lemma by lemma.

The step of every chip that is built in, in one piece and with registers inside, and the whole cores of Loihi's rule and
of Xylo's, and what joins several cores.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence

from snnprog.chips import CHIPS
from snnprog.emit.hardware.core import NeuronCore
from snnprog.emit.hardware.core_parts import MOST_DEPTH, clocks_per_neuron
from snnprog.emit.hardware.exchange import SpikeExchange
from snnprog.emit.hardware.ordered_core import OrderedCore
from snnprog.emit.hardware.plan import CorePlan, CoreSize
from snnprog.emit.hardware.step import NeuronStep, reach_in_hardware
from snnprog.emit.hardware.yosys import verilog_of
from snnprog.proving.core import prove_core
from snnprog.proving.exchange import prove_exchange
from snnprog.proving.lemmas import Lemma
from snnprog.proving.ordered_core import prove_ordered_core
from snnprog.proving.step import prove_step

MOST_ARRIVING = 1 << 18
"""What comes together in a tick, as in `snnprog.emit.hardware.plan.CoreSize`."""


def show(title: str, lemmas: Iterable[Lemma]) -> None:
    """Print each lemma, whether it holds, and its seconds; then their sum."""
    print(title)
    total = 0.0
    for lemma in lemmas:
        total += lemma.seconds
        print(f"  {'holds' if lemma.holds else 'FAILS'} {lemma.seconds:8.3f} s  {lemma.name}")
    print(f"        {total:8.3f} s  in all\n")


def main(arguments: Sequence[str] | None = None) -> None:
    """Prove, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chip", action="append", choices=sorted(CHIPS), help="only this one; may be repeated")
    parser.add_argument("--no-core", action="store_true", help="prove steps alone")
    options = parser.parse_args(arguments)
    for name in options.chip or sorted(CHIPS):
        rule = CHIPS[name].rule
        reach = reach_in_hardware(rule, arriving=(-MOST_ARRIVING, MOST_ARRIVING - 1))
        for depth in (None, MOST_DEPTH):
            step = NeuronStep(rule, reach, most_depth=depth)
            proof = prove_step(rule, reach, verilog=verilog_of(step, name="step"), clocks=step.clocks)
            show(f"{name}: the step of {rule.name}, {step.clocks} clocks", proof.lemmas)
    if not options.no_core:
        plan = CorePlan(CHIPS["loihi1"], CoreSize())
        core = NeuronCore(plan)
        lemmas = prove_core(plan, verilog=verilog_of(core, name="core"), clocks=clocks_per_neuron(plan))
        show(f"the core: {plan.size.neurons} neurons, {plan.size.synapses} synapses", lemmas)
        ordered = CorePlan(CHIPS["xylo"], CoreSize())
        verilog = verilog_of(OrderedCore(ordered), name="core")
        show("the core of Xylo's rule", prove_ordered_core(ordered, verilog=verilog, clocks=clocks_per_neuron(ordered)))
        size = CoreSize(cores=4)
        lemmas = prove_exchange(size, verilog=verilog_of(SpikeExchange(size), name="exchange"))
        show(f"what joins {size.cores} cores", lemmas)


if __name__ == "__main__":
    main()
