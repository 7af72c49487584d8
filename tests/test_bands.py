"""The band of all perturbed inputs on the report's page: every run lies inside, and it is as narrow as possible."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from command_line import Command
from robust_files import write_spec
from test_page import plain
from test_robust_compile import ordered
from test_robustness import drawn_program
from untyped import untyped

import snnprog as sp
from snnprog.arrays import Int64s, Raster
from snnprog.errors import SpecError
from snnprog.report.page import page_of_program
from snnprog.report.page.bands import band_of
from snnprog.report.recording import record
from snnprog.robustness.checking import check_robust
from snnprog.robustness.neurons import weight_errors
from snnprog.robustness.perturbation import every_perturbation
from snnprog.simulate.reference import compared_potentials, run_observed


def perturbed_inputs(inputs: Raster, robust: sp.Robust) -> list[Raster]:
    """Return all perturbed inputs, each once."""
    found = (each.of(inputs) for each in every_perturbation(inputs, robust))
    return list({each.tobytes(): each for each in found}.values())


def runs_of(program: sp.Program, inputs: Raster, robust: sp.Robust, most: int) -> Iterator[tuple[Int64s, int]]:
    """Yield the potentials of perturbed inputs, and until which tick all neurons spike as without perturbations."""
    ((usual,), _) = run_observed(program, [inputs])
    for perturbed in perturbed_inputs(inputs, robust)[:most]:
        ((raster,), _) = run_observed(program, [perturbed])
        different = np.flatnonzero((raster != usual).any(axis=1))
        until = int(different[0]) + 1 if different.size else len(inputs)
        yield compared_potentials(program, perturbed), until


@pytest.mark.parametrize("seed", range(25))
def test_no_run_leaves_the_band(seed: int) -> None:
    program, spec, robust = drawn_program(seed)
    found = check_robust(program, spec, robust)
    if program.chip.name == "xylo" and not (found.holds and found.runs == 0):
        return  # its hidden neurons may spike several times in a tick
    inputs = [pattern.inputs for pattern in spec.patterns]
    recording = record(program, inputs)
    start = 0
    for given in inputs:
        bands = {
            int(recording.rows[row]): band[:, start : start + len(given)]
            for row in range(program.n_neurons)
            if (band := band_of(recording, row, robust)) is not None
        }
        for potentials, until in runs_of(program, given, robust, 120):
            for neuron, (least, greatest) in bands.items():
                assert (least[:until] <= potentials[:until, neuron]).all()
                assert (potentials[:until, neuron] <= greatest[:until]).all()
        start += len(given)


def whole_sums(chip: str = "loihi1", refractory: int = 1) -> sp.Program:
    """Return a neuron without rounding: currents last a tick, and potentials do not decay; line 2 is a clock."""
    return sp.Program.from_arrays(
        chip=chip,
        n_inputs=3,
        n_neurons=1,
        pre=[0, 0, 1, 2],
        post=[0] * 4,
        delay=[1, 3, 2, 1],
        weight=[20, -16, 14, 235],
        threshold=185,
        current_decay=4095,
        potential_decay=0,
        refractory=refractory,
    )


def clocked(program: sp.Program) -> sp.Spec:
    """Return what the neuron does in two patterns."""
    inputs = np.zeros((2, 9, 3), bool)
    inputs[0, [1, 5], [0, 1]] = inputs[1, [2, 3, 6], [0, 1, 0]] = inputs[:, 4, 2] = True
    rasters, _ = run_observed(program, list(inputs))
    return sp.Spec([sp.Pattern(*each) for each in zip(inputs, rasters, strict=True)], range(1, 4), chip=program.chip)


@pytest.mark.parametrize(
    "robust",
    [
        sp.Robust(jitter=1, exempt=(2,)),
        sp.Robust(jitter=2, missing=1, exempt=(2,)),
        sp.Robust(extra=1, exempt=(2,)),
        sp.Robust(jitter=1, missing=1, extra=1, exempt=(2,)),
        sp.Robust(jitter=1, weights=0.07, exempt=(2,)),
    ],
    ids=str,
)
@pytest.mark.parametrize(("chip", "refractory"), [("loihi1", 1), ("loihi1", 3), ("fpga-subtract", 1)])
def test_without_rounding_every_end_of_the_band_is_reached(robust: sp.Robust, chip: str, refractory: int) -> None:
    program = whole_sums(chip, refractory)
    spec = clocked(program)
    found = check_robust(program, spec, robust)
    assert (found.holds, found.runs) == (True, 0)
    error = weight_errors(program, robust)
    assert bool(error.any()) == (robust.weights > 0)
    reached = []
    for pattern in spec.patterns:
        potentials = [
            compared_potentials(program.with_synapses(weight=program.weight + change), each)[:, 0]
            for each in perturbed_inputs(pattern.inputs, robust)
            for change in itertools.product(*({-most, 0, most} for most in error.tolist()))
        ]
        reached.append([np.min(potentials, axis=0), np.max(potentials, axis=0)])
    band = band_of(record(program, [pattern.inputs for pattern in spec.patterns]), 0, robust)
    assert band is not None
    assert np.array_equal(band, np.concatenate(reached, axis=1))
    assert (band[0] < band[1]).any()


def test_the_page_states_the_verdict_and_what_the_band_holds_for() -> None:
    program, robust = whole_sums(), sp.Robust(jitter=1, exempt=(2,))
    spec = clocked(program)
    page = page_of_program(program, replace(spec, robust=robust))
    assert ("Robustness", "holds under jitter 1, exempt 2") in [(fact.label, fact.value) for fact in page.facts]
    assert page.headline.kind == "good"
    assert page.headline.sentences[1].startswith("Robustness holds under jitter 1, exempt 2 (18 rows, room ")
    bands = untyped(page.charts["bands"])
    assert bands["legend"] == "all perturbed inputs (jitter 1, exempt 2)"
    assert list(bands["rows"]) == ["0"]
    note = "contains every potential under all perturbations (jitter 1, exempt 2), rounding included."
    assert note in plain(page)
    assert page_of_program(program, spec).charts["bands"] is None


def test_a_violation_is_a_headline_and_the_band_ends_where_spikes_differ() -> None:
    program = whole_sums()
    page = page_of_program(program, clocked(program), robust=sp.Robust(jitter=1))
    assert page.headline.kind == "bad"
    assert page.headline.text == "Exact on the given inputs, robustness violated"
    assert page.headline.sentences[1].startswith("Robustness violated under jitter 1: output 0 is wrong at tick ")
    assert untyped(page.charts["bands"])["note"].endswith(
        "rounding included, up to the first tick at which the spikes of some neuron differ from those shown."
    )


def test_bands_without_room_are_omitted_with_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    program, robust = whole_sums(), sp.Robust(jitter=1, exempt=(2,))
    spec = replace(clocked(program), robust=robust)
    packed = untyped(page_of_program(program, spec).charts["potentials"])["0"]
    room = sum(len(part["data"]) for part in packed.values())
    monkeypatch.setattr("snnprog.report.page.charts.POTENTIALS_LIMIT", room)
    bands = untyped(page_of_program(program, spec).charts["bands"])
    assert bands["rows"] == {}
    assert "1 band is omitted" in bands["note"]


def test_neurons_that_may_spike_several_times_in_a_tick_have_no_band_without_a_proof() -> None:
    program, spec, robust = drawn_program(7)
    assert program.chip.name == "xylo"
    assert not check_robust(program, spec, robust).holds
    page = page_of_program(program, spec, robust=robust)
    bands = untyped(page.charts["bands"])
    assert (bands["legend"], bands["rows"]) == ("", {})
    assert "a neuron of xylo may spike several times in a tick, and that none does is not proved" in plain(page)


def test_potentials_that_may_leave_the_range_have_no_band() -> None:
    program, robust = whole_sums(), sp.Robust(jitter=1, exempt=(2,))
    high = replace(program.with_synapses(exponent=program.exponent + 7), threshold=np.array([30_000], np.int32))
    inputs = np.zeros((1200, 3), bool)
    inputs[:, :2] = True
    assert band_of(record(high, [inputs]), 0, robust) is None


def test_perturbations_belong_to_a_spec() -> None:
    program = whole_sums()
    with pytest.raises(SpecError, match="robust belongs to spec"):
        page_of_program(program, inputs=[np.zeros((4, 3), bool)], robust=sp.Robust(jitter=1))


def test_on_the_command_line(command: Command, tmp_path: Path) -> None:
    spec = ordered(jitter=2)
    path, program, page = write_spec(tmp_path, spec), tmp_path / "p.snnp", tmp_path / "p.html"
    sp.compile(spec).program.save(program)
    assert command("report", program, "--spec", path, "-o", page)[0] == 0
    assert "all perturbed inputs (jitter 2, exempt 3)" in page.read_text(encoding="utf-8")
    sp.compile(replace(spec, robust=None)).program.save(program)
    code, text, _ = command("report", program, "--spec", path, "-o", page)
    assert (code, text) == (1, f"Exact on the given inputs, robustness violated; wrote {page}\n")
    sp.compile(spec).program.save(program)
    assert command("report", program, "--spec", path, "--jitter", 1, "--weight-error", 0.01, "-o", page)[0] == 0
    assert "all perturbed inputs (jitter 1, weights 0.01, exempt 3)" in page.read_text(encoding="utf-8")
    code, _, message = command("report", program, "--jitter", 1, "-o", page)
    assert (code, "give it with --spec" in message) == (2, True)
    code, _, message = command("report", path, "--jitter", 1, "-o", page)
    assert (code, "--board and perturbations are for a program" in message) == (2, True)
