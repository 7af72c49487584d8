"""Outputs that are read by their potential: in programs, files, runs, comparisons and on the command line."""

from __future__ import annotations

import json
import re
import warnings
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import random_raster
from command_line import Command
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_chips import KINDS, chip_of
from stand_in import FINE, write_backend

import snnprog as sp
from snnprog import cli
from snnprog.archive import write_archive
from snnprog.arrays import Raster
from snnprog.backends import Gaps, check_gaps, execution, run_backend
from snnprog.chips import CHIPS, Chip
from snnprog.conformance import check_conformance
from snnprog.files import write_rasters
from snnprog.program import BY_POTENTIAL
from snnprog.program_file import DOCUMENT
from snnprog.report.programs import program_data
from snnprog.report.readouts import readouts_table
from snnprog.verification import compare_runs, explain_difference
from snnprog.wording import runs_of

HIGHEST = CHIPS["loihi1"].thresholds[1]
ALL_CHIPS: list[str | Chip] = ["loihi1", "loihi2", *(chip_of(kind) for kind in KINDS)]


def readout_program(**changes: Any) -> sp.Program:
    """Return a program of a hidden neuron, an integrator that is read by its potential, and a spiking output."""
    given: dict[str, Any] = {
        "chip": "loihi1",
        "n_inputs": 2,
        "n_neurons": 3,
        "outputs": [1, 2],
        "pre": [0, 1, 2, 2],
        "post": [0, 1, 1, 2],
        "delay": [1, 1, 2, 1],
        "weight": [30, -7, 11, 50],
        "threshold": [25, HIGHEST, 25],
        "potential_decay": [205, 0, 205],
        "readout": [0, BY_POTENTIAL, 0],
    }
    return sp.Program.from_arrays(**(given | changes))


def plain_readout(raster: Raster) -> list[int]:
    """Return the potentials of that integrator, in plain integers: what arrives, added up."""
    spikes: list[bool] = []
    potential, total, found = 0, 0, []
    for tick in range(len(raster)):
        potential = int(potential * (4096 - 205) / 4096) + (30 * 64 if tick >= 1 and raster[tick - 1, 0] else 0)
        spikes.append(potential > 25 * 64)
        potential = 0 if spikes[-1] else potential
        total -= 7 * 64 if tick >= 1 and raster[tick - 1, 1] else 0
        total += 11 * 64 if tick >= 2 and spikes[tick - 2] else 0
        found.append(total)
    return found


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_an_integrator_adds_up_what_arrives(seed: int) -> None:
    raster = random_raster(seed, 30, 2, 0.5)
    for backend in ("reference", "kernel"):
        trace = sp.run(readout_program(), raster, backend)
        assert trace.readout is not None
        assert trace.readout[:, 0].tolist() == plain_readout(raster)
        assert not trace.readout[:, 1].any()
        assert not trace.spikes[:, 0].any()
        assert (trace.currents, trace.potentials) == (None, None)


@pytest.mark.parametrize("chip", ALL_CHIPS, ids=str)
def test_readouts_are_the_potentials_of_every_chip(chip: str | Chip) -> None:
    highest = sp.Program.from_arrays(chip=chip, n_inputs=1, n_neurons=1, threshold=1).chip.thresholds[1]
    program = sp.Program.from_arrays(
        chip=chip,
        n_inputs=3,
        n_neurons=3,
        outputs=[2, 0],
        pre=[0, 1, 2, 3],
        post=[0, 1, 2, 2],
        weight=[1, 1, 1, 1],
        threshold=[1, 1, highest],
        readout=[0, 0, BY_POTENTIAL],
    )
    inputs = [random_raster(seed, 9, 3, 0.3) for seed in range(3)]
    for backend in ("reference", "kernel"):
        with_states = sp.run(program, inputs, backend, "state")
        for found, right in zip(sp.run(program, inputs, backend), with_states, strict=True):
            assert found.readout is not None
            assert right.readout is not None
            assert right.potentials is not None
            np.testing.assert_array_equal(found.readout[:, 0], right.potentials[:, 2])
            np.testing.assert_array_equal(found.readout, right.readout)
            np.testing.assert_array_equal(found.spikes, right.spikes)
            assert not found.readout[:, 1].any()


