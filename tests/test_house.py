"""What style asks of every file and neither the formatter nor the type checker sees."""

from __future__ import annotations

import ast
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

import snnprog as sp

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("snnprog", "backends", "tests", "benchmarks", "examples")
USERS = ("tests", "benchmarks", "examples")
MODULES_ON_PURPOSE = {"automata", "coding", "specs"}

# A name with an underscore at its end, too, is a protocol's, as IPython's `_repr_html_`.
PRIVATE_NAME = re.compile(r"_[a-zA-Z]\w*(?<!_)")
PRIVATE_PATH = re.compile(r"snnprog(\.\w+)*\._[a-zA-Z]\w*(?<!_)(\.\w+)*")
BY_TEXT = {"setattr", "getattr", "delattr", "hasattr"}


def sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def comments(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of each comment."""
    with tokenize.open(path) as file:
        for token in tokenize.generate_tokens(file.readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string


def with_comment(pattern: str, *folders: str) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{line}"
        for path in sources(*folders)
        if re.search(pattern, path.read_text(encoding="utf-8"))  # comments take long to find
        for line, text in comments(path)
        if re.search(pattern, text)
    ]


def names_of_others(tree: ast.Module) -> set[str]:
    """Return the names that a file imports from elsewhere than the package."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            origin = node.module if isinstance(node, ast.ImportFrom) else None
            for alias in node.names:
                if (origin or alias.name).partition(".")[0] != "snnprog":
                    names.add(alias.asname or alias.name.partition(".")[0])
    return names


def root_of(node: ast.expr) -> str | None:
    """Return the name at the beginning of a chain of attributes."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def private_uses(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of each use of a private name of the package, as code or within a string."""
    not_the_package = names_of_others(tree) | {"self", "cls"}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "snnprog":
            yield from ((node.lineno, alias.name) for alias in node.names if PRIVATE_NAME.fullmatch(alias.name))
        elif isinstance(node, ast.Attribute) and PRIVATE_NAME.fullmatch(node.attr):
            if root_of(node) not in not_the_package:
                yield node.lineno, ast.unparse(node)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if PRIVATE_PATH.fullmatch(node.value):
                yield node.lineno, node.value
        elif isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in BY_TEXT:
            texts = [argument.value for argument in node.args[1:2] if isinstance(argument, ast.Constant)]
            yield from ((node.lineno, str(text)) for text in texts if PRIVATE_NAME.fullmatch(str(text)))


def test_no_layout_is_kept_from_the_formatter() -> None:
    assert with_comment(r"fmt:\s*(skip|off)", *FOLDERS) == []


def test_tests_hide_nothing_from_the_type_checker() -> None:
    assert with_comment(r"type:\s*ignore", "tests") == []


def test_tests_use_public_names_only() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text}"
        for path in sources(*USERS)
        for line, text in private_uses(ast.parse(path.read_text(encoding="utf-8")))
        if path != Path(__file__)
    ]
    assert found == [], "test what the package does, or give what is tested a public name in its module"


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("from snnprog.program import _spread", "_spread"),
        ("from snnprog import program\nprogram._spread({})", "program._spread"),
        ("import snnprog as sp\nsp.program._spread", "sp.program._spread"),
        ("spec._n_hidden", "spec._n_hidden"),
        ("monkeypatch.setattr('snnprog.program._spread', None)", "snnprog.program._spread"),
        ("monkeypatch.setattr('snnprog.compiler.steps._Work.fitting', None)", "snnprog.compiler.steps._Work.fitting"),
        ("monkeypatch.setattr(program, '_spread', None)", "_spread"),
    ],
)
def test_a_private_name_is_found(code: str, text: str) -> None:
    assert [found for _, found in private_uses(ast.parse(code))] == [text]


@pytest.mark.parametrize(
    "code",
    ["import os\nos._exit(0)", "self._found", "trace.__class__", "found._ = 1", "'_after_'", "spec._repr_html_()"],
)
def test_other_names_are_not(code: str) -> None:
    assert list(private_uses(ast.parse(code))) == []


def test_no_public_name_is_that_of_a_module() -> None:
    """The import of a module would replace the function or class of that name."""
    modules = {path.stem for path in (ROOT / "snnprog").iterdir() if path.suffix == ".py" or path.is_dir()}
    assert set(sp.__all__) & modules == MODULES_ON_PURPOSE


# ---------------------------------------------------------------- processes

STARTS = {"system", "popen", "fork", "forkpty", "posix_spawn", "posix_spawnp", "startfile"}
STARTERS = {"subprocess", "multiprocessing", "pty", "asyncio", "webbrowser", "joblib", "loky", "pexpect"}
PROCESSES = ROOT / "snnprog" / "processes"


def starts_of_processes(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of each import or use of what starts a process."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names if name.name.partition(".")[0] in STARTERS)
        elif isinstance(node, ast.ImportFrom):
            if (node.module or "").partition(".")[0] in STARTERS:
                yield node.lineno, node.module or ""
            yield from ((node.lineno, name.name) for name in node.names if name.name == "ProcessPoolExecutor")
        elif isinstance(node, ast.Attribute) and root_of(node) == "os":
            if node.attr in STARTS or node.attr.startswith(("exec", "spawn")):
                yield node.lineno, ast.unparse(node)
        elif isinstance(node, ast.Attribute) and node.attr == "ProcessPoolExecutor":
            yield node.lineno, ast.unparse(node)


@pytest.mark.parametrize(
    "text",
    [
        "import subprocess",
        "import multiprocessing.pool",
        "from subprocess import Popen",
        "from concurrent.futures import ProcessPoolExecutor",
        "concurrent.futures.ProcessPoolExecutor(2)",
        "os.execv('/bin/sh', [])",
        "os.system('true')",
        "os.fork()",
    ],
)
def test_starts_of_processes_are_found(text: str) -> None:
    assert list(starts_of_processes(ast.parse(text)))


def test_processes_are_started_in_one_place() -> None:
    others = [path for path in sources("snnprog") if not path.is_relative_to(PROCESSES)]
    assert [(path.name, *start) for path in others for start in starts_of_processes(ast.parse(path.read_text()))] == []
    starting = [
        path.name for path in sorted(PROCESSES.glob("*.py")) if re.search(r"\bPopen\(|\brun\(", path.read_text())
    ]
    assert starting == ["starting.py"]
