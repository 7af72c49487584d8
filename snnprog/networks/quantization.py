"""Quantization of a trained network to a program.

Decays are rounded to the nearest of the chip; then each neuron is scaled and rounded (`snnprog.networks.scaling`).
Neurons that share weights, those of one channel of a convolution, are scaled together. With sample inputs, weights are
then fitted to the network's activity on a part of them (`snnprog.networks.calibration`).

The resets of the chip's neurons must be equivalent to those of the network (`snnprog.networks.adapting`). If they are
not, weights are fitted to the network's spikes; without inputs to fit to, the network is refused, with the number of
spikes that would differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from snnprog.arrays import Floats, Int64s, Raster
from snnprog.calls import call_checked
from snnprog.checks import as_flag, as_integer, as_number, as_seed
from snnprog.chips import Chip, find_chip
from snnprog.display.card import Card, Displayed
from snnprog.errors import SpecError
from snnprog.networks.adapting import AdaptedNetwork, adapted_to, as_the_chip, refusal
from snnprog.networks.calibration import Accuracy
from snnprog.networks.calibration.calibrating import FEWEST_SAMPLES
from snnprog.networks.calibration.pruning import as_kept_share
from snnprog.networks.changes import Change, changes_of
from snnprog.networks.classes import RightClasses, right_classes, shares_of
from snnprog.networks.fitting import LEAST, Bits, Fitting, NetworkFit
from snnprog.networks.mismatch import Mismatch, mismatch_of, random_inputs
from snnprog.networks.network import TrainedNetwork
from snnprog.networks.reading import network_from
from snnprog.networks.remarks import few_inputs, remarks_on
from snnprog.networks.rounding import RoundedNetwork, rounded
from snnprog.networks.running import REACH_MARGIN, RealReach, rasters_for, reach_of
from snnprog.placement import CoreCount, count_cores
from snnprog.program import Program
from snnprog.table import Table
from snnprog.wording import counted

if TYPE_CHECKING:
    import nir

MOST_FITTED = 1 << 30
"""Maximum of synapses times ticks of samples for fitting: some minutes. A choice, not a measurement."""


@call_checked
@dataclass(frozen=True, eq=False, repr=False)
class QuantizedNetwork(Displayed):
    """A program from a trained network, and the changes of the network's numbers and spikes.

    Attributes
    ----------
    program : Program
    network : TrainedNetwork
        The original network.
    changes : tuple of Change
        The changes of its numbers by rounding.
    mismatch : Mismatch
        The differences between the spikes of program and network: on the given inputs, otherwise on random ones.
    scales : (neurons,) float
        The program's potentials divided by the network's: each neuron has its own scale, so readouts can only be
        compared after division.
    has_inputs : bool
        Whether inputs were given.
    fit : NetworkFit or None
        The result of fitting to the inputs; None if nothing was fitted.
    classes : RightClasses or None
        The shares of right classes; None without labels.
    notes : tuple of str
        Other differences from the network, and probable mistakes.
    """

    program: Program
    network: TrainedNetwork
    changes: tuple[Change, ...]
    mismatch: Mismatch
    scales: Floats
    has_inputs: bool
    fit: NetworkFit | None = None
    classes: RightClasses | None = None
    notes: tuple[str, ...] = ()

    @property
    def wrong_bins(self) -> int | None:
        """Bins of all neurons that differ from the network on the given inputs; None without inputs."""
        return self.mismatch.wrong_bins if self.has_inputs else None

    @cached_property
    def cores(self) -> CoreCount | None:
        """The cores that the program takes; None if those of the chip are unknown."""
        return count_cores(self.program)

    @property
    def readout_scales(self) -> Floats:
        """(readouts,) The scales of the outputs that do not spike, in the order of the outputs."""
        outputs = self.network.outputs
        readout_scales: Floats = self.scales[outputs[self.network.is_readout[outputs]]]
        return readout_scales

    def _summary(self) -> str:
        size = f"{counted(self.program.n_neurons, 'neuron')}, {counted(self.program.n_synapses, 'synapse')}"
        wrong = f"{counted(self.mismatch.wrong_bins, 'wrong bin')} of {self.mismatch.bins:,}"
        classes = "" if self.classes is None else f"; {self.classes}"
        return f"{size}, {self.program.chip.name}{classes}; {wrong} on {'the' if self.has_inputs else 'random'} inputs"

    def _card(self) -> Card:
        columns = ("population", "neurons", "spikes of the network", "wrong bins")
        rows = [(each.name, each.neurons, each.spikes, each.wrong_bins) for each in self.mismatch.populations]
        return Card(table=Table.plain("", columns=columns, rows=rows), notes=self.notes)

    def as_dict(self) -> dict[str, object]:
        """Return the report as plain data."""
        return {
            "neurons": self.program.n_neurons,
            "synapses": self.program.n_synapses,
            "cores": None if self.cores is None else self.cores.as_dict(),
            "latency_ticks": self.network.latency.tolist(),
            "readout_scales": self.readout_scales.tolist(),
            "classes": None if self.classes is None else self.classes.as_dict(),
            "wrong_bins": self.wrong_bins,
            "spikes": self.mismatch.spikes if self.has_inputs else None,
            "mismatch": self.mismatch.as_dict() | {"inputs": "given" if self.has_inputs else "random"},
            "fit": None if self.fit is None else self.fit.as_dict(),
            "notes": list(self.notes),
            "changes": [change.as_dict() for change in self.changes],
        }


@call_checked
def quantize(
    network: TrainedNetwork | str | Path | nir.NIRGraph,
    *,
    dt_ms: float | None = None,
    exporter: str | None = None,
    reset: str | None = None,
    reset_delay: int | None = None,
    compare: str | None = None,
    chip: str | Chip = "loihi1",
    inputs: Sequence[ArrayLike] | None = None,
    labels: ArrayLike | None = None,
    bits: Bits = None,
    keep: float = 1.0,
    tolerance: float = 0.01,
    fit: bool = True,
    seed: int = 0,
) -> QuantizedNetwork:
    """Convert a trained network to a program, and report the changes.

    Parameters
    ----------
    network : TrainedNetwork, path or nir.NIRGraph
        The result of `from_nir` or `from_net`, or a source for these.
    dt_ms, exporter, reset, reset_delay, compare : optional
        As in `from_nir`; a `TrainedNetwork` contains them already.
    chip : str or Chip
    inputs : sequence of (ticks, inputs) bool, optional
        Sample inputs, each from rest, or an array of them, (samples, ticks, inputs). Weights are fitted to the
        network's activity on half of them, and chosen on a quarter; results are also reported on the last quarter,
        which is held out.
    labels : (samples,) int, optional
        The class of each input: the number of the output that should spike most, or have the highest last potential.
        Where right classes of fitted and rounded weights differ by more than chance, they decide between the two.
    bits : int, "least" or mapping of str to int, optional
        Bits of weights, including the sign: of all, or by population; by default those of the chip. "least"
        finds the fewest for each population; it requires inputs.
    keep : float
        The share of the synapses to keep, the others are pruned; it requires inputs.
    tolerance : float
        The allowed loss of "least" on the part for choosing: a share of correct classes, or without labels, wrong
        output bins divided by output spikes.
    fit : bool
        Whether to fit weights to the inputs; otherwise they are rounded.
    seed : int
        Seed of the split of the inputs, and of the random inputs that are used if none are given.

    Raises
    ------
    FormatError
        If a file is missing or damaged; see `from_nir`.
    SpecError
        If the chip's neurons have another reset and there are no inputs to fit to, the inputs are not rasters of the
        network's width, or an option is invalid.
    LimitError
        If a delay, a threshold, a bias or ``bits`` exceeds the chip's range.
    """
    fit = as_flag("fit", fit)
    given = {"dt_ms": dt_ms, "exporter": exporter, "reset": reset, "reset_delay": reset_delay, "compare": compare}
    if not isinstance(network, TrainedNetwork):
        network = network_from(
            network, dt_ms=dt_ms, exporter=exporter, reset=reset, reset_delay=reset_delay, compare=compare
        )
    elif any(value is not None for value in given.values()):
        name = next(name for name, value in given.items() if value is not None)
        raise SpecError(f"{name} must be given to from_nir or from_net, which read the network; it has no effect here")
    limits = find_chip(chip)
    rasters = None if inputs is None else rasters_for(network, inputs)
    keep, tolerance, seed = as_kept_share(keep), as_number("tolerance", tolerance), as_seed(seed)
    why_not = _why_not_fitted(network, limits, rasters, fit=fit)
    _check_options(limits, bits, keep=keep, why_not=why_not)
    classes = None if labels is None else _checked_labels(labels, rasters, network)
    tried = rasters or random_inputs(network, seed)
    adapted = adapted_to(network, limits)
    if adapted is None:
        if why_not:
            raise refusal(network, limits, tried, is_random=rasters is None)
        adapted = as_the_chip(network, limits)
    for delay in np.unique([connection.delay for connection in adapted.network.connections]).tolist():
        limits.check_range("delay", delay, allowed=limits.delays, hint="take a longer tick")
    found = _rounded(
        network, adapted, limits, tried, bits=bits if isinstance(bits, int) else None, is_start=not why_not
    )
    fitted = None
    if not why_not:
        fitting = Fitting(found.network, found, adapted.refractory)
        samples = fitting.samples(network, tried, classes)
        fitted = fitting.fit(samples, bits=bits, keep=keep, tolerance=tolerance, seed=seed)
        if classes is not None and network.is_readout[network.outputs].all():
            accuracy = _readout_accuracy(fitted, fitting, network, inputs=tried, labels=classes)
            fitted = fitting.with_accuracy(fitted, accuracy, samples)
        found = fitting.rounded_with(fitted.calibrated.integers)
    program, shares = found.program(adapted.refractory), None
    if classes is not None:
        shares = _right_classes(fitted, program, network, inputs=tried, labels=classes, scales=found.scales)
    mismatch = mismatch_of(network, program, tried)
    remarks = remarks_on(adapted.network, found, mismatch, has_inputs=rasters is not None)
    return QuantizedNetwork(
        program=program,
        network=network,
        changes=changes_of(found.network, program, scales=found.scales, weights=found.real_weights),
        mismatch=mismatch,
        scales=found.scales[: network.n_neurons] * limits.unit,
        has_inputs=rasters is not None,
        fit=fitted,
        classes=shares,
        notes=(
            *adapted.network.notes,
            *remarks,
            *([why_not] if why_not and rasters is not None and fit else []),
            *few_inputs(fitted, tolerance),
        ),
    )


def _right_classes(
    fitted: NetworkFit | None,
    program: Program,
    network: TrainedNetwork,
    *,
    inputs: Sequence[Raster],
    labels: Int64s,
    scales: Floats,
) -> RightClasses:
    """Return the shares of right classes: on held-out inputs, or on all if weights were only rounded."""
    if fitted is not None and fitted.calibrated.accuracy is not None:
        return RightClasses.held_out(fitted.calibrated.accuracy, fitted.calibrated.split)
    right = right_classes(network, [program], inputs, labels=labels, scales=scales[network.outputs])
    trained, own = (float(each.mean()) for each in right)
    return RightClasses(len(inputs), trained, own, None)


def _readout_accuracy(
    fitted: NetworkFit, fitting: Fitting, network: TrainedNetwork, *, inputs: Sequence[Raster], labels: Int64s
) -> Accuracy:
    """Return the shares of right classes of a fit to a network whose outputs are readouts."""
    calibrated = fitted.calibrated
    result, plain = (fitting.rounded_with(each) for each in (calibrated.integers, calibrated.rounded))
    programs = [each.program(fitting.refractory) for each in (result, plain)]
    right = right_classes(network, programs, inputs, labels=labels, scales=result.scales[network.outputs])
    return Accuracy(*(shares_of(each, calibrated.split) for each in right))


def _rounded(
    network: TrainedNetwork,
    adapted: AdaptedNetwork,
    chip: Chip,
    inputs: Sequence[Raster],
    *,
    bits: int | None,
    is_start: bool,
) -> RoundedNetwork:
    """Return the rounded network; at the scales that suit a fit if it is to be the start of one."""

    def wrong_bins(found: RoundedNetwork) -> int:
        return mismatch_of(network, found.program(adapted.refractory), inputs).wrong_bins

    seen = reach_of(adapted.network, inputs)
    reach = RealReach(REACH_MARGIN * seen.current, REACH_MARGIN * seen.potential)
    return rounded(adapted.network, chip, bits=bits, has_own_exponents=not is_start, reach=reach, wrong_bins=wrong_bins)


def _why_not_fitted(network: TrainedNetwork, chip: Chip, inputs: Sequence[Raster] | None, *, fit: bool) -> str:
    """Return why weights are rounded instead of fitted; "" if they are fitted."""
    if inputs is None:
        return "no inputs were given"
    if not inputs:
        raise SpecError("inputs must hold at least one raster (ticks, inputs), got none")
    if not fit:
        return "weights are rounded, as requested"
    if len(inputs) < FEWEST_SAMPLES:
        return f"weights are rounded: {FEWEST_SAMPLES} inputs or more are required to fit them (some are held out)"
    if chip.is_exponent_shared or chip.is_readout_apart:
        return f"weights are rounded: those of a layer of {chip.name} share an exponent, which fitting does not support"
    ticks = sum(len(raster) for raster in inputs)
    if network.n_synapses * ticks > MOST_FITTED:
        return (
            f"weights are rounded: {network.n_synapses:,} synapses on {ticks:,} ticks are too much to fit; give fewer"
            " inputs, or shorter ones"
        )
    return ""


def _check_options(chip: Chip, bits: Bits, *, keep: float, why_not: str) -> None:
    if not (bits is None or bits == LEAST or isinstance(bits, (int, np.integer, Mapping))):
        raise SpecError(f"bits must be an integer, {LEAST!r}, or a dictionary from population to bits, got {bits!r}")
    numbers = bits if isinstance(bits, Mapping) else {"bits": bits}
    for name, value in numbers.items():
        if value is not None and not isinstance(value, str):
            item = "bits" if name == "bits" else f"bits of {name!r}"
            number = as_integer(item, value)
            chip.check_range(item, number, allowed=(1, chip.weight_bits), hint="the sign is one of the bits")
        elif bits is numbers:
            raise SpecError(f"bits of {name!r} must be an integer, got {value!r}")
    if why_not and (isinstance(bits, (str, Mapping)) or keep != 1.0):
        option = f"keep={keep:g}" if keep != 1.0 else f"bits={bits!r}"
        raise SpecError(f"{option} needs weights that are fitted to inputs (inputs=, --inputs); {why_not}")


def _checked_labels(labels: ArrayLike, inputs: Sequence[Raster] | None, network: TrainedNetwork) -> Int64s:
    if inputs is None:
        raise SpecError("labels are the classes of inputs; give inputs= (--inputs), too")
    outputs, is_readout = network.outputs.size, network.is_readout[network.outputs]
    if is_readout.any() and not is_readout.all():
        raise SpecError("labels need outputs that all spike, or that are all readouts; this network has both")
    array = np.asarray(labels)
    if array.dtype.kind not in "iu" or array.shape != (len(inputs),):
        raise SpecError(f"labels must be {len(inputs)} integers, one for each input, got {array.dtype} {array.shape}")
    wrong = np.flatnonzero((array < 0) | (array >= outputs))
    if wrong.size:
        raise SpecError(
            f"labels must be numbers of outputs, 0 to {outputs - 1}, got {array[wrong[0]]} for input {wrong[0]}"
        )
    return array.astype(np.int64)
