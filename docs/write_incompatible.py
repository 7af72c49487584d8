"""Write ``docs/reference/incompatible.md``, which options exclude one another, from the options and the chips' ranges.

``python docs/write_incompatible.py`` writes the page; tests compare it with what this module makes, and try all pairs.
"""

from __future__ import annotations

from pathlib import Path

from snnprog.chips import CHIPS
from snnprog.chips.chip import Chip
from snnprog.spec.options import OPTIONS

PAGE = Path(__file__).with_name("reference") / "incompatible.md"

HEAD = """\
# Incompatible options

Any two [options of a spec](options.md) can be combined, in `compile`, in `explain`, or with
`on_infeasible="closest"`: {options}.
One changes its meaning beside others: weights of one bit are ±1, but may be 0 if few synapses are requested
(`sparse`, `fan_in`).

`robust` has limits of its own:

| `robust` with | what happens |
|---|---|
{robust}
A chip does not support:

| chip | not supported | because |
|---|---|---|
"""

ROBUST = (
    (
        "`weights=w`",
        "if only weight errors exclude every program, the proof tries all integers: if these are too many, the result"
        " is undecided",
    ),
    (
        "`sp.explain` with `recurrent=True`",
        "one infeasible output is named, and the others are undecided",
    ),
    (
        "`jitter` without exempt lines",
        "a program cannot tell that all of its input is late: a target spike is infeasible, unless a line that is"
        " exempt spikes in its pattern, or a bias is allowed",
    ),
    (
        "`hidden`",
        "a hidden neuron must have the same spikes under every perturbation, too; if none is found, the result is"
        " undecided",
    ),
    (
        "`window`, don't-care bins",
        "one choice of spikes serves all perturbations; if the first choice has no program, and no proof excludes all,"
        " the result is undecided",
    ),
    (
        "`weight_bits=1`; `recurrent=True` on xylo",
        "slower: perturbed inputs become whole patterns, not rows; weight errors are checked, and not designed for",
    ),
    (
        '`on_infeasible="closest"`',
        "the closest program is that of the patterns as they are; `report.robustness` has the verdict on it",
    ),
)
"""What `robust` does beside other options, and what happens then."""

RANGES = """
These are the ranges of each chip:

| chip | delays | `refractory` | `threshold` | `weight_bits` | `weight_limit` |
|---|---|---|---|---|---|
"""


def page() -> str:
    """Return the page."""
    options = ", ".join(f"`{option.name}`" for option in OPTIONS)
    robust = "".join(f"| {beside} | {result} |\n" for beside, result in ROBUST)
    lines = [
        HEAD.format(options=options, robust=robust),
        *(row for chip in CHIPS.values() for row in unsupported(chip)),
    ]
    lines += [RANGES, *map(ranges, CHIPS.values())]
    return "".join(lines)


def unsupported(chip: Chip) -> list[str]:
    """Return the rows on what one chip does not have."""
    found = []
    if chip.refractory[1] == 1:
        found.append(f"| {chip.name} | `refractory` above 1 | its neurons can spike at every tick |\n")
    if chip.delays[0] == chip.delays[1]:
        found.append(f"| {chip.name} | delays other than {chip.delays[0]} | its spikes all take equally long |\n")
    return found


def ranges(chip: Chip) -> str:
    """Return the row of one chip's ranges."""
    ends = (chip.delays, chip.refractory, chip.thresholds, (1, chip.weight_bits), (1, chip.weight_limit))
    cells = " | ".join(f"{low}" if low == high else f"{low} to {high}" for low, high in ends)
    return f"| {chip.name} | {cells} |\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
