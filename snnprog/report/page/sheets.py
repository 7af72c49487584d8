"""The tables of a page: neurons, resources, backends, contradictions, provenance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from snnprog.chips import RESOURCES, Chip
from snnprog.conflict import Conflict
from snnprog.errors import FitError
from snnprog.placement import Placement
from snnprog.program import Program
from snnprog.report.explanations import share_in_words
from snnprog.report.page.model import NeuronRow, Reason, Row, Table
from snnprog.report.page.told import Told
from snnprog.report.page.words import WRONG, kind_of
from snnprog.report.recording import Nearest, name_of_row, rows_of
from snnprog.verification import Verification
from snnprog.wording import counted
from snnprog.workload import Activity, PatternActivity

JUDGED_COLUMNS = ("wrong bins", "nearest spike (LSB)", "nearest silence (LSB)")
NEURON_COLUMNS = ("margin told (LSB)", "synapses", "threshold", "bias", "exponent", "portable for")
SHOWN_CORES = 128
SHOWN_PATTERNS = 200
SHOWN_BINS = 200
NOT_CHECKED = "not checked"
NONE = "–"
PER_NJ = 1000.0


def neuron_rows(
    program: Program, told: Sequence[Told], distances: Sequence[Nearest], wrong: Sequence[int] | None
) -> tuple[NeuronRow, ...]:
    """Return each row's neuron in words.

    Parameters
    ----------
    distances : sequence of Nearest
        One for each row; empty where nothing was judged.
    wrong : sequence of int, optional
        The wrong bins of each output; without it, cells follow `NEURON_COLUMNS` alone, else `JUDGED_COLUMNS` first.
    """
    found = []
    for row, neuron in enumerate(rows_of(program).tolist()):
        mine = program.post == neuron
        is_wrong = wrong is not None and row < len(wrong) and wrong[row] > 0
        cells = (
            *(() if wrong is None else _judged_cells(row, distances[row], wrong)),
            _decimal(told[row].margin),
            f"{int(mine.sum()):,}",
            f"{int(program.threshold[neuron]):,}",
            f"{int(program.bias[neuron]):,}",
            ", ".join(map(str, np.unique(program.exponent[mine]).tolist())) or NONE,
            told[row].portable_for or NONE,
        )
        status = WRONG if is_wrong else told[row].status
        found.append(NeuronRow(name_of_row(program, row), status, kind_of(status), cells))
    return tuple(found)


def _judged_cells(row: int, distance: Nearest, wrong: Sequence[int]) -> Row:
    counted_bins = f"{wrong[row]:,}" if row < len(wrong) else NONE
    return counted_bins, _decimal(distance.spike), _decimal(distance.silence)


def _decimal(value: float | None) -> str:
    if value is None:
        return NONE
    return f"{value:,.0f}" if 1e3 <= abs(value) < 1e9 else f"{value:.4g}"


def placement_table(placement: Placement) -> Table:
    """Return what each core holds, and how much of what it can hold that is."""
    rows = [
        (str(index), *(_share(placement, name, used.amount(name), 1) for name in RESOURCES))
        for index, used in enumerate(placement.usage[:SHOWN_CORES])
    ]
    rows.append(("all", *(_share(placement, name, placement.total(name), placement.cores) for name in RESOURCES)))
    limits = [placement.limits.limit(name) for name in RESOURCES]
    rows.append(("limit of one", *(NOT_CHECKED if limit is None else f"{limit:,}" for limit in limits)))
    note = f"{counted(placement.cores - SHOWN_CORES, 'core')} not shown." if placement.cores > SHOWN_CORES else ""
    return Table(_placement_caption(placement), ("core", *RESOURCES.values()), tuple(rows), note)


def _placement_caption(placement: Placement) -> str:
    cores = f"{counted(placement.cores, 'core')} of {placement.chip}"
    if not placement.checked:
        return f"{cores}: no limits of its cores are known, and none is checked"
    if placement.is_minimal:
        return f"{cores}: no partition has fewer"
    return f"{cores}: at most {placement.cores - placement.at_least} more than needed"


def _share(placement: Placement, resource: str, used: int | None, cores: int) -> str:
    if used is None:
        return NOT_CHECKED
    limit = placement.limits.limit(resource)
    return f"{used:,}" if limit is None else f"{used:,} ({used / (limit * cores):.0%})"


def misfit_table(program: Program, misfit: FitError) -> Table:
    """Return what does not fit."""
    row = (misfit.place, misfit.item, f"{misfit.found:,}", misfit.allowed, misfit.hint)
    return Table(f"Does not fit {program.chip.name}", ("where", "what", "needed", "there is", "what to try"), (row,))


def activity_table(activity: Activity) -> Table:
    """Return what happened in each pattern and in all, and whose figures the energy is estimated by."""
    columns = ("pattern", "ticks", "input spikes", "neuron spikes", "synaptic operations", "messages", "updates")
    rows = [(str(index), *_counts(one)) for index, one in enumerate(activity.patterns[:SHOWN_PATTERNS])]
    if len(activity.patterns) > 1:
        rows.append(("all", *_counts(activity.total)))
    left_out = len(activity.patterns) - SHOWN_PATTERNS
    note = f"{counted(left_out, 'pattern')} not shown. " if left_out > 0 else ""
    if activity.energy_source is not None:
        note += (
            f"The energy is an estimate, from neurons all idle to all active, by {activity.energy_source}; without"
            " power at rest, hops between distant cores, input and output, and the host."
        )
    return Table("Activity, counted", (*columns, "energy, estimated (nJ)"), tuple(rows), note)


def _counts(one: PatternActivity) -> Row:
    counts = (one.ticks, one.input_spikes, one.neuron_spikes, one.synaptic_operations, one.messages, one.neuron_updates)
    return (*(f"{count:,}" for count in counts), energy_in_words(one))


def energy_in_words(one: PatternActivity) -> str:
    """Return the estimate in nanojoules, from idle to active."""
    if one.energy_pj is None:
        return "no published figures"
    return " to ".join(_decimal(energy / PER_NJ) for energy in one.energy_pj)


def backends_table(verification: Verification, *, is_judged: bool) -> Table:
    """Return what each backend answered; without targets, only whether they agree."""
    judged = ("exact", "wrong bins") if is_judged else ()
    columns = ("backend", *judged, f"equals {verification.against}", "portable", "ran on")
    rows = []
    for name, check in verification.backends.items():
        cells = (_yes(check.exact), f"{check.wrong_bins:,}") if is_judged else ()
        versions = ", ".join(f"{package} {version}" for package, version in check.versions.items())
        rows.append((name, *cells, _yes(check.is_identical), _yes(check.is_portable), versions))
    return Table("Backends, run for this page", columns, tuple(rows))


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "NO"


def reason_of(conflict: Conflict) -> Reason:
    """Return one conflict in words, with the demands that it rests on."""
    rows = tuple(
        (str(each.pattern), str(each.tick), each.demand, share_in_words(str(share)))
        for each, share in zip(conflict.bins[:SHOWN_BINS], conflict.shares, strict=False)
    )
    caption = "Each of these can be left out, and the rest be met" if conflict.is_minimal else "What the proof rests on"
    left_out = len(conflict.bins) - SHOWN_BINS
    note = f"{counted(left_out, 'demand')} not shown." if left_out > 0 else ""
    table = Table(caption, ("pattern", "tick", "demand", "share of the proof"), rows, note)
    return Reason(conflict.reason, table if len(rows) > 1 else None)


def rule_in_words(chip: Chip) -> str:
    """Return the name of a chip's integer rule, and what it compares and resets."""
    semantics = chip.semantics
    return (
        f"{semantics.name}: fires where the potential is {semantics.compare} the threshold, then resets"
        f" ({semantics.reset}); decays are rounded {semantics.rounding}"
    )
