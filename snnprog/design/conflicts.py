"""Explanations of infeasible neurons, in terms of the specification."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from snnprog.arrays import Raster
from snnprog.conflict import Conflict, PricedBin
from snnprog.design.problem import NeuronProblem
from snnprog.design.proofs.certificate import Case, Certificate, Proof, all_leaves
from snnprog.design.proofs.histories import is_same_trial
from snnprog.design.proofs.pull import pull
from snnprog.potential import NO_RESET, Tape
from snnprog.proof import BinRow, Farkas, Node, leaves_of
from snnprog.wording import counted, in_words, ticks_in_words

NAMED_TICKS = 4  # so many fit into a line of a message
DEMANDS = {"spike": "spike", "silence": "be silent", "no second spike": "spike no more than once"}


def unreached(problem: NeuronProblem, certificate: Certificate) -> Conflict:
    """Return the conflict of a target spike before any input since the neuron was last at rest."""
    (tick,) = certificate.prices
    pattern, local = problem.potential_map.tape.where(tick)
    if problem.resets.is_held[tick]:
        reason = refractory_reason(problem, tick)
        return Conflict(problem.neuron, pattern, local, reason, bins_of(problem, certificate), is_minimal=True)
    reset = int(problem.resets.last[tick])
    event = "own spike" if problem.potential_map.linear.refractory == 1 else "refractory period, which ended"
    since = (
        "the pattern began"
        if reset == NO_RESET
        else f"its {event} at tick {problem.potential_map.tape.where(reset)[1]}"
    )
    too_little = (
        f"what has reached it since {since} is too little for any weights of the chip"
        if pull(problem, certificate.prices).taps
        else f"no input has reached it since {since}"
    )
    reason = f"{problem.name} must spike at {_place(problem, tick)}, but {too_little}"
    return Conflict(problem.neuron, pattern, local, reason, bins_of(problem, certificate), is_minimal=True)


def refractory_reason(problem: NeuronProblem, tick: int) -> str:
    """Return the conflict of a target spike while the neuron is refractory."""
    spike = problem.potential_map.tape.where(int(problem.resets.spike[tick]))[1]
    period = problem.potential_map.linear.refractory
    return (
        f"{problem.name} must spike at {_place(problem, tick)}, but is refractory for {period} ticks from its"
        f" spike at tick {spike}: it can spike again at tick {spike + period}"
    )


def contradiction(problem: NeuronProblem, certificate: Certificate, *, is_minimal: bool) -> Conflict:
    """Return the conflict among the ticks that have a price."""
    ticks = sorted(certificate.prices, key=lambda tick: (-certificate.prices[tick], tick))
    due = [tick for tick in ticks if problem.raster[tick]]
    silent = [tick for tick in ticks if not problem.raster[tick]]
    pattern, tick = problem.potential_map.tape.where((due or silent)[0])
    demands = _demands(problem, ticks)
    are_balanced = len(due) == 1 and len(silent) == 1 and _are_balanced(problem, certificate)
    if are_balanced and certificate.prices[due[0]] > certificate.prices[silent[0]]:
        reason = _weaker_history(problem, due[0], silent=silent[0])
    elif are_balanced and not any(pull(problem, certificate.prices).threshold):
        reason = _same_history(problem, due[0], silent=silent[0])
    else:
        reason = f"no weights let {problem.name} {demands}{_fixed(problem)}"
        reason += "" if is_minimal else "; a smaller conflict may be among these"
    return Conflict(problem.neuron, pattern, tick, reason, bins_of(problem, certificate), is_minimal)


def no_filling(problem: NeuronProblem, care: Raster, *, proof: Proof) -> Conflict:
    """Return the conflict of a neuron whose bins that count cannot be met, whatever it does in the others."""
    counts, noun = care[:, None], "don't-care bin"
    others = f", whatever it does in its {counted(int((~care).sum()), noun)}"
    (conflict,) = no_choice([problem], counts, care=counts, proof=proof, reservations=others)
    return conflict


def _neither(problem: NeuronProblem, ticks: Sequence[int]) -> Conflict:
    """Return the conflict of bins that do not count, of which none can have a spike or a silence that is sure."""
    reason = f"no weights let {problem.name} spike or be silent{_places(problem, ticks)}{_fixed(problem)}"
    return Conflict(
        problem.neuron,
        *problem.potential_map.tape.where(ticks[0]),
        reason,
        tuple(_bin(problem, tick, price=0) for tick in ticks),
    )


def no_choice(
    known: Sequence[NeuronProblem], given: Raster, *, care: Raster, proof: Proof, reservations: str
) -> list[Conflict]:
    """Return the conflicts of neurons that cannot reproduce the targets for any choice of the open bins.

    Parameters
    ----------
    known : sequence of NeuronProblem
        Of each neuron, with the rows that are sure whatever is chosen.
    given : (ticks, neurons) bool
        The bins about which there is no choice.
    care : (ticks, neurons) bool
        The bins that count; those in windows, too.
    reservations : str
        What is left open, in words.
    """
    named: dict[int, set[int]] = {}
    for leaf in leaves(proof):
        index = leaf.neuron if len(known) > 1 else 0
        counts = known[index].potential_map.at_every_look(given[:, index])
        named.setdefault(index, set()).update(tick for tick in leaf.prices if counts[tick])
    free = _free_bins(known, care, proof=proof)
    if free is not None:
        return [_neither(*free)]
    demands = [
        f"{known[index].name} {_demands(known[index], sorted(ticks))}"
        for index, ticks in sorted(named.items())
        if ticks
    ]
    demand = ", and ".join(demands) or f"{known[min(named)].name} reproduce its targets"
    reason = f"no weights let {demand}{reservations}{_fixed(known[0])}"
    blamed = {index: ticks for index, ticks in named.items() if ticks} or {min(named): set()}
    return [_choiceless(known[index], sorted(ticks), reason) for index, ticks in sorted(blamed.items())]


def _free_bins(known: Sequence[NeuronProblem], care: Raster, *, proof: Proof) -> tuple[NeuronProblem, list[int]] | None:
    """Return a neuron and its bins, if a proof rests on nothing but bins of it that do not count; else None."""
    places = {(leaf.neuron if len(known) > 1 else 0, tick) for leaf in leaves(proof) for tick in leaf.prices}
    indices = {index for index, _ in places}
    if len(indices) != 1:
        return None
    (index,) = indices
    counts, ticks = known[index].potential_map.at_every_look(care[:, index]), sorted(tick for _, tick in places)
    return None if any(counts[tick] for tick in ticks) else (known[index], ticks)


def _choiceless(problem: NeuronProblem, ticks: Sequence[int], reason: str) -> Conflict:
    bins = tuple(_bin(problem, tick, price=0) for tick in ticks)
    first = next((each for each in bins if each.is_spike), bins[0] if bins else None)
    return Conflict(problem.neuron, first.pattern if first else 0, first.tick if first else 0, reason, bins)


def conflict_of(problem: NeuronProblem, care: Raster, proof: Node, *, reservations: str = "") -> Conflict:
    """Return the conflict of all bins that count in a proof, with the open choices in words."""
    leaves = [leaf for leaf in leaves_of(proof) if isinstance(leaf, Farkas) and leaf.output == problem.neuron]
    mapping, prices = problem.potential_map, dict[int, int]()
    for row in (row for leaf in leaves for row in leaf.rows if isinstance(row, BinRow)):
        tick = mapping.tick_of(row.pattern, row.tick, is_after_reset=row.is_after_reset)
        if care[int(mapping.played.starts[row.pattern]) + row.tick]:
            prices[tick] = row.price if isinstance(proof, Farkas) else 0
    if not prices:
        return _tried(problem, care)
    ticks = sorted(prices)
    due = [tick for tick in ticks if problem.raster[tick]]
    pattern, tick = mapping.tape.where((due or ticks)[0])
    reason = f"no weights let {problem.name} {_demands(problem, ticks)}{reservations}{_fixed(problem)}"
    bins = tuple(_bin(problem, each, price=prices.get(each, 0)) for each in ticks)
    return Conflict(problem.neuron, pattern, tick, f"{reason}; a smaller conflict may be among these", bins)


def conflict_of_integers(problem: NeuronProblem, demands: Raster, *, reservations: str = "") -> Conflict:
    """Return the conflict of bins, (ticks played,), that no integers fulfil: all that are allowed were tried."""
    ticks = np.flatnonzero(demands).tolist()
    pattern, tick = problem.potential_map.tape.where(next((each for each in ticks if problem.raster[each]), ticks[0]))
    demand = f"{_demands(problem, ticks)}{reservations}{_fixed(problem)}"
    reason = f"no integers let {problem.name} {demand}: all that stay within the chip's limits were tried"
    return Conflict(problem.neuron, pattern, tick, reason, tuple(_bin(problem, each, price=0) for each in ticks))


def _tried(problem: NeuronProblem, care: Raster) -> Conflict:
    """Return the conflict of an output after all integers were tried; it names the target spikes, or a silence."""
    counts = problem.potential_map.at_every_look(care)
    ticks = np.flatnonzero(counts & problem.raster).tolist() or np.flatnonzero(counts).tolist()[:1] or [0]
    pattern, tick = problem.potential_map.tape.where(ticks[0])
    reason = (
        f"no integers let {problem.name} reproduce its targets from tick {tick} of pattern {pattern} on"
        f"{_fixed(problem)}: all that the specification allows were tried"
    )
    bins = tuple(_bin(problem, each, price=0) for each in ticks)
    return Conflict(problem.neuron, pattern, tick, reason, bins)


def bins_of(problem: NeuronProblem, certificate: Certificate) -> tuple[PricedBin, ...]:
    """Return the demands that a certificate rests on, in order of time."""
    return tuple(_bin(problem, tick, price=price) for tick, price in sorted(certificate.prices.items()))


def leaves(proof: Case) -> Iterator[Certificate]:
    """Yield the certificates that a proof rests on."""
    return (leaf for leaf in all_leaves(proof) if isinstance(leaf, Certificate))


def _bin(problem: NeuronProblem, tick: int, *, price: int) -> PricedBin:
    is_after_reset = bool(problem.fires[tick] and problem.potential_map.is_after_reset[tick])
    return PricedBin(*problem.potential_map.tape.where(tick), bool(problem.raster[tick]), price, is_after_reset)


def _weaker_history(problem: NeuronProblem, due: int, *, silent: int) -> str:
    return (
        f"{_both(problem, due, silent=silent)}, but what it has received acts in the same proportions at both, and more"
        f" strongly at the silence{_fixed(problem)}"
    )


def _both(problem: NeuronProblem, due: int, *, silent: int) -> str:
    return f"{problem.name} must spike at {_place(problem, due)} and be silent at {_place(problem, silent)}"


def _same_history(problem: NeuronProblem, due: int, *, silent: int) -> str:
    tape, demand = problem.potential_map.tape, _both(problem, due, silent=silent)
    if not is_same_trial(problem, due, other=silent):
        return f"{demand}, but {_history(problem, due, silent)} is the same"
    one, other = sorted((tape.where(due)[0], tape.where(silent)[0]))
    return (
        f"{demand}, but what it has received by then is the same: patterns {one} and {other} are identical up to tick"
        f" {tape.where(due)[1]} and require different answers"
    )


def _history(problem: NeuronProblem, due: int, silent: int) -> str:
    """Return what the potential at two ticks depends on, in words: all since each one's last reset."""
    tape = problem.potential_map.tape
    resets = [int(problem.resets.last[tick]) for tick in (due, silent)]
    if resets == [NO_RESET, NO_RESET]:
        return "what it has received by then"
    if NO_RESET not in resets:
        return f"what has acted on it since its resets at {in_words([_place(problem, reset) for reset in resets])}"
    starts = [
        f"the start of pattern {tape.where(tick)[0]}" if reset == NO_RESET else f"its reset at {_place(problem, reset)}"
        for tick, reset in zip((due, silent), resets, strict=True)
    ]
    return f"what has acted on it since {starts[0]} and since {starts[1]}"


