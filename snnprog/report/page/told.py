"""What a program file says of itself. It may be anyone's, so nothing is taken for more than a text or a number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from snnprog.program import Program
from snnprog.report.statuses import UNKNOWN
from snnprog.table import text_of


@dataclass(frozen=True)
class Told:
    """What the compiler said of one neuron when it wrote the file."""

    status: str = UNKNOWN
    margin: float | None = None
    portable_for: str = ""


def told_of_rows(program: Program) -> tuple[Told, ...]:
    """Return what the file says of each row's neuron: outputs, then hidden ones."""
    outputs = _entries(program.provenance.get("neurons"), program.n_outputs)
    return (*outputs, *_entries(program.provenance.get("hidden"), program.n_neurons - program.n_outputs))


def _entries(value: object, count: int) -> list[Told]:
    entries = value if isinstance(value, list) and len(value) == count else [None] * count
    return [_told(entry) for entry in entries]


def _told(entry: object) -> Told:
    if not isinstance(entry, Mapping):
        return Told()
    margin = entry.get("margin")
    return Told(
        status=text_of(entry.get("status", UNKNOWN)),
        margin=margin if isinstance(margin, float) else None,
        portable_for=text_of(entry.get("portable_for", "")),
    )


def versions_of(program: Program) -> str:
    """Return what the file says it was made with."""
    versions = program.provenance.get("versions")
    if not isinstance(versions, Mapping):
        return UNKNOWN
    return ", ".join(f"{text_of(name)} {text_of(version)}" for name, version in versions.items())
