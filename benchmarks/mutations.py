"""Mutated files of every format that is read: what came of each, and what it cost.

Each kind is read by a process of its own, with a limit on its memory; a file that kills it or takes too long is
counted, and the next process goes on behind it. Each file must be read, or refused by one sentence of a named error,
and keep to a ceiling of memory and processor time per byte. Whatever else happens is a defect, and is printed with the
seed that makes the file again.

HDF5 files are mutated in two ways: through the library, so that they stay whole, and in their bytes. With the second
the library may crash or hang, as the process that reads in the package may: only what a process of its own costs is
omitted here, and is counted as "crashed in the reader". Some of these files are also read as users read them.

The files are those of the suite (``tests/hostile_files.py``, ``tests/hostile_hdf5.py``).
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import resource
import subprocess
import sys
import tempfile
import threading
import time
import tracemalloc
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import hostile_files
import hostile_hdf5
from hostile_readers import HDF5_READERS, READERS, is_refused

import snnprog as sp
from snnprog.archive import DEFLATE_RATIO, SMALL_BYTES

WHOLE, DAMAGED, AS_USERS = " whole", " damaged", " as users read it"
KINDS = (
    *hostile_files.KINDS,
    *(kind + way for way in (WHOLE, DAMAGED, AS_USERS) for kind in hostile_hdf5.KINDS),
)
# A small file may unpack to 16 MiB, of which a reader holds a few copies at once.
MEMORY_BYTES, MEMORY_RATIO = 4 * SMALL_BYTES, 4 * DEFLATE_RATIO
SECONDS, SECONDS_PER_BYTE = 1.0, 1e-4  # processor time, with the memory being traced
PROCESS_BYTES = 1 << 30
STUCK_SECONDS = 60.0
AS_USERS_SHARE = 50  # a process starts for each of these files


@dataclass
class Outcomes:
    """What came of the files of one kind.

    Attributes
    ----------
    counts : Counter
        "read", the names of errors that refuse, "crashed in the reader".
    defects : list of str
        What was wrong, with the seed.
    seconds, peak : float, int
        The most processor time and memory that one file took.
    """

    counts: Counter[str] = field(default_factory=Counter)
    defects: list[str] = field(default_factory=list)
    seconds: float = 0.0
    peak: int = 0


def mutated(kind: str, good: bytes, seed: int) -> bytes:
    """Return the file that a seed makes of a good one."""
    if kind in hostile_files.KINDS:
        return hostile_files.hostile_file(kind, good, seed)
    if kind.endswith(WHOLE):
        return hostile_hdf5.hostile_hdf5(good, seed)
    mutator = hostile_files.Mutator(Random(seed))
    return good[:8] + mutator.splice(good[8:])  # keep the signature, so that it is still read as HDF5


def place_of(kind: str, folder: Path) -> tuple[Path, bytes]:
    """Return where the files of a kind are to be put, with what else they need beside them, and a good one."""
    if kind in hostile_files.KINDS:
        good = hostile_files.good_files(folder)
        for name, content in good.items():
            (folder / hostile_files.FILE_NAMES[name]).write_bytes(content)
        for name in ("runner.py", "requirements.txt"):
            (folder / name).touch()
        os.environ["SNNPROG_BACKENDS"] = str(folder.parent)
        return folder / hostile_files.FILE_NAMES[kind], good[kind]
    name = kind.partition(" ")[0]
    return folder / hostile_hdf5.FILE_NAMES[name], hostile_hdf5.good_hdf5(folder)[name]


def outcome_of(kind: str, path: Path) -> str:
    """Return what comes of a file: "read", or the name of the error that refuses it; raise whatever else comes."""
    name = kind.partition(" ")[0]
    if kind.endswith(AS_USERS):
        return "FormatError" if is_refused(name, path) else "read"
    read, refusals = (READERS if kind in READERS else HDF5_READERS)[name]
    try:
        read(path)
    except refusals as error:
        text = str(error)
        if not text or not all(character.isprintable() or character in "\n\t" for character in text):
            raise AssertionError(f"the sentence is {text!r}") from error
        return type(error).__name__
    except Exception as error:
        if kind.endswith(DAMAGED) and not isinstance(error, sp.SnnprogError):
            return "refused by the library"  # which the reader's process turns into one sentence
        raise
    return "read"


def work(kind: str, first: int, last: int) -> None:
    """Read the files of some seeds, and print a line of JSON before and after each."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    mapped = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (mapped + PROCESS_BYTES, mapped + PROCESS_BYTES))
    warnings.simplefilter("ignore")
    tracemalloc.start()
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "hostile"
        folder.mkdir()
        path, good = place_of(kind, folder)
        for seed in range(first, last):
            content = mutated(kind, good, seed)
            path.write_bytes(content)
            tracemalloc.reset_peak()
            held, begun = tracemalloc.get_traced_memory()[0], time.process_time()
            try:
                outcome, defect = outcome_of(kind, path), ""
            except Exception as error:
                outcome, defect = "defect", f"{type(error).__name__}: {error}"[:300]
            seconds = time.process_time() - begun
            peak = tracemalloc.get_traced_memory()[1] - held
            if peak > MEMORY_BYTES + MEMORY_RATIO * len(content) or seconds > SECONDS + SECONDS_PER_BYTE * len(content):
                defect = defect or f"{peak} bytes and {seconds:.1f} s for {len(content)} bytes"
            print(json.dumps([seed, outcome, defect, seconds, peak]), flush=True)


