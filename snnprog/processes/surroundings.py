"""The environment variables of processes that the package starts.

Variables are passed on by name. Children do not get any others: no tokens and other secrets, and
no variables that change how Python, pip or the dynamic linker load code (``PYTHON*``, ``PIP_*``, ``LD_PRELOAD``).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from types import MappingProxyType

NAMED = (
    # the user and the home folder
    *("HOME", "USER", "LOGNAME", "TMPDIR", "TEMP", "TMP", "TZ", "LANG", "LANGUAGE"),
    *("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"),
    # other Pythons
    *("PYENV_ROOT", "PYENV_VERSION", "UV_PYTHON_INSTALL_DIR"),
    # required by Windows to start a process, and its names for the above
    *("SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "USERNAME", "USERPROFILE", "HOMEDRIVE", "HOMEPATH"),
    *("APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "PROGRAMFILES", "NUMBER_OF_PROCESSORS", "PROCESSOR_ARCHITECTURE"),
    # numbers of threads, and instruction sets
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"),
    *("NUMBA_NUM_THREADS", "OPENBLAS_CORETYPE", "NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES", "NUMBA_LOOP_VECTORIZE"),
    *("NUMBA_SLP_VECTORIZE", "NUMBA_ENABLE_AVX", "NUMBA_DISABLE_JIT", "NUMBA_CACHE_DIR"),
)
PREFIXES = ("SNNPROG_", "LC_")
FOLDERS = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""Lists of folders; only absolute ones are passed on. A Python on a cluster may need the second to start."""

FOR_DOWNLOADS = (
    *("http_proxy", "https_proxy", "no_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    # the user's package sources: without these, pip would use another index
    *("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_NO_INDEX", "PIP_FIND_LINKS", "PIP_TRUSTED_HOST", "PIP_CERT"),
)
ONE_THREAD: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
)


def named_variables(also: Sequence[str] = ()) -> dict[str, str]:
    """Return the environment of a child: the variables of this process that are named here, and some others by name."""
    passed = {
        name: value
        for name, value in os.environ.items()
        if name in also or name.upper() in NAMED or name.startswith(PREFIXES)
    }
    for name in FOLDERS:
        folders = absolute_folders(name)
        if folders:
            passed[name] = folders
    return passed


def absolute_folders(name: str) -> str:
    """Return a variable that lists folders without relative ones, which depend on the current folder."""
    return os.pathsep.join(filter(os.path.isabs, os.environ.get(name, "").split(os.pathsep)))
