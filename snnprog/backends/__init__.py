"""Runtimes that run programs: two that are built in, kernel and reference, and one folder each for all others.

The contract of a backend folder
--------------------------------
``backend.toml``
    ``summary`` (one line), ``semantics`` (names of the integer rules it executes, or "any"), ``python`` ("3.10", or
    "any"), ``distributions`` (name → exact version, what the interpreter must have), ``timeout_seconds`` and
    ``timeout_seconds_per_tick``; optional are ``satisfied_by`` (commands that take the place of the distributions),
    ``variables`` (of the environment, that must be set), ``artifact`` (a suffix: what `snnprog.export` writes of the
    program stands beside it for the runner), ``stream`` (whether the runner goes on tick by tick, too: see
    `snnprog.backends.streaming`) and ``gaps`` (what it lacks of its chip: see `snnprog.backends.gaps`).
``requirements.txt``
    Pinned; installed into an environment of the backend's own.
``runner.py``
    Called as ``runner.py PROGRAM STIMULUS RESULT`` by that environment's interpreter. It does not import snnprog. It
    exits 0 once RESULT stands whole; anything else it writes to standard error is shown to the user.

PROGRAM is a ``.snnp`` file. STIMULUS is an ``.npz`` with ``raster`` bool (ticks of all patterns, inputs), ``lengths``
int64 (patterns,) and ``state`` bool (). RESULT is an ``.npz`` with ``spikes`` bool (ticks of all patterns, outputs),
where state is asked for ``currents`` and ``potentials`` int32 (ticks of all patterns, neurons) after each tick, and
``versions``, a text holding a JSON object: name → version of all that ran. Each pattern starts from rest.

Folders are looked for in ``SNNPROG_BACKENDS`` (a search path), then beside the package: hardware of your own is one
more folder. ``docs/how-to/backends.md`` says all this at length, with a whole folder as an example.
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
