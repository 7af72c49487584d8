"""Data for the scripts of the page; arrays are packed texts (see `snnprog.report.page.packing`).

Keys of the mapping: ``ticks`` and ``starts`` of the patterns; ``inputs``, ``targets``, ``care`` and ``spikes``, each a
raster with its number of rows; ``held``, the raster of refractory ticks; ``bands``, the
legend, the sentence and the rows of `snnprog.report.page.bands`; ``wrong`` and ``conflicts`` as lists of ticks
and rows; ``rows``, what is known of each neuron; ``lineNames`` and ``neuronNames``, the names of input
lines and rows; ``unit``, the chip's units of potential in an LSB; ``potentials`` by row; ``synapses`` in columns. What
was not given or not run is null. The scripts know no rule of any chip: what a spike leaves of a potential, and where a
neuron is held, are recorded here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import cast

import numpy as np

from snnprog.arrays import Int64s, Raster
from snnprog.explanation import Explanation, Verdict
from snnprog.judgement import EXTRA, MISSING
from snnprog.program import Program
from snnprog.report.page.bands import bands_of
from snnprog.report.page.packing import PackedPotential, pack_differences, pack_integers, pack_potentials, pack_raster
from snnprog.report.recording import Judged, Nearest, Recording, name_of_row, names_of_rows, rows_of
from snnprog.robustness.verdict import Robustness
from snnprog.simulate.before_reset import thresholds_in_units
from snnprog.spec import Spec

POTENTIALS_LIMIT = 6_000_000  # characters: with the rasters, a page of less than ten megabytes
Chart = dict[str, object]


def charts_of_program(
    program: Program,
    recording: Recording | None,
    *,
    judged: Judged | None,
    distances: Sequence[Nearest],
    kinds: Sequence[str],
    robustness: Robustness | None = None,
) -> Chart:
    """Return the data of a program, with its run if there is one.

    Parameters
    ----------
    distances : sequence of Nearest
        One for each row; empty where nothing was judged.
    kinds : sequence of str
        Whether each row's status is good, bad or open.
    robustness : Robustness, optional
        The verdict under perturbations, whose bands are drawn if something was judged.
    """
    charts = _nothing() | {
        "unit": program.chip.unit,
        "rows": _rows(program, distances, kinds),
        "outputs": program.n_outputs,
        "lines": program.n_inputs,
        "lineNames": program.input_names,
        "neuronNames": names_of_rows(program),
        "synapses": _synapses(program),
    }
    if recording is not None:
        charts |= _run(recording, distances, judged=judged, robustness=robustness)
    if judged is not None:
        charts |= _target_chart(judged.targets, judged.care)
        charts["wrong"] = {kind: _points(judged.wrong_ticks(kind)) for kind in (MISSING, EXTRA)}
    return charts


def charts_of_spec(spec: Spec, explanation: Explanation, *, kinds: Sequence[str]) -> Chart:
    """Return the data of a spec: its inputs, its targets, and contradicting demands."""
    lengths = [pattern.ticks for pattern in spec.patterns]
    starts = (np.cumsum(lengths) - lengths).tolist()
    places = [
        (starts[_source(verdict, each.pattern, given=len(starts))] + each.tick, conflict.neuron)
        for verdict in explanation.verdicts
        for conflict in verdict.conflicts
        for each in conflict.bins
    ]
    columns = ([tick for tick, _ in places], [row for _, row in places])
    names = [spec.output_label(row) for row in range(spec.n_outputs)]
    return {
        **_nothing(),
        **_timeline(sum(lengths), starts, inputs=spec.inputs),
        **_target_chart(spec.targets, spec.care),
        "rows": [{"name": name, "kind": kind} for name, kind in zip(names, kinds, strict=True)],
        "outputs": spec.n_outputs,
        "lines": spec.n_inputs,
        "lineNames": spec.input_names,
        "neuronNames": spec.output_names,
        "conflicts": _points(columns),
    }


def _source(verdict: Verdict, pattern: int, *, given: int) -> int:
    """Return the given pattern that a conflict's pattern is, or was made of by perturbations: these come after it."""
    return pattern if pattern < given else cast("int", verdict.perturbed[pattern - given]["pattern"])


def _nothing() -> Chart:
    names = ("inputs", "targets", "care", "spikes", "wrong", "conflicts", "held", "potentials", "bands", "synapses")
    return {"ticks": 0, "starts": [], "unit": 1, **dict.fromkeys((*names, "lineNames", "neuronNames"))}


def _timeline(ticks: int, starts: Sequence[int], *, inputs: Raster) -> Chart:
    return {"ticks": ticks, "starts": list(starts), "inputs": _raster(inputs)}


def _run(
    recording: Recording, distances: Sequence[Nearest], *, judged: Judged | None, robustness: Robustness | None
) -> Chart:
    order = list(range(recording.program.n_neurons))
    if distances:
        order.sort(key=lambda row: distances[row].margin)
    potentials = pack_potentials(recording, order, budget=POTENTIALS_LIMIT)
    return {
        **_timeline(recording.ticks, recording.starts, inputs=recording.inputs),
        "spikes": _raster(recording.spikes),
        "held": _raster(recording.held) if recording.held.any() else None,
        "potentials": {str(row): asdict(packed) for row, packed in potentials.items()},
        "bands": None if judged is None or robustness is None else _bands(judged, robustness, potentials),
    }


def _bands(judged: Judged, robustness: Robustness, potentials: Mapping[int, PackedPotential]) -> Chart:
    """Return the bands of the neurons whose potentials are on the page, in the characters that these leave."""
    left = POTENTIALS_LIMIT - sum(packed.characters for packed in potentials.values())
    bands = bands_of(judged, robustness, order=list(potentials), budget=left)
    rows = {str(row): asdict(packed) for row, packed in bands.packed.items()}
    return {"legend": bands.legend, "note": bands.note, "rows": rows}


def _target_chart(targets: Raster, care: Raster) -> Chart:
    return {"targets": _raster(targets), "care": None if care.all() else _raster(care)}


def _raster(raster: Raster) -> Mapping[str, object]:
    return {"rows": raster.shape[1], "data": pack_raster(raster)}


def _points(columns: tuple[list[int], list[int]]) -> Mapping[str, list[int]]:
    return {"ticks": columns[0], "rows": columns[1]}


def _rows(program: Program, distances: Sequence[Nearest], kinds: Sequence[str]) -> list[Chart]:
    thresholds = thresholds_in_units(program)[rows_of(program)].tolist()
    found: list[Chart] = [
        {"name": name_of_row(program, row), "kind": kinds[row], "threshold": thresholds[row]}
        for row in range(program.n_neurons)
    ]
    for entry, distance in zip(found, distances, strict=False):
        entry["nearest"] = [distance.spike, distance.silence]
        entry["nearestTicks"] = [distance.spike_tick, distance.silence_tick]
    return found


def _synapses(program: Program) -> Chart:
    """Return the synapses ordered by row, line and delay; lines are inputs, then rows."""
    row_of: Int64s = np.empty(program.n_neurons, dtype=np.int64)
    row_of[rows_of(program)] = np.arange(program.n_neurons)
    lines = np.concatenate([np.arange(program.n_inputs), program.n_inputs + row_of])
    line, row = lines[program.pre], row_of[program.post]
    order = np.lexsort((program.delay, line, row))
    columns = {
        "line": pack_differences(line[order]),
        "row": pack_differences(row[order]),
        "delay": pack_integers(program.delay[order].astype(np.int64)),
        "weight": pack_integers(program.effective_weight()[order]),
    }
    return {name: asdict(packed) for name, packed in columns.items()}
