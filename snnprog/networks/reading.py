"""Import of trained networks from any supported file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from snnprog.errors import SpecError
from snnprog.networks.importing import from_nir
from snnprog.networks.lava_dl import LAVA_DL, from_net, is_net
from snnprog.networks.network import TrainedNetwork

if TYPE_CHECKING:
    import nir


def network_from(
    source: str | Path | nir.NIRGraph,
    *,
    dt_ms: float | None = None,
    exporter: str | None = None,
    reset: str | None = None,
    reset_delay: int | None = None,
    compare: str | None = None,
) -> TrainedNetwork:
    """Return the network of a ``.nir`` or ``.net`` file, or of a NIR graph; see `from_nir` and `from_net`.

    Raises
    ------
    FormatError
        If the file is missing or damaged.
    SpecError
        If an option is invalid, or the file is from another exporter.
    """
    if not isinstance(source, (str, Path)) or not is_net(Path(source)):
        return from_nir(source, dt_ms=dt_ms, exporter=exporter, reset=reset, reset_delay=reset_delay, compare=compare)
    if exporter not in (None, LAVA_DL):
        raise SpecError(f"exporter must be {LAVA_DL!r}, which wrote {source}, got {exporter!r}")
    return from_net(source, dt_ms=dt_ms, reset=reset, reset_delay=reset_delay, compare=compare)
