"""What values say of themselves: a short line in a session, a card in a notebook; small and safe whatever they hold."""

from __future__ import annotations

import re
from dataclasses import is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from xml.etree import ElementTree

import numpy as np
import pytest
from chromium import violations
from shown_values import HOSTILE, shared_program, shown_values
from untyped import untyped

import snnprog as sp
from snnprog.display import pictures
from snnprog.display.card import BAD, COLOURS, GOOD, MOST_CHARACTERS, MOST_ROWS, STYLE, Card, Displayed, html_of
from snnprog.errors import InfeasibleError
from snnprog.table import Table

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ViewportSize

SMALL = {"Dynamics", "Robust", "Convolution", "EventView"}
"""Public data of a few integers, which dataclasses show in full."""

ELSEWHERE = {"EventRecording", "StreamProof"}
"""Classes that show themselves, of which `shown_values` has no value."""

LIMIT = 30_000
"""Characters of a card: a hundred of them are 3 MB at most, and mostly far less."""


def html(value: object) -> str:
    shown: str = untyped(value)._repr_html_()
    return shown


def strokes(svg: str) -> list[tuple[int, ...]]:
    """Return column, row and length of each stroke of a raster or of weights."""
    return [tuple(map(int, found)) for found in re.findall(r"M(\d+) (\d+)h(\d+)", svg)]


def channel(value: float) -> float:
    return value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4


def contrast(colour: str, other: str) -> float:
    """Return the contrast of two colours as WCAG 2.2 defines it."""
    sums = []
    for each in (colour, other):
        red, green, blue = (channel(int(each[at : at + 2], 16) / 255) for at in (1, 3, 5))
        sums.append(0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)
    return max(sums) / min(sums)


# --------------------------------------------------------------------------------------------------------- every value


def test_a_repr_is_one_short_line_without_control_characters() -> None:
    for name, value in shown_values().items():
        if not isinstance(value, InfeasibleError):  # shows its message, as any exception does
            text = repr(value)
            assert text.startswith(f"<{type(value).__name__}: "), name
            assert text.endswith(">"), name
            assert len(text) <= MOST_CHARACTERS, name
            assert text.isprintable(), name


def test_a_card_is_well_formed_small_and_loads_nothing() -> None:
    for name, value in shown_values().items():
        shown = html(value)
        assert len(shown) <= LIMIT, name
        tags = {element.tag for element in ElementTree.fromstring(shown).iter()}
        assert not tags & {"script", "link", "img", "image", "iframe", "object", "use", "a"}, name
        assert not re.search(r"https?:|url\(|\bon\w+=|javascript:", shown), name
        assert type(value).__name__ in shown, name


def test_texts_of_others_are_escaped() -> None:
    shown = html(shown_values()["trained network"])
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
    assert "\x1b" not in shown
    table = Table.plain(HOSTILE, columns=(HOSTILE,), rows=[(HOSTILE,)])
    picture = pictures.raster([(np.ones((2, 2), bool), pictures.INPUT)], label=HOSTILE)
    whole = html_of(HOSTILE, HOSTILE, Card(GOOD, facts=[(HOSTILE, HOSTILE)], table=table, notes=[HOSTILE]))
    for text in (whole, picture):
        assert "<script" not in text
        ElementTree.fromstring(text)


def test_long_texts_are_cut_off() -> None:
    conflict = sp.Conflict(0, 0, 1, "so it is. " * 100)
    assert len(repr(conflict)) == MOST_CHARACTERS
    assert repr(conflict).endswith("…>")


def test_every_public_dataclass_with_arrays_shows_itself_in_brief() -> None:
    classes = [value for name in sp.__all__ if isinstance(value := getattr(sp, name), type) and is_dataclass(value)]
    assert {each.__name__ for each in classes if not issubclass(each, Displayed)} == SMALL
    shown = {type(value) for value in shown_values().values()}
    assert {each.__name__ for each in classes} - {each.__name__ for each in shown} - SMALL == ELSEWHERE


