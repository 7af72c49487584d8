"""Network of real numbers → program, and what rounding changed: asked, got, difference.

Decays become the nearest that the chip has; then each neuron is scaled and rounded (`snnprog.networks.scaling`). With
inputs to be exact on, the real network is run first, and its spikes are what the program has to do: what rounding to
the nearest does otherwise there is left to `snnprog.integers`, which rounds at other scales, searches and re-optimises.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from snnprog.arrays import Floats, Int64s, Raster
from snnprog.chips import Chip, find_chip
from snnprog.design.task import Task
from snnprog.errors import LimitError, SpecError
from snnprog.integers import quantize
from snnprog.network import Network, Neuron
from snnprog.networks.network import NirNetwork
from snnprog.networks.scaling import SOME_INPUTS, TINY, RealNeuron, ScaledNeuron, scaled
from snnprog.program import Program
from snnprog.raster import as_raster
from snnprog.simulate import simulate
from snnprog.solver import one_blas_thread
from snnprog.spec import FREE, Dynamics, Pattern, Spec
from snnprog.version import __version__

SAME = 1e-9


@dataclass(frozen=True, eq=False)
class Change:
    """What rounding made of one kind of number.

    Attributes
    ----------
    quantity : str
        "weight", "threshold", "bias", "delay", "current kept" or "potential kept" (per tick).
    asked, got : (n,) float
        In the network's own units, in its order of synapses or neurons.
    unit : (n,) float
        What differences are told as shares of: the largest weight into the same neuron for weights, the threshold for
        biases, the value itself otherwise.
    """

    quantity: str
    asked: Floats
    got: Floats
    unit: Floats

    @property
    def difference(self) -> Floats:
        """(n,) Got minus asked."""
        difference: Floats = self.got - self.asked
        return difference

    @property
    def share(self) -> Floats:
        """(n,) The difference in `unit`."""
        share: Floats = np.abs(self.difference) / np.where(self.unit > 0, self.unit, 1.0)
        return share

    @property
    def changed(self) -> int:
        """How many are not what was asked."""
        return int(np.count_nonzero(self.share > SAME))

    @property
    def worst(self) -> int | None:
        """Which differs most."""
        return int(np.argmax(self.share)) if self.share.size else None


@dataclass(frozen=True, eq=False)
class NirProgram:
    """A program made of a NIR graph, and what became of the graph's numbers.

    Attributes
    ----------
    program : Program
    network : NirNetwork
        What was asked.
    changes : tuple of Change
    wrong_bins : int or None
        Bins of all neurons that differ from the real network on the inputs given; None where there were none.
    spikes : int
        Of the real network on those inputs.
    is_repaired : bool
        Whether weights were chosen to be exact on the inputs, where the nearest were not.
    notes : tuple of str
        What else is not as in the graph.
    """

    program: Program
    network: NirNetwork
    changes: tuple[Change, ...]
    wrong_bins: int | None = None
    spikes: int = 0
    is_repaired: bool = False
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """Return the report as plain data."""
        return {
            "neurons": self.program.n_neurons,
            "synapses": self.program.n_synapses,
            "latency_ticks": self.network.latency.tolist(),
            "wrong_bins": self.wrong_bins,
            "spikes": self.spikes,
            "repaired": self.is_repaired,
            "notes": list(self.notes),
            "changes": [_change_data(change) for change in self.changes],
        }


def _change_data(change: Change) -> dict[str, object]:
    worst = change.worst
    return {
        "quantity": change.quantity,
        "numbers": int(change.asked.size),
        "changed": change.changed,
        "worst": worst,
        "asked": None if worst is None else float(change.asked[worst]),
        "got": None if worst is None else float(change.got[worst]),
        "share": None if worst is None else float(change.share[worst]),
    }


@one_blas_thread()
def quantize_nir(
    network: NirNetwork, *, chip: str | Chip = "loihi1", inputs: Sequence[ArrayLike] | None = None, seed: int = 0
) -> NirProgram:
    """Turn a network of NIR into a program, and tell what rounding changed.

    Parameters
    ----------
    network : NirNetwork
        From `from_nir`.
    chip : str or Chip
        One whose neurons reset to 0.
    inputs : sequence of (ticks, inputs) bool, optional
        Stimuli on which the program is to spike as the real network does, each from rest.
    seed : int
        Of the search where the nearest integers do not.

    Raises
    ------
    SpecError
        If the chip has another reset, or the inputs are no rasters of the network's width.
    LimitError
        If a delay, a threshold or a bias is beyond the chip.
    """
    limits = find_chip(chip)
    if not limits.linear_rule(*limits.usual_decays).is_reset_to_zero:
        raise SpecError(f"chip is {limits.name!r}, whose neurons do not reset to 0; NIR's neurons reset to a value")
    rasters = None if inputs is None else _as_inputs(network, inputs)
    for delay in np.unique(network.delay).tolist():
        limits.check_range("delay", delay, allowed=limits.delays, hint="take a longer tick")
    decays = _decays(network, limits)
    neurons = _scaled_neurons(network, limits, decays=decays)
    nearest = _program(network, limits, decays, neurons)
    scales = np.array([neuron.scale for neuron in neurons])
    result = NirProgram(nearest, network, _changes(network, limits, nearest, scales), notes=_notes(network, neurons))
    if rasters is None:
        return result
    targets = network.run(rasters)
    result = _judged(result, rasters, targets=targets)
    if not result.wrong_bins:
        return result
    repaired = _repaired(result, limits, inputs=rasters, targets=targets, seed=seed)
    return repaired if repaired is not None and (repaired.wrong_bins or 0) < (result.wrong_bins or 0) else result


def _as_inputs(network: NirNetwork, inputs: Sequence[ArrayLike]) -> list[Raster]:
    rasters = [as_raster(raster, f"inputs[{index}]") for index, raster in enumerate(inputs)]
    for index, raster in enumerate(rasters):
        if raster.shape[1] != network.n_inputs:
            raise SpecError(f"inputs[{index}] has {raster.shape[1]} lines; the network has {network.n_inputs}")
    return rasters


@dataclass(frozen=True, eq=False)
class _Decays:
    """Chip integers of every neuron, and the shares that they keep."""

    current: Int64s
    potential: Int64s
    current_kept: Floats
    potential_kept: Floats


def _decays(network: NirNetwork, chip: Chip) -> _Decays:
    current, potential = chip.decays_that_keep(network.current_kept, network.potential_kept)
    return _Decays(current, potential, *chip.shares_of(current, potential))


def _scaled_neurons(network: NirNetwork, chip: Chip, *, decays: _Decays) -> list[ScaledNeuron]:
    return [
        scaled(
            RealNeuron(
                name=f"neuron {neuron}",
                weights=network.weight[network.post == neuron],
                threshold=float(network.threshold[neuron]),
                bias=float(network.bias[neuron]),
                current_kept=float(decays.current_kept[neuron]),
                potential_kept=float(decays.potential_kept[neuron]),
            ),
            chip,
        )
        for neuron in range(network.n_neurons)
    ]


def _program(network: NirNetwork, chip: Chip, decays: _Decays, neurons: Sequence[ScaledNeuron]) -> Program:
    """Collect the neurons' synapses, those that round to 0 left out."""
    weight, exponent = np.zeros((2, network.pre.size), dtype=np.int64)
    for index, neuron in enumerate(neurons):
        weight[network.post == index], exponent[network.post == index] = neuron.mantissas, neuron.exponents
    kept = np.flatnonzero(weight)
    kept = kept[np.lexsort((network.post[kept], network.delay[kept], network.pre[kept]))]
    return Program.from_arrays(
        chip=chip,
        n_inputs=network.n_inputs,
        n_neurons=network.n_neurons,
        outputs=network.outputs,
        pre=network.pre[kept],
        post=network.post[kept],
        delay=network.delay[kept],
        weight=weight[kept],
        exponent=exponent[kept],
        threshold=[neuron.threshold for neuron in neurons],
        current_decay=decays.current,
        potential_decay=decays.potential,
        bias=[neuron.bias for neuron in neurons],
        provenance={"nir": network.name, "dt_ms": network.dt_ms, "versions": {"snnprog": __version__}},
    )


