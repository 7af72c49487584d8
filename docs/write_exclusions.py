"""Write ``docs/exclusions.md``: that all options of a spec go together, and the ranges that each chip has.

``python docs/write_exclusions.py`` writes the page; a test compares it with what this module makes.
"""

from __future__ import annotations

from pathlib import Path

from snnprog.chips import CHIPS

PAGE = Path(__file__).with_name("exclusions.md")

HEAD = """\
# Options that exclude one another

There are none: all [options of a spec](options.md) can be combined on every chip, in `compile` and in `explain`, also
with `on_infeasible="closest"`. What cannot be built is told by a proof. Chips have these ranges, whatever else is asked
for:
"""


def page() -> str:
    """Return the page."""
    lines = [HEAD, "| chip | delays | `refractory` | `threshold` | `weight_bits` | `weight_limit` |"]
    lines.append("|---|---|---|---|---|---|")
    for chip in CHIPS.values():
        ranges = (chip.delays, chip.refractory, chip.thresholds, (1, chip.weight_bits), (1, chip.weight_limit))
        told = " | ".join(f"{low}" if low == high else f"{low} to {high}" for low, high in ranges)
        lines.append(f"| {chip.name} | {told} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
