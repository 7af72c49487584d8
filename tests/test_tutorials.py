"""The tutorials and the scripts of the gallery run as they stand.

Where Sphinx is installed, `test_site` runs them and counts their pictures; here remains what no notebook runs, the
commands of a shell.
"""

from __future__ import annotations

import importlib.util
import re
import runpy
import shutil
from pathlib import Path

import matplotlib as mpl
import nir
import numpy as np
import pytest
from doc_pages import shell

import snnprog as sp
from snnprog.networks import run_network

DOCS = Path(__file__).resolve().parents[1] / "docs"
TUTORIALS = sorted(page for page in (DOCS / "tutorials").glob("*.md") if page.stem != "index")
PICTURES = sorted((DOCS / "gallery").glob("plot_*.py"))
IS_ON_SITE = importlib.util.find_spec("sphinx") is not None
CELL = re.compile(r"^```(\{code-cell\} ipython3|sh)\n(?:---\n.*?^---\n)?(.*?)^```$", re.DOTALL | re.MULTILINE)


RUN_HERE = [page for page in TUTORIALS if not IS_ON_SITE or "\n```sh\n" in page.read_text(encoding="utf-8")]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current folder, which has what a tutorial finds beside it; pictures are drawn and not shown."""
    for path in (DOCS / "tutorials").glob("*.nir"):
        shutil.copy(path, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(mpl, "rcParams", mpl.rcParams.copy())
    mpl.use("agg")
    return tmp_path


def run_cells(page: Path) -> dict[str, object]:
    """Run a tutorial's cells, and its shell blocks in the folder where its cells are; return the names of its cells."""
    names: dict[str, object] = {}
    for kind, text in CELL.findall(page.read_text(encoding="utf-8")):
        if kind == "sh":
            shell(text, Path.cwd())
        else:
            exec(compile(text, page.name, "exec"), names)
    return names


@pytest.mark.parametrize("page", RUN_HERE, ids=lambda page: page.stem)
def test_a_tutorial_runs(page: Path, folder: Path) -> None:
    from matplotlib import pyplot

    run_cells(page)
    assert len(pyplot.get_fignums()) >= 3
    pyplot.close("all")


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_every_picture_of_a_tutorial_has_a_text_in_its_place(page: Path) -> None:
    cells = re.findall(
        r"^```\{code-cell\} ipython3\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    drawing = [cell for cell in cells if "plt.subplots" in cell]
    assert len(drawing) >= 3
    assert [cell for cell in drawing if not re.search(r"^    alt: \S", cell, re.MULTILINE)] == []


@pytest.mark.skipif(IS_ON_SITE, reason="test_site runs the gallery")
@pytest.mark.parametrize("script", PICTURES, ids=lambda script: script.stem)
def test_a_script_of_the_gallery_draws_a_picture(script: Path, folder: Path) -> None:
    from matplotlib import pyplot

    runpy.run_path(str(script), run_name="__main__")
    assert len(pyplot.get_fignums()) == 1
    pyplot.close("all")


def test_the_network_of_the_tutorial_is_what_was_trained() -> None:
    """The file, read and run by the package, gives the spikes of the script that trained it."""
    script = runpy.run_path(str(DOCS / "tutorials" / "train_digits.py"))
    _, samples, _, classes = script["digits"]()
    nodes = nir.read(script["FILE"]).nodes
    weights = [nodes[f"{name}_weights"].weight for name in ("hidden", "digit")]
    trained = script["forward"](np.stack(samples, axis=1).astype(float), weights)[-1][2]
    network = sp.from_nir(script["FILE"], dt_ms=script["DT_MS"], reset="zero")
    late = int(network.latency.max())
    traces = run_network(network, [np.pad(raster, ((0, late), (0, 0))) for raster in samples])
    found = np.stack([trace.spikes[:, network.outputs][late:] for trace in traces], axis=1)
    assert np.array_equal(found, trained > 0)
    assert (trained.sum(axis=0).argmax(axis=1) == classes).mean() > 0.9
