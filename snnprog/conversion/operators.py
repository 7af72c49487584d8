"""ONNX operations on values: linear ones, rectifiers, and final operations that keep the order of outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

import numpy as np

from snnprog.arrays import Floats
from snnprog.conversion.flows import Builder, Flow, dense
from snnprog.conversion.geometry import conv_geometry, pool_geometry
from snnprog.conversion.onnx_file import Array, Attribute, OnnxNode
from snnprog.errors import FormatError, SpecError
from snnprog.networks.weights import Kernel

AVERAGE = "average"


class Call:
    """One operation with its inputs.

    Attributes
    ----------
    builder : Builder
    node : OnnxNode
    values : list of Flow, array or None
        None for an omitted optional input.
    max_pool : str or None
        "average" if max pooling may be replaced by average pooling.
    """

    def __init__(
        self, builder: Builder, node: OnnxNode, values: list[Flow | Array | None], *, max_pool: str | None
    ) -> None:
        self.builder, self.node, self.values, self.max_pool = builder, node, values, max_pool

    @property
    def where(self) -> str:
        """The operation's name in messages."""
        return f"node {self.node.name!r} ({self.node.kind}) of {self.builder.name}"

    def flow(self, index: int = 0) -> Flow:
        """Return an input that must depend on samples."""
        value = self.values[index] if index < len(self.values) else None
        if not isinstance(value, Flow):
            raise FormatError(f"{self.where} must get values of a sample, got a constant")
        return value

    def array(self, index: int, *, axes: tuple[int, ...] | None = None) -> Floats:
        """Return an input that must be a constant, with one of some numbers of axes."""
        value = self.values[index] if index < len(self.values) else None
        if not isinstance(value, np.ndarray):
            raise FormatError(f"{self.where} needs input {index} to be a constant")
        if axes is not None and value.ndim not in axes:
            allowed = " or ".join(map(str, axes))
            raise FormatError(f"a constant of {self.where} must have {allowed} axes, got {value.ndim}")
        return value.astype(np.float64)

    def optional(self, index: int) -> Floats | None:
        """Return an input that is a constant or omitted."""
        return None if index >= len(self.values) or self.values[index] is None else self.array(index)

    def number(self, name: str, otherwise: float) -> float:
        """Return an attribute that is a number."""
        value: Attribute = self.node.attributes.get(name, otherwise)
        if not isinstance(value, (int, float)):
            raise FormatError(f"{name} of {self.where} must be a number, got {value!r}")
        return value

    def spread(self, array: Array, shape: tuple[int, ...]) -> Floats:
        """Return a constant for each value of one sample of a shape."""
        try:
            return np.broadcast_to(array.astype(np.float64), (1, *shape)).reshape(-1)
        except ValueError as error:
            raise FormatError(
                f"{self.where} combines values of shape {shape} with a constant of shape {array.shape}"
            ) from error


# ---------------------------------------------------------------- weights


def _conv(call: Call) -> Flow:
    flow, weights, bias = call.flow(), call.array(1, axes=(3, 4)), call.optional(2)
    geometry, shape = conv_geometry(call.where, call.node, flow.shape, weights.shape)
    if bias is not None and bias.size != weights.shape[0]:
        raise FormatError(f"{call.where} has {bias.size} biases for {weights.shape[0]} channels")
    call.builder.multiplications += int(np.prod(shape)) * int(np.prod(weights.shape[1:]))
    return flow.convolved(geometry, weights, bias=bias, shape=shape)


def _gemm(call: Call) -> Flow:
    if call.number("transA", 0):
        raise FormatError(f"{call.where} transposes its samples (transA), which is not supported")
    weights = call.array(1, axes=(2,))
    weights = weights if call.number("transB", 0) else weights.T
    bias = call.optional(2)
    spread = None if bias is None else call.spread(bias, (len(weights),)) * call.number("beta", 1.0)
    return _dense(call, call.flow(), weights * call.number("alpha", 1.0), spread)


