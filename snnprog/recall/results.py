"""The results: a measurement on a sample of cues, and a proof for all of a kind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Bools, Int64s
from snnprog.display.card import BAD, GOOD, Card, Displayed
from snnprog.exploration.proof import KINDS, PROVED, REFUTED, UNDECIDED
from snnprog.table import Table
from snnprog.wording import counted

NEVER = -1
"""In place of a tick at which outputs settle, and of the changed bin of a cue without one."""


@dataclass(frozen=True, eq=False)
class Outcomes:
    """What became of some cues.

    Attributes
    ----------
    wrong : (cues,) int64
        Number of wrong output bins in the periods after the cue.
    settled : (cues,) int64
        Ticks from the end of the cue until the outputs are those of the memory forever; -1 if they never were during
        the run.
    is_portable : (cues,) bool
        Whether the run stayed in the range in which all runtimes agree.
    """

    wrong: Int64s
    settled: Int64s
    is_portable: Bools


@dataclass(frozen=True, eq=False, repr=False)
class Recall(Displayed):
    """A measurement: how a program recalled memories from a random sample of noisy cues.

    Attributes
    ----------
    memory : (cues,) int64
        The memory of each cue.
    outcomes : Outcomes
        What became of each.
    deleted, added : float
        The share of each cue's spikes that was deleted, and the number of additional ones as a share.
    periods : int
        For how many periods each cue was run after its end.
    """

    memory: Int64s
    outcomes: Outcomes
    deleted: float
    added: float
    periods: int

    @property
    def exact(self) -> Bools:
        """Which cues (cues,) are recalled: every output after the cue is that of the memory, forever."""
        found: Bools = self.outcomes.settled == 0
        return found

    @property
    def share(self) -> float:
        """The share of cues that are recalled."""
        return float(self.exact.mean())

    def _summary(self) -> str:
        noise = f"{self.deleted:.0%} of the spikes deleted, {self.added:.0%} added"
        return f"measured: {self.exact.sum()} of {counted(len(self.memory), 'cue')} recalled exactly ({noise})"

    def _card(self) -> Card:
        rows = []
        for memory in range(int(self.memory.max()) + 1):
            settled = self.outcomes.settled[self.memory == memory]
            rows.append((memory, settled.size, *(int(np.count_nonzero(of)) for of in (settled == 0, settled > 0))))
        columns = ("memory", "cues", "recalled exactly", "recalled later")
        table = Table.plain("", columns=columns, rows=rows)
        return Card(GOOD if self.exact.all() else BAD, table=table, notes=_notes(self.outcomes))


@dataclass(frozen=True, eq=False, repr=False)
class RecallProof(Displayed):
    """Whether a program recalls its memories from every cue with one changed bin; see `snnprog.prove_recall`.

    Attributes
    ----------
    failures : (failures, 3) int64
        The memory, tick and input line of each changed bin whose cue is not recalled exactly; tick and line are -1
        for a perfect cue.
    outcomes : Outcomes
        What became of each cue: first the perfect cue of memory 0, then those with a changed bin, in the order of ticks
        and then of lines, then those of the next memory.
    periods : int
        For how many periods each cue was run after its end.
    """

    failures: Int64s
    outcomes: Outcomes
    periods: int

    @property
    def cues(self) -> int:
        """Number of cues: the perfect ones, and for each bin of each memory one in which it is changed."""
        return len(self.outcomes.settled)

    @property
    def holds(self) -> bool:
        """Whether it is proved."""
        return len(self.failures) == 0

    @property
    def verdict(self) -> str:
        """Return "proved", "refuted" if outputs are wrong after a cue, or else "undecided": the runs were too short."""
        if self.holds:
            return PROVED
        return REFUTED if self.outcomes.wrong.any() else UNDECIDED

    def __str__(self) -> str:
        if self.holds:
            return f"proved: all {self.cues} cues with at most one changed bin are recalled exactly, forever"
        if self.verdict == UNDECIDED:
            open_cues = f"{len(self.failures)} of {counted(self.cues, 'cue')}"
            return f"undecided: {open_cues} do not repeat a state within {counted(self.periods, 'period')}; give more"
        first = int(np.flatnonzero(self.outcomes.wrong[self.outcomes.settled != 0])[0])
        memory, tick, line = self.failures[first].tolist()
        change = "its perfect cue" if tick == NEVER else f"its cue with the bin of line {line} at tick {tick} changed"
        later = int(np.count_nonzero(self.outcomes.settled > 0))
        rest = f"{len(self.failures)} of {counted(self.cues, 'cue')} fail, of which {later} are recalled later"
        return f"refuted: memory {memory} is not recalled exactly from {change}; {rest}"

    def _summary(self) -> str:
        return str(self)

    def _card(self) -> Card:
        facts = (("cues", self.cues), ("failures", len(self.failures)), ("periods", self.periods))
        return Card(KINDS[self.verdict], facts=facts, notes=_notes(self.outcomes))


def _notes(outcomes: Outcomes) -> list[str]:
    left = int(np.count_nonzero(~outcomes.is_portable))
    return [f"{counted(left, 'run')} left the range in which all runtimes agree"] if left else []
