"""docs/how-to/linear-systems.md: every block runs, in order, and prints what the page says."""

from __future__ import annotations

from pathlib import Path

from doc_pages import blocks_of, page_text, run_blocks

BLOCKS = blocks_of(page_text("how-to/linear-systems.md"))


def test_every_block_says_what_comes_of_it(tmp_path: Path) -> None:
    run_blocks(BLOCKS, tmp_path)
    assert {language for language, _ in BLOCKS} == {"python", "text"}
