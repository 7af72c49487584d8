"""Check with an environment's own interpreter whether it holds all distributions of a backend.

A successful installation may leave an environment that does not work: packages may be installed elsewhere
(``PIP_TARGET``, a configuration of pip), the base Python removed, or a system library missing.
"""

from __future__ import annotations

import json
from pathlib import Path

from snnprog.backends.folder import Backend
from snnprog.processes.commands import failure_of
from snnprog.processes.isolation import isolated
from snnprog.temporaries import temporary_folder

LOOK_SECONDS, IMPORT_SECONDS = 60.0, 600.0
"""Time limit for a Python that lists or imports its packages, far above the usual time. Large packages compile
their bytecode when they are first imported; the four shipped backends take about 10 s."""

# Run by the environment's interpreter. Only packages with __init__.py and single files are certainly importable.
LOOK = """
import importlib, json, sys
from importlib import metadata
wanted, is_imported = json.loads(sys.argv[1])
for name, version in wanted.items():
    try:
        found = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        sys.exit(f"{name} is not installed")
    if found.version != version:
        sys.exit(f"{name} must be {version}, got {found.version}")
    files = [file.parts for file in found.files or ()]
    packages = [parts[0] for parts in files if len(parts) == 2 and parts[1] == "__init__.py"]
    modules = [parts[0][:-3] for parts in files if len(parts) == 1 and parts[0].endswith(".py")]
    for module in packages + modules if is_imported else ():
        try:
            importlib.import_module(module)
        except Exception as error:
            sys.exit(f"{module} of {name} cannot be imported: {type(error).__name__}: {error}")
"""


def lack_of(backend: Backend, interpreter: Path, *, is_imported: bool = False) -> str:
    """Return why an interpreter cannot run a backend; empty if it has all required distributions.

    Parameters
    ----------
    is_imported : bool
        Whether to import their packages, too, which takes seconds.
    """
    distributions = backend.distributions if is_imported else backend.required_distributions
    words = json.dumps([dict(distributions), is_imported])
    limit = IMPORT_SECONDS if is_imported else LOOK_SECONDS
    with temporary_folder() as folder:
        return failure_of(isolated(interpreter, "-c", LOOK, words), limit_s=limit, folder=folder)
