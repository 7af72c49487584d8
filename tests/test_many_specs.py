"""`sweep`: each spec's result is that of `compile`, wherever it is compiled and with a journal."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from untyped import untyped

import snnprog as sp
from snnprog.processes.workers import Workers


def specs() -> list[sp.Spec]:
    raster = np.zeros((12, 2), np.bool_)
    raster[[1, 4], [0, 1]] = True
    target = np.zeros((12, 1), np.bool_)
    target[6] = True
    impossible = sp.Spec([sp.Pattern(np.zeros((4, 1), bool), np.eye(4, 1, dtype=bool))], delays=(1,), bias=0)
    return [sp.specs.counter(2), sp.Spec([sp.Pattern(raster, target)], delays=range(1, 6)), impossible]


def bytes_of(result: sp.CompileResult | sp.SnnprogError, folder: Path) -> bytes | str:
    if isinstance(result, sp.SnnprogError):
        return f"{type(result).__name__}: {result}"
    result.program.save(folder / "p.snnp")
    return (folder / "p.snnp").read_bytes()


def alone(spec: sp.Spec) -> sp.CompileResult | sp.SnnprogError:
    try:
        return sp.compile(spec)
    except sp.SnnprogError as error:
        return error


def test_each_result_is_that_of_compile(tmp_path: Path) -> None:
    expected = [bytes_of(alone(spec), tmp_path) for spec in specs()]
    assert isinstance(expected[2], str)
    assert expected[2].startswith("InfeasibleError: infeasible: output 0")
    steps: list[tuple[str, int, int]] = []
    found = [sp.sweep(specs(), progress=lambda *step: steps.append(step))]
    assert steps == [("sweep", 1, 3), ("sweep", 2, 3), ("sweep", 3, 3)]
    with Workers(2) as executor:
        found += [sp.sweep(specs(), executor=executor, journal=tmp_path / "j") for _ in range(2)]
    found += [sp.sweep(specs(), journal=tmp_path / "j")]
    assert [[bytes_of(result, tmp_path) for result in results] for results in found] == [expected] * 4
    (step,) = sp.read_journal(tmp_path / "j").steps
    assert (step.step, step.jobs, step.done, step.verdicts) == ("sweep", 3, 2, (("exact", 2),))
    with pytest.raises(sp.FormatError, match="is of another spec"):
        sp.sweep(specs()[:2], journal=tmp_path / "j")


def test_what_is_refused() -> None:
    with pytest.raises(sp.SpecError, match="specs must be at least one spec, got none"):
        sp.sweep([])
    with pytest.raises(sp.SpecError, match=r"specs\[0\] must be a Spec"):
        untyped(sp).sweep([3])


def test_a_sweep_takes_a_list_of_specs() -> None:
    with pytest.raises(sp.SpecError, match=r"^specs must be a list of Spec, got a Spec; write \[spec\]$"):
        sp.sweep(untyped(specs()[0]))
