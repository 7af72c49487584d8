"""Recordings of events as inputs: rasters from files, in SPEC.toml, and on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest
from command_line import Command
from event_encoders import (
    aedat4_bytes,
    atis_bytes,
    evt2_bytes,
    evt3_bytes,
)
from event_recordings import EVENTS, cochlea_file, written

import snnprog as sp
from snnprog import cli


def test_rasters_of_a_recording(tmp_path: Path) -> None:
    path = written(tmp_path, "e.aedat4", aedat4_bytes(EVENTS))
    plain = sp.from_events(EVENTS, dt_ms=1.0, sensor_size=(34, 34), ticks=300, repeats="merge")
    (raster,) = sp.read_rasters(path, dt_ms=1.0, ticks=300, merge=True)
    assert np.array_equal(raster, plain.raster)
    view = sp.EventView(polarity="merged", region=(0, 0, 17, 34), downsample=2)
    halves = sp.read_rasters(path, dt_ms=1.0, ticks=150, merge=True, starts_ms=[0.0, 150.0], view=view, neurons=153)
    whole = sp.from_events(
        EVENTS,
        dt_ms=1.0,
        sensor_size=(34, 34),
        ticks=300,
        repeats="merge",
        polarity="merged",
        region=(0, 0, 17, 34),
        downsample=2,
    )
    assert np.array_equal(np.concatenate(halves), whole.raster)
    for options, message in (
        ({}, r"holds times; give dt_ms, the milliseconds of a tick"),
        ({"dt_ms": 1.0}, r"e\.aedat4 has no duration; give the number of ticks"),
        ({"dt_ms": 1.0, "ticks": 300, "ids": [1]}, r"ids does not apply to .*; omit it"),
        ({"dt_ms": 1.0, "ticks": 9}, r"\d+ events before or after the 9 ticks from time 0 on; give more ticks"),
        ({"dt_ms": 50.0, "ticks": 6}, r"events in tick .*; take a shorter tick, or allow merging"),
        ({"dt_ms": 1.0, "ticks": 300, "merge": True, "neurons": 7}, r"must have 7 lines, got 2312 \(2 polarities x 34"),
        ({"dt_ms": 1.0, "ticks": 300, "merge": True, "patterns": 2}, r"gives 1 of 2 patterns; give starts_ms"),
        (
            {"dt_ms": 1.0, "ticks": 300, "view": sp.EventView(time_unit="s")},
            r"time_unit must be 'us' for AEDAT 4\.0, got 's'; omit it",
        ),
    ):
        with pytest.raises(sp.FormatError, match=message):
            sp.read_rasters(path, **options)


def test_files_that_hold_rasters_or_events(tmp_path: Path) -> None:
    np.savez(tmp_path / "e.npz", events=EVENTS)
    cochlea_file(tmp_path / "shd.h5")
    with pytest.raises(
        sp.FormatError, match=r"must hold plain numbers, got type \[\('x', '<i2'\), \('y', '<i2'\), \('t',"
    ):
        sp.read_rasters(tmp_path / "e.npz")
    with pytest.raises(sp.FormatError, match=r"holds recordings of events \(SHD, SSC\); give sensor_size to read them"):
        sp.read_rasters(tmp_path / "shd.h5", dt_ms=1.0, ticks=9, neurons=700)
    said: dict[str, Any] = {"dt_ms": 1.0, "ticks": 1000, "merge": True}
    (raster,) = sp.read_rasters(tmp_path / "e.npz", view=sp.EventView((34, 34)), **said)
    assert raster.shape == (1000, 2312)
    samples = sp.read_rasters(tmp_path / "shd.h5", key="1-3", view=sp.EventView(700, downsample=100), **said)
    assert [each.shape for each in samples] == [(1000, 7)] * 3


SPEC = """
delays = "1-3"

