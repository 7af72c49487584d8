"""The activity of a program on given inputs, counted spike by spike, and an estimate of its energy.

Counts are exact: every neuron's spikes are recorded, a synapse works once for each spike of its line, when the spike is
sent, and every neuron is updated at every tick. The energy multiplies them by published figures per operation. It
excludes what those figures exclude: static power, hops between distant cores, input and output, the host.

Counts alone do not tell whether spikes save work, so they stand beside the multiply-accumulates of an artificial
network at the same task (`snnprog.break_even`). Unless their number is given, it is the network with the same synapses
that multiplies each weight once per pattern, as Davidson and Furber compare; a sample is one pattern.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from snnprog.arrays import Raster
from snnprog.backends import built_in, run_backend
from snnprog.break_even import Comparison
from snnprog.calls import call_checked
from snnprog.checks import as_integer, check_type
from snnprog.chips import Energy
from snnprog.display.card import Card, Displayed
from snnprog.errors import SpecError
from snnprog.frames import data_frame_of_rows
from snnprog.neurobench import NeuroBenchMetrics, neurobench_metrics
from snnprog.program import Program
from snnprog.raster import as_rasters
from snnprog.table import text_of
from snnprog.wording import counted

if TYPE_CHECKING:  # a placement is an argument, so that counting does not import a solver
    import pandas

    from snnprog.placement import Placement


@dataclass(frozen=True)
class PatternActivity:
    """The activity of one pattern.

    Attributes
    ----------
    ticks, input_spikes, neuron_spikes : int
    synaptic_operations : int
        Spikes times the synapses of their lines, those delivered after the last tick included.
    messages : int
        Spikes times the cores that their lines reach; without a placement, all neurons count as one core.
    neuron_updates : int
        Neurons times ticks.
    energy_pj : tuple of float or None
        Estimates in picojoules, with all neurons idle and with all active; None if the chip has no published
        figures.
    """

    ticks: int
    input_spikes: int
    neuron_spikes: int
    synaptic_operations: int
    messages: int
    neuron_updates: int
    energy_pj: tuple[float, float] | None


@call_checked
@dataclass(frozen=True, repr=False)
class Activity(Displayed):
    """The activity of each pattern, and the source of the energy figures.

    Attributes
    ----------
    patterns : tuple of PatternActivity
    energy_source : str or None
    multiplications : int
        Multiply-accumulates of an artificial network at the same task, for one pattern.
    ann : str
        Which artificial network that is, in words.
    neurobench : NeuroBenchMetrics
        NeuroBench's metrics of the program on these patterns.
    """

    patterns: tuple[PatternActivity, ...]
    energy_source: str | None
    multiplications: int
    ann: str
    neurobench: NeuroBenchMetrics

    @property
    def total(self) -> PatternActivity:
        """The activity of all patterns together."""
        names = [field.name for field in fields(PatternActivity) if field.name != "energy_pj"]
        counts = {name: sum(getattr(one, name) for one in self.patterns) for name in names}
        energies = [one.energy_pj for one in self.patterns if one.energy_pj is not None]
        least, most = (sum(energy[end] for energy in energies) for end in (0, 1))
        return PatternActivity(**counts, energy_pj=None if self.energy_source is None else (least, most))

    @property
    def comparison(self) -> Comparison:
        """The mean work for a pattern, beside that of the artificial network."""
        total, count = self.total, max(len(self.patterns), 1)
        return Comparison(total.synaptic_operations / count, total.neuron_updates / count, self.multiplications)

    @property
    def verdict(self) -> str:
        """Which of the two would cost less, in a sentence, and which artificial network is meant."""
        return f"{self.comparison.verdict}; the artificial network: {self.ann}"

    def _summary(self) -> str:
        total = self.total
        of = f"{counted(len(self.patterns), 'pattern')} of {counted(total.ticks, 'tick')} in all"
        work = counted(total.synaptic_operations, "synaptic operation")
        return f"{of}: {counted(total.neuron_spikes, 'neuron spike')}, {work}"

    def _card(self) -> Card:
        counts = asdict(self.total)
        energy = counts.pop("energy_pj")
        facts = [(name.replace("_", " "), value) for name, value in counts.items()]
        if energy is None:
            return Card(facts=facts, notes=[self.verdict])
        words = " to ".join(text_of(each / 1000.0) for each in energy)
        notes = [self.verdict, f"energy by {self.energy_source}"]
        return Card(facts=[*facts, ("energy, an estimate", f"{words} nJ")], notes=notes)

    def to_pandas(self) -> pandas.DataFrame:
        """Return a data frame with a row for each pattern; energies in picojoules, all idle and all active.

        Raises
        ------
        SpecError
            If pandas is not installed.
        """
        rows = []
        for index, one in enumerate(self.patterns):
            counts = asdict(one)
            idle, active = counts.pop("energy_pj") or (None, None)
            rows.append({"pattern": index, **counts, "energy_idle_pj": idle, "energy_active_pj": active})
        names = [field.name for field in fields(PatternActivity) if field.name != "energy_pj"]
        return data_frame_of_rows(rows, ["pattern", *names, "energy_idle_pj", "energy_active_pj"])

    def as_dict(self) -> dict[str, object]:
        """Return the activity as plain data."""
        return {
            "energy_is_an_estimate_by": self.energy_source,
            "patterns": [asdict(one) for one in self.patterns],
            "total": asdict(self.total),
            "comparison": self.comparison.as_dict() | {"ann": self.ann},
            "neurobench": self.neurobench.as_dict(),
        }


@call_checked
def activity(
    program: Program,
    inputs: Sequence[ArrayLike],
    *,
    backend: str | None = None,
    placement: Placement | None = None,
    multiplications: int | None = None,
    dt_ms: float | None = None,
) -> Activity:
    """Run a program and count its activity.

    Parameters
    ----------
    program : Program
    inputs : list of (ticks, inputs) bool
        One pattern each, from rest.
    backend : str, optional
        The backend to run on.
    placement : Placement, optional
        The placement of this program, for the messages between cores.
    multiplications : int, optional
        Multiply-accumulates for one pattern of the artificial network to compare with; by default one for each
        synapse.
    dt_ms : float, optional
        Length of a tick in milliseconds, for NeuroBench's model execution rate.

    Raises
    ------
    SpecError
        If the inputs are not rasters of the program's width, the placement belongs to another program, the chip
        reads out only some neurons, or ``multiplications`` or ``dt_ms`` is not positive.
    BackendError
        If the backend is missing, fails, hangs or returns an invalid result.
    """
    check_type("program", program, kind=Program)
    rasters = as_rasters(inputs)
    traces = run_backend(with_all_outputs(program), rasters, backend or built_in(program)).traces
    spikes = [trace.spikes for trace in traces]
    return activity_of(
        program, rasters, spikes=spikes, placement=placement, multiplications=multiplications, dt_ms=dt_ms
    )


def with_all_outputs(program: Program) -> Program:
    """Return the program with every neuron read out, in order.

    Raises
    ------
    SpecError
        If the chip reads out only some neurons.
    """
    if program.chip.is_readout_apart and program.n_outputs < program.n_neurons:
        raise SpecError(
            f"activity counts spikes of all neurons, and {program.chip.name} reads out only some: its readout layer has"
            f" {program.n_outputs} of {program.n_neurons}"
        )
    return replace(program, outputs=np.arange(program.n_neurons, dtype=np.int32))


def activity_of(
    program: Program,
    inputs: Sequence[Raster],
    *,
    spikes: Sequence[Raster],
    placement: Placement | None = None,
    multiplications: int | None = None,
    dt_ms: float | None = None,
) -> Activity:
    """Count the activity of a program, from the spikes ``(ticks, neurons)`` of all its neurons."""
    if dt_ms is not None and not 0.0 < dt_ms < math.inf:
        raise SpecError(f"dt_ms must be the positive length of a tick in milliseconds, got {dt_ms!r}")
    energy, ann = program.chip.energy, "as given"
    if multiplications is None:
        multiplications = program.n_synapses
        every_tick = multiplications * sum(map(len, inputs)) / max(len(inputs), 1)
        ann = (
            "the same synapses, each multiplied once per sample (at every tick, they would take"
            f" {every_tick:.0f} multiply-accumulates)"
        )
    elif as_integer("multiplications", multiplications) < 1:
        raise SpecError(f"multiplications must be the positive number of one pattern, got {multiplications}")
    return Activity(
        patterns=pattern_activities(program, inputs, spikes=spikes, placement=placement),
        energy_source=None if energy is None else energy.source,
        multiplications=multiplications,
        ann=ann,
        neurobench=neurobench_metrics(program, inputs, spikes=spikes, dt_ms=dt_ms),
    )


def pattern_activities(
    program: Program, inputs: Sequence[Raster], *, spikes: Sequence[Raster], placement: Placement | None = None
) -> tuple[PatternActivity, ...]:
    """Count the activity of each pattern, from the spikes ``(ticks, neurons)`` of all neurons."""
    synapses = np.bincount(program.pre, minlength=program.n_inputs + program.n_neurons)
    cores = (synapses > 0).astype(np.int64) if placement is None else placement.fanout_cores.astype(np.int64)
    if cores.size != synapses.size:
        raise SpecError(
            f"the placement must have {synapses.size} lines, as the program has, got {cores.size}; place this program"
        )
    patterns = []
    for raster, answer in zip(inputs, spikes, strict=True):
        sent = np.concatenate([raster.sum(axis=0), answer.sum(axis=0)]).astype(np.int64)
        counts = PatternActivity(
            ticks=len(raster),
            input_spikes=int(raster.sum()),
            neuron_spikes=int(answer.sum()),
            synaptic_operations=int(sent @ synapses),
            messages=int(sent @ cores),
            neuron_updates=len(raster) * program.n_neurons,
            energy_pj=None,
        )
        patterns.append(replace(counts, energy_pj=_energy(program.chip.energy, counts)))
    return tuple(patterns)


def _energy(energy: Energy | None, counts: PatternActivity) -> tuple[float, float] | None:
    if energy is None:
        return None
    spikes = energy.synaptic_operation * counts.synaptic_operations + energy.message * counts.messages
    idle, active = (spikes + update * counts.neuron_updates for update in energy.update)
    return idle, active
