"""The page in a real browser: it opens without a request, shows what ran, and is worked by pointer, finger and key."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pytest
from cases import CASES
from chromium import LEFT, in_view, pixels, settled, span, tick_x, tip, violations
from test_bands import clocked, whole_sums
from test_page import impossible
from test_recording import relay

import snnprog as sp
from snnprog.report.page import page_of_program, write_page
from snnprog.report.page.bands import band_of
from snnprog.report.recording import record

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Request, ViewportSize

WIDE: ViewportSize = {"width": 1280, "height": 900}
NARROW: ViewportSize = {"width": 390, "height": 844}
HOSTILE = "<script>window.hacked = true</script><img src=x onerror='window.hacked = true'>"

Open = Callable[..., "Page"]
Scheme = Literal["light", "dark"]


# ------------------------------------------------------------------------------------------------------- pages to open


@pytest.fixture(scope="module")
def spec() -> sp.Spec:
    return CASES["everything"]()


@pytest.fixture(scope="module")
def program(spec: sp.Spec) -> sp.Program:
    return sp.compile(spec).program


@pytest.fixture(scope="module")
def wrong_spec(spec: sp.Spec) -> sp.Spec:
    """Return the spec with two targets changed: output 1 should be silent at one tick, and fire at another."""
    first, second = spec.patterns
    targets = second.targets.copy()
    spike, silence = np.flatnonzero(targets[:, 1])[3], np.flatnonzero(~targets[:, 1])[10]
    targets[spike, 1], targets[silence, 1] = False, True
    return sp.Spec([first, sp.Pattern(second.inputs, targets)], spec.delays, recurrent=True, dynamics=spec.dynamics)


@pytest.fixture(scope="module")
def pages(
    tmp_path_factory: pytest.TempPathFactory, program: sp.Program, spec: sp.Spec, wrong_spec: sp.Spec
) -> dict[str, Path]:
    """Return the page of each kind, by name."""
    folder = tmp_path_factory.mktemp("pages")
    subjects = {
        "exact": page_of_program(program, spec, backends=["kernel", "reference"], title=HOSTILE),
        "wrong": page_of_program(program, wrong_spec),
        "inputs": page_of_program(program, inputs=[pattern.inputs for pattern in spec.patterns]),
        "alone": page_of_program(program),
        "long": page_of_program(program, inputs=[pattern.inputs for pattern in spec.patterns for _ in range(7)][:13]),
        "robust": page_of_program(whole_sums(), clocked(whole_sums()), robust=sp.Robust(jitter=1, exempt=(2,))),
        "refractory": page_of_program(relay(refractory=[3, 1, 3]), inputs=[np.ones((8, 1), dtype=bool)]),
    }
    for name, page in subjects.items():
        write_page(folder / f"{name}.html", page)
    sp.write_report(folder / "infeasible.html", impossible())
    return {name: folder / f"{name}.html" for name in (*subjects, "infeasible")}


@pytest.fixture
def open_page(browser: Browser, pages: dict[str, Path]) -> Iterator[Open]:
    """Return a function that opens a page and waits until it is drawn; nothing may be asked for, or go wrong."""
    contexts: list[BrowserContext] = []
    troubles: list[str] = []

    def opened(name: str, *, size: ViewportSize = WIDE, scheme: Scheme = "light", touch: bool = False) -> Page:
        context = browser.new_context(viewport=size, color_scheme=scheme, has_touch=touch, offline=True)
        contexts.append(context)
        page = context.new_page()
        uri = pages[name].as_uri()

        def note(request: Request) -> None:
            if not request.url.startswith((uri, "data:")):
                troubles.append(request.url)

        page.on("request", note)
        page.on("console", lambda message: troubles.append(message.text))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.goto(uri)
        page.wait_for_selector("html[data-ready=true]", timeout=20_000)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert troubles == []


# --------------------------------------------------------------------------------------------------- it opens anywhere


@pytest.mark.parametrize("name", ["exact", "wrong", "inputs", "alone", "infeasible"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_it_opens_without_a_request_and_fits_the_screen(open_page: Open, name: str, size: dict[str, Any]) -> None:
    page = open_page(name, size=size)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    drawn = page.evaluate("[...document.querySelectorAll('.chart canvas:first-child')].map((one) => one.id)")
    expected = {
        "exact": ["inputs", "outputs", "potential", "weights", "margins"],
        "wrong": ["inputs", "outputs", "potential", "weights", "margins"],
        "inputs": ["inputs", "outputs", "potential", "weights"],
        "alone": ["weights"],
        "infeasible": ["inputs", "outputs"],
    }[name]
    assert drawn == expected
    inks = {"inputs": "input", "outputs": "axis", "potential": "potential", "weights": "axis", "margins": "spike-side"}
    for chart in drawn:
        assert pixels(page, chart, inks[chart]) > 20, chart


def test_untrusted_texts_stay_texts(open_page: Open) -> None:
    page = open_page("exact")
    assert page.locator(".verdict .title").inner_text() == HOSTILE
    assert page.evaluate("window.hacked") is None


def test_what_cannot_be_unpacked_is_told(browser: Browser, pages: dict[str, Path], tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.html"
    text = pages["exact"].read_text(encoding="utf-8")
    damaged.write_text(re.sub(r'("inputs":{"rows":3,"data":")[^"]+', r"\1AAAA", text), encoding="utf-8")
    page = browser.new_page()
    page.goto(damaged.as_uri())
    page.get_by_role("alert").wait_for()
    assert page.get_by_role("alert").inner_text().startswith("The charts cannot be drawn (")
    assert page.locator("#neuron-table tbody tr").count() == 2
    page.close()


def test_the_policy_lets_nothing_out_and_nothing_in(browser: Browser, pages: dict[str, Path]) -> None:
    page = browser.new_page()
    page.goto(pages["exact"].as_uri())
    page.wait_for_selector("html[data-ready=true]")
    blocked = page.evaluate(
        """() => new Promise((done) => {
            const found = [];
            document.addEventListener("securitypolicyviolation", (event) => {
                found.push(event.effectiveDirective);
                if (found.length === 3) done(found.sort());
            });
            fetch("https://example.org/").catch(() => {});
            const script = document.createElement("script");
            script.textContent = "window.hacked = true";
            document.body.append(script);
            document.body.insertAdjacentHTML("beforeend", "<img src='https://example.org/x.png'>");
        })"""
    )
    assert blocked == ["connect-src", "img-src", "script-src-elem"]
    assert page.evaluate("window.hacked") is None
    page.close()


# ---------------------------------------------------------------------------------------------- it shows what there is


def all_ticks(page: Page) -> str:
    """Show all ticks, and return the span that the page names."""
    page.click("#reset")
    return span(page)


def test_differences_are_marked_and_only_they(open_page: Open) -> None:
    wrong, exact = open_page("wrong"), open_page("exact")
    assert pixels(wrong, "outputs", "missing") > 5
    assert pixels(wrong, "outputs", "extra") > 5
    assert pixels(exact, "outputs", "missing") == pixels(exact, "outputs", "extra") == 0
    told = {name: page.locator("#legend").inner_text() for name, page in (("wrong", wrong), ("exact", exact))}
    assert "missing" in told["wrong"]
    assert "extra" in told["wrong"]
    assert "missing" not in told["exact"]


def test_buttons_go_from_difference_to_difference(open_page: Open, wrong_spec: sp.Spec, spec: sp.Spec) -> None:
    page = open_page("wrong")
    tick, output = (int(index[0]) for index in np.nonzero(wrong_spec.patterns[1].targets != spec.patterns[1].targets))
    page.click("#next-difference")
    page.focus("#outputs")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    assert tip(page, "outputs") == f"pattern 1, tick {tick}\noutput {output}: missing spike"
    assert page.locator("#chosen").inner_text() == f"output {output}"
    assert page.locator("#neuron").input_value() == str(output)


def test_hovering_tells_the_values(open_page: Open, spec: sp.Spec, program: sp.Program) -> None:
    page = open_page("exact")
    recording = record(program, [pattern.inputs for pattern in spec.patterns])
    page.select_option("#pattern", "0")
    assert span(page) == "pattern 0, tick 0 to 29"
    tick = int(np.flatnonzero(recording.spikes[:30, 0])[1])
    for chart in ("outputs", "potential"):
        box = in_view(page.locator(f"#{chart}"))
        page.mouse.move(box["x"] + tick_x(box, tick, 30), box["y"] + 24)
        assert tip(page, chart).startswith(f"pattern 0, tick {tick}\n")
    assert f"({recording.potentials[tick, 0]} / 64)" in tip(page, "potential")
    page.mouse.move(5, 5)
    assert page.locator(".tip:visible").count() == 0


def test_a_refractory_period_is_told(open_page: Open) -> None:
    page = open_page("refractory")
    page.focus("#potential")
    page.keyboard.press("Home")
    told = []
    for _ in range(7):
        told.append(page.locator("#potential-said").inner_text())
        page.keyboard.press("ArrowRight")
    assert ["held" in text for text in told] == [False] * 4 + [True, True, False]
    assert told[3] == "tick 3, potential 80 LSB (5120 / 64), 30 above the threshold 50"


def test_hovering_tells_weights_and_margins(open_page: Open, program: sp.Program) -> None:
    page = open_page("exact")
    mine = (program.post == 0) & (program.pre == 0) & (program.delay == 1)
    box = in_view(page.locator("#weights"))
    page.mouse.move(box["x"] + LEFT + 5, box["y"] + 34 + 5)
    told = tip(page, "weights")
    if mine.any():
        assert told == f"input 0, delay 1: weight {program.effective_weight()[mine].sum()} LSB".replace("-", "−")
    else:
        assert told == "input 0, delay 1: no synapse"
    box = in_view(page.locator("#margins"))
    page.mouse.move(box["x"] + LEFT + 90, box["y"] + 60)
    assert re.match(r"output 1\nnearest spike [\d.]+ LSB away, nearest silence [\d.]+ LSB away", tip(page, "margins"))


def test_it_starts_on_one_pattern_and_buttons_go_to_the_next(open_page: Open) -> None:
    page = open_page("exact")
    assert span(page) == "pattern 0, tick 0 to 29"
    assert page.locator("#pattern").input_value() == "0"
    assert page.locator("#earlier").is_disabled()
    page.click("#later")
    assert span(page) == "pattern 1, tick 0 to 44"
    page.click("#earlier")
    assert span(page) == "pattern 0, tick 0 to 29"


def test_it_starts_on_the_first_pattern_with_a_wrong_bin(open_page: Open) -> None:
    assert span(open_page("wrong")).startswith("pattern 1, tick 0 to ")


def test_short_patterns_are_shown_whole(browser: Browser, tmp_path: Path) -> None:
    spikes = np.eye(3, 1, dtype=bool)
    program = sp.compile(sp.Spec([sp.Pattern(spikes, np.roll(spikes, 1)), sp.Pattern(spikes * 0, spikes * 0)])).program
    write_page(tmp_path / "short.html", page_of_program(program, inputs=[spikes * 0, spikes]))
    page = browser.new_page()
    page.goto((tmp_path / "short.html").as_uri())
    page.wait_for_selector("html[data-ready=true]")
    assert span(page) == "pattern 1, tick 0 to 2"
    page.close()


# ---------------------------------------------------------------------------------------------------- it saves, prints


def saved(page: Page, label: str, folder: Path) -> Path:
    """Return the file that a button saves."""
    with page.expect_download() as download:
        page.get_by_role("button", name=label, exact=True).click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_band_of_perturbed_inputs_is_drawn_described_and_saved(
    open_page: Open, scheme: Scheme, tmp_path: Path
) -> None:
    spec = clocked(whole_sums())
    band = band_of(record(whole_sums(), [pattern.inputs for pattern in spec.patterns]), 0, sp.Robust(1, exempt=(2,)))
    assert band is not None
    page = open_page("robust", scheme=scheme)
    assert "all perturbed inputs (jitter 1, exempt 2)" in page.locator("#potential-legend").inner_text()
    assert page.locator("#potential").get_attribute("aria-label") == (
        "Potential of the chosen neuron against its threshold, with the band of all perturbed inputs"
    )
    translucent = """() => {
        const canvas = document.getElementById("potential");
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        const colour = getComputedStyle(document.documentElement).getPropertyValue("--perturbed");
        const wanted = parseInt(colour.slice(7), 16);
        let count = 0;
        for (let i = 3; i < data.length; i += 4) if (data[i] === wanted) count++;
        return count;
    }"""
    assert page.evaluate(translucent) > 1000
    page.locator("#potential").focus()
    page.keyboard.press("ArrowRight")
    assert re.search(r"all perturbed inputs: −?[0-9.]+ to −?[0-9.]+ LSB", tip(page, "potential"))
    with saved(page, "Potential of the chosen neuron", tmp_path).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["least_perturbed"]) for row in rows] == band[0].tolist()
    assert [int(row["greatest_perturbed"]) for row in rows] == band[1].tolist()


def test_spikes_are_saved_as_the_package_reads_them(
    open_page: Open, spec: sp.Spec, program: sp.Program, wrong_spec: sp.Spec, tmp_path: Path
) -> None:
    page = open_page("wrong")
    rasters = {
        "Input spikes": [pattern.inputs for pattern in spec.patterns],
        "Output spikes": [trace.spikes for trace in sp.run(program, [pattern.inputs for pattern in spec.patterns])],
        "Target spikes": [pattern.targets for pattern in wrong_spec.patterns],
    }
    for label, expected in rasters.items():
        path = saved(page, label, tmp_path)
        found = sp.read_rasters(path, ticks=max(map(len, expected)), neurons=expected[0].shape[1])
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one[: len(other)], other)
            assert not one[len(other) :].any()
    wrong = saved(page, "Wrong bins", tmp_path).read_text(encoding="utf-8").splitlines()
    tick, output = (int(index[0]) for index in np.nonzero(wrong_spec.patterns[1].targets != spec.patterns[1].targets))
    assert wrong[0] == "pattern,tick,neuron,kind"
    assert f"1,{tick},{output},missing" in wrong
    assert len(wrong) == 3


def test_potentials_synapses_and_neurons_are_saved(
    open_page: Open, spec: sp.Spec, program: sp.Program, tmp_path: Path
) -> None:
    page = open_page("exact")
    page.select_option("#neuron", "1")
    recording = record(program, [pattern.inputs for pattern in spec.patterns])
    with saved(page, "Potential of the chosen neuron", tmp_path).open(encoding="utf-8", newline="") as file:
        potentials = list(csv.DictReader(file))
    assert [int(row["potential"]) for row in potentials] == recording.potentials[:, 1].tolist()
    assert [row["spike"] == "1" for row in potentials] == recording.spikes[:, 1].tolist()
    assert {row["neuron"] for row in potentials} == {"output 1"}
    assert [(row["pattern"], row["tick"]) for row in (potentials[29], potentials[30])] == [("0", "29"), ("1", "0")]
    with saved(page, "Synapses", tmp_path).open(encoding="utf-8", newline="") as file:
        synapses = list(csv.DictReader(file))
    assert sorted(int(row["weight_lsb"]) for row in synapses) == sorted(program.effective_weight().tolist())
    table = saved(page, "Table of neurons", tmp_path).read_text(encoding="utf-8").splitlines()
    assert [line.partition(",")[0] for line in table] == ["neuron", "output 0", "output 1"]


def test_charts_are_saved_as_pictures(open_page: Open, tmp_path: Path) -> None:
    page = open_page("exact")
    assert saved(page, "Potential", tmp_path).read_bytes().startswith(b"\x89PNG")


def test_paper_is_light_and_everything_is_unfolded(open_page: Open) -> None:
    page = open_page("long", scheme="dark")
    folded = page.locator("details.table")
    assert folded.count() == 1
    assert not folded.locator("table").is_visible()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert folded.locator("table tbody tr").count() == 14
    assert folded.locator("table").is_visible()
    assert page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--card').trim()") == "#ffffff"
    assert pixels(page, "outputs", "axis") > 20
    page.emulate_media(media="screen")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert not folded.locator("table").is_visible()
    assert page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--card').trim()") == "#182028"


# -------------------------------------------------------------------------------------------------------- it is worked


def test_dragging_the_wheel_and_a_double_click_zoom(open_page: Open) -> None:
    page = open_page("exact")
    box = in_view(page.locator("#outputs"))
    y = box["y"] + 20
    everything = all_ticks(page)
    page.mouse.move(box["x"] + tick_x(box, 10, 75), y)
    page.mouse.down()
    page.mouse.move(box["x"] + tick_x(box, 15, 75), y)
    page.mouse.move(box["x"] + tick_x(box, 20, 75), y)
    page.mouse.up()
    assert span(page) == "pattern 0, tick 10 to 20"
    page.keyboard.down("Control")
    page.mouse.wheel(0, 120)
    page.keyboard.up("Control")
    page.wait_for_function(
        "text => document.getElementById('span').textContent !== text", arg="pattern 0, tick 10 to 20"
    )
    page.mouse.dblclick(box["x"] + 300, y)
    page.wait_for_function("text => document.getElementById('span').textContent === text", arg=everything)
    before = page.evaluate("scrollY")
    page.mouse.wheel(0, 120)  # in focus since the double click
    assert page.evaluate("scrollY") == before


@pytest.mark.parametrize("chart", ["weights", "margins"])
def test_charts_without_ticks_take_no_gesture_of_those_with(open_page: Open, chart: str) -> None:
    page = open_page("exact")
    everything = span(page)
    box = in_view(page.locator(f"#{chart}"))
    page.mouse.move(box["x"] + 100, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + 140, box["y"] + 50)
    page.mouse.move(box["x"] + 180, box["y"] + 50)
    page.mouse.up()
    page.focus(f"#{chart}")
    page.keyboard.press("+")
    page.mouse.wheel(0, 20)
    settled(page)
    assert span(page) == everything


def test_the_wheel_scrolls_the_page_where_zooming_is_not_meant(open_page: Open) -> None:
    page = open_page("exact")
    box = in_view(page.locator("#outputs"))
    page.mouse.move(box["x"] + 300, box["y"] + 20)
    before, everything = page.evaluate("scrollY"), span(page)
    page.mouse.wheel(0, 200)
    page.wait_for_function("before => scrollY > before", arg=before)
    assert span(page) == everything


def test_buttons_zoom_pan_and_reset(open_page: Open) -> None:
    page = open_page("exact")
    everything = all_ticks(page)
    assert page.locator("#zoom-out").is_disabled()
    page.click("#zoom-in")
    zoomed = span(page)
    page.click("#later")
    assert len({everything, zoomed, span(page)}) == 3
    page.click("#reset")
    assert span(page) == everything


def test_keys_do_what_the_pointer_does(open_page: Open) -> None:
    page = open_page("exact")
    everything = all_ticks(page)
    page.focus("#outputs")
    page.keyboard.press("ArrowDown")
    assert page.locator("#chosen").inner_text() == "output 1"
    page.keyboard.press("+")
    assert span(page) != everything
    page.keyboard.press("0")
    assert span(page) == everything
    page.keyboard.press("Home")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert page.locator("#outputs-said").inner_text().startswith("pattern 0, tick 3, output 1: ")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.tagName") == "BODY"
    page.focus("#weights")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.locator("#weights-said").inner_text().startswith(("input 1, delay 1: ", "input 0, delay 2: "))
    page.focus("#margins")
    page.keyboard.press("ArrowLeft")
    assert page.locator("#chosen").inner_text() == "output 0"


def test_a_neuron_is_chosen_everywhere(open_page: Open) -> None:
    page = open_page("exact")

    def chosen() -> tuple[str, str, str | None]:
        row = page.locator("#neuron-table tr.chosen").get_attribute("data-row")
        return page.locator("#chosen").inner_text(), page.locator("#neuron").input_value(), row

    assert chosen() == ("output 0", "0", "0")
    page.select_option("#neuron", "1")
    assert chosen() == ("output 1", "1", "1")
    page.locator("#neuron-table .choose").nth(0).click()
    assert chosen() == ("output 0", "0", "0")
    box = in_view(page.locator("#outputs"))
    page.mouse.click(box["x"] + 200, box["y"] + 14 + 36)
    assert chosen() == ("output 1", "1", "1")
    box = in_view(page.locator("#margins"))
    page.mouse.click(box["x"] + LEFT + 20, box["y"] + 60)
    assert chosen() == ("output 0", "0", "0")


def test_fingers_tap_and_pinch(open_page: Open) -> None:
    page = open_page("exact", size=NARROW, touch=True)
    everything = span(page)
    box = in_view(page.locator("#outputs"))
    page.touchscreen.tap(box["x"] + 150, box["y"] + 14 + 36)
    assert page.locator("#chosen").inner_text() == "output 1"
    session = page.context.new_cdp_session(page)
    y = box["y"] + 30

    def touch(kind: str, *places: float) -> None:
        points = [{"x": box["x"] + x, "y": y, "id": index} for index, x in enumerate(places)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", 150, 200)
    touch("touchMove", 120, 240)
    touch("touchMove", 90, 280)
    touch("touchEnd")
    settled(page)
    assert span(page) != everything


def test_the_table_of_neurons_sorts(open_page: Open) -> None:
    page = open_page("exact")
    head = page.locator("#neuron-table th").nth(3)

    def margins() -> list[float]:
        return [float(text) for text in page.locator("#neuron-table td:nth-child(4)").all_inner_texts()]

    for order in ("ascending", "descending"):
        head.locator("button").click()
        assert head.get_attribute("aria-sort") == order
        assert margins() == sorted(margins(), reverse=order == "descending")


# ------------------------------------------------------------------------------------------- it is there for everybody


def test_colours_follow_the_system_and_the_switch(open_page: Open) -> None:
    def background(page: Page) -> str:
        return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))

    light, dark = open_page("exact"), open_page("exact", scheme="dark")
    assert background(light) != background(dark)
    for page, clicks, other in ((light, 2, dark), (dark, 1, light)):
        for _ in range(clicks):
            page.click("#theme")
        assert background(page) == background(other) or other is light
        settled(page)
        assert pixels(page, "potential", "potential") > 20
    assert background(dark) == "rgb(245, 246, 248)"
    dark.click("#theme")
    dark.click("#theme")
    assert dark.locator("#theme").inner_text() == "Auto"
    assert background(dark) == "rgb(16, 21, 26)"


def test_charts_are_told_in_words(open_page: Open, spec: sp.Spec, program: sp.Program) -> None:
    page = open_page("exact")
    recording = record(program, [pattern.inputs for pattern in spec.patterns])
    page.select_option("#pattern", "0")
    page.click("#outputs-words summary")
    asked = [f"0:{tick}" for tick in np.flatnonzero(spec.patterns[0].targets[:, 0])]
    assert page.locator("#outputs-words td").nth(0).inner_text() == ", ".join(asked)
    page.click("#potential-words summary")
    rows = page.locator("#potential-words tbody tr")
    rows.first.wait_for()
    assert rows.count() == 30
    tick = int(np.flatnonzero(recording.spikes[:30, 0])[0])
    assert rows.nth(tick).inner_text().endswith("spike")
    page.click("#weights-words summary")
    page.locator("#weights-words tbody tr").first.wait_for()
    assert page.locator("#weights-words tbody tr").count() == int((program.post == 0).sum())


@pytest.mark.parametrize("name", ["exact", "wrong", "alone", "long", "infeasible"])
def test_it_passes_the_accessibility_check(open_page: Open, name: str) -> None:
    page = open_page(name)
    for details in page.locator("details summary").all():
        details.click()
    schemes: list[tuple[Scheme, ViewportSize]] = [("light", WIDE), ("dark", NARROW)]
    for scheme, size in schemes:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size(size)
        settled(page)
        assert violations(page) == []


def test_every_canvas_has_a_name_keys_and_words(open_page: Open) -> None:
    page = open_page("exact")
    for canvas in page.locator(".chart canvas:first-child").all():
        assert canvas.get_attribute("aria-label")
        for name in (canvas.get_attribute("aria-describedby") or "").split():
            assert page.locator(f"#{name}").count() == 1
