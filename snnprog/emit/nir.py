"""Export of a program as a NIR graph: LIF, CubaLIF or IF, Linear, Conv2d and Delay nodes, times in seconds.

Weights are the chip's, thresholds its mantissas, so a potential is counted in weight LSBs. The graph has the chip's
decays without their truncation: neurons whose margin pays for truncation, as certified ones' does, spike the same.
Outputs that are read by their potentials are LI, CubaLI or I nodes. `snnprog.emit.nir_layout` describes the
populations, and which convolutions are kept.

A connection of the graph acts at once, and a synapse of the chip at least a tick later. Where nothing but spikes drives
the neurons, the whole graph is a tick ahead of the chip, so that a delay of 1 from an input, or from a population to
itself, needs no Delay node: every simulator of NIR reads such a graph. Otherwise every delay from an input is written.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from snnprog.arrays import Floats, Int64s
from snnprog.calls import call_checked
from snnprog.checks import as_path
from snnprog.emit.nir_layout import INPUT, OUTPUT, Key, NirLayout, layout_of
from snnprog.errors import SpecError
from snnprog.files.hdf5 import check_installed
from snnprog.names import Names
from snnprog.networks.importing import least_shifts
from snnprog.networks.node_names import KEY, names_to_text
from snnprog.output_files import write_bytes
from snnprog.program import BY_POTENTIAL, Program
from snnprog.raster import check_bin_ms
from snnprog.synapses import SharedSynapses
from snnprog.version import __version__

if TYPE_CHECKING:
    import nir


@call_checked
def to_nir(program: Program, *, dt_ms: float) -> nir.NIRGraph:
    """Return a program as a NIR graph; ``latency_ticks`` in its metadata is its lead in ticks over the program.

    Parameters
    ----------
    program : Program
        For a chip whose neurons reset to 0.
    dt_ms : float
        Milliseconds of a tick.

    Raises
    ------
    SpecError
        If `nir` is not installed, ``dt_ms`` is not a positive number, or a neuron has no counterpart in NIR.
    """
    check_installed("nir", "making a NIR graph")
    import nir

    tick_s = check_bin_ms("dt_ms", dt_ms) / 1000.0
    chip = program.chip
    if not chip.linear_rule(*chip.usual_decays).is_reset_to_zero:
        raise SpecError(
            f"the program is for {chip.name}, whose neurons do not reset to 0; NIR's neurons reset to a value"
        )
    if program.has_refractory:
        neuron = int((program.refractory > 1).argmax())
        raise SpecError(
            f"{program.neuron_label(neuron)} has a refractory period of {program.refractory[neuron]} ticks;"
            " NIR's neurons have none"
        )
    if program.is_read_by_potential.any() and not program.is_read_by_potential.all():
        output = int(program.is_read_by_potential.argmax())
        raise SpecError(
            f"{program.output_label(output)} is read by its potential and others by their spikes;"
            " in NIR, all must be read alike"
        )
    layout = layout_of(program)
    ahead = _ticks_ahead(program, layout.connections)
    graph = _Graph(layout, tick_s, {INPUT: nir.Input(np.array(layout.shapes[INPUT]))}, [])
    for (source, target, delay), weights in layout.connections.items():
        is_implied = delay == 1 and (source == target or (source == INPUT and ahead == 1))
        lag = 0 if is_implied else delay - (ahead if source == INPUT else 0)
        graph.connect(source, target, lag=lag, weights=weights, name=f"{source}_to_{target}_{delay}")
    for population, neurons in layout.neurons.items():
        graph.nodes[population] = _neurons(program, population, neurons, shape=layout.shapes[population], tick_s=tick_s)
    graph.nodes[OUTPUT] = nir.Output(np.array(layout.shapes[layout.read]))
    metadata = {"written_by": f"snnprog {__version__}", "dt_ms": float(dt_ms), "latency_ticks": ahead, "reset": "zero"}
    names = _names(program, layout)
    metadata |= {KEY: names_to_text(names)} if names else {}
    return nir.NIRGraph(graph.nodes, [*graph.edges, (layout.read, OUTPUT)], metadata=metadata)


def _names(program: Program, layout: NirLayout) -> dict[str, Names]:
    """Return the names of each node's lines or neurons; empty without names."""
    named = {} if program.input_names is None else {INPUT: program.input_names}
    if program.neuron_names is not None:
        names = program.neuron_names
        named |= {node: tuple(names[each] for each in neurons.tolist()) for node, neurons in layout.neurons.items()}
    return named


@call_checked
def write_nir(path: str | Path, program: Program, *, dt_ms: float) -> None:
    """Write a program as a ``.nir`` file; see `to_nir`.

    Parameters
    ----------
    program : Program
    path : str or Path
    dt_ms : float
        Milliseconds of a tick.

    Raises
    ------
    SpecError
        If it has no counterpart in NIR, or a package is missing.
    FormatError
        If the file cannot be written.
    """
    write_graph(as_path("path", path), to_nir(program, dt_ms=dt_ms))


