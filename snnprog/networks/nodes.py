"""Nodes of NIR graphs as plain checked data: supported types and their fields.

Source: Pedersen et al., "Neuromorphic intermediate representation", Nature Communications 15, 8122 (2024), and `nir`
0.1 to 1.0.8. A field with a single number applies to every channel.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from snnprog.arrays import Floats
from snnprog.convolution import LARGEST_SIDE, Pair
from snnprog.errors import FormatError
from snnprog.wording import a_type

GRAPH, INPUT, OUTPUT, PASSAGE = "NIRGraph", "Input", "Output", "Passage"
SPIKING = ("LIF", "CubaLIF", "IF", "Threshold")
READOUTS = ("LI", "CubaLI", "I")
NEURONS = SPIKING + READOUTS
CONVOLUTIONS = ("Conv1d", "Conv2d")
POOLS = ("SumPool2d", "AvgPool2d")

SHAPE, NUMBERS, MATRIX, KERNEL = "shape", "numbers", "matrix", "kernel"
STEPS, PADDING, WHOLE, SIDES = "steps", "padding", "whole", "sides"
SLIDING = {"stride": STEPS, "padding": PADDING, "dilation": STEPS, "groups": WHOLE, "input_shape": SIDES}
FIELDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        INPUT: {"shape": SHAPE},
        OUTPUT: {},
        "Linear": {"weight": MATRIX},
        "Affine": {"weight": MATRIX, "bias": NUMBERS},
        "Scale": {"scale": NUMBERS},
        "Delay": {"delay": NUMBERS},
        "Flatten": {"start_dim": WHOLE, "end_dim": WHOLE, "input_type": SIDES},
        **{kind: {"weight": KERNEL, "bias": NUMBERS, **SLIDING} for kind in CONVOLUTIONS},
        **{kind: {"kernel_size": STEPS, "stride": STEPS, "padding": STEPS} for kind in POOLS},
        "LIF": dict.fromkeys(("tau", "r", "v_leak", "v_threshold", "v_reset"), NUMBERS),
        "CubaLIF": dict.fromkeys(("tau_syn", "tau_mem", "r", "v_leak", "v_threshold", "v_reset", "w_in"), NUMBERS),
        "IF": dict.fromkeys(("r", "v_threshold", "v_reset"), NUMBERS),
        "LI": dict.fromkeys(("tau", "r", "v_leak"), NUMBERS),
        "CubaLI": dict.fromkeys(("tau_syn", "tau_mem", "r", "v_leak", "w_in"), NUMBERS),
        "I": {"r": NUMBERS},
        "Threshold": {"threshold": NUMBERS},
    }
)
DEFAULTS: Mapping[str, float | tuple[int, ...] | None] = MappingProxyType(
    {
        "v_reset": 0.0,
        "w_in": 1.0,
        "input_shape": None,
        "input_type": None,
        "stride": (1,),
        "padding": (0,),
        "dilation": (1,),
        "groups": (1,),
        "start_dim": (0,),
        "end_dim": (-1,),
    }
)
"""Defaults of missing fields: as in `nir`; no padding and steps of one for versions without these fields."""


@dataclass(frozen=True, eq=False)
class Node:
    """One node.

    Attributes
    ----------
    kind : str
        Its NIR type; "Passage" for the entry or exit of a nested graph.
    values : mapping of str to float array
        Numbers of neurons, weights, scales and delays.
    sides : mapping of str to tuple of int
        Integers: strides, paddings, sizes. An empty "padding" stands for "same".
    """

    kind: str
    values: Mapping[str, Floats]
    sides: Mapping[str, tuple[int, ...]]

    @property
    def is_source(self) -> bool:
        """Whether paths begin at it, as at neurons and inputs of the graph."""
        return self.kind == INPUT or self.kind in NEURONS

    @property
    def shape(self) -> tuple[int, ...] | None:
        """The shape of its numbers, if any field has more than one."""
        shapes = [np.shape(values) for name, values in self.values.items() if name not in ("weight", "bias")]
        return np.broadcast_shapes(*shapes) if any(np.prod(shape) > 1 for shape in shapes) else None

    def pair(self, name: str) -> Pair:
        """Return a field of one or two integers as (rows, columns); rows of an image of one axis count 1."""
        sides = self.sides[name]
        least = 0 if name == "padding" else 1
        if self.kind == "Conv1d":
            return least, sides[0]
        return (sides[0], sides[0]) if len(sides) == 1 else (sides[0], sides[1])


def node_of(where: str, kind: str, data: Mapping[str, object]) -> Node:
    """Return a node of a known type.

    Parameters
    ----------
    where : str
        The node's name in messages.
    kind : str
        One of `FIELDS`.
    data : mapping
        Its fields.

    Raises
    ------
    FormatError
        If a field is missing, or does not hold finite numbers of the correct shape.
    """
    values: dict[str, Floats] = {}
    sides: dict[str, tuple[int, ...]] = {}
    for name, content in FIELDS[kind].items():
        given = data.get(name)
        if given is None and name in DEFAULTS:
            usual = DEFAULTS[name]
            if isinstance(usual, float):
                values[name] = np.full((), usual)
            elif usual is not None:
                sides[name] = usual
        elif content == SIDES and _is_unwritten(given):
            continue
        elif content in (NUMBERS, MATRIX, KERNEL):
            values[name] = _numbers(where, name, given, content=content)
        else:
            sides[name] = _whole(where, name, given, content=content)
    _check_together(where, kind, values)
    return Node(kind, MappingProxyType(values), MappingProxyType(sides))


def _check_together(where: str, kind: str, values: Mapping[str, Floats]) -> None:
    own = {name: np.shape(array) for name, array in values.items() if name not in ("weight", "bias")}
    try:
        np.broadcast_shapes(*own.values())
    except ValueError as error:
        shapes = ", ".join(f"{name} {shape}" for name, shape in own.items())
        raise FormatError(f"fields of {where} must have one shape or be single numbers, got {shapes}") from error
    if kind != "Delay" and "bias" in values and values["bias"].size not in (1, len(values["weight"])):
        raise FormatError(f"{where} has {len(values['weight'])} rows of weights and {values['bias'].size} biases")


def _numbers(where: str, name: str, data: object, *, content: str) -> Floats:
    """Return a field as finite floats: a matrix of two axes, a kernel of three or four, or any others."""
    array = array_of(data)
    if array.dtype.kind not in "biuf" or array.size == 0:
        raise FormatError(f"{name} of {where} must be numbers, got {_shown(data)}")
    values = array.astype(np.float64)
    if not np.isfinite(values).all():
        raise FormatError(f"{name} of {where} must be finite, got {values[~np.isfinite(values)][0]}")
    if content == MATRIX and values.ndim != 2:
        raise FormatError(f"{name} of {where} must have two axes, (to, from), got shape {values.shape}")
    if content == KERNEL and values.ndim not in (3, 4):
        raise FormatError(
            f"{name} of {where} must have the axes (to, from, rows, columns) or (to, from, places),"
            f" got shape {values.shape}"
        )
    return values if name != "bias" else values.ravel()


def _whole(where: str, name: str, data: object, *, content: str) -> tuple[int, ...]:
    """Return a field as integers; an empty tuple for the padding "same"."""
    text = data.item() if isinstance(data, np.ndarray) and data.ndim == 0 else data
    if content == PADDING and isinstance(text, str) and text in ("same", "valid"):
        return () if text == "same" else (0,)
    array = array_of(data)
    is_numbers = array.dtype.kind in "biuf" and array.size > 0
    numbers = array.astype(np.float64).ravel() if is_numbers else np.zeros(0)
    least = {PADDING: 0, WHOLE: -LARGEST_SIDE}.get(content, 0 if name == "padding" else 1)
    most = 8 if content in (SHAPE, SIDES) else 2
    is_whole = is_numbers and bool((numbers == np.floor(numbers)).all())
    if not is_whole or numbers.size > most or numbers.min() < least or numbers.max() > 1 << 24:
        shown = numbers.tolist() if is_numbers and numbers.size <= 2 * most else _shown(data)
        raise FormatError(f"{name} of {where} must be integers from {least}, at most {most}, got {shown}")
    return tuple(int(value) for value in numbers)


def _is_unwritten(data: object) -> bool:
    """Return whether a shape is all zeros, as sinabs wrote shapes that it did not know until NIR 0.2."""
    array = array_of(data)
    return array.size > 0 and array.dtype.kind in "iuf" and not array.any()


def array_of(data: object) -> NDArray[np.generic]:
    """Return numbers, also those of a tensor in memory, as an array; otherwise an empty array."""
    data = data.detach().cpu() if hasattr(data, "detach") and hasattr(data, "cpu") else data  # PyTorch's
    is_array = isinstance(data, (np.ndarray, np.generic, int, float, list, tuple)) or hasattr(data, "__array__")
    return np.asarray(data) if is_array else np.zeros(0, "O")


def _shown(data: object) -> str:
    return "nothing" if data is None else a_type(data)
