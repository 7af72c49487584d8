"""`snnprog.export`: the suffix says the form; and what backends say of rules and of what is exported for them."""

from __future__ import annotations

import sys
from pathlib import Path

import nir
import numpy as np
import pytest
from by_hand import by_hand
from stand_in import write_backend

import snnprog as sp
from snnprog.figures import board_figures


def test_the_suffix_says_the_form(tmp_path: Path) -> None:
    path = tmp_path / "p.nir"
    assert sp.export(by_hand(), path, dt_ms=1.0) == [path]
    sp.write_nir(tmp_path / "q.nir", by_hand(), dt_ms=1.0)
    assert nir.read(path).metadata == nir.read(tmp_path / "q.nir").metadata


@pytest.mark.parametrize(("name", "message"), [("p.pdf", "ends in '.pdf'"), ("p", "has no suffix")])
def test_an_unknown_suffix(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(sp.SpecError, match=f"{message}; programs are exported to .nir, .c"):
        sp.export(by_hand(), tmp_path / name)


def test_a_graph_has_a_tick(tmp_path: Path) -> None:
    with pytest.raises(sp.SpecError, match="give the length of a tick as dt_ms"):
        sp.export(by_hand(), tmp_path / "p.nir")


@pytest.mark.parametrize("name", ["p.hex", "folder", "p.c"])
def test_a_board_is_checked_before_its_tools(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "amaranth", None)  # as where it is not installed
    message = r"board must be one of icebreaker, .*, got 'icebraker'; did you mean 'icebreaker'\?"
    with pytest.raises(sp.SpecError, match=message):
        sp.export(by_hand(), tmp_path / name, board="icebraker")
    with pytest.raises(sp.SpecError, match=message):
        board_figures(by_hand(), "icebraker")


def test_a_backend_that_executes_any_rule(folders: Path) -> None:
    write_backend(folders, "any_rule", rule="any")
    program = by_hand(delay=[1] * 7)
    raster = np.ones((20, program.n_inputs), dtype=np.bool_)
    assert (sp.run(program, raster, "any_rule").spikes == sp.run(program, raster).spikes).all()


def test_an_artifact_that_nothing_is_exported_to(folders: Path) -> None:
    write_backend(folders, "odd")
    description = folders / "odd" / "backend.toml"
    description.write_text('artifact = ".pdf"\n' + description.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(sp.BackendError, match=r"artifact must be one of .nir, .c, .v, .hex, got '.pdf'"):
        sp.run(by_hand(), np.ones((20, 2), dtype=np.bool_), "odd")
