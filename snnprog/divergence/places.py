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
        The line that it came from, such as "input 3" or "neuron 0".
    tick : int
        The tick of the pattern in which the line spiked.
    synapse : int
        Index of the synapse in the program.
    delay : int
    weight : int
        The program's weight, with its exponent applied.
    spikes : int
        How often the line spiked in that tick.
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
        The backend whose values it gives.
    aspect : str
        "rounding", "overflow", "delay", "compare", "count", "reset", "bias", "weight", "sign", "order", "start" or
        "record".
    name : str
        Short and stable, such as "potential decay floors".
    text : str
        What the backend then does, such as "rounds the decay of the potential down, not toward zero".
    ticks : int
        Number of ticks, from the difference on, for which it gives everything that was recorded; 0 if it only gives the
        neuron's values at the difference.
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
        The first difference. With recorded states, it may be earlier than the first wrong spike. The neuron is counted
        among all neurons.
    threshold : int
        The threshold of the neuron, in units of the potential.
    arrivals : tuple of Arrival
        The spikes that reached the neuron at that tick.
    reached : int
        The potential by the chip's rule, before the comparison with the threshold.
    at_fault : tuple of str
        The runs that do not follow the chip's rule there.
    causes : tuple of Cause
        The rules that give the value found; several if the recorded values do not distinguish them.
    rules_tried : int
        How many other rules were tried.
    note : str
        A further remark, as a clause.
    is_equal_a_spike : bool
        Whether the chip's neurons spike if the potential equals the threshold.
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
            f" the rule gives a potential of {self.reached}, and a spike needs {self._needed}"
        )

    @property
    def _needed(self) -> str:
        return f"{self.threshold} or more" if self.is_equal_a_spike else f"more than {self.threshold}"


@dataclass(frozen=True)
class Divergence:
    """The first place where a backend differs from the target, or from another backend.

    Attributes
    ----------
    backend, against : str
        The backend that differs, and what it is compared with: "target", "reference" or another backend.
    pattern, tick, neuron : int
        The place. For spikes and readouts, the neuron is counted among the outputs; for states, among all neurons.
    quantity : str
        "spikes", "currents", "potentials" or "readout" (the potential of an output that is read by it).
    expected, found : int
        The two values.
    diagnosis : Diagnosis or None
        The reason, if it was searched. It does not count when two divergences are compared.
    label : str or None
        The name of that neuron, if it has one; it does not count either.
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

    @property
    def sides(self) -> str:
        """Which run differs from which, in words, as in "kernel differs from the target"."""
        other = f"the {self.against}" if self.against in (TARGET, REFERENCE) else self.against
        return f"{self.backend} differs from {other}"

    def __str__(self) -> str:
        place = f"{self.sides} first at tick {self.tick} of pattern {self.pattern}: {self.difference}"
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
