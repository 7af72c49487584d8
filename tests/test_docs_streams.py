"""docs/streams.md: every block runs, in order and in one folder, and prints what the page says."""

from __future__ import annotations

import re
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
from test_docs_files import shell

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "docs" / "streams.md").read_text(encoding="utf-8")
BLOCKS = [(found[1], found[2]) for found in re.finditer(r"^```(\w+)\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)]


def test_every_block_says_what_comes_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    printed = ""
    for language, text in BLOCKS:
        if language == "python":
            with redirect_stdout(StringIO()) as said:
                exec(compile(text, "docs/streams.md", "exec"), names)
            printed = said.getvalue()
        elif language == "sh":
            printed = shell(text, tmp_path)
        else:
            assert (language, text) == ("text", printed)
    assert {language for language, _ in BLOCKS} == {"python", "sh", "text"}
