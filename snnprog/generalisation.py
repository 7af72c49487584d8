"""Hits, misses and false alarms on samples that a program was not compiled from.

A program is exact on its spec; what it does on other inputs is measured, on held-out patterns. Bins are judged
as those of a spec are (`snnprog.judgement`): don't-care bins are excluded, and windows apply. Rates come with Wilson's
interval of 95 % (Wilson, J. Am. Stat. Assoc. 22 (1927) 209), which also holds where few or no events were counted. It
takes bins as independent, and the bins of a pattern may not be: the share of patterns that are right in every bin is
given, too, since patterns are drawn one by one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from snnprog.arrays import Raster
from snnprog.display.card import GOOD, OPEN, Card, Displayed
from snnprog.frames import data_frame_of_rows
from snnprog.judgement import EXTRA, MISSING, wrong_bins
from snnprog.names import name_of, numbered, with_name
from snnprog.spec import Spec
from snnprog.table import Cell, Column, Table
from snnprog.wording import counted

if TYPE_CHECKING:
    import pandas

CONFIDENCE = 0.95
"""The usual level of an interval."""


@dataclass(frozen=True)
class EventRate:
    """A share of events, with its interval of 95 %.

    Attributes
    ----------
    events, trials : int
    """

    events: int
    trials: int

    @property
    def share(self) -> float | None:
        """The share of the events; None without trials."""
        return self.events / self.trials if self.trials else None

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's interval; from 0 to 1 without trials."""
        if not self.trials:
            return 0.0, 1.0
        from scipy.stats import binomtest  # scipy.stats takes a quarter of a second to import

        found = binomtest(self.events, self.trials).proportion_ci(CONFIDENCE, method="wilson")
        return float(found.low), float(found.high)

    def __str__(self) -> str:
        if self.share is None:
            return "none"
        low, high = self.interval
        return f"{100 * self.share:.3g} % ({100 * low:.3g} to {100 * high:.3g})"

    def as_dict(self) -> dict[str, object]:
        """Return it as plain data."""
        return {"events": self.events, "trials": self.trials, "share": self.share, "interval": list(self.interval)}


@dataclass(frozen=True, repr=False)
class OutputScore(Displayed):
    """One output on held-out patterns.

    Attributes
    ----------
    output : int
    hits, misses : int
        Target spikes that the output gave, and that it did not give.
    false_alarms : int
        Its other spikes, in bins that count.
    silent : int
        Bins that count and have no target spike.
    right_patterns, patterns : int
        Patterns in which all its bins are right, of all with a bin that counts.
    name : str or None
        Its name in the spec, if it has one.
    """

    output: int
    hits: int
    misses: int
    false_alarms: int
    silent: int
    right_patterns: int
    patterns: int
    name: str | None = None

    @property
    def hit_rate(self) -> EventRate:
        """Hits, of all target spikes."""
        return EventRate(self.hits, self.hits + self.misses)

    @property
    def false_alarm_rate(self) -> EventRate:
        """False alarms, of all bins without a target spike."""
        return EventRate(self.false_alarms, self.silent)

    @property
    def right_rate(self) -> EventRate:
        """Patterns that are right, of all."""
        return EventRate(self.right_patterns, self.patterns)

    def _summary(self) -> str:
        return (
            f"{with_name('output', self.output, self.name)}, {counted(self.hits, 'hit')}, {self.misses} missed,"
            f" {counted(self.false_alarms, 'false alarm')}"
        )

    def as_dict(self) -> dict[str, object]:
        """Return it as plain data."""
        counts = {name: getattr(self, name) for name in ("output", "name", "hits", "misses", "false_alarms")}
        rates = {name: getattr(self, name).as_dict() for name in ("hit_rate", "false_alarm_rate", "right_rate")}
        return counts | rates


