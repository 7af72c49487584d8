"""The synapses of a program: listed one by one, or shared by all places of a convolution.

A convolution of ten thousand synapses may have a hundred weights. It is kept as its geometry and those weights, in
memory and in the file; it is unrolled to one entry for each synapse when they are first read.

Convolutions are unrolled without weights of 0, which have no effect. Listed synapses are kept unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from snnprog.arrays import Bools, Int32s, Int64s
from snnprog.calls import call_checked
from snnprog.checks import as_int32, as_integer, as_integers, check_between, check_type
from snnprog.chips import Chip
from snnprog.convolution import Convolution
from snnprog.display.card import Displayed
from snnprog.errors import LimitError, SpecError
from snnprog.frames import data_frame
from snnprog.wording import counted

if TYPE_CHECKING:
    import pandas


SYNAPSE_ARRAYS = ("pre", "post", "delay", "weight", "exponent", "sign_mode")
SHARED_ARRAYS = ("delay", "weight", "exponent", "sign_mode")
"""The values that each weight of a convolution has."""

MIXED, EXCITATORY, INHIBITORY = 1, 2, 3
SIGN_MODES: Mapping[int, str] = MappingProxyType({MIXED: "mixed", EXCITATORY: "excitatory", INHIBITORY: "inhibitory"})

MOST_SHARED = 1 << 24
"""Synapses of all convolutions of a program, zeros included; they take 24 bytes each when unrolled. As `COUNT_LIMIT` of
`snnprog.program`, a choice, not a measurement."""

MOST_CONVOLUTIONS = 256
"""A choice, not a measurement: deep networks have a hundred or so."""


@call_checked
@dataclass(frozen=True, eq=False, repr=False)
class SharedSynapses(Displayed):
    """All synapses of one convolution, from consecutive lines to consecutive neurons. `of` creates them from weights.

    Attributes
    ----------
    convolution : Convolution
        Which places are connected, and by which weight.
    first_pre, first_post : int
        The line of the first source place and the neuron of the first target place; the others follow in order.
    weight, delay, exponent, sign_mode : (weights,) int32
        The values of each weight of the kernel, flattened from ``convolution.weight_shape``, as in `snnprog.Program`.

    Raises
    ------
    SpecError
        If arrays do not have one entry for each weight.
    """

    convolution: Convolution
    first_pre: int
    first_post: int
    weight: Int32s
    delay: Int32s
    exponent: Int32s
    sign_mode: Int32s

    def __post_init__(self) -> None:
        check_type("convolution", self.convolution, kind=Convolution)
        for name in ("first_pre", "first_post"):
            object.__setattr__(self, name, as_integer(name, getattr(self, name)))
        for name in SHARED_ARRAYS:
            array = as_int32(name, getattr(self, name))
            if array.size != self.n_weights:
                shape = self.convolution.weight_shape
                raise SpecError(
                    f"{name} of a convolution must have {self.n_weights} entries, one for each weight of its kernel"
                    f" {shape}, got {array.size}"
                )
            object.__setattr__(self, name, array)

    @classmethod
    def of(
        cls,
        convolution: Convolution,
        weight: ArrayLike,
        *,
        first_pre: int,
        first_post: int,
        delay: ArrayLike = 1,
        exponent: ArrayLike = 0,
        sign_mode: ArrayLike | None = None,
    ) -> SharedSynapses:
        """Return the synapses of a convolution, in chip integers.

        A single integer applies to all weights.

        Parameters
        ----------
        convolution : Convolution
            Which places are connected.
        weight : int array of ``convolution.weight_shape``, or flattened
            Weight mantissas: (target channels, source channels of a group, rows, columns). Zeros create no synapse.
        first_pre, first_post : int
            As in `SharedSynapses`.
        delay, exponent : (weights,) int or int
            1 tick and no shift by default.
        sign_mode : (weights,) int or int, optional
            By default each weight has a one-sided format, as in `snnprog.Program.from_arrays`.

        Raises
        ------
        SpecError
            If arrays do not have one entry for each weight.
        """
        check_type("convolution", convolution, kind=Convolution)
        array = np.asarray(weight)
        flat = as_integers("weight", array.ravel() if array.shape == convolution.weight_shape else array)
        modes = np.where(flat < 0, INHIBITORY, EXCITATORY) if sign_mode is None else sign_mode
        given = {"weight": flat, "delay": delay, "exponent": exponent, "sign_mode": modes}
        arrays = {name: as_integers(name, values) for name, values in given.items()}
        full = {
            name: np.full(convolution.n_weights, array) if array.ndim == 0 else array for name, array in arrays.items()
        }
        return cls(convolution=convolution, first_pre=first_pre, first_post=first_post, **full)

    @property
    def n_weights(self) -> int:
        """Number of weights of the kernel."""
        return self.convolution.n_weights

    def _summary(self) -> str:
        geometry = f"{counted(self.convolution.n_sources, 'place')} to {self.convolution.n_targets}"
        return f"{geometry}, {counted(self.n_weights, 'weight')}, {counted(self.n_synapses, 'synapse')}"

    @cached_property
    def n_synapses(self) -> int:
        """Number of synapses whose weight is not 0."""
        is_there = self.weight.reshape(-1, *self.convolution.kernel) != 0
        return int((is_there.sum(axis=0) * self.convolution.times_used).sum())

    def fill(self, arrays: Mapping[str, Int32s], *, start: int) -> int:
        """Write all synapses whose weight is not 0 to arrays; return the index after the last.

        Parameters
        ----------
        arrays : mapping of str to (synapses,) int32
            The six of `SYNAPSE_ARRAYS`.
        start : int
            Index of the first synapse.
        """
        for source, target, index in self.convolution.in_parts():
            kept = np.flatnonzero(self.weight[index])
            part = slice(start, start + kept.size)
            arrays["pre"][part] = source[kept] + self.first_pre
            arrays["post"][part] = target[kept] + self.first_post
            for name in SHARED_ARRAYS:
                arrays[name][part] = getattr(self, name)[index[kept]]
            start += kept.size
        return start


@dataclass(frozen=True, eq=False, repr=False)
class SynapseTable(Displayed):
    """All synapses of a program: those that are listed, then those of convolutions.

    Attributes
    ----------
    pre, post, delay, weight, exponent, sign_mode : (listed,) int32
        The synapses that are listed one by one.
    shared : tuple of SharedSynapses
        The convolutions.

    Raises
    ------
    SpecError
        If the sizes of the arrays do not match, or there are more than `MOST_CONVOLUTIONS`.
    """

    pre: Int32s
    post: Int32s
    delay: Int32s
    weight: Int32s
    exponent: Int32s
    sign_mode: Int32s
    shared: tuple[SharedSynapses, ...] = ()

    def __post_init__(self) -> None:
        for name in SYNAPSE_ARRAYS:
            object.__setattr__(self, name, as_int32(name, getattr(self, name)))
        for name in SYNAPSE_ARRAYS:
            found = getattr(self, name).size
            if found != self.pre.size:
                raise SpecError(f"{name} must have {self.pre.size} entries, one for each synapse of pre, got {found}")
        object.__setattr__(self, "shared", tuple(self.shared))
        for each in self.shared:
            check_type("an entry of shared", each, kind=SharedSynapses)
        if len(self.shared) > MOST_CONVOLUTIONS:
            raise SpecError(f"a program must have at most {MOST_CONVOLUTIONS} convolutions, got {len(self.shared)}")

    @classmethod
    def of(cls, arrays: Mapping[str, ArrayLike], *, of: SynapseTable | None = None) -> SynapseTable:
        """Return the table of the six `SYNAPSE_ARRAYS`, or another table with some of them replaced.

        Parameters
        ----------
        arrays : mapping of str to (synapses,) int
            By name.
        of : SynapseTable, optional
            The source of arrays that are not given.

        Raises
        ------
        TypeError
            If an array is missing or unknown.
        """
        if of is not None:
            return of.with_arrays(arrays) if arrays else of
        return cls(**{name: as_int32(name, array) for name, array in arrays.items()}, shared=())

    @property
    def n_synapses(self) -> int:
        """Number of synapses, counted without unrolling."""
        return int(self.pre.size) + sum(each.n_synapses for each in self.shared)

    def _summary(self) -> str:
        return f"{counted(self.pre.size, 'synapse')} listed, {counted(len(self.shared), 'convolution')}"

    @cached_property
    def whole(self) -> Mapping[str, Int32s]:
        """The six `SYNAPSE_ARRAYS` of all synapses, ``(synapses,)`` int32 and read-only; unrolled once and kept."""
        if not self.shared:
            return {name: getattr(self, name) for name in SYNAPSE_ARRAYS}
        arrays = {name: np.empty(self.n_synapses, np.int32) for name in SYNAPSE_ARRAYS}
        for name, array in arrays.items():
            array[: self.pre.size] = getattr(self, name)
        end = int(self.pre.size)
        for each in self.shared:
            end = each.fill(arrays, start=end)
        for array in arrays.values():
            array.flags.writeable = False
        return arrays

    def has_synapses_from(self, lines: Int64s) -> Bools:
        """Return for each line whether synapses leave it; convolutions are unrolled only if they read the line."""
        found = np.isin(lines, self.pre)
        for each in self.shared:
            places = lines - each.first_pre
            if not found.all() and ((places >= 0) & (places < each.convolution.n_sources)).any():
                found |= np.isin(lines, self.whole["pre"])
        return found

    def with_arrays(self, arrays: Mapping[str, ArrayLike]) -> SynapseTable:
        """Return the table of all synapses with some arrays replaced, without convolutions."""
        changed = {name: as_int32(name, array) for name, array in arrays.items()}
        return SynapseTable(**{**self.whole, **changed}, shared=())

    def check(self, chip: Chip, *, n_lines: int, n_neurons: int) -> None:
        """Raise `LimitError` if a line, a neuron or a number is outside its range; does not unroll.

        Parameters
        ----------
        chip : Chip
            The chip that defines the ranges.
        n_lines, n_neurons : int
            Lines are inputs and neurons.
        """
        check_between("pre", self.pre, allowed=(0, n_lines - 1))
        check_between("post", self.post, allowed=(0, n_neurons - 1))
        _check_numbers({name: getattr(self, name) for name in SHARED_ARRAYS}, chip, of="")
        for index, each in enumerate(self.shared):
            of = f" of convolution {index}"
            _check_run(f"first_pre{of}", each.first_pre, size=each.convolution.n_sources, most=n_lines)
            _check_run(f"first_post{of}", each.first_post, size=each.convolution.n_targets, most=n_neurons)
            _check_numbers({name: getattr(each, name) for name in SHARED_ARRAYS}, chip, of=of)
        count = sum(each.convolution.n_synapses for each in self.shared)  # bounded by image sizes
        if count > MOST_SHARED:
            allowed = f"at most {MOST_SHARED} (weights of 0 count)"
            raise LimitError("the number of synapses of all convolutions", count, allowed, "split the network")


class SynapseArrays:
    """The synapses of a program as arrays with one entry for each: listed ones first, then those of convolutions.

    The arrays are unrolled when one of them is first read, and cached.
    """

    synapses: SynapseTable

    @property
    def n_synapses(self) -> int:
        """Number of synapses, those of convolutions included."""
        return self.synapses.n_synapses

    @property
    def shared(self) -> tuple[SharedSynapses, ...]:
        """The convolutions among the synapses."""
        return self.synapses.shared

    @property
    def pre(self) -> Int32s:
        """The presynaptic line ``(synapses,)`` of each synapse; listed ones first, then those of convolutions."""
        return self.synapses.whole["pre"]

    @property
    def post(self) -> Int32s:
        """The postsynaptic neuron ``(synapses,)`` of each synapse."""
        return self.synapses.whole["post"]

    @property
    def delay(self) -> Int32s:
        """The delay ``(synapses,)`` of each synapse, in ticks."""
        return self.synapses.whole["delay"]

    @property
    def weight(self) -> Int32s:
        """The weight mantissa ``(synapses,)`` of each synapse."""
        return self.synapses.whole["weight"]

    @property
    def exponent(self) -> Int32s:
        """The exponent ``(synapses,)`` of each weight."""
        return self.synapses.whole["exponent"]

    @property
    def sign_mode(self) -> Int32s:
        """The format ``(synapses,)`` of each weight: 1 mixed, 2 excitatory, 3 inhibitory."""
        return self.synapses.whole["sign_mode"]

    @property
    def max_delay(self) -> int:
        """The longest delay in use, in ticks; 1 without synapses."""
        return int(self.delay.max(initial=1))

    def to_pandas(self) -> pandas.DataFrame:
        """Return a data frame with a row for each synapse: the six arrays, and ``added``, the effective weight.

        Raises
        ------
        SpecError
            If pandas is not installed.
        """
        return data_frame({**self.synapses.whole, "added": self.effective_weight()})

    def effective_weight(self) -> Int64s:
        """Return the amount that each synapse adds for a spike: ``weight << exponent``."""
        return self.weight.astype(np.int64) << self.exponent


def _check_run(name: str, first: int, *, size: int, most: int) -> None:
    """Raise `LimitError` unless an image fits between its first place and the end."""
    if first < 0 or first + size > most:
        allowed = f"0 to {most - size}" if size <= most else f"that of {most} or fewer places"
        raise LimitError(name, first, allowed, f"the convolution takes {size} places from there on, and {most} exist")


def _check_numbers(arrays: Mapping[str, Int32s], chip: Chip, *, of: str) -> None:
    weight, mode = arrays["weight"], arrays["sign_mode"]
    check_between(f"delay{of}", arrays["delay"], allowed=chip.delays)
    check_between(f"exponent{of}", arrays["exponent"], allowed=chip.exponents)
    check_between(f"sign_mode{of}", mode, allowed=(MIXED, INHIBITORY))
    for number, name in SIGN_MODES.items():
        check_between(f"{name} weight{of}", weight[mode == number], allowed=chip.weight_ranges.of(name))
    step = chip.weight_ranges.mixed_step
    odd = weight[(mode == MIXED) & (weight % step != 0)]
    if odd.size:
        allowed = "even" if step == 2 else f"a multiple of {step}"
        raise LimitError(f"mixed weight{of}", int(odd[0]), allowed, "make it even or use a one-sided sign mode")
