"""Backends that stream: a runner answers tick by tick as the kernel does, and whatever else it does is an error."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cases import random_raster
from command_line import Command
from processes import is_alive, is_gone
from stand_in import VERSIONS, write_backend, write_streaming_backend
from test_simulator import check_equal, integrator, joined

import snnprog as sp
from snnprog.backends import backend_names, find_backend
from snnprog.chips import CHIPS
from snnprog.conformance import check_conformance, random_trial
from snnprog.trace import Trace

SHIPPED = [
    pytest.param(name, marks=pytest.mark.snnprog_backend(name)) for name in backend_names() if find_backend(name).stream
]
pytestmark = pytest.mark.skipif(os.name != "posix", reason="streams are POSIX pipes")


def without_excursions(trace: Trace) -> Trace:
    """Return a trace as a runner can tell it."""
    states = {name: getattr(trace, name) for name in ("spikes", "currents", "potentials", "readout")}
    return Trace(**states)


@pytest.mark.parametrize("seed", range(4))
def test_a_runner_is_the_kernel(folders: Path, seed: int) -> None:
    write_streaming_backend(folders, "streaming")
    trial = random_trial(seed)
    for record in ("spikes", "state"):
        with sp.Simulator(trial.program, "streaming", record=record) as simulator:
            assert simulator.versions == {"stand-in": "2"}
            simulator.step(trial.inputs[0][:3])
            for raster in trial.inputs:
                simulator.reset()
                whole = without_excursions(sp.run(trial.program, raster, "kernel", record))
                cuts = sorted(np.random.default_rng(seed).choice(np.arange(1, len(raster)), 5, replace=False).tolist())
                check_equal(joined([simulator.step(piece) for piece in np.split(raster, cuts)]), whole)
                assert simulator.tick == len(raster)


def test_trials_are_one_question_and_from_rest(folders: Path) -> None:
    write_streaming_backend(folders, "streaming")
    trial = random_trial(1)
    rasters = [raster[: 5 + 7 * index] for index, raster in enumerate([*trial.inputs, *trial.inputs])]
    with sp.Simulator(trial.program, "streaming", record="state") as simulator:
        simulator.step(rasters[-1])
        for found, raster in zip(simulator.trials(rasters), rasters, strict=True):
            check_equal(found, without_excursions(sp.run(trial.program, raster, "kernel", "state")))
        assert simulator.tick == 0
        again = simulator.step(rasters[0])
        check_equal(again, without_excursions(sp.run(trial.program, rasters[0], "kernel", "state")))
        assert simulator.trials([]) == []


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("seed", range(2))
def test_a_shipped_backend_is_the_kernel(name: str, seed: int) -> None:
    folder = find_backend(name)
    chip = next(chip for chip in CHIPS.values() if folder.executes(chip.rule.name))
    trial = random_trial(seed, chip, gaps=folder.gaps)
    raster = trial.inputs[0]
    whole = without_excursions(sp.run(trial.program, raster, "kernel", "state"))
    with sp.Simulator(trial.program, name, record="state") as simulator:
        simulator.step(raster[:5])
        simulator.reset()
        check_equal(joined([simulator.step(piece) for piece in np.split(raster, [1, 2, 9])]), whole)


def test_readouts_of_a_runner(folders: Path) -> None:
    write_streaming_backend(folders, "streaming")
    program, raster = integrator(5), random_raster(5, 40, 2)
    whole = sp.run(program, raster, "reference")
    assert whole.readout is not None
    assert whole.readout.any()
    with sp.Simulator(program, "streaming") as simulator:
        check_equal(joined([simulator.step(raster[:7]), simulator.step(raster[7:])]), without_excursions(whole))


def test_more_than_a_pipe_holds(folders: Path) -> None:
    """Questions and answers of a few hundred kB each, in progress at the same time."""
    write_streaming_backend(folders, "streaming")
    program = sp.Program.from_arrays(
        chip="loihi1", n_inputs=300, n_neurons=40, pre=[7], post=[3], delay=[2], weight=[200], threshold=1
    )
    raster = random_raster(0, 2000, 300)
    with sp.Simulator(program, "streaming", record="state") as simulator:
        check_equal(simulator.step(raster), without_excursions(sp.run(program, raster, "kernel", "state")))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("sys.exit('the cable is out')", "ended with code 1; it said: the cable is out"),
        ("os._exit(3)", "ended with code 3; it printed nothing"),
        ("say(answer) if ticks < 3 else sys.exit()", "ended with code 0; it printed nothing"),
        ("say(answer[:-1]); sys.exit('half')", "ended with code 1; it said: half"),
        (
            "time.sleep(60)",
            r"did not answer within 1 s and was ended; it printed nothing; raise timeout_s= \(--timeout\)$",
        ),
        ("say(answer if ticks < 3 else answer[:-1])", r"did not answer within 1 s and was ended; it printed nothing"),
        ("say(answer + b'?') if ticks == 3 else say(answer)", "wrote more than the answer; it printed nothing"),
        ("say(b'\\x02' * len(answer))", "answered that output 0 spiked 2 times at tick 0; a neuron of this program"),
        ("os.close(1); os.close(0); time.sleep(60)", "closed its standard input or output and was ended"),
    ],
)
def test_a_runner_that_fails(folders: Path, monkeypatch: pytest.MonkeyPatch, answer: str, said: str) -> None:
    monkeypatch.setattr("snnprog.processes.conversation.END_SECONDS", 0.5)
    write_streaming_backend(folders, "broken", answer)
    trial = random_trial(0)
    ticks = [trial.inputs[0][:3], trial.inputs[0][3:4]]
    with sp.Simulator(trial.program, "broken", timeout_s=1) as simulator:
        with pytest.raises(sp.BackendError, match=f"^backend broken {said}"):
            list(simulator.stream(ticks))
        tick = simulator.tick
        if tick:
            with pytest.raises(sp.BackendError, match="backend broken failed at an earlier step; reset the simulator"):
                simulator.step(ticks[0])
        assert simulator.tick == tick


def test_a_reset_starts_it_again(folders: Path) -> None:
    write_streaming_backend(folders, "broken", "say(answer) if ticks < 30 else sys.exit('tired')")
    trial = random_trial(0)
    raster = trial.inputs[0][:29]
    with sp.Simulator(trial.program, "broken") as simulator:
        first = simulator.step(raster)
        with pytest.raises(sp.BackendError, match="tired"):
            simulator.step(raster)
        simulator.reset()
        check_equal(simulator.step(raster), first)


@pytest.mark.parametrize(
    ("first", "said"),
    [
        ("b'{}\\n'", "began with a line that is not valid"),
        ("b'{\"versions\": 3}\\n'", "versions must be an object, got 3"),
        ("b'ready\\n'", "began with a line that is not valid"),
        (VERSIONS + " + b'ready'", "wrote more than a line before the first question"),
        ("b'x' * 100000", "began with a line of more than 65536 bytes"),
        ("sys.exit('no chip is there')", "ended with code 1; it said: no chip is there"),
    ],
)
def test_a_runner_that_begins_badly(folders: Path, first: str, said: str) -> None:
    write_streaming_backend(folders, "broken", first=first)
    with pytest.raises(sp.BackendError, match=f"backend broken .*{said}"):
        sp.Simulator(random_trial(0).program, "broken")


def test_a_folder_that_does_not_stream(folders: Path) -> None:
    write_backend(folders, "batch")
    with pytest.raises(
        sp.BackendError, match=r"backend batch does not stream: its backend\.toml lacks 'stream = true'"
    ):
        sp.Simulator(random_trial(0).program, "batch")


def test_stream_is_a_flag(folders: Path) -> None:
    write_backend(folders, "odd")
    path = folders / "odd" / "backend.toml"
    path.write_text("stream = 1\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(sp.BackendError, match="stream must be true or false, got 1"):
        sp.Simulator(random_trial(0).program, "odd")


def test_the_check_goes_step_by_step(folders: Path, command: Command) -> None:
    """A runner that is right on whole rasters, and loses the spikes in progress between two questions, is found."""
    write_streaming_backend(folders, "right")
    found = check_conformance("right", programs=4, golden=False)
    assert (found.divergence, found.random, found.stepped) == (None, 4, 4)
    write_streaming_backend(folders, "forgetful", "say(answer); queue = queue * (ticks % 50 > 0)")
    found = check_conformance("forgetful", programs=4, golden=False)
    assert (found.random, found.stepped) == (4, 4)
    assert found.divergence is not None
    assert re.fullmatch(r"random program \d, run step by step", found.program or "")
    code, out, _ = command("backends", "check", "right", "--programs", "1")
    assert code == 0
    assert "1 random program ran step by step, too\n" in out


# ------------------------------------------------------------------------------------------------- how a runner ends

REPORTING = "open({path!r}, 'a').write(f'{{os.getpid()}} {{os.getcwd()}}\\n'); say(answer)"


def runner_of(path: Path) -> tuple[int, Path]:
    """Return the process and the folder that a runner has reported."""
    number, _, folder = path.read_text(encoding="utf-8").splitlines()[0].partition(" ")
    return int(number), Path(folder)


@pytest.mark.parametrize("how", ["closed", "forgotten"])
def test_a_runner_ends_with_its_simulator(folders: Path, tmp_path: Path, how: str) -> None:
    report = tmp_path / "report"
    write_streaming_backend(folders, "streaming", REPORTING.format(path=str(report)))
    trial = random_trial(0)
    simulator = sp.Simulator(trial.program, "streaming")
    simulator.step(trial.inputs[0][:1])
    number, folder = runner_of(report)
    assert folder.is_dir()
    assert is_alive(number)
    if how == "closed":
        simulator.close()
    del simulator
    assert is_gone(number)
    assert not folder.exists()


@pytest.mark.parametrize("loop", ["say(answer)", "say(answer); time.sleep(600)"], ids=["waiting", "deaf"])
def test_a_runner_ends_with_its_parent(folders: Path, tmp_path: Path, loop: str) -> None:
    """Even where the parent is killed, and the runner does not look at its input."""
    report = tmp_path / "report"
    write_streaming_backend(folders, "streaming", REPORTING.format(path=str(report)).replace("say(answer)", loop))
    code = (
        "import snnprog as sp; from snnprog.conformance import random_trial; trial = random_trial(0);"
        "sim = sp.Simulator(trial.program, 'streaming'); sim.step(trial.inputs[0][:1]); print(); import time;"
        "time.sleep(600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    assert parent.stdout.readline()
    number, _ = runner_of(report)
    assert is_alive(number)
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    assert is_gone(number)


def test_an_interruption_ends_the_runner(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer may be in progress, so the next question would get it."""
    write_streaming_backend(folders, "streaming")
    trial = random_trial(0)
    simulator = sp.Simulator(trial.program, "streaming")
    simulator.step(trial.inputs[0][:2])

    def interrupt(*_: object, **__: object) -> bytes:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("snnprog.processes.conversation.Conversation.answer", interrupt)
        with pytest.raises(KeyboardInterrupt):
            simulator.step(trial.inputs[0][2:4])
    assert simulator.tick == 2
    with pytest.raises(sp.BackendError, match="reset the simulator"):
        simulator.step(trial.inputs[0][2:4])
    simulator.reset()
    check_equal(simulator.step(trial.inputs[0]), without_excursions(sp.run(trial.program, trial.inputs[0])))
    simulator.close()
