"""What is asked for: patterns, and what may be built to realise them.

A `Spec` is checked when it is made, against itself and against the ranges of its chip, so that every later step can
take it at its word. Values that the chip counts in integers (decays, bias, threshold) are those integers.

Decisions
---------
- A don't-care bin is one that does not count. The design still needs to know whether the neuron resets there; it first
  tries to do what the target says in that bin, so write your best guess of the neuron's behaviour into the target.
- Every pattern starts from rest: no current, no potential, no spike on its way.
- Signs are those of the presynaptic neuron (Dale's law): all synapses that leave it obey.
- With windows, the n-th spike of an output in a pattern belongs to its n-th target spike, and must lie in that one's
  window, in a bin that counts; windows may overlap, two spikes never share a tick, and every other bin is silent. What
  feeds back, if outputs feed outputs, are the ticks that were chosen.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from numbers import Real
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snnprog.checks import as_integer
from snnprog.chips import Chip, find_chip
from snnprog.errors import LimitError, SpecError
from snnprog.raster import Raster, as_raster

FREE: Literal["free"] = "free"
AUTO: Literal["auto"] = "auto"
LATER = (
    ("noise", 0.0),
    ("sparse", False),
    ("fan_in", None),
    ("weight_bits", None),
    ("weight_limit", None),
    ("window", (0, 0)),
    ("hidden", 0),
)


@dataclass(frozen=True, eq=False)
class Pattern:
    """One trial from rest.

    Parameters
    ----------
    inputs : (ticks, inputs) bool
        The spikes that go in.
    targets : (ticks, outputs) bool
        The spikes that must come out.
    care : (ticks, outputs) bool, optional
        Which target bins count; all, unless said.

    Raises
    ------
    SpecError
        If a raster is malformed or their shapes do not go together.
    """

    inputs: Raster
    targets: Raster
    care: Raster

    def __init__(self, inputs: ArrayLike, targets: ArrayLike, care: ArrayLike | None = None) -> None:
        object.__setattr__(self, "inputs", as_raster(inputs, "inputs"))
        object.__setattr__(self, "targets", as_raster(targets, "targets"))
        everything = np.ones(self.targets.shape, dtype=np.bool_)
        object.__setattr__(self, "care", as_raster(everything if care is None else care, "care"))
        if self.inputs.shape[0] != self.targets.shape[0]:
            raise SpecError(
                f"inputs have {self.inputs.shape[0]} ticks and targets {self.targets.shape[0]}; give both the same"
            )
        if self.care.shape != self.targets.shape:
            raise SpecError(f"care has shape {self.care.shape} and targets {self.targets.shape}; give both the same")

    @property
    def ticks(self) -> int:
        """Duration in ticks."""
        return int(self.inputs.shape[0])


@dataclass(frozen=True)
class Dynamics:
    """The decays of every neuron, in chip integers.

    On Loihi a potential keeps ``(4096 - potential_decay) / 4096`` of itself per tick and a current
    ``(4095 - current_decay) / 4096``: the default current forgets at once, and the default potential keeps 0.95. On
    Xylo decays are shifts: with d, ``1 - 2**-d`` is kept, and a current decays after what arrives was added.

    Attributes
    ----------
    potential_decay, current_decay : int
        0 to 4095 on Loihi, 0 to 15 on Xylo.
    """

    potential_decay: int = 205
    current_decay: int = 4095

    def __post_init__(self) -> None:
        for name in ("potential_decay", "current_decay"):
            object.__setattr__(self, name, as_integer(name, getattr(self, name)))

    @classmethod
    def usual(cls, chip: str) -> Dynamics:
        """Return the decays that a chip's neurons have where none are asked for."""
        current_decay, potential_decay = find_chip(chip).usual_decays
        return cls(potential_decay=potential_decay, current_decay=current_decay)

    @classmethod
    def from_time_constants(cls, potential: float, current: float = 0.0, *, chip: str = "loihi1") -> Dynamics:
        """Return the chip's decays nearest to two time constants in ticks (``exp(-1/τ)`` kept per tick).

        ``math.inf`` keeps everything, 0 nothing. What the chip makes of them: `effective_time_constants`.

        Raises
        ------
        SpecError
            If a time constant is negative or not a number.
        """
        tau_potential = _as_time_constant("potential", potential)
        tau_current = _as_time_constant("current", current)
        current_decay, potential_decay = find_chip(chip).decays_of(tau_current, tau_potential)
        return cls(potential_decay=potential_decay, current_decay=current_decay)

    def check_fit(self, chip: Chip) -> None:
        """Raise `LimitError` unless the chip has these decays."""
        chip.check_range("potential_decay", self.potential_decay, chip.decays)
        chip.check_range("current_decay", self.current_decay, chip.decays)

    def effective_time_constants(self, chip: Chip) -> tuple[float, float]:
        """Return the (potential, current) time constants in ticks that these decays amount to.

        Raises
        ------
        LimitError
            If the chip does not have them.
        """
        self.check_fit(chip)
        kept = (
            float(chip.semantics.potential_leak(self.potential_decay)),
            float(chip.semantics.current_leak(self.current_decay)),
        )
        potential, current = (
            0.0 if share == 0 else math.inf if share == 1 else -1.0 / math.log(share) for share in kept
        )
        return potential, current