def _fixed(problem: NeuronProblem) -> str:
    """Return the fixed numbers of a neuron, in words."""
    box, is_used = problem.box, problem.potential_map.is_tap_used.any()
    has_weights = bool(box.weight_lower.any() or box.weight_upper.any())
    parts = ["at most 0 synapses"] if is_used and not has_weights else []
    parts += [] if box.is_threshold_free else [f"the threshold fixed at {box.threshold[0]:g}"]
    parts += [] if box.is_bias_free or box.bias[0] == 0.0 else [f"the bias fixed at {box.bias[0]:g} weight LSBs"]
    period = problem.potential_map.linear.refractory
    parts += [f"a refractory period of {period} ticks"] if period > 1 else []
    parts += [f"noise of {box.noise:g} weight LSBs to survive"] if box.noise > 0.0 else []
    return f", with {' and '.join(parts)}" if parts else ""


def _are_balanced(problem: NeuronProblem, certificate: Certificate) -> bool:
    """Return whether prices pull no weight and no bias: those of a spike and a silence whose rows are in proportion."""
    pulled = pull(problem, certificate.prices)
    is_bias_pulled = problem.box.has_bias and any(pulled.bias)
    return not is_bias_pulled and not any(any(pair) for pair in pulled.taps.values())


def _place(problem: NeuronProblem, tick: int) -> str:
    pattern, local = problem.potential_map.tape.where(tick)
    return f"tick {local} of pattern {pattern}"


