"""Matplotlib functions that draw plots into given axes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from snnprog.arrays import Raster
from snnprog.output_files import write_bytes
from snnprog.raster import events_of_raster
from snnprog.spec import Pattern
from snnprog.trace import Trace

INPUT, RIGHT, MISSED, EXTRA = "#5b6770", "#1b6ca8", "#d1495b", "#edae49"


def draw_raster(ax: Axes, raster: Raster, *, label: str, color: str = INPUT) -> None:
    """Draw the spikes of a raster ``(ticks, neurons)``, one row per neuron."""
    tick, neuron = events_of_raster(raster)
    ax.scatter(tick, neuron, marker="|", s=_mark_size(raster.shape[1]), linewidths=1.4, color=color, label=label)
    _frame(ax, raster)


def draw_comparison(ax: Axes, targets: Raster, *, spikes: Raster) -> None:
    """Draw correct, missing and extra spikes, each in its colour."""
    for raster, label, color in (
        (targets & spikes, "correct", RIGHT),
        (targets & ~spikes, "missing", MISSED),
        (spikes & ~targets, "extra", EXTRA),
    ):
        if raster.any() or label == "correct":
            draw_raster(ax, raster, label=label, color=color)


def save_trials(path: Path, patterns: Sequence[Pattern], traces: Sequence[Trace], *, title: str) -> None:
    """Write a picture of several trials side by side: inputs above, outputs against their targets below."""
    ticks = sum(pattern.ticks for pattern in patterns)
    figure = Figure(figsize=(min(4.0 + ticks / 16.0, 14.0), 4.4), layout="constrained")
    FigureCanvasAgg(figure)
    above, below = figure.subplots(
        2, 1, sharex=True, height_ratios=[3, max(0.6, 3 * patterns[0].targets.shape[1] / patterns[0].inputs.shape[1])]
    )
    draw_raster(above, np.concatenate([pattern.inputs for pattern in patterns]), label="input")
    draw_comparison(
        below,
        np.concatenate([pattern.targets for pattern in patterns]),
        spikes=np.concatenate([trace.spikes for trace in traces]),
    )
    above.set(ylabel="input line", title=title)
    below.set(ylabel="output", xlabel="tick (patterns one after another)")
    for start in np.cumsum([pattern.ticks for pattern in patterns])[:-1]:
        for ax in (above, below):
            ax.axvline(float(start) - 0.5, color="#d5d9dc", linewidth=0.8, zorder=0)
    figure.legend(*below.get_legend_handles_labels(), loc="outside lower right", ncols=3, frameon=False)
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=150)
    write_bytes(path, content.getvalue())


def _frame(ax: Axes, raster: Raster) -> None:
    ax.set_xlim(-0.5, raster.shape[0] - 0.5)
    ax.set_ylim(-0.6, raster.shape[1] - 0.4)
    if raster.shape[1] <= 12:
        ax.set_yticks(range(raster.shape[1]))
    ax.spines[["top", "right"]].set_visible(False)


def _mark_size(rows: int) -> float:
    return float(np.clip(1600.0 / max(rows, 1), 12.0, 140.0))
