"""docs/how-to/convert.md: every block runs, in order and in one folder, and prints what the page says."""

from __future__ import annotations

from pathlib import Path

import pytest
from doc_pages import blocks_of, page_text, run_blocks

from snnprog.conversion.operators import ENDS, OPERATORS

TEXT = page_text("how-to/convert.md")
BLOCKS = blocks_of(TEXT)


def test_every_block_says_what_comes_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run_blocks(BLOCKS, tmp_path, each_alone=True)
    assert {language for language, _ in BLOCKS} == {"python", "sh", "text"}


def test_the_page_names_all_there_is() -> None:
    assert [name for name in (*OPERATORS, *ENDS) if f"`{name}`" not in TEXT] == []
