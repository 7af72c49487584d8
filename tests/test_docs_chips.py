"""docs/how-to/chips.md: its chip is one file, its blocks run and print what it says, and it lists every field."""

from __future__ import annotations

import re
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from doc_pages import blocks_of, page_text, run_blocks

from snnprog import rules
from snnprog.chips import CHIPS, Chip, Core, Energy, Layers, SynapticMemory, WeightRanges
from snnprog.rules import LayerConstant, Parameter, Rounding, Rule, Step, Watch

TEXT = page_text("how-to/chips.md")
BLOCKS = blocks_of(TEXT)
CHIP_FILE = BLOCKS[0][1]


def test_every_block_says_what_comes_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hazel.py").write_text(CHIP_FILE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "hazel", raising=False)
    run_blocks(
        BLOCKS[1:], tmp_path, written={"toml": lambda text: "SPEC.toml" if "patterns" in text else "pyproject.toml"}
    )


def test_every_field_is_told_of() -> None:
    section = TEXT.partition("## Every field")[2].partition("\n## ")[0]
    parts = (Rule, Step, Parameter, LayerConstant, Watch, Chip, WeightRanges, Layers, Core, SynapticMemory, Energy)
    for part in parts:
        assert f"`{part.__name__}`" in section
        assert [field.name for field in fields(part) if f"`{field.name}`" not in section] == [], part.__name__
    written = [name for name in rules.__all__ if name not in ("Const", "End", "Expression")]
    named = set(re.findall(r"`(\w+)[`(]", section))
    assert set(written) | set(Rounding.__members__) <= named


def test_every_built_in_chip_and_its_rule_is_told_of() -> None:
    for name, chip in CHIPS.items():
        assert f"| `{name}` |" in TEXT
        assert chip.rule.name in TEXT
