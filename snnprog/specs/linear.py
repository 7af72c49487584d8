"""Linear systems: the spec of a balanced network that follows ``x' = A x + B u`` by its spikes.

The target raster is that of a balanced network with real weights, delays and the chip's decays and resets
(`snnprog.specs.balanced`, which has the mathematics and the sources). Its inputs are drawn so that they teach: signals
that jump within their limits, slowly and fast, and no potential near the threshold. Fast ones make opposite neurons
spike in turn: from slow ones alone, weights are not determined that would move the potentials of both together.

Clear decisions
---------------
Where a potential is near the threshold, a spike and silence lead to equally small errors, so such a tick says little
about the system but determines the last digits of the weights. So the inputs avoid such ticks: at each tick, the row
of spikes that neurons hear of next is the signal's, or if this leads to a potential near a threshold, another; if no
row helps, some ticks are drawn again. All potentials of the raster are then ``CLEAR`` away from the threshold. Real
weights with this margin exist by construction, which leaves room to round them to integers, and the compiler finds the
widest margin. Where two decisions are equally good, the program may decide as it likes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from snnprog.arrays import Bools, Floats, Int64s, Raster
from snnprog.calls import call_checked
from snnprog.checks import as_integer
from snnprog.chips import Chip
from snnprog.coding import BalancedCode
from snnprog.coding.samples import check_least
from snnprog.errors import SpecError
from snnprog.spec import Pattern, Spec
from snnprog.spec.options import FREE
from snnprog.specs.balanced import BalancedNetwork, State, spikes_of
from snnprog.specs.needs import ADVICE, OTHER_RESETS, check_delays

CLEAR = 0.03
"""The least distance of a potential from the threshold, in steps."""

PILOT_TICKS = 2000
"""Ticks of a first run, which measures the mean overshoot: about 300 spikes, so within 5 % of its size."""

SHORTEST_HOLD = 5
"""In ticks: signals are constant for a mean of this long at least, and at most for as long as the slowest decay. Where
all of a raster had one pace, opposite neurons rarely spiked in turn, and programs of an oscillator and of a rotation
(a delay of 1) answered half of their spikes on other inputs by the opposite neuron, in place of a tenth."""

AGAIN = 4
"""The mean number of ticks that are drawn again where no row of inputs leads to clear decisions. Seldom it is several
times as many; with a mean of 20, as much is drawn again as is gained."""

DRAWS = 4
"""Rows of inputs that are tried at a tick beside that of the signal. They keep a potential from staying near the
threshold where the signal is weak."""

MOST_TRIES = 200
"""Tries per tick of the raster before the search for clear inputs ends: a choice; a search takes about 1.5."""


@call_checked
def linear_system(
    A: ArrayLike,
    B: ArrayLike,
    C: ArrayLike | None = None,
    *,
    dt: float = 1.0,
    limit: ArrayLike = 1.0,
    reach: ArrayLike | None = None,
    tau: float = 32.0,
    delay: int = 1,
    ticks: int = 2000,
    seed: int = 0,
    chip: str | Chip = "loihi1",
    refractory: bool = True,
) -> Spec:
    """Return the spec of a balanced network that follows a linear system ``x' = A x + B u, y = C x`` by its spikes.

    There are two input lines per input, for steps up and down, and two neurons per state: first those that move an
    estimate up, then those that move it down. `snnprog.coding.BalancedCode`, with the same parameters, encodes the
    inputs and decodes ``C x`` from the spikes. All synapses have the delays ``delay`` and ``delay + 1`` (of a leaky
    integrator ``delay`` only), and opposite neurons do not alternate (ping-pong).

    A program that is exact on the spec follows other inputs, too, if the raster is long enough to determine its
    weights: about 16 times the slowest decay. That is measured (``benchmarks/linear_systems.py``); for leaky
    integrators, `snnprog.error_bound` bounds the error of a program. Coupled states, as of an oscillator, need more
    than 8 bits per weight (``chip="fpga"``), and there may be no exact integers for a long raster.

    Parameters
    ----------
    A, B, C, dt, limit, reach, tau, delay, chip, refractory
        As in `snnprog.coding.BalancedCode`.
    ticks : int
        Duration of the raster. A longer one determines the weights better, and takes longer to compile.
    seed : int
        Seed of its inputs.

    Raises
    ------
    SpecError
        If the system or a parameter is invalid, the chip lacks delays or neurons that this needs, or no inputs lead to
        clear decisions.
    """
    code = BalancedCode(
        A, B, C, dt=dt, limit=limit, reach=reach, tau=tau, delay=delay, chip=chip, refractory=refractory
    )
    ticks, seed = as_integer("ticks", ticks), as_integer("seed", seed)
    check_least("ticks", ticks, least=1)
    check_least("seed", seed, least=0)
    _check_chip(code)
    generator = np.random.default_rng(seed)
    pilot = code.encode(_signals(code, PILOT_TICKS, generator))
    _, overshoot = spikes_of(BalancedNetwork.of(code), pilot)
    network = BalancedNetwork.of(code, overshoot=overshoot)
    inputs, targets = _clear(network, code, ticks=ticks, generator=generator)
    return Spec(
        [Pattern(inputs, targets)],
        network.delays,
        recurrent=True,
        dynamics=code.dynamics,
        refractory=network.refractory,
        threshold=FREE if code.is_leaky_integrator else _threshold(network, code.chip),
        chip=code.chip,
        input_names=[f"u{index} {sign}" for index in range(code.n_inputs) for sign in ("up", "down")],
        output_names=[f"x{index} {sign}" for sign in ("up", "down") for index in range(code.n_states)],
    )


def _check_chip(code: BalancedCode) -> None:
    rule, name = code.linear_rule, code.chip.name
    check_delays("linear_system", code.chip, delays=(code.delay, code.delay + 1), advice="take a shorter delay")
    if not rule.is_reset_to_zero:
        raise SpecError(f"linear_system needs a reset to zero, and on {name} {OTHER_RESETS[rule.reset]}: {ADVICE}")
    if rule.gain != 1 or rule.most_spikes != 1:
        raise SpecError(f"linear_system needs currents that add what arrives, and {name} decays it first: {ADVICE}")


def _threshold(network: BalancedNetwork, chip: Chip) -> int:
    """Return the threshold at which the largest weight is the chip's largest: potentials are then far from their end.

    A free threshold may be as high as the chip allows, and inputs that are not in the spec lead to potentials of
    several thresholds.
    """
    return max(1, int(chip.weight_limit * network.threshold / np.abs(network.weights).max()))


def _signals(code: BalancedCode, ticks: int, generator: np.random.Generator) -> Floats:
    """Return random input signals (ticks, inputs) within their limits: constant for a while, then a jump.

    All are scaled down until the states stay within their reach.
    """
    longest = max(SHORTEST_HOLD + 1, int(1.0 / max(1e-3, 1.0 - float(code.linear_rule.current))))
    channels = [_signal(ticks, longest, generator) for _ in range(code.n_inputs)]
    signals: Floats = np.stack(channels, axis=1) * code.limit
    excess = np.abs(code.solution(signals)).max(axis=0) / code.reach
    found: Floats = signals / max(1.0, float(excess.max()))
    return found


def _signal(ticks: int, longest: int, generator: np.random.Generator) -> Floats:
    """Return a random signal (ticks,) between -1 and 1: parts of ``longest`` ticks or more, each of its own pace."""
    parts: list[Floats] = [np.empty(0)]
    size = 0
    while size < ticks:
        duration = int(generator.integers(longest, 4 * longest))
        mean = float(np.exp(generator.uniform(np.log(SHORTEST_HOLD), np.log(longest))))
        holds = np.ceil(generator.exponential(mean, duration)).astype(np.int64)
        levels = generator.uniform(-1.0, 1.0, duration)
        if generator.random() < 0.5:
            levels = np.sign(levels)
        parts.append(np.repeat(generator.random() * levels, holds)[:duration])
        size += duration
    return np.concatenate(parts)[:ticks]


@dataclass
class _Path:
    """The ticks so far of a raster with clear decisions, which may be cut."""

    states: list[State]
    rows: list[Bools] = field(default_factory=list)
    spikes: list[Bools] = field(default_factory=list)

    def cut(self, ticks: int) -> None:
        """Forget the last ticks."""
        keep = max(0, len(self.rows) - ticks)
        del self.states[keep + 1 :], self.rows[keep:], self.spikes[keep:]


def _clear(
    network: BalancedNetwork, code: BalancedCode, *, ticks: int, generator: np.random.Generator
) -> tuple[Raster, Raster]:
    """Return inputs and the network's spikes, with all potentials away from the threshold."""
    path, shortest = _Path([State.rest(network)]), min(network.delays)
    chance = _signals(code, ticks, generator) / code.limit
    for _ in range(MOST_TRIES * ticks):
        tick = len(path.rows)
        if tick == ticks - shortest:
            break
        usual = np.sign(chance[tick]) * (generator.random(code.n_inputs) < np.abs(chance[tick]))
        others = generator.integers(-1, 2, (DRAWS, code.n_inputs))
        tried = (_tried(network, path, _row(signs)) for signs in (usual, *others))
        found = next((each for each in tried if each), None)
        if found is None:
            path.cut(int(generator.geometric(1.0 / AGAIN)))
            continue
        row, state, spikes = found
        path.rows.append(row)
        path.states.append(state)
        path.spikes.append(spikes)
    else:
        raise SpecError(f"no inputs of {ticks} ticks lead to clear decisions; take another seed, or fewer ticks")
    quiet = np.zeros((shortest, 1), np.bool_)
    inputs = np.concatenate([np.array(path.rows), quiet * np.zeros((1, 2 * code.n_inputs), np.bool_)])
    targets = np.concatenate([quiet * np.zeros((1, network.n_neurons), np.bool_), np.array(path.spikes)])
    return inputs, targets


def _tried(network: BalancedNetwork, path: _Path, row: Bools) -> tuple[Bools, State, Bools] | None:
    """Return a row of inputs, and what follows at the tick at which it is first heard; None if that is not clear."""
    state, spikes, potential = path.states[-1].next(network, row)
    if (np.abs(potential - network.threshold) < CLEAR).any():
        return None
    return row, state, spikes


def _row(signs: Floats | Int64s) -> Bools:
    """Return the row (2 inputs,) of spikes of some signs, 0 for silence."""
    return np.stack([signs > 0, signs < 0], axis=1).ravel()
