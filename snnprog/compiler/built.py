"""A program as built by the steps, with its spikes and errors, before it is accepted or refused."""

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
    """A program for one design with its neurons' reports, its traces, wrong bins and refusals."""

    design: Design
    program: Program
    neurons: tuple[NeuronReport, ...]
    traces: tuple[Trace, ...]
    wrong: list[WrongBin]
    refused: tuple[NeuronDesign, ...]
    out_of_time: tuple[int, ...]

    @property
    def conflicts(self) -> tuple[Conflict, ...]:
        """Proved conflicts of outputs that have real weights but no integers."""
        return tuple(conflict for outcome in self.refused for conflict in outcome.conflicts)

    @property
    def proof(self) -> Node | None:
        """The proof of one of these conflicts: of several, the fastest to check."""
        return soonest_checked(self.refused)

    @property
    def inexact(self) -> list[int]:
        """Outputs whose integers do not produce the designed spikes."""
        return [neuron.output for neuron in self.neurons if neuron.status == INEXACT and not neuron.is_hidden]

    @property
    def overrunning(self) -> list[int]:
        """Outputs with a state that leaves the range in which all runtimes agree; empty if there are none."""
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
        """Outputs that fail or have wrong bins."""
        return sorted({*self.failing, *(found.output for found in self.wrong)})

    @property
    def fragile(self) -> list[NeuronReport]:
        """Neurons that tolerate less noise than the spec requires."""
        required = self.design.spec.noise
        return [neuron for neuron in self.neurons if neuron.noise is not None and neuron.noise < required]
