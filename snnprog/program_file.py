"""The program file: a zip of ``.npy`` arrays (little-endian int32, one axis) and one ``program.json``.

It says which integer rule it means, so NumPy and the standard library are enough to read it. Equal programs are equal
bytes. A reader checks everything before it believes anything; what it cannot vouch for is a `FormatError`.

A file has the least version that can say what its program needs, so that whoever knows no more refuses the others and
does not run them wrongly:

- 1: a chip that is built in, by name, whose neurons may spike at every tick;
- 2: with refractory periods: the array ``refractory``, and what it means;
- 3: spread over several cores (the array ``core``), or for a chip that is not built in, which is there as data under
  ``hardware``: its limits and its rule, see `snnprog.chips.data`. Nothing else may be in it, because keys and arrays
  that a reader does not know could change what a program does.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np

from snnprog.archive import array_of, json_of, read_archive, write_archive
from snnprog.arrays import Int32s
from snnprog.chips import CHIPS, Chip, is_built_in
from snnprog.chips.data import chip_from_data, chip_to_data
from snnprog.chips.semantics import SEMANTICS
from snnprog.documents import JSON_LIMIT_BYTES
from snnprog.errors import FormatError

FORMAT_NAME = "snnp"
DOCUMENT = "program.json"
SYNAPSE_ARRAYS = ("pre", "post", "delay", "weight", "exponent", "sign_mode")
NEURON_ARRAYS = ("threshold", "current_decay", "potential_decay", "bias", "refractory")
ARRAYS = ("outputs", *SYNAPSE_ARRAYS, *NEURON_ARRAYS)
ARRAYS_IN: Mapping[int, tuple[str, ...]] = MappingProxyType(
    {1: tuple(name for name in ARRAYS if name != "refractory"), 2: ARRAYS, 3: ARRAYS}
)
"""Format version -> the arrays that every file of it has."""
CORE = "core"
"""An array that only the file of a placed program has."""
HARDWARE = "hardware"
"""The key of a chip that is not built in."""
OPEN_SINCE = 3
"""The first format version that may have `CORE` and `HARDWARE`, and has nothing that is not known."""

MIXED, EXCITATORY, INHIBITORY = 1, 2, 3
SIGN_MODES: Mapping[int, str] = MappingProxyType({MIXED: "mixed", EXCITATORY: "excitatory", INHIBITORY: "inhibitory"})
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
"""All keys of ``program.json`` in version 3, beside `HARDWARE`."""


@dataclass(frozen=True, eq=False)
class Content:
    """What a program file holds.

    Attributes
    ----------
    chip : Chip
    n_inputs, n_neurons, n_synapses : int
    provenance : mapping
    arrays : mapping of str to int32
        `ARRAYS`, and `CORE` where the program is placed; what is read of a version without an array is without it.
    """

    chip: Chip
    n_inputs: int
    n_neurons: int
    n_synapses: int
    provenance: Mapping[str, object]
    arrays: Mapping[str, Int32s]


def write_program(path: Path, content: Content) -> None:
    """Write a program file, atomically; equal content gives equal bytes.

    Raises
    ------
    FormatError
        If the file cannot be written.
    """
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
    if not is_built_in(content.chip):
        document[HARDWARE] = chip_to_data(content.chip)
    text = json.dumps(document, indent=1, sort_keys=True, allow_nan=False) + "\n"
    if len(text) > JSON_LIMIT_BYTES:
        raise FormatError(f"provenance has {len(text)} bytes as JSON; a program file holds up to {JSON_LIMIT_BYTES}")
    names = [*ARRAYS_IN[version], *([CORE] if CORE in content.arrays else [])]
    arrays = {name: content.arrays[name].astype("<i4") for name in names}
    write_archive(path, arrays, texts={DOCUMENT: text})


def read_program(path: Path) -> Content:
    """Read a program file. Whether the values go together, and are the chip's, is left to `snnprog.Program`.

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
        raise FormatError(f"{path} numbers its sign modes otherwise: {document.get('sign_modes')!r}")
    meant, said = _meaning_of_refractory(version).get("refractory"), document.get("refractory")
    if said != meant:
        raise FormatError(f"{path} says {said!r} of refractory periods; in format version {version} that is {meant!r}")
    names = [*ARRAYS_IN[version], *([CORE] if version >= OPEN_SINCE and f"{CORE}.npy" in members else [])]
    if version >= OPEN_SINCE:
        _check_known(path, document, (*KEYS, HARDWARE))
        _check_known(path, members, (DOCUMENT, *(f"{name}.npy" for name in names)))
    return Content(
        chip=chip,
        n_inputs=_count_in(path, document, name="n_inputs"),
        n_neurons=_count_in(path, document, name="n_neurons"),
        n_synapses=_count_in(path, document, name="n_synapses"),
        provenance=_object_in(path, document, name="provenance"),
        arrays={name: _array(path, members, name) for name in names},
    )


