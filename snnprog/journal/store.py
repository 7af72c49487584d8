"""The file of a journal: SQLite, one row for each finished neuron, safe from the moment that it is recorded.

Decisions
---------
- A result is recorded as soon as it is there, in a transaction that is flushed to the disk (``synchronous = FULL``), in
  the write-ahead mode, in which others read while it grows (sqlite.org/wal.html). So a kill of any process loses what
  was under way and nothing else.
- A journal belongs to one spec, seed, chip and version. A row is found by the hash of its job: all that decides its
  result. What is found is what would be calculated, so the program is the same with and without a journal.
- A result that a time limit decided is not recorded.
- Rows have checksums. They hold no code: values are read back by `snnprog.journal.values`.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from snnprog.errors import FormatError
from snnprog.journal.values import Hasher, decoded, encoded

FILE = "journal.sqlite"
FORMAT, VERSION = "snnprog-journal", 1
BUSY_SECONDS = 30.0  # another process writes a row in milliseconds; a slow disk may take seconds
SCHEMA = """
CREATE TABLE IF NOT EXISTS about (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS steps (
    step TEXT PRIMARY KEY, jobs INTEGER NOT NULL, recalled INTEGER NOT NULL, done INTEGER NOT NULL, begun REAL NOT NULL
    ) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS results (
    job BLOB PRIMARY KEY, step TEXT NOT NULL, verdict TEXT NOT NULL, seconds REAL NOT NULL, finished REAL NOT NULL,
    checksum BLOB NOT NULL, content BLOB NOT NULL);
"""
PLACE_ERRORS = ("unable to open", "readonly", "is full", "is locked", "disk I/O error", "permission denied")
"""Parts of SQLite's messages about the place of a file (sqlite.org/rescode.html): Python 3.10 has no error codes."""

NOTHING = object()
"""What `Journal.recall` returns for a job that is not recorded; results may be None."""


@dataclass(frozen=True)
class Identity:
    """What a journal belongs to.

    Attributes
    ----------
    spec : str
        The digest of the spec, in which the chip is contained.
    chip : str
        The name of the chip.
    seed : int
    versions : str
        The versions that decide the bytes of a program.
    """

    spec: str
    chip: str
    seed: int
    versions: str


class Journal:
    """A journal that is open for writing."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path, self._connection, self._hasher = path, connection, Hasher()
        self._recalled = 0

    def key_of(self, function: str, job: object) -> bytes:
        """Return the hash of a job, and of the name of the function that it is for."""
        return self._hasher.hash_of((function, job))

    def begin(self, step: str, jobs: int) -> None:
        """Note the number of jobs of a step, which begins."""
        self._recalled = 0
        with faults(self._path), self._connection:
            self._connection.execute("INSERT OR REPLACE INTO steps VALUES (?, ?, 0, 0, ?)", (step, jobs, time.time()))

    def recall(self, key: bytes, step: str) -> Any:
        """Return the result of a job of a step, or `NOTHING`."""
        with faults(self._path):
            row = self._connection.execute("SELECT checksum, content FROM results WHERE job = ?", (key,)).fetchone()
            if row is None:
                return NOTHING
            checksum, content = row
            if not isinstance(content, bytes) or hashlib.sha256(content).digest() != checksum:
                raise ValueError("a checksum is wrong")
            result = decoded(zlib.decompress(content))
        self._recalled += 1
        return result

    def record(self, step: str, rows: Sequence[tuple[bytes, object, str, float]]) -> None:
        """Store results of a step: (hash of the job, result, verdict, seconds) each."""
        now = time.time()
        contents = [zlib.compress(encoded(result), 1) for _, result, _, _ in rows]
        with faults(self._path), self._connection:
            self._connection.executemany(
                "INSERT OR IGNORE INTO results VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    (key, step, verdict, seconds, now, hashlib.sha256(content).digest(), content)
                    for (key, _, verdict, seconds), content in zip(rows, contents, strict=True)
                ],
            )
            self._connection.execute(
                "UPDATE steps SET done = done + ?, recalled = ? WHERE step = ?", (len(rows), self._recalled, step)
            )


_present: ContextVar[Journal | None] = ContextVar("journal", default=None)


def present_journal() -> Journal | None:
    """Return the journal that `opened` has opened for all calls inside."""
    return _present.get()


@contextmanager
def opened(journal: str | Path | None, identity: Callable[[], Identity]) -> Iterator[None]:
    """Record the results of all jobs inside in a journal, and take those that it has.

    Parameters
    ----------
    journal : path, optional
        Its folder. Without one, nothing is recorded, also inside another journal.
    identity : callable
        Returns what the journal is of; it is called only if there is one, for the digest of long rasters takes time.

    Raises
    ------
    FormatError
        If the folder cannot be written, or its journal is damaged or belongs to something else.
    """
    if journal is None:
        with _as_present(None):
            yield
        return
    folder = Path(journal)
    path = folder / FILE
    if folder.is_file():
        raise FormatError(f"the journal {folder} is a file; name a folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FormatError(f"the journal {folder} cannot be created: {error.strerror}") from error
    with faults(path):
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.executescript(SCHEMA)
            _check_identity(folder, connection, identity())
        except BaseException:
            connection.close()
            raise
    with closing(connection), _as_present(Journal(path, connection)):
        yield


@contextmanager
def _as_present(journal: Journal | None) -> Iterator[None]:
    token = _present.set(journal)
    try:
        yield
    finally:
        _present.reset(token)


def _check_identity(folder: Path, connection: sqlite3.Connection, identity: Identity) -> None:
    """Raise `FormatError` if a journal is of something else; make a new one that of this identity."""
    wanted = {"format": FORMAT, "version": VERSION, **asdict(identity)}
    with connection:
        connection.executemany(
            "INSERT OR IGNORE INTO about VALUES (?, ?)", [(key, json.dumps(value)) for key, value in wanted.items()]
        )
    found = read_about(connection)
    for key, value in wanted.items():
        if found[key] != value:
            raise FormatError(
                f"the journal {folder} is of another {NAMES.get(key, key)} ({_brief(found[key])} instead of"
                f" {_brief(value)}); give another folder, or delete it"
            )


NAMES = {"versions": "version", "version": "version of the format"}


def _brief(value: object) -> str:
    text = str(value)
    return f"{text[:12]}…" if len(text) == hashlib.sha256().digest_size * 2 else text


def read_about(connection: sqlite3.Connection) -> dict[str, Any]:
    """Return what a journal belongs to.

    Raises
    ------
    ValueError
        If it is not a journal.
    """
    found = {key: json.loads(value) for key, value in connection.execute("SELECT key, value FROM about")}
    missing = {"format", "version", "spec", "chip", "seed", "versions"} - set(found)
    if missing or found["format"] != FORMAT:
        raise ValueError(f"it lacks {', '.join(sorted(missing)) or 'its format'}")
    return found


@contextmanager
def faults(path: Path) -> Iterator[None]:
    """Turn every fault of the file into one sentence."""
    try:
        yield
    except (sqlite3.DatabaseError, ValueError, zlib.error) as error:
        if isinstance(error, FormatError):
            raise
        if any(text in str(error) for text in PLACE_ERRORS):
            raise FormatError(f"the journal {path} cannot be written or read: {error}") from error
        cause = str(error).partition(" with text ")[0]
        raise FormatError(f"the journal {path} is damaged ({cause}); delete it, or give another folder") from error
