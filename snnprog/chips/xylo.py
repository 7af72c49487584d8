"""Xylo Audio 2 (SynSense SYNS61201): two layers of neurons, decays by shifting, reset by subtraction.

What a program means here
-------------------------
- Every neuron that is read out stands in the readout layer, every other one in the hidden layer. Readout neurons hear
  and feed: they hear, and feed nothing.
- An input line stands for a hidden neuron that repeats it at once (weight 2, threshold 1, both decays 1, and -1 onto
  itself, which takes back what would be left of the current). So a spike of any line acts one tick later, whichever
  layer it goes to, and lines act in order: inputs, then hidden neurons.
- An output that is heard (in a spec with ``recurrent``) stands twice, with the same integers: hidden, where it feeds
  others, and in the readout layer, where it is read (`snnprog.integers.readout`). Others hear each spike of a tick,
  so its design asks for one spike and not for two (`snnprog.design.once`). An output that is not heard needs no such
  demand: a readout neuron spikes at most once per tick, whatever its potential, and a raster says no more than that.
- All synapses into the hidden layer share one exponent (the chip's ``weight_shift_rec``), all into the readout layer
  another (``weight_shift_out``). Two neurons have at most one synapse from one to the other. The second synaptic
  current and aliases are not used.

Sources
-------
- the rule: xylosim 0.1.3 (``xylosim.v2``), held against it bit for bit, saturation included; the claim is equality
  with XyloSim, no more;
- widths of weights, decays, thresholds and biases: what ``xylosim.tools`` writes for the chip's memories (2, 1, 4 and 2
  hexadecimal digits); -128 is left out as a bias, so that biases are symmetrical;
- numbers of channels and neurons, 31 spikes per tick, fan-out: rockpool's "Overview of the Xylo family";
- shifts of weights to 7: as far as a weight, shifted, stays well inside the 16 bits that XyloSim adds it with.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Bools
from snnprog.chips.chip import Chip, Range, Semantics, Wiring
from snnprog.errors import LimitError


@dataclass(frozen=True)
class ShiftSemantics(Semantics):
    """Xylo's rule; n[j] is how often line j has spiked at the tick before.

    With ``dec(x, d) = x - y``, where ``y = x >> d`` (which floors), but the sign of x where that is 0; ``sat`` limiting
    to 16 bits, ``-32768 … 32767``; and ``neg`` the negation that leaves -32768 as it is, one tick is::

        u = sat( u + n[j] * (weight << exponent) )           for each line j in order
        u = dec(u, current_decay)
        v = sat( v + sat( sat( neg(v - dec(v, potential_decay)) + u ) + bias ) )
        spikes = min(v // threshold, most) where v >= threshold;   v = v - spikes * threshold

    A readout neuron spikes at most ``most_readout_spikes`` times per tick, a hidden one ``most_hidden_spikes``. What
    the fields of a decay by multiplication say is the same decay without its rounding.
    """

    most_hidden_spikes: int
    most_readout_spikes: int

    @property
    def most_spikes_heard(self) -> int:
        """How many spikes of one neuron in one tick others may hear: only hidden neurons feed any."""
        return self.most_hidden_spikes

    @property
    def are_arrivals_decayed(self) -> bool:
        """Whether a current decays after what arrives was added: it does."""
        return True

    def current_factor(self, current_decay: int) -> int:
        """Return the share of the current that is left after one tick, in units of ``2**-decay_bits``."""
        return (1 << self.decay_bits) - (1 << (self.decay_bits - current_decay))

    def potential_factor(self, potential_decay: int) -> int:
        """Return the share of the potential that is left after one tick, in units of ``2**-decay_bits``."""
        return self.current_factor(potential_decay)


@dataclass(frozen=True)
class LayeredChip(Chip):
    """A chip of one hidden and one readout layer.

    Attributes
    ----------
    most_inputs, most_hidden, most_outputs : int
        Channels and neurons; input lines count as hidden neurons, too.
    most_fan_out : int
        Hidden neurons that one line may feed.
    """

    most_inputs: int
    most_hidden: int
    most_outputs: int
    most_fan_out: int

    @property
    def is_readout_apart(self) -> bool:
        """Whether neurons that are read out feed nothing: they do."""
        return True

    @property
    def weight_bits(self) -> int:
        """The width of a weight with its sign."""
        return self.weight_limit.bit_length() + 1

    def decays_of(self, tau_current: float, tau_potential: float) -> Range:
        """Return (current decay, potential decay): the shifts whose shares lie nearest to those of time constants."""
        kept = [0.0 if tau == 0 else math.exp(-1.0 / tau) for tau in (tau_current, tau_potential)]
        shifts = range(self.decays[0], self.decays[1] + 1)
        current, potential = (
            min(shifts, key=lambda shift, share=share: abs(1.0 - 0.5**shift - share))  # type: ignore[misc]
            for share in kept
        )
        return current, potential

    def check_wiring(self, wiring: Wiring) -> None:
        """Raise `LimitError` unless there is room, and every synapse goes where the layers allow it."""
        for item, found, most in (
            ("inputs", wiring.n_inputs, self.most_inputs),
            ("inputs and hidden neurons", wiring.n_lines - len(wiring.outputs), self.most_hidden),
            ("outputs", len(wiring.outputs), self.most_outputs),
        ):
            self.check_range(item, found, (0, most))
        is_output = np.zeros(wiring.n_lines, dtype=np.bool_)
        is_output[wiring.n_inputs + wiring.outputs] = True
        for synapse in np.flatnonzero(is_output[wiring.pre]).tolist():
            neuron = int(wiring.pre[synapse]) - wiring.n_inputs
            raise LimitError(
                f"pre of synapse {synapse}",
                f"neuron {neuron}, an output",
                f"inputs and hidden neurons on {self.name}",
                "what is read out feeds nothing: read out another neuron that repeats it",
            )
        to_readout = is_output[wiring.n_inputs + wiring.post]
        for layer, chosen in (("hidden", ~to_readout), ("readout", to_readout)):
            shifts = np.unique(wiring.exponent[chosen]).tolist()
            if len(shifts) > 1:
                raise LimitError(f"exponents into the {layer} layer", shifts, f"one for all on {self.name}")
        self._check_synapses(wiring, ~to_readout)

    def _check_synapses(self, wiring: Wiring, is_hidden: Bools) -> None:
        pairs, counts = np.unique(np.stack([wiring.pre, wiring.post]), axis=1, return_counts=True)
        if counts.max(initial=1) > 1:
            line, neuron = pairs[:, int(np.argmax(counts))].tolist()
            raise LimitError(
                f"synapses from line {line} to neuron {neuron}", int(counts.max()), f"0 to 1 on {self.name}"
            )
        fan_out = np.bincount(wiring.pre[is_hidden], minlength=wiring.n_inputs + 1)
        fan_out[: wiring.n_inputs] += 1  # that which makes it a repeater
        self.check_range(f"fan-out of line {int(np.argmax(fan_out))}", int(fan_out.max()), (0, self.most_fan_out))


XYLO = LayeredChip(
    name="xylo",
    semantics=ShiftSemantics(
        name="xylo-v2-xylosim-0.1.3",
        rounding="down, and at least 1 toward zero",
        decay_bits=15,
        current_decay_offset=0,
        input_shift=0,
        current_bits=15,
        current_overflow="clip after each event",
        potential_bits=15,
        potential_overflow="clip",
        compare=">=",
        reset="subtract",
        delay_origin="a spike at tick t acts at tick t + delay",
        most_hidden_spikes=31,
        most_readout_spikes=1,
    ),
    delays=(1, 1),
    decays=(0, 15),
    thresholds=(1, 32767),
    weight_ranges={"mixed": (-128, 126), "excitatory": (0, 127), "inhibitory": (-128, 0)},
    exponents=(0, 7),
    bias_mantissas=(-127, 127),
    bias_exponents=(0, 0),
    arrival_limit=1 << 15,
    current_limit=1 << 15,
    potential_limit=1 << 15,
    design_exponents=(0, 2, 4, 7),
    free_bias_exponents=(0, 0),
    usual_decays=(1, 4),
    is_exponent_shared=True,
    most_inputs=16,
    most_hidden=1000,
    most_outputs=8,
    most_fan_out=64,
)