@dataclass(frozen=True)
class Mantissas:
    """The integers that a weight may be before its exponent: symmetric about 0.

    Attributes
    ----------
    limit : int
        Their greatest magnitude.
    is_binary : bool
        Whether they are ±limit alone, and no synapse that acts is 0.
    """

    limit: int
    is_binary: bool = False

    @property
    def step(self) -> int:
        """The distance between neighbours."""
        return 2 * self.limit if self.is_binary else 1


@dataclass(frozen=True, eq=False)
class Spec:
    """An input-output spike transformation, and what may be built to realise it.

    Parameters
    ----------
    patterns : sequence of Pattern
        At least one; all with the same numbers of inputs and outputs.
    delays : iterable of int
        The axonal delays in ticks that every synapse may use, several at once; 1 to 63 on Loihi 1.
    recurrent : bool
        Whether outputs feed outputs, over the same delays.
    dynamics : Dynamics
        The decays of every neuron; the chip's usual ones, unless given.
    signs : sequence of int, optional
        Per input (and then, if recurrent, per output): +1 excitatory, -1 inhibitory, 0 either.
    bias : int or "free"
        Added to the potential every tick, in its units (weights count 64 of them).
    threshold : int or "free"
        The threshold mantissa; a neuron fires when its potential exceeds 64 times that.
    weight_bits : int, optional
        The width of every weight mantissa with its sign, 1 to 8: ±1 (never 0, where a synapse acts) for 1 bit, 0 and
        ±1 for 2, up to ``±(2**(bits - 1) - 1)`` for more. All the chip has, unless given.
    weight_limit : int, optional
        The greatest magnitude of a weight mantissa; the chip's, unless given.
    chip : str
        Which chip's integers are meant.
    noise : float
        LSBs of noise that must be survived: the spikes stay the same whatever is added to the potential, up to this
        much either way and at every tick anew, where it is compared with the threshold (it is not integrated).
    sparse : bool
        Whether each output is to have as few synapses as can be found.
    fan_in : int, optional
        The most synapses that an output may have; as many as there are taps, unless said.
    window : pair of int
        How many ticks before and after its own a target spike may fall; the compiler chooses.
    hidden : int or "auto"
        How many neurons that are not read out may be added where an output cannot do alone what is asked of it; "auto":
        as many as it takes. They have the dynamics, delays, threshold and bias that the outputs have.

    Raises
    ------
    SpecError
        If the parts do not go together.
    LimitError
        If a value is outside the chip's range.
    """

    patterns: tuple[Pattern, ...]
    delays: tuple[int, ...] = (1,)
    recurrent: bool = False
    dynamics: Dynamics = field(default_factory=Dynamics)
    signs: tuple[int, ...] | None = None
    bias: int | Literal["free"] = 0
    threshold: int | Literal["free"] = FREE
    weight_bits: int | None = None
    weight_limit: int | None = None
    chip: str = "loihi1"
    noise: float = 0.0
    sparse: bool = False
    fan_in: int | None = None
    window: tuple[int, int] = (0, 0)
    hidden: int | Literal["auto"] = 0

    def __init__(
        self,
        patterns: Sequence[Pattern],
        delays: Iterable[int] = (1,),
        *,
        recurrent: bool = False,
        dynamics: Dynamics | None = None,
        signs: Sequence[int] | None = None,
        bias: int | Literal["free"] = 0,
        threshold: int | Literal["free"] = FREE,
        weight_bits: int | None = None,
        weight_limit: int | None = None,
        chip: str = "loihi1",
        noise: float = 0.0,
        sparse: bool = False,
        fan_in: int | None = None,
        window: Sequence[int] = (0, 0),
        hidden: int | Literal["auto"] = 0,
    ) -> None:
        values: dict[str, object] = {
            "patterns": _as_patterns(patterns),
            "delays": _as_delays(delays),
            "recurrent": _as_flag("recurrent", recurrent),
            "dynamics": Dynamics.usual(chip) if dynamics is None else dynamics,
            "signs": None if signs is None else _as_signs(signs),
            "bias": _as_integer_or_free("bias", bias),
            "threshold": _as_integer_or_free("threshold", threshold),
            "weight_bits": None if weight_bits is None else as_integer("weight_bits", weight_bits),
            "weight_limit": None if weight_limit is None else as_integer("weight_limit", weight_limit),
            "chip": chip,
            "noise": _as_noise(noise),
            "sparse": _as_flag("sparse", sparse),
            "fan_in": None if fan_in is None else as_integer("fan_in", fan_in),
            "window": _as_window(window),
            "hidden": _as_hidden(hidden),
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)
        self._check()

    def _check(self) -> None:
        limits = find_chip(self.chip)
        if not isinstance(self.dynamics, Dynamics):
            raise SpecError(f"dynamics is {self.dynamics!r}; a Dynamics is needed")
        for delay in self.delays:
            limits.check_range("delay", delay, limits.delays, "counted from a spike to the tick at which it acts")
        self.dynamics.check_fit(limits)
        if self.threshold != FREE:
            limits.check_range("threshold", self.threshold, limits.thresholds)
        if self.bias != FREE and not limits.is_bias(self.bias):
            limits.check_range("bias", self.bias, (-limits.bias_limit, limits.bias_limit))
            raise SpecError(
                f"bias is {self.bias}; {self.chip} has mantissas to {limits.bias_mantissas[1]} shifted left by"
                f" {limits.bias_exponents[0]} to {limits.bias_exponents[1]}: the nearest is"
                f" {limits.nearest_bias(self.bias)}"
            )
        if self.noise > limits.thresholds[1]:
            allowed = f"0 to {limits.thresholds[1]} on {self.chip}"
            raise LimitError("noise", self.noise, allowed, "no threshold is higher")
        if self.fan_in is not None and self.fan_in < 0:
            raise SpecError(f"fan_in is {self.fan_in}; a whole number from 0 is needed, or None for no limit")
        _check_company(self)
        _check_layers(self, limits)
        _check_signs(self.signs, self.n_presynaptic)
        if self.weight_bits is not None:
            limits.check_range("weight_bits", self.weight_bits, (1, limits.weight_bits), "the sign is one of them")
        if self.weight_limit is not None:
            limits.check_range("weight_limit", self.weight_limit, (1, limits.weight_limit))

    @property
    def mantissas(self) -> Mantissas:
        """What a weight mantissa may be, whatever its sign."""
        limits = [find_chip(self.chip).weight_limit] if self.weight_limit is None else [self.weight_limit]
        if self.weight_bits is not None:
            limits.append(max(1, (1 << (self.weight_bits - 1)) - 1))
        return Mantissas(min(limits), is_binary=self.weight_bits == 1)

    @property
    def n_inputs(self) -> int:
        """Number of input lines."""
        return int(self.patterns[0].inputs.shape[1])

    @property
    def inputs(self) -> Raster:
        """(ticks of all patterns, inputs) What goes in, one pattern after another."""
        return np.concatenate([pattern.inputs for pattern in self.patterns])

    @property
    def targets(self) -> Raster:
        """(ticks of all patterns, outputs) What must come out, one pattern after another."""
        return np.concatenate([pattern.targets for pattern in self.patterns])

    @property
    def care(self) -> Raster:
        """(ticks of all patterns, outputs) Which bins count, one pattern after another."""
        return np.concatenate([pattern.care for pattern in self.patterns])

    @property
    def n_outputs(self) -> int:
        """Number of output neurons."""
        return int(self.patterns[0].targets.shape[1])

    @property
    def n_hidden(self) -> int:
        """How many of the first targets are spikes of hidden neurons: none in what a user asks for."""
        return 0

    @property
    def n_presynaptic(self) -> int:
        """Number of lines that synapses may leave from: inputs, then hidden neurons, then outputs if recurrent."""
        return self.n_inputs + (self.n_outputs if self.recurrent else self.n_hidden)

    def digest(self) -> str:
        """Return the SHA-256 of everything that is asked for, as 64 hexadecimal digits."""
        sha = hashlib.sha256()
        sha.update(json.dumps(self._settings(), sort_keys=True).encode("ascii"))
        for pattern in self.patterns:
            for raster in (pattern.inputs, pattern.targets, pattern.care):
                sha.update(repr(raster.shape).encode("ascii"))
                sha.update(np.packbits(raster).tobytes())
        return sha.hexdigest()

    def _settings(self) -> dict[str, object]:
        """Return what stands beside the patterns; what is left at its default since version 1 is left out."""
        changed = {name: getattr(self, name) for name, default in LATER if getattr(self, name) != default}
        return changed | {
            "delays": self.delays,
            "recurrent": self.recurrent,
            "potential_decay": self.dynamics.potential_decay,
            "current_decay": self.dynamics.current_decay,
            "signs": self.signs,
            "bias": self.bias,
            "threshold": self.threshold,
            "chip": self.chip,
        }


