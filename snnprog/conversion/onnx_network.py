"""Conversion of an ONNX model to an artificial network, by following its operations from input to outputs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from snnprog.conversion.ann import Ann, Shape
from snnprog.conversion.flows import Builder, Flow
from snnprog.conversion.onnx_file import Array, OnnxModel, OnnxNode
from snnprog.conversion.operators import ENDS, OPERATORS, Call, opposites
from snnprog.errors import FormatError, SpecError

MOST_ENTRIES = 1 << 16
"""Maximum number of entries of constants that a model calculates: they are shapes of a few numbers. A choice."""

MOST_VALUES = 1 << 27
"""Maximum number of values of one sample at all operations: a choice; ResNet-50 has 30 million."""


@dataclass(frozen=True, eq=False)
class Tail:
    """The end of the network, after the last relevant operation.

    Attributes
    ----------
    flow : Flow
        Its input.
    kind : str
        The kind of operation.
    """

    flow: Flow
    kind: str


Value = Flow | Array | Tail


def ann_of_onnx(model: OnnxModel, *, input_shape: Shape | None = None, max_pool: str | None = None) -> Ann:
    """Return the artificial network of an ONNX model.

    Parameters
    ----------
    model : OnnxModel
    input_shape : tuple of int, optional
        The shape of a sample, for models without it.
    max_pool : str, optional
        "average" to replace max pooling by average pooling.

    Raises
    ------
    FormatError
        If an operation is unsupported, or does not match its inputs, or numbers overflow.
    SpecError
        If the model does not define the shape of its samples.
    """
    (name, axes), *others = model.inputs.items() or [("", ())]
    if others or not name:
        raise FormatError(f"{model.name} must have one input, got {len(model.inputs)}")
    shape = _input_shape(model, axes, input_shape)
    builder = Builder(model.name)
    values: dict[str, Value] = {**model.constants, name: builder.source(shape)}
    try:
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            for node in model.nodes:
                given = [None if not each else _value(model, values, each, node) for each in node.inputs]
                for output, value in zip(node.outputs, [_result(builder, node, given, max_pool)], strict=False):
                    values[output] = value
            return _finished(model, builder, values, shape)
    except FloatingPointError as error:
        raise FormatError(f"{model.name} has numbers whose products overflow floats; rescale them") from error


def _input_shape(model: OnnxModel, axes: tuple[int | None, ...], given: Shape | None) -> Shape:
    """Return the shape of a sample: that of the model, otherwise the given one."""
    named = axes[1:]
    if named and None not in named:
        return tuple(each for each in named if each is not None)
    if given is None or (named and len(named) != len(given) and math.prod(given) != math.prod(given[:1])):
        raise SpecError(f"{model.name} does not define the shape of its samples; give data of (samples, *shape)")
    if named and (
        len(named) != len(given) or any(each not in (None, got) for each, got in zip(named, given, strict=True))
    ):
        raise SpecError(f"samples of {model.name} have the shape {named}, and data have {given}; None is any number")
    return given


def _value(model: OnnxModel, values: dict[str, Value], name: str, node: OnnxNode) -> Value:
    if name not in values:
        raise FormatError(f"node {node.name!r} of {model.name} requires {name!r}, which no earlier node returns")
    return values[name]


def _result(builder: Builder, node: OnnxNode, given: list[Value | None], max_pool: str | None) -> Value:
    ended = next((value for value in given if isinstance(value, Tail)), None)
    where = f"node {node.name!r} ({node.kind}) of {builder.name}"
    if ended is not None:
        if node.kind in OPERATORS and node.kind in ("Conv", "Gemm", "MatMul", "Relu", "Clip"):
            raise FormatError(f"{where} comes after {ended.kind}, which is only supported at the end of a network")
        return ended
    plain = [value for value in given if not isinstance(value, Tail)]
    if node.kind in ENDS:
        flow = Call(builder, node, [*plain], max_pool=None).flow()
        builder.notes.append(f"{node.kind} at the end was omitted: the outputs keep their order without it")
        return Tail(flow, node.kind)
    flowing = [value for value in plain if isinstance(value, Flow)]
    if not flowing or node.kind == "Shape":
        return _constant(where, node, plain)
    if node.kind not in OPERATORS:
        raise FormatError(f"{where} is not supported; supported operations are {', '.join(sorted(OPERATORS))}")
    flow = OPERATORS[node.kind](Call(builder, node, [*plain], max_pool=max_pool))
    builder.values += flow.size
    if builder.values > MOST_VALUES:
        raise SpecError(f"{builder.name} has more than {MOST_VALUES} values for one sample, by {node.name!r}")
    return flow


def _finished(model: OnnxModel, builder: Builder, values: dict[str, Value], shape: Shape) -> Ann:
    found = [values[name] for name in model.outputs if name in values]
    flows = {id(value.flow if isinstance(value, Tail) else value): value for value in found}
    if len(found) < len(model.outputs) or len(flows) != 1 or isinstance(found[0], np.ndarray):
        raise FormatError(
            f"{model.name} must have one output that depends on the input, got {len(model.outputs)} outputs"
        )
    last = next((each for each in found if isinstance(each, Tail)), found[0])
    flow = last.flow if isinstance(last, Tail) else last
    assert isinstance(flow, Flow)
    is_class = isinstance(last, Tail)
    builder.close(opposites(flow) if is_class and flow.size == 1 else flow)
    n_outputs = builder.layers[-1].size
    classes = tuple(range(n_outputs)) if is_class or n_outputs > 1 else None
    notes = tuple(dict.fromkeys(builder.notes))
    return Ann(model.name, shape, tuple(builder.layers), builder.multiplications, classes, notes)


# ---------------------------------------------------------------- constants


def _constant(where: str, node: OnnxNode, given: list[Flow | Array | None]) -> Array:
    """Return the result of an operation on constants: calculated shapes, and transposed weights."""
    arrays = [value for value in given if isinstance(value, np.ndarray)]
    try:
        found = _folded(node, given, arrays)
    except (ValueError, IndexError, TypeError, KeyError) as error:
        raise FormatError(f"{where} cannot be calculated: {error}") from error
    if found is None:
        raise FormatError(f"{where} is not supported on constants; simplify the model (onnxsim does)")
    return np.asarray(found)


def _folded(node: OnnxNode, given: list[Flow | Array | None], arrays: list[Array]) -> Array | None:
    attributes, kind = node.attributes, node.kind
    if kind == "Constant":
        value = next(iter(attributes.values()))
        return np.asarray(value) if isinstance(value, (np.ndarray, int, float, tuple)) else None
    if kind == "Shape":
        shape = (1, *given[0].shape) if isinstance(given[0], Flow) else arrays[0].shape
        return np.array(shape, np.int64)
    if not arrays:
        return None
    if kind in ("Identity", "Cast"):
        return arrays[0]
    if kind == "Transpose":
        axes = attributes.get("perm", tuple(range(arrays[0].ndim))[::-1])
        return np.transpose(arrays[0], np.asarray(axes, np.int64))
    if kind == "Reshape":
        return arrays[0].reshape(arrays[1].astype(np.int64).tolist())
    if kind == "Unsqueeze":
        axes = np.ravel(arrays[1] if len(arrays) > 1 else attributes["axes"])
        return np.expand_dims(arrays[0], tuple(int(each) for each in axes))
    if kind == "Gather" and arrays[0].ndim == 1:
        axis = attributes.get("axis", 0)
        return np.take(arrays[0], arrays[1].astype(np.int64), axis=axis if isinstance(axis, int) else 0)
    if kind == "Concat" and sum(array.size for array in arrays) <= MOST_ENTRIES:
        axis = attributes["axis"]
        return np.concatenate(arrays, axis=axis if isinstance(axis, int) else 0)
    return None
