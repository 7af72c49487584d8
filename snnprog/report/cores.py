"""Tables of a program's use of its chip's cores, and of its activity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from snnprog.chips import RESOURCES
from snnprog.errors import FitError
from snnprog.table import Cell, Column, Row, Table, text_of
from snnprog.wording import counted

if TYPE_CHECKING:  # what is shown is named, not made here
    from snnprog.placement import Placement
    from snnprog.program import Program
    from snnprog.workload import Activity, PatternActivity

NOT_CHECKED = "not checked"
PER_NJ = 1000.0  # picojoules
ACTIVITY_COLUMNS = (
    "pattern",
    "ticks",
    "input spikes",
    "neuron spikes",
    "synaptic operations",
    "messages",
    "updates",
    "energy, estimated (nJ)",
)


def placement_table(placement: Placement) -> Table:
    """Return the contents of each core, and their shares of its limits."""
    limits = [placement.limits.limit(name) for name in RESOURCES]
    total = ("all", *(_share(placement, name, used=placement.total(name), cores=placement.cores) for name in RESOURCES))
    limit = ("limit", *(NOT_CHECKED if each is None else each for each in limits))
    return Table(
        f"{counted(placement.cores, 'core')} of {placement.chip}: {_minimality(placement)}",
        (Column("core"), *map(Column, RESOURCES.values())),
        tuple(
            (index, *(_share(placement, name, used=used.amount(name), cores=1) for name in RESOURCES))
            for index, used in enumerate(placement.usage)
        ),
        totals=(total, limit) if placement.cores > 1 else (limit,),
        noun="core",
    )


def _minimality(placement: Placement) -> str:
    if not placement.checked:
        return "the limits of its cores are not known and not checked"
    if placement.is_minimal:
        return "the minimum"
    return f"at most {placement.cores - placement.at_least} more than the minimum"


def _share(placement: Placement, resource: str, *, used: int | None, cores: int) -> object:
    if used is None:
        return NOT_CHECKED
    limit = placement.limits.limit(resource)
    return used if limit is None else Cell(used, f"{used:,} ({used / (limit * cores):.0%})")


def misfit_table(program: Program, misfit: FitError) -> Table:
    """Return the limits that a program exceeds."""
    row = (misfit.place, misfit.item, misfit.found, misfit.allowed, misfit.hint)
    columns = ("where", "resource", "needed", "available", "what to try")
    return Table.plain(f"Does not fit {program.chip.name}", columns=columns, rows=[row])


def activity_table(activity: Activity) -> Table:
    """Return the activity in each pattern and in all, and the source of the energy estimate."""
    energy = (
        f"energy: an estimate, from neurons all idle to all active, by {activity.energy_source};"
        " without power at rest, hops between distant cores, input and output, and the host"
    )
    return Table(
        "Activity",
        tuple(map(Column, ACTIVITY_COLUMNS)),
        tuple((index, *_counts(one)) for index, one in enumerate(activity.patterns)),
        totals=(("all", *_counts(activity.total)),) if len(activity.patterns) > 1 else (),
        noun="pattern",
        notes=(activity.verdict, *((energy,) if activity.energy_source is not None else ())),
    )


def neurobench_table(activity: Activity) -> Table:
    """Return NeuroBench's metrics of the activity."""
    metrics = activity.neurobench
    rate = "needs the length of a tick" if metrics.model_execution_rate is None else metrics.model_execution_rate
    rows = [
        ("Footprint (bytes)", metrics.footprint),
        ("Connection sparsity", metrics.connection_sparsity),
        ("Activation sparsity", metrics.activation_sparsity),
        ("Synaptic operations: Effective_MACs", metrics.effective_macs),
        ("Synaptic operations: Effective_ACs", metrics.effective_acs),
        ("Synaptic operations: Dense", metrics.dense),
        ("Model execution rate (Hz)", rate),
    ]
    return Table.plain("NeuroBench's metrics, operations per pattern", columns=("metric", "value"), rows=rows)


def _counts(one: PatternActivity) -> Row:
    counts = (one.ticks, one.input_spikes, one.neuron_spikes, one.synaptic_operations, one.messages, one.neuron_updates)
    return (*counts, energy_in_words(one))


def energy_in_words(one: PatternActivity) -> str:
    """Return the estimate in nanojoules, from idle to active."""
    if one.energy_pj is None:
        return "no published figures"
    return " to ".join(text_of(energy / PER_NJ) for energy in one.energy_pj)