[[patterns]]
inputs = "{inputs}"
targets = "targets.npz"
dt_ms = 1.0
ticks = 300
merge = true
{options}
"""


@pytest.mark.parametrize(
    ("name", "options", "lines"),
    [
        ("e.aedat4", "", 2312),
        ("e.raw", 'polarity = "on"\ndownsample = 17', 4),
        ("e.bin", 'sensor_size = [34, 34]\nregion = [2, 3, 4, 5]\norigin = "first"', 8),
        ("e.npz", 'sensor_size = [34, 34]\ntime_unit = "us"', 2312),
        ("shd.h5:3", "sensor_size = 700\nstarts_ms = [100.0]\ndownsample = 350", 2),
    ],
)
def test_a_spec_of_a_recording(tmp_path: Path, name: str, options: str, lines: int) -> None:
    written(tmp_path, "e.aedat4", aedat4_bytes(EVENTS))
    written(tmp_path, "e.raw", evt3_bytes(EVENTS))
    written(tmp_path, "e.bin", atis_bytes(EVENTS))
    np.savez(tmp_path / "e.npz", events=EVENTS)
    cochlea_file(tmp_path / "shd.h5")
    np.savez(tmp_path / "targets.npz", targets=np.zeros((300, 1), dtype=bool))
    (tmp_path / "SPEC.toml").write_text(SPEC.format(inputs=name, options=options), encoding="utf-8")
    (pattern,) = sp.load_spec(tmp_path / "SPEC.toml").patterns
    assert pattern.inputs.shape == (300, lines)
    assert pattern.inputs.any()


def test_a_spec_that_says_too_much(tmp_path: Path) -> None:
    np.savez(tmp_path / "e.npz", inputs=np.zeros((300, 3), dtype=bool))
    np.savez(tmp_path / "targets.npz", targets=np.zeros((300, 1), dtype=bool))
    text = (
        SPEC.format(inputs="e.npz", options="sensor_size = 3").replace("dt_ms = 1.0\n", "").replace("merge = true", "")
    )
    (tmp_path / "SPEC.toml").write_text(text, encoding="utf-8")
    with pytest.raises(sp.FormatError, match="has sensor_size, which applies to none of its files; remove it"):
        sp.load_spec(tmp_path / "SPEC.toml")
    (tmp_path / "SPEC.toml").write_text(text.replace("sensor_size = 3", 'polarity = "up"'), encoding="utf-8")
    written(tmp_path, "e.bin", atis_bytes(EVENTS))
    (tmp_path / "SPEC.toml").write_text(
        SPEC.format(inputs="e.bin", options='sensor_size = [34, 34]\npolarity = "up"'), encoding="utf-8"
    )
    with pytest.raises(sp.SpecError, match="polarity must be 'both', 'merged', 'on' or 'off', got 'up'"):
        sp.load_spec(tmp_path / "SPEC.toml")


VIEW = ("--region", "0,0,34,17", "--downsample", 17, "--polarity", "merged")


def test_run_on_a_recording(command: Command, detector: Path, tmp_path: Path) -> None:
    view = sp.EventView(polarity="merged", region=(0, 0, 34, 17), downsample=17)
    for name, content, more in (
        ("e.aedat4", aedat4_bytes(EVENTS), ()),
        ("e.bin", atis_bytes(EVENTS), ("--sensor-size", "34,34", "--time-unit", "us", "--origin", "zero")),
    ):
        path = written(tmp_path, name, content)
        words = ("run", detector, path, "--ticks", 300, "--dt-ms", 1, "--merge", *VIEW, *more)
        code, out, _ = command(*words, "-o", tmp_path / "out.npz")
        assert code == cli.EXACT
        assert "in 1 pattern" in out
        inputs = sp.read_rasters(
            written(tmp_path, "same.raw", evt2_bytes(EVENTS)), dt_ms=1.0, ticks=300, merge=True, view=view
        )
        (trace,) = sp.run(sp.load(detector), inputs)
        assert np.array_equal(sp.read_rasters(tmp_path / "out.npz")[0], trace.spikes)
    assert command(*words, "-o", tmp_path / "out.h5")[0] == cli.EXACT
    code, _, err = command("run", detector, path, "--ticks", 300, "--dt-ms", 1, "--sensor-size", "34,x")
    assert (code, "must be integers with commas between them" in err) == (cli.BAD_USAGE, True)
    code, _, err = command("run", detector, path, "--ticks", 300, "--dt-ms", 1)
    assert (code, "sensor_size must be given" in err) == (cli.BAD_USAGE, True)


def test_report_on_a_recording(command: Command, detector: Path, tmp_path: Path) -> None:
    path = written(tmp_path, "e.raw", evt3_bytes(EVENTS))
    said = ("--ticks", 100, "--dt-ms", 1, "--merge", "--starts-ms", "0,200", *VIEW)
    assert command("report", detector, "--inputs", path, *said, "-o", tmp_path / "p.html")[0] == cli.EXACT
    assert (tmp_path / "p.html").is_file()


def test_quantize_on_a_recording(command: Command, tmp_path: Path) -> None:
    nodes = {
        "input": nir.Input(np.array([2])),
        "w": nir.Linear(np.array([[0.7, 0.9]])),
        "n": nir.LIF(tau=np.array([0.02]), r=np.array([10.0]), v_leak=np.zeros(1), v_threshold=np.ones(1)),
        "output": nir.Output(np.array([1])),
    }
    nir.write(tmp_path / "n.nir", nir.NIRGraph(nodes, [("input", "w"), ("w", "n"), ("n", "output")]))
    path = written(tmp_path, "e.raw", evt3_bytes(EVENTS))
    said = ("--inputs", path, "--ticks", 100, "--starts-ms", "0,150", "--merge", *VIEW)
    words = ("quantize", tmp_path / "n.nir", "--dt-ms", 1, "--reset", "zero", "-o", tmp_path / "n.snnp", "--json")
    code, out, _ = command(*words, *said)
    assert code == cli.EXACT
    assert '"wrong_bins": 0' in out
