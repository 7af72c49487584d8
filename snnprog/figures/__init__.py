"""Resources that exported programs take on their machines, measured by those machines' tools, or counted."""

from __future__ import annotations

from snnprog.figures.boards import BoardFigures, Share, ToolReport, board_figures, read_tool_report
from snnprog.figures.microcontrollers import (
    MICROCONTROLLERS,
    MicrocontrollerFigures,
    TickInstructions,
    microcontroller_figures,
)

__all__ = [
    "MICROCONTROLLERS",
    "BoardFigures",
    "MicrocontrollerFigures",
    "Share",
    "TickInstructions",
    "ToolReport",
    "board_figures",
    "microcontroller_figures",
    "read_tool_report",
]
