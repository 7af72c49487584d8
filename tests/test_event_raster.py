"""Events of cameras and cochleas as rasters: against a loop that bins one after another, and what is refused."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from event_encoders import EVENT, Events, events_of, random_events
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import snnprog as sp
from snnprog.convolution import Convolution
from snnprog.files import event_raster

PER_MS = {"s": Fraction(1, 1000), "ms": Fraction(1), "us": Fraction(1000), "ns": Fraction(10**6)}
FOUR = events_of([(0, 0, 0, 0), (1, 0, 999, 1), (2, 1, 1000, 1), (2, 1, 2500, 0)])


def binned(
    events: Events,
    *,
    dt_ms: str,
    size: tuple[int, int],
    ticks: int,
    start_ms: str = "0",
    polarity: str = "both",
    region: tuple[int, int, int, int] | None = None,
    downsample: int = 1,
    unit: str = "us",
    origin: str = "zero",
) -> tuple[NDArray[Any], dict[str, int]]:
    """Return (ticks, polarities, rows, columns) of counts, and what was left out: one event after another, exactly."""
    x0, y0, x1, y1 = region or (0, 0, *size)
    rows, columns = math.ceil((y1 - y0) / downsample), math.ceil((x1 - x0) / downsample)
    counts = np.zeros((ticks, 2 if polarity == "both" else 1, rows, columns), dtype=np.int64)
    left = {"other_polarity": 0, "outside_region": 0, "outside_window": 0}
    first = min(event[2] for event in events.tolist()) if origin == "first" and len(events) else 0
    for x, y, t, p in events.tolist():
        tick = math.floor((Fraction(t - first) / PER_MS[unit] - Fraction(start_ms)) / Fraction(dt_ms))
        if polarity in ("on", "off") and bool(p) != (polarity == "on"):
            left["other_polarity"] += 1
        elif not (x0 <= x < x1 and y0 <= y < y1):
            left["outside_region"] += 1
        elif not 0 <= tick < ticks:
            left["outside_window"] += 1
        else:
            counts[tick, int(p) if polarity == "both" else 0, (y - y0) // downsample, (x - x0) // downsample] += 1
    return counts, left


@st.composite
def recordings(draw: st.DrawFn) -> tuple[Events, tuple[int, int]]:
    width, height = draw(st.integers(1, 7)), draw(st.integers(1, 7))
    event = st.tuples(st.integers(0, width - 1), st.integers(0, height - 1), st.integers(-50, 5000), st.integers(0, 1))
    return events_of(draw(st.lists(event, max_size=40))), (width, height)


REGIONS = st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(1, 7), st.integers(1, 7))


@settings(deadline=None)
@given(
    recording=recordings(),
    dt_ms=st.sampled_from(["0.001", "0.1", "0.3", "1", "1.7", "0.0004"]),
    ticks=st.integers(1, 12),
    start_ms=st.sampled_from(["0", "0.1", "-0.03", "2.35", "0.0005"]),
    polarity=st.sampled_from(["both", "merged", "on", "off"]),
    region=st.none() | REGIONS,
    downsample=st.integers(1, 4),
    unit=st.sampled_from(["ms", "us", "ns"]),
    origin=st.sampled_from(["zero", "first"]),
)
def test_each_event_is_where_a_loop_puts_it(
    recording: tuple[Events, tuple[int, int]],
    dt_ms: str,
    ticks: int,
    start_ms: str,
    polarity: str,
    region: tuple[int, int, int, int] | None,
    downsample: int,
    unit: str,
    origin: str,
) -> None:
    events, size = recording
    if region is not None:
        low_x, low_y = min(region[0], size[0] - 1), min(region[1], size[1] - 1)
        region = (low_x, low_y, min(max(region[2], low_x + 1), size[0]), min(max(region[3], low_y + 1), size[1]))
    counts, left = binned(
        events,
        dt_ms=dt_ms,
        size=size,
        ticks=ticks,
        start_ms=start_ms,
        polarity=polarity,
        region=region,
        downsample=downsample,
        unit=unit,
        origin=origin,
    )
    made = sp.from_events(
        events,
        dt_ms=float(dt_ms),
        sensor_size=(*size, 2),
        polarity=polarity,
        region=region,
        downsample=downsample,
        time_unit=unit,
        origin=origin,
        starts_ms=float(start_ms),
        ticks=ticks,
        repeats="count",
    )
    assert made.size == counts.shape[1:]
    assert made.counts is not None
    assert np.array_equal(made.counts.reshape(counts.shape), counts)
    assert np.array_equal(made.raster.reshape(counts.shape), counts > 0)
    assert {name: getattr(made, name) for name in left} == left
    assert made.outside == sum(left.values())
    assert made.events == len(events) == made.raster.sum() + made.merged + made.outside


@pytest.mark.parametrize("order", ["xytp", "ptyx", "txpy"])
@pytest.mark.parametrize("kind", ["?", "i1", "u1", "f4", "-1 and 1"])
@pytest.mark.parametrize("numbers", ["<i2", "<i8", "<u4", "<f8"])
def test_fields_come_in_any_order_and_type(order: str, kind: str, numbers: str) -> None:
    events = random_events(1, 300, size=(30, 20), last=20_000)
    types = dict.fromkeys("xy", numbers) | {"t": "<i8", "p": "i1" if kind == "-1 and 1" else kind}
    other = np.zeros(len(events), dtype=[(name, types[name]) for name in order])
    for name in "xyt":
        other[name] = events[name]
    other["p"] = np.where(events["p"], 1, -1) if kind == "-1 and 1" else events["p"]
    shuffled = np.random.default_rng(0).permutation(other)
    asked: dict[str, Any] = {"dt_ms": 1.0, "sensor_size": (30, 20), "repeats": "merge"}
    made, plain = sp.from_events(shuffled, **asked), sp.from_events(events, **asked)
    assert np.array_equal(made.raster, plain.raster)
    assert made.size == (2, 20, 30)


def test_lines_are_numbered_as_places_of_a_convolution() -> None:
    events = events_of([(3, 1, 0, 1)])
    raster = sp.from_events(events, dt_ms=1.0, sensor_size=(5, 4)).raster
    assert np.flatnonzero(raster).tolist() == [(1 * 4 + 1) * 5 + 3]
    kernel = Convolution(channels=(2, 1), image=(4, 5), kernel=(4, 5))
    source, _, weight = kernel.synapses
    assert np.array_equal(source, weight)  # a kernel as large as the image: its weights in the same order


def test_a_raster_is_what_a_pattern_takes() -> None:
    made = sp.from_events(FOUR, dt_ms=1.0, sensor_size=(3, 2))
    assert not made.raster.flags.writeable
    pattern = sp.Pattern(made.raster, np.zeros((3, 1), dtype=bool))
    assert pattern.inputs.sum() == 4


# ---------------------------------------------------------------- time


def test_ticks_hold_the_last_event_unless_they_are_given() -> None:
    made = sp.from_events(FOUR, dt_ms=1.0, sensor_size=(3, 2))
    assert made.raster.shape == (3, 12)
    assert np.flatnonzero(made.raster.any(axis=1)).tolist() == [0, 1, 2]
    assert sp.from_events(FOUR, dt_ms=2.5, sensor_size=(3, 2)).raster.shape[0] == 2
    assert sp.from_events(FOUR, dt_ms=1.0, sensor_size=(3, 2), duration_ms=7.0).raster.shape[0] == 7
    assert sp.from_events(FOUR, dt_ms=0.1, sensor_size=(3, 2), duration_ms=0.3).raster.shape[0] == 3


def test_windows_are_a_list() -> None:
    first, second = sp.from_events(FOUR, dt_ms=1.0, sensor_size=(3, 2), starts_ms=[0.0, 2.0], ticks=1)
    assert (first.raster.sum(), first.outside_window, first.start_ms) == (2, 2, 0.0)
    assert (second.raster.sum(), second.outside_window, second.start_ms) == (1, 3, 2.0)
    (alone,) = sp.from_events(FOUR, dt_ms=1.0, sensor_size=(3, 2), starts_ms=[0.0])
    assert alone.raster.shape == (3, 12)


@pytest.mark.parametrize("epoch", [0, 1_650_000_000_000_000, 2**62])
def test_times_since_1970_are_binned_exactly(epoch: int) -> None:
    rng = np.random.default_rng(2)
    events = random_events(2, 500, size=(4, 4), last=100_000)
    events["t"][0] = 0
    late = events.copy()
    late["t"] += epoch
    asked: dict[str, Any] = {"dt_ms": 0.05, "sensor_size": (4, 4), "origin": "first", "repeats": "count"}
    near, far = sp.from_events(events, **asked), sp.from_events(rng.permutation(late), **asked)
    assert np.array_equal(near.counts, far.counts)
    if epoch:
        with pytest.raises(sp.LimitError, match="origin='first'"):
            sp.from_events(late, dt_ms=0.05, sensor_size=(4, 4))


def test_decimal_lengths_are_taken_at_their_word() -> None:
    events = np.zeros(1000, dtype=EVENT)
    events["t"] = np.arange(1000) * 100
    raster = sp.from_events(events, dt_ms=0.1, sensor_size=(1, 1)).raster
    assert raster.shape == (1000, 2)
    assert raster[:, 0].all()


def test_seconds_as_floats() -> None:
    cochlea = np.zeros(3, dtype=[("t", "<f8"), ("x", "<i8")])
    cochlea["t"], cochlea["x"] = [0.001, 0.0035, 1.001], [5, 699, 0]
    made = sp.from_events(cochlea, dt_ms=1.0, sensor_size=700, time_unit="s")
    assert made.raster.shape == (1002, 700)
    assert np.argwhere(made.raster).tolist() == [[1, 5], [3, 699], [1001, 0]]
    single = cochlea.astype([("t", "<f4"), ("x", "<i8")])  # 1.001 is below the edge in single precision
    assert np.array_equal(sp.from_events(single, dt_ms=1.0, sensor_size=700, time_unit="s").raster, made.raster)
    half = cochlea.astype([("t", "<f2"), ("x", "<i8")])
    with pytest.raises(sp.SpecError, match=r"errors up to 0\.49 ms; ticks of 0\.5 ms are too short"):
        sp.from_events(half, dt_ms=0.5, sensor_size=700, time_unit="s")


def test_whole_floats_are_binned_exactly() -> None:
    floats = FOUR.astype([("x", "<f8"), ("y", "<f4"), ("t", "<f8"), ("p", "?")])
    asked: dict[str, Any] = {"dt_ms": 0.3, "sensor_size": (3, 2)}
    assert np.array_equal(sp.from_events(floats, **asked).raster, sp.from_events(FOUR, **asked).raster)


# ---------------------------------------------------------------- what lines there are


@pytest.mark.parametrize("size", [700, (700,), (700, 1), (700, 1, 1), np.array([700, 1, 1])])
def test_a_cochlea_has_one_channel(size: Any) -> None:
    events = np.zeros(2, dtype=[("t", int), ("x", int), ("p", int)])  # as Tonic gives SHD
    events["t"], events["x"], events["p"] = [0, 1500], [699, 0], 1
    made = sp.from_events(events, dt_ms=1.0, sensor_size=size)
    assert (made.raster.shape, made.size) == ((2, 700), (1, 1, 700))
    assert sp.from_events(events, dt_ms=1.0, sensor_size=size, downsample=8).size == (1, 1, 88)
    assert sp.from_events(events, dt_ms=1.0, region=(690, 700)).raster.sum() == 1


def test_one_polarity_is_one_channel() -> None:
    assert sp.from_events(FOUR, dt_ms=1.0, sensor_size=(3, 2, 1)).size == (1, 2, 3)
    assert sp.from_events(FOUR, dt_ms=1.0, sensor_size=(3, 2, 1), polarity="both").size == (2, 2, 3)
    without = FOUR[["x", "y", "t"]]
    assert sp.from_events(without, dt_ms=1.0, sensor_size=(3, 2)).size == (1, 2, 3)
    with pytest.raises(sp.SpecError, match="polarity is 'on', and the events have no field p"):
        sp.from_events(without, dt_ms=1.0, sensor_size=(3, 2), polarity="on")


def test_what_is_left_over_becomes_a_pixel_too() -> None:
    events = random_events(3, 400, last=1)
    made = sp.from_events(events, dt_ms=1.0, sensor_size=(34, 34), downsample=4, repeats="count")
    assert made.size == (2, 9, 9)
    assert made.counts is not None
    assert made.counts.sum() == 400


def test_several_events_in_a_bin() -> None:
    twice = events_of([(0, 0, 0, 1), (0, 0, 10, 1), (0, 0, 2000, 1), (0, 0, 2001, 1), (1, 0, 0, 0)])
    message = (
        r"line 4 \(polarity 1, row 0, column 0\) has 2 events in tick 0 of 1 ms \(and 1 more bin like it\);"
        r" take a shorter tick, or repeats='merge' or 'count'"
    )
    with pytest.raises(sp.SpecError, match=message):
        sp.from_events(twice, dt_ms=1.0, sensor_size=(2, 2))
    merged = sp.from_events(twice, dt_ms=1.0, sensor_size=(2, 2), repeats="merge")
    assert (merged.merged, merged.counts, merged.raster.sum()) == (2, None, 3)
    counted = sp.from_events(twice, dt_ms=1.0, sensor_size=(2, 2), repeats="count")
    assert counted.counts is not None
    assert counted.counts[[0, 2, 0], [4, 4, 1]].tolist() == [2, 2, 1]
    assert counted.counts.dtype == np.int32
    assert not counted.counts.flags.writeable


# ---------------------------------------------------------------- refusals


def changed(field: str, value: Any, kind: str) -> Events:
    events = FOUR.astype([(name, kind if name == field else FOUR.dtype[name]) for name in "xytp"])
    events[field][2] = value
    return events


ODD_ARRAYS: dict[str, tuple[Any, str]] = {
    "plain": (np.zeros((3, 4)), r"structured array with the fields x, y, t and p .*got float64 of shape \(3, 4\)"),
    "no t": (FOUR[["x", "y", "p"]], r"got the fields x, y, p"),
    "two axes": (FOUR.reshape(2, 2), r"must have one axis, got shape \(2, 2\)"),
    "text": (changed("x", "1", "U3"), r"field x of the events must hold one number each, got <U3"),
    "several": (np.zeros(3, dtype=[("x", int), ("t", int, 2)]), r"field t of the events must hold one number each"),
    "half": (changed("x", 1.5, "f8"), r"x of event 2 must be an integer, got 1\.5; round it first"),
    "no number": (changed("y", np.nan, "f4"), r"y of event 2 must be an integer, got nan; round it first"),
    "too far": (changed("x", 2**63, "u8"), r"x of event 2 must be an integer, got 9223372036854775808; round it first"),
    "right": (changed("x", 3, "i2"), r"event 2 has x 3; the sensor has 0 to 2"),
    "negative": (changed("y", -1, "i2"), r"event 2 has y -1; the sensor has 0 to 1"),
    "never": (changed("t", np.nan, "f8"), r"t of event 2 must be finite, got nan; drop such events first"),
    "infinite": (changed("t", np.inf, "f4"), r"t of event 2 must be finite, got inf; drop such events first"),
    "late": (changed("t", 2**63, "u8"), r"t of event 2 must fit in a signed 64-bit integer, got 9223372036854775808"),
    "third": (changed("p", 2, "i1"), r"p of event 2 must be 0 or 1, -1 or 1, or a bool, got 2"),
    "mixed": (changed("p", -1, "i1"), r"p of event 2 must be 0 or 1, -1 or 1, or a bool, got -1"),
}


@pytest.mark.parametrize("name", ODD_ARRAYS)
def test_odd_arrays(name: str) -> None:
    events, message = ODD_ARRAYS[name]
    with pytest.raises(sp.SpecError, match=message):
        sp.from_events(events, dt_ms=1.0, sensor_size=(3, 2))


ODD_OPTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "no size": (
        {"sensor_size": None},
        r"sensor_size must be given, because silent pixels have no events; give \(width, height\),",
    ),
    "swapped": ({"sensor_size": (2, 3)}, r"event 2 has x 2; the sensor has 0 to 1; .*are the two swapped\?"),
    "no height": (
        {"sensor_size": 3},
        r"sensor_size must be \(width, height\), because the events have x and y, got \(3,\)",
    ),
    "four": ({"sensor_size": (3, 2, 2, 1)}, r"sensor_size must be \(width, height\) or"),
    "no side": ({"sensor_size": (3, 0)}, r"sensor_size must be .* each from 1 to 65536, got \(3, 0\)"),
    "polarities": (
        {"sensor_size": (3, 2, 3)},
        r"sensor_size must be \(width, height, polarities\) with 1 or 2 polarities, got 3",
    ),
    "no numbers": ({"sensor_size": "34"}, r"sensor_size must be|sensor_size is"),
    "fraction": ({"sensor_size": (3, 2.5)}, r"sensor_size must be an integer, got 2\.5"),
    "polarity": ({"polarity": "up"}, r"polarity must be 'both', 'merged', 'on' or 'off', got 'up'"),
    "unit": ({"time_unit": "min"}, r"time_unit must be 's', 'ms', 'us' or 'ns', got 'min'"),
    "origin": ({"origin": "last"}, r"origin must be 'zero' or 'first', got 'last'"),
    "no origin": ({"origin": None}, r"origin must be 'zero' or 'first', got None"),
    "downsample": ({"downsample": 0}, r"downsample must be from 1 to 65536, got 0"),
    "half": ({"downsample": 0.5}, r"downsample must be an integer, got 0\.5"),
    "empty region": ({"region": (0, 0, 0, 2)}, r"region must be \(x0, y0, x1, y1\) with 0 <= x0 < x1"),
    "two numbers": ({"region": (0, 2)}, r"region must be \(x0, y0, x1, y1\), got \(0, 2\)"),
    "no region": ({"region": 5}, r"region must be a tuple of integers, got 5"),
    "outside": ({"region": (0, 0, 4, 2)}, r"region \(0, 0, 4, 2\) must lie within the sensor of 3 x 2"),
    "repeats": ({"repeats": "drop"}, r"repeats must be 'refuse', 'merge' or 'count', got 'drop'"),
    "ticks": ({"ticks": 0}, r"ticks must be at least 1, got 0"),
    "both": ({"ticks": 1, "duration_ms": 1.0}, r"only one of ticks and duration_ms may be given; omit one"),
    "parts": ({"duration_ms": 1.5}, r"duration_ms must be a whole number of ticks of 1 ms, got 1\.5"),
    "windows": (
        {"starts_ms": [0.0, 1.0]},
        r"ticks must be given if starts_ms has several windows; or give duration_ms",
    ),
    "start": ({"starts_ms": math.nan}, r"starts_ms must be a list of 1 to 1048576 finite numbers, got shape \(1,\)"),
    "no dt": ({"dt_ms": 0}, r"dt_ms must be a positive number of milliseconds, got 0"),
}


@pytest.mark.parametrize("name", ODD_OPTIONS)
def test_odd_options(name: str) -> None:
    options, message = ODD_OPTIONS[name]
    with pytest.raises(sp.SpecError, match=message):
        sp.from_events(FOUR, **{"dt_ms": 1.0, "sensor_size": (3, 2), **options})


def test_options_of_a_cochlea() -> None:
    events = FOUR[["x", "t"]]
    with pytest.raises(
        sp.SpecError, match=r"sensor_size must be the number of channels, because the events have no y, got \(3, 2\)"
    ):
        sp.from_events(events, dt_ms=1.0, sensor_size=(3, 2))
    with pytest.raises(sp.SpecError, match=r"region must be \(x0, x1\), because the events have no y"):
        sp.from_events(events, dt_ms=1.0, region=(0, 0, 3, 2))


def test_no_events() -> None:
    nothing = FOUR[:0]
    with pytest.raises(sp.SpecError, match="ticks must be given, because a recording without events has no duration"):
        sp.from_events(nothing, dt_ms=1.0, sensor_size=(3, 2))
    made = sp.from_events(nothing, dt_ms=1.0, sensor_size=(3, 2), ticks=2, origin="first")
    assert (made.raster.shape, made.events) == ((2, 12), 0)


def test_more_bins_than_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_raster, "SIZE_LIMIT_BYTES", 35)
    with pytest.raises(
        sp.LimitError, match=r"rasters of 3 ticks and 12 lines must be at most 35 bins, got 36; take fewer or longer"
    ) as error:
        sp.from_events(FOUR, dt_ms=1.0, sensor_size=(3, 2))
    assert error.value.found == 36