def test_states_are_kept_of_a_few_patterns_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = [random_raster(seed, 5 + seed, 2, 0.5) for seed in range(6)]
    whole = sp.run(readout_program(), inputs)
    monkeypatch.setattr(execution, "STATES_TOGETHER", 40)
    for found, right in zip(sp.run(readout_program(), inputs), whole, strict=True):
        assert found.readout is not None
        assert right.readout is not None
        np.testing.assert_array_equal(found.readout, right.readout)
        np.testing.assert_array_equal(found.spikes, right.spikes)
    assert sp.run(readout_program(), []) == []


def test_without_such_an_output_there_is_no_readout() -> None:
    spiking = readout_program(readout=0)
    assert sp.run(spiking, random_raster(1, 9, 2, 0.5), record="state").readout is None
    assert not spiking.is_read_by_potential.any()
    others = replace(readout_program(), outputs=np.array([0, 2], np.int32))
    assert sp.run(others, random_raster(1, 9, 2, 0.5)).readout is None
    everyone = replace(readout_program(), outputs=np.arange(3, dtype=np.int32))
    assert everyone.is_read_by_potential.tolist() == [False, True, False]


# ---------------------------------------------------------------- what is refused


def full(ticks: int) -> Raster:
    return np.ones((ticks, 2), dtype=bool)


@pytest.mark.parametrize("backend", ["reference", "kernel"])
def test_a_potential_that_reaches_the_threshold_is_an_error(backend: str) -> None:
    program = readout_program(weight=[0, 255, 0, 0], exponent=[0, 7, 0, 0])
    message = r"the potential of output 0 \(neuron 1\) must be below its threshold, because the output is"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sp.PortabilityWarning)
        assert sp.run(program, full(5), backend).readout is not None
        with pytest.raises(sp.LimitError, match=message):
            sp.run(program, [full(5), full(9)], backend)


REFUSED: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "a low threshold": (
        {"threshold": [25, 40, 25]},
        sp.LimitError,
        f"threshold[1] must be {HIGHEST} (the highest) for a neuron that is read by its potential, got 40",
    ),
    "a synapse": (
        {"pre": [0, 1, 3, 2]},
        sp.SpecError,
        "neuron 1 is read by its potential and must not feed neurons, but synapses leave it; read",
    ),
    "another number": ({"readout": [0, 2, 0]}, sp.LimitError, "readout[1] must be 0 to 1, got 2"),
    "too few": ({"readout": [0, 1]}, sp.SpecError, "readout must have 3 entries, one for each neuron, got 2"),
    "texts": ({"readout": ["spikes"] * 3}, sp.SpecError, "readout must be a list of integers, got <U6 of shape (3,)"),
}


