"""Hostile files: good ones with parts exchanged, lied about, blown up, cut or flipped.

`hostile_file` is a function of its seed alone: the same seed is the same folder of files. What is changed is drawn at
every level: the tree of a JSON or TOML text, the header and data of an array, the records of the zip, the bytes.
"""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from cases import random_raster
from made_up_chips import KINDS as KINDS_OF_CHIPS
from made_up_chips import chip_of
from numpy.typing import NDArray

import snnprog as sp
from snnprog.archive import write_archive

KINDS = ("program", "hardware", "shared", "raster", "events", "spec", "result", "backend")
BOMB_BYTES = 40_000
NUMBERS = (-(2**63), -1, 0, 1, 2, 7, 63, 64, 65, 255, 2**16, 2**24 + 1, 2**31, 2**32 - 1, 2**63, 10**30, 10**4000)
WORDS = ("", "\0", "\ud800", "\x1b[2J", "é", "𝔘", "../../x", "/dev/zero", "x" * 3000, "nan", "1-9", "free", "loihi1")
LITERALS = (
    "NaN",
    "-Infinity",
    "1e999",
    "-0.0",
    "1" * 5000,
    '"\\ud800"',
    "[" * 200 + "]" * 200,
    '{"a":1,"a":2}',
    "{",
    "",
)
PIECES = (b"", b"", b"\xff" * 4, b"\0" * 4, b"PK\5\6", b'"', b"\n", b"-", b"9" * 30)
LARGE_ARCHIVE = b"PK\6\6" + bytes(52) + b"PK\6\7" + bytes(16)
HEADERS = (
    b"{'descr': '<i4', 'fortran_order': False, 'shape': (3000000000, 3000000000), }",
    b"{'descr': '<i4', 'fortran_order': True, 'shape': (3, 1), }",
    b"{'descr': '|O', 'fortran_order': False, 'shape': (3,), }",
    b"{'descr': [('a', '<i4'), ('b', '|O')], 'fortran_order': False, 'shape': (3,), }",
    b"{'descr': '<i4', 'fortran_order': False, 'shape': (-3,), }",
    b"{'descr': '<i4', 'fortran_order': False, 'shape': (0, 99999999999), }",
    b"{'descr': '<i4', 'fortran_order': False, 'shape': (3L,), }",
    b"{'descr': '<U1000000000', 'fortran_order': False, 'shape': (1,), }",
    b"{'descr': '\\d', 'fortran_order': False, 'shape': (1,), }",
    b"{'descr': '<i4', 'fortran_order': False, 'shape': (True,), }",
    b"{'descr': '<f8', 'fortran_order': False, 'shape': (1.0,), }",
    b"{'descr': '>i4', 'fortran_order': False, 'shape': (), }",
    b"{'descr': '<M8[s]', 'fortran_order': False, 'shape': (1,), }",
    b"(" * 900,
    b"-" * 3000 + b"1",
    b"[" * 90 + b"]" * 90,
    b"{**1}",
    b"",
)


@dataclass(frozen=True)
class Member:
    """One member of a zip, each of its records free to lie; None is the truth."""

    name: bytes
    content: bytes
    method: int = 0
    flags: int = 0
    crc: int | None = None
    packed_size: int | None = None
    size: int | None = None
    offset: int | None = None
    local_name: bytes | None = None
    extra: bytes = b""
    local_extra: bytes = b""
    comment: bytes = b""
    data: bytes | None = None


@dataclass(frozen=True)
class Ending:
    """The record at the end of a zip; None is the truth."""

    count: int | None = None
    size: int | None = None
    offset: int | None = None
    comment: bytes = b""
    before: bytes = b""