def _demands(problem: NeuronProblem, ticks: Sequence[int]) -> str:
    """Return the targets at some ticks, in words."""
    ticks_of: dict[str, list[int]] = {demand: [] for demand in DEMANDS}
    for tick in ticks:
        ticks_of[_bin(problem, tick, price=0).demand].append(tick)
    return " and ".join(
        _demand(DEMANDS[demand], problem, ticks=places) for demand, places in ticks_of.items() if places
    )


def _demand(what: str, problem: NeuronProblem, *, ticks: list[int]) -> str:
    return f"{what}{_places(problem, ticks)}"


def _places(problem: NeuronProblem, ticks: Sequence[int]) -> str:
    return f" at {places_in_words(problem.potential_map.tape, ticks)}"


def places_in_words(tape: Tape, ticks: Sequence[int]) -> str:
    """Return played ticks in words, by pattern: "ticks 3 and 5 of pattern 0, tick 2 of pattern 1 and 7 more ticks"."""
    by_pattern: dict[int, list[int]] = {}
    for pattern, tick in sorted(map(tape.where, ticks[:NAMED_TICKS])):
        by_pattern.setdefault(pattern, []).append(tick)
    places = [f"{ticks_in_words(local)} of pattern {pattern}" for pattern, local in by_pattern.items()]
    if len(ticks) > NAMED_TICKS:
        return f"{', '.join(places)} and {counted(len(ticks) - NAMED_TICKS, 'more tick')}"
    return in_words(places)


def hopeless_spikes(problem: NeuronProblem) -> list[int]:
    """Return the ticks of spikes that are due when nothing has arrived since the neuron was last at rest.

    A neuron with a bias, fixed or free, may fire on its own, so it has none but those for which it is refractory. A
    spike since another hopeless one is omitted: what stands against it would rest on a spike that cannot be.
    """
    if problem.box.has_bias:
        ticks: list[int] = problem.refractory_spikes.tolist()
    else:
        ticks = np.flatnonzero(problem.constrained & problem.raster & (problem.norms == 0.0)).tolist()
    return [tick for tick in ticks if int(problem.resets.spike[tick]) not in ticks]
