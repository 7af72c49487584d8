"""The code of a balanced network: how inputs become spikes, and how spikes become the state of a linear system.

A balanced network follows ``x' = A x + B u, y = C x`` by its spikes (Boerlin, Machens and Denève, *Predictive coding of
dynamical variables in balanced spiking networks*, PLoS Comput. Biol. 9, 2013): with r the spikes of its neurons after a
leaky filter, ``D r`` is close to x, because each neuron spikes when this makes the error smaller. Here there are two
neurons per state, one that moves the estimate up by a step and one that moves it down by as much, so D is
``[S, -S]`` with the steps on the diagonal of S. `snnprog.specs.linear_system` says how the network does it.

Time
----
One tick takes ``dt``, and an input is constant during a tick, so the system is, exactly::

    x[k+1] = Φ x[k] + Γ u[k],       Φ = exp(A dt),    Γ = ∫ exp(A t) B dt  over a tick

A spike acts ``delay`` ticks later, and so does an input: at tick k the network follows x[k + 1 - delay].

The bound
---------
If Φ is a number a times the identity (a leaky integrator, or several), no neuron has to know another state, and with
neurons whose potential is their current, the error obeys ``e[k] = a e[k-1] + Γ q s[k] - D z[k]`` exactly, with s the
signed spikes of the inputs, q what they stand for, and z the spikes of the network (+1, 0 or -1). Let U be the most
that inputs move a state in a tick, T the threshold and d the delay. A neuron is refractory for d ticks, so the error
that it knows has at most one spike in flight. If ``D ≥ d U``, then ``|e| ≤ E = max(T + U, D - T + d U)`` forever, by
induction over spikes: where a neuron may spike it does so as soon as ``e > T``, so that e has then at most been ``T +
U``; the spike leads to ``e > T - D``, and until the opposite neuron knows of it, d ticks later, e falls by ``d U`` at
most, to ``T - D - d U``. Before the same neuron may spike again, e has risen to ``E - D + d U ≤ E`` at most. Leak only
helps. To this the code of the inputs adds at most ``Γ q``: sums of s q and of u differ by q/2 at most, so that
summation by parts gives ``Γ q/2 (1 + Σ |a^(j+1) - a^j|)``.

Runtimes such as Lava have no refractory periods, so that a neuron may spike in each of the d ticks until it hears of
its first spike. With ``refractory=False`` steps are smaller, so that such a burst is as one spike of the above: ``D ≥
U``, the threshold is that of d steps, and ``E = max(T + U, d D - T + d U)``. After a spike, the error is above ``T - d
D``, as at most d - 1 others are unknown, and while ``e > T`` the neuron spikes at every tick, so that e does not rise.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from snnprog.arrays import Floats, Raster
from snnprog.calls import call_checked
from snnprog.checks import as_flag, as_integer
from snnprog.chips import Chip, find_chip
from snnprog.coding.pulses import pulse_density
from snnprog.coding.samples import check_least
from snnprog.display.card import Displayed
from snnprog.errors import SpecError
from snnprog.raster import as_raster, turned
from snnprog.rules.linear import LinearRule
from snnprog.spec import Dynamics
from snnprog.wording import counted

HIGHEST_RATE = 0.3
"""Spikes per tick of a neuron where a state is constant at its reach, or an input at its limit moves it. With more, the
potential that a reset discards moves the error more than the smaller steps save: the oscillator and the rotation of
``benchmarks/linear_systems.py`` with real weights had errors of 22 and 10 % at 0.6, 16 and 22 % at 0.3 (delays of 1 and
3 ticks). Where an input moved a state by more than a third of a step, opposite neurons alternated."""

HIGHEST_BURST_RATE = 0.9
"""Spikes per tick of a neuron without refractory periods where an input at its limit moves a state: below 1, so that
the error falls in a burst. A choice. Only delays above 3 ticks need it."""

THRESHOLD = 0.6
"""The threshold in steps. A spike makes the error smaller from half a step on; there, a spike would let the opposite
neuron reach its threshold at once. With real weights, a delay of 1 tick and 0.5, 0.55 and 0.6 steps, 10, 4 and 0.2 % of
an oscillator's spikes were answered by the opposite neuron, at errors of 0.58, 0.63 and 0.71 steps."""