def zip_bytes(members: list[Member], ending: Ending = Ending()) -> bytes:
    """Write a zip that says what it is told to say."""
    body, directory = b"", b""
    for member in members:
        packed = member.content
        if member.method == 8:
            packer = zlib.compressobj(9, zlib.DEFLATED, -15)
            packed = packer.compress(member.content) + packer.flush()
        packed = packed if member.data is None else member.data
        crc = zlib.crc32(member.content) if member.crc is None else member.crc
        sizes = (
            len(packed) if member.packed_size is None else member.packed_size,
            len(member.content) if member.size is None else member.size,
        )
        fields = struct.pack("<HHHHHLLL", 20, member.flags, member.method, 0, 33, crc, *sizes)
        offset = len(body) if member.offset is None else member.offset
        name = member.name if member.local_name is None else member.local_name
        body += b"PK\3\4" + fields + struct.pack("<HH", len(name), len(member.local_extra))
        body += name + member.local_extra + packed
        directory += b"PK\1\2\x14\3" + fields
        directory += struct.pack("<HHHHHLL", len(member.name), len(member.extra), len(member.comment), 0, 0, 0, offset)
        directory += member.name + member.extra + member.comment
    count = (len(members) if ending.count is None else ending.count) & 0xFFFF
    size = len(directory) if ending.size is None else ending.size
    offset = len(body) if ending.offset is None else ending.offset
    end = struct.pack("<HHHHLLH", 0, 0, count, count, size, offset, len(ending.comment))
    return body + directory + ending.before + b"PK\5\6" + end + ending.comment


def members_of(content: bytes) -> list[Member]:
    """Return the members of one of our own archives, whose members are stored."""
    members, place = [], 0
    while content[place : place + 4] == b"PK\3\4":
        size, name_size, extra_size = struct.unpack("<L4xHH", content[place + 18 : place + 30])
        start = place + 30 + name_size + extra_size
        members.append(Member(content[place + 30 : place + 30 + name_size], content[start : start + size]))
        place = start + size
    return members


