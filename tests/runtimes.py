"""Simulators with planted faults that stand where backends would, for the tests that look for what is different."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from planted import Changes, run_planted, with_fault

import snnprog as sp
from snnprog.backends import Run, run_backend
from snnprog.backends.execution import Record
from snnprog.divergence import Divergence
from snnprog.verification import compare_runs, explain_difference

Rasters = Sequence[NDArray[np.bool_]]


class Runtimes:
    """Simulators with faults, by name, which run in this process as if they were backends."""

    def __init__(self, simulator: str) -> None:
        self.simulator = simulator
        self.texts: dict[str, str] = {}
        self.has_states = True
        self.calls = 0

    def plant(self, changes: Changes, *, name: str = "planted") -> None:
        """Give a backend of that name to the simulator with these changes."""
        self.texts[name] = with_fault(changes, self.simulator)

    def run(
        self, program: sp.Program, inputs: Rasters, backend: str = "reference", record: Record = "spikes", **others: Any
    ) -> Run:
        if backend not in self.texts:
            return run_backend(program, inputs, backend, record)
        self.calls += 1
        if record == "state" and not self.has_states:
            raise sp.BackendError("this chip has no readback")
        return run_planted(self.texts[backend], program, inputs, state=record == "state")

    def differ(
        self,
        program: sp.Program,
        inputs: Rasters,
        changes: Changes,
        record: Record = "state",
        against: str = "reference",
    ) -> Divergence | None:
        """Plant a fault, and explain its first difference."""
        self.plant(changes)
        answer, other = (self.run(program, inputs, name, record) for name in ("planted", against))
        found = compare_runs("planted", answer, other, against=against)
        return (
            None
            if found is None
            else explain_difference(program, inputs, divergence=found, answer=answer, reference=other)
        )

    def are_equal(self, one: Changes, other: Changes, program: sp.Program, inputs: Rasters) -> bool:
        """Return whether two faults give the same in the last pattern, each planted by itself."""
        texts = [with_fault(changes, self.simulator) for changes in (one, other)]
        first, second = (run_planted(text, program, inputs, state=True).traces[-1] for text in texts)
        names = ("spikes", "currents", "potentials")
        return all(np.array_equal(getattr(first, name), getattr(second, name)) for name in names)
