"""docs/how-to/link.md: every block runs, in order, and prints what the page says; its system can be linked."""

from __future__ import annotations

from pathlib import Path

from command_line import Command
from doc_pages import blocks_of, page_text, run_blocks

import snnprog as sp
from snnprog import cli

BLOCKS = blocks_of(page_text("how-to/link.md"))


def program(inputs: list[str], outputs: list[str]) -> sp.Program:
    """Return a program with these lines and outputs, each output driven by the first line."""
    return sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=len(inputs),
        n_neurons=len(outputs),
        pre=0,
        post=range(len(outputs)),
        weight=100,
        threshold=50,
        input_names=inputs,
        neuron_names=outputs,
    )


def test_every_block_says_what_comes_of_it(command: Command, tmp_path: Path) -> None:
    run_blocks(BLOCKS, tmp_path, written={"toml": lambda _: "SYSTEM.toml"})
    program(["mic", "coin", "reset"], ["arm"]).save(tmp_path / "detector.snnp")
    program(["start", "coin"], ["open"]).save(tmp_path / "machine.snnp")
    assert command("link", tmp_path / "SYSTEM.toml", "-o", tmp_path / "P.snnp")[0] == cli.EXACT
    linked = sp.load(tmp_path / "P.snnp")
    assert (linked.input_names, linked.output_names) == (("mic", "coin"), ("door",))