def presynaptic_raster(spec: Spec, pattern: Pattern) -> NDArray[np.bool_]:
    """Return ``(ticks, n_presynaptic)``: the inputs, and the target spikes that are fed to others."""
    fed = pattern.targets[:, : spec.n_presynaptic - spec.n_inputs]
    return np.concatenate([pattern.inputs, fed], axis=1) if fed.shape[1] else pattern.inputs


def with_targets(spec: Spec, outputs: Iterable[int], raster: Raster) -> Spec:
    """Return the spec in which some outputs are to do ``raster`` (ticks of all patterns, outputs) instead."""
    chosen, patterns, first = list(outputs), [], 0
    for pattern in spec.patterns:
        targets = pattern.targets.copy()
        targets[:, chosen] = raster[first : first + pattern.ticks]
        patterns.append(Pattern(pattern.inputs, targets, pattern.care))
        first += pattern.ticks
    return replace(spec, patterns=tuple(patterns))


def _as_patterns(patterns: Sequence[Pattern]) -> tuple[Pattern, ...]:
    if not isinstance(patterns, (Pattern, Iterable)):
        raise SpecError(f"patterns is {patterns!r}; a list of Pattern is needed")
    collected = (patterns,) if isinstance(patterns, Pattern) else tuple(patterns)
    if not collected:
        raise SpecError("patterns is empty; give at least one Pattern")
    for index, pattern in enumerate(collected):
        if not isinstance(pattern, Pattern):
            raise SpecError(f"patterns[{index}] is a {type(pattern).__name__}; a Pattern is needed")
        for name in ("inputs", "targets"):
            first, found = getattr(collected[0], name).shape[1], getattr(pattern, name).shape[1]
            if found != first:
                raise SpecError(f"pattern {index} has {found} {name}, pattern 0 has {first}; give all the same")
    if collected[0].targets.shape[1] == 0:
        raise SpecError("targets have no columns; at least one output neuron is needed")
    return collected


