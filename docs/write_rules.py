"""Write ``docs/reference/rules.md``, the rules of the chips that are built in, from the rules themselves.

``python docs/write_rules.py`` writes the page; a test compares it with what this module makes.
"""

from __future__ import annotations

from pathlib import Path

from snnprog.chips import CHIPS
from snnprog.rules.equations import equations, notes
from snnprog.rules.rule import Rule

PAGE = Path(__file__).with_name("reference") / "rules.md"

HEAD = """\
# Integer rules

What a chip's integers do in one tick. Each rule is one value in [`snnprog/rules`](../how-to/chips.md): the simulators
run it, and the compiler's linear programs and proofs and the equations on this page are made from it.

In each tick, *gather* runs once for every spike that arrives, then the other steps run in order. A name always stands
for its latest value. Registers keep their values from tick to tick and start at 0.
"""


def page() -> str:
    """Return the page."""
    rules: dict[Rule, list[str]] = {}
    for chip in CHIPS.values():
        rules.setdefault(chip.rule, []).append(chip.name)
    return "\n".join([HEAD, *(section(rule, names) for rule, names in rules.items())])


def section(rule: Rule, chips: list[str]) -> str:
    """Return the section on one rule."""
    lines = [f"## {' and '.join(chips)}", "", f"The rule `{rule.name}`.", ""]
    lines += [f"Registers: {', '.join(name.replace('_', ' ') for name in rule.registers)}.", ""]
    lines += ["| parameter | from | to |", "|---|---|---|"]
    lines += [f"| {each.name.replace('_', ' ')} | {each.low} | {each.high} |" for each in rule.parameters]
    for constant in rule.constants:
        lines += ["", f"{constant.name}: {constant.hidden} for hidden neurons, {constant.readout} for those read out."]
    for name, latex in equations(rule):
        lines += ["", f"**{name}**", "", f"$${latex}$$"]
    lines += ["", "In these equations:", ""]
    lines += [f"- *{name}* {meaning}" for name, meaning in notes(rule)]
    watched = [f"{watch.step} below {watch.limit} in magnitude" for watch in rule.watched]
    lines += ["", f"All runtimes of the chip agree where these values stay in range: {', '.join(watched)}.", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
