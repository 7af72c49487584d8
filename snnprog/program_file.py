"""The program file ``.snnp``: a zip of ``.npy`` arrays (little-endian int32, one axis) and one ``program.json``.

It names its integer rule, so NumPy and the standard library are enough to read it. Equal programs have equal
bytes. The reader checks everything before use; an invalid or unknown value is a `FormatError`.

A file has the lowest version that can express its program, so that older readers refuse newer files instead of running
them incorrectly:

- 1: a chip that the file names (Loihi or Xylo), whose neurons may spike at every tick;
- 2: with refractory periods: the array ``refractory``, and its definition;
- 3: spread over several cores (the array ``core``), or for any other chip, which is described by data under
``hardware``:
  its limits and its rule, see `snnprog.chips.data`. Unknown keys and arrays are refused, because they
  could change the meaning of a program;
- 4: with convolutions (their geometry under ``shared``, and the values of each weight of their kernels, one convolution
  after another, in arrays whose names begin with ``shared_``), or with neurons that are read by their potential (the
  array ``readout``, and the meaning of its numbers);
- 5: with names of input lines (``line_names``) or of neurons (``neuron_names``), which change nothing that it does.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from types import MappingProxyType

import numpy as np

from snnprog.archive import array_of, json_of, read_archive, write_archive
from snnprog.arrays import Int32s, dtype_name
from snnprog.checks import as_integer
from snnprog.chips import CHIPS, Chip, is_named_in_files
from snnprog.chips.data import chip_from_data, chip_to_data
from snnprog.chips.semantics import SEMANTICS
from snnprog.convolution import Convolution
from snnprog.documents import JSON_LIMIT_BYTES
from snnprog.errors import FormatError, SpecError
from snnprog.program_checks import READOUTS
from snnprog.synapses import MOST_CONVOLUTIONS, SHARED_ARRAYS, SIGN_MODES, SYNAPSE_ARRAYS, SharedSynapses
from snnprog.wording import suffix_in_words

FORMAT_NAME = "snnp"
DOCUMENT = "program.json"
NEURON_ARRAYS = ("threshold", "current_decay", "potential_decay", "bias", "refractory")
ARRAYS = ("outputs", *SYNAPSE_ARRAYS, *NEURON_ARRAYS)
ARRAYS_IN: Mapping[int, tuple[str, ...]] = MappingProxyType(
    {1: tuple(name for name in ARRAYS if name != "refractory"), 2: ARRAYS, 3: ARRAYS, 4: ARRAYS, 5: ARRAYS}
)
"""Format version -> the arrays that every file of it has."""
CORE = "core"
"""The array of cores; only files of placed programs have it."""
HARDWARE = "hardware"
"""The key of a chip that is described by data."""
OPEN_SINCE = 3
"""The first format version that may have `CORE` and `HARDWARE`, and refuses unknown content."""
SHARED_SINCE = 4
"""The first format version that may have `SHARED` and `READOUT`."""
NAMED_SINCE = 5
"""The first format version that may have `LINE_NAMES` and `NEURON_NAMES`."""
SUFFIX = ".snnp"
OTHERS: Mapping[str, str] = MappingProxyType(
    {
        ".toml": "a specification; sp.load_spec reads it, and 'snnprog compile {} -o P.snnp' makes a program of it",
        **dict.fromkeys((".npz", ".csv", ".npy", ".h5", ".nwb"), "a file of spikes; sp.read_rasters reads it"),
    }
)
"""Suffixes of files that are taken for programs by mistake -> what they are, and what reads them."""
LINE_NAMES, NEURON_NAMES = "line_names", "neuron_names"
"""The keys of the names of all input lines, and of all neurons, each a list of strings."""
SHARED = "shared"
"""The key of convolutions; their arrays are named ``shared_`` followed by the name of the synapse array."""
READOUT = "readout"
"""The array of readouts, if neurons are read by their potential, and the key of the meaning of its numbers."""
MEANING_OF_READOUT = {str(number): text for number, text in READOUTS.items()}
HELD = "after a spike at tick t the potential is 0, and no spike, at ticks t + 1 to t + refractory - 1"

KEYS = (
    "format",
    "format_version",
    "chip",
    "semantics",
    "sign_modes",
    "n_inputs",
    "n_neurons",
    "n_synapses",
    "provenance",
    "refractory",
)
"""All keys of ``program.json`` from version 3 on, beside `HARDWARE`, `SHARED`, `READOUT` and the keys of names."""


@dataclass(frozen=True, eq=False)
class Content:
    """The content of a program file.

    Attributes
    ----------
    chip : Chip
    n_inputs, n_neurons, n_synapses : int
        All synapses are counted, also those of convolutions.
    provenance : mapping
    arrays : mapping of str to int32
        `ARRAYS`, `CORE` where the program is placed, `READOUT` where not all neurons are read by their spikes; arrays
        that a format version lacks are missing.
    shared : tuple of SharedSynapses
        Convolutions; their synapses are not in the arrays.
    input_names, neuron_names : sequence of str, optional
    """

    chip: Chip
    n_inputs: int
    n_neurons: int
    n_synapses: int
    provenance: Mapping[str, object]
    arrays: Mapping[str, Int32s]
    shared: tuple[SharedSynapses, ...] = ()
    input_names: Sequence[str] | None = None
    neuron_names: Sequence[str] | None = None

    @property
    def names(self) -> dict[str, Sequence[str]]:
        """The names by their key in a file, where there are any."""
        found = {LINE_NAMES: self.input_names, NEURON_NAMES: self.neuron_names}
        return {key: names for key, names in found.items() if names is not None}


def check_is_program(path: Path) -> None:
    """Raise `FormatError` if a file is clearly of another kind, by its suffix, and say what reads it."""
    if path.suffix in OTHERS:
        raise FormatError(f"{path} is not a .snnp program, but {OTHERS[path.suffix].format(path)}")


def write_program(path: Path, content: Content) -> None:
    """Write a program file, atomically; equal content gives equal bytes.

    Raises
    ------
    FormatError
        If the path does not end in .snnp, or the file cannot be written.
    """
    if path.suffix != SUFFIX:
        raise FormatError(f"{path} {suffix_in_words(path)}; programs are written to {SUFFIX}")
    version = _least_version(content)
    document = {
        "format": FORMAT_NAME,
        "format_version": version,
        "chip": content.chip.name,
        "semantics": _semantics(content.chip),
        "sign_modes": {str(mode): name for mode, name in SIGN_MODES.items()},
        "n_inputs": content.n_inputs,
        "n_neurons": content.n_neurons,
        "n_synapses": content.n_synapses,
        "provenance": content.provenance,
    } | _meaning_of_refractory(version)
    if not is_named_in_files(content.chip):
        document[HARDWARE] = chip_to_data(content.chip)
    if content.shared:
        document[SHARED] = [_geometry_to_data(each) for each in content.shared]
    if READOUT in content.arrays:
        document[READOUT] = MEANING_OF_READOUT
    document |= {key: list(names) for key, names in content.names.items()}
    text = json.dumps(document, indent=1, sort_keys=True, allow_nan=False) + "\n"
    if len(text) > JSON_LIMIT_BYTES:
        raise FormatError(f"provenance and names must have at most {JSON_LIMIT_BYTES} bytes as JSON, got {len(text)}")
    names = [*ARRAYS_IN[version], *(name for name in (CORE, READOUT) if name in content.arrays)]
    arrays = {name: content.arrays[name] for name in names} | _shared_arrays(content.shared)
    arrays = {name: array.astype("<i4", copy=False) for name, array in arrays.items()}
    write_archive(path, arrays, texts={DOCUMENT: text})


def read_program(path: Path) -> Content:
    """Read a program file; `snnprog.Program` checks the consistency and range of the values.

    Raises
    ------
    FormatError
        If the file is missing, damaged, of another version or rule.
    """
    members = read_archive(path)
    document = json_of(path, members, name=DOCUMENT)
    version = _version(path, document)
    chip = _chip(path, document, version=version)
    if document.get("sign_modes") != {str(mode): text for mode, text in SIGN_MODES.items()}:
        raise FormatError(f"{path} defines its sign modes differently: {document.get('sign_modes')!r}")
    meant, said = _meaning_of_refractory(version).get("refractory"), document.get("refractory")
    if said != meant:
        raise FormatError(
            f"{path} says {said!r} about refractory periods; in format version {version} that is {meant!r}"
        )
    names = [*ARRAYS_IN[version], *([CORE] if version >= OPEN_SINCE and f"{CORE}.npy" in members else [])]
    later = [name for name in (SHARED, READOUT) if version >= SHARED_SINCE and name in document]
    later += [name for name in (LINE_NAMES, NEURON_NAMES) if version >= NAMED_SINCE and name in document]
    names += [READOUT] if READOUT in later else []
    if version >= OPEN_SINCE:
        _check_known(path, document, (*KEYS, HARDWARE, *later))
        known = [*names, *(_shared_name(name) for name in SHARED_ARRAYS if SHARED in later)]
        _check_known(path, members, (DOCUMENT, *(f"{name}.npy" for name in known)))
    if READOUT in later and document[READOUT] != MEANING_OF_READOUT:
        raise FormatError(f"{path} defines its readouts differently: {str(document[READOUT])[:80]}")
    return Content(
        chip=chip,
        n_inputs=_count_in(path, document, name="n_inputs"),
        n_neurons=_count_in(path, document, name="n_neurons"),
        n_synapses=_count_in(path, document, name="n_synapses"),
        provenance=_object_in(path, document, name="provenance"),
        arrays={name: _array(path, members, name) for name in names},
        shared=_shared(path, members, document[SHARED]) if SHARED in later else (),
        input_names=_names_in(path, document, LINE_NAMES) if LINE_NAMES in later else None,
        neuron_names=_names_in(path, document, NEURON_NAMES) if NEURON_NAMES in later else None,
    )


def _least_version(content: Content) -> int:
    """Return the lowest format version that can hold the program, so that old readers can read it if possible."""
    if content.names:
        return NAMED_SINCE
    if content.shared or READOUT in content.arrays:
        return SHARED_SINCE
    if CORE in content.arrays or not is_named_in_files(content.chip):
        return OPEN_SINCE
    return 2 if bool((content.arrays["refractory"] > 1).any()) else 1


def _semantics(chip: Chip) -> Mapping[str, object]:
    """Return a file's description of a rule: in full, as in version 1, or only its name."""
    return SEMANTICS[chip.rule.name] if is_named_in_files(chip) else {"name": chip.rule.name}


