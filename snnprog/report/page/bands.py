"""The band of potentials that all perturbed inputs can reach, for each neuron that outputs depend on.

The band of a neuron is calculated from the spikes of the run that the page shows. If the program is proved robust by
its rows, every neuron has these spikes under every perturbation, and the band contains every potential. Otherwise, it
contains them up to the first tick at which some neuron spikes differently, and the page says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from snnprog.arrays import Int64s
from snnprog.program import Program
from snnprog.report.page.packing import PackedBand, pack_band
from snnprog.report.recording import Judged, Recording, rows_of
from snnprog.robustness.neurons import DrivenNeuron, fibres_of, neurons_that_count
from snnprog.robustness.verdict import Robustness
from snnprog.spec import Robust
from snnprog.wording import counted

LEGEND = "all perturbed inputs"


@dataclass(frozen=True)
class Bands:
    """The bands of a page.

    Attributes
    ----------
    legend, note : str
        What the band is, in brief (empty if there is none), and in a sentence.
    packed : mapping of int to PackedBand
        By row.
    """

    legend: str
    note: str
    packed: Mapping[int, PackedBand] = field(default_factory=dict)


def bands_of(judged: Judged, robustness: Robustness, *, order: Sequence[int], budget: int) -> Bands:
    """Return the bands of the neurons that the outputs that count depend on.

    Parameters
    ----------
    robustness : Robustness
        The verdict, with the perturbations.
    order : sequence of int
        The rows to take; the bands of the last ones are omitted if they are too long together.
    budget : int
        The greatest number of characters of all bands together.
    """
    recording, robust = judged.recording, robustness.robust
    program = recording.program
    is_proved = robustness.holds and robustness.runs == 0
    if not is_proved and _may_spike_often(program):
        return Bands(
            "",
            f"There is no band of all perturbed inputs ({robust}): a neuron of {program.chip.name} may spike several"
            " times in a tick, and that none does is not proved.",
        )
    wanted = neurons_that_count(program, np.flatnonzero(judged.care.any(axis=0)).tolist())
    rows = [row for row in order if recording.rows[row] in wanted]
    packed: dict[int, PackedBand] = {}
    for row in rows:
        band = band_of(recording, row, robust)
        if band is not None:
            one = pack_band(band)
            budget -= one.characters
            if budget < 0:
                break
            packed[row] = one
    return Bands(f"{LEGEND} ({robust})", _note(robust, is_proved=is_proved, omitted=len(rows) - len(packed)), packed)


def band_of(recording: Recording, row: int, robust: Robust) -> Int64s | None:
    """Return the least and the greatest potential of a row before its reset, in the chip's units.

    Returns
    -------
    (2, ticks) int64 or None
        None if a state of the neuron might leave the range in which all runtimes agree.
    """
    program, neuron = recording.program, int(recording.rows[row])
    spikes = np.empty_like(recording.spikes)
    spikes[:, rows_of(program)] = recording.spikes
    lines = np.concatenate([recording.inputs, spikes], axis=1)
    fibres, bands = fibres_of(program, neuron, robust), []
    for rasters in np.split(lines, recording.starts[1:]):
        driven = DrivenNeuron(program, neuron, fibres=fibres, rasters=rasters, robust=robust)
        if not driven.is_portable:
            return None
        bands.append(driven.band)
    return np.concatenate(bands, axis=1)


def _may_spike_often(program: Program) -> bool:
    return program.chip.linear_rule(*program.chip.usual_decays).most_spikes > 1


def _note(robust: Robust, *, is_proved: bool, omitted: int) -> str:
    contains = f"The translucent band contains every potential under all perturbations ({robust}), rounding included"
    until = "" if is_proved else ", up to the first tick at which the spikes of some neuron differ from those shown"
    left_out = (
        f" {counted(omitted, 'band')} {'is' if omitted == 1 else 'are'} omitted: too long for the page, or the"
        " potential may leave the chip's range."
    )
    return f"{contains}{until}.{left_out if omitted else ''}"
