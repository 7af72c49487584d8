"""Relays: neurons that repeat the spikes of a line, where a delay is longer than a synapse of the chip can have.

A relay spikes exactly at the ticks at which a spike arrives. Nothing is assumed about the chip's rule: candidates are
tried in order, and each is followed through all states that it can reach, with and without an arriving spike.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np

from snnprog.automata.automaton import Row
from snnprog.chips import Chip
from snnprog.errors import LimitError
from snnprog.linking.search import searched
from snnprog.rules.interpreter import Interpreter

RelayState = tuple[tuple[int, ...], bool]
"""Registers, and whether the relay spiked in the tick before."""

MOST_STATES = 64
"""States of a relay that are followed; those that qualify have at most a few. A choice."""

WEIGHTS = (1, 2, 3, 4, 8, 16)
THRESHOLDS = (1, 2, 3)
"""In steps of a weight: the smallest ones suffice on all built-in chips."""


@dataclass(frozen=True)
class Relay:
    """A neuron that repeats each spike that arrives at it.

    Attributes
    ----------
    weight : int
        The mantissa of the synapse that drives it, excitatory.
    exponent : int
        The exponent of its synapses.
    back : int
        The mantissa of its synapse onto itself, with delay 1; 0 if it needs none.
    threshold, current_decay, potential_decay : int
        As of `snnprog.Program`.
    """

    weight: int
    exponent: int
    back: int
    threshold: int
    current_decay: int
    potential_decay: int

    def repeats(self, chip: Chip) -> bool:
        """Return whether it always spikes exactly where a spike arrives."""
        rule = chip.rule
        given = {
            "threshold": self.threshold,
            "current_decay": self.current_decay,
            "potential_decay": self.potential_decay,
            "bias": 0,
            "refractory": chip.refractory[0],
        }
        given |= {each.name: each.hidden for each in rule.constants}
        names = {each.name for each in rule.parameters} | {each.name for each in rule.constants}
        interpreter = Interpreter(
            rule, {name: np.array([value], np.int64) for name, value in given.items() if name in names}
        )
        rest: RelayState = (0,) * len(rule.registers), False

        def moves(state: RelayState) -> Iterator[tuple[Row, RelayState | str]]:
            registers, has_spiked = state
            for arrives in (False, True):
                after, spikes = self._tick(interpreter, registers, (arrives, has_spiked))
                yield (arrives,), (after, arrives) if spikes == arrives else "a spike too many or too few"

        return searched(rest, moves, most=MOST_STATES).is_closed

    def _tick(
        self, interpreter: Interpreter, registers: tuple[int, ...], arriving: tuple[bool, bool]
    ) -> tuple[tuple[int, ...], int]:
        """Return the registers after a tick, and its spikes; a spike arrives from outside, or its own does."""
        rule = interpreter.rule
        state = {name: np.array([value], np.int64) for name, value in zip(rule.registers, registers, strict=True)}
        gathered = state.get(rule.gather.target, np.zeros(1, np.int64))
        for weight, count in zip((self.weight, self.back), arriving, strict=True):
            if count and weight:
                gathered = interpreter.gather(gathered, np.array([weight << self.exponent], np.int64), 1)
        outcome = interpreter.tick(state, gathered)
        return tuple(int(outcome.state[name][0]) for name in rule.registers), int(outcome.spikes[0])


@lru_cache(maxsize=64)
def relay_of(chip: Chip, exponent: int) -> Relay:
    """Return the relay of a chip, with a given exponent of its synapses.

    Raises
    ------
    LimitError
        If the chip has none.
    """
    for relay in _candidates(chip, exponent):
        if relay.repeats(chip):
            return relay
    raise LimitError(
        "the delay of a wire",
        "longer than a synapse's",
        f"{chip.delays[0]} to {chip.delays[1]} with the synapse's own on {chip.name}",
        "no neuron of this chip repeats every spike; use a shorter delay",
    )


def _candidates(chip: Chip, exponent: int) -> Iterator[Relay]:
    usual = chip.usual_decays
    currents = dict.fromkeys((usual[0], *reversed(chip.current_decays)))
    potentials = dict.fromkeys((usual[1], *reversed(chip.potential_decays)))
    step = max(1, (1 << exponent) // chip.unit)
    thresholds = [each * step for each in THRESHOLDS if chip.thresholds[0] <= each * step <= chip.thresholds[1]]
    weights = [each for each in WEIGHTS if each <= chip.weight_limit]
    for is_cancelled, threshold, weight, current, potential in product(
        (False, True), thresholds, weights, currents, potentials
    ):
        backs = [back for back in (-weight, -(weight // 2)) if back] if is_cancelled else [0]
        for back in backs if chip.delays[0] == 1 or not is_cancelled else []:
            yield Relay(weight, exponent, back, threshold, current, potential)