def _meaning_of_refractory(version: int) -> dict[str, object]:
    return {"refractory": HELD} if "refractory" in ARRAYS_IN[version] else {}


def _version(path: Path, document: Mapping[str, object]) -> int:
    if document.get("format") != FORMAT_NAME:
        raise FormatError(f"{path} must be of format {FORMAT_NAME!r}, got {document.get('format')!r}")
    version = document.get("format_version")
    if type(version) is not int or version not in ARRAYS_IN:
        is_newer = type(version) is int and version > max(ARRAYS_IN)
        advice = "; a newer one wrote it: update snnprog" if is_newer else ""
        raise FormatError(f"{path} has format version {version!r}; this snnprog reads 1 to {max(ARRAYS_IN)}{advice}")
    return version


def _chip(path: Path, document: Mapping[str, object], *, version: int) -> Chip:
    """Return the chip that a file contains or names."""
    name, semantics = document.get("chip"), document.get("semantics")
    if version >= OPEN_SINCE and HARDWARE in document:
        try:
            chip = chip_from_data(document[HARDWARE])
        except FormatError as error:
            raise FormatError(f"{HARDWARE} in {path} is not valid: {error}") from error
        if name != chip.name or semantics != {"name": chip.rule.name}:
            raise FormatError(
                f"{path} is for chip {name!r} and rule {semantics!r}, but its {HARDWARE} is {chip.name!r} with"
                f" {chip.rule.name!r}; they must agree"
            )
        return chip
    named = {each.name: each for each in CHIPS.values() if is_named_in_files(each)}
    if not isinstance(name, str) or name not in named:
        raise FormatError(f"{path} is for chip {name!r}; known chips are {', '.join(sorted(named))}")
    if semantics != SEMANTICS[named[name].rule.name]:
        raise FormatError(f"{path} uses another integer rule than this snnprog's {named[name].rule.name!r}")
    return named[name]


