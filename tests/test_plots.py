"""The report's pictures as matplotlib functions: they draw what is there, into the axes that they are given."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from test_recording import relay
from untyped import untyped

import snnprog as sp
from snnprog.arrays import Floats
from snnprog.report.pictures import EXTRA, MISSED, RIGHT


@pytest.fixture
def ax() -> Iterator[Axes]:
    matplotlib.use("agg")
    figure, axes = pyplot.subplots()
    yield axes
    pyplot.close(figure)


@pytest.fixture
def pattern() -> sp.Pattern:
    """Return a pattern that `relay` gets wrong: output 0 should fire at tick 2 and fires at 4; output 1 is right."""
    inputs, targets = np.zeros((6, 1), dtype=bool), np.zeros((6, 2), dtype=bool)
    inputs[1] = targets[2, 0] = targets[3, 1] = True
    return sp.Pattern(inputs, targets)


def marks(ax: Axes) -> dict[str, list[list[float]]]:
    return {str(each.get_label()): untyped(each.get_offsets()).tolist() for each in ax.collections}


def shown(ax: Axes) -> Floats:
    """Return the numbers of the first image; not a number where it shows none."""
    image: Floats = untyped(np.ma.filled)(ax.images[0].get_array(), np.nan)
    return image


def heights(ax: Axes) -> list[list[float]]:
    """Return the values of each line, in order."""
    return [np.asarray(line.get_ydata()).tolist() for line in ax.lines]


def bars(ax: Axes) -> list[Rectangle]:
    return [patch for patch in ax.patches if isinstance(patch, Rectangle)]


def test_a_raster_alone(ax: Axes, pattern: sp.Pattern) -> None:
    assert sp.plot_raster(pattern.targets, ax=ax) is ax
    assert marks(ax) == {"spike": [[2, 0], [3, 1]]}


def test_a_raster_with_its_differences(ax: Axes, pattern: sp.Pattern) -> None:
    spikes = sp.run(relay(), pattern.inputs).spikes
    sp.plot_raster(spikes, pattern.targets, ax=ax)
    assert marks(ax) == {"correct": [[3, 1]], "missing": [[2, 0]], "extra": [[4, 0]]}
    colours = [matplotlib.colors.to_hex(untyped(each.get_edgecolor())[0]) for each in ax.collections]
    assert colours == [RIGHT, MISSED, EXTRA]


def test_bins_that_do_not_count_are_told_apart(ax: Axes, pattern: sp.Pattern) -> None:
    spikes = sp.run(relay(), pattern.inputs).spikes
    care = np.ones_like(spikes)
    care[4, 0] = False
    sp.plot_raster(spikes, pattern.targets, care, ax=ax)
    assert marks(ax) == {"correct": [[3, 1]], "missing": [[2, 0]], "does not count": [[4, 0]]}
    shaded = np.argwhere(~np.isnan(shown(ax)))
    assert shaded.tolist() == [[0, 4]]


def test_rasters_of_different_shape_are_refused(ax: Axes) -> None:
    with pytest.raises(sp.SpecError, match=r"targets must have the shape of spikes, \(6, 1\), got \(5, 1\)"):
        sp.plot_raster(np.zeros((6, 1), bool), np.zeros((5, 1), bool), ax=ax)


def test_a_potential_with_its_band(ax: Axes, pattern: sp.Pattern) -> None:
    assert sp.plot_potential(relay(), pattern, 1, ax=ax) is ax
    threshold, potential = heights(ax)
    assert (threshold[0], potential) == (50, [0, 0, 0, 70, 0, 0])
    assert marks(ax)["spike"] == [[3, 70]]
    (band,) = bars(ax)
    assert (band.get_y(), band.get_y() + band.get_height()) == (0, 70)


def test_wrong_ticks_of_a_potential_are_marked(ax: Axes, pattern: sp.Pattern) -> None:
    sp.plot_potential(relay(), pattern, 0, ax=ax)
    assert marks(ax)["wrong"] == [[2, 0], [4, 80]]


def test_a_potential_on_inputs_alone(ax: Axes, pattern: sp.Pattern) -> None:
    sp.plot_potential(relay(), pattern.inputs, 2, ax=ax)
    assert heights(ax)[1] == [0, 0, 60, 0, 0, 0]
    assert ax.get_title() == "hidden neuron 0"
    assert not ax.patches


def test_weights_by_line_and_delay(ax: Axes) -> None:
    """Synapses that lead the same way at the same delay are one; absent ones are no number."""
    program = relay(pre=[0, 0, 3], post=[2, 2, 2], delay=[3, 3, 1], weight=[80, 20, -6])
    sp.plot_weights(program, 0, ax=ax)
    expected = np.full((3, 4), np.nan)
    expected[2, 0], expected[0, 3] = 100, -6
    np.testing.assert_array_equal(shown(ax), expected)
    assert ax.images[0].get_clim() == (-100, 100)


def test_lines_have_their_names_below_weights(ax: Axes) -> None:
    sp.plot_weights(replace(relay(), input_names=("arm",)), 0, ax=ax)
    assert next(label.get_text() for label in ax.get_xticklabels()) == "input 0 (arm)"


def test_a_neuron_without_synapses_has_no_weights(ax: Axes) -> None:
    program = relay(pre=[0], post=[0], delay=[1], weight=[1], exponent=[0])
    sp.plot_weights(program, 0, ax=ax)
    assert np.isnan(shown(ax)).all()


def test_margins_up_for_spikes_and_down_for_silence(ax: Axes, pattern: sp.Pattern) -> None:
    sp.plot_margins(relay(), sp.Spec([pattern]), ax=ax)
    assert [bar.get_height() for bar in bars(ax)] == [50, 20, 10, -30, -50, -50]
    wrong = [matplotlib.colors.to_hex(bar.get_facecolor()) == MISSED for bar in bars(ax)]
    assert wrong == [True, False, False, True, False, False]


def test_all_pictures_go_side_by_side_into_one_figure(pattern: sp.Pattern, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pyplot, "show", lambda: pytest.fail("a picture is shown by who wants it shown"))
    matplotlib.use("agg")
    figure, axes = pyplot.subplots(2, 2)
    numbers, spec = pyplot.get_fignums(), sp.Spec([pattern])
    drawn = [
        sp.plot_raster(pattern.inputs, ax=axes[0, 0]),
        sp.plot_potential(relay(), pattern, ax=axes[0, 1]),
        sp.plot_weights(relay(), ax=axes[1, 0]),
        sp.plot_margins(relay(), spec, ax=axes[1, 1]),
    ]
    assert [one is two for one, two in zip(drawn, axes.flat, strict=True)] == [True] * 4
    assert pyplot.get_fignums() == numbers
    assert all(one.has_data() for one in drawn)
    pyplot.close(figure)


def test_what_does_not_belong_together_is_refused(ax: Axes, pattern: sp.Pattern) -> None:
    with pytest.raises(sp.SpecError, match="neuron is 3; the program has 0 to 2"):
        sp.plot_weights(relay(), 3, ax=ax)
    with pytest.raises(sp.SpecError, match="the program has 1 outputs and the spec 2"):
        sp.plot_margins(relay(outputs=[0]), sp.Spec([pattern]), ax=ax)


def test_without_axes_the_current_ones_are_taken(ax: Axes, pattern: sp.Pattern) -> None:
    assert sp.plot_raster(pattern.targets) is ax