def _as_delays(delays: Iterable[int]) -> tuple[int, ...]:
    if not _is_list(delays):
        raise SpecError(f"delays is {delays!r}; a list of whole numbers is needed, such as range(1, 17)")
    collected = tuple(sorted(as_integer("delay", delay) for delay in delays))
    if not collected:
        raise SpecError("delays is empty; offer at least one")
    if len(set(collected)) != len(collected):
        raise SpecError(f"delays are {collected}; offer each one once")
    return collected


def _as_flag(name: str, value: object) -> bool:
    if not isinstance(value, (bool, np.bool_)):
        raise SpecError(f"{name} is {value!r}; True or False is needed")
    return bool(value)


def _as_signs(signs: Iterable[int]) -> tuple[int, ...]:
    if not _is_list(signs):
        raise SpecError(f"signs is {signs!r}; a list of -1, 0 and +1 is needed")
    return tuple(as_integer("sign", sign) for sign in signs)


def _as_window(window: Sequence[int]) -> tuple[int, int]:
    if not _is_list(window):
        raise SpecError(f"window is {window!r}; two whole numbers of ticks are needed, before and after")
    ticks = tuple(as_integer("window", value) for value in window)
    if len(ticks) != 2 or min(ticks) < 0:
        raise SpecError(f"window is {ticks}; two whole numbers of ticks from 0 are needed, before and after")
    return ticks


