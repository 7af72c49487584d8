"""What files are called, and which of them a shell offers to complete a name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from click.shell_completion import CompletionItem

PROGRAM, SPEC = ".snnp", ".toml"
RASTERS = (".npz", ".csv", ".h5", ".nwb", ".aedat4", ".raw", ".dat", ".bin", ".npy", ".hdf5")
"""As `snnprog.files.rasters.READ`, which imports NumPy."""
ANY_FILE = [CompletionItem("", type="file")]
"""What makes a shell complete file names by itself."""


def completed_files(incomplete: str, suffixes: Sequence[str]) -> list[CompletionItem]:
    """Return the files of some suffixes that a path may become, and the folders on the way.

    A folder that is the only candidate is entered, because a shell would add a space after it. Where no file has such
    a suffix, the shell completes any.
    """
    found = _candidates(incomplete, suffixes)
    while len(found) == 1 and found[0].endswith("/"):
        found = _candidates(found[0], suffixes)
    return [CompletionItem(name) for name in found] or ANY_FILE


def siblings(path: Path, suffixes: Sequence[str]) -> list[str]:
    """Return the names of the files beside a path that have one of some suffixes, or its own."""
    try:
        return [entry.name for entry in path.parent.iterdir() if entry.suffix in (*suffixes, path.suffix)]
    except OSError:
        return []


def _candidates(incomplete: str, suffixes: Sequence[str]) -> list[str]:
    folder, slash, start = incomplete.rpartition("/")
    try:
        entries = sorted(Path(folder + slash or ".").iterdir())
    except OSError:
        return []
    named = [(entry, f"{folder}{slash}{entry.name}") for entry in entries if entry.name.startswith(start)]
    shown = [(entry, name) for entry, name in named if start or not entry.name.startswith(".")]
    files = [name for entry, name in shown if entry.suffix in suffixes and entry.is_file()]
    return files + [f"{name}/" for entry, name in shown if entry.is_dir()]
