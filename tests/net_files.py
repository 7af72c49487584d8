"""lava-dl ``.net`` files, written here, and what SLAYER's integers do with them, without any code of the package.

A network is a list of layers, each a mapping from a field of its group to a value. `slayer` runs it block by block as
``slayer/block/base.py`` does, in Python's and NumPy's integers: synapse, current, bias, potential, spike, reset, then
the step of ``delay_shift`` and the layer's delays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Layer = Mapping[str, Any]
Ints = NDArray[np.int64]


def write_net(path: Path, layers: Sequence[Layer], *, simulation: Mapping[str, Any] | None = None) -> Path:
    """Write a file as ``export_hdf5`` does: types in an array of one, everything else as it is."""
    with h5py.File(path, "w") as file:
        for number, layer in enumerate(layers):
            for field, value in layer.items():
                place = f"layer/{number}/{field}"
                if field == "type":
                    file.create_dataset(place, (1,), "S10", [str(value).encode("ascii")])
                else:
                    file[place] = value
        for name, value in (simulation or {}).items():
            file[f"simulation/{name}"] = value
    return path


def cuba(current: Any = 1024, potential: Any = 128, threshold: int = 80, **more: Any) -> dict[str, Any]:
    """Return the fields of CUBA neurons."""
    fields = {"type": "CUBA", "iDecay": current, "vDecay": potential, "vThMant": threshold, "refDelay": 1} | more
    return {f"neuron/{field}": value for field, value in fields.items()}


@dataclass
class Run:
    """What a network did: spikes (ticks, neurons) of each layer in its own step, and what the last one gave."""

    spikes: list[NDArray[np.bool_]]
    given: NDArray[np.bool_]
    potentials: Ints


def slayer(
    layers: Sequence[Layer], raster: NDArray[np.bool_], shape: tuple[int, ...], *, is_equal: bool, shift: bool = True
) -> Run:
    """Run a network on spikes (ticks, channels * rows * columns)."""
    x: Any = raster.astype(np.int64).reshape(len(raster), *shape)
    spikes: list[NDArray[np.bool_]] = []
    potentials: Ints = np.zeros(0, np.int64)
    for layer in layers:
        if layer["type"] == "flatten":
            x = x.reshape(len(x), -1, 1, 1)
            continue
        if layer["type"] == "input" and "neuron/type" not in layer:
            continue
        fired, potentials = _neurons(layer, _synapse(layer, x), is_equal=is_equal)
        spikes.append(fired.reshape(len(x), -1))
        x = _late(fired.astype(np.int64), int(shift))
        if "delay" in layer:
            x = _delayed(x, np.atleast_1d(layer["delay"]))
    return Run(spikes, x.reshape(len(x), -1) > 0, potentials)


def _synapse(layer: Layer, x: Ints) -> Ints:
    if layer["type"] == "input":
        return x * int(np.sum(layer.get("weight", 64))) + int(np.sum(layer.get("bias", 0)))
    weight = np.asarray(layer["weight"]).astype(np.int64)
    if layer["type"] == "conv":
        return _convolved(layer, x, weight, int(layer.get("groups", 1)))
    if layer["type"] == "pool":
        return _pooled(layer, x, weight)
    return (x.reshape(len(x), -1) @ weight.T).reshape(len(x), -1, 1, 1)


def _pair(layer: Layer, field: str, usual: Any) -> tuple[int, int]:
    values = np.atleast_1d(layer.get(field, usual))
    return int(values[0]), int(values[-1])


def _convolved(layer: Layer, x: Ints, weight: Ints, groups: int) -> Ints:
    """Convolve as PyTorch does; sums of integers below 2^53 are exact in doubles."""
    (sy, sx), (py, px), (dy, dx) = (_pair(layer, *each) for each in (("stride", 1), ("padding", 0), ("dilation", 1)))
    x = np.pad(x, ((0, 0), (0, 0), (py, py), (px, px))).astype(np.float64)
    outs, ins, ky, kx = weight.shape
    windows = sliding_window_view(sliding_window_view(x, dy * (ky - 1) + 1, axis=2), dx * (kx - 1) + 1, axis=3)
    windows, each = windows[:, :, ::sy, ::sx, ::dy, ::dx], outs // groups
    parts = [
        np.tensordot(windows[:, place * ins : (place + 1) * ins], kernels.astype(np.float64), ((1, 4, 5), (1, 2, 3)))
        for place, kernels in enumerate(weight.reshape(groups, each, ins, ky, kx))
    ]
    result: Ints = np.moveaxis(np.concatenate(parts, axis=-1), -1, 1).astype(np.int64)
    return result


def _pooled(layer: Layer, x: Ints, weight: Ints) -> Ints:
    """Pool as SLAYER does: all channels are one image, one below the other."""
    kernel = weight.shape[2:]
    x = np.pad(x, ((0, 0), (0, 0), (0, x.shape[2] % kernel[0]), (0, x.shape[3] % kernel[1])))
    stacked = x.reshape(len(x), 1, -1, x.shape[3])
    pooled = _convolved({"stride": kernel, **layer}, stacked, weight, 1)
    return pooled.reshape(len(x), x.shape[1], -1, pooled.shape[3])


def _scaled(state: Ints, decay: Ints) -> Ints:
    """Return what a decay leaves, rounded toward zero."""
    left: Ints = np.sign(state) * ((np.abs(state) * (4096 - decay)) >> 12)
    return left


def _neurons(layer: Layer, x: Ints, *, is_equal: bool) -> tuple[NDArray[np.bool_], Ints]:
    """Return the spikes, and the potentials before the reset (ticks, neurons); delays come later."""

    def each(field: str, usual: Any) -> Ints:
        values = np.atleast_1d(np.asarray(layer.get(field, usual))).astype(np.int64).ravel()
        return np.broadcast_to(values, x.shape[1])[:, None, None]

    bias = np.zeros_like(each("bias", 0)) if layer["type"] == "input" else each("bias", 0)
    limit = 64 * each("neuron/vThMant", 1 << 40)
    current, potential = np.zeros((2, *x.shape[1:]), np.int64)
    spikes, levels = [], []
    feedback = np.asarray(layer.get("weight_rec", np.zeros((x.shape[1], x.shape[1])))).astype(np.int64)
    sent = np.zeros(x.shape[1:], np.int64)
    for arriving in x:
        back = (feedback @ sent.reshape(-1)).reshape(sent.shape) if "weight_rec" in layer else 0
        current = _scaled(current, each("neuron/iDecay", 4096)) + 64 * (arriving + back)
        potential = _scaled(potential, each("neuron/vDecay", 4096)) + current + 64 * bias
        fired = potential >= limit if is_equal else potential > limit
        levels.append(potential.reshape(-1).copy())
        potential = np.where(fired, 0, potential)
        sent = fired.astype(np.int64)
        spikes.append(fired)
    return np.array(spikes), np.array(levels)


def _late(x: Ints, ticks: int) -> Ints:
    return np.concatenate([np.zeros_like(x[:ticks]), x[: len(x) - ticks]])


def _delayed(x: Ints, delay: NDArray[Any]) -> Ints:
    """Delay each channel, or each neuron."""
    flat = x.reshape(len(x), -1)
    each = (
        np.repeat(delay.astype(int), flat.shape[1] // delay.size) if delay.size > 1 else [int(delay[0])] * flat.shape[1]
    )
    columns = [_late(flat[:, place], ticks) for place, ticks in enumerate(each)]
    return np.stack(columns, axis=1).reshape(x.shape)
