"""Functions compiled by Numba, and the cache of their machine code.

Numba's own cache is not used: it refuses to compile if it finds no writable folder, it does not notice that a
function or constant of another module has changed, and it fails on entries that are damaged or were written by an older
version. Here, each signature of a function is one file in the user's cache. Its name is a digest of everything that the
machine code depends on: the sources, the options, the versions of Python, NumPy, Numba and LLVM, and the processor. Its
content begins with its own digest. An entry that cannot be read, for any reason, is compiled again; an entry that
cannot be written is compiled again by the next process.

An entry is a pickle, so entries are read only from a folder that belongs to the user or root and that nobody else can
write to.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import re
import stat
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar, cast

import llvmlite
import numba
import numpy as np
from numba import types
from numba.core import cgutils
from numba.core.compiler import CompileResult
from numba.core.dispatcher import Dispatcher
from numba.core.runtime import nrt
from numba.extending import intrinsic, overload

from snnprog.cache import cache_path
from snnprog.temporaries import temporary_file
from snnprog.version import __version__

Function = TypeVar("Function", bound=Callable[..., object])

njit: Any = numba.njit  # typed only in some versions of Numba
rebuild: Any = CompileResult._rebuild
runtime: Any = nrt.rtsys
pointer_to: Any = types.CPointer
unpack: Any = cgutils.unpack_tuple

PACKAGE = Path(__file__).resolve().parent
# The names after "import" may be modules; matching more words than the statement has is harmless.
IMPORT = re.compile(r"(?:from|import) (snnprog[\w.]*)(?: import (?=\(?([\w\s,]+)))?")
DIGEST_BYTES = hashlib.sha256().digest_size
VERSIONS = (__version__, sys.version, np.__version__, numba.__version__, llvmlite.__version__)
PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600


def compiled(**options: object) -> Callable[[Function], Function]:
    """Compile a function when it is first called, and keep its machine code.

    Parameters
    ----------
    **options
        Options of `numba.njit`.
    """

    def declare(function: Function) -> Function:
        declared: Any = njit(**options)(function)
        is_compiled = isinstance(declared, Dispatcher)
        if is_compiled:  # with NUMBA_DISABLE_JIT, it is the function itself
            declared._cache = MachineCodeCache(function, repr(sorted(options.items())))
        return cast(Function, declared)

    return declare


def entry_of(function: Callable[..., int], arguments: Sequence[object]) -> Callable[..., int]:
    """Return a callable for a compiled function, for arguments of exactly the types of these.

    Numba checks the type of every argument at every call; for the 25 arrays of a tick of the kernel, this takes 8 of
    11 us (measured: 100 neurons). The result is what Numba calls after the check.
    """
    if not isinstance(function, Dispatcher):  # with NUMBA_DISABLE_JIT
        return function
    entry: Callable[..., int] = function.compile(tuple(map(numba.typeof, arguments)))
    return entry


def address_of(function: Callable[..., object], arguments: Sequence[object]) -> Any:
    """Return the address of a compiled function that returns uint64, for `called`.

    Parameters
    ----------
    arguments : sequence
        Examples of its arguments; it gets arrays as pointers to their first element.
    """
    if not isinstance(function, Dispatcher):  # with NUMBA_DISABLE_JIT, `called` calls the function itself
        return function
    declared: Any = function
    kinds = _passed(map(numba.typeof, arguments))
    declared.compile(kinds)
    result = declared.overloads[kinds]
    return np.uint64(result.library.get_pointer_to_function(result.fndesc.llvm_func_name))


def has_address(function: Callable[..., object], arguments: Sequence[object]) -> bool:
    """Return whether `address_of` would compile nothing."""
    return _is_kept(function, _passed(map(numba.typeof, arguments)))


def is_ready(function: Callable[..., object], arguments: Sequence[object]) -> bool:
    """Return whether the machine code for arguments of these types is loaded or stored, so that none is compiled."""
    return _is_kept(function, tuple(map(numba.typeof, arguments)))


def _is_kept(function: Callable[..., object], kinds: tuple[Any, ...]) -> bool:
    if not isinstance(function, Dispatcher):  # with NUMBA_DISABLE_JIT
        return True
    declared: Any = function
    return kinds in declared.overloads or declared._cache.holds(kinds, declared.targetctx)


def called(address: Any, *arguments: object) -> np.uint64:
    """Call the compiled function at an address that `address_of` returned, for arguments of exactly these types.

    So a loop is compiled once for all functions that it may call. Arrays are passed as pointers to their first element:
    to pass their sizes, too, takes longer than a tick of a small network.
    """
    found: np.uint64 = address(*arguments)
    return found


@overload(called)
def _called(address: Any, *arguments: object) -> Callable[..., object]:
    """Return what Numba compiles for `called`; Numba wants the same signature, but gives the types."""

    def call(address: Any, *arguments: object) -> object:
        return _call(address, arguments)

    return call


def _passed(kinds: Iterable[Any]) -> tuple[Any, ...]:
    """Return the types as which arguments of these types are passed."""
    return tuple(pointer_to(kind.dtype) if isinstance(kind, types.Array) else kind for kind in kinds)


def _typed_call(typing: object, address: Any, arguments: Any) -> tuple[object, Callable[..., object]]:
    kinds = _passed(arguments)

    def generate(context: Any, builder: Any, signature: Any, values: Sequence[Any]) -> object:
        passed = [
            context.make_array(kind)(context, builder, value).data if isinstance(kind, types.Array) else value
            for kind, value in zip(arguments, unpack(builder, values[1]), strict=True)
        ]
        kind = context.call_conv.get_function_type(types.uint64, kinds)
        function = builder.inttoptr(values[0], kind.as_pointer())
        _, found = context.call_conv.call_function(builder, function, types.uint64, kinds, passed)
        return found

    return types.uint64(address, arguments), generate


_call: Any = intrinsic(_typed_call)


@lru_cache(maxsize=256)
def source_digest(module: str) -> str:
    """Return a digest of the source of a module and of all modules of this package that it imports.

    Functions and constants of these modules may have become part of the machine code. A module without a file has
    its digest in its name: see `snnprog.rules.compiled`.
    """
    if not module.startswith("snnprog"):
        return module
    sources: dict[str, bytes] = {}
    _collect(module, sources)
    return hashlib.sha256(b"\0".join(sources[name] for name in sorted(sources))).hexdigest()


def _collect(module: str, sources: dict[str, bytes]) -> None:
    place = PACKAGE.joinpath(*module.split(".")[1:])
    path = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    if module in sources or not path.is_file():
        return
    sources[module] = path.read_bytes()
    for found, names in IMPORT.findall(sources[module].decode("utf-8")):
        for name in (found, *(f"{found}.{name}" for name in re.findall(r"\w+", names))):
            _collect(name, sources)


class MachineCodeCache:
    """The machine code of one function, one file for each signature, with the interface of Numba's caches."""

    def __init__(self, function: Callable[..., object], options: str) -> None:
        self._function, self._options = function, options

    @property
    def cache_path(self) -> str:
        """The folder; Numba shows it in its statistics."""
        return str(machine_code_folder())

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the compiled code of a signature, or None if it must be compiled."""
        with suppress(Exception):  # after any fault, the entry is compiled and written again
            runtime.initialize(target_context)  # stored code needs no more; to refresh the context takes 0.1 s
            folder = machine_code_folder()
            content = (folder / self._name(sig, target_context.codegen())).read_bytes()
            digest, pickled = content[:DIGEST_BYTES], content[DIGEST_BYTES:]
            if _is_trusted(folder) and hashlib.sha256(pickled).digest() == digest:
                return rebuild(target_context, *pickle.loads(pickled))
        return None

    def holds(self, sig: Any, target_context: Any) -> bool:
        """Return whether there is an entry for a signature."""
        with suppress(Exception):  # as for any fault of an entry: it is compiled
            return (machine_code_folder() / self._name(sig, target_context.codegen())).is_file()
        return False

    def save_overload(self, sig: Any, data: Any) -> None:
        """Store the compiled code of a signature, if possible."""
        if data.library.has_dynamic_globals or any(not lifted.can_cache for lifted in data.lifted):
            return
        with suppress(Exception):  # no space, permission or folder: the next process compiles again
            folder = machine_code_folder()
            folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
            pickled = pickle.dumps(data._reduce(), protocol=pickle.HIGHEST_PROTOCOL)
            with temporary_file(folder, mode=PRIVATE_FILE) as (file, path):
                file.write(hashlib.sha256(pickled).digest() + pickled)
                file.close()
                path.replace(folder / self._name(sig, data.codegen))

    def enable(self) -> None:
        """Do nothing: the cache is always enabled."""

    def disable(self) -> None:
        """Do nothing: the cache is always enabled."""

    def flush(self) -> None:
        """Do nothing: a changed source has a different name."""

    def _name(self, signature: object, codegen: Any) -> str:
        function = self._function
        identity = (function.__module__, function.__qualname__, self._options, source_digest(function.__module__))
        parts = (*VERSIONS, *identity, str(signature), repr(codegen.magic_tuple()))
        return hashlib.sha256("\0".join(parts).encode("utf-8")).hexdigest()


def machine_code_folder() -> Path:
    """Return the folder of this version's machine code."""
    return cache_path() / "machine-code" / __version__


def _is_trusted(folder: Path) -> bool:
    """Return whether only the user and root can write to a folder."""
    if not hasattr(os, "geteuid"):
        return True
    found = folder.stat()
    return found.st_uid in (os.geteuid(), 0) and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
