"""How long `sp.prove` takes on the specs by name, beside Z3 and Bitwuzla, and how many states it explores.

Three tables:

- each spec by name at a usual size: the states, the seconds, and the ticks after which no state is new. Beside it the
  same question by solvers: all streams of that many ticks (bounded model checking), by Bitwuzla and by Z3 on the same
  formulas; and all streams forever by Z3's engine for Horn clauses (Spacer), on the transition relation that
  `SpacerProblem` writes down a second time, with unbounded integers;
- planted faults: weights in turn are 0. The shortest wrong stream that exploration found is confirmed by Bitwuzla:
  there is a wrong stream of this length, and none shorter. A program that is not refuted is proved all the same, so
  that the fault changes no output on any stream;
- states per minute, bytes per state and the memory of the process on larger programs.

Z3 is optional: ``pip install z3-solver``.
"""

from __future__ import annotations

import argparse
import importlib.util
import resource
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing import Pipe, get_context
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
from rich.console import Console

import snnprog as sp
from snnprog.automata import StreamClaim
from snnprog.automata.automaton import Automaton
from snnprog.exploration.bounded import check_streams
from snnprog.exploration.exact import Exploration
from snnprog.exploration.ticking import ProgramTicks
from snnprog.exploration.unrolled import Transition, Unrolled, cases_of
from snnprog.exploration.watching import Watching
from snnprog.report.terminal import print_table
from snnprog.solver.formulas import solve_formulas
from snnprog.table import Table

KEPT_BITS, UNIT = 12, 6
"""Of Loihi's rule (`snnprog.rules.loihi`): decays are in 1/2^12, and weights and thresholds in 2^6."""

