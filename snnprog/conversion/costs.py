"""The costs of a spiking program per sample, compared with the multiply-accumulates of the original network.

`snnprog.break_even` compares the two.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from snnprog.break_even import Comparison


@dataclass(frozen=True)
class Costs:
    """Operations for one sample, averaged over held-out samples.

    Attributes
    ----------
    input_spikes, neuron_spikes : float
    synaptic_operations : float
        Spikes times the synapses of their lines.
    neuron_updates : float
        Neurons times ticks.
    multiplications : int
        Multiply-accumulates of the artificial network.
    energy_pj : tuple of float or None
        An estimate for the chip, with idle and with active neurons; None if it has no published figures.
    energy_source : str or None
    """

    input_spikes: float
    neuron_spikes: float
    synaptic_operations: float
    neuron_updates: float
    multiplications: int
    energy_pj: tuple[float, float] | None
    energy_source: str | None

    @property
    def spikes(self) -> float:
        """Spikes of inputs and neurons."""
        return self.input_spikes + self.neuron_spikes

    @property
    def comparison(self) -> Comparison:
        """The program beside the artificial network."""
        return Comparison(self.synaptic_operations, self.neuron_updates, self.multiplications)

    @property
    def ratio(self) -> float:
        """Synaptic operations for each multiply-accumulate."""
        return self.comparison.ratio

    @property
    def is_ann_cheaper(self) -> bool:
        """Whether the artificial network would cost less on the same silicon."""
        return self.comparison.is_ann_cheaper

    @property
    def verdict(self) -> str:
        """The comparison in a sentence."""
        return self.comparison.verdict

    def as_dict(self) -> dict[str, object]:
        """Return the costs as plain data."""
        return asdict(self) | {"spikes": self.spikes} | self.comparison.as_dict()
