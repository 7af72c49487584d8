"""Machine code is kept where it can be, and made again where it cannot be kept or what was kept is damaged."""

from __future__ import annotations

import ast
import hashlib
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from snnprog import jit
from snnprog.cache import CACHE_VARIABLE, cache_path
from snnprog.errors import BackendError

PACKAGE = Path(jit.__file__).parent


def twice(number: int) -> int:
    return 2 * number


def declared(function: Callable[[int], int] = twice) -> Any:
    """Return a function that Numba has not compiled yet."""
    return jit.compiled()(function)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of the machine code, in an empty cache."""
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    return jit.machine_code_folder()


def hits(function: Any) -> int:
    return sum(function.stats.cache_hits.values())


def test_what_was_compiled_is_kept(folder: Path) -> None:
    first, second = declared(), declared()
    assert (first(3), hits(first)) == (6, 0)
    assert len(list(folder.iterdir())) == 1
    assert (second(3), hits(second)) == (6, 1)
    assert declared()(1.5) == 3.0
    assert len(list(folder.iterdir())) == 2


def test_code_is_ready_once_it_is_kept(folder: Path) -> None:
    assert not jit.is_ready(declared(), [3])
    declared()(3)
    assert jit.is_ready(declared(), [3])
    assert not jit.is_ready(declared(), [1.5])
    used = declared()
    used(1.5)
    for entry in folder.iterdir():
        entry.unlink()
    assert jit.is_ready(used, [1.5]), "it is loaded"
    assert not jit.is_ready(used, [3])


def test_functions_and_options_are_told_apart(folder: Path) -> None:
    assert declared()(3) == 6
    assert jit.compiled(nogil=True)(twice)(3) == 6
    assert declared(lambda number: 3 * number)(3) == 9
    assert len(list(folder.iterdir())) == 3


def add_to_first(values: NDArray[np.int64], by: int) -> np.uint64:
    values[0] += by
    return np.uint64(values[0])


def multiply_first(values: NDArray[np.int64], by: int) -> np.uint64:
    values[0] *= by
    return np.uint64(values[0])


def call_twice(code: Any, values: NDArray[np.int64], by: int) -> np.uint64:
    jit.called(code, values, by)
    return jit.called(code, values, by)


@pytest.mark.parametrize("is_kept", [False, True], ids=["compiled", "kept"])
def test_a_loop_that_is_compiled_once_calls_several_functions(folder: Path, is_kept: bool) -> None:
    """What is kept has another address in each process."""
    for _ in range(1 + is_kept):
        caller: Any = jit.compiled()(call_twice)
        for function, expected in ((add_to_first, 13), (multiply_first, 63)):
            values = np.array([7, 7], np.int64)
            code = jit.address_of(jit.compiled()(function), (values, 3))
            assert (caller(code, values, 3), values.tolist()) == (expected, [expected, 7])
        assert len(caller.overloads) == 1
    assert len(list(folder.iterdir())) == 3


class Renamed:
    """What an entry of another version may be an object of."""


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "cut off": lambda content: content[: len(content) // 2],
    "a flipped bit": lambda content: content[:-200] + bytes([content[-200] ^ 1]) + content[-199:],
    "without its digest": lambda content: content[jit.DIGEST_BYTES :],
    "another object": lambda content: pickle.dumps(Renamed()),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_entry_is_made_again(folder: Path, damage: str) -> None:
    declared()(3)
    (entry,) = folder.iterdir()
    entry.write_bytes(DAMAGES[damage](entry.read_bytes()))
    again = declared()
    assert (again(3), hits(again)) == (6, 0)
    mended = declared()
    assert (mended(3), hits(mended)) == (6, 1)


def test_an_entry_of_a_class_that_is_gone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a digest that fits: an upgrade of Numba has such entries, unless its version is in their name."""
    declared()(3)
    (entry,) = folder.iterdir()
    pickled = pickle.dumps(Renamed())
    entry.write_bytes(hashlib.sha256(pickled).digest() + pickled)
    monkeypatch.delattr(sys.modules[__name__], "Renamed")
    again = declared()
    assert (again(3), hits(again)) == (6, 0)


@pytest.mark.parametrize("place", ["a file", "in a file", "a full device", "a folder that cannot be made"])
def test_nowhere_to_keep_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    (tmp_path / "file").touch()
    places = {"a file": tmp_path / "file", "in a file": tmp_path / "file" / "cache", "a full device": "/dev/full"}
    monkeypatch.setenv(CACHE_VARIABLE, str(places.get(place, "/proc/none")))
    function = declared()
    assert (function(3), hits(function)) == (6, 0)


@pytest.mark.skipif(os.name != "posix", reason="permission bits")
def test_a_folder_that_others_may_write_to_is_not_believed(folder: Path) -> None:
    declared()(3)
    folder.chmod(0o777)
    again = declared()
    assert (again(3), hits(again)) == (6, 0)


@pytest.mark.parametrize("is_raised", [True, False], ids=["platformdirs raises", "platformdirs returns ~"])
def test_without_a_home(monkeypatch: pytest.MonkeyPatch, is_raised: bool) -> None:
    def homeless(name: str) -> Path:
        if is_raised:
            raise RuntimeError("could not determine the home directory")
        return Path("~/.cache") / name

    monkeypatch.delenv(CACHE_VARIABLE, raising=False)
    monkeypatch.setattr("snnprog.cache.user_cache_path", homeless)
    with pytest.raises(BackendError, match="the cache must have a folder, and no home folder was found; set SNNPROG_"):
        cache_path()
    assert declared()(3) == 6


def test_without_compilation(folder: Path) -> None:
    code = "from snnprog.rules.operations import clip; print(clip(7, 0, 5), type(clip).__name__)\n"
    code += "from snnprog.jit import address_of, called; print(called(address_of(clip, (7, 0, 5)), 7, 0, 5))"
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "5 function\n5\n"


def test_a_digest_covers_what_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jit, "PACKAGE", tmp_path)
    sources = {
        "__init__.py": "",
        "kernel.py": "from snnprog.limits import MOST\nfrom snnprog.parts import (\n    inner,\n)\nimport numpy\n",
        "limits.py": "MOST = 3\n",
        "parts/__init__.py": "",
        "parts/inner.py": "    from snnprog.deep import X\n",
        "deep.py": "X = 1\n",
        "other.py": "Y = 1\n",
    }
    (tmp_path / "parts").mkdir()

    def digest() -> str:
        jit.source_digest.cache_clear()
        return jit.source_digest("snnprog.kernel")

    for name, text in sources.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    before = digest()
    for name, text in sources.items():
        (tmp_path / name).write_text(text + "# changed\n", encoding="utf-8")
        assert (digest() == before) == (name in ("other.py", "__init__.py")), name
        (tmp_path / name).write_text(text, encoding="utf-8")
    jit.source_digest.cache_clear()


def test_nothing_is_compiled_in_another_way() -> None:
    users = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, (ast.Import, ast.ImportFrom)) and "numba" in ast.unparse(node).replace(".", " ").split()
    }
    assert users == {"jit.py", "simulate/instructions.py", "backends/execution.py"}, (
        "numba is imported by jit and instructions, and for its version by execution"
    )
