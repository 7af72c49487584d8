"""Checks of parts of a proof during its construction, by the stand-alone checker."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, lru_cache

from snnprog.check_proof import Case, Claim, fault_in, fault_of_leaf, first_spike
from snnprog.proof import Farkas, Leaf, Node
from snnprog.proof_document import node_to_data, proof_to_data, row_to_data
from snnprog.solver import check_time
from snnprog.spec import Spec
from snnprog.spec.document import spec_to_data

Step = tuple[Node, int]
"""A split on the way to a node, and which of its cases: 0 or 1."""


LOOKS = 256
"""Ticks that are checked between two looks at the clock: some milliseconds."""


class TimedClaim(Claim):
    """A claim whose proofs are checked as long as the time allows."""

    looks = 0

    def pause(self) -> None:
        """Look at the clock now and then."""
        self.looks += 1
        if self.looks % LOOKS == 0:
            check_time()


class Referee:
    """Checks proofs about one spec.

    Parameters
    ----------
    spec : Spec
    """

    def __init__(self, spec: Spec) -> None:
        self.spec = spec

    def __getstate__(self) -> dict[str, object]:
        """Return the picklable state: another process reads the claim again."""
        return {"spec": self.spec}

    @cached_property
    def document(self) -> dict[str, object]:
        """The document of the spec."""
        return spec_to_data(self.spec)

    @cached_property
    def claim(self) -> Claim:
        """The document as the checker reads it."""
        claim: Claim = TimedClaim(self.document)  # type: ignore[no-untyped-call]
        return claim

    def refutes(self, leaf: Leaf, path: Sequence[Step] = ()) -> bool:
        """Return whether a leaf contradicts the assumptions on its path."""
        steps = [(node_to_data(split), side) for split, side in path]
        data = node_to_data(leaf)
        if isinstance(leaf, Farkas):  # with its prices as integers, of any length
            data["rows"] = [{**row_to_data(row), "price": row.price} for row in leaf.rows]
        return fault_of_leaf(Case(self.claim, steps), data) is None

    def fault(self, proof: Node) -> str | None:
        """Return why a whole proof does not hold; None if it does.

        Raises
        ------
        UndecidedError
            If the time allowed runs out.
        """
        found: str | None = fault_in(self.claim, proof_to_data(proof, self.document))
        return found


@lru_cache(maxsize=8)
def first_known(spec: Spec) -> tuple[int, ...]:
    """Return for each pattern the first tick at which a hidden neuron's spike can arrive, as in the checker."""
    claim, delay = Claim(spec_to_data(spec)), min(spec.delays)
    return tuple(first_spike(claim, pattern) + delay for pattern in range(len(spec.patterns)))