def test_convolutions_are_not_unrolled_to_be_shown() -> None:
    program = shared_program()
    assert "57600 synapses" in repr(program)
    assert "57600 synapses" in html(program)
    assert "whole" not in vars(program.synapses)


def test_outcomes_are_marked() -> None:
    values = shown_values()
    kinds = {name: ElementTree.fromstring(html(values[name])).get("class") for name in ("result", "error", "pattern")}
    assert kinds == {"result": f"snnprog {GOOD}", "error": f"snnprog {BAD}", "pattern": "snnprog "}
    closest = sp.compile(sp.Spec([_contradiction()]), on_infeasible="closest")
    assert repr(closest).startswith("<CompileResult: closest found, 1 wrong bin;")
    assert ElementTree.fromstring(html(closest)).get("class") == f"snnprog {BAD}"


def test_ipython_prints_the_reason_and_the_callers_lines_only() -> None:
    with pytest.raises(InfeasibleError) as caught:
        sp.compile(sp.Spec([_contradiction()]))
    lines = untyped(caught.value)._render_traceback_()
    package = str(Path(sp.__file__).parent)
    assert [line for line in lines if package in line] == []
    assert "sp.compile(sp.Spec([_contradiction()]))" in lines[1]
    assert lines[-1] == f"InfeasibleError: {caught.value}"
    assert len(lines) == 3


def test_several_conflicts_are_listed() -> None:
    targets = np.zeros((4, 2), bool)
    targets[1] = True
    with pytest.raises(InfeasibleError) as caught:
        sp.compile(sp.Spec([sp.Pattern(np.zeros((4, 1), bool), targets)]))
    assert html(caught.value).count("<tr>") == 1 + len(caught.value.conflicts) > 2


def test_many_rows_are_left_out_and_counted() -> None:
    table = Table.plain("", columns=("row",), rows=[(index,) for index in range(50)])
    shown = html_of("T", "", Card(table=table))
    assert shown.count("<tr>") == MOST_ROWS + 1
    assert f"{50 - MOST_ROWS} rows not shown" in shown


def _contradiction() -> sp.Pattern:
    targets = np.zeros((4, 1), bool)
    targets[1] = True
    return sp.Pattern(np.zeros((4, 1), bool), targets)


# ------------------------------------------------------------------------------------------------------------ pictures


def test_a_raster_has_a_stroke_for_each_run_of_spikes() -> None:
    raster = np.zeros((6, 3), bool)
    raster[[0, 1, 2, 5], 0] = raster[3, 2] = True
    assert strokes(pictures.raster([(raster, pictures.RIGHT)], label="")) == [(0, 0, 3), (5, 0, 1), (3, 2, 1)]


