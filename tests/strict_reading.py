"""The result of reading an untrusted file: an object or one of the named errors, in few words and little memory."""

from __future__ import annotations

import tracemalloc
import warnings
from collections.abc import Callable

PEAK_BYTES = 12 << 20
MESSAGE_CHARACTERS = 5000


def outcome_of(read: Callable[[], object], refusals: tuple[type[Exception], ...]) -> str:
    """Read, and return what came of it; fail on whatever must not come of it. `tracemalloc` has to be started."""
    tracemalloc.reset_peak()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        outcome, message = "accepted", ""
        try:
            read()
        except refusals as error:
            outcome, message = type(error).__name__, str(error)
    assert len(message) < MESSAGE_CHARACTERS
    assert all(character.isprintable() or character in "\n\t" for character in message)
    peak = tracemalloc.get_traced_memory()[1]
    assert peak < PEAK_BYTES, f"{peak} bytes of memory"
    return outcome
