"""Proofs that no program is exact under every perturbation.

A proof about the patterns and a few perturbed ones is a proof about the specification once it names the perturbations.
Weight errors become perturbed patterns as well, in which all mantissas are changed downward or upward as far as is
allowed. In them, the effect of a spike is not linear in the mantissa, so `snnprog.check_proof` tries all integers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from snnprog.check_proof import fault_in
from snnprog.conflict import Conflict
from snnprog.design.proofs.referee import TimedClaim
from snnprog.errors import InfeasibleError, UndecidedError
from snnprog.proof import Exhausted
from snnprog.proof_document import proof_to_data
from snnprog.robustness.checking import RobustCheck
from snnprog.robustness.perturbation import Perturbation, perturbation_of
from snnprog.spec import Spec
from snnprog.spec.document import spec_to_data
from snnprog.wording import counted

MOST_RUNS = 30_000
"""How many runs of a pattern may try all integers of an output. A choice: some seconds."""

NAMED = 2
"""How many perturbed patterns a reason names. A choice: two fit into a line or two of a message."""


@dataclass(frozen=True)
class Perturbed:
    """A perturbed pattern: which one was perturbed, how, and in which direction its weights are changed, if at all."""

    pattern: int
    perturbation: Perturbation
    weights: int = 0

    def to_data(self) -> dict[str, object]:
        """Return it as plain data, as in a proof."""
        weights = {"weights": self.weights} if self.weights else {}
        return {"pattern": self.pattern, **self.perturbation.to_data(), **weights}


def with_perturbed(proof: Mapping[str, object], perturbed: Sequence[Perturbed]) -> dict[str, object]:
    """Return a proof that names its perturbed patterns."""
    return {**proof, "perturbed": [each.to_data() for each in perturbed]}


def named(conflict: Conflict, perturbed: Sequence[Perturbed], *, given: int) -> Conflict:
    """Return a conflict whose reason says how its perturbed patterns were made of the given ones."""
    numbers = {conflict.pattern, *(each.pattern for each in conflict.bins)}
    words = [
        f"pattern {pattern} is pattern {perturbed[pattern - given].pattern} with"
        f" {perturbed[pattern - given].perturbation}"
        for pattern in sorted(numbers)
        if pattern >= given
    ]
    reason = "; ".join([f"{conflict.reason}{', under perturbed inputs' if words else ''}", *words])
    return replace(conflict, reason=reason)


def late_patterns(spec: Spec) -> list[tuple[int, Perturbation]]:
    """Return for each output with spikes the shortest such pattern all of whose input may be one tick late."""
    robust = spec.robust
    if robust is None or not robust.jitter or spec.bias != 0:
        return []
    late: dict[int, Perturbation] = {}
    for output in range(spec.n_outputs):
        for index in sorted(range(len(spec.patterns)), key=lambda index: spec.patterns[index].ticks):
            pattern = spec.patterns[index]
            due = (pattern.targets & pattern.care)[:, output]
            if due.any() and not pattern.inputs[:, np.array(robust.exempt, np.int64)].any():
                places = [np.minimum(np.flatnonzero(line) + 1, pattern.ticks - 1) for line in pattern.inputs.T]
                late[index] = perturbation_of(pattern.inputs, places, np.empty((0, 2), np.int64))
                break
    return list(late.items())


class _BriefClaim(TimedClaim):
    """A claim whose proofs are checked as long as they take little work."""

    def pause(self) -> None:
        """Look at the work, and at the clock."""
        super().pause()
        if self.looks > MOST_RUNS:
            raise UndecidedError("all integers take too much work")


def refused_by_weights(spec: Spec, perturbed: Sequence[Perturbed], found: RobustCheck) -> InfeasibleError | None:
    """Return the refusal of a specification whose weights may change, if all its integers are soon tried.

    Parameters
    ----------
    spec : Spec
        With perturbations.
    perturbed : sequence of Perturbed
        Perturbed patterns that excluded programs so far.
    found : RobustCheck
        The check of the last program: the outputs that fail in it are tried.
    """
    robust = spec.robust
    if robust is None or not robust.weights or spec.hidden != 0:
        return None
    each = [*(Perturbed(index, Perturbation()) for index in range(len(spec.patterns))), *perturbed]
    changed = [replace(one, weights=direction) for one in each for direction in (-1, 1)]
    document = spec_to_data(spec)
    for row in found.worst_of_outputs:
        output = found.program.outputs.tolist().index(row.neuron.neuron)
        proof = with_perturbed(proof_to_data(Exhausted(output, ()), document), changed)
        with suppress(UndecidedError):
            if fault_in(_BriefClaim(document), proof) is None:  # type: ignore[no-untyped-call]
                changes = "; ".join(str(one.perturbation) for one in perturbed[:NAMED])
                reason = (
                    f"{spec.output_label(output)} cannot reproduce its target spikes under every change of its weights"
                    f" by {robust.weights:g} of themselves: all integers fail in one of"
                    f" {counted(len(changed), 'perturbed pattern')}{f', such as with {changes}' if changes else ''}"
                )
                return InfeasibleError([Conflict(output, row.pattern, row.tick, reason)], proof)
    return None