@dataclass
class Mutator:
    """Changes files at random."""

    random: Random
    changes: list[str] = field(default_factory=list)

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def value(self, depth: int = 0) -> Any:
        """Return something that may stand in JSON."""
        kind = self.random.randrange(9 if depth < 3 else 6)
        if kind == 0:
            return self.random.choice(NUMBERS)
        if kind == 1:
            return self.random.choice(WORDS)
        if kind == 2:
            return self.random.choice([None, True, False, 0.5, -1e308, 5e-324])
        if kind == 3:
            nested: Any = 0
            for _ in range(self.random.choice([3, 30, 150])):
                nested = [nested] if self.chance(0.5) else {"a": nested}
            return nested
        if kind < 6:
            return self.random.randrange(-3, 70)
        if kind < 8:
            return [self.value(depth + 1) for _ in range(self.random.randrange(4))]
        return {self.random.choice(WORDS): self.value(depth + 1) for _ in range(self.random.randrange(3))}

    def tree(self, value: Any) -> Any:
        """Return a JSON value with one place changed."""
        if isinstance(value, dict) and value and self.chance(0.9):
            key = self.random.choice(sorted(value))
            if self.chance(0.15):
                return {name: item for name, item in value.items() if name != key}
            if self.chance(0.1):
                return {**value, self.random.choice(WORDS): self.value()}
            return {**value, key: self.tree(value[key])}
        if isinstance(value, list) and value and self.chance(0.7):
            place = self.random.randrange(len(value))
            return [*value[:place], self.tree(value[place]), *value[place + 1 + self.random.randrange(2) :]]
        return self.value()

    def text(self, content: bytes) -> bytes:
        """Return a JSON text that is changed as a tree, and perhaps as a text."""
        text = json.dumps(self.tree(json.loads(content)))
        if self.chance(0.3):
            at = self.random.choice([i for i, c in enumerate(text) if c in ":,[{"] or [0]) + 1
            text = text[:at] + self.random.choice(LITERALS) + text[at + self.random.randrange(3) :]
        if self.chance(0.05):
            text = self.random.choice(["[", '{"a":', "[{}," * 3]) * self.random.choice([900, 20_000]) + text
        return text.encode("utf-8", "surrogatepass")

    def array(self, content: bytes) -> bytes:
        """Return an array file with another header, other data, or both."""
        length = 10 + struct.unpack("<H", content[8:10])[0]
        header, data = content[10:length], content[length:]
        choice = self.random.randrange(4)
        if choice == 0:
            header = self.random.choice(HEADERS)
        elif choice == 1:
            header = self.splice(header)
        elif choice == 2 and len(data) >= 4:
            place = self.random.randrange(len(data) // 4) * 4
            number = self.random.choice(NUMBERS) % 2**32
            data = data[:place] + struct.pack("<L", number) + data[place + 4 :]
        else:
            data = self.random.choice([b"", data[:-1], data * 2, bytes(len(data)), data + bytes(BOMB_BYTES)])
        version = self.random.choice([b"\1\0"] * 8 + [b"\2\0", b"\3\0", b"\x09\0"])
        size = struct.pack("<L" if version == b"\2\0" else "<H", len(header))
        return content[:6] + version + size + header + data

    def member(self, member: Member) -> Member:
        """Return a member whose records lie."""
        lie = self.random.choice(NUMBERS[:-1]) % 2**32
        small = lie % 2**16
        other = self.random.choice(WORDS).encode("utf-8", "surrogatepass")
        changes: list[dict[str, Any]] = [
            {"method": 8},
            {"method": self.random.choice([1, 8, 9, 12, 14, 93, 99])},
            {"flags": 1 << self.random.randrange(16)},
            {"crc": lie},
            {"packed_size": lie},
            {"size": lie},
            {"size": lie, "packed_size": lie},
            {"offset": lie},
            {"offset": 0},
            {"local_name": other},
            {"name": other, "flags": 0x800},
            {"extra": struct.pack("<HH", self.random.choice([1, 0x7075, small]), self.random.choice([0, 4, 8, small]))},
            {"extra": struct.pack("<HHQQQ", 1, 24, lie, lie, lie), "size": 2**32 - 1, "packed_size": 2**32 - 1},
            {"local_extra": bytes(self.random.choice([1, 4, 100]))},
            {"comment": other[:99]},
            {"content": bytes(BOMB_BYTES * self.random.choice([1, 10, 60])), "method": 8},
            {"method": 8, "data": self.splice(member.content)},
        ]
        return replace(member, **self.random.choice(changes))

    def archive(self, content: bytes) -> bytes:
        """Return an archive that is changed at one to three of its levels."""
        members, ending = members_of(content), Ending()
        for _ in range(self.random.choice([1, 1, 1, 2, 3])):
            place = self.random.randrange(len(members)) if members else 0
            level = self.random.randrange(10)
            if level < 6 and members:
                chosen = members[place]
                if level < 2:
                    chosen = self.member(chosen)
                elif chosen.name.endswith(b".npy") and chosen.content[:6] == b"\x93NUMPY":
                    chosen = replace(chosen, content=self.array(chosen.content))
                elif chosen.content[:1] == b"{":
                    chosen = replace(chosen, content=self._text_or_splice(chosen.content))
                members = [*members[:place], chosen, *members[place + 1 :]]
            elif level == 6:
                members = self._reorder(members, place)
            elif level == 7:
                lie = self.random.choice(NUMBERS[:-1]) % 2**32
                lies: list[dict[str, Any]] = [{"count": lie}, {"size": lie}, {"offset": lie}]
                lies += [{"comment": b"PK\5\6" + bytes(30)}, {"before": LARGE_ARCHIVE}]
                ending = replace(ending, **self.random.choice(lies))
        content = zip_bytes(members, ending)
        return self.splice(content) if self.chance(0.3) else content

    def _text_or_splice(self, content: bytes) -> bytes:
        try:
            return self.text(content)
        except ValueError:
            return self.splice(content)

    def _reorder(self, members: list[Member], place: int) -> list[Member]:
        choice = self.random.randrange(4)
        if choice == 0:
            return members[:place] + members[place + 1 :]
        if choice == 1:
            return [*members, *members[place : place + 1]]
        if choice == 2:
            return members * 7
        self.random.shuffle(members)
        return members

    def splice(self, content: bytes) -> bytes:
        """Return bytes that are flipped, cut, doubled or exchanged in a place or two."""
        for _ in range(self.random.choice([1, 1, 2, 5])):
            at = self.random.randrange(len(content) + 1)
            end = min(len(content), at + self.random.choice([0, 1, 1, 4, 50]))
            number = struct.pack("<L", self.random.choice(NUMBERS[:-1]) % 2**32)
            new = self.random.choice([bytes([self.random.randrange(256)]), content[at:end] * 2, number, *PIECES])
            content = content[:at] if self.chance(0.1) else content[:at] + new + content[end:]
        return content


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False) if value is not None else "nan"