LONGEST_RESPONSE = 100_000
"""Ticks after which the response to an input must have ended, for the default ``reach``: as many as are judged in
``benchmarks/linear_systems.py``."""

SMALL = 1e-9
"""The share of a sum at which its remaining terms are omitted; insensitive within × 1000."""

BLOCK = 64
"""Ticks of a state that are calculated together, a power of 2; the time is insensitive within × 2."""

TAYLOR_TERMS = 18
"""Terms of the series of exp(M) for ``|M| ≤ 1/2``: the others are below ``0.5**19 / 19!`` (2e-23)."""


@call_checked
@dataclass(frozen=True, eq=False, repr=False)
class BalancedCode(Displayed):
    """Encodes the inputs of a linear system ``x' = A x + B u, y = C x`` as spikes, and decodes a balanced network's.

    Attributes
    ----------
    A : (states, states) float
        In 1 per unit of time, or a number.
    B : (states, inputs) float
    C : (outputs, states) float, optional
        The states themselves, by default.
    dt : float
        Duration of a tick, in the unit of time of A.
    limit : float, or (inputs,) float
        The largest magnitude of each input, for which a spike at every tick stands.
    reach : float, or (states,) float, optional
        The largest magnitude of each state. By default what any input within the limit can lead to, for which the
        system must be stable. The steps are proportional to it, and so is the error.
    tau : float
        Time constant of the decoder in ticks. A longer one makes steps smaller, so that states may change less per
        tick: by ``0.3 / tau`` of the reach. If A is a number times the identity it is not used, as the decoder
        then decays with the system.
    delay : int
        Of the synapses, in ticks.
    chip : Chip
        The target chip: a registered name, or a `Chip`. The decoder decays as the chip's potentials do.
    refractory : bool
        Whether neurons of a leaky integrator are refractory for ``delay`` ticks. Lava's neurons never are; without, a
        spike is a smaller step, and neurons spike in bursts. Other systems have no refractory neurons.

    Raises
    ------
    SpecError
        If shapes or values are wrong, or the system is unstable and ``reach`` is not given.
    """

    A: Floats
    B: Floats
    C: Floats
    dt: float
    limit: Floats
    reach: Floats
    tau: float
    delay: int
    chip: Chip
    refractory: bool

    def __init__(
        self,
        A: ArrayLike,
        B: ArrayLike,
        C: ArrayLike | None = None,
        *,
        dt: float = 1.0,
        limit: ArrayLike = 1.0,
        reach: ArrayLike | None = None,
        tau: float = 32.0,
        delay: int = 1,
        chip: str | Chip = "loihi1",
        refractory: bool = True,
    ) -> None:
        system, drive = _as_matrix("A", A), _as_matrix("B", B)
        if system.shape[0] != system.shape[1] or len(drive) != len(system):
            raise SpecError(
                f"A must be of shape (states, states) and B of (states, inputs), got {system.shape} and {drive.shape}"
            )
        seen = np.eye(len(system)) if C is None else _as_matrix("C", C)
        if seen.shape[1] != len(system):
            raise SpecError(f"C must be of shape (outputs, {len(system)}), got {seen.shape}")
        for name, value in (("dt", dt), ("tau", tau)):
            if not 0.0 < value < np.inf:
                raise SpecError(f"{name} must be a positive number, got {value!r}")
        check_least("delay", as_integer("delay", delay), least=1)
        given: dict[str, object] = {"A": system, "B": drive, "C": seen, "dt": float(dt), "tau": float(tau)}
        given |= {"delay": as_integer("delay", delay), "chip": find_chip(chip)}
        given["refractory"] = as_flag("refractory", refractory)
        given["limit"] = _as_sizes("limit", limit, size=drive.shape[1])
        for name, each in given.items():
            object.__setattr__(self, name, each)
        found = self._farthest() if reach is None else _as_sizes("reach", reach, size=len(system))
        object.__setattr__(self, "reach", found)

    def _summary(self) -> str:
        ends = f"{counted(self.n_inputs, 'input')} and {counted(self.n_states, 'state')}"
        return f"{ends}, steps {np.array2string(self.steps, precision=3)}, delay {self.delay}"

    @property
    def n_states(self) -> int:
        """Number of states."""
        return len(self.A)

    @property
    def n_inputs(self) -> int:
        """Number of inputs."""
        return int(self.B.shape[1])

    @cached_property
    def discrete(self) -> tuple[Floats, Floats]:
        """Φ (states, states) and Γ (states, inputs): the system from tick to tick."""
        n = self.n_states
        joined = np.zeros((n + self.n_inputs,) * 2)
        joined[:n, :n], joined[:n, n:] = self.A * self.dt, self.B * self.dt
        # Both are blocks of one exponential (Van Loan 1978).
        whole = _exponential(joined)
        return whole[:n, :n], whole[:n, n:]

    @property
    def is_leaky_integrator(self) -> bool:
        """Whether A is a negative number times the identity."""
        return bool(self.A[0, 0] < 0.0 and (np.eye(self.n_states) * self.A[0, 0] == self.A).all())

    @cached_property
    def dynamics(self) -> Dynamics:
        """The decays of the neurons.

        A current keeps the error, and a potential what was spiked; in a leaky integrator the potential is the current.
        """
        kept = float(np.trace(self.discrete[0])) / self.n_states
        shares = (kept, 0.0 if self.is_leaky_integrator else float(np.exp(-1.0 / self.tau)))
        current, potential = self.chip.decays_that_keep(*(np.array([share]) for share in shares))
        return Dynamics(potential_decay=int(potential[0]), current_decay=int(current[0]))

    @cached_property
    def linear_rule(self) -> LinearRule:
        """The decays as the chip's rule has them."""
        return self.chip.linear_rule(self.dynamics.current_decay, self.dynamics.potential_decay)

    @property
    def kept(self) -> float:
        """The share of an estimate that the decoder keeps per tick."""
        rule = self.linear_rule
        return float(rule.current if self.is_leaky_integrator else rule.potential)

    @property
    def moves(self) -> Floats:
        """(states,) The most that inputs move a state in a tick."""
        moves: Floats = (np.abs(self.discrete[1]) * self.limit).sum(axis=1)
        return moves

    @cached_property
    def steps(self) -> Floats:
        """(states,) What a spike adds to an estimate, or subtracts from it."""
        needed = np.maximum((1.0 - self.kept) * self.reach, self.moves) / HIGHEST_RATE
        heard = self.delay * self.moves if self.is_leaky_integrator else 0.0
        steps: Floats = np.maximum(np.maximum(needed, heard) / self.burst, self.moves / HIGHEST_BURST_RATE)
        return steps

    @property
    def burst(self) -> int:
        """The most spikes of a neuron before it hears of the first."""
        return self.delay if self.is_leaky_integrator and not self.refractory else 1

    @property
    def refractory_ticks(self) -> int:
        """The refractory period of the neurons in ticks."""
        return self.delay if self.is_leaky_integrator and self.refractory else 1

    @property
    def threshold(self) -> float:
        """The threshold in steps."""
        return THRESHOLD * self.burst

    @cached_property
    def error_bound(self) -> Floats | None:
        """(states,) A bound on the error with real weights; None where no bound is known (see the module).

        `snnprog.error_bound` is that of a program, with its integers.
        """
        if not self.is_leaky_integrator:
            return None
        threshold, moves = self.threshold * self.steps, self.moves
        network = np.maximum(threshold + moves, self.burst * self.steps - threshold + self.delay * moves)
        kept = float(self.discrete[0][0, 0])
        rounded = abs(self.kept - kept) * self.reach / (1.0 - self.kept)
        bound: Floats = network + moves + rounded
        return bound

    def encode(self, inputs: ArrayLike) -> Raster:
        """Return the spikes ``(ticks, 2 inputs)`` of input signals ``(ticks, inputs)``, by `pulse_density`."""
        return pulse_density(inputs, self.limit)

    def states(self, spikes: ArrayLike) -> Floats:
        """Return the estimates ``(ticks, states)`` of the states from spikes ``(ticks, 2 states)`` of the network."""
        raster = as_raster(spikes, "spikes")
        n = self.n_states
        if raster.shape[1] != 2 * n:
            hint = turned("spikes", raster.shape, lines=2 * n)
            raise SpecError(f"spikes must be of {2 * n} outputs, two for each state, got {raster.shape[1]}{hint}")
        jumps = (raster[:, :n].astype(np.float64) - raster[:, n:]) * self.steps
        return _recursion(np.eye(n) * self.kept, jumps)

    def decode(self, spikes: ArrayLike) -> Floats:
        """Return the outputs ``(ticks, outputs)`` ``C x`` from spikes ``(ticks, 2 states)`` of the network."""
        outputs: Floats = np.einsum("ks,os->ko", self.states(spikes), self.C)
        return outputs

    def solution(self, inputs: ArrayLike) -> Floats:
        """Return the exact states ``(ticks, states)`` for inputs ``(ticks, inputs)``, at the ticks of `states`."""
        known = np.asarray(inputs, dtype=np.float64)
        system, drive = self.discrete
        moved = np.einsum("ki,si->ks", known, drive)
        late = np.concatenate([np.zeros((self.delay, self.n_states)), moved])[: len(known)]
        return _recursion(system, late)

    def _farthest(self) -> Floats:
        """Return the largest magnitude of each state for inputs within the limit: ``Σ |Φ^k Γ| limit``."""
        system, term = self.discrete
        total = np.zeros(self.n_states)
        for _ in range(LONGEST_RESPONSE):
            added = (np.abs(term) * self.limit).sum(axis=1)
            if SMALL * added.max() > self.moves.max():
                break
            total += added
            if (added <= SMALL * total).all():
                return np.where(total > 0.0, total, total.max())
            term = np.einsum("ij,jk->ik", system, term)
        raise SpecError("reach must be given, as inputs can lead the states of this system anywhere (A is not stable)")


