"""Draw the pictures of ``docs/explanation/idea.md`` from real runs: ``python docs/draw.py`` writes ``docs/pictures``.

Text and axes are of a grey that can be read on white and on black; the ground is left transparent.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

import snnprog as sp

GREY, BLUE, RED, GOLD = "#7b848c", "#2f81c1", "#d1495b", "#d99000"
UNITS = 64  # of the potential, in one weight LSB
TICKS, LINES, DELAYS = 90, 6, range(1, 7)
THRESHOLD = 100

Floats = NDArray[np.float64]


def example() -> tuple[sp.Spec, sp.CompileResult, sp.Trace]:
    """Return a spec of one neuron, what became of it, and its run."""
    rng = np.random.default_rng(4)
    inputs = rng.random((TICKS, LINES)) < 0.06
    targets = np.zeros((TICKS, 1), dtype=np.bool_)
    targets[[14, 31, 47, 52, 77], 0] = True
    spec = sp.Spec([sp.Pattern(inputs, targets)], delays=DELAYS)
    result = sp.compile(spec)
    return spec, result, sp.run(result.program, inputs, record="state")


def leak_of(result: sp.CompileResult) -> float:
    """Return what share of the potential is left after a tick."""
    return float(1.0 - result.program.potential_decay[0] / 4096)


def arrivals(spec: sp.Spec) -> Floats:
    """Return (ticks, delays, lines): 1 where a spike arrives over a tap."""
    raster = spec.patterns[0].inputs
    taps = np.zeros((len(raster), len(spec.delays), raster.shape[1]))
    for index, delay in enumerate(spec.delays):
        taps[delay:, index] = raster[:-delay]
    return taps


def responses(spec: sp.Spec, leak: float, *, has_resets: bool) -> Floats:
    """Return φ, or without resets A: what each tap has left in the potential, (ticks, delays, lines)."""
    coming, held = arrivals(spec), np.zeros((len(spec.delays), spec.n_inputs))
    left = np.zeros_like(coming)
    for tick, now in enumerate(coming):
        was_reset = has_resets and tick > 0 and spec.patterns[0].targets[tick - 1, 0]
        held = (0.0 if was_reset else leak * held) + now
        left[tick] = held
    return left


def reached(program: sp.Program, trace: sp.Trace) -> Floats:
    """Return the potential of neuron 0 before it is reset, in weight LSBs."""
    assert trace.potentials is not None
    assert trace.currents is not None
    before = np.concatenate([[0], trace.potentials[:-1, 0].astype(np.int64)])
    kept = np.sign(before) * (np.abs(before) * (4096 - int(program.potential_decay[0])) >> 12)
    return np.asarray((kept + trace.currents[:, 0] + int(program.bias[0])) / UNITS)


def draw_potential(figure: Figure) -> None:
    """Draw inputs above, and below the potential that they make, against the threshold."""
    spec, result, trace = example()
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[1, 2.4])
    tick, line = np.nonzero(spec.patterns[0].inputs)
    above.scatter(tick, line, marker="|", s=60, color=GREY)
    above.set(ylabel="input line", yticks=range(LINES))
    potential, threshold = reached(result.program, trace), int(result.program.threshold[0])
    fired = np.flatnonzero(trace.spikes[:, 0])
    below.plot(potential, color=BLUE, linewidth=1.3, label="potential before the reset")
    below.axhline(threshold, color=GOLD, linewidth=1.2, label="threshold")
    below.plot(fired, potential[fired], "o", color=RED, markersize=6, label="spike; the potential is set to 0")
    below.set(xlabel="tick", ylabel="weight LSBs")
    figure.legend(loc="outside lower center", ncols=3, frameon=False)


def draw_resets(figure: Figure) -> None:
    """Draw what one input line leaves in the potential, with and without the resets."""
    spec, result, _ = example()
    leak, ax = leak_of(result), figure.subplots()
    line = int(spec.patterns[0].inputs.sum(axis=0).argmax())
    left, never_reset = (responses(spec, leak, has_resets=flag)[:, 0, line] for flag in (True, False))
    resets = np.flatnonzero(spec.patterns[0].targets[:, 0])
    expected = never_reset.copy()
    for start, end in zip(resets, [*(resets[1:] + 1), TICKS], strict=True):
        after = np.arange(start + 1, end)
        expected[after] -= leak ** (after - start) * never_reset[start]
    assert np.allclose(left, expected), "φ[k] = A[k] − γ^(k−s) A[s]"
    ax.fill_between(range(TICKS), left, color=BLUE, alpha=0.45, step="post", label="φ: since the last reset")
    ax.step(range(TICKS), never_reset, where="post", color=GREY, linewidth=1.2, label="A: never reset")
    for tick in resets:
        ax.axvline(tick + 1, color=RED, linewidth=1.0, label="reset" if tick == resets[0] else None)
    ax.set(xlabel="tick", ylabel=f"what line {line} has left")
    figure.legend(loc="outside lower center", ncols=3, frameon=False)


def draw_rounding(figure: Figure) -> None:
    """Draw each tick's distance from the threshold, and what rounding could do to it and did."""
    spec, result, trace = example()
    neuron, found, leak = result.network.neurons[0], result.report.neurons[0], leak_of(result)
    traces = responses(spec, leak, has_resets=True)
    designed = found.scale * np.tensordot(traces, neuron.weights, axes=2)
    distance = np.abs(designed - found.scale * neuron.threshold)
    at_most = 0.5 * (1 << found.exponent) * traces.sum(axis=(1, 2)) + truncation(spec, leak)
    did = np.abs(reached(result.program, trace) - designed)
    assert (did <= at_most).all(), "rounding does no more than the bound says"
    ax = figure.subplots()
    spikes = spec.patterns[0].targets[:, 0]
    ticks = np.arange(TICKS)
    ax.plot(ticks[spikes], distance[spikes], "o", color=RED, markersize=6, label="distance where a spike is due")
    ax.plot(ticks[~spikes], distance[~spikes], ".", color=BLUE, label="distance where none is")
    ax.fill_between(ticks, at_most, 1e-3, color=GOLD, alpha=0.3, step="mid", label="what any rounding could do")
    ax.plot(ticks, np.maximum(did, 1e-3), "_", color=GREY, markersize=6, label="what this rounding did")
    ax.set(yscale="log", ylim=(1e-3, None), xlabel="tick", ylabel="weight LSBs")
    figure.legend(loc="outside lower center", ncols=2, frameon=False)


