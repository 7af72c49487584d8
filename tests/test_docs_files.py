"""docs/how-to/files.md: every block runs, in order and in one folder, and prints what the page says."""

from __future__ import annotations

from pathlib import Path

import pytest
from doc_pages import blocks_of, page_text, run_blocks

from snnprog.files.rasters import READERS, WRITTEN
from snnprog.networks.convention import EXPORTERS
from snnprog.networks.nodes import FIELDS

TEXT = page_text("how-to/files.md")
BLOCKS = blocks_of(TEXT)


def test_every_block_says_what_comes_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run_blocks(BLOCKS, tmp_path, written={"toml": lambda text: "SPEC.toml"})
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
