"""Exit codes of the command line."""

from __future__ import annotations

from snnprog.errors import BackendError, FormatError, InfeasibleError, LimitError, SnnprogError, SpecError

EXACT, NOT_EXACT, BAD_USAGE, INFEASIBLE, DOES_NOT_FIT, BACKEND_FAILED = range(6)
INTERNAL_ERROR = 70
INTERRUPTED = 130
EXIT_CODES: tuple[tuple[type[SnnprogError], int], ...] = (
    (InfeasibleError, INFEASIBLE),
    (LimitError, DOES_NOT_FIT),
    (BackendError, BACKEND_FAILED),
    (SpecError, BAD_USAGE),
    (FormatError, BAD_USAGE),
    (SnnprogError, NOT_EXACT),
)
