"""The geometry of ONNX's convolutions and pools, on images of one or two axes."""

from __future__ import annotations

import numpy as np

from snnprog.conversion.ann import Shape
from snnprog.conversion.onnx_file import OnnxNode
from snnprog.convolution import Convolution
from snnprog.errors import FormatError, SpecError

Pair = tuple[int, int]
AUTO_PADS = ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER")


def conv_geometry(where: str, node: OnnxNode, shape: Shape, weights: Shape) -> tuple[Convolution, Shape]:
    """Return a convolution's geometry, and its output shape.

    Parameters
    ----------
    where : str
        The operation's name in messages.
    node : OnnxNode
    shape : tuple of int
        Input shape, (channels, rows, columns) or (channels, columns).
    weights : tuple of int
        (target channels, source channels of a group, rows, columns) or without rows.
    """
    axes = len(weights) - 2
    _check_image(where, shape, axes)
    groups = _whole(where, node, "group", 1)
    if groups < 1 or weights[1] * groups != shape[0]:
        raise FormatError(f"{where} has weights for {weights[1] * groups} channels, got {shape[0]}")
    strides, dilations = (_numbers(where, node, name, axes, 1) for name in ("strides", "dilations"))
    kernel = _numbers(where, node, "kernel_shape", axes, None) or weights[2:]
    if tuple(kernel) != tuple(weights[2:]):
        raise FormatError(f"{where} declares a kernel of {tuple(kernel)} and has one of {tuple(weights[2:])}")
    reach = tuple((size - 1) * dilation + 1 for size, dilation in zip(kernel, dilations, strict=True))
    before, after = _pads(where, node, shape[1:], reach=reach, strides=strides)
    return _made(
        where,
        axes,
        channels=(shape[0], weights[0]),
        image=_pair(shape[1:]),
        kernel=_pair(kernel),
        stride=_pair(strides),
        dilation=_pair(dilations),
        before=_pair(before, 0),
        after=_pair(after, 0),
        groups=groups,
    )


def pool_geometry(where: str, node: OnnxNode, shape: Shape) -> tuple[Convolution, Shape]:
    """Return the geometry of a pool, a convolution of each channel with itself; see `conv_geometry`."""
    axes = len(shape) - 1
    kernel = _numbers(where, node, "kernel_shape", axes, None)
    if not kernel:
        raise FormatError(f"{where} has no kernel_shape")
    _check_image(where, shape, axes)
    strides = _numbers(where, node, "strides", axes, 1)
    if any(each != 1 for each in _numbers(where, node, "dilations", axes, 1)):
        raise FormatError(f"{where} is dilated, which is not supported")
    before, after = _pads(where, node, shape[1:], reach=kernel, strides=strides)
    spare = [
        (size + first + last - window) % stride
        for size, first, last, window, stride in zip(shape[1:], before, after, kernel, strides, strict=True)
    ]
    if _whole(where, node, "ceil_mode", 0) and any(spare):
        raise FormatError(f"{where} has windows that reach beyond the image (ceil_mode), which is not supported")
    return _made(
        where,
        axes,
        channels=(shape[0], shape[0]),
        image=_pair(shape[1:]),
        kernel=(1, 1),
        groups=shape[0],
        pool=_pair(kernel),
        pool_stride=_pair(strides),
        pool_before=_pair(before, 0),
        pool_after=_pair(after, 0),
    )


def _made(
    where: str, axes: int, *, channels: Pair, image: Pair, kernel: Pair, **others: Pair | int
) -> tuple[Convolution, Shape]:
    try:
        geometry = Convolution(channels, image, kernel, **others)  # type: ignore[arg-type]
    except SpecError as error:
        raise FormatError(f"{where}: {error}") from error
    return geometry, (channels[1], *geometry.size[2 - axes :])


def _check_image(where: str, shape: Shape, axes: int) -> None:
    if axes not in (1, 2) or len(shape) != axes + 1:
        raise FormatError(f"{where} needs values of (channels, columns) or (channels, rows, columns), got {shape}")


def _pair(values: Shape, otherwise: int = 1) -> Pair:
    """Return (rows, columns) of an image's axes; images of one axis have one row."""
    rows, columns = (otherwise, *values)[-2:]
    return int(rows), int(columns)


def _numbers(where: str, node: OnnxNode, name: str, axes: int, otherwise: int | None) -> Shape:
    value = node.attributes.get(name, () if otherwise is None else (otherwise,) * axes)
    if not isinstance(value, tuple) or len(value) not in ((0, axes) if otherwise is None else (axes,)):
        raise FormatError(f"{name} of {where} must be {axes} integers, got {value!r}")
    return tuple(int(each) for each in value)


def _whole(where: str, node: OnnxNode, name: str, otherwise: int) -> int:
    value = node.attributes.get(name, otherwise)
    if not isinstance(value, int):
        raise FormatError(f"{name} of {where} must be an integer, got {value!r}")
    return value


def _pads(where: str, node: OnnxNode, image: Shape, *, reach: Shape, strides: Shape) -> tuple[Shape, Shape]:
    """Return the zeros before and after each axis; those of SAME are the fewest that give a target for each stride."""
    axes, kind = len(image), node.attributes.get("auto_pad", "NOTSET")
    if kind not in AUTO_PADS:
        raise FormatError(f"auto_pad of {where} must be one of {', '.join(AUTO_PADS)}, got {kind!r}")
    if kind == "NOTSET":
        pads = node.attributes.get("pads", (0,) * (2 * axes))
        if not isinstance(pads, tuple) or len(pads) != 2 * axes:
            raise FormatError(f"pads of {where} must be {2 * axes} integers, got {pads!r}")
        whole = tuple(int(each) for each in pads)
        return whole[:axes], whole[axes:]
    if kind == "VALID" or min(strides) < 1:
        return (0,) * axes, (0,) * axes
    total = [
        max(0, (-(-size // stride) - 1) * stride + window - size)
        for size, window, stride in zip(image, reach, strides, strict=True)
    ]
    less = np.array(total) // 2
    more = np.array(total) - less
    first, last = (less, more) if kind == "SAME_UPPER" else (more, less)
    return tuple(first.tolist()), tuple(last.tolist())
