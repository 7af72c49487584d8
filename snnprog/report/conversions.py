"""Tables of the quantization of an imported network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from snnprog.networks.calibration.fitting import ROUNDED
from snnprog.networks.calibration.report import PARTS, RIGHT_CLASSES, Counts
from snnprog.table import Column, Row, Table
from snnprog.wording import counted

if TYPE_CHECKING:  # what is shown is named, not made here
    from rich.console import Console

    from snnprog.networks import Change, QuantizedNetwork
    from snnprog.networks.fitting import NetworkFit
    from snnprog.placement import CoreCount


def print_conversion(console: Console, result: QuantizedNetwork) -> None:
    """Print the accuracy, the changes by rounding, other differences, and the result on the given inputs."""
    from snnprog.report.terminal import print_line, print_table

    if result.classes is not None:
        print_line(console, str(result.classes))
    print_table(console, changes_table(result))
    latency = sorted(set(result.network.latency.tolist()))
    ticks = counted(latency[0], "tick") if len(latency) == 1 else f"{' or '.join(map(str, latency))} ticks"
    print_line(
        console,
        f"{counted(result.program.n_neurons, 'neuron')}, {counted(result.program.n_synapses, 'synapse')};"
        f" outputs come {ticks} later than in the graph",
    )
    if result.cores is not None:
        print_line(console, cores_in_words(result.cores))
    print_table(console, mismatch_table(result))
    if result.fit is not None:
        print_table(console, fit_table(result.fit))


def cores_in_words(count: CoreCount) -> str:
    """Return the number of cores of a program, or why it does not fit."""
    if count.misfit is not None:
        return f"does not fit {count.chip}: {count.misfit}"
    if count.used is None:
        return f"{count.chip} needs {counted(count.at_least or 1, 'core')} or more; snnprog inspect --cores places it"
    if count.used == count.at_least:
        return f"fits on {counted(count.used, 'core')} of {count.chip} (the minimum)"
    return f"fits on {counted(count.used, 'core')} of {count.chip}; at least {count.at_least} are necessary"


def fit_table(fit: NetworkFit) -> Table:
    """Return the result of fitting: wrong bins of rounded and of fitted weights, on each part of the inputs."""
    split, accuracy = fit.calibrated.split, fit.calibrated.accuracy
    sizes = (split.fitting.size, split.choosing.size, split.held_out.size)
    parts = [f"{part} ({size} inputs)" for part, size in zip(PARTS, sizes, strict=True)]
    heads = (
        "population",
        "bits",
        "fitted to",
        *(f"{part}: {what}" for part in parts for what in ("rounded", "fitted")),
    )
    rows: list[Row] = [
        (name, "all" if bits is None else bits, stage.chosen, *_pairs(stage.wrong_rounded, stage.wrong))
        for name, bits, stage in zip(fit.stages, fit.bits, fit.calibrated.stages, strict=True)
    ]
    if accuracy is not None:
        shares = [f"{each:.1%}" for pair in zip(accuracy.rounded, accuracy.result, strict=True) for each in pair]
        trained = ", ".join(f"{each:.1%}" for each in accuracy.trained)
        rows.append((f"accuracy (network: {trained})", "", "", *shares))
    kept = float(fit.calibrated.kept.mean())
    pruning = () if kept == 1.0 else (f"{kept:.1%} of the weights are kept",)
    notes = (decision_in_words(fit), exactness_in_words(fit), *pruning)
    return Table("Wrong bins of rounded and fitted weights", tuple(map(Column, heads)), tuple(rows), notes=notes)


def decision_in_words(fit: NetworkFit) -> str:
    """Return whether fitted or rounded weights were taken, and what decided it."""
    taken = "rounded" if all(each.chosen == ROUNDED for each in fit.calibrated.stages) else "fitted"
    accuracy = fit.calibrated.accuracy
    if fit.calibrated.decided_by == RIGHT_CLASSES:
        return f"{taken} weights have a clearly higher accuracy on the {PARTS[1]} inputs"
    tie = "" if accuracy is None else ", and accuracies differ by no more than chance"
    return f"{taken} weights have the fewest wrong bins on the {PARTS[1]} inputs{tie}"


def exactness_in_words(fit: NetworkFit) -> str:
    """Return how many neurons have wrong bins on the inputs that weights were fitted to, and why."""
    neurons = sum(stage.neurons for stage in fit.calibrated.stages)
    inexact = sum(each.neurons for each in fit.inexact)
    if not inexact:
        return f"exact on the {PARTS[0]} inputs: all {counted(neurons, 'neuron')}"
    found = f"exact on the {PARTS[0]} inputs: {neurons - inexact} of {counted(neurons, 'neuron')}"
    return f"{found}; not exact: {', '.join(_reasons(fit))}"


def _reasons(fit: NetworkFit) -> list[str]:
    """Return how many neurons of each population are not exact, and why."""
    reasons = []
    for name, bits, each in zip(fit.stages, fit.bits, fit.inexact, strict=True):
        precision = "the chip's bits" if bits is None else counted(bits, "bit")
        counts = {
            "no weights of any precision are exact: input spikes already differ from the network's": each.fed_wrong,
            "no weights of any precision are exact with the chip's decays and reset": each.impossible - each.fed_wrong,
            f"no exact weights of {precision} were found": each.neurons - each.impossible,
        }
        reasons += [f"{counted(count, 'neuron')} of {name!r} ({why})" for why, count in counts.items() if count]
    return reasons


def _pairs(rounded: Counts, fitted: Counts) -> list[int]:
    return [each for pair in zip(rounded.as_tuple, fitted.as_tuple, strict=True) for each in pair]


def mismatch_table(result: QuantizedNetwork) -> Table:
    """Return the differences of spikes from the network's, by population."""
    on = "the given inputs" if result.has_inputs else "random inputs"
    columns = ("population", "neurons", "spikes of the network", "wrong bins")
    rows = tuple((each.name, each.neurons, each.spikes, each.wrong_bins) for each in result.mismatch.populations)
    total = f"{counted(result.mismatch.wrong_bins, 'wrong bin')} of {result.mismatch.bins}"
    return Table(f"Spikes on {on}: {total}", tuple(map(Column, columns)), rows)


def changes_table(result: QuantizedNetwork) -> Table:
    """Return the changes by rounding, and other differences."""
    return Table(
        "What rounding changed",
        tuple(map(Column, ("number", "count", "changed", "became 0", "most", "trained", "on the chip", "difference"))),
        tuple(map(_row, result.changes)),
        notes=tuple(f"note: {note}" for note in result.notes),
    )


def _row(change: Change) -> tuple[object, ...]:
    worst = change.worst
    if worst is None:
        return change.quantity, 0, 0, 0, "", "", "", ""
    trained, quantized = float(change.trained[worst]), float(change.quantized[worst])
    return (
        change.quantity,
        change.trained.size,
        change.changed,
        change.vanished,
        f"{float(change.share[worst]):.3%}",
        f"{trained:.6g}",
        f"{quantized:.6g}",
        f"{quantized - trained:.2g}",
    )