def _matmul(call: Call) -> Flow:
    return _dense(call, call.flow(), call.array(1, axes=(2,)).T, None)


def _dense(call: Call, flow: Flow, weights: Floats, bias: Floats | None) -> Flow:
    if len(flow.shape) != 1 or flow.size != weights.shape[1]:
        raise FormatError(f"{call.where} has weights for {weights.shape[1]} values, got values of shape {flow.shape}")
    call.builder.multiplications += weights.size
    return flow.through(dense(weights), (len(weights),), bias=bias)


def _batch_norm(call: Call) -> Flow:
    flow = call.flow()
    scale, offset, mean, variance = (call.array(index, axes=(1,)) for index in (1, 2, 3, 4))
    spread = variance + call.number("epsilon", 1e-5)
    if {each.size for each in (scale, offset, mean, variance)} != {flow.shape[0]} or not (spread > 0.0).all():
        raise FormatError(f"{call.where} must have one positive variance for each of {flow.shape[0]} channels")
    factor, places = scale / np.sqrt(spread), flow.size // flow.shape[0]
    return flow.scaled(np.repeat(factor, places)).shifted(np.repeat(offset - mean * factor, places))


def _average_pool(call: Call) -> Flow:
    flow = call.flow()
    geometry, shape = pool_geometry(call.where, call.node, flow.shape)
    area = geometry.pool[0] * geometry.pool[1]
    pooled = flow.convolved(geometry, np.full(geometry.weight_shape, 1.0 / area), bias=None, shape=shape)
    if call.number("count_include_pad", 0) or geometry.pool_before == geometry.pool_after == (0, 0):
        return pooled
    seen = Kernel(geometry, np.ones(geometry.weight_shape)).matrix @ np.ones(geometry.n_sources)
    if not seen.all():
        raise FormatError(f"{call.where} has windows with padding only")
    return pooled.scaled(area / seen)


def _global_average(call: Call) -> Flow:
    flow = call.flow()
    whole = OnnxNode("AveragePool", call.node.name, (), (), {"kernel_shape": flow.shape[1:]})
    return _average_pool(Call(call.builder, whole, [flow], max_pool=None))


def _max_pool(call: Call) -> Flow:
    if call.max_pool != AVERAGE:
        raise FormatError(
            f"{call.where} takes the largest of a window, and rates of spikes have no largest; train with average"
            " pools, or let it be replaced: max_pool='average' (--max-pool average)"
        )
    call.builder.notes.append(f"{call.node.name}: max pooling was replaced by average pooling")
    if any(each not in (0, 1) for each in np.ravel(call.node.attributes.get("dilations", ()))):
        raise FormatError(f"{call.where} is dilated, which an average pool is not")
    return _average_pool(call)


# ---------------------------------------------------------------- element by element


def _add(call: Call) -> Flow:
    return _sum(call, 1.0, 1.0)


def _sub(call: Call) -> Flow:
    return _sum(call, 1.0, -1.0)


def _sum(call: Call, first: float, second: float) -> Flow:
    flows = [
        value.scaled(np.full(value.size, sign)) if sign != 1.0 else value
        for value, sign in zip(call.values[:2], (first, second), strict=True)
        if isinstance(value, Flow)
    ]
    if len(flows) == 2:
        return flows[0].plus(flows[1])
    index = 1 if isinstance(call.values[0], Flow) else 0
    sign = second if index else first
    return flows[0].shifted(call.spread(call.array(index), flows[0].shape) * sign)


def _mul(call: Call) -> Flow:
    index = 1 if isinstance(call.values[0], Flow) else 0
    if isinstance(call.values[index], Flow):
        raise FormatError(f"{call.where} multiplies two values of a sample, which synapses cannot do")
    flow = call.flow(1 - index)
    return flow.scaled(call.spread(call.array(index), flow.shape))


