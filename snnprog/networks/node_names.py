"""The names of lines and neurons in a NIR graph: a JSON text in its metadata, an object of node -> list of names.

NIR has no names of single neurons. A graph that snnprog wrote has them in ``metadata["names"]``, so that a program is
imported with its names. Other tools ignore the text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from snnprog.documents import parse_json
from snnprog.errors import FormatError, SpecError
from snnprog.names import Names, as_names

KEY = "names"
"""Of the metadata."""


def names_to_text(names: Mapping[str, Names]) -> str:
    """Return the text of node -> names."""
    return json.dumps({node: list(own) for node, own in names.items()}, sort_keys=True)


def names_of_text(graph: str, text: str, *, inputs: Iterable[str]) -> dict[str, Names]:
    """Return node -> names.

    Parameters
    ----------
    graph : str
        Its source, for messages.
    text : str
        Empty if the graph has no names.
    inputs : iterable of str
        The Input nodes, whose lines may have the same names as neurons.

    Raises
    ------
    FormatError
        If it is not such a text, or the names are not valid and different.
    """
    if not text:
        return {}
    try:
        found = parse_json(text.encode("utf-8"))
        names = {node: as_names(f"names of {node!r:.40}", own, None, may_be_joined=True) for node, own in found.items()}
        named, doors = {node: own for node, own in names.items() if own is not None}, set(inputs)
        for is_input in (True, False):
            as_names(
                "names",
                together(own for node, own in named.items() if (node in doors) == is_input),
                None,
                may_be_joined=True,
            )
    except (ValueError, SpecError) as error:
        raise FormatError(f"the names in the metadata of {graph} are not valid: {error}") from error
    return named


def together(names: Iterable[Names]) -> Names:
    """Return all names of some nodes."""
    return tuple(name for own in names for name in own)


def names_of_nodes(names: Mapping[str, Names], sizes: Iterable[tuple[str, int]]) -> Names | None:
    """Return the names of nodes of given sizes, one after another; None unless each has as many."""
    listed = list(sizes)
    if not listed or any(len(names.get(node, ())) != size for node, size in listed):
        return None
    return together(names[node] for node, _ in listed)
