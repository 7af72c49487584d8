"""A program as it comes out of the steps, before it is judged: what it does, and what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass

from snnprog.conflict import Conflict
from snnprog.design import Design
from snnprog.design.neuron import NeuronDesign, soonest_checked
from snnprog.integers import INEXACT, NeuronReport
from snnprog.judgement import WrongBin
from snnprog.program import Program
from snnprog.proof import Node
from snnprog.trace import Trace


@dataclass(frozen=True, eq=False)
class Built:
    """A program for one design, its neurons' reports, what it does, which bins are wrong, and what is refused."""

    design: Design
    program: Program
    neurons: tuple[NeuronReport, ...]
    traces: tuple[Trace, ...]
    wrong: list[WrongBin]
    refused: tuple[NeuronDesign, ...]
    out_of_time: tuple[int, ...]

    @property
    def conflicts(self) -> tuple[Conflict, ...]:
        """Why outputs of which real weights exist can have no integers, proved."""
        return tuple(conflict for outcome in self.refused for conflict in outcome.conflicts)

    @property
    def proof(self) -> Node | None:
        """The proof of one of these conflicts: of several, the one that is soonest checked."""
        return soonest_checked(self.refused)

    @property
    def inexact(self) -> list[int]:
        """Outputs whose integers do not do what they were designed for."""
        return [neuron.output for neuron in self.neurons if neuron.status == INEXACT and not neuron.is_hidden]

    @property
    def overrunning(self) -> list[int]:
        """Outputs of which a state leaves the range on which all runtimes agree; nothing if none does."""
        found = {neuron.output for neuron in self.neurons if neuron.excursion is not None}
        found |= {trace.excursion.neuron for trace in self.traces if trace.excursion is not None}
        return sorted(found & set(range(self.design.spec.n_outputs)))

    @property
    def failing(self) -> list[int]:
        """Outputs that are inexact, overrunning or fragile."""
        fragile = {neuron.output for neuron in self.fragile if not neuron.is_hidden}
        return sorted({*self.inexact, *self.overrunning, *fragile})

    @property
    def flawed(self) -> list[int]:
        """Outputs that are failing, or do something wrong."""
        return sorted({*self.failing, *(found.output for found in self.wrong)})

    @property
    def fragile(self) -> list[NeuronReport]:
        """Neurons that survive less noise than is asked for."""
        asked = self.design.spec.noise
        return [neuron for neuron in self.neurons if neuron.noise is not None and neuron.noise < asked]
