"""Pages: one about a program, as a single HTML file, and one about a spec that cannot be built."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import snnprog as sp


def random_spec() -> sp.Spec:
    """Return 500 ticks of 50 input lines, and when each of 2 neurons must fire, and when not."""
    rng = np.random.default_rng(0)
    inputs = rng.random((500, 50)) < 0.04
    targets = rng.random((500, 2)) < 0.02
    targets[:20] = False  # nothing has arrived yet
    return sp.Spec([sp.Pattern(inputs, targets)], delays=range(1, 17))


def contradiction() -> sp.Spec:
    """Return a spec that asks for two answers to the same history."""
    inputs, targets = np.zeros((12, 2), dtype=bool), np.zeros((12, 1), dtype=bool)
    inputs[2, 0] = inputs[5, 1] = targets[7] = True
    return sp.Spec([sp.Pattern(inputs, targets), sp.Pattern(inputs, np.roll(targets, 1, axis=0))], delays=range(1, 5))


def main(folder: Path) -> None:
    """Write two pages into a folder and print their verdicts."""
    spec = random_spec()
    result = sp.compile(spec)
    for name, page in (
        ("program.html", sp.write_report(folder / "program.html", result.program, spec, title="p.snnp")),
        ("contradiction.html", sp.write_report(folder / "contradiction.html", contradiction(), title="SPEC.toml")),
    ):
        print(f"{name}: {page.headline.text}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
