"""Layers of a lava-dl ``.net`` file as plain checked data: weights, neurons, shapes and delays of each.

The file is written by ``export_hdf5`` of SLAYER's blocks (lava-dl 0.1 to 0.6, ``slayer/block/base.py``): groups
``layer/0``, ``layer/1``, ..., each with its ``type``. Shapes are (channels, rows, columns), flattened in that order.
Kernels have the axes (to, from, rows, columns) and are not flipped: SLAYER's convolution is PyTorch's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from snnprog.arrays import Floats
from snnprog.convolution import Convolution
from snnprog.errors import FormatError, SpecError
from snnprog.files.hdf5 import Hdf5
from snnprog.networks.layer_fields import (
    CONV,
    DENSE,
    FLATTEN,
    INPUT,
    LARGEST,
    NEURON_LIMIT,
    POOL,
    RECURRENT,
    LayerFields,
    Shape,
    image_shape,
)
from snnprog.networks.weights import Kernel, Matrix, Weights

NEURONS = ("CUBA", "LOIHI")

DECAY_UNIT = 4096
"""Decays are in 4096ths (``p_scale`` of ``slayer/neuron/cuba.py``)."""

USUAL_INPUT_WEIGHT = 64.0
"""Weight of an input spike if an input layer has no weight: 1 in SLAYER's units (``netx/hdf5.py``)."""

MOST_EXPONENT = 3
"""Normalization by powers of two is clamped to ``weight_exp_bits``, 3 by default, which is not in the file."""

GREATEST_THRESHOLD = (1 << 17) - 1
"""A last layer with the chip's maximum threshold does not spike; lava-dl's ``Affine`` writes twice that."""

LAYER_LIMIT, SYNAPSE_LIMIT = 1 << 10, 1 << 26
"""Limits far above the size of trained networks: choices, not measurements. A hostile file may exceed them."""


@dataclass(frozen=True, eq=False)
class LavaNeurons:
    """The neurons of a layer; arrays are (1,) or (channels,) float.

    Attributes
    ----------
    threshold : in units of the weights
    current_kept, potential_kept : the shares that remain after one tick
    """

    threshold: Floats
    current_kept: Floats
    potential_kept: Floats


