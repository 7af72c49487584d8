"""How much evidence the samples of a spec give for the synapses of an output.

A program is exact on its spec, and nothing is promised beyond it. With many synapses and few samples, many weights
are exact, and those that were found are hardly those of the rule behind the samples. The measure is that of regression:
events of the rarer kind for each variable (Peduzzi et al., J. Clin. Epidemiol. 49 (1996) 1373). Here events are the
target spikes, or if those are rarer, the silent bins at which spikes arrive, and variables are synapses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from snnprog.spec import Spec
from snnprog.wording import counted

LEAST_EVENTS = 1.0
"""Events for each synapse below which a program is likely to be wrong on other samples. Measured by
``benchmarks/overfitting.py``."""


@dataclass(frozen=True)
class Evidence:
    """The samples of one output, and its synapses.

    Attributes
    ----------
    output : int
    synapses : int
    events : int
        Target spikes that count, or silent bins that count and at which spikes arrive, whichever are fewer.
    """

    output: int
    synapses: int
    events: int

    @property
    def per_synapse(self) -> float:
        """Events for each synapse; those of an output without synapses count for one."""
        return self.events / max(self.synapses, 1)

    @property
    def is_little(self) -> bool:
        """Whether the output is likely to be wrong on other samples."""
        return self.per_synapse < LEAST_EVENTS


def evidence_of(spec: Spec, output: int, *, synapses: int) -> Evidence:
    """Return the evidence for an output with a number of synapses."""
    spikes = silent = 0
    for pattern in spec.patterns:
        sent = pattern.inputs.any(axis=1)
        if spec.recurrent:
            sent = sent | pattern.targets.any(axis=1)
        arrives = np.zeros(len(sent), np.bool_)
        for delay in spec.delays:
            arrives[delay:] |= sent[: max(0, len(sent) - delay)]
        due = pattern.targets[:, output] & pattern.care[:, output]
        spikes += int(due.sum())
        silent += int((arrives & pattern.care[:, output] & ~due).sum())
    return Evidence(output, synapses, min(spikes, silent))


def all_evidence(spec: Spec, synapses: Sequence[int]) -> tuple[Evidence, ...]:
    """Return the evidence for each output; none where the spec is known to hold for every input stream."""
    if spec.automaton is not None:
        return ()
    return tuple(evidence_of(spec, output, synapses=count) for output, count in enumerate(synapses))


def warning_of(evidence: Sequence[Evidence], *, is_sparse: bool) -> str:
    """Return a sentence about the outputs with little evidence, and what to do; empty if there are none."""
    little = [each for each in evidence if each.is_little]
    if not little:
        return ""
    who = counted(len(little), "output") if len(little) > 1 else f"output {little[0].output}"
    have, their = ("have", "their") if len(little) > 1 else ("has", "its")
    events, synapses = (_span([getattr(each, name) for each in little]) for name in ("events", "synapses"))
    cure = "give more patterns" if is_sparse else "sparse=True keeps few synapses, and is wrong far less often"
    return (
        f"{who} {have} {synapses} synapses for {events} target spikes, so {their} spikes on other inputs are likely to"
        f" be wrong; {cure}"
    )


def _span(values: Sequence[int]) -> str:
    low, high = min(values), max(values)
    return str(low) if low == high else f"{low} to {high}"