def _div(call: Call) -> Flow:
    flow = call.flow()
    divisor = call.spread(call.array(1), flow.shape)
    if not divisor.all():
        raise FormatError(f"{call.where} divides by 0")
    return flow.scaled(1.0 / divisor)


def _neg(call: Call) -> Flow:
    return call.flow().scaled(np.full(call.flow().size, -1.0))


def _relu(call: Call) -> Flow:
    return call.builder.rectified(call.flow(), name=call.node.name)


def _clip(call: Call) -> Flow:
    low, high = (
        call.number(name, otherwise) if given is None else float(given.reshape(-1)[0])
        for name, otherwise, given in (
            ("min", -np.inf, call.optional(1)),
            ("max", np.inf, call.optional(2)),
        )
    )
    if low != 0.0 or not high > 0.0:
        raise FormatError(
            f"{call.where} clips to {low:g} and {high:g}; only clipping from 0 to a positive value is supported"
        )
    return call.builder.rectified(call.flow(), name=call.node.name, ceiling=high)


def _same(call: Call) -> Flow:
    return call.flow()


# ---------------------------------------------------------------- shapes


def _flatten(call: Call) -> Flow:
    flow = call.flow()
    if call.number("axis", 1) not in (1, -len(flow.shape)):
        raise FormatError(f"{call.where} flattens from another axis than the first after the samples")
    return flow.reshaped((flow.size,))


def _reshape(call: Call) -> Flow:
    flow = call.flow()
    wanted = [int(each) for each in call.array(1, axes=(1,))]
    if not wanted or wanted[0] not in (-1, 0, 1):
        raise FormatError(f"{call.where} mixes samples by reshaping: {wanted}")
    rest = [
        flow.shape[index] if each == 0 and index < len(flow.shape) else each for index, each in enumerate(wanted[1:])
    ]
    if rest.count(-1) == 1:
        known = int(np.prod([each for each in rest if each != -1]))
        rest[rest.index(-1)] = flow.size // known if known > 0 else 0
    if wanted[0] == -1 and -1 in wanted[1:]:
        raise FormatError(f"{call.where} leaves two axes open: {wanted}")
    if any(each < 1 for each in rest) or int(np.prod(rest)) != flow.size:
        raise FormatError(f"{call.where} reshapes values of shape {flow.shape} into {wanted}")
    return flow.reshaped(tuple(rest) or (flow.size,))


def _squeeze(call: Call) -> Flow:
    flow = call.flow()
    return flow.reshaped(tuple(each for each in flow.shape if each != 1) or (1,))


Operator: TypeAlias = Callable[[Call], Flow]

OPERATORS: Mapping[str, Operator] = MappingProxyType(
    {
        "Add": _add,
        "AveragePool": _average_pool,
        "BatchNormalization": _batch_norm,
        "Cast": _same,
        "Clip": _clip,
        "Conv": _conv,
        "Div": _div,
        "Dropout": _same,
        "Flatten": _flatten,
        "Gemm": _gemm,
        "GlobalAveragePool": _global_average,
        "Identity": _same,
        "MatMul": _matmul,
        "MaxPool": _max_pool,
        "Mul": _mul,
        "Neg": _neg,
        "Relu": _relu,
        "Reshape": _reshape,
        "Squeeze": _squeeze,
        "Sub": _sub,
    }
)

ENDS = ("Softmax", "LogSoftmax", "Hardmax", "ArgMax", "Sigmoid")
"""Operations that keep the order of the outputs, and so the class; supported at the end only."""


def check_max_pool(max_pool: str | None) -> None:
    """Raise `SpecError` unless the replacement of max pooling is valid."""
    if max_pool not in (None, AVERAGE):
        raise SpecError(f"max_pool must be {AVERAGE!r} or None, got {max_pool!r}")


def opposites(flow: Flow) -> Flow:
    """Return the negative of a value and the value, so that the greater one is the class."""
    return flow.through(dense(np.array([[-1.0], [1.0]])), (2,))
