"""A breadth-first search whose nodes are any values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from snnprog.arrays import Raster
from snnprog.automata.automaton import Row

Node = TypeVar("Node")


@dataclass(frozen=True)
class StateSearch:
    """The result of a breadth-first search.

    Attributes
    ----------
    states : int
        The states that were reached.
    is_closed : bool
        Whether there are no more, and nothing is wrong.
    fault : str
        What is wrong, or "".
    stream : tuple of row
        The shortest stream that leads there.
    """

    states: int
    is_closed: bool
    fault: str = ""
    stream: tuple[Row, ...] = ()

    @property
    def raster(self) -> Raster:
        """The stream as a raster ``(ticks, inputs)``."""
        return np.array(self.stream, np.bool_)


def searched(start: Node, moves: Callable[[Node], Iterable[tuple[Row, Node | str]]], *, most: int) -> StateSearch:
    """Search breadth first from a state until a move is wrong, or there are no more states, or more than ``most``."""
    came: dict[Node, tuple[Node, Row] | None] = {start: None}
    level = [start]
    while level and len(came) <= most:
        found: list[Node] = []
        for node in level:
            for row, after in moves(node):
                if isinstance(after, str):
                    return StateSearch(len(came), is_closed=False, fault=after, stream=_stream(came, node, row))
                if after not in came:
                    came[after] = node, row
                    found.append(after)
        level = found
    return StateSearch(len(came), is_closed=not level)


def _stream(came: dict[Node, tuple[Node, Row] | None], node: Node, last: Row) -> tuple[Row, ...]:
    rows, at = [last], came[node]
    while at is not None:
        rows.append(at[1])
        at = came[at[0]]
    return tuple(reversed(rows))
