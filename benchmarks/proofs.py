"""How long it takes to prove that emitted hardware equals its rule or its program, lemma by lemma, by two solvers.

The step of every chip that is built in, in one piece and with registers inside, the gathering of an event, the whole
cores of Loihi's rule and of Xylo's, what joins several cores, and the Verilog of single programs. Bitwuzla proves; with
``--z3``, Z3 is given the same SMT-LIB as a second judge, with a limit for each lemma (``pip install z3-solver``).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from unittest import mock

import snnprog as sp
from snnprog.chips import CHIPS
from snnprog.emit.hardware.core import NeuronCore
from snnprog.emit.hardware.core_parts import MOST_DEPTH, clocks_per_neuron
from snnprog.emit.hardware.exchange import SpikeExchange
from snnprog.emit.hardware.ordered_core import OrderedCore
from snnprog.emit.hardware.plan import CorePlan, CoreSize
from snnprog.emit.hardware.special_file import special_verilog
from snnprog.emit.hardware.special_plan import SpecialPlan
from snnprog.emit.hardware.step import GatherStep, NeuronStep, reach_in_hardware
from snnprog.emit.hardware.yosys import verilog_of
from snnprog.proving import lemmas as proving
from snnprog.proving.core import prove_core
from snnprog.proving.exchange import prove_exchange
from snnprog.proving.lemmas import Lemma
from snnprog.proving.ordered_core import prove_ordered_core
from snnprog.proving.special import prove_special
from snnprog.proving.step import StepProof, prove_gather, prove_step
from snnprog.solver.formulas import Solution, solve_formulas

MOST_ARRIVING = 1 << 18
"""What comes together in a tick, as in `snnprog.emit.hardware.plan.CoreSize`."""
PARTS = ("steps", "cores", "iris", "hexapod")
VERDICTS = {"unsat": "holds", "sat": "FAILS", "unknown": "undecided"}
EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


class Judge:
    """Z3, which hears each script that Bitwuzla has decided.

    Parameters
    ----------
    limit_s : float
        For each script.
    """

    def __init__(self, limit_s: float) -> None:
        self.limit_s = limit_s
        self.answers: list[tuple[bool, str, float]] = []
        """Whether Bitwuzla found values, what Z3 says, and its seconds, script by script."""

    def solve(self, script: str, terms: Iterable[str] = ()) -> Solution:
        """Ask both."""
        solution = solve_formulas(script, terms)
        self.answers.append((solution.values is not None, *self._said(script)))
        return solution

    def _said(self, script: str) -> tuple[str, float]:
        import z3

        solver = z3.Solver()
        solver.set("timeout", int(1000 * self.limit_s))
        began = time.process_time()
        solver.from_string(script.replace("\\", "/"))  # in names of Yosys; quoted symbols of SMT-LIB have none
        return str(solver.check()), time.process_time() - began


def show(title: str, prove: Callable[[], Iterable[Lemma]], *, judge: Judge | None) -> None:
    """Print each lemma, whether it holds, and its seconds; then their sum, and what Z3 says of all scripts."""
    print(title)
    if judge is None:
        lemmas = list(prove())
    else:
        judge.answers.clear()
        with mock.patch.object(proving, "solve_formulas", judge.solve):
            lemmas = list(prove())
    scripts = iter(() if judge is None else judge.answers)
    for lemma in lemmas:
        second = ""
        if lemma.seconds and judge is not None:
            found, said, seconds = next(each for each in scripts if each[0] != lemma.holds)
            second = f"   Z3 {VERDICTS[said]} {seconds:8.3f} s"
            if said != "unknown" and (said == "sat") != found:
                sys.exit(f"{lemma.name}: Bitwuzla and Z3 contradict each other")
        print(f"  {'holds' if lemma.holds else 'FAILS'} {lemma.seconds:8.3f} s{second}  {lemma.name}")
    print(f"        {sum(lemma.seconds for lemma in lemmas):8.3f} s  in all, {len(lemmas)} lemmas")
    if judge is not None:
        decided = [seconds for _, said, seconds in judge.answers if said != "unknown"]
        print(f"        {sum(decided):8.3f} s  Z3, {len(decided)} of {len(judge.answers)} scripts within the limit")
    print(flush=True)


def steps(name: str, judge: Judge | None) -> None:
    """Prove a chip's step, and the gathering of an event."""
    chip = CHIPS[name]
    rule = chip.rule
    reach = reach_in_hardware(rule, arriving=(-MOST_ARRIVING, MOST_ARRIVING - 1))
    for depth in (None, MOST_DEPTH):
        step = NeuronStep(rule, reach, most_depth=depth)
        prove = partial(prove_step, rule, reach, verilog=verilog_of(step, name="step"), clocks=step.clocks)
        show(f"{name}: the step of {rule.name}, {step.clocks} clocks", partial(_lemmas_of, prove), judge=judge)
    most = chip.weight_limit << chip.exponents[1]
    gather = GatherStep(rule, reach, weight=(-most, most), count=(0, 1))
    verilog = verilog_of(gather, name="step")
    show(
        f"{name}: the gathering of an event of {rule.name}",
        lambda: prove_gather(rule, reach, weight=(-most, most), count=(0, 1), verilog=verilog).lemmas,
        judge=judge,
    )


