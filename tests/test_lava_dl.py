"""lava-dl's files: read into networks whose programs spike as SLAYER's own integers do, or refused in one sentence."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import nir
import numpy as np
import pytest
from command_line import Command
from hypothesis import given, settings
from hypothesis import strategies as st
from net_files import Run, cuba, slayer, write_net
from untyped import untyped

import snnprog as sp
from snnprog.arrays import Raster
from snnprog.chips import Chip, find_chip
from snnprog.files.hdf5 import Hdf5
from snnprog.files.hdf5_process import copy_parts
from snnprog.networks import TrainedNetwork, from_net, quantize
from snnprog.networks.convention import convention_of
from snnprog.networks.lava_dl import LAVA_DL, PARTS, network_of_layers
from snnprog.networks.running import run_network
from snnprog.networks.weights import Kernel
from snnprog.rules.expressions import Ref
from snnprog.simulate import simulate

PILOTNET = Path(__file__).resolve().parents[2] / "shared" / "data" / "exporters" / "lavadl_pilotnet_lif.net"
Layers = Sequence[Mapping[str, Any]]


def loihi_at_least() -> Chip:
    """Return a chip that is Loihi, but spikes where a potential is its threshold."""
    loihi = find_chip("loihi1")
    rule = loihi.rule.with_step("fire", Ref("potential") >= (Ref("threshold") << 6))
    return replace(loihi, name="loihi-at-least", rule=replace(rule, name="loihi-at-least"))


AT_LEAST = loihi_at_least()


def read_here(path: Path, *, compare: str | None = None, **options: Any) -> TrainedNetwork:
    """Read a file in this process, which is faster than in another."""
    convention = convention_of(LAVA_DL, reset=None, reset_delay=None, compare=compare)
    return network_of_layers(Hdf5.of(path, copy_parts(str(path), PARTS)), 1.0, convention=convention, **options)


# ---------------------------------------------------------------- drawn networks


def weights(rng: np.random.Generator, *shape: int) -> Any:
    """Return weights as SLAYER quantizes them: even, in floats."""
    return (2 * rng.integers(-30, 38, shape)).astype(np.float32)


def drawn(seed: int) -> tuple[list[dict[str, Any]], tuple[int, int, int]]:
    """Return random layers and the shape of their input: images first in most, then dense ones."""
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(1, 4)), int(rng.integers(4, 8)), int(rng.integers(4, 8)))
    layers: list[dict[str, Any]] = [{"type": "input", "shape": np.array(shape)}]
    if rng.random() < 0.4:
        layers[0] |= {"weight": np.float32(90), "bias": np.full((1, 1), 6.0), **neurons(rng, 1, has_bias=False)}
    before = shape
    for kind in rng.permutation(["conv", "pool", "conv"])[: int(rng.integers(0, 3))].tolist():
        layer, before = (conv if kind == "conv" else pool)(rng, before)
        layers.append(layer)
    layers.append({"type": "flatten", "shape": np.array([1, 1, int(np.prod(before))])})
    width = int(np.prod(before))
    for _ in range(int(rng.integers(1, 3))):
        size = int(rng.integers(1, 6))
        layer = {"type": "dense", "shape": np.array([size, 1, 1]), "weight": weights(rng, size, width)}
        if rng.random() < 0.4:
            layer |= {"type": "dense_rec", "weight_rec": weights(rng, size, size)}
        layers.append(finished(rng, layer, size))
        width = size
    return layers, shape


def conv(rng: np.random.Generator, before: tuple[int, int, int]) -> tuple[dict[str, Any], tuple[int, int, int]]:
    groups = before[0] if rng.random() < 0.3 else 1
    outs = groups * int(rng.integers(1, 3))
    kernel, stride, padding = (
        np.minimum(rng.integers(1, 4, 2), before[1:]),
        rng.integers(1, 3, 2),
        rng.integers(0, 2, 2),
    )
    dilation = np.where((kernel > 2) | (np.array(before[1:]) < 3), 1, rng.integers(1, 3, 2))
    sides = [
        (before[1 + axis] + 2 * int(padding[axis]) - int(dilation[axis]) * (int(kernel[axis]) - 1) - 1)
        // int(stride[axis])
        + 1
        for axis in (0, 1)
    ]
    after = outs, sides[0], sides[1]
    layer = {
        "type": "conv",
        "shape": np.array(after),
        "inChannels": before[0],
        "outChannels": outs,
        "kernelSize": kernel,
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
        "groups": groups,
        "weight": weights(rng, outs, before[0] // groups, *kernel.tolist()),
    }
    return finished(rng, layer, outs), after


def pool(rng: np.random.Generator, before: tuple[int, int, int]) -> tuple[dict[str, Any], tuple[int, int, int]]:
    channels, rows, columns = before
    after = channels, (rows + rows % 2) // 2, (columns + columns % 2) // 2
    layer = {
        "type": "pool",
        "shape": np.array(after),
        "kernelSize": np.array([2, 2]),
        "stride": np.array([2, 2]),
        "padding": np.array([0, 0]),
        "dilation": np.array([1, 1]),
        "weight": np.full((1, 1, 2, 2), 70, np.float32),
    }
    return finished(rng, layer, channels, has_bias=False), after


def neurons(rng: np.random.Generator, channels: int, *, has_bias: bool) -> dict[str, Any]:
    """Return neurons; where there is a bias, without current, so that it can begin when SLAYER's does."""
    size = channels if rng.random() < 0.3 else None
    current = 4096 if has_bias else rng.integers(1, 4097, size)
    return cuba(current, rng.integers(0, 4096, size), int(rng.integers(20, 150)))


