"""Write ``docs/exclusions.md``, which options of a spec cannot be asked for together, from the list that is checked.

``python docs/write_exclusions.py`` writes the page; a test compares it with what this module makes.
"""

from __future__ import annotations

from pathlib import Path

from snnprog.chips import CHIPS
from snnprog.spec.exclusions import EXCLUSIONS

PAGE = Path(__file__).with_name("exclusions.md")

HEAD = """\
# Options that exclude one another

All [options of a spec](options.md) can be combined, in `compile` and in `explain`, also with
`on_infeasible="closest"`. `Spec` refuses only these pairs:
"""

RANGES = """\
Chips have these ranges, whatever else is asked for:
"""


def page() -> str:
    """Return the page."""
    lines = [HEAD, "| option | excludes | because |", "|---|---|---|"]
    for exclusion in EXCLUSIONS:
        other = f"`{exclusion.other}`" if exclusion.is_of_chip is None else exclusion.other
        lines.append(f"| `{exclusion.option}` | {other} | {exclusion.reason} |")
    lines += ["", RANGES, "| chip | delays | `refractory` | `threshold` | `weight_bits` | `weight_limit` |"]
    lines.append("|---|---|---|---|---|---|")
    for chip in CHIPS.values():
        ranges = (chip.delays, chip.refractory, chip.thresholds, (1, chip.weight_bits), (1, chip.weight_limit))
        told = " | ".join(f"{low}" if low == high else f"{low} to {high}" for low, high in ranges)
        lines.append(f"| {chip.name} | {told} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