SPEC_TABLE: dict[str, Any] = {
    "chip": "loihi1",
    "delays": [1, 2],
    "recurrent": False,
    "threshold": "free",
    "bias": 0,
    "signs": [1, 0],
    "noise": 0.0,
    "sparse": False,
    "fan_in": 2,
    "weight_bits": 8,
    "weight_limit": 255,
    "window": [0, 0],
    "hidden": 0,
    "dynamics": {"potential_decay": 205, "current_decay": 4095},
    "patterns": [
        {"inputs": "raster.npz:inputs", "targets": "raster.npz:targets", "care": "raster.npz:care", "ticks": 9},
        {"inputs": "events.csv", "targets": "events.csv", "ticks": 9, "n_inputs": 2, "n_outputs": 2, "count": 2},
    ],
}
TOML_WORDS = (
    "threshold" + ".a" * 3000 + " = 1\n",
    "[" + "a." * 2000 + "a]\n",
    "bias = 0x" + "f" * 5000 + "\n",
    "signs = " + "[" * 3000 + "\n",
    'chip = """',
    "noise = nan\n",
    "noise = 1979-05-27T07:32:00Z\n",
    "window = [1, 2]\nwindow = [1, 2]\n",
    "[[patterns]]\n" * 50,
    "\ud800",
)
BACKEND_TEXT = """\
summary = "a stand-in"
semantics = ["loihi1-lif-lava-0.10.0"]
python = "3.10"
timeout_seconds = 60
timeout_seconds_per_tick = 0.5
distributions = {numpy = "1.26.4"}
"""
BACKEND_TABLE: dict[str, Any] = {
    "summary": "a stand-in",
    "semantics": ["loihi1-lif-lava-0.10.0"],
    "python": "3.10",
    "timeout_seconds": 60,
    "timeout_seconds_per_tick": 0.5,
    "distributions": {"numpy": "1.26.4"},
}


def good_program() -> sp.Program:
    """Return a program of every sort of synapse."""
    return sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=2,
        n_neurons=3,
        outputs=[2, 0],
        pre=[0, 1, 2, 3],
        post=[0, 1, 2, 2],
        delay=[1, 3, 1, 2],
        weight=[10, -4, 30, 6],
        exponent=[0, 0, 1, 2],
        threshold=[25, 30, 20],
        current_decay=[4095, 0, 100],
        potential_decay=[163, 0, 4095],
        bias=[0, 16, -1],
        provenance={"snnprog": "0.1", "neurons": [{"output": 0, "status": "exact", "margin": 1.5}, {"output": 1}]},
    )


def good_program_of_a_stranger() -> sp.Program:
    """Return a program for a chip that is not built in."""
    return sp.Program.from_arrays(
        chip=chip_of(KINDS_OF_CHIPS[7]),
        n_inputs=2,
        n_neurons=2,
        pre=[0, 1, 2],
        post=[0, 1, 1],
        weight=[10, -4, 15],
        threshold=[25, 30],
        refractory=[1, 7],
    )


