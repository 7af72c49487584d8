"""Safe reading of ONNX models, from a file or from memory, as operations on arrays.

The sizes of a file are checked before it is parsed (`snnprog.conversion.wire`), and those of arrays before they are
created. Weights in other files are refused: a hostile model could choose which files are read.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snnprog.archive import check_regular
from snnprog.conversion.wire import check_fields
from snnprog.errors import FormatError, SpecError

Array = NDArray[np.generic]
Attribute = int | float | str | tuple[int, ...] | tuple[float, ...] | Array

FILE_BYTES = 1 << 28
"""256 MiB, 64 million weights in single precision; no network that fits on a chip comes near. A choice."""

NODE_LIMIT = 1 << 12
"""Maximum number of operations of a graph, as for other networks (`snnprog.networks.graph`)."""

AXES_LIMIT = 8
"""Maximum number of axes of a tensor: a convolution has four, reshaped values a few more. A choice."""

DOMAINS = ("", "ai.onnx", "ai.onnx.ml")


@dataclass(frozen=True, eq=False)
class OnnxNode:
    """One operation.

    Attributes
    ----------
    kind : str
        Such as "Conv".
    name : str
        Its name, or that of its output if it has none.
    inputs, outputs : tuple of str
        Names of values; "" for an omitted optional one.
    attributes : mapping of str to Attribute
    """

    kind: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Attribute]


@dataclass(frozen=True, eq=False)
class OnnxModel:
    """A graph of operations.

    Attributes
    ----------
    name : str
        Where it came from.
    nodes : tuple of OnnxNode
        In the order of the file, in which each follows its inputs.
    constants : mapping of str to array
        Weights by name.
    inputs : mapping of str to tuple
        The axes of each input, the samples first; None if an axis has no size.
    outputs : tuple of str
    """

    name: str
    nodes: tuple[OnnxNode, ...]
    constants: Mapping[str, Array]
    inputs: Mapping[str, tuple[int | None, ...]]
    outputs: tuple[str, ...]


def read_onnx(path: Path) -> OnnxModel:
    """Return the model of an ``.onnx`` file.

    Raises
    ------
    FormatError
        If the file is missing, too large, or does not hold a valid model.
    SpecError
        If the package onnx is missing.
    """
    size = check_regular(path)
    if size > FILE_BYTES:
        raise FormatError(f"{path} has {size} bytes; at most {FILE_BYTES} are read")
    onnx = _package()
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FormatError(f"{path} cannot be read: {error.strerror or error}") from error
    check_fields(str(path), data)
    try:
        model = onnx.ModelProto.FromString(data)
    except Exception as error:  # protobuf's own DecodeError, in a module that differs by version
        raise FormatError(f"{path} is not an ONNX model, or is damaged: {error}") from error
    return model_of(str(path), model)


def is_onnx(model: object) -> bool:
    """Return whether an object is a model of the package onnx, without importing it."""
    kind = type(model)
    return kind.__name__ == "ModelProto" and kind.__module__.partition(".")[0] == "onnx"


def model_of(name: str, model: Any) -> OnnxModel:
    """Return the model of an ``onnx.ModelProto``; see `read_onnx`."""
    graph = model.graph
    if not graph.node or not graph.output:
        raise FormatError(f"{name} has no ONNX graph with operations and outputs")
    if len(graph.node) > NODE_LIMIT:
        raise FormatError(f"{name} has {len(graph.node)} operations; at most {NODE_LIMIT} are read")
    if graph.sparse_initializer:
        raise FormatError(f"{name} has sparse weights (sparse_initializer), which are not supported; store them dense")
    constants = {tensor.name: array_of(f"{tensor.name!r} of {name}", tensor) for tensor in graph.initializer}
    return OnnxModel(
        name=name,
        nodes=tuple(_node(name, node) for node in graph.node),
        constants=constants,
        inputs={each.name: _axes(each) for each in graph.input if each.name not in constants},
        outputs=tuple(each.name for each in graph.output),
    )


def array_of(name: str, tensor: Any) -> Array:
    """Return the array of a ``TensorProto``: floats of any precision, and integers.

    Raises
    ------
    FormatError
        If it lies in another file, has another type, or its data do not have its shape.
    """
    from onnx import TensorProto, numpy_helper

    if tensor.data_location == TensorProto.EXTERNAL or tensor.external_data:
        raise FormatError(
            f"{name} lies in another file (external data), which is not supported; save the model as one file"
        )
    kinds = (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16)
    whole = (TensorProto.INT64, TensorProto.INT32, TensorProto.INT8, TensorProto.UINT8, TensorProto.BOOL)
    if tensor.data_type not in (*kinds, *whole):
        raise FormatError(
            f"{name} has numbers of ONNX's type {tensor.data_type}; only floats and integers are supported"
        )
    shape = tuple(tensor.dims)
    stored = max(len(tensor.raw_data), *(len(data) for data in _lists(tensor)))
    if len(shape) > AXES_LIMIT or min(shape, default=0) < 0 or math.prod(shape) > stored:
        raise FormatError(f"{name} has the shape {shape[:AXES_LIMIT]}, and less data than that")
    try:
        array = numpy_helper.to_array(tensor)
    except Exception as error:  # onnx raises several kinds if sizes do not match
        raise FormatError(f"{name} cannot be read: {error}") from error
    with np.errstate(invalid="ignore"):  # checked below
        found = array.astype(np.float64) if tensor.data_type in kinds else array.astype(np.int64)
    if not np.isfinite(found).all():
        raise FormatError(f"{name} must have finite values")
    return found


def _lists(tensor: Any) -> Iterable[Any]:
    return tensor.float_data, tensor.double_data, tensor.int32_data, tensor.int64_data


def _node(name: str, node: Any) -> OnnxNode:
    own = node.name or next(iter(node.output), "") or node.op_type
    if node.domain not in DOMAINS:
        raise FormatError(f"node {own!r} of {name} is {node.op_type} of {node.domain!r}, which is not supported")
    attributes = {each.name: _attribute(f"{each.name!r} of node {own!r} of {name}", each) for each in node.attribute}
    known = {key: value for key, value in attributes.items() if value is not None}
    return OnnxNode(node.op_type, own, tuple(node.input), tuple(node.output), known)


def _attribute(name: str, attribute: Any) -> Attribute | None:
    """Return the value of an attribute; None for graphs and types, which no supported operation has."""
    from onnx import AttributeProto

    kind = attribute.type
    if kind == AttributeProto.FLOAT:
        return float(attribute.f)
    if kind == AttributeProto.INT:
        return int(attribute.i)
    if kind == AttributeProto.STRING:
        return bytes(attribute.s).decode("utf-8", "replace")
    if kind == AttributeProto.TENSOR:
        return array_of(name, attribute.t)
    if kind == AttributeProto.INTS:
        return tuple(int(each) for each in attribute.ints)
    if kind == AttributeProto.FLOATS:
        return tuple(float(each) for each in attribute.floats)
    return None


def _axes(value: Any) -> tuple[int | None, ...]:
    shape = value.type.tensor_type.shape
    return tuple(int(each.dim_value) if each.dim_value > 0 else None for each in shape.dim)


def _package() -> Any:
    try:
        import onnx
    except ImportError as error:
        raise SpecError("ONNX models need the package onnx: pip install 'onnx>=1.16,<2'") from error
    return onnx