def finished(
    rng: np.random.Generator, layer: dict[str, Any], channels: int, *, has_bias: bool | None = None
) -> dict[str, Any]:
    has_bias = bool(rng.random() < 0.4) if has_bias is None else has_bias
    layer = layer | neurons(rng, channels, has_bias=has_bias)
    if has_bias:
        layer["bias"] = (2 * rng.integers(-8, 12, channels)).astype(np.float32)
    if rng.random() < 0.4:
        layer["delay"] = rng.integers(0, 6, channels).astype(np.float32)
    return layer


def ran(program: sp.Program, raster: Raster, late: int) -> Raster:
    """Return the spikes of all neurons, some ticks late."""
    longer = np.concatenate([raster, np.zeros((late, raster.shape[1]), bool)])
    everything = replace(program, outputs=np.arange(program.n_neurons, dtype=np.int32))
    return simulate(everything, [longer])[0].spikes[late:]


def differing(network: TrainedNetwork, program: sp.Program, raster: Raster, run: Run) -> list[int]:
    """Return how many bins of each layer, and of what is read out, are not SLAYER's."""
    counts = []
    for population, target in zip(network.populations, run.spikes, strict=False):
        found = ran(program, raster, population.start)[:, network.neurons_of(population.name)]
        counts.append(int((found != target).sum()))
    (late,) = set(network.latency.tolist())
    return [*counts, int((ran(program, raster, late)[:, network.outputs] != run.given).sum())]


