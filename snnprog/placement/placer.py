"""`place`: the placement of a program, checked, with the resources used.

The content of a core: its neurons; an axon in for every line (an input, or a neuron on any core) that has synapses
there; an axon out for every pair of a neuron there and a core that it has synapses on. Delays are part of the synapses,
and take no axons. Inputs come from outside and take no neurons and no axons out; reading outputs takes no resources.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from snnprog.arrays import Int32s, Int64s
from snnprog.calls import call_checked
from snnprog.checks import as_integer, check_type
from snnprog.chips import RESOURCES, Core
from snnprog.display import pictures
from snnprog.display.card import Card, Displayed, Picture
from snnprog.errors import FitError, SpecError
from snnprog.frames import data_frame_of_rows
from snnprog.placement.bounds import least_cores
from snnprog.placement.demand import CoreDemand
from snnprog.placement.exact import improve, mend
from snnprog.placement.greedy import Partition, first_fit
from snnprog.placement.usage import CoreUsage, reached_cores
from snnprog.program import Program
from snnprog.wording import counted

if TYPE_CHECKING:
    import pandas


ADVICE = {
    "axons_out": "lower the fan-out of its neurons",
    "profiles": "use fewer kinds of decays and refractory periods",
    "thresholds": "use fewer thresholds",
    "formats": "use fewer exponents and sign modes",
}
SPLIT = "split the output population"


@call_checked
@dataclass(frozen=True, eq=False, repr=False)
class Placement(Displayed):
    """A partition of a program's neurons over cores, within all known limits of the chip.

    Attributes
    ----------
    chip : str
    core_of : (neurons,) int32
        The core of each neuron.
    usage : tuple of CoreUsage
        The resources used on each core.
    limits : Core
        The limits of a core.
    at_least : int
        A lower bound on the number of cores of every partition.
    fanout_cores : (lines,) int32
        Number of cores on which each input line, then each neuron, has synapses.
    """

    chip: str
    core_of: Int32s
    usage: tuple[CoreUsage, ...]
    limits: Core
    at_least: int
    fanout_cores: Int32s

    @property
    def cores(self) -> int:
        """Number of cores in use."""
        return len(self.usage)

    @property
    def is_minimal(self) -> bool:
        """Whether the number of cores is proved to be the minimum."""
        return self.cores == self.at_least

    @property
    def checked(self) -> tuple[str, ...]:
        """The resources whose limit is known and checked."""
        return tuple(name for name in RESOURCES if self.limits.limit(name) is not None)

    def total(self, resource: str) -> int | None:
        """Return the total of one of `RESOURCES` over all cores; None if it is unknown."""
        amounts = [used.amount(resource) for used in self.usage]
        return sum(amount for amount in amounts if amount is not None) if None not in amounts else None

    def _summary(self) -> str:
        least = "the minimum" if self.is_minimal else f"at least {self.at_least} necessary"
        return f"{counted(self.core_of.size, 'neuron')} on {counted(self.cores, 'core')} of {self.chip} ({least})"

    def _card(self) -> Card:
        facts = []
        for name, words in RESOURCES.items():
            total, limit = self.total(name), self.limits.limit(name)
            if total is not None:
                facts.append((words, f"{total:,}" if limit is None else f"{total:,} of {limit * self.cores:,}"))
        caption = f"neurons on each core{pictures.sampling(self.cores)}"
        neurons = pictures.bars([used.neurons for used in self.usage], label="neurons on each core")
        return Card(facts=facts, pictures=[Picture(neurons, caption)] if self.cores > 1 else [])

    def to_pandas(self) -> pandas.DataFrame:
        """Return a data frame with a row for each core: what it holds of each resource.

        Raises
        ------
        SpecError
            If pandas is not installed.
        """
        rows = [{"core": index, **used.as_dict()} for index, used in enumerate(self.usage)]
        return data_frame_of_rows(rows, ["core", *RESOURCES])

    def as_dict(self) -> dict[str, object]:
        """Return the placement as plain data."""
        return {
            "cores": self.cores,
            "at_least": self.at_least,
            "minimal": self.is_minimal,
            "limits": {name: self.limits.limit(name) for name in RESOURCES},
            "total": {name: self.total(name) for name in RESOURCES},
            "per_core": [used.as_dict() for used in self.usage],
            "core_of_neuron": self.core_of.tolist(),
        }


@call_checked
def place(program: Program, *, max_cores: int | None = None) -> Placement:
    """Place the neurons of a program on as few cores as possible; deterministic.

    A program with stored cores keeps them, unless fewer cores are allowed. For other programs, a greedy search
    places tens of thousands of neurons. If it takes more cores than a lower bound, and the program is small,
    an integer program finds a placement with fewer, or proves that there is none.

    Parameters
    ----------
    program : Program
    max_cores : int, optional
        Maximum number of cores; those of one chip by default. More than that is a board of several chips,
        of which only cores are checked.

    Raises
    ------
    FitError
        If a single neuron exceeds a core, no partition within the maximum is found, or the cores stored in the program
        do not fit.
    SpecError
        If ``max_cores`` is not a positive integer.
    """
    check_type("program", program, kind=Program)
    chip = program.chip
    allowed = chip.cores if max_cores is None else as_integer("max_cores", max_cores)
    if allowed is not None and allowed < 1:
        raise SpecError(f"max_cores must be a positive integer, got {allowed}")
    demand = CoreDemand.of(program, chip.core.memory)
    _check_alone(demand, chip.core)
    least = least_cores(demand, chip.core)
    stored = _stored(program, demand, allowed)
    if stored is None:
        partition, least, found = _searched(demand, chip.core, allowed=allowed, least=least)
        way_out = f"raise max_cores to at least {least}"
        if found > least:
            way_out = f"raise max_cores to {found} (at least {least} necessary)"
    else:
        partition, least = stored, improve(demand, chip.core, partition=stored, least=least)[1]
        way_out = f"set the program's core to None to place it again (at least {counted(least, 'core')} necessary)"
    _check_fit(partition, chip.core, way_out=way_out)
    fanout_cores = reached_cores(demand, partition.core_of, cores=partition.cores).sum(axis=0)
    return Placement(
        chip=program.chip.name,
        core_of=_frozen(partition.core_of),
        usage=partition.usage,
        limits=chip.core,
        at_least=least,
        fanout_cores=_frozen(fanout_cores),
    )


def least_for(program: Program) -> int:
    """Return a lower bound on the number of cores, without searching for a placement.

    Raises
    ------
    FitError
        If a single neuron exceeds a core, or the chip has fewer cores.
    """
    chip = program.chip
    demand = CoreDemand.of(program, chip.core.memory)
    _check_alone(demand, chip.core)
    least = least_cores(demand, chip.core)
    if chip.cores is not None and least > chip.cores:
        raise FitError(f"{chip.name}", "cores", least, f"{chip.cores}", "split the network over several chips")
    return least


def _stored(program: Program, demand: CoreDemand, allowed: int | None) -> Partition | None:
    """Return the partition stored in the program, unless it has none, or one with more cores than allowed."""
    if program.core is None or (allowed is not None and program.core.max() >= allowed):
        return None
    return Partition.of(demand, program.core.astype(np.int64))


def _searched(demand: CoreDemand, core: Core, *, allowed: int | None, least: int) -> tuple[Partition, int, int]:
    """Return the best partition found, reduced if it has too many cores, a lower bound, and how many cores it had."""
    partition, least = improve(
        demand, core, partition=mend(demand, core, partition=first_fit(demand, core, least=least)), least=least
    )
    found = partition.cores
    if allowed is not None and found > allowed:
        partition = Partition.of(demand, np.minimum(partition.core_of, allowed - 1))
    return partition, least, found


def _check_alone(demand: CoreDemand, core: Core) -> None:
    """Raise `FitError` for the first neuron that alone exceeds a core, before any search."""
    for resource, used in demand.alone().items():
        limit = core.limit(resource)
        over = np.flatnonzero(used > (np.inf if limit is None else limit))
        if over.size:
            raise _alone(int(over[0]), resource, used=int(used[over[0]]), limit=limit)


def _alone(neuron: int, resource: str, *, used: int, limit: int | None) -> FitError:
    advice = ADVICE.get(resource, "lower its fan-in")
    return FitError(f"neuron {neuron} alone", RESOURCES[resource], used, _amount(resource, limit), advice)


def _amount(resource: str, limit: int | None) -> str:
    return f"{limit:,} words" if resource == "words" else f"{limit:,}"


def _check_fit(partition: Partition, core: Core, *, way_out: str) -> None:
    misfit = partition.misfit(core)
    if misfit is None:
        return
    index, resource = misfit
    used, limit = partition.usage[index].amount(resource), core.limit(resource)
    assert used is not None
    members = np.flatnonzero(partition.core_of == index)
    if members.size == 1 and resource != "axons_out":
        raise _alone(int(members[0]), resource, used=used, limit=limit)
    advice = f"{ADVICE.get(resource, SPLIT)} or {way_out}"
    raise FitError(f"core {index}", RESOURCES[resource], used, _amount(resource, limit), advice)


def _frozen(values: Int64s) -> Int32s:
    copied = values.astype(np.int32)
    copied.flags.writeable = False
    return copied