def good_program_of_convolutions() -> sp.Program:
    """Return a program of two convolutions and a synapse."""
    first = sp.Convolution(channels=(1, 2), image=(1, 4), kernel=(1, 2), stride=(1, 2))
    second = sp.Convolution(channels=(2, 1), image=(1, 2), kernel=(1, 2))
    return sp.Program.from_arrays(
        chip="loihi1",
        n_inputs=4,
        n_neurons=5,
        pre=7,
        post=2,
        weight=-9,
        threshold=[25, 30, 20, 20, 131071],
        outputs=[4, 0],
        readout=[0, 0, 0, 0, 1],
        shared=[
            sp.SharedSynapses.of(first, [1, 0, -3, 4], first_pre=0, first_post=0, delay=[1, 1, 2, 2]),
            sp.SharedSynapses.of(second, [5, -6, 7, 8], first_pre=4, first_post=4, exponent=[0, 0, 1, 1]),
        ],
    )


def good_files(folder: Path) -> dict[str, bytes]:
    """Return a good file of each kind, made in a folder."""
    good_program().save(folder / "program.snnp")
    good_program_of_a_stranger().save(folder / "hardware.snnp")
    good_program_of_convolutions().save(folder / "shared.snnp")
    rasters = {name: np.stack([random_raster(i, 9, 2, 0.3) for i in (5, 6)]) for name in ("inputs", "targets", "care")}
    write_archive(folder / "raster.npz", rasters, texts={})
    answer: dict[str, NDArray[np.generic]] = {
        "spikes": random_raster(1, 9, 2, 0.3),
        "currents": np.zeros((9, 3), "<i4"),
        "potentials": np.ones((9, 3), "<i4"),
        "versions": np.array('{"stand-in": "1", "numpy": "2"}'),
    }
    write_archive(folder / "result.npz", answer, texts={})
    events = "pattern,tick,neuron\n" + "".join(f"{i % 2},{i % 9},{i % 2}\n" for i in range(18))
    texts = {"events": events, "spec": _toml_file(SPEC_TABLE), "backend": _toml_file(BACKEND_TABLE)}
    archives = {kind: (folder / name).read_bytes() for kind, name in FILE_NAMES.items() if kind not in texts}
    return archives | {kind: text.encode() for kind, text in texts.items()}


FILE_NAMES = {
    "program": "program.snnp",
    "hardware": "hardware.snnp",
    "shared": "shared.snnp",
    "raster": "raster.npz",
    "events": "events.csv",
    "spec": "SPEC.toml",
    "result": "result.npz",
    "backend": "backend.toml",
}


def hostile_file(kind: str, good: bytes, seed: int) -> bytes:
    """Return a changed copy of a good file of that kind."""
    mutator = Mutator(Random(seed))
    if kind in ("program", "hardware", "shared", "raster", "result"):
        return mutator.splice(good) if mutator.chance(0.25) else mutator.archive(good)
    if kind == "events" or mutator.chance(0.3):
        return _hostile_text(mutator, good)
    table = mutator.tree(SPEC_TABLE if kind == "spec" else BACKEND_TABLE)
    content = _toml_file(table if isinstance(table, dict) else {"chip": table}).encode("utf-8", "surrogatepass")
    return _hostile_text(mutator, content) if mutator.chance(0.2) else content


def _hostile_text(mutator: Mutator, good: bytes) -> bytes:
    lines = good.split(b"\n")
    new = mutator.random.choice(TOML_WORDS + LITERALS + WORDS + tuple(f"{n},0,{n}" for n in NUMBERS))
    lines.insert(mutator.random.randrange(len(lines)), new.encode("utf-8", "surrogatepass"))
    content = b"\n".join(lines)
    return mutator.splice(content) if mutator.chance(0.5) else content


def _toml_file(table: dict[str, Any]) -> str:
    return "".join(f"{json.dumps(key)} = {_toml(value)}\n" for key, value in table.items())
