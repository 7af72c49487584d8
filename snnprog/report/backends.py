"""The table of backends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from snnprog.backends.folder import ANY_RULE
from snnprog.chips import CHIPS, RULES
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
    """Return the names of the built-in chips of a list of rules, then the rules of other chips; "any" for all."""
    if not isinstance(rules, list) or rules == [ANY_RULE]:
        return ANY_RULE if rules == [ANY_RULE] else ""
    named = [chip.name for chip in CHIPS.values() if chip.rule.name in rules]
    return ", ".join([*named, *(f"rule {rule}" for rule in rules if rule not in RULES)])
