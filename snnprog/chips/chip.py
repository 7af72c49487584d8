"""What a chip is to the compiler: number formats and limits as data, and one named integer rule.

All ranges are inclusive pairs ``(least, greatest)``.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from fractions import Fraction

from snnprog.arrays import Int32s
from snnprog.chips.core import UNKNOWN, Core, Energy
from snnprog.errors import LimitError

Range = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Wiring:
    """What a program connects: lines are inputs, then neurons; synapses lead from lines to neurons.

    Attributes
    ----------
    n_inputs, n_neurons : int
    outputs : (outputs,) int
        The neurons that are read out.
    pre, post, exponent : (synapses,) int
        Line, neuron and weight exponent of each synapse.
    """

    n_inputs: int
    n_neurons: int
    outputs: Int32s
    pre: Int32s
    post: Int32s
    exponent: Int32s

    @property
    def n_lines(self) -> int:
        """Number of lines."""
        return self.n_inputs + self.n_neurons


@dataclass(frozen=True)
class Semantics:
    """The integer update rule of a chip's neuron, named in full so that a program file needs nothing else.

    This is Loihi's; a chip with a rule of its own derives from it, and says so there. With
    ``rz(x, f) = sign(x) * ((|x| * f) >> decay_bits)`` and ``a[t]`` the sum of ``weight << exponent`` over the
    spikes that arrive at tick t, one tick is::

        u = wrap( rz(u, 2**decay_bits - current_decay_offset - current_decay) + (a << input_shift) )
        v = clip( rz(v, 2**decay_bits - potential_decay) + u + bias )
        spike = v > threshold << input_shift ;   v = 0 where spike

    ``wrap`` leaves values in ``(-2**current_bits, 2**current_bits]`` by adding or subtracting ``2**(current_bits+1)``
    once; ``clip`` limits to ``±(2**potential_bits - 1)``. A neuron of refractory period r that spiked at tick t has
    ``v = 0`` and no spike from t + 1 to t + r - 1, whatever arrives and whatever its bias; its u goes on.
    """

    name: str
    rounding: str
    decay_bits: int
    current_decay_offset: int
    input_shift: int
    current_bits: int
    current_overflow: str
    potential_bits: int
    potential_overflow: str
    compare: str
    reset: str
    delay_origin: str

    def as_dict(self) -> dict[str, str | int]:
        """Return the rule as plain data, in the order of the fields."""
        return asdict(self)

    @property
    def is_threshold_subtracted(self) -> bool:
        """Whether a reset takes the threshold off the potential, and not all there is."""
        return self.reset == "subtract"

    @property
    def is_equal_a_spike(self) -> bool:
        """Whether a potential that just equals the threshold is a spike."""
        return self.compare == ">="

    @property
    def most_spikes_heard(self) -> int:
        """How many spikes of one neuron in one tick others may hear."""
        return 1

    @property
    def are_arrivals_decayed(self) -> bool:
        """Whether a current decays after what arrives was added, and not before."""
        return False

    def current_factor(self, current_decay: int) -> int:
        """Return the integer that multiplies the current each tick, in units of ``2**-decay_bits``."""
        return (1 << self.decay_bits) - self.current_decay_offset - current_decay

    def potential_factor(self, potential_decay: int) -> int:
        """Return the integer that multiplies the potential each tick, in units of ``2**-decay_bits``."""
        return (1 << self.decay_bits) - potential_decay

    def current_leak(self, current_decay: int) -> Fraction:
        """Return the exact share α of the current that is left after one tick."""
        return Fraction(self.current_factor(current_decay), 1 << self.decay_bits)

    def potential_leak(self, potential_decay: int) -> Fraction:
        """Return the exact share γ of the potential that is left after one tick."""
        return Fraction(self.potential_factor(potential_decay), 1 << self.decay_bits)


@dataclass(frozen=True)
class Chip:
    """The limits of one chip; each field's source stands in the module that makes the instance.

    Attributes
    ----------
    weight_ranges : dict
        Sign mode -> inclusive range of the weight mantissa.
    arrival_limit, current_limit, potential_limit : int
        Magnitudes that ``a << input_shift``, ``u`` and ``v`` must stay below for all runtimes to agree.
    design_exponents : tuple of int
        Those of ``exponents`` that weights are designed for, in the order tried, from the finest to the widest.
    free_bias_exponents : (int, int)
        The least and the greatest of ``bias_exponents`` that a designed bias has.
    usual_decays : (int, int)
        (current decay, potential decay) where none are asked for.
    is_exponent_shared : bool
        Whether all weights into a layer of neurons have the same exponent.
    cores : int or None
        How many there are on one chip, where that is known.
    core : Core
        What one holds.
    energy : Energy or None
        Published energies per operation, where there are some.
    refractory : (int, int)
        In ticks; 1 for a neuron that may spike at every tick.
    """

    name: str
    semantics: Semantics
    delays: Range
    decays: Range
    thresholds: Range
    weight_ranges: dict[str, Range] = field(hash=False)
    exponents: Range
    bias_mantissas: Range
    bias_exponents: Range
    arrival_limit: int
    current_limit: int
    potential_limit: int
    design_exponents: tuple[int, ...]
    free_bias_exponents: Range
    usual_decays: Range
    is_exponent_shared: bool
    cores: int | None = field(default=None, kw_only=True)
    core: Core = field(default=UNKNOWN, kw_only=True)
    energy: Energy | None = field(default=None, kw_only=True)
    refractory: Range = field(default=(1, 1), kw_only=True)

    @property
    def is_readout_apart(self) -> bool:
        """Whether neurons that are read out feed nothing."""
        return False

    @property
    def weight_limit(self) -> int:
        """The greatest magnitude that a one-sided weight of either sign can have."""
        return min(self.weight_ranges["excitatory"][1], -self.weight_ranges["inhibitory"][0])

    @property
    def weight_bits(self) -> int:
        """The widest symmetric signed mantissa, in bits, whose magnitudes a one-sided weight can all have."""
        return self.weight_limit.bit_length()

    @property
    def bias_limit(self) -> int:
        """The greatest magnitude of a bias, in units of the potential."""
        return self.bias_mantissas[1] << self.bias_exponents[1]

    def check_range(self, item: str, value: int, allowed: Range, hint: str = "") -> None:
        """Raise `LimitError` unless ``value`` lies in the inclusive range."""
        if not allowed[0] <= value <= allowed[1]:
            raise LimitError(item, value, f"{allowed[0]} to {allowed[1]} on {self.name}", hint)

    def check_wiring(self, wiring: Wiring) -> None:
        """Raise `LimitError` where the chip cannot connect what a program connects; any wiring fits, unless said."""

    def nearest_bias(self, bias: float) -> int:
        """Return the bias ``mantissa << exponent`` that lies nearest (half to even) to a real one in range."""
        for exponent in range(self.bias_exponents[0], self.bias_exponents[1] + 1):
            mantissa = round(bias / (1 << exponent))
            if self.bias_mantissas[0] <= mantissa <= self.bias_mantissas[1]:
                return mantissa << exponent
        raise LimitError("bias", bias, f"-{self.bias_limit} to {self.bias_limit} on {self.name}")

    def is_bias(self, bias: int) -> bool:
        """Tell whether an integer is ``mantissa << exponent`` for some allowed pair."""
        return abs(bias) <= self.bias_limit and self.nearest_bias(bias) == bias

    def decays_of(self, tau_current: float, tau_potential: float) -> Range:
        """Return (current decay, potential decay) nearest to time constants in ticks.

        A membrane with time constant τ keeps ``exp(-1/τ)`` per tick; ``math.inf`` keeps all, 0 keeps nothing. The
        result is the nearest the chip has: `Semantics.current_leak` and `Semantics.potential_leak` tell what it is.
        """
        scale = 1 << self.semantics.decay_bits
        kept = [0.0 if tau == 0 else math.exp(-1.0 / tau) for tau in (tau_current, tau_potential)]
        current = scale - self.semantics.current_decay_offset - round(scale * kept[0])
        potential = scale - round(scale * kept[1])
        low, high = self.decays
        return min(max(current, low), high), min(max(potential, low), high)