VERDICTS = {"unsat": "holds", "sat": "REFUTED", "unknown": "open"}
MACHINE = {"a": {"x": "b", "y": "a"}, "b": {"x": "c"}, "c": {"y": "a"}}
SPECS: Mapping[str, Callable[[], sp.Spec]] = {
    "finite_state_machine": lambda: sp.specs.finite_state_machine(MACHINE),
    "counter": lambda: sp.specs.counter(8),
    "counter, reset": lambda: sp.specs.counter(4, reset=True),
    "frequency_divider": lambda: sp.specs.frequency_divider(10),
    "winner_take_all": lambda: sp.specs.winner_take_all(3),
    "pattern_generator": lambda: sp.specs.pattern_generator([np.eye(6, 3, dtype=bool), np.eye(4, 3, dtype=bool)]),
    "delay_line": lambda: sp.specs.delay_line([1, 3, 7]),
    "coincidence": lambda: sp.specs.coincidence(4, least=3),
    "coincidence, within": lambda: sp.specs.coincidence(2, within=2),
    "sequence": lambda: sp.specs.sequence([0, 1, None, 2]),
    "sequence, tolerance": lambda: sp.specs.sequence([0, None, 1], tolerance=1),
    "truth_table, exor": lambda: sp.specs.truth_table(lambda a, b: a != b, lines=2),
    "truth_table, adder": lambda: sp.specs.truth_table(
        lambda a, b, c: ((a + b + c) // 2, (a + b + c) % 2), lines=3, spacing=2
    ),
}


def explored(program: sp.Program, claim: StreamClaim, *, most: int) -> Exploration:
    """Return an exploration of at most so many states."""
    monitor = claim.monitor(program)
    watching = Watching(monitor, n_inputs=program.n_inputs, n_outputs=program.n_outputs)
    exploration = Exploration(ProgramTicks(program), watching)
    exploration.explore(most)
    return exploration


def limited(ask: Callable[[], str], limit_s: int) -> tuple[str, float]:
    """Return what a call in another process returns, and its processor time; "unknown" if it takes longer."""
    receiver, sender = Pipe(duplex=False)
    process = get_context("fork").Process(target=_send, args=(ask, limit_s, sender))
    process.start()
    sender.close()
    try:
        found: tuple[str, float] = receiver.recv()
    except EOFError:
        found = "unknown", float(limit_s)
    process.join()
    return found


def _send(ask: Callable[[], str], limit_s: int, sender: Connection) -> None:
    began = time.process_time()
    resource.setrlimit(resource.RLIMIT_CPU, (limit_s, limit_s + 1))
    sender.send((ask(), time.process_time() - began))


def bitwuzla_on_script(script: str) -> str:
    """Return what Bitwuzla says of a script: "sat" or "unsat"."""
    return "unsat" if solve_formulas(script).values is None else "sat"


def has_z3() -> bool:
    """Return whether Z3 is installed."""
    return importlib.util.find_spec("z3") is not None


def z3_on_script(script: str) -> str:
    """Return what Z3 says of a script: "sat", "unsat" or "unknown"."""
    import z3

    solver = z3.Solver()
    solver.from_string(script)
    return str(solver.check())


class SpacerProblem:
    """The transition relation of a program and an automaton as Horn clauses for Z3, from the arrays of the program."""

    def __init__(self, program: sp.Program, cases: Sequence[Transition]) -> None:
        import z3

        self.z3, self.program, self.cases = z3, program, cases
        lines = program.n_inputs + program.n_neurons
        depth = np.zeros(lines, int)
        np.maximum.at(depth, program.pre, program.delay)
        self.slots = [(line, age) for line in range(lines) for age in range(1, depth[line] + 1)]
        self.registers = [z3.Int(f"{kind}{n}") for kind in "uv" for n in range(program.n_neurons)]
        self.history = [z3.Bool(f"h{line}_{age}") for line, age in self.slots]
        self.rows = [z3.Bool(f"r{line}") for line in range(program.n_inputs)]
        self.monitor = z3.Int("m")

    def verdict(self) -> str:
        """Return "unsat" where no wrong output can be reached, "sat" or "unknown"."""
        z3 = self.z3
        state = [*self.registers, *self.history, self.monitor]
        reached = z3.Function("reached", *(each.sort() for each in state), z3.BoolSort())
        wrong = z3.Function("wrong", z3.BoolSort())
        engine = z3.Fixedpoint()
        engine.set(engine="spacer")
        engine.register_relation(reached, wrong)
        engine.declare_var(*state, *self.rows)
        rest = [z3.IntVal(0)] * len(self.registers) + [z3.BoolVal(False)] * len(self.history) + [z3.IntVal(1)]
        engine.rule(reached(*rest))
        registers, fired = self._tick()
        for case in self.cases:
            at = [self.monitor == case.state, *(row == given for row, given in zip(self.rows, case.row, strict=True))]
            outputs = [fired[output] for output in self.program.outputs.tolist()]
            right = [spike == must for spike, must in zip(outputs, case.spikes, strict=True) if must is not None]
            history = self._later(case.row, fired)
            after = reached(*registers, *history, z3.IntVal(case.after))
            engine.rule(after, [reached(*state), *at, *right])
            engine.rule(wrong(), [reached(*state), *at, z3.Not(z3.And(right))])
        return str(engine.query(wrong()))

    def _tick(self) -> tuple[list[Any], list[Any]]:
        """Return the registers after a tick, and which neurons spike."""
        z3, program, count = self.z3, self.program, self.program.n_neurons
        heard = dict(zip(self.slots, self.history, strict=True))
        currents, potentials, fired = [], [], []
        for neuron in range(count):
            arriving = [
                z3.If(heard[int(program.pre[s]), int(program.delay[s])], int(program.effective_weight()[s]) << UNIT, 0)
                for s in np.flatnonzero(program.post == neuron).tolist()
            ]
            u = self._kept(self.registers[neuron], 4095 - int(program.current_decay[neuron])) + z3.Sum(arriving)
            v = self._kept(self.registers[count + neuron], 4096 - int(program.potential_decay[neuron]))
            v = v + u + int(program.bias[neuron])
            spike = v > (int(program.threshold[neuron]) << UNIT)
            currents.append(u)
            potentials.append(z3.If(spike, 0, v))
            fired.append(spike)
        return [*currents, *potentials], fired

    def _kept(self, value: Any, factor: int) -> Any:
        """Return a decayed value, rounded toward zero."""
        return self.z3.If(value >= 0, (value * factor) / (1 << KEPT_BITS), -((-value * factor) / (1 << KEPT_BITS)))

    def _later(self, row: Sequence[bool], fired: Sequence[Any]) -> list[Any]:
        sent = [*(self.z3.BoolVal(each) for each in row), *fired]
        heard = dict(zip(self.slots, self.history, strict=True))
        return [sent[line] if age == 1 else heard[line, age - 1] for line, age in self.slots]


@dataclass(frozen=True)
class Question:
    """A program, its automaton, and how exploration did."""

    name: str
    program: sp.Program
    automaton: Automaton
    exploration: Exploration
    seconds: float


def questions(names: Sequence[str]) -> Iterator[Question]:
    """Yield the specs by name, compiled and explored; compiled code is loaded before the clock starts."""
    for name in names:
        spec = SPECS[name]()
        program, automaton = sp.compile(spec).program, spec.automaton
        assert automaton is not None
        explored(program, automaton, most=10)
        began = time.process_time()
        exploration = explored(program, automaton, most=1 << 20)
        seconds = time.process_time() - began
        yield Question(name, program, automaton, exploration, seconds)


def beside_solvers(question: Question, *, limit_s: int) -> tuple[object, ...]:
    """Return the row of a question: states, seconds, and what solvers say in which time."""
    exploration, program = question.exploration, question.program
    cases = cases_of(question.automaton, ticks=exploration.depth, n_outputs=program.n_outputs)
    row: list[object] = [question.name, len(exploration), exploration.depth, f"{question.seconds:.3f}"]
    if cases is None:
        row.append("too many cases")
        return (*row, *[""] * (7 - len(row)))
    script = Unrolled(exploration.ticks, cases).script(exploration.depth)
    asked: list[Callable[[], str]] = [lambda: bitwuzla_on_script(script)]
    if has_z3():
        asked += [lambda: z3_on_script(script), lambda: SpacerProblem(program, cases).verdict()]
    for ask in asked:
        said, seconds = limited(ask, limit_s)
        row.append(f"{VERDICTS[said]} {seconds:.2f}")
    return (*row, *[""] * (7 - len(row)))


def faults(question: Question, *, most: int, limit_s: int) -> tuple[object, ...]:
    """Return the row of a question's planted faults: how many are refuted, and how many lengths a solver confirms."""
    program, automaton = question.program, question.automaton
    tried = refuted = confirmed = proved = longest = 0
    for synapse in np.linspace(0, program.n_synapses - 1, min(most, program.n_synapses), dtype=int).tolist():
        weight = program.weight.copy()
        weight[synapse] = 0
        exploration = explored(program.with_synapses(weight=weight), automaton, most=1 << 17)
        tried += 1
        if exploration.counterexample is None:
            proved += exploration.is_closed
            continue
        length = len(exploration.counterexample)
        refuted, longest = refuted + 1, max(longest, length)
        confirmed += limited(partial(shortest, exploration, automaton), limit_s)[0] == str(length)
    return question.name, tried, refuted, confirmed, longest, proved


def shortest(exploration: Exploration, automaton: Automaton) -> str:
    """Return the length of the shortest wrong stream that Bitwuzla finds, up to that of the counterexample."""
    assert exploration.counterexample is not None
    found = check_streams(exploration.ticks, automaton, known=0, depth=len(exploration.counterexample))
    return "none" if found is None or found.counterexample is None else str(len(found.counterexample))


def random_program(seed: int) -> sp.Program:
    """Return two neurons with slow decays that two lines and each other drive, with delays to 3."""
    rng, synapses = np.random.default_rng(seed), 12
    return sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=2,
        n_neurons=2,
        pre=rng.integers(0, 4, synapses),
        post=rng.integers(0, 2, synapses),
        delay=rng.integers(1, 4, synapses),
        weight=2 * rng.integers(-60, 61, synapses),
        threshold=[60, 90],
        current_decay=[4095, 2000],
        potential_decay=rng.integers(200, 4096, 2),
    )