def lines_of(kind: str, first: int, last: int) -> Iterator[str | None]:
    """Yield what a process prints about some seeds, and None at the end where it got stuck."""
    command = [sys.executable, __file__, "--work", kind, "--seeds", str(first), str(last)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def pass_on() -> None:
        for line in process.stdout or ():
            lines.put(line)
        lines.put("")

    thread = threading.Thread(target=pass_on, daemon=True)
    thread.start()
    try:
        while line := lines.get(timeout=STUCK_SECONDS):
            yield line
    except queue.Empty:
        yield None
    finally:
        process.kill()
        process.wait()
        thread.join()
        process.stdout.close()


def outcomes_of(kind: str, first: int, last: int) -> Outcomes:
    """Read the files of some seeds in processes of their own; each that ends early is followed by another."""
    found, next_seed = Outcomes(), first
    while next_seed < last:
        is_stuck = False
        for line in lines_of(kind, next_seed, last):
            if line is None:
                is_stuck = True
                break
            seed, outcome, defect, seconds, peak = json.loads(line)
            next_seed = seed + 1
            found.counts[outcome] += 1
            found.seconds, found.peak = max(found.seconds, seconds), max(found.peak, peak)
            if defect:
                found.defects.append(f"seed {seed}: {defect}")
        if next_seed < last:
            how = f"took more than {STUCK_SECONDS:.0f} s" if is_stuck else "ended its process"
            if kind.endswith(DAMAGED):
                found.counts["crashed in the reader"] += 1
            else:
                found.defects.append(f"seed {next_seed}: it {how}")
            next_seed += 1
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line, and print a line per kind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=200_000, help="number of files of all kinds together")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--kinds", nargs="*", default=list(KINDS), help="which kinds; all by default")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    parser.add_argument("--seeds", type=int, nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.work:
        work(given.work, *given.seeds)
        return
    total: Counter[str] = Counter()
    cheap = [kind for kind in given.kinds if not kind.endswith(AS_USERS)]
    for kind in given.kinds:
        share = AS_USERS_SHARE if kind.endswith(AS_USERS) else 1
        files = max(given.files // max(len(cheap), 1) // share, 1)
        found = outcomes_of(kind, given.first, given.first + files)
        counts = ", ".join(f"{count} {outcome}" for outcome, count in found.counts.most_common())
        print(f"{kind}: {counts}; at most {found.seconds:.2f} s and {found.peak / 2**20:.1f} MiB", flush=True)
        for defect in found.defects[:20]:
            print(f"    {defect}", flush=True)
        total.update({"files": files, "defects": len(found.defects)})
    print(f"{total['files']} files, {total['defects']} defects")
    if total["defects"]:
        sys.exit(1)


if __name__ == "__main__":
    main()
