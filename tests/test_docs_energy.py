"""docs/how-to/energy.md: every block runs, in order, and prints what the page says; all metrics are named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from doc_pages import blocks_of, page_text, run_blocks

import snnprog as sp

TEXT = page_text("how-to/energy.md")


def test_every_block_says_what_comes_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run_blocks(blocks_of(TEXT), tmp_path)


def test_all_metrics_are_explained() -> None:
    program = sp.Program.from_arrays(
        chip="loihi1", n_inputs=1, n_neurons=1, outputs=[0], pre=[0], post=[0], weight=1, threshold=1
    )
    metrics = sp.activity(program, [np.ones((1, 1), bool)]).neurobench.as_dict()
    operations = metrics.pop("SynapticOperations")
    assert isinstance(operations, dict)
    assert [name for name in (*metrics, *operations) if f"| {name} |" not in TEXT] == []
