"""Journals: equal bytes with and without, nothing twice, kills at any time, and damage in one sentence."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import FILES, Command
from processes import wait_until

import snnprog as sp
from snnprog import cli
from snnprog.chips import find_chip
from snnprog.conflict import Conflict, PricedBin
from snnprog.journal.values import Hasher, decoded, encoded
from snnprog.network import Neuron
from snnprog.processes.workers import Workers
from snnprog.rules.expressions import End, Hold, Ref
from snnprog.rules.linear import LinearRule

OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "windows": {"window": (0, 1)},
    "few bits": {"weight_bits": 2},
    "hidden": {"weight_bits": 3, "hidden": "auto"},
    "recurrent": {"recurrent": True},
}


def spec(seed: int = 0, outputs: int = 3, **options: Any) -> sp.Spec:
    generator = np.random.default_rng(seed)
    inputs, targets = generator.random((60, 12)) < 0.1, generator.random((60, outputs)) < 0.1
    targets[:5] = False
    return sp.Spec([sp.Pattern(inputs, targets)], range(1, 9), **options)


def compiled(folder: Path, each: sp.Spec, **options: Any) -> bytes:
    sp.compile(each, on_infeasible="closest", **options).program.save(folder / "p.snnp")
    return (folder / "p.snnp").read_bytes()


def rows_of(journal: Path) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(journal / "journal.sqlite")) as connection:
        return connection.execute("SELECT job, step, verdict, finished FROM results ORDER BY job").fetchall()


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_the_program_is_the_same_and_nothing_is_done_twice(tmp_path: Path, options: dict[str, Any]) -> None:
    journal = tmp_path / "new" / "journal"
    alone = compiled(tmp_path, spec(**options))
    assert compiled(tmp_path, spec(**options), journal=journal) == alone
    rows = rows_of(journal)
    assert len(rows) >= 3
    assert compiled(tmp_path, spec(**options), journal=str(journal)) == alone
    assert rows_of(journal) == rows


def test_processes_continue_a_journal(tmp_path: Path) -> None:
    alone = compiled(tmp_path, spec(outputs=5))
    with Workers(2) as workers:
        for number, executor in enumerate((None, workers)):
            journal = tmp_path / str(number)
            assert compiled(tmp_path, spec(outputs=5), executor=executor, journal=journal) == alone
            with closing(sqlite3.connect(journal / "journal.sqlite")) as connection, connection:
                connection.execute("DELETE FROM results WHERE rowid % 2 = 0")
            kept = rows_of(journal)
            assert compiled(tmp_path, spec(outputs=5), executor=workers, journal=journal) == alone
            assert set(kept) < set(rows_of(journal))


KILLED = """
import sys, threading, time
import numpy as np
import snnprog as sp
from test_journal import spec
if __name__ == "__main__":
    sp.compile(spec(outputs=12, weight_bits=3), on_infeasible="closest", journal=sys.argv[1]).program.save(sys.argv[2])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="processes are killed by a signal")
