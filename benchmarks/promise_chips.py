"""The chips of `promise.py` in plain Python integers: what a circuit of theirs does, one event at a time.

Written from the rules as they were measured on the vendors' runtimes, and from no code of the package. Loihi (Lava
0.10.0): what arrives counts 64 units, both decays round toward zero, a spike needs more than 64 units per unit of the
threshold and resets to 0, and the potential rests at 0 while the neuron is refractory. Xylo (XyloSim 0.1.3): 16 bits
that saturate after each event, decays by shifts that always move, a spike needs the threshold and takes it off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

LOIHI_UNIT = 64
LOIHI_ARRIVALS, LOIHI_STATE, XYLO_STATE = 2**21, 2**23, 2**15
XYLO_HIDDEN_SPIKES = 31

Raster = Sequence[Sequence[int]]


@dataclass(frozen=True)
class Synapse:
    """One synapse: what it adds is its weight with its exponent; lines are inputs, then neurons."""

    line: int
    neuron: int
    delay: int
    mantissa: int
    exponent: int = 0

    @property
    def weight(self) -> int:
        """What a spike adds."""
        return self.mantissa << self.exponent


@dataclass(frozen=True)
class Cell:
    """One neuron's integers; ``most`` is how often it spikes in one tick at most (on Xylo)."""

    threshold: int
    potential_decay: int
    current_decay: int
    bias: int = 0
    refractory: int = 1
    most: int = 1


@dataclass(frozen=True)
class Circuit:
    """Neurons and synapses of one chip, and which neurons are read out."""

    chip: str
    n_inputs: int
    cells: tuple[Cell, ...]
    synapses: tuple[Synapse, ...]
    outputs: tuple[int, ...]

    @property
    def unit(self) -> int:
        """How many units of the potential one unit of a threshold, and of noise, is."""
        return 1 if self.chip == "xylo" else LOIHI_UNIT


@dataclass
class Run:
    """What a circuit did.

    Attributes
    ----------
    spikes : list of list of int
        (ticks, neurons) How often each neuron spiked.
    potentials : list of list of int
        (ticks, neurons) What was compared with the threshold.
    excess : str
        The first state that left the range in which all runtimes agree; "" if none did.
    """

    spikes: list[list[int]] = field(default_factory=list)
    potentials: list[list[int]] = field(default_factory=list)
    excess: str = ""

    def note(self, what: str, value: int, *, limit: int, tick: int, neuron: int) -> None:
        """Note a state that is too large, if it is the first."""
        if abs(value) >= limit and not self.excess:
            self.excess = f"{what} of neuron {neuron} is {value} at tick {tick}, and {limit} is too large"


def run(circuit: Circuit, raster: Raster) -> Run:
    """Run a circuit from rest."""
    found, states = Run(), [[0, 0, 0] for _ in circuit.cells]
    step = _step_of_xylo if circuit.chip == "xylo" else _step_of_loihi
    ordered = sorted(circuit.synapses, key=lambda synapse: synapse.line)
    history: list[list[int]] = []
    for tick, row in enumerate(raster):
        events: list[list[int]] = [[] for _ in circuit.cells]
        for synapse in ordered:
            if tick >= synapse.delay and history[tick - synapse.delay][synapse.line]:
                events[synapse.neuron] += [synapse.weight] * history[tick - synapse.delay][synapse.line]
        both = [step(cell, states[i], events[i], (found, tick, i)) for i, cell in enumerate(circuit.cells)]
        found.potentials.append([potential for potential, _ in both])
        found.spikes.append([count for _, count in both])
        history.append([*row, *found.spikes[-1]])
    return found


Place = tuple[Run, int, int]


def _step_of_loihi(cell: Cell, state: list[int], events: list[int], place: Place) -> tuple[int, int]:
    """Advance one neuron; return what was compared with the threshold, and whether it spiked."""
    found, tick, neuron = place
    u, v, held = state
    arriving = LOIHI_UNIT * sum(events)
    found.note("arrivals", arriving, limit=LOIHI_ARRIVALS, tick=tick, neuron=neuron)
    u = kept_of_loihi(u, 4095 - cell.current_decay) + arriving
    found.note("current", u, limit=LOIHI_STATE, tick=tick, neuron=neuron)
    u = u - 2**24 if u > 2**23 else u + 2**24 if u <= -(2**23) else u
    v = 0 if held else kept_of_loihi(v, 4096 - cell.potential_decay) + u + cell.bias
    found.note("potential", v, limit=LOIHI_STATE, tick=tick, neuron=neuron)
    v = max(1 - 2**23, min(2**23 - 1, v))
    spikes = int(v > LOIHI_UNIT * cell.threshold)
    state[:] = [u, 0, cell.refractory - 1] if spikes else [u, v, max(held - 1, 0)]
    return v, spikes


def kept_of_loihi(value: int, factor: int) -> int:
    """Return 4096ths of a value, rounded toward zero."""
    kept = abs(value) * factor // 4096
    return -kept if value < 0 else kept


def _step_of_xylo(cell: Cell, state: list[int], events: list[int], place: Place) -> tuple[int, int]:
    """Advance one neuron; return what was compared with the threshold, and how often it spiked."""
    found, tick, neuron = place
    u, v, _ = state
    for weight in events:
        found.note("current", u + weight, limit=XYLO_STATE, tick=tick, neuron=neuron)
        u = _saturated(u + weight)
    u -= loss_of_xylo(u, cell.current_decay)
    loss = -loss_of_xylo(v, cell.potential_decay)
    loss = -(2**15) if loss == 2**15 else loss  # 16 bits have no 32768
    found.note("potential", v + loss + u + cell.bias, limit=XYLO_STATE, tick=tick, neuron=neuron)
    v = _saturated(_saturated(_saturated(loss + u) + cell.bias) + v)
    spikes = min(v // cell.threshold, cell.most) if v >= cell.threshold else 0
    state[:2] = [u, v - spikes * cell.threshold]
    return v, spikes


def loss_of_xylo(value: int, shift: int) -> int:
    """Return what a decay takes off: the value shifted right, but always something as long as there is something."""
    taken = value >> shift
    return taken if taken else (value > 0) - (value < 0)


def _saturated(value: int) -> int:
    return max(-(2**15), min(2**15 - 1, value))


def survived_noise(circuit: Circuit, found: Run) -> int:
    """Return how many units of the potential may be added anywhere without another outcome of a comparison.

    Where a neuron may spike several times in a tick, what its spikes leave is compared, too.
    """
    rooms = []
    for compared, counts in zip(found.potentials, found.spikes, strict=True):
        for cell, value, count in zip(circuit.cells, compared, counts, strict=True):
            threshold = cell.threshold * circuit.unit
            left = [value - count * threshold] if 0 < count < cell.most else []
            rooms += [
                room_for_noise(each, threshold, is_spike_at_equality=circuit.chip == "xylo") for each in (value, *left)
            ]
    return min(rooms)


def room_for_noise(value: int, threshold: int, *, is_spike_at_equality: bool) -> int:
    """Return how far a potential may be moved either way, both thresholds in units, until it compares otherwise."""
    above = value - threshold + is_spike_at_equality
    return above - 1 if above > 0 else -above