def _check_known(path: Path, found: Iterable[str], known: Iterable[str]) -> None:
    unknown = sorted(set(found) - set(known))
    if unknown:
        raise FormatError(
            f"{path} has {unknown[0][:40]!r}, which is unknown to this snnprog; a newer version may have written it"
        )


def _shared_name(name: str) -> str:
    return f"{SHARED}_{name}"


def _shared_arrays(shared: tuple[SharedSynapses, ...]) -> dict[str, Int32s]:
    """Return the values of all weights of all convolutions, one convolution after another."""
    if not shared:
        return {}
    return {_shared_name(name): np.concatenate([getattr(each, name) for each in shared]) for name in SHARED_ARRAYS}


def _geometry_to_data(shared: SharedSynapses) -> dict[str, object]:
    """Return the endpoints and the geometry of a convolution as plain data."""
    geometry = {field.name: getattr(shared.convolution, field.name) for field in fields(Convolution)}
    return {"first_pre": shared.first_pre, "first_post": shared.first_post, **geometry}


def _shared(path: Path, members: Mapping[str, bytes], table: object) -> tuple[SharedSynapses, ...]:
    """Return the convolutions of a file; nothing is unrolled."""
    if not isinstance(table, list) or not 1 <= len(table) <= MOST_CONVOLUTIONS:
        raise FormatError(f"{SHARED} in {path} must be a list of 1 to {MOST_CONVOLUTIONS} convolutions")
    arrays = {name: _array(path, members, _shared_name(name)) for name in SHARED_ARRAYS}
    found, start = [], 0
    for index, entry in enumerate(table):
        try:
            geometry = _geometry_from_data(entry)
            part = slice(start, start + geometry.n_weights)
            found.append(
                SharedSynapses.of(
                    geometry,
                    arrays["weight"][part],
                    first_pre=entry["first_pre"],
                    first_post=entry["first_post"],
                    delay=arrays["delay"][part],
                    exponent=arrays["exponent"][part],
                    sign_mode=arrays["sign_mode"][part],
                )
            )
        except SpecError as error:
            raise FormatError(f"convolution {index} in {path} is not valid: {error}") from error
        start = part.stop
    if any(array.size != start for array in arrays.values()):
        sizes = [array.size for array in arrays.values()]
        raise FormatError(f"the arrays of {SHARED} in {path} must have {start} weights each, got {sizes}")
    return tuple(found)


