"""The spec itself: its options, checked against each other and against the ranges of the chip."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np

from snnprog.arrays import Bools, Raster
from snnprog.checks import as_integer
from snnprog.chips import CHIPS, Chip, find_chip, is_built_in
from snnprog.chips.data import chip_to_data
from snnprog.errors import LimitError, SpecError
from snnprog.rules.linear import LinearRule
from snnprog.spec.dynamics import Dynamics
from snnprog.spec.mantissas import Mantissas
from snnprog.spec.options import (
    FREE,
    as_delays,
    as_flag,
    as_hidden,
    as_integer_or_free,
    as_noise,
    as_signs,
    as_window,
)
from snnprog.spec.pattern import Pattern, as_patterns

LATER = (
    ("noise", 0.0),
    ("sparse", False),
    ("fan_in", None),
    ("weight_bits", None),
    ("weight_limit", None),
    ("window", (0, 0)),
    ("hidden", 0),
    ("refractory", 1),
)


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
    chip : str or Chip
        Which chip's integers are meant: the name of a registered chip, or a `Chip`. The attribute is the `Chip`.
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
        as many as it takes. They have the dynamics, delays, threshold, bias and refractory period of the outputs.
    refractory : int
        The refractory period of every neuron, in ticks: after a spike at tick t its potential is 0 until tick
        ``t + refractory``, when it can spike again; 1 to 63 on Loihi, and 1 (a spike at every tick) on Xylo.

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
    chip: Chip = CHIPS["loihi1"]
    noise: float = 0.0
    sparse: bool = False
    fan_in: int | None = None
    window: tuple[int, int] = (0, 0)
    hidden: int | Literal["auto"] = 0
    refractory: int = 1

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
        chip: str | Chip = "loihi1",
        noise: float = 0.0,
        sparse: bool = False,
        fan_in: int | None = None,
        window: Sequence[int] = (0, 0),
        hidden: int | Literal["auto"] = 0,
        refractory: int = 1,
    ) -> None:
        chip = find_chip(chip)
        values: dict[str, object] = {
            "patterns": as_patterns(patterns),
            "delays": as_delays(delays),
            "recurrent": as_flag("recurrent", recurrent),
            "dynamics": Dynamics.usual(chip) if dynamics is None else dynamics,
            "signs": None if signs is None else as_signs(signs),
            "bias": as_integer_or_free("bias", bias),
            "threshold": as_integer_or_free("threshold", threshold),
            "weight_bits": None if weight_bits is None else as_integer("weight_bits", weight_bits),
            "weight_limit": None if weight_limit is None else as_integer("weight_limit", weight_limit),
            "chip": chip,
            "noise": as_noise(noise),
            "sparse": as_flag("sparse", sparse),
            "fan_in": None if fan_in is None else as_integer("fan_in", fan_in),
            "window": as_window(window),
            "hidden": as_hidden(hidden),
            "refractory": as_integer("refractory", refractory),
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)
        self._check()

    def _check(self) -> None:
        limits = self.chip
        if not isinstance(self.dynamics, Dynamics):
            raise SpecError(f"dynamics is {self.dynamics!r}; a Dynamics is needed")
        for delay in self.delays:
            limits.check_range("delay", delay, limits.delays, "counted from a spike to the tick at which it acts")
        self.dynamics.check_fit(limits)
        limits.check_range("refractory", self.refractory, limits.refractory, "in ticks; 1 allows a spike at every tick")
        if self.threshold != FREE:
            limits.check_range("threshold", self.threshold, limits.thresholds)
        if self.bias != FREE and not limits.is_bias(self.bias):
            limits.check_range("bias", self.bias, (-limits.bias_limit, limits.bias_limit))
            raise SpecError(
                f"bias is {self.bias}; {self.chip.name} has mantissas to {limits.bias_mantissas[1]} shifted left by"
                f" {limits.bias_exponents[0]} to {limits.bias_exponents[1]}: the nearest is"
                f" {limits.nearest_bias(self.bias)}"
            )
        if self.noise > limits.thresholds[1]:
            allowed = f"0 to {limits.thresholds[1]} on {self.chip.name}"
            raise LimitError("noise", self.noise, allowed, "no threshold is higher")
        if self.fan_in is not None and self.fan_in < 0:
            raise SpecError(f"fan_in is {self.fan_in}; a whole number from 0 is needed, or None for no limit")
        _check_company(self)
        _check_hidden(self, limits)
        _check_signs(self.signs, self.n_presynaptic)
        if self.weight_bits is not None:
            limits.check_range("weight_bits", self.weight_bits, (1, limits.weight_bits), "the sign is one of them")
        if self.weight_limit is not None:
            limits.check_range("weight_limit", self.weight_limit, (1, limits.weight_limit))

    @property
    def mantissas(self) -> Mantissas:
        """What a weight mantissa may be, whatever its sign."""
        limits = [self.chip.weight_limit] if self.weight_limit is None else [self.weight_limit]
        if self.weight_bits is not None:
            limits.append(max(1, (1 << (self.weight_bits - 1)) - 1))
        return Mantissas(min(limits), is_binary=self.weight_bits == 1)

    @property
    def may_taps_be_absent(self) -> bool:
        """Whether taps may be left without a synapse: few are asked for, so weights of ±1 do not need one each."""
        return self.sparse or self.fan_in is not None

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

    @cached_property
    def linear_rule(self) -> LinearRule:
        """Decays and reset of every neuron, read off the chip's rule."""
        return self.chip.linear_rule(self.dynamics.current_decay, self.dynamics.potential_decay, self.refractory)

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
            "chip": self.chip.name if is_built_in(self.chip) else chip_to_data(self.chip),
        }


def presynaptic_raster(spec: Spec, pattern: Pattern) -> Bools:
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


def _check_company(spec: Spec) -> None:
    """Raise `SpecError` where two things are asked for that are not built together."""
    asked = [name for name, default in LATER if getattr(spec, name) != default]
    alone: dict[str, Sequence[tuple[str, object]]] = {
        "hidden": [option for option in LATER if option[0] != "refractory"],
        "window": [("sparse", False), ("fan_in", None), ("noise", 0.0)],
    }
    for name, others in alone.items():
        beside = [other for other, _ in others if other in asked and other != name]
        if name in asked and beside:
            raise SpecError(
                f"{name} is {getattr(spec, name)!r} and {beside[0]} is {getattr(spec, beside[0])!r};"
                " ask for one of them at a time"
            )


def _check_hidden(spec: Spec, limits: Chip) -> None:
    """Raise `SpecError` where hidden neurons are asked for that the search for them does not know."""
    if spec.hidden != 0 and (limits.is_readout_apart or not spec.linear_rule.is_reset_to_zero):
        raise SpecError(
            f"hidden is {spec.hidden!r}; for {spec.chip.name} no hidden neurons are added beside the outputs:"
            " leave it at 0, or let outputs hear one another (recurrent)"
        )


def _check_signs(signs: tuple[int, ...] | None, n_presynaptic: int) -> None:
    if signs is None:
        return
    if len(signs) != n_presynaptic:
        raise SpecError(f"signs has {len(signs)} entries; {n_presynaptic} are needed, one per presynaptic neuron")
    for index, sign in enumerate(signs):
        if sign not in (-1, 0, 1):
            raise SpecError(f"signs[{index}] is {sign}; -1, 0 or +1 is needed")
