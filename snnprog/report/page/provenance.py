"""What a program file states about its own neurons.

A file may come from anyone, so each entry is read as a text or a number and nothing more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from snnprog.program import Program
from snnprog.report.statuses import UNKNOWN
from snnprog.table import text_of


@dataclass(frozen=True)
class NeuronRecord:
    """What the compiler recorded about one neuron when it wrote the file."""

    status: str = UNKNOWN
    margin: float | None = None
    portable_for: str = ""


def neuron_records(program: Program) -> tuple[NeuronRecord, ...]:
    """Return the record of each row's neuron: outputs, then hidden neurons."""
    outputs = _entries(program.provenance.get("neurons"), program.n_outputs)
    return (*outputs, *_entries(program.provenance.get("hidden"), program.n_neurons - program.n_outputs))


def _entries(value: object, count: int) -> list[NeuronRecord]:
    entries = value if isinstance(value, list) and len(value) == count else [None] * count
    return [_record_of(entry) for entry in entries]


def _record_of(entry: object) -> NeuronRecord:
    if not isinstance(entry, Mapping):
        return NeuronRecord()
    margin = entry.get("margin")
    return NeuronRecord(
        status=text_of(entry.get("status", UNKNOWN)),
        margin=margin if isinstance(margin, float) else None,
        portable_for=text_of(entry.get("portable_for", "")),
    )


def versions_of(program: Program) -> str:
    """Return the tools and versions that the file says it was compiled with."""
    versions = program.provenance.get("versions")
    if not isinstance(versions, Mapping):
        return UNKNOWN
    return ", ".join(f"{text_of(name)} {text_of(version)}" for name, version in versions.items())
