"""The compiled program: a chip's integers, the rule they mean, and where they came from.

Synapse s carries a spike of ``pre[s]`` at tick t to neuron ``post[s]`` at tick ``t + delay[s]``, where it adds
``weight[s] << exponent[s]``. ``pre < n_inputs`` is an input line, any other is neuron ``pre - n_inputs``. The sign mode
tells which format holds the weight: one-sided formats have steps of 1, the mixed one has the chip's.

How a program stands in a file is said by `snnprog.program_file`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from snnprog.arrays import Int32s, Int64s
from snnprog.checks import as_integer
from snnprog.chips import Chip, Wiring, find_chip
from snnprog.documents import check_depth
from snnprog.errors import FormatError, LimitError, SpecError
from snnprog.program_file import (
    ARRAYS,
    ARRAYS_IN,
    CORE,
    DOCUMENT,
    EXCITATORY,
    HELD,
    INHIBITORY,
    MIXED,
    NEURON_ARRAYS,
    SIGN_MODES,
    SYNAPSE_ARRAYS,
    Content,
    read_program,
    write_program,
)

__all__ = [
    "ARRAYS",
    "ARRAYS_IN",
    "CORE",
    "DOCUMENT",
    "EXCITATORY",
    "HELD",
    "INHIBITORY",
    "MIXED",
    "NEURON_ARRAYS",
    "SIGN_MODES",
    "SYNAPSE_ARRAYS",
    "Program",
    "load",
]

COUNT_LIMIT = 1 << 24


@dataclass(frozen=True, eq=False)
class Program:
    """Integers that a chip runs. Make one by compiling a spec, by `from_arrays`, or by `load`.

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
        Threshold mantissa (what one unit of it counts is said by `Rule.unit`: 64 units of the potential on Loihi), the
        two decays, and the effective bias in units of the potential.
    refractory : (neurons,) int32
        Refractory period in ticks: after a spike at tick t the potential is 0 until tick t + refractory, and integrates
        from then on; 1 for a neuron that may spike at every tick, which all are unless said.
    core : (neurons,) int32 or None
        The core that each neuron is on, numbered from 0 without gaps; it changes no spike. None where the program was
        not placed, or fits on one core. See `place`.
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
    core: Int32s | None = None
    provenance: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "chip", find_chip(self.chip))
        object.__setattr__(self, "n_inputs", _as_count("n_inputs", self.n_inputs, least=0))
        object.__setattr__(self, "n_neurons", _as_count("n_neurons", self.n_neurons, least=1))
        for name in ARRAYS:
            object.__setattr__(self, name, _as_int32(name, getattr(self, name)))
        if self.core is not None:
            object.__setattr__(self, CORE, _as_int32(CORE, self.core))
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
        pre: ArrayLike,
        post: ArrayLike,
        weight: ArrayLike,
        threshold: ArrayLike,
        outputs: ArrayLike | None = None,
        delay: ArrayLike = 1,
        exponent: ArrayLike = 0,
        sign_mode: ArrayLike | None = None,
        current_decay: ArrayLike | None = None,
        potential_decay: ArrayLike | None = None,
        bias: ArrayLike = 0,
        refractory: ArrayLike = 1,
        core: ArrayLike | None = None,
        provenance: Mapping[str, object] | None = None,
    ) -> Program:
        """Make a program by hand, in chip integers.

        Wherever a list with one integer per synapse or per neuron is expected, a single integer applies to all of them.
        The number of synapses is the length of the lists; 1 if all are single integers.

        Parameters
        ----------
        chip : str or Chip
            Whose integers and rule these are: the name of a registered chip, or a `Chip`.
        n_inputs, n_neurons
            As in `Program`.
        pre, post : (synapses,) int or int
            ``pre`` below ``n_inputs`` is an input line, any other neuron ``pre - n_inputs``.
        weight : (synapses,) int or int
            Weight mantissas.
        threshold : (neurons,) int or int
            Threshold mantissas.
        outputs : (outputs,) int, optional
            The neurons to read out, in order; all neurons by default.
        delay : (synapses,) int or int
            In ticks; 1 by default.
        exponent : (synapses,) int or int
            Weights are shifted left by as many bits; 0 by default.
        sign_mode : (synapses,) int or int, optional
            1 mixed, 2 excitatory, 3 inhibitory. By default each weight is held one-sided: negative ones in the
            inhibitory format, all others in the excitatory one.
        current_decay, potential_decay : (neurons,) int or int, optional
            By default those of ``Chip.usual_decays``: 4095 and 205 on Loihi (no synaptic current is left at the next
            tick, 5 % of the potential leaks), 1 and 4 on Xylo.
        bias : (neurons,) int or int
            0 by default.
        refractory : (neurons,) int or int
            As in `Program`; 1 by default: every neuron may spike at every tick.
        core : (neurons,) int, optional
            As in `Program`: the ``core_of`` of a `Placement`.
        provenance : mapping, optional
            Where the program comes from, as plain data; empty by default.

        Raises
        ------
        SpecError
            If arrays do not go together.
        LimitError
            If a value is outside the chip's range.
        """
        found = find_chip(chip)
        usual_current, usual_potential = found.usual_decays
        count = _as_count("n_neurons", n_neurons, least=1)
        weights = _as_integers("weight", weight)
        modes = np.where(weights < 0, INHIBITORY, EXCITATORY) if sign_mode is None else sign_mode
        synapses = {"pre": pre, "post": post, "delay": delay, "weight": weights, "exponent": exponent}
        neurons = {
            "threshold": threshold,
            "current_decay": usual_current if current_decay is None else current_decay,
            "potential_decay": usual_potential if potential_decay is None else potential_decay,
            "bias": bias,
            "refractory": refractory,
        }
        return cls(
            chip=found,
            n_inputs=n_inputs,
            n_neurons=count,
            outputs=_as_int32("outputs", np.arange(count) if outputs is None else outputs),
            core=None if core is None else _as_int32(CORE, core),
            provenance=provenance or {},
            **_spread(synapses | {"sign_mode": modes}, otherwise=1),
            **_spread(neurons, otherwise=count),
        )

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
        arrays = {name: getattr(self, name) for name in ARRAYS} | ({} if self.core is None else {CORE: self.core})
        content = Content(
            chip=self.chip,
            n_inputs=self.n_inputs,
            n_neurons=self.n_neurons,
            n_synapses=self.n_synapses,
            provenance=self.provenance,
            arrays=arrays,
        )
        write_program(Path(path), content)


