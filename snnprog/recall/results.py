"""The results: a measurement on a sample of cues, and a proof for all of a kind."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from snnprog.arrays import Bools, Int64s
from snnprog.calls import call_checked
from snnprog.display.card import BAD, GOOD, Card, Displayed
from snnprog.exploration.proof import KINDS, PROVED, REFUTED, UNDECIDED
from snnprog.table import Table
from snnprog.wording import counted

MOST_IN_FULL = 10**9
"""Numbers of cues from this one on are given as a power of ten."""

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


@call_checked
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


@call_checked
@dataclass(frozen=True, eq=False, repr=False)
class RecallProof(Displayed):
    """Whether a program recalls its memories from every cue with a few changed bins; see `snnprog.prove_recall`.

    Attributes
    ----------
    changes : int
        Maximum number of changed bins.
    cues : int
        Number of such cues of all memories.
    is_proved : (memories,) bool
        The memories for which it is proved.
    failures : (failures, 3) int64
        The memory, tick and input line of each changed bin whose cue was run, and led to a wrong output after it; tick
        and line are -1 for a perfect cue. Only perfect cues and those with one changed bin are run.
    """

    changes: int
    cues: int
    is_proved: Bools
    failures: Int64s

    @property
    def holds(self) -> bool:
        """Whether it is proved for all memories."""
        return bool(self.is_proved.all())

    @property
    def verdict(self) -> str:
        """Return "proved", "refuted" if outputs are wrong after some cue, or "undecided"."""
        if self.holds:
            return PROVED
        return REFUTED if len(self.failures) else UNDECIDED

    def __str__(self) -> str:
        of = f"cues with at most {counted(self.changes, 'changed bin')}"
        if self.holds:
            number = f"{self.cues:,}" if self.cues < MOST_IN_FULL else f"(about 10^{math.floor(math.log10(self.cues))})"
            return f"proved: all {number} {of} are recalled exactly, forever"
        known = f"proved for {self.is_proved.sum()} of {len(self.is_proved)} memories"
        if self.verdict == UNDECIDED:
            return f"undecided: {known}, for all {of}"
        memory, tick, line = self.failures[0].tolist()
        change = "its perfect cue" if tick == NEVER else f"its cue with the bin of line {line} at tick {tick} changed"
        failing = counted(len(self.failures), "cue")
        return f"refuted: memory {memory} is not recalled exactly from {change}; {failing} failed; {known}"

    def _summary(self) -> str:
        return str(self)

    def _card(self) -> Card:
        facts = (
            ("changed bins", self.changes),
            ("memories", len(self.is_proved)),
            ("proved", int(self.is_proved.sum())),
            ("failures", len(self.failures)),
        )
        return Card(KINDS[self.verdict], facts=facts)


def _notes(outcomes: Outcomes) -> list[str]:
    left = int(np.count_nonzero(~outcomes.is_portable))
    return [f"{counted(left, 'run')} left the range in which all runtimes agree"] if left else []
