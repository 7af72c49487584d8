"""What the page packs comes out again in a real browser: every raster, potential and synapse, value for value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pytest

import snnprog as sp
from snnprog.arrays import Raster
from snnprog.conformance import golden_programs
from snnprog.conformance.trials import random_trial
from snnprog.report.page import page_of_program
from snnprog.report.page.bundling import bundle
from snnprog.report.recording import record

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="module")
def unpacker(browser: Browser) -> Iterator[Page]:
    """Return a blank page that has the page's own unpacking."""
    page = browser.new_page()
    offered = 'window.unpacking = modules["unpacking.js"];'
    page.add_script_tag(content=bundle("unpacking.js") + offered, type="module")
    page.wait_for_function("window.unpacking")
    yield page
    page.close()


def trials() -> list[tuple[str, sp.Program, list[Raster]]]:
    golden = [(each.name, each.trial.program, list(each.trial.inputs)) for each in golden_programs("loihi1")]
    random = [(f"xylo {seed}", random_trial(seed, "xylo")) for seed in range(4)]
    return [*golden, *((name, trial.program, list(trial.inputs)) for name, trial in random)]


@pytest.mark.parametrize(("name", "subject", "inputs"), trials(), ids=[name for name, *_ in trials()])
@pytest.mark.filterwarnings("ignore::snnprog.errors.PortabilityWarning")
def test_everything_packed_is_unpacked(unpacker: Page, name: str, subject: sp.Program, inputs: list[Raster]) -> None:
    recording = record(subject, inputs)
    charts = page_of_program(subject, inputs=inputs).charts
    code = """async (report) => {
        const { unpackRaster, unpackPotential, unpackSynapses } = window.unpacking;
        const rasters = await Promise.all([report.inputs, report.spikes].map((one) => unpackRaster(one, report.ticks)));
        const potentials = await Promise.all(report.rows.map((_, row) => unpackPotential(report.potentials[row])));
        const synapses = await unpackSynapses(report.synapses);
        return [rasters.map((rows) => rows.map((ticks) => [...ticks])),
                potentials.map(({ reached, left }) => [[...reached], [...left]]),
                ["line", "row", "delay", "weight"].map((name) => [...synapses[name]])];
    }"""
    (given, fired), potentials, synapses = unpacker.evaluate(code, charts)
    assert given == [np.flatnonzero(column).tolist() for column in recording.inputs.T]
    assert fired == [np.flatnonzero(column).tolist() for column in recording.spikes.T]
    for row, (reached, left) in enumerate(potentials):
        assert reached == recording.potentials[:, row].tolist()
        assert left == recording.potentials_left[recording.spikes[:, row], row].tolist()
    lines, rows, delay, weight = (np.array(column, dtype=np.int64) for column in synapses)
    post = recording.rows[rows]
    pre = np.concatenate([np.arange(subject.n_inputs), subject.n_inputs + recording.rows])[lines]
    expected = zip(subject.pre, subject.post, subject.delay, subject.effective_weight(), strict=True)
    assert sorted(zip(pre, post, delay, weight, strict=True)) == sorted(expected)
