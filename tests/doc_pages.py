"""What tests of pages of the documentation share: a page's blocks, and running them in order, in one folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

Blocks = list[tuple[str, str]]
"""Language and text of each block."""


def page_text(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def blocks_of(text: str) -> Blocks:
    return [(found[1], found[2]) for found in re.finditer(r"^```(\w+)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)]


def shell(text: str, folder: Path) -> str:
    """Run a block as a shell would, with this checkout's snnprog and this Python, and return what it prints."""
    script = f'snnprog() {{ {sys.executable} -m snnprog "$@"; }}\npython() {{ {sys.executable} "$@"; }}\n{text}'
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["sh", "-e", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def run_blocks(
    blocks: Sequence[tuple[str, str]],
    folder: Path,
    *,
    each_alone: bool = False,
    written: Mapping[str, Callable[[str], str]] | None = None,
) -> None:
    """Run blocks in order; a block of text is what the one before it prints.

    Parameters
    ----------
    folder : Path
        The current folder.
    each_alone : bool
        Whether a block of Python knows no names of those before it.
    written : mapping, optional
        Language -> what names the file that a block of it becomes.
    """
    names: dict[str, object] = {}
    printed = ""
    for language, text in blocks:
        if language == "python":
            with redirect_stdout(StringIO()) as said:
                exec(compile(text, "a block of the page", "exec"), {} if each_alone else names)
            printed = said.getvalue()
        elif language == "sh":
            printed = shell(text, folder)
        elif language in (written or {}):
            (folder / (written or {})[language](text)).write_text(text, encoding="utf-8")
        else:
            assert (language, text) == ("text", printed)
