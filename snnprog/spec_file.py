"""``SPEC.toml``: a specification as a file, with rasters in files beside it.

::

    chip = "loihi1"
    delays = "1-16"                        # or [1, 2, 5]
    recurrent = false
    threshold = "free"                     # or a threshold mantissa
    input_names = ["arm", "stop"]          # optional; likewise output_names and hidden_names
    window = [0, 1]                        # likewise all options of `snnprog.spec.options.OPTIONS`

    [dynamics]                             # chip integers, or time constants in ticks
    potential_decay = 205                  # or tau_potential = 19.5
    current_decay = 4095                   # or tau_current = 0.0

    [[patterns]]                           # a file may hold one or several patterns
    inputs = "trials.npz:inputs"           # .npz (with :array if it holds several), or .csv events
    targets = "targets.csv"
    care = "trials.npz:care"               # optional; times that an .nwb file marks as not observed never count
    ticks = 100                            # the sizes: required for .csv, checked for .npz
    n_inputs = 40
    n_outputs = 3
    count = 1                              # patterns in the file; required for .csv with a pattern column
    layout = "neurons,ticks"               # of .npz arrays; default: "ticks,neurons" or "patterns,ticks,neurons"
    dt_ms = 1.0                            # milliseconds of a tick; required for .h5, .nwb, and .csv of times
    starts_ms = [0.0, 500.0]               # where each pattern begins in them; default: one from 0
    input_ids = [4, 7]                     # the SONATA nodes or NWB units that are the inputs, in order
    output_ids = [1]
    merge = false                          # whether several spikes of one neuron in one tick become one; not for .npz

Recordings of event cameras and cochleas (.aedat4, .raw, .dat, .bin, .npy, .hdf5; also in .npz and .h5) require
dt_ms and ticks, and have these additional keys, as in `snnprog.EventView`::

    sensor_size = [34, 34]                 # width and height, if not in the file; channels of a cochlea
    polarity = "both"                      # or "merged", "on", "off"
    region = [0, 0, 17, 34]                # x0, y0, x1, y1
    downsample = 2                         # number of rows, and of columns, that are combined into one
    time_unit = "us"                       # of arrays; other files define theirs
    origin = "first"                       # time 0 is at the first event; default: "zero"
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path

import numpy as np

from snnprog.archive import SIZE_LIMIT_BYTES, read_toml
from snnprog.arrays import Raster
from snnprog.calls import call_checked
from snnprog.checks import as_integer, as_path
from snnprog.chips import Chip, find_chip
from snnprog.errors import FormatError, LimitError, SpecError
from snnprog.files import options_of, split_key
from snnprog.files.bounds import PATTERN_LIMIT
from snnprog.files.event_view import EventView
from snnprog.files.rasters import READ, read_recording
from snnprog.files.reading import Reading, RecordedRasters
from snnprog.names import HIDDEN_NAMES, INPUT_NAMES, OUTPUT_NAMES, Names, as_names
from snnprog.spec import Dynamics, Pattern, Robust, Spec
from snnprog.spec.options import OPTIONS
from snnprog.wording import did_you_mean, meant_file, printable

NAME_KEYS = (INPUT_NAMES, OUTPUT_NAMES, HIDDEN_NAMES)
SPEC_KEYS = ("chip", "delays", *(option.name for option in OPTIONS), *NAME_KEYS, "dynamics", "patterns")
DYNAMICS_KEYS = ("potential_decay", "current_decay", "tau_potential", "tau_current")
ROBUST_KEYS = tuple(field.name for field in fields(Robust))
SIZE_KEYS = ("ticks", "n_inputs", "n_outputs", "count")
READING_KEYS = ("layout", "dt_ms", "starts_ms", "merge")
ID_KEYS = ("input_ids", "output_ids")
VIEW_KEYS = tuple(field.name for field in fields(EventView))
RASTER_KEYS = ("inputs", "targets", "care")
PATTERN_KEYS = (*RASTER_KEYS, *SIZE_KEYS, *READING_KEYS, *ID_KEYS, *VIEW_KEYS)
TOP = "at the top of the file"
PLACES = {
    SPEC_KEYS: "to the top of the file, above [dynamics] and [[patterns]]",
    DYNAMICS_KEYS: "below [dynamics]",
    ROBUST_KEYS: "below [robust]",
    PATTERN_KEYS: "below [[patterns]]",
}
"""Where each group of keys belongs."""

OPTION_HINT = re.compile(r" \(--[a-z-]+(?: on the command line)?\)")
"""An option of a command as readers of rasters name it, beside the key that a file has."""

Table = Mapping[str, object]


@call_checked
def load_spec(path: str | Path, chip: str | Chip | None = None) -> Spec:
    """Read a ``SPEC.toml`` and the raster files that it names, relative to its own folder.

    Parameters
    ----------
    path : str or Path
        The ``SPEC.toml``.
    chip : str or Chip, optional
        The chip to compile for instead of that in the file: a registered name, or a `Chip`. A file can name chips that
        are built in or registered by installed packages, and never causes an import from its folder.

    Raises
    ------
    FormatError
        If the file or one that it names is missing or damaged, or has unknown keys.
    SpecError, LimitError
        If its content is not a valid spec.
    """
    path = as_path("path", path)
    if path.suffix == ".snnp":
        raise FormatError(f"{path} is not a SPEC.toml, but a program; sp.load reads it")
    with _located(path):
        return _read_spec(path, chip)


@contextmanager
def _located(path: Path, where: str = "") -> Iterator[None]:
    """Name the file, and the table in it, in errors that do not name it."""
    try:
        yield
    except (FormatError, LimitError, SpecError) as error:
        words = _in_words_of_toml(str(error))
        if str(path) not in words:
            words = printable(f"{path}, {where}: {words}" if where else f"{path}: {words}")
        error.args = (words,)
        raise


def _in_words_of_toml(message: str) -> str:
    """Return a message with the words of a file: without options of the command line, and with its values."""
    message = message.replace("(merge=True, --merge)", "(merge = true)")
    return OPTION_HINT.sub("", message.replace("must be True or False", "must be true or false"))


def _read_spec(path: Path, chip: str | Chip | None) -> Spec:
    table = read_toml(path)
    if "parts" in table and "patterns" not in table:
        raise FormatError(f"{path} is a SYSTEM.toml, not a SPEC.toml; 'snnprog link {path} -o P.snnp' joins its parts")
    _check_keys(path, TOP, table=table, allowed=SPEC_KEYS)
    options = {name: table[name] for name in (*(option.name for option in OPTIONS), *NAME_KEYS) if name in table}
    if "robust" in options:
        options["robust"] = dict(_check_keys(path, "[robust]", table=options["robust"], allowed=ROBUST_KEYS))
    limits = find_chip(str(table.get("chip", "loihi1")) if chip is None else chip)
    return Spec(
        _patterns(path, table),
        _delays(path, table.get("delays", [1]), chip=limits),
        dynamics=_dynamics(path, table.get("dynamics", {}), chip=limits),
        chip=limits,
        **options,
    )


def spec_files(path: str | Path) -> list[Path]:
    """Return the files that a ``SPEC.toml`` consists of: itself, and the raster files that it names.

    Raises
    ------
    FormatError
        If it is missing or not TOML.
    """
    path = as_path("path", path)
    patterns = read_toml(path).get("patterns")
    entries = [entry for entry in patterns if isinstance(entry, dict)] if isinstance(patterns, list) else []
    names = [entry[key] for entry in entries for key in RASTER_KEYS if isinstance(entry.get(key), str)]
    return [path, *(_raster_file(path, name) for name in names)]


def _raster_file(path: Path, name: str) -> Path:
    return path.parent / split_key(name)[0]


def _check_keys(path: Path, where: str, *, table: object, allowed: tuple[str, ...]) -> Table:
    if not isinstance(table, dict):
        raise FormatError(f"{where} of {path} must be a table with {', '.join(allowed)}, got {table!r}")
    unknown = sorted(set(table) - set(allowed))
    if unknown:
        raise FormatError(f"{path}: {_unknown_key(unknown[0], where, allowed=allowed)}")
    return table


def _unknown_key(key: str, where: str, *, allowed: tuple[str, ...]) -> str:
    """Return what is wrong with a key, and what was meant: in TOML, a key belongs to the table above it."""
    for keys, place in PLACES.items():
        if key in keys:
            return f"{key!r} stands {where if where == TOP else f'in {where}'}; move it {place}"
    place = "" if where == TOP else f" in {where}"
    return f"unknown key {key!r}{place}{did_you_mean(key, allowed) or '; known keys: ' + ', '.join(allowed)}"


def _delays(path: Path, value: object, *, chip: Chip) -> list[int]:
    name = f"{path}, delays: delay"
    delays = [as_integer(name, delay) for delay in value] if isinstance(value, list) else _range(path, value)
    for delay in delays:
        chip.check_range("delay", delay, allowed=chip.delays, hint=f"change delays in {path}")
    return delays


def _range(path: Path, value: object) -> list[int]:
    match = re.fullmatch(r"\s*(\d{1,9})\s*-\s*(\d{1,9})\s*", value) if isinstance(value, str) else None
    if match is None or int(match[2]) > 1000:
        raise FormatError(f"delays in {path} must be a list such as [1, 2, 5] or a range such as '1-16', got {value!r}")
    first, last = int(match[1]), int(match[2])
    if first > last:
        raise FormatError(
            f"delays in {path} must be a range with the lesser number first, got {value!r}; write '{last}-{first}'"
        )
    return list(range(first, last + 1))


def _dynamics(path: Path, value: object, *, chip: Chip) -> Dynamics:
    table = dict(_check_keys(path, "[dynamics]", table=value, allowed=DYNAMICS_KEYS))
    if "tau_potential" in table or "tau_current" in table:
        if set(table) == {"tau_current"}:
            raise FormatError(f"[dynamics] of {path} has tau_current without tau_potential; give both")
        if {"potential_decay", "current_decay"} & set(table):
            raise FormatError(
                f"[dynamics] of {path} mixes decays and time constants; give decays, or tau_potential (and tau_current)"
            )
        potential, current = table["tau_potential"], table.get("tau_current", 0.0)
        with _located(path, "[dynamics]"):
            return Dynamics.from_time_constants(potential, current, chip=chip)  # type: ignore[arg-type]
    with _located(path, "[dynamics]"):
        return replace(Dynamics.usual(chip), **table)  # type: ignore[arg-type]


def _patterns(path: Path, table: Table) -> list[Pattern]:
    entries = table.get("patterns")
    if isinstance(entries, dict):
        raise FormatError(f"{path} has [patterns]; write [[patterns]], because there may be several")
    if not isinstance(entries, list) or not entries:
        raise FormatError(f"{path} has no [[patterns]]; add at least one")
    patterns: list[Pattern] = []
    bins, names = 0, _names(table)
    for index, entry in enumerate(entries):
        with _located(path, f"[[patterns]] number {index}"):
            group = _pattern_group(path, index, value=entry, names=names)
        bins += sum(pattern.inputs.size + 2 * pattern.targets.size for pattern in group)
        patterns += group
        if bins > SIZE_LIMIT_BYTES or len(patterns) > PATTERN_LIMIT:
            raise FormatError(
                f"{path} names {len(patterns)} patterns of {bins} bins by [[patterns]] number {index};"
                f" at most {PATTERN_LIMIT} patterns and {SIZE_LIMIT_BYTES} bins are read"
            )
    return patterns


def _names(table: Table) -> dict[str, Names | None]:
    """Return the names by which files may list lines: key of a file -> names."""
    inputs, outputs = (as_names(key, table.get(key), None) for key in (INPUT_NAMES, OUTPUT_NAMES))
    return {"inputs": inputs, "targets": outputs, "care": outputs}


def _pattern_group(path: Path, index: int, *, value: object, names: Mapping[str, Names | None]) -> list[Pattern]:
    where = f"[[patterns]] number {index}"
    table = _check_keys(path, where, table=value, allowed=PATTERN_KEYS)
    for key in ("inputs", "targets"):
        if key not in table:
            raise FormatError(f"{where} of {path} has no {key}; name a raster file")
    files = _RasterFiles(path, where, table, names)
    inputs = files.read("inputs", "n_inputs", "input_ids")
    files.check_observed("inputs", "input_ids", recording=inputs)
    count = len(inputs.rasters)
    targets = files.read("targets", "n_outputs", "output_ids", count=count)
    cares = targets.observed or [np.ones_like(raster) for raster in targets.rasters]
    if "care" in table:
        cares = _counting(targets.observed, files.read("care", "n_outputs", "output_ids", count=count).rasters)
    files.check_use()
    return [Pattern(*rasters) for rasters in zip(inputs.rasters, targets.rasters, cares, strict=True)]


def _counting(observed: list[Raster] | None, declared: list[Raster]) -> list[Raster]:
    """Return which bins count: those that were observed and that ``care`` selects; `Pattern` refuses other shapes."""
    if observed is None:
        return declared
    return [a & b if a.shape == b.shape else b for a, b in zip(observed, declared, strict=True)]


def _check_exists(file: Path, path: Path) -> None:
    """Raise `FormatError` if a file that a ``SPEC.toml`` names is missing; its reader reports other faults."""
    try:
        file.stat()
    except FileNotFoundError:
        raise FormatError(f"{file}, named in {path}, does not exist{meant_file(file, READ)}") from None
    except (OSError, ValueError):
        return


class _RasterFiles:
    """The files of one of the ``[[patterns]]``: each receives the keys that apply to it."""

    def __init__(self, path: Path, where: str, table: Table, names: Mapping[str, Names | None]) -> None:
        self.path, self.where, self.table, self.names = path, where, table, names
        self.sizes = {key: as_integer(key, table[key]) for key in SIZE_KEYS if key in table}
        self.used: set[str] = set()
        self.view = {key: table[key] for key in VIEW_KEYS if key in table}

    def read(self, key: str, width: str, ids: str, count: int | None = None) -> RecordedRasters:
        """Return the content of the file that an entry names."""
        value = self.table[key]
        if not isinstance(value, str):
            raise FormatError(f"{key} in {self.where} of {self.path} must be a file name, got {value!r}")
        file, part = _raster_file(self.path, value), split_key(value)[1]
        _check_exists(file, self.path)
        given = {option: option for option in READING_KEYS} | {"ids": ids}
        options = options_of(file, part, has_view=bool(self.view))
        chosen = {option: given[option] for option in options if given.get(option) in self.table}
        view = EventView(**self.view) if self.view and "view" in options else None  # type: ignore[arg-type]
        self.used |= set(chosen.values()) | set(self.view if view else ())
        reading = Reading(
            ticks=self.sizes.get("ticks"),
            neurons=self.sizes.get(width),
            patterns=self.sizes.get("count") if count is None else count,
            key=part,
            view=view,
            names=self.names[key],
            source=f"{width} in {self.path.name}",
            **{option: self.table[name] for option, name in chosen.items()},  # type: ignore[arg-type]
        )
        return read_recording(file, reading)

    def check_observed(self, key: str, ids: str, *, recording: RecordedRasters) -> None:
        """Raise `FormatError` where an input was not observed, so that its spikes are unknown."""
        for pattern, observed in enumerate(recording.observed or ()):
            if not observed.all():
                tick, column = (int(index) for index in np.argwhere(~observed)[0])
                raise FormatError(
                    f"{self.where} of {self.path}: {key} must be observed at every tick, and column {column} of"
                    f" {self.table[key]} was not at tick {tick} of pattern {pattern}; give starts_ms and ticks within"
                    f" its obs_intervals, or remove it from {ids}"
                )

    def check_use(self) -> None:
        """Raise `FormatError` where a key applies to none of the files."""
        idle = [key for key in (*READING_KEYS, *ID_KEYS, *VIEW_KEYS) if key in self.table and key not in self.used]
        if idle:
            raise FormatError(
                f"{self.where} of {self.path} has {idle[0]}, which applies to none of its files; remove it"
            )
