"""Chips that nobody makes, each as a `Chip` and as a plain simulator in Python's integers that shares no code with it.

`Kind` says what a chip is like. `chip_of` writes that as a rule; `plain_run` does it with nothing but `int`. They
differ in how a neuron is reset, what is compared, how decays are rounded, what registers do at their ends, and how wide
everything is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

import snnprog as sp
from snnprog.arrays import Raster
from snnprog.chips import Chip, WeightRanges
from snnprog.rules.building import greatest, saturate, scale, select, wrap
from snnprog.rules.expressions import Expression, Ref, Rounding
from snnprog.rules.rule import Parameter, Rule, Step, Watch

ZERO, SUBTRACT, NONE = "zero", "subtract", "none"


@dataclass(frozen=True)
class Kind:
    """What a chip is like.

    Attributes
    ----------
    reset : str
        "zero", "subtract" or "none".
    compare : str
    rounding : Rounding
        Of both decays, which keep ``(2**decay_bits - decay) / 2**decay_bits``.
    end : str
        "clip" or "wrap".
    weight_bits, potential_bits : int
        With their signs.
    has_current : bool
    shift : int
        Thresholds and weights count ``2**shift`` units of the potential.
    is_ordered : bool
        Whether the current is held after each event.
    longest_reset : int
        The longest refractory period.
    """

    name: str
    reset: str
    compare: str
    rounding: Rounding
    end: str
    weight_bits: int
    potential_bits: int
    has_current: bool
    shift: int = 0
    decay_bits: int = 8
    is_ordered: bool = False
    longest_reset: int = 1

    @property
    def most_current_decay(self) -> int:
        """The greatest decay of a current: all of it, but for one that decays in the tick in which it arrives."""
        return (1 << self.decay_bits) >> self.is_ordered

    @property
    def top(self) -> int:
        """The greatest value of a register."""
        return (1 << (self.potential_bits - 1)) - 1


KINDS = (
    Kind("subtracting6", SUBTRACT, ">=", Rounding.FLOOR, "clip", 6, 12, False),
    Kind("wrapping16", ZERO, ">=", Rounding.TOWARD_ZERO, "wrap", 8, 16, True, shift=2),
    Kind("unreset16", NONE, ">", Rounding.FLOOR, "clip", 8, 16, False),
    Kind("subtracting4", SUBTRACT, ">", Rounding.HALF_AWAY, "wrap", 4, 16, True),
    Kind("coarse12", ZERO, ">", Rounding.HALF_UP, "clip", 4, 12, False),
    Kind("wide32", NONE, ">=", Rounding.TOWARD_ZERO, "wrap", 16, 32, True, shift=6, decay_bits=12),
    Kind("ordered32", SUBTRACT, ">=", Rounding.HALF_EVEN, "clip", 16, 32, True, is_ordered=True),
    Kind("resting24", ZERO, ">", Rounding.AWAY_FROM_ZERO, "clip", 5, 24, True, shift=4, longest_reset=7),
    Kind("plain20", ZERO, ">=", Rounding.FLOOR, "wrap", 7, 20, False, shift=1, decay_bits=10, longest_reset=3),
)


# ---------------------------------------------------------------------------------------------------------- as a chip


def chip_of(kind: Kind) -> Chip:
    """Return the chip."""
    bits, whole = kind.potential_bits, 2**kind.decay_bits
    hold: Callable[[Expression], Expression] = partial(saturate if kind.end == "clip" else wrap, bits=bits)
    decayed = partial(scale, bits=kind.decay_bits, rounding=kind.rounding)
    u, v, spikes, threshold = Ref("current"), Ref("potential"), Ref("spikes"), Ref("threshold")
    arrived, held, event = Ref("arrived"), Ref("held"), Ref("weight") * Ref("count")
    flow = arrived << kind.shift
    steps = []
    gather = Step("gather", "arrived", arrived + event)
    if kind.has_current and kind.is_ordered:
        gather = Step("gather", "current", hold(u + event))
        flow = u
        steps.append(Step("current", "current", decayed(u, whole - Ref("current_decay"))))
    elif kind.has_current:
        steps.append(Step("current", "current", hold(decayed(u, whole - Ref("current_decay")) + flow)))
        flow = u
    inside = decayed(v, whole - Ref("potential_decay")) + flow + Ref("bias")
    if kind.longest_reset > 1:
        inside = select(held > 0, 0, inside)
    limit = threshold << kind.shift if kind.shift else threshold
    left = {ZERO: select(spikes, 0, v), SUBTRACT: v - spikes * limit, NONE: v}[kind.reset]
    steps += [
        Step("potential", "potential", hold(inside)),
        Step("fire", "spikes", v > limit if kind.compare == ">" else v >= limit),
        Step("reset", "potential", left),
    ]
    if kind.longest_reset > 1:
        steps.append(Step("refractory", "held", select(spikes, Ref("refractory") - 1, greatest(held - 1, 0))))
    watched = [Watch("potential", 2 ** (bits - 1))]
    if kind.has_current:
        watched.insert(0, Watch("gather" if kind.is_ordered else "current", 2 ** (bits - 1)))
    parameters = [
        Parameter("threshold", 1, max(kind.top >> kind.shift, 1)),
        Parameter("potential_decay", 0, whole),
        Parameter("bias", -kind.top, kind.top),
    ]
    parameters += [Parameter("current_decay", 0, kind.most_current_decay)] if kind.has_current else []
    parameters += [Parameter("refractory", 1, kind.longest_reset)] if kind.longest_reset > 1 else []
    registers = ["current"] * kind.has_current + ["potential"] + ["held"] * (kind.longest_reset > 1)
    rule = Rule(
        name=f"{kind.name}-rule",
        registers=tuple(registers),
        parameters=tuple(parameters),
        gather=gather,
        steps=tuple(steps),
        watched=tuple(watched),
    )
    most = 2 ** (kind.weight_bits - 1) - 1
    return Chip(
        name=kind.name,
        rule=rule,
        delays=(1, 15),
        weight_ranges=WeightRanges(mixed=(-most, most), excitatory=(0, most), inhibitory=(-most, 0)),
        weight_bits=kind.weight_bits,
        usual_decays=(kind.most_current_decay if kind.has_current else 0, whole // 16),
        bias_mantissas=(-kind.top, kind.top),
    )


# ------------------------------------------------------------------------------------------------- in plain integers


def rounded(numerator: int, denominator: int, rounding: Rounding) -> int:
    """Return a quotient, rounded; written by cases, so that nothing of the package is in it."""
    floor, rest = divmod(numerator, denominator)
    if rest == 0 or rounding is Rounding.FLOOR:
        return floor
    if rounding is Rounding.TOWARD_ZERO:
        return floor if numerator > 0 else floor + 1
    if rounding is Rounding.AWAY_FROM_ZERO:
        return floor + 1 if numerator > 0 else floor
    if 2 * rest != denominator:
        return floor + (2 * rest > denominator)
    if rounding is Rounding.HALF_UP:
        return floor + 1
    if rounding is Rounding.HALF_AWAY:
        return floor + 1 if numerator > 0 else floor
    assert rounding is Rounding.HALF_EVEN
    return floor + floor % 2


def held(value: int, kind: Kind) -> int:
    """Return the value that a register keeps."""
    low, high = -kind.top - 1, kind.top
    if kind.end == "clip":
        return max(low, min(high, value))
    return (value - low) % (high - low + 1) + low


@dataclass
class PlainTrace:
    """Spikes, currents and potentials after each tick, and whether any register would have left its range."""

    spikes: list[list[bool]]
    currents: list[list[int]]
    potentials: list[list[int]]
    has_left: bool = False


def plain_run(kind: Kind, program: sp.Program, raster: Raster) -> PlainTrace:
    """Run a program from rest, one synapse and one event at a time."""
    n, whole = program.n_neurons, 2**kind.decay_bits
    u, v, rests = [0] * n, [0] * n, [0] * n
    due: dict[tuple[int, int], list[tuple[int, int, int]]] = {}
    trace = PlainTrace([], [], [])

    def keep(value: int) -> int:
        trace.has_left |= abs(value) >= kind.top + 1
        return held(value, kind)

    for tick in range(len(raster)):
        fired = []
        for neuron in range(n):
            events = [weight for _, _, weight in sorted(due.pop((tick, neuron), []))]
            if kind.has_current and kind.is_ordered:
                for weight in events:
                    u[neuron] = keep(u[neuron] + weight)
                u[neuron] = rounded(u[neuron] * (whole - int(program.current_decay[neuron])), whole, kind.rounding)
                flow = u[neuron]
            elif kind.has_current:
                kept = rounded(u[neuron] * (whole - int(program.current_decay[neuron])), whole, kind.rounding)
                flow = u[neuron] = keep(kept + sum(events) * 2**kind.shift)
            else:
                flow = sum(events) * 2**kind.shift
            kept = rounded(v[neuron] * (whole - int(program.potential_decay[neuron])), whole, kind.rounding)
            reached = 0 if rests[neuron] else keep(kept + flow + int(program.bias[neuron]))
            limit = int(program.threshold[neuron]) * 2**kind.shift
            spikes = reached > limit if kind.compare == ">" else reached >= limit
            left = {ZERO: 0, SUBTRACT: reached - limit, NONE: reached}[kind.reset] if spikes else reached
            v[neuron] = left
            rests[neuron] = int(program.refractory[neuron]) - 1 if spikes else max(rests[neuron] - 1, 0)
            fired.append(spikes)
        trace.spikes.append([fired[neuron] for neuron in program.outputs])
        trace.currents.append(list(u))
        trace.potentials.append(list(v))
        lines = [bool(value) for value in raster[tick]] + fired
        for synapse in range(program.n_synapses):
            line, delay = int(program.pre[synapse]), int(program.delay[synapse])
            if lines[line]:
                weight = int(program.weight[synapse]) * 2 ** int(program.exponent[synapse])
                due.setdefault((tick + delay, int(program.post[synapse])), []).append((line, delay, weight))
    return trace


# -------------------------------------------------------------------------------------------------------- their specs


@dataclass(frozen=True)
class Draw:
    """A spec that can be asked of any chip: rasters, delays, and the time constants that all chips come near to."""

    patterns: tuple[tuple[Raster, Raster], ...]
    delays: tuple[int, ...]
    recurrent: bool
    constants: tuple[float, float]

    def spec(self, chip: Chip) -> sp.Spec:
        """Return the spec for a chip; where it has no current, none is asked for."""
        current = self.constants[1] if chip.current_decays != (0, 0) else 0.0
        decays = chip.decays_of(current, self.constants[0])
        return sp.Spec(
            [sp.Pattern(inputs, targets) for inputs, targets in self.patterns],
            delays=self.delays,
            recurrent=self.recurrent,
            dynamics=sp.Dynamics(potential_decay=decays[1], current_decay=decays[0]),
            chip=chip,
        )


def drawn(seed: int) -> Draw:
    """Return a random spec; many can be built, many cannot, a third are recurrent."""
    rng = np.random.default_rng(seed)
    n_inputs, n_outputs = int(rng.integers(1, 5)), int(rng.integers(1, 3))
    longest = int(rng.integers(1, 4))
    patterns = []
    for _ in range(int(rng.integers(1, 3))):
        ticks = int(rng.integers(3, 13))
        inputs = rng.random((ticks, n_inputs)) < rng.uniform(0.15, 0.6)
        targets = rng.random((ticks, n_outputs)) < rng.uniform(0.0, 0.4)
        targets[: min(1, ticks)] = False
        patterns.append((inputs, targets))
    constants = float(rng.choice([0.0, 1.5, 5.0, 20.0])), float(rng.choice([0.0, 0.0, 1.0, 4.0]))
    return Draw(tuple(patterns), tuple(range(1, longest + 1)), bool(rng.random() < 0.34), constants)


def taught(seed: int, kind: Kind, chip: Chip) -> tuple[Draw, sp.Program] | None:
    """Return a spec that random integer neurons fulfil, and their program; None where they leave their range."""
    rng = np.random.default_rng([seed, 1])
    asked = drawn(seed)
    spec = asked.spec(chip)
    n_inputs, n_outputs = spec.n_inputs, spec.n_outputs
    pre, slot, post = (grid.ravel() for grid in np.meshgrid(range(n_inputs), range(len(spec.delays)), range(n_outputs)))
    most = chip.weight_limit
    program = sp.Program.from_arrays(
        chip=chip,
        n_inputs=n_inputs,
        n_neurons=n_outputs,
        pre=pre,
        post=post,
        delay=np.array(spec.delays)[slot],
        weight=rng.integers(-most, most + 1, pre.size),
        threshold=rng.integers(1, 2 * most, n_outputs),
        current_decay=spec.dynamics.current_decay,
        potential_decay=spec.dynamics.potential_decay,
    )
    traces = [plain_run(kind, program, inputs) for inputs, _ in asked.patterns]
    if any(trace.has_left for trace in traces):
        return None
    answers = [np.array(trace.spikes) for trace in traces]
    patterns = tuple((inputs, answer) for (inputs, _), answer in zip(asked.patterns, answers, strict=True))
    return Draw(patterns, asked.delays, False, asked.constants), program
