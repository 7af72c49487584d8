"""Targets that are infeasible with any number of hidden neurons: candidate rows for a proof.

Whatever a hidden neuron tells an output at tick k has passed two synapses at least, so it can depend only on what was
there two shortest delays before. All ticks with the same history up to then get the same from all hidden neurons: one
unknown per history, of any size. With these unknowns in place of all hidden neurons, an output's rows are linear as
ever, and if no weights satisfy them, no network does. Only ticks that share their history matter: where it is their
own, the unknown is, too.

This is a guess; it is a refusal if the prices of its rows are a proof about the chip's integers
(`snnprog.design.hidden.refuting`).

A history begins at the first spike, because before it nothing tells one tick from another; with a bias it begins at
tick 0. Before anything has arrived at a hidden neuron, it has nothing to tell.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from snnprog.arrays import Floats, Raster
from snnprog.conflict import Conflict
from snnprog.design.conflicts import places_in_words, refractory_reason
from snnprog.design.hidden.draft import Draft
from snnprog.design.margins.answer import WORTHLESS
from snnprog.design.problem import TOLERANCE, NeuronProblem
from snnprog.design.proofs.referee import first_known
from snnprog.fixed_order import powers
from snnprog.potential import NO_RESET, Ticks
from snnprog.solver import LinearProgram, maximise_if_possible
from snnprog.spec import presynaptic_raster

# Maximum number of entries of the relaxation's matrix: 128 MB of doubles. Beyond, nothing is proved.
MOST_CELLS = 1 << 24
# How many spikes that nothing reaches, and how many pairs of the same history, are tried as proofs.
MOST_ALONE, MOST_CLASHES = 3, 20
# Decimal digits in which equal features agree, for any the order in which floats were added: a double has 15, and sums
# of thousands lose 4.
DIGITS = 9
# Prices count as ratios of integers up to these, so that those that follow from small integers, or from decays of
# 12 bits, are exact.
LARGEST_RATIOS = (1000, 1 << 13, 1 << 25)
NOTHING = 0  # the number of the history in which nothing has happened yet


@dataclass(frozen=True, eq=False)
class Histories:
    """The information available to hidden neurons at each tick.

    Attributes
    ----------
    history : (ticks,) int
        The same number where the history up to two shortest delays before is the same.
    can_tell : (ticks,) bool
        Whether a hidden neuron's spike can arrive.
    """

    history: Ticks
    can_tell: Raster


def guesses(problem: NeuronProblem, histories: Histories) -> Iterator[dict[int, int]]:
    """Yield prices of ticks that may be a proof, the plainest first."""
    mapping = problem.potential_map
    alone = [*problem.refractory_spikes[:1].tolist(), *_unreached_spikes(problem, histories)[:MOST_ALONE].tolist()]
    yield from ({tick: 1} for tick in alone)
    counted = problem.constrained & _is_reset_known(problem, problem.constrained)
    counts = np.bincount(histories.history[counted], minlength=int(histories.history.max()) + 1)
    is_own = histories.can_tell & (counts[histories.history] < 2)
    silent_anyway = ~problem.raster & (problem.norms == 0.0) & ~histories.can_tell & (not problem.box.has_bias)
    rows = np.flatnonzero(counted & ~silent_anyway & _matters(problem, counted & ~is_own & ~silent_anyway))
    if not rows.size or rows.size * (mapping.n_taps + rows.size) > MOST_CELLS:
        return
    effects = _effects(problem, histories, rows)
    yield from ({spike: 1, silence: 1} for spike, silence in _clashes(problem, rows, effects=effects)[:MOST_CLASHES])
    optimum = maximise_if_possible(_relaxation(problem, rows, effects=effects))
    if optimum is not None and float(optimum.values[-1]) <= TOLERANCE:
        shares = optimum.duals / max(float(optimum.duals.max(initial=0.0)), WORTHLESS)
        priced = np.flatnonzero(shares > WORTHLESS)
        for largest in LARGEST_RATIOS:
            exact = [Fraction(float(share)).limit_denominator(largest) for share in shares[priced]]
            common = math.lcm(*(share.denominator for share in exact))
            yield {int(rows[row]): int(share * common) for row, share in zip(priced, exact, strict=True) if share > 0}


def _clashes(problem: NeuronProblem, rows: Ticks, *, effects: Floats) -> list[tuple[int, int]]:
    """Return pairs of a spike and a silence with the same history, inputs and hidden neurons included."""
    features = np.column_stack([problem.signed_rows(rows) * problem.signs[rows][:, None], effects])
    _, kind = np.unique(np.round(features, DIGITS), axis=0, return_inverse=True)
    found: list[tuple[int, int]] = []
    silences: dict[int, int] = {}
    for row, tick in enumerate(rows.tolist()):
        if not problem.raster[tick]:
            silences.setdefault(int(kind[row]), tick)
    for row, tick in enumerate(rows.tolist()):
        if problem.raster[tick] and int(kind[row]) in silences:
            found.append((tick, silences[int(kind[row])]))
    return found


def _unreached_spikes(problem: NeuronProblem, histories: Histories) -> Ticks:
    """Return the ticks of spikes before which nothing can arrive in their pattern, whatever the neuron did there."""
    mapping = problem.potential_map
    if problem.box.has_bias:
        return np.zeros(0, dtype=np.int64)
    reached = histories.can_tell | (mapping.norms(mapping.resets(np.zeros_like(problem.spikes))) > 0.0)
    arrivals = np.concatenate([[0], np.cumsum(reached)])
    is_reached = arrivals[1:] > arrivals[mapping.tape.starts[mapping.tape.pattern]]
    return np.flatnonzero(problem.constrained & problem.raster & ~is_reached)


def _matters(problem: NeuronProblem, shared: Raster) -> Raster:
    """(ticks,) Whether a tick, or a later one before the next reset, shares its history."""
    tape, ticks = problem.potential_map.tape, np.arange(shared.size)
    is_first = problem.resets.last == NO_RESET
    segment = np.where(is_first, tape.starts[tape.pattern], np.minimum(problem.resets.last + 1, ticks))
    last_shared = np.full(shared.size, -1)
    np.maximum.at(last_shared, segment[shared], ticks[shared])
    matters: Raster = ticks <= last_shared[segment]
    return matters


def histories_of(draft: Draft) -> Histories:
    """Return the information that hidden neurons can have, for a draft without any."""
    spec, has_bias = draft.spec, draft.box.has_bias
    lag, known = 2 * min(spec.delays), {(NOTHING, b""): NOTHING}
    history, can_tell = [], []
    for pattern, first in zip(spec.patterns, first_known(spec), strict=True):
        lines = presynaptic_raster(spec, pattern)
        state, silence = NOTHING, np.zeros(lines.shape[1], dtype=np.bool_)
        for tick in range(pattern.ticks):
            seen = lines[tick - lag] if tick >= lag else silence
            if has_bias or state != NOTHING or seen.any():
                state = known.setdefault((state, np.packbits(seen).tobytes() + b"."), len(known))
            history.append(state)
        can_tell.append(_arrivals(draft, lines) & (np.arange(pattern.ticks) >= first) & (spec.fan_in != 0))
    return Histories(np.array(history), np.concatenate(can_tell))


def _arrivals(draft: Draft, lines: Raster) -> Raster:
    """(ticks,) Whether a spike of some hidden neuron can arrive in one pattern."""
    spec, ticks = draft.spec, len(lines)
    excitable = lines if spec.signs is None else lines[:, np.array(spec.signs) >= 0]
    fired: Raster = np.any(excitable, axis=1)
    keeps = draft.mapping.linear.current > 0
    can_fire, arrives = np.full(ticks, draft.box.bias[1] > 0.0), np.zeros(ticks, dtype=np.bool_)
    for tick in range(ticks):
        sources = [tick - delay for delay in spec.delays if delay <= tick]
        arrives[tick] = any(can_fire[source] for source in sources) or (keeps and tick > 0 and arrives[tick - 1])
        reached = arrives[tick] or any(fired[source] for source in sources)
        can_fire[tick] |= reached or (keeps and tick > 0 and can_fire[tick - 1])
    return arrives


def _effects(problem: NeuronProblem, histories: Histories, rows: Ticks) -> Floats:
    """Return (rows, histories) the effect on the potential of one unit at each history."""
    tape, gamma = problem.potential_map.tape, problem.potential_map.gamma
    entries = []
    for row, tick in enumerate(rows):
        reset = int(problem.resets.last[tick])
        first = int(tape.starts[tape.pattern[tick]]) if reset == NO_RESET else reset + 1
        window = np.arange(first, tick + 1)
        window = window[histories.can_tell[window]]
        entries.append((np.full(window.size, row), histories.history[window], powers(gamma, tick - window)))
    row_of, history, share = (np.concatenate(parts) for parts in zip(*entries, strict=True))
    columns, column_of = np.unique(history, return_inverse=True)
    effects = np.zeros((rows.size, columns.size))
    np.add.at(effects, (row_of, column_of), share)
    return effects


def _relaxation(problem: NeuronProblem, rows: Ticks, *, effects: Floats) -> LinearProgram:
    """Build the program; its unknowns are weights, threshold, bias, hidden signals, and a distance of at most 1."""
    box = problem.box
    free = np.full(effects.shape[1], np.inf)
    lower, upper = box.weight_lower * (1 << box.widest_exponent), box.weight_upper * (1 << box.widest_exponent)
    threshold, bias = box.threshold, box.bias
    if box.is_scale_free:
        lower, upper = np.where(lower < 0.0, -np.inf, 0.0), np.where(upper > 0.0, np.inf, 0.0)
        threshold, bias = (0.0, np.inf), (-np.inf, np.inf) if box.is_bias_free else (0.0, 0.0)
    effects = effects * problem.signs[rows][:, None]
    matrix = np.column_stack([problem.signed_rows(rows), effects, -np.ones(rows.size)])
    return LinearProgram(
        objective=np.append(np.zeros(matrix.shape[1] - 1), 1.0),
        matrix=matrix,
        least=np.zeros(rows.size),
        lower=np.concatenate([lower, [threshold[0], bias[0]], -free, [-np.inf]]),
        upper=np.concatenate([upper, [threshold[1], bias[1]], free, [1.0]]),
    )


def reason_of(problem: NeuronProblem, histories: Histories, *, priced: Ticks, draft: Draft) -> Conflict:
    """Return the conflict of the rows that are priced, in words."""
    if problem.refractory_spikes.size and priced[0] == problem.refractory_spikes[0]:
        tick = int(priced[0])
        return Conflict(problem.neuron, *problem.potential_map.tape.where(tick), refractory_reason(problem, tick))
    lag = 2 * min(draft.spec.delays)
    due = [int(tick) for tick in priced if problem.raster[tick]]
    silent = [int(tick) for tick in priced if not problem.raster[tick]]
    tape = problem.potential_map.tape
    pattern, tick = tape.where((due or silent)[0])
    name = f"{problem.name} must spike at {places_in_words(tape, due)}" if due else ""
    is_one_spike = len(due) == 1 and not silent
    if is_one_spike and not histories.can_tell[due[0]] and problem.norms[due[0]] == 0.0:
        reason = f"{name}, but nothing can have reached it by then, not even through hidden neurons"
    elif is_one_spike and not histories.can_tell[due[0]]:
        reason = f"{name}, but nothing that could make it spike can arrive then, not even from hidden neurons"
    elif len(due) == 1 and len(silent) == 1:
        reason = (
            f"{name} and be silent at {places_in_words(tape, silent)}, but what can have reached it by then, also"
            " through hidden neurons, is the same"
        )
    else:
        demands = [f"spike at {places_in_words(tape, due)}"] if due else []
        demands += [f"be silent at {places_in_words(tape, silent)}"] if silent else []
        reason = (
            f"no weights let {problem.name} {' and '.join(demands)}, and hidden neurons do not help: up to"
            f" {lag} ticks before, the latest that they can pass on, the inputs are the same"
        )
    return Conflict(problem.neuron, pattern, tick, reason)


def _is_reset_known(problem: NeuronProblem, care: Raster) -> Raster:
    """(ticks,) Whether no don't-care bin lies between a tick and its last reset, or the pattern's start."""
    tape = problem.potential_map.tape
    free_before = np.concatenate([[0], np.cumsum(~care)])
    since = np.where(problem.resets.spike == NO_RESET, tape.starts[tape.pattern], problem.resets.spike)
    known: Raster = free_before[:-1] == free_before[since]
    return known
