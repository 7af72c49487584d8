"""docs/how-to/c.md: every block runs, in order and in one folder, and prints what the page says."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from doc_pages import blocks_of, page_text, run_blocks

from snnprog.emit.c import to_c
from snnprog.program import load

TEXT = page_text("how-to/c.md")
BLOCKS = blocks_of(TEXT)


@pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler here: install gcc or clang")
def test_every_block_says_what_comes_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run_blocks(BLOCKS, tmp_path, each_alone=True, written={"c": lambda text: "main.c"})
    assert {language for language, _ in BLOCKS} == {"python", "sh", "c", "text"}
    assert all(text.isascii() for language, text in BLOCKS if language == "c")
    header = to_c(load(tmp_path / "detector.snnp"), prefix="p").header
    macros = set(re.findall(r"#define (P_\w+) ", header))
    assert {name for name in macros if f"`{name}`" not in TEXT} == set()
