"""The runners by themselves: what they refuse, whoever calls them, in one sentence and without a result."""

from __future__ import annotations

import io
import json
import subprocess
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import random_raster
from stand_in import RULE

import snnprog as sp
from snnprog.backends import find_backend, run_backend, status, write_stimulus
from snnprog.chips import find_chip

NAMES = ("lava", "nengo_loihi", "brian2_loihi", "xylosim")
RUNNERS = [pytest.param(name, marks=pytest.mark.snnprog_backend(name)) for name in NAMES]
XYLO_RULE = find_chip("xylo").rule.name

# Importing a runtime takes longer than refusing a hundred files: one process of its interpreter is asked about all.
ASK = """\
import importlib.util, json, sys
place = importlib.util.spec_from_file_location("runner", sys.argv[1])
runner = importlib.util.module_from_spec(place)
sys.modules["runner"] = runner
place.loader.exec_module(runner)
said = []
for files in json.loads(sys.argv[2]):
    try:
        runner.main(files)
        said.append("")
    except runner.RunnerError as error:
        said.append(str(error))
    except Exception as error:  # which the runner, as a process, tells with its type
        said.append(f"{type(error).__name__}: {error}")
print(json.dumps(said))
"""


@dataclass(frozen=True)
class Case:
    """A change to a good pair of files, and what is said of it; by each runner, or by one alone."""

    change: Callable[[Path, Path], None]
    said: str
    by: tuple[str, ...] = NAMES


def with_array(name: str, values: object) -> Callable[[Path, Path], None]:
    """Return a change of one array of the program."""

    def change(program: Path, stimulus: Path) -> None:
        buffer = io.BytesIO()
        np.save(buffer, np.asarray(values))
        with_member(f"{name}.npy", buffer.getvalue())(program, stimulus)

    return change


def with_member(name: str, content: bytes | None) -> Callable[[Path, Path], None]:
    """Return a change of one member of the program; None leaves it out."""

    def change(program: Path, stimulus: Path) -> None:
        with zipfile.ZipFile(program) as archive:
            members = {member: archive.read(member) for member in archive.namelist()}
        with zipfile.ZipFile(program, "w") as archive:
            for member, old in (members | {name: content or b""}).items():
                if member != name or content is not None:
                    archive.writestr(member, content if member == name and content else old)

    return change


def with_stimulus(**arrays: Any) -> Callable[[Path, Path], None]:
    """Return a change of arrays of the stimulus."""

    def change(program: Path, stimulus: Path) -> None:
        with np.load(stimulus) as archive:
            whole = {name: archive[name] for name in archive.files}
        np.savez(stimulus, **(whole | {name: np.asarray(values) for name, values in arrays.items()}))

    return change


def cut(which: int, kept: float) -> Callable[[Path, Path], None]:
    """Return a change that keeps a share of a file's bytes."""

    def change(*files: Path) -> None:
        content = files[which].read_bytes()
        files[which].write_bytes(content[: int(len(content) * kept)])

    return change


def both(*changes: Callable[[Path, Path], None]) -> Callable[[Path, Path], None]:
    """Return a change that makes all of these."""

    def change(program: Path, stimulus: Path) -> None:
        for each in changes:
            each(program, stimulus)

    return change


def with_another_rule(program: Path, stimulus: Path) -> None:
    document = header(program)
    document["semantics"]["name"] = "another"
    with_member("program.json", json.dumps(document).encode())(program, stimulus)


def with_format(version: int) -> Callable[[Path, Path], None]:
    """Return a change of the format version."""

    def change(program: Path, stimulus: Path) -> None:
        document = json.dumps(header(program) | {"format_version": version})
        with_member("program.json", document.encode())(program, stimulus)

    return change


def header(program: Path) -> dict[str, Any]:
    """Return what a program says of itself."""
    with zipfile.ZipFile(program) as archive:
        document: dict[str, Any] = json.loads(archive.read("program.json"))
    return document


