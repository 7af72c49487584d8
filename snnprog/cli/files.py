"""Names of files, and shell completion of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from click.shell_completion import CompletionItem

PROGRAM, SPEC = ".snnp", ".toml"
RASTERS = (".npz", ".csv", ".h5", ".nwb", ".aedat4", ".raw", ".dat", ".bin", ".npy", ".hdf5")
"""Equal to `snnprog.files.rasters.READ`, which imports NumPy; a test compares them."""
ANY_FILE = [CompletionItem("", type="file")]
"""The reply that makes a shell complete file names by itself."""


def completed_files(incomplete: str, suffixes: Sequence[str]) -> list[CompletionItem]:
    """Return the files with given suffixes that complete a path, and the folders.

    A folder that is the only candidate is entered, because a shell would add a space after it. Where no file has such
    a suffix, the shell completes any.
    """
    found = _candidates(incomplete, suffixes)
    while len(found) == 1 and found[0].endswith("/"):
        found = _candidates(found[0], suffixes)
    return [CompletionItem(name) for name in found] or ANY_FILE


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
