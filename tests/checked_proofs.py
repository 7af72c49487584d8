"""Whether the stand-alone checker accepts the proofs of a design."""

from __future__ import annotations

import json
from dataclasses import replace

import snnprog as sp
from snnprog.check_proof import check
from snnprog.design import Design
from snnprog.proof import Node
from snnprog.proof_document import proof_from_data, proof_to_data
from snnprog.spec.document import spec_to_data


def fault(spec: sp.Spec, proof: Node) -> str | None:
    """Return why a proof does not hold for a spec, after both have been JSON; None if it holds."""
    document = spec_to_data(spec)
    data = json.loads(json.dumps(proof_to_data(proof, document)))
    assert proof_from_data(data) == proof
    found: str | None = check(json.loads(json.dumps(document)), data)
    return found


def are_proved(spec: sp.Spec, designed: Design) -> tuple[bool, ...]:
    """Tell for each output whether it has no conflicts, or a proof that holds without hidden neurons."""
    alone = replace(spec, hidden=0)
    return tuple(
        not outcome.conflicts if outcome.proof is None else fault(alone, outcome.proof) is None
        for outcome in designed.outcomes
    )
