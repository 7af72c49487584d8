"""Draw ``docs/explanation/modules.svg``, the map of the package's parts, from the imports in its sources.

``python docs/write_architecture.py`` draws it; a test compares the file with what this module makes. A part stands
above all that it imports. Of the imports, those are drawn that do not follow from others.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from graphlib import TopologicalSorter
from html import escape
from pathlib import Path
from types import MappingProxyType

PACKAGE = Path(__file__).resolve().parents[1] / "snnprog"
PICTURE = Path(__file__).with_name("explanation") / "modules.svg"

PARTS: Mapping[str, str] = MappingProxyType(
    {
        "foundations": "version arrays wording table display conflict progress rounding errors convolution proof cache"
        " temporaries processes checks documents jit signals output_files archive raster",
        "proof checker": "check_proof",
        "files": "files",
        "rules": "rules",
        "chips": "chips",
        "specs": "spec coding specs",
        "programs": "judgement distance synapses program_checks program_file program trace",
        "potentials": "fixed_order potential network",
        "solvers": "solver",
        "placement": "placement",
        "simulators": "simulate",
        "design": "design",
        "integers": "integers",
        "networks": "networks",
        "export": "emit",
        "proofs": "proving",
        "recovery": "recovery",
        "backends": "backends",
        "comparison": "figures divergence workload conversion verification",
        "compiler": "compiler explanation spec_file",
        "report": "report",
        "ways in": "__init__ conformance pytest_plugin demo cli __main__",
    }
)
"""Name of each part -> its modules and folders in ``snnprog/``."""

WIDTH, HEIGHT, GAP, ROW, MARGIN = 128, 44, 20, 92, 16
SHOWN_CHARACTERS = 21
GREY, BLUE = "#7b848c", "#2f81c1"  # can be read on white and on black
Graph = dict[str, set[str]]


def module_imports() -> Graph:
    """Return module or folder of the package -> those that it imports, wherever the statement stands."""
    graph: Graph = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        found = graph.setdefault(own, set())
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] == "snnprog":
                names = [node.module] if "." in node.module else [f"snnprog.{name.name}" for name in node.names]
                found.update(name.split(".")[1] for name in names if is_module(name.split(".")[1]))
    return {own: found - {own} for own, found in graph.items()}


def is_module(name: str) -> bool:
    """Return whether the package has a module or folder of this name; others are public names of its face."""
    return (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").is_file()


def part_imports() -> Graph:
    """Return part -> parts that it imports."""
    part_of = {module: part for part, modules in PARTS.items() for module in modules.split()}
    graph: Graph = {part: set() for part in PARTS}
    for module, found in module_imports().items():
        graph[part_of[module]] |= {part_of[name] for name in found} - {part_of[module]}
    return graph


def rows_of(graph: Graph) -> dict[str, int]:
    """Return part -> its row, 0 at the bottom: one above the highest that it imports."""
    rows: dict[str, int] = {}
    for part in TopologicalSorter(graph).static_order():
        rows[part] = 1 + max((rows[other] for other in graph[part]), default=-1)
    return rows


def drawn_imports(graph: Graph) -> Graph:
    """Return the imports that do not follow from others."""
    reached: Graph = {}
    for part in TopologicalSorter(graph).static_order():
        reached[part] = graph[part].union(*(reached[other] for other in graph[part]))
    return {part: found - set().union(*(reached[other] for other in found)) for part, found in graph.items()}


def places_of(rows: Mapping[str, int], drawn: Graph) -> dict[str, tuple[float, float]]:
    """Return part -> left and upper edge of its box; a box stands near those that it imports."""
    top, widest = max(rows.values()), max(list(rows.values()).count(row) for row in rows.values())
    middle = MARGIN + (widest * (WIDTH + GAP) - GAP) / 2
    places: dict[str, tuple[float, float]] = {}
    for row in range(top + 1):
        near = {part: [places[other][0] for other in drawn[part]] for part in PARTS if rows[part] == row}
        order = sorted(near, key=lambda part: sum(near[part]) / len(near[part]) if near[part] else 0.0)
        first = middle - (len(order) * (WIDTH + GAP) - GAP) / 2
        for index, part in enumerate(order):
            places[part] = (first + index * (WIDTH + GAP), MARGIN + (top - row) * ROW)
    return places


def picture() -> str:
    """Return the map as SVG."""
    graph = part_imports()
    rows, drawn = rows_of(graph), drawn_imports(graph)
    places = places_of(rows, drawn)
    width = max(x for x, _ in places.values()) + WIDTH + MARGIN
    height = max(y for _, y in places.values()) + HEIGHT + MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" font-family="sans-serif"'
        ' role="img" aria-label="Parts of the package, each above those that it imports">'
    ]
    lines += [wire(places[part], places[other]) for part in PARTS for other in sorted(drawn[part])]
    lines += [box(part, place) for part, place in places.items()]
    return "\n".join([*lines, "</svg>", ""])


def wire(above: tuple[float, float], below: tuple[float, float]) -> str:
    """Return the line from a part to one that it imports."""
    x, y, to_x, to_y = above[0] + WIDTH / 2, above[1] + HEIGHT, below[0] + WIDTH / 2, below[1]
    bend = (to_y - y) / 2
    return (
        f'<path d="M{x:g} {y:g} C{x:g} {y + bend:g} {to_x:g} {to_y - bend:g} {to_x:g} {to_y:g}"'
        f' fill="none" stroke="{GREY}" stroke-opacity="0.6"/>'
    )


def box(part: str, place: tuple[float, float]) -> str:
    """Return the box of a part; its modules stand in it, as far as there is room, and all in its tooltip."""
    x, y = place
    modules = PARTS[part].replace(" ", ", ")
    shown = modules if len(modules) <= SHOWN_CHARACTERS else f"{modules[: SHOWN_CHARACTERS - 1].rstrip(', ')}…"
    return (
        f'<g><title>{escape(modules)}</title><rect x="{x:g}" y="{y:g}" width="{WIDTH}" height="{HEIGHT}" rx="5"'
        f' fill="{BLUE}" fill-opacity="0.12" stroke="{BLUE}"/>'
        f'<text x="{x + WIDTH / 2:g}" y="{y + 19:g}" font-size="13" font-weight="bold" fill="{BLUE}"'
        f' text-anchor="middle">{escape(part)}</text>'
        f'<text x="{x + WIDTH / 2:g}" y="{y + 35:g}" font-size="10" fill="{GREY}" text-anchor="middle">'
        f"{escape(shown)}</text></g>"
    )


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8", newline="\n")
