"""snnprog run --stream: a live pipe through a program, tick by tick."""

from __future__ import annotations

import io
import os
import re
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from cases import random_raster
from command_line import Command
from processes import is_gone
from stand_in import write_streaming_backend
from test_recordings import nwb_file
from test_simulator import integrator

import snnprog as sp
from snnprog import cli
from snnprog.conformance import random_trial
from snnprog.files import read_rasters, write_rasters
from snnprog.files.event_stream import read_chunks

PATIENCE_SECONDS = 60.0
HEADER = "tick,neuron\n"


def csv_of(raster: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], marks: Sequence[int] = ()) -> str:
    """Return the events of a raster as a stream, with marks at the ends of some ticks."""
    rows = [HEADER]
    for tick, lines in enumerate(raster):
        rows += [f"{tick},{line}\n" for line in np.flatnonzero(lines).tolist()]
        rows += [f"{tick},\n"] if tick in marks else []
    return "".join(rows)


# ---------------------------------------------------------------------------------------------------- what is read


class StreamedTick(NamedTuple):
    """One tick: the lines that spike, and whether the stream marked its end."""

    lines: list[int]
    is_marked: bool


def ticks_of(text: str | bytes, neurons: int = 4, most: int = 1, *, merge: bool = False) -> Iterator[StreamedTick]:
    content = text.encode() if isinstance(text, str) else text
    for chunk in read_chunks(io.BytesIO(content), "pipe", neurons=neurons, most=most, merge=merge):
        for counts, is_marked in zip(chunk.counts, chunk.is_marked, strict=True):
            yield StreamedTick(np.repeat(np.arange(neurons), counts).tolist(), bool(is_marked))


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (HEADER, []),
        ("\ufefftick,neuron\r\n1,3\r\n1,0\r\n\r\n4,2", [[], [0, 3], [], [], [2]]),
        ('tick, neuron\n0 , 1\n"1","2"\n', [[1], [2]]),
        (HEADER + "0,1\n0,\n1,1\n3,\n", [[1], [1], [], []]),
        (HEADER + "2, \n", [[], [], []]),
    ],
)
def test_streams_that_are_read(text: str, lines: list[list[int]]) -> None:
    assert [tick.lines for tick in ticks_of(text)] == lines


def test_a_mark_is_of_its_tick_alone() -> None:
    assert list(ticks_of(HEADER + "0,1\n2,\n3,1\n")) == [([1], False), ([], False), ([], True), ([1], False)]


def test_spikes_of_one_line_in_one_tick() -> None:
    text = HEADER + "0,1\n0,1\n0,1\n"
    assert [tick.lines for tick in ticks_of(text, most=3)] == [[1, 1, 1]]
    assert [tick.lines for tick in ticks_of(text, merge=True)] == [[1]]
    with pytest.raises(sp.FormatError, match="pipe, line 4: neuron 1 has more than 2 spikes in tick 0; list each"):
        list(ticks_of(text, most=2))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the header of pipe must be 'tick,neuron', got ''"),
        ("pattern,tick,neuron\n", "the header of pipe must be 'tick,neuron', got 'pattern,tick,neuron'"),
        (b"\xff\n", "pipe cannot be read"),
        (HEADER + "0,1\n1,x\n", "pipe, line 3: must have 2 integers, got '1,x'"),
        (HEADER + "0,1\n1\n", "pipe, line 3: must have 2 integers, got '1'"),
        (HEADER + "0,1\nx,\n", "pipe, line 3: must have 2 integers, got 'x,'"),
        (HEADER + "0,1\n1,1,1\n", "pipe, line 3: must have 2 integers, got '1,1,1'"),
        (HEADER + "0,1\n\n99999999999999,\n", "pipe, line 4: must have 2 integers, got '99999999999999,'"),
        (HEADER + "0,1\n1,4\n", "pipe, line 3: neuron 4; the program has lines 0 to 3"),
        (HEADER + "0,1\n1,-1\n", "pipe, line 3: neuron -1; the program has lines 0 to 3"),
        (HEADER + "0,1\n-1,1\n", "pipe, line 3: tick -1 has ended; the next events are of tick 0 or later"),
        (HEADER + "0,1\n0,\n0,2\n", "pipe, line 4: tick 0 has ended; the next events are of tick 1 or later"),
        (HEADER + "0,1\n1,1\n0,\n", "pipe, line 4: tick 0 has ended; the next events are of tick 1 or later"),
        (HEADER.encode() + b"0,1\n1,\xff\n", "pipe, line 3 cannot be read"),
        (HEADER + "0,1\n1," + 70000 * "1", "pipe, line 3: it must have fewer than 65536 characters"),
    ],
)
def test_streams_that_are_refused(text: str | bytes, said: str) -> None:
    """All ticks that had ended are there; the one in progress is not."""
    found: list[StreamedTick] = []
    with pytest.raises(sp.FormatError) as error:
        found.extend(ticks_of(text))
    assert str(error.value).startswith(said)


