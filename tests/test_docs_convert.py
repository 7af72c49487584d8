"""docs/convert.md: every block runs, in order and in one folder, and prints what the page says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from snnprog.conversion.operators import ENDS, OPERATORS

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "docs" / "convert.md").read_text(encoding="utf-8")
BLOCKS = [(found[1], found[2]) for found in re.finditer(r"^```(\w+)\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)]


def shell(text: str, folder: Path) -> str:
    """Run a block as a shell would, with this checkout's snnprog."""
    script = f'snnprog() {{ {sys.executable} -m snnprog "$@"; }}\npython() {{ {sys.executable} "$@"; }}\n{text}'
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["sh", "-e", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_block_says_what_comes_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    printed = ""
    for language, text in BLOCKS:
        if language == "python":
            with redirect_stdout(StringIO()) as said:
                exec(compile(text, "docs/convert.md", "exec"), {})
            printed = said.getvalue()
        elif language == "sh":
            printed = shell(text, tmp_path)
        else:
            assert (language, text) == ("text", printed)
    assert {language for language, _ in BLOCKS} == {"python", "sh", "text"}


def test_the_page_names_all_there_is() -> None:
    assert [name for name in (*OPERATORS, *ENDS) if f"`{name}`" not in TEXT] == []
