"""The synaptic operations of a spiking program beside the multiply-accumulates of an artificial network.

Davidson and Furber (2021, Frontiers in Neuroscience 15, doi:10.3389/fnins.2021.651141) compare the two on the same
silicon: most networks with rate codes are not cheaper than the original networks. Here both are counted.
A multiply-accumulate fetches a weight, multiplies and adds; a synaptic operation fetches a weight and adds. Fetching
dominates both, so a program with more synaptic operations than `BREAK_EVEN` for each multiply-accumulate costs more,
even without updates of neurons and messages.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from snnprog.wording import counted

FETCH_PJ, MULTIPLY_PJ, ADD_PJ = 1.25, 0.2, 0.1
"""Of a byte from a memory of 8 KiB (10 pJ for 8 bytes), of 8 bits times 8, and of 32 bits: Horowitz 2014, "Computing's
energy problem", ISSCC, figure 1.1.9, 45 nm. The memory and the adder were compared with Table 3 of Front. Neurol. 2022
(PMC8934428), which quotes them; the multiplier with the energy table of a simulator that quotes it too."""

BREAK_EVEN = (FETCH_PJ + MULTIPLY_PJ + ADD_PJ) / (FETCH_PJ + ADD_PJ)
"""Synaptic operations that cost as much as one multiply-accumulate: 1.15."""


@dataclass(frozen=True)
class Comparison:
    """The work of a program for one sample, beside that of an artificial network at the same task.

    Attributes
    ----------
    synaptic_operations : float
        Spikes times the synapses of their lines, for one sample.
    neuron_updates : float
        Neurons times ticks, for one sample.
    multiplications : int
        Multiply-accumulates of the artificial network, for one sample.
    """

    synaptic_operations: float
    neuron_updates: float
    multiplications: int

    @property
    def ratio(self) -> float:
        """Synaptic operations for each multiply-accumulate."""
        return self.synaptic_operations / max(self.multiplications, 1)

    @property
    def is_ann_cheaper(self) -> bool:
        """Whether the artificial network would cost less on the same silicon."""
        return self.ratio >= BREAK_EVEN

    @property
    def verdict(self) -> str:
        """The comparison in a sentence."""
        counts = (
            f"{_rounded(self.synaptic_operations)} synaptic operations per sample and"
            f" {counted(self.multiplications, 'multiply-accumulate')}, {self.ratio:.2f} for each"
        )
        if self.is_ann_cheaper:
            return f"{counts}: the artificial network would cost less on the same silicon (break-even {BREAK_EVEN:.2f})"
        return (
            f"{counts}: fewer than break-even ({BREAK_EVEN:.2f}), without counting {_rounded(self.neuron_updates)}"
            " updates of neurons, which an artificial network does not need"
        )

    def as_dict(self) -> dict[str, object]:
        """Return the comparison as plain data."""
        derived = {"ratio": self.ratio, "is_ann_cheaper": self.is_ann_cheaper, "verdict": self.verdict}
        return asdict(self) | derived


def _rounded(mean: float) -> str:
    """Return a mean of counts, with a decimal where it is small."""
    return f"{mean:.0f}" if mean >= 100.0 or mean.is_integer() else f"{mean:.1f}"