def truncation(spec: sp.Spec, leak: float) -> Floats:
    """Return the most that cut-off decays can have added up to since the last reset, in weight LSBs, per tick."""
    lost, total = 0.0, np.zeros(TICKS)
    for tick in range(TICKS):
        was_reset = tick > 0 and spec.patterns[0].targets[tick - 1, 0]
        lost = 0.0 if was_reset else leak * lost + 1.0
        total[tick] = lost / UNITS
    return total


def logic(answers: dict[tuple[int, int], bool]) -> sp.Spec:
    """Return a spec of two lines and one neuron: whether it fires after these came together, each case from rest."""
    patterns = []
    for lines, fires in answers.items():
        inputs, targets = np.zeros((4, 2), dtype=np.bool_), np.zeros((4, 1), dtype=np.bool_)
        inputs[1], targets[2] = lines, fires
        patterns.append(sp.Pattern(inputs, targets))
    return sp.Spec(patterns, delays=[1], threshold=THRESHOLD)


def draw_weights(figure: Figure) -> None:
    """Draw the plane of two weights: the demands of AND leave a corner, those of XOR nothing."""
    left, right = figure.subplots(1, 2, sharey=True)
    both = {(1, 0): False, (0, 1): False, (1, 1): True}
    program = sp.compile(logic(both)).program
    weights = dict(zip(program.pre.tolist(), program.effective_weight().tolist(), strict=True))
    _draw_demands(left, both, "AND: weights that do")
    left.plot(weights[0], weights[1], "*", color=RED, markersize=13, label=f"compiled: {weights[0]}, {weights[1]}")
    left.legend(loc="lower left", frameon=False)
    either = {(1, 0): True, (0, 1): True, (1, 1): False}
    (conflict,) = sp.explain(logic(either)).verdicts[0].conflicts
    shares = ", ".join(str(share) for share in conflict.shares)
    _draw_demands(right, either, f"XOR: none; shares of the proof {shares}")
    right.set(ylabel="")


def _draw_demands(ax: Axes, answers: dict[tuple[int, int], bool], title: str) -> None:
    """Shade, for each demand, the weights that do not meet it; what is left clear meets all."""
    span = np.linspace(-40, 240, 281)
    first, second = np.meshgrid(span, span)
    for (one, other), fires in answers.items():
        potential = one * first + other * second
        ax.contourf(span, span, (potential > THRESHOLD) != fires, levels=[0.5, 1.5], colors=[BLUE], alpha=0.25)
        ax.contour(span, span, potential, levels=[THRESHOLD], colors=[GREY], linewidths=1.0)
    ax.set(title=title, xlabel="weight of line 0", ylabel="weight of line 1", aspect="equal")


PICTURES = {
    "potential": (draw_potential, (8.0, 4.2)),
    "resets": (draw_resets, (8.0, 2.8)),
    "rounding": (draw_rounding, (8.0, 3.6)),
    "weights": (draw_weights, (8.0, 4.2)),
}


def main(folder: Path) -> None:
    """Draw all pictures into a folder."""
    mpl.rcParams.update(dict.fromkeys(("text.color", "axes.labelcolor", "xtick.color", "ytick.color"), GREY))
    mpl.rcParams.update({"axes.edgecolor": GREY, "axes.spines.top": False, "axes.spines.right": False})
    mpl.rcParams.update({"svg.hashsalt": "snnprog", "svg.fonttype": "path", "axes.titlesize": "medium"})
    for name, (draw, size) in PICTURES.items():
        figure = Figure(figsize=size, layout="constrained")
        draw(figure)
        figure.savefig(folder / f"{name}.svg", transparent=True, bbox_inches="tight", metadata={"Date": None})


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent / "pictures")