def _as_matrix(name: str, value: ArrayLike) -> Floats:
    matrix = np.atleast_2d(np.array(value, dtype=np.float64))
    if matrix.ndim != 2 or matrix.size == 0 or not np.isfinite(matrix).all():
        raise SpecError(f"{name} must be a matrix of finite numbers, got shape {np.shape(value)}")
    matrix.flags.writeable = False
    return matrix


def _as_sizes(name: str, value: ArrayLike, *, size: int) -> Floats:
    found = np.array(value, dtype=np.float64)
    if found.shape not in ((), (size,)) or not (np.isfinite(found) & (found > 0.0)).all():
        raise SpecError(f"{name} must be a positive number, or {size} of them, got {value!r}")
    sizes = np.broadcast_to(found, (size,)).copy()
    sizes.flags.writeable = False
    return sizes


def _exponential(matrix: Floats) -> Floats:
    """Return exp(matrix), by squaring the series of a share of it; in a fixed order, without a BLAS."""
    halvings = max(0, int(np.ceil(np.log2(max(np.abs(matrix).sum(axis=1).max(), 1e-300)))) + 1)
    share = matrix / 2.0**halvings
    total = term = np.eye(len(matrix))
    for order in range(1, TAYLOR_TERMS + 1):
        term = np.einsum("ij,jk->ik", term, share) / order
        total = total + term
    for _ in range(halvings):
        total = np.einsum("ij,jk->ik", total, total)
    return total


def _recursion(system: Floats, moved: Floats) -> Floats:
    """Return x (ticks, states) of ``x[k] = system x[k-1] + moved[k]``.

    In blocks: within each, sums of 1, 2, 4, ... terms are added at once, and the state before a block is added last.
    """
    ticks, n = moved.shape
    found = np.zeros((-(-ticks // BLOCK), BLOCK, n))
    found.reshape(-1, n)[:ticks] = moved
    powers, shift = system[None], 1  # of 1 to `shift` ticks
    while shift < BLOCK:
        found[:, shift:] += np.einsum("os,bks->bko", powers[-1], found[:, :-shift])
        powers, shift = np.concatenate([powers, np.einsum("ij,kjl->kil", powers[-1], powers)]), 2 * shift
    state = np.zeros(n)
    for block in found:
        block += np.einsum("kos,s->ko", powers, state)
        state = block[-1]
    return found.reshape(-1, n)[:ticks]
