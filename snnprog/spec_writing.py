"""Write a spec as a ``SPEC.toml`` with CSV files beside it, the counterpart of `snnprog.spec_file`.

``SPEC.toml`` gets ``SPEC_inputs.csv`` and ``SPEC_targets.csv``, and ``SPEC_care.csv`` where bins do not count. A CSV
file holds patterns of one length: if patterns differ in length, each group has its own files, ``SPEC_0_inputs.csv`` and
so on.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from snnprog.calls import call_checked
from snnprog.checks import as_path, check_type
from snnprog.chips import Chip, find_chip
from snnprog.errors import FormatError, SpecError
from snnprog.files import split_key, write_rasters
from snnprog.output_files import write_bytes
from snnprog.spec import Pattern, Spec
from snnprog.spec_file import NAME_KEYS, RASTER_KEYS
from snnprog.version import __version__

EVERY_STREAM = (
    "# These patterns decide what the outputs do on every input stream (see docs/how-to/specs.md).",
    "# A file cannot say so: a warning of 'snnprog compile' about few spikes for many synapses does not apply.",
)
"""Comments in the file of a spec with an automaton."""


@call_checked
def save_spec(spec: Spec, path: str | Path) -> None:
    """Write a spec as a ``SPEC.toml``, with its spikes in CSV files beside it; `load_spec` reads an equal spec.

    The names of the CSV files begin with the stem of the path, as in ``SPEC_inputs.csv``. Existing files are replaced.
    The file does not hold the spec's ``automaton``; a comment says that there was one.

    Parameters
    ----------
    spec : Spec
        Its chip must be a registered one, because a ``SPEC.toml`` names its chip.
    path : str or Path
        The file to write; it ends in ``.toml``.

    Raises
    ------
    FormatError
        If the path does not end in ``.toml``, or a file cannot be written.
    SpecError
        If the chip has no registered name.
    """
    check_type("spec", spec, kind=Spec)
    path = as_path("path", path)
    if path.suffix != ".toml" or split_key(path.name) != (path.name, None):
        raise FormatError(f"{path} must end in .toml, such as SPEC.toml")
    _check_chip(spec.chip)
    lines = [f"# Written by snnprog {__version__}", *([] if spec.automaton is None else EVERY_STREAM), *_options(spec)]
    groups = [list(each) for _, each in groupby(spec.patterns, key=lambda pattern: pattern.ticks)]
    for number, group in enumerate(groups):
        stem = path.stem if len(groups) == 1 else f"{path.stem}_{number}"
        lines += ["", "[[patterns]]", *_written(spec, group, path.parent, stem=stem)]
    write_bytes(path, ("\n".join(lines) + "\n").encode())


def _check_chip(chip: Chip) -> None:
    try:
        is_registered = find_chip(chip.name) == chip
    except SpecError:
        is_registered = False
    if not is_registered:
        raise SpecError(
            f"a SPEC.toml names its chip, and {chip.name} is not registered under this name; register it in an entry"
            " point snnprog.chips, or save a spec with a registered chip and read it with load_spec(path, chip=…)"
        )


def _options(spec: Spec) -> Iterator[str]:
    """Yield the lines above the patterns: keys, and then tables."""
    changed = spec.changed_options
    robust = None if spec.robust is None else spec.robust.to_data()
    names = {key: getattr(spec, key) for key in NAME_KEYS if getattr(spec, key) is not None}
    keys = {"chip": spec.chip.name, "delays": spec.delays, **changed, **names}
    yield from (f"{key} = {_toml(value)}" for key, value in keys.items() if key != "robust")
    dynamics = {name: getattr(spec.dynamics, name) for name in ("potential_decay", "current_decay")}
    for name, table in {"robust": robust, "dynamics": dynamics}.items():
        if table is not None:
            yield from ("", f"[{name}]", *(f"{key} = {_toml(value)}" for key, value in table.items()))


def _written(spec: Spec, patterns: Sequence[Pattern], folder: Path, *, stem: str) -> Iterator[str]:
    """Write the rasters of patterns of one length, and yield the lines that name them."""
    columns = {"inputs": spec.input_names, "targets": spec.output_names, "care": spec.output_names}
    for key in RASTER_KEYS:
        if key != "care" or not all(pattern.care.all() for pattern in patterns):
            name = f"{stem}_{key}.csv"
            write_rasters(folder / name, [getattr(pattern, key) for pattern in patterns], names=columns[key])
            yield f"{key} = {_toml(name)}"
    yield from (f"ticks = {patterns[0].ticks}", f"n_inputs = {spec.n_inputs}", f"n_outputs = {spec.n_outputs}")
    yield f"count = {len(patterns)}"


def _toml(value: object) -> str:
    """Return a boolean, a number, a string or a list of these in TOML, whose strings are those of JSON."""
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value, ensure_ascii=False)
