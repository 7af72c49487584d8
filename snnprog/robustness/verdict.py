"""The result of a check under perturbations."""

from __future__ import annotations

from dataclasses import dataclass

from snnprog.arrays import Raster
from snnprog.calls import call_checked
from snnprog.display import pictures
from snnprog.display.card import BAD, GOOD, Card, Displayed, Picture
from snnprog.program import Program
from snnprog.robustness.perturbation import Perturbation
from snnprog.spec import Robust
from snnprog.wording import counted

HOLDS, VIOLATED, UNDECIDED = "holds", "violated", "undecided"


@dataclass(frozen=True, eq=False, repr=False)
class Violation(Displayed):
    """A perturbed input with which an output is wrong, as the reference simulator shows.

    Attributes
    ----------
    pattern, tick, output : int
        The first wrong bin.
    perturbation : Perturbation
        How the input spikes are changed.
    inputs : (ticks, inputs) bool
        The perturbed input.
    program : Program
        The program that was run: the given one, or one with an additional synapse for each weight that is changed.
    """

    pattern: int
    tick: int
    output: int
    perturbation: Perturbation
    inputs: Raster
    program: Program

    def _summary(self) -> str:
        return str(self)

    def __str__(self) -> str:
        """Return the violation in a sentence."""
        name, changes = self.program.output_label(self.output), self.perturbation.in_words(self.program.input_names)
        return f"{name} is wrong at tick {self.tick} of pattern {self.pattern} with {changes}"


@call_checked
@dataclass(frozen=True, repr=False)
class Robustness(Displayed):
    """Whether a program stays exact under every perturbation.

    Attributes
    ----------
    robust : Robust
        The perturbations.
    verdict : str
        "holds" (proved), "violated" (`violation` shows how) or "undecided".
    room : float
        How far the potential of each neuron stays on the right side of its threshold under every perturbation, as
        proved by rows, in weight LSBs; negative where rows do not prove it.
    rows : int
        Number of rows: ticks of a neuron at which the worst perturbation was calculated.
    runs : int
        Number of perturbed inputs that were run.
    violation : Violation or None
    reason : str
        Why it is undecided; otherwise empty.
    """

    robust: Robust
    verdict: str
    room: float
    rows: int
    runs: int = 0
    violation: Violation | None = None
    reason: str = ""

    @property
    def holds(self) -> bool:
        """Whether exactness under every perturbation is proved."""
        return self.verdict == HOLDS

    def __str__(self) -> str:
        """Return the verdict in a sentence."""
        if self.violation is not None:
            return f"violated under {self.robust}: {self.violation}"
        if self.holds:
            how = (
                f"{counted(self.rows, 'row')}, room {self.room:.4g}" if not self.runs else f"all {self.runs} inputs run"
            )
            return f"holds under {self.robust} ({how})"
        return f"undecided under {self.robust}: {self.reason}"

    def _summary(self) -> str:
        return str(self)

    def _card(self) -> Card:
        facts: list[tuple[str, object]] = [("rows", self.rows), ("inputs run", self.runs)]
        shown = []
        if self.violation is not None:
            svg = pictures.raster([(self.violation.inputs, pictures.INPUT)], label="perturbed input spikes", starts=[])
            shown = [Picture(svg, f"perturbed input of pattern {self.violation.pattern}")]
        return Card(GOOD if self.holds else BAD, facts=facts, pictures=shown)

    def to_data(self) -> dict[str, object]:
        """Return the result as plain data."""
        data: dict[str, object] = {
            "robust": self.robust.to_data(),
            "verdict": self.verdict,
            "room": round(self.room, 6),
            "rows": self.rows,
            "runs": self.runs,
            "reason": self.reason,
            "violation": None,
        }
        if self.violation is not None:
            place = {name: getattr(self.violation, name) for name in ("pattern", "tick", "output")}
            data["violation"] = place | {"perturbation": self.violation.perturbation.to_data()}
        return data
