"""Run a program on an FPGA board on a serial port: ``runner.py PROGRAM STIMULUS RESULT``, or tick by tick.

The script stands alone: it imports NumPy, pyserial and the standard library. The image of the program, ``program.hex``,
stands beside PROGRAM; it is loaded into the board's core, whose bitstream ``snnprog export --board`` made. PROGRAM
itself is not read. STIMULUS and RESULT are ``.npz``. RESULT appears whole or not at all. Exit code 0 means it was
written; anything else comes with one sentence on stderr.

``runner.py PROGRAM - - [state]`` writes a line of JSON with the versions, then reads commands: ``T`` and a byte for
each input line is answered with a byte for each output, and with ``state`` with the currents and potentials of all
neurons, 32 bits each, little-endian; ``R`` goes back to rest.

``SNNPROG_SERIAL_PORT``
    The port, as in ``/dev/ttyUSB1`` or ``COM4``.
``SNNPROG_SERIAL_BAUD``
    Its rate, if it is not 1,000,000.
``SNNPROG_BOARD``
    The board's name, from which snnprog knows which core the image must be for; an iCE40UP5K's, unless it is set.

The protocol is described in snnprog's documentation ("FPGA boards"). Frames are sent ahead of their answers, as many as
the board keeps, so that the time that a USB adapter takes for each answer does not add up.
"""

from __future__ import annotations

import binascii
import contextlib
import itertools
import json
import os
import platform
import sys
import zipfile
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import serial

Integers = npt.NDArray[np.int64]
Command = tuple[bytes, bytes]
"""The letter of a frame, and the bytes behind its length."""
Step = npt.NDArray[Any] | None
"""The spikes of each line at a tick, or None for the way back to rest."""

BAUD = 1_000_000
AHEAD_BYTES = 512
IDENTITY_BYTES, WORD_BYTES, EVENT_BYTES, SUM_BYTES = 8, 4, 2, 2
END_OF_EVENTS = b"\xff\xff"
STATES = ("current", "potential")
TICK, REST = b"T", b"R"
PIECE_BYTES = 1 << 16
EVENTS_IN_FRAME = 127
WORDS_IN_FRAME = 62  # and their address
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
class Register:
    """Where the core shows a register of its neurons: some bits of the words from an address on."""

    address: int
    first: int
    bits: int
    is_signed: bool

    def values(self, words: npt.NDArray[np.uint32]) -> Integers:
        """Return the values that words hold."""
        found = words.astype(np.int64) >> self.first & ((1 << self.bits) - 1)
        return np.where(self.is_signed & (found >> self.bits - 1 == 1), found - (1 << self.bits), found)


@dataclass(frozen=True)
class ImageFile:
    """A program's image.

    ``outputs`` is the number of each output's events; ``places`` is for each neuron what is added to a register's
    address; ``registers`` has the current, where there is one, and the potential; ``words`` has (address, words from
    there on).
    """

    identity: bytes
    n_inputs: int
    outputs: Integers
    places: Integers
    registers: dict[str, Register]
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


def read_image(path: Path) -> ImageFile:
    """Read an image: a line ``// {JSON}``, then addresses (``@`` and hexadecimal digits) and words."""
    with reading(path):
        first, *lines = path.read_text(encoding="ascii").splitlines()
        about = json.loads(first.removeprefix("//"))
        parts: list[tuple[int, list[int]]] = []
        for text in " ".join(line.partition("//")[0] for line in lines).split():
            if text.startswith("@"):
                parts.append((int(text[1:], 16), []))
            else:
                parts[-1][1].append(int(text, 16))
        return ImageFile(
            identity=bytes.fromhex(about["identity"]),
            n_inputs=int(about["inputs"]),
            outputs=np.array(about["outputs"], dtype=np.int64),
            places=np.array(about["places"], dtype=np.int64),
            registers={name: Register(**about["states"][name]) for name in STATES if name in about["states"]},
            words=tuple((address, tuple(values)) for address, values in parts),
        )


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
                sent, length = under_way.popleft()
                yield self._answer(sent)
                ahead -= length
            self.port.write(frame)
            under_way.append(((command, payload), len(frame)))
            ahead += len(frame)
        for sent, _ in under_way:
            yield self._answer(sent)

    def resynchronise(self) -> None:
        """End whatever frame the board is in the middle of, and discard what it says."""
        self.port.write(bytes(RESYNC_BYTES))
        self.port.timeout = SILENCE_S
        while self.port.read(1 << 12):
            pass
        self.port.timeout = LIMIT_S

    def _answer(self, sent: Command) -> bytes:
        command, payload = sent
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
        raise RunnerError("SNNPROG_SERIAL_PORT is not set; it names the port of the board, such as /dev/ttyUSB1")
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
                    f" {image.identity.hex()}; set SNNPROG_BOARD, and flash what"
                    " 'snnprog export --board' writes"
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
    """The requests for ticks of a program, and the meaning of answers."""

    image: ImageFile
    state: bool

    def commands(self, counts: npt.NDArray[Any]) -> list[Command]:
        """Return the commands of a tick with so many spikes on each line."""
        lines = np.repeat(np.arange(self.image.n_inputs), counts).astype("<u2")
        parts = [
            lines[first : first + EVENTS_IN_FRAME].tobytes() for first in range(0, max(1, lines.size), EVENTS_IN_FRAME)
        ]
        return [*((b"E", part) for part in parts[:-1]), (b"T", parts[-1]), *self._peeks()]

    def _peeks(self) -> Iterator[Command]:
        for register in self.image.registers.values() if self.state else ():
            for first, count in runs_of(np.sort(self.image.places)):
                yield b"P", (register.address + first).to_bytes(3, "little") + bytes([count])

    def answer(self, commands: list[Command], contents: Iterator[bytes]) -> tuple[npt.NDArray[np.uint8], Integers]:
        """Return the spike count of each output, and currents and potentials (2, neurons) if requested."""
        taken = [(command, next(contents)) for command, _ in commands]
        events = b"".join(content[: -len(END_OF_EVENTS)] for command, content in taken if command == b"T")
        spikes = np.frombuffer(events, dtype="<u2")
        unknown = spikes[~np.isin(spikes, self.image.outputs)]
        if unknown.size:
            raise RunnerError(f"the board sent event {unknown[0]}, which is not an output of the program")
        words = np.frombuffer(b"".join(content for command, content in taken if command == b"P"), dtype="<u4")
        states = np.zeros((len(STATES), self.image.places.size if self.state else 0), dtype=np.int64)
        order = np.argsort(self.image.places)
        for register, part in zip(self.image.registers, np.split(words, len(self.image.registers)), strict=True):
            if self.state:
                states[STATES.index(register), order] = self.image.registers[register].values(part)
        counts = np.bincount(spikes, minlength=int(self.image.outputs.max(initial=0)) + 1)
        return counts[self.image.outputs].astype(np.uint8), states