# ---------------------------------------------------------------- programs and SLAYER's integers


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), shift=st.booleans())
def test_a_program_spikes_as_slayer_where_the_chip_compares_as_it_does(
    tmp_path_factory: pytest.TempPathFactory, seed: int, shift: bool
) -> None:
    layers, shape = drawn(seed)
    path = write_net(tmp_path_factory.mktemp("net") / "n.net", layers)
    network = read_here(path, delay_shift=shift)
    raster = np.random.default_rng([seed, 1]).random((40, int(np.prod(shape)))) < 0.3
    run = slayer(layers, raster, shape, is_equal=True, shift=shift)
    program = quantize(network, chip=AT_LEAST, inputs=[raster]).program
    assert differing(network, program, raster, run) == [0] * (len(run.spikes) + 1)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_program_spikes_as_later_releases_where_the_chip_is_loihi(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    layers, shape = drawn(seed)
    network = read_here(write_net(tmp_path_factory.mktemp("net") / "n.net", layers), compare=">")
    raster = np.random.default_rng([seed, 1]).random((40, int(np.prod(shape)))) < 0.3
    run = slayer(layers, raster, shape, is_equal=False)
    program = quantize(network, chip="loihi1", inputs=[raster]).program
    assert differing(network, program, raster, run) == [0] * (len(run.spikes) + 1)


def test_biases_beside_currents_begin_with_the_program_and_that_is_told(tmp_path: Path) -> None:
    """What a synapse gives passes the current, so there a chip's own bias is taken, a tick before SLAYER's."""
    rng = np.random.default_rng(2)
    layers = [
        {
            "type": "dense",
            "shape": np.array([4]),
            "weight": weights(rng, 4, 6),
            "bias": np.array([9.0, -4.0, 0.0, 30.0]),
        }
        | cuba(800, 200, 60)
    ]
    raster = rng.random((60, 6)) < 0.2
    late = slayer(layers, np.concatenate([np.zeros((1, 6), bool), raster]), (6, 1, 1), is_equal=True)
    result = quantize(from_net(write_net(tmp_path / "n.net", layers)), chip=AT_LEAST, inputs=[raster])
    assert (ran(result.program, raster, 0) == late.spikes[0][:-1]).all()
    assert any("its constant drive begins 1 tick before" in note for note in result.notes)


def test_potentials_of_a_readout_are_slayer_s(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    plain = {"type": "dense", "shape": np.array([3]), "weight": weights(rng, 3, 8), **cuba(threshold=30)}
    last = {"type": "dense", "shape": np.array([2]), "weight": weights(rng, 2, 3)}
    raster = rng.random((40, 8)) < 0.3
    for own in (cuba(1000, 300, (1 << 18) - 1), cuba(1000, 300, 131071)):
        network = from_net(write_net(tmp_path / "n.net", [plain, last | own]))
        run = slayer([plain, last | own], raster, (8, 1, 1), is_equal=True)
        program = quantize(network, chip=AT_LEAST, inputs=[raster]).program
        trace = simulate(program, [np.concatenate([raster, raster[:1]])], state=True)[0]
        assert trace.potentials is not None
        assert (trace.potentials[1:, 3:] == run.potentials).all()
        assert network.latency.tolist() == [1, 1]
    network = from_net(write_net(tmp_path / "n.net", [plain, last]))
    run = slayer([plain | cuba(4096, 4095, 30), last], raster, (8, 1, 1), is_equal=True)
    assert network.populations[-1].is_readout
    assert any("layer1 does not spike: it has no neurons; its potential is read out" in each for each in network.notes)
    sums = run_network(network, [raster], potentials=True)[0]
    assert sums.potentials is not None
    assert (sums.potentials[1:, 3:] == sums.spikes[:-1, :3] @ last["weight"].T).all()


# ---------------------------------------------------------------- what files say


def test_a_convolution_stays_a_kernel_and_equals_what_its_matrix_gives(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    layer, after = conv(rng, (2, 6, 5))
    layer |= {"delay": np.arange(len(layer["weight"])) % 2}
    final, _ = conv(rng, after)
    network = from_net(write_net(tmp_path / "n.net", [{"type": "input", "shape": np.array([2, 6, 5])}, layer, final]))
    assert all(isinstance(connection.weights, Kernel) for connection in network.connections)
    assert {connection.delay for connection in network.connections if connection.target == "layer2"} <= {1, 2}
    for connection in network.connections:
        source, target, place = connection.weights.synapses
        matrix = np.zeros((connection.weights.n_targets, connection.weights.n_sources))
        np.add.at(matrix, (target, source), connection.weights.parameters[place])
        assert (connection.weights.matrix.toarray() == matrix).all()
        assert connection.weights.parameters[place].all()


def test_delays_may_be_of_channels_of_neurons_or_one(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    first = {"type": "conv", "shape": np.array([2, 3, 2]), "weight": weights(rng, 2, 1, 2, 2)} | cuba(threshold=20)
    flat = {"type": "flatten"}
    last = {"type": "dense", "weight": weights(rng, 3, 12)} | cuba(threshold=40)
    raster = rng.random((50, 12)) < 0.3
    for delay in (2.0, np.array([0.0, 4.0]), np.arange(12.0) % 5):
        layers = [{"type": "input", "shape": np.array([1, 4, 3])}, first | {"delay": delay}, flat, last]
        network = from_net(write_net(tmp_path / "n.net", layers))
        run = slayer(layers, raster, (1, 4, 3), is_equal=True)
        program = quantize(network, chip=AT_LEAST, inputs=[raster]).program
        assert differing(network, program, raster, run) == [0, 0, 0]


def test_normalization_by_a_power_of_two_raises_the_threshold(tmp_path: Path) -> None:
    layer = {"type": "dense", "weight": np.eye(3), **cuba(threshold=10, weight_exp=np.array(2.0))}
    assert from_net(write_net(tmp_path / "n.net", [layer])).threshold.tolist() == [40.0] * 3


def test_the_tick_is_what_is_given_or_what_the_file_says(tmp_path: Path) -> None:
    layer = {"type": "dense", "weight": np.eye(2), **cuba()}
    path = write_net(tmp_path / "n.net", [layer], simulation={"Ts": 5, "tSample": 16})
    assert from_net(path).dt_ms == 5.0
    assert from_net(path, dt_ms=2.0).dt_ms == 2.0
    assert from_net(write_net(tmp_path / "m.net", [layer])).dt_ms == 1.0
    with pytest.raises(
        sp.FormatError, match="simulation/Ts must be a positive number of milliseconds, got -1; or give dt_ms="
    ):
        from_net(write_net(tmp_path / "k.net", [layer], simulation={"Ts": -1}))


def test_arguments_are_checked(tmp_path: Path) -> None:
    path = write_net(tmp_path / "n.net", [DENSE])
    with pytest.raises(sp.SpecError, match="path must be the path of a file, got an int"):
        from_net(untyped(3))
    with pytest.raises(sp.SpecError, match="delay_shift must be True or False, got 'no'"):
        from_net(path, delay_shift=untyped("no"))
    with pytest.raises(sp.SpecError, match=r"dt_ms must be a positive number of milliseconds, got 0\.0"):
        from_net(path, dt_ms=0.0)
    with pytest.raises(sp.SpecError, match="compare must be '>' or '>='"):
        from_net(path, compare="<")


def test_the_size_of_images_is_given_or_known_from_a_convolution_without_strides(tmp_path: Path) -> None:
    layer = {"type": "conv", "shape": np.array([1, 3, 2]), "weight": np.ones((1, 2, 2, 3)), "padding": 1, **cuba()}
    assert from_net(write_net(tmp_path / "n.net", [layer])).inputs == {"input": (2, 2, 2)}
    path = write_net(tmp_path / "m.net", [layer | {"stride": 2, "shape": np.array([1, 3, 3])}])
    with pytest.raises(sp.FormatError, match=r"has no input layer, .*; give input_shape=\(channels, rows, columns\)"):
        from_net(path)
    assert from_net(path, input_shape=(2, 5, 5)).inputs == {"input": (2, 5, 5)}
    for odd in ((2, 5), (2, 5.0, 5), (0,), 7):
        with pytest.raises(sp.SpecError, match=r"input_shape must be \(channels,\) or"):
            from_net(path, input_shape=untyped(odd))
    known = write_net(tmp_path / "k.net", [{"type": "input", "shape": np.array([2, 5, 5])}, layer])
    with pytest.raises(sp.SpecError, match=r"input_shape must be \(2, 5, 5\), as layer 0 of .* has it"):
        from_net(known, input_shape=(2, 4, 4))


DENSE = {"type": "dense", "shape": np.array([2, 1, 1]), "weight": 2.0 * np.ones((2, 3)), **cuba()}
IMAGE = {"type": "input", "shape": np.array([2, 5, 6])}
CONV = {"type": "conv", "weight": np.ones((2, 2, 2, 2)), **cuba()}
POOL = {"type": "pool", "weight": np.ones((1, 1, 3, 3)), **cuba()}
SECOND = {**DENSE, "weight": np.ones((2, 2))}

REFUSED: dict[str, tuple[Layers, str]] = {
    "an average": ([DENSE, {"type": "average"}], "layer 1 of .* is of type 'average'; read are input, conv, pool, fl"),
    "a concatenation": ([{"type": "concat"}], "is of type 'concat'"),
    "a transposed convolution": ([IMAGE, {"type": "convT"}], "is of type 'convT'"),
    "sigma-delta": (
        [DENSE | {"neuron/type": "SDNN"}],
        "layer 0 of .* has neurons of type 'SDNN'; read are CUBA and LOIHI",
    ),
    "a resonator": ([DENSE | {"neuron/type": "RF_PHASE"}], "has neurons of type 'RF_PHASE'"),
    "adaptation": ([DENSE | {"neuron/type": "ALIF"}], "has neurons of type 'ALIF'"),
    "a delta input": ([{"type": "input", "shape": np.array([3]), "neuron/type": "SDNN"}, DENSE], "of type 'SDNN'"),
    "graded spikes": (
        [DENSE | {"neuron/gradedSpike": True}],
        "has spikes with a size, gradedSpike = 1; only 0 is supported",
    ),
    "message bits": ([DENSE | {"neuron/messageBits": 8}], "messageBits = 8"),
    "a refractory period": (
        [DENSE | {"neuron/refDelay": 3}],
        "has a refractory period, refDelay = 3; only 1 is supported",
    ),
    "exponents": ([DENSE | {"neuron/wgtExp": 2}], "has an exponent of weights, wgtExp = 2"),
    "a large normalization": (
        [DENSE | {"neuron/weight_exp": 5.0}],
        "weight_exp of layer 0 .* integers from -3 to 3",
    ),
    "complex weights": (
        [{"type": "dense", "weight/real": np.ones((2, 3)), "weight/imag": np.ones((2, 3)), **cuba()}],
        "layer 0 of .* has complex weights",
    ),
    "an inner layer without neurons": (
        [{"type": "dense", "weight": np.ones((2, 3))}, SECOND],
        "layer0 of .* no neurons",
    ),
    "a second input": ([DENSE, {"type": "input", "shape": np.array([2])}], "only layer 0 may be"),
    "nothing with neurons": ([{"type": "input", "shape": np.array([2])}], "has no layer with neurons"),
    "an image into a dense layer": ([IMAGE, DENSE], "is dense, and an image of shape .* leads to it; flatten it first"),
    "another width": ([DENSE, DENSE], "layer 1 of .* takes 3 channels, and 2 lead to it"),
    "other channels": ([IMAGE, CONV | {"groups": 2}], "takes 4 channels, and 2 lead to it"),
    "groups that do not divide": (
        [IMAGE | {"shape": np.array([6, 5, 6])}, CONV | {"groups": 3}],
        "multiples of its 3 groups",
    ),
    "another shape": ([DENSE | {"shape": np.array([5])}], r"says that its shape is \(5, 1, 1\); its weights give"),
    "a shape of two axes": ([{"type": "input", "shape": np.array([2, 3])}, DENSE], "shape of layer 0 .* must be"),
    "a huge shape": ([{"type": "input", "shape": np.full(3, 1 << 20)}, DENSE], "shape of layer 0 .* must be"),
    "many neurons": (
        [{"type": "input", "shape": np.array([4, 1000, 1000]), **cuba()}, CONV | {"weight": np.ones((4, 4, 1, 1))}],
        "has more than 4194304 neurons or 67108864 synapses, by layer1",
    ),
    "a kernel larger than its image": ([IMAGE, CONV | {"weight": np.ones((1, 2, 9, 9))}], "no larger than its image"),
    "a huge stride": (
        [IMAGE, CONV | {"stride": 1 << 20}],
        "stride of layer 1 .* must be integers from 1 to 65536",
    ),
    "three strides": ([IMAGE, CONV | {"stride": np.array([1, 1, 1])}], "must be one or two numbers, got 3"),
    "a kernel of three axes": ([IMAGE, CONV | {"weight": np.ones((2, 2, 2))}], "must have the axes"),
    "weights of three axes": ([DENSE | {"weight": np.ones((2, 3, 1))}], "must have two axes"),
    "a row that does not divide": ([DENSE | {"weight": np.ones(3)}], "has 3 numbers for 2 neurons"),
    "windows across channels": ([IMAGE, POOL], "the windows of lava-dl's pool then reach from channel to channel"),
    "overlapping windows": ([IMAGE, POOL | {"stride": 1}], "stride 1, padding 0, dilation 1: the windows"),
    "a pool of many kernels": ([IMAGE, POOL | {"weight": np.ones((2, 1, 2, 2))}], "a pool has one kernel"),
    "recurrent weights of another shape": (
        [DENSE | {"type": "dense_rec", "weight_rec": np.ones((3, 3))}],
        "weight_rec",
    ),
    "weights that are not finite": (
        [DENSE | {"weight": np.full((2, 3), np.nan)}],
        "weight of .* must be finite, .* got nan",
    ),
    "weights that are huge": ([DENSE | {"weight": np.full((2, 3), 1e300)}], "at most 2.14748e\\+09, got 1e\\+300"),
    "weights that are texts": ([DENSE | {"weight": "abc"}], "weight of layer 0 .* must be numbers"),
    "no weights": ([{"type": "dense", **cuba()}], "has no /layer/0/weight"),
    "a negative delay": (
        [DENSE | {"delay": np.array([-1.0, 0.0])}],
        "delay of layer 0 .* integers from 0 to 65536",
    ),
    "a part of a delay": ([DENSE | {"delay": np.array([0.5, 0.0])}], "delay of layer 0 .* must be integers"),
    "delays of too many": ([DENSE | {"delay": np.zeros(3)}], "delay of .* must have 1, 2 or 2 numbers, got 3"),
    "biases of too many": ([DENSE | {"bias": np.zeros(3)}], "bias of .* must have 1 or 2 numbers, got 3"),
    "weights of an input": (
        [{"type": "input", "shape": np.array([3]), "weight": np.ones(2), **cuba()}],
        "be one number",
    ),
    "a decay beyond all": ([DENSE | {"neuron/vDecay": 4097}], "neuron/vDecay of .* integers from 0 to 4096"),
    "no decay": ([{key: DENSE[key] for key in DENSE if key != "neuron/iDecay"}], "has no /layer/0/neuron/iDecay"),
    "no threshold": ([DENSE | {"neuron/vThMant": 0}], "vThMant of layer 0 .* must be positive, got 0"),
    "a type of two texts": ([{"type": "dense", "weight": np.ones((1, 1)), "neuron/type": [b"a", b"b"]}], "be one text"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_read_is_refused_in_one_sentence(case: str, tmp_path: Path) -> None:
    layers, message = REFUSED[case]
    path = write_net(tmp_path / "n.net", layers)
    with pytest.raises(sp.FormatError, match=message) as caught:
        read_here(path)
    assert "\n" not in str(caught.value)


def test_layers_are_numbered_without_gaps(tmp_path: Path) -> None:
    path = write_net(tmp_path / "n.net", [DENSE])
    with h5py.File(path, "r+") as file:
        file.move("layer/0", "layer/1")
    with pytest.raises(sp.FormatError, match=r"/layer in .* must hold layers 0, 1, \.\.\. up to 1023, got 1"):
        from_net(path)
    with h5py.File(path, "r+") as file:
        del file["layer"]
    with pytest.raises(sp.FormatError, match="has no /layer"):
        from_net(path)


# ---------------------------------------------------------------- which reader


def test_the_suffix_or_what_is_in_it_tells_which_file_it_is(tmp_path: Path) -> None:
    path = write_net(tmp_path / "n.net", [DENSE])
    copy = tmp_path / "n.h5"
    copy.write_bytes(path.read_bytes())
    assert quantize(copy, exporter="lava-dl").program.n_neurons == 2
    assert quantize(path).network.convention.compare == ">="
    assert quantize(path, compare=">").network.convention.compare == ">"
    with pytest.raises(sp.SpecError, match=r"exporter must be 'lava-dl', which wrote .*, got 'norse'"):
        quantize(path, exporter="norse")
    with pytest.raises(sp.SpecError, match="compare must be given to from_nir or from_net"):
        quantize(from_net(path), compare=">")
    path.rename(tmp_path / "n.nir")
    with pytest.raises(sp.FormatError, match=r"holds a network of lava-dl, not a NIR graph; rename it to NAME\.net"):
        quantize(tmp_path / "n.nir", exporter="lava-dl")
    graph = nir.NIRGraph({"in": nir.Input(np.array([2])), "out": nir.Output(np.array([2]))}, [("in", "out")])
    nir.write(tmp_path / "other.net", graph)
    with pytest.raises(sp.FormatError, match=r"holds a NIR graph, not a network of lava-dl; rename it to NAME\.nir"):
        quantize(tmp_path / "other.net")


def test_the_command_line_reads_it_and_tells_how_many_spikes_differ(tmp_path: Path, command: Command) -> None:
    path = write_net(tmp_path / "n.net", [{**DENSE, "weight": np.full((2, 3), 4.0)} | cuba(2048, 1024, 8)])
    inputs = tmp_path / "x.npz"
    np.savez(inputs, inputs=np.random.default_rng(3).random((1, 200, 3)) < 0.4)
    words = ["quantize", path, "-o", tmp_path / "p.snnp", "--inputs", f"{inputs}:inputs", "--json"]
    code, printed, _ = command(*words)
    wrong = json.loads(printed)["wrong_bins"]
    assert (code, wrong > 0) == (1, True)
    code, printed, _ = command(*words, "--compare", ">")
    assert json.loads(printed)["wrong_bins"] < wrong


# ---------------------------------------------------------------- a real one


def test_all_layers_of_pilotnet_spike_as_slayer() -> None:
    """158,509 neurons, whose convolutions tell channels, rows and columns apart; the readout's potentials, too."""
    if not PILOTNET.is_file():
        pytest.skip("the file of PilotNet is not at hand")
    network = from_net(PILOTNET)
    assert [each.shape for each in network.populations][:3] == [(3, 66, 200), (24, 32, 99), (36, 15, 49)]
    assert (network.n_neurons, network.n_parameters < 420_000) == (158509, True)
    assert network.populations[-1].is_readout
    with h5py.File(PILOTNET) as file:
        layers = [_fields(file[f"layer/{number}"]) for number in range(len(file["layer"]))]
    raster = np.random.default_rng(0).random((24, 3 * 66 * 200)) < 0.4
    run = slayer(layers, raster, (3, 66, 200), is_equal=True)
    program = quantize(network, chip=AT_LEAST, inputs=[raster], fit=False).program
    everything = replace(program, outputs=np.arange(program.n_neurons, dtype=np.int32))
    (trace,) = simulate(everything, [np.concatenate([raster, raster[:1]])], state=True)
    assert trace.potentials is not None
    wrong = []
    for population, target in zip(network.populations, run.spikes, strict=True):
        place = network.neurons_of(population.name)
        wrong.append(int((trace.spikes[1:, place] != target).sum()))
        assert population.is_readout or target.any()
    assert wrong == [0] * len(run.spikes)
    (readout,) = network.outputs.tolist()
    assert np.array_equal(trace.potentials[1:, readout : readout + 1], run.potentials)


def _fields(group: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    group.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    if "weight" in found and found["type"][0] == b"dense":
        found["weight"] = np.atleast_2d(found["weight"])
    return {**found, "type": found["type"][0].decode()}
