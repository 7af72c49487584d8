"""What programs take of the machines that they are exported for, measured by those machines' own tools."""

from __future__ import annotations

from snnprog.figures.microcontrollers import (
    MICROCONTROLLERS,
    MicrocontrollerFigures,
    TickInstructions,
    microcontroller_figures,
)

__all__ = ["MICROCONTROLLERS", "MicrocontrollerFigures", "TickInstructions", "microcontroller_figures"]
