"""The golden programs: small programs with frozen results that together exercise every step of a chip's rule.

Each has three files in ``golden/<chip>/``, in the formats of a runner: ``NAME.snnp``,
``NAME.stimulus.npz`` and ``NAME.result.npz``. The tests write them and prove that they detect each kind of wrong rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from snnprog.archive import array_of, read_archive, write_archive
from snnprog.backends import read_result, write_stimulus
from snnprog.conformance.trials import Trial
from snnprog.program import load
from snnprog.raster import as_raster
from snnprog.trace import Trace

GOLDEN_FOLDER = Path(__file__).parent / "golden"
RECORDED = ("spikes", "currents", "potentials")


@dataclass(frozen=True, eq=False)
class Golden:
    """A program with its patterns and the expected spikes, currents and potentials."""

    name: str
    trial: Trial
    expected: tuple[Trace, ...]


def golden_programs(chip: str, folder: Path = GOLDEN_FOLDER) -> list[Golden]:
    """Return the golden programs of a chip, by name.

    Raises
    ------
    FormatError
        If a file is missing or damaged.
    """
    return [_read(path) for path in sorted((folder / chip).glob("*.snnp"))]


def write_golden(golden: Golden, folder: Path = GOLDEN_FOLDER) -> None:
    """Write the three files of a golden program; equal programs give equal bytes."""
    program, place = golden.trial.program, folder / golden.trial.program.chip.name
    place.mkdir(parents=True, exist_ok=True)
    program.save(place / f"{golden.name}.snnp")
    write_stimulus(place / f"{golden.name}.stimulus.npz", golden.trial.inputs, state=True)
    arrays: dict[str, NDArray[np.generic]] = {"versions": np.array("{}")}
    for name in RECORDED:
        arrays[name] = np.concatenate([getattr(trace, name) for trace in golden.expected])
    write_archive(place / f"{golden.name}.result.npz", arrays, texts={})


def joined(traces: Sequence[Trace]) -> Trace:
    """Return the traces of programs that ran together as one program."""
    spikes, currents, potentials = (np.hstack([getattr(trace, name) for trace in traces]) for name in RECORDED)
    return Trace(spikes, currents, potentials)


def _read(path: Path) -> Golden:
    program = load(path)
    stimulus = path.with_suffix(".stimulus.npz")
    members = read_archive(stimulus)
    raster, lengths = (array_of(stimulus, members, name=name) for name in ("raster", "lengths"))
    patterns = np.split(as_raster(raster, str(stimulus)), np.cumsum(lengths)[:-1].astype(np.int64))
    expected = read_result(path.with_suffix(".result.npz"), program, rasters=patterns, state=True).traces
    return Golden(path.stem, Trial(program, tuple(patterns)), expected)
