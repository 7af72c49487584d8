"""docs/how-to/by-hand.md: every block runs, in order and in one folder, and prints what the page says."""

from __future__ import annotations

from pathlib import Path

import pytest
from doc_pages import blocks_of, page_text, run_blocks

BLOCKS = blocks_of(page_text("how-to/by-hand.md"))


def test_every_block_says_what_comes_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run_blocks(BLOCKS, tmp_path)
    assert {language for language, _ in BLOCKS} == {"python", "text"}