# ---------------------------------------------------------------- what changed


def _changes(network: NirNetwork, chip: Chip, program: Program, scales: Floats) -> tuple[Change, ...]:
    """Return what each kind of number became; scales are chip units for each unit of a neuron's weights."""
    unit = chip.unit
    largest = np.zeros(network.n_neurons)
    np.maximum.at(largest, network.post, np.abs(network.weight))
    kept = chip.shares_of(program.current_decay, program.potential_decay)
    ones = np.ones(network.n_neurons)
    return (
        Change("weight", network.weight, _weights(network, program, scales=scales), largest[network.post]),
        Change("threshold", network.threshold, program.threshold / scales, network.threshold),
        Change("bias", network.bias, program.bias / unit / scales, network.threshold),
        Change("current kept", network.current_kept, kept[0], ones),
        Change("potential kept", network.potential_kept, kept[1], ones),
        Change("delay", network.asked_delay, network.delay.astype(np.float64), np.ones(network.delay.size)),
    )


def _weights(network: NirNetwork, program: Program, *, scales: Floats) -> Floats:
    """Return what the program has for each synapse of the network, 0 where it has none."""
    columns = (network.pre, network.post, network.delay)
    there = dict(
        zip(zip(program.pre, program.post, program.delay, strict=True), program.effective_weight(), strict=True)
    )
    got = [there.get(synapse, 0) for synapse in zip(*columns, strict=True)]
    weights: Floats = np.array(got, dtype=np.float64) / scales[network.post]
    return weights