def load(path: str | Path) -> Program:
    """Read a program file, checking everything.

    Raises
    ------
    FormatError
        If the file is missing, damaged, of another version or rule, or holds values that the chip does not have.
    """
    path = Path(path)
    content = read_program(path)
    try:
        program = Program.from_arrays(
            chip=content.chip,
            n_inputs=content.n_inputs,
            n_neurons=content.n_neurons,
            provenance=content.provenance,
            **content.arrays,
        )
    except (SpecError, LimitError) as error:
        raise FormatError(f"{path} holds no valid program: {error}") from error
    if program.n_synapses != content.n_synapses:
        raise FormatError(f"{path} announces {content.n_synapses} synapses and holds {program.n_synapses}")
    return program


def _as_plain(name: str, value: Mapping[str, object]) -> dict[str, object]:
    """Return what JSON keeps of a mapping: a copy of texts, numbers, lists and objects alone."""
    try:
        plain: dict[str, object] = json.loads(json.dumps(dict(value), allow_nan=False))
        check_depth(plain)
    except (TypeError, ValueError, RecursionError) as error:
        raise SpecError(f"{name} is no JSON object: {error}") from error
    return plain


def _as_count(name: str, value: int, *, least: int) -> int:
    count = as_integer(name, value)
    if not least <= count <= COUNT_LIMIT:
        raise SpecError(f"{name} is {count!r}; a whole number from {least} to {COUNT_LIMIT} is needed")
    return count


