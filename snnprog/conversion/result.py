"""The result of a conversion: the program, its encoder and decoder, scores and costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from numpy.typing import ArrayLike

from snnprog.arrays import Floats, Raster
from snnprog.calls import call_checked
from snnprog.coding import EvenRate, Latency
from snnprog.conversion.ann import Ann
from snnprog.conversion.costs import Costs
from snnprog.conversion.decoding import SpikeCounts
from snnprog.conversion.input_lines import encoded
from snnprog.conversion.measuring import Scores
from snnprog.conversion.samples import as_numbers, flat
from snnprog.display.card import Card, Displayed
from snnprog.networks import QuantizedNetwork, TrainedNetwork
from snnprog.program import Program
from snnprog.table import Table
from snnprog.wording import counted


@dataclass(frozen=True, eq=False)
class LayerReport:
    """The balancing of one layer.

    Attributes
    ----------
    name : str
    neurons : int
    unit : float
        The activation of a spike in every tick, the mean over its neurons.
    threshold : float
        The share of that activation at which a neuron spikes: 1, unless fitted on data.
    is_shared : bool
        Whether it is a convolution whose weights are shared.
    """

    name: str
    neurons: int
    unit: float
    threshold: float
    is_shared: bool


@call_checked
@dataclass(frozen=True, eq=False, repr=False)
class Conversion(Displayed):
    """A program from an artificial network, with scores and costs.

    Attributes
    ----------
    program : Program
    network : TrainedNetwork
        The spiking network in real numbers.
    quantized : QuantizedNetwork
        The changes by rounding.
    ann : Ann
        The artificial network.
    encoder : EvenRate or Latency
        Values to spikes; see `encode`.
    decoder : SpikeCounts
        Spikes to values, or to an output.
    code, adjust : str
        As given.
    percentile : float
    ticks : int
        Ticks of a sample.
    total_ticks : int
        Ticks that the program requires for a sample.
    layers : tuple of LayerReport
    scores : Scores
        Results on the samples held out.
    costs : Costs
        Costs per sample on the samples held out.
    notes : tuple of str
        Differences from the model.
    """

    program: Program
    network: TrainedNetwork
    quantized: QuantizedNetwork
    ann: Ann
    encoder: EvenRate | Latency
    decoder: SpikeCounts
    code: str
    adjust: str | None
    percentile: float
    ticks: int
    total_ticks: int
    layers: tuple[LayerReport, ...]
    scores: Scores
    costs: Costs
    notes: tuple[str, ...] = ()

    def encode(self, samples: ArrayLike) -> list[Raster]:
        """Return the program's input for samples ``(samples, ...)``, one raster ``(total_ticks, inputs)`` each."""
        return encoded(
            self.encoder, flat(as_numbers("samples", samples), self.ann), ticks=self.ticks, total=self.total_ticks
        )

    def decode(self, spikes: Sequence[Raster]) -> list[object] | Floats:
        """Return the class of each sample, or the values (samples, outputs) of a regression, from output rasters."""
        if self.ann.classes is None:
            return self.decoder.values(spikes)
        return [self.ann.classes[index] for index in self.decoder.decide(spikes).tolist()]

    def _summary(self) -> str:
        scores, size = self.scores, counted(self.program.n_neurons, "neuron")
        found = f"agreement {scores.agreement:.4f}"
        if scores.ann is not None and scores.program is not None:
            found = f"{scores.measure} {scores.program:.4f}, {scores.ann:.4f} of the network"
        return (
            f"{found} on {counted(scores.samples, 'sample')} held out; {size}, {counted(self.ticks, 'tick')} a sample"
        )

    def _card(self) -> Card:
        rows = [(layer.name, layer.neurons, layer.unit, layer.threshold) for layer in self.layers]
        columns = ("layer", "neurons", "activation of full rate", "threshold")
        return Card(table=Table.plain("", columns=columns, rows=rows), notes=[self.costs.verdict, *self.notes])

    def as_dict(self) -> dict[str, object]:
        """Return the report as plain data."""
        return {
            "code": self.code,
            "adjust": self.adjust,
            "percentile": self.percentile,
            "ticks": self.ticks,
            "total_ticks": self.total_ticks,
            "neurons": self.program.n_neurons,
            "synapses": self.program.n_synapses,
            "layers": [vars(layer) for layer in self.layers],
            "scores": self.scores.as_dict(),
            "costs": self.costs.as_dict(),
            "notes": list(self.notes),
            "quantized": self.quantized.as_dict(),
        }