def _least_version(content: Content) -> int:
    """Return the least format version that holds all that the program has, so that old readers read what they can."""
    if CORE in content.arrays or not is_built_in(content.chip):
        return OPEN_SINCE
    return 2 if bool((content.arrays["refractory"] > 1).any()) else 1


def _semantics(chip: Chip) -> Mapping[str, object]:
    """Return what a file says of a rule beside its chip: all, as since version 1, or only how it is called."""
    return SEMANTICS[chip.rule.name] if is_built_in(chip) else {"name": chip.rule.name}


def _meaning_of_refractory(version: int) -> dict[str, object]:
    return {"refractory": HELD} if "refractory" in ARRAYS_IN[version] else {}


def _version(path: Path, document: Mapping[str, object]) -> int:
    if document.get("format") != FORMAT_NAME:
        raise FormatError(f"{path} is of format {document.get('format')!r}; {FORMAT_NAME!r} is needed")
    version = document.get("format_version")
    if type(version) is not int or version not in ARRAYS_IN:
        raise FormatError(f"{path} has format version {version!r}; this snnprog reads 1 to {max(ARRAYS_IN)}")
    return version


def _chip(path: Path, document: Mapping[str, object], *, version: int) -> Chip:
    """Return the chip that a file carries, or names."""
    name, semantics = document.get("chip"), document.get("semantics")
    if version >= OPEN_SINCE and HARDWARE in document:
        try:
            chip = chip_from_data(document[HARDWARE])
        except FormatError as error:
            raise FormatError(f"{HARDWARE} in {path} is not valid: {error}") from error
        if name != chip.name or semantics != {"name": chip.rule.name}:
            raise FormatError(
                f"{path} is for chip {name!r} and rule {semantics!r}, but its {HARDWARE} is {chip.name!r} with"
                f" {chip.rule.name!r}; they must be the same"
            )
        return chip
    if not isinstance(name, str) or name not in CHIPS:
        raise FormatError(f"{path} is for chip {name!r}; known chips are {', '.join(sorted(CHIPS))}")
    if semantics != SEMANTICS[CHIPS[name].rule.name]:
        raise FormatError(f"{path} means another integer rule than this snnprog's {CHIPS[name].rule.name!r}")
    return CHIPS[name]


def _check_known(path: Path, found: Iterable[str], known: Iterable[str]) -> None:
    unknown = sorted(set(found) - set(known))
    if unknown:
        raise FormatError(
            f"{path} has {unknown[0][:40]!r}, which this snnprog does not know; a newer one may have written it"
        )


def _array(path: Path, members: Mapping[str, bytes], name: str) -> Int32s:
    array = array_of(path, members, name=name)
    if array.ndim != 1 or array.dtype.str != "<i4":
        raise FormatError(
            f"array {name!r} in {path} is {array.dtype.str} of shape {array.shape}; one axis of <i4 is needed"
        )
    return array.astype(np.int32)


def _count_in(path: Path, document: Mapping[str, object], *, name: str) -> int:
    value = document.get(name)
    if type(value) is not int:
        raise FormatError(f"{name} in {path} is {value!r}; a whole number is needed")
    return value


def _object_in(path: Path, document: Mapping[str, object], *, name: str) -> dict[str, object]:
    value = document.get(name)
    if not isinstance(value, dict):
        raise FormatError(f"{name} in {path} is {value!r}; an object is needed")
    return value
