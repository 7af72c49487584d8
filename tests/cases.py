"""One table of specs that can be built, and the slow plain models that everything fast is judged by.

The models are written from the chip's rule alone, in Python's unbounded integers and fractions; they import none of
the code that they judge but the container of a program.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from fractions import Fraction
from typing import Any, Literal

import numpy as np

import snnprog as sp
from snnprog.arrays import Int32s, Raster

Option = int | Literal["free"]

# ------------------------------------------------------------------------------------------- the chip in plain integers


def toward_zero(value: int, factor: int) -> int:
    """Return ``value * factor / 4096`` rounded toward zero."""
    magnitude = abs(value) * factor // 4096
    return -magnitude if value < 0 else magnitude


def as_int32(value: int) -> int:
    """Return what a 32-bit register holds of a value."""
    return (value + 2**31) % 2**32 - 2**31


def wrapped(value: int) -> int:
    """Fold a current once into (-2**23, 2**23]."""
    if value > 2**23:
        return value - 2**24
    return value + 2**24 if value <= -(2**23) else value


def clipped(value: int) -> int:
    """Limit a potential to 23 bits and sign."""
    return max(-(2**23 - 1), min(2**23 - 1, value))


@dataclass
class PlainNeuron:
    """One neuron of the chip, from rest; arrivals in units of the current (a weight LSB is 64 of them)."""

    current_decay: int
    potential_decay: int
    bias: int = 0
    refractory: int = 1
    silent_until: int = 0
    u: int = 0
    v: int = 0
    unwrapped: int = 0
    unclipped: int = 0

    def integrate(self, arriving: int, tick: int = 0) -> None:
        """Advance by one tick, up to the comparison with the threshold."""
        self.unwrapped = toward_zero(self.u, 4095 - self.current_decay) + as_int32(arriving)
        self.u = wrapped(self.unwrapped)
        self.unclipped = toward_zero(self.v, 4096 - self.potential_decay) + self.u + self.bias
        if tick < self.silent_until:
            self.unclipped = 0
        self.v = clipped(self.unclipped)


@dataclass
class PlainTrace:
    """Spikes, u and v of every neuron after each tick, and the first excursion as (tick, quantity, neuron, value)."""

    spikes: list[list[bool]]
    currents: list[list[int]]
    potentials: list[list[int]]
    excursion: tuple[int, str, int, int] | None


def plain_run(program: sp.Program, raster: Raster) -> PlainTrace:
    """Run a program from rest, one synapse and one event at a time."""
    neurons = [
        PlainNeuron(*(int(value) for value in values))
        for values in zip(program.current_decay, program.potential_decay, program.bias, program.refractory, strict=True)
    ]
    due: dict[tuple[int, int], int] = {}
    trace = PlainTrace([], [], [], None)
    for tick in range(len(raster)):
        arriving = [64 * due.get((tick, index), 0) for index in range(program.n_neurons)]
        for neuron, units in zip(neurons, arriving, strict=True):
            neuron.integrate(units, tick)
        if trace.excursion is None:
            trace.excursion = _first_excursion(tick, arriving, neurons)
        fired = [neuron.v > 64 * int(threshold) for neuron, threshold in zip(neurons, program.threshold, strict=True)]
        for neuron, has_fired in zip(neurons, fired, strict=True):
            neuron.v = 0 if has_fired else neuron.v
            neuron.silent_until = tick + neuron.refractory if has_fired else neuron.silent_until
        trace.spikes.append(fired)
        trace.currents.append([neuron.u for neuron in neurons])
        trace.potentials.append([neuron.v for neuron in neurons])
        lines = [bool(spike) for spike in raster[tick]] + fired
        for synapse in range(program.n_synapses):
            if lines[program.pre[synapse]]:
                place = (tick + int(program.delay[synapse]), int(program.post[synapse]))
                due[place] = due.get(place, 0) + int(program.weight[synapse]) * 2 ** int(program.exponent[synapse])
    return trace


def states_of(trace: sp.Trace) -> tuple[Int32s, Int32s]:
    """Return the currents and potentials of a trace, which must have recorded them."""
    assert trace.currents is not None
    assert trace.potentials is not None
    return trace.currents, trace.potentials


def _first_excursion(
    tick: int, arriving: Sequence[int], neurons: Sequence[PlainNeuron]
) -> tuple[int, str, int, int] | None:
    for quantity, values, limit in (
        ("arrivals", arriving, 2**21),
        ("current", [neuron.unwrapped for neuron in neurons], 2**23),
        ("potential", [neuron.unclipped for neuron in neurons], 2**23),
    ):
        for index, value in enumerate(values):
            if abs(value) >= limit:
                return tick, quantity, index, value
    return None


# ----------------------------------------------------------------------------------- the linear map in plain fractions


def exact_potential(
    arrivals: Sequence[Fraction],
    spikes: Sequence[bool],
    alpha: Fraction,
    gamma: Fraction,
    bias: Fraction = Fraction(0),
    refractory: int = 1,
) -> list[Fraction]:
    """Return V before the reset at each tick of one pattern, with resets where ``spikes`` says."""
    current = potential = Fraction(0)
    potentials, silent_until = [], 0
    for tick, (arriving, spike) in enumerate(zip(arrivals, spikes, strict=True)):
        current = alpha * current + arriving
        potential = Fraction(0) if tick < silent_until else gamma * potential + current + bias
        potentials.append(potential)
        potential, silent_until = (Fraction(0), tick + refractory) if spike else (potential, silent_until)
    return potentials


def exact_arrivals(
    presynaptic: Raster, delays: Sequence[int], weights: Sequence[Sequence[Fraction | int]]
) -> list[Fraction]:
    """Return what arrives at each tick of one pattern; ``weights`` is (delays, lines)."""
    return [
        sum(
            (
                Fraction(weights[index][line])
                for index, delay in enumerate(delays)
                for line in range(presynaptic.shape[1])
                if tick >= delay and presynaptic[tick - delay, line]
            ),
            start=Fraction(0),
        )
        for tick in range(len(presynaptic))
    ]


# ------------------------------------------------------------------------------------------------------------ the table


def single_neuron(**changes: Any) -> sp.Program:
    """Return one neuron of Loihi that every spike of one input makes fire at the next tick, but for the changes."""
    usual: dict[str, Any] = {"n_inputs": 1, "n_neurons": 1, "pre": [0], "post": 0, "weight": 60, "threshold": 50}
    return sp.Program.from_arrays(**{"chip": "loihi1"} | usual | changes)


def random_raster(seed: int, ticks: int, lines: int, rate: float = 0.2) -> Raster:
    """Return a raster whose bins are set independently."""
    return np.random.default_rng(seed).random((ticks, lines)) < rate


def one_of(generator: np.random.Generator, *values: Option) -> Option:
    """Return one of the values, each as likely."""
    return values[generator.integers(len(values))]


def after(raster: Raster, delay: int) -> Raster:
    """Return the raster shifted later, silence first."""
    shifted = np.zeros_like(raster)
    shifted[delay:] = raster[: len(raster) - delay]
    return shifted


def teach(
    seed: int,
    inputs: Sequence[Raster],
    *,
    n_outputs: int,
    delays: Sequence[int],
    recurrent: bool = False,
    dynamics: sp.Dynamics | None = None,
    signs: Sequence[int] | None = None,
    threshold: int = 60,
    bias: int = 0,
    refractory: int = 1,
) -> list[sp.Pattern]:
    """Return patterns whose targets a random network of integers gives, so that they can be built."""
    generator = np.random.default_rng(seed)
    dynamics = dynamics or sp.Dynamics()
    n_inputs = inputs[0].shape[1]
    lines = n_inputs + (n_outputs if recurrent else 0)
    pre, post, delay = (
        grid.ravel() for grid in np.meshgrid(np.arange(lines), np.arange(n_outputs), np.array(delays), indexing="ij")
    )
    weight = generator.integers(-40, 61, pre.size)
    if signs is not None:
        side = np.array(signs)[pre]
        weight = np.where(side == 0, weight, side * np.abs(weight))
    program = sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=n_inputs,
        n_neurons=n_outputs,
        pre=pre,
        post=post,
        delay=delay,
        weight=weight,
        threshold=threshold,
        current_decay=dynamics.current_decay,
        potential_decay=dynamics.potential_decay,
        bias=bias,
        refractory=refractory,
    )
    return [sp.Pattern(raster, np.array(plain_run(program, raster).spikes)) for raster in inputs]


def with_wishes(spec: sp.Spec, **wishes: Any) -> sp.Spec:
    """Return the same spec with other fields."""
    return sp.Spec(**({field.name: getattr(spec, field.name) for field in fields(spec)} | wishes))


def feed_forward() -> sp.Spec:
    inputs = random_raster(1, 30, 6, 0.15)
    return sp.Spec(teach(1, [inputs], n_outputs=3, delays=[1]))


def relay() -> sp.Spec:
    inputs = random_raster(2, 25, 1, 0.3)
    return sp.Spec([sp.Pattern(inputs, after(inputs, 1))], delays=[1])


def many_delays() -> sp.Spec:
    inputs = random_raster(3, 40, 5)
    targets = random_raster(4, 40, 3, 0.15)
    targets[:8] = False
    return sp.Spec([sp.Pattern(inputs, targets)], delays=range(1, 13))


def longest_delay() -> sp.Spec:
    inputs = random_raster(5, 80, 2, 0.1)
    return sp.Spec([sp.Pattern(inputs, after(inputs, 63))], delays=[1, 63])


def recurrent() -> sp.Spec:
    inputs = random_raster(6, 40, 4)
    return sp.Spec(teach(6, [inputs], n_outputs=3, delays=[1, 3], recurrent=True), delays=[1, 3], recurrent=True)


def several_patterns() -> sp.Spec:
    inputs = [random_raster(7 + index, ticks, 4) for index, ticks in enumerate((12, 1, 33, 20))]
    return sp.Spec(teach(7, inputs, n_outputs=2, delays=[1, 2, 5]), delays=[1, 2, 5])


def both_decays() -> sp.Spec:
    dynamics = sp.Dynamics(potential_decay=400, current_decay=1500)
    inputs = [random_raster(11, 40, 4), random_raster(12, 25, 4)]
    return sp.Spec(teach(8, inputs, n_outputs=2, delays=[1, 4], dynamics=dynamics), delays=[1, 4], dynamics=dynamics)


def dale_signs() -> sp.Spec:
    signs = (1, 1, 1, -1, 0, 1, -1)
    inputs = random_raster(13, 40, 5, 0.3)
    patterns = teach(9, [inputs], n_outputs=2, delays=[1, 2, 3], recurrent=True, signs=signs)
    return sp.Spec(patterns, delays=[1, 2, 3], recurrent=True, signs=signs)


def fixed_threshold() -> sp.Spec:
    inputs = random_raster(14, 40, 4, 0.3)
    return sp.Spec(teach(10, [inputs], n_outputs=2, delays=[1, 2]), delays=[1, 2], threshold=90)


def fixed_bias() -> sp.Spec:
    inputs = random_raster(15, 40, 4, 0.3)
    return sp.Spec(teach(11, [inputs], n_outputs=2, delays=[1, 2, 3], bias=640), delays=[1, 2, 3], bias=640)


def free_bias() -> sp.Spec:
    inputs = random_raster(16, 40, 4, 0.3)
    return sp.Spec(teach(12, [inputs], n_outputs=2, delays=[1, 2, 3], bias=-320), delays=[1, 2, 3], bias="free")


def care_mask() -> sp.Spec:
    """Return a spike at tick 0 that none can give, and one that contradicts the first pattern: neither counts."""
    inputs = random_raster(17, 20, 2, 0.3)
    possible, targets = after(inputs[:, :1], 1), after(inputs[:, :1], 1)
    targets[0] = True
    targets[-3:] = ~targets[-3:]
    care = np.ones_like(targets)
    care[0] = care[-3:] = False
    return sp.Spec([sp.Pattern(inputs, possible), sp.Pattern(inputs, targets, care)], delays=[1])


def silent_outputs() -> sp.Spec:
    inputs = random_raster(18, 20, 3, 0.5)
    return sp.Spec([sp.Pattern(inputs, np.zeros((20, 2), dtype=bool))], delays=[1, 2])


def no_leak() -> sp.Spec:
    dynamics = sp.Dynamics(potential_decay=0)
    inputs = random_raster(19, 40, 3)
    return sp.Spec(teach(13, [inputs], n_outputs=2, delays=[1, 2], dynamics=dynamics), [1, 2], dynamics=dynamics)


def full_leak() -> sp.Spec:
    dynamics = sp.Dynamics(potential_decay=4095)
    inputs = random_raster(20, 40, 4, 0.4)
    return sp.Spec(teach(14, [inputs], n_outputs=2, delays=[1, 2], dynamics=dynamics), [1, 2], dynamics=dynamics)


def time_constants() -> sp.Spec:
    dynamics = sp.Dynamics.from_time_constants(potential=10.0, current=2.0)
    inputs = random_raster(21, 50, 4)
    return sp.Spec(teach(15, [inputs], n_outputs=2, delays=[1, 6], dynamics=dynamics), [1, 6], dynamics=dynamics)


def clock_without_inputs() -> sp.Spec:
    """Return two outputs that fire on their own, every five and every seven ticks."""
    targets = np.zeros((36, 2), dtype=bool)
    targets[4::5, 0] = targets[6::7, 1] = True
    return sp.Spec([sp.Pattern(np.zeros((36, 0), dtype=bool), targets)], delays=[1], recurrent=True, bias="free")


def unused_inputs() -> sp.Spec:
    inputs = random_raster(22, 25, 4, 0.3)
    inputs[:, [1, 3]] = False
    return sp.Spec([sp.Pattern(inputs, after(inputs[:, [0, 2]], 2))], delays=[2])


def always_firing() -> sp.Spec:
    targets = np.ones((12, 1), dtype=bool)
    return sp.Spec([sp.Pattern(np.zeros((12, 1), dtype=bool), targets)], bias=6400)


def everything() -> sp.Spec:
    dynamics = sp.Dynamics(potential_decay=300, current_decay=2500)
    signs = (1, -1, 0, 0, 0)
    inputs = [random_raster(23 + index, ticks, 3, 0.3) for index, ticks in enumerate((30, 45))]
    patterns = teach(16, inputs, n_outputs=2, delays=[1, 2, 7], recurrent=True, dynamics=dynamics, signs=signs)
    care = random_raster(30, 30, 2, 0.9)
    patterns[0] = sp.Pattern(patterns[0].inputs, patterns[0].targets, care)
    return sp.Spec(patterns, [1, 2, 7], recurrent=True, dynamics=dynamics, signs=signs, bias="free")


CASES: dict[str, Callable[[], sp.Spec]] = {
    case.__name__: case
    for case in (
        feed_forward,
        relay,
        many_delays,
        longest_delay,
        recurrent,
        several_patterns,
        both_decays,
        dale_signs,
        fixed_threshold,
        fixed_bias,
        free_bias,
        care_mask,
        silent_outputs,
        no_leak,
        full_leak,
        time_constants,
        clock_without_inputs,
        unused_inputs,
        always_firing,
        everything,
    )
}
