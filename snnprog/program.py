"""The compiled program: a chip's integers, the rule they mean, and where they came from; and its file.

A ``.snnp`` file is a zip of ``.npy`` arrays (little-endian int32, one axis) and one ``program.json``. It names its
integer rule in full, so NumPy and the standard library are enough to read it. Equal programs are equal bytes. A reader
checks everything before it believes anything; what it cannot vouch for is a `FormatError`.

Synapse s carries a spike of ``pre[s]`` at tick t to neuron ``post[s]`` at tick ``t + delay[s]``, where it adds
``weight[s] << exponent[s]``. ``pre < n_inputs`` is an input line, any other is neuron ``pre - n_inputs``. The sign mode
tells which format holds the weight: one-sided formats have steps of 1, the mixed one has steps of 2.

A file in which every neuron may spike at every tick has format version 1 and no refractory periods. One with them has
version 2, the array, and what it means: whoever does not know of them refuses the file and does not run it wrongly.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike

from snnprog.archive import array_of, json_of, read_archive, write_archive
from snnprog.arrays import Int32s, Int64s
from snnprog.checks import as_integer
from snnprog.chips import CHIPS, Chip, Wiring, find_chip
from snnprog.documents import JSON_LIMIT_BYTES, check_depth
from snnprog.errors import FormatError, LimitError, SpecError

FORMAT_NAME = "snnp"
DOCUMENT = "program.json"
SYNAPSE_ARRAYS = ("pre", "post", "delay", "weight", "exponent", "sign_mode")
NEURON_ARRAYS = ("threshold", "current_decay", "potential_decay", "bias", "refractory")
ARRAYS = ("outputs", *SYNAPSE_ARRAYS, *NEURON_ARRAYS)
ARRAYS_IN: Mapping[int, tuple[str, ...]] = MappingProxyType(
    {1: tuple(name for name in ARRAYS if name != "refractory"), 2: ARRAYS}
)
"""Format version -> the arrays of a file."""

MIXED, EXCITATORY, INHIBITORY = 1, 2, 3
SIGN_MODES: Mapping[int, str] = MappingProxyType({MIXED: "mixed", EXCITATORY: "excitatory", INHIBITORY: "inhibitory"})
COUNT_LIMIT = 1 << 24
HELD = "after a spike at tick t the potential is 0, and no spike, at ticks t + 1 to t + refractory - 1"


@dataclass(frozen=True, eq=False)
class Program:
    """Int32s that a chip runs. Make one by compiling a spec, by `from_arrays`, or by `load`.

    Attributes
    ----------
    chip : Chip
        Whose integers and rule these are.
    n_inputs, n_neurons : int
        Numbers of input lines and of neurons.
    outputs : (outputs,) int32
        Which neurons are read out, in order.
    pre, post, delay, weight, exponent, sign_mode : (synapses,) int32
        The synapses; see the module's text.
    threshold, current_decay, potential_decay, bias : (neurons,) int32
        Threshold mantissa (the potential must exceed it times 64), the two decays, and the effective bias.
    refractory : (neurons,) int32
        Refractory period in ticks: after a spike at tick t the potential is 0 until tick t + refractory, and integrates
        from then on; 1 for a neuron that may spike at every tick, which all are unless said.
    provenance : dict
        Where the program came from: spec digest, versions, seed, status and margin of each neuron.

    Raises
    ------
    SpecError
        If arrays do not go together.
    LimitError
        If a value is outside the chip's range.
    """

    chip: Chip
    n_inputs: int
    n_neurons: int
    outputs: Int32s
    pre: Int32s
    post: Int32s
    delay: Int32s
    weight: Int32s
    exponent: Int32s
    sign_mode: Int32s
    threshold: Int32s
    current_decay: Int32s
    potential_decay: Int32s
    bias: Int32s
    refractory: Int32s
    provenance: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "chip", find_chip(self.chip))
        for name in ("n_inputs", "n_neurons"):
            object.__setattr__(self, name, as_integer(name, getattr(self, name)))
            _check_count(name, getattr(self, name), least=0 if name == "n_inputs" else 1)
        for name in ARRAYS:
            object.__setattr__(self, name, _as_int32(name, getattr(self, name)))
        object.__setattr__(self, "provenance", _as_plain("provenance", self.provenance))
        _check_lengths(self)
        _check_values(self)

    @classmethod
    def from_arrays(
        cls,
        *,
        chip: str | Chip,
        n_inputs: int,
        n_neurons: int,
        outputs: ArrayLike,
        pre: ArrayLike,
        post: ArrayLike,
        delay: ArrayLike,
        weight: ArrayLike,
        exponent: ArrayLike,
        threshold: ArrayLike,
        current_decay: ArrayLike,
        potential_decay: ArrayLike,
        bias: ArrayLike,
        sign_mode: ArrayLike | None = None,
        refractory: ArrayLike | None = None,
        provenance: Mapping[str, object] | None = None,
    ) -> Program:
        """Make a program by hand, in chip integers.

        Parameters
        ----------
        chip : str or Chip
            Whose integers and rule these are: the name of a registered chip, or a `Chip`.
        n_inputs, n_neurons
            As in `Program`.
        outputs : (outputs,) int
        pre, post, delay, weight, exponent : (synapses,) int
            ``pre`` below ``n_inputs`` is an input line, any other neuron ``pre - n_inputs``; delays in ticks.
        threshold, current_decay, potential_decay, bias : (neurons,) int
        sign_mode : (synapses,) int, optional
            1 mixed, 2 excitatory, 3 inhibitory; unless given, each weight is held one-sided: negative ones in the
            inhibitory format, all others in the excitatory one.
        refractory : (neurons,) int, optional
            As in `Program`; unless given, every neuron may spike at every tick.
        provenance : mapping, optional
            Where it comes from; plain data.

        Raises
        ------
        SpecError
            If arrays do not go together.
        LimitError
            If a value is outside the chip's range.
        """
        weights = _as_int32("weight", weight)
        modes = np.where(weights < 0, INHIBITORY, EXCITATORY) if sign_mode is None else sign_mode
        given: dict[str, ArrayLike] = {
            "outputs": outputs, "pre": pre, "post": post, "delay": delay, "weight": weights, "exponent": exponent,
            "sign_mode": modes, "threshold": threshold, "current_decay": current_decay,
            "potential_decay": potential_decay, "bias": bias,
            "refractory": np.ones_like(_as_int32("threshold", threshold)) if refractory is None else refractory,
        }  # fmt: skip
        arrays = {name: _as_int32(name, values) for name, values in given.items()}
        return cls(chip=find_chip(chip), n_inputs=n_inputs, n_neurons=n_neurons, provenance=provenance or {}, **arrays)

    @property
    def n_outputs(self) -> int:
        """Number of neurons that are read out."""
        return int(self.outputs.size)

    @property
    def n_synapses(self) -> int:
        """Number of synapses."""
        return int(self.pre.size)

    @property
    def max_delay(self) -> int:
        """The longest delay in use, in ticks; 1 where there is no synapse."""
        return int(self.delay.max(initial=1))

    @property
    def has_refractory(self) -> bool:
        """Whether any neuron has a refractory period of more than its own tick."""
        return bool((self.refractory > 1).any())

    def effective_weight(self) -> Int64s:
        """Return what each synapse adds when it carries a spike: ``weight << exponent``."""
        return self.weight.astype(np.int64) << self.exponent

    def save(self, path: str | Path) -> None:
        """Write the program file, atomically; equal programs give equal bytes.

        Raises
        ------
        FormatError
            If the file cannot be written.
        """
        version = 2 if self.has_refractory else 1
        document = {
            "format": FORMAT_NAME,
            "format_version": version,
            "chip": self.chip.name,
            "semantics": self.chip.semantics.as_dict(),
            "sign_modes": {str(mode): name for mode, name in SIGN_MODES.items()},
            "n_inputs": self.n_inputs,
            "n_neurons": self.n_neurons,
            "n_synapses": self.n_synapses,
            "provenance": self.provenance,
        } | _meaning_of_refractory(version)
        text = json.dumps(document, indent=1, sort_keys=True, allow_nan=False) + "\n"
        if len(text) > JSON_LIMIT_BYTES:
            raise FormatError(
                f"provenance has {len(text)} bytes as JSON; a program file holds up to {JSON_LIMIT_BYTES}"
            )
        arrays = {name: getattr(self, name).astype("<i4") for name in ARRAYS_IN[version]}
        write_archive(Path(path), arrays, {DOCUMENT: text})


def load(path: str | Path) -> Program:
    """Read a program file, checking everything.

    Raises
    ------
    FormatError
        If the file is missing, damaged, of another version or rule, or holds values that the chip does not have.
    """
    path = Path(path)
    members = read_archive(path)
    document = json_of(path, members, DOCUMENT)
    chip, version = _check_document(path, document)
    arrays: dict[str, Int32s] = {}
    for name in ARRAYS_IN[version]:
        array = array_of(path, members, name)
        if array.ndim != 1 or array.dtype.str != "<i4":
            raise FormatError(
                f"array {name!r} in {path} is {array.dtype.str} of shape {array.shape}; one axis of <i4 is needed"
            )
        arrays[name] = array.astype(np.int32)
    try:
        program = Program.from_arrays(
            chip=chip,
            n_inputs=_count_in(path, document, "n_inputs"),
            n_neurons=_count_in(path, document, "n_neurons"),
            provenance=_object_in(path, document, "provenance"),
            **arrays,
        )
    except (SpecError, LimitError) as error:
        raise FormatError(f"{path} holds no valid program: {error}") from error
    if program.n_synapses != _count_in(path, document, "n_synapses"):
        raise FormatError(f"{path} announces {document['n_synapses']} synapses and holds {program.n_synapses}")
    return program


def _meaning_of_refractory(version: int) -> dict[str, str]:
    return {"refractory": HELD} if "refractory" in ARRAYS_IN[version] else {}


def _check_document(path: Path, document: Mapping[str, object]) -> tuple[Chip, int]:
    """Return the chip and the format version."""
    if document.get("format") != FORMAT_NAME:
        raise FormatError(f"{path} is of format {document.get('format')!r}; {FORMAT_NAME!r} is needed")
    version = document.get("format_version")
    if type(version) is not int or version not in ARRAYS_IN:
        raise FormatError(f"{path} has format version {version!r}; this snnprog reads 1 to {max(ARRAYS_IN)}")
    name = document.get("chip")
    if not isinstance(name, str) or name not in CHIPS:
        raise FormatError(f"{path} is for chip {name!r}; known chips are {', '.join(sorted(CHIPS))}")
    if document.get("semantics") != CHIPS[name].semantics.as_dict():
        raise FormatError(f"{path} means another integer rule than this snnprog's {CHIPS[name].semantics.name!r}")
    if document.get("sign_modes") != {str(mode): text for mode, text in SIGN_MODES.items()}:
        raise FormatError(f"{path} numbers its sign modes otherwise: {document.get('sign_modes')!r}")
    meant, said = _meaning_of_refractory(version).get("refractory"), document.get("refractory")
    if said != meant:
        raise FormatError(f"{path} says {said!r} of refractory periods; in format version {version} that is {meant!r}")
    return CHIPS[name], version


def _count_in(path: Path, document: Mapping[str, object], name: str) -> int:
    value = document.get(name)
    if type(value) is not int:
        raise FormatError(f"{name} in {path} is {value!r}; a whole number is needed")
    return value


def _object_in(path: Path, document: Mapping[str, object], name: str) -> dict[str, object]:
    value = document.get(name)
    if not isinstance(value, dict):
        raise FormatError(f"{name} in {path} is {value!r}; an object is needed")
    return value


def _as_plain(name: str, value: Mapping[str, object]) -> dict[str, object]:
    """Return what JSON keeps of a mapping: a copy of texts, numbers, lists and objects alone."""
    try:
        plain: dict[str, object] = json.loads(json.dumps(dict(value), allow_nan=False))
        check_depth(plain)
    except (TypeError, ValueError, RecursionError) as error:
        raise SpecError(f"{name} is no JSON object: {error}") from error
    return plain


def _check_count(name: str, value: int, *, least: int) -> None:
    if not least <= value <= COUNT_LIMIT:
        raise SpecError(f"{name} is {value!r}; a whole number from {least} to {COUNT_LIMIT} is needed")


def _as_int32(name: str, values: ArrayLike) -> Int32s:
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise SpecError(f"{name} is ragged; a list of whole numbers is needed") from error
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise SpecError(f"{name} is {array.dtype} of shape {array.shape}; a list of whole numbers is needed")
    limits = np.iinfo(np.int32)
    if array.size and (array.min() < limits.min or array.max() > limits.max):
        raise SpecError(f"{name} holds values beyond 32 bits: {array.min()} to {array.max()}")
    copied: Int32s = array.astype(np.int32)
    copied.flags.writeable = False
    return copied


def _check_lengths(program: Program) -> None:
    for names, length, what in (
        (SYNAPSE_ARRAYS, program.pre.size, "synapse of pre"),
        (NEURON_ARRAYS, program.n_neurons, "neuron"),
    ):
        for name in names:
            if getattr(program, name).size != length:
                raise SpecError(
                    f"{name} has {getattr(program, name).size} entries; {length} are needed, one for each {what}"
                )
    if program.outputs.size == 0:
        raise SpecError("outputs is empty; name at least one neuron to read out")
    if np.unique(program.outputs).size != program.outputs.size:
        raise SpecError("outputs names a neuron twice; name each once")


def _check_values(program: Program) -> None:
    chip = program.chip
    _check_between("outputs", program.outputs, (0, program.n_neurons - 1))
    _check_between("pre", program.pre, (0, program.n_inputs + program.n_neurons - 1))
    _check_between("post", program.post, (0, program.n_neurons - 1))
    _check_between("delay", program.delay, chip.delays)
    _check_between("exponent", program.exponent, chip.exponents)
    _check_between("sign_mode", program.sign_mode, (MIXED, INHIBITORY))
    _check_between("threshold", program.threshold, chip.thresholds)
    _check_between("current_decay", program.current_decay, chip.decays)
    _check_between("potential_decay", program.potential_decay, chip.decays)
    _check_between("refractory", program.refractory, chip.refractory)
    for mode, name in SIGN_MODES.items():
        _check_between(f"{name} weight", program.weight[program.sign_mode == mode], chip.weight_ranges[name])
    odd = program.weight[(program.sign_mode == MIXED) & (program.weight % 2 != 0)]
    if odd.size:
        raise LimitError("mixed weight", int(odd[0]), "even numbers", "hold it one-sided, or round it")
    for bias in np.unique(program.bias).tolist():
        if not chip.is_bias(bias):
            top, shift = chip.bias_mantissas[1], chip.bias_exponents[1]
            raise LimitError("bias", bias, f"a mantissa of -{top} to {top} shifted left by 0 to {shift}")
    chip.check_wiring(
        Wiring(program.n_inputs, program.n_neurons, program.outputs, program.pre, program.post, program.exponent)
    )


def _check_between(name: str, values: Int32s, allowed: Sequence[int]) -> None:
    outside = (values < allowed[0]) | (values > allowed[1])
    if outside.any():
        where = int(outside.argmax())
        raise LimitError(f"{name}[{where}]", int(values[where]), f"{allowed[0]} to {allowed[1]}")