@dataclass(frozen=True, repr=False)
class Generalisation(Displayed):
    """How a program does on held-out patterns.

    Attributes
    ----------
    outputs : tuple of OutputScore
    backend : str
        The backend that ran them.
    """

    outputs: tuple[OutputScore, ...]
    backend: str

    @property
    def wrong_bins(self) -> int:
        """Misses and false alarms of all outputs."""
        return sum(each.misses + each.false_alarms for each in self.outputs)

    def table(self) -> Table:
        """Return a row for each output."""
        columns = (
            Column("output", "output"),
            Column(None, "name"),
            Column("hits", "hits"),
            Column("misses", "misses"),
            Column("false alarms", "false_alarms"),
            Column("hit rate (95 %)", "hit_rate"),
            Column("false alarms per silent bin (95 %)", "false_alarm_rate"),
            Column("right patterns (95 %)", "right_rate"),
        )
        rows = tuple(
            (
                Cell(each.output, str(numbered(each.output, each.name))),
                each.name,
                each.hits,
                each.misses,
                each.false_alarms,
                *(Cell(rate.as_dict(), str(rate)) for rate in (each.hit_rate, each.false_alarm_rate, each.right_rate)),
            )
            for each in self.outputs
        )
        return Table("Held-out patterns", columns, rows, noun="output")

    def to_pandas(self) -> pandas.DataFrame:
        """Return a data frame with a row for each output: the counts, and the share and interval of each rate.

        Raises
        ------
        SpecError
            If pandas is not installed.
        """
        rows = []
        for each in self.outputs:
            row: dict[str, object] = {name: getattr(each, name) for name in COUNTS}
            for name in RATES:
                rate: EventRate = getattr(each, name)
                row |= {name: rate.share, f"{name}_low": rate.interval[0], f"{name}_high": rate.interval[1]}
            rows.append(row)
        return data_frame_of_rows(rows, (*COUNTS, *(f"{rate}{end}" for rate in RATES for end in ("", "_low", "_high"))))

    def as_dict(self) -> dict[str, object]:
        """Return it as plain data."""
        outputs = [each.as_dict() for each in self.outputs]
        return {"backend": self.backend, "wrong_bins": self.wrong_bins, "outputs": outputs}

    def _summary(self) -> str:
        due = sum(each.hit_rate.trials for each in self.outputs)
        hits, alarms = (sum(getattr(each, name) for each in self.outputs) for name in ("hits", "false_alarms"))
        return f"{hits} of {counted(due, 'target spike')} hit, {counted(alarms, 'false alarm')} on held-out patterns"

    def _card(self) -> Card:
        return Card(OPEN if self.wrong_bins else GOOD, table=self.table())


COUNTS = ("output", "name", "hits", "misses", "false_alarms", "silent", "right_patterns", "patterns")
RATES = ("hit_rate", "false_alarm_rate", "right_rate")


def scored(spec: Spec, spikes: Sequence[Raster], *, backend: str) -> Generalisation:
    """Return the scores of outputs on held-out patterns.

    Parameters
    ----------
    spec : Spec
        The held-out patterns.
    spikes : sequence of (ticks, outputs) bool
        What the outputs did in each.
    backend : str
        Where they ran.
    """
    wrong = wrong_bins(spec, spikes)
    kinds = Counter((each.output, each.kind) for each in wrong)
    wrong_patterns = Counter(output for output, _ in {(each.output, each.pattern) for each in wrong})
    due, silent = (spec.targets & spec.care).sum(axis=0), (~spec.targets & spec.care).sum(axis=0)
    patterns = np.stack([pattern.care.any(axis=0) for pattern in spec.patterns]).sum(axis=0)
    outputs = tuple(
        OutputScore(
            output=output,
            hits=int(due[output]) - kinds[output, MISSING],
            misses=kinds[output, MISSING],
            false_alarms=kinds[output, EXTRA],
            silent=int(silent[output]),
            right_patterns=int(patterns[output]) - wrong_patterns[output],
            patterns=int(patterns[output]),
            name=name_of(output, spec.output_names),
        )
        for output in range(spec.n_outputs)
    )
    return Generalisation(outputs, backend)
