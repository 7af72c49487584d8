"""The identity of a core, or of a set of cores: the image of a program fits only one."""

from __future__ import annotations

import hashlib
import json

from snnprog.emit.hardware.plan import CorePlan, Field
from snnprog.emit.hardware.protocol import IDENTITY_BYTES


def identity_of(plan: CorePlan) -> bytes:
    """Return 8 bytes: a digest of a core's rule, of its size, and of the layout of its memories."""
    rule, size = plan.chip.rule, plan.size
    several = [size.cores] if size.cores > 1 else []
    fields = {"synapse": plan.synapse, "parameters": plan.parameters, "states": plan.states}
    facts = {
        "rule": [rule.name, *(f"{step.target} = {step.expression}" for step in (rule.gather, *rule.steps))],
        "size": [size.neurons, size.inputs, size.synapses, size.longest_delay, size.most_arriving, *several],
        "fields": {name: {each: _place(field) for each, field in group.items()} for name, group in fields.items()},
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode("ascii")).digest()[:IDENTITY_BYTES]


def _place(field: Field) -> list[int]:
    return [field.word, field.first, field.shape.width, int(field.shape.signed)]
