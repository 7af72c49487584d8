"""ONNX models: every operation that is read against onnx's own evaluator; what is not read, and hostile files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper, onnx_ml_pb2
from onnx_models import cnn, evaluated, model, node, saved

import snnprog as sp
from snnprog.conversion.ann import Ann
from snnprog.conversion.flows import MOST_WEIGHTS
from snnprog.conversion.onnx_file import NODE_LIMIT, model_of, read_onnx
from snnprog.conversion.onnx_network import ann_of_onnx
from snnprog.conversion.wire import DEPTH_LIMIT, FIELD_LIMIT, SCHEMA, check_fields
from snnprog.errors import FormatError, SpecError
from snnprog.networks.weights import Kernel


def ann_of(found: Any, **options: Any) -> Ann:
    return ann_of_onnx(model_of("the model", found), **options)


RNG = np.random.default_rng(7)
NORMAL = RNG.normal

# Nodes, weights and the shape of samples; the output is "y".
CASES: dict[str, tuple[list[Any], dict[str, object], tuple[int, ...]]] = {
    "dense": (
        [node("Gemm", "x w b", "h", transB=1, alpha=0.5, beta=2.0), node("Relu", "h", "r"), node("MatMul", "r v", "y")],
        {"w": NORMAL(size=(6, 4)), "b": NORMAL(size=6), "v": NORMAL(size=(6, 3))},
        (4,),
    ),
    "elements": (
        [
            node("Mul", "x m", "a"),
            node("Div", "a d", "b"),
            node("Sub", "b s", "c"),
            node("Sub", "s c", "e"),
            node("Add", "s e", "f"),
            node("Neg", "f", "g"),
            node("Relu", "g", "h"),
            node("Identity", "h", "i"),
            node("Dropout", "i", "j"),
            node("Add", "j x", "y"),
        ],
        {"m": NORMAL(size=4), "d": np.array([2.0]), "s": NORMAL(size=(1, 4))},
        (4,),
    ),
    "residual": (
        [
            node("MatMul", "x w", "a"),
            node("Relu", "a", "b"),
            node("MatMul", "b v", "c"),
            node("Relu", "c", "d"),
            node("Add", "b d", "e"),
            node("Sub", "e b", "f"),
            node("MatMul", "f v", "y"),
        ],
        {"w": NORMAL(size=(4, 5)), "v": NORMAL(size=(5, 5))},
        (4,),
    ),
    "clip": (
        [node("Clip", "x low high", "y")],
        {"low": np.array(0.0), "high": np.array(0.5)},
        (4,),
    ),
    "groups": (
        [
            node("Conv", "x w b", "a", group=2, strides=[2, 1], dilations=[1, 2], pads=[0, 1, 2, 1]),
            node("Relu", "a", "y"),
        ],
        {"w": NORMAL(size=(4, 1, 3, 2)), "b": NORMAL(size=4)},
        (2, 6, 5),
    ),
    "one axis": (
        [node("Conv", "x w", "a", pads=[1, 0]), node("AveragePool", "a", "y", kernel_shape=[2], strides=[2])],
        {"w": NORMAL(size=(3, 2, 3))},
        (2, 9),
    ),
    "same": (
        [node("Conv", "x w", "y", auto_pad="SAME_UPPER", strides=[2, 2])],
        {"w": NORMAL(size=(2, 1, 3, 4))},
        (1, 5, 6),
    ),
    "pools": (
        [
            node("AveragePool", "x", "a", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
            node("AveragePool", "a", "b", kernel_shape=[2, 2], pads=[1, 0, 0, 1], count_include_pad=1),
            node("Conv", "b w", "c"),
            node("GlobalAveragePool", "c", "d"),
            node("Squeeze", "d axes", "y"),
        ],
        {"w": NORMAL(size=(3, 2, 2, 2)), "axes": np.array([2, 3])},
        (2, 7, 8),
    ),
    "shapes": (
        [
            node("Shape", "x", "s"),
            node("Gather", "s zero", "n"),
            node("Unsqueeze", "n first", "n1"),
            node("Concat", "n1 rest", "t", axis=0),
            node("Transpose", "w", "wt", perm=[1, 0]),
            node("Reshape", "x t", "a"),
            node("MatMul", "a wt", "b"),
            node("Cast", "b", "y", to=TensorProto.FLOAT),
        ],
        {"zero": np.array(0), "first": np.array([0]), "rest": np.array([-1]), "w": NORMAL(size=(3, 12))},
        (3, 2, 2),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_operations_give_what_onnx_gives(name: str) -> None:
    nodes, weights, shape = CASES[name]
    found = model(nodes, weights, shape=shape)
    samples = np.random.default_rng(1).normal(size=(5, *shape))
    wanted = np.concatenate([evaluated(found, samples[index : index + 1]) for index in range(5)])
    got = ann_of(found).outputs(samples.reshape(5, -1))
    assert np.allclose(got, wanted, atol=1e-4)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1 << 30))
def test_convolutional_networks_give_what_onnx_gives(seed: int) -> None:
    rng = np.random.default_rng(seed)
    found = cnn(rng)
    samples = rng.random((6, 1, 8, 8))
    probabilities = evaluated(found, samples)
    ann = ann_of(found)
    outputs = np.exp(ann.outputs(samples.reshape(6, -1)))
    assert np.allclose(outputs / outputs.sum(axis=1, keepdims=True), probabilities, atol=1e-4)
    assert [layer.shape for layer in ann.layers] == [(4, 8, 8), (4, 2, 2), (3,)]
    assert all(isinstance(weights, Kernel) for layer in ann.layers[:2] for weights in layer.parts.values())
    assert ann.multiplications == 4 * 64 * 9 + 4 * 4 * 36 + 16 * 3


@pytest.mark.parametrize("code", ["rate", "latency"])
def test_a_convolutional_network_keeps_its_classes(code: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    found = cnn(rng)
    samples = rng.random((60, 1, 8, 8))
    labels = evaluated(found, samples).argmax(axis=1)
    result = sp.convert(saved(found, tmp_path / "m.onnx"), data=samples, labels=labels, code=code, ticks=128)
    assert result.scores.ann == 1.0
    assert result.scores.agreement >= 0.8
    assert [layer.is_shared for layer in result.layers] == [True, True, False]
    assert result.notes[0] == "Softmax at the end was omitted: the outputs keep their order without it"
    raster = result.encode(samples[:1])
    kernel, reference = (sp.run(result.program, raster, backend=name) for name in ("kernel", "reference"))
    assert np.array_equal(kernel[0].spikes, reference[0].spikes)


def test_one_output_of_a_sigmoid_becomes_two_classes() -> None:
    found = model([node("MatMul", "x w", "a"), node("Sigmoid", "a", "y")], {"w": [[1.0], [-1.0]]}, shape=(2,))
    ann = ann_of(found)
    assert ann.classes == (0, 1)
    assert ann.outputs(np.array([[3.0, 1.0]])).tolist() == [[-2.0, 2.0]]


def test_largest_values_are_replaced_only_where_that_is_asked_for() -> None:
    found = model([node("MaxPool", "x", "y", kernel_shape=[2, 2])], {}, shape=(1, 2, 2))
    with pytest.raises(FormatError, match=r"takes the largest of a window.*--max-pool average"):
        ann_of(found)
    ann = ann_of(found, max_pool="average")
    assert ann.outputs(np.array([[1.0, 2.0, 3.0, 6.0]])).tolist() == [[3.0]]
    assert "max pooling was replaced by average pooling" in ann.notes[0]


def test_open_shapes_come_from_the_data() -> None:
    found = model([node("MatMul", "x w", "y")], {"w": NORMAL(size=(4, 2))}, shape=("width",))
    assert ann_of(found, input_shape=(4,)).input_shape == (4,)
    with pytest.raises(SpecError, match=r"the model does not define the shape of its samples; give data of \(samples,"):
        ann_of(found)
    with pytest.raises(SpecError, match=r"leaves the shape of its samples open|samples of the model have the shape"):
        ann_of(found, input_shape=(2, 2))


# ---------------------------------------------------------------- what is refused

W = {"w": np.ones((4, 2)), "k": np.ones((1, 1, 3, 3)), "c": np.ones(3), "z": np.zeros(4)}

REFUSED: dict[str, tuple[list[Any], tuple[int, ...], str]] = {
    "unknown": (
        [node("Tanh", "x", "y")],
        (4,),
        r"node 'tanh_y' \(Tanh\) of the model is not supported; supported operations are Add,",
    ),
    "leaky": (
        [node("LeakyRelu", "x", "y")],
        (4,),
        r"node 'leakyrelu_y' \(LeakyRelu\) of the model is not supported; supported",
    ),
    "after the end": ([node("Softmax", "x", "a"), node("Relu", "a", "y")], (4,), "comes after Softmax"),
    "clip": ([node("Clip", "x", "y")], (4,), "clips to -inf and inf"),
    "product": ([node("Mul", "x x", "y")], (4,), "multiplies two values of a sample"),
    "divisor": ([node("Div", "x z", "y")], (4,), "divides by 0"),
    "widths": (
        [node("MatMul", "x w", "y")],
        (3,),
        r"node 'matmul_y' \(MatMul\) of the model has weights for 4 values, got values of shape \(3,\)",
    ),
    "constant": ([node("Add", "x c", "y")], (4,), "combines values of shape"),
    "large kernel": ([node("Conv", "x k", "y")], (1, 2, 2), "no larger than its image"),
    "no image": ([node("Conv", "x k", "y")], (4,), "needs values of"),
    "channels": (
        [node("Conv", "x k", "y")],
        (2, 4, 4),
        r"node 'conv_y' \(Conv\) of the model has weights for 1 channels, got 2",
    ),
    "ceil": (
        [node("AveragePool", "x", "y", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)],
        (1, 5, 5),
        "reach beyond the image",
    ),
    "transposed": ([node("Gemm", "x w", "y", transA=1)], (4,), "transposes its samples"),
    "missing": (
        [node("MatMul", "x v", "y")],
        (4,),
        "node 'matmul_y' of the model requires 'v', which no earlier node returns",
    ),
    "no input": (
        [node("MatMul", "w w2", "y")],
        (4,),
        "node 'matmul_y' of the model requires 'w2', which no earlier node",
    ),
    "reshape": ([node("Reshape", "x c", "y")], (4,), "reshapes values of shape"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_read_gets_a_sentence(name: str) -> None:
    nodes, shape, message = REFUSED[name]
    with pytest.raises(FormatError, match=message):
        ann_of(model(nodes, W, shape=shape))


def test_models_without_one_input_and_one_output_are_refused() -> None:
    found = model([node("MatMul", "x w", "y")], W, shape=(4,))
    found.graph.output.append(helper.make_tensor_value_info("x", TensorProto.FLOAT, None))
    with pytest.raises(FormatError, match=r"the model must have one output that depends on the input, got 2 outputs"):
        ann_of(found)
    found = model([node("MatMul", "x w", "y")], W, shape=(4,))
    found.graph.input.append(helper.make_tensor_value_info("other", TensorProto.FLOAT, [1, 4]))
    with pytest.raises(FormatError, match="must have one input, got 2"):
        ann_of(found)
    with pytest.raises(FormatError, match="has no ONNX graph"):
        ann_of(onnx.ModelProto())
    found = model([node("Identity", "x", "y")] * (NODE_LIMIT + 1), {}, shape=(4,))
    with pytest.raises(FormatError, match=f"has {NODE_LIMIT + 1} operations"):
        ann_of(found)
    foreign = model([helper.make_node("MatMul", ["x", "w"], ["y"], domain="com.example")], W, shape=(4,))
    with pytest.raises(FormatError, match=r"of 'com.example', which is not supported"):
        ann_of(foreign)


def test_too_much_is_refused_before_it_is_made() -> None:
    wide = model([node("Relu", "x", "y")], {}, shape=(1 << 40,))
    with pytest.raises(SpecError, match="values are converted"):
        ann_of(wide)
    square = 1 << 11
    pool = node("AveragePool", "x", "a", kernel_shape=[square, square])
    nodes = [pool, node("Flatten", "a", "b"), node("MatMul", "b w", "y")]
    with pytest.raises(SpecError, match=r"products of weights|synapses; at most"):
        ann_of(model(nodes, {"w": np.ones((1, 64))}, shape=(1, square, square)))
    doubling = [node("Concat", f"c{index} c{index}", f"c{index + 1}", axis=0) for index in range(40)]
    with pytest.raises(FormatError, match=r"node 'concat_c15' \(Concat\) of the model is not supported on constants;"):
        ann_of(model([*doubling, node("Add", "x c40", "y")], {"c0": np.ones(4)}, shape=(4,)))
    assert MOST_WEIGHTS >= 1 << 20


# ---------------------------------------------------------------- hostile files


def with_weights(change: Any) -> Any:
    found = model([node("MatMul", "x w", "y")], {"w": np.ones((4, 2))}, shape=(4,))
    change(found.graph.initializer[0])
    return found


def external(tensor: Any) -> None:
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")


def huge(tensor: Any) -> None:
    del tensor.dims[:]
    tensor.dims.extend([1 << 40, 1 << 40])


def negative(tensor: Any) -> None:
    tensor.dims[0] = -4


def texts(tensor: Any) -> None:
    tensor.data_type = TensorProto.STRING


def infinite(tensor: Any) -> None:
    tensor.CopyFrom(numpy_helper.from_array(np.full((4, 2), np.inf, np.float32), "w"))


def short(tensor: Any) -> None:
    tensor.raw_data = tensor.raw_data[:-1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (external, r"lies in another file \(external data\), which is not supported"),
        (huge, "and less data than that"),
        (negative, "and less data than that"),
        (texts, "has numbers of ONNX's type 8"),
        (infinite, "'w' of the model must have finite values"),
        (short, "cannot be read"),
    ],
)
def test_damaged_weights_get_a_sentence(change: Any, message: str, tmp_path: Path) -> None:
    path = saved(with_weights(lambda tensor: None), tmp_path / "good.onnx")
    assert ann_of_onnx(read_onnx(path)).n_inputs == 4
    with pytest.raises(FormatError, match=message):
        model_of("the model", with_weights(change))


def test_files_that_are_none_get_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    with pytest.raises(FormatError, match="No such file"):
        read_onnx(path)
    path.write_bytes(b"\x89HDF\r\n")
    with pytest.raises(FormatError, match="is not an ONNX model, or is damaged"):
        read_onnx(path)
    path.write_bytes(b"")
    with pytest.raises(FormatError, match="has no ONNX graph"):
        read_onnx(path)
    path.write_bytes(b"\x3a\x80\x80\x80\x01" + b"\x0a\x00" * (FIELD_LIMIT + 1))
    with pytest.raises(FormatError, match=r"its fields do not add up|more than"):
        read_onnx(path)
    body = b"\x0a\x00" * (FIELD_LIMIT + 1)  # empty nodes
    with pytest.raises(FormatError, match=f"has more than {FIELD_LIMIT} fields"):
        check_fields("m", b"\x3a" + varint(len(body)) + body)
    nested = b""
    for _ in range(DEPTH_LIMIT + 2):  # a graph in an attribute of a node of a graph
        attribute = b"\x32" + varint(len(nested)) + nested
        operation = b"\x2a" + varint(len(attribute)) + attribute
        nested = b"\x0a" + varint(len(operation)) + operation
    with pytest.raises(FormatError, match="nested more than"):
        check_fields("m", b"\x3a" + varint(len(nested)) + nested)


def varint(number: int) -> bytes:
    found = bytearray()
    while number >= 0x80:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_changed_files_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    content = bytearray(cnn(np.random.default_rng(0)).SerializeToString())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, min(len(content), 900) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("changed") / "m.onnx"
    path.write_bytes(content)
    try:
        ann = ann_of_onnx(read_onnx(path), input_shape=(1, 8, 8))
    except (FormatError, SpecError):
        return
    assert ann.layers


def test_the_schema_is_that_of_onnx() -> None:
    """Each message of the package that may hold messages is walked in the same way."""
    pairs = [(onnx_ml_pb2.ModelProto.DESCRIPTOR, "Model")]
    seen = set()
    while pairs:
        descriptor, own = pairs.pop()
        if (descriptor.full_name, own) in seen:
            continue
        seen.add((descriptor.full_name, own))
        fields = {each.number: each.message_type for each in descriptor.fields if each.message_type}
        assert set(fields) <= set(SCHEMA[own]), descriptor.name
        pairs += [(message, SCHEMA[own][number]) for number, message in fields.items()]
    # Newer versions have more messages: no version that is supported has one that is not walked.
    assert {own for _, own in seen} <= set(SCHEMA)
