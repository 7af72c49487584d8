"""The pictures of the report, for papers and notebooks: matplotlib functions that draw into given axes.

Each takes ``ax=``, draws into the current axes without it, and returns the axes. Colours are those of the page.
"""

from __future__ import annotations

import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from numpy.typing import ArrayLike

from snnprog.arrays import Floats
from snnprog.calls import call_checked
from snnprog.checks import as_integer, check_type
from snnprog.errors import SpecError
from snnprog.program import Program
from snnprog.raster import as_raster, check_width, turned
from snnprog.report.pictures import EXTRA, INPUT, MISSED, RIGHT, draw_raster
from snnprog.report.recording import Judged, judge, name_of_row, nearest, record, rows_of
from snnprog.spec import Pattern, Spec

BAND, SILENCE, UNCOUNTED = "#cfe6d8", "#5f8f3a", "#e9ecef"
MARGIN_COLOURS = {"spike": RIGHT, "silence": SILENCE}
SHOWN_NAMES = 24


@call_checked
def plot_raster(
    spikes: ArrayLike, targets: ArrayLike | None = None, care: ArrayLike | None = None, *, ax: Axes | None = None
) -> Axes:
    """Draw spikes, and their differences from the targets.

    Parameters
    ----------
    spikes : (ticks, neurons) bool
        What came out, or what goes in.
    targets : (ticks, neurons) bool, optional
        The targets: bins that differ are marked.
    care : (ticks, neurons) bool, optional
        Which bins count; all, unless given. Others are shaded.
    ax : matplotlib.axes.Axes, optional

    Raises
    ------
    SpecError
        If a raster is malformed, or their shapes differ.
    """
    ax, fired = _axes(ax), as_raster(spikes, "spikes")
    if targets is None:
        draw_raster(ax, fired, label="spike")
        return _labelled(ax, "tick", "neuron")
    wanted = as_raster(targets, "targets")
    counts = as_raster(np.ones(wanted.shape, dtype=np.bool_) if care is None else care, "care")
    for name, raster in (("targets", wanted), ("care", counts)):
        if raster.shape != fired.shape:
            hint = turned(name, raster.shape, ticks=len(fired), lines=fired.shape[1])
            raise SpecError(f"{name} must have the shape of spikes, {fired.shape}, got {raster.shape}{hint}")
    extent = (-0.5, len(fired) - 0.5, -0.5, fired.shape[1] - 0.5)
    shaded = np.where(counts.T, np.nan, 1.0)
    ax.imshow(shaded, cmap=ListedColormap([UNCOUNTED]), aspect="auto", origin="lower", extent=extent, zorder=0)
    for raster, label, color in (
        (wanted & fired & counts, "correct", RIGHT),
        (wanted & ~fired & counts, "missing", MISSED),
        (fired & ~wanted & counts, "extra", EXTRA),
        (fired & ~counts, "does not count", INPUT),
    ):
        if raster.any() or label == "correct":
            draw_raster(ax, raster, label=label, color=color)
    return _labelled(ax, "tick", "output")


@call_checked
def plot_potential(program: Program, pattern: Pattern | ArrayLike, neuron: int = 0, *, ax: Axes | None = None) -> Axes:
    """Draw a neuron's potential at each tick with its threshold, in weight LSBs.

    Parameters
    ----------
    program : Program
    pattern : Pattern, or (ticks, inputs) bool
        What goes in. With a `Pattern`, the band is shaded that no tick that counts comes into, and ticks where the
        output differs from its target are marked.
    neuron : int
        An output, counted from 0; after all outputs, the hidden neurons.
    ax : matplotlib.axes.Axes, optional

    Raises
    ------
    SpecError
        If the neuron does not exist, or the pattern and the program differ in width.
    """
    ax, row = _axes(ax), _row(program, neuron)
    inputs = pattern.inputs if isinstance(pattern, Pattern) else as_raster(pattern, "pattern")
    check_width("pattern", inputs, lines=program.n_inputs)
    recording = record(program, [inputs])
    unit = program.chip.unit
    potential, threshold = recording.potentials[:, row] / unit, recording.thresholds[row] / unit
    ticks = np.arange(recording.ticks)
    if isinstance(pattern, Pattern):
        judged = judge(recording, Spec([pattern], chip=program.chip))
        _draw_band(ax, judged, row=row, threshold=float(threshold))
    ax.axhline(threshold, color="black", linewidth=1.0, linestyle="--", label="threshold")
    ax.plot(ticks, potential, color=RIGHT, linewidth=1.2, label="potential")
    fired = recording.spikes[:, row]
    ax.scatter(ticks[fired], potential[fired], s=14, color=RIGHT, zorder=3, label="spike")
    if isinstance(pattern, Pattern):
        wrong = (judged.wanted != recording.spikes)[:, row] & judged.counts[:, row]
        if wrong.any():
            ax.scatter(ticks[wrong], potential[wrong], s=40, marker="x", color=MISSED, zorder=4, label="wrong")
    ax.set_title(name_of_row(program, row))
    return _labelled(ax, "tick", "potential (LSB)")


