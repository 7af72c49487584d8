"""Hidden neurons from a pool of neurons that were drawn at random, for outputs that nothing better is found for.

Any neuron whose spikes differ from those of the lines there are may be of use, and few random ones tell most histories
apart (reservoir computing: Maass, Natschläger, Markram, Neural Computation 14, 2002). So neurons with random integers
are run, and of those that do different things, as few are chosen as suffice for all outputs together
(`snnprog.design.hidden.sufficing`). Few synapses and small weights are drawn most: such neurons repeat, delay, count
and compare.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Int64s
from snnprog.design.hidden.craft import drawn_neuron
from snnprog.design.hidden.draft import Draft
from snnprog.design.hidden.growth import designed, lack_of
from snnprog.design.hidden.separable import Separators
from snnprog.design.hidden.sufficing import Goal, reduced, searched, separator_of
from snnprog.design.margins.answer import ROUNDING_PROOF
from snnprog.network import Neuron
from snnprog.solver import check_time
from snnprog.spec import FREE

# How many different neurons a pool has, how many are drawn for it at most, for each; and how many are tried in threes.
# A pool of 240 has what a spec of one input and 10 ticks needs; the work of choosing grows with their number.
SIZES, DRAWS, FEW = (40, 120, 240), 10, 40
# The most entries of all columns: 32 MB of doubles.
MOST_CELLS = 1 << 22
# The share of neurons with a bias that have no synapses: clocks.
CLOCKS = 0.2


@dataclass(frozen=True)
class Scope:
    """What is looked for in a pool.

    Attributes
    ----------
    most : int
        How many hidden neurons there may be.
    seed : int
        Of what is drawn.
    is_proof_needed : bool
        Whether only rounding-proof neurons will do.
    more : int
        How many more than the fewest are taken: integers have more choices then.
    """

    most: int
    seed: int
    is_proof_needed: bool
    more: int


def helped_from_pool(draft: Draft, outputs: Sequence[int], scope: Scope) -> tuple[Draft, dict[int, Neuron]] | None:
    """Return the draft with few hidden neurons of a pool that do for some outputs, and their neurons, or None."""
    goals = []
    for output in outputs:
        lack = lack_of(draft, output)
        goals.append(Goal(output, lack.resets, lack.wanted))
    for size in SIZES:
        pool = drawn(draft, size, seed=scope.seed)
        if not pool:
            return None
        is_all = len(pool) < size
        separators = Separators([separator_of(draft, goal, pool) for goal in goals])
        if not separators.suffices(range(len(pool))):
            if is_all:
                break
            continue
        for chosen in _choices(separators, len(pool), scope):
            wider = draft.with_neurons([pool[index] for index in chosen])
            found = {output: designed(wider, output) for output in outputs}
            built = {output: neuron for output, neuron in found.items() if neuron is not None}
            is_sure = all(neuron.margin >= ROUNDING_PROOF for neuron in built.values())
            if len(built) == len(outputs) and (is_sure or not scope.is_proof_needed):
                return wider, built
        if is_all:
            break
    return None


def _choices(separators: Separators, size: int, scope: Scope) -> list[tuple[int, ...]]:
    """Return choices of detectors that suffice, the fewest first; with more than they need, where that is asked."""
    best = tuple(sorted(reduced(separators, list(range(size)))))
    choices = [best] if len(best) <= scope.most else []
    for number in range(1, min(len(best), scope.most + 1)):
        found = searched(separators, size if number < 3 else min(size, FEW), number)
        if found is not None:
            choices = [found, *choices]
            break
    if scope.more == 0:
        return choices
    others = np.random.default_rng(scope.seed).permutation(size).tolist()
    return [_with_others(chosen, others, min(scope.most, len(chosen) + scope.more)) for chosen in choices[:1]]


def _with_others(chosen: tuple[int, ...], others: Sequence[int], count: int) -> tuple[int, ...]:
    rest = [index for index in others if index not in chosen]
    return tuple(sorted({*chosen, *rest[: count - len(chosen)]}))


def drawn(draft: Draft, size: int, *, seed: int) -> list[Neuron]:
    """Return up to so many random hidden neurons, each of which does something else than all lines and others."""
    size = min(size, MOST_CELLS // max(draft.mapping.tape.ticks * len(draft.asked.delays), 1))
    known = {np.packbits(line).tobytes() for line in np.concatenate(draft.task.lines).T}
    generator, found = np.random.default_rng([seed, size]), list[Neuron]()
    for _ in range(DRAWS * size):
        check_time()
        neuron = _drawn(draft, generator)
        key = b"" if neuron is None else np.packbits(neuron.raster).tobytes()
        if neuron is not None and key not in known:
            known.add(key)
            found.append(neuron)
        if len(found) >= size:
            break
    return found


def _drawn(draft: Draft, generator: np.random.Generator) -> Neuron | None:
    box, asked, limit = draft.box, draft.asked, draft.asked.mantissas.limit
    taps = np.flatnonzero((box.weight_lower < 0.0) | (box.weight_upper > 0.0))
    most = taps.size if asked.fan_in is None else min(asked.fan_in, taps.size)
    bias = _bias(draft, generator)
    if most == 0 and bias == 0:
        return None
    number = (
        int(generator.integers(min(most, 1), most + 1))
        if generator.random() < 0.5
        else min(most, 1 + generator.poisson(1.0))
    )
    if asked.mantissas.is_binary:
        number = taps.size
    elif bias != 0 and generator.random() < CLOCKS:
        number = 0
    chosen = generator.choice(taps, number, replace=False)
    bound = min(limit, int(2.0 ** generator.uniform(0.0, 2.0 if generator.random() < 0.5 else math.log2(limit + 1))))
    signs = np.where(generator.random(number) < 0.7, 1, -1)
    mantissas = np.zeros(draft.mapping.n_taps, np.int64)
    mantissas[chosen] = np.clip(
        signs * generator.integers(1, bound + 1, number), box.weight_lower[chosen], box.weight_upper[chosen]
    )
    exponent = _exponent(draft, mantissas, generator)
    return drawn_neuron(draft, mantissas << exponent, exponent, bias=bias, rank=float(generator.random()))


def _bias(draft: Draft, generator: np.random.Generator) -> int:
    """Return the bias that is asked, or draw one: none, or one as large as some weights."""
    if draft.asked.bias != FREE:
        return int(draft.asked.bias)
    size = 2.0 ** generator.uniform(0.0, math.log2(draft.chip.weight_limit)) * draft.chip.unit
    return int(draft.chip.nearest_bias(size * generator.choice((-1.0, 0.0, 0.0, 1.0))))


def _exponent(draft: Draft, mantissas: Int64s, generator: np.random.Generator) -> int:
    """Draw an exponent: 0, or one by which weights come near a fixed threshold, or tell more than noise apart."""
    chip, box, asked = draft.chip, draft.box, draft.asked
    least = 0 if box.noise == 0.0 else math.ceil(math.log2(max(2.0 * box.noise, 1.0)))
    if asked.threshold != FREE:
        reach = float(np.abs(mantissas).max(initial=1))
        near = math.ceil(math.log2(max(float(asked.threshold) / reach, 1.0)))
        least = max(0, near - 2 + int(generator.integers(0, 4)))
    return min(max(least, chip.exponents[0]), chip.exponents[1])
