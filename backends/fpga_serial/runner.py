"""Run a program on an FPGA board on a serial port: ``runner.py PROGRAM STIMULUS RESULT``, or tick by tick.

The script stands alone: it imports NumPy, pyserial and the standard library. The image of the program, ``program.hex``,
stands beside PROGRAM; it is loaded into the board's core, whose bitstream ``snnprog export --board`` made. PROGRAM
itself is read for its counts and its outputs only. STIMULUS and RESULT are ``.npz``. RESULT appears whole or not at
all. Exit code 0 means it was written; anything else comes with one sentence on stderr.

``runner.py PROGRAM - - [state]`` writes a line of JSON with the versions, then reads commands: ``T`` and a byte for each
input line is answered with a byte for each output, and with ``state`` with the currents and potentials of all neurons,
32 bits each, little-endian; ``R`` goes back to rest.

``SNNPROG_SERIAL_PORT``
    The port, as in ``/dev/ttyUSB1`` or ``COM4``.
``SNNPROG_SERIAL_BAUD``
    Its rate, if it is not 1,000,000.

The protocol is described in snnprog's documentation ("FPGA boards"). Frames are sent ahead of their answers, as many as
the board keeps, so that the time that a USB adapter takes for each answer does not add up.
"""

from __future__ import annotations

import binascii
import contextlib
import json
import os
import platform
import sys
import zipfile
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import serial

Integers = npt.NDArray[np.int64]
Command = tuple[bytes, bytes]
"""The letter of a frame, and the bytes behind its length."""

BAUD = 1_000_000
AHEAD_BYTES = 512
IDENTITY_BYTES, WORD_BYTES, EVENT_BYTES, SUM_BYTES = 8, 4, 2, 2
END_OF_EVENTS = b"\xff\xff"
EVENTS_IN_FRAME = 127
WORDS_IN_FRAME = 62
WORDS_IN_ANSWER = 255
RESYNC_BYTES = 259
SILENCE_S = 0.1
"""How long no byte comes before the board counts as silent. USB adapters hand on what they have every 16 ms or sooner:
FTDI's application note AN232B-04."""
LIMIT_S = 10.0
"""How long an answer may be waited for: a tick takes milliseconds. A choice, not a measurement."""


class RunnerError(Exception):
    """The files are wrong, or the board does not answer as it must; the message is the sentence shown to the caller."""


# ---------------------------------------------------------------- files


@dataclass(frozen=True)
class Program:
    """What is read of PROGRAM: how many lines and neurons it has, and which neurons are read out."""

    n_inputs: int
    n_neurons: int
    outputs: Integers

    def places(self) -> Integers:
        """Return where the core has each neuron: those that are read out first, in order, then all others."""
        order = np.concatenate([self.outputs, np.setdiff1d(np.arange(self.n_neurons), self.outputs)])
        return np.argsort(order, kind="stable")


@dataclass(frozen=True)
class ImageFile:
    """A program's image.

    ``words`` holds (address, words from there on); ``current`` and ``potential`` are where the core shows those of its
    first neuron.
    """

    identity: bytes
    current: int
    potential: int
    words: tuple[tuple[int, tuple[int, ...]], ...]