CASES = {
    "a program cut in half": Case(cut(0, 0.5), "cannot read {program}: File is not a zip file"),
    "an empty program": Case(cut(0, 0.0), "cannot read {program}: File is not a zip file"),
    "no program": Case(lambda program, _: program.unlink(), "cannot read {program}: [Errno 2] No such file"),
    "a program that is a list": Case(with_member("program.json", b"[]"), ""),
    "no weights": Case(with_member("weight.npy", None), "cannot read {program}: "),
    "pickled weights": Case(with_array("weight", np.array([None, {}])), "cannot read {program}: Object arrays cannot"),
    "half an array": Case(with_member("weight.npy", b"\x93NUMPY\1\0"), "cannot read {program}: "),
    "another rule": Case(with_another_rule, "the program means another; "),
    "real weights": Case(with_array("weight", [0.5, 1.5]), ""),
    "too few weights": Case(with_array("weight", [4]), "the program's array weight has shape (1,); (2,) was expected"),
    "no neurons' biases": Case(with_array("bias", np.zeros(0, np.int32)), ""),
    "a synapse to nowhere": Case(with_array("post", [0, 7]), "post[1] is 7; 0..0 is allowed"),
    "a synapse to before the first": Case(with_array("post", [0, -1]), "post[1] is -1; 0..0 is allowed"),
    "a synapse from nowhere": Case(with_array("pre", [0, 3]), "pre[1] is 3; 0..2 is allowed"),
    "an output that is none": Case(with_array("outputs", [-1]), "outputs[0] is -1; 0..0 is allowed"),
    "no delay": Case(with_array("delay", [1, 0]), "delay[1] is 0; 1.."),
    "an exponent beyond": Case(with_array("exponent", [0, 8]), "exponent[1] is 8; 0..7 is allowed"),
    "a threshold beyond": Case(with_array("threshold", [1 << 20]), "threshold[0] is 1048576; 1.."),
    "a decay beyond": Case(with_array("current_decay", [4096]), "current_decay[0] is 4096; 0.."),
    "a weight beyond": Case(with_array("weight", [4, 300]), "weight[1] is 300; -", NAMES[1:]),
    "delays that Xylo has not": Case(with_array("delay", [1, 2]), "delay[1] is 2; 1..1 is allowed", ("xylosim",)),
    "exponents of its own": Case(
        with_array("exponent", [0, 1]), "synapses into the readout layer have exponents [0, 1]", ("xylosim",)
    ),
    "an output that feeds": Case(with_array("pre", [0, 2]), "neuron 0 is read out, and feeds neuron 0", ("xylosim",)),
    "a loop with a delay": Case(
        both(with_array("pre", [0, 2]), with_array("delay", [1, 63])),
        "synapse 1 between neurons has delay 63; the emulator has only 1",
        ("nengo_loihi",),
    ),
    "a refractory period": Case(
        with_array("refractory", [2]), "refractory[0] is 2; 1..1 is allowed", ("lava", "xylosim")
    ),
    "cores of two neurons": Case(
        with_array("core", [0, 0]), "the program's array core has shape (2,); (1,) was expected", ("nengo_loihi",)
    ),
    "a core before the first": Case(with_array("core", [-1]), "core[0] is -1; 0..0 is allowed", ("nengo_loihi",)),
    "another format": Case(with_format(2), "the program has format version 2; ", ("xylosim",)),
    "a bias": Case(with_array("bias", [64]), "neuron 0 has a bias of 64; brian2-loihi has none", ("brian2_loihi",)),
    "a stimulus cut in half": Case(cut(1, 0.5), "cannot read {stimulus}: "),
    "an empty stimulus": Case(cut(1, 0.0), "cannot read {stimulus}: "),
    "a stimulus without ticks' lengths": Case(with_stimulus(lengths=3), ""),
    "too few lines": Case(with_stimulus(raster=np.zeros((6, 1), np.bool_)), "the raster has "),
    "too many lines": Case(with_stimulus(raster=np.zeros((6, 3), np.bool_)), "the raster has "),
    "one axis": Case(with_stimulus(raster=np.zeros(12, np.bool_)), "the "),
    "lost ticks": Case(with_stimulus(raster=np.zeros((5, 2), np.bool_)), "the "),
    "negative lengths": Case(with_stimulus(lengths=[8, -2]), "the stimulus needs "),
}


