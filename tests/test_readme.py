"""What the README and the examples show is run as it stands."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
PYTHON_BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)


def test_the_readme_has_a_python_example_of_at_most_15_lines() -> None:
    assert [len([line for line in block.splitlines() if line.strip()]) <= 15 for block in PYTHON_BLOCKS] == [True]


@pytest.mark.parametrize("block", PYTHON_BLOCKS)
def test_python_blocks_run(
    block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(block, "README.md", "exec"), {})
    assert capsys.readouterr().out == "True ['certified', 'certified']\n"


def test_quickstart(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(ROOT / "examples" / "quickstart.py"), run_name="__main__")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("output 0 is certified: 2 synapses")
    assert lines[1] == "exact on the reference: True"
    assert lines[2].startswith("proved for every input stream: ")
    assert lines[3:] == ["fires at ticks [8]"]


def test_the_files_of_the_readme_exist() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for link in re.findall(r"\]\(((?!http)[^)]+)\)", text):
        assert (ROOT / link).exists(), link


def test_the_commands_of_the_readme_exist(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    names = sorted(set(re.findall(r"^    snnprog (\w+)", text, re.MULTILINE)))
    assert names == [
        "backends",
        "compile",
        "completion",
        "convert",
        "demo",
        "explain",
        "export",
        "init",
        "inspect",
        "link",
        "prove",
        "quantize",
        "report",
        "run",
        "units",
        "verify",
        "watch",
    ]
    for name in names:
        command = [sys.executable, "-m", "snnprog", name, "--help"]
        done = subprocess.run(command, cwd=ROOT, env={**os.environ, "COLUMNS": "80"}, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(("page", "heading"), [("README.md", "Installation"), ("docs/installation.md", "Extras")])
def test_the_listed_extras_are_those_of_the_package(page: str, heading: str) -> None:
    section = (ROOT / page).read_text(encoding="utf-8").partition(f"## {heading}\n")[2].partition("\n## ")[0]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == set(project["optional-dependencies"])
    for block in re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL):
        extras = re.findall(r"\.\[([\w,]+)\]", block)
        assert set(",".join(extras).split(",")) <= set(project["optional-dependencies"])


def test_no_page_installs_what_no_index_has() -> None:
    pages = [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("examples/**/*.md"),
        *ROOT.glob("examples/**/*.yml"),
    ]
    assert [page.name for page in pages if re.search(r"pip install (?:-\S+ )*'?snnprog", page.read_text("utf-8"))] == []


def test_an_index_shows_the_readme_without_links_that_lead_nowhere() -> None:
    """The description of the package is this page with the substitutions of pyproject.toml."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    hooks = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["metadata"]["hooks"]
    for each in hooks["fancy-pypi-readme"]["substitutions"]:
        text = re.sub(each["pattern"], each["replacement"], text)
    assert re.findall(r"\]\((?!https?://)", text) == []
    assert "(`examples/README.md`)" in text
    assert ".png" not in text
