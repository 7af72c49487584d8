"""The lowest versions that pyproject.toml allows are those that `make lowest` installs."""

from __future__ import annotations

import re
from pathlib import Path

import tomli

ROOT = Path(__file__).resolve().parents[1]
EXTRAS = ("files", "events", "plot", "onnx", "sklearn", "tables", "gym")


def parts(version: str) -> tuple[int, ...]:
    """Return the numbers of a version without the zeros at its end, as 9.12 is 9.12.0."""
    numbers = [int(number) for number in version.split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def lower_bounds() -> dict[str, str]:
    project = tomli.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    listed = [*project["dependencies"]]
    for extra in EXTRAS:
        listed += project["optional-dependencies"][extra]
    found = (re.match(r"([A-Za-z0-9_.-]+)>=([0-9.]+),<[0-9]+", each) for each in listed)
    bounds = {match[1]: match[2] for match in found if match is not None}
    assert len(bounds) == len({re.split(r"[>=<]", each)[0] for each in listed}), "every dependency has both bounds"
    return bounds


def test_the_lowest_versions_are_tested() -> None:
    lines = (ROOT / "constraints-lowest.txt").read_text(encoding="utf-8").splitlines()
    pinned = dict(line.partition(";")[0].split("==") for line in lines if not line.startswith("#"))
    bounds = lower_bounds()
    assert set(pinned) == set(bounds)
    for name, bound in bounds.items():
        lowest = parts(bound)
        assert parts(pinned[name])[: len(lowest)] == lowest, f"{name}: {pinned[name]} is pinned, {bound} is allowed"