def throughput(states: int) -> Iterator[tuple[object, ...]]:
    """Yield the speed and the memory of larger explorations."""
    winner, counter = sp.specs.winner_take_all(6), sp.specs.counter(100, reset=True)
    cases: list[tuple[str, sp.Program, StreamClaim]] = [
        ("random, recurrent", random_program(1), sp.never(lambda row, spikes: False))
    ]
    for name, spec in (("winner_take_all(6)", winner), ("counter(100, reset=True)", counter)):
        assert spec.automaton is not None
        cases.append((name, sp.compile(spec).program, spec.automaton))
    for name, program, claim in cases:
        explored(program, claim, most=10)
        began = time.process_time()
        found = explored(program, claim, most=states)
        seconds = time.process_time() - began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
        per_minute, per_state = 60 * len(found) / seconds, found.n_bytes / len(found)
        verdict = "closed" if found.is_closed else "open"
        yield name, program.n_neurons, f"{len(found):,}", verdict, f"{per_minute:.2g}", f"{per_state:.0f}", peak


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=SPECS, default=list(SPECS), metavar="SPEC")
    parser.add_argument("--limit", type=int, default=20, help="seconds of processor time for a question to a solver")
    parser.add_argument("--faults", type=int, default=6, help="weights of each program that are set to 0")
    parser.add_argument("--states", type=int, default=10_000_000, help="the most states of the table of speeds")
    chosen = parser.parse_args(arguments)
    console = Console(width=120)
    asked = list(questions(chosen.only))
    columns = ("spec", "states", "ticks", "seconds", "Bitwuzla, these ticks", "Z3, these ticks", "Z3, forever")
    rows = []
    for each in asked:
        rows.append(beside_solvers(each, limit_s=chosen.limit))
        console.print(*rows[-1])
    print_table(console, Table.plain("Every stream", columns=columns, rows=rows))
    console.print(
        f"all together: {sum(each.seconds for each in asked):.2f} s" + ("" if has_z3() else "; Z3 is missing")
    )
    headings = ("spec", "weights", "refuted", "shortest by Bitwuzla, too", "longest stream", "proved all the same")
    rows = []
    for each in asked:
        rows.append(faults(each, most=chosen.faults, limit_s=chosen.limit))
        console.print(*rows[-1])
    print_table(console, Table.plain("Weights set to 0", columns=headings, rows=rows))
    columns = ("program", "neurons", "states", "verdict", "states per minute", "bytes per state", "peak MB")
    print_table(console, Table.plain("Speed", columns=columns, rows=list(throughput(chosen.states))))


if __name__ == "__main__":
    main()
