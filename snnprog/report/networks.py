"""Tables of a converted artificial network: scores, costs and layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from snnprog.report.conversions import cores_in_words
from snnprog.table import Column, Table
from snnprog.wording import counted

if TYPE_CHECKING:  # what is shown is named, not made here
    from rich.console import Console

    from snnprog.conversion import Conversion


def print_network_conversion(console: Console, result: Conversion) -> None:
    """Print the accuracy and the costs of a program that was made from an artificial network."""
    from snnprog.report.terminal import print_line, print_table

    print_table(console, layers_table(result))
    print_table(console, scores_table(result))
    print_table(console, costs_table(result))
    print_line(console, result.costs.verdict)
    if result.quantized.cores is not None:
        print_line(console, cores_in_words(result.quantized.cores))


def layers_table(result: Conversion) -> Table:
    """Return the layers with the value of a spike of each."""
    code = "evenly spaced spikes" if result.code == "rate" else "one spike for each value"
    adjust = "" if result.adjust is None else ", thresholds by the L4 norm of weights"
    columns = ("layer", "neurons", "activation of full rate", "threshold", "weights")
    rows = tuple(
        (
            layer.name,
            layer.neurons,
            f"{layer.unit:.4g}",
            f"{layer.threshold:.3g}",
            "shared" if layer.is_shared else "one by one",
        )
        for layer in result.layers
    )
    title = f"{counted(result.ticks, 'tick')} a sample, {code}{adjust}"
    return Table(title, tuple(map(Column, columns)), rows, notes=tuple(f"note: {note}" for note in result.notes))


def scores_table(result: Conversion) -> Table:
    """Return the scores on samples held out."""
    scores = result.scores
    columns = ("measure", "artificial network", "program", "loss", "agreement")
    row = (
        scores.measure,
        *("" if each is None else f"{each:.4f}" for each in (scores.ann, scores.program, scores.loss)),
        f"{scores.agreement:.4f}",
    )
    return Table(f"{counted(scores.samples, 'sample')} held out", tuple(map(Column, columns)), (row,))


def costs_table(result: Conversion) -> Table:
    """Return the work for one sample."""
    costs = result.costs
    rows: list[tuple[object, ...]] = [
        ("multiply-accumulates of the artificial network", f"{costs.multiplications}"),
        ("input spikes", f"{costs.input_spikes:.1f}"),
        ("spikes of neurons", f"{costs.neuron_spikes:.1f}"),
        ("synaptic operations", f"{costs.synaptic_operations:.1f}"),
        ("updates of neurons", f"{costs.neuron_updates:.0f}"),
    ]
    if costs.energy_pj is not None:
        least, most = (f"{each / 1000:.3g}" for each in costs.energy_pj)
        rows.append((f"energy on {result.program.chip.name}, an estimate", f"{least} to {most} nJ"))
    notes = () if costs.energy_source is None else (f"energies: {costs.energy_source}",)
    return Table("Work for one sample", (Column("what"), Column("mean")), tuple(rows), notes=notes)
