"""Small random specs whose verdicts can be decided in integers, and what those say of them."""

from __future__ import annotations

from collections.abc import Collection
from fractions import Fraction

import numpy as np
from cases import exact_arrivals, exact_potential, one_of
from exact_lp import greatest_lift

import snnprog as sp
from snnprog.spec import FREE, presynaptic_raster

UNIT = 64
WIDEST_WEIGHT, WIDEST_BIAS, THRESHOLDS = Fraction(255 << 7), Fraction(4095 << 7, UNIT), (Fraction(1), Fraction(131071))
POTENTIAL_DECAYS, CURRENT_DECAYS = (0, 205, 1000, 2048, 4000, 4095), (4095, 4095, 4094, 2047, 1000, 0)


def tiny_spec(seed: int) -> sp.Spec:
    """Return a spec of one output, 1-3 lines, 1-2 delays and 4-8 ticks; about half of them cannot be built."""
    generator = np.random.default_rng(seed)
    lines, recurrent = int(generator.integers(1, 4)), bool(generator.random() < 0.2)
    patterns = []
    for _ in range(int(generator.integers(1, 3))):
        ticks = int(generator.integers(4, 9))
        targets = generator.random((ticks, 1)) < generator.choice([0.15, 0.3])
        targets[: generator.integers(0, 3)] = False
        patterns.append(sp.Pattern(generator.random((ticks, lines)) < generator.choice([0.2, 0.4, 0.6]), targets))
    return sp.Spec(
        patterns,
        sorted(generator.choice([1, 2, 3], int(generator.integers(1, 3)), replace=False).tolist()),
        recurrent=recurrent,
        bias=one_of(generator, 0, 0, 0, FREE, int(generator.integers(-60, 60)) * 16),
        threshold=one_of(generator, FREE, FREE, FREE, int(generator.integers(1, 200)), 131071),
        dynamics=sp.Dynamics(int(generator.choice(POTENTIAL_DECAYS)), int(generator.choice(CURRENT_DECAYS))),
        signs=None if generator.random() < 0.6 else generator.integers(-1, 2, lines + recurrent).tolist(),
    )


class ExactNeuron:
    """The rows of one output in fractions: taps, then threshold, then bias; signed, so that all are to be positive."""

    def __init__(self, spec: sp.Spec, output: int = 0, raster: list[bool] | None = None) -> None:
        alpha = Fraction(4095 - spec.dynamics.current_decay, 4096)
        gamma = Fraction(4096 - spec.dynamics.potential_decay, 4096)
        targets = np.concatenate([pattern.targets[:, output] for pattern in spec.patterns]).tolist()
        self.spikes: list[bool] = targets if raster is None else raster
        self.rows: list[list[Fraction]] = []
        first = 0
        for pattern in spec.patterns:
            presynaptic, spikes = presynaptic_raster(spec, pattern), self.spikes[first : first + pattern.ticks]
            first += pattern.ticks
            columns = [
                exact_potential(
                    exact_arrivals(presynaptic[:, [line]], [delay], [[1]]),
                    spikes,
                    alpha,
                    gamma,
                    refractory=spec.refractory,
                )
                for delay in spec.delays
                for line in range(presynaptic.shape[1])
            ]
            nothing = [Fraction(0)] * pattern.ticks
            columns.append([Fraction(-1)] * pattern.ticks)
            columns.append(exact_potential(nothing, spikes, Fraction(0), gamma, Fraction(1), spec.refractory))
            for tick, spike in enumerate(spikes):
                self.rows.append([column[tick] if spike else -column[tick] for column in columns])
        signs = [0] * spec.n_presynaptic if spec.signs is None else list(spec.signs)
        self.box = [
            (Fraction(0) if sign > 0 else -WIDEST_WEIGHT, Fraction(0) if sign < 0 else WIDEST_WEIGHT)
            for _ in spec.delays
            for sign in signs
        ]
        self.box.append(THRESHOLDS if spec.threshold == FREE else (Fraction(spec.threshold),) * 2)
        self.box.append((-WIDEST_BIAS, WIDEST_BIAS) if spec.bias == FREE else (Fraction(spec.bias, UNIT),) * 2)

    def lift(self, ticks: Collection[int] | None = None) -> Fraction | None:
        """Return the most that the spikes can be lifted, at all ticks or some; None if silences cannot be kept."""
        chosen = range(len(self.rows)) if ticks is None else sorted(ticks)
        if not any(self.spikes[tick] for tick in chosen):
            kept = greatest_lift([self.rows[tick] for tick in chosen], [False] * len(chosen), self.box)
            return None if kept is None else Fraction(1)
        return greatest_lift([self.rows[tick] for tick in chosen], [self.spikes[tick] for tick in chosen], self.box)

    def is_possible(self, ticks: Collection[int] | None = None) -> bool:
        lift = self.lift(ticks)
        return lift is not None and lift > 0

    def open_end(self, prices: dict[int, int]) -> Fraction:
        """Return what prices leave open: the greatest value of the priced sum, over the prices of the spikes."""
        total = [
            sum(price * self.rows[tick][column] for tick, price in prices.items()) for column in range(len(self.box))
        ]
        greatest = sum(max(end * value for end in ends) for value, ends in zip(total, self.box, strict=True))
        due = sum(price for tick, price in prices.items() if self.spikes[tick])
        return Fraction(greatest) / due if due else Fraction(greatest)
