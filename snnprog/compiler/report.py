"""The result of compiling: the program and its report, and the provenance stored in the program."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from snnprog.arrays import Raster
from snnprog.calls import call_checked
from snnprog.compiler.built import Built
from snnprog.compiler.evidence import Evidence, all_evidence, warning_of
from snnprog.compiler.stopwatch import Stopwatch
from snnprog.display import pictures
from snnprog.display.card import BAD, GOOD, MOST_ROWS, Card, Displayed, Picture
from snnprog.distance import victor_purpura
from snnprog.errors import FitError
from snnprog.frames import data_frame_of_rows
from snnprog.integers import NeuronReport
from snnprog.judgement import MISSING, WrongBinCosts
from snnprog.names import name_of, with_name
from snnprog.network import Network
from snnprog.placement import Placement
from snnprog.program import Program
from snnprog.robustness.verdict import Robustness
from snnprog.spec import Pattern, Spec
from snnprog.table import Table, text_of
from snnprog.trace import Trace
from snnprog.version import determining_versions
from snnprog.wording import counted

if TYPE_CHECKING:
    import pandas


CLOSEST: Literal["closest"] = "closest"
EXACT = "exact"
CLOSE_TO_INTEGER = 1e-9
"""What sums of costs may exceed a number of bins by because of rounding."""


@dataclass(frozen=True, repr=False)
class Deviation(Displayed):
    """The differences of one output from its target.

    Attributes
    ----------
    output : int
    wrong : tuple of (int, int, str)
        Its wrong bins: pattern, tick, and "missing" or "extra"; empty if all spikes are in their windows.
    distances : tuple of float
        For each pattern, the Victor-Purpura distance to the target over the bins that count; see `snnprog.distance`.
    label : str or None
        The name of the output, if it has one.
    """

    output: int
    wrong: tuple[tuple[int, int, str], ...]
    distances: tuple[float, ...]
    label: str | None = None

    @property
    def misses(self) -> int:
        """Number of missing spikes."""
        return sum(kind == MISSING for _, _, kind in self.wrong)

    @property
    def false_alarms(self) -> int:
        """Number of extra spikes."""
        return len(self.wrong) - self.misses

    def _summary(self) -> str:
        name = with_name("output", self.output, self.label)
        return f"{name}, {counted(len(self.wrong), 'wrong bin')}, distance {sum(self.distances):.4g}"


@dataclass(frozen=True, repr=False)
class CompileReport(Displayed):
    """The report of a compilation.

    Attributes
    ----------
    neurons : tuple of NeuronReport
        Status, margin and integers of each output.
    time_constants : tuple of float
        (potential, current) in ticks, equivalent to the chip's decays.
    synapses : int
        In the whole program.
    hidden : tuple of NeuronReport
        The same for each hidden neuron.
    seconds : mapping
        Step -> wall-clock seconds.
    deviations : tuple of Deviation
        One for each output that differs from its target in bins that count, in order.
    at_least : int
        A lower bound on the wrong bins of real weights under exact decays; 0 with windows.
    hits : int
        Target spikes of all outputs that are not missing.
    miss_cost, alarm_cost : float
        The cost of a missing and of an extra spike.
    cost_at_least : float
        The same bound as a cost.
    placement : Placement or None
        The cores of each neuron and the resources used; None if the program does not fit.
    misfit : FitError or None
        Why it does not fit the chip. The program satisfies the spec nevertheless, and simulators run it.
    robustness : Robustness or None
        The verdict on the program under the perturbations that the spec names; None if it names none.
    ended_by_time : tuple of str
        The steps that the time limit ended, as `progress` names them; their results are the best so far. Empty if
        the result does not depend on the clock.
    evidence : tuple of Evidence
        The target spikes and synapses of each output; empty if the spec covers every input stream.
    warning : str
        Which outputs have so many synapses for their target spikes that they are likely to be wrong on other inputs,
        and what helps; empty if there are none.
    """

    neurons: tuple[NeuronReport, ...]
    time_constants: tuple[float, float]
    synapses: int
    seconds: Mapping[str, float]
    hidden: tuple[NeuronReport, ...] = ()
    deviations: tuple[Deviation, ...] = ()
    at_least: int = 0
    hits: int = 0
    miss_cost: float = 1.0
    alarm_cost: float = 1.0
    cost_at_least: float = 0.0
    placement: Placement | None = None
    misfit: FitError | None = None
    robustness: Robustness | None = None
    ended_by_time: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    warning: str = ""

    @property
    def wrong_bins(self) -> int:
        """Number of wrong bins of all outputs."""
        return sum(len(deviation.wrong) for deviation in self.deviations)

    @property
    def misses(self) -> int:
        """Number of missing spikes of all outputs."""
        return sum(deviation.misses for deviation in self.deviations)

    @property
    def false_alarms(self) -> int:
        """Number of extra spikes of all outputs."""
        return sum(deviation.false_alarms for deviation in self.deviations)

    @property
    def cost(self) -> float:
        """The cost of all wrong bins."""
        return self.misses * self.miss_cost + self.false_alarms * self.alarm_cost

    @property
    def status(self) -> str:
        """Whether the program is "exact", or the "closest" that was found."""
        return CLOSEST if self.wrong_bins else EXACT

    def __getstate__(self) -> dict[str, object]:
        return {**vars(self), "seconds": dict(self.seconds)}  # a read-only view cannot be pickled

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, seconds=MappingProxyType(state["seconds"]))

    def _summary(self) -> str:
        wrong = f"closest found, {counted(self.wrong_bins, 'wrong bin')}" if self.wrong_bins else EXACT
        statuses = Counter(neuron.status for neuron in self.neurons)
        outputs = ", ".join(f"{count} {status}" for status, count in statuses.most_common())
        hidden = f"; {counted(len(self.hidden), 'hidden neuron')}" if self.hidden else ""
        least = min((neuron.margin for neuron in (*self.neurons, *self.hidden)), default=0.0)
        named = f"{counted(len(self.neurons), 'output')}: {outputs}{hidden}; least margin {text_of(least)} LSB"
        return f"{wrong}; {named}; {counted(self.synapses, 'synapse')}"

    def _card(self) -> Card:
        neurons = (*self.neurons, *self.hidden)
        worst = sorted(sorted(range(len(neurons)), key=lambda index: neurons[index].margin)[:MOST_ROWS])
        rows = [(each.name, each.status, each.margin, each.synapses) for each in map(neurons.__getitem__, worst)]
        of = f"the {len(worst)} of {len(neurons)} neurons with the least margins" if len(worst) < len(neurons) else ""
        caption = "margin of each neuron: distance from the threshold at the worst tick that counts"
        margins = pictures.bars([each.margin for each in neurons], label=caption)
        facts = [("cores", f"{self.placement.cores} of {self.placement.chip}")] if self.placement else []
        facts += [("seconds", f"{sum(self.seconds.values()):.2f}")]
        return Card(
            BAD if self.wrong_bins else GOOD,
            facts=facts,
            pictures=[Picture(margins, caption + pictures.sampling(len(neurons)))] if len(neurons) > 1 else [],
            table=Table.plain(of, columns=("neuron", "status", "margin (LSB)", "synapses"), rows=rows),
            notes=[
                *([] if self.misfit is None else [f"does not fit the chip: {self.misfit}"]),
                *([] if self.robustness is None else [str(self.robustness)]),
                *([f"the time limit ended: {', '.join(self.ended_by_time)}"] if self.ended_by_time else []),
                *([self.warning] if self.warning else []),
            ],
        )

    def to_pandas(self) -> pandas.DataFrame:
        """Return a data frame with a row for each neuron, outputs first: its name, and all that is known of it.

        Raises
        ------
        SpecError
            If pandas is not installed.
        """
        names = ["name", *(field.name for field in fields(NeuronReport))]
        rows = [{name: getattr(each, name) for name in names} for each in (*self.neurons, *self.hidden)]
        return data_frame_of_rows(rows, names)

    def as_dict(self) -> dict[str, object]:
        """Return the report as plain data."""
        return {
            "status": self.status,
            "wrong_bins": self.wrong_bins,
            "at_least": self.at_least,
            "hits": self.hits,
            "misses": self.misses,
            "false_alarms": self.false_alarms,
            "miss_cost": self.miss_cost,
            "alarm_cost": self.alarm_cost,
            "cost": self.cost,
            "cost_at_least": self.cost_at_least,
            "deviations": [asdict(deviation) for deviation in self.deviations],
            "hidden": [asdict(neuron) for neuron in self.hidden],
            "neurons": [asdict(neuron) for neuron in self.neurons],
            "time_constants_ticks": list(self.time_constants),
            "synapses": self.synapses,
            "cores": None if self.placement is None else self.placement.as_dict(),
            "misfit": None if self.misfit is None else str(self.misfit),
            "robustness": None if self.robustness is None else self.robustness.to_data(),
            "seconds": dict(self.seconds),
            "ended_by_time": list(self.ended_by_time),
            "evidence": [asdict(each) for each in self.evidence],
            "warning": self.warning or None,
        }


@call_checked
@dataclass(frozen=True, eq=False, repr=False)
class CompileResult(Displayed):
    """A verified program with its network and report.

    Attributes
    ----------
    program : Program
        The chip's integers.
    network : Network
        The real weights that were designed.
    report : CompileReport
        The status of each neuron, times and resources.
    chosen : tuple of (ticks, outputs) bool
        The output spikes of each pattern: those of the target, unless the spec has windows or the closest program was
        requested.
    """

    program: Program
    network: Network
    report: CompileReport
    chosen: tuple[Raster, ...]

    def _summary(self) -> str:
        return self.report._summary()

    def _card(self) -> Card:
        return self.report._card()


@dataclass(frozen=True)
class CostBound:
    """What wrong bins cost, and a lower bound on the cost of all."""

    costs: WrongBinCosts
    least: float

    @property
    def bins(self) -> int:
        """The same bound as a number of wrong bins."""
        return math.ceil(self.least / self.costs.most - CLOSE_TO_INTEGER)


def report_on(
    spec: Spec,
    built: Built,
    *,
    bound: CostBound,
    placed: tuple[Placement | None, FitError | None],
    watch: Stopwatch,
) -> CompileReport:
    """Report deviations from the spec, not from the chosen spikes."""
    wrong = Counter(found.output for found in built.wrong)
    hidden, outputs = built.neurons[: -spec.n_outputs], built.neurons[-spec.n_outputs :]
    neurons = tuple(
        replace(neuron, status=CLOSEST if wrong[neuron.output] else neuron.status, wrong_bins=wrong[neuron.output])
        for neuron in outputs
    )
    placement, misfit = placed
    evidence = all_evidence(spec, [neuron.synapses for neuron in neurons])
    return CompileReport(
        neurons=neurons,
        hidden=hidden,
        time_constants=spec.dynamics.effective_time_constants(spec.chip),
        synapses=built.program.n_synapses,
        seconds=MappingProxyType(dict(watch.seconds)),
        ended_by_time=tuple(dict.fromkeys(watch.ended)),
        deviations=_deviations(spec, built),
        at_least=bound.bins,
        hits=int((spec.targets & spec.care).sum()) - sum(found.kind == MISSING for found in built.wrong),
        miss_cost=bound.costs.miss,
        alarm_cost=bound.costs.alarm,
        cost_at_least=bound.least,
        placement=placement,
        misfit=misfit,
        evidence=evidence,
        warning=warning_of(evidence, is_sparse=spec.sparse, names=spec.output_names),
    )


def _deviations(spec: Spec, built: Built) -> tuple[Deviation, ...]:
    wrong: dict[int, list[tuple[int, int, str]]] = {}
    for found in built.wrong:
        wrong.setdefault(found.output, []).append((found.pattern, found.tick, found.kind))
    deviations = []
    pairs = list(zip(spec.patterns, built.traces, strict=True))
    differs = np.stack([((trace.spikes != each.targets) & each.care).any(axis=0) for each, trace in pairs])
    for output in np.flatnonzero(differs.any(axis=0)).tolist():
        distances = tuple(
            _distance(pattern, trace, output) if is_other else 0.0
            for (pattern, trace), is_other in zip(pairs, differs[:, output].tolist(), strict=True)
        )
        label = name_of(output, spec.output_names)
        deviations.append(Deviation(output, tuple(wrong.get(output, ())), distances, label))
    return tuple(deviations)


def _distance(pattern: Pattern, trace: Trace, output: int) -> float:
    """Return the distance of an output's spikes from its targets in the bins that count."""
    return victor_purpura(*((train & pattern.care)[:, output] for train in (trace.spikes, pattern.targets)))


def provenance_of(spec: Spec, seed: int, *, report: CompileReport) -> dict[str, object]:
    """Return the origin of a program as plain data: the spec, the seed, the versions, and its neurons."""
    potential, current = spec.dynamics.effective_time_constants(spec.chip)
    placed = report.placement
    cores = {} if placed is None or placed.cores == 1 else {"cores": placed.cores, "at_least": placed.at_least}
    return {
        "spec_sha256": spec.digest(),
        "seed": seed,
        "versions": dict(determining_versions()),
        "time_constants_ticks": {"potential": str(potential), "current": str(current)},
        "neurons": [_without_name(neuron) for neuron in report.neurons],
        **({"hidden": [_without_name(neuron) for neuron in report.hidden]} if report.hidden else {}),
        **({"placement": cores} if cores else {}),
    }


def _without_name(neuron: NeuronReport) -> dict[str, object]:
    """Return the report of a neuron as plain data; the program's file has its name beside."""
    data = asdict(neuron)
    del data["label"]
    return data