@dataclass(frozen=True)
class Stimulus:
    """Patterns one after another.

    ``raster`` is bool (ticks, n_inputs), ``lengths`` their ticks; ``state`` asks for currents and potentials.
    """

    raster: npt.NDArray[np.bool_]
    lengths: Integers
    state: bool

    def __post_init__(self) -> None:
        """Refuse patterns that do not tile the raster."""
        if self.raster.ndim != 2 or self.lengths.ndim != 1 or np.any(self.lengths < 0):
            raise RunnerError("the stimulus needs a 2-D raster and 1-D lengths, none of them negative")
        if self.lengths.sum() != len(self.raster):
            raise RunnerError(
                f"the pattern lengths add up to {self.lengths.sum()} ticks, the raster has {len(self.raster)}"
            )


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Name the file in whatever goes wrong while it is read."""
    try:
        yield
    except (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise RunnerError(f"cannot read {path}: {error}") from error


def read_program(path: Path) -> Program:
    """Read the counts and the outputs of the program at `path`."""
    with reading(path), zipfile.ZipFile(path) as archive:
        header = json.loads(archive.read("program.json"))
        with archive.open("outputs.npy") as file:
            outputs = np.lib.format.read_array(file, allow_pickle=False).astype(np.int64)
        return Program(int(header["n_inputs"]), int(header["n_neurons"]), outputs)


def read_image(path: Path) -> ImageFile:
    """Read an image: a line ``// {JSON}``, then addresses (``@`` and hexadecimal digits) and words."""
    with reading(path):
        first, *lines = path.read_text(encoding="ascii").splitlines()
        header = json.loads(first.removeprefix("//"))
        parts: list[tuple[int, list[int]]] = []
        for text in " ".join(line.partition("//")[0] for line in lines).split():
            if text.startswith("@"):
                parts.append((int(text[1:], 16), []))
            else:
                parts[-1][1].append(int(text, 16))
        words = tuple((address, tuple(values)) for address, values in parts)
        return ImageFile(bytes.fromhex(header["identity"]), int(header["current"]), int(header["potential"]), words)


def read_stimulus(path: Path, n_inputs: int) -> Stimulus:
    """Read the stimulus at `path` and check its number of input lines."""
    with reading(path), np.load(path, allow_pickle=False) as archive:
        stimulus = Stimulus(archive["raster"].astype(bool), archive["lengths"].astype(np.int64), bool(archive["state"]))
    if stimulus.raster.shape[1] != n_inputs:
        raise RunnerError(f"the raster has {stimulus.raster.shape[1]} input lines; the program has {n_inputs}")
    return stimulus


def write_result(path: Path, arrays: dict[str, npt.NDArray[Any]], versions: dict[str, str]) -> None:
    """Write `arrays` and the versions to `path`, through a file beside it, so that no reader sees half a result."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            payload: dict[str, Any] = {"versions": np.array(json.dumps(versions)), **arrays}
            np.savez(file, **payload)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


# ---------------------------------------------------------------- the board


def with_sum(content: bytes) -> bytes:
    """Return bytes with their CRC-16 behind them."""
    return content + binascii.crc_hqx(content, 0xFFFF).to_bytes(SUM_BYTES, "big")


class Board:
    """A core behind a serial port: frames go out, and their answers come back in order."""

    def __init__(self, port: serial.Serial) -> None:
        self.port = port
        self.got = bytearray()

    def ask(self, commands: Iterable[Command]) -> Iterator[bytes]:
        """Send commands, some ahead of their answers, and yield what each is answered."""
        under_way: deque[tuple[Command, int]] = deque()
        ahead = 0
        for command, payload in commands:
            frame = with_sum(command + bytes([len(payload)]) + payload)
            while ahead + len(frame) > AHEAD_BYTES:
                asked, length = under_way.popleft()
                yield self._answer(asked)
                ahead -= length
            self.port.write(frame)
            under_way.append(((command, payload), len(frame)))
            ahead += len(frame)
        for asked, _ in under_way:
            yield self._answer(asked)

    def resynchronise(self) -> None:
        """End whatever frame the board is in the middle of, and discard what it says."""
        self.port.write(bytes(RESYNC_BYTES))
        self.port.timeout = SILENCE_S
        while self.port.read(1 << 12):
            pass
        self.port.timeout = LIMIT_S

    def _answer(self, asked: Command) -> bytes:
        command, payload = asked
        status = self._take(1)
        if status == b"!":
            raise RunnerError(f"the board refused frame {command.decode()}: the serial line lost or changed bytes")
        if status != command.lower():
            raise RunnerError(f"the board answered {status!r} to frame {command.decode()}; bytes were lost")
        content = self._events() if command == b"T" else self._take(self._length(command, payload))
        if with_sum(status + content)[-SUM_BYTES:] != self._take(SUM_BYTES):
            raise RunnerError(
                f"the answer to frame {command.decode()} has a wrong checksum; bytes were lost or changed"
            )
        return content

    def _length(self, command: bytes, payload: bytes) -> int:
        return {b"I": IDENTITY_BYTES, b"P": payload[-1] * WORD_BYTES if payload else 0}.get(command, 0)

    def _events(self) -> bytes:
        found = bytearray()
        while not found.endswith(END_OF_EVENTS) or len(found) % EVENT_BYTES:
            found += self._take(EVENT_BYTES)
        return bytes(found)

    def _take(self, count: int) -> bytes:
        while len(self.got) < count:
            piece = self.port.read(max(self.port.in_waiting, count - len(self.got)))
            if not piece:
                raise RunnerError(
                    f"the board on {self.port.port} did not answer within {LIMIT_S:.0f} s; check the cable, the port"
                    f" and the rate of {self.port.baudrate} baud, and that it is flashed"
                )
            self.got += piece
        taken = bytes(self.got[:count])
        del self.got[:count]
        return taken


@contextlib.contextmanager
def opened(image: ImageFile) -> Iterator[Board]:
    """Open the port and load the image into the board's core."""
    name = os.environ.get("SNNPROG_SERIAL_PORT", "")
    baud = os.environ.get("SNNPROG_SERIAL_BAUD", str(BAUD))
    if not name:
        raise RunnerError("SNNPROG_SERIAL_PORT is not set; it names the port of the board, as in /dev/ttyUSB1")
    if not baud.isdecimal():
        raise RunnerError(f"SNNPROG_SERIAL_BAUD must be a number, got {baud!r}")
    try:
        with serial.Serial(name, int(baud), timeout=LIMIT_S) as port:
            board = Board(port)
            board.resynchronise()
            (identity,) = board.ask([(b"I", b"")])
            if identity != image.identity:
                raise RunnerError(
                    f"the board on {name} has core {identity.hex()}; the program's image is for core"
                    f" {image.identity.hex()}; flash the bitstream that 'snnprog export --board' makes with this version"
                )
            for _ in board.ask(loading(image)):
                pass
            yield board
    except (OSError, ValueError) as error:
        raise RunnerError(f"the port {name} cannot be used: {error}") from error