def _is_list(value: object) -> bool:
    if isinstance(value, np.ndarray):
        return value.ndim == 1
    return isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping))


def _as_integer_or_free(name: str, value: object) -> int | Literal["free"]:
    return FREE if isinstance(value, str) and value == FREE else as_integer(name, value)


def _as_hidden(value: object) -> int | Literal["auto"]:
    if isinstance(value, str) and value == AUTO:
        return AUTO
    try:
        hidden = as_integer("hidden", value)
    except SpecError:
        hidden = -1
    if hidden < 0:
        raise SpecError(f"hidden is {value!r}; a whole number from 0, or {AUTO!r}, is needed")
    return hidden


def _as_time_constant(name: str, value: object) -> float:
    ticks = _as_real(value)
    if not ticks >= 0:
        raise SpecError(f"time constant of the {name} is {value!r}; ticks from 0 to inf are needed")
    return ticks


def _as_noise(value: object) -> float:
    noise = _as_real(value)
    if not noise >= 0.0:
        raise SpecError(f"noise is {value!r}; a number of LSBs from 0 is needed")
    return noise


def _as_real(value: object) -> float:
    """Return a number as float, and anything else as NaN."""
    try:
        return float(value) if not isinstance(value, bool) and isinstance(value, Real) else math.nan
    except OverflowError:
        return math.nan


def _check_company(spec: Spec) -> None:
    """Raise `SpecError` where two things are asked for that are not built together."""
    asked = [name for name, default in LATER if getattr(spec, name) != default]
    alone = {"hidden": LATER, "window": (("sparse", False), ("fan_in", None), ("noise", 0.0))}
    for name, others in alone.items():
        beside = [other for other, _ in others if other in asked and other != name]
        if name in asked and beside:
            raise SpecError(
                f"{name} is {getattr(spec, name)!r} and {beside[0]} is {getattr(spec, beside[0])!r};"
                " ask for one of them at a time"
            )


def _check_layers(spec: Spec, limits: Chip) -> None:
    """Raise `SpecError` where neurons would have to feed others, and those that are read out feed nothing."""
    beside = (("recurrent", False), ("hidden", 0), ("window", (0, 0)))
    for name, default in beside if limits.semantics.is_threshold_subtracted else ():
        if getattr(spec, name) != default:
            raise SpecError(
                f"{name} is {getattr(spec, name)!r}; what is compiled for {spec.chip} is one layer of neurons that feed"
                f" nothing, each spike at its tick: leave it at {default!r}"
            )


def _check_signs(signs: tuple[int, ...] | None, n_presynaptic: int) -> None:
    if signs is None:
        return
    if len(signs) != n_presynaptic:
        raise SpecError(f"signs has {len(signs)} entries; {n_presynaptic} are needed, one per presynaptic neuron")
    for index, sign in enumerate(signs):
        if sign not in (-1, 0, 1):
            raise SpecError(f"signs[{index}] is {sign}; -1, 0 or +1 is needed")
