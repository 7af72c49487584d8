"""docs/how-to/backends.md: its folder is a backend, its commands run, and it names all that there is to name."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from test_remote import SSH

from snnprog.backends import Gaps
from snnprog.backends.folder import SEARCH_PATH_VARIABLE
from snnprog.conformance import golden_programs

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "docs" / "how-to" / "backends.md").read_text(encoding="utf-8")
BLOCKS = [(found[1], found[2]) for found in re.finditer(r"^```(\w+)\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)]


def blocks(language: str) -> list[str]:
    return [text for found, text in BLOCKS if found == language]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a folder that holds the folder of the page, an ssh that stays here, and a snnprog command."""
    folder = tmp_path / "my_backends" / "tiny_chip"
    folder.mkdir(parents=True)
    contents = {
        "backend.toml": blocks("toml")[0],
        "requirements.txt": blocks("text")[0],
        "runner.py": blocks("python")[0],
    }
    for name, content in contents.items():
        (folder / name).write_text(content, encoding="utf-8")
    commands = {"ssh": SSH.format(host=tmp_path), "snnprog": f'#!/bin/sh\nexec {sys.executable} -m snnprog "$@"\n'}
    (tmp_path / "bin").mkdir()
    for name, content in commands.items():
        (tmp_path / "bin" / name).write_text(content, encoding="utf-8")
        (tmp_path / "bin" / name).chmod(0o755)
    return tmp_path


def run(place: Path, *command: str) -> str:
    """Run a command in that folder and return what it prints."""
    path = os.pathsep.join([str(place / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)}
    environment.pop(SEARCH_PATH_VARIABLE, None)
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_block_is_tried_here() -> None:
    languages = [language for language, _ in BLOCKS]
    assert languages == ["toml", "text", "python", "sh", "text", "text", "text", "python", "sh"]


def test_the_folder_of_the_page_is_a_backend(place: Path) -> None:
    printed = run(place, "sh", "-e", "-c", blocks("sh")[0])
    assert "a chip in forty lines of NumPy" in printed
    shown, found = (re.sub(r"\d+ (neuron-ticks|spikes)", r"N \1", text) for text in (blocks("text")[1], printed))
    assert found.endswith(shown)


def test_a_golden_program_by_hand(place: Path) -> None:
    (place / "by_hand.py").write_text(blocks("python")[1], encoding="utf-8")
    assert run(place, sys.executable, "by_hand.py").splitlines() == [
        "spikes equal",
        "currents equal",
        "potentials equal",
    ]


def test_the_folder_of_the_page_on_another_host(place: Path) -> None:
    printed = run(place, "sh", "-e", "-c", blocks("sh")[1])
    assert "remote ran 16 golden and 0 random programs on tiny-chip 1.0" in printed
    assert "no difference" in printed


def test_the_page_names_all_there_is() -> None:
    source = (ROOT / "snnprog" / "backends" / "folder.py").read_text(encoding="utf-8")
    fields = set(re.findall(r'description(?:, |\[|\.get\()"(\w+)"', source))
    assert fields >= {"summary", "semantics", "python", "distributions", "gaps", "timeout_seconds"}
    names = [*fields, *vars(Gaps()), *(golden.name for golden in golden_programs("loihi1"))]
    assert [name for name in names if f"`{name}`" not in TEXT and f"`[{name}]`" not in TEXT] == []


def test_the_page_lists_every_folder_that_is_shipped() -> None:
    folders = {path.parent.name for path in (ROOT / "backends").glob("*/backend.toml")}
    section = TEXT.partition("## Included backends")[2]
    assert set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == folders


def test_the_links_of_the_page_lead_somewhere() -> None:
    for link in re.findall(r"\]\(((?!http)[^)]+)\)", TEXT):
        assert (ROOT / "docs" / "how-to" / link.partition("#")[0]).exists(), link
