"""Import of lava-dl's ``.net`` files: the network of SLAYER's blocks, in units of their integer weights.

In SLAYER's integers, states are in 64ths of a weight, and decays in 4096ths, rounded toward zero::

    u = (1 - iDecay/4096) u + 64 W s
    v = (1 - vDecay/4096) v + u + 64 bias
    z = 1 if v >= 64 vThMant;   v = 0 where z

(``slayer/neuron/cuba.py``, ``dynamics/leaky_integrator.py``). The network has these equations in real numbers, without
rounding; a program on a chip with Loihi's rule rounds like SLAYER. The bias of an input layer is added to its arriving
spikes.

Spikes act on a layer's neurons in the step in which they arrive. With ``delay_shift``, SLAYER's default, the spikes of
a layer leave it one step later; the file does not contain this option. A spike on a chip takes at least one tick, so
SLAYER's step 0 is the program's tick 1, in which constant drives begin. Delays of a layer delay its own spikes. Those
of the last layer require one more neuron for each output, which repeats its spikes.

The first releases of lava-dl compare with ``>=``. From 0.3.0 (2022-09) on, a hundredth of a state's unit is added to
the threshold, which makes it ``>`` for ``vThMant`` up to 4096, as in Lava and Loihi. Files do not contain their
version.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array

from snnprog.calls import call_checked
from snnprog.checks import as_flag, as_path
from snnprog.errors import FormatError, SpecError
from snnprog.files.hdf5 import Hdf5, read_hdf5
from snnprog.networks.convention import Convention, convention_of, exporter_of
from snnprog.networks.layer_fields import INPUT
from snnprog.networks.layers import GREATEST_THRESHOLD, LavaLayer, layers_of, one_to_one_places
from snnprog.networks.network import Connection, Population, TrainedNetwork
from snnprog.networks.weights import Kernel, Matrix, Weights
from snnprog.raster import check_bin_ms
from snnprog.wording import a_type

LAVA_DL = "lava-dl"
PARTS = ("layer", "simulation/Ts")
INPUT_NAME, LATE_NAME = "input", "late"


@call_checked
def from_net(
    path: str | Path,
    *,
    dt_ms: float | None = None,
    reset: str | None = None,
    reset_delay: int | None = None,
    compare: str | None = None,
    delay_shift: bool = True,
    input_shape: tuple[int, ...] | None = None,
) -> TrainedNetwork:
    """Return the network of a lava-dl file in ticks.

    Supported are input, conv, pool, flatten, dense and dense_rec layers of CUBA neurons, with biases and delays. A
    last layer without neurons, or with the maximum threshold, is a readout that does not spike.

    Parameters
    ----------
    path : path
        A file written by SLAYER's ``export_hdf5``.
    dt_ms : float, optional
        Milliseconds of a tick; by default the file's ``simulation/Ts``, or 1.
    reset, reset_delay : optional
        As in `from_nir`, instead of lava-dl's "zero" and 0.
    compare : str, optional
        ">=" (by default), as in lava-dl before release 0.3.0, or ">", as in later releases.
    delay_shift : bool
        Whether spikes leave a layer a step later, as by default in SLAYER; this decides when biases begin to act.
    input_shape : tuple of int, optional
        Channels, rows and columns of the input; required if the file has no input layer and begins with images.

    Raises
    ------
    FormatError
        If the file is missing or damaged, or has unsupported layers or neurons: non-spiking ones, graded
        spikes, complex weights, refractory periods.
    SpecError
        If a parameter is invalid, or h5py is missing.
    """
    if not isinstance(path, (str, Path)):
        raise SpecError(f"path must be the path of a file, got {a_type(path)}")
    delay_shift = as_flag("delay_shift", delay_shift)
    convention = convention_of(LAVA_DL, reset=reset, reset_delay=reset_delay, compare=compare)
    file = read_hdf5(as_path("path", path), PARTS)
    if "node" in file.members[""] and "layer" not in file.members[""]:
        raise FormatError(f"{path} holds a NIR graph, not a network of lava-dl; rename it to NAME.nir")
    tick_ms = check_bin_ms("dt_ms", _tick_ms(file) if dt_ms is None else dt_ms)
    return network_of_layers(file, tick_ms, convention=convention, delay_shift=delay_shift, input_shape=input_shape)


def network_of_layers(
    file: Hdf5,
    tick_ms: float,
    *,
    convention: Convention,
    delay_shift: bool = True,
    input_shape: tuple[int, ...] | None = None,
) -> TrainedNetwork:
    """Return the network of a file that was read; see `from_net`."""
    shape, layers = layers_of(file, input_shape)
    starts = [1 if delay_shift else number + 1 for number in range(len(layers))]
    populations = [
        _population(layer, start, convention.reset_delay) for layer, start in zip(layers, starts, strict=True)
    ]
    if layers[-1].is_readout:
        populations[-1] = _readout(layers[-1], starts[-1])
    connections = list(_connections(layers))
    last, latency = populations[-1], starts[-1] - int(delay_shift)
    notes = []
    if last.is_readout:
        latency = starts[-1]
        notes.append(f"{last.name} does not spike: {_reason(layers[-1])}; its potential is read out")
    elif layers[-1].delay.any():
        last = _repeating(last)
        populations.append(last)
        connections += _delayed(layers[-1], one_to_one_places(layers[-1].shape, 2.0), target=last.name)
        latency += 1
    size = sum(population.size for population in populations)
    return TrainedNetwork(
        name=str(file.path),
        dt_ms=tick_ms,
        convention=convention,
        inputs={INPUT_NAME: shape},
        populations=tuple(populations),
        connections=tuple(connections),
        outputs=np.arange(size - last.size, size),
        latency=np.full(last.size, latency),
        notes=tuple(notes),
    )


def _tick_ms(file: Hdf5) -> float:
    """Return the file's length of a step, or the default."""
    if "simulation/Ts" not in file.arrays:
        return exporter_of(LAVA_DL).dt_ms or 1.0
    found = file.arrays["simulation/Ts"]
    try:
        return check_bin_ms("simulation/Ts", found.item() if found.size == 1 else None)
    except SpecError as error:
        raise FormatError(f"{file.path}: {error}; or give dt_ms=") from error


