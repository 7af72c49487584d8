"""The description of a difference: its place, arrived spikes and causes, as text and as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from snnprog.backends import REFERENCE
from snnprog.names import with_name

TARGET = "target"
SHOWN_ARRIVALS = 6
SHOWN_CAUSES = 4


@dataclass(frozen=True)
class Arrival:
    """A spike that reached a neuron.

    Attributes
    ----------
    source : str
        The line that it came from, as in "input 3" or "neuron 0".
    tick : int
        When that fired, in ticks of the pattern.
    synapse : int
        Over which of the program's synapses.
    delay : int
    weight : int
        What it adds by the program, exponent applied.
    spikes : int
        How often that fired there.
    """

    source: str
    tick: int
    synapse: int
    delay: int
    weight: int
    spikes: int = 1

    def __str__(self) -> str:
        often = "" if self.spikes == 1 else f"{self.spikes} spikes of "
        return f"{often}{self.source} of tick {self.tick} (synapse {self.synapse}, weight {self.weight})"


@dataclass(frozen=True)
class Cause:
    """A rule, other than the chip's, with the observed result.

    Attributes
    ----------
    backend : str
        Whose values it gives.
    aspect : str
        "rounding", "overflow", "delay", "compare", "count", "reset", "bias", "weight", "sign", "order", "start" or
        "record".
    name : str
        Short and stable, as in "potential decay floors".
    text : str
        What the backend does by it, as in "rounds the decay of the potential down, not toward zero".
    ticks : int
        For how many ticks from the difference on it gives everything that was recorded; 0 where it gives the neuron's
        values at the difference and no more.
    """

    backend: str
    aspect: str
    name: str
    text: str
    ticks: int


@dataclass(frozen=True)
class Diagnosis:
    """Why two runs differ.

    Attributes
    ----------
    tick, neuron, quantity, expected, found
        Where they differ first: with states recorded, which may be earlier than where spikes show it. The neuron is
        counted among all neurons.
    threshold : int
        The neuron's, in units of the potential.
    arrivals : tuple of Arrival
        The spikes that reached the neuron at that tick.
    reached : int
        The potential that the chip's rule gives there before the comparison.
    at_fault : tuple of str
        Which of the two runs do not follow the chip's rule there.
    causes : tuple of Cause
        The rules that give what was found; several where what was recorded does not distinguish them.
    rules_tried : int
        How many other rules were.
    note : str
        What else must be known, as a clause.
    is_equal_a_spike : bool
        Whether the chip fires where the potential just equals the threshold.
    label : str or None
        The name of the neuron, if it has one.
    """

    tick: int
    neuron: int
    quantity: str
    expected: int
    found: int
    threshold: int
    arrivals: tuple[Arrival, ...]
    reached: int
    at_fault: tuple[str, ...] = ()
    causes: tuple[Cause, ...] = ()
    rules_tried: int = 0
    note: str = ""
    is_equal_a_spike: bool = False
    label: str | None = None

    @property
    def name(self) -> str:
        """Which neuron, in words."""
        return with_name("neuron", self.neuron, self.label)

    @property
    def reasons(self) -> str:
        """The causes and the note, as clauses; empty without any."""
        notes = [self.note] if self.note else []
        return "; ".join(notes + _cause_clauses(self.causes, self.rules_tried, at_fault=self.at_fault))

    @property
    def scene(self) -> str:
        """A sentence about the input of the neuron at that tick."""
        shown = ", ".join(map(str, self.arrivals[:SHOWN_ARRIVALS])) or "nothing"
        more = len(self.arrivals) - SHOWN_ARRIVALS
        shown += f" and {more} more" if more > 0 else ""
        return (
            f"At tick {self.tick} {self.name} heard {shown};"
            f" by the rule the potential is {self.reached}, {self._distance}"
        )

    @property
    def _distance(self) -> str:
        if self.is_equal_a_spike:
            side = "below" if self.reached < self.threshold else "not below"
            return f"{side} the {self.threshold} that it must reach to spike"
        side = "above" if self.reached > self.threshold else "not above"
        return f"{side} the {self.threshold} that it must exceed to spike"


@dataclass(frozen=True)
class Divergence:
    """The first place where a backend differs from the target, or from another backend.

    Attributes
    ----------
    backend, against : str
        Who differs from whom: "target", "reference" or another backend.
    pattern, tick, neuron : int
        Where; for spikes and readouts the neuron is counted among outputs, for states among all neurons.
    quantity : str
        "spikes", "currents", "potentials" or "readout" (the potential of an output that is read by it).
    expected, found : int
        The two values.
    diagnosis : Diagnosis or None
        Why, where that was searched; no part of what makes two divergences equal.
    label : str or None
        The name of that neuron, if it has one; no part of it either.
    """

    backend: str
    against: str
    pattern: int
    tick: int
    quantity: str
    neuron: int
    expected: int
    found: int
    diagnosis: Diagnosis | None = field(default=None, compare=False)
    label: str | None = field(default=None, compare=False)

    @property
    def is_of_output(self) -> bool:
        """Whether the neuron is counted among outputs."""
        return self.quantity in ("spikes", "readout")

    @property
    def difference(self) -> str:
        """What was found and what was expected, without the place in time."""
        if self.quantity == "spikes":
            found = {0: "is silent", 1: "spikes"}.get(self.found, f"spikes {self.found} times")
            expected = {0: "silence", 1: "a spike"}.get(self.expected, f"{self.expected} spikes")
            return f"{self._name} {found}, expected {expected}"
        quantity = self.quantity.removesuffix("s")
        return f"{quantity} of {self._name} is {self.found}, expected {self.expected}"

    @property
    def _name(self) -> str:
        return with_name("output" if self.is_of_output else "neuron", self.neuron, self.label)

    def __str__(self) -> str:
        other = f"the {self.against}" if self.against in (TARGET, REFERENCE) else self.against
        place = (
            f"{self.backend} differs from {other} first at tick {self.tick} of pattern {self.pattern}:"
            f" {self.difference}"
        )
        if self.diagnosis is None:
            return place
        clauses = [clause for clause in (place, self._origin(), self.diagnosis.reasons) if clause]
        return f"{'; '.join(clauses)}. {self.diagnosis.scene}"

    def _origin(self) -> str:
        """Return the clause about states that differ before spikes do."""
        origin = self.diagnosis
        if origin is None or (origin.tick, origin.quantity) == (self.tick, self.quantity):
            return ""
        return (
            f"{origin.quantity} of {origin.name} part at tick {origin.tick} already, {origin.found} and not"
            f" {origin.expected}"
        )

    def as_dict(self) -> dict[str, object]:
        """Return all parts as plain data."""
        return asdict(self)


def _cause_clauses(causes: Sequence[Cause], tried: int, *, at_fault: Sequence[str]) -> list[str]:
    clauses = []
    for backend in at_fault:
        own = [cause for cause in causes if cause.backend == backend]
        texts = [cause.text for cause in own[:SHOWN_CAUSES]]
        if len(own) == 1:
            clauses.append(f"{backend} {texts[0]}, {_extent(own[0].ticks)}")
        elif own:
            more = f", or one of {len(own) - SHOWN_CAUSES} other rules" if len(own) > SHOWN_CAUSES else ""
            clauses.append(f"{backend} either {', or '.join(texts)}{more}, {_extent(own[0].ticks)}")
        elif tried:
            clauses.append(f"none of {tried} other rules gives what {backend} gave")
    return clauses


def _extent(ticks: int) -> str:
    if ticks == 0:
        return "which gives this neuron's values there, not all that follows"
    return f"which gives all that it recorded, for {ticks} tick{'s' if ticks > 1 else ''} from there"
