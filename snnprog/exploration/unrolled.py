"""A program and a monitor, unrolled over some ticks as SMT-LIB formulas.

The rule becomes bit-vectors by `snnprog.rules.bitvectors`, every parameter and weight is a constant, and registers
begin at rest. The input spikes of each tick are free, as far as the monitor allows the row. The monitor is a
table of cases: a state, a row, and outputs lead to a state; where no case matches, the outputs are wrong, and stay so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from snnprog.automata.automaton import Automaton, Monitor, Row, State, Wrong
from snnprog.exploration.ticking import ProgramTicks
from snnprog.rules.bitvectors import Formulas
from snnprog.rules.rule import COUNT, SPIKES, WEIGHT
from snnprog.rules.vectors import Vector, number, unsigned_width

WRONG_CODE = 0
"""The monitor's state once the outputs were wrong; others are numbered from 1."""

MOST_CASES = 1 << 14
"""The most cases of a monitor. A choice: a solver reads them again at every tick."""


@dataclass(frozen=True)
class Transition:
    """A transition: outputs that equal ``spikes`` where they are not None lead from a state and a row to a state."""

    state: int
    row: Row
    spikes: tuple[bool | None, ...]
    after: int


def cases_of(monitor: Monitor, *, ticks: int, n_outputs: int) -> list[Transition] | None:
    """Return the cases of all states that a monitor can reach in some ticks; None if there are too many."""
    numbers: dict[State, int] = {monitor.start: WRONG_CODE + 1}
    found, level = [], [monitor.start]
    for _ in range(ticks):
        if not level:
            break
        reached: list[State] = []
        for state in level:
            for row in monitor.rows(state):
                for spikes, after in _answers(monitor, state, row=row, n_outputs=n_outputs):
                    if after not in numbers:
                        numbers[after] = WRONG_CODE + 1 + len(numbers)
                        reached.append(after)
                    found.append(Transition(numbers[state], row, spikes, numbers[after]))
                if len(found) > MOST_CASES:
                    return None
        level = reached
    return found


def _answers(
    monitor: Monitor, state: State, *, row: Row, n_outputs: int
) -> Iterator[tuple[tuple[bool | None, ...], State]]:
    """Yield the right outputs of a tick, and the state after each."""
    if isinstance(monitor, Automaton):
        after, answer = monitor.answer(state, row)
        yield answer, after
        return
    for tried, spikes in enumerate(product((False, True), repeat=n_outputs)):
        if tried > MOST_CASES:
            return
        follows = monitor.after(state, row, spikes)
        if not isinstance(follows, Wrong):
            yield spikes, follows