@pytest.mark.parametrize(("changes", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_programs_that_are_refused(changes: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=re.escape(message)):
        readout_program(**changes)


def test_a_convolution_must_not_leave_it_either() -> None:
    geometry = sp.Convolution(channels=(1, 1), image=(1, 2), kernel=(1, 2))

    def program(weight: list[int]) -> sp.Program:
        shared = sp.SharedSynapses.of(geometry, weight, first_pre=2, first_post=2)
        return readout_program(shared=[shared])

    assert program([3, 0]).n_synapses == 5
    with pytest.raises(
        sp.SpecError, match="neuron 1 is read by its potential and must not feed neurons, but synapses leave it; read"
    ):
        program([3, 1])


def test_a_runtime_that_shows_no_potentials_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_backend(tmp_path, "closed", gaps="potentials = false\nrefractory = false")
    monkeypatch.setenv("SNNPROG_BACKENDS", str(tmp_path))
    message = "the readout of output 0 must be spikes on backend closed, got its potential; run it on"
    with pytest.raises(sp.LimitError, match=message):
        sp.run(readout_program(), full(3), "closed")
    with pytest.raises(sp.BackendError, match="backend closed records no currents and potentials; record spikes only"):
        sp.run(readout_program(readout=0), full(3), "closed", "state")
    assert str(Gaps(potentials=False)) == "no potentials"
    check_gaps(readout_program(readout=0), Gaps(potentials=False), backend="closed")
    assert check_conformance("closed", programs=4, golden=False).divergence is None


def test_a_spec_cannot_ask_for_potentials() -> None:
    inputs, targets, care = full(4), np.zeros((4, 2), dtype=bool), np.ones((4, 2), dtype=bool)
    with pytest.raises(
        sp.SpecError, match="output 0 is read by its potential, and pattern 0 of the spec has targets for"
    ):
        sp.verify(readout_program(), sp.Spec([sp.Pattern(inputs, targets, care)]))
    care[:, 0] = False
    assert (
        sp.verify(readout_program(), sp.Spec([sp.Pattern(inputs, targets, care)]), ["kernel"])
        .backends["kernel"]
        .is_identical
    )


def test_a_nir_graph_of_both_kinds_of_outputs_is_refused() -> None:
    pytest.importorskip("nir")
    with pytest.raises(sp.SpecError, match="output 0 is read by its potential and others by their spikes; in NIR"):
        sp.to_nir(readout_program(), dt_ms=1.0)


# ---------------------------------------------------------------- compared across runtimes


def test_runtimes_are_compared_by_readouts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_backend(tmp_path, "right")
    write_backend(tmp_path, "wrong", f"answer['potentials'][7:, 1] += 1\n{FINE}")
    monkeypatch.setenv("SNNPROG_BACKENDS", str(tmp_path))
    program, inputs = readout_program(), [random_raster(1, 12, 2, 0.5)]
    write_backend(tmp_path, "old", f"assert document['format_version'] < 4 and 'readout' not in p\n{FINE}")
    assert compare_runs("old", *(run_backend(program, inputs, name) for name in ("old", "reference"))) is None
    reference, right, wrong = (run_backend(program, inputs, name) for name in ("reference", "right", "wrong"))
    assert right.traces[0].potentials is None
    assert compare_runs("right", right, reference) is None
    found = compare_runs("wrong", wrong, reference)
    assert found is not None
    assert (found.quantity, found.tick, found.neuron, found.found - found.expected) == ("readout", 7, 0, 1)
    assert "readout of output 0 is" in str(found)
    explained = explain_difference(program, inputs, divergence=found, answer=wrong, reference=reference)
    assert explained.diagnosis is not None
    assert (explained.diagnosis.neuron, explained.diagnosis.at_fault) == (1, ("wrong",))


# ---------------------------------------------------------------- the file


def test_files_keep_what_is_read(tmp_path: Path) -> None:
    readout_program().save(tmp_path / "p.snnp")
    readout_program(readout=0).save(tmp_path / "spiking.snnp")
    again = sp.load(tmp_path / "p.snnp")
    again.save(tmp_path / "again.snnp")
    assert again.readout.tolist() == [0, 1, 0]
    assert (tmp_path / "again.snnp").read_bytes() == (tmp_path / "p.snnp").read_bytes()
    with zipfile.ZipFile(tmp_path / "p.snnp") as archive:
        document = json.loads(archive.read(DOCUMENT))
    assert (document["format_version"], document["readout"]) == (4, {"0": "spikes", "1": "potential"})
    with zipfile.ZipFile(tmp_path / "spiking.snnp") as archive:
        assert json.loads(archive.read(DOCUMENT))["format_version"] == 1
        assert "readout.npy" not in archive.namelist()


DOCUMENTS: dict[str, tuple[dict[str, Any], str]] = {
    "another version": (
        {"format_version": 3},
        "has 'readout', which is unknown to this snnprog; a newer version may have written it",
    ),
    "other numbers": ({"readout": {"1": "spikes"}}, "defines its readouts differently: {'1': 'spikes'}"),
}


@pytest.mark.parametrize(("changes", "message"), DOCUMENTS.values(), ids=DOCUMENTS)
def test_documents_are_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    readout_program().save(tmp_path / "p.snnp")
    with np.load(tmp_path / "p.snnp") as archive, zipfile.ZipFile(tmp_path / "p.snnp") as members:
        arrays = {name: archive[name] for name in archive.files if name != DOCUMENT}
        document = json.loads(members.read(DOCUMENT)) | changes
    write_archive(tmp_path / "p.snnp", arrays, texts={DOCUMENT: json.dumps(document)})
    with pytest.raises(sp.FormatError, match=re.escape(message)):
        sp.load(tmp_path / "p.snnp")


# ---------------------------------------------------------------- the command line, and what is shown


def test_a_table_tells_the_last_and_the_largest() -> None:
    readout = np.array([[5, 0, -9], [7, 0, -2], [6, 0, -3]])
    table = readouts_table([readout, readout[:0]], np.array([True, False, True]))
    assert table.caption == "Potentials of 2 outputs in 2 patterns"
    assert table.rows == ((0, 0, 6, 7, 1), (0, 2, -3, -2, 1), (1, 0, "", "", ""), (1, 2, "", "", ""))


def test_numbers_in_a_row_are_told_in_short() -> None:
    assert runs_of([0, 1, 2, 5, 6, 9]) == "0 to 2, 5, 6, 9"
    assert (runs_of([]), runs_of([4])) == ("", "4")


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    readout_program().save(tmp_path / "p.snnp")
    write_rasters(tmp_path / "x.npz", [random_raster(1, 6, 2, 0.5)])
    return tmp_path / "p.snnp", tmp_path / "x.npz"


def test_run_prints_and_writes_potentials(command: Command, files: tuple[Path, Path], tmp_path: Path) -> None:
    right = plain_readout(random_raster(1, 6, 2, 0.5))
    code, out, err = command("run", *files, "--json")
    assert (code, err) == (cli.EXACT, "")
    assert json.loads(out)["patterns"][0]["readout"] == [[value, 0] for value in right]
    code, out, err = command("run", *files)
    assert out.startswith("pattern,tick,neuron\n")
    assert "the potential of output 0 is left out; --potentials FILE writes it" in err
    code, out, err = command("run", *files, "-o", tmp_path / "y.csv", "--potentials", tmp_path / "v.csv")
    assert (code, err) == (cli.EXACT, "")
    lines = [f"0,{tick},0,{value}" for tick, value in enumerate(right)]
    assert (tmp_path / "v.csv").read_text() == "\n".join(["pattern,tick,output,potential", *lines, ""])
    assert command("run", *files, "-o", tmp_path / "y.csv")[2].startswith("snnprog: the potential of output 0")
    command("run", *files, "--potentials", tmp_path / "v.npz", "--activity")
    with np.load(tmp_path / "v.npz") as archive:
        assert archive["readout"][0, :, 0].tolist() == right
    readout_program(outputs=[1]).save(files[0])
    code, out, err = command("run", *files)
    assert (code, out, err) == (cli.EXACT, "\n".join(["pattern,tick,output,potential", *lines, ""]), "")


def test_there_must_be_potentials_to_write(command: Command, files: tuple[Path, Path], tmp_path: Path) -> None:
    readout_program(readout=0).save(files[0])
    code, _, err = command("run", *files, "--potentials", tmp_path / "v.csv")
    assert code == cli.BAD_USAGE
    assert "every output of the program is read by its spikes" in err


def test_programs_name_what_is_read(command: Command, files: tuple[Path, Path]) -> None:
    assert program_data(readout_program())["outputs_read_by_potential"] == [0]
    assert re.search(r"outputs read by potential +0", command("inspect", files[0])[1])
