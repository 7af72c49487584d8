"""A backend folder to try things with: a runner in forty lines that can be told to answer wrongly, or not at all."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
RULE = "loihi1-lif-lava-0.10.0"

DESCRIPTION = """\
summary = "a stand-in"
semantics = ["{rule}"]
python = "{python}"
timeout_seconds = 60
timeout_seconds_per_tick = 0.5

[distributions]
{distributions}
"""

RUNNER = """\
import io, json, os, subprocess, sys, time, zipfile
import numpy as np

program_path, stimulus_path, result_path = sys.argv[1:]
with zipfile.ZipFile(program_path) as archive:
    document = json.loads(archive.read("program.json"))
    p = {name[:-4]: np.load(io.BytesIO(archive.read(name))).astype(int)
         for name in archive.namelist() if name.endswith(".npy")}
with np.load(stimulus_path) as archive:
    stimulus = {name: archive[name] for name in archive.files}
count, inputs = document["n_neurons"], document["n_inputs"]

def rz(x, factor):
    return np.sign(x) * (np.abs(x) * factor >> 12)

records, start = [], 0
for length in stimulus["lengths"].tolist():
    u = v = held = np.zeros(count, int)
    queue = np.zeros((64, count), int)
    for tick in range(start, start + length):
        u = rz(u, 4095 - p["current_decay"]) + (queue[0] << 6)
        v = rz(v, 4096 - p["potential_decay"]) + u + p["bias"]
        v = np.where(held > 0, 0, v)
        s = v COMPARE p["threshold"] << 6
        v = np.where(s, 0, v)
        held = np.where(s, p.get("refractory", 1) - 1, np.maximum(held - 1, 0))
        queue = np.roll(queue, -1, axis=0)
        queue[-1] = 0
        lines = np.concatenate([stimulus["raster"][tick], s])
        for pre, post, delay, weight in zip(p["pre"], p["post"], p["delay"], p["weight"] << p["exponent"]):
            queue[delay - 1, post] += weight * lines[pre]
        records.append((s, u, v))
    start += length
s, u, v = (np.array(column) for column in zip(*records))
answer = {"spikes": s[:, p["outputs"]], "versions": json.dumps({"stand-in": "1", "numpy": np.__version__})}
if stimulus["state"]:
    answer |= {"currents": u.astype("<i4"), "potentials": v.astype("<i4")}
ENDING
"""

FINE = "np.savez(result_path, **answer)"


def write_backend(
    parent: Path,
    name: str,
    ending: str = FINE,
    *,
    compare: str = ">",
    rule: str = RULE,
    python: str = HERE,
    distributions: str = "",
    requirements: str = "",
    gaps: str = "",
) -> None:
    folder = parent / name
    folder.mkdir()
    description = DESCRIPTION.format(rule=rule, python=python, distributions=distributions)
    description += f"\n[gaps]\n{gaps}\n" if gaps else ""
    (folder / "backend.toml").write_text(description, encoding="utf-8")
    (folder / "requirements.txt").write_text(requirements, encoding="utf-8")
    (folder / "runner.py").write_text(RUNNER.replace("COMPARE", compare).replace("ENDING", ending), encoding="utf-8")


def write_wheel(folder: Path, source: str = "ANSWER = 42\n") -> str:
    """Write a package ``tiny_runtime`` 1.0 that pip installs without a network; return the requirement."""
    wheel = folder / "tiny_runtime-1.0-py3-none-any.whl"
    about = "tiny_runtime-1.0.dist-info"
    files = {
        "tiny_runtime/__init__.py": source,
        f"{about}/METADATA": "Metadata-Version: 2.1\nName: tiny-runtime\nVersion: 1.0\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
        archive.writestr(f"{about}/RECORD", "".join(f"{name},,\n" for name in [*files, f"{about}/RECORD"]))
    return f"{wheel}\n"


STREAMING_RUNNER = """\
import io, json, os, sys, time, zipfile
import numpy as np

with zipfile.ZipFile(sys.argv[1]) as archive:
    document = json.loads(archive.read("program.json"))
    p = {name[:-4]: np.load(io.BytesIO(archive.read(name))).astype(int)
         for name in archive.namelist() if name.endswith(".npy")}
assert sys.argv[2:] in (["-", "-"], ["-", "-", "state"])
count, inputs = document["n_neurons"], document["n_inputs"]
questions, answers = sys.stdin.buffer, sys.stdout.buffer

def rz(x, factor):
    return np.sign(x) * (np.abs(x) * factor >> 12)

def say(content):
    answers.write(content)
    answers.flush()

def rest():
    return np.zeros(count, int), np.zeros(count, int), np.zeros(count, int), np.zeros((64, count), int)

ticks = 0
u, v, held, queue = rest()
say(FIRST)
while command := questions.read(1):
    if command == b"R":
        u, v, held, queue = rest()
        continue
    assert command == b"T", command
    lines = np.frombuffer(questions.read(inputs), np.uint8)
    u = rz(u, 4095 - p["current_decay"]) + (queue[0] << 6)
    v = rz(v, 4096 - p["potential_decay"]) + u + p["bias"]
    v = np.where(held > 0, 0, v)
    s = v > p["threshold"] << 6
    v = np.where(s, 0, v)
    held = np.where(s, p.get("refractory", 1) - 1, np.maximum(held - 1, 0))
    queue = np.roll(queue, -1, axis=0)
    queue[-1] = 0
    sent = np.concatenate([lines, s])
    for pre, post, delay, weight in zip(p["pre"], p["post"], p["delay"], p["weight"] << p["exponent"]):
        queue[delay - 1, post] += weight * sent[pre]
    answer = s[p["outputs"]].astype(np.uint8).tobytes()
    if "state" in sys.argv:
        answer += u.astype("<i4").tobytes() + v.astype("<i4").tobytes()
    ticks += 1
    ANSWER
"""
VERSIONS = """b'{"versions": {"stand-in": "2"}}\\n'"""


def write_streaming_backend(parent: Path, name: str, answer: str = "say(answer)", *, first: str = VERSIONS) -> None:
    """Write a folder whose runner streams, and does nothing else."""
    write_backend(parent, name)
    with (parent / name / "backend.toml").open("r+", encoding="utf-8") as file:
        description = file.read()
        file.seek(0)
        file.write("stream = true\n" + description)
    runner = STREAMING_RUNNER.replace("ANSWER", answer).replace("FIRST", first)
    (parent / name / "runner.py").write_text(runner, encoding="utf-8")