def runs_of(places: Integers) -> Iterator[tuple[int, int]]:
    """Yield the first and the number of places that follow one another, as many at a time as a frame asks for."""
    for run in np.split(places, np.flatnonzero(np.diff(places) != 1) + 1):
        for first in range(0, run.size, WORDS_IN_ANSWER):
            yield int(run[first]), min(WORDS_IN_ANSWER, run.size - first)


def answers(board: Board, ticks: Ticks, steps: Sequence[Step]) -> Iterator[tuple[npt.NDArray[np.uint8], Integers]]:
    """Send steps, and yield what each tick is answered with."""
    commands = [[(REST, b"")] if step is None else ticks.commands(step) for step in steps]
    contents = board.ask(itertools.chain.from_iterable(commands))
    for step, sent in zip(steps, commands, strict=True):
        if step is None:
            next(contents)
        else:
            yield ticks.answer(sent, contents)


def run(board: Board, stimulus: Stimulus, ticks: Ticks) -> dict[str, npt.NDArray[Any]]:
    """Run all patterns, each from rest.

    Returns
    -------
    dict
        ``spikes`` bool (ticks, outputs) and, where the stimulus asks for state, ``currents`` and ``potentials`` int32
        (ticks, neurons) after each tick.
    """
    patterns = np.split(stimulus.raster, np.cumsum(stimulus.lengths)[:-1])
    steps: list[Step] = [step for raster in patterns for step in (None, *raster)]
    found = list(answers(board, ticks, steps))
    spikes = np.array([counts for counts, _ in found], dtype=bool).reshape(len(found), ticks.image.outputs.size)
    if not stimulus.state:
        return {"spikes": spikes}
    states = np.array([each for _, each in found], dtype="<i4").reshape(
        len(found), len(STATES), ticks.image.places.size
    )
    return {"spikes": spikes, "currents": states[:, 0], "potentials": states[:, 1]}


def stream(board: Board, ticks: Ticks, *, source: BinaryIO, sink: BinaryIO) -> None:
    """Answer tick by tick what comes from a pipe, until it ends; commands that come together are sent together."""
    for steps in read_steps(source, ticks.image.n_inputs):
        for counts, states in answers(board, ticks, steps):
            sink.write(counts.tobytes() + states.astype("<i4").tobytes())
        sink.flush()


def read_steps(source: BinaryIO, n_inputs: int) -> Iterator[list[Step]]:
    """Yield the whole steps that a pipe has at a time."""
    got = b""
    while piece := source.read1(PIECE_BYTES):  # type: ignore[attr-defined]
        got += piece
        steps: list[Step] = []
        at = 0
        while at < len(got):
            length = {TICK[0]: 1 + n_inputs, REST[0]: 1}.get(got[at])
            if length is None:
                raise RunnerError(f"the pipe sent {got[at : at + 1]!r}; T or R is allowed")
            if at + length > len(got):
                break
            steps.append(np.frombuffer(got, np.uint8, n_inputs, at + 1) if got[at] == TICK[0] else None)
            at += length
        got = got[at:]
        yield steps
    if got:
        raise RunnerError(f"the pipe ended within a tick, after {len(got)} of its bytes")


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
    image = read_image(Path(arguments[0]).with_suffix(".hex"))
    stimulus = None if is_stream else read_stimulus(Path(arguments[1]), image.n_inputs)
    ticks = Ticks(image, state=len(arguments) == 4 if stimulus is None else stimulus.state)
    with opened(image) as board:
        if stimulus is None:
            print(json.dumps({"versions": versions_of(image)}), flush=True)
            stream(board, ticks, source=sys.stdin.buffer, sink=sys.stdout.buffer)
        else:
            write_result(Path(arguments[2]), run(board, stimulus, ticks), versions_of(image))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except RunnerError as error:
        sys.exit(f"runner.py: {error}")
    except KeyboardInterrupt:
        sys.exit("runner.py: interrupted")
    except Exception as error:
        sys.exit(f"runner.py: {type(error).__name__}: {error}")
