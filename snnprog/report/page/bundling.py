"""ES modules in, one script out: the page is a single file, in which no module can import another.

Each module in ``assets`` becomes a function that is called once and returns what the module exports; its imports become
constants. They stand in the order of their imports::

    modules["sorted.js"] = (() => { …; return { firstAtLeast, includes }; })();
    modules["view.js"] = (() => { const { firstAtLeast } = modules["sorted.js"]; …; return { View }; })();

Only named imports and exported declarations are known; ``eslint.config.js`` allows no others.
"""

from __future__ import annotations

import re
from graphlib import TopologicalSorter
from importlib import resources

IMPORT = re.compile(r'^import (\{[\w\s,]+\}) from "\./([\w.]+)";$', re.MULTILINE)
EXPORT = re.compile(r"^export ((?:async )?function|class|const|let) (\w+)", re.MULTILINE)
UNKNOWN = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)


def read_asset(name: str) -> str:
    """Return the text of a file of the page."""
    return (resources.files("snnprog.report.page") / "assets" / name).read_text(encoding="utf-8")


def modules_of(entry: str) -> tuple[str, ...]:
    """Return the names of a module and of all that it needs, each after those that it imports.

    Raises
    ------
    graphlib.CycleError
        If modules import one another.
    """
    imports: dict[str, list[str]] = {}
    waiting = [entry]
    while waiting:
        name = waiting.pop()
        if name not in imports:
            imports[name] = [match[2] for match in IMPORT.finditer(read_asset(name))]
            waiting += imports[name]
    return tuple(TopologicalSorter(imports).static_order())


def bundle(entry: str) -> str:
    """Return a module and its imports as one script, in which ``modules`` holds the exports of each."""
    return "const modules = {};\n" + "".join(_as_function(name, read_asset(name)) for name in modules_of(entry))


def _as_function(name: str, text: str) -> str:
    exported = ", ".join(match[2] for match in EXPORT.finditer(text))
    body = EXPORT.sub(r"\1 \2", IMPORT.sub(r'const \1 = modules["\2"];', text))
    unknown = UNKNOWN.search(body)
    assert unknown is None, f"{name}: {unknown[0]!r} is neither a named import nor an exported declaration"
    return f'modules["{name}"] = (() => {{\n{body}return {{ {exported} }};\n}})();\n'
