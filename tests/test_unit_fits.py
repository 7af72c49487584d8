"""Units of a recording: verdicts, beginnings, and scores on held-out time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import snnprog as sp
from snnprog.arrays import Raster
from snnprog.cli.units import units_command
from snnprog.unit_results import UnitFit, Units

AT_ONCE = sp.Dynamics(potential_decay=4095)
TICKS, FIRST_MISTAKE = 300, 100


def recording() -> Raster:
    """Return two drivers, a unit that they drive, and the same with mistakes from a tick on, (ticks, 4)."""
    generator = np.random.default_rng(0)
    drivers = generator.random((TICKS, 2)) < 0.1
    driven = np.zeros((TICKS, 1), dtype=np.bool_)
    driven[2:, 0] = drivers[:-2, 0] | drivers[1:-1, 1]
    mistakes = generator.random((TICKS, 1)) < 0.05
    mistakes[:FIRST_MISTAKE] = False
    return np.concatenate([drivers, driven, driven ^ mistakes], axis=1)


@pytest.fixture(scope="module")
def found() -> Units:
    return sp.units(recording(), inputs=[0, 1], delays=range(1, 4), training_ticks=200, glm=True, dynamics=AT_ONCE)


def check_score(fit: UnitFit, part: str, raster: Raster) -> None:
    score = getattr(fit, part)
    assert score.output == fit.unit
    assert score.hits + score.misses == raster[3:, fit.unit].sum(), "the first ticks do not count"
    assert score.silent == (~raster[3:, fit.unit]).sum()


def test_a_driven_unit_is_exact_on_unseen_ticks_too(found: Units) -> None:
    exact, _ = found.units
    assert (exact.unit, exact.is_exact, exact.exact_ticks) == (2, True, 200)
    assert found.exact == (2,)
    for score in (exact.training, exact.held_out):
        assert (score.misses, score.false_alarms) == (0, 0)


def test_an_impossible_unit_has_the_longest_beginning_and_the_closest_neuron(found: Units) -> None:
    _, impossible = found.units
    raster = recording()
    assert (impossible.unit, impossible.status) == (3, "infeasible")
    assert FIRST_MISTAKE <= impossible.exact_ticks < 200
    first, care = raster[: impossible.exact_ticks + 1], np.ones((impossible.exact_ticks + 1, 1), dtype=np.bool_)
    care[:3] = False
    longer = sp.Spec([sp.Pattern(first[:, :2], first[:, [3]], care)], range(1, 4), dynamics=AT_ONCE)
    assert sp.explain(longer).infeasible == (0,)
    silence = int(raster[3:200, 3].sum())
    assert impossible.training.misses + impossible.training.false_alarms < silence
    for part, of in (("training", raster[:200]), ("held_out", raster[200:])):
        check_score(impossible, part, of)
        check_score(impossible, f"glm_{part}", of)


def test_the_glm_finds_what_the_neuron_finds(found: Units) -> None:
    exact, _ = found.units
    assert exact.glm_training is not None
    assert exact.glm_training.misses + exact.glm_training.false_alarms == 0


def test_every_unit_is_driven_by_all_others_without_inputs() -> None:
    found = sp.units(recording()[:, :3], delays=[1, 2], dynamics=AT_ONCE)
    assert [each.unit for each in found.units] == [0, 1, 2]
    assert (found.training_ticks, found.held_out_ticks) == (TICKS // 2, TICKS // 2)
    assert 2 in found.exact
    assert found.units[2].glm_training is None
    assert list(found.to_pandas()["unit"]) == [0, 1, 2]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"inputs": [0, 0]}, r"inputs must be some of the units 0 to 3, each once, and not all, got \[0, 0\]"),
        ({"inputs": [0, 4]}, "inputs must be some of the units 0 to 3"),
        ({"inputs": range(4)}, "inputs must be some of the units 0 to 3"),
        (
            {"training_ticks": 16},
            "training_ticks must be 17 to 283, which leaves more ticks than the longest delay to each part",
        ),
    ],
)
def test_bad_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(sp.SpecError, match=message):
        sp.units(recording(), **options)


def test_a_recording_that_is_too_short_or_turned() -> None:
    with pytest.raises(sp.SpecError, match=r"^raster must have at least 34 ticks for delays of up to 16, got 33$"):
        sp.units(recording()[:33])
    with pytest.raises(sp.SpecError, match=r"got 4; is the array \(units, ticks\)\? \(300 units\)$"):
        sp.units(recording().T)


def test_the_command(tmp_path: Path) -> None:
    path = tmp_path / "recording.npz"
    np.savez(path, recording())
    words = [str(path), "--inputs", "0,1", "--longest-delay", "3", "--training-ticks", "200"]
    shown = CliRunner().invoke(units_command, [*words, "--json"], standalone_mode=False)
    answer = json.loads(shown.output)
    assert [each["unit"] for each in answer["units"]] == [2, 3]
    assert (answer["training_ticks"], answer["held_out_ticks"]) == (200, 100)
    np.savez(path, np.stack([recording(), recording()]))
    with pytest.raises(sp.SpecError, match="must hold one pattern, got 2"):
        CliRunner().invoke(units_command, words, standalone_mode=False, catch_exceptions=False)


def test_shifted_spikes_show_how_much_an_exact_unit_means() -> None:
    noise = np.random.default_rng(5).random((120, 4)) < 0.1
    found = sp.units(noise, inputs=[0, 1], delays=range(1, 31), dynamics=AT_ONCE, shifted=True)
    for each in found.units:
        assert (each.judged_ticks, each.weights) == (30, 60)
        assert each.is_likely_chance == each.is_exact
        assert each.shifted_status is not None
    exact = [each for each in found.units if each.is_exact]
    assert exact, "30 ticks and 60 weights"
    assert f"{len(exact)} of the exact units have at most 2 ticks for each weight (the fewest 0.5)" in found.notes[0]
    shifted = sum(str(each.shifted_status) in ("certified", "exact") for each in found.units)
    assert f"with shifted spikes, {shifted} of 2 units are exact" in found.notes


def test_a_unit_without_spikes_is_silent_and_not_exact(tmp_path: Path) -> None:
    raster = recording()
    raster[:, 3] = False
    found = sp.units(raster, inputs=[0, 1], delays=range(1, 4), training_ticks=200, dynamics=AT_ONCE)
    assert [each.status for each in found.units][1] == "silent"
    assert (found.exact, found.silent) == ((2,), (3,))
    assert "1 unit without spikes in the training ticks" in found.notes
    for bad, message in (
        (np.zeros((90, 3), bool), "raster must have spikes, got 90 ticks of 3 units without any"),
        (raster.T, r"is the array \(units, ticks\)\? \(300 units\)"),
    ):
        with pytest.raises(sp.SpecError, match=message):
            sp.units(bad)
    with pytest.raises(sp.SpecError, match="got a path; "):
        sp.units("recording.csv")
    with pytest.raises(sp.SpecError, match="raster must have two units or more, got 1"):
        sp.units(recording()[:, :1])


def test_reasons_and_programs_of_units(found: Units) -> None:
    exact, impossible = found.units
    assert (exact.conflicts, exact.program) == ((), impossible.program)
    assert impossible.conflicts[0].reason.startswith("output 1 (unit_3) ")
    assert (exact.program.input_names, exact.program.output_names) == (("unit_0", "unit_1"), ("unit_2", "unit_3"))
    assert impossible.as_dict()["reasons"] == [each.reason for each in impossible.conflicts] != []
    spikes = sp.run(exact.program, recording()[:200, :2]).spikes
    assert np.array_equal(spikes[3:, 0], recording()[3:200, 2])
