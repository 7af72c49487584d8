"""Tables of what a program fills on the cores of its chip, and of what it does there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console

from snnprog.chips import RESOURCES
from snnprog.report.tables import print_table
from snnprog.wording import counted

if TYPE_CHECKING:  # what is shown is named, not made here
    from snnprog.placement import CoreUsage, Placement
    from snnprog.workload import Activity, PatternActivity

SHOWN_CORES = 40
NOT_CHECKED = "not checked"
PER_NJ = 1000.0


def print_placement(console: Console, placement: Placement) -> None:
    """Print what each core holds, and how much of what it can hold that is."""
    title = f"{counted(placement.cores, 'core')} of {placement.chip}: {_minimality(placement)}"
    rows = [[index, *_cells(placement, used)] for index, used in enumerate(placement.usage[:SHOWN_CORES])]
    if placement.cores > 1:
        rows.append(["all", *(_share(placement, name, placement.total(name), placement.cores) for name in RESOURCES)])
    limits = [placement.limits.limit(name) for name in RESOURCES]
    rows.append(["limit", *(NOT_CHECKED if limit is None else f"{limit:,}" for limit in limits)])
    print_table(console, title, ("core", *RESOURCES.values()), rows)
    if placement.cores > SHOWN_CORES:
        console.print(f"{counted(placement.cores - SHOWN_CORES, 'core')} not shown; --json lists all")


def _minimality(placement: Placement) -> str:
    if not placement.checked:
        return "no limits of its cores are known, and none is checked"
    if placement.is_minimal:
        return "no partition has fewer"
    return f"at most {placement.cores - placement.at_least} more than needed"


def _cells(placement: Placement, used: CoreUsage) -> list[str]:
    return [_share(placement, name, used.amount(name), 1) for name in RESOURCES]


def _share(placement: Placement, resource: str, used: int | None, cores: int) -> str:
    if used is None:
        return NOT_CHECKED
    limit = placement.limits.limit(resource)
    return f"{used:,}" if limit is None else f"{used:,} ({used / (limit * cores):.0%})"


def print_activity(console: Console, activity: Activity) -> None:
    """Print what happened in each pattern and in all, and whose figures the estimate of the energy is by."""
    columns = ("pattern", "ticks", "input spikes", "neuron spikes", "synaptic operations", "messages", "updates")
    rows: list[list[object]] = [[index, *_counts(one)] for index, one in enumerate(activity.patterns[:SHOWN_CORES])]
    if len(activity.patterns) > 1:
        rows.append(["all", *_counts(activity.total)])
    print_table(console, "Activity", (*columns, "energy, estimated (nJ)"), rows)
    if len(activity.patterns) > SHOWN_CORES:
        console.print(f"{counted(len(activity.patterns) - SHOWN_CORES, 'pattern')} not shown; --json lists all")
    if activity.energy_source is not None:
        console.print(
            f"energy: an estimate, from neurons all idle to all active, by {activity.energy_source};"
            " without power at rest, hops between distant cores, input and output, and the host"
        )


def _counts(one: PatternActivity) -> list[object]:
    counts: list[object] = [
        one.ticks,
        one.input_spikes,
        one.neuron_spikes,
        one.synaptic_operations,
        one.messages,
        one.neuron_updates,
    ]
    if one.energy_pj is None:
        return [*counts, "no published figures"]
    return [*counts, " to ".join(f"{energy / PER_NJ:.4g}" for energy in one.energy_pj)]
