"""Tables that only the page has: its neurons, and the demands of a contradiction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from latex2mathml.converter import convert

from snnprog.chips import Chip
from snnprog.conflict import Conflict
from snnprog.explanation import Explanation
from snnprog.program import Program
from snnprog.report.explanations import demands_table, proof_in_words
from snnprog.report.neurons import NAME, STATUS, NeuronRow, neurons_table
from snnprog.report.page.model import Equation, Fact, Reason
from snnprog.report.page.provenance import NeuronRecord
from snnprog.report.recording import Nearest, name_of_row, rows_of
from snnprog.report.statuses import WRONG
from snnprog.rules.equations import equations, notes
from snnprog.rules.rule import Rule
from snnprog.table import NONE, Column, Row, Table

MEASURED_COLUMNS = ("wrong bins", "nearest spike (LSB)", "nearest silence (LSB)")
SHOWN_BINS = 200  # demands of one contradiction: a browser lays out more of them slowly, and few people read further
AS_STATED = "Status, margin and portability are those that the program file states"


def neuron_table(
    program: Program, records: Sequence[NeuronRecord], *, distances: Sequence[Nearest], wrong: Sequence[int] | None
) -> Table:
    """Return the table of the neurons, one row each.

    Parameters
    ----------
    distances : sequence of Nearest
        One for each row; empty where there is no specification to compare with.
    wrong : sequence of int, optional
        The number of wrong bins of each output; None where there is no specification.
    """
    synapses = _SynapsesOf(program)
    neurons = [_neuron(program, row, records[row], synapses=synapses) for row in range(program.n_neurons)]
    table = neurons_table(neurons)
    if wrong is None:
        return Table("", table.columns, table.rows, noun=table.noun, notes=(AS_STATED,))
    rows = []
    for row, (name, status, *others) in enumerate(table.rows):
        bins = wrong[row] if row < len(wrong) else None
        measured = (bins, distances[row].spike, distances[row].silence)
        rows.append((name, WRONG if bins else status, *measured, *others))
    columns = (*table.columns[:2], *map(Column, MEASURED_COLUMNS), *table.columns[2:])
    return Table("", columns, tuple(rows), noun=table.noun, notes=(AS_STATED,))


class _SynapsesOf:
    """The number of synapses of each neuron, and their exponents."""

    def __init__(self, program: Program) -> None:
        self.counts = np.bincount(program.post, minlength=program.n_neurons)
        pairs = np.unique(np.stack([program.post, program.exponent]), axis=1)
        self.exponents = np.split(pairs[1], np.searchsorted(pairs[0], np.arange(1, program.n_neurons)))


def _neuron(program: Program, row: int, record: NeuronRecord, *, synapses: _SynapsesOf) -> NeuronRow:
    neuron = int(rows_of(program)[row])
    return NeuronRow(
        name=name_of_row(program, row),
        status=record.status,
        margin=record.margin,
        synapses=int(synapses.counts[neuron]),
        exponent=", ".join(map(str, synapses.exponents[neuron].tolist())) or NONE,
        threshold=int(program.threshold[neuron]),
        bias=int(program.bias[neuron]),
        portable_for=record.portable_for or NONE,
    )


def output_table(explanation: Explanation) -> Table:
    """Return the table of the outputs of a specification that was not compiled."""
    rows: list[Row] = [
        (verdict.name, verdict.status, proof_in_words(verdict) or NONE) for verdict in explanation.verdicts
    ]
    return Table("", tuple(map(Column, (NAME, STATUS, "proof"))), tuple(rows), noun="output")


def reason_of(conflict: Conflict) -> Reason:
    """Return one conflict as a sentence, with the demands that it rests on."""
    return Reason(conflict.reason, demands_table(conflict, most=SHOWN_BINS))


def equations_of(rule: Rule) -> tuple[Equation, ...]:
    """Return the steps of a rule as MathML; names in a rule are identifiers, so no text of a file is markup."""
    return tuple(Equation(name.replace("_", " "), convert(latex)) for name, latex in equations(rule))


def notes_of(rule: Rule) -> tuple[Fact, ...]:
    """Return explanations of the operators in a rule's equations."""
    return tuple(Fact(name, meaning) for name, meaning in notes(rule))


COMPARES = {">": "exceeds", ">=": "is at least"}


def rule_in_words(chip: Chip) -> str:
    """Return the name of a chip's integer rule, and its comparison."""
    return f"{chip.rule.name}: a neuron fires where its potential {COMPARES[chip.rule.firing.operator]} the threshold"
