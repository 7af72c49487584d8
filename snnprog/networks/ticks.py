"""The length of a step of a trained network in the time of its file, if the file contains it.

Norse, Rockpool and Spyx write time constants in units that depend on the version or on an option, which follow from
other fields; see the table in `snnprog.networks.convention`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from scipy.special import lambertw

from snnprog.arrays import Floats
from snnprog.errors import SpecError
from snnprog.networks.convention import EXPORTERS, NORSE, ROCKPOOL, SPYX
from snnprog.networks.graph import Graph
from snnprog.networks.nodes import SPIKING
from snnprog.raster import check_bin_ms

AGREEING = 1e-3
"""Allowed difference between the steps of nodes: ten thousand times the error of single precision."""

NORSE_DT_S = 0.001
"""``dt`` of Norse's neurons (``lif_box.py``)."""


def tick_of(graph: Graph, exporter: str | None, dt_ms: float | None) -> tuple[float, tuple[str, ...]]:
    """Return the seconds of a tick in the time of a graph, and notes about it.

    Parameters
    ----------
    graph : Graph
    exporter : str or None
        The tool that wrote it.
    dt_ms : float or None
        The given value.

    Raises
    ------
    SpecError
        If it is unknown, or ``dt_ms`` is not positive.
    """
    if exporter is None and dt_ms is None:
        raise SpecError(
            "dt_ms must be given: the milliseconds of a tick, or exporter=, the tool that wrote the graph"
            " (--from TOOL on the command line; or --dt-ms, and --reset zero or subtract where the graph has no reset)"
        )
    if dt_ms is not None:
        return check_bin_ms("dt_ms", dt_ms) / 1000.0, _notes_of(exporter, dt_ms)
    assert exporter is not None
    usual = EXPORTERS[exporter].dt_ms
    assert usual is not None
    if exporter == NORSE:
        return _of_norse(graph)
    if exporter in STEPS:
        steps = [step for tau, r in _pairs(graph) for step in STEPS[exporter](tau, r).tolist()]
        return (_agreed(graph, steps, exporter=exporter) if steps else usual / 1000.0), ()
    return usual / 1000.0, ()


def _notes_of(exporter: str | None, dt_ms: float) -> tuple[str, ...]:
    known = None if exporter is None else EXPORTERS[exporter]
    if known is None or known.dt_ms is None or not known.is_dt_fixed or np.isclose(dt_ms, known.dt_ms, rtol=1e-6):
        return ()
    return (
        f"dt_ms is {dt_ms:g}, and {exporter} writes time constants for steps of {known.dt_ms:g} ms: they now last"
        f" {known.dt_ms / dt_ms:g} times as many ticks",
    )


def _of_norse(graph: Graph) -> tuple[float, tuple[str, ...]]:
    values = [(name, array) for node in graph.nodes.values() for name, array in node.values.items()]
    times = [float(array.max()) for name, array in values if name in ("tau", "tau_mem", "tau_syn")]
    is_of_norse = all((array == 1.0).all() for name, array in values if name in ("r", "w_in"))
    if not times or max(times) > NORSE_DT_S * (1.0 - AGREEING) or not is_of_norse:
        return NORSE_DT_S, ()
    note = (
        f"the longest time constant is {max(times) * 1000:g} ms: taken as written by Norse 1.1 or older, times its dt;"
        " a tick, 1 ms of the network, is .001 ms of the file"
    )
    return NORSE_DT_S**2, (note,)


def _pairs(graph: Graph) -> Iterator[tuple[Floats, Floats]]:
    """Yield time constants of membranes and resistances of neurons that spike."""
    for node in graph.nodes.values():
        tau = node.values.get("tau_mem", node.values.get("tau"))
        if node.kind in SPIKING and tau is not None and tau.min() > 0.0:
            first, second = np.broadcast_arrays(tau, node.values["r"])
            yield first.ravel(), second.ravel()


def _of_rockpool(tau: Floats, r: Floats) -> Floats:
    """Return the step of which ``r = tau exp(-dt/tau) / dt``."""
    return np.where(r > 0.0, tau * np.real(lambertw(1.0 / np.where(r > 0.0, r, 1.0))), 0.0)


def _of_spyx(tau: Floats, r: Floats) -> Floats:
    """Return the step of which ``r = 1 - dt/tau``."""
    return tau * (1.0 - r)


STEPS: dict[str, Callable[[Floats, Floats], Floats]] = {ROCKPOOL: _of_rockpool, SPYX: _of_spyx}


def _agreed(graph: Graph, steps: list[float], *, exporter: str) -> float:
    """Return the step of all neurons, to six digits.

    Raises
    ------
    SpecError
        If they do not agree.
    """
    least, most = min(steps), max(steps)
    if least <= 0.0 or most - least > AGREEING * most:
        raise SpecError(
            f"dt_ms must be given: neurons of {graph.name} have steps from {least * 1000:.6g} to {most * 1000:.6g} ms,"
            f" but {exporter} writes equal ones; check the exporter"
        )
    return float(f"{float(np.median(steps)):.6g}")