def _notes(network: NirNetwork, neurons: Sequence[ScaledNeuron]) -> tuple[str, ...]:
    wide = [index for index, neuron in enumerate(neurons) if neuron.portable_for == SOME_INPUTS]
    more = f" and {len(wide) - 1} more" if len(wide) > 1 else ""
    note = f"neuron {wide[0]}{more}: some inputs may take its state beyond where all runtimes agree" if wide else ""
    return network.notes + ((note,) if note else ())


# ---------------------------------------------------------------- exact on given inputs


def _judged(result: NirProgram, inputs: Sequence[Raster], *, targets: Sequence[Raster]) -> NirProgram:
    """Return the result with its wrong bins on inputs, of all neurons."""
    everything = replace(result.program, outputs=np.arange(result.program.n_neurons, dtype=np.int32))
    traces = simulate(everything, inputs)
    wrong = sum(int((trace.spikes != target).sum()) for trace, target in zip(traces, targets, strict=True))
    left = [str(trace.excursion) for trace in traces if trace.excursion is not None]
    spikes = sum(int(target.sum()) for target in targets)
    return replace(result, wrong_bins=wrong, spikes=spikes, notes=result.notes + tuple(left[:1]))


def _repaired(
    result: NirProgram, chip: Chip, *, inputs: Sequence[Raster], targets: Sequence[Raster], seed: int
) -> NirProgram | None:
    """Return the result of designing integers for the real network's spikes, where all neurons have the same decays."""
    network, nearest = result.network, result.program
    dynamics = {*zip(nearest.current_decay.tolist(), nearest.potential_decay.tolist(), strict=True)}
    if len(dynamics) != 1:
        return None
    ((current_decay, potential_decay),) = dynamics
    spec = Spec(
        [Pattern(raster, target) for raster, target in zip(inputs, targets, strict=True)],
        np.unique(network.delay).tolist() or [1],
        recurrent=True,
        dynamics=Dynamics(potential_decay=potential_decay, current_decay=current_decay),
        bias=FREE if network.bias.any() else 0,
        chip=chip,
    )
    asked, scales = _designed(network, chip, spec)
    try:
        quantized = quantize(Task.of(spec), asked, seed=seed)
    except LimitError:
        return None
    program = replace(
        quantized.program, outputs=nearest.outputs, provenance=dict(nearest.provenance) | {"repaired": True}
    )
    scales = scales * np.array([neuron.scale for neuron in quantized.neurons])
    changed = replace(
        result,
        program=program,
        changes=_changes(network, chip, program, scales),
        is_repaired=True,
        notes=network.notes,
    )
    return _judged(changed, inputs, targets=targets)


def _designed(network: NirNetwork, chip: Chip, spec: Spec) -> tuple[Network, Floats]:
    """Return the network as a design, each neuron as large as the finest grid holds it, and how large that is."""
    largest = np.full(network.n_neurons, TINY)
    np.maximum.at(largest, network.post, np.abs(network.weight))
    unit = chip.unit
    room = np.minimum(chip.thresholds[1] / network.threshold, chip.bias_limit / unit / (np.abs(network.bias) + TINY))
    scales = np.minimum(chip.weight_limit / largest, room)
    weights = np.zeros((network.n_neurons, len(spec.delays), spec.n_presynaptic))
    np.add.at(weights, (network.post, np.searchsorted(spec.delays, network.delay), network.pre), network.weight)
    neurons = [
        Neuron(
            weights=weights[index] * scales[index],
            threshold=float(network.threshold[index] * scales[index]),
            bias=float(network.bias[index] * scales[index]),
            exponent=chip.exponents[0],
            margin=0.0,
            bound=np.inf,
            raster=spec.targets[:, index],
        )
        for index in range(network.n_neurons)
    ]
    return Network(spec.delays, tuple(neurons)), scales
