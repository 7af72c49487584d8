"""Potentials before the reset, as compared with the threshold, from recorded states.

A trace holds the state after a tick, when a neuron that fired has been reset. The potential before the reset follows
from the current of the same tick and the potential of the previous one, by the chip's own rule, for all ticks at once.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from snnprog.arrays import Int64s, Raster
from snnprog.program import Program
from snnprog.rules.expressions import Ref, names_in
from snnprog.rules.interpreter import Interpreter
from snnprog.rules.rule import CURRENT, POTENTIAL, SPIKES, Rule
from snnprog.simulate.parameters import parameters_of
from snnprog.simulate.reference import compared_potentials
from snnprog.trace import Trace


def potentials_before_reset(program: Program, trace: Trace, inputs: Raster) -> Int64s:
    """Return each neuron's potential before the reset at each tick, ``(ticks, neurons)``, in the chip's units.

    Parameters
    ----------
    trace : Trace
        A run from rest of this program, with its states.
    inputs : (ticks, inputs) bool
        Its stimulus; the program runs again if the trace does not determine the potential.
    """
    from snnprog.simulate.layout import lean_rule  # loads Numba, which other commands avoid for small programs

    rule = program.chip.rule
    if not _is_known(rule, lean_rule(program).registers):
        return compared_potentials(program, inputs)
    assert trace.currents is not None
    assert trace.potentials is not None
    current = trace.currents.astype(np.int64)
    before: Int64s = np.zeros_like(current)
    before[1:] = trace.potentials[:-1]
    interpreter = Interpreter(_with_given_current(rule), parameters_of(program))
    state = {**interpreter.rest(current.shape), CURRENT: current, POTENTIAL: before}
    return interpreter.tick(state, state.get(rule.gather.target, np.zeros_like(current))).compared


def _is_known(rule: Rule, moving: Collection[str]) -> bool:
    """Return whether the compared potential follows from the current after a tick and the potential before it.

    Parameters
    ----------
    moving : collection of str
        The registers that are not always 0.
    """
    last = max((index for index, step in enumerate(rule.all_steps) if step.target == CURRENT), default=-1)
    known = {POTENTIAL} | {each.name for each in rule.parameters} | {each.name for each in rule.constants}
    known |= set(rule.registers) - set(moving) - {CURRENT}
    for index, step in enumerate(rule.all_steps):
        if step.target == SPIKES:
            break
        if index == last or (step.target != CURRENT and names_in(step.expression) <= known):
            known.add(step.target)
        else:
            known.discard(step.target)
    return POTENTIAL in known


def _with_given_current(rule: Rule) -> Rule:
    """Return the rule with the current at the end of the tick from its beginning."""
    steps = [
        replace(step, expression=Ref(step.target)) if step.target in (CURRENT, rule.gather.target) else step
        for step in rule.all_steps
    ]
    return replace(rule, gather=steps[0], steps=tuple(steps[1:]))


def is_held(program: Program, potentials: Int64s) -> Raster:
    """Return whether ``(ticks, neurons)`` a neuron is in its refractory period, from potentials before resets."""
    held: Raster = np.zeros(potentials.shape, dtype=np.bool_)
    if not program.has_refractory:
        return held
    thresholds = thresholds_in_units(program)
    held_for: Int64s = np.zeros(program.n_neurons, dtype=np.int64)
    for tick, potential in enumerate(potentials):
        held[tick] = held_for > 0
        spikes = fires(program.chip.rule, potential, thresholds) & ~held[tick]
        held_for = np.where(spikes, program.refractory - 1, np.maximum(held_for - 1, 0))
    return held


def thresholds_in_units(program: Program) -> Int64s:
    """Return each neuron's threshold ``(neurons,)`` in units of the potential."""
    return program.threshold.astype(np.int64) * program.chip.unit


def fires(rule: Rule, potentials: Int64s, thresholds: Int64s) -> Raster:
    """Return which potentials before the reset are spikes."""
    return potentials >= thresholds if rule.is_equal_a_spike else potentials > thresholds
