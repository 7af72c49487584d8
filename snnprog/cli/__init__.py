"""The command line: thin commands over the public functions.

Exit codes: 0 done and exact, 1 ran but not exact, 2 bad usage or bad file, 3 infeasible, 4 does not fit the chip, 5 a
backend failed. Errors are one sentence on standard error; with ``--json`` they are an object on standard output. A
command returns its exit code; only click itself exits, at a closed pipe. Heavy modules
are imported inside the commands, so that ``--help`` is fast.

Each command has a file of its name; `entry` combines them, and turns their results and errors into exit codes.
"""

from __future__ import annotations

from snnprog.cli.entry import commands, main
from snnprog.cli.exit_codes import (
    BACKEND_FAILED,
    BAD_USAGE,
    DOES_NOT_FIT,
    EXACT,
    INFEASIBLE,
    INTERNAL_ERROR,
    INTERRUPTED,
    NOT_EXACT,
)

__all__ = [
    "BACKEND_FAILED",
    "BAD_USAGE",
    "DOES_NOT_FIT",
    "EXACT",
    "INFEASIBLE",
    "INTERNAL_ERROR",
    "INTERRUPTED",
    "NOT_EXACT",
    "commands",
    "main",
]
