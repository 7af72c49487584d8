"""What `snnprog.units` found: a verdict and scores for each unit of a recording."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from snnprog.calls import call_checked
from snnprog.conflict import Conflict
from snnprog.display.card import BAD, GOOD, OPEN, Card, Displayed
from snnprog.explanation import INFEASIBLE, UNDECIDED
from snnprog.frames import data_frame_of_rows
from snnprog.generalisation import OutputScore
from snnprog.integers import INEXACT
from snnprog.program import Program
from snnprog.table import Column, Table
from snnprog.wording import counted

if TYPE_CHECKING:
    import pandas

SILENT = "silent"
"""The status of a unit without spikes among the training ticks that count: any silent neuron is exact there."""

CHANCE = 2
"""Random targets of so many ticks for each weight are met with probability 1/2: Cover 1965, IEEE Transactions on
Electronic Computers 14(3), for as many spikes as silences; rarer spikes are met for more ticks."""


@dataclass(frozen=True, repr=False)
class UnitFit(Displayed):
    """One unit as a neuron that the inputs drive.

    Attributes
    ----------
    unit : int
    status : str
        The status on the training time, as in `snnprog.explain`: "certified", "exact", "inexact", "infeasible" or
        "undecided"; "silent" for a unit without spikes there.
    exact_ticks : int
        The longest beginning of the training time that a neuron reproduces exactly; at least so long where a longer
        one stayed undecided. 0 if no tick that counts is in it.
    judged_ticks, weights : int
        The training ticks that count, and the number of possible weights: inputs times delays.
    training, held_out : OutputScore
        Hits, misses and false alarms of the neuron on the two parts.
    program : Program
        The program with the neuron, exact or the closest; where units have the same inputs, with theirs too, in order.
    conflicts : tuple of Conflict
        Why no neuron is exact, if that is proved; its output is the neuron's place in the program.
    shifted_status : str or None
        The status for shifted spikes, if it was requested.
    glm_training, glm_held_out : OutputScore or None
        The same of the GLM, if it was requested.
    """

    unit: int
    status: str
    exact_ticks: int
    judged_ticks: int
    weights: int
    training: OutputScore
    held_out: OutputScore
    program: Program
    conflicts: tuple[Conflict, ...] = ()
    shifted_status: str | None = None
    glm_training: OutputScore | None = None
    glm_held_out: OutputScore | None = None

    @property
    def is_exact(self) -> bool:
        """Whether a neuron reproduces all of the training time, in which the unit spikes."""
        return _is_exact(self.status)

    @property
    def is_likely_chance(self) -> bool:
        """Whether a neuron is exact on so few ticks that it would probably be exact on random spikes, too."""
        return self.is_exact and self.judged_ticks <= CHANCE * self.weights

    def _summary(self) -> str:
        due = self.held_out.hit_rate.trials
        return f"unit {self.unit}, {self.status}, {self.held_out.hits} of {counted(due, 'held-out spike')} hit"

    def as_dict(self) -> dict[str, object]:
        """Return it as plain data."""
        parts = {name: getattr(self, name) for name in PARTS}
        scores = {f"{name}_score": None if score is None else score.as_dict() for name, score in parts.items()}
        plain = {name: getattr(self, name) for name in ("unit", "status", "exact_ticks", "judged_ticks", "weights")}
        reasons = {"reasons": [each.reason for each in self.conflicts], "shifted_status": self.shifted_status}
        return {**plain, **reasons, **scores}


PARTS = ("training", "held_out", "glm_training", "glm_held_out")
COUNTS = ("hits", "misses", "false_alarms")


@call_checked
@dataclass(frozen=True, repr=False)
class Units(Displayed):
    """All units of a recording.

    Attributes
    ----------
    units : tuple of UnitFit
    training_ticks, held_out_ticks : int
    ended_by_time : tuple of str
        The steps that the time limit ended.
    """

    units: tuple[UnitFit, ...]
    training_ticks: int
    held_out_ticks: int
    ended_by_time: tuple[str, ...] = ()

    @property
    def exact(self) -> tuple[int, ...]:
        """The units that a neuron reproduces on all of the training time, in which they spike."""
        return tuple(each.unit for each in self.units if each.is_exact)

    @property
    def silent(self) -> tuple[int, ...]:
        """The units without spikes in the training ticks that count."""
        return tuple(each.unit for each in self.units if each.status == SILENT)

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on how much the verdicts mean."""
        notes = []
        if chance := [each for each in self.units if each.is_likely_chance]:
            least = min(each.judged_ticks / each.weights for each in chance)
            few = f"{len(chance)} of the exact units have at most {CHANCE} ticks for each weight"
            means = "a neuron would probably be exact on random spikes, too"
            notes.append(f"{few} (the fewest {least:.1f}), so {means}; take fewer delays or inputs, or more ticks")
        shifted = [each for each in self.units if each.shifted_status is not None and each.status != SILENT]
        if shifted:
            exact = sum(_is_exact(str(each.shifted_status)) for each in shifted)
            unknown = sum(each.shifted_status == UNDECIDED for each in shifted)
            undecided = f", and {unknown} undecided" if unknown else ""
            notes.append(f"with shifted spikes, {exact} of {counted(len(shifted), 'unit')} are exact{undecided}")
        if self.silent:
            notes.append(f"{counted(len(self.silent), 'unit')} without spikes in the training ticks")
        if any(each.glm_training is not None for each in self.units):
            notes.append("the GLM is given the unit's recorded spikes on held-out ticks, the neuron is not")
        if self.ended_by_time:
            notes.append(f"the time limit ended: {', '.join(self.ended_by_time)}")
        return tuple(notes)

    def table(self) -> Table:
        """Return a row for each unit."""
        has_glm = any(each.glm_training is not None for each in self.units)
        has_shifted = any(each.shifted_status is not None for each in self.units)
        parts = [part for part in PARTS if has_glm or not part.startswith("glm")]
        scores = [Column(f"{_words(part)}: hits, missed, false alarms", part) for part in parts]
        columns = [
            Column("unit", "unit"),
            Column("status", "status"),
            *([Column("status if shifted", "shifted_status")] if has_shifted else []),
            Column("exact ticks", "exact_ticks"),
            Column("ticks per weight", "ticks_per_weight"),
            *scores,
        ]
        rows = tuple(
            (
                each.unit,
                each.status,
                *([each.shifted_status] if has_shifted else []),
                each.exact_ticks,
                f"{each.judged_ticks / each.weights:.1f}",
                *(_cell(getattr(each, part)) for part in parts),
            )
            for each in self.units
        )
        return Table("Units", tuple(columns), rows, noun="unit", notes=self.notes)

    def to_pandas(self) -> pandas.DataFrame:
        """Return a data frame with a row for each unit.

        Raises
        ------
        SpecError
            If pandas is not installed.
        """
        plain = ("unit", "status", "exact_ticks", "judged_ticks", "weights", "shifted_status")
        names = (*plain, *(f"{part}_{count}" for part in PARTS for count in COUNTS))
        rows = []
        for each in self.units:
            row: dict[str, object] = {name: getattr(each, name) for name in plain}
            for part in PARTS:
                row |= {f"{part}_{count}": getattr(getattr(each, part), count, None) for count in COUNTS}
            rows.append(row)
        return data_frame_of_rows(rows, names)

    def as_dict(self) -> dict[str, object]:
        """Return it as plain data."""
        ticks = {"training_ticks": self.training_ticks, "held_out_ticks": self.held_out_ticks}
        units = [each.as_dict() for each in self.units]
        return {**ticks, "units": units, "notes": list(self.notes), "ended_by_time": list(self.ended_by_time)}

    def _summary(self) -> str:
        return f"{len(self.exact)} of {counted(len(self.units), 'unit')} exact on {self.training_ticks} ticks"

    def _card(self) -> Card:
        is_good = len(self.exact) == len(self.units)
        return Card(GOOD if is_good else BAD if not self.exact else OPEN, table=self.table())


def _is_exact(status: str) -> bool:
    return status not in (INEXACT, INFEASIBLE, UNDECIDED, SILENT)


def _words(part: str) -> str:
    return part.replace("glm", "GLM").replace("_", " ").replace("held out", "held-out")


def _cell(score: OutputScore | None) -> str:
    return "" if score is None else f"{score.hits}, {score.misses}, {score.false_alarms}"
