"""Draw ``docs/explanation/modules.svg``, the map of the package's parts, from the imports in its sources.

``python docs/write_architecture.py`` draws it; a test compares the file with what this module makes. A part stands
above all that it imports. Of the imports, those are drawn that do not follow from others.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from functools import cache
from graphlib import TopologicalSorter
from html import escape
from pathlib import Path
from types import MappingProxyType

PACKAGE = Path(__file__).resolve().parents[1] / "snnprog"
PICTURE = Path(__file__).with_name("explanation") / "modules.svg"

PARTS: Mapping[str, str] = MappingProxyType(
    {
        "foundations": "version arrays wording calls table display conflict progress rounding errors convolution proof"
        " proof_document cache temporaries processes checks names documents jit signals output_files archive raster"
        " frames",
        "proof checker": "check_proof",
        "files": "files",
        "rules": "rules",
        "chips": "chips",
        "specs": "automata spec coding specs",
        "programs": "judgement generalisation distance synapses program_checks program_names program_file program"
        " trace",
        "journal": "journal",
        "potentials": "fixed_order potential network",
        "solvers": "solver",
        "placement": "placement",
        "simulators": "simulate",
        "robustness": "robustness",
        "design": "design",
        "integers": "integers",
        "networks": "networks",
        "export": "emit",
        "proofs": "proving",
        "recovery": "recovery",
        "backends": "backends",
        "comparison": "figures divergence break_even neurobench workload conversion verification"
        " exploration linking recall integer_bound",
        "compiler": "compiler explanation unit_results unit_fits estimators spec_file spec_writing",
        "report": "report",
        "commands and API": "__init__ conformance pytest_plugin demo cli __main__",
    }
)
"""Name of each part -> its modules and folders in ``snnprog/``."""

WIDTH, HEIGHT, GAP, ROW, MARGIN = 132, 44, 20, 76, 16
SHOWN_CHARACTERS = 21
GREY, BLUE = "#7b848c", "#2f81c1"  # can be read on white and on black
Graph = dict[str, set[str]]
Item = str | tuple[str, str, int]
"""What has a place in a row: a part, or the line from one part to another that passes through the row."""


@cache
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


def chains_of(rows: Mapping[str, int], drawn: Graph) -> list[list[Item]]:
    """Return, for each import that is drawn, what it leads through from above to below: one item in each row."""
    return [
        [part, *((part, other, row) for row in range(rows[part] - 1, rows[other], -1)), other]
        for part in PARTS
        for other in sorted(drawn[part])
    ]


def places_of(rows: Mapping[str, int], chains: Sequence[Sequence[Item]]) -> dict[Item, tuple[float, float]]:
    """Return item -> middle of its upper edge; an item stands near those that lines lead down to from it."""
    items = list(dict.fromkeys([*PARTS, *(item for chain in chains for item in chain)]))
    row_of = {item: rows[item] if isinstance(item, str) else item[2] for item in items}
    below = {item: [chain[chain.index(item) + 1] for chain in chains if item in chain[:-1]] for item in items}
    places: dict[Item, tuple[float, float]] = {}
    for row in range(max(rows.values()) + 1):
        near = {
            item: sum(places[other][0] for other in below[item]) / max(len(below[item]), 1)
            for item in items
            if row_of[item] == row
        }
        order = sorted(near, key=near.__getitem__)
        edge = -(sum(map(width_of, order)) + GAP * (len(order) - 1)) / 2
        for item in order:
            places[item] = (edge + width_of(item) / 2, (max(rows.values()) - row) * ROW)
            edge += width_of(item) + GAP
    return places


def width_of(item: Item) -> int:
    """Return how much room a box or a line takes in a row."""
    return WIDTH if isinstance(item, str) else 0


def picture() -> str:
    """Return the map as SVG."""
    graph = part_imports()
    rows = rows_of(graph)
    chains = chains_of(rows, drawn_imports(graph))
    places = places_of(rows, chains)
    left, right = (end(x for x, _ in places.values()) for end in (min, max))
    width, height = right - left + WIDTH + 2 * MARGIN, max(y for _, y in places.values()) + HEIGHT + 2 * MARGIN
    view = f"{left - WIDTH / 2 - MARGIN:g} {-MARGIN} {width:g} {height:g}"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{view}" width="{width:g}" height="{height:g}"'
        ' font-family="sans-serif" role="img" aria-label="Parts of the package, each above those that it imports">'
    ]
    lines += [wire([places[item] for item in chain]) for chain in chains]
    lines += [box(part, places[part]) for part in PARTS]
    return "\n".join([*lines, "</svg>", ""])


def wire(places: Sequence[tuple[float, float]]) -> str:
    """Return the line from a part, between the boxes of the rows below, to one that it imports."""
    (x, y), *others = places
    y += HEIGHT
    path = f"M{x:g} {y:g}"
    for to_x, to_y in others:
        middle = (y + to_y) / 2
        path += f" C{x:g} {middle:g} {to_x:g} {middle:g} {to_x:g} {to_y:g} V{to_y + HEIGHT:g}"
        x, y = to_x, to_y + HEIGHT
    return f'<path d="{path.rpartition(" V")[0]}" fill="none" stroke="{GREY}" stroke-opacity="0.7"/>'


def box(part: str, place: tuple[float, float]) -> str:
    """Return the box of a part; its modules stand in it, as far as there is room, and all in its tooltip."""
    x, y = place[0] - WIDTH / 2, place[1]
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