@call_checked
def plot_weights(program: Program, neuron: int = 0, *, ax: Axes | None = None) -> Axes:
    """Draw a neuron's weights by line and delay, in weight LSBs; lines are inputs, then neurons.

    Parameters
    ----------
    program : Program
    neuron : int
        An output, counted from 0; after all outputs, the hidden neurons.
    ax : matplotlib.axes.Axes, optional

    Raises
    ------
    SpecError
        If the neuron does not exist.
    """
    ax, row = _axes(ax), _row(program, neuron)
    mine = program.post == rows_of(program)[row]
    lines = max(program.n_inputs, int(program.pre.max(initial=0)) + 1)
    weights: Floats = np.full((program.max_delay, lines), np.nan)
    places = program.delay[mine] - 1, program.pre[mine]
    weights[places] = 0.0
    np.add.at(weights, places, program.effective_weight()[mine])
    greatest = max(1.0, float(np.abs(np.nan_to_num(weights)).max()))
    extent = (-0.5, lines - 0.5, program.max_delay + 0.5, 0.5)
    image = ax.imshow(weights, cmap="PuOr", vmin=-greatest, vmax=greatest, aspect="auto", extent=extent)
    ax.locator_params(axis="y", integer=True)
    ax.figure.colorbar(image, ax=ax, label="weight (LSB)")
    if lines > program.n_inputs:
        ax.axvline(program.n_inputs - 0.5, color=INPUT, linewidth=0.8)
    if lines <= SHOWN_NAMES and (program.input_names is not None or program.neuron_names is not None):
        ax.set_xticks(range(lines), [program.line_label(line) for line in range(lines)], rotation=90)
    ax.set_title(name_of_row(program, row))
    return _labelled(ax, "input line" if lines == program.n_inputs else "input line, then neurons", "delay (ticks)")


@call_checked
def plot_margins(program: Program, spec: Spec, *, ax: Axes | None = None) -> Axes:
    """Draw how near each neuron comes to doing otherwise, in weight LSBs, measured in the integers that run.

    Up goes the distance above the threshold of the spike that comes nearest to it, down that of the nearest silence;
    what is on the wrong side is marked.

    Parameters
    ----------
    program : Program
    spec : Spec
        The targets.
    ax : matplotlib.axes.Axes, optional

    Raises
    ------
    SpecError
        If program and spec do not belong together.
    """
    ax = _axes(ax)
    check_type("spec", spec, kind=Spec)
    if spec.n_outputs != program.n_outputs:
        raise SpecError(
            f"the program has {program.n_outputs} outputs and the spec {spec.n_outputs}; they do not belong together"
        )
    distances = nearest(judge(record(program, [pattern.inputs for pattern in spec.patterns]), spec))
    for side, sign in (("spike", 1.0), ("silence", -1.0)):
        found = np.array([np.nan if (value := getattr(each, side)) is None else value for each in distances])
        colours = [MISSED if value < 0 else MARGIN_COLOURS[side] for value in found]
        ax.bar(range(len(found)), sign * np.abs(found), color=colours, label=f"nearest {side}")
    ax.axhline(0.0, color="black", linewidth=0.8)
    names = [name_of_row(program, row) for row in range(program.n_neurons)]
    if len(names) <= SHOWN_NAMES:
        ax.set_xticks(range(len(names)), names, rotation=30 if len(names) > 6 else 0)
    ax.yaxis.set_major_formatter(lambda value, _: f"{abs(value):g}")
    return _labelled(ax, "", "distance from the threshold (LSB)")


def _axes(ax: Axes | None) -> Axes:
    return pyplot.gca() if ax is None else ax


def _labelled(ax: Axes, across: str, up: str) -> Axes:
    ax.set(xlabel=across, ylabel=up)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _row(program: Program, neuron: int) -> int:
    check_type("program", program, kind=Program)
    row = as_integer("neuron", neuron)
    if not 0 <= row < program.n_neurons:
        raise SpecError(f"neuron is {row}; the program has 0 to {program.n_neurons - 1}")
    return row


def _draw_band(ax: Axes, judged: Judged, *, row: int, threshold: float) -> None:
    distance = nearest(judged)[row]
    above, below = (max(0.0, each or 0.0) for each in (distance.spike, distance.silence))
    ax.axhspan(threshold - below, threshold + above, color=BAND, linewidth=0, zorder=0, label="margin")
