"""A user's own chip: found by an entry point or by ``--chip module:name``, and by nothing else."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from command_line import Command
from made_up_chips import KINDS, Kind, chip_of

import snnprog as sp
from snnprog.chips import CHIPS, Chip, find_chip
from snnprog.conformance import check_conformance
from snnprog.spec_file import load_spec

CHIP = chip_of(KINDS[0])
SOURCE = """\
import made_up_chips
CHIP = made_up_chips.chip_of(made_up_chips.KINDS[0])
TEXT = "no chip"
"""


def pattern(late: int) -> sp.Pattern:
    """Return a pattern: the output answers one line after some ticks, and not the other one."""
    inputs, targets = np.zeros((24, 2), dtype=bool), np.zeros((24, 1), dtype=bool)
    inputs[[2, 11, 17], 0] = inputs[[5, 15], 1] = True
    targets[[2 + late, 11 + late, 17 + late], 0] = True
    return sp.Pattern(inputs, targets)


def spec_of(chip: str | Chip, late: int = 2) -> sp.Spec:
    return sp.Spec([pattern(late)], delays=[1, 2], chip=chip)


def registered(folder: Path, monkeypatch: pytest.MonkeyPatch, points: dict[str, str], package: str = "maker") -> None:
    """Install a package with these entry points."""
    info = folder / f"{package}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    lines = [f"{name} = {value}\n" for name, value in points.items()]
    (info / "entry_points.txt").write_text("[snnprog.chips]\n" + "".join(lines))
    monkeypatch.syspath_prepend(str(folder))


@pytest.fixture
def maker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install a package that registers a chip."""
    folder = tmp_path / "site"
    registered(folder, monkeypatch, {"subtracting6": "maker_of_chips:CHIP"})
    (folder / "maker_of_chips.py").write_text(SOURCE)
    monkeypatch.delitem(sys.modules, "maker_of_chips", raising=False)
    return folder


