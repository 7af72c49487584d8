"""The pages of docs/: their code runs as it stands, their links lead somewhere, and none is out of the way."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from command_line import FILES

from snnprog import cli
from snnprog.spec.options import OPTIONS
from snnprog.spec_file import load_spec

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(page for page in DOCS.rglob("*.md") if "_build" not in page.parts)
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
# test_docs.py and others called test_docs_*.py: their blocks make one another's files, or names.
OWN_TESTS = {
    f"how-to/{name}"
    for name in (
        "backends",
        "c",
        "chips",
        "convert",
        "encoders",
        "energy",
        "files",
        "fpga",
        "link",
        "memories",
        "networks",
        "prove",
        "streams",
        "verilog",
    )
}
NAMES = [page.relative_to(DOCS).with_suffix("").as_posix() for page in PAGES]


def text_of(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def blocks(name: str, language: str) -> list[str]:
    return [text for found, text in BLOCK.findall(text_of(name)) if found == language]


def entries(index: Path) -> list[str]:
    """Return the pages that the tables of contents of one page list, by their paths in docs/."""
    trees = re.findall(r"^```\{toctree\}\n(.*?)^```$", index.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    names = [name for tree in trees for name in re.findall(r"^(?:[^:\n]*<)?([\w/-]+)>?$", tree, re.MULTILINE)]
    return [(index.parent / name).relative_to(DOCS).as_posix() for name in names]


def anchors(path: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and the site make them."""
    headings = re.findall(r"^#+ (.*)$", BLOCK.sub("", path.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(((?!https?:)[^)]+)\)", BLOCK.sub("", page.read_text(encoding="utf-8"))):
        target, _, anchor = link.partition("#")
        path = page if not target else (page.parent / target).resolve()
        assert path.exists(), link
        assert not anchor or anchor in anchors(path), link


def test_every_page_is_in_the_navigation() -> None:
    listed = [name for index in PAGES if index.stem == "index" for name in entries(index)]
    assert sorted(listed) == sorted({*NAMES, "_gallery/index"} - {"index"}), "the gallery is made from docs/gallery"


@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith("/index")])
def test_the_first_page_of_a_section_links_to_all(name: str) -> None:
    links = re.findall(r"\]\(([\w/-]+)\.md\)", text_of(f"{name}.md"))
    folder = name.removesuffix("index")
    assert [entry for entry in entries(DOCS / f"{name}.md") if entry.removeprefix(folder) not in links] == []


@pytest.mark.parametrize(
    "page",
    [name for name in NAMES if name not in OWN_TESTS and blocks(f"{name}.md", "python")],
)
def test_python_blocks_run(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in blocks(f"{page}.md", "python"):
        exec(compile(block, page, "exec"), names)
    printed, shown = capsys.readouterr().out, blocks(f"{page}.md", "text")
    assert not shown or printed == "".join(shown)


def test_the_session_of_the_command_line_runs(tmp_path: Path) -> None:
    (tmp_path / "snnprog").write_text(f'#!/bin/sh\nexec {sys.executable} -m snnprog "$@"\n', encoding="utf-8")
    (tmp_path / "snnprog").chmod(0o755)
    (session,) = blocks("reference/cli.md", "sh")
    environment = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    words = ["sh", "-e", "-c", session]
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    for said in ("1 output: 1 certified", "exact on all 8 patterns", "1 core of loihi1", "0,27,0", "exact on kernel"):
        assert said in done.stdout


def test_all_exit_codes_are_told() -> None:
    names = ("EXACT", "NOT_EXACT", "BAD_USAGE", "INFEASIBLE", "DOES_NOT_FIT", "BACKEND_FAILED")
    codes = [*(getattr(cli, name) for name in names), cli.INTERNAL_ERROR, cli.INTERRUPTED]
    section = text_of("reference/cli.md").partition("## Exit codes")[2].partition("\n## ")[0]
    assert [int(code) for code in re.findall(r"^\| (\d+) \|", section, re.MULTILINE)] == codes


def test_all_commands_are_told() -> None:
    told = set(re.findall(r"`snnprog (\w+)", text_of("reference/cli.md")))
    assert told - {"COMMAND"} == set(cli.commands.commands)


def test_the_shown_specification_is_one(tmp_path: Path) -> None:
    for name in ("inputs.csv", "targets.csv"):
        (tmp_path / name).write_bytes((FILES / name).read_bytes())
    (tmp_path / "SPEC.toml").write_text(blocks("reference/format.md", "toml")[0], encoding="utf-8")
    shown, example = load_spec(tmp_path / "SPEC.toml"), load_spec(FILES / "SPEC.toml")
    assert (len(shown.patterns), shown.n_inputs) == (4, 2)
    assert all(np.array_equal(a.targets, b.targets) for a, b in zip(shown.patterns, example.patterns, strict=True))


def test_all_options_of_a_spec_are_told() -> None:
    told = set(re.findall(r"`(\w+)=", text_of("reference/options.md")))
    assert {option.name for option in OPTIONS} - told == set()


def test_the_pictures_are_drawn_from_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The script checks its own equations against the run while it draws."""
    monkeypatch.setattr(sys, "argv", ["draw.py", str(tmp_path)])
    runpy.run_path(str(DOCS / "draw.py"), run_name="__main__")
    drawn = {path.name for path in tmp_path.iterdir()}
    assert drawn == set(re.findall(r"\]\(\.\./pictures/(\w+\.svg)\)", text_of("explanation/idea.md")))
    assert drawn == {path.name for path in (DOCS / "pictures").glob("*.svg")}
    assert "compiled: 75, 75" in (tmp_path / "weights.svg").read_text(encoding="utf-8")
