"""Specs with perturbations as files, for tests of the command line."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import snnprog as sp


def write_spec(folder: Path, spec: sp.Spec) -> Path:
    """Write the patterns, the delays and the perturbations of a spec; return the SPEC.toml."""
    sp.write_rasters(folder / "inputs.npz", [pattern.inputs for pattern in spec.patterns])
    sp.write_rasters(folder / "targets.npz", [pattern.targets for pattern in spec.patterns])
    values = {each.name: getattr(spec.robust, each.name) for each in fields(sp.Robust)}
    lines = [
        f'delays = "{spec.delays[0]}-{spec.delays[-1]}"',
        "[robust]",
        *(f"{name} = {list(value) if name == 'exempt' else value}" for name, value in values.items() if value),
        "[[patterns]]",
        'inputs = "inputs.npz"',
        'targets = "targets.npz"',
    ]
    (folder / "SPEC.toml").write_text("\n".join(lines), encoding="utf-8")
    return folder / "SPEC.toml"
