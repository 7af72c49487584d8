"""Small ONNX models, made with onnx.helper, and what onnx's own evaluator makes of samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from snnprog.arrays import Floats

OPSET = 17


def node(kind: str, inputs: str, output: str, **attributes: Any) -> Any:
    """Return an operation; its inputs are named with spaces between them, "-" where one is left out."""
    names = ["" if name == "-" else name for name in inputs.split()]
    return helper.make_node(kind, names, [output], name=f"{kind.lower()}_{output}", **attributes)


def model(
    nodes: Sequence[Any],
    weights: Mapping[str, object],
    *,
    shape: Sequence[int | str],
    output: str = "y",
    opset: int = OPSET,
) -> Any:
    """Return a model whose samples have a shape; its input is "x"."""
    tensors = [numpy_helper.from_array(_array(values), name) for name, values in weights.items()]
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", *shape])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)],
        initializer=tensors,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def _array(values: object) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
    array = np.asarray(values)
    return array.astype(np.float32) if array.dtype.kind == "f" else array


def evaluated(found: Any, samples: Floats) -> Floats:
    """Return what onnx's evaluator gives for samples, (samples, outputs)."""
    (result,) = ReferenceEvaluator(found).run(None, {"x": samples.astype(np.float32)})
    return np.asarray(result, np.float64).reshape(len(samples), -1)


def cnn(rng: np.random.Generator, *, side: int = 8, channels: int = 4, classes: int = 3) -> Any:
    """Return a convolutional network: convolution, batch normalisation, ReLU, pool, convolution, ReLU, dense."""
    weights = {
        "w1": rng.normal(0.0, 0.5, (channels, 1, 3, 3)),
        "b1": rng.normal(0.0, 0.1, channels),
        "scale": rng.random(channels) + 0.5,
        "shift": rng.normal(0.0, 0.1, channels),
        "mean": rng.normal(0.0, 0.1, channels),
        "var": rng.random(channels) + 0.5,
        "w2": rng.normal(0.0, 0.3, (channels, channels, 3, 3)),
        "w3": rng.normal(0.0, 0.3, (classes, channels * (side // 4) ** 2)),
        "b3": rng.normal(0.0, 0.1, classes),
    }
    nodes = [
        node("Conv", "x w1 b1", "a", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        node("BatchNormalization", "a scale shift mean var", "b", epsilon=1e-4),
        node("Relu", "b", "c"),
        node("AveragePool", "c", "d", kernel_shape=[2, 2], strides=[2, 2]),
        node("Conv", "d w2", "e", kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2]),
        node("Relu", "e", "f"),
        node("Flatten", "f", "g"),
        node("Gemm", "g w3 b3", "h", transB=1),
        node("Softmax", "h", "y"),
    ]
    return model(nodes, weights, shape=(1, side, side))


def saved(found: Any, path: Path) -> Path:
    """Write a model and return its path."""
    onnx.save(found, str(path))
    return path