@dataclass(frozen=True, eq=False)
class LavaLayer:
    """One layer with neurons.

    Attributes
    ----------
    name : str
    kind : str
        "input", "conv", "pool", "dense" or "dense_rec".
    shape : (int, int, int)
        Channels, rows and columns.
    weights : Matrix or Kernel
        From the output of the previous layer.
    recurrent : Matrix or None
        From the layer's own spikes of the previous tick.
    bias : (1,) or (channels,) float
    delay : (1,), (channels,) or (neurons,) int
        Delay of its spikes in ticks.
    neurons : LavaNeurons or None
        None for a last layer that returns weighted sums.
    """

    name: str
    kind: str
    shape: Shape
    weights: Weights
    recurrent: Matrix | None
    bias: Floats
    delay: NDArray[np.int64]
    neurons: LavaNeurons | None

    @property
    def size(self) -> int:
        """Number of neurons."""
        return int(np.prod(self.shape))

    @property
    def is_readout(self) -> bool:
        """Whether it is read by its potentials if it is the last layer."""
        return self.neurons is None or bool((self.neurons.threshold >= GREATEST_THRESHOLD).all())

    def of_neurons(self, values: Floats) -> Floats:
        """Return numbers of channels, or a single one, as numbers of neurons."""
        return np.repeat(np.broadcast_to(values, self.shape[0]), self.size // self.shape[0])


def layers_of(file: Hdf5, input_shape: tuple[int, ...] | None = None) -> tuple[Shape, list[LavaLayer]]:
    """Return the shape of the input and the layers that have neurons, in the file's order.

    Parameters
    ----------
    file : Hdf5
    input_shape : tuple of int, optional
        Channels, rows and columns of the input, if the file has no input layer.

    Raises
    ------
    FormatError
        If a part is missing, has the wrong shape, or an unsupported type.
    """
    numbers = file.group("layer")
    count = len(numbers)
    if not 1 <= count <= LAYER_LIMIT or set(numbers) != {str(number) for number in range(count)}:
        raise FormatError(
            f"/layer in {file.path} must hold layers 0, 1, ... up to {LAYER_LIMIT - 1}, got {', '.join(numbers[:10])}"
        )
    readers = [_LayerReader(file, number) for number in range(count)]
    first = readers[0].first_shape(input_shape)
    shape, layers, synapses = first, [], 0
    for reader in readers:
        if reader.kind == FLATTEN or (reader.kind == INPUT and not reader.has_neurons):
            shape = (int(np.prod(shape)), 1, 1) if reader.kind == FLATTEN else shape
            continue
        layer = reader.layer(shape)
        synapses += _synapses_of(layer.weights)
        layers.append(layer)
        shape = layer.shape
        if sum(each.size for each in layers) > NEURON_LIMIT or synapses > SYNAPSE_LIMIT:
            raise FormatError(
                f"{file.path} has more than {NEURON_LIMIT} neurons or {SYNAPSE_LIMIT} synapses, by {layer.name}"
            )
    if not layers:
        raise FormatError(f"{file.path} has no layer with neurons")
    for layer in layers[:-1]:
        if layer.neurons is None:
            raise FormatError(f"{layer.name} of {file.path} has no neurons; only the last layer may have none")
    return first, layers


def _given_shape(given: tuple[int, ...]) -> Shape:
    """Return the shape of the input that was given."""
    try:
        return image_shape("input_shape", tuple(given))
    except (FormatError, TypeError) as error:
        raise SpecError(f"input_shape must be (channels,) or (channels, rows, columns), got {given!r}") from error


def one_to_one_places(shape: Shape, weight: float) -> Kernel:
    """Return one weight from each place to the same place."""
    channels, *image = shape
    geometry = Convolution((channels, channels), (image[0], image[1]), (1, 1), groups=channels)
    return Kernel(geometry, np.full(geometry.weight_shape, weight))


def _synapses_of(weights: Weights) -> int:
    """Return the number of synapses or of weights, whichever is greater."""
    if isinstance(weights, Kernel):
        return max(weights.geometry.n_synapses, weights.values.size)
    return int(weights.parameters.size)


class _LayerReader(LayerFields):
    """Reads one layer."""

    # ---------------------------------------------------------------- shapes

    def first_shape(self, given: tuple[int, ...] | None) -> Shape:
        """Return the shape of the input, if this is the first layer."""
        wanted = None if given is None else _given_shape(given)
        if self.kind == INPUT:
            own = self.shape()
            if wanted not in (None, own):
                raise SpecError(f"input_shape must be {own}, as {self.where} has it, got {wanted}")
            return own
        if wanted is not None:
            return wanted
        if self.kind in (DENSE, RECURRENT):
            return self.matrix("weight").shape[1], 1, 1
        if self.kind == CONV and self.pair("stride", 1, 1) == (1, 1):
            return self._image_before()
        raise FormatError(
            f"{self.file.path} has no input layer, so the size of its input is unknown;"
            " give input_shape=(channels, rows, columns)"
        )

    def _image_before(self) -> Shape:
        """Return the input shape of a convolution without strides."""
        kernel, (_, rows, columns) = self.kernel(), self.shape()
        border, dilation = self.pair("padding", 0, 0), self.pair("dilation", 1, 1)
        sides = [
            size + dilation[axis] * (kernel.shape[2 + axis] - 1) - 2 * border[axis]
            for axis, size in enumerate((rows, columns))
        ]
        channels = kernel.shape[1] * self.groups()
        return image_shape(f"shape of {self.where}, without its kernel,", (channels, *sides))

    # ---------------------------------------------------------------- the layer

    def layer(self, before: Shape) -> LavaLayer:
        """Return the layer for an input shape."""
        weights, shape = self._weights(before)
        recurrent = None
        if self.kind == RECURRENT:
            recurrent = self.matrix("weight_rec")
            if recurrent.shape != (shape[0], shape[0]):
                raise FormatError(f"weight_rec of {self.where} must have shape {shape[:1] * 2}, got {recurrent.shape}")
        if self.has("shape") and int(np.prod(self.shape())) != int(np.prod(shape)):
            raise FormatError(f"{self.where} says that its shape is {self.shape()}; its weights give {shape}")
        size = int(np.prod(shape))
        delay = self.whole("delay", least=0) if self.has("delay") else np.zeros(1, np.int64)
        if delay.size not in (1, shape[0], size):
            raise FormatError(f"delay of {self.where} must have 1, {shape[0]} or {size} numbers, got {delay.size}")
        return LavaLayer(
            name=self.name,
            kind=self.kind,
            shape=shape,
            weights=weights,
            recurrent=None if recurrent is None else Matrix(csr_array(recurrent)),
            bias=self.of_channels("bias", shape, 0.0),
            delay=delay,
            neurons=self.neurons(shape) if self.has_neurons else None,
        )

    def _weights(self, before: Shape) -> tuple[Weights, Shape]:
        """Return the connections to the neurons, and their shape."""
        if self.kind == INPUT:
            weight = self.floats("weight") if self.has("weight") else np.full(1, USUAL_INPUT_WEIGHT)
            if weight.size != 1:
                raise FormatError(f"weight of {self.where} must be one number, got {weight.size}")
            return one_to_one_places(before, weight.item()), before
        if self.kind in (CONV, POOL):
            try:
                kernel = self._pool(before) if self.kind == POOL else self._convolution(before)
            except SpecError as error:
                raise FormatError(f"{self.where}: {error}") from error
            return kernel, (kernel.geometry.channels[1], *kernel.geometry.size)
        weights = self.matrix("weight")
        width = int(np.prod(before))
        if before[1:] != (1, 1):
            raise FormatError(f"{self.where} is dense, and an image of shape {before} leads to it; flatten it first")
        if weights.shape[1] != width:
            raise FormatError(f"{self.where} takes {weights.shape[1]} channels, and {width} lead to it")
        return Matrix(csr_array(weights)), (len(weights), 1, 1)

    def _convolution(self, before: Shape) -> Kernel:
        values, groups, border = self.kernel(), self.groups(), self.pair("padding", 0, 0)
        if values.shape[1] * groups != before[0]:
            raise FormatError(f"{self.where} takes {values.shape[1] * groups} channels, and {before[0]} lead to it")
        geometry = Convolution(
            channels=(before[0], len(values)),
            image=before[1:],
            kernel=(values.shape[2], values.shape[3]),
            stride=self.pair("stride", 1, 1),
            dilation=self.pair("dilation", 1, 1),
            before=border,
            after=border,
            groups=groups,
        )
        return Kernel(geometry, values)

    def _pool(self, before: Shape) -> Kernel:
        """Return a pooling as a convolution of each channel.

        SLAYER appends ``size % kernel`` rows and columns of zeros to each channel, stacks the channels into one image
        and convolves that (``slayer/synapse/layer.py``). Where a window then covers rows of two channels, the layer is
        refused.
        """
        values, (channels, *image) = self.kernel(), before
        if values.shape[:2] != (1, 1):
            raise FormatError(f"weight of {self.where} has shape {values.shape}; a pool has one kernel")
        size = values.shape[2], values.shape[3]
        border, dilation = self.pair("padding", 0, 0), self.pair("dilation", 1, 1)
        stride = self.pair("stride", 1, 1) if self.has("stride") else size
        more = image[0] % size[0], image[1] % size[1]
        is_apart = not border[0] and dilation[0] * (size[0] - 1) < stride[0] and not (image[0] + more[0]) % stride[0]
        if channels > 1 and not is_apart:
            raise FormatError(
                f"{self.where} pools {image[0]} rows by {size[0]}, stride {stride[0]}, padding {border[0]}, dilation"
                f" {dilation[0]}: the windows of lava-dl's pool then reach from channel to channel"
            )
        geometry = Convolution(
            channels=(channels, channels),
            image=(image[0], image[1]),
            kernel=size,
            stride=stride,
            dilation=dilation,
            before=border,
            after=(border[0] + more[0], border[1] + more[1]),
            groups=channels,
        )
        return Kernel(geometry, np.broadcast_to(values, geometry.weight_shape))

    # ---------------------------------------------------------------- neurons

    def neurons(self, shape: Shape) -> LavaNeurons:
        """Return the neurons, if they spike."""
        kind = self.text("neuron/type")
        if kind not in NEURONS:
            raise FormatError(f"{self.where} has neurons of type {kind!r}; read are {' and '.join(NEURONS)}")
        for field, usual, meaning in (
            ("gradedSpike", 0, "spikes with a size"),
            ("messageBits", 0, "spikes with a size"),
            ("refDelay", 1, "a refractory period"),
            ("wgtExp", 0, "an exponent of weights"),
        ):
            if self.has(f"neuron/{field}") and (self.floats(f"neuron/{field}") != usual).any():
                found = self.floats(f"neuron/{field}").ravel()[0]
                raise FormatError(f"{self.where} has {meaning}, {field} = {found:g}; only {usual} is supported")
        if self.has("neuron/weight_exp"):
            exponent = self.of_channels("neuron/weight_exp", shape, 0.0)
            if (np.abs(exponent) > MOST_EXPONENT).any() or (exponent != np.floor(exponent)).any():
                raise FormatError(
                    f"weight_exp of {self.where} must be integers from {-MOST_EXPONENT} to {MOST_EXPONENT},"
                    f" got {exponent[0]:g}: training clamps it to an exponent that is not in the file"
                )
        else:
            exponent = np.zeros(1)
        threshold = self.of_channels("neuron/vThMant", shape, 0.0) * 2.0**exponent
        if threshold.min() < 1.0 / LARGEST:
            raise FormatError(f"vThMant of {self.where} must be positive, got {threshold.min():g}")
        return LavaNeurons(threshold, self._kept("iDecay", shape), self._kept("vDecay", shape))

    def _kept(self, field: str, shape: Shape) -> Floats:
        """Return the share that a decay keeps."""
        if not self.has(f"neuron/{field}"):
            raise self.file.lacks(f"layer/{self.number}/neuron/{field}")
        self.whole(f"neuron/{field}", least=0, most=DECAY_UNIT)
        kept: Floats = (DECAY_UNIT - self.of_channels(f"neuron/{field}", shape, 0.0)) / DECAY_UNIT
        return kept
