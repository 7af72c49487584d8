"""The table of backends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from snnprog.backends.folder import ANY_RULE
from snnprog.chips import CHIPS
from snnprog.table import Cell, Column, Table

COLUMNS = (
    Column("name", "name"),
    Column("state", "state"),
    Column("chips", "semantics"),
    Column("what runs", "summary"),
    Column("lacks", "lacks"),
    Column(None, "ready"),
    Column(None, "to_do"),
    Column(None, "python"),
    Column(None, "gaps"),
)


def backends_table(backends: Sequence[Mapping[str, object]]) -> Table:
    """Return the backends, their chips, and the commands to install missing ones.

    Parameters
    ----------
    backends : sequence of mapping
        By the keys of the columns.
    """
    rows = tuple(
        tuple(_cell(column.key, each[column.key]) for column in COLUMNS if column.key is not None) for each in backends
    )
    to_do = tuple(f"{each['name']}: {each['to_do']}" for each in backends if each["to_do"])
    return Table("Backends", COLUMNS, rows, noun="backend", notes=to_do)


def _cell(key: str, value: object) -> object:
    return Cell(value, _chips(value)) if key == "semantics" else value


def _chips(rules: object) -> str:
    """Return the names of the chips of a list of rules; "any" for all."""
    if rules == [ANY_RULE]:
        return ANY_RULE
    return ", ".join(chip.name for chip in CHIPS.values() if isinstance(rules, list) and chip.rule.name in rules)
