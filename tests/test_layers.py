"""Which module may import which: one ordered list, lowest first, compared with what the sources say."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "snnprog"
INIT = "__init__"

# A module imports only from lines above its own; a folder is one line. `__init__` is the lazy public face: what stands
# below it may use `snnprog` as its users do.
LAYERS = (
    "version",
    "arrays",
    "check_proof",
    "wording",
    "calls",
    "table",
    "display",
    "conflict",
    "rounding",
    "errors",
    "frames",
    "progress",
    "convolution",
    "proof",
    "proof_document",
    "cache",
    "temporaries",
    "processes",
    "checks",
    "names",
    "automata",
    "documents",
    "jit",
    "signals",
    "output_files",
    "archive",
    "raster",
    "files",
    "rules",
    "chips",
    "spec",
    "journal",
    "solver",
    "coding",
    "specs",
    "judgement",
    "generalisation",
    "distance",
    "synapses",
    "program_checks",
    "program_names",
    "program_file",
    "program",
    "trace",
    "fixed_order",
    "potential",
    "network",
    "placement",
    "simulate",
    "robustness",
    "exploration",
    "linking",
    "design",
    "integers",
    "networks",
    "emit",
    "proving",
    "recovery",
    "backends",
    "recall",
    "integer_bound",
    "figures",
    "divergence",
    "break_even",
    "neurobench",
    "workload",
    "conversion",
    "verification",
    "compiler",
    "explanation",
    "unit_results",
    "unit_fits",
    "estimators",
    "spec_file",
    "spec_writing",
    "report",
    INIT,
    "conformance",
    "pytest_plugin",
    "demo",
    "cli",
    "__main__",
)

HIDDEN_IMPORT = r"\b(import_module|__import__)$|\b(import_module|__import__)\("

SOURCES = sorted(PACKAGE.rglob("*.py"))
RUNNERS = sorted((ROOT / "backends").rglob("*.py"))


def name_of(path: Path) -> str:
    """Return the dotted name below ``snnprog``; a folder's own file goes by the folder's name."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if len(parts) > 1 and parts[-1] == INIT else parts)


def line_of(module: str) -> str:
    return module.partition(".")[0]


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imported(tree: ast.AST) -> Iterator[str]:
    """Yield every imported name in full, wherever the statement stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: imports are absolute here"
            assert node.module is not None
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def modules() -> frozenset[str]:
    return frozenset(map(name_of, SOURCES))


@cache
def own_imports(path: Path) -> frozenset[str]:
    """Return the modules of the package that a file imports, as dotted names below ``snnprog``."""
    found = set()
    for name in imported(tree_of(path)):
        root, _, rest = name.partition(".")
        if root == "snnprog":
            parts = rest.split(".") if rest else []
            longest = next(
                (".".join(parts[:n]) for n in range(len(parts), 0, -1) if ".".join(parts[:n]) in modules()), INIT
            )
            found.add(longest)
    return frozenset(found)


def test_every_module_has_a_line() -> None:
    new = sorted({line_of(name_of(path)) for path in SOURCES} - set(LAYERS))
    assert not new, f"snnprog/{new[0]} is new: add it to LAYERS in {Path(__file__).name}, above all that import it"


def test_no_line_is_there_twice() -> None:
    assert len(set(LAYERS)) == len(LAYERS)


def test_imports_only_from_lines_above() -> None:
    place = {line: number for number, line in enumerate(LAYERS)}
    faults = [
        f"snnprog.{name_of(path)} imports {name}, which does not stand above it in LAYERS"
        for path in SOURCES
        for name in sorted(own_imports(path))
        if name_of(path) != INIT and line_of(name) != line_of(name_of(path))
        if place.get(line_of(name), len(place)) >= place.get(line_of(name_of(path)), 0)
    ]
    assert not faults


@pytest.mark.parametrize("folder", sorted({line_of(name_of(path)) for path in SOURCES if path.parent != PACKAGE}))
def test_no_cycle_inside_a_folder(folder: str) -> None:
    graph = {
        name_of(path): {name for name in own_imports(path) if line_of(name) == folder}
        for path in SOURCES
        if line_of(name_of(path)) == folder
    }
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"import cycle: {' -> '.join(error.args[1])}")
    assert set(order) >= set(graph)


def test_the_package_imports_only_its_version_when_run() -> None:
    tree = tree_of(PACKAGE / "__init__.py")
    at_run_time = [
        node for node in tree.body if not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    ]
    names = {name for node in at_run_time for name in imported(node) if name.startswith("snnprog")}
    assert names == {"snnprog.version.__version__"}


def test_the_public_face_stands_above_what_it_loads() -> None:
    homes = {line_of(name) for name in own_imports(PACKAGE / "__init__.py")}
    assert homes <= set(LAYERS[: LAYERS.index(INIT)])


def test_nothing_hides_an_import() -> None:
    hidden = [
        f"{name_of(path)}: {text}"
        for path in SOURCES
        if name_of(path) != INIT and re.search(HIDDEN_IMPORT, path.read_text(encoding="utf-8"))
        for call in ast.walk(tree_of(path))
        if isinstance(call, ast.Call) and re.search(HIDDEN_IMPORT, ast.unparse(call.func))
        if "snnprog" in (text := ast.unparse(call))
    ]
    assert not hidden


def test_only_solver_imports_ortools() -> None:
    users = {
        line_of(name_of(path))
        for path in SOURCES
        for name in imported(tree_of(path))
        if name.split(".")[0] == "ortools"
    }
    assert users == {"solver"}


def test_there_are_runners() -> None:
    assert any(path.name == "runner.py" for path in RUNNERS)


@pytest.mark.parametrize("path", RUNNERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_runner_imports_the_judge(path: Path) -> None:
    assert not [name for name in imported(tree_of(path)) if name.split(".")[0] == "snnprog"]


def test_a_class_name_means_one_thing() -> None:
    places: dict[str, list[str]] = {}
    for path in SOURCES:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(f"{path.relative_to(ROOT)}:{node.lineno}")
    twice = {name: found for name, found in places.items() if len(found) > 1}
    assert twice == {}
