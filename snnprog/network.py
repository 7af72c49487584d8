"""The designed network: real weights, before quantization to a chip's integers."""

from __future__ import annotations

from dataclasses import dataclass

from snnprog.arrays import Floats, Raster
from snnprog.calls import call_checked
from snnprog.display import pictures
from snnprog.display.card import Card, Displayed, Picture
from snnprog.wording import counted, runs_of


@dataclass(frozen=True, eq=False, repr=False)
class Neuron(Displayed):
    """One designed neuron; weights, threshold and bias in weight LSBs of exponent 0.

    Attributes
    ----------
    weights : (delays, lines) float
        One weight per tap: a delay, and an input line or (if recurrent) an output neuron.
    threshold, bias : float
        On the chip: the threshold mantissa, and the bias over ``2**input_shift``.
    exponent : int
        The weights' grid has steps of ``2**exponent``; they lie within the chip's mantissas on that grid.
    margin : float
        Proved distance from the threshold at the worst constrained tick: at 1/2 or more, rounding the weights to the
        nearest point of that grid keeps the spikes (in steps of the grid, per unit of ``‖φ‖₁``, after decay
        truncation).
    bound : float
        An upper bound on the margin of any weights; 0 if no real weights were found but integers are exact.
    raster : (ticks of all patterns,) bool
        The spikes that the neuron was designed for: the target, with don't-care bins filled in.
    is_integral : bool
        Whether weights, threshold and bias are integers of the chip already, so that rounding changes nothing.
    """

    weights: Floats
    threshold: float
    bias: float
    exponent: int
    margin: float
    bound: float
    raster: Raster
    is_integral: bool = False

    def _summary(self) -> str:
        delays, lines = self.weights.shape
        of = f"{counted(delays, 'delay')} of {counted(lines, 'line')}"
        return f"weights at {of}, threshold {self.threshold:.4g}, bias {self.bias:.4g}, margin {self.margin:.4g}"

    def _card(self) -> Card:
        caption = "weights in LSBs: delays from top to bottom, lines from left to right; blue is positive"
        return Card(pictures=[Picture(pictures.weights(self.weights, label="weights"), caption)])


@call_checked
@dataclass(frozen=True, eq=False, repr=False)
class Network(Displayed):
    """Real weights for every output neuron, in order.

    Attributes
    ----------
    delays : tuple of int
        The delays of the taps, in ticks.
    neurons : tuple of Neuron
        One per output.
    """

    delays: tuple[int, ...]
    neurons: tuple[Neuron, ...]

    def _summary(self) -> str:
        delays = f"{'delay' if len(self.delays) == 1 else 'delays'} {runs_of(self.delays)}"
        return f"{counted(len(self.neurons), 'neuron')}, {delays}"

    def _card(self) -> Card:
        if not self.neurons:
            return Card()
        margins = pictures.bars([neuron.margin for neuron in self.neurons], label="margins of neurons")
        caption = 'rounding-proof margin of each neuron; 1/2 suffices for "certified"'
        weights = sum(neuron.weights.size for neuron in self.neurons)
        picture = Picture(margins, caption + pictures.sampling(len(self.neurons)))
        return Card(facts=[("weights", weights)], pictures=[picture])
