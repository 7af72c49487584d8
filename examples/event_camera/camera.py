"""What an event camera of 16 x 16 pixels sends when a handwritten digit moves before it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

SIDE = 16
MOVES = [(0, 1), (1, 0), (0, -1), (-1, 0)] * 6  # one pixel every 2 ms


def recording(image: NDArray[Any]) -> NDArray[Any]:
    """Return the events of one moving image, as Tonic's datasets have them: x, y, t in microseconds, p."""
    frame, events = np.kron(image, np.ones((2, 2))), []
    for step, move in enumerate(MOVES):
        last, frame = frame, np.roll(frame, move, (0, 1))
        for y, x in np.argwhere(np.abs(frame - last) > 0.25).tolist():
            events.append((x, y, 2000 * step, frame[y, x] > last[y, x]))
    return np.array(events, [("x", "i2"), ("y", "i2"), ("t", "i8"), ("p", "?")])