def _lemmas_of(prove: Callable[[], StepProof]) -> Iterable[Lemma]:
    return prove().lemmas


def cores(judge: Judge | None) -> None:
    """Prove the cores of Loihi's rule and of Xylo's, and what joins several."""
    plan, ordered, size = CorePlan(CHIPS["loihi1"], CoreSize()), CorePlan(CHIPS["xylo"], CoreSize()), CoreSize(cores=4)
    verilog = verilog_of(NeuronCore(plan), name="core")
    prove = partial(prove_core, plan, verilog=verilog, clocks=clocks_per_neuron(plan))
    show(f"the core: {plan.size.neurons} neurons, {plan.size.synapses} synapses", prove, judge=judge)
    verilog = verilog_of(OrderedCore(ordered), name="core")
    prove = partial(prove_ordered_core, ordered, verilog=verilog, clocks=clocks_per_neuron(ordered))
    show("the core of Xylo's rule", prove, judge=judge)
    verilog = verilog_of(SpikeExchange(size), name="exchange")
    show(f"what joins {size.cores} cores", partial(prove_exchange, size, verilog=verilog), judge=judge)


def program_of(name: str) -> sp.Program:
    """Return the program of an example."""
    sys.path[:0] = [str(EXAMPLES), str(EXAMPLES / "fpga")]
    from fpga_figures import hexapod_program, iris_program

    return hexapod_program() if name == "hexapod" else iris_program()


def special(name: str, program: sp.Program, judge: Judge | None) -> None:
    """Prove the Verilog of one program."""
    plan = SpecialPlan.of(program)
    form = "parallel" if plan.is_parallel else "serial"
    title = f"{name}: {program.n_neurons} neurons, {program.n_synapses} synapses, {form}, {plan.clocks} clocks a tick"
    verilog = special_verilog(program, name="p")
    show(title, lambda: prove_special(program, verilog=verilog, name="p"), judge=judge)


def main(arguments: Sequence[str] | None = None) -> None:
    """Prove, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chip", action="append", choices=sorted(CHIPS), help="only this one; may be repeated")
    parser.add_argument("--part", action="append", choices=PARTS, help="all, unless given")
    parser.add_argument("--program", action="append", default=[], help="prove the Verilog of this .snnp, too")
    parser.add_argument("--z3", type=float, metavar="SECONDS", help="ask Z3, too, for so long for each lemma")
    options = parser.parse_args(arguments)
    judge = None if options.z3 is None else Judge(options.z3)
    parts = options.part or (() if options.program else PARTS)
    if "steps" in parts:
        for name in options.chip or sorted(CHIPS):
            steps(name, judge)
    if "cores" in parts:
        cores(judge)
    for name in ("iris", "hexapod"):
        if name in parts:
            special(name, program_of(name), judge)
    for path in options.program:
        special(path, sp.load(path), judge)


if __name__ == "__main__":
    main()