def test_what_has_ended_comes_before_the_error() -> None:
    ticks = ticks_of(HEADER + "0,1\n2,\n3,0\nx\n")
    assert [next(ticks).lines for _ in range(3)] == [[1], [], []]
    with pytest.raises(sp.FormatError, match="pipe, line 5: must have 2 integers, got 'x'"):
        next(ticks)


def test_a_stream_is_a_file_of_events(tmp_path: Path) -> None:
    """What was streamed can be read as a raster, marks and all."""
    raster = random_raster(1, 30, 3)
    (tmp_path / "events.csv").write_text(csv_of(raster, marks=range(0, 30, 3)), encoding="utf-8")
    (found,) = read_rasters(tmp_path / "events.csv", ticks=30, neurons=3)
    assert np.array_equal(found, raster)


# ---------------------------------------------------------------------------------------------------- the command


@pytest.fixture
def said(command: Command, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Return a function that runs the command line with a text on standard input, its first word."""

    def run(text: object, *words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(str(text).encode()), encoding="utf-8"))
        return command(*words)

    return run


def saved(program: sp.Program, folder: Path) -> Path:
    program.save(folder / "p.snnp")
    return folder / "p.snnp"


@pytest.mark.parametrize("backend", [[], ["--backend", "reference"]])
@pytest.mark.parametrize("seed", range(3))
def test_the_answer_is_that_of_a_run(said: Command, tmp_path: Path, seed: int, backend: list[str]) -> None:
    trial = random_trial(seed)
    raster = trial.inputs[0]
    marks = range(0, len(raster), 2)
    expected = csv_of(sp.run(trial.program, raster, "reference").spikes, marks)
    text = csv_of(raster, marks)
    path = saved(trial.program, tmp_path)
    assert said(text, "run", path, "-", "--stream", "--ticks", len(raster), *backend) == (0, expected, "")


def test_a_file_is_streamed(command: Command, tmp_path: Path) -> None:
    trial = random_trial(0)
    (tmp_path / "in.csv").write_text(csv_of(trial.inputs[0]), encoding="utf-8")
    expected = csv_of(sp.run(trial.program, trial.inputs[0]).spikes)
    path = saved(trial.program, tmp_path)
    assert command("run", path, tmp_path / "in.csv", "--stream", "--ticks", len(trial.inputs[0])) == (0, expected, "")
    code, out, err = command("run", path, tmp_path / "none.csv", "--stream")
    assert (code, out) == (cli.BAD_USAGE, "")
    assert err == f"snnprog: {tmp_path / 'none.csv'} cannot be read: No such file or directory\n"


def test_ticks_say_where_to_stop(said: Command, tmp_path: Path) -> None:
    path = saved(one_neuron(), tmp_path)
    assert said(HEADER + "0,0\n", "run", path, "-", "--stream") == (0, HEADER, "")
    assert said(HEADER + "0,0\n", "run", path, "-", "--stream", "--ticks", "2") == (0, HEADER + "1,0\n", "")
    assert said(HEADER + "0,0\n5,0\nx", "run", path, "-", "--stream", "--ticks", "2") == (0, HEADER + "1,0\n", "")


def one_neuron() -> sp.Program:
    """Return a program whose output repeats its input, one tick later."""
    return sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=1,
        n_neurons=1,
        pre=[0],
        post=[0],
        delay=[1],
        weight=[60],
        threshold=[25],
        current_decay=[4095],
        potential_decay=[4095],
    )


def test_nothing_is_lost_where_a_line_is_malformed(said: Command, tmp_path: Path) -> None:
    path = saved(one_neuron(), tmp_path)
    code, out, err = said(HEADER + "0,0\n1,\nnonsense\n", "run", path, "-", "--stream")
    assert (code, out) == (cli.BAD_USAGE, HEADER + "1,0\n1,\n")
    assert err == "snnprog: standard input, line 4: must have 2 integers, got 'nonsense'\n"


def test_potentials_are_streamed(said: Command, tmp_path: Path) -> None:
    program = integrator(3)
    raster = random_raster(3, 25, 2)
    path = saved(program, tmp_path)
    code, out, err = said(csv_of(raster), "run", path, "-", "--stream", "--ticks", "25")
    assert (code, out) == (0, csv_of(sp.run(program, raster).spikes))
    assert err == "snnprog: a stream of spikes has no potentials; outputs that are read by them are skipped\n"
    alone = sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=2,
        n_neurons=3,
        pre=[0, 1],
        post=[0, 1],
        delay=[1, 1],
        weight=[30, -7],
        threshold=[25, 131071, 25],
        outputs=[1],
        readout=[0, 1, 0],
    )
    readout = sp.run(alone, raster).readout
    assert readout is not None
    expected = "".join(f"{tick},0,{value}\n" for tick, value in enumerate(readout[:, 0].tolist()))
    code, out, err = said(csv_of(raster), "run", saved(alone, tmp_path), "-", "--stream", "--ticks", "25")
    assert (code, out, err) == (0, "tick,output,potential\n" + expected, "")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--stream", "-o", "out.csv"], "--output cannot be used with --stream; remove it"),
        (["--stream", "--json"], "--json cannot be used with --stream"),
        (["--stream", "--ids", "1"], "ids does not apply to standard input; omit it"),
        (["--stream", "--layout", "ticks,neurons"], "--layout cannot be used with --stream"),
        (["--stream", "--patterns", "1"], "--patterns cannot be used with --stream"),
        (["--stream", "--sensor-size", "3,3"], "--sensor-size cannot be used with --stream"),
        ([], "- stands for standard input, which only --stream reads; add --stream"),
    ],
)
def test_options_that_are_refused(said: Command, tmp_path: Path, words: list[str], message: str) -> None:
    code, out, err = said(HEADER, "run", saved(one_neuron(), tmp_path), "-", *words)
    assert code == cli.BAD_USAGE
    assert message in (out if "--json" in words else err)


def test_a_closed_standard_input(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    code, _, err = command("run", saved(one_neuron(), tmp_path), "-", "--stream")
    assert (code, err.partition(";")[0]) == (cli.BAD_USAGE, "snnprog: standard input is closed")


# ------------------------------------------------------------------------------------------------------- live pipes

live = pytest.mark.skipif(os.name != "posix", reason="pipes and signals of POSIX")


class Live:
    """A command with its pipes."""

    def __init__(self, *words: object) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "snnprog", *map(str, words)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,  # what select finds is all that is there
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.into, self.out_of = self.process.stdin, self.process.stdout

    def say(self, text: str) -> None:
        self.into.write(text.encode())

    def line(self) -> str:
        """Return the next line that it writes, which must come while its input stays open."""
        assert select.select([self.out_of], [], [], PATIENCE_SECONDS)[0]
        return self.out_of.readline().decode()

    def end(self) -> tuple[int, str]:
        """Return the exit code and what stood on standard error, once the input has ended."""
        err = self.process.communicate(timeout=PATIENCE_SECONDS)[1]
        return self.process.returncode, err.decode()


@contextmanager
def running(*words: object) -> Iterator[Live]:
    command = Live(*words)
    try:
        yield command
    finally:
        command.process.kill()
        command.process.communicate()


@live
def test_outputs_come_while_the_input_stays_open(tmp_path: Path) -> None:
    """Question and answer: a tick is marked, and its answer is there; so it is without a mark, at the next event."""
    with running("run", saved(one_neuron(), tmp_path), "-", "--stream") as command:
        assert command.line() == HEADER
        command.say(HEADER + "0,0\n0,\n")
        assert command.line() == "0,\n"
        command.say("1,0\n1,\n")
        assert (command.line(), command.line()) == ("1,0\n", "1,\n")
        command.say("7,0\n")
        assert command.line() == "2,0\n"
        command.say("9,\n")
        assert (command.line(), command.line()) == ("8,0\n", "9,\n")
        assert command.end() == (0, "")


@live
def test_one_program_after_another(tmp_path: Path) -> None:
    """Marks go through: the last output is there although the pipe stays open."""
    path = saved(one_neuron(), tmp_path)
    line = f"{sys.executable} -m snnprog run {path} - --stream | {sys.executable} -m snnprog run {path} - --stream"
    process = subprocess.Popen(["bash", "-c", line], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{HEADER}0,0\n2,\n".encode())
    process.stdin.flush()
    assert [process.stdout.readline().decode() for _ in range(3)] == [HEADER, "2,0\n", "2,\n"]
    process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0


@live
def test_a_named_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "events")
    with running("run", saved(one_neuron(), tmp_path), tmp_path / "events", "--stream") as command:
        with (tmp_path / "events").open("w", encoding="utf-8") as events:
            events.write(HEADER + "0,0\n1,\n")
            events.flush()
            assert [command.line() for _ in range(3)] == [HEADER, "1,0\n", "1,\n"]
        assert command.end() == (0, "")


@live
def test_a_reader_that_leaves_ends_the_command(tmp_path: Path) -> None:
    """Its input would never end."""
    with running("run", saved(one_neuron(), tmp_path), "-", "--stream") as command:
        assert command.line() == HEADER
        command.out_of.close()
        command.say(HEADER)

        def feed() -> None:
            try:
                for tick in range(1 << 40):
                    command.say(f"{tick},0\n")
            except OSError:
                return

        feeding = threading.Thread(target=feed)
        feeding.start()
        feeding.join(PATIENCE_SECONDS)
        assert not feeding.is_alive()
        assert command.process.wait(PATIENCE_SECONDS) == 0
        assert command.process.stderr is not None
        assert command.process.stderr.read() == b""


@live
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full of Linux")
def test_a_full_disk_ends_the_command(tmp_path: Path) -> None:
    path = saved(one_neuron(), tmp_path)
    line = (
        f"(echo tick,neuron; seq -f '%.0f,' 0 99999999) | {sys.executable} -m snnprog run {path} - --stream >/dev/full"
    )
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    said = "snnprog: the output cannot be written: No space left on device\n"
    assert (done.returncode, done.stderr) == (cli.BAD_USAGE, said)


@live
@pytest.mark.parametrize("backend", ["kernel", "streaming"])
def test_ctrl_c_ends_the_command(folders: Path, tmp_path: Path, backend: str) -> None:
    report = tmp_path / "report"
    write_streaming_backend(folders, "streaming", f"open({str(report)!r}, 'w').write(str(os.getpid())); say(answer)")
    with running("run", saved(one_neuron(), tmp_path), "-", "--stream", "--backend", backend) as command:
        assert command.line() == HEADER
        command.say(HEADER + "0,0\n0,\n")
        assert command.line() == "0,\n"
        command.process.send_signal(signal.SIGINT)
        command.process.wait(PATIENCE_SECONDS)  # its input has not ended
        assert command.end() == (128 + signal.SIGINT, "snnprog: interrupted\n")
    if backend == "streaming":
        assert is_gone(int(report.read_text(encoding="utf-8")))


@live
def test_a_backend_that_fails(folders: Path, said: Command, tmp_path: Path) -> None:
    write_streaming_backend(folders, "broken", "say(answer) if ticks < 3 else sys.exit('tired')")
    path = saved(one_neuron(), tmp_path)
    code, out, err = said(HEADER + "0,0\n3,0\n", "run", path, "-", "--stream", "--backend", "broken")
    assert (code, out) == (cli.BACKEND_FAILED, HEADER + "1,0\n")
    assert err == "snnprog: backend broken ended with code 1; it said: tired\n"


# ------------------------------------------------------------------------------------------------- chunks and formats


def test_large_blocks_are_read_as_small_ones_are() -> None:
    raster = np.random.default_rng(0).random((3000, 4)) < 0.3
    raster[500:900] = raster[-7:] = False
    text = csv_of(raster, marks=[0, 3, 4, 450, 600, 2999])
    whole = list(ticks_of(text))
    small = list(read_chunks(io.BytesIO(text.encode()), "pipe", neurons=4, ticks=7))
    assert len(whole) == 3000
    assert [tick.lines for tick in whole] == [np.flatnonzero(row).tolist() for row in raster]
    assert [at for at, tick in enumerate(whole) if tick.is_marked] == [0, 3, 4, 450, 600, 2999]
    assert np.array_equal(np.concatenate([chunk.counts for chunk in small]), raster)
    assert np.concatenate([chunk.is_marked for chunk in small]).tolist() == [tick.is_marked for tick in whole]
    assert max(len(chunk.counts) for chunk in small) <= 7


class Slowly(io.BytesIO):
    """A file of which a few bytes arrive at a time."""

    def __init__(self, content: bytes, size: int) -> None:
        super().__init__(content)
        self.size = size

    def read1(self, _: int | None = -1, /) -> bytes:
        return super().read(self.size)


@pytest.mark.parametrize("size", [1, 7, 1000, 5000, 12345])
def test_blocks_of_any_size_give_the_same_ticks(size: int) -> None:
    raster = np.random.default_rng(size).random((900, 3)) < 0.4
    text = csv_of(raster, marks=range(0, 900, 11))
    chunks = list(read_chunks(Slowly(text.encode(), size), "pipe", neurons=3))
    assert np.array_equal(
        np.concatenate([chunk.counts for chunk in chunks]), raster[: np.flatnonzero(raster.any(axis=1))[-1] + 1]
    )


def test_several_spikes_of_a_line_in_large_blocks() -> None:
    rows = [f"{tick},{line}\n" for tick in range(700) for line in (0, 2, 2, 2)]
    text = HEADER + "".join(rows)
    assert [tick.lines for tick in ticks_of(text, most=3)] == [[0, 2, 2, 2]] * 700
    assert [tick.lines for tick in ticks_of(text, merge=True)] == [[0, 2]] * 700
    with pytest.raises(sp.FormatError, match=r"pipe, line 5: neuron 2 has more than 2 spikes in tick 0; list each"):
        list(ticks_of(text, most=2))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("698,0\n", "pipe, line 1402: tick 698 has ended; the next events are of tick 699 or later"),
        ("700,9\n", "pipe, line 1402: neuron 9; the program has lines 0 to 3"),
        ("700,\n700,1\n", "pipe, line 1403: tick 700 has ended; the next events are of tick 701 or later"),
        ("700,1\n700,1\n", "pipe, line 1403: neuron 1 has more than 1 spike in tick 700; list each event once, or"),
        ("700;1\n", "pipe, line 1402: must have 2 integers, got '700;1'"),
    ],
)
def test_an_error_in_a_large_block_has_its_line(line: str, said: str) -> None:
    text = HEADER + "".join(f"{tick},{neuron}\n" for tick in range(700) for neuron in (0, 1)) + line
    found: list[StreamedTick] = []
    with pytest.raises(sp.FormatError) as error:
        found.extend(ticks_of(text + "999,1\n"))
    assert str(error.value).startswith(said)
    found = []
    with suppress(sp.FormatError):
        for tick in ticks_of(text + "999,1\n"):
            found.append(tick)
    assert len(found) >= 699


def test_a_long_silence_is_run_in_pieces() -> None:
    sizes = [
        len(chunk.counts)
        for chunk in read_chunks(io.BytesIO(b"tick,neuron\n5,1\n1000000,0\n"), "pipe", neurons=4, ticks=5000)
    ]
    assert sum(sizes) == 1_000_001
    assert max(sizes) == 5000


def relay() -> sp.Program:
    """Return a program with two neurons for three lines."""
    return sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=3,
        n_neurons=2,
        pre=[0, 1, 2, 3],
        post=[0, 0, 1, 1],
        delay=[1, 3, 2, 1],
        weight=[40, -20, 60, 30],
        threshold=[30, 50],
        current_decay=[4095, 2000],
        potential_decay=[400, 400],
    )


@pytest.mark.parametrize("suffix", [".npz", ".npz:x", ".nwb", ".h5", ".zarr"])
def test_files_of_all_formats_are_streamed(command: Command, tmp_path: Path, suffix: str) -> None:
    program = relay()
    raster = np.random.default_rng(0).random((300, 3)) < 0.2
    raster[-1, 0] = True
    file = tmp_path / f"in{suffix.partition(':')[0]}"
    words: list[object] = []
    if suffix.startswith(".npz"):
        np.savez_compressed(file, x=raster)
    elif suffix == ".h5":
        write_rasters(file, [raster], dt_ms=2.0)
        words = ["--dt-ms", 2]
    elif suffix == ".nwb":
        nwb_file(file, [(np.flatnonzero(train) * 0.002).tolist() for train in raster.T], [5, 6, 7])
        words = ["--dt-ms", 2, "--ids", "5,6,7"]
    else:
        zarr = pytest.importorskip("zarr")
        zarr.save_array(str(file), raster)
    expected = csv_of(sp.run(program, raster).spikes)
    path = saved(program, tmp_path)
    name = f"{file}:x" if suffix.endswith(":x") else str(file)
    assert command("run", path, name, "--stream", *words) == (0, expected, "")


def test_files_that_cannot_be_streamed(command: Command, tmp_path: Path) -> None:
    program = relay()
    path = saved(program, tmp_path)
    np.savez(tmp_path / "three.npz", x=np.zeros((2, 9, program.n_inputs), bool))
    np.savez(tmp_path / "order.npz", x=np.asfortranarray(np.zeros((9, 3), bool)))
    np.savez(tmp_path / "wide.npz", x=np.zeros((9, 99), bool))
    np.savez(tmp_path / "many.npz", x=np.full((9, program.n_inputs), 3), y=np.zeros(2))
    (tmp_path / "cut.npz").write_bytes((tmp_path / "wide.npz").read_bytes()[:-40])
    for name, said in {
        "three.npz": r"must have shape \(ticks, neurons\) in C order to be streamed, got \(2, 9, ",
        "order.npz": r"to be streamed, got \(9, 3\) in Fortran order",
        "wide.npz": "wide.npz must have .* got 99",
        "many.npz": "many.npz must hold one array, or be named as in many.npz:NAME",
        "many.npz:z": "many.npz has no array 'z'; it has x, y",
        "many.npz:x": "many.npz must hold bools or integers from 0 to 1, got 3 to 3",
        "cut.npz": "cut.npz is not a complete zip archive",
    }.items():
        code, _, err = command("run", path, tmp_path / name, "--stream")
        assert code == cli.BAD_USAGE
        assert re.search(said, err), err
    code, _, err = command("run", path, tmp_path / "wide.npz", "--stream", "--dt-ms", 1)
    assert (code, err) == (cli.BAD_USAGE, f"snnprog: dt_ms does not apply to {tmp_path / 'wide.npz'}; omit it\n")


def test_times_need_the_length_of_a_tick(command: Command, tmp_path: Path) -> None:
    program = relay()
    path = saved(program, tmp_path)
    raster = np.ones((4, program.n_inputs), bool)
    write_rasters(tmp_path / "in.h5", [raster], dt_ms=1.0)
    code, _, err = command("run", path, tmp_path / "in.h5", "--stream")
    assert code == cli.BAD_USAGE
    assert err.endswith("in.h5 holds times; give dt_ms, the milliseconds of a tick (--dt-ms)\n")
    code, _, err = command("run", path, tmp_path / "in.h5", "--stream", "--dt-ms", 3)
    assert code == cli.BAD_USAGE
    assert "neuron 0 has 3 spikes in tick 0; take a shorter tick, or allow merging" in err
    code, out, _ = command("run", path, tmp_path / "in.h5", "--stream", "--dt-ms", 3, "--merge", "--ticks", 40)
    merged = np.zeros((40, program.n_inputs), bool)
    merged[:2] = True
    assert (code, out) == (0, csv_of(sp.run(program, merged).spikes))