def write_files(folder: Path, chip: str) -> tuple[Path, Path]:
    """Write a program that all runtimes of a chip execute, and a stimulus of two patterns."""
    folder.mkdir()
    shifts = {"current_decay": 1, "potential_decay": 2} if chip == "xylo" else {}
    decays: dict[str, Any] = {"current_decay": 4095, "potential_decay": 100, **shifts}
    program, stimulus = folder / "program.snnp", folder / "stimulus.npz"
    sp.Program.from_arrays(
        chip=chip, n_inputs=2, n_neurons=1, pre=[0, 1], post=0, weight=[60, -4], threshold=50, **decays
    ).save(program)
    write_stimulus(stimulus, [np.ones((4, 2), dtype=bool), np.zeros((2, 2), dtype=bool)], state=True)
    return program, stimulus


def ask(name: str, files: list[list[str]], folder: Path) -> list[str]:
    """Return what a runner says of each triple of files: nothing where it wrote a result."""
    backend = find_backend(name)
    command = [str(status(backend).interpreter), "-I", "-c", ASK, str(backend.runner), json.dumps(files)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said: list[str] = json.loads(done.stdout.splitlines()[-1])
    return said


@pytest.mark.parametrize("name", RUNNERS)
def test_what_a_runner_refuses(name: str, tmp_path: Path) -> None:
    """Each in one sentence, and without a result; the files unchanged are not refused."""
    cases = {title: case for title, case in CASES.items() if name in case.by}
    chip = "xylo" if name == "xylosim" else "loihi1"
    files = [write_files(tmp_path / title, chip) for title in ("unchanged", *cases)]
    for case, pair in zip(cases.values(), files[1:], strict=True):
        case.change(*pair)
    said = ask(name, [[*map(str, pair), str(pair[0].with_name("result.npz"))] for pair in files], tmp_path)
    assert said[0] == ""
    assert files[0][0].with_name("result.npz").is_file()
    for (title, case), sentence, (program, stimulus) in zip(cases.items(), said[1:], files[1:], strict=True):
        wanted = case.said.format(program=program, stimulus=stimulus)
        assert sentence, title
        assert sentence.startswith(wanted), f"{title}: {sentence}"
        assert "\n" not in sentence, title
        assert not list(program.parent.glob("*result*")), title


# Six neurons, two of them read out: with loops and two synapses between the same two, or as Xylo has them.
NETWORKS: dict[str, dict[str, list[int]]] = {
    "loihi1": {
        "pre": [0, 1, 0, 1, 0, 1, 0, 1, 2, 3, 4, 4, 4, 5, 7, 7],
        "post": [0, 1, 2, 3, 4, 5, 0, 0, 3, 4, 5, 5, 2, 0, 1, 4],
        "weight": [90, 70, 60, 80, 50, 40, -7, -5, 60, 40, 30, 20, -90, 60, 70, 30],
        "current_decay": [4095] * 6,
        "potential_decay": [100, 0, 9, 4095, 30, 7],
    },
    "xylo": {
        "pre": [0, 1, 0, 1, 2, 4, 5, 2, 4],
        "post": [0, 1, 2, 3, 2, 3, 4, 5, 1],
        "weight": [90, 70, 60, 80, 50, 40, 50, 60, 70],
        "current_decay": [1] * 6,
        "potential_decay": [2] * 6,
    },
}


def network(chip: str) -> sp.Program:
    arrays: dict[str, Any] = {**NETWORKS[chip]}
    size = len(arrays["pre"])
    return sp.Program.from_arrays(
        chip=chip,
        n_inputs=2,
        n_neurons=6,
        outputs=[5, 1],
        delay=[1] * size,
        exponent=[0] * size,
        threshold=[50, 60, 40, 30, 70, 35],
        bias=[0] * 6,
        **arrays,
    )


@pytest.mark.parametrize("name", RUNNERS)
def test_cores_change_nothing(name: str) -> None:
    """A runtime puts neurons on cores, or takes no notice; all of it is that of the reference."""
    program = network("xylo" if name == "xylosim" else "loihi1")
    rasters = [random_raster(1, 40, 2, 0.4), random_raster(2, 15, 2, 0.4)]
    placed = replace(program, core=np.array([2, 0, 1, 0, 2, 1]))
    for wanted, found in zip(
        run_backend(program, rasters, record="state").traces,
        run_backend(placed, rasters, name, "state").traces,
        strict=True,
    ):
        assert wanted.spikes.sum(axis=0).all()
        for quantity in ("spikes", "currents", "potentials"):
            assert np.array_equal(getattr(found, quantity), getattr(wanted, quantity)), quantity


# What the emulator's blocks hold: neurons, inputs of synapses, and axons to them.
COUNT = """import importlib.util, json, sys
from pathlib import Path
place = importlib.util.spec_from_file_location("runner", sys.argv[1])
runner = importlib.util.module_from_spec(place)
sys.modules["runner"] = runner
place.loader.exec_module(runner)
program = runner.read_program(Path(sys.argv[2]))
cores = runner.make_cores(program)
runner.connect_neurons(program, cores)
runner.connect_inputs(program, cores)
print(json.dumps([
    {"neurons": block.n_neurons, "axons_in": sum(synapse.n_axons for synapse in block.synapses),
     "axons_out": sum(axon.axon_slots() for axon in block.axons)}
    for block in cores.blocks
]))
"""


@pytest.mark.snnprog_backend("nengo_loihi")
def test_the_blocks_of_the_emulator_are_the_cores_of_the_placement(tmp_path: Path) -> None:
    """1100 neurons, more than a core has: states are the reference's, and each block holds what was counted."""
    generator = np.random.default_rng(1)
    pairs = np.unique(generator.integers(0, (1140, 1100), (9000, 2)), axis=0)  # one synapse between any two: one axon
    size = len(pairs)
    program = sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=40,
        n_neurons=1100,
        outputs=generator.permutation(1100)[:500],
        pre=pairs[:, 0],
        post=pairs[:, 1],
        delay=[1] * size,
        weight=generator.integers(-60, 120, size),
        exponent=generator.integers(0, 2, size),
        threshold=8 * generator.integers(20, 24, 1100),
        bias=[0] * 1100,
        current_decay=[4095] * 1100,
        potential_decay=generator.integers(100, 102, 1100),
    )
    placement = sp.place(program)
    placed = replace(program, core=placement.core_of)
    rasters = [random_raster(2, 30, 40, 0.3)]
    found, wanted = (run_backend(placed, rasters, name, "state").traces[0] for name in ("nengo_loihi", "reference"))
    assert wanted.spikes.sum() > 1000
    for quantity in ("spikes", "currents", "potentials"):
        assert np.array_equal(getattr(found, quantity), getattr(wanted, quantity)), quantity

    placed.save(tmp_path / "p.snnp")
    backend = find_backend("nengo_loihi")
    command = [str(status(backend).interpreter), "-I", "-c", COUNT, str(backend.runner), str(tmp_path / "p.snnp")]
    blocks = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    counted = [{name: used.amount(name) for name in ("neurons", "axons_in", "axons_out")} for used in placement.usage]
    assert len(blocks) == 2
    assert blocks == counted


@pytest.mark.parametrize("name", RUNNERS)
def test_a_runner_ends_with_its_sentence(name: str, tmp_path: Path) -> None:
    """As a process: code 1, and the sentence the last that it says, which `BackendError` shows."""
    backend = find_backend(name)
    (tmp_path / "broken.snnp").write_bytes(b"PK")
    command = [str(status(backend).interpreter), "-I", str(backend.runner), "broken.snnp", "none.npz", "result.npz"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("runner.py: cannot read broken.snnp: ")
    assert [path.name for path in tmp_path.iterdir()] == ["broken.snnp"]


@pytest.mark.parametrize("name", NAMES)
def test_a_backend_knows_the_rule_that_its_runner_knows(name: str) -> None:
    rule = XYLO_RULE if name == "xylosim" else RULE
    assert find_backend(name).semantics == (rule,)
    assert f'RULE = "{rule}"' in find_backend(name).runner.read_text(encoding="utf-8")
