"""docs/c.md: every block runs, in order and in one folder, and prints what the page says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from snnprog.emit.c import to_c
from snnprog.program import load

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "docs" / "c.md").read_text(encoding="utf-8")
BLOCKS = [(found[1], found[2]) for found in re.finditer(r"^```(\w+)\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)]


def shell(text: str, folder: Path) -> str:
    """Run a block as a shell would, with this checkout's snnprog."""
    script = f'snnprog() {{ {sys.executable} -m snnprog "$@"; }}\n{text}'
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["sh", "-e", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler here: install gcc or clang")
def test_every_block_says_what_comes_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    printed = ""
    for language, text in BLOCKS:
        if language == "python":
            exec(compile(text, "docs/c.md", "exec"), {})
        elif language == "c":
            (tmp_path / "main.c").write_text(text, encoding="ascii")
        elif language == "sh":
            printed = shell(text, tmp_path)
        else:
            assert (language, text) == ("text", printed)
    assert {language for language, _ in BLOCKS} == {"python", "sh", "c", "text"}
    header = to_c(load(tmp_path / "detector.snnp"), prefix="p").header
    macros = set(re.findall(r"#define (P_\w+) ", header))
    assert {name for name in macros if f"`{name}`" not in TEXT} == set()
