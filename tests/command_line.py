"""What tests of the command line share: a spec in files, and the type of what runs a command."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

FILES = Path(__file__).resolve().parents[1] / "examples" / "spec_files"

Command = Callable[..., tuple[int, str, str]]