def test_kills_at_any_moment_lose_nothing_that_is_finished(tmp_path: Path) -> None:
    """Kill a compilation again and again, each time after another finished neuron; the last run ends."""
    journal, program = tmp_path / "journal", tmp_path / "there.snnp"
    words = [sys.executable, "-c", KILLED, str(journal), str(program)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    kept: set[tuple[Any, ...]] = set()
    for wanted in (1, 6):
        process = subprocess.Popen(words, env=environment)
        assert wait_until(partial(has_advanced, journal, wanted, process))
        process.kill()
        process.wait()
        rows = set(rows_of(journal))
        assert kept <= rows
        assert len(rows) >= wanted
        kept = rows
    subprocess.run(words, env=environment, check=True)
    assert kept <= set(rows_of(journal))
    assert program.read_bytes() == compiled(tmp_path, spec(outputs=12, weight_bits=3))


def has_advanced(journal: Path, results: int, process: subprocess.Popen[bytes]) -> bool:
    return finished(journal) >= results or process.poll() is not None


def finished(journal: Path) -> int:
    try:
        return sum(count for each in sp.read_journal(journal).steps for _, count in each.verdicts)
    except sp.FormatError:  # nothing is there yet
        return 0


def test_what_a_time_limit_decides_is_not_recorded(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    with pytest.raises(sp.UndecidedError):
        sp.compile(spec(), time_limit_s=1e-6, journal=journal)
    assert rows_of(journal) == []
    assert compiled(tmp_path, spec(), journal=journal) == compiled(tmp_path, spec())


# ---------------- progress


def test_progress_shows_steps_and_verdicts(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    compiled(tmp_path, spec(), journal=journal)
    progress = sp.read_journal(journal)
    (design,) = progress.steps
    assert (progress.spec, progress.chip, progress.seed) == (spec().digest(), "loihi1", 0)
    assert (design.step, design.jobs, design.done, design.left_s) == ("design", 3, 3, 0.0)
    assert design.verdicts == (("designed", 3),)
    assert design.seconds > 0.0
    with closing(sqlite3.connect(journal / "journal.sqlite")) as connection, connection:
        connection.execute("UPDATE steps SET jobs = 9, begun = begun - 60")
    (design,) = sp.read_journal(journal).steps
    assert (design.jobs, design.done) == (9, 3)
    assert design.left_s == pytest.approx(120, abs=30)
    assert "design: 3 of 9 done, about 1" in repr(progress.steps[0]) + sp.read_journal(journal).in_words()


def test_a_resumed_run_counts_what_it_found(tmp_path: Path) -> None:
    for _ in range(2):
        compiled(tmp_path, spec(), journal=tmp_path / "journal")
    (design,) = sp.read_journal(tmp_path / "journal").steps
    assert (design.jobs, design.done, design.verdicts) == (3, 3, (("designed", 3),))


def test_commands(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(FILES, tmp_path / "files")
    monkeypatch.chdir(tmp_path / "files")
    line = ("compile", "SPEC.toml", "-o", "p.snnp", "--journal", "kept")
    code, _, err = command(*line)
    assert (code, err) == (cli.EXACT, "")
    code, out, _ = command("journal", "kept")
    assert code == cli.EXACT
    assert re.search(r"on loihi1, seed 0; snnprog .*\ndesign: 1 of 1 done \(1 designed\)", out)
    told = json.loads(command("journal", "kept", "--json")[1])
    assert told == {**sp.read_journal("kept").as_dict(), "changed": told["changed"]}
    code, _, err = command(*line, "--seed", 1)
    assert code == cli.BAD_USAGE
    assert err == "snnprog: the journal kept is of another seed (0 instead of 1); give another folder, or delete it\n"
    code, _, err = command("journal", "nothing")
    assert (code, err) == (
        cli.BAD_USAGE,
        "snnprog: nothing has no journal; compile with journal='nothing' or --journal first\n",
    )


# ---------------- refusals


@pytest.mark.parametrize(
    ("other", "options", "said"),
    [
        (spec(1), {}, r"another spec \([0-9a-f]{12}… instead of [0-9a-f]{12}…\)"),
        (spec(weight_bits=7), {}, "another spec"),
        (spec(), {"seed": 5}, r"another seed \(0 instead of 5\)"),
        (spec(chip=replace(find_chip("loihi1"), name="other")), {}, "another (spec|chip)"),
    ],
)
def test_a_journal_of_something_else(tmp_path: Path, other: sp.Spec, options: dict[str, Any], said: str) -> None:
    compiled(tmp_path, spec(), journal=tmp_path / "journal")
    with pytest.raises(sp.FormatError, match=f"the journal .* is of {said}.*; give another folder, or delete it"):
        sp.compile(other, journal=tmp_path / "journal", **options)


def test_a_journal_of_another_version(tmp_path: Path) -> None:
    compiled(tmp_path, spec(), journal=tmp_path / "journal")
    with closing(sqlite3.connect(tmp_path / "journal" / "journal.sqlite")) as connection, connection:
        connection.execute("UPDATE about SET value = replace(value, 'snnprog ', 'snnprog 9') WHERE key = 'versions'")
    with pytest.raises(sp.FormatError, match=r"is of another version \(snnprog 9.* instead of snnprog "):
        sp.compile(spec(), journal=tmp_path / "journal")


def damage(path: Path, kind: str) -> None:
    if kind == "text":
        path.write_bytes(b"not a journal" * 1000)
        return
    statements = {
        "checksum": "UPDATE results SET content = CAST(content || x'00' AS BLOB)",
        "content": "UPDATE results SET content = x'00', checksum = x'6e340b9cffb37a989ca544e6bb780a2c"
        "78901d3fb33738768511a30617afa01d'",
        "kind": "UPDATE results SET content = 'text'",
        "table": "DROP TABLE results",
        "other table": "DROP TABLE results; CREATE TABLE results (job BLOB)",
        "about": "DELETE FROM about",
        "json": "UPDATE about SET value = '{'",
    }
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(statements[kind])


@pytest.mark.parametrize("kind", ["text", "checksum", "content", "kind", "other table", "json"])
def test_a_damaged_journal_is_one_sentence(tmp_path: Path, kind: str) -> None:
    journal = tmp_path / "journal"
    compiled(tmp_path, spec(), journal=journal)
    damage(journal / "journal.sqlite", kind)
    with pytest.raises(sp.FormatError, match=r"the journal .*journal.sqlite is damaged \(.*\); delete it, or give"):
        sp.compile(spec(), journal=journal)


@pytest.mark.parametrize("kind", ["text", "table", "other table", "about", "json"])
def test_a_damaged_journal_that_is_read_is_one_sentence(tmp_path: Path, kind: str) -> None:
    journal = tmp_path / "journal"
    compiled(tmp_path, spec(), journal=journal)
    damage(journal / "journal.sqlite", kind)
    with pytest.raises(sp.FormatError, match=r"the journal .*journal.sqlite is damaged \(.*\); delete it, or give"):
        sp.read_journal(journal)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(sp.FormatError, match=r"the journal .*file is a file; name a folder"):
        sp.compile(spec(), journal=tmp_path / "file")
    with pytest.raises(sp.FormatError, match=r"the journal .*within cannot be created: Not a directory"):
        sp.compile(spec(), journal=tmp_path / "file" / "within")


# ---------------- values

NEURON = Neuron(np.array([[0.1, -0.0], [np.inf, 5e-324]]), 1.5, 0.0, 2, 0.7, 1.0, np.arange(11) % 3 == 0)
VALUES = [
    None,
    True,
    -(1 << 200),
    -0.0,
    float("inf"),
    "text ✓",
    b"\0bytes",
    Fraction(1, 3),
    (),
    (1, [2, (3,)], frozenset({4, 5})),
    {"a": 1, 2: {"b": None}},
    np.float64(0.1),
    Conflict(0, 1, 2, "because", (PricedBin(0, 1, True, 10**30),), True),
    LinearRule(current=Fraction(1, 2), potential=Fraction(3, 4), gain=Fraction(1), unit=64),
    Hold(Ref("potential"), 0, 3, End.WRAP),
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_values_come_back(value: object) -> None:
    again = decoded(encoded(value))
    assert again == value
    assert type(again) is type(value)
    assert encoded(again) == encoded(value)


@pytest.mark.parametrize("dtype", ["?", "i1", "u2", "<i8", "<f4", "<f8"])
@pytest.mark.parametrize("shape", [(), (0,), (0, 3), (11,), (3, 5), (2, 1, 9)])
def test_arrays_come_back(dtype: str, shape: tuple[int, ...]) -> None:
    array = np.asarray((np.random.default_rng(0).random(shape) * 3).astype(dtype))
    again = decoded(encoded(array))
    assert again.dtype == array.dtype
    assert again.shape == shape
    assert np.array_equal(again, array)
    assert encoded(array.copy(order="F")) == encoded(array)


def test_a_neuron_comes_back() -> None:
    again = decoded(encoded(NEURON))
    assert isinstance(again, Neuron)
    assert again.weights.tobytes() == NEURON.weights.tobytes()
    assert np.array_equal(again.raster, NEURON.raster)


def test_no_bytes_are_believed() -> None:
    content = encoded(NEURON)
    for cut in range(0, len(content), 7):
        with pytest.raises(ValueError, match="an entry"):
            decoded(content[:cut])
    for odd in (
        b"x",
        content + b"N",
        encoded(NEURON).replace(b"Neuron", b"Netron"),
        content.replace(b"snnprog.n", b"builtins."),
    ):
        with pytest.raises(ValueError, match="an entry"):
            decoded(odd)
    with pytest.raises(TypeError, match="an object cannot be written"):
        encoded(object())


def test_hashes_tell_values_apart() -> None:
    values = [*VALUES, 1, 1.0, "1", b"1", (1,), [1], np.ones(1), np.ones(1, np.int8), np.ones((1, 1)), ((), ()), ((),)]
    assert len({Hasher().hash_of(value) for value in values}) == len(values)
    assert Hasher().hash_of(NEURON) == Hasher().hash_of(replace(NEURON, weights=NEURON.weights.copy()))
    assert Hasher().hash_of(NEURON) != Hasher().hash_of(replace(NEURON, exponent=3))