def test_a_spike_of_a_long_raster_is_never_lost() -> None:
    ticks = 100_000
    for tick in (0, 416, 417, 50_001, ticks - 1):
        raster = np.zeros((ticks, 100), bool)
        raster[tick, 99] = True
        ((column, row, width),) = strokes(pictures.raster([(raster, pictures.RIGHT)], label=""))
        assert (column, width) == (tick // 417, 1)
        assert row == 99 // 5


def test_bars_have_their_heights_and_the_colour_of_what_is_wrong() -> None:
    svg = pictures.bars([2.0, -1.0, 1.0], label="")
    right, wrong = (re.findall(rf'd="([^"]*)" stroke="{colour}"', svg) for colour in (pictures.RIGHT, pictures.MISSING))
    assert right == ["M0.5 66.67v-66.67M2.5 66.67v-33.33"]
    assert wrong == ["M1.5 66.67v33.33"]


def test_of_many_bars_the_least_are_kept() -> None:
    values = np.ones(10_000)
    values[7_777] = -3.0
    svg = pictures.bars(values, label="")
    assert len(re.findall(r"M[\d.]+ [\d.]+v", svg)) == pictures.MOST_BARS
    assert pictures.MISSING in svg


def test_lines_go_through_the_extremes_of_long_traces() -> None:
    values = np.zeros((100_000, 1), np.int64)
    values[77_777], values[99] = 50, -50
    heights = {float(each) for each in re.findall(r"[ML]\d+ ([\d.e+-]+)", pictures.lines(values, label=""))}
    assert heights == {0.0, 45.0, 90.0}


def test_weights_keep_their_signs_and_the_strongest() -> None:
    values = np.zeros((2, 1000))
    values[1, 3], values[0, 999] = -8.0, 2.0
    svg = pictures.weights(values, label="")
    positive = re.findall(rf'd="([^"]*)" stroke="{pictures.RIGHT}" stroke-opacity="([^"]*)"', svg)
    negative = re.findall(rf'd="([^"]*)" stroke="{pictures.EXTRA}" stroke-opacity="([^"]*)"', svg)
    assert positive == [("M90 0h1", "0.25")]
    assert negative == [("M0 1h1", "1")]


def test_synapses_are_summed_by_neuron_and_line() -> None:
    pre, post, weight = np.array([0, 0, 2]), np.array([1, 1, 0]), np.array([3, 1, -4])
    svg = pictures.connections(pre, post, added=weight, size=(2, 3), label="")
    assert sorted(strokes(svg)) == [(0, 1, 1), (2, 0, 1)]
    assert svg.count('stroke-opacity="1"') == 2


def test_captions_say_what_is_merged() -> None:
    assert pictures.merging((240, 24)) == ""
    assert pictures.merging((20_000, 40)) == "; a mark is any spike in 84 ticks and 2 lines"
    assert pictures.merging((241, 1)) == "; a mark is any spike in 2 ticks"
    assert (pictures.sampling(80), pictures.sampling(81)) == ("", "; a bar is the least of 2")
    assert "a mark is any spike in 84 ticks and 2 lines" in html(shown_values()["long spec"])


@pytest.mark.parametrize("shape", [(0, 1), (1, 0), (0, 0)])
def test_nothing_is_a_picture_too(shape: tuple[int, int]) -> None:
    empty = np.zeros(shape)
    for svg in (
        pictures.raster([(empty > 0, pictures.INPUT)], label="", shaded=empty > 0, starts=[0]),
        pictures.lines(empty, label=""),
        pictures.weights(empty, label=""),
        pictures.bars([], label=""),
    ):
        ElementTree.fromstring(svg)


@pytest.mark.parametrize("background", ["#ffffff", "#111111"])
def test_marks_stand_out_on_white_and_on_black(background: str) -> None:
    marks = {pictures.INPUT, pictures.RIGHT, pictures.MISSING, pictures.EXTRA, *COLOURS.values()}
    assert min(contrast(colour, background) for colour in marks) >= 3.0
    assert all(colour in STYLE for colour in COLOURS.values())


# ---------------------------------------------------------------------------------------------------------- in browsers

WIDE: ViewportSize = {"width": 1200, "height": 900}
NARROW: ViewportSize = {"width": 390, "height": 844}
PAGE = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>cards</title>
<meta name="viewport" content="width=device-width"><style>body {{ font: 14px sans-serif; {colours} }}</style></head>
<body><main><h1>cards</h1>{cards}</main></body></html>"""
COLOURS_OF: dict[Literal["light", "dark"], str] = {
    "light": "background: #fff; color: #1a1a1a",
    "dark": "background: #111; color: #e6e6e6",
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_cards_in_a_browser(
    browser: Browser, tmp_path: Path, scheme: Literal["light", "dark"], size: ViewportSize
) -> None:
    """They ask for nothing, fit the screen, run nothing of what they quote, and axe finds nothing to mend."""
    cards = "".join(map(html, shown_values().values()))
    path = tmp_path / "cards.html"
    path.write_text(PAGE.format(colours=COLOURS_OF[scheme], cards=cards), encoding="utf-8")
    context = browser.new_context(viewport=size, color_scheme=scheme, offline=True)
    page, asked = context.new_page(), list[str]()
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: asked.append(dialog.message))
    page.goto(path.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert violations(page) == []
    assert asked == [path.as_uri()]
    context.close()