def _spread(given: Mapping[str, ArrayLike], *, otherwise: int) -> dict[str, Int32s]:
    """Repeat each single number to the length of the first list among the given; ``otherwise`` where there is none."""
    arrays = {name: _as_integers(name, values) for name, values in given.items()}
    length = next((array.size for array in arrays.values() if array.ndim == 1), otherwise)
    return {name: array if array.ndim == 1 else np.full(length, array) for name, array in arrays.items()}


def _as_int32(name: str, values: ArrayLike) -> Int32s:
    """Return a read-only copy of a list of integers."""
    array = _as_integers(name, values)
    if array.ndim != 1:
        raise SpecError(f"{name} is a single number; a list of whole numbers is needed")
    return array


def _as_integers(name: str, values: ArrayLike) -> Int32s:
    """Return a read-only copy of a list of integers, or of a single one."""
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise SpecError(f"{name} is ragged; a list of whole numbers is needed") from error
    if array.ndim > 1 or (array.size and array.dtype.kind not in "iu"):
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
    if program.core is not None and program.core.size != program.n_neurons:
        raise SpecError(f"core must have {program.n_neurons} entries, one for each neuron, got {program.core.size}")
    if program.outputs.size == 0:
        raise SpecError("outputs is empty; name at least one neuron to read out")
    if np.unique(program.outputs).size != program.outputs.size:
        raise SpecError("outputs names a neuron twice; name each once")


def _check_values(program: Program) -> None:
    chip = program.chip
    _check_between("outputs", program.outputs, allowed=(0, program.n_neurons - 1))
    _check_between("pre", program.pre, allowed=(0, program.n_inputs + program.n_neurons - 1))
    _check_between("post", program.post, allowed=(0, program.n_neurons - 1))
    _check_between("delay", program.delay, allowed=chip.delays)
    _check_between("exponent", program.exponent, allowed=chip.exponents)
    _check_between("sign_mode", program.sign_mode, allowed=(MIXED, INHIBITORY))
    _check_between("threshold", program.threshold, allowed=chip.thresholds)
    _check_between("current_decay", program.current_decay, allowed=chip.current_decays)
    _check_between("potential_decay", program.potential_decay, allowed=chip.potential_decays)
    _check_between("refractory", program.refractory, allowed=chip.refractory)
    if program.core is not None:
        _check_cores(program.core, chip)
    for mode, name in SIGN_MODES.items():
        _check_between(f"{name} weight", program.weight[program.sign_mode == mode], allowed=chip.weight_ranges.of(name))
    step = chip.weight_ranges.mixed_step
    odd = program.weight[(program.sign_mode == MIXED) & (program.weight % step != 0)]
    if odd.size:
        allowed = "even numbers" if step == 2 else f"multiples of {step}"
        raise LimitError("mixed weight", int(odd[0]), allowed, "hold it one-sided, or round it")
    for bias in np.unique(program.bias).tolist():
        if not chip.is_bias(bias):
            top, shift = chip.bias_mantissas[1], chip.bias_exponents[1]
            raise LimitError("bias", bias, f"a mantissa of -{top} to {top} shifted left by 0 to {shift}")
    chip.check_wiring(
        Wiring(program.n_inputs, program.n_neurons, program.outputs, program.pre, program.post, program.exponent)
    )


def _check_cores(core: Int32s, chip: Chip) -> None:
    _check_between(CORE, core, allowed=(0, (chip.cores or core.size) - 1))
    unused = np.flatnonzero(np.bincount(core) == 0)
    if unused.size:
        raise SpecError(f"core must number its cores from 0 without gaps, got {core.max()} and no {unused[0]}")


def _check_between(name: str, values: Int32s, *, allowed: Sequence[int]) -> None:
    outside = (values < allowed[0]) | (values > allowed[1])
    if outside.any():
        where = int(outside.argmax())
        raise LimitError(f"{name}[{where}]", int(values[where]), f"{allowed[0]} to {allowed[1]}")