# ---------------------------------------------------------------- populations


def _population(layer: LavaLayer, start: int, reset_delay: int = 0) -> Population:
    neurons, nothing = layer.neurons, np.zeros(1)
    bias, late_bias = (nothing, layer.bias) if layer.kind == INPUT else (layer.bias, nothing)
    threshold, current_kept, potential_kept = (
        (np.full(1, np.inf), nothing, nothing)
        if neurons is None
        else (neurons.threshold, neurons.current_kept, neurons.potential_kept)
    )
    return Population(
        name=layer.name,
        shape=layer.shape,
        threshold=layer.of_neurons(threshold),
        bias=layer.of_neurons(bias),
        late_bias=layer.of_neurons(late_bias),
        current_kept=layer.of_neurons(current_kept),
        potential_kept=layer.of_neurons(potential_kept),
        start=start,
        reset_delay=reset_delay,
    )


def _readout(layer: LavaLayer, start: int) -> Population:
    """Return the neurons of a last layer that do not spike."""
    population = _population(layer, start)
    return replace(population, threshold=np.full(population.size, np.inf))


def _reason(layer: LavaLayer) -> str:
    if layer.neurons is None:
        return "it has no neurons"
    return f"its threshold is {layer.neurons.threshold.max():g}, and {GREATEST_THRESHOLD} is the maximum of a chip"


def _repeating(last: Population) -> Population:
    """Return neurons that repeat spikes, for the delays after the last layer."""
    ones, nothing = np.ones(last.size), np.zeros(last.size)
    return Population(LATE_NAME, last.shape, ones, nothing, nothing, nothing, nothing, start=last.start)


# ---------------------------------------------------------------- connections


def _connections(layers: Sequence[LavaLayer]) -> Iterable[Connection]:
    """Yield the connections to each layer."""
    before: LavaLayer | None = None
    for layer in layers:
        if before is None:
            yield Connection(INPUT_NAME, layer.name, 1, 1.0, layer.weights)
        else:
            yield from _delayed(before, layer.weights, target=layer.name)
        if layer.recurrent is not None:
            yield Connection(layer.name, layer.name, 1, 1.0, layer.recurrent)
        before = layer


def _delayed(source: LavaLayer, weights: Weights, *, target: str) -> Iterable[Connection]:
    """Yield the connections from a layer, one for each of its delays."""
    for delay in np.unique(source.delay).tolist():
        chosen = weights if source.delay.size == 1 else _from(weights, source, source.delay == delay)
        if chosen.parameters.any():
            yield Connection(source.name, target, 1 + delay, 1.0 + delay, chosen)


def _from(weights: Weights, source: LavaLayer, is_chosen: NDArray[np.bool_]) -> Weights:
    """Return weights from some channels or neurons of a layer, and 0 from the others."""
    if isinstance(weights, Kernel) and is_chosen.size == source.shape[0]:
        geometry = weights.geometry
        outs, ins, *_ = geometry.weight_shape
        channel = np.arange(outs)[:, None] // (outs // geometry.groups) * ins + np.arange(ins)
        return Kernel(geometry, weights.values * is_chosen[channel][:, :, None, None])
    each = np.repeat(is_chosen, source.size // is_chosen.size).astype(np.float64)
    chosen = csr_array(weights.matrix @ diags_array(each))
    chosen.eliminate_zeros()
    return Matrix(chosen)


# ---------------------------------------------------------------- which files


def is_net(path: Path) -> bool:
    """Return whether a file is from lava-dl: by its suffix, or by its content if the suffix is unknown.

    Raises
    ------
    FormatError
        If the file is missing, or not an HDF5 file.
    """
    suffix = path.suffix.lower()
    if suffix in (".net", ".nir"):
        return suffix == ".net"
    members = read_hdf5(path, []).members[""]
    return "layer" in members and "node" not in members
