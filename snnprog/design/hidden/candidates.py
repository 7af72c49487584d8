"""Candidates for hidden neurons of an infeasible output: detectors, weighers, echoes and a clock, with prices.

- A *detector* fires one shortest delay before spikes that the output misses, and before no silence that is at stake.
  The spikes that no weights give together are shared out among several: the fewer a neuron must hit, the more of them
  weights can tell from all silences.
- A *weigher* is a detector that may err: it fires where the prices, summed over what a spike would do, say that it
  helps, for or against.
- An *echo* repeats a line some ticks later: a memory longer than the delays. A *clock* fires from the first input on,
  forever: it lets neurons distinguish silence from silence.

What a candidate is worth is how far it upsets the balance of the prices: ``(Σ y φ)² / Σ φ²`` at its best delay.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Floats, Raster
from snnprog.design.hidden.craft import Crafted, craft
from snnprog.design.hidden.draft import Draft, earlier, later, map_of, nearest
from snnprog.design.hidden.soft import NearestMiss
from snnprog.network import Neuron
from snnprog.potential import Resets

# How much a silence counts beside a wished spike: a detector must not err. Sensitive, and in no one direction: of
# 3 hidden neurons on one spec, × 3 left 1, or, with sums in another order, took more.
SILENCE_WEIGHT = 4.0
# Growth factor of the number of target spikes of a detector. What exceeds 1, × 3 and ÷ 3: no change on 1 spec.
GROWTH = 1.3
# How many lines' echoes are tried: a third of it took 1 hidden neuron more on 1 spec, × 3 changed nothing.
ECHOES = 6
# Prices and worths below this share of the largest are rounding. × 3 and ÷ 3: no change on 1 spec.
WORTHLESS = 1e-9


@dataclass(frozen=True, eq=False)
class Lack:
    """One output that does not reproduce its targets.

    Attributes
    ----------
    draft : Draft
        What there is so far.
    resets : Resets
        The output's.
    wanted : (ticks,) float
        +1 where it must spike, -1 where not, 0 where it does not count.
    miss : NearestMiss
        How near it comes.
    """

    draft: Draft
    resets: Resets
    wanted: Floats
    miss: NearestMiss

    @property
    def lead(self) -> int:
        """How many ticks before it acts a hidden neuron fires."""
        return int(min(self.draft.spec.delays))


def detector(lack: Lack, missed: Raster) -> Neuron | None:
    """Return a hidden neuron that fires before many of the missed spikes and before no silence, or None.

    If weights do not give most of the missed spikes together, they are requested a few, then forever more.
    """
    tape = lack.draft.mapping.tape
    before = earlier(tape, np.where(lack.wanted < 0.0, -1.0, missed.astype(np.float64)), lack.lead)
    wished, forbidden = before > 0.0, before < 0.0
    if not wished.any():
        return None
    value = np.where(forbidden, -float(before.size), wished.astype(np.float64))
    attempt = best = _attempt(lack.draft, wished, forbidden=forbidden, value=value)
    enough = wished.sum() / 2
    sought = _nearest(wished, np.zeros_like(wished), attempt.potential, 1)
    while attempt.worth < enough and sought.any():
        attempt = _attempt(lack.draft, sought, forbidden=forbidden, value=value)
        best = max(best, attempt, key=lambda tried: tried.worth)
        if (sought & ~attempt.hits).any():
            break
        more = math.ceil(GROWTH * int(attempt.hits.sum())) - int(attempt.hits.sum())
        sought = attempt.hits | _nearest(wished, attempt.hits, attempt.potential, more)
    return None if best.found is None else best.found.neuron


@dataclass(frozen=True, eq=False)
class _Attempt:
    """A neuron for some target spikes: its integers, its spikes, and its potential before them."""

    found: Crafted | None
    hits: Raster
    potential: Floats

    @property
    def worth(self) -> float:
        return 0.0 if self.found is None else self.found.worth


def _attempt(draft: Draft, sought: Raster, *, forbidden: Raster, value: Floats) -> _Attempt:
    goal = np.where(forbidden, -SILENCE_WEIGHT, sought.astype(np.float64))
    resets = draft.mapping.resets(sought)
    miss = nearest(draft, resets=resets, wanted=goal)
    found = craft(draft, miss.unknowns, value=value)
    hits = np.zeros_like(sought) if found is None else found.neuron.raster & (value > 0.0)
    return _Attempt(found, hits, draft.mapping.potential(miss.unknowns[:-2], resets))


def _nearest(wished: Raster, hit: Raster, potential: Floats, count: int) -> Raster:
    """Return the few wished spikes not yet hit whose potential is highest."""
    open_ticks = np.flatnonzero(wished & ~hit)
    nearest = np.zeros_like(wished)
    nearest[open_ticks[np.argsort(-potential[open_ticks], kind="stable")[:count]]] = True
    return nearest


def detector_lack(lack: Lack, missed: Raster) -> Lack:
    """Return what a detector of the one missed spike that is nearest lacks itself."""
    tape, excess = lack.draft.mapping.tape, np.where(missed, lack.miss.excess, -np.inf)
    one = np.zeros(excess.size)
    one[int(np.argmax(excess))] = 1.0
    wanted = earlier(tape, np.where(lack.wanted < 0.0, -SILENCE_WEIGHT, one), lack.lead)
    resets = lack.draft.mapping.resets(wanted > 0.0)
    return Lack(lack.draft, resets, wanted, nearest(lack.draft, resets=resets, wanted=wanted))


def dearest(lack: Lack) -> Crafted | None:
    """Return the weigher, echo or clock that upsets the balance of the prices most; None if none upsets it.

    It is worth the share of what is lacking that it would take away at once.
    """
    prices = lack.miss.prices
    if not prices.any():
        return None
    worth = earlier(lack.draft.mapping.tape, lack.draft.mapping.field(prices, lack.resets), lack.lead)
    found = [_weigher(lack.draft, worth), _weigher(lack.draft, -worth), *_best_echoes(lack), _clock(lack.draft)]
    candidates = [neuron for neuron in found if neuron is not None and not _is_known(lack.draft, neuron.raster)]
    if not candidates:
        return None
    upsets = _upsets(lack, np.stack([neuron.raster for neuron in candidates], axis=1))
    best = int(np.argmax(upsets))
    worth_of = float(upsets[best]) / float((prices**2).sum())
    return Crafted(candidates[best], worth_of) if worth_of > WORTHLESS else None


def chain(lack: Lack, missed: Raster) -> Draft:
    """Return the draft with echoes of echoes, so that a detector of the nearest missed spike has an input."""
    draft, tape = lack.draft, lack.draft.mapping.tape
    tick = int(np.argmax(np.where(missed, lack.miss.excess, -np.inf)))
    inputs = draft.spec.inputs
    open_lines = draft.box.weight_upper.reshape(-1, draft.mapping.n_lines)[-1, : inputs.shape[1]] > 0.0
    past = np.argwhere(inputs[tape.starts[tape.pattern[tick]] : tick - lack.lead] & open_lines)
    if not past.size:
        return draft
    gap = tick - lack.lead - int(tape.starts[tape.pattern[tick]] + past[-1][0])
    line, longest = int(past[-1][1]), draft.spec.delays[-1]
    spikes = inputs[:, line]
    while gap > longest:
        spikes, gap = later(tape, spikes, longest), gap - longest
        known = next((index for index, old in enumerate(draft.hidden) if np.array_equal(old.raster, spikes)), None)
        if known is None:
            echo = _echo(draft, len(draft.spec.delays) - 1, line=line, late=spikes)
            if echo is None or not np.array_equal(echo.raster, spikes):
                break
            draft, known = draft.with_neuron(echo), len(draft.hidden)
        line = draft.spec.n_inputs + known
    return draft


def _is_known(draft: Draft, raster: Raster) -> bool:
    """Return whether a hidden neuron does the same already."""
    return any(np.array_equal(raster, neuron.raster) for neuron in draft.hidden)


def _upsets(lack: Lack, rasters: Raster) -> Floats:
    """Return, for rasters ``(ticks, candidates)``, how far each upsets the balance at its best delay."""
    mapping = map_of(lack.draft, rasters)
    pull = mapping.adjoint(lack.miss.prices, lack.resets)
    features = mapping.rows(lack.resets, np.flatnonzero(lack.wanted))
    shares = pull**2 / np.maximum((features**2).sum(axis=0), 1.0)
    best: Floats = shares.reshape(mapping.delays.size, mapping.n_lines).max(axis=0)
    return best


def _weigher(draft: Draft, worth: Floats) -> Neuron | None:
    """Return a neuron whose spikes are worth much."""
    top = float(np.abs(worth).max(initial=0.0))
    if top <= 0.0:
        return None
    resets = draft.mapping.resets(np.zeros(worth.size, dtype=np.bool_))
    wanted = np.where(np.abs(worth) > WORTHLESS * top, worth / top, 0.0)
    crafted = craft(draft, nearest(draft, resets=resets, wanted=wanted).unknowns, value=worth)
    return None if crafted is None else crafted.neuron


def _best_echoes(lack: Lack) -> list[Neuron]:
    """Return the echoes of lines that pull most on the prices, for the number of their spikes."""
    draft, tape = lack.draft, lack.draft.mapping.tape
    spikes = np.concatenate(draft.task.lines)
    rated = []
    for slot, delay in enumerate(draft.spec.delays):
        late = later(tape, spikes, delay)
        pull = map_of(draft, late).adjoint(lack.miss.prices, lack.resets)
        strongest = np.abs(pull).reshape(-1, spikes.shape[1]).max(axis=0) / np.sqrt(late.sum(axis=0) + 1.0)
        rated += [(-float(pull_of), slot, line) for line, pull_of in enumerate(strongest)]
    echoes = []
    for pull_of, slot, line in sorted(rated)[:ECHOES]:
        if pull_of < 0.0 and draft.box.weight_upper[slot * spikes.shape[1] + line] > 0.0:
            echoes.append(_echo(draft, slot, line=line, late=later(tape, spikes[:, line], draft.spec.delays[slot])))
    return [echo for echo in echoes if echo is not None]


def _echo(draft: Draft, slot: int, *, line: int, late: Raster) -> Neuron | None:
    """Return a neuron that repeats a line after a delay, as nearly as possible."""
    unknowns = np.zeros(draft.mapping.n_taps + 2)
    unknowns[slot * draft.mapping.n_lines + line] = 2 * draft.chip.weight_limit
    unknowns[-2:] = draft.chip.weight_limit, 0.0 if draft.box.is_bias_free else draft.box.bias[0]
    crafted = craft(draft, unknowns, value=np.where(late, 1.0, -1.0))
    return None if crafted is None else crafted.neuron


def _clock(draft: Draft) -> Neuron | None:
    """Return a neuron that any excitable input makes fire, and that then keeps itself firing; None if a bias can."""
    if draft.box.bias[1] > 0.0:
        return None
    lead, n_inputs, tape = min(draft.spec.delays), draft.spec.n_inputs, draft.mapping.tape
    open_lines = draft.box.weight_upper.reshape(-1, draft.mapping.n_lines)[0, :n_inputs] > 0.0
    inputs = draft.spec.inputs
    spikes: Raster = np.any(inputs[:, open_lines], axis=1)
    raster = later(tape, spikes, lead)
    for tick in range(lead, tape.ticks):
        raster[tick] |= raster[tick - lead] and tape.pattern[tick] == tape.pattern[tick - lead]
    deaf = np.zeros((draft.mapping.delays.size, draft.mapping.n_lines))
    itself = draft.with_neuron(Neuron(deaf, 1.0, 0.0, 0, 0.0, 0.0, raster))
    unknowns = np.zeros(itself.mapping.n_taps + 2)
    strong = float(2 * draft.chip.weight_limit)
    unknowns[:n_inputs][open_lines] = unknowns[n_inputs + len(draft.hidden)] = strong
    unknowns[-2:] = strong / 2, draft.box.bias[0]
    crafted = craft(itself, unknowns, value=np.where(raster, 1.0, -1.0))
    return crafted.neuron if crafted is not None and np.array_equal(crafted.neuron.raster, raster) else None