def _geometry_from_data(entry: object) -> Convolution:
    """Return the geometry of one convolution of a file, which has every key."""
    keys = [field.name for field in fields(Convolution)]
    if not isinstance(entry, dict) or entry.keys() != {"first_pre", "first_post", *keys}:
        raise SpecError(f"it must be an object with the keys first_pre, first_post, {', '.join(keys)}")
    pairs = {name: _pair(name, entry[name]) for name in keys if name != "groups"}
    return Convolution(**pairs, groups=as_integer("groups", entry["groups"]))


def _pair(name: str, value: object) -> tuple[int, int]:
    if isinstance(value, list) and len(value) == 2 and all(type(each) is int for each in value):
        return value[0], value[1]
    raise SpecError(f"{name} must be two integers, got {str(value)[:40]}")


def _array(path: Path, members: Mapping[str, bytes], name: str) -> Int32s:
    array = array_of(path, members, name=name)
    if array.ndim != 1 or array.dtype.str != "<i4":
        raise FormatError(
            f"array {name!r} in {path} must be int32 with one axis, got {dtype_name(array.dtype)} of"
            f" shape {array.shape}"
        )
    return array.astype(np.int32)


def _count_in(path: Path, document: Mapping[str, object], *, name: str) -> int:
    value = document.get(name)
    if type(value) is not int:
        raise FormatError(f"{name} in {path} must be an integer, got {value!r}")
    return value


def _names_in(path: Path, document: Mapping[str, object], key: str) -> list[str]:
    """Return the names of a file; `snnprog.Program` checks each."""
    value = document[key]
    if not isinstance(value, list) or not value or not all(isinstance(each, str) for each in value):
        raise FormatError(f"{key} in {path} must be a list of names, got {str(value)[:80]}")
    return value


def _object_in(path: Path, document: Mapping[str, object], *, name: str) -> dict[str, object]:
    value = document.get(name)
    if not isinstance(value, dict):
        raise FormatError(f"{name} in {path} must be an object, got {value!r}")
    return value
