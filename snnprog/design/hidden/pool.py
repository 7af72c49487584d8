"""Hidden neurons from a pool of random neurons, for outputs without a better solution.

Any neuron whose spikes differ from those of the existing lines may be of use, and few random ones distinguish most
histories (reservoir computing: Maass, Natschläger, Markram, Neural Computation 14, 2002). So neurons with random
integers are run, and of those that do different things, as few are chosen as suffice for all outputs together
(`snnprog.design.hidden.sufficing`). Few synapses and small weights are drawn most: such neurons repeat, delay, count
and compare.
"""

from __future__ import annotations

import math
from collections.abc import Container, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from snnprog.design.hidden.craft import drawn_neuron
from snnprog.design.hidden.draft import Draft
from snnprog.design.hidden.growth import designed, lack_of
from snnprog.design.hidden.separable import Separators
from snnprog.design.hidden.sufficing import Goal, reduced, searched, separator_of
from snnprog.design.margins.answer import ROUNDING_PROOF
from snnprog.errors import UndecidedError
from snnprog.network import Neuron
from snnprog.solver import check_time, step
from snnprog.spec import FREE

# How many different neurons a pool has; after how many unsuccessful draws it counts as complete; and how many are
# tried in threes. A pool of 240 has what a spec of one input and 10 ticks needs; choosing takes longer in larger ones.
SIZES, VAIN, FEW = (40, 120, 240), 200, 40
# All choices of up to a number of neurons are tried: `searched` tries pairs and threes, and there are too many fours.
MOST_SEARCHED = 3
# By so many linear programs: over a large pool each takes some 10 ms.
MOST_PROGRAMS = 120
# Of so few synapses, no linear program says which to have: detectors are tried one by one.
FEW_SYNAPSES = 2
# Maximum number of layers of hidden neurons, each of which receives all before it, where few different ones exist.
LAYERS = 3
# The share of the time in which fewer are searched than removing in turn gives. A choice.
SHARE = 0.3
# Maximum number of entries of all columns: 32 MB of doubles.
MOST_CELLS = 1 << 22
# The share of neurons with a bias that have no synapses: clocks.
CLOCKS = 0.2


@dataclass(frozen=True)
class Draw:
    """The search in a pool.

    Attributes
    ----------
    most : int
        Maximum number of hidden neurons.
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


def helped_from_pool(
    draft: Draft, outputs: Sequence[int], scope: Draw, layer: int = 1
) -> tuple[Draft, dict[int, Neuron]] | None:
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
        if draft.spec.fan_in is not None and draft.spec.fan_in <= FEW_SYNAPSES:
            helped = _one_by_one(draft, goals, pool, scope)
            if helped is not None:
                return helped
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
    if is_all and layer < LAYERS and len(pool) < scope.most:
        below = replace(scope, most=scope.most - len(pool))
        return helped_from_pool(draft.with_neurons(pool), outputs, below, layer + 1)
    return None


def _one_by_one(
    draft: Draft, goals: Sequence[Goal], pool: Sequence[Neuron], scope: Draw
) -> tuple[Draft, dict[int, Neuron]] | None:
    """Return the draft with one sufficient detector for each output, for outputs of few synapses, or None."""
    chosen: list[int] = []
    for goal in goals:
        separator = separator_of(draft, goal, pool)
        fitting = (
            index
            for index in [*chosen, *range(len(pool))]
            if not separator.is_ruled_out((index,))
            and separator.suffices((index,))
            and designed(draft.with_neuron(pool[index]), goal.output) is not None
        )
        first = next(fitting, None)
        if first is None:
            return None
        chosen += [first] * (first not in chosen)
    wider = draft.with_neurons([pool[index] for index in chosen])
    found = {goal.output: designed(wider, goal.output) for goal in goals}
    built = {output: neuron for output, neuron in found.items() if neuron is not None}
    return (wider, built) if len(built) == len(goals) and len(chosen) <= scope.most else None


def _choices(separators: Separators, size: int, scope: Draw) -> list[tuple[int, ...]]:
    """Return choices of detectors that suffice, the fewest first; with more than they need, if requested."""
    choices: list[tuple[int, ...]] = []
    tried = scope.most
    if scope.most > MOST_SEARCHED:
        best = tuple(sorted(reduced(separators, list(range(size)))))
        choices, tried = [best] if len(best) <= scope.most else [], len(best) - 1
    with step("hidden", share=SHARE), suppress(UndecidedError):
        for number in range(1, min(tried, MOST_SEARCHED) + 1):
            found = searched(separators, size if number < 3 else min(size, FEW), number, most=MOST_PROGRAMS)
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
    """Return up to this many random hidden neurons, each of which does something else than all lines and others."""
    size = min(size, MOST_CELLS // max(draft.mapping.tape.ticks * len(draft.spec.delays), 1))
    known = {np.packbits(line).tobytes() for line in np.concatenate(draft.task.lines).T}
    generator, found, vain = np.random.default_rng([seed, size]), list[Neuron](), 0
    shared = _exponent(draft, generator) if draft.chip.is_exponent_shared else None
    while len(found) < size and vain < VAIN:
        check_time()
        vain += 1
        neuron = _drawn(draft, generator, shared, known)
        if neuron is not None:
            known.add(np.packbits(neuron.raster).tobytes())
            found.append(neuron)
            vain = 0
    return found


def _drawn(draft: Draft, generator: np.random.Generator, shared: int | None, known: Container[bytes]) -> Neuron | None:
    """Return a random hidden neuron, or None if its integers are of no use; all may have to share an exponent."""
    box, spec, limit = draft.box, draft.spec, draft.spec.mantissas.limit
    taps = np.flatnonzero((box.weight_lower < 0.0) | (box.weight_upper > 0.0))
    most = taps.size if spec.fan_in is None else min(spec.fan_in, taps.size)
    bias = _bias(draft, generator)
    if most == 0 and bias == 0:
        return None
    number = (
        int(generator.integers(min(most, 1), most + 1))
        if generator.random() < 0.5
        else min(most, 1 + generator.poisson(1.0))
    )
    if spec.mantissas.is_binary:
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
    exponent = _exponent(draft, generator) if shared is None else shared
    rank = float(generator.random())
    return drawn_neuron(draft, mantissas << exponent, exponent, bias=bias, rank=rank, known=known)


def _bias(draft: Draft, generator: np.random.Generator) -> int:
    """Return the fixed bias, or draw one: 0, or as large as some weights."""
    if draft.spec.bias != FREE:
        return int(draft.spec.bias)
    size = 2.0 ** generator.uniform(0.0, math.log2(draft.chip.weight_limit)) * draft.chip.unit
    return int(draft.chip.nearest_bias(size * generator.choice((-1.0, 0.0, 0.0, 1.0))))


def _exponent(draft: Draft, generator: np.random.Generator) -> int:
    """Draw an exponent: 0, or one by which weights come near a fixed threshold, or distinguish more than noise."""
    chip, box, spec = draft.chip, draft.box, draft.spec
    exponent = 0 if box.noise == 0.0 else math.ceil(math.log2(max(2.0 * box.noise, 1.0)))
    if spec.threshold != FREE:
        near = math.ceil(math.log2(max(float(spec.threshold) / spec.mantissas.limit, 1.0)))
        exponent = max(exponent, near - 1 + int(generator.integers(0, 3)))
    return min(max(exponent, chip.exponents[0]), chip.exponents[1])
