"""What a journal says, also while it grows: progress of each step, the time left, and the verdicts."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from snnprog.calls import call_checked
from snnprog.checks import as_path
from snnprog.display.card import Card, Displayed
from snnprog.errors import FormatError
from snnprog.journal.store import BUSY_SECONDS, FILE, faults, read_about
from snnprog.table import Table


@dataclass(frozen=True, repr=False)
class JournalStep(Displayed):
    """One step of a compilation, as its journal has it.

    Attributes
    ----------
    step : str
        "design", "windows", "closest", "fit", "repair" or "widest".
    jobs : int
        Neurons (or groups of neurons that are designed together) of the step's last run.
    done : int
        Those that are finished, in this run or an earlier one.
    seconds : float
        Working time of all results of the step, over all processes.
    left_s : float or None
        Estimated seconds until the step ends, from the speed so far; 0 if it has ended, None if nothing is known.
    verdicts : tuple of (str, int)
        Each verdict with the number of results, over all runs of the step.
    """

    step: str
    jobs: int
    done: int
    seconds: float
    left_s: float | None
    verdicts: tuple[tuple[str, int], ...]

    def _summary(self) -> str:
        verdicts = ", ".join(f"{count} {verdict}" for verdict, count in self.verdicts)
        left = "" if not self.left_s else f", about {self.left_s:.0f} s left"
        return f"{self.step}: {self.done} of {self.jobs} done{left}{f' ({verdicts})' if verdicts else ''}"


@call_checked
@dataclass(frozen=True, repr=False)
class JournalProgress(Displayed):
    """The content of a journal.

    Attributes
    ----------
    spec : str
        The digest of the spec.
    chip : str
    seed : int
    versions : str
        The versions that decide the bytes of a program.
    steps : tuple of JournalStep
        In order of their last beginning.
    changed : float
        Seconds since the last result was recorded; 0 if there is none.
    """

    spec: str
    chip: str
    seed: int
    versions: str
    steps: tuple[JournalStep, ...]
    changed: float

    def _summary(self) -> str:
        steps = "; ".join(each._summary() for each in self.steps) or "nothing has begun"
        return f"spec {self.spec[:12]} on {self.chip}, seed {self.seed}: {steps}"

    def _card(self) -> Card:
        rows = [(each.step, f"{each.done} of {each.jobs}", f"{each.seconds:.1f}") for each in self.steps]
        return Card(table=Table.plain("", columns=("step", "done", "seconds of work"), rows=rows))

    def as_dict(self) -> dict[str, object]:
        """Return the progress as plain data."""
        steps = [
            {
                "step": each.step,
                "jobs": each.jobs,
                "done": each.done,
                "seconds": each.seconds,
                "left_s": each.left_s,
                "verdicts": dict(each.verdicts),
            }
            for each in self.steps
        ]
        return {
            "spec": self.spec,
            "chip": self.chip,
            "seed": self.seed,
            "versions": self.versions,
            "changed": self.changed,
            "steps": steps,
        }

    def in_words(self) -> str:
        """Return one line for each step, below one that says what the journal is of."""
        about = f"spec {self.spec[:12]} on {self.chip}, seed {self.seed}; {self.versions}"
        when = [f"last result {self.changed:.0f} s ago"] if any(each.seconds for each in self.steps) else []
        return "\n".join([about, *(each._summary() for each in self.steps), *when])


@call_checked
def read_journal(folder: str | Path) -> JournalProgress:
    """Return what a journal of `snnprog.compile` says; a compilation may be writing to it.

    Parameters
    ----------
    folder : path
        The folder that was given as ``journal``.

    Raises
    ------
    FormatError
        If the folder has no journal, or the journal is damaged.
    """
    path = as_path("folder", folder) / FILE
    if not path.is_file():
        raise FormatError(f"{folder} has no journal; compile with journal={str(folder)!r} or --journal first")
    with (
        faults(path),
        closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS)) as connection,
    ):
        about = read_about(connection)
        steps = connection.execute("SELECT step, jobs, recalled, done, begun FROM steps ORDER BY begun").fetchall()
        results = connection.execute(
            "SELECT step, verdict, COUNT(*), SUM(seconds), MAX(finished) FROM results GROUP BY step, verdict"
            " ORDER BY step, verdict"
        ).fetchall()
    last = max((row[4] for row in results), default=None)
    return JournalProgress(
        about["spec"],
        about["chip"],
        about["seed"],
        about["versions"],
        tuple(_step(row, [each for each in results if each[0] == row[0]]) for row in steps),
        0.0 if last is None else max(time.time() - last, 0.0),
    )


def _step(row: tuple[str, int, int, int, float], results: list[tuple[str, str, int, float, float]]) -> JournalStep:
    step, jobs, recalled, done, begun = row
    left = max(jobs - recalled - done, 0)
    took = max((each[4] for each in results), default=begun) - begun
    left_s = 0.0 if not left else took * left / done if done else None
    verdicts = tuple((verdict, count) for _, verdict, count, _, _ in results)
    return JournalStep(step, jobs, recalled + done, sum(each[3] for each in results), left_s, verdicts)