def loading(image: ImageFile) -> Iterator[Command]:
    """Yield the commands that write an image."""
    for address, words in image.words:
        for first in range(0, len(words), WORDS_IN_FRAME):
            part = words[first : first + WORDS_IN_FRAME]
            yield b"W", b"".join(value.to_bytes(WORD_BYTES, "little") for value in (address + first, *part))


# ---------------------------------------------------------------- ticks


@dataclass(frozen=True)
class Ticks:
    """How ticks of a program are asked for, and what their answers mean."""

    program: Program
    image: ImageFile
    state: bool

    def commands(self, counts: npt.NDArray[Any]) -> list[Command]:
        """Return the commands of a tick with so many spikes on each line."""
        lines = np.repeat(np.arange(self.program.n_inputs), counts).astype("<u2")
        parts = [
            lines[first : first + EVENTS_IN_FRAME].tobytes() for first in range(0, max(1, lines.size), EVENTS_IN_FRAME)
        ]
        commands = [(b"E", part) for part in parts[:-1]] + [(b"T", parts[-1])]
        return commands + (self._peeks(self.image.current) + self._peeks(self.image.potential) if self.state else [])

    def _peeks(self, address: int) -> list[Command]:
        count = self.program.n_neurons
        return [
            (b"P", (address + first).to_bytes(3, "little") + bytes([min(WORDS_IN_ANSWER, count - first)]))
            for first in range(0, count, WORDS_IN_ANSWER)
        ]

    def answer(self, commands: list[Command], contents: Iterator[bytes]) -> tuple[npt.NDArray[np.uint8], Integers]:
        """Return how often each output spiked, and currents and potentials, one after the other (2, neurons)."""
        taken = [(command, next(contents)) for command, _ in commands]
        events = b"".join(content[: -len(END_OF_EVENTS)] for command, content in taken if command == b"T")
        spikes = np.frombuffer(events, dtype="<u2")
        if spikes.size and spikes.max() >= self.program.outputs.size:
            raise RunnerError(
                f"the board says that output {spikes.max()} spiked; there are {self.program.outputs.size}"
            )
        words = np.frombuffer(b"".join(content for command, content in taken if command == b"P"), dtype="<i4")
        states = words.reshape(2, -1)[:, self.program.places()] if self.state else words
        return np.bincount(spikes, minlength=self.program.outputs.size).astype(np.uint8), states.astype(np.int64)


