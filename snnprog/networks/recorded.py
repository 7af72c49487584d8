"""Whether a network was read with the right convention: its spikes beside those that its own tool recorded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from snnprog.calls import call_checked
from snnprog.errors import SnnprogError, SpecError
from snnprog.networks.convention import ABOVE, AT_LEAST, SUBTRACT, ZERO
from snnprog.networks.network import TrainedNetwork
from snnprog.networks.reading import network_from
from snnprog.networks.running import rasters_for, run_network
from snnprog.raster import as_rasters
from snnprog.wording import counted


@call_checked
def wrong_output_bins(network: TrainedNetwork, inputs: Sequence[ArrayLike], expected: Sequence[ArrayLike]) -> int:
    """Return in how many bins the outputs of a network differ from spikes that were recorded with its own tool.

    Parameters
    ----------
    network : TrainedNetwork
        As `from_nir` or `from_net` read it.
    inputs : sequence of (ticks, inputs) bool
        One raster for each sample.
    expected : sequence of (ticks, outputs) bool
        The output spikes of the same samples and steps. The network's are later by its ``latency``, which is allowed
        for.

    Raises
    ------
    SpecError
        If the rasters do not belong to the network or to each other, or some outputs do not spike.
    """
    rasters, recorded = rasters_for(network, inputs), as_rasters(expected, "expected")
    if len(rasters) != len(recorded):
        samples = counted(len(rasters), "raster")
        raise SpecError(f"expected must have {samples}, one for each input, got {len(recorded)}")
    if network.is_readout[network.outputs].any():
        raise SpecError("expected spikes need outputs that spike; some of this network are read by their potential")
    longest = int(network.latency.max(initial=0))
    for index, (sent, given) in enumerate(zip(rasters, recorded, strict=True)):
        if given.shape != (wanted := (len(sent), network.outputs.size)):
            raise SpecError(f"expected[{index}] must have shape {wanted} (ticks, outputs), got {given.shape}")
    longer = [np.concatenate([each, np.zeros((longest, each.shape[1]), np.bool_)]) for each in rasters]
    wrong = 0
    for trace, given in zip(run_network(network, longer), recorded, strict=True):
        ticks = np.arange(len(given))[:, None] + network.latency
        wrong += int((trace.spikes[ticks, network.outputs] != given).sum())
    return wrong


@dataclass(frozen=True)
class OtherConvention:
    """A convention of resets and comparison, and the wrong bins of the network that is read with it."""

    reset: str
    reset_delay: int
    compare: str
    wrong_bins: int


def other_conventions(
    source: str | Path,
    inputs: Sequence[ArrayLike],
    expected: Sequence[ArrayLike],
    *,
    dt_ms: float | None,
    exporter: str | None,
) -> Iterator[OtherConvention]:
    """Yield every convention with which a file can be read, and what differs from the expected spikes."""
    for reset, reset_delay, compare in product((ZERO, SUBTRACT), (0, 1), (ABOVE, AT_LEAST)):
        try:
            network = network_from(
                source, dt_ms=dt_ms, exporter=exporter, reset=reset, reset_delay=reset_delay, compare=compare
            )
        except SnnprogError:
            continue
        yield OtherConvention(reset, reset_delay, compare, wrong_output_bins(network, inputs, expected))
