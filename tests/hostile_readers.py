"""How each kind of untrusted file is read, and which errors it may cause."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from hostile_files import good_program

import snnprog as sp
from snnprog.backends.execution import read_result
from snnprog.backends.folder import find_backend
from snnprog.files import read_rasters
from snnprog.files.event_files import rasters_of_recordings
from snnprog.files.event_hdf5 import PARTS as EVENT_PARTS
from snnprog.files.event_hdf5 import recordings_of_hdf5
from snnprog.files.event_view import EventView
from snnprog.files.hdf5 import Hdf5
from snnprog.files.hdf5_copy import RefusalError
from snnprog.files.hdf5_process import copy_parts
from snnprog.files.nwb import PARTS, recording_of_nwb
from snnprog.files.reading import Reading
from snnprog.files.sonata import rasters_of_sonata
from snnprog.networks import quantize
from snnprog.networks.convention import EXPORTERS, ZERO, Convention
from snnprog.networks.graph import graph_of_file
from snnprog.networks.importing import network_of
from snnprog.networks.lava_dl import PARTS as PARTS_OF_NET
from snnprog.networks.lava_dl import network_of_layers
from snnprog.spec_file import load_spec

Reader = tuple[Callable[[Path], object], tuple[type[Exception], ...]]


def read_program(path: Path) -> object:
    program = sp.load(path)
    program.save(path.with_name("again.snnp"))
    again = sp.load(path.with_name("again.snnp"))
    assert again.provenance == program.provenance
    assert all(np.array_equal(getattr(again, name), getattr(program, name)) for name in ("pre", "weight", "bias"))
    return program


def read_raster(path: Path) -> object:
    return read_rasters(path, key="inputs", ticks=9, neurons=2)


def read_events(path: Path) -> object:
    """Read events, those listed twice as one: almost all changed files list some so, and would be refused for it."""
    return read_rasters(path, ticks=9, neurons=2, merge=True)


def read_answer(path: Path) -> object:
    return read_result(path, good_program(), rasters=[np.zeros((9, 2), dtype=bool)], state=True)


def read_backend(path: Path) -> object:
    return find_backend(path.parent.name)


READERS: Mapping[str, Reader] = {
    "program": (read_program, (sp.FormatError,)),
    "hardware": (read_program, (sp.FormatError,)),
    "shared": (read_program, (sp.FormatError,)),
    "raster": (read_raster, (sp.FormatError,)),
    "events": (read_events, (sp.FormatError,)),
    "spec": (load_spec, (sp.FormatError, sp.SpecError, sp.LimitError)),
    "result": (read_answer, (sp.FormatError,)),
    "backend": (read_backend, (sp.BackendError,)),
}


# ---------------------------------------------------------------- HDF5, in this process

READING = Reading(dt_ms=1.0, ticks=9, merge=True)


def _rasters_of_sonata(file: Hdf5) -> object:
    return rasters_of_sonata(file, Reading(dt_ms=1.0, ticks=9, neurons=2, merge=True))


def _recording_of_nwb(file: Hdf5) -> object:
    return recording_of_nwb(file, READING)


def _program_of_nir(file: Hdf5) -> object:
    return quantize(network_of(graph_of_file(file), 0.001, convention=Convention(ZERO)))


def _rasters_of_events(key: str | None) -> Callable[[Hdf5], object]:
    view = EventView(sensor_size=(2, 1))
    reading = Reading(dt_ms=1.0, ticks=9, merge=True, view=view)
    return lambda file: rasters_of_recordings(file.path, recordings_of_hdf5(file, key), reading)


def _program_of_net(file: Hdf5) -> object:
    return quantize(network_of_layers(file, 1.0, convention=EXPORTERS["lava-dl"].convention))


def _read_here(parts: Sequence[str], read: Callable[[Hdf5], object]) -> Reader:
    """Return a reader of HDF5 that does all of it in this process, also what another process does for users."""
    refusals = (sp.FormatError, sp.LimitError, RefusalError)
    return lambda path: read(Hdf5.of(path, copy_parts(str(path), parts, rows=(0, 3)))), refusals


HDF5_READERS: Mapping[str, Reader] = {
    "sonata": _read_here(("spikes",), _rasters_of_sonata),
    "nwb": _read_here(PARTS, _recording_of_nwb),
    "nir": _read_here(("node",), _program_of_nir),
    "cochlea": _read_here(EVENT_PARTS, _rasters_of_events("0-2")),
    "camera": _read_here(EVENT_PARTS, _rasters_of_events(None)),
    "net": _read_here(PARTS_OF_NET, _program_of_net),
}


def is_refused(kind: str, path: Path) -> bool:
    """Return whether the public reader of a kind refuses a file."""
    try:
        if kind == "nir":
            sp.from_nir(path, dt_ms=1.0, reset="zero")
        elif kind in ("cochlea", "camera"):
            view = EventView(sensor_size=(2, 1))
            sp.read_rasters(path, key="0-2" if kind == "cochlea" else None, dt_ms=1.0, ticks=9, merge=True, view=view)
        elif kind == "net":
            sp.from_net(path)
        elif kind == "nwb":
            sp.read_rasters(path, dt_ms=1.0, ticks=9)
        else:
            sp.read_rasters(path, dt_ms=1.0, ticks=9, neurons=2)
    except sp.FormatError:
        return True
    return False
