"""A variation: a run of a program with another rule, other numbers, another start or another record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from snnprog.divergence.replay import Model
from snnprog.rules.rule import POTENTIAL, SPIKES, Rule

REST, STATE, SPIKES_ONLY, EVERYTHING = "rest", "state", "spikes", "everything"


@dataclass(frozen=True, eq=False)
class Variation:
    """One way in which a runtime may differ from the chip.

    Attributes
    ----------
    aspect, name, text : str
        As in `snnprog.divergence.Cause`.
    model : Model
    start : str
        What a pattern keeps from the one before: nothing ("rest"), "state", "spikes" in progress, or "everything".
    shows_compared : bool
        Whether the potential is recorded before the reset.
    state_lag, spike_lag : int
        How many ticks late states and spikes are recorded.
    """

    aspect: str
    name: str
    text: str
    model: Model
    start: str = REST
    shows_compared: bool = False
    state_lag: int = 0
    spike_lag: int = 0

    @property
    def effect(self) -> tuple[object, ...]:
        """The key of equal variations."""
        record = (self.start, self.shows_compared, self.state_lag, self.spike_lag)
        return (self.model.rule, *self.model.numbers, *record)


def starts(model: Model) -> Iterator[Variation]:
    """Yield the variations of the state at the start of a pattern."""
    texts = {
        STATE: "keeps currents and potentials of the pattern before",
        SPIKES_ONLY: "delivers spikes that were in progress when the pattern before ended",
        EVERYTHING: "continues where the pattern before ended",
    }
    for what, text in texts.items():
        yield Variation("start", f"{what} kept", text, model, start=what)


def records(model: Model) -> Iterator[Variation]:
    """Yield the variations of the recorded values, and of their time."""
    own = Variation("record", "", "", model)
    if resets_potential(model.rule):
        text = "records the potential before the reset"
        yield replace(own, name="potential before reset", text=text, shows_compared=True)
    for lag, when in ((1, "one tick late"), (-1, "one tick early")):
        yield replace(own, name=f"states {when}", text=f"records states {when}", state_lag=lag)
        yield replace(own, name=f"spikes {when}", text=f"records spikes {when}", spike_lag=lag)


def resets_potential(rule: Rule) -> bool:
    """Return whether a rule changes the potential after it was compared with the threshold."""
    targets = [step.target for step in rule.steps]
    return POTENTIAL in targets[targets.index(SPIKES) :]
