"""docs/chips.md: its chip is one file, every block runs and prints what the page says, and every field is listed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import redirect_stdout
from dataclasses import fields
from io import StringIO
from pathlib import Path

import pytest

from snnprog import rules
from snnprog.chips import CHIPS, Chip, Core, Energy, Layers, SynapticMemory, WeightRanges
from snnprog.rules import LayerConstant, Parameter, Rounding, Rule, Step, Watch

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "docs" / "chips.md").read_text(encoding="utf-8")
BLOCKS = [(found[1], found[2]) for found in re.finditer(r"^```(\w+)\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)]
CHIP_FILE = BLOCKS[0][1]


def shell(text: str, folder: Path) -> str:
    """Run a block as a shell would, with this checkout's snnprog."""
    script = f'set -e\nsnnprog() {{ {sys.executable} -m snnprog "$@"; }}\n{text}'
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["sh", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_block_says_what_comes_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hazel.py").write_text(CHIP_FILE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "hazel", raising=False)
    names: dict[str, object] = {}
    printed = ""
    for language, text in BLOCKS[1:]:
        if language == "python":
            with redirect_stdout(StringIO()) as said:
                exec(compile(text, "docs/chips.md", "exec"), names)
            printed = said.getvalue()
        elif language == "toml":
            (tmp_path / ("SPEC.toml" if "patterns" in text else "pyproject.toml")).write_text(text, encoding="utf-8")
        elif language == "sh":
            printed = shell(text, tmp_path)
        else:
            assert (language, text) == ("text", printed)


def test_every_field_is_told_of() -> None:
    section = TEXT.partition("## Every field")[2].partition("\n## ")[0]
    parts = (Rule, Step, Parameter, LayerConstant, Watch, Chip, WeightRanges, Layers, Core, SynapticMemory, Energy)
    for part in parts:
        assert f"`{part.__name__}`" in section
        assert [field.name for field in fields(part) if f"`{field.name}`" not in section] == [], part.__name__
    written = [name for name in rules.__all__ if name not in ("Const", "End", "Expression")]
    assert [name for name in (*written, *Rounding.__members__) if f"`{name}`" not in section] == []


def test_every_built_in_chip_and_its_rule_is_told_of() -> None:
    for name, chip in CHIPS.items():
        assert f"| `{name}` |" in TEXT
        assert chip.rule.name in TEXT
