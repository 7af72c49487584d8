"""The page before a browser sees it: its words, its tables, what it packs, and that nothing in it is obeyed."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import runpy
import sys
import zlib
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from cases import CASES
from stand_in import FINE, write_backend
from test_recording import relay
from untyped import untyped

import snnprog as sp
from snnprog.report.page import Page, html_of, page_of_program, page_of_spec
from snnprog.report.page.bundling import bundle, modules_of
from snnprog.report.page.packing import pack_differences, pack_integers, pack_raster
from snnprog.report.page.writing import LIVE_SCRIPT, SCRIPT, STYLES, TEMPLATE

HOSTILE = "</script><script>hacked()</script><img src=x onerror=hacked()>"


class Outline(HTMLParser):
    """The tags of a page with their attributes, and the texts of scripts and styles."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.contents: dict[str, list[str]] = {"script": [], "style": []}
        self.inside = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.inside = tag
        if tag in self.contents:
            self.contents[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside in self.contents:
            self.contents[self.inside][-1] += data


def pattern_of(*, due: int) -> sp.Pattern:
    """Return a pattern of `relay`: output 1 as it comes, output 0 due at a tick of one's choice; it fires at 4."""
    inputs, targets = np.zeros((6, 1), dtype=bool), np.zeros((6, 2), dtype=bool)
    inputs[1] = targets[due, 0] = targets[3, 1] = True
    return sp.Pattern(inputs, targets)


def told_by(program: sp.Program, **provenance: object) -> sp.Program:
    return relay(outputs=program.outputs, provenance=provenance)


def plain(page: Page) -> str:
    """Return everything that a reader sees without scripts, without tags."""
    text = re.sub(r"<(script|style)>.*?</\1>|<[^>]+>", " ", html_of(page), flags=re.DOTALL)
    return re.sub(r"\s+", " ", text)


# ---------------------------------------------------------------------------------------------------------- the verdict


def test_an_exact_program_is_told_so() -> None:
    spec = CASES["several_patterns"]()
    result = sp.compile(spec)
    page = page_of_program(result.program, spec, backends=["kernel", "reference"])
    assert (page.headline.kind, page.headline.text) == ("good", "Exact on all 4 patterns")
    assert page.headline.sentences[0] == (
        f"All {int(spec.care.sum())} target bins that count are right on kernel,"
        " which equals the reference bit for bit."
    )
    assert page.headline.sentences[2].startswith(
        "2 of 2 outputs are certified: a proof shows that every rounding of the weights"
    )
    assert page.headline.sentences[3].startswith("The program was compiled from this specification")
    assert [row[1] for row in page.neurons.rows] == ["certified", "certified"]


def test_work_is_compared_and_reported_as_neurobench_does() -> None:
    spec = CASES["several_patterns"]()
    program = sp.compile(spec).program
    page = page_of_program(program, spec)
    activity = sp.activity(program, [pattern.inputs for pattern in spec.patterns], placement=sp.place(program))
    _, counted, metrics = page.resources
    assert activity.verdict in counted.notes
    values = {row[0]: row[1] for row in metrics.rows}
    assert values["Synaptic operations: Effective_ACs"] == activity.neurobench.effective_acs
    assert values["Footprint (bytes)"] == activity.neurobench.footprint


def test_the_facts_tell_every_option_that_was_asked_for() -> None:
    lines, silence = np.zeros((3, 9), dtype=bool), np.zeros((3, 1), dtype=bool)
    spec = sp.Spec([sp.Pattern(lines, silence)], signs=[1] * 9, refractory=3, window=(0, 1))
    facts = {fact.label: fact.value for fact in page_of_spec(spec, sp.explain(spec)).facts}
    assert (facts["Refractory"], facts["Window"], facts["Signs"]) == ("3", "0, 1", "1, 1, 1, 1, 1, 1, 1, 1 …")
    assert "Hidden" not in facts


def test_wrong_bins_are_counted_and_placed() -> None:
    page = page_of_program(relay(), sp.Spec([pattern_of(due=2)]))
    assert (page.headline.kind, page.headline.text) == ("bad", "2 of 12 bins are wrong")
    assert page.headline.sentences[0] == (
        "1 spike missing, 1 extra spike. 1 of 2 outputs has wrong bins; output 0 has the most (2)."
    )
    assert [(row[1], kind, row[2]) for row, kind in zip(page.neurons.texts(), page.kinds, strict=True)] == [
        ("wrong", "bad", "2"),
        ("not stated", "open", "0"),
        ("not stated", "open", "–"),
    ]
    assert page.charts["wrong"] == {"missing": {"ticks": [2], "rows": [0]}, "extra": {"ticks": [4], "rows": [0]}}
    assert "target" in page.divergences[0]
    assert "Closest to the threshold" not in [fact.label for fact in page.facts]


def test_a_backend_that_differs_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_backend(tmp_path, "odd", 'answer["spikes"][0] = True\n' + FINE)
    monkeypatch.setenv("SNNPROG_BACKENDS", str(tmp_path))
    page = page_of_program(relay(), sp.Spec([pattern_of(due=4)]), backends=["kernel", "odd"])
    assert (page.headline.kind, page.headline.text) == ("bad", "Exact here, but not on odd")
    assert page.backends is not None
    assert [(row[0], row[1], row[3]) for row in page.backends.texts()] == [
        ("kernel", "yes", "yes"),
        ("odd", "NO", "NO"),
    ]
    assert page.divergences[0].startswith("odd differs from the reference first at tick 0 of pattern 0")


def test_without_a_spec_nothing_is_judged() -> None:
    page = page_of_program(relay())
    assert (page.headline.kind, page.charts["ticks"], page.backends) == ("open", 0, None)
    assert "nothing was run" in page.headline.sentences[0]
    assert [row[1] for row in page.neurons.rows] == ["not stated"] * 3


def test_inputs_without_a_spec_are_run_and_not_judged() -> None:
    inputs = pattern_of(due=4).inputs
    page = page_of_program(relay(), inputs=[inputs, inputs], backends=["kernel", "reference"])
    assert (page.headline.kind, page.charts["ticks"], page.charts["targets"]) == ("open", 12, None)
    assert page.neurons.headings[2] == "margin (LSB)"
    assert {len(row) for row in page.neurons.texts()} == {len(page.neurons.headings)}
    assert page.backends is not None
    assert "exact" not in page.backends.headings
    assert [row[1] for row in page.backends.texts()] == ["yes", "yes"]


def test_another_spec_than_the_programs_own_is_told() -> None:
    told = told_by(relay(), spec_sha256="0" * 64)
    assert "the digests differ" in page_of_program(told, sp.Spec([pattern_of(due=4)])).headline.sentences[-1]


def test_a_state_beyond_the_portable_range_is_told() -> None:
    program = relay(exponent=[0, 7, 7], weight=[60, 255, 255], pre=[0, 0, 0], post=[0, 0, 0], threshold=[131071] * 3)
    inputs = np.ones((6, 1), dtype=bool)
    silent = sp.Spec([sp.Pattern(inputs, np.zeros((6, 2), dtype=bool))])
    with pytest.warns(sp.PortabilityWarning):
        page = page_of_program(program, silent)
    assert "Runtimes may disagree: in pattern 0, arrivals of neuron 0 reached" in page.headline.sentences[1]


def test_what_does_not_belong_together_is_refused() -> None:
    spec = sp.Spec([pattern_of(due=4)])
    with pytest.raises(sp.SpecError, match="both spec and inputs are given"):
        page_of_program(relay(), spec, inputs=[spec.inputs])
    with pytest.raises(
        sp.SpecError, match="the program must have 2 outputs as its spec, got 1; use the spec that it was compiled from"
    ):
        page_of_program(relay(outputs=[0]), spec)


def test_what_is_too_much_for_a_page_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snnprog.report.page.gathering.BINS_LIMIT", 23)
    message = (
        "the page would show 24 bins of input lines and neurons, but at most 23 are allowed; give fewer or shorter"
    )
    with pytest.raises(sp.SpecError, match=message):
        page_of_program(relay(), sp.Spec([pattern_of(due=4)]))


# ------------------------------------------------------------------------------------------------- what cannot be built


def impossible() -> sp.Spec:
    """Return a spec whose output 0 must spike before anything can have reached it, and whose output 1 is free to."""
    inputs, targets = np.zeros((8, 1), dtype=bool), np.zeros((8, 2), dtype=bool)
    inputs[3] = targets[1, 0] = targets[4, 1] = True
    return sp.Spec([sp.Pattern(inputs, targets)], hidden="auto")


def test_many_demands_are_folded_away() -> None:
    generator = np.random.default_rng(0)
    inputs, targets = generator.random((200, 20)) < 0.1, generator.random((200, 1)) < 0.5
    targets[:3] = False
    spec = sp.Spec([sp.Pattern(inputs, targets)], delays=(1, 2))
    page = page_of_spec(spec, sp.explain(spec))
    ((reason,),) = (one.reasons for one in page.contradictions)
    assert reason.bins is not None
    assert len(reason.bins.rows) > 12
    assert f"<summary>{len(reason.bins.rows)} demands and their shares of the proof</summary>" in html_of(page)


def test_an_infeasible_spec_is_explained() -> None:
    spec = impossible()
    page = page_of_spec(spec, sp.explain(spec))
    assert (page.headline.kind, page.headline.text) == ("bad", "Infeasible: 1 of 2 outputs cannot be built")
    (contradiction,) = page.contradictions
    assert contradiction.heading == "Output 0"
    assert contradiction.reasons[0].text.startswith("output 0 must spike at tick 1 of pattern 0")
    assert contradiction.sentences[0] == "proof: proved for all integers of the chip"
    assert contradiction.sentences[1].startswith("with hidden neurons: output 0 must spike")
    assert [row[1] for row in page.neurons.rows] == ["infeasible", "certified"]
    assert page.kinds == ("bad", "good")
    assert page.charts["conflicts"] == {"ticks": [1], "rows": [0]}
    assert contradiction.reasons[0].text in plain(page)


def test_demands_that_only_contradict_together_are_listed() -> None:
    """The same history, and two answers."""
    inputs, targets = np.zeros((4, 1), dtype=bool), np.zeros((4, 1), dtype=bool)
    inputs[0] = targets[1] = True
    spec = sp.Spec([sp.Pattern(inputs, targets), sp.Pattern(inputs, np.zeros_like(targets))])
    (contradiction,) = page_of_spec(spec, sp.explain(spec)).contradictions
    assert contradiction.reasons[0].bins is not None
    assert [row[:3] for row in contradiction.reasons[0].bins.rows] == [(0, 1, "spike"), (1, 1, "silence")]


def test_a_spec_that_can_be_built_is_told_so() -> None:
    spec = CASES["relay"]()
    page = page_of_spec(spec, sp.explain(spec))
    assert (page.headline.kind, page.contradictions) == ("good", ())


# -------------------------------------------------------------------------------------------------- how arrays are kept


@pytest.mark.parametrize("shape", [(1, 1), (7, 3), (8, 5), (100, 9), (13, 0)])
def test_rasters_are_packed_row_by_row(shape: tuple[int, int]) -> None:
    raster = np.random.default_rng(shape[0]).random(shape) < 0.3
    bits = np.frombuffer(zlib.decompress(base64.b64decode(pack_raster(raster))), dtype=np.uint8)
    unpacked = np.unpackbits(bits, count=raster.size, bitorder="little").reshape(raster.shape[::-1])
    assert (raster == unpacked.T).all()


@pytest.mark.parametrize(
    ("values", "width"),
    [
        ([], 1),
        ([0, 0], 1),
        ([127, -128], 1),
        ([128], 2),
        ([-129], 2),
        ([32767, -32768], 2),
        ([32768], 4),
        ([-(2**31), 2**31 - 1], 4),
    ],
)
def test_integers_take_as_few_bytes_as_hold_them(values: list[int], width: int) -> None:
    packed = pack_integers(np.array(values, dtype=np.int64))
    assert packed.width == width
    assert np.frombuffer(zlib.decompress(base64.b64decode(packed.data)), dtype=f"<i{width}").tolist() == values


def test_differences_add_up() -> None:
    packed = pack_differences(np.array([1000, 1001, 999, -1000, -1000]))
    unpacked = np.frombuffer(zlib.decompress(base64.b64decode(packed.data)), dtype="<i2")
    assert (packed.width, unpacked.tolist()) == (2, [1000, 1, -2, -1999, 0])


def test_potentials_are_kept_in_order_of_margins_until_the_page_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = sp.Spec([pattern_of(due=4)])
    assert set(untyped(page_of_program(relay(), spec).charts["potentials"])) == {"0", "1", "2"}
    monkeypatch.setattr("snnprog.report.page.charts.POTENTIALS_LIMIT", 50)
    kept = untyped(page_of_program(relay(), spec).charts["potentials"])
    assert list(kept) == ["2"]  # its margin is 10 LSBs, that of the others 20 and 30


# -------------------------------------------------------------------------------------------------------- the HTML file


@pytest.fixture(scope="module")
def hostile() -> str:
    """Return the page of a file that says everything it can in markup."""
    neuron = {"status": HOSTILE, "margin": HOSTILE, "portable_for": HOSTILE}
    program = relay(
        provenance={
            "spec_sha256": HOSTILE,
            "seed": [HOSTILE],
            "versions": {HOSTILE: HOSTILE},
            "neurons": [neuron, {"status": {"a": [1]}, "margin": 10**400}],
            "hidden": [7],
        }
    )
    return html_of(page_of_program(program, sp.Spec([pattern_of(due=2)]), title=HOSTILE))


def test_no_text_becomes_markup(hostile: str) -> None:
    outline = Outline(hostile)
    assert [tag for tag, _ in outline.tags].count("script") == 2
    assert not [tag for tag, _ in outline.tags if tag in ("img", "iframe", "object", "base", "form")]
    assert not [name for _, attributes in outline.tags for name in attributes if name.startswith("on")]
    assert hostile.count("&lt;script&gt;hacked()") >= 5


def test_styles_and_scripts_are_those_of_the_policy(hostile: str) -> None:
    outline = Outline(hostile)
    (policy,) = [
        attributes["content"] or ""
        for tag, attributes in outline.tags
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for text, name in ((outline.contents["style"][0], "style-src"), (outline.contents["script"][1], "script-src")):
        digest = base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
        assert f"{name} 'sha256-{digest}'" in policy
    assert not [attributes for _, attributes in outline.tags if "style" in attributes]


def test_a_page_that_is_served_reaches_its_server_alone() -> None:
    page = page_of_program(relay(), title="x")
    file, live = html_of(page), unescape(html_of(page, is_live=True))
    assert "connect-src" not in file
    assert "EventSource" not in file
    assert live.count("connect-src 'self'; base-uri 'none'; form-action 'none'") == live.count("connect-src") == 1
    assert live.count("new EventSource(") == 1


def test_nothing_leads_out_of_the_file(hostile: str) -> None:
    links = [
        value
        for _, attributes in Outline(hostile).tags
        for name, value in attributes.items()
        if name in ("src", "href", "action", "srcset", "poster", "data") and value
    ]
    assert links
    assert [link for link in links if not link.startswith(("#", "data:image/svg+xml,"))] == []
    style = Outline(hostile).contents["style"][0]
    assert "url(" not in style
    assert "@import" not in style


def test_the_data_are_json() -> None:
    data = json.loads(Outline(html_of(page_of_program(relay()))).contents["script"][0])
    assert (data["outputs"], data["lines"], len(data["rows"]), data["unit"]) == (2, 1, 3, 64)


def test_equal_pages_are_equal_bytes(tmp_path: Path) -> None:
    spec = sp.Spec([pattern_of(due=4)])
    for name in ("one.html", "other.html"):
        sp.write_report(tmp_path / name, relay(), spec, title="relay")
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "other.html").read_bytes()


def test_a_page_that_cannot_be_written_is_told_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(sp.FormatError, match="cannot be written"):
        sp.write_report(tmp_path / "nowhere" / "page.html", relay(), inputs=[np.zeros((3, 9), dtype=bool)])


@pytest.mark.parametrize(("name", "found"), [("page.pdf", "ends in '.pdf'"), ("page", "has no suffix")])
def test_a_page_is_written_to_html_alone(name: str, found: str, tmp_path: Path) -> None:
    with pytest.raises(sp.FormatError, match=f"{found}; reports are written to .html"):
        sp.write_report(tmp_path / name, relay(), sp.Spec([pattern_of(due=4)]))
    assert not (tmp_path / name).exists()


def test_one_raster_instead_of_a_list_is_refused(tmp_path: Path) -> None:
    message = r"inputs must be a list of rasters, got one array of shape \(5, 1\); write \[inputs\]"
    with pytest.raises(sp.SpecError, match=message):
        sp.write_report(tmp_path / "page.html", relay(), inputs=untyped(np.zeros((5, 1), dtype=bool)))


def test_a_spec_is_explained_where_it_is_the_subject(tmp_path: Path) -> None:
    page = sp.write_report(tmp_path / "page.html", impossible(), title="<b>")
    assert page.headline.kind == "bad"
    assert "&lt;b&gt;: Infeasible" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_the_example_writes_two_pages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    example = Path(__file__).resolve().parents[1] / "examples" / "report.py"
    monkeypatch.setattr(sys, "argv", [str(example), str(tmp_path)])
    runpy.run_path(str(example), run_name="__main__")
    assert capsys.readouterr().out.splitlines() == [
        "program.html: Exact, spike for spike",
        "contradiction.html: Infeasible: 1 of 1 output cannot be built",
    ]
    assert all(60_000 < (tmp_path / f"{name}.html").stat().st_size < 200_000 for name in ("program", "contradiction"))


def test_every_asset_is_used() -> None:
    folder = Path(sp.__file__).parent / "report" / "page" / "assets"
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [*STYLES, *modules_of(SCRIPT), LIVE_SCRIPT, TEMPLATE]
    )


def test_modules_stand_after_those_that_they_import() -> None:
    modules = modules_of("view.js")
    assert modules == ("sorted.js", "view.js")
    script = bundle("view.js")
    assert script.index("return { firstAtLeast, includes };") < script.index(
        'const { firstAtLeast } = modules["sorted.js"];'
    )
    assert "import " not in script.replace('import("./', "")


@pytest.mark.parametrize("line", ["export default 1;", 'import * as all from "./view.js";', "export { a };"])
def test_what_the_bundle_does_not_know_is_refused(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snnprog.report.page.bundling.read_asset", lambda name: f"const a = 1;\n{line}\n")
    with pytest.raises(AssertionError, match="is neither a named import nor an exported declaration"):
        bundle("one.js")
