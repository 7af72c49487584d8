"""Program → NIR graph: neurons as LIF, CubaLIF or IF nodes, synapses as Linear and Delay nodes, in seconds.

Weights are the chip's, thresholds its mantissas, so a potential is counted in weight LSBs. The graph has the chip's
decays without their truncation: neurons whose margin pays for truncation, as certified ones' does, spike the same.

A connection of the graph acts at once, and one of the chip a tick later at least. Where nothing but spikes drives the
neurons, the whole graph is a tick ahead of the chip, so that a delay of 1 from an input, or from a population to
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
from snnprog.errors import SpecError
from snnprog.files.hdf5 import check_installed
from snnprog.networks.importing import least_shifts
from snnprog.output_files import write_bytes
from snnprog.program import Program
from snnprog.raster import check_bin_ms
from snnprog.version import __version__

if TYPE_CHECKING:
    import nir

INPUT, HIDDEN, READOUT, OUTPUT = "input", "hidden", "readout", "output"
Connection = tuple[str, str, int]


def to_nir(program: Program, *, dt_ms: float) -> nir.NIRGraph:
    """Return a program as a NIR graph; its metadata tell ``latency_ticks``, by how many it is ahead of the program.

    Parameters
    ----------
    program : Program
        For a chip whose neurons reset to 0.
    dt_ms : float
        Milliseconds of a tick.

    Raises
    ------
    SpecError
        If `nir` is not installed, ``dt_ms`` is no positive number, or a neuron has no counterpart in NIR.
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
            f"neuron {neuron} has a refractory period of {program.refractory[neuron]} ticks; NIR's neurons have none"
        )
    if program.is_read_by_potential.any():
        output = int(program.is_read_by_potential.argmax())
        raise SpecError(f"output {output} is read by its potential; NIR graphs are written of outputs that spike only")
    members = _populations(program)
    connections = _connections(program, members)
    ahead = _ticks_ahead(program, connections)
    nodes: dict[str, Any] = {INPUT: nir.Input(np.array([program.n_inputs]))}
    edges: list[tuple[str, str]] = []
    for (source, target, delay), weight in connections.items():
        is_implied = delay == 1 and (source == target or (source == INPUT and ahead == 1))
        lag = 0 if is_implied else delay - (ahead if source == INPUT else 0)
        way = _delay_node(nodes, edges, source=source, lag=lag, tick_s=tick_s, width=weight.shape[1])
        name = f"{source}_to_{target}_{delay}"
        nodes[name] = nir.Linear(weight.astype(np.float64))
        edges += [(way, name), (name, target)]
    for population, neurons in members.items():
        nodes[population] = _neurons(program, population, neurons, tick_s)
    nodes[OUTPUT] = nir.Output(np.array([program.n_outputs]))
    metadata = {"written_by": f"snnprog {__version__}", "dt_ms": float(dt_ms), "latency_ticks": ahead, "reset": "zero"}
    return nir.NIRGraph(nodes, [*edges, (READOUT, OUTPUT)], metadata=metadata)


def write_nir(path: str | Path, program: Program, *, dt_ms: float) -> None:
    """Write a program as a ``.nir`` file; see `to_nir`.

    Parameters
    ----------
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
    graph = to_nir(program, dt_ms=dt_ms)
    import nir

    buffer = io.BytesIO()
    nir.write(buffer, graph)
    write_bytes(Path(path), buffer.getvalue())


def _populations(program: Program) -> dict[str, Int64s]:
    """Return the neurons of each population: those that are read out, in order, and all others."""
    outputs = program.outputs.astype(np.int64)
    hidden = np.setdiff1d(np.arange(program.n_neurons), outputs)
    return {HIDDEN: hidden, READOUT: outputs} if hidden.size else {READOUT: outputs}


def _connections(program: Program, members: Mapping[str, Int64s]) -> dict[Connection, Floats]:
    """Return the weights (to, from) of each source, target and delay."""
    lines = {INPUT: np.arange(program.n_inputs)} | {name: each + program.n_inputs for name, each in members.items()}
    place = np.zeros(program.n_inputs + program.n_neurons, dtype=np.int64)
    for each in lines.values():
        place[each] = np.arange(each.size)
    weight = program.effective_weight()
    connections: dict[Connection, Floats] = {}
    for source, from_lines in lines.items():
        for target, to_neurons in members.items():
            chosen = np.isin(program.pre, from_lines) & np.isin(program.post, to_neurons)
            for delay in np.unique(program.delay[chosen]).tolist():
                synapses = np.flatnonzero(chosen & (program.delay == delay))
                matrix = np.zeros((to_neurons.size, from_lines.size))
                where = place[program.post[synapses] + program.n_inputs], place[program.pre[synapses]]
                np.add.at(matrix, where, weight[synapses])
                connections[source, target, int(delay)] = matrix
    return connections


def _ticks_ahead(program: Program, connections: Mapping[Connection, object]) -> int:
    """Return 1 where the graph may be a tick ahead of the program, and who reads it finds the same delays again."""
    names = {source for source, _, _ in connections} | {target for _, target, _ in connections}
    arcs = [(source, target, delay - (source == INPUT)) for source, target, delay in connections]
    shifts = least_shifts(names, arcs)
    is_regained = shifts is not None and all(shift == (name != INPUT) for name, shift in shifts.items())
    return int(is_regained and not program.bias.any())


def _delay_node(
    nodes: dict[str, Any], edges: list[tuple[str, str]], *, source: str, lag: int, tick_s: float, width: int
) -> str:
    """Return the node that has the source's spikes so many ticks later."""
    import nir

    if lag == 0:
        return source
    name = f"{source}_after_{lag}"
    if name not in nodes:
        nodes[name] = nir.Delay(np.full(width, lag * tick_s))
        edges.append((source, name))
    return name


@dataclass(frozen=True, eq=False)
class _TimeConstants:
    """Time constants of a population in seconds, infinite where nothing is lost."""

    current: Floats
    potential: Floats


def _decays(program: Program, neurons: Int64s, tick_s: float) -> _TimeConstants:
    kept = program.chip.shares_of(program.current_decay[neurons], program.potential_decay[neurons])
    with np.errstate(divide="ignore"):
        return _TimeConstants(*(tick_s / (1.0 - share) for share in kept))


def _neurons(program: Program, population: str, neurons: Int64s, tick_s: float) -> nir.NIRNode:
    """Return the node of a population."""
    import nir

    decays = _decays(program, neurons, tick_s)
    threshold = program.threshold[neurons].astype(np.float64)
    forgets_at_once = bool((decays.current == tick_s).all())
    unit = program.chip.unit
    if np.isinf(decays.potential).any():
        if not (np.isinf(decays.potential).all() and forgets_at_once and not program.bias[neurons].any()):
            where = neurons[np.isinf(decays.potential)][0]
            raise SpecError(
                f"neuron {where} loses nothing of its potential; NIR has such neurons (IF) where all of a population,"
                f" here {population!r}, are like that, without bias and with currents of one tick"
            )
        return nir.IF(r=np.full(neurons.size, 1.0 / tick_s), v_threshold=threshold)
    resistance = decays.potential / tick_s
    leak = program.bias[neurons] / unit * resistance
    if forgets_at_once:
        return nir.LIF(tau=decays.potential, r=resistance, v_leak=leak, v_threshold=threshold)
    return nir.CubaLIF(
        tau_syn=decays.current,
        tau_mem=decays.potential,
        r=resistance,
        v_leak=leak,
        v_threshold=threshold,
        w_in=decays.current / tick_s,
    )
