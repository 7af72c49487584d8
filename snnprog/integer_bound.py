"""The bound on the error of a program that follows a leaky integrator, with its integers as they are.

`BalancedCode.error_bound` is that of the network with real weights. A program's weights are others: the compiler finds
them from a raster, and they are integers. Let g be any number of weight LSBs, to stand for a step. A potential is then,
in steps, the error that the neuron knows, and a deviation of at most Δ: the sum over its lines of ``|w/g - w*|``, with
w the weight and w* that of the formula, times the sum of the decays of all spikes that the line can have sent. A neuron
spikes once in its refractory period; an input line at every tick, but not if its neighbour does. Truncation adds its
loss in a tick, times as many decays.

A neuron then spikes in no tick in which the known error is below ``T - Δ``, T its threshold in steps, and in each one
in which it is above ``T + Δ``, unless it is refractory. With U what inputs move a state in a tick, the induction of
`snnprog.coding.balanced` gives ``|e| ≤ E`` with E the greatest of ``T + Δ + U`` and ``b - T + Δ + d U``, over both
neurons of a state, with d the delay and b the most spikes of a burst, 1 with refractory periods. A potential keeps a
small share m of what it was (1/4096 on Loihi), which adds ``m (E + b + Δ)``, that of the known error and its deviation,
to Δ. All of this holds for every g; the bound is the least over some.
"""

from __future__ import annotations

import numpy as np

from snnprog.arrays import Bools, Floats
from snnprog.calls import call_checked
from snnprog.checks import check_type
from snnprog.coding.balanced import BalancedCode
from snnprog.errors import SpecError
from snnprog.program import Program

SCALES = 41
"""Numbers of LSBs for a step that are tried, over the range of all quotients w / w*. A bound from one in ten of them is
wider by at most a few per cent."""


@call_checked
def error_bound(program: Program, code: BalancedCode) -> Floats | None:
    """Return what the error of a program never exceeds, for all inputs within their limits, and forever.

    Parameters
    ----------
    program : Program
        Compiled from the `snnprog.specs.linear_system` of the code.
    code : BalancedCode

    Returns
    -------
    (states,) float, or None
        With the rounding of the integers; None for systems without a known bound (`BalancedCode.error_bound`), and if a
        potential might reach the end of its register.

    Raises
    ------
    SpecError
        If the program is not of such a spec.
    """
    check_type("program", program, kind=Program)
    check_type("code", code, kind=BalancedCode)
    if not code.is_leaky_integrator:
        return None
    weights = _weights(program, code)
    formula = _formula(code)
    moves = code.moves / code.steps
    bounds = np.zeros(code.n_states)
    for neuron, (row, ideal, threshold) in enumerate(zip(weights, formula, program.threshold, strict=True)):
        state = neuron % code.n_states
        found = _least(row, ideal, code=code, threshold=float(threshold), moves=float(moves[state]))
        if found is None:
            return None
        bounds[state] = max(bounds[state], found)
    kept = float(code.discrete[0][0, 0])
    rounded = abs(code.kept - kept) * code.reach / (1.0 - code.kept)
    total: Floats = bounds * code.steps + code.moves + rounded
    return total


def _weights(program: Program, code: BalancedCode) -> Floats:
    """Return (neurons, lines) the weights of a program in LSBs, if it is one of the code."""
    lines = 2 * (code.n_inputs + code.n_states)
    decays = code.dynamics
    is_of_code = (
        (program.n_inputs, program.n_inputs + program.n_neurons) == (2 * code.n_inputs, lines)
        and program.chip == code.chip
        and (program.current_decay == decays.current_decay).all()
        and (program.potential_decay == decays.potential_decay).all()
        and (program.refractory == code.refractory_ticks).all()
        and not program.bias.any()
        and (program.unrolled().synapses.delay == code.delay).all()
    )
    if not is_of_code:
        raise SpecError("error_bound needs a program that was compiled from the linear_system of the same code")
    synapses = program.unrolled().synapses
    found = np.zeros((program.n_neurons, lines))
    np.add.at(found, (synapses.post, synapses.pre), synapses.weight * np.exp2(synapses.exponent))
    return found


def _formula(code: BalancedCode) -> Floats:
    """Return (neurons, lines) the weights of the formula in steps: what a heard spike moves the error by."""
    drive = code.discrete[1] * code.limit / code.steps[:, None]
    inputs = np.stack([drive, -drive], axis=2).reshape(len(drive), -1)
    own = -np.eye(code.n_states) * code.kept**code.delay
    up = np.concatenate([inputs, own, -own], axis=1)
    return np.concatenate([up, np.concatenate([-inputs, -own, own], axis=1)])


def _least(weights: Floats, formula: Floats, *, code: BalancedCode, threshold: float, moves: float) -> float | None:
    """Return the least bound in steps over the scales that are tried; None if there is none."""
    known: Bools = formula != 0.0
    quotients = weights[known] / formula[known]
    rule, split = code.linear_rule, 2 * code.n_inputs
    arriving = max(weights[weights > 0.0].sum(), -weights[weights < 0.0].sum())
    if (quotients <= 0.0).any() or arriving >= float(rule.limits.arrivals):
        return None
    kept = float(rule.current)
    lasting = 1.0 / (1.0 - kept), 1.0 / (1.0 - kept**code.refractory_ticks)
    losses = rule.losses[0] * lasting[0] + rule.losses[1] / (1.0 - float(rule.potential))
    share = float(rule.potential) / (1.0 - float(rule.potential))
    limits = float(rule.limits.current), float(rule.limits.potential)
    bounds = []
    for scale in np.linspace(quotients.min(), quotients.max(), SCALES):
        away = np.abs(weights / scale - formula)
        pairs = away[:split].reshape(-1, 2).max(axis=1).sum()  # the lines of an input never spike together
        plain = float(pairs * lasting[0] + away[split:].sum() * lasting[1]) + losses / scale
        level = threshold / scale
        network = max(level + moves, code.burst - level + code.delay * moves)  # without a deviation
        deviation = (plain + share * (network + code.burst)) / (1.0 - 2.0 * share)
        if (network + code.burst + 2.0 * deviation) * scale < min(limits):
            bounds.append(network + deviation)
    return min(bounds, default=None)