def write_graph(path: Path, graph: nir.NIRGraph) -> None:
    """Write a NIR graph as a file, whole or not at all.

    Raises
    ------
    FormatError
        If the file cannot be written.
    """
    import nir

    buffer = io.BytesIO()
    nir.write(buffer, graph)
    write_bytes(path, buffer.getvalue())


def _ticks_ahead(program: Program, connections: Mapping[Key, object]) -> int:
    """Return 1 if the graph may be a tick ahead of the program, with the same delays after import."""
    names = {source for source, _, _ in connections} | {target for _, target, _ in connections}
    arcs = [(source, target, delay - (source == INPUT)) for source, target, delay in connections]
    shifts = least_shifts(names, arcs)
    is_regained = shifts is not None and all(shift == (name != INPUT) for name, shift in shifts.items())
    return int(is_regained and not program.bias.any())


@dataclass(frozen=True, eq=False)
class _Graph:
    """Nodes and edges that are being collected."""

    layout: NirLayout
    tick_s: float
    nodes: dict[str, Any]
    edges: list[tuple[str, str]]

    def connect(self, source: str, target: str, *, lag: int, weights: Floats | SharedSynapses, name: str) -> None:
        """Add the nodes of a connection with a delay in ticks."""
        import nir

        shape, way = self.layout.shapes[source], source
        if lag:
            way = self._through(way, f"{source}_after_{lag}", nir.Delay(np.full(shape, lag * self.tick_s)))
        if isinstance(weights, SharedSynapses):
            geometry = weights.convolution
            if max(geometry.pool) > 1 or max(geometry.pool_stride) > 1 or max(geometry.pool_before) > 0:
                pool = nir.SumPool2d(
                    *(np.array(each) for each in (geometry.pool, geometry.pool_stride, geometry.pool_before))
                )
                way = self._through(way, f"{name}_pool", pool)
            last = _conv2d(weights)
        else:
            if len(shape) > 1:
                way = self._through(way, f"{way}_flat", nir.Flatten({"input": np.array(shape)}, 0, -1))
            last = nir.Linear(weights.astype(np.float64))
        self.edges.append((self._through(way, name, last), target))

    def _through(self, source: str, name: str, node: nir.NIRNode) -> str:
        """Return the name of a node that follows another; it is added if it is not there."""
        if name not in self.nodes:
            self.nodes[name] = node
            self.edges.append((source, name))
        return name


def _conv2d(synapses: SharedSynapses) -> nir.NIRNode:
    import nir

    geometry = synapses.convolution
    weights = (synapses.weight.astype(np.int64) << synapses.exponent).astype(np.float64)
    return nir.Conv2d(
        input_shape=geometry.pooled,
        weight=weights.reshape(geometry.weight_shape),
        stride=geometry.stride,
        padding=geometry.before,
        dilation=geometry.dilation,
        groups=geometry.groups,
        bias=np.zeros(geometry.channels[1]),
    )


@dataclass(frozen=True, eq=False)
class _TimeConstants:
    """Time constants of a population in seconds, infinite without a decay."""

    current: Floats
    potential: Floats


def _decays(program: Program, neurons: Int64s, tick_s: float) -> _TimeConstants:
    kept = program.chip.shares_of(program.current_decay[neurons], program.potential_decay[neurons])
    with np.errstate(divide="ignore"):
        return _TimeConstants(*(tick_s / (1.0 - share) for share in kept))


def _neurons(
    program: Program, population: str, neurons: Int64s, *, shape: tuple[int, ...], tick_s: float
) -> nir.NIRNode:
    """Return the node of a population: one without thresholds if it is read by its potentials."""
    import nir

    decays = _decays(program, neurons, tick_s)
    is_readout = bool((program.readout[neurons] == BY_POTENTIAL).all())
    limits = {} if is_readout else {"v_threshold": program.threshold[neurons].astype(np.float64).reshape(shape)}
    forgets_at_once = bool((decays.current == tick_s).all())
    unit = program.chip.unit
    if np.isinf(decays.potential).any():
        if not (np.isinf(decays.potential).all() and forgets_at_once and not program.bias[neurons].any()):
            where = neurons[np.isinf(decays.potential)][0]
            name = program.neuron_label(int(where))
            raise SpecError(
                f"{name} loses nothing of its potential; NIR has such neurons (IF) where all of a population,"
                f" here {population!r}, are like that, without bias and with currents of one tick"
            )
        return (nir.I if is_readout else nir.IF)(r=np.full(shape, 1.0 / tick_s), **limits)
    resistance = decays.potential / tick_s
    leak = program.bias[neurons] / unit * resistance
    fields = {"r": resistance, "v_leak": leak}
    if forgets_at_once:
        fields |= {"tau": decays.potential}
    else:
        fields |= {"tau_syn": decays.current, "tau_mem": decays.potential, "w_in": decays.current / tick_s}
    kinds = (nir.LI, nir.CubaLI) if is_readout else (nir.LIF, nir.CubaLIF)
    return kinds[not forgets_at_once](**{name: each.reshape(shape) for name, each in fields.items()}, **limits)
