"""The journal of a compilation: the results of finished neurons in a SQLite file, which a later run continues."""

from __future__ import annotations

from snnprog.journal.progress import JournalProgress, JournalStep, read_journal
from snnprog.journal.store import Identity, Journal, opened, present_journal

__all__ = ["Identity", "Journal", "JournalProgress", "JournalStep", "opened", "present_journal", "read_journal"]
