"""Small pictures as inline SVG: rasters, bars, lines and weights, of bounded size for any data.

Colours have at least 3:1 against both white and #111111, as WCAG 2.2 (1.4.11) asks of what is not text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

from snnprog.arrays import Bools, Floats, Int64s, Integers, Raster
from snnprog.table import text_of
from snnprog.wording import counted

INPUT, RIGHT, MISSING, EXTRA, SILENCE = "#7b8794", "#2b87cf", "#d64550", "#bd7a0b", "#5f8f3a"
MOST_TICKS, MOST_NEURONS, MOST_BARS, MOST_LINES = 240, 24, 80, 6
"""Columns and rows of a raster, bars, and lines: as many as can be distinguished in a picture of 30 rem. Choices."""

MOST_COLUMNS, MOST_ROWS, SHADES = 96, 32, 4
"""Of a picture of weights. Choices."""

EACH_APART = 120
"""Ticks up to which spikes of adjacent ticks are drawn apart: then each is 4 px wide. A choice."""

HEIGHT = 100.0  # of bars and lines, in their own unit
FINE = 'vector-effect="non-scaling-stroke" stroke-width="1.3"'


def raster(
    layers: Sequence[tuple[Raster, str]], *, label: str, shaded: Raster | None = None, starts: Iterable[int] = ()
) -> str:
    """Return spikes of neurons over time, the first neuron on top.

    Parameters
    ----------
    layers : sequence of ((ticks, neurons) bool, str)
        Rasters of the same shape, each with its colour.
    label : str
        What it shows, for those who do not see it.
    shaded : (ticks, neurons) bool, optional
        Bins with a background.
    starts : iterable of int
        Ticks before which a line is drawn, as between patterns.
    """
    shape = layers[0][0].shape
    ticks, neurons = _merged(shape[0], MOST_TICKS), _merged(shape[1], MOST_NEURONS)
    width, height = max(len(ticks), 1), max(len(neurons), 1)
    walls = "".join(f"M{np.searchsorted(ticks, start)} -.5V{height - 0.5:g}" for start in starts)
    walls = f'<path d="{walls}" stroke="currentColor" stroke-opacity=".35" {FINE}/>' if walls else ""
    dashes = ' stroke-dasharray=".75 .25"' if width <= EACH_APART else ""
    back = "" if shaded is None else _runs(shaded, ticks, neurons, f'stroke="{INPUT}" stroke-opacity=".25"')
    paths = [_runs(bins, ticks, neurons, f'stroke="{colour}" stroke-width=".72"{dashes}') for bins, colour in layers]
    pixels = (min(max(4 * width, 120), 480), min(max(9 * height, 18), 144))
    return _svg((width, height), pixels, label, f'<g transform="translate(0 .5)">{back}{"".join(paths)}{walls}</g>')


def bars(values: Iterable[float], *, label: str) -> str:
    """Return a bar for each value, upwards, in the colour of errors if it is negative; the least of many."""
    finite = np.nan_to_num(np.array([*values], dtype=np.float64), posinf=0.0, neginf=0.0)
    starts = _merged(finite.size, MOST_BARS)
    least = np.minimum.reduceat(finite, starts) if finite.size else finite
    top, bottom = max(float(least.max(initial=0.0)), 0.0), min(float(least.min(initial=0.0)), 0.0)
    scale = HEIGHT / ((top - bottom) or 1.0)
    zero = top * scale
    marks = dict.fromkeys((RIGHT, MISSING), "")
    for index, value in enumerate(least.tolist()):
        marks[RIGHT if value >= 0 else MISSING] += f"M{index + 0.5:g} {zero:.4g}v{-value * scale:.4g}"
    paths = "".join(f'<path d="{path}" stroke="{colour}" stroke-width=".7"/>' for colour, path in marks.items() if path)
    axis = f'<path d="M0 {zero:.4g}H{least.size}" stroke="currentColor" stroke-opacity=".5" {FINE}/>'
    return _svg((max(least.size, 1), HEIGHT), (min(max(14 * least.size, 60), 480), 64), label, paths + axis)


def lines(values: NDArray[np.integer] | Floats, *, label: str) -> str:
    """Return the first few columns of ``(ticks, neurons)`` as lines over time, one below the other, each on its scale.

    Where ticks are many, a line goes through the least and the greatest value of each few.
    """
    starts = _merged(values.shape[0], MOST_TICKS)
    shown = np.asarray(values[:, :MOST_LINES], dtype=np.float64)
    least, most = np.minimum.reduceat(shown, starts, axis=0), np.maximum.reduceat(shown, starts, axis=0)
    count, paths = max(shown.shape[1], 1), ""
    band = HEIGHT / count
    for column in range(shown.shape[1]):
        pairs = np.stack([least[:, column], most[:, column]], axis=1)
        points = pairs[:, :1] if len(starts) == len(shown) else pairs
        top, bottom = float(points.max(initial=0.0)), float(points.min(initial=0.0))
        heights = (band * (column + 0.9 * (top - points) / ((top - bottom) or 1.0))).tolist()
        path = "L".join(f"{index} {height:.4g}" for index, each in enumerate(heights) for height in each)
        paths += f'<path d="M{path}" stroke="{RIGHT}" {FINE}/>' if path else ""
    pixels = min(max(4 * len(starts), 120), 480), 32 + 16 * count
    return _svg((max(len(starts) - 1, 1), HEIGHT), pixels, label, paths)


def weights(values: Floats, *, label: str) -> str:
    """Return weights ``(rows, columns)`` as a grid, the stronger the more opaque; of many, the strongest of a few."""
    rows, columns = _merged(values.shape[0], MOST_ROWS), _merged(values.shape[1], MOST_COLUMNS)
    most = np.maximum.reduceat(np.maximum.reduceat(values, rows, axis=0), columns, axis=1)
    least = np.minimum.reduceat(np.minimum.reduceat(values, rows, axis=0), columns, axis=1)
    strongest = np.where(most >= -least, most, least)
    shade = np.ceil(np.abs(strongest) / (np.abs(strongest).max(initial=0.0) or 1.0) * SHADES).astype(int)
    paths = ""
    for colour, is_own in ((RIGHT, strongest > 0), (EXTRA, strongest < 0)):
        for level in range(1, SHADES + 1):
            path = _strokes(is_own & (shade == level))
            style = f'stroke="{colour}" stroke-opacity="{level / SHADES:g}" stroke-width=".92"'
            paths += f'<path d="{path}" {style}/>' if path else ""
    size = (len(columns), len(rows))
    frame = f'<path d="M0 0H{size[0]}V{size[1]}H0z" stroke="currentColor" stroke-opacity=".3" {FINE}/>'
    pixels = min(max(12 * size[0], 48), 480), min(max(12 * size[1], 12), 144)
    return _svg(size, pixels, label, f'<g transform="translate(0 .5)">{paths}</g>{frame}')


def connections(pre: Integers, post: Integers, *, added: Int64s, size: tuple[int, int], label: str) -> str:
    """Return the weights from lines to neurons as a grid, neurons from top to bottom; neighbours are summed.

    Parameters
    ----------
    pre, post, added : (synapses,) int
        Line, neuron and weight of each synapse.
    size : (int, int)
        Numbers of neurons and of lines.
    """
    steps = [max(1, -(-count // most)) for count, most in zip(size, (MOST_ROWS, MOST_COLUMNS), strict=True)]
    shape = tuple(max(1, -(-count // step)) for count, step in zip(size, steps, strict=True))
    place = post // steps[0] * shape[1] + pre // steps[1]
    sums: Floats = np.bincount(place, weights=added, minlength=shape[0] * shape[1]).astype(np.float64)
    return weights(sums.reshape(shape), label=label)


def merging(shape: tuple[int, ...]) -> str:
    """Return the end of a raster's caption: what one mark stands for, where a raster ``(ticks, neurons)`` is merged."""
    steps = [-(-size // most) for size, most in zip(shape, (MOST_TICKS, MOST_NEURONS), strict=True)]
    parts = [counted(step, noun) for step, noun in zip(steps, ("tick", "line"), strict=True) if step > 1]
    return f"; a mark is any spike in {' and '.join(parts)}" if parts else ""


def sampling(count: int) -> str:
    """Return the end of a caption of so many bars: what one of them stands for, where they are merged."""
    return f"; a bar is the least of {-(-count // MOST_BARS)}" if count > MOST_BARS else ""


def _merged(size: int, most: int) -> NDArray[np.intp]:
    """Return the start of each group of neighbours, for at most ``most`` groups of equal size."""
    return np.arange(0, size, max(1, -(-size // most)))


def _runs(bins: Raster, ticks: NDArray[np.intp], neurons: NDArray[np.intp], style: str) -> str:
    """Return the bins that are set as horizontal strokes, one for each run."""
    if bins.size == 0:
        return ""
    merged = np.logical_or.reduceat(np.logical_or.reduceat(bins, ticks, axis=0), neurons, axis=1)
    path = _strokes(merged.T)
    return f'<path d="{path}" {style}/>' if path else ""


def _strokes(cells: Bools) -> str:
    """Return the path of a horizontal stroke for each run of cells ``(rows, columns)`` that are set."""
    edges = np.diff(np.pad(cells.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    rows, starts = np.nonzero(edges > 0)
    ends = np.nonzero(edges < 0)[1]
    return "".join(
        f"M{start} {row}h{end - start}"
        for row, start, end in zip(rows.tolist(), starts.tolist(), ends.tolist(), strict=True)
    )


def _svg(box: tuple[float, float], pixels: tuple[int, int], label: str, content: str) -> str:
    return (
        f'<svg role="img" aria-label="{escape(text_of(label))}" viewBox="0 0 {box[0]:g} {box[1]:g}"'
        f' width="{pixels[0]}" height="{pixels[1]}" preserveAspectRatio="none" fill="none" stroke-width="1">'
        f"{content}</svg>"
    )