def run(board: Board, stimulus: Stimulus, ticks: Ticks) -> dict[str, npt.NDArray[Any]]:
    """Run all patterns, each from rest.

    Returns
    -------
    dict
        ``spikes`` bool (ticks, outputs) and, where the stimulus asks for state, ``currents`` and ``potentials`` int32
        (ticks, neurons) after each tick.
    """
    shape = len(stimulus.raster), ticks.program.n_neurons
    spikes = np.zeros((len(stimulus.raster), ticks.program.outputs.size), dtype=bool)
    states = np.zeros((2, *(shape if stimulus.state else (0, 0))), dtype="<i4")
    starts = set((np.cumsum(stimulus.lengths) - stimulus.lengths).tolist())

    def asked() -> Iterator[Command]:
        for tick, row in enumerate(stimulus.raster):
            yield from [(b"R", b"")] if tick in starts else []
            yield from ticks.commands(row)

    contents = board.ask(asked())
    for tick, row in enumerate(stimulus.raster):
        if tick in starts:
            next(contents)
        counts, words = ticks.answer(ticks.commands(row), contents)
        spikes[tick] = counts
        if stimulus.state:
            states[:, tick] = words
    return {"spikes": spikes} | ({"currents": states[0], "potentials": states[1]} if stimulus.state else {})


def stream(board: Board, ticks: Ticks, *, source: BinaryIO, sink: BinaryIO) -> None:
    """Answer tick by tick what comes from a pipe, until it ends."""
    for _ in board.ask([(b"R", b"")]):
        pass
    while command := source.read(1):
        if command == b"R":
            for _ in board.ask([(b"R", b"")]):
                pass
        elif command == b"T":
            counts = np.frombuffer(source.read(ticks.program.n_inputs), dtype=np.uint8)
            if counts.size != ticks.program.n_inputs:
                raise RunnerError(f"the pipe ended within a tick, after {counts.size} of its bytes")
            commands = ticks.commands(counts)
            found, states = ticks.answer(commands, board.ask(commands))
            sink.write(found.tobytes() + states.astype("<i4").tobytes())
            sink.flush()
        else:
            raise RunnerError(f"the pipe sent {command!r}; T or R is allowed")


def versions_of(image: ImageFile) -> dict[str, str]:
    """Versions of what computed the result."""
    return {
        "core": image.identity.hex(),
        "pyserial": serial.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def main(arguments: list[str]) -> None:
    """Load the program into the board, run it on the stimulus, write the result; or stream."""
    is_stream = arguments[1:] in (["-", "-"], ["-", "-", "state"])
    if len(arguments) != 3 and not is_stream:
        raise RunnerError("usage: runner.py PROGRAM STIMULUS RESULT, or runner.py PROGRAM - - [state]")
    path = Path(arguments[0])
    program, image = read_program(path), read_image(path.with_suffix(".hex"))
    if is_stream:
        with opened(image) as board:
            print(json.dumps({"versions": versions_of(image)}), flush=True)
            ticks = Ticks(program, image, state=len(arguments) == 4)
            stream(board, ticks, source=sys.stdin.buffer, sink=sys.stdout.buffer)
        return
    stimulus = read_stimulus(Path(arguments[1]), program.n_inputs)
    with opened(image) as board:
        arrays = run(board, stimulus, Ticks(program, image, state=stimulus.state))
    write_result(Path(arguments[2]), arrays, versions_of(image))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except RunnerError as error:
        sys.exit(f"runner.py: {error}")
    except KeyboardInterrupt:
        sys.exit("runner.py: interrupted")
    except Exception as error:
        sys.exit(f"runner.py: {type(error).__name__}: {error}")