class Unrolled:
    """The formulas of a program and a monitor from rest.

    Parameters
    ----------
    ticks : ProgramTicks
    cases : list of Transition
    """

    def __init__(self, ticks: ProgramTicks, cases: list[Transition]) -> None:
        self.ticks, self.rule, self.program = ticks, ticks.rule, ticks.program
        self.formulas = Formulas()
        self._bits = unsigned_width(max(case.after for case in cases))
        self._functions = self._monitor_functions(cases)
        self._spikes: list[dict[int, Vector]] = []  # of each tick, by line
        self._states = [[self._resting() for _ in range(self.program.n_neurons)]]
        self._watched = [number(WRONG_CODE + 1, self._bits)]

    def script(self, length: int) -> str:
        """Return assertions that the outputs are wrong at one of the first ticks."""
        while len(self._spikes) < length:
            self._tick()
        lines = [*self.formulas.operations.exact, *self._functions, *self.formulas.lines]
        allowed = [f"(assert {each})" for each in self.formulas.assumed]
        wrong = f"(assert (= {self._watched[length]} {number(WRONG_CODE, self._bits)}))"
        return "\n".join(["(set-logic ALL)", *lines, *allowed, wrong])

    def inputs(self, length: int) -> list[list[str]]:
        """Return the terms of the input spikes, by tick and line."""
        return [[f"|in {tick} {line}|" for line in range(self.program.n_inputs)] for tick in range(length)]

    def _resting(self) -> dict[str, Vector]:
        return dict.fromkeys(self.rule.registers, _constant(0))

    def _tick(self) -> None:
        tick, program = len(self._spikes), self.program
        rows = [f"|in {tick} {line}|" for line in range(program.n_inputs)]
        self.formulas.lines += [f"(declare-fun {name} () (_ BitVec 1))" for name in rows]
        fired: dict[int, Vector] = {line: _spike(name) for line, name in enumerate(rows)}
        after = []
        for neuron in range(program.n_neurons):
            values = {name: _constant(int(each[neuron])) for name, each in self.ticks.parameters.items()}
            values |= self._states[-1][neuron]
            values[self.rule.gather.target] = self._gathered(neuron, values)
            found = self.formulas.steps(self.rule.steps, values)
            fired[program.n_inputs + neuron] = found[SPIKES]
            after.append({name: found[name] for name in self.rule.registers})
        self._spikes.append(fired)
        self._states.append(after)
        self._watch(rows, [fired[program.n_inputs + neuron] for neuron in program.outputs.tolist()])

    def _watch(self, rows: list[str], outputs: list[Vector]) -> None:
        """Define the state of the monitor after a tick."""
        fired = [f"(ite (= {each.text} {number(0, each.width)}) #b0 #b1)" for each in outputs]
        arguments = f"{self._watched[-1]} {_joined(rows)}"
        name = f"|watched {len(self._watched)}|"
        self.formulas.assumed.append(f"(|can occur| {arguments})")
        sort = f"(_ BitVec {self._bits})"
        self.formulas.lines.append(f"(define-fun {name} () {sort} (|follows| {arguments} {_joined(fired)}))")
        self._watched.append(name)

    def _gathered(self, neuron: int, values: dict[str, Vector]) -> Vector:
        """Return the gathering's target after all arrivals of a tick: in the order of synapses, or as one sum."""
        gather, synapses = self.rule.gather, self.ticks.synapses
        target = values.get(gather.target, _constant(0))
        now = len(self._spikes)
        for synapse in np.flatnonzero(synapses.post == neuron).tolist():
            sent = now - int(synapses.delay[synapse])
            if sent < 0:
                continue
            count = self._spikes[sent][int(synapses.pre[synapse])]
            weight = _constant(int(synapses.effective_weight[synapse]))
            given = {**values, gather.target: target, WEIGHT: weight, COUNT: count}
            added = self.formulas.expression(gather.expression, given)
            if self.rule.is_sum:
                target = added
                continue
            width = max(added.width, target.width)
            text = f"(ite (= {count.text} {number(0, count.width)}) {target.at(width)} {added.at(width)})"
            target = self._named(text, min(added.low, target.low), max(added.high, target.high))
        return target

    def _named(self, text: str, low: int, high: int) -> Vector:
        vector = Vector(f"|kept {len(self.formulas.lines)}|", low, high)
        self.formulas.lines.append(f"(define-fun {vector.text} () (_ BitVec {vector.width}) {text})")
        return vector

    def _monitor_functions(self, cases: list[Transition]) -> list[str]:
        """Return the definitions of which rows can occur in a state, and of the state after a tick."""
        n_inputs, n_outputs = self.program.n_inputs, self.program.n_outputs
        m, r, o = f"(m (_ BitVec {self._bits}))", f"(r (_ BitVec {n_inputs}))", f"(o (_ BitVec {n_outputs}))"
        follows, possible = number(WRONG_CODE, self._bits), {}
        for case in cases:
            at = f"(= m {number(case.state, self._bits)}) (= r {_bits(case.row)})"
            possible[at] = f"(and {at})"
            care = _bits([each is not None for each in case.spikes])
            value = _bits([bool(each) for each in case.spikes])
            matches = f"(and {at} (= (bvand o {care}) {value}))"
            follows = f"(ite {matches} {number(case.after, self._bits)} {follows})"
        over = f"(= m {number(WRONG_CODE, self._bits)})"
        return [
            f"(define-fun |can occur| ({m} {r}) Bool (or {over} {' '.join(possible.values())}))",
            f"(define-fun |follows| ({m} {r} {o}) (_ BitVec {self._bits}) {follows})",
        ]


def _constant(value: int) -> Vector:
    vector = Vector("", value, value)
    return Vector(number(value, vector.width), value, value)


def _spike(name: str) -> Vector:
    """Return a spike as a number, 0 or 1."""
    return Vector(f"(concat #b0 {name})", 0, 1)


def _bits(row: Row | list[bool]) -> str:
    """Return booleans as one vector, the first one in its upper bit."""
    return "#b" + "".join("1" if each else "0" for each in row)


def _joined(texts: list[str]) -> str:
    return texts[0] if len(texts) == 1 else f"(concat {' '.join(texts)})"
