"""Backends that run programs: two built-in ones, kernel and reference, and one folder for each other backend.

The contract of a backend folder
--------------------------------
``backend.toml``
    ``summary`` (one line), ``semantics`` (names of the integer rules it executes, or "any"), ``python`` ("3.10", or
    "any"), ``distributions`` (name → exact version that the interpreter must have), ``timeout_seconds`` and
    ``timeout_seconds_per_tick``; optional are ``satisfied_by`` (commands that replace the distributions),
    ``variables`` (environment variables that must be set), ``variable_examples`` (examples of them, for messages),
    ``artifact`` (a suffix: the file that `snnprog.export` writes beside the program for the runner), ``stream``
    (whether the runner also runs tick by tick: see `snnprog.backends.streaming`) and ``gaps`` (features of its chip
    that it lacks: see `snnprog.backends.gaps`).
``requirements.txt``
    Pinned; installed into a separate environment of the backend.
``runner.py``
    Called as ``runner.py PROGRAM STIMULUS RESULT`` by that environment's interpreter. It does not import snnprog. It
    exits 0 once RESULT is complete; its standard error is shown to the user.

PROGRAM is a ``.snnp`` file. STIMULUS is an ``.npz`` with ``raster`` bool (ticks of all patterns, inputs), ``lengths``
int64 (patterns,) and ``state`` bool (). RESULT is an ``.npz`` with ``spikes`` bool (ticks of all patterns, outputs),
if state is requested ``currents`` and ``potentials`` int32 (ticks of all patterns, neurons) after each tick, and
``versions``, the text of a JSON object: name → version of the software that ran. Each pattern starts from rest.

Folders are searched in ``SNNPROG_BACKENDS`` (a search path), then beside the package: your own hardware is another
folder. ``docs/how-to/backends.md`` has the details, with a complete folder as an example.
"""

from __future__ import annotations

from snnprog.backends.environment import BackendStatus, install, status, uninstall
from snnprog.backends.execution import (
    BUILT_IN,
    KERNEL,
    REFERENCE,
    Run,
    built_in,
    built_in_rules,
    read_result,
    run,
    run_backend,
    simulate_built_in,
    write_stimulus,
)
from snnprog.backends.folder import Backend, backend_names, find_backend
from snnprog.backends.gaps import Gaps, check_gaps
from snnprog.backends.readiness import lack_of
from snnprog.backends.simulator import Simulator

__all__ = [
    "BUILT_IN",
    "KERNEL",
    "REFERENCE",
    "Backend",
    "BackendStatus",
    "Gaps",
    "Run",
    "Simulator",
    "backend_names",
    "built_in",
    "built_in_rules",
    "check_gaps",
    "find_backend",
    "install",
    "lack_of",
    "read_result",
    "run",
    "run_backend",
    "simulate_built_in",
    "status",
    "uninstall",
    "write_stimulus",
]