@pytest.fixture
def spec_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a spec file into the current folder, beside a module with a chip."""
    spec = pattern(2)
    np.savez(tmp_path / "rasters.npz", inputs=spec.inputs, targets=spec.targets)
    (tmp_path / "SPEC.toml").write_text(
        'delays = [1, 2]\n[[patterns]]\ninputs = "rasters.npz:inputs"\ntargets = "rasters.npz:targets"\n'
    )
    (tmp_path / "my_chip.py").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "my_chip", raising=False)
    return tmp_path / "SPEC.toml"


# ---------------------------------------------------------------------------------------------------- entry points


@pytest.mark.usefixtures("maker")
def test_a_registered_chip_is_found_by_its_name() -> None:
    assert "maker_of_chips" not in sys.modules
    assert find_chip("subtracting6") == CHIP
    assert sp.compile(spec_of("subtracting6")).program.chip == CHIP
    with pytest.raises(
        sp.SpecError, match=r"unknown chip 'other'; known chips are fpga, .* loihi2, subtracting6, xylo"
    ):
        find_chip("other")


@pytest.mark.usefixtures("maker")
def test_a_spec_file_names_a_registered_chip(spec_path: Path) -> None:
    spec_path.write_text('chip = "subtracting6"\n' + spec_path.read_text(encoding="utf-8"), encoding="utf-8")
    assert load_spec(spec_path).chip == CHIP


def test_a_built_in_name_is_not_taken_from_its_chip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registered(tmp_path, monkeypatch, {"loihi1": "nowhere_at_all:CHIP"})
    assert find_chip("loihi1") is CHIPS["loihi1"]


BROKEN = {
    "missing": ("nowhere_at_all:CHIP", "cannot be loaded from entry point 'nowhere_at_all:CHIP': ModuleNotFoundError"),
    "no attribute": ("maker_of_chips:NOTHING", "cannot be loaded from .*: AttributeError"),
    "no chip": ("maker_of_chips:TEXT", "entry point 'maker_of_chips:TEXT' must be a Chip named 'mine', got a str"),
    "another name": ("maker_of_chips:CHIP", "must be a Chip named 'mine', got a chip named 'subtracting6'"),
    "ends": ("leaver:CHIP", "cannot be loaded from entry point 'leaver:CHIP': SystemExit: 3"),
}


@pytest.mark.parametrize(("value", "message"), BROKEN.values(), ids=BROKEN)
def test_a_broken_entry_point_gives_one_sentence(
    value: str, message: str, maker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (maker / "leaver.py").write_text("raise SystemExit(3)\n")
    registered(maker / "more", monkeypatch, {"mine": value}, "second")
    with pytest.raises(sp.SpecError, match=message) as refusal:
        find_chip("mine")
    assert "\n" not in str(refusal.value)


def test_two_packages_that_register_one_name_are_refused(maker: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registered(maker / "more", monkeypatch, {"subtracting6": "other_maker:CHIP"}, "second")
    with pytest.raises(sp.SpecError, match="is registered as maker_of_chips:CHIP and other_maker:CHIP; uninstall"):
        find_chip("subtracting6")


# ---------------------------------------------------------------------------------------------------- command line


def test_every_command_takes_a_chip_from_a_module(spec_path: Path, command: Command) -> None:
    chip = ["--chip", "my_chip:CHIP"]
    assert command("compile", "SPEC.toml", "-o", "p.snnp", *chip)[0] == 0
    assert sp.load("p.snnp").chip == CHIP
    both = ["--backend", "kernel", "--backend", "reference"]
    assert command("verify", "p.snnp", "SPEC.toml", *both, *chip)[0] == 0
    assert command("explain", "SPEC.toml", *chip)[0] == 0
    assert command("report", "SPEC.toml", "-o", "s.html", *chip)[0] == 0
    assert "subtracting6" in (spec_path.parent / "s.html").read_text(encoding="utf-8")


def test_program_files_of_others_need_no_option(
    spec_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    sp.compile(spec_of(CHIP)).program.save("p.snnp")
    for name in ("my_chip.py", "subtracting6.py"):
        (spec_path.parent / name).write_text("raise RuntimeError('a file was imported')\n")
    monkeypatch.syspath_prepend(str(spec_path.parent))
    for words in (
        ["run", "p.snnp", "rasters.npz:inputs"],
        ["verify", "p.snnp", "SPEC.toml", "--backend", "kernel"],
        ["inspect", "p.snnp", "--cores"],
        ["report", "p.snnp", "-o", "p.html", "--spec", "SPEC.toml"],
    ):
        assert command(*words)[0] == 0, words


WRONG_CHIPS = {
    "no module": (
        "nowhere_at_all:CHIP",
        "no nowhere_at_all.py in this folder and no installed module",
    ),
    "a file": ("my_chip.py:CHIP", "--chip must be MODULE:NAME, got my_chip.py:CHIP; give my_chip:CHIP"),
    "a file alone": ("my_chip.py", "--chip must be MODULE:NAME, got my_chip.py; give my_chip:CHIP"),
    "a module alone": ("my_chip", "unknown chip 'my_chip'; known chips are"),
    "what to give for a module": ("my_chip", "; a Chip of my_chip.py is --chip my_chip:NAME"),
    "no attribute": (
        "my_chip:OTHER",
        "my_chip.py has no 'OTHER'; give MODULE:NAME",
    ),
    "no chip": ("my_chip:TEXT", "my_chip:TEXT must be a Chip, got a str"),
    "no name": ("my_chip:", "my_chip.py has no ''; give MODULE:NAME"),
    "unknown name": ("my_chip", "snnprog: unknown chip 'my_chip'; known chips are fpga, fpga-ge, fpga-subtract,"),
}


@pytest.mark.parametrize(("text", "message"), WRONG_CHIPS.values(), ids=WRONG_CHIPS)
def test_what_is_no_chip_is_bad_usage(text: str, message: str, spec_path: Path, command: Command) -> None:
    code, _, said = command("compile", str(spec_path), "-o", "p.snnp", "--chip", text)
    assert (code, said.count("\n")) == (2, 1)
    assert message in said


def test_a_spec_file_imports_nothing(spec_path: Path) -> None:
    spec_path.write_text('chip = "my_chip:CHIP"\n' + spec_path.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(
        sp.SpecError, match="unknown chip 'my_chip:CHIP'; known chips are fpga, fpga-ge, fpga-subtract,"
    ):
        load_spec(spec_path)
    assert "my_chip" not in sys.modules
    assert load_spec(spec_path, CHIP).chip is CHIP
    assert load_spec(spec_path, "loihi2").chip is CHIPS["loihi2"]


def test_a_file_of_the_folder_takes_no_installed_module_s_place(spec_path: Path, command: Command) -> None:
    (spec_path.parent / "made_up_chips.py").write_text("raise RuntimeError('this is not the installed one')\n")
    assert command("explain", "SPEC.toml", "--chip", "my_chip:CHIP")[0] == 0
    assert str(spec_path.parent) not in sys.path


@pytest.mark.usefixtures("spec_path")
@pytest.mark.parametrize("backend", ["kernel", "reference"])
def test_backends_check_a_stranger_s_chip(backend: str, command: Command) -> None:
    words = ["backends", "check", backend, "--chip", "my_chip:CHIP", "--programs", "4"]
    code, printed, _ = command(*words)
    assert code == 0
    assert f"{backend} ran 0 golden and 4 random programs" in printed
    assert f"{backend} equals the {'kernel' if backend == 'reference' else 'reference'}" in printed


# ------------------------------------------------------------------------------------------------------ conformance


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_kernel_equals_the_reference_on_made_up_chips(kind: Kind) -> None:
    outcome = check_conformance("kernel", programs=10, chip=chip_of(kind))
    assert (outcome.divergence, outcome.random) == (None, 10)
    assert outcome.spikes > 0


def test_a_backend_that_does_not_execute_a_rule_is_not_checked_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "loihis"
    folder.mkdir()
    (folder / "backend.toml").write_text(
        f'summary = "x"\nsemantics = ["{CHIPS["loihi1"].rule.name}"]\npython = "any"\n'
        "distributions = {}\ntimeout_seconds = 1\ntimeout_seconds_per_tick = 1\n"
    )
    for name in ("runner.py", "requirements.txt"):
        (folder / name).touch()
    monkeypatch.setenv("SNNPROG_BACKENDS", str(tmp_path))
    with pytest.raises(
        sp.BackendError,
        match=r"loihis runs the rule loihi1-lif-.*, and chip subtracting6 has the rule subtracting6-rule",
    ):
        check_conformance("loihis", programs=1, chip=CHIP)


# ----------------------------------------------------------------------------------------------------------- digest

LOIHI_DIGEST = "648615cd3724163941bd9298ac9d9096cbea94f168cf4096db9fab4c58c90aa9"
XYLO_DIGEST = "19b3e63054f296b2d554ee2130ab927798256f462f31bdc610f4a5fa392ec3d4"


def test_the_digest_tells_chips_apart_that_have_one_name() -> None:
    digest = spec_of(CHIP).digest()
    assert spec_of(replace(CHIP, name="other")).digest() != digest
    assert spec_of(replace(CHIP, delays=(1, 9))).digest() != digest
    assert spec_of(replace(CHIP, rule=CHIP.rule.with_range("threshold", (1, 100)))).digest() != digest
    assert spec_of(chip_of(KINDS[0])).digest() == digest


def test_digests_for_built_in_chips_stay() -> None:
    assert spec_of("loihi1").digest() == LOIHI_DIGEST
    assert sp.Spec([pattern(1)], delays=[1], chip="xylo").digest() == XYLO_DIGEST
