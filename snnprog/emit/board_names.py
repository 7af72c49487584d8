"""The names of the FPGA boards, which are checked before Amaranth is imported."""

from __future__ import annotations

from snnprog.errors import SpecError
from snnprog.wording import did_you_mean

BOARD_NAMES = ("icebreaker", "upduino", "ulx3s", "ulx3s-85f", "colorlight-i5", "colorlight-5a-75b")
"""As `snnprog.emit.hardware.boards.BOARDS`, which imports Amaranth."""


def check_board(name: str) -> None:
    """Check the name of a board.

    Raises
    ------
    SpecError
        If no board has that name.
    """
    if name not in BOARD_NAMES:
        raise SpecError(f"board must be one of {', '.join(BOARD_NAMES)}, got {name!r}{did_you_mean(name, BOARD_NAMES)}")
