"""The table of the runtimes that programs run on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.text import Text

from snnprog.chips import CHIPS
from snnprog.report.tables import print_table


def print_backends(console: Console, backends: Sequence[Mapping[str, object]]) -> None:
    """Print which backends there are, what they run, and of those that are not ready what to do."""
    rows = [
        [each["name"], each["state"], _chips(each["semantics"]), each["summary"], each["lacks"]] for each in backends
    ]
    print_table(console, "Backends", ("name", "state", "chips", "what runs", "lacks"), rows)
    for each in backends:
        if each["to_do"]:
            console.print(Text(f"{each['name']}: {each['to_do']}"))


def _chips(rules: object) -> str:
    """Return the names of the chips that a list of rules is meant by."""
    named = [chip.name for chip in CHIPS.values() if isinstance(rules, list) and chip.rule.name in rules]
    return ", ".join(named)
