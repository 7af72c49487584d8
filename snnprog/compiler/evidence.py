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

from snnprog.arrays import Raster
from snnprog.names import Names, labelled, name_of, numbered
from snnprog.spec import Pattern, Spec
from snnprog.wording import in_words

LEAST_PER_SYNAPSE = 0.1
"""Events for each synapse below which unseen spikes are likely to be wrong: dense programs had 91 wrong bins for each
100 due spikes below it, and 4 from it to 0.3 (``benchmarks/overfitting.py``)."""

LEAST_EVENTS = 2
"""Events of an output below which they are, however few its synapses: sparse programs had more than 100 wrong bins for
each 100 due spikes with none or one, and 0 with more (the same benchmark)."""

SHOWN_OUTPUTS = 4
"""Outputs that the sentence names, the first ones: so many fit on a line. A choice."""

SPARSE_MEASURED = "in a benchmark, 594 to 706 of 14,400 unseen bins were wrong without it, and 0 with it"
"""Eight specs of 18 lines and four outputs, with 6 or 8 patterns of 60 ticks: dense programs had 1,421 to 1,430
synapses, sparse ones 16 (``benchmarks/overfitting.py``; docs/reference/options.md has the command)."""


@dataclass(frozen=True)
class Evidence:
    """The samples of one output, and its synapses.

    Attributes
    ----------
    output : int
    synapses : int
    events : int
        Target spikes that count, or silent bins that count and at which spikes arrive, whichever are fewer.
    kind : str
        What the events are, for sentences: "target spike", or "silent bin".
    """

    output: int
    synapses: int
    events: int
    kind: str = "target spike"

    @property
    def per_synapse(self) -> float:
        """Events for each synapse; those of an output without synapses count for one."""
        return self.events / max(self.synapses, 1)

    @property
    def is_little(self) -> bool:
        """Whether the output is likely to be wrong on other samples."""
        return self.per_synapse < LEAST_PER_SYNAPSE or self.events < LEAST_EVENTS


def all_evidence(spec: Spec, synapses: Sequence[int]) -> tuple[Evidence, ...]:
    """Return the evidence for each output; none where the spec is known to hold for every input stream."""
    return () if spec.automaton is not None else evidence_of(spec, synapses)


def evidence_of(spec: Spec, synapses: Sequence[int]) -> tuple[Evidence, ...]:
    """Return the evidence for each output, with these numbers of synapses."""
    spikes, silences = (spec.targets & spec.care).sum(axis=0), np.zeros(spec.n_outputs, np.int64)
    for pattern in spec.patterns:
        silences += (_arrives(spec, pattern)[:, None] & pattern.care & ~pattern.targets).sum(axis=0)
    found = zip(synapses, spikes.tolist(), silences.tolist(), strict=True)
    return tuple(
        Evidence(output, size, min(due, silent), "target spike" if due <= silent else "silent bin")
        for output, (size, due, silent) in enumerate(found)
    )


def _arrives(spec: Spec, pattern: Pattern) -> Raster:
    """Return at which ticks (ticks,) of a pattern spikes arrive."""
    heard = [pattern.inputs, pattern.targets] if spec.recurrent else [pattern.inputs]
    sent = np.flatnonzero(np.concatenate(heard, axis=1).any(axis=1))
    arrives = np.zeros(pattern.ticks + max(spec.delays), np.bool_)
    for delay in spec.delays:
        arrives[sent + delay] = True
    return arrives[: pattern.ticks]


def warning_of(evidence: Sequence[Evidence], *, is_sparse: bool, names: Names | None = None) -> str:
    """Return a sentence about the outputs with little evidence, and what to do; empty if there are none."""
    little = [each for each in evidence if each.is_little]
    if not little:
        return ""
    who = _listed([each.output for each in little], names)
    have, their = ("have", "their") if len(little) > 1 else ("has", "its")
    kinds = sorted({each.kind for each in little}, reverse=True)
    events = _span([each.events for each in little], kinds)
    synapses = _span([each.synapses for each in little], ["synapse"])
    cures = ["give more patterns"] if min(each.events for each in little) < LEAST_EVENTS else []
    cures += [] if is_sparse else [f"take sparse=True, which keeps few synapses ({SPARSE_MEASURED})"]
    return (
        f"{who} {have} {synapses} for {events} in all patterns: {their} spikes on other inputs are likely to be wrong;"
        f" {', or '.join(cures or ['give more patterns'])}"
    )


def _listed(outputs: Sequence[int], names: Names | None) -> str:
    """Return outputs by number and name, and how many more there are."""
    if len(outputs) == 1:
        return labelled("output", outputs[0], names)
    shown = [numbered(each, name_of(each, names)) for each in outputs[:SHOWN_OUTPUTS]]
    more = len(outputs) - len(shown)
    return f"outputs {in_words([*shown, *([f'{more} more'] if more else [])])}"


def _span(values: Sequence[int], nouns: Sequence[str]) -> str:
    low, high = min(values), max(values)
    numbers = f"{low}" if low == high else f"{low} to {high}"
    return f"{numbers} {' or '.join(noun if high == 1 else f'{noun}s' for noun in nouns)}"
