"""docs/files.md: every block runs, in order and in one folder, and prints what the page says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from snnprog.files.rasters import READERS, WRITTEN
from snnprog.networks.convention import EXPORTERS
from snnprog.networks.nodes import FIELDS

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "docs" / "files.md").read_text(encoding="utf-8")
BLOCKS = [(found[1], found[2]) for found in re.finditer(r"^```(\w+)\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)]


def shell(text: str, folder: Path) -> str:
    """Run a block as a shell would, with this checkout's snnprog."""
    script = f'snnprog() {{ {sys.executable} -m snnprog "$@"; }}\n{text}'
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["sh", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_block_says_what_comes_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    printed = ""
    for language, text in BLOCKS:
        if language == "python":
            with redirect_stdout(StringIO()) as said:
                exec(compile(text, "docs/files.md", "exec"), names)
            printed = said.getvalue()
        elif language == "toml":
            (tmp_path / "SPEC.toml").write_text(text, encoding="utf-8")
        elif language == "sh":
            printed = shell(text, tmp_path)
        else:
            assert (language, text) == ("text", printed)
    assert {language for language, _ in BLOCKS} == {"python", "toml", "sh", "text"}


def test_the_page_names_all_there_is() -> None:
    names = [
        *READERS,
        *WRITTEN,
        *FIELDS,
        *EXPORTERS,
        "layout",
        "dt_ms",
        "ticks",
        "neurons",
        "starts_ms",
        "ids",
        "merge",
    ]
    assert [name for name in names if f"`{name}`" not in TEXT] == []
