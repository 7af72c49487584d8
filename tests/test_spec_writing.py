"""Specs as SPEC.toml: what `save_spec` writes, `load_spec` reads as an equal spec."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cases import CASES
from command_line import Command
from untyped import untyped

import snnprog as sp
from snnprog.chips import find_chip
from snnprog.errors import FormatError, SpecError

NAMES = ("input_names", "output_names", "hidden_names")


def pattern(ticks: int, *, has_care: bool = False) -> sp.Pattern:
    rng = np.random.default_rng(ticks)
    inputs, targets, care = (rng.random((ticks, width)) < 0.4 for width in (3, 2, 2))
    return sp.Pattern(inputs, targets, care if has_care else None)


def every_option() -> sp.Spec:
    """Return a spec with all options, patterns of two lengths, and don't-care bins in some."""
    return sp.Spec(
        [pattern(10), pattern(10, has_care=True), pattern(7), pattern(10)],
        [1, 4],
        recurrent=True,
        dynamics=sp.Dynamics(300, 1000),
        signs=[1, -1, 0, 1, 1],
        bias=-64,
        threshold=100,
        weight_bits=4,
        weight_limit=5,
        noise=1.5,
        sparse=True,
        fan_in=3,
        window=(1, 0),
        hidden="auto",
        refractory=2,
        robust=sp.Robust(jitter=1, weights=0.02, exempt=("clock",)),
        input_names=["clock", "links", "über"],
        output_names=["go", "stop"],
        hidden_names=["gate"],
    )


def assert_equal(found: sp.Spec, spec: sp.Spec) -> None:
    assert found.digest() == spec.digest()
    assert found.changed_options == spec.changed_options
    assert [getattr(found, name) for name in NAMES] == [getattr(spec, name) for name in NAMES]


@pytest.mark.parametrize("name", CASES)
def test_what_is_written_is_read_back(name: str, tmp_path: Path) -> None:
    spec = CASES[name]()
    sp.save_spec(spec, tmp_path / "SPEC.toml")
    assert_equal(sp.load_spec(tmp_path / "SPEC.toml"), spec)


def test_every_option_is_written(tmp_path: Path) -> None:
    spec = every_option()
    assert len(spec.changed_options) == 13
    sp.save_spec(spec, str(tmp_path / "job.toml"))
    assert_equal(sp.load_spec(tmp_path / "job.toml"), spec)
    wanted = {f"job_{number}_{key}.csv" for number in range(3) for key in ("inputs", "targets")}
    assert {each.name for each in tmp_path.iterdir()} == {"job.toml", "job_0_care.csv", *wanted}


def test_specs_of_other_chips_and_by_name_are_written(tmp_path: Path) -> None:
    for spec in (sp.Spec([pattern(9)], chip="xylo"), sp.specs.counter(3), sp.specs.truth_table([[0, 1], [1, 0]])):
        sp.save_spec(spec, tmp_path / "SPEC.toml")
        assert_equal(sp.load_spec(tmp_path / "SPEC.toml"), spec)


def test_a_comment_says_that_a_spec_decides_every_stream(tmp_path: Path) -> None:
    for spec, is_said in ((sp.specs.coincidence(3), True), (every_option(), False)):
        sp.save_spec(spec, tmp_path / "SPEC.toml")
        assert ("every input stream" in (tmp_path / "SPEC.toml").read_text(encoding="utf-8")) == is_said


def test_the_command_compiles_what_was_written(tmp_path: Path, command: Command) -> None:
    spec = sp.specs.counter(2)
    sp.save_spec(spec, tmp_path / "SPEC.toml")
    code, _, err = command("compile", tmp_path / "SPEC.toml", "-o", tmp_path / "p.snnp")
    assert (code, err) == (0, "")
    assert sp.verify(sp.load(tmp_path / "p.snnp"), spec).same_spec


def test_files_are_replaced_as_a_whole(tmp_path: Path) -> None:
    first, second = sp.Spec([pattern(5)]), sp.Spec([pattern(6)])
    for spec in (first, second):
        sp.save_spec(spec, tmp_path / "SPEC.toml")
    assert_equal(sp.load_spec(tmp_path / "SPEC.toml"), second)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("SPEC.json", "SPEC.json must end in .toml, such as SPEC.toml"),
        ("a.npz:b.toml", "must end in .toml"),
        ("missing/SPEC.toml", "create it"),
    ],
)
def test_paths_that_are_refused(name: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=message):
        sp.save_spec(sp.Spec([pattern(5)]), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_chip_without_a_registered_name_is_refused(tmp_path: Path) -> None:
    for chip in (replace(find_chip("loihi1"), name="mine"), replace(find_chip("loihi1"), weight_bits=4)):
        with pytest.raises(SpecError, match=r"a SPEC.toml names its chip, and .+ is not registered under this name"):
            sp.save_spec(sp.Spec([pattern(5)], chip=chip), tmp_path / "SPEC.toml")
    with pytest.raises(SpecError, match="spec must be a Spec, got a str"):
        untyped(sp.save_spec)("SPEC.toml", tmp_path / "SPEC.toml")
